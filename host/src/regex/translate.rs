//! Patterns of `re`, rewritten in the syntax of `fancy_regex`.

use std::collections::HashMap;

use super::{Error, Flags, error};
use crate::python::repr_str;

/// A translated pattern.
pub(super) struct Translated {
    /// Flags for the whole, `(?im)`.
    pub(super) prefix: String,
    pub(super) body: String,
    pub(super) names: HashMap<String, usize>,
    pub(super) groups: usize,
    /// `re.M` for the whole.
    pub(super) multiline: bool,
}

/// Whether `name` can name a group.
pub(super) fn is_name(name: &str) -> bool {
    let mut chars = name.chars();
    chars.next().is_some_and(|c| c == '_' || c.is_alphabetic())
        && chars.all(|c| c == '_' || c.is_alphanumeric())
}

/// Translates `pattern`; fails as `re.compile` does.
pub(super) fn translate(pattern: &str, flags: Flags) -> Result<Translated, Error> {
    let mut t = Translator {
        chars: pattern.chars().collect(),
        at: 0,
        out: String::with_capacity(pattern.len() + 8),
        names: HashMap::new(),
        groups: 0,
        open: Vec::new(),
        modes: vec![Mode {
            multiline: flags.multiline,
            verbose: flags.verbose,
            ascii: flags.bytes,
            both_cases: flags.bytes && flags.ignore_case,
        }],
        flags,
        repeatable: Repeat::Nothing,
    };
    t.leading_flags()?;
    t.run()?;
    let mut letters = String::new();
    let ignore_case = t.flags.ignore_case && !t.flags.bytes;
    for (on, letter) in [(ignore_case, 'i'), (t.flags.multiline, 'm'), (t.flags.dot_all, 's')] {
        if on {
            letters.push(letter);
        }
    }
    let prefix = if letters.is_empty() { String::new() } else { format!("(?{letters})") };
    Ok(Translated {
        prefix,
        body: t.out,
        names: t.names,
        groups: t.groups,
        multiline: t.flags.multiline,
    })
}

/// Flags that change how the translation itself goes.
#[derive(Clone, Copy)]
struct Mode {
    multiline: bool,
    verbose: bool,
    ascii: bool,
    /// Letters of ASCII are written in both cases: the engine's own flag would fold all of Latin-1.
    both_cases: bool,
}

/// What a quantifier would follow.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Repeat {
    Nothing,
    Item,
    Repeated,
}

struct Translator {
    chars: Vec<char>,
    at: usize,
    out: String,
    names: HashMap<String, usize>,
    groups: usize,
    /// Where each open group began.
    open: Vec<usize>,
    modes: Vec<Mode>,
    flags: Flags,
    repeatable: Repeat,
}

impl Translator {
    fn peek(&self, ahead: usize) -> Option<char> {
        self.chars.get(self.at + ahead).copied()
    }

    fn mode(&self) -> Mode {
        // There is always the mode of the whole pattern.
        self.modes.last().copied().unwrap_or(Mode {
            multiline: false,
            verbose: false,
            ascii: false,
            both_cases: false,
        })
    }

    /// `(?im)` at the very start.
    fn leading_flags(&mut self) -> Result<(), Error> {
        while self.chars[self.at..].starts_with(&['(', '?']) {
            let letters: String =
                self.chars[self.at + 2..].iter().take_while(|c| c.is_ascii_alphabetic()).collect();
            let end = self.at + 2 + letters.len();
            if letters.is_empty()
                || self.chars.get(end) != Some(&')')
                || !letters.chars().all(|c| "aiLmsux".contains(c))
            {
                return Ok(());
            }
            for letter in letters.chars() {
                match letter {
                    'i' => self.flags.ignore_case = true,
                    'm' => self.flags.multiline = true,
                    's' => self.flags.dot_all = true,
                    'x' => self.flags.verbose = true,
                    'a' => self.modes[0].ascii = true,
                    'L' if !self.flags.bytes => {
                        return Err(error(format!(
                            "bad inline flags: cannot use 'L' flag with a str pattern at position {}",
                            end - 1
                        )));
                    }
                    'u' if self.flags.bytes => {
                        return Err(error(format!(
                            "bad inline flags: cannot use 'u' flag with a bytes pattern at position {}",
                            end - 1
                        )));
                    }
                    _ => {}
                }
            }
            self.modes[0].both_cases = self.flags.bytes && self.flags.ignore_case;
            self.modes[0].multiline = self.flags.multiline;
            self.modes[0].verbose = self.flags.verbose;
            self.at = end + 1;
        }
        Ok(())
    }

