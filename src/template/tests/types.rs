//! Tests of what a value is.

use super::Test;
use crate::template::{CallArgs, FilterContext, filters};
use crate::value::{
    BoundMethod, Number, PyError, PyResult, StrClass, Value, access, ops::settle_typed,
    repr::to_text, types::class_repr,
};

pub(super) static TESTS: &[Test] = &[
    Test::jinja("defined", "Whether the value exists.", defined),
    Test::jinja("undefined", "Whether the value does not exist.", undefined),
    Test::jinja("none", "Whether it is none.", none),
    Test::jinja("boolean", "Whether it is true or false.", boolean),
    Test::jinja("true", "Whether it is true itself.", is_true),
    Test::jinja("false", "Whether it is false itself.", is_false),
    Test::jinja("integer", "Whether it is an integer (no boolean).", integer),
    Test::jinja("float", "Whether it is a float.", float),
    Test::jinja("number", "Whether it is a number (booleans count).", number),
    Test::jinja("string", "Whether it is text.", string),
    Test::jinja("mapping", "Whether it is a mapping.", mapping),
    Test::jinja("sequence", "Whether it has a length and items (text counts).", sequence),
    Test::jinja("iterable", "Whether it can be iterated.", iterable),
    Test::jinja("callable", "Whether it can be called.", callable),
    Test::jinja("escaped", "Whether it is escaped for HTML.", escaped),
    Test::jinja("lower", "Whether its text is lower case.", lower),
    Test::jinja("upper", "Whether its text is upper case.", upper),
    Test::jinja("filter", "Whether a filter of that name exists.", filter),
    Test::jinja("test", "Whether a test of that name exists.", test),
];

fn none_expected(args: CallArgs, function: &str) -> PyResult<()> {
    let [] = args.bind(function, &["value"], &[], 0)?;
    Ok(())
}

fn answer(value: bool) -> PyResult<Value> {
    Ok(Value::Bool(value))
}

fn defined(_cx: &mut dyn FilterContext, value: Value, args: CallArgs) -> PyResult<Value> {
    none_expected(args, "test_defined")?;
    answer(!value.is_undefined())
}

fn undefined(_cx: &mut dyn FilterContext, value: Value, args: CallArgs) -> PyResult<Value> {
    none_expected(args, "test_undefined")?;
    answer(value.is_undefined())
}

fn none(_cx: &mut dyn FilterContext, value: Value, args: CallArgs) -> PyResult<Value> {
    none_expected(args, "test_none")?;
    answer(value.is_none())
}

fn boolean(_cx: &mut dyn FilterContext, value: Value, args: CallArgs) -> PyResult<Value> {
    none_expected(args, "test_boolean")?;
    answer(matches!(value, Value::Bool(_)))
}

fn is_true(_cx: &mut dyn FilterContext, value: Value, args: CallArgs) -> PyResult<Value> {
    none_expected(args, "test_true")?;
    answer(matches!(value, Value::Bool(true)))
}

fn is_false(_cx: &mut dyn FilterContext, value: Value, args: CallArgs) -> PyResult<Value> {
    none_expected(args, "test_false")?;
    answer(matches!(value, Value::Bool(false)))
}

fn integer(_cx: &mut dyn FilterContext, value: Value, args: CallArgs) -> PyResult<Value> {
    none_expected(args, "test_integer")?;
    answer(matches!(value, Value::Int(_) | Value::BigInt(_)))
}

fn float(_cx: &mut dyn FilterContext, value: Value, args: CallArgs) -> PyResult<Value> {
    none_expected(args, "test_float")?;
    answer(matches!(value, Value::Float(_)))
}

fn number(_cx: &mut dyn FilterContext, value: Value, args: CallArgs) -> PyResult<Value> {
    none_expected(args, "test_number")?;
    answer(Number::of(&value).is_some())
}

fn string(_cx: &mut dyn FilterContext, value: Value, args: CallArgs) -> PyResult<Value> {
    none_expected(args, "test_string")?;
    // `AnsibleVaultEncryptedUnicode` is no `str`.
    answer(matches!(value, Value::Str(_)))
}

