//! What a task came to on one host.

use super::verdict::Verdict;
use crate::{
    event::Delegated,
    value::{Dict, List, Value},
};

/// A dynamic include's wish, carried out by the driver once every host has answered.
#[derive(Clone, Debug)]
pub struct IncludeWish {
    /// The file as rendered; `None` for `include_role`.
    pub file: Option<String>,
    /// The include's own arguments.
    pub args: Dict,
    /// Loop variables of the turn that included it.
    pub locals: Dict,
    /// The label of that turn.
    pub item_label: Option<Value>,
}

/// What a result asks of the engine, beside the data that people see.
#[derive(Clone, Debug, Default)]
pub struct Control {
    /// Hide everything about it.
    pub no_log: bool,
    /// Handlers to notify if it changed something.
    pub notify: Vec<String>,
    /// Where it ran, if delegated.
    pub delegated: Option<Delegated>,
    /// It ran here after all: its `delegate_to` was omitted.
    pub stayed: bool,
    /// A loop turn's label.
    pub item_label: Option<Value>,
    /// Always show the whole result.
    pub verbose_always: bool,
    /// Never show the whole result.
    pub verbose_never: bool,
    /// An include to carry out.
    pub include: Option<IncludeWish>,
    /// A host to add: the arguments of `add_host`.
    pub add_host: Option<Dict>,
    /// A group to make: its name and its parents.
    pub add_group: Option<(String, Vec<String>)>,
    /// What to ask again once the inventory was changed.
    pub verdict: Option<Verdict>,
    /// `set_fact` with `cacheable`.
    pub facts_cacheable: bool,
    /// Facts are variables set by `set_fact`, not facts of the host.
    pub set_fact: bool,
    /// `include_vars`.
    pub include_vars: bool,
    /// `ignore_errors` as it stood for a loop's turn.
    pub ignore_errors: bool,
}

/// A task's result: the dictionary that `register` stores, and what it asks of the engine.
#[derive(Clone, Debug, Default)]
pub struct TaskResult {
    /// ansible's result dictionary, without internal keys.
    pub data: Dict,
    /// What it asks of the engine.
    pub control: Control,
    /// A loop's turns: the control part of each entry of `data.results`.
    pub items: Vec<Control>,
}

impl TaskResult {
    /// A result of these entries.
    pub fn of<const N: usize>(entries: [(&str, Value); N]) -> Self {
        Self { data: entries.into_iter().collect(), ..Self::default() }
    }

    /// A failure that says `message`.
    pub fn failed(message: impl Into<String>) -> Self {
        Self::of([("failed", true.into()), ("msg", Value::unsafe_str(message.into()))])
    }

    /// A result from a finished dictionary.
    pub fn from_data(data: Dict) -> Self {
        Self { data, ..Self::default() }
    }

    fn flag(data: &Dict, key: &str) -> bool {
        data.get(key).is_some_and(|v| v.is_true())
    }

    fn turns(&self) -> Option<List> {
        match self.data.get("results") {
            Some(Value::List(items)) => Some(items),
            _ => None,
        }
    }

    /// A key of the result, or of any turn of its loop if the result itself lacks it.
    fn checked(&self, key: &str) -> bool {
        if self.data.contains(key) {
            return Self::flag(&self.data, key);
        }
        self.turns().is_some_and(|items| {
            items.read().iter().any(|i| i.as_dict().is_some_and(|d| Self::flag(d, key)))
        })
    }

    /// Whether it changed something.
    pub fn is_changed(&self) -> bool {
        self.checked("changed")
    }

    /// Whether it was skipped; a loop only if every turn was.
    pub fn is_skipped(&self) -> bool {
        if let Some(items) = self.turns() {
            let items = items.read();
            if !items.is_empty()
                && items.iter().all(|i| i.as_dict().is_some_and(|d| Self::flag(d, "skipped")))
            {
                return true;
            }
        }
        Self::flag(&self.data, "skipped")
    }

    /// Whether it failed; `failed_when` has the last word.
    pub fn is_failed(&self) -> bool {
        let key = "failed_when_result";
        let in_turn = self.turns().is_some_and(|items| {
            items.read().iter().any(|i| i.as_dict().is_some_and(|d| d.contains(key)))
        });
        if self.data.contains(key) || in_turn {
            return self.checked(key);
        }
        self.checked("failed")
    }

    /// Whether the host could not be reached.
    pub fn is_unreachable(&self) -> bool {
        self.checked("unreachable")
    }
}
