//! Archives of tar, by GNU tar.

use crate::data::glob;
use crate::module::unarchive::{Job, Looked, Unfit};
use crate::module::{Context, Failure};
use crate::python;
use crate::target::Run;

/// ansible's names of the handlers, and the option that says how to unpack.
pub(super) const COMPRESSIONS: [Compression; 5] = [
    Compression { name: "TgzArchive", option: Some("-z") },
    Compression { name: "TarArchive", option: None },
    Compression { name: "TarBzipArchive", option: Some("-j") },
    Compression { name: "TarXzArchive", option: Some("-J") },
    Compression { name: "TarZstdArchive", option: Some("--use-compress-program=zstd") },
];

#[derive(Debug, Clone, Copy)]
pub(super) struct Compression {
    name: &'static str,
    option: Option<&'static str>,
}

/// An archive that tar can read.
pub(super) struct Tar {
    compression: Compression,
    program: String,
    files: Vec<String>,
}

impl Tar {
    pub(super) fn open(
        cx: &mut Context<'_>,
        job: &Job,
        compression: Compression,
    ) -> Result<Tar, Unfit> {
        let found =
            cx.target.find_program("gtar", &[]).or_else(|| cx.target.find_program("tar", &[]));
        let Some(program) = found else {
            return Err(Unfit::Reason(
                "Unable to find required 'gtar' or 'tar' binary in the path".into(),
            ));
        };
        let program = program.to_string_lossy().into_owned();
        let version = cx.run(&Run::argv([program.as_str(), "--version"]))?;
        let version = version.out().into_owned();
        let kind = match version.as_str() {
            text if text.starts_with("bsdtar") => Some("bsd"),
            text if text.starts_with("tar") && text.contains("GNU") => Some("gnu"),
            _ => None,
        };
        if kind != Some("gnu") {
            let kind = kind.unwrap_or("None");
            return Err(Unfit::Reason(format!(
                "Command \"{program}\" detected as tar type {kind}. GNU tar required."
            )));
        }
        let mut tar = Tar { compression, program, files: Vec::new() };
        let ran = cx.run(&tar.command("--list", job, false))?;
        if !ran.ok() {
            return Err(Unfit::Reason(format!(
                "Command \"{}\" could not handle archive: Unable to list files in the archive: {}",
                tar.program,
                ran.err()
            )));
        }
        tar.files = listed(&ran.stdout, &excludes(job));
        if tar.files.is_empty() {
            return Err(Unfit::Reason(format!(
                "Command \"{}\" found no files in archive. Empty archive files are not supported.",
                tar.program
            )));
        }
        Ok(tar)
    }

    pub(super) fn name(&self) -> &'static str {
        self.compression.name
    }

    pub(super) fn files(&self) -> &[String] {
        &self.files
    }

    /// tar's own comparison; what `owner`, `group` and `mode` set anyway does not count.
    pub(super) fn look(&self, cx: &mut Context<'_>, job: &Job) -> Result<Looked, Failure> {
        let ran = cx.run(&self.command("--diff", job, true))?;
        let root = cx.target.euid() == 0;
        let (out, err) = (ran.out(), ran.err());
        let differs = out.lines().chain(err.lines()).any(|line| differs(line, job, root));
        Ok(Looked { unarchived: !differs, diff: String::new() })
    }

    pub(super) fn unpack(&self, job: &Job) -> Run {
        self.command("--extract", job, true)
    }

    fn command(&self, what: &str, job: &Job, with_owner: bool) -> Run {
        let mut run = Run::argv([self.program.as_str(), what, "-C"]).arg(job.dest.as_os_str());
        run = run.args(self.compression.option);
        if !job.options.is_empty() {
            run = run.arg("--show-transformed-names").args(&job.options);
        }
        if with_owner {
            let named = |option: &str, name: &Option<String>| {
                let name = name.as_ref().filter(|name| !name.is_empty())?;
                Some(format!("--{option}={}", python::shell_quote(name)))
            };
            run = run.args(named("owner", &job.attributes.owner));
            run = run.args(named("group", &job.attributes.group));
            if job.keep_newer {
                run = run.arg("--keep-newer-files");
            }
        }
        run = run.args(excludes(job).iter().map(|name| format!("--exclude={name}")));
        run = run.arg("-f").arg(&job.src).args(&job.includes).cwd(&job.dest);
        // Messages are read, and names with letters beyond ASCII shall come as they are.
        for name in ["LANG", "LC_ALL", "LC_MESSAGES", "LANGUAGE"] {
            run = run.env(name, "C.UTF-8");
        }
        run
    }
}

fn excludes(job: &Job) -> Vec<String> {
    job.excludes.iter().map(|name| name.trim_end_matches('/').to_owned()).collect()
}

/// Whether a line of `tar --diff` is about something that unpacking would change.
fn differs(line: &str, job: &Job, root: bool) -> bool {
    let own = &job.attributes;
    let given = |text: &Option<String>| text.as_ref().is_some_and(|text| !text.is_empty());
    // tar says so of names that `--strip-components` leaves empty.
    if line.ends_with(": : Warning: Cannot stat: No such file or directory") {
        return false;
    }
    let mode = own.mode.as_ref().is_some_and(|mode| mode != "" && mode != 0);
    (root && !given(&own.owner) && line.ends_with(": Uid differs"))
        || (root && !given(&own.group) && line.ends_with(": Gid differs"))
        || (!mode && line.ends_with(": Mode differs"))
        || line.ends_with(": Mod time differs")
        || line.ends_with(": Warning: Cannot stat: No such file or directory")
        || line.contains(": Invalid owner")
        || line.contains(": Invalid group")
}

/// The names of `tar --list`, its escapes resolved, without a leading slash.
fn listed(out: &[u8], excludes: &[String]) -> Vec<String> {
    let mut files = Vec::new();
    for line in out.split(|byte| *byte == b'\n').filter(|line| !line.is_empty()) {
        let name = unescaped(line);
        let name = name.strip_prefix('/').unwrap_or(&name);
        if !excludes.iter().any(|pattern| glob(pattern, name)) {
            files.push(name.to_owned());
        }
    }
    files
}

fn unescaped(line: &[u8]) -> String {
    let mut out = Vec::with_capacity(line.len());
    let mut rest = line;
    while let Some((byte, tail)) = rest.split_first() {
        rest = tail;
        if *byte != b'\\' {
            out.push(*byte);
            continue;
        }
        let octal = tail.iter().take(3).take_while(|byte| (b'0'..=b'7').contains(byte)).count();
        if octal > 0 {
            let value =
                tail[..octal].iter().fold(0u32, |all, byte| all * 8 + u32::from(byte - b'0'));
            out.push(value as u8);
            rest = &tail[octal..];
            continue;
        }
        let Some((byte, tail)) = tail.split_first() else { break };
        rest = tail;
        match byte {
            b'a' => out.push(7),
            b'b' => out.push(8),
            b'f' => out.push(12),
            b'n' => out.push(b'\n'),
            b'r' => out.push(b'\r'),
            b't' => out.push(b'\t'),
            b'v' => out.push(11),
            b'\\' | b'\'' | b'"' => out.push(*byte),
            other => out.extend([b'\\', *other]),
        }
    }
    String::from_utf8_lossy(&out).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names() {
        let out = b"/abs\nsub/\na\\tb\\\\c\\303\\244\nskip.log\n";
        assert_eq!(listed(out, &["*.log".into()]), ["abs", "sub/", "a\tb\\cä"]);
    }
}
