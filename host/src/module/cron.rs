//! `cron`: entries of crontabs.

use std::path::{Path, PathBuf};

use crate::data::Data;
use crate::module::{
    Args, CheckMode, Context, Diff, Failure, Lit, Module, Opt, Outcome, Returned, Rule, Write,
};
use crate::target::Run;

pub static MODULE: Module = Module {
    description: "Manages entries of a user's crontab, or of a file in /etc/cron.d, by names that stand above them.",
    options: &[
        Opt::str("name")
            .required()
            .doc("What the entry is called; of an environment variable its name."),
        Opt::str("user").doc("Whose crontab."),
        Opt::str("job").aliases(&["value"]).doc("The command, or the variable's value."),
        Opt::path("cron_file").doc("A file in /etc/cron.d instead of a crontab."),
        Opt::str("state")
            .or_str("present")
            .choices(&[Lit::Str("present"), Lit::Str("absent")])
            .doc("Whether the entry is to be there."),
        Opt::bool("backup").or(false).doc("Keep a copy of what was there."),
        Opt::str("minute").or_str("*").doc("Minutes."),
        Opt::str("hour").or_str("*").doc("Hours."),
        Opt::str("day").or_str("*").aliases(&["dom"]).doc("Days of the month."),
        Opt::str("month").or_str("*").doc("Months."),
        Opt::str("weekday").or_str("*").aliases(&["dow"]).doc("Days of the week."),
        Opt::str("special_time")
            .choices(&[
                Lit::Str("reboot"),
                Lit::Str("yearly"),
                Lit::Str("annually"),
                Lit::Str("monthly"),
                Lit::Str("weekly"),
                Lit::Str("daily"),
                Lit::Str("hourly"),
            ])
            .doc("A name instead of times."),
        Opt::bool("disabled").or(false).doc("Leave the entry there as a comment."),
        Opt::bool("env").or(false).doc("The entry is an environment variable."),
        Opt::str("insertafter").doc("The variable after which a new one goes."),
        Opt::str("insertbefore").doc("The variable before which a new one goes."),
    ],
    rules: &[Rule::MutuallyExclusive(&["insertafter", "insertbefore"])],
    check_mode: CheckMode::Full,
    returns: &[
        Returned::new("jobs", "list", "success", "Names of the entries that are there now."),
        Returned::new("envs", "list", "success", "Names of the variables that are there now."),
    ],
    examples: "- name: Check certificates\n  ansible.builtin.cron:\n    name: certificates\n    minute: '0'\n    hour: '4'\n    job: /usr/local/bin/check-certificates\n",
    ..Module::builtin("cron", "Manages crontab entries", run)
};

const MARK: &str = "#Ansible: ";

/// Where entries are kept.
enum Place {
    File(PathBuf),
    /// A user's crontab; nobody named means whoever the task runs as.
    Crontab(Option<String>),
}

fn run(cx: &mut Context<'_>, args: &mut Args) -> Result<Outcome, Failure> {
    check(cx, args)?;
    let place = match args.str("cron_file") {
        Some(file) => Place::File(Path::new("/etc/cron.d").join(file)),
        None => Place::Crontab(args.str("user").map(str::to_owned)),
    };
    let old = read(cx, &place)?;
    let present = args.req("state") == "present";
    let mut result = crate::data::Map::new();
    if let Place::File(path) = &place
        && !present
        && args.req("name").is_empty()
    {
        let there = cx.target.exists(path);
        if there && !cx.check {
            cx.target.unlink(path).map_err(|e| Failure::new(e.to_string()))?;
        }
        return Ok(Outcome::new(there)
            .with("cron_file", args.str("cron_file").unwrap_or_default())
            .with("state", "absent"));
    }
    let mut lines: Vec<String> = old.lines().map(str::to_owned).collect();
    let changed = if args.bool("env") {
        edit_env(args, &mut lines, present)?
    } else {
        edit_job(args, &mut lines, present, matches!(place, Place::File(_)))
    };
    let mut new = lines.join("\n");
    if !new.is_empty() {
        new.push('\n');
    }
    if changed {
        if args.bool("backup") && !cx.check {
            result.insert("backup_file".into(), backup(cx, &old)?.into());
        }
        if !cx.check {
            write(cx, &place, &new)?;
        }
    }
    let jobs: Vec<Data> =
        lines.iter().filter_map(|l| l.strip_prefix(MARK)).map(Data::from).collect();
    let envs: Vec<Data> = lines.iter().filter_map(|l| env_name(l)).map(Data::from).collect();
    let shown = match (&place, args.str("cron_file")) {
        (Place::File(path), _) => path.display().to_string(),
        _ => "crontab".to_owned(),
    };
    let outcome = Outcome::new(changed).with("jobs", jobs).with("envs", envs).with_all(result);
    let outcome = match args.str("cron_file") {
        Some(file) if changed => outcome.with("cron_file", file),
        _ => outcome,
    };
    Ok(match cx.diff {
        true => outcome.diff(Diff::of(old, new).headers(&shown, &shown)),
        false => outcome,
    })
}

