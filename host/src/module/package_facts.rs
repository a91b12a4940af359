//! `package_facts`: the packages of a host as facts.

mod apt;
mod cli;

use crate::data::{Data, Map};
use crate::module::{Args, Context, Failure, Kind, Lit, Module, Opt, Outcome, Returned};
use crate::python;

pub static MODULE: Module = Module {
    description: "Tells which packages are installed, as the fact `packages`: a list of versions for each name.",
    options: &[
        Opt::list("manager", Kind::Str)
            .default(Lit::List(&["auto"]))
            .doc("The managers of packages to ask; `auto` tries all."),
        Opt::str("strategy")
            .or_str("first")
            .choices(&[Lit::Str("first"), Lit::Str("all")])
            .doc("Whether the first that is there is enough."),
    ],
    returns: &[Returned::new(
        "ansible_facts",
        "dict",
        "always",
        "`packages`: name, version, architecture, source and more of each.",
    )],
    examples: "- name: Which packages are there\n  ansible.builtin.package_facts:\n",
    ..Module::builtin("package_facts", "Gathers installed packages as facts", run)
};

/// A package: its name and what else its manager tells.
type Package = (String, Map);

/// A manager of packages: asks it, `None` where the host has it not.
type Ask = fn(&mut Context<'_>) -> Result<Option<Vec<Package>>, Failure>;

const MANAGERS: [(&str, Ask); 6] = [
    ("rpm", cli::rpm),
    ("apt", apt::list),
    ("pacman", cli::pacman),
    ("pkg", cli::pkg),
    ("portage", cli::portage),
    ("apk", cli::apk),
];

fn run(cx: &mut Context<'_>, args: &mut Args) -> Result<Outcome, Failure> {
    let asked: Vec<String> = args.strings("manager");
    let mut managers: Vec<String> = asked.iter().map(|name| name.to_lowercase()).collect();
    if let Some(auto) = managers.iter().position(|name| name == "auto") {
        managers.extend(MANAGERS.iter().map(|(name, _)| (*name).to_owned()));
        managers.remove(auto);
    }
    let known = |name: &String| MANAGERS.iter().any(|(known, _)| known == name);
    let unsupported: Vec<String> = managers.iter().filter(|name| !known(name)).cloned().collect();
    if !unsupported.is_empty() {
        let msg = match asked.iter().any(|name| name == "auto") {
            true => "Could not auto detect a usable package manager, check warnings for details."
                .to_owned(),
            false => {
                format!("Unsupported package managers requested: {}", unsupported.join(", "))
            }
        };
        return Err(Failure::new(msg));
    }
    let mut packages: Option<Map> = None;
    let mut seen: Vec<&String> = Vec::new();
    for name in &managers {
        if packages.is_some() && args.req("strategy") == "first" {
            break;
        }
        if seen.contains(&name) {
            continue;
        }
        seen.push(name);
        let Some((_, ask)) = MANAGERS.iter().find(|(known, _)| known == name) else { continue };
        match ask(cx) {
            Ok(None) => {}
            Ok(Some(found)) => collect(packages.get_or_insert_default(), found, name),
            Err(failure) if asked.contains(name) => cx.warn(format!(
                "Requested package manager {name} was not usable by this module: {}",
                failure.msg
            )),
            Err(_) => {}
        }
    }
    let Some(packages) = packages else {
        let list = python::repr(&Data::from(managers));
        return Err(Failure::new(format!(
            "Could not detect a supported package manager from the following list: {list}, or the required Python \
             library is not installed. Check warnings for details."
        )));
    };
    let facts = Map::from_iter([("packages".to_owned(), Data::Object(packages))]);
    Ok(Outcome::silent().facts(facts))
}

/// Adds one manager's packages: those of a name stand together.
fn collect(packages: &mut Map, found: Vec<Package>, manager: &str) {
    let mut own = Map::new();
    for (name, mut details) in found {
        details.insert("source".into(), manager.into());
        match own.entry(name) {
            serde_json::map::Entry::Occupied(mut entry) => {
                if let Data::Array(list) = entry.get_mut() {
                    list.push(details.into());
                }
            }
            serde_json::map::Entry::Vacant(entry) => {
                entry.insert(Data::Array(vec![details.into()]));
            }
        }
    }
    packages.extend(own);
}

#[cfg(test)]
mod tests {
    use crate::call::Call;
    use crate::target::Ran;
    use crate::target::fake::Fake;
    use serde_json::json;

    #[test]
    fn packages_of_rpm() {
        let mut fake = Fake::new().program("rpm").on(
            "/usr/bin/rpm",
            Ran::of(0, "a|1|2|(none)|x86_64\na|2|1|1|noarch\ngpg-pubkey|1|2|(none)|(none)\n", ""),
        );
        let result = Call::new("package_facts", json!({})).run_on(&mut fake);
        let packages = &result["ansible_facts"]["packages"];
        assert_eq!(
            packages["a"],
            json!([{"name": "a", "version": "1", "release": "2", "epoch": null, "arch": "x86_64", "source": "rpm"},
                   {"name": "a", "version": "2", "release": "1", "epoch": 1, "arch": "noarch", "source": "rpm"}])
        );
        assert_eq!(packages["gpg-pubkey"][0]["arch"], json!(null));
    }

    #[test]
    fn packages_of_apt() {
        let policy = "Package files:\n 100 /var/lib/dpkg/status\n     release a=now\n 500 http://d/debian bookworm/main amd64 Packages\n     release v=12.5,o=Debian,a=stable\n     origin d\nPinned packages:\n";
        let versions = "bash:\n  Installed: 5.2\n  Candidate: 5.2\n  Version table:\n *** 5.2 500\n        500 http://d/debian bookworm/main amd64 Packages\n        100 /var/lib/dpkg/status\nown:\n  Installed: 1\n  Version table:\n *** 1 100\n        100 /var/lib/dpkg/status\n";
        let mut fake = Fake::new()
            .program("dpkg-query")
            .program("dpkg")
            .program("apt-cache")
            .on("/usr/bin/dpkg-query", Ran::of(0, "installed|bash|5.2|amd64|shells\nconfig-files|gone|1|all|x\ninstalled|own|1|all|misc\n", ""))
            .on("/usr/bin/dpkg ", Ran::of(0, "amd64\n", ""))
            .on("/usr/bin/apt-cache policy bash", Ran::of(0, versions, ""))
            .on("/usr/bin/apt-cache policy", Ran::of(0, policy, ""));
        let result = Call::new("package_facts", json!({"manager": ["apt"]})).run_on(&mut fake);
        assert_eq!(
            result["ansible_facts"]["packages"],
            json!({
                "bash": [{"name": "bash", "version": "5.2", "arch": "amd64", "category": "shells", "origin": "Debian", "source": "apt"}],
                "own": [{"name": "own", "version": "1", "arch": "all", "category": "misc", "origin": "", "source": "apt"}]
            })
        );
    }

    #[test]
    fn managers_that_are_not_there() {
        let told = |manager: &str| {
            Call::new("package_facts", json!({"manager": manager})).run_on(&mut Fake::new())["msg"]
                .clone()
        };
        assert_eq!(told("winget"), "Unsupported package managers requested: winget");
        assert_eq!(
            told("rpm"),
            "Could not detect a supported package manager from the following list: ['rpm'], or the required Python library is not installed. Check warnings for details."
        );
    }
}
