//! `uri`: a request to a web service.

mod body;

use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::context::{Fetched, request};
use crate::data::{Data, Map};
use crate::http::{Follow, Request, Response, url};
use crate::module::{
    Args, CheckMode, Context, FILE_OPTIONS, Failure, FileAttributes, Kind, Lit, Module, Opt,
    Outcome, Returned, Rule, Source, URL_OPTIONS, Write,
};
use crate::python::{self, Subject};

pub static MODULE: Module = Module {
    description: "Talks to a web service and returns what it answers; what is JSON is returned as data too.\n\
                  The request is made by the host.",
    options: &[
        Opt::path("dest").doc("The file or folder that the answer's content goes to."),
        Opt::str("url_username").aliases(&["user"]).doc("The user for authentication."),
        Opt::str("url_password").aliases(&["password"]).no_log().doc("The password for authentication."),
        Opt::raw("body").doc("What is sent; see `body_format`."),
        Opt::str("body_format")
            .or_str("raw")
            .choices(&[
                Lit::Str("form-urlencoded"),
                Lit::Str("json"),
                Lit::Str("raw"),
                Lit::Str("form-multipart"),
            ])
            .since("2.0")
            .doc("How `body` is written: as it is, as JSON, or as a form."),
        Opt::path("src").since("2.7").doc("A file whose content is sent. Not together with `body`."),
        Opt::str("method").or_str("GET").doc("The method, in upper case."),
        Opt::bool("return_content").or(false).doc("Return the content, whatever it is."),
        Opt::str("follow_redirects")
            .or_str("safe")
            .choices(&[
                Lit::Str("all"),
                Lit::Str("no"),
                Lit::Str("none"),
                Lit::Str("safe"),
                Lit::Str("urllib2"),
                Lit::Str("yes"),
            ])
            .doc("Which redirects are followed: all, those of GET and HEAD (`safe`), none, or as Python does."),
        Opt::path("creates").doc("Do nothing if this file is there."),
        Opt::path("removes").doc("Do nothing if this file is not there."),
        Opt::list("status_code", Kind::Int).default(Lit::List(&["200"])).doc("What status means success."),
        Opt::int("timeout").or_int(30).doc("Seconds to wait for the server."),
        Opt::dict("headers").default(Lit::EmptyDict).since("2.1").doc("More headers of the request."),
        Opt::path("unix_socket").since("2.8").doc("The socket through which the server is reached."),
        Opt::bool("remote_src").or(false).since("2.7").doc("`src` is a file of the host."),
        Opt::path("ca_path").since("2.11").doc("A file with the certificates to trust."),
        Opt::list("unredirected_headers", Kind::Str).default(Lit::List(&[])).since("2.12").doc(
            "Headers that a redirected request does not carry.",
        ),
        Opt::bool("decompress").or(true).since("2.14").doc("Whether what comes packed by gzip is unpacked."),
        Opt::list("ciphers", Kind::Str).since("2.14").doc("Ciphers of OpenSSL to allow; not supported yet."),
        Opt::bool("use_netrc").or(true).since("2.14").doc("Whether `~/.netrc` may know the credentials."),
    ],
    shared: &[URL_OPTIONS, FILE_OPTIONS],
    rules: &[Rule::MutuallyExclusive(&["body", "src"])],
    check_mode: CheckMode::None,
    returns: &[
        Returned::new("content", "str", "with `return_content`, or on failure", "The content."),
        Returned::new("cookies", "dict", "on success", "What the server wants to be kept."),
        Returned::new("cookies_string", "str", "on success", "The same, as a header has it."),
        Returned::new("elapsed", "int", "on success", "Seconds that it took."),
        Returned::new("json", "raw", "if the content is JSON", "The content as data."),
        Returned::new("msg", "str", "always", "What the server said.").sample("OK (unknown bytes)"),
        Returned::new("path", "str", "with `dest`", "The file with the content."),
        Returned::new("redirected", "bool", "on success", "Whether the request was redirected."),
        Returned::new("status", "int", "always", "The status of the answer.").sample("200"),
        Returned::new("url", "str", "always", "Where the answer came from."),
    ],
    examples: "- name: See whether the page answers\n  ansible.builtin.uri:\n    url: http://www.example.com\n\n\
               - name: Make an entry\n  ansible.builtin.uri:\n    url: https://api.example.com/items\n    method: POST\n    body_format: json\n    body:\n      name: one\n    status_code: 201\n",
    version_added: "1.1",
    ..Module::builtin("uri", "Interacts with web services", run)
};

