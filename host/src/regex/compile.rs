//! Trees made programs.

use super::{
    Error, failure,
    parse::Parsed,
    program::{First, Program, Run, Start, Step, Unit},
    set::{Bytes, Case, Set},
    tree::{Member, Node, Place, Repeat, Sequence, UNBOUNDED, Width, flag, width},
};

/// Compiles what was parsed.
///
/// # Errors
/// Look-behind of no fixed width.
pub(super) fn compile(parsed: &Parsed, is_text: bool) -> Result<Program, Error> {
    let mut compiler = Compiler {
        widths: &parsed.widths,
        program: Program {
            steps: Vec::new(),
            sets: Vec::new(),
            firsts: Vec::new(),
            groups: parsed.widths.len() - 1,
            loops: 0,
            fences: 0,
            is_text,
            start: Start::Anywhere,
            leading_run: None,
        },
    };
    compiler.sequence(&parsed.tree, parsed.flags, None)?;
    compiler.emit(Step::Done);
    compiler.program.start = compiler.start(&parsed.tree, parsed.flags);
    compiler.program.leading_run = compiler.leading_run(&parsed.tree, parsed.flags);
    Ok(compiler.program)
}

struct Compiler<'p> {
    widths: &'p [Option<Width>],
    program: Program,
}

/// The flags in a group.
fn combined(flags: u16, on: u16, off: u16) -> u16 {
    let flags = if on & flag::TYPES == 0 { flags } else { flags & !flag::TYPES };
    (flags | on) & !off
}

fn case(flags: u16) -> Case {
    if flags & flag::IGNORE_CASE == 0 {
        Case::Exact
    } else if flags & flag::LOCALE != 0 {
        Case::Locale
    } else if flags & flag::UNICODE != 0 {
        Case::Unicode
    } else {
        Case::Ascii
    }
}