    fn run(&mut self) -> Result<(), Error> {
        while let Some(c) = self.peek(0) {
            let mode = self.mode();
            if mode.verbose && c.is_whitespace() {
                self.at += 1;
                continue;
            }
            if mode.verbose && c == '#' {
                while self.peek(0).is_some_and(|c| c != '\n') {
                    self.at += 1;
                }
                continue;
            }
            match c {
                '\\' => self.escape()?,
                '[' => self.class()?,
                '(' => self.group()?,
                ')' => self.close()?,
                '*' | '+' | '?' => self.quantifier(1)?,
                '{' => match self.counted() {
                    Some((len, text)) => self.count(len, &text)?,
                    None => self.item("\\{", 1),
                },
                '^' => {
                    self.out.push('^');
                    self.at += 1;
                    self.repeatable = Repeat::Item;
                }
                '$' => {
                    let text = if mode.multiline { "$" } else { "(?=\\n?\\z)" };
                    self.item(text, 1);
                }
                '|' => {
                    self.out.push('|');
                    self.at += 1;
                    self.repeatable = Repeat::Nothing;
                }
                '.' => self.item(".", 1),
                c => {
                    let literal = self.literal(c);
                    self.item(&literal, 1);
                }
            }
        }
        match self.open.last() {
            Some(at) => Err(error(format!("missing ), unterminated subpattern at position {at}"))),
            None => Ok(()),
        }
    }

    /// A character outside a class, in both cases where that is how case is ignored.
    fn literal(&self, c: char) -> String {
        match self.mode().both_cases.then(|| other_case(c)).flatten() {
            Some(other) => format!("[{c}{other}]"),
            None => literal(c),
        }
    }

    /// Writes one item for `len` characters of the pattern.
    fn item(&mut self, text: &str, len: usize) {
        self.out.push_str(text);
        self.at += len;
        self.repeatable = Repeat::Item;
    }

    fn quantifier(&mut self, len: usize) -> Result<(), Error> {
        let text: String = self.chars[self.at..self.at + len].iter().collect();
        self.count(len, &text)
    }

    /// A quantifier of `len` characters, written as `text`; then `?` or `+`.
    fn count(&mut self, len: usize, text: &str) -> Result<(), Error> {
        match self.repeatable {
            Repeat::Nothing => {
                return Err(error(format!("nothing to repeat at position {}", self.at)));
            }
            Repeat::Repeated => {
                return Err(error(format!("multiple repeat at position {}", self.at)));
            }
            Repeat::Item => {}
        }
        self.out.push_str(text);
        self.at += len;
        if let Some(c @ ('?' | '+')) = self.peek(0) {
            self.out.push(c);
            self.at += 1;
        }
        self.repeatable = Repeat::Repeated;
        Ok(())
    }

