//! Passwords and where they come from.

use std::{
    fmt,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    sync::Arc,
};

use super::{Vault, is_encrypted};
use crate::{
    config::{Machine, expand_path},
    diagnostic::{Error, Kind, Notices, Result, ansible::os_error},
};

/// A password. Never printed.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(Arc<[u8]>);

impl Secret {
    /// The password of these bytes, which may not be empty.
    pub fn new(bytes: &[u8]) -> Result<Self> {
        Self::checked(bytes, "Invalid vault password was provided")
    }

    fn checked(bytes: &[u8], otherwise: &str) -> Result<Self> {
        if bytes.is_empty() {
            return Err(vault(otherwise));
        }
        Ok(Self(bytes.into()))
    }

    pub(super) fn bytes(&self) -> &[u8] {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(…)")
    }
}

/// Asks the user for something without showing what is typed. Fails with the bare reason.
pub type Ask<'a> = &'a mut dyn FnMut(&str) -> Result<String>;

/// The sources of vault passwords that flags and settings name.
#[derive(Clone, Debug)]
pub struct Sources {
    /// `vault_identity_list`, then `--vault-id`: `label@source` or `source`.
    pub ids: Vec<String>,
    /// `--vault-password-file`, then the setting of that name.
    pub files: Vec<String>,
    /// `--ask-vault-pass`.
    pub ask: bool,
    /// Whether a prompt is tried where nothing else is named (`ansible-vault`).
    pub ask_by_default: bool,
    /// Whether a new password is being made, so that prompts ask twice.
    pub new_password: bool,
    /// `vault_identity`: the label of passwords without one.
    pub default_id: String,
}

impl Default for Sources {
    fn default() -> Self {
        Self {
            ids: Vec::new(),
            files: Vec::new(),
            ask: false,
            ask_by_default: false,
            new_password: false,
            default_id: "default".to_owned(),
        }
    }
}

/// The prompt of `--ask-vault-pass`, as a source; its texts are older than those of `prompt`.
const ASK: &str = "prompt_ask_vault_pass";

impl Sources {
    /// `(label, source)` in the order in which they are tried.
    fn list(&self) -> Vec<(Option<String>, String)> {
        let split = |slug: &String| match slug.split_once('@') {
            Some((label, source)) => (Some(label.to_owned()), source.to_owned()),
            None => (None, slug.clone()),
        };
        let label = || Some(self.default_id.clone());
        let mut list: Vec<_> = self.ids.iter().map(split).collect();
        list.extend(self.files.iter().map(|f| (label(), f.clone())));
        if self.ask || (self.ask_by_default && list.is_empty()) {
            list.push((label(), ASK.to_owned()));
        }
        list
    }

    /// Reads every password into `vault`, in order; a source that fails is warned of, and is an
    /// error only where no other gave a password. A password file may itself be encrypted with a
    /// password read before it.
    pub fn load(
        &self,
        vault: &Vault,
        machine: &dyn Machine,
        notices: &dyn Notices,
        ask: Ask<'_>,
    ) -> Result<()> {
        let mut last = None;
        let mut found = false;
        for (label, source) in self.list() {
            let shown = label.as_deref().unwrap_or("None");
            let id = label.clone().filter(|l| !l.is_empty());
            let id = id.unwrap_or_else(|| self.default_id.clone());
            if source == "prompt" || source == ASK {
                let secret = self.prompt(&source, &id, ask).inspect_err(|e| {
                    notices.warning(format!("Error in vault password prompt ({shown}): {e}"));
                })?;
                vault.add(id, secret);
                found = true;
                continue;
            }
            let path = expand_path(&source, None, machine);
            if !path.exists() {
                let error =
                    plain(format!("The vault password file {} was not found", path.display()));
                notices.warning(format!("Error getting vault password file ({shown}): {error}"));
                last = Some(error);
                continue;
            }
            match from_path(&path, label.as_deref(), vault) {
                Ok(secret) => {
                    vault.add(id, secret);
                    found = true;
                }
                Err(error) => {
                    let text = format!("Error in vault password file loading ({shown}): {error}");
                    notices.warning(text);
                    last = Some(error);
                }
            }
        }
        last.filter(|_| !found).map_or(Ok(()), Err)
    }

