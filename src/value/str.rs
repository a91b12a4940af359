//! Text with its mark of trust.

use std::{fmt, hash, ops::Deref, sync::Arc};

/// Which Python class the text has; visible in error texts and to `type_debug`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum StrClass {
    /// `str`: made by a template.
    #[default]
    Str,
    /// `AnsibleUnicode`: read from YAML.
    Yaml,
    /// `NativeJinjaText`: the result of a filter whose text is never read as data again.
    Native,
    /// `Markup`: escaped for HTML.
    Markup,
}

/// Text. Cloning shares it. Equality and hash are the text's alone.
#[derive(Clone)]
pub struct Str {
    text: Arc<str>,
    unsafe_: bool,
    class: StrClass,
}

impl Str {
    /// Text that a person wrote, which may be a template.
    pub fn new(text: impl Into<Arc<str>>) -> Self {
        Self { text: text.into(), unsafe_: false, class: StrClass::Str }
    }

    /// Text from outside, never a template.
    pub fn new_unsafe(text: impl Into<Arc<str>>) -> Self {
        Self { text: text.into(), unsafe_: true, class: StrClass::Str }
    }

    /// The same text, marked unsafe.
    #[must_use]
    pub fn into_unsafe(self) -> Self {
        // There is no unsafe text that is escaped.
        let class = if self.class == StrClass::Markup { StrClass::Str } else { self.class };
        Self { unsafe_: true, class, ..self }
    }

    /// Whether the text came from outside and must never be rendered.
    pub fn is_unsafe(&self) -> bool {
        self.unsafe_
    }

    /// The same text as another Python class.
    #[must_use]
    pub fn with_class(self, class: StrClass) -> Self {
        Self { class, ..self }
    }

    /// The Python class.
    pub fn class(&self) -> StrClass {
        self.class
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// The shared text itself.
    pub fn shared(&self) -> &Arc<str> {
        &self.text
    }

    /// New text of class `str`, unsafe if this one is.
    #[must_use]
    pub fn derive(&self, text: impl Into<Arc<str>>) -> Self {
        Self { text: text.into(), unsafe_: self.unsafe_, class: StrClass::Str }
    }

    /// New text as methods and slices of this one give: escaped text gives such, too.
    #[must_use]
    pub fn alike(&self, text: impl Into<Arc<str>>) -> Self {
        let escaped = self.class == StrClass::Markup && !self.unsafe_;
        let class = if escaped { StrClass::Markup } else { StrClass::Str };
        self.derive(text).with_class(class)
    }

    /// The name of the Python class.
    pub fn class_name(&self) -> &'static str {
        match (self.class, self.unsafe_) {
            (StrClass::Native, true) => "NativeJinjaUnsafeText",
            (StrClass::Native, false) => "NativeJinjaText",
            (_, true) => "AnsibleUnsafeText",
            (StrClass::Yaml, false) => "AnsibleUnicode",
            (StrClass::Markup, false) => "Markup",
            (StrClass::Str, false) => "str",
        }
    }

    /// The module of the Python class.
    pub fn class_module(&self) -> &'static str {
        match (self.class, self.unsafe_) {
            (_, true) => "ansible.utils.unsafe_proxy",
            (StrClass::Native, false) => "ansible.utils.native_jinja",
            (StrClass::Yaml, false) => "ansible.parsing.yaml.objects",
            (StrClass::Markup, false) => "markupsafe",
            (StrClass::Str, false) => "builtins",
        }
    }
}

impl PartialEq for Str {
    fn eq(&self, other: &Self) -> bool {
        self.text == other.text
    }
}
impl Eq for Str {}
impl PartialOrd for Str {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}
impl Ord for Str {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.text.cmp(&other.text)
    }
}
impl hash::Hash for Str {
    fn hash<H: hash::Hasher>(&self, state: &mut H) {
        self.text.hash(state);
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
