//! Responses: headers, and a body that is read as it comes.

use std::fmt;
use std::io::{self, Cursor, Read};

/// The headers of a response, in their order.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Headers(Vec<(String, String)>);

impl Headers {
    pub(super) fn of(all: &[(&str, &str)]) -> Headers {
        Headers(all.iter().map(|(name, value)| ((*name).into(), (*value).into())).collect())
    }

    pub(super) fn push(&mut self, name: &str, value: &str) {
        self.0.push((name.into(), value.into()));
    }

    /// A continued line.
    pub(super) fn extend_last(&mut self, more: &str) {
        if let Some((_, value)) = self.0.last_mut() {
            value.push_str("\r\n ");
            value.push_str(more);
        }
    }

    /// The first value of a header.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.iter().find(|(known, _)| known.eq_ignore_ascii_case(name)).map(|(_, value)| value)
    }

    /// Every value of a header.
    pub fn all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        self.iter()
            .filter(move |(known, _)| known.eq_ignore_ascii_case(name))
            .map(|(_, value)| value)
    }

    /// Names as the server wrote them.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(name, value)| (name.as_str(), value.as_str()))
    }

    /// A parameter of a header: `charset` of `Content-Type: text/html; charset=utf-8`.
    pub fn parameter(&self, header: &str, name: &str) -> Option<String> {
        let value = self.get(header)?;
        for part in value.split(';').skip(1) {
            let (key, value) = part.split_once('=').unwrap_or((part, ""));
            if key.trim().eq_ignore_ascii_case(name) {
                return Some(value.trim().trim_matches('"').to_owned());
            }
        }
        None
    }

    /// The type that `Content-Type` names, `text/plain` where it names none.
    pub fn content_type(&self) -> String {
        let Some(value) = self.get("content-type") else { return "text/plain".into() };
        let kind = value.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
        if kind.matches('/').count() == 1 { kind } else { "text/plain".into() }
    }
}

/// What a server answered.
#[derive(Debug)]
pub struct Response {
    /// 0 where there is none, as with files.
    pub status: u16,
    pub reason: String,
    pub headers: Headers,
    /// Where it came from in the end.
    pub url: String,
    pub body: Body,
    /// What servers wanted to be kept on the way: names and values.
    pub cookies: Vec<(String, String)>,
}

impl Response {
    /// The `str()` of Python's `HTTPError`.
    pub fn error_text(&self) -> String {
        format!("HTTP Error {}: {}", self.status, self.reason)
    }

    pub(super) fn decompressed(mut self, wanted: bool) -> Response {
        let coding = self.headers.get("content-encoding").unwrap_or_default();
        if wanted && coding.eq_ignore_ascii_case("gzip") {
            self.body = Body(Box::new(flate2::read::MultiGzDecoder::new(self.body.0)));
        }
        self
    }

    pub(super) fn with_cookies(mut self, jar: &super::cookies::Jar) -> Response {
        self.cookies = jar.pairs();
        self
    }
}

/// The content of a response.
pub struct Body(pub(super) Box<dyn Read + Send>);

impl Body {
    pub(crate) fn of(content: Vec<u8>) -> Body {
        Body(Box::new(Cursor::new(content)))
    }

    /// All of it.
    pub fn read_all(&mut self) -> io::Result<Vec<u8>> {
        let mut all = Vec::new();
        self.0.read_to_end(&mut all)?;
        Ok(all)
    }

    /// Leave the rest aside.
    pub(super) fn drain(mut self) {
        // The connection ends with it; what can't be read is not missed.
        let _ = io::copy(&mut self.0, &mut io::sink());
    }
}

impl Read for Body {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        self.0.read(into)
    }
}

impl fmt::Debug for Body {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Body")
    }
}
