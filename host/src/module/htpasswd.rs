//! `htpasswd`: files of names and passwords for web servers.

use std::path::Path;

use crate::crypt;
use crate::data;
use crate::module::{
    Args, CheckMode, Context, FILE_OPTIONS, Failure, FileAttributes, Lit, Module, Opt, Outcome,
    Write,
};

pub static MODULE: Module = Module {
    collection: "community.general",
    aliases: &["ansible.builtin.htpasswd"],
    description: "Keeps names and hashed passwords in a file that Apache, nginx and others read.\n\
                  Nothing is needed on the host.",
    options: &[
        Opt::path("path").required().aliases(&["dest", "destfile"]).doc("The file."),
        Opt::str("name").required().aliases(&["username"]).doc("The user."),
        Opt::str("password").no_log().doc("The password; needed for a user who is not there yet."),
        Opt::str("crypt_scheme").or_str("apr_md5_crypt").doc(
            "How the password is hashed: `apr_md5_crypt`, `md5_crypt`, `sha256_crypt`, `sha512_crypt`, `ldap_sha1` or \
             `plaintext`.",
        ),
        Opt::str("state")
            .or_str("present")
            .choices(&[Lit::Str("present"), Lit::Str("absent")])
            .doc("Whether the user is to be in the file."),
        Opt::bool("create").or(true).doc("Whether a file that is not there is made."),
    ],
    shared: &[FILE_OPTIONS],
    check_mode: CheckMode::Full,
    examples: "- name: Who may read the reports\n  community.general.htpasswd:\n    path: /etc/nginx/reports.users\n    name: alice\n    password: '{{ alice_password }}'\n    owner: root\n    group: www-data\n    mode: '0640'\n",
    ..Module::builtin("htpasswd", "Manages users of basic authentication", run)
};

fn run(cx: &mut Context<'_>, args: &mut Args) -> Result<Outcome, Failure> {
    let (path, name) = (args.path("path"), args.string("name"));
    let present = args.req("state") == "present";
    let there = cx.target.exists(&path);
    if !there && !present {
        cx.warn(format!("{} does not exist", path.display()));
        return Ok(Outcome::new(false).msg(format!("{name} not present")));
    }
    if !there && !args.bool("create") {
        return Err(Failure::new(format!("Destination {} does not exist", path.display())));
    }
    if !there && cx.check {
        return Ok(Outcome::new(true).msg(format!("Create {}", path.display())));
    }
    let old = if there { text(cx, &path)? } else { String::new() };
    let mut lines: Vec<String> =
        old.lines().filter(|line| !line.trim().is_empty()).map(str::to_owned).collect();
    let tidied = lines.len() != old.lines().count();
    let at = lines.iter().position(|line| line.split(':').next() == Some(name.as_str()));
    let (msg, changed) = if present {
        let hash = at.and_then(|at| lines[at].split(':').nth(1)).map(str::to_owned);
        match hash.map(|hash| fits(args, &hash)).transpose()? {
            Some(true) => (format!("{name} already present"), false),
            // Nothing is hashed, so nothing is missed.
            _ if cx.check => (format!("Add/update {name}"), true),
            _ => {
                let line = format!("{name}:{}", hashed(cx, args)?);
                match at {
                    Some(at) => lines[at] = line,
                    None => lines.push(line),
                }
                match there {
                    true => (format!("Add/update {name}"), true),
                    false => (format!("Created {} and added {name}", path.display()), true),
                }
            }
        }
    } else if let Some(at) = at {
        lines.remove(at);
        (format!("Remove {name}"), true)
    } else {
        (format!("{name} not present"), false)
    };
    let attributes = FileAttributes::of(cx, args, &path);
    if (changed || tidied) && !cx.check {
        if let Some(above) = path.parent().filter(|above| !above.as_os_str().is_empty())
            && !cx.target.exists(above)
        {
            cx.make_dirs(above).map_err(|error| Failure::new(error.to_string()))?;
        }
        let text: String = lines.iter().map(|line| format!("{line}\n")).collect();
        let real = cx.target.realpath(&path);
        let write = Write::bytes(&real, text.as_bytes())
            .unsafe_writes(args.bool("unsafe_writes"))
            .born_with(&attributes);
        cx.write(write)?;
    }
    // As in community.general, owner and mode are set but are no change that is told.
    cx.set_attributes(&path, &attributes, None)?;
    Ok(Outcome::new(changed).msg(msg))
}

fn text(cx: &mut Context<'_>, path: &Path) -> Result<String, Failure> {
    cx.target.read_text(path).map_err(|error| {
        Failure::new(crate::python::os_error(&error, crate::python::Subject::Text(path)))
    })
}

/// The password; there must be one.
fn password(args: &Args) -> Result<&[u8], Failure> {
    let password = args.str("password").map(str::as_bytes);
    password.ok_or_else(|| Failure::new("secret must be unicode or bytes, not None"))
}

