//! Statements.

use std::sync::Arc;

use super::{
    Buffer, Evaluator, blocks,
    loops::{self, Items},
    macros,
};
use crate::{
    template::{
        optimize,
        tree::{
            Assign, AssignBlock, CallBlock, Expr, FilterBlock, For, MacroStmt, Name, Output, Part,
            Slot, Stmt, Target, With,
        },
    },
    value::{
        PyError, PyErrorKind, PyResult, Value, access, ops::truth, repr::to_text, types::type_name,
    },
};

/// How a body ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Flow {
    Next,
    Break,
    Continue,
}

impl Evaluator<'_> {
    pub(super) fn exec(&self, body: &[Stmt], out: &mut Buffer) -> PyResult<Flow> {
        for stmt in body {
            let flow = self.stmt(stmt, out)?;
            if flow != Flow::Next {
                return Ok(flow);
            }
        }
        Ok(Flow::Next)
    }

    fn stmt(&self, stmt: &Stmt, out: &mut Buffer) -> PyResult<Flow> {
        match stmt {
            Stmt::Output(o) => self.output(o, out)?,
            Stmt::For(s) if s.recursive => {
                let iter = self.eval(&s.iter)?;
                let value = loops::run_recursive(self.act, s, &iter, 0)?;
                out.push(value)?;
            }
            Stmt::For(s) => return self.for_loop(s, out),
            Stmt::If(arms, otherwise) => {
                for (test, body) in arms {
                    if truth(&self.eval(test)?)? {
                        return self.exec(body, out);
                    }
                }
                return self.exec(otherwise, out);
            }
            Stmt::With(s) => return self.with(s, out),
            Stmt::Assign(s) => self.assign_stmt(s)?,
            Stmt::AssignBlock(s) => self.assign_block(s, out)?,
            Stmt::FilterBlock(s) => self.filter_block_stmt(s, out)?,
            Stmt::Macro(s) => self.macro_stmt(s),
            Stmt::CallBlock(s) => self.call_block(s, out)?,
            Stmt::Block(s) => blocks::call(self, s, out)?,
            Stmt::Extends(e) => blocks::extends(self, e)?,
            Stmt::Include(s) => self.include(s, out)?,
            Stmt::Import(s) => self.import(s)?,
            Stmt::FromImport(s) => self.import_names(s)?,
            Stmt::Expr(e) => {
                self.eval(e)?;
            }
            Stmt::Scope(s) => {
                self.act.enter(&s.frame)?;
                if truth(&self.eval(&s.autoescape)?)? {
                    return Err(PyError::new(
                        PyErrorKind::TemplateRuntime,
                        "autoescape is not supported",
                    ));
                }
                let flow = self.exec(&s.body, out)?;
                self.act.leave(&s.frame);
                return Ok(flow);
            }
            Stmt::Break => return Ok(Flow::Break),
            Stmt::Continue => return Ok(Flow::Continue),
        }
        Ok(Flow::Next)
    }

    fn output(&self, o: &Output, out: &mut Buffer) -> PyResult<()> {
        if o.checked && self.unit().extends.lock().is_some() {
            return Ok(());
        }
        let mut follows = false;
        for part in &o.parts {
            // jinja2 makes one piece of constants that follow each other.
            let constant = !matches!(part, Part::Expr(_));
            if follows && constant {
                out.join_next();
            }
            follows = constant;
            match part {
                Part::Text(text) => out.push_text(text)?,
                Part::Constant(_, true) if !self.run().templar.is_native() => {
                    out.push_text(&"".into())?;
                }
                Part::Constant(text, _) => out.push_text(text)?,
                Part::Anew(e) => {
                    let value = self.eval(e)?;
                    match optimize::printable(value.clone()) {
                        Some(value) => out.push_text(&to_text(&self.finalize(value)?)?.into())?,
                        None => out.push(self.finalize(value)?)?,
                    }
                }
                Part::Expr(e) => {
                    let value = self.eval(e)?;
                    out.push(self.finalize(value)?)?;
                }
            }
        }
        Ok(())
    }

    /// ansible's finalize: undefined fails, `None` is nothing, iterators become lists.
    fn finalize(&self, value: Value) -> PyResult<Value> {
        check_defined(&value)?;
        match value {
            Value::None if !self.run().templar.is_native() => Ok(Value::str("")),
            Value::Undefined(_) if !self.run().templar.is_native() => Ok(Value::str("")),
            value if is_rolled(&value) => Ok(Value::list(access::iterate(&value)?)),
            other => Ok(other),
        }
    }

    fn for_loop(&self, s: &Arc<For>, out: &mut Buffer) -> PyResult<Flow> {
        let iter = self.eval(&s.iter)?;
        let items = loops::items(self.act, s, &iter)?;
        self.run_loop(s, items, &iter, 0, out)?;
        Ok(Flow::Next)
    }

    /// The loop itself, in the activation that holds its slots.
    pub(super) fn run_loop(
        &self,
        s: &Arc<For>,
        items: Items,
        iter: &Value,
        depth: i64,
        out: &mut Buffer,
    ) -> PyResult<()> {
        let state = loops::start(self.act, s, items, iter, depth)?;
        let mut ran = false;
        while let Some(item) = state.next()? {
            self.assign(&s.target, item)?;
            if let Some(slot) = s.loop_slot {
                self.act.set(slot, Some(state.value()));
            }
            self.act.enter(&s.frame)?;
            match self.exec(&s.body, out)? {
                Flow::Break => break,
                // jinja2 notes at the end of the body that there were items.
                Flow::Next => ran = true,
                Flow::Continue => {}
            }
        }
        self.act.leave(&s.frame);
        if !ran {
            self.act.enter(&s.else_frame)?;
            self.exec(&s.else_body, out)?;
            self.act.leave(&s.else_frame);
        }
        Ok(())
    }

    fn with(&self, s: &With, out: &mut Buffer) -> PyResult<Flow> {
        self.act.enter(&s.frame)?;
        for (target, e) in &s.assignments {
            let value = self.eval(e)?;
            self.assign(target, value)?;
        }
        let flow = self.exec(&s.body, out)?;
        self.act.leave(&s.frame);
        Ok(flow)
    }

    pub(super) fn assign(&self, target: &Target, value: Value) -> PyResult<()> {
        match target {
            Target::Name(_, slot) => self.act.set(*slot, Some(value)),
            Target::Attribute(_, slot, attribute) => {
                let namespace = self.act.get(*slot);
                match namespace.as_ref().and_then(super::globals::namespace) {
                    Some(namespace) => namespace.set(attribute, value),
                    None => set_item(namespace.as_ref(), attribute, value)?,
                }
            }
            Target::Tuple(targets) => {
                let values = unpack(&value, targets.len())?;
                for (target, value) in targets.iter().zip(values) {
                    self.assign(target, value)?;
                }
            }
        }
        Ok(())
    }

    /// Assigning to an attribute of anything but a namespace fails before the value is looked at.
    fn check_namespaces(&self, target: &Target) -> PyResult<()> {
        match target {
            Target::Name(..) => Ok(()),
            Target::Attribute(_, slot, _) => {
                let value = self.act.get(*slot);
                match value.as_ref().and_then(super::globals::namespace) {
                    Some(_) => Ok(()),
                    None => Err(not_a_namespace()),
                }
            }
            Target::Tuple(targets) => targets.iter().try_for_each(|t| self.check_namespaces(t)),
        }
    }

    fn assign_stmt(&self, s: &Assign) -> PyResult<()> {
        self.check_namespaces(&s.target)?;
        let value = self.eval(&s.value)?;
        self.assign(&s.target, value)?;
        self.export(&s.exports);
        Ok(())
    }

    fn export(&self, names: &[(Name, Slot)]) {
        let context = self.context();
        for (name, slot) in names {
            if let Some(value) = self.act.get(*slot) {
                let _old = context.vars.lock().insert(Arc::clone(name), value);
            }
            if !name.starts_with('_') {
                context.exported.lock().insert(Arc::clone(name));
            }
        }
    }

    fn assign_block(&self, s: &AssignBlock, out: &mut Buffer) -> PyResult<()> {
        self.act.enter(&s.frame)?;
        let mut inner = Buffer::capturing();
        self.exec(&s.body, &mut inner)?;
        out.hand_on(inner.leaked())?;
        let text = inner.finish(self.unit().concat)?;
        let value = match &s.filter {
            Some(filter) => self.filter_block(filter, text)?,
            None => text,
        };
        self.assign(&s.target, value)?;
        self.export(&s.exports);
        self.act.leave(&s.frame);
        Ok(())
    }

    fn filter_block_stmt(&self, s: &FilterBlock, out: &mut Buffer) -> PyResult<()> {
        self.act.enter(&s.frame)?;
        let mut inner = Buffer::capturing();
        self.exec(&s.body, &mut inner)?;
        out.hand_on(inner.leaked())?;
        let text = inner.finish(self.unit().concat)?;
        out.push(self.filter_block(&s.filter, text)?)?;
        self.act.leave(&s.frame);
        Ok(())
    }

    fn macro_stmt(&self, s: &MacroStmt) {
        let value = macros::make(self.act, &s.definition);
        self.act.set(s.target, Some(value.clone()));
        if let (true, Some(name)) = (s.toplevel, &s.definition.name) {
            let context = self.context();
            let _old = context.vars.lock().insert(Arc::clone(name), value);
            if !name.starts_with('_') {
                context.exported.lock().insert(Arc::clone(name));
            }
        }
    }

    fn call_block(&self, s: &CallBlock, out: &mut Buffer) -> PyResult<()> {
        let Expr::Call(call) = &s.call else { return Ok(()) };
        let caller = macros::make(self.act, &s.body);
        let callee = self.eval(&call.callee)?;
        let mut args = self.args(&call.args)?;
        args.keyword.insert("caller".to_owned(), caller);
        out.push(self.call(&callee, args)?)
    }
}