fn check(cx: &mut Context<'_>, args: &mut Args) -> Result<(), Failure> {
    let present = args.req("state") == "present";
    if args.str("cron_file").is_some() {
        let file = args.req("cron_file").to_owned();
        if Path::new(&file).file_name().is_some_and(|n| n != "crontab")
            && !Path::new(&file).file_name().is_some_and(|n| {
                let text = n.to_string_lossy().into_owned();
                text.chars().all(|c| c.is_ascii_alphanumeric() || c == '_' || c == '-')
            })
        {
            cx.warn(format!("Filename portion of cron_file (\"{file}\") must only contain upper- and lower-case letters, digits, underscores, and hyphens (i.e. no dots)"));
        }
    }
    // It is asked for even where a file is written without it.
    cx.program("crontab")?;
    if args.req("name").is_empty() && args.str("cron_file").is_none() && !present {
        return Err(Failure::new("You must specify 'name' to manage a cron entry."));
    }
    let times = ["minute", "hour", "day", "month", "weekday"];
    let timed = times.iter().any(|t| args.req(t) != "*");
    if args.is_given("special_time") && timed {
        return Err(Failure::new("You must specify time and date fields or special time."));
    }
    if args.str("cron_file").is_some() && present && !args.bool("env") && !args.is_given("user") {
        return Err(Failure::new(
            "To use cron_file=... parameter you must specify user=... as well",
        ));
    }
    if present && args.str("job").is_none() {
        return Err(Failure::new("You must specify 'job' to install a new cron job or variable"));
    }
    let placed = args.is_given("insertafter") || args.is_given("insertbefore");
    if placed && !(args.bool("env") && present) {
        return Err(Failure::new(
            "Insertafter and insertbefore parameters are valid only with env=yes",
        ));
    }
    Ok(())
}

/// The line of an entry.
fn job_line(args: &Args, with_user: bool) -> String {
    let disabled = if args.bool("disabled") { "#" } else { "" };
    let job = args.str("job").unwrap_or_default().trim_matches(['\r', '\n']);
    let user = match args.str("user") {
        Some(user) if with_user => format!("{user} "),
        _ => String::new(),
    };
    match args.str("special_time") {
        Some(special) => format!("{disabled}@{special} {user}{job}"),
        None => format!(
            "{disabled}{} {} {} {} {} {user}{job}",
            args.req("minute"),
            args.req("hour"),
            args.req("day"),
            args.req("month"),
            args.req("weekday")
        ),
    }
}

/// Puts the entry in its place, or takes it out. Whether something changed.
fn edit_job(args: &Args, lines: &mut Vec<String>, present: bool, with_user: bool) -> bool {
    let mark = format!("{MARK}{}", args.req("name"));
    let wanted = job_line(args, with_user);
    let at = lines.iter().position(|l| *l == mark);
    match (at, present) {
        (None, false) => false,
        (Some(at), false) => {
            let end = (at + 2).min(lines.len());
            lines.drain(at..end);
            true
        }
        (None, true) => {
            // An entry that is there without its name gets one.
            if let Some(at) = lines.iter().position(|l| *l == wanted) {
                lines.insert(at, mark);
            } else {
                lines.extend([mark, wanted]);
            }
            true
        }
        (Some(at), true) => match lines.get_mut(at + 1) {
            Some(line) if *line == wanted => false,
            Some(line) => {
                *line = wanted;
                true
            }
            None => {
                lines.push(wanted);
                true
            }
        },
    }
}

fn env_name(line: &str) -> Option<&str> {
    let (name, _) = line.split_once('=')?;
    let name = name.trim();
    let plain = |c: char| c.is_ascii_alphanumeric() || c == '_';
    (!name.is_empty() && !name.starts_with('#') && name.chars().all(plain)).then_some(name)
}

fn edit_env(args: &Args, lines: &mut Vec<String>, present: bool) -> Result<bool, Failure> {
    let name = args.req("name").to_owned();
    if name.contains(' ') {
        return Err(Failure::new("Invalid name for environment variable"));
    }
    let wanted = format!("{name}=\"{}\"", args.str("job").unwrap_or_default());
    let find = |lines: &[String], name: &str| {
        lines.iter().position(|l| env_name(l).is_some_and(|n| n == name))
    };
    let at = find(lines, &name);
    Ok(match (at, present) {
        (None, false) => false,
        (Some(at), false) => {
            lines.remove(at);
            true
        }
        (Some(at), true) => {
            let changed = lines[at] != wanted;
            lines[at] = wanted;
            changed
        }
        (None, true) => {
            let place = match (args.str("insertafter"), args.str("insertbefore")) {
                (None, None) => Some(0),
                (Some(other), _) => find(lines, other).map(|at| at + 1),
                (None, Some(other)) => find(lines, other),
            };
            let Some(place) = place else {
                let other = args.str("insertafter").or(args.str("insertbefore"));
                return Err(Failure::new(format!(
                    "Variable named '{}' not found.",
                    other.unwrap_or_default()
                )));
            };
            lines.insert(place, wanted);
            true
        }
    })
}

