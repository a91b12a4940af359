//! Tests that compare.

use super::Test;
use crate::template::{CallArgs, FilterContext};
use crate::value::{
    Number, PyError, PyResult, Set, Value, access,
    ops::{self, CmpOp},
};

pub(super) static TESTS: &[Test] = &[
    Test::jinja("==", "Whether both are equal.", eq),
    Test::jinja("eq", "Whether both are equal.", eq),
    Test::jinja("equalto", "Whether both are equal.", eq),
    Test::jinja("!=", "Whether they differ.", ne),
    Test::jinja("ne", "Whether they differ.", ne),
    Test::jinja("<", "Whether it is less.", lt),
    Test::jinja("lt", "Whether it is less.", lt),
    Test::jinja("lessthan", "Whether it is less.", lt),
    Test::jinja("<=", "Whether it is at most the other.", le),
    Test::jinja("le", "Whether it is at most the other.", le),
    Test::jinja(">", "Whether it is greater.", gt),
    Test::jinja("gt", "Whether it is greater.", gt),
    Test::jinja("greaterthan", "Whether it is greater.", gt),
    Test::jinja(">=", "Whether it is at least the other.", ge),
    Test::jinja("ge", "Whether it is at least the other.", ge),
    Test::jinja("in", "Whether it is in the other.", is_in),
    Test::jinja("sameas", "Whether both are the same object.", sameas),
    Test::jinja("odd", "Whether it is odd.", odd),
    Test::jinja("even", "Whether it is even.", even),
    Test::jinja("divisibleby", "Whether it can be divided without a rest.", divisibleby),
    Test::ansible("contains", "Whether the other is in it.", contains),
    Test::ansible("subset", "Whether all of it is in the other.", subset),
    Test::ansible("issubset", "Whether all of it is in the other.", subset),
    Test::ansible("superset", "Whether all of the other is in it.", superset),
    Test::ansible("issuperset", "Whether all of the other is in it.", superset),
    Test::ansible("all", "Whether all items are true.", all),
    Test::ansible("any", "Whether an item is true.", any),
    Test::ansible("nan", "Whether it is no number.", nan),
    Test::ansible("isnan", "Whether it is no number.", nan),
];

fn answer(value: bool) -> PyResult<Value> {
    Ok(Value::Bool(value))
}

/// The other operand of a function of Python's `operator`.
fn operand(args: CallArgs, name: &str) -> PyResult<Value> {
    if !args.keyword.is_empty() {
        return Err(PyError::type_error(format!("{name}() takes no keyword arguments")));
    }
    let given = args.positional.len();
    let mut places = args.positional.into_iter();
    match (places.next(), given) {
        (Some(other), 1) => Ok(other),
        _ => Err(PyError::type_error(format!("{name} expected 2 arguments, got {}", given + 1))),
    }
}

fn eq(_cx: &mut dyn FilterContext, value: Value, args: CallArgs) -> PyResult<Value> {
    answer(ops::eq(&value, &operand(args, "eq")?)?)
}

fn ne(_cx: &mut dyn FilterContext, value: Value, args: CallArgs) -> PyResult<Value> {
    answer(!ops::eq(&value, &operand(args, "ne")?)?)
}

fn lt(_cx: &mut dyn FilterContext, value: Value, args: CallArgs) -> PyResult<Value> {
    answer(ops::compare(&value, &operand(args, "lt")?, CmpOp::Lt)?)
}

fn le(_cx: &mut dyn FilterContext, value: Value, args: CallArgs) -> PyResult<Value> {
    answer(ops::compare(&value, &operand(args, "le")?, CmpOp::Le)?)
}

fn gt(_cx: &mut dyn FilterContext, value: Value, args: CallArgs) -> PyResult<Value> {
    answer(ops::compare(&value, &operand(args, "gt")?, CmpOp::Gt)?)
}

fn ge(_cx: &mut dyn FilterContext, value: Value, args: CallArgs) -> PyResult<Value> {
    answer(ops::compare(&value, &operand(args, "ge")?, CmpOp::Ge)?)
}

