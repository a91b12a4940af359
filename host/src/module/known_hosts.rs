//! `known_hosts`: keys of ssh servers.

use std::path::Path;

use sha1::{Digest, Sha1};

use crate::data::{Map, base64_encode};
use crate::module::{Args, CheckMode, Context, Diff, Failure, Lit, Module, Opt, Outcome, Write};
use crate::python::{self, Subject};
use crate::regex::{Flags, Pattern};
use crate::target::Run;

pub static MODULE: Module = Module {
    description: "Adds and removes keys of ssh servers in a file such as `known_hosts`. The host needs the program `ssh-keygen`.",
    options: &[
        Opt::str("name").required().aliases(&["host"]).doc("The server."),
        Opt::str("key").not_secret().doc(
            "Its whole line, as `ssh-keyscan` shows it; without it all of the server's keys are removed.",
        ),
        Opt::path("path").or_str("~/.ssh/known_hosts").doc("The file."),
        Opt::bool("hash_host").or(false).doc("Whether the server's name is hidden in a new line."),
        Opt::str("state")
            .or_str("present")
            .choices(&[Lit::Str("absent"), Lit::Str("present")])
            .doc("Whether the key is to be there."),
    ],
    check_mode: CheckMode::Full,
    examples: "- name: The key of the git server\n  ansible.builtin.known_hosts:\n    name: git.example.com\n    key: git.example.com ssh-ed25519 AAAAC3Nz...\n",
    ..Module::builtin("known_hosts", "Manages keys of ssh servers", run)
};

/// What the file says of the server.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct Found {
    /// The server is in it.
    host: bool,
    /// With another key than the task's.
    other_key: bool,
    /// The number of the line with the key, or with one of its kind.
    line: Option<usize>,
}

fn run(cx: &mut Context<'_>, args: &mut Args) -> Result<Outcome, Failure> {
    let host = args.req("name").to_lowercase();
    let present = args.req("state") == "present";
    let path = args.string("path");
    let keygen = cx.program("ssh-keygen")?.to_string_lossy().into_owned();
    let mut key = args.str("key").filter(|key| !key.is_empty()).map(String::from);
    if key.is_none() && present {
        return Err(Failure::new("No key specified when adding a host"));
    }
    if let Some(key) = &mut key {
        if args.bool("hash_host") {
            *key = hashed(cx, &host, key)?;
        }
        if !key.ends_with('\n') {
            key.push('\n');
        }
        check(cx, &host, key, &keygen)?;
    }
    let found = find(cx, &host, key.as_deref(), &path, &keygen)?;
    let diff = difference(cx, &path, found, present, key.as_deref());
    let mut result: Map = args.values().clone();
    if !present && found.line.is_none() && key.is_some() {
        result.insert("changed".into(), false.into());
        return Ok(Outcome::silent().with_all(result).diff(diff));
    }
    let differs = found.other_key || found.host != present;
    if cx.check {
        return Ok(Outcome::new(differs).diff(diff));
    }
    if found.host && key.is_none() && !present {
        let remove = Run::argv([keygen.as_str(), "-R", &host, "-f", &path]);
        cx.run_ok(&remove)?;
        result.insert("changed".into(), true.into());
    }
    if differs {
        write(cx, &path, found, present, key.as_deref())?;
        result.insert("changed".into(), true.into());
    }
    Ok(Outcome::silent().with_all(result).diff(diff))
}

/// The key's line with the server's name hidden.
fn hashed(cx: &mut Context<'_>, host: &str, key: &str) -> Result<String, Failure> {
    let salt: Vec<u8> = (0..3).flat_map(|_| cx.target.random().to_ne_bytes()).take(20).collect();
    let mut words: Vec<String> = key.split_whitespace().map(String::from).collect();
    let at = usize::from(words.first().is_some_and(|word| word.starts_with('@')));
    let Some(name) = words.get_mut(at) else {
        return Err(Failure::crash("IndexError", "list index out of range"));
    };
    let digest = hmac_sha1(&salt, host.as_bytes());
    *name = format!("|1|{}|{}", base64_encode(&salt), base64_encode(&digest));
    Ok(words.join(" "))
}

/// HMAC of a key that is shorter than a block.
fn hmac_sha1(key: &[u8], text: &[u8]) -> Vec<u8> {
    let mut block = [0_u8; 64];
    block[..key.len()].copy_from_slice(key);
    let padded = |pad: u8| block.map(|byte| byte ^ pad);
    let inner = Sha1::new().chain_update(padded(0x36)).chain_update(text).finalize();
    Sha1::new().chain_update(padded(0x5c)).chain_update(inner).finalize().to_vec()
}

/// Whether the key is one of the server's, in the eyes of ssh-keygen, which knows hidden names.
fn check(cx: &mut Context<'_>, host: &str, key: &str, keygen: &str) -> Result<(), Failure> {
    let list = Pattern::new(r"\S+(\s+)?,(\s+)?", Flags::default())?;
    if list.search(host)?.is_some() {
        return Err(Failure::new(
            "Comma separated list of names is not supported. Please pass a single name to lookup in the known_hosts file.",
        ));
    }
    let file = cx.tmpdir()?.join("key");
    cx.target.create(&file, key.as_bytes(), 0o600).map_err(|error| {
        Failure::new(format!(
            "Failed to write to temporary file {}: {}",
            file.display(),
            python::os_error(&error, Subject::None)
        ))
    })?;
    let look = Run::argv([keygen, "-F", host, "-f"]).arg(&file);
    match cx.run(&look)?.stdout.is_empty() {
        false => Ok(()),
        true => {
            Err(Failure::new("Host parameter does not match hashed host field in supplied key"))
        }
    }
}

