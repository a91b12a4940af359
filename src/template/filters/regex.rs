//! Filters with regular expressions.

use super::Filter;
use crate::template::{CallArgs, FilterContext, args::flag};
use crate::value::{
    PyError, PyErrorKind, PyResult, Str, Value,
    ops::{self, settle},
    regex::{Flags, Match, Pattern, escape},
    repr::{to_native, to_str},
    types::{class_name, type_name},
};

pub(super) static FILTERS: &[Filter] = &[
    Filter::ansible("regex_replace", "Replaces what a pattern matches.", regex_replace),
    Filter::ansible("regex_search", "The first match, or groups of it.", regex_search),
    Filter::ansible("regex_findall", "All matches.", regex_findall),
    Filter::ansible("regex_escape", "Escapes what is special in patterns.", regex_escape),
];

/// The pattern that `value` writes.
pub fn compile(
    value: Option<&Value>,
    ignore_case: Option<&Value>,
    multiline: Option<&Value>,
) -> PyResult<std::sync::Arc<Pattern>> {
    let flags = Flags {
        ignore_case: flag(ignore_case, false)?,
        multiline: flag(multiline, false)?,
        ..Flags::default()
    };
    match value.map(settle).transpose()?.as_deref() {
        None => Ok(Pattern::new("", flags)?),
        Some(Value::Str(s)) => Ok(Pattern::new(s, flags)?),
        Some(Value::Undefined(_)) => {
            Err(PyError::type_error("first argument must be string or compiled pattern"))
        }
        Some(other) if !ops::is_hashable(other) => {
            Err(PyError::type_error(format!("unhashable type: '{}'", type_name(other))))
        }
        Some(_) => Err(PyError::type_error("first argument must be string or compiled pattern")),
    }
}

fn regex_replace(_cx: &mut dyn FilterContext, value: Value, args: CallArgs) -> PyResult<Value> {
    let [pattern, replacement, ignore_case, multiline] = args.bind(
        "regex_replace",
        &["value"],
        &["pattern", "replacement", "ignorecase", "multiline"],
        0,
    )?;
    let text = to_native(&value)?;
    let pattern = compile(pattern.as_ref(), ignore_case.as_ref(), multiline.as_ref())?;
    let replacement = replacement.unwrap_or_else(|| Value::str(""));
    let replacement = match settle(&replacement)?.as_ref() {
        Value::Str(s) => s.clone(),
        // It can be called, which Python does once it has found something.
        Value::Undefined(u) if pattern.find_all(&text, None)?.is_empty() => {
            return Ok(Value::Str(text));
        }
        Value::Undefined(u) => return Err(PyError::undefined(u)),
        other => {
            return Err(PyError::type_error(format!(
                "decoding to str: need a bytes-like object, {} found",
                class_name(other)
            )));
        }
    };
    Ok(Value::Str(text.derive(pattern.sub(&replacement, &text, 0)?)))
}

fn regex_findall(_cx: &mut dyn FilterContext, value: Value, args: CallArgs) -> PyResult<Value> {
    let [pattern, multiline, ignore_case] =
        args.bind("regex_findall", &["value"], &["regex", "multiline", "ignorecase"], 1)?;
    let text = to_str(&value)?;
    let pattern = compile(pattern.as_ref(), ignore_case.as_ref(), multiline.as_ref())?;
    let group =
        |m: &Match, n: usize| Value::Str(text.derive(m.group(&text, n).unwrap_or_default()));
    Ok(pattern
        .find_all(&text, None)?
        .iter()
        .map(|m| match pattern.groups() {
            0 => group(m, 0),
            1 => group(m, 1),
            n => Value::tuple((1..=n).map(|i| group(m, i)).collect()),
        })
        .collect())
}

/// Which group an argument of `regex_search` asks for.
enum Wanted {
    Number(usize),
    Name(String),
}

fn wanted(arg: &Value) -> PyResult<Wanted> {
    let settled = settle(arg)?;
    let Value::Str(text) = settled.as_ref() else {
        return Err(ops::no_attribute(arg, "startswith"));
    };
    // What has the form of neither fails on the missing match.
    let no_match =
        || PyError::new(PyErrorKind::AttributeError, "'NoneType' object has no attribute 'group'");
    if let Some(rest) = text.strip_prefix("\\g") {
        let name = rest.strip_prefix('<').and_then(|r| {
            // The longest run without white space that ends in `>`.
            let run = r.split(char::is_whitespace).next().unwrap_or("");
            run.rfind('>').map(|end| &run[..end])
        });
        return match name.filter(|n| !n.is_empty()) {
            Some(name) => Ok(Wanted::Name(name.to_owned())),
            None => Err(no_match()),
        };
    }
    if let Some(rest) = text.strip_prefix('\\') {
        let digits: String = rest.chars().take_while(char::is_ascii_digit).collect();
        return digits.parse().map(Wanted::Number).map_err(|_| no_match());
    }
    Err(PyError::filter("Unknown argument"))
}

fn regex_search(_cx: &mut dyn FilterContext, value: Value, args: CallArgs) -> PyResult<Value> {
    let ([pattern], groups, keyword) = args.bind_all("regex_search", &["value"], &["regex"], 1)?;
    let text: Str = to_str(&value)?;
    let groups: Vec<Wanted> = groups.iter().map(wanted).collect::<PyResult<_>>()?;
    let pattern = compile(pattern.as_ref(), keyword.get("ignorecase"), keyword.get("multiline"))?;
    let Some(found) = pattern.search(&text)? else { return Ok(Value::None) };
    let group = |n: usize| match found.group(&text, n) {
        Some(t) => Value::Str(text.derive(t)),
        None => Value::None,
    };
    if groups.is_empty() {
        return Ok(group(0));
    }
    let no_group = || PyError::new(PyErrorKind::IndexError, "no such group");
    groups
        .iter()
        .map(|wanted| match wanted {
            Wanted::Number(n) if *n <= pattern.groups() => Ok(group(*n)),
            Wanted::Number(_) => Err(no_group()),
            Wanted::Name(name) => pattern.group_index(name).map(group).ok_or_else(no_group),
        })
        .collect::<PyResult<Vec<_>>>()
        .map(Value::list)
}

fn regex_escape(_cx: &mut dyn FilterContext, value: Value, args: CallArgs) -> PyResult<Value> {
    let [kind] = args.bind("regex_escape", &["string"], &["re_type"], 0)?;
    let text = to_native(&value)?;
    let kind = match kind {
        Some(k) => to_str(&k)?.to_string(),
        None => "python".to_owned(),
    };
    match kind.as_str() {
        "python" => Ok(Value::Str(text.alike(escape(&text)))),
        "posix_basic" => {
            let mut out = String::new();
            for c in text.chars() {
                if matches!(c, ']' | '[' | '.' | '^' | '$' | '*' | '\\') {
                    out.push('\\');
                }
                out.push(c);
            }
            Ok(Value::Str(text.derive(out)))
        }
        "posix_extended" => {
            Err(PyError::filter(format!("Regex type ({kind}) not yet implemented")))
        }
        _ => Err(PyError::filter(format!("Invalid regex type ({kind})"))),
    }
}
