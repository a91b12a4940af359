//! The text that minijinja's parser is given.
//!
//! It has one canonical form for every template: literals, data and names are replaced by the
//! number of their token (`"7"`, `7`, `v7`), so that values, exact spans and names of any kind are
//! read back from the token; tags that minijinja's parser refuses or whose details it drops are
//! rewritten and noted. How tags nest is checked here, with jinja2's messages.

use std::collections::{HashMap, HashSet};

use super::{Op, Syntax, SyntaxError, Token, TokenKind};

/// What the parser's tree cannot say about a statement; kept by the offset of its keyword.
#[derive(Clone, Debug)]
pub(in crate::template) enum Note {
    /// `{% block %}`, written as `{% with %}`.
    Block { name: String, scoped: bool, required: bool },
    /// Whether an include or import has the context.
    Context(bool),
    /// `{% do %}`, written as `{% set %}`.
    Do,
}

/// The canonical text and what was noted on the way.
#[derive(Default)]
pub(in crate::template) struct Skeleton {
    pub text: String,
    pub notes: HashMap<u32, Note>,
    /// Offsets of minus signs that stand for a unary plus.
    pub pluses: HashSet<u32>,
    /// Offset in the text and token, in order.
    marks: Vec<(u32, usize)>,
}

impl Skeleton {
    /// The token that the byte at `offset` was written for.
    pub fn token_at(&self, offset: u32) -> Option<usize> {
        let n = self.marks.partition_point(|(at, _)| *at <= offset);
        Some(self.marks.get(n.checked_sub(1)?)?.1)
    }

    fn offset(&self) -> u32 {
        // A skeleton is about as long as its template, and those over 4 GiB are refused.
        u32::try_from(self.text.len()).unwrap_or(u32::MAX)
    }

    fn mark(&mut self, token: usize) {
        self.marks.push((self.offset(), token));
    }
}

/// Writes the skeleton of `tokens`; an error says what is wrong, at which token. What was written
/// before it can still hold an earlier error.
pub(in crate::template) fn write(
    source: &str,
    tokens: &[Token],
    syntax: &Syntax,
) -> (Skeleton, Option<(usize, SyntaxError)>) {
    let mut writer = Writer { source, tokens, syntax, out: Skeleton::default(), open: Vec::new() };
    let error = writer.template().err();
    (writer.out, error)
}

/// A statement with a body that is not closed yet.
struct Open {
    keyword: String,
    ends: &'static [&'static str],
    /// The name of a block, which its end may repeat.
    block: Option<String>,
}

struct Writer<'a> {
    source: &'a str,
    tokens: &'a [Token],
    syntax: &'a Syntax,
    out: Skeleton,
    open: Vec<Open>,
}

type Written = Result<(), (usize, SyntaxError)>;

impl<'a> Writer<'a> {
    fn template(&mut self) -> Written {
        let mut at = 0;
        let mut after_data = false;
        while let Some(token) = self.tokens.get(at) {
            match &token.kind {
                TokenKind::Data(_) => {
                    if after_data {
                        self.out.text.push(',');
                    }
                    self.out.mark(at);
                    self.out.text.push_str(&at.to_string());
                    after_data = true;
                    at += 1;
                }
                TokenKind::VariableBegin => {
                    let end = self.end_of_tag(at, |k| matches!(k, TokenKind::VariableEnd));
                    self.out.mark(at);
                    self.out.text.push_str("{{ ");
                    self.tuple(at + 1, end)?;
                    self.close_tag("}}", end)?;
                    after_data = false;
                    at = end + 1;
                }
                _ => {
                    let end = self.end_of_tag(at, |k| matches!(k, TokenKind::BlockEnd));
                    self.statement(at, end)?;
                    after_data = false;
                    at = end + 1;
                }
            }
        }
        match self.open.last() {
            Some(_) => Err(self.nesting_error(self.tokens.len(), None)),
            None => Ok(()),
        }
    }

    fn end_of_tag(&self, at: usize, is_end: impl Fn(&TokenKind) -> bool) -> usize {
        self.tokens[at..].iter().position(|t| is_end(&t.kind)).map_or(self.tokens.len(), |n| at + n)
    }

    fn close_tag(&mut self, delimiter: &str, end: usize) -> Written {
        if end == self.tokens.len() {
            let what =
                if delimiter == "}}" { "end of print statement" } else { "end of statement block" };
            return Err(self.fail(end, format!("unexpected end of template, expected '{what}'.")));
        }
        self.out.mark(end);
        self.out.text.push_str(delimiter);
        Ok(())
    }