    fn prompt(&self, source: &str, id: &str, ask: Ask<'_>) -> Result<Secret> {
        let prompts = match (source == ASK, self.new_password) {
            (true, true) => {
                vec!["New Vault password: ".to_owned(), "Confirm New Vault password: ".to_owned()]
            }
            (true, false) => vec!["Vault password: ".to_owned()],
            (false, true) => vec![
                format!("New vault password ({id}): "),
                format!("Confirm new vault password ({id}): "),
            ],
            (false, false) => vec![format!("Vault password ({id}): ")],
        };
        let mut first: Option<Secret> = None;
        for prompt in prompts {
            let answer = ask(&prompt)?;
            Secret::new(answer.as_bytes())?;
            // Spaces alone are taken for a password, an empty one.
            let secret = Secret(answer.trim().as_bytes().into());
            if first.as_ref().is_some_and(|f| *f != secret) {
                return Err(plain("Passwords do not match"));
            }
            first = Some(secret);
        }
        first.ok_or_else(|| vault("Invalid vault password was provided"))
    }
}

fn vault(message: impl Into<String>) -> Error {
    Error::new(Kind::Vault, message)
}

fn plain(message: impl Into<String>) -> Error {
    Error::new(Kind::User, message)
}

/// Whether a script asks for the label by `--vault-id`: its name ends in `-client`.
fn is_client(path: &Path) -> bool {
    path.file_stem().is_some_and(|stem| stem.to_string_lossy().ends_with("-client"))
}

/// The password of a file, or the output of an executable one.
fn from_path(path: &Path, label: Option<&str>, with: &Vault) -> Result<Secret> {
    let executable = path.metadata().is_ok_and(|m| m.permissions().mode() & 0o111 != 0);
    if executable {
        return from_script(path, label.filter(|_| is_client(path)), is_client(path));
    }
    let data = std::fs::read(path).map_err(|e| {
        let reason = os_error(&e, Some(path));
        plain(format!("Could not read vault password file {}: {reason}", path.display()))
    })?;
    let mut secret = data.trim_ascii().to_vec();
    if is_encrypted(&secret) {
        secret = with.decrypt_file(&secret, path)?;
    }
    let otherwise = format!("Invalid vault password was provided from file ({})", path.display());
    Secret::checked(trim_line_ends(&secret), &otherwise)
}

fn from_script(path: &Path, label: Option<&str>, client: bool) -> Result<Secret> {
    let kind = if client { "client script" } else { "script" };
    let shown = path.display();
    let mut command = Command::new(path);
    if let Some(label) = label {
        command.args(["--vault-id", label]);
    }
    command.stdout(Stdio::piped()).stdin(Stdio::inherit());
    // A plain script may talk to the user; of a client's words the error tells.
    command.stderr(if client { Stdio::piped() } else { Stdio::inherit() });
    let output = command.spawn().and_then(std::process::Child::wait_with_output).map_err(|e| {
        plain(format!(
            "Problem running vault password {kind} {shown} ({}). If this is not a script, remove \
             the executable bit from the file.",
            os_error(&e, Some(path))
        ))
    })?;
    let code = exit_code(output.status);
    let id = label.unwrap_or("None");
    let stderr = python_bytes(&output.stderr);
    match (client, code) {
        (_, 0) => {}
        (true, 2) => {
            return Err(plain(format!(
                "Vault password client script {shown} did not find a secret for vault-id={id}: \
                 {stderr}"
            )));
        }
        (true, _) => {
            return Err(plain(format!(
                "Vault password client script {shown} returned non-zero ({code}) when getting \
                 secret for vault-id={id}: {stderr}"
            )));
        }
        (false, _) => {
            return Err(plain(format!(
                "Vault password script {shown} returned non-zero ({code}): None"
            )));
        }
    }
    let otherwise = format!("Invalid vault password was provided from script ({shown})");
    Secret::checked(trim_line_ends(&output.stdout), &otherwise)
}

/// Python's `returncode`.
fn exit_code(status: std::process::ExitStatus) -> i32 {
    use std::os::unix::process::ExitStatusExt;
    status.code().unwrap_or_else(|| -status.signal().unwrap_or(1))
}

fn trim_line_ends(bytes: &[u8]) -> &[u8] {
    let end = |b: &u8| matches!(b, b'\n' | b'\r');
    let from = bytes.iter().position(|b| !end(b)).unwrap_or(bytes.len());
    let to = bytes.iter().rposition(|b| !end(b)).map_or(from, |i| i + 1);
    &bytes[from..to]
}

/// `repr(bytes)`.
fn python_bytes(bytes: &[u8]) -> String {
    let quote = if bytes.contains(&b'\'') && !bytes.contains(&b'"') { '"' } else { '\'' };
    let mut out = format!("b{quote}");
    for b in bytes {
        match b {
            b'\\' => out.push_str("\\\\"),
            b'\n' => out.push_str("\\n"),
            b'\r' => out.push_str("\\r"),
            b'\t' => out.push_str("\\t"),
            b if char::from(*b) == quote => out.extend(['\\', quote]),
            0x20..=0x7e => out.push(char::from(*b)),
            other => out.push_str(&format!("\\x{other:02x}")),
        }
    }
    out.push(quote);
    out
}

