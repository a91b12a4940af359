//! `password`: random passwords, kept in files.

use std::{
    fs::{DirBuilder, OpenOptions},
    io::Write,
    os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt},
    path::{Path, PathBuf},
    time::Duration,
};

use sha1::{Digest, Sha1};

use super::{
    Call, Lookup,
    call::into_text,
    options::{Default, Opt, Options, Type},
};
use crate::{
    paths,
    splitter::parse_kv,
    template::{
        args::to_int,
        filters::{PasswordSettings, encrypt_password, hash_defaults, random_salt},
        templar::ansible,
    },
    value::{
        PyError, PyErrorKind, PyResult, Value, access, random::Random, repr::to_text,
        text::is_space,
    },
};

pub(super) static LOOKUP: Lookup = Lookup::builtin(
    "password",
    "A random password, the same each time for the same file.",
    &[
        Opt::new("encrypt", Type::Any),
        Opt::new("ident", Type::Text),
        Opt::new("chars", Type::List).default(Default::List(&["ascii_letters", "digits", ".,:-_"])),
        Opt::new("length", Type::Int).default(Default::Int(20)),
        Opt::new("seed", Type::Text),
    ],
    run,
);

/// What is asked for.
struct Wanted {
    length: Value,
    encrypt: Option<String>,
    ident: Option<String>,
    seed: Value,
    chars: String,
}

fn run(call: &Call<'_>) -> PyResult<Vec<Value>> {
    let options = call.options()?;
    let mut found = Vec::new();
    for term in call.each()? {
        let (path, wanted) = parse(&to_text(&term)?, &options)?;
        let path = paths::dwim(&call.basedir(), &path);
        let kept = path != Path::new("/dev/null");
        let lock = if kept { Some(Lock::take(&path)?) } else { None };
        let password = password(&path, kept, &wanted)?;
        drop(lock);
        found.push(Value::from(match &wanted.encrypt {
            None => password.text,
            Some(scheme) => {
                let settings = PasswordSettings {
                    salt: password.salt,
                    ident: password.ident,
                    ..PasswordSettings::default()
                };
                encrypt_password(&password.text, scheme, settings)
                    .map_err(|e| PyError { kind: PyErrorKind::Ansible, ..e })?
            }
        }));
    }
    Ok(found)
}

/// The path and the parameters in a term like `path/to/file length=15 chars=digits`.
fn parse(term: &str, options: &Options) -> PyResult<(String, Wanted)> {
    let mut path = term.to_owned();
    let mut given = crate::value::Dict::new();
    if let Some((first, rest)) = term.split_once(' ') {
        given = parse_kv(rest, false).map_err(|e| ansible(e.message()))?;
        first.clone_into(&mut path);
        if let Some(more) = given.remove("_raw_params") {
            // There are spaces in the path.
            path = format!("{first} {}", to_text(&more)?);
            if !term.starts_with(&path) {
                return Err(ansible(
                    "Unrecognized value after key=value parameters given to password lookup",
                ));
            }
        }
    }
    let names = given.snapshot().into_iter().map(|(name, _)| name.value().to_text());
    let known = ["length", "encrypt", "chars", "ident", "seed"];
    let unknown: Vec<String> = names.filter(|n| !known.contains(&n.as_str())).collect();
    if !unknown.is_empty() {
        return Err(ansible(format!(
            "Unrecognized parameter(s) given to password lookup: {}",
            unknown.join(", ")
        )));
    }
    let get = |name: &str| given.get(name).unwrap_or_else(|| options.get(name));
    let text = |name: &str| match get(name) {
        value if !value.is_true() => Ok(None),
        value => to_text(&value).map(Some),
    };
    let wanted = Wanted {
        length: to_int(&get("length"))?,
        encrypt: text("encrypt")?,
        ident: text("ident")?,
        seed: get("seed"),
        chars: alphabet(&get("chars"))?,
    };
    Ok((path, wanted))
}

/// The characters that `chars` means: names of Python's `string` module, or characters themselves.
fn alphabet(chars: &Value) -> PyResult<String> {
    let mut parts = Vec::new();
    match chars {
        Value::Str(s) => {
            // Two commas anywhere stand for a comma.
            if s.contains(",,") {
                parts.push(",".to_owned());
            }
            let plain = s.replace(",,", ",");
            parts.extend(plain.split(',').filter(|p| !p.is_empty()).map(str::to_owned));
        }
        other => {
            for part in access::iterate(other)? {
                parts.push(to_text(&part)?);
            }
        }
    }
    let all: String = parts.iter().map(|part| named_characters(part).unwrap_or(part)).collect();
    Ok(all.replace(['"', '\''], ""))
}

fn named_characters(name: &str) -> Option<&'static str> {
    Some(match name {
        "ascii_letters" => "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ",
        "ascii_lowercase" => "abcdefghijklmnopqrstuvwxyz",
        "ascii_uppercase" => "ABCDEFGHIJKLMNOPQRSTUVWXYZ",
        "digits" => "0123456789",
        "hexdigits" => "0123456789abcdefABCDEF",
        "octdigits" => "01234567",
        "punctuation" => "!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~",
        "whitespace" => " \t\n\r\u{b}\u{c}",
        "printable" => {
            "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ!\"#$%&'()*+,-./:;<=>\
             ?@[\\]^_`{|}~ \t\n\r\u{b}\u{c}"
        }
        _ => return None,
    })
}

/// A password with what it is hashed with.
struct Password {
    text: String,
    salt: Option<String>,
    ident: Option<String>,
}

