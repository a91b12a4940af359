//! Tokens with their values, as jinja2's parser sees them.

use num_bigint::BigInt;
use num_traits::Num;

use super::{
    Syntax, SyntaxError,
    lexer::{Raw, lex},
};
use crate::value::Value;

/// An operator or punctuation mark.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::template) enum Op {
    Add,
    Sub,
    Div,
    FloorDiv,
    Mul,
    Mod,
    Pow,
    Tilde,
    LBracket,
    RBracket,
    LParen,
    RParen,
    LBrace,
    RBrace,
    Eq,
    Ne,
    Gt,
    GtEq,
    Lt,
    LtEq,
    Assign,
    Dot,
    Colon,
    Pipe,
    Comma,
    Semicolon,
}

const OPERATORS: [(&str, Op); 26] = [
    ("+", Op::Add),
    ("-", Op::Sub),
    ("/", Op::Div),
    ("//", Op::FloorDiv),
    ("*", Op::Mul),
    ("%", Op::Mod),
    ("**", Op::Pow),
    ("~", Op::Tilde),
    ("[", Op::LBracket),
    ("]", Op::RBracket),
    ("(", Op::LParen),
    (")", Op::RParen),
    ("{", Op::LBrace),
    ("}", Op::RBrace),
    ("==", Op::Eq),
    ("!=", Op::Ne),
    (">", Op::Gt),
    (">=", Op::GtEq),
    ("<", Op::Lt),
    ("<=", Op::LtEq),
    ("=", Op::Assign),
    (".", Op::Dot),
    (":", Op::Colon),
    ("|", Op::Pipe),
    (",", Op::Comma),
    (";", Op::Semicolon),
];

impl Op {
    fn of(text: &str) -> Option<Self> {
        OPERATORS.iter().find(|(t, _)| *t == text).map(|(_, op)| *op)
    }

    /// Its text.
    pub(in crate::template) fn text(self) -> &'static str {
        OPERATORS.iter().find(|(_, op)| *op == self).map_or("", |(t, _)| t)
    }
}

/// What a token is.
#[derive(Clone, Debug)]
pub(in crate::template) enum TokenKind {
    Data(String),
    VariableBegin,
    VariableEnd,
    BlockBegin,
    BlockEnd,
    Name(String),
    Str(String),
    Int(Value),
    Float(f64),
    Op(Op),
}

impl TokenKind {
    /// How jinja2's messages call it.
    pub(in crate::template) fn describe(&self) -> &str {
        match self {
            Self::Data(_) => "template data / text",
            Self::VariableBegin => "begin of print statement",
            Self::VariableEnd => "end of print statement",
            Self::BlockBegin => "begin of statement block",
            Self::BlockEnd => "end of statement block",
            Self::Name(name) => name,
            Self::Str(_) => "string",
            Self::Int(_) => "integer",
            Self::Float(_) => "float",
            Self::Op(op) => op.text(),
        }
    }

    pub(in crate::template) fn is_op(&self, op: Op) -> bool {
        matches!(self, Self::Op(o) if *o == op)
    }

    pub(in crate::template) fn name(&self) -> Option<&str> {
        match self {
            Self::Name(name) => Some(name),
            _ => None,
        }
    }
}

/// A token and the bytes of the normalised source that it stands for.
#[derive(Clone, Debug)]
pub(in crate::template) struct Token {
    pub kind: TokenKind,
    pub start: u32,
    pub end: u32,
}

/// The tokens of `source` (normalised), and the error that ended them early.
pub(in crate::template) fn tokenize(
    source: &str,
    syntax: &Syntax,
) -> (Vec<Token>, Option<SyntaxError>) {
    let lexed = lex(source, syntax);
    let mut tokens = Vec::with_capacity(lexed.tokens.len());
    for raw in lexed.tokens {
        let text = &source[raw.start as usize..raw.end as usize];
        let kind = match raw.kind {
            Raw::CommentBegin | Raw::Comment | Raw::CommentEnd | Raw::Space => continue,
            Raw::LineCommentBegin | Raw::LineComment | Raw::VerbatimBegin | Raw::VerbatimEnd => {
                continue;
            }
            Raw::Data => Ok(TokenKind::Data(data(text, syntax))),
            Raw::VariableBegin => Ok(TokenKind::VariableBegin),
            Raw::VariableEnd => Ok(TokenKind::VariableEnd),
            Raw::BlockBegin | Raw::LineBegin => Ok(TokenKind::BlockBegin),
            Raw::BlockEnd | Raw::LineEnd => Ok(TokenKind::BlockEnd),
            Raw::Name => Ok(TokenKind::Name(text.to_owned())),
            Raw::Str => unescape(&data(&text[1..text.len() - 1], syntax)).map(TokenKind::Str),
            Raw::Integer => integer(text).map(TokenKind::Int),
            Raw::Float => float(text).map(TokenKind::Float),
            // The lexer only makes operators of the table.
            Raw::Operator => {
                Op::of(text).map(TokenKind::Op).ok_or_else(|| format!("unexpected {text}"))
            }
        };
        match kind {
            Ok(kind) => tokens.push(Token { kind, start: raw.start, end: raw.end }),
            Err(message) => {
                let line = source[..raw.start as usize].matches('\n').count() + 1;
                return (tokens, Some(SyntaxError { message, at: raw.start, line }));
            }
        }
    }
    (tokens, lexed.error)
}