fn run(cx: &mut Context<'_>, args: &mut Args) -> Result<Outcome, Failure> {
    for (option, given) in
        [("ciphers", args.is_given("ciphers")), ("use_gssapi", args.bool("use_gssapi"))]
    {
        if given {
            return Err(Failure::new(format!("uri: `{option}` is not supported yet")));
        }
    }
    let method = args.req("method").to_uppercase();
    if method.is_empty() || !method.chars().all(|char| char.is_ascii_uppercase()) {
        return Err(Failure::new(
            "Parameter 'method' needs to be a single word in uppercase, like GET or POST.",
        ));
    }
    let mut headers: Vec<(String, String)> = args
        .dict("headers")
        .into_iter()
        .flatten()
        .map(|(name, value)| (name.clone(), python::text(value)))
        .collect();
    let mut body = body::encoded(cx, args, &mut headers)?;
    for (option, wanted) in [("creates", true), ("removes", false)] {
        let Some(path) = args.str(option).map(String::from) else { continue };
        if cx.target.exists(Path::new(&path)) == wanted {
            let why = if wanted { "exists" } else { "does not exist" };
            return Ok(Outcome::new(false).with("stdout", format!("skipped, since '{path}' {why}")));
        }
    }
    if let Some(src) = args.str("src").filter(|src| !src.is_empty()).map(String::from) {
        let path = cx.on_disk(&src)?;
        let content = cx.target.read(&path).map_err(|_| {
            Failure::new(format!("Unable to open source file {src}")).with("elapsed", 0)
        })?;
        headers.push(("Content-Length".into(), content.len().to_string()));
        body = Some(content);
    }
    let start = cx.target.now();
    let asked = asked(cx, args, method, headers, body);
    let fetched = cx.fetch(asked)?;
    let elapsed = (cx.target.now().as_f64() - start.as_f64()).floor().rem_euclid(86_400.0) as i64;
    answer(cx, args, fetched, elapsed)
}

fn asked(
    cx: &mut Context<'_>,
    args: &Args,
    method: String,
    headers: Vec<(String, String)>,
    body: Option<Vec<u8>>,
) -> Request {
    let text = |name: &str| args.str(name).filter(|text| !text.is_empty()).map(PathBuf::from);
    let dest = args.str("dest").and_then(|dest| cx.target.stat(Path::new(dest)).ok());
    Request {
        method,
        body,
        headers,
        newer_than: dest.filter(|stat| stat.is_file()).map(|stat| stat.mtime.secs),
        timeout: args.int("timeout").map(|seconds| Duration::from_secs(seconds.max(0) as u64)),
        follow: Follow::named(args.req("follow_redirects")),
        unix_socket: text("unix_socket"),
        ca_path: text("ca_path"),
        unredirected: args.strings("unredirected_headers"),
        decompress: args.bool("decompress"),
        use_netrc: args.bool("use_netrc"),
        ..request(args, args.req("url"))
    }
}

/// What the content is, as its headers say.
struct Content {
    /// `application/json` and its like.
    maybe_json: bool,
    charset: String,
}

impl Content {
    fn of(response: Option<&Response>) -> Content {
        let Some(response) = response else {
            return Content { maybe_json: false, charset: "utf-8".into() };
        };
        let kind = response.headers.content_type();
        let kind = kind.split(',').next().unwrap_or_default();
        let sub = kind.split('/').nth(1).unwrap_or_default();
        let sub = sub.split_once('+').map_or(sub, |(_, suffix)| suffix).to_lowercase();
        let charset = response.headers.parameter("content-type", "charset");
        let charset = charset.filter(|name| !name.is_empty()).unwrap_or_else(|| "utf-8".into());
        Content {
            maybe_json: matches!(sub.as_str(), "json" | "javascript"),
            charset: charset.split(',').next().unwrap_or_default().to_lowercase(),
        }
    }

    fn decode(&self, bytes: &[u8]) -> String {
        match self.charset.as_str() {
            "iso-8859-1" | "latin-1" | "latin1" => {
                bytes.iter().map(|byte| char::from(*byte)).collect()
            }
            _ => String::from_utf8_lossy(bytes).into_owned(),
        }
    }
}

