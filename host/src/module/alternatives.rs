//! `alternatives`: which of several programs answers to a name.

use std::path::Path;

use crate::data::{Data, Map};
use crate::module::{Args, CheckMode, Context, Diff, Failure, Kind, Lit, Module, Opt, Outcome};
use crate::regex::{Flags, Pattern};
use crate::target::Run;

pub static MODULE: Module = Module {
    collection: "community.general",
    aliases: &["ansible.builtin.alternatives"],
    description: "Installs, chooses and removes alternatives by `update-alternatives`.",
    options: &[
        Opt::str("name").required().doc("The name of the link group, such as `java`."),
        Opt::path("path").required().doc("The program."),
        Opt::path("link").doc("The link that stands for it; needed if the group is not there yet."),
        Opt::int("priority").doc("Its priority; 50 for a new one."),
        Opt::str("state")
            .or_str("selected")
            .choices(&[
                Lit::Str("present"),
                Lit::Str("selected"),
                Lit::Str("absent"),
                Lit::Str("auto"),
            ])
            .since("4.8.0")
            .doc("`present` only installs it, `selected` chooses it too, `auto` lets the priorities choose."),
        Opt::list("subcommands", Kind::Dict)
            .aliases(&["slaves"])
            .since("5.1.0")
            .options(&[
                Opt::str("name").required().doc("The name."),
                Opt::path("path").required().doc("The program."),
                Opt::path("link").required().doc("The link."),
            ])
            .doc("Further links that go with it."),
    ],
    check_mode: CheckMode::Full,
    examples: "- name: Editors are vim\n  community.general.alternatives:\n    name: editor\n    path: /usr/bin/vim.basic\n",
    ..Module::builtin("alternatives", "Manages alternative programs for common commands", run)
};

/// An alternative that is installed.
#[derive(Debug, Clone, PartialEq)]
struct Known {
    path: String,
    priority: i64,
    subcommands: Vec<Data>,
}

/// What `update-alternatives --display` tells.
#[derive(Debug, Default)]
struct Group {
    mode: Option<String>,
    path: Option<String>,
    link: Option<String>,
    all: Vec<Known>,
}

impl Group {
    fn known(&self, path: &str) -> Option<&Known> {
        self.all.iter().find(|known| known.path == path)
    }
}

fn run(cx: &mut Context<'_>, args: &mut Args) -> Result<Outcome, Failure> {
    let program = cx.program("update-alternatives")?.to_string_lossy().into_owned();
    let (name, path) = (args.string("name"), args.string("path"));
    let state = args.string("state");
    let ran = cx.run(&Run::argv([program.as_str(), "--display", &name]).env("LC_ALL", "C"))?;
    let asked = args.list("subcommands").map(<[Data]>::to_vec);
    let group = if ran.ok() { parsed(&ran.out(), asked.as_deref())? } else { Group::default() };
    let known = group.known(&path).cloned();
    let mut after = Map::new();
    let mut steps: Vec<(Vec<String>, String)> = Vec::new();
    if state == "absent" {
        if known.is_some() {
            after = one("state", "absent");
            let words = vec!["--remove".to_owned(), name.clone(), path.clone()];
            steps.push((words, format!("Remove alternative '{path}' from '{name}'.")));
        }
    } else {
        let differs = known.as_ref().is_none_or(|known| {
            args.int("priority").is_some_and(|priority| priority != known.priority)
                || asked.as_ref().is_some_and(|asked| {
                    !known.subcommands.iter().all(|sub| asked.contains(sub))
                        || !asked.iter().all(|sub| known.subcommands.contains(sub))
                })
        });
        if differs {
            let (words, whole) = install(cx, args, &group, known.as_ref())?;
            after = whole;
            steps.push((words, format!("Install alternative '{path}' for '{name}'.")));
        }
        if state == "selected" && group.path.as_deref() != Some(path.as_str()) {
            after.insert("state".into(), "selected".into());
            let words = vec!["--set".to_owned(), name.clone(), path.clone()];
            steps.push((words, format!("Set alternative '{path}' for '{name}'.")));
        }
        if state == "auto" && group.mode.as_deref() == Some("manual") {
            after.insert("state".into(), "present".into());
            let words = vec!["--auto".to_owned(), name.clone()];
            steps.push((words, format!("Set alternative to auto for '{name}'.")));
        }
    }
    if !cx.check {
        for (words, _) in &steps {
            cx.run_ok(&Run::argv([&program]).args(words.clone()).env("LC_ALL", "C"))?;
        }
    }
    let (before, after) = match cx.diff && ran.ok() && group.mode.is_some() {
        true => (before(&group, known.as_ref(), &path), after),
        false if cx.diff => (Map::new(), after),
        false => (Map::new(), Map::new()),
    };
    let messages: Vec<&str> = steps.iter().map(|(_, message)| message.as_str()).collect();
    Ok(Outcome::new(!steps.is_empty()).msg(messages.join(" ")).diff(Diff::of(before, after)))
}

