//! Items, attributes, slices, length and iteration, with jinja2's rules for `a.b` and `a['b']`.

use std::{borrow::Cow, sync::Arc};

use chrono::{Datelike, Timelike};

use super::{
    BoundMethod, Dict, Number, PyError, PyErrorKind, PyResult, PyType, Range, Str, Undefined,
    Value,
    ops::{operand, settle, settle_typed, to_key},
    repr::{repr, str_repr},
    text::{byte_offset, char_len},
    types::{object_repr, type_name},
};

/// `value[key]` in a template: the item, else the attribute of that name, else undefined.
pub fn get_item(value: &Value, key: &Value) -> PyResult<Value> {
    if let Value::Undefined(u) = value {
        // The first failure is kept: it names what was missing.
        return if u.lenient { Err(PyError::undefined(u)) } else { Ok(value.clone()) };
    }
    if let Value::Undefined(u) = key {
        // It is no index, and only the lenient one has a hash.
        let hashed = !u.lenient && is_mapping(value);
        return if hashed { Err(PyError::undefined(u)) } else { missing(value, key) };
    }
    if let Some(item) = item(value, key)? {
        return Ok(item);
    }
    if let Some(name) = settle(key)?.as_str()
        && let Some(attribute) = attribute(value, name)
    {
        return Ok(attribute);
    }
    missing(value, key)
}

/// `value.name` in a template: the attribute (methods included), else the item, else undefined.
pub fn get_attr(value: &Value, name: &str) -> PyResult<Value> {
    if let Value::Undefined(u) = value {
        return if u.lenient { Err(PyError::undefined(u)) } else { Ok(value.clone()) };
    }
    if let Some(attribute) = attribute(value, name) {
        return Ok(attribute);
    }
    let key = Value::str(name);
    match item(value, &key)? {
        Some(item) => Ok(item),
        None => missing(value, &key),
    }
}

/// The undefined value of a missing item or attribute.
pub fn missing(value: &Value, key: &Value) -> PyResult<Value> {
    let owner = object_repr(value);
    let (hint, name) = match settle_typed(key)?.as_str() {
        Some(name) => {
            (format!("{} has no attribute {}", str_repr(&owner), repr(key)?), name.to_owned())
        }
        None => {
            let shown = repr(key)?;
            (format!("{owner} has no element {shown}"), shown)
        }
    };
    Ok(Value::Undefined(Arc::new(Undefined {
        name: Some(name),
        hint: Some(hint),
        lacks: Some((value.clone(), key.clone())),
        ..Undefined::default()
    })))
}

/// `value[key]` in Python; `None` where Python raises `TypeError` or `LookupError`.
pub fn item(value: &Value, key: &Value) -> PyResult<Option<Value>> {
    let v = unless_mapping(value)?;
    match v.as_ref() {
        Value::Dict(d) => match to_key(key.clone()) {
            Ok(key) => Ok(d.get_key(&key)),
            Err(e) if e.is_type_error() => Ok(None),
            Err(e) => Err(e),
        },
        Value::List(l) => {
            let items = l.read();
            Ok(index(key, items.len())?.and_then(|i| items.get(i).cloned()))
        }
        Value::Tuple(t) => Ok(index(key, t.len())?.and_then(|i| t.get(i).cloned())),
        Value::Str(s) => Ok(index(key, char_len(s))?
            .and_then(|i| s.chars().nth(i))
            .map(|c| Value::Str(s.alike(c.to_string())))),
        Value::Bytes(b) => {
            Ok(index(key, b.len())?.and_then(|i| b.get(i)).map(|b| Value::Int(i64::from(*b))))
        }
        Value::Object(o) => {
            // Unhashable and undefined keys fail as for a dict; others are the object's business.
            if let Value::Undefined(u) = key {
                return Err(PyError::undefined(u));
            }
            Ok(o.get_item(key))
        }
        _ => Ok(None),
    }
}

/// The value settled, but for lazily made mappings: one item is asked of them, not all.
fn unless_mapping(value: &Value) -> PyResult<Cow<'_, Value>> {
    match value {
        Value::Object(o) if o.is_mapping() => Ok(Cow::Borrowed(value)),
        other => settle(other),
    }
}

