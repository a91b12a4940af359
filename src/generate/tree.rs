//! A tree on disk beside the one that is planned: what differs, and the writing of it.

use std::{
    collections::BTreeMap,
    fs::{self, Permissions},
    io::{ErrorKind, Write},
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
};

use super::{
    Planned,
    record::{self, Record, hash},
};
use crate::diagnostic::{Error, Kind, Result};

/// How a file stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// As planned.
    Same,
    /// Not there yet.
    New,
    /// As it was written, and planned otherwise now.
    Changed,
    /// As it was written, and not planned any more.
    Obsolete,
    /// Edited by somebody; what is planned is what was planned before.
    Edited,
    /// Edited by somebody (or never ours), and planned otherwise.
    Conflict,
    /// Edited by somebody, and not planned any more.
    EditedObsolete,
}

/// One file: where it is, how it stands, what it says and what it should say.
#[derive(Debug)]
pub struct Step {
    /// Its path in the tree.
    pub path: String,
    /// How it stands.
    pub state: State,
    /// What it says.
    pub before: Option<Vec<u8>>,
    /// What it should say.
    pub after: Option<Planned>,
}

fn failed(what: &str, path: &Path, error: &std::io::Error) -> Error {
    Error::new(Kind::User, format!("can't {what} {}: {error}", path.display()))
}

/// Compares a tree with a plan.
///
/// # Errors
/// Files that can't be read.
pub fn compare(root: &Path, plan: BTreeMap<String, Planned>, record: &Record) -> Result<Vec<Step>> {
    let mut steps = Vec::new();
    for path in record.paths().filter(|p| !plan.contains_key(*p)) {
        let Some(found) = Found::at(&root.join(path))? else { continue };
        let ours = record.has(path, &hash(&found.content)) && !found.is_link;
        let state = if ours { State::Obsolete } else { State::EditedObsolete };
        steps.push(Step { path: path.clone(), state, before: Some(found.content), after: None });
    }
    for (path, planned) in plan {
        let found = Found::at(&root.join(&path))?;
        let state = match &found {
            None => State::New,
            Some(found) => state(found, &path, &planned, record),
        };
        let before = found.map(|f| f.content);
        steps.push(Step { path, state, before, after: Some(planned) });
    }
    Ok(steps)
}

fn state(found: &Found, path: &str, planned: &Planned, record: &Record) -> State {
    if found.content == planned.content.as_bytes() && !found.is_link {
        return if planned.executable && !found.executable { State::Changed } else { State::Same };
    }
    if record.has(path, &hash(&found.content)) && !found.is_link {
        return State::Changed;
    }
    if record.has(path, &hash(planned.content.as_bytes())) {
        State::Edited
    } else {
        State::Conflict
    }
}

struct Found {
    content: Vec<u8>,
    executable: bool,
    is_link: bool,
}

impl Found {
    fn at(path: &Path) -> Result<Option<Self>> {
        let about = match path.symlink_metadata() {
            Ok(about) => about,
            Err(e) if matches!(e.kind(), ErrorKind::NotFound) => return Ok(None),
            Err(e) => return Err(failed("look at", path, &e)),
        };
        if about.is_dir() {
            return Err(Error::new(Kind::User, format!("{} is a folder", path.display()))
                .hinted("a file of the tree belongs there; move the folder away"));
        }
        let content = match fs::read(path) {
            // A link to nothing is somebody's, too.
            Err(e) if about.is_symlink() && e.kind() == ErrorKind::NotFound => Vec::new(),
            read => read.map_err(|e| failed("read", path, &e))?,
        };
        let executable = about.permissions().mode() & 0o100 != 0;
        Ok(Some(Self { content, executable, is_link: about.is_symlink() }))
    }
}

/// Writes into a tree.
pub struct Writer<'a> {
    root: &'a Path,
    /// Where what people wrote is kept before it is written over.
    kept: PathBuf,
    record: Record,
}

/// The folder of what was written over.
pub const KEPT: &str = ".vmstation-kept";

