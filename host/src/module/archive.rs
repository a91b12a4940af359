//! `archive`: files of the host in one archive, or one file made small.

mod zip;

use std::collections::BTreeSet;
use std::io::Write as _;
use std::path::{Path, PathBuf};

use crate::data;
use crate::module::{
    Args, CheckMode, Context, FILE_OPTIONS, Failure, FileAttributes, Kind, Lit, Module, Opt,
    Outcome, Returned, Write,
};
use crate::python::{self, Subject};
use crate::target::{self, FileKind, Run};

pub static MODULE: Module = Module {
    collection: "community.general",
    aliases: &["ansible.builtin.archive"],
    description: "Packs files and folders of the host into an archive there, or compresses a single file.\n\
                  The host needs GNU tar, and for bz2 and xz the programs of these names; for zip nothing.",
    options: &[
        Opt::list("path", Kind::Path).required().doc("What is packed: paths, or patterns of them."),
        Opt::str("format")
            .or_str("gz")
            .choices(&[
                Lit::Str("bz2"),
                Lit::Str("gz"),
                Lit::Str("tar"),
                Lit::Str("xz"),
                Lit::Str("zip"),
            ])
            .doc("How it is packed."),
        Opt::path("dest").doc("The archive. Needed for more than a single file."),
        Opt::list("exclude_path", Kind::Path)
            .default(Lit::List(&[]))
            .doc("Paths or patterns that are left out of `path`."),
        Opt::list("exclusion_patterns", Kind::Path)
            .since("3.2.0")
            .doc("Patterns of names that are left out of the archive."),
        Opt::bool("force_archive").or(false).doc("Make an archive of a single file, too."),
        Opt::bool("remove").or(false).doc("Remove what was packed."),
    ],
    shared: &[FILE_OPTIONS],
    check_mode: CheckMode::Full,
    returns: &[
        Returned::new("state", "str", "always", "What the archive is now: a file."),
        Returned::new(
            "dest_state",
            "str",
            "success",
            "`absent`, `archive`, `compress` or `incomplete`.",
        ),
        Returned::new("missing", "list", "success", "Paths that are not there."),
        Returned::new("archived", "list", "success", "Files that were packed."),
        Returned::new(
            "arcroot",
            "str",
            "always",
            "The folder that names in the archive start from.",
        ),
        Returned::new("expanded_paths", "list", "always", "`path` with its patterns expanded."),
        Returned::new("expanded_exclude_paths", "list", "always", "The same of `exclude_path`."),
    ],
    examples: "- name: The site, as it is now\n  community.general.archive:\n    path: /srv/site\n    dest: /var/backups/site.tar.gz\n",
    version_added: "2.3",
    ..Module::builtin("archive", "Creates an archive of files", run)
};

/// What is to be packed, and how.
struct Archive {
    format: String,
    dest: Option<PathBuf>,
    /// With those that are not there.
    paths: Vec<PathBuf>,
    root: String,
    patterns: Vec<String>,
    /// Whether it is more than a single file.
    whole: bool,
}

/// What tells whether an archive is another than before.
type Content = Option<BTreeSet<String>>;

fn run(cx: &mut Context<'_>, args: &mut Args) -> Result<Outcome, Failure> {
    let asked = args.strings("path");
    let (expanded, patterns) = expand(cx, &asked);
    let (excluded, _) = expand(cx, &args.strings("exclude_path"));
    let archive = plan(cx, args, &expanded, &excluded, patterns)?;
    let dest = archive.dest.clone().unwrap_or_default();
    if args.bool("remove")
        && archive
            .paths
            .iter()
            .any(|path| cx.target.is_dir(path) && dest != *path && dest.starts_with(path))
    {
        return Err(Failure::new(
            "Error, created archive can not be contained in source paths when remove=true",
        )
        .with("path", joined(&archive.paths)));
    }
    let (targets, missing): (Vec<PathBuf>, Vec<PathBuf>) =
        archive.paths.iter().cloned().partition(|path| cx.target.lexists(path));
    let there = cx.target.exists(&dest);
    let (mut changed, mut state, mut packed) = (false, "absent", Vec::new());
    if targets.is_empty() {
        if there {
            state = if is_archive(&dest) { "archive" } else { "compress" };
        }
    } else if cx.check {
        changed = archive.whole || !there;
    } else {
        let before = if there { archive.content(cx, &dest) } else { None };
        let entries = archive.entries(cx, &targets);
        let bytes = archive.pack(cx, &entries)?;
        packed = entries.iter().filter(|entry| !archive.leaves_out(entry)).cloned().collect();
        let attributes = FileAttributes::of(cx, args, &dest);
        // Written into the old file by community.general: owner and mode stay.
        let real = cx.target.realpath(&dest);
        cx.write(
            Write::bytes(&real, &bytes)
                .unsafe_writes(args.bool("unsafe_writes"))
                .born_with(&attributes),
        )?;
        changed = before.is_none() || before != archive.content(cx, &dest);
        state = match (archive.is_archive(), missing.is_empty()) {
            (true, false) => "incomplete",
            (true, true) => "archive",
            (false, _) => "compress",
        };
        if args.bool("remove") {
            remove(cx, &archive, &packed)?;
        }
    }
    if cx.target.exists(&dest) {
        let attributes = FileAttributes::of(cx, args, &dest);
        changed |= cx.set_attributes(&dest, &attributes, None)?;
    }
    Ok(Outcome::new(changed)
        .with("archived", texts(&packed))
        .with("dest", dest.to_string_lossy())
        .with("dest_state", state)
        .with("arcroot", archive.root)
        .with("missing", texts(&missing))
        .with("expanded_paths", texts(&expanded))
        .with("expanded_exclude_paths", texts(&excluded)))
}

