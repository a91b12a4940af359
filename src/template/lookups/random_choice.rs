//! `random_choice`: one of the items.

use super::{Call, Lookup};
use crate::value::{PyResult, Value, random::Random};

pub(super) static LOOKUP: Lookup =
    Lookup::builtin("random_choice", "One of the items, drawn by lot.", &[], run);

fn run(call: &Call<'_>) -> PyResult<Vec<Value>> {
    let mut terms = call.each()?;
    if terms.is_empty() {
        return Ok(terms);
    }
    let at = Random::System.below(terms.len())?;
    Ok(vec![terms.swap_remove(at)])
}
