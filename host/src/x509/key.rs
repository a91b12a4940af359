//! Keys. Private ones are made, converted and used by openssl.

use std::path::Path;

use sha1::Sha1;
use sha2::Digest as _;

use super::colons;
use super::der::{self, BIT_STRING, INTEGER, OCTET_STRING, OID, Reader, SEQUENCE, strip};
use super::pem::{self, Pem};
use crate::context::Context;
use crate::data::{Data, Map, whole_number};
use crate::outcome::Failure;
use crate::python::{self, Subject};
use crate::target::{Ran, Run};

/// The variable of openssl's environment that has a passphrase.
const PASSPHRASE: &str = "VMSTATION_PASSPHRASE";

/// Curves: object identifier, ansible's name, openssl's where that is another, bits.
#[rustfmt::skip]
const CURVES: &[(&str, &str, &str, i64)] = &[
    ("1.2.840.10045.3.1.1", "secp192r1", "prime192v1", 192),
    ("1.2.840.10045.3.1.7", "secp256r1", "prime256v1", 256),
    ("1.3.132.0.33", "secp224r1", "", 224),
    ("1.3.132.0.10", "secp256k1", "", 256),
    ("1.3.132.0.34", "secp384r1", "", 384),
    ("1.3.132.0.35", "secp521r1", "", 521),
    ("1.3.132.0.1", "sect163k1", "", 163),
    ("1.3.132.0.15", "sect163r2", "", 163),
    ("1.3.132.0.26", "sect233k1", "", 233),
    ("1.3.132.0.27", "sect233r1", "", 233),
    ("1.3.132.0.16", "sect283k1", "", 283),
    ("1.3.132.0.17", "sect283r1", "", 283),
    ("1.3.132.0.36", "sect409k1", "", 409),
    ("1.3.132.0.37", "sect409r1", "", 409),
    ("1.3.132.0.38", "sect571k1", "", 570),
    ("1.3.132.0.39", "sect571r1", "", 570),
    ("1.3.36.3.3.2.8.1.1.7", "brainpoolP256r1", "", 256),
    ("1.3.36.3.3.2.8.1.1.11", "brainpoolP384r1", "", 384),
    ("1.3.36.3.3.2.8.1.1.13", "brainpoolP512r1", "", 512),
];

/// Kinds of keys without parameters.
const PLAIN: [(&str, &str); 4] = [
    ("1.3.101.110", "X25519"),
    ("1.3.101.111", "X448"),
    ("1.3.101.112", "Ed25519"),
    ("1.3.101.113", "Ed448"),
];

/// A digest that signatures are made with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Digest(&'static str);

impl Digest {
    pub fn named(name: &str) -> Option<Digest> {
        ["sha256", "sha384", "sha512", "sha1", "md5"]
            .into_iter()
            .find(|known| *known == name)
            .map(Digest)
    }
}

/// Algorithms of signatures: object identifier, kind of key, digest, whether a NULL follows.
#[rustfmt::skip]
const ALGORITHMS: &[(&str, &str, &str, bool)] = &[
    ("1.2.840.113549.1.1.4", "RSA", "md5", true),
    ("1.2.840.113549.1.1.5", "RSA", "sha1", true),
    ("1.2.840.113549.1.1.14", "RSA", "sha224", true),
    ("1.2.840.113549.1.1.11", "RSA", "sha256", true),
    ("1.2.840.113549.1.1.12", "RSA", "sha384", true),
    ("1.2.840.113549.1.1.13", "RSA", "sha512", true),
    ("1.2.840.10045.4.1", "ECC", "sha1", false),
    ("1.2.840.10045.4.3.1", "ECC", "sha224", false),
    ("1.2.840.10045.4.3.2", "ECC", "sha256", false),
    ("1.2.840.10045.4.3.3", "ECC", "sha384", false),
    ("1.2.840.10045.4.3.4", "ECC", "sha512", false),
    ("1.2.840.10040.4.3", "DSA", "sha1", false),
    ("2.16.840.1.101.3.4.3.1", "DSA", "sha224", false),
    ("2.16.840.1.101.3.4.3.2", "DSA", "sha256", false),
    ("2.16.840.1.101.3.4.3.3", "DSA", "sha384", false),
    ("2.16.840.1.101.3.4.3.4", "DSA", "sha512", false),
    ("1.3.101.112", "Ed25519", "", false),
    ("1.3.101.113", "Ed448", "", false),
];

