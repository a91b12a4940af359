//! A machine that is reached by nothing but a POSIX shell: where no agent can run.
//!
//! Every question is a small script. What it says on standard error is taken for the system's word
//! on why something failed, so scripts run in the C locale. Beside what POSIX has, `stat -c`,
//! `head -c`, `mv -T` and `touch -d @` are used, as GNU's tools and BusyBox have them.

use std::ffi::OsString;
use std::fmt::Write as _;
use std::io;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use crate::python::shell_quote;
use crate::target::system::{self, Children, offset_of};
use crate::target::{
    Access, Algorithm, Entry, FileKind, Ran, Run, SetTime, Stat, Target, Time, Uname,
};

/// Bytes of content that a script carries; a shell reads its lines into memory.
const CHUNK: usize = 48 * 1024;

/// The shell of a machine, however it is reached.
pub trait Sh: Send + Sync {
    /// Runs a script in a subshell that reads nothing; its exit code and all of its output. Ends early,
    /// with [`io::ErrorKind::Interrupted`], if `children` are cancelled; after `limit` with `timed_out`.
    fn run(&self, script: &str, children: &Children, limit: Option<Duration>) -> io::Result<Ran>;
}

/// What does not change while a shell is open; asked for once.
#[derive(Debug, Clone, Default)]
pub struct About {
    env: Vec<(String, String)>,
    cwd: PathBuf,
    uid: u32,
    gid: u32,
    pid: u32,
    umask: u32,
    uname: Uname,
    /// Seconds that the machine's clock is ahead of ours.
    ahead: i64,
}

const ASK: &str = "printf '%s\\0' \"$(id -u)\" \"$(id -g)\" \"$$\" \"$(umask)\" \"$(pwd)\" \"$(uname -s)\" \
     \"$(uname -n)\" \"$(uname -r)\" \"$(uname -v)\" \"$(uname -m)\" \"$(date +%s)\"; env -0 2>/dev/null || env";

impl About {
    /// Asks the machine.
    ///
    /// # Errors
    /// The shell can't be reached, or answers something else.
    pub fn ask(sh: &dyn Sh) -> io::Result<About> {
        let ran = sh.run(ASK, &Children::default(), None)?;
        let text = ran.out();
        let mut fields = text.splitn(12, '\0');
        let mut next = || {
            let field = fields.next().map(str::to_owned);
            field.ok_or_else(|| io::Error::other(format!("the host's shell said: {}", ran.err())))
        };
        let number = |text: String| text.trim().parse::<u32>().map_err(io::Error::other);
        let (uid, gid, pid) = (number(next()?)?, number(next()?)?, number(next()?)?);
        let umask = u32::from_str_radix(next()?.trim(), 8).map_err(io::Error::other)?;
        let cwd = next()?.into();
        let (sysname, nodename) = (next()?, next()?);
        let (release, version, machine) = (next()?, next()?, next()?);
        let theirs: i64 = next()?.trim().parse().map_err(io::Error::other)?;
        let env = next()?;
        Ok(About {
            env: variables(&env),
            cwd,
            uid,
            gid,
            pid,
            umask,
            uname: Uname { sysname, nodename, release, version, machine },
            ahead: theirs - seconds_here(),
        })
    }
}

/// The output of `env`, by zero bytes or by lines.
fn variables(text: &str) -> Vec<(String, String)> {
    let separator = if text.contains('\0') { '\0' } else { '\n' };
    text.split(separator)
        .filter_map(|line| line.split_once('='))
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .collect()
}

fn seconds_here() -> i64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs() as i64)
}

/// A machine behind a shell, with a working directory and an environment of the call.
pub struct Shell {
    sh: Arc<dyn Sh>,
    about: Arc<About>,
    cwd: Option<PathBuf>,
    /// Set over the shell's environment.
    env: Vec<(String, String)>,
    children: Arc<Children>,
}

impl Shell {
    /// The machine behind this shell.
    pub fn new(sh: Arc<dyn Sh>, about: Arc<About>, children: Arc<Children>) -> Shell {
        Shell { sh, about, cwd: None, env: Vec::new(), children }
    }

    #[must_use]
    pub fn with_cwd(mut self, cwd: Option<PathBuf>) -> Shell {
        self.cwd = cwd;
        self
    }

    #[must_use]
    pub fn with_env(mut self, env: Vec<(String, String)>) -> Shell {
        self.env = env;
        self
    }

