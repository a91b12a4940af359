//! `copy`: files, folders or text from the controller to the host.
//!
//! The host compares checksums before it asks for a file, so that an unchanged one never travels.

mod tree;

use std::{
    collections::hash_map::RandomState,
    hash::{BuildHasher, Hasher},
    os::unix::fs::PermissionsExt,
    path::Path,
    sync::OnceLock,
};

use sha1::{Digest, Sha1};
use tree::Tree;
use vmstation_host::{data::hex, python::join};

use super::{Action, ActionContext, ActionError, ActionFuture, Outcome, remote::Attached};
use crate::{
    config::options,
    diagnostic::{Error, Kind},
    playbook::keywords,
    run::TaskResult,
    value::{
        Dict, Value, codec,
        json::{self, Layout},
    },
};

/// Copies to the host.
pub static ACTION: Action = Action { name: "copy", bypass_host_loop: false, run };

fn run<'a>(cx: &'a mut ActionContext<'_>) -> ActionFuture<'a> {
    Box::pin(async move {
        let args = cx.args.copy();
        let mut result = copy(cx, &args).await?;
        ensure_invocation(&args, &mut result);
        Ok(result)
    })
}

/// Shows the arguments where no module did, with the content hidden.
fn ensure_invocation(args: &Dict, result: &mut TaskResult) {
    if result.data.contains("invocation") {
        return;
    }
    let shown = args.copy();
    if shown.contains("content") {
        shown.insert("content", "VALUE_SPECIFIED_IN_NO_LOG_PARAMETER");
    }
    let invocation = args.copy();
    if invocation.contains("content") {
        invocation.insert("content", "CENSORED: content is a no_log parameter");
    }
    invocation.insert("module_args", shown);
    result.data.insert("invocation", invocation);
}

/// Copies as these arguments say; also what `template` and `assemble` end with.
pub async fn copy(cx: &ActionContext<'_>, args: &Dict) -> Outcome {
    let get = |name: &str| args.get(name).filter(|v| !v.is_none());
    let (source, content) = (get("src").filter(Value::is_true), get("content"));
    let dest = get("dest").map(|v| v.to_text()).filter(|d| !d.is_empty());
    let refused = match (&source, &content, &dest) {
        (None, None, _) => Some("src (or content) is required"),
        (_, _, None) => Some("dest is required"),
        (Some(_), Some(_), _) => Some("src and content are mutually exclusive"),
        (_, Some(_), Some(d)) if d.ends_with('/') => Some("can not use content with a dir as dest"),
        _ => None,
    };
    if let Some(message) = refused {
        return Ok(TaskResult::failed(message));
    }
    let dest = dest.unwrap_or_default();
    if let Some(content) = content {
        let bytes = content_bytes(&content)?;
        return send_file(cx, args, &Delivered::content(cx, bytes), &dest).await;
    }
    let source = source.map(|v| v.to_text()).unwrap_or_default();
    if get("remote_src").is_some_and(|v| lenient(&v)) {
        return cx.module("ansible.builtin.copy", args.copy()).await;
    }
    let found = match cx.find("files", &source) {
        Ok(found) => found,
        Err(ActionError::Error(e)) => {
            let text = crate::diagnostic::ansible_text(&e);
            return match ActionError::caught(text, &e) {
                ActionError::Done(result) => Ok(*result),
                other => Err(other),
            };
        }
        Err(other) => return Err(other),
    };
    if found.is_dir() {
        return copy_tree(cx, args, &found, source.ends_with('/'), dest).await;
    }
    let name = found.file_name().unwrap_or_default().to_string_lossy().into_owned();
    match Delivered::file(cx, args, &found, &name)? {
        Ok(file) => send_file(cx, args, &file, &dest).await,
        Err(refused) => Ok(refused),
    }
}

/// Booleans that are no booleans count as false.
fn lenient(value: &Value) -> bool {
    keywords::to_bool(value).unwrap_or(false)
}

fn content_bytes(content: &Value) -> Result<Vec<u8>, ActionError> {
    let text = match content {
        Value::Dict(_) | Value::List(_) => json::dumps(content, &Layout::default())
            .map_err(|e| ActionError::result(format!("could not write content temp file: {e}")))?,
        other => other.to_text(),
    };
    Ok(codec::to_utf8(&text))
}

