//! `from_csv`.

use super::Filter;
use crate::template::{CallArgs, FilterContext, args::flag};
use crate::value::{Dict, PyError, PyResult, Value, access, ops::to_key, repr::to_text};
use vmstation_host::csv::{Dialect, read};

pub(super) static FILTERS: &[Filter] = &[Filter::collection(
    "community.general",
    "from_csv",
    "A list of dicts out of comma-separated values.",
    from_csv,
)];

fn from_csv(_cx: &mut dyn FilterContext, value: Value, args: CallArgs) -> PyResult<Value> {
    let [dialect, fields, delimiter, skip_space, strict] = args.bind(
        "from_csv",
        &["data"],
        &["dialect", "fieldnames", "delimiter", "skipinitialspace", "strict"],
        0,
    )?;
    let name = dialect.map_or_else(|| Ok("excel".to_owned()), |d| to_text(&d))?;
    let mut dialect = Dialect::named(&name).map_err(PyError::filter)?;
    if let Some(delimiter) = delimiter.filter(|d| !d.is_none()) {
        let text = to_text(&delimiter)?;
        let mut chars = text.chars();
        dialect.delimiter = match (chars.next(), chars.next()) {
            (Some(c), None) => c,
            _ => {
                return Err(PyError::filter(
                    "Unable to create custom dialect: \"delimiter\" must be a 1-character string",
                ));
            }
        };
    }
    dialect.skip_initial_space = flag(skip_space.filter(|s| !s.is_none()).as_ref(), false)?;
    dialect.strict = flag(strict.filter(|s| !s.is_none()).as_ref(), false)?;
    let text = to_text(&value)?;
    let rows = read(text.strip_prefix('\u{feff}').unwrap_or(&text), &dialect)
        .map_err(|e| PyError::filter(format!("Unable to process file: {e}")))?;
    let mut rows = rows.into_iter();
    let fields: Vec<Value> = match fields.filter(|f| !f.is_none()) {
        Some(fields) => access::iterate(&fields)?,
        None => rows.next().unwrap_or_default().into_iter().map(Value::from).collect(),
    };
    let mut out = Vec::new();
    for row in rows.filter(|row| !row.is_empty()) {
        let dict = Dict::new();
        let mut cells = row.into_iter().map(Value::from);
        for field in &fields {
            let cell = cells.next().unwrap_or(Value::None);
            dict.write().insert(to_key(field.clone())?, cell);
        }
        let rest: Vec<Value> = cells.collect();
        if !rest.is_empty() {
            dict.write().insert(to_key(Value::None)?, Value::list(rest));
        }
        out.push(dict.into());
    }
    Ok(Value::list(out))
}
