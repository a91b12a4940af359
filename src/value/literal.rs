//! Python's `ast.literal_eval`.

use num_bigint::BigInt;
use num_traits::Num;

use super::{Dict, PyError, PyErrorKind, PyResult, Set, Value, ellipsis::Ellipsis, ops::to_key};

/// `ast.literal_eval(text)`: literals of Python and nothing else. Fails with `SyntaxError`,
/// `ValueError` (an expression that is no literal) or `TypeError` (a key without a hash).
pub fn literal_eval(text: &str) -> PyResult<Value> {
    parse(text.trim_start_matches([' ', '\t']), false)
}

/// How ansible reads a rendered text as data: as `literal_eval` does (but white space may not
/// stand before), and the names `true`, `false` and `null` count too.
pub fn literal_eval_json(text: &str) -> PyResult<Value> {
    parse(text, true)
}

/// The same without JSON's names (native mode).
pub fn literal_eval_native(text: &str) -> PyResult<Value> {
    parse(text, false)
}

fn parse(text: &str, json_names: bool) -> PyResult<Value> {
    if text.contains('\0') {
        return Err(PyError::value_error("source code string cannot contain null bytes"));
    }
    let mut parser = Parser { text, at: 0, json_names, depth: 0, unhashable: None };
    parser.start()?;
    let value = parser.expression_list(None)?;
    parser.end()?;
    match parser.unhashable {
        // Python converts the tree after it has parsed all of it.
        Some(e) => Err(e),
        None => Ok(value),
    }
}

struct Parser<'t> {
    text: &'t str,
    at: usize,
    json_names: bool,
    /// How many brackets are open: inside them lines may end anywhere.
    depth: usize,
    unhashable: Option<PyError>,
}

const DEEPEST: usize = 200;

fn syntax(message: &str) -> PyError {
    PyError::new(PyErrorKind::SyntaxError, message)
}

fn malformed() -> PyError {
    PyError::value_error("malformed node or string")
}

