//! known_hosts files: who is who, as OpenSSH reads them: patterns, hashed names, revoked keys.

use std::{
    io::Write,
    path::{Path, PathBuf},
};

use hmac::{Hmac, Mac};
use sha1::Sha1;
use sha2::{Digest, Sha256};
use vmstation_host::data::{base64_decode, base64_encode};

/// What the files say about a host's key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    /// It is the known one.
    Known,
    /// Nothing is known of this kind of key of the host.
    New,
    /// Another key of this kind is known, from this line of this file.
    Changed(PathBuf, usize),
    /// The key is marked as revoked.
    Revoked,
    /// A certificate authority vouches for this host's keys, which only OpenSSH can check.
    Authority,
}

/// A line that says something.
struct Line {
    file: PathBuf,
    number: usize,
    marker: Marker,
    hosts: String,
    kind: String,
    key: Vec<u8>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Marker {
    None,
    Revoked,
    Authority,
}

/// All lines of some files.
#[derive(Default)]
pub(super) struct KnownHosts(Vec<Line>);

impl KnownHosts {
    /// Reads files; those that are not there say nothing.
    pub fn read(files: &[PathBuf]) -> Self {
        let mut lines = Vec::new();
        for file in files {
            let text = std::fs::read(file).unwrap_or_default();
            let text = String::from_utf8_lossy(&text);
            lines
                .extend((1..).zip(text.lines()).filter_map(|(n, line)| Line::parse(file, n, line)));
        }
        Self(lines)
    }

    /// The kinds of keys that are known of a host, for asking it for one of those.
    pub fn kinds(&self, name: &str) -> Vec<&str> {
        let plain = |line: &&Line| line.marker == Marker::None && line.names(name);
        self.0.iter().filter(plain).map(|line| line.kind.as_str()).collect()
    }

    /// What is known of a key of a host called `name` (`[host]:port` where the port is unusual).
    pub fn check(&self, name: &str, kind: &str, key: &[u8]) -> Verdict {
        let mut verdict = Verdict::New;
        for line in self.0.iter().filter(|line| line.names(name)) {
            match line.marker {
                Marker::Revoked if line.key == key => return Verdict::Revoked,
                Marker::Revoked => {}
                Marker::Authority if verdict == Verdict::New => verdict = Verdict::Authority,
                Marker::Authority => {}
                Marker::None if line.key == key => verdict = Verdict::Known,
                Marker::None if line.kind == kind && verdict != Verdict::Known => {
                    verdict = Verdict::Changed(line.file.clone(), line.number);
                }
                Marker::None => {}
            }
        }
        verdict
    }
}

impl Line {
    fn parse(file: &Path, number: usize, line: &str) -> Option<Self> {
        let mut words = line.split_whitespace();
        let mut first = words.next().filter(|w| !w.starts_with('#'))?;
        let marker = match first {
            "@revoked" => Marker::Revoked,
            "@cert-authority" => Marker::Authority,
            _ => Marker::None,
        };
        if marker != Marker::None {
            first = words.next()?;
        }
        let kind = words.next()?.to_owned();
        let key = base64_decode(words.next()?)?;
        Some(Self { file: file.to_owned(), number, marker, hosts: first.to_owned(), kind, key })
    }

