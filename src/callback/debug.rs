//! `debug`: as the default callback, with what commands wrote below the rest of their results.

use super::{Default, Registration, ResultOptions, ResultText, default::Options};
use crate::{
    event::Report,
    value::{Dict, Value},
};

/// Registers the callback.
pub static REGISTRATION: Registration = Registration {
    name: "debug",
    collection: "ansible.posix",
    summary: "the default output, with output and messages of tasks as text",
    make: |settings, display| {
        let options = Options::read(settings, display.is_check());
        Box::new(Default::writing(options, Box::new(Streams(options.results))))
    },
};

/// What is not shown with the rest of a result; all but the lists of lines stand below it.
const APART: [&str; 7] =
    ["stdout", "stdout_lines", "stderr", "stderr_lines", "msg", "module_stdout", "module_stderr"];

struct Streams(ResultOptions);

impl ResultText for Streams {
    fn result(&self, report: &Report, verbosity: u8, indent: Option<usize>) -> String {
        let report =
            Report { result: report.result.copy(), verbose_always: true, ..report.clone() };
        let apart = APART.map(|key| (key, report.result.remove(key)));
        let mut text = self.0.result(&report, verbosity, indent);
        for (key, value) in apart.iter().filter(|(key, _)| !key.ends_with("_lines")) {
            if let Some(value) = value.as_ref().filter(|v| v.is_true()) {
                let title = key.to_uppercase();
                text.push_str(&format!("\n\n{title}:\n\n{}\n", value.to_text()));
            }
        }
        text
    }

    fn dict(&self, data: &Dict, indent: Option<usize>) -> String {
        self.0.dict(data, indent.filter(|n| *n > 0).or(Some(4)))
    }

    fn diff_side(&self, data: &Value) -> String {
        self.0.diff_side(data)
    }
}
