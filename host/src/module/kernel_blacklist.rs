//! `kernel_blacklist`: modules of the kernel that are not loaded by themselves.

use std::path::Path;

use crate::data::Map;
use crate::module::{Args, CheckMode, Context, Diff, Failure, Lit, Module, Opt, Outcome, Write};
use crate::python::{self, Subject};

pub static MODULE: Module = Module {
    collection: "community.general",
    aliases: &["ansible.builtin.kernel_blacklist"],
    description: "Keeps the kernel from loading a module by itself, by a line in a file of modprobe's.",
    options: &[
        Opt::str("name").required().doc("The module."),
        Opt::str("state")
            .or_str("present")
            .choices(&[Lit::Str("absent"), Lit::Str("present")])
            .doc("Whether it is in the list."),
        Opt::str("blacklist_file")
            .or_str("/etc/modprobe.d/blacklist-ansible.conf")
            .doc("The file of the list."),
    ],
    check_mode: CheckMode::Full,
    examples: "- name: No sound\n  community.general.kernel_blacklist:\n    name: snd_hda_intel\n",
    ..Module::builtin("kernel_blacklist", "Blacklists kernel modules", run)
};

fn run(cx: &mut Context<'_>, args: &mut Args) -> Result<Outcome, Failure> {
    let (name, path) = (args.string("name"), args.path("blacklist_file"));
    let present = args.req("state") == "present";
    let there = cx.target.exists(&path);
    let text = match there {
        true => cx.target.read_text(&path).map_err(|error| {
            Failure::new(format!(
                "Module failed with exception: {}",
                python::os_error(&error, Subject::Text(&path))
            ))
        })?,
        false => String::new(),
    };
    let before: Vec<&str> = text.lines().map(str::trim_end).collect();
    let names = |line: &str| {
        let mut words = line.split_whitespace();
        words.next() == Some("blacklist")
            && words.next() == Some(name.as_str())
            && words.next().is_none()
    };
    let listed = before.iter().any(|line| names(line));
    let mut after: Vec<String> = before.iter().map(|line| (*line).to_owned()).collect();
    match (listed, present) {
        (true, false) => after.retain(|line| !names(line)),
        (false, true) => after.push(format!("blacklist {name}")),
        _ => {}
    }
    let changed = !there || listed != present;
    if changed && !cx.check {
        let text: String = after.iter().map(|line| format!("{line}\n")).collect();
        cx.write(Write::bytes(Path::new(&path), text.as_bytes()))?;
    }
    let outcome =
        Outcome::new(changed).with("name", name.as_str()).with("state", args.req("state"));
    if !cx.diff || !changed {
        return Ok(outcome);
    }
    let side =
        |lines: Vec<String>| -> Map { [("lines".to_owned(), lines.into())].into_iter().collect() };
    let before = before.iter().map(|line| (*line).to_owned()).collect();
    Ok(outcome.diff(Diff::of(side(before), side(after))))
}

#[cfg(test)]
mod tests {
    use crate::call::Call;
    use crate::target::fake::Fake;
    use serde_json::{Value, json};

    #[test]
    fn lines_come_once_and_go() {
        let mut fake = Fake::new().dir("/etc/modprobe.d");
        let file = "/etc/modprobe.d/blacklist-ansible.conf";
        let mut call = |args: Value| {
            let result: Value = Call::new("kernel_blacklist", args).run_on(&mut fake).into();
            (result["changed"] == true, fake.text(file))
        };
        assert_eq!(call(json!({"name": "nouveau"})), (true, "blacklist nouveau\n".into()));
        assert_eq!(call(json!({"name": "nouveau"})), (false, "blacklist nouveau\n".into()));
        let both = "blacklist nouveau\nblacklist b\n";
        assert_eq!(call(json!({"name": "b"})), (true, both.into()));
        let gone = call(json!({"name": "nouveau", "state": "absent"}));
        assert_eq!(gone, (true, "blacklist b\n".into()));
    }
}
