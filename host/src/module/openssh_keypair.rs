//! `openssh_keypair`: keys of ssh.

use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::data::{Data, Map};
use crate::module::{
    Args, CheckMode, Context, Diff, FILE_OPTIONS, Failure, FileAttributes, Lit, Module, Opt,
    Outcome, Returned, Write,
};
use crate::python::{self, Subject};
use crate::target::{Dialogue, Ran, Reply, Run};

pub static MODULE: Module = Module {
    collection: "community.crypto",
    aliases: &["ansible.builtin.openssh_keypair"],
    description: "Has ssh-keygen make a private and a public key, unless there are such of the same kind and size.",
    options: &[
        Opt::str("state")
            .or_str("present")
            .choices(&[Lit::Str("present"), Lit::Str("absent")])
            .doc("Whether the keys are to be there."),
        Opt::int("size").doc("How many bits; usual are 4096 for rsa, 256 for ecdsa."),
        Opt::str("type")
            .or_str("rsa")
            .choices(&[
                Lit::Str("rsa"),
                Lit::Str("dsa"),
                Lit::Str("rsa1"),
                Lit::Str("ecdsa"),
                Lit::Str("ed25519"),
            ])
            .doc("The kind of key."),
        Opt::bool("force").or(false).doc("As `regenerate: always`."),
        Opt::path("path").required().doc("The private key; the public one is beside it with `.pub`."),
        Opt::str("comment").doc("What stands behind the public key."),
        Opt::str("regenerate")
            .or_str("partial_idempotence")
            .choices(&[
                Lit::Str("never"),
                Lit::Str("fail"),
                Lit::Str("partial_idempotence"),
                Lit::Str("full_idempotence"),
                Lit::Str("always"),
            ])
            .since("1.0.0")
            .doc("Which keys that don't fit are replaced: none, none without a failure, those that can be read, all, and even those that fit."),
        Opt::str("passphrase").no_log().since("1.7.0").doc("What the private key is locked with."),
        Opt::str("private_key_format")
            .or_str("auto")
            .choices(&[Lit::Str("auto"), Lit::Str("pkcs1"), Lit::Str("pkcs8"), Lit::Str("ssh")])
            .since("1.7.0")
            .doc("How it is written; other than `auto` only with `backend: cryptography` or a passphrase."),
        Opt::str("backend")
            .or_str("auto")
            .choices(&[Lit::Str("auto"), Lit::Str("cryptography"), Lit::Str("opensshbin")])
            .since("1.7.0")
            .doc("What makes the keys: here always ssh-keygen; it decides which of the options may be used."),
    ],
    shared: &[FILE_OPTIONS],
    check_mode: CheckMode::Full,
    returns: &[
        Returned::new("size", "int", "on success", "How many bits."),
        Returned::new("type", "str", "on success", "The kind of key."),
        Returned::new("filename", "str", "on success", "The private key."),
        Returned::new("fingerprint", "str", "on success", "Its checksum."),
        Returned::new("public_key", "str", "on success", "The public key."),
        Returned::new("comment", "str", "on success", "What stands behind it."),
    ],
    examples: "- name: The key that backups are sent with\n  community.crypto.openssh_keypair:\n    path: /root/.ssh/backup\n    type: ed25519\n",
    ..Module::builtin("openssh_keypair", "Makes keys of ssh", run)
};

/// What is known of a private key.
struct Private {
    size: i64,
    kind: String,
    fingerprint: String,
    format: &'static str,
}

/// A public key: its kind, its data, its comment.
#[derive(Clone, PartialEq)]
struct Public {
    kind: String,
    data: String,
    comment: String,
}

/// The task's wishes, and how they are fulfilled.
struct Keys {
    program: PathBuf,
    path: PathBuf,
    public_path: PathBuf,
    size: i64,
    kind: String,
    comment: Option<String>,
    passphrase: Option<String>,
    /// `private_key_format`, where it can be chosen.
    format: Option<String>,
    regenerate: String,
}

