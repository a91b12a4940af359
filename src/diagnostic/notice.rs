//! What people should be told while the work goes on.

use parking_lot::Mutex;

/// Something to tell the user that does not end the work. Texts are unwrapped and without prefix.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Notice {
    /// Shown once as `[WARNING]: …`.
    Warning(String),
    /// Shown once as `[WARNING]:` and the text below it as it is.
    FormattedWarning(String),
    /// Shown once as `[DEPRECATION WARNING]: …`, unless such warnings are off.
    Deprecated(String),
    /// Shown as `[ERROR]: …`.
    Error(String),
    /// Shown from this verbosity on (`-v` is 1).
    Verbose(u8, String),
}

/// Whoever shows notices.
pub trait Notices: Send + Sync {
    /// Takes one.
    fn notice(&self, notice: Notice);

    /// Takes a warning.
    fn warning(&self, text: String) {
        self.notice(Notice::Warning(text));
    }

    /// Takes a text that is shown from `level` on.
    fn verbose(&self, level: u8, text: String) {
        self.notice(Notice::Verbose(level, text));
    }
}

/// Keeps notices until somebody asks: for what happens before there is a display, and for tests.
#[derive(Debug, Default)]
pub struct Collected(Mutex<Vec<Notice>>);

impl Collected {
    /// Takes out all that was collected, in order.
    pub fn take(&self) -> Vec<Notice> {
        std::mem::take(&mut self.0.lock())
    }

    /// The texts of the warnings, in order.
    pub fn warnings(&self) -> Vec<String> {
        let all = self.0.lock();
        let text = |n: &Notice| match n {
            Notice::Warning(t) | Notice::FormattedWarning(t) => Some(t.clone()),
            _ => None,
        };
        all.iter().filter_map(text).collect()
    }
}

impl Notices for Collected {
    fn notice(&self, notice: Notice) {
        self.0.lock().push(notice);
    }
}