fn answer(
    cx: &mut Context<'_>,
    args: &Args,
    mut fetched: Fetched,
    elapsed: i64,
) -> Result<Outcome, Failure> {
    let wanted: Vec<i64> =
        args.list("status_code").unwrap_or_default().iter().filter_map(Data::as_i64).collect();
    let Some(status) = fetched.status else {
        return Err(Failure::crash(
            "TypeError",
            "int() argument must be a string, a bytes-like object or a real number, not 'NoneType'",
        ));
    };
    let as_wanted = wanted.contains(&status);
    let return_content = args.bool("return_content");
    let kind = Content::of(fetched.response.as_ref());
    let mut content = None;
    if kind.maybe_json || return_content || !as_wanted {
        content = Some(content_of(&mut fetched)?);
    }
    let address = args.req("url");
    let mut result = Map::new();
    let redirected = fetched.info.get("url").and_then(Data::as_str) != Some(address);
    result.insert("redirected".into(), redirected.into());
    result.append(&mut fetched.info);
    result.insert("elapsed".into(), elapsed.into());
    result.insert("changed".into(), false.into());
    let dest = args.str("dest").map(PathBuf::from);
    if let (Some(response), Some(dest)) = (&mut fetched.response, dest) {
        let dest = match cx.target.is_dir(&dest) {
            true => dest.join(filename(response).unwrap_or_else(|| "index.html".into())),
            false => dest,
        };
        if as_wanted && status != 304 {
            write(cx, &dest, content.as_deref(), response, &result)?;
            let attributes = FileAttributes::of(cx, args, &dest);
            cx.set_attributes(&dest, &attributes, None)?;
            result.insert("changed".into(), true.into());
        }
        result.insert("path".into(), dest.to_string_lossy().into());
    }
    let mut result = spelled(result);
    if let Some(location) = result.get("location").and_then(Data::as_str) {
        let whole = absolute(address, location);
        result.insert("location".into(), whole.into());
    }
    let text = content.map(|bytes| kind.decode(&bytes));
    if kind.maybe_json
        && let Some(json) = text.as_deref().and_then(|text| serde_json::from_str::<Data>(text).ok())
    {
        result.insert("json".into(), json);
    }
    let mut result = without_secrets(cx, result);
    if return_content {
        result.insert("content".into(), text.map_or(Data::Null, Data::from));
    }
    if as_wanted {
        return Ok(Outcome::silent().with_all(result));
    }
    let said = result.remove("msg").map_or_else(String::new, |msg| python::text(&msg));
    let wanted = python::repr(&wanted.into_iter().map(Data::from).collect());
    Err(Failure::new(format!("Status code was {status} and not {wanted}: {said}")).with_all(result))
}

/// The whole content; of a failure that which was read already.
fn content_of(fetched: &mut Fetched) -> Result<Vec<u8>, Failure> {
    let failure = fetched.info.remove("body");
    match &mut fetched.response {
        Some(response) => response
            .body
            .read_all()
            .map_err(|error| Failure::crash("OSError", python::os_error(&error, Subject::None))),
        None => Ok(failure.map(|body| python::text(&body).into_bytes()).unwrap_or_default()),
    }
}

fn write(
    cx: &mut Context<'_>,
    dest: &Path,
    content: Option<&[u8]>,
    response: &mut Response,
    result: &Map,
) -> Result<(), Failure> {
    let failed = |what: String| {
        let said = result.get("msg").map(python::text).unwrap_or_default();
        let mut rest = result.clone();
        rest.remove("msg");
        Failure::new(if said.is_empty() { what } else { format!("{what} {said}") }).with_all(rest)
    };
    let new = cx.tmpdir()?.join(format!("tmp{:08x}", cx.target.random() as u32));
    let received = match content {
        Some(content) => cx.target.create(&new, content, 0o600),
        None => cx.receive(&mut response.body, &new),
    };
    received.map_err(|error| {
        let why = python::os_error(&error, Subject::None);
        failed(format!("Failed to create temporary content file: {why}"))
    })?;
    if dest
        .parent()
        .is_some_and(|parent| !parent.as_os_str().is_empty() && !cx.target.exists(parent))
    {
        // ansible-core 2.14 `atomic_move`: it ends the module by itself.
        let error = std::io::Error::from_raw_os_error(libc::ENOENT);
        return Err(Failure::new(format!(
            "Could not replace file: {} to {}: {}",
            new.display(),
            dest.display(),
            python::os_error(&error, Subject::BytesPair(&new, dest))
        )));
    }
    cx.write_if_changed(Write::new(dest, Source::File(&new))).map_err(|failure| {
        failed(format!("failed to copy {} to {}: {}", new.display(), dest.display(), failure.msg))
    })?;
    Ok(())
}

/// The name that the server gives the content, or the last part of its address.
fn filename(response: &Response) -> Option<String> {
    let named = response.headers.parameter("content-disposition", "filename");
    named.filter(|name| !name.is_empty()).or_else(|| {
        let path = url::Url::split(&response.url).path;
        let name = path.trim_end_matches('/').rsplit('/').next().unwrap_or_default();
        (!name.is_empty()).then(|| url::unquote(name))
    })
}

/// Names of headers as variables can be called.
fn spelled(result: Map) -> Map {
    result.into_iter().map(|(key, value)| (key.replace('-', "_").to_lowercase(), value)).collect()
}