/// The files that a list of password files names, absolute, as `--vault-password-file` is read.
pub fn password_file(text: &str, machine: &dyn Machine) -> PathBuf {
    expand_path(text, None, machine)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{config::System, diagnostic::Collected};

    struct Folder(PathBuf);

    impl Folder {
        fn new(name: &str) -> Self {
            let path = std::env::temp_dir().join(format!("vault-{name}-{}", std::process::id()));
            std::fs::create_dir_all(&path).expect("a fresh folder");
            Self(path)
        }

        fn file(&self, name: &str, mode: u32, text: &str) -> String {
            let path = self.0.join(name);
            std::fs::write(&path, text).expect("writable");
            std::fs::set_permissions(&path, std::fs::Permissions::from_mode(mode)).expect("ours");
            path.to_string_lossy().into_owned()
        }
    }

    impl Drop for Folder {
        fn drop(&mut self) {
            let _ = std::fs::remove_dir_all(&self.0);
        }
    }

    fn load(sources: &Sources, answers: &[&str]) -> (Result<()>, Vault, Vec<String>) {
        let vault = Vault::default();
        let told = Collected::default();
        let mut left = answers.iter();
        let mut ask = |prompt: &str| -> Result<String> {
            let answer = left.next().map(|a| (*a).to_owned());
            answer.ok_or_else(|| plain(format!("nobody answers {prompt:?}")))
        };
        let result = sources.load(&vault, &System, &told, &mut ask);
        (result, vault, told.warnings())
    }

    #[test]
    fn files_scripts_and_clients() {
        let folder = Folder::new("sources");
        let file = folder.file("pw", 0o600, "  one \n");
        let script = folder.file("pw.sh", 0o700, "#!/bin/sh\necho two\n");
        let client = folder.file("pw-client.sh", 0o700, "#!/bin/sh\necho \"three $1 $2\"\n");
        let sources = Sources {
            ids: vec![format!("dev@{client}"), script],
            files: vec![file],
            ..Sources::default()
        };
        let (result, vault, warnings) = load(&sources, &[]);
        assert!(result.is_ok() && warnings.is_empty(), "{result:?} {warnings:?}");
        let known: Vec<(String, Vec<u8>)> =
            vault.secrets().into_iter().map(|(id, s)| (id, s.bytes().to_vec())).collect();
        let expected: Vec<(String, Vec<u8>)> =
            [("dev", "three --vault-id dev"), ("default", "two"), ("default", "one")]
                .map(|(id, s)| (id.to_owned(), s.as_bytes().to_vec()))
                .to_vec();
        assert_eq!(known, expected);
    }

    #[test]
    fn a_failing_source_is_an_error_only_where_nothing_else_is_known() {
        let folder = Folder::new("failing");
        let bad = folder.file("bad", 0o700, "#!/bin/sh\nexit 3\n");
        let client = folder.file("bad-client", 0o700, "#!/bin/sh\necho no >&2; exit 2\n");
        let empty = folder.file("empty", 0o600, "\n");
        let sources = Sources {
            ids: vec![format!("x@{client}")],
            files: vec![bad.clone(), empty.clone(), "/nonexistent/pw".to_owned()],
            ..Sources::default()
        };
        let (result, _, warnings) = load(&sources, &[]);
        assert_eq!(
            result.map_err(|e| e.to_string()),
            Err("The vault password file /nonexistent/pw was not found".to_owned())
        );
        let expected = [
            format!(
                "Error in vault password file loading (x): Vault password client script {client} \
                 did not find a secret for vault-id=x: b'no\\n'"
            ),
            format!(
                "Error in vault password file loading (default): Vault password script {bad} \
                 returned non-zero (3): None"
            ),
            format!(
                "Error in vault password file loading (default): Invalid vault password was \
                 provided from file ({empty})"
            ),
            "Error getting vault password file (default): The vault password file \
             /nonexistent/pw was not found"
                .to_owned(),
        ];
        assert_eq!(warnings, expected);
        let (result, ..) = load(&Sources { ask: true, ..sources }, &["pw"]);
        assert!(result.is_ok());
    }

    #[test]
    fn prompts() {
        let sources =
            Sources { ids: vec!["dev@prompt".to_owned()], ask: true, ..Sources::default() };
        let (result, vault, _) = load(&sources, &["a ", "b"]);
        assert!(result.is_ok());
        assert_eq!(vault.ids(), ["dev", "default"]);
        let (result, _, warnings) = load(&Sources { new_password: true, ..sources }, &["a", "b"]);
        assert_eq!(result.map_err(|e| e.to_string()), Err("Passwords do not match".to_owned()));
        assert_eq!(warnings, ["Error in vault password prompt (dev): Passwords do not match"]);
    }
}
