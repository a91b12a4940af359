//! What is installed.

use serde_json::json;

use super::requirement::{Package, canonical};
use super::{Work, failure};
use crate::context::OWN_MODULES_ONLY;
use crate::module::{Context, Failure, Outcome};
use crate::python;
use crate::target::Run;

/// The libraries, as pip lists them.
pub struct Listed {
    pub cmd: String,
    pub out: String,
    err: String,
}

/// List them; old pips know `freeze` only.
pub fn list(cx: &mut Context<'_>, work: &Work, pip: &[String]) -> Result<Listed, Failure> {
    let mut cmd = [pip, &["list".to_owned(), "--format=freeze".to_owned()]].concat();
    let call = work.run_of(cx, &cmd);
    let mut ran = cx.run(&call.env("LANG", "C").env("LC_ALL", "C").env("LC_MESSAGES", "C"))?;
    if !ran.ok() {
        cmd = [pip, &["freeze".to_owned()]].concat();
        let call = work.run_of(cx, &cmd);
        ran = cx.run(&call)?;
        if !ran.ok() {
            return Err(failure(&cmd, &ran.out(), &ran.err()));
        }
    }
    Ok(Listed { cmd: cmd.join(" "), out: ran.out().into_owned(), err: ran.err().into_owned() })
}

/// Check mode's answer: whether one of the libraries would be installed or removed.
pub fn look(
    cx: &mut Context<'_>,
    work: &mut Work,
    pip: &[String],
    names: &[String],
    packages: &[Package],
    state: &str,
) -> Result<Outcome, Failure> {
    let listed = list(cx, work, pip)?;
    work.out.push_str(&listed.out);
    work.err.push_str(&listed.err);
    let advice = ["You are using", "You should consider"];
    let lines = work.out.split('\n');
    let mut lines: Vec<String> = lines
        .filter(|line| !line.is_empty() && !advice.iter().any(|begin| line.starts_with(begin)))
        .map(String::from)
        .collect();
    if listed.cmd.ends_with(" freeze") {
        for name in ["setuptools", "pip"] {
            if !names.iter().any(|asked| asked == name) {
                continue;
            }
            if let Some(line) = unlisted(cx, work, name)? {
                work.out.push_str(&format!("{line}\n"));
                lines.push(line);
            }
        }
    }
    let present = present(cx, packages, &lines)?;
    let changed = match state {
        "present" => present.contains(&false),
        "absent" => present.contains(&true),
        _ => false,
    };
    Ok(Outcome::new(changed)
        .with("cmd", listed.cmd)
        .with("stdout", work.out.as_str())
        .with("stderr", work.err.as_str()))
}

/// A library that `pip freeze` leaves out.
fn unlisted(cx: &mut Context<'_>, work: &Work, name: &str) -> Result<Option<String>, Failure> {
    let folder = work.environment.as_ref().map(|environment| python::join(environment, "bin"));
    let folders: Vec<&str> = folder.as_deref().into_iter().collect();
    let Some(python) = cx.target.find_program("python", &folders) else { return Ok(None) };
    let script = match name {
        "pip" => "import pkg_resources as p; print(p.get_distribution('pip').version)",
        _ => "import setuptools as s; print(s.__version__)",
    };
    let ran = cx.run(&Run::argv([python.into_os_string()]).arg("-c").arg(script))?;
    Ok(ran.ok().then(|| format!("{name}=={}", ran.out().trim())))
}

/// Tells for each requirement whether one of the versions satisfies it.
const SCRIPT: &str = r#"
import json
from pkg_resources import Requirement
def satisfied(text, versions):
    wanted = Requirement.parse(text)
    return any(wanted.specifier.contains(version, prereleases=True) for version in versions)
print(json.dumps([satisfied(*pair) for pair in json.load(sys.stdin)]))
"#;

/// Which of the libraries are there, in versions that satisfy.
fn present(
    cx: &mut Context<'_>,
    packages: &[Package],
    lines: &[String],
) -> Result<Vec<bool>, Failure> {
    let mut found: Vec<(String, &str)> = Vec::new();
    for line in lines {
        match line.split("==").collect::<Vec<_>>().as_slice() {
            [_] => {}
            [name, version] => found.push((canonical(name), version)),
            _ => {
                return Err(Failure::crash("ValueError", "too many values to unpack (expected 2)"));
            }
        }
    }
    let versions = |package: &Package| -> Vec<&str> {
        let same = found.iter().filter(|(name, _)| package.plain && *name == package.name);
        same.map(|(_, version)| *version).collect()
    };
    let candidates: Vec<_> = packages.iter().map(|p| (p, versions(p))).collect();
    if candidates.iter().all(|(_, versions)| versions.is_empty()) {
        return Ok(vec![false; packages.len()]);
    }
    let asked: Vec<_> = candidates
        .iter()
        .filter(|(_, versions)| !versions.is_empty())
        .map(|(package, versions)| json!([package.text, versions]))
        .collect();
    let answer = cx.ask_python(&[], &format!("{OWN_MODULES_ONLY}{SCRIPT}"), &asked.into())?;
    let mut answers = answer.as_array().into_iter().flatten();
    let mut one = || answers.next().and_then(serde_json::Value::as_bool).unwrap_or(false);
    Ok(candidates.iter().map(|(_, versions)| !versions.is_empty() && one()).collect())
}