/// A public key, as certificates have it (`SubjectPublicKeyInfo`).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PublicKey {
    pub der: Vec<u8>,
}

impl PublicKey {
    /// Of a PEM file.
    pub fn of_pem(content: &[u8]) -> Option<PublicKey> {
        let key = PublicKey { der: Pem::of(content, &["PUBLIC KEY"])? };
        key.parts().is_some().then_some(key)
    }

    pub fn pem(&self) -> String {
        pem::pem("PUBLIC KEY", &self.der)
    }

    /// Its algorithm, the algorithm's parameters, and its bits.
    fn parts(&self) -> Option<(String, Reader<'_>, &[u8])> {
        let mut outer = Reader(&self.der).enter(SEQUENCE)?;
        let mut algorithm = outer.enter(SEQUENCE)?;
        let oid = der::oid_text(algorithm.next_of(OID)?.body);
        Some((oid, algorithm, outer.next_of(BIT_STRING)?.body.get(1..)?))
    }

    /// `RSA`, `DSA`, `ECC`, `Ed25519`, …
    pub fn kind(&self) -> &'static str {
        let Some((oid, ..)) = self.parts() else { return "unknown" };
        match oid.as_str() {
            "1.2.840.113549.1.1.1" => "RSA",
            "1.2.840.10040.4.1" => "DSA",
            "1.2.840.10045.2.1" => "ECC",
            other => {
                let plain = PLAIN.iter().find(|(known, _)| *known == other);
                plain.map_or("unknown", |(_, name)| name)
            }
        }
    }

    /// How many bits an RSA or DSA key has.
    pub fn size(&self) -> Option<i64> {
        self.data().get("size")?.as_i64()
    }

    /// The name of its curve.
    pub fn curve(&self) -> Option<&'static str> {
        let (_, mut parameters, _) = self.parts()?;
        let oid = der::oid_text(parameters.next_of(OID)?.body);
        CURVES.iter().find(|curve| curve.0 == oid).map(|curve| curve.1)
    }

    /// Its numbers, by their names.
    pub fn data(&self) -> Map {
        self.numbers().unwrap_or_default()
    }

    fn numbers(&self) -> Option<Map> {
        let (_, mut parameters, bits) = self.parts()?;
        let mut map = Map::new();
        match self.kind() {
            "RSA" => {
                let mut numbers = Reader(bits).enter(SEQUENCE)?;
                let modulus = numbers.next_of(INTEGER)?.body;
                map.insert("size".into(), bit_length(modulus).into());
                map.insert("modulus".into(), whole_number(modulus));
                map.insert("exponent".into(), whole_number(numbers.next_of(INTEGER)?.body));
            }
            "DSA" => {
                let mut numbers = parameters.enter(SEQUENCE)?;
                for name in ["p", "q", "g"] {
                    let number = numbers.next_of(INTEGER)?.body;
                    if name == "p" {
                        map.insert("size".into(), bit_length(number).into());
                    }
                    map.insert(name.into(), whole_number(number));
                }
                map.insert("y".into(), whole_number(Reader(bits).next_of(INTEGER)?.body));
            }
            "ECC" => {
                let curve = CURVES.iter().find(|curve| Some(curve.1) == self.curve())?;
                // 4 says that both coordinates follow.
                let point = bits.strip_prefix(&[4])?;
                let (x, y) = point.split_at(point.len() / 2);
                map.insert("curve".into(), curve.1.into());
                map.insert("x".into(), whole_number(x));
                map.insert("y".into(), whole_number(y));
                map.insert("exponent_size".into(), curve.3.into());
            }
            _ => {}
        }
        Some(map)
    }

    /// As OpenSSH writes it.
    pub fn openssh(&self) -> Option<String> {
        let (_, _, bits) = self.parts()?;
        let number = |body: &[u8]| match strip(body) {
            high if high.first().is_some_and(|first| first & 0x80 != 0) => [&[0], high].concat(),
            low => low.to_vec(),
        };
        let (name, fields) = match self.kind() {
            "RSA" => {
                let mut numbers = Reader(bits).enter(SEQUENCE)?;
                let modulus = number(numbers.next_of(INTEGER)?.body);
                ("ssh-rsa".to_owned(), vec![number(numbers.next_of(INTEGER)?.body), modulus])
            }
            "ECC" => {
                let size = CURVES.iter().find(|curve| Some(curve.1) == self.curve())?.3;
                let curve = format!("nistp{size}");
                let known = ["secp256r1", "secp384r1", "secp521r1"].contains(&self.curve()?);
                let name = known.then(|| format!("ecdsa-sha2-{curve}"))?;
                (name, vec![curve.into_bytes(), bits.to_vec()])
            }
            "Ed25519" => ("ssh-ed25519".to_owned(), vec![bits.to_vec()]),
            _ => return None,
        };
        let mut blob = Vec::new();
        for field in [name.clone().into_bytes()].iter().chain(&fields) {
            blob.extend((field.len() as u32).to_be_bytes());
            blob.extend(field);
        }
        Some(format!("{name} {}", crate::data::base64_encode(&blob)))
    }

    /// Whether a signature of these bytes is this key's.
    pub fn verifies(
        &self,
        cx: &mut Context<'_>,
        algorithm: &str,
        signed: &[u8],
        signature: &[u8],
    ) -> Result<bool, Failure> {
        let Some((_, _, digest, _)) =
            ALGORITHMS.iter().find(|known| known.0 == algorithm && known.1 == self.kind())
        else {
            return Ok(false);
        };
        let folder = cx.tmpdir()?;
        let (key, data, sign) = (folder.join("key"), folder.join("signed"), folder.join("sign"));
        for (path, content) in [(&key, self.pem().as_bytes()), (&data, signed), (&sign, signature)]
        {
            cx.target.overwrite(path, content).map_err(|error| of_file(&error, path))?;
        }
        let run = match *digest {
            "" => openssl(cx, &["pkeyutl", "-verify", "-rawin", "-pubin", "-inkey"])?
                .arg(&key)
                .arg("-in")
                .arg(&data)
                .arg("-sigfile")
                .arg(&sign),
            digest => openssl(cx, &["dgst", &format!("-{digest}"), "-verify"])?
                .arg(&key)
                .arg("-signature")
                .arg(&sign)
                .arg(&data),
        };
        Ok(cx.run(&run)?.ok())
    }
}

