//! Programs: what to run, what came of it.

use std::borrow::Cow;
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::target::{Target, account};

/// A program to run. `argv` is never glued to one text unless a shell was asked for.
#[derive(Debug, Clone, Default)]
pub struct Run {
    pub argv: Vec<OsString>,
    /// Variables set over the call's environment.
    pub env: Vec<(String, String)>,
    /// Variables taken out of it.
    pub env_remove: Vec<String>,
    pub cwd: Option<PathBuf>,
    /// What the program reads; without it, it inherits nothing (`/dev/null`).
    pub stdin: Option<Vec<u8>>,
    pub umask: Option<u32>,
    pub timeout: Option<Duration>,
}

impl Run {
    /// A program and its arguments.
    pub fn argv<I: IntoIterator<Item = S>, S: Into<OsString>>(argv: I) -> Run {
        Run { argv: argv.into_iter().map(Into::into).collect(), ..Run::default() }
    }

    /// A text for `/bin/sh`.
    pub fn shell(script: impl Into<OsString>) -> Run {
        Run::shell_of("/bin/sh", script)
    }

    /// A text for another shell.
    pub fn shell_of(shell: impl Into<OsString>, script: impl Into<OsString>) -> Run {
        Run::argv([shell.into(), "-c".into(), script.into()])
    }

    #[must_use]
    pub fn arg(mut self, arg: impl Into<OsString>) -> Run {
        self.argv.push(arg.into());
        self
    }

    #[must_use]
    pub fn args<I: IntoIterator<Item = S>, S: Into<OsString>>(mut self, args: I) -> Run {
        self.argv.extend(args.into_iter().map(Into::into));
        self
    }

    #[must_use]
    pub fn env(mut self, name: &str, value: &str) -> Run {
        self.env.push((name.into(), value.into()));
        self
    }

    /// Messages in English, as programs' output is read by modules.
    #[must_use]
    pub fn c_locale(self) -> Run {
        self.env("LANG", "C").env("LC_ALL", "C").env("LC_MESSAGES", "C").env("LC_CTYPE", "C")
    }

    #[must_use]
    pub fn cwd(mut self, path: impl Into<PathBuf>) -> Run {
        self.cwd = Some(path.into());
        self
    }

    #[must_use]
    pub fn stdin(mut self, bytes: impl Into<Vec<u8>>) -> Run {
        self.stdin = Some(bytes.into());
        self
    }

    #[must_use]
    pub fn umask(mut self, umask: u32) -> Run {
        self.umask = Some(umask);
        self
    }

    #[must_use]
    pub fn timeout(mut self, timeout: Duration) -> Run {
        self.timeout = Some(timeout);
        self
    }

    /// The command line as text, for messages.
    pub fn line(&self) -> String {
        let words: Vec<String> = self
            .argv
            .iter()
            .map(|word| crate::python::shell_quote(&word.to_string_lossy()))
            .collect();
        words.join(" ")
    }
}

/// What a program on a terminal hears.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reply {
    /// Nothing yet.
    Wait,
    /// This is typed. What was read already is offered again, as nothing new.
    Type(Vec<u8>),
    /// It is ended.
    Stop,
}

/// How to talk to a program on a terminal.
pub struct Dialogue<'a> {
    /// Whether the terminal shows what is typed.
    pub echo: bool,
    /// How long it may say nothing that is answered.
    pub patience: Option<Duration>,
    /// What is typed now that it wrote this.
    pub answer: &'a mut dyn FnMut(&[u8]) -> Reply,
}

/// What came of a program.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Ran {
    /// The exit code; of a killed program the negative signal number, as in Python.
    pub rc: i32,
    pub stdout: Vec<u8>,
    pub stderr: Vec<u8>,
    /// It was killed because its time was over.
    pub timed_out: bool,
}

impl Ran {
    pub fn ok(&self) -> bool {
        self.rc == 0
    }

    /// Standard output as text.
    pub fn out(&self) -> Cow<'_, str> {
        String::from_utf8_lossy(&self.stdout)
    }

    /// Standard error as text.
    pub fn err(&self) -> Cow<'_, str> {
        String::from_utf8_lossy(&self.stderr)
    }

    /// An answer, for tests.
    pub fn of(rc: i32, stdout: &str, stderr: &str) -> Ran {
        Ran { rc, stdout: stdout.into(), stderr: stderr.into(), timed_out: false }
    }
}

/// ansible looks there besides PATH.
const SBIN: [&str; 3] = ["/sbin", "/usr/sbin", "/usr/local/sbin"];

/// The folders in which programs are looked for.
pub(crate) fn program_folders<T: Target + ?Sized>(target: &mut T, extra: &[&str]) -> Vec<PathBuf> {
    let mut folders: Vec<PathBuf> =
        extra.iter().map(PathBuf::from).filter(|folder| target.exists(folder)).collect();
    folders.extend(account::path_list(&target.env("PATH").unwrap_or_default()));
    for folder in SBIN.map(PathBuf::from) {
        if !folders.contains(&folder) && target.exists(&folder) {
            folders.push(folder);
        }
    }
    folders
}

pub(super) fn find_program<T: Target + ?Sized>(
    target: &mut T,
    name: &str,
    extra: &[&str],
) -> Option<PathBuf> {
    program_folders(target, extra)
        .into_iter()
        .map(|folder| folder.join(name))
        .find(|path| is_program(target, path))
}

fn is_program<T: Target + ?Sized>(target: &mut T, path: &Path) -> bool {
    target.stat(path).is_ok_and(|stat| !stat.is_dir() && stat.mode & 0o111 != 0)
}
