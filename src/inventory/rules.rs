//! The settings that inventories go by.

use std::sync::Arc;

use super::{GroupNames, Mismatch};
use crate::{
    config::{Settings, options},
    diagnostic::{Error, Kind, Result},
    value::{
        Dict,
        regex::{Flags, Pattern, escape},
    },
    yaml::Duplicates,
};

/// When `group_vars/` and `host_vars/` are read (`run_vars_plugins`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum VarsStage {
    /// When a host's variables are asked for.
    #[default]
    Demand,
    /// Once, with the inventory; those beside playbooks are not read.
    Start,
    /// Both.
    Both,
}

/// One step in merging the variables of groups (`precedence`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum GroupStep {
    /// `all`, as sources set it.
    AllInventory,
    /// Other groups, as sources set them.
    GroupsInventory,
    /// `group_vars/all` beside sources.
    AllFilesInventory,
    /// `group_vars/all` beside the playbook.
    AllFilesPlay,
    /// `group_vars/` of other groups beside sources.
    GroupsFilesInventory,
    /// `group_vars/` of other groups beside the playbook.
    GroupsFilesPlay,
}

impl GroupStep {
    fn named(name: &str) -> Option<Self> {
        Some(match name {
            "all_inventory" => Self::AllInventory,
            "groups_inventory" => Self::GroupsInventory,
            "all_plugins_inventory" => Self::AllFilesInventory,
            "all_plugins_play" => Self::AllFilesPlay,
            "groups_plugins_inventory" => Self::GroupsFilesInventory,
            "groups_plugins_play" => Self::GroupsFilesPlay,
            _ => return None,
        })
    }
}

/// The settings that inventories go by.
#[derive(Clone, Debug)]
pub struct Rules {
    /// `hash_behaviour = merge`.
    pub merge: bool,
    /// `duplicate_dict_key`.
    pub duplicate_keys: Duplicates,
    /// `force_valid_group_names`.
    pub group_names: GroupNames,
    /// `host_pattern_mismatch`.
    pub mismatch: Mismatch,
    /// `ansible_python_interpreter` of the implicit localhost.
    pub python: Arc<str>,
    /// `enable_plugins`.
    pub enabled: Vec<String>,
    /// Extensions of YAML inventories.
    pub yaml_extensions: Vec<String>,
    /// Extensions of variable files.
    pub vars_extensions: Vec<String>,
    /// Whether what scripts say on stderr is shown.
    pub script_stderr: bool,
    /// A source that cannot be read is an error.
    pub any_unparsed_is_failed: bool,
    /// No readable source at all is an error.
    pub unparsed_is_failed: bool,
    /// No readable source at all is warned of.
    pub unparsed_warning: bool,
    /// `localhost_warning`.
    pub localhost_warning: bool,
    /// `precedence`.
    pub precedence: Vec<GroupStep>,
    /// Names in `precedence` that say nothing.
    pub unknown_precedence: Vec<String>,
    /// `run_vars_plugins`.
    pub vars_stage: VarsStage,
    /// Whether `group_vars/` and `host_vars/` are read at all (`vars_plugins_enabled`).
    pub vars_files: bool,
    /// `use_extra_vars`: whether constructed sources see the `-e` variables unasked.
    pub use_extra_vars: bool,
    /// The `-e` variables, for sources that see them.
    pub extra_vars: Dict,
    /// Names in folders that are no sources.
    ignored: Vec<Arc<Pattern>>,
}

const IGNORED: [&str; 4] = [r"^\.", "^host_vars$", "^group_vars$", "^vars_plugins$"];

impl Default for Rules {
    fn default() -> Self {
        let texts = |l: &[&str]| l.iter().map(|s| (*s).to_owned()).collect::<Vec<String>>();
        let extensions = ["~", ".orig", ".bak", ".ini", ".cfg", ".retry", ".pyc", ".pyo"];
        Self {
            merge: false,
            duplicate_keys: Duplicates::default(),
            group_names: GroupNames::default(),
            mismatch: Mismatch::default(),
            python: Arc::from("/usr/bin/python3"),
            enabled: texts(&["host_list", "script", "auto", "yaml", "ini", "toml"]),
            yaml_extensions: texts(&[".yaml", ".yml", ".json"]),
            vars_extensions: texts(&[".yml", ".yaml", ".json"]),
            script_stderr: true,
            any_unparsed_is_failed: false,
            unparsed_is_failed: false,
            unparsed_warning: true,
            localhost_warning: true,
            precedence: vec![
                GroupStep::AllInventory,
                GroupStep::GroupsInventory,
                GroupStep::AllFilesInventory,
                GroupStep::AllFilesPlay,
                GroupStep::GroupsFilesInventory,
                GroupStep::GroupsFilesPlay,
            ],
            unknown_precedence: Vec::new(),
            vars_stage: VarsStage::default(),
            vars_files: true,
            use_extra_vars: false,
            extra_vars: Dict::new(),
            // The texts are constants that a test compiles.
            ignored: ignored(&[], &texts(&extensions)).unwrap_or_default(),
        }
    }
}

