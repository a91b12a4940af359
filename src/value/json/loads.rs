//! `json.loads`.

use num_bigint::BigInt;

use crate::value::{Dict, Key, PyError, PyErrorKind, PyResult, Value, codec};

/// Reads JSON as Python does (NaN and the infinities too), with its errors.
pub fn loads(text: &str) -> PyResult<Value> {
    let mut parser = Parser { text, at: 0, depth: 0 };
    if text.starts_with('\u{feff}') {
        return Err(parser.error("Unexpected UTF-8 BOM (decode using utf-8-sig)", 0));
    }
    parser.space();
    let value = parser.value()?;
    parser.space();
    if parser.at < text.len() {
        return Err(parser.error("Extra data", parser.at));
    }
    Ok(value)
}

/// Python's recursion limit ends a deeper text.
const DEEPEST: usize = 900;

struct Parser<'t> {
    text: &'t str,
    at: usize,
    depth: usize,
}

impl Parser<'_> {
    fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    fn space(&mut self) {
        while matches!(self.peek(), Some(b' ' | b'\t' | b'\n' | b'\r')) {
            self.at += 1;
        }
    }

    /// An error at byte `at`; Python counts characters.
    fn error(&self, message: &str, at: usize) -> PyError {
        let before = &self.text[..at];
        let line = before.matches('\n').count() + 1;
        let column = before.rsplit('\n').next().map_or(0, |l| l.chars().count()) + 1;
        let place = before.chars().count();
        PyError::new(
            PyErrorKind::Other("json.decoder.JSONDecodeError"),
            format!("{message}: line {line} column {column} (char {place})"),
        )
    }

    fn value(&mut self) -> PyResult<Value> {
        let rest = &self.text[self.at..];
        for (word, value) in [
            ("null", Value::None),
            ("true", Value::Bool(true)),
            ("false", Value::Bool(false)),
            ("NaN", Value::Float(f64::NAN)),
            ("Infinity", Value::Float(f64::INFINITY)),
            ("-Infinity", Value::Float(f64::NEG_INFINITY)),
        ] {
            if rest.starts_with(word) {
                self.at += word.len();
                return Ok(value);
            }
        }
        match self.peek() {
            Some(b'"') => self.string().map(Value::from),
            Some(b'{') => self.nested(Self::object),
            Some(b'[') => self.nested(Self::array),
            Some(b'-' | b'0'..=b'9') => self.number(),
            _ => Err(self.error("Expecting value", self.at)),
        }
    }

    fn nested(&mut self, read: fn(&mut Self) -> PyResult<Value>) -> PyResult<Value> {
        self.depth += 1;
        if self.depth > DEEPEST {
            return Err(PyError::new(
                PyErrorKind::Other("RecursionError"),
                "maximum recursion depth exceeded while decoding a JSON array from a unicode string",
            ));
        }
        self.at += 1;
        let value = read(self)?;
        self.depth -= 1;
        Ok(value)
    }

    fn array(&mut self) -> PyResult<Value> {
        let mut items = Vec::new();
        self.space();
        if self.peek() == Some(b']') {
            self.at += 1;
            return Ok(Value::list(items));
        }
        loop {
            items.push(self.value()?);
            self.space();
            match self.peek() {
                Some(b',') => self.at += 1,
                Some(b']') => {
                    self.at += 1;
                    return Ok(Value::list(items));
                }
                _ => return Err(self.error("Expecting ',' delimiter", self.at)),
            }
            self.space();
        }
    }

    fn object(&mut self) -> PyResult<Value> {
        let dict = Dict::new();
        self.space();
        if self.peek() == Some(b'}') {
            self.at += 1;
            return Ok(dict.into());
        }
        loop {
            if self.peek() != Some(b'"') {
                return Err(
                    self.error("Expecting property name enclosed in double quotes", self.at)
                );
            }
            let key = self.string()?;
            self.space();
            if self.peek() != Some(b':') {
                return Err(self.error("Expecting ':' delimiter", self.at));
            }
            self.at += 1;
            self.space();
            let value = self.value()?;
            dict.write().insert(Key::from(key), value);
            self.space();
            match self.peek() {
                Some(b',') => self.at += 1,
                Some(b'}') => {
                    self.at += 1;
                    return Ok(dict.into());
                }
                _ => return Err(self.error("Expecting ',' delimiter", self.at)),
            }
            self.space();
        }
    }

    fn digits(&mut self) -> usize {
        let start = self.at;
        while self.peek().is_some_and(|b| b.is_ascii_digit()) {
            self.at += 1;
        }
        self.at - start
    }

    fn number(&mut self) -> PyResult<Value> {
        let start = self.at;
        if self.peek() == Some(b'-') {
            self.at += 1;
        }
        if self.peek() == Some(b'0') {
            self.at += 1;
        } else if self.digits() == 0 {
            self.at = start;
            return Err(self.error("Expecting value", start));
        }
        let mut float = false;
        let whole = self.at;
        if self.peek() == Some(b'.') {
            self.at += 1;
            if self.digits() == 0 {
                self.at = whole;
            } else {
                float = true;
            }
        }
        let mantissa = self.at;
        if matches!(self.peek(), Some(b'e' | b'E')) {
            self.at += 1;
            if matches!(self.peek(), Some(b'+' | b'-')) {
                self.at += 1;
            }
            if self.digits() == 0 {
                self.at = mantissa;
            } else {
                float = true;
            }
        }
        let text = &self.text[start..self.at];
        if float {
            return Ok(Value::Float(text.parse().unwrap_or(f64::NAN)));
        }
        // The text is digits with a sign at most.
        Ok(Value::big(text.parse::<BigInt>().unwrap_or_default()))
    }

    fn string(&mut self) -> PyResult<String> {
        let begin = self.at;
        self.at += 1;
        let mut out = String::new();
        loop {
            let rest = &self.text[self.at..];
            let Some(c) = rest.chars().next() else {
                return Err(self.error("Unterminated string starting at", begin));
            };
            match c {
                '"' => {
                    self.at += 1;
                    return Ok(out);
                }
                '\\' => {
                    self.at += 1;
                    self.escape(&mut out, begin)?;
                }
                c if c < ' ' => {
                    return Err(self.error("Invalid control character at", self.at));
                }
                c => {
                    out.push(c);
                    self.at += c.len_utf8();
                }
            }
        }
    }

    fn escape(&mut self, out: &mut String, begin: usize) -> PyResult<()> {
        let Some(c) = self.peek() else {
            return Err(self.error("Unterminated string starting at", begin));
        };
        let plain = match c {
            b'"' => '"',
            b'\\' => '\\',
            b'/' => '/',
            b'b' => '\x08',
            b'f' => '\x0c',
            b'n' => '\n',
            b'r' => '\r',
            b't' => '\t',
            b'u' => {
                let first = self.unit()?;
                out.push(self.combine(first)?);
                return Ok(());
            }
            _ => return Err(self.error("Invalid \\escape", self.at - 1)),
        };
        self.at += 1;
        out.push(plain);
        Ok(())
    }

    /// The code unit after `\u`.
    fn unit(&mut self) -> PyResult<u16> {
        let digits = self.text.get(self.at + 1..self.at + 5);
        let unit = digits
            .filter(|d| d.bytes().all(|b| b.is_ascii_hexdigit()))
            .and_then(|d| u16::from_str_radix(d, 16).ok())
            .ok_or_else(|| self.error("Invalid \\uXXXX escape", self.at))?;
        self.at += 5;
        Ok(unit)
    }

    fn combine(&mut self, first: u16) -> PyResult<char> {
        let rest = &self.text[self.at..];
        if (0xd800..0xdc00).contains(&first) && rest.starts_with("\\u") {
            let before = self.at;
            self.at += 1;
            let second = self.unit()?;
            if let Some(Ok(c)) = char::decode_utf16([first, second]).next() {
                return Ok(c);
            }
            self.at = before;
        }
        if let 0xdc80..=0xdcff = first {
            // What Python has for a byte that is no text.
            return Ok(codec::undecoded(first.to_be_bytes()[1]));
        }
        // A lone surrogate, which our text can't hold.
        Ok(char::from_u32(u32::from(first)).unwrap_or('\u{fffd}'))
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;
    use crate::value::repr::repr;

    #[test]
    fn texts() {
        for (text, shown) in [
            (
                r#" {"a": [1, -2.5, 1e3, null], "b": "\u00e9\ud83d\ude00\n\/"} "#,
                "{'a': [1, -2.5, 1000.0, None], 'b': 'é😀\\n/'}",
            ),
            ("123456789012345678901234567890", "123456789012345678901234567890"),
            ("[NaN, Infinity, -Infinity]", "[nan, inf, -inf]"),
            ("-0", "0"),
            ("-0.0", "-0.0"),
        ] {
            assert_eq!(repr(&loads(text).unwrap()).unwrap(), shown, "{text}");
        }
        for (text, message) in [
            ("", "Expecting value: line 1 column 1 (char 0)"),
            ("[1,]", "Expecting value: line 1 column 4 (char 3)"),
            (
                "{\"a\":1,}",
                "Expecting property name enclosed in double quotes: line 1 column 8 (char 7)",
            ),
            (
                "{'a':1}",
                "Expecting property name enclosed in double quotes: line 1 column 2 (char 1)",
            ),
            ("[1 2]", "Expecting ',' delimiter: line 1 column 4 (char 3)"),
            ("{\"a\" 1}", "Expecting ':' delimiter: line 1 column 6 (char 5)"),
            ("1 2", "Extra data: line 1 column 3 (char 2)"),
            ("\n\"a", "Unterminated string starting at: line 2 column 1 (char 1)"),
            ("\"a\nb\"", "Invalid control character at: line 1 column 3 (char 2)"),
            ("\"\\q\"", "Invalid \\escape: line 1 column 2 (char 1)"),
            ("\"\\u12\"", "Invalid \\uXXXX escape: line 1 column 3 (char 2)"),
            ("01", "Extra data: line 1 column 2 (char 1)"),
            ("1.", "Extra data: line 1 column 2 (char 1)"),
        ] {
            assert_eq!(loads(text).unwrap_err().message, message, "{text}");
        }
    }
}
