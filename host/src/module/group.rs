//! `group`: groups of users.

use crate::data::Map;
use crate::module::{Args, CheckMode, Context, Failure, Lit, Module, Opt, Outcome, Returned, Rule};
use crate::target::{Ran, Run};

pub static MODULE: Module = Module {
    description: "Adds, changes and removes groups.",
    options: &[
        Opt::str("name").required().doc("The group."),
        Opt::str("state")
            .or_str("present")
            .choices(&[Lit::Str("absent"), Lit::Str("present")])
            .doc("Whether it is to be there."),
        Opt::int("gid").doc("Its number."),
        Opt::bool("system").or(false).doc("Whether a new group is one of the system's."),
        Opt::bool("local")
            .or(false)
            .doc("Use the programs for local accounts where a directory provides others."),
        Opt::bool("non_unique").or(false).doc("Whether another group may have the number too."),
    ],
    rules: &[Rule::RequiredIf {
        option: "non_unique",
        is: Lit::Bool(true),
        needs: &["gid"],
        any: false,
    }],
    check_mode: CheckMode::Full,
    returns: &[
        Returned::new("gid", "int", "the group is there", "Its number."),
        Returned::new("system", "bool", "the group is there", "As asked for."),
    ],
    examples: "- name: A group for the cluster's operators\n  ansible.builtin.group:\n    name: operators\n    gid: 4000\n",
    ..Module::builtin("group", "Manages groups", run)
};

fn run(cx: &mut Context<'_>, args: &mut Args) -> Result<Outcome, Failure> {
    let name = args.req("name").to_owned();
    let state = args.req("state").to_owned();
    let exists = exists(cx, args, &name)?;
    let ran = match (state.as_str(), exists) {
        ("absent", false) => None,
        (_, _) if cx.check && (state == "absent") == exists => return Ok(Outcome::new(true)),
        ("absent", true) => Some(delete(cx, args, &name)?),
        (_, false) => Some(add(cx, args, &name)?),
        (_, true) => change(cx, args, &name)?,
    };
    let mut result = Map::new();
    if let Some(ran) = &ran {
        if !ran.ok() {
            return Err(Failure::new(ran.err().into_owned()).with("name", name));
        }
        for (key, text) in [("stdout", ran.out()), ("stderr", ran.err())] {
            if !text.is_empty() {
                result.insert(key.into(), text.into_owned().into());
            }
        }
    }
    if let Some(group) = cx.target.group_by_name(&name) {
        result.insert("system".into(), args.bool("system").into());
        result.insert("gid".into(), group.gid.into());
    }
    Ok(Outcome::new(ran.is_some()).with("name", name).with("state", state).with_all(result))
}

fn exists(cx: &mut Context<'_>, args: &Args, name: &str) -> Result<bool, Failure> {
    if !args.bool("local") {
        return Ok(cx.target.group_by_name(name).is_some());
    }
    let text = cx.target.read_text("/etc/group".as_ref()).map_err(|_| {
        Failure::new(
            "'local: true' specified but unable to find local group file /etc/group to parse.",
        )
    })?;
    let found = text.lines().any(|l| l.strip_prefix(name).is_some_and(|r| r.starts_with(':')));
    if !found {
        cx.warn("'local: true' specified and group was not found in /etc/group. The local group may already exist if the local group database exists somewhere other than /etc/group.");
    }
    Ok(found)
}

fn program(cx: &mut Context<'_>, args: &Args, name: &str) -> Result<Run, Failure> {
    let name = if args.bool("local") { format!("l{name}") } else { name.to_owned() };
    Ok(Run::argv([cx.program(&name)?.into_os_string()]))
}

fn delete(cx: &mut Context<'_>, args: &Args, name: &str) -> Result<Ran, Failure> {
    let run = program(cx, args, "groupdel")?.arg(name);
    cx.run(&run)
}

/// The local programs don't look whether a number is taken.
fn check_gid(cx: &mut Context<'_>, args: &Args, name: &str) -> Result<(), Failure> {
    let Some(gid) = args.int("gid").filter(|_| args.bool("local")) else { return Ok(()) };
    let groups = cx.target.groups();
    let other = groups.iter().find(|g| i64::from(g.gid) == gid && g.name != name);
    match other {
        Some(group) => {
            Err(Failure::new(format!("GID '{gid}' already exists with group '{}'", group.name)))
        }
        None => Ok(()),
    }
}

fn gid_words(args: &Args, gid: i64) -> Vec<String> {
    let mut words = vec!["-g".to_owned(), gid.to_string()];
    if args.bool("non_unique") {
        words.push("-o".to_owned());
    }
    words
}

fn add(cx: &mut Context<'_>, args: &Args, name: &str) -> Result<Ran, Failure> {
    check_gid(cx, args, name)?;
    let mut run = program(cx, args, "groupadd")?;
    if let Some(gid) = args.int("gid") {
        run = run.args(gid_words(args, gid));
    }
    if args.bool("system") {
        run = run.arg("-r");
    }
    cx.run(&run.arg(name))
}

fn change(cx: &mut Context<'_>, args: &Args, name: &str) -> Result<Option<Ran>, Failure> {
    check_gid(cx, args, name)?;
    let now = cx.target.group_by_name(name).map(|g| i64::from(g.gid));
    let Some(gid) = args.int("gid").filter(|gid| now != Some(*gid)) else { return Ok(None) };
    let run = program(cx, args, "groupmod")?.args(gid_words(args, gid)).arg(name);
    if cx.check {
        return Ok(Some(Ran::of(0, "", "")));
    }
    cx.run(&run).map(Some)
}

#[cfg(test)]
mod tests {
    use crate::call::Call;
    use crate::target::Ran;
    use crate::target::fake::Fake;
    use serde_json::json;

    fn host() -> Fake {
        Fake::new()
            .file("/etc/group", "root:x:0:\nwheel:x:10:root\n")
            .program("groupadd")
            .program("groupmod")
            .program("groupdel")
            .on("/usr/sbin/group", Ran::of(0, "", ""))
            .on("/usr/bin/group", Ran::of(0, "", ""))
            .on("getent", Ran::of(2, "", ""))
    }

    #[test]
    fn a_group_that_is_there_is_left_alone() {
        let result = Call::new("group", json!({"name": "wheel"})).run_on(&mut host());
        assert_eq!((&result["changed"], &result["gid"]), (&json!(false), &json!(10)));
    }

    #[test]
    fn a_missing_group_is_told_in_check_mode() {
        let result = Call::new("group", json!({"name": "x"})).check().run_on(&mut host());
        assert_eq!(result["changed"], true);
        let result =
            Call::new("group", json!({"name": "x", "state": "absent"})).run_on(&mut host());
        assert_eq!(result["changed"], false);
    }
}
