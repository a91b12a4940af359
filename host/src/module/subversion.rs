//! `subversion`: working copies of Subversion repositories.

use std::ffi::OsString;
use std::path::Path;

use crate::data::Data;
use crate::module::{Args, CheckMode, Context, Failure, Module, Opt, Outcome, Returned};
use crate::regex::{Flags, Pattern};
use crate::target::{Ran, Run};

pub static MODULE: Module = Module {
    description: "Checks out a repository, or brings the working copy that is there to a revision.\n\
                  The host needs `svn`. Externals are left alone.",
    options: &[
        Opt::path("dest").doc("The working copy. Only needed if something is to be written."),
        Opt::str("repo").required().aliases(&["name", "repository"]).doc("The repository's URL."),
        Opt::str("revision").or_str("HEAD").aliases(&["rev", "version"]).doc("The revision."),
        Opt::bool("force")
            .or(false)
            .doc("Throw local changes away; without it they are a failure."),
        Opt::str("username").doc("Who is asking."),
        Opt::str("password")
            .no_log()
            .doc("The password. Before Subversion 1.10 it is seen in the list of processes."),
        Opt::path("executable").doc("The program, if it is not to be looked for."),
        Opt::bool("export").or(false).doc("Only the files, no working copy."),
        Opt::bool("checkout").or(true).doc("Whether what is not there is fetched."),
        Opt::bool("update").or(true).doc("Whether what is there is brought to the revision."),
        Opt::bool("switch").or(true).doc("Whether the working copy is switched to `repo` first."),
        Opt::bool("in_place").or(false).doc("Make a folder that is no working copy one."),
        Opt::bool("validate_certs").or(false).doc("Whether unknown certificates are refused."),
    ],
    check_mode: CheckMode::Full,
    returns: &[
        Returned::new("before", "list", "a working copy was there", "Its revision and URL before."),
        Returned::new("after", "list", "success", "Its revision and URL now."),
    ],
    examples: "- name: The newest of the trunk\n  ansible.builtin.subversion:\n    repo: https://svn.example.org/project/trunk\n    dest: /srv/project\n",
    version_added: "0.7",
    ..Module::builtin("subversion", "Deploys a Subversion repository", run)
};

const MODIFIED: &str = "ERROR: modified files exist in the repository.";

struct Svn {
    program: OsString,
    dest: String,
    repo: String,
    revision: String,
    username: Option<String>,
    password: Option<String>,
    trust: bool,
}

fn run(cx: &mut Context<'_>, args: &mut Args) -> Result<Outcome, Failure> {
    let (checkout, update, export) =
        (args.bool("checkout"), args.bool("update"), args.bool("export"));
    let given = |name: &str| args.str(name).filter(|text| !text.is_empty()).map(str::to_owned);
    let program = match given("executable") {
        Some(named) => named.into(),
        None => cx.program("svn")?.into_os_string(),
    };
    let dest = given("dest");
    if dest.is_none() && (checkout || update || export) {
        return Err(Failure::new(
            "the destination directory must be specified unless checkout=no, update=no, and export=no",
        ));
    }
    let svn = Svn {
        program,
        dest: dest.unwrap_or_default(),
        repo: args.string("repo"),
        revision: args.string("revision"),
        username: given("username"),
        password: given("password"),
        trust: !args.bool("validate_certs"),
    };
    if !export && !update && !checkout {
        let info = svn.lines(cx, &["info", &svn.repo])?.join("\n");
        let revision = revision(&info).unwrap_or_else(|| "Unable to get remote revision".into());
        return Ok(Outcome::new(false).with("after", revision));
    }
    let force = args.bool("force");
    if export || !cx.target.exists(Path::new(&svn.dest)) {
        if cx.check {
            return Ok(Outcome::new(true));
        }
        if !export && !checkout {
            return Ok(Outcome::new(false));
        }
        svn.fetch(cx, if export { "export" } else { "checkout" }, export && force)?;
        return if export { Ok(Outcome::new(true)) } else { svn.done(cx, Data::Null, true) };
    }
    let is_copy = svn.call(cx, &["info", &svn.dest])?.ok();
    if is_copy {
        return if update { svn.update(cx, args) } else { Ok(Outcome::new(false)) };
    }
    if !args.bool("in_place") {
        return Err(Failure::new(format!(
            "ERROR: {} folder already exists, but its not a subversion repository.",
            svn.dest
        )));
    }
    svn.fetch(cx, "checkout", true)?;
    if svn.is_modified(cx)? && force {
        svn.lines(cx, &["revert", "-R", &svn.dest])?;
    }
    svn.done(cx, Data::Null, true)
}

