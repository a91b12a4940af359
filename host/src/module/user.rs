//! `user`: accounts.

mod ssh_key;

use crate::data::{Data, Map};
use crate::module::{Args, CheckMode, Context, Failure, Kind, Lit, Module, Opt, Outcome, Returned};
use crate::target::{Ran, Run, User};

pub static MODULE: Module = Module {
    description: "Adds, changes and removes accounts, their groups, passwords and SSH keys.",
    options: &[
        Opt::str("name").required().aliases(&["user"]).doc("The account."),
        Opt::str("state")
            .or_str("present")
            .choices(&[Lit::Str("absent"), Lit::Str("present")])
            .doc("Whether it is to be there."),
        Opt::int("uid").doc("Its number."),
        Opt::bool("non_unique").or(false).doc("Whether another account may have the number too."),
        Opt::str("group").doc("Its primary group."),
        Opt::list("groups", Kind::Str).doc("Its other groups; empty for none."),
        Opt::str("comment").doc("Who it is for."),
        Opt::path("home").doc("Its home folder."),
        Opt::str("shell").doc("Its shell."),
        Opt::str("password").no_log().doc("The hash of its password."),
        Opt::str("login_class").doc("Not used on Linux."),
        Opt::int("password_expire_max")
            .not_secret()
            .doc("Days after which the password must be changed."),
        Opt::int("password_expire_min").not_secret().doc("Days before which it can't be changed."),
        Opt::bool("hidden").doc("Not used on Linux."),
        Opt::str("seuser").doc("Its SELinux user."),
        Opt::bool("force").or(false).doc("Remove an account that is logged in; replace SSH keys."),
        Opt::bool("remove").or(false).doc("Remove its files with it."),
        Opt::bool("create_home").or(true).aliases(&["createhome"]).doc("Make its home folder."),
        Opt::str("skeleton").doc("The folder that a new home is copied from."),
        Opt::bool("system").or(false).doc("Whether a new account is one of the system's."),
        Opt::bool("move_home").or(false).doc("Move the files of its home when that changes."),
        Opt::bool("append").or(false).doc("Add to its groups instead of replacing them."),
        Opt::bool("generate_ssh_key").not_secret().doc("Make an SSH key for it."),
        Opt::int("ssh_key_bits").or_int(0).not_secret().doc("Bits of the key."),
        Opt::str("ssh_key_type").or_str("rsa").not_secret().doc("The key's kind."),
        Opt::path("ssh_key_file")
            .not_secret()
            .doc("The key's file, in the home folder if it is no whole path."),
        Opt::str("ssh_key_comment").not_secret().doc("The key's comment."),
        Opt::str("ssh_key_passphrase").no_log().doc("What the key is encrypted with."),
        Opt::str("update_password")
            .or_str("always")
            .choices(&[Lit::Str("always"), Lit::Str("on_create")])
            .not_secret()
            .doc("Whether the password of an account that is there is set."),
        Opt::float("expires")
            .doc("When the account ends, in seconds since 1970; below 0 for never."),
        Opt::bool("password_lock").not_secret().doc("Whether its password is locked."),
        Opt::bool("local")
            .doc("Use the programs for local accounts where a directory provides others."),
        Opt::str("profile").doc("Not used on Linux."),
        Opt::str("authorization").doc("Not used on Linux."),
        Opt::str("role").doc("Not used on Linux."),
        Opt::str("umask").doc("The umask that its home is made with."),
    ],
    check_mode: CheckMode::Full,
    returns: &[
        Returned::new("uid", "int", "the account is there", "Its number."),
        Returned::new("group", "int", "the account is there", "The number of its group."),
        Returned::new("home", "str", "the account is there", "Its home folder."),
        Returned::new("ssh_public_key", "str", "`generate_ssh_key`", "Its public key."),
    ],
    examples: "- name: An operator\n  ansible.builtin.user:\n    name: operator\n    groups: [sudo]\n    append: true\n    shell: /bin/bash\n",
    ..Module::builtin("user", "Manages accounts", run)
};

