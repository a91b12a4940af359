//! `git`: a working copy at a version of its repository.

mod archive;
mod checkout;
mod program;
mod remote;
mod ssh;
mod submodules;

use std::path::{Path, PathBuf};

use crate::data::{Data, Map};
use crate::module::{
    Args, CheckMode, Context, Diff, Failure, Kind, Lit, Module, Opt, Outcome, Returned, Rule,
};
use crate::python::{self, Subject};
use program::Git;

pub static MODULE: Module = Module {
    description: "Clones a repository, or brings a clone to a version: a branch, a tag or a commit.\n\
                  The host needs the program `git`.",
    options: &[
        Opt::path("dest").doc("Where the clone is; needed unless `clone` is off."),
        Opt::str("repo").required().aliases(&["name"]).doc("The address of the repository."),
        Opt::str("version").or_str("HEAD").doc(
            "A branch, a tag or the whole hash of a commit; `HEAD` is the branch that the repository offers.",
        ),
        Opt::str("remote").or_str("origin").doc("What the clone calls the repository."),
        Opt::str("refspec").doc("What to fetch besides, in git's notation."),
        Opt::str("reference").doc("A repository on the host to borrow objects from."),
        Opt::bool("force").or(false).doc("Throw away what was changed in the working copy."),
        Opt::int("depth").doc("How many commits of the history to get; at least 1."),
        Opt::bool("clone").or(true).doc("Whether to clone where nothing is."),
        Opt::bool("update").or(true).doc("Whether to fetch where a clone is."),
        Opt::bool("verify_commit")
            .or(false)
            .doc("Whether the commit or tag must have a good signature."),
        Opt::list("gpg_whitelist", Kind::Str)
            .default(Lit::List(&[]))
            .doc("Fingerprints of the keys whose signatures count."),
        Opt::bool("accept_hostkey").or(false).doc("Take whatever key the server shows."),
        Opt::bool("accept_newhostkey")
            .or(false)
            .doc("Take the key of a server that is not known yet."),
        Opt::path("key_file").not_secret().doc("The private key on the host to log in with."),
        Opt::str("ssh_opts").doc("More options of ssh."),
        Opt::path("executable").doc("The program, if it is not the one in PATH."),
        Opt::bool("bare").or(false).doc("A repository without a working copy."),
        Opt::bool("recursive").or(true).doc("Whether submodules are brought along."),
        Opt::bool("single_branch").or(false).doc("Clone the history of the version only."),
        Opt::bool("track_submodules")
            .or(false)
            .doc("Bring submodules to the newest commit of their branches."),
        Opt::raw("umask").doc("The umask, as quoted octal digits."),
        Opt::path("archive").doc("An archive file of the version to make; its name says its kind."),
        Opt::str("archive_prefix").doc("What names in the archive begin with."),
        Opt::path("separate_git_dir").doc("Where the repository is, apart from the working copy."),
    ],
    rules: &[
        Rule::MutuallyExclusive(&["separate_git_dir", "bare"]),
        Rule::MutuallyExclusive(&["accept_hostkey", "accept_newhostkey"]),
        Rule::RequiredBy { option: "archive_prefix", needs: &["archive"] },
    ],
    check_mode: CheckMode::Full,
    returns: &[
        Returned::new("before", "str", "success", "The commit before; null of a new clone."),
        Returned::new("after", "str", "success", "The commit now."),
        Returned::new("remote_url_changed", "bool", "an update", "Whether the clone had another address."),
        Returned::new("submodules_changed", "bool", "submodules changed", "That they did."),
        Returned::new("git_dir_now", "str", "it moved", "Where the repository is."),
        Returned::new("git_dir_before", "str", "it moved", "Where it was."),
    ],
    examples: "- name: The application at a release\n  ansible.builtin.git:\n    repo: https://git.example.com/app.git\n    dest: /srv/app\n    version: v2.1\n",
    ..Module::builtin("git", "Clones and updates repositories", run)
};

/// What is asked for, with the address and the paths made whole.
struct Wanted {
    repo: String,
    /// As the task has it; failures of `ls-remote` depend on it.
    plain_repo: String,
    version: String,
    remote: String,
    refspec: Option<String>,
    /// 0 is none.
    depth: Option<i64>,
    force: bool,
    bare: bool,
    separate_git_dir: Option<PathBuf>,
    signatures: Option<Vec<String>>,
}

/// What the answer tells.
#[derive(Default)]
struct Told {
    changed: bool,
    data: Map,
    diff: Option<Diff>,
}

impl Told {
    fn set(&mut self, key: &str, value: impl Into<Data>) {
        self.data.insert(key.into(), value.into());
    }

    fn text(&self, key: &str) -> Option<String> {
        self.data.get(key).and_then(Data::as_str).map(String::from)
    }

