//! Patterns as trees. What is refused, in which words and where, is Python 3.11's way.

use std::collections::{BTreeMap, HashMap};

use super::{
    Error, Flags,
    token::{Source, Token, group_number, is_name},
    tree::{Member, Node, Place, Repeat, Sequence, UNBOUNDED, Width, flag, width},
};
use crate::python::repr_str;

pub(super) mod escape;

/// A parsed pattern.
pub(super) struct Parsed {
    pub(super) tree: Sequence,
    pub(super) flags: u16,
    pub(super) names: HashMap<String, usize>,
    /// Widths of the groups, of which 0 is none.
    pub(super) widths: Vec<Option<Width>>,
}

/// Groups may stand so deep in each other: Python ends at about twice that, for the same reason.
const DEEPEST: usize = 250;

/// More groups than Python can number.
const TOO_MANY_GROUPS: usize = (i32::MAX / 2) as usize;

/// Parses `pattern`; fails as `re.compile` does.
pub(super) fn parse(pattern: &str, flags: Flags, is_text: bool) -> Result<Parsed, Error> {
    let chars =
        if is_text { pattern.chars().collect() } else { pattern.bytes().map(char::from).collect() };
    let mut letters = 0;
    for (on, bit) in [
        (flags.ignore_case, flag::IGNORE_CASE),
        (flags.multiline, flag::MULTILINE),
        (flags.dot_all, flag::DOT_ALL),
        (flags.verbose, flag::VERBOSE),
    ] {
        if on {
            letters |= bit;
        }
    }
    let mut parser = Parser {
        source: Source::new(chars, is_text)?,
        flags: letters,
        names: HashMap::new(),
        widths: vec![None],
        behind: None,
        asked: BTreeMap::new(),
    };
    let tree = parser.alternatives(flags.verbose, 0)?;
    parser.finish()?;
    Ok(Parsed { tree, flags: parser.flags, names: parser.names, widths: parser.widths })
}

pub(super) struct Parser {
    pub(super) source: Source,
    flags: u16,
    names: HashMap<String, usize>,
    pub(super) widths: Vec<Option<Width>>,
    /// How many groups there were where the outermost look-behind began.
    behind: Option<usize>,
    /// Groups that conditions ask for, and where.
    asked: BTreeMap<usize, usize>,
}

impl Parser {
    /// What is checked once all is read.
    fn finish(&mut self) -> Result<(), Error> {
        let value = |message: &str| Error { class: "ValueError", message: message.to_owned() };
        if self.source.is_text {
            if self.flags & flag::ASCII == 0 {
                self.flags |= flag::UNICODE;
            } else if self.flags & flag::UNICODE != 0 {
                return Err(value("ASCII and UNICODE flags are incompatible"));
            }
        } else if self.flags & flag::LOCALE != 0 && self.flags & flag::ASCII != 0 {
            return Err(value("ASCII and LOCALE flags are incompatible"));
        }
        if self.source.next.is_some() {
            return Err(self.source.error("unbalanced parenthesis", 0));
        }
        match self.asked.iter().find(|(group, _)| **group >= self.widths.len()) {
            Some((group, at)) => {
                Err(self.source.error_at(&format!("invalid group reference {group}"), *at))
            }
            None => Ok(()),
        }
    }

    /// `a|b|c`
    fn alternatives(&mut self, mut verbose: bool, depth: usize) -> Result<Sequence, Error> {
        let mut branches = Vec::new();
        loop {
            let first = depth == 0 && branches.is_empty();
            branches.push(self.sequence(verbose, depth, first)?);
            if !self.source.accept('|')? {
                break;
            }
            if depth == 0 {
                verbose = self.flags & flag::VERBOSE != 0;
            }
        }
        Ok(join(branches))
    }

