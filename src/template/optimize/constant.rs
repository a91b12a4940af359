//! The value of an expression of constants.

use std::{any::Any, sync::Arc};

use num_traits::ToPrimitive;

use crate::{
    template::{
        CallArgs, FilterContext,
        eval::{check_defined, is_rolled, ops as operators},
        filters::Worked,
        tree::{Args, BinaryOp, Cond, Expr, Filter, SliceExpr, Test},
    },
    value::{
        Dict, Object, PyError, PyErrorKind, PyResult, Range, Set, StrClass, Value, access,
        ops::{concat, to_key, truth},
        repr::{repr, to_text},
    },
};

/// Why an expression has no value yet.
pub(super) enum Stop {
    /// Its value is asked for again when it runs.
    Impossible,
    /// jinja2 does not expect that this fails.
    Crash(PyError),
}

type Constant = Result<Value, Stop>;

fn crash<T>(result: PyResult<T>) -> Result<T, Stop> {
    result.map_err(Stop::Crash)
}

fn impossible<T>(result: PyResult<T>) -> Result<T, Stop> {
    result.map_err(|_| Stop::Impossible)
}

/// Whatever fails in there is left for later.
fn guarded(result: Constant) -> Constant {
    result.map_err(|_| Stop::Impossible)
}

/// What filters and tests can ask for while nothing runs.
struct Nothing<'a> {
    string_filters: &'a [String],
    warned: bool,
}

impl FilterContext for Nothing<'_> {
    fn call(&mut self, _callable: &Value, _args: CallArgs) -> PyResult<Value> {
        Err(PyError::type_error("nothing can be called yet"))
    }

    fn scope_get(&mut self, _name: &str) -> PyResult<Option<Value>> {
        Ok(None)
    }

    fn warn(&mut self, _message: &str) {
        self.warned = true;
    }

    fn keeps_text(&self, filter: &str) -> bool {
        self.string_filters.iter().any(|f| f == filter)
    }
}

/// The value of `e`, as far as it has one.
pub(super) fn of(e: &Expr, string_filters: &[String]) -> Constant {
    Folder { string_filters, anew: false }.of(e)
}

/// The value of `e` if it can be printed already.
pub(super) fn printed(e: &Expr, string_filters: &[String]) -> Option<Value> {
    printable(of(e, string_filters).ok()?)
}

/// Whether that can be done in each rendering.
pub(super) fn is_printed_anew(e: &Expr, string_filters: &[String]) -> bool {
    let value = Folder { string_filters, anew: true }.of(e);
    value.ok().and_then(printable).is_some()
}

/// A value as it is printed, if jinja2 can write it into its code.
pub(in crate::template) fn printable(value: Value) -> Option<Value> {
    if !is_safe(&value) {
        return None;
    }
    check_defined(&value).ok()?;
    if is_rolled(&value) {
        return access::iterate(&value).ok().map(Value::list);
    }
    Some(value)
}

struct Folder<'a> {
    string_filters: &'a [String],
    /// Whether to work out what depends on chance or on files.
    anew: bool,
}