    fn fail(&self, token: usize, message: impl Into<String>) -> (usize, SyntaxError) {
        let at = self.tokens.get(token).map_or(self.source.len(), |t| t.start as usize);
        let line = self.source[..at].matches('\n').count() + 1;
        // Offsets of tokens come from `u32`s.
        let at = u32::try_from(at).unwrap_or(u32::MAX);
        (token, SyntaxError { message: message.into(), at, line })
    }

    fn describe(&self, token: usize) -> &str {
        self.tokens.get(token).map_or("end of template", |t| t.kind.describe())
    }

    fn expected(&self, what: &str, token: usize) -> (usize, SyntaxError) {
        if token >= self.tokens.len() {
            return self.fail(token, format!("unexpected end of template, expected '{what}'."));
        }
        let got = crate::value::repr::str_repr(self.describe(token));
        self.fail(token, format!("expected token '{what}', got {got}"))
    }

    fn name_at(&self, token: usize) -> Option<&'a str> {
        self.tokens.get(token)?.kind.name()
    }

    fn is_op(&self, token: usize, op: Op) -> bool {
        self.tokens.get(token).is_some_and(|t| t.kind.is_op(op))
    }

    // Statements.

    fn statement(&mut self, begin: usize, end: usize) -> Written {
        let first = begin + 1;
        let Some(keyword) = self.name_at(first).filter(|_| first < end) else {
            return Err(self.fail(first, "tag name expected"));
        };
        self.out.mark(begin);
        if self.open.last().is_some_and(|open| open.ends.contains(&keyword)) {
            return self.end_or_middle(keyword, first, end);
        }
        match keyword {
            "for" => self.for_loop(first, end),
            "if" => self.with_body(first, end, &["elif", "else", "endif"], Self::tuple),
            "with" => self.with_body(first, end, &["endwith"], Self::expr),
            "autoescape" => self.with_body(first, end, &["endautoescape"], Self::expr),
            "macro" => self.with_body(first, end, &["endmacro"], Self::expr),
            "call" => self.with_body(first, end, &["endcall"], Self::expr),
            "filter" => self.with_body(first, end, &["endfilter"], Self::filter_chain),
            "block" => self.block(first, end),
            "set" => self.set(first, end),
            "extends" => self.simple(first, end, Self::expr),
            "include" => self.include(first, end),
            "import" | "from" => self.import(keyword, first, end),
            "print" => self.print(first, end),
            "do" if self.syntax.do_statement => {
                self.out.notes.insert(self.out.offset() + 3, Note::Do);
                self.out.text.push_str("{% set v = ");
                self.tuple(first + 1, end)?;
                self.close_tag("%}", end)
            }
            "break" | "continue" if self.syntax.loop_controls => {
                self.simple(first, end, Self::expr)
            }
            _ => Err(self.nesting_error(first, Some(keyword))),
        }
    }

    /// Jinja2's text for a tag that does not belong here, or for the end of the template.
    fn nesting_error(&self, token: usize, tag: Option<&str>) -> (usize, SyntaxError) {
        let mut message = match tag {
            Some(tag) => format!("Encountered unknown tag {}.", crate::value::repr::str_repr(tag)),
            None => "Unexpected end of template.".to_owned(),
        };
        if let Some(open) = self.open.last() {
            let looking: Vec<_> = open.ends.iter().map(|e| format!("'{e}'")).collect();
            let looking = looking.join(" or ");
            let expected = |tag: &str| self.open.iter().any(|o| o.ends.contains(&tag));
            message.push_str(&if tag.is_some_and(expected) {
                format!(
                    " You probably made a nesting mistake. Jinja is expecting this tag, but \
                     currently looking for {looking}."
                )
            } else {
                format!(" Jinja was looking for the following tags: {looking}.")
            });
            message.push_str(&format!(
                " The innermost block that needs to be closed is '{}'.",
                open.keyword
            ));
        }
        self.fail(token, message)
    }

    /// Opens the tag and writes its keyword.
    fn keyword(&mut self, first: usize) {
        self.out.text.push_str("{% ");
        self.word(first);
    }

    /// A word of the grammar, as it stands.
    fn word(&mut self, token: usize) {
        self.out.mark(token);
        self.out.text.push_str(self.name_at(token).unwrap_or_default());
        self.out.text.push(' ');
    }

    fn simple(
        &mut self,
        first: usize,
        end: usize,
        inside: fn(&mut Self, usize, usize) -> Written,
    ) -> Written {
        self.keyword(first);
        inside(self, first + 1, end)?;
        self.close_tag("%}", end)
    }

    /// A statement with a body; a colon may end it, as in Python.
    fn with_body(
        &mut self,
        first: usize,
        end: usize,
        ends: &'static [&'static str],
        inside: fn(&mut Self, usize, usize) -> Written,
    ) -> Written {
        self.keyword(first);
        inside(self, first + 1, self.before_colon(first + 1, end))?;
        self.opened(first, ends, None);
        self.close_tag("%}", end)
    }

    fn before_colon(&self, from: usize, end: usize) -> usize {
        if end > from && self.is_op(end - 1, Op::Colon) { end - 1 } else { end }
    }

    fn opened(&mut self, first: usize, ends: &'static [&'static str], block: Option<String>) {
        let keyword = self.name_at(first).unwrap_or_default().to_owned();
        self.open.push(Open { keyword, ends, block });
    }

    fn end_or_middle(&mut self, keyword: &str, first: usize, end: usize) -> Written {
        let block = self.open.last().and_then(|o| o.block.clone());
        match keyword {
            "elif" => {
                self.keyword(first);
                self.tuple(first + 1, self.before_colon(first + 1, end))?;
                return self.close_tag("%}", end);
            }
            "else" => {
                if let Some(open) = self.open.last_mut() {
                    open.ends = if open.keyword == "for" { &["endfor"] } else { &["endif"] };
                }
                self.keyword(first);
                self.expr(first + 1, self.before_colon(first + 1, end))?;
                return self.close_tag("%}", end);
            }
            _ => {}
        }
        self.open.pop();
        if keyword == "endblock" {
            self.out.text.push_str("{% endwith ");
            let named = self.name_at(first + 1).is_some_and(|n| Some(n) == block.as_deref());
            let after = if named && first + 1 < end { first + 2 } else { first + 1 };
            self.nothing(after, end)?;
        } else {
            self.keyword(first);
            self.nothing(first + 1, end)?;
        }
        self.close_tag("%}", end)
    }

    /// Nothing may stand between `from` and the end of the tag.
    fn nothing(&mut self, from: usize, end: usize) -> Written {
        if from < end { Err(self.expected("end of statement block", from)) } else { Ok(()) }
    }

    fn for_loop(&mut self, first: usize, end: usize) -> Written {
        let end_of_code = self.before_colon(first + 1, end);
        if first + 1 == end_of_code {
            return Err(self.empty(end_of_code));
        }
        let target_end = self.find_word(first + 1, end_of_code, "in");
        self.keyword(first);
        self.expr(first + 1, target_end)?;
        if target_end < end_of_code {
            self.word(target_end);
            let from = target_end + 1;
            let test = self.find_word(from, end_of_code, "if");
            let recursive = self.find_word(from, end_of_code, "recursive");
            self.tuple(from, test.min(recursive))?;
            if test < recursive {
                self.word(test);
                self.expr(test + 1, recursive)?;
            }
            if recursive < end_of_code {
                self.word(recursive);
                self.expr(recursive + 1, end_of_code)?;
            }
        }
        self.opened(first, &["endfor", "else"], None);
        self.close_tag("%}", end)
    }

    /// The place of a word outside of brackets, or `to`.
    fn find_word(&self, from: usize, to: usize, word: &str) -> usize {
        self.find(from, to, |w, n| {
            w.name_at(n) == Some(word) && !w.is_op(n.wrapping_sub(1), Op::Dot)
        })
    }

    /// The first token outside of brackets that fits, or `to`.
    fn find(&self, from: usize, to: usize, fits: impl Fn(&Self, usize) -> bool) -> usize {
        let mut depth = 0usize;
        for n in from..to {
            match &self.tokens[n].kind {
                _ if depth == 0 && fits(self, n) => return n,
                TokenKind::Op(Op::LParen | Op::LBracket | Op::LBrace) => depth += 1,
                TokenKind::Op(Op::RParen | Op::RBracket | Op::RBrace) => {
                    depth = depth.saturating_sub(1);
                }
                _ => {}
            }
        }
        to
    }

    fn block(&mut self, first: usize, end: usize) -> Written {
        let Some(name) = self.name_at(first + 1).filter(|_| first + 1 < end) else {
            return Err(self.expected("name", first + 1));
        };
        let mut at = first + 2;
        let mut skip = |word: &str| {
            let found = at < end && self.name_at(at) == Some(word);
            at += usize::from(found);
            found
        };
        let scoped = skip("scoped");
        let required = skip("required");
        if at < end && self.is_op(at, Op::Sub) {
            return Err(self.fail(
                at,
                "Block names in Jinja have to be valid Python identifiers and may not contain \
                 hyphens, use an underscore instead.",
            ));
        }
        self.nothing(at, self.before_colon(at, end))?;
        let note = Note::Block { name: name.to_owned(), scoped, required };
        self.out.notes.insert(self.out.offset() + 3, note);
        self.out.text.push_str("{% with ");
        self.opened(first, &["endblock"], Some(name.to_owned()));
        self.close_tag("%}", end)
    }

    fn set(&mut self, first: usize, end: usize) -> Written {
        let assign = self.find(first + 1, end, |w, n| w.is_op(n, Op::Assign));
        if first + 1 == assign.min(end) {
            return Err(self.empty(first + 1));
        }
        self.keyword(first);
        if assign < end {
            self.expr(first + 1, assign)?;
            self.out.mark(assign);
            self.out.text.push_str("= ");
            self.tuple(assign + 1, end)?;
            return self.close_tag("%}", end);
        }
        self.expr(first + 1, self.before_colon(first + 1, end))?;
        self.opened(first, &["endset"], None);
        self.close_tag("%}", end)
    }

    fn empty(&self, at: usize) -> (usize, SyntaxError) {
        let got = crate::value::repr::str_repr(self.describe(at));
        self.fail(at, format!("Expected an expression, got {got}"))
    }

    /// Takes `with context` or `without context` off the end of a tag.
    fn context(&mut self, first: usize, end: usize, default: bool) -> usize {
        let mut with = default;
        let mut to = end;
        if end >= first + 3
            && self.name_at(end - 1) == Some("context")
            && let Some(word @ ("with" | "without")) = self.name_at(end - 2)
        {
            with = word == "with";
            to = end - 2;
        }
        self.out.notes.insert(self.out.offset() + 3, Note::Context(with));
        to
    }

    fn include(&mut self, first: usize, end: usize) -> Written {
        let mut to = self.context(first, end, true);
        self.keyword(first);
        let ignore = to >= first + 3
            && self.name_at(to - 2) == Some("ignore")
            && self.name_at(to - 1) == Some("missing");
        if ignore {
            to -= 2;
        }
        self.expr(first + 1, to)?;
        if ignore {
            self.word(to);
            self.word(to + 1);
        }
        self.close_tag("%}", end)
    }

    fn import(&mut self, keyword: &str, first: usize, end: usize) -> Written {
        let to = self.context(first, end, false);
        self.keyword(first);
        let word = if keyword == "import" { "as" } else { "import" };
        let middle = self.find_word(first + 1, to, word);
        self.expr(first + 1, middle)?;
        if middle < to {
            self.word(middle);
            let mut at = middle + 1;
            while at < to {
                let alias = self.find_word(at, to, "as");
                self.expr(at, alias)?;
                if alias < to {
                    self.word(alias);
                }
                at = alias + 1;
            }
        }
        self.close_tag("%}", end)
    }

    fn print(&mut self, first: usize, end: usize) -> Written {
        let mut at = first + 1;
        while at < end {
            let comma = self.find(at, end, |w, n| w.is_op(n, Op::Comma));
            self.out.text.push_str("{{ ");
            self.expr(at, comma)?;
            self.out.mark(comma);
            self.out.text.push_str("}}");
            at = comma + 1;
        }
        Ok(())
    }

    // Expressions.

    /// Tokens of an expression that may be a tuple without parentheses.
    fn tuple(&mut self, from: usize, to: usize) -> Written {
        if from >= to {
            return Err(self.empty(from));
        }
        if self.find(from, to, |w, n| w.is_op(n, Op::Comma)) < to {
            self.out.text.push_str("( ");
            self.expr(from, to)?;
            self.out.text.push_str(") ");
            Ok(())
        } else {
            self.expr(from, to)
        }
    }

    /// The filters of a filter block, the first without its bar.
    fn filter_chain(&mut self, from: usize, to: usize) -> Written {
        if from >= to {
            return Err(self.expected("name", from));
        }
        self.expr(from, to)
    }

    /// Tokens as they stand, mended where minijinja's grammar is narrower than jinja2's.
    fn expr(&mut self, from: usize, to: usize) -> Written {
        // Places where a parenthesis must be closed again before the token.
        let mut closes: Vec<usize> = Vec::new();
        let mut depth = 0usize;
        for n in from..to {
            let operand = n > from && self.ends_operand(from, n - 1);
            if closes.last() == Some(&n) {
                self.out.text.push_str(") ");
                closes.pop();
            }
            let sign = matches!(self.tokens[n].kind, TokenKind::Op(Op::Add | Op::Sub));
            let after_test = n > from && self.is_test_name(from, n - 1);
            if sign && after_test {
                self.out.text.push_str("( ) ");
            }
            self.out.mark(n);
            match &self.tokens[n].kind {
                TokenKind::Op(Op::Add) if !operand && !after_test => {
                    self.out.pluses.insert(self.out.offset());
                    self.out.text.push('-');
                }
                // Never valid in an expression, and it must stay so.
                TokenKind::Op(Op::Semicolon) => self.out.text.push_str("= ="),
                TokenKind::Op(op) => {
                    match op {
                        Op::LParen | Op::LBracket | Op::LBrace => depth += 1,
                        Op::RParen | Op::RBracket | Op::RBrace => depth = depth.saturating_sub(1),
                        _ => {}
                    }
                    self.out.text.push_str(op.text());
                    if *op == Op::LBracket && operand {
                        let close = self.closing(n, to);
                        if self.find(n + 1, close, |w, i| w.is_op(i, Op::Comma)) < close {
                            self.out.text.push_str(" (");
                            closes.push(close);
                        }
                    }
                }
                TokenKind::Name(name) => self.name(n, name, depth),
                TokenKind::Str(_) if self.continues_string(from, n) => {}
                TokenKind::Str(_) => self.out.text.push_str(&format!("\"{n}\"")),
                TokenKind::Int(_) | TokenKind::Float(_) => self.out.text.push_str(&n.to_string()),
                // Delimiters end the range.
                TokenKind::Data(_)
                | TokenKind::VariableBegin
                | TokenKind::VariableEnd
                | TokenKind::BlockBegin
                | TokenKind::BlockEnd => {}
            }
            self.out.text.push(' ');
        }
        Ok(())
    }

    fn name(&mut self, n: usize, name: &str, depth: usize) {
        let attribute = self.is_op(n.wrapping_sub(1), Op::Dot);
        let keyword_argument = depth > 0 && self.is_op(n + 1, Op::Assign);
        if is_word(name) && !attribute && !keyword_argument {
            self.out.text.push_str(name);
        } else {
            self.out.text.push_str(&format!("v{n}"));
        }
    }

    fn continues_string(&self, from: usize, n: usize) -> bool {
        n > from && matches!(self.tokens[n - 1].kind, TokenKind::Str(_))
    }

    /// The bracket that closes the one at `open`, or `to`.
    fn closing(&self, open: usize, to: usize) -> usize {
        self.find(open + 1, to, |w, n| w.is_op(n, Op::RBracket))
    }

    /// Whether the name at `n` is the name of a test, whose argument may follow without brackets.
    fn is_test_name(&self, from: usize, n: usize) -> bool {
        let mut start = n;
        while start >= from + 2 && self.is_op(start - 1, Op::Dot) && self.name_at(start).is_some() {
            start -= 2;
        }
        if self.name_at(start).is_none() || start == from {
            return false;
        }
        let before = self.name_at(start - 1);
        before == Some("is")
            || (before == Some("not") && start >= from + 2 && self.name_at(start - 2) == Some("is"))
    }

    /// Whether an operand ends with the token at `n`, so that a bracket after it subscribes and a
    /// sign after it is a binary operator.
    fn ends_operand(&self, from: usize, n: usize) -> bool {
        match &self.tokens[n].kind {
            TokenKind::Str(_) | TokenKind::Int(_) | TokenKind::Float(_) => true,
            TokenKind::Op(op) => matches!(op, Op::RParen | Op::RBracket | Op::RBrace),
            TokenKind::Name(name) => {
                let attribute = n > from && self.is_op(n - 1, Op::Dot);
                attribute || !(is_operator_word(name) || self.is_test_name(from, n))
            }
            _ => false,
        }
    }
}

fn is_operator_word(name: &str) -> bool {
    matches!(name, "and" | "or" | "not" | "in" | "is" | "if" | "else")
}

fn is_word(name: &str) -> bool {
    is_operator_word(name) || matches!(name, "true" | "True" | "false" | "False" | "none" | "None")
}
