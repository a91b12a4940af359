//! `mount`: entries of the table of file systems, and what is mounted now.

mod fstab;
mod table;

use std::path::{Path, PathBuf};

use fstab::Entry;
use table::Mounts;

use crate::data::Data;
use crate::module::{Args, Context, Failure, Lit, Module, Opt, Outcome, Rule, Source, Write};
use crate::python::{self, Subject};
use crate::target::Run;

const NEEDS_SOURCE: &[&str] = &["src", "fstype"];

const fn needs_source(state: &'static str) -> Rule {
    Rule::RequiredIf { option: "state", is: Lit::Str(state), needs: NEEDS_SOURCE, any: false }
}

pub static MODULE: Module = Module {
    collection: "ansible.posix",
    aliases: &["ansible.builtin.mount"],
    description: "Keeps entries of /etc/fstab, and mounts and unmounts them.",
    options: &[
        Opt::bool("boot").or(true).doc(
            "Mount it when the system starts; without, `noauto` joins the options.\n\
             Options that contain `noauto` or `defaults` are left as they are.",
        ),
        Opt::str("dump").or_str("0").doc("The fifth field: whether dump(8) saves it."),
        Opt::str("fstab").doc("Another file instead of /etc/fstab. It is made if it is missing."),
        Opt::str("fstype").doc("The kind of file system."),
        Opt::path("path").required().aliases(&["name"]).doc("Where it is mounted."),
        Opt::str("opts").doc("Options of the mount, with commas between."),
        Opt::str("passno").not_secret().or_str("0").doc("The sixth field: when fsck(8) checks it."),
        Opt::path("src").doc("The device, network share or folder."),
        Opt::bool("backup").or(false).doc("Keep the old file under a name with the time."),
        Opt::str("state")
            .required()
            .choices(&[
                Lit::Str("absent"),
                Lit::Str("absent_from_fstab"),
                Lit::Str("mounted"),
                Lit::Str("present"),
                Lit::Str("unmounted"),
                Lit::Str("remounted"),
                Lit::Str("ephemeral"),
            ])
            .doc(
                "`mounted`: in the file and mounted. `present`: in the file, however it is mounted.\n\
                 `unmounted`: not mounted, the file as it is. `absent`: neither, and the folder goes too.\n\
                 `absent_from_fstab`: not in the file, however it is mounted.\n\
                 `remounted`: mounted again, for new options. `ephemeral`: mounted, the file as it is.",
            ),
    ],
    rules: &[needs_source("mounted"), needs_source("present"), needs_source("ephemeral")],
    examples: "- name: Media are there\n  ansible.posix.mount:\n    path: /srv/media\n    src: UUID=b3e48f45-f933-4c8e-a700-22a159ec9077\n    fstype: ext4\n    opts: noatime,nofail\n    state: mounted\n",
    ..Module::builtin("mount", "Manages mounts and their table", run)
};

/// What the task asks for, defaults filled in.
struct Wanted {
    state: String,
    entry: Entry,
    has_source: bool,
    fstab: String,
    boot: &'static str,
    backup: bool,
    backup_file: String,
    warnings: Vec<String>,
}

fn run(cx: &mut Context<'_>, args: &mut Args) -> Result<Outcome, Failure> {
    let mut wanted = wanted(args);
    let mounts = Mounts::read(cx);
    if mounts.is_none() {
        wanted.warnings.push(
            "Cannot open file /proc/self/mountinfo. Bind mounts might be misinterpreted.".into(),
        );
    }
    settle_boot(&mut wanted, args.bool("boot"));
    if wanted.state != "ephemeral" {
        make_table(cx, &wanted.fstab)?;
    }
    let changed = match wanted.state.as_str() {
        "absent_from_fstab" => forget(cx, &wanted)?,
        "absent" => absent(cx, &wanted, mounts.as_ref())?,
        "unmounted" => unmounted(cx, &wanted, mounts.as_ref())?,
        "present" => remember(cx, &mut wanted)?.1,
        "remounted" => {
            if !cx.check {
                remount(cx, &wanted)?.map_err(|why| {
                    Failure::new(format!("Error remounting {}: {why}", wanted.entry.name))
                })?;
            }
            true
        }
        _ => mounted(cx, &mut wanted, mounts.as_ref())?,
    };
    Ok(result(changed, wanted))
}

fn wanted(args: &Args) -> Wanted {
    let text = |name: &str, default: &str| args.str(name).unwrap_or(default).to_owned();
    Wanted {
        state: args.string("state"),
        entry: Entry {
            src: text("src", ""),
            name: args.string("path"),
            fstype: text("fstype", ""),
            opts: text("opts", "defaults"),
            dump: Some(text("dump", "0")),
            passno: Some(text("passno", "0")),
        },
        has_source: args.is_given("src"),
        fstab: text("fstab", "/etc/fstab"),
        boot: "yes",
        backup: args.bool("backup"),
        backup_file: String::new(),
        warnings: Vec::new(),
    }
}

