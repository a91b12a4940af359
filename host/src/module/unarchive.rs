//! `unarchive`: archives of tar and zip, unpacked by the host's own programs.

mod central;
mod tar;
mod zip;

use std::path::{Path, PathBuf};

use crate::data::{Data, Map};
use crate::module::{
    Args, CheckMode, Context, Diff, FILE_OPTIONS, Failure, FileAttributes, Kind, Lit, Module, Opt,
    Outcome, Returned, Rule,
};
use crate::python;
use crate::target::{Access, Run};

pub static MODULE: Module = Module {
    description: "Unpacks an archive, which comes from the controller, lies on the host already, or is downloaded \
                  by it.\n\
                  Needs GNU tar (with the compression's program) or unzip with zipinfo on the host.",
    options: &[
        Opt::path("src").required().doc(
            "The archive: a file of the controller; with `remote_src` a file of the host, or an address with `://` \
             to download from.",
        ),
        Opt::path("dest").required().doc("The directory to unpack into; it must be there."),
        Opt::bool("remote_src").or(false).since("2.2").doc("The archive is on the host already."),
        Opt::path("creates").since("1.6").doc("Do nothing if this is there."),
        Opt::bool("list_files").or(false).since("2.0").doc("Return the names that are in the archive."),
        Opt::bool("keep_newer").or(false).since("2.1").doc("Leave files that are newer than those of the archive."),
        Opt::list("exclude", Kind::Str)
            .default(Lit::List(&[]))
            .since("2.1")
            .doc("Names and patterns that are not to be unpacked. Not together with `include`."),
        Opt::list("include", Kind::Str)
            .default(Lit::List(&[]))
            .since("2.11")
            .doc("Names and patterns that alone are to be unpacked."),
        Opt::list("extra_opts", Kind::Str)
            .default(Lit::List(&[]))
            .since("2.1")
            .doc("More options for the program that unpacks."),
        Opt::bool("validate_certs").or(true).since("2.2").doc("Whether a server must prove who it is."),
        Opt::int("io_buffer_size").or_int(64 * 1024).since("2.12").doc(
            "The size of the pieces in which ansible reads files; without meaning here.",
        ),
        Opt::bool("copy").or(true).doc("The opposite of `remote_src`, from older releases."),
        Opt::bool("decrypt").or(true).since("2.4").doc("Whether an archive of the controller's vault is decrypted."),
    ],
    shared: &[FILE_OPTIONS],
    rules: &[Rule::MutuallyExclusive(&["include", "exclude"])],
    check_mode: CheckMode::Partial,
    returns: &[
        Returned::new("dest", "str", "always", "Where it was unpacked.").sample("/opt/software"),
        Returned::new("files", "list", "with `list_files`", "The names in the archive.").sample("['file1', 'file2']"),
        Returned::new("handler", "str", "always", "How the archive was read.").sample("TgzArchive"),
        Returned::new("src", "str", "always", "The archive on the host.").sample("/home/paul/test.tar.gz"),
    ],
    examples: "- name: Unpack an archive of the controller's\n  ansible.builtin.unarchive:\n    src: foo.tgz\n    dest: /var/lib/foo\n\n\
               - name: Unpack an archive that is on the host\n  ansible.builtin.unarchive:\n    src: /tmp/foo.zip\n    dest: /usr/local/bin\n    remote_src: true\n",
    version_added: "1.4",
    ..Module::builtin("unarchive", "Unpacks an archive", run)
};

/// What handlers share.
struct Job {
    src: String,
    dest: PathBuf,
    attributes: FileAttributes,
    excludes: Vec<String>,
    includes: Vec<String>,
    options: Vec<String>,
    keep_newer: bool,
}

/// What a look at the destination said.
struct Looked {
    unarchived: bool,
    /// Itemized changes, where the handler can tell.
    diff: String,
}

/// How an archive is read.
enum Handler {
    Zip(zip::Zip),
    Tar(tar::Tar),
}

/// Why a handler can't read it; or why there is no point in asking further.
enum Unfit {
    Reason(String),
    End(Failure),
}

impl From<Failure> for Unfit {
    fn from(failure: Failure) -> Unfit {
        Unfit::End(failure)
    }
}

