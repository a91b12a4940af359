//! Python's `re`: its patterns translated for `fancy_regex`, its replacement texts, its way of
//! finding all matches. Modules and templates use the same.

mod bytes;
mod replace;
mod translate;

use std::{
    collections::HashMap,
    fmt,
    sync::{Arc, LazyLock, Mutex, PoisonError},
};

pub use bytes::{BytesMatch, BytesPattern};

/// What Python raises for a pattern, or for a replacement text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Error {
    /// The class, `re.error` or `IndexError`.
    pub class: &'static str,
    pub message: String,
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for Error {}

/// Flags given beside the pattern.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Flags {
    /// `re.I`
    pub ignore_case: bool,
    /// `re.M`
    pub multiline: bool,
    /// `re.S`
    pub dot_all: bool,
    /// `re.X`
    pub verbose: bool,
    /// The pattern is `bytes`, matched in texts whose characters stand for bytes: nothing beyond ASCII
    /// is a letter, a digit or white space, or has another case.
    pub bytes: bool,
}

/// Where a pattern must match.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Anchor {
    Search,
    Match,
    Full,
    /// Anywhere, but not empty where the search begins.
    Advance,
}

/// A compiled pattern.
pub struct Pattern {
    text: String,
    flags: Flags,
    regex: fancy_regex::Regex,
    names: HashMap<String, usize>,
    groups: usize,
    multiline: bool,
}

/// A match: byte ranges of the whole and of each group.
#[derive(Clone, Debug)]
pub struct Match {
    spans: Vec<Option<(usize, usize)>>,
}

impl Match {
    /// The byte range of a group (0 is the whole); `None` if it did not take part.
    pub fn span(&self, group: usize) -> Option<(usize, usize)> {
        self.spans.get(group).copied().flatten()
    }

    /// The text of a group.
    pub fn group<'t>(&self, text: &'t str, group: usize) -> Option<&'t str> {
        self.span(group).map(|(start, end)| &text[start..end])
    }

    /// Where the whole match begins and ends.
    pub fn range(&self) -> (usize, usize) {
        self.span(0).unwrap_or((0, 0))
    }
}

fn error(message: impl Into<String>) -> Error {
    Error { class: "re.error", message: message.into() }
}

type Cache = Mutex<HashMap<(String, Flags, Anchor), Arc<Pattern>>>;

static CACHE: LazyLock<Cache> = LazyLock::new(Cache::default);

fn cache() -> std::sync::MutexGuard<'static, HashMap<(String, Flags, Anchor), Arc<Pattern>>> {
    // A panic while it is held leaves a map that is whole.
    CACHE.lock().unwrap_or_else(PoisonError::into_inner)
}

/// As many patterns as CPython keeps.
const CACHED: usize = 512;

/// Steps back that a pattern may take; far beyond any sane use, so that a bad one ends.
const MOST_STEPS: usize = 50_000_000;

impl Pattern {
    /// Compiles `pattern`.
    pub fn new(pattern: &str, flags: Flags) -> Result<Arc<Self>, Error> {
        Self::anchored(pattern, flags, Anchor::Search)
    }

    fn anchored(pattern: &str, flags: Flags, anchor: Anchor) -> Result<Arc<Self>, Error> {
        let key = (pattern.to_owned(), flags, anchor);
        if let Some(known) = cache().get(&key) {
            return Ok(Arc::clone(known));
        }
        let translated = translate::translate(pattern, flags)?;
        let source = match anchor {
            Anchor::Search => format!("{}{}", translated.prefix, translated.body),
            Anchor::Match => format!("{}\\A(?:{})", translated.prefix, translated.body),
            Anchor::Advance => format!("{}(?:{})(?!\\G)", translated.prefix, translated.body),
            Anchor::Full => format!("{}\\A(?:{})\\z", translated.prefix, translated.body),
        };
        let regex = fancy_regex::RegexBuilder::new(&source)
            .backtrack_limit(MOST_STEPS)
            .build()
            .map_err(|e| error(e.to_string()))?;
        let compiled = Arc::new(Self {
            text: pattern.to_owned(),
            flags,
            regex,
            names: translated.names,
            groups: translated.groups,
            multiline: translated.multiline,
        });
        let mut cache = cache();
        if cache.len() >= CACHED {
            cache.clear();
        }
        cache.insert(key, Arc::clone(&compiled));
        Ok(compiled)
    }

    /// Whether it was compiled with `re.M`, or begins with `(?m)`.
    pub fn is_multiline(&self) -> bool {
        self.multiline
    }

