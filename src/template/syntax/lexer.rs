//! Splitting a template into raw tokens, as `jinja2.lexer.Lexer.tokeniter` does.
//!
//! Ansible itself looks at these tokens (whether a text is a template, which backslashes to
//! double), so their exact extent matters, white space eaten by tags included.

use super::{Syntax, SyntaxError};
use crate::value::text::is_space;

/// What a raw token is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Raw {
    Data,
    VariableBegin,
    VariableEnd,
    BlockBegin,
    BlockEnd,
    LineBegin,
    LineEnd,
    CommentBegin,
    Comment,
    CommentEnd,
    LineCommentBegin,
    LineComment,
    VerbatimBegin,
    VerbatimEnd,
    Space,
    Float,
    Integer,
    Name,
    Str,
    Operator,
}

/// A raw token: bytes `start..end` of the normalised source.
#[derive(Clone, Copy, Debug)]
pub(super) struct RawToken {
    pub kind: Raw,
    pub start: u32,
    pub end: u32,
}

/// The raw tokens up to the end or to the first error.
pub(super) struct Lexed {
    pub tokens: Vec<RawToken>,
    pub error: Option<SyntaxError>,
}

/// Splits `source`, which must be normalised.
pub(super) fn lex(source: &str, syntax: &Syntax) -> Lexed {
    let mut lexer = Lexer {
        source,
        syntax,
        pos: 0,
        tokens: Vec::new(),
        line_starting: true,
        starts: starts(syntax),
    };
    let error = lexer.root().err();
    Lexed { tokens: lexer.tokens, error }
}

/// A delimiter that opens something.
struct Start<'a> {
    kind: Raw,
    text: &'a str,
}

/// The longest delimiter wins; of equal ones the one whose token name sorts last.
fn starts(syntax: &Syntax) -> Vec<Start<'_>> {
    let mut all = vec![
        (
            syntax.comment_start.chars().count(),
            "comment_begin",
            Raw::CommentBegin,
            &syntax.comment_start,
        ),
        (syntax.block_start.chars().count(), "block_begin", Raw::BlockBegin, &syntax.block_start),
        (
            syntax.variable_start.chars().count(),
            "variable_begin",
            Raw::VariableBegin,
            &syntax.variable_start,
        ),
    ];
    if let Some(prefix) = &syntax.line_statement_prefix {
        all.push((prefix.chars().count(), "linestatement_begin", Raw::LineBegin, prefix));
    }
    if let Some(prefix) = &syntax.line_comment_prefix {
        all.push((prefix.chars().count(), "linecomment_begin", Raw::LineCommentBegin, prefix));
    }
    all.sort_by(|a, b| (b.0, b.1).cmp(&(a.0, a.1)));
    all.into_iter().map(|(_, _, kind, text)| Start { kind, text }).collect()
}

struct Lexer<'a> {
    source: &'a str,
    syntax: &'a Syntax,
    pos: usize,
    tokens: Vec<RawToken>,
    /// Whether the last token ended with a line end.
    line_starting: bool,
    starts: Vec<Start<'a>>,
}

/// Where a tag opens: the data before it ends at `at`; the tag's own text is `at..end`.
struct Opening {
    kind: Raw,
    at: usize,
    end: usize,
    sign: Option<u8>,
}

