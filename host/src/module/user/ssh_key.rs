//! An account's SSH key.

use std::path::{Path, PathBuf};

use crate::data::{Data, Map};
use crate::module::{Args, Context, Failure};
use crate::target::{Run, User};

/// Makes a key if there is none; tells of it in the result. Whether one was made.
pub fn generate(
    cx: &mut Context<'_>,
    args: &Args,
    user: &User,
    result: &mut Map,
) -> Result<bool, Failure> {
    let file = file(args, user);
    let fail = |text: String| Failure::new(text).with("name", user.name.as_str()).with("rc", 1);
    if !file.is_absolute() || (!cx.target.exists(user.home.as_ref()) && !cx.check) {
        return Err(fail(format!("User {} home directory does not exist", user.name)));
    }
    let made = make(cx, args, user, &file)?;
    let keygen = cx.program("ssh-keygen")?;
    let fingerprint = if cx.target.exists(&file) {
        let run = Run::argv([keygen.into_os_string()]).args(["-l", "-f"]).arg(file.as_os_str());
        let ran = cx.run(&run)?;
        let text = if ran.ok() { ran.out() } else { ran.err() };
        text.trim().to_owned()
    } else {
        String::new()
    };
    let public = cx.target.read_text(&public(&file)).ok();
    result.insert("ssh_fingerprint".into(), fingerprint.into());
    result.insert("ssh_key_file".into(), file.to_string_lossy().into_owned().into());
    let public = public.map_or(Data::Null, |text| text.trim().into());
    result.insert("ssh_public_key".into(), public);
    Ok(made)
}

fn file(args: &Args, user: &User) -> PathBuf {
    let named = args.str("ssh_key_file").map(str::to_owned);
    let named = named.unwrap_or_else(|| format!(".ssh/id_{}", args.req("ssh_key_type")));
    Path::new(&user.home).join(named)
}

fn public(file: &Path) -> PathBuf {
    let mut name = file.as_os_str().to_owned();
    name.push(".pub");
    PathBuf::from(name)
}

fn make(cx: &mut Context<'_>, args: &Args, user: &User, file: &Path) -> Result<bool, Failure> {
    let io = |e: std::io::Error| Failure::new(e.to_string()).with("name", user.name.as_str());
    if let Some(folder) = file.parent()
        && !cx.target.exists(folder)
    {
        if cx.check {
            return Ok(true);
        }
        cx.target.mkdir(folder, 0o700).map_err(io)?;
        cx.target.chown(folder, Some(user.uid), Some(user.gid)).map_err(io)?;
    }
    for (kind, path) in [("private", file.to_path_buf()), ("public", public(file))] {
        if !cx.target.exists(&path) {
            continue;
        }
        if !args.bool("force") {
            cx.warn(format!("Found existing ssh key {kind} file \"{}\", no force, so skipping ssh-keygen generation", path.display()));
            return Ok(false);
        }
        cx.warn(format!("Overwriting existing ssh key {kind} file \"{}\"", path.display()));
        if !cx.check {
            cx.target.unlink(&path).map_err(io)?;
        }
    }
    if cx.check {
        return Ok(true);
    }
    if args.is_given("ssh_key_passphrase") {
        return Err(Failure::new(
            "`ssh_key_passphrase` is not supported yet: ssh-keygen would have to be given it as an argument",
        ));
    }
    let comment = match args.str("ssh_key_comment") {
        Some(comment) => comment.to_owned(),
        None => {
            let host = cx.target.uname().unwrap_or_default().nodename;
            format!("ansible-generated on {host}")
        }
    };
    let mut run = Run::argv([cx.program("ssh-keygen")?.into_os_string()])
        .args(["-t", args.req("ssh_key_type")]);
    if let Some(bits) = args.int("ssh_key_bits").filter(|bits| *bits > 0) {
        run = run.args(["-b".to_owned(), bits.to_string()]);
    }
    run = run.args(["-C", comment.as_str(), "-f"]).arg(file.as_os_str()).args(["-N", ""]);
    cx.run_ok(&run)?;
    for path in [file.to_path_buf(), public(file)] {
        cx.target.chown(&path, Some(user.uid), Some(user.gid)).map_err(io)?;
    }
    Ok(true)
}
