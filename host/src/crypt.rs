//! Unix password hashes: MD5, SHA-256 and SHA-512 `crypt`, for templates and for modules.

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
pub fn md5_crypt(password: &[u8], salt: &str) -> String {
    md5_crypt_of("$1$", password, salt)
}

/// `$apr1$`: the same as Apache has it.
pub fn apr_md5_crypt(password: &[u8], salt: &str) -> String {
    md5_crypt_of("$apr1$", password, salt)
}

fn md5_crypt_of(magic: &str, password: &[u8], salt: &str) -> String {
    let salt = &salt.as_bytes()[..salt.len().min(8)];
    let inner = Md5::digest([password, salt, password].concat());
    let mut outer = Md5::new();
    outer.update(password);
    outer.update(magic.as_bytes());
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
    let mut out = format!("{magic}{}$", String::from_utf8_lossy(salt));
    for (a, b, c) in [(0, 6, 12), (1, 7, 13), (2, 8, 14), (3, 9, 15), (4, 10, 5)] {
        characters(&mut out, digest[a], digest[b], digest[c], 4);
    }
    characters(&mut out, 0, 0, digest[11], 2);
    out
}

/// A digest that `sha_crypt` is made with.
pub trait ShaKind: Digest {
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
pub fn sha_crypt<D: ShaKind>(password: &[u8], salt: &str, rounds: Option<usize>) -> Option<String> {
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_hashes() {
        // Recorded from the C library's crypt(), the second from passlib.
        assert_eq!(md5_crypt(b"password", "salt"), "$1$salt$qJH7.N4xYta3aEG/dfqo/0");
        assert_eq!(apr_md5_crypt(b"password", "saltsalt"), "$apr1$saltsalt$yAAkm4libquA.ZWLHbSBq/");
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
    }
}
