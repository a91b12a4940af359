//! The harness must be able to fail: these checks run before every use of it.

use std::fmt::Debug;

use crate::expect::{self, Expectation};
use crate::hosts::Done;
use crate::{compare, play, recap, scenario};

const OUTPUT: &str = "x\nPLAY RECAP ****\na : ok=1 changed=0 unreachable=0 failed=0\n\
                      b  : ok=2 changed=1 unreachable=0 failed=0\n\n";

pub fn run() -> Result<(), String> {
    let done = Done { status: 2, stdout: OUTPUT.to_string(), stderr: "one\n two".to_string() };
    for (line, holds) in [
        ("status 2", true),
        ("status 0", false),
        ("recap b ok=2 changed=1", true),
        ("recap b changed=0", false),
        ("recap c ok=0", false),
        ("unchanged", false),
        ("has one two", true),
        ("has three", false),
        ("lacks one", false),
        ("within 4", false),
    ] {
        let expectation = expect::parse(line)?;
        equal(line, expect::unmet(&[expectation], &done, 5.0).is_empty(), holds)?;
    }
    equal("no recap", recap::restless(&recap::parse("nothing")).len(), 1)?;
    equal("status", expect::parse("status x").is_err(), true)?;
    equal("recap", expect::parse("recap a").is_err(), true)?;
    scenarios()?;
    equal("blocks", compare::by_task("TASK [a]\nb\na\n"), compare::by_task("TASK [a]\na\nb\n"))?;
    equal("order", compare::by_task("TASK [a]\nb\n") == compare::by_task("b\nTASK [a]\n"), false)?;
    equal("guard", play::guard("h ansible_host=10.231.77.9", "10.231.77").is_ok(), true)?;
    equal("guard", play::guard("h ansible_host=192.168.4.61", "10.231.77").is_err(), true)?;
    equal("guard", play::guard("10.231.78.9:22", "10.231.77").is_err(), true)
}

fn scenarios() -> Result<(), String> {
    let text = "# why\n--- file a.yml mode=0600\nx\n\n--- run\nansible-playbook a.yml\n--- expect\nstatus 0\n--- again\n";
    let parsed = scenario::parse("t/n", text)?;
    equal("why", parsed.why.as_str(), "why")?;
    equal("steps", parsed.steps.len(), 2)?;
    let Some(scenario::StepKind::Run { expectations, .. }) = parsed.steps.last().map(|s| &s.kind)
    else {
        return Err("self-test: `again` is no run".to_string());
    };
    equal("again", expectations.contains(&Expectation::Unchanged), true)?;
    for bad in [
        "--- run\nx\n--- expect\nstatus 0\n",
        "# w\n--- run\nx\n",
        "# w\n--- again\n",
        "# w\n--- file ../a\n--- run\nx\n--- expect\nstatus 0\n",
        "# w\n--- nonsense\n--- run\nx\n--- expect\nstatus 0\n",
        "# w\n--- file a\nx\n",
    ] {
        equal(bad, scenario::parse("t/n", bad).is_err(), true)?;
    }
    Ok(())
}

fn equal<T: PartialEq + Debug>(what: &str, found: T, expected: T) -> Result<(), String> {
    if found == expected {
        return Ok(());
    }
    Err(format!("self-test {what}: expected {expected:?}, found {found:?}"))
}
