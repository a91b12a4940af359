//! What the file system says of a file.

use std::path::{Component, Path, PathBuf};

use crate::target::Target;

/// A time of the wall clock.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Time {
    pub secs: i64,
    pub nanos: u32,
}

impl Time {
    pub const fn at(secs: i64) -> Time {
        Time { secs, nanos: 0 }
    }

    /// Seconds as Python's `os.stat` gives them.
    pub fn as_f64(self) -> f64 {
        self.secs as f64 + 1e-9 * f64::from(self.nanos)
    }

    /// From seconds with a fraction.
    pub fn from_f64(seconds: f64) -> Time {
        let secs = seconds.floor();
        Time { secs: secs as i64, nanos: ((seconds - secs) * 1e9) as u32 }
    }
}

/// What a file is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FileKind {
    Regular,
    Directory,
    Link,
    Fifo,
    Socket,
    CharDevice,
    BlockDevice,
    Unknown,
}

impl FileKind {
    /// From the file type bits of a mode.
    pub fn of_mode(mode: u32) -> FileKind {
        match mode & 0o170_000 {
            0o100_000 => FileKind::Regular,
            0o040_000 => FileKind::Directory,
            0o120_000 => FileKind::Link,
            0o010_000 => FileKind::Fifo,
            0o140_000 => FileKind::Socket,
            0o020_000 => FileKind::CharDevice,
            0o060_000 => FileKind::BlockDevice,
            _ => FileKind::Unknown,
        }
    }
}

/// The record of a file.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Stat {
    /// Type and permissions, as `st_mode`.
    pub mode: u32,
    pub uid: u32,
    pub gid: u32,
    pub size: u64,
    pub inode: u64,
    pub dev: u64,
    pub nlink: u64,
    pub rdev: u64,
    pub blocks: u64,
    pub block_size: u64,
    pub atime: Time,
    pub mtime: Time,
    pub ctime: Time,
}

impl Stat {
    pub fn kind(&self) -> FileKind {
        FileKind::of_mode(self.mode)
    }

    /// The permissions: the last twelve bits of the mode.
    pub fn permissions(&self) -> u32 {
        self.mode & 0o7777
    }

    pub fn is_dir(&self) -> bool {
        self.kind() == FileKind::Directory
    }

    pub fn is_file(&self) -> bool {
        self.kind() == FileKind::Regular
    }

    pub fn is_link(&self) -> bool {
        self.kind() == FileKind::Link
    }
}

/// Links deeper than this are a loop.
const MAX_LINKS: u32 = 40;

/// `os.path.realpath`, not strict.
pub(super) fn realpath<T: Target + ?Sized>(target: &mut T, path: &Path) -> PathBuf {
    let mut left = MAX_LINKS;
    let start = match path.is_absolute() {
        true => PathBuf::from("/"),
        false => target.cwd().unwrap_or_else(|_| PathBuf::from("/")),
    };
    resolve(target, start, path, &mut left)
}

fn resolve<T: Target + ?Sized>(
    target: &mut T,
    start: PathBuf,
    path: &Path,
    left: &mut u32,
) -> PathBuf {
    let mut at = start;
    for part in path.components() {
        match part {
            Component::RootDir | Component::Prefix(_) => at = PathBuf::from("/"),
            Component::CurDir => {}
            Component::ParentDir => {
                at.pop();
            }
            Component::Normal(name) => {
                let next = at.join(name);
                match target.read_link(&next) {
                    Ok(to) if *left > 0 => {
                        *left -= 1;
                        at = resolve(target, at, &to, left);
                    }
                    _ => at = next,
                }
            }
        }
    }
    at
}
