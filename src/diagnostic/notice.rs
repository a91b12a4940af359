//! What people should be told while the work goes on.

use std::collections::HashSet;

use parking_lot::Mutex;

/// Something to tell the user that does not end the work. Texts are unwrapped and without prefix.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Notice {
    /// Shown once as `[WARNING]: …`; once a worker where workers tell it ([`in_worker`]).
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

tokio::task_local! {
    /// What the worker that runs has told.
    static TOLD: Mutex<HashSet<String>>;
}

/// Runs the work of a worker. ansible's workers are processes of their own: each knows what was told outside
/// of workers, and not what other workers tell, so that it tells a notice again, once.
pub async fn in_worker<F: Future>(work: F) -> F::Output {
    TOLD.scope(Mutex::default(), work).await
}

/// Whether the worker that runs tells `text` for the first time; `None` outside of workers.
pub fn is_new_to_worker(text: &str) -> Option<bool> {
    TOLD.try_with(|told| told.lock().insert(text.to_owned())).ok()
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
