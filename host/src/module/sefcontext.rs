//! `sefcontext`: SELinux contexts that files are to get.

use crate::data::Data;
use crate::module::{Args, CheckMode, Context, Diff, Failure, Lit, Module, Opt, Outcome, Rule};
use crate::target::Run;

pub static MODULE: Module = Module {
    collection: "community.general",
    aliases: &["ansible.builtin.sefcontext"],
    description: "Says in SELinux's policy which context files at a path are to get, by `semanage fcontext`.\n\
                  Files that are there already keep theirs until `restorecon` runs.",
    options: &[
        Opt::bool("ignore_selinux_state")
            .or(false)
            .doc("Go on where SELinux does not run, as in a changed root."),
        Opt::str("target").required().aliases(&["path"]).doc("The path, as an expression."),
        Opt::str("ftype")
            .or_str("a")
            .choices(&[
                Lit::Str("a"),
                Lit::Str("b"),
                Lit::Str("c"),
                Lit::Str("d"),
                Lit::Str("f"),
                Lit::Str("l"),
                Lit::Str("p"),
                Lit::Str("s"),
            ])
            .doc("The kind of files: all, block devices, character devices, folders, files, links, pipes, sockets."),
        Opt::str("setype").doc("The type."),
        Opt::str("substitute")
            .aliases(&["equal"])
            .since("6.4.0")
            .doc("Another path, whose contexts hold below this one too."),
        Opt::str("seuser").doc("The user; `system_u` where nothing else is known."),
        Opt::str("selevel").aliases(&["serange"]).doc("The range; `s0` where nothing else is known."),
        Opt::str("state")
            .or_str("present")
            .choices(&[Lit::Str("absent"), Lit::Str("present")])
            .doc("Whether the policy is to say so."),
        Opt::bool("reload").or(true).doc("Whether the policy is loaded anew."),
    ],
    rules: &[
        Rule::MutuallyExclusive(&["setype", "substitute"]),
        Rule::MutuallyExclusive(&["substitute", "ftype"]),
        Rule::MutuallyExclusive(&["substitute", "seuser"]),
        Rule::MutuallyExclusive(&["substitute", "selevel"]),
        Rule::RequiredIf {
            option: "state",
            is: Lit::Str("present"),
            needs: &["setype", "substitute"],
            any: true,
        },
    ],
    check_mode: CheckMode::Full,
    examples: "- name: The shop may write its uploads\n  community.general.sefcontext:\n    target: '/srv/shop/uploads(/.*)?'\n    setype: httpd_sys_rw_content_t\n",
    ..Module::builtin("sefcontext", "Manages SELinux contexts of paths", run)
};

/// Letters of kinds and what `semanage` calls them.
const KINDS: [(&str, &str); 8] = [
    ("a", "all files"),
    ("b", "block device"),
    ("c", "character device"),
    ("d", "directory"),
    ("f", "regular file"),
    ("l", "symbolic link"),
    ("p", "named pipe"),
    ("s", "socket"),
];

fn run(cx: &mut Context<'_>, args: &mut Args) -> Result<Outcome, Failure> {
    if !args.bool("ignore_selinux_state") && !cx.selinux_enabled() {
        return Err(Failure::new("SELinux is disabled on this host."));
    }
    let program = cx.program("semanage")?.to_string_lossy().into_owned();
    let known = Known::of(cx, &program, args)?;
    let mut task = Task { cx, args, program, changed: false, diff: String::new() };
    let mut outcome = Outcome::default();
    if args.req("state") == "present" {
        let (user, range) = match args.str("substitute") {
            Some(path) => {
                task.set_equal(path, known.equal.as_deref())?;
                (args.str("seuser").map(str::to_owned), args.str("selevel").map(str::to_owned))
            }
            None => task.set(known.context.as_ref())?,
        };
        let or_null = |text: Option<String>| text.map_or(Data::Null, Data::from);
        outcome = outcome.with("seuser", or_null(user)).with("serange", or_null(range));
    } else {
        task.remove(&known)?;
    }
    let (changed, diff) = (task.changed, task.diff);
    outcome.changed = Some(changed);
    for key in ["target", "ftype", "setype", "substitute", "state"] {
        outcome = outcome.with(key, args.get(key).cloned().unwrap_or(Data::Null));
    }
    Ok(match cx.diff && !diff.is_empty() {
        true => outcome.diff(Diff { prepared: Some(diff), ..Diff::default() }),
        false => outcome,
    })
}