/// A file on its way to the host.
struct Delivered {
    /// The path that results and differences show.
    shown: String,
    /// Its name, where the destination is a folder.
    name: String,
    bytes: Vec<u8>,
    /// The permissions that `mode: preserve` means.
    mode: u32,
    /// It is the option `content`.
    is_content: bool,
    /// Whether links on the host are followed, where that is not for the option to say.
    follow: Option<bool>,
}

impl Delivered {
    fn content(cx: &ActionContext<'_>, bytes: Vec<u8>) -> Self {
        let shown = temporary_name(cx);
        let name = shown.rsplit('/').next().unwrap_or_default().to_owned();
        Self { shown, name, bytes, mode: 0o600, is_content: true, follow: None }
    }

    /// A file of the controller's, decrypted if it is vaulted; or the refusal where it can't be read.
    fn file(
        cx: &ActionContext<'_>,
        args: &Dict,
        path: &Path,
        name: &str,
    ) -> Result<Result<Self, TaskResult>, ActionError> {
        let decrypt = args.get("decrypt").is_none_or(|v| v.is_none() || lenient(&v));
        let shown = path.display().to_string();
        let (bytes, decrypted) = match cx.worker.play.run.loader.read_plain(path, decrypt) {
            Ok(read) => read,
            Err(e) if e.kind() == Kind::NotFound => {
                let text = crate::diagnostic::ansible_text(&e);
                let refused = TaskResult::failed(format!("could not find src={shown}, {text}"));
                refused.data.insert("diff", Vec::<Value>::new());
                return Ok(Err(refused));
            }
            Err(e) => return Err(e.into()),
        };
        let meta = std::fs::metadata(path).map_err(|e| ActionError::result(e.to_string()))?;
        let mode = meta.permissions().mode() & 0o7777;
        let name = name.to_owned();
        // ansible decrypts into a temporary file, and tells of that one.
        let shown = if decrypted { temporary_name(cx) } else { shown };
        Ok(Ok(Self { shown, name, bytes, mode, is_content: false, follow: None }))
    }
}

/// Sends text made on the controller as a file of this name (`template`, `assemble`).
pub async fn send_bytes(cx: &ActionContext<'_>, args: Dict, bytes: Vec<u8>, name: &str) -> Outcome {
    let file = Delivered {
        shown: format!("{}/{name}", temporary_name(cx)),
        name: name.to_owned(),
        bytes,
        mode: 0o600,
        is_content: false,
        follow: None,
    };
    let dest = args.get("dest").map(|v| v.to_text()).unwrap_or_default();
    let mut result = send_file(cx, &args, &file, &dest).await?;
    ensure_invocation(&args, &mut result);
    Ok(result)
}

/// Sends text that the module gets whatever is at its place (`assemble`).
pub async fn send_always(cx: &ActionContext<'_>, args: &Dict, bytes: Vec<u8>) -> Outcome {
    const LABEL: &str = "src";
    let limit = cx.worker.play.run.settings.get(&options::MAX_FILE_SIZE_FOR_DIFF);
    let sent = args.copy();
    sent.insert("src", LABEL);
    sent.insert("__assembled", true);
    sent.insert("__diff_limit", limit);
    let attached = Attached::bytes(LABEL, bytes.clone());
    let result = cx.remote.module(cx, "ansible.legacy.copy", sent, vec![attached]).await?;
    if let Some(Value::Dict(diff)) = result.data.get("diff") {
        let (shown, name) = (temporary_name(cx), LABEL.to_owned());
        let file = Delivered { shown, name, bytes, mode: 0o600, is_content: false, follow: None };
        complete_diff(cx, &file, &diff, limit);
    }
    Ok(result)
}

/// A name that a temporary file of ansible's would have on the controller. There is no such file.
fn temporary_name(cx: &ActionContext<'_>) -> String {
    static RUN: OnceLock<String> = OnceLock::new();
    let own = RUN.get_or_init(|| format!("ansible-local-{}{}", std::process::id(), random_name()));
    let base = cx.worker.play.run.settings.get(&options::DEFAULT_LOCAL_TMP);
    format!("{}/{own}/tmp{}", base.display(), random_name())
}

