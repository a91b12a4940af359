//! `authorized_key`: the keys by which SSH lets a user in.

use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::http::{self, Request};
use crate::module::{
    Args, CheckMode, Context, Diff, Failure, Lit, Module, Opt, Outcome, Returned, Write,
};
use crate::python::{self, Subject};
use crate::regex::{Flags, Pattern};

pub static MODULE: Module = Module {
    collection: "ansible.posix",
    aliases: &["ansible.builtin.authorized_key"],
    description: "Adds public keys to the file that tells SSH who may log in as a user, or removes them.",
    options: &[
        Opt::str("user").required().doc("The user whose file it is."),
        Opt::str("key")
            .required()
            .not_secret()
            .doc("The public keys, one a line, or an address where they are."),
        Opt::path("path").doc("The file, if it is not `~/.ssh/authorized_keys` of the user."),
        Opt::bool("manage_dir").or(true).doc(
            "See to the directory of the file too: that it is there, whose it is, and its mode.",
        ),
        Opt::str("state")
            .or_str("present")
            .choices(&[Lit::Str("absent"), Lit::Str("present")])
            .doc("Whether the keys shall be there."),
        Opt::str("key_options")
            .not_secret()
            .doc("What stands before each key: options of SSH with commas between."),
        Opt::bool("exclusive")
            .or(false)
            .doc("Remove all other keys. With a loop, only the last item's keys stay."),
        Opt::str("comment").doc("What stands behind each key, in place of what does."),
        Opt::bool("validate_certs")
            .or(true)
            .doc("Insist on a valid certificate where the keys come from an address."),
        Opt::bool("follow")
            .or(false)
            .doc("Write the file that a link leads to, and leave the link."),
    ],
    check_mode: CheckMode::Full,
    returns: &[Returned::new("keyfile", "str", "success", "The file.")],
    examples: "- name: The key of a user\n  ansible.posix.authorized_key:\n    user: charlie\n    key: \"{{ lookup('file', '/home/charlie/.ssh/id_ed25519.pub') }}\"\n",
    ..Module::builtin("authorized_key", "Manages keys that SSH lets in", run)
};

/// Kinds of keys that are known.
const KINDS: &[&str] = &[
    "ssh-ed25519",
    "ssh-rsa",
    "ssh-dss",
    "ecdsa-sha2-nistp256",
    "ecdsa-sha2-nistp384",
    "ecdsa-sha2-nistp521",
    "rsa-sha2-256",
    "rsa-sha2-512",
    "ssh-xmss@openssh.com",
    "sk-ssh-ed25519@openssh.com",
    "sk-ecdsa-sha2-nistp256@openssh.com",
    "webauthn-sk-ecdsa-sha2-nistp256@openssh.com",
    "ssh-ed25519-cert-v01@openssh.com",
    "ssh-rsa-cert-v01@openssh.com",
    "ssh-dss-cert-v01@openssh.com",
    "ecdsa-sha2-nistp256-cert-v01@openssh.com",
    "ecdsa-sha2-nistp384-cert-v01@openssh.com",
    "ecdsa-sha2-nistp521-cert-v01@openssh.com",
    "rsa-sha2-256-cert-v01@openssh.com",
    "rsa-sha2-512-cert-v01@openssh.com",
    "ssh-xmss-cert-v01@openssh.com",
    "sk-ssh-ed25519-cert-v01@openssh.com",
    "sk-ecdsa-sha2-nistp256-cert-v01@openssh.com",
];