    fn outcome(self) -> Outcome {
        let outcome = Outcome::new(self.changed).with_all(self.data);
        match self.diff {
            Some(diff) => outcome.diff(diff),
            None => outcome,
        }
    }
}

fn run(cx: &mut Context<'_>, args: &mut Args) -> Result<Outcome, Failure> {
    let path = match args.str("executable").filter(|path| !path.is_empty()) {
        Some(path) => path.to_owned(),
        None => cx.program("git")?.to_string_lossy().into_owned(),
    };
    let ssh_options = ssh::options(cx, args)?;
    let umask = umask(args)?;
    let wanted = Wanted::of(cx, args);
    let allow_clone = args.bool("clone");
    let dest = args.str("dest").filter(|dest| !dest.is_empty());
    if dest.is_none() && allow_clone {
        return Err(Failure::new("the destination directory must be specified unless clone=no"));
    }
    let mut told = Told::default();
    let dest = match dest {
        Some(dest) => Some(absolute(cx, dest)?),
        None => None,
    };
    let mut git = Git::new(path, dest.clone(), umask);
    let config = match &dest {
        Some(dest) => Some(repository(cx, &git, dest, &wanted, &mut told)?.join("config")),
        None => None,
    };
    git.find_version(cx)?;
    ssh::prepare(cx, args, ssh_options, &mut git)?;
    let mut wanted = wanted;
    if wanted.depth.is_some() && git.is_older(&[1, 9, 1]) {
        cx.warn("git version is too old to fully support the depth argument. Falling back to full checkouts.");
        wanted.depth = None;
    }
    told.set("before", Data::Null);
    let there = config.is_some_and(|config| cx.target.exists(&config));
    let Some(dest) = dest.filter(|_| there || (allow_clone && !cx.check)) else {
        return only_look(cx, &git, &wanted, told);
    };
    if there && !args.bool("update") {
        let head = git.head(cx)?;
        told.set("before", head.as_str());
        told.set("after", head);
        archive::make(cx, &git, args, &wanted, &mut told)?;
        return Ok(told.outcome());
    }
    let mut also = false;
    if there {
        match update(cx, &git, &wanted, &dest, &mut told)? {
            Some(changed) => also = changed,
            None => return Ok(told.outcome()),
        }
    } else {
        checkout::clone(cx, &git, args, &wanted, &dest, &mut told)?;
    }
    if !wanted.bare {
        checkout::switch(cx, &git, &wanted)?;
        if args.bool("recursive")
            && submodules::fetch(cx, &git, &wanted, args.bool("track_submodules"), &dest)?
        {
            also = true;
            told.set("submodules_changed", true);
            submodules::update(cx, &git, &wanted, args.bool("track_submodules"), &dest)?;
        }
    }
    let after = git.head(cx)?;
    told.set("after", after.as_str());
    if also || told.text("before").as_deref() != Some(after.as_str()) {
        told.changed = true;
        if cx.diff {
            told.diff = difference(cx, &git, &wanted, &told)?;
        }
    }
    archive::make(cx, &git, args, &wanted, &mut told)?;
    Ok(told.outcome())
}

impl Wanted {
    fn of(cx: &mut Context<'_>, args: &Args) -> Wanted {
        let plain_repo = args.string("repo");
        // A path becomes an address: git ignores `depth` of paths.
        let repo = match home_expanded(cx, &plain_repo) {
            path if path.starts_with('/') => format!("file://{path}"),
            _ => plain_repo.clone(),
        };
        let separate = args.str("separate_git_dir").filter(|dir| !dir.is_empty());
        Wanted {
            repo,
            plain_repo,
            version: args.string("version"),
            remote: args.string("remote"),
            refspec: args.str("refspec").filter(|spec| !spec.is_empty()).map(String::from),
            depth: args.int("depth"),
            force: args.bool("force"),
            bare: args.bool("bare"),
            separate_git_dir: separate.map(|dir| cx.target.realpath(Path::new(dir))),
            signatures: args.bool("verify_commit").then(|| args.strings("gpg_whitelist")),
        }
    }
}

/// A `~` at the start alone; variables in addresses stay.
fn home_expanded(cx: &mut Context<'_>, text: &str) -> String {
    if !text.starts_with('~') {
        return text.to_owned();
    }
    let end = text.find('/').unwrap_or(text.len());
    format!("{}{}", cx.target.expand(&text[..end]), &text[end..])
}

fn umask(args: &Args) -> Result<Option<u32>, Failure> {
    let Some(umask) = args.get("umask") else { return Ok(None) };
    let Some(text) = umask.as_str() else {
        return Err(Failure::new("umask must be defined as a quoted octal integer"));
    };
    match python::parse_int(text, 8) {
        Some(umask) => Ok(Some(umask as u32 & 0o777)),
        None => Err(Failure::new("umask must be an octal integer").with(
            "details",
            format!("invalid literal for int() with base 8: {}", python::repr_str(text)),
        )),
    }
}

