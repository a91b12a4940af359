//! Filters on text.

use super::Filter;
use crate::template::{
    CallArgs, FilterContext,
    args::{flag, index},
    methods,
};
use crate::value::{
    PyError, PyErrorKind, PyResult, Str, StrClass, Value, access,
    format::percent,
    ops::{self, settle},
    repr::{self, to_str},
    text::{byte_offset, char_len, is_space, split_lines},
};

pub(super) static FILTERS: &[Filter] = &[
    Filter::jinja("upper", "Upper case.", upper),
    Filter::jinja("lower", "Lower case.", lower),
    Filter::jinja("capitalize", "First letter upper case, the rest lower.", capitalize),
    Filter::jinja("title", "Each word with an upper case letter first.", title),
    Filter::jinja("center", "Centres in a field of a width.", center),
    Filter::jinja("trim", "Strips characters (white space) from both ends.", trim),
    Filter::jinja("replace", "Replaces text.", replace),
    Filter::jinja("truncate", "Cuts long text and marks the cut.", truncate),
    Filter::jinja("indent", "Indents the lines after the first.", indent),
    Filter::jinja("wordcount", "Counts words.", wordcount),
    Filter::jinja("format", "Formats with `%`.", format),
    Filter::jinja("string", "Text of any value.", string),
];

fn soft(value: &Value) -> PyResult<Str> {
    to_str(value)
}

fn upper(_cx: &mut dyn FilterContext, value: Value, args: CallArgs) -> PyResult<Value> {
    let [] = args.bind("do_upper", &["s"], &[], 0)?;
    let s = soft(&value)?;
    Ok(Value::Str(s.alike(s.to_uppercase())))
}

fn lower(_cx: &mut dyn FilterContext, value: Value, args: CallArgs) -> PyResult<Value> {
    let [] = args.bind("do_lower", &["s"], &[], 0)?;
    let s = soft(&value)?;
    Ok(Value::Str(s.alike(s.to_lowercase())))
}

fn capitalize(_cx: &mut dyn FilterContext, value: Value, args: CallArgs) -> PyResult<Value> {
    let [] = args.bind("do_capitalize", &["s"], &[], 0)?;
    let s = soft(&value)?;
    Ok(Value::Str(s.alike(methods::capitalize(&s))))
}

/// Words begin after white space, `-`, and opening brackets; not after an apostrophe.
fn title(_cx: &mut dyn FilterContext, value: Value, args: CallArgs) -> PyResult<Value> {
    let [] = args.bind("do_title", &["s"], &[], 0)?;
    let s = soft(&value)?;
    let mut out = String::with_capacity(s.len());
    let mut inside = false;
    for c in s.chars() {
        let breaks = is_space(c) || matches!(c, '-' | '(' | '{' | '[' | '<');
        if breaks {
            out.push(c);
        } else if inside {
            out.extend(c.to_lowercase());
        } else {
            out.extend(c.to_uppercase());
        }
        inside = !breaks;
    }
    Ok(Value::Str(s.derive(out)))
}

fn center(cx: &mut dyn FilterContext, value: Value, args: CallArgs) -> PyResult<Value> {
    let [width] = args.bind("do_center", &["value"], &["width"], 0)?;
    let width = width.unwrap_or(Value::Int(80));
    let s = Value::Str(soft(&value)?);
    methods::call_method(cx, &s, "center", CallArgs::positional(vec![width]))
}

fn trim(cx: &mut dyn FilterContext, value: Value, args: CallArgs) -> PyResult<Value> {
    let [chars] = args.bind("do_trim", &["value"], &["chars"], 0)?;
    let s = Value::Str(soft(&value)?);
    methods::call_method(cx, &s, "strip", CallArgs::positional(chars.into_iter().collect()))
}

fn replace(_cx: &mut dyn FilterContext, value: Value, args: CallArgs) -> PyResult<Value> {
    let [old, new, count] =
        args.bind("do_replace", &["eval_ctx", "s"], &["old", "new", "count"], 2)?;
    let s = soft(&value)?;
    let text = |v: Option<Value>| to_str(&v.unwrap_or(Value::None));
    let (old, new) = (text(old)?, text(new)?);
    let count = match &count {
        None | Some(Value::None) => -1,
        Some(n) => index(n)?,
    };
    Ok(Value::Str(s.derive(methods::replace(&s, &old, &new, count))))
}

/// `len(s)` and `s[:n]` of text; with other values fails what follows in Python.
fn sliceable(value: &Value, kill_words: bool) -> PyResult<Str> {
    let settled = settle(value)?;
    let other = match settled.as_ref() {
        Value::Str(s) => return Ok(s.clone()),
        other => other,
    };
    access::len(other)?;
    let part = access::slice(other, None, Some(&Value::Int(0)), None)?;
    if kill_words {
        ops::add(&part, &Value::str(""))?;
    }
    Err(match part {
        Value::Bytes(_) => PyError::type_error("a bytes-like object is required, not 'str'"),
        _ => ops::no_attribute(&part, "rsplit"),
    })
}

