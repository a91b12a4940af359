//! Tokens of JMESPath.

use crate::value::{PyResult, Value, json};

use super::failed;

#[derive(Clone, Debug)]
pub(super) struct Token {
    pub(super) kind: Kind,
    /// As errors show it.
    pub(super) text: String,
    pub(super) start: usize,
    pub(super) value: Value,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Eof,
    Unquoted,
    Quoted,
    Literal,
    Number,
    Dot,
    Star,
    LBracket,
    RBracket,
    Comma,
    Colon,
    Current,
    LParen,
    RParen,
    LBrace,
    RBrace,
    Flatten,
    Filter,
    Or,
    Pipe,
    And,
    Expref,
    Lt,
    Lte,
    Gt,
    Gte,
    Ne,
    Not,
    Eq,
}

impl Kind {
    /// The name that errors use.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Eof => "eof",
            Self::Unquoted => "unquoted_identifier",
            Self::Quoted => "quoted_identifier",
            Self::Literal => "literal",
            Self::Number => "number",
            Self::Dot => "dot",
            Self::Star => "star",
            Self::LBracket => "lbracket",
            Self::RBracket => "rbracket",
            Self::Comma => "comma",
            Self::Colon => "colon",
            Self::Current => "current",
            Self::LParen => "lparen",
            Self::RParen => "rparen",
            Self::LBrace => "lbrace",
            Self::RBrace => "rbrace",
            Self::Flatten => "flatten",
            Self::Filter => "filter",
            Self::Or => "or",
            Self::Pipe => "pipe",
            Self::And => "and",
            Self::Expref => "expref",
            Self::Lt => "lt",
            Self::Lte => "lte",
            Self::Gt => "gt",
            Self::Gte => "gte",
            Self::Ne => "ne",
            Self::Not => "not",
            Self::Eq => "eq",
        }
    }

    /// How strongly it binds to what stands before it.
    pub(super) fn power(self) -> u32 {
        match self {
            Self::Pipe => 1,
            Self::Or => 2,
            Self::And => 3,
            Self::Eq | Self::Gt | Self::Lt | Self::Gte | Self::Lte | Self::Ne => 5,
            Self::Flatten => 9,
            Self::Star => 20,
            Self::Filter => 21,
            Self::Dot => 40,
            Self::Not => 45,
            Self::LBrace => 50,
            Self::LBracket => 55,
            Self::LParen => 60,
            _ => 0,
        }
    }
}

fn simple(c: char) -> Option<Kind> {
    Some(match c {
        '.' => Kind::Dot,
        '*' => Kind::Star,
        ']' => Kind::RBracket,
        ',' => Kind::Comma,
        ':' => Kind::Colon,
        '@' => Kind::Current,
        '(' => Kind::LParen,
        ')' => Kind::RParen,
        '{' => Kind::LBrace,
        '}' => Kind::RBrace,
        _ => return None,
    })
}

/// Splits `text` into tokens.
pub(super) fn tokens(text: &str) -> PyResult<Vec<Token>> {
    if text.is_empty() {
        return Err(failed("Invalid JMESPath expression: cannot be empty."));
    }
    let mut lexer = Lexer { text, chars: text.chars().collect(), at: 0 };
    let mut out = Vec::new();
    while let Some(token) = lexer.next()? {
        out.push(token);
    }
    let end = lexer.chars.len();
    out.push(Token { kind: Kind::Eof, text: String::new(), start: end, value: Value::None });
    Ok(out)
}

struct Lexer<'t> {
    text: &'t str,
    chars: Vec<char>,
    at: usize,
}

