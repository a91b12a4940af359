//! A task's keywords with their final values for one host (and one turn of a loop).

use std::sync::Arc;

use crate::{
    diagnostic::{Error, Kind, Result},
    event::{Event, Events},
    playbook::{
        Keyword, Level, Spanned, Task,
        keywords::{self, Inherit},
    },
    template::{RenderOptions, Templar},
    value::{Dict, Value},
};

/// Settings of the command line and the configuration that stand in for unset keywords.
#[derive(Clone, Debug, Default)]
pub struct Defaults {
    /// `-b`.
    pub r#become: bool,
    /// `--become-method`.
    pub become_method: String,
    /// `--become-user`.
    pub become_user: Option<String>,
    /// `become_exe`.
    pub become_exe: Option<String>,
    /// `become_flags`.
    pub become_flags: Option<String>,
    /// `-C`.
    pub check: bool,
    /// `-D`.
    pub diff: bool,
    /// `-c`.
    pub connection: String,
    /// `-u`.
    pub remote_user: Option<String>,
    /// `no_log` of the configuration.
    pub no_log: bool,
    /// `any_errors_fatal` of the configuration.
    pub any_errors_fatal: bool,
    /// `task_timeout`, in seconds; 0 is none.
    pub task_timeout: i64,
    /// `poll_interval`, in seconds.
    pub poll: i64,
}

/// Final values of a task's keywords.
#[derive(Clone, Debug)]
#[expect(missing_docs, reason = "each is the keyword of the same name")]
pub struct Fields {
    pub any_errors_fatal: bool,
    pub r#become: bool,
    pub become_exe: Option<String>,
    pub become_flags: Option<String>,
    pub become_method: String,
    pub become_user: Option<String>,
    pub changed_when: Vec<Value>,
    pub check_mode: bool,
    pub connection: String,
    pub debugger: Option<String>,
    pub delay: f64,
    pub delegate_facts: bool,
    pub delegate_to: Option<String>,
    pub diff: bool,
    pub environment: Dict,
    pub failed_when: Vec<Value>,
    pub ignore_errors: bool,
    pub ignore_unreachable: bool,
    pub no_log: bool,
    pub notify: Vec<String>,
    pub poll: i64,
    pub port: Option<i64>,
    pub r#async: i64,
    pub register: Option<String>,
    pub remote_user: Option<String>,
    pub retries: Option<i64>,
    pub run_once: bool,
    pub throttle: i64,
    pub timeout: i64,
    pub until: Vec<Value>,
}

/// `register`, which is no template: a number is an impossible name.
fn register(level: &Level) -> Option<String> {
    let written = level.own(Keyword::Register).filter(|s| s.value.is_true());
    written.map(|s| s.value.to_text())
}

/// The conditions of a keyword such as `when`, those of outer levels first.
pub fn conditions(level: &Level, keyword: Keyword) -> Vec<Spanned> {
    let mut all: Vec<&Spanned> = level.chain().filter_map(|l| l.own(keyword)).collect();
    all.reverse();
    all.into_iter()
        .flat_map(|s| match &s.value {
            Value::List(items) => items
                .snapshot()
                .into_iter()
                .map(|value| Spanned { value, span: s.span.clone() })
                .collect(),
            Value::None => Vec::new(),
            _ => vec![s.clone()],
        })
        .collect()
}

/// The conditions written at one level alone (`until`, `changed_when`, `failed_when`).
fn own_conditions(level: &Level, keyword: Keyword) -> Vec<Value> {
    match level.own(keyword).map(|s| &s.value) {
        None | Some(Value::None) => Vec::new(),
        Some(Value::List(items)) => items.snapshot(),
        Some(other) => vec![other.clone()],
    }
}

/// Renders and converts a task's keywords.
pub struct Resolver<'a> {
    /// The task.
    pub task: &'a Task,
    /// Its variables.
    pub templar: &'a Templar,
    /// What stands in for unset keywords.
    pub defaults: &'a Defaults,
    /// What `omit` stands for.
    pub omit: &'a str,
    /// Where warnings go.
    pub events: &'a Events,
}