fn truncate(_cx: &mut dyn FilterContext, value: Value, args: CallArgs) -> PyResult<Value> {
    let [length, kill_words, end, leeway] =
        args.bind("do_truncate", &["env", "s"], &["length", "killwords", "end", "leeway"], 0)?;
    length.as_ref().map(ops::operand).transpose()?;
    let length = length.as_ref().map_or(Ok(255), index)?;
    end.as_ref().map(ops::operand).transpose()?;
    let end = end.map_or_else(|| Ok(Str::new("...")), |e| to_str(&e))?;
    leeway.as_ref().map(ops::operand).transpose()?;
    let leeway = match &leeway {
        None | Some(Value::None) => 5,
        Some(n) => index(n)?,
    };
    let end_len = i64::try_from(char_len(&end)).unwrap_or(i64::MAX);
    let failed = |message| PyError::new(PyErrorKind::AssertionError, message);
    if length < end_len {
        return Err(failed(format!("expected length >= {end_len}, got {length}")));
    }
    if leeway < 0 {
        return Err(failed(format!("expected leeway >= 0, got {leeway}")));
    }
    if let Ok(len) = access::len(&value)
        && i64::try_from(len).unwrap_or(i64::MAX) <= length + leeway
    {
        return Ok(value);
    }
    let kill_words = flag(kill_words.as_ref(), false)?;
    let s = sliceable(&value, kill_words)?;
    let cut = &s[..byte_offset(&s, usize::try_from(length - end_len).unwrap_or(0))];
    let cut = if kill_words { cut } else { cut.rsplit_once(' ').map_or(cut, |(head, _)| head) };
    Ok(Value::Str(s.alike(format!("{cut}{end}"))))
}

fn indent(_cx: &mut dyn FilterContext, value: Value, args: CallArgs) -> PyResult<Value> {
    let [width, first, blank] = args.bind("do_indent", &["s"], &["width", "first", "blank"], 0)?;
    let indention = match width.as_ref().map(settle).transpose()?.as_deref() {
        None => "    ".to_owned(),
        Some(Value::Str(s)) => s.to_string(),
        Some(n) => match ops::mul(&Value::str(" "), n)? {
            Value::Str(s) => s.to_string(),
            _ => String::new(),
        },
    };
    // `s += "\n"`, which a list takes, and then `s.splitlines()`, which it has not.
    let settled = settle(&value)?;
    let s = match settled.as_ref() {
        Value::Str(s) => s.alike(format!("{s}\n")),
        list @ Value::List(_) => return Err(ops::no_attribute(list, "splitlines")),
        other => {
            return Err(match ops::add(other, &Value::str("\n")) {
                Err(e) => PyError { message: e.message.replace(" for +: ", " for +=: "), ..e },
                Ok(_) => ops::no_attribute(other, "splitlines"),
            });
        }
    };
    let lines = split_lines(&s, false);
    let mut out = String::new();
    if flag(first.as_ref(), false)? {
        out.push_str(&indention);
    }
    let blank = flag(blank.as_ref(), false)?;
    for (i, line) in lines.iter().enumerate() {
        if i > 0 {
            out.push('\n');
            if blank || !line.is_empty() {
                out.push_str(&indention);
            }
        }
        out.push_str(line);
    }
    Ok(Value::Str(s.alike(out)))
}

fn wordcount(_cx: &mut dyn FilterContext, value: Value, args: CallArgs) -> PyResult<Value> {
    let [] = args.bind("do_wordcount", &["s"], &[], 0)?;
    let s = soft(&value)?;
    let words = s.split(|c: char| !(c.is_alphanumeric() || c == '_')).filter(|w| !w.is_empty());
    Ok(Value::Int(i64::try_from(words.count()).unwrap_or(i64::MAX)))
}

fn format(_cx: &mut dyn FilterContext, value: Value, args: CallArgs) -> PyResult<Value> {
    if !args.positional.is_empty() && !args.keyword.is_empty() {
        return Err(PyError::new(
            PyErrorKind::FilterArgument,
            "can't handle positional and keyword arguments at the same time",
        ));
    }
    let values = if args.keyword.is_empty() {
        Value::tuple(args.positional)
    } else {
        let dict = crate::value::Dict::new();
        for (name, value) in args.keyword {
            dict.insert(name, value);
        }
        dict.into()
    };
    percent(&soft(&value)?, &values).map(Value::Str)
}

fn string(_cx: &mut dyn FilterContext, value: Value, args: CallArgs) -> PyResult<Value> {
    let [] = args.bind("soft_str", &["s"], &[], 0)?;
    Ok(match &value {
        Value::Str(s) if s.class() == StrClass::Markup => value,
        _ => Value::Str(repr::to_str(&value)?),
    })
}
