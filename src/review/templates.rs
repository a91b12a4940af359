//! Templates that do not compile.

use super::{Reviewer, Subject};
use crate::{
    diagnostic::{Finding, Span},
    value::Value,
    yaml::{Node, NodeKind},
};

/// Keywords whose texts are expressions already.
const CONDITIONS: &[&str] = &["when", "until", "changed_when", "failed_when", "that"];

/// Keys of a play whose texts are not those of its tasks.
const OF_PLAYS: &[&str] =
    &["vars", "environment", "hosts", "name", "module_defaults", "vars_files"];

pub(super) fn of_play(reviewer: &Reviewer<'_>, play: &Node, found: &mut Vec<Finding>) {
    for (key, value) in play.as_map().unwrap_or_default() {
        if key.as_str().is_some_and(|k| OF_PLAYS.contains(&k)) {
            texts(reviewer, value, found);
        }
    }
}

pub(super) fn of_task(reviewer: &Reviewer<'_>, subject: &Subject<'_>, found: &mut Vec<Finding>) {
    texts(reviewer, subject.node, found);
}

fn texts(reviewer: &Reviewer<'_>, node: &Node, found: &mut Vec<Finding>) {
    match &node.kind {
        NodeKind::Scalar(Value::Str(text)) if !text.is_unsafe() => {
            compile(reviewer, text, text, &node.span, found);
        }
        NodeKind::Scalar(_) => {}
        NodeKind::Seq(items) => items.iter().for_each(|n| texts(reviewer, n, found)),
        NodeKind::Map(entries) => {
            for (key, value) in entries.iter() {
                match key.as_str() {
                    Some(key) if CONDITIONS.contains(&key) => conditions(reviewer, value, found),
                    _ => texts(reviewer, value, found),
                }
            }
        }
    }
}

fn conditions(reviewer: &Reviewer<'_>, node: &Node, found: &mut Vec<Finding>) {
    if let Some(items) = node.as_seq() {
        items.iter().for_each(|n| conditions(reviewer, n, found));
        return;
    }
    let Some(text) = node.as_str().filter(|t| !t.is_empty()) else { return };
    if reviewer.loader.is_template(text) {
        compile(reviewer, text, text, &node.span, found);
    } else {
        let whole = format!("{{% if {text} %}} True {{% else %}} False {{% endif %}}");
        compile(reviewer, &whole, text, &node.span, found);
    }
}

/// `text` is what is compiled for what was `written`.
fn compile(
    reviewer: &Reviewer<'_>,
    text: &str,
    written: &str,
    span: &Span,
    found: &mut Vec<Finding>,
) {
    let Some(why) = reviewer.templates.syntax_error(text) else { return };
    let finding = Finding::new(format!("this template does not compile: {why}"), span);
    // Go's templates and the like are often meant for another program.
    let help = written.contains("{{.").then(|| {
        "text for another program's templates goes into {% raw %}…{% endraw %}, or after `!unsafe`"
            .to_owned()
    });
    found.push(finding.helped(help));
}
