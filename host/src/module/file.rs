//! `file`: files, folders and links that are to be there or not, with their owners and modes.

mod absent;
mod attributes;
mod links;
mod times;

use std::path::Path;

use crate::data::Data;
use crate::module::{
    Args, CheckMode, Context, Diff, FILE_OPTIONS, Failure, FileAttributes, Lit, Map, Module, Opt,
    Outcome, Returned,
};
use crate::python;
use crate::target::FileKind;

use times::Times;

pub static MODULE: Module = Module {
    description: "Makes and removes files, folders, symbolic and hard links, and changes their owner, group, mode and times.",
    options: &[
        Opt::str("state")
            .choices(&[
                Lit::Str("absent"),
                Lit::Str("directory"),
                Lit::Str("file"),
                Lit::Str("hard"),
                Lit::Str("link"),
                Lit::Str("touch"),
            ])
            .doc("What is to be there; if nothing is said, what is there stays what it is.\n\
                  `file` makes no file: it only changes what is there."),
        Opt::path("path").required().aliases(&["dest", "name"]).doc("The path."),
        Opt::str("_original_basename"),
        Opt::bool("recurse").or(false).doc("Whether all that a folder holds gets owner, group, mode and times too."),
        Opt::bool("force").or(false).doc("Whether a link is made where its target is not there yet, or where a file is in the way."),
        Opt::bool("follow").or(true).doc("Whether what a link points to is meant."),
        Opt::bool("_diff_peek"),
        Opt::path("src").doc("What a link points to."),
        Opt::str("modification_time").doc("When it was changed: `preserve`, `now` or a time in `modification_time_format`."),
        Opt::str("modification_time_format").or_str("%Y%m%d%H%M.%S").doc("The form of `modification_time`, as `strftime` has it."),
        Opt::str("access_time").doc("When it was read: `preserve`, `now` or a time in `access_time_format`."),
        Opt::str("access_time_format").or_str("%Y%m%d%H%M.%S").doc("The form of `access_time`, as `strftime` has it."),
    ],
    shared: &[FILE_OPTIONS],
    check_mode: CheckMode::Full,
    returns: &[
        Returned::new("path", "str", "it is a file or folder, or gone", "The path."),
        Returned::new("dest", "str", "it is a link or was touched", "The path."),
        Returned::new("diff", "dict", "success", "What was before and after."),
    ],
    examples: "- name: A folder for the application\n  ansible.builtin.file:\n    path: /etc/some_directory\n    state: directory\n    mode: '0755'\n",
    ..Module::builtin("file", "Manages files, folders and links", run)
};

/// What is at a path.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Absent,
    Link,
    Directory,
    /// A file with several names.
    Hard,
    File,
}

impl State {
    fn of(cx: &mut Context<'_>, path: &str) -> State {
        match cx.target.lstat(Path::new(path)) {
            Err(_) => State::Absent,
            Ok(stat) if stat.is_link() => State::Link,
            Ok(stat) if stat.is_dir() => State::Directory,
            Ok(stat) if stat.nlink > 1 => State::Hard,
            Ok(_) => State::File,
        }
    }

    fn name(self) -> &'static str {
        match self {
            State::Absent => "absent",
            State::Link => "link",
            State::Directory => "directory",
            State::Hard => "hard",
            State::File => "file",
        }
    }
}

/// What is asked for.
struct Job {
    path: String,
    src: Option<String>,
    follow: bool,
    force: bool,
    recurse: bool,
    times: Times,
}

fn run(cx: &mut Context<'_>, args: &mut Args) -> Result<Outcome, Failure> {
    settle(cx, args)?;
    let state = args.string("state");
    if cx.check && state != "absent" {
        warn_of_strangers(cx, args);
    }
    let path = args.string("path");
    if args.is_given("_diff_peek") {
        let head = cx.target.read_head(Path::new(&path), 8192).unwrap_or_default();
        let binary = head.contains(&0);
        let peek = Outcome::silent().with("path", path).with("changed", false);
        return Ok(peek.with("appears_binary", binary));
    }
    let job = Job {
        times: match state.as_str() {
            "absent" => Times::KEPT,
            state => Times::of(cx, args, state == "touch")?,
        },
        path,
        src: args.str("src").map(str::to_owned),
        follow: args.bool("follow"),
        force: args.bool("force"),
        recurse: args.bool("recurse"),
    };
    match state.as_str() {
        "directory" => directory(cx, args, &job),
        "link" => links::symbolic(cx, args, &job),
        "hard" => links::hard(cx, args, &job),
        "touch" => touch(cx, args, &job),
        "absent" => absent::remove(cx, &job.path),
        _ => file(cx, args, &job),
    }
}

