//! `csvfile`: cells of tables.

use std::path::Path;

use super::{
    Call, Lookup,
    options::{Default, Opt, Options, Type},
};
use crate::{
    splitter::parse_kv,
    template::{args::to_int, templar::ansible},
    value::{PyError, PyErrorKind, PyResult, Value, codec, repr::to_text},
};
use vmstation_host::csv::{self, Dialect};

pub(super) static LOOKUP: Lookup = Lookup::builtin(
    "csvfile",
    "A cell of the row of a table that begins with a key.",
    &[
        Opt::new("col", Type::Any).default(Default::Text("1")),
        Opt::new("default", Type::Any),
        Opt::new("delimiter", Type::Any).default(Default::Text("TAB")),
        Opt::new("file", Type::Any).default(Default::Text("ansible.csv")),
        Opt::new("encoding", Type::Any).default(Default::Text("utf-8")),
    ],
    run,
);

fn run(call: &Call<'_>) -> PyResult<Vec<Value>> {
    let mut options = call.options()?;
    let mut found = Vec::new();
    for term in call.each()? {
        let pairs = parse_kv(&to_text(&term)?, false).map_err(|e| ansible(e.message()))?;
        let Some(key) = pairs.remove("_raw_params") else {
            return Err(ansible("Search key is required but was not found"));
        };
        // What one term sets holds for those after it, too.
        for (name, value) in pairs.snapshot() {
            let name = name.value().to_text();
            if !options.has(&name) {
                return Err(PyError::new(
                    PyErrorKind::Other("ansible.errors.AnsibleAssertionError"),
                    format!("{name} is not a valid option"),
                ));
            }
            options.set(&name, value);
        }
        if options.get("delimiter").as_str() == Some("TAB") {
            options.set("delimiter", Value::str("\t"));
        }
        let path = call.find("files", &options.get("file"))?;
        let cell = cell(path.as_deref(), &to_text(&key)?, &options)
            .map_err(|e| ansible(format!("csvfile: {}", e.message)))?;
        match cell {
            Value::None => {}
            Value::List(cells) => found.extend(cells.snapshot()),
            other => found.push(other),
        }
    }
    Ok(found)
}

/// The cell in the row that `key` begins.
fn cell(path: Option<&Path>, key: &str, options: &Options) -> PyResult<Value> {
    let os = |why: String| PyError::new(PyErrorKind::OSError, why);
    let Some(path) = path else {
        // What Python says when it opens the bytes of `None`.
        return Err(os("[Errno 2] No such file or directory: b'None'".to_owned()));
    };
    let bytes = std::fs::read(path).map_err(|e| {
        let why = crate::diagnostic::ansible::os_error(&e, None);
        os(format!("{why}: b'{}'", path.display()))
    })?;
    let text = codec::decode(&bytes, &to_text(&options.get("encoding"))?, "strict")?;
    let delimiter = to_text(&options.get("delimiter"))?;
    let mut chars = delimiter.chars();
    let (Some(delimiter), None) = (chars.next(), chars.next()) else {
        return Err(PyError::type_error("\"delimiter\" must be a 1-character string"));
    };
    let dialect = Dialect { delimiter, skip_initial_space: false, strict: false };
    let rows = csv::read(&text, &dialect)
        .map_err(|e| PyError::new(PyErrorKind::Other("_csv.Error"), e))?;
    let Some(row) = rows.into_iter().find(|row| row.first().is_some_and(|cell| cell == key)) else {
        return Ok(options.get("default"));
    };
    let missing = || PyError::new(PyErrorKind::IndexError, "list index out of range");
    let Value::Int(column) = to_int(&options.get("col"))? else { return Err(missing()) };
    let len = i64::try_from(row.len()).unwrap_or(i64::MAX);
    let at = if column < 0 { column + len } else { column };
    let cell = usize::try_from(at).ok().and_then(|at| row.get(at));
    cell.map(|cell| Value::str(cell.as_str())).ok_or_else(missing)
}