    fn sequence(
        &mut self,
        mut verbose: bool,
        depth: usize,
        first: bool,
    ) -> Result<Sequence, Error> {
        if depth > DEEPEST {
            return Err(Error {
                class: "RecursionError",
                message: "maximum recursion depth exceeded".to_owned(),
            });
        }
        let mut sequence = Sequence::new();
        while let Some(token) = self.source.next {
            if matches!(token, Token::Plain('|' | ')')) {
                break;
            }
            self.source.take()?;
            let c = match token {
                Token::Escape(c) => {
                    sequence.push(self.escape(c)?);
                    continue;
                }
                Token::Plain(c) => c,
            };
            match c {
                ' ' | '\t' | '\n' | '\r' | '\x0b' | '\x0c' if verbose => {}
                '#' if verbose => {
                    while !matches!(self.source.take()?, None | Some(Token::Plain('\n'))) {}
                }
                '[' => sequence.push(self.set()?),
                '*' | '+' | '?' | '{' => self.quantifier(c, &mut sequence)?,
                '.' => sequence.push(Node::Any),
                '^' => sequence.push(Node::Place(Place::Beginning)),
                '$' => sequence.push(Node::Place(Place::End)),
                '(' => {
                    let may_set_flags = first && sequence.is_empty();
                    match self.group(verbose, depth, may_set_flags)? {
                        Some(node) => sequence.push(node),
                        None if may_set_flags => verbose = self.flags & flag::VERBOSE != 0,
                        None => {}
                    }
                }
                c => sequence.push(Node::Character(u32::from(c))),
            }
        }
        Ok(unwrapped(sequence))
    }

    /// A quantifier for the last element.
    fn quantifier(&mut self, c: char, sequence: &mut Sequence) -> Result<(), Error> {
        let here = self.source.tell();
        let (min, max) = match c {
            '?' => (0, 1),
            '*' => (0, UNBOUNDED),
            '+' => (1, UNBOUNDED),
            _ => match self.counts(here)? {
                Some(counts) => counts,
                None => {
                    sequence.push(Node::Character(u32::from(c)));
                    return Ok(());
                }
            },
        };
        let back = self.source.tell() - here + 1;
        match sequence.last() {
            None | Some(Node::Place(_)) => {
                return Err(self.source.error("nothing to repeat", back));
            }
            Some(Node::Repeat { .. }) => return Err(self.source.error("multiple repeat", back)),
            Some(_) => {}
        }
        let kind = if self.source.accept('?')? {
            Repeat::Lazy
        } else if self.source.accept('+')? {
            Repeat::Possessive
        } else {
            Repeat::Greedy
        };
        let body = match sequence.pop() {
            Some(Node::Group { number: None, on: 0, off: 0, body }) => body,
            other => other.into_iter().collect(),
        };
        sequence.push(Node::Repeat { kind, min, max, body });
        Ok(())
    }

    /// What stands in `{…}`; `None` where the brace is an ordinary character.
    fn counts(&mut self, here: usize) -> Result<Option<(u32, u32)>, Error> {
        if self.source.next == Some(Token::Plain('}')) {
            return Ok(None);
        }
        let (mut low, mut high) = (String::new(), String::new());
        self.source.digits(&mut low, usize::MAX, 10)?;
        if self.source.accept(',')? {
            self.source.digits(&mut high, usize::MAX, 10)?;
        } else {
            high.clone_from(&low);
        }
        if !self.source.accept('}')? {
            self.source.seek(here)?;
            return Ok(None);
        }
        let count = |text: &str, otherwise: u32| match text.parse::<u32>() {
            _ if text.is_empty() => Ok(otherwise),
            Ok(count) if count != UNBOUNDED => Ok(count),
            _ => Err(Error {
                class: "OverflowError",
                message: "the repetition number is too large".to_owned(),
            }),
        };
        let (min, max) = (count(&low, 0)?, count(&high, UNBOUNDED)?);
        if max < min {
            let back = self.source.tell() - here;
            return Err(self.source.error("min repeat greater than max repeat", back));
        }
        Ok(Some((min, max)))
    }

