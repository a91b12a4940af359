//! The layers that one task on one host sees, lowest precedence first.

use std::{collections::HashSet, sync::Arc};

use crate::{
    inventory::merge,
    template::{Scope, ScopedVars},
    value::{Dict, Value},
};

/// ansible-core's levels of precedence, lowest first (2.14 `VariableManager.get_vars`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Layer {
    /// `defaults/main.yml` of all roles of the play, in order; then those of the task's own role:
    /// its dependencies', its dependents', its own.
    RoleDefaults,
    /// What the inventory says of the host, merged by [`super::World`]: `all` and groups from
    /// sources, `group_vars/` beside inventory and playbook, then host variables from sources,
    /// `host_vars/` beside inventory and playbook. `inventory_hostname` and `group_names` come with
    /// the host's variables.
    Inventory,
    /// Gathered facts, and facts set with `cacheable`.
    Facts,
    /// `vars:` of the play.
    PlayVars,
    /// Answers of `vars_prompt`.
    PlayPrompt,
    /// `vars_files:`.
    PlayVarsFiles,
    /// `vars/main.yml` of all roles of the play (unless `private_role_vars`); then those of the
    /// task's own role. The `vars:` of a role's entry in `roles:` are just below its file.
    RoleVars,
    /// `vars:` of blocks (and of the imports around a task), outermost first.
    BlockVars,
    /// `vars:` of the task.
    TaskVars,
    /// `include_vars`.
    IncludeVars,
    /// `set_fact` and `register`.
    SetFacts,
    /// Parameters of the task's role, its dependents' first.
    RoleParams,
    /// `vars:` of the dynamic includes around a task, outermost first.
    IncludeParams,
    /// `-e`.
    ExtraVars,
    /// `groups`, `hostvars`, `playbook_dir` and the like: nothing overrides them.
    Magic,
    /// Loop variables and others that exist for one task only.
    Task,
}

impl Layer {
    /// Layers whose variables ansible lays over each other without merging dicts, whatever
    /// `hash_behaviour` says.
    fn replaces(self) -> bool {
        matches!(self, Self::BlockVars | Self::TaskVars)
    }
}

/// The layers of one task on one host. Cloning shares the layers.
#[derive(Clone, Default)]
pub struct Stack {
    /// Lowest precedence first; within one layer, later additions win.
    layers: Vec<(Layer, Source)>,
    /// `hash_behaviour = merge`.
    merge: bool,
}

#[derive(Clone)]
enum Source {
    Plain(Dict),
    Lazy(Arc<dyn Scope>),
}

impl Source {
    fn get(&self, layer: Layer, name: &str) -> Option<Value> {
        // ansible-core 2.14 `Task.get_vars` takes these two out: they are keywords gone astray.
        if layer.replaces() && matches!(name, "tags" | "when") {
            return None;
        }
        match self {
            Self::Plain(d) => d.get(name),
            Self::Lazy(s) => s.get(name),
        }
    }

    fn names(&self) -> Vec<Arc<str>> {
        match self {
            Self::Plain(d) => d.read().keys().filter_map(|k| k.as_str().map(Arc::from)).collect(),
            Self::Lazy(s) => s.names(),
        }
    }
}

impl Stack {
    /// No variables at all.
    pub fn new() -> Self {
        Self::default()
    }

    /// No variables at all; dicts of different layers will be merged (`hash_behaviour = merge`).
    pub fn merging() -> Self {
        Self { layers: Vec::new(), merge: true }
    }

    /// Adds variables at `layer`, above what that layer holds already.
    pub fn push(&mut self, layer: Layer, vars: Dict) {
        self.insert(layer, Source::Plain(vars));
    }

    /// Adds variables that are made when they are asked for (magic variables).
    pub fn push_lazy(&mut self, layer: Layer, vars: Arc<dyn Scope>) {
        self.insert(layer, Source::Lazy(vars));
    }

    /// Adds `vars`: everything that is in here by now, by name.
    pub fn push_itself(&mut self) {
        let all: Arc<dyn Scope> = Arc::new(self.clone());
        self.push_lazy(Layer::Magic, Arc::new(AllVars(all)));
    }

    fn insert(&mut self, layer: Layer, vars: Source) {
        let at = self.layers.partition_point(|(l, _)| *l <= layer);
        self.layers.insert(at, (layer, vars));
    }

    /// The variables of one layer alone, lowest first.
    pub fn layer(&self, layer: Layer) -> Self {
        let layers = self.layers.iter().filter(|(l, _)| *l == layer).cloned().collect();
        Self { layers, merge: self.merge }
    }

