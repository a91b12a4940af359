//! `debconf`: answers to the questions of Debian packages.

use crate::data::{Data, Map};
use crate::module::{
    Args, CheckMode, Context, Diff, Failure, Lit, Module, Opt, Outcome, Returned, Rule,
};
use crate::target::Run;

pub static MODULE: Module = Module {
    description: "Answers questions that a Debian package asks when it is configured, before it does.\n\
                  The host needs the programs of debconf.",
    options: &[
        Opt::str("name").required().aliases(&["pkg"]).doc("The package."),
        Opt::str("question")
            .aliases(&["selection", "setting"])
            .doc("The question; without it the answer tells what the package was told so far."),
        Opt::str("vtype")
            .choices(&[
                Lit::Str("boolean"),
                Lit::Str("error"),
                Lit::Str("multiselect"),
                Lit::Str("note"),
                Lit::Str("password"),
                Lit::Str("seen"),
                Lit::Str("select"),
                Lit::Str("string"),
                Lit::Str("text"),
                Lit::Str("title"),
            ])
            .doc("The question's kind."),
        Opt::str("value").aliases(&["answer"]).doc("The answer."),
        Opt::bool("unseen").or(false).doc("Leave the question to be asked still."),
    ],
    rules: &[Rule::RequiredTogether(&["question", "vtype", "value"])],
    check_mode: CheckMode::Full,
    returns: &[
        Returned::new("current", "dict", "always", "The answers now."),
        Returned::new("previous", "dict", "something changed", "The answers before."),
    ],
    examples: "- name: The languages of the system\n  ansible.builtin.debconf:\n    name: locales\n    question: locales/default_environment_locale\n    vtype: select\n    value: en_GB.UTF-8\n",
    ..Module::builtin("debconf", "Answers questions of Debian packages", run)
};

fn run(cx: &mut Context<'_>, args: &mut Args) -> Result<Outcome, Failure> {
    let mut known = answers(cx, args.req("name"))?;
    let Some(question) = args.str("question").map(String::from) else {
        return Ok(Outcome::new(false).msg("").with("current", known));
    };
    let mut value = args.string("value");
    let before = known.get(&question).and_then(Data::as_str).map(String::from);
    if let Some(mut before) = before.clone() {
        if args.req("vtype") == "boolean" {
            value = value.to_lowercase();
            before = before.to_lowercase();
        }
        if before == value {
            return Ok(Outcome::new(false).msg("").with("current", known));
        }
    }
    let msg = if cx.check { String::new() } else { answer(cx, args, &question, &value)? };
    let mut current = Map::new();
    current.insert(question.clone(), value.clone().into());
    match before {
        Some(before) => {
            known = Map::new();
            known.insert(question, before.into());
        }
        None => {
            known.insert(question, "".into());
        }
    }
    let mut diff: Data = Map::new().into();
    if cx.diff {
        let mut after = known.clone();
        after.extend(current.clone());
        diff = Diff::of(known.clone(), after).into();
    }
    Ok(Outcome::new(true)
        .msg(msg)
        .with("current", current)
        .with("previous", known)
        .with("diff", diff))
}

/// What the package was told so far.
fn answers(cx: &mut Context<'_>, package: &str) -> Result<Map, Failure> {
    let show = cx.program("debconf-show")?;
    // A name with a space is two, as with ansible.
    let ran = cx.run_line(&format!("{} {package}", show.display()))?;
    if !ran.ok() {
        return Err(Failure::new(ran.err()));
    }
    let mut all = Map::new();
    for line in ran.out().lines() {
        let Some((question, value)) = line.split_once(':') else {
            return Err(Failure::crash(
                "ValueError",
                "not enough values to unpack (expected 2, got 1)",
            ));
        };
        let question = question.trim_matches('*').trim();
        all.insert(question.to_owned(), value.trim().into());
    }
    Ok(all)
}

/// Answer a question; what the program wrote.
fn answer(
    cx: &mut Context<'_>,
    args: &Args,
    question: &str,
    value: &str,
) -> Result<String, Failure> {
    let mut set = Run::argv([cx.program("debconf-set-selections")?.into_os_string()]);
    if args.bool("unseen") {
        set = set.arg("-u");
    }
    let kind = args.req("vtype");
    let value = match (kind, value) {
        ("boolean", "True") => "true",
        ("boolean", "False") => "false",
        (_, value) => value,
    };
    let line = format!("{} {question} {kind} {value}\n", args.req("name"));
    let ran = cx.run(&set.stdin(line))?;
    if ran.ok() { Ok(ran.out().into_owned()) } else { Err(Failure::new(ran.err())) }
}

#[cfg(test)]
mod tests {
    use crate::call::Call;
    use crate::target::Ran;
    use crate::target::fake::Fake;
    use serde_json::{Value, json};

    fn host() -> Fake {
        Fake::new()
            .program("debconf-show")
            .program("debconf-set-selections")
            .on(
                "/usr/bin/debconf-show tzdata",
                Ran::of(0, "* tzdata/Areas: Etc\n  tzdata/ask: true\n", ""),
            )
            .on_call("/usr/bin/debconf-set-selections", |run| {
                let asked = run.stdin.clone().unwrap_or_default();
                Ran::of(0, &String::from_utf8_lossy(&asked), "")
            })
    }

    fn call(args: Value, diff: bool) -> (Value, Fake) {
        let mut fake = host();
        let call = Call::new("debconf", args);
        let result = if diff { call.diff() } else { call }.run_on(&mut fake);
        (result.into(), fake)
    }

    #[test]
    fn answers_are_shown_compared_and_set() {
        let (result, _) = call(json!({"name": "tzdata"}), false);
        assert_eq!(result["current"], json!({"tzdata/Areas": "Etc", "tzdata/ask": "true"}));
        let same =
            json!({"name": "tzdata", "question": "tzdata/ask", "vtype": "boolean", "value": true});
        let (result, fake) = call(same, false);
        assert_eq!((&result["changed"], fake.runs.len()), (&json!(false), 1));
        let other = json!({"name": "tzdata", "question": "tzdata/Areas", "vtype": "select", "value": "Europe"});
        let (result, _) = call(other, true);
        assert_eq!(result["msg"], "tzdata tzdata/Areas select Europe\n");
        assert_eq!(result["previous"], json!({"tzdata/Areas": "Etc"}));
        assert_eq!(result["diff"]["after"], json!({"tzdata/Areas": "Europe"}));
        let new =
            json!({"name": "tzdata", "question": "x/y", "vtype": "boolean", "value": "False"});
        let (result, _) = call(new, false);
        assert_eq!(result["msg"], "tzdata x/y boolean false\n");
        assert_eq!(result["previous"]["x/y"], "");
        assert_eq!(result["diff"], json!({}));
    }
}
