//! `pam_limits`: limits of users and groups.

use std::path::{Path, PathBuf};

use crate::module::{
    Args, CheckMode, Context, Diff, Failure, Lit, Module, Opt, Outcome, Returned, Write,
};
use crate::python::{self, Subject};
use crate::target::Access;

pub static MODULE: Module = Module {
    collection: "community.general",
    aliases: &["ansible.builtin.pam_limits"],
    description: "Sets limits in a file such as /etc/security/limits.conf. It is made if it is not there.",
    options: &[
        Opt::str("domain").required().doc("A user, `@group`, `*`, or a range of numbers."),
        Opt::str("limit_type")
            .required()
            .choices(&[Lit::Str("hard"), Lit::Str("soft"), Lit::Str("-")])
            .doc("The kind of limit; `-` is both."),
        Opt::str("limit_item")
            .required()
            .choices(&[
                Lit::Str("core"),
                Lit::Str("data"),
                Lit::Str("fsize"),
                Lit::Str("memlock"),
                Lit::Str("nofile"),
                Lit::Str("rss"),
                Lit::Str("stack"),
                Lit::Str("cpu"),
                Lit::Str("nproc"),
                Lit::Str("as"),
                Lit::Str("maxlogins"),
                Lit::Str("maxsyslogins"),
                Lit::Str("priority"),
                Lit::Str("locks"),
                Lit::Str("sigpending"),
                Lit::Str("msgqueue"),
                Lit::Str("nice"),
                Lit::Str("rtprio"),
                Lit::Str("chroot"),
            ])
            .doc("What is limited."),
        Opt::str("value").required().doc(
            "The limit: a number, or `unlimited`, `infinity`, `-1`. For `nice` and `priority` -20 to 19.",
        ),
        Opt::bool("backup").or(false).doc("Keep the old file."),
        Opt::bool("use_min").or(false).doc("Keep the old limit if it is lower."),
        Opt::bool("use_max").or(false).doc("Keep the old limit if it is higher."),
        Opt::str("dest").or_str("/etc/security/limits.conf").doc("The file."),
        Opt::str("comment").or_str("").doc("A comment behind the limit."),
    ],
    check_mode: CheckMode::Full,
    returns: &[Returned::new("msg", "str", "success", "The line.")],
    examples: "- name: The database opens many files\n  community.general.pam_limits:\n    domain: postgres\n    limit_type: '-'\n    limit_item: nofile\n    value: 65536\n",
    version_added: "2.0",
    ..Module::builtin("pam_limits", "Manages limits of users", run)
};

fn run(cx: &mut Context<'_>, args: &mut Args) -> Result<Outcome, Failure> {
    let path = args.path("dest");
    let mut changed = false;
    if cx.target.stat(&path).is_ok_and(|stat| !stat.is_dir()) {
        if !cx.target.access(&path, Access::Write) {
            return Err(Failure::new(format!("{} is not writable. Use sudo", path.display())));
        }
    } else {
        changed = true;
        let folder = PathBuf::from(python::dirname(args.req("dest")));
        if !cx.target.is_dir(&folder) || !cx.target.access(&folder, Access::Write) {
            return Err(Failure::new(format!(
                "directory {} is not writable (check presence, access rights, use sudo)",
                folder.display()
            )));
        }
    }
    if args.bool("use_max") && args.bool("use_min") {
        return Err(Failure::new("Cannot use use_min and use_max at the same time."));
    }
    valid(args.req("limit_item"), args.req("value"), "")?;
    let old = match changed {
        true => String::new(),
        false => text(cx, &path)?,
    };
    let edited = edited(args, &old)?;
    let real = cx.target.realpath(&path);
    let mut backup = None;
    if args.bool("backup") && !changed {
        backup = Some(cx.backup(&path)?);
    }
    if edited.text != old || changed {
        cx.write(Write::bytes(&real, edited.text.as_bytes()))?;
    }
    let outcome =
        Outcome::new(changed || edited.changed).msg(edited.line).diff(Diff::of(old, edited.text));
    Ok(match backup {
        Some(backup) => outcome.with("backup_file", backup),
        None => outcome,
    })
}

fn text(cx: &mut Context<'_>, path: &Path) -> Result<String, Failure> {
    let text = cx.target.read_text(path);
    text.map_err(|error| Failure::os(&error, Subject::Text(path)))
}

fn is_unlimited(value: &str) -> bool {
    matches!(value, "unlimited" | "infinity" | "-1")
}

fn valid(item: &str, value: &str, prefix: &str) -> Result<(), Failure> {
    let shown = |text: &str| python::repr_str(text);
    if matches!(item, "nice" | "priority") {
        if python::parse_int(value, 10).is_some_and(|value| (-20..=19).contains(&value)) {
            return Ok(());
        }
        return Err(Failure::new(format!(
            "{prefix} Value of {} for item {} is invalid. Value must be a number in the range -20 to 19 inclusive. \
             Refer to the limits.conf(5) manual pages for more details.",
            shown(value),
            shown(item)
        )));
    }
    let is_number = !value.is_empty() && value.chars().all(|c| c.is_ascii_digit());
    if is_unlimited(value) || is_number {
        return Ok(());
    }
    Err(Failure::new(format!(
        "{prefix} Value of {} for item {} is invalid. Value must either be 'unlimited', 'infinity' or -1, all of which \
         indicate no limit, or a limit of 0 or larger. Refer to the limits.conf(5) manual pages for more details.",
        shown(value),
        shown(item)
    )))
}

