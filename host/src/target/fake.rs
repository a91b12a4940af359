//! A machine in memory, for tests of modules.
//!
//! ```
//! use vmstation_host::target::{Target, fake::Fake};
//! let mut fake = Fake::new().file("/etc/motd", "hello\n").dir("/srv");
//! assert!(fake.is_dir("/srv".as_ref()));
//! assert_eq!(fake.text("/etc/motd"), "hello\n");
//! ```

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::io;
use std::path::{Component, Path, PathBuf};
use std::time::Duration;

use crate::target::{
    Access, Algorithm, Dialogue, Entry, FileKind, Ran, Reply, Run, SetTime, Stat, Target, Time,
    Uname,
};

/// What a fake program answers.
type Program = Box<dyn Fn(&Run) -> Ran + Send>;

/// A machine in memory. Root acts on it unless [`Fake::user`] says otherwise;
/// permissions are kept but not enforced, save for paths given to [`Fake::deny`].
pub struct Fake {
    nodes: HashMap<u64, Node>,
    names: BTreeMap<PathBuf, u64>,
    next: u64,
    env: BTreeMap<String, String>,
    programs: Vec<(String, Program)>,
    /// Every program that was run, as a line of quoted words.
    pub runs: Vec<String>,
    /// What programs say on a terminal, piece by piece.
    dialogues: Vec<(String, Vec<String>, i32)>,
    /// What was typed to them.
    pub typed: Vec<String>,
    denied: BTreeSet<PathBuf>,
    clock: Time,
    uid: u32,
    umask: u32,
    uname: Uname,
    random: u64,
}

#[derive(Debug, Clone, Default)]
struct Node {
    mode: u32,
    uid: u32,
    gid: u32,
    content: Vec<u8>,
    link: PathBuf,
    atime: Time,
    mtime: Time,
    ctime: Time,
    xattrs: BTreeMap<String, Vec<u8>>,
}

fn error(errno: i32) -> io::Error {
    io::Error::from_raw_os_error(errno)
}

impl Default for Fake {
    fn default() -> Fake {
        Fake::new()
    }
}

impl Fake {
    /// Root, a user `alice` (1000), /tmp and /root; noon of 2 January 2024; umask 022.
    pub fn new() -> Fake {
        let mut fake = Fake {
            nodes: HashMap::new(),
            names: BTreeMap::new(),
            next: 1,
            env: BTreeMap::from([
                ("HOME".into(), "/root".into()),
                ("PATH".into(), "/usr/bin:/bin".into()),
            ]),
            programs: Vec::new(),
            dialogues: Vec::new(),
            typed: Vec::new(),
            runs: Vec::new(),
            denied: BTreeSet::new(),
            clock: Time::at(1_704_196_800),
            uid: 0,
            umask: 0o022,
            uname: Uname {
                sysname: "Linux".into(),
                nodename: "fake".into(),
                release: "6.1.0".into(),
                version: "#1 SMP".into(),
                machine: "x86_64".into(),
            },
            random: 0,
        };
        fake.add(Path::new("/"), Node { mode: 0o040_755, ..Node::default() });
        fake.dir("/root")
            .dir("/tmp")
            .file(
                "/etc/passwd",
                "root:x:0:0:root:/root:/bin/bash\nalice:x:1000:1000::/home/alice:/bin/sh\n",
            )
            .file("/etc/group", "root:x:0:\nalice:x:1000:\nadm:x:4:alice\n")
    }

    fn add(&mut self, path: &Path, mut node: Node) -> u64 {
        let inode = self.next;
        self.next += 1;
        (node.atime, node.mtime, node.ctime) = (self.clock, self.clock, self.clock);
        self.nodes.insert(inode, node);
        self.names.insert(path.to_owned(), inode);
        inode
    }

    fn add_parents(&mut self, path: &Path) {
        let missing: Vec<PathBuf> = path
            .ancestors()
            .skip(1)
            .take_while(|parent| !self.names.contains_key(*parent))
            .map(PathBuf::from)
            .collect();
        for parent in missing.into_iter().rev() {
            self.add(&parent, Node { mode: 0o040_755, ..Node::default() });
        }
    }

    /// A file of root with mode 0644; its folders are made.
    #[must_use]
    pub fn file(self, path: &str, content: impl Into<Vec<u8>>) -> Fake {
        self.file_with(path, content, 0o644, 0, 0)
    }