    /// `{n,m}` here, and how it is written there; `None` where the brace is an ordinary character.
    fn counted(&self) -> Option<(usize, String)> {
        let rest = &self.chars[self.at + 1..];
        let close = rest.iter().position(|c| *c == '}')?;
        let body: String = rest[..close].iter().collect();
        let (low, high) = match body.split_once(',') {
            Some((low, high)) => (low, Some(high)),
            None => (body.as_str(), None),
        };
        let digits = |t: &str| t.bytes().all(|b| b.is_ascii_digit());
        if !digits(low) || !high.is_none_or(digits) || (low.is_empty() && high.is_none()) {
            return None;
        }
        if low.is_empty() && high == Some("") {
            return None;
        }
        let low = if low.is_empty() { "0" } else { low };
        let text = match high {
            None => format!("{{{low}}}"),
            Some(high) => format!("{{{low},{high}}}"),
        };
        Some((close + 2, text))
    }

    fn close(&mut self) -> Result<(), Error> {
        if self.open.pop().is_none() {
            return Err(error(format!("unbalanced parenthesis at position {}", self.at)));
        }
        self.modes.pop();
        self.item(")", 1);
        Ok(())
    }

    fn enter(&mut self, text: &str, len: usize) {
        self.open.push(self.at);
        self.modes.push(self.mode());
        self.out.push_str(text);
        self.at += len;
        self.repeatable = Repeat::Nothing;
    }

    fn group(&mut self) -> Result<(), Error> {
        if self.peek(1) != Some('?') {
            self.groups += 1;
            self.enter("(", 1);
            return Ok(());
        }
        let unknown = |end: usize, t: &Self| {
            let shown: String = t.chars[t.at + 1..t.chars.len().min(end)].iter().collect();
            error(format!("unknown extension {shown} at position {}", t.at + 1))
        };
        match (self.peek(2), self.peek(3)) {
            (None, _) => Err(error("unexpected end of pattern at position 2")),
            (Some(':'), _) => {
                self.enter("(?:", 3);
                Ok(())
            }
            (Some(c @ ('=' | '!' | '>')), _) => {
                self.enter(&format!("(?{c}"), 3);
                Ok(())
            }
            (Some('<'), Some(c @ ('=' | '!'))) => {
                self.enter(&format!("(?<{c}"), 4);
                Ok(())
            }
            (Some('<'), _) => Err(unknown(self.at + 4, self)),
            (Some('#'), _) => {
                let rest = &self.chars[self.at..];
                match rest.iter().position(|c| *c == ')') {
                    Some(len) => {
                        self.at += len + 1;
                        Ok(())
                    }
                    None => Err(error(format!(
                        "missing ), unterminated comment at position {}",
                        self.at
                    ))),
                }
            }
            (Some('P'), Some('<')) => self.named(),
            (Some('P'), Some('=')) => {
                let (name, end) = self.name(self.at + 4, ')')?;
                if !self.names.contains_key(&name) {
                    return Err(error(format!(
                        "unknown group name {} at position {}",
                        repr_str(&name),
                        self.at + 4
                    )));
                }
                let len = end - self.at;
                self.item(&format!("(?P={name})"), len);
                Ok(())
            }
            (Some('P'), _) => Err(unknown(self.at + 4, self)),
            (Some('('), _) => self.conditional(),
            (Some(c), _) if "aiLmsux-".contains(c) => self.inline_flags(),
            _ => Err(unknown(self.at + 3, self)),
        }
    }

    /// The name from `start` to `close`, and where it ends.
    fn name(&self, start: usize, close: char) -> Result<(String, usize), Error> {
        let Some(len) = self.chars[start.min(self.chars.len())..].iter().position(|c| *c == close)
        else {
            return Err(error(if start >= self.chars.len() {
                format!("missing group name at position {start}")
            } else {
                format!("missing {close}, unterminated name at position {start}")
            }));
        };
        let name: String = self.chars[start..start + len].iter().collect();
        if name.is_empty() {
            return Err(error(format!("missing group name at position {start}")));
        }
        // Conditions may name a group by its number.
        let is_number = close == ')' && name.bytes().all(|b| b.is_ascii_digit());
        if !is_name(&name) && !is_number {
            return Err(error(format!(
                "bad character in group name {} at position {start}",
                repr_str(&name)
            )));
        }
        Ok((name, start + len + 1))
    }

