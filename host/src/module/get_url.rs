//! `get_url`: downloads a file.

mod checksum;

use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::context::request;
use crate::data::{Data, Map};
use crate::http::{Request, url};
use crate::module::{
    Args, CheckMode, Context, FILE_OPTIONS, Failure, FileAttributes, Kind, Lit, Module, Opt,
    Outcome, Returned, Source, URL_OPTIONS, Write,
};
use crate::python::{self, Subject};
use crate::target::{Access, Algorithm};

pub static MODULE: Module = Module {
    description: "Downloads a file from a web server to the host, which must reach it by itself.\n\
                  A file that is there already is replaced only if the server has another one, or the checksum \
                  is another one.",
    options: &[
        Opt::str("url").required().doc("The address: `http://`, `https://` or `file://`."),
        Opt::path("dest").required().doc(
            "Where the file goes. In a directory it gets the name that the server or the address gives it.",
        ),
        Opt::bool("backup").or(false).since("2.1").doc("Keep the old file under a name with date and time."),
        Opt::str("checksum").or_str("").since("2.0").doc(
            "What the file must be: `<algorithm>:<checksum>`, or `<algorithm>:<address>` of a file that lists \
             checksums. If the file that is there has it, nothing is downloaded.",
        ),
        Opt::int("timeout").or_int(10).since("1.8").doc("Seconds to wait for the server."),
        Opt::dict("headers").since("2.0").doc("More headers of the request."),
        Opt::path("tmp_dest").since("2.1").doc("The folder for the temporary file."),
        Opt::list("unredirected_headers", Kind::Str).default(Lit::List(&[])).since("2.12").doc(
            "Headers that a redirected request does not carry.",
        ),
        Opt::bool("decompress").or(true).since("2.14").doc("Whether what comes packed by gzip is unpacked."),
        Opt::list("ciphers", Kind::Str).since("2.14").doc("Ciphers of OpenSSL to allow; not supported yet."),
        Opt::bool("use_netrc").or(true).since("2.14").doc("Whether `~/.netrc` may know the credentials."),
        Opt::str("url_username").aliases(&["username"]).doc("The user for authentication."),
        Opt::str("url_password").aliases(&["password"]).no_log().doc("The password for authentication."),
    ],
    shared: &[URL_OPTIONS, FILE_OPTIONS],
    check_mode: CheckMode::Full,
    returns: &[
        Returned::new("backup_file", "str", "with `backup`", "The name of the old file's copy."),
        Returned::new("checksum_dest", "str", "success", "The checksum of the old file."),
        Returned::new("checksum_src", "str", "success", "The checksum of the new file."),
        Returned::new("dest", "str", "success", "The file."),
        Returned::new("elapsed", "int", "always", "Seconds that the download took."),
        Returned::new("md5sum", "str", "when downloaded", "The MD5 checksum of the file."),
        Returned::new("msg", "str", "always", "What the server said.").sample("OK (unknown bytes)"),
        Returned::new("status_code", "int", "always", "The status of the answer.").sample("200"),
        Returned::new("url", "str", "always", "The address."),
    ],
    examples: "- name: Download foo.conf\n  ansible.builtin.get_url:\n    url: https://example.com/path/file.conf\n    dest: /etc/foo.conf\n    mode: '0440'\n",
    version_added: "0.6",
    ..Module::builtin("get_url", "Downloads files from HTTP, HTTPS or FTP to the host", run)
};

/// Why there is no download to go on with.
enum Ending {
    /// The server has nothing newer.
    Unchanged(Box<Outcome>),
    Failure(Failure),
}

impl From<Failure> for Ending {
    fn from(failure: Failure) -> Ending {
        Ending::Failure(failure)
    }
}

/// A file that was downloaded.
struct Download {
    path: PathBuf,
    /// Where it came from in the end.
    url: String,
    /// The name that the server gave it.
    named: Option<String>,
    msg: String,
    status: Data,
}

