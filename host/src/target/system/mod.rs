//! The machine this process runs on, by system calls.

mod child;
mod dialogue;

use std::fs::{self, File, OpenOptions, Permissions};
use std::io::{self, Read, Write};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{DirBuilderExt, FileTypeExt, MetadataExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use rustix::fs::{CWD, Timespec, Timestamps, UTIME_NOW, UTIME_OMIT, XattrFlags};
use rustix::io::Errno;

pub use child::Children;

use crate::data::hex;
use crate::target::{
    Access, Algorithm, Dialogue, Entry, FileKind, Ran, Run, SetTime, Stat, Target, Time, Uname,
};

/// System calls, with a working directory and an environment of the call.
#[derive(Debug, Clone, Default)]
pub struct System {
    cwd: Option<PathBuf>,
    /// Set over the process's environment.
    env: Vec<(String, String)>,
    children: Arc<Children>,
}

impl System {
    pub fn new() -> System {
        System::default()
    }

    /// Relative paths and programs start here. Threads share the process's own directory, so it is not changed.
    #[must_use]
    pub fn with_cwd(mut self, cwd: Option<PathBuf>) -> System {
        self.cwd = cwd;
        self
    }

    /// Variables over the process's environment, for path expansion and programs.
    #[must_use]
    pub fn with_env(mut self, env: Vec<(String, String)>) -> System {
        self.env = env;
        self
    }

    /// Programs are noted here, so that another thread can end them.
    #[must_use]
    pub fn with_children(mut self, children: Arc<Children>) -> System {
        self.children = children;
        self
    }

    fn at(&self, path: &Path) -> PathBuf {
        match &self.cwd {
            Some(cwd) if path.is_relative() => cwd.join(path),
            _ => path.to_owned(),
        }
    }
}

fn stat_of(meta: &fs::Metadata) -> Stat {
    let time = |secs: i64, nanos: i64| Time { secs, nanos: nanos as u32 };
    Stat {
        mode: meta.mode(),
        uid: meta.uid(),
        gid: meta.gid(),
        size: meta.size(),
        inode: meta.ino(),
        dev: meta.dev(),
        nlink: meta.nlink(),
        rdev: meta.rdev(),
        blocks: meta.blocks(),
        block_size: meta.blksize(),
        atime: time(meta.atime(), meta.atime_nsec()),
        mtime: time(meta.mtime(), meta.mtime_nsec()),
        ctime: time(meta.ctime(), meta.ctime_nsec()),
    }
}

fn kind_of(kind: fs::FileType) -> FileKind {
    if kind.is_symlink() {
        FileKind::Link
    } else if kind.is_dir() {
        FileKind::Directory
    } else if kind.is_file() {
        FileKind::Regular
    } else if kind.is_fifo() {
        FileKind::Fifo
    } else if kind.is_socket() {
        FileKind::Socket
    } else if kind.is_char_device() {
        FileKind::CharDevice
    } else if kind.is_block_device() {
        FileKind::BlockDevice
    } else {
        FileKind::Unknown
    }
}

impl Target for System {
    fn stat(&mut self, path: &Path) -> io::Result<Stat> {
        Ok(stat_of(&fs::metadata(self.at(path))?))
    }

    fn lstat(&mut self, path: &Path) -> io::Result<Stat> {
        Ok(stat_of(&fs::symlink_metadata(self.at(path))?))
    }

    fn access(&mut self, path: &Path, access: Access) -> bool {
        use rustix::fs::Access as Asked;
        let asked = match access {
            Access::Exists => Asked::EXISTS,
            Access::Read => Asked::READ_OK,
            Access::Write => Asked::WRITE_OK,
            Access::Execute => Asked::EXEC_OK,
        };
        rustix::fs::access(self.at(path), asked).is_ok()
    }

    fn read(&mut self, path: &Path) -> io::Result<Vec<u8>> {
        fs::read(self.at(path))
    }

    fn read_head(&mut self, path: &Path, limit: u64) -> io::Result<Vec<u8>> {
        let mut head = Vec::new();
        File::open(self.at(path))?.take(limit).read_to_end(&mut head)?;
        Ok(head)
    }

    fn digest(&mut self, path: &Path, algorithm: Algorithm) -> io::Result<String> {
        digest(&mut File::open(self.at(path))?, algorithm)
    }

    fn read_link(&mut self, path: &Path) -> io::Result<PathBuf> {
        fs::read_link(self.at(path))
    }

    fn read_dir(&mut self, path: &Path) -> io::Result<Vec<Entry>> {
        fs::read_dir(self.at(path))?
            .map(|entry| {
                let entry = entry?;
                Ok(Entry { name: entry.file_name(), kind: kind_of(entry.file_type()?) })
            })
            .collect()
    }

    fn create(&mut self, path: &Path, content: &[u8], mode: u32) -> io::Result<()> {
        OpenOptions::new()
            .write(true)
            .create_new(true)
            .mode(mode)
            .open(self.at(path))?
            .write_all(content)
    }

    fn overwrite(&mut self, path: &Path, content: &[u8]) -> io::Result<()> {
        let mut file = OpenOptions::new()
            .write(true)
            .create(true)
            .truncate(true)
            .mode(0o666)
            .open(self.at(path))?;
        file.write_all(content)?;
        file.sync_all()
    }

    fn append(&mut self, path: &Path, content: &[u8]) -> io::Result<()> {
        OpenOptions::new()
            .append(true)
            .create(true)
            .mode(0o666)
            .open(self.at(path))?
            .write_all(content)
    }

    fn copy(&mut self, from: &Path, to: &Path, mode: u32) -> io::Result<()> {
        let mut from = File::open(self.at(from))?;
        let mut to =
            OpenOptions::new().write(true).create_new(true).mode(mode).open(self.at(to))?;
        io::copy(&mut from, &mut to)?;
        Ok(())
    }

    fn put(&mut self, from: &Path, to: &Path, mode: u32) -> io::Result<()> {
        self.copy(from, to, mode)
    }

    fn sync(&mut self, path: &Path) -> io::Result<()> {
        File::open(self.at(path))?.sync_all()
    }

    fn mkdir(&mut self, path: &Path, mode: u32) -> io::Result<()> {
        fs::DirBuilder::new().mode(mode).create(self.at(path))
    }

    fn rmdir(&mut self, path: &Path) -> io::Result<()> {
        fs::remove_dir(self.at(path))
    }

    fn unlink(&mut self, path: &Path) -> io::Result<()> {
        fs::remove_file(self.at(path))
    }

    fn rename(&mut self, from: &Path, to: &Path) -> io::Result<()> {
        fs::rename(self.at(from), self.at(to))
    }

    fn symlink(&mut self, content: &Path, link: &Path) -> io::Result<()> {
        std::os::unix::fs::symlink(content, self.at(link))
    }

    fn hard_link(&mut self, from: &Path, link: &Path) -> io::Result<()> {
        fs::hard_link(self.at(from), self.at(link))
    }

    fn chmod(&mut self, path: &Path, mode: u32) -> io::Result<()> {
        fs::set_permissions(self.at(path), Permissions::from_mode(mode))
    }

    fn chown(&mut self, path: &Path, uid: Option<u32>, gid: Option<u32>) -> io::Result<()> {
        std::os::unix::fs::chown(self.at(path), uid, gid)
    }

    fn lchown(&mut self, path: &Path, uid: Option<u32>, gid: Option<u32>) -> io::Result<()> {
        std::os::unix::fs::lchown(self.at(path), uid, gid)
    }

    fn set_times(&mut self, path: &Path, atime: SetTime, mtime: SetTime) -> io::Result<()> {
        let spec = |time: SetTime| match time {
            SetTime::Now => Timespec { tv_sec: 0, tv_nsec: UTIME_NOW },
            SetTime::Keep => Timespec { tv_sec: 0, tv_nsec: UTIME_OMIT },
            SetTime::At(time) => Timespec { tv_sec: time.secs, tv_nsec: time.nanos.into() },
        };
        let times = Timestamps { last_access: spec(atime), last_modification: spec(mtime) };
        Ok(rustix::fs::utimensat(CWD, self.at(path), &times, rustix::fs::AtFlags::empty())?)
    }

    fn xattr(&mut self, path: &Path, name: &str) -> io::Result<Option<Vec<u8>>> {
        let mut value = vec![0; 4096];
        loop {
            match rustix::fs::lgetxattr(self.at(path), name, &mut value[..]) {
                Ok(length) => {
                    value.truncate(length);
                    return Ok(Some(value));
                }
                Err(Errno::RANGE) => value.resize(value.len() * 2, 0),
                Err(Errno::NODATA | Errno::NOTSUP) => return Ok(None),
                Err(error) => return Err(error.into()),
            }
        }
    }

    fn set_xattr(&mut self, path: &Path, name: &str, value: &[u8]) -> io::Result<()> {
        Ok(rustix::fs::lsetxattr(self.at(path), name, value, XattrFlags::empty())?)
    }

    fn run(&mut self, run: &Run) -> io::Result<Ran> {
        child::run(run, self.cwd.as_deref(), &self.env, &self.children)
    }

    fn dialogue(&mut self, run: &Run, dialogue: &mut Dialogue<'_>) -> io::Result<Ran> {
        dialogue::run(run, dialogue, self.cwd.as_deref(), &self.env, &self.children)
    }

    fn env(&self, name: &str) -> Option<String> {
        let over = self.env.iter().rev().find(|(key, _)| key == name);
        over.map(|(_, value)| value.clone())
            .or_else(|| Some(std::env::var_os(name)?.to_string_lossy().into_owned()))
    }

    fn environ(&self) -> Vec<(String, String)> {
        let kept = |key: &str| !self.env.iter().any(|(over, _)| over == key);
        std::env::vars_os()
            .map(|(key, value)| {
                (key.to_string_lossy().into_owned(), value.to_string_lossy().into_owned())
            })
            .filter(|(key, _)| kept(key))
            .chain(self.env.iter().cloned())
            .collect()
    }

    fn cwd(&mut self) -> io::Result<PathBuf> {
        self.cwd.clone().map_or_else(std::env::current_dir, Ok)
    }

    fn euid(&mut self) -> u32 {
        rustix::process::geteuid().as_raw()
    }

    fn egid(&mut self) -> u32 {
        rustix::process::getegid().as_raw()
    }

    fn pid(&mut self) -> u32 {
        std::process::id()
    }

    fn umask(&mut self) -> u32 {
        // Asking the kernel by umask(2) would change it for a moment, for all threads.
        let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
        let line = status.lines().find_map(|line| line.strip_prefix("Umask:"));
        line.and_then(|text| u32::from_str_radix(text.trim(), 8).ok()).unwrap_or(0o022)
    }

    fn now(&mut self) -> Time {
        match SystemTime::now().duration_since(UNIX_EPOCH) {
            Ok(time) => Time { secs: time.as_secs() as i64, nanos: time.subsec_nanos() },
            Err(before) => Time::at(-(before.duration().as_secs() as i64)),
        }
    }

    fn utc_offset(&mut self, at: i64) -> i32 {
        // The C library reads TZ of the process; a call's own TZ is for `date` to read.
        match self.env.iter().any(|(key, _)| key == "TZ") {
            true => self.date_offset(at).unwrap_or_else(|| zone_offset(at)),
            false => zone_offset(at),
        }
    }

    fn sleep(&mut self, time: Duration) {
        self.children.sleep(time);
    }

    fn cancelled(&self) -> bool {
        self.children.is_cancelled()
    }

    fn uname(&mut self) -> io::Result<Uname> {
        let uname = rustix::system::uname();
        let text = |text: &std::ffi::CStr| text.to_string_lossy().into_owned();
        Ok(Uname {
            sysname: text(uname.sysname()),
            nodename: text(uname.nodename()),
            release: text(uname.release()),
            version: text(uname.version()),
            machine: text(uname.machine()),
        })
    }

    fn random(&mut self) -> u64 {
        let mut bytes = [0; 8];
        match rustix::rand::getrandom(&mut bytes, rustix::rand::GetRandomFlags::empty()) {
            Ok(8) => u64::from_ne_bytes(bytes),
            // Names made of it are opened with O_EXCL, so a poor number costs at most another try.
            _ => self.now().nanos.into(),
        }
    }

    fn remove_tree(&mut self, path: &Path) -> io::Result<()> {
        // By descriptors, so that nobody can put a link in the way of a running removal.
        fs::remove_dir_all(self.at(path))
    }
}

impl System {
    fn date_offset(&mut self, at: i64) -> Option<i32> {
        let ran =
            self.run(&Run::argv(["date", "-d", &format!("@{at}"), "+%z"])).ok().filter(Ran::ok)?;
        offset_of(ran.out().trim())
    }
}

/// Seconds of `+0130`.
pub(super) fn offset_of(text: &str) -> Option<i32> {
    let (sign, digits) = (text.get(..1)?, text.get(1..5)?);
    let (hours, minutes): (i32, i32) = (digits[..2].parse().ok()?, digits[2..].parse().ok()?);
    let seconds = hours * 3600 + minutes * 60;
    Some(if sign == "-" { -seconds } else { seconds })
}

unsafe extern "C" {
    /// The libc crate leaves it out.
    fn tzset();
}

fn zone_offset(at: i64) -> i32 {
    // SAFETY: both pointers are to live values of the right types; localtime_r keeps neither.
    unsafe {
        let mut out: libc::tm = std::mem::zeroed();
        let at: libc::time_t = at;
        // localtime_r, unlike localtime, need not look at TZ and /etc/localtime by itself.
        tzset();
        if libc::localtime_r(&raw const at, &raw mut out).is_null() {
            0
        } else {
            out.tm_gmtoff as i32
        }
    }
}

/// The checksum of all that a reader gives.
pub fn digest(from: &mut impl Read, algorithm: Algorithm) -> io::Result<String> {
    use sha2::Digest;
    fn all<D: Digest>(from: &mut impl Read) -> io::Result<String> {
        let mut hasher = D::new();
        let mut block = vec![0; 64 * 1024];
        loop {
            match from.read(&mut block)? {
                0 => return Ok(hex(&hasher.finalize())),
                length => hasher.update(&block[..length]),
            }
        }
    }
    match algorithm {
        Algorithm::Md5 => all::<md5::Md5>(from),
        Algorithm::Sha1 => all::<sha1::Sha1>(from),
        Algorithm::Sha224 => all::<sha2::Sha224>(from),
        Algorithm::Sha256 => all::<sha2::Sha256>(from),
        Algorithm::Sha384 => all::<sha2::Sha384>(from),
        Algorithm::Sha512 => all::<sha2::Sha512>(from),
    }
}

/// A path's bytes, for messages.
pub fn path_bytes(path: &Path) -> &[u8] {
    path.as_os_str().as_bytes()
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test may fail")]
mod tests {
    use super::*;

    #[test]
    fn digests_are_those_of_the_tools() {
        let sum = |algorithm| digest(&mut &b"abc"[..], algorithm).unwrap();
        assert_eq!(sum(Algorithm::Md5), "900150983cd24fb0d6963f7d28e17f72");
        assert_eq!(sum(Algorithm::Sha1), "a9993e364706816aba3e25717850c26c9cd0d89d");
        assert_eq!(
            sum(Algorithm::Sha256),
            "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
        );
    }

    #[test]
    fn offsets() {
        assert_eq!(offset_of("+0130"), Some(5400));
        assert_eq!(offset_of("-0500"), Some(-18000));
        assert_eq!(offset_of("x"), None);
    }

    #[test]
    fn a_call_s_own_environment_and_directory() {
        let mut system = System::new()
            .with_cwd(Some("/etc".into()))
            .with_env(vec![("HERE".into(), "x y".into())]);
        assert!(system.exists(Path::new("passwd")));
        assert_eq!(system.expand("$HERE/${HERE}$NOT_SET_ANYWHERE"), "x y/x y$NOT_SET_ANYWHERE");
        let ran = system.run(&Run::shell("pwd; echo $HERE")).unwrap();
        assert_eq!(ran.out(), "/etc\nx y\n");
        assert_eq!(system.user_by_id(0).unwrap().name, "root");
    }
}
