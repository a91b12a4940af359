//! `tree`: a file a host, with its last result.

use std::path::PathBuf;

use super::{Callback, Display, Registration, ResultOptions, ResultText};
use crate::{
    config::options,
    diagnostic::ansible::os_error,
    event::{Event, Report},
};

/// Registers the callback.
pub static REGISTRATION: Registration = Registration {
    name: "tree",
    collection: "ansible.builtin",
    summary: "a file a host, with its last result",
    make: |settings, _| Box::new(Tree::new(settings.get(&options::tree::DIRECTORY))),
};

/// The callback.
pub struct Tree {
    folder: PathBuf,
}

impl Tree {
    /// Writes into `folder`.
    pub fn new(folder: PathBuf) -> Self {
        Self { folder }
    }

    fn write(&self, report: &Report, display: &Display) {
        let text = ResultOptions::default().result(report, display.verbosity(), None);
        if let Err(error) = std::fs::create_dir_all(&self.folder) {
            display.warning(&format!(
                "Unable to access or create the configured directory ({}): {}",
                self.folder.display(),
                os_error(&error, Some(&self.folder))
            ));
        }
        let path = self.folder.join(&*report.host);
        if let Err(error) = std::fs::write(&path, text) {
            let why = os_error(&error, Some(&path));
            display.warning(&format!("Unable to write to {}'s file: {why}", report.host));
        }
    }
}

impl Callback for Tree {
    fn event(&mut self, event: &Event, display: &Display) {
        match event {
            Event::Ok(report) | Event::Failed(report, _) | Event::Unreachable(report, _) => {
                self.write(&super::clean::without_status(report), display);
            }
            _ => {}
        }
    }
}
