//! Random choices.

use num_bigint::BigInt;

use super::Filter;
use crate::template::{CallArgs, FilterContext};
use crate::value::{
    Number, PyError, PyErrorKind, PyResult, Value, access,
    ops::{self, settle},
    random::Random,
    types::type_name,
};

pub(super) static FILTERS: &[Filter] = &[
    Filter::ansible("random", "A random item, or a random number below one.", random).anew(),
    Filter::ansible("shuffle", "The items in random order.", shuffle).anew(),
];

fn source(seed: Option<&Value>) -> PyResult<Random> {
    match seed {
        None | Some(Value::None) => Ok(Random::System),
        Some(seed) => Random::seeded(seed),
    }
}

/// A bound of the range: a false value gives the default.
fn bound(value: Option<&Value>, default: i64) -> PyResult<BigInt> {
    let Some(value) = value else { return Ok(BigInt::from(default)) };
    if !ops::truth(value)? {
        return Ok(BigInt::from(default));
    }
    match Number::of(settle(value)?.as_ref()) {
        Some(Number::Float(f)) if f.fract() == 0.0 => Ok(Number::Float(f)
            .to_f64()
            .and_then(crate::value::number::float_to_bigint)
            .unwrap_or_default()),
        Some(Number::Float(_)) => Err(PyError::value_error("non-integer arg for randrange()")),
        Some(n) => Ok(n.to_bigint().unwrap_or_default()),
        None => Err(PyError::type_error(format!(
            "'{}' object cannot be interpreted as an integer",
            type_name(value)
        ))),
    }
}

fn random(_cx: &mut dyn FilterContext, value: Value, args: CallArgs) -> PyResult<Value> {
    let [start, step, seed] =
        args.bind("rand", &["environment", "end"], &["start", "step", "seed"], 0)?;
    let mut source = source(seed.as_ref())?;
    if let Some(end) = Number::of(&value).and_then(|n| n.to_bigint()) {
        let (start, step) = (bound(start.as_ref(), 0)?, bound(step.as_ref(), 1)?);
        return source.range(&start, &end, &step).map(Value::big);
    }
    if !access::is_iterable(&value)? {
        return Err(PyError::filter("random can only be used on sequences and integers"));
    }
    let given = |v: &Option<Value>| v.as_ref().map_or(Ok(false), ops::truth);
    if given(&start)? || given(&step)? {
        return Err(PyError::filter("start and step can only be used with integer values"));
    }
    let len = access::len(&value)?;
    if len == 0 {
        return Err(PyError::new(PyErrorKind::IndexError, "Cannot choose from an empty sequence"));
    }
    let at = i64::try_from(source.below(len)?).unwrap_or(0);
    access::subscript(&value, &Value::Int(at))
}

fn shuffle(_cx: &mut dyn FilterContext, value: Value, args: CallArgs) -> PyResult<Value> {
    let [seed] = args.bind("randomize_list", &["mylist"], &["seed"], 0)?;
    // Python's filter gives back what it could not shuffle.
    let Ok(mut items) = access::iterate(&value) else { return Ok(value) };
    let seed = match seed {
        Some(seed) if ops::truth(&seed)? => Some(seed),
        _ => None,
    };
    match source(seed.as_ref()) {
        Ok(mut source) => source.shuffle(&mut items)?,
        Err(e) if e.is_type_error() => {}
        Err(e) => return Err(e),
    }
    Ok(Value::list(items))
}