impl<'a> Writer<'a> {
    /// Begins: notes in the record what is about to be written. `name` is that of the folder in [`KEPT`] for what people
    /// wrote.
    ///
    /// # Errors
    /// A tree that can't be written to.
    pub fn begin(root: &'a Path, before: &Record, steps: &[Step], name: &str) -> Result<Self> {
        let mut record = before.clone();
        for step in steps {
            if let Some(after) = &step.after {
                record.add(&step.path, hash(after.content.as_bytes()));
            }
        }
        let writer = Self { root, kept: root.join(KEPT).join(name), record };
        writer.save(&writer.record)?;
        Ok(writer)
    }

    /// Makes a file what it should be, or takes it away.
    ///
    /// # Errors
    /// A file that can't be written.
    pub fn carry_out(&self, step: &Step) -> Result<()> {
        let path = self.root.join(&step.path);
        let theirs = matches!(step.state, State::Edited | State::Conflict | State::EditedObsolete);
        if let Some(before) = step.before.as_ref().filter(|_| theirs) {
            self.keep(&step.path, before)?;
        }
        match &step.after {
            Some(planned) => {
                let mode = if planned.executable { 0o777 } else { 0o666 };
                replace(&path, planned.content.as_bytes(), mode)
            }
            None => self.take_away(&path),
        }
    }

    fn keep(&self, path: &str, content: &[u8]) -> Result<()> {
        // Nobody wants to see it beside the tree's own files in a repository.
        let ignore = self.root.join(KEPT).join(".gitignore");
        if !ignore.exists() {
            replace(&ignore, b"*\n", 0o666)?;
        }
        replace(&self.kept.join(path), content, 0o600)
    }

    fn take_away(&self, path: &Path) -> Result<()> {
        fs::remove_file(path).map_err(|e| failed("remove", path, &e))?;
        // Folders that became empty go, too; one that is not empty stays.
        let folders = path.ancestors().skip(1).take_while(|f| *f != self.root);
        for folder in folders {
            if fs::remove_dir(folder).is_err() {
                break;
            }
        }
        Ok(())
    }

    /// Ends: the record says what is there now. `left` are the paths that were left as people made them.
    ///
    /// # Errors
    /// A record that can't be written.
    pub fn end(self, before: &Record, steps: &[Step], left: &[&str]) -> Result<()> {
        let mut record = Record::default();
        for step in steps {
            if left.contains(&step.path.as_str()) {
                // What was ours before it was edited is still what it is compared with.
                before.hashes(&step.path).iter().for_each(|h| record.add(&step.path, h.clone()));
            } else if let Some(after) = &step.after {
                record.add(&step.path, hash(after.content.as_bytes()));
            }
        }
        self.save(&record)
    }

    fn save(&self, record: &Record) -> Result<()> {
        let path = self.root.join(record::FILE);
        let text = record.text();
        if fs::read(&path).is_ok_and(|old| old == text.as_bytes()) {
            return Ok(());
        }
        replace(&path, text.as_bytes(), 0o666)
    }
}

/// Puts a whole new file in the place of another, or of none. A file that was there keeps its mode but for what makes it a
/// program.
///
/// # Errors
/// A folder that can't be written to.
pub fn replace(path: &Path, content: &[u8], mode: u32) -> Result<()> {
    let wrong = |e: std::io::Error| failed("write", path, &e);
    let folder = path.parent().unwrap_or(Path::new("."));
    fs::create_dir_all(folder).map_err(wrong)?;
    let mut file = tempfile::Builder::new()
        .prefix(".vmstation-")
        .permissions(Permissions::from_mode(mode))
        .tempfile_in(folder)
        .map_err(wrong)?;
    file.write_all(content).map_err(wrong)?;
    if let Ok(about) = path.symlink_metadata()
        && about.is_file()
    {
        let old = about.permissions().mode() & 0o7777;
        // A program may be run by whoever may read it.
        let run = if mode & 0o100 == 0 { 0 } else { (old & 0o444) >> 2 };
        file.as_file().set_permissions(Permissions::from_mode(old | run)).map_err(wrong)?;
    }
    file.as_file().sync_all().map_err(wrong)?;
    file.persist(path).map_err(|e| wrong(e.error))?;
    Ok(())
}