fn of_file(error: &std::io::Error, path: &Path) -> Failure {
    Failure::new(python::os_error(error, Subject::Text(path)))
}

fn bit_length(bytes: &[u8]) -> i64 {
    match strip(bytes) {
        [] => 0,
        [first, rest @ ..] => 8 * rest.len() as i64 + i64::from(8 - first.leading_zeros()),
    }
}

/// What names a key in certificates: SHA-1 of its bits.
pub fn key_id(key: &PublicKey) -> Vec<u8> {
    let bits = key.parts().map(|(_, _, bits)| bits).unwrap_or_default();
    Sha1::digest(bits).to_vec()
}

fn openssl(cx: &mut Context<'_>, words: &[&str]) -> Result<Run, Failure> {
    let program = cx.program("openssl")?;
    Ok(Run::argv([program]).args(words).c_locale())
}

/// A private key that could be read.
#[derive(Clone)]
pub struct PrivateKey {
    content: Vec<u8>,
    passphrase: Option<String>,
    pub public: PublicKey,
}

impl PrivateKey {
    /// A key's file, or its text.
    ///
    /// # Errors
    /// A wrong passphrase, one too many, a missing one; a file that can't be read.
    pub fn load(
        cx: &mut Context<'_>,
        path: Option<&str>,
        content: Option<&str>,
        passphrase: Option<&str>,
    ) -> Result<PrivateKey, Failure> {
        let content = match (content, path) {
            (Some(content), _) => content.as_bytes().to_vec(),
            (None, path) => {
                let path = Path::new(path.unwrap_or_default());
                cx.target.read(path).map_err(|error| of_file(&error, path))?
            }
        };
        PrivateKey::read(cx, &content, passphrase)
    }

