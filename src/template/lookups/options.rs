//! Options of lookups: arguments by name, variables, environment; converted to their types.

use std::collections::HashMap;

use indexmap::IndexMap;

use super::options_error;
use crate::{
    splitter::unquote,
    template::{
        Scope,
        args::{to_float, to_int},
        templar::ansible,
    },
    value::{Dict, PyError, PyResult, Value, access, ops, repr::to_text},
};

/// The type of an option.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Type {
    /// Whatever it is.
    Any,
    /// A truth, as ansible reads texts.
    Bool,
    /// A whole number.
    Int,
    /// A number.
    Float,
    /// Text.
    Text,
    /// A list, or text with commas.
    List,
    /// A dict.
    Dict,
}

/// The value of an option that is not given.
#[derive(Clone, Copy, Debug)]
pub enum Default {
    /// `None`.
    None,
    /// A truth.
    Bool(bool),
    /// A whole number.
    Int(i64),
    /// Text.
    Text(&'static str),
    /// A list of texts.
    List(&'static [&'static str]),
    /// An empty dict.
    Dict,
}

/// One option.
#[derive(Clone, Copy, Debug)]
pub struct Opt {
    name: &'static str,
    kind: Type,
    default: Default,
    aliases: &'static [&'static str],
    choices: &'static [&'static str],
    variable: Option<&'static str>,
    environment: Option<&'static str>,
}

impl Opt {
    /// The environment variable that it is read from when not given.
    pub const fn environment(self, environment: &'static str) -> Self {
        Self { environment: Some(environment), ..self }
    }

    /// An option without default.
    pub const fn new(name: &'static str, kind: Type) -> Self {
        Self {
            name,
            kind,
            default: Default::None,
            aliases: &[],
            choices: &[],
            variable: None,
            environment: None,
        }
    }

    /// What it is when not given.
    pub const fn default(self, default: Default) -> Self {
        Self { default, ..self }
    }

    /// Other names.
    pub const fn aliases(self, aliases: &'static [&'static str]) -> Self {
        Self { aliases, ..self }
    }

    /// The only texts that it may be.
    pub const fn choices(self, choices: &'static [&'static str]) -> Self {
        Self { choices, ..self }
    }

    /// The variable that it is read from when not given.
    pub const fn variable(self, variable: &'static str) -> Self {
        Self { variable: Some(variable), ..self }
    }

    /// The variable and the environment variable that it is read from when not given.
    pub const fn elsewhere(self, variable: &'static str, environment: &'static str) -> Self {
        Self { variable: Some(variable), environment: Some(environment), ..self }
    }
}

