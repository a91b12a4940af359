//! Folders from one place of the host to another.
//!
//! What is copied depends on which side has a slash, on what is there, and on `local_follow` being
//! given at all; all of that is ansible-core 2.14's `copy`, odd as parts of it are.

use std::io;
use std::path::Path;

use crate::module::{Args, Context, Failure};
use crate::python::{self, Subject};
use crate::target::{FileKind, SetTime, account};

/// Names that Python's `filecmp` passes over.
const IGNORED: [&str; 8] = ["RCS", "CVS", "tags", ".git", ".hg", ".bzr", "_darcs", "__pycache__"];

/// Copies the folder `src` to the option `dest`; says whether that changes something.
pub(super) fn copy(cx: &mut Context<'_>, args: &Args, src: &str) -> Result<bool, Failure> {
    if !cx.target.is_dir(Path::new(src)) {
        return Ok(false);
    }
    let dest = args.string("dest");
    let inner = python::join(src, "");
    let into = python::join(&dest, python::basename(src));
    let there = cx.target.is_dir(Path::new(&dest));
    let missing = !cx.target.exists(Path::new(&dest));
    match src.ends_with('/') {
        true if there => merge_all(cx, args, src, &dest),
        true if missing => {
            if !cx.check {
                duplicate(cx, args, &inner, &into)?;
            }
            own(cx, args, &dest)?;
            Ok(true)
        }
        false if there => {
            let mut changed = false;
            if !cx.target.exists(Path::new(&into)) {
                changed = true;
                if !cx.check {
                    duplicate(cx, args, &inner, &into)?;
                    own(cx, args, &dest)?;
                }
            }
            if cx.target.exists(Path::new(&into)) {
                changed |= merge_all(cx, args, &inner, &into)?;
            }
            Ok(changed)
        }
        false if missing => {
            if cx.check {
                return Ok(true);
            }
            make_dirs(cx, &into)?;
            merge_all(cx, args, &inner, &into)
        }
        _ => Ok(false),
    }
}

fn merge_all(cx: &mut Context<'_>, args: &Args, src: &str, dest: &str) -> Result<bool, Failure> {
    let differing = update(cx, args, src, dest)?;
    let new = add(cx, args, src, dest)?;
    let common = descend(cx, args, src, dest)?;
    let owned = own(cx, args, dest)?;
    Ok(differing || new || common || owned)
}

/// How two folders differ.
#[derive(Default)]
struct Comparison {
    differing: Vec<String>,
    new: Vec<String>,
    folders: Vec<String>,
}

fn crash(error: &io::Error, path: &str) -> Failure {
    Failure::os(error, Subject::Bytes(Path::new(path)))
}

fn names(cx: &mut Context<'_>, folder: &str) -> Result<Vec<String>, Failure> {
    let entries = cx.target.read_dir(Path::new(folder)).map_err(|e| crash(&e, folder))?;
    let mut names: Vec<String> = entries
        .into_iter()
        .map(|entry| entry.name.to_string_lossy().into_owned())
        .filter(|name| !IGNORED.contains(&name.as_str()))
        .collect();
    names.sort_unstable();
    Ok(names)
}

fn compare(cx: &mut Context<'_>, src: &str, dest: &str) -> Result<Comparison, Failure> {
    let mut found = Comparison::default();
    let theirs = names(cx, dest)?;
    for name in names(cx, src)? {
        if !theirs.contains(&name) {
            found.new.push(name);
            continue;
        }
        let (from, to) = (python::join(src, &name), python::join(dest, &name));
        let (Ok(a), Ok(b)) = (cx.target.stat(Path::new(&from)), cx.target.stat(Path::new(&to)))
        else {
            continue;
        };
        if a.is_dir() && b.is_dir() {
            found.folders.push(name);
        } else if a.is_file() && b.is_file() {
            let same = (a.size, a.mtime) == (b.size, b.mtime)
                || (a.size == b.size
                    && matches!(
                        (cx.target.read(Path::new(&from)), cx.target.read(Path::new(&to))),
                        (Ok(a), Ok(b)) if a == b
                    ));
            if !same {
                found.differing.push(name);
            }
        }
    }
    Ok(found)
}

/// Files that differ.
fn update(cx: &mut Context<'_>, args: &Args, src: &str, dest: &str) -> Result<bool, Failure> {
    let differing = compare(cx, src, dest)?.differing;
    if !cx.check {
        for name in &differing {
            let (from, to) = (python::join(src, name), python::join(dest, name));
            if cx.target.is_link(Path::new(&from)) && args.opt_bool("local_follow") == Some(false) {
                relink(cx, &from, &to)?;
            } else {
                copy_file(cx, &from, &to)?;
                copy_mode(cx, &from, &to)?;
            }
            own_one(cx, args, &to)?;
        }
    }
    Ok(!differing.is_empty())
}

/// What only the source has.
fn add(cx: &mut Context<'_>, args: &Args, src: &str, dest: &str) -> Result<bool, Failure> {
    let new = compare(cx, src, dest)?.new;
    if !cx.check {
        for name in &new {
            add_one(cx, args, &python::join(src, name), &python::join(dest, name))?;
        }
    }
    Ok(!new.is_empty())
}

