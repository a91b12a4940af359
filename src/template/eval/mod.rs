//! The evaluator: jinja2's semantics as generated code has them, with ansible's undefined.

mod blocks;
mod buffer;
mod call;
mod context;
mod exec;
mod generator;
mod globals;
mod loops;
mod macros;
mod modules;
pub(super) mod ops;
mod vars;

use std::sync::Arc;

use buffer::Buffer;
pub(super) use buffer::Concat;
use context::{Activation, Context, HandedOn, Parent, Unit};
pub(super) use context::{Run, deep_copy, is_unsafe};
pub(super) use exec::{check_defined, is_rolled};
pub(super) use vars::{as_written, rendered};

use super::tree::{
    Args, Cond, Expr, Filter, GetAttr, Name, SliceExpr, Slot, Template, Test, UnaryOp, VarRef,
};
use crate::{
    diagnostic::{Source, Span},
    template::{CallArgs, filters},
    value::{
        Dict, PyError, PyErrorKind, PyResult, Set, Undefined, Value, access,
        ops::{to_key, truth},
    },
};

/// Runs a template in a run of its own; gives what it printed and whether that is unsafe.
pub(super) fn render(run: &Arc<Run>, template: &Arc<Template>) -> PyResult<Value> {
    let _end = End(run);
    let parent = Parent::Variables(Arc::default());
    let context = Context::new(run, template, parent);
    let mut out = Buffer::given(run.concat);
    blocks::run_root(template, &context, &mut out)?;
    out.finish(run.concat)
}

/// A constant as generated code gives it: a container of its own each time.
fn fresh(value: &Value) -> Value {
    match value {
        Value::List(l) => Value::list(l.read().iter().map(fresh).collect()),
        Value::Tuple(t) => Value::tuple(t.iter().map(fresh).collect()),
        Value::Dict(d) => {
            Value::Dict(d.read().iter().map(|(k, v)| (k.clone(), fresh(v))).collect())
        }
        Value::Object(_) => match Set::downcast(value) {
            Some(set) => Set::from_keys(set.snapshot()).into_value(),
            None => value.clone(),
        },
        other => other.clone(),
    }
}

/// Empties what the run kept, however it ended.
struct End<'a>(&'a Run);

impl Drop for End<'_> {
    fn drop(&mut self) {
        self.0.end();
    }
}

/// Evaluates in one activation.
#[derive(Clone, Copy)]
pub(super) struct Evaluator<'a> {
    act: &'a Arc<Activation>,
}

impl<'a> Evaluator<'a> {
    fn new(act: &'a Arc<Activation>) -> Self {
        Self { act }
    }

