//! Files put together of fragments, as `assemble` does on hosts and on the controller.

/// The whole of the fragments so far.
#[derive(Debug, Default)]
pub struct Fragments {
    all: Vec<u8>,
    delimiter: Option<Vec<u8>>,
    always_newline: bool,
    started: bool,
    line_open: bool,
}

impl Fragments {
    /// Nothing yet; `delimiter` goes between fragments, on a line of its own.
    pub fn new(delimiter: Option<&str>) -> Fragments {
        let delimiter = delimiter.filter(|text| !text.is_empty());
        Fragments {
            delimiter: delimiter.map(|text| text.as_bytes().to_vec()),
            ..Fragments::default()
        }
    }

    /// A line break behind the delimiter even where it ends with one.
    #[must_use]
    pub fn always_newline(mut self) -> Fragments {
        self.always_newline = true;
        self
    }

    /// Adds the next one.
    ///
    /// # Errors
    /// The text of the `ValueError` that a delimiter with a bad escape is.
    pub fn add(&mut self, content: &[u8]) -> Result<(), String> {
        if self.line_open {
            self.all.push(b'\n');
        }
        if let Some(delimiter) = self.delimiter.as_mut().filter(|_| self.started) {
            // ansible-core 2.14 takes escapes away each time it writes the delimiter, not once.
            *delimiter = unescaped(delimiter)?;
            self.all.extend_from_slice(delimiter);
            if self.always_newline || !delimiter.ends_with(b"\n") {
                self.all.push(b'\n');
            }
        }
        self.all.extend_from_slice(content);
        self.started = true;
        self.line_open = !content.ends_with(b"\n");
        Ok(())
    }

    /// All of it.
    pub fn into_bytes(self) -> Vec<u8> {
        self.all
    }
}

/// `codecs.escape_decode`: the escapes of Python's bytes literals.
fn unescaped(text: &[u8]) -> Result<Vec<u8>, String> {
    let mut out = Vec::with_capacity(text.len());
    let mut at = 0;
    while let Some(byte) = text.get(at) {
        if *byte != b'\\' {
            out.push(*byte);
            at += 1;
            continue;
        }
        let Some(kind) = text.get(at + 1) else { return Err("Trailing \\ in string".into()) };
        let digits = |from: usize, most: usize, radix: u32| {
            let run = text[from..].iter().take(most);
            let run = run.take_while(|byte| char::from(**byte).is_digit(radix));
            String::from_utf8_lossy(&run.copied().collect::<Vec<u8>>()).into_owned()
        };
        let mut length = 2;
        match kind {
            b'\n' => {}
            b'\\' | b'\'' | b'"' => out.push(*kind),
            b'a' => out.push(7),
            b'b' => out.push(8),
            b't' => out.push(b'\t'),
            b'n' => out.push(b'\n'),
            b'v' => out.push(11),
            b'f' => out.push(12),
            b'r' => out.push(b'\r'),
            b'0'..=b'7' => {
                let digits = digits(at + 1, 3, 8);
                length = 1 + digits.len();
                out.push(u32::from_str_radix(&digits, 8).unwrap_or(0) as u8);
            }
            b'x' => {
                let digits = digits(at + 2, 2, 16);
                if digits.len() < 2 {
                    return Err(format!("invalid \\x escape at position {at}"));
                }
                length = 4;
                out.push(u8::from_str_radix(&digits, 16).unwrap_or(0));
            }
            other => out.extend([b'\\', *other]),
        }
        at += length;
    }
    Ok(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn delimiters_stand_between() {
        let whole = |delimiter: Option<&str>, always: bool| {
            let mut all = Fragments::new(delimiter);
            if always {
                all = all.always_newline();
            }
            for content in ["a\n", "b", "c\n"] {
                assert_eq!(all.add(content.as_bytes()), Ok(()));
            }
            String::from_utf8_lossy(&all.into_bytes()).into_owned()
        };
        assert_eq!(whole(None, false), "a\nb\nc\n");
        assert_eq!(whole(Some("--"), false), "a\n--\nb\n--\nc\n");
        assert_eq!(whole(Some("--\\n"), false), "a\n--\nb\n--\nc\n");
        assert_eq!(whole(Some("--\\n"), true), "a\n--\n\nb\n--\n\nc\n");
        assert_eq!(whole(Some("\\\\t"), false), "a\n\\t\nb\n\t\nc\n");
    }

    #[test]
    fn escapes() {
        let plain = |text: &str| unescaped(text.as_bytes());
        assert_eq!(plain("\\x41\\102\\q\\\"\\"), Err("Trailing \\ in string".into()));
        assert_eq!(plain("\\x41\\102\\q\\\""), Ok(b"AB\\q\"".to_vec()));
        assert_eq!(plain("a\\x4"), Err("invalid \\x escape at position 1".into()));
    }
}
