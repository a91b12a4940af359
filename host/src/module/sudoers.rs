//! `sudoers`: rules of sudo, one file each.

use crate::module::{
    Args, CheckMode, Context, Failure, FileAttributes, Kind, Lit, Module, Opt, Outcome, Rule, Write,
};
use crate::python::{self, Subject};
use crate::target::Run;

pub static MODULE: Module = Module {
    collection: "community.general",
    description: "Lets a user or a group run commands by sudo, by a file in /etc/sudoers.d.",
    options: &[
        Opt::list("commands", Kind::Str).doc("What may be run; `ALL` is everything."),
        Opt::str("group").doc("The group that may."),
        Opt::str("name").required().doc("The name of the rule and of its file."),
        Opt::bool("nopassword").or(true).not_secret().doc("Whether no password is asked for."),
        Opt::bool("setenv").or(false).since("6.3.0").doc("Whether the environment may be kept."),
        Opt::str("host").or_str("ALL").since("6.2.0").doc("The host that the rule is for."),
        Opt::str("runas").since("4.7.0").doc("As whom the commands may be run."),
        Opt::str("sudoers_path").or_str("/etc/sudoers.d").doc("The folder of the rules."),
        Opt::str("state")
            .or_str("present")
            .choices(&[Lit::Str("present"), Lit::Str("absent")])
            .doc("Whether the rule is to be there."),
        Opt::str("user").doc("The user who may."),
        Opt::str("validation")
            .or_str("detect")
            .choices(&[Lit::Str("absent"), Lit::Str("detect"), Lit::Str("required")])
            .since("5.2.0")
            .doc("Whether `visudo` looks at the rule first: never, if it is there, or always."),
    ],
    rules: &[
        Rule::MutuallyExclusive(&["user", "group"]),
        Rule::RequiredIf {
            option: "state",
            is: Lit::Str("present"),
            needs: &["commands"],
            any: false,
        },
    ],
    check_mode: CheckMode::Full,
    examples: "- name: The deployer restarts the service\n  community.general.sudoers:\n    name: deployer\n    user: deployer\n    commands: /usr/bin/systemctl restart shop\n",
    version_added: "4.3.0",
    ..Module::builtin("sudoers", "Manages rules of sudo", run)
};

const MODE: u32 = 0o440;

fn run(cx: &mut Context<'_>, args: &mut Args) -> Result<Outcome, Failure> {
    let path = args.path("sudoers_path").join(args.req("name"));
    let there = cx.target.exists(&path);
    if args.req("state") == "absent" {
        if there && !cx.check {
            let gone = cx.target.unlink(&path);
            gone.map_err(|error| Failure::new(python::os_error(&error, Subject::Text(&path))))?;
        }
        return Ok(Outcome::new(there));
    }
    let text = rule(args)?;
    validate(cx, args, &text)?;
    if there {
        let old = cx.target.read(&path);
        let old =
            old.map_err(|error| Failure::new(python::os_error(&error, Subject::Text(&path))))?;
        let mode = cx.target.stat(&path).map(|stat| stat.permissions() & 0o777);
        if old == text.as_bytes() && mode.is_ok_and(|mode| mode == MODE) {
            return Ok(Outcome::new(false));
        }
    }
    if !cx.check {
        let attributes = FileAttributes { mode: Some("0440".into()), ..FileAttributes::default() };
        cx.write_if_changed(Write::bytes(&path, text.as_bytes()).born_with(&attributes))?;
        cx.set_attributes(&path, &attributes, None)?;
    }
    Ok(Outcome::new(true))
}

fn rule(args: &Args) -> Result<String, Failure> {
    let named = |name: &str| args.str(name).filter(|name| !name.is_empty());
    let owner = match (named("user"), named("group")) {
        (Some(user), _) => user.to_owned(),
        (None, Some(group)) => format!("%{group}"),
        // What Python says of the variable that community.general does not set then.
        (None, None) => {
            return Err(Failure::new(
                "cannot access local variable 'owner' where it is not associated with a value",
            ));
        }
    };
    let runas = args.str("runas").map(|runas| format!("({runas})")).unwrap_or_default();
    let nopassword = if args.bool("nopassword") { "NOPASSWD:" } else { "" };
    let setenv = if args.bool("setenv") { "SETENV:" } else { "" };
    let commands = args.strings("commands").join(", ");
    Ok(format!("{owner} {}={runas}{nopassword}{setenv} {commands}\n", args.req("host")))
}

fn validate(cx: &mut Context<'_>, args: &Args, text: &str) -> Result<(), Failure> {
    let visudo = match args.req("validation") {
        "absent" => return Ok(()),
        "required" => cx.program("visudo")?,
        _ => match cx.target.find_program("visudo", &[]) {
            Some(visudo) => visudo,
            None => return Ok(()),
        },
    };
    let ran = cx.run(&Run::argv([visudo.into_os_string()]).args(["-c", "-f", "-"]).stdin(text))?;
    match ran.ok() {
        true => Ok(()),
        false => Err(Failure::new(format!("Failed to validate sudoers rule:\n{}", ran.out()))),
    }
}

#[cfg(test)]
mod tests {
    use crate::call::Call;
    use crate::target::Ran;
    use crate::target::fake::Fake;
    use serde_json::{Value, json};

    fn call(fake: &mut Fake, args: Value) -> Value {
        Call::new("community.general.sudoers", args).run_on(fake).into()
    }

    #[test]
    fn rules_come_and_go() {
        let mut fake = Fake::new().dir("/etc/sudoers.d");
        let args = json!({"name": "x", "group": "ops", "runas": "root", "setenv": true,
            "commands": ["/bin/a", "/bin/b c"]});
        assert_eq!(call(&mut fake, args.clone())["changed"], true);
        assert_eq!(
            fake.text("/etc/sudoers.d/x"),
            "%ops ALL=(root)NOPASSWD:SETENV: /bin/a, /bin/b c\n"
        );
        assert_eq!(fake.mode_of("/etc/sudoers.d/x"), 0o440);
        assert_eq!(call(&mut fake, args)["changed"], false);
        assert_eq!(call(&mut fake, json!({"name": "x", "state": "absent"}))["changed"], true);
        assert_eq!(call(&mut fake, json!({"name": "x", "state": "absent"}))["changed"], false);
    }

    #[test]
    fn visudo_has_a_look() {
        let mut fake = Fake::new()
            .dir("/etc/sudoers.d")
            .program("visudo")
            .on("/usr/bin/visudo", Ran::of(1, "stdin: syntax error", ""));
        let result = call(&mut fake, json!({"name": "x", "user": "a", "commands": "ALL"}));
        assert_eq!(result["msg"], "Failed to validate sudoers rule:\nstdin: syntax error");
        let result = call(&mut Fake::new(), json!({"name": "x", "user": "a"}));
        assert!(result["msg"].as_str().is_some_and(|msg| msg.contains("commands")), "{result}");
    }
}
