//! The one table of keywords: what each takes, where it may stand, how it is inherited, and how its
//! rendered value becomes what it must be.

use std::{collections::HashMap, sync::OnceLock};

use super::{Keyword, Level, Spanned, python};
use crate::{
    diagnostic::{Error, Kind as ErrorKind, Result},
    value::{Dict, Value, types},
};

/// What a keyword's value is turned into, once rendered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Type {
    /// Text.
    String,
    /// An integer.
    Int,
    /// A boolean.
    Bool,
    /// A number, `%` allowed.
    Percent,
    /// A list; a single value becomes a list of one.
    List,
    /// A list of text.
    Strings,
    /// A list of text and integers.
    Tags,
    /// A dict.
    Dict,
    /// `loop_control`'s own fields.
    LoopControl,
    /// Anything.
    Any,
}

impl Type {
    /// The type's name in error texts.
    pub fn name(self) -> &'static str {
        match self {
            Self::String => "string",
            Self::Int => "int",
            Self::Bool => "bool",
            Self::Percent => "percent",
            Self::List | Self::Strings | Self::Tags => "list",
            Self::Dict => "dict",
            Self::LoopControl => "class",
            Self::Any => "None",
        }
    }
}

/// How a level sees the values of those around it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Inherit {
    /// Not at all.
    No,
    /// The innermost wins.
    Override,
    /// All count.
    Extend,
}

/// Something that keywords are written in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Place {
    /// A play.
    Play = 1,
    /// An entry of `roles:` or of a role's dependencies.
    Role = 2,
    /// A block.
    Block = 4,
    /// A task.
    Task = 8,
    /// A handler.
    Handler = 16,
    /// `import_playbook`.
    ImportPlaybook = 32,
    /// A role's `meta/main.yml`.
    Meta = 64,
}

/// A keyword's row in the table.
#[derive(Clone, Copy, Debug)]
pub struct Info {
    /// The keyword.
    pub keyword: Keyword,
    /// Its name.
    pub name: &'static str,
    /// Another name for it.
    pub alias: Option<&'static str>,
    /// What it takes.
    pub takes: Type,
    places: u8,
    /// How it is inherited.
    pub inherit: Inherit,
    /// Never rendered.
    pub fixed: bool,
    /// Must be given.
    pub required: bool,
}

const P: u8 = Place::Play as u8;
const R: u8 = Place::Role as u8;
const B: u8 = Place::Block as u8;
const T: u8 = Place::Task as u8 | Place::Handler as u8;
const H: u8 = Place::Handler as u8;
const I: u8 = Place::ImportPlaybook as u8;
const M: u8 = Place::Meta as u8;
const ALL: u8 = P | R | B | T | I | M;

const fn row(
    keyword: Keyword,
    name: &'static str,
    takes: Type,
    places: u8,
    inherit: Inherit,
) -> Info {
    Info { keyword, name, alias: None, takes, places, inherit, fixed: false, required: false }
}

const fn fixed(info: Info) -> Info {
    Info { fixed: true, ..info }
}

const fn aliased(info: Info, alias: &'static str) -> Info {
    Info { alias: Some(alias), ..info }
}

