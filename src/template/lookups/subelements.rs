//! `subelements`: each item of a list with each item of a list within it.

use super::{Call, Lookup, options::truth};
use crate::{
    template::{eval::deep_copy, templar::ansible},
    value::{Dict, PyError, PyErrorKind, PyResult, Value, access, ops, repr::to_text},
};

pub(super) static LOOKUP: Lookup =
    Lookup::builtin("subelements", "Each item with each item of a list within it.", &[], run);

fn wrong(message: &str) -> PyError {
    ansible(format!("subelements lookup expects a list of two or three items, {message}"))
}

fn run(call: &Call<'_>) -> PyResult<Vec<Value>> {
    let terms = call.each()?;
    let Some(first) = terms.first() else {
        return Err(PyError::new(PyErrorKind::IndexError, "list index out of range"));
    };
    let first = call.listify(first)?;
    if !(2..=3).contains(&terms.len()) {
        return Err(wrong(""));
    }
    let Value::Str(path) = &terms[1] else {
        return Err(wrong("first a dict or a list, second a string pointing to the subkey"));
    };
    let elements = match &first {
        Value::List(l) => l.snapshot(),
        Value::Dict(d) if is_skipped(d) => return Ok(Vec::new()),
        Value::Dict(d) => d.snapshot().into_iter().map(|(_, v)| v).collect(),
        _ => return Err(wrong("first a dict or a list, second a string pointing to the subkey")),
    };
    let flags = terms.get(2);
    check_flags(flags)?;
    let keys: Vec<&str> = path.split('.').collect();
    let mut found = Vec::new();
    for element in elements {
        let Value::Dict(item) = deep_copy(&element) else {
            return Err(ansible(format!(
                "subelements lookup expects a dictionary, got '{}'",
                to_text(&element)?
            )));
        };
        if is_skipped(&item) {
            continue;
        }
        for inner in taken(&item, &keys, skip_missing(flags)?)? {
            found.push(Value::tuple(vec![Value::Dict(item.clone()), inner]));
        }
    }
    Ok(found)
}

fn is_skipped(dict: &Dict) -> bool {
    dict.get("skipped").is_some_and(|v| !matches!(v, Value::Bool(false)))
}

/// The third item is a dict, or has nothing but names of flags.
fn check_flags(flags: Option<&Value>) -> PyResult<()> {
    let Some(other) = flags.filter(|flags| !matches!(flags, Value::Dict(_))) else {
        return Ok(());
    };
    let known = access::iterate(other)?;
    if known.iter().all(|flag| flag.as_str() == Some("skip_missing")) {
        return Ok(());
    }
    Err(wrong("the optional third item must be a dict with flags skip_missing"))
}

fn skip_missing(flags: Option<&Value>) -> PyResult<bool> {
    match flags {
        None => Ok(false),
        Some(Value::Dict(flags)) => flags.get("skip_missing").map_or(Ok(false), |v| truth(&v)),
        // Python asks a list of names for one of them.
        Some(other) => Err(ops::no_attribute(other, "get")),
    }
}

/// Takes the list that `keys` lead to out of `item`.
fn taken(item: &Dict, keys: &[&str], skip_missing: bool) -> PyResult<Vec<Value>> {
    let mut at = item.clone();
    let mut taken = Vec::new();
    let mut is_last = false;
    for key in keys {
        // As ansible tells the last one: by its name, and for good.
        is_last |= Some(key) == keys.last();
        let shown = || to_text(&Value::Dict(at.clone()));
        let Some(value) = at.get(key) else {
            if skip_missing {
                continue;
            }
            return Err(ansible(format!(
                "could not find '{key}' key in iterated item '{}'",
                shown()?
            )));
        };
        match value {
            Value::List(list) if is_last => {
                taken = list.snapshot();
                at.remove(key);
            }
            other if is_last => {
                return Err(ansible(format!(
                    "the key {key} should point to a list, got '{}'",
                    to_text(&other)?
                )));
            }
            Value::Dict(inner) => at = inner,
            _ if skip_missing => {}
            other => {
                return Err(ansible(format!(
                    "the key {key} should point to a dictionary, got '{}'",
                    to_text(&other)?
                )));
            }
        }
    }
    Ok(taken)
}
