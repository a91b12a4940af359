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

/// The defaults for a module by its full name, those of outer levels first.
///
/// # Errors
/// Defaults that can't be rendered or are no dicts.
pub fn of_module(task: &Task, module: &str, templar: &Templar) -> Result<Dict> {
    let all = Dict::new();
    for written in task.level.extended(Keyword::ModuleDefaults) {
        let parts = match &written.value {
            Value::List(items) => items.snapshot(),
            other => vec![other.clone()],
        };
        for part in parts {
            let Value::Dict(entries) = part else { continue };
            for (name, args) in entries.snapshot() {
                let Some(name) = name.as_str() else { continue };
                // The loader knows that the group exists. Its modules are those of collections,
                // never ansible-core's.
                if name.starts_with("group/") {
                    continue;
                }
                if full_name(name) != full_name(module) {
                    continue;
                }
                if let Value::Dict(args) = templar.render(&args, &RenderOptions::default())? {
                    for (k, v) in args.snapshot() {
                        all.write().insert(k, v);
                    }
                }
            }
        }
    }
    Ok(all)
}

fn full_name(name: &str) -> String {
    match name.strip_prefix("ansible.legacy.") {
        Some(short) => format!("ansible.builtin.{short}"),
        None if name.contains('.') => name.to_owned(),
        None => format!("ansible.builtin.{name}"),
    }
}
