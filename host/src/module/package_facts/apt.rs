//! Packages of dpkg, and where apt has them from.

use std::collections::HashMap;

use super::Package;
use crate::data::{Data, Map};
use crate::module::{Context, Failure};
use crate::target::Run;

const FORMAT: &str = "-f=${db:Status-Status}|${Package}|${Version}|${Architecture}|${Section}\\n";

pub fn list(cx: &mut Context<'_>) -> Result<Option<Vec<Package>>, Failure> {
    let (Some(query), Some(cache), Some(dpkg)) = (
        cx.target.find_program("dpkg-query", &[]),
        cx.target.find_program("apt-cache", &[]),
        cx.target.find_program("dpkg", &[]),
    ) else {
        return Ok(None);
    };
    let run = |program: &std::path::Path| Run::argv([program.as_os_str()]).c_locale();
    let listed = cx.run_ok(&run(&query).args(["-W", FORMAT]))?.out().into_owned();
    let native = cx.run_ok(&run(&dpkg).arg("--print-architecture"))?.out().trim().to_owned();
    let rows: Vec<Vec<&str>> = listed
        .lines()
        .map(|line| line.split('|').collect::<Vec<_>>())
        .filter(|row| row.len() == 5 && row[0] != "config-files" && row[0] != "not-installed")
        .collect();
    // A package of another architecture has it in its name.
    let name_of = |row: &[&str]| match row[3] {
        arch if arch == native || arch == "all" => row[1].to_owned(),
        arch => format!("{}:{arch}", row[1]),
    };
    let names: Vec<String> = rows.iter().map(|row| name_of(row)).collect();
    let releases = origins(&cx.run_ok(&run(&cache).arg("policy"))?.out());
    let policy = cx.run_ok(&run(&cache).arg("policy").args(names.clone()))?.out().into_owned();
    let sources = installed_sources(&policy);
    let package = |(name, row): (String, &Vec<&str>)| {
        let origin = sources.get(name.as_str()).and_then(|source| releases.get(*source));
        let entries: [(&str, &str); 5] = [
            ("name", &name),
            ("version", row[2]),
            ("arch", row[3]),
            ("category", row[4]),
            ("origin", origin.map_or("", String::as_str)),
        ];
        let details: Map =
            entries.iter().map(|(key, value)| ((*key).to_owned(), Data::from(*value))).collect();
        (name, details)
    };
    Ok(Some(names.into_iter().zip(&rows).map(package).collect()))
}

/// The origins of lists, by the lists' names, from the policy of all lists.
fn origins(policy: &str) -> HashMap<String, String> {
    let mut origins = HashMap::new();
    let mut list: Option<&str> = None;
    for line in policy.lines() {
        let bare = line.trim();
        if let Some(release) = bare.strip_prefix("release ") {
            let origin = release.split(',').find_map(|field| field.strip_prefix("o="));
            if let (Some(list), Some(origin)) = (list, origin) {
                origins.insert(list.to_owned(), origin.to_owned());
            }
        } else {
            list = bare
                .split_once(' ')
                .filter(|(priority, _)| priority.parse::<i32>().is_ok())
                .map(|(_, list)| list);
        }
    }
    origins
}

/// The first list that has the installed version, for each package.
fn installed_sources(policy: &str) -> HashMap<&str, &str> {
    let mut sources = HashMap::new();
    let (mut package, mut installed) = ("", false);
    for line in policy.lines() {
        let bare = line.trim();
        if !line.starts_with(' ') {
            package = line.trim_end_matches(':');
            installed = false;
        } else if line.starts_with(" ***") {
            installed = true;
        } else if !line.starts_with("        ") {
            // Another version begins.
            installed = false;
        } else if installed && let Some((_, list)) = bare.split_once(' ') {
            sources.entry(package).or_insert(list);
        }
    }
    sources
}
