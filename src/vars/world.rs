//! Everything that variables come from below a play, shared by the whole run.

use std::{
    collections::HashMap,
    hash::{BuildHasher, RandomState},
    path::{Path, PathBuf},
    sync::{Arc, OnceLock},
};

use parking_lot::{Mutex, RwLock};

use super::{FactCache, Layer, PlayView, RunOptions, Stack, facts::Facts, magic::Magic};
use crate::{
    config::{Settings, options},
    diagnostic::{Notices, Result},
    inventory::{Inventory, merge},
    value::{Dict, Value},
};

/// Where `group_vars/` and `host_vars/` of plays are looked for (`playbook_vars_root`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum VarsRoot {
    /// In the playbook's folder.
    #[default]
    Top,
    /// In the first folder of the task's search path.
    Bottom,
    /// In every folder of the task's search path.
    All,
}

impl VarsRoot {
    /// The setting's value.
    pub fn from_settings(settings: &Settings) -> Self {
        match &*settings.get(&options::PLAYBOOK_VARS_ROOT) {
            "all" => Self::All,
            "bottom" => Self::Bottom,
            _ => Self::Top,
        }
    }
}

/// The settings that variables go by.
#[derive(Clone, Debug)]
pub struct Options {
    /// `hash_behaviour = merge`.
    pub merge: bool,
    /// `inject_facts_as_vars`.
    pub inject_facts: bool,
    /// `playbook_vars_root`.
    pub vars_root: VarsRoot,
    /// What `ansible_playbook_python` says.
    pub python: Arc<str>,
    /// How this run was started.
    pub run: RunOptions,
    /// Where facts are kept from run to run.
    pub fact_cache: Option<Arc<FactCache>>,
}

impl Options {
    /// The options that settings make, for a run that was started so.
    pub fn from_settings(settings: &Settings, run: RunOptions) -> Self {
        Self {
            merge: settings.get(&options::DEFAULT_HASH_BEHAVIOUR) == "merge",
            inject_facts: settings.get(&options::INJECT_FACTS_AS_VARS),
            vars_root: VarsRoot::from_settings(settings),
            python: crate::config::controller_python().into(),
            run,
            ..Self::default()
        }
    }
}

impl Default for Options {
    fn default() -> Self {
        Self {
            merge: false,
            inject_facts: true,
            vars_root: VarsRoot::default(),
            python: Arc::from("/usr/bin/python3"),
            run: RunOptions::default(),
            fact_cache: None,
        }
    }
}

/// Inventory, facts, and what tasks set, of every host.
///
/// Each host's data has its own lock; nothing is held while a template is rendered. The driver is
/// the only one that writes.
pub struct World {
    inventory: Arc<Inventory>,
    options: Options,
    extra: Dict,
    run_vars: Dict,
    omit: Arc<str>,
    notices: Arc<dyn Notices>,
    hosts: RwLock<HashMap<Arc<str>, Arc<HostState>>>,
}

/// What the run learned of a host.
struct HostState {
    facts: RwLock<Arc<Facts>>,
    /// Whether the facts of earlier runs were read.
    remembered: OnceLock<Result<()>>,
    /// `include_vars`.
    included: Dict,
    /// `set_fact` and `register`.
    set: Dict,
    /// What other hosts see of it, by the folder of the play.
    for_others: Mutex<HashMap<PathBuf, (u64, Arc<Stack>)>>,
    /// Merged inventory variables by the folders of plays they are seen from.
    inventory: Mutex<HashMap<Vec<PathBuf>, (u64, Dict)>>,
}

impl World {
    /// A world of these hosts with these `-e` variables, in which nothing happened yet.
    pub fn new(
        inventory: Arc<Inventory>,
        extra: Dict,
        options: Options,
        notices: Arc<dyn Notices>,
    ) -> Arc<Self> {
        let run_vars = options.run.to_vars();
        Arc::new(Self {
            inventory,
            options,
            extra,
            run_vars,
            omit: omit_token(),
            notices,
            hosts: RwLock::default(),
        })
    }

    /// All hosts and groups.
    pub fn inventory(&self) -> &Arc<Inventory> {
        &self.inventory
    }

    /// The `-e` variables.
    pub fn extra_vars(&self) -> &Dict {
        &self.extra
    }

    /// The text that `omit` stands for: an argument that is this is not passed.
    pub fn omit(&self) -> &Arc<str> {
        &self.omit
    }

    pub(super) fn run_vars(&self) -> &Dict {
        &self.run_vars
    }