/// The options of one call.
#[derive(Clone, Debug)]
pub struct Options(HashMap<&'static str, Value>);

impl Options {
    pub(super) fn resolve(
        lookup: &str,
        specs: &[Opt],
        given: &IndexMap<String, Value>,
        scope: &dyn Scope,
    ) -> PyResult<Self> {
        let mut values = HashMap::new();
        for spec in specs {
            let (value, origin) = raw(spec, given, scope);
            let entry = || format!("plugin_type: lookup plugin: {lookup} setting: {}", spec.name);
            let value = match value {
                Some(value) => convert(&value, spec.kind).map_err(|e| {
                    if !e.is_value_error() {
                        return ansible(format!(
                            "Unhandled exception when retrieving {}:\n{e}. {e}",
                            spec.name
                        ));
                    }
                    options_error(format!(
                        "Invalid type for configuration option {} (from {origin}): {e}",
                        entry()
                    ))
                })?,
                None => spec.default.value(),
            };
            let chosen = value.as_str().is_some_and(|v| spec.choices.contains(&v));
            if !spec.choices.is_empty() && !value.is_none() && !chosen {
                return Err(options_error(format!(
                    "Invalid value \"{}\" for configuration option \"{} \", valid values are: {}",
                    to_text(&value)?,
                    entry(),
                    spec.choices.join(", ")
                )));
            }
            values.insert(spec.name, value);
        }
        Ok(Self(values))
    }

    /// The value of an option.
    pub fn get(&self, name: &str) -> Value {
        self.0.get(name).cloned().unwrap_or(Value::None)
    }

    /// Whether there is such an option.
    pub fn has(&self, name: &str) -> bool {
        self.0.contains_key(name)
    }

    /// Sets an option, as `name=value` in the text of a term does.
    pub fn set(&mut self, name: &str, value: Value) {
        if let Some(slot) = self.0.get_mut(name) {
            *slot = value;
        }
    }

    /// The truth of an option.
    pub fn is(&self, name: &str) -> bool {
        self.get(name).is_true()
    }

    /// An option as text, if it is set.
    pub fn text(&self, name: &str) -> PyResult<Option<String>> {
        match self.get(name) {
            Value::None => Ok(None),
            value => to_text(&value).map(Some),
        }
    }
}

/// The value of an option before conversion, and where it is from.
fn raw(spec: &Opt, given: &IndexMap<String, Value>, scope: &dyn Scope) -> (Option<Value>, String) {
    let names = std::iter::once(&spec.name).chain(spec.aliases);
    let direct = names.filter_map(|n| given.get(*n)).next().filter(|v| !v.is_none());
    if let Some(value) = direct {
        return (Some(value.clone()), "Direct".to_owned());
    }
    if let Some(name) = spec.variable
        && let Some(value) = scope.get(name)
    {
        return (Some(value), format!("var: {name}"));
    }
    if let Some(name) = spec.environment
        && let Ok(value) = std::env::var(name)
    {
        return (Some(Value::from(value)), format!("env: {name}"));
    }
    (None, "default".to_owned())
}

impl Default {
    fn value(self) -> Value {
        match self {
            Self::None => Value::None,
            Self::Bool(b) => Value::Bool(b),
            Self::Int(n) => Value::Int(n),
            Self::Text(s) => Value::str(s),
            Self::List(items) => items.iter().map(|i| Value::str(*i)).collect(),
            Self::Dict => Value::Dict(Dict::new()),
        }
    }
}

/// ansible's `ensure_type`.
fn convert(value: &Value, kind: Type) -> PyResult<Value> {
    let wrong = |what: &str| {
        let shown = to_text(value)?;
        Err(PyError::value_error(format!("Invalid type provided for \"{what}\": {shown}")))
    };
    match kind {
        Type::Bool => truth(value).map(Value::Bool),
        Type::Int => to_int(value),
        Type::Float => to_float(value).map(Value::Float),
        Type::List => match value {
            Value::Str(s) => Ok(s
                .split(',')
                .map(|part| Value::str(unquote(part.trim_matches(crate::value::text::is_space))))
                .collect()),
            other if access::is_sequence(other) => Ok(other.clone()),
            _ => wrong("list"),
        },
        Type::Dict => match value {
            other if access::is_mapping(other) => Ok(other.clone()),
            _ => wrong("dictionary"),
        },
        Type::Text => match value {
            Value::Str(_)
            | Value::Vaulted(_)
            | Value::Bool(_)
            | Value::Int(_)
            | Value::BigInt(_)
            | Value::Float(_) => Ok(Value::str(unquote(&to_text(value)?))),
            _ => wrong("string"),
        },
        Type::Any => match value {
            Value::Str(s) => match unquote(s) {
                text if text.len() == s.len() => Ok(value.clone()),
                text => Ok(Value::Str(s.derive(text))),
            },
            Value::Vaulted(_) => Ok(Value::str(unquote(&to_text(value)?))),
            other => Ok(other.clone()),
        },
    }
}

/// ansible's `boolean` where nothing is wrong: what is not true is false.
pub fn truth(value: &Value) -> PyResult<bool> {
    Ok(match value {
        Value::Bool(b) => *b,
        Value::Str(s) => {
            let text = s.to_lowercase();
            let text = text.trim_matches(crate::value::text::is_space);
            matches!(text, "y" | "yes" | "on" | "1" | "true" | "t" | "1.0")
        }
        other => {
            // Python looks it up in a set.
            ops::to_key(other.clone())?;
            ops::eq(other, &Value::Int(1))?
        }
    })
}
