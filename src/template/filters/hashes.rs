//! Digests and password hashes.

use md5::Md5;
use sha1::Sha1;
use sha2::{Digest, Sha224, Sha256, Sha384, Sha512};

use super::{Filter, crypt, encoding::to_bytes};
use crate::template::{CallArgs, FilterContext};
use crate::value::{
    PyError, PyResult, Value, codec,
    ops::{self, settle, settle_typed},
    random::Random,
    repr::to_text,
    types::given_name,
};

pub(super) static FILTERS: &[Filter] = &[
    Filter::ansible("hash", "A digest of text.", hash),
    Filter::ansible("md5", "The MD5 digest.", md5_filter),
    Filter::ansible("sha1", "The SHA-1 digest.", sha1_filter),
    Filter::ansible("checksum", "The checksum ansible uses for files (SHA-1).", sha1_filter),
    Filter::ansible("password_hash", "The hash of a password.", password_hash).anew(),
];

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|b| format!("{b:02x}")).collect()
}

/// The digest of `data` by the algorithm that `hashlib` calls `name`.
fn digest(name: &str, data: &[u8]) -> Option<Vec<u8>> {
    let plain = name.to_ascii_lowercase().replace('_', "-");
    Some(match plain.as_str() {
        "md5" => Md5::digest(data).to_vec(),
        "sha1" | "sha-1" => Sha1::digest(data).to_vec(),
        "sha224" | "sha2-224" | "sha-224" => Sha224::digest(data).to_vec(),
        "sha256" | "sha2-256" | "sha-256" => Sha256::digest(data).to_vec(),
        "sha384" | "sha2-384" | "sha-384" => Sha384::digest(data).to_vec(),
        "sha512" | "sha2-512" | "sha-512" => Sha512::digest(data).to_vec(),
        "sha512-224" | "sha2-512/224" => sha2::Sha512_224::digest(data).to_vec(),
        "sha512-256" | "sha2-512/256" => sha2::Sha512_256::digest(data).to_vec(),
        "sha3-224" => sha3::Sha3_224::digest(data).to_vec(),
        "sha3-256" => sha3::Sha3_256::digest(data).to_vec(),
        "sha3-384" => sha3::Sha3_384::digest(data).to_vec(),
        "sha3-512" => sha3::Sha3_512::digest(data).to_vec(),
        "blake2b" | "blake2b512" => blake2::Blake2b512::digest(data).to_vec(),
        "blake2s" | "blake2s256" => blake2::Blake2s256::digest(data).to_vec(),
        _ => return None,
    })
}

fn hash(_cx: &mut dyn FilterContext, value: Value, args: CallArgs) -> PyResult<Value> {
    let [kind] = args.bind("get_hash", &["data"], &["hashtype"], 0)?;
    let kind = kind.unwrap_or_else(|| Value::str("sha1"));
    let settled = settle(&kind)?;
    let Value::Str(name) = settled.as_ref() else {
        return Err(PyError::filter("name must be a string"));
    };
    digest(name, b"").ok_or_else(|| PyError::filter(format!("unsupported hash type {name}")))?;
    let data = to_bytes(&value, "utf-8")?;
    Ok(Value::from(hex(&digest(name, &data).unwrap_or_default())))
}

fn md5_filter(_cx: &mut dyn FilterContext, value: Value, args: CallArgs) -> PyResult<Value> {
    let [] = args.bind("md5s", &["data"], &[], 0)?;
    Ok(Value::from(hex(&Md5::digest(to_bytes(&value, "utf-8")?))))
}

fn sha1_filter(_cx: &mut dyn FilterContext, value: Value, args: CallArgs) -> PyResult<Value> {
    let [function] = args.bind("secure_hash_s", &["data"], &["hash_func"], 0)?;
    if let Some(function) = function {
        // No value of a template is the function that it should be.
        let class = crate::value::types::type_name(&function);
        return Err(PyError::type_error(format!("'{class}' object is not callable")));
    }
    Ok(Value::from(hex(&Sha1::digest(to_bytes(&value, "utf-8")?))))
}

/// A kind of password hash.
struct Algorithm {
    id: &'static str,
    salt_size: usize,
    /// Rounds that are not written into the hash.
    implicit_rounds: Option<i64>,
    exact_salt: bool,
}

fn algorithm(name: &str) -> Option<Algorithm> {
    let (id, salt_size, implicit_rounds, exact_salt) = match name {
        "md5_crypt" => ("1", 8, None, false),
        "bcrypt" => ("2b", 22, Some(12), true),
        "sha256_crypt" => ("5", 16, Some(535_000), false),
        "sha512_crypt" => ("6", 16, Some(656_000), false),
        _ => return None,
    };
    Some(Algorithm { id, salt_size, implicit_rounds, exact_salt })
}

