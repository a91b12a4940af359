//! Conversion of given values to an option's type, with ansible-core's failure texts.

use crate::data::{Data, Map};
use crate::python;
use crate::spec::Kind;

const TRUE_WORDS: [&str; 6] = ["y", "yes", "on", "1", "true", "t"];
const FALSE_WORDS: [&str; 6] = ["n", "no", "off", "0", "false", "f"];

/// What path conversion needs to know of the host.
pub trait Expand {
    /// `~`, `~user`, `$VAR` and `${VAR}` expanded.
    fn expand(&mut self, text: &str) -> String;
    /// A variable of the host's environment.
    fn env(&self, name: &str) -> Option<String>;
}

/// Convert a value; the error is the tail of ansible's message.
pub fn convert(kind: Kind, value: &Data, host: &mut dyn Expand) -> Result<Data, String> {
    match kind {
        Kind::Raw => Ok(value.clone()),
        Kind::Str => Ok(python::text(value).into()),
        Kind::Path => Ok(host.expand(&python::text(value)).into()),
        Kind::Bool => boolean(value).map(Data::from),
        Kind::Int => integer(value),
        Kind::Float => float(value),
        Kind::List => list(value),
        Kind::Dict => dict(value),
        Kind::Json => json_text(value),
        Kind::Bytes => human_to_bytes(&python::text(value), false)
            .map(Data::from)
            .ok_or_else(|| refused(value, "a Byte value")),
        Kind::Bits => human_to_bytes(&python::text(value), true)
            .map(Data::from)
            .ok_or_else(|| refused(value, "a Bit value")),
    }
}

fn refused(value: &Data, wanted: &str) -> String {
    format!("{} cannot be converted to {wanted}", python::type_text(value))
}

/// ansible's booleans: true and false, 1 and 0, and the words.
pub fn boolean(value: &Data) -> Result<bool, String> {
    let known = match value {
        Data::Bool(value) => return Ok(*value),
        Data::String(text) => word(text),
        Data::Number(number) => match number.as_f64() {
            Some(1.0) => Some(true),
            Some(0.0) => Some(false),
            _ => None,
        },
        _ => return Err(refused(value, "a bool")),
    };
    known.ok_or_else(|| {
        format!(
            "The value '{}' is not a valid boolean.  Valid booleans include: 0, 1, {}",
            python::text(value),
            FALSE_WORDS
                .iter()
                .chain(&TRUE_WORDS)
                .map(|word| python::repr_str(word))
                .collect::<Vec<_>>()
                .join(", ")
        )
    })
}

fn word(text: &str) -> Option<bool> {
    let text = text.to_lowercase();
    let text = text.trim();
    if TRUE_WORDS.contains(&text) {
        Some(true)
    } else if FALSE_WORDS.contains(&text) {
        Some(false)
    } else {
        None
    }
}

/// The words of ansible for a boolean, for choices that YAML turned into one.
pub(super) fn words_of(value: bool) -> &'static [&'static str] {
    if value { &TRUE_WORDS } else { &FALSE_WORDS }
}

fn integer(value: &Data) -> Result<Data, String> {
    match value {
        // In Python a bool is an int.
        Data::Bool(_) => Ok(value.clone()),
        Data::Number(number) if !number.is_f64() => Ok(value.clone()),
        Data::String(text) => {
            python::parse_int(text, 10).map(Data::from).ok_or_else(|| refused(value, "an int"))
        }
        _ => Err(refused(value, "an int")),
    }
}

fn float(value: &Data) -> Result<Data, String> {
    let float = match value {
        Data::Bool(value) => Some(f64::from(u8::from(*value))),
        Data::Number(number) => number.as_f64(),
        Data::String(text) => text.trim().replace('_', "").parse().ok(),
        _ => None,
    };
    float.map(Data::from).ok_or_else(|| refused(value, "a float"))
}