impl Resolver<'_> {
    /// Every keyword's final value.
    ///
    /// # Errors
    /// A keyword whose template fails, or whose value has the wrong type; ansible's texts.
    pub fn fields(&self) -> Result<Fields> {
        let d = self.defaults;
        Ok(Fields {
            any_errors_fatal: self.bool(Keyword::AnyErrorsFatal, d.any_errors_fatal)?,
            r#become: self.bool(Keyword::Become, d.r#become)?,
            become_exe: self.text(Keyword::BecomeExe)?.or_else(|| d.become_exe.clone()),
            become_flags: self.text(Keyword::BecomeFlags)?.or_else(|| d.become_flags.clone()),
            become_method: self
                .text(Keyword::BecomeMethod)?
                .unwrap_or_else(|| d.become_method.clone()),
            become_user: self.text(Keyword::BecomeUser)?.or_else(|| d.become_user.clone()),
            changed_when: own_conditions(&self.task.level, Keyword::ChangedWhen),
            check_mode: self.bool(Keyword::CheckMode, d.check)?,
            connection: self.text(Keyword::Connection)?.unwrap_or_else(|| d.connection.clone()),
            debugger: self.debugger()?,
            delay: self.float(Keyword::Delay, 5.0)?,
            delegate_facts: self.bool(Keyword::DelegateFacts, false)?,
            delegate_to: self.text(Keyword::DelegateTo)?,
            diff: self.bool(Keyword::Diff, d.diff)?,
            environment: self.environment()?,
            failed_when: own_conditions(&self.task.level, Keyword::FailedWhen),
            ignore_errors: self.bool(Keyword::IgnoreErrors, false)?,
            ignore_unreachable: self.bool(Keyword::IgnoreUnreachable, false)?,
            no_log: self.bool(Keyword::NoLog, d.no_log)?,
            notify: self.notify()?,
            poll: self.int(Keyword::Poll)?.unwrap_or(d.poll),
            port: self.int(Keyword::Port)?,
            r#async: self.int(Keyword::Async)?.unwrap_or(0),
            register: register(&self.task.level),
            remote_user: self.text(Keyword::RemoteUser)?.or_else(|| d.remote_user.clone()),
            retries: self.int(Keyword::Retries)?,
            run_once: self.bool(Keyword::RunOnce, false)?,
            throttle: self.int(Keyword::Throttle)?.unwrap_or(0),
            timeout: self.int(Keyword::Timeout)?.unwrap_or(d.task_timeout),
            until: own_conditions(&self.task.level, Keyword::Until),
        })
    }

    /// Renders the task's name, which fails the task as any keyword does; undefined names are let
    /// through.
    pub fn check_name(&self) -> Result<()> {
        let Some(name) = self.task.level.name.as_deref() else { return Ok(()) };
        match self.templar.render(&Value::str(name), &RenderOptions::default()) {
            Err(e) if e.kind() != Kind::Undefined => Err(e),
            _ => Ok(()),
        }
    }

    /// A keyword's rendered and converted value, if it is set and not null or omitted.
    pub fn value(&self, keyword: Keyword) -> Result<Option<Value>> {
        // An import's own `async` or `retries` are not those of the tasks inside.
        let written = match keyword.info().inherit {
            Inherit::No => self.task.level.own(keyword),
            Inherit::Override | Inherit::Extend => self.task.level.inherited(keyword),
        };
        let Some(written) = written else { return Ok(None) };
        let value = self.render(keyword, written)?;
        if value.as_str() == Some(self.omit) {
            // ansible-core 2.14 `set_to_context`: what the parent has, as written, unrendered.
            let outer = self.task.level.chain().skip(1).find_map(|level| level.own(keyword));
            return Ok(outer.map(|s| s.value.clone()).filter(|v| !v.is_none()));
        }
        if value.is_none() {
            return Ok(None);
        }
        keywords::coerce(keyword, &value).map(Some).map_err(|e| {
            let why = e.message().rsplit_once("The error was: ").map(|(_, why)| why.to_owned());
            why.map_or_else(|| e.clone(), |why| self.not_convertible(keyword, written, &why))
        })
    }

    fn render(&self, keyword: Keyword, written: &Spanned) -> Result<Value> {
        self.templar.render(&written.value, &RenderOptions::default()).map_err(|e| {
            if e.kind() == Kind::Undefined {
                let text = format!(
                    "The field '{}' has an invalid value, which includes an undefined variable. \
                     The error was: {}",
                    keywords::name(keyword),
                    e.message()
                );
                self.field_error(keyword, text, e.message())
            } else if is_python_value_error(&e) {
                self.not_convertible(keyword, written, e.message())
            } else {
                // A template that fails otherwise speaks for itself, without a place.
                e
            }
        })
    }

    fn not_convertible(&self, keyword: Keyword, written: &Spanned, why: &str) -> Error {
        let takes = keyword.info().takes;
        let error = keywords::invalid(keywords::name(keyword), &written.value, takes, why);
        self.field_error(keyword, error.message().to_owned(), why)
    }

    /// An error in a keyword. Those that ansible keeps with the connection's settings don't know
    /// their place, and say why twice.
    fn field_error(&self, keyword: Keyword, text: String, why: &str) -> Error {
        let of_connection = matches!(
            keyword,
            Keyword::Become
                | Keyword::BecomeUser
                | Keyword::BecomeMethod
                | Keyword::BecomeFlags
                | Keyword::BecomeExe
                | Keyword::Connection
                | Keyword::RemoteUser
                | Keyword::NoLog
                | Keyword::CheckMode
                | Keyword::Diff
        );
        if of_connection {
            Error::new(Kind::Parser, format!("{text}. {why}"))
        } else {
            Error::new(Kind::Parser, text).at(self.task.level.span.clone())
        }
    }

    fn bool(&self, keyword: Keyword, default: bool) -> Result<bool> {
        Ok(self.value(keyword)?.map_or(default, |v| v.is_true()))
    }

    fn int(&self, keyword: Keyword) -> Result<Option<i64>> {
        Ok(match self.value(keyword)? {
            Some(Value::Int(n)) => Some(n),
            _ => None,
        })
    }

    fn float(&self, keyword: Keyword, default: f64) -> Result<f64> {
        Ok(match self.value(keyword)? {
            #[expect(clippy::cast_precision_loss, reason = "seconds, far below 2^52")]
            Some(Value::Int(n)) => n as f64,
            Some(Value::Float(f)) => f,
            _ => default,
        })
    }

    fn text(&self, keyword: Keyword) -> Result<Option<String>> {
        Ok(self.value(keyword)?.map(|v| v.to_text()))
    }

    fn debugger(&self) -> Result<Option<String>> {
        const WHEN: &[&str] = &["always", "never", "on_failed", "on_skipped", "on_unreachable"];
        let when = self.text(Keyword::Debugger)?;
        if let Some(odd) = when.as_deref().filter(|w| !WHEN.contains(w)) {
            let text = format!(
                "'{odd}' is not a valid value for debugger. Must be one of {}",
                WHEN.join(", ")
            );
            return Err(Error::new(Kind::Parser, text).at(self.task.level.span.clone()));
        }
        Ok(when)
    }

    fn notify(&self) -> Result<Vec<String>> {
        Ok(match self.value(Keyword::Notify)? {
            None => Vec::new(),
            Some(Value::List(items)) => items.read().iter().map(Value::to_text).collect(),
            Some(other) => vec![other.to_text()],
        })
    }

    /// `environment` of every level, inner ones winning.
    fn environment(&self) -> Result<Dict> {
        let all = Dict::new();
        let written: Vec<&Spanned> =
            self.task.level.chain().filter_map(|l| l.own(Keyword::Environment)).collect();
        for level in written.into_iter().rev() {
            let parts = match &level.value {
                Value::List(items) => items.snapshot(),
                other => vec![other.clone()],
            };
            for part in parts {
                self.environment_part(&part, level, &all)?;
            }
        }
        Ok(all)
    }

    fn environment_part(&self, part: &Value, level: &Spanned, all: &Dict) -> Result<()> {
        let written = match part {
            Value::None => return Ok(()),
            Value::Dict(written) => written,
            whole => {
                let place = Spanned { value: whole.clone(), ..level.clone() };
                match self.render(Keyword::Environment, &place)? {
                    Value::Dict(more) => all.write().extend(more.snapshot()),
                    _ => {
                        let shown = match &level.value {
                            Value::List(_) => level.value.to_text(),
                            one => [one.clone()].into_iter().collect::<Value>().to_text(),
                        };
                        let text = format!("could not parse environment value, skipping: {shown}");
                        self.events.send(Event::Warning(text));
                    }
                }
                return Ok(());
            }
        };
        for (name, value) in written.snapshot() {
            match self.templar.render(&value, &RenderOptions::default()) {
                Ok(value) => drop(all.write().insert(name, value)),
                // The facts of the environment are gathered with it.
                Err(e) if e.kind() == Kind::Undefined && self.needs_its_facts(&e) => {}
                Err(_) => {
                    let place = Spanned { value, ..level.clone() };
                    self.render(Keyword::Environment, &place)?;
                }
            }
        }
        Ok(())
    }

    fn needs_its_facts(&self, error: &Error) -> bool {
        let gathers = matches!(
            self.task.action.name.as_str(),
            "ansible.builtin.setup" | "ansible.builtin.gather_facts"
        );
        let text = error.message();
        gathers && text.contains("ansible_facts.env") || text.contains("ansible_env")
    }
}

