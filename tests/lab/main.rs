//! The lab tests: every scenario under `scenarios/` is played on real hosts (`lab.sh` brings them
//! up), and what the hosts became is looked at without our own means. How to write one:
//! CONTRIBUTING.md, "Lab".

mod compare;
mod expect;
mod hosts;
mod options;
mod play;
mod recap;
mod scenario;
mod selftest;

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Instant;

use hosts::{Lab, Possible};
use options::Options;
use play::{Engines, Verdict};
use scenario::Scenario;

fn main() -> ExitCode {
    match Options::read().and_then(|options| run(&options)) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(message) => {
            say(&format!("lab: {message}\n"));
            ExitCode::from(2)
        }
    }
}

/// The one place where the harness prints.
fn say(text: &str) {
    let mut out = std::io::stdout().lock();
    // A closed pipe is the reader's wish, not a failure of a scenario.
    let _ = out.write_all(text.as_bytes()).and_then(|()| out.flush());
}

fn run(options: &Options) -> Result<bool, String> {
    selftest::run()?;
    let all = scenario::load_all(&here().join("scenarios"))?;
    if all.is_empty() {
        return Err("no scenario".to_string());
    }
    let chosen: Vec<&Scenario> = all.iter().filter(|s| options.chooses(&s.name)).collect();
    if options.list {
        for scenario in &chosen {
            say(&format!("{}: test\n", scenario.name));
        }
        return Ok(true);
    }
    if let Possible::No(reason) = hosts::possible(&here()) {
        return Ok(not_run(&reason, options));
    }
    let started = Instant::now();
    let lab = Lab::up(&here(), options)?;
    say(&format!("lab `{}` is up after {:.1} s\n", lab.name, started.elapsed().as_secs_f32()));
    let engines = Engines::new(&lab, options)?;
    play_all(&lab, &engines, &chosen)
}

fn play_all(lab: &Lab, engines: &Engines, chosen: &[&Scenario]) -> Result<bool, String> {
    let (mut passed, mut failed) = (0, Vec::new());
    for scenario in chosen {
        let started = Instant::now();
        let verdict = engines.play(lab, scenario);
        let seconds = started.elapsed().as_secs_f32();
        match verdict {
            Verdict::Passed => {
                passed += 1;
                say(&format!("ok    {} ({seconds:.1} s)\n", scenario.name));
            }
            Verdict::NotForThisEngine(why) => {
                say(&format!("-     {} is not for this engine: {why}\n", scenario.name));
            }
            Verdict::Failed(report) => {
                say(&format!("FAIL  {} ({seconds:.1} s)\n{}", scenario.name, indented(&report)));
                failed.push(scenario.name.as_str());
                // What a broken scenario left must not break the next one.
                lab.reset_all()?;
            }
        }
    }
    for name in &failed {
        say(&format!("failed: {name}\n"));
    }
    say(&format!("lab: {passed} passed, {} failed\n", failed.len()));
    Ok(failed.is_empty())
}

/// Loud, so that nobody takes silence for success; a failure where CI runs.
fn not_run(reason: &str, options: &Options) -> bool {
    say(&format!(
        "\n{bar}\nTHE LAB TESTS WERE NOT RUN: {reason}\n\
         Nothing is known about real hosts after this run.\n{bar}\n",
        bar = "!".repeat(78)
    ));
    !options.ci
}

fn indented(text: &str) -> String {
    text.lines().map(|line| format!("      {line}\n")).collect()
}

fn here() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/lab")
}
