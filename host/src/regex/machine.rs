//! Runs programs: backtracking, with a stack of its own for what may be tried otherwise and what is to be taken back.

use super::{
    Error, failure,
    program::{First, Program, Run, Step, Unit},
    set::Case,
    tree::{Place, UNBOUNDED},
    unicode,
};

/// Ways back that a search may take: seconds of work, so that an expression that would need years ends.
const MOST_WAYS_BACK: u64 = 500_000_000;

/// Entries of the stack: no more memory than an expression may take on a small host.
const DEEPEST: usize = 32 << 20;

/// No place in any text.
const NOWHERE: usize = usize::MAX;

/// A place in the program and one in the text.
type At = (usize, usize);

#[derive(Clone, Copy)]
enum Entry {
    /// Goes on at a step.
    Resume { step: u32, at: usize },
    /// Tries further branches.
    Branch { step: u32, at: usize, next: usize },
    /// Gives back a unit of a greedy run.
    Greedy { step: u32, at: usize, least: usize },
    /// Takes another unit for a lazy run.
    Lazy { step: u32, at: usize, taken: usize },
    /// Takes another turn of a lazy loop.
    LazyLoop { step: u32, at: usize },
    /// Sets a mark again.
    Mark { mark: u32, at: usize },
    /// Sets a loop's state again.
    Loop { slot: u32, count: u32, at: usize },
}

impl Entry {
    /// Whether it takes back what was done, and offers no other way.
    fn is_undo(self) -> bool {
        matches!(self, Entry::Mark { .. } | Entry::Loop { .. })
    }
}

/// How often a loop's body matched, and where its last turn began.
#[derive(Clone, Copy)]
struct Turns {
    count: u32,
    at: usize,
}

/// A search in one text.
pub(super) struct Machine<'a> {
    program: &'a Program,
    text: &'a [u8],
    stack: Vec<Entry>,
    marks: Vec<usize>,
    loops: Vec<Turns>,
    /// How high the stack was where something began whose ways back are dropped, and where that was.
    fences: Vec<At>,
    work: u64,
    /// How much work there may be.
    pub(super) most_work: u64,
    /// Whether a match must end where the text does.
    whole: bool,
    /// Where a match must not end.
    not_here: usize,
}

/// Programs are far smaller than 2^32 steps.
fn short(step: usize) -> u32 {
    step as u32
}

impl<'a> Machine<'a> {
    pub(super) fn new(program: &'a Program, text: &'a [u8], whole: bool) -> Self {
        Self {
            program,
            text,
            stack: Vec::new(),
            marks: vec![NOWHERE; 2 * program.groups],
            loops: vec![Turns { count: 0, at: NOWHERE }; program.loops],
            fences: vec![(0, 0); program.fences],
            work: 0,
            most_work: MOST_WAYS_BACK,
            whole,
            not_here: NOWHERE,
        }
    }