    fn names(&self, name: &str) -> bool {
        if let Some(hashed) = self.hosts.strip_prefix("|1|") {
            return hashed_is(hashed, name);
        }
        let name = name.to_ascii_lowercase();
        let mut found = false;
        for pattern in self.hosts.split(',') {
            let pattern = pattern.to_ascii_lowercase();
            match pattern.strip_prefix('!') {
                Some(negated) if glob(negated, &name) => return false,
                Some(_) => {}
                None => found |= glob(&pattern, &name),
            }
        }
        found
    }
}

fn hashed_is(hashed: &str, name: &str) -> bool {
    let Some((salt, hash)) = hashed.split_once('|') else { return false };
    let (Some(salt), Some(hash)) = (base64_decode(salt), base64_decode(hash)) else { return false };
    // A key of any length serves HMAC.
    Hmac::<Sha1>::new_from_slice(&salt)
        .is_ok_and(|mac| mac.chain_update(name.to_ascii_lowercase()).verify_slice(&hash).is_ok())
}

/// Whether `text` matches a pattern of `*` and `?`.
pub(super) fn glob(pattern: &str, text: &str) -> bool {
    let (pattern, text): (Vec<char>, Vec<char>) =
        (pattern.chars().collect(), text.chars().collect());
    let (mut p, mut t, mut star) = (0, 0, None);
    while t < text.len() {
        match pattern.get(p) {
            Some('*') => {
                star = Some((p, t));
                p += 1;
            }
            Some('?') => (p, t) = (p + 1, t + 1),
            Some(c) if *c == text[t] => (p, t) = (p + 1, t + 1),
            _ => match star {
                Some((at, from)) => {
                    star = Some((at, from + 1));
                    (p, t) = (at + 1, from + 1);
                }
                None => return false,
            },
        }
    }
    pattern[p..].iter().all(|c| *c == '*')
}

/// How files call a host at a port.
pub(super) fn name_of(host: &str, port: u16) -> String {
    let host = host.to_ascii_lowercase();
    if port == 22 { host } else { format!("[{host}]:{port}") }
}

/// `SHA256:…` of a key, as OpenSSH shows it.
pub(super) fn fingerprint(key: &[u8]) -> String {
    format!("SHA256:{}", base64_encode(&Sha256::digest(key)).trim_end_matches('='))
}

/// Remembers a host's key.
pub(super) fn add(
    file: &Path,
    name: &str,
    kind: &str,
    key: &[u8],
    hashed: bool,
) -> std::io::Result<()> {
    let name = if hashed { hash(name)? } else { name.to_owned() };
    if let Some(folder) = file.parent().filter(|f| !f.exists()) {
        use std::os::unix::fs::DirBuilderExt;
        std::fs::DirBuilder::new().recursive(true).mode(0o700).create(folder)?;
    }
    use std::os::unix::fs::OpenOptionsExt;
    let mut open =
        std::fs::OpenOptions::new().read(true).append(true).create(true).mode(0o600).open(file)?;
    // A last line without its end would swallow ours.
    let old = std::fs::read(file)?;
    let start = if old.last().is_some_and(|b| *b != b'\n') { "\n" } else { "" };
    open.write_all(format!("{start}{name} {kind} {}\n", base64_encode(key)).as_bytes())
}

fn hash(name: &str) -> std::io::Result<String> {
    let mut salt = [0; 20];
    getrandom::fill(&mut salt).map_err(|e| std::io::Error::other(e.to_string()))?;
    let mac = Hmac::<Sha1>::new_from_slice(&salt).map_err(std::io::Error::other)?;
    let hash = mac.chain_update(name).finalize().into_bytes();
    Ok(format!("|1|{}|{}", base64_encode(&salt), base64_encode(&hash)))
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test may fail")]
mod tests {
    use super::*;

    const A: &[u8] = b"key a";
    const B: &[u8] = b"key b";

    fn known(lines: &[String]) -> KnownHosts {
        let parse = |(n, l): (usize, &String)| Line::parse(Path::new("kh"), n, l);
        KnownHosts((1..).zip(lines).filter_map(parse).collect())
    }

    fn line(hosts: &str, kind: &str, key: &[u8]) -> String {
        format!("{hosts} {kind} {} comment", base64_encode(key))
    }

    #[test]
    fn lines_speak_for_their_hosts() {
        let changed = |n| Verdict::Changed("kh".into(), n);
        let ed = "ssh-ed25519";
        for (lines, name, verdict) in [
            (vec![], "h", Verdict::New),
            (vec![line("h", ed, A)], "h", Verdict::Known),
            (vec![line("H,x", ed, A)], "h", Verdict::Known),
            (vec![line("h", ed, B)], "h", changed(1)),
            (vec![line("h", "ssh-rsa", B)], "h", Verdict::New),
            (vec![line("h", ed, B), line("h", ed, A)], "h", Verdict::Known),
            (vec![line("h", ed, A), line("h", ed, B)], "h", Verdict::Known),
            (vec![line("[h]:2222", ed, A)], "h", Verdict::New),
            (vec![line("[h]:2222", ed, A)], "[h]:2222", Verdict::Known),
            (vec![line("*.x.y,!bad.x.y", ed, A)], "good.x.y", Verdict::Known),
            (vec![line("*.x.y,!bad.x.y", ed, A)], "bad.x.y", Verdict::New),
            (vec![line("10.0.0.?", ed, A)], "10.0.0.7", Verdict::Known),
            (vec![line("@revoked *", ed, A), line("h", ed, A)], "h", Verdict::Revoked),
            (vec![line("@revoked *", ed, B), line("h", ed, A)], "h", Verdict::Known),
            (vec![line("@cert-authority *.x", ed, B)], "h.x", Verdict::Authority),
            (vec![line("@cert-authority *.x", ed, B), line("h.x", ed, A)], "h.x", Verdict::Known),
            (vec!["# h".into(), "h broken".into(), line("h", ed, A)], "h", Verdict::Known),
        ] {
            assert_eq!(known(&lines).check(name, ed, A), verdict, "{lines:?} {name}");
        }
    }

    #[test]
    fn hashed_names_are_recognised() {
        // Written by `ssh-keygen -H`.
        let hashed = "BLBlRNyy70sDoc+pHc/+SkbKUlc=|ZcYLHO9IHEZBmIhERo4JHPHfz4E=";
        assert!(hashed_is(hashed, "Example.org") && !hashed_is(hashed, "example.com"));
        let own = hash("[h.x]:2222").unwrap();
        let lines = [line(&own, "ssh-ed25519", A)];
        assert_eq!(known(&lines).check("[h.x]:2222", "ssh-ed25519", A), Verdict::Known);
        assert_eq!(known(&lines).check("h.x", "ssh-ed25519", A), Verdict::New);
        assert_eq!(known(&lines).kinds("[h.x]:2222"), ["ssh-ed25519"]);
    }

    #[test]
    fn new_keys_are_remembered() {
        let folder = std::env::temp_dir().join(format!("vmstation-kh-{}", std::process::id()));
        let file = folder.join("known_hosts");
        add(&file, "a", "ssh-ed25519", A, false).unwrap();
        let mut text = std::fs::read_to_string(&file).unwrap();
        text.pop();
        std::fs::write(&file, &text).unwrap();
        add(&file, "b", "ssh-ed25519", B, true).unwrap();
        let known = KnownHosts::read(std::slice::from_ref(&file));
        assert_eq!(known.check("a", "ssh-ed25519", A), Verdict::Known);
        assert_eq!(known.check("b", "ssh-ed25519", B), Verdict::Known);
        assert_eq!(known.check("b", "ssh-ed25519", A), Verdict::Changed(file, 2));
        std::fs::remove_dir_all(folder).unwrap();
    }

    #[test]
    fn patterns_match_as_in_openssh() {
        for (pattern, text, matches) in [
            ("*", "", true),
            ("a*c", "abbc", true),
            ("a*c", "abb", false),
            ("?b", "ab", true),
            ("?", "", false),
            ("*a*", "bab", true),
            ("a**b", "ab", true),
            ("ab", "a", false),
        ] {
            assert_eq!(glob(pattern, text), matches, "{pattern} {text}");
        }
    }

    #[test]
    fn fingerprints_are_opensshs() {
        assert_eq!(fingerprint(b""), "SHA256:47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU");
    }
}
