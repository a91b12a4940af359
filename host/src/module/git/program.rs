//! The program `git`, and what it is asked about a clone.

use std::path::{Path, PathBuf};

use crate::module::{Context, Failure};
use crate::python::{self, Subject};
use crate::target::Run;

/// The program with the settings of the task.
pub struct Git {
    pub path: String,
    /// Where it runs, as soon as that is there.
    pub dest: Option<PathBuf>,
    /// How it reaches servers.
    pub ssh: Vec<(String, String)>,
    pub umask: Option<u32>,
    version: Vec<u32>,
    pub version_text: String,
}

impl Git {
    pub fn new(path: String, dest: Option<PathBuf>, umask: Option<u32>) -> Git {
        Git { path, dest, ssh: Vec::new(), umask, version: Vec::new(), version_text: String::new() }
    }

    /// Ask for its version.
    pub fn find_version(&mut self, cx: &mut Context<'_>) -> Result<(), Failure> {
        let asked = self.anywhere(cx, &["--version"]);
        let ran = cx.run(&asked)?;
        let out = ran.out();
        let Some((_, version)) = out.split_once("git version ").filter(|_| ran.ok()) else {
            // Where there is no version, ansible-core 2.14 fails as it compares.
            return Err(Failure::crash(
                "TypeError",
                "'<' not supported between instances of 'NoneType' and 'LooseVersion'",
            ));
        };
        self.version_text = version.lines().next().unwrap_or_default().to_owned();
        let numbers = self.version_text.split(|c: char| !c.is_ascii_digit());
        self.version = numbers.map_while(|number| number.parse().ok()).collect();
        Ok(())
    }

    pub fn is_older(&self, than: &[u32]) -> bool {
        self.version.as_slice() < than
    }

    /// A call by its words, in the clone.
    pub fn words<S: AsRef<str>>(&self, cx: &mut Context<'_>, words: &[S]) -> Run {
        self.in_dest(cx, words)
    }

    /// A call as a person writes it: spaces within a version or a branch end a word here, as with ansible.
    pub fn line(&self, cx: &mut Context<'_>, line: &str) -> Result<Run, Failure> {
        let line_with_program = format!("{} {line}", self.path);
        let words = python::shell_split(&line_with_program)
            .map_err(|error| Failure::new(error.to_string()).with("cmd", line_with_program))?;
        Ok(self.in_dest(cx, &words[1..]))
    }

    /// The same outside of the clone.
    pub fn anywhere<S: AsRef<str>>(&self, cx: &mut Context<'_>, words: &[S]) -> Run {
        let words: Vec<String> = words.iter().map(|w| cx.target.expand(w.as_ref())).collect();
        let run = Run::argv([&self.path]).args(words).c_locale();
        let run = self.ssh.iter().fold(run, |run, (name, value)| run.env(name, value));
        Run { umask: self.umask, ..run }
    }

    fn in_dest<S: AsRef<str>>(&self, cx: &mut Context<'_>, words: &[S]) -> Run {
        let run = self.anywhere(cx, words);
        match &self.dest {
            Some(dest) if cx.target.is_dir(dest) => run.cwd(dest),
            _ => run,
        }
    }

    /// The commit that is checked out.
    pub fn head(&self, cx: &mut Context<'_>) -> Result<String, Failure> {
        let asked = self.words(cx, &["rev-parse", "HEAD"]);
        Ok(cx.run(&asked)?.out().trim_end_matches('\n').to_owned())
    }

    /// Whether files that git knows were changed.
    pub fn is_modified(&self, cx: &mut Context<'_>) -> Result<bool, Failure> {
        let asked = self.words(cx, &["status", "--porcelain"]);
        Ok(cx.run(&asked)?.out().lines().any(|line| !line.starts_with("??")))
    }

