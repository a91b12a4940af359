//! `apt_key`: keys that apt trusts.

use crate::data::{Data, Map};
use crate::http::Request;
use crate::module::{Args, Context, Failure, Lit, Module, Opt, Outcome, Rule};
use crate::python;
use crate::target::{Ran, Run};

pub static MODULE: Module = Module {
    description: "Adds keys to those with which apt checks packages' sources, and takes them away.\n\
        It works through apt-key, which newer systems no longer have; there a key in /etc/apt/keyrings does it.",
    options: &[
        Opt::str("id").doc(
            "The key's number: 8, 16 or more hexadecimal digits. With it, a key that is there is not fetched again.",
        ),
        Opt::str("url").doc("Where the key is fetched."),
        Opt::str("data").doc("The key itself."),
        Opt::path("file").doc("A file on the host with the key."),
        Opt::path("keyring").doc("The file of keys to change, if not the usual one."),
        Opt::bool("validate_certs").or(true).doc("Check the certificate of the address's server."),
        Opt::str("keyserver").doc("The server of keys to ask; `id` must be given."),
        Opt::str("state")
            .or_str("present")
            .choices(&[Lit::Str("absent"), Lit::Str("present")])
            .doc("Whether the key is to be there."),
    ],
    rules: &[Rule::MutuallyExclusive(&["data", "file", "keyserver", "url"])],
    examples: "- name: The key of the packages is known\n  ansible.builtin.apt_key:\n    url: https://packages.example.org/key.asc\n    id: 9FED2BCBDCD29CDF762678CBAED4B06F473041FA\n",
    ..Module::builtin("apt_key", "Manages the keys of apt", run)
};

/// The parts of a key's number.
#[derive(Debug, PartialEq, Eq)]
struct Number {
    /// All of it, in capitals.
    whole: String,
    /// At most the last 16 digits, as lists of keys have them.
    print: String,
    /// The last 8 digits.
    short: String,
}

impl Number {
    fn parse(text: &str) -> Option<Number> {
        let whole = text.to_uppercase();
        let whole = whole.strip_prefix("0X").unwrap_or(&whole).to_owned();
        if whole.is_empty() || !whole.chars().all(|c| c.is_ascii_hexdigit()) {
            return None;
        }
        let last = |count: usize| whole[whole.len().saturating_sub(count)..].to_owned();
        let (print, short) = (last(16), last(8));
        (whole.len() == 8 || whole.len() >= 16).then_some(Number { whole, print, short })
    }

    fn is_short(&self) -> bool {
        self.whole.len() == 8
    }

    fn is_in(&self, keys: &[String]) -> bool {
        keys.contains(if self.is_short() { &self.short } else { &self.print })
    }
}

/// The programs, and the keyring to change.
struct Tools {
    apt_key: String,
    gpg: String,
    keyring: Option<String>,
}

impl Tools {
    /// A line for apt-key, as results show it.
    fn line(&self, words: &str) -> String {
        match &self.keyring {
            Some(keyring) => format!("{} --keyring {keyring} {words}", self.apt_key),
            None => format!("{} {words}", self.apt_key),
        }
    }
}

