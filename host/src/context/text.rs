//! Files as text, in Python's encodings: what can't be decoded is kept, as its `surrogateescape` does.

use crate::outcome::Failure;

/// An encoding of text files.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Encoding {
    Utf8,
    /// UTF-8 with a mark at the start.
    Utf8Signed,
    Ascii,
    Latin1,
    /// UTF-16 with a mark at the start.
    Utf16,
    Utf16Little,
    Utf16Big,
}

/// How names begin of encodings that Python has further tables for.
const FAMILIES: &[&str] = &[
    "cp", "windows", "iso", "koi8", "mac", "utf", "gb", "big5", "shift", "sjis", "euc", "hz",
    "johab", "tis", "ptcp", "hp", "kz",
];

/// Bytes that are no text stand as characters from here on, at the far end of what is private: like Python's
/// surrogates they are no letters, digits or white space.
const UNDECODED: u32 = 0x10_ff00;

impl Encoding {
    /// By Python's name.
    ///
    /// # Errors
    /// Names that Python doesn't know either fail as there; so do those of further tables, which are not here yet.
    pub fn named(name: &str) -> Result<Encoding, Failure> {
        let plain: String = name
            .to_lowercase()
            .chars()
            .map(|c| if c.is_ascii_alphanumeric() { c } else { '_' })
            .collect();
        match plain.as_str() {
            "utf_8" | "utf8" | "u8" | "utf" | "cp65001" => Ok(Encoding::Utf8),
            "utf_8_sig" => Ok(Encoding::Utf8Signed),
            "ascii" | "us_ascii" | "646" => Ok(Encoding::Ascii),
            "latin_1" | "latin1" | "latin" | "iso_8859_1" | "iso8859_1" | "8859" | "cp819"
            | "l1" => Ok(Encoding::Latin1),
            "utf_16" | "utf16" | "u16" => Ok(Encoding::Utf16),
            "utf_16_le" | "utf_16le" => Ok(Encoding::Utf16Little),
            "utf_16_be" | "utf_16be" => Ok(Encoding::Utf16Big),
            known if FAMILIES.iter().any(|family| known.starts_with(family)) => {
                Err(Failure::new(format!("the encoding {name} is not supported yet")))
            }
            _ => Err(Failure::crash("LookupError", format!("unknown encoding: {name}"))),
        }
    }

    /// The text of these bytes.
    ///
    /// # Errors
    /// UTF-16 that is none.
    pub fn decode(self, bytes: &[u8]) -> Result<String, Failure> {
        match self {
            Encoding::Utf8 => Ok(decode_utf8(bytes)),
            Encoding::Utf8Signed => {
                Ok(decode_utf8(bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes)))
            }
            Encoding::Ascii => Ok(bytes
                .iter()
                .map(|byte| if byte.is_ascii() { char::from(*byte) } else { undecoded(*byte) })
                .collect()),
            Encoding::Latin1 => Ok(bytes.iter().copied().map(char::from).collect()),
            Encoding::Utf16 => match bytes {
                [0xfe, 0xff, rest @ ..] => decode_utf16(rest, u16::from_be_bytes),
                [0xff, 0xfe, rest @ ..] => decode_utf16(rest, u16::from_le_bytes),
                rest => decode_utf16(rest, u16::from_le_bytes),
            },
            Encoding::Utf16Little => decode_utf16(bytes, u16::from_le_bytes),
            Encoding::Utf16Big => decode_utf16(bytes, u16::from_be_bytes),
        }
    }

    /// The bytes of a text; what the encoding lacks becomes a question mark.
    pub fn encode(self, text: &str) -> Vec<u8> {
        let units = |to: fn(u16) -> [u8; 2]| text.encode_utf16().flat_map(to).collect();
        match self {
            Encoding::Utf8 => encode_utf8(text),
            Encoding::Utf8Signed => [b"\xef\xbb\xbf".to_vec(), encode_utf8(text)].concat(),
            Encoding::Ascii => encode_bytes(text, 0x80),
            Encoding::Latin1 => encode_bytes(text, 0x100),
            Encoding::Utf16 => [b"\xff\xfe".to_vec(), units(u16::to_le_bytes)].concat(),
            Encoding::Utf16Little => units(u16::to_le_bytes),
            Encoding::Utf16Big => units(u16::to_be_bytes),
        }
    }

    /// A decoded text as UTF-8, with the bytes that were none.
    pub fn shown(self, text: &str) -> Vec<u8> {
        encode_utf8(text)
    }
}

/// The character that stands for a byte that is no text.
pub fn undecoded(byte: u8) -> char {
    char::from_u32(UNDECODED + u32::from(byte)).unwrap_or(char::REPLACEMENT_CHARACTER)
}

/// The byte that a character stands for.
pub fn byte_of(c: char) -> Option<u8> {
    u32::from(c).checked_sub(UNDECODED + 0x80).and_then(|at| u8::try_from(at + 0x80).ok())
}

/// Bytes as UTF-8; those that are none are kept.
pub fn decode_utf8(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len());
    for chunk in bytes.utf8_chunks() {
        text.push_str(chunk.valid());
        text.extend(chunk.invalid().iter().copied().map(undecoded));
    }
    text
}

/// A text as UTF-8, with the bytes that were none as they were.
pub fn encode_utf8(text: &str) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find(|c| byte_of(c).is_some()) {
        bytes.extend_from_slice(&rest.as_bytes()[..at]);
        let mut after = rest[at..].chars();
        bytes.extend(after.next().and_then(byte_of));
        rest = after.as_str();
    }
    bytes.extend_from_slice(rest.as_bytes());
    bytes
}

fn decode_utf16(bytes: &[u8], unit: fn([u8; 2]) -> u16) -> Result<String, Failure> {
    let whole = bytes.len().is_multiple_of(2);
    let units: Vec<u16> = bytes.chunks_exact(2).map(|pair| unit([pair[0], pair[1]])).collect();
    match String::from_utf16(&units) {
        Ok(text) if whole => Ok(text),
        _ => Err(Failure::crash("UnicodeDecodeError", "the file is not UTF-16")),
    }
}

/// A byte a character. As soon as one can't be encoded, ansible-core 2.14 gives up undecoded bytes too.
fn encode_bytes(text: &str, end: u32) -> Vec<u8> {
    let byte = |c: char| u8::try_from(u32::from(c)).ok().filter(|byte| u32::from(*byte) < end);
    let all: Option<Vec<u8>> = text.chars().map(|c| byte_of(c).or_else(|| byte(c))).collect();
    all.unwrap_or_else(|| text.chars().map(|c| byte(c).unwrap_or(b'?')).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_text_comes_back() {
        let bytes = b"a\xff\xc3\xbc\xc3";
        let text = Encoding::Utf8.decode(bytes).unwrap_or_default();
        assert_eq!(text.chars().count(), 4);
        assert_eq!(Encoding::Utf8.encode(&text), bytes);
        for encoding in
            [Encoding::Utf16, Encoding::Utf16Big, Encoding::Latin1, Encoding::Utf8Signed]
        {
            let bytes = encoding.encode("h\u{fc}\n");
            assert_eq!(encoding.decode(&bytes).ok().as_deref(), Some("h\u{fc}\n"), "{encoding:?}");
        }
        assert_eq!(Encoding::Ascii.encode("a\u{fc}"), b"a?");
    }
}
