//! Handlers that are notified and are not there.

use std::sync::Arc;

use super::{Reviewer, Subject, did_you_mean};
use crate::{
    diagnostic::Finding,
    playbook::{Keyword, Task},
    value::Value,
};

/// The names and topics that a play's tasks can notify.
pub(super) struct Known {
    names: Vec<String>,
    /// Whether more may come, or may be called what only a run can tell.
    open: bool,
}

/// Actions that may bring handlers while the play runs.
const BRING: &[&str] =
    &["ansible.builtin.include", "ansible.builtin.include_role", "ansible.builtin.include_tasks"];

impl Known {
    /// Those of a play, all of whose tasks and handlers (its roles' too) are `tasks`.
    pub(super) fn of(reviewer: &Reviewer<'_>, tasks: &[Arc<Task>]) -> Self {
        let mut known = Self { names: Vec::new(), open: false };
        for task in tasks {
            let role_comes = task.action.name == "ansible.builtin.include_role";
            known.open |= role_comes || (task.is_handler && BRING.contains(&&*task.action.name));
            if task.is_handler {
                known.take(reviewer, task);
            }
        }
        known
    }

    fn take(&mut self, reviewer: &Reviewer<'_>, handler: &Task) {
        if let Some(name) = handler.level.name.as_deref().filter(|n| !n.is_empty()) {
            self.open |= reviewer.loader.is_template(name);
            self.names.push(name.to_owned());
            if let Some(role) = &handler.level.role {
                self.names.push(format!("{} : {name}", role.name));
                self.names.push(format!("{} : {name}", role.full_name()));
            }
        }
        let topics = handler.level.own(Keyword::Listen).map(|s| texts(&s.value));
        for topic in topics.into_iter().flatten() {
            self.open |= reviewer.loader.is_template(&topic);
            self.names.push(topic);
        }
    }

    /// Tells of what the task notifies and nobody answers to.
    pub(super) fn check(
        &self,
        reviewer: &Reviewer<'_>,
        subject: &Subject<'_>,
        found: &mut Vec<Finding>,
    ) {
        if self.open {
            return;
        }
        let Some(notify) = subject.task.level.own(Keyword::Notify) else { return };
        for name in texts(&notify.value) {
            if reviewer.loader.is_template(&name) || self.names.contains(&name) {
                continue;
            }
            let nearest = did_you_mean(&name, self.names.iter().map(String::as_str));
            let message = format!("no handler of this play is called `{name}`, or listens to it");
            found.push(Finding::new(message, &subject.place_of("notify")).helped(nearest));
        }
    }
}

fn texts(value: &Value) -> Vec<String> {
    match value {
        Value::Str(text) => vec![text.as_str().to_owned()],
        Value::List(items) => {
            items.snapshot().iter().filter_map(|v| v.as_str().map(str::to_owned)).collect()
        }
        _ => Vec::new(),
    }
}