/// Where an index points; `None` if it is no integer or out of range.
fn index(key: &Value, len: usize) -> PyResult<Option<usize>> {
    if let Value::Undefined(_) = key {
        // Python: `list indices must be integers or slices, not AnsibleUndefined`, which jinja2
        // turns into an undefined value.
        return Ok(None);
    }
    let (Value::Int(_) | Value::Bool(_), Some(Number::Int(n))) = (key, Number::of(key)) else {
        return Ok(None);
    };
    let len = i64::try_from(len).unwrap_or(i64::MAX);
    let at = if n < 0 { n + len } else { n };
    Ok(usize::try_from(at).ok().filter(|_| at < len))
}

/// `getattr(value, name)`; `None` where Python raises `AttributeError`.
pub fn attribute(value: &Value, name: &str) -> Option<Value> {
    if let Some(name) = method_name(value, name) {
        let receiver = value.clone();
        return Some(Value::Object(Arc::new(BoundMethod { receiver, name })));
    }
    if name == "__class__" {
        return Some(PyType::of(value));
    }
    match (value, name) {
        (Value::Int(_) | Value::BigInt(_) | Value::Bool(_), "real" | "numerator") => {
            super::ops::pos(value).ok()
        }
        (Value::Int(_) | Value::BigInt(_) | Value::Bool(_), "imag") => Some(Value::Int(0)),
        (Value::Int(_) | Value::BigInt(_) | Value::Bool(_), "denominator") => Some(Value::Int(1)),
        (Value::Float(_), "real") => Some(value.clone()),
        (Value::Float(_), "imag") => Some(Value::Float(0.0)),
        (Value::Date(d), _) => date_part(d, name),
        (Value::DateTime(d, offset), _) => date_part(&d.date(), name)
            .or_else(|| time_part(d, name))
            .or_else(|| (name == "tzinfo").then(|| timezone(*offset))),
        (Value::Object(o), _) => o.get_attr(name),
        _ => None,
    }
}

fn timezone(offset: Option<i32>) -> Value {
    match offset {
        None => Value::None,
        Some(0) => Value::str("UTC"),
        Some(s) => {
            let sign = if s < 0 { '-' } else { '+' };
            let s = s.unsigned_abs();
            Value::str(format!("UTC{sign}{:02}:{:02}", s / 3600, s / 60 % 60))
        }
    }
}

fn date_part(d: &chrono::NaiveDate, name: &str) -> Option<Value> {
    match name {
        "year" => Some(Value::Int(i64::from(d.year()))),
        "month" => Some(Value::Int(i64::from(d.month()))),
        "day" => Some(Value::Int(i64::from(d.day()))),
        _ => None,
    }
}

fn time_part(d: &chrono::NaiveDateTime, name: &str) -> Option<Value> {
    match name {
        "hour" => Some(Value::Int(i64::from(d.hour()))),
        "minute" => Some(Value::Int(i64::from(d.minute()))),
        "second" => Some(Value::Int(i64::from(d.second()))),
        "microsecond" => Some(Value::Int(i64::from(d.nanosecond() / 1000))),
        "fold" => Some(Value::Int(0)),
        _ => None,
    }
}

/// The methods of `value`'s type, implemented in `template/methods`.
pub fn methods_of(value: &Value) -> &'static [&'static str] {
    match value {
        Value::Str(_) | Value::Vaulted(_) => STR_METHODS,
        Value::List(_) => LIST_METHODS,
        Value::Tuple(_) => TUPLE_METHODS,
        Value::Dict(_) => DICT_METHODS,
        Value::Bool(_) | Value::Int(_) | Value::BigInt(_) => INT_METHODS,
        Value::Float(_) => FLOAT_METHODS,
        Value::Bytes(_) => BYTES_METHODS,
        Value::Date(_) => DATE_METHODS,
        Value::DateTime(..) => DATETIME_METHODS,
        Value::Object(o) => match (o.type_name(), o.module()) {
            ("set", "builtins") => SET_METHODS,
            ("timedelta", "datetime") => &["total_seconds"],
            ("range", "builtins") => TUPLE_METHODS,
            ("dict_keys" | "dict_items", "builtins") => &["isdisjoint"],
            _ => &[],
        },
        Value::Undefined(_) | Value::None => &[],
    }
}

