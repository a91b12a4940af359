//! What a module sees of the machine.
//!
//! Errors are the system's (`io::Error` with its number), so that modules can
//! tell "not there" from "not allowed" and show Python's text of them.

pub mod account;
pub mod fake;
mod glob;
mod run;
pub mod shell;
mod stat;
pub mod system;

use std::ffi::OsString;
use std::io;
use std::path::{Path, PathBuf};

pub use account::{Group, User};
pub use glob::glob;
pub(crate) use run::program_folders;
pub use run::{Dialogue, Ran, Reply, Run};
pub use stat::{FileKind, Stat, Time};

/// A name in a directory.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    pub name: OsString,
    /// Of the entry itself: a link is a link.
    pub kind: FileKind,
}

/// What to ask of [`Target::access`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Access {
    Exists,
    Read,
    Write,
    Execute,
}

/// A new time of a file.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum SetTime {
    /// The host's clock.
    Now,
    Keep,
    At(Time),
}

/// A checksum.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Algorithm {
    Md5,
    Sha1,
    Sha224,
    Sha256,
    Sha384,
    Sha512,
}

impl Algorithm {
    /// By Python's name of it.
    pub fn named(name: &str) -> Option<Algorithm> {
        Some(match name {
            "md5" => Algorithm::Md5,
            "sha1" => Algorithm::Sha1,
            "sha224" => Algorithm::Sha224,
            "sha256" => Algorithm::Sha256,
            "sha384" => Algorithm::Sha384,
            "sha512" => Algorithm::Sha512,
            _ => return None,
        })
    }
}

/// The kernel's words about itself (`uname`).
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Uname {
    pub sysname: String,
    pub nodename: String,
    pub release: String,
    pub version: String,
    pub machine: String,
}

/// A machine: its files, users, programs and clock.
///
/// Relative paths start at the call's working directory. Nothing here checks
/// for check mode: [`crate::context::Context`] does.
pub trait Target: Send {
    // Files: looking.

    /// Follow links.
    fn stat(&mut self, path: &Path) -> io::Result<Stat>;
    /// Don't follow a last link.
    fn lstat(&mut self, path: &Path) -> io::Result<Stat>;
    /// May the user of the call do this (real rights, links followed)?
    fn access(&mut self, path: &Path, access: Access) -> bool;
    /// The whole content.
    fn read(&mut self, path: &Path) -> io::Result<Vec<u8>>;
    /// At most `limit` bytes from the start.
    fn read_head(&mut self, path: &Path, limit: u64) -> io::Result<Vec<u8>>;
    /// The checksum of the content, in hexadecimal.
    fn digest(&mut self, path: &Path, algorithm: Algorithm) -> io::Result<String>;
    /// Where a link points to, unresolved.
    fn read_link(&mut self, path: &Path) -> io::Result<PathBuf>;
    /// The names in a directory, in the order of the file system.
    fn read_dir(&mut self, path: &Path) -> io::Result<Vec<Entry>>;

    // Files: changing. Modules write content by `Context::write_if_changed` only.

    /// Make a file that is not there yet, with this content and mode (less the umask).
    fn create(&mut self, path: &Path, content: &[u8], mode: u32) -> io::Result<()>;
    /// Write over the content of a file in place; make it if it is not there.
    fn overwrite(&mut self, path: &Path, content: &[u8]) -> io::Result<()>;
    /// Append to a file; make it if it is not there.
    fn append(&mut self, path: &Path, content: &[u8]) -> io::Result<()>;
    /// Copy the content to a file that is not there yet, with this mode.
    fn copy(&mut self, from: &Path, to: &Path, mode: u32) -> io::Result<()>;
    /// Lay a file of the machine where this code runs on the target, under a name that is not there yet.
    fn put(&mut self, from: &Path, to: &Path, mode: u32) -> io::Result<()>;
    /// Make the content of a file durable.
    fn sync(&mut self, path: &Path) -> io::Result<()>;
    fn mkdir(&mut self, path: &Path, mode: u32) -> io::Result<()>;
    fn rmdir(&mut self, path: &Path) -> io::Result<()>;
    fn unlink(&mut self, path: &Path) -> io::Result<()>;
    fn rename(&mut self, from: &Path, to: &Path) -> io::Result<()>;
    /// Make `link` a symbolic link with this content.
    fn symlink(&mut self, content: &Path, link: &Path) -> io::Result<()>;
    /// Make `link` another name of a file; a last link in `from` is followed as `link(2)` does not.
    fn hard_link(&mut self, from: &Path, link: &Path) -> io::Result<()>;
    /// Follows links.
    fn chmod(&mut self, path: &Path, mode: u32) -> io::Result<()>;
    /// Follows links.
    fn chown(&mut self, path: &Path, uid: Option<u32>, gid: Option<u32>) -> io::Result<()>;
    /// Changes a link itself.
    fn lchown(&mut self, path: &Path, uid: Option<u32>, gid: Option<u32>) -> io::Result<()>;
    /// Follows links.
    fn set_times(&mut self, path: &Path, atime: SetTime, mtime: SetTime) -> io::Result<()>;
    /// An extended attribute of the entry itself; `None` if it has none.
    fn xattr(&mut self, path: &Path, name: &str) -> io::Result<Option<Vec<u8>>>;
    fn set_xattr(&mut self, path: &Path, name: &str, value: &[u8]) -> io::Result<()>;

