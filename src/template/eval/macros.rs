//! Macros and the bodies of call blocks, as values that can be called.

use std::{any::Any, fmt, sync::Arc};

use super::{Buffer, Evaluator, context::Activation, generator};
use crate::{
    template::{CallArgs, tree::Macro},
    value::{Dict, Key, Object, PyError, PyResult, Undefined, Value, repr::str_repr},
};

/// How jinja2 calls the function of any macro.
const FUNCTION: &str = "macro";

/// A macro with the activation it was made in.
pub(super) struct MacroObject {
    definition: Arc<Macro>,
    around: Arc<Activation>,
}

/// The value of a macro that is defined in `around`.
pub(super) fn make(around: &Arc<Activation>, definition: &Arc<Macro>) -> Value {
    around.unit.context.run.keep(around);
    Value::Object(Arc::new(MacroObject {
        definition: Arc::clone(definition),
        around: Arc::clone(around),
    }))
}

impl fmt::Debug for MacroObject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.repr())
    }
}

impl MacroObject {
    fn shown(&self) -> String {
        self.definition.name.as_deref().map_or_else(|| "None".to_owned(), str_repr)
    }

    /// Binds the arguments as `jinja2.runtime.Macro` does and runs the body.
    pub fn call(&self, args: CallArgs) -> PyResult<Value> {
        let m = &*self.definition;
        let CallArgs { positional, mut keyword } = args;
        let act = self.around.nested(FUNCTION, m.function.slots);
        let mut places = positional.into_iter();
        let mut missing = Vec::new();
        let mut found_caller = false;
        for (index, parameter) in m.parameters.iter().enumerate() {
            match places.next() {
                Some(value) => act.set(parameter.slot, Some(value)),
                None => {
                    found_caller |= &*parameter.name == "caller";
                    match keyword.shift_remove(&*parameter.name) {
                        Some(value) => act.set(parameter.slot, Some(value)),
                        None => missing.push(index),
                    }
                }
            }
        }
        let rest: Vec<Value> = places.collect();
        found_caller |= missing.is_empty() && m.parameters.iter().any(|p| &*p.name == "caller");
        if let Some(slot) = m.caller
            && !found_caller
        {
            let caller = keyword.shift_remove("caller").filter(|c| !c.is_none());
            act.set(slot, Some(caller.unwrap_or_else(no_caller)));
        }
        self.set_keywords(&act, keyword)?;
        self.set_rest(&act, rest)?;
        if m.is_generator {
            let definition = Arc::clone(&self.definition);
            let run = move |out: &mut Buffer| run(&act, &definition, &missing, out);
            return Ok(generator::make(&self.around, FUNCTION, run));
        }
        let mut out = Buffer::capturing();
        run(&act, m, &missing, &mut out)?;
        out.finish(act.unit.concat)
    }

    fn set_keywords(
        &self,
        act: &Arc<Activation>,
        keyword: indexmap::IndexMap<String, Value>,
    ) -> PyResult<()> {
        if let Some(slot) = self.definition.kwargs {
            let dict: Dict = keyword.into_iter().map(|(k, v)| (Key::from(k), v)).collect();
            act.set(slot, Some(Value::Dict(dict)));
            return Ok(());
        }
        let name = self.shown();
        if keyword.contains_key("caller") {
            return Err(PyError::type_error(format!(
                "macro {name} was invoked with two values for the special caller argument. This \
                 is most likely a bug."
            )));
        }
        match keyword.keys().next() {
            Some(key) => Err(PyError::type_error(format!(
                "macro {name} takes no keyword argument {}",
                str_repr(key)
            ))),
            None => Ok(()),
        }
    }

    fn set_rest(&self, act: &Arc<Activation>, rest: Vec<Value>) -> PyResult<()> {
        if let Some(slot) = self.definition.varargs {
            act.set(slot, Some(Value::tuple(rest)));
            return Ok(());
        }
        if rest.is_empty() {
            return Ok(());
        }
        Err(PyError::type_error(format!(
            "macro {} takes not more than {} argument(s)",
            self.shown(),
            self.definition.parameters.len()
        )))
    }
}

/// The function of a macro, whose parameters of the numbers in `missing` were not given.
fn run(act: &Arc<Activation>, m: &Macro, missing: &[usize], out: &mut Buffer) -> PyResult<()> {
    let _deeper = act.unit.context.run.deeper()?;
    let ev = Evaluator::new(act);
    act.enter(&m.function.frame)?;
    for parameter in missing.iter().filter_map(|index| m.parameters.get(*index)) {
        let value = match &parameter.default {
            Some(default) => ev.eval(default)?,
            None => Value::Undefined(Arc::new(Undefined {
                name: Some(parameter.name.to_string()),
                ..Undefined::hinted(format!(
                    "parameter {} was not provided",
                    str_repr(&parameter.name)
                ))
            })),
        };
        act.set(parameter.slot, Some(value));
    }
    ev.exec(&m.function.body, out)?;
    Ok(())
}

fn no_caller() -> Value {
    let undefined = Undefined::hinted("No caller defined");
    Value::Undefined(Arc::new(Undefined { name: Some("caller".to_owned()), ..undefined }))
}

impl Object for MacroObject {
    fn type_name(&self) -> &str {
        "Macro"
    }

    fn module(&self) -> &str {
        "jinja2.runtime"
    }

    fn get_attr(&self, name: &str) -> Option<Value> {
        let m = &*self.definition;
        Some(match name {
            "name" => m.name.as_deref().map_or(Value::None, Value::str),
            "arguments" => {
                let names = m.parameters.iter().map(|p| Value::str(Arc::clone(&p.name)));
                Value::tuple(names.collect())
            }
            "catch_kwargs" => Value::Bool(m.kwargs.is_some()),
            "catch_varargs" => Value::Bool(m.varargs.is_some()),
            "caller" => Value::Bool(m.uses_caller),
            _ => return None,
        })
    }

    fn length(&self) -> Option<usize> {
        None
    }

    fn is_callable(&self) -> bool {
        true
    }

    fn repr(&self) -> String {
        match &self.definition.name {
            Some(name) => format!("<Macro {}>", str_repr(name)),
            None => "<Macro anonymous>".to_owned(),
        }
    }

    fn as_any(&self) -> &dyn Any {
        self
    }
}