    fn named(&mut self) -> Result<(), Error> {
        let (name, end) = self.name(self.at + 4, '>')?;
        self.groups += 1;
        if let Some(n) = self.names.get(&name) {
            return Err(error(format!(
                "redefinition of group name {} as group {}; was group {n} at position {}",
                repr_str(&name),
                self.groups,
                self.at + 4
            )));
        }
        self.names.insert(name.clone(), self.groups);
        let len = end - self.at;
        self.enter(&format!("(?P<{name}>"), len);
        Ok(())
    }

    /// `(?(1)yes|no)`.
    fn conditional(&mut self) -> Result<(), Error> {
        let start = self.at + 3;
        let (name, end) = self.name(start, ')')?;
        let known = match name.parse::<usize>() {
            Ok(n) if n == 0 || n > self.groups => {
                return Err(error(format!("invalid group reference {n} at position {start}")));
            }
            Ok(_) => true,
            Err(_) => self.names.contains_key(&name),
        };
        if !known {
            return Err(error(format!(
                "unknown group name {} at position {start}",
                repr_str(&name)
            )));
        }
        let reference = self.names.get(&name).map_or(name.clone(), usize::to_string);
        let len = end - self.at;
        self.enter(&format!("(?({reference})"), len);
        Ok(())
    }

    /// `(?i:…)`; flags for the whole may stand at the start only.
    fn inline_flags(&mut self) -> Result<(), Error> {
        let letters: String =
            self.chars[self.at + 2..].iter().take_while(|c| "aiLmsux-".contains(**c)).collect();
        let end = self.at + 2 + letters.len();
        match self.chars.get(end) {
            Some(')') => Err(error(format!(
                "global flags not at the start of the expression at position {}",
                self.at
            ))),
            Some(':') => {
                let len = end + 1 - self.at;
                let (on, off) = letters.split_once('-').unwrap_or((&letters, ""));
                let passed = if self.flags.bytes { "ms" } else { "ims" };
                let known = |t: &str| t.chars().filter(|c| passed.contains(*c)).collect::<String>();
                let bytes = self.flags.bytes;
                let (written_on, written_off) = (known(on), known(off));
                let dash = if written_off.is_empty() { "" } else { "-" };
                self.enter(&format!("(?{written_on}{dash}{written_off}:"), len);
                if let Some(mode) = self.modes.last_mut() {
                    mode.multiline = mode.multiline && !off.contains('m') || on.contains('m');
                    mode.verbose = mode.verbose && !off.contains('x') || on.contains('x');
                    mode.ascii = mode.ascii && !on.contains('u') || on.contains('a');
                    mode.both_cases =
                        bytes && (mode.both_cases && !off.contains('i') || on.contains('i'));
                }
                Ok(())
            }
            Some(c) if c.is_ascii_alphabetic() => {
                Err(error(format!("unknown flag at position {end}")))
            }
            _ => Err(error(format!("missing -, : or ) at position {end}"))),
        }
    }

    fn escape(&mut self) -> Result<(), Error> {
        let Some(c) = self.peek(1) else {
            return Err(error(format!("bad escape (end of pattern) at position {}", self.at)));
        };
        match c {
            'b' | 'B' if self.mode().ascii => self.item(word_boundary(c), 2),
            'A' | 'b' | 'B' => {
                let text = format!("\\{c}");
                self.item(&text, 2);
            }
            'Z' => self.item("\\z", 2),
            'd' | 'D' | 's' | 'S' | 'w' | 'W' => {
                let text = shorthand(c, self.mode().ascii, false);
                self.item(&text, 2);
            }
            '1'..='9' => self.back_reference()?,
            _ => {
                let (code, end) = self.character()?;
                let len = end - self.at;
                let text = self.literal(code);
                self.item(&text, len);
            }
        }
        Ok(())
    }

