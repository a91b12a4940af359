//! Keys, requests and certificates. What is in them is read and written here; the secret work (making keys, signing) is
//! the program openssl's, which gets keys by its standard input and passphrases by its environment.

mod certificate;
pub mod der;
pub mod extension;
pub mod general_name;
mod key;
mod name;
pub mod oid;
mod pem;
mod request;
mod time;

pub use certificate::{Certificate, New};
pub use key::{Digest, PrivateKey, PublicKey, convert, fingerprints, generate, key_id};
pub use name::{Attribute, relative};
pub use pem::{Pem, key_format, pem};
pub use request::Request;
pub use time::spec_time;

/// What is said of a text that has no block with this label; `what` it should be.
pub fn no_pem(content: &[u8], label: &str, what: &str) -> crate::outcome::Failure {
    let msg = match Pem::first(content) {
        Some(_) => format!(
            "Valid PEM but no BEGIN {label}/END {label} delimiters. Are you sure this is a {what}?"
        ),
        None => "Unable to load PEM file. See https://cryptography.io/en/latest/faq/#why-can-t-i-import-my-pem-file for more details. MalformedFraming".to_owned(),
    };
    crate::outcome::Failure::new(msg)
}

/// Bytes in hexadecimal, a colon between two.
pub fn colons(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect::<Vec<_>>().join(":")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn other_files() {
        let key = pem("PRIVATE KEY", &[1]);
        let said = |content: &[u8]| no_pem(content, "CERTIFICATE REQUEST", "CSR").msg;
        assert_eq!(
            said(key.as_bytes()),
            "Valid PEM but no BEGIN CERTIFICATE REQUEST/END CERTIFICATE REQUEST delimiters. Are you sure this is a CSR?"
        );
        assert!(said(b"junk").starts_with("Unable to load PEM file."));
        assert_eq!(colons(&[0, 255]), "00:ff");
    }
}
