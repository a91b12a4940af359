//! The only way a module changes owner, group, mode and attributes of a file.

use std::path::Path;

use crate::context::Context;
use crate::data::Data;
use crate::module::Args;
use crate::outcome::{Diff, Failure};
use crate::python::{self, Subject};
use crate::target::{Run, Stat};

/// What [`crate::spec::FILE_OPTIONS`] ask of a file.
#[derive(Debug, Clone, Default)]
pub struct FileAttributes {
    /// Octal text, symbolic text, or a number.
    pub mode: Option<Data>,
    pub owner: Option<String>,
    pub group: Option<String>,
    /// User, role, type and level of the SELinux context.
    pub secontext: [Option<String>; 4],
    /// As `chattr` takes them.
    pub attributes: Option<String>,
}

/// The attributes of a file in the file system's own sense (`lsattr`).
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct AttributeFlags {
    pub version: Option<String>,
    /// Letters, as `lsattr` shows them without dashes.
    pub flags: String,
}

/// Letters of `lsattr` and their names in results.
const FLAG_NAMES: [(char, &str); 20] = [
    ('A', "noatime"),
    ('a', "append"),
    ('c', "compressed"),
    ('C', "nocow"),
    ('d', "nodump"),
    ('D', "dirsync"),
    ('e', "extents"),
    ('E', "encrypted"),
    ('h', "blocksize"),
    ('i', "immutable"),
    ('I', "indexed"),
    ('j', "journalled"),
    ('N', "inline"),
    ('s', "zero"),
    ('S', "synchronous"),
    ('t', "notail"),
    ('T', "blockroot"),
    ('u', "undelete"),
    ('X', "compressedraw"),
    ('Z', "compresseddirty"),
];

impl AttributeFlags {
    /// The names of the letters.
    pub fn names(&self) -> Vec<&'static str> {
        let name =
            |letter| FLAG_NAMES.iter().find(|(known, _)| *known == letter).map(|(_, name)| *name);
        self.flags.chars().filter_map(name).collect()
    }
}

impl FileAttributes {
    /// From the shared options; `_default` parts of the SELinux context are asked of the policy for `path`.
    pub fn of(cx: &mut Context<'_>, args: &Args, path: &Path) -> FileAttributes {
        let text = |name: &str| args.str(name).map(String::from);
        let mut secontext = ["seuser", "serole", "setype", "selevel"].map(text);
        if secontext.iter().flatten().any(|part| part == "_default") {
            let policy = cx.selinux_default_context(path).unwrap_or_default();
            for (at, part) in secontext.iter_mut().enumerate() {
                if part.as_deref() == Some("_default") {
                    *part = policy.get(at).cloned();
                }
            }
        }
        FileAttributes {
            mode: args.get("mode").cloned(),
            owner: text("owner"),
            group: text("group"),
            secontext,
            attributes: text("attributes"),
        }
    }

    /// The mode a new file is made with, if one is asked for that can be told beforehand.
    pub(super) fn mode_of_new_file(&self, usual: u32) -> Option<u32> {
        let mode = self.mode.as_ref()?;
        let stat = Stat { mode: 0o100_000 | usual, ..Stat::default() };
        // A mode that can't be read is reported by `set_attributes`; until then nobody else may look in.
        Some(mode_number(mode, &stat, 0o022).unwrap_or(0o600) & 0o7777)
    }
}

