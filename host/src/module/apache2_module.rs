//! `apache2_module`: modules of Apache where `a2enmod` keeps them.

use crate::module::{Args, CheckMode, Context, Failure, Lit, Module, Opt, Outcome, Returned};
use crate::target::{Ran, Run};

pub static MODULE: Module = Module {
    collection: "community.general",
    aliases: &["ansible.builtin.apache2_module"],
    description: "Enables and disables modules of Apache by `a2enmod` and `a2dismod`, as Debian and SUSE have them.",
    options: &[
        Opt::str("name").required().doc("The module, as `a2enmod` calls it."),
        Opt::str("identifier").doc("Its name in `apache2ctl -M`, if it is not the usual one."),
        Opt::bool("force").or(false).doc("Disable modules that Debian warns about."),
        Opt::str("state")
            .or_str("present")
            .choices(&[Lit::Str("absent"), Lit::Str("present")])
            .doc("Whether it is enabled."),
        Opt::bool("ignore_configcheck")
            .or(false)
            .doc("Go on where Apache's own check of its configuration fails."),
        Opt::bool("warn_mpm_absent")
            .or(true)
            .since("6.3.0")
            .doc("Warn if no MPM module is loaded."),
    ],
    check_mode: CheckMode::Full,
    returns: &[Returned::new("result", "str", "success", "What became of it.")],
    examples: "- name: The proxy\n  community.general.apache2_module:\n    name: proxy_http\n",
    ..Module::builtin("apache2_module", "Enables and disables modules of Apache", run)
};

fn run(cx: &mut Context<'_>, args: &mut Args) -> Result<Outcome, Failure> {
    let name = args.string("name");
    if name == "cgi"
        && control(cx, "-V")?.1.out().lines().any(|line| {
            line.split_once("threaded:")
                .is_some_and(|(_, rest)| rest.trim_start_matches(' ').starts_with("yes"))
        })
    {
        return Err(Failure::new(
            "Your MPM seems to be threaded. No automatic actions on module cgi possible.",
        ));
    }
    if args.str("identifier").is_none_or(str::is_empty) {
        args.set("identifier", identifier(&name));
    }
    let wanted = args.req("state") == "present";
    let state = if wanted { "enabled" } else { "disabled" };
    let done = format!("Module {name} {state}");
    if is_enabled(cx, args)? == wanted {
        return Ok(Outcome::new(false).with("result", done));
    }
    if cx.check {
        return Ok(Outcome::new(true).with("result", done));
    }
    let tool = if wanted { "a2enmod" } else { "a2dismod" };
    let Some(program) = cx.target.find_program(tool, &[]) else {
        return Err(Failure::new(format!(
            "{tool} not found. Perhaps this system does not use {tool} to manage apache"
        )));
    };
    let mut run = Run::argv([program]);
    if !wanted && args.bool("force") {
        run = run.arg("-f");
    }
    let ran = cx.run(&run.arg(&name))?;
    if is_enabled(cx, args)? == wanted {
        return Ok(Outcome::new(true).with("result", done));
    }
    let msg = format!(
        "Failed to set module {name} to {state}:\n{}\nMaybe the module identifier ({}) was guessed incorrectly.Consider setting the \"identifier\" option.",
        ran.out(),
        args.req("identifier")
    );
    Err(Failure::new(msg).with("rc", ran.rc).with("stdout", ran.out()).with("stderr", ran.err()))
}

/// Asks Apache's control program, and tells which it is.
fn control(cx: &mut Context<'_>, option: &str) -> Result<(String, Ran), Failure> {
    for name in ["apache2ctl", "apachectl"] {
        if let Some(program) = cx.target.find_program(name, &[]) {
            let shown = program.to_string_lossy().into_owned();
            return Ok((shown, cx.run(&Run::argv([program]).arg(option))?));
        }
    }
    Err(Failure::new(
        "Neither of apache2ctl nor apachctl found. At least one apache control binary is necessary.",
    ))
}

fn is_enabled(cx: &mut Context<'_>, args: &Args) -> Result<bool, Failure> {
    let (program, ran) = control(cx, "-M")?;
    if ran.ok() {
        return Ok(ran.out().contains(&format!(" {}", args.req("identifier"))));
    }
    let msg = format!("Error executing {program}: {}", ran.err());
    if !args.bool("ignore_configcheck") {
        return Err(Failure::new(msg));
    }
    if ran.err().contains("AH00534") && args.req("name").contains("mpm_") {
        if args.bool("warn_mpm_absent") {
            cx.warn("No MPM module loaded! apache2 reload AND other module actions will fail if no MPM module is loaded immediately.");
        }
    } else {
        cx.warn(msg);
    }
    Ok(false)
}

/// How `apache2ctl -M` calls a module.
fn identifier(name: &str) -> String {
    if name.contains("shib") {
        return "mod_shib".to_owned();
    }
    if name.contains("evasive") {
        return "evasive20_module".to_owned();
    }
    if let Some(rest) = name.strip_prefix("php")
        && rest.starts_with(|c: char| c.is_ascii_digit())
        && rest[1..].starts_with('.')
    {
        return format!("php{}_module", &rest[..1]);
    }
    format!("{name}_module")
}

#[cfg(test)]
mod tests {
    use crate::call::Call;
    use crate::target::Ran;
    use crate::target::fake::Fake;
    use serde_json::{Value, json};

    #[test]
    fn only_what_differs() {
        let host = || {
            Fake::new()
                .program("apache2ctl")
                .program("a2enmod")
                .on("/usr/bin/apache2ctl -M", Ran::of(0, "Loaded:\n proxy_module (shared)\n", ""))
                .on("/usr/bin/a2enmod", Ran::of(0, "Enabling\n", ""))
        };
        let call =
            |args: Value| -> Value { Call::new("apache2_module", args).run_on(&mut host()).into() };
        let result = call(json!({"name": "proxy"}));
        assert_eq!(
            (&result["changed"], &result["result"]),
            (&json!(false), &json!("Module proxy enabled"))
        );
        let msg = call(json!({"name": "ssl"}))["msg"].clone();
        assert!(msg.as_str().is_some_and(|msg| msg.contains("(ssl_module) was guessed")), "{msg}");
        let msg = call(json!({"name": "proxy", "state": "absent"}))["msg"].clone();
        assert!(msg.as_str().is_some_and(|msg| msg.starts_with("a2dismod not found")));
        assert_eq!(super::identifier("php7.4"), "php7_module");
        assert_eq!(super::identifier("shib2"), "mod_shib");
    }
}