    pub(super) fn python(&self) -> &Arc<str> {
        &self.options.python
    }

    pub(super) fn config_file(&self) -> Option<&Path> {
        self.options.run.config_file.as_deref()
    }

    fn state(&self, host: &str) -> Arc<HostState> {
        if let Some(state) = self.hosts.read().get(host) {
            return Arc::clone(state);
        }
        let mut hosts = self.hosts.write();
        let inject = self.options.inject_facts;
        let state = hosts.entry(Arc::from(host)).or_insert_with(|| {
            Arc::new(HostState {
                facts: RwLock::new(Arc::new(Facts::none(inject))),
                remembered: OnceLock::new(),
                included: Dict::new(),
                set: Dict::new(),
                inventory: Mutex::default(),
                for_others: Mutex::default(),
            })
        });
        Arc::clone(state)
    }

    /// Reads the facts of earlier runs, once.
    fn remember(&self, host: &str, state: &HostState) -> Result<()> {
        let Some(cache) = &self.options.fact_cache else { return Ok(()) };
        let read = || {
            if let Some(facts) = cache.get(host)? {
                let mut held = state.facts.write();
                *held = Arc::new(held.updated(&facts, self.options.inject_facts, &*self.notices));
            }
            Ok(())
        };
        state.remembered.get_or_init(read).clone()
    }

    /// The facts of a host; those of earlier runs too, unless they cannot be read (every stack of
    /// the host says so).
    fn known_facts(&self, host: &str) -> Arc<Facts> {
        let state = self.state(host);
        let _ = self.remember(host, &state);
        let facts = state.facts.read();
        Arc::clone(&facts)
    }

    // --- stacks ----------------------------------------------------------------------------

    /// An empty stack that merges as the settings say.
    pub fn empty_stack(&self) -> Stack {
        if self.options.merge { Stack::merging() } else { Stack::new() }
    }

    /// What a host's tasks in a play see, but for what the play, its roles, blocks and tasks
    /// bring themselves: the inventory's variables, facts, `include_vars`, `set_fact` and
    /// `register`, extra variables and magic ones. The caller pushes the rest.
    ///
    /// The stack sees facts and `set_fact` that come later. Fails if a `group_vars` or
    /// `host_vars` file cannot be read.
    pub fn stack(self: &Arc<Self>, host: &str, play: &Arc<PlayView>) -> Result<Stack> {
        self.stack_along(host, play, &[])
    }

    /// Whether the search path of a task matters for the variables of its host.
    pub fn looks_along_tasks(&self) -> bool {
        self.options.vars_root != VarsRoot::Top
    }

    /// The same for a task, whose search path matters where `playbook_vars_root` says so.
    pub fn stack_along(
        self: &Arc<Self>,
        host: &str,
        play: &Arc<PlayView>,
        search_path: &[PathBuf],
    ) -> Result<Stack> {
        let top = std::slice::from_ref(&play.basedir);
        let folders = match self.options.vars_root {
            _ if search_path.is_empty() => top,
            VarsRoot::Top => top,
            VarsRoot::Bottom => &search_path[..1],
            VarsRoot::All => search_path,
        };
        let mut stack = self.host_layers(host, folders)?;
        stack.push_lazy(Layer::Magic, self.magic(Some(play), &play.basedir));
        Ok(stack)
    }

    /// What a play sees before any host is chosen (its name, `hosts:`, `vars_files`): extra and
    /// magic variables.
    pub fn play_stack(self: &Arc<Self>, play: &Arc<PlayView>) -> Stack {
        let mut stack = self.empty_stack();
        stack.push(Layer::ExtraVars, self.extra.clone());
        stack.push_lazy(Layer::Magic, self.magic(Some(play), &play.basedir));
        stack
    }

    /// What other hosts see of a host, by `hostvars`. The same stack until the inventory changes.
    pub fn stack_for_others(self: &Arc<Self>, host: &str, basedir: &Path) -> Result<Arc<Stack>> {
        let state = self.state(host);
        let now = self.inventory.generation();
        if let Some((made, stack)) = state.for_others.lock().get(basedir)
            && *made == now
        {
            return Ok(Arc::clone(stack));
        }
        let mut stack = self.host_layers(host, &[basedir.to_owned()])?;
        stack.push_lazy(Layer::Magic, self.magic(None, basedir));
        let stack = Arc::new(stack);
        state.for_others.lock().insert(basedir.to_owned(), (now, Arc::clone(&stack)));
        Ok(stack)
    }

