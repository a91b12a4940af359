//! Text encodings by their Python names.

use std::borrow::Cow;

// Bytes that are no text stand as characters, the same on hosts and here; Python has lone surrogates there, which our
// text can't hold.
pub use vmstation_host::context::text::{byte_of, encode_utf8 as to_utf8, undecoded};

use super::{PyError, PyErrorKind, PyResult, text::is_space};

/// Python's surrogate for the byte that a character stands for.
pub fn surrogate_of(c: char) -> Option<u16> {
    byte_of(c).map(|byte| 0xdc00 + u16::from(byte))
}

/// A text as terminals get it: question marks for what is no text.
pub fn without_bytes(text: &str) -> Cow<'_, str> {
    if text.chars().any(|c| byte_of(c).is_some()) {
        let shown = |c| byte_of(c).map_or(c, |_| '?');
        Cow::Owned(text.chars().map(shown).collect())
    } else {
        Cow::Borrowed(text)
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Codec {
    Utf8,
    Utf8Sig,
    Ascii,
    Latin1,
    Utf16 { big: bool, mark: bool },
    Utf32 { big: bool, mark: bool },
}

fn find(name: &str) -> PyResult<Codec> {
    let plain: String = name
        .chars()
        .map(|c| if is_space(c) || c == '-' { '_' } else { c.to_ascii_lowercase() })
        .collect();
    Ok(match plain.as_str() {
        "utf_8" | "utf8" | "u8" | "utf" | "cp65001" => Codec::Utf8,
        "utf_8_sig" => Codec::Utf8Sig,
        "ascii" | "us_ascii" | "646" => Codec::Ascii,
        "latin_1" | "latin1" | "latin" | "l1" | "iso_8859_1" | "iso8859_1" | "8859" | "cp819" => {
            Codec::Latin1
        }
        "utf_16" | "utf16" | "u16" => Codec::Utf16 { big: false, mark: true },
        "utf_16_le" | "utf_16le" => Codec::Utf16 { big: false, mark: false },
        "utf_16_be" | "utf_16be" => Codec::Utf16 { big: true, mark: false },
        "utf_32" | "utf32" | "u32" => Codec::Utf32 { big: false, mark: true },
        "utf_32_le" | "utf_32le" => Codec::Utf32 { big: false, mark: false },
        "utf_32_be" | "utf_32be" => Codec::Utf32 { big: true, mark: false },
        _ => {
            return Err(PyError::new(
                PyErrorKind::LookupError,
                format!("unknown encoding: {name}"),
            ));
        }
    })
}

/// `text.encode(encoding, errors)`.
pub fn encode(text: &str, encoding: &str, errors: &str) -> PyResult<Vec<u8>> {
    let codec = find(encoding)?;
    Ok(match codec {
        Codec::Utf8 => wide(text, errors)?,
        Codec::Utf8Sig => [b"\xef\xbb\xbf".to_vec(), wide(text, errors)?].concat(),
        Codec::Ascii | Codec::Latin1 => narrow(text, codec, errors)?,
        Codec::Utf16 { big, mark } => {
            let marked = mark.then_some(0xfeff_u16);
            let units = marked.into_iter().chain(text.encode_utf16());
            units.flat_map(|u| if big { u.to_be_bytes() } else { u.to_le_bytes() }).collect()
        }
        Codec::Utf32 { big, mark } => {
            let marked = mark.then_some(0xfeff_u32);
            let units = marked.into_iter().chain(text.chars().map(u32::from));
            units.flat_map(|u| if big { u.to_be_bytes() } else { u.to_le_bytes() }).collect()
        }
    })
}

fn wide(text: &str, errors: &str) -> PyResult<Vec<u8>> {
    let Some(at) = text.chars().position(|c| byte_of(c).is_some()) else {
        return Ok(text.as_bytes().to_vec());
    };
    match errors {
        "surrogateescape" => Ok(to_utf8(text)),
        "replace" => Ok(without_bytes(text).into_owned().into_bytes()),
        "ignore" => {
            Ok(text.chars().filter(|c| byte_of(*c).is_none()).collect::<String>().into_bytes())
        }
        _ => Err(PyError::new(
            PyErrorKind::Other("UnicodeEncodeError"),
            format!(
                "'utf-8' codec can't encode character {} in position {at}: surrogates not allowed",
                text.chars().nth(at).map(escaped).unwrap_or_default()
            ),
        )),
    }
}

fn narrow(text: &str, codec: Codec, errors: &str) -> PyResult<Vec<u8>> {
    let (limit, name) = if codec == Codec::Ascii { (0x80, "ascii") } else { (0x100, "latin-1") };
    let mut out = Vec::with_capacity(text.len());
    for (i, c) in text.chars().enumerate() {
        let code = u32::from(c);
        match u8::try_from(code) {
            Ok(b) if code < limit => out.push(b),
            _ => match errors {
                "ignore" => {}
                "replace" => out.push(b'?'),
                "surrogateescape" if byte_of(c).is_some() => out.extend(byte_of(c)),
                "xmlcharrefreplace" => out.extend(format!("&#{code};").bytes()),
                "backslashreplace" => out.extend(c.escape_unicode().to_string().bytes()),
                _ => {
                    return Err(PyError::new(
                        PyErrorKind::Other("UnicodeEncodeError"),
                        format!(
                            "'{name}' codec can't encode character {} in position {i}: ordinal \
                             not in range({limit})",
                            escaped(c)
                        ),
                    ));
                }
            },
        }
    }
    Ok(out)
}

fn escaped(c: char) -> String {
    match surrogate_of(c).map_or(u32::from(c), u32::from) {
        code @ 0..=0xff => format!("'\\x{code:02x}'"),
        code @ 0x100..=0xffff => format!("'\\u{code:04x}'"),
        code => format!("'\\U{code:08x}'"),
    }
}

fn decode_error(message: String) -> PyError {
    PyError::new(PyErrorKind::Other("UnicodeDecodeError"), message)
}

/// `bytes.decode(encoding, errors)`. Lone surrogates of UTF-16 and UTF-32, which our text can't
/// hold, become U+FFFD.
pub fn decode(bytes: &[u8], encoding: &str, errors: &str) -> PyResult<String> {
    match find(encoding)? {
        Codec::Utf8 => utf8(bytes, errors),
        Codec::Utf8Sig => utf8(bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes), errors),
        Codec::Latin1 => Ok(bytes.iter().map(|b| char::from(*b)).collect()),
        Codec::Ascii => {
            let mut out = String::new();
            for (i, b) in bytes.iter().enumerate() {
                match (b.is_ascii(), errors) {
                    (true, _) => out.push(char::from(*b)),
                    (false, "ignore") => {}
                    (false, "replace") => out.push('\u{fffd}'),
                    (false, "surrogateescape") => out.push(undecoded(*b)),
                    (false, _) => {
                        return Err(decode_error(format!(
                            "'ascii' codec can't decode byte 0x{b:02x} in position {i}: ordinal \
                             not in range(128)"
                        )));
                    }
                }
            }
            Ok(out)
        }
        Codec::Utf16 { big, mark } => {
            let (big, bytes) = match (mark, bytes) {
                (true, [0xff, 0xfe, rest @ ..]) => (false, rest),
                (true, [0xfe, 0xff, rest @ ..]) => (true, rest),
                _ => (big, bytes),
            };
            if !bytes.len().is_multiple_of(2) {
                return Err(decode_error(format!(
                    "'utf-16-le' codec can't decode byte 0x{:02x} in position {}: truncated data",
                    bytes.last().copied().unwrap_or(0),
                    bytes.len() - 1
                )));
            }
            let units = bytes.chunks_exact(2).map(|c| {
                let pair = [c[0], c[1]];
                if big { u16::from_be_bytes(pair) } else { u16::from_le_bytes(pair) }
            });
            Ok(char::decode_utf16(units).map(|c| c.unwrap_or('\u{fffd}')).collect())
        }
        Codec::Utf32 { big, mark } => {
            let (big, bytes) = match (mark, bytes) {
                (true, [0xff, 0xfe, 0, 0, rest @ ..]) => (false, rest),
                (true, [0, 0, 0xfe, 0xff, rest @ ..]) => (true, rest),
                _ => (big, bytes),
            };
            let unit = |c: &[u8]| {
                let quad = [c[0], c[1], c[2], c[3]];
                let code = if big { u32::from_be_bytes(quad) } else { u32::from_le_bytes(quad) };
                char::from_u32(code).unwrap_or('\u{fffd}')
            };
            Ok(bytes.chunks_exact(4).map(unit).collect())
        }
    }
}