fn run(cx: &mut Context<'_>, args: &mut Args) -> Result<Outcome, Failure> {
    for (option, given) in
        [("ciphers", args.is_given("ciphers")), ("use_gssapi", args.bool("use_gssapi"))]
    {
        if given {
            return Err(Failure::new(format!("get_url: `{option}` is not supported yet")));
        }
    }
    match get(cx, args) {
        Ok(outcome) => Ok(outcome),
        Err(Ending::Unchanged(outcome)) => Ok(*outcome),
        Err(Ending::Failure(failure)) => Err(failure),
    }
}

fn get(cx: &mut Context<'_>, args: &Args) -> Result<Outcome, Ending> {
    let mut result = Map::new();
    for key in ["checksum_dest", "checksum_src"] {
        result.insert(key.into(), Data::Null);
    }
    result.insert("dest".into(), args.req("dest").into());
    result.insert("elapsed".into(), 0.into());
    result.insert("url".into(), args.req("url").into());

    let mut dest = args.path("dest");
    let is_dir = cx.target.is_dir(&dest);
    let wanted = checksum::wanted(cx, args, &result)?;
    let mut force = args.bool("force");
    let mut newer_than = None;
    if !is_dir && cx.target.exists(&dest) {
        if !force && let Some(wanted) = &wanted {
            if wanted.is_of(cx, &dest)? {
                return Ok(already_there(cx, args, &dest, result)?);
            }
            // The server's file may be older than the wrong one.
            force = true;
        }
        newer_than = cx.target.stat(&dest).ok().map(|stat| stat.mtime.secs);
    }
    let start = cx.target.now();
    let method = if cx.check { "HEAD" } else { "GET" };
    let download = download(cx, args, args.req("url"), method, force, newer_than)?;
    let elapsed = cx.target.now().as_f64() - start.as_f64();
    result.insert("elapsed".into(), (elapsed as i64).into());
    result.insert("src".into(), download.path.to_string_lossy().into());
    if is_dir {
        let usual = || url_filename(&download.url);
        dest = dest.join(download.named.clone().unwrap_or_else(usual));
        result.insert("dest".into(), dest.to_string_lossy().into());
    }
    Ok(place(cx, args, &dest, &download, wanted.as_ref(), result)?)
}

fn already_there(
    cx: &mut Context<'_>,
    args: &Args,
    dest: &Path,
    result: Map,
) -> Result<Outcome, Failure> {
    let attributes = FileAttributes::of(cx, args, dest);
    let changed = cx.set_attributes(dest, &attributes, None)?;
    let msg = match changed {
        true => "file already exists but file attributes changed",
        false => "file already exists",
    };
    Ok(Outcome::new(changed).with_all(result).msg(msg))
}

/// Put the downloaded file where it belongs.
fn place(
    cx: &mut Context<'_>,
    args: &Args,
    dest: &Path,
    download: &Download,
    wanted: Option<&checksum::Wanted>,
    mut result: Map,
) -> Result<Outcome, Failure> {
    let sum = |cx: &mut Context<'_>, path: &Path, algorithm: Algorithm| {
        cx.target.digest(path, algorithm).map_or(Data::Null, Data::from)
    };
    let new = sum(cx, &download.path, Algorithm::Sha1);
    result.insert("checksum_src".into(), new.clone());
    reachable(cx, dest, &result)?;
    if cx.target.exists(dest) {
        result.insert("checksum_dest".into(), sum(cx, dest, Algorithm::Sha1));
    }
    let differs = result.get("checksum_dest") != Some(&new);
    if cx.check {
        return Ok(Outcome::new(differs).with_all(result).msg(&download.msg));
    }
    let mut backup = None;
    if differs {
        if args.bool("backup") && cx.target.exists(dest) {
            backup = Some(cx.backup(dest)?);
        }
        let source = Source::File(&download.path);
        let write = Write::new(dest, source).unsafe_writes(args.bool("unsafe_writes"));
        cx.write(write).map_err(|failure| {
            let (from, to) = (download.path.display(), dest.display());
            Failure::new(format!("failed to copy {from} to {to}: {}", failure.msg))
                .with("changed", false)
                .with_all(result.clone())
        })?;
    }
    if let Some(wanted) = wanted
        && let Err(found) = wanted.check(cx, dest)?
    {
        cx.target
            .unlink(dest)
            .map_err(|error| Failure::new(python::os_error(&error, Subject::Text(dest))))?;
        return Err(Failure::new(format!(
            "The checksum for {} did not match {}; it was {found}.",
            dest.display(),
            wanted.sum
        ))
        .with("changed", differs)
        .with_all(result));
    }
    let attributes = FileAttributes::of(cx, args, dest);
    let changed = differs | cx.set_attributes(dest, &attributes, None)?;
    let md5 = sum(cx, dest, Algorithm::Md5);
    let mut outcome = Outcome::new(changed).with_all(result).with("md5sum", md5);
    if let Some(backup) = backup {
        outcome = outcome.with("backup_file", backup);
    }
    Ok(outcome.msg(&download.msg).with("status_code", download.status.clone()))
}

