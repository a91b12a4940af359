//! Modules: the host's half of a task. One file a module; registered below.

mod acl;
mod alternatives;
mod apache2_module;
mod apk;
mod apt;
mod apt_key;
mod apt_repository;
mod archive;
mod assemble;
mod async_status;
mod at;
mod authorized_key;
mod blockinfile;
mod capabilities;
mod command;
mod composer;
mod copy;
mod cpanm;
mod cron;
mod crypttab;
mod debconf;
mod dnf;
mod dpkg_divert;
mod dpkg_selections;
mod expect;
mod file;
mod filesystem;
mod find;
mod firewalld;
mod gem;
mod get_url;
mod getent;
mod git;
mod git_config;
mod group;
mod hostname;
mod htpasswd;
mod ini_file;
mod interfaces_file;
mod iptables;
mod kernel_blacklist;
mod known_hosts;
mod lineinfile;
mod locale_gen;
mod lvg;
mod lvol;
mod make;
mod modprobe;
mod mount;
mod npm;
mod openssh_keypair;
mod openssl_csr;
mod openssl_csr_info;
mod openssl_dhparam;
mod openssl_privatekey;
mod openssl_privatekey_info;
mod openssl_publickey;
mod package_facts;
mod pacman;
mod pam_limits;
mod parted;
mod patch;
mod ping;
mod pip;
mod read_csv;
mod replace;
mod rpm_key;
mod seboolean;
mod sefcontext;
mod selinux;
mod seport;
mod service;
mod service_facts;
mod setup;
mod slack;
mod slurp;
mod snap;
mod stat;
mod subversion;
mod sudoers;
mod supervisorctl;
mod synchronize;
mod sysctl;
mod systemd;
mod sysvinit;
mod tempfile;
mod timezone;
mod ufw;
mod unarchive;
mod uri;
mod user;
mod wait_for;
mod x509_certificate;
mod x509_certificate_info;
mod xml;
mod yum;
mod yum_repository;

pub use crate::context::{Context, FileAttributes, Source, Write, Written};
use crate::data::Data;
pub use crate::data::Map;
pub use crate::outcome::{Diff, Diffs, Failure, Outcome};
pub use crate::spec::{FILE_OPTIONS, Kind, Lit, Opt, Rule, URL_OPTIONS};

/// Every module. A test compares this list with the folder.
pub static MODULES: &[&Module] = &[
    &acl::MODULE,
    &alternatives::MODULE,
    &apache2_module::MODULE,
    &apk::MODULE,
    &apt::MODULE,
    &apt_key::MODULE,
    &apt_repository::MODULE,
    &archive::MODULE,
    &assemble::MODULE,
    &async_status::MODULE,
    &at::MODULE,
    &authorized_key::MODULE,
    &blockinfile::MODULE,
    &capabilities::MODULE,
    &command::MODULE,
    &composer::MODULE,
    &copy::MODULE,
    &cpanm::MODULE,
    &cron::MODULE,
    &crypttab::MODULE,
    &debconf::MODULE,
    &dnf::MODULE,
    &dpkg_divert::MODULE,
    &dpkg_selections::MODULE,
    &expect::MODULE,
    &file::MODULE,
    &filesystem::MODULE,
    &find::MODULE,
    &firewalld::MODULE,
    &gem::MODULE,
    &get_url::MODULE,
    &getent::MODULE,
    &git::MODULE,
    &git_config::MODULE,
    &group::MODULE,
    &hostname::MODULE,
    &htpasswd::MODULE,
    &ini_file::MODULE,
    &interfaces_file::MODULE,
    &iptables::MODULE,
    &kernel_blacklist::MODULE,
    &known_hosts::MODULE,
    &lineinfile::MODULE,
    &locale_gen::MODULE,
    &lvg::MODULE,
    &lvol::MODULE,
    &make::MODULE,
    &modprobe::MODULE,
    &mount::MODULE,
    &npm::MODULE,
    &openssh_keypair::MODULE,
    &openssl_csr::MODULE,
    &openssl_csr_info::MODULE,
    &openssl_dhparam::MODULE,
    &openssl_privatekey::MODULE,
    &openssl_privatekey_info::MODULE,
    &openssl_publickey::MODULE,
    &package_facts::MODULE,
    &pacman::MODULE,
    &pam_limits::MODULE,
    &parted::MODULE,
    &patch::MODULE,
    &ping::MODULE,
    &pip::MODULE,
    &read_csv::MODULE,
    &replace::MODULE,
    &rpm_key::MODULE,
    &seboolean::MODULE,
    &sefcontext::MODULE,
    &selinux::MODULE,
    &seport::MODULE,
    &service::MODULE,
    &service_facts::MODULE,
    &setup::MODULE,
    &slack::MODULE,
    &slurp::MODULE,
    &snap::MODULE,
    &stat::MODULE,
    &subversion::MODULE,
    &sudoers::MODULE,
    &supervisorctl::MODULE,
    &synchronize::MODULE,
    &sysctl::MODULE,
    &systemd::MODULE,
    &sysvinit::MODULE,
    &tempfile::MODULE,
    &timezone::MODULE,
    &ufw::MODULE,
    &unarchive::MODULE,
    &uri::MODULE,
    &user::MODULE,
    &wait_for::MODULE,
    &x509_certificate::MODULE,
    &x509_certificate_info::MODULE,
    &xml::MODULE,
    &yum::MODULE,
    &yum_repository::MODULE,
];

