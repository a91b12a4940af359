//! Texts that people wrote, and places in them.

use std::{
    fmt,
    path::{Path, PathBuf},
    sync::{
        Arc, OnceLock,
        atomic::{AtomicBool, Ordering},
    },
};

/// One text that a person wrote: a file, or an argument of the command line.
pub struct Source {
    /// Where it came from: a path, or a label such as `<command line>`.
    name: PathBuf,
    text: String,
    lines: OnceLock<Vec<u32>>,
    hidden: bool,
    json: AtomicBool,
}

/// Whether a line ends with this byte: after a line feed, a carriage return without one, and what Unicode has for the
/// ends of lines and paragraphs, as libyaml counts.
fn ends_line(text: &[u8], at: usize) -> bool {
    match text[at] {
        b'\n' => true,
        b'\r' => text.get(at + 1) != Some(&b'\n'),
        0x85 => at > 0 && text[at - 1] == 0xc2,
        0xa8 | 0xa9 => text[..at].ends_with(&[0xe2, 0x80]),
        _ => false,
    }
}

impl Source {
    /// A source called `name` that reads `text`.
    pub fn new(name: impl Into<PathBuf>, text: impl Into<String>) -> Arc<Self> {
        Arc::new(Self {
            name: name.into(),
            text: text.into(),
            lines: OnceLock::new(),
            hidden: false,
            json: AtomicBool::new(false),
        })
    }

    /// A source that was decrypted: errors name places in it, but never show its text.
    pub fn new_hidden(name: impl Into<PathBuf>, text: impl Into<String>) -> Arc<Self> {
        Arc::new(Self {
            name: name.into(),
            text: text.into(),
            lines: OnceLock::new(),
            hidden: true,
            json: AtomicBool::new(false),
        })
    }

    /// Whether the text must not be shown.
    pub fn is_hidden(&self) -> bool {
        self.hidden
    }

    /// Says that this was read as JSON, not as YAML.
    pub fn mark_as_json(&self) {
        self.json.store(true, Ordering::Relaxed);
    }

    /// Whether this was read as JSON, where ansible knows no places and has Python's own types.
    pub fn was_read_as_json(&self) -> bool {
        self.json.load(Ordering::Relaxed)
    }

    /// The path (or label) of this source.
    pub fn name(&self) -> &Path {
        &self.name
    }

    /// The whole text.
    pub fn text(&self) -> &str {
        &self.text
    }

    fn line_starts(&self) -> &[u32] {
        self.lines.get_or_init(|| {
            let text = self.text.as_bytes();
            let breaks = text.iter().enumerate().filter(|(at, _)| ends_line(text, *at));
            // Sources over 4 GiB are refused when they are read.
            let starts = breaks.map(|(at, _)| u32::try_from(at + 1).unwrap_or(u32::MAX));
            std::iter::once(0).chain(starts).collect()
        })
    }

    /// Line and column (both from 1, column in characters) of a byte offset. One past the end of a
    /// text that does not end with a line feed is the line after it, where YAML says its end is.
    pub fn position(&self, offset: u32) -> Position {
        let starts = self.line_starts();
        if offset as usize > self.text.len() && !self.text.ends_with('\n') {
            return Position { line: starts.len() + 1, column: 1 };
        }
        let line = starts.partition_point(|s| *s <= offset).max(1) - 1;
        let from = starts[line] as usize;
        let to = (offset as usize).min(self.text.len()).max(from);
        let column = self.text.get(from..to).map_or(to - from, |s| s.chars().count());
        Position { line: line + 1, column: column + 1 }
    }

    /// The text of line `line` (from 1) without its line end.
    pub fn line(&self, line: usize) -> Option<&str> {
        let starts = self.line_starts();
        let from = *starts.get(line.checked_sub(1)?)? as usize;
        let to = starts.get(line).map_or(self.text.len(), |s| *s as usize);
        self.text.get(from..to).map(|s| s.trim_end_matches(['\n', '\r']))
    }
}

impl fmt::Debug for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Source({})", self.name.display())
    }
}

/// A line and a column, both counted from 1; columns count characters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Position {
    /// Line, from 1.
    pub line: usize,
    /// Column in characters, from 1.
    pub column: usize,
}

/// A stretch of a source, in bytes.
#[derive(Clone)]
pub struct Span {
    /// The text it lies in.
    pub source: Arc<Source>,
    /// First byte.
    pub start: u32,
    /// One past the last byte.
    pub end: u32,
}

impl Span {
    /// The bytes `start..end` of `source`.
    pub fn new(source: &Arc<Source>, start: u32, end: u32) -> Self {
        Self { source: Arc::clone(source), start, end }
    }

    /// Where it begins.
    pub fn position(&self) -> Position {
        self.source.position(self.start)
    }

    /// The path (or label) of the source.
    pub fn path(&self) -> &Path {
        self.source.name()
    }

    /// The stretch's own text.
    pub fn text(&self) -> &str {
        self.source.text().get(self.start as usize..self.end as usize).unwrap_or("")
    }
}

impl fmt::Display for Span {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Position { line, column } = self.position();
        write!(f, "{}:{line}:{column}", self.path().display())
    }
}

impl fmt::Debug for Span {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl PartialEq for Span {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.source, &other.source)
            && self.start == other.start
            && self.end == other.end
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn positions_count_lines_and_characters() {
        let s = Source::new("a.yml", "a: é\nbb: x\n");
        assert_eq!(s.position(0), Position { line: 1, column: 1 });
        assert_eq!(s.position(5), Position { line: 1, column: 5 });
        assert_eq!(s.position(6), Position { line: 2, column: 1 });
        assert_eq!(s.line(2), Some("bb: x"));
        assert_eq!(s.position(99).line, 3);
    }
}
