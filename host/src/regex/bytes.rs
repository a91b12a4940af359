//! Patterns of `bytes`: files that modules edit need not be UTF-8.

use std::sync::Arc;

use super::{Error, Flags, Match, Pattern, replace, search};

/// A pattern that is matched against bytes, as Python does with `re.compile(b'…')`.
pub struct BytesPattern(Arc<Pattern>);

/// A match, with the bytes it was found in.
pub struct BytesMatch<'p> {
    pattern: &'p Pattern,
    bytes: Vec<u8>,
    found: Match,
}

impl BytesPattern {
    /// Compiles the UTF-8 bytes of `pattern`.
    ///
    /// # Errors
    /// As `re.compile` fails.
    pub fn new(pattern: &str, flags: Flags) -> Result<Self, Error> {
        Pattern::compiled(pattern, flags, false).map(Self)
    }

    /// Whether `^` and `$` match at every line.
    pub fn is_multiline(&self) -> bool {
        self.0.is_multiline()
    }

    /// `re.search`.
    ///
    /// # Errors
    /// An expression that takes too many steps.
    pub fn search(&self, bytes: &[u8]) -> Result<Option<BytesMatch<'_>>, Error> {
        let found = search::Search::new(&self.0.program, bytes).next(0, false)?;
        Ok(found.map(|found| BytesMatch { pattern: &self.0, bytes: bytes.to_vec(), found }))
    }
}

impl BytesMatch<'_> {
    /// `match.expand`: a replacement text with groups put in.
    ///
    /// # Errors
    /// As Python fails for a bad replacement text.
    pub fn expand(&self, replacement: &str) -> Result<Vec<u8>, Error> {
        let mut out = Vec::new();
        let template = replace::Template::parse(replacement, self.pattern)?;
        template.expand(&mut out, &self.bytes, &self.found);
        Ok(out)
    }

    /// Number of groups.
    pub fn groups(&self) -> usize {
        self.pattern.groups()
    }

    /// Named groups and their numbers.
    pub fn names(&self) -> impl Iterator<Item = (&str, usize)> {
        self.pattern.names()
    }

    /// The bytes of a group (0 is the whole); `None` if it did not take part.
    pub fn group(&self, group: usize) -> Option<Vec<u8>> {
        self.found.span(group).map(|(start, end)| self.bytes[start..end].to_vec())
    }

    /// Where a group is (0 is the whole); `None` if it did not take part.
    pub fn span(&self, group: usize) -> Option<(usize, usize)> {
        self.found.span(group)
    }

    /// Where the match begins and ends.
    pub fn range(&self) -> (usize, usize) {
        self.found.range()
    }
}
