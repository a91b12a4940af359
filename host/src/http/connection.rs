//! One request and its response on a connection of their own.

use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::time::Duration;

use crate::http::message::{Body, Headers, Response};
use crate::http::proxy::{self, Proxy};
use crate::http::redirect::Exchange;
use crate::http::url::Url;
use crate::http::{Error, Request, tls};
use crate::python::{self, Subject, repr_str};
use crate::resolve;
use crate::target::Target;

/// A connection, whatever it goes through.
pub(super) trait Wire: Read + Write + Send {}
impl<T: Read + Write + Send> Wire for T {}

/// Lines and headers beyond this are refused, as Python does.
const MOST_LINE: u64 = 65_536;
const MOST_HEADERS: usize = 100;

/// Python's words for an error of a socket.
pub(super) fn words(error: &io::Error) -> String {
    if let Some(alert) = tls::alert(error) {
        return alert;
    }
    match error.kind() {
        io::ErrorKind::TimedOut | io::ErrorKind::WouldBlock
            if error.raw_os_error() != Some(libc::ETIMEDOUT) =>
        {
            "timed out".into()
        }
        _ => python::os_error(error, Subject::None),
    }
}

/// Send the exchange's request, and read the head of the answer.
pub(super) fn send(
    target: &mut dyn Target,
    request: &Request,
    exchange: &mut Exchange,
    url: &Url,
) -> Result<Response, Error> {
    if url.host().is_empty() {
        return Err(Error::Url("no host given".into()));
    }
    let proxy = if request.use_proxy { proxy::of(target, url) } else { None };
    let through = proxy.as_ref().filter(|_| url.scheme == "http");
    let head = head(exchange, url, through)?;
    let mut wire = connect(target, request, url, proxy.as_ref())?;
    wire.write_all(&head)
        .and_then(|()| wire.write_all(exchange.body.as_deref().unwrap_or_default()))
        .and_then(|()| wire.flush())
        .map_err(|error| Error::Url(words(&error)))?;
    let mut reader = BufReader::new(wire);
    let (status, reason, headers) = read_head(&mut reader)?;
    exchange.cookies.keep(url, &headers);
    let length = match () {
        () if exchange.method == "HEAD" || matches!(status, 100..200 | 204 | 304) => Left::Bytes(0),
        () if headers
            .get("transfer-encoding")
            .is_some_and(|te| te.eq_ignore_ascii_case("chunked")) =>
        {
            Left::Chunk(0)
        }
        () => match headers.get("content-length").and_then(|text| text.trim().parse().ok()) {
            Some(length) => Left::Bytes(length),
            None => Left::All,
        },
    };
    let body = Body(Box::new(Framed { reader, left: length }));
    Ok(Response { status, reason, headers, url: exchange.url.clone(), body, cookies: Vec::new() })
}

fn connect(
    target: &mut dyn Target,
    request: &Request,
    url: &Url,
    proxy: Option<&Proxy>,
) -> Result<Box<dyn Wire>, Error> {
    target.may_connect().map_err(|error| Error::Url(error.to_string()))?;
    let tls = url.scheme == "https";
    let port = match url.port_text() {
        Some(text) => text.parse().map_err(|_| {
            Error::Other("http.client.InvalidURL", format!("nonnumeric port: {}", repr_str(text)))
        })?,
        None if tls => 443,
        None => 80,
    };
    let host = url.host();
    if let Some(path) = &request.unix_socket {
        let wire = Box::new(unix(path, request.timeout)?);
        return if tls { tls::wrap(target, request, wire, &host) } else { Ok(wire) };
    }
    let Some(proxy) = proxy else {
        let wire = tcp(target, &host, port, request.timeout)?;
        return if tls {
            tls::wrap(target, request, Box::new(wire), &host)
        } else {
            Ok(Box::new(wire))
        };
    };
    let usual = if tls || proxy.tls { 443 } else { 80 };
    let mut wire = tcp(target, &proxy.host, proxy.port.unwrap_or(usual), request.timeout)?;
    if tls {
        tunnel(&mut wire, &host, port, proxy)?;
        return tls::wrap(target, request, Box::new(wire), &host);
    }
    if proxy.tls {
        return tls::wrap(target, request, Box::new(wire), &proxy.host);
    }
    Ok(Box::new(wire))
}

fn tcp(
    target: &mut dyn Target,
    host: &str,
    port: u16,
    timeout: Option<Duration>,
) -> Result<TcpStream, Error> {
    let found = resolve::addresses(target, host).map_err(|error| Error::Url(error.to_string()))?;
    let mut last = Error::Url("getaddrinfo returns an empty list".into());
    for address in found {
        let address = SocketAddr::from((address, port));
        let stream = match timeout.filter(|timeout| !timeout.is_zero()) {
            Some(timeout) => TcpStream::connect_timeout(&address, timeout),
            None => TcpStream::connect(address),
        };
        match stream {
            Ok(stream) => {
                let limits = stream
                    .set_read_timeout(timeout)
                    .and_then(|()| stream.set_write_timeout(timeout))
                    .and_then(|()| stream.set_nodelay(true));
                return limits.map(|()| stream).map_err(|error| Error::Url(words(&error)));
            }
            Err(error) => last = Error::Url(words(&error)),
        }
    }
    Err(last)
}

