//! `assemble`: one file of the fragments in a folder of the host's.

use std::path::Path;

use crate::fragments::Fragments;
use crate::module::{
    Args, CheckMode, Context, Failure, FileAttributes, Map, Module, Opt, Outcome, Returned, Write,
};
use crate::python::{self, Subject};
use crate::regex::{Flags, Pattern};
use crate::target::Algorithm;

pub static MODULE: Module = Module {
    description: "Puts the files of a folder, in the order of their names, together to one file. \
        For programs whose settings stand in one file that several roles want to write into.",
    options: &[
        Opt::path("src").required().doc("The folder with the fragments."),
        Opt::path("dest").required().doc("The file to make."),
        Opt::bool("backup").or(false).doc("Keep the old file under a name with the time."),
        Opt::str("delimiter")
            .since("1.4")
            .doc("What to write between fragments, on a line of its own."),
        Opt::bool("remote_src")
            .or(true)
            .since("1.4")
            .doc("Whether the folder is on the host; else it is sought on the controller."),
        Opt::str("regexp")
            .doc("Only fragments in whose names this Python regular expression is found."),
        Opt::bool("ignore_hidden")
            .or(false)
            .since("2.0")
            .doc("Leave out names that begin with a dot."),
        Opt::str("validate").since("2.0").doc(
            "A command with `%s` that checks the new file before it takes the old one's place.",
        ),
    ],
    shared: &[crate::module::FILE_OPTIONS],
    check_mode: CheckMode::None,
    returns: &[
        Returned::new("checksum", "str", "always", "SHA-1 of the file."),
        Returned::new("md5sum", "str", "always", "MD5 of the file."),
        Returned::new("validation", "dict", "if it was validated", "What the command said."),
        Returned::new("backup_file", "str", "if a backup was made", "Its name."),
    ],
    examples: "- name: Settings of all services\n  ansible.builtin.assemble:\n    src: /etc/someapp/fragments\n    dest: /etc/someapp/someapp.conf\n    delimiter: '### START FRAGMENT ###'\n",
    version_added: "0.5",
    ..Module::builtin("assemble", "Makes one file of fragments", run)
};

fn run(cx: &mut Context<'_>, args: &mut Args) -> Result<Outcome, Failure> {
    let (src, dest) = (args.path("src"), args.path("dest"));
    if !cx.target.exists(&src) {
        return Err(Failure::new(format!("Source ({}) does not exist", src.display())));
    }
    if !cx.target.is_dir(&src) {
        return Err(Failure::new(format!("Source ({}) is not a directory", src.display())));
    }
    let regexp = args.str("regexp").map(|text| {
        Pattern::new(text, Flags::default())
            .map_err(|e| Failure::new(format!("Invalid Regexp ({e}) in \"{text}\"")))
    });
    let regexp = regexp.transpose()?;
    let validate = args.str("validate").filter(|line| !line.is_empty());
    if let Some(line) = validate.filter(|line| !line.contains("%s")) {
        return Err(Failure::new(format!("validate must contain %s: {line}")));
    }
    let content = assembled(cx, args, &src, regexp.as_deref())?;
    // ansible puts it into its temporary folder, whose path a failed validation shows.
    let new = cx.tmpdir()?.join("tmpassembled");
    cx.target
        .create(&new, &content, 0o600)
        .map_err(|error| Failure::new(python::os_error(&error, Subject::Text(&new))))?;
    let sum = digest(cx, &new, Algorithm::Sha1)?;
    let mut outcome = Outcome::default()
        .with("src", args.req("src"))
        .with("dest", args.req("dest"))
        .with("checksum", sum.clone())
        .with("md5sum", digest(cx, &new, Algorithm::Md5)?);
    let old = match cx.target.exists(&dest) {
        true => Some(digest(cx, &dest, Algorithm::Sha1)?),
        false => None,
    };
    let changed = old.as_ref() != Some(&sum);
    if changed {
        if let Some(line) = validate {
            outcome = outcome.with("validation", validated(cx, line, &new)?);
        }
        if args.bool("backup") && old.is_some() {
            outcome = outcome.with("backup_file", cx.backup(&dest)?);
        }
        let write = Write::bytes(&dest, &content).unsafe_writes(args.bool("unsafe_writes"));
        cx.write(write)?;
    }
    let wanted = FileAttributes::of(cx, args, &dest);
    outcome.changed = Some(cx.set_attributes(&dest, &wanted, None)? || changed);
    Ok(outcome.msg("OK"))
}

