//! What a module works with: the target, the task's settings, and the shared endings.

mod attributes;
pub mod edit;
mod fetch;
mod interpreter;
mod programs;
mod selinux;
pub mod text;
mod travel;
mod write;

use std::path::{Path, PathBuf};

pub use attributes::{AttributeFlags, FileAttributes, symbolic_mode};
pub use fetch::{Fetched, request};
pub use interpreter::OWN_MODULES_ONLY;
pub use write::{Source, Write, Written};

use crate::call::Call;
use crate::data::{Data, Map};
use crate::files::Files;
use crate::outcome::Deprecation;
use crate::python::{self, Subject};
use crate::spec::{Expand, Secrets};
use crate::target::{FileKind, Target, account};

/// What a module works with.
pub struct Context<'a> {
    pub target: &'a mut dyn Target,
    files: &'a mut dyn Files,
    /// The call that is being answered.
    pub call: &'a Call,
    /// Say what would change, and change nothing.
    pub check: bool,
    /// Results shall carry what was before and after.
    pub diff: bool,
    pub(crate) secrets: Secrets,
    warnings: Vec<String>,
    deprecations: Vec<Deprecation>,
    /// Removed when the call ends.
    cleanup: Vec<PathBuf>,
    tmpdir: Option<PathBuf>,
    selinux: Option<bool>,
    /// The host's Python, as soon as it was looked for.
    interpreter: Option<Option<String>>,
    /// What it said of itself; null if it said nothing.
    pub(crate) interpreter_said: Option<Data>,
}

impl Expand for Context<'_> {
    fn expand(&mut self, text: &str) -> String {
        self.target.expand(text)
    }

    fn env(&self, name: &str) -> Option<String> {
        self.target.env(name)
    }
}