/// The method `name` of `value`, if its type has one.
pub fn method_name(value: &Value, name: &str) -> Option<&'static str> {
    let items = match value {
        Value::Dict(_) | Value::List(_) => ITEM_METHODS,
        Value::Str(_) | Value::Tuple(_) => &ITEM_METHODS[..3],
        _ => &[],
    };
    methods_of(value).iter().chain(items).copied().find(|m| *m == name)
}

/// What stands behind `len()`, `in` and subscripts; the last two change what they are called of.
const ITEM_METHODS: &[&str] =
    &["__len__", "__contains__", "__getitem__", "__setitem__", "__delitem__"];

const STR_METHODS: &[&str] = &[
    "capitalize",
    "casefold",
    "center",
    "count",
    "encode",
    "endswith",
    "expandtabs",
    "find",
    "format",
    "format_map",
    "index",
    "isalnum",
    "isalpha",
    "isascii",
    "isdecimal",
    "isdigit",
    "isidentifier",
    "islower",
    "isnumeric",
    "isprintable",
    "isspace",
    "istitle",
    "isupper",
    "join",
    "ljust",
    "lower",
    "lstrip",
    "maketrans",
    "partition",
    "removeprefix",
    "removesuffix",
    "replace",
    "rfind",
    "rindex",
    "rjust",
    "rpartition",
    "rsplit",
    "rstrip",
    "split",
    "splitlines",
    "startswith",
    "strip",
    "swapcase",
    "title",
    "translate",
    "upper",
    "zfill",
];
const LIST_METHODS: &[&str] = &[
    "append", "clear", "copy", "count", "extend", "index", "insert", "pop", "remove", "reverse",
    "sort",
];
const TUPLE_METHODS: &[&str] = &["count", "index"];
const DICT_METHODS: &[&str] = &[
    "clear",
    "copy",
    "fromkeys",
    "get",
    "items",
    "keys",
    "pop",
    "popitem",
    "setdefault",
    "update",
    "values",
];
const INT_METHODS: &[&str] =
    &["as_integer_ratio", "bit_count", "bit_length", "conjugate", "to_bytes"];
const FLOAT_METHODS: &[&str] = &["as_integer_ratio", "conjugate", "hex", "is_integer"];
const BYTES_METHODS: &[&str] =
    &["decode", "endswith", "hex", "join", "replace", "split", "startswith", "strip"];
const DATE_METHODS: &[&str] = &[
    "ctime",
    "isoformat",
    "isocalendar",
    "isoweekday",
    "replace",
    "strftime",
    "toordinal",
    "weekday",
];
const DATETIME_METHODS: &[&str] = &[
    "astimezone",
    "ctime",
    "date",
    "isocalendar",
    "isoformat",
    "isoweekday",
    "replace",
    "strftime",
    "time",
    "timestamp",
    "toordinal",
    "utcoffset",
    "weekday",
];
const SET_METHODS: &[&str] = &[
    "add",
    "clear",
    "copy",
    "difference",
    "discard",
    "intersection",
    "isdisjoint",
    "issubset",
    "issuperset",
    "pop",
    "remove",
    "symmetric_difference",
    "union",
    "update",
];

/// `len(value)`.
pub fn len(value: &Value) -> PyResult<usize> {
    if is_lenient(value) {
        return Ok(0);
    }
    let v = unless_mapping(value)?;
    let length = match v.as_ref() {
        Value::Str(s) => Some(char_len(s)),
        Value::Bytes(b) => Some(b.len()),
        Value::List(l) => Some(l.len()),
        Value::Tuple(t) => Some(t.len()),
        Value::Dict(d) => Some(d.len()),
        Value::Object(o) => o.length(),
        _ => None,
    };
    length.ok_or_else(|| {
        PyError::type_error(format!("object of type '{}' has no len()", type_name(value)))
    })
}

