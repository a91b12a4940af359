//! `git_config`: settings of git.

use crate::data::{Data, Map};
use crate::module::{
    Args, CheckMode, Context, Diff, Failure, Lit, Module, Opt, Outcome, Returned, Rule,
};
use crate::target::{Ran, Run};

pub static MODULE: Module = Module {
    collection: "community.general",
    aliases: &["ansible.builtin.git_config"],
    description: "Sets, removes and reads settings of git: the system's, a user's, a repository's or those of a file.",
    options: &[
        Opt::bool("list_all").or(false).doc("Read all settings."),
        Opt::str("name").doc("The setting, such as `core.editor`."),
        Opt::path("repo").doc("The repository; needed with `scope=local`."),
        Opt::path("file").since("2.0.0").doc("The file; needed with `scope=file`."),
        Opt::str("scope")
            .choices(&[
                Lit::Str("file"),
                Lit::Str("local"),
                Lit::Str("global"),
                Lit::Str("system"),
            ])
            .doc("Where settings are; `system` is taken if nothing is said, but for `list_all`, which takes all."),
        Opt::str("state")
            .or_str("present")
            .choices(&[Lit::Str("present"), Lit::Str("absent")])
            .doc("Whether the setting is to be there."),
        Opt::str("value").doc("Its value; without one the setting is read."),
    ],
    rules: &[
        Rule::MutuallyExclusive(&["list_all", "name"]),
        Rule::MutuallyExclusive(&["list_all", "value"]),
        Rule::MutuallyExclusive(&["list_all", "state"]),
        Rule::RequiredIf { option: "scope", is: Lit::Str("local"), needs: &["repo"], any: false },
        Rule::RequiredIf { option: "scope", is: Lit::Str("file"), needs: &["file"], any: false },
        Rule::RequiredOneOf(&["list_all", "name"]),
    ],
    check_mode: CheckMode::Full,
    returns: &[
        Returned::new("config_value", "str", "when one is read", "The value."),
        Returned::new("config_values", "dict", "when all are read", "Settings and their values."),
    ],
    examples: "- name: Who commits\n  community.general.git_config:\n    scope: global\n    name: user.email\n    value: ops@example.com\n",
    ..Module::builtin("git_config", "Manages settings of git", run)
};

fn run(cx: &mut Context<'_>, args: &mut Args) -> Result<Outcome, Failure> {
    let git = cx.program("git")?.to_string_lossy().into_owned();
    let all = args.bool("list_all");
    let name = args.str("name").filter(|name| !name.is_empty()).map(str::to_owned);
    let scope = args.str("scope").map(str::to_owned);
    let scope = scope.or_else(|| (!all).then(|| "system".to_owned()));
    let unset = args.req("state") == "absent";
    if unset {
        args.set("value", Data::Null);
    }
    let value = args.str("value").filter(|value| !value.is_empty()).map(str::to_owned);
    let mut words: Vec<String> = vec![git, "config".into(), "--includes".into()];
    if all {
        words.push("-l".into());
    }
    match scope.as_deref() {
        Some("file") => words.extend(["-f".into(), args.string("file")]),
        Some(scope) => words.push(format!("--{scope}")),
        None => {}
    }
    words.extend(name);
    let folder = match args.str("repo") {
        Some(repo) if all || scope.as_deref() == Some("local") => repo.to_owned(),
        // Nowhere near a repository whose own settings would show.
        _ => "/".to_owned(),
    };
    let there = cx.target.is_dir(folder.as_ref());
    let call = |words: &[String]| {
        let run = Run::argv(words).c_locale();
        if there { run.cwd(&folder) } else { run }
    };
    let ran = cx.run(&call(&words))?;
    let unreadable = ran.rc == 128 && ran.err().contains("unable to read config file");
    if all && scope.is_some() && unreadable {
        return Ok(Outcome::new(false).msg("").with("config_values", Map::new()));
    }
    // 1 says that the setting is not there.
    if ran.rc >= 2 {
        let failure = Failure::new(ran.err()).with("rc", ran.rc);
        return Err(failure.with("cmd", words.join(" ")));
    }
    if all {
        return Ok(Outcome::new(false).msg("").with("config_values", listed(&ran)?));
    }
    let out = ran.out();
    let old = out.trim_end();
    if unset && out.is_empty() {
        return Ok(Outcome::new(false).msg("no setting to unset"));
    }
    if !unset {
        match &value {
            None => return Ok(Outcome::new(false).msg("").with("config_value", old)),
            Some(value) if value == old => return Ok(Outcome::new(false).msg("")),
            Some(_) => {}
        }
    }
    if !cx.check {
        let mut set = words.clone();
        match &value {
            None => {
                words.insert(words.len() - 1, "--unset".into());
                set = words.clone();
            }
            Some(value) => set.push(value.clone()),
        }
        if !there {
            let msg = format!("Provided cwd is not a valid directory: {folder}");
            return Err(Failure::new(msg));
        }
        let ran = cx.run(&call(&set))?;
        if !ran.stderr.is_empty() {
            return Err(Failure::new(ran.err()).with("rc", ran.rc).with("cmd", set));
        }
    }
    let header = words.join(" ");
    let after = format!("{}\n", value.unwrap_or_default());
    let diff = Diff::of(format!("{old}\n"), after).headers(header.clone(), header);
    Ok(Outcome::new(true).msg("setting changed").diff(diff))
}

fn listed(ran: &Ran) -> Result<Map, Failure> {
    let out = ran.out();
    out.trim_end()
        .lines()
        .map(|line| match line.split_once('=') {
            Some((name, value)) => Ok((name.to_owned(), value.into())),
            None => {
                Err(Failure::crash("ValueError", "not enough values to unpack (expected 2, got 1)"))
            }
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use crate::call::Call;
    use crate::target::Ran;
    use crate::target::fake::Fake;
    use serde_json::{Value, json};

    fn call(args: Value) -> (Value, Vec<String>) {
        let git = "/usr/bin/git config --includes";
        let mut fake = Fake::new()
            .program("git")
            .on(
                &format!("{git} -l --global"),
                Ran::of(128, "", "fatal: unable to read config file"),
            )
            .on(&format!("{git} -l"), Ran::of(0, "a.b=1=2\nc.d=\n", ""))
            .on(&format!("{git} --global user.name new"), Ran::of(0, "", ""))
            .on(&format!("{git} --global user.name"), Ran::of(0, "old\n", ""))
            .on(&format!("{git} --global --unset"), Ran::of(0, "", ""))
            .on(&format!("{git} --system"), Ran::of(1, "", ""));
        let result = Call::new("git_config", args).run_on(&mut fake).into();
        (result, fake.runs)
    }

    #[test]
    fn settings_are_set_and_read() {
        let (result, _) = call(json!({"list_all": true}));
        assert_eq!(result["config_values"], json!({"a.b": "1=2", "c.d": ""}), "{result}");
        assert_eq!(
            call(json!({"list_all": true, "scope": "global"})).0["config_values"],
            json!({})
        );
        assert_eq!(call(json!({"name": "user.name", "scope": "global"})).0["config_value"], "old");
        let (result, runs) = call(json!({"name": "user.name", "scope": "global", "value": "new"}));
        assert_eq!((&result["diff"]["before"], runs.len()), (&json!("old\n"), 2));
        let (_, runs) = call(json!({"name": "user.name", "scope": "global", "state": "absent"}));
        assert_eq!(runs[1], "/usr/bin/git config --includes --global --unset user.name");
        let (result, _) = call(json!({"name": "user.name", "state": "absent"}));
        assert_eq!(result["msg"], "no setting to unset");
    }
}
