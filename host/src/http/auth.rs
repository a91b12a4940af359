//! Credentials: of the request, of the address, of `.netrc`; Basic and Digest.

use std::path::PathBuf;

use crate::data::{base64_encode, hex};
use crate::http::Request;
use crate::http::message::Response;
use crate::http::url::Url;
use crate::target::Target;

/// Who asks, and where that may be said.
#[derive(Debug, Clone)]
pub(super) struct Credentials {
    username: String,
    password: String,
    /// Host and port that may hear them when they ask.
    authority: String,
    /// Whether they are sent unasked.
    force: bool,
}

/// The address without credentials, and the credentials of the request.
pub(super) fn credentials(
    target: &mut dyn Target,
    request: &Request,
) -> (String, Option<Credentials>) {
    let mut url = Url::split(&request.url);
    let given = request.username.clone().filter(|name| !name.is_empty());
    if let Some(username) = given {
        let password = request.password.clone().unwrap_or_default();
        let authority = url.authority().to_owned();
        let force = request.force_basic_auth;
        return (request.url.clone(), Some(Credentials { username, password, authority, force }));
    }
    if let Some((credentials, netloc)) = url.netloc.clone().split_once('@') {
        let (username, password) = credentials.split_once(':').unwrap_or((credentials, ""));
        netloc.clone_into(&mut url.netloc);
        let found = Credentials {
            username: username.into(),
            password: password.into(),
            authority: netloc.into(),
            force: request.force_basic_auth,
        };
        return (url.join(), Some(found).filter(|found| !found.username.is_empty()));
    }
    let from_file = request.use_netrc.then(|| netrc(target, &url.host())).flatten();
    let found = from_file.map(|(username, password)| Credentials {
        username,
        password,
        authority: url.authority().into(),
        force: true,
    });
    (request.url.clone(), found)
}

impl Credentials {
    /// The header that is sent unasked.
    pub(super) fn unasked(&self) -> Option<String> {
        self.force.then(|| basic(&self.username, &self.password))
    }

    /// The header that answers a demand; `Err` is the text of Python's `ValueError`.
    pub(super) fn answer(
        &self,
        method: &str,
        url: &Url,
        response: &Response,
    ) -> Result<Option<String>, String> {
        let asking = url.authority();
        let usual = if url.scheme == "https" { 443 } else { 80 };
        let same = asking == self.authority || format!("{asking}:{usual}") == self.authority;
        let Some(demand) = response.headers.get("www-authenticate") else { return Ok(None) };
        if self.force || !same {
            return Ok(None);
        }
        let scheme = demand.split(' ').next().unwrap_or_default();
        match scheme.to_ascii_lowercase().as_str() {
            "basic" => Ok(Some(basic(&self.username, &self.password))),
            "digest" => Ok(self.digest(method, &url.selector(), demand)),
            _ => Err(format!(
                "AbstractDigestAuthHandler does not support the following scheme: '{scheme}'"
            )),
        }
    }

    fn digest(&self, method: &str, selector: &str, demand: &str) -> Option<String> {
        let asked = |name: &str| parameter(demand, name);
        let algorithm = asked("algorithm").unwrap_or_else(|| "MD5".into());
        let hash: fn(&str) -> String = match algorithm.as_str() {
            "MD5" => |text| {
                use md5::Digest;
                hex(&md5::Md5::digest(text))
            },
            "SHA" => |text| {
                use sha1::Digest;
                hex(&sha1::Sha1::digest(text))
            },
            _ => return None,
        };
        let (realm, nonce) = (asked("realm")?, asked("nonce")?);
        let who = hash(&format!("{}:{realm}:{}", self.username, self.password));
        let what = hash(&format!("{method}:{selector}"));
        let qop = asked("qop").filter(|qop| qop.split(',').any(|word| word.trim() == "auth"));
        let mut bytes = [0; 8];
        // Unpredictable enough: it only has to differ from request to request.
        let _ = rustix::rand::getrandom(&mut bytes, rustix::rand::GetRandomFlags::empty());
        let cnonce = hex(&bytes);
        let proof = match qop {
            Some(_) => hash(&format!("{who}:{nonce}:00000001:{cnonce}:auth:{what}")),
            None => hash(&format!("{who}:{nonce}:{what}")),
        };
        let mut header = format!(
            "Digest username=\"{}\", realm=\"{realm}\", nonce=\"{nonce}\", uri=\"{selector}\", response=\"{proof}\"",
            self.username
        );
        if let Some(opaque) = asked("opaque") {
            header.push_str(&format!(", opaque=\"{opaque}\""));
        }
        header.push_str(&format!(", algorithm=\"{algorithm}\""));
        if qop.is_some() {
            header.push_str(&format!(", qop=auth, nc=00000001, cnonce=\"{cnonce}\""));
        }
        Some(header)
    }
}

