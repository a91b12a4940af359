//! `filetree`: what lies below folders: their files, folders and links with all attributes.

use std::{
    fs::{self, Metadata},
    os::unix::fs::MetadataExt,
    path::{Path, PathBuf},
};

use indexmap::IndexSet;

use super::{Call, Lookup};
use crate::{
    paths,
    template::file::name_in,
    value::{Dict, PyResult, Value, repr::to_text},
};

pub(super) static LOOKUP: Lookup = Lookup::community(
    "filetree",
    "The files, folders and links below folders; of several, the first that has a path.",
    &[],
    run,
);

fn run(call: &Call<'_>) -> PyResult<Vec<Value>> {
    let base = call.basedir();
    let role = call.scope().get("role_path");
    let folder = role.map_or_else(|| base.clone(), |path| PathBuf::from(path.to_text()));
    let mut seen = IndexSet::new();
    let mut found = Vec::new();
    for term in call.each()? {
        let term = to_text(&term)?;
        let (above, name) = term.rsplit_once('/').map_or(("", term.as_str()), |(a, n)| (a, n));
        let above = if above.is_empty() && term.starts_with('/') { "/" } else { above };
        let start = paths::dwim_relative(&base, &folder, "files", above, false);
        let root = format!("{}/{name}", start.to_string_lossy().trim_end_matches('/'));
        let mut paths = Vec::new();
        walk(Path::new(&root), Path::new(""), &mut paths);
        for path in paths {
            if !seen.contains(&path) {
                let Some(entry) = describe(call, &root, &path) else { continue };
                found.push(Value::Dict(entry));
                seen.insert(path);
            }
        }
    }
    Ok(found)
}

/// All paths below `root/within`, relative to the root: a folder's folders, its files, and then
/// what lies in those folders. Links to folders are not followed.
fn walk(root: &Path, within: &Path, paths: &mut Vec<PathBuf>) {
    let Ok(entries) = fs::read_dir(root.join(within)) else { return };
    let names = entries.flatten().map(|entry| within.join(entry.file_name()));
    let (folders, files): (Vec<_>, Vec<_>) = names.partition(|path| root.join(path).is_dir());
    paths.extend(folders.iter().cloned());
    paths.extend(files);
    for folder in folders {
        if !root.join(&folder).is_symlink() {
            walk(root, &folder, paths);
        }
    }
}

fn describe(call: &Call<'_>, root: &str, path: &Path) -> Option<Dict> {
    let whole = format!("{}/{}", root.trim_end_matches('/'), path.display());
    let meta = match fs::symlink_metadata(&whole) {
        Ok(meta) => meta,
        Err(e) => {
            let why = crate::diagnostic::ansible::os_error(&e, Some(Path::new(&whole)));
            call.warn(format!("filetree: Error using stat() on path {whole} ({why})"));
            return None;
        }
    };
    let entry = Dict::new();
    entry.insert("root", Value::from(root));
    entry.insert("path", Value::from(path.to_string_lossy().into_owned()));
    let kind = meta.file_type();
    if kind.is_symlink() {
        entry.insert("state", "link");
        let target = fs::read_link(&whole).unwrap_or_default();
        entry.insert("src", Value::from(target.to_string_lossy().into_owned()));
    } else if kind.is_dir() {
        entry.insert("state", "directory");
    } else if kind.is_file() {
        entry.insert("state", "file");
        entry.insert("src", Value::from(whole));
    } else {
        call.warn(format!("filetree: Error file type of {whole} is not supported"));
        return None;
    }
    attributes(&entry, &meta);
    Some(entry)
}

fn attributes(entry: &Dict, meta: &Metadata) {
    let (uid, gid) = (meta.uid(), meta.gid());
    let named =
        |name: Option<String>, id: u32| name.map_or_else(|| Value::Int(i64::from(id)), Value::from);
    // Times are far within what a float holds to the microsecond.
    #[expect(clippy::cast_precision_loss, reason = "see above")]
    let time = |seconds: i64, nanos: i64| Value::Float(seconds as f64 + 1e-9 * nanos as f64);
    entry.insert("uid", i64::from(uid));
    entry.insert("gid", i64::from(gid));
    entry.insert("owner", named(name_in("/etc/passwd", uid), uid));
    entry.insert("group", named(name_in("/etc/group", gid), gid));
    entry.insert("mode", format!("0{:03o}", meta.mode() & 0o7777));
    entry.insert("size", i64::try_from(meta.size()).unwrap_or(i64::MAX));
    entry.insert("mtime", time(meta.mtime(), meta.mtime_nsec()));
    entry.insert("ctime", time(meta.ctime(), meta.ctime_nsec()));
}
