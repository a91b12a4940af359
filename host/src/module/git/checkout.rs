//! Cloning, and checking a version out.

use std::path::Path;

use super::program::Git;
use super::{Told, Wanted, remote};
use crate::module::{Args, Context, Failure};
use crate::python::{self, Subject};
use crate::target::account;

impl Wanted {
    /// The depth, if there is to be one.
    pub fn shallow(&self) -> Option<String> {
        self.depth.filter(|depth| *depth != 0).map(|depth| depth.to_string())
    }
}

/// Make a new clone.
pub fn clone(
    cx: &mut Context<'_>,
    git: &Git,
    args: &Args,
    wanted: &Wanted,
    dest: &Path,
    told: &mut Told,
) -> Result<(), Failure> {
    let above = account::parent(dest).to_path_buf();
    // git says it better if that fails.
    let _ = make_folders(cx, &above, git.umask);
    let mut words = vec!["clone".to_owned()];
    match wanted.bare {
        true => words.push("--bare".into()),
        false => words.extend(["--origin".into(), wanted.remote.clone()]),
    }
    words.extend(narrowed(cx, git, args, wanted)?);
    let apart = wanted.separate_git_dir.as_deref();
    let too_old = git.is_older(&[1, 7, 5]);
    if let Some(apart) = apart.filter(|_| !too_old) {
        words.push(format!("--separate-git-dir={}", apart.display()));
    }
    words.extend([wanted.repo.clone(), dest.to_string_lossy().into_owned()]);
    let mut clone = git.anywhere(cx, &words);
    clone.cwd = cx.target.is_dir(&above).then_some(above);
    cx.run_ok(&clone)?;
    if let Some(apart) = apart.filter(|_| too_old) {
        move_repository(cx, dest, &dest.join(".git"), apart, told)?;
    }
    if wanted.bare && wanted.remote != "origin" {
        let add = git.words(cx, &["remote", "add", &wanted.remote, &wanted.repo]);
        cx.run_ok(&add)?;
    }
    if let Some(refspec) = &wanted.refspec {
        let mut words = vec!["fetch".to_owned()];
        if let Some(depth) = wanted.shallow() {
            words.extend(["--depth".into(), depth]);
        }
        words.extend([wanted.remote.clone(), refspec.clone()]);
        let fetch = git.words(cx, &words);
        cx.run_ok(&fetch)?;
    }
    verify(cx, git, wanted)
}

/// What makes a clone less than the whole repository.
fn narrowed(
    cx: &mut Context<'_>,
    git: &Git,
    args: &Args,
    wanted: &Wanted,
) -> Result<Vec<String>, Failure> {
    let version = &wanted.version;
    let named = remote::has_branch(cx, git, &wanted.repo, version)?
        || remote::has_tag(cx, git, &wanted.repo, version)?;
    let branch = ["--branch".to_owned(), version.clone()];
    let mut words = Vec::new();
    if let Some(depth) = wanted.shallow() {
        if version == "HEAD" || wanted.refspec.is_some() {
            words.extend(["--depth".into(), depth]);
        } else if named {
            words.extend(["--depth".into(), depth]);
            words.extend(branch.clone());
        } else {
            cx.warn("Ignoring depth argument. Shallow clones are only available for HEAD, branches, tags or in combination with refspec.");
        }
    }
    if let Some(reference) = args.str("reference").filter(|path| !path.is_empty()) {
        words.extend(["--reference".into(), reference.to_owned()]);
    }
    if args.bool("single_branch") {
        if git.is_older(&[1, 7, 10]) {
            cx.warn(format!(
                "git version '{}' is too old to use 'single-branch'. Ignoring.",
                git.version_text
            ));
        } else {
            words.push("--single-branch".into());
            if named {
                words.extend(branch);
            }
        }
    }
    Ok(words)
}

