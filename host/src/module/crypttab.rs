//! `crypttab`: encrypted devices that are opened when the machine boots.

use std::path::Path;

use crate::module::{Args, CheckMode, Context, Failure, Lit, Module, Opt, Outcome, Write};
use crate::python::{self, Subject};

pub static MODULE: Module = Module {
    collection: "community.general",
    aliases: &["ansible.builtin.crypttab"],
    description: "Keeps lines of /etc/crypttab, or single options of them.",
    options: &[
        Opt::str("name")
            .required()
            .doc("The name of the opened device; `/dev/mapper/` before it is dropped."),
        Opt::str("state")
            .required()
            .choices(&[
                Lit::Str("absent"),
                Lit::Str("opts_absent"),
                Lit::Str("opts_present"),
                Lit::Str("present"),
            ])
            .doc("Whether the line, or the options of it, are to be there."),
        Opt::str("backing_device").doc("The encrypted device; needed for a new line."),
        Opt::path("password")
            .not_secret()
            .doc("The file with the key; without one, somebody is asked."),
        Opt::str("opts").doc("Options, with commas between them."),
        Opt::path("path").or_str("/etc/crypttab").doc("The file."),
    ],
    check_mode: CheckMode::Full,
    examples: "- name: The disk of the backups\n  community.general.crypttab:\n    name: backups\n    state: present\n    backing_device: /dev/sdb1\n    password: /etc/backups.key\n    opts: luks,discard\n",
    ..Module::builtin("crypttab", "Manages /etc/crypttab", run)
};

fn run(cx: &mut Context<'_>, args: &mut Args) -> Result<Outcome, Failure> {
    let told = args.values().clone();
    let changed = change(cx, args).map_err(|failure| failure.with_all(told.clone()))?;
    Ok(Outcome::new(changed.0).with_all(told).msg(changed.1))
}

fn change(cx: &mut Context<'_>, args: &Args) -> Result<(bool, &'static str), Failure> {
    let state = args.req("state");
    let name = args.req("name");
    let name = name.strip_prefix("/dev/mapper/").unwrap_or(name);
    let (device, password, opts) =
        (args.str("backing_device"), args.str("password"), args.str("opts"));
    if state != "absent" && device.is_none() && password.is_none() && opts.is_none() {
        let msg = "expected one or more of 'backing_device', 'password' or 'opts'";
        return Err(Failure::new(msg));
    }
    if state.contains("opts") && (device.is_some() || password.is_some()) {
        let msg = format!("cannot update 'backing_device' or 'password' when state={state}");
        return Err(Failure::new(msg));
    }
    let all =
        [("name", Some(name)), ("backing_device", device), ("password", password), ("opts", opts)];
    let wrong = |text: &str| text.is_empty() || text.contains([' ', '\t']);
    if let Some((option, _)) = all.iter().find(|(_, text)| text.is_some_and(wrong)) {
        let msg = format!("invalid '{option}': contains white space or is empty");
        return Err(Failure::new(msg));
    }
    let path = args.path("path");
    let mut lines = read(cx, &path)?;
    let at = lines.iter().position(|line| line.is_of(name));
    if state.contains("present") && at.is_none() && device.is_none() {
        return Err(Failure::new("'backing_device' required to add a new entry"));
    }
    let done = match (at.and_then(|at| lines.get_mut(at)), state) {
        (Some(line), "absent") => {
            *line = Line::Other(String::new());
            (true, "removed line")
        }
        (Some(Line::Entry(entry)), "present") => {
            (entry.set(device, password, opts), "updated line")
        }
        (Some(Line::Entry(entry)), "opts_present") => (entry.add(opts), "updated options"),
        (Some(Line::Entry(entry)), "opts_absent") => (entry.remove(opts), "removed options"),
        (None, "present") => {
            let mut entry = Entry { name: name.to_owned(), ..Entry::default() };
            entry.set(device, password, opts);
            lines.push(Line::Entry(entry));
            (true, "added line")
        }
        _ => (false, "?"),
    };
    if done.0 && !cx.check {
        let text = lines.iter().map(Line::text).collect::<Vec<_>>().join("\n");
        let end = if text.ends_with('\n') { "" } else { "\n" };
        let real = cx.target.realpath(&path);
        cx.write(Write::bytes(&real, format!("{text}{end}").as_bytes()))?;
    }
    Ok(done)
}

/// The lines of the file, which is made if it is not there.
fn read(cx: &mut Context<'_>, path: &Path) -> Result<Vec<Line>, Failure> {
    let failed = |error: &std::io::Error, path: &Path| {
        let why = python::os_error(error, Subject::Text(path));
        let class = python::os_class(error);
        Failure::new(format!("failed to open and parse crypttab file: {why}"))
            .with("exception", format!("Traceback (most recent call last):\n{class}: {why}\n"))
    };
    if !cx.target.exists(path) {
        if cx.check {
            return Ok(Vec::new());
        }
        let above = crate::target::account::parent(path).to_path_buf();
        if !cx.target.exists(&above) {
            cx.make_dirs(&above).map_err(|error| failed(&error, &above))?;
        }
        cx.write(Write::bytes(path, b""))?;
        return Ok(Vec::new());
    }
    let text = cx.target.read_text(path).map_err(|error| failed(&error, path))?;
    Ok(text.lines().map(Line::of).collect())
}

enum Line {
    Entry(Entry),
    Other(String),
}

#[derive(Default)]
struct Entry {
    name: String,
    device: String,
    password: Option<String>,
    opts: Vec<(String, Option<String>)>,
}