    /// The key of a file's content.
    ///
    /// # Errors
    /// As `load`.
    pub fn read(
        cx: &mut Context<'_>,
        content: &[u8],
        passphrase: Option<&str>,
    ) -> Result<PrivateKey, Failure> {
        let text = String::from_utf8_lossy(content);
        let encrypted = text.contains("-----BEGIN ENCRYPTED PRIVATE KEY-----")
            || text.contains("Proc-Type: 4,ENCRYPTED");
        if encrypted != passphrase.is_some() && text.contains("PRIVATE KEY-----") {
            return Err(Failure::new("Wrong or empty passphrase provided for private key"));
        }
        let passphrase = passphrase.map(str::to_owned);
        let key = ["pkey", "-pubout", "-outform", "DER"];
        let ran = with_key(cx, &key, content, passphrase.as_deref())?;
        let public = PublicKey { der: ran.stdout.clone() };
        // openssl reads DER too.
        let is_pem = text.contains("PRIVATE KEY-----");
        if !ran.ok() || !is_pem || public.parts().is_none() {
            return Err(Failure::new("Wrong passphrase provided for private key"));
        }
        Ok(PrivateKey { content: content.to_vec(), passphrase, public })
    }

    /// A key that is nothing but its bytes.
    pub fn of_raw(cx: &mut Context<'_>, kind: &str, bytes: &[u8]) -> Result<PrivateKey, Failure> {
        let kind = match bytes.len() {
            56 => "X448",
            57 => "Ed448",
            32 if kind == "Ed25519" => "Ed25519",
            32 => "X25519",
            _ => "",
        };
        let oid = PLAIN.iter().find(|plain| plain.1 == kind).and_then(|plain| der::oid(plain.0));
        let oid = oid.ok_or_else(|| Failure::new("Cannot load raw key"))?;
        let algorithm = der::of(SEQUENCE, &[oid]);
        let key = der::tlv(OCTET_STRING, &der::tlv(OCTET_STRING, bytes));
        let content = der::of(SEQUENCE, &[der::integer(&[0]), algorithm, key]);
        PrivateKey::read(cx, pem::pem("PRIVATE KEY", &content).as_bytes(), None)
    }

    /// As it was read.
    pub fn content(&self) -> &[u8] {
        &self.content
    }

    /// Whether its signatures are of a digest.
    pub fn needs_digest(&self) -> bool {
        !matches!(self.public.kind(), "Ed25519" | "Ed448")
    }

    /// The algorithm of its signatures, and one of these bytes.
    pub fn sign(
        &self,
        cx: &mut Context<'_>,
        digest: Option<Digest>,
        bytes: impl FnOnce(&[u8]) -> Vec<u8>,
    ) -> Result<Vec<u8>, Failure> {
        let (kind, digest) = (self.public.kind(), digest.map_or("", |digest| digest.0));
        let digest = if self.needs_digest() { digest } else { "" };
        let known = ALGORITHMS.iter().find(|known| known.1 == kind && known.2 == digest);
        let Some((oid, _, _, null)) = known else {
            return Err(Failure::new(format!("{kind} keys can't sign with {digest}")));
        };
        let mut algorithm = vec![der::oid(oid).unwrap_or_default()];
        algorithm.extend(null.then(|| vec![5, 0]));
        let algorithm = der::of(SEQUENCE, &algorithm);
        let bytes = bytes(&algorithm);
        let data = cx.tmpdir()?.join("signed");
        cx.target.overwrite(&data, &bytes).map_err(|error| of_file(&error, &data))?;
        let data = data.to_string_lossy().into_owned();
        let digest = format!("-{digest}");
        let words: &[&str] = match self.needs_digest() {
            true => &["dgst", &digest, "-sign", "/dev/stdin", &data],
            false => &["pkeyutl", "-sign", "-rawin", "-inkey", "/dev/stdin", "-in", &data],
        };
        let ran = with_key(cx, words, &self.content, self.passphrase.as_deref())?;
        match ran.ok() {
            true => Ok(der::of(SEQUENCE, &[bytes, algorithm, der::bits(&ran.stdout)])),
            false => Err(Failure::new(ran.err()).with("rc", ran.rc)),
        }
    }

