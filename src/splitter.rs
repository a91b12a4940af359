//! Free-form text of tasks: `copy: src=a dest="b c"` taken apart, templates kept whole.

use crate::value::{Dict, Value};

/// Why text could not be taken apart.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Malformed {
    /// A quote or a template is not closed.
    Unbalanced(String),
    /// The text begins with white space.
    LeadingSpace,
}

impl Malformed {
    /// What ansible says of it.
    pub fn message(&self) -> String {
        match self {
            Self::Unbalanced(text) => format!(
                "failed at splitting arguments, either an unbalanced jinja2 block or quotes: {text}"
            ),
            Self::LeadingSpace => {
                "Unable to parse argument string. list index out of range".to_owned()
            }
        }
    }
}

/// Options that may stand among the free-form text of `command` and its kin.
const COMMAND_OPTIONS: &[&str] = &[
    "creates",
    "removes",
    "chdir",
    "executable",
    "warn",
    "stdin",
    "stdin_add_newline",
    "strip_empty_ends",
];

/// Takes `key=value` pairs out of `text`; the rest becomes `_raw_params`. With `raw`, only the
/// options that `command` knows are pairs.
pub fn parse_kv(text: &str, raw: bool) -> Result<Dict, Malformed> {
    let options = Dict::new();
    let mut rest = Vec::new();
    for part in split_args(text)? {
        let decoded = decode_escapes(&part);
        if !decoded.contains('=') {
            rest.push(part);
            continue;
        }
        let Some(at) = separator(&decoded) else {
            rest.push(decoded.replace("\\=", "="));
            continue;
        };
        let (key, value) = (&decoded[..at], &decoded[at + 1..]);
        if raw && !COMMAND_OPTIONS.contains(&key) {
            rest.push(part);
        } else {
            options.insert(key.trim(), Value::str(unquote(value.trim())));
        }
    }
    if !rest.is_empty() {
        options.insert("_raw_params", Value::str(join_args(&rest)));
    }
    Ok(options)
}

/// The first `=` that is neither at the beginning nor escaped.
fn separator(text: &str) -> Option<usize> {
    let bytes = text.as_bytes();
    (1..bytes.len()).find(|&i| bytes[i] == b'=' && bytes[i - 1] != b'\\')
}

/// The text without the quotes around it, if the same ones are at both ends.
pub fn unquote(text: &str) -> &str {
    let bytes = text.as_bytes();
    match bytes {
        [first @ (b'"' | b'\''), .., before, last] if first == last && *before != b'\\' => {
            &text[1..text.len() - 1]
        }
        // `""`: Python's index -2 is the opening quote itself.
        [b'"', b'"'] | [b'\'', b'\''] => "",
        _ => text,
    }
}

/// Puts the parts of [`split_args`] together again.
pub fn join_args<S: AsRef<str>>(parts: &[S]) -> String {
    let mut joined = String::new();
    for part in parts {
        if !joined.is_empty() && !joined.ends_with('\n') {
            joined.push(' ');
        }
        joined.push_str(part.as_ref());
    }
    joined
}

/// Where the splitter is: within quotes, within templates.
#[derive(Default)]
struct State {
    quote: Option<char>,
    depths: [usize; 3],
}

const BRACKETS: [(&str, &str); 3] = [("{{", "}}"), ("{%", "%}"), ("{#", "#}")];

impl State {
    fn in_template(&self) -> bool {
        self.depths.iter().any(|d| *d > 0)
    }

    fn scan_quotes(&mut self, token: &str) {
        let mut before = None;
        for c in token.chars() {
            if matches!(c, '"' | '\'') && before != Some('\\') {
                match self.quote {
                    Some(open) if open == c => self.quote = None,
                    Some(_) => {}
                    None => self.quote = Some(c),
                }
            }
            before = Some(c);
        }
    }

    /// Counts the brackets of one kind; tells whether the depth changed.
    fn scan_brackets(&mut self, token: &str, kind: usize) -> bool {
        let (open, close) = BRACKETS[kind];
        let opened = token.matches(open).count();
        let closed = token.matches(close).count();
        let before = self.depths[kind];
        self.depths[kind] = (before + opened).saturating_sub(closed);
        self.depths[kind] != before
    }
}

/// Splits on white space, keeping quoted text and templates in one part. White space after a part
/// stays with it, so that [`join_args`] restores the text.
pub fn split_args(text: &str) -> Result<Vec<String>, Malformed> {
    let mut parts: Vec<String> = Vec::new();
    let mut state = State::default();
    let lines: Vec<&str> = text.split('\n').collect();
    for (number, line) in lines.iter().enumerate() {
        let mut continued = false;
        let tokens: Vec<&str> = line.split(' ').collect();
        for (at, token) in tokens.iter().enumerate() {
            if token.is_empty() && at != 0 {
                parts.last_mut().ok_or(Malformed::LeadingSpace)?.push(' ');
            } else if *token == "\\" && state.quote.is_none() {
                continued = true;
            } else {
                take_token(&mut parts, &mut state, token, at, tokens.len())?;
            }
        }
        if lines.len() > 1 && number != lines.len() - 1 && !continued {
            parts.last_mut().ok_or(Malformed::LeadingSpace)?.push('\n');
        }
    }
    if state.in_template() || state.quote.is_some() {
        return Err(Malformed::Unbalanced(text.to_owned()));
    }
    Ok(parts)
}