impl Folder<'_> {
    fn of(&self, e: &Expr) -> Constant {
        match e {
            Expr::Const(value) => Ok(value.clone()),
            Expr::Name(_)
            | Expr::Call(_)
            | Expr::Fails(_)
            | Expr::Unknown(_)
            | Expr::Unwritable => Err(Stop::Impossible),
            Expr::List(items) => self.all(items).map(Value::list),
            Expr::Tuple(items) => self.all(items).map(Value::tuple),
            Expr::Dict(items) => self.dict(items),
            Expr::Unary(op, e) => {
                let value = guarded(self.of(e))?;
                impossible(operators::unary(*op, &value))
            }
            Expr::Binary(op, pair) => {
                let (a, b) = (guarded(self.of(&pair.0))?, guarded(self.of(&pair.1))?);
                if !is_small(*op, &a, &b) {
                    return Err(Stop::Impossible);
                }
                impossible(operators::binary(*op, &a, &b))
            }
            Expr::And(pair) => {
                let left = self.of(&pair.0)?;
                if crash(truth(&left))? { self.of(&pair.1) } else { Ok(left) }
            }
            Expr::Or(pair) => {
                let left = self.of(&pair.0)?;
                if crash(truth(&left))? { Ok(left) } else { self.of(&pair.1) }
            }
            Expr::Compare(first, rest) => {
                let mut left = self.of(first)?;
                for (op, e) in rest {
                    let right = guarded(self.of(e))?;
                    if !impossible(operators::compare(*op, &left, &right))? {
                        return Ok(Value::Bool(false));
                    }
                    left = right;
                }
                Ok(Value::Bool(true))
            }
            Expr::Concat(parts) => {
                let mut texts = Vec::new();
                for part in parts {
                    texts.push(Value::from(crash(to_text(&self.of(part)?))?));
                }
                crash(concat(&texts))
            }
            Expr::Cond(c) => self.cond(c),
            Expr::GetAttr(g) => {
                let object = guarded(self.of(&g.object))?;
                impossible(access::get_attr(&object, &g.name))
            }
            Expr::GetItem(pair) => {
                let (object, key) = (guarded(self.of(&pair.0))?, guarded(self.of(&pair.1))?);
                impossible(access::get_item(&object, &key))
            }
            Expr::Slice(s) => guarded(self.slice(s)),
            Expr::Filter(f) => self.filter(f),
            Expr::Test(t) => self.test(t),
        }
    }

    fn may_work(&self, worked: Worked) -> bool {
        match worked {
            Worked::Once => true,
            Worked::Anew => self.anew,
            Worked::Running => false,
        }
    }

    fn all(&self, items: &[Expr]) -> Result<Vec<Value>, Stop> {
        items.iter().map(|e| self.of(e)).collect()
    }

    fn dict(&self, items: &[(Expr, Expr)]) -> Constant {
        let dict = Dict::new();
        for (key, value) in items {
            let (key, value) = (self.of(key)?, self.of(value)?);
            dict.write().insert(crash(to_key(key))?, value);
        }
        Ok(Value::Dict(dict))
    }

    fn cond(&self, c: &Cond) -> Constant {
        let test = self.of(&c.test)?;
        if crash(truth(&test))? {
            return self.of(&c.yes);
        }
        c.no.as_ref().map_or(Err(Stop::Impossible), |no| self.of(no))
    }

    fn slice(&self, s: &SliceExpr) -> Constant {
        let object = self.of(&s.object)?;
        let part = |e: &Option<Expr>| e.as_ref().map(|e| self.of(e)).transpose();
        let (start, stop, step) = (part(&s.start)?, part(&s.stop)?, part(&s.step)?);
        if let Value::Undefined(_) = object {
            return Ok(object);
        }
        match access::slice(&object, start.as_ref(), stop.as_ref(), step.as_ref()) {
            // jinja2 takes a slice for a key like any other here.
            Err(e) if e.is_type_error() => {
                let key = |part: Option<Value>| repr(&part.unwrap_or(Value::None));
                let parts =
                    [key(start), key(stop), key(step)].into_iter().collect::<PyResult<Vec<_>>>();
                let key = SliceKey(impossible(parts)?.join(", "));
                impossible(access::missing(&object, &Value::Object(Arc::new(key))))
            }
            result => impossible(result),
        }
    }

    fn filter(&self, f: &Filter) -> Constant {
        let Some(object) = f.object.as_ref().filter(|_| self.may_work(f.code.worked)) else {
            return Err(Stop::Impossible);
        };
        let args = self.args(&f.args)?;
        let object = self.of(object)?;
        self.computed(|cx| f.code.apply(&f.name, cx, object, args))
    }

    fn test(&self, t: &Test) -> Constant {
        if !self.may_work(t.code.worked) {
            return Err(Stop::Impossible);
        }
        let args = self.args(&t.args)?;
        let object = self.of(&t.object)?;
        self.computed(|cx| (t.code.run)(cx, object, args))
    }

    /// What warns is left for later, so that it warns each time.
    fn computed(&self, f: impl FnOnce(&mut dyn FilterContext) -> PyResult<Value>) -> Constant {
        let mut cx = Nothing { string_filters: self.string_filters, warned: false };
        match f(&mut cx) {
            Ok(value) if !cx.warned => Ok(value),
            _ => Err(Stop::Impossible),
        }
    }

    fn args(&self, args: &Args) -> Result<CallArgs, Stop> {
        let mut out = CallArgs { positional: self.all(&args.positional)?, ..CallArgs::none() };
        for (name, e) in &args.keywords {
            out.keyword.insert(name.to_string(), self.of(e)?);
        }
        if let Some(star) = &args.star {
            let value = guarded(self.of(star))?;
            out.positional.extend(impossible(access::iterate(&value))?);
        }
        if let Some(double_star) = &args.double_star {
            let value = guarded(self.of(double_star))?;
            let dict = access::as_dict(&value).ok_or(Stop::Impossible)?;
            for (key, value) in dict.snapshot() {
                let name = key.as_str().ok_or(Stop::Impossible)?;
                out.keyword.insert(name.to_owned(), value);
            }
        }
        Ok(out)
    }
}

