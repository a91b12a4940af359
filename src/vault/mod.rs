//! Ansible Vault: encrypted files and strings, and the passwords for them.

mod cipher;
mod envelope;
mod secret;

use std::{path::Path, sync::Arc};

use parking_lot::RwLock;

use self::cipher::Failure;
pub use self::{
    envelope::is_encrypted,
    secret::{Ask, Secret, Sources, password_file},
};
use crate::{
    diagnostic::{Error, Kind, Notice, Notices, Result, Source, Span, ansible::describe},
    value::Decrypt,
};

/// The known passwords, each with its label, in the order in which they are tried.
#[derive(Default)]
pub struct Vault {
    secrets: RwLock<Vec<(String, Secret)>>,
    match_ids: bool,
    notices: Option<Arc<dyn Notices>>,
}

/// A decrypted text and the label of the password that did it.
#[derive(Debug, PartialEq, Eq)]
pub struct Opened {
    /// The plain bytes.
    pub plain: Vec<u8>,
    /// The label of the password that worked.
    pub used: String,
    /// The label in the text's header, if there is one.
    pub labelled: Option<String>,
}

fn vault(message: impl Into<String>) -> Error {
    Error::new(Kind::Vault, message)
}

fn plain(message: impl Into<String>) -> Error {
    Error::new(Kind::User, message)
}

impl Vault {
    /// No passwords yet. With `match_ids` (`vault_id_match`) only passwords with the label of the
    /// text are tried.
    pub fn new(match_ids: bool, notices: Arc<dyn Notices>) -> Self {
        Self { secrets: RwLock::default(), match_ids, notices: Some(notices) }
    }

    /// Adds a password, to be tried after those known.
    pub fn add(&self, id: impl Into<String>, secret: Secret) {
        self.secrets.write().push((id.into(), secret));
    }

    /// The labels of the known passwords, in order.
    pub fn ids(&self) -> Vec<String> {
        self.secrets.read().iter().map(|(id, _)| id.clone()).collect()
    }

    /// The known passwords with their labels, in order.
    pub fn secrets(&self) -> Vec<(String, Secret)> {
        self.secrets.read().clone()
    }

    /// Whether no password is known.
    pub fn is_empty(&self) -> bool {
        self.secrets.read().is_empty()
    }

    /// The password to encrypt with: the one labelled `id`, or the first of all.
    pub fn secret_for(&self, id: Option<&str>) -> Result<Option<(String, Secret)>> {
        let secrets = self.secrets.read();
        let Some(id) = id.filter(|id| !id.is_empty()) else {
            return Ok(secrets.first().cloned());
        };
        let found = secrets.iter().find(|(known, _)| known == id).cloned();
        let known: Vec<String> = secrets.iter().map(|(id, _)| format!("'{id}'")).collect();
        found.map(Some).ok_or_else(|| {
            vault(format!(
                "Did not find a match for --encrypt-vault-id={id} in the known vault-ids [{}]",
                known.join(", ")
            ))
        })
    }

    /// Encrypts `plain` with `secret`; the label goes into the header unless it is `default`.
    pub fn encrypt(&self, data: &[u8], secret: &Secret, id: Option<&str>) -> Result<String> {
        let mut salt = [0; 32];
        getrandom::fill(&mut salt)
            .map_err(|e| Error::new(Kind::Internal, format!("no random numbers: {e}")))?;
        encrypt_with_salt(data, secret, id, &salt)
    }

    /// Decrypts a text; `name` is the file that it stands in, if it is a whole file.
    pub fn open(&self, data: &[u8], name: Option<&Path>) -> Result<Opened> {
        self.open_at(data, name, None)
    }

