//! Executable inventories: they print JSON when called with `--list` and `--host`.

use std::{
    path::Path,
    process::{Command, Output, Stdio},
    sync::Arc,
};

use indexmap::IndexSet;

use super::{Plugin, Reading, fail, is_executable};
use crate::{
    diagnostic::{Notice, Result, Source, ansible::os_error},
    inventory::python,
    value::{Decrypt, Dict, Value, types},
    yaml as document,
};

/// Programs that print an inventory.
pub(super) struct Script;

impl Plugin for Script {
    fn name(&self) -> &'static str {
        "script"
    }

    fn accepts(&self, source: &str, cx: &mut Reading<'_>) -> bool {
        cx.is_readable(source) && (is_executable(source) || has_shebang(source))
    }

    fn parse(&self, source: &str, cx: &mut Reading<'_>) -> Result<()> {
        let output = run(&[source, "--list"])
            .map_err(|e| fail(format!("problem running {source} --list ({})", os(&e, source))))?;
        let mut words = String::from_utf8_lossy(&output.stderr).into_owned();
        if !words.is_empty() && !words.ends_with('\n') {
            words.push('\n');
        }
        if !output.status.success() {
            return Err(fail(format!(
                "Inventory script ({source}) had an execution error: {words} "
            )));
        }
        let data = listing(source, output.stdout, &words, cx)?;
        if !words.is_empty() && cx.rules.script_stderr {
            cx.notices.notice(Notice::Error(words.clone()));
        }
        let Value::Dict(groups) = data else {
            return Err(fail(format!(
                "failed to parse executable inventory script results from {source}: needs to be a \
                 json dict\n{words}"
            )));
        };
        populate(source, &groups, cx)
    }
}

fn has_shebang(source: &str) -> bool {
    use std::io::Read;
    let mut start = [0; 2];
    let read = std::fs::File::open(source).and_then(|mut f| f.read_exact(&mut start));
    read.is_ok() && start == *b"#!"
}

fn os(error: &std::io::Error, path: &str) -> String {
    os_error(error, Some(Path::new(path)))
}

fn run(words: &[&str]) -> std::io::Result<Output> {
    let mut command = Command::new(words[0]);
    command.args(&words[1..]).stdin(Stdio::inherit()).output()
}

fn listing(source: &str, stdout: Vec<u8>, words: &str, cx: &Reading<'_>) -> Result<Value> {
    let text = String::from_utf8(stdout).map_err(|e| {
        fail(format!(
            "Inventory {source} contained characters that cannot be interpreted as UTF-8: {e}"
        ))
    })?;
    let secrets = cx.vault.map(|v| Arc::clone(v) as Arc<dyn Decrypt>);
    let node = document::load_json(&Source::new(source, text), secrets.as_ref());
    let node = node.map_err(|why| {
        fail(format!(
            "failed to parse executable inventory script results from {source}: {why}. {why}\n{words}"
        ))
    })?;
    Ok(node.to_value())
}

fn populate(source: &str, groups: &Dict, cx: &mut Reading<'_>) -> Result<()> {
    let mut hosts = IndexSet::new();
    let mut meta = None;
    for (name, data) in groups.snapshot() {
        if name.as_str() == Some("_meta") {
            meta = meta.or(data.as_dict().and_then(|d| d.get("hostvars")));
        } else {
            group(name.value(), data, &mut hosts, cx)?;
        }
    }
    for host in hosts {
        let vars = match &meta {
            Some(Value::Dict(all)) => all.get(&host).unwrap_or_else(|| Dict::new().into()),
            Some(other) => {
                let why = format!("'{}' object has no attribute 'get'", types::class_name(other));
                return Err(fail(format!(
                    "Improperly formatted host information for {host}: {why}. {why}"
                )));
            }
            None => host_vars(source, &host, cx)?,
        };
        cx.populate(&[host], &vars, None, None)?;
    }
    Ok(())
}

fn group(
    name: &Value,
    data: Value,
    found: &mut IndexSet<String>,
    cx: &mut Reading<'_>,
) -> Result<()> {
    let name = cx.graph.add_group(name)?;
    let entry = |key: &str, value: Value| [(key, value)].into_iter().collect::<Dict>();
    let data = match data {
        Value::Dict(d) if ["hosts", "vars", "children"].iter().any(|k| d.contains(k)) => d,
        // A group without these keys is a host of that name with variables.
        Value::Dict(d) => {
            let all = entry("hosts", Value::list(vec![Value::str(Arc::clone(&name))]));
            all.insert("vars", d);
            all
        }
        other => entry("hosts", other),
    };
    let shown = || python::repr(&Value::Dict(data.clone()));
    match data.get("hosts") {
        None => {}
        Some(Value::List(hosts)) => {
            for host in hosts.snapshot() {
                let Some(host) = host.as_str() else {
                    return Err(fail(format!(
                        "Invalid host name supplied, expected a string but got {} for {}",
                        types::class_repr(&host),
                        python::shown(&host)
                    )));
                };
                found.insert(host.to_owned());
                cx.graph.add_host(host, Some(&name), None)?;
            }
        }
        Some(_) => {
            return Err(fail(format!(
                "You defined a group '{name}' with bad data for the host list:\n {}",
                shown()
            )));
        }
    }
    match data.get("vars") {
        None => {}
        Some(Value::Dict(vars)) => {
            for (key, value) in vars.snapshot() {
                cx.graph.set_variable(&name, key.value(), value)?;
            }
        }
        Some(_) => {
            return Err(fail(format!(
                "You defined a group '{name}' with bad data for variables:\n {}",
                shown()
            )));
        }
    }
    let children = data.get("children");
    for child in children.iter().filter_map(|c| c.as_list()).flat_map(|l| l.snapshot()) {
        let child = cx.graph.add_group(&child)?;
        cx.graph.add_child(&name, &child)?;
    }
    Ok(())
}

fn host_vars(source: &str, host: &str, cx: &Reading<'_>) -> Result<Value> {
    let output = run(&[source, "--host", host]).map_err(|e| {
        fail(format!("problem running {source} --host {host} ({})", os(&e, source)))
    })?;
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let secrets = cx.vault.map(|v| Arc::clone(v) as Arc<dyn Decrypt>);
    let text = Source::new(Path::new(source), text);
    let loaded = document::load_one(&text, secrets.as_ref(), cx.rules.duplicate_keys)?;
    Ok(loaded.node.to_value())
}
