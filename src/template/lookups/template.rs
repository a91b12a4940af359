//! `template`: files rendered as templates.

use std::{path::PathBuf, sync::Arc};

use indexmap::IndexMap;

use super::{
    Call, Lookup,
    options::{Default, Opt, Options, Type},
};
use crate::{
    template::{
        FileOptions,
        file::{render_text, template_vars},
        templar::ansible,
    },
    value::{PyResult, StrClass, Value, access, repr::to_str, repr::to_text},
};

pub(super) static LOOKUP: Lookup = Lookup::builtin(
    "template",
    "The text of files, rendered as templates.",
    &[
        Opt::new("convert_data", Type::Bool).default(Default::Bool(true)),
        Opt::new("variable_start_string", Type::Text).default(Default::Text("{{")),
        Opt::new("variable_end_string", Type::Text).default(Default::Text("}}")),
        Opt::new("jinja2_native", Type::Bool).default(Default::Bool(false)),
        Opt::new("template_vars", Type::Dict).default(Default::Dict),
        Opt::new("comment_start_string", Type::Text),
        Opt::new("comment_end_string", Type::Text),
    ],
    run,
);

fn run(call: &Call<'_>) -> PyResult<Vec<Value>> {
    let options = call.options()?;
    call.each()?.iter().map(|term| render(call, &options, term)).collect()
}

fn render(call: &Call<'_>, options: &Options, term: &Value) -> PyResult<Value> {
    let Some(path) = call.find("templates", term)? else {
        return Err(ansible(format!(
            "the template file {} could not be found for the lookup",
            to_text(term)?
        )));
    };
    let text = call.read_text(&path)?;
    let native = call.templar().environment().settings.native;
    let keeps_types = native && options.is("jinja2_native");
    let mut names: IndexMap<Arc<str>, Value> = IndexMap::new();
    for (name, value) in template_vars(&to_text(term)?, &path, "", call.templar()) {
        names.insert(name.into(), value);
    }
    if let Some(more) = access::as_dict(&options.get("template_vars")) {
        let more = more.snapshot().into_iter();
        names.extend(more.filter_map(|(k, v)| Some((k.as_str()?.into(), v))));
    }
    let mut search_paths: Vec<PathBuf> = path.parent().map(PathBuf::from).into_iter().collect();
    for folder in call.listed_search_path() {
        search_paths.extend([folder.join("templates"), folder]);
    }
    let templar = call.templar().with_locals(names);
    let base = templar.syntax().clone();
    let file = FileOptions {
        newline_sequence: base.newline_sequence.clone(),
        variable_start: options.text("variable_start_string")?,
        variable_end: options.text("variable_end_string")?,
        comment_start: options.text("comment_start_string")?,
        comment_end: options.text("comment_end_string")?,
        trim_blocks: base.trim_blocks,
        lstrip_blocks: base.lstrip_blocks,
        ..FileOptions::default()
    };
    let converts = options.is("convert_data");
    let templar = templar.copied(file.syntax(&base), keeps_types, search_paths);
    let value = render_text(&templar, &text, converts)?;
    if native && !keeps_types || !converts {
        return Ok(Value::Str(to_str(&value)?.with_class(StrClass::Native)));
    }
    Ok(value)
}