/// Whether ansible would have met a bare `ValueError` or `TypeError` of Python's, which it takes
/// for a value of the wrong type.
pub(super) fn is_python_value_error(error: &Error) -> bool {
    matches!(
        error.class(),
        Some(
            "ValueError"
                | "TypeError"
                | "UnicodeDecodeError"
                | "UnicodeEncodeError"
                | "binascii.Error"
                | "json.decoder.JSONDecodeError"
        )
    )
}

/// The exception as Python names it in a traceback, if ansible would not have expected this error.
pub(super) fn python_exception(error: &Error) -> Option<String> {
    let class = error.class()?;
    if class.starts_with("ansible.") || class.starts_with("jinja2.") {
        return None;
    }
    Some(format!("{class}: {}", error.message()))
}

/// What the driver must know of a task once it has a result, whether or not its keywords could all
/// be resolved.
#[derive(Clone, Debug, Default)]
#[expect(missing_docs, reason = "each is the keyword of the same name")]
pub struct AfterFields {
    pub register: Option<String>,
    pub ignore_errors: bool,
    pub ignore_unreachable: bool,
    pub run_once: bool,
    pub diff: bool,
    pub no_log: bool,
    pub delegate_to: Option<String>,
    pub delegate_facts: bool,
    pub debugger: Option<String>,
}

