//! `split` and its kin.

use super::{Str, Value, keywords, native, positional};
use crate::template::{
    CallArgs,
    args::{flag, index},
};
use crate::value::{
    PyError, PyResult,
    ops::{settle, settle_typed},
    text::{is_space, split_lines, split_space},
    types::type_name,
};

pub(super) fn call(s: &Str, name: &str, args: CallArgs) -> PyResult<Value> {
    let derived = |parts: Vec<&str>| parts.into_iter().map(|p| Value::Str(s.alike(p))).collect();
    match name {
        "splitlines" => {
            let [keep] = keywords(name, args, &["keepends"])?;
            Ok(Value::list(derived(split_lines(s, flag(keep.as_ref(), false)?))))
        }
        "partition" | "rpartition" => {
            let args = positional(s, name, args, 1, 1)?;
            let separator = match settle(&args[0])?.into_owned() {
                Value::Str(separator) => separator,
                other => {
                    return Err(PyError::type_error(format!(
                        "must be str, not {}",
                        type_name(&other)
                    )));
                }
            };
            if separator.is_empty() {
                return Err(PyError::value_error("empty separator"));
            }
            let sep: &str = separator.as_str();
            let parts = if name == "partition" {
                s.split_once(sep).map_or(vec![s.as_str(), "", ""], |(a, b)| vec![a, sep, b])
            } else {
                s.rsplit_once(sep).map_or(vec!["", "", s.as_str()], |(a, b)| vec![a, sep, b])
            };
            Ok(Value::tuple(derived(parts)))
        }
        _ => {
            let [separator, limit] = keywords(name, args, &["sep", "maxsplit"])?;
            let separator = match separator.as_ref().map(settle_typed).transpose()?.as_deref() {
                None | Some(Value::None) => None,
                Some(Value::Str(separator)) => Some(separator.clone()),
                Some(other) => {
                    return Err(PyError::type_error(format!(
                        "must be str or None, not {}",
                        type_name(other)
                    )));
                }
            };
            let limit = usize::try_from(limit.as_ref().map_or(Ok(-1), index)?).ok();
            Ok(Value::list(derived(split(s, name, separator.as_ref(), limit)?)))
        }
    }
}

fn split<'s>(
    s: &'s str,
    name: &str,
    separator: Option<&'s Str>,
    limit: Option<usize>,
) -> PyResult<Vec<&'s str>> {
    let from_right = name == "rsplit";
    let Some(separator) = separator else {
        return Ok(if from_right { rsplit_space(s, limit) } else { split_space(s, limit) });
    };
    if separator.is_empty() {
        return Err(PyError::value_error("empty separator"));
    }
    let separator = native::text(name, 1, &Value::Str(separator.clone()))?;
    let separator = separator.as_str();
    Ok(match (from_right, limit) {
        (_, None) => s.split(separator).collect(),
        (false, Some(n)) => s.splitn(n + 1, separator).collect(),
        (true, Some(n)) => {
            let mut parts: Vec<&str> = s.rsplitn(n + 1, separator).collect();
            parts.reverse();
            parts
        }
    })
}

fn rsplit_space(s: &str, limit: Option<usize>) -> Vec<&str> {
    let mut parts = Vec::new();
    let mut rest = s.trim_end_matches(is_space);
    while !rest.is_empty() {
        if limit.is_some_and(|l| parts.len() >= l) {
            parts.push(rest);
            break;
        }
        let start = rest
            .rfind(is_space)
            .map_or(0, |at| at + rest[at..].chars().next().map_or(1, char::len_utf8));
        parts.push(&rest[start..]);
        rest = rest[..start].trim_end_matches(is_space);
    }
    parts.reverse();
    parts
}
