//! Unix password hashes beyond those that modules know too: bcrypt.

pub(super) use vmstation_host::crypt::{md5_crypt, sha_crypt};

/// `$2b$`: bcrypt. `None` for a cost or a name of the format that there is not.
pub(super) fn bcrypt(password: &[u8], salt: &str, cost: usize, ident: &str) -> Option<String> {
    let version = match ident.trim_matches('$') {
        "2a" => bcrypt::Version::TwoA,
        "2b" => bcrypt::Version::TwoB,
        "2x" => bcrypt::Version::TwoX,
        "2y" => bcrypt::Version::TwoY,
        _ => return None,
    };
    let cost = u32::try_from(cost).ok().filter(|c| (4..=31).contains(c))?;
    let raw = bcrypt_salt(salt)?;
    let hashed = bcrypt::hash_with_salt(password, cost, raw).ok()?;
    Some(hashed.format_for_version(version))
}

/// The 16 bytes that 22 characters of bcrypt's own base 64 stand for.
fn bcrypt_salt(salt: &str) -> Option<[u8; 16]> {
    const BCRYPT: &[u8; 64] = b"./ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
    let mut bytes = Vec::new();
    let mut bits = 0_u32;
    for (i, c) in salt.bytes().enumerate() {
        bits = bits << 6 | u32::try_from(BCRYPT.iter().position(|x| *x == c)?).ok()?;
        if i % 4 != 0 {
            let left = 6 - 2 * (i % 4);
            bytes.push((bits >> left & 0xff) as u8);
        }
    }
    bytes.truncate(16);
    bytes.try_into().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_hashes() {
        // Recorded from the C library's crypt().
        assert_eq!(
            bcrypt(b"password", "abcdefghijklmnopqrstuu", 8, "2b").as_deref(),
            Some("$2b$08$abcdefghijklmnopqrstuub/LlVfC1A62K0uqLz37ReP6nxxZrYNe")
        );
    }
}