impl<'a> Context<'a> {
    pub fn new(
        target: &'a mut dyn Target,
        files: &'a mut dyn Files,
        call: &'a Call,
    ) -> Context<'a> {
        Context {
            target,
            files,
            call,
            check: call.check,
            diff: call.diff,
            secrets: Secrets::default(),
            warnings: Vec::new(),
            deprecations: Vec::new(),
            cleanup: Vec::new(),
            tmpdir: None,
            selinux: None,
            interpreter: None,
            interpreter_said: None,
        }
    }

    /// A warning that the user sees.
    pub fn warn(&mut self, warning: impl Into<String>) {
        let warning = warning.into();
        if !self.warnings.contains(&warning) {
            self.warnings.push(warning);
        }
    }

    /// Something that will go away.
    pub fn deprecate(&mut self, deprecation: Deprecation) {
        if !self.deprecations.contains(&deprecation) {
            self.deprecations.push(deprecation);
        }
    }

    /// Hide a value in the result, beyond the options that say `no_log`.
    pub fn hide(&mut self, secret: &str) {
        self.secrets.add(&Data::from(secret));
    }

    /// Remove a file or directory when the call ends, however it ends.
    pub fn remove_at_end(&mut self, path: impl Into<PathBuf>) {
        self.cleanup.push(path.into());
    }

    /// A directory of this call for temporary files, for its user alone; removed at the end.
    pub fn tmpdir(&mut self) -> Result<PathBuf, crate::outcome::Failure> {
        if let Some(dir) = &self.tmpdir {
            return Ok(dir.clone());
        }
        let base =
            self.call.remote_tmp.clone().map(|base| PathBuf::from(self.target.expand(&base)));
        let base = base.filter(|base| self.made(base)).unwrap_or_else(|| self.system_tmp());
        let name = format!(
            "ansible-tmp-{}-{}-{}",
            self.target.now().as_f64(),
            self.target.pid(),
            self.target.random() % 1_000_000_000_000_000
        );
        let dir = base.join(&name);
        self.target.mkdir(&dir, 0o700).map_err(|error| {
            crate::outcome::Failure::new(format!(
                "Failed to create remote module tmp path at dir {} with prefix {name}: {}",
                base.display(),
                python::os_error(&error, Subject::Text(&dir))
            ))
        })?;
        self.remove_at_end(&dir);
        self.tmpdir = Some(dir.clone());
        Ok(dir)
    }

    /// Whether a folder is there, or could be made for its user alone.
    fn made(&mut self, folder: &Path) -> bool {
        let missing: Vec<PathBuf> = folder
            .ancestors()
            .take_while(|folder| !self.target.exists(folder))
            .map(PathBuf::from)
            .collect();
        for folder in missing.iter().rev() {
            // Whether it worked, or another call was faster, is seen below.
            let _ = self.target.mkdir(folder, 0o700);
        }
        self.target.is_dir(folder)
    }

    /// The system's folder for temporary files.
    pub fn system_tmp(&mut self) -> PathBuf {
        let named = ["TMPDIR", "TEMP", "TMP"]
            .into_iter()
            .filter_map(|name| self.target.env(name))
            .map(PathBuf::from);
        let all: Vec<PathBuf> =
            named.chain(["/tmp", "/var/tmp", "/usr/tmp"].map(PathBuf::from)).collect();
        all.into_iter().find(|dir| self.target.is_dir(dir)).unwrap_or_else(|| PathBuf::from("/tmp"))
    }

    /// A name beside a path that nothing has yet.
    pub(crate) fn name_beside(&mut self, path: &Path, prefix: &str) -> PathBuf {
        let base =
            path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        // File names end at 255 bytes.
        let mut keep = base.len().min(200);
        while !base.is_char_boundary(keep) {
            keep -= 1;
        }
        let random = self.target.random();
        account::parent(path).join(format!("{prefix}{:08x}{}", random as u32, &base[..keep]))
    }

    /// What ansible adds to every result that has `path` or `dest`: owner, mode, state, size.
    fn add_path_facts(&mut self, result: &mut Map) {
        let named = |key: &str| result.get(key).filter(|value| !value.is_null());
        let Some(path) = named("path").or_else(|| named("dest")).and_then(Data::as_str) else {
            return;
        };
        let path = PathBuf::from(path);
        let Ok(followed) = self.target.stat(&path) else { return };
        let Ok(stat) = self.target.lstat(&path) else { return };
        let state = match stat.kind() {
            FileKind::Link => "link",
            _ if followed.is_dir() => "directory",
            _ if followed.nlink > 1 => "hard",
            _ => "file",
        };
        result.insert("uid".into(), stat.uid.into());
        result.insert("gid".into(), stat.gid.into());
        result.insert("owner".into(), account::user_name(self.target, stat.uid).into());
        result.insert("group".into(), account::group_name(self.target, stat.gid).into());
        result.insert("mode".into(), format!("0{:03o}", stat.permissions()).into());
        result.insert("state".into(), state.into());
        if self.selinux_enabled()
            && let Ok(Some(context)) = self.selinux_context(&path)
        {
            result.insert("secontext".into(), context.join(":").into());
        }
        result.insert("size".into(), stat.size.into());
    }

    /// Complete a result: facts of the path, warnings; and tidy up.
    pub(crate) fn finish(&mut self, result: &mut Map) {
        // Before anything is removed: the facts of a path that goes with the call are told too.
        self.add_path_facts(result);
        for path in std::mem::take(&mut self.cleanup) {
            let gone = match self.target.lstat(&path) {
                Ok(stat) if stat.is_dir() => self.target.remove_tree(&path),
                Ok(_) => self.target.unlink(&path),
                Err(_) => Ok(()),
            };
            if let Err(error) = gone {
                self.warn(format!(
                    "could not cleanup {}: {}",
                    path.display(),
                    python::os_error(&error, Subject::None)
                ));
            }
        }
        let own = match result.remove("warnings") {
            Some(Data::Array(own)) => own,
            Some(own) => vec![own],
            None => Vec::new(),
        };
        own.iter().map(python::text).for_each(|warning| self.warn(warning));
        if !self.warnings.is_empty() {
            result.insert("warnings".into(), self.warnings.drain(..).map(Data::from).collect());
        }
        if !self.deprecations.is_empty() {
            result.insert(
                "deprecations".into(),
                self.deprecations.drain(..).map(Data::from).collect(),
            );
        }
    }
}
