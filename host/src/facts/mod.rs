//! Facts: one file a collector; registered below.

mod apparmor;
mod caps;
pub mod chroot;
mod cmdline;
mod cpu;
mod date_time;
mod devices;
mod distribution;
mod dmi;
mod dns;
mod env;
mod fips;
mod loadavg;
mod local;
mod lsb;
mod memory;
mod mounts;
mod network;
mod pkg_mgr;
pub mod platform;
mod python;
mod selinux;
mod service_mgr;
mod ssh_pub_keys;
mod storage_ids;
mod uptime;
mod user;
mod virtualization;

use std::path::Path;

use crate::context::Context;
use crate::data::Map;

/// What finds out some facts.
pub struct Collector {
    /// The name of the file.
    pub name: &'static str,
    /// The subsets of `gather_subset` that it gathers, or helps to gather.
    pub subsets: &'static [&'static str],
    /// Add facts, named without the prefix `ansible_`. What can't be found out is left out.
    pub collect: fn(&mut Context<'_>, &mut Map),
}

/// Every collector, in the order they run: later ones may read what earlier ones found.
pub static COLLECTORS: &[&Collector] = &[
    &platform::COLLECTOR,
    &python::COLLECTOR,
    &distribution::COLLECTOR,
    &lsb::COLLECTOR,
    &cmdline::COLLECTOR,
    &date_time::COLLECTOR,
    &env::COLLECTOR,
    &user::COLLECTOR,
    &apparmor::COLLECTOR,
    &fips::COLLECTOR,
    &caps::COLLECTOR,
    &chroot::COLLECTOR,
    &selinux::COLLECTOR,
    &service_mgr::COLLECTOR,
    &pkg_mgr::COLLECTOR,
    &dns::COLLECTOR,
    &local::COLLECTOR,
    &ssh_pub_keys::COLLECTOR,
    &cpu::COLLECTOR,
    &memory::COLLECTOR,
    &dmi::COLLECTOR,
    &devices::COLLECTOR,
    &mounts::COLLECTOR,
    &uptime::COLLECTOR,
    &loadavg::COLLECTOR,
    &network::COLLECTOR,
    &storage_ids::COLLECTOR,
    &virtualization::COLLECTOR,
];

/// The text of a small file without the white space around it; `None` if it is empty or can't be read.
pub(crate) fn content(cx: &mut Context<'_>, path: impl AsRef<Path>) -> Option<String> {
    let text = cx.target.read_text(path.as_ref()).ok()?;
    let text = text.trim();
    (!text.is_empty()).then(|| text.to_owned())
}

/// The lines of a file; none if it can't be read.
pub(crate) fn lines(cx: &mut Context<'_>, path: impl AsRef<Path>) -> Vec<String> {
    let text = cx.target.read_text(path.as_ref()).unwrap_or_default();
    text.lines().map(str::to_owned).collect()
}

/// What a program writes if it is there and ends well.
pub(crate) fn output(cx: &mut Context<'_>, program: &str, args: &[&str]) -> Option<String> {
    let path = cx.target.find_program(program, &[])?;
    let run =
        crate::target::Run::argv([path.into_os_string()]).args(args.iter().copied()).c_locale();
    let ran = cx.target.run(&run).ok()?;
    ran.ok().then(|| ran.out().into_owned())
}

/// The names in a folder in the order of their letters.
pub(crate) fn names(cx: &mut Context<'_>, path: impl AsRef<Path>) -> Vec<String> {
    let entries = cx.target.read_dir(path.as_ref()).unwrap_or_default();
    let mut names: Vec<String> =
        entries.into_iter().map(|e| e.name.to_string_lossy().into_owned()).collect();
    names.sort_unstable();
    names
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_file_is_registered() {
        let dir = concat!(env!("CARGO_MANIFEST_DIR"), "/src/facts");
        let mut files: Vec<String> = std::fs::read_dir(dir)
            .expect("the folder of this file")
            .filter_map(|e| e.ok()?.file_name().into_string().ok())
            .filter_map(|n| n.strip_suffix(".rs").map(str::to_owned))
            .filter(|n| n != "mod")
            .collect();
        let mut known: Vec<String> = COLLECTORS.iter().map(|c| c.name.to_owned()).collect();
        files.sort();
        known.sort();
        assert_eq!(files, known);
    }
}
