//! `log_plays`: a log file a host.

use std::{io::Write, path::PathBuf};

use super::{Callback, Display, Registration, clean::with_internal};
use crate::{
    config::options,
    diagnostic::ansible::os_error,
    event::{Event, Report},
    value::{
        Value,
        json::{self, Layout},
    },
};

/// Registers the callback.
pub static REGISTRATION: Registration = Registration {
    name: "log_plays",
    collection: "community.general",
    summary: "a log file a host",
    make: |settings, display| {
        let folder = settings.get(&options::log_plays::LOG_FOLDER);
        if let Err(error) = std::fs::create_dir_all(&folder) {
            let why = os_error(&error, Some(&folder));
            display
                .warning(&format!("Skipping callback 'log_plays', unable to load due to: {why}"));
        }
        Box::new(LogPlays { folder, playbook: String::new() })
    },
};

struct LogPlays {
    folder: PathBuf,
    playbook: String,
}

impl LogPlays {
    fn log(&self, report: &Report, category: &str, display: &Display) {
        let line = format!(
            "{} - {} - {} - {} - {category} - {}\n\n",
            chrono::Local::now().format("%b %d %Y %H:%M:%S"),
            self.playbook,
            report.task.short_name,
            report.task.action,
            data(report)
        );
        let path = self.folder.join(&*report.host);
        let file = std::fs::OpenOptions::new().create(true).append(true).open(&path);
        if let Err(error) = file.and_then(|mut file| file.write_all(line.as_bytes())) {
            display.warning(&format!(
                "Failure of callback plugin (log_plays): {}",
                os_error(&error, Some(&path))
            ));
        }
    }
}

/// The result on a line, what the module was called with before it.
fn data(report: &Report) -> String {
    if report.verbose_never {
        return "omitted".to_owned();
    }
    let layout = Layout { vault_to_text: false, ..Layout::default() };
    let text = |value: &Value| json::dumps_ansible(value, &layout).unwrap_or_default();
    let data = with_internal(report);
    match data.remove("invocation") {
        Some(called) => format!("{} => {} ", text(&called), text(&Value::Dict(data))),
        None => text(&Value::Dict(data)),
    }
}

impl Callback for LogPlays {
    fn event(&mut self, event: &Event, display: &Display) {
        match event {
            Event::PlaybookStart { path, .. } => self.playbook.clone_from(path),
            Event::Ok(report) => self.log(report, "OK", display),
            Event::Failed(report, _) => self.log(report, "FAILED", display),
            Event::Skipped(report) => self.log(report, "SKIPPED", display),
            Event::Unreachable(report, _) => self.log(report, "UNREACHABLE", display),
            Event::AsyncFailed(report) => self.log(report, "ASYNC_FAILED", display),
            _ => {}
        }
    }
}
