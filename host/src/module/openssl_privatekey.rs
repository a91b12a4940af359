//! `openssl_privatekey`: private keys.

use std::path::Path;

use crate::data::{Data, Map, base64_encode};
use crate::module::{
    Args, CheckMode, Context, Diff, FILE_OPTIONS, Failure, FileAttributes, Lit, Module, Opt,
    Outcome, Returned, Rule, Write,
};
use crate::python::{self, Subject};
use crate::x509::{PrivateKey, convert, fingerprints, generate, key_format};

pub static MODULE: Module = Module {
    collection: "community.crypto",
    aliases: &["ansible.builtin.openssl_privatekey"],
    description: "Has openssl make a private key, unless there is one of the same kind.\n\
                  A key that is there and does not fit is replaced: a passphrase that is wrong is reason enough.",
    options: &[
        Opt::str("state")
            .or_str("present")
            .choices(&[Lit::Str("present"), Lit::Str("absent")])
            .doc("Whether the file is to be there."),
        Opt::path("path").required().doc("The file."),
        Opt::int("size").or_int(4096).doc("How many bits an RSA or DSA key has."),
        Opt::str("type")
            .or_str("RSA")
            .choices(&[
                Lit::Str("DSA"),
                Lit::Str("ECC"),
                Lit::Str("Ed25519"),
                Lit::Str("Ed448"),
                Lit::Str("RSA"),
                Lit::Str("X25519"),
                Lit::Str("X448"),
            ])
            .doc("The kind of key."),
        Opt::str("curve")
            .choices(&[
                Lit::Str("secp224r1"),
                Lit::Str("secp256k1"),
                Lit::Str("secp256r1"),
                Lit::Str("secp384r1"),
                Lit::Str("secp521r1"),
                Lit::Str("secp192r1"),
                Lit::Str("brainpoolP256r1"),
                Lit::Str("brainpoolP384r1"),
                Lit::Str("brainpoolP512r1"),
                Lit::Str("sect163k1"),
                Lit::Str("sect163r2"),
                Lit::Str("sect233k1"),
                Lit::Str("sect233r1"),
                Lit::Str("sect283k1"),
                Lit::Str("sect283r1"),
                Lit::Str("sect409k1"),
                Lit::Str("sect409r1"),
                Lit::Str("sect571k1"),
                Lit::Str("sect571r1"),
            ])
            .doc("The curve of a key of type ECC."),
        Opt::str("passphrase").no_log().doc("What the key is locked with; needs `cipher`."),
        Opt::str("cipher").doc("How it is locked: `auto` is all there is."),
        Opt::str("format")
            .or_str("auto_ignore")
            .choices(&[
                Lit::Str("pkcs1"),
                Lit::Str("pkcs8"),
                Lit::Str("raw"),
                Lit::Str("auto"),
                Lit::Str("auto_ignore"),
            ])
            .doc("How it is written; `auto` takes what is usual for its kind, `auto_ignore` leaves an old file as it is."),
        Opt::str("format_mismatch")
            .or_str("regenerate")
            .choices(&[Lit::Str("regenerate"), Lit::Str("convert")])
            .doc("What becomes of a key that is written otherwise."),
        Opt::str("regenerate")
            .or_str("full_idempotence")
            .choices(&[
                Lit::Str("never"),
                Lit::Str("fail"),
                Lit::Str("partial_idempotence"),
                Lit::Str("full_idempotence"),
                Lit::Str("always"),
            ])
            .doc("Which keys that don't fit are replaced: none, none without a failure, those that can be read, all, and even those that fit."),
        Opt::bool("force").or(false).doc("As `regenerate: always`."),
        Opt::bool("backup").or(false).doc("Keep the old file under a name with the time."),
        Opt::bool("return_content").or(false).doc("Tell the key itself: think of your logs."),
        Opt::str("select_crypto_backend")
            .or_str("auto")
            .choices(&[Lit::Str("auto"), Lit::Str("cryptography")])
            .doc("Without meaning here: the program openssl does it."),
    ],
    shared: &[FILE_OPTIONS],
    rules: &[
        Rule::RequiredTogether(&["cipher", "passphrase"]),
        Rule::RequiredIf { option: "type", is: Lit::Str("ECC"), needs: &["curve"], any: false },
    ],
    check_mode: CheckMode::Full,
    returns: &[
        Returned::new("size", "int", "on success", "The size asked for."),
        Returned::new("type", "str", "on success", "The kind asked for."),
        Returned::new("curve", "str", "for ECC", "The curve asked for."),
        Returned::new("filename", "str", "on success", "The file."),
        Returned::new("fingerprint", "dict", "on success", "Checksums of the public key."),
        Returned::new("backup_file", "str", "if a backup was made", "Its name."),
        Returned::new("privatekey", "str", "with `return_content`", "The key."),
    ],
    examples: "- name: The key of the web server\n  community.crypto.openssl_privatekey:\n    path: /etc/ssl/private/example.com.pem\n    type: ECC\n    curve: secp256r1\n",
    ..Module::builtin("openssl_privatekey", "Makes private keys", run)
};