    /// The magic variables of a play; without one, those that other hosts see.
    fn magic(self: &Arc<Self>, play: Option<&Arc<PlayView>>, basedir: &Path) -> Arc<Magic> {
        Arc::new(Magic {
            world: Arc::downgrade(self),
            play: play.map(Arc::clone),
            basedir: basedir.to_owned(),
        })
    }

    /// The layers of a host that come from neither a play nor magic.
    fn host_layers(&self, host: &str, folders: &[PathBuf]) -> Result<Stack> {
        let state = self.state(host);
        self.remember(host, &state)?;
        let mut stack = self.empty_stack();
        stack.push(Layer::Inventory, self.inventory_vars(host, &state, folders)?);
        stack.push_lazy(Layer::Facts, Arc::new(FactsOf(Arc::clone(&state))));
        stack.push(Layer::IncludeVars, state.included.clone());
        stack.push(Layer::SetFacts, state.set.clone());
        stack.push(Layer::ExtraVars, self.extra.clone());
        Ok(stack)
    }

    /// The inventory's variables of a host, merged once and kept until the inventory changes.
    fn inventory_vars(&self, host: &str, state: &HostState, folders: &[PathBuf]) -> Result<Dict> {
        let now = self.inventory.generation();
        if let Some((made, vars)) = state.inventory.lock().get(folders)
            && *made == now
        {
            return Ok(vars.clone());
        }
        let vars = self.inventory.merged_vars(host, folders)?;
        state.inventory.lock().insert(folders.to_vec(), (now, vars.clone()));
        Ok(vars)
    }

    // --- what tasks change -----------------------------------------------------------------

    /// Facts that a host told, or `set_fact` with `cacheable`.
    pub fn set_facts(&self, host: &str, facts: &Dict) {
        let known = self.known_facts(host);
        let all = Arc::new(known.updated(facts, self.options.inject_facts, &*self.notices));
        *self.state(host).facts.write() = Arc::clone(&all);
        if let Some(cache) = &self.options.fact_cache {
            cache.set(host, all.raw());
        }
    }

    /// What facts would add to a host's variables, were they its facts already.
    pub fn vars_with_facts(&self, host: &str, facts: &Dict) -> Dict {
        let held = self.known_facts(host);
        held.updated(facts, self.options.inject_facts, &*self.notices).vars
    }

    /// `meta: clear_facts`.
    pub fn clear_facts(&self, host: &str) {
        let state = self.state(host);
        // What was kept is not to be read again either.
        let _ = state.remembered.set(Ok(()));
        *state.facts.write() = Arc::new(Facts::none(self.options.inject_facts));
        self.options.fact_cache.iter().for_each(|cache| cache.delete(host));
    }

    /// A fact as its module named it (`module_setup`, `ansible_distribution`).
    pub fn fact(&self, host: &str, name: &str) -> Option<Value> {
        self.known_facts(host).raw().get(name)
    }

    /// Every fact of a host as its module named it.
    pub fn facts(&self, host: &str) -> Dict {
        self.known_facts(host).raw().copy()
    }

    /// `set_fact` and `register`: variables of a host until the end of the run.
    pub fn set_vars(&self, host: &str, vars: &Dict) {
        self.state(host).set.write().extend(vars.snapshot());
    }

    /// `register`.
    pub fn register(&self, host: &str, name: &str, result: Value) {
        self.state(host).set.insert(name, result);
    }

    /// `include_vars`.
    pub fn include_vars(&self, host: &str, vars: &Dict) {
        let state = self.state(host);
        for (key, value) in vars.snapshot() {
            let merged = match (state.included.get_key(&key), &value) {
                (Some(Value::Dict(old)), Value::Dict(new)) if self.options.merge => {
                    Value::Dict(merge(&old, new))
                }
                _ => value,
            };
            state.included.write().insert(key, merged);
        }
    }
}

/// The facts of a host as they are when they are asked for.
struct FactsOf(Arc<HostState>);

impl crate::template::Scope for FactsOf {
    fn get(&self, name: &str) -> Option<Value> {
        let facts = Arc::clone(&self.0.facts.read());
        facts.vars.get(name)
    }

    fn names(&self) -> Vec<Arc<str>> {
        let facts = Arc::clone(&self.0.facts.read());
        let names = facts.vars.read();
        names.keys().filter_map(|k| k.as_str().map(Arc::from)).collect()
    }
}

