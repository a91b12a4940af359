//! A scenario is one text file of sections; CONTRIBUTING.md describes them.

use std::path::{Path, PathBuf};

use crate::expect::{self, Expectation};

pub struct Scenario {
    /// `topic/name`.
    pub name: String,
    pub why: String,
    pub files: Vec<Input>,
    /// Hosts that are thrown away and booted before it begins.
    pub fresh: Vec<String>,
    /// A folder that a web server offers at `http://controller:8000/`.
    pub serve: Option<String>,
    /// Why ansible-core can't play it.
    pub ours_only: Option<String>,
    /// Hosts on which ansible-core plays first, then, fresh again, we: both must come to the same.
    pub twin: Vec<String>,
    /// Folders of those hosts whose trees are compared.
    pub trees: Vec<String>,
    pub steps: Vec<Step>,
}

pub struct Input {
    pub path: String,
    pub mode: u32,
    pub content: String,
}

pub struct Step {
    /// Where it stands in the file.
    pub line: usize,
    pub kind: StepKind,
}

pub enum StepKind {
    /// A shell script of the machine that plays, with what it must come to.
    Run { script: String, expectations: Vec<Expectation> },
    /// A shell script as root on a host, which must end with 0.
    On { host: String, script: String },
    /// A shell script on this machine, inside the lab's network, which must end with 0.
    Here { script: String },
}

struct Section<'a> {
    word: &'a str,
    rest: &'a str,
    line: usize,
    lines: Vec<&'a str>,
}

pub fn load_all(root: &Path) -> Result<Vec<Scenario>, String> {
    let mut files = Vec::new();
    collect(root, &mut files)?;
    files.sort();
    files.iter().map(|file| load(root, file)).collect()
}

fn collect(dir: &Path, files: &mut Vec<PathBuf>) -> Result<(), String> {
    let entries = std::fs::read_dir(dir).map_err(|e| format!("{}: {e}", dir.display()))?;
    for entry in entries {
        let path = entry.map_err(|e| e.to_string())?.path();
        if path.is_dir() {
            collect(&path, files)?;
        } else if path.extension().is_some_and(|e| e == "scenario") {
            files.push(path);
        } else {
            return Err(format!("{} is no scenario", path.display()));
        }
    }
    Ok(())
}

fn load(root: &Path, file: &Path) -> Result<Scenario, String> {
    let text = std::fs::read_to_string(file).map_err(|e| format!("{}: {e}", file.display()))?;
    let name = file.strip_prefix(root).unwrap_or(file).with_extension("");
    parse(&name.to_string_lossy(), &text).map_err(|e| format!("{}: {e}", file.display()))
}

pub fn parse(name: &str, text: &str) -> Result<Scenario, String> {
    let mut scenario = Scenario {
        name: name.to_string(),
        why: why(text)?,
        files: Vec::new(),
        fresh: Vec::new(),
        serve: None,
        ours_only: None,
        twin: Vec::new(),
        trees: Vec::new(),
        steps: Vec::new(),
    };
    for section in sections(text)? {
        add(&mut scenario, &section).map_err(|e| format!("line {}: {e}", section.line))?;
    }
    check(&scenario)?;
    Ok(scenario)
}

fn add(scenario: &mut Scenario, section: &Section) -> Result<(), String> {
    let words = || section.rest.split_whitespace().map(str::to_string).collect::<Vec<_>>();
    let kind = match section.word {
        "file" => {
            scenario.files.push(file(section)?);
            return Ok(());
        }
        "expect" => return expectations(scenario, section),
        "fresh" => {
            scenario.fresh = words();
            return Ok(());
        }
        "serve" => {
            scenario.serve = Some(section.rest.to_string());
            return Ok(());
        }
        "ours" => {
            scenario.ours_only = Some(section.rest.to_string());
            return Ok(());
        }
        "twin" => {
            scenario.twin = words();
            return Ok(());
        }
        "trees" => {
            scenario.trees = words();
            return Ok(());
        }
        "run" => StepKind::Run { script: body(section), expectations: Vec::new() },
        "again" => again(scenario)?,
        "here" => StepKind::Here { script: body(section) },
        "on" => StepKind::On { host: section.rest.to_string(), script: body(section) },
        other => return Err(format!("no section is called `{other}`")),
    };
    scenario.steps.push(Step { line: section.line, kind });
    Ok(())
}

