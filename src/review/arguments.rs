//! Arguments against the module's specification.

use vmstation_host::{
    module::{self, Map, Module, Opt},
    spec::{self, Expand},
};

use super::{Reviewer, Subject, did_you_mean};
use crate::{
    diagnostic::{Finding, Span},
    playbook::Keyword,
    value::{Key, Value, json},
    yaml::Node,
};

/// Arguments of ours within a task's: free text, and a template in place of all arguments.
const OWN: &[&str] = &["_raw_params", "_uses_shell", "_variable_params"];

/// Arguments that actions take out before the module sees them, beside those that it documents.
const ACTIONS_OWN: &[(&str, &[&str])] = &[
    ("ansible.builtin.assemble", &["decrypt"]),
    ("ansible.builtin.copy", &["decrypt"]),
    ("ansible.builtin.service", &["use"]),
    ("ansible.builtin.unarchive", &["decrypt"]),
];

pub(super) fn check(reviewer: &Reviewer<'_>, subject: &Subject<'_>, found: &mut Vec<Finding>) {
    let action = &subject.task.action;
    if action.missing {
        let text = format!("the module `{}` is not supported yet", action.name);
        found.push(Finding::new(text, &action.span));
        return;
    }
    let Some(module) = module::find(&action.name) else { return };
    if action.args.contains("_variable_params") {
        return;
    }
    let given = action.args.snapshot();
    let mut known = true;
    for (name, _) in &given {
        let Some(name) = name.value().as_str() else { continue };
        if !OWN.contains(&name) && !is_option(module, name) {
            known = false;
            found.push(unknown(module, name, &place(subject, name)));
        }
    }
    let decided = subject.task.level.inherited(Keyword::ModuleDefaults).is_none()
        && !given.iter().any(|(_, v)| reviewer.is_template(v));
    if known && decided {
        found.extend(refused(module, &given, subject));
    }
}

fn is_option(module: &Module, name: &str) -> bool {
    let full = format!("{}.{}", module.collection, module.name);
    let own = ACTIONS_OWN.iter().filter(|(of, _)| *of == full).flat_map(|(_, names)| *names);
    module.option(name).is_some()
        || own.copied().any(|n| n == name)
        || module.all_options().iter().any(|o| o.deprecated_aliases.iter().any(|(a, _)| *a == name))
}

fn unknown(module: &Module, name: &str, place: &Span) -> Finding {
    let options = module.all_options();
    let names = options
        .iter()
        .filter(|o| !o.internal)
        .flat_map(|o: &&'static Opt| std::iter::once(o.name).chain(o.aliases.iter().copied()));
    Finding::new(format!("the module `{}` has no argument `{name}`", module.name), place)
        .helped(did_you_mean(name, names))
}

/// What the module itself will say to arguments that hold no template.
fn refused(module: &Module, given: &[(Key, Value)], subject: &Subject<'_>) -> Option<Finding> {
    let mut args = Map::new();
    for (name, value) in given {
        args.insert(name.value().as_str()?.to_owned(), json::to_json(value).ok()?);
    }
    // The text of a command is an argument of its own; what actions add is not there yet.
    if args.contains_key("_raw_params") || crate::action::find(&subject.task.action.name).is_some()
    {
        return None;
    }
    let checked = spec::check(module.name, &module.all_options(), module.rules, args, &mut Nobody);
    let span = &subject.task.action.span;
    checked.error.map(|error| Finding::new(format!("{}: {error}", module.name), span))
}

/// No host is asked: what it would expand stays as it is.
struct Nobody;

impl Expand for Nobody {
    fn expand(&mut self, text: &str) -> String {
        text.to_owned()
    }

    fn env(&self, _name: &str) -> Option<String> {
        None
    }
}

/// Where an argument's name stands: below the action, in `args`, or in the action's text.
fn place(subject: &Subject<'_>, name: &str) -> Span {
    let entries = subject.node.as_map().unwrap_or_default();
    let is = |node: &Node, text: &str| node.as_str() == Some(text);
    let below = |(key, value): &(Node, Node)| {
        let holds_arguments = is(key, &subject.task.action.written)
            || ["args", "action", "local_action"].iter().any(|k| is(key, k));
        let inside = value.as_map().filter(|_| holds_arguments)?;
        inside.iter().find(|(k, _)| is(k, name)).map(|(k, _)| k.span.clone())
    };
    entries.iter().find_map(below).unwrap_or_else(|| subject.task.action.span.clone())
}
