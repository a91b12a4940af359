//! `synchronize`: rsync, on the machine where the task runs.

use std::path::Path;

use crate::module::{
    Args, CheckMode, Context, Diff, Failure, Kind, Lit, Module, Opt, Outcome, Returned,
};
use crate::python;

pub static MODULE: Module = Module {
    collection: "ansible.posix",
    aliases: &["ansible.builtin.synchronize"],
    description: "Brings folders to a host, or from one, by `rsync`.\n\
                  It runs on the controller, or on the host that the task is delegated to, and goes to the task's host \
                  by ssh. Both machines need rsync.",
    options: &[
        Opt::str("src").required().doc("What is copied. With a slash at its end what is in it."),
        Opt::str("dest").required().doc("Where it goes."),
        Opt::int("dest_port").doc("The port of ssh."),
        Opt::bool("delete").or(false).doc("Remove what is not in `src`."),
        Opt::path("private_key").doc("The key to log in with."),
        Opt::str("rsync_path").doc("The program on the other machine."),
        Opt::path("_local_rsync_path").or_str("rsync"),
        Opt::str("_local_rsync_password").no_log(),
        Opt::bool("_substitute_controller").or(false),
        Opt::bool("archive").or(true).doc("Keep all there is to keep."),
        Opt::bool("checksum").or(false).doc("Compare contents, not times and sizes."),
        Opt::bool("compress").or(true).doc("Compress what travels."),
        Opt::bool("existing_only").or(false).doc("Make no new files."),
        Opt::bool("dirs").or(false).doc("Copy folders without what is in them."),
        Opt::bool("recursive").doc("Copy what is in folders; as `archive` if nothing is said."),
        Opt::bool("links").doc("Copy links as links; as `archive` if nothing is said."),
        Opt::bool("copy_links").or(false).doc("Copy what links point to."),
        Opt::bool("perms").doc("Keep modes; as `archive` if nothing is said."),
        Opt::bool("times").doc("Keep times; as `archive` if nothing is said."),
        Opt::bool("owner").doc("Keep owners; as `archive` if nothing is said."),
        Opt::bool("group").doc("Keep groups; as `archive` if nothing is said."),
        Opt::bool("set_remote_user").or(true).doc("Log in as the user of the connection."),
        Opt::int("rsync_timeout").or_int(0).doc("Seconds without anything that end rsync."),
        Opt::list("rsync_opts", Kind::Str).default(Lit::List(&[])).doc("Further options of rsync."),
        Opt::str("ssh_args").doc("Further words for ssh; `use_ssh_args` sets them."),
        Opt::bool("ssh_connection_multiplexing")
            .or(false)
            .doc("Whether connections may be shared."),
        Opt::bool("partial").or(false).doc("Keep files that came half."),
        Opt::bool("verify_host").or(false).doc("Check the host's key."),
        Opt::bool("delay_updates").or(true).since("1.3.0").doc("Put files in place at the end."),
        Opt::str("mode")
            .or_str("push")
            .choices(&[Lit::Str("pull"), Lit::Str("push")])
            .doc("To the task's host, or from it."),
        Opt::list("link_dest", Kind::Str).doc("Folders whose equal files are linked to."),
    ],
    check_mode: CheckMode::Full,
    returns: &[
        Returned::new("cmd", "str", "always", "What was run."),
        Returned::new("msg", "str", "always", "What rsync wrote: a line for each change."),
    ],
    examples: "- name: The site\n  ansible.posix.synchronize:\n    src: site/\n    dest: /srv/www\n    delete: true\n",
    version_added: "1.0.0",
    ..Module::builtin("synchronize", "Copies files by rsync", run)
};

const CHANGED: &str = "<<CHANGED>>";

