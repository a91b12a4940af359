//! Results as text: JSON or YAML, with or without the parts that only a careful reader wants.

use crate::{
    event::Report,
    value::{Dict, Value, json},
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

/// `result_format` and `pretty_results`.
#[derive(Clone, Copy, Debug, Default)]
pub struct ResultOptions {
    /// JSON or YAML.
    pub format: ResultFormat,
    /// Over several lines; by default only where it helps.
    pub pretty: Option<bool>,
}

impl ResultOptions {
    /// A result as text; `indent` asks for several lines.
    pub fn dump(self, report: &Report, verbosity: u8, indent: Option<usize>) -> String {
        let data = abridged(&report.result, verbosity);
        self.dump_dict(&data, report.verbose_always, verbosity, indent)
    }

    /// Any dict as text, as results are written.
    pub fn dump_dict(
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
        let mut indent = indent.filter(|n| *n > 0).or(several_lines.then_some(4));
        if self.pretty == Some(false) {
            indent = None;
        }
        match self.format {
            ResultFormat::Json => json::dumps(
                &Value::Dict(data.clone()),
                &json::DumpOptions {
                    indent,
                    sort_keys: true,
                    ensure_ascii: false,
                    ..json::DumpOptions::default()
                },
            ),
            ResultFormat::Yaml => self.dump_yaml(data, indent),
        }
    }

    fn dump_yaml(self, data: &Dict, indent: Option<usize>) -> String {
        let lossy = self.pretty != Some(false);
        let data = data.copy();
        if lossy {
            for (all, lines) in [("stdout", "stdout_lines"), ("stderr", "stderr_lines")] {
                if data.contains(all) && data.contains(lines) {
                    data.insert(lines, "<omitted>");
                }
            }
        }
        let text = yaml::dump_for_callbacks(&Value::Dict(data), lossy, indent);
        format!("\n{}", indented(&text, indent.unwrap_or(4)))
    }

    /// A side of a diff that is a dict.
    pub fn diff_side(self, data: &Value) -> String {
        match self.format {
            ResultFormat::Json => {
                let text = json::dumps(
                    data,
                    &json::DumpOptions {
                        indent: Some(4),
                        sort_keys: true,
                        ..json::DumpOptions::default()
                    },
                );
                format!("{text}\n")
            }
            ResultFormat::Yaml => {
                let lossy = self.pretty != Some(false);
                format!("{}\n", indented(&yaml::dump_for_callbacks(data, lossy, Some(4)), 4))
            }
        }
    }
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