fn settle_boot(wanted: &mut Wanted, boot: bool) {
    let has = |option: &str| wanted.entry.opts.split(',').any(|given| given == option);
    if has("noauto") {
        wanted.warnings.push("Ignore the 'boot' due to 'opts' contains 'noauto'.".into());
    } else if !boot {
        wanted.boot = "no";
        if has("defaults") {
            wanted.warnings.push("Ignore the 'boot' due to 'opts' contains 'defaults'.".into());
        } else {
            wanted.entry.opts.push_str(",noauto");
        }
    }
}

fn result(changed: bool, wanted: Wanted) -> Outcome {
    let entry = wanted.entry;
    let mut outcome = Outcome::new(changed)
        .with("name", entry.name)
        .with("opts", entry.opts)
        .with("dump", entry.dump)
        .with("passno", entry.passno)
        .with("fstab", wanted.fstab)
        .with("boot", wanted.boot)
        .with("backup_file", wanted.backup_file)
        .with("warnings", wanted.warnings);
    for (key, value) in [("src", entry.src), ("fstype", entry.fstype)] {
        if !value.is_empty() {
            outcome = outcome.with(key, Data::from(value));
        }
    }
    outcome
}

/// A table that is named but missing is made, in check mode too, as ansible.posix does.
fn make_table(cx: &mut Context<'_>, fstab: &str) -> Result<(), Failure> {
    let path = Path::new(fstab);
    if cx.target.exists(path) {
        return Ok(());
    }
    let failed = |error: std::io::Error| {
        if error.kind() == std::io::ErrorKind::PermissionDenied {
            return Failure::new(format!("Failed to open {fstab} due to permission issue"));
        }
        let why = python::os_error(&error, Subject::Text(path));
        Failure::new(format!("Failed to open {fstab} due to {why}"))
    };
    let parents: Vec<&Path> = path.ancestors().skip(1).collect();
    for parent in parents.into_iter().rev() {
        if !parent.as_os_str().is_empty() && !cx.target.exists(parent) {
            cx.target.mkdir(parent, 0o777).map_err(failed)?;
        }
    }
    cx.target.create(path, b"", 0o666).map_err(failed)
}

fn read(cx: &mut Context<'_>, fstab: &str) -> Result<String, Failure> {
    let path = Path::new(fstab);
    cx.target
        .read_text(path)
        .map_err(|error| Failure::new(python::os_error(&error, Subject::Text(path))))
}

/// Writes the table; gives the name of the old one's copy.
fn write(cx: &mut Context<'_>, wanted: &Wanted, text: &str) -> Result<Option<String>, Failure> {
    let path = cx.target.realpath(Path::new(&wanted.fstab));
    let write = Write::new(&path, Source::Bytes(text.as_bytes())).backup(wanted.backup);
    Ok(cx.write(write)?.backup)
}

/// Sets the entry; gives the table as it was, and whether it changed.
fn remember(cx: &mut Context<'_>, wanted: &mut Wanted) -> Result<(String, bool), Failure> {
    let old = read(cx, &wanted.fstab)?;
    let set = fstab::set(&old, &wanted.entry);
    if set.changed && !cx.check {
        wanted.backup_file = write(cx, wanted, &set.text)?.unwrap_or_default();
    }
    Ok((set.old, set.changed))
}

fn forget(cx: &mut Context<'_>, wanted: &Wanted) -> Result<bool, Failure> {
    let old = read(cx, &wanted.fstab)?;
    let source = wanted.has_source.then_some(wanted.entry.src.as_str());
    let Some(text) = fstab::unset(&old, &wanted.entry.name, source) else { return Ok(false) };
    if !cx.check {
        write(cx, wanted, &text)?;
    }
    Ok(true)
}

fn absent(cx: &mut Context<'_>, wanted: &Wanted, mounts: Option<&Mounts>) -> Result<bool, Failure> {
    let changed = forget(cx, wanted)?;
    if changed && !cx.check {
        unmounted(cx, wanted, mounts)?;
        let path = Path::new(&wanted.entry.name);
        if cx.target.exists(path) {
            cx.target.rmdir(path).map_err(|error| {
                let why = python::os_error(&error, Subject::Text(path));
                Failure::new(format!("Error rmdir {}: {why}", wanted.entry.name))
            })?;
        }
    }
    Ok(changed)
}

