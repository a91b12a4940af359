//! Escapes and sets.

use super::Parser;
use crate::regex::{
    Error,
    token::Token,
    tree::{Category, Kind, Member, Node, Place},
};

/// `\d` and its kin.
fn category(c: char) -> Option<Category> {
    let kind = match c.to_ascii_lowercase() {
        'd' => Kind::Digit,
        's' => Kind::Space,
        'w' => Kind::Word,
        _ => return None,
    };
    Some(Category { kind, not: c.is_ascii_uppercase() })
}

/// Escapes that mean a character, in patterns and in replacement texts.
pub(in crate::regex) fn simple(c: char) -> Option<char> {
    Some(match c {
        'a' => '\x07',
        'b' => '\x08',
        'f' => '\x0c',
        'n' => '\n',
        'r' => '\r',
        't' => '\t',
        'v' => '\x0b',
        '\\' => '\\',
        _ => return None,
    })
}

impl Parser {
    /// An escape outside of sets.
    pub(super) fn escape(&mut self, c: char) -> Result<Node, Error> {
        if let Some(category) = category(c) {
            return Ok(Node::Set { negated: false, members: vec![Member::Category(category)] });
        }
        match c {
            'A' => Ok(Node::Place(Place::TextBeginning)),
            'Z' => Ok(Node::Place(Place::TextEnd)),
            'b' => Ok(Node::Place(Place::Boundary)),
            'B' => Ok(Node::Place(Place::NoBoundary)),
            '0' => {
                let mut digits = String::from("0");
                self.source.digits(&mut digits, 2, 8)?;
                Ok(Node::Character(u32::from_str_radix(&digits, 8).unwrap_or(0)))
            }
            '1'..='9' => self.reference(c),
            c => self.character(c).map(Node::Character),
        }
    }

    /// `\1`, or an octal number of three digits.
    fn reference(&mut self, first: char) -> Result<Node, Error> {
        let mut digits = String::from(first);
        self.source.digits(&mut digits, 1, 10)?;
        let octal = digits.len() == 2 && digits.bytes().all(|d| d < b'8');
        if octal && self.source.next_digit(8).is_some() {
            self.source.digits(&mut digits, 1, 8)?;
            return self.octal(&digits).map(Node::Character);
        }
        let group = digits.parse().unwrap_or(usize::MAX);
        if group >= self.widths.len() {
            let message = format!("invalid group reference {group}");
            return Err(self.source.error(&message, digits.len()));
        }
        if !self.is_closed(group) {
            return Err(self.source.error("cannot refer to an open group", digits.len() + 1));
        }
        self.check_behind(group)?;
        Ok(Node::Reference(group))
    }

    fn octal(&self, digits: &str) -> Result<u32, Error> {
        let code = u32::from_str_radix(digits, 8).unwrap_or(u32::MAX);
        if code > 0o377 {
            let message = format!("octal escape value \\{digits} outside of range 0-0o377");
            return Err(self.source.error(&message, digits.len() + 1));
        }
        Ok(code)
    }

    /// The character that an escape means in sets and outside.
    fn character(&mut self, c: char) -> Result<u32, Error> {
        if let Some(simple) = simple(c) {
            return Ok(u32::from(simple));
        }
        let is_text = self.source.is_text;
        match c {
            'x' => self.hexadecimal(c, 2),
            'u' if is_text => self.hexadecimal(c, 4),
            'U' if is_text => self.hexadecimal(c, 8),
            'N' if is_text => {
                if !self.source.accept('{')? {
                    return Err(self.source.error("missing {", 0));
                }
                let name = self.source.name('}', "character name")?;
                let back = name.chars().count() + 4;
                let message = format!("characters by name (\\N{{{name}}}) are not supported");
                Err(self.source.error(&message, back))
            }
            c if c.is_ascii_alphabetic() => Err(self.source.error(&format!("bad escape \\{c}"), 2)),
            c => Ok(u32::from(c)),
        }
    }

    fn hexadecimal(&mut self, c: char, length: usize) -> Result<u32, Error> {
        let mut digits = String::new();
        self.source.digits(&mut digits, length, 16)?;
        let back = digits.len() + 2;
        if digits.len() < length {
            let message = format!("incomplete escape \\{c}{digits}");
            return Err(self.source.error(&message, back));
        }
        match u32::from_str_radix(&digits, 16) {
            Ok(code) if code <= 0x10_ffff => Ok(code),
            _ => Err(self.source.error(&format!("bad escape \\{c}{digits}"), back)),
        }
    }

    /// `[…]`
    pub(super) fn set(&mut self) -> Result<Node, Error> {
        let here = self.source.tell() - 1;
        let mut members: Vec<Member> = Vec::new();
        let negated = self.source.accept('^')?;
        loop {
            let first = self.set_token(here)?;
            if first == Token::Plain(']') && !members.is_empty() {
                break;
            }
            let low = self.member(first)?;
            if !self.source.accept('-')? {
                members.push(low);
                continue;
            }
            let second = self.set_token(here)?;
            if second == Token::Plain(']') {
                members.extend([low, Member::Character(u32::from('-'))]);
                break;
            }
            match (low, self.member(second)?) {
                (Member::Character(low), Member::Character(high)) if low <= high => {
                    members.push(Member::Range(low, high));
                }
                _ => {
                    let shown = format!("{}-{}", first.text(), second.text());
                    let back = first.len() + 1 + second.len();
                    return Err(self.source.error(&format!("bad character range {shown}"), back));
                }
            }
        }
        Ok(match members.as_slice() {
            [Member::Character(c), rest @ ..] if rest.iter().all(|m| *m == members[0]) => {
                if negated { Node::NotCharacter(*c) } else { Node::Character(*c) }
            }
            _ => Node::Set { negated, members },
        })
    }

    fn set_token(&mut self, here: usize) -> Result<Token, Error> {
        let token = self.source.take()?;
        token.ok_or_else(|| {
            let back = self.source.tell() - here;
            self.source.error("unterminated character set", back)
        })
    }

    fn member(&mut self, token: Token) -> Result<Member, Error> {
        let c = match token {
            Token::Plain(c) => return Ok(Member::Character(u32::from(c))),
            Token::Escape(c) => c,
        };
        if let Some(category) = category(c) {
            return Ok(Member::Category(category));
        }
        match c {
            '0'..='7' => {
                let mut digits = String::from(c);
                self.source.digits(&mut digits, 2, 8)?;
                self.octal(&digits).map(Member::Character)
            }
            '8' | '9' => Err(self.source.error(&format!("bad escape \\{c}"), 2)),
            c => self.character(c).map(Member::Character),
        }
    }
}