fn make_folders(cx: &mut Context<'_>, path: &Path, umask: Option<u32>) -> std::io::Result<()> {
    let above = account::parent(path).to_path_buf();
    if !above.as_os_str().is_empty() && !cx.target.exists(&above) {
        make_folders(cx, &above, umask)?;
    }
    let umask = umask.unwrap_or_else(|| cx.target.umask());
    cx.target.mkdir(path, 0o777 & !umask)?;
    // What the agent's own umask took.
    cx.target.chmod(path, 0o777 & !umask)
}

/// Move a repository out of its working copy.
pub fn move_repository(
    cx: &mut Context<'_>,
    dest: &Path,
    from: &Path,
    to: &Path,
    told: &mut Told,
) -> Result<(), Failure> {
    if cx.target.exists(to) {
        let to = to.display();
        return Err(Failure::new(format!("Separate-git-dir path {to} already exists.")));
    }
    let moved = move_tree(cx, from, to).and_then(|()| {
        let link = format!("gitdir: {}", to.display());
        cx.target.overwrite(&dest.join(".git"), link.as_bytes())
    });
    if let Err(error) = moved {
        let mut msg =
            format!("Unable to move git dir. {}", python::os_error(&error, Subject::Text(to)));
        if cx.target.exists(to)
            && let Err(back) = move_tree(cx, to, from)
        {
            msg.push_str(&format!(" It is at {} now: {back}", to.display()));
        }
        return Err(Failure::new(msg));
    }
    told.set("git_dir_before", from.to_string_lossy());
    told.set("git_dir_now", to.to_string_lossy());
    Ok(())
}

/// A rename, or over the border of a file system, `mv`.
fn move_tree(cx: &mut Context<'_>, from: &Path, to: &Path) -> std::io::Result<()> {
    match cx.target.rename(from, to) {
        Err(error) if error.raw_os_error() == Some(libc::EXDEV) => {
            let mv = crate::target::Run::argv(["mv", "-T", "--"]).arg(from).arg(to);
            let ran = cx.target.run(&mv)?;
            match ran.ok() {
                true => Ok(()),
                false => Err(std::io::Error::other(ran.err().trim_end().to_owned())),
            }
        }
        done => done,
    }
}

/// Check the version out.
pub fn switch(cx: &mut Context<'_>, git: &Git, wanted: &Wanted) -> Result<(), Failure> {
    let (version, remote) = (&wanted.version, &wanted.remote);
    let mut what = version.clone();
    let line = if version == "HEAD" {
        let branch = git.head_branch(cx, remote, false)?.unwrap_or_else(|| "None".to_owned());
        let line = format!("reset --hard {remote}/{branch} --");
        what = format!("branch {branch}");
        checkout(cx, git, &branch)?;
        line
    } else if remote::has_branch(cx, git, remote, version)? {
        if let Some(depth) = wanted.shallow()
            && !git.has_branch(cx, version)?
        {
            // A shallow clone has only one branch: get this one too.
            add_branch(cx, git, wanted, &depth)?;
        }
        if git.has_branch(cx, version)? {
            checkout(cx, git, version)?;
            format!("reset --hard {remote}/{version}")
        } else {
            format!("checkout --track -b {version} {remote}/{version}")
        }
    } else {
        format!("checkout --force {version}")
    };
    let switch = git.line(cx, &line)?;
    let ran = cx.run(&switch)?;
    if !ran.ok() {
        return Err(Failure::new(format!("Failed to checkout {what}"))
            .with("stdout", ran.out())
            .with("stderr", ran.err())
            .with("rc", ran.rc)
            .with("cmd", format!("{} {line}", git.path)));
    }
    verify(cx, git, wanted)
}

fn checkout(cx: &mut Context<'_>, git: &Git, branch: &str) -> Result<(), Failure> {
    let checkout = git.line(cx, &format!("checkout --force {branch}"))?;
    let ran = cx.run(&checkout)?;
    match ran.ok() {
        true => Ok(()),
        false => Err(Failure::new(format!("Failed to checkout branch {branch}"))
            .with("stdout", ran.out())
            .with("stderr", ran.err())
            .with("rc", ran.rc)),
    }
}