    /// Where the repository of a working copy is: a file `.git` says so.
    pub fn repository(
        &self,
        cx: &mut Context<'_>,
        dest: &Path,
        bare: bool,
    ) -> Result<PathBuf, Failure> {
        if bare {
            return Ok(dest.to_owned());
        }
        let path = dest.join(".git");
        if !cx.target.stat(&path).is_ok_and(|stat| stat.is_file()) {
            return Ok(path);
        }
        let failed = |details: String| {
            Failure::new("Current repo does not have a valid reference to a separate Git dir or it refers to the invalid path")
                .with("details", details)
        };
        let text = cx
            .target
            .read_text(&path)
            .map_err(|error| failed(python::os_error(&error, Subject::Text(&path))))?;
        let Some((prefix, found)) = text.trim_end().split_once("gitdir: ") else {
            return Err(failed("not enough values to unpack (expected 2, got 1)".into()));
        };
        if !prefix.is_empty() {
            return Err(failed(".git file has invalid git dir reference format".into()));
        }
        let found = dest.join(found);
        match cx.target.is_dir(&found) {
            true => Ok(found),
            false => Err(failed(format!("{} is not a directory", found.display()))),
        }
    }

    /// The branches, as `git branch` lists them.
    pub fn branches(&self, cx: &mut Context<'_>) -> Result<Vec<String>, Failure> {
        let asked = self.words(cx, &["branch", "--no-color", "-a"]);
        let ran = cx.run(&asked)?;
        if !ran.ok() {
            let msg = format!("Could not determine branch data - received {}", ran.out());
            return Err(Failure::new(msg).with("stdout", ran.out()).with("stderr", ran.err()));
        }
        let out = ran.out();
        Ok(out.lines().map(str::trim).filter(|l| !l.is_empty()).map(String::from).collect())
    }

    pub fn has_branch(&self, cx: &mut Context<'_>, branch: &str) -> Result<bool, Failure> {
        let branches = self.branches(cx)?;
        Ok(branches.iter().any(|known| known.strip_prefix("* ").unwrap_or(known) == branch))
    }

    /// The branch that is checked out, or if none is, the one that the remote offers. A file that is not there gives
    /// none.
    pub fn head_branch(
        &self,
        cx: &mut Context<'_>,
        remote: &str,
        bare: bool,
    ) -> Result<Option<String>, Failure> {
        let dest = self.dest.clone().unwrap_or_default();
        let repository = self.repository(cx, &dest, bare)?;
        let detached = |line: &String| {
            line.starts_with("* ")
                && ["no branch", "detached from", "detached at"].iter().any(|w| line.contains(w))
        };
        let file = match self.branches(cx)?.iter().any(detached) {
            true => repository.join("refs/remotes").join(remote).join("HEAD"),
            false => repository.join("HEAD"),
        };
        if !cx.target.exists(&file) {
            return Ok(None);
        }
        let text = cx
            .target
            .read_text(&file)
            .map_err(|_| Failure::new(format!("Unable to read {}", file.display())))?;
        Ok(branch_of(&text, remote))
    }
}

/// The branch that a file `HEAD` names.
fn branch_of(text: &str, remote: &str) -> Option<String> {
    let line = text.split_inclusive('\n').next()?;
    let line = line.replacen(&format!("refs/remotes/{remote}"), "", 1);
    let reference = line.rsplit(' ').next()?;
    reference.splitn(3, '/').last().map(|branch| branch.trim_end_matches('\n').to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn branches_of_head_files() {
        let of = |text| branch_of(text, "origin");
        assert_eq!(of("ref: refs/heads/main\n").as_deref(), Some("main"));
        assert_eq!(of("ref: refs/heads/team/main\n").as_deref(), Some("team/main"));
        assert_eq!(of("ref: refs/remotes/origin/main\n").as_deref(), Some("main"));
        assert_eq!(of("0123abcd\n").as_deref(), Some("0123abcd"));
        assert_eq!(of(""), None);
    }

    #[test]
    fn versions() {
        let mut git = Git::new("git".into(), None, None);
        git.version = vec![1, 8, 3, 1];
        assert!(git.is_older(&[1, 9, 1]) && git.is_older(&[2, 3, 0]));
        assert!(!git.is_older(&[1, 7, 10]));
    }
}
