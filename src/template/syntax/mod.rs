//! What stands before the parser: delimiters, and tokens as Jinja2 sees them.

mod escape;
mod lexer;
mod token;

use std::fmt;

pub(super) use escape::{double_backslashes, is_possibly_template, is_template};
pub(super) use token::{Op, Token, TokenKind, tokenize};

/// How templates are delimited and what happens to the white space around tags.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Syntax {
    /// Opens a statement.
    pub block_start: String,
    /// Closes a statement.
    pub block_end: String,
    /// Opens an expression.
    pub variable_start: String,
    /// Closes an expression.
    pub variable_end: String,
    /// Opens a comment.
    pub comment_start: String,
    /// Closes a comment.
    pub comment_end: String,
    /// Begins a line that is a statement.
    pub line_statement_prefix: Option<String>,
    /// Begins a comment that ends with its line.
    pub line_comment_prefix: Option<String>,
    /// The line end after a statement is dropped.
    pub trim_blocks: bool,
    /// White space before a statement that begins its line is dropped.
    pub lstrip_blocks: bool,
    /// The last line end is kept.
    pub keep_trailing_newline: bool,
    /// What line ends become in the output.
    pub newline_sequence: String,
    /// Whether `{% do %}` is known (`jinja2.ext.do`).
    pub do_statement: bool,
    /// Whether `{% break %}` and `{% continue %}` are known (`jinja2.ext.loopcontrols`).
    pub loop_controls: bool,
    /// Whether constants are worked out when a template is compiled.
    pub optimized: bool,
}

impl Default for Syntax {
    /// Jinja2's delimiters with `trim_blocks`, as ansible has them.
    fn default() -> Self {
        Self {
            block_start: "{%".to_owned(),
            block_end: "%}".to_owned(),
            variable_start: "{{".to_owned(),
            variable_end: "}}".to_owned(),
            comment_start: "{#".to_owned(),
            comment_end: "#}".to_owned(),
            line_statement_prefix: None,
            line_comment_prefix: None,
            trim_blocks: true,
            lstrip_blocks: false,
            keep_trailing_newline: false,
            newline_sequence: "\n".to_owned(),
            do_statement: false,
            loop_controls: false,
            optimized: true,
        }
    }
}

/// A template that does not follow the grammar: jinja2's text and the place in the normalised
/// source.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SyntaxError {
    /// What jinja2 says.
    pub message: String,
    /// Byte offset in the template.
    pub at: u32,
    /// Line, from 1.
    pub line: usize,
}

impl fmt::Display for SyntaxError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

/// Line ends made `\n`; one at the very end is dropped unless it is to be kept.
pub(super) fn normalise(source: &str, keep_trailing_newline: bool) -> String {
    let mut text = if source.contains('\r') {
        source.replace("\r\n", "\n").replace('\r', "\n")
    } else {
        source.to_owned()
    };
    if !keep_trailing_newline && text.ends_with('\n') {
        text.pop();
    }
    text
}