fn run(cx: &mut Context<'_>, args: &mut Args) -> Result<Outcome, Failure> {
    let tools = Tools {
        apt_key: cx.program("apt-key")?.to_string_lossy().into_owned(),
        gpg: cx.program("gpg")?.to_string_lossy().into_owned(),
        keyring: args.str("keyring").filter(|keyring| !keyring.is_empty()).map(str::to_owned),
    };
    let mut key = args.str("data").map(|data| data.as_bytes().to_vec());
    let mut id = args.str("id").filter(|id| !id.is_empty()).map(str::to_owned);
    if id.is_none() {
        if args.is_given("keyserver") {
            return Err(Failure::new("Missing key_id, required with keyserver."));
        }
        if let Some(url) = args.str("url") {
            key = Some(fetch(cx, url, args.bool("validate_certs"))?);
        }
        id = match (args.str("file"), &key) {
            (Some(file), _) => number_in(cx, &tools, file, None)?,
            (None, Some(data)) => number_in(cx, &tools, "-", Some(data))?,
            (None, None) => None,
        };
    }
    let mut result = Map::new();
    result.insert("id".into(), id.clone().map_or(Data::Null, Data::from));
    let Some(number) = id.as_deref().and_then(Number::parse) else {
        return Err(Failure::new("Invalid key_id").with("changed", false).with_all(result));
    };
    result.insert("short_id".into(), number.short.as_str().into());
    result.insert("fp".into(), number.print.as_str().into());
    result.insert("key_id".into(), number.whole.as_str().into());
    let before = keys(cx, &tools, number.is_short())?;
    result.insert("before".into(), before.clone().into());
    let present = args.req("state") == "present";
    let wrong = match present {
        true => !number.is_in(&before),
        false => before.contains(&number.print),
    };
    if wrong && !cx.check {
        match present {
            true => add(cx, &tools, args, &number, key.as_deref(), &result)?,
            false => remove(cx, &tools, &number.short)?,
        }
        let after = keys(cx, &tools, number.is_short())?;
        result.insert("after".into(), after.clone().into());
        let failed = match present {
            true => (!number.is_in(&after)).then_some("failed to add the key"),
            false => after.contains(&number.print).then_some("the key was not removed"),
        };
        if let Some(what) = failed {
            return Err(Failure::new(format!(
                "apt-key did not return an error, but {what} (check that the id is correct and *not* a subkey)"
            ))
            .with("changed", true)
            .with_all(result));
        }
    }
    Ok(Outcome::new(wrong).with_all(result))
}

fn fetch(cx: &mut Context<'_>, url: &str, validate_certs: bool) -> Result<Vec<u8>, Failure> {
    let fetched = cx.fetch(Request { validate_certs, ..Request::get(url) })?;
    let failed = |why: &str| Failure::new(format!("Failed to download key at {url}: {why}"));
    if fetched.status != Some(200) {
        return Err(failed(fetched.msg()));
    }
    let Some(mut response) = fetched.response else { return Err(failed("no answer")) };
    response
        .body
        .read_all()
        .map_err(|_| Failure::new(format!("error getting key id from url: {url}")))
}

/// The numbers of keys in what apt-key or gpg lists.
fn listed(out: &str) -> Vec<String> {
    let number = |line: &str| -> Option<String> {
        if !(line.starts_with("pub") || line.starts_with("sub")) || line.contains("expired") {
            return None;
        }
        let word = line.split_whitespace().nth(1).unwrap_or_default();
        // apt-key: `rsa4096/DC30D7C23CBBABEE`, and gpg's columns.
        let of_apt_key = match word.split('/').collect::<Vec<_>>().as_slice() {
            [_, number] => Some((*number).to_owned()),
            _ => None,
        };
        of_apt_key.or_else(|| line.split(':').nth(4).map(str::to_owned))
    };
    out.lines().filter_map(number).collect()
}

fn keys(cx: &mut Context<'_>, tools: &Tools, short: bool) -> Result<Vec<String>, Failure> {
    let line = tools.line("adv --list-public-keys --keyid-format=long");
    let ran = cx.run_line(&line)?;
    if !ran.ok() {
        return Err(told("Unable to list public keys", Some(&line), &ran));
    }
    let keys = listed(&ran.out());
    Ok(match short {
        true => keys.into_iter().map(|key| key[key.len().saturating_sub(8)..].to_owned()).collect(),
        false => keys,
    })
}

/// What went wrong, with what the program said.
fn told(msg: &str, line: Option<&str>, ran: &Ran) -> Failure {
    let failure = Failure::new(msg).with("stdout", ran.out()).with("stderr", ran.err());
    match line {
        Some(line) => failure.with("cmd", line).with("rc", ran.rc),
        None => failure,
    }
}

