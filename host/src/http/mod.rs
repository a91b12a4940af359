//! A small HTTP/1.1 client that behaves as Python's `urllib` does with ansible's handlers around it.
//!
//! [`open`] takes a [`Request`] and a [`Target`] (whose environment names proxies, whose /etc/hosts and
//! `getent` resolve names), and gives a [`Response`] whose body is read as it comes, or an [`Error`] that
//! knows which exception Python would have raised, so that callers word it as ansible does:
//!
//! ```no_run
//! # use std::io::Read;
//! use vmstation_host::{http, target::system::System};
//! let request = http::Request::get("https://example.org/file");
//! match http::open(&mut System::new(), request) {
//!     Ok(mut response) => {
//!         let mut body = Vec::new();
//!         response.body.read_to_end(&mut body)?;
//!     }
//!     Err(http::Error::Status(response)) => eprintln!("{}", response.error_text()),
//!     Err(error) => eprintln!("{error}"),
//! }
//! # Ok::<(), std::io::Error>(())
//! ```
//!
//! Everything is blocking; a [`Request::timeout`] limits connecting and each single read, as in Python.

mod auth;
mod connection;
mod cookies;
mod message;
mod proxy;
mod redirect;
mod tls;
pub mod url;

use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

pub use message::{Body, Headers, Response};

use crate::target::Target;
use url::Url;

/// Which redirects are followed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Follow {
    /// As Python's `urllib` does by itself.
    #[default]
    Urllib,
    /// Every one.
    All,
    /// Those of GET and HEAD.
    Safe,
    None,
}

impl Follow {
    /// By the words of `follow_redirects`.
    pub fn named(name: &str) -> Follow {
        match name {
            "all" | "yes" => Follow::All,
            "safe" => Follow::Safe,
            "no" | "none" => Follow::None,
            _ => Follow::Urllib,
        }
    }
}

/// What to ask, and how.
#[derive(Debug, Clone)]
pub struct Request {
    pub url: String,
    /// In upper case.
    pub method: String,
    pub body: Option<Vec<u8>>,
    pub headers: Vec<(String, String)>,
    /// Names of headers that a redirected request does not carry.
    pub unredirected: Vec<String>,
    pub agent: Option<String>,
    /// Ask caches for a fresh copy.
    pub force: bool,
    /// Seconds since 1970: only what is newer is wanted.
    pub newer_than: Option<i64>,
    pub timeout: Option<Duration>,
    pub follow: Follow,
    /// Whether the environment's proxies are used.
    pub use_proxy: bool,
    pub username: Option<String>,
    pub password: Option<String>,
    /// Send the credentials before they are asked for.
    pub force_basic_auth: bool,
    pub use_netrc: bool,
    pub validate_certs: bool,
    /// A file of certificates to trust instead of the system's.
    pub ca_path: Option<PathBuf>,
    pub client_cert: Option<PathBuf>,
    pub client_key: Option<PathBuf>,
    pub unix_socket: Option<PathBuf>,
    /// Unpack what comes with `Content-Encoding: gzip`.
    pub decompress: bool,
}

impl Request {
    /// A plain GET.
    pub fn get(url: impl Into<String>) -> Request {
        Request {
            url: url.into(),
            method: "GET".into(),
            body: None,
            headers: Vec::new(),
            unredirected: Vec::new(),
            agent: Some("ansible-httpget".into()),
            force: false,
            newer_than: None,
            timeout: Some(Duration::from_secs(10)),
            follow: Follow::Urllib,
            use_proxy: true,
            username: None,
            password: None,
            force_basic_auth: false,
            use_netrc: true,
            validate_certs: true,
            ca_path: None,
            client_cert: None,
            client_key: None,
            unix_socket: None,
            decompress: true,
        }
    }
}

/// Why there is no good response, by the exception that Python would raise.
#[derive(Debug)]
pub enum Error {
    /// `HTTPError`: the server answered, but not well.
    Status(Box<Response>),
    /// `URLError`: nobody was reached; its reason.
    Url(String),
    /// `OSError` while the answer was awaited.
    Socket(String),
    /// `BadStatusLine`: what came was no answer.
    BadStatusLine(String),
    /// `ValueError`: the request can't be made.
    Value(String),
    /// Any other exception: its class and text.
    Other(&'static str, String),
}

impl fmt::Display for Error {
    /// The exception's `str()`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Error::Status(response) => f.write_str(&response.error_text()),
            Error::Url(reason) => write!(f, "<urlopen error {reason}>"),
            Error::Socket(text)
            | Error::BadStatusLine(text)
            | Error::Value(text)
            | Error::Other(_, text) => f.write_str(text),
        }
    }
}

impl std::error::Error for Error {}

/// Send a request, follow its redirects, answer demands for credentials.
pub fn open(target: &mut dyn Target, request: Request) -> Result<Response, Error> {
    let (url, credentials) = auth::credentials(target, &request);
    let mut exchange = redirect::Exchange::new(&request, url, credentials);
    loop {
        let url = Url::split(&exchange.url);
        let response = match url.scheme.as_str() {
            "http" | "https" => connection::send(target, &request, &mut exchange, &url)?,
            "file" => return file(target, &exchange.url, &url),
            "" => return Err(Error::Value(unknown(&exchange.url))),
            other => return Err(Error::Url(format!("unknown url type: {other}"))),
        };
        if (200..300).contains(&response.status) {
            return Ok(response.decompressed(request.decompress).with_cookies(&exchange.cookies));
        }
        match exchange.next(&request, &response) {
            redirect::Next::Again => response.body.drain(),
            redirect::Next::Fail(reason) => {
                let reason = reason.unwrap_or_else(|| response.reason.clone());
                return Err(Error::Status(Box::new(Response { reason, ..response })));
            }
            redirect::Next::Refuse(error) => return Err(error),
        }
    }
}

fn unknown(url: &str) -> String {
    format!("unknown url type: {}", crate::python::repr_str(url))
}

/// `file:` addresses are files of the host.
fn file(target: &mut dyn Target, full: &str, url: &Url) -> Result<Response, Error> {
    if !matches!(url.host().as_str(), "" | "localhost") {
        return Err(Error::Url("file:// scheme is supported only on localhost".into()));
    }
    let path = PathBuf::from(url::unquote(&url.path));
    let content = target.read(&path).map_err(|error| {
        Error::Url(crate::python::os_error(&error, crate::python::Subject::Text(&path)))
    })?;
    let headers = Headers::of(&[("Content-length", &content.len().to_string())]);
    Ok(Response {
        status: 0,
        reason: String::new(),
        headers,
        url: full.to_owned(),
        body: Body::of(content),
        cookies: Vec::new(),
    })
}

#[cfg(test)]
mod tests;
