//! Symbolic and hard links.

use std::io;
use std::path::{Path, PathBuf};

use super::{Job, State, first_diff, meant};
use crate::data::Data;
use crate::module::{Args, Context, Diff, Failure, FileAttributes, Outcome};
use crate::python::{self, Subject};

fn outcome(path: &str, src: Option<&str>, changed: bool, diff: Diff) -> Outcome {
    Outcome::silent()
        .with("dest", path)
        .with("src", src.map_or(Data::Null, Data::from))
        .with("changed", changed)
        .diff(diff)
}

pub(super) fn symbolic(cx: &mut Context<'_>, args: &Args, job: &Job) -> Result<Outcome, Failure> {
    let (path, at) = (job.path.as_str(), Path::new(&job.path));
    let now = State::of(cx, path);
    let mut src = job.src.clone();
    if src.is_none() && job.follow && cx.target.exists(at) {
        let content =
            cx.target.read_link(at).map_err(|error| Failure::os(&error, Subject::Bytes(at)))?;
        src = Some(content.to_string_lossy().into_owned());
    }
    let base = match !cx.target.is_link(at) && cx.target.is_dir(at) {
        true => path,
        false => python::dirname(path),
    };
    if let Some(src) = src.as_deref().filter(|_| !job.force) {
        let there = python::join(base, src);
        if !cx.target.exists(Path::new(&there)) {
            return Err(Failure::new(format!(
                "src file does not exist, use \"force=yes\" if you really want to create the link: {there}"
            ))
            .with("path", path)
            .with("src", src));
        }
    }
    refuse_conversion(cx, job, now)?;
    let mut diff = first_diff(path, "link", now);
    let mut changed = false;
    match (now, src.as_deref()) {
        (State::Link, None) => {}
        (State::Link, Some(src)) => {
            let old =
                cx.target.read_link(at).map_err(|error| Failure::os(&error, Subject::Bytes(at)))?;
            let old = old.to_string_lossy();
            if old != src {
                diff.note("src", &*old, src);
                changed = true;
            }
        }
        (_, None) => return Err(Failure::new("src is required for creating new symlinks")),
        (_, Some(_)) => changed = true,
    }
    if changed && !cx.check {
        let to = PathBuf::from(src.as_deref().unwrap_or_default());
        place(cx, job, now, &to, |cx, link| cx.target.symlink(&to, link))?;
    }
    if cx.check && !cx.target.exists(at) {
        return Ok(outcome(path, src.as_deref(), changed, diff));
    }
    let meant = meant(cx, path, job.follow);
    if job.follow && cx.target.is_link(at) && !cx.target.exists(Path::new(&meant)) {
        cx.warn("Cannot set fs attributes on a non-existent symlink target. follow should be set to False to avoid this.");
    } else {
        changed |= complete(cx, args, job, &meant, &mut diff)?;
    }
    Ok(outcome(path, src.as_deref(), changed, diff))
}

/// What a link does not take the place of.
fn refuse_conversion(cx: &mut Context<'_>, job: &Job, now: State) -> Result<(), Failure> {
    let path = job.path.as_str();
    let message = match now {
        State::Directory if job.force => {
            let full = cx
                .target
                .read_dir(Path::new(path))
                .map(|entries| !entries.is_empty())
                .map_err(|error| Failure::os(&error, Subject::Bytes(Path::new(path))))?;
            if !full {
                return Ok(());
            }
            format!("the directory {path} is not empty, refusing to convert it")
        }
        State::Directory | State::File | State::Hard if !job.force => {
            format!("refusing to convert from {} to symlink for {path}", now.name())
        }
        _ => return Ok(()),
    };
    Err(Failure::new(message).with("path", path))
}

