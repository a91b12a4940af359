//! Arguments of filters, tests, methods and functions, bound to parameters as Python binds them.

use indexmap::IndexMap;

use crate::value::{
    Number, PyError, PyErrorKind, PyResult, Value,
    number::float_to_bigint,
    ops::{operand, settle},
    repr::{repr, str_repr},
    types::type_name,
};

/// The arguments of a call, beyond the filtered value or the receiver.
#[derive(Clone, Debug, Default)]
pub struct CallArgs {
    /// Arguments by place.
    pub positional: Vec<Value>,
    /// Arguments by name.
    pub keyword: IndexMap<String, Value>,
}

/// The arguments of named parameters, in their order.
pub type Bound<const N: usize> = [Option<Value>; N];

impl CallArgs {
    /// No arguments.
    pub fn none() -> Self {
        Self::default()
    }

    /// Arguments by place alone.
    pub fn positional(positional: Vec<Value>) -> Self {
        Self { positional, keyword: IndexMap::new() }
    }

    /// Binds to `params` of the Python function `function`, of which the first `required` have no
    /// default. `before` names the parameters that the engine fills itself (environment, value).
    pub fn bind<const N: usize>(
        self,
        function: &str,
        before: &[&str],
        params: &[&str; N],
        required: usize,
    ) -> PyResult<[Option<Value>; N]> {
        // Python looks at the keywords first, then at the number of the others.
        for name in self.keyword.keys() {
            let place = params.iter().position(|p| p == name);
            let is_given = place.is_some_and(|i| i < self.positional.len());
            let why = match place {
                _ if is_given || before.contains(&name.as_str()) => {
                    "got multiple values for argument"
                }
                None => "got an unexpected keyword argument",
                Some(_) => continue,
            };
            return Err(PyError::type_error(format!("{function}() {why} {}", str_repr(name))));
        }
        self.bind_keywords(function, before, params, required).map(|(bound, _)| bound)
    }

    /// The same for a function that takes any further keywords, which are given back.
    pub fn bind_keywords<const N: usize>(
        self,
        function: &str,
        before: &[&str],
        params: &[&str; N],
        required: usize,
    ) -> PyResult<(Bound<N>, IndexMap<String, Value>)> {
        if self.positional.len() > N {
            return Err(too_many(function, before.len(), N, required, self.positional.len()));
        }
        self.bind_all(function, before, params, required).map(|(bound, _, rest)| (bound, rest))
    }

    /// The same for a function that also takes any further arguments by place.
    pub fn bind_all<const N: usize>(
        self,
        function: &str,
        before: &[&str],
        params: &[&str; N],
        required: usize,
    ) -> PyResult<(Bound<N>, Vec<Value>, IndexMap<String, Value>)> {
        let mut bound = [const { None }; N];
        let mut places = self.positional.into_iter();
        for (slot, value) in bound.iter_mut().zip(places.by_ref()) {
            *slot = Some(value);
        }
        let mut rest = IndexMap::new();
        for (name, value) in self.keyword {
            let multiple = || {
                PyError::type_error(format!(
                    "{function}() got multiple values for argument {}",
                    str_repr(&name)
                ))
            };
            if before.contains(&name.as_str()) {
                return Err(multiple());
            }
            match params.iter().position(|p| *p == name) {
                Some(i) if bound[i].is_some() => return Err(multiple()),
                Some(i) => bound[i] = Some(value),
                None => {
                    rest.insert(name, value);
                }
            }
        }
        let missing: Vec<&str> = params
            .iter()
            .zip(&bound)
            .take(required)
            .filter(|(_, value)| value.is_none())
            .map(|(name, _)| *name)
            .collect();
        if !missing.is_empty() {
            return Err(missing_arguments(function, &missing));
        }
        Ok((bound, places.collect(), rest))
    }

    /// Checks that there are no arguments, as for a function written in C.
    pub fn expect_none(&self, function: &str) -> PyResult<()> {
        if !self.keyword.is_empty() {
            return Err(PyError::type_error(format!("{function}() takes no keyword arguments")));
        }
        if !self.positional.is_empty() {
            return Err(PyError::type_error(format!(
                "{function}() takes no arguments ({} given)",
                self.positional.len()
            )));
        }
        Ok(())
    }
}

pub(super) fn too_many(
    function: &str,
    before: usize,
    params: usize,
    required: usize,
    given: usize,
) -> PyError {
    let most = before + params;
    let least = before + required;
    let takes = if least == most {
        format!("{most} positional argument{}", if most == 1 { "" } else { "s" })
    } else {
        format!("from {least} to {most} positional arguments")
    };
    let given = before + given;
    let were = if given == 1 { "was" } else { "were" };
    PyError::type_error(format!("{function}() takes {takes} but {given} {were} given"))
}

pub(super) fn missing_arguments(function: &str, names: &[&str]) -> PyError {
    let quoted: Vec<String> = names.iter().map(|n| format!("'{n}'")).collect();
    let listed = match quoted.as_slice() {
        [one] => one.clone(),
        [first, second] => format!("{first} and {second}"),
        [first @ .., last] => format!("{}, and {last}", first.join(", ")),
        [] => String::new(),
    };
    let plural = if names.len() == 1 { "" } else { "s" };
    PyError::type_error(format!(
        "{function}() missing {} required positional argument{plural}: {listed}",
        names.len()
    ))
}

