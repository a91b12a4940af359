//! Calling values, and what filters may ask of the evaluator.

use std::path::PathBuf;

use super::{
    Evaluator, blocks::BlockReference, globals, loops, loops::LoopMethod, macros::MacroObject, vars,
};
use crate::{
    template::{CallArgs, FilterContext, methods},
    value::{BoundMethod, Object, PyError, PyResult, Value, types::type_name},
};

fn object<T: 'static>(value: &dyn Object) -> Option<&T> {
    value.as_any().downcast_ref()
}

impl Evaluator<'_> {
    /// `callee(…)`.
    pub(super) fn call(&self, callee: &Value, args: CallArgs) -> PyResult<Value> {
        let o = match callee {
            Value::Object(o) => &**o,
            Value::Undefined(u) => return Err(PyError::undefined(u)),
            Value::List(_) | Value::Dict(_) => {
                // ansible looks every callee up in a set of forbidden ones first.
                return Err(PyError::type_error(format!(
                    "unhashable type: '{}'",
                    type_name(callee)
                )));
            }
            other => return Err(not_callable(other)),
        };
        if let Some(method) = object::<BoundMethod>(o) {
            let mut cx = self.filter_context();
            return methods::call_method(&mut cx, &method.receiver, method.name, args);
        }
        if let Some(m) = object::<MacroObject>(o) {
            return m.call(args);
        }
        if let Some(function) = object::<globals::Function>(o) {
            return function.call(self, args);
        }
        if let Some(method) = object::<LoopMethod>(o) {
            return method.call(args.positional);
        }
        if let Some(l) = loops::downcast(callee) {
            let [iterable] = args.bind("__call__", &["self"], &["iterable"], 1)?;
            return l.recurse(&iterable.unwrap_or(Value::None));
        }
        if let Some(block) = object::<BlockReference>(o) {
            args.expect_none("__call__")?;
            return block.call();
        }
        if let Some(method) = object::<globals::Method>(o) {
            return method.call(args);
        }
        if let Some(joiner) = object::<globals::Joiner>(o) {
            return Ok(joiner.call());
        }
        if let Some(method) = object::<vars::MappingMethod>(o) {
            return method.call(args);
        }
        Err(not_callable(callee))
    }

    /// Attributes that only the evaluator can give.
    pub(super) fn special_attr(&self, value: &Value, name: &str) -> PyResult<Option<Value>> {
        let Value::Object(o) = value else { return Ok(None) };
        if let Some(l) = loops::downcast(value) {
            return l.attribute(value, name);
        }
        Ok(vars::mapping_method(value, &**o, name))
    }

    pub(super) fn filter_context(&self) -> Caller<'_> {
        Caller(*self)
    }
}

fn not_callable(value: &Value) -> PyError {
    PyError::type_error(format!("'{}' object is not callable", type_name(value)))
}

/// The evaluator as filters see it.
pub(super) struct Caller<'a>(Evaluator<'a>);

impl FilterContext for Caller<'_> {
    fn call(&mut self, callable: &Value, args: CallArgs) -> PyResult<Value> {
        self.0.call(callable, args)
    }

    fn scope_get(&mut self, name: &str) -> PyResult<Option<Value>> {
        self.0.context().resolve(&name.into(), false)
    }

    fn search_paths(&self) -> Vec<PathBuf> {
        self.0.run().templar.search_path().to_vec()
    }

    fn warn(&mut self, message: &str) {
        self.0.run().templar.environment().notices.warning(message.to_owned());
    }

    fn keeps_text(&self, filter: &str) -> bool {
        self.0.run().templar.environment().settings.string_filters.iter().any(|f| f == filter)
    }
}
