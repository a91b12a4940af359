//! An account's SSH key.

use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::data::{Data, Map};
use crate::module::{Args, Context, Failure};
use crate::target::{Dialogue, Reply, Run, User};

/// How long `ssh-keygen` may take to make a key.
const PATIENCE: Duration = Duration::from_secs(600);

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

/// Runs `ssh-keygen` on a terminal of its own, so that the passphrase is typed, and in no argument.
fn encrypted(
    cx: &mut Context<'_>,
    run: &Run,
    passphrase: &str,
    user: &User,
) -> Result<(), Failure> {
    let typed = format!("{passphrase}\n").into_bytes();
    let mut said = String::new();
    let mut answered = 0;
    let mut answer = |new: &[u8]| {
        said.push_str(&String::from_utf8_lossy(new));
        // It asks for it, and once more for the same.
        let open = said[answered..].to_ascii_lowercase();
        if open.contains("passphrase") && open.trim_end().ends_with(':') {
            answered = said.len();
            return Reply::Type(typed.clone());
        }
        Reply::Wait
    };
    let mut dialogue = Dialogue { echo: false, patience: Some(PATIENCE), answer: &mut answer };
    let ran = cx.target.dialogue(run, &mut dialogue);
    let failed = |text: &str| Failure::new(text).with("name", user.name.as_str());
    match ran {
        Ok(ran) if ran.ok() => Ok(()),
        Ok(ran) => Err(failed(said.trim()).with("rc", ran.rc)),
        Err(error) => Err(failed(&error.to_string())),
    }
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
    run = run.args(["-C", comment.as_str(), "-f"]).arg(file.as_os_str());
    match args.str("ssh_key_passphrase") {
        None => {
            cx.run_ok(&run.args(["-N", ""]))?;
        }
        Some(passphrase) => encrypted(cx, &run, passphrase, user)?,
    }
    for path in [file.to_path_buf(), public(file)] {
        cx.target.chown(&path, Some(user.uid), Some(user.gid)).map_err(io)?;
    }
    Ok(true)
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test may fail")]
mod tests {
    use crate::call::Call;
    use crate::target::fake::Fake;
    use serde_json::json;

    fn with_passphrase(pieces: &[&str], rc: i32) -> (crate::data::Map, Fake) {
        let mut fake = Fake::new()
            .file("/etc/passwd", "kim:x:1001:1001::/home/kim:/bin/sh\n")
            .file("/etc/group", "kim:x:1001:\n")
            .file("/home/kim/.ssh/known_hosts", "")
            .file("/etc/shadow", "kim:!:19000:0:99999:7:::\n")
            .program("ssh-keygen")
            .program("usermod")
            .on("getent", crate::target::Ran::of(2, "", ""))
            .on_dialogue("/usr/bin/ssh-keygen -t rsa -C mine -f /home/kim/.ssh/id_rsa", pieces, rc);
        let call = Call::new(
            "user",
            json!({
                "name": "kim", "generate_ssh_key": true, "ssh_key_comment": "mine",
                "ssh_key_passphrase": "open sesame",
            }),
        );
        (call.run_on(&mut fake), fake)
    }

    #[test]
    fn a_passphrase_is_typed() {
        let asked = [
            "Generating public/private rsa key pair.\r\n",
            "Enter passphrase (empty for no passphrase): ",
            "\r\nEnter same passphrase again: ",
            "\r\nPassphrases do not match.",
        ];
        let (result, fake) = with_passphrase(&asked, 1);
        assert_eq!(fake.typed, ["open sesame\n", "open sesame\n"]);
        assert!(result["msg"].as_str().unwrap().ends_with("Passphrases do not match."));
        assert_eq!(result["rc"], 1);
        assert!(!fake.runs.iter().any(|line| line.contains("sesame")));
    }
}