fn run(cx: &mut Context<'_>, args: &mut Args) -> Result<Outcome, Failure> {
    let local = args.bool("local");
    if local && args.is_given("umask") {
        return Err(Failure::new("'umask' can not be used with 'local'"));
    }
    if !args.is_given("groups") && args.bool("append") {
        cx.warn("'append' is set, but no 'groups' are specified. Use 'groups' for appending new groups.This will change to an error in Ansible 2.14.");
    }
    check_password(cx, args);
    let name = args.req("name").to_owned();
    let state = args.req("state").to_owned();
    let exists = exists(cx, args, &name)?;
    let mut result = Map::new();
    result.insert("name".into(), name.as_str().into());
    result.insert("state".into(), state.as_str().into());
    let ran = match (state.as_str(), exists) {
        ("absent", false) => None,
        ("absent", true) if cx.check => return Ok(Outcome::new(true)),
        ("present", false) if cx.check => return Ok(Outcome::new(true)),
        ("absent", true) => {
            let ran = delete(cx, args, &name)?;
            result.insert("force".into(), args.bool("force").into());
            result.insert("remove".into(), args.bool("remove").into());
            Some(ran)
        }
        (_, false) => {
            let ran = create(cx, args, &name)?;
            result.insert("system".into(), args.bool("system").into());
            result.insert("create_home".into(), args.bool("create_home").into());
            Some(ran)
        }
        (_, true) => {
            let ran = modify(cx, args, &name)?;
            result.insert("append".into(), args.bool("append").into());
            result.insert("move_home".into(), args.bool("move_home").into());
            ran
        }
    };
    let mut changed = ran.is_some();
    if let Some(ran) = ran {
        succeed(&name, &ran)?;
        for (key, text) in [("stdout", ran.out()), ("stderr", ran.err())] {
            if !text.is_empty() {
                result.insert(key.into(), text.into_owned().into());
            }
        }
    }
    if state == "present" {
        if args.is_given("password") {
            result.insert("password".into(), "NOT_LOGGING_PASSWORD".into());
        }
        if let Some(user) = cx.target.user_by_name(&name) {
            changed |= complete(cx, args, &user, &mut result)?;
        }
    }
    Ok(Outcome::new(changed).with_all(result))
}

/// The home folder, the SSH key and the password's age of an account that is there; what results
/// tell of it. Whether something changed.
fn complete(
    cx: &mut Context<'_>,
    args: &mut Args,
    user: &User,
    result: &mut Map,
) -> Result<bool, Failure> {
    let mut changed = false;
    for (key, value) in [
        ("uid", Data::from(user.uid)),
        ("group", user.gid.into()),
        ("comment", user.gecos.as_str().into()),
        ("home", user.home.as_str().into()),
        ("shell", user.shell.as_str().into()),
    ] {
        result.insert(key.into(), value);
    }
    if args.is_given("groups") {
        result.insert("groups".into(), args.strings("groups").join(",").into());
    }
    let home = args.str("home").unwrap_or(&user.home).to_owned();
    if args.bool("create_home") && !cx.target.exists(home.as_ref()) {
        if !cx.check {
            make_home(cx, args, &home)?;
            give(cx, &home, user.uid, user.gid)?;
        }
        changed = true;
    }
    if args.bool("generate_ssh_key") {
        changed |= ssh_key::generate(cx, args, user, result)?;
    }
    if let Some(ran) = password_age(cx, args, user)? {
        succeed(&user.name, &ran)?;
        changed = true;
    }
    Ok(changed)
}

fn succeed(name: &str, ran: &Ran) -> Result<(), Failure> {
    if ran.ok() {
        return Ok(());
    }
    Err(Failure::new(ran.err().into_owned()).with("name", name).with("rc", ran.rc))
}