impl Svn {
    fn call(&self, cx: &mut Context<'_>, args: &[&str]) -> Result<Ran, Failure> {
        let run = self.command(cx, args)?;
        cx.run(&run)
    }

    /// The lines that svn writes.
    fn lines(&self, cx: &mut Context<'_>, args: &[&str]) -> Result<Vec<String>, Failure> {
        let run = self.command(cx, args)?;
        Ok(cx.run_ok(&run)?.out().lines().map(str::to_owned).collect())
    }

    fn command(&self, cx: &mut Context<'_>, args: &[&str]) -> Result<Run, Failure> {
        let mut run = Run::argv([&self.program]).args(["--non-interactive", "--no-auth-cache"]);
        if self.trust {
            run = run.arg("--trust-server-cert");
        }
        if let Some(name) = &self.username {
            run = run.args(["--username", name]);
        }
        if let Some(password) = &self.password {
            run = match self.reads_passwords(cx)? {
                true => run.arg("--password-from-stdin").stdin(format!("{password}\n")),
                false => {
                    cx.warn("The authentication provided will be used on the svn command line and is not secure. To securely pass credentials, upgrade svn to version 1.10.0 or greater.");
                    run.args(["--password", password])
                }
            };
        }
        Ok(run.args(args.iter().copied()).env("LANG", "C").env("LC_MESSAGES", "C"))
    }

    fn reads_passwords(&self, cx: &mut Context<'_>) -> Result<bool, Failure> {
        let ran = cx.run_ok(&Run::argv([&self.program]).args(["--version", "--quiet"]))?;
        let out = ran.out();
        let mut numbers = out.trim().split('.').map(|part| part.parse::<u32>().unwrap_or(0));
        Ok((numbers.next(), numbers.next()) >= (Some(1), Some(10)))
    }

    fn fetch(&self, cx: &mut Context<'_>, verb: &str, force: bool) -> Result<(), Failure> {
        let mut words = vec![verb];
        if force {
            words.push("--force");
        }
        words.extend(["-r", &self.revision, &self.repo, &self.dest]);
        self.lines(cx, &words).map(drop)
    }

    fn update(&self, cx: &mut Context<'_>, args: &Args) -> Result<Outcome, Failure> {
        let force = args.bool("force");
        if cx.check {
            if self.is_modified(cx)? && !force {
                return Err(Failure::new(MODIFIED));
            }
            return self.would_update(cx);
        }
        let before = self.state(cx)?;
        let modified = self.is_modified(cx)?;
        let mut changed = modified;
        if args.bool("switch") {
            let words = ["switch", "--revision", &self.revision, &self.repo, &self.dest];
            changed |= moves(&self.lines(cx, &words)?);
        }
        if modified {
            if !force {
                return Err(Failure::new(MODIFIED));
            }
            self.lines(cx, &["revert", "-R", &self.dest])?;
        }
        changed |= moves(&self.lines(cx, &["update", "-r", &self.revision, &self.dest])?);
        self.done(cx, before, changed)
    }

    fn would_update(&self, cx: &mut Context<'_>) -> Result<Outcome, Failure> {
        let unknown = || "Unable to get revision".to_owned();
        let here = self.lines(cx, &["info", &self.dest])?.join("\n");
        let there = self.lines(cx, &["info", "-r", &self.revision, &self.dest])?.join("\n");
        let before = revision(&here).unwrap_or_else(unknown);
        let after = revision(&there).unwrap_or_else(unknown);
        let number = |text: &str| {
            let number = text.split_once(':').and_then(|(_, number)| number.trim().parse().ok());
            number.ok_or_else(|| Failure::crash("IndexError", "list index out of range"))
        };
        let (old, new): (u64, u64) = (number(&before)?, number(&after)?);
        Ok(Outcome::new(old < new).with("before", before).with("after", after))
    }

    /// Whether files under control were changed, as `svn status` has them.
    fn is_modified(&self, cx: &mut Context<'_>) -> Result<bool, Failure> {
        let lines = self.lines(cx, &["status", "--quiet", "--ignore-externals", &self.dest])?;
        Ok(lines.iter().any(|line| !line.is_empty() && !line.starts_with(['?', 'X'])))
    }

