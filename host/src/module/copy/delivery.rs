//! A file from the controller: ansible asks for the file's record, compares, and then calls `copy`, or `file`
//! where only attributes may differ. Here it is one call, and the file travels only if it is needed.

use std::path::{Path, PathBuf};

use super::{Delivery, place};
use crate::data::Data;
use crate::files::Travelling;
use crate::module::{Args, Context, Diff, Failure, Map, Outcome};
use crate::python;
use crate::spec;
use crate::target::{Access, Algorithm, Stat};

/// Arguments that `copy` shares with `file`.
const OF_FILE: &[&str] = &[
    "mode",
    "owner",
    "group",
    "seuser",
    "serole",
    "setype",
    "selevel",
    "attributes",
    "unsafe_writes",
    "force",
];

/// What is at the place before.
struct Before {
    path: String,
    stat: Option<Stat>,
    checksum: Option<String>,
}

pub(super) fn run(
    cx: &mut Context<'_>,
    args: &mut Args,
    file: &Travelling,
    content: bool,
    limit: i64,
) -> Result<Outcome, Failure> {
    let follow = args.bool("follow");
    if let Some(Data::String(given)) = cx.call.args.get("dest")
        && given.starts_with('~')
    {
        let given = at_home(cx, given);
        args.set("dest", cx.target.expand(&given));
    }
    let (dest, name) = (args.string("dest"), args.string("_original_basename"));
    let path = if dest.ends_with('/') { python::join(&dest, &name) } else { dest.clone() };
    let mut before = look(cx, args, path)?;
    if before.stat.as_ref().is_some_and(Stat::is_dir) {
        if content {
            let refused = Failure::new("can not use content with a dir as dest");
            return Err(refused.with("diff", Data::Array(Vec::new())));
        }
        before = look(cx, args, python::join(&dest, &name))?;
    }
    if before.stat.is_some() && !args.bool("force") {
        // The controller knows what to say.
        return Ok(Outcome::new(false).with("_kept", true).with("_dest", dest));
    }
    if before.checksum.as_deref() == Some(&file.sha1) {
        let dest = match follow && cx.target.is_link(Path::new(&before.path)) {
            true => cx.target.realpath(Path::new(&before.path)).to_string_lossy().into_owned(),
            false => dest,
        };
        return attributes_only(cx, &dest, &name, &file.sha1);
    }
    let diffs: Vec<Data> = match cx.diff {
        true => vec![difference(cx, &before.path, limit).into()],
        false => Vec::new(),
    };
    if cx.check {
        return Ok(Outcome::silent().with("diff", diffs).with("changed", true));
    }
    if args.str("checksum").is_none_or(str::is_empty) {
        args.set("checksum", file.sha1.as_str());
    }
    args.set("src", staged(cx, "source").to_string_lossy());
    match place(cx, args, Some(&Delivery { label: &file.path, sha1: &file.sha1 })) {
        Ok(outcome) => Ok(Outcome::silent().with("diff", diffs).with_all(outcome.data)),
        Err(failure) if failure.data.contains_key("checksum") => Err(failure.with("diff", diffs)),
        Err(failure) => Err(failure.with("diff", diffs).with("checksum", file.sha1.as_str())),
    }
}

/// Under `assemble` ansible compares the checksum of a path with that of a file, and so always calls `copy`.
pub(super) fn run_always(
    cx: &mut Context<'_>,
    args: &mut Args,
    file: &Travelling,
    limit: i64,
) -> Result<Outcome, Failure> {
    let diff = match cx.diff {
        true => Some(difference(cx, args.req("dest"), limit)),
        false => None,
    };
    args.set("src", staged(cx, &file.path).to_string_lossy());
    let outcome = place(cx, args, Some(&Delivery { label: &file.path, sha1: &file.sha1 }))?;
    Ok(match diff {
        Some(diff) => outcome.diff(diff),
        None => outcome,
    })
}

