//! Python's `pprint.pformat`: lines of at most 80 characters.

use crate::value::{
    PyResult, Set, Value,
    ops::{self, CmpOp},
    repr::{repr, str_repr},
    text::{char_len, split_lines},
    types::{class_repr, type_name},
};

const WIDTH: usize = 80;

/// `pprint.pformat(value)`.
pub(super) fn format(value: &Value) -> PyResult<String> {
    let mut out = String::new();
    write(&mut out, value, 0, 0)?;
    Ok(out)
}

/// The one-line form, dicts sorted inside too.
fn flat(value: &Value) -> PyResult<String> {
    Ok(match value {
        Value::Dict(d) => {
            let mut parts = Vec::new();
            for (k, v) in sorted(d.snapshot())? {
                parts.push(format!("{}: {}", flat(&k)?, flat(&v)?));
            }
            format!("{{{}}}", parts.join(", "))
        }
        Value::List(l) => {
            let parts: PyResult<Vec<String>> = l.snapshot().iter().map(flat).collect();
            format!("[{}]", parts?.join(", "))
        }
        Value::Tuple(t) => {
            let parts: Vec<String> = t.iter().map(flat).collect::<PyResult<_>>()?;
            if let [only] = parts.as_slice() {
                format!("({only},)")
            } else {
                format!("({})", parts.join(", "))
            }
        }
        other => repr(other)?,
    })
}

/// Entries by key; keys without an order by the names of their types.
fn sorted(entries: Vec<(crate::value::Key, Value)>) -> PyResult<Vec<(Value, Value)>> {
    let mut pairs: Vec<(Value, Value)> =
        entries.into_iter().map(|(k, v)| (k.into_value(), v)).collect();
    pairs.sort_by(|(a, _), (b, _)| before(a, b));
    Ok(pairs)
}

fn before(a: &Value, b: &Value) -> std::cmp::Ordering {
    use std::cmp::Ordering::{Equal, Greater, Less};
    let less = |x: &Value, y: &Value| ops::compare(x, y, CmpOp::Lt);
    match (less(a, b), less(b, a)) {
        (Ok(true), _) => Less,
        (_, Ok(true)) => Greater,
        (Ok(_), Ok(_)) => Equal,
        _ => class_repr(a).cmp(&class_repr(b)),
    }
}

/// Writes `value` at column `indent`, with `after` characters to follow on its last line.
fn write(out: &mut String, value: &Value, indent: usize, after: usize) -> PyResult<()> {
    let line = flat(value)?;
    let fits = char_len(&line) <= WIDTH.saturating_sub(indent + after);
    if fits || !is_container(value) {
        out.push_str(&line);
        return Ok(());
    }
    match value {
        Value::Dict(d) => {
            out.push('{');
            let pairs = sorted(d.snapshot())?;
            let last = pairs.len().saturating_sub(1);
            for (i, (k, v)) in pairs.iter().enumerate() {
                if i > 0 {
                    out.push_str(",\n");
                    out.push_str(&" ".repeat(indent + 1));
                }
                let key = flat(k)?;
                out.push_str(&key);
                out.push_str(": ");
                let after = if i == last { after + 1 } else { 1 };
                write(out, v, indent + 1 + char_len(&key) + 2, after)?;
            }
            out.push('}');
        }
        Value::Str(s) => write_text(out, s, indent, after),
        Value::List(l) => write_items(out, &l.snapshot(), ("[", "]"), indent, after)?,
        Value::Tuple(t) => {
            let close = if t.len() == 1 { ",)" } else { ")" };
            write_items(out, t, ("(", close), indent, after)?;
        }
        other => {
            let items = crate::value::access::iterate(other)?;
            write_items(out, &items, ("{", "}"), indent, after)?;
        }
    }
    Ok(())
}

fn is_container(value: &Value) -> bool {
    match value {
        Value::Dict(d) => !d.is_empty(),
        Value::List(l) => !l.is_empty(),
        Value::Tuple(t) => !t.is_empty(),
        // Subclasses of `str` (text from YAML or a host) are not broken.
        Value::Str(_) => type_name(value) == "str",
        other => Set::downcast(other).is_some_and(|s| !s.is_empty()),
    }
}

fn write_items(
    out: &mut String,
    items: &[Value],
    (open, close): (&str, &str),
    indent: usize,
    after: usize,
) -> PyResult<()> {
    out.push_str(open);
    let last = items.len().saturating_sub(1);
    for (i, item) in items.iter().enumerate() {
        if i > 0 {
            out.push_str(",\n");
            out.push_str(&" ".repeat(indent + 1));
        }
        write(out, item, indent + 1, if i == last { after + close.len() } else { 1 })?;
    }
    out.push_str(close);
    Ok(())
}

/// Long text as literals side by side, broken at white space.
fn write_text(out: &mut String, text: &str, indent: usize, after: usize) {
    let mut indent = indent;
    let mut after = after;
    // At the outermost level the literals stand in parentheses.
    let outermost = indent == 0;
    if outermost {
        indent += 1;
        after += 1;
    }
    let lines = split_lines(text, true);
    let most = WIDTH.saturating_sub(indent);
    let mut chunks: Vec<String> = Vec::new();
    for (i, line) in lines.iter().enumerate() {
        let is_last = i + 1 == lines.len();
        let room = if is_last { most.saturating_sub(after) } else { most };
        let shown = str_repr(line);
        if char_len(&shown) <= room {
            chunks.push(shown);
            continue;
        }
        let mut current = String::new();
        let parts = words(line);
        for (j, part) in parts.iter().enumerate() {
            let room = if j + 1 == parts.len() && is_last { room } else { most };
            let candidate = format!("{current}{part}");
            if char_len(&str_repr(&candidate)) > room {
                if !current.is_empty() {
                    chunks.push(str_repr(&current));
                }
                current = (*part).to_owned();
            } else {
                current = candidate;
            }
        }
        if !current.is_empty() {
            chunks.push(str_repr(&current));
        }
    }
    let parenthesised = outermost && chunks.len() > 1;
    if parenthesised {
        out.push('(');
    }
    let indent = if parenthesised || !outermost { indent } else { 0 };
    out.push_str(&chunks.join(&format!("\n{}", " ".repeat(indent))));
    if parenthesised {
        out.push(')');
    }
}

/// Words with the white space that follows them.
fn words(line: &str) -> Vec<&str> {
    let mut parts = Vec::new();
    let mut start = 0;
    let mut in_space = false;
    for (at, c) in line.char_indices() {
        let space = crate::value::text::is_space(c);
        if in_space && !space {
            parts.push(&line[start..at]);
            start = at;
        }
        in_space = space;
    }
    if start < line.len() {
        parts.push(&line[start..]);
    }
    parts
}
