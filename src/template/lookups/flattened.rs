//! `flattened`: one list of all items of lists within lists.

use super::{Call, Lookup};
use crate::{
    template::templar::ansible,
    value::{PyResult, Value, ops},
};

pub(super) static LOOKUP: Lookup = Lookup::community(
    "flattened",
    "The items of lists, however deep they lie in further lists.",
    &[],
    run,
);

fn run(call: &Call<'_>) -> PyResult<Vec<Value>> {
    let Value::List(terms) = &call.terms else {
        return Err(ansible("with_flattened expects a list"));
    };
    let mut flat = Vec::new();
    flatten_into(call, &terms.snapshot(), &mut flat)?;
    Ok(flat)
}

fn flatten_into(call: &Call<'_>, terms: &[Value], flat: &mut Vec<Value>) -> PyResult<()> {
    for term in terms {
        let mut term = only_item(term.clone());
        // Text of this kind ends the list that it stands in.
        if matches!(term.as_str(), Some("None" | "null")) {
            break;
        }
        if term.as_str().is_some() {
            let listed = call.listify(&term)?;
            if !ops::eq(&listed, &Value::list(vec![term.clone()]))? {
                term = listed;
            }
        }
        match term {
            Value::List(inner) => flatten_into(call, &inner.snapshot(), flat)?,
            other => flat.push(other),
        }
    }
    Ok(())
}

/// What a list of one list of one item holds at last.
fn only_item(mut term: Value) -> Value {
    loop {
        let Value::List(list) = &term else { return term };
        let items = list.snapshot();
        let [only] = items.as_slice() else { return term };
        term = only.clone();
    }
}
