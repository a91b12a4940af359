//! Replacement texts: `\1`, `\g<name>`, escapes.

use super::{
    Error, Match, Pattern,
    parse::escape::simple,
    token::{Source, Token, group_number, is_name},
};
use crate::python::repr_str;

enum Piece {
    Text(Vec<u8>),
    Group(usize),
}

/// A parsed replacement text.
pub(super) struct Template(Vec<Piece>);

impl Template {
    /// Parses `text` for matches of `pattern`.
    ///
    /// # Errors
    /// As Python's `re` fails.
    pub(super) fn parse(text: &str, pattern: &Pattern) -> Result<Self, Error> {
        let is_text = pattern.program.is_text;
        let chars =
            if is_text { text.chars().collect() } else { text.bytes().map(char::from).collect() };
        let mut source = Source::new(chars, is_text)?;
        let mut template = Template(Vec::new());
        while let Some(token) = source.take()? {
            match token {
                Token::Plain(c) => template.push(c, is_text),
                Token::Escape('g') => {
                    let group = named(&mut source, pattern)?;
                    template.0.push(Piece::Group(group));
                }
                Token::Escape(c @ '0'..='9') => match number(&mut source, c, pattern)? {
                    Number::Character(c) => template.push(c, is_text),
                    Number::Group(group) => template.0.push(Piece::Group(group)),
                },
                Token::Escape(c) => match simple(c) {
                    Some(simple) => template.push(simple, is_text),
                    None if c.is_ascii_alphabetic() => {
                        return Err(source.error(&format!("bad escape \\{c}"), 2));
                    }
                    None => {
                        template.push('\\', is_text);
                        template.push(c, is_text);
                    }
                },
            }
        }
        Ok(template)
    }

    fn push(&mut self, c: char, is_text: bool) {
        if !matches!(self.0.last(), Some(Piece::Text(_))) {
            self.0.push(Piece::Text(Vec::new()));
        }
        if let Some(Piece::Text(text)) = self.0.last_mut() {
            if is_text {
                text.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes());
            } else {
                // Every character stands for a byte.
                text.push(c as u8);
            }
        }
    }

    /// Adds the replacement of `found` to `out`.
    pub(super) fn expand(&self, out: &mut Vec<u8>, text: &[u8], found: &Match) {
        for piece in &self.0 {
            match piece {
                Piece::Text(text) => out.extend_from_slice(text),
                Piece::Group(group) => {
                    if let Some((start, end)) = found.span(*group) {
                        out.extend_from_slice(&text[start..end]);
                    }
                }
            }
        }
    }
}

enum Number {
    Character(char),
    Group(usize),
}

/// `\0`, `\1`, `\123`
fn number(source: &mut Source, first: char, pattern: &Pattern) -> Result<Number, Error> {
    let mut digits = String::from(first);
    let character = |digits: &str| {
        // Three octal digits.
        let code = u32::from_str_radix(digits, 8).unwrap_or(0) & 0xff;
        Number::Character(char::from_u32(code).unwrap_or_default())
    };
    if first == '0' {
        source.digits(&mut digits, 2, 8)?;
        return Ok(character(&digits));
    }
    source.digits(&mut digits, 1, 10)?;
    let octal = digits.len() == 2 && digits.bytes().all(|digit| digit < b'8');
    if octal && source.next_digit(8).is_some() {
        source.digits(&mut digits, 1, 8)?;
        if first > '3' {
            let message = format!("octal escape value \\{digits} outside of range 0-0o377");
            return Err(source.error(&message, 4));
        }
        return Ok(character(&digits));
    }
    let group = digits.parse().unwrap_or(usize::MAX);
    known(source, group, digits.len(), pattern).map(Number::Group)
}

/// A group that the pattern has.
fn known(source: &Source, group: usize, back: usize, pattern: &Pattern) -> Result<usize, Error> {
    if group > pattern.groups() {
        return Err(source.error(&format!("invalid group reference {group}"), back));
    }
    Ok(group)
}

/// `\g<name>`, behind the letter.
fn named(source: &mut Source, pattern: &Pattern) -> Result<usize, Error> {
    if !source.accept('<')? {
        return Err(source.error("missing <", 0));
    }
    let name = source.name('>', "group name")?;
    if is_name(&name) {
        return pattern.group_index(&name).ok_or_else(|| Error {
            class: "IndexError",
            message: format!("unknown group name {}", repr_str(&name)),
        });
    }
    match group_number(&name) {
        Some(group) => known(source, group, name.chars().count() + 1, pattern),
        None => Err(source.name_error("bad character in group name", &name)),
    }
}
