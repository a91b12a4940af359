//! Methods of `str`.

use crate::template::{CallArgs, args::index};
use crate::value::{
    Dict, Key, PyError, PyResult, Str, StrClass, Value, access,
    format::{FormatArgs, format_braces},
    markup::taken_by,
    ops::settle,
    text::{self, byte_offset, char_len},
    types::type_name,
};

use super::native::{self, keywords};

mod case;
mod classes;
mod pad;
mod search;
mod split;
mod unsafe_text;

pub(crate) use case::capitalize;

/// [`native::positional`] for a method of `s`: messages name the class of the text itself.
fn positional(
    s: &Str,
    name: &str,
    args: CallArgs,
    least: usize,
    most: usize,
) -> PyResult<Vec<Value>> {
    let class = if s.class() == StrClass::Markup { "str" } else { s.class_name() };
    native::positional(class, name, args, least, most)
}

/// Calls the method `name` of `s`.
pub(super) fn call(s: &Str, name: &str, args: CallArgs) -> PyResult<Value> {
    if s.is_unsafe() {
        unsafe_text::check(name, &args)?;
    }
    match name {
        "capitalize" | "casefold" | "lower" | "swapcase" | "title" | "upper" => {
            positional(s, name, args, 0, 0)?;
            Ok(Value::Str(s.alike(case::convert(s, name))))
        }
        "isalnum" | "isalpha" | "isascii" | "isdecimal" | "isdigit" | "isidentifier"
        | "islower" | "isnumeric" | "isprintable" | "isspace" | "istitle" | "isupper" => {
            positional(s, name, args, 0, 0)?;
            Ok(Value::Bool(classes::is(s, name)))
        }
        "center" | "ljust" | "rjust" | "zfill" | "expandtabs" => pad::call(s, name, args),
        "split" | "rsplit" | "splitlines" | "partition" | "rpartition" => {
            split::call(s, name, args)
        }
        "count" | "find" | "index" | "rfind" | "rindex" | "startswith" | "endswith" => {
            search::call(s, name, args)
        }
        "strip" | "lstrip" | "rstrip" => strip(s, name, args),
        "removeprefix" | "removesuffix" => {
            let args = positional(s, name, args, 1, 1)?;
            let affix = native::text(name, 0, &args[0])?;
            let rest = if name == "removeprefix" {
                s.strip_prefix(affix.as_str())
            } else {
                s.strip_suffix(affix.as_str())
            };
            Ok(Value::Str(s.alike(rest.unwrap_or(s))))
        }
        "join" => {
            let args = positional(s, name, args, 1, 1)?;
            join(s, &args[0])
        }
        "replace" => {
            let args = positional(s, name, args, 2, 3)?;
            let old = native::text(name, 1, &args[0])?;
            let new = native::text(name, 2, &args[1])?;
            let count = args.get(2).map_or(Ok(-1), index)?;
            Ok(Value::Str(s.alike(replace(s, &old, &taken_by(s, &new), count))))
        }
        "encode" => encode(s, args),
        "format" => {
            let args = FormatArgs::Call(&args.positional, &args.keyword);
            format_braces(s, &args).map(Value::Str)
        }
        "format_map" => {
            let args = positional(s, name, args, 1, 1)?;
            format_braces(s, &FormatArgs::Map(&args[0])).map(Value::Str)
        }
        "maketrans" => maketrans(args),
        "translate" => {
            let args = positional(s, name, args, 1, 1)?;
            translate(s, &args[0])
        }
        other => Err(crate::value::ops::no_attribute(&Value::Str(s.clone()), other)),
    }
}

/// `separator.join(items)`.
fn join(separator: &Str, items: &Value) -> PyResult<Value> {
    let items = access::iterate(items).map_err(|e| {
        if e.is_type_error() { PyError::type_error("can only join an iterable") } else { e }
    })?;
    let mut out = String::new();
    for (i, item) in items.iter().enumerate() {
        match settle(item)?.as_ref() {
            Value::Str(part) => {
                if i > 0 {
                    out.push_str(separator);
                }
                out.push_str(&taken_by(separator, part));
            }
            other => {
                return Err(PyError::type_error(format!(
                    "sequence item {i}: expected str instance, {} found",
                    type_name(other)
                )));
            }
        }
    }
    Ok(Value::Str(separator.alike(out)))
}

