//! `yum_repository`: sources of packages for dnf and yum.

mod ini;

use std::path::Path;

use ini::Ini;

use crate::data::Data;
use crate::module::{
    Args, Context, Diff, FILE_OPTIONS, Failure, FileAttributes, Kind, Lit, Module, Opt, Outcome,
    Write,
};
use crate::python::{self, Subject};

pub static MODULE: Module = Module {
    description: "Keeps a section of a file in /etc/yum.repos.d.",
    options: &[
        Opt::bool("async").doc("Have packages' lists fetched side by side."),
        Opt::str("bandwidth").doc("The most bytes per second that fetching may take."),
        Opt::list("baseurl", Kind::Str).doc("Addresses of the folder with `repodata`."),
        Opt::str("cost").doc("How dear this source is beside others."),
        Opt::str("deltarpm_metadata_percentage")
            .doc("How large the list of deltas may be, in percent of the packages' list."),
        Opt::str("deltarpm_percentage").doc("How large a delta may be, in percent of the package."),
        Opt::str("description").doc("The source's name for people."),
        Opt::bool("enabled").doc("Whether it is used."),
        Opt::bool("enablegroups").doc("Whether its groups of packages are used."),
        Opt::list("exclude", Kind::Str).doc("Packages that are not taken from it."),
        Opt::str("failovermethod")
            .choices(&[Lit::Str("roundrobin"), Lit::Str("priority")])
            .doc("In which order several addresses are tried."),
        Opt::str("file")
            .doc("The file's name without `.repo`; the name of the source if not said."),
        Opt::str("gpgcakey").not_secret().doc("Address of the authority's key."),
        Opt::bool("gpgcheck").doc("Whether packages' signatures are checked."),
        Opt::list("gpgkey", Kind::Str).not_secret().doc("Addresses of the source's keys."),
        Opt::bool("module_hotfixes").doc("Whether its packages may replace those of modules."),
        Opt::str("http_caching")
            .choices(&[Lit::Str("all"), Lit::Str("packages"), Lit::Str("none")])
            .doc("What caches on the way may keep."),
        Opt::str("include").doc("Another file of settings."),
        Opt::list("includepkgs", Kind::Str).doc("The only packages that are taken from it."),
        Opt::str("ip_resolve")
            .choices(&[
                Lit::Str("4"),
                Lit::Str("6"),
                Lit::Str("IPv4"),
                Lit::Str("IPv6"),
                Lit::Str("whatever"),
            ])
            .doc("Which kind of address names are resolved to."),
        Opt::bool("keepalive").doc("Whether connections are used again."),
        Opt::str("keepcache")
            .choices(&[Lit::Str("0"), Lit::Str("1")])
            .doc("Whether packages stay after they were installed."),
        Opt::str("metadata_expire").doc("How long packages' lists count as fresh."),
        Opt::str("metadata_expire_filter")
            .choices(&[
                Lit::Str("never"),
                Lit::Str("read-only:past"),
                Lit::Str("read-only:present"),
                Lit::Str("read-only:future"),
            ])
            .doc("For which commands that time does not count."),
        Opt::str("metalink").doc("Address of a metalink file."),
        Opt::str("mirrorlist").doc("Address of a list of mirrors."),
        Opt::str("mirrorlist_expire").doc("How long that list counts as fresh."),
        Opt::str("name").required().doc("The source's name, and the section's."),
        Opt::dict("params").doc("No longer taken."),
        Opt::str("password").no_log().doc("The password with the source's server."),
        Opt::str("priority").doc("Its rank beside others; the lowest number wins."),
        Opt::bool("protect").doc("Whether its packages are kept from others' updates."),
        Opt::str("proxy").doc("Address of a proxy, or `_none_`."),
        Opt::str("proxy_password").no_log().doc("The password with the proxy."),
        Opt::str("proxy_username").doc("The user's name with the proxy."),
        Opt::bool("repo_gpgcheck").doc("Whether the lists' signatures are checked."),
        Opt::path("reposdir").or_str("/etc/yum.repos.d").doc("The folder of the files."),
        Opt::str("retries").doc("How often fetching is tried."),
        Opt::bool("s3_enabled").doc("Whether it is in S3."),
        Opt::bool("skip_if_unavailable").doc("Whether dnf goes on if it can't be reached."),
        Opt::str("sslcacert").aliases(&["ca_cert"]).doc("Folder of trusted certificates."),
        Opt::bool("ssl_check_cert_permissions")
            .doc("Whether certificates must be readable beforehand."),
        Opt::str("sslclientcert").aliases(&["client_cert"]).doc("File of our certificate."),
        Opt::str("sslclientkey")
            .aliases(&["client_key"])
            .not_secret()
            .doc("File of our certificate's key."),
        Opt::bool("sslverify")
            .aliases(&["validate_certs"])
            .doc("Whether the server's certificate is checked."),
        Opt::str("state")
            .or_str("present")
            .choices(&[Lit::Str("present"), Lit::Str("absent")])
            .doc("Whether the source is to be there."),
        Opt::str("throttle").doc("How much of the bandwidth fetching takes."),
        Opt::str("timeout").doc("Seconds until a connection counts as lost."),
        Opt::str("ui_repoid_vars").doc("Variables that are shown with the source's name."),
        Opt::str("username").doc("The user's name with the source's server."),
    ],
    shared: &[FILE_OPTIONS],
    examples: "- name: Packages of RKE2 can be installed\n  ansible.builtin.yum_repository:\n    name: rancher-rke2\n    description: RKE2\n    baseurl: https://rpm.rancher.io/rke2/stable/1.29/centos/9/x86_64\n    gpgkey: https://rpm.rancher.io/public.key\n",
    ..Module::builtin("yum_repository", "Manages sources of packages for dnf and yum", run)
};