    // Programs.

    /// Run a program to its end.
    fn run(&mut self, run: &Run) -> io::Result<Ran>;

    /// Run a program on a terminal of its own and talk to it, to its end.
    fn dialogue(&mut self, run: &Run, dialogue: &mut Dialogue<'_>) -> io::Result<Ran> {
        let _ = (run, dialogue);
        Err(io::Error::new(
            io::ErrorKind::Unsupported,
            "programs can't be talked to on hosts that are reached by their plain shell only",
        ))
    }

    // The rest of the machine.

    /// A variable of the environment of the call.
    fn env(&self, name: &str) -> Option<String>;
    /// The environment of the call.
    fn environ(&self) -> Vec<(String, String)>;
    /// The working directory of the call.
    fn cwd(&mut self) -> io::Result<PathBuf>;
    fn euid(&mut self) -> u32;
    fn egid(&mut self) -> u32;
    /// The process that acts, for names of temporary files and backups.
    fn pid(&mut self) -> u32;
    fn umask(&mut self) -> u32;
    /// The wall clock.
    fn now(&mut self) -> Time;
    /// Seconds east of Greenwich at a time, in the host's zone.
    fn utc_offset(&mut self, at: i64) -> i32;
    fn sleep(&mut self, time: std::time::Duration);
    /// Whether the call was ended from outside: what waits should give up.
    fn cancelled(&self) -> bool {
        false
    }
    /// Whether a socket of this process is one of the machine's; the error says why not.
    fn may_connect(&self) -> io::Result<()> {
        Ok(())
    }
    fn uname(&mut self) -> io::Result<Uname>;
    /// Unpredictable bits, for names of temporary files.
    fn random(&mut self) -> u64;

    // Built on those above.

    /// Whether something is there, links followed.
    fn exists(&mut self, path: &Path) -> bool {
        self.stat(path).is_ok()
    }

    /// Whether something is there, a broken link too.
    fn lexists(&mut self, path: &Path) -> bool {
        self.lstat(path).is_ok()
    }

    fn is_dir(&mut self, path: &Path) -> bool {
        self.stat(path).is_ok_and(|stat| stat.is_dir())
    }

    fn is_link(&mut self, path: &Path) -> bool {
        self.lstat(path).is_ok_and(|stat| stat.is_link())
    }

    /// The content as text; what is not UTF-8 is replaced.
    fn read_text(&mut self, path: &Path) -> io::Result<String> {
        Ok(String::from_utf8_lossy(&self.read(path)?).into_owned())
    }

    /// Python's `os.path.realpath`: links resolved as far as things exist, never an error.
    fn realpath(&mut self, path: &Path) -> PathBuf {
        stat::realpath(self, path)
    }

    /// `~`, `~user` at the start, and `$VAR`, `${VAR}` anywhere; what is unknown stays.
    fn expand(&mut self, text: &str) -> String {
        account::expand(self, text)
    }

    fn user_by_name(&mut self, name: &str) -> Option<User> {
        account::user(self, name, |user| user.name == name)
    }

    fn user_by_id(&mut self, uid: u32) -> Option<User> {
        account::user(self, &uid.to_string(), |user| user.uid == uid)
    }

    fn group_by_name(&mut self, name: &str) -> Option<Group> {
        account::group(self, name, |group| group.name == name)
    }

    fn group_by_id(&mut self, gid: u32) -> Option<Group> {
        account::group(self, &gid.to_string(), |group| group.gid == gid)
    }

    /// The users of /etc/passwd.
    fn users(&mut self) -> Vec<User> {
        account::users(&self.read_text(Path::new("/etc/passwd")).unwrap_or_default())
    }

    /// The groups of /etc/group.
    fn groups(&mut self) -> Vec<Group> {
        account::groups(&self.read_text(Path::new("/etc/group")).unwrap_or_default())
    }

    /// A program in `extra`, PATH or the sbin folders.
    fn find_program(&mut self, name: &str, extra: &[&str]) -> Option<PathBuf> {
        run::find_program(self, name, extra)
    }

    /// Remove a directory with all that is in it; links are not followed.
    fn remove_tree(&mut self, path: &Path) -> io::Result<()> {
        for entry in self.read_dir(path)? {
            let inner = path.join(&entry.name);
            match entry.kind {
                FileKind::Directory => self.remove_tree(&inner)?,
                _ => self.unlink(&inner)?,
            }
        }
        self.rmdir(path)
    }

    /// Whether SELinux is on.
    fn selinux_enabled(&mut self) -> bool {
        self.exists(Path::new("/sys/fs/selinux/enforce"))
    }
}