/// Eight characters, as Python's `tempfile` draws them.
fn random_name() -> String {
    const LETTERS: &[u8] = b"abcdefghijklmnopqrstuvwxyz0123456789_";
    // The keys of a new hasher are random; these names are only looked at.
    let mut drawn = RandomState::new().build_hasher().finish();
    let mut name = String::new();
    for _ in 0..8 {
        let at = usize::try_from(drawn % LETTERS.len() as u64).unwrap_or_default();
        name.push(char::from(LETTERS[at]));
        drawn /= LETTERS.len() as u64;
    }
    name
}

/// Sends one file; the result is the task's.
async fn send_file(cx: &ActionContext<'_>, args: &Dict, file: &Delivered, dest: &str) -> Outcome {
    match send(cx, args, file, dest).await? {
        Sent::Kept(dest) => Ok(TaskResult::of([
            ("dest", Value::str(dest)),
            ("src", Value::str(file.shown.as_str())),
            ("changed", false.into()),
        ])),
        Sent::Done(result) => Ok(with_dest(*result)),
    }
}

/// `file` says `path`, `copy` says `dest`: both are there in the end.
fn with_dest(result: TaskResult) -> TaskResult {
    if !result.data.contains("dest")
        && !is_true(&result, "failed")
        && let Some(path) = result.data.get("path")
    {
        result.data.insert("dest", path);
    }
    result
}

fn is_true(result: &TaskResult, key: &str) -> bool {
    result.data.get(key).is_some_and(|v| v.is_true())
}

/// What came of a file.
enum Sent {
    /// It is there, and `force` is off; the destination as the host knows it.
    Kept(String),
    /// What the module says.
    Done(Box<TaskResult>),
}

async fn send(
    cx: &ActionContext<'_>,
    args: &Dict,
    file: &Delivered,
    dest: &str,
) -> Result<Sent, ActionError> {
    const LABEL: &str = "source";
    let sent = args.copy();
    sent.remove("decrypt");
    sent.remove("content");
    if sent.get("mode").is_some_and(|m| m.as_str() == Some("preserve")) {
        sent.insert("mode", format!("0{:03o}", file.mode));
    }
    sent.insert("src", LABEL);
    sent.insert("dest", dest);
    sent.insert("_original_basename", file.name.as_str());
    sent.insert("__content", file.is_content);
    let follow = sent.get("follow").is_some_and(|v| lenient(&v));
    sent.insert("follow", file.follow.unwrap_or(follow));
    // What is no boolean counts as one that is off.
    if let Some(force) = sent.get("force") {
        sent.insert("force", lenient(&force));
    }
    let limit = cx.worker.play.run.settings.get(&options::MAX_FILE_SIZE_FOR_DIFF);
    sent.insert("__diff_limit", limit);
    let attached = Attached::bytes(LABEL, file.bytes.clone());
    let result = cx.remote.module(cx, "ansible.legacy.copy", sent, vec![attached]).await?;
    if result.data.remove("_kept").is_some() {
        let dest = result.data.get("_dest").map_or_else(|| dest.to_owned(), |d| d.to_text());
        return Ok(Sent::Kept(dest));
    }
    if result.data.remove("_raised").is_some() {
        let message = result.data.get("msg").map(|m| m.to_text()).unwrap_or_default();
        return Err(Error::new(Kind::Action, message).into());
    }
    // Arguments that were refused before the module began.
    if is_true(&result, "failed") && !result.data.contains("diff") {
        result.data.insert("diff", Vec::<Value>::new());
        result.data.insert("checksum", hex(&Sha1::digest(&file.bytes)));
    }
    if let Some(Value::List(diffs)) = result.data.get("diff")
        && let Some(Value::Dict(diff)) = diffs.snapshot().into_iter().next()
    {
        complete_diff(cx, file, &diff, limit);
    }
    Ok(Sent::Done(Box::new(result)))
}

