//! Parsed patterns.

/// Elements that match one after the other.
pub(super) type Sequence = Vec<Node>;

/// An element of a pattern. Characters are code points, because escapes name some that no text has.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Node {
    Character(u32),
    NotCharacter(u32),
    /// `.`
    Any,
    Set {
        negated: bool,
        members: Vec<Member>,
    },
    Place(Place),
    Branch(Vec<Sequence>),
    /// A group, with its number if it is kept, and the flags that it turns on and off.
    Group {
        number: Option<usize>,
        on: u16,
        off: u16,
        body: Sequence,
    },
    Atomic(Sequence),
    Repeat {
        kind: Repeat,
        min: u32,
        max: u32,
        body: Sequence,
    },
    Reference(usize),
    Condition {
        group: usize,
        yes: Sequence,
        no: Option<Sequence>,
    },
    Look {
        behind: bool,
        negative: bool,
        body: Sequence,
    },
}

/// What a set holds.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Member {
    Character(u32),
    Range(u32, u32),
    Category(Category),
}

/// `\d`, `\s`, `\w`; what is `not` in them is `\D`, `\S`, `\W`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Category {
    pub(super) kind: Kind,
    pub(super) not: bool,
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Kind {
    Digit,
    Space,
    Word,
}

/// What matches no text, but where something is.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Place {
    /// `^`
    Beginning,
    /// `\A`
    TextBeginning,
    /// `$`
    End,
    /// `\Z`
    TextEnd,
    /// `\b`
    Boundary,
    /// `\B`
    NoBoundary,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Repeat {
    Greedy,
    Lazy,
    Possessive,
}

/// As often as it goes.
pub(super) const UNBOUNDED: u32 = u32::MAX;

/// Flags, as bits.
pub(super) mod flag {
    pub(crate) const IGNORE_CASE: u16 = 1;
    pub(crate) const LOCALE: u16 = 2;
    pub(crate) const MULTILINE: u16 = 4;
    pub(crate) const DOT_ALL: u16 = 8;
    pub(crate) const VERBOSE: u16 = 16;
    pub(crate) const ASCII: u16 = 32;
    pub(crate) const TEMPLATE: u16 = 64;
    pub(crate) const UNICODE: u16 = 128;
    /// What a letter means; one of them at a time.
    pub(crate) const TYPES: u16 = ASCII | LOCALE | UNICODE;
}

/// The fewest and the most characters that something matches; `u64::MAX` is without end.
pub(super) type Width = (u64, u64);

/// How many characters a sequence matches, by the widths of the groups that it refers to.
pub(super) fn width(sequence: &[Node], groups: &[Option<Width>]) -> Width {
    sequence
        .iter()
        .map(|node| node_width(node, groups))
        .fold((0, 0), |(low, high), (l, h)| (low.saturating_add(l), high.saturating_add(h)))
}

fn node_width(node: &Node, groups: &[Option<Width>]) -> Width {
    match node {
        Node::Character(_) | Node::NotCharacter(_) | Node::Any | Node::Set { .. } => (1, 1),
        Node::Place(_) | Node::Look { .. } => (0, 0),
        Node::Branch(branches) => either(branches.iter().map(|b| width(b, groups))),
        Node::Group { body, .. } | Node::Atomic(body) => width(body, groups),
        Node::Repeat { min, max, body, .. } => {
            let (low, high) = width(body, groups);
            let most = match *max {
                UNBOUNDED if high > 0 => u64::MAX,
                max => high.saturating_mul(u64::from(max)),
            };
            (low.saturating_mul(u64::from(*min)), most)
        }
        // The parser accepts references to closed groups only.
        Node::Reference(group) => groups.get(*group).copied().flatten().unwrap_or((0, u64::MAX)),
        Node::Condition { yes, no, .. } => match no {
            Some(no) => either([width(yes, groups), width(no, groups)].into_iter()),
            None => (0, width(yes, groups).1),
        },
    }
}

fn either(widths: impl Iterator<Item = Width>) -> Width {
    widths.fold((u64::MAX, 0), |(low, high), (l, h)| (low.min(l), high.max(h)))
}