    /// Whether its numbers belong together; `None` for keys that nobody can ask.
    pub fn is_consistent(&self, cx: &mut Context<'_>) -> Result<Option<bool>, Failure> {
        if self.public.kind().starts_with('X') {
            return Ok(None);
        }
        let ran =
            with_key(cx, &["pkey", "-check", "-noout"], &self.content, self.passphrase.as_deref())?;
        Ok(Some(ran.ok()))
    }

    /// Its secret numbers, by their names.
    pub fn data(&self, cx: &mut Context<'_>) -> Result<Map, Failure> {
        let words = ["pkey", "-outform", "DER"];
        let ran = with_key(cx, &words, &self.content, self.passphrase.as_deref())?;
        Ok(self.secret_numbers(&ran.stdout).unwrap_or_default())
    }

    fn secret_numbers(&self, pkcs8: &[u8]) -> Option<Map> {
        let key = inner(pkcs8)?;
        let mut map = Map::new();
        match self.public.kind() {
            "RSA" => {
                let numbers: Vec<_> = Reader(key).enter(SEQUENCE)?.collect();
                for (name, at) in [("p", 4), ("q", 5), ("exponent", 3)] {
                    map.insert(name.into(), whole_number(numbers.get(at)?.body));
                }
            }
            "DSA" => {
                map.insert("x".into(), whole_number(Reader(key).next_of(INTEGER)?.body));
            }
            "ECC" => {
                let mut fields = Reader(key).enter(SEQUENCE)?;
                fields.next_of(INTEGER)?;
                map.insert("multiplier".into(), whole_number(fields.next_of(OCTET_STRING)?.body));
            }
            _ => {}
        }
        Some(map)
    }
}

/// The key in a PKCS#8 structure.
fn inner(pkcs8: &[u8]) -> Option<&[u8]> {
    let mut outer = Reader(pkcs8).enter(SEQUENCE)?;
    outer.next_of(INTEGER)?;
    outer.next_of(SEQUENCE)?;
    Some(outer.next_of(OCTET_STRING)?.body)
}

/// openssl with a key at its standard input.
fn with_key(
    cx: &mut Context<'_>,
    words: &[&str],
    key: &[u8],
    passphrase: Option<&str>,
) -> Result<Ran, Failure> {
    // Before the words that are files. Without it openssl might ask the terminal.
    let passin = format!("env:{PASSPHRASE}");
    let at = 1;
    let all: Vec<&str> = [&words[..at], &["-passin", &passin], &words[at..]].concat();
    let run = openssl(cx, &all)?.env(PASSPHRASE, passphrase.unwrap_or_default()).stdin(key);
    cx.run(&run)
}