fn run(cx: &mut Context<'_>, args: &mut Args) -> Result<Outcome, Failure> {
    let keys = Keys::of(cx, args)?;
    let (private, public) = (keys.private(cx)?, keys.public(cx));
    if args.req("state") == "absent" {
        let there = [&keys.path, &keys.public_path].map(|path| cx.target.exists(path));
        for (path, _) in [&keys.path, &keys.public_path].iter().zip(there).filter(|(_, is)| *is) {
            if !cx.check {
                cx.target
                    .unlink(path)
                    .map_err(|error| Failure::new(python::os_error(&error, Subject::Text(path))))?;
            }
        }
        return Ok(keys.result(cx, there != [false; 2], (private, public), None));
    }
    let mut changed = keys.is_new_needed(cx, private.as_ref())?;
    if changed {
        keys.generate(cx)?;
    } else if !keys.fits_public(cx, public.as_ref())? {
        keys.restore(cx)?;
        changed = true;
    }
    for path in [&keys.path, &keys.public_path] {
        let attributes = FileAttributes::of(cx, args, path);
        changed |= cx.set_attributes(path, &attributes, None)?;
        changed |= cx.check && !cx.target.exists(path);
    }
    let now = (keys.private(cx)?, keys.public(cx));
    Ok(keys.result(cx, changed, (private, public), Some(now)))
}

fn size(kind: &str, size: Option<i64>) -> Result<i64, Failure> {
    let failed = |msg: &str| Err(Failure::new(msg));
    match (kind, size) {
        ("rsa" | "rsa1", Some(size)) if size < 1024 => failed(
            "For RSA keys, the minimum size is 1024 bits and the default is 4096 bits. \
             Attempting to use bit lengths under 1024 will cause the module to fail.",
        ),
        ("rsa" | "rsa1", size) => Ok(size.unwrap_or(4096)),
        ("dsa", None | Some(1024)) => Ok(1024),
        ("dsa", _) => failed("DSA keys must be exactly 1024 bits as specified by FIPS 186-2."),
        ("ecdsa", size) => match size.unwrap_or(256) {
            known @ (256 | 384 | 521) => Ok(known),
            _ => failed(
                "For ECDSA keys, size determines the key length by selecting from one of three elliptic curve sizes: \
                 256, 384 or 521 bits. Attempting to use bit lengths other than these three values for ECDSA keys \
                 will cause this module to fail.",
            ),
        },
        _ => Ok(256),
    }
}

impl Keys {
    fn of(cx: &mut Context<'_>, args: &Args) -> Result<Keys, Failure> {
        let program = match cx.target.find_program("ssh-keygen", &[]) {
            Some(program) => program,
            None => return Err(Failure::new("Cannot find the OpenSSH binary in the PATH")),
        };
        let passphrase = args.str("passphrase").filter(|text| !text.is_empty()).map(str::to_owned);
        let free = match args.req("backend") {
            "auto" => passphrase.is_some(),
            backend => backend == "cryptography",
        };
        let format = args.string("private_key_format");
        let kind = args.string("type");
        let size = size(&kind, args.int("size"))?;
        let path = args.path("path");
        let folder = match python::dirname(args.req("path")) {
            "" => ".",
            folder => folder,
        };
        if !cx.target.is_dir(Path::new(folder)) {
            let msg =
                format!("The directory {folder} does not exist or the file is not a directory");
            return Err(Failure::new(msg).with("name", folder));
        }
        if cx.target.is_dir(&path) {
            let msg =
                format!("{} is a directory. Please specify a path to a file.", path.display());
            return Err(Failure::new(msg));
        }
        if !free && format != "auto" {
            let msg = "'auto' is the only valid option for 'private_key_format' when 'backend' is not 'cryptography'";
            return Err(Failure::new(msg));
        }
        if free && kind == "rsa1" {
            return Err(Failure::new("RSA1 keys are not supported by the cryptography backend"));
        }
        let regenerate = if args.bool("force") { "always" } else { args.req("regenerate") };
        Ok(Keys {
            program,
            public_path: format!("{}.pub", args.req("path")).into(),
            path,
            size,
            kind,
            comment: args.str("comment").map(str::to_owned),
            passphrase,
            format: free.then_some(format),
            regenerate: regenerate.to_owned(),
        })
    }