/// Fills in the path within a folder and the state that nobody said.
fn settle(cx: &mut Context<'_>, args: &mut Args) -> Result<(), Failure> {
    let said = args.str("state").map(str::to_owned);
    let in_folder =
        !matches!(said.as_deref(), Some("link" | "absent")) && cx.target.is_dir(&args.path("path"));
    if in_folder {
        let base = args.str("_original_basename").filter(|b| !b.is_empty()).map(str::to_owned);
        let base = base.or_else(|| args.str("src").map(|src| python::basename(src).to_owned()));
        if let Some(base) = base.filter(|b| !b.is_empty()) {
            args.set("path", python::join(args.req("path"), &base));
        }
    }
    let path = args.string("path");
    let state = match (said, State::of(cx, &path)) {
        (Some(said), _) => said,
        (None, State::Absent) if args.bool("recurse") => "directory".to_owned(),
        (None, State::Absent) => "file".to_owned(),
        (None, now) => now.name().to_owned(),
    };
    args.set("state", state.as_str());
    let refusal = if args.bool("recurse") && state != "directory" {
        "recurse option requires state to be 'directory'"
    } else if args.str("src").is_some_and(|s| !s.is_empty())
        && !matches!(state.as_str(), "link" | "hard")
    {
        "src option requires state to be 'link' or 'hard'"
    } else {
        return Ok(());
    };
    Err(Failure::new(refusal).with("path", path))
}

/// In check mode, users and groups may be missing that an earlier task would have made.
fn warn_of_strangers(cx: &mut Context<'_>, args: &Args) {
    if let Some(owner) = args.str("owner").filter(|o| !o.is_empty()) {
        let (known, with) = match python::parse_int(owner, 10) {
            Some(uid) => (cx.target.user_by_id(uid as u32).is_some(), format!("with uid {uid}")),
            None => (cx.target.user_by_name(owner).is_some(), owner.to_owned()),
        };
        if !known {
            cx.warn(format!(
                "failed to look up user {with}. Create user up to this point in real play"
            ));
        }
    }
    if let Some(group) = args.str("group").filter(|g| !g.is_empty()) {
        let (known, with) = match python::parse_int(group, 10) {
            Some(gid) => (cx.target.group_by_id(gid as u32).is_some(), format!("with gid {gid}")),
            None => (cx.target.group_by_name(group).is_some(), group.to_owned()),
        };
        if !known {
            cx.warn(format!(
                "failed to look up group {with}. Create group up to this point in real play"
            ));
        }
    }
}

/// The path whose attributes are meant: that behind a link, if links are followed.
pub(super) fn meant(cx: &mut Context<'_>, path: &str, follow: bool) -> String {
    match follow && cx.target.is_link(Path::new(path)) {
        true => cx.target.realpath(Path::new(path)).to_string_lossy().into_owned(),
        false => path.to_owned(),
    }
}

/// What differs from the start: the state.
fn first_diff(path: &str, after: &str, before: State) -> Diff {
    let mut diff = Diff::of(one("path", path), one("path", path));
    if after != before.name() {
        diff.note("state", before.name(), after);
    }
    diff
}

fn one(key: &str, value: &str) -> Map {
    std::iter::once((key.to_owned(), Data::from(value))).collect()
}

fn outcome(path: String, changed: bool, diff: Diff) -> Outcome {
    Outcome::silent().with("path", path).with("changed", changed).diff(diff)
}

fn file(cx: &mut Context<'_>, args: &Args, job: &Job) -> Result<Outcome, Failure> {
    let mut path = job.path.clone();
    let meant = meant(cx, &path, job.follow);
    let mut now = State::of(cx, &path);
    if now == State::Link && job.follow {
        path = cx.target.realpath(Path::new(&path)).to_string_lossy().into_owned();
        now = State::of(cx, &path);
    }
    if !matches!(now, State::File | State::Hard) {
        let message = format!("file ({path}) is {}, cannot continue", now.name());
        return Err(Failure::new(message).with("path", path).with("state", now.name()));
    }
    let mut diff = first_diff(&path, "file", now);
    let meant = Path::new(&meant);
    let wanted = FileAttributes::of(cx, args, meant);
    let mut changed = cx.set_attributes(meant, &wanted, Some(&mut diff))?;
    changed |= job.times.apply(cx, meant, Some(&mut diff))?;
    Ok(outcome(path, changed, diff))
}

