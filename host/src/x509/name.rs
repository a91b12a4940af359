//! Names of persons and machines: lists of attributes.

use super::der::{self, IA5, OID, PRINTABLE, Reader, SEQUENCE, SET, UTF8};
use super::oid;
use crate::data::{Data, Map};
use crate::outcome::Failure;

/// Part of a name: the identifier of its kind, and its text.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Attribute {
    pub oid: String,
    pub text: String,
}

impl Attribute {
    /// By the name of its kind.
    pub fn named(kind: &str, text: &str) -> Result<Attribute, Failure> {
        let oid = oid::of_name(kind)
            .ok_or_else(|| Failure::new(format!("Cannot find OID for \"{kind}\"")))?;
        Ok(Attribute { oid, text: text.to_owned() })
    }

    /// What is wrong with its length, in Python's words.
    pub fn flaw(&self) -> Option<String> {
        let (least, most) = match self.oid.as_str() {
            "2.5.4.6" | "1.3.6.1.4.1.311.60.2.1.3" => (2, 2),
            "2.5.4.3" => (1, 64),
            _ => return None,
        };
        let length = self.text.len();
        (length < least || length > most).then(|| {
            format!("Attribute's length must be >= {least} and <= {most}, but it was {length}")
        })
    }

    /// `SEQUENCE` of its kind and its text.
    pub fn write(&self) -> Vec<u8> {
        let tag = match self.oid.as_str() {
            "2.5.4.6" | "2.5.4.5" | "2.5.4.46" | "1.3.6.1.4.1.311.60.2.1.3" => PRINTABLE,
            "1.2.840.113549.1.9.1" | "0.9.2342.19200300.100.1.25" => IA5,
            _ => UTF8,
        };
        let oid = der::oid(&self.oid).unwrap_or_default();
        der::of(SEQUENCE, &[oid, der::tlv(tag, self.text.as_bytes())])
    }
}

/// A name that is made of attributes.
pub fn subject(attributes: &[Attribute]) -> Vec<u8> {
    let sets: Vec<_> = attributes.iter().map(|part| der::of(SET, &[part.write()])).collect();
    der::of(SEQUENCE, &sets)
}

/// The attributes of a name.
pub(super) fn read(whole: &[u8]) -> Option<Vec<Attribute>> {
    let mut all = Vec::new();
    for set in Reader(whole).enter(SEQUENCE)? {
        for part in Reader(set.body) {
            let mut fields = Reader(part.body);
            let oid = der::oid_text(fields.next_of(OID)?.body);
            let value = fields.next()?;
            all.push(Attribute { oid, text: text(value) });
        }
    }
    Some(all)
}

fn text(value: der::Tlv<'_>) -> String {
    let wide = |chunk: &[u8]| u16::from_be_bytes([chunk[0], chunk[1]]);
    match value.tag {
        // BMPString, T61String.
        0x1e => String::from_utf16_lossy(&value.body.chunks_exact(2).map(wide).collect::<Vec<_>>()),
        0x14 => value.body.iter().map(|byte| char::from(*byte)).collect(),
        _ => String::from_utf8_lossy(value.body).into_owned(),
    }
}

/// A name as results show it: kinds and texts, in order and as a dictionary.
pub(super) fn told(attributes: &[Attribute]) -> (Data, Data) {
    let pairs = attributes.iter().map(|part| (oid::name_of(&part.oid), part.text.clone()));
    let dict: Map = pairs.clone().map(|(kind, text)| (kind, text.into())).collect();
    let ordered = pairs.map(|(kind, text)| Data::from(vec![kind, text])).collect();
    (dict.into(), ordered)
}

/// A name in one line: `CN=web,O=Example`, or `/O=Example/CN=web`.
pub(super) fn parse(line: &str) -> Result<Vec<Attribute>, Failure> {
    let failed = |why: String| {
        Failure::new(format!("Error while parsing distinguished name \"{line}\": {why}"))
    };
    let mut rest = line.trim_start();
    let mut separator = ',';
    if let Some(after) = rest.strip_prefix('/') {
        (separator, rest) = ('/', after);
    }
    let mut all = Vec::new();
    while !rest.is_empty() {
        let (part, after) = component(rest, separator).map_err(|why| failed(why.msg))?;
        all.push(part);
        rest = match after.strip_prefix(separator) {
            Some(more) if !more.is_empty() => more,
            None if after.is_empty() => after,
            _ => return Err(failed("unexpected end of string".into())),
        };
    }
    Ok(all)
}

