//! From tokens to the tree, as jinja2's parser reads them, with its messages.

mod expr;
mod stmt;
mod target;

use indexmap::IndexMap;

use super::{
    optimize::Failure,
    symbols,
    syntax::{Op, Syntax, SyntaxError, Token, TokenKind, normalise, tokenize},
    tree::{Name, Stmt, Template},
};
use crate::value::{PyError, PyErrorKind, repr::str_repr};

/// Compiles a template text. The tree holds nothing of `text`.
pub(super) fn compile(
    text: &str,
    name: Option<Name>,
    syntax: &Syntax,
) -> Result<Template, Failure> {
    let source = normalise(text, syntax.keep_trailing_newline);
    let (tokens, lex_error) = tokenize(&source, syntax);
    let mut parser = Parser {
        source: &source,
        tokens: &tokens,
        lex_error,
        syntax,
        at: 0,
        open: Vec::new(),
        ends: Vec::new(),
        depth: 0,
        loops: 0,
        blocks: IndexMap::new(),
        twice: None,
        may_mutate: false,
    };
    // The lexer is one token ahead.
    parser.reached()?;
    let body = parser.body(None)?;
    let Parser { blocks, twice, may_mutate, .. } = parser;
    if let Some(error) = twice {
        return Err(Failure::Syntax(error));
    }
    Ok(symbols::resolve(body, blocks, name, source.as_str().into(), may_mutate)?)
}

type Parsed<T> = Result<T, Failure>;

/// The calls of jinja2's parser that fit onto Python's stack.
const DEEPEST: usize = 900;
/// Those that an expression in an expression needs.
const EXPRESSION: usize = 13;
/// Those that a statement in a statement needs.
const STATEMENT: usize = 5;
/// Loops that Python lets stand in each other.
const MOST_LOOPS: usize = 20;

struct Parser<'a> {
    source: &'a str,
    tokens: &'a [Token],
    /// What stopped the lexer, behind the last token.
    lex_error: Option<SyntaxError>,
    syntax: &'a Syntax,
    /// The current token.
    at: usize,
    /// The statements that are open, outermost first.
    open: Vec<&'a str>,
    /// The tags that end the bodies that are open.
    ends: Vec<&'static [&'static str]>,
    /// The calls of jinja2's parser that are open.
    depth: usize,
    /// How many loops are around, within the function.
    loops: usize,
    blocks: IndexMap<Name, Vec<Stmt>>,
    /// The first block that is there twice.
    twice: Option<SyntaxError>,
    may_mutate: bool,
}

impl<'a> Parser<'a> {
    /// The current token; `None` at the end.
    fn kind(&self) -> Option<&'a TokenKind> {
        self.tokens.get(self.at).map(|t| &t.kind)
    }

    /// Fails if the lexer did not get to the current token.
    fn reached(&mut self) -> Parsed<()> {
        if self.at < self.tokens.len() {
            return Ok(());
        }
        self.lex_error.take().map_or(Ok(()), |e| Err(Failure::Syntax(e)))
    }

    /// Goes on to the next token; gives the one before.
    fn next(&mut self) -> Parsed<usize> {
        let token = self.at;
        if token < self.tokens.len() {
            self.at += 1;
            self.reached()?;
        }
        Ok(token)
    }

    /// The token after the current one, for which the lexer must have got there.
    fn look(&mut self) -> Parsed<Option<&'a TokenKind>> {
        if self.at + 1 >= self.tokens.len()
            && let Some(e) = self.lex_error.take()
        {
            return Err(Failure::Syntax(e));
        }
        Ok(self.tokens.get(self.at + 1).map(|t| &t.kind))
    }

    fn is_op(&self, op: Op) -> bool {
        self.kind().is_some_and(|k| k.is_op(op))
    }

    fn word(&self) -> Option<&'a str> {
        self.kind().and_then(TokenKind::name)
    }

    fn is_word(&self, word: &str) -> bool {
        self.word() == Some(word)
    }

    fn skip_word(&mut self, word: &str) -> Parsed<bool> {
        let found = self.is_word(word);
        if found {
            self.next()?;
        }
        Ok(found)
    }

    fn skip_op(&mut self, op: Op) -> Parsed<bool> {
        let found = self.is_op(op);
        if found {
            self.next()?;
        }
        Ok(found)
    }

    fn expect_op(&mut self, op: Op) -> Parsed<usize> {
        if self.is_op(op) { self.next() } else { Err(self.expected(op.text())) }
    }

    fn expect_word(&mut self, word: &str) -> Parsed<usize> {
        if self.is_word(word) { self.next() } else { Err(self.expected(word)) }
    }

    fn expect_name(&mut self) -> Parsed<&'a str> {
        match self.word() {
            Some(name) => {
                self.next()?;
                Ok(name)
            }
            None => Err(self.expected("name")),
        }
    }

    fn is_block_end(&self) -> bool {
        matches!(self.kind(), Some(TokenKind::BlockEnd))
    }

    fn expect_block_end(&mut self) -> Parsed<()> {
        if !self.is_block_end() {
            return Err(self.expected("end of statement block"));
        }
        self.next()?;
        Ok(())
    }

    /// How messages call the current token.
    fn described(&self) -> &'a str {
        self.kind().map_or("end of template", TokenKind::describe)
    }

    fn expected(&self, what: &str) -> Failure {
        let what = str_repr(what);
        match self.kind() {
            None => self.fail(format!("unexpected end of template, expected {what}.")),
            Some(_) => {
                let got = str_repr(self.described());
                self.fail(format!("expected token {what}, got {got}"))
            }
        }
    }

    fn fail(&self, message: impl Into<String>) -> Failure {
        Failure::Syntax(self.error(self.at, message))
    }

    fn error(&self, token: usize, message: impl Into<String>) -> SyntaxError {
        let at = self.tokens.get(token).map_or(self.source.len(), |t| t.start as usize);
        let line = self.line(at);
        SyntaxError { message: message.into(), at: u32::try_from(at).unwrap_or(u32::MAX), line }
    }

    fn line(&self, at: usize) -> usize {
        self.source[..at].matches('\n').count() + 1
    }

    /// The line of a token.
    fn line_of(&self, token: usize) -> usize {
        self.line(self.tokens.get(token).map_or(self.source.len(), |t| t.start as usize))
    }

    /// The bytes of the source that a token stands for.
    fn place(&self, token: usize) -> (u32, u32) {
        self.tokens.get(token).map_or((0, 0), |t| (t.start, t.end))
    }

    /// Runs `parse`, for which jinja2 needs that many calls.
    fn deeper<T>(&mut self, calls: usize, parse: impl FnOnce(&mut Self) -> Parsed<T>) -> Parsed<T> {
        if self.depth + calls > DEEPEST {
            let kind = PyErrorKind::Other("RecursionError");
            return Err(Failure::Crash(PyError::new(kind, "maximum recursion depth exceeded")));
        }
        self.depth += calls;
        let parsed = parse(self);
        self.depth -= calls;
        parsed
    }
}