fn touch(cx: &mut Context<'_>, args: &Args, job: &Job) -> Result<Outcome, Failure> {
    let path = Path::new(&job.path);
    let now = State::of(cx, &job.path);
    let mut changed = false;
    if now == State::Absent {
        if cx.check {
            return Ok(Outcome::silent().with("dest", job.path.as_str()).with("changed", true));
        }
        cx.target.create(path, b"", 0o666).map_err(|error| {
            let text = python::os_error(&error, python::Subject::Bytes(path));
            Failure::new(format!("Error, could not touch target: {text}"))
                .with("path", job.path.as_str())
        })?;
        changed = true;
    }
    let mut diff = first_diff(&job.path, "touch", now);
    let meant = meant(cx, &job.path, job.follow);
    let meant = Path::new(&meant);
    let wanted = FileAttributes::of(cx, args, meant);
    let set = cx.set_attributes(meant, &wanted, Some(&mut diff));
    if let Err(failure) = &set
        && failure.raised().is_none()
        && now == State::Absent
    {
        cx.remove_at_end(path);
    }
    changed |= set?;
    changed |= job.times.apply(cx, meant, Some(&mut diff))?;
    let touched = Outcome::silent().with("dest", job.path.as_str()).with("changed", changed);
    Ok(touched.diff(diff))
}

fn directory(cx: &mut Context<'_>, args: &Args, job: &Job) -> Result<Outcome, Failure> {
    let mut path = job.path.clone();
    let mut now = State::of(cx, &path);
    if now == State::Link && job.follow {
        path = cx.target.realpath(Path::new(&path)).to_string_lossy().into_owned();
        now = State::of(cx, &path);
    }
    let mut diff = first_diff(&path, "directory", now);
    match now {
        State::Absent if cx.check => return Ok(outcome(path, true, diff)),
        State::Absent => {
            let changed = make_folders(cx, args, job, &path, &mut diff)?;
            return Ok(outcome(path, changed, diff));
        }
        State::Directory => {}
        other => {
            let message = format!("{path} already exists as a {}", other.name());
            return Err(Failure::new(message).with("path", path));
        }
    }
    let meant = Path::new(&path);
    let wanted = FileAttributes::of(cx, args, meant);
    let mut changed = cx.set_attributes(meant, &wanted, Some(&mut diff))?;
    changed |= job.times.apply(cx, meant, Some(&mut diff))?;
    if job.recurse {
        changed |= attributes::of_tree(cx, &path, job, &wanted, 0)?;
    }
    Ok(outcome(path, changed, diff))
}

/// Makes a folder and those above it that are missing; all new ones get the attributes.
fn make_folders(
    cx: &mut Context<'_>,
    args: &Args,
    job: &Job,
    path: &str,
    diff: &mut Diff,
) -> Result<bool, Failure> {
    let mut changed = false;
    let mut at = String::new();
    for name in path.trim_matches('/').split('/') {
        at = format!("{at}/{name}");
        if !path.starts_with('/') {
            at = at.trim_start_matches('/').to_owned();
        }
        let folder = Path::new(&at);
        if cx.target.exists(folder) {
            continue;
        }
        let failed = |failure: Failure| match failure.raised() {
            Some(text) => {
                Failure::new(format!("There was an issue creating {at} as requested: {text}"))
                    .with("path", path)
            }
            None => failure,
        };
        match cx.target.mkdir(folder, 0o777) {
            Ok(()) => changed = true,
            // Somebody else was faster.
            Err(e) if e.raw_os_error() == Some(libc::EEXIST) && cx.target.is_dir(folder) => {}
            Err(e) => return Err(failed(Failure::os(&e, python::Subject::Bytes(folder)))),
        }
        let wanted = FileAttributes::of(cx, args, folder);
        changed |= cx.set_attributes(folder, &wanted, Some(diff)).map_err(failed)?;
        // ansible-core 2.14 sets the times of the whole path each time, which fails until that is there.
        changed |= job.times.apply(cx, Path::new(path), Some(diff)).map_err(|failure| {
            let mut raised = one("msg", &failure.msg);
            raised.extend(failure.data);
            failed(Failure::crash("AnsibleModuleError", python::repr(&raised.into())))
        })?;
    }
    Ok(changed)
}

