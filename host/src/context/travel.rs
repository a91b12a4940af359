//! Files that travelled with the call, as modules use them.

use std::io;
use std::path::{Path, PathBuf};

use crate::context::Context;
use crate::files::{Content, Travelling};
use crate::outcome::Failure;
use crate::python::{self, Subject};

impl Context<'_> {
    /// The travelling file that the arguments name by this path.
    pub fn travelling(&self, path: &str) -> Option<&Travelling> {
        self.call.files.iter().find(|file| file.path == path)
    }

    /// Its content, asked for now.
    pub(super) fn travelled(&mut self, path: &str) -> io::Result<Content> {
        match self.call.files.iter().find(|file| file.path == path) {
            Some(file) => self.files.content(file),
            None => Err(io::Error::from_raw_os_error(libc::ENOENT)),
        }
    }

    /// Put a travelling file's content on the target.
    pub(super) fn put(&mut self, path: &str, to: &Path, mode: u32) -> io::Result<()> {
        match self.travelled(path)? {
            Content::Bytes(bytes) => self.target.create(to, &bytes, mode),
            Content::File(from) => self.target.put(&from, to, mode),
        }
    }

    /// Put a travelling file where results say that it was, in a folder of its own; removed when the call ends.
    pub fn lay(&mut self, label: &str, path: &Path) -> Result<(), Failure> {
        let failed = |error: io::Error| {
            let text = python::os_error(&error, Subject::Text(path));
            Failure::new(format!("could not receive {label}: {text}"))
        };
        let folder = crate::target::account::parent(path).to_path_buf();
        if let Some(above) = folder.parent()
            && !self.target.exists(above)
        {
            self.make_private(above).map_err(failed)?;
        }
        self.target.mkdir(&folder, 0o700).map_err(failed)?;
        self.remove_at_end(&folder);
        self.put(label, path, 0o600).map_err(failed)
    }

    /// A folder for its user alone, with those above it.
    fn make_private(&mut self, folder: &Path) -> io::Result<()> {
        if let Some(above) = folder.parent()
            && !self.target.exists(above)
        {
            self.make_private(above)?;
        }
        self.target.mkdir(folder, 0o700)
    }

    /// A path that programs can open: the travelling file, laid down in a temporary folder, or the path itself.
    pub fn on_disk(&mut self, path: &str) -> Result<PathBuf, Failure> {
        let name = Path::new(path).file_name().unwrap_or("source".as_ref()).to_owned();
        self.on_disk_as(path, name)
    }

    /// The same; in the temporary folder the file has this name.
    pub fn on_disk_as(&mut self, path: &str, name: impl AsRef<Path>) -> Result<PathBuf, Failure> {
        if self.travelling(path).is_none() {
            return Ok(path.into());
        }
        let to = self.tmpdir()?.join(name);
        if !self.target.exists(&to) {
            self.put(path, &to, 0o600).map_err(|error| {
                Failure::new(format!(
                    "could not receive {path}: {}",
                    python::os_error(&error, Subject::Text(&to))
                ))
            })?;
        }
        Ok(to)
    }
}
