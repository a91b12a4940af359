//! Evaluating JMESPath.

use super::{Comparison, Expr, functions};
use crate::value::{
    Dict, Number, PyResult, Value, access,
    ops::{self, CmpOp, settle},
};

/// A value, or an expression that a function gets.
pub(super) enum Argument<'e> {
    Value(Value),
    Reference(&'e Expr),
}

/// What `expr` finds in `value`.
pub(super) fn search(expr: &Expr, value: &Value) -> PyResult<Value> {
    match expr {
        Expr::Identity => Ok(value.clone()),
        Expr::Field(name) => {
            Ok(access::as_dict(value).and_then(|d| d.get(name)).unwrap_or(Value::None))
        }
        Expr::Literal(literal) => Ok(literal.clone()),
        Expr::Index(n) => match value {
            Value::List(_) => Ok(access::item(value, &Value::Int(*n))?.unwrap_or(Value::None)),
            _ => Ok(Value::None),
        },
        Expr::Slice(parts) => match value {
            Value::List(_) => {
                let [start, stop, step] = parts.map(|p| p.map(Value::Int));
                access::slice(value, start.as_ref(), stop.as_ref(), step.as_ref())
            }
            _ => Ok(Value::None),
        },
        Expr::Chain(left, right) => search(right, &search(left, value)?),
        Expr::Projection(left, right) => match search(left, value)? {
            Value::List(items) => project(right, items.snapshot()),
            _ => Ok(Value::None),
        },
        Expr::ValueProjection(left, right) => match access::as_dict(&search(left, value)?) {
            Some(d) => project(right, d.snapshot().into_iter().map(|(_, v)| v).collect()),
            None => Ok(Value::None),
        },
        Expr::FilterProjection(left, right, condition) => match search(left, value)? {
            Value::List(items) => {
                let mut kept = Vec::new();
                for item in items.snapshot() {
                    if is_true(&search(condition, &item)?)? {
                        kept.push(item);
                    }
                }
                project(right, kept)
            }
            _ => Ok(Value::None),
        },
        Expr::Flatten(left) => match search(left, value)? {
            Value::List(items) => Ok(items
                .snapshot()
                .into_iter()
                .flat_map(|item| match item {
                    Value::List(inner) => inner.snapshot(),
                    other => vec![other],
                })
                .collect()),
            _ => Ok(Value::None),
        },
        Expr::Compare(comparison, left, right) => {
            compare(*comparison, &search(left, value)?, &search(right, value)?)
        }
        Expr::Or(left, right) => {
            let found = search(left, value)?;
            if is_true(&found)? { Ok(found) } else { search(right, value) }
        }
        Expr::And(left, right) => {
            let found = search(left, value)?;
            if is_true(&found)? { search(right, value) } else { Ok(found) }
        }
        Expr::Not(inner) => {
            let found = search(inner, value)?;
            // Zero is no falsehood here.
            Ok(Value::Bool(!is_number(&found) && !ops::truth(&found)?))
        }
        Expr::List(_) | Expr::Hash(_) if value.is_none() => Ok(Value::None),
        Expr::List(items) => {
            items.iter().map(|e| search(e, value)).collect::<PyResult<Vec<_>>>().map(Value::list)
        }
        Expr::Hash(pairs) => {
            let dict = Dict::new();
            for (name, e) in pairs {
                dict.insert(name.as_str(), search(e, value)?);
            }
            Ok(dict.into())
        }
        Expr::Call(name, args) => {
            let args: PyResult<Vec<Argument>> = args
                .iter()
                .map(|arg| match arg {
                    Expr::Reference(inner) => Ok(Argument::Reference(inner)),
                    other => search(other, value).map(Argument::Value),
                })
                .collect();
            functions::call(name, &args?)
        }
        // A reference outside a call means nothing.
        Expr::Reference(_) => Ok(Value::None),
    }
}

fn project(right: &Expr, items: Vec<Value>) -> PyResult<Value> {
    let mut out = Vec::new();
    for item in items {
        let found = search(right, &item)?;
        if !found.is_none() {
            out.push(found);
        }
    }
    Ok(Value::list(out))
}

fn is_true(value: &Value) -> PyResult<bool> {
    Ok(match settle(value)?.as_ref() {
        Value::None | Value::Bool(false) => false,
        Value::Str(s) => !s.is_empty(),
        Value::List(l) => !l.is_empty(),
        Value::Dict(d) => !d.is_empty(),
        _ => true,
    })
}

pub(super) fn is_number(value: &Value) -> bool {
    !matches!(value, Value::Bool(_)) && Number::of(value).is_some()
}

fn compare(comparison: Comparison, left: &Value, right: &Value) -> PyResult<Value> {
    let op = match comparison {
        Comparison::Eq | Comparison::Ne => {
            // A number never equals a boolean.
            let mixed = matches!(left, Value::Bool(_)) && is_number(right)
                || matches!(right, Value::Bool(_)) && is_number(left);
            let equal = !mixed && ops::eq(left, right)?;
            return Ok(Value::Bool(equal == (comparison == Comparison::Eq)));
        }
        Comparison::Lt => CmpOp::Lt,
        Comparison::Le => CmpOp::Le,
        Comparison::Gt => CmpOp::Gt,
        Comparison::Ge => CmpOp::Ge,
    };
    let comparable = |v: &Value| is_number(v) || matches!(v, Value::Str(_));
    if !comparable(left) || !comparable(right) {
        return Ok(Value::None);
    }
    ops::compare(left, right, op).map(Value::Bool).map_err(|e| {
        crate::value::PyError::filter(format!(
            "Error in jmespath.search in json_query filter plugin:\n{e}"
        ))
    })
}