/// Fails if anything in `value` is undefined (jinja2's own lenient one excepted).
pub(in crate::template) fn check_defined(value: &Value) -> PyResult<()> {
    match value {
        Value::Undefined(u) if !u.lenient => Err(PyError::undefined(u)),
        Value::List(l) => {
            let undefined = l.read().iter().find_map(|v| check_defined(v).err());
            undefined.map_or(Ok(()), Err)
        }
        Value::Tuple(t) => t.iter().try_for_each(check_defined),
        // Tuples whose items have names.
        Value::Object(o) if o.is_sequence() => match o.to_plain() {
            Some(plain @ Value::Tuple(_)) => check_defined(&plain),
            _ => Ok(()),
        },
        Value::Dict(d) => {
            let undefined = d.read().values().find_map(|v| check_defined(v).err());
            undefined.map_or(Ok(()), Err)
        }
        _ => Ok(()),
    }
}

/// What ansible unrolls: ranges, views of dicts, iterators.
pub(in crate::template) fn is_rolled(value: &Value) -> bool {
    let Value::Object(o) = value else { return false };
    let (type_name, module) = (o.type_name(), o.module());
    module == "collections.abc"
        || module == "jinja2.runtime" && type_name == "LoopContext"
        || module == "builtins"
            && (matches!(
                type_name,
                "range" | "dict_keys" | "dict_values" | "dict_items" | "generator"
            ) || type_name.ends_with("iterator"))
}