/// A module: everything there is to know of it, in one constant.
pub struct Module {
    pub name: &'static str,
    /// The collection it is of, such as `ansible.builtin`.
    pub collection: &'static str,
    /// Other names, short (`systemd_service`) or full (`community.general.timezone`).
    pub aliases: &'static [&'static str],
    /// One line.
    pub summary: &'static str,
    /// A paragraph a line.
    pub description: &'static str,
    pub options: &'static [Opt],
    /// Groups of options shared with others, such as [`FILE_OPTIONS`]; an option of the same name in `options` wins.
    pub shared: &'static [&'static [Opt]],
    pub rules: &'static [Rule],
    pub check_mode: CheckMode,
    pub returns: &'static [Returned],
    /// YAML, shown by `ansible-doc`.
    pub examples: &'static str,
    /// The release of ansible that brought it.
    pub version_added: &'static str,
    pub run: fn(&mut Context<'_>, &mut Args) -> Result<Outcome, Failure>,
}

impl Module {
    /// A module of `ansible.builtin` without options; set the fields that differ with `..`.
    pub const fn builtin(
        name: &'static str,
        summary: &'static str,
        run: fn(&mut Context<'_>, &mut Args) -> Result<Outcome, Failure>,
    ) -> Module {
        Module {
            name,
            collection: "ansible.builtin",
            aliases: &[],
            summary,
            description: "",
            options: &[],
            shared: &[],
            rules: &[],
            check_mode: CheckMode::Full,
            returns: &[],
            examples: "",
            version_added: "",
            run,
        }
    }

    /// All options, shared ones after its own.
    pub fn all_options(&self) -> Vec<&'static Opt> {
        let mut all: Vec<&'static Opt> = self.options.iter().collect();
        for opt in self.shared.iter().flat_map(|group| group.iter()) {
            if !all.iter().any(|known| known.name == opt.name) {
                all.push(opt);
            }
        }
        all
    }

    /// An option by its name or one of its aliases.
    pub fn option(&self, name: &str) -> Option<&'static Opt> {
        self.all_options().into_iter().find(|opt| opt.name == name || opt.aliases.contains(&name))
    }

    /// Whether a task may call it by this name.
    pub fn is_called(&self, name: &str) -> bool {
        let short = match name.strip_prefix("ansible.legacy.") {
            Some(short) => short,
            None => {
                match name.strip_prefix(self.collection).and_then(|rest| rest.strip_prefix('.')) {
                    Some(short) => short,
                    None => name,
                }
            }
        };
        short == self.name || self.aliases.contains(&name) || self.aliases.contains(&short)
    }
}

/// What a module does in check mode.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CheckMode {
    /// Says what it would do, and does nothing.
    Full,
    /// Says it in part of the cases.
    Partial,
    /// Is skipped.
    None,
}

/// A value that a module returns, for its documentation.
#[derive(Debug, Clone, Copy)]
pub struct Returned {
    pub name: &'static str,
    /// `always`, `success`, `on create`, …
    pub when: &'static str,
    /// `str`, `dict`, …
    pub kind: &'static str,
    pub doc: &'static str,
    /// A sample, as YAML.
    pub sample: &'static str,
    /// What a dictionary contains.
    pub contains: &'static [Returned],
}

impl Returned {
    pub const fn new(
        name: &'static str,
        kind: &'static str,
        when: &'static str,
        doc: &'static str,
    ) -> Returned {
        Returned { name, when, kind, doc, sample: "", contains: &[] }
    }

    pub const fn sample(mut self, sample: &'static str) -> Returned {
        self.sample = sample;
        self
    }

    pub const fn contains(mut self, contains: &'static [Returned]) -> Returned {
        self.contains = contains;
        self
    }
}

/// The module of this name: short, `ansible.legacy.…` or with its collection.
pub fn find(name: &str) -> Option<&'static Module> {
    MODULES.iter().copied().find(|module| module.is_called(name))
}

/// Checked arguments: every option has a value, `null` where nothing is given.
///
/// Asking for an option that the module does not declare is a mistake in the
/// module; the accessors then answer as if it were not given, and debug builds
/// stop.
#[derive(Debug, Clone, Default)]
pub struct Args {
    values: Map,
}

