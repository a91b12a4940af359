//! How git reaches servers by ssh.

use super::program::Git;
use crate::module::{Args, Context, Failure};
use crate::target::Run;

/// The options that the task asks for; none if it asks for none.
pub fn options(cx: &mut Context<'_>, args: &Args) -> Result<Option<String>, Failure> {
    let given = args.str("ssh_opts").map(String::from);
    let checking = if args.bool("accept_hostkey") {
        "-o StrictHostKeyChecking=no"
    } else if args.bool("accept_newhostkey") {
        if !knows_accept_new(cx)? {
            cx.warn("Your ssh client does not support accept_newhostkey option, therefore it cannot be used.");
            return Ok(given);
        }
        "-o StrictHostKeyChecking=accept-new"
    } else {
        return Ok(given);
    };
    let said = |opts: &str| {
        ["no", "accept-new"]
            .iter()
            .any(|how| opts.contains(&format!("-o StrictHostKeyChecking={how}")))
    };
    Ok(Some(match given {
        None => checking.to_owned(),
        Some(given) if said(&given) => given,
        Some(given) => format!("{given} {checking}"),
    }))
}

fn knows_accept_new(cx: &mut Context<'_>) -> Result<bool, Failure> {
    let ssh = cx.program("ssh").map_err(|missing| {
        Failure::new(
            "Remote host is missing ssh command, so you cannot use acceptnewhostkey option.",
        )
        .with("details", missing.msg)
    })?;
    let asked =
        Run::argv([ssh.into_os_string()]).args(["-o", "StrictHostKeyChecking=accept-new", "-V"]);
    Ok(cx.run(&asked)?.ok())
}

/// Set the variables by which git calls ssh: with the task's options, and never asking anything.
pub fn prepare(
    cx: &mut Context<'_>,
    args: &Args,
    given: Option<String>,
    git: &mut Git,
) -> Result<(), Failure> {
    let mut options = cx.target.env("GIT_SSH_OPTS").unwrap_or_default();
    if let Some(given) = given {
        options.push(' ');
        options.push_str(&given);
    }
    let mut add = |known: &str, option: &str| {
        if !options.contains(known) {
            options.push_str(option);
        }
    };
    if args.bool("accept_hostkey") {
        add("StrictHostKeyChecking=no", " -o StrictHostKeyChecking=no");
    }
    add("BatchMode=yes", " -o BatchMode=yes");
    if let Some(key) = args.str("key_file").filter(|key| !key.is_empty()) {
        add(&format!("-i {key}"), &format!("  -i {key}"));
        add("IdentitiesOnly=yes", " -o IdentitiesOnly=yes");
    }
    let program = cx.target.env("GIT_SSH").or_else(|| cx.target.env("GIT_SSH_COMMAND"));
    let program = program.unwrap_or_else(|| "ssh".to_owned());
    if !git.is_older(&[2, 3, 0]) {
        git.ssh.push(("GIT_SSH_COMMAND".into(), format!("{program} {options}")));
        return Ok(());
    }
    // Older ones know no options: they get a program that adds them.
    let wrapper = cx.tmpdir()?.join("git-ssh");
    let script = format!("#!/bin/sh\n{program} $GIT_SSH_OPTS \"$@\"\n");
    cx.target
        .create(&wrapper, script.as_bytes(), 0o700)
        .map_err(|error| Failure::os(&error, crate::python::Subject::Text(&wrapper)))?;
    git.ssh.push(("GIT_SSH_OPTS".into(), options));
    git.ssh.push(("GIT_SSH".into(), wrapper.to_string_lossy().into_owned()));
    Ok(())
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test may fail")]
mod tests {
    use crate::call::Call;
    use crate::target::Ran;
    use crate::target::fake::Fake;
    use serde_json::{Value, json};
    use std::sync::{Arc, Mutex};

    /// The variables that `ls-remote` runs with, and the result.
    fn look(version: &str, more: Value) -> (Vec<(String, String)>, Value) {
        let seen = Arc::new(Mutex::new(Vec::new()));
        let inner = seen.clone();
        let mut fake = Fake::new()
            .program("git")
            .program("ssh")
            .on("/usr/bin/git --version", Ran::of(0, &format!("git version {version}\n"), ""))
            .on("/usr/bin/ssh", Ran::of(0, "", ""))
            .on_call("/usr/bin/git ls-remote", move |run| {
                *inner.lock().unwrap() = run.env.clone();
                Ran::of(0, "0123\tHEAD\n", "")
            });
        let mut args = json!({"repo": "git@example.com:x.git", "dest": "/x", "clone": false});
        args.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        let result = Call::new("git", args).run_on(&mut fake);
        let seen = seen.lock().unwrap().clone();
        (seen.into_iter().filter(|(name, _)| name.starts_with("GIT")).collect(), result.into())
    }

    fn command(more: Value) -> String {
        look("2.39.2", more).0.remove(0).1
    }

    #[test]
    fn options_of_the_command() {
        assert_eq!(command(json!({})), "ssh  -o BatchMode=yes");
        assert_eq!(
            command(json!({"accept_hostkey": true, "key_file": "/k"})),
            "ssh  -o StrictHostKeyChecking=no -o BatchMode=yes  -i /k -o IdentitiesOnly=yes"
        );
        assert_eq!(
            command(json!({"accept_newhostkey": true, "ssh_opts": "-p 2222"})),
            "ssh  -p 2222 -o StrictHostKeyChecking=accept-new -o BatchMode=yes"
        );
        assert_eq!(
            command(
                json!({"accept_newhostkey": true, "ssh_opts": "-o StrictHostKeyChecking=no -o BatchMode=yes"})
            ),
            "ssh  -o StrictHostKeyChecking=no -o BatchMode=yes"
        );
    }

    #[test]
    fn old_gits_get_a_program() {
        let (env, result) = look("1.8.3.1", json!({}));
        assert_eq!(env[0], ("GIT_SSH_OPTS".into(), " -o BatchMode=yes".into()));
        assert_eq!(env[1].0, "GIT_SSH");
        assert_eq!(result["after"], "0123");
        assert_eq!(result["changed"], true);
    }
}