fn digest(cx: &mut Context<'_>, path: &Path, algorithm: Algorithm) -> Result<String, Failure> {
    if cx.target.is_dir(path) {
        let msg = format!("attempted to take checksum of directory: {}", path.display());
        return Err(Failure::new(msg));
    }
    cx.target.digest(path, algorithm).map_err(|error| {
        let text = python::os_error(&error, Subject::Text(path));
        Failure::crash(python::os_class(&error), text)
    })
}

fn validated(cx: &mut Context<'_>, line: &str, path: &Path) -> Result<Map, Failure> {
    let ran = cx.run_line(&line.replace("%s", &path.to_string_lossy()))?;
    if !ran.ok() {
        let msg = format!("failed to validate: rc:{} error:{}", ran.rc, ran.err());
        return Err(Failure::new(msg));
    }
    let said = [("rc", ran.rc.into()), ("stdout", ran.out().into()), ("stderr", ran.err().into())];
    Ok(said.into_iter().map(|(key, value)| (key.to_owned(), value)).collect())
}

fn assembled(
    cx: &mut Context<'_>,
    args: &Args,
    src: &Path,
    regexp: Option<&Pattern>,
) -> Result<Vec<u8>, Failure> {
    let raised = |error: std::io::Error, path: &Path| {
        let text = python::os_error(&error, Subject::Text(path));
        Failure::crash(python::os_class(&error), text)
    };
    let entries = cx.target.read_dir(src).map_err(|error| raised(error, src))?;
    let mut names: Vec<_> = entries.into_iter().map(|entry| entry.name).collect();
    names.sort();
    let mut all = Fragments::new(args.str("delimiter"));
    for name in names {
        let path = src.join(&name);
        let name = name.to_string_lossy();
        if let Some(regexp) = regexp
            && regexp.search(&name)?.is_none()
        {
            continue;
        }
        let is_file = cx.target.stat(&path).is_ok_and(|stat| stat.is_file());
        if !is_file || args.bool("ignore_hidden") && name.starts_with('.') {
            continue;
        }
        let content = cx.target.read(&path).map_err(|error| raised(error, &path))?;
        all.add(&content).map_err(|e| Failure::crash("ValueError", e))?;
    }
    Ok(all.into_bytes())
}

#[cfg(test)]
mod tests {
    use crate::call::Call;
    use crate::target::fake::Fake;
    use serde_json::json;

    #[test]
    fn fragments_in_the_order_of_their_names() {
        let mut fake = Fake::new()
            .file("/f/2", "two")
            .file("/f/1", "one\n")
            .file("/f/.0", "hidden\n")
            .file("/f/sub/x", "x");
        let args = json!({"src": "/f", "dest": "/out", "delimiter": "#", "ignore_hidden": true});
        let call = Call::new("assemble", args);
        assert_eq!(call.run_on(&mut fake)["changed"], true);
        assert_eq!(fake.text("/out"), "one\n#\ntwo");
        assert_eq!(call.run_on(&mut fake)["changed"], false);
        let args = json!({"src": "/f", "dest": "/out", "regexp": "("});
        assert_eq!(
            Call::new("assemble", args).run_on(&mut fake)["msg"],
            "Invalid Regexp (missing ), unterminated subpattern at position 0) in \"(\""
        );
    }
}