/// Whether the password is the one that was hashed.
fn fits(args: &Args, hash: &str) -> Result<bool, Failure> {
    let password = password(args)?;
    let parts: Vec<&str> = hash.split('$').collect();
    let again = match parts.as_slice() {
        ["", "apr1", salt, _] => crypt::apr_md5_crypt(password, salt),
        ["", "1", salt, _] => crypt::md5_crypt(password, salt),
        ["", kind @ ("5" | "6"), rest @ ..] => {
            let (rounds, salt) = match rest {
                [rounds, salt, _] => (rounds.strip_prefix("rounds="), *salt),
                [salt, ..] => (None, *salt),
                [] => (None, ""),
            };
            sha(kind, password, salt, rounds.and_then(|rounds| rounds.parse().ok()))
        }
        ["", kind, ..] => {
            return Err(Failure::new(format!(
                "The hash in the file is of a kind that can't be checked here (${kind}$). Remove the user first."
            )));
        }
        _ if hash.starts_with("{SHA}") => ldap_sha1(password),
        _ => String::from_utf8_lossy(password).into_owned(),
    };
    Ok(again == hash)
}

fn sha(kind: &str, password: &[u8], salt: &str, rounds: Option<usize>) -> String {
    let hash = match kind {
        "5" => crypt::sha_crypt::<sha2::Sha256>(password, salt, rounds),
        _ => crypt::sha_crypt::<sha2::Sha512>(password, salt, rounds),
    };
    hash.unwrap_or_default()
}

fn ldap_sha1(password: &[u8]) -> String {
    use sha1::Digest;
    format!("{{SHA}}{}", data::base64_encode(&sha1::Sha1::digest(password)))
}

/// The hash that is written.
fn hashed(cx: &mut Context<'_>, args: &Args) -> Result<String, Failure> {
    let password = password(args)?;
    Ok(match args.req("crypt_scheme") {
        "apr_md5_crypt" => crypt::apr_md5_crypt(password, &salt(cx, 8)),
        "md5_crypt" => crypt::md5_crypt(password, &salt(cx, 8)),
        // As many rounds as passlib takes, which community.general has do it.
        "sha256_crypt" => sha("5", password, &salt(cx, 16), Some(535_000)),
        "sha512_crypt" => sha("6", password, &salt(cx, 16), Some(656_000)),
        "ldap_sha1" => ldap_sha1(password),
        "plaintext" => String::from_utf8_lossy(password).into_owned(),
        other => {
            return Err(Failure::new(format!(
                "crypt_scheme {other} is not there; take one of apr_md5_crypt, md5_crypt, sha256_crypt, sha512_crypt, \
                 ldap_sha1, plaintext"
            )));
        }
    })
}

fn salt(cx: &mut Context<'_>, length: usize) -> String {
    const ALPHABET: &[u8; 64] = b"./0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
    (0..length).map(|_| char::from(ALPHABET[(cx.target.random() % 64) as usize])).collect()
}

#[cfg(test)]
mod tests {
    use crate::call::Call;
    use crate::target::fake::Fake;
    use serde_json::{Value, json};

    fn call(fake: &mut Fake, args: Value) -> Value {
        let mut all = json!({"path": "/etc/users", "name": "bob", "password": "hush"});
        if let (Value::Object(all), Value::Object(args)) = (&mut all, args) {
            all.extend(args);
        }
        Call::new("htpasswd", all).run_on(fake).into()
    }

    #[test]
    fn users_come_once() {
        for scheme in ["apr_md5_crypt", "md5_crypt", "ldap_sha1", "plaintext"] {
            let mut fake = Fake::new();
            let result = call(&mut fake, json!({"crypt_scheme": scheme, "mode": "0600"}));
            assert_eq!(result["msg"], "Created /etc/users and added bob", "{result}");
            assert_eq!(fake.mode_of("/etc/users"), 0o600);
            let again = call(&mut fake, json!({"crypt_scheme": scheme}));
            assert_eq!(again["msg"], "bob already present", "{scheme}");
        }
    }

    #[test]
    fn other_lines_stay() {
        let mut fake = Fake::new().file("/etc/users", "# us\nann:x\n\nbob:{SHA}old=\nzoe:y\n");
        let result = call(&mut fake, json!({"crypt_scheme": "plaintext"}));
        assert_eq!(result["msg"], "Add/update bob");
        assert_eq!(fake.text("/etc/users"), "# us\nann:x\nbob:hush\nzoe:y\n");
        let result = call(&mut fake, json!({"state": "absent"}));
        assert_eq!(result["msg"], "Remove bob");
        assert_eq!(fake.text("/etc/users"), "# us\nann:x\nzoe:y\n");
        assert_eq!(call(&mut fake, json!({"state": "absent"}))["changed"], false);
        let result = call(&mut Fake::new(), json!({"state": "absent"}));
        assert_eq!(result["warnings"], json!(["/etc/users does not exist"]));
    }

    #[test]
    fn what_is_missing() {
        let result = call(&mut Fake::new(), json!({"create": false}));
        assert_eq!(result["msg"], "Destination /etc/users does not exist");
        let result = call(&mut Fake::new(), json!({"crypt_scheme": "bcrypt"}));
        assert!(result["msg"].as_str().is_some_and(|msg| msg.contains("bcrypt is not there")));
    }
}
