//! `fetch`: brings a file from the host to the controller.

use std::path::{Path, PathBuf};

use md5::Digest as _;
use vmstation_host::python::{Subject, os_error};

use super::{Action, ActionContext, ActionError, ActionFuture, Outcome};
use crate::{
    playbook::keywords,
    run::TaskResult,
    value::{Dict, Value},
};

/// Brings a file from the host.
pub static ACTION: Action = Action { name: "fetch", bypass_host_loop: false, run };

fn run<'a>(cx: &'a mut ActionContext<'_>) -> ActionFuture<'a> {
    Box::pin(fetch(cx))
}

async fn fetch(cx: &mut ActionContext<'_>) -> Outcome {
    if cx.check() {
        return Err(ActionError::skip("check mode not (yet) supported for this module"));
    }
    let truth = |name: &str, default: bool| {
        cx.arg(name).map_or(default, |v| keywords::to_bool(&v).unwrap_or(false))
    };
    let (flat, fail_on_missing) = (truth("flat", false), truth("fail_on_missing", true));
    let (source, dest) = match (cx.arg("src"), cx.arg("dest")) {
        (Some(Value::Str(s)), Some(Value::Str(d))) => (s.to_string(), d.to_string()),
        (None, _) | (_, None) => return Err(ActionError::fail("src and dest are required")),
        (_, Some(Value::Str(_))) => {
            return Err(ActionError::fail(
                "Invalid type supplied for source option, it must be a string",
            ));
        }
        _ => {
            return Err(ActionError::fail(
                "Invalid type supplied for dest option, it must be a string",
            ));
        }
    };
    let found = match read(cx, &source, fail_on_missing).await? {
        Ok(found) => found,
        Err(refusal) => return Ok(refusal),
    };
    let target = target(cx, &found.path, &dest, flat)?;
    store(&found, &target)
}

/// A file of the host's.
struct Found {
    path: String,
    bytes: Vec<u8>,
    sha1: String,
}

/// Reads the file, or tells why not.
async fn read(
    cx: &ActionContext<'_>,
    source: &str,
    fail_on_missing: bool,
) -> Result<Result<Found, TaskResult>, ActionError> {
    let args: Dict = [("src", Value::str(source))].into_iter().collect();
    let read = cx.module("ansible.builtin.slurp", args).await?;
    if failed(&read) {
        return Ok(Err(match out_of_reach(cx, source).await? {
            Some(reason) => unread(reason, source, fail_on_missing),
            None => refusal(&read, source, fail_on_missing, cx.remote.becomes()),
        }));
    }
    let text = |key: &str| read.data.get(key).map(|v| v.to_text()).unwrap_or_default();
    let bytes = vmstation_host::data::base64_decode(&text("content"))
        .ok_or_else(|| ActionError::result("the host sent a damaged file"))?;
    let sha1 = hex(&sha1::Sha1::digest(&bytes));
    Ok(Ok(Found { path: text("source"), bytes, sha1 }))
}

fn failed(result: &TaskResult) -> bool {
    result.data.get("failed").is_some_and(|v| v.is_true())
}

/// Why the host can't even tell whether there is such a file. ansible asks for that first, unless the
/// file is read as another user.
async fn out_of_reach(cx: &ActionContext<'_>, source: &str) -> Result<Option<String>, ActionError> {
    if cx.remote.becomes() {
        return Ok(None);
    }
    let args: Dict =
        [("path", Value::str(source)), ("follow", true.into()), ("get_checksum", false.into())]
            .into_iter()
            .collect();
    let stat = cx.module("ansible.builtin.stat", args).await?;
    let reason = || stat.data.get("msg").map(|v| v.to_text()).unwrap_or_default();
    Ok(failed(&stat)
        .then(|| format!("Failed to get information on remote file ({source}): {}", reason())))
}

fn unread(reason: String, source: &str, fail_on_missing: bool) -> TaskResult {
    let result = TaskResult::of([("changed", false.into()), ("file", Value::str(source))]);
    if fail_on_missing {
        result.data.insert("failed", true);
        result.data.insert("msg", reason);
    } else {
        result.data.insert("msg", format!("{reason}, ignored"));
    }
    result
}

fn refusal(read: &TaskResult, source: &str, fail_on_missing: bool, becomes: bool) -> TaskResult {
    let message = read.data.get("msg").map(|v| v.to_text()).unwrap_or_default();
    let mut result = TaskResult::default();
    let directory = message.starts_with("source is a directory");
    let text = "remote file is a directory, fetch cannot work on directories";
    // ansible looks at the file before it reads it, unless it reads it as another user.
    if directory && !becomes {
        if fail_on_missing {
            result.data.insert("failed", true);
            result.data.insert("changed", false);
            result.data.insert("msg", text);
        } else {
            result.data.insert("msg", format!("{text}, not transferring, ignored"));
        }
        return result;
    }
    if fail_on_missing {
        result = TaskResult::from_data(read.data.clone());
    } else {
        result.data.insert("file", source);
        result.data.insert("changed", false);
    }
    if message.contains("not found") {
        result.data.insert("msg", "the remote file does not exist, not transferring, ignored");
    } else if directory {
        result.data.insert("msg", text);
    }
    result
}