fn add_one(cx: &mut Context<'_>, args: &Args, from: &str, to: &str) -> Result<(), Failure> {
    let path = Path::new(from);
    let stat = cx.target.stat(path).ok();
    let (folder, file) =
        (stat.as_ref().is_some_and(|s| s.is_dir()), stat.as_ref().is_some_and(|s| s.is_file()));
    match (cx.target.is_link(path), args.opt_bool("local_follow")) {
        (false, _) | (true, Some(true)) if folder => {
            duplicate(cx, args, from, to)?;
            own(cx, args, to)?;
        }
        (link, follow) if file && (!link || follow == Some(true)) => {
            copy_file(cx, from, to)?;
            if !link {
                copy_mode(cx, from, to)?;
            }
            own_one(cx, args, to)?;
        }
        (true, Some(false)) if folder || file => relink(cx, from, to)?,
        // Links are left out where nobody said whether to follow them; broken ones always.
        _ => {}
    }
    Ok(())
}

/// Folders that both have. A change in one ends the search: ansible-core looks no deeper.
fn descend(cx: &mut Context<'_>, args: &Args, src: &str, dest: &str) -> Result<bool, Failure> {
    let mut changed = false;
    for name in compare(cx, src, dest)?.folders {
        let (from, to) = (python::join(src, &name), python::join(dest, &name));
        let differing = update(cx, args, &from, &to)?;
        let new = add(cx, args, &from, &to)?;
        changed |= differing || new;
        changed = changed || descend(cx, args, &from, &to)?;
    }
    Ok(changed)
}

/// A whole folder at a place where nothing is (`shutil.copytree`).
fn duplicate(cx: &mut Context<'_>, args: &Args, src: &str, dest: &str) -> Result<(), Failure> {
    let follow = args.bool("local_follow");
    if cx.target.exists(Path::new(dest)) {
        return Err(crash(&io::Error::from_raw_os_error(libc::EEXIST), dest));
    }
    make_dirs(cx, dest)?;
    let entries = cx.target.read_dir(Path::new(src)).map_err(|e| crash(&e, src))?;
    for entry in entries {
        let name = entry.name.to_string_lossy();
        let (from, to) = (python::join(src, &name), python::join(dest, &name));
        match entry.kind {
            FileKind::Link if !follow => relink(cx, &from, &to)?,
            FileKind::Directory => duplicate(cx, args, &from, &to)?,
            _ if cx.target.is_dir(Path::new(&from)) => duplicate(cx, args, &from, &to)?,
            _ => {
                copy_file(cx, &from, &to)?;
                copy_record(cx, &from, &to)?;
            }
        }
    }
    copy_record(cx, src, dest)
}

fn make_dirs(cx: &mut Context<'_>, path: &str) -> Result<(), Failure> {
    let path = Path::new(path);
    if cx.target.is_dir(path) {
        return Ok(());
    }
    let above = account::parent(path).to_string_lossy().into_owned();
    if !above.is_empty() {
        make_dirs(cx, &above)?;
    }
    cx.target.mkdir(path, 0o777).map_err(|e| Failure::os(&e, Subject::Bytes(path)))
}

fn relink(cx: &mut Context<'_>, from: &str, to: &str) -> Result<(), Failure> {
    let content = cx.target.read_link(Path::new(from)).map_err(|e| crash(&e, from))?;
    cx.target
        .symlink(&content, Path::new(to))
        .map_err(|e| Failure::os(&e, Subject::BytesPair(&content, Path::new(to))))
}

fn copy_file(cx: &mut Context<'_>, from: &str, to: &str) -> Result<(), Failure> {
    let (source, place) = (Path::new(from), Path::new(to));
    if !cx.target.exists(place) {
        return cx.target.copy(source, place, 0o666).map_err(|e| crash(&e, from));
    }
    let content = cx.target.read(source).map_err(|e| crash(&e, from))?;
    cx.target.overwrite(place, &content).map_err(|e| crash(&e, to))
}

fn copy_mode(cx: &mut Context<'_>, from: &str, to: &str) -> Result<(), Failure> {
    let stat = cx.target.stat(Path::new(from)).map_err(|e| crash(&e, from))?;
    cx.target.chmod(Path::new(to), stat.permissions()).map_err(|e| crash(&e, to))
}

/// Mode and times.
fn copy_record(cx: &mut Context<'_>, from: &str, to: &str) -> Result<(), Failure> {
    copy_mode(cx, from, to)?;
    let stat = cx.target.stat(Path::new(from)).map_err(|e| crash(&e, from))?;
    cx.target
        .set_times(Path::new(to), SetTime::At(stat.atime), SetTime::At(stat.mtime))
        .map_err(|e| crash(&e, to))
}

fn own_one(cx: &mut Context<'_>, args: &Args, path: &str) -> Result<bool, Failure> {
    let mut changed = false;
    if let Some(owner) = args.str("owner") {
        changed |= cx.set_owner(Path::new(path), owner, None)?;
    }
    if let Some(group) = args.str("group") {
        changed |= cx.set_group(Path::new(path), group, None)?;
    }
    Ok(changed)
}

/// Owner and group of a folder and all in it.
fn own(cx: &mut Context<'_>, args: &Args, path: &str) -> Result<bool, Failure> {
    if !args.is_given("owner") && !args.is_given("group") {
        return Ok(false);
    }
    // Nothing is walked where nothing is.
    if !cx.target.is_dir(Path::new(path)) {
        return Ok(false);
    }
    let mut changed = own_one(cx, args, path)?;
    for entry in cx.target.read_dir(Path::new(path)).unwrap_or_default() {
        let inner = python::join(path, &entry.name.to_string_lossy());
        changed |= match entry.kind {
            FileKind::Directory => own(cx, args, &inner)?,
            _ => own_one(cx, args, &inner)?,
        };
    }
    Ok(changed)
}
