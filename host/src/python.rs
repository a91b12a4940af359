//! Python's text of things, where users see it or scripts match on it.

use std::io;
use std::path::Path;

use crate::data::Data;

/// What `str()` makes of a value.
pub fn text(value: &Data) -> String {
    match value {
        Data::String(text) => text.clone(),
        other => repr(other),
    }
}

/// What `repr()` makes of a value.
pub fn repr(value: &Data) -> String {
    match value {
        Data::Null => "None".into(),
        Data::Bool(true) => "True".into(),
        Data::Bool(false) => "False".into(),
        Data::Number(number) => match number.as_f64() {
            Some(float) if number.is_f64() => float_text(float),
            _ => number.to_string(),
        },
        Data::String(text) => repr_str(text),
        Data::Array(items) => {
            let items: Vec<String> = items.iter().map(repr).collect();
            format!("[{}]", items.join(", "))
        }
        Data::Object(map) => {
            let items: Vec<String> = map
                .iter()
                .map(|(key, value)| format!("{}: {}", repr_str(key), repr(value)))
                .collect();
            format!("{{{}}}", items.join(", "))
        }
    }
}

/// `repr()` of a string: quotes chosen and characters escaped as Python does.
pub fn repr_str(text: &str) -> String {
    let quote = if text.contains('\'') && !text.contains('"') { '"' } else { '\'' };
    let mut out = String::with_capacity(text.len() + 2);
    out.push(quote);
    for char in text.chars() {
        match char {
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            _ if char == quote => {
                out.push('\\');
                out.push(quote);
            }
            _ if is_printable(char) => out.push(char),
            _ => match u32::from(char) {
                code @ 0..=0xff => out.push_str(&format!("\\x{code:02x}")),
                code @ 0..=0xffff => out.push_str(&format!("\\u{code:04x}")),
                // Bytes that are no text stand there until they are written.
                0x10_ff00.. => out.push(char),
                code => out.push_str(&format!("\\U{code:08x}")),
            },
        }
    }
    out.push(quote);
    out
}

/// Whether `repr` shows the character as it is.
pub fn is_printable(c: char) -> bool {
    if c.is_ascii() {
        return (' '..='\x7e').contains(&c);
    }
    // `str::escape_debug` knows Unicode's printable characters; it escapes combining ones only at
    // the start of a string.
    let mut text = String::from("a");
    text.push(c);
    text.escape_debug().nth(1) == Some(c)
}

/// `repr()` of bytes: `b'…'`.
pub fn repr_bytes(bytes: &[u8]) -> String {
    let quote = if bytes.contains(&b'\'') && !bytes.contains(&b'"') { b'"' } else { b'\'' };
    let mut out = String::from("b");
    out.push(char::from(quote));
    for byte in bytes {
        match byte {
            b'\\' => out.push_str("\\\\"),
            b'\n' => out.push_str("\\n"),
            b'\r' => out.push_str("\\r"),
            b'\t' => out.push_str("\\t"),
            byte if *byte == quote => {
                out.push('\\');
                out.push(char::from(quote));
            }
            0x20..=0x7e => out.push(char::from(*byte)),
            byte => out.push_str(&format!("\\x{byte:02x}")),
        }
    }
    out.push(char::from(quote));
    out
}

/// `repr()` of a float: shortest text that reads back, exponent from 1e16 and below 1e-4.
pub fn float_text(float: f64) -> String {
    if float.is_nan() {
        return "nan".into();
    }
    if float.is_infinite() {
        return if float > 0.0 { "inf".into() } else { "-inf".into() };
    }
    let size = float.abs();
    if size != 0.0 && !(1e-4..1e16).contains(&size) {
        let text = format!("{float:e}");
        let (digits, exponent) = text.split_once('e').unwrap_or((&text, "0"));
        let (sign, exponent) = match exponent.strip_prefix('-') {
            Some(exponent) => ('-', exponent),
            None => ('+', exponent),
        };
        return format!("{digits}e{sign}{exponent:0>2}");
    }
    if float.fract() == 0.0 { format!("{float:.1}") } else { format!("{float}") }
}

/// `str(type(value))`, as failure texts show it.
pub fn type_text(value: &Data) -> &'static str {
    match value {
        Data::Null => "<class 'NoneType'>",
        Data::Bool(_) => "<class 'bool'>",
        Data::Number(number) if number.is_f64() => "<class 'float'>",
        Data::Number(_) => "<class 'int'>",
        Data::String(_) => "<class 'str'>",
        Data::Array(_) => "<class 'list'>",
        Data::Object(_) => "<class 'dict'>",
    }
}

/// The system's words for an error (`os.strerror`).
pub fn strerror(error: &io::Error) -> String {
    let text = error.to_string();
    match text.rfind(" (os error ") {
        Some(end) => text[..end].to_owned(),
        None => text,
    }
}