impl AfterFields {
    /// From resolved fields.
    pub fn of(fields: &Fields) -> Self {
        Self {
            register: fields.register.clone(),
            ignore_errors: fields.ignore_errors,
            ignore_unreachable: fields.ignore_unreachable,
            run_once: fields.run_once,
            diff: fields.diff,
            no_log: fields.no_log,
            delegate_to: fields.delegate_to.clone(),
            delegate_facts: fields.delegate_facts,
            debugger: fields.debugger.clone(),
        }
    }

    /// For a task that ended before its keywords were resolved: what can be told all the same.
    ///
    /// ansible-core 2.14 looks at the keywords as written then, so that a template counts as true.
    pub fn as_written(task: &Arc<Task>, defaults: &Defaults) -> Self {
        let level = &task.level;
        let truth = |k, default| match level.inherited(k).map(|s| &s.value) {
            None | Some(Value::None) => default,
            Some(v) => keywords::coerce(k, v).map_or_else(|_| v.is_true(), |v| v.is_true()),
        };
        Self {
            register: register(level),
            ignore_errors: truth(Keyword::IgnoreErrors, false),
            ignore_unreachable: truth(Keyword::IgnoreUnreachable, false),
            run_once: truth(Keyword::RunOnce, false),
            diff: truth(Keyword::Diff, defaults.diff),
            no_log: truth(Keyword::NoLog, defaults.no_log),
            delegate_to: level.inherited(Keyword::DelegateTo).map(|s| s.value.to_text()),
            delegate_facts: truth(Keyword::DelegateFacts, false),
            debugger: level.inherited(Keyword::Debugger).map(|s| s.value.to_text()),
        }
    }
}