/// Every keyword, in the order of [`Keyword`].
pub static TABLE: &[Info] = {
    use Inherit::{Extend, No, Override};
    use Keyword as K;
    &[
        row(K::Action, "action", Type::String, T, No),
        row(K::AllowDuplicates, "allow_duplicates", Type::Bool, M, No),
        row(K::AnyErrorsFatal, "any_errors_fatal", Type::Bool, ALL, Override),
        row(K::Args, "args", Type::Dict, T, No),
        aliased(row(K::Async, "async", Type::Int, T, No), "async_val"),
        row(K::Become, "become", Type::Bool, ALL, Override),
        row(K::BecomeExe, "become_exe", Type::String, ALL, Override),
        row(K::BecomeFlags, "become_flags", Type::String, ALL, Override),
        row(K::BecomeMethod, "become_method", Type::String, ALL, Override),
        row(K::BecomeUser, "become_user", Type::String, ALL, Override),
        row(K::Block, "block", Type::List, B, No),
        row(K::ChangedWhen, "changed_when", Type::List, T, No),
        row(K::CheckMode, "check_mode", Type::Bool, ALL, Override),
        fixed(row(K::Collections, "collections", Type::Strings, P | R | B | T | M, Override)),
        row(K::Connection, "connection", Type::String, ALL, Override),
        row(K::Debugger, "debugger", Type::String, ALL, Override),
        row(K::Delay, "delay", Type::Int, T, No),
        row(K::DelegateFacts, "delegate_facts", Type::Bool, R | B | T, Override),
        row(K::DelegateTo, "delegate_to", Type::String, R | B | T, Override),
        row(K::Diff, "diff", Type::Bool, ALL, Override),
        row(K::Environment, "environment", Type::List, ALL, Extend),
        row(K::FactPath, "fact_path", Type::String, P, No),
        row(K::FailedWhen, "failed_when", Type::List, T, No),
        row(K::ForceHandlers, "force_handlers", Type::Bool, P, No),
        row(K::GatherFacts, "gather_facts", Type::Bool, P, No),
        row(K::GatherSubset, "gather_subset", Type::Strings, P, No),
        row(K::GatherTimeout, "gather_timeout", Type::Int, P, No),
        row(K::Handlers, "handlers", Type::List, P, No),
        Info { required: true, ..row(K::Hosts, "hosts", Type::Strings, P, No) },
        row(K::IgnoreErrors, "ignore_errors", Type::Bool, ALL, Override),
        row(K::IgnoreUnreachable, "ignore_unreachable", Type::Bool, ALL, Override),
        fixed(row(K::Listen, "listen", Type::Strings, H, No)),
        row(K::LocalAction, "local_action", Type::Any, T, No),
        row(K::Loop, "loop", Type::Any, T, No),
        row(K::LoopControl, "loop_control", Type::LoopControl, T, No),
        row(K::MaxFailPercentage, "max_fail_percentage", Type::Percent, P, No),
        row(K::ModuleDefaults, "module_defaults", Type::List, ALL, Extend),
        row(K::Name, "name", Type::String, ALL, No),
        row(K::NoLog, "no_log", Type::Bool, ALL, Override),
        row(K::Notify, "notify", Type::List, B | T, Override),
        row(K::Order, "order", Type::String, P, No),
        row(K::Poll, "poll", Type::Int, T, No),
        row(K::Port, "port", Type::Int, ALL, Override),
        row(K::PostTasks, "post_tasks", Type::List, P, No),
        row(K::PreTasks, "pre_tasks", Type::List, P, No),
        fixed(row(K::Register, "register", Type::String, T, No)),
        row(K::RemoteUser, "remote_user", Type::String, ALL, Override),
        row(K::Rescue, "rescue", Type::List, B, No),
        row(K::Always, "always", Type::List, B, No),
        row(K::Retries, "retries", Type::Int, T, No),
        row(K::Roles, "roles", Type::List, P, No),
        row(K::RunOnce, "run_once", Type::Bool, ALL, Override),
        row(K::Serial, "serial", Type::List, P, No),
        row(K::Strategy, "strategy", Type::String, P, No),
        row(K::Tags, "tags", Type::Tags, P | R | B | T | I, Extend),
        row(K::Tasks, "tasks", Type::List, P, No),
        row(K::Throttle, "throttle", Type::Int, ALL, Override),
        row(K::Timeout, "timeout", Type::Int, ALL, Override),
        row(K::Until, "until", Type::List, T, No),
        fixed(row(K::Vars, "vars", Type::Dict, ALL, No)),
        row(K::VarsFiles, "vars_files", Type::List, P, No),
        row(K::VarsPrompt, "vars_prompt", Type::List, P, No),
        row(K::When, "when", Type::List, R | B | T | I, Extend),
    ]
};

impl Info {
    /// Whether the keyword may stand in `place`.
    pub fn allowed_in(&self, place: Place) -> bool {
        self.places & place as u8 != 0
    }
}

impl Keyword {
    /// Its row in the table.
    pub fn info(self) -> &'static Info {
        // A test keeps the table in the order of the enum.
        &TABLE[self as usize]
    }

    /// Its name.
    pub fn name(self) -> &'static str {
        self.info().name
    }

    /// The keyword called `name`.
    pub fn from_name(name: &str) -> Option<Self> {
        // Every key of every task is asked for, several times.
        static NAMES: OnceLock<HashMap<&str, Keyword>> = OnceLock::new();
        let names = NAMES.get_or_init(|| {
            let mut names = HashMap::new();
            for info in TABLE {
                for known in info.alias.into_iter().chain([info.name]) {
                    names.entry(known).or_insert(info.keyword);
                }
            }
            names
        });
        names.get(name).copied()
    }

    /// The keyword called `name`, if it may stand in `place`.
    pub fn allowed(name: &str, place: Place) -> Option<Self> {
        Self::from_name(name).filter(|k| k.info().allowed_in(place))
    }

    /// The keyword of `place` that is most like `name`, for people who mistyped one.
    pub fn similar(name: &str, place: Place) -> Option<&'static str> {
        let here = TABLE.iter().filter(|info| info.allowed_in(place)).map(|info| info.name);
        crate::diagnostic::similar(name, here)
    }
}

