//! The `wordwrap` filter: Python's `textwrap`.

use std::sync::{Arc, LazyLock};

use super::Filter;
use crate::template::{
    CallArgs, FilterContext,
    args::{flag, index},
};
use crate::value::{
    PyError, PyResult, Value, ops,
    ops::settle,
    regex::{Flags, Match, Pattern},
    repr::to_text,
    text::{byte_offset, char_len, split_lines},
};

pub(super) static FILTERS: &[Filter] =
    &[Filter::jinja("wordwrap", "Wraps text to a width.", wordwrap)];

fn wordwrap(_cx: &mut dyn FilterContext, value: Value, args: CallArgs) -> PyResult<Value> {
    let [width, break_long, joiner, hyphens] = args.bind(
        "do_wordwrap",
        &["environment", "s"],
        &["width", "break_long_words", "wrapstring", "break_on_hyphens"],
        0,
    )?;
    width.as_ref().map(ops::operand).transpose()?;
    let width = width.as_ref().map_or(Ok(79), index)?;
    let joiner = match joiner.filter(|j| !j.is_none()) {
        Some(j) => to_text(&j)?,
        None => "\n".to_owned(),
    };
    let break_long = flag(break_long.as_ref(), true)?;
    let hyphens = flag(hyphens.as_ref(), true)?;
    let settled = settle(&value)?;
    if let Value::Bytes(bytes) = settled.as_ref() {
        // Its lines are bytes, too, where there are any.
        return match bytes.is_empty() {
            true => Ok(Value::str("")),
            false => Err(PyError::type_error("cannot use a string pattern on a bytes-like object")),
        };
    }
    let Value::Str(text) = settled.as_ref() else {
        return Err(ops::no_attribute(&settled, "splitlines"));
    };
    let paragraphs = split_lines(text, false);
    let width = match usize::try_from(width) {
        Ok(w) if w > 0 => w,
        _ if paragraphs.is_empty() => 1,
        _ => return Err(PyError::value_error(format!("invalid width {width} (must be > 0)"))),
    };
    let wrapped: Vec<String> =
        paragraphs.iter().map(|p| wrap(p, width, break_long, hyphens).join(&joiner)).collect();
    Ok(Value::Str(text.derive(wrapped.join(&joiner))))
}

/// ASCII white space, at which alone `textwrap` breaks.
fn is_space(c: char) -> bool {
    matches!(c, '\t' | '\n' | '\x0b' | '\x0c' | '\r' | ' ')
}

/// The pieces between which a line may be broken.
fn chunks(text: &str, hyphens: bool) -> Vec<String> {
    if !hyphens {
        let mut out: Vec<String> = Vec::new();
        for c in text.chars() {
            match out.last_mut() {
                Some(last) if last.starts_with(is_space) == is_space(c) => last.push(c),
                _ => out.push(c.to_string()),
            }
        }
        return out;
    }
    // White space; a dash between words; a word up to a hyphen between letters, the end, or a dash.
    static PIECE: LazyLock<Option<Arc<Pattern>>> = LazyLock::new(|| {
        let space = r"[\t\n\x0b\x0c\r ]";
        let word = r#"[\w!"'&.,?]"#;
        let letter = r"[^\d\W]";
        let pattern = format!(
            "{space}+|(?<={word})-{{2,}}(?=\\w)|[^\\t\\n\\x0b\\x0c\\r ]+?(?:-(?:(?<={letter}{{2}}-)|\
             (?<={letter}-{letter}-))(?={letter}-?{letter})|(?={space}|\\Z)|(?<={word})(?=-{{2,}}\\w))"
        );
        Pattern::new(&pattern, Flags::default()).ok()
    });
    let Some(piece) = PIECE.as_ref() else { return vec![text.to_owned()] };
    let mut out = Vec::new();
    let mut at = 0;
    for (start, end) in piece.find_all(text, None).unwrap_or_default().iter().map(Match::range) {
        if start > at {
            out.push(text[at..start].to_owned());
        }
        out.push(text[start..end].to_owned());
        at = end;
    }
    if at < text.len() {
        out.push(text[at..].to_owned());
    }
    out.retain(|c| !c.is_empty());
    out
}

fn is_blank(chunk: &str) -> bool {
    chunk.chars().all(crate::value::text::is_space)
}

fn wrap(text: &str, width: usize, break_long: bool, hyphens: bool) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    let mut left = chunks(text, hyphens);
    left.reverse();
    while !left.is_empty() {
        if !lines.is_empty() && left.last().is_some_and(|c| is_blank(c)) {
            left.pop();
        }
        let mut line: Vec<String> = Vec::new();
        let mut length = 0;
        while let Some(chunk) = left.pop_if(|c| length + char_len(c) <= width) {
            length += char_len(&chunk);
            line.push(chunk);
        }
        if left.last().is_some_and(|c| char_len(c) > width) {
            break_chunk(
                &mut left,
                &mut line,
                width - length.min(width),
                width,
                break_long,
                hyphens,
            );
        }
        if line.last().is_some_and(|c| is_blank(c)) {
            line.pop();
        }
        if !line.is_empty() {
            lines.push(line.concat());
        }
    }
    lines
}

/// Takes what fits of a piece that is longer than a line.
fn break_chunk(
    left: &mut Vec<String>,
    line: &mut Vec<String>,
    room: usize,
    width: usize,
    break_long: bool,
    hyphens: bool,
) {
    let room = if width < 1 { 1 } else { room };
    let Some(chunk) = left.pop() else { return };
    if break_long {
        let mut end = room;
        if hyphens && char_len(&chunk) > room {
            let head: Vec<char> = chunk.chars().take(room).collect();
            if let Some(at) = head.iter().rposition(|c| *c == '-')
                && at > 0
                && head[..at].iter().any(|c| *c != '-')
            {
                end = at + 1;
            }
        }
        let at = byte_offset(&chunk, end);
        line.push(chunk[..at].to_owned());
        left.push(chunk[at..].to_owned());
    } else if line.is_empty() {
        line.push(chunk);
    } else {
        left.push(chunk);
    }
}