fn mapping(_cx: &mut dyn FilterContext, value: Value, args: CallArgs) -> PyResult<Value> {
    none_expected(args, "test_mapping")?;
    answer(access::is_mapping(&value))
}

fn sequence(_cx: &mut dyn FilterContext, value: Value, args: CallArgs) -> PyResult<Value> {
    none_expected(args, "test_sequence")?;
    answer(match &value {
        Value::Str(_) | Value::Bytes(_) | Value::Vaulted(_) => true,
        Value::Undefined(u) => u.lenient,
        Value::List(_) | Value::Tuple(_) | Value::Dict(_) => true,
        Value::Object(o) => o.is_sequence() || o.is_mapping(),
        _ => false,
    })
}

fn iterable(_cx: &mut dyn FilterContext, value: Value, args: CallArgs) -> PyResult<Value> {
    none_expected(args, "test_iterable")?;
    // A loop can be iterated by jinja2 alone.
    let is_loop = matches!(&value, Value::Object(o) if o.type_name() == "LoopContext");
    answer(is_loop || access::is_iterable(&value)?)
}

fn callable(_cx: &mut dyn FilterContext, value: Value, args: CallArgs) -> PyResult<Value> {
    // It is Python's own function.
    if !args.keyword.is_empty() {
        return Err(PyError::type_error("callable() takes no keyword arguments"));
    }
    if !args.positional.is_empty() {
        return Err(PyError::type_error(format!(
            "callable() takes exactly one argument ({} given)",
            args.positional.len() + 1
        )));
    }
    answer(match &value {
        // jinja2's undefined values have a `__call__` that fails.
        Value::Undefined(_) => true,
        Value::Object(o) => BoundMethod::downcast(&value).is_some() || o.is_callable(),
        _ => false,
    })
}

fn escaped(_cx: &mut dyn FilterContext, value: Value, args: CallArgs) -> PyResult<Value> {
    none_expected(args, "test_escaped")?;
    // ansible's undefined has every attribute, the one that tells escaped text included.
    let strict = matches!(&value, Value::Undefined(u) if !u.lenient);
    answer(strict || matches!(&value, Value::Str(s) if s.class() == StrClass::Markup))
}

fn cased(cx: &mut dyn FilterContext, value: &Value, method: &str) -> PyResult<Value> {
    let text = Value::from(to_text(value)?);
    crate::template::methods::call_method(cx, &text, method, CallArgs::none())
}

fn lower(cx: &mut dyn FilterContext, value: Value, args: CallArgs) -> PyResult<Value> {
    none_expected(args, "test_lower")?;
    cased(cx, &value, "islower")
}

fn upper(cx: &mut dyn FilterContext, value: Value, args: CallArgs) -> PyResult<Value> {
    none_expected(args, "test_upper")?;
    cased(cx, &value, "isupper")
}

/// The name whose registration is asked for.
fn name(value: &Value) -> PyResult<String> {
    match settle_typed(value)?.as_str() {
        Some(name) => Ok(name.to_owned()),
        None => Err(PyError::value_error(format!(
            "key must be a string, got {} instead",
            class_repr(value)
        ))),
    }
}

/// ansible's registries fail for a name that they don't have.
fn known(name: &str, is_known: impl Fn(&str) -> bool) -> PyResult<Value> {
    if is_known(name) {
        return answer(true);
    }
    Err(crate::template::filters::unknown_name(name))
}

fn filter(_cx: &mut dyn FilterContext, value: Value, args: CallArgs) -> PyResult<Value> {
    let [] = args.bind("test_filter", &["env", "value"], &[], 0)?;
    known(&name(&value)?, |n| filters::find(n).is_some())
}

fn test(_cx: &mut dyn FilterContext, value: Value, args: CallArgs) -> PyResult<Value> {
    let [] = args.bind("test_test", &["env", "value"], &[], 0)?;
    known(&name(&value)?, |n| super::find(n).is_some())
}
