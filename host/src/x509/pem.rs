//! PEM: DER as lines of text.

use crate::data::{base64_decode, base64_encode};

/// A block of a PEM file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pem {
    /// `CERTIFICATE`, `PRIVATE KEY`, …
    pub label: String,
    pub der: Vec<u8>,
}

impl Pem {
    /// The first block of a text.
    pub fn first(text: &[u8]) -> Option<Pem> {
        let text = String::from_utf8_lossy(text);
        let (_, begin) = text.split_once("-----BEGIN ")?;
        let (label, rest) = begin.split_once("-----")?;
        let (body, _) = rest.split_once(&format!("-----END {label}-----"))?;
        Some(Pem { label: label.to_owned(), der: base64_decode(body.trim())? })
    }

    /// What is in the first block, if it is one of these.
    pub fn of(text: &[u8], labels: &[&str]) -> Option<Vec<u8>> {
        Pem::first(text).filter(|pem| labels.contains(&pem.label.as_str())).map(|pem| pem.der)
    }
}

/// The text of a block.
pub fn pem(label: &str, der: &[u8]) -> String {
    let coded = base64_encode(der);
    let mut out = format!("-----BEGIN {label}-----\n");
    for line in coded.as_bytes().chunks(64) {
        out.extend(line.iter().map(|byte| char::from(*byte)));
        out.push('\n');
    }
    out + &format!("-----END {label}-----\n")
}

/// How a private key is written: `pkcs1`, `pkcs8`, `unknown-pem` or `raw`.
pub fn key_format(content: &[u8]) -> &'static str {
    let Ok(text) = std::str::from_utf8(content) else { return "raw" };
    let label = text
        .lines()
        .next()
        .and_then(|line| line.strip_prefix("-----BEGIN ")?.strip_suffix("-----"))
        .filter(|label| !label.is_empty());
    match label {
        Some("PRIVATE KEY" | "ENCRYPTED PRIVATE KEY") => "pkcs8",
        Some(label) if label.len() > 12 && label.ends_with(" PRIVATE KEY") => "pkcs1",
        Some(_) => "unknown-pem",
        None => "raw",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blocks() {
        let text = format!("junk\n{}more", pem("A KEY", &[9; 60]));
        assert_eq!(text.lines().nth(2).map(str::len), Some(64));
        let block = Pem { label: "A KEY".into(), der: vec![9; 60] };
        assert_eq!(Pem::first(text.as_bytes()), Some(block));
        assert_eq!(Pem::of(text.as_bytes(), &["B"]), None);
        assert_eq!(key_format(pem("RSA PRIVATE KEY", &[]).as_bytes()), "pkcs1");
        assert_eq!(key_format(pem("PRIVATE KEY", &[]).as_bytes()), "pkcs8");
        assert_eq!(key_format(pem("X", &[]).as_bytes()), "unknown-pem");
        assert_eq!(key_format(&[0xff; 32]), "raw");
    }
}