fn one(key: &str, value: &str) -> Map {
    [(key.to_owned(), value.into())].into_iter().collect()
}

/// The words that install it, and what is then.
fn install(
    cx: &mut Context<'_>,
    args: &Args,
    group: &Group,
    known: Option<&Known>,
) -> Result<(Vec<String>, Map), Failure> {
    let path = args.string("path");
    if !cx.target.exists(Path::new(&path)) {
        return Err(Failure::new(format!("Specified path {path} does not exist")));
    }
    let link = args.str("link").filter(|link| !link.is_empty()).map(str::to_owned);
    let Some(link) = link.or_else(|| group.link.clone()) else {
        return Err(Failure::new(
            "Needed to install the alternative, but unable to do so as we are missing the link",
        ));
    };
    let priority = args.int("priority").unwrap_or_else(|| known.map_or(50, |known| known.priority));
    let mut words = vec![
        "--install".to_owned(),
        link.clone(),
        args.string("name"),
        path.clone(),
        priority.to_string(),
    ];
    let asked = args.list("subcommands");
    for sub in asked.unwrap_or_default() {
        let part = |key: &str| sub.get(key).and_then(Data::as_str).unwrap_or_default().to_owned();
        words.extend(["--slave".to_owned(), part("link"), part("name"), part("path")]);
    }
    let mut after = one("state", "present");
    after.insert("path".into(), path.into());
    after.insert("priority".into(), priority.into());
    after.insert("link".into(), link.into());
    let kept = known.map(|known| known.subcommands.clone());
    let subcommands = asked.map(<[Data]>::to_vec).or(kept).unwrap_or_default();
    if !subcommands.is_empty() {
        after.insert("subcommands".into(), subcommands.into());
    }
    Ok((words, after))
}

fn before(group: &Group, known: Option<&Known>, path: &str) -> Map {
    let Some(known) = known else { return one("state", "absent") };
    let mut before = one("state", "present");
    before.insert("path".into(), path.into());
    before.insert("priority".into(), known.priority.into());
    before.insert("link".into(), group.link.clone().map_or(Data::Null, Data::from));
    if !known.subcommands.is_empty() {
        before.insert("subcommands".into(), known.subcommands.clone().into());
    }
    if group.mode.as_deref() == Some("manual") && group.path.as_deref() != Some(path) {
        before.insert("state".into(), "selected".into());
    }
    before
}

/// What `--display` writes; links of subcommands that it leaves out are those that are asked for.
fn parsed(out: &str, asked: Option<&[Data]>) -> Result<Group, Failure> {
    let flags = Flags { multiline: true, ..Flags::default() };
    let search = |pattern: &str, text: &str, group: usize| {
        let pattern = Pattern::new(pattern, flags)?;
        let found = pattern.search(text)?;
        Ok::<_, Failure>(found.and_then(|found| found.group(text, group).map(str::to_owned)))
    };
    let mode = search(r"\s-\s(?:status\sis\s)?(\w*)(?:\smode|.)$", out, 1)?;
    if mode.is_none() {
        return Ok(Group::default());
    }
    let path = search(r"^\s*link currently points to (.*)$", out, 1)?;
    let link = search(r"^\s*link \w+ is (.*)$", out, 1)?;
    let mut links: Vec<(String, String)> = Vec::new();
    let line = Pattern::new(r"^\s*(?:slave|follower) (\S+) is (.*)$", flags)?;
    for found in line.find_all(out, None)? {
        let part = |group| found.group(out, group).unwrap_or_default().to_owned();
        links.push((part(1), part(2)));
    }
    if links.is_empty() {
        for sub in asked.unwrap_or_default() {
            let part =
                |key: &str| sub.get(key).and_then(Data::as_str).unwrap_or_default().to_owned();
            links.push((part("name"), part("link")));
        }
    }
    let line = Pattern::new(
        r"^(\/.*)\s-\s(?:family\s\S+\s)?priority\s(\d+)((?:\s+(?:slave|follower).*)*)",
        flags,
    )?;
    let follower = Pattern::new(r"^\s+(?:slave|follower) (.*): (.*)$", flags)?;
    let mut all = Vec::new();
    for found in line.find_all(out, None)? {
        let part = |group| found.group(out, group).unwrap_or_default();
        let rest = part(3);
        let mut subcommands = Vec::new();
        for sub in follower.find_all(rest, None)? {
            let part = |group| sub.group(rest, group).unwrap_or_default();
            if part(2) == "(null)" {
                continue;
            }
            let link = links.iter().find(|(name, _)| name == part(1));
            let mut map = one("name", part(1));
            map.insert("path".into(), part(2).into());
            let link = link.map_or(Data::Null, |(_, link)| link.as_str().into());
            map.insert("link".into(), link);
            subcommands.push(map.into());
        }
        let priority = part(2).parse().unwrap_or(0);
        all.push(Known { path: part(1).to_owned(), priority, subcommands });
    }
    Ok(Group { mode, path, link, all })
}

