//! TOML inventories: groups with `hosts`, `vars` and `children`.

use std::path::Path;

use super::{Plugin, Reading, extension, fail};
use crate::{
    diagnostic::Result,
    inventory::{python, range},
    value::{Dict, Key, Value},
};

/// Files of groups.
pub(super) struct Toml;

impl Plugin for Toml {
    fn name(&self) -> &'static str {
        "toml"
    }

    fn accepts(&self, source: &str, cx: &mut Reading<'_>) -> bool {
        cx.is_readable(source) && extension(source) == ".toml"
    }

    fn parse(&self, source: &str, cx: &mut Reading<'_>) -> Result<()> {
        let groups = load(source, cx)?;
        if groups.is_empty() {
            return Err(fail("Parsed empty TOML file"));
        }
        if groups.get("plugin").is_some_and(|p| python::is_true(&p)) {
            return Err(fail("Plugin configuration TOML file, not TOML inventory"));
        }
        for (name, data) in groups.snapshot() {
            group(name.as_str().unwrap_or_default(), &data, cx)?;
        }
        Ok(())
    }
}

fn load(source: &str, cx: &Reading<'_>) -> Result<Dict> {
    let (file, _) = match cx.vault {
        Some(vault) => vault.read(Path::new(source)),
        None => crate::vault::Vault::default().read(Path::new(source)),
    }?;
    let table: toml::Table = file.text().parse().map_err(|e: toml::de::Error| {
        fail(format!("TOML file ({source}) is invalid: {}", explain(file.text(), &e)))
    })?;
    Ok(dict(table))
}

/// What is wrong, and where.
fn explain(text: &str, error: &toml::de::Error) -> String {
    let Some(before) = error.span().and_then(|s| text.get(..s.start)) else {
        return error.message().to_owned();
    };
    let line = before.matches('\n').count() + 1;
    let column = before.rsplit('\n').next().unwrap_or_default().chars().count() + 1;
    format!("{} (line {line} column {column})", error.message())
}

fn dict(table: toml::Table) -> Dict {
    table.into_iter().map(|(k, v)| (Key::from(k.as_str()), value(v))).collect()
}

fn value(read: toml::Value) -> Value {
    match read {
        toml::Value::String(s) => Value::from(s),
        toml::Value::Integer(n) => n.into(),
        toml::Value::Float(f) => f.into(),
        toml::Value::Boolean(b) => b.into(),
        toml::Value::Array(items) => items.into_iter().map(value).collect(),
        toml::Value::Table(table) => Value::Dict(dict(table)),
        toml::Value::Datetime(moment) => time(&moment),
    }
}

/// A date, or a date with a time; a time alone stays text.
fn time(moment: &toml::value::Datetime) -> Value {
    let date = moment
        .date
        .and_then(|d| chrono::NaiveDate::from_ymd_opt(d.year.into(), d.month.into(), d.day.into()));
    let clock = moment.time.and_then(|t| {
        // A leap second counts as the second before, as far as clocks here go.
        let second = u32::from(t.second.unwrap_or(0)).min(59);
        let micro = t.nanosecond.unwrap_or(0) / 1000;
        chrono::NaiveTime::from_hms_micro_opt(t.hour.into(), t.minute.into(), second, micro)
    });
    let offset = moment.offset.map(|o| match o {
        toml::value::Offset::Z => 0,
        toml::value::Offset::Custom { minutes } => i32::from(minutes) * 60,
    });
    match (date, clock) {
        (Some(date), None) => Value::Date(date),
        (Some(date), Some(clock)) => Value::DateTime(date.and_time(clock), offset),
        (None, _) => Value::from(moment.to_string()),
    }
}

fn group(name: &str, data: &Value, cx: &mut Reading<'_>) -> Result<()> {
    let Value::Dict(data) = data else {
        let text = format!("Skipping '{name}' as this is not a valid group definition");
        cx.notices.warning(text);
        return Ok(());
    };
    let group = cx.graph.add_group(&Value::from(name))?;
    for (key, value) in data.snapshot() {
        section(&group, key.as_str().unwrap_or_default(), value, cx)?;
    }
    Ok(())
}

fn section(group_name: &str, key: &str, value: Value, cx: &mut Reading<'_>) -> Result<()> {
    let wanted = |what: &str, value: &Value| {
        fail(format!(
            "Invalid \"{key}\" entry for \"{group_name}\" group, requires a {what}, found \
             \"{}\" instead.",
            python::class(value)
        ))
    };
    match (key, value) {
        ("vars", Value::Dict(vars)) => {
            for (name, value) in vars.snapshot() {
                cx.graph.set_variable(group_name, name.value(), value)?;
            }
        }
        ("children", Value::List(children)) => {
            for child in children.snapshot() {
                let child = child.to_text();
                group(&child, &Dict::new().into(), cx)?;
                cx.graph.add_child(group_name, &child)?;
            }
        }
        ("hosts", Value::Dict(hosts)) => {
            for (pattern, vars) in hosts.snapshot() {
                let pattern = pattern.value().to_text();
                let (hosts, port) =
                    range::expand_pattern(&pattern).map_err(|e| fail(e.into_text()))?;
                cx.populate(&hosts, &vars, Some(group_name), port)?;
            }
        }
        ("vars" | "hosts", other) => return Err(wanted("dict", &other)),
        ("children", other) => return Err(wanted("list", &other)),
        _ => cx.notices.warning(format!(
            "Skipping unexpected key \"{key}\" in group \"{group_name}\", only \"vars\", \
             \"children\" and \"hosts\" are valid"
        )),
    }
    Ok(())
}
