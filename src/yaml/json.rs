//! JSON text as Python's `json` reads it, which ansible tries before YAML; with places.

use std::sync::Arc;

use indexmap::map::Entry;
use num_bigint::BigInt;

use super::{Node, NodeKind};
use crate::{
    diagnostic::{Source, Span},
    value::{Decrypt, Value, Vaulted},
};

/// Deeper texts are left to YAML, which refuses them too (Python gives up somewhat later).
const MAX_DEPTH: usize = 256;
/// `sys.get_int_max_str_digits()`.
const MAX_DIGITS: usize = 4300;

/// The value of a JSON text, or Python's text of what is wrong with it.
pub(super) fn decode(
    source: &Arc<Source>,
    secrets: Option<&Arc<dyn Decrypt>>,
) -> Result<Node, String> {
    let text = source.text();
    let mut decoder = Decoder { source, secrets, text: text.as_bytes(), at: 0 };
    let node = if text.starts_with('\u{feff}') {
        Err(Wrong("Unexpected UTF-8 BOM (decode using utf-8-sig)".into(), Some(0)))
    } else {
        decoder.document()
    };
    node.map_err(|Wrong(what, at)| match at {
        Some(at) => format!("{what}: {}", place(text, at)),
        None => what,
    })
}

/// What is wrong, and at which byte.
struct Wrong(String, Option<usize>);

fn place(text: &str, at: usize) -> String {
    let before = text.get(..at).unwrap_or(text);
    let line = before.matches('\n').count() + 1;
    let start = before.rfind('\n').map_or(0, |i| i + 1);
    let column = before[start..].chars().count() + 1;
    format!("line {line} column {column} (char {})", before.chars().count())
}

struct Decoder<'a> {
    source: &'a Arc<Source>,
    secrets: Option<&'a Arc<dyn Decrypt>>,
    text: &'a [u8],
    at: usize,
}