    fn here(&self) -> &Path {
        self.cwd.as_deref().unwrap_or(&self.about.cwd)
    }

    /// A path as a word of a script; absolute, so that it is never taken for an option.
    fn word(&self, path: &Path) -> Word {
        if path.as_os_str().is_empty() {
            return Word("''".into());
        }
        Word(quoted(self.here().join(path).as_os_str().as_bytes()))
    }

    /// Runs a script; what it complains about is the error.
    fn ask(&self, script: &str) -> io::Result<Vec<u8>> {
        let script = format!("export LC_ALL=C; {script}");
        let ran = self.sh.run(&script, &self.children, None)?;
        if ran.ok() { Ok(ran.stdout) } else { Err(complaint(&ran)) }
    }

    fn tell(&self, script: &str) -> io::Result<()> {
        self.ask(script).map(drop)
    }

    fn record(&self, path: &Path, follow: &str) -> io::Result<Stat> {
        let path = self.word(path);
        let out = self.ask(&format!(
            "stat {follow} -c '%f|%u|%g|%s|%i|%d|%h|%t|%T|%b|%o|%X|%Y|%Z|%x|%y|%z' {path}"
        ))?;
        record(&String::from_utf8_lossy(&out))
            .ok_or_else(|| io::Error::other("the host's `stat` is of an unknown kind"))
    }

    /// Writes content piece by piece: the first by `first`, the others appended.
    fn write(&self, path: &Word, content: &[u8], first: &str) -> io::Result<()> {
        let mut chunks = content.chunks(CHUNK);
        let head = chunks.next().unwrap_or_default();
        self.tell(&format!("{first} && {} > {path}", spelled(head)))?;
        chunks.try_for_each(|chunk| self.tell(&format!("{} >> {path}", spelled(chunk))))
    }

    /// The mode that the umask leaves.
    fn effective(&self, mode: u32) -> u32 {
        mode & !self.about.umask
    }

    fn program(&self, run: &Run) -> String {
        let mut script = String::from("set -f; ");
        let cwd =
            run.cwd.as_ref().map_or_else(|| self.here().to_owned(), |own| self.here().join(own));
        let _ = write!(script, "cd {} || exit 1; ", Word(quoted(cwd.as_os_str().as_bytes())));
        for (name, value) in self.env.iter().chain(&run.env).filter(|(name, _)| is_name(name)) {
            let _ = write!(script, "export {name}={}; ", shell_quote(value));
        }
        for name in run.env_remove.iter().filter(|name| is_name(name)) {
            let _ = write!(script, "unset {name}; ");
        }
        if let Some(umask) = run.umask {
            let _ = write!(script, "umask {umask:04o}; ");
        }
        let words: Vec<String> = run.argv.iter().map(|word| quoted(word.as_bytes())).collect();
        let program = words.first().cloned().unwrap_or_else(|| "''".into());
        let _ = write!(script, "command -v {program} >/dev/null 2>&1 || exit {NO_PROGRAM}; ");
        match &run.stdin {
            None => {
                let _ = write!(script, "exec {}", words.join(" "));
            }
            // The program is the pipe's last part: its exit code is the script's.
            Some(bytes) => {
                let _ = write!(script, "{} | {}", spelled(bytes), words.join(" "));
            }
        }
        script
    }
}

/// The exit code by which a script says that the program is not there; far from what programs use.
const NO_PROGRAM: i32 = 119;

/// A quoted word.
struct Word(String);

