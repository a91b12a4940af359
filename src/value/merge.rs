//! Merging dicts: the `combine` filter and `hash_behaviour = merge`.

use std::borrow::Cow;

use super::{
    Dict, List, PyError, PyErrorKind, PyResult, Value, access, json, ops, types::class_name,
};

/// What happens to lists under one key in both dicts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ListMerge {
    /// The higher one's list alone.
    Replace,
    /// The lower one's list alone.
    Keep,
    /// Lower, then higher.
    Append,
    /// Higher, then lower.
    Prepend,
    /// Like `Append`, but what is in the higher list is taken out of the lower one.
    AppendRp,
    /// Like `Prepend`, but what is in the higher list is taken out of the lower one.
    PrependRp,
}

impl ListMerge {
    /// The one of that name.
    pub fn parse(name: &str) -> PyResult<Self> {
        Ok(match name {
            "replace" => Self::Replace,
            "keep" => Self::Keep,
            "append" => Self::Append,
            "prepend" => Self::Prepend,
            "append_rp" => Self::AppendRp,
            "prepend_rp" => Self::PrependRp,
            _ => {
                return Err(PyError::new(
                    PyErrorKind::Ansible,
                    "merge_hash: 'list_merge' argument can only be equal to 'replace', 'keep', \
                     'append', 'prepend', 'append_rp' or 'prepend_rp'",
                ));
            }
        })
    }
}

/// A new dict of `low` with the entries of `high` laid over it.
pub fn merge(low: &Value, high: &Value, recursive: bool, lists: ListMerge) -> PyResult<Dict> {
    match (changeable(low), changeable(high)) {
        (Some(low), Some(high)) => merge_dicts(&low, &high, recursive, lists),
        _ => Err(PyError::new(
            PyErrorKind::Ansible,
            format!(
                "failed to combine variables, expected dicts but got a '{}' and a '{}': \n{}\n{}",
                class_name(low),
                class_name(high),
                shown(low)?,
                shown(high)?
            ),
        )),
    }
}

/// The dict that a value is, if it could be changed: what `hostvars` holds can't.
fn changeable(value: &Value) -> Option<Cow<'_, Dict>> {
    if is_view(value) { None } else { access::as_dict(value) }
}

fn is_view(value: &Value) -> bool {
    matches!(value, Value::Object(o) if o.is_mapping() && o.type_name() != "dict")
}

fn shown(value: &Value) -> PyResult<String> {
    if is_view(value) {
        return super::repr::to_text(value);
    }
    if let Value::Bytes(bytes) = value {
        return super::codec::decode(bytes, "utf-8", "surrogateescape");
    }
    json::dumps(value, &json::Layout::default()).or_else(|_| super::repr::to_text(value))
}

/// The same for what is known to be dicts.
pub fn merge_dicts(low: &Dict, high: &Dict, recursive: bool, lists: ListMerge) -> PyResult<Dict> {
    if low.is_empty() || ops::eq(&Value::Dict(low.clone()), &Value::Dict(high.clone()))? {
        return Ok(high.copy());
    }
    let merged = low.copy();
    for (key, value) in high.snapshot() {
        let old = merged.get_key(&key);
        let value = match (old, value) {
            (Some(Value::Dict(old)), Value::Dict(new)) if recursive => {
                merge_dicts(&old, &new, recursive, lists)?.into()
            }
            (Some(Value::List(old)), Value::List(new)) => merge_lists(&old, &new, lists)?,
            (_, value) => value,
        };
        merged.write().insert(key, value);
    }
    Ok(merged)
}

fn merge_lists(low: &List, high: &List, how: ListMerge) -> PyResult<Value> {
    let only_low = || -> PyResult<Vec<Value>> {
        let present = Value::List(high.clone());
        let mut kept = Vec::new();
        for item in low.snapshot() {
            if !ops::contains(&present, &item)? {
                kept.push(item);
            }
        }
        Ok(kept)
    };
    let (first, second) = match how {
        ListMerge::Replace => return Ok(Value::List(high.clone())),
        ListMerge::Keep => return Ok(Value::List(low.clone())),
        ListMerge::Append => (low.snapshot(), high.snapshot()),
        ListMerge::Prepend => (high.snapshot(), low.snapshot()),
        ListMerge::AppendRp => (only_low()?, high.snapshot()),
        ListMerge::PrependRp => (high.snapshot(), only_low()?),
    };
    Ok(first.into_iter().chain(second).collect())
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;
    use crate::value::{literal::literal_eval, repr::repr};

    #[test]
    fn merging() {
        let low = "{'a': {'x': 1, 'y': [1, 2]}, 'l': [1, 2], 'b': 1}";
        let high = "{'a': {'y': [2, 3]}, 'l': [2, 3], 'c': 2}";
        for (recursive, lists, text) in [
            (false, "replace", "{'a': {'y': [2, 3]}, 'l': [2, 3], 'b': 1, 'c': 2}"),
            (true, "replace", "{'a': {'x': 1, 'y': [2, 3]}, 'l': [2, 3], 'b': 1, 'c': 2}"),
            (
                true,
                "append",
                "{'a': {'x': 1, 'y': [1, 2, 2, 3]}, 'l': [1, 2, 2, 3], 'b': 1, 'c': 2}",
            ),
            (true, "append_rp", "{'a': {'x': 1, 'y': [1, 2, 3]}, 'l': [1, 2, 3], 'b': 1, 'c': 2}"),
            (false, "prepend_rp", "{'a': {'y': [2, 3]}, 'l': [2, 3, 1], 'b': 1, 'c': 2}"),
            (false, "keep", "{'a': {'y': [2, 3]}, 'l': [1, 2], 'b': 1, 'c': 2}"),
        ] {
            let (low, high) = (literal_eval(low).unwrap(), literal_eval(high).unwrap());
            let merged = merge(&low, &high, recursive, ListMerge::parse(lists).unwrap()).unwrap();
            assert_eq!(repr(&merged.into()).unwrap(), text, "{recursive} {lists}");
        }
        assert_eq!(
            merge(&Value::Int(1), &Value::Dict(Dict::new()), true, ListMerge::Keep)
                .unwrap_err()
                .message,
            "failed to combine variables, expected dicts but got a 'int' and a 'dict': \n1\n{}"
        );
    }
}
