//! `add_host`: adds a host to the inventory while it runs.

use super::{Action, ActionContext, ActionError, ActionFuture, Outcome};
use crate::{
    inventory::parse_address,
    run::TaskResult,
    value::{Dict, Value, types::class_repr},
};

/// Adds a host to the inventory.
pub static ACTION: Action = Action { name: "add_host", bypass_host_loop: true, run };

fn run<'a>(cx: &'a mut ActionContext<'_>) -> ActionFuture<'a> {
    Box::pin(async move { add_host(cx) })
}

fn add_host(cx: &ActionContext<'_>) -> Outcome {
    let args = cx.args.copy();
    match args.remove("_raw_params") {
        None => {}
        Some(Value::Dict(raw)) => {
            for (k, v) in raw.snapshot() {
                args.write().entry(k).or_insert(v);
            }
        }
        Some(other) => {
            return Err(ActionError::fail(format!(
                "Invalid raw parameters passed, requires a dictonary/mapping got a  {}",
                class_repr(&other)
            )));
        }
    }
    let wanted = ["name", "hostname", "host"].iter().find_map(|k| args.get(k));
    let Some(wanted) = wanted.filter(|v| !v.is_none()) else {
        return Err(ActionError::fail("name, host or hostname needs to be provided"));
    };
    let wanted = wanted.to_text();
    let (name, port) = match parse_address(&wanted, false) {
        Ok((name, port)) => (name, port),
        // Not an address, but a name all the same.
        Err(_) => (wanted, None),
    };
    if let Some(port) = port {
        args.insert("ansible_ssh_port", i64::from(port));
    }
    let groups = groups(&args)?;
    let special = ["name", "hostname", "groupname", "groups"];
    let vars: Dict = args
        .snapshot()
        .into_iter()
        .filter(|(k, _)| !k.as_str().is_some_and(|k| special.contains(&k)))
        .collect();
    let host: Dict = [
        ("host_name", Value::str(name)),
        ("groups", groups.into_iter().map(Value::from).collect()),
        ("host_vars", Value::Dict(vars)),
    ]
    .into_iter()
    .collect();
    let mut result =
        TaskResult::of([("changed", false.into()), ("add_host", Value::Dict(host.clone()))]);
    result.control.add_host = Some(host);
    Ok(result)
}

fn groups(args: &Dict) -> Result<Vec<String>, ActionError> {
    let written = ["groupname", "groups", "group"].iter().find_map(|k| args.get(k));
    let names: Vec<String> = match written {
        None | Some(Value::None) => Vec::new(),
        Some(Value::List(items)) => items.read().iter().map(Value::to_text).collect(),
        Some(Value::Str(s)) if s.is_empty() => Vec::new(),
        Some(Value::Str(s)) => s.split(',').map(str::to_owned).collect(),
        Some(_) => return Err(ActionError::fail("Groups must be specified as a list.")),
    };
    let mut unique: Vec<String> = Vec::new();
    for name in names {
        if !unique.contains(&name) {
            unique.push(name.trim().to_owned());
        }
    }
    Ok(unique)
}