impl std::fmt::Display for Word {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

/// Bytes as a word. What is no text goes through `printf`, which loses nothing but ends of lines at the end.
fn quoted(bytes: &[u8]) -> String {
    match std::str::from_utf8(bytes) {
        Ok(text) => shell_quote(text),
        Err(_) => format!("\"$({})\"", spelled(bytes)),
    }
}

/// A command that writes these bytes.
fn spelled(bytes: &[u8]) -> String {
    let mut out = String::with_capacity(bytes.len() + 16);
    out.push_str("printf %b '");
    for byte in bytes {
        match byte {
            b'\\' | b'\'' | 0..=0x1f | 0x7f.. => {
                let _ = write!(out, "\\0{byte:03o}");
            }
            plain => out.push(char::from(*plain)),
        }
    }
    out.push('\'');
    out
}

/// A name that a shell can export.
fn is_name(name: &str) -> bool {
    let mut bytes = name.bytes();
    bytes.next().is_some_and(|b| b == b'_' || b.is_ascii_alphabetic())
        && bytes.all(|b| b == b'_' || b.is_ascii_alphanumeric())
}

/// What the tools say for which error of the system.
const COMPLAINTS: &[(&str, i32)] = &[
    ("No such file or directory", libc::ENOENT),
    ("nonexistent directory", libc::ENOENT),
    ("Permission denied", libc::EACCES),
    ("File exists", libc::EEXIST),
    ("cannot overwrite existing file", libc::EEXIST),
    ("Not a directory", libc::ENOTDIR),
    ("Is a directory", libc::EISDIR),
    ("Directory not empty", libc::ENOTEMPTY),
    ("No space left on device", libc::ENOSPC),
    ("Disk quota exceeded", libc::EDQUOT),
    ("Read-only file system", libc::EROFS),
    ("Operation not permitted", libc::EPERM),
    ("Too many levels of symbolic links", libc::ELOOP),
    ("Text file busy", libc::ETXTBSY),
    ("Device or resource busy", libc::EBUSY),
    ("Invalid cross-device link", libc::EXDEV),
    ("File name too long", libc::ENAMETOOLONG),
    ("Invalid argument", libc::EINVAL),
    ("Operation not supported", libc::ENOTSUP),
];

fn complaint(ran: &Ran) -> io::Error {
    let said = ran.err();
    // dash does not say more than this of a file that is there while `set -C` is on.
    match COMPLAINTS.iter().find(|(text, _)| said.contains(text)) {
        Some((_, errno)) => io::Error::from_raw_os_error(*errno),
        None => io::Error::other(format!("the host's shell said: {}", said.trim())),
    }
}

/// The answer of `stat -c`.
fn record(text: &str) -> Option<Stat> {
    let fields: Vec<&str> = text.trim_end().split('|').collect();
    let [mode, uid, gid, size, inode, dev, nlink, major, minor, blocks, block_size, rest @ ..] =
        &fields[..]
    else {
        return None;
    };
    let hex = |text: &str| u64::from_str_radix(text, 16).ok();
    let number = |text: &str| text.parse::<u64>().ok();
    let time = |at: usize| {
        Some(Time { secs: rest.get(at)?.parse().ok()?, nanos: fraction(rest.get(at + 3)?) })
    };
    let (major, minor) = (hex(major)?, hex(minor)?);
    Some(Stat {
        mode: u32::from_str_radix(mode, 16).ok()?,
        uid: uid.parse().ok()?,
        gid: gid.parse().ok()?,
        size: number(size)?,
        inode: number(inode)?,
        dev: number(dev)?,
        nlink: number(nlink)?,
        rdev: (major & 0xfff) << 8 | (major & !0xfff) << 32 | minor & 0xff | (minor & !0xff) << 12,
        blocks: number(blocks)?,
        block_size: number(block_size).unwrap_or(4096),
        atime: time(0)?,
        mtime: time(1)?,
        ctime: time(2)?,
    })
}

/// The nanoseconds of `2026-01-31 10:00:00.123456789 +0000`; BusyBox leaves them out.
fn fraction(text: &str) -> u32 {
    let digits = text.split_once('.').map_or("", |(_, rest)| rest);
    let digits: String = digits.chars().take_while(char::is_ascii_digit).take(9).collect();
    format!("{digits:0<9}").parse().unwrap_or(0)
}

/// One letter and the name of each entry, each ended by a zero byte.
const LIST: &str = "for f in * .[!.]* ..?*; do if [ -h \"$f\" ]; then t=l; elif [ -d \"$f\" ]; then t=d; \
     elif [ -f \"$f\" ]; then t=f; elif [ -p \"$f\" ]; then t=p; elif [ -S \"$f\" ]; then t=s; \
     elif [ -b \"$f\" ]; then t=b; elif [ -c \"$f\" ]; then t=c; elif [ -e \"$f\" ]; then t=u; \
     else continue; fi; printf '%s%s\\0' $t \"$f\"; done";

impl Target for Shell {
    fn stat(&mut self, path: &Path) -> io::Result<Stat> {
        self.record(path, "-L")
    }

    fn lstat(&mut self, path: &Path) -> io::Result<Stat> {
        self.record(path, "")
    }

    fn access(&mut self, path: &Path, access: Access) -> bool {
        let flag = match access {
            Access::Exists => 'e',
            Access::Read => 'r',
            Access::Write => 'w',
            Access::Execute => 'x',
        };
        self.tell(&format!("[ -{flag} {} ]", self.word(path))).is_ok()
    }

