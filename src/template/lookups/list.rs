//! `list`: the terms as they are.

use super::{Call, Lookup};
use crate::{
    template::templar::ansible,
    value::{PyResult, Value, access},
};

pub(super) static LOOKUP: Lookup = Lookup::builtin("list", "Items as they are.", &[], run);

fn run(call: &Call<'_>) -> PyResult<Vec<Value>> {
    if !access::is_sequence(&call.terms) {
        return Err(ansible("with_list expects a list"));
    }
    call.each()
}