/// Where the file goes.
fn target(
    cx: &ActionContext<'_>,
    source: &str,
    dest: &str,
    flat: bool,
) -> Result<PathBuf, ActionError> {
    let base = &cx.worker.play.play.basedir;
    let path = if flat {
        if Path::new(dest).is_dir() && !dest.ends_with('/') {
            return Err(ActionError::fail(
                "dest is an existing directory, use a trailing slash if you want to fetch src into \
                 that directory",
            ));
        }
        let mut dest = dest.to_owned();
        if dest.ends_with('/') {
            dest.push_str(source.rsplit('/').next().unwrap_or_default());
        }
        crate::playbook::load::paths::dwim(base, &dest)
    } else {
        let host = cx
            .scope
            .get("inventory_hostname")
            .map_or_else(|| cx.worker.host.to_string(), |v| v.to_text());
        let root = crate::playbook::load::paths::dwim(base, dest);
        PathBuf::from(format!("{}/{host}/{source}", root.display()))
    };
    Ok(crate::playbook::load::paths::normalised(&path))
}

/// Writes the file unless it is there already.
fn store(found: &Found, target: &Path) -> Outcome {
    let old = std::fs::read(target).ok();
    let md5 = hex(&md5::Md5::digest(&found.bytes));
    let dest = target.display().to_string();
    let same = old.as_deref().is_some_and(|old| old == found.bytes);
    let mut entries = vec![
        ("changed", Value::Bool(!same)),
        ("md5sum", Value::str(md5)),
        ("dest", Value::str(dest)),
        ("checksum", Value::str(found.sha1.as_str())),
    ];
    if same {
        entries.insert(2, ("file", Value::str(found.path.as_str())));
    } else {
        write(target, &found.bytes)?;
        entries.insert(3, ("remote_md5sum", Value::None));
        entries.push(("remote_checksum", Value::str(found.sha1.as_str())));
    }
    Ok(TaskResult::from_data(entries.into_iter().collect()))
}

fn write(target: &Path, bytes: &[u8]) -> Result<(), ActionError> {
    let dir = target.parent().unwrap_or(Path::new("."));
    make_folders(dir)?;
    lay(dir, target, bytes).map_err(|e| {
        let why = os_error(&e, Subject::Bytes(target));
        ActionError::result(format!("failed to transfer file to {}: {why}", target.display()))
    })
}

/// Replaces the file whole, through links and with the mode that it has.
fn lay(dir: &Path, target: &Path, bytes: &[u8]) -> std::io::Result<()> {
    let old = std::fs::metadata(target).ok();
    if old.as_ref().is_some_and(|old| !old.is_file()) {
        return std::fs::write(target, bytes);
    }
    let target = target.canonicalize().unwrap_or_else(|_| target.to_owned());
    let dir = target.parent().filter(|_| old.is_some()).unwrap_or(dir);
    let mode = old.map_or_else(default_mode, |old| old.permissions());
    let mut file = tempfile::Builder::new().permissions(mode).tempfile_in(dir).map_err(bare)?;
    std::io::Write::write_all(&mut file, bytes)?;
    file.persist(&target).map_err(|e| e.error)?;
    Ok(())
}

/// The system's error in what says more than it: tempfile adds its path and keeps the number in the text only.
fn bare(error: std::io::Error) -> std::io::Error {
    let text = error.to_string();
    let number =
        text.split_once("(os error ").and_then(|(_, rest)| rest.split(')').next()?.parse().ok());
    number.map_or(error, std::io::Error::from_raw_os_error)
}

/// Makes a folder and those above it; that it is there, whatever it is, is enough, as for ansible.
fn make_folders(dir: &Path) -> Result<(), ActionError> {
    if dir.exists() {
        return Ok(());
    }
    std::fs::create_dir_all(dir).map_err(|e| {
        // Python names the first folder that is missing.
        let first = dir.ancestors().take_while(|above| !above.exists()).last().unwrap_or(dir);
        let why = os_error(&e, Subject::Bytes(first));
        ActionError::result(format!("Unable to create local directories({}): {why}", dir.display()))
    })
}

/// What a plain `open` would give, less the umask.
fn default_mode() -> std::fs::Permissions {
    std::os::unix::fs::PermissionsExt::from_mode(0o666)
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|b| format!("{b:02x}")).collect()
}
