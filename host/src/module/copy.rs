//! `copy`: a file to its place; from the controller, or from the host itself.

mod delivery;
mod tree;

use std::io;
use std::path::{Path, PathBuf};

use crate::module::{
    Args, CheckMode, Context, FILE_OPTIONS, Failure, FileAttributes, Module, Opt, Outcome,
    Returned, Source, Write,
};
use crate::python::{self, Subject};
use crate::target::{Access, Algorithm};

pub static MODULE: Module = Module {
    description: "Copies a file or a folder to a place on the host: from the controller, or with `remote_src` from the host itself.",
    options: &[
        Opt::path("src")
            .doc("What is copied. A folder that ends with `/` stands for what it holds."),
        Opt::str("_original_basename"),
        Opt::bool("__content").or(false),
        Opt::bool("__assembled").or(false),
        Opt::int("__diff_limit").or_int(0),
        Opt::str("content").no_log().doc("The content itself, instead of `src`."),
        Opt::path("dest").required().doc("The place. If it ends with `/`, it is a folder."),
        Opt::bool("backup")
            .or(false)
            .doc("Whether the old file is kept under a name with the time."),
        Opt::bool("force")
            .or(true)
            .doc("Whether a file that is there is replaced where it differs."),
        Opt::str("validate").doc(
            "A command line with `%s`, which must end with 0 before the file takes its place.",
        ),
        Opt::raw("directory_mode").doc("The permissions of new folders."),
        Opt::bool("remote_src").doc("Whether `src` is on the host."),
        Opt::bool("local_follow").doc("Whether links among what is copied are followed."),
        Opt::str("checksum").doc("The SHA-1 checksum that the file must have."),
        Opt::bool("follow").or(false).doc("Whether what a link at the place points to is meant."),
    ],
    shared: &[FILE_OPTIONS],
    check_mode: CheckMode::Full,
    returns: &[
        Returned::new("dest", "str", "success", "The place."),
        Returned::new("src", "str", "changed", "What was copied."),
        Returned::new("checksum", "str", "success, if it is a file", "SHA-1 of the file."),
        Returned::new("md5sum", "str", "changed", "MD5 of the file."),
        Returned::new("backup_file", "str", "changed and `backup`", "The name of the old file."),
    ],
    examples: "- name: Copy a file with its owner and permissions\n  ansible.builtin.copy:\n    src: /srv/myfiles/foo.conf\n    dest: /etc/foo.conf\n    owner: foo\n    group: foo\n    mode: '0644'\n",
    ..Module::builtin("copy", "Copies files to the host", run)
};

fn run(cx: &mut Context<'_>, args: &mut Args) -> Result<Outcome, Failure> {
    let src = args.string("src");
    let arrival = args.bool("__content");
    let assembled = args.bool("__assembled");
    let limit = args.int("__diff_limit").unwrap_or(0);
    // They are ours: results don't show them.
    args.forget("__content");
    args.forget("__assembled");
    args.forget("__diff_limit");
    match cx.travelling(&src).cloned() {
        Some(file) if assembled => delivery::run_always(cx, args, &file, limit),
        Some(file) => delivery::run(cx, args, &file, arrival, limit),
        None => place(cx, args, None),
    }
}

/// A file from the controller, and the path that results show for it.
struct Delivery<'a> {
    label: &'a str,
    sha1: &'a str,
}

/// Where a file goes.
struct Place {
    /// As results show it.
    dest: String,
    /// The checksum of a file there.
    checksum: Option<String>,
}

