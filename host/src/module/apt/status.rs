//! What is installed and what could be, by `apt-cache policy` and dpkg.

use std::collections::HashMap;

use crate::data::glob;
use crate::module::{Context, Failure};
use crate::target::Run;

/// A package as asked for.
#[derive(Debug, PartialEq, Eq)]
pub struct Spec {
    pub name: String,
    /// `=` or `>=`, and the version.
    pub version: Option<(String, String)>,
}

impl Spec {
    pub fn parse(text: &str) -> Spec {
        let Some(at) = text.find('=') else { return Spec { name: text.into(), version: None } };
        let (name, version) = (&text[..at], &text[at + 1..]);
        let (name, op) = match name.strip_suffix('>') {
            Some(name) => (name, ">="),
            None => (name, "="),
        };
        Spec { name: name.into(), version: Some((op.into(), version.into())) }
    }
}

/// How a package stands against a [`Spec`].
#[derive(Debug, Default)]
pub struct Status {
    pub installed: bool,
    /// Installed in a version that is asked for.
    pub as_wanted: bool,
    /// The best other version that is asked for and can be had.
    pub available: Option<String>,
    /// Other packages provide it.
    pub is_virtual: bool,
}

#[derive(Debug, Default)]
struct Entry {
    installed: Option<String>,
    candidate: Option<String>,
    versions: Vec<String>,
}

/// What apt knows of some packages.
pub struct Table(HashMap<String, Entry>);

impl Table {
    pub fn read(
        cx: &mut Context<'_>,
        names: &[String],
        release: Option<&str>,
    ) -> Result<Table, Failure> {
        let program = cx.program("apt-cache")?;
        let mut run = Run::argv([program.into_os_string()]).arg("policy").c_locale();
        if let Some(release) = release {
            run = run.args(["-t", release]);
        }
        let names: Vec<String> = names.iter().map(|n| Spec::parse(n).name).collect();
        let ran = cx.run_ok(&run.args(names))?;
        Ok(Table(parse(&ran.out())))
    }

    pub fn status(&self, cx: &mut Context<'_>, spec: &Spec) -> Result<Status, Failure> {
        let entry = self.0.get(&spec.name);
        let known = entry.filter(|e| e.installed.is_some() || !e.versions.is_empty());
        let Some(entry) = known else { return virtual_package(cx, spec) };
        let best = best(cx, entry, spec)?;
        let Some(installed) = &entry.installed else {
            return Ok(Status { available: best, ..Status::default() });
        };
        Ok(Status {
            installed: true,
            as_wanted: meets(cx, installed, spec)?,
            available: best.filter(|b| b != installed),
            is_virtual: false,
        })
    }
}

/// Whether a version is one that is asked for.
fn meets(cx: &mut Context<'_>, version: &str, spec: &Spec) -> Result<bool, Failure> {
    match &spec.version {
        None => Ok(true),
        Some((op, wanted)) if op == "=" => Ok(glob(wanted, version)),
        Some((_, wanted)) => compares(cx, version, "ge", wanted),
    }
}

/// Whether two versions stand to each other as dpkg's word (`lt`, `eq`, `ge`, …) says.
pub fn compares(cx: &mut Context<'_>, a: &str, how: &str, b: &str) -> Result<bool, Failure> {
    let dpkg = cx.program("dpkg")?;
    let run = Run::argv([dpkg.into_os_string()]).args(["--compare-versions", a, how, b]);
    Ok(cx.run(&run)?.ok())
}

/// The version that apt would take, among those asked for.
fn best(cx: &mut Context<'_>, entry: &Entry, spec: &Spec) -> Result<Option<String>, Failure> {
    if let Some((op, wanted)) = &spec.version
        && op == "="
    {
        // The table is sorted, the highest version first.
        return Ok(entry.versions.iter().find(|v| glob(wanted, v)).cloned());
    }
    let Some(candidate) = &entry.candidate else { return Ok(None) };
    Ok(meets(cx, candidate, spec)?.then(|| candidate.clone()))
}

/// A name that no package has, but that some may provide.
fn virtual_package(cx: &mut Context<'_>, spec: &Spec) -> Result<Status, Failure> {
    let program = cx.program("apt-cache")?;
    let run = Run::argv([program.into_os_string()]).args(["showpkg", &spec.name]).c_locale();
    let ran = cx.run(&run)?;
    let out = ran.out().into_owned();
    let providers: Vec<&str> = out
        .lines()
        .skip_while(|l| !l.starts_with("Reverse Provides:"))
        .skip(1)
        .filter_map(|l| l.split_whitespace().next())
        .collect();
    if providers.is_empty() {
        return Err(Failure::new(format!("No package matching '{}' is available", spec.name)));
    }
    let mut unique: Vec<&str> = providers.clone();
    unique.sort_unstable();
    unique.dedup();
    if let [only] = unique[..]
        && installed_version(cx, only)?.is_some()
    {
        return Ok(Status { installed: true, as_wanted: true, ..Status::default() });
    }
    Ok(Status { is_virtual: true, ..Status::default() })
}