    /// Where the groups of the last match are.
    pub(super) fn groups(&self) -> impl Iterator<Item = Option<(usize, usize)>> + '_ {
        self.marks.chunks_exact(2).map(|pair| span(pair[0], pair[1]))
    }

    /// Where a match that begins at `at` ends; not at `not_here`.
    ///
    /// # Errors
    /// Too much work.
    pub(super) fn attempt(&mut self, at: usize, not_here: usize) -> Result<Option<usize>, Error> {
        self.stack.clear();
        self.marks.fill(NOWHERE);
        self.not_here = not_here;
        let mut way = Some((0, at));
        loop {
            let Some((step, at)) = (match way {
                Some(way) => Some(way),
                None => self.back()?,
            }) else {
                return Ok(None);
            };
            let program = self.program;
            way = match &program.steps[step] {
                Step::Literal(bytes) => {
                    self.text[at..].starts_with(bytes).then(|| (step + 1, at + bytes.len()))
                }
                Step::One(unit) => self.one(*unit, at).map(|end| (step + 1, end)),
                Step::Greedy(run) => self.greedy(step, *run, at),
                Step::Lazy(run) => self.lazy(step, *run, at),
                Step::Possessive(run) => self.taken(*run, at).map(|(_, end)| (step + 1, end)),
                Step::Place { place, multiline, unicode } => {
                    self.is_at(*place, *multiline, *unicode, at).then_some((step + 1, at))
                }
                Step::Mark(mark) => {
                    self.set_mark(*mark, at);
                    Some((step + 1, at))
                }
                Step::Branch(branches) => self.branch(step, branches, 0, at),
                Step::Jump(to) => Some((*to, at)),
                Step::Enter(slot) => {
                    self.set_loop(*slot, Turns { count: u32::MAX, at: NOWHERE });
                    Some((step + 1, at))
                }
                Step::Loop { .. } => self.turn(step, at),
                Step::EnterPossessive(slot) => {
                    self.loops[*slot] = Turns { count: 0, at: NOWHERE };
                    Some((step + 1, at))
                }
                Step::PossessiveLoop { .. } => Some(self.possessive_turn(step, at)),
                Step::PossessiveEnd { slot, fence, again } => {
                    self.drop_ways(*fence);
                    self.loops[*slot].count += 1;
                    Some((*again, at))
                }
                Step::Look { .. } => self.look(step, at),
                Step::LookEnd { fence, negative } => self.look_end(step, *fence, *negative),
                Step::Atomic(fence) => {
                    self.fences[*fence] = (self.stack.len(), at);
                    Some((step + 1, at))
                }
                Step::AtomicEnd(fence) => {
                    self.drop_ways(*fence);
                    Some((step + 1, at))
                }
                Step::Reference { group, case } => {
                    self.reference(*group, *case, at).map(|end| (step + 1, end))
                }
                Step::Condition { group, otherwise } => {
                    let matched = self.group(*group).is_some();
                    Some((if matched { step + 1 } else { *otherwise }, at))
                }
                Step::Never => None,
                Step::Done if self.whole && at != self.text.len() || at == self.not_here => None,
                Step::Done => return Ok(Some(at)),
            };
            if self.stack.len() > DEEPEST {
                return Err(failure("the expression needs too much memory for this text"));
            }
        }
    }

    /// Counts work, and ends what takes too much.
    fn worked(&mut self, amount: u64) -> Result<(), Error> {
        self.work += amount;
        if self.work > self.most_work {
            return Err(failure("the expression takes too many steps for this text"));
        }
        Ok(())
    }

    /// The next other way.
    fn back(&mut self) -> Result<Option<At>, Error> {
        while let Some(entry) = self.stack.pop() {
            let way = match entry {
                Entry::Mark { mark, at } => {
                    self.marks[mark as usize] = at;
                    continue;
                }
                Entry::Loop { slot, count, at } => {
                    self.loops[slot as usize] = Turns { count, at };
                    continue;
                }
                Entry::Resume { step, at } => Some((step as usize, at)),
                Entry::Branch { step, at, next } => match &self.program.steps[step as usize] {
                    Step::Branch(branches) => self.branch(step as usize, branches, next, at),
                    _ => None,
                },
                Entry::Greedy { step, at, least } => match self.program.steps[step as usize] {
                    Step::Greedy(run) => self.give_back(step as usize, run, at, least),
                    _ => None,
                },
                Entry::Lazy { step, at, taken } => match self.program.steps[step as usize] {
                    Step::Lazy(run) => self.take_more(step as usize, run, at, taken),
                    _ => None,
                },
                Entry::LazyLoop { step, at } => self.lazy_turn(step as usize, at),
            };
            self.worked(1)?;
            if way.is_some() {
                return Ok(way);
            }
        }
        Ok(None)
    }

    fn set_mark(&mut self, mark: u32, at: usize) {
        let old = std::mem::replace(&mut self.marks[mark as usize], at);
        // Where there is no other way, nothing will be taken back.
        if !self.stack.is_empty() {
            self.stack.push(Entry::Mark { mark, at: old });
        }
    }

    fn set_loop(&mut self, slot: usize, turns: Turns) {
        let old = std::mem::replace(&mut self.loops[slot], turns);
        if !self.stack.is_empty() {
            self.stack.push(Entry::Loop { slot: short(slot), count: old.count, at: old.at });
        }
    }

    /// Drops the ways back since a fence, but not what they would have taken back.
    fn drop_ways(&mut self, fence: usize) {
        let (height, _) = self.fences[fence];
        let mut kept = height;
        for at in height..self.stack.len() {
            if self.stack[at].is_undo() {
                self.stack[kept] = self.stack[at];
                kept += 1;
            }
        }
        self.stack.truncate(kept);
    }

    /// Takes back all since a fence.
    fn take_back(&mut self, fence: usize) {
        let (height, _) = self.fences[fence];
        while self.stack.len() > height {
            match self.stack.pop() {
                Some(Entry::Mark { mark, at }) => self.marks[mark as usize] = at,
                Some(Entry::Loop { slot, count, at }) => {
                    self.loops[slot as usize] = Turns { count, at };
                }
                _ => {}
            }
        }
    }

    /// Whether what begins so may begin here.
    fn may_begin(&self, first: First, at: usize) -> bool {
        match first {
            None => true,
            Some(first) => {
                self.text.get(at).is_some_and(|b| self.program.firsts[first as usize].has(*b))
            }
        }
    }

    /// The first branch from `from` on that may match.
    fn branch(
        &mut self,
        step: usize,
        branches: &[(usize, First)],
        from: usize,
        at: usize,
    ) -> Option<At> {
        let possible =
            |from: usize| (from..branches.len()).find(|b| self.may_begin(branches[*b].1, at));
        let chosen = possible(from)?;
        if let Some(next) = possible(chosen + 1) {
            self.stack.push(Entry::Branch { step: short(step), at, next });
        }
        Some((branches[chosen].0, at))
    }

    /// The character at a place, and how long it is.
    fn character(&self, at: usize) -> Option<(u32, usize)> {
        let first = *self.text.get(at)?;
        if first < 0x80 || !self.program.is_text {
            return Some((u32::from(first), 1));
        }
        let more = |i: usize| u32::from(self.text.get(at + i).copied().unwrap_or(0) & 0x3f);
        let first = u32::from(first);
        Some(match first {
            0..0xe0 => ((first & 0x1f) << 6 | more(1), 2),
            0xe0..0xf0 => ((first & 0xf) << 12 | more(1) << 6 | more(2), 3),
            _ => ((first & 7) << 18 | more(1) << 12 | more(2) << 6 | more(3), 4),
        })
    }

    /// Where the character before a place begins, which is not the beginning.
    fn before(&self, at: usize) -> usize {
        let mut at = at - 1;
        while self.program.is_text && at > 0 && self.text[at] & 0xc0 == 0x80 {
            at -= 1;
        }
        at
    }

    /// Where a unit ends that matches here.
    fn one(&self, unit: Unit, at: usize) -> Option<usize> {
        let byte = *self.text.get(at)?;
        if byte < 0x80 {
            let found = match unit {
                Unit::Any => byte != b'\n',
                Unit::All => true,
                Unit::Character(c) => c == u32::from(byte),
                Unit::Set(set) => self.program.sets[set as usize].has_small(byte),
            };
            return found.then_some(at + 1);
        }
        let (c, length) = self.character(at)?;
        let found = match unit {
            Unit::Any | Unit::All => true,
            Unit::Character(wanted) => c == wanted,
            Unit::Set(set) => {
                let set = &self.program.sets[set as usize];
                if self.program.is_text { set.look_up(c) } else { set.has_small(byte) }
            }
        };
        found.then_some(at + length)
    }

    /// Where at most `most` units from here end.
    pub(super) fn run(&mut self, unit: Unit, from: usize, most: u32) -> usize {
        let rest = &self.text[from..];
        let end = match unit {
            Unit::All if most == UNBOUNDED => rest.len(),
            Unit::Any if most == UNBOUNDED => find_byte(rest, b'\n').unwrap_or(rest.len()),
            Unit::Set(set)
                if most == UNBOUNDED && !self.program.sets[set as usize].may_be_long() =>
            {
                let set = &self.program.sets[set as usize];
                rest.iter().position(|byte| !set.has_small(*byte)).unwrap_or(rest.len())
            }
            _ => {
                let (mut at, mut count) = (from, 0);
                while count < most
                    && let Some(end) = self.one(unit, at)
                {
                    at = end;
                    count += 1;
                }
                at - from
            }
        };
        self.work += end as u64 / 16;
        from + end
    }

    /// Where the fewest and the most units of a run end.
    fn taken(&mut self, run: Run, at: usize) -> Option<At> {
        let mut least = at;
        for _ in 0..run.min {
            least = self.one(run.unit, least)?;
        }
        let more = if run.max == UNBOUNDED { UNBOUNDED } else { run.max - run.min };
        Some((least, self.run(run.unit, least, more)))
    }

    fn greedy(&mut self, step: usize, run: Run, at: usize) -> Option<At> {
        let (least, end) = self.taken(run, at)?;
        self.offer(step, run, end, least)
    }

    /// Goes on behind the last unit that is followed by what may follow.
    fn offer(&mut self, step: usize, run: Run, mut end: usize, least: usize) -> Option<At> {
        if run.apart {
            return self.may_begin(run.next, end).then_some((step + 1, end));
        }
        let from = end;
        while !self.may_begin(run.next, end) {
            if end == least {
                return None;
            }
            end = self.before(end);
        }
        self.work += (from - end) as u64 / 16;
        if end > least {
            self.stack.push(Entry::Greedy { step: short(step), at: end, least });
        }
        Some((step + 1, end))
    }

    fn give_back(&mut self, step: usize, run: Run, at: usize, least: usize) -> Option<At> {
        let end = self.before(at);
        self.offer(step, run, end, least)
    }

    fn lazy(&mut self, step: usize, run: Run, at: usize) -> Option<At> {
        let mut end = at;
        for _ in 0..run.min {
            end = self.one(run.unit, end)?;
        }
        self.wait(step, run, end, run.min as usize)
    }

    /// Takes units until what may follow follows.
    fn wait(&mut self, step: usize, run: Run, mut at: usize, mut taken: usize) -> Option<At> {
        let from = at;
        while !self.may_begin(run.next, at) {
            if run.max != UNBOUNDED && taken >= run.max as usize {
                return None;
            }
            at = self.one(run.unit, at)?;
            taken += 1;
        }
        self.work += (at - from) as u64 / 16;
        if run.max == UNBOUNDED || taken < run.max as usize {
            self.stack.push(Entry::Lazy { step: short(step), at, taken });
        }
        Some((step + 1, at))
    }

    fn take_more(&mut self, step: usize, run: Run, at: usize, taken: usize) -> Option<At> {
        let at = self.one(run.unit, at)?;
        self.wait(step, run, at, taken + 1)
    }

    /// A loop before a turn: whether to take it, or to go on behind the loop.
    fn turn(&mut self, step: usize, at: usize) -> Option<At> {
        let Step::Loop { slot, lazy, min, max, first, exit } = self.program.steps[step] else {
            return None;
        };
        let turns = self.loops[slot];
        // It begins one below zero.
        let count = turns.count.wrapping_add(1);
        if count < min {
            self.set_loop(slot, Turns { count, ..turns });
            return Some((step + 1, at));
        }
        if lazy {
            self.stack.push(Entry::LazyLoop { step: short(step), at });
            return Some((exit, at));
        }
        // A turn that matched nothing is the last.
        if (count < max || max == UNBOUNDED) && at != turns.at && self.may_begin(first, at) {
            self.stack.push(Entry::Resume { step: short(exit), at });
            self.set_loop(slot, Turns { count, at });
            return Some((step + 1, at));
        }
        Some((exit, at))
    }

    /// Another turn of a lazy loop, after all.
    fn lazy_turn(&mut self, step: usize, at: usize) -> Option<At> {
        let Step::Loop { slot, max, first, .. } = self.program.steps[step] else { return None };
        let turns = self.loops[slot];
        let count = turns.count.wrapping_add(1);
        let more = (count < max || max == UNBOUNDED) && at != turns.at;
        if !more || !self.may_begin(first, at) {
            return None;
        }
        self.set_loop(slot, Turns { count, at });
        Some((step + 1, at))
    }

    fn possessive_turn(&mut self, step: usize, at: usize) -> At {
        let Step::PossessiveLoop { slot, fence, min, max, exit } = self.program.steps[step] else {
            return (step + 1, at);
        };
        let turns = self.loops[slot];
        self.fences[fence] = (self.stack.len(), at);
        if turns.count < min {
            return (step + 1, at);
        }
        if (turns.count < max || max == UNBOUNDED) && at != turns.at {
            self.stack.push(Entry::Resume { step: short(exit), at });
            self.loops[slot].at = at;
            return (step + 1, at);
        }
        (exit, at)
    }

    fn look(&mut self, step: usize, at: usize) -> Option<At> {
        let Step::Look { fence, behind, negative, exit } = self.program.steps[step] else {
            return None;
        };
        let mut start = at;
        for _ in 0..behind.unwrap_or(0) {
            if start == 0 {
                return negative.then_some((exit, at));
            }
            start = self.before(start);
        }
        self.fences[fence] = (self.stack.len(), at);
        if negative {
            // Where what must not be there is not there.
            self.stack.push(Entry::Resume { step: short(exit), at });
        }
        Some((step + 1, start))
    }

    fn look_end(&mut self, step: usize, fence: usize, negative: bool) -> Option<At> {
        if negative {
            self.take_back(fence);
            return None;
        }
        self.drop_ways(fence);
        Some((step + 1, self.fences[fence].1))
    }

    /// Where a group is that matched.
    fn group(&self, group: usize) -> Option<(usize, usize)> {
        span(self.marks[2 * group - 2], self.marks[2 * group - 1])
    }

    /// Where the text of a group ends that stands here again.
    fn reference(&self, group: usize, case: Case, at: usize) -> Option<usize> {
        let (start, end) = self.group(group)?;
        if case == Case::Exact {
            let wanted = &self.text[start..end];
            return self.text[at..].starts_with(wanted).then_some(at + wanted.len());
        }
        let (mut from, mut at) = (start, at);
        while from < end {
            let (wanted, wanted_length) = self.character(from)?;
            let (found, found_length) = self.character(at)?;
            if case.fold(wanted) != case.fold(found) {
                return None;
            }
            from += wanted_length;
            at += found_length;
        }
        Some(at)
    }

    fn is_at(&self, place: Place, multiline: bool, unicode: bool, at: usize) -> bool {
        let is_end = at == self.text.len();
        match place {
            Place::TextBeginning => at == 0,
            Place::Beginning => at == 0 || multiline && self.text[at - 1] == b'\n',
            Place::TextEnd => is_end,
            Place::End if multiline => is_end || self.text[at] == b'\n',
            Place::End => is_end || self.text[at..] == *b"\n",
            // In an empty text Python finds neither.
            Place::Boundary => !self.text.is_empty() && self.is_boundary(unicode, at),
            Place::NoBoundary => !self.text.is_empty() && !self.is_boundary(unicode, at),
        }
    }

    fn is_boundary(&self, unicode: bool, at: usize) -> bool {
        let is_word = |at: usize| {
            self.character(at).is_some_and(|(c, _)| {
                if unicode { unicode::is_word(c) } else { c < 0x80 && unicode::is_word(c) }
            })
        };
        (at > 0 && is_word(self.before(at))) != is_word(at)
    }
}