/// The truth of an optional argument.
pub fn flag(value: Option<&Value>, default: bool) -> PyResult<bool> {
    value.map_or(Ok(default), crate::value::ops::truth)
}

/// An argument used where Python wants an index (`range`, slices, repeat counts).
pub fn index(value: &Value) -> PyResult<i64> {
    match settle(value)?.as_ref() {
        Value::Bool(b) => Ok(i64::from(*b)),
        Value::Int(n) => Ok(*n),
        Value::BigInt(_) => Err(PyError::new(
            PyErrorKind::OverflowError,
            "Python int too large to convert to C ssize_t",
        )),
        _ => Err(PyError::type_error(format!(
            "'{}' object cannot be interpreted as an integer",
            type_name(value)
        ))),
    }
}

/// `int(value)`.
pub fn to_int(value: &Value) -> PyResult<Value> {
    let v = operand(value)?;
    match v.as_ref() {
        Value::Str(s) => match crate::value::number::parse_int(s, 10) {
            Some(n) => Ok(Value::big(n)),
            None => Err(PyError::value_error(format!(
                "invalid literal for int() with base 10: {}",
                str_repr(s)
            ))),
        },
        Value::Float(f) => match float_to_bigint(*f) {
            Some(n) => Ok(Value::big(n)),
            None if f.is_nan() => Err(PyError::value_error("cannot convert float NaN to integer")),
            None => Err(PyError::new(
                PyErrorKind::OverflowError,
                "cannot convert float infinity to integer",
            )),
        },
        other => match Number::of(other) {
            Some(Number::Int(n)) => Ok(Value::Int(n)),
            Some(_) => Ok(other.clone()),
            None => Err(PyError::type_error(format!(
                "int() argument must be a string, a bytes-like object or a real number, not '{}'",
                type_name(value)
            ))),
        },
    }
}

fn no_float(shown: &str) -> PyError {
    PyError::value_error(format!("could not convert string to float: {shown}"))
}

/// `float(value)`.
pub fn to_float(value: &Value) -> PyResult<f64> {
    let v = operand(value)?;
    match v.as_ref() {
        Value::Str(s) => crate::value::number::parse_float(s)
            .ok_or_else(|| no_float(&repr(&v).unwrap_or_default())),
        Value::Bytes(b) => {
            let number = std::str::from_utf8(b).ok().and_then(crate::value::number::parse_float);
            number.map_or_else(|| Err(no_float(&repr(&v)?)), Ok)
        }
        other => match Number::of(other) {
            Some(n) => n.to_f64().ok_or_else(|| {
                PyError::new(PyErrorKind::OverflowError, "int too large to convert to float")
            }),
            None => Err(PyError::type_error(format!(
                "float() argument must be a string or a real number, not '{}'",
                type_name(value)
            ))),
        },
    }
}

/// A number as functions of `math` take it.
pub fn real(value: &Value) -> PyResult<f64> {
    let v = operand(value)?;
    match Number::of(v.as_ref()) {
        Some(n) => n.to_f64().ok_or_else(|| {
            PyError::new(PyErrorKind::OverflowError, "int too large to convert to float")
        }),
        None => Err(PyError::type_error(format!("must be real number, not {}", type_name(value)))),
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    fn message(args: CallArgs, required: usize) -> String {
        args.bind("do_x", &["env", "value"], &["a", "b"], required).unwrap_err().message
    }

    #[test]
    fn binding_and_its_errors() {
        let n = Value::Int;
        let keyword = |name: &str| [(name.to_owned(), n(1))].into();
        let args = CallArgs { positional: vec![n(1)], keyword: keyword("b") };
        let [a, b] = args.bind("do_x", &[], &["a", "b"], 2).unwrap();
        assert!(matches!((a, b), (Some(Value::Int(1)), Some(Value::Int(1)))));
        let many = CallArgs::positional(vec![n(1), n(2), n(3)]);
        assert_eq!(
            message(many.clone(), 2),
            "do_x() takes 4 positional arguments but 5 were given"
        );
        assert_eq!(
            message(many, 1),
            "do_x() takes from 3 to 4 positional arguments but 5 were given"
        );
        assert_eq!(
            message(CallArgs::none(), 2),
            "do_x() missing 2 required positional arguments: 'a' and 'b'"
        );
        assert_eq!(
            message(CallArgs { positional: vec![], keyword: keyword("c") }, 0),
            "do_x() got an unexpected keyword argument 'c'"
        );
        assert_eq!(
            message(CallArgs { positional: vec![n(1)], keyword: keyword("a") }, 0),
            "do_x() got multiple values for argument 'a'"
        );
        assert_eq!(
            message(CallArgs { positional: vec![], keyword: keyword("value") }, 0),
            "do_x() got multiple values for argument 'value'"
        );
    }
}