fn run(cx: &mut Context<'_>, args: &mut Args) -> Result<Outcome, Failure> {
    let (mut source, mut dest) = (args.string("src"), args.string("dest"));
    if args.bool("_substitute_controller") {
        source = of_controller(cx, &source)?;
        dest = of_controller(cx, &dest)?;
    }
    let mut words: Vec<String> = Vec::new();
    let password = args.str("_local_rsync_password").filter(|text| !text.is_empty());
    if password.is_some() {
        if cx.target.find_program("sshpass", &[]).is_none() {
            return Err(Failure::new(
                "to use rsync connection with passwords, you must install the sshpass program",
            ));
        }
        words.push("sshpass".into());
    }
    let rsync = args.string("_local_rsync_path");
    words.push(match rsync.contains('/') {
        true => rsync,
        false => cx.program(&rsync)?.to_string_lossy().into_owned(),
    });
    words.extend(switches(cx, args));
    if source.starts_with("rsync://") && dest.starts_with("rsync://") {
        return Err(Failure::new("either src or dest must be a localhost").with("rc", 1));
    }
    let opts = args.strings("rsync_opts");
    let is_url = source.starts_with("rsync://") || dest.starts_with("rsync://");
    let needs_ssh = !is_url && (source.contains(':') || dest.contains(':'));
    if needs_ssh && !opts.iter().any(|opt| opt.contains("--rsh")) {
        let ssh = ssh(cx, args)?;
        words.push(format!("--rsh={}", python::shell_quote(&ssh)));
    }
    if let Some(path) = args.str("rsync_path").filter(|path| !path.is_empty()) {
        words.push(format!("--rsync-path={}", python::shell_quote(path)));
    }
    if opts.iter().any(String::is_empty) {
        cx.warn("The empty string is present in rsync_opts which will cause rsync to transfer the current working directory. If this is intended, use \".\" instead to get rid of this warning. If this is unintended, check for problems in your playbook leading to empty string in rsync_opts.");
    }
    words.extend(opts);
    if args.bool("partial") {
        words.push("--partial".into());
    }
    let links = args.strings("link_dest");
    if !links.is_empty() {
        words.extend(link_words(cx, &links, &dest)?);
    }
    words.push(format!("--out-format={}", python::shell_quote(&format!("{CHANGED}%i %n%L"))));
    for path in [&source, &dest] {
        let path = if path.contains('@') { path.clone() } else { home(cx, path) };
        words.push(python::shell_quote(&path));
    }
    let line = words.join(" ");
    let mut run = cx.words(&line)?;
    if let Some(password) = password {
        // Told by standard input, which rsync leaves alone: it is in no list of processes.
        run = run.stdin(format!("{password}\n"));
    }
    let ran = cx.run(&run)?;
    if !ran.ok() {
        return Err(Failure::new(ran.err()).with("rc", ran.rc).with("cmd", line));
    }
    let out = ran.out();
    let changed = match links.is_empty() {
        true => out.contains(CHANGED),
        false => !out.contains(&format!("{CHANGED}.")),
    };
    let clean = out.replace(CHANGED, "");
    let lines: Vec<String> =
        clean.split('\n').filter(|line| !line.is_empty()).map(str::to_owned).collect();
    let outcome = Outcome::new(changed)
        .msg(clean.as_str())
        .with("rc", ran.rc)
        .with("cmd", line)
        .with("stdout_lines", lines);
    Ok(match cx.diff {
        true => outcome.diff(Diff { prepared: Some(clean), ..Diff::default() }),
        false => outcome,
    })
}

fn home(cx: &mut Context<'_>, path: &str) -> String {
    // `~` only: variables are for the words of the whole line.
    match path.starts_with('~') {
        true => cx.target.expand(path),
        false => path.to_owned(),
    }
}

/// A path on "localhost" as a path on the machine that this one was called from.
fn of_controller(cx: &mut Context<'_>, path: &str) -> Result<String, Failure> {
    let client = ["SSH_CLIENT", "SSH_CONNECTION"].iter().find_map(|name| cx.target.env(name));
    let client = client.and_then(|text| text.split_whitespace().next().map(str::to_owned));
    let Some(client) = client else {
        return Err(Failure::new("Could not determine controller hostname for rsync to send to"));
    };
    Ok(match path.strip_prefix("localhost:") {
        Some(rest) => format!("{client}:{rest}"),
        None => path.to_owned(),
    })
}

fn switches(cx: &Context<'_>, args: &Args) -> Vec<String> {
    let mut words = Vec::new();
    let mut add = |on: bool, word: &str| {
        if on {
            words.push(word.to_owned());
        }
    };
    add(args.bool("delay_updates"), "--delay-updates");
    add(args.bool("delay_updates"), "-F");
    add(args.bool("compress"), "--compress");
    let timeout = args.int("rsync_timeout").unwrap_or(0);
    add(timeout != 0, &format!("--timeout={timeout}"));
    add(cx.check, "--dry-run");
    add(args.bool("delete"), "--delete-after");
    add(args.bool("existing_only"), "--existing");
    add(args.bool("checksum"), "--checksum");
    add(args.bool("copy_links"), "--copy-links");
    let archive = args.bool("archive");
    add(archive, "--archive");
    for name in ["recursive", "links", "perms", "times", "owner", "group"] {
        let no = if archive { "no-" } else { "" };
        add(args.opt_bool(name) == Some(!archive), &format!("--{no}{name}"));
    }
    add(args.bool("dirs"), "--dirs");
    words
}

