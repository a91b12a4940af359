//! Loops: what a task repeats over, what each turn sees, and how turns become one result.

use std::sync::Arc;

use indexmap::IndexMap;

use super::{Control, TaskResult};
use crate::{
    diagnostic::{Error, Kind, Result, ansible_text},
    playbook::{Keyword, Task, keywords, load::is_variable_name},
    template::{RenderOptions, Scope, Templar},
    value::{Dict, Value},
};

/// The items of a task's loop, or `None` if it has none.
///
/// # Errors
/// Undefined variables in the terms (kind `Undefined`), a failing lookup, or something that is no
/// list.
pub async fn items(task: &Task, templar: &Templar) -> Result<Option<Vec<Value>>> {
    let Some(looped) = &task.looped else { return Ok(None) };
    let terms = &looped.terms.value;
    let Some(lookup) = &looped.lookup else {
        return match templar.render(terms, &RenderOptions::default())? {
            Value::List(items) => Ok(Some(items.snapshot())),
            other => Err(Error::new(
                Kind::Action,
                format!(
                    "Invalid data passed to 'loop', it requires a list, got this instead: {}. \
                     Hint: If you passed a list/dict of just one element, try adding \
                     wantlist=True to your lookup invocation or use q/query instead of lookup.",
                    other.to_text()
                ),
            )),
        };
    };
    let items = templar.loop_lookup(lookup, terms, &task.action.name)?;
    Ok(Some(items.into_iter().map(Value::into_unsafe).collect()))
}

/// `loop_control`, rendered.
#[derive(Clone, Debug)]
pub struct LoopControl {
    /// The name of the loop variable.
    pub loop_var: String,
    /// The name under which the turn's number is found.
    pub index_var: Option<String>,
    /// The label, as written.
    pub label: Option<Value>,
    /// Seconds between turns.
    pub pause: f64,
    /// Whether `ansible_loop` is set.
    pub extended: bool,
    /// Whether `ansible_loop.allitems` is set.
    pub all_items: bool,
}

impl LoopControl {
    /// Reads a task's `loop_control`.
    pub fn resolve(task: &Task, templar: &Templar) -> Result<Self> {
        let written = match task.level.own(Keyword::LoopControl).map(|s| &s.value) {
            Some(Value::Dict(d)) => d.clone(),
            _ => Dict::new(),
        };
        let get = |name: &str| -> Result<Option<Value>> {
            match written.get(name) {
                None | Some(Value::None) => Ok(None),
                Some(v) => templar.render(&v, &RenderOptions::default()).map(Some),
            }
        };
        let truth = |v: Option<Value>, default| -> Result<bool> {
            v.map_or(Ok(default), |v| keywords::to_bool(&v))
        };
        Ok(Self {
            loop_var: get("loop_var")?.map_or_else(|| "item".to_owned(), |v| v.to_text()),
            index_var: get("index_var")?.map(|v| v.to_text()),
            // An empty label is no label.
            label: written.get("label").filter(|v| v.is_true()),
            pause: get("pause")?.map_or(Ok(0.0), |v| keywords::to_float(&v))?,
            extended: truth(get("extended")?, false)?,
            all_items: truth(get("extended_allitems")?, true)?,
        })
    }

    /// The names that a turn sees.
    pub fn bind(&self, names: &mut IndexMap<Arc<str>, Value>, items: &[Value], index: usize) {
        names.insert("ansible_loop_var".into(), Value::str(self.loop_var.as_str()));
        names.insert(self.loop_var.as_str().into(), items[index].clone());
        if let Some(index_var) = &self.index_var {
            names.insert("ansible_index_var".into(), Value::str(index_var.as_str()));
            names.insert(index_var.as_str().into(), int(index));
        }
        if self.extended {
            names.insert("ansible_loop".into(), self.extended(items, index));
        }
    }

    fn extended(&self, items: &[Value], index: usize) -> Value {
        let n = items.len();
        let d: Dict = [
            ("index", int(index + 1)),
            ("index0", int(index)),
            ("first", (index == 0).into()),
            ("last", (index + 1 == n).into()),
            ("length", int(n)),
            ("revindex", int(n - index)),
            ("revindex0", int(n - index - 1)),
        ]
        .into_iter()
        .collect();
        if self.all_items {
            d.insert("allitems", items.to_vec());
        }
        if let Some(next) = items.get(index + 1) {
            d.insert("nextitem", next.clone());
        }
        if let Some(previous) = index.checked_sub(1).and_then(|i| items.get(i)) {
            d.insert("previtem", previous.clone());
        }
        Value::Dict(d)
    }

