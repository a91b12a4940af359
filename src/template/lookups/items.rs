//! `items`: lists, one level of lists within them opened.

use super::{Call, Lookup, flatten};
use crate::value::{PyResult, Value};

pub(super) static LOOKUP: Lookup =
    Lookup::builtin("items", "Items, and the items of lists among them.", &[], run);

fn run(call: &Call<'_>) -> PyResult<Vec<Value>> {
    call.each().map(flatten)
}