/// The password of a file, made now if there is none.
fn password(path: &Path, kept: bool, wanted: &Wanted) -> PyResult<Password> {
    let content = if kept && path.exists() { Some(read(path)?) } else { None };
    let is_new = content.is_none();
    let (text, mut salt) = match content {
        Some(content) => parse_content(&content),
        None => (random(wanted)?, None),
    };
    let mut changed = is_new;
    let mut ident = wanted.ident.clone();
    if let Some(scheme) = &wanted.encrypt {
        let (salt_size, implicit) = hash_defaults(scheme).unwrap_or((8, None));
        if salt.is_none() {
            changed = true;
            salt = Some(random_salt(salt_size)?);
        }
        if ident.is_none() {
            // ansible-core 2.14 writes the file anew each time that no ident is given.
            changed = true;
            ident = implicit.map(str::to_owned);
        }
    }
    let password = Password { text, salt, ident };
    if changed && kept {
        write(path, &password.content())?;
    }
    Ok(password)
}

impl Password {
    /// What stands in the file.
    fn content(&self) -> String {
        match (&self.salt, &self.ident) {
            (None, _) => self.text.clone(),
            (Some(salt), None) => format!("{} salt={salt}", self.text),
            (Some(salt), Some(ident)) => format!("{} salt={salt} ident={ident}", self.text),
        }
    }
}

/// The password and the salt in a file's text.
fn parse_content(content: &str) -> (String, Option<String>) {
    let Some((password, rest)) = content.rsplit_once(" salt=") else {
        return (content.to_owned(), None);
    };
    let salt = rest.rsplit_once(" ident=").map_or(rest, |(salt, _)| salt);
    (password.to_owned(), Some(salt.to_owned()).filter(|s| !s.is_empty()))
}

fn random(wanted: &Wanted) -> PyResult<String> {
    let chars: Vec<char> = wanted.chars.chars().collect();
    let mut source = match &wanted.seed {
        Value::None => Random::System,
        seed => Random::seeded(seed)?,
    };
    let Value::Int(length) = wanted.length else { return Ok(String::new()) };
    if chars.is_empty() && length > 0 {
        let message = "Cannot choose from an empty sequence";
        return Err(PyError::new(PyErrorKind::IndexError, message));
    }
    (0..length).map(|_| Ok(chars[source.below(chars.len())?])).collect()
}

fn os_error(e: &std::io::Error, path: &Path) -> PyError {
    let why = crate::diagnostic::ansible::os_error(e, None);
    PyError::new(PyErrorKind::OSError, format!("{why}: b'{}'", path.display()))
}

fn read(path: &Path) -> PyResult<String> {
    let bytes = std::fs::read(path).map_err(|e| os_error(&e, path))?;
    Ok(into_text(bytes).trim_end_matches(is_space).to_owned())
}

fn make_folder(path: &Path) -> PyResult<()> {
    let Some(folder) = path.parent() else { return Ok(()) };
    let made = DirBuilder::new().recursive(true).mode(0o700).create(folder);
    made.map_err(|e| {
        let why = crate::diagnostic::ansible::os_error(&e, Some(folder));
        let shown = folder.display();
        ansible(format!("Unable to create local directories({shown}): {why}"))
    })
}

fn write(path: &Path, content: &str) -> PyResult<()> {
    make_folder(path)?;
    let opened = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(path);
    let mut file = opened.map_err(|e| os_error(&e, path))?;
    file.set_permissions(std::fs::Permissions::from_mode(0o600))
        .and_then(|()| writeln!(file, "{content}"))
        .map_err(|e| os_error(&e, path))
}

/// Keeps others from making the same password meanwhile.
struct Lock(Option<PathBuf>);

impl Lock {
    /// Takes the lock, or waits until whoever has it is done.
    fn take(path: &Path) -> PyResult<Self> {
        let digest = Sha1::digest(path.as_os_str().as_encoded_bytes());
        let name: String = digest.iter().map(|b| format!("{b:02x}")).collect();
        let lock = path.with_file_name(format!("{name}.ansible_lockfile"));
        if !lock.exists() {
            make_folder(path)?;
            let made = OpenOptions::new().write(true).create_new(true).mode(0o777).open(&lock);
            match made {
                Ok(_) => return Ok(Self(Some(lock))),
                Err(e) if e.kind() == std::io::ErrorKind::AlreadyExists => {}
                Err(e) => return Err(os_error(&e, &lock)),
            }
        }
        for seconds in [1, 2, 4] {
            std::thread::sleep(Duration::from_secs(seconds));
            if !lock.exists() {
                return Ok(Self(None));
            }
        }
        Err(ansible(format!(
            "Password lookup cannot get the lock in 7 seconds, abort...This may caused by \
             un-removed lockfileyou can manually remove it from controller machine at b'{}' and \
             try again",
            lock.display()
        )))
    }
}

impl Drop for Lock {
    fn drop(&mut self) {
        if let Some(lock) = &self.0 {
            // Gone is gone, whoever did it.
            let _ = std::fs::remove_file(lock);
        }
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    #[test]
    fn contents_are_read() {
        let content = |text: &str| parse_content(text);
        assert_eq!(content("pw"), ("pw".to_owned(), None));
        assert_eq!(content("p w salt=ab"), ("p w".to_owned(), Some("ab".to_owned())));
        assert_eq!(content("pw salt=ab ident=2b"), ("pw".to_owned(), Some("ab".to_owned())));
    }

    #[test]
    fn characters_have_names() {
        let of = |text: &str| alphabet(&Value::str(text)).unwrap();
        assert_eq!(of("octdigits,a,,"), ",01234567a");
        assert_eq!(of("x\"y"), "xy");
    }
}