/// The key that is there.
struct Existing {
    content: Vec<u8>,
    /// If it can be read with the passphrase.
    key: Option<PrivateKey>,
}

fn run(cx: &mut Context<'_>, args: &mut Args) -> Result<Outcome, Failure> {
    let path = args.path("path");
    let folder = match python::dirname(args.req("path")) {
        "" => ".",
        folder => folder,
    };
    if !cx.target.is_dir(Path::new(folder)) {
        let msg = format!("The directory {folder} does not exist or the file is not a directory");
        return Err(Failure::new(msg).with("name", folder));
    }
    if !args.is_given("mode") {
        args.set("mode", "0600");
    }
    let existing = match cx.target.read(&path) {
        Ok(content) => Some(read(cx, args, content)?),
        Err(error) if error.raw_os_error() == Some(libc::ENOENT) => None,
        Err(error) => {
            let why = python::os_error(&error, Subject::Text(&path));
            return Err(Failure::new(format!("Error while loading {} - {why}", path.display())));
        }
    };
    let before = told(cx, existing.as_ref())?;
    if args.req("state") == "absent" {
        return absent(cx, args, &path);
    }
    let mut changed = true;
    let mut new = None;
    if needs_new(args, existing.as_ref())? {
        new = Some(made(cx, args)?);
    } else if let Some(old) = existing.as_ref().filter(|old| is_converted(args, old)) {
        new = Some(converted(cx, args, &old.content)?);
    } else {
        changed = false;
    }
    let attributes = FileAttributes::of(cx, args, &path);
    let mut backup = None;
    let mut now = existing;
    if let Some(content) = new.flatten() {
        if args.bool("backup") && cx.target.exists(&path) {
            backup = Some(cx.backup(&path)?);
        }
        let write = Write::bytes(&path, &content).unsafe_writes(args.bool("unsafe_writes"));
        cx.write(write.born_with(&attributes))?;
        now = Some(read(cx, args, content)?);
    }
    changed |= cx.set_attributes(&path, &attributes, None)?;
    let after = told(cx, now.as_ref())?;
    let outcome = result(cx, args, changed, now.as_ref())?.diff(Diff::of(before, after));
    Ok(match backup {
        Some(backup) => outcome.with("backup_file", backup),
        None => outcome,
    })
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
    let nothing = Diff::of(Map::new(), Map::new());
    let outcome = result(cx, args, there, None)?.diff(nothing);
    Ok(match backup {
        Some(backup) => outcome.with("backup_file", backup),
        None => outcome,
    })
}

fn read(cx: &mut Context<'_>, args: &Args, content: Vec<u8>) -> Result<Existing, Failure> {
    let passphrase = args.str("passphrase");
    let key = match key_format(&content) {
        // Only a key without a passphrase can be nothing but its bytes.
        "raw" if passphrase.is_none() => PrivateKey::of_raw(cx, args.req("type"), &content),
        _ => PrivateKey::read(cx, &content, passphrase),
    };
    Ok(Existing { content, key: key.ok() })
}

