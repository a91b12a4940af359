//! Submodules.

use std::path::Path;

use super::Wanted;
use super::program::Git;
use crate::module::{Context, Failure};
use crate::python::{self, Subject};
use crate::target::Ran;

/// Fetch what submodules need. Whether one has to be brought to another commit.
pub fn fetch(
    cx: &mut Context<'_>,
    git: &Git,
    wanted: &Wanted,
    track: bool,
    dest: &Path,
) -> Result<bool, Failure> {
    let list = dest.join(".gitmodules");
    if !cx.target.exists(&list) {
        return Ok(false);
    }
    let text = cx.target.read_text(&list).map_err(|e| Failure::os(&e, Subject::Text(&list)))?;
    for line in text.lines().map(str::trim).filter(|line| line.starts_with("path")) {
        let Some((_, path)) = line.split_once('=') else {
            return Err(Failure::crash("IndexError", "list index out of range"));
        };
        if !cx.target.exists(&dest.join(path.trim()).join(".git")) {
            return Ok(true);
        }
    }
    let before = commits(cx, git, "HEAD")?;
    let fetch = git.words(cx, &["submodule", "foreach", &git.path, "fetch"]);
    cx.run_ok(&fetch)?;
    if track {
        // ansible-core 2.14 follows no other branch.
        return Ok(before != commits(cx, git, &format!("{}/master", wanted.remote))?);
    }
    let status = git.words(cx, &["submodule", "status"]);
    let ran = cx.run_ok(&status)?;
    Ok(ran.out().lines().any(|line| !line.starts_with(' ')))
}

/// The submodules' names, each with its commit.
fn commits(
    cx: &mut Context<'_>,
    git: &Git,
    version: &str,
) -> Result<std::collections::BTreeMap<String, String>, Failure> {
    let asked = git.words(cx, &["submodule", "foreach", &git.path, "rev-parse", version]);
    let ran = cx.run(&asked)?;
    if !ran.ok() {
        return Err(Failure::new("Unable to determine hashes of submodules")
            .with("stdout", ran.out())
            .with("stderr", ran.err())
            .with("rc", ran.rc));
    }
    let mut all = std::collections::BTreeMap::new();
    let mut name: Option<&str> = None;
    let out = ran.out();
    for line in out.lines() {
        let commit = line.trim();
        if let Some(entered) = line.strip_prefix("Entering '") {
            name = Some(entered.strip_suffix('\'').unwrap_or(entered));
        } else if commit.len() == 40 {
            let Some(name) = name.take() else {
                return Err(Failure::new("Unable to parse submodule hash line: "));
            };
            all.insert(name.to_owned(), commit.to_owned());
        } else {
            return Err(Failure::new(format!("Unable to parse submodule hash line: {commit}")));
        }
    }
    match name {
        Some(name) => Err(Failure::new(format!("Unable to find hash for submodule: {name}"))),
        None => Ok(all),
    }
}

/// Bring the submodules to their commits.
pub fn update(
    cx: &mut Context<'_>,
    git: &Git,
    wanted: &Wanted,
    track: bool,
    dest: &Path,
) -> Result<(), Failure> {
    let help = git.words(cx, &["submodule", "update", "--help"]);
    let help = cx.run(&help)?;
    if !cx.target.exists(&dest.join(".gitmodules")) {
        return Ok(());
    }
    let sync = git.words(cx, &["submodule", "sync"]);
    cx.run_ok(&sync)?;
    let mut words = vec!["submodule", "update", "--init", "--recursive"];
    if track && knows_remote(&help)? {
        words.push("--remote");
    }
    if wanted.force {
        words.push("--force");
    }
    let update = git.words(cx, &words);
    let ran = cx.run(&update)?;
    match ran.ok() {
        true => Ok(()),
        false => Err(Failure::new(format!(
            "Failed to init/update submodules: {}{}",
            ran.out(),
            ran.err()
        ))),
    }
}

/// Whether the usage of `git submodule update` names `--remote`. ansible-core 2.14 looks at standard error alone, where
/// some versions of git write it.
fn knows_remote(help: &Ran) -> Result<bool, Failure> {
    let err = help.err();
    let Some(usage) = err.lines().rfind(|l| l.contains("git submodule [--quiet] update ")) else {
        return Ok(false);
    };
    let usage = usage.replace(['[', ']'], "").replace('|', " ");
    let words = python::shell_split(&usage)
        .map_err(|error| Failure::crash("ValueError", error.to_string()))?;
    Ok(words.iter().any(|word| word == "--remote"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn usages() {
        let knows = |err: &str| knows_remote(&Ran::of(1, "", err)).ok();
        let line = "   or: git submodule [--quiet] update [--init] [--remote] [-N|--no-fetch] [--] [<path>...]";
        assert_eq!(knows(&format!("usage: git submodule\n{line}\n")), Some(true));
        assert_eq!(knows("No manual entry for git-submodule\n"), Some(false));
    }
}
