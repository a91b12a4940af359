//! `inventory_hostnames`: the hosts that patterns name.

use super::{Call, Lookup};
use crate::value::{PyResult, Value, repr::to_text};

pub(super) static LOOKUP: Lookup = Lookup::builtin(
    "inventory_hostnames",
    "The hosts of the inventory that patterns name.",
    &[],
    run,
);

fn run(call: &Call<'_>) -> PyResult<Vec<Value>> {
    let patterns = call.each()?.iter().map(to_text).collect::<PyResult<Vec<_>>>()?;
    // ansible gives nothing for a pattern that is wrong.
    let hosts = call.templar().environment().world.hosts(&patterns).unwrap_or_default();
    Ok(hosts.into_iter().map(Value::from).collect())
}