/// Names in a folder: folders (and links to such) first, as Python's `os.walk` tells them.
fn listing(cx: &mut Context<'_>, folder: &Path) -> (Vec<Listed>, Vec<Listed>) {
    // A folder that can't be read counts as empty.
    let entries = cx.target.read_dir(folder).unwrap_or_default();
    let all: Vec<Listed> = entries
        .into_iter()
        .map(|entry| {
            let path = folder.join(&entry.name);
            let link = entry.kind == FileKind::Link;
            let folder = entry.kind == FileKind::Directory || (link && cx.target.is_dir(&path));
            Listed { path: path.to_string_lossy().into_owned(), link, folder }
        })
        .collect();
    all.into_iter().partition(|listed| listed.folder)
}

/// An entry of a folder.
struct Listed {
    path: String,
    link: bool,
    folder: bool,
}

#[cfg(test)]
mod tests {
    use crate::call::Call;
    use crate::data::Map;
    use crate::target::Target;
    use crate::target::fake::Fake;
    use serde_json::{Value, json};

    fn host() -> Fake {
        Fake::new().file("/d/f", "x").dir("/d/sub/deep").link("/d/l", "f").link("/d/gone", "no")
    }

    fn on(fake: &mut Fake, args: Value) -> Map {
        Call::new("file", args).run_on(fake)
    }

    #[test]
    fn folders_are_made_with_those_above_them() {
        let mut fake = host();
        let args = json!({"path": "/n/a/b", "state": "directory", "mode": "0700"});
        let check = Call::new("file", args.clone()).check().run_on(&mut fake);
        assert_eq!((&check["changed"], fake.exists("/n".as_ref())), (&json!(true), false));
        let result = on(&mut fake, args.clone());
        assert_eq!((&result["changed"], &result["mode"]), (&json!(true), &json!("0700")));
        assert_eq!(fake.mode_of("/n/a"), 0o700);
        assert_eq!(
            result["diff"],
            json!({
                "before": {"path": "/n/a/b", "state": "absent", "mode": "0755"},
                "after": {"path": "/n/a/b", "state": "directory", "mode": "0700"}
            })
        );
        assert_eq!(on(&mut fake, args)["changed"], false);
        let result = on(&mut fake, json!({"path": "/d/f", "state": "directory"}));
        assert_eq!(result["msg"], "/d/f already exists as a file");
    }

    #[test]
    fn what_is_there_keeps_its_state() {
        let mut fake = host();
        let result = on(&mut fake, json!({"path": "/d/f", "mode": "u=rw,go="}));
        assert_eq!((&result["mode"], &result["state"]), (&json!("0600"), &json!("file")));
        assert_eq!(result["invocation"]["module_args"]["state"], "file");
        let result = on(&mut fake, json!({"path": "/x"}));
        assert_eq!(result["msg"], "file (/x) is absent, cannot continue");
        let result = on(&mut fake, json!({"path": "/d/l", "state": "file"}));
        assert_eq!(result["path"], "/d/f");
        let result = on(&mut fake, json!({"path": "/d/f", "src": "y"}));
        assert_eq!(result["msg"], "src option requires state to be 'link' or 'hard'");
        let result = on(&mut fake, json!({"path": "/d/f", "recurse": true}));
        assert_eq!(result["msg"], "recurse option requires state to be 'directory'");
    }

    #[test]
    fn everything_goes() {
        let mut fake = host();
        let args = json!({"path": "/d", "state": "absent"});
        let result = Call::new("file", args.clone()).check().run_on(&mut fake);
        assert_eq!((&result["state"], &result["changed"]), (&json!("directory"), &json!(true)));
        let result = on(&mut fake, args.clone());
        assert_eq!((&result["state"], &result["changed"]), (&json!("absent"), &json!(true)));
        let content = &result["diff"]["before"]["path_content"];
        assert_eq!(content["directories"], json!(["/d/sub", "/d/sub/deep"]));
        assert_eq!(content["files"], json!(["/d/f", "/d/gone", "/d/l"]));
        assert_eq!(on(&mut fake, args)["changed"], false);
    }