    fn back_reference(&mut self) -> Result<(), Error> {
        let digit = |i: usize, radix| self.peek(i).and_then(|c| c.to_digit(radix));
        if let (Some(a), Some(b), Some(c)) = (digit(1, 8), digit(2, 8), digit(3, 8)) {
            let code = char::from_u32(a * 64 + b * 8 + c).unwrap_or('\u{fffd}');
            let text = self.literal(code);
            self.item(&text, 4);
            return Ok(());
        }
        let mut n = digit(1, 10).unwrap_or(0);
        let mut len = 2;
        if let Some(d) = digit(2, 10) {
            n = n * 10 + d;
            len = 3;
        }
        let n = n as usize;
        if n > self.groups {
            return Err(error(format!("invalid group reference {n} at position {}", self.at + 1)));
        }
        // In a group of its own, so that a digit behind it stays a digit.
        self.item(&format!("(?:\\{n})"), len);
        Ok(())
    }

    /// The character that the escape at `at` means, and where it ends.
    fn character(&self) -> Result<(char, usize), Error> {
        let at = self.at;
        // The caller saw a character after the backslash.
        let c = self.peek(1).unwrap_or('\\');
        let simple = |c: char| Ok((c, at + 2));
        match c {
            'a' => simple('\x07'),
            'f' => simple('\x0c'),
            'n' => simple('\n'),
            'r' => simple('\r'),
            't' => simple('\t'),
            'v' => simple('\x0b'),
            'x' => self.hex(2),
            'u' if !self.flags.bytes => self.hex(4),
            'U' if !self.flags.bytes => self.hex(8),
            '0' => {
                let mut code = 0;
                let mut end = at + 2;
                while let Some(d) = self.chars.get(end).and_then(|c| c.to_digit(8)) {
                    if end >= at + 4 {
                        break;
                    }
                    code = code * 8 + d;
                    end += 1;
                }
                Ok((char::from_u32(code).unwrap_or('\u{fffd}'), end))
            }
            c if c.is_ascii_alphabetic() => {
                Err(error(format!("bad escape \\{c} at position {at}")))
            }
            c => simple(c),
        }
    }

    fn hex(&self, digits: usize) -> Result<(char, usize), Error> {
        let start = self.at + 2;
        let text: String =
            self.chars[start..].iter().take(digits).take_while(|c| c.is_ascii_hexdigit()).collect();
        if text.len() < digits {
            let kind = self.peek(1).unwrap_or('x');
            return Err(error(format!("incomplete escape \\{kind}{text} at position {}", self.at)));
        }
        let code = u32::from_str_radix(&text, 16).unwrap_or(0);
        Ok((char::from_u32(code).unwrap_or('\u{fffd}'), start + digits))
    }

    /// `[…]`.
    fn class(&mut self) -> Result<(), Error> {
        let start = self.at;
        let unterminated = || error(format!("unterminated character set at position {start}"));
        let mut text = String::from("[");
        self.at += 1;
        if self.peek(0) == Some('^') {
            text.push('^');
            self.at += 1;
        }
        let first = self.at;
        loop {
            let from = self.at;
            let c = self.peek(0).ok_or_else(unterminated)?;
            if c == ']' && from > first {
                break;
            }
            let low = self.class_item(&mut text)?;
            let is_range = self.peek(0) == Some('-') && self.peek(1).is_some_and(|c| c != ']');
            if !is_range {
                if let Some(c) = low {
                    text.push_str(&class_literal(c));
                    if self.mode().both_cases {
                        text.extend(other_case(c));
                    }
                }
                continue;
            }
            self.at += 1;
            let mut shorthand = String::new();
            let high = self.class_item(&mut shorthand)?;
            let (Some(low), Some(high)) = (low, high) else {
                return Err(self.bad_range(from));
            };
            if low > high {
                return Err(self.bad_range(from));
            }
            text.push_str(&format!("{}-{}", class_literal(low), class_literal(high)));
            if self.mode().both_cases {
                text.extend((low..=high).take_while(char::is_ascii).filter_map(other_case));
            }
        }
        text.push(']');
        self.item(&text, 1);
        Ok(())
    }