/// A text that nobody writes by chance; another one each run, as ansible's.
fn omit_token() -> Arc<str> {
    let random = RandomState::new();
    let digits: String = (0..3_u8).map(|n| format!("{:016x}", random.hash_one(n))).collect();
    format!("__omit_place_holder__{}", &digits[..40]).into()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        diagnostic::Collected,
        inventory::Rules,
        template::{Scope, ScopedVars},
    };

    fn dict(entries: &[(&str, &str)]) -> Dict {
        entries.iter().map(|(k, v)| (*k, Value::str(*v))).collect()
    }

    fn world() -> Arc<World> {
        let told = Arc::new(Collected::default());
        let inventory = Inventory::empty(Rules::default(), Arc::clone(&told) as Arc<dyn Notices>);
        inventory
            .add_host("web1.example.org", &dict(&[("x", "host")]), &["web".to_owned()])
            .expect("a new host");
        World::new(Arc::new(inventory), dict(&[("e", "extra")]), Options::default(), told)
    }

    fn text(scope: &dyn Scope, name: &str) -> Option<String> {
        scope.get(name)?.as_str().map(str::to_owned)
    }

    #[test]
    fn layers_follow_what_tasks_do() {
        let world = world();
        let play = Arc::new(PlayView::new("p", "/play", vec!["web1.example.org".into()]));
        let stack = world.stack("web1.example.org", &play).expect("no files to read");
        assert_eq!(text(&stack, "x").as_deref(), Some("host"));
        assert_eq!(text(&stack, "inventory_hostname_short").as_deref(), Some("web1"));
        world.set_facts("web1.example.org", &dict(&[("x", "fact"), ("ansible_os", "o")]));
        assert_eq!(text(&stack, "x").as_deref(), Some("fact"));
        world.include_vars("web1.example.org", &dict(&[("x", "included")]));
        assert_eq!(text(&stack, "x").as_deref(), Some("included"));
        world.register("web1.example.org", "x", Value::str("set"));
        assert_eq!(text(&stack, "x").as_deref(), Some("set"));
        world.set_vars("web1.example.org", &dict(&[("e", "set")]));
        assert_eq!(text(&stack, "e").as_deref(), Some("extra"));
        assert_eq!(text(&stack, "playbook_dir").as_deref(), Some("/play"));
        let facts = stack.get("ansible_facts").expect("always there");
        assert_eq!(
            facts
                .as_dict()
                .and_then(|d| d.get("os"))
                .and_then(|v| v.as_str().map(str::to_owned))
                .as_deref(),
            Some("o")
        );
        world.clear_facts("web1.example.org");
        assert!(stack.get("ansible_os").is_none());
    }

    #[test]
    fn hostvars_show_other_hosts() {
        let world = world();
        world.inventory().add_host("db", &Dict::new(), &[]).expect("a new host");
        world.register("db", "seen", Value::str("yes"));
        let play = Arc::new(PlayView::new("p", "/play", vec!["web1.example.org".into()]));
        let stack = world.stack("web1.example.org", &play).expect("no files to read");
        let Some(Value::Object(hostvars)) = stack.get("hostvars") else {
            unreachable!("no hostvars");
        };
        assert_eq!(hostvars.length(), Some(2));
        assert_eq!(hostvars.contains(&Value::str("localhost")), Some(true));
        assert_eq!(hostvars.contains(&Value::str("nope")), Some(false));
        let Some(Value::Object(db)) = hostvars.get_item(&Value::str("db")) else {
            unreachable!("no db");
        };
        let scoped = db.as_any().downcast_ref::<ScopedVars>().expect("a scope of its own");
        assert_eq!(text(&**scoped.scope(), "seen").as_deref(), Some("yes"));
        assert!(scoped.scope().get("hostvars").is_none());
        assert!(scoped.scope().get("ansible_play_hosts").is_none());
        assert!(scoped.scope().get("groups").is_some());
        assert!(hostvars.get_item(&Value::str("nope")).is_some_and(|v| v.is_undefined()));
    }

    #[test]
    fn adding_a_host_renews_what_was_merged() {
        let world = world();
        let play = Arc::new(PlayView::new("p", "/play", vec![]));
        let before = world.stack("web1.example.org", &play).expect("no files to read");
        assert_eq!(before.get("group_names").and_then(|v| v.as_list().map(|l| l.len())), Some(1));
        world.inventory().group_by("web1.example.org", "g2", &[]).expect("a known host");
        let after = world.stack("web1.example.org", &play).expect("no files to read");
        assert_eq!(after.get("group_names").and_then(|v| v.as_list().map(|l| l.len())), Some(2));
    }
}