    /// ssh-keygen; a passphrase is typed, so that it stands nowhere.
    fn keygen(&self, cx: &mut Context<'_>, words: &[&str], lock: bool) -> Result<Ran, Failure> {
        let run = Run::argv([&self.program]).args(words).c_locale();
        let Some(passphrase) = self.passphrase.as_ref().filter(|_| lock) else {
            return cx.run(&run);
        };
        let mut heard = Vec::new();
        let mut answer = |new: &[u8]| {
            heard.extend_from_slice(new);
            match !new.is_empty() && heard.ends_with(b": ") {
                true => Reply::Type(format!("{passphrase}\n").into_bytes()),
                false => Reply::Wait,
            }
        };
        let patience = Some(Duration::from_secs(30));
        let mut dialogue = Dialogue { echo: false, patience, answer: &mut answer };
        let ran = cx.target.dialogue(&run, &mut dialogue).map_err(|error| {
            Failure::new(python::os_error(&error, Subject::Text(&self.program)))
        })?;
        Ok(Ran { stdout: heard, ..ran })
    }

    /// The public key that belongs to the private one, as ssh-keygen tells it; `None` if it can't be read.
    fn matching(&self, cx: &mut Context<'_>, passphrase: bool) -> Result<Option<Public>, Failure> {
        let path = self.path.to_string_lossy().into_owned();
        let ran = match passphrase && self.passphrase.is_some() {
            true => self.keygen(cx, &["-y", "-f", &path], true)?,
            false => self.keygen(cx, &["-P", "", "-y", "-f", &path], false)?,
        };
        let out = ran.out();
        // A terminal shows the question in front of the answer.
        let line = out.lines().rev().find(|line| line.split(' ').count() > 1);
        Ok(line.filter(|_| ran.ok()).and_then(Public::parse))
    }

    fn private(&self, cx: &mut Context<'_>) -> Result<Option<Private>, Failure> {
        if !cx.target.exists(&self.path) {
            return Ok(None);
        }
        if self.format.is_some() && self.matching(cx, true)?.is_none() {
            return Ok(None);
        }
        let path = self.path.to_string_lossy().into_owned();
        let ran = self.keygen(cx, &["-l", "-f", &path], false)?;
        let out = ran.out();
        let words: Vec<&str> = out.split_whitespace().collect();
        let ([size, fingerprint, ..], Some(kind)) = (&words[..], words.last()) else {
            return Ok(None);
        };
        let Ok(size) = size.parse() else { return Ok(None) };
        Ok(Some(Private {
            size,
            kind: kind.trim_matches(['(', ')']).to_lowercase(),
            fingerprint: (*fingerprint).to_owned(),
            format: if self.format.is_some() { self.format_of(cx) } else { "" },
        }))
    }

