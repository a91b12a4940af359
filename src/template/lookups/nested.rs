//! `nested`: every combination of the items of lists.

use super::{Call, Lookup, flatten};
use crate::{
    template::templar::ansible,
    value::{PyResult, Value, access},
};

pub(super) static LOOKUP: Lookup =
    Lookup::builtin("nested", "Every combination of the items of lists.", &[], run);

fn run(call: &Call<'_>) -> PyResult<Vec<Value>> {
    let terms = call.each()?;
    let lists = terms.iter().map(|term| call.listify(term)).collect::<PyResult<Vec<_>>>()?;
    let mut lists = lists.into_iter();
    let Some(first) = lists.next() else {
        return Err(ansible("with_nested requires at least one element in the nested list"));
    };
    let mut combined = access::iterate(&first)?;
    for list in lists {
        let right = access::iterate(&list)?;
        let pair = |a: &Value| {
            right.iter().map(|b| Value::list(flatten(vec![a.clone(), b.clone()]))).collect()
        };
        combined = combined.iter().flat_map(|a| -> Vec<Value> { pair(a) }).collect();
    }
    combined.iter().map(|item| Ok(Value::list(flatten(access::iterate(item)?)))).collect()
}