impl Lexer<'_> {
    fn peek(&self, ahead: usize) -> Option<char> {
        self.chars.get(self.at + ahead).copied()
    }

    fn error(&self, at: usize, message: &str) -> crate::value::PyError {
        let underline = " ".repeat(at);
        failed(format!("Bad jmespath expression: {message}:\n{}\n{underline}^", self.text))
    }

    fn token(&mut self, kind: Kind, len: usize) -> Token {
        let start = self.at;
        let text: String = self.chars[start..start + len].iter().collect();
        self.at += len;
        Token { kind, value: Value::from(text.clone()), text, start }
    }

    fn next(&mut self) -> PyResult<Option<Token>> {
        while self.peek(0).is_some_and(|c| matches!(c, ' ' | '\t' | '\n' | '\r')) {
            self.at += 1;
        }
        let Some(c) = self.peek(0) else { return Ok(None) };
        if let Some(kind) = simple(c) {
            return Ok(Some(self.token(kind, 1)));
        }
        let pair =
            |second, both, alone| if self.peek(1) == Some(second) { (both, 2) } else { (alone, 1) };
        let (kind, len) = match c {
            '[' if self.peek(1) == Some(']') => (Kind::Flatten, 2),
            '[' => pair('?', Kind::Filter, Kind::LBracket),
            '|' => pair('|', Kind::Or, Kind::Pipe),
            '&' => pair('&', Kind::And, Kind::Expref),
            '<' => pair('=', Kind::Lte, Kind::Lt),
            '>' => pair('=', Kind::Gte, Kind::Gt),
            '!' => pair('=', Kind::Ne, Kind::Not),
            '=' if self.peek(1) == Some('=') => (Kind::Eq, 2),
            '=' => return Err(self.error(self.at, "Unknown token '='")),
            '\'' | '`' | '"' => return self.quoted(c).map(Some),
            '-' | '0'..='9' => return self.number().map(Some),
            c if c.is_ascii_alphabetic() || c == '_' => {
                let rest = &self.chars[self.at..];
                let len =
                    rest.iter().take_while(|c| c.is_ascii_alphanumeric() || **c == '_').count();
                (Kind::Unquoted, len)
            }
            c => return Err(self.error(self.at, &format!("Unknown token {c}"))),
        };
        Ok(Some(self.token(kind, len)))
    }

    fn number(&mut self) -> PyResult<Token> {
        let digits = self.chars[self.at + 1..].iter().take_while(|c| c.is_ascii_digit()).count();
        if digits == 0 && self.peek(0) == Some('-') {
            return Err(self.error(self.at, "Unknown token '-'"));
        }
        let mut token = self.token(Kind::Number, digits + 1);
        let n = crate::value::number::parse_int(&token.text, 10).unwrap_or_default();
        token.value = Value::big(n);
        Ok(token)
    }

    /// What stands between two `delimiter`s, backslashes kept.
    fn quoted(&mut self, delimiter: char) -> PyResult<Token> {
        let start = self.at;
        let mut body = String::new();
        self.at += 1;
        loop {
            let unclosed = |l: &Self| l.error(start, &format!("Unclosed {delimiter} delimiter"));
            match self.peek(0) {
                None => return Err(unclosed(self)),
                Some(c) if c == delimiter => break,
                Some('\\') => {
                    body.push('\\');
                    self.at += 1;
                    body.push(self.peek(0).ok_or_else(|| unclosed(self))?);
                }
                Some(c) => body.push(c),
            }
            self.at += 1;
        }
        self.at += 1;
        let (kind, value) = match delimiter {
            '\'' => (Kind::Literal, Value::from(body.replace("\\'", "'"))),
            '"' => {
                let value = json::loads(&format!("\"{body}\"")).map_err(|e| {
                    self.error(start, e.message.split(':').next().unwrap_or_default())
                })?;
                (Kind::Quoted, value)
            }
            _ => {
                let body = body.replace("\\`", "`");
                // Text that is no JSON is taken as a string.
                let value = json::loads(&body)
                    .or_else(|_| json::loads(&format!("\"{}\"", body.trim_start())))
                    .map_err(|_| self.error(start, &format!("Bad token {body}")))?;
                (Kind::Literal, value)
            }
        };
        let text = crate::value::repr::to_text(&value)?;
        Ok(Token { kind, text, start, value })
    }
}