fn list(value: &Data) -> Result<Data, String> {
    match value {
        Data::Array(_) => Ok(value.clone()),
        Data::String(text) => Ok(text.split(',').map(Data::from).collect()),
        Data::Number(_) | Data::Bool(_) => Ok(Data::Array(vec![python::text(value).into()])),
        _ => Err(refused(value, "a list")),
    }
}

/// A dictionary, JSON text or Python literal of one, or `k=v` pairs.
pub(super) fn dict(value: &Data) -> Result<Data, String> {
    match value {
        Data::Object(_) => Ok(value.clone()),
        Data::String(text) if text.starts_with('{') => serde_json::from_str(text)
            .or_else(|_| literal(text))
            .map_err(|_| "unable to evaluate string as dictionary".into()),
        Data::String(text) if text.contains('=') => pairs(text),
        Data::String(_) => Err("dictionary requested, could not parse JSON or key=value".into()),
        _ => Err(refused(value, "a dict")),
    }
}

fn pairs(text: &str) -> Result<Data, String> {
    let mut fields = Vec::new();
    let mut field = String::new();
    let (mut quote, mut escaped) = (None, false);
    for char in text.trim().chars() {
        if escaped {
            field.push(char);
            escaped = false;
        } else if char == '\\' {
            escaped = true;
        } else if quote.is_none() && (char == '\'' || char == '"') {
            quote = Some(char);
        } else if quote == Some(char) {
            quote = None;
        } else if quote.is_none() && (char == ',' || char == ' ') {
            fields.push(std::mem::take(&mut field));
        } else {
            field.push(char);
        }
    }
    fields.push(field);
    let mut map = Map::new();
    for (at, field) in fields.iter().filter(|field| !field.is_empty()).enumerate() {
        let (key, value) = field.split_once('=').ok_or_else(|| {
            format!("dictionary update sequence element #{at} has length 1; 2 is required")
        })?;
        map.insert(key.into(), value.into());
    }
    Ok(map.into())
}

/// A Python literal of dictionaries, lists, texts, numbers and constants.
fn literal(text: &str) -> Result<Data, ()> {
    let mut reader = Literal { rest: text };
    let value = reader.value()?;
    reader.blanks();
    if reader.rest.is_empty() { Ok(value) } else { Err(()) }
}

struct Literal<'a> {
    rest: &'a str,
}

impl Literal<'_> {
    fn blanks(&mut self) {
        self.rest = self.rest.trim_start();
    }

    fn eat(&mut self, token: &str) -> bool {
        self.blanks();
        match self.rest.strip_prefix(token) {
            Some(rest) => {
                self.rest = rest;
                true
            }
            None => false,
        }
    }

    fn value(&mut self) -> Result<Data, ()> {
        self.blanks();
        for (name, value) in
            [("True", Data::Bool(true)), ("False", Data::Bool(false)), ("None", Data::Null)]
        {
            if self.eat(name) {
                return Ok(value);
            }
        }
        match self.rest.chars().next().ok_or(())? {
            '{' => self.dict(),
            '[' => self.list('[', "]"),
            '(' => self.list('(', ")"),
            quote @ ('\'' | '"') => self.string(quote).map(Data::from),
            _ => self.number(),
        }
    }

    fn dict(&mut self) -> Result<Data, ()> {
        self.rest = &self.rest[1..];
        let mut map = Map::new();
        while !self.eat("}") {
            let key = python::text(&self.value()?);
            if !self.eat(":") {
                return Err(());
            }
            let value = self.value()?;
            map.insert(key, value);
            if !self.eat(",") && !self.rest.starts_with('}') {
                return Err(());
            }
        }
        Ok(map.into())
    }

    fn list(&mut self, open: char, close: &str) -> Result<Data, ()> {
        self.rest = &self.rest[open.len_utf8()..];
        let mut items = Vec::new();
        while !self.eat(close) {
            items.push(self.value()?);
            if !self.eat(",") && !self.rest.starts_with(close) {
                return Err(());
            }
        }
        Ok(items.into())
    }

    fn string(&mut self, quote: char) -> Result<String, ()> {
        let mut out = String::new();
        let mut chars = self.rest.char_indices().skip(1);
        while let Some((at, char)) = chars.next() {
            if char == quote {
                self.rest = &self.rest[at + 1..];
                return Ok(out);
            }
            if char != '\\' {
                out.push(char);
                continue;
            }
            match chars.next().ok_or(())?.1 {
                'n' => out.push('\n'),
                't' => out.push('\t'),
                'r' => out.push('\r'),
                '\n' => {}
                char @ ('\\' | '\'' | '"') => out.push(char),
                'x' => {
                    let digits: String = chars.by_ref().take(2).map(|(_, char)| char).collect();
                    out.push(
                        u32::from_str_radix(&digits, 16).ok().and_then(char::from_u32).ok_or(())?,
                    );
                }
                char => {
                    out.push('\\');
                    out.push(char);
                }
            }
        }
        Err(())
    }

    fn number(&mut self) -> Result<Data, ()> {
        let end = self
            .rest
            .find(|char: char| !(char.is_ascii_alphanumeric() || "+-._".contains(char)))
            .unwrap_or(self.rest.len());
        let (number, rest) = self.rest.split_at(end);
        self.rest = rest;
        if let Some(int) = python::parse_int(number, 10) {
            return Ok(int.into());
        }
        number.parse::<f64>().map(Data::from).map_err(|_| ())
    }
}

