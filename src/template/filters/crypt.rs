//! Unix password hashes: MD5, SHA-256 and SHA-512 `crypt`, bcrypt.

use md5::{Digest, Md5};

/// The alphabet of `crypt`'s base 64.
const ALPHABET: &[u8; 64] = b"./0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

/// `count` characters of the 24 bits made of three bytes, lowest bits first.
fn characters(out: &mut String, high: u8, middle: u8, low: u8, count: usize) {
    let mut bits = u32::from(high) << 16 | u32::from(middle) << 8 | u32::from(low);
    for _ in 0..count {
        out.push(char::from(ALPHABET[(bits & 63) as usize]));
        bits >>= 6;
    }
}

/// As many bytes as asked for, out of a digest repeated.
fn repeated(digest: &[u8], len: usize) -> Vec<u8> {
    digest.iter().copied().cycle().take(len).collect()
}

/// `$1$`: Poul-Henning Kamp's MD5 crypt.
pub(super) fn md5_crypt(password: &[u8], salt: &str) -> String {
    let salt = &salt.as_bytes()[..salt.len().min(8)];
    let inner = Md5::digest([password, salt, password].concat());
    let mut outer = Md5::new();
    outer.update(password);
    outer.update(b"$1$");
    outer.update(salt);
    outer.update(repeated(&inner, password.len()));
    let mut n = password.len();
    while n > 0 {
        // An old mistake that became the standard: a zero byte, or the first of the password.
        outer.update(if n & 1 == 1 { &[0][..] } else { &password[..1] });
        n >>= 1;
    }
    let mut digest = outer.finalize().to_vec();
    for i in 0..1000 {
        let mut round = Md5::new();
        round.update(if i % 2 == 1 { password } else { &digest });
        if i % 3 != 0 {
            round.update(salt);
        }
        if i % 7 != 0 {
            round.update(password);
        }
        round.update(if i % 2 == 1 { &digest } else { password });
        digest = round.finalize().to_vec();
    }
    let mut out = format!("$1${}$", String::from_utf8_lossy(salt));
    for (a, b, c) in [(0, 6, 12), (1, 7, 13), (2, 8, 14), (3, 9, 15), (4, 10, 5)] {
        characters(&mut out, digest[a], digest[b], digest[c], 4);
    }
    characters(&mut out, 0, 0, digest[11], 2);
    out
}

/// A digest that `sha_crypt` is made with.
pub(super) trait ShaKind: Digest {
    /// What stands at the start of the hash.
    const PREFIX: &'static str;
    /// Writes the digest in `crypt`'s order of bytes.
    fn write(digest: &[u8], out: &mut String);
}

impl ShaKind for sha2::Sha256 {
    const PREFIX: &'static str = "$5$";
    fn write(digest: &[u8], out: &mut String) {
        let (mut a, mut b, mut c) = (0, 10, 20);
        for _ in 0..10 {
            characters(out, digest[a], digest[b], digest[c], 4);
            (a, b, c) = (c + 1, a + 1, b + 1);
        }
        characters(out, 0, digest[31], digest[30], 3);
    }
}

impl ShaKind for sha2::Sha512 {
    const PREFIX: &'static str = "$6$";
    fn write(digest: &[u8], out: &mut String) {
        let (mut a, mut b, mut c) = (0, 21, 42);
        for _ in 0..21 {
            characters(out, digest[a], digest[b], digest[c], 4);
            (a, b, c) = (b + 1, c + 1, a + 1);
        }
        characters(out, 0, 0, digest[63], 2);
    }
}

/// `$5$` and `$6$`: Ulrich Drepper's SHA crypt. `None` for rounds that the C library refuses.
pub(super) fn sha_crypt<D: ShaKind>(
    password: &[u8],
    salt: &str,
    rounds: Option<usize>,
) -> Option<String> {
    const FEWEST: usize = 1000;
    const MOST: usize = 999_999_999;
    if rounds.is_some_and(|r| !(FEWEST..=MOST).contains(&r)) {
        return None;
    }
    let salt = &salt.as_bytes()[..salt.len().min(16)];
    let inner = D::digest([password, salt, password].concat());
    let mut outer = D::new();
    outer.update(password);
    outer.update(salt);
    outer.update(repeated(&inner, password.len()));
    let mut n = password.len();
    while n > 0 {
        if n & 1 == 1 {
            outer.update(&inner);
        } else {
            outer.update(password);
        }
        n >>= 1;
    }
    let mut digest = outer.finalize();
    let mut by_password = D::new();
    for _ in 0..password.len() {
        by_password.update(password);
    }
    let p = repeated(&by_password.finalize(), password.len());
    let mut by_salt = D::new();
    for _ in 0..16 + usize::from(digest[0]) {
        by_salt.update(salt);
    }
    let s = repeated(&by_salt.finalize(), salt.len());
    for i in 0..rounds.unwrap_or(5000) {
        let mut round = D::new();
        if i % 2 == 1 {
            round.update(&p)
        } else {
            round.update(&digest)
        }
        if i % 3 != 0 {
            round.update(&s);
        }
        if i % 7 != 0 {
            round.update(&p);
        }
        if i % 2 == 1 {
            round.update(&digest)
        } else {
            round.update(&p)
        }
        digest = round.finalize();
    }
    let mut out = D::PREFIX.to_owned();
    if let Some(rounds) = rounds {
        out += &format!("rounds={rounds}$");
    }
    out += &format!("{}$", String::from_utf8_lossy(salt));
    D::write(&digest, &mut out);
    Some(out)
}

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
        assert_eq!(md5_crypt(b"password", "salt"), "$1$salt$qJH7.N4xYta3aEG/dfqo/0");
        assert_eq!(
            sha_crypt::<sha2::Sha256>(b"password", "salt", None).as_deref(),
            Some("$5$salt$Gcm6FsVtF/Qa77ZKD.iwsJlCVPY0XSMgLJL0Hnww/c1")
        );
        assert_eq!(
            sha_crypt::<sha2::Sha512>(b"password", "salt", Some(1000)).as_deref(),
            Some(
                "$6$rounds=1000$salt$O0nhCLTaysO7YRx7RhswA9LUudDbe8n/29Fg0mCv48MlTSygeX82/gn5a5m7.zIERei.MTm0LX6AbQbQLYGS5."
            )
        );
        assert_eq!(
            bcrypt(b"password", "abcdefghijklmnopqrstuu", 8, "2b").as_deref(),
            Some("$2b$08$abcdefghijklmnopqrstuub/LlVfC1A62K0uqLz37ReP6nxxZrYNe")
        );
    }
}