    /// Revision and URL of the working copy.
    fn state(&self, cx: &mut Context<'_>) -> Result<Data, Failure> {
        let info = self.lines(cx, &["info", &self.dest])?.join("\n");
        let url = info.lines().find(|line| {
            line.strip_prefix("URL").is_some_and(|rest| {
                rest.starts_with(':') || rest.chars().nth(1) == Some(':') && rest.starts_with(' ')
            })
        });
        let revision = revision(&info).unwrap_or_else(|| "Unable to get revision".into());
        Ok(vec![revision, url.unwrap_or("Unable to get URL").to_owned()].into())
    }

    fn done(&self, cx: &mut Context<'_>, before: Data, changed: bool) -> Result<Outcome, Failure> {
        let after = self.state(cx)?;
        Ok(Outcome::new(changed).with("before", before).with("after", after))
    }
}

/// The line of `svn info` that tells the revision, in any language.
fn revision(info: &str) -> Option<String> {
    let flags = Flags { multiline: true, ..Flags::default() };
    let pattern = Pattern::new(r"^\w+\s?:\s+\d+$", flags).ok()?;
    let found = pattern.search(info).ok()??;
    found.group(info, 0).map(str::to_owned)
}

/// Whether a line tells of a file that was added, updated, merged, …
fn moves(lines: &[String]) -> bool {
    lines.iter().any(|line| {
        let mut chars = line.chars();
        chars.next().is_some_and(|c| "ABDUCGE".contains(c))
            && chars.next().is_some_and(char::is_whitespace)
    })
}

#[cfg(test)]
mod tests {
    use crate::call::Call;
    use crate::target::Ran;
    use crate::target::fake::Fake;
    use serde_json::{Value, json};

    const INFO: &str = "Path: x\nURL: file:///r\nRevision: 3\nNode Kind: directory\n";
    const SVN: &str = "/usr/bin/svn --non-interactive --no-auth-cache --trust-server-cert";

    fn host(status: &str) -> Fake {
        Fake::new()
            .program("svn")
            .dir("/srv/x")
            .on("/usr/bin/svn --version --quiet", Ran::of(0, "1.14.2\n", ""))
            .on(&format!("{SVN} status"), Ran::of(0, status, ""))
            .on(&format!("{SVN} info"), Ran::of(0, INFO, ""))
            .on(&format!("{SVN} update"), Ran::of(0, "Updating 'x':\nU    x/a\nUpdated\n", ""))
            .on("/usr/bin/svn", Ran::of(0, "", ""))
    }

    fn call(fake: &mut Fake, more: Value) -> Value {
        let mut args = json!({"repo": "file:///r", "dest": "/srv/x"});
        if let (Value::Object(args), Value::Object(more)) = (&mut args, more) {
            args.extend(more);
        }
        Call::new("subversion", args).run_on(fake).into()
    }

    #[test]
    fn working_copies_are_brought_up_to_date() {
        let result = call(&mut host(""), json!({}));
        assert_eq!(result["changed"], true, "{result}");
        assert_eq!(result["after"], json!(["Revision: 3", "URL: file:///r"]));
        let result = call(&mut host("M       x/a\n"), json!({}));
        assert_eq!(result["msg"], super::MODIFIED);
        let mut fake = host("M       x/a\n");
        assert_eq!(call(&mut fake, json!({"force": true}))["changed"], true);
        assert!(fake.runs.iter().any(|line| line.ends_with("revert -R /srv/x")));
    }

    #[test]
    fn what_is_not_there_is_fetched() {
        let mut fake = host("");
        let result = call(&mut fake, json!({"dest": "/srv/new", "revision": "2"}));
        assert_eq!((&result["changed"], &result["before"]), (&json!(true), &Value::Null));
        assert_eq!(fake.runs[0], format!("{SVN} checkout -r 2 file:///r /srv/new"));
        let result = call(&mut host(""), json!({"dest": "/srv/new", "checkout": false}));
        assert_eq!(result["changed"], false);
        let nothing = json!({"dest": null, "checkout": false, "update": false});
        assert_eq!(call(&mut host(""), nothing)["after"], "Revision: 3");
    }

    #[test]
    fn passwords_stay_out_of_argv() {
        let mut fake = host("");
        call(&mut fake, json!({"username": "bob", "password": "hush"}));
        assert!(fake.runs.iter().all(|line| !line.contains("hush")), "{:?}", fake.runs);
        assert!(fake.runs.iter().any(|line| line.contains("--password-from-stdin")));
    }
}
