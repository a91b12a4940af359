//! `merge_variables`: the lists or dicts of all variables whose names match, in one.

use super::{
    Call, Lookup,
    options::{Default, Opt, Type},
};
use crate::{
    template::templar::ansible,
    value::{
        Dict, PyResult, Value, ops,
        regex::{Flags, Pattern},
        repr::to_text,
        types::class_repr,
    },
};

pub(super) static LOOKUP: Lookup = Lookup::community(
    "merge_variables",
    "Lists or dicts of the variables whose names match, merged.",
    &[
        Opt::new("pattern_type", Type::Text)
            .default(Default::Text("regex"))
            .choices(&["prefix", "suffix", "regex"])
            .environment("ANSIBLE_MERGE_VARIABLES_PATTERN_TYPE"),
        Opt::new("initial_value", Type::Any),
        Opt::new("override", Type::Text)
            .default(Default::Text("error"))
            .choices(&["error", "warn", "ignore"])
            .environment("ANSIBLE_MERGE_VARIABLES_OVERRIDE"),
    ],
    run,
);

fn run(call: &Call<'_>) -> PyResult<Vec<Value>> {
    let options = call.options()?;
    let merging = Merging {
        call,
        matching: options.text("pattern_type")?.unwrap_or_default(),
        clash: options.text("override")?.unwrap_or_default(),
    };
    // Of several terms, each goes on with what those before it have made of the initial value.
    let initial = match options.get("initial_value") {
        Value::None => None,
        value => Some(deep_copy(&value)),
    };
    let mut found = Vec::new();
    for term in call.each()? {
        let Some(pattern) = term.as_str() else {
            return Err(ansible(format!(
                "Non-string type '{}' passed, only 'str' types are allowed!",
                class_repr(&term)
            )));
        };
        found.push(merging.merge(pattern, initial.clone())?);
    }
    Ok(found)
}

/// What can be merged.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Shape {
    List,
    Dict,
}

impl Shape {
    fn of(value: &Value) -> PyResult<Self> {
        match value {
            Value::List(_) => Ok(Self::List),
            Value::Dict(_) => Ok(Self::Dict),
            _ => Err(ansible("Not supported type detected, variable must be a list or a dict")),
        }
    }
}

struct Merging<'a> {
    call: &'a Call<'a>,
    matching: String,
    clash: String,
}

impl Merging<'_> {
    fn names(&self, wanted: &str) -> PyResult<Vec<String>> {
        let pattern = match self.matching.as_str() {
            "regex" => Some(Pattern::new(wanted, Flags::default())?),
            _ => None,
        };
        let mut names = Vec::new();
        for name in self.call.scope().names() {
            let fits = match &pattern {
                Some(pattern) => pattern.search(&name)?.is_some(),
                None if self.matching == "prefix" => name.starts_with(wanted),
                None => name.ends_with(wanted),
            };
            if fits {
                names.push(name.to_string());
            }
        }
        names.sort();
        Ok(names)
    }

    fn merge(&self, wanted: &str, initial: Option<Value>) -> PyResult<Value> {
        let mut shape = initial.as_ref().map(Shape::of).transpose()?;
        let mut merged = initial;
        for name in self.names(wanted)? {
            let raw = self.call.scope().get(&name).unwrap_or(Value::None);
            let value = deep_copy(&self.call.render(&raw)?);
            let own = Shape::of(&value)?;
            if *shape.get_or_insert(own) != own {
                return Err(ansible("Unable to merge, not all variables are of the same type"));
            }
            match (&merged, value) {
                (None, value) => merged = Some(value),
                (Some(Value::List(all)), Value::List(more)) => all.write().extend(more.snapshot()),
                (Some(Value::Dict(all)), Value::Dict(more)) => {
                    self.merge_dict(&more, all, &mut vec![name])?;
                }
                // Both are of the same shape.
                _ => {}
            }
        }
        Ok(merged.unwrap_or(Value::None))
    }

    /// Lays `low` over `all`; `path` says where in which variable `low` stands.
    fn merge_dict(&self, low: &Dict, all: &Dict, path: &mut Vec<String>) -> PyResult<()> {
        for (key, value) in low.snapshot() {
            let there = all.get_key(&key);
            let merged = match (there, value) {
                (there, Value::Dict(inner)) => {
                    let node = there.unwrap_or_else(|| Value::Dict(Dict::new()));
                    let Value::Dict(below) = &node else {
                        return Err(ops::no_attribute(&node, "setdefault"));
                    };
                    path.push(to_text(key.value())?);
                    self.merge_dict(&inner, below, path)?;
                    path.pop();
                    node
                }
                (Some(Value::List(items)), Value::List(more)) => {
                    items.write().extend(more.snapshot());
                    continue;
                }
                (Some(there), list @ Value::List(_)) => ops::add(&there, &list)?,
                (there, value) => {
                    if let Some(there) = there
                        && !ops::eq(&there, &value)?
                    {
                        self.clashes(key.value(), &there, &value, path)?;
                    }
                    value
                }
            };
            all.write().insert(key, merged);
        }
        Ok(())
    }

    fn clashes(&self, key: &Value, old: &Value, new: &Value, path: &[String]) -> PyResult<()> {
        let key = to_text(key)?;
        let text = format!(
            "The key '{key}' with value '{}' will be overwritten with value '{}' from '{}.{key}'",
            to_text(old)?,
            to_text(new)?,
            path.join(".")
        );
        match self.clash.as_str() {
            "error" => return Err(ansible(text)),
            "warn" => self.call.warn(text),
            _ => {}
        }
        Ok(())
    }
}

/// The same lists and dicts anew, so that merging into them changes no variable.
fn deep_copy(value: &Value) -> Value {
    match value {
        Value::List(items) => items.snapshot().iter().map(deep_copy).collect(),
        Value::Dict(dict) => {
            let copy = Dict::new();
            for (key, value) in dict.snapshot() {
                copy.write().insert(key, deep_copy(&value));
            }
            Value::Dict(copy)
        }
        other => other.clone(),
    }
}
