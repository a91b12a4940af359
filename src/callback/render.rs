//! Results as text: JSON or YAML, with or without the parts that only a careful reader wants.

use crate::{
    event::Report,
    value::{
        Dict, Key, Value,
        json::{self, Layout},
    },
    yaml,
};

/// How results are written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ResultFormat {
    /// JSON.
    #[default]
    Json,
    /// YAML.
    Yaml,
}

/// How a callback writes results and what else it shows of structured data.
pub trait ResultText: Send {
    /// A result; `indent` asks for several lines.
    fn result(&self, report: &Report, verbosity: u8, indent: Option<usize>) -> String;

    /// Any dict as results are written.
    fn dict(&self, data: &Dict, indent: Option<usize>) -> String;

    /// A side of a diff that is a dict.
    fn diff_side(&self, data: &Value) -> String;

    /// Whether a result without text is one that has no form.
    fn always_says_something(&self) -> bool {
        true
    }
}

/// `result_format` and `pretty_results`.
#[derive(Clone, Copy, Debug, Default)]
pub struct ResultOptions {
    /// JSON or YAML.
    pub format: ResultFormat,
    /// Over several lines; by default only where it helps.
    pub pretty: Option<bool>,
}

impl ResultText for ResultOptions {
    fn result(&self, report: &Report, verbosity: u8, indent: Option<usize>) -> String {
        let data = abridged(&report.result, verbosity);
        self.dump_dict(&data, report.verbose_always, verbosity, indent)
    }

    fn dict(&self, data: &Dict, indent: Option<usize>) -> String {
        self.dump_dict(data, false, 0, indent)
    }

    fn diff_side(&self, data: &Value) -> String {
        match self.format {
            ResultFormat::Json => {
                let text = data.as_dict().map(|d| dump_json(d, Some(4), true));
                format!("{}\n", text.unwrap_or_default())
            }
            ResultFormat::Yaml => {
                let lossy = self.pretty != Some(false);
                format!("{}\n", indented(&dump_yaml(data, lossy, Some(4)), 4))
            }
        }
    }
}

impl ResultOptions {
    fn dump_dict(
        self,
        data: &Dict,
        verbose_always: bool,
        verbosity: u8,
        indent: Option<usize>,
    ) -> String {
        let several_lines = verbose_always
            || (self.pretty.is_none() && self.format == ResultFormat::Yaml)
            || self.pretty == Some(true)
            || verbosity > 2;
        let mut indent = indent.filter(|n| *n > 0).or(several_lines.then_some(4)).or(indent);
        if self.pretty == Some(false) {
            indent = None;
        }
        match self.format {
            ResultFormat::Json => dump_json(data, indent, false),
            ResultFormat::Yaml => self.dump_yaml(data, indent),
        }
    }

    fn dump_yaml(self, data: &Dict, indent: Option<usize>) -> String {
        let lossy = self.pretty != Some(false);
        let data = data.copy();
        if lossy {
            omit_lines(&data);
        }
        let text = dump_yaml(&Value::Dict(data), lossy, indent);
        format!("\n{}", indented(&text, indent.unwrap_or(4)))
    }
}

/// Says once what a result has twice.
pub fn omit_lines(data: &Dict) {
    for (all, lines) in [("stdout", "stdout_lines"), ("stderr", "stderr_lines")] {
        if data.contains(all) && data.contains(lines) {
            data.insert(lines, "<omitted>");
        }
    }
}

/// The value with lists and dicts of its own: callbacks get copies in which nothing is shared, so
/// that YAML has no anchors.
pub fn unshared(value: &Value) -> Value {
    match value {
        Value::List(l) => l.snapshot().iter().map(unshared).collect(),
        Value::Dict(d) => {
            Value::Dict(d.snapshot().into_iter().map(|(k, v)| (k, unshared(&v))).collect::<Dict>())
        }
        other => other.clone(),
    }
}

/// JSON with sorted keys; keys that Python can't sort are sorted by their text.
fn dump_json(data: &Dict, indent: Option<usize>, ensure_ascii: bool) -> String {
    let layout = Layout {
        indent: indent.map(|n| " ".repeat(n)),
        item_separator: if indent.is_some() { "," } else { ", " }.to_owned(),
        sort_keys: true,
        ensure_ascii,
        vault_to_text: false,
        ..Layout::default()
    };
    json::dumps_ansible(&Value::Dict(data.clone()), &layout).unwrap_or_else(|_| {
        let mut entries: Vec<(Key, Value)> = data.snapshot();
        entries.sort_by_key(|(k, _)| k.value().to_text());
        let sorted: Dict = entries.into_iter().collect();
        let layout = Layout { sort_keys: false, skip_keys: true, ..layout };
        json::dumps_ansible(&Value::Dict(sorted), &layout).unwrap_or_default()
    })
}

fn dump_yaml(data: &Value, lossy: bool, indent: Option<usize>) -> String {
    let indent = indent.and_then(|n| i32::try_from(n).ok());
    yaml::dump(&unshared(data), &yaml::DumpOptions::callback(indent, lossy)).unwrap_or_default()
}

/// Every line that is not blank, moved to the right.
fn indented(text: &str, by: usize) -> String {
    let pad = " ".repeat(by);
    text.split_inclusive('\n')
        .map(|l| if l.trim().is_empty() { l.to_owned() } else { format!("{pad}{l}") })
        .collect()
}

/// A result without what only `-vvv` shows.
pub fn abridged(result: &Dict, verbosity: u8) -> Dict {
    let data = result.copy();
    if verbosity < 3 {
        data.remove("invocation");
        data.remove("diff");
    }
    data.remove("exception");
    let internal: Vec<String> = data
        .read()
        .keys()
        .filter_map(|k| k.as_str())
        .filter(|k| k.starts_with("_ansible_"))
        .map(str::to_owned)
        .collect();
    for key in internal {
        data.remove(&key);
    }
    data
}