fn ignored(patterns: &[String], extensions: &[String]) -> Result<Vec<Arc<Pattern>>> {
    let endings = extensions.iter().map(|e| format!("{}$", escape(e)));
    IGNORED
        .iter()
        .map(|p| (*p).to_owned())
        .chain(patterns.iter().filter(|p| !p.is_empty()).cloned())
        .chain(endings)
        .map(|p| {
            Pattern::new(&p, Flags::default()).map_err(|e| {
                Error::new(Kind::Options, format!("inventory_ignore_patterns: '{p}': {e}"))
            })
        })
        .collect()
}

impl Rules {
    /// The rules that the settings make.
    pub fn from_settings(settings: &Settings) -> Result<Self> {
        let group_names = match &*settings.get(&options::TRANSFORM_INVALID_GROUP_CHARS) {
            "always" => GroupNames::Always,
            "ignore" => GroupNames::Ignore,
            "silently" => GroupNames::Silently,
            _ => GroupNames::Never,
        };
        let mismatch = match &*settings.get(&options::HOST_PATTERN_MISMATCH) {
            "error" => Mismatch::Error,
            "ignore" => Mismatch::Ignore,
            _ => Mismatch::Warning,
        };
        let steps = settings.get(&options::VARIABLE_PRECEDENCE);
        let start = settings.get(&options::RUN_VARS_PLUGINS) == "start";
        let stage = settings.get(&options::host_group_vars::STAGE);
        let vars_plugins = settings.get(&options::VARIABLE_PLUGINS_ENABLED);
        let known = ["host_group_vars", "ansible.builtin.host_group_vars"];
        Ok(Self {
            merge: settings.get(&options::DEFAULT_HASH_BEHAVIOUR) == "merge",
            duplicate_keys: Duplicates::from_word(&settings.get(&options::DUPLICATE_YAML_DICT_KEY)),
            group_names,
            mismatch,
            python: crate::config::controller_python().into(),
            enabled: settings.get(&options::INVENTORY_ENABLED),
            yaml_extensions: settings.get(&options::yaml_inventory::YAML_EXTENSIONS),
            vars_extensions: settings.get(&options::YAML_FILENAME_EXTENSIONS),
            script_stderr: settings.get(&options::script_inventory::ALWAYS_SHOW_STDERR),
            any_unparsed_is_failed: settings.get(&options::INVENTORY_ANY_UNPARSED_IS_FAILED),
            unparsed_is_failed: settings.get(&options::INVENTORY_UNPARSED_IS_FAILED),
            unparsed_warning: settings.get(&options::INVENTORY_UNPARSED_WARNING),
            localhost_warning: settings.get(&options::LOCALHOST_WARNING),
            precedence: steps.iter().filter_map(|s| GroupStep::named(s)).collect(),
            unknown_precedence: steps
                .into_iter()
                .filter(|s| GroupStep::named(s).is_none())
                .collect(),
            vars_stage: match (stage.as_deref(), start) {
                (Some("inventory"), _) | (None, true) => VarsStage::Start,
                (Some("all"), _) => VarsStage::Both,
                _ => VarsStage::Demand,
            },
            vars_files: vars_plugins.iter().any(|p| known.contains(&p.as_str())),
            use_extra_vars: settings.get(&options::constructed::USE_EXTRA_VARS),
            ignored: ignored(
                &settings.get(&options::INVENTORY_IGNORE_PATTERNS),
                &settings.get(&options::INVENTORY_IGNORE_EXTS),
            )?,
            ..Self::default()
        })
    }

    /// Whether a folder's entry of this name is no source.
    pub(super) fn is_ignored(&self, name: &str) -> bool {
        // Only an expression that backtracks without end fails: then the entry is a source.
        self.ignored.iter().any(|r| matches!(r.search(name), Ok(Some(_))))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_are_no_sources() {
        let rules = Rules {
            ignored: ignored(&["_old".into()], &["~".into(), ".cfg".into()])
                .expect("good patterns"),
            ..Rules::default()
        };
        for name in [".git", "host_vars", "group_vars", "hosts~", "a.cfg", "x_old_y"] {
            assert!(rules.is_ignored(name), "{name}");
        }
        for name in ["hosts", "my_host_vars", "a.cfg.yml", "xcfg"] {
            assert!(!rules.is_ignored(name), "{name}");
        }
        assert!(!Rules::default().ignored.is_empty());
    }
}