fn is_in(_cx: &mut dyn FilterContext, value: Value, args: CallArgs) -> PyResult<Value> {
    let [seq] = args.bind("test_in", &["value"], &["seq"], 1)?;
    answer(ops::contains(&seq.unwrap_or(Value::None), &value)?)
}

fn sameas(_cx: &mut dyn FilterContext, value: Value, args: CallArgs) -> PyResult<Value> {
    let [other] = args.bind("test_sameas", &["value"], &["other"], 1)?;
    answer(ops::is_same(&value, &other.unwrap_or(Value::None)))
}

fn rest_is(value: &Value, divisor: &Value, rest: i64) -> PyResult<Value> {
    answer(ops::eq(&ops::rem(value, divisor)?, &Value::Int(rest))?)
}

fn odd(_cx: &mut dyn FilterContext, value: Value, args: CallArgs) -> PyResult<Value> {
    let [] = args.bind("test_odd", &["value"], &[], 0)?;
    rest_is(&value, &Value::Int(2), 1)
}

fn even(_cx: &mut dyn FilterContext, value: Value, args: CallArgs) -> PyResult<Value> {
    let [] = args.bind("test_even", &["value"], &[], 0)?;
    rest_is(&value, &Value::Int(2), 0)
}

fn divisibleby(_cx: &mut dyn FilterContext, value: Value, args: CallArgs) -> PyResult<Value> {
    let [num] = args.bind("test_divisibleby", &["value"], &["num"], 1)?;
    rest_is(&value, &num.unwrap_or(Value::None), 0)
}

fn contains(_cx: &mut dyn FilterContext, value: Value, args: CallArgs) -> PyResult<Value> {
    let [needle] = args.bind("contains", &["seq"], &["value"], 1)?;
    answer(ops::contains(&value, &needle.unwrap_or(Value::None))?)
}

fn both(value: &Value, args: CallArgs, function: &str) -> PyResult<(Set, Set)> {
    let [other] = args.bind(function, &["a"], &["b"], 1)?;
    Ok((Set::from_iterable(value)?, Set::from_iterable(&other.unwrap_or(Value::None))?))
}

fn subset(_cx: &mut dyn FilterContext, value: Value, args: CallArgs) -> PyResult<Value> {
    let (a, b) = both(&value, args, "issubset")?;
    answer(a.is_subset(&b))
}

fn superset(_cx: &mut dyn FilterContext, value: Value, args: CallArgs) -> PyResult<Value> {
    let (a, b) = both(&value, args, "issuperset")?;
    answer(b.is_subset(&a))
}

fn only(args: &CallArgs, name: &str) -> PyResult<()> {
    if !args.keyword.is_empty() {
        return Err(PyError::type_error(format!("{name}() takes no keyword arguments")));
    }
    match args.positional.len() {
        0 => Ok(()),
        n => Err(PyError::type_error(format!(
            "{name}() takes exactly one argument ({} given)",
            n + 1
        ))),
    }
}

fn all(_cx: &mut dyn FilterContext, value: Value, args: CallArgs) -> PyResult<Value> {
    only(&args, "all")?;
    for item in access::iterate(&value)? {
        if !ops::truth(&item)? {
            return answer(false);
        }
    }
    answer(true)
}

fn any(_cx: &mut dyn FilterContext, value: Value, args: CallArgs) -> PyResult<Value> {
    only(&args, "any")?;
    for item in access::iterate(&value)? {
        if ops::truth(&item)? {
            return answer(true);
        }
    }
    answer(false)
}

fn nan(_cx: &mut dyn FilterContext, value: Value, args: CallArgs) -> PyResult<Value> {
    let [] = args.bind("isnotanumber", &["x"], &[], 0)?;
    let settled = ops::operand(&value)?;
    answer(matches!(Number::of(&settled), Some(Number::Float(f)) if f.is_nan()))
}
