//! SELinux contexts of files, without libselinux: extended attributes, and `matchpathcon` for the policy's own.

use std::path::{Path, PathBuf};

use crate::context::Context;
use crate::outcome::{Diff, Failure};
use crate::python::{self, Subject};
use crate::target::Run;

const ATTRIBUTE: &str = "security.selinux";

impl Context<'_> {
    /// Whether the host has SELinux switched on.
    pub fn selinux_enabled(&mut self) -> bool {
        *self.selinux.get_or_insert_with(|| self.target.selinux_enabled())
    }

    /// The parts of a file's context: user, role, type, level.
    pub fn selinux_context(&mut self, path: &Path) -> std::io::Result<Option<Vec<String>>> {
        let Some(value) = self.target.xattr(path, ATTRIBUTE)? else { return Ok(None) };
        Ok(Some(parts(String::from_utf8_lossy(&value).trim_end_matches('\0'))))
    }

    /// The parts that the policy gives a path.
    pub fn selinux_default_context(&mut self, path: &Path) -> Option<Vec<String>> {
        if !self.selinux_enabled() {
            return None;
        }
        let program = self.target.find_program("matchpathcon", &[])?;
        let ran = self
            .target
            .run(&Run::argv([program.as_os_str(), "-n".as_ref(), "--".as_ref(), path.as_os_str()]))
            .ok()?;
        let context = parts(ran.out().trim());
        (ran.ok() && context.len() >= 3).then_some(context)
    }

    /// Give a file the parts that are asked for; `None` keeps a part.
    pub(super) fn set_selinux_context(
        &mut self,
        path: &Path,
        wanted: &[Option<String>],
        diff: Option<&mut Diff>,
    ) -> Result<bool, Failure> {
        if !self.selinux_enabled() {
            return Ok(false);
        }
        if self.check && !self.target.exists(path) {
            return Ok(true);
        }
        let failed = |text: String| Failure::new(text).with("path", path.to_string_lossy());
        let current = match self.selinux_context(path) {
            Ok(Some(current)) => current,
            Ok(None) => return Ok(false),
            Err(_) => return Err(failed("failed to retrieve selinux context".into())),
        };
        let new = match self.special_context(path) {
            Some(special) => special,
            None => {
                let wanted = |at: usize| wanted.get(at).cloned().flatten();
                current
                    .iter()
                    .enumerate()
                    .map(|(at, part)| wanted(at).unwrap_or_else(|| part.clone()))
                    .collect()
            }
        };
        if new == current {
            return Ok(false);
        }
        if let Some(diff) = diff {
            diff.note("secontext", current, new.clone());
        }
        if !self.check {
            let mut value = new.join(":").into_bytes();
            value.push(0);
            self.target.set_xattr(path, ATTRIBUTE, &value).map_err(|error| {
                failed(format!(
                    "invalid selinux context: {}",
                    python::os_error(&error, Subject::Text(path))
                ))
            })?;
        }
        Ok(true)
    }

    /// The context of the mount point, if the file lies on a file system that can't keep contexts.
    fn special_context(&mut self, path: &Path) -> Option<Vec<String>> {
        let mounts = self.target.read_text(Path::new("/proc/mounts")).ok()?;
        let mounts: Vec<(&str, &str)> = mounts
            .lines()
            .filter_map(|line| {
                let mut fields = line.split(' ');
                Some((fields.nth(1)?, fields.next()?))
            })
            .collect();
        let real = self.target.realpath(path);
        let point: PathBuf = real
            .ancestors()
            .find(|parent| mounts.iter().any(|(at, _)| Path::new(at) == *parent))?
            .into();
        let usual = ["fuse", "nfs", "vboxsf", "ramfs", "9p", "vfat"];
        let special = |kind: &str| match self.call.selinux_special_fs.is_empty() {
            true => usual.iter().any(|fs| kind.contains(fs)),
            false => self.call.selinux_special_fs.iter().any(|fs| kind.contains(fs.as_str())),
        };
        if !mounts.iter().any(|(at, kind)| Path::new(at) == point && special(kind)) {
            return None;
        }
        self.selinux_context(&point).ok().flatten()
    }
}

/// Four at most: the level may contain colons.
fn parts(context: &str) -> Vec<String> {
    context.splitn(4, ':').map(String::from).collect()
}
