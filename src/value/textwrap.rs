//! Text wrapped to a width as Python's `textwrap` wraps it.

use super::text::char_len;

/// How to wrap; the defaults are those of Python's `textwrap.wrap`.
#[derive(Clone, Copy, Debug)]
pub struct Wrap {
    /// Characters a line, at least 1.
    pub width: usize,
    /// Whether words longer than a line are cut.
    pub break_long_words: bool,
    /// Whether lines may end after the hyphen of a compound word.
    pub break_on_hyphens: bool,
    /// Whether white space at the ends of lines goes away.
    pub drop_whitespace: bool,
    /// Whether every white space character becomes a space.
    pub replace_whitespace: bool,
}

impl Wrap {
    /// Python's defaults with this width.
    pub fn to(width: usize) -> Self {
        Self {
            width: width.max(1),
            break_long_words: true,
            break_on_hyphens: true,
            drop_whitespace: true,
            replace_whitespace: true,
        }
    }

    /// The lines of `text`.
    pub fn lines(self, text: &str) -> Vec<String> {
        let text = self.munge(text);
        let mut chunks = self.chunks(&text);
        chunks.reverse();
        let mut lines: Vec<String> = Vec::new();
        while !chunks.is_empty() {
            let mut line: Vec<String> = Vec::new();
            let mut length = 0;
            if self.drop_whitespace
                && !lines.is_empty()
                && chunks.last().is_some_and(|c| c.trim().is_empty())
            {
                chunks.pop();
            }
            while let Some(chunk) = chunks.last() {
                let n = char_len(chunk);
                if length + n > self.width {
                    break;
                }
                length += n;
                line.extend(chunks.pop());
            }
            if chunks.last().is_some_and(|c| char_len(c) > self.width) {
                self.long_word(&mut chunks, &mut line, length);
                length = line.iter().map(|c| char_len(c)).sum();
            }
            let _ = length;
            if self.drop_whitespace && line.last().is_some_and(|c| c.trim().is_empty()) {
                line.pop();
            }
            if !line.is_empty() {
                lines.push(line.concat());
            }
        }
        lines
    }

    fn long_word(self, chunks: &mut Vec<String>, line: &mut Vec<String>, length: usize) {
        let room = if self.width < 1 { 1 } else { self.width - length };
        let Some(word) = chunks.pop() else { return };
        if !self.break_long_words {
            if line.is_empty() {
                line.push(word);
            } else {
                chunks.push(word);
            }
            return;
        }
        let chars: Vec<char> = word.chars().collect();
        let mut end = room;
        if self.break_on_hyphens && chars.len() > room {
            let hyphen = chars[..room].iter().rposition(|c| *c == '-');
            if let Some(at) = hyphen.filter(|at| *at > 0)
                && chars[..at].iter().any(|c| *c != '-')
            {
                end = at + 1;
            }
        }
        line.push(chars[..end].iter().collect());
        let rest: String = chars[end..].iter().collect();
        if !rest.is_empty() {
            chunks.push(rest);
        }
    }

    fn munge(self, text: &str) -> String {
        let mut out = String::with_capacity(text.len());
        let mut column = 0;
        for c in text.chars() {
            match c {
                '\t' => {
                    let n = 8 - column % 8;
                    out.extend(std::iter::repeat_n(' ', n));
                    column += n;
                }
                '\n' | '\r' => {
                    out.push(c);
                    column = 0;
                }
                _ => {
                    out.push(c);
                    column += 1;
                }
            }
        }
        if self.replace_whitespace {
            let white = ['\n', '\x0b', '\x0c', '\r'];
            out = out.replace(white, " ");
        }
        out
    }

    /// Words, the white space between them, and the parts of compound words.
    fn chunks(self, text: &str) -> Vec<String> {
        let is_white = |c: char| matches!(c, ' ' | '\t' | '\n' | '\x0b' | '\x0c' | '\r');
        let mut chunks = Vec::new();
        let mut rest = text;
        while let Some(first) = rest.chars().next() {
            let white = is_white(first);
            let end = rest.find(|c| is_white(c) != white).unwrap_or(rest.len());
            let (chunk, more) = rest.split_at(end);
            rest = more;
            if white || !self.break_on_hyphens {
                chunks.push(chunk.to_owned());
            } else {
                split_word(chunk, &mut chunks);
            }
        }
        chunks
    }
}

/// Takes a word apart after the hyphens that Python breaks at: between letters, at least two
/// characters on either side, and before and after dashes of two or more hyphens.
fn split_word(word: &str, out: &mut Vec<String>) {
    let chars: Vec<char> = word.chars().collect();
    let letter = |i: usize| chars.get(i).is_some_and(|c| c.is_alphabetic() || *c == '_');
    let wordish =
        |i: usize| chars.get(i).is_some_and(|c| c.is_alphanumeric() || "_!\"'&.,?".contains(*c));
    let mut start = 0;
    let mut i = 0;
    while i < chars.len() {
        if chars[i] != '-' {
            i += 1;
            continue;
        }
        let mut end = i;
        while end < chars.len() && chars[end] == '-' {
            end += 1;
        }
        let dashes = end - i;
        if dashes >= 2
            && i > start
            && wordish(i - 1)
            && chars.get(end).is_some_and(|c| c.is_alphanumeric() || *c == '_')
        {
            out.push(chars[start..i].iter().collect());
            out.push(chars[i..end].iter().collect());
            start = end;
        } else if dashes == 1
            && i >= 2
            && i - start >= 2
            && letter(i - 1)
            && (letter(i - 2) || (i - start >= 3 && chars[i - 2] == '-'))
            && letter(i + 1)
            && (letter(i + 2) || chars.get(i + 2) == Some(&'-'))
        {
            out.push(chars[start..end].iter().collect());
            start = end;
        }
        i = end;
    }
    if start < chars.len() {
        out.push(chars[start..].iter().collect());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wraps_as_python_does() {
        let cases: &[(&str, usize, &[&str])] = &[
            ("hello world foo", 11, &["hello world", "foo"]),
            ("a-b well-known thing", 8, &["a-b", "well-", "known", "thing"]),
            ("abcdefghij", 4, &["abcd", "efgh", "ij"]),
            ("  lead", 10, &["  lead"]),
            ("a\nb\tc", 20, &["a b       c"]),
            ("use --list-tasks now", 10, &["use", "--list-", "tasks now"]),
        ];
        for (text, width, lines) in cases {
            assert_eq!(Wrap::to(*width).lines(text), *lines, "{text}");
        }
    }
}