impl<'a> Lexer<'a> {
    fn rest(&self) -> &'a str {
        &self.source[self.pos..]
    }

    fn error<T>(&self, message: impl Into<String>, at: usize) -> Result<T, SyntaxError> {
        Err(SyntaxError {
            message: message.into(),
            at: offset(at),
            line: self.source[..at.min(self.source.len())].matches('\n').count() + 1,
        })
    }

    fn push(&mut self, kind: Raw, start: usize, end: usize) {
        let empty_ignored =
            matches!(kind, Raw::Space | Raw::Data | Raw::Comment | Raw::LineComment);
        if start != end || !empty_ignored {
            self.tokens.push(RawToken { kind, start: offset(start), end: offset(end) });
        }
    }

    fn advance(&mut self, to: usize) {
        if to > self.pos {
            self.line_starting = self.source.as_bytes()[to - 1] == b'\n';
        } else {
            self.line_starting = false;
        }
        self.pos = to;
    }

    fn root(&mut self) -> Result<(), SyntaxError> {
        // An empty delimiter stands everywhere, at the end too.
        while self.pos < self.source.len() || self.starts.iter().any(|s| s.text.is_empty()) {
            let from = self.pos;
            let Some(open) = self.find_opening() else {
                self.push(Raw::Data, self.pos, self.source.len());
                self.pos = self.source.len();
                break;
            };
            let is_variable = open.kind == Raw::VariableBegin;
            self.push_data(open.at, open.sign, is_variable);
            self.push(open.kind, open.at, open.end);
            self.advance(open.end);
            match open.kind {
                Raw::CommentBegin => self.comment()?,
                Raw::VerbatimBegin => self.raw()?,
                Raw::LineCommentBegin => self.line_comment(),
                Raw::BlockBegin => self.code(Raw::BlockEnd)?,
                Raw::LineBegin => self.code(Raw::LineEnd)?,
                _ => self.code(Raw::VariableEnd)?,
            }
            // Empty tags without an end, of which no parser takes the first.
            if self.pos == from {
                break;
            }
        }
        Ok(())
    }

    /// The data from here to `end`, stripped as the sign of the tag after it asks.
    fn push_data(&mut self, end: usize, sign: Option<u8>, is_variable: bool) {
        let text = &self.source[self.pos..end];
        let kept = match sign {
            Some(b'-') => text.trim_end_matches(is_space).len(),
            None if self.syntax.lstrip_blocks && !is_variable => {
                let line = text.rfind('\n').map_or(0, |n| n + 1);
                let blank = line < text.len() && text[line..].chars().all(is_space);
                if (line > 0 || self.line_starting) && blank { line } else { text.len() }
            }
            _ => text.len(),
        };
        self.push(Raw::Data, self.pos, self.pos + kept);
    }

    fn find_opening(&self) -> Option<Opening> {
        let bytes = self.source.as_bytes();
        let firsts: Vec<u8> = self.starts.iter().filter_map(|s| s.text.bytes().next()).collect();
        let simple = firsts.len() == self.starts.len()
            && self.syntax.line_statement_prefix.is_none()
            && self.syntax.line_comment_prefix.is_none();
        let mut at = self.pos;
        while at <= bytes.len() {
            if simple {
                at += bytes[at..].iter().position(|b| firsts.contains(b))?;
            }
            if self.source.is_char_boundary(at)
                && let Some(open) = self.opening_at(at)
            {
                return Some(open);
            }
            at += 1;
        }
        None
    }

    fn opening_at(&self, at: usize) -> Option<Opening> {
        if let Some((sign, end)) = self.raw_begin_at(at) {
            return Some(Opening { kind: Raw::VerbatimBegin, at, end, sign });
        }
        for start in &self.starts {
            let Some(end) = self.start_matches(start, at) else { continue };
            let sign = self.sign_at(end);
            return Some(Opening {
                kind: start.kind,
                at,
                end: end + usize::from(sign.is_some()),
                sign,
            });
        }
        None
    }

    fn sign_at(&self, at: usize) -> Option<u8> {
        self.source.as_bytes().get(at).copied().filter(|b| matches!(b, b'-' | b'+'))
    }

    /// Where the opening delimiter `start` ends if it stands at `at`.
    fn start_matches(&self, start: &Start<'_>, at: usize) -> Option<usize> {
        let before = &self.source[..at];
        let rest = &self.source[at..];
        let at_line_start = before.is_empty() || before.ends_with('\n');
        let skipped = match start.kind {
            Raw::LineBegin if at_line_start => {
                rest.len() - rest.trim_start_matches([' ', '\t', '\u{b}']).len()
            }
            Raw::LineBegin => return None,
            Raw::LineCommentBegin => {
                if !at_line_start && before.ends_with(is_space) {
                    return None;
                }
                rest.len()
                    - rest.trim_start_matches(|c| is_space(c) && c != '\r' && c != '\n').len()
            }
            _ => 0,
        };
        rest[skipped..].starts_with(start.text).then(|| at + skipped + start.text.len())
    }

    /// `{% raw %}`: its sign and end.
    fn raw_begin_at(&self, at: usize) -> Option<(Option<u8>, usize)> {
        let rest = self.source[at..].strip_prefix(self.syntax.block_start.as_str())?;
        let from = self.source.len() - rest.len();
        let candidates = [self.sign_at(from), None];
        for sign in candidates {
            let rest = &self.source[from + usize::from(sign.is_some())..];
            let Some(rest) = rest.trim_start_matches(is_space).strip_prefix("raw") else {
                continue;
            };
            let rest = rest.trim_start_matches(is_space);
            let dashed =
                rest.strip_prefix('-').and_then(|r| r.strip_prefix(self.syntax.block_end.as_str()));
            let end = match dashed {
                Some(rest) => rest.trim_start_matches(is_space),
                None => match rest.strip_prefix(self.syntax.block_end.as_str()) {
                    Some(rest) => rest,
                    None => continue,
                },
            };
            return Some((sign, self.source.len() - end.len()));
        }
        None
    }

    /// Where a closing delimiter that stands at `at` ends, white space it eats included.
    fn closing_at(&self, at: usize, delimiter: &str, plus: bool, trim: bool) -> Option<usize> {
        let rest = &self.source[at..];
        if plus && let Some(rest) = rest.strip_prefix('+').and_then(|r| r.strip_prefix(delimiter)) {
            return Some(self.source.len() - rest.len());
        }
        if let Some(rest) = rest.strip_prefix('-').and_then(|r| r.strip_prefix(delimiter)) {
            return Some(self.source.len() - rest.trim_start_matches(is_space).len());
        }
        let rest = rest.strip_prefix(delimiter)?;
        let rest = if trim { rest.strip_prefix('\n').unwrap_or(rest) } else { rest };
        Some(self.source.len() - rest.len())
    }

    fn comment(&mut self) -> Result<(), SyntaxError> {
        let end = &self.syntax.comment_end;
        for (at, _) in self.rest().char_indices().map(|(i, c)| (self.pos + i, c)) {
            if let Some(to) = self.closing_at(at, end, true, self.syntax.trim_blocks) {
                self.push(Raw::Comment, self.pos, at);
                self.push(Raw::CommentEnd, at, to);
                self.advance(to);
                return Ok(());
            }
        }
        if self.rest().is_empty() {
            Ok(())
        } else {
            self.error("Missing end of comment tag", self.pos)
        }
    }

    fn line_comment(&mut self) {
        let end = self.rest().find('\n').map_or(self.source.len(), |n| self.pos + n);
        self.push(Raw::LineComment, self.pos, end);
        self.advance(end);
    }

    fn raw(&mut self) -> Result<(), SyntaxError> {
        for (i, _) in self.rest().match_indices(self.syntax.block_start.as_str()) {
            let at = self.pos + i;
            let from = at + self.syntax.block_start.len();
            for sign in [self.sign_at(from), None] {
                let rest = &self.source[from + usize::from(sign.is_some())..];
                let Some(rest) = rest.trim_start_matches(is_space).strip_prefix("endraw") else {
                    continue;
                };
                let close = self.source.len() - rest.trim_start_matches(is_space).len();
                let trim = self.syntax.trim_blocks;
                let Some(to) = self.closing_at(close, &self.syntax.block_end, true, trim) else {
                    continue;
                };
                self.push_data(at, sign, false);
                self.push(Raw::VerbatimEnd, at, to);
                self.advance(to);
                return Ok(());
            }
        }
        if self.rest().is_empty() {
            Ok(())
        } else {
            self.error("Missing end of raw directive", self.pos)
        }
    }

    /// The inside of a tag, up to and with its end.
    fn code(&mut self, end: Raw) -> Result<(), SyntaxError> {
        let mut open: Vec<char> = Vec::new();
        loop {
            if open.is_empty()
                && let Some(to) = self.tag_end(end)
            {
                self.push(end, self.pos, to);
                self.advance(to);
                return Ok(());
            }
            let Some(first) = self.rest().chars().next() else { return Ok(()) };
            let (kind, len) = match self.code_token(first) {
                Some(found) => found,
                None => {
                    let at = self.source[..self.pos].chars().count();
                    let shown = crate::value::repr::str_repr(first.encode_utf8(&mut [0; 4]));
                    return self.error(format!("unexpected char {shown} at {at}"), self.pos);
                }
            };
            if kind == Raw::Operator {
                self.balance(first, &mut open)?;
            }
            self.push(kind, self.pos, self.pos + len);
            self.advance(self.pos + len);
        }
    }

    fn tag_end(&self, end: Raw) -> Option<usize> {
        match end {
            Raw::VariableEnd => self.closing_at(self.pos, &self.syntax.variable_end, false, false),
            Raw::BlockEnd => {
                self.closing_at(self.pos, &self.syntax.block_end, true, self.syntax.trim_blocks)
            }
            _ => {
                // A line statement ends with its line; `\s*` may eat empty lines up to the last.
                let rest = self.rest();
                let space = &rest[..rest.len() - rest.trim_start_matches(is_space).len()];
                if space.len() == rest.len() {
                    return Some(self.source.len());
                }
                space.rfind('\n').map(|n| self.pos + n + 1)
            }
        }
    }

    fn balance(&self, op: char, open: &mut Vec<char>) -> Result<(), SyntaxError> {
        match op {
            '{' => open.push('}'),
            '(' => open.push(')'),
            '[' => open.push(']'),
            '}' | ')' | ']' => match open.pop() {
                None => return self.error(format!("unexpected '{op}'"), self.pos),
                Some(expected) if expected != op => {
                    return self
                        .error(format!("unexpected '{op}', expected '{expected}'"), self.pos);
                }
                Some(_) => {}
            },
            _ => {}
        }
        Ok(())
    }

    /// Kind and length of the token here.
    fn code_token(&self, first: char) -> Option<(Raw, usize)> {
        let rest = self.rest();
        if is_space(first) {
            return Some((Raw::Space, rest.len() - rest.trim_start_matches(is_space).len()));
        }
        if first.is_ascii_digit() {
            let after_dot = self.pos > 0 && self.source.as_bytes()[self.pos - 1] == b'.';
            if !after_dot && let Some(len) = float_len(rest.as_bytes()) {
                return Some((Raw::Float, len));
            }
            return integer_len(rest.as_bytes()).map(|len| (Raw::Integer, len));
        }
        if first == '_' || first.is_alphanumeric() {
            let len = rest.len() - rest.trim_start_matches(is_name_char).len();
            return Some((Raw::Name, len));
        }
        if first == '\'' || first == '"' {
            return string_len(rest, first).map(|len| (Raw::Str, len));
        }
        operator_len(rest).map(|len| (Raw::Operator, len))
    }
}

