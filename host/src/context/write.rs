//! The only way a module writes a file.

use std::io;
use std::path::{Path, PathBuf};

use crate::context::{Context, FileAttributes};
use crate::outcome::Failure;
use crate::python::{self, Subject};
use crate::target::{Algorithm, Ran, Stat, account};

/// What a file shall contain.
#[derive(Debug, Clone, Copy)]
pub enum Source<'a> {
    Bytes(&'a [u8]),
    /// A file on the target; it stays.
    File(&'a Path),
    /// A file that travels with the call, by the path that arguments give it.
    Travelling(&'a str),
}

/// A file to write.
#[derive(Clone, Copy)]
pub struct Write<'a> {
    path: &'a Path,
    source: Source<'a>,
    validate: Option<&'a str>,
    on_invalid: fn(&Ran) -> Failure,
    backup: bool,
    unsafe_writes: bool,
    attributes: Option<&'a FileAttributes>,
}

impl<'a> Write<'a> {
    /// This content at this path. A link there is replaced: pass its `realpath` to write through it.
    pub fn new(path: &'a Path, source: Source<'a>) -> Write<'a> {
        Write {
            path,
            source,
            validate: None,
            on_invalid: |ran| {
                Failure::new(format!("failed to validate: rc:{} error:{}", ran.rc, ran.err()))
            },
            backup: false,
            unsafe_writes: false,
            attributes: None,
        }
    }

    pub fn bytes(path: &'a Path, content: &'a [u8]) -> Write<'a> {
        Write::new(path, Source::Bytes(content))
    }

    /// A command line with `%s`, which must end with 0 on the new file before it takes its place.
    #[must_use]
    pub fn validate(mut self, line: Option<&'a str>) -> Write<'a> {
        self.validate = line.filter(|line| !line.is_empty());
        self
    }

    /// The failure where it does not.
    #[must_use]
    pub fn on_invalid(mut self, failure: fn(&Ran) -> Failure) -> Write<'a> {
        self.on_invalid = failure;
        self
    }

    /// Keep the old file under a name with date and time.
    #[must_use]
    pub fn backup(mut self, backup: bool) -> Write<'a> {
        self.backup = backup;
        self
    }

    /// Write over the old file where it can't be replaced.
    #[must_use]
    pub fn unsafe_writes(mut self, unsafe_writes: bool) -> Write<'a> {
        self.unsafe_writes = unsafe_writes;
        self
    }

    /// A new file has this mode from its first moment. `set_attributes` must still be called: it does the rest.
    #[must_use]
    pub fn born_with(mut self, attributes: &'a FileAttributes) -> Write<'a> {
        self.attributes = Some(attributes);
        self
    }
}

/// What came of a write.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Written {
    pub changed: bool,
    /// The name under which the old file was kept.
    pub backup: Option<String>,
}

