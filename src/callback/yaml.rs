//! `yaml`: as the default callback, with results as YAML below a line of what changed.

use super::{
    Default, Registration, ResultText,
    default::Options,
    render::{abridged, omit_lines, unshared},
};
use crate::{
    event::Report,
    value::{Dict, Value},
    yaml::{self, DumpOptions},
};

/// Registers the callback.
pub static REGISTRATION: Registration = Registration {
    name: "yaml",
    collection: "community.general",
    summary: "the default output, with results as YAML",
    make: |settings, display| {
        let options = Options::read(settings, display.is_check());
        Box::new(Default::writing(options, Box::new(Yaml)))
    },
};

struct Yaml;

impl ResultText for Yaml {
    fn always_says_something(&self) -> bool {
        false
    }

    fn result(&self, report: &Report, verbosity: u8, _: Option<usize>) -> String {
        text(&abridged(&report.result, verbosity))
    }

    fn dict(&self, data: &Dict, _: Option<usize>) -> String {
        text(&data.copy())
    }

    fn diff_side(&self, data: &Value) -> String {
        let layout =
            DumpOptions { allow_unicode: true, width: Some(1000), ..DumpOptions::default() };
        yaml::dump(&unshared(data), &layout).unwrap_or_default()
    }
}

fn text(data: &Dict) -> String {
    let mut text = String::new();
    for key in ["changed", "skipped"] {
        if let Some(value) = data.remove(key) {
            text.push_str(&format!("{key}={} ", value.to_text().to_lowercase()));
        }
    }
    omit_lines(data);
    if !data.is_empty() {
        let layout = DumpOptions { width: Some(1000), ..DumpOptions::callback(None, true) };
        let dumped = yaml::dump(&unshared(&Value::Dict(data.clone())), &layout);
        text.push('\n');
        text.push_str(&dumped.unwrap_or_default());
    }
    text.replace('\n', "\n  ").trim_end().to_owned()
}