fn offset(at: usize) -> u32 {
    // Sources over 4 GiB are refused when they are read.
    u32::try_from(at).unwrap_or(u32::MAX)
}

fn is_name_char(c: char) -> bool {
    // Combining marks count as they do for Python's identifiers.
    c == '_'
        || c.is_alphanumeric()
        || matches!(c, '\u{300}'..='\u{36f}' | '\u{b7}' | '\u{203f}' | '\u{2040}')
}

/// Digits with single underscores between them.
fn digits_len(bytes: &[u8], digit: impl Fn(u8) -> bool) -> usize {
    let mut n = 0;
    loop {
        match bytes.get(n) {
            Some(b) if digit(*b) => n += 1,
            Some(b'_') if n > 0 && bytes.get(n + 1).is_some_and(|b| digit(*b)) => n += 1,
            _ => return n,
        }
    }
}

fn float_len(bytes: &[u8]) -> Option<usize> {
    let decimal = |b: u8| b.is_ascii_digit();
    let whole = digits_len(bytes, decimal);
    let fraction = match bytes.get(whole) {
        Some(b'.') => digits_len(&bytes[whole + 1..], decimal),
        _ => 0,
    };
    let mantissa = if fraction > 0 { whole + 1 + fraction } else { whole };
    if let Some(b'e' | b'E') = bytes.get(mantissa) {
        let sign = usize::from(matches!(bytes.get(mantissa + 1), Some(b'+' | b'-')));
        let exponent = bytes.get(mantissa + 1 + sign..).map_or(0, |b| digits_len(b, decimal));
        if exponent > 0 {
            return Some(mantissa + 1 + sign + exponent);
        }
    }
    (fraction > 0).then_some(mantissa)
}

