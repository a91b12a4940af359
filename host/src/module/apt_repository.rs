//! `apt_repository`: lines of apt's lists of sources.

mod sources;

use sources::Sources;

use crate::data::Map;
use crate::module::apt::cache;
use crate::module::{Args, Context, Diff, Diffs, Failure, Lit, Module, Opt, Outcome};
use crate::python::{self, Subject};

pub static MODULE: Module = Module {
    description: "Adds lines to apt's lists of sources (one-line style), and takes them away.\n\
        A line that stands disabled in any list is enabled there; a new one gets a file of its own.",
    options: &[
        Opt::str("repo").required().doc("The line, as it stands in a list, or `ppa:OWNER/NAME`."),
        Opt::str("state")
            .or_str("present")
            .choices(&[Lit::Str("absent"), Lit::Str("present")])
            .doc("Whether the line is to be there."),
        Opt::raw("mode").doc("The permissions of a new list."),
        Opt::bool("update_cache").or(true).aliases(&["update-cache"]).doc(
            "Fetch the lists of packages after a change; if that fails, the change is undone.",
        ),
        Opt::int("update_cache_retries").or_int(5).doc("How often fetching is tried."),
        Opt::int("update_cache_retry_max_delay")
            .or_int(12)
            .doc("The longest pause between tries, in seconds."),
        Opt::str("filename")
            .doc("The name of the new list, without `.list`; made from the address if not said."),
        Opt::bool("install_python_apt").or(true).doc("Has no effect: no Python is needed."),
        Opt::bool("validate_certs").or(true).doc("Check the certificate of a PPA's server."),
        Opt::str("codename").doc("The release for a PPA; the host's own if not said."),
    ],
    examples: "- name: Packages of Kubernetes can be installed\n  ansible.builtin.apt_repository:\n    repo: deb [signed-by=/etc/apt/keyrings/kubernetes.gpg] https://pkgs.k8s.io/core:/stable:/v1.29/deb/ /\n    filename: kubernetes\n",
    ..Module::builtin("apt_repository", "Manages sources of packages for apt", run)
};

fn run(cx: &mut Context<'_>, args: &mut Args) -> Result<Outcome, Failure> {
    let repo = args.string("repo");
    if repo.is_empty() {
        return Err(Failure::new("Please set argument 'repo' to a non-empty value"));
    }
    let (keys, gpg) = (cx.target.find_program("apt-key", &[]), cx.target.find_program("gpg", &[]));
    if keys.is_none() && gpg.is_none() {
        return Err(Failure::new(
            "Either apt-key or gpg binary is required, but neither could be found",
        ));
    }
    let mut sources = Sources::read(cx)?;
    let before = sources.clone();
    let line = line_of(cx, args, &repo)?;
    let invalid = |line: String| Failure::new(format!("Invalid repository string: {line}"));
    let source = sources::parse_new(&line).map_err(invalid)?;
    if args.req("state") == "present" {
        let is_ppa = repo.starts_with("ppa:");
        if is_ppa && !sources.has_enabled(&source) {
            return Err(Failure::new(format!(
                "adding {repo}, which the host does not have yet, is not supported: give the repository's line, and its \
                 key with apt_key or get_url"
            )));
        }
        let file = sources::file_name(&source, args.str("filename"));
        sources.add(&source, &file);
    } else {
        sources.remove(&source);
    }
    let lists = sources.beside(&before);
    let changed = lists.iter().any(sources::Change::is_one);
    if changed && !cx.check {
        apply(cx, args, &before, &sources)?;
    }
    let outcome = Outcome::new(changed).with("repo", repo).with("state", args.string("state"));
    Ok(if changed && cx.diff {
        outcome.diff(Diffs::Many(lists.iter().map(difference).collect()))
    } else {
        outcome.with("diff", Map::new())
    })
}

/// The line that is meant: a PPA's is made from its name.
fn line_of(cx: &mut Context<'_>, args: &Args, repo: &str) -> Result<String, Failure> {
    let Some(ppa) = repo.strip_prefix("ppa:") else { return Ok(repo.to_owned()) };
    let mut parts = ppa.split(':').next().unwrap_or_default().split('/');
    let (owner, name) = (parts.next().unwrap_or_default(), parts.next().unwrap_or("ppa"));
    let codename = match args.str("codename").filter(|name| !name.is_empty()) {
        Some(name) => name.to_owned(),
        None => codename(cx)?,
    };
    Ok(format!("deb http://ppa.launchpad.net/{owner}/{name}/ubuntu {codename} main"))
}

fn codename(cx: &mut Context<'_>) -> Result<String, Failure> {
    let text = cx.target.read_text("/etc/os-release".as_ref()).unwrap_or_default();
    text.lines()
        .find_map(|line| line.strip_prefix("VERSION_CODENAME="))
        .map(|name| name.trim_matches('"').to_owned())
        .ok_or_else(|| Failure::new("/etc/os-release does not name the release: set `codename`"))
}

fn difference(change: &sources::Change) -> Diff {
    let header = |side: &Option<String>| match side {
        Some(_) => change.file.clone(),
        None => "/dev/null".to_owned(),
    };
    let text = |side: &Option<String>| side.clone().unwrap_or_default();
    Diff::of(text(&change.before), text(&change.after))
        .headers(header(&change.before), header(&change.after))
}