fn texts(paths: &[PathBuf]) -> Vec<String> {
    paths.iter().map(|path| path.to_string_lossy().into_owned()).collect()
}

fn joined(paths: &[PathBuf]) -> String {
    texts(paths).join(", ")
}

/// Paths with their patterns expanded, and whether there were any patterns.
fn expand(cx: &mut Context<'_>, paths: &[String]) -> (Vec<PathBuf>, bool) {
    let mut all = Vec::new();
    let mut patterns = false;
    for path in paths {
        if path.contains(['*', '?']) {
            patterns = true;
            all.extend(target::glob(cx.target, Path::new(""), path));
        } else {
            all.push(PathBuf::from(path));
        }
    }
    (all, patterns)
}

fn plan(
    cx: &mut Context<'_>,
    args: &Args,
    expanded: &[PathBuf],
    excluded: &[PathBuf],
    patterns: bool,
) -> Result<Archive, Failure> {
    let mut paths: Vec<PathBuf> =
        expanded.iter().filter(|path| !excluded.contains(path)).cloned().collect();
    paths.sort();
    paths.dedup();
    let asked = args.strings("path").join(", ");
    let Some(first) = paths.first().cloned() else {
        return Err(Failure::new("Error, no source paths were found")
            .with("path", asked)
            .with("expanded_paths", joined(expanded))
            .with("expanded_exclude_paths", joined(excluded)));
    };
    let whole =
        args.bool("force_archive") || patterns || cx.target.is_dir(&first) || paths.len() > 1;
    let format = args.string("format");
    let mut dest = args.str("dest").filter(|dest| !dest.is_empty()).map(PathBuf::from);
    if dest.is_none() {
        if whole {
            return Err(Failure::new(
                "Error, must specify \"dest\" when archiving multiple files or trees",
            )
            .with("dest", "None")
            .with("path", asked));
        }
        dest = Some(PathBuf::from(format!("{}.{format}", first.display())));
    }
    let root = common(&texts(&paths));
    let patterns = args.strings("exclusion_patterns");
    Ok(Archive { format, dest, paths, root, patterns, whole })
}

/// The folder that all paths have in common, with a slash at its end.
fn common(paths: &[String]) -> String {
    let folders: Vec<String> =
        paths.iter().map(|path| python::join(python::dirname(path), "")).collect();
    let mut prefix = folders.first().cloned().unwrap_or_default();
    for folder in &folders {
        while !folder.starts_with(&prefix) {
            prefix.pop();
        }
    }
    python::join(python::dirname(&prefix), "")
}

fn is_archive(path: &Path) -> bool {
    let name = path.to_string_lossy().to_lowercase();
    [".tar", ".tar.gz", ".tar.bz2", ".tar.xz", ".tgz", ".tbz2", ".zip"]
        .iter()
        .any(|end| name.ends_with(end))
}

impl Archive {
    /// Whether the result has names in it.
    fn is_archive(&self) -> bool {
        self.whole || matches!(self.format.as_str(), "zip" | "tar")
    }

    fn name(&self, path: &Path) -> String {
        let text = path.to_string_lossy();
        text.strip_prefix(self.root.as_str()).unwrap_or(&text).to_owned()
    }

    /// Patterns are about whole paths in zip, about names in the archive in tar.
    fn leaves_out(&self, path: &Path) -> bool {
        let text = match self.format.as_str() {
            "zip" => path.to_string_lossy().into_owned(),
            _ => self.name(path).trim_start_matches('/').to_owned(),
        };
        self.is_archive() && self.patterns.iter().any(|pattern| data::glob(pattern, &text))
    }