impl Level {
    /// All values of a keyword that extends, outermost first.
    pub fn extended(&self, keyword: Keyword) -> Vec<&Spanned> {
        let mut found: Vec<_> = self.chain().filter_map(|l| l.own(keyword)).collect();
        found.reverse();
        found
    }

    /// The values in force, by the keyword's own way of inheriting, outermost first.
    pub fn effective(&self, keyword: Keyword) -> Vec<&Spanned> {
        match keyword.info().inherit {
            Inherit::No => self.own(keyword).into_iter().collect(),
            Inherit::Override => self.inherited(keyword).into_iter().collect(),
            Inherit::Extend => self.extended(keyword),
        }
    }
}

/// Whether a variable of this name is likely to be a keyword gone astray.
pub fn is_reserved(name: &str) -> bool {
    let inner = ["async_val", "local_action", "loop_with", "with_"];
    inner.contains(&name) || (Keyword::from_name(name).is_some() && name != "vars")
}

/// The name of a keyword.
pub fn name(keyword: Keyword) -> &'static str {
    keyword.info().name
}

/// `value` as a boolean, in ansible's way; the error is ansible's.
pub fn to_int(value: &Value) -> Result<i64> {
    match python::int(value) {
        Ok(Value::Int(n)) => Ok(n),
        Ok(other) => Err(Error::new(
            crate::diagnostic::Kind::Action,
            format!("{} is too large", python::text(&other)),
        )),
        Err(why) => Err(Error::new(crate::diagnostic::Kind::Action, why)),
    }
}

/// A float as Python's `float()` reads it, outside keywords.
pub fn to_float(value: &Value) -> Result<f64> {
    python::float(value).map_err(|why| Error::new(crate::diagnostic::Kind::Action, why))
}

/// A boolean outside keywords.
pub fn to_bool(value: &Value) -> Result<bool> {
    boolean(value).map_err(|why| Error::new(ErrorKind::User, why))
}

/// Makes of a rendered value what the keyword takes, or says why that cannot be.
pub fn coerce(keyword: Keyword, value: &Value) -> Result<Value> {
    let info = keyword.info();
    as_type(info.name, info.takes, info.required, value)
}

/// Makes a value of type `takes` for the field `name`.
pub fn as_type(name: &str, takes: Type, required: bool, value: &Value) -> Result<Value> {
    if value.is_none() && !matches!(takes, Type::List | Type::Strings | Type::Tags | Type::Dict) {
        return Ok(Value::None);
    }
    // What can't be decrypted is told as that.
    let decrypted = match (value, takes) {
        (Value::Vaulted(v), Type::Bool) => Some(Value::str(v.plain()?)),
        _ => None,
    };
    let converted = match takes {
        Type::String => Ok(match value {
            Value::Str(_) => value.clone(),
            other => Value::str(python::text(other)),
        }),
        Type::Int => python::int(value),
        Type::Bool => boolean(decrypted.as_ref().unwrap_or(value)).map(Value::Bool),
        Type::Percent => percent(value).map(Value::Float),
        Type::List => Ok(list(value)),
        Type::Strings | Type::Tags => return list_of(name, takes, required, value),
        Type::Dict => match value {
            Value::None => Ok(Value::Dict(Dict::new())),
            Value::Dict(_) => Ok(value.clone()),
            other => Err(format!("{} is not a dictionary", python::text(other))),
        },
        Type::LoopControl | Type::Any => Ok(value.clone()),
    };
    converted.map_err(|why| invalid(name, value, takes, &why))
}

/// The error of a value that cannot become what its field takes.
pub fn invalid(name: &str, value: &Value, takes: Type, why: &str) -> Error {
    Error::new(
        ErrorKind::Parser,
        format!(
            "the field '{name}' has an invalid value ({}), and could not be converted to an {}.\
             The error was: {why}",
            python::text(value),
            takes.name()
        ),
    )
}

