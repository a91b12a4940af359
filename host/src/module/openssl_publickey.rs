//! `openssl_publickey`: the public half of a private key.

use std::path::Path;

use crate::data::{Data, Map};
use crate::module::{
    Args, CheckMode, Context, Diff, FILE_OPTIONS, Failure, FileAttributes, Lit, Module, Opt,
    Outcome, Returned, Rule, Write,
};
use crate::python::{self, Subject};
use crate::x509::{PrivateKey, PublicKey, fingerprints};

pub static MODULE: Module = Module {
    collection: "community.crypto",
    aliases: &["ansible.builtin.openssl_publickey"],
    description: "Writes the public key of a private key to a file, as PEM or as OpenSSH has it.",
    options: &[
        Opt::str("state")
            .or_str("present")
            .choices(&[Lit::Str("present"), Lit::Str("absent")])
            .doc("Whether the file is to be there."),
        Opt::bool("force").or(false).doc("Write it in any case."),
        Opt::path("path").required().doc("The file."),
        Opt::path("privatekey_path").doc("The file of the private key."),
        Opt::str("privatekey_content").no_log().doc("The private key itself."),
        Opt::str("privatekey_passphrase").no_log().doc("What the private key is locked with."),
        Opt::str("format")
            .or_str("PEM")
            .choices(&[Lit::Str("OpenSSH"), Lit::Str("PEM")])
            .doc("How it is written."),
        Opt::bool("backup").or(false).doc("Keep the old file under a name with the time."),
        Opt::bool("return_content").or(false).doc("Tell what is in the file."),
        Opt::str("select_crypto_backend")
            .or_str("auto")
            .choices(&[Lit::Str("auto"), Lit::Str("cryptography")])
            .doc("Without meaning here: the program openssl does it."),
    ],
    shared: &[FILE_OPTIONS],
    rules: &[
        Rule::MutuallyExclusive(&["privatekey_path", "privatekey_content"]),
        Rule::RequiredIf {
            option: "state",
            is: Lit::Str("present"),
            needs: &["privatekey_path", "privatekey_content"],
            any: true,
        },
    ],
    check_mode: CheckMode::Full,
    returns: &[
        Returned::new("privatekey", "str", "on success", "The file of the private key."),
        Returned::new("format", "str", "on success", "How it is written."),
        Returned::new("filename", "str", "on success", "The file."),
        Returned::new("fingerprint", "dict", "on success", "Checksums of the key."),
        Returned::new("backup_file", "str", "if a backup was made", "Its name."),
        Returned::new("publickey", "str", "with `return_content`", "The key."),
    ],
    examples: "- name: The public key, for those who verify\n  community.crypto.openssl_publickey:\n    path: /etc/ssl/public/example.com.pem\n    privatekey_path: /etc/ssl/private/example.com.pem\n",
    ..Module::builtin("openssl_publickey", "Writes the public key of a private key", run)
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
    if cx.check {
        return check(cx, args, &path);
    }
    if !has_private_key(cx, args) {
        let msg = format!("The private key {} does not exist", args.req("privatekey_path"));
        return Err(Failure::new(msg));
    }
    let old = cx.target.read(&path).ok();
    let before = told(cx, old.as_deref())?;
    let key = private_key(cx, args)?;
    let wanted = written(args, &key.public)?;
    let fits = old.as_deref().and_then(|old| normal(args, old)) == Some(wanted.clone());
    let attributes = FileAttributes::of(cx, args, &path);
    let (mut changed, mut after, mut backup) = (false, before.clone(), None);
    let mut content = old;
    if !fits || args.bool("force") {
        if args.bool("backup") && cx.target.exists(&path) {
            backup = Some(cx.backup(&path)?);
        }
        let write = Write::bytes(&path, wanted.as_bytes());
        cx.write(write.unsafe_writes(args.bool("unsafe_writes")).born_with(&attributes))?;
        after = told(cx, Some(wanted.as_bytes()))?;
        content = Some(wanted.into_bytes());
        changed = true;
    }
    changed |= cx.set_attributes(&path, &attributes, None)?;
    let sums = fingerprints(cx, &key.public.der, false)?;
    let outcome = result(args, changed, sums, content).diff(Diff::of(before, after));
    Ok(match backup {
        Some(backup) => outcome.with("backup_file", backup),
        None => outcome,
    })
}