/// Warns of a password that is no hash.
fn check_password(cx: &mut Context<'_>, args: &Args) {
    let Some(password) = args.str("password").filter(|p| !p.is_empty()) else { return };
    if matches!(password, "*" | "!" | "*************") {
        return;
    }
    let fields: Vec<&str> = password.split('$').collect();
    let hash = fields.last().copied().unwrap_or_default();
    let plain = |c: char| c.is_ascii_alphanumeric() || c == '.' || c == '/';
    let wrong_length = match fields.get(1).copied() {
        Some("1") => hash.len() != 22,
        Some("5") => hash.len() != 43,
        Some("6") => hash.len() != 86,
        _ => false,
    };
    let odd = password.contains([':', '*', '!']) || fields.len() < 3 || !hash.chars().all(plain);
    if odd || wrong_length {
        cx.warn("The input password appears not to have been hashed. The 'password' argument must be encrypted for this module to work properly.");
    }
}

fn exists(cx: &mut Context<'_>, args: &Args, name: &str) -> Result<bool, Failure> {
    if !args.bool("local") {
        return Ok(cx.target.user_by_name(name).is_some());
    }
    let text = cx.target.read_text("/etc/passwd".as_ref()).map_err(|_| {
        Failure::new(
            "'local: true' specified but unable to find local account file /etc/passwd to parse.",
        )
    })?;
    let found = text.lines().any(|l| l.strip_prefix(name).is_some_and(|r| r.starts_with(':')));
    if !found {
        cx.warn(format!("'local: true' specified and user '{name}' was not found in /etc/passwd. The local user account may already exist if the local account database exists somewhere other than /etc/passwd."));
    }
    Ok(found)
}

/// A program of shadow's, or of libuser's for local accounts.
fn program(cx: &mut Context<'_>, args: &Args, name: &str) -> Result<Run, Failure> {
    let name = if args.bool("local") { format!("l{name}") } else { name.to_owned() };
    Ok(Run::argv([cx.program(&name)?.into_os_string()]))
}

/// A group's number, by its number or name.
fn group_id(cx: &mut Context<'_>, group: &str) -> Option<u32> {
    let by_number = group.parse().ok().and_then(|gid| cx.target.group_by_id(gid));
    by_number.or_else(|| cx.target.group_by_name(group)).map(|g| g.gid)
}

fn must_exist(cx: &mut Context<'_>, group: &str) -> Result<u32, Failure> {
    group_id(cx, group).ok_or_else(|| Failure::new(format!("Group {group} does not exist")))
}

/// The groups asked for; all of them are there.
fn wanted_groups(cx: &mut Context<'_>, args: &Args) -> Result<Vec<String>, Failure> {
    let mut all: Vec<String> = Vec::new();
    for group in args.strings("groups").iter().flat_map(|g| g.split(',')) {
        let group = group.trim().to_owned();
        if group.is_empty() || all.contains(&group) {
            continue;
        }
        must_exist(cx, &group)?;
        all.push(group);
    }
    Ok(all)
}

fn delete(cx: &mut Context<'_>, args: &Args, name: &str) -> Result<Ran, Failure> {
    let mut run = program(cx, args, "userdel")?;
    if args.bool("force") && !args.bool("local") {
        run = run.arg("-f");
    }
    if args.bool("remove") {
        run = run.arg("-r");
    }
    cx.run(&run.arg(name))
}

