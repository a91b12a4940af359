//! Host patterns: `web:&prod:!db01`, globs, `~regex`, `group[0]`, `group[1:3]`.

use std::{
    collections::HashSet,
    sync::{Arc, LazyLock},
};

use super::{
    address,
    graph::{Graph, HostId, LOCALHOST},
};
use crate::{
    diagnostic::{Error, Kind, Result},
    value::regex::{Flags, Pattern, escape},
};

/// What a pattern that matches nothing leads to (`host_pattern_mismatch`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum Mismatch {
    /// A warning.
    #[default]
    Warning,
    /// An error.
    Error,
    /// Nothing.
    Ignore,
}

static SUBSCRIPT: LazyLock<Arc<Pattern>> = LazyLock::new(|| {
    #[expect(clippy::expect_used, reason = "a constant pattern that the tests compile")]
    Pattern::new(r"(?s)^(.+)\[(?:(-?[0-9]+)|([0-9]+)([:-])([0-9]*))\]$", Flags::default())
        .expect("constant pattern")
});

static BY_COLON: LazyLock<Arc<Pattern>> = LazyLock::new(|| {
    #[expect(clippy::expect_used, reason = "a constant pattern that the tests compile")]
    Pattern::new(r"(?:[^\s:\[\]]|\[[^\]]*\])+", Flags::default()).expect("constant pattern")
});

/// Takes a list of patterns apart at commas, or at colons where there is no comma and the whole is
/// no address.
pub fn split(pattern: &str) -> Vec<String> {
    let parts: Vec<String> = if pattern.contains(',') {
        pattern.split(',').map(str::to_owned).collect()
    } else if address::parse(pattern, true).is_ok() {
        vec![pattern.to_owned()]
    } else {
        // It can't take many steps.
        let found = BY_COLON.find_all(pattern, None).unwrap_or_default();
        found.iter().filter_map(|m| m.group(pattern, 0)).map(str::to_owned).collect()
    };
    parts.iter().map(|p| p.trim()).filter(|p| !p.is_empty()).map(str::to_owned).collect()
}

/// Evaluates patterns on a graph. Collects what is to be told on the way.
pub(super) struct Selection<'a> {
    pub graph: &'a mut Graph,
    pub mismatch: Mismatch,
    pub warnings: Vec<String>,
}

/// `[1]`, `[1:3]`, `[1:]`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Subscript {
    One(i64),
    Range(usize, Option<usize>),
}

