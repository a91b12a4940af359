//! `#jinja2: name: value, …` in the first line of a template.

use super::{syntax::Syntax, templar::ansible};
use crate::value::{PyError, PyErrorKind, PyResult, Value, literal, ops::truth};

const HEADER: &str = "#jinja2:";

/// The syntax that a template's first line asks for, and what is left of the template.
pub(super) fn read<'t>(text: &'t str, base: &Syntax) -> PyResult<Option<(Syntax, &'t str)>> {
    let Some(after) = text.strip_prefix(HEADER) else { return Ok(None) };
    // Without a line end ansible drops the last character, and keeps the header in the template.
    let (line, rest) = match after.split_once('\n') {
        Some((line, rest)) => (line, rest),
        None => (after.get(..after.len().saturating_sub(1)).unwrap_or(""), text),
    };
    let mut syntax = base.clone();
    for pair in line.split(',') {
        let Some((key, value)) = pair.split_once(':') else {
            return Err(ansible(format!(
                "failed to parse jinja2 override '{}'. Did you use something different from colon \
                 as key-value separator?",
                pair.trim()
            )));
        };
        set(&mut syntax, key.trim(), &literal::literal_eval(value.trim()).map_err(placed)?)?;
    }
    Ok(Some((syntax, rest)))
}

/// Python says where text is no Python.
fn placed(e: PyError) -> PyError {
    match e.kind {
        PyErrorKind::SyntaxError => {
            PyError { message: format!("{} (<unknown>, line 1)", e.message), ..e }
        }
        _ => e,
    }
}

/// Sets an attribute of jinja2's environment; those that it does not have do nothing.
pub(super) fn set(syntax: &mut Syntax, key: &str, value: &Value) -> PyResult<()> {
    let text = || value.as_str().map(str::to_owned);
    let keep = |place: &mut String| {
        if let Some(text) = text() {
            *place = text;
        }
    };
    match key {
        "block_start_string" => keep(&mut syntax.block_start),
        "block_end_string" => keep(&mut syntax.block_end),
        "variable_start_string" => keep(&mut syntax.variable_start),
        "variable_end_string" => keep(&mut syntax.variable_end),
        "comment_start_string" => keep(&mut syntax.comment_start),
        "comment_end_string" => keep(&mut syntax.comment_end),
        "newline_sequence" => keep(&mut syntax.newline_sequence),
        "line_statement_prefix" => syntax.line_statement_prefix = text(),
        "line_comment_prefix" => syntax.line_comment_prefix = text(),
        "trim_blocks" => syntax.trim_blocks = truth(value)?,
        "lstrip_blocks" => syntax.lstrip_blocks = truth(value)?,
        "optimized" => syntax.optimized = truth(value)?,
        "keep_trailing_newline" => syntax.keep_trailing_newline = truth(value)?,
        _ => {}
    }
    Ok(())
}
