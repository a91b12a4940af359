//! What commands need before they can work: passwords of the vault, hosts, variables, the loader.

use std::{
    path::{Path, PathBuf},
    sync::Arc,
};

use super::{Session, extra_vars, flags};
use crate::{
    config::{Settings, System, expand_path, options},
    diagnostic::{Error, Kind, Result},
    inventory::{Inventory, Rules},
    playbook::{
        Loader, LoaderConfig,
        load::{ImportTemplar, LoadSettings},
        tags::Selection,
    },
    template::{self, Environment, RenderOptions, Scope, Templar},
    terminal,
    value::{Decrypt, Value},
    vars::{self, FactCache, PlayView, RunOptions, World},
    vault::{Sources, Vault},
    yaml::Duplicates,
};

/// What a run stands on. Cloning gives the same ground.
#[derive(Clone)]
pub struct Ground {
    /// All hosts.
    pub inventory: Arc<Inventory>,
    /// Variables and facts.
    pub world: Arc<World>,
    /// Settings of templates.
    pub templates: Arc<Environment>,
    /// Reads playbooks.
    pub loader: Arc<Loader>,
}

/// What a command's flags say of it.
pub struct Wishes<'a> {
    /// Vault passwords.
    pub vault: &'a flags::Vault,
    /// Inventory and limit.
    pub hosts: &'a flags::Hosts,
    /// `-e`.
    pub variables: &'a flags::Variables,
    /// `-M`.
    pub modules: &'a flags::Modules,
    /// What variables tell of the run; inventory, limit, verbosity and file are added.
    pub run: RunOptions,
    /// Whether tasks are listed only.
    pub listing: bool,
}

impl Ground {
    /// Asks for vault passwords, reads inventory and extra variables.
    ///
    /// # Errors
    /// Whatever of these cannot be read.
    pub fn lay(session: &Session, wishes: Wishes<'_>) -> Result<Self> {
        let settings = &session.settings;
        let vault = load_vault(session, wishes.vault)?;
        let sources = inventory_sources(settings, wishes.hosts);
        let mut rules = Rules::from_settings(settings)?;
        let extra = extra_vars::load(
            &wishes.variables.extra_vars,
            &vault,
            rules.merge,
            rules.duplicate_keys,
            &*session.notices(),
        )?;
        rules.extra_vars = extra.clone();
        let inventory = Arc::new(Inventory::load(
            sources.clone(),
            rules,
            Arc::clone(&vault),
            session.notices(),
        )?);
        let run = RunOptions {
            sources,
            limit: wishes.hosts.limit.clone(),
            verbosity: session.verbosity,
            config_file: settings.file().map(Path::to_path_buf),
            ..wishes.run
        };
        let options = vars::Options {
            fact_cache: FactCache::from_settings(settings, &System, &session.notices())
                .map(Arc::new),
            ..vars::Options::from_settings(settings, run)
        };
        let world = World::new(Arc::clone(&inventory), extra, options, session.notices());
        let templates = environment(session, &inventory, &world, &vault);
        let loader =
            Arc::new(loader(session, wishes.modules, wishes.listing, &world, &templates, vault)?);
        Ok(Self { inventory, world, templates, loader })
    }
}

/// Reads the vault passwords that flags and settings name.
fn load_vault(session: &Session, flags: &flags::Vault) -> Result<Arc<Vault>> {
    let settings = &session.settings;
    let vault =
        Arc::new(Vault::new(settings.get(&options::DEFAULT_VAULT_ID_MATCH), session.notices()));
    let notices = session.notices();
    sources(settings, flags)
        .load(&vault, &System, &*notices, &mut |prompt| terminal::secret(prompt))?;
    Ok(vault)
}

/// The sources of vault passwords that flags and settings name.
pub fn sources(settings: &Settings, flags: &flags::Vault) -> Sources {
    let mut ids = settings.get(&options::DEFAULT_VAULT_IDENTITY_LIST);
    ids.extend(flags.vault_ids.iter().cloned());
    let mut files = flags.vault_password_files.clone();
    let configured = settings.get(&options::DEFAULT_VAULT_PASSWORD_FILE);
    files.extend(configured.map(|p| p.display().to_string()));
    Sources {
        ids,
        files,
        ask: flags.ask_vault_pass || settings.get(&options::DEFAULT_ASK_VAULT_PASS),
        ask_by_default: false,
        new_password: false,
        default_id: settings.get(&options::DEFAULT_VAULT_IDENTITY),
    }
}

/// The inventory sources that flags and settings name.
fn inventory_sources(settings: &Settings, flags: &flags::Hosts) -> Vec<String> {
    if flags.inventory.is_empty() {
        let configured = settings.get(&options::DEFAULT_HOST_LIST);
        return configured.iter().map(|p| p.display().to_string()).collect();
    }
    let absolute = |source: &String| {
        if source.contains(',') {
            return source.clone();
        }
        expand_path(source, None, &System).display().to_string()
    };
    flags.inventory.iter().map(absolute).collect()
}

