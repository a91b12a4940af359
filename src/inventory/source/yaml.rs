//! YAML (and JSON) inventories: groups with `hosts`, `vars` and `children`.

use super::{Plugin, Reading, extension, fail};
use crate::{
    diagnostic::Result,
    inventory::{python, range},
    value::{Dict, Value},
};

/// Files of groups.
pub(super) struct Yaml;

impl Plugin for Yaml {
    fn name(&self) -> &'static str {
        "yaml"
    }

    fn accepts(&self, source: &str, cx: &mut Reading<'_>) -> bool {
        let ext = extension(source);
        cx.is_readable(source)
            && (ext.is_empty() || cx.rules.yaml_extensions.iter().any(|e| e == ext))
    }

    fn parse(&self, source: &str, cx: &mut Reading<'_>) -> Result<()> {
        let data = cx.load(source)?;
        if !python::is_true(&data) {
            return Err(fail("Parsed empty YAML file"));
        }
        let Value::Dict(groups) = &data else {
            return Err(fail(format!(
                "YAML inventory has invalid structure, it should be a dictionary, got: {}",
                cx.class(&data)
            )));
        };
        if groups.get("plugin").is_some_and(|p| python::is_true(&p)) {
            return Err(fail("Plugin configuration YAML file, not YAML inventory"));
        }
        for (name, data) in groups.snapshot() {
            group(name.value(), &data, cx)?;
        }
        Ok(())
    }
}

/// Reads one group and gives the name that it goes by; what is no group is warned of.
fn group(name: &Value, data: &Value, cx: &mut Reading<'_>) -> Result<Value> {
    let data = match data {
        Value::None => None,
        Value::Dict(data) => Some(data),
        _ => {
            let shown = python::shown(name);
            let text = format!("Skipping '{shown}' as this is not a valid group definition");
            cx.notices.warning(text);
            return Ok(name.clone());
        }
    };
    let added = cx.graph.add_group(name).map_err(|e| {
        e.map_message(|why| format!("Unable to add group {}: {why}", python::shown(name)))
    })?;
    // What is odd about its name is told before what is odd about its content.
    cx.tell();
    if let Some(data) = data {
        check_sections(&added, data, cx)?;
        for (key, value) in data.snapshot() {
            section(&added, key.value(), &value, cx)?;
        }
    }
    Ok(Value::str(added))
}

fn check_sections(group: &str, data: &Dict, cx: &Reading<'_>) -> Result<()> {
    for section in ["vars", "children", "hosts"] {
        match data.get(section) {
            None | Some(Value::None | Value::Dict(_) | Value::Str(_)) => {}
            Some(other) => {
                return Err(fail(format!(
                    "Invalid \"{section}\" entry for \"{group}\" group, requires a dictionary, \
                     found \"{}\" instead.",
                    cx.class(&other)
                )));
            }
        }
    }
    Ok(())
}

fn section(group_name: &str, key: &Value, value: &Value, cx: &mut Reading<'_>) -> Result<()> {
    let name = key.as_str().unwrap_or_default();
    let known = matches!(name, "vars" | "children" | "hosts");
    let entries = match value {
        // A lone name stands for a mapping without values.
        Value::Str(s) if known => [(s.as_str(), Value::None)].into_iter().collect::<Dict>(),
        Value::Dict(entries) => entries.clone(),
        Value::None => {
            let shown = python::shown(key);
            cx.verbose(3, format!("Skipping empty key ({shown}) in group ({group_name})"));
            return Ok(());
        }
        other => {
            let (shown, class) = (python::shown(key), cx.class(other));
            cx.notices.warning(format!(
                "Skipping key ({shown}) in group ({group_name}) as it is not a mapping, it is a \
                 {class}"
            ));
            return Ok(());
        }
    };
    match name {
        "vars" => {
            for (key, value) in entries.snapshot() {
                cx.graph.set_variable(group_name, key.value(), value)?;
            }
        }
        "children" => {
            for (child, data) in entries.snapshot() {
                let child = group(child.value(), &data, cx)?;
                cx.graph.add_child(group_name, &python::shown(&child))?;
            }
        }
        "hosts" => {
            for (pattern, vars) in entries.snapshot() {
                hosts(group_name, pattern.value(), vars, cx)?;
            }
        }
        _ => {
            let shown = python::shown(key);
            cx.notices.warning(format!(
                "Skipping unexpected key ({shown}) in group ({group_name}), only \"vars\", \
                 \"children\" and \"hosts\" are valid"
            ));
        }
    }
    Ok(())
}

fn hosts(group: &str, pattern: &Value, vars: Value, cx: &mut Reading<'_>) -> Result<()> {
    let Some(text) = pattern.as_str() else {
        return Err(fail(format!(
            "Host pattern {} must be a string. Enclose integers/floats in quotation marks.",
            python::shown(pattern)
        )));
    };
    let (hosts, port) = range::expand_pattern(text).map_err(|e| fail(e.into_text()))?;
    let vars = if python::is_true(&vars) { vars } else { Dict::new().into() };
    cx.populate(&hosts, &vars, Some(group), port)
}
