//! Files that tasks name and that are not there.

use super::{Reviewer, Subject};
use crate::{
    diagnostic::Finding,
    paths,
    playbook::{Keyword, Play},
    value::Value,
    yaml::Node,
};

/// Actions that read a file of the controller's: the argument that names it, and the folder of roles and playbooks in
/// which it lies.
const READ: &[(&str, &str, &str)] = &[
    ("ansible.builtin.assemble", "src", "files"),
    ("ansible.builtin.copy", "src", "files"),
    ("ansible.builtin.template", "src", "templates"),
    ("ansible.builtin.unarchive", "src", "files"),
    ("ansible.builtin.include_vars", "file", "vars"),
];

/// Those of them that read on the host instead where `remote_src` says so.
const REMOTE: &[&str] =
    &["ansible.builtin.assemble", "ansible.builtin.copy", "ansible.builtin.unarchive"];

pub(super) fn of_task(reviewer: &Reviewer<'_>, subject: &Subject<'_>, found: &mut Vec<Finding>) {
    let task = subject.task;
    let Some((_, argument, folder)) = READ.iter().find(|(name, ..)| *name == task.action.name)
    else {
        return;
    };
    let args = &task.action.args;
    let remote = args.get("remote_src").is_some_and(|v| !matches!(v, Value::Bool(false)));
    let assembles = task.action.name == "ansible.builtin.assemble";
    if REMOTE.contains(&&*task.action.name)
        && (remote || (assembles && !args.contains("remote_src")))
    {
        return;
    }
    // Who handles its absence knows of it; who is not sure to run it may never need it.
    let handled = [Keyword::When, Keyword::IgnoreErrors, Keyword::FailedWhen]
        .map(|k| task.level.inherited(k));
    if handled.iter().any(Option::is_some) {
        return;
    }
    let Some(Value::Str(name)) = args.get(argument) else { return };
    let name = name.as_str();
    if reviewer.loader.is_template(name) || name.is_empty() || name.contains("://") {
        return;
    }
    let basedir = &subject.play.basedir;
    let mut dirs = task.search_dirs();
    if !dirs.contains(basedir) {
        dirs.push(basedir.clone());
    }
    if paths::dwim_relative_stack(basedir, &dirs, folder, name).is_err() {
        let place = argument_place(subject, argument);
        found.push(Finding::new(format!("the file `{name}` is not there"), &place).helped(Some(
            format!("it is looked for in `{folder}/` of the role and beside the playbook"),
        )));
    }
}

fn argument_place(subject: &Subject<'_>, argument: &str) -> crate::diagnostic::Span {
    let arguments = subject.node.get(&subject.task.action.written);
    let own = arguments.and_then(|n| n.get(argument)).map(|n| n.span.clone());
    own.unwrap_or_else(|| subject.task.action.span.clone())
}

/// `vars_files` without templates must be there when the play starts.
pub(super) fn of_play(reviewer: &Reviewer<'_>, play: &Play, node: &Node, found: &mut Vec<Finding>) {
    let Some(files) = node.get("vars_files") else { return };
    for file in files.as_seq().unwrap_or(std::slice::from_ref(files)) {
        let Some(name) = file.as_str().filter(|n| !reviewer.loader.is_template(n)) else {
            continue;
        };
        if paths::dwim_relative_stack(
            &play.basedir,
            std::slice::from_ref(&play.basedir),
            "vars",
            name,
        )
        .is_err()
        {
            found.push(Finding::new(format!("the file `{name}` is not there"), &file.span));
        }
    }
}
