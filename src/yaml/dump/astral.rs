//! Characters beyond U+FFFF, which libyaml 0.2.5 always escapes and its translation does not.
//!
//! Before emitting, each becomes a stand-in of two unprintable characters that takes as many bytes
//! in the text (4) and as many columns when escaped (10), so that lines break at the same places;
//! afterwards the escapes of stand-ins become the escapes of what they stood for.

use std::{borrow::Cow, collections::VecDeque};

/// Puts stand-ins in and takes them out again, in order.
pub(super) struct Astral {
    pair: String,
    escaped: String,
    hidden: VecDeque<char>,
}

impl Astral {
    /// A pair of characters that stands in none of the texts; `None` if none is needed.
    pub fn for_texts<'t>(texts: impl Iterator<Item = &'t str> + Clone) -> Option<Self> {
        if !texts.clone().any(has_astral) {
            return None;
        }
        let low = ['\u{1}', '\u{2}', '\u{3}', '\u{4}', '\u{5}', '\u{6}', '\u{e}', '\u{f}'];
        let pairs = ['\u{ffff}', '\u{fffe}'].into_iter().flat_map(|h| low.map(|l| (h, l)));
        pairs
            .map(|(high, low)| Self {
                pair: [high, low].iter().collect(),
                escaped: format!("\\u{:04X}\\x{:02X}", u32::from(high), u32::from(low)),
                hidden: VecDeque::new(),
            })
            .find(|a| texts.clone().all(|t| !t.contains(&a.pair) && !t.contains(&a.escaped)))
    }

    /// The text with stand-ins.
    pub fn hide<'t>(&mut self, text: &'t str) -> Cow<'t, str> {
        if !has_astral(text) {
            return Cow::Borrowed(text);
        }
        let mut out = String::with_capacity(text.len());
        for c in text.chars() {
            if is_astral(c) {
                self.hidden.push_back(c);
                out.push_str(&self.pair);
            } else {
                out.push(c);
            }
        }
        Cow::Owned(out)
    }

    /// The emitted text with the escapes of what was hidden.
    pub fn restore(&mut self, output: &str) -> String {
        let mut parts = output.split(&self.escaped);
        let mut out = parts.next().unwrap_or_default().to_owned();
        for part in parts {
            if let Some(c) = self.hidden.pop_front() {
                out += &format!("\\U{:08X}", u32::from(c));
            }
            out += part;
        }
        out
    }
}

fn has_astral(text: &str) -> bool {
    // In UTF-8 these characters, and no others, begin with such a byte.
    text.bytes().any(|b| b >= 0xf0)
}

fn is_astral(c: char) -> bool {
    u32::from(c) > 0xffff
}
