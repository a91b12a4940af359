//! Inventories in small folders, compared with what `ansible-inventory --list` printed for them.
//!
//! A case is a file: `## files`, each after `--- path`, then the arguments, the listing and the
//! warnings as ansible-core 2.14.18 gave them. With `ORACLE_VENV` set to a folder that has
//! `bin/ansible-inventory`, the recorded parts are written anew (of cases that `ORACLE_ONLY` names
//! a part of). `LISTING_CASES` names another folder of cases.

use std::{
    fmt::Write as _,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    process::Command,
    sync::Arc,
};

use super::{Listing, Options, World};
use crate::{
    diagnostic::{Collected, Notices, Result},
    inventory::{Inventory, Rules},
    value::{Dict, Value},
    vault::{Secret, Vault},
};

struct Case {
    path: PathBuf,
    files: Vec<(String, String)>,
    args: Vec<String>,
    listing: String,
    warnings: String,
}

fn read_case(path: &Path) -> Case {
    let text = std::fs::read_to_string(path).expect("a case can be read");
    let mut case = Case {
        path: path.into(),
        files: vec![],
        args: vec![],
        listing: String::new(),
        warnings: String::new(),
    };
    let mut section = "files";
    for line in text.lines() {
        if let Some(name) = line.strip_prefix("## ") {
            section = match name {
                "arguments" => "arguments",
                "listing" => "listing",
                "warnings" => "warnings",
                _ => "files",
            };
        } else if section == "arguments" {
            case.args.extend(line.split_whitespace().map(str::to_owned));
        } else if section == "listing" {
            let _ = writeln!(case.listing, "{line}");
        } else if section == "warnings" {
            let _ = writeln!(case.warnings, "{line}");
        } else if let Some(name) = line.strip_prefix("--- ") {
            case.files.push((name.to_owned(), String::new()));
        } else if let Some((_, content)) = case.files.last_mut() {
            let _ = writeln!(content, "{line}");
        }
    }
    case
}

struct Folder(PathBuf);

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// Lays the files out under a path that is the same in every run.
fn lay_out(case: &Case) -> Folder {
    let name = case.path.file_stem().expect("a name").to_string_lossy().into_owned();
    let folder = std::env::temp_dir().join("vmstation_listing").join(name);
    let _ = std::fs::remove_dir_all(&folder);
    std::fs::create_dir_all(&folder).expect("writable");
    for (name, content) in &case.files {
        let (name, mode) = match name.strip_suffix(" +x") {
            Some(name) => (name, 0o755),
            None => (name.as_str(), 0o644),
        };
        let path = folder.join(name);
        std::fs::create_dir_all(path.parent().expect("a parent")).expect("writable");
        std::fs::write(&path, content).expect("writable");
        std::fs::set_permissions(&path, PermissionsExt::from_mode(mode)).expect("ours");
    }
    Folder(folder)
}

fn json(value: &Value) -> serde_json::Value {
    match value {
        Value::None => serde_json::Value::Null,
        Value::Bool(b) => (*b).into(),
        Value::Int(n) => (*n).into(),
        // Too large for serde_json, which reads such numbers as floats.
        Value::BigInt(n) => num_traits::ToPrimitive::to_f64(&**n).into(),
        Value::Date(d) => d.to_string().into(),
        Value::Float(f) => (*f).into(),
        Value::Str(s) if s.is_unsafe() => serde_json::json!({ "__ansible_unsafe": s.as_str() }),
        Value::Str(s) => s.as_str().into(),
        Value::List(l) => l.snapshot().iter().map(json).collect(),
        Value::Tuple(t) => t.iter().map(json).collect(),
        Value::Dict(d) => serde_json::Value::Object(
            d.snapshot()
                .iter()
                .map(|(k, v)| (crate::value::repr::to_text(k.value()).unwrap_or_default(), json(v)))
                .collect(),
        ),
        Value::Vaulted(v) => serde_json::json!({ "__ansible_vault": v.ciphertext() }),
        other => format!("{other:?}").into(),
    }
}

fn ours(case: &Case, folder: &Path) -> (Result<Dict>, Vec<String>) {
    let told = Arc::new(Collected::default());
    let notices = Arc::clone(&told) as Arc<dyn Notices>;
    let vault = Arc::new(Vault::new(false, Arc::clone(&notices)));
    vault.add("default", Secret::new(b"pw").expect("not empty"));
    let mut sources = Vec::new();
    let mut export = false;
    let mut rules = Rules::default();
    let mut args = case.args.iter();
    while let Some(arg) = args.next() {
        match arg.as_str() {
            "-i" => {
                let source = args.next().expect("a source");
                let list = source.contains(',');
                sources.push(if list {
                    source.clone()
                } else {
                    folder.join(source).to_string_lossy().into()
                });
            }
            "--export" => export = true,
            "ANSIBLE_HASH_BEHAVIOUR=merge" => rules.merge = true,
            other => unreachable!("{other}"),
        }
    }
    let merge = rules.merge;
    let listing =
        Inventory::load(sources, rules, vault, Arc::clone(&notices)).and_then(|inventory| {
            let options = Options { merge, ..Options::default() };
            let world = World::new(Arc::new(inventory), Dict::new(), options, notices);
            let listing =
                Listing { world: &world, basedir: folder.into(), playbook_dir: None, export };
            listing.list()
        });
    (listing, told.warnings())
}

