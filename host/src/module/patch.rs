//! `patch`: changes that GNU patch applies.

use std::path::Path;

use crate::module::{Args, CheckMode, Context, Failure, Lit, Module, Opt, Outcome, Rule};
use crate::python;
use crate::target::{Access, Ran, Run};

pub static MODULE: Module = Module {
    collection: "ansible.posix",
    aliases: &["ansible.builtin.patch"],
    description: "Applies a patch to a file or a tree, or takes it back, by GNU patch.",
    options: &[
        Opt::path("src").required().aliases(&["patchfile"]).doc(
            "The patch: the controller's, looked for among files, or the host's own with `remote_src`.",
        ),
        Opt::path("dest")
            .aliases(&["originalfile"])
            .doc("The file to patch, where there is only one."),
        Opt::path("basedir").doc("The folder that names in the patch begin at; needed without `dest`."),
        Opt::int("strip").or_int(0).doc("How many folders are taken off names in the patch."),
        Opt::bool("remote_src").or(false).doc("Whether the patch is on the host."),
        Opt::bool("backup").or(false).doc("Keep old files under numbered names."),
        Opt::bool("binary").or(false).doc("Leave ends of lines as they are."),
        Opt::bool("ignore_whitespace").or(false).doc("Take any run of blanks for any other."),
        Opt::str("state")
            .or_str("present")
            .choices(&[Lit::Str("absent"), Lit::Str("present")])
            .doc("Whether it is to be applied, or taken back."),
    ],
    rules: &[Rule::RequiredOneOf(&["dest", "basedir"])],
    check_mode: CheckMode::Full,
    examples: "- name: Our change of the shop\n  ansible.posix.patch:\n    src: shop.patch\n    basedir: /srv/shop\n    strip: 1\n",
    version_added: "1.0.0",
    ..Module::builtin("patch", "Applies patches with GNU patch", run)
};

fn run(cx: &mut Context<'_>, args: &mut Args) -> Result<Outcome, Failure> {
    let source = cx.on_disk(args.req("src"))?;
    if !cx.target.access(&source, Access::Read) {
        let msg = format!("src {} doesn't exist or not readable", source.display());
        return Err(Failure::new(msg));
    }
    let named = |name: &str| args.str(name).filter(|path| !path.is_empty());
    if let Some(dest) = named("dest")
        && !cx.target.access(Path::new(dest), Access::Write)
    {
        return Err(Failure::new(format!("dest {dest} doesn't exist or not writable")));
    }
    let folder = match (named("basedir"), named("dest")) {
        (Some(folder), _) if !cx.target.exists(Path::new(folder)) => {
            return Err(Failure::new(format!("basedir {folder} doesn't exist")));
        }
        (Some(folder), _) => folder,
        (None, dest) => python::dirname(dest.unwrap_or_default()),
    };
    let Some(program) = cx.target.find_program("patch", &[]) else {
        return Err(Failure::new("patch command not found"));
    };
    let source = cx.target.cwd().map(|cwd| cwd.join(&source)).unwrap_or(source);
    let source = python::normpath(&source.to_string_lossy());
    let call = |options: &[&str], last: &[&str]| {
        Run::argv([program.as_os_str()])
            .args(options)
            .arg(format!("--strip={}", args.int("strip").unwrap_or(0)))
            .arg(format!("--directory={folder}"))
            .arg(format!("--input={source}"))
            .args(last)
    };
    let present = args.req("state") == "present";
    let mut last: Vec<&str> = vec!["--dry-run"];
    let mut more: Vec<&str> = Vec::new();
    if args.bool("binary") {
        more.push("--binary");
    }
    if args.bool("ignore_whitespace") {
        more.push("--ignore-whitespace");
    }
    more.extend(named("dest"));
    last.extend(&more);
    if present {
        last.push("--reverse");
    }
    // What can be taken back is there.
    if cx.run(&call(&["--quiet", "--forward"], &last))?.ok() {
        return Ok(Outcome::new(false));
    }
    let mut last: Vec<&str> = if cx.check { vec!["--dry-run"] } else { Vec::new() };
    last.extend(&more);
    if args.bool("backup") {
        last.extend(["--backup", "--version-control=numbered"]);
    }
    if !present {
        last.push("--reverse");
    }
    let ran = cx.run(&call(&["--quiet", "--forward", "--batch", "--reject-file=-"], &last))?;
    if ran.ok() { Ok(Outcome::new(true)) } else { Err(refused(&ran)) }
}

fn refused(ran: &Ran) -> Failure {
    let why = if ran.stderr.is_empty() { ran.out() } else { ran.err() };
    let trace = format!("Traceback (most recent call last):\n__main__.PatchError: {why}\n");
    Failure::new(why).with("exception", trace)
}

#[cfg(test)]
mod tests {
    use crate::call::Call;
    use crate::target::Ran;
    use crate::target::fake::Fake;
    use serde_json::{Value, json};

    fn call(fake: &mut Fake, args: Value) -> Value {
        Call::new("ansible.posix.patch", args).run_on(fake).into()
    }

    fn host() -> Fake {
        Fake::new().program("patch").file("/p", "").file("/srv/x", "")
    }

    #[test]
    fn what_is_there_stays() {
        let args = json!({"src": "/p", "dest": "/srv/x", "remote_src": true});
        let mut fake = host().on("/usr/bin/patch", Ran::of(0, "", ""));
        assert_eq!(call(&mut fake, args.clone())["changed"], false);
        assert_eq!(
            fake.runs,
            [
                "/usr/bin/patch --quiet --forward --strip=0 --directory=/srv --input=/p --dry-run /srv/x --reverse"
            ]
        );
        let mut fake = host()
            .on("/usr/bin/patch --quiet --forward --batch", Ran::of(0, "", ""))
            .on("/usr/bin/patch", Ran::of(1, "", ""));
        assert_eq!(call(&mut fake, args)["changed"], true);
    }

    #[test]
    fn what_is_refused() {
        let mut fake = host().on("/usr/bin/patch", Ran::of(1, "1 hunk failed", ""));
        let result = call(&mut fake, json!({"src": "/p", "basedir": "/srv", "state": "absent"}));
        assert_eq!(result["msg"], "1 hunk failed");
        let result = call(&mut host(), json!({"src": "/gone", "basedir": "/srv"}));
        assert_eq!(result["msg"], "src /gone doesn't exist or not readable");
        let result = call(&mut host(), json!({"src": "/p", "basedir": "/gone"}));
        assert_eq!(result["msg"], "basedir /gone doesn't exist");
    }
}