    fn bad_range(&self, from: usize) -> Error {
        let shown: String = self.chars[from..self.at].iter().collect();
        error(format!("bad character range {shown} at position {from}"))
    }

    /// One member of a class: its character, or `None` for a shorthand, which is written to `text`.
    fn class_item(&mut self, text: &mut String) -> Result<Option<char>, Error> {
        let Some(c) = self.peek(0) else { return Ok(None) };
        if c != '\\' {
            self.at += 1;
            return Ok(Some(c));
        }
        match self.peek(1) {
            None => Err(error(format!("bad escape (end of pattern) at position {}", self.at))),
            Some(c @ ('d' | 'D' | 's' | 'S' | 'w' | 'W')) => {
                text.push_str(&shorthand(c, self.mode().ascii, true));
                self.at += 2;
                Ok(None)
            }
            Some('b') => {
                self.at += 2;
                Ok(Some('\x08'))
            }
            Some('1'..='7') => {
                let mut code = 0;
                let mut end = self.at + 1;
                while let Some(d) = self.chars.get(end).and_then(|c| c.to_digit(8)) {
                    if end > self.at + 3 {
                        break;
                    }
                    code = code * 8 + d;
                    end += 1;
                }
                self.at = end;
                Ok(char::from_u32(code))
            }
            Some(_) => {
                let (c, end) = self.character()?;
                self.at = end;
                Ok(Some(c))
            }
        }
    }
}

/// `\b` and `\B` where only ASCII's letters make words.
fn word_boundary(c: char) -> &'static str {
    match c {
        'b' => "(?:(?<=[a-zA-Z0-9_])(?![a-zA-Z0-9_])|(?<![a-zA-Z0-9_])(?=[a-zA-Z0-9_]))",
        _ => "(?:(?<=[a-zA-Z0-9_])(?=[a-zA-Z0-9_])|(?<![a-zA-Z0-9_])(?![a-zA-Z0-9_]))",
    }
}

/// The other case of a letter of ASCII.
fn other_case(c: char) -> Option<char> {
    match c {
        'a'..='z' => Some(c.to_ascii_uppercase()),
        'A'..='Z' => Some(c.to_ascii_lowercase()),
        _ => None,
    }
}

/// `\d` and its kin.
fn shorthand(c: char, ascii: bool, in_class: bool) -> String {
    if !ascii {
        return format!("\\{c}");
    }
    let members = match c.to_ascii_lowercase() {
        'd' => "0-9",
        's' => " \\t\\n\\r\\x0b\\x0c",
        _ => "a-zA-Z0-9_",
    };
    match (c.is_ascii_uppercase(), in_class) {
        (false, true) => members.to_owned(),
        (false, false) => format!("[{members}]"),
        (true, _) => format!("[^{members}]"),
    }
}

/// A character outside a class.
fn literal(c: char) -> String {
    match c {
        '\\' | '.' | '+' | '*' | '?' | '(' | ')' | '|' | '[' | ']' | '{' | '}' | '^' | '$'
        | '#' | '&' | '-' | '~' => format!("\\{c}"),
        c if c.is_control() || c == ' ' => format!("\\x{{{:x}}}", u32::from(c)),
        c => c.to_string(),
    }
}

/// A character inside a class, where the other syntax knows more operators.
fn class_literal(c: char) -> String {
    match c {
        '\\' | '[' | ']' | '^' | '-' | '&' | '~' => format!("\\{c}"),
        c if c.is_control() || c == ' ' => format!("\\x{{{:x}}}", u32::from(c)),
        c => c.to_string(),
    }
}