/// The module proper: `delivery` is the file if it comes from the controller, `src` then only its name.
fn place(
    cx: &mut Context<'_>,
    args: &mut Args,
    delivery: Option<&Delivery<'_>>,
) -> Result<Outcome, Failure> {
    let src = args.string("src");
    if delivery.is_none() {
        readable(cx, args, &src)?;
    }
    let sums = match delivery {
        Some(delivery) => Some(delivery.sha1.to_owned()),
        None => checksum_of_source(cx, args, &src)?,
    };
    if let Some(expected) = args.str("checksum").filter(|c| !c.is_empty())
        && sums.as_deref() != Some(expected)
    {
        let message = "Copied file does not match the expected checksum. Transfer failed.";
        return Err(Failure::new(message)
            .with("checksum", sums)
            .with("expected_checksum", expected));
    }
    let place = match find_place(cx, args, &src)? {
        Ok(place) => place,
        Err(outcome) => return Ok(outcome),
    };
    let dest = Path::new(&place.dest);
    let mut changed = sums != place.checksum || cx.target.is_link(dest);
    let mut backup = None;
    if changed && !cx.check {
        backup = put(cx, args, &src, &place.dest, delivery)?;
    }
    if sums.is_none() && place.checksum.is_none() && args.bool("remote_src") {
        changed |= tree::copy(cx, args, &src)?;
    }
    let md5 = match &sums {
        Some(_) if delivery.is_none() => cx.target.digest(Path::new(&src), Algorithm::Md5).ok(),
        Some(_) => cx.target.digest(dest, Algorithm::Md5).ok(),
        None => None,
    };
    let mut outcome = Outcome::silent()
        .with("dest", place.dest.as_str())
        .with("src", src)
        .with("md5sum", md5)
        .with("checksum", sums);
    if let Some(backup) = backup {
        outcome = outcome.with("backup_file", backup);
    }
    let meant = super::file::meant(cx, &place.dest, args.bool("follow"));
    let wanted = FileAttributes::of(cx, args, Path::new(&meant));
    changed |= cx.set_attributes(Path::new(&meant), &wanted, None)?;
    Ok(outcome.with("changed", changed))
}

/// A source on the host must be there and readable; its mode is what `preserve` means.
fn readable(cx: &mut Context<'_>, args: &mut Args, src: &str) -> Result<(), Failure> {
    let path = Path::new(src);
    let Ok(stat) = cx.target.stat(path) else {
        return Err(Failure::new(format!("Source {src} not found")));
    };
    if !cx.target.access(path, Access::Read) {
        return Err(Failure::new(format!("Source {src} not readable")));
    }
    if args.str("mode") == Some("preserve") {
        args.set("mode", format!("0{:03o}", stat.permissions()));
    }
    Ok(())
}

/// The checksum of a file; folders have none.
fn checksum_of_source(
    cx: &mut Context<'_>,
    args: &Args,
    src: &str,
) -> Result<Option<String>, Failure> {
    let path = Path::new(src);
    let stat = cx.target.stat(path).map_err(|e| Failure::os(&e, Subject::Text(path)))?;
    if stat.is_file() {
        return match cx.target.digest(path, Algorithm::Sha1) {
            Ok(sum) => Ok(Some(sum)),
            Err(error) => {
                let text = python::os_error(&error, Subject::Text(path));
                cx.warn(format!("Unable to calculate src checksum, assuming change: {text}"));
                Ok(None)
            }
        };
    }
    if args.bool("remote_src") && !stat.is_dir() {
        return Err(Failure::new(format!("Cannot copy invalid source '{src}': not a file")));
    }
    Ok(None)
}