impl Context<'_> {
    /// Write a file if it has another content. In check mode, only say whether it would be written.
    pub fn write_if_changed(&mut self, write: Write<'_>) -> Result<Written, Failure> {
        match self.differs(&write)? {
            true => self.write(write),
            false => Ok(Written::default()),
        }
    }

    fn differs(&mut self, write: &Write<'_>) -> Result<bool, Failure> {
        let Ok(old) = self.target.stat(write.path) else { return Ok(true) };
        let unreadable = |error: io::Error, path: &Path| {
            Failure::new(python::os_error(&error, Subject::Text(path)))
        };
        match write.source {
            Source::Bytes(new) if old.size != new.len() as u64 => Ok(true),
            Source::Bytes(new) => {
                Ok(self.target.read(write.path).map_err(|error| unreadable(error, write.path))?
                    != new)
            }
            Source::File(from) => {
                let new = self
                    .target
                    .digest(from, Algorithm::Sha1)
                    .map_err(|error| unreadable(error, from))?;
                Ok(self
                    .target
                    .digest(write.path, Algorithm::Sha1)
                    .map_err(|error| unreadable(error, write.path))?
                    != new)
            }
            Source::Travelling(path) => {
                let sha1 = self.travelling(path).map(|file| file.sha1.clone()).unwrap_or_default();
                Ok(self
                    .target
                    .digest(write.path, Algorithm::Sha1)
                    .map_err(|error| unreadable(error, write.path))?
                    != sha1)
            }
        }
    }

    /// Write a file that is known to differ: backup, new file beside it, owner and mode and SELinux context of
    /// the old one, validation, sync, rename.
    pub fn write(&mut self, write: Write<'_>) -> Result<Written, Failure> {
        if let Some(line) = write.validate
            && !line.contains("%s")
        {
            return Err(Failure::new(format!("validate must contain %s: {line}")));
        }
        if self.check {
            return Ok(Written { changed: true, backup: None });
        }
        let old = self.target.stat(write.path).ok();
        let backup = match write.backup && old.is_some() {
            true => Some(self.backup(write.path)?),
            false => None,
        };
        let new = self.name_beside(write.path, ".ansible_tmp");
        let laid = match write.source {
            Source::Bytes(bytes) => self.target.create(&new, bytes, 0o600),
            Source::File(from) => self.target.copy(from, &new, 0o600),
            Source::Travelling(path) => self.put(path, &new, 0o600),
        };
        let done = match laid {
            Ok(()) => self.finish_write(&write, &new, old.as_ref()),
            Err(error) => self.write_in_place(&write, &new, error),
        };
        if self.target.lexists(&new)
            && let Err(error) = self.target.unlink(&new)
        {
            self.warn(format!(
                "could not cleanup {}: {}",
                new.display(),
                python::os_error(&error, Subject::None)
            ));
        }
        done.map(|()| Written { changed: true, backup })
    }

    fn finish_write(
        &mut self,
        write: &Write<'_>,
        new: &Path,
        old: Option<&Stat>,
    ) -> Result<(), Failure> {
        if let Some(line) = write.validate {
            self.validate(line, new, write.on_invalid)?;
        }
        let failed = |error: io::Error| {
            Failure::new(format!(
                "Failed to replace file: {} to {}: {}",
                new.display(),
                write.path.display(),
                python::os_error(&error, Subject::Bytes(new))
            ))
        };
        match old {
            Some(old) => {
                ignore_permission(self.target.chown(new, Some(old.uid), Some(old.gid)))
                    .map_err(failed)?;
                // After the owner: changing that takes setuid bits away.
                ignore_permission(self.target.chmod(new, old.permissions())).map_err(failed)?;
            }
            None => {
                // A folder with the setgid bit gives its group to what is made in it, and ansible takes that back.
                let owner = (self.target.euid(), self.target.egid());
                ignore_permission(self.target.chown(new, Some(owner.0), Some(owner.1)))
                    .map_err(failed)?;
                let usual = 0o666 & !self.target.umask();
                let mode = write
                    .attributes
                    .and_then(|attributes| attributes.mode_of_new_file(usual))
                    .unwrap_or(usual);
                self.target.chmod(new, mode).map_err(failed)?;
            }
        }
        if self.selinux_enabled() {
            let context = match old {
                Some(_) => self.selinux_context(write.path).ok().flatten(),
                None => self.selinux_default_context(write.path),
            };
            let context: Vec<Option<String>> = context.into_iter().flatten().map(Some).collect();
            self.set_selinux_context(new, &context, None)?;
        }
        self.target.sync(new).map_err(failed)?;
        match self.target.rename(new, write.path) {
            Ok(()) => Ok(()),
            Err(error) if write.unsafe_writes && error.raw_os_error() == Some(libc::EBUSY) => {
                self.copy_over(write, new)
            }
            Err(error) => Err(Failure::new(format!(
                "Unable to make {} into to {}, failed final rename from {}: {}",
                new.display(),
                write.path.display(),
                python::repr_bytes(new.as_os_str().as_encoded_bytes()),
                python::os_error(&error, Subject::BytesPair(new, write.path))
            ))),
        }
    }

    /// The new file can't be made beside the old one: write into that, if the user insists.
    fn write_in_place(
        &mut self,
        write: &Write<'_>,
        new: &Path,
        error: io::Error,
    ) -> Result<(), Failure> {
        let full = matches!(
            error.raw_os_error(),
            Some(libc::ENOSPC | libc::EDQUOT | libc::EIO | libc::EFBIG)
        );
        if full || error.raw_os_error().is_none() {
            return Err(Failure::new(format!(
                "Could not write data to file ({}): {}",
                write.path.display(),
                python::os_error(&error, Subject::Bytes(new))
            )));
        }
        if !write.unsafe_writes {
            return Err(Failure::new(format!(
                "The destination directory ({}) is not writable by the current user. Error was: {}",
                account::parent(write.path).display(),
                python::os_error(&error, Subject::Bytes(new))
            )));
        }
        let name = write.path.file_name().unwrap_or("file".as_ref());
        let aside = self.tmpdir()?.join(name);
        let laid = match write.source {
            Source::Bytes(bytes) => self.target.create(&aside, bytes, 0o600),
            Source::File(from) => self.target.copy(from, &aside, 0o600),
            Source::Travelling(path) => self.put(path, &aside, 0o600),
        };
        laid.map_err(|error| Failure::new(python::os_error(&error, Subject::Bytes(&aside))))?;
        if let Some(line) = write.validate {
            self.validate(line, &aside, write.on_invalid)?;
        }
        self.copy_over(write, &aside)
    }

    fn copy_over(&mut self, write: &Write<'_>, from: &Path) -> Result<(), Failure> {
        let content = self.target.read(from);
        content.and_then(|content| self.target.overwrite(write.path, &content)).map_err(|error| {
            Failure::new(format!(
                "Could not write data to file ({}) from ({}): {}",
                write.path.display(),
                from.display(),
                python::os_error(&error, Subject::Text(write.path))
            ))
        })
    }

    fn validate(
        &mut self,
        line: &str,
        path: &Path,
        on_invalid: fn(&Ran) -> Failure,
    ) -> Result<(), Failure> {
        let line = line.replace("%s", &path.to_string_lossy());
        let ran = self.run_line(&line)?;
        if ran.ok() { Ok(()) } else { Err(on_invalid(&ran)) }
    }

    /// Keep a copy of a file with its owner, mode, times and context; the answer is its name.
    pub fn backup(&mut self, path: &Path) -> Result<String, Failure> {
        let now = self.target.now();
        let stamp = crate::clock::local(self.target, now).backup_stamp();
        let to = format!("{}.{}.{stamp}~", path.display(), self.target.pid());
        self.preserved_copy(path, &PathBuf::from(&to)).map_err(|error| {
            Failure::new(format!(
                "Could not make backup of {} to {to}: {}",
                path.display(),
                python::os_error(&error, Subject::Text(path))
            ))
        })?;
        Ok(to)
    }

    fn preserved_copy(&mut self, from: &Path, to: &Path) -> io::Result<()> {
        use crate::target::SetTime;
        let stat = self.target.stat(from)?;
        if self.target.lexists(to) {
            // Two backups within a second: the later one wins, as with ansible.
            self.target.unlink(to)?;
        }
        self.target.copy(from, to, 0o600)?;
        ignore_permission(self.target.chown(to, Some(stat.uid), Some(stat.gid)))?;
        self.target.chmod(to, stat.permissions())?;
        self.target.set_times(to, SetTime::At(stat.atime), SetTime::At(stat.mtime))?;
        if self.selinux_enabled()
            && let Ok(Some(context)) = self.selinux_context(from)
        {
            let context: Vec<Option<String>> = context.into_iter().map(Some).collect();
            // The copy is good without its context.
            let _ = self.set_selinux_context(to, &context, None);
        }
        Ok(())
    }
}