    /// The same for a value that stands somewhere: only damage is told with the place.
    fn open_at(&self, data: &[u8], name: Option<&Path>, at: Option<&Span>) -> Result<Opened> {
        let in_file =
            |before: &str| name.map(|n| format!("{before}{}", n.display())).unwrap_or_default();
        if !is_encrypted(data) {
            let which = name.map(|n| format!("{} is not a vault encrypted file", n.display()));
            let which = which.unwrap_or_default();
            return Err(plain(format!("input is not vault encrypted data. {which}")));
        }
        let envelope = envelope::parse(data).map_err(|why| {
            plain(format!("Vault envelope format error{}: {why}", in_file(" in ")))
        })?;
        if envelope.cipher != "AES256" {
            return Err(plain(format!("{} cipher could not be found", envelope.cipher)));
        }
        if self.is_empty() {
            return Err(vault("Attempting to decrypt but no vault secrets found"));
        }
        let wanted = envelope.id.as_deref().unwrap_or("default");
        for (id, secret) in self.secrets() {
            if self.match_ids && id != wanted {
                continue;
            }
            match cipher::decrypt(&envelope.payload, secret.bytes()) {
                Ok(plain) => return Ok(Opened { plain, used: id, labelled: envelope.id }),
                Err(Failure::WrongPassword) => {}
                Err(Failure::Format(why)) => {
                    let error = plain(why).at(at.cloned());
                    let text = format!(
                        "There was a vault format error{}: {}",
                        in_file(" in "),
                        describe(&error)
                    );
                    let notice = Notice::FormattedWarning(text);
                    self.notices.iter().for_each(|n| n.notice(notice.clone()));
                    return Err(error);
                }
            }
        }
        Err(vault(format!(
            "Decryption failed (no vault secrets were found that could decrypt){}",
            in_file(" on ")
        )))
    }

    /// Decrypts the bytes of a file.
    pub fn decrypt_file(&self, data: &[u8], path: &Path) -> Result<Vec<u8>> {
        self.open(data, Some(path)).map(|opened| opened.plain)
    }

    /// The text of a file that may be encrypted, with whether it was.
    pub fn read(&self, path: &Path) -> Result<(Arc<Source>, bool)> {
        let shown = path.display();
        let data = std::fs::read(path).map_err(|e| match e.kind() {
            std::io::ErrorKind::NotFound => Error::new(
                Kind::NotFound,
                format!(
                    "Unable to retrieve file contents\nCould not find or access '{shown}' on the \
                     Ansible Controller.\nIf you are using a module and expect the file to exist \
                     on the remote, see the remote_src option"
                ),
            ),
            _ => Error::new(
                Kind::Parser,
                format!("an error occurred while trying to read the file '{shown}': {e}"),
            ),
        })?;
        let encrypted = is_encrypted(&data);
        let data = if encrypted { self.decrypt_file(&data, path)? } else { data };
        let text = match String::from_utf8(data) {
            Ok(text) => text,
            Err(bad) => String::from_utf8_lossy(bad.as_bytes()).into_owned(),
        };
        if u32::try_from(text.len()).is_err() {
            return Err(Error::new(Kind::Parser, format!("'{shown}' is larger than 4 GiB")));
        }
        let source =
            if encrypted { Source::new_hidden(path, text) } else { Source::new(path, text) };
        Ok((source, encrypted))
    }
}

/// Encrypts `data` with a salt that the caller chose (the `vault` filter's `salt`).
pub fn encrypt_with_salt(
    data: &[u8],
    secret: &Secret,
    id: Option<&str>,
    salt: &[u8],
) -> Result<String> {
    if is_encrypted(data) {
        return Err(plain("input is already encrypted"));
    }
    Ok(envelope::format(&cipher::encrypt(data, secret.bytes(), salt), id))
}

impl Decrypt for Vault {
    fn decrypt(&self, ciphertext: &str, at: Option<&Span>) -> Result<Vec<u8>, Error> {
        Ok(self.open_at(ciphertext.as_bytes(), None, at)?.plain)
    }