fn run(cx: &mut Context<'_>, args: &mut Args) -> Result<Outcome, Failure> {
    let dest = args.string("dest");
    let src = source(cx, args)?;
    if !cx.target.is_dir(Path::new(&dest)) {
        return Err(Failure::new(format!("Destination '{dest}' is not a directory")));
    }
    let mut job = Job {
        attributes: FileAttributes::of(cx, args, Path::new(&dest)),
        src,
        dest: dest.clone().into(),
        excludes: args.strings("exclude"),
        includes: args.strings("include"),
        options: args.strings("extra_opts"),
        keep_newer: args.bool("keep_newer"),
    };
    let Some(mut handler) = pick(cx, &mut job)? else {
        return Ok(Outcome::skip(format!(
            "remote module ({}) does not support check mode when using gtar",
            cx.call.module
        )));
    };
    let mut result = Map::new();
    result.insert("handler".into(), handler.name().into());
    result.insert("dest".into(), dest.clone().into());
    result.insert("src".into(), job.src.clone().into());
    let looked = handler.look(cx, &mut job)?;
    let mut changed = !looked.unarchived;
    if changed && !cx.check {
        let run = handler.unpack(&job);
        let ran = cx.run(&run)?;
        result.insert("extract_results".into(), extracted(&run, &ran));
        if !ran.ok() {
            let msg = format!("failed to unpack {} to {dest}", job.src);
            return Err(Failure::new(msg).with_all(result));
        }
    }
    if !cx.check {
        let files = handler.files(&job)?;
        changed |= attributes(cx, &job, &dest, files)?;
    }
    if args.bool("list_files") {
        result.insert("files".into(), handler.files(&job)?.to_vec().into());
    }
    let mut outcome = Outcome::new(changed).with_all(result);
    if !looked.diff.is_empty() {
        outcome = outcome.diff(Diff { prepared: Some(looked.diff), ..Diff::default() });
    }
    Ok(outcome)
}

fn extracted(run: &Run, ran: &crate::target::Ran) -> Data {
    let words: Vec<Data> = run.argv.iter().map(|word| word.to_string_lossy().into()).collect();
    let mut map = Map::new();
    map.insert("cmd".into(), words.into());
    map.insert("rc".into(), ran.rc.into());
    map.insert("out".into(), ran.out().into());
    map.insert("err".into(), ran.err().into());
    map.into()
}

/// The archive on the host.
fn source(cx: &mut Context<'_>, args: &Args) -> Result<String, Failure> {
    let given = args.string("src");
    let mut src = cx.on_disk_as(&given, "source")?.to_string_lossy().into_owned();
    if !cx.target.exists(Path::new(&src)) {
        if !args.bool("remote_src") {
            return Err(Failure::new(format!("Source '{src}' failed to transfer")));
        }
        if !src.contains("://") {
            return Err(Failure::new(format!("Source '{src}' does not exist")));
        }
        src = cx.fetch_file(&src, args.bool("validate_certs"))?.to_string_lossy().into_owned();
    }
    let path = Path::new(&src);
    if !cx.target.access(path, Access::Read) {
        return Err(Failure::new(format!("Source '{src}' not readable")));
    }
    match cx.target.stat(path) {
        Ok(stat) if stat.size == 0 => {
            Err(Failure::new(format!("Invalid archive '{src}', the file is 0 bytes")))
        }
        Ok(_) => Ok(src),
        Err(error) => Err(Failure::new(format!(
            "Source '{src}' not readable, {}",
            python::os_error(&error, python::Subject::Text(path))
        ))),
    }
}

/// The first handler that can read the archive; none if check mode ends the search.
fn pick(cx: &mut Context<'_>, job: &mut Job) -> Result<Option<Handler>, Failure> {
    let mut reasons: Vec<String> = Vec::new();
    for zipinfo in [zip::Listing::Zipinfo, zip::Listing::Unzip] {
        match zip::Zip::open(cx, job, zipinfo) {
            Ok(zip) => return Ok(Some(Handler::Zip(zip))),
            Err(Unfit::Reason(reason)) => reasons.push(reason),
            Err(Unfit::End(failure)) => return Err(failure),
        }
    }
    if cx.check {
        return Ok(None);
    }
    for compression in tar::COMPRESSIONS {
        match tar::Tar::open(cx, job, compression) {
            Ok(tar) => return Ok(Some(Handler::Tar(tar))),
            Err(Unfit::Reason(reason)) => reasons.push(reason),
            Err(Unfit::End(failure)) => return Err(failure),
        }
    }
    let mut different: Vec<String> = Vec::new();
    for reason in reasons {
        if !different.contains(&reason) {
            different.push(reason);
        }
    }
    Err(Failure::new(format!(
        "Failed to find handler for \"{}\". Make sure the required command to extract the file is installed.\n{}",
        job.src,
        different.join("\n")
    )))
}

