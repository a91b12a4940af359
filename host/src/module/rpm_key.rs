//! `rpm_key`: keys that rpm trusts.

use std::path::PathBuf;

use crate::http::Request;
use crate::module::{Args, Context, Failure, Lit, Module, Opt, Outcome};
use crate::python;
use crate::target::Run;

pub static MODULE: Module = Module {
    description: "Adds keys to those with which rpm checks packages, and takes them away.",
    options: &[
        Opt::str("state")
            .or_str("present")
            .choices(&[Lit::Str("absent"), Lit::Str("present")])
            .doc("Whether the key is to be there."),
        Opt::str("key")
            .required()
            .not_secret()
            .doc("Address or file of the key; to take it away, its number does."),
        Opt::str("fingerprint").doc("The fingerprint that the key must have."),
        Opt::bool("validate_certs").or(true).doc("Check the certificate of the address's server."),
    ],
    examples: "- name: The key of the packages is known\n  ansible.builtin.rpm_key:\n    key: https://rpm.rancher.io/public.key\n",
    ..Module::builtin("rpm_key", "Manages the keys of rpm", run)
};

struct Tools {
    rpm: String,
    gpg: String,
}

fn run(cx: &mut Context<'_>, args: &mut Args) -> Result<Outcome, Failure> {
    let rpm = cx.program("rpm")?.to_string_lossy().into_owned();
    let gpg = match cx.target.find_program("gpg", &[]) {
        Some(gpg) => gpg,
        None => cx.program("gpg2")?,
    };
    let tools = Tools { rpm, gpg: gpg.to_string_lossy().into_owned() };
    let key = args.string("key");
    let (file, number) = if key.contains("://") {
        let file = fetch(cx, &key, args.bool("validate_certs"))?;
        let number = field(cx, &tools, &file, "pub:", 4)?;
        (Some(file), number)
    } else if is_number(&key) {
        (None, key)
    } else if cx.target.stat(key.as_ref()).is_ok_and(|stat| !stat.is_dir()) {
        let number = field(cx, &tools, &key, "pub:", 4)?;
        (Some(key), number)
    } else {
        return Err(Failure::new(format!("Not a valid key {key}")));
    };
    let number = number.trim().to_uppercase();
    let number = number.strip_prefix("0X").unwrap_or(&number);
    let known = is_imported(cx, &tools, number)?;
    if args.req("state") == "absent" {
        if known && !cx.check {
            let tail = number[number.len().saturating_sub(8)..].to_lowercase();
            let package = format!("gpg-pubkey-{tail}");
            execute(cx, Run::argv([&tools.rpm]).args(["--erase", "--allmatches", &package]))?;
        }
        return Ok(Outcome::new(known));
    }
    if known {
        return Ok(Outcome::new(false));
    }
    let Some(file) = file else {
        return Err(Failure::new("When importing a key, a valid file must be given"));
    };
    if let Some(wanted) = args.str("fingerprint").filter(|print| !print.is_empty()) {
        let wanted = wanted.replace(' ', "").to_uppercase();
        let has = field(cx, &tools, &file, "fpr:", 9)?;
        if wanted != has {
            return Err(Failure::new(format!(
                "The specified fingerprint, '{wanted}', does not match the key fingerprint '{has}'"
            )));
        }
    }
    if !cx.check {
        execute(cx, Run::argv([&tools.rpm]).args(["--import", &file]))?;
    }
    Ok(Outcome::new(true))
}

/// Whether it begins as a key's number does.
fn is_number(key: &str) -> bool {
    let bare = key.strip_prefix("0x").or_else(|| key.strip_prefix("0X")).unwrap_or(key);
    let is = |text: &str| text.len() >= 8 && text.chars().take(8).all(|c| c.is_ascii_hexdigit());
    is(bare) || is(key)
}

fn execute(cx: &mut Context<'_>, run: Run) -> Result<String, Failure> {
    let ran = cx.run(&run)?;
    match ran.ok() {
        true => Ok(ran.out().into_owned()),
        false => Err(Failure::new(ran.err())),
    }
}

/// The key behind an address, in a file that goes away with the call.
fn fetch(cx: &mut Context<'_>, url: &str, validate_certs: bool) -> Result<String, Failure> {
    let fetched = cx.fetch(Request { validate_certs, ..Request::get(url) })?;
    let failed =
        |why: &str| Failure::new(format!("failed to fetch key at {url} , error was: {why}"));
    if fetched.status != Some(200) {
        return Err(failed(fetched.msg()));
    }
    let Some(mut response) = fetched.response else { return Err(failed("no answer")) };
    let key = response.body.read_all().map_err(|error| failed(&error.to_string()))?;
    let text = String::from_utf8_lossy(&key);
    let begin = text.find("-----BEGIN PGP PUBLIC KEY BLOCK-----");
    let end = text.rfind("-----END PGP PUBLIC KEY BLOCK-----");
    if begin.zip(end).is_none_or(|(begin, end)| begin >= end) {
        return Err(Failure::new(format!("Not a public key: {url}")));
    }
    let file: PathBuf = cx.tmpdir()?.join("key");
    cx.target
        .create(&file, &key, 0o600)
        .map_err(|error| Failure::new(python::os_error(&error, python::Subject::Text(&file))))?;
    Ok(file.to_string_lossy().into_owned())
}