/// Whether the file can be written and read.
fn reachable(cx: &mut Context<'_>, dest: &Path, result: &Map) -> Result<(), Failure> {
    let refuse = |path: &Path, what: &str| {
        Err(Failure::new(format!("Destination {} {what}", path.display()))
            .with("changed", false)
            .with_all(result.clone()))
    };
    if cx.target.exists(dest) {
        return match () {
            () if !cx.target.access(dest, Access::Write) => refuse(dest, "is not writable"),
            () if !cx.target.access(dest, Access::Read) => refuse(dest, "is not readable"),
            () => Ok(()),
        };
    }
    // ansible-core 2.14 `get_url`: the parent of a bare name is the empty text, which is never there, and
    // a path with a slash at its end is its own parent.
    let text = dest.to_string_lossy();
    let parent = match text.rsplit_once('/') {
        Some(("", _)) => PathBuf::from("/"),
        Some((parent, _)) => PathBuf::from(parent),
        None => PathBuf::new(),
    };
    match () {
        () if !cx.target.exists(&parent) || parent.as_os_str().is_empty() => {
            refuse(&parent, "does not exist")
        }
        () if !cx.target.access(&parent, Access::Write) => refuse(&parent, "is not writable"),
        () => Ok(()),
    }
}

fn asked(args: &Args, address: &str, method: &str, force: bool, newer: Option<i64>) -> Request {
    let headers = args.dict("headers").into_iter().flatten();
    Request {
        method: method.into(),
        force,
        newer_than: newer,
        timeout: args.int("timeout").map(|seconds| Duration::from_secs(seconds.max(0) as u64)),
        headers: headers.map(|(name, value)| (name.clone(), python::text(value))).collect(),
        unredirected: args.strings("unredirected_headers"),
        decompress: args.bool("decompress"),
        use_netrc: args.bool("use_netrc"),
        ..request(args, address)
    }
}

fn download(
    cx: &mut Context<'_>,
    args: &Args,
    address: &str,
    method: &str,
    force: bool,
    newer_than: Option<i64>,
) -> Result<Download, Ending> {
    let start = cx.target.now();
    let fetched = cx.fetch(asked(args, address, method, force, newer_than))?;
    let elapsed = (cx.target.now().as_f64() - start.as_f64()) as i64;
    let msg = fetched.msg().to_owned();
    let dest = args.req("dest");
    let failed =
        |failure: Failure| failure.with("url", address).with("dest", dest).with("elapsed", elapsed);
    match fetched.status {
        Some(304) => {
            let unchanged = Outcome::new(false)
                .with("url", address)
                .with("dest", dest)
                .msg(msg)
                .with("status_code", 304)
                .with("elapsed", elapsed);
            return Err(Ending::Unchanged(Box::new(unchanged)));
        }
        Some(-1) => return Err(failed(Failure::new(msg)).into()),
        Some(200) => {}
        _ if address.starts_with("file:/") => {}
        status => {
            return Err(failed(
                Failure::new("Request failed")
                    .with("status_code", status.map_or(Data::Null, Data::from))
                    .with("response", msg),
            )
            .into());
        }
    }
    let Some(mut response) = fetched.response else {
        return Err(failed(Failure::new("Request failed")).into());
    };
    let path = temporary(cx, args, elapsed)?;
    cx.remove_at_end(&path);
    cx.receive(&mut response.body, &path).map_err(|error| {
        Failure::new(format!(
            "failed to create temporary content file: {}",
            python::os_error(&error, Subject::None)
        ))
        .with("elapsed", elapsed)
    })?;
    Ok(Download {
        path,
        named: response.headers.get("content-disposition").and_then(attached),
        url: response.url,
        msg,
        status: fetched.info.get("status").cloned().unwrap_or(Data::Null),
    })
}

