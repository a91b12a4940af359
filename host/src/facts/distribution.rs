//! The distribution: from `/etc/os-release`, and the files that some distributions have of old.

use super::{Collector, content};
use crate::context::Context;
use crate::data::Map;

pub static COLLECTOR: Collector =
    Collector { name: "distribution", subsets: &["distribution"], collect };

/// `/etc/os-release` as names and values.
pub(crate) struct OsRelease {
    text: String,
}

impl OsRelease {
    pub(crate) fn read(cx: &mut Context<'_>) -> OsRelease {
        let text = content(cx, "/etc/os-release").or_else(|| content(cx, "/usr/lib/os-release"));
        OsRelease { text: text.unwrap_or_default() }
    }

    pub(crate) fn get(&self, name: &str) -> Option<&str> {
        self.text.lines().find_map(|line| {
            let value = line.trim().strip_prefix(name)?.strip_prefix('=')?;
            Some(value.trim().trim_matches(['"', '\'']))
        })
    }
}

/// Files that tell a distribution by being there, in the order in which they are looked at.
const FILES: &[(&str, &str)] = &[
    ("/etc/altlinux-release", "Altlinux"),
    ("/etc/oracle-release", "OracleLinux"),
    ("/etc/slackware-version", "Slackware"),
    ("/etc/centos-release", "CentOS"),
    ("/etc/redhat-release", "RedHat"),
    ("/etc/vmware-release", "VMwareESX"),
    ("/etc/openwrt_release", "OpenWrt"),
    ("/etc/system-release", "Amazon"),
    ("/etc/alpine-release", "Alpine"),
    ("/etc/arch-release", "Archlinux"),
    ("/etc/os-release", "Archlinux"),
    ("/etc/os-release", "SUSE"),
    ("/etc/SuSE-release", "SUSE"),
    ("/etc/gentoo-release", "Gentoo"),
    ("/etc/os-release", "Debian"),
    ("/etc/lsb-release", "Debian"),
    ("/etc/os-release", "NA"),
];

fn collect(cx: &mut Context<'_>, facts: &mut Map) {
    let os = OsRelease::read(cx);
    let mut found = Found::guess(&os);
    for (path, variety) in FILES {
        if !cx.target.exists(path.as_ref()) {
            continue;
        }
        let text = content(cx, path).unwrap_or_default();
        if text.is_empty() && *variety != "Archlinux" {
            continue;
        }
        if found.refine(cx, variety, path, &text) {
            facts.insert("distribution_file_path".into(), (*path).into());
            facts.insert("distribution_file_variety".into(), (*variety).into());
            facts.insert("distribution_file_parsed".into(), true.into());
            break;
        }
    }
    facts.insert("distribution".into(), found.name.as_str().into());
    facts.insert("distribution_version".into(), found.version.as_str().into());
    facts.insert("distribution_release".into(), found.release.as_str().into());
    facts.insert("distribution_major_version".into(), found.major.as_str().into());
    if let Some(minor) = &found.minor {
        facts.insert("distribution_minor_version".into(), minor.as_str().into());
    }
    facts.insert("os_family".into(), family(&found.name).into());
}

struct Found {
    name: String,
    version: String,
    major: String,
    minor: Option<String>,
    release: String,
}

impl Found {
    /// What `os-release` alone tells.
    fn guess(os: &OsRelease) -> Found {
        let id = os.get("ID").unwrap_or_default();
        let name = match id {
            "" => "NA".to_owned(),
            "amzn" => "Amazon".to_owned(),
            "rhel" => "Redhat".to_owned(),
            _ => {
                let mut chars = id.chars();
                chars.next().map_or_else(String::new, |c| c.to_uppercase().chain(chars).collect())
            }
        };
        let version = os.get("VERSION_ID").filter(|v| !v.is_empty()).unwrap_or("NA").to_owned();
        let major = version.split('.').next().unwrap_or("NA").to_owned();
        let release = os
            .get("VERSION_CODENAME")
            .or_else(|| os.get("UBUNTU_CODENAME"))
            .or_else(|| in_parentheses(os.get("VERSION").unwrap_or_default()))
            .unwrap_or("NA")
            .to_owned();
        Found { name, version, major, minor: None, release }
    }