/// Where the file goes; an outcome if it needs not, or can't be told in check mode.
fn find_place(
    cx: &mut Context<'_>,
    args: &Args,
    src: &str,
) -> Result<Result<Place, Outcome>, Failure> {
    let mut dest = args.string("dest");
    if !dest.contains('/') {
        dest = format!("./{dest}");
    }
    let original = args.str("_original_basename").filter(|b| !b.is_empty());
    if dest.ends_with('/') {
        if let Some(original) = original {
            dest = python::join(&dest, original);
        }
        let folder = python::dirname(&dest).to_owned();
        if !cx.target.exists(Path::new(&folder)) {
            if cx.check {
                let message = format!("dest directory {folder} would be created");
                return Ok(Err(Outcome::new(true).msg(message).with("src", src)));
            }
            make_folders(cx, args, &folder)?;
        }
    }
    if cx.target.is_dir(Path::new(&dest)) {
        dest = python::join(&dest, original.unwrap_or_else(|| python::basename(src)));
    }
    let mut checksum = None;
    if cx.target.exists(Path::new(&dest)) {
        if args.bool("follow") {
            dest = super::file::meant(cx, &dest, true);
        }
        if !args.bool("force") {
            let kept = Outcome::silent().with("src", src).with("dest", dest.as_str());
            return Ok(Err(kept.msg("file already exists").with("changed", false)));
        }
        let path = Path::new(&dest);
        let file = cx.target.stat(path).is_ok_and(|stat| stat.is_file());
        if file && cx.target.access(path, Access::Read) {
            let sum = cx.target.digest(path, Algorithm::Sha1);
            checksum = Some(sum.map_err(|e| Failure::os(&e, Subject::Text(path)))?);
        }
    } else {
        folder_is_there(cx, &dest)?;
    }
    let folder = python::dirname(&dest);
    if !cx.target.access(Path::new(folder), Access::Write) && !args.bool("unsafe_writes") {
        return Err(Failure::new(format!("Destination {folder} not writable")));
    }
    Ok(Ok(Place { dest, checksum }))
}

fn folder_is_there(cx: &mut Context<'_>, dest: &str) -> Result<(), Failure> {
    let folder = python::dirname(dest);
    let reason = match cx.target.stat(Path::new(folder)) {
        Ok(_) => return Ok(()),
        Err(error) if error.raw_os_error() == Some(libc::EACCES) => "is not accessible",
        Err(_) => "does not exist",
    };
    Err(Failure::new(format!("Destination directory {folder} {reason}")))
}

/// Makes a folder and those above it; new ones get owner, group and `directory_mode`.
fn make_folders(cx: &mut Context<'_>, args: &Args, folder: &str) -> Result<(), Failure> {
    let mut missing = vec![folder.to_owned()];
    loop {
        let above = python::dirname(missing.last().map_or("", |last| last)).to_owned();
        if above.is_empty() || above == "/" || cx.target.exists(Path::new(&above)) {
            break;
        }
        missing.push(above);
    }
    missing.reverse();
    for new in &missing {
        let path = Path::new(new);
        match cx.target.mkdir(path, 0o777) {
            Err(error) if error.raw_os_error() != Some(libc::EEXIST) => {
                return Err(Failure::os(&error, Subject::Bytes(path)));
            }
            _ => {}
        }
    }
    for new in &missing {
        let path = Path::new(new);
        let mut wanted = FileAttributes::of(cx, args, path);
        wanted.mode = args.get("directory_mode").cloned();
        cx.set_attributes(path, &wanted, None)?;
    }
    Ok(())
}

/// Puts the file in its place; gives the name of the backup.
fn put(
    cx: &mut Context<'_>,
    args: &Args,
    src: &str,
    dest: &str,
    delivery: Option<&Delivery<'_>>,
) -> Result<Option<String>, Failure> {
    let path = Path::new(dest);
    let failed = |_: io::Error| Failure::new(format!("failed to copy: {src} to {dest}"));
    let mut backup = None;
    if args.bool("backup") && cx.target.exists(path) {
        backup = Some(cx.backup(path)?);
    }
    if cx.target.is_link(path) {
        cx.target.unlink(path).map_err(failed)?;
        cx.target.create(path, b"", 0o666).map_err(failed)?;
    }
    let laid = match args.str("validate").filter(|line| !line.is_empty()) {
        Some(line) => Some(validate(cx, args, line, src, delivery)?),
        None => None,
    };
    let source = match (&laid, delivery) {
        (Some(laid), _) => Source::File(laid),
        (None, Some(delivery)) => Source::Travelling(delivery.label),
        (None, None) => Source::File(Path::new(src)),
    };
    if delivery.is_none() && cx.target.is_dir(Path::new(src)) {
        // What `rename` says of a folder that is to take a file's place.
        let error = io::Error::from_raw_os_error(libc::ENOTDIR);
        let text = python::os_error(&error, Subject::BytesPair(Path::new(src), path));
        return Err(Failure::new(format!("Could not replace file: {src} to {dest}: {text}")));
    }
    let unsafe_writes = args.bool("unsafe_writes");
    cx.write(Write::new(path, source).unsafe_writes(unsafe_writes))?;
    Ok(backup)
}

