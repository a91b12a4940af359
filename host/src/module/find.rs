//! `find`: files of a host by name, age, size and content.

use std::path::Path;

use crate::data;
use crate::module::{
    Args, CheckMode, Context, Data, Failure, Kind, Lit, Map, Module, Opt, Outcome, Returned, stat,
};
use crate::python::{self, Subject};
use crate::regex::{Flags, Pattern};
use crate::target::{Algorithm, FileKind, Stat, Time};

pub static MODULE: Module = Module {
    description: "Tells which files are in a directory, and below it, that fulfil all of the conditions.",
    options: &[
        Opt::list("paths", Kind::Str)
            .required()
            .aliases(&["name", "path"])
            .doc("The directories to search, with full paths."),
        Opt::list("patterns", Kind::Str).default(Lit::List(&[])).aliases(&["pattern"]).doc(
            "Shell patterns, or with `use_regex` Python regular expressions, of which one must match the name (without directories). \
             An expression must match from its start on.\n\
             A pattern that has a comma must stand in a list.",
        ),
        Opt::list("excludes", Kind::Str)
            .aliases(&["exclude"])
            .since("2.5")
            .doc("Patterns of the same kind, of which none may match the name."),
        Opt::str("contains").doc(
            "A Python regular expression that must match a line of the file from its start on. Only for `file_type=file`.",
        ),
        Opt::bool("read_whole_file")
            .or(false)
            .since("2.11")
            .doc("Search `contains` in the content as a whole, anywhere."),
        Opt::str("file_type")
            .or_str("file")
            .choices(&[
                Lit::Str("any"),
                Lit::Str("directory"),
                Lit::Str("file"),
                Lit::Str("link"),
            ])
            .doc("What to look for."),
        Opt::str("age").doc(
            "At least so old; at most so old if negative. Seconds, or with `m`, `h`, `d`, `w` behind the number.",
        ),
        Opt::str("age_stamp")
            .or_str("mtime")
            .choices(&[Lit::Str("atime"), Lit::Str("ctime"), Lit::Str("mtime")])
            .doc("The time that `age` is compared with."),
        Opt::str("size").doc(
            "At least so large; at most so large if negative. Bytes, or with `k`, `m`, `g`, `t` behind the number. \
             Not asked of directories.",
        ),
        Opt::bool("recurse").or(false).doc("Look into directories below too."),
        Opt::bool("hidden").or(false).doc("Count names that begin with a dot."),
        Opt::bool("follow").or(false).doc("Look into directories behind links."),
        Opt::bool("get_checksum").or(false).doc("Tell the SHA-1 checksums."),
        Opt::bool("use_regex").or(false).doc("Patterns are regular expressions."),
        Opt::int("depth").since("2.6").doc("How many levels to descend. Without `recurse` it is one."),
    ],
    check_mode: CheckMode::Full,
    returns: &[
        Returned::new("files", "list", "success", "What was found, with what `stat` tells of each."),
        Returned::new("matched", "int", "success", "How many were found."),
        Returned::new("examined", "int", "success", "How many were looked at."),
        Returned::new("skipped_paths", "dict", "success", "Paths that could not be searched, and why."),
    ],
    examples: "- name: Old logs\n  ansible.builtin.find:\n    paths: /var/log\n    patterns: '*.old,*.log.gz'\n    age: 4w\n    recurse: true\n  register: old\n",
    version_added: "2.0",
    ..Module::builtin("find", "Finds files by conditions", run)
};

fn run(cx: &mut Context<'_>, args: &mut Args) -> Result<Outcome, Failure> {
    let filter = Filter::of(cx, args)?;
    let mut search = Search {
        filter,
        files: Vec::new(),
        examined: 0,
        skipped: Map::new(),
        recurse: args.bool("recurse"),
        follow: args.bool("follow"),
        hidden: args.bool("hidden"),
        depth: args.int("depth").filter(|depth| *depth != 0),
    };
    let mut warned = false;
    for path in args.strings("paths") {
        let path = cx.target.expand(&path);
        let walked = match cx.target.is_dir(path.as_ref()) {
            true => search.walk(cx, &path, &path, &mut warned),
            false => Err(format!("'{path}' is not a directory")),
        };
        if let Err(why) = walked {
            cx.warn(format!("Skipped '{path}' path due to this access issue: {why}\n"));
            search.skipped.insert(path, why.into());
            warned = true;
        }
    }
    let msg = match warned {
        true => "Not all paths examined, check warnings for details",
        false => "All paths examined",
    };
    Ok(Outcome::new(false)
        .msg(msg)
        .with("matched", search.files.len())
        .with("files", search.files)
        .with("examined", search.examined)
        .with("skipped_paths", search.skipped))
}

