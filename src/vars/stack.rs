//! The layers that one task on one host sees, lowest precedence first.

use std::{collections::HashSet, sync::Arc};

use crate::{
    template::Scope,
    value::{Dict, Value},
};

/// ansible-core's levels of precedence, lowest first (2.14 `VariableManager.get_vars`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Layer {
    /// `defaults/main.yml` of roles.
    RoleDefaults,
    /// Variables of groups in the inventory source itself, `all` first.
    InventoryGroupAll,
    /// `group_vars/all` beside the inventory.
    GroupVarsAllInventory,
    /// `group_vars/all` beside the playbook.
    GroupVarsAllPlaybook,
    /// `group_vars/*` beside the inventory and variables of groups in the source.
    GroupVarsInventory,
    /// `group_vars/*` beside the playbook.
    GroupVarsPlaybook,
    /// Variables of hosts in the inventory source itself.
    InventoryHost,
    /// `host_vars/*` beside the inventory.
    HostVarsInventory,
    /// `host_vars/*` beside the playbook.
    HostVarsPlaybook,
    /// Gathered facts, and facts set with `cacheable`.
    Facts,
    /// `vars:` of the play.
    PlayVars,
    /// Answers of `vars_prompt`.
    PlayPrompt,
    /// `vars_files:`.
    PlayVarsFiles,
    /// `vars/main.yml` of roles.
    RoleVars,
    /// `vars:` of blocks (and of the includes around a task).
    BlockVars,
    /// `vars:` of the task.
    TaskVars,
    /// `include_vars`.
    IncludeVars,
    /// `set_fact` and `register`.
    SetFacts,
    /// Parameters of a role.
    RoleParams,
    /// Parameters of an include.
    IncludeParams,
    /// `-e`.
    ExtraVars,
    /// `inventory_hostname`, `groups`, `hostvars` and the like.
    Magic,
    /// Loop variables and others that exist for one task only.
    Task,
}

/// The layers of one task on one host. Cloning shares the layers.
#[derive(Clone, Default)]
pub struct Stack {
    /// Lowest precedence first; within one layer, later additions win.
    layers: Vec<(Layer, Source)>,
}

#[derive(Clone)]
enum Source {
    Plain(Dict),
    Lazy(Arc<dyn Scope>),
}

impl Stack {
    /// No variables at all.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds variables at `layer`, above what that layer holds already.
    pub fn push(&mut self, layer: Layer, vars: Dict) {
        self.insert(layer, Source::Plain(vars));
    }

    /// Adds variables that are made when they are asked for (magic variables).
    pub fn push_lazy(&mut self, layer: Layer, vars: Arc<dyn Scope>) {
        self.insert(layer, Source::Lazy(vars));
    }

    fn insert(&mut self, layer: Layer, vars: Source) {
        let at = self.layers.partition_point(|(l, _)| *l <= layer);
        self.layers.insert(at, (layer, vars));
    }
}

impl Scope for Stack {
    fn get(&self, name: &str) -> Option<Value> {
        self.layers.iter().rev().find_map(|(_, vars)| match vars {
            Source::Plain(d) => d.get(name),
            Source::Lazy(s) => s.get(name),
        })
    }

    fn names(&self) -> Vec<Arc<str>> {
        let mut seen = HashSet::new();
        let mut names = Vec::new();
        for (_, vars) in &self.layers {
            let here: Vec<Arc<str>> = match vars {
                Source::Plain(d) => {
                    d.read().keys().filter_map(|k| k.as_str().map(Arc::from)).collect()
                }
                Source::Lazy(s) => s.names(),
            };
            names.extend(here.into_iter().filter(|n| seen.insert(Arc::clone(n))));
        }
        names
    }
}