/// The tags that flags and settings select.
pub fn selection(settings: &Settings, only: &[String], skip: &[String]) -> Selection {
    let split = |configured: Vec<String>, given: &[String]| {
        let mut tags: Vec<String> = Vec::new();
        for set in configured.iter().chain(given) {
            for tag in set.split(',').map(str::trim) {
                if !tags.iter().any(|t| t == tag) {
                    tags.push(tag.to_owned());
                }
            }
        }
        tags
    };
    let mut only = split(settings.get(&options::TAGS_RUN), only);
    if only.is_empty() {
        only.push("all".to_owned());
    }
    Selection { only, skip: split(settings.get(&options::TAGS_SKIP), skip) }
}

fn environment(
    session: &Session,
    inventory: &Arc<Inventory>,
    world: &Arc<World>,
    vault: &Arc<Vault>,
) -> Arc<Environment> {
    let settings = &session.settings;
    let null = settings.get(&options::DEFAULT_NULL_REPRESENTATION);
    Environment::new(
        template::Settings {
            native: settings.get(&options::DEFAULT_JINJA2_NATIVE),
            extensions: settings.get(&options::DEFAULT_JINJA2_EXTENSIONS),
            fail_on_undefined: settings.get(&options::DEFAULT_UNDEFINED_VAR_BEHAVIOR),
            null_representation: null.map_or(Value::None, Value::from),
            allow_unsafe_lookups: settings.get(&options::DEFAULT_ALLOW_UNSAFE_LOOKUPS),
            string_filters: settings.get(&options::STRING_TYPE_FILTERS),
            managed: settings.get(&options::DEFAULT_MANAGED_STR),
            basedir: crate::playbook::load::paths::working_folder(),
        },
        session.notices(),
        Some(Arc::clone(vault) as Arc<dyn Decrypt>),
        Arc::new(Asked { settings: Arc::clone(settings), inventory: Arc::clone(inventory) }),
        Arc::clone(world.omit()),
    )
}

/// What lookups ask of settings and inventory.
struct Asked {
    settings: Arc<Settings>,
    inventory: Arc<Inventory>,
}

impl template::World for Asked {
    fn config(&self, option: &str) -> Result<Option<Value>> {
        match options::base().find(|spec| spec.name == option) {
            Some(spec) => Ok(Some(self.settings.setting(spec)?.value.clone())),
            None => Ok(None),
        }
    }

    fn plugin_config(
        &self,
        kind: &str,
        plugin: &str,
        option: &str,
        variable: &dyn Fn(&str) -> Option<Value>,
    ) -> Result<Option<Value>> {
        let short = plugin.rsplit('.').next().unwrap_or(plugin);
        let mut known =
            options::of_plugins().filter(|s| s.plugin == Some((kind, short))).peekable();
        if known.peek().is_none() {
            let text = format!("Unable to load {kind} plugin \"{plugin}\"");
            return Err(Error::new(Kind::NotFound, text));
        }
        let Some(spec) = known.find(|s| s.name == option) else { return Ok(None) };
        self.settings.resolve_with(spec, variable, |_| None, &System).map(Some)
    }

    fn hosts(&self, patterns: &[String]) -> Result<Vec<String>> {
        let hosts = self.inventory.select_unlimited(patterns)?;
        Ok(hosts.iter().map(ToString::to_string).collect())
    }
}

/// Renders while playbooks are loaded.
struct Importing(Arc<Environment>);

impl ImportTemplar for Importing {
    fn template(&self, value: &Value, scope: Arc<dyn Scope>) -> Result<Value> {
        Templar::new(Arc::clone(&self.0), scope).render(value, &RenderOptions::default())
    }

    fn is_template(&self, text: &str) -> bool {
        let nothing = Arc::new(vars::Stack::new());
        Templar::new(Arc::clone(&self.0), nothing).is_template(&Value::str(text))
    }
}

fn loader(
    session: &Session,
    modules: &flags::Modules,
    listing: bool,
    world: &Arc<World>,
    templates: &Arc<Environment>,
    vault: Arc<Vault>,
) -> Result<Loader> {
    let settings = &session.settings;
    let given = modules.module_path.iter().rev().flat_map(|paths| paths.split(':'));
    let given = given.filter(|p| !p.is_empty()).map(|p| expand_path(p, None, &System));
    let library: Vec<PathBuf> = given.chain(settings.get(&options::DEFAULT_MODULE_PATH)).collect();
    let world = Arc::clone(world);
    let rejected = super::plugin_filters::rejected(settings, &*session.notices())?;
    Ok(Loader::new(LoaderConfig {
        settings: LoadSettings {
            roles_path: settings.get(&options::DEFAULT_ROLES_PATH),
            collections_paths: settings.get(&options::COLLECTIONS_PATHS),
            library,
            invalid_task_attribute_failed: settings.get(&options::INVALID_TASK_ATTRIBUTE_FAILED),
            duplicate_keys: Duplicates::from_word(&settings.get(&options::DUPLICATE_YAML_DICT_KEY)),
            private_role_vars: settings.get(&options::DEFAULT_PRIVATE_ROLE_VARS),
            actions: settings.get(&options::DEFAULT_ACTION_PLUGIN_PATH),
            rejected,
            listing,
        },
        templar: Arc::new(Importing(Arc::clone(templates))),
        vault,
        world: Box::new(move |basedir: &Path| {
            world.play_stack(&Arc::new(PlayView::new("", basedir, Vec::new())))
        }),
        notices: session.notices(),
    }))
}