/// A new private key, as PKCS#8.
pub fn generate(
    cx: &mut Context<'_>,
    kind: &str,
    size: i64,
    curve: Option<&str>,
) -> Result<Vec<u8>, Failure> {
    let size = size.to_string();
    let bits = format!("rsa_keygen_bits:{size}");
    let curve = curve.unwrap_or_default();
    let known = CURVES.iter().find(|known| known.1 == curve && !known.2.is_empty());
    let curve = format!("ec_paramgen_curve:{}", known.map_or(curve, |known| known.2));
    let words: Vec<&str> = match kind {
        "RSA" => vec!["genpkey", "-algorithm", "RSA", "-pkeyopt", &bits],
        "DSA" => vec!["dsaparam", "-genkey", "-noout", &size],
        "ECC" => {
            let named = ["-pkeyopt", "ec_param_enc:named_curve"];
            [&["genpkey", "-algorithm", "EC", "-pkeyopt", &curve], &named[..]].concat()
        }
        plain => vec!["genpkey", "-algorithm", plain],
    };
    let run = openssl(cx, &words)?;
    let ran = cx.run(&run)?;
    match ran.ok() {
        true => Ok(ran.stdout),
        false => {
            let msg =
                format!("Cryptography backend does not support the algorithm required for {kind}");
            Err(Failure::new(msg).with("rc", ran.rc).with("stderr", ran.err()))
        }
    }
}

/// A key in another form (`pkcs1`, `pkcs8`, `raw`), behind a passphrase or not; `None` if such keys have no such form.
pub fn convert(
    cx: &mut Context<'_>,
    key: &[u8],
    old_passphrase: Option<&str>,
    format: &str,
    passphrase: Option<&str>,
) -> Result<Option<Vec<u8>>, Failure> {
    const NEW: &str = "VMSTATION_NEW_PASSPHRASE";
    let old = format!("env:{PASSPHRASE}");
    let new = format!("env:{NEW}");
    let mut words = vec!["pkey", "-passin", &old];
    match format {
        "pkcs1" => words.push("-traditional"),
        "raw" => words.extend(["-outform", "DER"]),
        _ => {}
    }
    if passphrase.is_some() && format != "raw" {
        words.extend(["-aes256", "-passout", &new]);
    }
    let run = openssl(cx, &words)?
        .env(PASSPHRASE, old_passphrase.unwrap_or_default())
        .env(NEW, passphrase.unwrap_or_default())
        .stdin(key);
    let ran = cx.run(&run)?;
    Ok(match format {
        // The bytes of a key without parameters are a string in a string.
        "raw" => inner(&ran.stdout)
            .filter(|_| passphrase.is_none())
            .and_then(|key| Reader(key).next_of(OCTET_STRING))
            .map(|key| key.body.to_vec()),
        _ => (ran.ok() && !ran.stdout.is_empty()).then_some(ran.stdout),
    })
}

/// Checksums of bytes by all algorithms that Python has always, or the first of them alone.
pub fn fingerprints(cx: &mut Context<'_>, bytes: &[u8], first: bool) -> Result<Map, Failure> {
    let sha256 = colons(&sha2::Sha256::digest(bytes));
    let mut map = Map::from_iter([("sha256".to_owned(), Data::from(sha256))]);
    if first {
        return Ok(map);
    }
    map.insert("md5".into(), colons(&md5::Md5::digest(bytes)).into());
    map.insert("sha1".into(), colons(&Sha1::digest(bytes)).into());
    map.insert("sha224".into(), colons(&sha2::Sha224::digest(bytes)).into());
    map.insert("sha384".into(), colons(&sha2::Sha384::digest(bytes)).into());
    map.insert("sha512".into(), colons(&sha2::Sha512::digest(bytes)).into());
    let others = [
        ("blake2b", "-blake2b512"),
        ("blake2s", "-blake2s256"),
        ("sha3_224", "-sha3-224"),
        ("sha3_256", "-sha3-256"),
        ("sha3_384", "-sha3-384"),
        ("sha3_512", "-sha3-512"),
        ("shake_128", "-shake128"),
        ("shake_256", "-shake256"),
    ];
    for (name, option) in others {
        let mut words = vec!["dgst", "-binary", option];
        if name.starts_with("shake") {
            words.extend(["-xoflen", "32"]);
        }
        let run = openssl(cx, &words)?.stdin(bytes);
        let ran = cx.run(&run)?;
        // Where FIPS forbids one, ansible leaves it out too.
        if ran.ok() && !ran.stdout.is_empty() {
            map.insert(name.into(), colons(&ran.stdout).into());
        }
    }
    Ok(map)
}
