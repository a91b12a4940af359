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

    /// A path that programs can open: the travelling file, laid down in a temporary folder, or the path itself.
    pub fn on_disk(&mut self, path: &str) -> Result<PathBuf, Failure> {
        if self.travelling(path).is_none() {
            return Ok(path.into());
        }
        let name = Path::new(path).file_name().unwrap_or("source".as_ref());
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