fn create(cx: &mut Context<'_>, args: &Args, name: &str) -> Result<Ran, Failure> {
    let local = args.bool("local");
    let mut run = program(cx, args, "useradd")?;
    if let Some(uid) = args.int("uid") {
        run = run.args(["-u".to_owned(), uid.to_string()]);
        if args.bool("non_unique") {
            run = run.arg("-o");
        }
    }
    if let Some(seuser) = args.str("seuser") {
        run = run.args(["-Z", seuser]);
    }
    if let Some(group) = args.str("group") {
        must_exist(cx, group)?;
        run = run.args(["-g", group]);
    } else if group_id(cx, name).is_some() {
        // A group of the account's name is there already: it is not made again.
        run = run.arg(if local { "-n" } else { "-N" });
    }
    let groups = wanted_groups(cx, args)?;
    if !groups.is_empty() && !local {
        run = run.args(["-G".to_owned(), groups.join(",")]);
    }
    if let Some(comment) = args.str("comment") {
        run = run.args(["-c", comment]);
    }
    let mut own_home = None;
    if let Some(home) = args.str("home") {
        let parent = std::path::Path::new(home).parent().map(std::path::Path::to_path_buf);
        if args.bool("create_home") && parent.is_some_and(|p| !cx.target.is_dir(&p)) {
            make_home(cx, args, home)?;
            own_home = Some(home.to_owned());
        }
        run = run.args(["-d", home]);
    }
    if let Some(shell) = args.str("shell") {
        run = run.args(["-s", shell]);
    }
    if let Some(expires) = args.float("expires").filter(|_| !local) {
        run = run.args(["-e".to_owned(), date(expires)]);
    }
    if args.bool("create_home") {
        if !local {
            run = run.arg("-m");
        }
        if let Some(skeleton) = args.str("skeleton") {
            run = run.args(["-k", skeleton]);
        }
        if let Some(umask) = args.str("umask") {
            run = run.args(["-K".to_owned(), format!("UMASK={umask}")]);
        }
    } else {
        run = run.arg("-M");
    }
    if args.bool("system") {
        run = run.arg("-r");
    }
    let mut ran = cx.run(&run.arg(name))?;
    if !ran.ok() {
        return Ok(ran);
    }
    if let Some(password) = args.str("password") {
        let lock = if args.bool("password_lock") { "!" } else { "" };
        ran = set_password(cx, name, &format!("{lock}{password}"))?;
    }
    if let Some(home) = own_home
        && let Some(user) = cx.target.user_by_name(name)
    {
        give(cx, &home, user.uid, user.gid)?;
    }
    if local && ran.ok() {
        ran = finish_local(cx, name, args.float("expires"), &groups, &[])?.unwrap_or(ran);
    }
    Ok(ran)
}

/// Sets a hash by `chpasswd`, which reads it: as an argument every user of the host could see it.
fn set_password(cx: &mut Context<'_>, name: &str, hash: &str) -> Result<Ran, Failure> {
    let run = Run::argv([cx.program("chpasswd")?.into_os_string()])
        .arg("-e")
        .stdin(format!("{name}:{hash}\n").into_bytes());
    cx.run(&run)
}

/// What libuser does in steps of their own: the end of the account, its groups.
fn finish_local(
    cx: &mut Context<'_>,
    name: &str,
    expires: Option<f64>,
    add: &[String],
    remove: &[String],
) -> Result<Option<Ran>, Failure> {
    let mut last = None;
    if let Some(expires) = expires {
        let days = if expires < 0.0 { -1 } else { (expires / 86_400.0).floor() as i64 };
        let run = Run::argv([cx.program("lchage")?.into_os_string()]).args([
            "-E".to_owned(),
            days.to_string(),
            name.to_owned(),
        ]);
        last = Some(cx.run(&run)?);
    }
    for (flag, groups) in [("-M", add), ("-m", remove)] {
        for group in groups {
            if last.as_ref().is_some_and(|ran| !ran.ok()) {
                return Ok(last);
            }
            let run = Run::argv([cx.program("lgroupmod")?.into_os_string()]).args([
                flag,
                name,
                group.as_str(),
            ]);
            last = Some(cx.run(&run)?);
        }
    }
    Ok(last)
}

/// `YYYY-MM-DD` of seconds since 1970; empty for never.
fn date(expires: f64) -> String {
    if expires < 0.0 {
        return String::new();
    }
    let time = crate::target::Time::from_f64(expires);
    let day = crate::clock::Calendar::at(time, 0);
    format!("{:04}-{:02}-{:02}", day.year, day.month, day.day)
}

