//! `copy`: files, folders or text from the controller to the host.
//!
//! The host compares checksums before it asks for a file, so that an unchanged one never travels.

use std::{
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
};

use super::{Action, ActionContext, ActionError, ActionFuture, Outcome, remote::Attached};
use crate::{
    playbook::keywords,
    run::TaskResult,
    value::{
        Dict, Value,
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
        return copy_content(cx, args, &content, &dest).await;
    }
    let source = source.map(|v| v.to_text()).unwrap_or_default();
    if get("remote_src").is_some_and(|v| lenient(&v)) {
        return cx.module("ansible.builtin.copy", args.copy()).await;
    }
    let found = match cx.find("files", &source) {
        Ok(found) => found,
        Err(ActionError::Error(e)) => {
            let text = crate::diagnostic::ansible_text(&e);
            let result = TaskResult::failed(text.as_str());
            return Ok(result);
        }
        Err(other) => return Err(other),
    };
    if found.is_dir() {
        return copy_tree(cx, args, &found, source.ends_with('/'), dest).await;
    }
    let name = found.file_name().unwrap_or_default().to_string_lossy().into_owned();
    copy_file(cx, args, &found, &name, &dest, None).await
}

/// Booleans that are no booleans count as false.
fn lenient(value: &Value) -> bool {
    keywords::to_bool(value).unwrap_or(false)
}

async fn copy_content(cx: &ActionContext<'_>, args: &Dict, content: &Value, dest: &str) -> Outcome {
    let text = match content {
        Value::Dict(_) | Value::List(_) => json::dumps(content, &Layout::default())
            .map_err(|e| ActionError::result(format!("could not write content temp file: {e}")))?,
        other => other.to_text(),
    };
    let label = "content";
    let file = Attached::bytes(label, text.into_bytes());
    let sent = args.copy();
    sent.remove("content");
    sent.insert("src", label);
    sent.insert("dest", dest);
    sent.insert("_content", true);
    send(cx, sent, file).await
}

/// Copies one file. Gives what the module gave.
async fn copy_file(
    cx: &ActionContext<'_>,
    args: &Dict,
    source: &Path,
    relative: &str,
    dest: &str,
    follow: Option<bool>,
) -> Outcome {
    let decrypt = args.get("decrypt").is_none_or(|v| v.is_none() || lenient(&v));
    let bytes = match cx.worker.play.run.loader.read_bytes(source, decrypt) {
        Ok(bytes) => bytes,
        Err(e) => {
            return Ok(TaskResult::failed(format!("could not find src={}, {e}", source.display())));
        }
    };
    let sent = args.copy();
    sent.remove("decrypt");
    if sent.get("mode").is_some_and(|m| m.as_str() == Some("preserve")) {
        sent.insert("mode", mode_of(source)?);
    }
    let label = source.display().to_string();
    sent.insert("src", label.as_str());
    sent.insert("dest", dest);
    sent.insert("_original_basename", relative);
    if let Some(follow) = follow {
        sent.insert("follow", follow);
    }
    send(cx, sent, Attached::bytes(&label, bytes)).await
}

/// Sends text made on the controller as a file of this name (`template`, `assemble`).
pub async fn send_bytes(cx: &ActionContext<'_>, args: Dict, file: Attached, name: &str) -> Outcome {
    args.insert("_original_basename", name);
    let shown = args.copy();
    let mut result = send(cx, args, file).await?;
    ensure_invocation(&shown, &mut result);
    Ok(result)
}

async fn send(cx: &ActionContext<'_>, args: Dict, file: Attached) -> Outcome {
    let result = cx.remote.module(cx, "ansible.builtin.copy", args, vec![file]).await?;
    if result.data.contains("path")
        && !result.data.contains("dest")
        && let Some(path) = result.data.get("path")
    {
        result.data.insert("dest", path);
    }
    Ok(result)
}

fn mode_of(path: &Path) -> Result<String, ActionError> {
    let meta = std::fs::metadata(path).map_err(|e| ActionError::result(e.to_string()))?;
    Ok(format!("0{:03o}", meta.permissions().mode() & 0o7777))
}

/// What a folder holds, relative to what is copied.
#[derive(Default)]
struct Tree {
    files: Vec<(PathBuf, String)>,
    directories: Vec<String>,
    links: Vec<(String, String)>,
}

