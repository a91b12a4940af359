//! The functions of JMESPath.

use super::{
    Expr,
    eval::{Argument, is_number, search},
    failed,
};
use crate::template::{
    CallArgs,
    args::{to_float, to_int},
};
use crate::value::{
    Dict, PyError, PyResult, Str, Value, access,
    json::{self, Layout},
    ops::{self, CmpOp},
    repr::{repr, to_text},
    types::class_name,
};

/// The types that an argument may have.
type Types = &'static [&'static str];

/// A function's name, the types of its arguments, and whether the last may be repeated.
static SIGNATURES: &[(&str, &[Types], bool)] = &[
    ("abs", &[&["number"]], false),
    ("avg", &[&["array-number"]], false),
    ("ceil", &[&["number"]], false),
    ("contains", &[&["array", "string"], &[]], false),
    ("ends_with", &[&["string"], &["string"]], false),
    ("floor", &[&["number"]], false),
    ("join", &[&["string"], &["array-string"]], false),
    ("keys", &[&["object"]], false),
    ("length", &[&["string", "array", "object"]], false),
    ("map", &[&["expref"], &["array"]], false),
    ("max", &[&["array-number", "array-string"]], false),
    ("max_by", &[&["array"], &["expref"]], false),
    ("merge", &[&["object"]], true),
    ("min", &[&["array-number", "array-string"]], false),
    ("min_by", &[&["array"], &["expref"]], false),
    ("not_null", &[&[]], true),
    ("reverse", &[&["array", "string"]], false),
    ("sort", &[&["array-string", "array-number"]], false),
    ("sort_by", &[&["array"], &["expref"]], false),
    ("starts_with", &[&["string"], &["string"]], false),
    ("sum", &[&["array-number"]], false),
    ("to_array", &[&[]], false),
    ("to_number", &[&[]], false),
    ("to_string", &[&[]], false),
    ("type", &[&[]], false),
    ("values", &[&["object"]], false),
];

fn type_of(arg: &Argument) -> &'static str {
    match arg {
        Argument::Reference(_) => "expref",
        Argument::Value(v) => value_type(v),
    }
}

fn value_type(value: &Value) -> &'static str {
    match value {
        Value::None => "null",
        Value::Bool(_) => "boolean",
        Value::Str(_) | Value::Vaulted(_) => "string",
        Value::List(_) => "array",
        Value::Dict(_) => "object",
        v if is_number(v) => "number",
        v if access::is_mapping(v) => "object",
        _ => "unknown",
    }
}

fn shown_list(types: &[&str]) -> String {
    let quoted: Vec<String> = types.iter().map(|t| format!("'{t}'")).collect();
    format!("[{}]", quoted.join(", "))
}

fn type_error(function: &str, value: &Value, actual: &str, types: &[&str]) -> PyError {
    let shown = to_text(value).unwrap_or_default();
    failed(format!(
        "In function {function}(), invalid type for value: {shown}, expected one of: {}, \
         received: \"{actual}\"",
        shown_list(types)
    ))
}

/// Calls the function `name`.
pub(super) fn call(name: &str, args: &[Argument]) -> PyResult<Value> {
    let Some((_, signature, variadic)) = SIGNATURES.iter().find(|(n, ..)| *n == name) else {
        return Err(failed(format!("Unknown function: {name}()")));
    };
    let (expected, given) = (signature.len(), args.len());
    let fits = if *variadic { given >= expected } else { given == expected };
    if !fits {
        let least = if *variadic { "at least " } else { "" };
        let plural = if expected == 1 { "" } else { "s" };
        return Err(failed(format!(
            "Expected {least}{expected} argument{plural} for function {name}(), received {given}"
        )));
    }
    for (arg, types) in args.iter().zip(*signature) {
        check(name, arg, types)?;
    }
    run(name, args)
}

fn check(function: &str, arg: &Argument, types: Types) -> PyResult<()> {
    if types.is_empty() {
        return Ok(());
    }
    let actual = type_of(arg);
    let bare = |t: &&str| t.split('-').next() == Some(actual);
    let Argument::Value(value) = arg else {
        return if types.contains(&"expref") {
            Ok(())
        } else {
            Err(type_error(function, &Value::str("expref"), "expref", types))
        };
    };
    if !types.iter().any(bare) {
        return Err(type_error(function, value, actual, types));
    }
    let subtypes: Vec<&str> =
        types.iter().filter_map(|t| t.split_once('-').map(|(_, s)| s)).collect();
    let Value::List(items) = value else { return Ok(()) };
    if subtypes.is_empty() {
        return Ok(());
    }
    let items = items.snapshot();
    let Some(first) = items.first() else { return Ok(()) };
    // All items must be of the first one's type.
    let Some(wanted) = subtypes.iter().find(|s| **s == value_type(first)) else {
        return Err(type_error(function, first, class_name(first), types));
    };
    match items.iter().find(|i| value_type(i) != *wanted) {
        Some(other) => Err(type_error(function, other, class_name(other), types)),
        None => Ok(()),
    }
}

fn value<'a>(args: &'a [Argument], at: usize) -> &'a Value {
    match args.get(at) {
        Some(Argument::Value(v)) => v,
        // The signature was checked.
        _ => &Value::None,
    }
}

fn reference<'a>(args: &'a [Argument], at: usize) -> &'a Expr {
    match args.get(at) {
        Some(Argument::Reference(e)) => e,
        _ => &Expr::Identity,
    }
}

fn method(receiver: &Value, name: &str, arg: &Value) -> PyResult<Value> {
    let args = CallArgs::positional(vec![arg.clone()]);
    crate::template::methods::call_str(receiver, name, args)
}

