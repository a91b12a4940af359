//! `together`: lists side by side.

use super::{Call, Lookup, flatten};
use crate::{
    template::templar::ansible,
    value::{PyResult, Value, access},
};

pub(super) static LOOKUP: Lookup =
    Lookup::builtin("together", "The first items of lists, the second ones, and so on.", &[], run);

fn run(call: &Call<'_>) -> PyResult<Vec<Value>> {
    let lists = call.each()?.iter().map(|t| call.listify(t)).collect::<PyResult<Vec<_>>>()?;
    if lists.is_empty() {
        return Err(ansible("with_together requires at least one element in each list"));
    }
    let lists = lists.iter().map(access::iterate).collect::<PyResult<Vec<_>>>()?;
    let longest = lists.iter().map(Vec::len).max().unwrap_or(0);
    let row = |i: usize| {
        let cells = lists.iter().map(|l| l.get(i).cloned().unwrap_or(Value::None)).collect();
        Value::list(flatten(cells))
    };
    Ok((0..longest).map(row).collect())
}
