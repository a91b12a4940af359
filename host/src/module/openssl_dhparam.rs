//! `openssl_dhparam`: parameters of Diffie and Hellman's key exchange.

use std::path::Path;

use crate::data::Data;
use crate::module::{
    Args, CheckMode, Context, FILE_OPTIONS, Failure, FileAttributes, Lit, Module, Opt, Outcome,
    Returned, Write,
};
use crate::python::{self, Subject};
use crate::regex::{Flags, Pattern};
use crate::target::Run;

pub static MODULE: Module = Module {
    collection: "community.crypto",
    aliases: &["ansible.builtin.openssl_dhparam"],
    description: "Has openssl make parameters for key exchanges, unless there are such of the same size.",
    options: &[
        Opt::str("state")
            .or_str("present")
            .choices(&[Lit::Str("absent"), Lit::Str("present")])
            .doc("Whether the file is to be there."),
        Opt::int("size").or_int(4096).doc("How many bits they have."),
        Opt::bool("force").or(false).doc("Make new ones in any case."),
        Opt::path("path").required().doc("The file."),
        Opt::bool("backup").or(false).doc("Keep the old file under a name with the time."),
        Opt::str("select_crypto_backend")
            .or_str("auto")
            .choices(&[Lit::Str("auto"), Lit::Str("cryptography"), Lit::Str("openssl")])
            .since("1.0.0")
            .doc("Without meaning here: the program openssl does it."),
        Opt::bool("return_content").or(false).since("1.0.0").doc("Tell what is in the file."),
    ],
    shared: &[FILE_OPTIONS],
    check_mode: CheckMode::Full,
    returns: &[
        Returned::new("size", "int", "on success", "How many bits."),
        Returned::new("filename", "str", "on success", "The file."),
        Returned::new("backup_file", "str", "if a backup was made", "Its name."),
        Returned::new("dhparams", "str", "with `return_content`", "What is in the file."),
    ],
    examples: "- name: Parameters for the mail server\n  community.crypto.openssl_dhparam:\n    path: /etc/ssl/dhparams.pem\n    size: 2048\n",
    ..Module::builtin("openssl_dhparam", "Makes Diffie-Hellman parameters", run)
};

fn run(cx: &mut Context<'_>, args: &mut Args) -> Result<Outcome, Failure> {
    let path = args.path("path");
    let folder = match python::dirname(args.req("path")) {
        "" => ".",
        folder => folder,
    };
    if !cx.target.is_dir(Path::new(folder)) {
        let msg = format!("The directory '{folder}' does not exist or the file is not a directory");
        return Err(Failure::new(msg).with("name", folder));
    }
    if args.req("state") == "absent" {
        return absent(cx, args, &path);
    }
    let program = cx.program("openssl")?.to_string_lossy().into_owned();
    let force = args.bool("force");
    let content = content(cx, args, &path);
    let wanted = FileAttributes::of(cx, args, &path);
    if cx.check {
        let fits = !force
            && is_valid(cx, args, &program)?
            && cx.target.exists(&path)
            && !cx.set_attributes(&path, &wanted, None)?;
        return Ok(told(args, !fits, None, content));
    }
    let mut backup = None;
    let mut changed = force || !is_valid(cx, args, &program)?;
    if changed {
        backup = make(cx, args, &program, &path)?;
    }
    changed |= cx.set_attributes(&path, &wanted, None)?;
    let content = self::content(cx, args, &path);
    Ok(told(args, changed, backup, content))
}

fn told(args: &Args, changed: bool, backup: Option<String>, content: Option<Data>) -> Outcome {
    let mut outcome = Outcome::new(changed)
        .with("size", args.int("size").unwrap_or_default())
        .with("filename", args.req("path"));
    if let Some(backup) = backup.filter(|name| !name.is_empty()) {
        outcome = outcome.with("backup_file", backup);
    }
    match content {
        Some(content) => outcome.with("dhparams", content),
        None => outcome,
    }
}