    fn unit(&self) -> &'a Unit {
        &self.act.unit
    }

    fn context(&self) -> &'a Arc<Context> {
        &self.act.unit.context
    }

    fn run(&self) -> &'a Arc<Run> {
        &self.act.unit.context.run
    }

    fn eval(&self, e: &Expr) -> PyResult<Value> {
        match e {
            Expr::Const(value) => Ok(fresh(value)),
            Expr::Name(v) => Ok(self.name(v)),
            Expr::List(items) => Ok(Value::list(self.eval_all(items)?)),
            Expr::Tuple(items) => Ok(Value::tuple(self.eval_all(items)?)),
            Expr::Dict(items) => self.dict(items),
            Expr::Unary(UnaryOp::Not, e) => Ok(Value::Bool(!self.is_true(e)?)),
            Expr::Unary(op, e) => ops::unary(*op, &self.eval(e)?),
            Expr::Binary(op, pair) => ops::binary(*op, &self.eval(&pair.0)?, &self.eval(&pair.1)?),
            Expr::And(pair) => {
                let left = self.eval(&pair.0)?;
                if truth(&left)? { self.eval(&pair.1) } else { Ok(left) }
            }
            Expr::Or(pair) => {
                let left = self.eval(&pair.0)?;
                if truth(&left)? { Ok(left) } else { self.eval(&pair.1) }
            }
            Expr::Compare(first, rest) => {
                let mut left = self.eval(first)?;
                for (op, e) in rest {
                    let right = self.eval(e)?;
                    if !ops::compare(*op, &left, &right)? {
                        return Ok(Value::Bool(false));
                    }
                    left = right;
                }
                Ok(Value::Bool(true))
            }
            Expr::Concat(parts) => crate::value::ops::concat(&self.eval_all(parts)?),
            Expr::Cond(c) => self.cond(c),
            Expr::GetAttr(g) => self.get_attr(g),
            Expr::GetItem(pair) => {
                let object = self.eval(&pair.0)?;
                let key = self.eval(&pair.1)?;
                self.item(&object, &key)
            }
            Expr::Slice(s) => self.slice(s),
            Expr::Call(c) => {
                let callee = self.eval(&c.callee)?;
                let args = self.args(&c.args)?;
                self.call(&callee, args)
            }
            Expr::Filter(f) => {
                // The start of a filter block's chain has no object; `apply_to` gives it one.
                let object = f.object.as_ref().map_or(Ok(Value::None), |e| self.eval(e))?;
                self.filter(f, object)
            }
            Expr::Test(t) => self.test(t),
            Expr::Fails(e) => Err((**e).clone()),
            Expr::Unknown(u) => Err(filters::unknown(&u.error.message)),
            Expr::Unwritable => Err(PyError::new(PyErrorKind::SyntaxError, "invalid syntax")),
        }
    }

    fn is_true(&self, e: &Expr) -> PyResult<bool> {
        truth(&self.eval(e)?)
    }

    fn eval_all(&self, items: &[Expr]) -> PyResult<Vec<Value>> {
        items.iter().map(|e| self.eval(e)).collect()
    }

    fn name(&self, v: &VarRef) -> Value {
        self.act.get(v.slot).unwrap_or_else(|| {
            Value::Undefined(Arc::new(Undefined {
                span: self.span(v.at),
                ..Undefined::named(&*v.name)
            }))
        })
    }

    /// The place of bytes of the running template.
    fn span(&self, (start, end): (u32, u32)) -> Option<Span> {
        let template = &self.unit().template;
        let name = template.name.as_deref()?;
        Some(Span::new(&Source::new(name, &*template.source), start, end))
    }

    fn dict(&self, items: &[(Expr, Expr)]) -> PyResult<Value> {
        // Python evaluates everything before it asks whether keys can be keys.
        let pairs = items.iter().map(|(key, value)| Ok((self.eval(key)?, self.eval(value)?)));
        let pairs = pairs.collect::<PyResult<Vec<_>>>()?;
        let dict = Dict::new();
        for (key, value) in pairs {
            dict.write().insert(to_key(key)?, value);
        }
        Ok(Value::Dict(dict))
    }

    fn cond(&self, c: &Cond) -> PyResult<Value> {
        if self.is_true(&c.test)? {
            return self.eval(&c.yes);
        }
        match &c.no {
            Some(no) => self.eval(no),
            // jinja2 has its own lenient undefined here: it prints as nothing.
            None => Ok(Value::Undefined(Arc::new(Undefined {
                lenient: true,
                ..Undefined::hinted(format!(
                    "the inline if-expression on {} evaluated to false and no else section was \
                     defined.",
                    self.position(c.line)
                ))
            }))),
        }
    }

    /// jinja2's words for a place: `line 3 in 'motd.j2'`.
    fn position(&self, line: usize) -> String {
        match &self.unit().template.name {
            Some(name) => format!("line {line} in {}", crate::value::repr::str_repr(name)),
            None => format!("line {line}"),
        }
    }

    fn get_attr(&self, g: &GetAttr) -> PyResult<Value> {
        let object = self.eval(&g.object)?;
        if let Some(value) = self.special_attr(&object, &g.name)? {
            return Ok(value);
        }
        let value = access::get_attr(&object, &g.name)?;
        Ok(self.located(value, &object, g.at))
    }

    fn item(&self, object: &Value, key: &Value) -> PyResult<Value> {
        let value = access::get_item(object, key)?;
        match (&value, key.as_str()) {
            // What `[]` does not find, it looks for as an attribute.
            (Value::Undefined(_), Some(name)) if !object.is_undefined() => {
                Ok(self.special_attr(object, name)?.unwrap_or(value))
            }
            _ => Ok(value),
        }
    }

    /// Notes where an attribute was missing.
    fn located(&self, value: Value, object: &Value, at: (u32, u32)) -> Value {
        match value {
            Value::Undefined(mut u) if !object.is_undefined() && u.span.is_none() => {
                if let Some(u) = Arc::get_mut(&mut u) {
                    u.span = self.span(at);
                }
                Value::Undefined(u)
            }
            other => other,
        }
    }

    fn slice(&self, s: &SliceExpr) -> PyResult<Value> {
        let object = self.eval(&s.object)?;
        let part = |e: &Option<Expr>| e.as_ref().map(|e| self.eval(e)).transpose();
        let (start, stop, step) = (part(&s.start)?, part(&s.stop)?, part(&s.step)?);
        access::slice(&object, start.as_ref(), stop.as_ref(), step.as_ref())
    }

    fn filter(&self, f: &Filter, object: Value) -> PyResult<Value> {
        let args = self.args(&f.args)?;
        f.code.apply(&f.name, &mut self.filter_context(), object, args)
    }

    /// The filters of a filter or set block, over the block's text.
    fn filter_block(&self, e: &Expr, text: Value) -> PyResult<Value> {
        let Expr::Filter(f) = e else { return self.eval(e) };
        let object = match &f.object {
            Some(inner) => self.filter_block(inner, text)?,
            None => text,
        };
        self.filter(f, object)
    }

    fn test(&self, t: &Test) -> PyResult<Value> {
        let object = self.eval(&t.object)?;
        let args = self.args(&t.args)?;
        (t.code.run)(&mut self.filter_context(), object, args)
    }

    fn args(&self, args: &Args) -> PyResult<CallArgs> {
        let mut out = CallArgs { positional: self.eval_all(&args.positional)?, ..CallArgs::none() };
        // Python takes what has a star before what has a name.
        if let Some(star) = &args.star {
            let value = self.eval(star)?;
            out.positional.extend(access::iterate(&value).map_err(|e| {
                if !e.is_type_error() {
                    return e;
                }
                let class = crate::value::types::class_name(&value);
                PyError::type_error(format!("Value after * must be an iterable, not {class}"))
            })?);
        }
        for (name, e) in &args.keywords {
            out.keyword.insert(name.to_string(), self.eval(e)?);
        }
        if let Some(double_star) = &args.double_star {
            let value = self.eval(double_star)?;
            let Some(dict) = access::as_dict(&value) else {
                return Err(PyError::type_error(format!(
                    "ansible.template.AnsibleContext.call() argument after ** must be a mapping, \
                     not {}",
                    crate::value::types::class_name(&value)
                )));
            };
            for (key, value) in dict.snapshot() {
                let Some(name) = key.as_str() else {
                    return Err(PyError::type_error("keywords must be strings"));
                };
                if out.keyword.insert(name.to_owned(), value).is_some() {
                    return Err(PyError::type_error(format!(
                        "got multiple values for keyword argument {}",
                        crate::value::repr::str_repr(name)
                    )));
                }
            }
        }
        Ok(out)
    }

    /// The values of slots by name; of those that are not set, the name alone.
    fn locals(&self, locals: &[(Name, Slot)]) -> HandedOn {
        locals.iter().map(|(name, slot)| (Arc::clone(name), self.act.get(*slot))).collect()
    }
}