/// A context: user, role, type and range.
struct Label([String; 4]);

impl Label {
    fn text(&self) -> String {
        self.0.join(":")
    }
}

/// What the policy says of the target.
struct Known {
    context: Option<Label>,
    equal: Option<String>,
}

impl Known {
    fn of(cx: &mut Context<'_>, program: &str, args: &Args) -> Result<Known, Failure> {
        let ran = cx.run_ok(&Run::argv([program, "fcontext", "-l", "-n"]).c_locale())?;
        let (target, ftype) = (args.req("target"), args.req("ftype"));
        let kind = KINDS.iter().find(|(letter, _)| *letter == ftype).map_or("", |(_, name)| *name);
        let mut known = Known { context: None, equal: None };
        for line in ran.out().lines().map(str::trim_end) {
            if let Some(context) = context_in(line, target, kind) {
                known.context = Some(context);
            } else if let Some((from, to)) = line.split_once(" = ")
                && from == target
                && known.equal.is_none()
            {
                // The distribution's own come first.
                known.equal = Some(to.to_owned());
            }
        }
        Ok(known)
    }
}

/// The context of a line such as `/srv(/.*)?    all files    system_u:object_r:var_t:s0`.
fn context_in(line: &str, target: &str, kind: &str) -> Option<Label> {
    let rest = line.strip_prefix(target)?;
    let rest = rest.strip_prefix(' ')?.trim_start().strip_prefix(kind)?;
    let mut parts = rest.strip_prefix(' ')?.trim_start().splitn(4, ':').map(str::to_owned);
    // Files that are to have no context (`<<None>>`) have no parts.
    let (user, role, kind) = (parts.next()?, parts.next()?, parts.next()?);
    Some(Label([user, role, kind, parts.next().unwrap_or_default()]))
}

struct Task<'a, 'b> {
    cx: &'a mut Context<'b>,
    args: &'a Args,
    program: String,
    changed: bool,
    diff: String,
}

impl Task<'_, '_> {
    /// Notes a change, and makes it.
    fn change(&mut self, head: &str, lines: &[String], words: &[&str]) -> Result<(), Failure> {
        self.changed = true;
        self.diff.push_str(&format!("# {head}\n"));
        lines.iter().for_each(|line| self.diff.push_str(&format!("{line}\n")));
        if self.cx.check {
            return Ok(());
        }
        let (verb, rest) = words.split_first().unwrap_or((&"", &[]));
        let mut run = Run::argv([self.program.as_str(), "fcontext", *verb]);
        if !self.args.bool("reload") {
            run = run.arg("--noreload");
        }
        let ran = self.cx.run(&run.args(rest).arg(self.args.req("target")).c_locale())?;
        if ran.ok() {
            return Ok(());
        }
        let why = ran.err();
        let why = why.trim();
        let why = why.strip_prefix("ValueError: ").unwrap_or(why);
        Err(Failure::new(format!("ValueError: {why}\n")))
    }

    fn context_line(&self, sign: char, context: &str) -> String {
        format!("{sign}{}      {}      {context}", self.args.req("target"), self.args.req("ftype"))
    }

    fn equal_line(&self, sign: char, path: &str) -> String {
        format!("{sign}{} = {path}", self.args.req("target"))
    }

    /// The user and the range are given back.
    fn set(&mut self, old: Option<&Label>) -> Result<(Option<String>, Option<String>), Failure> {
        let args = self.args;
        let (kind, ftype) = (args.req("setype"), args.req("ftype"));
        let or = |given: Option<&str>, at: usize, new: &str| {
            let known = old.map_or(new, |old| old.0[at].as_str());
            given.unwrap_or(known).to_owned()
        };
        let user = or(args.str("seuser"), 0, "system_u");
        let range = or(args.str("selevel"), 3, "s0");
        let role = old.map_or("object_r", |old| old.0[1].as_str());
        let wanted = Label([user.clone(), role.to_owned(), kind.to_owned(), range.clone()]);
        let new = self.context_line('+', &wanted.text());
        let options = ["--ftype", ftype, "--type", kind, "--range", &range, "--seuser", &user];
        let words = |verb| [&[verb], options.as_slice()].concat();
        match old {
            None => {
                let head = "Addition to semanage file context mappings";
                self.change(head, &[new], &words("--add"))?;
            }
            Some(old) if old.0 != wanted.0 => {
                let head = "Change to semanage file context mappings";
                let gone = self.context_line('-', &old.text());
                self.change(head, &[gone, new], &words("--modify"))?;
            }
            Some(_) => {}
        }
        Ok((Some(user), Some(range)))
    }