/// Adds what the host can't know: what comes to the place.
fn complete_diff(cx: &ActionContext<'_>, file: &Delivered, diff: &Dict, limit: i64) {
    if limit > 0 && i64::try_from(file.bytes.len()).is_ok_and(|size| size > limit) {
        diff.insert("src_larger", limit);
    } else if file.bytes.contains(&0) {
        diff.insert("src_binary", 1);
    } else {
        diff.insert("after_header", file.shown.as_str());
        // `surrogateescape` takes any bytes.
        let text = codec::decode(&file.bytes, "utf-8", "surrogateescape").unwrap_or_default();
        diff.insert("after", Value::unsafe_str(text));
    }
    if cx.fields.no_log {
        for (key, text) in [
            ("before", ""),
            (
                "after",
                " [[ Diff output has been hidden because 'no_log: true' was specified for this result ]]\n",
            ),
        ] {
            if diff.contains(key) {
                diff.insert(key, text);
            }
        }
    }
}

/// The arguments that `copy` shares with `file`.
fn file_args(args: &Dict) -> Dict {
    const SHARED: &[&str] = &[
        "mode",
        "owner",
        "group",
        "seuser",
        "serole",
        "selevel",
        "setype",
        "attributes",
        "unsafe_writes",
        "force",
    ];
    args.snapshot()
        .into_iter()
        .filter(|(k, _)| k.as_str().is_some_and(|k| SHARED.contains(&k)))
        .collect()
}

async fn copy_tree(
    cx: &ActionContext<'_>,
    args: &Dict,
    root: &Path,
    trailing_slash: bool,
    mut dest: String,
) -> Outcome {
    let follow = args.get("local_follow").is_none_or(|v| v.is_none() || lenient(&v));
    let mut source = root.display().to_string();
    source.truncate(source.trim_end_matches('/').len().max(1));
    if trailing_slash && source != "/" {
        source.push('/');
    }
    let tree = Tree::of(&source, follow).map_err(|e| ActionError::result(e.to_string()))?;
    if !dest.ends_with('/') {
        dest.push('/');
    }
    if dest.starts_with('~') {
        dest = cx.remote.expand(cx, &dest).await?;
    }
    let mut steps = Steps::default();
    for (path, relative) in &tree.files {
        let mut file = match Delivered::file(cx, args, path, relative)? {
            Ok(file) => file,
            Err(refused) => return Ok(refused),
        };
        // Links on the host are followed where a single file is copied only.
        file.follow = (!tree.directories.is_empty()).then_some(false);
        if let Sent::Done(result) = send(cx, args, &file, &dest).await?
            && let Some(failed) = steps.take(*result)
        {
            return Ok(failed);
        }
    }
    for sent in tree.directories.iter().map(|relative| folder_args(args, &dest, relative)) {
        if let Some(failed) = steps.take(cx.module("ansible.builtin.file", sent).await?) {
            return Ok(failed);
        }
    }
    for (target, relative) in &tree.links {
        let sent = link_args(args, &dest, target, relative);
        if !tree.directories.is_empty() {
            sent.insert("follow", false);
        }
        if let Some(failed) = steps.take(cx.module("ansible.builtin.file", sent).await?) {
            return Ok(failed);
        }
    }
    match steps.last.filter(|_| tree.files.len() == 1) {
        Some(last) => Ok(with_dest(last)),
        None => Ok(TaskResult::of([
            ("dest", Value::str(dest)),
            ("src", Value::str(source)),
            ("changed", steps.changed.into()),
        ])),
    }
}

/// What the modules said that a folder took.
#[derive(Default)]
struct Steps {
    changed: bool,
    last: Option<TaskResult>,
}

impl Steps {
    /// Notes a result, or gives it back if it is a failure.
    fn take(&mut self, result: TaskResult) -> Option<TaskResult> {
        if is_true(&result, "failed") {
            return Some(result);
        }
        self.changed |= is_true(&result, "changed");
        self.last = Some(result);
        None
    }
}

fn folder_args(args: &Dict, dest: &str, relative: &str) -> Dict {
    let sent = file_args(args);
    sent.insert("path", join(dest, relative));
    sent.insert("state", "directory");
    sent.insert("mode", args.get("directory_mode").unwrap_or(Value::None));
    sent.insert("recurse", false);
    sent
}

fn link_args(args: &Dict, dest: &str, target: &str, relative: &str) -> Dict {
    let sent = file_args(args);
    sent.insert("path", join(dest, relative));
    sent.insert("src", target);
    sent.insert("state", "link");
    sent.insert("force", true);
    // A link has no mode to preserve.
    if sent.get("mode").is_some_and(|m| m.as_str() == Some("preserve")) {
        sent.remove("mode");
    }
    sent
}
