//! `center`, `ljust`, `rjust`, `zfill`, `expandtabs`.

use super::{Str, Value, char_len, keywords, positional};
use crate::template::{CallArgs, args::index};
use crate::value::{PyError, PyResult, ops::settle, types::type_name};

pub(super) fn call(s: &Str, name: &str, args: CallArgs) -> PyResult<Value> {
    let out = match name {
        "zfill" => {
            let args = positional(s, name, args, 1, 1)?;
            zfill(s, width(&args[0])?)
        }
        "expandtabs" => {
            let [size] = keywords(name, args, &["tabsize"])?;
            expand_tabs(s, size.as_ref().map_or(Ok(8), width)?)
        }
        _ => {
            let args = positional(s, name, args, 1, 2)?;
            let fill = args.get(1).map_or(Ok(' '), fill)?;
            pad(s, name, width(&args[0])?, fill)
        }
    };
    Ok(Value::Str(s.alike(out)))
}

fn width(value: &Value) -> PyResult<usize> {
    Ok(usize::try_from(index(value)?).unwrap_or(0))
}

fn fill(value: &Value) -> PyResult<char> {
    let v = settle(value)?;
    let Value::Str(s) = v.as_ref() else {
        return Err(PyError::type_error(format!(
            "The fill character must be a unicode character, not {}",
            type_name(value)
        )));
    };
    match (s.chars().next(), s.chars().count()) {
        (Some(c), 1) => Ok(c),
        _ => Err(PyError::type_error("The fill character must be exactly one character long")),
    }
}

fn pad(s: &str, name: &str, width: usize, fill: char) -> String {
    let missing = width.saturating_sub(char_len(s));
    // CPython puts the odd space on the left of `center` only where the width is odd.
    let left = match name {
        "ljust" => 0,
        "rjust" => missing,
        _ => missing / 2 + (missing & width & 1),
    };
    let fill = |n: usize| fill.to_string().repeat(n);
    format!("{}{s}{}", fill(left), fill(missing - left))
}

fn zfill(s: &str, width: usize) -> String {
    let zeros = "0".repeat(width.saturating_sub(char_len(s)));
    match s.strip_prefix(['+', '-']) {
        Some(rest) => format!("{}{zeros}{rest}", &s[..1]),
        None => zeros + s,
    }
}

fn expand_tabs(s: &str, size: usize) -> String {
    let mut out = String::new();
    let mut column = 0;
    for c in s.chars() {
        match c {
            '\t' => {
                let spaces = if size == 0 { 0 } else { size - column % size };
                out.push_str(&" ".repeat(spaces));
                column += spaces;
            }
            '\n' | '\r' => {
                out.push(c);
                column = 0;
            }
            c => {
                out.push(c);
                column += 1;
            }
        }
    }
    out
}
