//! Requests of modules, with ansible's words for what came of them.

use std::io::Read;
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::context::Context;
use crate::data::{Data, Map};
use crate::http::{self, Error, Headers, Request, Response};
use crate::module::Args;
use crate::outcome::Failure;
use crate::python;

/// What came of a request.
#[derive(Debug)]
pub struct Fetched {
    /// The answer; `None` where nobody answered. That of a failed request has been read: its body is in `info`.
    pub response: Option<Response>,
    /// Whether the body was read already.
    pub closed: bool,
    /// `url`, `status`, `msg`, the headers in lower case; `body` of an answer that is a failure.
    pub info: Map,
    /// The status; -1 where nobody answered, `None` where there is none.
    pub status: Option<i64>,
}

impl Fetched {
    /// The message for the user.
    pub fn msg(&self) -> &str {
        self.info.get("msg").and_then(Data::as_str).unwrap_or_default()
    }
}

/// A request as [`crate::spec::URL_OPTIONS`] ask for it.
pub fn request(args: &Args, url: &str) -> Request {
    let text = |name: &str| args.str(name).filter(|text| !text.is_empty()).map(String::from);
    Request {
        agent: text("http_agent"),
        force: args.bool("force"),
        use_proxy: args.bool("use_proxy"),
        validate_certs: args.bool("validate_certs"),
        username: text("url_username"),
        password: text("url_password"),
        force_basic_auth: args.bool("force_basic_auth"),
        client_cert: text("client_cert").map(PathBuf::from),
        client_key: text("client_key").map(PathBuf::from),
        ..Request::get(url)
    }
}

impl Context<'_> {
    /// Send a request; only one that can't be made is a failure.
    pub fn fetch(&mut self, request: Request) -> Result<Fetched, Failure> {
        let mut info = Map::new();
        info.insert("url".into(), request.url.clone().into());
        info.insert("status".into(), (-1).into());
        let mut fetched = Fetched { response: None, closed: true, info, status: Some(-1) };
        let msg = match http::open(self.target, request) {
            Ok(response) => {
                fetched.answered(response);
                return Ok(fetched);
            }
            Err(Error::Status(response)) => {
                fetched.refused(*response);
                return Ok(fetched);
            }
            Err(Error::Value(text)) => return Err(Failure::new(text).with_all(fetched.info)),
            Err(error @ Error::Url(_)) => format!("Request failed: {error}"),
            Err(Error::Socket(text)) => format!("Connection failure: {text}"),
            Err(Error::BadStatusLine(line)) => format!(
                "Connection failure: connection was closed before a valid response was received: {line}"
            ),
            Err(Error::Other(class, text)) => {
                let trace = format!("Traceback (most recent call last):\n{class}: {text}\n");
                fetched.info.insert("exception".into(), trace.into());
                format!("An unknown error occurred: {text}")
            }
        };
        fetched.info.insert("msg".into(), msg.into());
        Ok(fetched)
    }

    /// Write what comes to a new file.
    pub fn receive(&mut self, from: &mut dyn Read, to: &Path) -> std::io::Result<()> {
        self.target.create(to, b"", 0o600)?;
        let mut piece = Vec::new();
        loop {
            piece.clear();
            from.take(1 << 20).read_to_end(&mut piece)?;
            if piece.is_empty() {
                return Ok(());
            }
            self.target.append(to, &piece)?;
        }
    }

    /// Download a file for this call; the answer is its name in a temporary folder.
    pub fn fetch_file(&mut self, url: &str, validate_certs: bool) -> Result<PathBuf, Failure> {
        let fetched = self.fetch(Request {
            follow: http::Follow::Urllib,
            timeout: Some(Duration::from_secs(10)),
            ..Request { validate_certs, ..Request::get(url) }
        })?;
        let failed = |why: &str| Failure::new(format!("Failure downloading {url}, {why}"));
        let Some(mut response) = fetched.response else {
            return Err(failed(fetched.info.get("msg").and_then(Data::as_str).unwrap_or_default()));
        };
        if fetched.closed {
            return Err(failed("I/O operation on closed file."));
        }
        let name = http::url::Url::split(url).path;
        let name = name.rsplit('/').next().unwrap_or_default().to_owned();
        let path = self.tmpdir()?.join(format!("{:08x}{name}", self.target.random() as u32));
        self.receive(&mut response.body, &path)
            .map_err(|error| failed(&python::os_error(&error, python::Subject::None)))?;
        Ok(path)
    }
}

impl Fetched {
    fn answered(&mut self, response: Response) {
        self.add(&response.headers, true);
        let pairs: Vec<String> =
            response.cookies.iter().map(|(name, value)| format!("{name}={value}")).collect();
        let cookies: Map = response
            .cookies
            .iter()
            .map(|(name, value)| (name.clone(), value.as_str().into()))
            .collect();
        let length = response.headers.get("content-length").unwrap_or("unknown");
        self.status = (response.status != 0).then_some(i64::from(response.status));
        let entries: [(&str, Data); 5] = [
            ("cookies_string", pairs.join("; ").into()),
            ("cookies", cookies.into()),
            ("msg", format!("OK ({length} bytes)").into()),
            ("url", response.url.clone().into()),
            ("status", self.status.map_or(Data::Null, Data::from)),
        ];
        self.info.extend(entries.map(|(name, value)| (name.to_owned(), value)));
        self.closed = false;
        self.response = Some(response);
    }

    fn refused(&mut self, mut response: Response) {
        self.add(&response.headers, false);
        // What can't be read of a failure's body is not missed.
        let body = response.body.read_all().unwrap_or_default();
        self.status = Some(response.status.into());
        self.info.insert("msg".into(), response.error_text().into());
        self.info.insert("body".into(), String::from_utf8_lossy(&body).into());
        self.info.insert("status".into(), response.status.into());
        self.response = Some(Response { body: http::Body::of(body), ..response });
    }

    /// The headers, in lower case; of several values all, or the last.
    fn add(&mut self, headers: &Headers, all: bool) {
        let mut seen: Map = Map::new();
        for (name, value) in headers.iter() {
            let name = name.to_ascii_lowercase();
            let value = match seen.get(&name).and_then(Data::as_str) {
                Some(before) if all => format!("{before}, {value}"),
                _ => value.to_owned(),
            };
            seen.insert(name, value.into());
        }
        self.info.extend(seen);
    }
}