    /// What begins with `(`; `None` for comments and flags of the whole.
    fn group(
        &mut self,
        verbose: bool,
        depth: usize,
        may_set_flags: bool,
    ) -> Result<Option<Node>, Error> {
        let start = self.source.tell() - 1;
        if !self.source.accept('?')? {
            return self.numbered(None, start, verbose, depth).map(Some);
        }
        let Some(token) = self.source.take()? else {
            return Err(self.source.error("unexpected end of pattern", 0));
        };
        let unknown = |parser: &Self, extension: &str, token: Token| {
            let back = token.len() + extension.len();
            let text = format!("unknown extension {extension}{}", token.text());
            parser.source.error(&text, back)
        };
        let Token::Plain(c) = token else { return Err(unknown(self, "?", token)) };
        match c {
            'P' => {
                if self.source.accept('<')? {
                    let name = self.source.name('>', "group name")?;
                    self.check_name(&name)?;
                    return self.numbered(Some(name), start, verbose, depth).map(Some);
                }
                if self.source.accept('=')? {
                    return self.named_reference().map(Some);
                }
                match self.source.take()? {
                    None => Err(self.source.error("unexpected end of pattern", 0)),
                    Some(token) => Err(unknown(self, "?P", token)),
                }
            }
            ':' => self.plain(0, 0, start, verbose, depth).map(Some),
            '#' => self.comment(start).map(|()| None),
            '=' | '!' => self.look(false, c == '!', start, verbose, depth).map(Some),
            '<' => match self.source.take()? {
                None => Err(self.source.error("unexpected end of pattern", 0)),
                Some(Token::Plain(c @ ('=' | '!'))) => {
                    self.look(true, c == '!', start, verbose, depth).map(Some)
                }
                Some(token) => Err(unknown(self, "?<", token)),
            },
            '(' => self.condition(start, verbose, depth).map(Some),
            '>' => {
                let body = self.alternatives(verbose, depth + 1)?;
                self.close(start)?;
                Ok(Some(Node::Atomic(body)))
            }
            '-' | 'i' | 'L' | 'm' | 's' | 'x' | 'a' | 't' | 'u' => match self.inline_flags(c)? {
                Some((on, off)) => self.plain(on, off, start, verbose, depth).map(Some),
                None if may_set_flags => Ok(None),
                None => {
                    let back = self.source.tell() - start;
                    let message = "global flags not at the start of the expression";
                    Err(self.source.error(message, back))
                }
            },
            _ => Err(unknown(self, "?", token)),
        }
    }

    fn close(&mut self, start: usize) -> Result<(), Error> {
        if self.source.accept(')')? {
            return Ok(());
        }
        let back = self.source.tell() - start;
        Err(self.source.error("missing ), unterminated subpattern", back))
    }

    fn check_name(&self, name: &str) -> Result<(), Error> {
        if is_name(name) {
            return Ok(());
        }
        Err(self.source.name_error("bad character in group name", name))
    }

    /// A group that is kept.
    fn numbered(
        &mut self,
        name: Option<String>,
        start: usize,
        verbose: bool,
        depth: usize,
    ) -> Result<Node, Error> {
        let number = self.widths.len();
        self.widths.push(None);
        if let Some(name) = name {
            if let Some(other) = self.names.get(&name) {
                let message = format!(
                    "redefinition of group name {} as group {number}; was group {other}",
                    repr_str(&name)
                );
                return Err(self.source.error(&message, name.chars().count() + 1));
            }
            self.names.insert(name, number);
        }
        let body = self.alternatives(verbose, depth + 1)?;
        self.close(start)?;
        self.widths[number] = Some(width(&body, &self.widths));
        Ok(Node::Group { number: Some(number), on: 0, off: 0, body })
    }

    /// A group that is not kept.
    fn plain(
        &mut self,
        on: u16,
        off: u16,
        start: usize,
        verbose: bool,
        depth: usize,
    ) -> Result<Node, Error> {
        let verbose = (verbose || on & flag::VERBOSE != 0) && off & flag::VERBOSE == 0;
        let body = self.alternatives(verbose, depth + 1)?;
        self.close(start)?;
        Ok(Node::Group { number: None, on, off, body })
    }

