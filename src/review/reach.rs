//! Tasks that are never reached.

use crate::{
    diagnostic::Finding,
    playbook::{Block, Item, Keyword, Task},
    value::Value,
};

/// Looks through a block's lists.
pub(super) fn of_block(block: &Block, found: &mut Vec<Finding>) {
    for list in [&block.body, &block.rescue, &block.always] {
        of_list(list, found);
    }
}

fn of_list(items: &[Item], found: &mut Vec<Finding>) {
    let mut ended: Option<&str> = None;
    for item in items {
        let (level, implicit) = match item {
            Item::Task(task) => (&task.level, task.implicit),
            Item::Block(block) => (&block.level, false),
        };
        // A run that asks for tags passes over what has none, and comes here.
        let tagged = level.inherited(Keyword::Tags).is_some();
        if let (Some(by), false) = (ended, implicit || tagged) {
            let message =
                format!("this is never reached: {by} before it always ends the work on a host");
            found.push(Finding::new(message, &level.span));
            return;
        }
        match item {
            Item::Block(block) => of_block(block, found),
            Item::Task(task) => {
                if never(task) {
                    let message = "this task never runs: its condition is always false";
                    found.push(Finding::new(message, &task.level.span));
                }
                ended = ends(task);
            }
        }
    }
}

/// Whether a condition written as a constant keeps the task from ever running.
fn never(task: &Task) -> bool {
    let is_false = |v: &Value| {
        matches!(v, Value::Bool(false))
            || v.as_str().is_some_and(|t| matches!(t.trim(), "false" | "False"))
    };
    task.level.own(Keyword::When).is_some_and(|when| match &when.value {
        Value::List(all) => all.snapshot().iter().any(is_false),
        one => is_false(one),
    })
}

/// What ends the work on every host that comes here, for a task that always does.
fn ends(task: &Task) -> Option<&'static str> {
    let conditional = [
        Keyword::When,
        Keyword::Tags,
        Keyword::IgnoreErrors,
        Keyword::FailedWhen,
        Keyword::Until,
        Keyword::DelegateTo,
        Keyword::RunOnce,
    ];
    // Another run may choose other tags: only what stands under no condition at all is certain.
    if task.implicit
        || task.looped.is_some()
        || conditional.iter().any(|k| task.level.inherited(*k).is_some())
    {
        return None;
    }
    match task.action.name.as_str() {
        "ansible.builtin.fail" => Some("`fail`"),
        "ansible.builtin.meta" => {
            match task.action.args.get("_raw_params").as_ref().and_then(Value::as_str) {
                Some("end_play") => Some("`meta: end_play`"),
                Some("end_host") => Some("`meta: end_host`"),
                Some("end_batch") => Some("`meta: end_batch`"),
                _ => None,
            }
        }
        _ => None,
    }
}
