//! `gather_facts`: what a play does first on every host.

use super::{Action, ActionContext, ActionError, ActionFuture, Outcome, module_defaults};
use crate::{
    config::options,
    event::Event,
    playbook::resolve::builtin_name,
    run::TaskResult,
    template::RenderOptions,
    value::{
        Dict, Value,
        merge::{self, ListMerge},
    },
};

const SETUP: &str = "ansible.legacy.setup";

/// Gathers facts with `setup`, or the modules that the configuration names.
pub static ACTION: Action = Action { name: "gather_facts", bypass_host_loop: false, run };

fn run<'a>(cx: &'a mut ActionContext<'_>) -> ActionFuture<'a> {
    Box::pin(gather_facts(cx))
}

async fn gather_facts(cx: &mut ActionContext<'_>) -> Outcome {
    let modules = modules(cx)?;
    let mut result = TaskResult::default();
    result.control.verbose_never = true;
    let (mut facts, failed) = (Dict::new(), Dict::new());
    for name in &modules {
        let gathered = cx.module(name, arguments(cx, name)?).await?;
        if gathered.data.get("failed").is_some_and(|v| v.is_true()) {
            failed.insert(name.as_str(), Value::Dict(gathered.data));
            continue;
        }
        if let Some(Value::Dict(new)) = gathered.data.get("ansible_facts") {
            // Of the same fact the later module's holds; dicts become one, and so do lists.
            facts = merge::merge_dicts(&facts, &new, true, ListMerge::AppendRp)
                .map_err(|e| ActionError::fail(e.to_string()))?;
        }
        for key in ["warnings", "deprecations"] {
            let Some(Value::List(new)) = gathered.data.get(key) else { continue };
            let known = match result.data.get(key) {
                Some(Value::List(known)) => known.snapshot(),
                _ => Vec::new(),
            };
            result.data.insert(key, known.into_iter().chain(new.snapshot()).collect::<Value>());
        }
    }
    result.data.insert("ansible_facts", facts.clone());
    if !failed.is_empty() {
        let names: Vec<String> =
            failed.snapshot().iter().map(|(k, _)| k.value().to_text()).collect();
        let text = format!("The following modules failed to execute: {}\n", names.join(", "));
        result.data.insert("failed", true);
        result.data.insert("msg", text);
        result.data.insert("failed_modules", failed);
    }
    facts.insert("_ansible_facts_gathered", true);
    Ok(result)
}

/// The modules that gather facts (`facts_modules`), as failures show them.
fn modules(cx: &ActionContext<'_>) -> Result<Vec<String>, ActionError> {
    let set = match cx.templar.raw("ansible_facts_modules") {
        Some(raw) => match cx.templar.render(&raw, &RenderOptions::default())? {
            Value::List(names) => names.read().iter().map(Value::to_text).collect(),
            other => other.to_text().split(',').map(|n| n.trim().to_owned()).collect(),
        },
        None => cx.worker.play.run.settings.get(&options::FACTS_MODULES),
    };
    let mut names: Vec<String> = set.iter().filter(|n| *n != "smart").cloned().collect();
    if names.len() != set.len() {
        names.push(SETUP.to_owned());
    }
    for name in &names {
        if builtin_name(name).is_none_or(|short| vmstation_host::module::find(short).is_none()) {
            let text = format!("the facts module '{name}' is not supported yet");
            return Err(ActionError::fail(text));
        }
    }
    Ok(names)
}

/// What a module is given: its own `module_defaults`, and the task's arguments, which win. Subsets and the
/// like mean something to `setup` only.
fn arguments(cx: &ActionContext<'_>, module: &str) -> Result<Dict, ActionError> {
    let setup = builtin_name(module) == Some("setup");
    let of_setup = ["gather_subset", "gather_timeout", "filter"];
    let args = module_defaults::of_module(&cx.worker.task, module, &cx.templar)?;
    let given = cx.args.copy();
    if !setup {
        let subset = given.get("gather_subset").map_or_else(|| "None".to_owned(), |v| v.to_text());
        if !matches!(subset.as_str(), "all" | "['all']") {
            ignored(cx, "subset", &subset, module);
        }
        for (name, called) in [("gather_timeout", "timeout"), ("filter", "filter")] {
            if let Some(value) = given.get(name).filter(|v| !v.is_none()) {
                ignored(cx, called, &value.to_text(), module);
            }
        }
    }
    for (k, v) in given.snapshot() {
        let key = k.as_str().unwrap_or_default();
        if !v.is_none() && key != "parallel" && (setup || !of_setup.contains(&key)) {
            args.write().insert(k, v);
        }
    }
    Ok(args)
}

fn ignored(cx: &ActionContext<'_>, what: &str, value: &str, module: &str) {
    let text = format!("Ignoring {what}({value}) for {module}");
    cx.worker.play.run.events.send(Event::Warning(text));
}
