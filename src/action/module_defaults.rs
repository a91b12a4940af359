//! `module_defaults`: arguments that a play, role, block or task gives to modules by name.

use crate::{
    diagnostic::Result,
    playbook::{Keyword, Task},
    template::{RenderOptions, Templar},
    value::{Dict, Value},
};

/// The defaults for a task's own action.
pub fn of(task: &Task, templar: &Templar) -> Result<Dict> {
    of_module(task, &task.action.name, templar)
}

/// The defaults for a module by its full name: those of the innermost level that has some.
///
/// # Errors
/// Defaults that can't be rendered.
pub fn of_module(task: &Task, module: &str, templar: &Templar) -> Result<Dict> {
    let mut innermost = None;
    for written in task.level.extended(Keyword::ModuleDefaults) {
        let parts = match &written.value {
            Value::List(items) => items.snapshot(),
            other => vec![other.clone()],
        };
        for part in parts {
            let Value::Dict(entries) = part else { continue };
            for (name, args) in entries.snapshot() {
                // The loader knows that a group exists. Its modules are those of collections, never
                // ansible-core's.
                if name
                    .as_str()
                    .is_some_and(|n| !n.starts_with("group/") && full_name(n) == full_name(module))
                {
                    innermost = Some(args);
                }
            }
        }
    }
    let Some(args) = innermost else { return Ok(Dict::new()) };
    Ok(match templar.render(&args, &RenderOptions::default())? {
        Value::Dict(args) => args.copy(),
        _ => Dict::new(),
    })
}

fn full_name(name: &str) -> String {
    match name.strip_prefix("ansible.legacy.") {
        Some(short) => format!("ansible.builtin.{short}"),
        None if name.contains('.') => name.to_owned(),
        None => format!("ansible.builtin.{name}"),
    }
}
