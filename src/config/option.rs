//! What an option is, and how its text becomes a value.

use std::{
    marker::PhantomData,
    path::{Path, PathBuf},
};

use super::{Machine, expand_path};
use crate::value::{Dict, Value};

/// The type of an option.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Type {
    /// Text as it is, without a pair of quotes around it; other defaults as they are.
    Any,
    /// Text without a pair of quotes around it.
    Text,
    /// A truth.
    Flag,
    /// An integer.
    Int,
    /// A number.
    Float,
    /// Texts between commas.
    List,
    /// A path, absolute.
    Path,
    /// The folder in which a temporary one is made.
    TmpPath,
    /// Paths between commas.
    PathList,
    /// Paths between colons.
    PathSpec,
    /// A dict; it has no text form.
    Dict,
}

/// The value of an option that nobody sets.
#[derive(Clone, Copy, Debug)]
pub enum Default {
    /// `None`.
    Unset,
    /// A text, read like one from a file. `{{ANSIBLE_HOME}}` in it is that option's value.
    Text(&'static str),
    /// A truth.
    Flag(bool),
    /// An integer.
    Int(i64),
    /// A number.
    Float(f64),
    /// Texts.
    List(&'static [&'static str]),
    /// A dict of texts.
    Map(&'static [(&'static str, &'static str)]),
}

/// A name that an option had, or an option, that will go away.
#[derive(Debug)]
pub struct Old {
    /// The environment variable, `[section]key`, or the option itself.
    pub source: &'static str,
    /// Why.
    pub why: &'static str,
    /// What to use instead.
    pub instead: Option<&'static str>,
    /// The version that will be without it.
    pub version: &'static str,
}

/// One option.
#[derive(Debug)]
pub struct Spec {
    /// Its name in ansible: `DEFAULT_FORKS`; of a plugin's option its key.
    pub name: &'static str,
    /// Kind and name of the plugin that has it: `("connection", "ssh")`.
    pub plugin: Option<(&'static str, &'static str)>,
    /// What its values are.
    pub kind: Type,
    /// Its value if nobody sets it.
    pub default: Default,
    /// Keys of `ansible.cfg`, as `section.key`; the last that is set wins.
    pub ini: &'static [&'static str],
    /// Environment variables; the last that is set wins.
    pub env: &'static [&'static str],
    /// Variables of hosts that override it; the last that is set wins.
    pub vars: &'static [&'static str],
    /// The playbook keyword that sets it.
    pub keyword: Option<&'static str>,
    /// The command line's name for it.
    pub flag: Option<&'static str>,
    /// The only values that it may have.
    pub choices: &'static [&'static str],
    /// What of it will go away.
    pub old: &'static [Old],
}

const fn spec(kind: Type, default: Default) -> Spec {
    Spec {
        name: "",
        plugin: None,
        kind,
        default,
        ini: &[],
        env: &[],
        vars: &[],
        keyword: None,
        flag: None,
        choices: &[],
        old: &[],
    }
}

macro_rules! kinds {
    ($($make:ident $kind:ident)*) => {
        $(pub(super) const fn $make(default: Default) -> Spec { spec(Type::$kind, default) })*
    };
}
kinds! {
    any Any text Text flag Flag int Int float Float list List path Path tmppath TmpPath
    pathlist PathList pathspec PathSpec dict Dict
}

