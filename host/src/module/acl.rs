//! `acl`: access control lists of files.

use crate::data::Data;
use crate::module::{Args, CheckMode, Context, Failure, Lit, Module, Opt, Outcome, Returned};
use crate::target::Run;

pub static MODULE: Module = Module {
    collection: "ansible.posix",
    aliases: &["ansible.builtin.acl"],
    description: "Sets and removes entries of access control lists by `setfacl`, and tells them.",
    options: &[
        Opt::path("path").required().aliases(&["name"]).doc("The file or folder."),
        Opt::str("entry")
            .doc("An entry as a whole, as in `user:joe:r`; the options below replace it."),
        Opt::str("entity").or_str("").doc("The user or group."),
        Opt::str("etype")
            .choices(&[Lit::Str("group"), Lit::Str("mask"), Lit::Str("other"), Lit::Str("user")])
            .doc("Whom the entry is about."),
        Opt::str("permissions").doc("Letters of `rwxX`."),
        Opt::str("state")
            .or_str("query")
            .choices(&[Lit::Str("absent"), Lit::Str("present"), Lit::Str("query")])
            .doc("Whether the entry is to be there; `query` only tells the list."),
        Opt::bool("follow").or(true).doc("Whether links are followed."),
        Opt::bool("default")
            .or(false)
            .doc("Whether what is made in the folder shall have the entry."),
        Opt::bool("recursive")
            .or(false)
            .aliases(&["recurse"])
            .doc("All that is in the folder too."),
        Opt::str("recalculate_mask")
            .or_str("default")
            .choices(&[Lit::Str("default"), Lit::Str("mask"), Lit::Str("no_mask")])
            .doc("Whether the mask is computed anew; `default` leaves it to `setfacl`."),
        Opt::bool("use_nfsv4_acls").or(false).doc("Whether entries are those of NFSv4."),
    ],
    check_mode: CheckMode::Full,
    returns: &[Returned::new(
        "acl",
        "list",
        "always",
        "The list that is there now, a text an entry.",
    )],
    examples: "- name: Joe may read the log\n  ansible.posix.acl:\n    path: /var/log/shop.log\n    entity: joe\n    etype: user\n    permissions: r\n    state: present\n",
    version_added: "1.0.0",
    ..Module::builtin("acl", "Manages access control lists of files", run)
};

fn run(cx: &mut Context<'_>, args: &mut Args) -> Result<Outcome, Failure> {
    let path = args.path("path");
    if !cx.target.exists(&path) {
        return Err(Failure::new("Path not found or not accessible."));
    }
    refuse(args)?;
    let state = args.string("state");
    let entry = Entry::of(args)?;
    let mut changed = false;
    let mut msg = "current acl".to_owned();
    if state != "query" {
        let present = state == "present";
        let text = entry.text(args, present)?;
        let command = command(cx, args, entry.default, Some((present, &text)))?;
        changed = differs(cx, &command)?;
        if changed && !cx.check {
            let run = Run::argv(&command);
            // An entry that can't be removed is not there any more.
            if present {
                cx.run_ok(&run)?
            } else {
                cx.run(&run)?
            };
        }
        msg = format!("{text} is {state}");
    }
    let get = command(cx, args, entry.default, None)?;
    let acl = lines(&cx.run_ok(&Run::argv(get))?.out());
    Ok(Outcome::new(changed).msg(msg).with("acl", acl))
}

