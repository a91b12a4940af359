//! The `comment` filter.

use super::Filter;
use crate::template::{
    CallArgs, FilterContext,
    args::{index, to_int},
};
use crate::value::{
    PyError, PyErrorKind, PyResult, Value, ops,
    ops::settle,
    repr::{repr, to_text},
};

pub(super) static FILTERS: &[Filter] =
    &[Filter::ansible("comment", "Makes a comment of text.", comment)];

/// How a comment is decorated; every part may be given by name.
struct Style {
    beginning: &'static str,
    decoration: &'static str,
    end: &'static str,
}

fn style(name: &Value) -> PyResult<Style> {
    let (beginning, decoration, end) = match settle(name)?.as_str() {
        Some("plain") => ("", "# ", ""),
        Some("erlang") => ("", "% ", ""),
        Some("c") => ("", "// ", ""),
        Some("cblock") => ("/*", " * ", " */"),
        Some("xml") => ("<!--", " - ", "-->"),
        _ => return Err(PyError::new(PyErrorKind::KeyError, repr(name)?)),
    };
    Ok(Style { beginning, decoration, end })
}

fn comment(_cx: &mut dyn FilterContext, value: Value, args: CallArgs) -> PyResult<Value> {
    let ([name], given) = args.bind_keywords("comment", &["text"], &["style"], 0)?;
    let style = style(&name.unwrap_or_else(|| Value::str("plain")))?;
    let part = |name: &str, default: &str| match given.get(name) {
        Some(v) => to_text(v),
        None => Ok(default.to_owned()),
    };
    let decoration = part("decoration", style.decoration)?;
    let newline = part("newline", "\n")?;
    let beginning = part("beginning", style.beginning)?;
    let prefix = part("prefix", decoration.trim_end())?;
    let postfix = part("postfix", decoration.trim_end())?;
    let end = part("end", style.end)?;
    let prefix_count = given.get("prefix_count").map_or(Ok(1), |n| index(&to_int(n)?))?;
    let postfix_count = given.get("postfix_count").map_or(Ok(1), index)?;

    let settled = settle(&value)?;
    let Value::Str(text) = settled.as_ref() else {
        // Bytes have the method, and refuse its text.
        return Err(match settled.as_ref() {
            // They have another method of that name.
            Value::Date(_) | Value::DateTime(..) => {
                PyError::type_error("'str' object cannot be interpreted as an integer")
            }
            Value::Bytes(_) => PyError::type_error("a bytes-like object is required, not 'str'"),
            other => ops::no_attribute(other, "replace"),
        });
    };
    let mut out = String::new();
    if !beginning.is_empty() {
        out += &format!("{beginning}{newline}");
    }
    let times = |n: i64| usize::try_from(n).unwrap_or(0);
    if !prefix.is_empty() {
        let line = if prefix == newline { newline.clone() } else { format!("{prefix}{newline}") };
        out += &line.repeat(times(prefix_count));
    }
    let lines = text.replace(newline.as_str(), &format!("{newline}{decoration}"));
    // A line that is empty but for its decoration ends without white space.
    out += &format!("{decoration}{lines}")
        .replace(&format!("{decoration}{newline}"), &format!("{}{newline}", decoration.trim_end()));
    out += &format!("{newline}{postfix}").repeat(times(postfix_count));
    if !end.is_empty() {
        out += &format!("{newline}{end}");
    }
    Ok(Value::Str(text.derive(out)))
}