/// Python's words for true and false, as ansible takes them.
pub fn boolean(value: &Value) -> Result<bool, String> {
    let known = match value {
        Value::Bool(b) => Some(*b),
        Value::Int(1) => Some(true),
        Value::Int(0) => Some(false),
        Value::Float(f) if *f == 1.0 => Some(true),
        Value::Float(f) if *f == 0.0 => Some(false),
        Value::Str(s) => match s.trim().to_lowercase().as_str() {
            "y" | "yes" | "on" | "1" | "true" | "t" => Some(true),
            "n" | "no" | "off" | "0" | "false" | "f" => Some(false),
            _ => None,
        },
        Value::List(_) | Value::Dict(_) => {
            return Err(format!("unhashable type: '{}'", types::type_name(value)));
        }
        _ => None,
    };
    known.ok_or_else(|| {
        format!(
            "The value '{}' is not a valid boolean.  Valid booleans include: \
             1, 0, '1', '0', 'y', 'n', 'yes', 'no', 'on', 'off', 't', 'f', 'true', 'false'",
            python::text(value)
        )
    })
}

fn percent(value: &Value) -> Result<f64, String> {
    match value {
        Value::Str(s) if s.contains('%') => python::float(&Value::str(s.replace('%', ""))),
        other => python::float(other),
    }
}

fn list(value: &Value) -> Value {
    match value {
        Value::None => Value::list(Vec::new()),
        Value::List(_) => value.clone(),
        other => Value::list(vec![other.clone()]),
    }
}

fn list_of(name: &str, takes: Type, required: bool, value: &Value) -> Result<Value> {
    let (allowed, ints) = match takes {
        Type::Tags => ("((<class 'str'>,), <class 'int'>)", true),
        _ => ("(<class 'str'>,)", false),
    };
    let value = list(value);
    for item in value.as_list().map(crate::value::List::snapshot).unwrap_or_default() {
        let fits = match &item {
            Value::Str(_) => true,
            Value::Int(_) | Value::Bool(_) | Value::BigInt(_) => ints,
            _ => false,
        };
        if !fits {
            return Err(Error::new(
                ErrorKind::Parser,
                format!(
                    "the field '{name}' should be a list of {allowed}, but the item '{}' is a {}",
                    python::text(&item),
                    python::class(&item)
                ),
            ));
        }
        if required && item.as_str().is_some_and(|s| s.trim().is_empty()) {
            return Err(Error::new(
                ErrorKind::Parser,
                format!("the field '{name}' is required, and cannot have empty values"),
            ));
        }
    }
    Ok(value)
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a failed test may panic")]
mod tests {
    use super::*;

    #[test]
    fn the_table_is_in_the_order_of_the_enum() {
        for (at, info) in TABLE.iter().enumerate() {
            assert_eq!(info.keyword as usize, at, "{}", info.name);
        }
        assert_eq!(Keyword::When as usize + 1, TABLE.len());
    }

    #[test]
    fn values_become_what_their_keyword_takes() {
        let yes = coerce(Keyword::Become, &Value::from(" Yes ")).unwrap();
        assert!(matches!(yes, Value::Bool(true)));
        assert!(matches!(coerce(Keyword::Retries, &Value::from("7")).unwrap(), Value::Int(7)));
        assert!(matches!(
            coerce(Keyword::MaxFailPercentage, &Value::from("30%")).unwrap(),
            Value::Float(f) if f == 30.0
        ));
        assert!(coerce(Keyword::Port, &Value::None).unwrap().is_none());
        assert_eq!(coerce(Keyword::Serial, &Value::from("2")).unwrap().as_list().unwrap().len(), 1);
    }

    #[test]
    fn wrong_values_are_told_as_ansible_tells_them() {
        let error = coerce(Keyword::Retries, &Value::from("many")).unwrap_err();
        assert_eq!(
            error.message(),
            "the field 'retries' has an invalid value (many), and could not be converted to an \
             int.The error was: invalid literal for int() with base 10: 'many'"
        );
        let error = coerce(Keyword::Become, &Value::from("maybe")).unwrap_err();
        assert!(error.message().starts_with(
            "the field 'become' has an invalid value (maybe), and could not be converted to an \
             bool.The error was: The value 'maybe' is not a valid boolean."
        ));
        let error = coerce(Keyword::Hosts, &Value::list(vec![Value::from(3)])).unwrap_err();
        assert_eq!(
            error.message(),
            "the field 'hosts' should be a list of (<class 'str'>,), but the item '3' is a \
             <class 'int'>"
        );
    }
}
