//! Functions that jinja2 makes generators of without meaning to.
//!
//! What is included without context is handed past the text that is being captured, by a `yield`
//! in the function around it (jinja2 3.1's `visit_Include`). In a macro, the body of a call block
//! or a recursive loop that makes a generator of the function: calling it runs nothing, iterating
//! gives what was included, and its text is Python's of such an object.

use std::{any::Any, fmt, sync::Arc};

use parking_lot::Mutex;

use super::{Buffer, context::Activation};
use crate::value::{Object, PyResult, Value};

type Code = Box<dyn FnOnce(&mut Buffer) -> PyResult<()> + Send>;

/// Such a function that was called.
struct Generator {
    name: String,
    /// What runs when somebody wants the first item; `None` from then on.
    code: Mutex<Option<Code>>,
}

/// The value of a call of the function `name` inside of `around`.
pub(super) fn make(
    around: &Activation,
    name: &str,
    code: impl FnOnce(&mut Buffer) -> PyResult<()> + Send + 'static,
) -> Value {
    let name = format!("{}.<locals>.{name}", around.qualified_name());
    Value::Object(Arc::new(Generator { name, code: Mutex::new(Some(Box::new(code))) }))
}

impl fmt::Debug for Generator {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.repr())
    }
}

impl Object for Generator {
    fn type_name(&self) -> &str {
        "generator"
    }

    fn is_iterable(&self) -> bool {
        true
    }

    fn items(&self) -> PyResult<Option<Vec<Value>>> {
        let code = self.code.lock().take();
        let mut out = Buffer::capturing();
        if let Some(code) = code {
            code(&mut out)?;
        }
        Ok(Some(out.leaked()))
    }

    fn length(&self) -> Option<usize> {
        None
    }

    fn repr(&self) -> String {
        format!("<generator object {} at 0x7f0000000000>", self.name)
    }

    fn as_any(&self) -> &dyn Any {
        self
    }
}
