//! Managers of packages that tell all in lines.

use super::Package;
use crate::data::{Data, Map};
use crate::module::{Context, Failure};
use crate::target::{Ran, Run};

/// What a program says; `None` where the host does not have it.
fn said(cx: &mut Context<'_>, name: &str, words: &[&str]) -> Result<Option<Ran>, Failure> {
    let Some(program) = cx.target.find_program(name, &[]) else { return Ok(None) };
    let ran = cx.run(&Run::argv([program.into_os_string()]).args(words.to_vec()).c_locale())?;
    if ran.ok() && ran.err().is_empty() {
        return Ok(Some(ran));
    }
    Err(Failure::new(format!("Unable to list packages rc={} : {}", ran.rc, ran.err())))
}

fn details<const N: usize>(entries: [(&str, Data); N]) -> Map {
    entries.into_iter().map(|(key, value)| (key.to_owned(), value)).collect()
}

pub fn rpm(cx: &mut Context<'_>) -> Result<Option<Vec<Package>>, Failure> {
    let format = "%{NAME}|%{VERSION}|%{RELEASE}|%{EPOCH}|%{ARCH}\\n";
    let Some(ran) = said(cx, "rpm", &["-qa", "--qf", format])? else { return Ok(None) };
    // A tool among others on hosts of Debian's family, where ansible doesn't find its library.
    if ran.out().trim().is_empty() && cx.target.find_program("dpkg-query", &[]).is_some() {
        return Ok(None);
    }
    let none = |text: &str| match text {
        "(none)" => Data::Null,
        text => text.into(),
    };
    let package = |line: &str| {
        let row: Vec<&str> = line.split('|').collect();
        let [name, version, release, epoch, arch] = row.as_slice() else { return None };
        let epoch = epoch.parse::<i64>().map_or(Data::Null, Data::from);
        let details = details([
            ("name", (*name).into()),
            ("version", (*version).into()),
            ("release", (*release).into()),
            ("epoch", epoch),
            ("arch", none(arch)),
        ]);
        Some(((*name).to_owned(), details))
    };
    Ok(Some(ran.out().lines().filter_map(package).collect()))
}

pub fn apk(cx: &mut Context<'_>) -> Result<Option<Vec<Package>>, Failure> {
    let Some(ran) = said(cx, "apk", &["info", "-v"])? else { return Ok(None) };
    let package = |line: &str| {
        let mut parts = line.trim().rsplitn(3, '-');
        let (release, version, name) = (parts.next()?, parts.next()?, parts.next()?);
        let details = details([
            ("name", name.into()),
            ("version", version.into()),
            ("release", release.into()),
        ]);
        Some((name.to_owned(), details))
    };
    Ok(Some(ran.out().lines().filter_map(package).collect()))
}

pub fn pacman(cx: &mut Context<'_>) -> Result<Option<Vec<Package>>, Failure> {
    let Some(ran) = said(cx, "pacman", &["-Qi"])? else { return Ok(None) };
    let package = |text: &str| {
        let mut fields: Vec<(String, String)> = Vec::new();
        for line in text.lines() {
            match line.split_once(" : ").filter(|_| !line.starts_with(' ')) {
                Some((key, value)) => {
                    fields.push((key.trim_end().to_owned(), value.trim_start().to_owned()));
                }
                // A detail may go on in further lines.
                None => {
                    if let Some((_, value)) = fields.last_mut() {
                        value.push_str(&format!("  {}", line.trim_start()));
                    }
                }
            }
        }
        let field = |name: &str| {
            fields.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
        };
        let provides = match field("Provides")? {
            "None" => Data::Null,
            list => list
                .split("  ")
                .map(|one| one.split('=').next().unwrap_or_default())
                .map(Data::from)
                .collect(),
        };
        let details = details([
            ("name", field("Name")?.into()),
            ("version", field("Version")?.into()),
            ("arch", field("Architecture")?.into()),
            ("provides", provides),
        ]);
        Some((field("Name")?.to_owned(), details))
    };
    Ok(Some(ran.out().split("\n\n").filter_map(package).collect()))
}

/// A manager that we can't ask yet: said where the host has it.
fn unknown(
    cx: &mut Context<'_>,
    name: &str,
    program: &str,
) -> Result<Option<Vec<Package>>, Failure> {
    match cx.target.find_program(program, &[]) {
        None => Ok(None),
        Some(_) => Err(Failure::new(format!("packages of {name} are not supported yet"))),
    }
}

pub fn pkg(cx: &mut Context<'_>) -> Result<Option<Vec<Package>>, Failure> {
    unknown(cx, "pkg", "pkg")
}

pub fn portage(cx: &mut Context<'_>) -> Result<Option<Vec<Package>>, Failure> {
    unknown(cx, "portage", "qlist")
}
