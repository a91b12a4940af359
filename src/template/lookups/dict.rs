//! `dict`: the pairs of dicts.

use super::{Call, Lookup};
use crate::{
    template::templar::ansible,
    value::{Dict, PyResult, Value, access},
};

pub(super) static LOOKUP: Lookup =
    Lookup::builtin("dict", "The keys and values of dicts.", &[], run);

fn run(call: &Call<'_>) -> PyResult<Vec<Value>> {
    let terms = match &call.terms {
        Value::List(l) => l.snapshot(),
        other => vec![other.clone()],
    };
    let mut found = Vec::new();
    for term in terms {
        if !access::is_mapping(&term) {
            return Err(ansible("with_dict expects a dict"));
        }
        for key in access::iterate(&term)? {
            let value = access::subscript(&term, &key)?;
            let pair: Dict = [("key", key), ("value", value)].into_iter().collect();
            found.push(Value::Dict(pair));
        }
    }
    Ok(found)
}