/// The length of the salt and the ident that a kind of hash has when nobody says otherwise.
pub fn hash_defaults(name: &str) -> Option<(usize, Option<&'static str>)> {
    let ident = (name == "bcrypt").then_some("2b");
    algorithm(name).map(|a| (a.salt_size, ident))
}

fn password_hash(_cx: &mut dyn FilterContext, value: Value, args: CallArgs) -> PyResult<Value> {
    let [kind, salt, salt_size, rounds, ident] = args.bind(
        "get_encrypted_password",
        &["password"],
        &["hashtype", "salt", "salt_size", "rounds", "ident"],
        0,
    )?;
    let given = |v: Option<Value>| -> PyResult<Option<Value>> {
        match v {
            Some(v) if ops::truth(&v)? => Ok(Some(v)),
            _ => Ok(None),
        }
    };
    let kind = kind.map_or_else(|| Ok("sha512".to_owned()), |k| to_text(&k))?;
    let name = match kind.as_str() {
        "md5" => "md5_crypt",
        "blowfish" => "bcrypt",
        "sha256" => "sha256_crypt",
        "sha512" => "sha512_crypt",
        other => other,
    };
    let number = |v: Option<Value>| -> PyResult<Option<i64>> {
        given(v)?.map(|v| crate::template::args::index(&v)).transpose()
    };
    let settings = Settings {
        salt: given(salt)?.map(|s| to_text(&s)).transpose()?,
        salt_size: number(salt_size)?,
        rounds: number(rounds)?,
        ident: given(ident)?.map(|i| to_text(&i)).transpose()?,
    };
    let password = settle_typed(&value)?;
    let Value::Str(password) = password.as_ref() else {
        return Err(PyError::type_error(format!(
            "crypt() argument 1 must be str, not {}",
            given_name(&value)
        )));
    };
    codec::encode(password, "utf-8", "strict")?;
    // The filter's error shows the one it came from too.
    encrypt(password, name, settings)
        .map(Value::from)
        .map_err(|e| PyError::filter(format!("{e}. {e}")))
}

/// What a password hash may be told.
#[derive(Default)]
pub struct Settings {
    pub salt: Option<String>,
    pub salt_size: Option<i64>,
    pub rounds: Option<i64>,
    pub ident: Option<String>,
}

/// A random salt of the characters that `crypt` takes.
pub fn random_salt(length: usize) -> PyResult<String> {
    const CHARS: &[u8; 64] = b"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789./";
    let mut random = Random::System;
    (0..length).map(|_| Ok(char::from(CHARS[random.below(CHARS.len())?]))).collect()
}

/// Hashes a password by the algorithm that passlib calls `name`.
pub fn encrypt(password: &str, name: &str, settings: Settings) -> PyResult<String> {
    let unsupported =
        || PyError::filter(format!("crypt.crypt does not support '{name}' algorithm"));
    let algorithm = algorithm(name).ok_or_else(unsupported)?;
    let size = settings.salt_size.and_then(|n| usize::try_from(n).ok());
    let size = size.unwrap_or(algorithm.salt_size);
    let salt = match settings.salt {
        Some(salt) => salt,
        None => random_salt(size)?,
    };
    if !salt.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'.' || b == b'/') {
        return Err(PyError::filter("invalid characters in salt"));
    }
    let fits = if algorithm.exact_salt {
        salt.len() == algorithm.salt_size
    } else {
        salt.len() <= algorithm.salt_size
    };
    if !fits {
        return Err(PyError::filter("invalid salt size"));
    }
    let rounds = settings.rounds.filter(|r| Some(*r) != algorithm.implicit_rounds);
    let rounds = rounds.map(|r| usize::try_from(r).map_err(|_| unsupported())).transpose()?;
    let password = password.as_bytes();
    match algorithm.id {
        "1" => match rounds {
            None => Ok(crypt::md5_crypt(password, &salt)),
            // The C library knows no rounds for MD5.
            Some(_) => Err(unsupported()),
        },
        "5" => crypt::sha_crypt::<Sha256>(password, &salt, rounds).ok_or_else(unsupported),
        "6" => crypt::sha_crypt::<Sha512>(password, &salt, rounds).ok_or_else(unsupported),
        _ => {
            let ident = settings.ident.unwrap_or_else(|| "2b".to_owned());
            crypt::bcrypt(password, &salt, rounds.unwrap_or(12), &ident).ok_or_else(unsupported)
        }
    }
}

/// Hashes what a prompt or the `password` lookup has (`encrypt: sha512_crypt`), by passlib's names.
pub fn do_encrypt(
    password: &str,
    scheme: &str,
    salt: Option<String>,
    salt_size: Option<String>,
) -> crate::diagnostic::Result<String> {
    let settings = Settings {
        salt: salt.filter(|s| !s.is_empty()),
        salt_size: salt_size.and_then(|n| n.parse().ok()),
        ..Settings::default()
    };
    encrypt(password, scheme, settings)
        .map_err(|e| crate::diagnostic::Error::new(crate::diagnostic::Kind::User, e.message))
}