/// A slice where jinja2 takes it for a key.
#[derive(Debug)]
struct SliceKey(String);

impl Object for SliceKey {
    fn type_name(&self) -> &str {
        "slice"
    }

    fn length(&self) -> Option<usize> {
        None
    }

    fn hashable(&self) -> bool {
        false
    }

    fn repr(&self) -> String {
        format!("slice({})", self.0)
    }

    fn as_any(&self) -> &dyn Any {
        self
    }
}

/// Powers and repetitions can be huge, and the template may never run them.
fn is_small(op: BinaryOp, a: &Value, b: &Value) -> bool {
    const MOST: f64 = 1e6;
    let digits = |v: &Value| match v {
        Value::Int(n) => (n.unsigned_abs().max(1) as f64).log10() + 1.0,
        Value::BigInt(n) => n.bits() as f64 * 0.302,
        _ => 1.0,
    };
    let times = |v: &Value| match v {
        Value::Int(n) => n.unsigned_abs() as f64,
        Value::BigInt(n) => n.to_f64().map_or(f64::MAX, f64::abs),
        _ => 1.0,
    };
    let length = |v: &Value| match v {
        Value::Str(s) => s.len() as f64,
        Value::List(l) => l.read().len() as f64,
        Value::Tuple(t) => t.len() as f64,
        other => digits(other),
    };
    match op {
        BinaryOp::Pow => digits(a) * times(b) < MOST,
        BinaryOp::Mul => match (a, b) {
            (
                Value::Int(_) | Value::BigInt(_),
                Value::Str(_) | Value::List(_) | Value::Tuple(_),
            ) => length(b) * times(a) < MOST,
            (Value::Str(_) | Value::List(_) | Value::Tuple(_), _) => length(a) * times(b) < MOST,
            _ => true,
        },
        _ => true,
    }
}

/// Whether jinja2 trusts that `repr` of a value gives the same value again.
pub(super) fn is_safe(value: &Value) -> bool {
    match value {
        Value::None | Value::Bool(_) | Value::Int(_) | Value::BigInt(_) | Value::Float(_) => true,
        Value::Str(s) => !s.is_unsafe() && matches!(s.class(), StrClass::Str | StrClass::Markup),
        Value::List(l) => l.read().iter().all(is_safe),
        Value::Tuple(t) => t.iter().all(is_safe),
        Value::Dict(d) => d.read().iter().all(|(k, v)| is_safe(k.value()) && is_safe(v)),
        Value::Object(_) => match Set::downcast(value) {
            Some(set) => set.snapshot().iter().all(|k| is_safe(k.value())),
            None => Range::of(value).is_some(),
        },
        Value::Undefined(_)
        | Value::Bytes(_)
        | Value::Date(_)
        | Value::DateTime(..)
        | Value::Vaulted(_) => false,
    }
}

/// Python refuses to write integers of more digits than this.
pub(super) fn check_length(value: &Value) -> PyResult<()> {
    inside(value, &mut |v| match v {
        Value::BigInt(_) => to_text(v).map(|_| ()),
        _ => Ok(()),
    })
}

/// What running code says of a constant that Python writes as a name.
pub(super) fn unwritable(value: &Value) -> Option<PyError> {
    let name = |f: f64| match f {
        f if f.is_nan() => Some("nan"),
        f if f.is_infinite() => Some("inf"),
        _ => None,
    };
    inside(value, &mut |v| match v {
        Value::Float(f) => name(*f).map_or(Ok(()), |name| {
            let kind = PyErrorKind::Other("NameError");
            Err(PyError::new(kind, format!("name '{name}' is not defined")))
        }),
        _ => Ok(()),
    })
    .err()
}

/// Calls `f` with a value and everything in it.
fn inside(value: &Value, f: &mut dyn FnMut(&Value) -> PyResult<()>) -> PyResult<()> {
    f(value)?;
    match value {
        Value::List(l) => l.snapshot().iter().try_for_each(|v| inside(v, f)),
        Value::Tuple(t) => t.iter().try_for_each(|v| inside(v, f)),
        Value::Dict(d) => d.snapshot().iter().try_for_each(|(k, v)| {
            inside(k.value(), f)?;
            inside(v, f)
        }),
        Value::Object(_) => match Set::downcast(value) {
            Some(set) => set.snapshot().iter().try_for_each(|k| inside(k.value(), f)),
            None => Ok(()),
        },
        _ => Ok(()),
    }
}