impl Args {
    /// Values as [`crate::spec::check`] made them.
    pub fn new(values: Map) -> Args {
        Args { values }
    }

    /// A value that is not `null`.
    pub fn get(&self, name: &str) -> Option<&Data> {
        debug_assert!(self.values.contains_key(name), "the module declares no option `{name}`");
        self.values.get(name).filter(|value| !value.is_null())
    }

    pub fn is_given(&self, name: &str) -> bool {
        self.get(name).is_some()
    }

    pub fn str(&self, name: &str) -> Option<&str> {
        self.get(name)?.as_str()
    }

    /// A text that is required or has a default.
    pub fn req(&self, name: &str) -> &str {
        self.str(name).unwrap_or_default()
    }

    /// An owned text that is required or has a default.
    pub fn string(&self, name: &str) -> String {
        self.req(name).to_owned()
    }

    /// A path that is required or has a default.
    pub fn path(&self, name: &str) -> std::path::PathBuf {
        self.req(name).into()
    }

    /// A yes-or-no option; not given is no.
    pub fn bool(&self, name: &str) -> bool {
        self.opt_bool(name).unwrap_or(false)
    }

    pub fn opt_bool(&self, name: &str) -> Option<bool> {
        self.get(name)?.as_bool()
    }

    pub fn int(&self, name: &str) -> Option<i64> {
        match self.get(name)? {
            Data::Bool(value) => Some((*value).into()),
            other => other.as_i64(),
        }
    }

    pub fn float(&self, name: &str) -> Option<f64> {
        self.get(name)?.as_f64()
    }

    /// The elements of a list; `None` if it is not given.
    pub fn list(&self, name: &str) -> Option<&[Data]> {
        Some(self.get(name)?.as_array()?.as_slice())
    }

    /// The elements of a list of texts; empty if it is not given.
    pub fn strings(&self, name: &str) -> Vec<String> {
        self.list(name).unwrap_or_default().iter().map(crate::python::text).collect()
    }

    pub fn dict(&self, name: &str) -> Option<&Map> {
        self.get(name)?.as_object()
    }

    /// Change a value; the result's `invocation` shows the new one, as with ansible's modules that do so.
    pub fn set(&mut self, name: &str, value: impl Into<Data>) {
        self.values.insert(name.into(), value.into());
    }

    /// Take an option away, so that the result's `invocation` does not show it.
    pub fn forget(&mut self, name: &str) {
        self.values.remove(name);
    }

    /// All of them.
    pub fn values(&self) -> &Map {
        &self.values
    }

    /// All of them.
    pub fn into_values(self) -> Map {
        self.values
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn every_file_is_registered() {
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/src/module");
        let files: BTreeSet<String> = std::fs::read_dir(folder)
            .into_iter()
            .flatten()
            .flatten()
            .map(|entry| entry.file_name().to_string_lossy().trim_end_matches(".rs").to_owned())
            .filter(|name| name != "mod")
            .collect();
        let registered: BTreeSet<String> =
            MODULES.iter().map(|module| module.name.to_owned()).collect();
        assert_eq!(files, registered);
    }

    #[test]
    fn specifications_are_whole() {
        for module in MODULES {
            let name = module.name;
            assert!(
                !module.summary.is_empty() && !module.summary.ends_with('.'),
                "{name}: summary"
            );
            assert!(!module.description.is_empty(), "{name}: description");
            assert!(!module.examples.is_empty(), "{name}: examples");
            let mut names = BTreeSet::new();
            for opt in module.all_options() {
                whole(name, opt);
                for called in opt.aliases.iter().chain([&opt.name]) {
                    assert!(names.insert(*called), "{name}: `{called}` twice");
                }
            }
        }
    }

    fn whole(module: &str, opt: &Opt) {
        let name = opt.name;
        assert!(opt.internal || !opt.doc.is_empty(), "{module}: `{name}` has no documentation");
        assert!(
            !(opt.required && opt.default != Lit::None),
            "{module}: `{name}` is required and has a default"
        );
        assert!(
            opt.no_log.is_some() || !sounds_secret(name),
            "{module}: say whether `{name}` is a secret"
        );
        assert_eq!(
            opt.kind == Kind::List,
            opt.elements.is_some() || opt.kind == Kind::List,
            "{module}: `{name}`"
        );
        for inner in opt.options {
            whole(module, inner);
        }
    }

    fn sounds_secret(name: &str) -> bool {
        name.split(['_', '-'])
            .any(|word| matches!(word, "pass" | "password" | "passphrase" | "passwd" | "passwrd"))
    }

    #[test]
    fn names() {
        for name in ["ping", "ansible.builtin.ping", "ansible.legacy.ping"] {
            assert_eq!(find(name).map(|module| module.name), Some("ping"));
        }
        assert!(find("ansible.posix.ping").is_none());
    }
}