    fn read(&mut self, path: &Path) -> io::Result<Vec<u8>> {
        self.ask(&format!("cat {}", self.word(path)))
    }

    fn read_head(&mut self, path: &Path, limit: u64) -> io::Result<Vec<u8>> {
        self.ask(&format!("head -c {limit} {}", self.word(path)))
    }

    fn digest(&mut self, path: &Path, algorithm: Algorithm) -> io::Result<String> {
        let tool = match algorithm {
            Algorithm::Md5 => "md5sum",
            Algorithm::Sha1 => "sha1sum",
            Algorithm::Sha224 => "sha224sum",
            Algorithm::Sha256 => "sha256sum",
            Algorithm::Sha384 => "sha384sum",
            Algorithm::Sha512 => "sha512sum",
        };
        let path = self.word(path);
        let out = self.ask(&format!(
            "if command -v {tool} >/dev/null; then {tool} < {path}; else echo none; cat {path}; fi"
        ))?;
        match out.strip_prefix(b"none\n") {
            Some(content) => system::digest(&mut &content[..], algorithm),
            None => {
                let text = String::from_utf8_lossy(&out);
                Ok(text.split_whitespace().next().unwrap_or_default().to_owned())
            }
        }
    }

    fn read_link(&mut self, path: &Path) -> io::Result<PathBuf> {
        if !self.lstat(path)?.is_link() {
            return Err(io::Error::from_raw_os_error(libc::EINVAL));
        }
        let mut out = self.ask(&format!("readlink {}", self.word(path)))?;
        out.pop_if(|byte| *byte == b'\n');
        Ok(OsString::from_vec(out).into())
    }

    fn read_dir(&mut self, path: &Path) -> io::Result<Vec<Entry>> {
        let out = self.ask(&format!("cd {} && {{ {LIST}; }}", self.word(path)))?;
        let entries = out.split(|byte| *byte == 0).filter(|entry| !entry.is_empty());
        Ok(entries
            .map(|entry| Entry {
                name: OsString::from_vec(entry[1..].to_vec()),
                kind: match entry[0] {
                    b'l' => FileKind::Link,
                    b'd' => FileKind::Directory,
                    b'f' => FileKind::Regular,
                    b'p' => FileKind::Fifo,
                    b's' => FileKind::Socket,
                    b'b' => FileKind::BlockDevice,
                    b'c' => FileKind::CharDevice,
                    _ => FileKind::Unknown,
                },
            })
            .collect())
    }

    fn create(&mut self, path: &Path, content: &[u8], mode: u32) -> io::Result<()> {
        let umask = 0o777 & !self.effective(mode);
        // `set -C` opens with O_EXCL; once the file is there, it is ours to write.
        let path = self.word(path);
        let first = format!(
            "{{ [ ! -h {path} ] || {{ echo 'File exists' >&2; exit 1; }}; umask {umask:04o}; set -C; : > {path}; }} && set +C"
        );
        self.write(&path, content, &first)
    }

    fn overwrite(&mut self, path: &Path, content: &[u8]) -> io::Result<()> {
        self.write(&self.word(path), content, ":")?;
        self.sync(path)
    }

    fn append(&mut self, path: &Path, content: &[u8]) -> io::Result<()> {
        let path = self.word(path);
        content
            .chunks(CHUNK)
            .try_for_each(|chunk| self.tell(&format!("{} >> {path}", spelled(chunk))))
    }

    fn copy(&mut self, from: &Path, to: &Path, mode: u32) -> io::Result<()> {
        let umask = 0o777 & !self.effective(mode);
        let (from, to) = (self.word(from), self.word(to));
        self.tell(&format!("umask {umask:04o}; set -C; cat {from} > {to}"))
    }

    fn put(&mut self, from: &Path, to: &Path, mode: u32) -> io::Result<()> {
        use std::io::Read;
        let mut file = std::fs::File::open(from)?;
        self.create(to, b"", mode)?;
        loop {
            let mut chunk = Vec::with_capacity(CHUNK);
            Read::take(&mut file, CHUNK as u64).read_to_end(&mut chunk)?;
            if chunk.is_empty() {
                return Ok(());
            }
            self.append(to, &chunk)?;
        }
    }