impl Spec {
    pub(super) const fn ini(self, ini: &'static [&'static str]) -> Self {
        Self { ini, ..self }
    }
    pub(super) const fn env(self, env: &'static [&'static str]) -> Self {
        Self { env, ..self }
    }
    pub(super) const fn vars(self, vars: &'static [&'static str]) -> Self {
        Self { vars, ..self }
    }
    pub(super) const fn keyword(self, keyword: &'static str) -> Self {
        Self { keyword: Some(keyword), ..self }
    }
    pub(super) const fn flag_name(self, flag: &'static str) -> Self {
        Self { flag: Some(flag), ..self }
    }
    pub(super) const fn choices(self, choices: &'static [&'static str]) -> Self {
        Self { choices, ..self }
    }
    pub(super) const fn old(self, old: &'static [Old]) -> Self {
        Self { old, ..self }
    }

    /// The default as it would be written: paths are not made absolute.
    pub fn written_default(&self) -> Value {
        self.default.value("~/.ansible")
    }

    /// How messages name it.
    pub(super) fn entry(&self) -> String {
        match self.plugin {
            Some((kind, plugin)) => {
                format!("plugin_type: {kind} plugin: {plugin} setting: {} ", self.name)
            }
            None => format!("setting: {} ", self.name),
        }
    }

    /// A value of the option's type from a text, or from a value of another type; the error is
    /// Python's. Paths are relative to `base`.
    pub fn typed(
        &self,
        value: Value,
        base: Option<&Path>,
        machine: &dyn Machine,
    ) -> Result<Value, String> {
        let path = |text: &str| {
            let text = match machine.cwd() {
                Ok(cwd) => text.replace("{{CWD}}", &cwd.to_string_lossy()),
                Err(_) => text.to_owned(),
            };
            path_value(&expand_path(&text, base, machine))
        };
        let texts = |value: &Value, separator: char, each: &dyn Fn(&str) -> Value| match value {
            Value::Str(s) => Ok(s.split(separator).map(each).collect()),
            Value::List(l) => Ok(l
                .snapshot()
                .iter()
                .map(|v| v.as_str().map_or_else(|| v.clone(), each))
                .collect()),
            Value::Tuple(t) => {
                Ok(t.iter().map(|v| v.as_str().map_or_else(|| v.clone(), each)).collect())
            }
            other => Err(other.clone()),
        };
        let wrong = |what: &str, value: &Value| {
            format!("Invalid type provided for \"{what}\": {}", plain_text(value))
        };
        if value.is_none() {
            return Ok(value);
        }
        Ok(match (self.kind, &value) {
            (Type::Flag, _) => Value::Bool(is_true(&value)),
            (Type::Int, _) => Value::Int(integer(&value)?),
            (Type::Float, _) => Value::Float(number(&value)?),
            (Type::List, Value::Str(s)) => {
                s.split(',').map(|x| Value::str(unquote(x.trim()))).collect()
            }
            (Type::List, Value::List(_) | Value::Tuple(_)) => value,
            (Type::List, _) => return Err(wrong("list", &value)),
            (Type::Path | Type::TmpPath, Value::Str(s)) => path(s),
            (Type::Path, _) => return Err(wrong("path", &value)),
            (Type::TmpPath, _) => return Err(wrong("temppath", &value)),
            (Type::PathList, _) => {
                texts(&value, ',', &|t| path(t.trim())).map_err(|v| wrong("pathlist", &v))?
            }
            (Type::PathSpec, _) => texts(&value, ':', &path).map_err(|v| wrong("pathspec", &v))?,
            (Type::Dict, Value::Dict(_)) => value,
            (Type::Dict, _) => return Err(wrong("dictionary", &value)),
            (Type::Text, Value::Bool(_) | Value::Int(_) | Value::Float(_)) => {
                Value::str(plain_text(&value))
            }
            (Type::Any | Type::Text, Value::Str(s)) => Value::str(unquote(s)),
            (Type::Text, _) => return Err(wrong("string", &value)),
            (Type::Any, _) => value,
        })
    }
}

fn path_value(path: &Path) -> Value {
    Value::str(path.to_string_lossy().as_ref())
}

/// `str(value)` of what a setting can be.
pub(super) fn plain_text(value: &Value) -> String {
    match value {
        Value::Str(s) => s.as_str().to_owned(),
        Value::Bool(true) => "True".to_owned(),
        Value::Bool(false) => "False".to_owned(),
        Value::Int(n) => n.to_string(),
        Value::Float(f) => format!("{f:?}"),
        Value::None => "None".to_owned(),
        Value::List(l) => {
            let items: Vec<String> = l.snapshot().iter().map(plain_repr).collect();
            format!("[{}]", items.join(", "))
        }
        other => format!("{other:?}"),
    }
}

fn plain_repr(value: &Value) -> String {
    match value {
        Value::Str(s) => format!("'{s}'"),
        other => plain_text(other),
    }
}

/// The text without a pair of quotes around it.
fn unquote(text: &str) -> &str {
    let mut quoted = ['"', '\''].iter().filter_map(|q| {
        let inner = text.strip_prefix(*q)?.strip_suffix(*q)?;
        (!inner.ends_with('\\')).then_some(inner)
    });
    quoted.next().unwrap_or(text)
}

/// Whether ansible takes a setting for true; whatever it does not know is false.
fn is_true(value: &Value) -> bool {
    match value {
        Value::Bool(b) => *b,
        Value::Int(n) => *n == 1,
        Value::Float(f) => (*f - 1.0).abs() < f64::EPSILON,
        Value::Str(s) => {
            matches!(
                s.trim().to_lowercase().as_str(),
                "y" | "yes" | "on" | "1" | "true" | "t" | "1.0"
            )
        }
        _ => false,
    }
}

