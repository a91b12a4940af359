//! The oracle: every case under `cases/` is run by our binary under ansible's names and compared
//! with what ansible-core 2.14.18 did, which is recorded beside the case (`<name>.answer`).
//! How to add one: CONTRIBUTING.md, "Oracle cases".

mod answer;
mod case;
mod compare;
mod diff;
mod engine;
mod http;
mod normalise;
mod options;
mod selftest;
mod terminal;
mod ways;

use std::fmt::Write as _;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use answer::Answer;
use case::Case;
use engine::Engine;
use options::{Mode, Options, Record};

fn main() -> ExitCode {
    let options = match Options::read() {
        Ok(options) => options,
        Err(message) => return refuse(&message),
    };
    match run(&options) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(message) => refuse(&message),
    }
}

fn refuse(message: &str) -> ExitCode {
    say(&format!("oracle: {message}\n"));
    ExitCode::from(2)
}

/// The one place where the harness prints.
fn say(text: &str) {
    let mut out = std::io::stdout().lock();
    // A closed pipe is the reader's wish, not a failure of a case.
    let _ = out.write_all(text.as_bytes()).and_then(|()| out.flush());
}

fn run(options: &Options) -> Result<bool, String> {
    selftest::run()?;
    let root = folder();
    let mut all = case::load_all(&root.join("cases"))?;
    if all.is_empty() {
        return Err(format!("no case under {}", root.display()));
    }
    let total = all.len();
    let ways: Vec<Case> = all.iter().flat_map(ways::of).collect();
    all.extend(ways);
    let orphans = answer::without_case(&root, &all)?;
    if !orphans.is_empty() {
        return Err(format!("answers without a case: {}", orphans.join(", ")));
    }
    let mut chosen: Vec<Case> = all.into_iter().filter(|c| options.chooses(&c.name)).collect();
    if let Mode::List = options.mode {
        for case in &chosen {
            say(&format!("{}: test\n", case.name));
        }
        return Ok(true);
    }
    if let Mode::Live { sample, seed } = options.mode {
        say(&format!("live sample of {sample} of {} cases, ORACLE_SEED={seed}\n", chosen.len()));
        if !engine::has_collections() {
            let before = chosen.len();
            chosen.retain(|c| !c.collections);
            let left_out = before - chosen.len();
            say(&format!("{left_out} need an ORACLE_BIN with the collections of ansible 7.7.0\n"));
        }
        chosen = options::sample(chosen, sample, seed);
    }
    let base = engine::fresh_base()?;
    let result = run_cases(options, &root, &base, &chosen, total);
    if !options.keep {
        engine::remove_tree(&base)?;
    } else {
        say(&format!("kept: {}\n", base.display()));
    }
    result
}

fn run_cases(
    options: &Options,
    root: &Path,
    base: &Path,
    chosen: &[Case],
    total: usize,
) -> Result<bool, String> {
    let ours = Engine::ours(base)?;
    let real = match options.mode {
        Mode::Compare | Mode::List => None,
        Mode::Record(_) | Mode::Live { .. } => Some(Engine::real(base)?),
    };
    let next = AtomicUsize::new(0);
    let failed: Mutex<Vec<String>> = Mutex::new(Vec::new());
    let passed = AtomicUsize::new(0);
    std::thread::scope(|scope| {
        for _ in 0..options.jobs {
            scope.spawn(|| {
                loop {
                    let index = next.fetch_add(1, Ordering::SeqCst);
                    let Some(case) = chosen.get(index) else { break };
                    match one(options, root, &ours, real.as_ref(), case) {
                        Ok(note) => {
                            passed.fetch_add(1, Ordering::SeqCst);
                            say(&format!("ok    {}{note}\n", case.name));
                        }
                        Err(report) => {
                            if let Ok(mut list) = failed.lock() {
                                list.push(case.name.clone());
                            }
                            say(&format!("FAIL  {}\n{}\n", case.name, indented(&report)));
                        }
                    }
                }
            });
        }
    });
    let mut failed = failed.into_inner().map_err(|_| "a worker of the harness died".to_string())?;
    failed.sort();
    for name in &failed {
        say(&format!("failed: {name}\n"));
    }
    let passed = passed.into_inner();
    if passed + failed.len() != chosen.len() {
        return Err(format!("{} cases chosen, but {passed} + {} done", chosen.len(), failed.len()));
    }
    say(&format!(
        "oracle: {passed} passed, {} failed ({total} cases in all, most asked in four ways)\n",
        failed.len()
    ));
    Ok(failed.is_empty())
}

/// One case in the chosen mode; the error is the readable report.
fn one(
    options: &Options,
    root: &Path,
    ours: &Engine,
    real: Option<&Engine>,
    case: &Case,
) -> Result<&'static str, String> {
    let file = root.join(answer::file_of(case));
    match (&options.mode, real) {
        (Mode::Record(what), Some(real)) => record(*what, &file, real, case),
        (Mode::Live { .. }, Some(real)) => {
            let mut stored = stored_answer(&file, case)?;
            real.renormalise(case, &mut stored);
            let live = real.run(case)?;
            report(case, "ansible-core answers differently now", &stored, &live)?;
            compare_ours(ours, &stored, case).map(|()| "")
        }
        _ => {
            let mut stored = stored_answer(&file, case)?;
            ours.renormalise(case, &mut stored);
            compare_ours(ours, &stored, case).map(|()| "")
        }
    }
}

fn compare_ours(ours: &Engine, stored: &Answer, case: &Case) -> Result<(), String> {
    let found = ours.run(case)?;
    report(case, "we answer differently", stored, &found)
}

fn stored_answer(file: &Path, case: &Case) -> Result<Answer, String> {
    let text = std::fs::read_to_string(file)
        .map_err(|e| format!("{}: {e}; record it with ORACLE_RECORD=missing", file.display()))?;
    let answer = Answer::parse(&text).map_err(|e| format!("{}: {e}", file.display()))?;
    if answer.case_hash != case.hash {
        return Err("the case changed since it was recorded; ORACLE_RECORD=missing".to_string());
    }
    Ok(answer)
}

/// Asks the real ansible twice, in two folders, so that no volatile text gets into an answer.
fn record(what: Record, file: &Path, real: &Engine, case: &Case) -> Result<&'static str, String> {
    if let (Record::Missing, Ok(_)) = (what, stored_answer(file, case)) {
        return Ok(" (already recorded)");
    }
    let first = real.run(case)?;
    let second = real.run(case)?;
    let missing = compare::missing_text(case, &first);
    if !missing.is_empty() {
        let stderr: String = first.commands.iter().map(|c| c.stderr.as_str()).collect();
        return Err(format!("ansible-core's own stderr lacks {missing:?}; it is:\n{stderr}"));
    }
    report(case, "two runs of ansible-core differ", &first, &second)?;
    if let Some(folder) = file.parent() {
        std::fs::create_dir_all(folder).map_err(|e| format!("{}: {e}", folder.display()))?;
    }
    std::fs::write(file, first.render()).map_err(|e| format!("{}: {e}", file.display()))?;
    Ok(" (recorded)")
}

fn report(case: &Case, title: &str, expected: &Answer, found: &Answer) -> Result<(), String> {
    let differences = compare::differences(case, expected, found);
    if differences.is_empty() {
        return Ok(());
    }
    let mut text = format!("{title}; {}\n", case.why);
    for difference in &differences {
        let _ = writeln!(text, "{difference}");
    }
    Err(text)
}

fn indented(text: &str) -> String {
    text.lines().map(|line| format!("      {line}\n")).collect()
}

/// `cases/` and `ways/` lie in it.
fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/oracle")
}
