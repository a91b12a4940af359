//! The example of the secrets, and the secrets themselves before they are encrypted.

use super::{
    description::{Description, Os},
    embedded,
    inventory::is_debian_with_sudo,
    patch::Document,
    write,
};
use crate::{
    diagnostic::{Error, Kind, Result},
    value::Value,
};

/// What the secrets are like, for people.
pub const EXAMPLE: &str = "inventory/secrets.example.yml";
/// Where they are, encrypted.
pub const VAULT: &str = "inventory/group_vars/all/vault.yml";

/// Letters that are not mistaken for each other.
const LETTERS: &[u8; 32] = b"abcdefghijkmnpqrstuvwxyz23456789";

/// The example with the secrets that this cluster has.
pub fn example(description: &Description) -> Result<String> {
    let file = embedded::file(EXAMPLE)
        .ok_or_else(|| Error::new(Kind::Internal, format!("{EXAMPLE} is not embedded")))?;
    let mut document = Document::new(EXAMPLE, file.content);
    if !description.hosts.iter().any(|h| h.os.value == Os::Rhel) {
        document.remove("vault_rhel_become_password")?;
    }
    if !description.hosts.iter().any(|h| h.role.value.is_rke2()) {
        document.remove("vault_rke2_token")?;
    }
    if description.hosts.iter().any(is_debian_with_sudo) {
        let text = Value::from("the sudo password of ansible_user on Debian hosts");
        document.set(&["vault_debian_become_password"], &text)?;
    }
    Ok(document.into_text())
}

/// Secrets to begin with, and the names of those that only a person can know.
pub struct Secrets {
    /// The plain text of the vault.
    pub text: String,
    /// What is still to be filled in.
    pub missing: Vec<String>,
}

/// Fresh secrets for each name of the example.
///
/// # Errors
/// A machine without random numbers.
pub fn fresh(example: &str) -> Result<Secrets> {
    let root = Document::new(EXAMPLE, example).root()?;
    let mut secrets = Secrets { text: "---\n".to_owned(), missing: Vec::new() };
    for (key, value) in root.as_map().unwrap_or_default() {
        let Some(name) = key.as_str() else { continue };
        let secret = if name.ends_with("_become_password") {
            secrets.missing.push(name.to_owned());
            Value::from("")
        } else if name == "vault_keepalived_password" {
            // keepalived reads eight letters and no more.
            Value::from(random(8)?)
        } else if name.ends_with("_password") || name.ends_with("_token") {
            Value::from(random(32)?)
        } else {
            value.to_value()
        };
        secrets.text.push_str(&write::entry(name, &secret, 0));
    }
    Ok(secrets)
}

fn random(letters: usize) -> Result<String> {
    let mut bytes = vec![0; letters];
    getrandom::fill(&mut bytes)
        .map_err(|e| Error::new(Kind::Internal, format!("no random numbers: {e}")))?;
    Ok(bytes.iter().map(|b| char::from(LETTERS[usize::from(b % 32)])).collect())
}