/// What a difference shows of a key.
fn told(cx: &mut Context<'_>, existing: Option<&Existing>) -> Result<Map, Failure> {
    let mut map = Map::new();
    let Some(existing) = existing else { return Ok(map) };
    let key = existing.key.as_ref().filter(|_| key_format(&existing.content) != "raw");
    map.insert("can_parse_key".into(), key.is_some().into());
    map.insert("key_is_consistent".into(), Data::Null);
    if let Some(key) = key {
        map.insert("public_key".into(), key.public.pem().into());
        let sums = fingerprints(cx, &key.public.der, true)?;
        map.insert("public_key_fingerprints".into(), sums.into());
        map.insert("type".into(), key.public.kind().into());
        map.insert("public_data".into(), key.public.data().into());
    }
    Ok(map)
}

fn wanted_format(args: &Args) -> &str {
    match args.req("format") {
        "auto" | "auto_ignore" => match args.req("type") {
            "RSA" | "DSA" | "ECC" => "pkcs1",
            _ => "pkcs8",
        },
        format => format,
    }
}

fn has_format(args: &Args, existing: &Existing) -> bool {
    args.req("format") == "auto_ignore" || key_format(&existing.content) == wanted_format(args)
}

/// Whether a key must be made.
fn needs_new(args: &Args, existing: Option<&Existing>) -> Result<bool, Failure> {
    const FORCE: &str =
        "Will not proceed. To force regeneration, call the module with `generate` set to";
    let regenerate = if args.bool("force") { "always" } else { args.req("regenerate") };
    let Some(existing) = existing.filter(|_| regenerate != "always") else { return Ok(true) };
    let Some(key) = &existing.key else {
        return match regenerate {
            "full_idempotence" => Ok(true),
            _ => Err(Failure::new(format!(
                "Unable to read the key. The key is protected with a another passphrase / no passphrase or broken. \
                 {FORCE} `full_idempotence` or `always`, or with `force=true`."
            ))),
        };
    };
    if regenerate == "never" {
        return Ok(false);
    }
    let all = "`partial_idempotence`, `full_idempotence` or `always`, or with `force=true`.";
    let public = &key.public;
    let fits = public.kind() == args.req("type")
        && match public.kind() {
            "RSA" | "DSA" => public.size() == args.int("size"),
            "ECC" => public.curve() == args.str("curve"),
            _ => true,
        };
    if !fits && regenerate == "fail" {
        let msg = format!("Key has wrong type and/or size. {FORCE} {all}");
        return Err(Failure::new(msg));
    }
    let form = has_format(args, existing) || args.req("format_mismatch") == "convert";
    if fits && !form && regenerate == "fail" {
        return Err(Failure::new(format!(
            "Key has wrong format. {FORCE} {all} To convert the key, set `format_mismatch` to `convert`."
        )));
    }
    Ok(!fits || !form)
}

fn is_converted(args: &Args, existing: &Existing) -> bool {
    args.req("format_mismatch") == "convert" && !has_format(args, existing)
}

/// A new key; none in check mode.
fn made(cx: &mut Context<'_>, args: &Args) -> Result<Option<Vec<u8>>, Failure> {
    if cx.check {
        return Ok(None);
    }
    let curve = args.str("curve");
    let kind = args.req("type");
    if let Some(curve) = curve.filter(|_| kind == "ECC") {
        let modern = ["secp224r1", "secp256k1", "secp256r1", "secp384r1", "secp521r1"];
        if !modern.contains(&curve) {
            cx.warn(format!("Elliptic curves of type {curve} should not be used for new keys!"));
        }
    }
    let key = generate(cx, kind, args.int("size").unwrap_or_default(), curve)?;
    written(cx, args, &key, None)
}

/// The old key as it shall be written; none in check mode.
fn converted(cx: &mut Context<'_>, args: &Args, old: &[u8]) -> Result<Option<Vec<u8>>, Failure> {
    if cx.check {
        return Ok(None);
    }
    match key_format(old) {
        "raw" => {
            let key = PrivateKey::of_raw(cx, args.req("type"), old)?;
            written(cx, args, key.content(), None)
        }
        _ => written(cx, args, old, args.str("passphrase")),
    }
}

