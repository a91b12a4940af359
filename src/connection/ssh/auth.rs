//! Logging in: keys of the agent, keys of files, the password.

use std::path::{Path, PathBuf};

use ssh2::{KeyboardInteractivePrompt, Prompt, Session};
use vmstation_host::data::base64_decode;

use super::resolve::Resolved;
use crate::{
    connection::{ConnectionSettings, Log, Secret, ask, unreachable},
    diagnostic::{Error, Kind, Result},
};

/// How often an encrypted key's passphrase may be mistyped, as in ssh.
const PASSPHRASES: usize = 3;

/// Logs in, or says why that failed, in ansible's words.
pub(super) fn log_in(
    session: &Session,
    resolved: &Resolved,
    settings: &ConnectionSettings,
    log: &Log,
) -> Result<()> {
    let user = &resolved.user;
    let offered = match session.auth_methods(user) {
        Ok(methods) => methods.to_owned(),
        // Nothing at all was needed.
        Err(_) if session.authenticated() => return Ok(()),
        Err(e) => return Err(unreachable(e.message())),
    };
    let offers = |method: &str| offered.split(',').any(|m| m == method);
    let mut login = Login { session, resolved, settings, log, remarks: Vec::new() };
    if resolved.pubkey && offers("publickey") && login.by_keys() {
        return Ok(());
    }
    if let Some(password) = &settings.password {
        let typed = Typed { password: password.clone(), asked: 0 };
        if resolved.keyboard && offers("keyboard-interactive") && login.by_keyboard(typed) {
            return Ok(());
        }
        if resolved.password
            && offers("password")
            && session.userauth_password(user, password.reveal()).is_ok()
        {
            return Ok(());
        }
        if (resolved.password && offers("password"))
            || (resolved.keyboard && offers("keyboard-interactive"))
        {
            let text = "Invalid/incorrect password: Permission denied, please try again.";
            return Err(Error::new(Kind::Unreachable, text));
        }
    }
    login.remarks.push(format!("{user}@{}: Permission denied ({offered}).", resolved.host));
    Err(unreachable(login.remarks.join("\r\n")))
}

struct Login<'a> {
    session: &'a Session,
    resolved: &'a Resolved,
    settings: &'a ConnectionSettings,
    log: &'a Log,
    /// What ssh would say before the last word.
    remarks: Vec<String>,
}

impl Login<'_> {
    /// Agent's keys that are configured, other agent's keys, then keys of files: ssh's order.
    fn by_keys(&mut self) -> bool {
        let files = &self.resolved.identity_files;
        let public: Vec<Vec<u8>> = files.iter().filter_map(|f| public_key(f)).collect();
        let mut agent = self.agent();
        if let Some(agent) = &mut agent {
            let mut keys = agent.identities().unwrap_or_default();
            keys.retain(|k| !self.resolved.identities_only || public.iter().any(|p| p == k.blob()));
            keys.sort_by_key(|k| public.iter().position(|p| p == k.blob()).unwrap_or(usize::MAX));
            for key in &keys {
                if agent.userauth(&self.resolved.user, key).is_ok() {
                    self.remark(4, format!("logged in by the agent's key {}", key.comment()));
                    return true;
                }
            }
        }
        for file in files.clone() {
            if self.by_file(&file) {
                self.remark(4, format!("logged in by the key {}", file.display()));
                return true;
            }
        }
        false
    }

    fn remark(&self, level: u8, text: String) {
        (self.log)(level, &self.settings.host, text);
    }

    fn agent(&self) -> Option<ssh2::Agent> {
        let socket = match self.resolved.identity_agent.as_deref() {
            Some("none") => return None,
            None | Some("SSH_AUTH_SOCK") => std::env::var("SSH_AUTH_SOCK").ok()?,
            Some(variable) if variable.starts_with('$') => std::env::var(&variable[1..]).ok()?,
            Some(path) => path.to_owned(),
        };
        let mut agent = self.session.agent().ok()?;
        agent.set_identity_path(Path::new(&socket)).ok()?;
        agent.connect().ok()?;
        agent.list_identities().ok()?;
        Some(agent)
    }

    fn by_file(&mut self, file: &Path) -> bool {
        let content = match std::fs::read(file) {
            Ok(content) => content,
            Err(e) => {
                // Only of a key that the user named does ssh complain.
                if self.is_named(file) {
                    let why = crate::connection::reason(&e);
                    self.remarks.push(format!("no such identity: {}: {why}", file.display()));
                }
                return false;
            }
        };
        if let Some(complaint) = too_open(file) {
            self.remarks.push(complaint);
            return false;
        }
        let try_with = |passphrase: Option<&Secret>| {
            let passphrase = passphrase.map(Secret::reveal);
            self.session.userauth_pubkey_file(&self.resolved.user, None, file, passphrase)
        };
        if !is_encrypted(&content) {
            return try_with(None).is_ok();
        }
        if let Some(passphrase) = &self.settings.passphrase {
            return try_with(Some(passphrase)).is_ok();
        }
        for _ in 0..PASSPHRASES {
            let text = format!("Enter passphrase for key '{}': ", file.display());
            let Some(passphrase) = ask::secret(&text) else { return false };
            if try_with(Some(&passphrase)).is_ok() {
                return true;
            }
        }
        false
    }

    fn is_named(&self, file: &Path) -> bool {
        let named = self.settings.private_key_file.as_deref();
        named.is_some_and(|n| Path::new(&super::arguments::home(n)) == file)
    }

    fn by_keyboard(&self, mut typed: Typed) -> bool {
        self.session.userauth_keyboard_interactive(&self.resolved.user, &mut typed).is_ok()
    }
}