fn integer_len(bytes: &[u8]) -> Option<usize> {
    let radix = |digit: fn(u8) -> bool| {
        // `0x_ff` is allowed: an underscore may follow the prefix.
        let skip = usize::from(bytes.get(2) == Some(&b'_'));
        let n = bytes.get(2 + skip..).map_or(0, |b| digits_len(b, digit));
        (n > 0).then_some(2 + skip + n)
    };
    let prefixed = match bytes.get(..2) {
        Some(b"0b" | b"0B") => radix(|b| matches!(b, b'0' | b'1')),
        Some(b"0o" | b"0O") => radix(|b| matches!(b, b'0'..=b'7')),
        Some(b"0x" | b"0X") => radix(|b| b.is_ascii_hexdigit()),
        _ => None,
    };
    prefixed.or_else(|| match bytes.first() {
        Some(b'0') => Some(digits_len(bytes, |b| b == b'0')),
        Some(b'1'..=b'9') => Some(digits_len(bytes, |b| b.is_ascii_digit())),
        _ => None,
    })
}

fn string_len(rest: &str, quote: char) -> Option<usize> {
    let mut chars = rest.char_indices().skip(1);
    while let Some((i, c)) = chars.next() {
        match c {
            '\\' => {
                chars.next()?;
            }
            c if c == quote => return Some(i + 1),
            _ => {}
        }
    }
    None
}

fn operator_len(rest: &str) -> Option<usize> {
    let two = rest.get(..2);
    if matches!(two, Some("//" | "**" | "==" | "!=" | ">=" | "<=")) {
        return Some(2);
    }
    rest.starts_with([
        '+', '-', '/', '*', '%', '~', '[', ']', '(', ')', '{', '}', '>', '<', '=', '.', ':', '|',
        ',', ';',
    ])
    .then_some(1)
}