fn run(cx: &mut Context<'_>, args: &mut Args) -> Result<Outcome, Failure> {
    let wanted = wanted(cx, args)?;
    let path = args.str("path").map(PathBuf::from);
    let file = key_file(cx, args, path.as_deref(), false)?;
    let is_file = cx.target.stat(&file).is_ok_and(|stat| stat.is_file());
    let before = match is_file {
        true => String::from_utf8_lossy(&cx.read_or_raise(&file)?).into_owned(),
        false => String::new(),
    };
    let mut keys = Keys::of(&before)?;
    let changed = keys.change(&wanted, args)?;
    let mut outcome = Outcome::silent().with_all(args.values().clone());
    outcome = outcome.with("keyfile", file.to_string_lossy());
    if !changed {
        return Ok(outcome);
    }
    let to = key_file(cx, args, path.as_deref(), true)?;
    let after = keys.text();
    if cx.diff {
        let headers = (file.to_string_lossy(), to.to_string_lossy());
        outcome = outcome.diff(Diff::of(before, after.as_str()).headers(headers.0, headers.1));
    }
    if !cx.check {
        cx.write(Write::bytes(&to, after.as_bytes()))?;
    }
    outcome.changed = Some(true);
    Ok(outcome)
}

/// The lines with keys that are asked for.
fn wanted(cx: &mut Context<'_>, args: &Args) -> Result<Vec<String>, Failure> {
    let key = args.req("key");
    let text = match key.starts_with("http") {
        false => key.to_owned(),
        true => {
            let failed = || Failure::new(format!("Error getting key from: {key}"));
            let mut fetched = cx.fetch(Request {
                follow: http::Follow::Urllib,
                timeout: Some(Duration::from_secs(10)),
                ..Request { validate_certs: args.bool("validate_certs"), ..Request::get(key) }
            })?;
            let mut bytes = Vec::new();
            let response = fetched.response.as_mut().filter(|_| fetched.status == Some(200));
            let read = response.map(|from| std::io::Read::read_to_end(&mut from.body, &mut bytes));
            match read {
                Some(Ok(_)) => String::from_utf8_lossy(&bytes).into_owned(),
                _ => return Err(failed()),
            }
        }
    };
    let lines = text.split(['\n', '\r']);
    Ok(lines.filter(|line| !line.is_empty() && !line.starts_with('#')).map(String::from).collect())
}

/// The file's path. To be written, it and its directory are made, and given to the user.
fn key_file(
    cx: &mut Context<'_>,
    args: &Args,
    path: Option<&Path>,
    write: bool,
) -> Result<PathBuf, Failure> {
    // Only when it comes to writing does ansible look where a link leads.
    let follow = write && args.bool("follow");
    if let Some(path) = path.filter(|_| cx.check) {
        return Ok(if follow { cx.target.realpath(path) } else { path.to_owned() });
    }
    let name = args.req("user");
    let Some(user) = cx.target.user_by_name(name) else {
        if cx.check {
            return Err(Failure::new(
                "Either user must exist or you must provide full path to key file in check mode",
            ));
        }
        let why =
            python::repr_str(&format!("getpwnam(): name not found: {}", python::repr_str(name)));
        return Err(Failure::new(format!("Failed to lookup user {name}: {why}")));
    };
    let (folder, mut file) = match path {
        None => {
            let folder = Path::new(&user.home).join(".ssh");
            (folder.clone(), folder.join("authorized_keys"))
        }
        Some(path) => (path.parent().unwrap_or(Path::new("")).to_owned(), path.to_owned()),
    };
    if follow {
        file = cx.target.realpath(&file);
    }
    if !write || cx.check {
        return Ok(file);
    }
    let crash = |error: std::io::Error, path: &Path| {
        Failure::crash(python::os_class(&error), python::os_error(&error, Subject::Text(path)))
    };
    if args.bool("manage_dir") {
        if !cx.target.exists(&folder) {
            cx.target.mkdir(&folder, 0o700).map_err(|error| {
                let text = python::os_error(&error, Subject::Text(&folder));
                Failure::new(format!("Failed to create directory {} : {text}", folder.display()))
            })?;
        }
        cx.target
            .chown(&folder, Some(user.uid), Some(user.gid))
            .and_then(|()| cx.target.chmod(&folder, 0o700))
            .map_err(|error| crash(error, &folder))?;
    }
    if !cx.target.exists(&file) {
        let above = file.parent().unwrap_or(Path::new("")).to_owned();
        if !cx.target.exists(&above) {
            cx.make_dirs(&above).map_err(|error| crash(error, &above))?;
        }
        cx.target.create(&file, b"", 0o600).map_err(|error| crash(error, &file))?;
    }
    // Who may not do this may still write the file.
    let _ = cx
        .target
        .chown(&file, Some(user.uid), Some(user.gid))
        .and_then(|()| cx.target.chmod(&file, 0o600));
    Ok(file)
}

