//! Methods of `bytes`.

use std::sync::Arc;

use super::native::{keywords, positional, text};
use crate::template::CallArgs;
use crate::value::{
    PyError, PyResult, Value, access, codec,
    ops::{self, settle},
    types::type_name,
};

/// Calls the method `name` of `bytes`.
pub(super) fn call(bytes: &Arc<[u8]>, name: &str, args: CallArgs) -> PyResult<Value> {
    match name {
        "decode" => {
            let [encoding, errors] = keywords("decode", args, &["encoding", "errors"])?;
            let option = |value: Option<Value>, place, default: &str| -> PyResult<String> {
                match value {
                    Some(v) => Ok(text("decode", place, &v)?.to_string()),
                    None => Ok(default.to_owned()),
                }
            };
            let encoding = option(encoding, 1, "utf-8")?;
            let errors = option(errors, 2, "strict")?;
            codec::decode(bytes, &encoding, &errors).map(Value::from)
        }
        "hex" => {
            positional("bytes", name, args, 0, 0)?;
            Ok(Value::from(bytes.iter().map(|b| format!("{b:02x}")).collect::<String>()))
        }
        "startswith" | "endswith" => {
            let args = positional("bytes", name, args, 1, 1)?;
            let affix = like(&args[0])?;
            Ok(Value::Bool(if name == "startswith" {
                bytes.starts_with(&affix)
            } else {
                bytes.ends_with(&affix)
            }))
        }
        "strip" => {
            positional("bytes", name, args, 0, 0)?;
            Ok(Value::Bytes(bytes.trim_ascii().into()))
        }
        "split" => {
            let args = positional("bytes", name, args, 0, 1)?;
            let parts: Vec<Value> = match args.first() {
                None | Some(Value::None) => bytes
                    .split(u8::is_ascii_whitespace)
                    .filter(|p| !p.is_empty())
                    .map(|p| Value::Bytes(p.into()))
                    .collect(),
                Some(separator) => split(bytes, &like(separator)?)?,
            };
            Ok(Value::list(parts))
        }
        "join" => {
            let args = positional("bytes", name, args, 1, 1)?;
            let parts: PyResult<Vec<Arc<[u8]>>> =
                access::iterate(&args[0])?.iter().map(like).collect();
            let parts = parts?;
            let parts: Vec<&[u8]> = parts.iter().map(|p| &**p).collect();
            Ok(Value::Bytes(parts.join(&**bytes).into()))
        }
        "replace" => {
            let args = positional("bytes", name, args, 2, 2)?;
            let parts = split(bytes, &like(&args[0])?)?;
            let glue = like(&args[1])?;
            call(&glue, "join", CallArgs::positional(vec![Value::list(parts)]))
        }
        other => Err(ops::no_attribute(&Value::Bytes(Arc::clone(bytes)), other)),
    }
}

fn like(value: &Value) -> PyResult<Arc<[u8]>> {
    match settle(value)?.as_ref() {
        Value::Bytes(b) => Ok(Arc::clone(b)),
        _ => Err(PyError::type_error(format!(
            "a bytes-like object is required, not '{}'",
            type_name(value)
        ))),
    }
}

fn split(bytes: &[u8], separator: &[u8]) -> PyResult<Vec<Value>> {
    if separator.is_empty() {
        return Err(PyError::value_error("empty separator"));
    }
    let mut parts = Vec::new();
    let mut rest = bytes;
    while let Some(at) = rest.windows(separator.len()).position(|w| w == separator) {
        parts.push(Value::Bytes(rest[..at].into()));
        rest = &rest[at + separator.len()..];
    }
    parts.push(Value::Bytes(rest.into()));
    Ok(parts)
}
