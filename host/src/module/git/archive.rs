//! Archives of a version.

use std::path::Path;

use super::program::Git;
use super::{Told, Wanted};
use crate::module::{Args, Context, Failure};
use crate::python::{self, Subject};

const FORMATS: [(&str, &str); 4] =
    [(".zip", "zip"), (".gz", "tar.gz"), (".tar", "tar"), (".tgz", "tgz")];

/// Make the archive, if the task wants one. What is there already and is the same stays; `changed` then tells of the
/// archive alone.
pub fn make(
    cx: &mut Context<'_>,
    git: &Git,
    args: &Args,
    wanted: &Wanted,
    told: &mut Told,
) -> Result<(), Failure> {
    let Some(archive) = args.str("archive").filter(|path| !path.is_empty()) else {
        return Ok(());
    };
    told.changed = true;
    if cx.check {
        return Ok(());
    }
    let Some(format) = format_of(archive) else {
        return Err(Failure::new(format!(
            "Unable to get file extension from archive file name : {archive}"
        ))
        .with(
            "details",
            "Please specify archive as filename with extension. File extension can be one of ['tar', 'tar.gz', 'zip', 'tgz']",
        ));
    };
    let prefix = args.str("archive_prefix");
    if !cx.target.exists(archive.as_ref()) {
        return write(cx, git, wanted, archive, format, prefix);
    }
    let name = python::basename(&wanted.repo).replace(".git", "");
    let new = cx.tmpdir()?.join(format!("{name}.{format}"));
    write(cx, git, wanted, &new.to_string_lossy(), format, prefix)?;
    let same = match (cx.target.read(&new), cx.target.read(archive.as_ref())) {
        (Ok(new), Ok(old)) => new == old,
        (Err(error), _) => return Err(Failure::os(&error, Subject::Text(&new))),
        (_, Err(error)) => return Err(Failure::os(&error, Subject::Text(archive.as_ref()))),
    };
    if same {
        told.changed = false;
        return Ok(());
    }
    replace(cx, &new, archive.as_ref()).map_err(|error| {
        Failure::new(format!("Failed to move {} to {archive}", new.display())).with(
            "details",
            format!(
                "Error occurred while moving : {}",
                python::os_error(&error, Subject::Text(&new))
            ),
        )
    })
}

/// Put a file in the place of another: temporary folders are often on another file system.
fn replace(cx: &mut Context<'_>, new: &Path, old: &Path) -> std::io::Result<()> {
    match cx.target.rename(new, old) {
        Err(error) if error.raw_os_error() == Some(libc::EXDEV) => {
            let mode = cx.target.stat(new)?.permissions();
            let beside = cx.name_beside(old, ".ansible_tmp");
            cx.target.copy(new, &beside, mode)?;
            cx.target.rename(&beside, old)
        }
        done => done,
    }
}

fn format_of(archive: &str) -> Option<&'static str> {
    let name = python::basename(archive).trim_start_matches('.');
    let extension = &name[name.rfind('.')?..];
    FORMATS.iter().find(|(known, _)| *known == extension).map(|(_, format)| *format)
}

fn write(
    cx: &mut Context<'_>,
    git: &Git,
    wanted: &Wanted,
    to: &str,
    format: &str,
    prefix: Option<&str>,
) -> Result<(), Failure> {
    let mut words = vec!["archive", "--format", format, "--output", to];
    if let Some(prefix) = prefix {
        words.extend(["--prefix", prefix]);
    }
    words.push(&wanted.version);
    let archive = git.words(cx, &words);
    let ran = cx.run(&archive)?;
    match ran.ok() {
        true => Ok(()),
        false => Err(Failure::new("Failed to perform archive operation").with(
            "details",
            format!(
                "Git archive command failed to create archive {to} using {} directory.Error: {}",
                git.dest.as_deref().unwrap_or(Path::new("")).display(),
                ran.err()
            ),
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::format_of;

    #[test]
    fn formats() {
        assert_eq!(format_of("/a/b.tar.gz"), Some("tar.gz"));
        assert_eq!(format_of("/a.d/.zip"), None);
        assert_eq!(format_of("/a.zip/b"), None);
        assert_eq!(format_of("x.tgz"), Some("tgz"));
    }
}
