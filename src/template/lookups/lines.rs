//! `lines`: what commands write, line by line.

use super::{Call, Lookup, call};
use crate::{
    template::templar::ansible,
    value::{PyError, PyResult, Value, repr::to_text, types::class_name},
};

pub(super) static LOOKUP: Lookup =
    Lookup::builtin("lines", "The lines that commands of the shell write.", &[], run);

fn run(call: &Call<'_>) -> PyResult<Vec<Value>> {
    let mut found = Vec::new();
    for term in call.each()? {
        if let Value::None | Value::Bool(_) | Value::Int(_) | Value::Float(_) = term {
            // A command that is no text is a list of arguments.
            let class = class_name(&term);
            return Err(PyError::type_error(format!("'{class}' object is not iterable")));
        }
        let command = to_text(&term)?;
        match call::shell_output(&command, &call.basedir())? {
            Ok(bytes) => found.extend(lines(&bytes)),
            Err(status) => {
                return Err(ansible(format!("lookup_plugin.lines({command}) returned {status}")));
            }
        }
    }
    Ok(found)
}

/// The lines of bytes: only `\n`, `\r` and both end one.
pub(super) fn lines(bytes: &[u8]) -> Vec<Value> {
    let mut lines = Vec::new();
    let mut rest = bytes;
    while !rest.is_empty() {
        let end = rest.iter().position(|b| matches!(b, b'\n' | b'\r'));
        let line = &rest[..end.unwrap_or(rest.len())];
        lines.push(Value::from(call::into_text(line.to_vec())));
        let past = match end {
            Some(at) if rest[at..].starts_with(b"\r\n") => at + 2,
            Some(at) => at + 1,
            None => rest.len(),
        };
        rest = &rest[past..];
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_end_as_bytes_lines_do() {
        let texts = |b: &[u8]| lines(b).iter().map(Value::to_text).collect::<Vec<_>>();
        assert_eq!(texts(b"a\r\nb\rc\n\nd"), ["a", "b", "c", "", "d"]);
        assert_eq!(texts("a\u{2028}b".as_bytes()), ["a\u{2028}b"]);
        assert!(lines(b"").is_empty());
    }
}
