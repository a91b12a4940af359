//! Files that travel with a call: named by the path that the module's arguments give them.

use std::io;
use std::path::PathBuf;
use std::sync::Arc;

/// What is known of a travelling file before its content is asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Travelling {
    /// The path by which arguments name it. Nothing needs to be there.
    pub path: String,
    /// Its checksum, lower-case hexadecimal.
    pub sha1: String,
    pub len: u64,
}

/// The content of a travelling file.
#[derive(Debug, Clone)]
pub enum Content {
    Bytes(Arc<[u8]>),
    /// A file on the machine where the module's code runs (which over plain shell is not the target).
    File(PathBuf),
}

/// Gives the content of travelling files when it is needed: a file that is on the host already never travels.
pub trait Files {
    fn content(&mut self, file: &Travelling) -> io::Result<Content>;
}

/// No files.
#[derive(Debug, Clone, Copy, Default)]
pub struct NoFiles;

impl Files for NoFiles {
    fn content(&mut self, file: &Travelling) -> io::Result<Content> {
        Err(io::Error::other(format!("`{}` was announced but did not travel", file.path)))
    }
}

/// Files whose content is at hand, by checksum.
#[derive(Debug, Clone, Default)]
pub struct AtHand(Vec<(String, Content)>);

impl AtHand {
    pub fn add(&mut self, sha1: impl Into<String>, content: Content) {
        self.0.push((sha1.into(), content));
    }

    pub fn get(&self, sha1: &str) -> Option<&Content> {
        self.0.iter().find(|(known, _)| known == sha1).map(|(_, content)| content)
    }
}

impl Files for AtHand {
    fn content(&mut self, file: &Travelling) -> io::Result<Content> {
        match self.get(&file.sha1) {
            Some(content) => Ok(content.clone()),
            None => NoFiles.content(file),
        }
    }
}