/// A number with a unit's letter behind it.
fn quantity(text: &str, units: &[(char, i64)]) -> Option<i64> {
    let text = text.to_lowercase();
    let text = text.strip_suffix('\n').unwrap_or(&text);
    let unit = text.chars().last().and_then(|last| units.iter().find(|(unit, _)| *unit == last));
    let (digits, factor) = match unit {
        Some((unit, factor)) => (text.trim_end_matches(*unit), *factor),
        None => (text, 1),
    };
    // Only one letter may stand there.
    let bare = digits.strip_prefix('-').unwrap_or(digits);
    if bare.is_empty()
        || !bare.bytes().all(|b| b.is_ascii_digit())
        || digits.len() + usize::from(unit.is_some()) != text.len()
    {
        return None;
    }
    digits.parse::<i64>().ok()?.checked_mul(factor)
}

const AGES: &[(char, i64)] = &[('s', 1), ('m', 60), ('h', 3600), ('d', 86_400), ('w', 604_800)];
const SIZES: &[(char, i64)] =
    &[('b', 1), ('k', 1 << 10), ('m', 1 << 20), ('g', 1 << 30), ('t', 1 << 40)];

/// The conditions.
struct Filter {
    patterns: Vec<String>,
    excludes: Vec<String>,
    use_regex: bool,
    contains: Option<String>,
    whole: bool,
    kind: String,
    age: Option<i64>,
    age_stamp: String,
    size: Option<i64>,
    checksum: bool,
    now: Time,
}

impl Filter {
    fn of(cx: &mut Context<'_>, args: &mut Args) -> Result<Filter, Failure> {
        let use_regex = args.bool("use_regex");
        if args.strings("patterns").is_empty() {
            args.set("patterns", vec![if use_regex { ".*" } else { "*" }]);
        }
        let measure = |name: &str, units| match args.str(name) {
            None => Ok(None),
            Some(text) => match quantity(text, units) {
                Some(value) => Ok(Some(value)),
                None => Err(Failure::new(format!("failed to process {name}")).with(name, text)),
            },
        };
        Ok(Filter {
            age: measure("age", AGES)?,
            size: measure("size", SIZES)?,
            patterns: args.strings("patterns"),
            excludes: args.strings("excludes"),
            use_regex,
            contains: args.str("contains").map(String::from),
            whole: args.bool("read_whole_file"),
            kind: args.string("file_type"),
            age_stamp: args.string("age_stamp"),
            checksum: args.bool("get_checksum"),
            now: cx.target.now(),
        })
    }

    fn name(&self, name: &str) -> Result<bool, String> {
        let any = |patterns: &[String]| -> Result<bool, String> {
            for pattern in patterns {
                let matches = match self.use_regex {
                    true => Pattern::new(pattern, Flags::default())
                        .and_then(|pattern| pattern.match_start(name))
                        .map_err(|e| e.message)?
                        .is_some(),
                    false => data::glob(pattern, name),
                };
                if matches {
                    return Ok(true);
                }
            }
            Ok(false)
        };
        Ok(any(&self.patterns)? && !any(&self.excludes)?)
    }

    fn age(&self, stat: &Stat) -> bool {
        let Some(age) = self.age else { return true };
        let time = match self.age_stamp.as_str() {
            "atime" => stat.atime,
            "ctime" => stat.ctime,
            _ => stat.mtime,
        };
        let old = self.now.as_f64() - time.as_f64();
        if age >= 0 { old >= age as f64 } else { old <= age.unsigned_abs() as f64 }
    }

    fn size(&self, stat: &Stat) -> bool {
        match self.size {
            None => true,
            Some(size) if size >= 0 => stat.size >= size.unsigned_abs(),
            Some(size) => stat.size <= size.unsigned_abs(),
        }
    }