fn refuse(args: &Args) -> Result<(), Failure> {
    let given = |name: &str| args.str(name).is_some_and(|text| !text.is_empty());
    let (state, entry) = (args.req("state"), args.str("entry").filter(|entry| !entry.is_empty()));
    let refused = |msg: &str| Err(Failure::new(msg));
    if state == "query" && args.bool("recursive") {
        return refused("'recursive' MUST NOT be set when 'state=query'.");
    }
    if state == "query" && matches!(args.req("recalculate_mask"), "mask" | "no_mask") {
        return refused(
            "'recalculate_mask' MUST NOT be set to 'mask' or 'no_mask' when 'state=query'.",
        );
    }
    let Some(entry) = entry else {
        return match state {
            "absent" if given("permissions") => {
                refused("'permissions' MUST NOT be set when 'state=absent'.")
            }
            "absent" if !given("entity") => refused("'entity' MUST be set when 'state=absent'."),
            "present" | "absent" if !given("etype") => {
                refused(&format!("'etype' MUST be set when 'state={state}'."))
            }
            _ => Ok(()),
        };
    };
    if ["etype", "entity", "permissions"].into_iter().any(given) {
        return refused("'entry' MUST NOT be set when 'entity', 'etype' or 'permissions' are set.");
    }
    let colons = entry.matches(':').count();
    match state {
        "present" if !(2..=3).contains(&colons) => {
            refused("'entry' MUST have 3 or 4 sections divided by ':' when 'state=present'.")
        }
        "absent" if !(1..=2).contains(&colons) => {
            refused("'entry' MUST have 2 or 3 sections divided by ':' when 'state=absent'.")
        }
        "query" => refused("'entry' MUST NOT be set when 'state=query'."),
        _ => Ok(()),
    }
}

/// What an entry says.
struct Entry {
    default: bool,
    kind: String,
    entity: String,
    permissions: Option<String>,
}

impl Entry {
    fn of(args: &Args) -> Result<Entry, Failure> {
        let default = args.bool("default");
        let Some(entry) = args.str("entry").filter(|entry| !entry.is_empty()) else {
            return Ok(Entry {
                default,
                kind: args.string("etype"),
                entity: args.string("entity"),
                permissions: args.str("permissions").map(str::to_owned),
            });
        };
        let mut parts: Vec<&str> = entry.split(':').collect();
        let of_folder = entry.to_lowercase().starts_with('d');
        if of_folder {
            parts.remove(0);
        }
        let (kind, entity, permissions) = match parts.as_slice() {
            [kind, entity] => (*kind, *entity, None),
            [kind, entity, permissions] => (*kind, *entity, Some((*permissions).to_owned())),
            _ => {
                let which = if parts.len() > 3 { "too many" } else { "not enough" };
                let expected = match parts.len() {
                    count if count > 3 => "expected 3".to_owned(),
                    count => format!("expected 3, got {count}"),
                };
                let text = format!("{which} values to unpack ({expected})");
                return Err(Failure::crash("ValueError", text));
            }
        };
        let kind = match kind.to_lowercase().chars().next() {
            Some('u') => "user",
            Some('g') => "group",
            Some('m') => "mask",
            Some('o') => "other",
            _ => {
                let text = "unsupported operand type(s) for +: 'NoneType' and 'str'";
                return Err(Failure::crash("TypeError", text));
            }
        };
        Ok(Entry {
            default: default || of_folder,
            kind: kind.into(),
            entity: entity.into(),
            permissions,
        })
    }

    /// As `setfacl` takes it.
    fn text(&self, args: &Args, present: bool) -> Result<String, Failure> {
        let Entry { kind, entity, permissions, .. } = self;
        let permissions = permissions.as_deref().filter(|_| present);
        if present && args.bool("use_nfsv4_acls") {
            let Some(permissions) = permissions else {
                let text = "sequence item 2: expected str instance, NoneType found";
                return Err(Failure::crash("TypeError", text));
            };
            return Ok(format!("{kind}:{entity}:{permissions}:allow"));
        }
        if args.bool("use_nfsv4_acls") {
            // ansible.posix takes the option for the permissions when an entry goes.
            let text = "can only concatenate str (not \"bool\") to str";
            return Err(Failure::crash("TypeError", text));
        }
        Ok(match permissions.filter(|permissions| !permissions.is_empty()) {
            Some(permissions) => format!("{kind}:{entity}:{permissions}"),
            None => format!("{kind}:{entity}"),
        })
    }
}