/// A name for a temporary file.
fn temporary(cx: &mut Context<'_>, args: &Args, elapsed: i64) -> Result<PathBuf, Failure> {
    let folder = match args.str("tmp_dest").filter(|path| !path.is_empty()) {
        None => cx.tmpdir()?,
        Some(path) if cx.target.is_dir(Path::new(path)) => path.into(),
        Some(path) => {
            let msg = match cx.target.exists(Path::new(path)) {
                true => format!("{path} is a file but should be a directory."),
                false => format!("{path} directory does not exist."),
            };
            return Err(Failure::new(msg).with("elapsed", elapsed));
        }
    };
    Ok(folder.join(format!("tmp{:08x}", cx.target.random() as u32)))
}

/// The last part of an address's path.
fn url_filename(address: &str) -> String {
    let path = url::Url::split(address).path;
    match path.rsplit('/').next() {
        Some("") | None => "index.html".into(),
        Some(name) => name.to_owned(),
    }
}

/// The name of `attachment; filename="x"`.
fn attached(header: &str) -> Option<String> {
    let rest = header.strip_prefix("attachment;")?;
    let rest = rest.strip_prefix(' ').unwrap_or(rest).strip_prefix("filename=")?;
    let rest = rest.strip_prefix('"').unwrap_or(rest);
    let name = rest.split('"').next().filter(|name| !name.is_empty())?;
    name.rsplit("/").next().filter(|name| !name.is_empty()).map(String::from)
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test may fail")]
mod tests {
    use super::*;
    use crate::call::Call;
    use crate::target::fake::Fake;
    use serde_json::json;

    #[test]
    fn names() {
        assert_eq!(url_filename("http://h/a/b.txt?x"), "b.txt");
        assert_eq!(url_filename("http://h"), "index.html");
        assert_eq!(attached("attachment; filename=\"../x y\"").as_deref(), Some("x y"));
        assert_eq!(attached("attachment;filename=z").as_deref(), Some("z"));
        assert_eq!(attached("inline; filename=z"), None);
    }

    #[test]
    fn a_file_by_its_address() {
        let mut fake = Fake::new().file("/from", "abc").dir("/d");
        let call =
            Call::new("get_url", json!({"url": "file:///from", "dest": "/d", "mode": "0600"}));
        let result = call.run_on(&mut fake);
        assert_eq!(result["changed"], true, "{result:?}");
        assert_eq!(result["dest"], "/d/from");
        assert_eq!(result["status_code"], json!(null));
        assert_eq!(result["msg"], "OK (3 bytes)");
        assert_eq!((fake.text("/d/from").as_str(), fake.mode_of("/d/from")), ("abc", 0o600));
        assert_eq!(call.run_on(&mut fake)["changed"], false);
    }

    #[test]
    fn checksums() {
        let mut fake = Fake::new()
            .file("/from", "abc")
            .file("/sums", "900150983cd24fb0d6963f7d28e17f72  ./from\n0  other\n");
        let mut get = |checksum: &str| {
            let args = json!({"url": "file:///from", "dest": "/to", "checksum": checksum});
            Call::new("get_url", args).run_on(&mut fake)
        };
        let wrong = get("md5:00");
        let msg = "The checksum for /to did not match 00; it was 900150983cd24fb0d6963f7d28e17f72.";
        assert_eq!(wrong["msg"], msg);
        assert_eq!(get("md5:file:///sums")["changed"], true);
        assert_eq!(get("md5:9001 5098 3cd24fb0d6963f7d28e17F72")["msg"], "file already exists");
        assert_eq!(get("md5:xyz")["msg"], "The checksum format is invalid");
        let odd = get("900");
        assert_eq!(odd["msg"], "The checksum parameter has to be in format <algorithm>:<checksum>");
        assert_eq!(odd.get("changed").unwrap(), false);
    }
}
