//! `dependent`: nested loops whose inner lists depend on the items of the outer ones.

use std::sync::Arc;

use indexmap::IndexMap;

use super::{Call, Lookup, lookup_error};
use crate::{
    template::templar::RenderOptions,
    value::{Dict, Key, PyResult, Value, access, ops, repr::repr, types::class_repr},
};

pub(super) static LOOKUP: Lookup = Lookup::community(
    "dependent",
    "Combinations of items, where later lists are made of the items of earlier ones.",
    &[],
    run,
);

/// One of the nested loops: what it is called, and what it runs over.
struct Level {
    name: Key,
    source: Value,
}

fn run(call: &Call<'_>) -> PyResult<Vec<Value>> {
    let mut levels: Vec<Level> = Vec::new();
    for (index, term) in call.each()?.iter().enumerate() {
        let Some(entries) = access::as_dict(term) else {
            return Err(lookup_error(format!(
                "Parameter {index} must be a dictionary, got {}",
                class_repr(term)
            )));
        };
        let entries = entries.snapshot();
        let [(name, source)] = entries.as_slice() else {
            return Err(lookup_error(format!(
                "Parameter {index} must be a one-element dictionary, got {} elements",
                entries.len()
            )));
        };
        let shown = repr(name.value())?;
        if levels.iter().any(|level| level.name == *name) {
            return Err(lookup_error(format!("The variable {shown} appears more than once")));
        }
        let fits = source.as_str().is_some() || is_list(source) || access::is_mapping(source);
        if !fits {
            return Err(lookup_error(format!(
                "Parameter {shown} (index {index}) must have a value of type string, dictionary \
                 or list, got type {}",
                class_repr(source)
            )));
        }
        levels.push(Level { name: name.clone(), source: source.clone() });
    }
    let mut found = Vec::new();
    if !levels.is_empty() {
        descend(call, &levels, &Dict::new(), &mut found)?;
    }
    Ok(found)
}

/// Python's `Sequence`, as far as terms can be one.
fn is_list(value: &Value) -> bool {
    matches!(value, Value::Str(_) | Value::Bytes(_)) || access::is_sequence(value)
}

fn descend(
    call: &Call<'_>,
    levels: &[Level],
    current: &Dict,
    found: &mut Vec<Value>,
) -> PyResult<()> {
    let Some((level, inner)) = levels.split_first() else {
        found.push(Value::Dict(current.copy()));
        return Ok(());
    };
    let items = items_of(call, level, current)?;
    for item in items {
        current.write().insert(level.name.clone(), item);
        descend(call, inner, current, found)?;
    }
    Ok(())
}

fn items_of(call: &Call<'_>, level: &Level, current: &Dict) -> PyResult<Vec<Value>> {
    let values = match level.source.as_str() {
        Some(expression) => evaluate(call, level, expression, current)?,
        None => level.source.clone(),
    };
    if let Some(dict) = access::as_dict(&values) {
        let pairs = dict.snapshot().into_iter().map(|(key, value)| {
            let pair = Dict::new();
            pair.insert("key", key.value().clone());
            pair.insert("value", value);
            (key.into_value(), Value::Dict(pair))
        });
        return ops::sort_by_key(pairs.collect(), false);
    }
    if is_list(&values) {
        return access::iterate(&values);
    }
    Err(lookup_error(format!(
        "Did not obtain dictionary or list while evaluating {} with item == {}, but {}",
        repr(level.name.value())?,
        repr(&Value::Dict(current.clone()))?,
        class_repr(&values)
    )))
}

/// The value of an expression that sees the items chosen so far as `item`.
fn evaluate(call: &Call<'_>, level: &Level, expression: &str, current: &Dict) -> PyResult<Value> {
    let names = IndexMap::from([(Arc::from("item"), Value::Dict(current.copy()))]);
    let templar = call.templar().with_locals(names);
    let template = Value::str(format!("{{{{{expression}}}}}"));
    templar.template_along(&template, &RenderOptions::default(), None).or_else(|e| {
        Err(lookup_error(format!(
            "Caught \"{}\" while evaluating {} with item == {}",
            e.message,
            repr(level.name.value())?,
            repr(&Value::Dict(current.clone()))?
        )))
    })
}