impl Compiler<'_> {
    fn emit(&mut self, step: Step) -> usize {
        self.program.steps.push(step);
        self.program.steps.len() - 1
    }

    fn here(&self) -> usize {
        self.program.steps.len()
    }

    /// A sequence, and what the text behind it begins with.
    fn sequence(&mut self, nodes: &[Node], flags: u16, follow: Option<Bytes>) -> Result<(), Error> {
        let mut literal = Vec::new();
        for (at, node) in nodes.iter().enumerate() {
            if let Some(c) = self.plain(node, flags) {
                self.push_character(&mut literal, c);
                continue;
            }
            self.literal(&mut literal);
            let mut next = Bytes::default();
            let next = match (self.first(&nodes[at + 1..], flags, &mut next), follow) {
                (false, _) => Some(next),
                (true, None) => None,
                (true, Some(follow)) => {
                    next.join(&follow);
                    Some(next)
                }
            };
            self.node(node, flags, next)?;
        }
        self.literal(&mut literal);
        Ok(())
    }

    fn literal(&mut self, bytes: &mut Vec<u8>) {
        if !bytes.is_empty() {
            let bytes = std::mem::take(bytes).into_boxed_slice();
            self.emit(Step::Literal(bytes));
        }
    }

    /// The character that a node matches and nothing else.
    fn plain(&mut self, node: &Node, flags: u16) -> Option<u32> {
        match node {
            Node::Character(_) => match self.unit(node, flags) {
                Some(Unit::Character(c))
                    if !self.program.is_text || char::from_u32(c).is_some() =>
                {
                    Some(c)
                }
                _ => None,
            },
            _ => None,
        }
    }

    fn push_character(&self, bytes: &mut Vec<u8>, c: u32) {
        if self.program.is_text {
            let c = char::from_u32(c).unwrap_or(char::REPLACEMENT_CHARACTER);
            bytes.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes());
        } else {
            // Patterns of bytes have no other characters.
            bytes.push(c as u8);
        }
    }

    /// What matches one character.
    fn unit(&mut self, node: &Node, flags: u16) -> Option<Unit> {
        let case = case(flags);
        let unicode = flags & flag::UNICODE != 0;
        let alone = |c: u32, negated| {
            let case = if case == Case::Locale { Case::Ascii } else { case };
            Set::new(negated, &[Member::Character(case.fold(c))], case, unicode)
        };
        let set = match node {
            Node::Any if flags & flag::DOT_ALL != 0 => return Some(Unit::All),
            Node::Any => return Some(Unit::Any),
            Node::Character(c) if !case.has_two(*c) => return Some(Unit::Character(*c)),
            Node::Character(c) => alone(*c, false),
            Node::NotCharacter(c) => alone(*c, true),
            Node::Set { negated, members } => Set::new(*negated, members, case, unicode),
            _ => return None,
        };
        let known = self.program.sets.iter().position(|known| *known == set);
        let number = known.unwrap_or_else(|| {
            self.program.sets.push(set);
            self.program.sets.len() - 1
        });
        u32::try_from(number).ok().map(Unit::Set)
    }

    /// Remembers what something begins with.
    fn remember(&mut self, bytes: Option<Bytes>) -> First {
        let bytes = bytes.filter(|bytes| *bytes != Bytes::ALL)?;
        let firsts = &mut self.program.firsts;
        let number = firsts.iter().position(|known| *known == bytes).unwrap_or_else(|| {
            firsts.push(bytes);
            firsts.len() - 1
        });
        u32::try_from(number).ok()
    }

    fn node(&mut self, node: &Node, flags: u16, next: Option<Bytes>) -> Result<(), Error> {
        if let Some(unit) = self.unit(node, flags) {
            let never = matches!(unit, Unit::Character(c) if char::from_u32(c).is_none());
            self.emit(if never { Step::Never } else { Step::One(unit) });
            return Ok(());
        }
        match node {
            Node::Place(place) => {
                let multiline = flags & flag::MULTILINE != 0;
                let unicode = flags & flag::UNICODE != 0;
                self.emit(Step::Place { place: *place, multiline, unicode });
            }
            Node::Branch(branches) => {
                let branches: Vec<&[Node]> = branches.iter().map(Vec::as_slice).collect();
                self.branch(&branches, flags, next)?;
            }
            Node::Group { number, on, off, body } => {
                // Groups are numbered from 1; there are fewer than 2^31.
                let mark = number.map(|number| 2 * (number as u32 - 1));
                if let Some(mark) = mark {
                    self.emit(Step::Mark(mark));
                }
                self.sequence(body, combined(flags, *on, *off), next)?;
                if let Some(mark) = mark {
                    self.emit(Step::Mark(mark + 1));
                }
            }
            Node::Atomic(body) => {
                let fence = self.fence();
                self.emit(Step::Atomic(fence));
                self.sequence(body, flags, None)?;
                self.emit(Step::AtomicEnd(fence));
            }
            Node::Repeat { kind, min, max, body } => {
                self.repeat(*kind, *min, *max, body, flags, next)?;
            }
            Node::Reference(group) => {
                self.emit(Step::Reference { group: *group, case: case(flags) });
            }
            Node::Condition { group, yes, no } => {
                let condition = self.emit(Step::Never);
                self.sequence(yes, flags, next)?;
                let jump = no.as_ref().map(|_| self.emit(Step::Never));
                let otherwise = self.here();
                self.program.steps[condition] = Step::Condition { group: *group, otherwise };
                if let (Some(no), Some(jump)) = (no, jump) {
                    self.sequence(no, flags, next)?;
                    self.program.steps[jump] = Step::Jump(self.here());
                }
            }
            Node::Look { behind, negative, body } => self.look(*behind, *negative, body, flags)?,
            // These are units.
            Node::Any | Node::Character(_) | Node::NotCharacter(_) | Node::Set { .. } => {}
        }
        Ok(())
    }

    fn fence(&mut self) -> usize {
        self.program.fences += 1;
        self.program.fences - 1
    }

    fn branch(
        &mut self,
        branches: &[&[Node]],
        flags: u16,
        next: Option<Bytes>,
    ) -> Result<(), Error> {
        let start = self.emit(Step::Never);
        let mut targets = Vec::with_capacity(branches.len());
        let mut jumps = Vec::with_capacity(branches.len());
        for (number, branch) in branches.iter().enumerate() {
            let mut first = Bytes::default();
            let first = match self.first(branch, flags, &mut first) {
                false => Some(first),
                true => next.map(|next| {
                    first.join(&next);
                    first
                }),
            };
            targets.push((self.here(), self.remember(first)));
            self.sequence(branch, flags, next)?;
            if number + 1 < branches.len() {
                jumps.push(self.emit(Step::Never));
            }
        }
        for jump in jumps {
            self.program.steps[jump] = Step::Jump(self.here());
        }
        self.program.steps[start] = Step::Branch(targets.into_boxed_slice());
        Ok(())
    }

    fn repeat(
        &mut self,
        kind: Repeat,
        min: u32,
        max: u32,
        body: &Sequence,
        flags: u16,
        next: Option<Bytes>,
    ) -> Result<(), Error> {
        if flags & flag::TEMPLATE != 0 {
            let name = match kind {
                Repeat::Greedy => "MAX_REPEAT",
                Repeat::Lazy => "MIN_REPEAT",
                Repeat::Possessive => "POSSESSIVE_REPEAT",
            };
            return Err(failure(format!("internal: unsupported template operator {name}")));
        }
        if let Some(unit) = self.single(body, flags) {
            let mut own = Bytes::default();
            self.unit_first(unit, &mut own);
            let apart = next.is_some_and(|next| !next.meets(&own));
            let run = Run { unit, min, max, next: self.remember(next), apart };
            self.emit(match kind {
                Repeat::Greedy => Step::Greedy(run),
                Repeat::Lazy => Step::Lazy(run),
                Repeat::Possessive => Step::Possessive(run),
            });
            return Ok(());
        }
        match (kind, min, max) {
            (Repeat::Greedy, 0, 1) => return self.branch(&[body, &[]], flags, next),
            (Repeat::Lazy, 0, 1) => return self.branch(&[&[], body], flags, next),
            _ => {}
        }
        if kind == Repeat::Possessive {
            return self.possessive(min, max, body, flags);
        }
        let mut first = Bytes::default();
        let first = (!self.first(body, flags, &mut first)).then_some(first);
        // What follows a turn: another one, or what follows the loop.
        let follow = first.zip(next).map(|(mut first, next)| {
            first.join(&next);
            first
        });
        let slot = self.program.loops;
        self.program.loops += 1;
        self.emit(Step::Enter(slot));
        let start = self.emit(Step::Never);
        self.sequence(body, flags, follow)?;
        self.emit(Step::Jump(start));
        let (lazy, first) = (kind == Repeat::Lazy, self.remember(first));
        let exit = self.here();
        self.program.steps[start] = Step::Loop { slot, lazy, min, max, first, exit };
        Ok(())
    }

    /// The unit that a body consists of.
    fn single(&mut self, body: &[Node], flags: u16) -> Option<Unit> {
        match body {
            [Node::Group { number: None, on, off, body }] => {
                self.single(body, combined(flags, *on, *off))
            }
            [node] => self.unit(node, flags),
            _ => None,
        }
    }

    fn possessive(&mut self, min: u32, max: u32, body: &Sequence, flags: u16) -> Result<(), Error> {
        let (slot, fence) = (self.program.loops, self.fence());
        self.program.loops += 1;
        self.emit(Step::EnterPossessive(slot));
        let again = self.emit(Step::Never);
        self.sequence(body, flags, None)?;
        self.emit(Step::PossessiveEnd { slot, fence, again });
        let exit = self.here();
        self.program.steps[again] = Step::PossessiveLoop { slot, fence, min, max, exit };
        Ok(())
    }

    fn look(
        &mut self,
        behind: bool,
        negative: bool,
        body: &Sequence,
        flags: u16,
    ) -> Result<(), Error> {
        let behind = match behind.then(|| width(body, self.widths)) {
            None => None,
            Some((low, _)) if low > u64::from(u32::MAX) => {
                return Err(failure("looks too much behind"));
            }
            Some((low, high)) if low != high => {
                return Err(failure("look-behind requires fixed-width pattern"));
            }
            // It is below 2^32.
            Some((low, _)) => Some(low as usize),
        };
        let fence = self.fence();
        let start = self.emit(Step::Never);
        self.sequence(body, flags, None)?;
        self.emit(Step::LookEnd { fence, negative });
        let exit = self.here();
        self.program.steps[start] = Step::Look { fence, behind, negative, exit };
        Ok(())
    }

    /// Adds the bytes that a sequence may begin with; whether it may be empty.
    fn first(&mut self, nodes: &[Node], flags: u16, bytes: &mut Bytes) -> bool {
        nodes.iter().all(|node| self.node_first(node, flags, bytes))
    }

    fn node_first(&mut self, node: &Node, flags: u16, bytes: &mut Bytes) -> bool {
        if let Some(unit) = self.unit(node, flags) {
            self.unit_first(unit, bytes);
            return false;
        }
        match node {
            Node::Branch(branches) => {
                let mut empty = false;
                for branch in branches {
                    empty |= self.first(branch, flags, bytes);
                }
                empty
            }
            Node::Group { on, off, body, .. } => {
                self.first(body, combined(flags, *on, *off), bytes)
            }
            Node::Atomic(body) => self.first(body, flags, bytes),
            Node::Repeat { min, body, .. } => self.first(body, flags, bytes) || *min == 0,
            Node::Reference(_) => {
                *bytes = Bytes::ALL;
                true
            }
            Node::Condition { yes, no, .. } => {
                let empty = self.first(yes, flags, bytes);
                no.as_ref().is_none_or(|no| self.first(no, flags, bytes)) || empty
            }
            _ => true,
        }
    }

    fn unit_first(&self, unit: Unit, bytes: &mut Bytes) {
        match unit {
            Unit::All => *bytes = Bytes::ALL,
            Unit::Any => (0..=u8::MAX).filter(|b| *b != b'\n').for_each(|b| bytes.add(b)),
            Unit::Character(c) => {
                let mut written = Vec::new();
                self.push_character(&mut written, c);
                bytes.add(written[0]);
            }
            // Units name sets that are there.
            Unit::Set(set) => {
                self.program.sets[set as usize].add_first(bytes, self.program.is_text);
            }
        }
    }

    /// Where matches may begin.
    fn start(&mut self, nodes: &[Node], flags: u16) -> Start {
        let (node, inner) = match leading(nodes, flags) {
            Some(found) => found,
            None => return Start::Anywhere,
        };
        match node {
            Node::Place(Place::TextBeginning) => return Start::Beginning,
            Node::Place(Place::Beginning) if inner & flag::MULTILINE == 0 => {
                return Start::Beginning;
            }
            Node::Place(Place::Beginning) => return Start::Line,
            _ => {}
        }
        let mut literal = Vec::new();
        self.prefix(nodes, flags, &mut literal);
        if literal.len() > 1 {
            return Start::Literal(literal.into_boxed_slice());
        }
        let mut first = Bytes::default();
        if self.first(nodes, flags, &mut first) || first == Bytes::ALL {
            Start::Anywhere
        } else {
            Start::Byte(first)
        }
    }

    /// The unit of a run without an upper bound that everything begins with.
    fn leading_run(&mut self, nodes: &[Node], flags: u16) -> Option<Unit> {
        match leading(nodes, flags)? {
            (Node::Repeat { max: UNBOUNDED, body, .. }, inner) if !depends(nodes) => {
                match &body[..] {
                    [unit] => self.unit(unit, inner),
                    _ => None,
                }
            }
            _ => None,
        }
    }

    /// Adds what every match begins with; whether nothing else is in the sequence.
    fn prefix(&mut self, nodes: &[Node], flags: u16, literal: &mut Vec<u8>) -> bool {
        for node in nodes {
            let whole = match node {
                Node::Character(_) => match self.plain(node, flags) {
                    Some(c) => {
                        self.push_character(literal, c);
                        true
                    }
                    None => false,
                },
                Node::Group { on, off, body, .. } => {
                    self.prefix(body, combined(flags, *on, *off), literal)
                }
                Node::Atomic(body) => self.prefix(body, flags, literal),
                Node::Repeat { min: 1.., body, .. } => {
                    self.prefix(body, flags, literal);
                    false
                }
                _ => false,
            };
            if !whole {
                return false;
            }
        }
        true
    }
}

/// What a sequence begins with, and the flags there.
fn leading(nodes: &[Node], flags: u16) -> Option<(&Node, u16)> {
    match nodes.first()? {
        Node::Group { on, off, body, .. } => leading(body, combined(flags, *on, *off)),
        node => Some((node, flags)),
    }
}

/// Whether what is matched depends on what was matched before.
fn depends(nodes: &[Node]) -> bool {
    nodes.iter().any(|node| match node {
        Node::Reference(_) | Node::Condition { .. } => true,
        Node::Branch(branches) => branches.iter().any(|branch| depends(branch)),
        Node::Group { body, .. }
        | Node::Atomic(body)
        | Node::Repeat { body, .. }
        | Node::Look { body, .. } => depends(body),
        _ => false,
    })
}