fn unix(path: &Path, timeout: Option<Duration>) -> Result<UnixStream, Error> {
    let stream = UnixStream::connect(path).and_then(|stream| {
        stream.set_read_timeout(timeout)?;
        stream.set_write_timeout(timeout)?;
        Ok(stream)
    });
    stream.map_err(|error| {
        Error::Url(format!("Invalid Socket File ({}): {}", path.display(), words(&error)))
    })
}

/// Have a proxy connect us to the host.
fn tunnel(wire: &mut TcpStream, host: &str, port: u16, proxy: &Proxy) -> Result<(), Error> {
    let mut text = format!("CONNECT {host}:{port} HTTP/1.0\r\n");
    if let Some(authorization) = &proxy.authorization {
        text.push_str(&format!("Proxy-Authorization: {authorization}\r\n"));
    }
    text.push_str("\r\n");
    wire.write_all(text.as_bytes()).map_err(|error| Error::Url(words(&error)))?;
    let mut reader = BufReader::with_capacity(1, wire);
    match read_head(&mut reader) {
        Ok((200, ..)) => Ok(()),
        Ok((status, reason, _)) => {
            Err(Error::Url(format!("Tunnel connection failed: {status} {reason}")))
        }
        Err(Error::Socket(text)) => Err(Error::Url(text)),
        Err(error) => Err(error),
    }
}

/// The request's line and headers.
fn head(exchange: &Exchange, url: &Url, proxy: Option<&Proxy>) -> Result<Vec<u8>, Error> {
    let mut headers: Vec<(String, String)> = exchange.own.clone();
    let known = |headers: &[(String, String)], name: &str| {
        headers.iter().chain(&exchange.headers).any(|(known, _)| known.eq_ignore_ascii_case(name))
    };
    let mut add = |name: &str, value: String| {
        if !known(&headers, name) {
            headers.push((name.into(), value));
        }
    };
    match &exchange.body {
        Some(body) => {
            add("Content-type", "application/x-www-form-urlencoded".into());
            add("Content-length", body.len().to_string());
        }
        None if matches!(exchange.method.as_str(), "PATCH" | "POST" | "PUT") => {
            add("Content-length", "0".into());
        }
        None => {}
    }
    add("Host", url.authority().to_owned());
    add("Accept-encoding", "identity".into());
    if let Some(cookies) = exchange.cookies.header(url) {
        add("Cookie", cookies);
    }
    if let Some(authorization) = proxy.and_then(|proxy| proxy.authorization.clone()) {
        add("Proxy-authorization", authorization);
    }
    for (name, value) in &exchange.headers {
        if !headers.iter().any(|(own, _)| own.eq_ignore_ascii_case(name)) {
            headers.push((name.clone(), value.clone()));
        }
    }
    headers.retain(|(name, _)| !name.eq_ignore_ascii_case("connection"));
    headers.push(("Connection".into(), "close".into()));

    let what = match proxy {
        Some(_) => format!("{}://{}{}", url.scheme, url.authority(), url.selector()),
        None => url.selector(),
    };
    if let Some(control) = what.chars().find(|char| *char <= ' ' || *char == '\x7f') {
        return Err(Error::Other(
            "http.client.InvalidURL",
            format!(
                "URL can't contain control characters. {} (found at least {})",
                repr_str(&what),
                repr_str(&control.to_string())
            ),
        ));
    }
    let line = format!("{} {what} HTTP/1.1", exchange.method);
    if !line.is_ascii() {
        return Err(Error::Value(not_encodable(&line, "ascii", 128)));
    }
    let mut bytes = line.into_bytes();
    bytes.extend_from_slice(b"\r\n");
    for (name, value) in headers {
        write_header(&mut bytes, &titled(&name), &value)?;
    }
    bytes.extend_from_slice(b"\r\n");
    Ok(bytes)
}

fn write_header(bytes: &mut Vec<u8>, name: &str, value: &str) -> Result<(), Error> {
    let legal_name = !name.is_empty()
        && !name.contains([':', '\n', '\r'])
        && !name.starts_with(char::is_whitespace);
    if !legal_name {
        let name = python::repr_bytes(name.as_bytes());
        return Err(Error::Value(format!("Invalid header name {name}")));
    }
    if value.trim_end().contains(['\n', '\r']) || value.ends_with(['\n', '\r']) {
        let value = python::repr_bytes(value.as_bytes());
        return Err(Error::Value(format!("Invalid header value {value}")));
    }
    if value.chars().any(|char| u32::from(char) > 255) {
        return Err(Error::Value(not_encodable(value, "latin-1", 256)));
    }
    bytes.extend_from_slice(name.as_bytes());
    bytes.extend_from_slice(b": ");
    bytes.extend(value.chars().map(|char| char as u8));
    bytes.extend_from_slice(b"\r\n");
    Ok(())
}