fn unmounted(
    cx: &mut Context<'_>,
    wanted: &Wanted,
    mounts: Option<&Mounts>,
) -> Result<bool, Failure> {
    let name = &wanted.entry.name;
    if !table::is_mount(cx, name) && !table::is_bound(cx, mounts, name, None)? {
        return Ok(false);
    }
    if !cx.check {
        unmount(cx, name)?
            .map_err(|why| Failure::new(format!("Error unmounting {name}: {why}")))?;
    }
    Ok(true)
}

/// States `mounted` and `ephemeral`.
fn mounted(
    cx: &mut Context<'_>,
    wanted: &mut Wanted,
    mounts: Option<&Mounts>,
) -> Result<bool, Failure> {
    let ephemeral = wanted.state == "ephemeral";
    let made = make_folders(cx, &wanted.entry.name)?;
    let (old, mut changed) = match ephemeral {
        true => (String::new(), false),
        false => remember(cx, wanted)?,
    };
    let name = wanted.entry.name.clone();
    let source = Some((wanted.entry.src.as_str(), wanted.entry.fstype.as_str()));
    let is_there = table::is_mount(cx, &name) || table::is_bound(cx, mounts, &name, source)?;
    let done = if is_there && ephemeral {
        if !table::comes_from(cx, mounts, &wanted.entry.src, &name)? {
            return Err(Failure::new(
                "Ephemeral mount point is already mounted with a different source than the specified one. \
                 Failing in order to prevent an unwanted unmount or override operation. Try replacing this command with \
                 a \"state: unmounted\" followed by a \"state: ephemeral\", or use a different destination path.",
            ));
        }
        changed = true;
        if cx.check { Ok(()) } else { remount(cx, wanted)? }
    } else if is_there {
        if changed && !cx.check { remount(cx, wanted)? } else { Ok(()) }
    } else {
        changed = true;
        if cx.check { Ok(()) } else { mount(cx, wanted)? }
    };
    let Err(why) = done else { return Ok(changed) };
    // An entry that can't be mounted would stop the next start.
    if !ephemeral {
        let _ = write(cx, wanted, &old);
    }
    for folder in made.iter().rev() {
        if cx.target.rmdir(folder).is_err() {
            break;
        }
    }
    Err(Failure::new(format!("Error mounting {name}: {why}")))
}

/// The folders that had to be made for a path.
fn make_folders(cx: &mut Context<'_>, name: &str) -> Result<Vec<PathBuf>, Failure> {
    let mut made = Vec::new();
    if cx.check || cx.target.exists(name.as_ref()) {
        return Ok(made);
    }
    let mut at = PathBuf::from(if name.starts_with('/') { "/" } else { "" });
    for part in name.trim_matches('/').split('/') {
        at.push(part);
        if cx.target.exists(&at) {
            continue;
        }
        match cx.target.mkdir(&at, 0o777) {
            Ok(()) => made.push(at.clone()),
            Err(_) if cx.target.is_dir(&at) => {}
            Err(error) => {
                let why = python::os_error(&error, Subject::Bytes(&at));
                return Err(Failure::new(format!("Error making dir {name}: {why}")));
            }
        }
    }
    Ok(made)
}

/// What a program said if it did not end well.
type Done = Result<(), String>;

fn ran(cx: &mut Context<'_>, program: &str, words: Vec<String>) -> Result<Done, Failure> {
    let program = cx.program(program)?;
    let ran = cx.run(&Run::argv([program.into_os_string()]).args(words))?;
    Ok(if ran.ok() { Ok(()) } else { Err(format!("{}{}", ran.out(), ran.err())) })
}

/// The words between `mount` and the path.
fn source_words(wanted: &Wanted) -> Vec<String> {
    let mut words = Vec::new();
    if wanted.state == "ephemeral" {
        words.extend(["-t".to_owned(), wanted.entry.fstype.clone()]);
        if wanted.entry.opts != "defaults" {
            words.extend(["-o".to_owned(), wanted.entry.opts.clone()]);
        }
        words.push(wanted.entry.src.clone());
    } else if !wanted.fstab.is_empty() && wanted.fstab != "/etc/fstab" {
        words.extend(["-T".to_owned(), wanted.fstab.clone()]);
    }
    words
}

fn mount(cx: &mut Context<'_>, wanted: &Wanted) -> Result<Done, Failure> {
    let mut words = source_words(wanted);
    words.push(wanted.entry.name.clone());
    ran(cx, "mount", words)
}

fn unmount(cx: &mut Context<'_>, name: &str) -> Result<Done, Failure> {
    ran(cx, "umount", vec![name.to_owned()])
}