    /// The value of a name where dicts are merged from layer to layer.
    fn get_merged(&self, name: &str) -> Option<Value> {
        let mut found: Option<Dict> = None;
        let mut shadowed = false;
        for (layer, vars) in self.layers.iter().rev() {
            if layer.replaces() && shadowed {
                continue;
            }
            let Some(value) = vars.get(*layer, name) else { continue };
            shadowed |= layer.replaces();
            let Value::Dict(under) = &value else {
                return Some(found.map_or(value, Value::Dict));
            };
            found = Some(match &found {
                Some(over) => merge(under, over),
                None => under.clone(),
            });
            // ansible-core 2.14 sets this one with `|=`.
            if name == "ansible_facts" && *layer == Layer::Facts {
                break;
            }
        }
        found.map(Value::Dict)
    }
}

/// `vars`: all variables by their names, as they are written.
struct AllVars(Arc<dyn Scope>);

impl Scope for AllVars {
    fn get(&self, name: &str) -> Option<Value> {
        let all = || Arc::new(ScopedVars::new("dict", Arc::clone(&self.0)));
        (name == "vars").then(|| Value::Object(all()))
    }

    fn names(&self) -> Vec<Arc<str>> {
        vec!["vars".into()]
    }
}

impl Scope for Stack {
    fn get(&self, name: &str) -> Option<Value> {
        if self.merge {
            return self.get_merged(name);
        }
        self.layers.iter().rev().find_map(|(layer, vars)| vars.get(*layer, name))
    }

    fn names(&self) -> Vec<Arc<str>> {
        let mut seen = HashSet::new();
        let mut names = Vec::new();
        for (layer, vars) in &self.layers {
            let astray = |n: &str| layer.replaces() && matches!(n, "tags" | "when");
            let here = vars.names().into_iter().filter(|n| !astray(n));
            names.extend(here.filter(|n| seen.insert(Arc::clone(n))));
        }
        names
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn vars(entries: &[(&str, i64)]) -> Dict {
        entries.iter().map(|(k, v)| (*k, Value::Int(*v))).collect()
    }

    fn int(stack: &Stack, path: &[&str]) -> Option<i64> {
        let mut at = stack.get(path[0])?;
        for key in &path[1..] {
            at = at.as_dict()?.get(key)?;
        }
        match at {
            Value::Int(n) => Some(n),
            _ => None,
        }
    }

    #[test]
    fn higher_layers_win_whatever_the_order_of_pushing() {
        let mut stack = Stack::new();
        stack.push(Layer::ExtraVars, vars(&[("a", 3)]));
        stack.push(Layer::PlayVars, vars(&[("a", 1), ("b", 1)]));
        stack.push(Layer::PlayVars, vars(&[("b", 2)]));
        assert_eq!((int(&stack, &["a"]), int(&stack, &["b"])), (Some(3), Some(2)));
        assert_eq!(stack.names().iter().map(|n| &**n).collect::<Vec<_>>(), ["a", "b"]);
    }

    #[test]
    fn keywords_gone_astray_are_no_variables() {
        let mut stack = Stack::new();
        stack.push(Layer::TaskVars, vars(&[("tags", 1), ("x", 1)]));
        assert!(stack.get("tags").is_none() && stack.get("x").is_some());
        assert_eq!(stack.names().len(), 1);
    }

    #[test]
    fn dicts_merge_from_layer_to_layer_when_asked() {
        let under = |n: i64| -> Dict {
            [("d", Value::Dict(vars(&[("x", n), ("y", n)])))].into_iter().collect()
        };
        let over: Dict = [("d", Value::Dict(vars(&[("y", 9)])))].into_iter().collect();
        let mut stack = Stack::merging();
        stack.push(Layer::PlayVars, under(1));
        stack.push(Layer::ExtraVars, over.clone());
        assert_eq!((int(&stack, &["d", "x"]), int(&stack, &["d", "y"])), (Some(1), Some(9)));
        // A value that is no dict ends the merging below it.
        stack.push(Layer::SetFacts, vars(&[("d", 5)]));
        assert_eq!((int(&stack, &["d", "x"]), int(&stack, &["d", "y"])), (None, Some(9)));
        // Blocks and tasks replace each other.
        let mut stack = Stack::merging();
        stack.push(Layer::BlockVars, under(1));
        stack.push(Layer::TaskVars, over);
        assert_eq!((int(&stack, &["d", "x"]), int(&stack, &["d", "y"])), (None, Some(9)));
    }
}