/// `s.replace(old, new, count)`; all of them if `count` is negative.
pub(crate) fn replace(s: &str, old: &str, new: &str, count: i64) -> String {
    match usize::try_from(count) {
        Ok(n) => s.replacen(old, new, n),
        Err(_) => s.replace(old, new),
    }
}

fn strip(s: &Str, name: &str, args: CallArgs) -> PyResult<Value> {
    let args = positional(s, name, args, 0, 1)?;
    let chars = match args.first().map(settle).transpose()?.as_deref() {
        None | Some(Value::None) => None,
        Some(Value::Str(chars)) => Some(chars.clone()),
        Some(_) => return Err(PyError::type_error(format!("{name} arg must be None or str"))),
    };
    Ok(Value::Str(s.alike(stripped(s, name, chars.as_deref()))))
}

/// `strip`, `lstrip` or `rstrip`, of white space unless `chars` says what.
fn stripped<'s>(s: &'s str, name: &str, chars: Option<&str>) -> &'s str {
    let matches = |c: char| chars.map_or_else(|| text::is_space(c), |chars| chars.contains(c));
    let s = if name == "rstrip" { s } else { s.trim_start_matches(matches) };
    if name == "lstrip" { s } else { s.trim_end_matches(matches) }
}

fn encode(s: &Str, args: CallArgs) -> PyResult<Value> {
    let [encoding, errors] = keywords("encode", args, &["encoding", "errors"])?;
    let encoding = match encoding {
        Some(e) => native::text("encode", 1, &e)?.to_string(),
        None => "utf-8".to_owned(),
    };
    let errors = match errors {
        Some(e) => native::text("encode", 2, &e)?.to_string(),
        None => "strict".to_owned(),
    };
    Ok(Value::Bytes(crate::value::codec::encode(s, &encoding, &errors)?.into()))
}

fn maketrans(args: CallArgs) -> PyResult<Value> {
    let args = native::positional("str", "maketrans", args, 1, 3)?;
    let table = Dict::new();
    let code = |c: char| Value::Int(i64::from(u32::from(c)));
    let put = |key: Value, value: Value| {
        if let Some(key) = Key::new(key) {
            table.write().insert(key, value);
        }
    };
    if let [only] = args.as_slice() {
        let Value::Dict(d) = settle(only)?.into_owned() else {
            return Err(PyError::type_error(
                "if you give only one argument to maketrans it must be a dict",
            ));
        };
        for (key, value) in d.snapshot() {
            match key.as_str() {
                Some(s) if s.chars().count() == 1 => {
                    put(s.chars().next().map_or(Value::None, code), value)
                }
                Some(_) => {
                    return Err(PyError::value_error(
                        "string keys in translate table must be of length 1",
                    ));
                }
                None => put(key.into_value(), value),
            }
        }
        return Ok(table.into());
    }
    let from = native::text("maketrans", 1, &args[0])?;
    let to = native::text("maketrans", 2, &args[1])?;
    if char_len(&from) != char_len(&to) {
        return Err(PyError::value_error(
            "the first two maketrans arguments must have equal length",
        ));
    }
    for (a, b) in from.chars().zip(to.chars()) {
        put(code(a), code(b));
    }
    if let Some(removed) = args.get(2) {
        for c in native::text("maketrans", 3, removed)?.chars() {
            put(code(c), Value::None);
        }
    }
    Ok(table.into())
}

fn translate(s: &Str, table: &Value) -> PyResult<Value> {
    let mut out = String::new();
    for c in s.chars() {
        let found = access::item(table, &Value::Int(i64::from(u32::from(c))))?;
        match found {
            None => out.push(c),
            Some(Value::None) => {}
            Some(Value::Str(text)) => out.push_str(&text),
            Some(Value::Int(n)) => match u32::try_from(n).ok().and_then(char::from_u32) {
                Some(c) => out.push(c),
                None => {
                    return Err(PyError::value_error(
                        "character mapping must be in range(0x110000)",
                    ));
                }
            },
            Some(_) => {
                return Err(PyError::type_error(
                    "character mapping must return integer, None or str",
                ));
            }
        }
    }
    Ok(Value::Str(s.alike(out)))
}

/// The characters `start..stop` of `s`.
fn part(s: &str, start: usize, stop: usize) -> &str {
    &s[byte_offset(s, start)..byte_offset(s, stop)]
}