fn squeeze(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// What ansible-inventory prints: listing (or error), warnings.
fn theirs(case: &Case, folder: &Path, venv: &str) -> (String, String) {
    std::fs::write(folder.join(".pw"), "pw").expect("writable");
    let (env, args): (Vec<_>, Vec<_>) = case.args.iter().partition(|a| a.contains("ANSIBLE_"));
    let mut command = Command::new(format!("{venv}/bin/ansible-inventory"));
    command.args(["--list", "--vault-password-file", ".pw"]).args(args).current_dir(folder);
    command.env("ANSIBLE_NOCOLOR", "1").env("COLUMNS", "10000").env("LC_ALL", "C.UTF-8");
    command.envs(env.iter().filter_map(|e| e.split_once('=')));
    let output = command.output().expect("the oracle runs");
    let _ = std::fs::remove_file(folder.join(".pw"));
    let stderr = String::from_utf8_lossy(&output.stderr).into_owned();
    let mut listing = String::from_utf8_lossy(&output.stdout).into_owned();
    let mut warnings = String::new();
    for block in stderr.split("[WARNING]: ").skip(1) {
        let _ =
            writeln!(warnings, "{}", squeeze(block.split("ERROR! ").next().unwrap_or_default()));
    }
    if let Some((_, error)) = stderr.split_once("ERROR! ") {
        listing = format!("ERROR {}\n", squeeze(error));
    }
    let dir = folder.to_string_lossy();
    (listing.replace(&*dir, "{dir}"), warnings.replace(&*dir, "{dir}"))
}

fn record(case: &Case, listing: &str, warnings: &str) {
    let text = std::fs::read_to_string(&case.path).expect("a case can be read");
    let kept = text.split("## listing\n").next().unwrap_or_default();
    let recorded = format!("{kept}## listing\n{listing}## warnings\n{warnings}");
    std::fs::write(&case.path, recorded).expect("a case can be written");
}

#[test]
fn listings_are_ansibles() {
    let own = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/vars/testdata");
    let cases = std::env::var_os("LISTING_CASES").map_or(own, PathBuf::from);
    let mut failures = String::new();
    let mut count = 0;
    let mut paths: Vec<PathBuf> =
        std::fs::read_dir(cases).expect("cases").flatten().map(|e| e.path()).collect();
    paths.sort();
    for path in paths {
        let mut case = read_case(&path);
        let folder = lay_out(&case);
        count += 1;
        let only = std::env::var("ORACLE_ONLY").unwrap_or_default();
        let chosen = path.to_string_lossy().contains(&only);
        if let Some(venv) = std::env::var("ORACLE_VENV").ok().filter(|_| chosen) {
            (case.listing, case.warnings) = theirs(&case, &folder.0, &venv);
            record(&case, &case.listing, &case.warnings);
        }
        let (listing, warnings) = ours(&case, &folder.0);
        let (same, got) = match &listing {
            Ok(listing) => {
                let got = json(&Value::Dict(listing.clone()));
                let text = case.listing.replace("{dir}", &folder.0.to_string_lossy());
                let expected = serde_json::from_str(&text).unwrap_or(serde_json::Value::Null);
                (got == expected, serde_json::to_string_pretty(&got).unwrap_or_default())
            }
            Err(error) => {
                let text =
                    squeeze(&format!("ERROR {}", crate::diagnostic::ansible::describe(error)));
                let text = text.replace(&*folder.0.to_string_lossy(), "{dir}");
                (text == squeeze(&case.listing), text)
            }
        };
        if !same {
            let _ = writeln!(failures, "{}: expected\n{}got\n{got}", path.display(), case.listing);
        }
        let mut seen = std::collections::HashSet::new();
        let mut told: Vec<String> = warnings
            .iter()
            .map(|w| squeeze(&w.replace(&*folder.0.to_string_lossy(), "{dir}")))
            .filter(|w| seen.insert(w.clone()))
            .collect();
        let mut expected: Vec<String> = case.warnings.lines().map(squeeze).collect();
        // The advice under an excerpt is in our own words.
        let no_advice = |w: &mut String| {
            if let Some(at) = w.find(" ^ here ") {
                w.truncate(at + " ^ here".len());
            }
        };
        told.iter_mut().chain(&mut expected).for_each(no_advice);
        // Some are in the order of a Python set.
        told.sort();
        expected.sort();
        if told != expected {
            let _ = writeln!(
                failures,
                "{}: expected warnings\n{expected:#?}\ngot\n{told:#?}",
                path.display()
            );
        }
    }
    assert!(failures.is_empty(), "{failures}");
    assert!(count > 20, "only {count} cases found");
}