impl Context<'_> {
    /// Give a path the attributes; what differs is noted in `diff`. In check mode nothing is done, and a path that
    /// is not there counts as one that would change.
    pub fn set_attributes(
        &mut self,
        path: &Path,
        wanted: &FileAttributes,
        mut diff: Option<&mut Diff>,
    ) -> Result<bool, Failure> {
        let mut changed = false;
        if wanted.secontext.iter().any(Option::is_some) {
            changed |= self.set_selinux_context(path, &wanted.secontext, diff.as_deref_mut())?;
        }
        if let Some(owner) = &wanted.owner {
            changed |= self.set_owner(path, owner, diff.as_deref_mut())?;
        }
        if let Some(group) = &wanted.group {
            changed |= self.set_group(path, group, diff.as_deref_mut())?;
        }
        if let Some(mode) = &wanted.mode {
            changed |= self.set_mode(path, mode, diff.as_deref_mut())?;
        }
        if let Some(attributes) = &wanted.attributes {
            changed |= self.set_flags(path, attributes, diff)?;
        }
        Ok(changed)
    }

    fn absent_in_check_mode(&mut self, path: &Path) -> bool {
        self.check && !self.target.exists(path)
    }

    fn own_stat(&mut self, path: &Path) -> Result<Stat, Failure> {
        self.target.lstat(path).map_err(|error| Failure::os(&error, Subject::Bytes(path)))
    }

    /// Change the owner, by name or number.
    pub fn set_owner(
        &mut self,
        path: &Path,
        owner: &str,
        diff: Option<&mut Diff>,
    ) -> Result<bool, Failure> {
        if self.absent_in_check_mode(path) {
            return Ok(true);
        }
        let stat = self.own_stat(path)?;
        let uid = match python::parse_int(owner, 10) {
            Some(uid) => uid as u32,
            None => self.target.user_by_name(owner).map(|user| user.uid).ok_or_else(|| {
                failed_on(path, format!("chown failed: failed to look up user {owner}"))
            })?,
        };
        if stat.uid == uid {
            return Ok(false);
        }
        if let Some(diff) = diff {
            diff.note("owner", stat.uid, uid);
        }
        if !self.check {
            self.target.lchown(path, Some(uid), None).map_err(|error| {
                failed_on(
                    path,
                    format!("chown failed: {}", python::os_error(&error, Subject::Bytes(path))),
                )
            })?;
        }
        Ok(true)
    }

    /// Change the group, by name or number.
    pub fn set_group(
        &mut self,
        path: &Path,
        group: &str,
        diff: Option<&mut Diff>,
    ) -> Result<bool, Failure> {
        if self.absent_in_check_mode(path) {
            return Ok(true);
        }
        let stat = self.own_stat(path)?;
        let gid = match python::parse_int(group, 10) {
            Some(gid) => gid as u32,
            None => self.target.group_by_name(group).map(|group| group.gid).ok_or_else(|| {
                failed_on(path, format!("chgrp failed: failed to look up group {group}"))
            })?,
        };
        if stat.gid == gid {
            return Ok(false);
        }
        if let Some(diff) = diff {
            diff.note("group", stat.gid, gid);
        }
        if !self.check {
            self.target
                .lchown(path, None, Some(gid))
                .map_err(|_| failed_on(path, "chgrp failed".into()))?;
        }
        Ok(true)
    }

    /// Change the mode: octal or symbolic text, or a number.
    pub fn set_mode(
        &mut self,
        path: &Path,
        mode: &Data,
        diff: Option<&mut Diff>,
    ) -> Result<bool, Failure> {
        if self.absent_in_check_mode(path) {
            return Ok(true);
        }
        let stat = self.own_stat(path)?;
        let umask = self.target.umask();
        let wanted = mode_number(mode, &stat, umask).map_err(|details| {
            failed_on(path, "mode must be in octal or symbolic form".into())
                .with("details", details)
        })?;
        let before = stat.permissions();
        if before == wanted {
            return Ok(false);
        }
        if let Some(diff) = diff {
            diff.note("mode", format!("0{before:03o}"), format!("0{wanted:03o}"));
        }
        if self.check {
            return Ok(true);
        }
        // A link's own mode can't be changed, and that of the file behind it is not meant.
        if stat.is_link() {
            return Ok(false);
        }
        self.target
            .chmod(path, wanted & 0o7777)
            .map_err(|error| Failure::os(&error, Subject::Bytes(path)))?;
        Ok(self.own_stat(path)?.permissions() != before)
    }

    fn set_flags(
        &mut self,
        path: &Path,
        attributes: &str,
        diff: Option<&mut Diff>,
    ) -> Result<bool, Failure> {
        if self.absent_in_check_mode(path) {
            return Ok(true);
        }
        // Not every file system knows versions (overlayfs).
        let existing = self.lsattr(path, false);
        let (sign, letters) = match attributes.chars().next() {
            Some(sign @ ('-' | '+' | '=')) if sign != '=' => (sign, &attributes[1..]),
            _ => ('=', attributes),
        };
        let current = existing.as_ref().map(|existing| existing.flags.clone()).unwrap_or_default();
        if current == letters && sign != '-' {
            return Ok(false);
        }
        let Some(chattr) = self.target.find_program("chattr", &[]) else { return Ok(false) };
        let asked = format!("{sign}{letters}");
        if let Some(diff) = diff {
            diff.note("attributes", existing.map(|existing| existing.flags), asked.clone());
        }
        if self.check {
            return Ok(true);
        }
        let ran = self.run(&Run::argv([chattr.as_os_str(), asked.as_ref(), path.as_os_str()]))?;
        if !ran.ok() || !ran.stderr.is_empty() {
            let details = format!("Error while setting attributes: {}{}", ran.out(), ran.err());
            return Err(failed_on(path, "chattr failed".into()).with("details", details));
        }
        Ok(true)
    }

    /// The attributes of a file as `lsattr` tells them; `None` where it can't.
    pub fn attribute_flags(&mut self, path: &Path) -> Option<AttributeFlags> {
        self.lsattr(path, true)
    }

    fn lsattr(&mut self, path: &Path, with_version: bool) -> Option<AttributeFlags> {
        let lsattr = self.target.find_program("lsattr", &[])?;
        let option = if with_version { "-vd" } else { "-d" };
        let ran = self
            .target
            .run(&Run::argv([lsattr.as_os_str(), option.as_ref(), path.as_os_str()]))
            .ok()?;
        let out = ran.out();
        let mut words = out.split_whitespace();
        let version = if with_version { Some(words.next()?.into()) } else { None };
        let flags = words.next()?.replace('-', "");
        ran.ok().then_some(AttributeFlags { version, flags })
    }
}