impl<'t> Parser<'t> {
    fn rest(&self) -> &'t str {
        &self.text[self.at..]
    }

    fn peek(&self) -> Option<char> {
        self.rest().chars().next()
    }

    fn eat(&mut self, c: char) -> bool {
        let found = self.peek() == Some(c);
        if found {
            self.at += c.len_utf8();
        }
        found
    }

    /// Blank lines and comments before the expression; no indentation.
    fn start(&mut self) -> PyResult<()> {
        loop {
            let line = self.rest().split_inclusive('\n').next().unwrap_or("");
            let body = line.trim_start_matches([' ', '\t', '\x0c']);
            if line.ends_with('\n') && (body.trim_end() == "" || body.starts_with('#')) {
                self.at += line.len();
            } else if body.len() < line.len() && !line.starts_with('\x0c') && !body.is_empty() {
                return Err(syntax("unexpected indent"));
            } else {
                return Ok(());
            }
        }
    }

    fn space(&mut self) {
        loop {
            let rest = self.rest();
            if let Some(tail) = rest.strip_prefix("\\\n").or_else(|| rest.strip_prefix("\\\r\n")) {
                self.at += rest.len() - tail.len();
                continue;
            }
            match self.peek() {
                Some(' ' | '\t' | '\x0c') => self.at += 1,
                Some('\n' | '\r') if self.depth > 0 => self.at += 1,
                Some('#') => self.at += self.rest().find('\n').unwrap_or(self.rest().len()),
                _ => return,
            }
        }
    }

    fn end(&mut self) -> PyResult<()> {
        loop {
            self.space();
            match self.peek() {
                None => return Ok(()),
                Some('\n' | '\r') => {
                    self.at += 1;
                    // Python takes white space that no line end follows for a line's indentation.
                    let last = self.rest().rsplit('\x0c').next().unwrap_or("");
                    let blank = self.rest().chars().all(|c| matches!(c, ' ' | '\t' | '\x0c'));
                    if blank && !last.is_empty() {
                        return Err(syntax("unexpected indent"));
                    }
                }
                Some(_) => return Err(syntax("invalid syntax")),
            }
        }
    }

    /// One expression, or a tuple of several; up to `close` if there is one.
    fn expression_list(&mut self, close: Option<char>) -> PyResult<Value> {
        self.space();
        let first = self.expression()?;
        self.space();
        if self.peek() != Some(',') {
            return Ok(first);
        }
        let mut items = vec![first];
        while self.eat(',') {
            self.space();
            match (self.peek(), close) {
                (None, None) => break,
                (Some('\n' | '\r'), None) => break,
                (Some(c), Some(close)) if c == close => break,
                _ => {}
            }
            items.push(self.expression()?);
            self.space();
        }
        Ok(Value::tuple(items))
    }

    fn expression(&mut self) -> PyResult<Value> {
        self.space();
        match self.peek() {
            None => Err(syntax("invalid syntax")),
            Some(c @ ('+' | '-')) => {
                self.at += 1;
                self.space();
                let operand = match self.peek() {
                    Some('0'..='9' | '.') => self.number()?,
                    _ => {
                        self.expression()?;
                        return Err(malformed());
                    }
                };
                if c == '-' { super::ops::neg(&operand) } else { Ok(operand) }
            }
            Some('[') => {
                let items = self.items(']')?;
                Ok(Value::list(items))
            }
            Some('(') => self.parenthesised(),
            Some('{') => self.braces(),
            Some('\'' | '"') => self.strings(),
            Some('0'..='9') => self.number(),
            Some('.') if self.rest().starts_with("...") => {
                self.at += 3;
                Ok(Ellipsis::value())
            }
            Some('.') if self.rest()[1..].starts_with(|c: char| c.is_ascii_digit()) => {
                self.number()
            }
            Some(c) if c == '_' || c.is_alphabetic() => self.name(),
            Some(_) => Err(syntax("invalid syntax")),
        }
    }

    fn open(&mut self) -> PyResult<()> {
        self.at += 1;
        self.depth += 1;
        if self.depth > DEEPEST {
            return Err(syntax("too many nested parentheses"));
        }
        Ok(())
    }

    fn close(&mut self, c: char) -> PyResult<()> {
        self.space();
        if !self.eat(c) {
            return Err(syntax("invalid syntax. Perhaps you forgot a comma?"));
        }
        self.depth -= 1;
        Ok(())
    }

    fn items(&mut self, close: char) -> PyResult<Vec<Value>> {
        self.open()?;
        let mut items = Vec::new();
        loop {
            self.space();
            if self.peek() == Some(close) {
                break;
            }
            items.push(self.expression()?);
            self.space();
            if !self.eat(',') {
                break;
            }
        }
        self.close(close)?;
        Ok(items)
    }

    fn parenthesised(&mut self) -> PyResult<Value> {
        self.open()?;
        self.space();
        let value = if self.peek() == Some(')') {
            Value::tuple(Vec::new())
        } else {
            self.expression_list(Some(')'))?
        };
        self.close(')')?;
        Ok(value)
    }

    fn braces(&mut self) -> PyResult<Value> {
        self.open()?;
        let dict = Dict::new();
        let mut members = Vec::new();
        let mut is_set = None;
        loop {
            self.space();
            if self.peek() == Some('}') {
                break;
            }
            let key = self.expression()?;
            self.space();
            let pair = self.eat(':');
            if *is_set.get_or_insert(!pair) == pair {
                return Err(syntax("invalid syntax"));
            }
            if pair {
                let value = self.expression()?;
                match to_key(key) {
                    Ok(key) => {
                        dict.write().insert(key, value);
                    }
                    Err(e) => {
                        self.unhashable.get_or_insert(e);
                    }
                }
            } else {
                members.push(key);
            }
            self.space();
            if !self.eat(',') {
                break;
            }
        }
        self.close('}')?;
        if is_set != Some(true) {
            return Ok(dict.into());
        }
        match Set::of(members) {
            Ok(set) => Ok(set.into_value()),
            Err(e) => {
                self.unhashable.get_or_insert(e);
                Ok(Value::None)
            }
        }
    }

    /// A name, or the prefix of a string.
    fn name(&mut self) -> PyResult<Value> {
        let rest = self.rest();
        let len = rest.find(|c: char| !(c == '_' || c.is_alphanumeric())).unwrap_or(rest.len());
        let name = &rest[..len];
        if rest[len..].starts_with(['\'', '"']) && is_prefix(name) {
            return self.strings();
        }
        self.at += len;
        match name {
            "None" => Ok(Value::None),
            "True" => Ok(Value::Bool(true)),
            "False" => Ok(Value::Bool(false)),
            "null" if self.json_names => Ok(Value::None),
            "true" if self.json_names => Ok(Value::Bool(true)),
            "false" if self.json_names => Ok(Value::Bool(false)),
            "set" => {
                self.space();
                if self.peek() == Some('(') && self.items(')')?.is_empty() {
                    return Ok(Set::default().into_value());
                }
                Err(malformed())
            }
            _ => Err(PyError::value_error(
                "malformed node or string on line 1: <ast.Name object at 0x7f0000000000>",
            )),
        }
    }

    fn number(&mut self) -> PyResult<Value> {
        let rest = self.rest();
        let (value, len) = read_number(rest)?;
        let next = rest[len..].chars().next();
        if next.is_some_and(|c| c == '_' || c.is_alphanumeric()) {
            // `1j` is a number of Python that values here don't have.
            return Err(if next == Some('j') || next == Some('J') {
                malformed()
            } else {
                syntax("invalid decimal literal")
            });
        }
        self.at += len;
        Ok(value)
    }

    /// String literals side by side.
    fn strings(&mut self) -> PyResult<Value> {
        let mut text = String::new();
        let mut bytes: Option<Vec<u8>> = None;
        let mut first = true;
        loop {
            let rest = self.rest();
            let len = rest.find(['\'', '"']).unwrap_or(0);
            let prefix = &rest[..len];
            if !rest[len..].starts_with(['\'', '"']) || !(prefix.is_empty() || is_prefix(prefix)) {
                break;
            }
            let lower = prefix.to_ascii_lowercase();
            let is_bytes = lower.contains('b');
            self.at += len;
            let body = self.quoted(lower.contains('r'), is_bytes)?;
            if !first && bytes.is_some() != is_bytes {
                return Err(syntax("cannot mix bytes and nonbytes literals"));
            }
            if is_bytes {
                let part = body.chars().map(|c| u8::try_from(u32::from(c)));
                let part: Result<Vec<u8>, _> = part.collect();
                let part =
                    part.map_err(|_| syntax("bytes can only contain ASCII literal characters"))?;
                bytes.get_or_insert_default().extend(part);
            } else {
                text.push_str(&body);
            }
            first = false;
            self.space();
        }
        Ok(match bytes {
            Some(bytes) => Value::Bytes(bytes.into()),
            None => Value::from(text),
        })
    }

    fn quoted(&mut self, raw: bool, bytes: bool) -> PyResult<String> {
        let rest = self.rest();
        // The caller saw a quote here.
        let quote = rest.chars().next().unwrap_or('"');
        let triple: String = std::iter::repeat_n(quote, 3).collect();
        let long = rest.starts_with(&triple);
        self.at += if long { 3 } else { 1 };
        let mut out = String::new();
        loop {
            let rest = self.rest();
            if if long { rest.starts_with(&triple) } else { rest.starts_with(quote) } {
                self.at += if long { 3 } else { 1 };
                return Ok(out);
            }
            let c = self.peek().ok_or_else(|| syntax("unterminated string literal"))?;
            self.at += c.len_utf8();
            match c {
                '\n' | '\r' if !long => return Err(syntax("unterminated string literal")),
                '\r' => {
                    self.eat('\n');
                    out.push('\n');
                }
                '\\' if raw => {
                    out.push('\\');
                    if let Some(next) = self.peek() {
                        out.push(next);
                        self.at += next.len_utf8();
                    }
                }
                '\\' => self.escape(&mut out, bytes)?,
                c if bytes && !c.is_ascii() => {
                    return Err(syntax("bytes can only contain ASCII literal characters"));
                }
                c => out.push(c),
            }
        }
    }

    fn escape(&mut self, out: &mut String, bytes: bool) -> PyResult<()> {
        let c = self.peek().ok_or_else(|| syntax("unterminated string literal"))?;
        self.at += c.len_utf8();
        match c {
            '\n' => {}
            '\r' => {
                self.eat('\n');
            }
            '\\' | '\'' | '"' => out.push(c),
            'a' => out.push('\x07'),
            'b' => out.push('\x08'),
            'f' => out.push('\x0c'),
            'n' => out.push('\n'),
            'r' => out.push('\r'),
            't' => out.push('\t'),
            'v' => out.push('\x0b'),
            '0'..='7' => {
                self.at -= 1;
                let len =
                    self.rest().bytes().take(3).take_while(|b| (b'0'..=b'7').contains(b)).count();
                let code = u32::from_str_radix(&self.rest()[..len], 8).unwrap_or(0);
                self.at += len;
                out.push(
                    char::from_u32(code & if bytes { 0xff } else { 0x1ff }).unwrap_or('\u{fffd}'),
                );
            }
            'x' => out.push(self.hex(2)?),
            'u' if !bytes => {
                let c = self.hex(4)?;
                out.push(c);
            }
            'U' if !bytes => out.push(self.hex(8)?),
            'N' if !bytes => return Err(syntax("character names are not known here")),
            other => {
                out.push('\\');
                out.push(other);
            }
        }
        Ok(())
    }

    fn hex(&mut self, digits: usize) -> PyResult<char> {
        let code = self
            .rest()
            .get(..digits)
            .filter(|h| h.bytes().all(|b| b.is_ascii_hexdigit()))
            .and_then(|h| u32::from_str_radix(h, 16).ok())
            .filter(|code| *code <= 0x10_ffff)
            .ok_or_else(|| syntax("(unicode error) 'unicodeescape' codec can't decode bytes"))?;
        self.at += digits;
        // Surrogates, which our text can't hold, become U+FFFD.
        Ok(char::from_u32(code).unwrap_or('\u{fffd}'))
    }
}

