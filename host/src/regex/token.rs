//! Patterns and replacement texts, a character or an escape at a time.

use super::{Error, failure, unicode};
use crate::python::repr_str;

/// A character, or a backslash with the one behind it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Token {
    Plain(char),
    Escape(char),
}

impl Token {
    /// How it is written.
    pub(super) fn text(self) -> String {
        match self {
            Token::Plain(c) => c.to_string(),
            Token::Escape(c) => format!("\\{c}"),
        }
    }

    pub(super) fn len(self) -> usize {
        match self {
            Token::Plain(_) => 1,
            Token::Escape(_) => 2,
        }
    }
}

/// Reads tokens, always one ahead: a lone backslash at the end is found as soon as what is before it is taken.
pub(super) struct Source {
    pub(super) chars: Vec<char>,
    /// Whether it is `str`, not `bytes`.
    pub(super) is_text: bool,
    after: usize,
    pub(super) next: Option<Token>,
}

impl Source {
    pub(super) fn new(chars: Vec<char>, is_text: bool) -> Result<Self, Error> {
        let mut source = Self { chars, is_text, after: 0, next: None };
        source.advance()?;
        Ok(source)
    }

    fn advance(&mut self) -> Result<(), Error> {
        self.next = match self.chars.get(self.after) {
            None => None,
            Some('\\') => match self.chars.get(self.after + 1) {
                Some(c) => Some(Token::Escape(*c)),
                None => {
                    return Err(self.error_at("bad escape (end of pattern)", self.chars.len() - 1));
                }
            },
            Some(c) => Some(Token::Plain(*c)),
        };
        self.after += self.next.map_or(0, Token::len);
        Ok(())
    }

    /// Where the next token begins.
    pub(super) fn tell(&self) -> usize {
        self.after - self.next.map_or(0, Token::len)
    }

    /// Goes back to where a token begins.
    pub(super) fn seek(&mut self, at: usize) -> Result<(), Error> {
        self.after = at;
        self.advance()
    }

    pub(super) fn take(&mut self) -> Result<Option<Token>, Error> {
        let token = self.next;
        self.advance()?;
        Ok(token)
    }

    /// Takes `c` if it is next.
    pub(super) fn accept(&mut self, c: char) -> Result<bool, Error> {
        let found = self.next == Some(Token::Plain(c));
        if found {
            self.advance()?;
        }
        Ok(found)
    }

    /// The next character, if it is a digit.
    pub(super) fn next_digit(&self, radix: u32) -> Option<u32> {
        match self.next {
            Some(Token::Plain(c)) => c.to_digit(radix),
            _ => None,
        }
    }

    /// Adds up to `most` digits to `text`.
    pub(super) fn digits(
        &mut self,
        text: &mut String,
        most: usize,
        radix: u32,
    ) -> Result<(), Error> {
        for _ in 0..most {
            let Some(Token::Plain(c)) = self.next.filter(|_| self.next_digit(radix).is_some())
            else {
                break;
            };
            text.push(c);
            self.advance()?;
        }
        Ok(())
    }

    /// The name of `what` up to `end`.
    pub(super) fn name(&mut self, end: char, what: &str) -> Result<String, Error> {
        let mut name = String::new();
        loop {
            let token = self.take()?;
            match token {
                None if name.is_empty() => return Err(self.error(&format!("missing {what}"), 0)),
                None => {
                    let length = name.chars().count();
                    return Err(self.error(&format!("missing {end}, unterminated name"), length));
                }
                Some(Token::Plain(c)) if c == end => {
                    return if name.is_empty() {
                        Err(self.error(&format!("missing {what}"), 1))
                    } else {
                        Ok(name)
                    };
                }
                Some(token) => name.push_str(&token.text()),
            }
        }
    }

    /// A mistake `back` characters before the next token.
    pub(super) fn error(&self, message: &str, back: usize) -> Error {
        self.error_at(message, self.tell().saturating_sub(back))
    }

    /// A mistake at a character.
    pub(super) fn error_at(&self, message: &str, at: usize) -> Error {
        let mut shown: String = if self.is_text {
            message.to_owned()
        } else {
            let byte = |c: char| match c {
                c if c.is_ascii() => c.to_string(),
                c => format!("\\x{:02x}", u32::from(c)),
            };
            message.chars().map(byte).collect()
        };
        shown.push_str(&format!(" at position {at}"));
        if self.chars.contains(&'\n') {
            let before = &self.chars[..at.min(self.chars.len())];
            let lines = before.iter().filter(|c| **c == '\n').count();
            let start = before.iter().rposition(|c| *c == '\n').map_or(0, |newline| newline + 1);
            shown.push_str(&format!(" (line {}, column {})", lines + 1, at + 1 - start));
        }
        failure(shown)
    }

    /// A mistake in a name that was just read, with the token that ended it.
    pub(super) fn name_error(&self, what: &str, name: &str) -> Error {
        self.error(&format!("{what} {}", repr_str(name)), name.chars().count() + 1)
    }
}

/// Whether `name` can name a group.
pub(super) fn is_name(name: &str) -> bool {
    let mut chars = name.chars();
    chars.next().is_some_and(|c| c == '_' || c.is_alphabetic())
        && chars.all(|c| c == '_' || c.is_alphanumeric())
}

/// A group's number, as Python's `int` reads it; `None` if it is none or negative.
pub(super) fn group_number(text: &str) -> Option<usize> {
    let space = |c: char| c.is_whitespace() || ('\x1c'..='\x1f').contains(&c);
    let text = text.trim_matches(space);
    let (negative, digits) = match text.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, text.strip_prefix('+').unwrap_or(text)),
    };
    let mut number = 0_usize;
    let mut ready = false;
    for c in digits.chars() {
        match (unicode::digit(u32::from(c)), c) {
            (Some(digit), _) => {
                number = number.saturating_mul(10).saturating_add(digit as usize);
                ready = true;
            }
            // One between two digits.
            (None, '_') if ready => ready = false,
            _ => return None,
        }
    }
    (ready && !(negative && number > 0)).then_some(number)
}