/// The last run once more, after which nothing may have changed.
fn again(scenario: &Scenario) -> Result<StepKind, String> {
    let last = scenario.steps.iter().rev().find_map(|step| match &step.kind {
        StepKind::Run { script, .. } => Some(script.clone()),
        _ => None,
    });
    let script = last.ok_or("`again` before any `run`")?;
    Ok(StepKind::Run { script, expectations: vec![Expectation::Status(0), Expectation::Unchanged] })
}

fn expectations(scenario: &mut Scenario, section: &Section) -> Result<(), String> {
    let Some(Step { kind: StepKind::Run { expectations, .. }, .. }) = scenario.steps.last_mut()
    else {
        return Err("`expect` stands right after a `run` or `again`".to_string());
    };
    // After `again` they replace what is expected by itself.
    expectations.clear();
    for line in section.lines.iter().map(|l| l.trim()) {
        if !line.is_empty() && !line.starts_with('#') {
            expectations.push(expect::parse(line)?);
        }
    }
    Ok(())
}

/// A run without an expectation could not fail.
fn check(scenario: &Scenario) -> Result<(), String> {
    let mut runs = 0;
    for step in &scenario.steps {
        if let StepKind::Run { expectations, .. } = &step.kind {
            runs += 1;
            if expectations.is_empty() && scenario.twin.is_empty() {
                return Err(format!("line {}: a run with nothing expected", step.line));
            }
        }
    }
    if runs == 0 {
        return Err("no `--- run`".to_string());
    }
    if scenario.twin.is_empty() != scenario.trees.is_empty() {
        return Err("`twin` and `trees` go together".to_string());
    }
    Ok(())
}

fn file(section: &Section) -> Result<Input, String> {
    let mut words = section.rest.split_whitespace();
    let path = words.next().ok_or("a file without a path")?;
    if Path::new(path).components().any(|c| !matches!(c, std::path::Component::Normal(_))) {
        return Err(format!("`{path}` leaves the scenario's folder"));
    }
    let mut mode = 0o644;
    for word in words {
        let digits =
            word.strip_prefix("mode=").ok_or(format!("`{word}` says nothing of a file"))?;
        mode = u32::from_str_radix(digits, 8).map_err(|_| format!("`{digits}` is no mode"))?;
    }
    Ok(Input { path: path.to_string(), mode, content: body(section) })
}

fn why(text: &str) -> Result<String, String> {
    let lines: Vec<&str> = text
        .lines()
        .take_while(|l| l.starts_with('#'))
        .map(|l| l.trim_start_matches(['#', ' ']))
        .collect();
    if lines.is_empty() {
        Err("the first line says why: `# …`".into())
    } else {
        Ok(lines.join(" "))
    }
}

fn sections(text: &str) -> Result<Vec<Section<'_>>, String> {
    let mut found: Vec<Section> = Vec::new();
    for (index, line) in text.lines().enumerate() {
        if let Some(head) = line.strip_prefix("--- ") {
            let (word, rest) = head.trim().split_once(' ').unwrap_or((head.trim(), ""));
            found.push(Section { word, rest: rest.trim(), line: index + 1, lines: Vec::new() });
        } else if let Some(section) = found.last_mut() {
            section.lines.push(line);
        } else if !line.starts_with('#') && !line.trim().is_empty() {
            return Err(format!("line {}: text before the first section", index + 1));
        }
    }
    Ok(found)
}

/// A section's text without the empty lines before the next one.
fn body(section: &Section) -> String {
    let mut lines = section.lines.as_slice();
    while let Some((last, rest)) = lines.split_last() {
        if !last.trim().is_empty() {
            break;
        }
        lines = rest;
    }
    lines.iter().map(|line| format!("{line}\n")).collect()
}