/// An account's line in the file of passwords: the hash, and the day that the account ends.
#[derive(Default)]
struct Shadow {
    hash: String,
    expires: i64,
    min: Option<i64>,
    max: Option<i64>,
}

fn shadow(cx: &mut Context<'_>, name: &str) -> Shadow {
    let text = cx.target.read_text("/etc/shadow".as_ref()).unwrap_or_default();
    let Some(line) = text.lines().find(|l| l.split(':').next() == Some(name)) else {
        return Shadow { expires: -1, ..Shadow::default() };
    };
    let fields: Vec<&str> = line.split(':').collect();
    let number = |at: usize| fields.get(at).and_then(|f| f.parse().ok());
    Shadow {
        hash: fields.get(1).copied().unwrap_or_default().to_owned(),
        expires: number(7).unwrap_or(-1),
        min: number(3),
        max: number(4),
    }
}

fn modify(cx: &mut Context<'_>, args: &Args, name: &str) -> Result<Option<Ran>, Failure> {
    let local = args.bool("local");
    let Some(user) = cx.target.user_by_name(name) else { return Ok(None) };
    let shadow = shadow(cx, name);
    let mut words: Vec<String> = Vec::new();
    let mut push = |flag: &str, value: &str| words.extend([flag.to_owned(), value.to_owned()]);
    if let Some(uid) = args.int("uid").filter(|uid| *uid != i64::from(user.uid)) {
        push("-u", &uid.to_string());
        if args.bool("non_unique") {
            words.push("-o".to_owned());
        }
    }
    if let Some(group) = args.str("group") {
        let gid = must_exist(cx, group)?;
        if gid != user.gid {
            words.extend(["-g".to_owned(), gid.to_string()]);
        }
    }
    let (add, remove) = group_changes(cx, args, name)?;
    if !local && (!add.is_empty() || !remove.is_empty()) {
        if args.bool("append") {
            words.push("-a".to_owned());
        }
        words.extend(["-G".to_owned(), wanted_groups(cx, args)?.join(",")]);
    }
    let mut text = |flag: &str, wanted: Option<&str>, now: &str| {
        if let Some(wanted) = wanted.filter(|w| *w != now) {
            words.extend([flag.to_owned(), wanted.to_owned()]);
            return true;
        }
        false
    };
    text("-c", args.str("comment"), &user.gecos);
    let moved = text("-d", args.str("home"), &user.home);
    text("-s", args.str("shell"), &user.shell);
    if moved && args.bool("move_home") {
        words.push("-m".to_owned());
    }
    let ends = expiry_change(args, &shadow);
    if let Some(date) = ends.clone().filter(|_| !local) {
        words.extend(["-e".to_owned(), date]);
    }
    let locked = shadow.hash.starts_with('!');
    let password = args.str("password").filter(|wanted| {
        args.req("update_password") == "always"
            && shadow.hash.trim_start_matches('!') != wanted.trim_start_matches('!')
    });
    if password.is_none() {
        match args.opt_bool("password_lock") {
            Some(true) if !locked => words.push("-L".to_owned()),
            Some(false) if locked => words.push("-U".to_owned()),
            _ => {}
        }
    }
    if cx.check {
        let local_work = local && (ends.is_some() || !add.is_empty() || !remove.is_empty());
        let work = !words.is_empty() || password.is_some() || local_work;
        return Ok(work.then(|| Ran::of(0, "", "")));
    }
    let mut last = None;
    if !words.is_empty() {
        let run = program(cx, args, "usermod")?.args(words).arg(name);
        last = Some(cx.run(&run)?);
    }
    if let Some(password) = password.filter(|_| last.as_ref().is_none_or(Ran::ok)) {
        let lock = if args.bool("password_lock") { "!" } else { "" };
        last = Some(set_password(cx, name, &format!("{lock}{password}"))?);
    }
    if local && last.as_ref().is_none_or(Ran::ok) {
        let expires = args.float("expires").filter(|_| ends.is_some());
        last = finish_local(cx, name, expires, &add, &remove)?.or(last);
    }
    Ok(last)
}