impl Decoder<'_> {
    fn document(&mut self) -> Result<Node, Wrong> {
        self.blanks();
        let node = self.value(0)?;
        self.blanks();
        match self.at == self.text.len() {
            true => Ok(node),
            false => Err(self.wrong("Extra data", self.at)),
        }
    }

    fn wrong(&self, what: &str, at: usize) -> Wrong {
        Wrong(what.to_owned(), Some(at))
    }

    fn peek(&self) -> Option<u8> {
        self.text.get(self.at).copied()
    }

    fn blanks(&mut self) {
        while matches!(self.peek(), Some(b' ' | b'\t' | b'\n' | b'\r')) {
            self.at += 1;
        }
    }

    fn take(&mut self, word: &str) -> bool {
        let found = self.text[self.at..].starts_with(word.as_bytes());
        if found {
            self.at += word.len();
        }
        found
    }

    fn value(&mut self, depth: usize) -> Result<Node, Wrong> {
        let start = self.at;
        let kind = match self.peek() {
            Some(b'"') => NodeKind::Scalar(Value::from(self.string()?)),
            Some(b'{') => return self.object(depth),
            Some(b'[') => self.array(depth)?,
            Some(b'n') if self.take("null") => NodeKind::Scalar(Value::None),
            Some(b't') if self.take("true") => NodeKind::Scalar(Value::Bool(true)),
            Some(b'f') if self.take("false") => NodeKind::Scalar(Value::Bool(false)),
            Some(b'N') if self.take("NaN") => NodeKind::Scalar(Value::Float(f64::NAN)),
            Some(b'I') if self.take("Infinity") => NodeKind::Scalar(Value::Float(f64::INFINITY)),
            Some(b'-') if self.take("-Infinity") => {
                NodeKind::Scalar(Value::Float(f64::NEG_INFINITY))
            }
            _ => NodeKind::Scalar(self.number()?),
        };
        Ok(Node { kind, span: self.span(start) })
    }

    fn span(&self, start: usize) -> Span {
        let byte = |n: usize| u32::try_from(n).unwrap_or(u32::MAX);
        Span::new(self.source, byte(start), byte(self.at))
    }

    fn deep(depth: usize, what: &str) -> Result<(), Wrong> {
        if depth < MAX_DEPTH {
            return Ok(());
        }
        let text = format!(
            "maximum recursion depth exceeded while decoding a JSON {what} from a unicode string"
        );
        Err(Wrong(text, None))
    }

    fn array(&mut self, depth: usize) -> Result<NodeKind, Wrong> {
        Self::deep(depth, "array")?;
        self.at += 1;
        self.blanks();
        let mut items = Vec::new();
        if self.peek() != Some(b']') {
            loop {
                items.push(self.value(depth + 1)?);
                self.blanks();
                match self.peek() {
                    Some(b']') => break,
                    Some(b',') => self.at += 1,
                    _ => return Err(self.wrong("Expecting ',' delimiter", self.at)),
                }
                self.blanks();
            }
        }
        self.at += 1;
        Ok(NodeKind::Seq(items.into()))
    }

    fn object(&mut self, depth: usize) -> Result<Node, Wrong> {
        Self::deep(depth, "object")?;
        let start = self.at;
        self.at += 1;
        self.blanks();
        let mut entries = indexmap::IndexMap::<String, (Node, Node)>::new();
        if self.peek() != Some(b'}') {
            loop {
                if self.peek() != Some(b'"') {
                    let what = "Expecting property name enclosed in double quotes";
                    return Err(self.wrong(what, self.at));
                }
                let key_start = self.at;
                let key = self.string()?;
                let key_span = self.span(key_start);
                self.blanks();
                if self.peek() != Some(b':') {
                    return Err(self.wrong("Expecting ':' delimiter", self.at));
                }
                self.at += 1;
                self.blanks();
                let value = self.value(depth + 1)?;
                let node =
                    Node { kind: NodeKind::Scalar(Value::str(key.as_str())), span: key_span };
                match entries.entry(key) {
                    Entry::Occupied(mut entry) => entry.get_mut().1 = value,
                    Entry::Vacant(entry) => {
                        entry.insert((node, value));
                    }
                }
                self.blanks();
                match self.peek() {
                    Some(b'}') => break,
                    Some(b',') => self.at += 1,
                    _ => return Err(self.wrong("Expecting ',' delimiter", self.at)),
                }
                self.blanks();
            }
        }
        self.at += 1;
        Ok(self.hooked(entries, start))
    }

    /// ansible's JSON forms of vaulted and unsafe values.
    fn hooked(&self, entries: indexmap::IndexMap<String, (Node, Node)>, start: usize) -> Node {
        let span = self.span(start);
        for (key, (_, value)) in &entries {
            match (key.as_str(), &value.kind) {
                ("__ansible_vault", NodeKind::Scalar(Value::Str(ciphertext))) => {
                    let secrets = self
                        .secrets
                        .cloned()
                        .unwrap_or_else(|| Arc::new(super::construct::NoSecrets));
                    let vaulted =
                        Vaulted::new(Arc::clone(ciphertext.shared()), secrets, Some(span.clone()));
                    return Node {
                        kind: NodeKind::Scalar(Value::Vaulted(Arc::new(vaulted))),
                        span,
                    };
                }
                ("__ansible_unsafe", _) => return value.clone().into_unsafe(),
                _ => {}
            }
        }
        Node { kind: NodeKind::Map(entries.into_values().collect::<Vec<_>>().into()), span }
    }

    fn digits(&mut self) -> usize {
        let from = self.at;
        while self.peek().is_some_and(|b| b.is_ascii_digit()) {
            self.at += 1;
        }
        self.at - from
    }

    fn number(&mut self) -> Result<Value, Wrong> {
        let start = self.at;
        if self.peek() == Some(b'-') {
            self.at += 1;
        }
        match self.peek() {
            Some(b'0') => self.at += 1,
            Some(b'1'..=b'9') => {
                self.digits();
            }
            _ => {
                self.at = start;
                return Err(self.wrong("Expecting value", start));
            }
        }
        let mut float = false;
        let whole = self.at;
        if self.peek() == Some(b'.') {
            self.at += 1;
            match self.digits() {
                0 => self.at = whole,
                _ => float = true,
            }
        }
        let mantissa = self.at;
        if matches!(self.peek(), Some(b'e' | b'E')) {
            self.at += 1;
            if matches!(self.peek(), Some(b'+' | b'-')) {
                self.at += 1;
            }
            match self.digits() {
                0 => self.at = mantissa,
                _ => float = true,
            }
        }
        // Only ASCII was passed over.
        let text = std::str::from_utf8(&self.text[start..self.at]).unwrap_or_default();
        if float {
            return Ok(Value::Float(text.parse().unwrap_or(f64::NAN)));
        }
        let digits = text.trim_start_matches('-').len();
        if digits > MAX_DIGITS {
            return Err(Wrong(
                format!(
                    "Exceeds the limit ({MAX_DIGITS} digits) for integer string conversion: value has \
                     {digits} digits; use sys.set_int_max_str_digits() to increase the limit"
                ),
                None,
            ));
        }
        Ok(Value::big(text.parse::<BigInt>().unwrap_or_default()))
    }

    fn string(&mut self) -> Result<String, Wrong> {
        let begin = self.at;
        self.at += 1;
        let mut out = Vec::new();
        loop {
            match self.peek() {
                None => return Err(self.wrong("Unterminated string starting at", begin)),
                Some(b'"') => break,
                Some(b'\\') => self.escape(begin, &mut out)?,
                Some(0..0x20) => return Err(self.wrong("Invalid control character at", self.at)),
                Some(byte) => {
                    out.push(byte);
                    self.at += 1;
                }
            }
        }
        self.at += 1;
        // The input was UTF-8 and escapes add whole characters.
        Ok(String::from_utf8_lossy(&out).into_owned())
    }

    fn escape(&mut self, begin: usize, out: &mut Vec<u8>) -> Result<(), Wrong> {
        self.at += 1;
        let Some(byte) = self.peek() else {
            return Err(self.wrong("Unterminated string starting at", begin));
        };
        let plain = match byte {
            b'"' | b'\\' | b'/' => byte,
            b'b' => 8,
            b'f' => 12,
            b'n' => b'\n',
            b'r' => b'\r',
            b't' => b'\t',
            b'u' => {
                let c = self.unicode()?;
                out.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes());
                return Ok(());
            }
            _ => return Err(self.wrong("Invalid \\escape", self.at - 1)),
        };
        out.push(plain);
        self.at += 1;
        Ok(())
    }

    /// Reads `uXXXX`, with a low surrogate after it where it needs one.
    fn unicode(&mut self) -> Result<char, Wrong> {
        let at = self.at;
        let high = self.hex4(at + 1).ok_or_else(|| self.wrong("Invalid \\uXXXX escape", at))?;
        self.at += 5;
        if (0xd800..0xdc00).contains(&high) && self.text[self.at..].starts_with(b"\\u") {
            let low = self.at + 1;
            let second =
                self.hex4(low + 1).ok_or_else(|| self.wrong("Invalid \\uXXXX escape", low))?;
            if (0xdc00..0xe000).contains(&second) {
                self.at += 6;
                let c = 0x10000 + ((high - 0xd800) << 10) + (second - 0xdc00);
                return Ok(char::from_u32(c).unwrap_or(char::REPLACEMENT_CHARACTER));
            }
        }
        // Python keeps a lone surrogate; no text that leaves Python can.
        Ok(char::from_u32(high).unwrap_or(char::REPLACEMENT_CHARACTER))
    }

    fn hex4(&self, at: usize) -> Option<u32> {
        let digits = self.text.get(at..at + 4)?;
        digits
            .iter()
            .try_fold(0, |n, b| Some(n * 16 + char::from(*b).to_digit(16)?))
            // Python wants a character after the digits, the closing quote at least.
            .filter(|_| at + 4 < self.text.len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(text: &str) -> String {
        match decode(&Source::new("t", text), None) {
            Ok(node) => format!("{:?}", node.to_value()),
            Err(wrong) => wrong,
        }
    }

    #[test]
    fn mistakes_read_as_in_python() {
        for (text, wrong) in [
            ("", "Expecting value: line 1 column 1 (char 0)"),
            ("a: 1\n", "Expecting value: line 1 column 1 (char 0)"),
            (
                "{\"é\": 1,}",
                "Expecting property name enclosed in double quotes: line 1 column 9 (char 8)",
            ),
            ("{\"a\" 1}", "Expecting ':' delimiter: line 1 column 6 (char 5)"),
            ("{\"a\": 1 2}", "Expecting ',' delimiter: line 1 column 9 (char 8)"),
            ("[1,\n2 3]", "Expecting ',' delimiter: line 2 column 3 (char 6)"),
            ("[1,]", "Expecting value: line 1 column 4 (char 3)"),
            ("\"abc", "Unterminated string starting at: line 1 column 1 (char 0)"),
            ("\"a\nb\"", "Invalid control character at: line 1 column 3 (char 2)"),
            ("\"\\q\"", "Invalid \\escape: line 1 column 2 (char 1)"),
            ("\"\\u12\"", "Invalid \\uXXXX escape: line 1 column 3 (char 2)"),
            ("1 2", "Extra data: line 1 column 3 (char 2)"),
            ("-", "Expecting value: line 1 column 1 (char 0)"),
            ("01", "Extra data: line 1 column 2 (char 1)"),
        ] {
            assert_eq!(shown(text), wrong, "{text:?}");
        }
    }

    #[test]
    fn values_are_pythons() {
        assert!(matches!(
            decode(&Source::new("t", "1E5"), None).map(|n| n.to_value()),
            Ok(Value::Float(n)) if n == 100_000.0
        ));
        let node =
            decode(&Source::new("t", r#"{"a": "\ud83d\ude00", "a": [NaN, -Infinity, 1.0]}"#), None);
        let list = node.ok().and_then(|n| n.get("a").cloned());
        assert_eq!(list.as_ref().and_then(Node::as_seq).map(<[Node]>::len), Some(3));
        let hidden = decode(&Source::new("t", r#"{"x": {"__ansible_unsafe": "{{ a }}"}}"#), None);
        let hidden = hidden.ok().and_then(|n| n.get("x").map(Node::to_value));
        assert!(matches!(hidden, Some(Value::Str(s)) if s.is_unsafe()));
    }
}