fn data(text: &str, syntax: &Syntax) -> String {
    if syntax.newline_sequence == "\n" {
        text.to_owned()
    } else {
        text.replace('\n', &syntax.newline_sequence)
    }
}

fn integer(text: &str) -> Result<Value, String> {
    let digits = text.replace('_', "").to_ascii_lowercase();
    let (radix, digits) = match digits.get(..2) {
        Some("0b") => (2, &digits[2..]),
        Some("0o") => (8, &digits[2..]),
        Some("0x") => (16, &digits[2..]),
        _ => (10, digits.as_str()),
    };
    // Python refuses to convert longer decimal texts.
    if radix == 10 && digits.len() > 4300 {
        return Err("Exceeds the limit (4300 digits) for integer string conversion".to_owned());
    }
    BigInt::from_str_radix(digits, radix).map(Value::big).map_err(|e| e.to_string())
}

fn float(text: &str) -> Result<f64, String> {
    text.replace('_', "").parse::<f64>().map_err(|e| e.to_string())
}

/// Python's `unicode-escape`, after its `backslashreplace` of what is not ASCII.
fn unescape(text: &str) -> Result<String, String> {
    if !text.contains('\\') {
        return Ok(text.to_owned());
    }
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find('\\') {
        out.push_str(&rest[..at]);
        rest = &rest[at + 1..];
        let Some(c) = rest.chars().next() else {
            return Err("\\ at end of string".to_owned());
        };
        rest = &rest[c.len_utf8()..];
        match c {
            '\n' => {}
            '\\' | '\'' | '"' => out.push(c),
            'a' => out.push('\u{7}'),
            'b' => out.push('\u{8}'),
            'f' => out.push('\u{c}'),
            'n' => out.push('\n'),
            'r' => out.push('\r'),
            't' => out.push('\t'),
            'v' => out.push('\u{b}'),
            '0'..='7' => rest = octal(c, rest, &mut out),
            'x' => rest = hex(rest, 2, "truncated \\xXX escape", &mut out)?,
            'u' => rest = hex(rest, 4, "truncated \\uXXXX escape", &mut out)?,
            'U' => rest = hex(rest, 8, "truncated \\UXXXXXXXX escape", &mut out)?,
            'N' => return Err("characters by name (\\N{…}) are not supported".to_owned()),
            c if c.is_ascii() => out.extend(['\\', c]),
            // What is not ASCII was escaped first, so that the backslash escapes a backslash.
            c => out.push_str(&escaped_non_ascii(c)),
        }
    }
    out.push_str(rest);
    Ok(out)
}

fn escaped_non_ascii(c: char) -> String {
    match u32::from(c) {
        n @ 0..=0xff => format!("\\x{n:02x}"),
        n @ 0x100..=0xffff => format!("\\u{n:04x}"),
        n => format!("\\U{n:08x}"),
    }
}

fn octal<'a>(first: char, rest: &'a str, out: &mut String) -> &'a str {
    let more = rest.bytes().take(2).take_while(|b| matches!(b, b'0'..=b'7')).count();
    let digits = format!("{first}{}", &rest[..more]);
    // Three octal digits are at most 511.
    out.push(u32::from_str_radix(&digits, 8).ok().and_then(char::from_u32).unwrap_or('\u{fffd}'));
    &rest[more..]
}

fn hex<'a>(rest: &'a str, len: usize, error: &str, out: &mut String) -> Result<&'a str, String> {
    let digits = rest.get(..len).filter(|d| d.bytes().all(|b| b.is_ascii_hexdigit()));
    let digits = digits.ok_or_else(|| error.to_owned())?;
    let code = u32::from_str_radix(digits, 16).map_err(|_| error.to_owned())?;
    if code > 0x10_ffff {
        return Err("illegal Unicode character".to_owned());
    }
    // Lone surrogates cannot be in text.
    out.push(char::from_u32(code).unwrap_or('\u{fffd}'));
    Ok(&rest[len..])
}
