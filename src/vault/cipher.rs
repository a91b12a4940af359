//! AES-256 in counter mode with an HMAC, keys derived from a password.

use aes::Aes256;
use ctr::{
    Ctr128BE,
    cipher::{KeyIvInit, StreamCipher},
};
use hmac::{Hmac, Mac};
use sha2::Sha256;

const ROUNDS: u32 = 10_000;
const BLOCK: usize = 16;

/// Why a payload was not decrypted.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Failure {
    /// The payload is damaged; no password would help.
    Format(String),
    /// The password is wrong, or the payload was changed.
    WrongPassword,
}

struct Keys {
    cipher: Ctr128BE<Aes256>,
    mac: Hmac<Sha256>,
}

fn keys(password: &[u8], salt: &[u8]) -> Keys {
    let mut derived = [0; 80];
    pbkdf2::pbkdf2_hmac::<Sha256>(password, salt, ROUNDS, &mut derived);
    let (cipher_key, rest) = derived.split_at(32);
    let (mac_key, counter) = rest.split_at(32);
    #[expect(clippy::expect_used, reason = "an HMAC takes keys of any length")]
    let mac = <Hmac<Sha256> as Mac>::new_from_slice(mac_key).expect("any length");
    Keys { cipher: Ctr128BE::<Aes256>::new(cipher_key.into(), counter.into()), mac }
}

/// The payload (hexadecimal, without line ends) of `plain`.
pub(super) fn encrypt(plain: &[u8], password: &[u8], salt: &[u8]) -> String {
    let Keys { mut cipher, mut mac } = keys(password, salt);
    let padding = BLOCK - plain.len() % BLOCK;
    let mut data = plain.to_vec();
    // `padding` is 1 to 16.
    data.resize(plain.len() + padding, u8::try_from(padding).unwrap_or(0));
    cipher.apply_keystream(&mut data);
    mac.update(&data);
    let inner = [hex(salt), hex(&mac.finalize().into_bytes()), hex(&data)].join("\n");
    hex(inner.as_bytes())
}

/// The plain bytes of a payload.
pub(super) fn decrypt(payload: &[u8], password: &[u8]) -> Result<Vec<u8>, Failure> {
    let inner = unhex(payload)?;
    let mut parts = inner.splitn(3, |b| *b == b'\n');
    let (Some(salt), Some(mac), Some(data)) = (parts.next(), parts.next(), parts.next()) else {
        let count = inner.split(|b| *b == b'\n').count();
        return Err(Failure::Format(format!(
            "Vault vaulttext format error: not enough values to unpack (expected 3, got {count})"
        )));
    };
    let salt = unhex(salt)?;
    let mut data = unhex(data)?;
    let Keys { mut cipher, mac: mut expected } = keys(password, &salt);
    expected.update(&data);
    // Compares in constant time.
    expected.verify_slice(&unhex(mac)?).map_err(|_| Failure::WrongPassword)?;
    cipher.apply_keystream(&mut data);
    let padding = usize::from(data.last().copied().unwrap_or(0));
    let valid = (1..=BLOCK).contains(&padding)
        && data.len() >= padding
        && data[data.len() - padding..].iter().all(|b| usize::from(*b) == padding);
    if !valid {
        return Err(Failure::Format("Invalid padding bytes.".to_owned()));
    }
    data.truncate(data.len() - padding);
    Ok(data)
}

fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write;
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut out, b| {
        // Writing to a string cannot fail.
        let _ = write!(out, "{b:02x}");
        out
    })
}

fn unhex(text: &[u8]) -> Result<Vec<u8>, Failure> {
    let wrong = |what: &str| Failure::Format(format!("Vault format unhexlify error: {what}"));
    if text.len() % 2 == 1 {
        return Err(wrong("Odd-length string"));
    }
    let digit = |b: u8| char::from(b).to_digit(16).and_then(|d| u8::try_from(d).ok());
    text.chunks_exact(2)
        .map(|pair| Some(digit(pair[0])? << 4 | digit(pair[1])?))
        .collect::<Option<_>>()
        .ok_or_else(|| wrong("Non-hexadecimal digit found"))
}