    /// All that goes into the archive; of a folder what is in it.
    fn entries(&self, cx: &mut Context<'_>, targets: &[PathBuf]) -> Vec<PathBuf> {
        if !self.whole {
            return targets[..1].to_vec();
        }
        let mut all = Vec::new();
        for target in targets {
            match cx.target.is_dir(target) {
                true => walk(cx, target, &mut all),
                false => all.push(target.clone()),
            }
        }
        all
    }

    fn pack(&self, cx: &mut Context<'_>, entries: &[PathBuf]) -> Result<Vec<u8>, Failure> {
        if !self.is_archive() {
            let path = &entries[0];
            let plain = cx.target.read(path).map_err(|error| {
                let why = python::os_error(&error, Subject::Bytes(path));
                Failure::new(format!("Unable to write to compressed file: {why}"))
                    .with("path", path.to_string_lossy())
                    .with("dest", self.shown())
            })?;
            return self.compressed(cx, plain);
        }
        let kept: Vec<&PathBuf> = entries.iter().filter(|entry| !self.leaves_out(entry)).collect();
        if self.format == "zip" {
            let mut zip = zip::Zip::default();
            for path in kept {
                let added = zip.add(cx, path, &self.name(path));
                added.map_err(|error| {
                    self.failed(&python::os_error(&error, Subject::Bytes(path)))
                })?;
            }
            return Ok(zip.finish());
        }
        let mut names = Vec::new();
        for path in kept {
            names.extend_from_slice(self.name(path).as_bytes());
            names.push(0);
        }
        let root = if self.root.is_empty() { "." } else { &self.root };
        let run = Run::argv(["tar", "--create", "--file=-", "--format=gnu", "--no-recursion"])
            .args(["--null", "--verbatim-files-from", "--directory", root, "--files-from=-"]);
        let ran = cx.run(&run.stdin(names))?;
        if !ran.ok() {
            return Err(self.failed(ran.err().trim()));
        }
        if self.format == "tar" { Ok(ran.stdout) } else { self.compressed(cx, ran.stdout) }
    }

    fn shown(&self) -> String {
        self.dest.as_ref().map(|dest| dest.to_string_lossy().into_owned()).unwrap_or_default()
    }

    fn failed(&self, why: &str) -> Failure {
        Failure::new(format!("Errors when writing archive at {}: {why}", self.shown()))
    }

    fn compressed(&self, cx: &mut Context<'_>, plain: Vec<u8>) -> Result<Vec<u8>, Failure> {
        if self.format == "gz" {
            let mut packer = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
            let packed = packer.write_all(&plain).and_then(|()| packer.finish());
            return packed.map_err(|error| self.failed(&error.to_string()));
        }
        self.filter(cx, "-c", plain)
    }

    /// bzip2 or xz.
    fn filter(
        &self,
        cx: &mut Context<'_>,
        option: &str,
        bytes: Vec<u8>,
    ) -> Result<Vec<u8>, Failure> {
        let program = cx.program(if self.format == "xz" { "xz" } else { "bzip2" })?;
        Ok(cx.run_ok(&Run::argv([program]).arg(option).stdin(bytes))?.stdout)
    }

    fn plain(&self, cx: &mut Context<'_>, bytes: Vec<u8>) -> Option<Vec<u8>> {
        match self.format.as_str() {
            "tar" | "zip" => Some(bytes),
            "gz" => {
                let mut plain = Vec::new();
                let mut reader = flate2::read::MultiGzDecoder::new(bytes.as_slice());
                std::io::Read::read_to_end(&mut reader, &mut plain).ok()?;
                Some(plain)
            }
            _ => self.filter(cx, "-dc", bytes).ok(),
        }
    }

    /// What the archive consists of: names and checksums; of a single file its checksum.
    fn content(&self, cx: &mut Context<'_>, path: &Path) -> Content {
        let bytes = cx.target.read(path).ok()?;
        if self.format == "zip" {
            return Some(zip::content(&bytes));
        }
        let Some(plain) = self.plain(cx, bytes) else { return Some(BTreeSet::new()) };
        if let Some(entries) = tar_content(&plain) {
            return Some(entries);
        }
        let mut sum = flate2::Crc::new();
        sum.update(&plain);
        Some(BTreeSet::from([format!("{}", sum.sum())]))
    }
}

/// The headers of a tar archive, without the parts that are not about its content; none if it is no tar.
fn tar_content(bytes: &[u8]) -> Option<BTreeSet<String>> {
    const BLOCK: usize = 512;
    let mut all = BTreeSet::new();
    let mut at = 0;
    while let Some(header) = bytes.get(at..at + BLOCK) {
        if header.iter().all(|byte| *byte == 0) {
            return Some(all);
        }
        let octal = |range: std::ops::Range<usize>| {
            let text = String::from_utf8_lossy(&header[range]).into_owned();
            let digits = text.trim_matches(|c: char| c == '\0' || c == ' ').to_owned();
            u64::from_str_radix(&digits, 8).ok()
        };
        if &header[257..262] != b"ustar" {
            return None;
        }
        all.insert(data::hex(&header[..BLOCK]));
        let size = octal(124..136)? as usize;
        at += BLOCK + size.div_ceil(BLOCK) * BLOCK;
    }
    (at == bytes.len() && at > 0).then_some(all)
}