/// Mounts again in place, or after unmounting where that can't be done.
fn remount(cx: &mut Context<'_>, wanted: &Wanted) -> Result<Done, Failure> {
    let special = wanted.state == "remounted" && wanted.entry.opts != "defaults";
    let option =
        if special { format!("remount,{}", wanted.entry.opts) } else { "remount".to_owned() };
    let mut words = vec!["-o".to_owned(), option];
    words.extend(source_words(wanted));
    words.push(wanted.entry.name.clone());
    if ran(cx, "mount", words)?.is_ok() {
        return Ok(Ok(()));
    }
    if special {
        return Err(Failure::new(
            "Options were specified with remounted, but the remount command failed. Failing in order to prevent an \
             unexpected mount result. Try replacing this command with a \"state: unmounted\" followed by a \
             \"state: mounted\" using the full desired mount options instead.",
        ));
    }
    match unmount(cx, &wanted.entry.name)? {
        Ok(()) => mount(cx, wanted),
        failed => Ok(failed),
    }
}

#[cfg(test)]
mod tests {
    use crate::call::Call;
    use crate::target::Ran;
    use crate::target::fake::Fake;
    use serde_json::json;

    fn host() -> Fake {
        Fake::new()
            .program("mount")
            .program("umount")
            .dir("/srv")
            .file("/proc/self/mountinfo", "25 1 0:1 / / rw - ext4 /dev/sda1 rw\n")
            .file("/etc/fstab", "# table\n/dev/sda1 / ext4 defaults 0 1\n")
    }

    fn data() -> serde_json::Value {
        json!({"path": "/srv/data", "src": "/dev/sdb", "fstype": "xfs", "state": "mounted"})
    }

    #[test]
    fn mounts_and_remembers() {
        let mut fake = host().on("/usr/bin/mount", Ran::of(0, "", ""));
        let result = Call::new("mount", data()).run_on(&mut fake);
        assert_eq!(result["changed"], true, "{result:?}");
        assert!(!result.contains_key("warnings"));
        assert_eq!(result["opts"], "defaults");
        assert_eq!(fake.runs, ["/usr/bin/mount /srv/data"]);
        assert_eq!(
            fake.text("/etc/fstab"),
            "# table\n/dev/sda1 / ext4 defaults 0 1\n/dev/sdb /srv/data xfs defaults 0 0\n"
        );
    }

    #[test]
    fn a_failed_mount_leaves_nothing() {
        let mut fake = host().on("/usr/bin/mount", Ran::of(32, "", "no such device\n"));
        let result = Call::new("mount", data()).run_on(&mut fake);
        assert_eq!(result["msg"], "Error mounting /srv/data: no such device\n");
        assert_eq!(fake.text("/etc/fstab"), "# table\n/dev/sda1 / ext4 defaults 0 1\n");
        assert!(fake.tree("/srv").is_empty());
    }

    #[test]
    fn check_mode_only_says() {
        let mut fake = host();
        let result = Call::new("mount", data()).check().run_on(&mut fake);
        assert_eq!(result["changed"], true, "{result:?}");
        assert_eq!(fake.text("/etc/fstab"), "# table\n/dev/sda1 / ext4 defaults 0 1\n");
        assert!(fake.runs.is_empty());
    }

    #[test]
    fn boot_joins_the_options() {
        let with = |opts: &str| {
            let mut args = data();
            args["state"] = "present".into();
            args["opts"] = opts.into();
            args["boot"] = false.into();
            let result = Call::new("mount", args).run_on(&mut host());
            (result["opts"].clone(), result.get("warnings").cloned())
        };
        assert_eq!(with("ro"), (json!("ro,noauto"), None));
        assert_eq!(
            with("defaults,ro").1,
            Some(json!(["Ignore the 'boot' due to 'opts' contains 'defaults'."]))
        );
        assert_eq!(
            with("noauto").1,
            Some(json!(["Ignore the 'boot' due to 'opts' contains 'noauto'."]))
        );
    }

    #[test]
    fn absent_takes_the_folder_too() {
        let mut fake = host()
            .dir("/mnt/x")
            .file("/etc/fstab", "/dev/sdb /mnt/x xfs defaults 0 0\n/dev/sda1 / ext4 defaults 0 1");
        let args = json!({"path": "/mnt/x", "state": "absent"});
        let result = Call::new("mount", args).run_on(&mut fake);
        assert_eq!(result["changed"], true, "{result:?}");
        assert_eq!(fake.text("/etc/fstab"), "/dev/sda1 / ext4 defaults 0 1");
        assert!(fake.tree("/mnt").is_empty());
    }

    #[test]
    fn other_tables_are_named_to_mount() {
        let mut fake = host().on("/usr/bin/mount", Ran::of(0, "", ""));
        let mut args = data();
        args["fstab"] = "/etc/mounts/tab".into();
        let result = Call::new("mount", args).run_on(&mut fake);
        assert_eq!(result["changed"], true, "{result:?}");
        assert_eq!(fake.runs, ["/usr/bin/mount -T /etc/mounts/tab /srv/data"]);
    }
}
