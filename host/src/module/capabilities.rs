//! `capabilities`: what a program may do beyond its user's rights.

use crate::module::{Args, CheckMode, Context, Failure, Lit, Module, Opt, Outcome};

pub static MODULE: Module = Module {
    collection: "community.general",
    aliases: &["ansible.builtin.capabilities"],
    description: "Gives a file a capability, or takes it away, by `setcap`.",
    options: &[
        Opt::str("path").required().aliases(&["key"]).doc("The file."),
        Opt::str("capability").required().aliases(&["cap"]).doc(
            "The capability with its operator and flags, such as `cap_net_bind_service+ep`; with `state=absent` the name is enough.",
        ),
        Opt::str("state")
            .or_str("present")
            .choices(&[Lit::Str("absent"), Lit::Str("present")])
            .doc("Whether the file is to have it."),
    ],
    check_mode: CheckMode::Full,
    examples: "- name: The shop listens on port 80\n  community.general.capabilities:\n    path: /srv/shop/bin/shop\n    capability: cap_net_bind_service+ep\n",
    ..Module::builtin("capabilities", "Manages capabilities of files", run)
};

/// A capability: its name, then operator and flags.
type Cap = (String, Option<(char, String)>);

fn run(cx: &mut Context<'_>, args: &mut Args) -> Result<Outcome, Failure> {
    let path = args.req("path").trim().to_owned();
    let asked = args.req("capability").trim().to_lowercase();
    let state = args.string("state");
    let getcap = cx.program("getcap")?;
    let setcap = cx.program("setcap")?;
    let present = state == "present";
    let wanted = parsed(&asked, present)?;
    let mut caps = current(cx, &format!("{} -v {path}", getcap.display()), &path)?;
    let changes = match present {
        true => !caps.contains(&wanted),
        false => caps.iter().any(|cap| cap.0 == wanted.0),
    };
    if !changes {
        return Ok(Outcome::new(false).with("state", state));
    }
    if cx.check {
        return Ok(Outcome::new(true).msg("capabilities changed"));
    }
    caps.retain(|cap| cap.0 != wanted.0);
    if present {
        caps.push(wanted);
    }
    let text = |(name, how): &Cap| match how {
        Some((operator, flags)) => format!("{name}{operator}{flags}"),
        None => name.clone(),
    };
    let text = caps.iter().map(text).collect::<Vec<_>>().join(" ");
    let ran = cx.run_line(&format!("{} '{text}' {path}", setcap.display()))?;
    if !ran.ok() {
        let failure = Failure::new(format!("Unable to set capabilities of {path}"));
        return Err(failure.with("stdout", ran.out()).with("stderr", ran.err()));
    }
    Ok(Outcome::new(true)
        .with("state", state)
        .msg("capabilities changed")
        .with("stdout", ran.out()))
}

/// What the file has. Older tools write `/x = cap_a,cap_b+ep`, newer ones `/x cap_a,cap_b=ep`.
fn current(cx: &mut Context<'_>, line: &str, path: &str) -> Result<Vec<Cap>, Failure> {
    let ran = cx.run_line(line)?;
    let out = ran.out();
    if !ran.ok() || !ran.stderr.is_empty() {
        let failure = Failure::new(format!("Unable to get capabilities of {path}"));
        return Err(failure.with("stdout", out.trim()).with("stderr", ran.err()));
    }
    if out.trim() == path {
        return Ok(Vec::new());
    }
    let words: Vec<&str> = match out.split(" =").nth(1) {
        Some(rest) => rest.split_whitespace().collect(),
        None => match out.split_whitespace().nth(1) {
            Some(word) => vec![word],
            None => return Err(Failure::crash("IndexError", "list index out of range")),
        },
    };
    let mut caps = Vec::new();
    for word in words {
        let word = word.to_lowercase();
        let (others, last) = word.rsplit_once(',').unwrap_or(("", &word));
        let last = parsed(last, true)?;
        caps.extend(
            others
                .split(',')
                .filter(|name| !name.is_empty())
                .map(|name| (name.to_owned(), last.1.clone())),
        );
        caps.push(last);
    }
    Ok(caps)
}

fn parsed(cap: &str, operator_needed: bool) -> Result<Cap, Failure> {
    let Some(operator) = ['=', '-', '+'].into_iter().find(|operator| cap.contains(*operator))
    else {
        if operator_needed {
            return Err(Failure::new("Couldn't find operator (one of: ('=', '-', '+'))"));
        }
        return Ok((cap.to_owned(), None));
    };
    let mut parts = cap.split(operator);
    match (parts.next(), parts.next(), parts.next()) {
        (Some(name), Some(flags), None) => {
            Ok((name.to_owned(), Some((operator, flags.to_owned()))))
        }
        _ => Err(Failure::crash("ValueError", "too many values to unpack (expected 2)")),
    }
}

#[cfg(test)]
mod tests {
    use crate::call::Call;
    use crate::target::Ran;
    use crate::target::fake::Fake;
    use serde_json::{Value, json};

    fn call(told: &str, args: Value) -> (Value, Vec<String>) {
        let mut fake = Fake::new()
            .program("getcap")
            .program("setcap")
            .on("/usr/bin/getcap", Ran::of(0, told, ""))
            .on("/usr/bin/setcap", Ran::of(0, "", ""));
        let mut all = json!({"path": "/x"});
        if let (Value::Object(all), Value::Object(args)) = (&mut all, args) {
            all.extend(args);
        }
        let result = Call::new("capabilities", all).run_on(&mut fake).into();
        (result, fake.runs)
    }

    #[test]
    fn capabilities() {
        let add = json!({"capability": "CAP_SYSLOG=ep"});
        let (_, runs) = call("/x\n", add.clone());
        assert_eq!(runs[1], "/usr/bin/setcap cap_syslog=ep /x");
        for told in ["/x cap_chown,cap_syslog=ep\n", "/x = cap_chown,cap_syslog=ep\n"] {
            let (result, _) = call(told, add.clone());
            assert_eq!(result["changed"], false, "{told}: {result}");
            let (_, runs) = call(told, json!({"capability": "cap_syslog", "state": "absent"}));
            assert_eq!(runs[1], "/usr/bin/setcap cap_chown=ep /x");
        }
        let (result, _) = call("/x\n", json!({"capability": "cap_syslog"}));
        assert_eq!(result["msg"], "Couldn't find operator (one of: ('=', '-', '+'))");
    }
}
