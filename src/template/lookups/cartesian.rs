//! `cartesian`: every combination of the items of lists.

use super::{Call, Lookup, flatten};
use crate::{
    template::templar::ansible,
    value::{PyResult, Value, access},
};

pub(super) static LOOKUP: Lookup =
    Lookup::community("cartesian", "Every combination of the items of lists.", &[], run);

fn run(call: &Call<'_>) -> PyResult<Vec<Value>> {
    let lists = call.each()?.iter().map(|t| call.listify(t)).collect::<PyResult<Vec<_>>>()?;
    if lists.is_empty() {
        return Err(ansible("with_cartesian requires at least one element in each list"));
    }
    let mut rows: Vec<Vec<Value>> = vec![Vec::new()];
    for list in &lists {
        let items = access::iterate(list)?;
        rows = rows
            .iter()
            .flat_map(|row| {
                items.iter().map(|item| row.iter().chain([item]).cloned().collect::<Vec<_>>())
            })
            .collect();
    }
    Ok(rows.into_iter().map(|row| Value::list(flatten(row))).collect())
}