/// What a block that is set to an attribute of no namespace does: jinja2 3.1.6 checks that for
/// expressions alone, and writes an item.
fn set_item(of: Option<&Value>, key: &str, value: Value) -> PyResult<()> {
    let class = match of {
        Some(Value::Dict(dict)) => {
            dict.insert(key, value);
            return Ok(());
        }
        Some(Value::List(_)) => {
            return Err(PyError::type_error("list indices must be integers or slices, not str"));
        }
        Some(other) => type_name(other),
        None => "_MissingType",
    };
    Err(PyError::type_error(format!("'{class}' object does not support item assignment")))
}

fn not_a_namespace() -> PyError {
    PyError::new(PyErrorKind::TemplateRuntime, "cannot assign attribute on non-namespace object")
}

/// Python's unpacking of a value to `n` targets.
fn unpack(value: &Value, n: usize) -> PyResult<Vec<Value>> {
    if !access::is_iterable(value)? {
        let name = type_name(value);
        return Err(PyError::type_error(format!("cannot unpack non-iterable {name} object")));
    }
    let values = access::iterate(value)?;
    match values.len() {
        len if len < n => Err(PyError::value_error(format!(
            "not enough values to unpack (expected {n}, got {len})"
        ))),
        len if len > n => {
            Err(PyError::value_error(format!("too many values to unpack (expected {n})")))
        }
        _ => Ok(values),
    }
}
