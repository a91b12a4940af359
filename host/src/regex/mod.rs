//! Python's `re`, as version 3.11 has it: patterns, what is wrong with them, how they match, replacement texts, and
//! the ways of finding all matches. Modules and templates use the same.
//!
//! A pattern is read (`token`, `parse`) into a `tree`, compiled to a `program`, and run by a backtracking `machine`,
//! which `search` starts where a match may begin.

mod bytes;
mod compile;
mod machine;
mod parse;
mod program;
mod replace;
mod search;
mod set;
mod token;
mod tree;
mod unicode;

use std::{
    collections::HashMap,
    fmt,
    sync::{Arc, LazyLock, Mutex, PoisonError},
};

pub use bytes::{BytesMatch, BytesPattern};

/// What Python raises for a pattern, or for a replacement text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Error {
    /// The class: `re.error`, `IndexError`, `ValueError`, `OverflowError` or `RecursionError`.
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
}

/// A compiled pattern.
pub struct Pattern {
    program: program::Program,
    names: HashMap<String, usize>,
    multiline: bool,
}

impl fmt::Debug for Pattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pattern").field("names", &self.names).finish_non_exhaustive()
    }
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

fn failure(message: impl Into<String>) -> Error {
    Error { class: "re.error", message: message.into() }
}

type Cache = Mutex<HashMap<(String, Flags, bool), Arc<Pattern>>>;

static CACHE: LazyLock<Cache> = LazyLock::new(Cache::default);

fn cache() -> std::sync::MutexGuard<'static, HashMap<(String, Flags, bool), Arc<Pattern>>> {
    // A panic while it is held leaves a map that is whole.
    CACHE.lock().unwrap_or_else(PoisonError::into_inner)
}

/// As many patterns as CPython keeps.
const CACHED: usize = 512;

impl Pattern {
    /// Compiles `pattern`.
    ///
    /// # Errors
    /// As `re.compile` fails.
    pub fn new(pattern: &str, flags: Flags) -> Result<Arc<Self>, Error> {
        Self::compiled(pattern, flags, true)
    }

    /// The pattern for `str`, where `is_text`, or for `bytes`: there nothing beyond ASCII is a letter, a digit or white
    /// space, or has another case.
    fn compiled(pattern: &str, flags: Flags, is_text: bool) -> Result<Arc<Self>, Error> {
        let key = (pattern.to_owned(), flags, is_text);
        if let Some(known) = cache().get(&key) {
            return Ok(Arc::clone(known));
        }
        let parsed = parse::parse(pattern, flags, is_text)?;
        let compiled = Arc::new(Self {
            program: compile::compile(&parsed, is_text)?,
            multiline: parsed.flags & tree::flag::MULTILINE != 0,
            names: parsed.names,
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
        self.program.groups
    }

    /// The number of a named group.
    pub fn group_index(&self, name: &str) -> Option<usize> {
        self.names.get(name).copied()
    }

    /// Named groups and their numbers.
    pub fn names(&self) -> impl Iterator<Item = (&str, usize)> {
        self.names.iter().map(|(name, n)| (name.as_str(), *n))
    }

    /// The first match at or after byte `from`, which a character begins at.
    ///
    /// # Errors
    /// An expression that takes too many steps.
    pub fn search_from(&self, text: &str, from: usize) -> Result<Option<Match>, Error> {
        search::Search::new(&self.program, text.as_bytes()).next(from, false)
    }

    /// `re.search`.
    ///
    /// # Errors
    /// An expression that takes too many steps.
    pub fn search(&self, text: &str) -> Result<Option<Match>, Error> {
        self.search_from(text, 0)
    }

    /// `re.match`.
    ///
    /// # Errors
    /// An expression that takes too many steps.
    pub fn match_start(&self, text: &str) -> Result<Option<Match>, Error> {
        search::match_at(&self.program, text.as_bytes(), 0, false)
    }

    /// `re.fullmatch`.
    ///
    /// # Errors
    /// An expression that takes too many steps.
    pub fn full_match(&self, text: &str) -> Result<Option<Match>, Error> {
        search::match_at(&self.program, text.as_bytes(), 0, true)
    }

    /// `re.finditer`: an empty match may follow right after a match, but not after an empty one.
    ///
    /// # Errors
    /// An expression that takes too many steps.
    pub fn find_all(&self, text: &str, limit: Option<usize>) -> Result<Vec<Match>, Error> {
        let mut search = search::Search::new(&self.program, text.as_bytes());
        let mut matches = Vec::new();
        let (mut from, mut empty) = (0, false);
        while limit.is_none_or(|limit| matches.len() < limit) {
            // Where an empty match was, only one with text may follow.
            let Some(found) = search.next(from, empty)? else { break };
            let (start, end) = found.range();
            (from, empty) = (end, start == end);
            matches.push(found);
        }
        Ok(matches)
    }

    /// `re.sub`, at most `count` times unless that is 0.
    ///
    /// # Errors
    /// As Python fails for a bad replacement text, and an expression that takes too many steps.
    pub fn sub(&self, replacement: &str, text: &str, count: usize) -> Result<String, Error> {
        self.sub_counted(replacement, text, count).map(|(out, _)| out)
    }

    /// `re.subn`: the text, and how often something was replaced.
    ///
    /// # Errors
    /// As Python fails for a bad replacement text, and an expression that takes too many steps.
    pub fn sub_counted(
        &self,
        replacement: &str,
        text: &str,
        count: usize,
    ) -> Result<(String, usize), Error> {
        let template = replace::Template::parse(replacement, self)?;
        let mut out = Vec::with_capacity(text.len());
        let mut at = 0;
        let all = self.find_all(text, (count > 0).then_some(count))?;
        for found in &all {
            let (start, end) = found.range();
            out.extend_from_slice(&text.as_bytes()[at..start]);
            template.expand(&mut out, text.as_bytes(), found);
            at = end;
        }
        out.extend_from_slice(&text.as_bytes()[at..]);
        Ok((into_text(out), all.len()))
    }

    /// `match.expand`.
    ///
    /// # Errors
    /// As Python fails for a bad replacement text.
    pub fn expand(&self, replacement: &str, text: &str, found: &Match) -> Result<String, Error> {
        let mut out = Vec::new();
        let template = replace::Template::parse(replacement, self)?;
        template.expand(&mut out, text.as_bytes(), found);
        Ok(into_text(out))
    }

    /// `re.split`.
    ///
    /// # Errors
    /// An expression that takes too many steps.
    pub fn split(&self, text: &str, limit: usize) -> Result<Vec<Option<String>>, Error> {
        let mut parts = Vec::new();
        let mut at = 0;
        for found in self.find_all(text, (limit > 0).then_some(limit))? {
            let (start, end) = found.range();
            parts.push(Some(text[at..start].to_owned()));
            parts.extend((1..=self.groups()).map(|g| found.group(text, g).map(str::to_owned)));
            at = end;
        }
        parts.push(Some(text[at..].to_owned()));
        Ok(parts)
    }
}

/// Pieces of texts, put together.
fn into_text(bytes: Vec<u8>) -> String {
    // Matches begin and end between characters, so there is nothing to replace.
    String::from_utf8(bytes).unwrap_or_else(|e| String::from_utf8_lossy(e.as_bytes()).into_owned())
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