fn look(cx: &mut Context<'_>, args: &Args, path: String) -> Result<Before, Failure> {
    let at = Path::new(&path);
    let looked = match args.bool("follow") {
        true => cx.target.stat(at),
        false => cx.target.lstat(at),
    };
    let stat = match looked {
        Ok(stat) => Some(stat),
        Err(error) if error.raw_os_error() == Some(libc::ENOENT) => None,
        Err(error) => {
            let text = python::strerror(&error);
            let message = format!("Failed to get information on remote file ({path}): {text}");
            return Err(Failure::new(message).with("_raised", true));
        }
    };
    let checksum = match &stat {
        Some(stat) if stat.is_file() && args.bool("force") => {
            let readable = cx.target.access(at, Access::Read);
            readable.then(|| cx.target.digest(at, Algorithm::Sha1).ok()).flatten()
        }
        _ => None,
    };
    Ok(Before { path, stat, checksum })
}

/// The content is there already: what `file` makes of the rest.
fn attributes_only(
    cx: &mut Context<'_>,
    dest: &str,
    name: &str,
    sha1: &str,
) -> Result<Outcome, Failure> {
    let module = &crate::module::file::MODULE;
    let given = &cx.call.args;
    let mut asked: Map = given
        .iter()
        .filter(|(key, _)| OF_FILE.contains(&key.as_str()))
        .map(|(key, value)| (key.clone(), value.clone()))
        .collect();
    asked.insert("dest".into(), dest.into());
    asked.insert("_original_basename".into(), name.into());
    asked.insert("recurse".into(), false.into());
    asked.insert("state".into(), "file".into());
    let options = module.all_options();
    let checked = spec::check("ansible.legacy.file", &options, module.rules, asked, cx);
    checked.warnings.into_iter().for_each(|warning| cx.warn(warning));
    if let Some(error) = checked.error {
        return Err(Failure::new(error));
    }
    let mut args = Args::new(checked.values);
    let done = (module.run)(cx, &mut args);
    let mut invocation = Map::new();
    invocation.insert("module_args".into(), args.into_values().into());
    match done {
        Ok(outcome) => Ok(outcome.with("checksum", sha1).with("invocation", invocation)),
        Err(failure) => Err(failure
            .with("diff", Data::Array(Vec::new()))
            .with("checksum", sha1)
            .with("invocation", invocation)),
    }
}

/// What is at the place, for the difference; the controller adds what comes there.
fn difference(cx: &mut Context<'_>, path: &str, limit: i64) -> Diff {
    let mut diff = Diff::default();
    let at = Path::new(path);
    let (Ok(_), Ok(stat)) = (cx.target.stat(at), cx.target.lstat(at)) else {
        diff.before = Some("".into());
        return diff;
    };
    let binary = cx.target.read_head(at, 8192).is_ok_and(|head| head.contains(&0));
    if binary {
        diff.data.insert("dst_binary".into(), 1.into());
    } else if limit > 0 && i64::try_from(stat.size).is_ok_and(|size| size > limit) {
        diff.data.insert("dst_larger".into(), limit.into());
    } else if let Ok(content) = cx.target.read(at) {
        diff.before_header = Some(path.to_owned());
        diff.before = Some(String::from_utf8_lossy(&content).into());
    }
    diff
}

/// `~` as the controller expands it before the module runs: the home that the user was given, whatever `HOME` says.
fn at_home(cx: &mut Context<'_>, path: &str) -> String {
    match path.strip_prefix('~') {
        Some(rest) if rest.is_empty() || rest.starts_with('/') => {
            let uid = cx.target.euid();
            let home = cx.target.user_by_id(uid).map(|user| user.home);
            home.map_or_else(|| path.to_owned(), |home| format!("{home}{rest}"))
        }
        _ => path.to_owned(),
    }
}

/// The path under which ansible would have put the file first; results and failures show it.
fn staged(cx: &mut Context<'_>, file: &str) -> PathBuf {
    let base = cx.call.remote_tmp.clone().unwrap_or_else(|| "~/.ansible/tmp".to_owned());
    let base = at_home(cx, &base);
    let base = cx.target.expand(&base);
    let (now, pid, random) = (cx.target.now().as_f64(), cx.target.pid(), cx.target.random());
    let name = format!("ansible-tmp-{}-{pid}-{}", python::float_text(now), random >> 16);
    Path::new(&base).join(name).join(file)
}
