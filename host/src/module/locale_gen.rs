//! `locale_gen`: locales of Debian and its kin.

use std::path::Path;

use crate::module::{Args, CheckMode, Context, Failure, Lit, Module, Opt, Outcome, Write};
use crate::python::{self, Subject};
use crate::regex::{Flags, Pattern};
use crate::target::Run;

pub static MODULE: Module = Module {
    collection: "community.general",
    aliases: &["ansible.builtin.locale_gen"],
    description: "Has a locale made or removed by way of /etc/locale.gen, or as Ubuntu does it.",
    options: &[
        Opt::str("name").required().doc("The locale with its encoding, such as `de_DE.UTF-8`."),
        Opt::str("state")
            .or_str("present")
            .choices(&[Lit::Str("absent"), Lit::Str("present")])
            .doc("Whether it is to be there."),
    ],
    check_mode: CheckMode::Full,
    examples: "- name: Programs speak German\n  community.general.locale_gen:\n    name: de_DE.UTF-8\n",
    ..Module::builtin("locale_gen", "Creates and removes locales", run)
};

const UBUNTU: &str = "/var/lib/locales/supported.d/";
const LIST: &str = "/etc/locale.gen";

/// How `locale -a` may write encodings, and how they are called.
const ENCODINGS: &[(&str, &str)] = &[
    (".utf8", ".UTF-8"),
    (".eucjp", ".EUC-JP"),
    (".iso885915", ".ISO-8859-15"),
    (".cp1251", ".CP1251"),
    (".koi8r", ".KOI8-R"),
    (".armscii8", ".ARMSCII-8"),
    (".euckr", ".EUC-KR"),
    (".gbk", ".GBK"),
    (".gb18030", ".GB18030"),
    (".euctw", ".EUC-TW"),
];

fn run(cx: &mut Context<'_>, args: &mut Args) -> Result<Outcome, Failure> {
    let (name, state) = (args.string("name"), args.string("state"));
    let ubuntu = cx.target.exists(Path::new(UBUNTU));
    if !ubuntu && !cx.target.exists(Path::new(LIST)) {
        return Err(Failure::new(
            "/etc/locale.gen and /var/lib/locales/supported.d/local are missing. Is the package \"locales\" installed?",
        ));
    }
    if !is_available(cx, &name, ubuntu)? {
        return Err(Failure::new("The locale you've entered is not available on your system."));
    }
    let ran = cx.run(&Run::argv(["locale", "-a"]))?;
    let present = ran.out().lines().any(|line| usual(line) == usual(&name));
    let changed = present != (state == "present");
    if cx.check {
        return Ok(Outcome::new(changed));
    }
    if changed {
        match ubuntu {
            true => apply_ubuntu(cx, &name, state == "present")?,
            false => {
                list(cx, &name, state == "present")?;
                generate(cx, &[])?;
            }
        }
    }
    Ok(Outcome::new(changed).with("name", name).msg("OK"))
}

/// Names in one way, whatever `locale -a` writes.
fn usual(name: &str) -> String {
    ENCODINGS.iter().fold(name.to_owned(), |name, (short, long)| name.replace(short, long))
}

fn read(cx: &mut Context<'_>, path: &str) -> Result<String, Failure> {
    let path = Path::new(path);
    cx.target.read_text(path).map_err(|error| {
        Failure::new(python::os_error(&error, Subject::Text(path)))
            .with("exitValue", error.raw_os_error().unwrap_or(0))
    })
}

fn is_available(cx: &mut Context<'_>, name: &str, ubuntu: bool) -> Result<bool, Failure> {
    let text = read(cx, if ubuntu { "/usr/share/i18n/SUPPORTED" } else { LIST })?;
    Ok(text.lines().any(|line| {
        let line = match ubuntu {
            true => line,
            false => line.strip_prefix('#').unwrap_or(line).trim_start(),
        };
        let mut words = line.split(' ');
        words.next() == Some(name)
            && name.contains('_')
            && words.next().is_some_and(|charset| !charset.is_empty())
            && words.all(str::is_empty)
    }))
}