fn failed_on(path: &Path, msg: String) -> Failure {
    Failure::new(msg).with("path", path.to_string_lossy())
}

/// The mode that a `mode` option means for a file.
fn mode_number(mode: &Data, stat: &Stat, umask: u32) -> Result<u32, String> {
    match mode {
        Data::Bool(value) => Ok((*value).into()),
        Data::Number(number) => {
            number.as_u64().map(|mode| mode as u32).ok_or_else(|| format!("'{mode}'"))
        }
        Data::String(text) => match python::parse_int(text, 8) {
            Some(mode) => Ok(mode as u32),
            None => symbolic_mode(stat, text, umask),
        },
        other => Err(format!("bad symbolic permission for mode: {}", python::text(other))),
    }
}

/// A symbolic mode such as `u=rwX,g-w,o=` for a file; the error names what is wrong.
pub fn symbolic_mode(stat: &Stat, text: &str, umask: u32) -> Result<u32, String> {
    let mut mode = stat.permissions();
    for clause in text.split(',') {
        let operator_at = clause.find(['+', '=', '-']).unwrap_or(clause.len());
        let (who, mut rest) = clause.split_at(operator_at);
        let bad = || format!("bad symbolic permission for mode: {clause}");
        let use_umask = who.is_empty();
        let who = if who.is_empty() || who == "a" { "ugo" } else { who };
        if !who.starts_with(['u', 'g', 'o']) {
            return Err(bad());
        }
        while let Some(operator) = rest.chars().next() {
            let end = rest[1..].find(['+', '=', '-']).map_or(rest.len(), |at| at + 1);
            let permissions = &rest[1..end];
            rest = &rest[end..];
            if permissions.starts_with(|char| !"rwxXstugo".contains(char)) {
                return Err(bad());
            }
            for user in who.chars() {
                let bits = permission_bits(stat, user, permissions, use_umask.then_some(umask))?;
                mode = match operator {
                    '=' => mode & !owned_bits(user) | bits,
                    '+' => mode | bits,
                    _ => mode & !bits,
                };
            }
        }
    }
    Ok(mode)
}

/// The bits that `=` replaces.
fn owned_bits(user: char) -> u32 {
    match user {
        'u' => 0o4700,
        'g' => 0o2070,
        _ => 0o1007,
    }
}

