//! Reads loaded playbooks for what will fail when they run: arguments that a module does not take, templates that do
//! not compile, files and handlers that are not there, tasks that are never reached.
//!
//! ansible says nothing of these before the task runs. Only what is certain is told: where a template, a variable or an
//! include decides, nothing is said.

mod arguments;
mod files;
mod handlers;
mod reach;
mod templates;

use std::{collections::HashSet, sync::Arc};

use crate::{
    diagnostic::{Finding, Span},
    playbook::{Block, Item, Loader, Play, Playbook, Task},
    template::Environment,
    value::Value,
    yaml::Node,
};

/// What a review works with.
pub struct Reviewer<'a> {
    /// Has loaded the playbooks.
    pub loader: &'a Loader,
    /// Compiles templates.
    pub templates: &'a Arc<Environment>,
}

/// One task as the checks see it.
struct Subject<'a> {
    task: &'a Task,
    /// The mapping that it was made of, with the places of its parts.
    node: &'a Node,
    play: &'a Play,
}

impl Reviewer<'_> {
    /// All that is found in these playbooks, in the order of files and lines.
    pub fn playbooks(&self, playbooks: &[Playbook]) -> Vec<Finding> {
        let mut found = Vec::new();
        for play in playbooks.iter().flat_map(|p| &p.plays) {
            self.play(play, &mut found);
        }
        // A role that is used twice is read twice.
        let mut told = HashSet::new();
        found.retain(|f| told.insert((f.span.path().to_owned(), f.span.start, f.message.clone())));
        found.sort_by(|a, b| (a.span.path(), a.span.start).cmp(&(b.span.path(), b.span.start)));
        found
    }

    fn play(&self, play: &Play, found: &mut Vec<Finding>) {
        if let Some(node) = self.loader.node_at(&play.level.span) {
            templates::of_play(self, &node, found);
            files::of_play(self, play, &node, found);
        }
        let mut tasks = Vec::new();
        for block in play.blocks(true) {
            gather(&block, &mut tasks);
            reach::of_block(&block, found);
        }
        // A role's handlers stay with it; those of imported roles came to the play.
        let of_roles = play.roles.iter().flat_map(|role| role.all_handlers());
        for item in of_roles.chain(play.handlers.iter().cloned()) {
            match item {
                Item::Task(task) => tasks.push(task),
                Item::Block(block) => gather(&block, &mut tasks),
            }
        }
        let known = handlers::Known::of(self, &tasks);
        for task in tasks.iter().filter(|t| !t.implicit) {
            let Some(node) = self.loader.node_at(&task.level.span) else { continue };
            let subject = Subject { task, node: &node, play };
            arguments::check(self, &subject, found);
            templates::of_task(self, &subject, found);
            files::of_task(self, &subject, found);
            known.check(self, &subject, found);
        }
    }

    fn is_template(&self, value: &Value) -> bool {
        match value {
            Value::Str(text) => self.loader.is_template(text),
            Value::List(items) => items.snapshot().iter().any(|v| self.is_template(v)),
            Value::Dict(entries) => entries.snapshot().iter().any(|(_, v)| self.is_template(v)),
            // Its text is not known before it is decrypted.
            Value::Vaulted(_) => true,
            _ => false,
        }
    }
}

impl Subject<'_> {
    /// Where the value of a keyword stands.
    fn place_of(&self, keyword: &str) -> Span {
        self.node.get(keyword).map_or_else(|| self.task.action.span.clone(), |n| n.span.clone())
    }
}

/// Every task of a block, those of its rescues and its `always` too.
fn gather(block: &Block, tasks: &mut Vec<Arc<Task>>) {
    for item in block.body.iter().chain(&block.rescue).chain(&block.always) {
        match item {
            Item::Task(task) => tasks.push(Arc::clone(task)),
            Item::Block(inner) => gather(inner, tasks),
        }
    }
}

/// `did you mean …?`, for the candidate that is most like what was written.
fn did_you_mean<'a>(written: &str, candidates: impl Iterator<Item = &'a str>) -> Option<String> {
    crate::diagnostic::similar(written, candidates).map(|name| format!("did you mean `{name}`?"))
}
