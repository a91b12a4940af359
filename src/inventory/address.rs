//! Host names, addresses and ports as inventories and patterns write them.

use std::sync::{Arc, LazyLock};

use crate::value::regex::{Flags, Pattern};

/// Compiles one of the expressions below.
fn regex(pattern: &str) -> Arc<Pattern> {
    #[expect(clippy::expect_used, reason = "the patterns are constants and a test compiles each")]
    Pattern::new(pattern, Flags::default()).expect("constant pattern")
}

const NUMERIC_RANGE: &str = r"\[[0-9]+:[0-9]+(?::[0-9]+)?\]";
const HEX_RANGE: &str = r"\[[0-9a-f]+:[0-9a-f]+(?::[0-9]+)?\]";
const LABEL_RANGE: &str = r"\[(?:[a-z]:[a-z]|[0-9]+:[0-9]+)(?::[0-9]+)?\]";

static BRACKETED_PORT: LazyLock<Arc<Pattern>> = LazyLock::new(|| regex(r"^\[(.+)\]:([0-9]+)$"));
static PORT: LazyLock<Arc<Pattern>> =
    LazyLock::new(|| regex(r"^((?:[^:\[\]]|\[[^\]]*\])*):([0-9]+)$"));

static IPV4: LazyLock<Arc<Pattern>> = LazyLock::new(|| {
    let part = format!("(?:[01]?[0-9]{{1,2}}|2[0-4][0-9]|25[0-5]|{NUMERIC_RANGE})");
    regex(&format!(r"(?i)^(?:{part}\.){{3}}{part}$"))
});

static IPV6: LazyLock<Arc<Pattern>> = LazyLock::new(|| {
    let part = format!("(?:[0-9a-f]{{1,4}}|{HEX_RANGE})");
    let mut forms = vec![
        format!("(?:{part}:){{7}}{part}"),
        format!("(?:{part}:){{1,6}}:"),
        format!("(?:{part}:)(?::{part}){{1,6}}"),
    ];
    forms.extend((2..=6).map(|n| format!("(?:{part}:){{{n}}}(?::{part}){{1,{}}}", 7 - n)));
    forms.push(format!(":(?::{part}){{1,6}}"));
    forms.push(format!("{part}?::"));
    // An IPv4 address at the end; the reference takes any part of IPv6 for its numbers.
    for lead in ["(?:0:){6}", "::(?:ffff:)?", "(?:0:){5}ffff:"] {
        forms.push(format!(r"{lead}(?:{part}\.){{3}}{part}"));
    }
    // The reference anchors only the first and the last of its alternatives, and asks for a match
    // at the beginning: whatever follows the others is accepted.
    let last = forms.len() - 1;
    let anchored: Vec<String> = forms
        .into_iter()
        .enumerate()
        .map(|(i, f)| if i == last { format!("{f}$") } else { f })
        .collect();
    regex(&format!("(?i)^(?:{})", anchored.join("|")))
});

static HOSTNAME: LazyLock<Arc<Pattern>> = LazyLock::new(|| {
    let label = format!(r"(?:\w|{LABEL_RANGE})(?:[\w_-]|{LABEL_RANGE})*(?<![_-])");
    regex(&format!(r"(?i)^{label}(?:\.{label})*$"))
});

/// A host pattern that cannot be read as an address.
#[derive(Debug, PartialEq, Eq)]
pub enum BadAddress {
    /// Neither a name nor an address.
    NotAnAddress(String),
    /// It has a range where none may be.
    Range,
}

impl std::fmt::Display for BadAddress {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::NotAnAddress(text) => write!(f, "Not a valid network hostname: {text}"),
            Self::Range => f.write_str("Detected range in host but was asked to ignore ranges"),
        }
    }
}

/// Reads `name`, `name:port`, `[address]:port`, with ranges like `[1:3]` if they are allowed.
pub fn parse(text: &str, ranges: bool) -> Result<(String, Option<u32>), BadAddress> {
    let mut address = text;
    let mut port = None;
    for pattern in [&BRACKETED_PORT, &PORT] {
        if let Ok(Some(found)) = pattern.match_start(address)
            && let (Some(host), Some(number)) = (found.group(address, 1), found.group(address, 2))
        {
            address = host;
            port = number.parse().ok();
        }
    }
    if !is_address(address) {
        return Err(BadAddress::NotAnAddress(address.to_owned()));
    }
    if !ranges && address.contains('[') {
        return Err(BadAddress::Range);
    }
    Ok((address.to_owned(), port))
}

fn matches(pattern: &Pattern, text: &str) -> bool {
    matches!(pattern.match_start(text), Ok(Some(_)))
}

fn is_address(text: &str) -> bool {
    [&IPV4, &IPV6, &HOSTNAME].iter().any(|pattern| matches(pattern, text))
}

/// `inventory_hostname_short`: up to the first dot, but an address as a whole.
pub(super) fn short_name(name: &str) -> String {
    if matches(&IPV4, name) || matches(&IPV6, name) {
        return name.to_owned();
    }
    name.split('.').next().unwrap_or(name).to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_and_ports() {
        let read = |t: &str| parse(t, true).map_err(|e| e.to_string());
        let ok = |h: &str, p: Option<u32>| Ok((h.to_owned(), p));
        assert_eq!(read("web1"), ok("web1", None));
        assert_eq!(read("web1:22"), ok("web1", Some(22)));
        assert_eq!(read("[::1]:22"), ok("::1", Some(22)));
        assert_eq!(read("10.0.0.1:2222"), ok("10.0.0.1", Some(2222)));
        assert_eq!(read("fe80::1"), ok("fe80::1", None));
        assert_eq!(read("db[01:10:2].example.org:5"), ok("db[01:10:2].example.org", Some(5)));
        assert_eq!(read("ünicode"), ok("ünicode", None));
        assert!(read("a-").is_err());
        assert!(read("a b").is_err());
        assert!(read("").is_err());
        assert_eq!(parse("a[1:2]", false), Err(BadAddress::Range));
    }

    #[test]
    fn short_names() {
        assert_eq!(short_name("a.b.c"), "a");
        assert_eq!(short_name("10.0.0.1"), "10.0.0.1");
        assert_eq!(short_name("fe80::1.x"), "fe80::1.x");
    }
}
