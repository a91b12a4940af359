//! Host ranges: `web[01:10:2]`, `db[a:f]`.

use super::{address, python};

/// `a-z` and `A-Z`, in the order in which ranges of letters run.
const LETTERS: &str = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";

/// Why a range can't be expanded, in ansible's text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum RangeError {
    /// It breaks a rule for ranges.
    Rule(String),
    /// Python can't read it.
    Python(String),
}

impl RangeError {
    /// The text, whoever says it.
    pub(super) fn into_text(self) -> String {
        match self {
            Self::Rule(text) | Self::Python(text) => text,
        }
    }
}

/// The host names that a pattern stands for, and its port.
pub(super) fn expand_pattern(pattern: &str) -> Result<(Vec<String>, Option<u32>), RangeError> {
    let (name, port) = match address::parse(pattern, true) {
        Ok(found) => found,
        Err(_) => (pattern.to_owned(), None),
    };
    let names = if name.contains('[') { expand(&name)? } else { vec![name] };
    Ok((names, port))
}

fn expand(text: &str) -> Result<Vec<String>, RangeError> {
    // ansible-core 2.14 `expand_hostname_range` turns the first `[` and `]` into `|`, and splits.
    let marked = text.replacen('[', "|", 1).replacen(']', "|", 1);
    let parts: Vec<&str> = marked.split('|').collect();
    let [head, range, tail] = parts[..] else {
        return Err(RangeError::Python(match parts.len() {
            n @ 0..3 => format!("not enough values to unpack (expected 3, got {n})"),
            _ => "too many values to unpack (expected 3)".to_owned(),
        }));
    };
    let rule = |text: &str| Err(RangeError::Rule(text.to_owned()));
    let bounds: Vec<&str> = range.split(':').collect();
    let (begin, end, step) = match bounds[..] {
        [begin, end] => (begin, end, "1"),
        [begin, end, step] => (begin, end, step),
        _ => return rule("host range must be begin:end or begin:end:step"),
    };
    let begin = if begin.is_empty() { "0" } else { begin };
    if end.is_empty() {
        return rule("host range must specify end value");
    }
    let width = if begin.starts_with('0') && begin.len() > 1 { begin.len() } else { 0 };
    if width > 0 && width != end.len() {
        return rule("host range must specify equal-length begin and end formats");
    }
    let mut names = Vec::new();
    for item in sequence(begin, end, step)? {
        let name = format!("{head}{item:0>width$}{tail}");
        if name.contains('[') {
            names.extend(expand(&name)?);
        } else {
            names.push(name);
        }
    }
    Ok(names)
}

fn sequence(begin: &str, end: &str, step: &str) -> Result<Vec<String>, RangeError> {
    if let (Some(from), Some(to)) = (LETTERS.find(begin), LETTERS.find(end)) {
        if from > to {
            return Err(RangeError::Rule("host range must have begin <= end".to_owned()));
        }
        // Python steps through a slice only forwards here; a step it cannot take makes it try
        // numbers, which letters are not.
        if let Some(step @ 1..) = integer(step).ok().and_then(|s| usize::try_from(s).ok()) {
            let letters = LETTERS[from..=to].chars().step_by(step);
            return Ok(letters.map(String::from).collect());
        }
    }
    let (from, to, step) = (integer(begin)?, integer(end)?, integer(step)?);
    match usize::try_from(step) {
        Ok(0) => Err(RangeError::Python("range() arg 3 must not be zero".to_owned())),
        Ok(step) => Ok((from..=to).step_by(step).map(|n| n.to_string()).collect()),
        Err(_) => Ok(Vec::new()),
    }
}

fn integer(text: &str) -> Result<i64, RangeError> {
    text.trim().replace('_', "").parse().map_err(|_| {
        let quoted = python::quoted(text);
        RangeError::Python(format!("invalid literal for int() with base 10: {quoted}"))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges() {
        let table: [(&str, &[&str]); 8] = [
            ("web[01:03]", &["web01", "web02", "web03"]),
            ("web[1:10:4].x", &["web1.x", "web5.x", "web9.x"]),
            ("db-[a:c]", &["db-a", "db-b", "db-c"]),
            ("[a:b][1:2]", &["a1", "a2", "b1", "b2"]),
            ("x[:2]", &["x0", "x1", "x2"]),
            ("x[y:B]", &["xy", "xz", "xA", "xB"]),
            ("x[3:1]", &[]),
            ("[10:12]", &["10", "11", "12"]),
        ];
        for (pattern, names) in table {
            assert_eq!(
                expand_pattern(pattern),
                Ok((names.iter().map(|s| (*s).to_owned()).collect(), None)),
                "{pattern}"
            );
        }
        assert_eq!(expand_pattern("a[1:2]:22"), Ok((vec!["a1".into(), "a2".into()], Some(22))));
    }

    #[test]
    fn bad_ranges() {
        let table = [
            ("a[1]", "host range must be begin:end or begin:end:step"),
            ("a[1:]", "host range must specify end value"),
            ("a[01:100]", "host range must specify equal-length begin and end formats"),
            ("a[f:a]", "host range must have begin <= end"),
            ("a[1:2", "not enough values to unpack (expected 3, got 2)"),
            ("a[1:x]", "invalid literal for int() with base 10: 'x'"),
            ("a[1:2:0]", "range() arg 3 must not be zero"),
        ];
        for (pattern, error) in table {
            let found = expand_pattern(pattern).map_err(RangeError::into_text);
            assert_eq!(found, Err(error.to_owned()), "{pattern}");
        }
    }
}
