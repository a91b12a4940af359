//! How filters of `ansible.utils` look at what they are given: as modules look at their arguments.

use crate::template::CallArgs;
use crate::value::{
    PyError, PyResult, Value,
    ops::settle,
    repr::{repr, to_text},
    types::class_repr,
};

/// What an argument becomes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Raw,
    Str,
    Int,
    Bool,
    List,
    /// A list of texts.
    Texts,
}

impl Kind {
    fn name(self) -> &'static str {
        match self {
            Self::Raw => "raw",
            Self::Str => "str",
            Self::Int => "int",
            Self::Bool => "bool",
            Self::List | Self::Texts => "list",
        }
    }

    /// The value as this kind, or why it can't be.
    fn convert(self, value: &Value) -> PyResult<Result<Value, String>> {
        let value = settle(value)?.into_owned();
        let refused =
            |what: &str| Ok(Err(format!("{} cannot be converted to {what}", class_repr(&value))));
        Ok(Ok(match (self, &value) {
            (Self::Raw, _)
            | (Self::Str, Value::Str(_))
            | (Self::Bool, Value::Bool(_))
            | (Self::Int, Value::Int(_) | Value::BigInt(_) | Value::Bool(_))
            | (Self::List, Value::List(_)) => value,
            (Self::Str, _) => Value::from(to_text(&value)?),
            (Self::Int, Value::Str(s)) => match s.trim().replace('_', "").parse() {
                Ok(n) => Value::Int(n),
                Err(_) => return refused("an int"),
            },
            (Self::Int, _) => return refused("an int"),
            (Self::Bool, Value::Str(_) | Value::Int(_) | Value::Float(_)) => {
                return Ok(boolean(&to_text(&value)?).map(Value::Bool));
            }
            (Self::Bool, _) => return refused("a bool"),
            (Self::Texts, Value::List(items)) => {
                let texts = items.snapshot();
                let texts = texts.iter().map(|item| match item {
                    Value::Str(_) => Ok(item.clone()),
                    other => to_text(other).map(Value::from),
                });
                Value::list(texts.collect::<PyResult<Vec<_>>>()?)
            }
            (Self::List | Self::Texts, Value::Str(s)) => {
                s.split(',').map(|part| Value::Str(s.derive(part))).collect()
            }
            (
                Self::List | Self::Texts,
                Value::Int(_) | Value::BigInt(_) | Value::Float(_) | Value::Bool(_),
            ) => Value::list(vec![Value::from(to_text(&value)?)]),
            (Self::List | Self::Texts, _) => return refused("a list"),
        }))
    }
}

fn boolean(text: &str) -> Result<bool, String> {
    let data = vmstation_host::data::Data::String(text.to_owned());
    vmstation_host::spec::boolean(&data)
}

/// An argument that a filter takes.
pub(super) struct Opt {
    name: &'static str,
    kind: Kind,
    required: bool,
    /// Whether it has a value of its own, so that `none` is taken for text.
    default: bool,
    choices: &'static [&'static str],
}

/// An argument that may be left out.
pub(super) const fn optional(name: &'static str, kind: Kind) -> Opt {
    Opt { name, kind, required: false, default: false, choices: &[] }
}

impl Opt {
    /// The same, of which there has to be one.
    pub const fn required(self) -> Self {
        Self { required: true, ..self }
    }

    /// The same with a value that is taken if there is none.
    pub const fn with_default(self) -> Self {
        Self { default: true, ..self }
    }

    /// The same, one of these words.
    pub const fn one_of(self, choices: &'static [&'static str]) -> Self {
        Self { choices, ..self }
    }
}

/// The filtered value, called `name`, and the arguments, as what the filter says they are.
pub(super) fn checked<const N: usize>(
    value: Value,
    args: CallArgs,
    (name, kind): (&'static str, Kind),
    options: [Opt; N],
) -> PyResult<(Value, [Option<Value>; N])> {
    let mut first = Some(value);
    let mut given = [const { None }; N];
    for (slot, value) in given.iter_mut().zip(args.positional) {
        *slot = Some(value);
    }
    let mut unknown = Vec::new();
    for (keyword, value) in args.keyword {
        match options.iter().position(|o| o.name == keyword) {
            Some(i) => given[i] = Some(value),
            None if keyword == name => first = Some(value),
            None => unknown.push(keyword),
        }
    }
    first.iter().chain(given.iter().flatten()).try_for_each(defined)?;
    let of_value = optional(name, kind).required();
    let mut errors = Vec::new();
    let missing = options.iter().zip(&given).filter(|(o, value)| o.required && value.is_none());
    let mut missing: Vec<&str> = missing.map(|(o, _)| o.name).collect();
    missing.sort_unstable();
    if !missing.is_empty() {
        errors.push(format!("missing required arguments: {}", missing.join(", ")));
    }
    converted(&of_value, &mut first, &mut errors)?;
    for (option, slot) in options.iter().zip(&mut given) {
        converted(option, slot, &mut errors)?;
    }
    for (option, value) in options.iter().zip(&given) {
        let Some(value) = value else { continue };
        let is_one = value.as_str().is_some_and(|text| option.choices.contains(&text));
        if !option.choices.is_empty() && !is_one {
            errors.push(format!(
                "value of {} must be one of: {}, got: {}",
                option.name,
                option.choices.join(", "),
                to_text(value)?
            ));
        }
    }
    if !unknown.is_empty() {
        unknown.sort_unstable();
        let mut known: Vec<&str> = options.iter().map(|o| o.name).chain([name]).collect();
        known.sort_unstable();
        errors.push(format!(
            "{}. Supported parameters include: {}.",
            unknown.join(", "),
            known.join(", ")
        ));
    }
    if errors.is_empty() {
        return Ok((first.unwrap_or(Value::None), given));
    }
    Err(PyError::filter(repr(&errors.into_iter().map(Value::from).collect())?))
}

fn converted(option: &Opt, slot: &mut Option<Value>, errors: &mut Vec<String>) -> PyResult<()> {
    let Some(value) = slot else { return Ok(()) };
    if value.is_none() && !option.required && !option.default {
        return Ok(());
    }
    match option.kind.convert(value)? {
        Ok(made) => *value = made,
        Err(why) => errors.push(format!(
            "argument '{}' is of type {} and we were unable to convert to {}: {why}",
            option.name,
            class_repr(value),
            option.kind.name()
        )),
    }
    Ok(())
}

/// Everything is copied first, at which undefined values fail.
fn defined(value: &Value) -> PyResult<()> {
    match value {
        Value::Undefined(u) => Err(PyError::undefined(u)),
        Value::List(l) => l.snapshot().iter().try_for_each(defined),
        Value::Tuple(t) => t.iter().try_for_each(defined),
        Value::Dict(d) => d.snapshot().iter().try_for_each(|(_, v)| defined(v)),
        _ => Ok(()),
    }
}
