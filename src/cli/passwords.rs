//! Passwords for logins and for becoming another user: asked for, or read from files.

use std::{io::Read, os::unix::fs::PermissionsExt, path::Path, process::Command};

use super::{Session, flags};
use crate::{
    config::{System, expand_path, options},
    diagnostic::{Error, Kind, Result},
    terminal,
};

/// What was asked for, or read.
#[derive(Clone, Default)]
pub struct Passwords {
    /// To log in.
    pub connection: Option<String>,
    /// To become another user.
    pub r#become: Option<String>,
}

/// Asks for the passwords that flags and settings name.
///
/// # Errors
/// A password file that cannot be read, Ctrl-C.
pub fn ask(
    session: &Session,
    connection: &flags::Connection,
    r#become: &flags::Become,
) -> Result<Passwords> {
    let mut passwords = Passwords::default();
    match ask_all(session, connection, r#become, &mut passwords) {
        // The end of the input stands for no password.
        Err(error) if error.message() == "EOF when reading a line" => Ok(passwords),
        Err(error) => Err(error),
        Ok(()) => Ok(passwords),
    }
}

fn ask_all(
    session: &Session,
    connection: &flags::Connection,
    r#become: &flags::Become,
    passwords: &mut Passwords,
) -> Result<()> {
    let settings = &session.settings;
    let method = if settings.get(&options::AGNOSTIC_BECOME_PROMPT) {
        "BECOME".to_owned()
    } else {
        let named = r#become.become_method.clone();
        named.unwrap_or_else(|| settings.get(&options::DEFAULT_BECOME_METHOD)).to_uppercase()
    };
    let file = |flag: &Option<String>, configured: Option<std::path::PathBuf>| {
        flag.clone().or_else(|| configured.map(|p| p.display().to_string()))
    };
    let mut question = format!("{method} password: ");
    let asked = connection.ask_pass || settings.get(&options::DEFAULT_ASK_PASS);
    let configured = settings.get(&options::CONNECTION_PASSWORD_FILE);
    if asked {
        passwords.connection = Some(terminal::secret("SSH password: ")?);
        question = format!("{method} password[defaults to SSH password]: ");
    } else if let Some(path) = file(&connection.connection_password_file, configured) {
        passwords.connection = Some(from_file(&path)?);
    }
    let configured = settings.get(&options::BECOME_PASSWORD_FILE);
    if r#become.become_ask_pass || settings.get(&options::DEFAULT_BECOME_ASK_PASS) {
        let answer = terminal::secret(&question)?;
        passwords.r#become =
            if asked && answer.is_empty() { passwords.connection.clone() } else { Some(answer) };
    } else if let Some(path) = file(&r#become.become_password_file, configured) {
        passwords.r#become = Some(from_file(&path)?);
    }
    Ok(())
}

fn wrong(message: String) -> Error {
    Error::new(Kind::User, message)
}

/// The password in a file, or what a script prints.
fn from_file(name: &str) -> Result<String> {
    let mut bytes = Vec::new();
    if name == "-" {
        std::io::stdin()
            .read_to_end(&mut bytes)
            .map_err(|e| wrong(format!("Could not read password file -: {e}")))?;
    } else {
        let path = expand_path(name, None, &System);
        bytes = read(&path)?;
    }
    let text = String::from_utf8_lossy(&bytes).trim_matches(['\r', '\n']).to_owned();
    if text.is_empty() {
        return Err(wrong(format!("Empty password was provided from file ({name})")));
    }
    Ok(text)
}

fn read(path: &Path) -> Result<Vec<u8>> {
    let shown = path.display();
    let Ok(about) = std::fs::metadata(path) else {
        return Err(wrong(format!("The password file {shown} was not found")));
    };
    if about.permissions().mode() & 0o111 == 0 || about.is_dir() {
        let bytes = std::fs::read(path)
            .map_err(|e| wrong(format!("Could not read password file {shown}: {e}")))?;
        return Ok(bytes.trim_ascii().to_vec());
    }
    let output = Command::new(path).output().map_err(|e| {
        wrong(format!(
            "Problem occured when trying to run the password script {shown} ({e}). If this is not \
             a script, remove the executable bit from the file."
        ))
    })?;
    if !output.status.success() {
        let errors = String::from_utf8_lossy(&output.stderr);
        return Err(wrong(format!(
            "The password script {shown} returned an error (rc={}): {errors}",
            output.status.code().unwrap_or(-1)
        )));
    }
    Ok(output.stdout)
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a failed test may panic")]
mod tests {
    use super::*;

    #[test]
    fn passwords_come_from_files_and_scripts() {
        let folder =
            std::env::temp_dir().join(format!("vmstation-passwords-{}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        let file = |name: &str, text: &str, mode: u32| {
            let path = folder.join(name);
            std::fs::write(&path, text).unwrap();
            std::fs::set_permissions(&path, PermissionsExt::from_mode(mode)).unwrap();
            path.display().to_string()
        };
        let plain = file("plain", "secret\n", 0o600);
        let script = file("script", "#!/bin/sh\necho from script\n", 0o700);
        let failing = file("failing", "#!/bin/sh\necho no >&2\nexit 3\n", 0o700);
        let empty = file("empty", "\n", 0o600);
        assert_eq!(from_file(&plain).unwrap(), "secret");
        assert_eq!(from_file(&script).unwrap(), "from script");
        let text = |name: &str| from_file(name).unwrap_err().message().to_owned();
        assert!(text(&failing).ends_with("failing returned an error (rc=3): no\n"));
        assert_eq!(text(&empty), format!("Empty password was provided from file ({empty})"));
        assert!(text("/no/such").ends_with("The password file /no/such was not found"));
        std::fs::remove_dir_all(&folder).unwrap();
    }
}