fn utf8(bytes: &[u8], errors: &str) -> PyResult<String> {
    let error = match std::str::from_utf8(bytes) {
        Ok(text) => return Ok(text.to_owned()),
        Err(e) => e,
    };
    match errors {
        "ignore" => Ok(String::from_utf8_lossy(bytes).replace('\u{fffd}', "")),
        "replace" => Ok(String::from_utf8_lossy(bytes).into_owned()),
        "surrogateescape" => {
            let mut out = String::with_capacity(bytes.len());
            for chunk in bytes.utf8_chunks() {
                out.push_str(chunk.valid());
                out.extend(chunk.invalid().iter().copied().map(undecoded));
            }
            Ok(out)
        }
        _ => {
            let at = error.valid_up_to();
            let bad = bytes.get(at).copied().unwrap_or(0);
            let reason = match (error.error_len(), bad) {
                (None, _) => "unexpected end of data",
                (_, 0x80..=0xc1 | 0xf5..=0xff) => "invalid start byte",
                _ => "invalid continuation byte",
            };
            let end = error.error_len().map_or(bytes.len(), |n| at + n);
            Err(decode_error(if end - at > 1 {
                format!("'utf-8' codec can't decode bytes in position {at}-{}: {reason}", end - 1)
            } else {
                format!("'utf-8' codec can't decode byte 0x{bad:02x} in position {at}: {reason}")
            }))
        }
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_text_comes_back() {
        let bytes = b"a\xff\xc3\xbc\xc3";
        let text = decode(bytes, "utf-8", "surrogateescape").unwrap();
        assert_eq!(
            text.chars().map(surrogate_of).collect::<Vec<_>>(),
            [None, Some(0xdcff), None, Some(0xdcc3)]
        );
        assert_eq!(encode(&text, "utf-8", "surrogateescape").unwrap(), bytes);
        assert_eq!(
            encode(&text, "utf-8", "strict").unwrap_err().message,
            "'utf-8' codec can't encode character '\\udcff' in position 1: surrogates not allowed"
        );
        assert_eq!(decode(bytes, "utf-8", "replace").unwrap(), "a\u{fffd}\u{fc}\u{fffd}");
    }
}
