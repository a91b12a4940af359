//! Replacement texts: `\1`, `\g<name>`, escapes.

use super::{Error, Match, Pattern, error};
use crate::python::repr_str;

enum Piece {
    Text(String),
    Group(usize),
}

/// A parsed replacement text.
pub(super) struct Template(Vec<Piece>);

impl Template {
    /// Parses `text` for matches of `pattern`.
    pub(super) fn parse(text: &str, pattern: &Pattern) -> Result<Self, Error> {
        let chars: Vec<char> = text.chars().collect();
        let mut pieces = Vec::new();
        let mut literal = String::new();
        let mut at = 0;
        while let Some(c) = chars.get(at) {
            if *c != '\\' {
                literal.push(*c);
                at += 1;
                continue;
            }
            let (piece, end) = escape(&chars, at, pattern)?;
            match piece {
                Piece::Text(t) => literal.push_str(&t),
                Piece::Group(n) => {
                    if !literal.is_empty() {
                        pieces.push(Piece::Text(std::mem::take(&mut literal)));
                    }
                    pieces.push(Piece::Group(n));
                }
            }
            at = end;
        }
        if !literal.is_empty() {
            pieces.push(Piece::Text(literal));
        }
        Ok(Self(pieces))
    }

    /// Adds the replacement of `found` to `out`.
    pub(super) fn expand(&self, out: &mut String, text: &str, found: &Match) {
        for piece in &self.0 {
            match piece {
                Piece::Text(t) => out.push_str(t),
                Piece::Group(n) => out.push_str(found.group(text, *n).unwrap_or("")),
            }
        }
    }
}

/// The escape at `at`, and where it ends.
fn escape(chars: &[char], at: usize, pattern: &Pattern) -> Result<(Piece, usize), Error> {
    let text = |t: char, end: usize| Ok((Piece::Text(t.to_string()), end));
    let Some(c) = chars.get(at + 1).copied() else {
        return Err(error(format!("bad escape (end of pattern) at position {at}")));
    };
    let digit = |i: usize| chars.get(i).and_then(|c| c.to_digit(10));
    let octal = |i: usize| chars.get(i).and_then(|c| c.to_digit(8));
    match c {
        'g' => named(chars, at, pattern),
        '0' => {
            let mut code = 0;
            let mut end = at + 2;
            while let (Some(d), true) = (octal(end), end < at + 4) {
                code = code * 8 + d;
                end += 1;
            }
            text(char::from_u32(code).unwrap_or('\u{fffd}'), end)
        }
        '1'..='9' => {
            if let (Some(a), Some(b), Some(d)) = (octal(at + 1), octal(at + 2), octal(at + 3)) {
                let code = a * 64 + b * 8 + d;
                if code > 0o377 {
                    return Err(error(format!(
                        "octal escape value \\{a}{b}{d} outside of range 0-0o377 at position {at}"
                    )));
                }
                return text(char::from_u32(code).unwrap_or('\u{fffd}'), at + 4);
            }
            let mut n = digit(at + 1).unwrap_or(0);
            let mut end = at + 2;
            if let Some(d) = digit(end) {
                n = n * 10 + d;
                end += 1;
            }
            let n = n as usize;
            if n > pattern.groups() {
                return Err(error(format!("invalid group reference {n} at position {}", at + 1)));
            }
            Ok((Piece::Group(n), end))
        }
        'a' => text('\x07', at + 2),
        'b' => text('\x08', at + 2),
        'f' => text('\x0c', at + 2),
        'n' => text('\n', at + 2),
        'r' => text('\r', at + 2),
        't' => text('\t', at + 2),
        'v' => text('\x0b', at + 2),
        '\\' => text('\\', at + 2),
        c if c.is_ascii_alphabetic() => Err(error(format!("bad escape \\{c} at position {at}"))),
        c => Ok((Piece::Text(format!("\\{c}")), at + 2)),
    }
}

fn named(chars: &[char], at: usize, pattern: &Pattern) -> Result<(Piece, usize), Error> {
    if chars.get(at + 2) != Some(&'<') {
        return Err(error(format!("missing < at position {}", at + 2)));
    }
    let start = at + 3;
    let Some(len) = chars[start..].iter().position(|c| *c == '>') else {
        return Err(error(if start == chars.len() {
            format!("missing group name at position {start}")
        } else {
            format!("missing >, unterminated name at position {start}")
        }));
    };
    let name: String = chars[start..start + len].iter().collect();
    let end = start + len + 1;
    if name.is_empty() {
        return Err(error(format!("missing group name at position {start}")));
    }
    if let Ok(n) = name.parse::<usize>() {
        return if n > pattern.groups() {
            Err(error(format!("invalid group reference {n} at position {start}")))
        } else {
            Ok((Piece::Group(n), end))
        };
    }
    if !super::translate::is_name(&name) {
        return Err(error(format!(
            "bad character in group name {} at position {start}",
            repr_str(&name)
        )));
    }
    match pattern.group_index(&name) {
        Some(n) => Ok((Piece::Group(n), end)),
        None => Err(Error {
            class: "IndexError",
            message: format!("unknown group name {}", repr_str(&name)),
        }),
    }
}
