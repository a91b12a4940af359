//! `getent`: entries of the databases that the name service switch knows, as facts.

use crate::module::{Args, CheckMode, Context, Data, Failure, Map, Module, Opt, Outcome, Returned};
use crate::target::Run;

pub static MODULE: Module = Module {
    description: "Asks `getent` for entries of a database (passwd, group, hosts, services, …) and makes facts of them, \
        `ansible_facts.getent_` with the database's name.",
    options: &[
        Opt::str("database").required().doc("The database."),
        Opt::str("key").not_secret().doc("The key to look for; all entries if not said, where the database can list them."),
        Opt::str("service").since("2.9").doc("Ask this service only, whatever the switch says."),
        Opt::str("split").doc(
            "What parts the values of an entry: a colon for passwd, shadow, group and gshadow, white space for others if not said.",
        ),
        Opt::bool("fail_key").or(true).doc("Fail if the key is not there."),
    ],
    check_mode: CheckMode::Full,
    returns: &[Returned::new("ansible_facts", "dict", "always", "The entries, by their keys.")],
    examples: "- name: Who is root?\n  ansible.builtin.getent:\n    database: passwd\n    key: root\n\n- ansible.builtin.debug:\n    var: ansible_facts.getent_passwd\n",
    version_added: "1.8",
    ..Module::builtin("getent", "Asks the databases of the name service switch", run)
};

fn run(cx: &mut Context<'_>, args: &mut Args) -> Result<Outcome, Failure> {
    let program = cx.program("getent")?;
    let database = args.string("database");
    let mut line = Run::argv([program.into_os_string()]).arg(&database);
    if let Some(key) = args.str("key") {
        line = line.arg(key);
    }
    if let Some(service) = args.str("service") {
        line = line.args(["-s", service]);
    }
    let colons = ["passwd", "shadow", "group", "gshadow"].contains(&database.as_str());
    let split = args.str("split").or(colons.then_some(":"));
    let ran = cx.run(&line)?;
    let facts = |entries: Map| {
        let mut facts = Map::new();
        facts.insert(format!("getent_{database}"), entries.into());
        Outcome::silent().facts(facts)
    };
    let msg = match ran.rc {
        0 => return Ok(facts(entries(&ran.out(), split)?)),
        1 => "Missing arguments, or database unknown.",
        2 => "One or more supplied key could not be found in the database.",
        3 => "Enumeration not supported on this database.",
        _ => "Unexpected failure!",
    };
    if ran.rc == 2 && !args.bool("fail_key") {
        let mut missing = Map::new();
        missing.insert(args.str("key").unwrap_or("null").to_owned(), Data::Null);
        return Ok(facts(missing).msg(msg));
    }
    Err(Failure::new(msg))
}

/// Entries by their first word. A key that comes again makes a list of all its values.
fn entries(out: &str, split: Option<&str>) -> Result<Map, Failure> {
    let mut all = Map::new();
    let mut several: Vec<String> = Vec::new();
    for line in out.lines() {
        let words: Vec<&str> = match split {
            None => line.split_whitespace().collect(),
            Some("") => return Err(Failure::crash("ValueError", "empty separator")),
            Some(split) => line.split(split).collect(),
        };
        let Some((key, values)) = words.split_first() else {
            return Err(Failure::crash("IndexError", "list index out of range"));
        };
        let values: Data = values.iter().map(|value| Data::from(*value)).collect();
        match all.get_mut(*key) {
            None => {
                all.insert((*key).to_owned(), values);
            }
            Some(known) => {
                if !several.iter().any(|name| name == key) {
                    several.push((*key).to_owned());
                    *known = Data::Array(vec![known.take()]);
                }
                if let Data::Array(known) = known {
                    known.push(values);
                }
            }
        }
    }
    Ok(all)
}

#[cfg(test)]
mod tests {
    use crate::call::Call;
    use crate::target::Ran;
    use crate::target::fake::Fake;
    use serde_json::json;

    #[test]
    fn entries_are_facts() {
        let mut fake = Fake::new()
            .program("getent")
            .on("/usr/bin/getent passwd root", Ran::of(0, "root:x:0:0:root:/root:/bin/sh\n", ""))
            .on("/usr/bin/getent hosts", Ran::of(0, "::1  a b\n1.2.3.4 c\n::1 d\n", ""))
            .on("/usr/bin/getent group no", Ran::of(2, "", ""));
        let mut ask = |args| Call::new("getent", args).run_on(&mut fake);
        let result = ask(json!({"database": "passwd", "key": "root"}));
        assert_eq!(
            result["ansible_facts"]["getent_passwd"],
            json!({"root": ["x", "0", "0", "root", "/root", "/bin/sh"]})
        );
        assert!(!result.contains_key("changed"));
        let result = ask(json!({"database": "hosts"}));
        assert_eq!(
            result["ansible_facts"]["getent_hosts"],
            json!({"::1": [["a", "b"], ["d"]], "1.2.3.4": ["c"]})
        );
        let result = ask(json!({"database": "group", "key": "no", "fail_key": false}));
        assert_eq!(result["ansible_facts"]["getent_group"], json!({"no": null}));
        let result = ask(json!({"database": "group", "key": "no"}));
        assert_eq!(result["msg"], "One or more supplied key could not be found in the database.");
    }
}
