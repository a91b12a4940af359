//! Errors as Python raises them: a class and a message.

use std::{fmt, sync::Arc};

use super::Undefined;
use crate::diagnostic;

/// The class of a [`PyError`]; decides how ansible words and handles the failure.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PyErrorKind {
    /// `TypeError`.
    TypeError,
    /// `ValueError`.
    ValueError,
    /// `KeyError`; the message is the key's `repr`, as `str(KeyError(key))` gives.
    KeyError,
    /// `IndexError`.
    IndexError,
    /// `AttributeError`.
    AttributeError,
    /// `ZeroDivisionError`.
    ZeroDivisionError,
    /// `OverflowError`.
    OverflowError,
    /// `AssertionError`.
    AssertionError,
    /// `LookupError` (an unknown codec).
    LookupError,
    /// `SyntaxError`, for text that is parsed as Python.
    SyntaxError,
    /// `OSError` and its kin; the message has Python's `[Errno 2] …: '…'` form.
    OSError,
    /// jinja2's `UndefinedError`.
    Undefined,
    /// ansible's `AnsibleFilterError`.
    Filter,
    /// ansible's `AnsibleFilterTypeError`, which is a `TypeError` too.
    FilterType,
    /// ansible's plain `AnsibleError`.
    Ansible,
    /// jinja2's `FilterArgumentError`.
    FilterArgument,
    /// jinja2's `TemplateRuntimeError`.
    TemplateRuntime,
    /// jinja2's `TemplateSyntaxError` (an unknown filter named at run time).
    TemplateSyntax,
    /// Any other class, by its full path (`binascii.Error`, `re.error`).
    Other(&'static str),
    /// An error of ours that passes through unchanged (vault, lookups).
    Diagnostic,
}

/// What a Python operation raised.
#[derive(Clone, Debug)]
pub struct PyError {
    /// The class.
    pub kind: PyErrorKind,
    /// `str(exception)`.
    pub message: String,
    /// The undefined value that was used, if that is what failed.
    pub undefined: Option<Arc<Undefined>>,
    /// The error that passes through, if it is not Python's.
    pub source: Option<diagnostic::Error>,
}

/// The result of a Python operation.
pub type PyResult<T> = Result<T, PyError>;

impl PyError {
    /// An error of class `kind`.
    pub fn new(kind: PyErrorKind, message: impl Into<String>) -> Self {
        Self { kind, message: message.into(), undefined: None, source: None }
    }

    /// A `TypeError`.
    pub fn type_error(message: impl Into<String>) -> Self {
        Self::new(PyErrorKind::TypeError, message)
    }

    /// A `ValueError`.
    pub fn value_error(message: impl Into<String>) -> Self {
        Self::new(PyErrorKind::ValueError, message)
    }

    /// ansible's error of filters.
    pub fn filter(message: impl Into<String>) -> Self {
        Self::new(PyErrorKind::Filter, message)
    }

    /// ansible's error of filters that were given a wrong type.
    pub fn filter_type(message: impl Into<String>) -> Self {
        Self::new(PyErrorKind::FilterType, message)
    }

    /// The use of an undefined value.
    pub fn undefined(undefined: &Arc<Undefined>) -> Self {
        Self {
            kind: PyErrorKind::Undefined,
            message: undefined.message(),
            undefined: Some(Arc::clone(undefined)),
            source: None,
        }
    }

    /// Whether Python's `except TypeError` would catch it.
    pub fn is_type_error(&self) -> bool {
        matches!(self.kind, PyErrorKind::TypeError | PyErrorKind::FilterType)
    }

    /// Whether Python's `except ValueError` would catch it.
    pub fn is_value_error(&self) -> bool {
        matches!(
            self.kind,
            PyErrorKind::ValueError
                | PyErrorKind::Other("binascii.Error" | "json.decoder.JSONDecodeError")
                | PyErrorKind::Other("UnicodeDecodeError" | "UnicodeEncodeError")
        )
    }

    /// Whether the use of an undefined value failed.
    pub fn is_undefined(&self) -> bool {
        self.kind == PyErrorKind::Undefined
    }

    /// Whether ansible's `except AnsibleError` would catch it.
    pub fn is_ansible_error(&self) -> bool {
        matches!(
            self.kind,
            PyErrorKind::Filter
                | PyErrorKind::FilterType
                | PyErrorKind::Ansible
                | PyErrorKind::Diagnostic
        ) || matches!(self.kind, PyErrorKind::Other(path) if path.starts_with("ansible.errors."))
    }

    /// `str(type(exception))`: `<class 'TypeError'>`.
    pub fn class(&self) -> String {
        format!("<class '{}'>", self.class_path())
    }

    /// The full path of the class.
    pub fn class_path(&self) -> &'static str {
        match self.kind {
            PyErrorKind::TypeError => "TypeError",
            PyErrorKind::ValueError => "ValueError",
            PyErrorKind::KeyError => "KeyError",
            PyErrorKind::IndexError => "IndexError",
            PyErrorKind::AttributeError => "AttributeError",
            PyErrorKind::ZeroDivisionError => "ZeroDivisionError",
            PyErrorKind::OverflowError => "OverflowError",
            PyErrorKind::AssertionError => "AssertionError",
            PyErrorKind::LookupError => "LookupError",
            PyErrorKind::SyntaxError => "SyntaxError",
            PyErrorKind::OSError => "OSError",
            PyErrorKind::Undefined => "jinja2.exceptions.UndefinedError",
            PyErrorKind::Filter => "ansible.errors.AnsibleFilterError",
            PyErrorKind::FilterType => "ansible.errors.AnsibleFilterTypeError",
            PyErrorKind::Ansible | PyErrorKind::Diagnostic => "ansible.errors.AnsibleError",
            PyErrorKind::FilterArgument => "jinja2.exceptions.FilterArgumentError",
            PyErrorKind::TemplateRuntime => "jinja2.exceptions.TemplateRuntimeError",
            PyErrorKind::TemplateSyntax => "jinja2.exceptions.TemplateSyntaxError",
            PyErrorKind::Other(path) => path,
        }
    }
}

impl fmt::Display for PyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for PyError {}

impl From<diagnostic::Error> for PyError {
    fn from(error: diagnostic::Error) -> Self {
        Self {
            kind: PyErrorKind::Diagnostic,
            message: error.message().to_owned(),
            undefined: None,
            source: Some(error),
        }
    }
}