/// The class of an `OSError`.
pub fn os_class(error: &io::Error) -> &'static str {
    match error.raw_os_error() {
        Some(libc::EACCES | libc::EPERM) => "PermissionError",
        Some(libc::ENOENT) => "FileNotFoundError",
        Some(libc::EEXIST) => "FileExistsError",
        Some(libc::ENOTDIR) => "NotADirectoryError",
        Some(libc::EISDIR) => "IsADirectoryError",
        Some(libc::EPIPE) => "BrokenPipeError",
        Some(libc::ETIMEDOUT) => "TimeoutError",
        _ => "OSError",
    }
}

/// `os.path.dirname`.
pub fn dirname(path: &str) -> &str {
    let head = &path[..path.rfind('/').map_or(0, |at| at + 1)];
    let trimmed = head.trim_end_matches('/');
    if trimmed.is_empty() { head } else { trimmed }
}

/// `os.path.basename`.
pub fn basename(path: &str) -> &str {
    &path[path.rfind('/').map_or(0, |at| at + 1)..]
}

/// `os.path.join` of two parts.
pub fn join(head: &str, tail: &str) -> String {
    if tail.starts_with('/') || head.is_empty() {
        return tail.to_owned();
    }
    let slash = if head.ends_with('/') { "" } else { "/" };
    format!("{head}{slash}{tail}")
}

/// `os.path.normpath`: without doubled slashes, dots, and what `..` takes away.
pub fn normpath(path: &str) -> String {
    let root = match path {
        // POSIX leaves two slashes at the start to the system.
        path if path.starts_with("//") && !path.starts_with("///") => "//",
        path if path.starts_with('/') => "/",
        _ => "",
    };
    let mut parts: Vec<&str> = Vec::new();
    for part in path.split('/') {
        match part {
            "" | "." => {}
            ".." if parts.last().is_some_and(|last| *last != "..") => drop(parts.pop()),
            ".." if !root.is_empty() => {}
            part => parts.push(part),
        }
    }
    let path = format!("{root}{}", parts.join("/"));
    if path.is_empty() { ".".to_owned() } else { path }
}

/// How Python shows an `OSError`: `[Errno 2] No such file or directory: b'/x'`.
/// Errors without a number keep their own text.
pub fn os_error(error: &io::Error, subject: Subject<'_>) -> String {
    let Some(errno) = error.raw_os_error() else {
        return error.to_string();
    };
    let head = format!("[Errno {errno}] {}", strerror(error));
    match subject {
        Subject::None => head,
        Subject::Text(path) => format!("{head}: {}", repr_str(&path.to_string_lossy())),
        Subject::Bytes(path) => {
            format!("{head}: {}", repr_bytes(path.as_os_str().as_encoded_bytes()))
        }
        Subject::BytesPair(from, to) => format!(
            "{head}: {} -> {}",
            repr_bytes(from.as_os_str().as_encoded_bytes()),
            repr_bytes(to.as_os_str().as_encoded_bytes())
        ),
    }
}

/// The file name that an `OSError` carries: Python shows the type it was called with.
#[derive(Debug, Clone, Copy)]
pub enum Subject<'a> {
    /// No file name.
    None,
    /// Called with text.
    Text(&'a Path),
    /// Called with bytes.
    Bytes(&'a Path),
    /// A rename, link and the like, called with bytes.
    BytesPair(&'a Path, &'a Path),
}

/// Why a command line can't be split.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SplitError {
    /// A quote is open at the end.
    NoClosingQuotation,
    /// A backslash is the last character.
    NoEscapedCharacter,
}

impl std::fmt::Display for SplitError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            SplitError::NoClosingQuotation => "No closing quotation",
            SplitError::NoEscapedCharacter => "No escaped character",
        })
    }
}

/// `shlex.split`: POSIX words, quotes and backslashes; no comments.
pub fn shell_split(text: &str) -> Result<Vec<String>, SplitError> {
    let mut words = Vec::new();
    let mut word: Option<String> = None;
    let mut chars = text.chars();
    while let Some(char) = chars.next() {
        match char {
            ' ' | '\t' | '\r' | '\n' => words.extend(word.take()),
            '\'' => {
                let word = word.get_or_insert_default();
                loop {
                    match chars.next().ok_or(SplitError::NoClosingQuotation)? {
                        '\'' => break,
                        char => word.push(char),
                    }
                }
            }
            '"' => {
                let word = word.get_or_insert_default();
                loop {
                    match chars.next().ok_or(SplitError::NoClosingQuotation)? {
                        '"' => break,
                        '\\' => {
                            let next = chars.next().ok_or(SplitError::NoEscapedCharacter)?;
                            // Within double quotes only the quote and the backslash can be escaped.
                            if next != '"' && next != '\\' {
                                word.push('\\');
                            }
                            word.push(next);
                        }
                        char => word.push(char),
                    }
                }
            }
            '\\' => word
                .get_or_insert_default()
                .push(chars.next().ok_or(SplitError::NoEscapedCharacter)?),
            char => word.get_or_insert_default().push(char),
        }
    }
    words.extend(word);
    Ok(words)
}