/// Asks a program whether the file is good; gives the path that it looked at.
fn validate(
    cx: &mut Context<'_>,
    args: &Args,
    line: &str,
    src: &str,
    delivery: Option<&Delivery<'_>>,
) -> Result<PathBuf, Failure> {
    let path = PathBuf::from(src);
    if let Some(delivery) = delivery {
        cx.lay(delivery.label, &path)?;
    }
    // Some programs look at owner and mode too.
    if let Some(mode) = args.get("mode") {
        cx.set_mode(&path, mode, None)?;
    }
    if let Some(owner) = args.str("owner") {
        cx.set_owner(&path, owner, None)?;
    }
    if let Some(group) = args.str("group") {
        cx.set_group(&path, group, None)?;
    }
    if !line.contains("%s") {
        return Err(Failure::new(format!("validate must contain %s: {line}")));
    }
    let ran = cx.run_line(&line.replace("%s", src).replace("%%", "%"))?;
    if ran.ok() {
        return Ok(path);
    }
    Err(Failure::new("failed to validate")
        .with("exit_status", ran.rc)
        .with("stdout", ran.out())
        .with("stderr", ran.err()))
}

#[cfg(test)]
mod tests {
    use crate::call::{Call, travelling};
    use crate::data::Map;
    use crate::files::AtHand;
    use crate::target::fake::Fake;
    use crate::target::{Ran, Target};
    use serde_json::{Value, json};

    fn host() -> Fake {
        Fake::new()
            .file("/d/old", "old")
            .link("/d/l", "old")
            .dir("/d/sub")
            .dir("/root/.ansible/tmp")
    }

    /// What the controller sends of `content` for `dest`.
    fn send(fake: &mut Fake, content: &str, mut args: Value, call: fn(Call) -> Call) -> Map {
        let mut files = AtHand::default();
        let file = travelling("source", content.as_bytes(), &mut files);
        args["src"] = "source".into();
        args["_original_basename"] = "name".into();
        args["__diff_limit"] = 20.into();
        let mut call = call(Call::new("copy", args));
        call.files.push(file);
        call.run(fake, &mut files)
    }

    #[test]
    fn files_from_the_controller() {
        let mut fake = host();
        let result = send(&mut fake, "new", json!({"dest": "/d/old", "backup": true}), |c| c);
        assert_eq!((&result["changed"], &result["diff"]), (&json!(true), &json!([])));
        assert_eq!(result["checksum"], "c2a6b03f190dfb2b4aa91f8af8d477a9bc3401dc");
        assert_eq!(result["md5sum"], "22af645d1859cb5ca6da0c484f1f37ea");
        assert_eq!(fake.text("/d/old"), "new");
        assert!(result["backup_file"].as_str().is_some_and(|b| b.starts_with("/d/old.")));
        let again = send(&mut fake, "new", json!({"dest": "/d/old", "mode": "0600"}), |c| c);
        assert_eq!((&again["path"], &again["changed"]), (&json!("/d/old"), &json!(true)));
        let again = send(&mut fake, "new", json!({"dest": "/d/old", "mode": "0600"}), |c| c);
        assert_eq!(again["changed"], false);
        let into = send(&mut fake, "x", json!({"dest": "/d/sub"}), |c| c);
        assert_eq!(into["dest"], "/d/sub/name");
        let new = send(&mut fake, "x", json!({"dest": "/n/a/", "directory_mode": "0700"}), |c| c);
        assert_eq!((&new["dest"], fake.mode_of("/n/a")), (&json!("/n/a/name"), 0o700));
        let kept = send(&mut fake, "y", json!({"dest": "/d/old", "force": false}), |c| c);
        assert_eq!((&kept["_kept"], &kept["_dest"]), (&json!(true), &json!("/d/old")));
    }