fn span(start: usize, end: usize) -> Option<(usize, usize)> {
    (start != NOWHERE && end != NOWHERE && start <= end).then_some((start, end))
}

/// The first `byte`, eight bytes at a time.
pub(super) fn find_byte(bytes: &[u8], byte: u8) -> Option<usize> {
    const LOW: u64 = u64::from_ne_bytes([0x01; 8]);
    const HIGH: u64 = u64::from_ne_bytes([0x80; 8]);
    let wanted = u64::from_ne_bytes([byte; 8]);
    let (words, rest) = bytes.as_chunks::<8>();
    for (number, word) in words.iter().enumerate() {
        let differs = u64::from_ne_bytes(*word) ^ wanted;
        // A byte of zero borrows from its own highest bit.
        if differs.wrapping_sub(LOW) & !differs & HIGH != 0 {
            return word.iter().position(|b| *b == byte).map(|at| 8 * number + at);
        }
    }
    rest.iter().position(|b| *b == byte).map(|at| 8 * words.len() + at)
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]

    use super::*;
    use crate::regex::{Flags, Pattern};

    #[test]
    fn what_would_take_years_ends() {
        let pattern = Pattern::new("(?:a|a)*b", Flags::default()).unwrap();
        let text = "a".repeat(100);
        let mut machine = Machine::new(&pattern.program, text.as_bytes(), false);
        machine.most_work = 100_000;
        let error = machine.attempt(0, NOWHERE).unwrap_err();
        assert_eq!(error.message, "the expression takes too many steps for this text");
    }

    #[test]
    fn long_texts_need_no_deep_calls() {
        let text = "ab".repeat(200_000);
        for expression in ["(?:a|b)*c", "(a|b)*?c", "(?:(a)|b)*+c", "(?>(a)b)+c", "(?:a(?=b)|b)+c"]
        {
            let pattern = Pattern::new(expression, Flags::default()).unwrap();
            let mut machine = Machine::new(&pattern.program, text.as_bytes(), false);
            assert_eq!(machine.attempt(0, NOWHERE), Ok(None), "{expression}");
        }
    }

    #[test]
    fn bytes_are_found() {
        let text = b"0123456789abcdef\xff\x80\x00x";
        for (at, byte) in text.iter().enumerate() {
            assert_eq!(find_byte(text, *byte), Some(at));
            assert_eq!(find_byte(&text[at + 1..], *byte), None);
        }
    }
}