/// An address that a server gave without its host.
fn absolute(asked: &str, location: &str) -> String {
    if location.contains("://") {
        return location.to_owned();
    }
    if location.starts_with('/') {
        let path = url::Url::split(asked).path;
        // ansible-core 2.14 `uri`: every place where the path's text occurs goes away.
        let base = if path.is_empty() { asked.to_owned() } else { asked.replace(&path, "") };
        return format!("{base}{location}");
    }
    let base = asked.rsplit_once('/').map_or("", |(base, _)| base.trim_end_matches('/'));
    format!("{base}/{location}")
}

/// Keys whose names ansible leaves alone.
const KEPT: [&str; 14] = [
    "msg",
    "exception",
    "warnings",
    "deprecations",
    "failed",
    "skipped",
    "changed",
    "rc",
    "stdout",
    "stderr",
    "elapsed",
    "path",
    "location",
    "content_type",
];

/// Servers may send secrets back as names.
fn without_secrets(cx: &Context<'_>, result: Map) -> Map {
    fn clean(cx: &Context<'_>, value: Data) -> Data {
        match value {
            Data::Object(map) => without_secrets(cx, map).into(),
            Data::Array(items) => items.into_iter().map(|item| clean(cx, item)).collect(),
            other => other,
        }
    }
    if cx.secrets.is_empty() {
        return result;
    }
    let name = |key: String| {
        if KEPT.contains(&key.as_str()) || key.starts_with("_ansible") {
            return key;
        }
        let mut name = Data::from(key);
        cx.secrets.hide(&mut name);
        python::text(&name)
    };
    result.into_iter().map(|(key, value)| (name(key), clean(cx, value))).collect()
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test may fail")]
mod tests {
    use super::*;
    use crate::call::Call;
    use crate::target::fake::Fake;
    use serde_json::json;
    use std::io::{Read, Write as _};

    fn once(answer: &'static str) -> (String, std::thread::JoinHandle<String>) {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let thread = std::thread::spawn(move || {
            let (mut stream, _) = listener.accept().unwrap();
            let asked = request(&mut stream);
            stream.write_all(answer.as_bytes()).unwrap();
            asked
        });
        (url, thread)
    }

    /// A whole request; it may come in pieces.
    fn request(stream: &mut impl Read) -> String {
        let mut asked = Vec::new();
        let mut piece = [0; 4096];
        loop {
            let length = stream.read(&mut piece).unwrap();
            asked.extend_from_slice(&piece[..length]);
            let text = String::from_utf8_lossy(&asked);
            let Some((head, body)) = text.split_once("\r\n\r\n") else {
                assert_ne!(length, 0, "the request ends within its head: {text}");
                continue;
            };
            let wanted = head.lines().find_map(|line| {
                let (name, value) = line.split_once(": ")?;
                name.eq_ignore_ascii_case("content-length").then(|| value.parse().unwrap())
            });
            if length == 0 || body.len() >= wanted.unwrap_or(0) {
                return text.into_owned();
            }
        }
    }

    #[test]
    fn json_is_data() {
        let (url, server) = once(
            "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nX-A-B: c\r\n\r\n{\"a\": [1]}",
        );
        let args =
            json!({"url": url, "method": "post", "body": {"x": true}, "body_format": "json"});
        let result = Call::new("uri", args).run_on(&mut Fake::new());
        assert_eq!(result["json"], json!({"a": [1]}), "{result:?}");
        assert_eq!((&result["x_a_b"], &result["status"]), (&json!("c"), &json!(200)));
        assert_eq!(result["msg"], "OK (unknown bytes)");
        assert!(!result.contains_key("content"));
        let asked = server.join().unwrap();
        assert!(asked.starts_with("POST / HTTP/1.1\r\n") && asked.ends_with("{\"x\": true}"));
    }

    #[test]
    fn another_status_is_a_failure() {
        let (url, _server) = once("HTTP/1.1 404 Not Found\r\nContent-Length: 4\r\n\r\nnone");
        let args = json!({"url": url, "return_content": true});
        let result = Call::new("uri", args).run_on(&mut Fake::new());
        assert_eq!(result["msg"], "Status code was 404 and not [200]: HTTP Error 404: Not Found");
        assert_eq!((&result["content"], &result["failed"]), (&json!("none"), &json!(true)));
    }

    #[test]
    fn addresses_without_host() {
        assert_eq!(absolute("http://h/a/b", "/c"), "http://h/c");
        assert_eq!(absolute("http://h/a/b", "c"), "http://h/a/c");
        assert_eq!(absolute("http://h/a", "http://x/"), "http://x/");
    }
}
