//! `composer`: packages of PHP.

use crate::data::Data;
use crate::module::{Args, CheckMode, Context, Failure, Lit, Module, Opt, Outcome, Returned, Rule};
use crate::target::Ran;

pub static MODULE: Module = Module {
    collection: "community.general",
    aliases: &["ansible.builtin.composer"],
    description: "Has composer install what a PHP project depends on, or do something else.",
    options: &[
        Opt::str("command").or_str("install").doc("What composer is to do."),
        Opt::str("arguments").or_str("").doc("Arguments of that, such as the name of a package."),
        Opt::path("executable")
            .aliases(&["php_path"])
            .doc("The program php, if it is not in PATH."),
        Opt::path("working_dir").doc("The project's folder; needed without `global_command`."),
        Opt::bool("global_command").or(false).doc("For the user, not for a project."),
        Opt::bool("prefer_source").or(false).doc("Take packages from their repositories."),
        Opt::bool("prefer_dist").or(false).doc("Take packages from their archives."),
        Opt::bool("no_dev").or(true).doc("Leave out what is for development."),
        Opt::bool("no_scripts").or(false).doc("Run no scripts of the project."),
        Opt::bool("no_plugins").or(false).doc("Use no plugins."),
        Opt::bool("apcu_autoloader")
            .or(false)
            .doc("Let APCu keep what was found and what was not."),
        Opt::bool("optimize_autoloader").or(true).doc("Write a map of classes, which is faster."),
        Opt::bool("classmap_authoritative").or(false).doc("Load classes of that map only."),
        Opt::bool("ignore_platform_reqs")
            .or(false)
            .doc("Whatever versions of PHP and so on packages want."),
        Opt::path("composer_executable")
            .since("3.2.0")
            .doc("The program composer, if it is not in PATH."),
    ],
    rules: &[Rule::RequiredIf {
        option: "global_command",
        is: Lit::Bool(false),
        needs: &["working_dir"],
        any: false,
    }],
    check_mode: CheckMode::Full,
    returns: &[Returned::new("stdout", "str", "on success", "What composer said.")],
    examples: "- name: What the shop depends on\n  community.general.composer:\n    working_dir: /srv/shop\n",
    ..Module::builtin("composer", "Manages packages of PHP", run)
};

/// Options of composer, by those of the module. The one of APCu is misspelt in ansible, and so never given.
const OPTIONS: [(&str, &str); 8] = [
    ("prefer_source", "prefer-source"),
    ("prefer_dist", "prefer-dist"),
    ("no_dev", "no-dev"),
    ("no_scripts", "no-scripts"),
    ("no_plugins", "no-plugins"),
    ("optimize_autoloader", "optimize-autoloader"),
    ("classmap_authoritative", "classmap-authoritative"),
    ("ignore_platform_reqs", "ignore-platform-reqs"),
];

fn run(cx: &mut Context<'_>, args: &mut Args) -> Result<Outcome, Failure> {
    let command = args.string("command");
    if command.contains(char::is_whitespace) {
        let msg = "Use the 'arguments' param for passing arguments with the 'command'";
        return Err(Failure::new(msg));
    }
    let help =
        composer(cx, args, &format!("help {command} --no-interaction --format=json"), false)?;
    if !help.ok() {
        return Err(Failure::new(in_one_line(&help.err())));
    }
    let help: Data = serde_json::from_slice(&help.stdout)
        .map_err(|error| Failure::crash("json.decoder.JSONDecodeError", error))?;
    let known = &help["definition"]["options"];
    let global = args.bool("global_command");
    let usual = ["no-ansi", "no-interaction", "no-progress"].into_iter();
    let mut options: Vec<String> =
        usual.filter(|option| known.get(option).is_some()).map(|it| format!("--{it}")).collect();
    if !global {
        options.push(format!("--working-dir '{}'", args.req("working_dir")));
    }
    let asked = OPTIONS.iter().filter(|(name, _)| args.bool(name)).map(|(_, option)| option);
    options.extend(asked.filter(|it| known.get(it).is_some()).map(|it| format!("--{it}")));
    if cx.check {
        if known.get("dry-run").is_none() {
            let msg = format!("command '{command}' does not support check mode, skipping");
            return Ok(Outcome::skip(msg));
        }
        options.push("--dry-run".into());
    }
    let line = format!("{command} {} {}", options.join(" "), args.req("arguments"));
    let ran = composer(cx, args, &line, global)?;
    if !ran.ok() {
        return Err(Failure::new(in_one_line(&ran.err())).with("stdout", ran.err()));
    }
    let said = format!("{}{}", ran.out(), ran.err());
    let msg = in_one_line(&said);
    let nothing = ["Nothing to install or update", "Nothing to install, update or remove"];
    let changed = !nothing.iter().any(|nothing| msg.contains(nothing));
    Ok(Outcome::new(changed).msg(msg).with("stdout", said))
}

fn in_one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

fn composer(cx: &mut Context<'_>, args: &Args, line: &str, global: bool) -> Result<Ran, Failure> {
    let mut program = |option: &str, name: &str| match args.str(option) {
        Some(path) => Ok(path.to_owned()),
        None => {
            cx.program_in(name, &["/usr/local/bin"]).map(|it| it.to_string_lossy().into_owned())
        }
    };
    let php = program("executable", "php")?;
    let composer = program("composer_executable", "composer")?;
    let global = if global { "global " } else { "" };
    cx.run_line(&format!("{php} {composer} {global}{line}"))
}

#[cfg(test)]
mod tests {
    use crate::call::Call;
    use crate::target::Ran;
    use crate::target::fake::Fake;
    use serde_json::{Value, json};

    fn call(args: Value) -> (Value, Vec<String>) {
        let help = r#"{"definition": {"options": {"no-ansi": {}, "no-dev": {}}}}"#;
        let mut fake = Fake::new()
            .program("php")
            .program("composer")
            .on("/usr/bin/php /usr/bin/composer help", Ran::of(0, help, ""))
            .on(
                "/usr/bin/php /usr/bin/composer install",
                Ran::of(0, "", "Nothing to install,\n update or remove\n"),
            );
        let result = Call::new("composer", args).run_on(&mut fake).into();
        (result, fake.runs)
    }

    #[test]
    fn options_that_composer_knows() {
        let (result, runs) = call(json!({"working_dir": "/srv/a b"}));
        assert_eq!(result["changed"], false, "{result}");
        let line =
            "/usr/bin/php /usr/bin/composer install --no-ansi --working-dir '/srv/a b' --no-dev";
        assert_eq!(runs[1], line);
        let (result, _) = call(json!({"working_dir": "/", "command": "a b"}));
        assert!(result["msg"].to_string().contains("'arguments'"), "{result}");
    }
}