fn json_text(value: &Data) -> Result<Data, String> {
    match value {
        Data::String(text) => Ok(text.trim().into()),
        Data::Array(_) | Data::Object(_) => Ok(dumps(value).into()),
        _ => Err(refused(value, "a json string")),
    }
}

/// `json.dumps` with Python's separators and ASCII only.
pub fn dumps(value: &Data) -> String {
    match value {
        Data::Array(items) => {
            format!("[{}]", items.iter().map(dumps).collect::<Vec<_>>().join(", "))
        }
        Data::Object(map) => {
            let items: Vec<String> = map
                .iter()
                .map(|(key, value)| format!("{}: {}", dumps_str(key), dumps(value)))
                .collect();
            format!("{{{}}}", items.join(", "))
        }
        Data::String(text) => dumps_str(text),
        Data::Number(number) if number.is_f64() => python::repr(value),
        other => other.to_string(),
    }
}

fn dumps_str(text: &str) -> String {
    let quoted = Data::from(text).to_string();
    let mut out = String::with_capacity(quoted.len());
    let mut units = [0; 2];
    for char in quoted.chars() {
        if char.is_ascii() {
            out.push(char);
        } else {
            for unit in char.encode_utf16(&mut units) {
                out.push_str(&format!("\\u{unit:04x}"));
            }
        }
    }
    out
}

/// `10M` as a number; with `bits`, the unit must not be a byte's.
pub fn human_to_bytes(text: &str, bits: bool) -> Option<i64> {
    let text = text.trim_start();
    let digits = text.find(|char: char| !char.is_ascii_digit()).unwrap_or(text.len());
    let end = match text[digits..].strip_prefix('.') {
        Some(rest) => {
            digits + 1 + rest.find(|char: char| !char.is_ascii_digit()).unwrap_or(rest.len())
        }
        None => digits,
    };
    let number: f64 = text[..end].parse().ok()?;
    let unit: String =
        text[end..].trim_start().chars().take_while(char::is_ascii_alphabetic).collect();
    let Some(first) = unit.chars().next() else {
        return Some(round_half_even(number));
    };
    let power = match first.to_ascii_uppercase() {
        'B' => 0,
        other => "KMGTPEZY".find(other)? as i32 + 1,
    };
    let (class, class_name) = if bits { ('b', "bit") } else { ('B', "byte") };
    if unit.len() > 1
        && !unit.to_lowercase().contains(class_name)
        && unit.chars().nth(1) != Some(class)
    {
        return None;
    }
    Some(round_half_even(number * 1024f64.powi(power)))
}