    fn format_of(&self, cx: &mut Context<'_>) -> &'static str {
        let text = cx.target.read_text(&self.path).unwrap_or_default();
        match text.lines().next().unwrap_or_default().trim() {
            "-----BEGIN OPENSSH PRIVATE KEY-----" => "SSH",
            "-----BEGIN PRIVATE KEY-----" => "PKCS8",
            "-----BEGIN RSA PRIVATE KEY-----" => "PKCS1",
            _ => "",
        }
    }

    fn public(&self, cx: &mut Context<'_>) -> Option<Public> {
        Public::parse(&cx.target.read_text(&self.public_path).ok()?)
    }

    fn is_new_needed(&self, cx: &mut Context<'_>, old: Option<&Private>) -> Result<bool, Failure> {
        let regenerate = self.regenerate.as_str();
        if cx.target.exists(&self.path)
            && matches!(regenerate, "never" | "fail" | "partial_idempotence")
            && (old.is_none() || !self.is_readable(cx)?)
        {
            return Err(Failure::new(
                "Unable to read the key. The key is protected with a passphrase or broken. Will not proceed. \
                 To force regeneration, call the module with `generate` set to `full_idempotence` or `always`, \
                 or with `force=true`.",
            ));
        }
        let Some(old) = old else { return Ok(true) };
        let format = self.format.as_deref().filter(|format| *format != "auto");
        let fits = old.size == self.size
            && old.kind == self.kind
            && format.is_none_or(|format| format.eq_ignore_ascii_case(old.format));
        match regenerate {
            "never" => Ok(false),
            "fail" if !fits => Err(Failure::new(
                "Key has wrong type and/or size. Will not proceed. To force regeneration, call the module with \
                 `generate` set to `partial_idempotence`, `full_idempotence` or `always`, or with `force=true`.",
            )),
            "always" => Ok(true),
            _ => Ok(!fits),
        }
    }

    /// Whether the key is locked with this passphrase, or with none if there is none.
    fn is_readable(&self, cx: &mut Context<'_>) -> Result<bool, Failure> {
        let open = self.matching(cx, false)?.is_some();
        match self.passphrase {
            Some(_) => Ok(!open && self.matching(cx, true)?.is_some()),
            None => Ok(open),
        }
    }

    fn generate(&self, cx: &mut Context<'_>) -> Result<(), Failure> {
        if cx.check {
            return Ok(());
        }
        let new = cx.tmpdir()?.join("key");
        let file = new.to_string_lossy().into_owned();
        let size = self.size.to_string();
        let comment = self.comment.as_deref().unwrap_or_default();
        let mut words = vec!["-q", "-b", &size, "-t", &self.kind, "-f", &file, "-C", comment];
        match self.format.as_deref() {
            Some("pkcs1") => words.extend(["-m", "PEM"]),
            Some("pkcs8") => words.extend(["-m", "PKCS8"]),
            _ => {}
        }
        if self.passphrase.is_none() {
            words.extend(["-N", ""]);
        }
        let ran = self.keygen(cx, &words, true)?;
        if !ran.ok() {
            return Err(Failure::new(ran.err()).with("rc", ran.rc).with("stdout", ran.out()));
        }
        let private = cx.read_or_raise(&new)?;
        let public = cx.read_or_raise(&beside(&new))?;
        self.lay(cx, &self.path, &private, "0600")?;
        self.lay(cx, &self.public_path, &public, "0644")
    }

    /// Write a key; a new file has this mode.
    fn lay(&self, cx: &mut Context<'_>, at: &Path, key: &[u8], mode: &str) -> Result<(), Failure> {
        let born = FileAttributes { mode: Some(mode.into()), ..FileAttributes::default() };
        cx.write(Write::bytes(at, key).born_with(&born)).map(drop)
    }

    fn fits_public(&self, cx: &mut Context<'_>, old: Option<&Public>) -> Result<bool, Failure> {
        let Some(old) = old else { return Ok(false) };
        let Some(right) = self.matching(cx, true)? else { return Ok(false) };
        let comment = self.comment.as_ref().is_none_or(|comment| *comment == old.comment);
        Ok(old.kind == right.kind && old.data == right.data && comment)
    }

    /// Write the public key anew.
    fn restore(&self, cx: &mut Context<'_>) -> Result<(), Failure> {
        if cx.check {
            return Ok(());
        }
        let Some(right) = self.matching(cx, true)? else {
            let msg = "The public key is missing or does not match the private key. Unable to regenerate the public key.";
            return Err(Failure::new(msg));
        };
        let comment = self.comment.as_deref().filter(|comment| !comment.is_empty());
        let locked = self.format.is_some();
        let line = match comment.filter(|_| locked) {
            Some(comment) => format!("{right} {comment}\n"),
            None => format!("{right}\n"),
        };
        self.lay(cx, &self.public_path, line.as_bytes(), "0644")?;
        if let Some(comment) = comment.filter(|_| !locked) {
            // The private key has it too.
            let path = self.path.to_string_lossy().into_owned();
            self.keygen(cx, &["-q", "-o", "-c", "-C", comment, "-f", &path], false)?;
        }
        Ok(())
    }

    fn result(
        &self,
        cx: &Context<'_>,
        changed: bool,
        old: (Option<Private>, Option<Public>),
        new: Option<(Option<Private>, Option<Public>)>,
    ) -> Outcome {
        let (before, after) = (told(&old), new.as_ref().map(told).unwrap_or_default());
        let (new_private, new_public) = new.unwrap_or_default();
        let private = new_private.or(old.0);
        let public = new_public.or(old.1);
        let outcome = Outcome::new(changed)
            .with("size", self.size)
            .with("type", self.kind.as_str())
            .with("filename", self.path.to_string_lossy())
            .with("fingerprint", private.map(|it| it.fingerprint).unwrap_or_default())
            .with("public_key", public.as_ref().map(Public::to_string).unwrap_or_default())
            .with("comment", public.map(|it| it.comment).unwrap_or_default());
        if cx.diff { outcome.diff(Diff::of(before, after)) } else { outcome }
    }
}

fn beside(private: &Path) -> PathBuf {
    let mut name = private.as_os_str().to_owned();
    name.push(".pub");
    name.into()
}

fn told((private, public): &(Option<Private>, Option<Public>)) -> Map {
    let mut map = Map::new();
    let mut tell = |key: &str, value: Data| map.insert(key.to_owned(), value);
    if let Some(private) = private {
        tell("size", private.size.into());
        tell("type", private.kind.as_str().into());
        tell("fingerprint", private.fingerprint.as_str().into());
        tell("format", private.format.into());
    }
    if let Some(public) = public {
        tell("comment", public.comment.as_str().into());
        tell("public_key", public.data.as_str().into());
    }
    map
}

impl Public {
    fn parse(text: &str) -> Option<Public> {
        let mut words = text.trim_matches([' ', '\n', '\r']).splitn(3, ' ');
        Some(Public {
            kind: words.next()?.to_owned(),
            data: words.next()?.to_owned(),
            comment: words.next().unwrap_or_default().to_owned(),
        })
    }
}

impl std::fmt::Display for Public {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} {}", self.kind, self.data)
    }
}