struct Edited {
    text: String,
    /// The line of the limit, as it is now.
    line: String,
    changed: bool,
}

fn edited(args: &Args, old: &str) -> Result<Edited, Failure> {
    let (domain, kind, item) = (args.req("domain"), args.req("limit_type"), args.req("limit_item"));
    let prefix = format!("Invalid configuration found in '{}'.", args.req("dest"));
    let mut comment = args.string("comment");
    let mut value = args.string("value");
    let mut new = Edited { text: String::new(), line: String::new(), changed: false };
    let mut found = false;
    for line in old.split_inclusive('\n') {
        let bare = line.split('#').next().unwrap_or_default();
        let words: Vec<&str> = bare.split_whitespace().collect();
        if line.starts_with('#') || line.trim().is_empty() {
            new.text.push_str(line);
            continue;
        }
        // A comment that is not given is the first that the file has, with its line's end, as in community.general.
        if comment.is_empty() {
            comment = line.split_once('#').map(|(_, rest)| rest).unwrap_or_default().to_owned();
        }
        let [its_domain, its_kind, its_item, its_value] = words[..] else {
            new.text.push_str(line);
            continue;
        };
        valid(its_item, its_value, &prefix)?;
        let is_it = (its_domain, its_kind, its_item) == (domain, kind, item);
        found |= is_it;
        if is_it && args.req("value") != its_value {
            value = limit(args, &value, its_value);
            if value != its_value {
                new.line = limit_line(args, &value, &mut comment);
                new.changed = true;
                new.text.push_str(&new.line);
                continue;
            }
        }
        if is_it {
            line.clone_into(&mut new.line);
        }
        new.text.push_str(line);
    }
    if !found {
        new.line = limit_line(args, &value, &mut comment);
        new.changed = true;
        new.text.push_str(&new.line);
    }
    Ok(new)
}

fn limit_line(args: &Args, value: &str, comment: &mut String) -> String {
    if !comment.is_empty() {
        *comment = format!("\t#{comment}");
    }
    let (domain, kind, item) = (args.req("domain"), args.req("limit_type"), args.req("limit_item"));
    format!("{domain}\t{kind}\t{item}\t{value}{comment}\n")
}

/// The limit that is wanted where there is one already.
fn limit(args: &Args, now: &str, there: &str) -> String {
    let wanted = args.req("value");
    let (number, old) = (wanted.parse::<i128>().unwrap_or(0), there.parse::<i128>().unwrap_or(0));
    let endless = (is_unlimited(wanted), is_unlimited(there));
    if args.bool("use_max") {
        return match endless {
            (_, true) => there.to_owned(),
            (true, false) => wanted.to_owned(),
            (false, false) => number.max(old).to_string(),
        };
    }
    if args.bool("use_min") {
        return match endless {
            (_, true) if endless.0 => there.to_owned(),
            (_, true) => wanted.to_owned(),
            (true, false) => there.to_owned(),
            (false, false) => number.min(old).to_string(),
        };
    }
    now.to_owned()
}

#[cfg(test)]
mod tests {
    use crate::call::Call;
    use crate::target::fake::Fake;
    use serde_json::{Value, json};

    const FILE: &str = "# limits\n\njoe soft nofile 1000 # few\n@ops\t-  nice -5\n";

    fn call(value: &str, more: Value) -> (Value, String) {
        let mut fake = Fake::new().file("/etc/security/limits.conf", FILE);
        let mut args =
            json!({"domain": "joe", "limit_type": "soft", "limit_item": "nofile", "value": value});
        if let (Value::Object(args), Value::Object(more)) = (&mut args, more) {
            args.extend(more);
        }
        let result = Call::new("pam_limits", args).run_on(&mut fake).into();
        (result, fake.text("/etc/security/limits.conf"))
    }

    #[test]
    fn limits_are_changed_and_added() {
        let (result, text) = call("2000", json!({}));
        assert_eq!(result["msg"], "joe\tsoft\tnofile\t2000\t# few\n\n", "{result}");
        assert_eq!(
            text,
            FILE.replace("joe soft nofile 1000 # few", "joe\tsoft\tnofile\t2000\t# few\n")
        );
        let (result, text) = call("1000", json!({}));
        assert_eq!((&result["changed"], text.as_str()), (&json!(false), FILE));
        let (_, text) = call("5", json!({"limit_type": "hard", "comment": "why"}));
        assert_eq!(text, format!("{FILE}joe\thard\tnofile\t5\t#why\n"));
    }

    #[test]
    fn the_higher_or_the_lower() {
        let changed = |value: &str, how: &str| call(value, json!({how: true})).0["changed"] == true;
        assert!(!changed("500", "use_max") && changed("2000", "use_max"));
        assert!(changed("unlimited", "use_max") && !changed("unlimited", "use_min"));
        assert!(changed("500", "use_min") && !changed("2000", "use_min"));
    }

    #[test]
    fn what_is_no_limit() {
        let msg = call("many", json!({})).0["msg"].clone();
        assert!(
            msg.as_str().is_some_and(|msg| msg.starts_with(" Value of 'many' for item 'nofile'"))
        );
        let msg = call("20", json!({"limit_item": "nice"})).0["msg"].clone();
        assert!(msg.as_str().is_some_and(|msg| msg.contains("-20 to 19")));
    }
}