fn round_half_even(number: f64) -> i64 {
    number.round_ties_even() as i64
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test may fail")]
mod tests {
    use super::*;
    use serde_json::json;

    struct Nowhere;

    impl Expand for Nowhere {
        fn expand(&mut self, text: &str) -> String {
            text.replace('~', "/home")
        }

        fn env(&self, _: &str) -> Option<String> {
            None
        }
    }

    fn converted(kind: Kind, value: Data) -> Result<Data, String> {
        convert(kind, &value, &mut Nowhere)
    }

    #[test]
    fn booleans() {
        for yes in [json!(true), json!("Yes"), json!(" on "), json!(1), json!(1.0), json!("T")] {
            assert_eq!(converted(Kind::Bool, yes), Ok(json!(true)));
        }
        assert_eq!(converted(Kind::Bool, json!("off")), Ok(json!(false)));
        assert!(
            converted(Kind::Bool, json!("maybe"))
                .unwrap_err()
                .starts_with("The value 'maybe' is not a valid boolean.  Valid booleans include: ")
        );
        assert_eq!(
            converted(Kind::Bool, json!([])),
            Err("<class 'list'> cannot be converted to a bool".into())
        );
    }

    #[test]
    fn numbers_lists_and_texts() {
        assert_eq!(converted(Kind::Int, json!(" 12 ")), Ok(json!(12)));
        assert_eq!(
            converted(Kind::Int, json!(1.5)),
            Err("<class 'float'> cannot be converted to an int".into())
        );
        assert_eq!(converted(Kind::Float, json!("1.5")), Ok(json!(1.5)));
        assert_eq!(converted(Kind::List, json!("a,b")), Ok(json!(["a", "b"])));
        assert_eq!(converted(Kind::List, json!(3)), Ok(json!(["3"])));
        assert_eq!(converted(Kind::Str, json!({"a": true})), Ok(json!("{'a': True}")));
        assert_eq!(converted(Kind::Path, json!("~/x")), Ok(json!("/home/x")));
        assert_eq!(
            converted(Kind::Json, json!({"a": ["ü", null]})),
            Ok(json!("{\"a\": [\"\\u00fc\", null]}"))
        );
    }

    #[test]
    fn dictionaries() {
        assert_eq!(converted(Kind::Dict, json!("{\"a\": 1}")), Ok(json!({"a": 1})));
        assert_eq!(
            converted(Kind::Dict, json!("{'a': [1, True, ('x',)]}")),
            Ok(json!({"a": [1, true, ["x"]]}))
        );
        assert_eq!(
            converted(Kind::Dict, json!("a=1, b='x y' c=d=e")),
            Ok(json!({"a": "1", "b": "x y", "c": "d=e"}))
        );
        assert_eq!(
            converted(Kind::Dict, json!("{a")),
            Err("unable to evaluate string as dictionary".into())
        );
        assert_eq!(
            converted(Kind::Dict, json!("x")),
            Err("dictionary requested, could not parse JSON or key=value".into())
        );
        assert_eq!(
            converted(Kind::Dict, json!("a=1 b")),
            Err("dictionary update sequence element #1 has length 1; 2 is required".into())
        );
    }

    #[test]
    fn sizes() {
        for (text, bits, expected) in [
            ("10M", false, Some(10 << 20)),
            ("1.5KB", false, Some(1536)),
            ("1b", false, Some(1)),
            ("1Kb", false, None),
            ("1Mb", true, Some(1 << 20)),
            ("12", false, Some(12)),
            ("2 megabytes", false, Some(2 << 20)),
            ("x", false, None),
        ] {
            assert_eq!(human_to_bytes(text, bits), expected, "{text}");
        }
    }
}