/// `os.path.abspath`.
fn absolute(cx: &mut Context<'_>, path: &str) -> Result<PathBuf, Failure> {
    let base = match path.starts_with('/') {
        true => String::new(),
        false => {
            let cwd = cx.target.cwd().map_err(|error| Failure::os(&error, Subject::None))?;
            cwd.to_string_lossy().into_owned()
        }
    };
    Ok(python::normpath(&python::join(&base, path)).into())
}

/// Where the repository of a working copy is; it is moved if the task wants it elsewhere.
fn repository(
    cx: &mut Context<'_>,
    git: &Git,
    dest: &Path,
    wanted: &Wanted,
    told: &mut Told,
) -> Result<PathBuf, Failure> {
    let found = git.repository(cx, dest, wanted.bare)?;
    let Some(separate) = wanted.separate_git_dir.clone() else { return Ok(found) };
    if !cx.target.exists(&found) || separate == found {
        return Ok(found);
    }
    told.changed = true;
    if cx.check {
        return Ok(found);
    }
    checkout::move_repository(cx, dest, &found, &separate, told)?;
    Ok(separate)
}

/// Nothing is cloned: the answer tells what a clone would have.
fn only_look(
    cx: &mut Context<'_>,
    git: &Git,
    wanted: &Wanted,
    mut told: Told,
) -> Result<Outcome, Failure> {
    let head = remote::head(cx, git, wanted, &wanted.repo)?;
    told.changed = true;
    told.set("after", head);
    if cx.diff {
        told.diff = difference(cx, git, wanted, &told)?;
    }
    Ok(told.outcome())
}

/// Fetch into a clone that is there. Whether something changed besides the commit; nothing if the answer is whole
/// already, as it is in check mode.
fn update(
    cx: &mut Context<'_>,
    git: &Git,
    wanted: &Wanted,
    dest: &Path,
    told: &mut Told,
) -> Result<Option<bool>, Failure> {
    let modified = !wanted.bare && git.is_modified(cx)?;
    let before = git.head(cx)?;
    told.set("before", before.as_str());
    if modified {
        let msg = format!("Local modifications exist in the destination: {}", dest.display());
        if !wanted.force {
            return Err(Failure::new(format!("{msg} (force=no)."))
                .with("changed", told.changed)
                .with_all(std::mem::take(&mut told.data)));
        }
        if !cx.check {
            let reset = git.line(cx, "reset --hard HEAD")?;
            cx.run_ok(&reset)?;
            told.changed = true;
            told.set("msg", msg);
        }
    }
    if !cx.check {
        let url_changed = remote::set_url(cx, git, wanted)?;
        told.set("remote_url_changed", url_changed);
        remote::fetch(cx, git, wanted, &wanted.version, wanted.refspec.as_deref(), wanted.force)?;
        return Ok(Some(modified || url_changed));
    }
    let url = remote::url(cx, git, wanted)?.filter(|url| !url.is_empty());
    let url_changed = url.as_deref().is_some_and(|url| !remote::is_same(cx, url, &wanted.repo));
    // ansible-core 2.14 tells the (missing) address itself where there is none.
    told.set("remote_url_changed", url_changed);
    let head = remote::head(cx, git, wanted, &wanted.remote)?;
    told.changed = before != head || url_changed;
    told.set("after", head);
    if cx.diff {
        told.diff = difference(cx, git, wanted, told)?;
    }
    Ok(None)
}

/// What lies between the commits before and after, in words for the user.
fn difference(
    cx: &mut Context<'_>,
    git: &Git,
    wanted: &Wanted,
    told: &Told,
) -> Result<Option<Diff>, Failure> {
    let after = told.text("after").unwrap_or_default();
    let prepared = match told.text("before") {
        None => format!(">> Newly checked out {after}"),
        Some(before) if before == after => return Ok(None),
        Some(before) => {
            // Both commits must be here, in check mode too.
            remote::fetch(cx, git, wanted, &after, None, false)?;
            let diff = git.line(cx, &format!("diff {before} {after}"))?;
            let ran = cx.run(&diff)?;
            let failed = format!(">> Failed to get proper diff between {before} and {after}");
            match (ran.ok(), ran.out(), ran.err()) {
                (true, out, _) if !out.is_empty() => out.into_owned(),
                (true, ..) => format!(">> No visual differences between {before} and {after}"),
                (false, _, err) if !err.is_empty() => format!("{failed}:\n>> {err}"),
                _ => failed,
            }
        }
    };
    Ok(Some(Diff { prepared: Some(prepared), ..Diff::default() }))
}