    fn content(&self, cx: &mut Context<'_>, path: &Path) -> Result<bool, String> {
        let Some(pattern) = &self.contains else { return Ok(true) };
        let pattern = Pattern::new(pattern, Flags::default()).map_err(|e| e.message)?;
        // What can't be read contains nothing.
        let Ok(bytes) = cx.target.read(path) else { return Ok(false) };
        let text = readable_text(&bytes, self.whole);
        let text = text.replace("\r\n", "\n").replace('\r', "\n");
        if self.whole {
            return Ok(pattern.search(&text).is_ok_and(|found| found.is_some()));
        }
        Ok(text
            .split_inclusive('\n')
            .any(|line| pattern.match_start(line).is_ok_and(|found| found.is_some())))
    }
}

/// As much of a file as Python reads before it stumbles over what is not UTF-8: whole lines of the blocks before.
fn readable_text(bytes: &[u8], whole: bool) -> &str {
    const BLOCK: usize = 8192;
    match std::str::from_utf8(bytes) {
        Ok(text) => text,
        Err(_) if whole => "",
        Err(error) => {
            let read = error.valid_up_to() / BLOCK * BLOCK;
            let end = bytes[..read].iter().rposition(|byte| *byte == b'\n').map_or(0, |at| at + 1);
            std::str::from_utf8(&bytes[..end]).unwrap_or_default()
        }
    }
}

/// A search under way.
struct Search {
    filter: Filter,
    files: Vec<Data>,
    examined: usize,
    skipped: Map,
    recurse: bool,
    follow: bool,
    hidden: bool,
    depth: Option<i64>,
}

impl Search {
    /// Looks at what is in `folder`, below the path `top` that was asked for; the error is what ends this path.
    fn walk(
        &mut self,
        cx: &mut Context<'_>,
        top: &str,
        folder: &str,
        warned: &mut bool,
    ) -> Result<(), String> {
        let entries = cx
            .target
            .read_dir(folder.as_ref())
            .map_err(|error| python::os_error(&error, Subject::Text(folder.as_ref())))?;
        let mut below = Vec::new();
        let mut names = Vec::new();
        for entry in entries {
            let name = entry.name.to_string_lossy().into_owned();
            let path = joined(folder, &name);
            let is_link = entry.kind == FileKind::Link;
            if entry.kind == FileKind::Directory || is_link && cx.target.is_dir(path.as_ref()) {
                below.push((name, is_link));
            } else {
                names.push(name);
            }
        }
        self.examined += names.len() + below.len();
        names.extend(below.iter().map(|(name, _)| name.clone()));
        let mut deep = false;
        for name in names {
            let path = python::normpath(&joined(folder, &name));
            let slashes = |text: &str| text.matches('/').count() as i64;
            let level = slashes(&path) - (slashes(top.trim_end_matches('/')) + 1) + 1;
            if self.depth.is_some_and(|depth| level > depth) {
                deep = true;
                continue;
            }
            if name.starts_with('.') && !self.hidden {
                continue;
            }
            self.look(cx, &name, path, warned)?;
        }
        if self.recurse && !deep {
            for (name, is_link) in below {
                if self.follow || !is_link {
                    self.walk(cx, top, &joined(folder, &name), warned)?;
                }
            }
        }
        Ok(())
    }