    /// Number of groups.
    pub fn groups(&self) -> usize {
        self.groups
    }

    /// The number of a named group.
    pub fn group_index(&self, name: &str) -> Option<usize> {
        self.names.get(name).copied()
    }

    /// Named groups and their numbers.
    pub fn names(&self) -> impl Iterator<Item = (&str, usize)> {
        self.names.iter().map(|(name, n)| (name.as_str(), *n))
    }

    /// The first match at or after byte `from`.
    pub fn search_from(&self, text: &str, from: usize) -> Result<Option<Match>, Error> {
        let found = self.regex.captures_from_pos(text, from).map_err(|e| error(e.to_string()))?;
        Ok(found.map(|captures| Match {
            spans: (0..=self.groups)
                .map(|i| captures.get(i).map(|m| (m.start(), m.end())))
                .collect(),
        }))
    }

    /// `re.search`.
    pub fn search(&self, text: &str) -> Result<Option<Match>, Error> {
        self.search_from(text, 0)
    }

    /// `re.match`.
    pub fn match_start(&self, text: &str) -> Result<Option<Match>, Error> {
        Self::anchored(&self.text, self.flags, Anchor::Match)?.search(text)
    }

    /// `re.fullmatch`.
    pub fn full_match(&self, text: &str) -> Result<Option<Match>, Error> {
        Self::anchored(&self.text, self.flags, Anchor::Full)?.search(text)
    }

    /// `re.finditer`: an empty match may follow right after a match, but not after an empty one.
    pub fn find_all(&self, text: &str, limit: Option<usize>) -> Result<Vec<Match>, Error> {
        let mut matches = Vec::new();
        let mut from = 0;
        let mut empty = false;
        while limit.is_none_or(|l| matches.len() < l) && from <= text.len() {
            // Where an empty match was, only one with text may follow.
            let found = if empty {
                Self::anchored(&self.text, self.flags, Anchor::Advance)?.search_from(text, from)?
            } else {
                self.search_from(text, from)?
            };
            let Some(found) = found else { break };
            let (start, end) = found.range();
            from = end;
            empty = start == end;
            matches.push(found);
        }
        Ok(matches)
    }

    /// `re.sub`, at most `count` times unless that is 0.
    pub fn sub(&self, replacement: &str, text: &str, count: usize) -> Result<String, Error> {
        self.sub_counted(replacement, text, count).map(|(out, _)| out)
    }

    /// `re.subn`: the text, and how often something was replaced.
    pub fn sub_counted(
        &self,
        replacement: &str,
        text: &str,
        count: usize,
    ) -> Result<(String, usize), Error> {
        let template = replace::Template::parse(replacement, self)?;
        let mut out = String::with_capacity(text.len());
        let mut at = 0;
        let all = self.find_all(text, (count > 0).then_some(count))?;
        for found in &all {
            let (start, end) = found.range();
            out.push_str(&text[at..start]);
            template.expand(&mut out, text, found);
            at = end;
        }
        out.push_str(&text[at..]);
        Ok((out, all.len()))
    }

    /// `match.expand`.
    pub fn expand(&self, replacement: &str, text: &str, found: &Match) -> Result<String, Error> {
        let mut out = String::new();
        replace::Template::parse(replacement, self)?.expand(&mut out, text, found);
        Ok(out)
    }

    /// `re.split`.
    pub fn split(&self, text: &str, limit: usize) -> Result<Vec<Option<String>>, Error> {
        let mut parts = Vec::new();
        let mut at = 0;
        for found in self.find_all(text, (limit > 0).then_some(limit))? {
            let (start, end) = found.range();
            parts.push(Some(text[at..start].to_owned()));
            parts.extend((1..=self.groups).map(|g| found.group(text, g).map(str::to_owned)));
            at = end;
        }
        parts.push(Some(text[at..].to_owned()));
        Ok(parts)
    }
}

/// `re.escape`.
pub fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        if matches!(
            c,
            '(' | ')'
                | '['
                | ']'
                | '{'
                | '}'
                | '?'
                | '*'
                | '+'
                | '-'
                | '|'
                | '^'
                | '$'
                | '\\'
                | '.'
                | '&'
                | '~'
                | '#'
                | ' '
                | '\t'
                | '\n'
                | '\r'
                | '\x0b'
                | '\x0c'
        ) {
            out.push('\\');
        }
        out.push(c);
    }
    out
}

#[cfg(test)]
mod tests;
