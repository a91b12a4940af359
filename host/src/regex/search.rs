//! Where to try: every place of a text where a match may begin.

use super::{
    Error, Match,
    machine::{Machine, find_byte},
    program::{Program, Start},
    tree::UNBOUNDED,
};

/// Searches one text, from match to match.
pub(super) struct Search<'a> {
    program: &'a Program,
    text: &'a [u8],
    machine: Machine<'a>,
}

impl<'a> Search<'a> {
    pub(super) fn new(program: &'a Program, text: &'a [u8]) -> Self {
        Self { program, text, machine: Machine::new(program, text, false) }
    }

    /// The first match at or after `from`; where it `must_advance`, not an empty one at `from`.
    ///
    /// # Errors
    /// An expression that takes too many steps.
    pub(super) fn next(&mut self, from: usize, must_advance: bool) -> Result<Option<Match>, Error> {
        let mut from = from;
        let not_here = if must_advance { from } else { usize::MAX };
        while let Some(at) = self.candidate(from) {
            let here = if at == not_here { not_here } else { usize::MAX };
            if let Some(end) = self.machine.attempt(at, here)? {
                return Ok(Some(found(&self.machine, at, end)));
            }
            from = match self.program.start {
                Start::Beginning => return Ok(None),
                // An empty match that was refused may still be one at the next place.
                _ => match self.program.leading_run {
                    Some(unit) if here == usize::MAX => {
                        let end = self.machine.run(unit, at, UNBOUNDED);
                        self.after(end)
                    }
                    _ => self.after(at),
                },
            };
        }
        Ok(None)
    }

    /// The place of the next character.
    fn after(&self, at: usize) -> usize {
        let mut at = at + 1;
        while self.program.is_text && self.text.get(at).is_some_and(|b| b & 0xc0 == 0x80) {
            at += 1;
        }
        at
    }

    /// The first place at or after `from` where a match may begin.
    fn candidate(&self, from: usize) -> Option<usize> {
        let rest = self.text.get(from..)?;
        let found = match &self.program.start {
            Start::Anywhere => Some(0),
            Start::Beginning => (from == 0).then_some(0),
            Start::Line if from == 0 || self.text[from - 1] == b'\n' => Some(0),
            Start::Line => find_byte(rest, b'\n').map(|at| at + 1),
            Start::Byte(first) => rest.iter().position(|byte| first.has(*byte)),
            Start::Literal(literal) => find(rest, literal),
        };
        found.map(|at| from + at)
    }
}

/// The match that begins at `at`, of the `whole` text or of its beginning.
///
/// # Errors
/// An expression that takes too many steps.
pub(super) fn match_at(
    program: &Program,
    text: &[u8],
    at: usize,
    whole: bool,
) -> Result<Option<Match>, Error> {
    let mut machine = Machine::new(program, text, whole);
    let end = machine.attempt(at, usize::MAX)?;
    Ok(end.map(|end| found(&machine, at, end)))
}

fn found(machine: &Machine, start: usize, end: usize) -> Match {
    Match { spans: std::iter::once(Some((start, end))).chain(machine.groups()).collect() }
}

/// The first place of `literal`, which is not empty.
fn find(bytes: &[u8], literal: &[u8]) -> Option<usize> {
    let mut from = 0;
    while let Some(at) = find_byte(&bytes[from..], literal[0]) {
        from += at;
        if bytes[from..].starts_with(literal) {
            return Some(from);
        }
        from += 1;
    }
    None
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]

    use super::*;
    use crate::regex::{Flags, Pattern};

    #[test]
    fn the_rest_of_a_run_is_not_tried_again() {
        let text = format!("{} {}.conf", "a".repeat(100_000), "b".repeat(10));
        for (expression, start) in [
            (r"[a-z]+\.conf", 100_001),
            (r"([a-z]*?)\.conf", 100_001),
            (r"[a-z]{3,}+\.conf", 100_001),
            (r".*\.conf", 0),
        ] {
            let pattern = Pattern::new(expression, Flags::default()).unwrap();
            let mut search = Search::new(&pattern.program, text.as_bytes());
            search.machine.most_work = 1_000_000;
            let found = search.next(0, false).unwrap().unwrap();
            assert_eq!(found.spans[0], Some((start, text.len())), "{expression}");
        }
    }

    #[test]
    fn what_refers_to_a_run_is_tried_everywhere() {
        let pattern = Pattern::new(r"(a+)-\1;", Flags::default()).unwrap();
        let mut search = Search::new(&pattern.program, b"aaa-a;");
        assert_eq!(search.next(0, false).unwrap().unwrap().spans[0], Some((2, 6)));
    }
}