/// `KIND=TEXT` as it is: an attribute of a relative name.
pub fn relative(part: &str) -> Result<Attribute, Failure> {
    let (kind, text) = head(part)?;
    Attribute::named(kind, text)
}

fn head(part: &str) -> Result<(&str, &str), Failure> {
    let bad = || Failure::new(format!("cannot start part in \"{part}\""));
    let (kind, text) = part.split_once('=').ok_or_else(bad)?;
    let kind = kind.trim_matches(' ');
    let known = !kind.is_empty() && kind.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'.');
    if known { Ok((kind, text.trim_start_matches(' '))) } else { Err(bad()) }
}

/// One attribute, and what comes after it.
fn component(line: &str, separator: char) -> Result<(Attribute, &str), Failure> {
    let (kind, text) = head(line)?;
    let digit = |byte: Option<&u8>| char::from(*byte?).to_digit(16).map(|digit| digit as u8);
    let bytes = text.as_bytes();
    let (mut out, mut at) = (Vec::new(), 0);
    while at < bytes.len() && bytes[at] != separator as u8 {
        if bytes[at] != b'\\' || at + 1 == bytes.len() {
            out.push(bytes[at]);
            at += 1;
            continue;
        }
        match (digit(bytes.get(at + 1)), digit(bytes.get(at + 2))) {
            (Some(high), Some(low)) => {
                out.push(high << 4 | low);
                at += 3;
            }
            (Some(_), None) => {
                let escape = String::from_utf8_lossy(&bytes[at + 1..bytes.len().min(at + 3)]);
                let why = match escape.len() {
                    1 => format!("Hex escape sequence \"\\{escape}\" incomplete at end of string"),
                    _ => format!("Hex escape sequence \"\\{escape}\" has invalid second letter"),
                };
                return Err(Failure::new(why));
            }
            (None, _) => {
                out.push(bytes[at + 1]);
                at += 2;
            }
        }
    }
    let value = String::from_utf8_lossy(&out).into_owned();
    // An escape may have ended in the middle of a character.
    Ok((Attribute::named(kind, &value)?, text.get(at..).unwrap_or_default()))
}

/// A name in one line, the last attribute first.
pub(super) fn line(attributes: &[Attribute]) -> String {
    let parts = attributes.iter().rev().map(|part| {
        let mut text = String::new();
        for (at, c) in part.text.char_indices() {
            let end = at + c.len_utf8() == part.text.len();
            match c {
                ',' | '+' | '<' | '>' | ';' | '"' | '\\' => text.push('\\'),
                ' ' if at == 0 || end => text.push('\\'),
                '#' if at == 0 => text.push('\\'),
                '\0' => {
                    text.push_str("\\00");
                    continue;
                }
                _ => {}
            }
            text.push(c);
        }
        format!("{}={text}", oid::short_name_of(&part.oid))
    });
    parts.collect::<Vec<_>>().join(",")
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test may fail")]
mod tests {
    use super::*;

    #[test]
    fn names_in_one_line() {
        let parsed = parse("CN = a\\,b\\41, O=x y").unwrap();
        assert_eq!(line(&parsed), "O=x y,CN=a\\,bA");
        assert_eq!(read(&subject(&parsed)).unwrap(), parsed);
        assert_eq!(line(&parse("/C=DE/O=e").unwrap()), "O=e,C=DE");
        for (bad, why) in [
            ("x", "cannot start part in \"x\""),
            ("CN=a,", "unexpected end of string"),
            ("Nope=a", "Cannot find OID for \"Nope\""),
        ] {
            let msg = format!("Error while parsing distinguished name \"{bad}\": {why}");
            assert_eq!(parse(bad).unwrap_err().msg, msg);
        }
        let country = Attribute::named("C", "DEU").unwrap();
        let flaw = "Attribute's length must be >= 2 and <= 2, but it was 3";
        assert_eq!(country.flaw().as_deref(), Some(flaw));
    }
}
