//! `indexed_items`: items with their numbers.

use super::{Call, Lookup, flatten};
use crate::{
    template::templar::ansible,
    value::{PyResult, Value},
};

pub(super) static LOOKUP: Lookup =
    Lookup::builtin("indexed_items", "Items with their numbers.", &[], run);

fn run(call: &Call<'_>) -> PyResult<Vec<Value>> {
    let Value::List(terms) = &call.terms else {
        return Err(ansible("with_indexed_items expects a list"));
    };
    let items = flatten(terms.snapshot()).into_iter();
    Ok((0..).zip(items).map(|(i, item)| Value::tuple(vec![Value::Int(i), item])).collect())
}
