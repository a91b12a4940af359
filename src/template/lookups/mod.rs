//! Lookups: one file each, registered by a line in the table below.

use std::sync::Arc;

use super::{CallArgs, Templar, eval::Run, templar::ansible};
use crate::value::{PyError, PyErrorKind, PyResult, Value};

/// `lookup(…)` and `query(…)` in a template.
pub(super) fn call(run: &Arc<Run>, args: CallArgs, wantlist: bool) -> PyResult<Value> {
    let _ = (run, args, wantlist);
    Err(ansible("lookups are not there yet"))
}

/// The items of `with_<name>: terms`.
pub(super) fn items(
    templar: &Templar,
    name: &str,
    terms: &Value,
    action: &str,
) -> PyResult<Vec<Value>> {
    let _ = (templar, terms, action, PyErrorKind::Ansible);
    let e: PyError = ansible(format!("lookup plugin ({name}) not found"));
    Err(e)
}
