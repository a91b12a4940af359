//! Addresses, taken apart and joined as Python's `urllib.parse` does.

/// The parts of an address.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Url {
    /// In lower case; empty if there is none.
    pub scheme: String,
    /// Host, port and credentials.
    pub netloc: String,
    pub path: String,
    /// Without the question mark.
    pub query: Option<String>,
    pub fragment: Option<String>,
}

impl Url {
    /// `urlsplit`.
    pub fn split(text: &str) -> Url {
        let text: String =
            text.chars().filter(|char| !matches!(char, '\t' | '\r' | '\n')).collect();
        let text = text.trim_start_matches(|char: char| char <= ' ');
        let mut url = Url::default();
        let mut rest = text;
        if let Some((scheme, tail)) = text.split_once(':')
            && scheme.starts_with(|char: char| char.is_ascii_alphabetic())
            && scheme.chars().all(|char| char.is_ascii_alphanumeric() || "+-.".contains(char))
        {
            url.scheme = scheme.to_ascii_lowercase();
            rest = tail;
        }
        if let Some(tail) = rest.strip_prefix("//") {
            let end = tail.find(['/', '?', '#']).unwrap_or(tail.len());
            url.netloc = tail[..end].to_owned();
            rest = &tail[end..];
        }
        if let Some((before, fragment)) = rest.split_once('#') {
            url.fragment = Some(fragment.to_owned()).filter(|text| !text.is_empty());
            rest = before;
        }
        if let Some((before, query)) = rest.split_once('?') {
            url.query = Some(query.to_owned()).filter(|text| !text.is_empty());
            rest = before;
        }
        url.path = rest.to_owned();
        url
    }

    /// `urlunsplit`.
    pub fn join(&self) -> String {
        let mut text = String::new();
        if !self.scheme.is_empty() {
            text.push_str(&self.scheme);
            text.push(':');
        }
        if !self.netloc.is_empty() {
            text.push_str("//");
            text.push_str(&self.netloc);
            if !self.path.is_empty() && !self.path.starts_with('/') {
                text.push('/');
            }
        }
        text.push_str(&self.path);
        for (mark, part) in [('?', &self.query), ('#', &self.fragment)] {
            if let Some(part) = part {
                text.push(mark);
                text.push_str(part);
            }
        }
        text
    }

    /// What a request's first line asks for.
    pub fn selector(&self) -> String {
        let mut text = self.path.clone();
        if !text.starts_with('/') {
            text.insert(0, '/');
        }
        if let Some(query) = &self.query {
            text.push('?');
            text.push_str(query);
        }
        text
    }

    /// Host and port, without credentials.
    pub fn authority(&self) -> &str {
        self.netloc.rsplit_once('@').map_or(&self.netloc, |(_, authority)| authority)
    }

    /// The host in lower case, without the brackets of IPv6.
    pub fn host(&self) -> String {
        let authority = self.authority();
        let host = match authority.strip_prefix('[') {
            Some(rest) => rest.split(']').next().unwrap_or_default(),
            None => authority.split(':').next().unwrap_or_default(),
        };
        host.to_ascii_lowercase()
    }

    /// The port's text, if it names one.
    pub fn port_text(&self) -> Option<&str> {
        let authority = self.authority();
        let after = authority.rsplit_once(']').map_or(authority, |(_, after)| after);
        after.rsplit_once(':').map(|(_, port)| port).filter(|port| !port.is_empty())
    }
}

/// `urljoin`: an address as seen from another one.
pub fn resolved(base: &str, text: &str) -> String {
    let from = Url::split(base);
    let mut to = Url::split(text);
    if !to.scheme.is_empty() && to.scheme != from.scheme {
        return text.to_owned();
    }
    to.scheme.clone_from(&from.scheme);
    if !to.netloc.is_empty() {
        return to.join();
    }
    to.netloc.clone_from(&from.netloc);
    if to.path.is_empty() {
        to.path.clone_from(&from.path);
        if to.query.is_none() {
            to.query.clone_from(&from.query);
        }
        return to.join();
    }
    let mut parts: Vec<&str> = Vec::new();
    if !to.path.starts_with('/') {
        parts = from.path.split('/').collect();
        parts.pop();
    }
    let own = to.path.clone();
    parts.extend(own.split('/'));
    let mut walked: Vec<&str> = Vec::new();
    let last = parts.len().saturating_sub(1);
    for (at, part) in parts.iter().enumerate() {
        match *part {
            ".." => {
                if walked.len() > 1 {
                    walked.pop();
                }
            }
            "." => {}
            // Empty parts in the middle go away where a folder is joined, as in Python.
            "" if at != 0 && at != last && !own.starts_with('/') => {}
            part => walked.push(part),
        }
        if at == last && matches!(*part, ".." | ".") {
            walked.push("");
        }
    }
    to.path = walked.join("/");
    if !to.path.starts_with('/') {
        to.path.insert(0, '/');
    }
    to.join()
}

/// `quote` of everything but letters, digits, `_.-~` and what is `safe`.
pub fn quoted(text: &[u8], safe: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for byte in text {
        let char = char::from(*byte);
        if char.is_ascii_alphanumeric() || "_.-~".contains(char) || safe.contains(char) {
            out.push(char);
        } else {
            out.push_str(&format!("%{byte:02X}"));
        }
    }
    out
}

/// `unquote`.
pub fn unquote(text: &str) -> String {
    let bytes = text.as_bytes();
    let mut out = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while at < bytes.len() {
        let coded = (bytes[at] == b'%')
            .then(|| text.get(at + 1..at + 3))
            .flatten()
            .and_then(|digits| u8::from_str_radix(digits, 16).ok());
        match coded {
            Some(byte) => {
                out.push(byte);
                at += 3;
            }
            None => {
                out.push(bytes[at]);
                at += 1;
            }
        }
    }
    String::from_utf8_lossy(&out).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts() {
        let url = Url::split("HTTP://u:p@Host:81/a/b?x=1#f");
        assert_eq!(
            (url.scheme.as_str(), url.host().as_str(), url.port_text()),
            ("http", "host", Some("81"))
        );
        assert_eq!(url.selector(), "/a/b?x=1");
        assert_eq!(url.join(), "http://u:p@Host:81/a/b?x=1#f");
        assert_eq!(Url::split("http://[::1]:8/").host(), "::1");
        assert_eq!(Url::split("http://h?q").selector(), "/?q");
        assert_eq!(Url::split("h:80/x").scheme, "h");
    }

    #[test]
    fn joined() {
        let base = "http://h/a/b/c?q";
        for (text, whole) in [
            ("d", "http://h/a/b/d"),
            ("../d", "http://h/a/d"),
            ("../../../d", "http://h/d"),
            ("/x?y", "http://h/x?y"),
            ("?z", "http://h/a/b/c?z"),
            ("//other/p", "http://other/p"),
            ("https://x/", "https://x/"),
            ("./", "http://h/a/b/"),
        ] {
            assert_eq!(resolved(base, text), whole);
        }
    }

    #[test]
    fn quoting() {
        assert_eq!(quoted("a b/ä".as_bytes(), "/"), "a%20b/%C3%A4");
        assert_eq!(unquote("a%20b%C3%A4%zz"), "a bä%zz");
    }
}