/// Options before a key, in their order.
type Options = Vec<(String, Option<String>)>;

/// A line of the file.
#[derive(Clone)]
struct Line {
    /// The key itself, or the whole of a line that has none.
    id: String,
    key: Option<Key>,
    rank: usize,
}

#[derive(Clone)]
struct Key {
    kind: String,
    options: Options,
    comment: String,
}

impl Key {
    /// Whether two are the same for ansible: options may stand in another order.
    fn is_like(&self, other: &Key) -> bool {
        let values = |options: &Options, name: &str| -> Vec<Option<String>> {
            options.iter().filter(|(n, _)| n == name).map(|(_, value)| value.clone()).collect()
        };
        self.kind == other.kind
            && self.comment == other.comment
            && self.options.len() == other.options.len()
            && self
                .options
                .iter()
                .all(|(name, _)| values(&self.options, name) == values(&other.options, name))
    }
}

/// The file's lines.
struct Keys(Vec<Line>);

impl Keys {
    fn of(text: &str) -> Result<Keys, Failure> {
        let mut keys = Keys(Vec::new());
        for (rank, line) in text.split_inclusive('\n').enumerate() {
            let parsed = parsed(line, rank)?;
            keys.put(parsed.unwrap_or_else(|| Line { id: line.to_owned(), key: None, rank }));
        }
        Ok(keys)
    }

    /// Adds a line; one with the same key gives way.
    fn put(&mut self, line: Line) {
        match self.0.iter_mut().find(|known| known.id == line.id) {
            Some(known) => *known = line,
            None => self.0.push(line),
        }
    }

    fn change(&mut self, wanted: &[String], args: &Args) -> Result<bool, Failure> {
        let present = args.req("state") == "present";
        let after = self.0.len();
        let mut changed = false;
        let mut stay = Vec::new();
        for (rank, text) in wanted.iter().enumerate() {
            let Some(mut new) = parsed(text, rank)? else {
                return Err(Failure::new(format!("invalid key specified: {text}")));
            };
            if let Some(key) = &mut new.key {
                if let Some(options) = args.str("key_options") {
                    key.options = parsed_options(options)?;
                }
                if let Some(comment) = args.str("comment") {
                    comment.clone_into(&mut key.comment);
                }
            }
            let known = self.0.iter().position(|known| known.id == new.id);
            if !present {
                if let Some(known) = known {
                    self.0.remove(known);
                    changed = true;
                }
                continue;
            }
            stay.push(new.id.clone());
            let same = known.is_some_and(|at| match (&self.0[at].key, &new.key) {
                (Some(known), Some(new)) => known.is_like(new),
                (None, None) => true,
                _ => false,
            });
            if !same {
                new.rank += after;
                self.put(new);
                changed = true;
            }
        }
        if present && args.bool("exclusive") {
            let before = self.0.len();
            self.0.retain(|line| stay.contains(&line.id));
            changed |= self.0.len() != before;
        }
        Ok(changed)
    }

    fn text(&mut self) -> String {
        self.0.sort_by_key(|line| line.rank);
        let line = |line: &Line| match &line.key {
            None => line.id.clone(),
            Some(key) => {
                let options: Vec<String> = key
                    .options
                    .iter()
                    .map(|(name, value)| match value {
                        Some(value) => format!("{name}={value}"),
                        None => name.clone(),
                    })
                    .collect();
                let space = if options.is_empty() { "" } else { " " };
                format!("{}{space}{} {} {}\n", options.join(","), key.kind, line.id, key.comment)
            }
        };
        self.0.iter().map(line).collect()
    }
}