fn take_token(
    parts: &mut Vec<String>,
    state: &mut State,
    token: &str,
    at: usize,
    of: usize,
) -> Result<(), Malformed> {
    let was_quoted = state.quote.is_some();
    state.scan_quotes(token);
    let quoted = state.quote.is_some();
    let mut taken = false;
    if quoted && !was_quoted && !state.in_template() {
        parts.push(token.to_owned());
        taken = true;
    } else if state.in_template() || quoted || was_quoted {
        let last = parts.last_mut().ok_or(Malformed::LeadingSpace)?;
        if at == 0 && was_quoted {
            // The line end before it was kept with the part.
        } else if of > 1 {
            if at > 0 {
                last.push(' ');
            }
        } else {
            last.push('\n');
        }
        last.push_str(token);
        taken = true;
    }
    for kind in 0..BRACKETS.len() {
        if state.scan_brackets(token, kind) && !taken {
            parts.push(token.to_owned());
            taken = true;
        }
    }
    if !state.in_template() && !quoted && !taken && !token.is_empty() {
        parts.push(token.to_owned());
    }
    Ok(())
}

/// Python's backslash escapes, where the splitter knows them.
pub fn decode_escapes(text: &str) -> String {
    if !text.contains('\\') {
        return text.to_owned();
    }
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find('\\') {
        out.push_str(&rest[..at]);
        rest = &rest[at..];
        let (decoded, length) = decode_one(rest);
        match decoded {
            Some(c) => out.push(c),
            None => out.push_str(&rest[..length]),
        }
        rest = &rest[length..];
    }
    out.push_str(rest);
    out
}

/// The character that the escape at the beginning of `text` stands for, and its length. Without a
/// character, that many bytes stay as they are.
fn decode_one(text: &str) -> (Option<char>, usize) {
    let hex = |digits: usize| {
        text.get(2..2 + digits)
            .filter(|d| d.bytes().all(|b| b.is_ascii_hexdigit()))
            .and_then(|d| u32::from_str_radix(d, 16).ok())
            .and_then(char::from_u32)
    };
    let simple = |c| (Some(c), 2);
    match text.as_bytes().get(1) {
        Some(b'U') => hex(8).map_or((None, 1), |c| (Some(c), 10)),
        Some(b'u') => hex(4).map_or((None, 1), |c| (Some(c), 6)),
        Some(b'x') => hex(2).map_or((None, 1), |c| (Some(c), 4)),
        Some(b'\\') => simple('\\'),
        Some(b'\'') => simple('\''),
        Some(b'"') => simple('"'),
        Some(b'a') => simple('\x07'),
        Some(b'b') => simple('\x08'),
        Some(b'f') => simple('\x0c'),
        Some(b'n') => simple('\n'),
        Some(b'r') => simple('\r'),
        Some(b't') => simple('\t'),
        Some(b'v') => simple('\x0b'),
        _ => (None, 1),
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a failed test may panic")]
mod tests {
    use super::*;

    // The expectations were printed by ansible-core 2.14's own splitter.
    #[test]
    fn text_is_split_but_quotes_and_templates_stay_whole() {
        let table: &[(&str, &[&str])] = &[
            ("a=b c=\"foo bar\"", &["a=b", "c=\"foo bar\""]),
            ("a  b", &["a ", "b"]),
            ("echo {{ x | default('a b') }} done", &["echo", "{{ x | default('a b') }}", "done"]),
            ("a=1\nb=2", &["a=1\n", "b=2"]),
            ("a \\\nb", &["a", "b"]),
            ("x='one\ntwo'", &["x='one\ntwo'"]),
            ("{% if x %}a b{% endif %}", &["{% if x %}a", "b{% endif %}"]),
            ("a=\"{{ b }}\" c", &["a=\"{{ b }}\"", "c"]),
            ("é=ü ñ", &["é=ü", "ñ"]),
        ];
        for (text, parts) in table {
            assert_eq!(split_args(text).unwrap(), *parts, "{text}");
        }
        assert_eq!(split_args("a 'b"), Err(Malformed::Unbalanced("a 'b".into())));
        assert_eq!(split_args(" a").unwrap(), ["a"]);
        assert_eq!(split_args("  a"), Err(Malformed::LeadingSpace));
    }

    #[test]
    fn pairs_become_options_and_the_rest_raw_params() {
        type Pairs = &'static [(&'static str, &'static str)];
        let table: &[(&str, bool, Pairs)] = &[
            ("src=a dest='b c'", false, &[("src", "a"), ("dest", "b c")]),
            ("ls -l chdir=/tmp A=b", true, &[("chdir", "/tmp"), ("_raw_params", "ls -l A=b")]),
            ("echo a\\=b", false, &[("_raw_params", "echo a=b")]),
            ("msg=\"a\\nb\"", false, &[("msg", "a\nb")]),
            ("echo \"a\\nb\"", true, &[("_raw_params", "echo \"a\\nb\"")]),
            ("x=\"\" y=''", false, &[("x", ""), ("y", "")]),
            ("=a", false, &[("_raw_params", "=a")]),
        ];
        for (text, raw, expected) in table {
            let got: Vec<_> = parse_kv(text, *raw)
                .unwrap()
                .snapshot()
                .into_iter()
                .map(|(k, v)| (k.as_str().unwrap().to_owned(), v.as_str().unwrap().to_owned()))
                .collect();
            let expected: Vec<_> =
                expected.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect();
            assert_eq!(got, expected, "{text}");
        }
    }
}