/// The command that sets or removes an entry, or tells them all.
fn command(
    cx: &mut Context<'_>,
    args: &Args,
    default: bool,
    entry: Option<(bool, &str)>,
) -> Result<Vec<String>, Failure> {
    let name = if entry.is_some() { "setfacl" } else { "getfacl" };
    let mut words = vec![cx.program(name)?.to_string_lossy().into_owned()];
    let mut add = |word: &str| words.push(word.to_owned());
    if default {
        add("-d");
    }
    match entry {
        Some((present, entry)) => {
            add(if present { "-m" } else { "-x" });
            add(entry);
        }
        None => {
            add("--omit-header");
            add("--absolute-names");
        }
    }
    if args.bool("recursive") {
        add("--recursive");
    }
    match args.req("recalculate_mask") {
        "mask" if entry.is_some() => add("--mask"),
        "no_mask" if entry.is_some() => add("--no-mask"),
        _ => {}
    }
    if !args.bool("follow") {
        add("--physical");
    }
    add(args.req("path"));
    Ok(words)
}

/// Whether the command would change anything: `setfacl --test` ends lines with `*,*` where it would not.
fn differs(cx: &mut Context<'_>, command: &[String]) -> Result<bool, Failure> {
    let mut words = command.to_vec();
    words.insert(1, "--test".into());
    let tried = cx.run_ok(&Run::argv(words))?;
    Ok(lines(&tried.out()).iter().any(|line| !line.as_str().is_some_and(|l| l.ends_with("*,*"))))
}

/// The lines that are no comments, without an empty one at the end.
fn lines(out: &str) -> Vec<Data> {
    let mut lines: Vec<&str> =
        out.lines().filter(|line| !line.starts_with('#')).map(str::trim).collect();
    if lines.last().is_some_and(|last| last.is_empty()) {
        lines.pop();
    }
    lines.into_iter().map(Data::from).collect()
}

#[cfg(test)]
mod tests {
    use crate::call::Call;
    use crate::target::Ran;
    use crate::target::fake::Fake;
    use serde_json::{Value, json};

    fn call(args: Value) -> (Value, Vec<String>) {
        let mut fake = Fake::new()
            .file("/srv/x", "")
            .program("setfacl")
            .program("getfacl")
            .on("/usr/bin/setfacl --test -m user:bob:r /srv/x", Ran::of(0, "/srv/x: *,*\n", ""))
            .on("/usr/bin/setfacl --test", Ran::of(0, "/srv/x: u::rw-,u:joe:r--,*\n", ""))
            .on("/usr/bin/setfacl", Ran::of(0, "", ""))
            .on("/usr/bin/getfacl", Ran::of(0, "# file\nuser::rw-\nuser:joe:r--\n\n", ""));
        let mut all = json!({"path": "/srv/x"});
        if let (Value::Object(all), Value::Object(args)) = (&mut all, args) {
            all.extend(args);
        }
        let result = Call::new("ansible.posix.acl", all).run_on(&mut fake).into();
        (result, fake.runs)
    }

    #[test]
    fn entries() {
        let args =
            json!({"etype": "user", "entity": "joe", "permissions": "r", "state": "present"});
        let (result, runs) = call(args);
        assert_eq!(result["msg"], "user:joe:r is present");
        assert_eq!(result["acl"], json!(["user::rw-", "user:joe:r--"]));
        assert_eq!(runs[1], "/usr/bin/setfacl -m user:joe:r /srv/x");
        let (result, runs) = call(json!({"entry": "user:bob:r", "state": "present"}));
        assert_eq!((&result["changed"], runs.len()), (&json!(false), 2), "{result}");
        let (_, runs) = call(
            json!({"entry": "d:g:adm", "state": "absent", "recursive": true, "follow": false, "recalculate_mask": "no_mask"}),
        );
        assert_eq!(
            runs[1],
            "/usr/bin/setfacl -d -x group:adm --recursive --no-mask --physical /srv/x"
        );
    }

    #[test]
    fn what_is_refused() {
        let msg = |args: Value| call(args).0["msg"].clone();
        assert_eq!(msg(json!({"path": "/gone"})), "Path not found or not accessible.");
        assert_eq!(msg(json!({"state": "absent"})), "'entity' MUST be set when 'state=absent'.");
        assert_eq!(
            msg(json!({"state": "present", "entry": "u:a"})),
            "'entry' MUST have 3 or 4 sections divided by ':' when 'state=present'."
        );
        assert_eq!(
            msg(json!({"recursive": true})),
            "'recursive' MUST NOT be set when 'state=query'."
        );
    }
}