    fn comment(&mut self, start: usize) -> Result<(), Error> {
        loop {
            if self.source.next.is_none() {
                let back = self.source.tell() - start;
                return Err(self.source.error("missing ), unterminated comment", back));
            }
            if self.source.take()? == Some(Token::Plain(')')) {
                return Ok(());
            }
        }
    }

    fn look(
        &mut self,
        behind: bool,
        negative: bool,
        start: usize,
        verbose: bool,
        depth: usize,
    ) -> Result<Node, Error> {
        let outermost = behind && self.behind.is_none();
        if outermost {
            self.behind = Some(self.widths.len());
        }
        let body = self.alternatives(verbose, depth + 1)?;
        if outermost {
            self.behind = None;
        }
        self.close(start)?;
        Ok(Node::Look { behind, negative, body })
    }

    /// `(?P=name)`
    fn named_reference(&mut self) -> Result<Node, Error> {
        let name = self.source.name(')', "group name")?;
        self.check_name(&name)?;
        let Some(group) = self.names.get(&name).copied() else {
            return Err(self.source.name_error("unknown group name", &name));
        };
        if !self.is_closed(group) {
            let back = name.chars().count() + 1;
            return Err(self.source.error("cannot refer to an open group", back));
        }
        self.check_behind(group)?;
        Ok(Node::Reference(group))
    }

    /// `(?(1)yes|no)`
    fn condition(&mut self, start: usize, verbose: bool, depth: usize) -> Result<Node, Error> {
        let name = self.source.name(')', "group name")?;
        let back = name.chars().count() + 1;
        let group = if is_name(&name) {
            match self.names.get(&name) {
                Some(group) => *group,
                None => return Err(self.source.name_error("unknown group name", &name)),
            }
        } else {
            match group_number(&name) {
                None => return Err(self.source.name_error("bad character in group name", &name)),
                Some(0) => return Err(self.source.error("bad group number", back)),
                Some(group) if group >= TOO_MANY_GROUPS => {
                    return Err(self
                        .source
                        .error(&format!("invalid group reference {group}"), back));
                }
                Some(group) => {
                    let at = self.source.tell() - back;
                    self.asked.entry(group).or_insert(at);
                    group
                }
            }
        };
        self.check_behind(group)?;
        let yes = self.sequence(verbose, depth + 1, false)?;
        let no = if self.source.accept('|')? {
            let no = self.sequence(verbose, depth + 1, false)?;
            if self.source.next == Some(Token::Plain('|')) {
                let message = "conditional backref with more than two branches";
                return Err(self.source.error(message, 0));
            }
            Some(no)
        } else {
            None
        };
        self.close(start)?;
        Ok(Node::Condition { group, yes, no })
    }

    pub(super) fn is_closed(&self, group: usize) -> bool {
        self.widths.get(group).is_some_and(Option::is_some)
    }

    /// What a look-behind may refer to.
    pub(super) fn check_behind(&self, group: usize) -> Result<(), Error> {
        match self.behind {
            None => Ok(()),
            Some(_) if !self.is_closed(group) => {
                Err(self.source.error("cannot refer to an open group", 0))
            }
            Some(groups) if group >= groups => Err(self
                .source
                .error("cannot refer to group defined in the same lookbehind subpattern", 0)),
            Some(_) => Ok(()),
        }
    }

