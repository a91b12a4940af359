//! Tests of text: patterns, truth, vault.

use super::Test;
use crate::template::{CallArgs, FilterContext, args::flag, filters::compile_pattern};
use crate::value::{
    Number, PyError, PyErrorKind, PyResult, Value, ops,
    ops::settle,
    repr::{to_native, to_text},
};

pub(super) static TESTS: &[Test] = &[
    Test::ansible("match", "Whether a pattern matches at the start.", match_test),
    Test::ansible("search", "Whether a pattern matches somewhere.", search),
    Test::ansible("regex", "Whether a pattern matches.", regex),
    Test::ansible("truthy", "Whether it is true.", truthy),
    Test::ansible("falsy", "Whether it is false.", falsy),
    Test::ansible("vault_encrypted", "Whether it is a vaulted value.", vault_encrypted),
];

fn matches(
    value: &Value,
    pattern: Option<&Value>,
    ignore_case: Option<&Value>,
    multiline: Option<&Value>,
    kind: &str,
) -> PyResult<Value> {
    let text = to_native(value)?;
    let pattern = compile_pattern(pattern, ignore_case, multiline)?;
    let found = match kind {
        "match" => pattern.match_start(&text)?.is_some(),
        "fullmatch" => pattern.full_match(&text)?.is_some(),
        "search" => pattern.search(&text)?.is_some(),
        // Python falls back to the *text* `search`, which can't be called.
        _ => return Err(PyError::type_error("'str' object is not callable")),
    };
    Ok(Value::Bool(found))
}

fn match_test(_cx: &mut dyn FilterContext, value: Value, args: CallArgs) -> PyResult<Value> {
    let [pattern, ignore_case, multiline] =
        args.bind("match", &["value"], &["pattern", "ignorecase", "multiline"], 0)?;
    matches(&value, pattern.as_ref(), ignore_case.as_ref(), multiline.as_ref(), "match")
}

fn search(_cx: &mut dyn FilterContext, value: Value, args: CallArgs) -> PyResult<Value> {
    let [pattern, ignore_case, multiline] =
        args.bind("search", &["value"], &["pattern", "ignorecase", "multiline"], 0)?;
    matches(&value, pattern.as_ref(), ignore_case.as_ref(), multiline.as_ref(), "search")
}

fn regex(_cx: &mut dyn FilterContext, value: Value, args: CallArgs) -> PyResult<Value> {
    let [pattern, ignore_case, multiline, kind] =
        args.bind("regex", &["value"], &["pattern", "ignorecase", "multiline", "match_type"], 0)?;
    let kind = kind.map_or_else(|| Ok("search".to_owned()), |k| to_text(&k))?;
    matches(&value, pattern.as_ref(), ignore_case.as_ref(), multiline.as_ref(), &kind)
}

/// ansible's `boolean`: what a text such as `yes` means; `None` where it means nothing.
pub fn boolean(value: &Value) -> PyResult<Option<bool>> {
    let settled = settle(value)?;
    Ok(match settled.as_ref() {
        Value::Str(s) => match s.to_lowercase().trim() {
            "y" | "yes" | "on" | "1" | "true" | "t" | "1.0" => Some(true),
            "n" | "no" | "off" | "0" | "false" | "f" | "0.0" => Some(false),
            _ => None,
        },
        other => match Number::of(other) {
            Some(n) if n.compare(&Number::Int(1)) == Some(std::cmp::Ordering::Equal) => Some(true),
            Some(n) if n.is_zero() => Some(false),
            _ => None,
        },
    })
}

fn truth_of(value: &Value, args: CallArgs, function: &str) -> PyResult<bool> {
    let [convert] = args.bind(function, &["value"], &["convert_bool"], 0)?;
    if flag(convert.as_ref(), false)?
        && let Some(meant) = boolean(value)?
    {
        return Ok(meant);
    }
    ops::truth(value)
}

fn truthy(_cx: &mut dyn FilterContext, value: Value, args: CallArgs) -> PyResult<Value> {
    truth_of(&value, args, "truthy").map(Value::Bool)
}

fn falsy(_cx: &mut dyn FilterContext, value: Value, args: CallArgs) -> PyResult<Value> {
    Ok(Value::Bool(!truth_of(&value, args, "falsy")?))
}

fn vault_encrypted(_cx: &mut dyn FilterContext, value: Value, args: CallArgs) -> PyResult<Value> {
    let [] = args.bind("vault_encrypted", &["value"], &[], 0)?;
    match &value {
        Value::Undefined(u) if !u.lenient => Err(PyError::new(PyErrorKind::Undefined, u.message())),
        Value::Vaulted(v) => Ok(Value::Bool(crate::vault::is_encrypted(v.ciphertext().as_bytes()))),
        _ => Ok(Value::Bool(false)),
    }
}
