//! Owner, mode and times of all that a folder holds.

use std::path::Path;

use super::{Job, Listed, listing};
use crate::module::{Context, Failure, FileAttributes};

/// Links that lead in circles end here.
const DEEPEST: u32 = 200;

/// Gives everything below a folder the attributes; behind links too, if they are followed.
pub(super) fn of_tree(
    cx: &mut Context<'_>,
    root: &str,
    job: &Job,
    wanted: &FileAttributes,
    depth: u32,
) -> Result<bool, Failure> {
    if depth > DEEPEST {
        return Err(Failure::new(format!(
            "Could not recursively set attributes on {root}. Original error was: 'maximum recursion depth exceeded'"
        )));
    }
    let (folders, files) = listing(cx, Path::new(root));
    let mut changed = false;
    for entry in folders.iter().chain(&files) {
        changed |= of_one(cx, &entry.path, job, wanted)?;
        if entry.link && job.follow {
            changed |= behind(cx, root, entry, job, wanted, depth)?;
        }
    }
    for inner in folders.iter().filter(|f| !f.link) {
        changed |= of_tree(cx, &inner.path, job, wanted, depth)?;
    }
    Ok(changed)
}

fn of_one(
    cx: &mut Context<'_>,
    path: &str,
    job: &Job,
    wanted: &FileAttributes,
) -> Result<bool, Failure> {
    let path = Path::new(path);
    let changed = cx.set_attributes(path, wanted, None)?;
    Ok(changed | job.times.apply(cx, path, None)?)
}

/// What a link points to, if it is there.
fn behind(
    cx: &mut Context<'_>,
    root: &str,
    link: &Listed,
    job: &Job,
    wanted: &FileAttributes,
    depth: u32,
) -> Result<bool, Failure> {
    let Ok(content) = cx.target.read_link(Path::new(&link.path)) else { return Ok(false) };
    let to = Path::new(root).join(content);
    if !cx.target.exists(&to) {
        return Ok(false);
    }
    let to = to.to_string_lossy();
    let mut changed = false;
    if link.folder {
        changed |= of_tree(cx, &to, job, wanted, depth + 1)?;
    }
    Ok(changed | of_one(cx, &to, job, wanted)?)
}