/// The groups to join and to leave.
fn group_changes(
    cx: &mut Context<'_>,
    args: &Args,
    name: &str,
) -> Result<(Vec<String>, Vec<String>), Failure> {
    if !args.is_given("groups") {
        return Ok((Vec::new(), Vec::new()));
    }
    let wanted = wanted_groups(cx, args)?;
    let now: Vec<String> = cx
        .target
        .groups()
        .into_iter()
        .filter(|g| g.members.iter().any(|m| m == name))
        .map(|g| g.name)
        .collect();
    let add: Vec<String> = wanted.iter().filter(|g| !now.contains(g)).cloned().collect();
    let remove: Vec<String> = if args.bool("append") {
        Vec::new()
    } else {
        now.into_iter().filter(|g| !wanted.contains(g)).collect()
    };
    Ok((add, remove))
}

/// The new day of the account's end, if it changes.
fn expiry_change(args: &Args, shadow: &Shadow) -> Option<String> {
    let wanted = args.float("expires")?;
    if wanted < 0.0 {
        return (shadow.expires >= 0).then(String::new);
    }
    let days = (wanted / 86_400.0).floor() as i64;
    (shadow.expires != days).then(|| date(wanted))
}

fn password_age(cx: &mut Context<'_>, args: &Args, user: &User) -> Result<Option<Ran>, Failure> {
    let (min, max) = (args.int("password_expire_min"), args.int("password_expire_max"));
    if min.is_none() && max.is_none() {
        return Ok(None);
    }
    let now = shadow(cx, &user.name);
    let mut words: Vec<String> = Vec::new();
    if let Some(min) = min.filter(|m| now.min != Some(*m)) {
        words.extend(["-m".to_owned(), min.to_string()]);
    }
    if let Some(max) = max.filter(|m| now.max != Some(*m)) {
        words.extend(["-M".to_owned(), max.to_string()]);
    }
    if words.is_empty() {
        return Ok(None);
    }
    if cx.check {
        return Ok(Some(Ran::of(0, "", "")));
    }
    let run = Run::argv([cx.program("chage")?.into_os_string()]).args(words).arg(&user.name);
    cx.run(&run).map(Some)
}

/// Makes a home folder from the skeleton, with the mode that the system's umask gives.
fn make_home(cx: &mut Context<'_>, args: &Args, home: &str) -> Result<(), Failure> {
    if cx.target.exists(home.as_ref()) {
        return Ok(());
    }
    let fail = |e: std::io::Error| Failure::new(e.to_string());
    let parent = std::path::Path::new(home).parent().map(std::path::Path::to_path_buf);
    if let Some(parent) = parent {
        make_folders(cx, &parent)?;
    }
    let skeleton = args.str("skeleton").unwrap_or("/etc/skel").to_owned();
    if cx.target.exists(skeleton.as_ref()) {
        let run = Run::argv(["cp", "-R", "-P", skeleton.as_str(), home]);
        cx.run_ok(&run)?;
    } else {
        cx.target.mkdir(home.as_ref(), 0o777).map_err(fail)?;
    }
    let defs = cx.target.read_text("/etc/login.defs".as_ref()).unwrap_or_default();
    let umask = defs.lines().find_map(|l| {
        let mut words = l.split_whitespace();
        (words.next() == Some("UMASK")).then(|| u32::from_str_radix(words.next()?, 8).ok())?
    });
    if let Some(umask) = umask {
        cx.target.chmod(home.as_ref(), 0o777 & !umask).map_err(fail)?;
    }
    Ok(())
}

