//! What ansible asks of the tokens before a text is compiled.

use super::{
    Syntax, SyntaxError,
    lexer::{Raw, lex},
    normalise,
};

/// Whether a text holds an opening delimiter at all.
pub(in crate::template) fn is_possibly_template(text: &str, syntax: &Syntax) -> bool {
    text.contains(syntax.block_start.as_str())
        || text.contains(syntax.variable_start.as_str())
        || text.contains(syntax.comment_start.as_str())
}

/// Whether a text has a complete tag: ansible's `is_template`.
pub(in crate::template) fn is_template(text: &str, syntax: &Syntax) -> bool {
    if !is_possibly_template(text, syntax) {
        return false;
    }
    let source = normalise(text, syntax.keep_trailing_newline);
    let lexed = lex(&source, syntax);
    let mut found = None;
    let mut in_comment = false;
    for (n, token) in lexed.tokens.iter().enumerate() {
        let (begins, ends) = match token.kind {
            Raw::VariableBegin => (Some(Raw::VariableEnd), None),
            Raw::BlockBegin => (Some(Raw::BlockEnd), None),
            Raw::CommentBegin => (Some(Raw::CommentEnd), None),
            Raw::VerbatimBegin => (Some(Raw::VerbatimEnd), None),
            Raw::VariableEnd | Raw::BlockEnd | Raw::CommentEnd | Raw::VerbatimEnd => {
                (None, Some(token.kind))
            }
            _ => continue,
        };
        if let Some(end) = begins {
            let first = lexed.tokens[..n].iter().all(|t| t.kind == Raw::Data);
            in_comment |= first && token.kind == Raw::CommentBegin;
            found = Some(end);
        }
        if ends.is_some() {
            if ends == found {
                return true;
            }
            if !in_comment {
                return false;
            }
        }
    }
    false
}

/// Doubles the backslashes of string literals inside `{{ }}`, as ansible does for what people
/// write in playbooks.
pub(in crate::template) fn double_backslashes(
    text: &str,
    syntax: &Syntax,
) -> Result<Option<String>, SyntaxError> {
    if !(text.contains('\\') && text.contains("{{")) {
        return Ok(None);
    }
    let source = normalise(text, syntax.keep_trailing_newline);
    let lexed = lex(&source, syntax);
    if let Some(error) = lexed.error {
        return Err(error);
    }
    let mut out = String::with_capacity(source.len() + 8);
    let mut in_variable = false;
    for token in &lexed.tokens {
        let piece = &source[token.start as usize..token.end as usize];
        match token.kind {
            Raw::VariableBegin => in_variable = true,
            Raw::VariableEnd => in_variable = false,
            Raw::Str if in_variable => {
                out.push_str(&piece.replace('\\', "\\\\"));
                continue;
            }
            _ => {}
        }
        out.push_str(piece);
    }
    Ok(Some(out))
}