/// The text of Python's `UnicodeEncodeError`.
fn not_encodable(text: &str, codec: &str, limit: u32) -> String {
    let chars: Vec<char> = text.chars().collect();
    let is_bad = |char: &char| u32::from(*char) >= limit;
    let from = chars.iter().position(is_bad).unwrap_or(0);
    let count = chars[from..].iter().take_while(|char| is_bad(char)).count();
    let what = match (count, chars.get(from).map(|char| u32::from(*char))) {
        (1, Some(code @ 0..=0xff)) => format!("character '\\x{code:02x}' in position {from}"),
        (1, Some(code @ 0..=0xffff)) => format!("character '\\u{code:04x}' in position {from}"),
        (1, Some(code)) => format!("character '\\U{code:08x}' in position {from}"),
        _ => format!("characters in position {from}-{}", from + count - 1),
    };
    format!("'{codec}' codec can't encode {what}: ordinal not in range({limit})")
}

/// Python's `str.title` of a header's name.
fn titled(name: &str) -> String {
    let mut letter_before = false;
    name.chars()
        .map(|char| {
            let out =
                if letter_before { char.to_ascii_lowercase() } else { char.to_ascii_uppercase() };
            letter_before = char.is_ascii_alphabetic();
            out
        })
        .collect()
}

fn read_line(reader: &mut impl BufRead) -> Result<String, Error> {
    let mut line = Vec::new();
    let mut limited = reader.take(MOST_LINE + 1);
    limited.read_until(b'\n', &mut line).map_err(|error| Error::Socket(words(&error)))?;
    if line.len() as u64 > MOST_LINE {
        return Err(Error::Other(
            "http.client.LineTooLong",
            format!("got more than {MOST_LINE} bytes when reading header line"),
        ));
    }
    Ok(line.into_iter().map(char::from).collect())
}

/// The answer's line and headers; intermediate answers are passed over.
fn read_head(reader: &mut impl BufRead) -> Result<(u16, String, Headers), Error> {
    loop {
        let line = read_line(reader)?;
        if line.is_empty() {
            return Err(Error::Socket("Remote end closed connection without response".into()));
        }
        let text = line.trim_end_matches(['\r', '\n']);
        let mut parts = text.splitn(3, ' ').map(str::trim);
        let (version, status) =
            (parts.next().unwrap_or_default(), parts.next().unwrap_or_default());
        let status: u16 = match status.parse() {
            Ok(status @ 100..=999) if version.starts_with("HTTP/") => status,
            _ => return Err(Error::BadStatusLine(line)),
        };
        let reason = parts.next().unwrap_or_default().to_owned();
        let headers = read_headers(reader)?;
        if status != 100 {
            return Ok((status, reason, headers));
        }
    }
}

fn read_headers(reader: &mut impl BufRead) -> Result<Headers, Error> {
    let mut headers = Headers::default();
    for _ in 0..=MOST_HEADERS {
        let line = read_line(reader)?;
        let text = line.trim_end_matches(['\r', '\n']);
        if text.is_empty() {
            return Ok(headers);
        }
        if text.starts_with([' ', '\t']) {
            headers.extend_last(text.trim());
        } else if let Some((name, value)) = text.split_once(':') {
            headers.push(name, value.trim());
        }
    }
    Err(Error::Other("http.client.HTTPException", format!("got more than {MOST_HEADERS} headers")))
}

/// What of a body is still to come.
enum Left {
    Bytes(u64),
    /// So much of a chunk, then more chunks.
    Chunk(u64),
    All,
    Nothing,
}

struct Framed {
    reader: BufReader<Box<dyn Wire>>,
    left: Left,
}

impl Read for Framed {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        if let Left::Chunk(0) = self.left {
            self.next_chunk()?;
        }
        let limit = match self.left {
            Left::Nothing | Left::Bytes(0) => return Ok(0),
            Left::All => into.len(),
            Left::Bytes(left) | Left::Chunk(left) => {
                into.len().min(usize::try_from(left).unwrap_or(usize::MAX))
            }
        };
        let length = match self.reader.read(&mut into[..limit]) {
            // Many servers close a TLS connection without saying so.
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => 0,
            other => other?,
        };
        match &mut self.left {
            Left::Bytes(left) => *left -= length as u64,
            Left::Chunk(left) if length > 0 => {
                *left -= length as u64;
                if *left == 0 {
                    self.line()?;
                }
            }
            Left::Chunk(_) => self.left = Left::Nothing,
            _ => {}
        }
        Ok(length)
    }
}

impl Framed {
    fn line(&mut self) -> io::Result<String> {
        read_line(&mut self.reader).map_err(|error| io::Error::other(error.to_string()))
    }

    fn next_chunk(&mut self) -> io::Result<()> {
        let line = self.line()?;
        let digits = line.split(';').next().unwrap_or_default().trim();
        let size = u64::from_str_radix(digits, 16)
            .map_err(|_| io::Error::other("IncompleteRead(0 bytes read)"))?;
        self.left = Left::Chunk(size);
        if size == 0 {
            while !self.line()?.trim_end_matches(['\r', '\n']).is_empty() {}
            self.left = Left::Nothing;
        }
        Ok(())
    }
}