    #[test]
    fn check_mode_and_differences() {
        let mut fake = host();
        let result = send(&mut fake, "new", json!({"dest": "/d/old"}), |c| c.check().diff());
        let diff = json!([{"before": "old", "before_header": "/d/old"}]);
        assert_eq!((&result["changed"], &result["diff"]), (&json!(true), &diff));
        assert_eq!(fake.text("/d/old"), "old");
        let result = send(&mut fake, "x", json!({"dest": "/d/n"}), |c| c.check().diff());
        assert_eq!(result["diff"], json!([{"before": ""}]));
        let mut fake = fake.file("/d/long", "x".repeat(21)).file("/d/bin", "a\0");
        for (path, key) in [("/d/long", "dst_larger"), ("/d/bin", "dst_binary")] {
            let result = send(&mut fake, "x", json!({"dest": path}), |c| c.check().diff());
            assert!(result["diff"][0].get(key).is_some(), "{result:?}");
        }
    }

    #[test]
    fn links_at_the_place() {
        let mut fake = host();
        send(&mut fake, "new", json!({"dest": "/d/l", "follow": true}), |c| c);
        assert_eq!((fake.text("/d/old"), fake.is_link("/d/l".as_ref())), ("new".into(), true));
        send(&mut fake, "newer", json!({"dest": "/d/l"}), |c| c);
        assert_eq!((fake.text("/d/old"), fake.text("/d/l")), ("new".into(), "newer".into()));
    }

    #[test]
    fn refusals() {
        let mut fake = host().on("grep", Ran::of(1, "out", "err"));
        for (args, message) in [
            (json!({"dest": "/no/x"}), "Destination directory /no does not exist"),
            (
                json!({"dest": "/d/n", "checksum": "0"}),
                "Copied file does not match the expected checksum. Transfer failed.",
            ),
            (json!({"dest": "/d/n", "validate": "grep x"}), "validate must contain %s: grep x"),
            (json!({"dest": "/d/n", "validate": "grep x %s"}), "failed to validate"),
            (
                json!({"dest": "/d/sub", "__content": true}),
                "can not use content with a dir as dest",
            ),
            (
                json!({"dest": "/d/old/x"}),
                "Failed to get information on remote file (/d/old/x): Not a directory",
            ),
        ] {
            let result = send(&mut fake, "new", args, |c| c);
            assert_eq!((&result["msg"], &result["failed"]), (&json!(message), &json!(true)));
        }
        assert!(!fake.exists("/d/n".as_ref()));
        assert_eq!(fake.tree("/root/.ansible/tmp"), [""; 0]);
    }

    #[test]
    fn files_of_the_host() {
        let mut fake = host().file_with("/s/exec", "e", 0o755, 0, 0).file("/s/t/a", "1");
        let mut on = |args: Value| Call::new("copy", args).run_on(&mut fake);
        let args = json!({"src": "/s/exec", "dest": "/d/", "remote_src": true, "mode": "preserve"});
        let result = on(args.clone());
        assert_eq!((&result["dest"], &result["mode"]), (&json!("/d/exec"), &json!("0755")));
        assert_eq!(on(args)["changed"], false);
        let args = json!({"src": "/s/t", "dest": "/d/sub", "remote_src": true});
        assert_eq!(on(args.clone())["changed"], true);
        assert_eq!(on(args)["changed"], false);
        let args = json!({"src": "/s/t/", "dest": "/d/new", "remote_src": true});
        assert_eq!(on(args)["changed"], true);
        let args = json!({"src": "/s/none", "dest": "/d/x", "remote_src": true});
        assert_eq!(on(args)["msg"], "Source /s/none not found");
        assert_eq!((fake.text("/d/sub/t/a"), fake.text("/d/new/a")), ("1".into(), "1".into()));
    }
}