/// The items that iterating `value` gives.
pub fn iterate(value: &Value) -> PyResult<Vec<Value>> {
    if is_lenient(value) {
        return Ok(Vec::new());
    }
    let v = unless_mapping(value)?;
    let items = match v.as_ref() {
        Value::Str(s) => Some(s.chars().map(|c| Value::Str(s.derive(c.to_string()))).collect()),
        Value::Bytes(b) => Some(b.iter().map(|b| Value::Int(i64::from(*b))).collect()),
        Value::List(l) => Some(l.snapshot()),
        Value::Tuple(t) => Some(t.to_vec()),
        Value::Dict(d) => Some(d.read().keys().map(|k| k.value().clone()).collect()),
        Value::Object(o) => o.items()?,
        _ => None,
    };
    items.ok_or_else(|| not_iterable(value))
}

fn is_lenient(value: &Value) -> bool {
    matches!(value, Value::Undefined(u) if u.lenient)
}

fn not_iterable(value: &Value) -> PyError {
    PyError::type_error(format!("'{}' object is not iterable", type_name(value)))
}

/// Whether `iter(value)` works; undefined values fail.
pub fn is_iterable(value: &Value) -> PyResult<bool> {
    if is_lenient(value) {
        return Ok(true);
    }
    match unless_mapping(value)?.as_ref() {
        Value::Str(_) | Value::Bytes(_) | Value::List(_) | Value::Tuple(_) | Value::Dict(_) => {
            Ok(true)
        }
        Value::Object(o) => Ok(o.is_iterable()),
        _ => Ok(false),
    }
}

/// Whether `value` is a mapping; a lazily made one counts.
pub fn is_mapping(value: &Value) -> bool {
    match value {
        Value::Dict(_) => true,
        Value::Object(o) => o.is_mapping(),
        _ => false,
    }
}

/// ansible's `is_sequence`: lists, tuples and ranges, but no text.
pub fn is_sequence(value: &Value) -> bool {
    match value {
        Value::List(_) | Value::Tuple(_) => true,
        Value::Object(o) => o.is_sequence(),
        _ => false,
    }
}

/// The dict that `value` is or stands for.
pub fn as_dict(value: &Value) -> Option<Cow<'_, Dict>> {
    match value {
        Value::Dict(d) => Some(Cow::Borrowed(d)),
        Value::Object(o) if o.is_mapping() => match o.to_plain() {
            Some(Value::Dict(d)) => Some(Cow::Owned(d)),
            _ => None,
        },
        _ => None,
    }
}

/// `value[start:stop:step]`.
pub fn slice(
    value: &Value,
    start: Option<&Value>,
    stop: Option<&Value>,
    step: Option<&Value>,
) -> PyResult<Value> {
    if value.is_undefined() {
        return Ok(value.clone());
    }
    let v = settle(value)?;
    let bound = |bound: Option<&Value>| bound.map_or(Ok(None), slice_index);
    let indices = |len: usize| -> PyResult<Vec<usize>> {
        // Python looks at the step first.
        let step = bound(step)?;
        if step == Some(0) {
            return slice_indices(len, None, None, step);
        }
        slice_indices(len, bound(start)?, bound(stop)?, step)
    };
    match v.as_ref() {
        Value::List(l) => {
            let items = l.snapshot();
            Ok(indices(items.len())?.into_iter().filter_map(|i| items.get(i).cloned()).collect())
        }
        Value::Tuple(t) => Ok(Value::tuple(
            indices(t.len())?.into_iter().filter_map(|i| t.get(i).cloned()).collect(),
        )),
        Value::Str(s) => Ok(Value::Str(slice_text(s, &indices(char_len(s))?))),
        Value::Bytes(b) => Ok(Value::Bytes(
            indices(b.len())?.into_iter().filter_map(|i| b.get(i).copied()).collect(),
        )),
        Value::Dict(_) => Err(PyError::type_error("unhashable type: 'slice'")),
        other => match Range::of(other) {
            Some(range) => slice_range(range, &indices(range.len())?, bound(step)?),
            None => Err(PyError::type_error(format!(
                "'{}' object is not subscriptable",
                type_name(value)
            ))),
        },
    }
}

fn slice_range(range: Range, picked: &[usize], step: Option<i64>) -> PyResult<Value> {
    let unit = match (range.get(0), range.get(1)) {
        (Some(a), Some(b)) => b - a,
        _ => 1,
    };
    let start = picked.first().and_then(|i| range.get(*i)).unwrap_or(0);
    let step = unit * step.unwrap_or(1);
    let len = i64::try_from(picked.len()).unwrap_or(0);
    Ok(Range::new(start, start + step * len, step)?.into_value())
}