fn find(
    cx: &mut Context<'_>,
    host: &str,
    key: Option<&str>,
    path: &str,
    keygen: &str,
) -> Result<Found, Failure> {
    if !cx.target.exists(path.as_ref()) {
        return Ok(Found::default());
    }
    let ran = cx.run(&Run::argv([keygen, "-F", host, "-f", path]))?;
    let (out, err) = (ran.out(), ran.err());
    if out.is_empty() && err.is_empty() && matches!(ran.rc, 0 | 1) {
        return Ok(Found::default());
    }
    if !ran.ok() {
        return Err(Failure::new(format!(
            "ssh-keygen failed (rc={}, stdout='{out}',stderr='{err}')",
            ran.rc
        )));
    }
    let Some(key) = key else { return Ok(Found { host: true, ..Found::default() }) };
    let mut wanted = Key::read(key)?;
    let mut line = None;
    for shown in out.split('\n').filter(|shown| !shown.is_empty()) {
        if let Some(comment) = shown.strip_prefix('#') {
            line = Some(line_number(comment)?);
            continue;
        }
        let there = Key::read(shown)?;
        if wanted.host.starts_with("|1|") && there.host.starts_with("|1|") {
            wanted.host = there.host;
        }
        if wanted == there {
            return Ok(Found { host: true, other_key: false, line });
        }
        if wanted.kind == there.kind {
            return Ok(Found { host: true, other_key: true, line });
        }
    }
    Ok(Found { host: true, other_key: true, line: None })
}

/// The number in `# Host git.example.com found: line 3`.
fn line_number(comment: &str) -> Result<usize, Failure> {
    let digits = comment.split_once("found: line ").map_or("", |(_, rest)| rest);
    let end = digits.find(|c: char| !c.is_ascii_digit()).unwrap_or(digits.len());
    digits[..end]
        .parse()
        .map_err(|_| Failure::crash("AttributeError", "'NoneType' object has no attribute 'group'"))
}

/// A line of the file without its comment.
#[derive(Debug, PartialEq, Eq)]
struct Key<'a> {
    /// `@cert-authority`, `@revoked`.
    marker: Option<&'a str>,
    host: &'a str,
    kind: &'a str,
    key: &'a str,
}

impl<'a> Key<'a> {
    fn read(line: &'a str) -> Result<Key<'a>, Failure> {
        let mut words = line.split_whitespace().peekable();
        let marker = words.next_if(|word| word.starts_with('@'));
        match (words.next(), words.next(), words.next()) {
            (Some(host), Some(kind), Some(key)) => Ok(Key { marker, host, kind, key }),
            _ => Err(Failure::crash("IndexError", "list index out of range")),
        }
    }
}

fn lines(text: &str) -> Vec<&str> {
    text.split_inclusive('\n').collect()
}

/// The file before and after. Whether the key is there is told by its line, or one of its kind.
fn difference(
    cx: &mut Context<'_>,
    path: &str,
    found: Found,
    present: bool,
    key: Option<&str>,
) -> Diff {
    let text = cx.target.read_text(path.as_ref());
    let missing = text.as_ref().is_err_and(|e| e.kind() == std::io::ErrorKind::NotFound);
    let before = text.unwrap_or_default().replace("\r\n", "\n");
    let mut after = lines(&before);
    if let Some(line) = found.line
        && (found.other_key || !present)
        && (1..=after.len()).contains(&line)
    {
        after.remove(line - 1);
    }
    if present && (found.other_key || found.line.is_none()) {
        after.extend(key);
    }
    let after = after.concat();
    let before_header = if missing { "/dev/null" } else { path };
    Diff::of(before, after).headers(before_header, path)
}

fn write(
    cx: &mut Context<'_>,
    path: &str,
    found: Found,
    present: bool,
    key: Option<&str>,
) -> Result<(), Failure> {
    let path = Path::new(path);
    let before = match cx.target.read_text(path) {
        Ok(text) => text,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => String::new(),
        Err(error) => {
            return Err(Failure::new(format!(
                "Failed to read {}: {}",
                path.display(),
                python::os_error(&error, Subject::Text(path))
            )));
        }
    };
    let folder = crate::target::account::parent(path);
    if let Err(error) = cx.target.stat(folder) {
        return Err(Failure::new(format!(
            "Failed to write to file {}: {}",
            path.display(),
            python::os_error(&error, Subject::Text(folder))
        )));
    }
    let drop = found.line.filter(|_| found.other_key || !present);
    let mut after: Vec<&str> = lines(&before);
    if let Some(line) = drop.filter(|line| (1..=after.len()).contains(line)) {
        after.remove(line - 1);
    }
    after.extend(key.filter(|_| present));
    cx.write(Write::bytes(path, after.concat().as_bytes())).map(|_| ())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_hidden_as_ssh_hides_them() {
        // RFC 2202, case 3 has such a key.
        let digest = hmac_sha1(&[0xaa; 20], &[0xdd; 50]);
        assert_eq!(crate::data::hex(&digest), "125d7342b9ac11cd91a39af48aa17b4f63f175d3");
    }

    #[test]
    fn lines_are_read() {
        let key = Key::read("@revoked a,b ssh-rsa AAAA me@there\n").ok();
        let marker = Some("@revoked");
        assert_eq!(key, Some(Key { marker, host: "a,b", kind: "ssh-rsa", key: "AAAA" }));
        assert!(Key::read("a ssh-rsa").is_err());
        assert_eq!(line_number(" Host a found: line 12 ").ok(), Some(12));
    }
}