    /// A file with everything said.
    #[must_use]
    pub fn file_with(
        mut self,
        path: &str,
        content: impl Into<Vec<u8>>,
        mode: u32,
        uid: u32,
        gid: u32,
    ) -> Fake {
        self.add_parents(Path::new(path));
        let node =
            Node { mode: 0o100_000 | mode, uid, gid, content: content.into(), ..Node::default() };
        self.add(Path::new(path), node);
        self
    }

    /// A directory with mode 0755.
    #[must_use]
    pub fn dir(mut self, path: &str) -> Fake {
        self.add_parents(Path::new(path));
        self.add(Path::new(path), Node { mode: 0o040_755, ..Node::default() });
        self
    }

    /// A symbolic link.
    #[must_use]
    pub fn link(mut self, path: &str, content: &str) -> Fake {
        self.add_parents(Path::new(path));
        self.add(
            Path::new(path),
            Node { mode: 0o120_777, link: content.into(), ..Node::default() },
        );
        self
    }

    /// Any kind of file, such as a socket (`0o140644`).
    #[must_use]
    pub fn node(mut self, path: &str, mode: u32) -> Fake {
        self.add_parents(Path::new(path));
        self.add(Path::new(path), Node { mode, ..Node::default() });
        self
    }

    /// An executable file in /usr/bin, so that programs are found.
    #[must_use]
    pub fn program(self, name: &str) -> Fake {
        self.file_with(&format!("/usr/bin/{name}"), "", 0o755, 0, 0)
    }

    /// What a program answers whose command line (`Run::line`) starts with this; the first that fits answers.
    #[must_use]
    pub fn on(self, line: &str, ran: Ran) -> Fake {
        self.on_call(line, move |_| ran.clone())
    }

    /// The same, computed.
    #[must_use]
    pub fn on_call(mut self, line: &str, answer: impl Fn(&Run) -> Ran + Send + 'static) -> Fake {
        self.programs.push((line.into(), Box::new(answer)));
        self
    }

    /// What a program says on a terminal, piece by piece, and how it ends.
    #[must_use]
    pub fn on_dialogue(mut self, line: &str, pieces: &[&str], rc: i32) -> Fake {
        let pieces = pieces.iter().map(|piece| (*piece).to_owned()).collect();
        self.dialogues.push((line.into(), pieces, rc));
        self
    }

    #[must_use]
    pub fn with_env(mut self, name: &str, value: &str) -> Fake {
        self.env.insert(name.into(), value.into());
        self
    }

    /// Who acts.
    #[must_use]
    pub fn user(mut self, uid: u32) -> Fake {
        self.uid = uid;
        self
    }

    #[must_use]
    pub fn with_umask(mut self, umask: u32) -> Fake {
        self.umask = umask;
        self
    }

    #[must_use]
    pub fn with_uname(mut self, uname: Uname) -> Fake {
        self.uname = uname;
        self
    }

    /// Reading or changing this path (and for a directory, names in it) is refused.
    #[must_use]
    pub fn deny(mut self, path: &str) -> Fake {
        self.denied.insert(path.into());
        self
    }

    /// Let time pass.
    pub fn pass(&mut self, seconds: i64) {
        self.clock.secs += seconds;
    }

    /// The content of a file as text; empty if there is none.
    pub fn text(&self, path: &str) -> String {
        self.names
            .get(Path::new(path))
            .map(|inode| String::from_utf8_lossy(&self.nodes[inode].content).into_owned())
            .unwrap_or_default()
    }

    /// Permissions of a file, 0 if there is none.
    pub fn mode_of(&self, path: &str) -> u32 {
        self.names.get(Path::new(path)).map_or(0, |inode| self.nodes[inode].mode & 0o7777)
    }

    /// All paths below a directory, sorted.
    pub fn tree(&self, path: &str) -> Vec<String> {
        let below = |name: &&PathBuf| name.starts_with(path) && *name != Path::new(path);
        self.names.keys().filter(below).map(|name| name.to_string_lossy().into_owned()).collect()
    }

    /// The path without links, dots and relative starts; the last part may be missing.
    fn resolve(&self, path: &Path, follow_last: bool) -> io::Result<PathBuf> {
        self.resolve_within(Path::new("/root"), path, follow_last, 0)
    }