fn is_prefix(name: &str) -> bool {
    matches!(name.to_ascii_lowercase().as_str(), "r" | "u" | "b" | "br" | "rb")
}

/// The number at the start of `text`, and its length.
fn read_number(text: &str) -> PyResult<(Value, usize)> {
    let bytes = text.as_bytes();
    let invalid = || syntax("invalid decimal literal");
    if let Some(radix) = match bytes {
        [b'0', b'x' | b'X', ..] => Some(16),
        [b'0', b'o' | b'O', ..] => Some(8),
        [b'0', b'b' | b'B', ..] => Some(2),
        _ => None,
    } {
        let len = digits(&text[2..], radix, true)?;
        let plain = text[2..2 + len].replace('_', "");
        let n = BigInt::from_str_radix(&plain, radix).map_err(|_| invalid())?;
        return Ok((Value::big(n), 2 + len));
    }
    let mut len = digits(text, 10, false)?;
    let whole = len;
    let mut float = false;
    if bytes.get(len) == Some(&b'.') {
        float = true;
        len += 1;
        len += digits(&text[len..], 10, false)?;
    }
    if matches!(bytes.get(len), Some(b'e' | b'E')) {
        let sign = usize::from(matches!(bytes.get(len + 1), Some(b'+' | b'-')));
        if bytes.get(len + 1 + sign).is_some_and(u8::is_ascii_digit) {
            float = true;
            len += 1 + sign;
            len += digits(&text[len..], 10, false)?;
        }
    }
    let plain = text[..len].replace('_', "");
    if float {
        return plain.parse().map(|f| (Value::Float(f), len)).map_err(|_| invalid());
    }
    if bytes.first() == Some(&b'0') && plain.bytes().any(|b| b != b'0') {
        return Err(syntax(
            "leading zeros in decimal integer literals are not permitted; use an 0o prefix for \
             octal integers",
        ));
    }
    if whole > 4300 {
        return Err(syntax("Exceeds the limit (4300 digits) for integer string conversion"));
    }
    BigInt::from_str_radix(&plain, 10).map(|n| (Value::big(n), len)).map_err(|_| invalid())
}