/// What check mode tells: the key's checksums are not among it.
fn check(cx: &mut Context<'_>, args: &Args, path: &Path) -> Result<Outcome, Failure> {
    let old = cx.target.read(path).ok();
    let attributes = FileAttributes::of(cx, args, path);
    let mut fits = old.is_some() && !cx.set_attributes(path, &attributes, None)?;
    fits = fits && has_private_key(cx, args);
    if let Some(now) = old.as_deref().filter(|_| fits).and_then(|old| normal(args, old)) {
        let key = private_key(cx, args)?;
        fits = now == written(args, &key.public)?;
    } else {
        fits = false;
    }
    let nothing = Diff::of(Map::new(), Map::new());
    Ok(result(args, args.bool("force") || !fits, Map::new(), old).diff(nothing))
}

fn absent(cx: &mut Context<'_>, args: &Args, path: &Path) -> Result<Outcome, Failure> {
    let there = cx.target.exists(path);
    let mut backup = None;
    let mut content = cx.target.read(path).ok();
    if there && !cx.check {
        if args.bool("backup") {
            backup = Some(cx.backup(path)?);
        }
        cx.target
            .unlink(path)
            .map_err(|error| Failure::new(python::os_error(&error, Subject::Text(path))))?;
        content = None;
    }
    let outcome = result(args, there, Map::new(), content).diff(Diff::of(Map::new(), Map::new()));
    Ok(match backup {
        Some(backup) => outcome.with("backup_file", backup),
        None => outcome,
    })
}

fn has_private_key(cx: &mut Context<'_>, args: &Args) -> bool {
    args.is_given("privatekey_content") || cx.target.exists(&args.path("privatekey_path"))
}

fn private_key(cx: &mut Context<'_>, args: &Args) -> Result<PrivateKey, Failure> {
    let (path, content) = (args.str("privatekey_path"), args.str("privatekey_content"));
    PrivateKey::load(cx, path, content, args.str("privatekey_passphrase"))
}

fn written(args: &Args, key: &PublicKey) -> Result<String, Failure> {
    match args.req("format") {
        "OpenSSH" => key.openssh().ok_or_else(|| {
            let msg = format!("OpenSSH can't write keys of type {}", key.kind());
            Failure::new(msg)
        }),
        _ => Ok(key.pem()),
    }
}

/// The key in the file as this module would write it: OpenSSH's without its comment.
fn normal(args: &Args, content: &[u8]) -> Option<String> {
    match args.req("format") {
        "OpenSSH" => {
            let text = std::str::from_utf8(content).ok()?;
            let mut words = text.split_ascii_whitespace();
            Some(format!("{} {}", words.next()?, words.next()?))
        }
        _ => PublicKey::of_pem(content).map(|key| key.pem()),
    }
}

/// What a difference shows of a file.
fn told(cx: &mut Context<'_>, content: Option<&[u8]>) -> Result<Map, Failure> {
    let mut map = Map::new();
    let Some(content) = content else { return Ok(map) };
    let key = PublicKey::of_pem(content);
    map.insert("can_parse_key".into(), key.is_some().into());
    if let Some(key) = key {
        map.insert("fingerprints".into(), fingerprints(cx, &key.der, true)?.into());
        map.insert("type".into(), key.kind().into());
        map.insert("public_data".into(), key.data().into());
    }
    Ok(map)
}

fn result(args: &Args, changed: bool, sums: Map, content: Option<Vec<u8>>) -> Outcome {
    let path = args.str("privatekey_path");
    let outcome = Outcome::new(changed)
        .with("privatekey", path.map_or(Data::Null, Data::from))
        .with("filename", args.req("path"))
        .with("format", args.req("format"))
        .with("fingerprint", sums);
    if !args.bool("return_content") {
        return outcome;
    }
    let content = content.filter(|content| !content.is_empty());
    let text = content.map(|content| String::from_utf8_lossy(&content).into_owned());
    outcome.with("publickey", text.map_or(Data::Null, Data::from))
}

#[cfg(test)]
mod tests {
    use crate::call::Call;
    use crate::target::fake::Fake;
    use serde_json::{Value, json};

    #[test]
    fn what_is_missing_is_told() {
        let args = json!({"path": "/etc/pub", "privatekey_path": "/none.pem"});
        let mut fake = Fake::new();
        let result: Value = Call::new("openssl_publickey", args).run_on(&mut fake).into();
        assert_eq!(result["msg"], "The private key /none.pem does not exist");
    }
}