    fn resolve_within(
        &self,
        start: &Path,
        path: &Path,
        follow_last: bool,
        depth: u32,
    ) -> io::Result<PathBuf> {
        if depth > 40 {
            return Err(error(libc::ELOOP));
        }
        if path.as_os_str().is_empty() {
            return Err(error(libc::ENOENT));
        }
        let mut at = start.to_owned();
        let parts: Vec<Component<'_>> = path.components().collect();
        for (index, part) in parts.iter().enumerate() {
            let last = index + 1 == parts.len();
            match part {
                Component::RootDir | Component::Prefix(_) => at = PathBuf::from("/"),
                Component::CurDir => {}
                Component::ParentDir => {
                    at.pop();
                }
                Component::Normal(name) => {
                    let next = at.join(name);
                    if self.denied.contains(&at) {
                        return Err(error(libc::EACCES));
                    }
                    match self.names.get(&next).map(|inode| &self.nodes[inode]) {
                        None if last => return Ok(next),
                        None => return Err(error(libc::ENOENT)),
                        Some(node) => match FileKind::of_mode(node.mode) {
                            FileKind::Link if !last || follow_last => {
                                at = self.resolve_within(&at, &node.link, true, depth + 1)?;
                                if !last && !self.names.contains_key(&at) {
                                    return Err(error(libc::ENOENT));
                                }
                            }
                            FileKind::Directory => at = next,
                            _ if last => at = next,
                            _ => return Err(error(libc::ENOTDIR)),
                        },
                    }
                }
            }
        }
        Ok(at)
    }

    fn find(&self, path: &Path, follow: bool) -> io::Result<(PathBuf, u64)> {
        let path = self.resolve(path, follow)?;
        let inode = *self.names.get(&path).ok_or_else(|| error(libc::ENOENT))?;
        Ok((path, inode))
    }

    fn node_of(&self, path: &Path, follow: bool) -> io::Result<&Node> {
        let (path, inode) = self.find(path, follow)?;
        if self.denied.contains(&path) {
            return Err(error(libc::EACCES));
        }
        Ok(&self.nodes[&inode])
    }

    fn change(
        &mut self,
        path: &Path,
        follow: bool,
        change: impl FnOnce(&mut Node),
    ) -> io::Result<()> {
        let (path, inode) = self.find(path, follow)?;
        if self.denied.contains(&path) {
            return Err(error(libc::EACCES));
        }
        let clock = self.clock;
        if let Some(node) = self.nodes.get_mut(&inode) {
            change(node);
            node.ctime = clock;
        }
        Ok(())
    }

    fn file_content(&self, path: &Path) -> io::Result<&[u8]> {
        let node = self.node_of(path, true)?;
        match FileKind::of_mode(node.mode) {
            FileKind::Directory => Err(error(libc::EISDIR)),
            _ => Ok(&node.content),
        }
    }

    fn make(&mut self, path: &Path, node: Node) -> io::Result<()> {
        let path = self.resolve(path, false)?;
        if self.names.contains_key(&path) {
            return Err(error(libc::EEXIST));
        }
        let parent = path.parent().ok_or_else(|| error(libc::EEXIST))?;
        if self.denied.contains(parent) {
            return Err(error(libc::EACCES));
        }
        if !self.names.contains_key(parent) {
            return Err(error(libc::ENOENT));
        }
        let (uid, gid) = (self.uid, self.uid);
        self.add(&path, Node { uid, gid, ..node });
        Ok(())
    }

    fn stat_node(&self, inode: u64) -> Stat {
        let node = &self.nodes[&inode];
        let size = match FileKind::of_mode(node.mode) {
            FileKind::Link => node.link.as_os_str().len(),
            FileKind::Directory => 4096,
            _ => node.content.len(),
        } as u64;
        Stat {
            mode: node.mode,
            uid: node.uid,
            gid: node.gid,
            size,
            inode,
            dev: 1,
            nlink: self.names.values().filter(|named| **named == inode).count() as u64,
            rdev: 0,
            blocks: size.div_ceil(4096) * 8,
            block_size: 4096,
            atime: node.atime,
            mtime: node.mtime,
            ctime: node.ctime,
        }
    }

    fn children(&self, path: &Path) -> Vec<PathBuf> {
        self.names.keys().filter(|name| name.parent() == Some(path)).cloned().collect()
    }

    fn forget(&mut self, path: &Path) {
        if let Some(inode) = self.names.remove(path)
            && !self.names.values().any(|named| *named == inode)
        {
            self.nodes.remove(&inode);
        }
    }
}

impl Target for Fake {
    fn stat(&mut self, path: &Path) -> io::Result<Stat> {
        let (_, inode) = self.find(path, true)?;
        Ok(self.stat_node(inode))
    }