impl Selection<'_> {
    /// The hosts that a list of single patterns selects, in order; may hold some twice.
    pub fn evaluate(&mut self, patterns: &[String]) -> Result<Vec<HostId>> {
        let mut hosts: Vec<HostId> = Vec::new();
        for pattern in in_order(patterns) {
            if let Some(host) = self.graph.listed(&pattern) {
                hosts.push(host);
                continue;
            }
            let (sign, bare) = match pattern.chars().next() {
                Some(c @ ('!' | '&')) => (Some(c), &pattern[1..]),
                _ => (None, &pattern[..]),
            };
            let matched = self.matching(bare)?;
            let set = || matched.iter().copied().collect::<HashSet<HostId>>();
            match sign {
                Some('!') => {
                    let out = set();
                    hosts.retain(|h| !out.contains(h));
                }
                Some(_) => {
                    let within = set();
                    hosts.retain(|h| within.contains(h));
                }
                None => {
                    let have: HashSet<HostId> = hosts.iter().copied().collect();
                    hosts.extend(matched.into_iter().filter(|h| !have.contains(h)));
                }
            }
        }
        Ok(hosts)
    }

    fn matching(&mut self, pattern: &str) -> Result<Vec<HostId>> {
        if pattern.is_empty() {
            // ansible-core 2.14 `_split_subscript` looks at the first character unasked.
            return Err(Error::new(Kind::Internal, "string index out of range"));
        }
        let (pattern_only, subscript) = self.split_subscript(pattern);
        let hosts = self.enumerate(&pattern_only)?;
        apply(hosts, subscript)
            .ok_or_else(|| user(format!("No hosts matched the subscripted pattern '{pattern}'")))
    }

    fn split_subscript(&mut self, pattern: &str) -> (String, Option<Subscript>) {
        if pattern.starts_with('~') {
            return (pattern.to_owned(), None);
        }
        let Ok(Some(found)) = SUBSCRIPT.match_start(pattern) else {
            return (pattern.to_owned(), None);
        };
        let text = |i: usize| found.group(pattern, i);
        let number = |t: &str| t.parse::<usize>().unwrap_or(usize::MAX);
        let bare = text(1).unwrap_or(pattern).to_owned();
        if let Some(index) = text(2) {
            return (bare, Some(Subscript::One(index.parse().unwrap_or(i64::MAX))));
        }
        if text(4) == Some("-") {
            self.warnings.push(
                "Use [x:y] inclusive subscripts instead of [x-y] which has been removed".to_owned(),
            );
        }
        let start = number(text(3).unwrap_or("0"));
        let end = text(5).filter(|t| !t.is_empty()).map(number);
        // ansible-core 2.14 `_apply_subscript` takes an end of 0 for none at all.
        if end == Some(0) {
            return (bare, Some(Subscript::One(i64::try_from(start).unwrap_or(i64::MAX))));
        }
        (bare, Some(Subscript::Range(start, end)))
    }

    fn enumerate(&mut self, pattern: &str) -> Result<Vec<HostId>> {
        let matcher = Matcher::new(pattern)?;
        let groups: Vec<_> = self
            .graph
            .group_ids()
            .filter(|g| matcher.matches(&self.graph.group(*g).name))
            .collect();
        let mut hosts: Vec<HostId> = groups.iter().flat_map(|g| self.graph.hosts_of(*g)).collect();
        let special = pattern.starts_with('~') || pattern.contains(['.', '?', '*', '[']);
        if groups.is_empty() || special {
            let listed: Vec<HostId> = self.graph.listed_ids().collect();
            hosts.extend(listed.into_iter().filter(|h| matcher.matches(&self.graph.host(*h).name)));
        }
        if hosts.is_empty() && LOCALHOST.contains(&pattern) {
            hosts.extend(self.graph.find_or_localhost(pattern));
        }
        if hosts.is_empty() && groups.is_empty() && pattern != "all" {
            let text = format!("Could not match supplied host pattern, ignoring: {pattern}");
            match self.mismatch {
                Mismatch::Warning => self.warnings.push(text),
                Mismatch::Error => return Err(user(text)),
                Mismatch::Ignore => {}
            }
        }
        Ok(hosts)
    }
}

fn user(message: impl Into<String>) -> Error {
    Error::new(Kind::User, message)
}

/// Selecting patterns first, then intersections, then exclusions; `all` where nothing selects.
fn in_order(patterns: &[String]) -> Vec<String> {
    let with = |sign: Option<char>| {
        let sign_of = |p: &String| p.chars().next().filter(|c| matches!(c, '!' | '&'));
        patterns.iter().filter(move |p| !p.is_empty() && sign_of(p) == sign).cloned()
    };
    let mut ordered: Vec<String> = with(None).collect();
    if ordered.is_empty() {
        ordered.push("all".to_owned());
    }
    ordered.extend(with(Some('&')));
    ordered.extend(with(Some('!')));
    ordered
}

fn apply(hosts: Vec<HostId>, subscript: Option<Subscript>) -> Option<Vec<HostId>> {
    let Some(subscript) = subscript.filter(|_| !hosts.is_empty()) else { return Some(hosts) };
    match subscript {
        Subscript::One(index) => {
            let len = i64::try_from(hosts.len()).ok()?;
            let at = if index < 0 { len.checked_add(index)? } else { index };
            usize::try_from(at).ok().and_then(|i| hosts.get(i)).map(|h| vec![*h])
        }
        Subscript::Range(start, end) => {
            let end = end.map_or(hosts.len(), |e| e.saturating_add(1)).min(hosts.len());
            Some(hosts.get(start..end.max(start)).unwrap_or_default().to_vec())
        }
    }
}

/// One pattern without sign and subscript.
enum Matcher {
    Word(Arc<str>),
    Expression(Arc<Pattern>),
}

