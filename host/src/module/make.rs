//! `make`: targets of a Makefile.

use crate::data::Data;
use crate::module::{Args, CheckMode, Context, Failure, Module, Opt, Outcome, Returned};
use crate::python;
use crate::target::Run;

pub static MODULE: Module = Module {
    collection: "community.general",
    aliases: &["ansible.builtin.make"],
    description: "Makes a target, unless `make -q` says that it is up to date.",
    options: &[
        Opt::path("chdir").required().doc("The folder to make it in."),
        Opt::path("file").doc("The Makefile, if it has another name."),
        Opt::int("jobs").since("2.0.0").doc("How much is made at a time."),
        Opt::path("make")
            .since("0.2.0")
            .doc("The program; otherwise `gmake` or `make` is looked for."),
        Opt::dict("params").doc("Variables for the Makefile."),
        Opt::str("target").doc("The target."),
    ],
    check_mode: CheckMode::Full,
    returns: &[
        Returned::new("chdir", "str", "success", "The folder."),
        Returned::new("command", "str", "success", "What was run."),
        Returned::new("file", "str", "success", "The Makefile that was named."),
        Returned::new("jobs", "int", "success", "How much was made at a time."),
        Returned::new("params", "dict", "success", "The variables."),
        Returned::new("target", "str", "success", "The target."),
        Returned::new("stdout", "str", "success", "The standard output."),
        Returned::new("stderr", "str", "success", "The standard error."),
    ],
    examples: "- name: The program is built\n  community.general.make:\n    chdir: /usr/src/project\n    target: all\n    params:\n      PREFIX: /usr/local\n",
    ..Module::builtin("make", "Makes targets of a Makefile", run)
};

fn run(cx: &mut Context<'_>, args: &mut Args) -> Result<Outcome, Failure> {
    let program = match args.str("make") {
        Some(named) => named.into(),
        None => match cx.target.find_program("gmake", &[]) {
            Some(gmake) => gmake,
            None => cx.program("make")?,
        },
    };
    let mut make = Run::argv([program.into_os_string()]);
    // A folder that is not there is passed over, as by ansible's own way to run programs.
    let chdir = args.path("chdir");
    if cx.target.is_dir(&chdir) {
        make = make.cwd(chdir);
    }
    if let Some(jobs) = args.int("jobs") {
        make = make.args(["-j".to_owned(), jobs.to_string()]);
    }
    if let Some(file) = args.str("file") {
        make = make.args(["-f", file]);
    }
    let options = make.line();
    let target = args.str("target").map(str::to_owned);
    make = make.args(target.clone());
    let params = args.dict("params").cloned().unwrap_or_default();
    let params: Vec<String> =
        params.iter().map(|(key, value)| format!("{key}={}", python::text(value))).collect();
    make = make.args(params.clone());
    // A target that is not named shows as an empty word.
    let shown = std::iter::once(target.unwrap_or_default()).chain(params);
    let command =
        shown.fold(options, |line, word| format!("{line} {}", python::shell_quote(&word)));
    let mut ran = cx.run(&make.clone().arg("-q"))?;
    let changed = !ran.ok();
    if changed && !cx.check {
        ran = cx.run_ok(&make)?;
    }
    let bare = |text: std::borrow::Cow<'_, str>| text.trim_end_matches(['\r', '\n']).to_owned();
    let value = |name: &str| args.get(name).cloned().unwrap_or(Data::Null);
    Ok(Outcome::new(changed)
        .with("failed", false)
        .with("stdout", bare(ran.out()))
        .with("stderr", bare(ran.err()))
        .with("target", value("target"))
        .with("params", value("params"))
        .with("chdir", value("chdir"))
        .with("file", value("file"))
        .with("jobs", value("jobs"))
        .with("command", command))
}

#[cfg(test)]
mod tests {
    use crate::call::Call;
    use crate::target::Ran;
    use crate::target::fake::Fake;
    use serde_json::{Value, json};

    #[test]
    fn only_what_is_not_up_to_date() {
        let host = |rc: i32| {
            Fake::new().program("make").on_call("/usr/bin/make", move |run| match run.argv.last() {
                Some(word) if word == "-q" => Ran::of(rc, "", ""),
                _ => Ran::of(0, "built\n", ""),
            })
        };
        let args =
            json!({"chdir": "/src", "target": "all", "params": {"A": "b c", "N": 4}, "jobs": 2});
        let mut fake = host(0);
        let result: Value = Call::new("make", args.clone()).run_on(&mut fake).into();
        assert_eq!((&result["changed"], fake.runs.len()), (&json!(false), 1), "{result}");
        let mut fake = host(1);
        let result: Value = Call::new("make", args.clone()).run_on(&mut fake).into();
        assert_eq!(result["command"], "/usr/bin/make -j 2 all 'A=b c' N=4");
        assert_eq!((&result["changed"], &result["stdout"]), (&json!(true), &json!("built")));
        let mut fake = host(1);
        let result: Value = Call::new("make", args).check().run_on(&mut fake).into();
        assert_eq!((&result["changed"], fake.runs.len()), (&json!(true), 1));
    }
}
