//! The repository that a clone is of.

use super::Wanted;
use super::program::Git;
use crate::module::{Context, Failure};

/// Whether the repository has a branch of the version's name; `remote` is its name or address.
pub fn has_branch(
    cx: &mut Context<'_>,
    git: &Git,
    remote: &str,
    version: &str,
) -> Result<bool, Failure> {
    lists(cx, git, &format!("ls-remote {remote} -h refs/heads/{version}"), version)
}

/// The same of a tag.
pub fn has_tag(
    cx: &mut Context<'_>,
    git: &Git,
    remote: &str,
    version: &str,
) -> Result<bool, Failure> {
    lists(cx, git, &format!("ls-remote {remote} -t refs/tags/{version}"), version)
}

fn lists(cx: &mut Context<'_>, git: &Git, line: &str, version: &str) -> Result<bool, Failure> {
    let asked = git.line(cx, line)?;
    Ok(cx.run_ok(&asked)?.out().contains(version))
}

/// The commit that the version is in the repository. What is neither branch nor tag there is taken for a commit.
pub fn head(
    cx: &mut Context<'_>,
    git: &Git,
    wanted: &Wanted,
    remote: &str,
) -> Result<String, Failure> {
    let version = &wanted.version;
    let plain_path = super::home_expanded(cx, &wanted.plain_repo);
    let cloning = remote == wanted.plain_repo || remote == format!("file://{plain_path}");
    let mut tag = false;
    let line = if version == "HEAD" {
        match cloning {
            true => format!("ls-remote {remote} -h HEAD"),
            false => {
                let branch = git.head_branch(cx, remote, wanted.bare)?;
                let branch = branch.unwrap_or_else(|| "None".to_owned());
                format!("ls-remote {remote} -h refs/heads/{branch}")
            }
        }
    } else if has_branch(cx, git, remote, version)? {
        format!("ls-remote {remote} -h refs/heads/{version}")
    } else if has_tag(cx, git, remote, version)? {
        tag = true;
        format!("ls-remote {remote} -t refs/tags/{version}*")
    } else {
        return Ok(version.clone());
    };
    let mut asked = git.line(cx, &line)?;
    if cloning {
        asked.cwd = None;
    }
    let ran = cx.run_ok(&asked)?;
    let out = ran.out();
    let line = if tag { tag_line(&out, version) } else { &out };
    match line.split_whitespace().next() {
        Some(commit) => Ok(commit.to_owned()),
        None => Err(Failure::new(format!("Could not determine remote revision for {version}"))
            .with("stdout", ran.out())
            .with("stderr", ran.err())
            .with("rc", ran.rc)),
    }
}

/// The line of a tag; of one with a text of its own, that of the commit behind it.
fn tag_line<'a>(out: &'a str, version: &str) -> &'a str {
    let mut found = out;
    for line in out.lines() {
        if line.strip_suffix("^{}").is_some_and(|line| line.ends_with(version)) {
            return line;
        }
        if line.ends_with(version) {
            found = line;
        }
    }
    found
}

/// The address that the clone has; none if git can't tell.
pub fn url(cx: &mut Context<'_>, git: &Git, wanted: &Wanted) -> Result<Option<String>, Failure> {
    let asked = git.words(cx, &["ls-remote", "--get-url", &wanted.remote]);
    let ran = cx.run(&asked)?;
    Ok(ran.ok().then(|| ran.out().trim_end_matches('\n').to_owned()))
}

/// Whether two addresses are the same, also as paths through links.
pub fn is_same(cx: &mut Context<'_>, one: &str, other: &str) -> bool {
    let real = |cx: &mut Context<'_>, url: &str| {
        let path = cx.target.expand(url);
        cx.target.realpath(path.as_ref())
    };
    one == other || real(cx, one) == real(cx, other)
}