fn permission_bits(
    stat: &Stat,
    user: char,
    permissions: &str,
    umask: Option<u32>,
) -> Result<u32, String> {
    let shift = match user {
        'u' => 6,
        'g' => 3,
        'o' => 0,
        other => return Err(format!("'{other}'")),
    };
    let before = stat.permissions();
    let open = !umask.unwrap_or(0);
    let mut bits = 0;
    for permission in permissions.chars() {
        bits |= match permission {
            'r' => (0o4 << shift) & open,
            'w' => (0o2 << shift) & open,
            'x' => (0o1 << shift) & open,
            'X' if stat.is_dir() || before & 0o111 != 0 => 0o1 << shift,
            'X' => 0,
            's' => match user {
                'u' => 0o4000,
                'g' => 0o2000,
                _ => 0,
            },
            't' if user == 'o' => 0o1000,
            't' => 0,
            'u' => (before >> 6 & 7) << shift,
            'g' => (before >> 3 & 7) << shift,
            'o' => (before & 7) << shift,
            other => return Err(format!("'{other}'")),
        };
    }
    Ok(bits)
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test may fail")]
mod tests {
    use super::*;
    use crate::call::Call;
    use crate::files::NoFiles;
    use crate::target::{Ran, fake::Fake};
    use serde_json::json;

    #[test]
    fn symbolic_modes() {
        let file = |mode: u32| Stat { mode: 0o100_000 | mode, ..Stat::default() };
        let dir = Stat { mode: 0o040_755, ..Stat::default() };
        let cases = [
            (file(0o644), "u=rwx,g=rx,o=", 0o750),
            (file(0o644), "a+x", 0o755),
            (file(0o644), "+w", 0o644),
            (file(0o600), "u=rwX,go=rX", 0o644),
            (file(0o700), "u=rwX,go=rX", 0o755),
            (dir.clone(), "g-x,o=g", 0o745),
            (file(0o755), "u+s,g+s,o+t", 0o7755),
            (file(0o4755), "u=rw", 0o655),
            (file(0o640), "g+w-r", 0o620),
            (file(0o640), "o=u", 0o646),
            (file(0o640), "", 0o640),
        ];
        for (stat, text, expected) in cases {
            assert_eq!(symbolic_mode(&stat, text, 0o022), Ok(expected), "{text}");
        }
        assert_eq!(
            symbolic_mode(&dir, "z+x", 0),
            Err("bad symbolic permission for mode: z+x".into())
        );
        assert_eq!(
            symbolic_mode(&dir, "u+k", 0),
            Err("bad symbolic permission for mode: u+k".into())
        );
        assert_eq!(symbolic_mode(&dir, "u+rk", 0), Err("'k'".into()));
    }

    fn set(
        fake: &mut Fake,
        call: &Call,
        path: &str,
        wanted: &FileAttributes,
    ) -> (Result<bool, Failure>, Data) {
        let mut files = NoFiles;
        let mut diff = Diff::default();
        let changed = Context::new(fake, &mut files, call).set_attributes(
            path.as_ref(),
            wanted,
            Some(&mut diff),
        );
        (changed, diff.into())
    }

    #[test]
    fn what_differs_is_changed_and_noted() {
        let mut fake = Fake::new().file("/x", "");
        let wanted = FileAttributes {
            mode: Some(json!("0600")),
            owner: Some("alice".into()),
            group: Some("4".into()),
            ..FileAttributes::default()
        };
        let (changed, diff) = set(&mut fake, &Call::default().check(), "/x", &wanted);
        assert!(changed.unwrap());
        assert_eq!(fake.mode_of("/x"), 0o644);
        let noted = json!({"before": {"owner": 0, "group": 0, "mode": "0644"}, "after": {"owner": 1000, "group": 4, "mode": "0600"}});
        assert_eq!(diff, noted);
        assert_eq!(set(&mut fake, &Call::default(), "/x", &wanted).1, noted);
        assert_eq!(fake.mode_of("/x"), 0o600);
        let (changed, diff) = set(&mut fake, &Call::default(), "/x", &wanted);
        assert_eq!((changed.unwrap(), diff), (false, json!({})));
        let (changed, _) = set(&mut fake, &Call::default().check(), "/gone", &wanted);
        assert!(changed.unwrap());
    }

    #[test]
    fn flags_need_no_version() {
        let mut fake = Fake::new()
            .file("/x", "")
            .program("lsattr")
            .program("chattr")
            .on("/usr/bin/lsattr -d /x", Ran::of(0, "-------A-------------- /x\n", ""))
            .on("/usr/bin/lsattr -vd /x", Ran::of(1, "", "While reading version on /x\n"))
            .on("/usr/bin/chattr -A /x", Ran::of(0, "", ""));
        let flags = |text: &str| FileAttributes {
            attributes: Some(text.into()),
            ..FileAttributes::default()
        };
        let (changed, diff) = set(&mut fake, &Call::default(), "/x", &flags("+A"));
        assert_eq!((changed.unwrap(), diff), (false, json!({})));
        let (changed, diff) = set(&mut fake, &Call::default(), "/x", &flags("-A"));
        let noted = json!({"before": {"attributes": "A"}, "after": {"attributes": "-A"}});
        assert_eq!((changed.unwrap(), diff), (true, noted));
    }

    #[test]
    fn failures() {
        let mut fake = Fake::new().file("/x", "");
        let owner =
            FileAttributes { owner: Some("nobody-here".into()), ..FileAttributes::default() };
        let failure = set(&mut fake, &Call::default(), "/x", &owner).0.unwrap_err();
        assert_eq!(failure.msg, "chown failed: failed to look up user nobody-here");
        let mode = FileAttributes { mode: Some(json!("rw-r--r--")), ..FileAttributes::default() };
        let failure = set(&mut fake, &Call::default(), "/x", &mode).0.unwrap_err();
        assert_eq!(failure.msg, "mode must be in octal or symbolic form");
        assert_eq!(failure.data["details"], "bad symbolic permission for mode: rw-r--r--");
    }
}