    /// `(?im)`, which is `None`, or `(?i-m:`, from its first letter.
    fn inline_flags(&mut self, first: char) -> Result<Option<(u16, u16)>, Error> {
        let (mut on, mut off) = (0, 0);
        let mut c = first;
        while let Some(bit) = letter(c) {
            let foreign = if self.source.is_text { ('L', "str") } else { ('u', "bytes") };
            if c == foreign.0 {
                let kind = foreign.1;
                let text = format!("bad inline flags: cannot use '{c}' flag with a {kind} pattern");
                return Err(self.source.error(&text, 0));
            }
            on |= bit;
            if bit & flag::TYPES != 0 && on & flag::TYPES != bit {
                let message = "bad inline flags: flags 'a', 'u' and 'L' are incompatible";
                return Err(self.source.error(message, 0));
            }
            c = self.flag_or("-:)", "missing -, : or )")?;
        }
        if c == ')' {
            self.flags |= on;
            return Ok(None);
        }
        if on & flag::TEMPLATE != 0 {
            return Err(self.source.error("bad inline flags: cannot turn on global flag", 1));
        }
        if c == '-' {
            c = self.flag_or("", "missing flag")?;
            while let Some(bit) = letter(c) {
                if bit & flag::TYPES != 0 {
                    let message = "bad inline flags: cannot turn off flags 'a', 'u' and 'L'";
                    return Err(self.source.error(message, 0));
                }
                off |= bit;
                c = self.flag_or(":", "missing :")?;
            }
        }
        if off & flag::TEMPLATE != 0 {
            return Err(self.source.error("bad inline flags: cannot turn off global flag", 1));
        }
        if on & off != 0 {
            return Err(self.source.error("bad inline flags: flag turned on and off", 1));
        }
        Ok(Some((on, off)))
    }

    /// The next letter of flags, or one of `ends`.
    fn flag_or(&mut self, ends: &str, missing: &str) -> Result<char, Error> {
        match self.source.take()? {
            None => Err(self.source.error(missing, 0)),
            Some(Token::Plain(c)) if letter(c).is_some() || ends.contains(c) => Ok(c),
            Some(Token::Plain(c)) if c.is_alphabetic() => Err(self.source.error("unknown flag", 1)),
            Some(token) => Err(self.source.error(missing, token.len())),
        }
    }
}

fn letter(c: char) -> Option<u16> {
    Some(match c {
        'i' => flag::IGNORE_CASE,
        'L' => flag::LOCALE,
        'm' => flag::MULTILINE,
        's' => flag::DOT_ALL,
        'x' => flag::VERBOSE,
        'a' => flag::ASCII,
        't' => flag::TEMPLATE,
        'u' => flag::UNICODE,
        _ => return None,
    })
}

/// What groups without number and flags hold, in their place.
fn unwrapped(sequence: Sequence) -> Sequence {
    let plain = |node: &Node| matches!(node, Node::Group { number: None, on: 0, off: 0, .. });
    if !sequence.iter().any(plain) {
        return sequence;
    }
    let mut flat = Sequence::with_capacity(sequence.len());
    for node in sequence {
        match node {
            Node::Group { number: None, on: 0, off: 0, body } => flat.extend(body),
            other => flat.push(other),
        }
    }
    flat
}

/// Alternatives as one sequence: what all begin with stands before them, and single characters become a set.
fn join(mut branches: Vec<Sequence>) -> Sequence {
    if branches.len() == 1 {
        return branches.pop().unwrap_or_default();
    }
    let shared = |at: usize| {
        let first = branches.first().and_then(|branch| branch.get(at));
        first.is_some() && branches.iter().all(|branch| branch.get(at) == first)
    };
    let length = (0..).take_while(|at| shared(*at)).count();
    let mut sequence: Sequence = Sequence::new();
    for (number, branch) in branches.iter_mut().enumerate() {
        let start = branch.drain(..length);
        if number == 0 {
            sequence.extend(start);
        }
    }
    let single = |branch: &Sequence| match branch.as_slice() {
        [Node::Character(c)] => Some(vec![Member::Character(*c)]),
        [Node::Set { negated: false, members }] => Some(members.clone()),
        _ => None,
    };
    let sets: Option<Vec<_>> = branches.iter().map(single).collect();
    sequence.push(match sets {
        Some(sets) => Node::Set { negated: false, members: sets.concat() },
        None => Node::Branch(branches),
    });
    sequence
}
