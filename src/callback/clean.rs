//! What of a result ansible gives to callbacks.

use crate::{
    event::{Report, TaskInfo},
    value::{Dict, Value},
};

/// The report without what the kind of event tells already.
pub fn without_status(report: &Report) -> Report {
    let mut report = report.clone();
    let data = report.result.copy();
    data.remove("failed");
    data.remove("skipped");
    if is_debug(&report.task) {
        data.remove("invocation");
    }
    report.result = data;
    report
}

/// The report without what its kind of task never shows.
pub fn shown(report: &Report) -> Report {
    let report = without_status(report);
    let data = &report.result;
    if is_debug(&report.task) {
        if data.contains("msg") {
            let shown = ["msg", "exception", "warnings", "deprecations"];
            data.write().retain(|k, _| {
                k.as_str().is_some_and(|k| shown.contains(&k) || k.starts_with('_'))
            });
        } else {
            for key in ["changed", "failed", "skipped", "invocation", "skip_reason"] {
                data.remove(key);
            }
        }
    }
    report
}

fn is_debug(task: &TaskInfo) -> bool {
    task.resolved == "ansible.builtin.debug"
}

/// The result with the keys that ansible leaves to callbacks which write all of it.
pub fn with_internal(report: &Report) -> Dict {
    let data = without_status(report).result;
    // Where the action told nothing of changes, ansible adds that last.
    let last = data.read().last().is_some_and(|(k, _)| k.as_str() == Some("changed"));
    let changed = if last { data.remove("changed") } else { None };
    if report.verbose_always {
        data.insert("_ansible_verbose_always", true);
    }
    if report.verbose_never {
        data.insert("_ansible_verbose_override", true);
    }
    let made_of_turns = report.task.looped && data.contains("results");
    let censored = data.contains("censored");
    if !report.task.include && !made_of_turns && !censored && !data.contains("unreachable") {
        data.insert("_ansible_no_log", false);
    }
    if let Some(changed) = changed {
        data.insert("changed", changed);
    }
    if let Some(delegated) = &report.delegated {
        let address = delegated.address.as_ref().unwrap_or(&delegated.host);
        let vars: Dict = [("ansible_host", Value::from(address.as_str()))].into_iter().collect();
        data.insert("_ansible_delegated_vars", vars);
    }
    data
}