    fn look(
        &mut self,
        cx: &mut Context<'_>,
        name: &str,
        path: String,
        warned: &mut bool,
    ) -> Result<(), String> {
        let stat = match cx.target.lstat(path.as_ref()) {
            Ok(stat) => stat,
            Err(error) => {
                let why = python::os_error(&error, Subject::Text(path.as_ref()));
                cx.warn(format!("Skipped entry '{path}' due to this access issue: {why}\n"));
                self.skipped.insert(path, why.into());
                *warned = true;
                return Ok(());
            }
        };
        let filter = &self.filter;
        let of_kind = match filter.kind.as_str() {
            "any" => true,
            "directory" => stat.is_dir(),
            "file" => stat.is_file(),
            _ => stat.is_link(),
        };
        if !of_kind || !filter.name(name)? || !filter.age(&stat) {
            return Ok(());
        }
        if stat.is_file() && !filter.size(&stat) {
            return Ok(());
        }
        if filter.kind == "file" && !filter.content(cx, path.as_ref())? {
            return Ok(());
        }
        let mut facts = stat::of_record(&path, &stat);
        ["exists", "blocks", "block_size", "device_type"].iter().for_each(|key| {
            facts.remove(*key);
        });
        let user = cx.target.user_by_id(stat.uid).map(|user| user.name);
        let group = cx.target.group_by_id(stat.gid).map(|group| group.name);
        facts.insert("pw_name".into(), user.unwrap_or_default().into());
        facts.insert("gr_name".into(), group.unwrap_or_default().into());
        if filter.checksum && stat.is_file() {
            let sum = cx.target.digest(path.as_ref(), Algorithm::Sha1);
            let sum =
                sum.map_err(|error| python::os_error(&error, Subject::Text(path.as_ref())))?;
            facts.insert("checksum".into(), sum.into());
        }
        self.files.push(facts.into());
        Ok(())
    }
}

/// `os.path.join` of a folder and a name.
fn joined(folder: &str, name: &str) -> String {
    match folder.ends_with('/') {
        true => format!("{folder}{name}"),
        false => format!("{folder}/{name}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::call::Call;
    use crate::target::fake::Fake;
    use serde_json::{Value, json};

    fn found(mut args: Value) -> Vec<String> {
        let mut fake = Fake::new()
            .file("/t/a.txt", "hay\nneedle\n")
            .file("/t/b.log", "0123456789")
            .file("/t/.hidden", "")
            .file("/t/sub/c.txt", "x")
            .file("/t/sub/deep/d.txt", "x")
            .link("/t/l", "sub");
        args["paths"] = json!("/t");
        let result = Call::new("find", args).run_on(&mut fake);
        let files = result["files"].as_array().cloned().unwrap_or_default();
        let path = |file: &Value| file["path"].as_str().unwrap_or_default()[3..].to_owned();
        let mut paths: Vec<String> = files.iter().map(path).collect();
        paths.sort();
        paths
    }

    #[test]
    fn conditions() {
        for (args, expected) in [
            (json!({}), vec!["a.txt", "b.log"]),
            (json!({"hidden": true}), vec![".hidden", "a.txt", "b.log"]),
            (
                json!({"recurse": true, "patterns": "*.txt"}),
                vec!["a.txt", "sub/c.txt", "sub/deep/d.txt"],
            ),
            (json!({"recurse": true, "depth": 2, "patterns": "*.txt"}), vec!["a.txt", "sub/c.txt"]),
            (
                json!({"recurse": true, "follow": true, "patterns": "c.*"}),
                vec!["l/c.txt", "sub/c.txt"],
            ),
            (json!({"file_type": "directory"}), vec!["sub"]),
            (json!({"file_type": "link"}), vec!["l"]),
            (json!({"use_regex": true, "patterns": r"[ab]\."}), vec!["a.txt", "b.log"]),
            (json!({"excludes": "a*"}), vec!["b.log"]),
            (json!({"size": "10"}), vec!["a.txt", "b.log"]),
            (json!({"size": "-10"}), vec!["b.log"]),
            (json!({"contains": "need"}), vec!["a.txt"]),
            (json!({"contains": "eedle"}), vec![]),
            (json!({"contains": "eedle", "read_whole_file": true}), vec!["a.txt"]),
        ] {
            assert_eq!(found(args.clone()), expected, "{args}");
        }
    }

    #[test]
    fn quantities() {
        for (text, value) in [
            ("10", Some(10)),
            ("-2D", Some(-172_800)),
            ("1w", Some(604_800)),
            ("1ww", None),
            ("w", None),
            ("", None),
            ("1.5h", None),
        ] {
            assert_eq!(quantity(text, AGES), value, "{text}");
        }
    }

    #[test]
    fn paths_that_are_none() {
        let result = Call::new("find", json!({"paths": "/none"})).run_on(&mut Fake::new());
        assert_eq!(result["msg"], "Not all paths examined, check warnings for details");
        assert_eq!(result["skipped_paths"], json!({"/none": "'/none' is not a directory"}));
    }
}