/// The first key's number in a file, or in data.
fn number_in(
    cx: &mut Context<'_>,
    tools: &Tools,
    file: &str,
    data: Option<&[u8]>,
) -> Result<Option<String>, Failure> {
    let mut run = Run::argv([tools.gpg.as_str(), "--with-colons", file]);
    for (name, value) in environment(cx) {
        run = run.env(name, &value);
    }
    let shown = if data.is_some() { "inline data" } else { file };
    if let Some(data) = data {
        run = run.stdin(data);
    }
    let ran = cx.run(&run)?;
    if !ran.ok() {
        return Err(told(&format!("Unable to extract key from '{shown}'"), None, &ran));
    }
    Ok(listed(&ran.out()).into_iter().next())
}

/// The language for programs whose output is read.
fn environment(cx: &mut Context<'_>) -> [(&'static str, String); 3] {
    let known = cx
        .target
        .find_program("locale", &[])
        .and_then(|program| cx.target.run(&Run::argv([program.into_os_string()]).arg("-a")).ok())
        .map(|ran| ran.out().into_owned())
        .unwrap_or_default();
    let is_known = |name: &&str| known.lines().any(|line| line.trim() == *name);
    let best = ["C.utf8", "en_US.utf8", "C", "POSIX"].into_iter().find(is_known).unwrap_or("C");
    ["LANG", "LC_ALL", "LC_MESSAGES"].map(|name| (name, best.to_owned()))
}

fn add(
    cx: &mut Context<'_>,
    tools: &Tools,
    args: &Args,
    number: &Number,
    key: Option<&[u8]>,
    result: &Map,
) -> Result<(), Failure> {
    if let Some(file) = args.str("file") {
        let line = tools.line(&format!("add {file}"));
        let ran = cx.run_line(&line)?;
        return match ran.ok() {
            true => Ok(()),
            false => Err(told(&format!("Unable to add a key from file {file}"), Some(&line), &ran)
                .with("keyfile", file)),
        };
    }
    if let Some(server) = args.str("keyserver") {
        return import(cx, tools, server, &number.whole);
    }
    let fetched;
    let key = match (key, args.str("url")) {
        (Some(key), _) => key,
        (None, Some(url)) => {
            fetched = fetch(cx, url, args.bool("validate_certs"))?;
            &fetched
        }
        (None, None) => {
            return Err(Failure::new("No key to add ... how did i get here?!?!")
                .with("changed", true)
                .with_all(result.clone()));
        }
    };
    let line = tools.line("add -");
    let run = cx.words(&line)?.stdin(key);
    let ran = cx.run(&run)?;
    match ran.ok() {
        true => Ok(()),
        false => Err(told("Unable to add a key from binary data", Some(&line), &ran)),
    }
}

fn import(cx: &mut Context<'_>, tools: &Tools, server: &str, number: &str) -> Result<(), Failure> {
    let proxy = ["HTTPS_PROXY", "https_proxy", "HTTP_PROXY", "http_proxy"]
        .iter()
        .find_map(|name| cx.target.env(name).filter(|proxy| !proxy.is_empty()))
        .map(|proxy| format!(" --keyserver-options http-proxy={proxy}"))
        .unwrap_or_default();
    let line = tools.line(&format!("adv --no-tty --keyserver {server}{proxy} --recv {number}"));
    let environment = environment(cx);
    let mut run = cx.words(&line)?;
    for (name, value) in &environment {
        run = run.env(name, value);
    }
    let mut last = Ran::default();
    for _ in 0..5 {
        last = cx.run(&run)?;
        if last.ok() {
            return Ok(());
        }
    }
    let forced: Map =
        environment.into_iter().map(|(name, value)| (name.into(), value.into())).collect();
    Err(if last.rc == 2 && last.out().contains("not found on keyserver") {
        Failure::new(format!("Key {number} not found on keyserver {server}")).with("cmd", line)
    } else {
        told(&format!("Error fetching key {number} from keyserver: {server}"), Some(&line), &last)
    }
    .with("forced_environment", forced))
}