/// The line that rsync calls ssh by.
fn ssh(cx: &mut Context<'_>, args: &Args) -> Result<String, Failure> {
    let mut words = vec![cx.program("ssh")?.to_string_lossy().into_owned()];
    let mut add = |more: &[&str]| words.extend(more.iter().map(|word| (*word).to_owned()));
    if !args.bool("ssh_connection_multiplexing") {
        add(&["-S", "none"]);
    }
    if let Some(key) = args.str("private_key") {
        add(&["-i", key]);
    }
    if let Some(port) = args.int("dest_port") {
        add(&["-o", &format!("Port={port}")]);
    }
    if !args.bool("verify_host") {
        add(&["-o", "StrictHostKeyChecking=no", "-o", "UserKnownHostsFile=/dev/null"]);
    }
    let line: Vec<String> = words.iter().map(|word| python::shell_quote(word)).collect();
    let line = line.join(" ");
    Ok(match args.str("ssh_args").filter(|text| !text.is_empty()) {
        Some(more) => format!("{line} {more}"),
        None => line,
    })
}

fn link_words(cx: &mut Context<'_>, links: &[String], dest: &str) -> Result<Vec<String>, Failure> {
    let absolute = |cx: &mut Context<'_>, path: &str| {
        let here = cx.target.cwd().unwrap_or_default();
        python::normpath(&here.join(path).to_string_lossy())
    };
    // rsync does not call a new link a change, unless it is told to say more.
    let mut words = vec!["-H".to_owned(), "-vv".to_owned()];
    for link in links {
        let link = home(cx, link);
        let link = absolute(cx, &link);
        let folder = absolute(cx, python::dirname(dest));
        if Path::new(&folder).to_string_lossy().starts_with(&link) {
            return Err(Failure::new(format!(
                "Hardlinking into a subdirectory of the source would cause recursion. {folder} and {dest}"
            )));
        }
        words.push(format!("--link-dest={link}"));
    }
    Ok(words)
}

#[cfg(test)]
mod tests {
    use crate::call::Call;
    use crate::target::Ran;
    use crate::target::fake::Fake;
    use serde_json::{Value, json};

    fn call(args: Value) -> (Value, Fake) {
        let mut fake = Fake::new().program("rsync").program("ssh").on(
            "/usr/bin/rsync",
            Ran::of(0, "<<CHANGED>>>f+++++++++ a\n<<CHANGED>>cd+++++++++ d/\n", ""),
        );
        let result = Call::new("synchronize", args).run_on(&mut fake).into();
        (result, fake)
    }

    #[test]
    fn lines_of_rsync() {
        let (result, fake) =
            call(json!({"src": "/srv/a/", "dest": "alice@h:/srv/b c", "delete": true,
            "owner": false, "dest_port": 22, "rsync_path": "sudo -u root rsync"}));
        assert_eq!(
            result["cmd"],
            "/usr/bin/rsync --delay-updates -F --compress --delete-after --archive --no-owner \
             --rsh='/usr/bin/ssh -S none -o Port=22 -o StrictHostKeyChecking=no -o UserKnownHostsFile=/dev/null' \
             --rsync-path='sudo -u root rsync' --out-format='<<CHANGED>>%i %n%L' /srv/a/ 'alice@h:/srv/b c'",
            "{result}"
        );
        assert!(fake.runs[0].contains("'--rsh=/usr/bin/ssh -S none"), "{:?}", fake.runs);
        assert_eq!(result["stdout_lines"], json!([">f+++++++++ a", "cd+++++++++ d/"]));
        assert_eq!(result["changed"], true);
        let (result, _) = call(json!({"src": "a", "dest": "/b", "archive": false, "links": true}));
        assert_eq!(
            result["cmd"],
            "/usr/bin/rsync --delay-updates -F --compress --links --out-format='<<CHANGED>>%i %n%L' a /b"
        );
    }

    #[test]
    fn refusals() {
        let (result, _) = call(json!({"src": "rsync://a/b", "dest": "rsync://c/d"}));
        assert_eq!(result["msg"], "either src or dest must be a localhost");
        let (result, _) =
            call(json!({"src": "a", "dest": "h:/b", "_local_rsync_password": "hush"}));
        assert!(result["msg"].as_str().is_some_and(|msg| msg.contains("sshpass")));
        let (result, _) = call(json!({"src": "/a/", "dest": "/b/c/d", "link_dest": ["/b"]}));
        assert!(result["msg"].as_str().is_some_and(|msg| msg.starts_with("Hardlinking")));
    }
}
