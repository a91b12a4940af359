//! How ansible's callbacks alter text so that libyaml will write it as a block.

/// What libyaml takes for line breaks.
pub(super) const BREAKS: [char; 4] = ['\n', '\u{85}', '\u{2028}', '\u{2029}'];

use crate::value::text::is_space;

/// The text without what forbids a block: trailing blanks, tabs, special characters.
pub(super) fn munge(text: &str) -> String {
    let trimmed = text.trim_end_matches(is_space);
    let printable: String = expand_tabs(trimmed).chars().filter(|c| is_ordinary(*c)).collect();
    let mut out = String::with_capacity(printable.len());
    for c in printable.chars() {
        if BREAKS.contains(&c) {
            out.truncate(out.trim_end_matches(' ').len());
        }
        out.push(c);
    }
    out
}

fn is_ordinary(c: char) -> bool {
    c == '\n'
        || (matches!(c, ' '..='~' | '\u{85}' | '\u{a0}'..='\u{fffd}' | '\u{10000}'..)
            && !matches!(c, '\u{feff}' | '\u{10ffff}'))
}

/// Python's `expandtabs()`.
fn expand_tabs(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut column = 0;
    for c in text.chars() {
        match c {
            '\t' => {
                let blanks = 8 - column % 8;
                out.extend(std::iter::repeat_n(' ', blanks));
                column += blanks;
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
    out
}