/// What is in the file, if that is asked for.
fn content(cx: &mut Context<'_>, args: &Args, path: &Path) -> Option<Data> {
    let mut text = || cx.target.read_text(path).ok().filter(|text| !text.is_empty());
    args.bool("return_content").then(|| text().map_or(Data::Null, Data::from))
}

fn absent(cx: &mut Context<'_>, args: &Args, path: &Path) -> Result<Outcome, Failure> {
    let there = cx.target.exists(path);
    let mut backup = None;
    if there && !cx.check {
        if args.bool("backup") {
            backup = Some(cx.backup(path)?);
        }
        cx.target
            .unlink(path)
            .map_err(|error| Failure::new(python::os_error(&error, Subject::Text(path))))?;
    }
    let content = content(cx, args, path);
    Ok(told(args, there, backup, content))
}

/// Whether there are good parameters of the size.
fn is_valid(cx: &mut Context<'_>, args: &Args, program: &str) -> Result<bool, Failure> {
    let words = [program, "dhparam", "-check", "-text", "-noout", "-in", args.req("path")];
    let ran = cx.run(&Run::argv(words))?;
    let bits = Pattern::new(r"Parameters:\s+\((\d+) bit\)", Flags::default())?;
    let out = ran.out();
    let bits = bits.search(&out)?.and_then(|found| found.group(&out, 1)?.parse::<i64>().ok());
    let warned = out.contains("WARNING") || ran.err().contains("WARNING");
    Ok(ran.ok() && !warned && bits.is_some() && bits == args.int("size"))
}

/// New parameters; the name of the backup.
fn make(
    cx: &mut Context<'_>,
    args: &Args,
    program: &str,
    path: &Path,
) -> Result<Option<String>, Failure> {
    let made = cx.tmpdir()?.join("dhparam");
    let size = args.int("size").unwrap_or_default().to_string();
    let run = Run::argv([program, "dhparam", "-out"]).arg(&made).arg(size);
    let ran = cx.run(&run)?;
    if !ran.ok() {
        return Err(Failure::new(ran.err()));
    }
    let bytes = cx.read_or_raise(&made)?;
    let backup = match args.bool("backup") {
        true => Some(cx.backup(path)?),
        false => None,
    };
    cx.write(Write::bytes(path, &bytes).unsafe_writes(args.bool("unsafe_writes")))?;
    Ok(backup)
}

#[cfg(test)]
mod tests {
    use crate::call::Call;
    use crate::target::Ran;
    use crate::target::fake::Fake;
    use serde_json::{Value, json};

    fn call(args: Value) -> (Value, Vec<String>) {
        let mut fake = Fake::new()
            .program("openssl")
            .file("/etc/dh.pem", "old")
            .on(
                "/usr/bin/openssl dhparam -check",
                Ran::of(0, "    DH Parameters: (2048 bit)\n", "DH parameters appear to be ok.\n"),
            )
            .on("/usr/bin/openssl dhparam -out", Ran::of(1, "", "no\n"));
        let result = Call::new("community.crypto.openssl_dhparam", args).run_on(&mut fake).into();
        (result, fake.runs)
    }

    #[test]
    fn parameters() {
        let (result, runs) =
            call(json!({"path": "/etc/dh.pem", "size": 2048, "return_content": true}));
        assert_eq!((&result["changed"], runs.len()), (&json!(false), 1), "{result}");
        assert_eq!(result["dhparams"], "old");
        let (result, runs) = call(json!({"path": "/etc/dh.pem"}));
        assert_eq!(result["msg"], "no\n");
        assert!(runs[1].ends_with(" 4096"), "{runs:?}");
        let (result, _) = call(json!({"path": "/etc/dh.pem", "state": "absent"}));
        assert_eq!(result["changed"], true);
        let (result, _) = call(json!({"path": "/none/dh.pem"}));
        assert_eq!(
            result["msg"],
            "The directory '/none' does not exist or the file is not a directory"
        );
    }
}