pub(super) fn basic(username: &str, password: &str) -> String {
    format!("Basic {}", base64_encode(format!("{username}:{password}").as_bytes()))
}

/// A parameter of a demand: `realm="a, b"`.
fn parameter(demand: &str, name: &str) -> Option<String> {
    let mut rest = demand.split_once(' ')?.1;
    loop {
        rest = rest.trim_start_matches([' ', ',']);
        let (key, after) = rest.split_once('=')?;
        let (value, tail) = match after.strip_prefix('"') {
            Some(quoted) => quoted.split_once('"').unwrap_or((quoted, "")),
            None => after.split_once(',').unwrap_or((after, "")),
        };
        if key.trim().eq_ignore_ascii_case(name) {
            return Some(value.trim().to_owned());
        }
        rest = tail;
    }
}

/// The login of a host in `$NETRC` or `~/.netrc`.
fn netrc(target: &mut dyn Target, host: &str) -> Option<(String, String)> {
    let path = target.env("NETRC").unwrap_or_else(|| target.expand("~/.netrc"));
    let text = target.read_text(&PathBuf::from(path)).ok()?;
    login(&text, host)
}

fn login(text: &str, host: &str) -> Option<(String, String)> {
    let lines = text.lines().filter(|line| !line.trim_start().starts_with('#'));
    let mut words = lines.flat_map(str::split_whitespace);
    let (mut machine, mut usual) = (None, None);
    let mut current: Option<(Option<&str>, String, String)> = None;
    let mut close = |entry: Option<(Option<&str>, String, String)>| match entry {
        Some((Some(name), login, password)) if name == host => machine = Some((login, password)),
        Some((None, login, password)) => usual = Some((login, password)),
        _ => {}
    };
    while let Some(word) = words.next() {
        match (word, &mut current) {
            ("machine", _) => {
                close(current.take());
                current = Some((words.next(), String::new(), String::new()));
            }
            ("default", _) => {
                close(current.take());
                current = Some((None, String::new(), String::new()));
            }
            ("login" | "user", Some((_, login, _))) => {
                words.next().unwrap_or_default().clone_into(login);
            }
            ("password", Some((.., password))) => {
                words.next().unwrap_or_default().clone_into(password);
            }
            ("account", _) => drop(words.next()),
            _ => {}
        }
    }
    close(current.take());
    machine.or(usual).filter(|(login, password)| !login.is_empty() && !password.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn logins() {
        let text = "machine a login me password p1\n# machine b\nmachine c\n login you\n password p2\ndefault login any password p3\n";
        let found = |host| login(text, host).map(|(login, password)| format!("{login}:{password}"));
        assert_eq!(found("a").as_deref(), Some("me:p1"));
        assert_eq!(found("c").as_deref(), Some("you:p2"));
        assert_eq!(found("b").as_deref(), Some("any:p3"));
        assert_eq!(login("machine a login me", "a"), None);
    }

    #[test]
    fn demands() {
        let demand = "Digest realm=\"a, b\", nonce=xyz, qop=\"auth,auth-int\", opaque=\"o\"";
        assert_eq!(parameter(demand, "realm").as_deref(), Some("a, b"));
        assert_eq!(parameter(demand, "nonce").as_deref(), Some("xyz"));
        assert_eq!(parameter(demand, "opaque").as_deref(), Some("o"));
        assert_eq!(parameter(demand, "none"), None);
    }
}