fn remove(cx: &mut Context<'_>, tools: &Tools, number: &str) -> Result<(), Failure> {
    let line = tools.line(&format!("del {number}"));
    let ran = cx.run_line(&line)?;
    match ran.ok() {
        true => Ok(()),
        false => {
            let msg = format!("Unable to remove a key with id {}", python::text(&number.into()));
            Err(told(&msg, Some(&line), &ran).with("key_id", number))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::call::Call;
    use crate::target::fake::Fake;
    use serde_json::json;

    const LIST: &str = "/etc/apt/trusted.gpg\npub   rsa4096/DC30D7C23CBBABEE 2017-03-23 [SC]\n      0146DC6D4A0B2914BDED34DB648ACFD622F3D138\nsub   rsa4096/648ACFD622F3D138 2017-03-23 [S] [expired: 2020-01-01]\n";

    fn host() -> Fake {
        Fake::new()
            .program("apt-key")
            .program("gpg")
            .on(
                "/usr/bin/apt-key adv --list-public-keys",
                Ran::of(0, LIST, "Warning: deprecated\n"),
            )
            .on("/usr/bin/apt-key", Ran::of(0, "OK\n", ""))
            .on("/usr/bin/gpg", Ran::of(0, "pub:-:4096:1:DC30D7C23CBBABEE:1490\n", ""))
    }

    #[test]
    fn numbers() {
        let number = |text: &str| {
            Number::parse(text).map(|number| (number.whole, number.print, number.short))
        };
        assert_eq!(number("0x3cbbabee").map(|n| n.2), Some("3CBBABEE".into()));
        assert_eq!(
            number("0146DC6D4A0B2914BDED34DBDC30D7C23CBBABEE").map(|n| n.1),
            Some("DC30D7C23CBBABEE".into())
        );
        assert_eq!(number("123456789"), None);
        assert_eq!(number("xyz"), None);
    }

    #[test]
    fn a_known_key_is_left_alone() {
        for id in ["3CBBABEE", "DC30D7C23CBBABEE", "0146DC6D4A0B2914BDED34DBDC30D7C23CBBABEE"] {
            let args = json!({"id": id, "url": "http://x/key"});
            let result = Call::new("apt_key", args).run_on(&mut host());
            assert_eq!(result["changed"], false, "{result:?}");
            assert_eq!(result["key_id"], id);
        }
        let result = Call::new("apt_key", json!({"data": "key"})).run_on(&mut host());
        assert_eq!(result["changed"], false, "{result:?}");
        assert_eq!(result["fp"], "DC30D7C23CBBABEE");
    }

    #[test]
    fn what_apt_key_does_not_do_is_told() {
        let args = json!({"id": "AAAABBBBCCCCDDDD", "file": "/k.asc", "keyring": "/etc/k.gpg"});
        let mut fake = host()
            .on("/usr/bin/apt-key --keyring /etc/k.gpg adv", Ran::of(0, "", ""))
            .on("/usr/bin/apt-key --keyring /etc/k.gpg add /k.asc", Ran::of(0, "OK\n", ""));
        let result = Call::new("apt_key", args).run_on(&mut fake);
        assert_eq!(
            result["msg"],
            "apt-key did not return an error, but failed to add the key (check that the id is correct and *not* a subkey)"
        );
        assert_eq!(result["changed"], true);
    }

    #[test]
    fn removing_goes_by_the_short_number() {
        let mut fake = host();
        let args = json!({"id": "DC30D7C23CBBABEE", "state": "absent"});
        let result = Call::new("apt_key", args).run_on(&mut fake);
        assert!(
            fake.runs.iter().any(|run| run == "/usr/bin/apt-key del 3CBBABEE"),
            "{:?}",
            fake.runs
        );
        assert!(result["msg"].as_str().is_some_and(|msg| msg.contains("the key was not removed")));
    }

    #[test]
    fn a_key_must_be_told() {
        let told = |args| Call::new("apt_key", args).run_on(&mut host())["msg"].clone();
        assert_eq!(told(json!({"state": "absent"})), "Invalid key_id");
        assert_eq!(
            told(json!({"keyserver": "keyserver.ubuntu.com"})),
            "Missing key_id, required with keyserver."
        );
    }
}
