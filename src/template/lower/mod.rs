//! From minijinja's tree, which borrows the skeleton, to our own.

mod expr;
mod message;
mod stmt;

use indexmap::IndexMap;
use minijinja::{
    machinery::{ast, parse},
    syntax::SyntaxConfig,
};

use super::{
    symbols,
    syntax::{
        Syntax, SyntaxError, Token, TokenKind, normalise,
        skeleton::{self, Skeleton},
        tokenize,
    },
    tree::{Name, Stmt, Template},
};

/// Compiles a template text. The tree holds nothing of `text`.
pub(super) fn compile(
    text: &str,
    name: Option<Name>,
    syntax: &Syntax,
) -> Result<Template, SyntaxError> {
    let source = normalise(text, syntax.keep_trailing_newline);
    let (tokens, lex_error) = tokenize(&source, syntax);
    let (skeleton, tag_error) = skeleton::write(&source, &tokens, syntax);
    let parsed = parse(&skeleton.text, "", SyntaxConfig::default());
    let root = match (parsed, tag_error) {
        (Ok(root), None) => match lex_error {
            Some(error) => return Err(error),
            None => root,
        },
        (parsed, tag_error) => {
            let grammar = parsed.err().map(|e| message::of(&e, &skeleton, &tokens, &source));
            return Err(first_error(grammar, tag_error, lex_error, &tokens));
        }
    };
    let ast::Stmt::Template(root) = root else {
        return Err(SyntaxError { message: "not a template".to_owned(), at: 0, line: 1 });
    };
    let mut lower = Lower {
        source: &source,
        tokens: &tokens,
        skeleton: &skeleton,
        blocks: IndexMap::new(),
        may_mutate: false,
    };
    let body = lower.body(&root.children)?;
    let Lower { blocks, may_mutate, .. } = lower;
    symbols::resolve(body, blocks, name, source.as_str().into(), may_mutate)
}

/// The error that jinja2, which reads tokens as it goes, meets first. Beyond the last token it is
/// the lexer's, if that gave up.
fn first_error(
    grammar: Option<(usize, SyntaxError)>,
    tags: Option<(usize, SyntaxError)>,
    lexer: Option<SyntaxError>,
    tokens: &[Token],
) -> SyntaxError {
    let end = tokens.len();
    // Where no tag is open at the end, what is missing there is the end of a block.
    let outside = tokens.last().is_some_and(|t| {
        matches!(t.kind, TokenKind::Data(_) | TokenKind::VariableEnd | TokenKind::BlockEnd)
    });
    let first = match (grammar, tags) {
        (Some(g), Some(t)) if t.0 < g.0 || (t.0 == end && g.0 == end && outside) => t,
        (Some(g), _) => g,
        (None, Some(t)) => t,
        // Called only if there is one.
        (None, None) => (end, SyntaxError { message: String::new(), at: 0, line: 1 }),
    };
    match lexer {
        Some(lexer) if first.0 >= end => lexer,
        _ => first.1,
    }
}

/// What lowering needs to know.
struct Lower<'a> {
    source: &'a str,
    tokens: &'a [Token],
    skeleton: &'a Skeleton,
    blocks: IndexMap<Name, Vec<Stmt>>,
    may_mutate: bool,
}

impl Lower<'_> {
    fn error<T>(&self, token: Option<usize>, message: impl Into<String>) -> Result<T, SyntaxError> {
        Err(self.error_at(token, message))
    }

    fn error_at(&self, token: Option<usize>, message: impl Into<String>) -> SyntaxError {
        let at = token.and_then(|t| self.tokens.get(t)).map_or(0, |t| t.start);
        SyntaxError { message: message.into(), at, line: self.line(at) }
    }

    fn line(&self, at: u32) -> usize {
        self.source[..at as usize].matches('\n').count() + 1
    }

    /// The name that an identifier of the skeleton stands for.
    fn name(&self, id: &str) -> Name {
        self.token_of(id).and_then(|t| self.tokens[t].kind.name()).unwrap_or(id).into()
    }

    fn token_of(&self, id: &str) -> Option<usize> {
        let token = id.strip_prefix('v')?.parse().ok()?;
        (token < self.tokens.len()).then_some(token)
    }

    /// The bytes of the source that an identifier stands for.
    fn place(&self, id: &str, offset: u32) -> (u32, u32) {
        let token = self.token_of(id).or_else(|| self.skeleton.token_at(offset));
        token.and_then(|t| self.tokens.get(t)).map_or((0, 0), |t| (t.start, t.end))
    }
}