/// Folders before the files of each folder, as Python's `os.walk` goes.
fn walk(cx: &mut Context<'_>, folder: &Path, all: &mut Vec<PathBuf>) {
    let Ok(entries) = cx.target.read_dir(folder) else { return };
    let mut folders = Vec::new();
    let mut files = Vec::new();
    for entry in entries {
        let path = folder.join(&entry.name);
        match cx.target.is_dir(&path) {
            true => folders.push((path, entry.kind == FileKind::Directory)),
            false => files.push(path),
        }
    }
    all.extend(folders.iter().map(|(path, _)| path.clone()));
    all.extend(files);
    for (path, own) in folders {
        // Links to folders are packed, but not walked.
        if own {
            walk(cx, &path, all);
        }
    }
}

fn remove(cx: &mut Context<'_>, archive: &Archive, packed: &[PathBuf]) -> Result<(), Failure> {
    let mut failed = Vec::new();
    for path in packed.iter().chain(&archive.paths) {
        let gone = match cx.target.lstat(path) {
            Ok(stat) if stat.is_dir() => cx.target.remove_tree(path),
            Ok(_) if packed.contains(path) => cx.target.unlink(path),
            _ => Ok(()),
        };
        if let Err(error) = gone {
            if !archive.whole {
                let why = python::os_error(&error, Subject::Bytes(path));
                return Err(Failure::new(format!("Unable to remove source file: {why}"))
                    .with("path", path.to_string_lossy()));
            }
            failed.push(path.clone());
        }
    }
    if failed.is_empty() {
        return Ok(());
    }
    Err(Failure::new("Error deleting some source files: ")
        .with("dest", archive.shown())
        .with("files", texts(&failed)))
}

#[cfg(test)]
mod tests {
    use crate::call::Call;
    use crate::target::fake::Fake;
    use serde_json::{Value, json};

    fn call(fake: &mut Fake, args: Value) -> Value {
        Call::new("archive", args).run_on(fake).into()
    }

    #[test]
    fn a_single_file_is_made_small() {
        let mut fake = Fake::new().file("/srv/a", "aaaa");
        let result = call(&mut fake, json!({"path": "/srv/a", "remove": true}));
        assert_eq!(
            (&result["changed"], &result["dest_state"]),
            (&json!(true), &json!("compress")),
            "{result}"
        );
        assert_eq!(result["dest"], "/srv/a.gz");
        assert_eq!(fake.tree("/srv"), ["/srv/a.gz"]);
    }

    #[test]
    fn zip_is_the_same_if_its_files_are() {
        let mut fake =
            Fake::new().file("/srv/a", "aaaa").file("/srv/d/b", "b").file("/srv/d/c.log", "");
        let args = json!({"path": ["/srv/a", "/srv/d", "/srv/gone"], "dest": "/x.zip", "format": "zip",
            "exclusion_patterns": ["*.log"], "mode": "0600"});
        let result = call(&mut fake, args.clone());
        assert_eq!(result["archived"], json!(["/srv/a", "/srv/d/b"]), "{result}");
        assert_eq!(
            (&result["arcroot"], &result["dest_state"]),
            (&json!("/srv/"), &json!("incomplete"))
        );
        assert_eq!(result["missing"], json!(["/srv/gone"]));
        assert_eq!(call(&mut fake, args.clone())["changed"], false);
        let mut fake = fake.file("/srv/d/b", "other");
        assert_eq!(call(&mut fake, args)["changed"], true);
    }

    #[test]
    fn refusals() {
        let mut fake = Fake::new().file("/srv/d/b", "b");
        let result = call(&mut fake, json!({"path": "/srv/d"}));
        assert_eq!(
            result["msg"],
            "Error, must specify \"dest\" when archiving multiple files or trees"
        );
        let result = call(&mut fake, json!({"path": "/srv/x*", "dest": "/y.gz"}));
        assert_eq!(result["msg"], "Error, no source paths were found");
        let inside = json!({"path": "/srv/d", "dest": "/srv/d/y.gz", "remove": true});
        let why = "Error, created archive can not be contained in source paths when remove=true";
        assert_eq!(call(&mut fake, inside)["msg"], why);
        assert_eq!(super::common(&["/a/b/c".into(), "/a/bc/d".into()]), "/a/");
    }
}
