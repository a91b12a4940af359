//! Archives of zip, by Info-ZIP's programs.

use std::path::Path;

use crate::context::symbolic_mode;
use crate::data::{Data, glob};
use crate::module::unarchive::{Job, Looked, Unfit, central};
use crate::module::{Context, Failure};
use crate::python;
use crate::target::{Run, Stat, account};

/// What lists an archive.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Listing {
    Zipinfo,
    /// `unzip -Z`, where zipinfo has no name of its own.
    Unzip,
}

/// An archive that unzip can read.
pub(super) struct Zip {
    listing: Listing,
    unzip: String,
    zipinfo: String,
    members: Vec<central::Member>,
    files: Option<Vec<String>>,
}

/// A line of zipinfo.
struct Line<'a> {
    kind: char,
    permissions: &'a str,
    size: u64,
    time: &'a str,
    path: &'a str,
}

/// Who unpacks, and who shall own what is unpacked.
struct Owners {
    root: bool,
    run: (String, u32),
    run_group: (String, u32),
    groups: Vec<u32>,
    user: (String, u32),
    group: (String, u32),
}

impl Zip {
    pub(super) fn open(cx: &mut Context<'_>, job: &Job, listing: Listing) -> Result<Zip, Unfit> {
        let second = match listing {
            Listing::Zipinfo => "zipinfo",
            Listing::Unzip => "unzip",
        };
        let mut missing = Vec::new();
        let mut found = ["unzip", second].map(|name| {
            let path = cx.target.find_program(name, &[]);
            if path.is_none() {
                missing.push(name);
            }
            path.map(|path| path.to_string_lossy().into_owned()).unwrap_or_default()
        });
        if !missing.is_empty() {
            return Err(Unfit::Reason(format!(
                "Unable to find required '{}' binary in the path.",
                missing.join("' or '")
            )));
        }
        let [unzip, zipinfo] = &mut found;
        let (unzip, zipinfo) = (std::mem::take(unzip), std::mem::take(zipinfo));
        let ran = cx.run(&Run::argv([unzip.as_str(), "-l", job.src.as_str()]))?;
        if !ran.ok() {
            return Err(Unfit::Reason(format!(
                "Command \"{unzip}\" could not handle archive: {}",
                ran.err()
            )));
        }
        if listing == Listing::Unzip {
            let ran = cx.run(&Run::argv([zipinfo.as_str(), "-Z"]))?;
            if !ran.out().to_lowercase().contains("zipinfo") {
                return Err(Unfit::Reason(format!(
                    "Command \"unzip -Z\" could not handle archive: {}",
                    ran.err()
                )));
            }
        }
        let content = cx.target.read(Path::new(&job.src)).unwrap_or_default();
        let members = central::members(&content)
            .map_err(|error| Failure::crash("zipfile.BadZipFile", error.to_string()))?;
        Ok(Zip { listing, unzip, zipinfo, members, files: None })
    }