/// Give the clone the address of the task. Whether it had another.
pub fn set_url(cx: &mut Context<'_>, git: &Git, wanted: &Wanted) -> Result<bool, Failure> {
    let known = url(cx, git, wanted)?;
    if let Some(known) = &known
        && is_same(cx, known, &wanted.repo)
    {
        return Ok(false);
    }
    let set = git.words(cx, &["remote", "set-url", &wanted.remote, &wanted.repo]);
    let ran = cx.run(&set)?;
    if !ran.ok() {
        return Err(Failure::new(format!(
            "Failed to set a new url {} for {}: {} {}",
            wanted.repo,
            wanted.remote,
            ran.out(),
            ran.err()
        )));
    }
    Ok(known.is_some())
}

/// Fetch what the version needs.
pub fn fetch(
    cx: &mut Context<'_>,
    git: &Git,
    wanted: &Wanted,
    version: &str,
    refspec: Option<&str>,
    force: bool,
) -> Result<(), Failure> {
    set_url(cx, git, wanted)?;
    let mut words = vec!["fetch".to_owned()];
    let mut refspecs = Vec::new();
    if let Some(depth) = wanted.shallow() {
        refspecs = least(cx, git, wanted, version, refspec)?;
        if !refspecs.is_empty() {
            words.extend(["--depth".into(), depth]);
        }
    }
    if refspecs.is_empty() {
        if wanted.bare {
            refspecs = vec!["+refs/heads/*:refs/heads/*".into(), "+refs/tags/*:refs/tags/*".into()];
        } else if git.is_older(&[1, 9]) {
            // Tags that are known already are not renewed by `--tags` there.
            let branches = [words.as_slice(), std::slice::from_ref(&wanted.remote)].concat();
            fetch_with(cx, git, &branches)?;
            refspecs.push("+refs/tags/*:refs/tags/*".into());
        } else {
            words.push("--tags".into());
        }
        refspecs.extend(refspec.map(String::from));
    }
    if force {
        words.push("--force".into());
    }
    words.push(wanted.remote.clone());
    words.extend(refspecs);
    fetch_with(cx, git, &words)
}

fn fetch_with(cx: &mut Context<'_>, git: &Git, words: &[String]) -> Result<(), Failure> {
    let fetch = git.words(cx, words);
    let ran = cx.run(&fetch)?;
    if ran.ok() {
        return Ok(());
    }
    let cmd: Vec<String> = std::iter::once(&git.path).chain(words).map(String::clone).collect();
    let msg = format!("Failed to download remote objects and refs: {} {}", ran.out(), ran.err());
    Err(Failure::new(msg).with("cmd", cmd))
}

/// The least that a shallow clone has to fetch for a version; nothing if that can't be fetched by itself.
fn least(
    cx: &mut Context<'_>,
    git: &Git,
    wanted: &Wanted,
    version: &str,
    refspec: Option<&str>,
) -> Result<Vec<String>, Failure> {
    let branch = git.head_branch(cx, &wanted.remote, false)?;
    if let Some(refspec) = refspec {
        return Ok(vec![refspec.to_owned()]);
    }
    let remote = &wanted.remote;
    if version == "HEAD" {
        return match branch {
            Some(branch) => Ok(vec![branch]),
            None => Err(Failure::crash(
                "TypeError",
                "expected str, bytes or os.PathLike object, not NoneType",
            )),
        };
    }
    let mut refspecs = Vec::new();
    if has_branch(cx, git, &wanted.repo, version)? {
        if branch.as_deref() != Some(version) {
            refspecs.push(format!("+refs/heads/{version}:refs/heads/{version}"));
        }
        refspecs.push(format!("+refs/heads/{version}:refs/remotes/{remote}/{version}"));
    } else if has_tag(cx, git, &wanted.repo, version)? {
        refspecs.push(format!("+refs/tags/{version}:refs/tags/{version}"));
    }
    Ok(refspecs)
}

#[cfg(test)]
mod tests {
    use super::tag_line;

    #[test]
    fn the_commit_behind_a_tag() {
        let out = "1\trefs/tags/v1\n2\trefs/tags/v1^{}\n3\trefs/tags/v1.1\n";
        assert_eq!(tag_line(out, "v1"), "2\trefs/tags/v1^{}");
        assert_eq!(tag_line(out, "v1.1"), "3\trefs/tags/v1.1");
    }
}