/// Makes a link, in one step where something else is in its place.
fn place(
    cx: &mut Context<'_>,
    job: &Job,
    now: State,
    to: &Path,
    make: impl Fn(&mut Context<'_>, &Path) -> io::Result<()>,
) -> Result<(), Failure> {
    let at = Path::new(&job.path);
    let failed = |verb: &str, error: &io::Error, subject: Subject<'_>| {
        let text = python::os_error(error, subject);
        Failure::new(format!("Error while {verb}: {text}")).with("path", job.path.as_str())
    };
    if now == State::Absent {
        return make(cx, at).map_err(|error| failed("linking", &error, Subject::BytesPair(to, at)));
    }
    if now == State::Directory {
        cx.target.rmdir(at).map_err(|error| failed("replacing", &error, Subject::Bytes(at)))?;
    }
    let name = format!(".{}.{}.tmp", cx.target.pid(), python::float_text(cx.target.now().as_f64()));
    let new = PathBuf::from(python::join(python::dirname(&job.path), &name));
    make(cx, &new).map_err(|error| failed("replacing", &error, Subject::BytesPair(to, &new)))?;
    cx.target.rename(&new, at).map_err(|error| {
        // The first error is the one that counts.
        let _ = cx.target.unlink(&new);
        failed("replacing", &error, Subject::BytesPair(&new, at))
    })
}

fn complete(
    cx: &mut Context<'_>,
    args: &Args,
    job: &Job,
    meant: &str,
    diff: &mut Diff,
) -> Result<bool, Failure> {
    let meant = Path::new(meant);
    let wanted = FileAttributes::of(cx, args, meant);
    let changed = cx.set_attributes(meant, &wanted, Some(diff))?;
    Ok(changed | job.times.apply(cx, meant, Some(diff))?)
}

pub(super) fn hard(cx: &mut Context<'_>, args: &Args, job: &Job) -> Result<Outcome, Failure> {
    let (path, at) = (job.path.as_str(), Path::new(&job.path));
    let now = State::of(cx, path);
    let meant = meant(cx, path, job.follow);
    let src = job.src.as_deref();
    if now != State::Hard && src.is_none() {
        return Err(Failure::new("src is required for creating new hardlinks"));
    }
    let refused = |message: &str| {
        Failure::new(message).with("dest", path).with("src", src.map_or(Data::Null, Data::from))
    };
    let to = src.map(Path::new);
    if to.is_some_and(|to| !cx.target.exists(to)) {
        return Err(refused("src does not exist"));
    }
    let mut diff = first_diff(path, "hard", now);
    let changed = match (now, to) {
        (State::Link, _) => {
            let old =
                cx.target.read_link(at).map_err(|error| Failure::os(&error, Subject::Bytes(at)))?;
            let old = old.to_string_lossy();
            let other = Some(&*old) != src;
            if other {
                diff.note("src", &*old, src.map_or(Data::Null, Data::from));
            }
            other
        }
        (State::Hard, None) => false,
        (State::Hard, Some(to)) => {
            let other = inode(cx, at)? != inode(cx, to)?;
            if other && !job.force {
                return Err(refused("Cannot link, different hard link exists at destination"));
            }
            other
        }
        (State::File, _) if !job.force => {
            return Err(refused("Cannot link, file exists at destination"));
        }
        (State::Directory, Some(to)) if inode(cx, at)? == inode(cx, to)? => {
            return Ok(Outcome::silent().with("path", path).with("changed", false));
        }
        (State::Directory, _) if !job.force => {
            return Err(refused("Cannot link: different hard link exists at destination"));
        }
        _ => true,
    };
    if let Some(to) = to.filter(|_| changed && !cx.check) {
        if now == State::Directory {
            // A folder can't be replaced by a link: this says so in the system's words.
            cx.target.unlink(at).map_err(|error| {
                let text = python::os_error(&error, Subject::Bytes(at));
                Failure::new(format!("Error while replacing: {text}")).with("path", path)
            })?;
        }
        let now = if now == State::Directory { State::File } else { now };
        place(cx, job, now, to, |cx, link| cx.target.hard_link(to, link))?;
    }
    if cx.check && !cx.target.exists(at) {
        return Ok(outcome(path, src, changed, diff));
    }
    let changed = changed | complete(cx, args, job, &meant, &mut diff)?;
    Ok(outcome(path, src, changed, diff))
}

fn inode(cx: &mut Context<'_>, path: &Path) -> Result<u64, Failure> {
    let stat = cx.target.stat(path).map_err(|error| Failure::os(&error, Subject::Bytes(path)))?;
    Ok(stat.inode)
}