fn run(name: &str, args: &[Argument]) -> PyResult<Value> {
    let first = value(args, 0);
    let second = value(args, 1);
    match name {
        "abs" => ops::abs(first),
        "avg" => match access::len(first)? {
            0 => Ok(Value::None),
            n => ops::div(&sum(first)?, &Value::Int(i64::try_from(n).unwrap_or(i64::MAX))),
        },
        "ceil" | "floor" => match first {
            Value::Float(f) => {
                to_int(&Value::Float(if name == "ceil" { f.ceil() } else { f.floor() }))
            }
            n => Ok(n.clone()),
        },
        "contains" => ops::contains(first, second).map(Value::Bool).map_err(|e| {
            PyError::filter(format!("Error in jmespath.search in json_query filter plugin:\n{e}"))
        }),
        "ends_with" => method(first, "endswith", second),
        "starts_with" => method(first, "startswith", second),
        "join" => method(first, "join", second),
        "keys" => access::iterate(first).map(Value::list),
        "values" => Ok(access::as_dict(first)
            .map(|d| d.snapshot().into_iter().map(|(_, v)| v).collect())
            .unwrap_or(Value::None)),
        "length" => Ok(Value::Int(i64::try_from(access::len(first)?).unwrap_or(i64::MAX))),
        "map" => {
            let each = reference(args, 0);
            let mapped: PyResult<Vec<Value>> =
                access::iterate(second)?.iter().map(|item| search(each, item)).collect();
            mapped.map(Value::list)
        }
        "max" => extreme(first, &Expr::Identity, CmpOp::Gt),
        "min" => extreme(first, &Expr::Identity, CmpOp::Lt),
        "max_by" | "min_by" => {
            let key = reference(args, 1);
            check_keys(name, first, key, &["number", "string"])?;
            extreme(first, key, if name == "max_by" { CmpOp::Gt } else { CmpOp::Lt })
        }
        "merge" => {
            let merged = Dict::new();
            for arg in args {
                if let Argument::Value(v) = arg {
                    let Some(d) = access::as_dict(v) else {
                        return Err(type_error(name, v, value_type(v), &["object"]));
                    };
                    merged.write().extend(d.snapshot());
                }
            }
            Ok(merged.into())
        }
        "not_null" => Ok(args
            .iter()
            .find_map(|a| match a {
                Argument::Value(v) if !v.is_none() => Some(v.clone()),
                _ => None,
            })
            .unwrap_or(Value::None)),
        "reverse" => match first {
            Value::Str(s) => Ok(Value::Str(s.derive(s.chars().rev().collect::<String>()))),
            other => {
                let mut items = access::iterate(other)?;
                items.reverse();
                Ok(Value::list(items))
            }
        },
        "sort" => sort(first, &Expr::Identity),
        "sort_by" => {
            let key = reference(args, 1);
            sort_by(first, key)
        }
        "sum" => sum(first),
        "to_array" => Ok(match first {
            Value::List(_) => first.clone(),
            other => Value::list(vec![other.clone()]),
        }),
        "to_number" => Ok(to_number(first)),
        "to_string" => to_string(first),
        _ => Ok(match value_type(first) {
            "unknown" => Value::None,
            name => Value::str(name),
        }),
    }
}

fn sum(list: &Value) -> PyResult<Value> {
    access::iterate(list)?.iter().try_fold(Value::Int(0), |total, n| ops::add(&total, n))
}

fn extreme(list: &Value, key: &Expr, op: CmpOp) -> PyResult<Value> {
    let mut best: Option<(Value, Value)> = None;
    for item in access::iterate(list)? {
        let found = search(key, &item)?;
        let better = match &best {
            None => true,
            Some((most, _)) => ops::compare(&found, most, op)?,
        };
        if better {
            best = Some((found, item));
        }
    }
    Ok(best.map_or(Value::None, |(_, item)| item))
}

fn sort(list: &Value, key: &Expr) -> PyResult<Value> {
    let mut keyed = Vec::new();
    for item in access::iterate(list)? {
        keyed.push((search(key, &item)?, item));
    }
    ops::sort_by_key(keyed, false).map(Value::list)
}

/// Checks that the key of every item has one of `types`.
fn check_keys(function: &str, list: &Value, key: &Expr, types: &[&str]) -> PyResult<()> {
    for item in access::iterate(list)? {
        let found = search(key, &item)?;
        let actual = value_type(&found);
        if !types.contains(&actual) {
            return Err(type_error(function, &found, actual, types));
        }
    }
    Ok(())
}

fn sort_by(list: &Value, key: &Expr) -> PyResult<Value> {
    let items = access::iterate(list)?;
    let Some(first) = items.first() else { return Ok(list.clone()) };
    let wanted = value_type(&search(key, first)?);
    if !matches!(wanted, "number" | "string") {
        return Err(type_error("sort_by", first, wanted, &["string", "number"]));
    }
    check_keys("sort_by", list, key, &[wanted])?;
    sort(list, key)
}

fn to_number(value: &Value) -> Value {
    match value {
        Value::Str(s) => match crate::value::number::parse_int(s, 10) {
            Some(n) => Value::big(n),
            None => to_float(value).map_or(Value::None, Value::Float),
        },
        v if is_number(v) => v.clone(),
        _ => Value::None,
    }
}

fn to_string(value: &Value) -> PyResult<Value> {
    if let Value::Str(_) = value {
        return Ok(value.clone());
    }
    let layout = Layout {
        item_separator: ",".to_owned(),
        key_separator: ":".to_owned(),
        ..Layout::default()
    };
    let text = json::dumps(value, &layout).or_else(|_| match value {
        // What JSON can't hold is written as Python shows it.
        Value::List(_) | Value::Dict(_) => repr(value),
        other => to_text(other),
    })?;
    Ok(Value::Str(Str::new(text)))
}
