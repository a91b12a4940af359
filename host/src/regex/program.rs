//! What a pattern is compiled to.

use super::{
    set::{Bytes, Case, Set},
    tree::Place,
};

/// A compiled pattern.
pub(super) struct Program {
    pub(super) steps: Vec<Step>,
    pub(super) sets: Vec<Set>,
    /// Bytes that something may begin with.
    pub(super) firsts: Vec<Bytes>,
    pub(super) groups: usize,
    pub(super) loops: usize,
    pub(super) fences: usize,
    /// Whether texts are UTF-8; otherwise every byte is a character.
    pub(super) is_text: bool,
    pub(super) start: Start,
    /// What every match begins with as much of as it likes: if nothing begins somewhere, nothing begins in the rest of such
    /// a run either, as what follows has been tried at each of its places.
    pub(super) leading_run: Option<Unit>,
}

/// Where matches may begin.
pub(super) enum Start {
    Anywhere,
    /// At the beginning of the text.
    Beginning,
    /// At the beginning of a line.
    Line,
    /// Where this stands.
    Literal(Box<[u8]>),
    /// At one of these bytes.
    Byte(Bytes),
}

/// Which of `firsts`; none if it may be empty.
pub(super) type First = Option<u32>;

/// One character.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Unit {
    /// All but the newline.
    Any,
    All,
    Character(u32),
    Set(u32),
}

pub(super) enum Step {
    Literal(Box<[u8]>),
    One(Unit),
    /// A unit, again and again; what follows begins with `next`.
    Greedy(Run),
    Lazy(Run),
    Possessive(Run),
    Place {
        place: Place,
        multiline: bool,
        unicode: bool,
    },
    /// Where groups begin (even numbers) and end.
    Mark(u32),
    Branch(Box<[(usize, First)]>),
    Jump(usize),
    /// Begins a loop, whose `Loop` is next.
    Enter(usize),
    /// Before each turn of the body, which is next and jumps back here.
    Loop {
        slot: usize,
        lazy: bool,
        min: u32,
        max: u32,
        first: First,
        exit: usize,
    },
    /// A loop whose turns are never taken back.
    EnterPossessive(usize),
    PossessiveLoop {
        slot: usize,
        fence: usize,
        min: u32,
        max: u32,
        exit: usize,
    },
    PossessiveEnd {
        slot: usize,
        fence: usize,
        again: usize,
    },
    Look {
        fence: usize,
        behind: Option<usize>,
        negative: bool,
        exit: usize,
    },
    LookEnd {
        fence: usize,
        negative: bool,
    },
    Atomic(usize),
    AtomicEnd(usize),
    Reference {
        group: usize,
        case: Case,
    },
    Condition {
        group: usize,
        otherwise: usize,
    },
    /// A character that no text has.
    Never,
    Done,
}

#[derive(Clone, Copy)]
pub(super) struct Run {
    pub(super) unit: Unit,
    pub(super) min: u32,
    pub(super) max: u32,
    pub(super) next: First,
    /// Whether nothing that the unit matches begins so: then only the end of a greedy run will do.
    pub(super) apart: bool,
}
