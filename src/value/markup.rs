//! Text that is escaped for HTML: markupsafe's `Markup`.

use super::{PyResult, Str, StrClass, Value, repr::to_str};

/// Escapes `&`, `<`, `>` and quotes.
pub fn escape(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('>', "&gt;")
        .replace('<', "&lt;")
        .replace('\'', "&#39;")
        .replace('"', "&#34;")
}

/// Whether text is escaped already.
pub fn is_escaped(text: &Str) -> bool {
    text.class() == StrClass::Markup && !text.is_unsafe()
}

/// The escaped text of a value; what is escaped already stays.
pub fn escaped(value: &Value) -> PyResult<String> {
    let text = to_str(value)?;
    Ok(if text.class() == StrClass::Markup { text.to_string() } else { escape(&text) })
}

/// What escaped text takes another text for; plain text takes it as it is.
pub fn taken_by(text: &Str, other: &Str) -> String {
    if is_escaped(text) && other.class() != StrClass::Markup {
        escape(other)
    } else {
        other.to_string()
    }
}