impl Matcher {
    fn new(pattern: &str) -> Result<Self> {
        let source = match pattern.strip_prefix('~') {
            // Python's `match` looks at the beginning only.
            Some(regex) => regex.to_owned(),
            None if !pattern.contains(['*', '?', '[']) => return Ok(Self::Word(pattern.into())),
            None => glob_to_regex(pattern),
        };
        let regex = Pattern::new(&source, Flags::default())
            .map_err(|_| user(format!("Invalid host list pattern: {pattern}")))?;
        Ok(Self::Expression(regex))
    }

    fn matches(&self, name: &str) -> bool {
        match self {
            Self::Word(word) => **word == *name,
            // Only an expression that backtracks without end fails here: no match.
            Self::Expression(regex) => matches!(regex.match_start(name), Ok(Some(_))),
        }
    }
}

/// A shell glob as Python's `fnmatch` reads it: an expression that matches from the beginning.
pub fn glob_to_regex(glob: &str) -> String {
    let chars: Vec<char> = glob.chars().collect();
    let mut out = String::from("(?s)");
    let mut i = 0;
    while let Some(c) = chars.get(i).copied() {
        i += 1;
        match c {
            '*' => out.push_str(".*"),
            '?' => out.push('.'),
            '[' => match class_end(&chars, i) {
                Some(end) => {
                    push_class(&mut out, &chars[i..end]);
                    i = end + 1;
                }
                None => out.push_str("\\["),
            },
            c => out.push_str(&escape(c.encode_utf8(&mut [0; 4]))),
        }
    }
    out.push_str("\\Z");
    out
}

/// The place of the `]` that ends a class which begins at `from`.
fn class_end(chars: &[char], from: usize) -> Option<usize> {
    let mut at = from;
    if chars.get(at) == Some(&'!') {
        at += 1;
    }
    if chars.get(at) == Some(&']') {
        at += 1;
    }
    (at..chars.len()).find(|i| chars[*i] == ']')
}

fn push_class(out: &mut String, inner: &[char]) {
    let (negated, inner) = match inner {
        ['!', rest @ ..] => (true, rest),
        all => (false, all),
    };
    out.push_str(if negated { "[^" } else { "[" });
    for (i, c) in inner.iter().enumerate() {
        let range = *c == '-' && i > 0 && i + 1 < inner.len();
        if !range && !c.is_alphanumeric() {
            out.push('\\');
        }
        out.push(*c);
    }
    out.push(']');
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn splits_at_commas_or_colons() {
        assert_eq!(split("a,b[1], c[2:3] , d"), ["a", "b[1]", "c[2:3]", "d"]);
        assert_eq!(split("a:&b:!c"), ["a", "&b", "!c"]);
        assert_eq!(split("web[1:3]"), ["web[1:3]"]);
        assert_eq!(split("fe80::1"), ["fe80::1"]);
        assert_eq!(split("a:22"), ["a:22"]);
        assert_eq!(split("all:!x[0:1]"), ["all", "!x[0:1]"]);
        assert!(split(" , ").is_empty());
    }

    #[test]
    fn globs() {
        let m = |g: &str, n: &str| Matcher::new(g).expect("a good pattern").matches(n);
        assert!(m("web*", "web1") && !m("web*", "aweb"));
        assert!(m("web?", "web1") && !m("web?", "web12"));
        assert!(m("w[a-e]b", "web") && m("w[!x]b", "web") && !m("w[!e]b", "web"));
        assert!(m("w[b", "w[b") || !m("w[b", "web"));
        assert!(m("~(web|db).*", "db9") && !m("~b", "web"));
        assert!(m("~e", "each"));
        assert!(Matcher::new("~(").is_err());
    }

    #[test]
    fn exclusion_comes_last() {
        let list = |l: &[&str]| l.iter().map(|s| (*s).to_owned()).collect::<Vec<_>>();
        assert_eq!(in_order(&list(&["!a", "b", "&c", ""])), ["b", "&c", "!a"]);
        assert_eq!(in_order(&list(&["!a"])), ["all", "!a"]);
    }
}