#[cfg(test)]
mod tests {
    use crate::call::Call;
    use crate::target::Ran;
    use crate::target::fake::Fake;
    use serde_json::{Value, json};

    const DISPLAY: &str = "editor - manual mode
  link best version is /usr/bin/vim
  link currently points to /bin/nano
  link editor is /usr/bin/editor
  slave editor.1.gz is /usr/share/man/man1/editor.1.gz
/bin/nano - priority 40
  slave editor.1.gz: /usr/share/man/man1/nano.1.gz
/usr/bin/vim - priority 50
";

    fn host() -> Fake {
        Fake::new()
            .program("update-alternatives")
            .program("vim")
            .file("/usr/bin/ed", "")
            .on("/usr/bin/update-alternatives --display editor", Ran::of(0, DISPLAY, ""))
            .on("/usr/bin/update-alternatives --display", Ran::of(2, "", "no alternatives"))
            .on("/usr/bin/update-alternatives", Ran::of(0, "", ""))
    }

    fn call(fake: &mut Fake, args: Value) -> Value {
        Call::new("alternatives", args).diff().run_on(fake).into()
    }

    #[test]
    fn one_is_chosen() {
        let result = call(&mut host(), json!({"name": "editor", "path": "/bin/nano"}));
        assert_eq!(result["changed"], false, "{result}");
        let mut fake = host();
        let result = call(&mut fake, json!({"name": "editor", "path": "/usr/bin/vim"}));
        assert_eq!(result["msg"], "Set alternative '/usr/bin/vim' for 'editor'.");
        assert_eq!(result["diff"]["before"]["state"], "selected");
        assert_eq!(fake.runs[1], "/usr/bin/update-alternatives --set editor /usr/bin/vim");
        let mut fake = host();
        let result =
            call(&mut fake, json!({"name": "editor", "path": "/usr/bin/vim", "state": "auto"}));
        assert_eq!(result["msg"], "Set alternative to auto for 'editor'.");
    }

    #[test]
    fn one_is_installed_and_removed() {
        let mut fake = host();
        let args = json!({"name": "editor", "path": "/usr/bin/ed", "priority": 10,
            "subcommands": [{"name": "e.1", "path": "/m/e.1", "link": "/l/e.1"}]});
        let result = call(&mut fake, args);
        assert_eq!(
            fake.runs[1],
            "/usr/bin/update-alternatives --install /usr/bin/editor editor /usr/bin/ed 10 --slave /l/e.1 e.1 /m/e.1",
            "{result}"
        );
        assert_eq!(fake.runs.len(), 3);
        let args = json!({"name": "pager", "path": "/usr/bin/ed", "state": "present"});
        let why =
            "Needed to install the alternative, but unable to do so as we are missing the link";
        assert_eq!(call(&mut host(), args)["msg"], why);
        let mut fake = host();
        let args = json!({"name": "editor", "path": "/bin/nano", "state": "absent"});
        assert_eq!(call(&mut fake, args)["msg"], "Remove alternative '/bin/nano' from 'editor'.");
        assert_eq!(fake.runs[1], "/usr/bin/update-alternatives --remove editor /bin/nano");
    }
}
