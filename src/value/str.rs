//! Text with its mark of trust.

use std::{fmt, ops::Deref, sync::Arc};

/// Text. Cloning shares it.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Str {
    text: Arc<str>,
    unsafe_: bool,
}

impl Str {
    /// Text that a person wrote, which may be a template.
    pub fn new(text: impl Into<Arc<str>>) -> Self {
        Self { text: text.into(), unsafe_: false }
    }

    /// Text from outside, never a template.
    pub fn new_unsafe(text: impl Into<Arc<str>>) -> Self {
        Self { text: text.into(), unsafe_: true }
    }

    /// The same text, marked unsafe.
    #[must_use]
    pub fn into_unsafe(self) -> Self {
        Self { unsafe_: true, ..self }
    }

    /// Whether the text came from outside and must never be rendered.
    pub fn is_unsafe(&self) -> bool {
        self.unsafe_
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// The shared text itself.
    pub fn shared(&self) -> &Arc<str> {
        &self.text
    }
}

impl Deref for Str {
    type Target = str;
    fn deref(&self) -> &str {
        &self.text
    }
}
impl fmt::Debug for Str {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&*self.text, f)
    }
}
impl fmt::Display for Str {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}
