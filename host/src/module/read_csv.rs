//! `read_csv`: tables of comma-separated values.

use crate::csv::{Dialect, read};
use crate::data::{Data, Map};
use crate::module::{Args, CheckMode, Context, Failure, Kind, Module, Opt, Outcome, Returned};
use crate::python::{self, Subject};

pub static MODULE: Module = Module {
    collection: "community.general",
    aliases: &["ansible.builtin.read_csv"],
    description: "Reads a table of comma-separated values of the host: a list of rows, or rows by their key.",
    options: &[
        Opt::path("path").required().aliases(&["filename"]).doc("The file."),
        Opt::str("key").doc("The column that names rows: they come as a dictionary then."),
        Opt::str("dialect").or_str("excel").doc("`excel`, `excel-tab` or `unix`."),
        Opt::list("fieldnames", Kind::Str)
            .doc("The names of the columns, if the first row has none."),
        Opt::bool("unique").or(true).doc("Fail if two rows have the same key."),
        Opt::str("delimiter").doc("What stands between cells."),
        Opt::bool("skipinitialspace").doc("Leave out a space after that."),
        Opt::bool("strict").doc("Fail where quotes are wrong."),
    ],
    check_mode: CheckMode::Full,
    returns: &[
        Returned::new("dict", "dict", "with `key`", "The rows by their key."),
        Returned::new("list", "list", "without `key`", "The rows."),
    ],
    examples: "- name: Who is to have an account\n  community.general.read_csv:\n    path: /etc/staff.csv\n    key: name\n  register: staff\n",
    ..Module::builtin("read_csv", "Reads tables of comma-separated values", run)
};

fn run(cx: &mut Context<'_>, args: &mut Args) -> Result<Outcome, Failure> {
    let dialect = dialect(args)?;
    let path = args.path("path");
    let text = cx.target.read(&path).map_err(|error| {
        let why = python::os_error(&error, Subject::Text(&path));
        Failure::new(format!("Unable to open file: {why}"))
    })?;
    let text = String::from_utf8_lossy(&text);
    let rows = read(text.strip_prefix('\u{feff}').unwrap_or(&text), &dialect)
        .map_err(|why| Failure::new(format!("Unable to process file: {why}")))?;
    let mut rows = rows.into_iter();
    let fields = match args.is_given("fieldnames") {
        true => args.strings("fieldnames"),
        false => rows.next().unwrap_or_default(),
    };
    let rows = rows.filter(|row| !row.is_empty()).map(|row| named(&fields, row));
    let Some(key) = args.str("key") else {
        let list: Vec<Data> = rows.map(Data::from).collect();
        return Ok(Outcome::silent().with("dict", Map::new()).with("list", list));
    };
    if !key.is_empty() && !fields.iter().any(|field| field == key) {
        let known = fields.join(", ");
        return Err(Failure::new(format!(
            "Key '{key}' was not found in the CSV header fields: {known}"
        )));
    }
    let mut by_key = Map::new();
    for row in rows {
        let value = match row.get(key) {
            None => return Err(Failure::crash("KeyError", python::repr_str(key))),
            Some(Data::String(text)) => text.clone(),
            // A row that ends before its key.
            Some(_) => "null".to_owned(),
        };
        if args.bool("unique") && by_key.contains_key(&value) {
            let value = if value == "null" { "None" } else { &value };
            return Err(Failure::new(format!("Key '{key}' is not unique for value '{value}'")));
        }
        by_key.insert(value, row.into());
    }
    Ok(Outcome::silent().with("dict", by_key).with("list", Vec::<Data>::new()))
}

fn dialect(args: &Args) -> Result<Dialect, Failure> {
    let mut dialect = Dialect::named(args.req("dialect"))?;
    if let Some(delimiter) = args.str("delimiter") {
        let mut chars = delimiter.chars();
        dialect.delimiter = match (chars.next(), chars.next()) {
            (Some(one), None) => one,
            _ => {
                return Err(Failure::new(
                    "Unable to create custom dialect: \"delimiter\" must be a 1-character string",
                ));
            }
        };
    }
    dialect.skip_initial_space = args.bool("skipinitialspace");
    dialect.strict = args.bool("strict");
    Ok(dialect)
}

/// A row as a dictionary. What there is beyond the columns stands under `null`, what is missing is null.
fn named(fields: &[String], row: Vec<String>) -> Map {
    let mut cells = row.into_iter().map(Data::from);
    let mut map = Map::new();
    for field in fields {
        map.insert(field.clone(), cells.next().unwrap_or_default());
    }
    let rest: Vec<Data> = cells.collect();
    if !rest.is_empty() {
        map.insert("null".into(), rest.into());
    }
    map
}

#[cfg(test)]
mod tests {
    use crate::call::Call;
    use crate::target::fake::Fake;
    use serde_json::{Value, json};

    fn call(args: Value) -> Value {
        let mut fake = Fake::new().file("/t.csv", "name;uid\nann;1\nann;2;more\nbob\n");
        Call::new("read_csv", args).run_on(&mut fake).into()
    }

    #[test]
    fn rows() {
        let told = call(json!({"path": "/t.csv", "delimiter": ";"}));
        let rows = json!([
            {"name": "ann", "uid": "1"},
            {"name": "ann", "uid": "2", "null": ["more"]},
            {"name": "bob", "uid": null},
        ]);
        assert_eq!(told["list"], rows);
        let told = call(json!({"path": "/t.csv", "delimiter": ";", "key": "name"}));
        assert_eq!(told["msg"], "Key 'name' is not unique for value 'ann'");
        let told = call(json!({"path": "/t.csv", "key": "none"}));
        assert_eq!(told["msg"], "Key 'none' was not found in the CSV header fields: name;uid");
    }
}