    fn lstat(&mut self, path: &Path) -> io::Result<Stat> {
        let (_, inode) = self.find(path, false)?;
        Ok(self.stat_node(inode))
    }

    fn access(&mut self, path: &Path, access: Access) -> bool {
        let Ok(node) = self.node_of(path, true) else { return false };
        match access {
            Access::Exists => true,
            Access::Execute => node.mode & 0o111 != 0,
            Access::Read => self.uid == 0 || node.mode & 0o444 != 0,
            Access::Write => self.uid == 0 || node.mode & 0o222 != 0,
        }
    }

    fn read(&mut self, path: &Path) -> io::Result<Vec<u8>> {
        self.file_content(path).map(<[u8]>::to_vec)
    }

    fn read_head(&mut self, path: &Path, limit: u64) -> io::Result<Vec<u8>> {
        self.file_content(path).map(|content| content[..content.len().min(limit as usize)].to_vec())
    }

    fn digest(&mut self, path: &Path, algorithm: Algorithm) -> io::Result<String> {
        super::system::digest(&mut self.file_content(path)?, algorithm)
    }

    fn read_link(&mut self, path: &Path) -> io::Result<PathBuf> {
        let node = self.node_of(path, false)?;
        match FileKind::of_mode(node.mode) {
            FileKind::Link => Ok(node.link.clone()),
            _ => Err(error(libc::EINVAL)),
        }
    }

    fn read_dir(&mut self, path: &Path) -> io::Result<Vec<Entry>> {
        let (path, inode) = self.find(path, true)?;
        if self.denied.contains(&path) {
            return Err(error(libc::EACCES));
        }
        if FileKind::of_mode(self.nodes[&inode].mode) != FileKind::Directory {
            return Err(error(libc::ENOTDIR));
        }
        let entries = self.children(&path).into_iter().filter_map(|child| {
            let kind = FileKind::of_mode(self.nodes[&self.names[&child]].mode);
            Some(Entry { name: child.file_name()?.to_owned(), kind })
        });
        Ok(entries.collect())
    }

    fn create(&mut self, path: &Path, content: &[u8], mode: u32) -> io::Result<()> {
        let mode = 0o100_000 | (mode & !self.umask);
        self.make(path, Node { mode, content: content.into(), ..Node::default() })
    }

    fn overwrite(&mut self, path: &Path, content: &[u8]) -> io::Result<()> {
        let clock = self.clock;
        match self.change(path, true, |node| {
            node.content = content.into();
            node.mtime = clock;
        }) {
            Err(missing) if missing.raw_os_error() == Some(libc::ENOENT) => {
                let path = self.resolve(path, true)?;
                self.create(&path, content, 0o666)
            }
            done => done,
        }
    }

    fn append(&mut self, path: &Path, content: &[u8]) -> io::Result<()> {
        let mut whole = match self.read(path) {
            Ok(whole) => whole,
            Err(missing) if missing.raw_os_error() == Some(libc::ENOENT) => Vec::new(),
            Err(other) => return Err(other),
        };
        whole.extend_from_slice(content);
        self.overwrite(path, &whole)
    }

    fn copy(&mut self, from: &Path, to: &Path, mode: u32) -> io::Result<()> {
        let content = self.read(from)?;
        self.create(to, &content, mode)
    }

    fn put(&mut self, from: &Path, to: &Path, mode: u32) -> io::Result<()> {
        self.create(to, &std::fs::read(from)?, mode)
    }

    fn sync(&mut self, path: &Path) -> io::Result<()> {
        self.find(path, true).map(drop)
    }

    fn mkdir(&mut self, path: &Path, mode: u32) -> io::Result<()> {
        let mode = 0o040_000 | (mode & !self.umask);
        self.make(path, Node { mode, ..Node::default() })
    }

    fn rmdir(&mut self, path: &Path) -> io::Result<()> {
        let (path, inode) = self.find(path, false)?;
        if FileKind::of_mode(self.nodes[&inode].mode) != FileKind::Directory {
            return Err(error(libc::ENOTDIR));
        }
        if !self.children(&path).is_empty() {
            return Err(error(libc::ENOTEMPTY));
        }
        self.forget(&path);
        Ok(())
    }

    fn unlink(&mut self, path: &Path) -> io::Result<()> {
        let (path, inode) = self.find(path, false)?;
        if self.denied.contains(&path) {
            return Err(error(libc::EACCES));
        }
        if FileKind::of_mode(self.nodes[&inode].mode) == FileKind::Directory {
            return Err(error(libc::EISDIR));
        }
        self.forget(&path);
        Ok(())
    }