fn parse(text: &str) -> HashMap<String, Entry> {
    let mut all: HashMap<String, Entry> = HashMap::new();
    let mut current = String::new();
    let mut in_table = false;
    for line in text.lines() {
        if !line.starts_with(' ') {
            line.trim_end_matches(':').clone_into(&mut current);
            all.insert(current.clone(), Entry::default());
            in_table = false;
            continue;
        }
        let Some(entry) = all.get_mut(&current) else { continue };
        let value = |rest: &str| Some(rest.trim().to_owned()).filter(|v| v != "(none)");
        if let Some(rest) = line.trim_start().strip_prefix("Installed:") {
            entry.installed = value(rest);
        } else if let Some(rest) = line.trim_start().strip_prefix("Candidate:") {
            entry.candidate = value(rest);
        } else if line.trim_start().starts_with("Version table:") {
            in_table = true;
        } else if in_table && (line.starts_with(" *** ") || is_version_line(line)) {
            let version = line.trim_start_matches([' ', '*']).split_whitespace().next();
            entry.versions.extend(version.map(str::to_owned));
        }
    }
    all
}

/// Versions stand five columns in, their sources further right.
fn is_version_line(line: &str) -> bool {
    line.len() - line.trim_start().len() == 5
}

/// The installed version of a package, by dpkg.
pub fn installed_version(cx: &mut Context<'_>, name: &str) -> Result<Option<String>, Failure> {
    Ok(dpkg_status(cx, name)?.filter(|(state, _)| state == "installed").map(|(_, v)| v))
}

/// dpkg's word for a package's state, and its version.
pub fn dpkg_status(cx: &mut Context<'_>, name: &str) -> Result<Option<(String, String)>, Failure> {
    let program = cx.program("dpkg-query")?;
    let run = Run::argv([program.into_os_string()])
        .args(["-W", "-f", "${db:Status-Status} ${Version}\n", name])
        .c_locale();
    let ran = cx.run(&run)?;
    if !ran.ok() {
        return Ok(None);
    }
    let out = ran.out().into_owned();
    let line = out.lines().next().unwrap_or_default();
    Ok(line.split_once(' ').map(|(state, version)| (state.to_owned(), version.to_owned())))
}

/// Names with their shell patterns replaced by the packages that they match.
pub fn expand(cx: &mut Context<'_>, names: &[String]) -> Result<Vec<String>, Failure> {
    let mut all = Vec::new();
    let mut known: Option<Vec<String>> = None;
    for name in names {
        let pattern = Spec::parse(name).name;
        if !pattern.contains(['*', '?', '[', ']', '!']) {
            all.push(name.clone());
            continue;
        }
        if known.is_none() {
            let program = cx.program("apt-cache")?;
            let ran = cx.run_ok(&Run::argv([program.into_os_string()]).arg("pkgnames"))?;
            let mut names: Vec<String> = ran.out().lines().map(str::to_owned).collect();
            names.sort_unstable();
            known = Some(names);
        }
        let before = all.len();
        all.extend(known.iter().flatten().filter(|n| glob(&pattern, n)).cloned());
        if all.len() == before {
            return Err(Failure::new(format!("No package(s) matching '{pattern}' available")));
        }
    }
    Ok(all)
}

/// The same among installed packages: what is removed need not be in the lists any more.
pub fn expand_installed(cx: &mut Context<'_>, names: &[String]) -> Result<Vec<String>, Failure> {
    let mut all = Vec::new();
    for name in names {
        if !name.contains(['*', '?', '[', ']', '!']) {
            all.push(name.clone());
            continue;
        }
        let program = cx.program("dpkg-query")?;
        let run = Run::argv([program.into_os_string()]).args(["-W", "-f", "${Package}\n"]);
        let ran = cx.run_ok(&run)?;
        let before = all.len();
        all.extend(ran.out().lines().filter(|n| glob(name, n)).map(str::to_owned));
        if all.len() == before {
            // Nothing of the kind is installed; whether it exists at all decides what is said.
            expand(cx, std::slice::from_ref(name))?;
        }
    }
    Ok(all)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_versions() {
        let spec = |name: &str, op: &str, v: &str| Spec {
            name: name.into(),
            version: Some((op.into(), v.into())),
        };
        assert_eq!(Spec::parse("a=1.2*"), spec("a", "=", "1.2*"));
        assert_eq!(Spec::parse("a>=1"), spec("a", ">=", "1"));
        assert_eq!(Spec::parse("a:i386").version, None);
    }
}