fn crontab(cx: &mut Context<'_>, user: Option<&str>) -> Result<Run, Failure> {
    let program = cx.program("crontab")?;
    let run = Run::argv([program.into_os_string()]);
    Ok(match user {
        Some(user) => run.args(["-u", user]),
        None => run,
    })
}

fn read(cx: &mut Context<'_>, place: &Place) -> Result<String, Failure> {
    match place {
        Place::File(path) => Ok(cx.target.read_text(path).unwrap_or_default()),
        Place::Crontab(user) => {
            let run = crontab(cx, user.as_deref())?.arg("-l");
            let ran = cx.run(&run)?;
            // 1 is what it says of a user without a crontab.
            if ran.rc > 1 {
                return Err(Failure::new("Unable to read crontab"));
            }
            if ran.rc == 1 {
                return Ok(String::new());
            }
            Ok(without_header(&ran.out()))
        }
    }
}

/// The first lines that some implementations put there by themselves.
fn without_header(text: &str) -> String {
    let lines = text.split_inclusive('\n').enumerate().skip_while(|(at, line)| {
        let own = line.starts_with("# DO NOT EDIT THIS FILE")
            || line.starts_with("# (/tmp/")
            || line.starts_with("# (Cron version");
        *at < 3 && own
    });
    lines.map(|(_, line)| line).collect()
}

fn write(cx: &mut Context<'_>, place: &Place, text: &str) -> Result<(), Failure> {
    match place {
        Place::File(path) => {
            cx.write_if_changed(Write::bytes(path, text.as_bytes()))?;
            let mode = cx.target.stat(path).map_or(0o644, |s| s.mode & 0o7777);
            if mode & 0o022 != 0 {
                cx.target.chmod(path, 0o644).map_err(|e| Failure::new(e.to_string()))?;
            }
            Ok(())
        }
        Place::Crontab(user) => {
            let run = crontab(cx, user.as_deref())?.arg("-").stdin(text.as_bytes().to_vec());
            let ran = cx.run(&run)?;
            if ran.ok() { Ok(()) } else { Err(Failure::new(ran.err().into_owned())) }
        }
    }
}

fn backup(cx: &mut Context<'_>, text: &str) -> Result<String, Failure> {
    let path = format!("/tmp/crontab{:08x}", cx.target.random() & 0xffff_ffff);
    cx.target
        .create(path.as_ref(), text.as_bytes(), 0o600)
        .map_err(|e| Failure::new(e.to_string()))?;
    Ok(path)
}

#[cfg(test)]
mod tests {
    use crate::call::Call;
    use crate::target::Ran;
    use crate::target::fake::Fake;
    use serde_json::json;

    fn host(now: &str) -> Fake {
        Fake::new()
            .program("crontab")
            .on("/usr/bin/crontab -l", Ran::of(0, now, ""))
            .on("/usr/bin/crontab -", Ran::of(0, "", ""))
    }

    #[test]
    fn entries_are_added_changed_and_removed() {
        let args = |extra: serde_json::Value| {
            let mut all = json!({"name": "x", "job": "/bin/true", "minute": "5"});
            for (k, v) in extra.as_object().into_iter().flatten() {
                all[k] = v.clone();
            }
            all
        };
        let there = "#Ansible: x\n5 * * * * /bin/true\n";
        let run =
            |now: &str, a: serde_json::Value| Call::new("cron", a).diff().run_on(&mut host(now));
        let result = run("", args(json!({})));
        assert_eq!(result["changed"], true, "{result:?}");
        assert_eq!(result["jobs"], json!(["x"]));
        assert_eq!(run(there, args(json!({})))["changed"], false);
        assert_eq!(run(there, args(json!({"hour": "1"})))["changed"], true);
        let result = run(there, args(json!({"state": "absent"})));
        assert_eq!((&result["changed"], &result["jobs"]), (&json!(true), &json!([])));
    }

    #[test]
    fn files_have_users_and_variables() {
        let mut fake = Fake::new().program("crontab").dir("/etc/cron.d");
        let args = json!({"name": "x", "job": "j", "cron_file": "app", "user": "root", "special_time": "daily"});
        let result = Call::new("cron", args).run_on(&mut fake);
        assert_eq!(result["changed"], true, "{result:?}");
        assert_eq!(fake.text("/etc/cron.d/app"), "#Ansible: x\n@daily root j\n");
        let args =
            json!({"name": "PATH", "job": "/bin", "env": true, "cron_file": "app", "user": "root"});
        Call::new("cron", args).run_on(&mut fake);
        assert!(fake.text("/etc/cron.d/app").starts_with("PATH=\"/bin\"\n"));
    }
}