    fn rename(&mut self, from: &Path, to: &Path) -> io::Result<()> {
        let (from, inode) = self.find(from, false)?;
        let to = self.resolve(to, false)?;
        let parent = to.parent().ok_or_else(|| error(libc::EBUSY))?;
        if self.denied.contains(parent) || self.denied.contains(&to) {
            return Err(error(libc::EACCES));
        }
        if !self.names.contains_key(parent) {
            return Err(error(libc::ENOENT));
        }
        let is_dir = FileKind::of_mode(self.nodes[&inode].mode) == FileKind::Directory;
        if let Some(old) = self.names.get(&to) {
            let old_is_dir = FileKind::of_mode(self.nodes[old].mode) == FileKind::Directory;
            match (is_dir, old_is_dir) {
                (false, true) => return Err(error(libc::EISDIR)),
                (true, false) => return Err(error(libc::ENOTDIR)),
                (true, true) if !self.children(&to).is_empty() => {
                    return Err(error(libc::ENOTEMPTY));
                }
                _ if *old == inode => return Ok(()),
                _ => self.forget(&to),
            }
        }
        let moved: Vec<PathBuf> =
            self.names.keys().filter(|name| name.starts_with(&from)).cloned().collect();
        for name in moved {
            if let (Some(inode), Ok(tail)) = (self.names.remove(&name), name.strip_prefix(&from)) {
                let new = if tail.as_os_str().is_empty() { to.clone() } else { to.join(tail) };
                self.names.insert(new, inode);
            }
        }
        Ok(())
    }

    fn symlink(&mut self, content: &Path, link: &Path) -> io::Result<()> {
        self.make(link, Node { mode: 0o120_777, link: content.into(), ..Node::default() })
    }

    fn hard_link(&mut self, from: &Path, link: &Path) -> io::Result<()> {
        let (_, inode) = self.find(from, false)?;
        if FileKind::of_mode(self.nodes[&inode].mode) == FileKind::Directory {
            return Err(error(libc::EPERM));
        }
        let link = self.resolve(link, false)?;
        if self.names.contains_key(&link) {
            return Err(error(libc::EEXIST));
        }
        if link.parent().is_none_or(|parent| !self.names.contains_key(parent)) {
            return Err(error(libc::ENOENT));
        }
        self.names.insert(link, inode);
        Ok(())
    }

    fn chmod(&mut self, path: &Path, mode: u32) -> io::Result<()> {
        self.change(path, true, |node| node.mode = (node.mode & !0o7777) | mode)
    }

    fn chown(&mut self, path: &Path, uid: Option<u32>, gid: Option<u32>) -> io::Result<()> {
        self.change(path, true, |node| {
            (node.uid, node.gid) = (uid.unwrap_or(node.uid), gid.unwrap_or(node.gid))
        })
    }

    fn lchown(&mut self, path: &Path, uid: Option<u32>, gid: Option<u32>) -> io::Result<()> {
        self.change(path, false, |node| {
            (node.uid, node.gid) = (uid.unwrap_or(node.uid), gid.unwrap_or(node.gid))
        })
    }

    fn set_times(&mut self, path: &Path, atime: SetTime, mtime: SetTime) -> io::Result<()> {
        let clock = self.clock;
        let pick = |time: SetTime, old: Time| match time {
            SetTime::Now => clock,
            SetTime::Keep => old,
            SetTime::At(time) => time,
        };
        self.change(path, true, |node| {
            (node.atime, node.mtime) = (pick(atime, node.atime), pick(mtime, node.mtime))
        })
    }

    fn xattr(&mut self, path: &Path, name: &str) -> io::Result<Option<Vec<u8>>> {
        Ok(self.node_of(path, false)?.xattrs.get(name).cloned())
    }

    fn set_xattr(&mut self, path: &Path, name: &str, value: &[u8]) -> io::Result<()> {
        self.change(path, false, |node| {
            node.xattrs.insert(name.into(), value.into());
        })
    }

    fn run(&mut self, run: &Run) -> io::Result<Ran> {
        let line = run.line();
        self.runs.push(line.clone());
        let answer = self.programs.iter().find(|(start, _)| line.starts_with(start.as_str()));
        answer.map(|(_, answer)| answer(run)).ok_or_else(|| error(libc::ENOENT))
    }