    fn decrypt_file(&self, data: &[u8], path: &Path) -> Result<Vec<u8>, Error> {
        Self::decrypt_file(self, data, path)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn secret(text: &str) -> Secret {
        Secret::new(text.as_bytes()).expect("not empty")
    }

    fn with(match_ids: bool, secrets: &[(&str, &str)]) -> Vault {
        let vault = Vault { match_ids, ..Vault::default() };
        secrets.iter().for_each(|(id, s)| vault.add(*id, secret(s)));
        vault
    }

    /// Made by ansible-vault 2.14.18 with the password `pw`.
    const FOREIGN: &str = include_str!("testdata/foreign.vault");

    #[test]
    fn reads_what_ansible_wrote() {
        let opened = with(false, &[("a", "wrong"), ("b", "pw")]).open(FOREIGN.as_bytes(), None);
        let opened = opened.expect("the second password is right");
        assert_eq!(String::from_utf8_lossy(&opened.plain), "hello: wörld\n");
        assert_eq!((opened.used.as_str(), opened.labelled.as_deref()), ("b", Some("dev")));
    }

    #[test]
    fn writes_what_it_reads() {
        let vault = with(false, &[("x", "pw")]);
        for (text, id) in [("", None), ("0123456789abcdef", Some("dev")), ("a", Some("default"))] {
            let cipher = vault.encrypt(text.as_bytes(), &secret("pw"), id).expect("plain");
            let opened = vault.open(cipher.as_bytes(), None).expect("the same password");
            assert_eq!(opened.plain, text.as_bytes());
            assert_eq!(opened.labelled.as_deref(), id.filter(|i| *i != "default"));
            let again = vault.encrypt(cipher.as_bytes(), &secret("pw"), None);
            assert_eq!(again.map_err(|e| e.to_string()), Err("input is already encrypted".into()));
        }
    }

    #[test]
    fn errors_are_ansibles() {
        let file = Path::new("/a/b.yml");
        let text = |v: &Vault, data: &str, name| {
            v.open(data.as_bytes(), name).map_err(|e| e.to_string()).map(|o| o.used)
        };
        let error = |s: &str| Err(s.to_owned());
        let none = with(false, &[]);
        assert_eq!(
            text(&none, FOREIGN, Some(file)),
            error("Attempting to decrypt but no vault secrets found")
        );
        let wrong = with(false, &[("a", "x")]);
        assert_eq!(
            text(&wrong, FOREIGN, Some(file)),
            error("Decryption failed (no vault secrets were found that could decrypt) on /a/b.yml")
        );
        assert_eq!(
            text(&with(true, &[("b", "pw")]), FOREIGN, None),
            error("Decryption failed (no vault secrets were found that could decrypt)")
        );
        assert_eq!(text(&with(true, &[("dev", "pw")]), FOREIGN, None), Ok("dev".to_owned()));
        assert_eq!(
            text(&wrong, "x: 1", Some(file)),
            error("input is not vault encrypted data. /a/b.yml is not a vault encrypted file")
        );
        assert_eq!(
            text(&wrong, "$ANSIBLE_VAULT;1.1;AES256\n616", None),
            error("Vault format unhexlify error: Odd-length string")
        );
        assert_eq!(
            text(&wrong, "$ANSIBLE_VAULT;1.1;AES256\n61zz", None),
            error("Vault format unhexlify error: Non-hexadecimal digit found")
        );
        assert_eq!(
            text(&wrong, "$ANSIBLE_VAULT;1.1;AES\n61", None),
            error("AES cipher could not be found")
        );
        assert_eq!(
            text(&wrong, "$ANSIBLE_VAULT;1.1", Some(file)),
            error("Vault envelope format error in /a/b.yml: list index out of range")
        );
        assert_eq!(
            text(&wrong, "$ANSIBLE_VAULT;1.1;AES256\n61", None),
            error("Vault vaulttext format error: not enough values to unpack (expected 3, got 1)")
        );
    }

    #[test]
    fn the_password_to_encrypt_with() {
        let vault = with(false, &[("a", "1"), ("b", "2")]);
        let id = |id| vault.secret_for(id).map(|s| s.map(|(id, _)| id)).map_err(|e| e.to_string());
        assert_eq!(id(None), Ok(Some("a".into())));
        assert_eq!(id(Some("b")), Ok(Some("b".into())));
        assert_eq!(
            id(Some("c")),
            Err("Did not find a match for --encrypt-vault-id=c in the known vault-ids ['a', 'b']"
                .into())
        );
    }
}