    /// Adds the turn's item, number and label to its result.
    pub fn label(
        &self,
        result: &mut TaskResult,
        item: &Value,
        index: usize,
        scope: &Arc<dyn Scope>,
        templar: &Templar,
    ) {
        let data = &result.data;
        data.insert(self.loop_var.as_str(), item.clone());
        data.insert("ansible_loop_var", self.loop_var.as_str());
        let locals = Dict::new();
        locals.insert(self.loop_var.as_str(), item.clone());
        if let Some(index_var) = &self.index_var {
            data.insert(index_var.as_str(), int(index));
            data.insert("ansible_index_var", index_var.as_str());
            locals.insert(index_var.as_str(), int(index));
        }
        if self.extended
            && let Some(extended) = scope.get("ansible_loop")
        {
            data.insert("ansible_loop", extended.clone());
            locals.insert("ansible_loop", extended);
        }
        let label = match &self.label {
            // Without one it is the variable, if its name can stand in a template.
            None if is_variable_name(&self.loop_var) && !is_container(item) => Ok(item.clone()),
            None => {
                let label = Value::from(format!("{{{{{}}}}}", self.loop_var));
                templar.render(&label, &RenderOptions::default())
            }
            Some(label) => templar.render(label, &RenderOptions::default()),
        };
        match label {
            Ok(label) => result.control.item_label = Some(label),
            Err(e) => {
                result.control.item_label = data.get("item");
                data.insert("failed", true);
                let text = format!("Failed to template loop_control.label: {}", ansible_text(&e));
                data.insert("msg", Value::unsafe_str(text));
            }
        }
        if let Some(include) = &mut result.control.include {
            include.locals = locals;
            include.item_label.clone_from(&result.control.item_label);
        }
    }
}

/// Whether rendering makes something else of a value (a list of a tuple).
fn is_container(value: &Value) -> bool {
    matches!(value, Value::Tuple(_) | Value::List(_) | Value::Dict(_))
}

fn int(n: usize) -> Value {
    // No list in memory is longer than i64 can count.
    Value::Int(i64::try_from(n).unwrap_or(i64::MAX))
}

/// All turns as one result, and `ignore_errors` as the failed turns have it.
pub fn combine(turns: Vec<TaskResult>) -> (TaskResult, Option<bool>) {
    let data = Dict::new();
    let truth = |d: &Dict, k: &str| d.get(k).is_some_and(|v| v.is_true());
    let (mut changed, mut failed, mut skipped) = (false, false, true);
    let mut ignore: Option<bool> = None;
    let mut gathered: IndexMap<&str, Vec<Value>> = IndexMap::new();
    let mut results = Vec::with_capacity(turns.len());
    let mut controls: Vec<Control> = Vec::with_capacity(turns.len());
    for turn in turns {
        changed |= truth(&turn.data, "changed");
        skipped &= truth(&turn.data, "skipped");
        if truth(&turn.data, "failed") {
            let here = turn.control.ignore_errors;
            // Errors are ignored only if they are in every failed turn.
            ignore = Some(ignore.unwrap_or(true) && here);
            failed = true;
        }
        for key in ["warnings", "deprecations"] {
            match turn.data.get(key) {
                Some(Value::List(more)) if !more.is_empty() => {
                    gathered.entry(key).or_default().extend(more.snapshot());
                    turn.data.remove(key);
                }
                _ => {}
            }
        }
        results.push(Value::Dict(turn.data));
        controls.push(turn.control);
    }
    data.insert("results", results);
    data.insert("skipped", skipped);
    if changed {
        data.insert("changed", true);
    }
    if failed {
        data.insert("failed", true);
        data.insert("msg", "One or more items failed");
    }
    for (key, values) in gathered {
        data.insert(key, values);
    }
    if !failed {
        data.insert("msg", "All items completed");
    }
    if skipped {
        data.insert("msg", "All items skipped");
    }
    (TaskResult { data, control: Control::default(), items: controls }, ignore)
}
