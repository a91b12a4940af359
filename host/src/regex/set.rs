//! Sets of characters, with Python's way to ignore case, and sets of bytes.

use super::{
    tree::{Category, Kind, Member},
    unicode,
};

/// How characters are compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Case {
    Exact,
    /// ASCII's letters in both cases.
    Ascii,
    /// All letters in both cases.
    Unicode,
    /// As `re.L` looks at sets: what either case of a byte is in.
    Locale,
}

impl Case {
    /// What stands for a character in comparisons.
    pub(super) fn fold(self, c: u32) -> u32 {
        match self {
            Case::Exact => c,
            Case::Ascii | Case::Locale => unicode::ascii_lower(c),
            Case::Unicode => unicode::lower(c),
        }
    }

    /// Whether a character has two cases.
    pub(super) fn has_two(self, c: u32) -> bool {
        match self {
            Case::Exact => false,
            Case::Ascii | Case::Locale => u8::try_from(c).is_ok_and(|b| b.is_ascii_alphabetic()),
            Case::Unicode => unicode::lower(c) != c || unicode::upper(c) != c,
        }
    }
}

/// Bytes, a bit each.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Bytes([u64; 4]);

impl Bytes {
    pub(super) const ALL: Bytes = Bytes([u64::MAX; 4]);

    pub(super) fn has(&self, byte: u8) -> bool {
        self.0[usize::from(byte >> 6)] >> (byte & 63) & 1 == 1
    }

    pub(super) fn add(&mut self, byte: u8) {
        self.0[usize::from(byte >> 6)] |= 1 << (byte & 63);
    }

    pub(super) fn join(&mut self, other: &Bytes) {
        for (mine, theirs) in self.0.iter_mut().zip(other.0) {
            *mine |= theirs;
        }
    }

    /// Whether a byte is in both.
    pub(super) fn meets(&self, other: &Bytes) -> bool {
        self.0.iter().zip(other.0).any(|(mine, theirs)| mine & theirs != 0)
    }

    /// The bytes that UTF-8 begins longer characters with.
    pub(super) fn add_leads(&mut self) {
        self.0[3] = u64::MAX;
    }
}

/// A set of characters.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Set {
    /// The answer for each byte, or for ASCII.
    small: Bytes,
    case: Case,
    unicode: bool,
    negated: bool,
    /// Sorted, and apart.
    ranges: Vec<(u32, u32)>,
    /// Ranges that the upper case of a character may be in, too.
    upper_ranges: Vec<(u32, u32)>,
    categories: Vec<Category>,
}

/// Where the characters end that Python holds in a map.
const MAPPED: u32 = 0x1_0000;

impl Set {
    /// The set of these members. Categories mean ASCII's characters unless `unicode`.
    pub(super) fn new(negated: bool, members: &[Member], case: Case, unicode: bool) -> Self {
        let mut set = Set {
            small: Bytes::default(),
            case,
            unicode,
            negated,
            ranges: Vec::new(),
            upper_ranges: Vec::new(),
            categories: Vec::new(),
        };
        // Where no member has two cases, characters are looked up as they are.
        let mut has_cases = case == Case::Locale;
        for member in members {
            match *member {
                Member::Category(category) => set.categories.push(category),
                Member::Character(c) => has_cases |= set.add(c, c),
                Member::Range(low, high) => has_cases |= set.add(low, high),
            }
        }
        if !has_cases {
            set.case = Case::Exact;
        }
        set.sort();
        for byte in 0..=u8::MAX {
            if set.look_up(u32::from(byte)) {
                set.small.add(byte);
            }
        }
        set
    }

    /// Adds a range, folded; whether something in it has two cases.
    fn add(&mut self, low: u32, high: u32) -> bool {
        if matches!(self.case, Case::Exact | Case::Locale) {
            self.ranges.push((low, high));
            return false;
        }
        let mut has_cases = false;
        for c in low..=high.min(MAPPED - 1) {
            let folded = self.case.fold(c);
            has_cases = has_cases || folded != c || self.case.has_two(c);
            match self.ranges.last_mut() {
                Some((_, end)) if *end + 1 == folded => *end = folded,
                _ => self.ranges.push((folded, folded)),
            }
            if self.case == Case::Unicode {
                self.ranges.extend(unicode::kin(folded).map(|kin| (kin, kin)));
            }
        }
        if high >= MAPPED {
            // CPython looks for such characters unfolded, and for ranges in the upper case, too.
            has_cases = true;
            let ranges = if low == high { &mut self.ranges } else { &mut self.upper_ranges };
            ranges.push((low, high));
        }
        has_cases
    }

    fn sort(&mut self) {
        self.ranges.sort_unstable();
        let mut apart: Vec<(u32, u32)> = Vec::with_capacity(self.ranges.len());
        for (low, high) in self.ranges.drain(..) {
            match apart.last_mut() {
                Some((_, end)) if low <= end.saturating_add(1) => *end = high.max(*end),
                _ => apart.push((low, high)),
            }
        }
        self.ranges = apart;
    }

    /// Whether a byte, or a character of ASCII, is in the set.
    pub(super) fn has_small(&self, byte: u8) -> bool {
        self.small.has(byte)
    }

    /// Whether a character is in the set.
    pub(super) fn look_up(&self, c: u32) -> bool {
        match self.case {
            Case::Exact => self.holds(c),
            Case::Ascii | Case::Unicode => self.holds(self.case.fold(c)),
            Case::Locale => {
                let both = u8::try_from(c).ok().filter(u8::is_ascii_alphabetic);
                match both {
                    Some(letter) => {
                        self.holds(u32::from(letter.to_ascii_lowercase()))
                            || self.holds(u32::from(letter.to_ascii_uppercase()))
                    }
                    None => self.holds(c),
                }
            }
        }
    }

    fn holds(&self, c: u32) -> bool {
        let after = self.ranges.partition_point(|(low, _)| *low <= c);
        let within = |(low, high): &(u32, u32)| (*low..=*high).contains(&c);
        let found = after > 0 && c <= self.ranges[after - 1].1
            || self.categories.iter().any(|category| self.is(category, c))
            || self
                .upper_ranges
                .iter()
                .any(|range| within(range) || (range.0..=range.1).contains(&unicode::upper(c)));
        found != self.negated
    }

    fn is(&self, category: &Category, c: u32) -> bool {
        let found = match (category.kind, self.unicode) {
            (Kind::Digit, true) => unicode::is_digit(c),
            (Kind::Space, true) => unicode::is_space(c),
            (Kind::Word, true) => unicode::is_word(c),
            (Kind::Digit, false) => (0x30..0x3a).contains(&c),
            (Kind::Space, false) => unicode::is_ascii_space(c),
            (Kind::Word, false) => c < 0x80 && unicode::is_word(c),
        };
        found != category.not
    }

    /// Adds the bytes that a member may begin with.
    pub(super) fn add_first(&self, bytes: &mut Bytes, is_text: bool) {
        let end = if is_text { 0x7f } else { u8::MAX };
        for byte in (0..=end).filter(|byte| self.small.has(*byte)) {
            bytes.add(byte);
        }
        if is_text && self.may_be_long() {
            bytes.add_leads();
        }
    }

    /// Whether characters beyond ASCII may be members.
    pub(super) fn may_be_long(&self) -> bool {
        // Of those whose lower case is in ASCII there are two: U+0130 and U+212A.
        self.negated
            || !self.categories.is_empty()
            || !self.upper_ranges.is_empty()
            || self.ranges.last().is_some_and(|(_, high)| *high >= 0x80)
            || self.look_up(0x130)
            || self.look_up(0x212a)
    }
}