fn make_folders(cx: &mut Context<'_>, path: &std::path::Path) -> Result<(), Failure> {
    if cx.target.is_dir(path) {
        return Ok(());
    }
    if let Some(parent) = path.parent() {
        make_folders(cx, parent)?;
    }
    cx.target.mkdir(path, 0o777).map_err(|e| Failure::new(e.to_string()))
}

/// Gives a folder and what is in it to an account.
fn give(cx: &mut Context<'_>, home: &str, uid: u32, gid: u32) -> Result<(), Failure> {
    let run =
        Run::argv(["chown".to_owned(), "-R".to_owned(), format!("{uid}:{gid}"), home.to_owned()]);
    cx.run_ok(&run).map(drop)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::call::Call;
    use crate::target::fake::Fake;
    use serde_json::json;

    fn host() -> Fake {
        Fake::new()
            .file(
                "/etc/passwd",
                "root:x:0:0:root:/root:/bin/sh\nann:x:1000:1000:Ann:/home/ann:/bin/sh\n",
            )
            .file("/etc/group", "root:x:0:\nann:x:1000:\nsudo:x:27:\nadm:x:4:ann\n")
            .file("/etc/shadow", "ann:!old:19000:0:99999:7:::\n")
            .dir("/home/ann")
            .program("usermod")
            .program("useradd")
            .program("chpasswd")
            .on("getent", Ran::of(2, "", ""))
            .on("/usr/bin/usermod", Ran::of(0, "", ""))
            .on("/usr/bin/chpasswd", Ran::of(0, "", ""))
    }

    #[test]
    fn the_end_of_a_local_account_is_set_once() {
        let args = json!({"name": "ann", "local": true, "expires": 2_529_881_062_i64});
        let local = || host().program("lusermod").program("lchage").program("lgroupmod");
        let mut fake = local().on("/usr/bin/lchage", Ran::of(0, "", ""));
        let result = Call::new("user", args.clone()).run_on(&mut fake);
        assert_eq!(result["changed"], true);
        assert!(fake.runs.contains(&"/usr/bin/lchage -E 29281 ann".to_owned()), "{:?}", fake.runs);
        let mut fake = local().file("/etc/shadow", "ann:!old:19000:0:99999:7::29281:\n");
        let result = Call::new("user", args).run_on(&mut fake);
        assert_eq!((&result["changed"], fake.runs.len()), (&json!(false), 0), "{:?}", fake.runs);
    }

    #[test]
    fn an_account_as_wanted_is_left_alone() {
        let args = json!({"name": "ann", "shell": "/bin/sh", "groups": ["adm"], "uid": 1000});
        let result = Call::new("user", args).run_on(&mut host());
        assert_eq!(result["changed"], false, "{result:?}");
        assert_eq!(result["groups"], "adm");
        assert_eq!(result["home"], "/home/ann");
    }

    #[test]
    fn groups_are_added_or_replaced() {
        let mut fake = host();
        let args = json!({"name": "ann", "groups": ["sudo"], "append": true});
        let result = Call::new("user", args).run_on(&mut fake);
        assert_eq!(result["changed"], true);
        assert!(fake.runs.iter().any(|r| r.contains("-a -G sudo ann")), "{:?}", fake.runs);
        let result =
            Call::new("user", json!({"name": "ann", "groups": ["nope"]})).run_on(&mut host());
        assert_eq!(result["msg"], "Group nope does not exist");
    }

    #[test]
    fn a_hash_never_is_an_argument() {
        let mut fake = host();
        let hash = format!("$6$salt${}", "a".repeat(86));
        let args = json!({"name": "ann", "password": hash});
        let result = Call::new("user", args).run_on(&mut fake);
        assert_eq!(result["changed"], true);
        assert!(fake.runs.iter().all(|r| !r.contains("$6$")), "{:?}", fake.runs);
    }

    #[test]
    fn days_are_dates() {
        assert_eq!(date(-1.0), "");
        assert_eq!(date(86_400.0), "1970-01-02");
    }
}