/// Options that are no settings of the section.
const NOT_SETTINGS: [&str; 6] = ["description", "file", "name", "params", "reposdir", "state"];

fn run(cx: &mut Context<'_>, args: &mut Args) -> Result<Outcome, Failure> {
    if args.dict("params").is_some_and(|params| !params.is_empty()) {
        return Err(Failure::new(
            "The params option to yum_repository was removed in Ansible 2.5 since it circumvents Ansible's option handling",
        ));
    }
    let (name, state) = (args.string("name"), args.string("state"));
    let present = state == "present";
    if present {
        if !["baseurl", "metalink", "mirrorlist"].iter().any(|source| args.is_given(source)) {
            return Err(Failure::new(
                "Parameter 'baseurl', 'metalink' or 'mirrorlist' is required.",
            ));
        }
        if !args.is_given("description") {
            return Err(Failure::new("Parameter 'description' is required."));
        }
    }
    let folder = args.path("reposdir");
    if !cx.target.is_dir(&folder) {
        return Err(Failure::new(format!("Repo directory '{}' does not exist.", folder.display())));
    }
    let dest = folder.join(format!("{}.repo", args.str("file").unwrap_or(&name)));
    let mut ini = read(cx, &dest)?;
    let before = ini.sorted();
    ini.remove(&name);
    if present {
        ini.add(&name, settings(args));
    }
    let after = ini.sorted();
    let mut changed = before != after;
    if changed && !cx.check {
        save(cx, &dest, &ini)?;
    }
    if cx.target.stat(&dest).is_ok_and(|stat| !stat.is_dir()) {
        let attributes = FileAttributes::of(cx, args, &dest);
        changed |= cx.set_attributes(&dest, &attributes, None)?;
    }
    let header = dest.to_string_lossy().into_owned();
    Ok(Outcome::new(changed)
        .with("repo", name)
        .with("state", state)
        .diff(Diff::of(before, after).headers(header.clone(), header)))
}

fn read(cx: &mut Context<'_>, dest: &Path) -> Result<Ini, Failure> {
    if !cx.target.stat(dest).is_ok_and(|stat| !stat.is_dir()) {
        return Ok(Ini::default());
    }
    // As Python's parser, which passes over files that it may not read.
    let text = cx.target.read_text(dest).unwrap_or_default();
    Ini::parse(&text).map_err(|(number, line)| {
        Failure::new(format!("{}: line {number} can't be read: {line}", dest.display()))
    })
}

