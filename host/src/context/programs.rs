//! Programs, with ansible's failure results.

use std::path::PathBuf;

use crate::context::Context;
use crate::outcome::Failure;
use crate::python::{self, Subject, shell_quote};
use crate::target::{Ran, Run};

impl Context<'_> {
    /// Run a program; only a program that can't be started is a failure.
    pub fn run(&mut self, run: &Run) -> Result<Ran, Failure> {
        self.target.run(run).map_err(|error| {
            let program = run.argv.first().cloned().unwrap_or_default();
            // The kernel's ENOENT may be about the directory.
            let missing_dir = run.cwd.clone().filter(|cwd| !self.target.is_dir(cwd));
            let subject = missing_dir.unwrap_or_else(|| PathBuf::from(program));
            Failure::new(python::os_error(&error, Subject::Bytes(&subject)))
                .with("rc", error.raw_os_error().unwrap_or(257))
                .with("stdout", "")
                .with("stderr", "")
                .with("cmd", self.clean_line(run))
        })
    }

    /// Run a program that must end with 0; its standard error is the message otherwise.
    pub fn run_ok(&mut self, run: &Run) -> Result<Ran, Failure> {
        let ran = self.run(run)?;
        if ran.ok() {
            return Ok(ran);
        }
        Err(Failure::new(self.secrets.hide_in(&without_passwords(ran.err().trim_end())))
            .with("cmd", self.clean_line(run))
            .with("rc", ran.rc)
            .with("stdout", ran.out())
            .with("stderr", ran.err()))
    }

    /// Run words as a person writes them: split as a shell splits, `~` and variables expanded, no shell started.
    pub fn run_line(&mut self, line: &str) -> Result<Ran, Failure> {
        let run = self.words(line)?;
        self.run(&run)
    }

    /// The words of such a line.
    pub fn words(&mut self, line: &str) -> Result<Run, Failure> {
        let words = python::shell_split(line)
            .map_err(|error| Failure::new(error.to_string()).with("cmd", line))?;
        let words: Vec<String> = words.iter().map(|word| self.target.expand(word)).collect();
        Ok(Run::argv(words))
    }

    /// Where a program is, or ansible's failure.
    pub fn program(&mut self, name: &str) -> Result<PathBuf, Failure> {
        self.program_in(name, &[])
    }

    /// The same, with more folders to look in.
    pub fn program_in(&mut self, name: &str, extra: &[&str]) -> Result<PathBuf, Failure> {
        if let Some(path) = self.target.find_program(name, extra) {
            return Ok(path);
        }
        let folders = crate::target::program_folders(self.target, extra);
        let folders: Vec<String> =
            folders.iter().map(|folder| folder.to_string_lossy().into_owned()).collect();
        Err(Failure::new(format!(
            "Failed to find required executable \"{name}\" in paths: {}",
            folders.join(":")
        )))
    }

    /// A command line for results: what looks like a password is starred out.
    fn clean_line(&self, run: &Run) -> String {
        let mut hide_next = false;
        let words = run.argv.iter().map(|word| {
            let word = word.to_string_lossy();
            if std::mem::take(&mut hide_next) {
                return "********".to_owned();
            }
            if is_password_option(&word) {
                match word.split_once('=') {
                    Some((name, _)) => return format!("{name}=********"),
                    None => hide_next = true,
                }
            }
            self.secrets.hide_in(&without_passwords(&word))
        });
        words.map(|word| shell_quote(&word)).collect::<Vec<_>>().join(" ")
    }
}

/// `--password`, `-passwd`, `pass`, …
fn is_password_option(word: &str) -> bool {
    let bare = word.strip_prefix('-').unwrap_or(word);
    bare.strip_prefix('-').unwrap_or(bare).starts_with("pass")
}

/// `user:secret@host` as `user:********@host`.
fn without_passwords(text: &str) -> String {
    let Some(end) = text.rfind('@') else { return text.to_owned() };
    let head = &text[..end];
    let begin = head.rfind("://").map_or(0, |at| at + 3);
    match head[begin..].find(':') {
        Some(colon) => {
            format!("{}:********{}", without_passwords(&text[..begin + colon]), &text[end..])
        }
        None => text.to_owned(),
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test may fail")]
mod tests {
    use super::*;
    use crate::call::Call;
    use crate::files::NoFiles;
    use crate::target::fake::Fake;
    use serde_json::json;

    #[test]
    fn failures_carry_what_ran() {
        let (mut fake, call) =
            (Fake::new().on("false", Ran::of(1, "out\n", "why\n")), Call::default());
        let mut files = NoFiles;
        let mut cx = Context::new(&mut fake, &mut files, &call);
        let failure = cx
            .run_ok(&Run::argv(["false", "--password=x", "--passwd", "y", "ftp://a:b@c"]))
            .unwrap_err();
        assert_eq!(failure.msg, "why");
        assert_eq!(
            failure.data["cmd"],
            "false '--password=********' --passwd '********' 'ftp://a:********@c'"
        );
        let failure = cx.run(&Run::argv(["gone"])).unwrap_err();
        assert_eq!(failure.msg, "[Errno 2] No such file or directory: b'gone'");
        assert_eq!(failure.data["rc"], json!(2));
        let failure = cx.program("gone").unwrap_err();
        assert_eq!(
            failure.msg,
            "Failed to find required executable \"gone\" in paths: /usr/bin:/bin"
        );
    }
}