    pub(super) fn name(&self) -> &'static str {
        match self.listing {
            Listing::Zipinfo => "ZipArchive",
            Listing::Unzip => "ZipZArchive",
        }
    }

    /// The names that are unpacked, as far as patterns say.
    pub(super) fn files(&mut self, job: &Job) -> &[String] {
        let members = &self.members;
        self.files.get_or_insert_with(|| {
            let names = members.iter().map(|member| &member.name);
            if job.includes.is_empty() {
                let kept = |name: &&String| !job.excludes.iter().any(|pattern| glob(pattern, name));
                return names.filter(kept).cloned().collect();
            }
            // Once for each pattern that fits, as ansible has it.
            names
                .flat_map(|name| {
                    let fits = job.includes.iter().filter(|pattern| glob(pattern, name)).count();
                    std::iter::repeat_n(name.clone(), fits)
                })
                .collect()
        })
    }

    pub(super) fn unpack(&self, job: &Job) -> Run {
        let mut run = Run::argv([self.unzip.as_str(), "-o"]).args(&job.options).arg(&job.src);
        if !job.excludes.is_empty() {
            run = run.arg("-x").args(&job.excludes);
        }
        run.args(&job.includes).arg("-d").arg(job.dest.as_os_str())
    }

    /// Compare every member with what is there.
    pub(super) fn look(&self, cx: &mut Context<'_>, job: &mut Job) -> Result<Looked, Failure> {
        let mut run = Run::argv([self.zipinfo.as_str()]);
        if self.listing == Listing::Unzip {
            run = run.arg("-Z");
        }
        run = run.args(["-T", "-s"]).arg(&job.src);
        if !job.excludes.is_empty() {
            run = run.arg("-x").args(&job.excludes);
        }
        let ran = cx.run(&run.args(&job.includes))?;
        let owners = Owners::of(cx, job);
        let mut looked = Looked { unarchived: ran.ok(), diff: String::new() };
        for line in ran.out().lines() {
            let Some(line) = Line::of(line) else { continue };
            if job.excludes.iter().any(|name| name == line.path) {
                continue;
            }
            match self.item(cx, job, &owners, &line)? {
                Item::Same => {}
                Item::Newer => job.excludes.push(line.path.to_owned()),
                Item::Differs(marks) => {
                    looked.unarchived = false;
                    looked.diff.push_str(&format!("{marks} {}\n", line.path));
                }
            }
        }
        Ok(looked)
    }

    fn item(
        &self,
        cx: &mut Context<'_>,
        job: &Job,
        owners: &Owners,
        line: &Line<'_>,
    ) -> Result<Item, Failure> {
        let kind = line.file_kind();
        let permissions = line.permissions()?;
        let path = job.dest.join(line.path);
        let Ok(stat) = cx.target.lstat(&path) else {
            return Ok(Item::Differs(format!(">{kind}++++++.??")));
        };
        let same_kind = match kind {
            'd' => stat.is_dir(),
            'L' => stat.is_link(),
            _ => stat.is_file(),
        };
        if !same_kind {
            return Ok(Item::Differs(format!("c{kind}++++++.??")));
        }
        let mut marks: Vec<char> = format!(".{kind}.......??").chars().collect();
        let mut changed = false;
        let mut mark = |at: usize, letter: char| {
            marks[at] = letter;
            changed = true;
        };
        if stat.is_file() {
            let time = line.seconds(cx)? as f64;
            let on_disk = stat.mtime.as_f64();
            if job.keep_newer && time < on_disk {
                return Ok(Item::Newer);
            }
            if time != on_disk {
                mark(4, 't');
            }
            if line.size != stat.size {
                mark(3, 's');
            }
            let content = cx.target.read(&path).map_err(|error| {
                Failure::new(python::os_error(&error, python::Subject::Bytes(&path)))
            })?;
            let known = self.members.iter().find(|member| member.name == line.path);
            if known.map(|member| member.crc) != Some(central::crc32(&content)) {
                mark(2, 'c');
            }
        }
        if kind != 'L' && wanted_mode(job, line, permissions, &stat, cx)? != stat.permissions() {
            mark(5, 'p');
        }
        owners.may_give(line.path)?;
        if account::user_name(cx.target, stat.uid) != owners.user.0 && stat.uid != owners.user.1 {
            mark(6, 'o');
        }
        if account::group_name(cx.target, stat.gid) != owners.group.0 && stat.gid != owners.group.1
        {
            mark(6, 'g');
        }
        Ok(if changed { Item::Differs(marks.into_iter().collect()) } else { Item::Same })
    }
}

enum Item {
    Same,
    /// The file on disk is newer, and is to be kept.
    Newer,
    /// What differs, as rsync itemizes it.
    Differs(String),
}