fn walk(root: &Path, trailing_slash: bool, follow_links: bool) -> Tree {
    let base = if trailing_slash { root } else { root.parent().unwrap_or(root) };
    let mut tree = Tree::default();
    let entries = walkdir::WalkDir::new(root)
        .follow_links(follow_links)
        .sort_by_file_name()
        .into_iter()
        .filter_map(Result::ok);
    for entry in entries {
        let Ok(relative) = entry.path().strip_prefix(base) else { continue };
        let relative = relative.to_string_lossy().into_owned();
        if relative.is_empty() {
            continue;
        }
        if entry.path_is_symlink() && !follow_links {
            let target = std::fs::read_link(entry.path()).unwrap_or_default();
            tree.links.push((target.to_string_lossy().into_owned(), relative));
        } else if entry.file_type().is_dir() {
            tree.directories.push(relative);
        } else {
            tree.files.push((entry.path().to_path_buf(), relative));
        }
    }
    tree
}

/// The arguments that `copy` shares with `file`.
fn file_args(args: &Dict) -> Dict {
    let shared = [
        "mode",
        "owner",
        "group",
        "seuser",
        "serole",
        "selevel",
        "setype",
        "unsafe_writes",
        "attributes",
        "attr",
        "follow",
        "force",
    ];
    args.snapshot()
        .into_iter()
        .filter(|(k, _)| k.as_str().is_some_and(|k| shared.contains(&k)))
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
    let tree = walk(root, trailing_slash, follow);
    if !dest.ends_with('/') {
        dest.push('/');
    }
    let mut changed = false;
    let mut diffs: Vec<Value> = Vec::new();
    let mut last = None;
    let only_file = tree.files.len() == 1;
    for (path, relative) in &tree.files {
        let follow = (!tree.directories.is_empty()).then_some(false);
        let result = copy_file(cx, args, path, relative, &dest, follow).await?;
        if result.data.get("failed").is_some_and(|v| v.is_true()) {
            return Ok(result);
        }
        match result.data.get("diff") {
            Some(Value::List(more)) => diffs.extend(more.snapshot()),
            Some(one) => diffs.push(one),
            None => {}
        }
        changed |= result.data.get("changed").is_some_and(|v| v.is_true());
        last = Some(result);
    }
    for relative in &tree.directories {
        let sent = file_args(args);
        sent.insert("path", format!("{dest}{relative}"));
        sent.insert("state", "directory");
        sent.remove("mode");
        if let Some(mode) = args.get("directory_mode").filter(|m| !m.is_none()) {
            sent.insert("mode", mode);
        }
        let result = cx.module("ansible.builtin.file", sent).await?;
        if result.data.get("failed").is_some_and(|v| v.is_true()) {
            return Ok(result);
        }
        changed |= result.data.get("changed").is_some_and(|v| v.is_true());
        last = Some(result);
    }
    for (target, relative) in &tree.links {
        let sent = file_args(args);
        sent.insert("path", format!("{dest}{relative}"));
        sent.insert("src", target.as_str());
        sent.insert("state", "link");
        sent.insert("force", true);
        if !tree.directories.is_empty() {
            sent.insert("follow", false);
        }
        if sent.get("mode").is_some_and(|m| m.as_str() == Some("preserve")) {
            sent.remove("mode");
        }
        let result = cx.module("ansible.builtin.file", sent).await?;
        if result.data.get("failed").is_some_and(|v| v.is_true()) {
            return Ok(result);
        }
        changed |= result.data.get("changed").is_some_and(|v| v.is_true());
        last = Some(result);
    }
    if let Some(result) = last.filter(|_| only_file) {
        result.data.insert("changed", changed);
        if !result.data.contains("dest")
            && let Some(path) = result.data.get("path")
        {
            result.data.insert("dest", path);
        }
        return Ok(result);
    }
    let mut source = root.display().to_string();
    if trailing_slash {
        source.push('/');
    }
    let result = TaskResult::of([
        ("dest", Value::str(dest)),
        ("src", Value::str(source)),
        ("changed", changed.into()),
    ]);
    if !diffs.is_empty() {
        result.data.insert("diff", diffs);
    }
    Ok(result)
}