    #[test]
    fn links() {
        let mut fake = host();
        let link = |path: &str, src: &str| json!({"path": path, "src": src, "state": "link"});
        let result = on(&mut fake, link("/d/new", "f"));
        assert_eq!((&result["changed"], &result["state"]), (&json!(true), &json!("link")));
        assert_eq!(on(&mut fake, link("/d/new", "f"))["changed"], false);
        let result = on(&mut fake, link("/d/new", "sub"));
        assert_eq!(result["diff"]["before"]["src"], "f");
        for (args, message) in [
            (
                link("/d/new", "nothing"),
                "src file does not exist, use \"force=yes\" if you really want to create the link: /d/nothing",
            ),
            (link("/d/sub", "/d/f"), "refusing to convert from directory to symlink for /d/sub"),
            (link("/d/f", "/d/sub"), "refusing to convert from file to symlink for /d/f"),
            (
                json!({"path": "/d/none", "state": "link"}),
                "src is required for creating new symlinks",
            ),
            (
                json!({"path": "/d/sub", "src": "/d/f", "state": "link", "force": true}),
                "the directory /d/sub is not empty, refusing to convert it",
            ),
        ] {
            assert_eq!(on(&mut fake, args)["msg"], message);
        }
        let args = json!({"path": "/d/new", "src": "nothing", "state": "link", "force": true});
        let result = on(&mut fake, args);
        assert_eq!(
            result["warnings"],
            json!([
                "Cannot set fs attributes on a non-existent symlink target. follow should be set to False to avoid this."
            ])
        );
    }

    #[test]
    fn hard_links() {
        let mut fake = host();
        let args = json!({"path": "/d/h", "src": "/d/f", "state": "hard"});
        let result = on(&mut fake, args.clone());
        assert_eq!((&result["changed"], &result["state"]), (&json!(true), &json!("hard")));
        assert_eq!(on(&mut fake, args)["changed"], false);
        let mut fake = fake.file("/d/other", "");
        let args = json!({"path": "/d/other", "src": "/d/f", "state": "hard"});
        assert_eq!(on(&mut fake, args)["msg"], "Cannot link, file exists at destination");
        let args = json!({"path": "/d/other", "src": "/d/f", "state": "hard", "force": true});
        assert_eq!(on(&mut fake, args)["changed"], true);
        let args = json!({"path": "/d/h2", "src": "/d/no", "state": "hard"});
        assert_eq!(on(&mut fake, args)["msg"], "src does not exist");
    }

    #[test]
    fn touched() {
        let mut fake = host();
        fake.pass(100);
        let result = on(&mut fake, json!({"path": "/d/t", "state": "touch", "mode": "0600"}));
        assert_eq!((&result["dest"], &result["changed"]), (&json!("/d/t"), &json!(true)));
        let keep = json!({
            "path": "/d/t", "state": "touch",
            "modification_time": "preserve", "access_time": "preserve"
        });
        assert_eq!(on(&mut fake, keep)["changed"], false);
        let set = json!({
            "path": "/d/t", "state": "touch", "access_time": "preserve",
            "modification_time": "2024-01-02", "modification_time_format": "%Y-%m-%d"
        });
        let result = on(&mut fake, set.clone());
        assert_eq!(result["diff"]["after"]["mtime"], 1_704_153_600.0);
        assert_eq!(on(&mut fake, set)["changed"], false);
        let wrong = json!({"path": "/d/t", "modification_time": "soon"});
        assert_eq!(
            on(&mut fake, wrong)["msg"],
            "Error while obtaining timestamp for time soon using format %Y%m%d%H%M.%S: time data 'soon' does not match format '%Y%m%d%H%M.%S'"
        );
        let bad = json!({"path": "/d/u", "state": "touch", "mode": "what"});
        assert_eq!(on(&mut fake, bad)["failed"], true);
        assert!(!fake.exists("/d/u".as_ref()));
    }

    #[test]
    fn trees() {
        let mut fake = host().file("/e/x", "");
        fake.symlink("/e".as_ref(), "/d/sub/le".as_ref()).ok();
        let args =
            json!({"path": "/d", "state": "directory", "recurse": true, "mode": "u=rwX,go="});
        assert_eq!(on(&mut fake, args.clone())["changed"], true);
        for (path, mode) in
            [("/d", 0o700), ("/d/f", 0o600), ("/d/sub/deep", 0o700), ("/e", 0o700), ("/e/x", 0o600)]
        {
            assert_eq!(fake.mode_of(path), mode, "{path}");
        }
        assert_eq!(on(&mut fake, args)["changed"], false);
    }
}