    fn sync(&mut self, path: &Path) -> io::Result<()> {
        // `sync` of one file is younger than `sync`.
        self.tell(&format!("sync {} 2>/dev/null || sync", self.word(path)))
    }

    fn mkdir(&mut self, path: &Path, mode: u32) -> io::Result<()> {
        self.tell(&format!("mkdir -m {:04o} {}", self.effective(mode), self.word(path)))
    }

    fn rmdir(&mut self, path: &Path) -> io::Result<()> {
        self.tell(&format!("rmdir {}", self.word(path)))
    }

    fn unlink(&mut self, path: &Path) -> io::Result<()> {
        self.tell(&format!("rm {}", self.word(path)))
    }

    fn rename(&mut self, from: &Path, to: &Path) -> io::Result<()> {
        self.tell(&format!("mv -f -T {} {}", self.word(from), self.word(to)))
    }

    fn symlink(&mut self, content: &Path, link: &Path) -> io::Result<()> {
        let (content, link) = (Word(quoted(content.as_os_str().as_bytes())), self.word(link));
        self.tell(&format!("{} && ln -s -- {content} {link}", free(&link)))
    }

    fn hard_link(&mut self, from: &Path, link: &Path) -> io::Result<()> {
        let (from, link) = (self.word(from), self.word(link));
        self.tell(&format!("{} && ln {from} {link}", free(&link)))
    }

    fn chmod(&mut self, path: &Path, mode: u32) -> io::Result<()> {
        // Folders keep their setuid and setgid bits with GNU's chmod unless five digits say otherwise.
        self.tell(&format!("chmod {mode:05o} {}", self.word(path)))
    }

    fn chown(&mut self, path: &Path, uid: Option<u32>, gid: Option<u32>) -> io::Result<()> {
        self.tell(&format!("chown {} {}", owner(uid, gid), self.word(path)))
    }

    fn lchown(&mut self, path: &Path, uid: Option<u32>, gid: Option<u32>) -> io::Result<()> {
        self.tell(&format!("chown -h {} {}", owner(uid, gid), self.word(path)))
    }

    fn set_times(&mut self, path: &Path, atime: SetTime, mtime: SetTime) -> io::Result<()> {
        let path = self.word(path);
        for (flag, time) in [("-a", atime), ("-m", mtime)] {
            match time {
                SetTime::Keep => {}
                SetTime::Now => self.tell(&format!("touch -c {flag} {path}"))?,
                SetTime::At(Time { secs, nanos }) => {
                    self.tell(&format!("touch -c {flag} -d @{secs}.{nanos:09} {path}"))?;
                }
            }
        }
        Ok(())
    }

    fn xattr(&mut self, path: &Path, name: &str) -> io::Result<Option<Vec<u8>>> {
        let script = format!(
            "command -v getfattr >/dev/null || exit 1; getfattr -h --absolute-names --only-values -n {} {}",
            shell_quote(name),
            self.word(path)
        );
        match self.ask(&script) {
            Ok(value) => Ok(Some(value)),
            Err(error) if error.raw_os_error() == Some(libc::ENOENT) => Err(error),
            Err(_) => Ok(None),
        }
    }

    fn set_xattr(&mut self, path: &Path, name: &str, value: &[u8]) -> io::Result<()> {
        let value = value.iter().fold(String::from("0x"), |mut hex, byte| {
            let _ = write!(hex, "{byte:02x}");
            hex
        });
        self.tell(&format!("setfattr -h -n {} -v {value} {}", shell_quote(name), self.word(path)))
    }

    fn run(&mut self, run: &Run) -> io::Result<Ran> {
        let ran = self.sh.run(&self.program(run), &self.children, run.timeout)?;
        if ran.rc == NO_PROGRAM && ran.stdout.is_empty() && ran.stderr.is_empty() {
            return Err(io::Error::from_raw_os_error(libc::ENOENT));
        }
        Ok(ran)
    }

    fn env(&self, name: &str) -> Option<String> {
        let all = self.env.iter().rev().chain(self.about.env.iter().rev());
        all.into_iter().find(|(key, _)| key == name).map(|(_, value)| value.clone())
    }

    fn environ(&self) -> Vec<(String, String)> {
        let kept = |key: &str| !self.env.iter().any(|(over, _)| over == key);
        let base = self.about.env.iter().filter(|(key, _)| kept(key));
        base.chain(&self.env).cloned().collect()
    }

    fn cwd(&mut self) -> io::Result<PathBuf> {
        Ok(self.here().to_owned())
    }