/// A field of the first such line that gpg tells of a file.
fn field(
    cx: &mut Context<'_>,
    tools: &Tools,
    file: &str,
    line: &str,
    at: usize,
) -> Result<String, Failure> {
    let mut run =
        Run::argv([&tools.gpg]).args(["--no-tty", "--batch", "--with-colons", "--fixed-list-mode"]);
    if line == "fpr:" {
        run = run.arg("--with-fingerprint");
    }
    let out = execute(cx, run.arg(file))?;
    out.lines()
        .map(str::trim)
        .find(|told| told.starts_with(line))
        .and_then(|told| told.split(':').nth(at))
        .map(str::to_owned)
        .ok_or_else(|| Failure::new("Unexpected gpg output"))
}

fn is_imported(cx: &mut Context<'_>, tools: &Tools, number: &str) -> Result<bool, Failure> {
    let all = Run::argv([&tools.rpm]).args(["-q", "gpg-pubkey"]);
    if !cx.run(&all)?.ok() {
        return Ok(false);
    }
    let keys = execute(cx, all.args(["--qf", "%{description}"]))?;
    let run = Run::argv([&tools.gpg])
        .args(["--no-tty", "--batch", "--with-colons", "--fixed-list-mode", "-"])
        .stdin(keys);
    let out = execute(cx, run)?;
    Ok(out.lines().any(|line| line.split(':').nth(4).is_some_and(|id| id.contains(number))))
}

#[cfg(test)]
mod tests {
    use crate::call::Call;
    use crate::target::Ran;
    use crate::target::fake::Fake;
    use serde_json::json;

    const COLONS: &str = "pub:-:4096:1:DC30D7C23CBBABEE:1490:::-:\nfpr:::::::::0146DC6D4A0B2914BDED34DBDC30D7C23CBBABEE:\n";

    fn host(known: &str) -> Fake {
        Fake::new()
            .program("rpm")
            .program("gpg")
            .file("/k.asc", "key")
            .on("/usr/bin/rpm -q", Ran::of(i32::from(known.is_empty()), "gpg-pubkey-1-1\n", ""))
            .on("/usr/bin/rpm", Ran::of(0, "", ""))
            .on(
                "/usr/bin/gpg --no-tty --batch --with-colons --fixed-list-mode --w",
                Ran::of(0, COLONS, ""),
            )
            .on(
                "/usr/bin/gpg --no-tty --batch --with-colons --fixed-list-mode -",
                Ran::of(0, known, ""),
            )
            .on("/usr/bin/gpg", Ran::of(0, COLONS, ""))
    }

    #[test]
    fn a_key_is_imported_once() {
        let mut fake = host("");
        let args = json!({"key": "/k.asc", "fingerprint": "0146 DC6D 4A0B 2914 BDED 34DB DC30 D7C2 3CBB ABEE"});
        let result = Call::new("rpm_key", args.clone()).run_on(&mut fake);
        assert_eq!(result["changed"], true, "{result:?}");
        assert_eq!(fake.runs.last().map(String::as_str), Some("/usr/bin/rpm --import /k.asc"));
        assert_eq!(Call::new("rpm_key", args).run_on(&mut host(COLONS))["changed"], false);
    }

    #[test]
    fn wrong_keys_are_told() {
        let told = |args| Call::new("rpm_key", args).run_on(&mut host(""))["msg"].clone();
        assert_eq!(told(json!({"key": "/none"})), "Not a valid key /none");
        assert_eq!(
            told(json!({"key": "DEADBEEF"})),
            "When importing a key, a valid file must be given"
        );
        assert_eq!(
            told(json!({"key": "/k.asc", "fingerprint": "AA"})),
            "The specified fingerprint, 'AA', does not match the key fingerprint '0146DC6D4A0B2914BDED34DBDC30D7C23CBBABEE'"
        );
    }

    #[test]
    fn a_key_is_erased_by_its_number() {
        let mut fake = host(COLONS);
        let args = json!({"key": "0xdc30d7c23cbbabee", "state": "absent"});
        let result = Call::new("rpm_key", args).run_on(&mut fake);
        assert_eq!(result["changed"], true, "{result:?}");
        let last = fake.runs.last().map(String::as_str);
        assert_eq!(last, Some("/usr/bin/rpm --erase --allmatches gpg-pubkey-3cbbabee"));
    }
}