/// The section's settings, sorted.
fn settings(args: &Args) -> Vec<(String, String)> {
    let own = |option: &&Opt| !NOT_SETTINGS.contains(&option.name);
    let mut settings: Vec<(String, String)> = MODULE
        .options
        .iter()
        .filter(own)
        .filter_map(|option| {
            Some((option.name.to_owned(), text(option.name, args.get(option.name)?)))
        })
        .collect();
    settings.extend(args.str("description").map(|name| ("name".to_owned(), name.to_owned())));
    settings.sort();
    settings
}

fn text(option: &str, value: &Data) -> String {
    match value {
        Data::Bool(on) => u8::from(*on).to_string(),
        Data::Array(items) => {
            let items: Vec<String> = items.iter().map(python::text).collect();
            // Addresses stand one a line, names of packages beside each other.
            items.join(if matches!(option, "baseurl" | "gpgkey") { "\n" } else { " " })
        }
        other => python::text(other),
    }
}

fn save(cx: &mut Context<'_>, dest: &Path, ini: &Ini) -> Result<(), Failure> {
    if ini.is_empty() {
        return cx.target.unlink(dest).map_err(|error| {
            Failure::new(format!("Cannot remove empty repo file {}.", dest.display()))
                .with("details", python::os_error(&error, Subject::Text(dest)))
        });
    }
    let path = cx.target.realpath(dest);
    cx.write_if_changed(Write::bytes(&path, ini.text().as_bytes())).map(drop).map_err(|failure| {
        Failure::new(format!("Problems handling file {}.", dest.display()))
            .with("details", failure.msg)
    })
}

#[cfg(test)]
mod tests {
    use crate::call::Call;
    use crate::target::fake::Fake;
    use serde_json::json;

    #[test]
    fn a_source_is_written_changed_and_removed() {
        let mut fake = Fake::new()
            .file("/etc/yum.repos.d/x.repo", "[old]\nname=Old\nbaseurl = http://a\n  http://b\n");
        let args = json!({"name": "new", "description": "New one", "file": "x", "enabled": true,
                          "baseurl": ["http://c", "http://d"], "gpgcheck": false,
                          "exclude": ["p", "q"], "mode": "0600"});
        let result = Call::new("yum_repository", args.clone()).run_on(&mut fake);
        assert_eq!(result["changed"], true, "{result:?}");
        assert_eq!(
            fake.text("/etc/yum.repos.d/x.repo"),
            "[old]\nname = Old\nbaseurl = http://a\n\thttp://b\n\n[new]\nbaseurl = http://c\n\thttp://d\n\
             enabled = 1\nexclude = p q\ngpgcheck = 0\nname = New one\n\n"
        );
        assert_eq!(fake.mode_of("/etc/yum.repos.d/x.repo"), 0o600);
        assert_eq!(result["diff"]["before"], "[old]\nbaseurl = http://a\nhttp://b\nname = Old\n\n");
        assert_eq!(Call::new("yum_repository", args).run_on(&mut fake)["changed"], false);
        for name in ["new", "old", "old"] {
            let args = json!({"name": name, "file": "x", "state": "absent"});
            Call::new("yum_repository", args).run_on(&mut fake);
        }
        assert!(fake.tree("/etc/yum.repos.d").is_empty());
    }

    #[test]
    fn what_is_missing_is_told() {
        let told = |args| Call::new("yum_repository", args).run_on(&mut Fake::new())["msg"].clone();
        assert_eq!(
            told(json!({"name": "x"})),
            "Parameter 'baseurl', 'metalink' or 'mirrorlist' is required."
        );
        assert_eq!(
            told(json!({"name": "x", "baseurl": "http://x"})),
            "Parameter 'description' is required."
        );
        assert_eq!(
            told(json!({"name": "x", "state": "absent"})),
            "Repo directory '/etc/yum.repos.d' does not exist."
        );
    }
}