/// A line taken apart; `None` if it has no key that is known.
fn parsed(text: &str, rank: usize) -> Result<Option<Line>, Failure> {
    let text = text.replace("\\#", "#");
    let words: Vec<&str> =
        text.split([' ', '\t', '\r', '\n']).filter(|word| !word.is_empty()).collect();
    if words.first() == Some(&"#") {
        return Ok(Some(Line { id: text, key: None, rank }));
    }
    let Some(at) = words.iter().position(|word| KINDS.contains(word)) else { return Ok(None) };
    let Some(id) = words.get(at + 1) else {
        return Err(Failure::crash("IndexError", "list index out of range"));
    };
    let key = Key {
        kind: words[at].to_owned(),
        options: parsed_options(&words[..at].join(" "))?,
        comment: words[at + 2..].join(" "),
    };
    Ok(Some(Line { id: (*id).to_owned(), key: Some(key), rank }))
}

/// Options between commas, of which those in quotes don't count.
fn parsed_options(text: &str) -> Result<Options, Failure> {
    if text.is_empty() {
        return Ok(Vec::new());
    }
    let pattern = Pattern::new(r#"((?:[^,"']|"[^"]*"|'[^']*')+)"#, Flags::default())?;
    let parts: Vec<String> = pattern.split(text, 0)?.into_iter().flatten().collect();
    let inner = parts.get(1..parts.len().saturating_sub(1)).unwrap_or_default();
    Ok(inner
        .iter()
        .filter(|part| part.contains('=') || *part != ",")
        .map(|part| match part.split_once('=') {
            Some((name, value)) => (name.to_owned(), Some(value.to_owned())),
            None => (part.clone(), None),
        })
        .collect())
}

#[cfg(test)]
mod tests {
    use crate::call::Call;
    use crate::target::fake::Fake;
    use serde_json::{Value, json};

    fn edited(content: &str, mut args: Value) -> (bool, String) {
        let mut fake = Fake::new().file("/k/keys", content);
        args["path"] = json!("/k/keys");
        args["user"] = json!("root");
        let result = Call::new("ansible.posix.authorized_key", args).run_on(&mut fake);
        assert!(!result.contains_key("failed"), "{result:?}");
        (result.get("changed") == Some(&json!(true)), fake.text("/k/keys"))
    }

    #[test]
    fn keys_come_and_go() {
        let file = "# who\nssh-rsa AAA a@b\nfrom=\"1,2\",no-pty ssh-ed25519 BBB c d\n";
        for (args, after) in [
            (json!({"key": "ssh-rsa AAA a@b"}), None),
            (json!({"key": "no-pty,from=\"1,2\" ssh-ed25519 BBB c d"}), None),
            (json!({"key": "ssh-rsa CCC"}), Some(format!("{file}ssh-rsa CCC \n"))),
            (
                json!({"key": "ssh-rsa AAA", "comment": "new", "key_options": "no-pty"}),
                Some(
                    "# who\nfrom=\"1,2\",no-pty ssh-ed25519 BBB c d\nno-pty ssh-rsa AAA new\n"
                        .to_owned(),
                ),
            ),
            (
                json!({"key": "ssh-rsa AAA", "state": "absent"}),
                Some("# who\nfrom=\"1,2\",no-pty ssh-ed25519 BBB c d\n".to_owned()),
            ),
            (
                json!({"key": "ssh-rsa DDD x\nssh-rsa AAA a@b", "exclusive": true}),
                Some("ssh-rsa AAA a@b\nssh-rsa DDD x\n".to_owned()),
            ),
        ] {
            let expected = (after.is_some(), after.unwrap_or_else(|| file.to_owned()));
            assert_eq!(edited(file, args.clone()), expected, "{args}");
        }
    }
}