fn slice_text(s: &Str, picked: &[usize]) -> Str {
    let contiguous = picked.windows(2).all(|w| w[1] == w[0] + 1);
    match (picked.first(), picked.last()) {
        (Some(first), Some(last)) if contiguous => {
            s.alike(&s[byte_offset(s, *first)..byte_offset(s, last + 1)])
        }
        (Some(_), _) => {
            let chars: Vec<char> = s.chars().collect();
            s.alike(picked.iter().filter_map(|i| chars.get(*i)).collect::<String>())
        }
        _ => s.alike(""),
    }
}

fn slice_index(bound: &Value) -> PyResult<Option<i64>> {
    match settle_typed(bound)?.as_ref() {
        Value::None => Ok(None),
        Value::Bool(b) => Ok(Some(i64::from(*b))),
        Value::Int(n) => Ok(Some(*n)),
        Value::BigInt(n) => {
            Ok(Some(if num_traits::Signed::is_negative(&**n) { i64::MIN } else { i64::MAX }))
        }
        _ => Err(PyError::type_error(
            "slice indices must be integers or None or have an __index__ method",
        )),
    }
}

/// The indices that a slice picks from `len` items, in order.
pub fn slice_indices(
    len: usize,
    start: Option<i64>,
    stop: Option<i64>,
    step: Option<i64>,
) -> PyResult<Vec<usize>> {
    let step = i128::from(step.unwrap_or(1));
    if step == 0 {
        return Err(PyError::value_error("slice step cannot be zero"));
    }
    let len = len as i128;
    let (low, high) = if step > 0 { (0, len) } else { (-1, len - 1) };
    let place = |bound: Option<i64>, default: i128| match bound {
        None => default,
        Some(n) => {
            let n = i128::from(n);
            (if n < 0 { n + len } else { n }).clamp(low, high)
        }
    };
    let (from, to) = if step > 0 { (low, high) } else { (high, low) };
    let mut at = place(start, from);
    let end = place(stop, to);
    let mut picked = Vec::new();
    while if step > 0 { at < end } else { at > end } {
        // Both ends were clamped into the sequence.
        picked.push(usize::try_from(at).unwrap_or(0));
        at += step;
    }
    Ok(picked)
}

/// `value[key]` as Python itself would answer, with its errors.
pub fn subscript(value: &Value, key: &Value) -> PyResult<Value> {
    let v = operand(value)?;
    let name = type_name(value);
    match v.as_ref() {
        Value::Dict(d) => {
            let key = to_key(key.clone())?;
            d.get_key(&key).ok_or_else(|| match repr(key.value()) {
                Ok(shown) => PyError::new(PyErrorKind::KeyError, shown),
                Err(e) => e,
            })
        }
        Value::List(_) | Value::Tuple(_) | Value::Str(_) | Value::Bytes(_) => {
            if !matches!(key, Value::Int(_) | Value::Bool(_)) {
                let kind = type_name(key);
                let shown = match v.as_ref() {
                    Value::Str(_) => {
                        return Err(PyError::type_error(format!(
                            "string indices must be integers, not '{kind}'"
                        )));
                    }
                    Value::Bytes(_) => "byte",
                    _ => name,
                };
                return Err(PyError::type_error(format!(
                    "{shown} indices must be integers or slices, not {kind}"
                )));
            }
            let shown = if matches!(v.as_ref(), Value::Str(_)) { "string" } else { name };
            item(value, key)?.ok_or_else(|| {
                PyError::new(PyErrorKind::IndexError, format!("{shown} index out of range"))
            })
        }
        Value::Object(o) if o.is_mapping() || o.is_sequence() => match item(value, key)? {
            Some(item) => Ok(item),
            None => Err(PyError::new(PyErrorKind::KeyError, repr(key)?)),
        },
        _ => Err(PyError::type_error(format!("'{name}' object is not subscriptable"))),
    }
}

#[cfg(test)]
#[path = "access_tests.rs"]
mod tests;
