//! `changed_when` and `failed_when`: what people make of a result.

use std::{fmt, sync::Arc};

use indexmap::IndexMap;

use super::{Fields, TaskResult};
use crate::{
    diagnostic::{Error, ansible_text},
    template::{Environment, Locals, Scope, Templar},
    value::{Dict, Value},
};

type Name = Arc<str>;

/// The conditions of a task on its result, with the variables that they see.
#[derive(Clone)]
pub struct Verdict {
    changed_when: Vec<Value>,
    failed_when: Vec<Value>,
    register: Option<String>,
    scope: Arc<dyn Scope>,
    templates: Arc<Environment>,
}

impl fmt::Debug for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Verdict").field("register", &self.register).finish_non_exhaustive()
    }
}

impl Verdict {
    /// The conditions of these fields.
    pub fn new(fields: &Fields, scope: Arc<dyn Scope>, templates: Arc<Environment>) -> Self {
        Self {
            changed_when: fields.changed_when.clone(),
            failed_when: fields.failed_when.clone(),
            register: fields.register.clone(),
            scope,
            templates,
        }
    }

    /// Whether there is anything to ask.
    pub fn is_silent(&self) -> bool {
        self.changed_when.is_empty() && self.failed_when.is_empty()
    }

    /// Renders with what the conditions see: `names`, and the result as it stands.
    pub fn templar(&self, mut names: IndexMap<Name, Value>, data: &Dict) -> Templar {
        if let Some(name) = &self.register {
            names.insert(Arc::from(name.as_str()), Value::Dict(data.clone()));
        }
        let seen: Arc<dyn Scope> = Arc::new(Locals::new(names, Arc::clone(&self.scope)));
        Templar::new(Arc::clone(&self.templates), seen)
    }

    /// Enters what the conditions say of a result; one that can't be asked fails it.
    pub fn apply(&self, result: &TaskResult, templar: &Templar) {
        let all = |conditions: &[Value]| {
            conditions.iter().try_fold(true, |all, c| Ok::<_, Error>(all && templar.condition(c)?))
        };
        let fail = |name: &str, e: Error| {
            result.data.insert("failed", true);
            let text = ansible_text(&e);
            result.data.insert(format!("{name}_when_result"), Value::unsafe_str(text));
        };
        if !self.changed_when.is_empty() {
            match all(&self.changed_when) {
                Ok(changed) => drop(result.data.insert("changed", changed)),
                Err(e) => return fail("changed", e),
            }
        }
        if !self.failed_when.is_empty() {
            match all(&self.failed_when) {
                Ok(failed) => {
                    result.data.insert("failed_when_result", failed);
                    result.data.insert("failed", failed);
                }
                Err(e) => fail("failed", e),
            }
        }
    }
}
