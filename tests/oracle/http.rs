//! The loopback web server of cases with `--- serve`; they find it in `$ORACLE_HTTP`.
//!
//! `/files/PATH` gives a file of the case's folder, `/status/N` that status, `/redirect/N` a
//! redirect with that status to `/echo`, `/auth` wants `user:secret`, `/flaky/NAME/N` fails N times
//! with 503, `/json` a document; anything else echoes method, path, chosen headers and body as JSON.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

use serde_json::json;

pub struct Server {
    /// `127.0.0.1:PORT`
    pub address: String,
    socket: SocketAddr,
    stop: Arc<AtomicBool>,
}

struct Request {
    method: String,
    path: String,
    headers: BTreeMap<String, String>,
    body: String,
}

type Counts = Arc<Mutex<BTreeMap<String, usize>>>;

impl Server {
    pub fn start(folder: &Path) -> Result<Server, String> {
        let listener = TcpListener::bind("127.0.0.1:0").map_err(|e| e.to_string())?;
        let socket = listener.local_addr().map_err(|e| e.to_string())?;
        let stop = Arc::new(AtomicBool::new(false));
        let (folder, stopped) = (folder.to_path_buf(), Arc::clone(&stop));
        std::thread::spawn(move || {
            let counts = Counts::default();
            for stream in listener.incoming().flatten() {
                if stopped.load(Ordering::SeqCst) {
                    break;
                }
                let (folder, counts) = (folder.clone(), Arc::clone(&counts));
                // A client that goes away early is the case's business.
                std::thread::spawn(move || drop(answer(stream, &folder, &counts)));
            }
        });
        Ok(Server { address: socket.to_string(), socket, stop })
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::SeqCst);
        // Wakes `incoming`.
        drop(TcpStream::connect(self.socket));
    }
}

fn answer(stream: TcpStream, folder: &Path, counts: &Counts) -> std::io::Result<()> {
    let request = read(&stream)?;
    let (status, headers, body) = respond(&request, folder, counts);
    let mut text = format!("HTTP/1.1 {status} {}\r\n", reason(status));
    for (name, value) in headers {
        text.push_str(&format!("{name}: {value}\r\n"));
    }
    text.push_str(&format!("Content-Length: {}\r\nConnection: close\r\n\r\n", body.len()));
    let mut out = &stream;
    out.write_all(text.as_bytes())?;
    if request.method != "HEAD" {
        out.write_all(&body)?;
    }
    out.flush()
}

fn read(stream: &TcpStream) -> std::io::Result<Request> {
    let mut reader = BufReader::new(stream);
    let mut line = String::new();
    reader.read_line(&mut line)?;
    let mut words = line.split_whitespace().map(str::to_string);
    let (method, path) = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
    let mut headers = BTreeMap::new();
    loop {
        let mut line = String::new();
        reader.read_line(&mut line)?;
        match line.trim_end().split_once(':') {
            Some((name, value)) => {
                headers.insert(name.to_ascii_lowercase(), value.trim().to_string());
            }
            None => break,
        }
    }
    let length = headers.get("content-length").and_then(|l| l.parse().ok()).unwrap_or(0);
    let mut body = vec![0; length];
    reader.read_exact(&mut body)?;
    Ok(Request { method, path, headers, body: String::from_utf8_lossy(&body).into_owned() })
}

type Response = (u16, Vec<(&'static str, String)>, Vec<u8>);

fn respond(request: &Request, folder: &Path, counts: &Counts) -> Response {
    let plain = |status: u16, text: &str| {
        (status, vec![("Content-Type", "text/plain".to_string())], text.as_bytes().to_vec())
    };
    let path = request.path.split('?').next().unwrap_or_default();
    let parts: Vec<&str> = path.trim_start_matches('/').split('/').collect();
    match parts.as_slice() {
        ["files", rest @ ..] => file(folder, rest).unwrap_or_else(|| plain(404, "no such file\n")),
        ["status", code] => plain(code.parse().unwrap_or(500), &format!("status {code}\n")),
        ["redirect", code] => {
            let to = vec![("Location", "/echo".to_string())];
            (code.parse().unwrap_or(302), to, Vec::new())
        }
        ["auth"]
            if request
                .headers
                .get("authorization")
                .is_some_and(|a| a == "Basic dXNlcjpzZWNyZXQ=") =>
        {
            plain(200, "welcome\n")
        }
        ["auth"] => {
            let ask = vec![("WWW-Authenticate", "Basic realm=\"oracle\"".to_string())];
            (401, ask, b"who are you?\n".to_vec())
        }
        ["flaky", name, times] => {
            let mut counts = counts.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
            let count = counts.entry((*name).to_string()).or_insert(0);
            *count += 1;
            let again = *count <= times.parse().unwrap_or(0);
            plain(if again { 503 } else { 200 }, &format!("attempt {count}\n"))
        }
        ["json"] => {
            let body =
                br#"{"name": "oracle", "list": [1, 2, 3], "nested": {"yes": true, "none": null}}"#;
            (200, vec![("Content-Type", "application/json".to_string())], body.to_vec())
        }
        _ => echo(request),
    }
}

fn file(folder: &Path, parts: &[&str]) -> Option<Response> {
    let path: PathBuf = parts.iter().filter(|p| **p != "..").collect();
    let content = std::fs::read(folder.join(path)).ok()?;
    let headers = vec![
        ("Content-Type", "application/octet-stream".to_string()),
        ("Last-Modified", "Mon, 01 Jan 2024 00:00:00 GMT".to_string()),
    ];
    Some((200, headers, content))
}

fn echo(request: &Request) -> Response {
    let chosen = ["accept", "authorization", "content-type", "content-length", "x-test", "cookie"];
    let headers: BTreeMap<_, _> =
        request.headers.iter().filter(|(name, _)| chosen.contains(&name.as_str())).collect();
    let body = json!({
        "method": request.method, "path": request.path, "headers": headers, "body": request.body,
    });
    let kind = vec![("Content-Type", "application/json".to_string())];
    (200, kind, format!("{body}\n").into_bytes())
}

fn reason(status: u16) -> &'static str {
    match status {
        200 => "OK",
        201 => "Created",
        204 => "No Content",
        301 => "Moved Permanently",
        302 => "Found",
        401 => "Unauthorized",
        403 => "Forbidden",
        404 => "Not Found",
        500 => "Internal Server Error",
        503 => "Service Unavailable",
        _ => "Status",
    }
}