/// `shlex.quote`: one word for a POSIX shell.
pub fn shell_quote(word: &str) -> String {
    let safe = |char: char| char.is_ascii_alphanumeric() || "@%+=:,./-_".contains(char);
    if !word.is_empty() && word.chars().all(safe) {
        return word.to_owned();
    }
    format!("'{}'", word.replace('\'', "'\"'\"'"))
}

/// `int(text)`: surrounding blanks, a sign, single underscores between digits.
pub fn parse_int(text: &str, radix: u32) -> Option<i64> {
    let text = text.trim();
    let (negative, digits) = match text.strip_prefix('-') {
        Some(digits) => (true, digits),
        None => (false, text.strip_prefix('+').unwrap_or(text)),
    };
    let digits = match radix {
        8 => digits.strip_prefix("0o").or_else(|| digits.strip_prefix("0O")).unwrap_or(digits),
        _ => digits,
    };
    let lonely_underscore =
        digits.starts_with('_') || digits.ends_with('_') || digits.contains("__");
    if digits.is_empty()
        || lonely_underscore
        || !digits.chars().all(|char| char == '_' || char.is_digit(radix))
    {
        return None;
    }
    let value = i64::from_str_radix(&digits.replace('_', ""), radix).ok()?;
    Some(if negative { -value } else { value })
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test may fail")]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn repr_is_python_s() {
        let cases = [
            (json!(null), "None"),
            (json!([true, false]), "[True, False]"),
            (
                json!({"a": 1, "b": [1.0, 1.5, 1e16, 0.00001, 123456789.25]}),
                "{'a': 1, 'b': [1.0, 1.5, 1e+16, 1e-05, 123456789.25]}",
            ),
            (json!("it's"), "\"it's\""),
            (json!("\"it's\""), "'\"it\\'s\"'"),
            (json!("a\nb\u{1}ü\\"), "'a\\nb\\x01ü\\\\'"),
            (json!(u64::MAX), "18446744073709551615"),
        ];
        for (value, expected) in cases {
            assert_eq!(repr(&value), expected);
        }
        assert_eq!(repr_bytes("ü'".as_bytes()), "b\"\\xc3\\xbc'\"");
    }

    #[test]
    fn paths_are_cut_as_text() {
        for (path, dir, base) in [
            ("/a/b", "/a", "b"),
            ("/a/b/", "/a/b", ""),
            ("a", "", "a"),
            ("/a", "/", "a"),
            ("//", "//", ""),
            ("a//b", "a", "b"),
        ] {
            assert_eq!((dirname(path), basename(path)), (dir, base));
        }
        for (head, tail, all) in [("/a", "b", "/a/b"), ("/a/", "b", "/a/b"), ("", "b", "b")] {
            assert_eq!(join(head, tail), all);
        }
        assert_eq!(join("/a", "/b"), "/b");
        assert_eq!(join("/a", ""), "/a/");
    }

    #[test]
    fn words_are_split_as_shlex_does() {
        assert_eq!(
            shell_split(r#"a  'b c' "d \" \n" e\ f ''"#).unwrap(),
            ["a", "b c", "d \" \\n", "e f", ""]
        );
        assert_eq!(shell_split("a 'b"), Err(SplitError::NoClosingQuotation));
        assert_eq!(shell_split("a \\"), Err(SplitError::NoEscapedCharacter));
        assert_eq!(shell_quote("a'b"), "'a'\"'\"'b'");
        assert_eq!(shell_quote(""), "''");
        assert_eq!(shell_quote("/a-b_c.d"), "/a-b_c.d");
    }

    #[test]
    fn os_errors_show_number_words_and_file() {
        let error = io::Error::from_raw_os_error(2);
        assert_eq!(
            os_error(&error, Subject::Bytes(Path::new("/x"))),
            "[Errno 2] No such file or directory: b'/x'"
        );
        assert_eq!(
            os_error(&error, Subject::Text(Path::new("/x"))),
            "[Errno 2] No such file or directory: '/x'"
        );
    }

    #[test]
    fn integers_read_as_python_reads_them() {
        assert_eq!(parse_int(" 1_000 ", 10), Some(1000));
        assert_eq!(parse_int("-7", 10), Some(-7));
        assert_eq!(parse_int("1__0", 10), None);
        assert_eq!(parse_int("", 10), None);
        assert_eq!(parse_int("0o644", 8), Some(0o644));
        assert_eq!(parse_int("0644", 8), Some(0o644));
        assert_eq!(parse_int("u=rw", 8), None);
    }
}