impl<'a> Line<'a> {
    /// A line about a member; headers and footers are none.
    fn of(line: &'a str) -> Option<Line<'a>> {
        let mut rest = line.trim_start();
        let mut words = [""; 7];
        for word in &mut words {
            let end = rest.find(char::is_whitespace)?;
            *word = &rest[..end];
            rest = rest[end..].trim_start();
        }
        let attributes = words[0];
        let mut letters = attributes.chars();
        let kind = letters.next()?;
        let fits = matches!(attributes.len(), 7 | 10)
            && words[6].len() == 15
            && !rest.is_empty()
            && "dl-?".contains(kind)
            && letters.all(|letter| "rwxstah-".contains(letter));
        if !fits {
            return None;
        }
        Some(Line {
            kind,
            permissions: &attributes[1..],
            size: words[3].parse().ok()?,
            time: words[6],
            path: rest,
        })
    }

    fn file_kind(&self) -> char {
        match self.kind {
            _ if self.path.ends_with('/') => 'd',
            'l' => 'L',
            _ => 'f',
        }
    }

    /// The nine letters, and whether the umask takes of them (as with archives from FAT).
    fn permissions(&self) -> Result<(&str, bool), Failure> {
        if self.permissions.len() == 6 {
            let all = self.path.ends_with('/') || self.permissions == "rwx---";
            return Ok((if all { "rwxrwxrwx" } else { "rw-rw-rw-" }, true));
        }
        let fits =
            self.permissions.as_bytes().chunks(3).all(
                |three| matches!(three, [b'r' | b'-', b'w' | b'-', x] if b"SsTtx-".contains(x)),
            );
        if self.permissions.len() != 9 || !fits {
            return Err(Failure::crash(
                "UnarchiveError",
                format!("ZIP info perm format incorrect, {}", self.permissions),
            ));
        }
        Ok((self.permissions, false))
    }

    /// The time of the member, which zip keeps in the zone of whoever packed it.
    fn seconds(&self, cx: &mut Context<'_>) -> Result<i64, Failure> {
        let number = |from: usize, to: usize| self.time.get(from..to)?.parse::<u32>().ok();
        let read = || {
            let (year, month, day) = (number(0, 4)?, number(4, 6)?, number(6, 8)?);
            let (hour, minute, second) = (number(9, 11)?, number(11, 13)?, number(13, 15)?);
            if !(1..=12).contains(&month) || !(1..=31).contains(&day) || hour > 23 || minute > 59 {
                return None;
            }
            let days = crate::clock::days_to(year.into(), month, day);
            Some((days, i64::from(hour * 3600 + minute * 60 + second)))
        };
        let Some((days, of_day)) = read() else {
            return Err(Failure::crash(
                "ValueError",
                format!("time data '{}' does not match format '%Y%m%d.%H%M%S'", self.time),
            ));
        };
        Ok(crate::clock::from_local(cx.target, days, of_day))
    }
}

/// The mode that a member shall have: the task's, or its own.
fn wanted_mode(
    job: &Job,
    line: &Line<'_>,
    (letters, masked): (&str, bool),
    stat: &Stat,
    cx: &mut Context<'_>,
) -> Result<u32, Failure> {
    match &job.attributes.mode {
        Some(Data::Number(number)) => return Ok(number.as_u64().unwrap_or(0) as u32),
        Some(Data::String(text)) if !text.is_empty() => {
            if let Some(mode) = python::parse_int(text, 8) {
                return Ok(mode as u32);
            }
            let umask = cx.target.umask();
            return symbolic_mode(stat, text, umask)
                .map_err(|msg| Failure::new(msg).with("path", line.path));
        }
        _ => {}
    }
    let bits = letters
        .chars()
        .rev()
        .enumerate()
        .filter(|(_, letter)| "rwxst".contains(*letter))
        .fold(0, |bits, (at, _)| bits | 1 << at);
    let umask = if masked && line.kind != '?' { cx.target.umask() } else { 0 };
    Ok(bits & !umask)
}

impl Owners {
    fn of(cx: &mut Context<'_>, job: &Job) -> Owners {
        let (uid, gid) = (cx.target.euid(), cx.target.egid());
        let run = (account::user_name(cx.target, uid), uid);
        let run_group = (account::group_name(cx.target, gid), gid);
        let user = match job.attributes.owner.as_deref().filter(|name| !name.is_empty()) {
            Some(name) => {
                let by_id = |cx: &mut Context<'_>| cx.target.user_by_id(name.parse().ok()?);
                let user = cx.target.user_by_name(name).or_else(|| by_id(cx));
                user.map_or_else(|| run.clone(), |user| (user.name, user.uid))
            }
            None => run.clone(),
        };
        let group = match job.attributes.group.as_deref().filter(|name| !name.is_empty()) {
            Some(name) => {
                let by_id = |cx: &mut Context<'_>| cx.target.group_by_id(name.parse().ok()?);
                let group = cx.target.group_by_name(name).or_else(|| by_id(cx));
                group.map_or_else(|| run_group.clone(), |group| (group.name, group.gid))
            }
            None => run_group.clone(),
        };
        let status = cx.target.read_text(Path::new("/proc/self/status")).unwrap_or_default();
        let groups = status
            .lines()
            .find_map(|line| line.strip_prefix("Groups:"))
            .map(|line| line.split_whitespace().filter_map(|id| id.parse().ok()).collect())
            .unwrap_or_default();
        Owners { root: uid == 0, run, run_group, groups, user, group }
    }

    fn may_give(&self, path: &str) -> Result<(), Failure> {
        let refuse = |what: &str, to: &str| {
            Err(Failure::crash(
                "UnarchiveError",
                format!("Cannot change {what} of {path} to {to}, as user {}", self.run.0),
            ))
        };
        if !self.root && self.user != self.run {
            return refuse("ownership", &self.user.0);
        }
        if !self.root && self.group != self.run_group && !self.groups.contains(&self.group.1) {
            return refuse("group ownership", &self.group.0);
        }
        Ok(())
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test may fail")]
mod tests {
    use super::*;

    #[test]
    fn lines_of_zipinfo() {
        let line =
            Line::of("-rw-r-----  3.0 unx        4 tx stor 20240102.120000 a/one two").unwrap();
        assert_eq!((line.kind, line.size, line.path), ('-', 4, "a/one two"));
        assert_eq!(line.permissions().unwrap(), ("rw-r-----", false));
        let line = Line::of("-rw-a--     2.0 fat        0 bx stor 20240102.120000 x").unwrap();
        assert_eq!(line.permissions().unwrap(), ("rw-rw-rw-", true));
        assert!(Line::of("Archive:  x.zip").is_none());
        assert!(Line::of("2 files, 4 bytes uncompressed, 4 bytes compressed:  0.0%").is_none());
    }
}