fn ignore_permission(done: io::Result<()>) -> io::Result<()> {
    match done {
        Err(error) if error.raw_os_error() == Some(libc::EPERM) => Ok(()),
        done => done,
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test may fail")]
mod tests {
    use super::*;
    use crate::call::Call;
    use crate::files::NoFiles;
    use crate::target::fake::Fake;

    fn on<T>(fake: &mut Fake, call: &Call, work: impl FnOnce(&mut Context<'_>) -> T) -> T {
        let mut files = NoFiles;
        work(&mut Context::new(fake, &mut files, call))
    }

    #[test]
    fn owner_and_mode_stay_and_a_backup_is_kept() {
        let mut fake = Fake::new().file_with("/etc/x", "old", 0o640, 1000, 4);
        let written = on(&mut fake, &Call::default(), |cx| {
            cx.write_if_changed(Write::bytes("/etc/x".as_ref(), b"new").backup(true)).unwrap()
        });
        let backup = written.backup.unwrap();
        assert_eq!(backup, "/etc/x.4711.2024-01-02@12:00:00~");
        assert_eq!((fake.text("/etc/x"), fake.text(&backup)), ("new".into(), "old".into()));
        assert_eq!((fake.mode_of("/etc/x"), fake.mode_of(&backup)), (0o640, 0o640));
        use crate::target::Target;
        let stat = fake.stat("/etc/x".as_ref()).unwrap();
        assert_eq!((stat.uid, stat.gid), (1000, 4));
        assert_eq!(fake.tree("/etc"), ["/etc/group", "/etc/passwd", "/etc/x", backup.as_str()]);
    }

    #[test]
    fn nothing_happens_where_nothing_differs_or_in_check_mode() {
        let mut fake = Fake::new().file("/etc/x", "old");
        let same = on(&mut fake, &Call::default(), |cx| {
            cx.write_if_changed(Write::bytes("/etc/x".as_ref(), b"old")).unwrap()
        });
        assert!(!same.changed);
        let check = Call::default().check();
        let would = on(&mut fake, &check, |cx| {
            cx.write_if_changed(Write::bytes("/etc/x".as_ref(), b"new").backup(true)).unwrap()
        });
        assert_eq!(would, Written { changed: true, backup: None });
        assert_eq!(fake.text("/etc/x"), "old");
    }

    #[test]
    fn an_invalid_file_does_not_take_the_place() {
        let mut fake =
            Fake::new().file("/etc/x", "old").on("visudo", Ran::of(1, "", "syntax error"));
        let failure = on(&mut fake, &Call::default(), |cx| {
            cx.write_if_changed(
                Write::bytes("/etc/x".as_ref(), b"new").validate(Some("visudo -cf %s")),
            )
            .unwrap_err()
        });
        assert_eq!(failure.msg, "failed to validate: rc:1 error:syntax error");
        assert_eq!(fake.text("/etc/x"), "old");
        assert_eq!(fake.tree("/etc"), ["/etc/group", "/etc/passwd", "/etc/x"]);
        assert!(fake.runs[0].starts_with("visudo -cf /etc/.ansible_tmp"));
        let failure = on(&mut fake, &Call::default(), |cx| {
            cx.write(Write::bytes("/etc/x".as_ref(), b"new").validate(Some("true"))).unwrap_err()
        });
        assert_eq!(failure.msg, "validate must contain %s: true");
    }

    #[test]
    fn a_folder_that_is_closed() {
        let mut fake = Fake::new().dir("/no").deny("/no");
        let failure = on(&mut fake, &Call::default(), |cx| {
            cx.write(Write::bytes("/no/x".as_ref(), b"new")).unwrap_err()
        });
        assert!(failure.msg.starts_with("The destination directory (/no) is not writable by the current user. Error was: [Errno 13]"), "{}", failure.msg);
    }

    #[test]
    fn a_new_file_is_never_wider_than_asked() {
        let mut fake = Fake::new();
        let attributes = FileAttributes { mode: Some("0600".into()), ..FileAttributes::default() };
        on(&mut fake, &Call::default(), |cx| {
            cx.write(Write::bytes("/etc/k".as_ref(), b"x").born_with(&attributes)).unwrap()
        });
        assert_eq!(fake.mode_of("/etc/k"), 0o600);
        on(&mut fake, &Call::default(), |cx| {
            cx.write(Write::bytes("/etc/l".as_ref(), b"x")).unwrap()
        });
        assert_eq!(fake.mode_of("/etc/l"), 0o644);
    }
}