    /// Takes more from a file; false if the file is of another distribution.
    fn refine(&mut self, cx: &mut Context<'_>, variety: &str, path: &str, text: &str) -> bool {
        match variety {
            "RedHat" => self.red_hat(text),
            "CentOS" => {
                if text.contains("CentOS Stream") {
                    "CentOS".clone_into(&mut self.name);
                    "Stream".clone_into(&mut self.release);
                    true
                } else {
                    false
                }
            }
            "Amazon" => {
                let amazon = text.contains("Amazon");
                if amazon {
                    "Amazon".clone_into(&mut self.name);
                }
                amazon
            }
            "OracleLinux" => {
                let oracle = text.contains("Oracle Linux");
                if oracle {
                    "OracleLinux".clone_into(&mut self.name);
                }
                oracle
            }
            "Alpine" => {
                "Alpine".clone_into(&mut self.name);
                text.clone_into(&mut self.version);
                text.split('.').next().unwrap_or("NA").clone_into(&mut self.major);
                true
            }
            "Archlinux" if path == "/etc/os-release" => {
                let arch = text.contains("Arch Linux");
                if arch {
                    "Archlinux".clone_into(&mut self.name);
                }
                arch
            }
            "SUSE" => self.suse(text, path),
            "Debian" => self.debian(cx, text, path),
            "NA" => self.unknown(text),
            other => {
                other.clone_into(&mut self.name);
                true
            }
        }
    }

    fn red_hat(&mut self, text: &str) -> bool {
        let first = text.split_whitespace().next().unwrap_or_default();
        self.name = if text.contains("Red Hat") { "RedHat".to_owned() } else { first.to_owned() };
        // The version that the file has is the exact one where os-release only has the major one.
        let numbered = text
            .split_whitespace()
            .find(|w| w.starts_with(|c: char| c.is_ascii_digit()))
            .map(str::to_owned);
        if self.version == "NA"
            && let Some(version) = numbered
        {
            version.split('.').next().unwrap_or("NA").clone_into(&mut self.major);
            self.version = version;
        }
        true
    }

    fn suse(&mut self, text: &str, path: &str) -> bool {
        if path != "/etc/os-release" || !text.to_lowercase().contains("suse") {
            return false;
        }
        let os = OsRelease { text: text.to_owned() };
        if let Some(name) = os.get("NAME") {
            name.clone_into(&mut self.name);
        }
        if let Some(version) = os.get("VERSION_ID") {
            version.clone_into(&mut self.version);
            let (major, minor) = version.split_once('.').unwrap_or((version, ""));
            major.clone_into(&mut self.major);
            let enterprise = text.to_lowercase().contains("enterprise");
            let minor = if minor.is_empty() && enterprise { "0" } else { minor };
            minor.clone_into(&mut self.release);
        }
        true
    }

    fn debian(&mut self, cx: &mut Context<'_>, text: &str, path: &str) -> bool {
        let os = OsRelease { text: text.to_owned() };
        let has = |word: &str| text.contains(word);
        if has("Debian") || has("Raspbian") {
            "Debian".clone_into(&mut self.name);
            if let Some(release) = in_parentheses(os.get("PRETTY_NAME").unwrap_or_default()) {
                release.clone_into(&mut self.release);
            }
            let exact = content(cx, "/etc/debian_version").unwrap_or_default();
            let minor: Option<String> = exact
                .split_once('.')
                .map(|(_, rest)| rest.chars().take_while(char::is_ascii_digit).collect());
            self.minor = minor.filter(|m| !m.is_empty());
            // ansible prefers the host's own library `distro` to its older one, and that takes the most exact version.
            let newer =
                cx.target.exists("/usr/lib/python3/dist-packages/distro/__init__.py".as_ref());
            let dots = |version: &str| version.matches('.').count();
            if newer && dots(exact.trim()) > dots(&self.version) {
                exact.trim().clone_into(&mut self.version);
            }
            return true;
        }
        let named = [
            ("Ubuntu", "Ubuntu"),
            ("SteamOS", "SteamOS"),
            ("Kali", "Kali"),
            ("Parrot", "Parrot"),
            ("Devuan", "Devuan"),
            ("Cumulus", "Cumulus Linux"),
            ("Mint", "Linux Mint"),
        ];
        let Some((_, name)) = named.iter().find(|(word, _)| has(word)) else { return false };
        (*name).clone_into(&mut self.name);
        if matches!(*name, "Kali" | "Parrot")
            && let Some(release) = os.get("DISTRIB_RELEASE").filter(|_| path.starts_with("/etc"))
        {
            release.clone_into(&mut self.release);
        }
        true
    }