/// The length of the digits at the start of `text`, single underscores between them included.
fn digits(text: &str, radix: u32, prefixed: bool) -> PyResult<usize> {
    let mut len = 0;
    let mut underscore = !prefixed;
    for c in text.chars() {
        match c {
            '_' if underscore && (!prefixed || len > 0) => {
                return Err(syntax("invalid decimal literal"));
            }
            '_' => underscore = true,
            c if c.is_digit(radix) => underscore = false,
            _ => break,
        }
        len += 1;
    }
    if len > 0 && underscore {
        return Err(syntax("invalid decimal literal"));
    }
    Ok(len)
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;
    use crate::value::repr::repr;

    #[test]
    fn literals() {
        for (text, shown) in [
            ("[1, -2.5, 'a', \"b\", None, True]", "[1, -2.5, 'a', 'b', None, True]"),
            ("{'a': 1, 'b': [1,],}", "{'a': 1, 'b': [1]}"),
            ("{1, 2, 1}", "{1, 2}"),
            ("()", "()"),
            ("(1)", "1"),
            ("(1,)", "(1,)"),
            ("1, 2", "(1, 2)"),
            ("set()", "set()"),
            ("'a' 'b'", "'ab'"),
            ("r'a\\n' u'b'", "'a\\\\nb'"),
            ("b'a\\xff'", "b'a\\xff'"),
            ("'\\x41\\101\\u0042\\q'", "'AAB\\\\q'"),
            ("'''a\nb'''", "'a\\nb'"),
            ("0x1F", "31"),
            ("0b1_0", "2"),
            ("1_000", "1000"),
            ("1e3", "1000.0"),
            (".5", "0.5"),
            ("00", "0"),
            ("[1, # comment\n 2\n]\n", "[1, 2]"),
            ("  [1]", "[1]"),
            ("123456789012345678901234567890", "123456789012345678901234567890"),
        ] {
            assert_eq!(repr(&literal_eval(text).unwrap()).unwrap(), shown, "{text}");
        }
        assert_eq!(
            repr(&literal_eval_json("{\"a\": true, \"b\": null}").unwrap()).unwrap(),
            "{'a': True, 'b': None}"
        );
    }

    #[test]
    fn what_is_no_literal() {
        for (text, class) in [
            ("[foo]", "ValueError"),
            ("[1+2]", "SyntaxError"),
            ("{a: b}", "ValueError"),
            ("[1, 2", "SyntaxError"),
            ("[1 2]", "SyntaxError"),
            ("{'a': 1, 2}", "SyntaxError"),
            ("[007]", "SyntaxError"),
            ("[1__0]", "SyntaxError"),
            ("{[1]: 2}", "TypeError"),
            ("{{'a': 1}}", "TypeError"),
            ("['a]", "SyntaxError"),
            ("[1]]", "SyntaxError"),
            ("[true]", "ValueError"),
            ("", "SyntaxError"),
            ("[--1]", "ValueError"),
            ("[-'a']", "ValueError"),
            ("f'a'", "ValueError"),
            ("['a' b'b']", "SyntaxError"),
        ] {
            assert_eq!(literal_eval(text).unwrap_err().class_path(), class, "{text}");
        }
        assert!(literal_eval_json(" [1]").is_err());
    }
}