/// Answers the first question that is not to be shown with the password.
struct Typed {
    password: Secret,
    asked: usize,
}

impl KeyboardInteractivePrompt for Typed {
    fn prompt<'a>(&mut self, _: &str, _: &str, prompts: &[Prompt<'a>]) -> Vec<String> {
        let mut answer = |prompt: &Prompt<'a>| {
            if prompt.echo {
                return String::new();
            }
            self.asked += 1;
            // Asked again, it was wrong: an account must not be locked by repeating it.
            if self.asked == 1 { self.password.reveal().to_owned() } else { String::new() }
        };
        prompts.iter().map(&mut answer).collect()
    }
}

/// The public key beside a private one.
fn public_key(file: &Path) -> Option<Vec<u8>> {
    let beside = PathBuf::from(format!("{}.pub", file.display()));
    let text = std::fs::read_to_string(beside).ok()?;
    base64_decode(text.split_whitespace().nth(1)?)
}

/// ssh's complaint about a key that others can read.
fn too_open(file: &Path) -> Option<String> {
    use std::os::unix::fs::MetadataExt;
    let about = std::fs::metadata(file).ok()?;
    let own = about.uid() == rustix::process::getuid().as_raw();
    if !own || about.mode() & 0o077 == 0 {
        return None;
    }
    let (line, file) = ("@".repeat(59), file.display());
    Some(format!(
        "{line}\r\n@         WARNING: UNPROTECTED PRIVATE KEY FILE!          @\r\n{line}\r\n\
         Permissions {:04o} for '{file}' are too open.\r\n\
         It is required that your private key files are NOT accessible by others.\r\n\
         This private key will be ignored.\r\nLoad key \"{file}\": bad permissions",
        about.mode() & 0o7777
    ))
}

/// Whether a private key needs a passphrase.
fn is_encrypted(content: &[u8]) -> bool {
    let text = String::from_utf8_lossy(content);
    if !text.contains("BEGIN OPENSSH PRIVATE KEY") {
        return text.contains("ENCRYPTED");
    }
    let body: String = text.lines().filter(|l| !l.starts_with("-----")).collect();
    let Some(bytes) = base64_decode(&body) else { return false };
    // `openssh-key-v1\0`, then the cipher's name with its length.
    let name = bytes.strip_prefix(b"openssh-key-v1\0").and_then(|rest| {
        let (length, rest) = rest.split_first_chunk::<4>()?;
        rest.get(..usize::try_from(u32::from_be_bytes(*length)).ok()?)
    });
    name.is_some_and(|n| n != b"none")
}