#[cfg(test)]
mod tests {
    use crate::call::Call;
    use crate::target::Ran;
    use crate::target::fake::Fake;
    use serde_json::{Value, json};

    fn call(args: Value) -> (Value, Vec<String>) {
        let mut fake = Fake::new()
            .program("ssh-keygen")
            .file("/root/key", "-----BEGIN OPENSSH PRIVATE KEY-----\n")
            .file("/root/key.pub", "ssh-ed25519 AAAA me")
            .on("/usr/bin/ssh-keygen -l", Ran::of(0, "256 SHA256:x me (ED25519)\n", ""))
            .on("/usr/bin/ssh-keygen -P '' -y", Ran::of(0, "ssh-ed25519 AAAA me\n", ""));
        let result = Call::new("openssh_keypair", args).run_on(&mut fake).into();
        (result, fake.runs)
    }

    #[test]
    fn keys_that_fit_stay() {
        let (result, _) = call(json!({"path": "/root/key", "type": "ed25519"}));
        assert_eq!(result["changed"], false, "{result}");
        assert_eq!(result["public_key"], "ssh-ed25519 AAAA");
        assert_eq!(result["comment"], "me");
        let (result, _) = call(json!({"path": "/root/key", "regenerate": "fail"}));
        assert!(result["msg"].to_string().contains("wrong type and/or size"), "{result}");
        let (result, _) = call(json!({"path": "/root", "type": "ed25519"}));
        assert_eq!(result["msg"], "/root is a directory. Please specify a path to a file.");
        let (result, _) = call(json!({"path": "/root/key", "type": "ecdsa", "size": 1}));
        assert!(result["msg"].to_string().contains("three elliptic curve sizes"), "{result}");
    }
}