impl Line {
    fn of(line: &str) -> Line {
        let fields: Vec<&str> = line.split_whitespace().collect();
        match fields.as_slice() {
            [name, device, rest @ ..] if rest.len() < 3 && !line.starts_with('#') => {
                Line::Entry(Entry {
                    name: (*name).to_owned(),
                    device: (*device).to_owned(),
                    password: rest.first().map(|field| (*field).to_owned()),
                    opts: rest.get(1).map(|field| options(field)).unwrap_or_default(),
                })
            }
            _ => Line::Other(line.to_owned()),
        }
    }

    fn is_of(&self, name: &str) -> bool {
        matches!(self, Line::Entry(entry) if entry.name == name)
    }

    fn text(&self) -> String {
        let entry = match self {
            Line::Entry(entry) => entry,
            Line::Other(line) => return line.clone(),
        };
        let mut fields = vec![entry.name.clone(), entry.device.clone()];
        if entry.password.is_some() || !entry.opts.is_empty() {
            fields.push(entry.password.clone().unwrap_or_else(|| "none".to_owned()));
        }
        if !entry.opts.is_empty() {
            let text = |(name, value): &(String, Option<String>)| match value {
                Some(value) => format!("{name}={value}"),
                None => name.clone(),
            };
            fields.push(entry.opts.iter().map(text).collect::<Vec<_>>().join(","));
        }
        fields.join(" ")
    }
}

/// Options by name; what stands behind a second `=` is dropped, as ansible drops it.
fn options(text: &str) -> Vec<(String, Option<String>)> {
    let mut all: Vec<(String, Option<String>)> = Vec::new();
    for option in text.split(',') {
        let mut parts = option.split('=').map(str::to_owned);
        let (name, value) = (parts.next().unwrap_or_default(), parts.next());
        put(&mut all, name, value);
    }
    all
}

/// Whether that changed anything.
fn put(all: &mut Vec<(String, Option<String>)>, name: String, value: Option<String>) -> bool {
    match all.iter_mut().find(|(known, _)| *known == name) {
        Some((_, old)) => std::mem::replace(old, value.clone()) != value,
        None => {
            all.push((name, value));
            true
        }
    }
}

impl Entry {
    fn set(&mut self, device: Option<&str>, password: Option<&str>, opts: Option<&str>) -> bool {
        let mut changed = false;
        if let Some(device) = device.filter(|device| *device != self.device) {
            self.device = device.to_owned();
            changed = true;
        }
        if let Some(password) = password.filter(|new| self.password.as_deref() != Some(new)) {
            self.password = Some(password.to_owned());
            changed = true;
        }
        if let Some(opts) = opts.map(options) {
            let sorted = |opts: &[(String, Option<String>)]| {
                let mut opts = opts.to_vec();
                opts.sort();
                opts
            };
            if sorted(&opts) != sorted(&self.opts) {
                self.opts = opts;
                changed = true;
            }
        }
        changed
    }

    fn add(&mut self, opts: Option<&str>) -> bool {
        let new = opts.map(options).unwrap_or_default();
        new.into_iter()
            .fold(false, |changed, (name, value)| put(&mut self.opts, name, value) | changed)
    }

    fn remove(&mut self, opts: Option<&str>) -> bool {
        let gone = opts.map(options).unwrap_or_default();
        let before = self.opts.len();
        self.opts.retain(|(name, _)| !gone.iter().any(|(known, _)| known == name));
        self.opts.len() != before
    }
}

#[cfg(test)]
mod tests {
    use crate::call::Call;
    use crate::target::fake::Fake;
    use serde_json::{Value, json};

    const FILE: &str = "# ours\nswap  /dev/sda2\t/dev/urandom swap,cipher=aes\ndata /dev/sdb\n";

    fn edited(args: Value) -> (Value, String) {
        let mut fake = Fake::new().file("/etc/crypttab", FILE);
        let result = Call::new("crypttab", args).run_on(&mut fake).into();
        (result, fake.text("/etc/crypttab"))
    }

    #[test]
    fn lines_and_options() {
        let swap = "swap /dev/sda2 /dev/urandom swap,cipher=aes";
        for (args, text) in [
            (json!({"name": "data", "state": "absent"}), format!("# ours\n{swap}\n")),
            (
                json!({"name": "/dev/mapper/data", "state": "opts_present", "opts": "luks,x=1"}),
                format!("# ours\n{swap}\ndata /dev/sdb none luks,x=1\n"),
            ),
            (
                json!({"name": "swap", "state": "opts_absent", "opts": "cipher"}),
                "# ours\nswap /dev/sda2 /dev/urandom swap\ndata /dev/sdb\n".to_owned(),
            ),
            (
                json!({"name": "new", "state": "present", "backing_device": "/dev/x"}),
                format!("# ours\n{swap}\ndata /dev/sdb\nnew /dev/x\n"),
            ),
        ] {
            let (result, found) = edited(args.clone());
            assert_eq!((&result["changed"], found), (&json!(true), text), "{args}: {result}");
        }
        let same = json!({"name": "swap", "state": "present", "opts": "cipher=aes,swap"});
        assert_eq!(edited(same).1, FILE);
    }

    #[test]
    fn what_is_refused() {
        let msg = |args: Value| edited(args).0["msg"].clone();
        assert_eq!(
            msg(json!({"name": "x", "state": "present", "opts": "a"})),
            "'backing_device' required to add a new entry"
        );
        assert_eq!(
            msg(json!({"name": "x y", "state": "absent"})),
            "invalid 'name': contains white space or is empty"
        );
    }
}