    fn unknown(&mut self, text: &str) -> bool {
        let os = OsRelease { text: text.to_owned() };
        if let Some(name) = os.get("NAME") {
            name.clone_into(&mut self.name);
        }
        if let Some(version) = os.get("VERSION").filter(|_| self.version == "NA") {
            version.clone_into(&mut self.version);
        }
        true
    }
}

fn in_parentheses(text: &str) -> Option<&str> {
    let (_, rest) = text.split_once('(')?;
    let (inside, _) = rest.split_once(')')?;
    Some(inside.trim())
}

/// The family of distributions that share packages and habits.
fn family(name: &str) -> &str {
    match name {
        "RedHat"
        | "RHEL"
        | "Fedora"
        | "CentOS"
        | "Scientific"
        | "SLC"
        | "Ascendos"
        | "CloudLinux"
        | "PSBM"
        | "OracleLinux"
        | "OVS"
        | "OEL"
        | "Amazon"
        | "Virtuozzo"
        | "XenServer"
        | "Alibaba"
        | "EulerOS"
        | "openEuler"
        | "AlmaLinux"
        | "Rocky"
        | "TencentOS"
        | "EuroLinux"
        | "Kylin Linux Advanced Server" => "RedHat",
        "Debian" | "Ubuntu" | "Raspbian" | "Neon" | "KDE neon" | "Linux Mint" | "SteamOS"
        | "Devuan" | "Kali" | "Cumulus Linux" | "Pop!_OS" | "Parrot" | "Pardus GNU/Linux"
        | "Uos" | "Deepin" | "OSMC" => "Debian",
        "SuSE"
        | "SLES"
        | "SLED"
        | "openSUSE"
        | "openSUSE Tumbleweed"
        | "SLES_SAP"
        | "SUSE_LINUX"
        | "openSUSE Leap" => "Suse",
        "Archlinux" | "Antergos" | "Manjaro" => "Archlinux",
        "Gentoo" | "Funtoo" => "Gentoo",
        "Mandrake" | "Mandriva" => "Mandrake",
        "Clear Linux OS" | "Clear Linux Mix" => "ClearLinux",
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::call::Call;
    use crate::files::NoFiles;
    use crate::target::fake::Fake;

    fn facts(fake: Fake) -> Map {
        let (mut fake, call, mut files) = (fake, Call::default(), NoFiles);
        let mut facts = Map::new();
        collect(&mut Context::new(&mut fake, &mut files, &call), &mut facts);
        facts
    }

    #[test]
    fn debian_has_its_minor_version_elsewhere() {
        let os = "PRETTY_NAME=\"Debian GNU/Linux 12 (bookworm)\"\nNAME=\"Debian GNU/Linux\"\nVERSION_ID=\"12\"\nVERSION_CODENAME=bookworm\nID=debian\n";
        let facts =
            facts(Fake::new().file("/etc/os-release", os).file("/etc/debian_version", "12.11\n"));
        assert_eq!(facts["distribution"], "Debian");
        assert_eq!(facts["distribution_version"], "12");
        assert_eq!(facts["distribution_minor_version"], "11");
        assert_eq!(facts["distribution_release"], "bookworm");
        assert_eq!(facts["os_family"], "Debian");
        let with_library = Fake::new()
            .file("/etc/os-release", os)
            .file("/etc/debian_version", "12.11\n")
            .file("/usr/lib/python3/dist-packages/distro/__init__.py", "");
        let facts = self::facts(with_library);
        assert_eq!(facts["distribution_version"], "12.11");
        assert_eq!(facts["distribution_major_version"], "12");
    }

    #[test]
    fn red_hat_is_told_by_its_release_file() {
        let os = "NAME=\"Red Hat Enterprise Linux\"\nVERSION=\"10.0 (Coughlan)\"\nID=\"rhel\"\nVERSION_ID=\"10.0\"\n";
        let facts = facts(
            Fake::new()
                .file("/etc/os-release", os)
                .file("/etc/redhat-release", "Red Hat Enterprise Linux release 10.0 (Coughlan)\n"),
        );
        assert_eq!(facts["distribution"], "RedHat");
        assert_eq!(facts["distribution_major_version"], "10");
        assert_eq!(facts["distribution_release"], "Coughlan");
        assert_eq!(facts["distribution_file_variety"], "RedHat");
        assert_eq!(facts["os_family"], "RedHat");
    }
}