    fn dialogue(&mut self, run: &Run, dialogue: &mut Dialogue<'_>) -> io::Result<Ran> {
        let line = run.line();
        self.runs.push(line.clone());
        let found = self.dialogues.iter().find(|(start, ..)| line.starts_with(start.as_str()));
        let (_, pieces, rc) = found.cloned().ok_or_else(|| error(libc::ENOENT))?;
        for piece in &pieces {
            let mut new = piece.as_bytes();
            loop {
                match (dialogue.answer)(new) {
                    Reply::Wait => break,
                    Reply::Type(text) => {
                        self.typed.push(String::from_utf8_lossy(&text).into_owned());
                        new = b"";
                    }
                    Reply::Stop => return Ok(Ran::of(-1, "", "")),
                }
            }
        }
        Ok(Ran::of(rc, "", ""))
    }

    fn env(&self, name: &str) -> Option<String> {
        self.env.get(name).cloned()
    }

    fn environ(&self) -> Vec<(String, String)> {
        self.env.iter().map(|(key, value)| (key.clone(), value.clone())).collect()
    }

    fn cwd(&mut self) -> io::Result<PathBuf> {
        Ok("/root".into())
    }

    fn euid(&mut self) -> u32 {
        self.uid
    }

    fn egid(&mut self) -> u32 {
        self.uid
    }

    fn pid(&mut self) -> u32 {
        4711
    }

    fn umask(&mut self) -> u32 {
        self.umask
    }

    fn now(&mut self) -> Time {
        self.clock
    }

    fn utc_offset(&mut self, _at: i64) -> i32 {
        0
    }

    fn sleep(&mut self, time: Duration) {
        self.clock.secs += time.as_secs() as i64;
    }

    fn uname(&mut self) -> io::Result<Uname> {
        Ok(self.uname.clone())
    }

    fn random(&mut self) -> u64 {
        self.random += 1;
        self.random
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test may fail")]
mod tests {
    use super::*;

    #[test]
    fn links_are_followed_as_the_kernel_does() {
        let mut fake = Fake::new()
            .file("/a/b/c", "x")
            .link("/l", "a/b")
            .link("/broken", "nowhere")
            .link("/loop", "loop");
        assert_eq!(fake.read("/l/c".as_ref()).unwrap(), b"x");
        assert_eq!(fake.read("/l/../b/c".as_ref()).unwrap(), b"x");
        assert!(fake.lexists("/broken".as_ref()) && !fake.exists("/broken".as_ref()));
        assert_eq!(fake.stat("/loop".as_ref()).unwrap_err().raw_os_error(), Some(libc::ELOOP));
        assert_eq!(fake.realpath("/l/c".as_ref()), PathBuf::from("/a/b/c"));
        assert_eq!(fake.realpath("/broken/x".as_ref()), PathBuf::from("/nowhere/x"));
    }

    #[test]
    fn names_and_files_are_two_things() {
        let mut fake = Fake::new().file("/a", "x");
        fake.hard_link("/a".as_ref(), "/b".as_ref()).unwrap();
        assert_eq!(fake.stat("/a".as_ref()).unwrap().nlink, 2);
        fake.overwrite("/b".as_ref(), b"y").unwrap();
        assert_eq!(fake.text("/a"), "y");
        fake.unlink("/a".as_ref()).unwrap();
        assert_eq!(fake.text("/b"), "y");
    }

    #[test]
    fn trees_move_and_vanish() {
        let mut fake = Fake::new().file("/a/b/c", "x");
        fake.rename("/a".as_ref(), "/z".as_ref()).unwrap();
        assert_eq!(fake.tree("/z"), ["/z/b", "/z/b/c"]);
        fake.remove_tree("/z".as_ref()).unwrap();
        assert!(!fake.lexists("/z".as_ref()));
        assert_eq!(fake.rmdir("/etc".as_ref()).unwrap_err().raw_os_error(), Some(libc::ENOTEMPTY));
    }

    #[test]
    fn programs_answer_by_their_first_words() {
        let mut fake = Fake::new().program("id").on("id -u", Ran::of(0, "0\n", ""));
        assert_eq!(fake.run(&Run::argv(["id", "-u", "x"])).unwrap().out(), "0\n");
        assert!(fake.run(&Run::argv(["other"])).is_err());
        assert_eq!(fake.runs, ["id -u x", "other"]);
        assert_eq!(fake.find_program("id", &[]), Some("/usr/bin/id".into()));
    }
}