fn add_branch(
    cx: &mut Context<'_>,
    git: &Git,
    wanted: &Wanted,
    depth: &str,
) -> Result<(), Failure> {
    let (version, remote) = (&wanted.version, &wanted.remote);
    let fetch = git.line(cx, &format!(
        "fetch --depth={depth} {remote} +refs/heads/{version}:refs/heads/{version} +refs/heads/{version}:refs/remotes/{remote}/{version}"
    ))?;
    let ran = cx.run(&fetch)?;
    match ran.ok() {
        true => Ok(()),
        false => Err(Failure::new(format!("Failed to fetch branch from remote: {version}"))
            .with("stdout", ran.out())
            .with("stderr", ran.err())
            .with("rc", ran.rc)),
    }
}

/// Check the signature of the version, if the task wants one.
fn verify(cx: &mut Context<'_>, git: &Git, wanted: &Wanted) -> Result<(), Failure> {
    let Some(keys) = &wanted.signatures else { return Ok(()) };
    let version = &wanted.version;
    let command = match annotated_tags(cx, git)?.contains(version) {
        true => "verify-tag",
        false => "verify-commit",
    };
    let raw = if keys.is_empty() { "" } else { " --raw" };
    let verify = git.line(cx, &format!("{command} {version}{raw}"))?;
    let ran = cx.run(&verify)?;
    let failed = |msg: String| {
        Err(Failure::new(msg)
            .with("stdout", ran.out())
            .with("stderr", ran.err())
            .with("rc", ran.rc))
    };
    if !ran.ok() {
        return failed(format!("Failed to verify GPG signature of commit/tag \"{version}\""));
    }
    if keys.is_empty() {
        return Ok(());
    }
    match fingerprint(&ran.err())? {
        Some(key) if keys.contains(&key) => Ok(()),
        key => failed(format!(
            "The gpg_whitelist does not include the public key \"{}\" for this commit",
            key.as_deref().unwrap_or("None")
        )),
    }
}

fn annotated_tags(cx: &mut Context<'_>, git: &Git) -> Result<Vec<String>, Failure> {
    let asked = git
        .words(cx, &["for-each-ref", "refs/tags/", "--format", "%(objecttype):%(refname:short)"]);
    let ran = cx.run(&asked)?;
    if !ran.ok() {
        let msg = format!("Could not determine tag data - received {}", ran.out());
        return Err(Failure::new(msg).with("stdout", ran.out()).with("stderr", ran.err()));
    }
    let out = ran.out();
    Ok(out.lines().filter_map(|line| line.trim().strip_prefix("tag:")).map(String::from).collect())
}

/// The fingerprint in what gpg tells programs: that of the key that signed, were it a subkey.
fn fingerprint(status: &str) -> Result<Option<String>, Failure> {
    // ansible-core 2.14 `get_gpg_fingerprint` looks behind the end of shorter lines.
    let short = || Failure::crash("IndexError", "list index out of range");
    for line in status.lines() {
        let words: Vec<&str> = line.split_whitespace().collect();
        match (words.get(1), words.len()) {
            (None, _) | (Some(&"VALIDSIG"), 11) => return Err(short()),
            (Some(&"VALIDSIG"), _) => {
                return words.get(2).map(|key| Some((*key).to_owned())).ok_or_else(short);
            }
            _ => {}
        }
    }
    Ok(None)
}

#[cfg(test)]
mod tests {
    use super::fingerprint;

    #[test]
    fn fingerprints() {
        let status = "[GNUPG:] NEWSIG\n[GNUPG:] VALIDSIG ABC 2020-01-01 1 0 4 0 1 8 00 DEF\n";
        assert_eq!(fingerprint(status).ok().flatten().as_deref(), Some("ABC"));
        assert_eq!(fingerprint("[GNUPG:] NEWSIG\n").ok(), Some(None));
        assert!(fingerprint("\n").is_err());
    }
}