fn written(
    cx: &mut Context<'_>,
    args: &Args,
    key: &[u8],
    old_passphrase: Option<&str>,
) -> Result<Option<Vec<u8>>, Failure> {
    let passphrase = args.str("passphrase").filter(|passphrase| !passphrase.is_empty());
    let cipher = args.str("cipher").filter(|cipher| !cipher.is_empty());
    let passphrase = passphrase.filter(|_| cipher.is_some());
    if passphrase.is_some() && cipher != Some("auto") {
        return Err(Failure::new("Cryptography backend can only use \"auto\" for cipher option."));
    }
    match convert(cx, key, old_passphrase, wanted_format(args), passphrase)? {
        Some(written) => Ok(Some(written)),
        None => Err(Failure::new(format!(
            "Cryptography backend cannot serialize the private key in the required format \"{}\"",
            args.req("format")
        ))),
    }
}

fn result(
    cx: &mut Context<'_>,
    args: &Args,
    changed: bool,
    now: Option<&Existing>,
) -> Result<Outcome, Failure> {
    let key = now.and_then(|now| now.key.as_ref());
    let fingerprint = match key {
        Some(key) => fingerprints(cx, &key.public.der, false)?.into(),
        None => Data::Null,
    };
    let mut outcome = Outcome::new(changed)
        .with("type", args.req("type"))
        .with("size", args.int("size").unwrap_or_default())
        .with("filename", args.req("path"))
        .with("fingerprint", fingerprint);
    if args.req("type") == "ECC" {
        outcome = outcome.with("curve", args.req("curve"));
    }
    if !args.bool("return_content") {
        return Ok(outcome);
    }
    let content = now.map(|now| now.content.as_slice()).filter(|content| !content.is_empty());
    let told = content.map(|content| match key_format(content) {
        "raw" => base64_encode(content),
        _ => String::from_utf8_lossy(content).into_owned(),
    });
    Ok(outcome.with("privatekey", told.map_or(Data::Null, Data::from)))
}

#[cfg(test)]
mod tests {
    use crate::call::Call;
    use crate::target::Ran;
    use crate::target::fake::Fake;
    use serde_json::{Value, json};

    const KEY: &str = "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n";

    fn call(args: Value) -> (Value, Vec<String>) {
        // The public key of Ed25519.
        let mut public = vec![0x30, 42, 0x30, 5, 6, 3, 0x2b, 0x65, 0x70, 3, 33, 0];
        public.extend([7; 32]);
        let public = Ran { stdout: public, ..Ran::default() };
        let mut fake = Fake::new()
            .program("openssl")
            .file("/etc/old.pem", KEY)
            .on("/usr/bin/openssl pkey -passin env:VMSTATION_PASSPHRASE -pubout", public)
            .on("/usr/bin/openssl pkey", Ran::of(0, KEY, ""))
            .on("/usr/bin/openssl genpkey", Ran::of(0, KEY, ""))
            .on("/usr/bin/openssl dgst", Ran::of(1, "", ""));
        let result = Call::new("openssl_privatekey", args).run_on(&mut fake).into();
        (result, fake.runs)
    }

    #[test]
    fn keys_that_fit_stay() {
        let (result, _) = call(json!({"path": "/etc/old.pem", "type": "Ed25519", "mode": "0644"}));
        assert_eq!(result["changed"], false, "{result}");
        assert_eq!(result["diff"]["after"]["type"], "Ed25519");
        let (result, _) = call(json!({"path": "/etc/old.pem", "regenerate": "fail"}));
        assert!(result["msg"].to_string().contains("wrong type and/or size"), "{result}");
        let secret = json!({"path": "/etc/new.pem", "type": "X448", "passphrase": "s3cret", "cipher": "auto"});
        let (result, runs) = call(secret);
        assert_eq!(result["changed"], true, "{result}");
        assert!(!runs.concat().contains("s3cret"), "{runs:?}");
        let (result, _) = call(json!({"path": "/none/new.pem"}));
        assert_eq!(
            result["msg"],
            "The directory /none does not exist or the file is not a directory"
        );
    }
}
