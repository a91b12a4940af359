//! What is not to be there.

use std::path::Path;

use super::{Listed, State, first_diff, listing, outcome};
use crate::data::Data;
use crate::module::{Context, Failure, Map, Outcome};
use crate::python::{self, Subject};

/// Removes whatever is at a path.
pub(super) fn remove(cx: &mut Context<'_>, path: &str) -> Result<Outcome, Failure> {
    let now = State::of(cx, path);
    if now == State::Absent {
        let absent = Outcome::silent().with("path", path).with("changed", false);
        return Ok(absent.with("state", "absent"));
    }
    let at = Path::new(path);
    let mut diff = first_diff(path, "absent", now);
    if now == State::Directory {
        let mut content = Content::default();
        content.walk(cx, at);
        if let Some(Data::Object(before)) = &mut diff.before {
            before.insert("path_content".into(), content.into_data());
        }
    }
    if !cx.check {
        take_away(cx, at, now)?;
    }
    Ok(outcome(path.to_owned(), true, diff).with("state", "absent"))
}

fn take_away(cx: &mut Context<'_>, at: &Path, now: State) -> Result<(), Failure> {
    if now == State::Directory {
        return cx.target.remove_tree(at).map_err(|error| {
            let text = python::os_error(&error, Subject::None);
            Failure::new(format!("rmtree failed: {text}"))
        });
    }
    match cx.target.unlink(at) {
        Err(error) if error.raw_os_error() != Some(libc::ENOENT) => {
            let text = python::os_error(&error, Subject::Bytes(at));
            Err(Failure::new(format!("unlinking failed: {text} "))
                .with("path", at.to_string_lossy()))
        }
        _ => Ok(()),
    }
}

/// What a folder holds, for the difference.
#[derive(Default)]
struct Content {
    folders: Vec<String>,
    files: Vec<String>,
}

impl Content {
    fn walk(&mut self, cx: &mut Context<'_>, folder: &Path) {
        let (folders, files) = listing(cx, folder);
        let paths =
            |all: &[Listed]| -> Vec<String> { all.iter().map(|l| l.path.clone()).collect() };
        self.folders.extend(paths(&folders));
        self.files.extend(paths(&files));
        for inner in folders.iter().filter(|f| !f.link) {
            self.walk(cx, Path::new(&inner.path));
        }
    }

    fn into_data(self) -> Data {
        let mut map = Map::new();
        map.insert("directories".into(), self.folders.into());
        map.insert("files".into(), self.files.into());
        map.into()
    }
}