fn digits(text: &str) -> Option<String> {
    // Python allows single underscores between digits.
    let text = text.trim();
    let bad = text.starts_with('_') || text.ends_with('_') || text.contains("__");
    (!bad).then(|| text.replace('_', ""))
}

fn integer(value: &Value) -> Result<i64, String> {
    match value {
        Value::Int(n) => Ok(*n),
        Value::Bool(b) => Ok(i64::from(*b)),
        #[expect(clippy::cast_possible_truncation, reason = "Python truncates too")]
        Value::Float(f) => Ok(*f as i64),
        other => {
            let text = plain_text(other);
            let parsed = digits(&text).and_then(|d| d.parse().ok());
            parsed.ok_or_else(|| {
                format!("invalid literal for int() with base 10: {}", plain_repr(other))
            })
        }
    }
}

fn number(value: &Value) -> Result<f64, String> {
    match value {
        Value::Float(f) => Ok(*f),
        Value::Bool(b) => Ok(f64::from(u8::from(*b))),
        #[expect(clippy::cast_precision_loss, reason = "Python rounds too")]
        Value::Int(n) => Ok(*n as f64),
        other => {
            let text = plain_text(other);
            let parsed = digits(&text).and_then(|d| d.parse().ok());
            parsed
                .ok_or_else(|| format!("could not convert string to float: {}", plain_repr(other)))
        }
    }
}

impl Default {
    /// The value, with `home` for `{{ANSIBLE_HOME}}`.
    pub(super) fn value(&self, home: &str) -> Value {
        match self {
            Self::Unset => Value::None,
            Self::Text(text) => Value::str(text.replace("{{ANSIBLE_HOME}}", home)),
            Self::Flag(b) => Value::Bool(*b),
            Self::Int(n) => Value::Int(*n),
            Self::Float(f) => Value::Float(*f),
            Self::List(items) => items.iter().map(|s| Value::str(*s)).collect(),
            Self::Map(entries) => {
                entries.iter().map(|(k, v)| (*k, Value::str(*v))).collect::<Dict>().into()
            }
        }
    }
}

/// An option whose values read as `T`.
#[derive(Debug)]
pub struct Opt<T> {
    spec: Spec,
    reads: PhantomData<fn() -> T>,
}

impl<T> Opt<T> {
    pub(super) const fn new(spec: Spec) -> Self {
        Self { spec, reads: PhantomData }
    }

    /// What it is.
    pub const fn spec(&self) -> &Spec {
        &self.spec
    }
}

/// What a setting's value can be read as.
pub trait Reads: Sized {
    /// The value as this type; `None` if it is of another.
    fn read(value: &Value) -> Option<Self>;
}

impl Reads for bool {
    fn read(value: &Value) -> Option<Self> {
        match value {
            Value::Bool(b) => Some(*b),
            // Options without a type keep the text of a file: ansible takes any for true.
            Value::Str(s) => Some(!s.is_empty()),
            _ => None,
        }
    }
}
impl Reads for i64 {
    fn read(value: &Value) -> Option<Self> {
        match value {
            Value::Int(n) => Some(*n),
            Value::Str(s) => s.trim().parse().ok(),
            _ => None,
        }
    }
}
impl Reads for f64 {
    fn read(value: &Value) -> Option<Self> {
        match value {
            Value::Float(f) => Some(*f),
            _ => None,
        }
    }
}
impl Reads for String {
    fn read(value: &Value) -> Option<Self> {
        match value {
            Value::None | Value::List(_) | Value::Dict(_) => None,
            other => Some(plain_text(other)),
        }
    }
}
impl Reads for PathBuf {
    fn read(value: &Value) -> Option<Self> {
        value.as_str().map(Self::from)
    }
}
impl Reads for Dict {
    fn read(value: &Value) -> Option<Self> {
        value.as_dict().cloned()
    }
}
impl<T: Reads> Reads for Vec<T> {
    fn read(value: &Value) -> Option<Self> {
        match value {
            Value::List(l) => l.snapshot().iter().map(T::read).collect(),
            // A list option without a type, set by a file, is one text.
            Value::Str(_) => T::read(value).map(|v| vec![v]),
            _ => None,
        }
    }
}
impl<T: Reads> Reads for Option<T> {
    fn read(value: &Value) -> Option<Self> {
        if value.is_none() { Some(None) } else { T::read(value).map(Some) }
    }
}