/// Writes the lists and fetches packages' lists; what fails is undone.
fn apply(
    cx: &mut Context<'_>,
    args: &Args,
    before: &Sources,
    after: &Sources,
) -> Result<(), Failure> {
    let done = after.save(cx, args.get("mode")).and_then(|()| {
        if !args.bool("update_cache") {
            return Ok(());
        }
        let tries = args.int("update_cache_retries").unwrap_or(5);
        let longest = args.int("update_cache_retry_max_delay").unwrap_or(12);
        cache::fetch(cx, tries, longest, std::time::Duration::from_secs(60))
    });
    let Err(failure) = done else { return Ok(()) };
    for change in after.beside(before).iter().filter(|change| change.before.is_none()) {
        let path = change.file.as_ref();
        if cx.target.exists(path) {
            cx.target
                .unlink(path)
                .map_err(|error| Failure::new(python::os_error(&error, Subject::Text(path))))?;
        }
    }
    before.save(cx, None)?;
    Err(failure)
}

#[cfg(test)]
mod tests {
    use crate::call::Call;
    use crate::target::Ran;
    use crate::target::fake::Fake;
    use serde_json::json;

    const LINE: &str = "deb  [arch=amd64] http://user:pw@pkgs.example.org/apt/x  stable main";

    fn host() -> Fake {
        Fake::new()
            .program("apt-key")
            .program("apt-get")
            .program("apt-config")
            .on(
                "/usr/bin/apt-config shell",
                Ran::of(0, "FILE='/etc/apt/sources.list'\nPARTS='/etc/apt/sources.list.d/'\n", ""),
            )
            .file(
                "/etc/apt/sources.list",
                "#deb-src http://a/ x main\n\ndeb http://a/  x main # a\n",
            )
            .dir("/etc/apt/sources.list.d")
    }

    #[test]
    fn a_new_source_gets_its_own_list() {
        let mut fake = host().on("/usr/bin/apt-get", Ran::of(0, "", ""));
        let result = Call::new("apt_repository", json!({"repo": LINE})).diff().run_on(&mut fake);
        assert_eq!(result["changed"], true, "{result:?}");
        let path = "/etc/apt/sources.list.d/pkgs_example_org_apt_x.list";
        let text = "deb [arch=amd64] http://user:pw@pkgs.example.org/apt/x stable main\n";
        assert_eq!(fake.text(path), text);
        assert_eq!(
            result["diff"][1],
            json!({"before": "", "after": text, "before_header": "/dev/null", "after_header": path})
        );
        let again = Call::new("apt_repository", json!({"repo": LINE})).run_on(&mut fake);
        assert_eq!(again["changed"], false);
        assert_eq!(again["diff"], json!({}));
        let gone = Call::new("apt_repository", json!({"repo": LINE, "state": "absent"}));
        assert_eq!(gone.run_on(&mut fake)["changed"], true);
        assert!(fake.tree("/etc/apt/sources.list.d").is_empty());
    }

    #[test]
    fn a_disabled_source_is_enabled_where_it_stands() {
        let mut fake = host();
        let args = json!({"repo": "deb-src http://a/ x main", "update_cache": false});
        let result = Call::new("apt_repository", args).run_on(&mut fake);
        assert_eq!(result["changed"], true, "{result:?}");
        assert_eq!(
            fake.text("/etc/apt/sources.list"),
            "deb-src http://a/ x main\n\ndeb http://a/ x main # a\n"
        );
    }

    #[test]
    fn what_can_not_be_fetched_is_undone() {
        let why = "E: The repository 'http://b x Release' does not have a Release file.\nN: see\n";
        let mut fake = host().on("/usr/bin/apt-get", Ran::of(100, "", why));
        let args = json!({"repo": "deb http://b x main", "update_cache_retries": 1});
        let result = Call::new("apt_repository", args).run_on(&mut fake);
        assert_eq!(
            result["msg"],
            "Failed to update apt cache: E:The repository 'http://b x Release' does not have a Release file."
        );
        assert!(fake.tree("/etc/apt/sources.list.d").is_empty());
    }

    #[test]
    fn nonsense_is_told() {
        let told = |repo: &str| {
            Call::new("apt_repository", json!({"repo": repo})).run_on(&mut host())["msg"].clone()
        };
        assert_eq!(told("rpm http://x"), "Invalid repository string: rpm http://x");
        assert_eq!(told("#deb http://x y"), "Invalid repository string: deb http://x y");
        assert_eq!(told(""), "Please set argument 'repo' to a non-empty value");
    }

    #[test]
    fn a_known_ppa_is_left_alone() {
        let line = "deb http://ppa.launchpad.net/o/n/ubuntu jammy main\n";
        let mut fake = host().file("/etc/apt/sources.list.d/o.list", line);
        let args = json!({"repo": "ppa:o/n", "codename": "jammy"});
        assert_eq!(Call::new("apt_repository", args.clone()).run_on(&mut fake)["changed"], false);
        let result = Call::new("apt_repository", args).run_on(&mut host());
        assert!(result["msg"].as_str().is_some_and(|msg| msg.contains("not supported")));
    }
}