    fn set_equal(&mut self, path: &str, old: Option<&str>) -> Result<(), Failure> {
        let new = self.equal_line('+', path);
        match old {
            None => {
                let head = "Addition to semanage file context path substitutions";
                self.change(head, &[new], &["--add", "--equal", path])
            }
            Some(old) if old != path => {
                let head = "Change to semanage file context path substitutions";
                let gone = self.equal_line('-', old);
                self.change(head, &[gone, new], &["--modify", "--equal", path])
            }
            Some(_) => Ok(()),
        }
    }

    fn remove(&mut self, known: &Known) -> Result<(), Failure> {
        let args = self.args;
        let asked = args.str("substitute");
        if let Some(old) = known.context.as_ref().filter(|_| asked.is_none()) {
            let gone = self.context_line('-', &old.text());
            let words = ["--delete", "--ftype", args.req("ftype")];
            self.change("Deletion to semanage file context mappings", &[gone], &words)?;
        }
        let old = known.equal.as_deref().filter(|old| asked.is_none_or(|asked| asked == *old));
        if let Some(old) = old.filter(|_| !args.is_given("setype")) {
            let gone = self.equal_line('-', old);
            let words = ["--delete", "--equal", old];
            self.change("Deletion to semanage file context path substitutions", &[gone], &words)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use crate::call::Call;
    use crate::target::Ran;
    use crate::target::fake::Fake;
    use serde_json::{Value, json};

    const LIST: &str = "\
/srv                                               all files          system_u:object_r:var_t:s0 
/srv                                               directory          system_u:object_r:dir_t:s0 
/srv/none                                          all files          <<None>>
/run = /var/run
/srv = /data
";

    fn call(args: Value) -> (Value, Vec<String>) {
        let mut fake = Fake::new()
            .file("/sys/fs/selinux/enforce", "1")
            .program("semanage")
            .on("/usr/bin/semanage fcontext -l -n", Ran::of(0, LIST, ""))
            .on("/usr/bin/semanage fcontext --delete", Ran::of(1, "", "ValueError: no\n"))
            .on("/usr/bin/semanage", Ran::of(0, "", ""));
        let result = Call::new("sefcontext", args).diff().run_on(&mut fake).into();
        (result, fake.runs)
    }

    #[test]
    fn contexts() {
        let (result, runs) = call(json!({"target": "/srv", "setype": "var_t"}));
        assert_eq!((&result["changed"], runs.len()), (&json!(false), 1), "{result}");
        let (result, runs) =
            call(json!({"target": "/srv", "setype": "x_t", "ftype": "d", "reload": false}));
        assert_eq!(
            runs[1],
            "/usr/bin/semanage fcontext --modify --noreload --ftype d --type x_t --range s0 --seuser system_u /srv"
        );
        assert_eq!(
            result["diff"]["prepared"],
            "# Change to semanage file context mappings\n-/srv      d      system_u:object_r:dir_t:s0\n+/srv      d      system_u:object_r:x_t:s0\n"
        );
        let (_, runs) = call(json!({"target": "/srv/none", "setype": "x_t"}));
        assert!(runs[1].contains("--add --ftype a --type x_t"), "{runs:?}");
    }

    #[test]
    fn other_paths() {
        let (result, _) = call(json!({"target": "/run", "substitute": "/var/run"}));
        assert_eq!(result["changed"], false, "{result}");
        let (_, runs) = call(json!({"target": "/run", "substitute": "/elsewhere"}));
        assert_eq!(runs[1], "/usr/bin/semanage fcontext --modify --equal /elsewhere /run");
        let (result, _) = call(json!({"target": "/srv", "substitute": "/data", "state": "absent"}));
        assert_eq!(result["msg"], "ValueError: no\n");
        let (result, _) = call(json!({"target": "/srv", "setype": "a", "substitute": "b"}));
        let msg = result["msg"].as_str().unwrap_or_default();
        assert!(msg.contains("mutually exclusive: setype|substitute"), "{msg}");
    }
}