    fn euid(&mut self) -> u32 {
        self.about.uid
    }

    fn egid(&mut self) -> u32 {
        self.about.gid
    }

    fn pid(&mut self) -> u32 {
        self.about.pid
    }

    fn umask(&mut self) -> u32 {
        self.about.umask
    }

    fn now(&mut self) -> Time {
        let here = system::System::new().now();
        Time { secs: here.secs + self.about.ahead, ..here }
    }

    fn utc_offset(&mut self, at: i64) -> i32 {
        let run = Run::argv(["date", "-d", &format!("@{at}"), "+%z"]);
        let ran = self.run(&run).ok().filter(Ran::ok);
        ran.and_then(|ran| offset_of(ran.out().trim())).unwrap_or(0)
    }

    fn sleep(&mut self, time: Duration) {
        self.children.sleep(time);
    }

    fn cancelled(&self) -> bool {
        self.children.is_cancelled()
    }

    fn may_connect(&self) -> io::Result<()> {
        Err(io::Error::other(
            "connections from a host on which no agent can run are not supported yet",
        ))
    }

    fn uname(&mut self) -> io::Result<Uname> {
        Ok(self.about.uname.clone())
    }

    fn random(&mut self) -> u64 {
        system::System::new().random()
    }

    fn remove_tree(&mut self, path: &Path) -> io::Result<()> {
        self.tell(&format!("rm -r {}", self.word(path)))
    }
}

/// A test that nothing has this name: `ln` would put the link into a folder of that name.
fn free(link: &Word) -> String {
    format!("{{ [ ! -e {link} ] && [ ! -h {link} ] || {{ echo 'File exists' >&2; exit 1; }}; }}")
}

/// Owner and group as `chown` takes them.
fn owner(uid: Option<u32>, gid: Option<u32>) -> String {
    let uid = uid.map(|uid| uid.to_string()).unwrap_or_default();
    gid.map_or(uid.clone(), |gid| format!("{uid}:{gid}"))
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test may fail")]
mod tests {
    use super::*;
    use crate::target::system::System;

    /// This machine's sh, a process a script.
    struct Local;

    impl Sh for Local {
        fn run(&self, script: &str, _: &Children, limit: Option<Duration>) -> io::Result<Ran> {
            let run = Run::argv(["/bin/sh"]).stdin(script);
            System::new().run(&Run { timeout: limit, ..run })
        }
    }

    fn shell() -> Shell {
        let sh: Arc<dyn Sh> = Arc::new(Local);
        let about = Arc::new(About::ask(&*sh).unwrap());
        Shell::new(sh, about, Arc::default())
    }

    /// A folder that goes away.
    struct Folder(PathBuf);

    impl Folder {
        fn new() -> Folder {
            let name = format!("vmstation-shell-{:016x}", System::new().random());
            let path = std::env::temp_dir().join(name);
            std::fs::create_dir(&path).unwrap();
            Folder(path)
        }
    }

    impl Drop for Folder {
        fn drop(&mut self) {
            std::fs::remove_dir_all(&self.0).unwrap();
        }
    }

    /// Errors as their numbers, so that answers can be compared.
    fn told<T>(result: io::Result<T>) -> Result<T, Option<i32>> {
        result.map_err(|error| error.raw_os_error())
    }

    #[test]
    fn it_answers_as_system_calls_do() {
        let folder = Folder::new();
        let at = |name: &str| folder.0.join(name);
        let odd = at("a 'b' \"c\" $d\n-e");
        let (mut shell, mut system) = (shell(), System::new());
        let all: Vec<u8> = (0..=255).cycle().take(2 * CHUNK + 77).collect();
        shell.create(&odd, &all, 0o640).unwrap();
        shell.symlink(Path::new("nowhere"), &at("broken")).unwrap();
        shell.symlink(&odd, &at("link")).unwrap();
        shell.mkdir(&at("-dir"), 0o700).unwrap();
        shell.hard_link(&odd, &at("second")).unwrap();
        for path in
            [odd.clone(), at("broken"), at("link"), at("-dir"), at("missing"), odd.join("x")]
        {
            assert_eq!(told(shell.stat(&path)), told(system.stat(&path)), "{path:?}");
            assert_eq!(told(shell.lstat(&path)), told(system.lstat(&path)), "{path:?}");
            assert_eq!(told(shell.read_link(&path)), told(system.read_link(&path)), "{path:?}");
            assert_eq!(told(shell.read(&path)), told(system.read(&path)), "{path:?}");
            assert_eq!(shell.realpath(&path), system.realpath(&path));
        }
        assert_eq!(shell.read_head(&odd, 300).unwrap(), system.read_head(&odd, 300).unwrap());
        for algorithm in [Algorithm::Md5, Algorithm::Sha1, Algorithm::Sha512] {
            assert_eq!(
                shell.digest(&odd, algorithm).unwrap(),
                system.digest(&odd, algorithm).unwrap()
            );
        }
        let names = |target: &mut dyn Target| {
            let mut names: Vec<_> =
                target.read_dir(&folder.0).unwrap().into_iter().map(|e| (e.name, e.kind)).collect();
            names.sort_by(|a, b| a.0.cmp(&b.0));
            names
        };
        assert!(names(&mut shell) == names(&mut system));
    }

    #[test]
    fn it_changes_what_system_calls_change() {
        let folder = Folder::new();
        let at = |name: &str| folder.0.join(name);
        let mut shell = shell();
        shell.create(&at("a"), b"one\n", 0o600).unwrap();
        assert_eq!(told(shell.create(&at("a"), b"", 0o600)), Err(Some(libc::EEXIST)));
        shell.append(&at("a"), b"two\n").unwrap();
        shell.copy(&at("a"), &at("b"), 0o644).unwrap();
        shell.overwrite(&at("a"), b"").unwrap();
        assert_eq!(std::fs::read(at("a")).unwrap(), b"");
        assert_eq!(std::fs::read(at("b")).unwrap(), b"one\ntwo\n");
        shell.put(&at("b"), &at("c"), 0o600).unwrap();
        shell.rename(&at("c"), &at("a")).unwrap();
        assert_eq!(std::fs::read(at("a")).unwrap(), b"one\ntwo\n");
        let time = Time { secs: 1_600_000_000, nanos: 125_000_000 };
        shell.set_times(&at("a"), SetTime::Keep, SetTime::At(time)).unwrap();
        shell.chmod(&at("a"), 0o4751).unwrap();
        let stat = System::new().stat(&at("a")).unwrap();
        assert_eq!((stat.mtime, stat.permissions()), (time, 0o4751));
        shell.mkdir(&at("d"), 0o755).unwrap();
        assert_eq!(told(shell.mkdir(&at("d"), 0o755)), Err(Some(libc::EEXIST)));
        assert_eq!(told(shell.symlink(Path::new("x"), &at("d"))), Err(Some(libc::EEXIST)));
        assert_eq!(told(shell.rmdir(&folder.0)), Err(Some(libc::ENOTEMPTY)));
        assert_eq!(told(shell.unlink(&at("none"))), Err(Some(libc::ENOENT)));
        shell.remove_tree(&at("d")).unwrap();
        assert!(!at("d").exists());
    }

    #[test]
    fn programs_run_with_input_environment_and_folder() {
        let mut shell =
            shell().with_cwd(Some("/".into())).with_env(vec![("HERE".into(), "x 'y'".into())]);
        let ran = shell
            .run(&Run::shell("pwd; echo \"$HERE\"; cat; exit 3").stdin(&b"in\0put"[..]))
            .unwrap();
        assert_eq!((ran.rc, &ran.stdout[..]), (3, &b"/\nx 'y'\nin\0put"[..]));
        let ran = shell.run(&Run::argv(["printf", "%s|", "*", "", "a b"]).umask(0o077)).unwrap();
        assert_eq!(ran.out(), "*||a b|");
        assert_eq!(told(shell.run(&Run::argv(["no-such-program"]))), Err(Some(libc::ENOENT)));
        assert_eq!(shell.env("HERE").as_deref(), Some("x 'y'"));
        assert_eq!(shell.uname().unwrap().sysname, "Linux");
        assert!((shell.now().secs - System::new().now().secs).abs() <= 1);
    }

    #[test]
    fn records_of_other_tools_are_understood() {
        let text = "81a4|0|0|5|12|2049|1|0|0|8|4096|1|2|3|1970-01-01 00:00:01|1970-01-01 00:00:02.5 +0000|\n";
        let stat = record(text).unwrap();
        assert_eq!((stat.atime, stat.mtime), (Time::at(1), Time { secs: 2, nanos: 500_000_000 }));
        assert!(record("x").is_none());
    }
}
