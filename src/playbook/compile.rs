//! A play's parts put in the order in which they run.

use std::sync::Arc;

use super::{
    ActionCall, Block, Item, Keyword, Level, LevelKind, Play, Role, Spanned, Task, next_task_id,
    python,
};
use crate::value::{Dict, Value};

/// A task that ansible makes itself: `meta: command`.
fn meta(command: &str, parent: &Arc<Level>, role: Option<&Arc<Role>>, always: bool) -> Arc<Task> {
    let span = parent.span.clone();
    let mut keywords = Vec::new();
    if always {
        let tags = Value::list(vec![Value::from("always")]);
        keywords.push((Keyword::Tags, Spanned { value: tags, span: span.clone() }));
    }
    let level = Level {
        kind: LevelKind::Task,
        name: None,
        keywords,
        vars: Dict::new(),
        role: role.cloned(),
        include: None,
        parent: Some(Arc::clone(parent)),
        span: span.clone(),
    };
    Arc::new(Task {
        id: next_task_id(),
        level: Arc::new(level),
        action: ActionCall {
            written: "meta".to_owned(),
            name: "ansible.builtin.meta".to_owned(),
            args: [("_raw_params", Value::from(command))].into_iter().collect(),
            span,
            named: None,
            missing: false,
        },
        looped: None,
        is_handler: false,
        implicit: true,
    })
}

fn block_of(level: &Arc<Level>, body: Vec<Item>, always: Vec<Item>) -> Arc<Block> {
    Arc::new(Block { level: Arc::clone(level), body, rescue: Vec::new(), always })
}

fn blocks(items: &[Item], level: &Arc<Level>) -> Vec<Arc<Block>> {
    items
        .iter()
        .map(|item| match item {
            Item::Block(block) => Arc::clone(block),
            Item::Task(_) => block_of(level, vec![item.clone()], Vec::new()),
        })
        .collect()
}

impl Role {
    /// Its dependencies, deepest first, then the role itself: the order in which they run.
    pub fn unfold(self: &Arc<Self>) -> Vec<Arc<Self>> {
        let mut all: Vec<_> = self.dependencies.iter().flat_map(Self::unfold).collect();
        all.push(Arc::clone(self));
        all
    }

    /// The roles that brought it in, outermost first, and itself.
    pub fn chain(self: &Arc<Self>) -> Vec<Arc<Self>> {
        self.parents.iter().chain([self]).map(Arc::clone).collect()
    }

    /// What runs for it: the blocks of its dependencies and its own, each role's followed by the
    /// implicit `meta: role_complete`.
    pub fn run_list(self: &Arc<Self>) -> Vec<Item> {
        let mut items = Vec::new();
        for role in self.unfold() {
            items.extend(role.tasks.get().into_iter().flatten().cloned());
            let complete = meta("role_complete", &role.level, Some(&role), true);
            items.push(Item::Block(block_of(&role.level, vec![Item::Task(complete)], Vec::new())));
        }
        items
    }

    /// The handlers of its dependencies and its own.
    pub fn all_handlers(self: &Arc<Self>) -> Vec<Item> {
        let roles = self.unfold();
        roles.iter().flat_map(|r| r.handlers.get().into_iter().flatten().cloned()).collect()
    }

    /// `ns.col.name`, or the name alone.
    pub fn full_name(&self) -> String {
        match &self.collection {
            Some(collection) => format!("{collection}.{}", self.name),
            None => self.name.clone(),
        }
    }

    /// The defaults that a task of this role sees, weakest first.
    pub fn default_layers(self: &Arc<Self>, with_parents: bool) -> Vec<Dict> {
        let mut layers: Vec<_> =
            self.dependencies.iter().flat_map(Self::unfold).map(|r| r.defaults.clone()).collect();
        if with_parents {
            layers.extend(self.chain().iter().map(|r| r.defaults.clone()));
        }
        layers.push(self.defaults.clone());
        layers
    }

    /// The variables (not parameters) that a task of this role sees, weakest first.
    pub fn var_layers(self: &Arc<Self>, with_parents: bool) -> Vec<Dict> {
        let mut layers = Vec::new();
        let own = |role: &Arc<Self>| [role.level.vars.clone(), role.vars.clone()];
        if with_parents {
            layers.extend(self.chain().iter().flat_map(own));
        }
        layers.extend(self.dependencies.iter().flat_map(Self::unfold).flat_map(|r| own(&r)));
        layers.extend(own(self));
        layers
    }

    /// The parameters that a task of this role sees, weakest first.
    pub fn param_layers(self: &Arc<Self>) -> Vec<Dict> {
        self.chain().iter().map(|r| r.params.clone()).collect()
    }
}

impl Task {
    /// Its name, unrendered, as lists and headings show it: after its role's; the action if it has
    /// none.
    pub fn full_name(&self) -> String {
        let name = self.level.name.as_deref().filter(|n| !n.is_empty());
        if matches!(
            self.action.name.as_str(),
            "ansible.builtin.include_role" | "ansible.builtin.import_role"
        ) {
            let role = self.action.args.get("name").or_else(|| self.action.args.get("role"));
            let role = role.as_ref().map(python::text).unwrap_or_default();
            return name.map_or_else(|| format!("{} : {role}", self.action.written), str::to_owned);
        }
        let bare = name.unwrap_or(&self.action.written);
        match &self.level.role {
            Some(role) => format!("{} : {bare}", role.full_name()),
            None => bare.to_owned(),
        }
    }
}

impl Play {
    /// The blocks in the order in which they run, with handlers flushed between the sections.
    pub fn blocks(&self, force_handlers: bool) -> Vec<Arc<Block>> {
        let level = &self.level;
        let flush = block_of(
            level,
            vec![Item::Task(meta("flush_handlers", level, None, false))],
            Vec::new(),
        );
        let roles: Vec<_> = self.roles.iter().flat_map(Role::run_list).collect();
        let main = roles.into_iter().chain(self.tasks.iter().cloned()).collect();
        let mut all = Vec::new();
        for section in [self.pre_tasks.clone(), main, self.post_tasks.clone()] {
            if force_handlers {
                // ansible-core 2.14 `Play.compile`: the flush runs even after a failure.
                let body = if section.is_empty() {
                    vec![Item::Task(meta("noop", level, None, false))]
                } else {
                    section
                };
                all.push(block_of(level, body, vec![Item::Block(Arc::clone(&flush))]));
            } else {
                all.extend(blocks(&section, level));
                all.push(Arc::clone(&flush));
            }
        }
        all
    }

    /// The handlers of `roles:`, then the play's own and those of imported roles.
    pub fn all_handlers(&self) -> Vec<Item> {
        self.roles
            .iter()
            .flat_map(Role::all_handlers)
            .chain(self.handlers.iter().cloned())
            .collect()
    }

    /// The roles whose defaults and variables the whole play sees.
    pub fn visible_roles(&self) -> Vec<Arc<Role>> {
        self.base.visible_roles()
    }
}
