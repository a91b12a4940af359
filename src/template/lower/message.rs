//! The parser's complaints in jinja2's words.

use crate::template::syntax::{SyntaxError, Token, TokenKind, skeleton::Skeleton};
use crate::value::repr::str_repr;

/// The error and the token that it is about.
pub(super) fn of(
    error: &minijinja::Error,
    skeleton: &Skeleton,
    tokens: &[Token],
    source: &str,
) -> (usize, SyntaxError) {
    let offset = error.range().map_or(skeleton.text.len(), |r| r.start);
    let offset = u32::try_from(offset).unwrap_or(u32::MAX);
    let detail = error.detail().unwrap_or("syntax error");
    let at_end = detail.starts_with("unexpected end of input");
    let token = match skeleton.token_at(offset) {
        Some(token) if !at_end => token,
        _ => tokens.len(),
    };
    let at = tokens.get(token).map_or(source.len(), |t| t.start as usize);
    let line = source[..at].matches('\n').count() + 1;
    let message = message(detail, token, tokens);
    (token, SyntaxError { message, at: u32::try_from(at).unwrap_or(u32::MAX), line })
}

fn message(detail: &str, token: usize, tokens: &[Token]) -> String {
    let got = tokens.get(token).map(|t| t.kind.describe());
    let shown = str_repr(got.unwrap_or("end of template"));
    if let Some((_, wanted)) = detail.split_once(", expected ") {
        let wanted = match wanted {
            "end of variable block" => "end of print statement",
            "end of block" => "end of statement block",
            "assignment operator" => assignment(token, tokens),
            "identifier" | "block keyword" => "name",
            "identifier or integer" => return "expected name or number".to_owned(),
            "comma" => ",",
            "expression" => return format!("unexpected {shown}"),
            "missing keyword" => "missing",
            other => other.trim_matches('`'),
        };
        return match got {
            Some(_) => format!("expected token '{wanted}', got {shown}"),
            None => format!("unexpected end of template, expected '{wanted}'."),
        };
    }
    if detail.starts_with("cannot assign to reserved variable name") {
        return "can't assign to 'const'".to_owned();
    }
    if detail.starts_with("expected call expression in call block") {
        return "expected call".to_owned();
    }
    if detail == "non-keyword arg after keyword arg" {
        return "invalid syntax for function call expression".to_owned();
    }
    if detail.starts_with("unexpected ") {
        return format!("unexpected {shown}");
    }
    detail.to_owned()
}

/// Without a `=`, `{% set %}` is a block, and its tag ends after the target.
fn assignment(token: usize, tokens: &[Token]) -> &'static str {
    let begin = tokens[..token.min(tokens.len())]
        .iter()
        .rposition(|t| matches!(t.kind, TokenKind::BlockBegin));
    match begin.and_then(|b| tokens.get(b + 1)).and_then(|t| t.kind.name()) {
        Some("set") => "end of statement block",
        _ => "=",
    }
}