/// Put the locale into /etc/locale.gen, or make it a comment.
fn list(cx: &mut Context<'_>, name: &str, enabled: bool) -> Result<(), Failure> {
    let text = read(cx, LIST)?;
    // The name is part of the expression as it is: what it matches is what community.general changes.
    let pattern = Pattern::new(&format!(r"#{{0,1}}\s*{name} (?P<charset>.+)"), Flags::default())?;
    let line = format!(r"{}{name} \g<charset>", if enabled { "" } else { "# " });
    let mut new = String::new();
    for old in text.split_inclusive('\n') {
        new.push_str(&pattern.sub(&line, old, 0)?);
    }
    let path = cx.target.realpath(Path::new(LIST));
    cx.write_if_changed(Write::bytes(&path, new.as_bytes())).map(drop)
}

fn generate(cx: &mut Context<'_>, words: &[&str]) -> Result<(), Failure> {
    let ran = cx.run(&Run::argv(["locale-gen"]).args(words.iter().copied()))?;
    if ran.ok() {
        return Ok(());
    }
    let rc = ran.rc;
    let msg = format!("[Errno {rc}] locale.gen failed to execute, it returned {rc}");
    Err(Failure::new(msg).with("exitValue", rc))
}

fn apply_ubuntu(cx: &mut Context<'_>, name: &str, present: bool) -> Result<(), Failure> {
    if present {
        return generate(cx, &[name]);
    }
    let file = format!("{UBUNTU}local");
    let text = read(cx, &file)?;
    let kept: String =
        text.split_inclusive('\n').filter(|line| line.split(' ').next() != Some(name)).collect();
    let path = cx.target.realpath(Path::new(&file));
    cx.write_if_changed(Write::bytes(&path, kept.as_bytes()))?;
    generate(cx, &["--purge"])
}

#[cfg(test)]
mod tests {
    use crate::call::Call;
    use crate::target::Ran;
    use crate::target::fake::Fake;
    use serde_json::{Value, json};

    fn host() -> Fake {
        Fake::new()
            .file(
                "/etc/locale.gen",
                "# de_DE ISO-8859-1\n# de_DE.UTF-8 UTF-8  \nen_GB.UTF-8 UTF-8\n",
            )
            .on("locale -a", Ran::of(0, "C\nen_GB.utf8\n", ""))
            .on("locale-gen", Ran::of(0, "", ""))
    }

    fn call(fake: &mut Fake, args: Value) -> Value {
        Call::new("locale_gen", args).run_on(fake).into()
    }

    #[test]
    fn locales_come_and_go() {
        let mut fake = host();
        assert_eq!(call(&mut fake, json!({"name": "en_GB.UTF-8"}))["changed"], false);
        let result = call(&mut fake, json!({"name": "de_DE.UTF-8"}));
        assert_eq!(result["msg"], "OK", "{result}");
        assert_eq!(
            fake.text("/etc/locale.gen"),
            "# de_DE ISO-8859-1\nde_DE.UTF-8 UTF-8  \nen_GB.UTF-8 UTF-8\n"
        );
        let result = call(&mut fake, json!({"name": "en_GB.UTF-8", "state": "absent"}));
        assert_eq!(result["changed"], true);
        assert!(fake.text("/etc/locale.gen").ends_with("# en_GB.UTF-8 UTF-8\n"));
        let result = call(&mut fake, json!({"name": "xx_XX.UTF-8"}));
        assert_eq!(result["msg"], "The locale you've entered is not available on your system.");
        let result = call(&mut Fake::new(), json!({"name": "xx_XX.UTF-8"}));
        assert!(result["msg"].as_str().is_some_and(|msg| msg.contains("are missing")));
    }

    #[test]
    fn ubuntu() {
        let mut fake = host()
            .file("/var/lib/locales/supported.d/local", "en_GB.UTF-8 UTF-8\nfr_FR.UTF-8 UTF-8\n")
            .file("/usr/share/i18n/SUPPORTED", "en_GB.UTF-8 UTF-8\nit_IT.UTF-8 UTF-8\n");
        call(&mut fake, json!({"name": "it_IT.UTF-8"}));
        assert_eq!(fake.runs.last().map(String::as_str), Some("locale-gen it_IT.UTF-8"));
        call(&mut fake, json!({"name": "en_GB.UTF-8", "state": "absent"}));
        assert_eq!(fake.text("/var/lib/locales/supported.d/local"), "fr_FR.UTF-8 UTF-8\n");
    }
}
