//! Patterns of `bytes`: files that modules edit need not be UTF-8.

use std::{borrow::Cow, sync::Arc};

use super::{Error, Flags, Match, Pattern};

/// A pattern that is matched against bytes, as Python does with `re.compile(b'…')`.
pub struct BytesPattern(Arc<Pattern>);

/// A match, with the bytes it was found in.
pub struct BytesMatch<'p> {
    pattern: &'p Pattern,
    text: String,
    found: Match,
}

impl BytesPattern {
    /// Compiles the UTF-8 bytes of `pattern`.
    ///
    /// # Errors
    /// As `re.compile` fails.
    pub fn new(pattern: &str, flags: Flags) -> Result<Self, Error> {
        let flags = Flags { bytes: true, ..flags };
        Ok(Self(Pattern::new(&as_text(pattern.as_bytes()), flags)?))
    }

    /// Whether `^` and `$` match at every line.
    pub fn is_multiline(&self) -> bool {
        self.0.is_multiline()
    }

    /// `re.search`.
    ///
    /// # Errors
    /// A pattern that takes too many steps.
    pub fn search(&self, bytes: &[u8]) -> Result<Option<BytesMatch<'_>>, Error> {
        let text = as_text(bytes);
        let Some(found) = self.0.search(&text)? else { return Ok(None) };
        Ok(Some(BytesMatch { pattern: &self.0, text: text.into_owned(), found }))
    }
}

impl BytesMatch<'_> {
    /// `match.expand`: a replacement text with groups put in.
    ///
    /// # Errors
    /// As Python fails for a bad replacement text.
    pub fn expand(&self, replacement: &str) -> Result<Vec<u8>, Error> {
        let replacement = as_text(replacement.as_bytes());
        let expanded = self.pattern.expand(&replacement, &self.text, &self.found)?;
        // Every character stands for a byte.
        Ok(expanded.chars().map(|c| c as u8).collect())
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
        let text = self.found.group(&self.text, group)?;
        // Every character stands for a byte.
        Some(text.chars().map(|c| c as u8).collect())
    }

    /// Where the match begins and ends.
    pub fn range(&self) -> (usize, usize) {
        let at = |end: usize| self.text[..end].chars().count();
        let (start, end) = self.found.range();
        (at(start), at(end))
    }
}

/// A text with a character for each byte.
fn as_text(bytes: &[u8]) -> Cow<'_, str> {
    match std::str::from_utf8(bytes) {
        Ok(text) if text.is_ascii() => Cow::Borrowed(text),
        _ => Cow::Owned(bytes.iter().copied().map(char::from).collect()),
    }
}