impl Handler {
    fn name(&self) -> &'static str {
        match self {
            Handler::Zip(zip) => zip.name(),
            Handler::Tar(tar) => tar.name(),
        }
    }

    fn look(&mut self, cx: &mut Context<'_>, job: &mut Job) -> Result<Looked, Failure> {
        match self {
            Handler::Zip(zip) => zip.look(cx, job),
            Handler::Tar(tar) => tar.look(cx, job),
        }
    }

    fn unpack(&self, job: &Job) -> Run {
        match self {
            Handler::Zip(zip) => zip.unpack(job),
            Handler::Tar(tar) => tar.unpack(job),
        }
    }

    fn files(&mut self, job: &Job) -> Result<&[String], Failure> {
        match self {
            Handler::Zip(zip) => Ok(zip.files(job)),
            Handler::Tar(tar) => Ok(tar.files()),
        }
    }
}

/// Owner, group and mode of all that is in the archive, and of the folders at its top.
fn attributes(
    cx: &mut Context<'_>,
    job: &Job,
    dest: &str,
    files: &[String],
) -> Result<bool, Failure> {
    let mut changed = false;
    let mut tops: Vec<&str> = Vec::new();
    for name in files {
        changed |= cx.set_attributes(&job.dest.join(name), &job.attributes, None)?;
        if let Some((top, _)) = name.split_once('/')
            && !tops.contains(&top)
        {
            tops.push(top);
        }
    }
    for top in tops {
        let path = format!("{dest}/{top}");
        changed |= cx.set_attributes(Path::new(&path), &job.attributes, None)?;
    }
    Ok(changed)
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test may fail")]
mod tests {
    use crate::call::Call;
    use crate::target::Ran;
    use crate::target::fake::Fake;
    use serde_json::json;

    fn host() -> Fake {
        Fake::new()
            .dir("/d")
            .file("/a.tar", "x")
            .program("tar")
            .on("/usr/bin/tar --version", Ran::of(0, "tar (GNU tar) 1.34\n", ""))
            .on("/usr/bin/tar --list -C /d -z", Ran::of(2, "", "gzip: not in gzip format\n"))
            .on("/usr/bin/tar --list -C /d -f", Ran::of(0, "one\nsub/\nsub/two\\303\\244\n", ""))
    }

    #[test]
    fn a_plain_tar_is_found_and_unpacked() {
        let mut fake = host()
            .dir("/d/sub")
            .file("/d/one", "")
            .file("/d/sub/twoä", "")
            .on(
                "/usr/bin/tar --diff",
                Ran::of(1, "", "tar: one: Warning: Cannot stat: No such file or directory\n"),
            )
            .on("/usr/bin/tar --extract", Ran::of(0, "", ""));
        let args = json!({"src": "/a.tar", "dest": "/d", "remote_src": true, "list_files": true, "mode": "0600"});
        let result = Call::new("unarchive", args).run_on(&mut fake);
        assert_eq!(result["handler"], "TarArchive", "{result:?}");
        assert_eq!(result["changed"], true);
        assert_eq!(result["files"], json!(["one", "sub/", "sub/twoä"]));
        assert_eq!(result["extract_results"]["cmd"][1], "--extract");
        assert_eq!(fake.mode_of("/d/one"), 0o600);
    }

    #[test]
    fn nothing_to_do() {
        let mut fake = host()
            .file("/d/one", "")
            .file("/d/sub/twoä", "")
            .on("/usr/bin/tar --diff", Ran::of(1, "one: Mode differs\n", ""));
        let args = json!({"src": "/a.tar", "dest": "/d", "remote_src": true, "mode": "0755"});
        let call = Call::new("unarchive", args);
        assert_eq!(call.run_on(&mut fake)["changed"], true);
        assert_eq!(call.run_on(&mut fake)["changed"], false);
        assert_eq!(call.check().run_on(&mut fake)["skipped"], true);
    }

    #[test]
    fn sources_that_are_none() {
        let mut fake = host().file("/empty", "");
        for (args, msg) in [
            (
                json!({"src": "/no", "dest": "/d", "remote_src": true}),
                "Source '/no' does not exist",
            ),
            (json!({"src": "/no", "dest": "/d"}), "Source '/no' failed to transfer"),
            (
                json!({"src": "/empty", "dest": "/d", "remote_src": true}),
                "Invalid archive '/empty', the file is 0 bytes",
            ),
            (
                json!({"src": "/a.tar", "dest": "/no", "remote_src": true}),
                "Destination '/no' is not a directory",
            ),
        ] {
            let result = Call::new("unarchive", args).run_on(&mut fake);
            assert_eq!(result.get("msg").unwrap(), msg);
        }
    }
}
