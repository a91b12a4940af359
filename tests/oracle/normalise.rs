//! What may differ between two right runs is replaced by a name in angle brackets: the one list.

use std::process::Command;

use regex::Regex;
use serde_json::Value;

/// Text filters, in order, for standard output and error, paths and contents.
const FILTERS: &[(&str, &str)] = &[
    // Temporary folders and files of ansible and of its modules.
    (r"ansible-tmp-[0-9.]+-\d+-\d+", "ansible-tmp-<N>"),
    (r"ansible-local-\w+", "ansible-local-<N>"),
    (r"/tmp[a-z0-9_]{8}\b", "/tmp<N>"),
    // Backups: `name.PID.DATE@TIME~`.
    (r"\.\d+\.\d{4}-\d\d-\d\d@\d\d:\d\d:\d\d~", ".<pid>.<time>~"),
    // Results that `-v` and failures print as JSON, and those that `result_format=yaml` prints.
    (r#""(start|end)": "\d{4}-\d\d-\d\d [0-9:.]+""#, r#""$1": "<time>""#),
    (r#""delta": "\d+:\d\d:[0-9.]+""#, r#""delta": "<time>""#),
    (r#""(atime|ctime|mtime)": [0-9.]+"#, r#""$1": <time>"#),
    (r#""(inode|dev|block_size|blocks|elapsed)": \d+"#, r#""$1": <number>"#),
    (r#""size": \d+, "state": "directory""#, r#""size": <number>, "state": "directory""#),
    (r#""ansible_job_id": "[^"]+""#, r#""ansible_job_id": "<job>""#),
    (r"(?m)^( +)(start|end): '\d{4}-\d\d-\d\d [0-9:.]+'$", "$1$2: '<time>'"),
    (r"(?m)^( +)delta: '?\d+:\d\d:[0-9.]+'?$", "$1delta: <time>"),
    // The excerpt and the guesses that follow a place within a result's message: ours are others.
    (
        r#"(The error appears to be in '[^'"]*': line \d+, column \d+)(?:[^"\\\n]|\\.)*""#,
        "$1 <excerpt>\"",
    ),
    // The last line of a Python traceback: without Python there is none.
    (r"(?m)^(?:An exception occurred during task execution\. .* The error was: .*)\n", ""),
    // A set, in the order of its hashes.
    (r"(Valid booleans include: )(?:(?:'\w+'|[01])(?:, )?)+", "${1}<any order>"),
    // Addresses of Python's objects.
    (r"\bat 0x[0-9a-f]{6,}", "at 0x<address>"),
];

/// Keys of a dumped result whose values are replaced by their type's name.
const TIMES: &[&str] = &[
    "start",
    "end",
    "delta",
    "atime",
    "ctime",
    "mtime",
    "elapsed",
    "ansible_job_id",
    "backup_file",
];
/// Those of `stat` and of modules that return it, different on each file system and machine.
const OF_FILESYSTEM: &[&str] = &[
    "inode",
    "dev",
    "device_type",
    "block_size",
    "blocks",
    "version",
    "attributes",
    "attr_flags",
    "mimetype",
    "charset",
];
/// The keys that name the user who runs the tests.
const OWNERS: &[&str] = &["uid", "gid", "owner", "group", "pw_name", "gr_name"];

pub struct Normaliser {
    filters: Vec<(Regex, &'static str)>,
    mine: Mine,
}

/// Ids and names of the user and their first group.
struct Mine {
    ids: [String; 2],
    names: [String; 2],
    filters: Vec<(Regex, &'static str)>,
}

/// One run: what its own paths and addresses are.
pub struct Place<'a> {
    pub run: String,
    pub http: Option<String>,
    pub extra: &'a [(Regex, String)],
}

impl Normaliser {
    pub fn new() -> Result<Normaliser, String> {
        let mut filters = Vec::new();
        for (pattern, text) in FILTERS {
            filters.push((Regex::new(pattern).map_err(|e| e.to_string())?, *text));
        }
        Ok(Normaliser { filters, mine: Mine::ask()? })
    }

    pub fn text(&self, place: &Place, text: &str) -> String {
        let mut text = text
            .replace(&format!("{}/case", place.run), "<CASE>")
            .replace(&format!("{}/home", place.run), "<HOME>")
            .replace(&place.run, "<RUN>");
        if let Some(http) = &place.http {
            text = text.replace(http, "<HTTP>");
        }
        for (pattern, to) in &self.mine.filters {
            text = pattern.replace_all(&text, *to).into_owned();
        }
        self.again(place.extra, &text)
    }

    /// The filters alone: answers that were recorded before a filter was added need them too.
    pub fn again(&self, extra: &[(Regex, String)], text: &str) -> String {
        let mut text = text.to_string();
        for (pattern, to) in &self.filters {
            text = pattern.replace_all(&text, *to).into_owned();
        }
        for (pattern, to) in extra {
            text = pattern.replace_all(&text, to.as_str()).into_owned();
        }
        text
    }

    /// A file's content: dumps by their structure, other text as text, the rest in hex.
    pub fn file(&self, place: &Place, path: &str, content: &[u8]) -> String {
        let Ok(text) = std::str::from_utf8(content) else { return hex(content) };
        if text.contains('\0') {
            return hex(content);
        }
        if path.starts_with("dump")
            && path.ends_with(".json")
            && let Ok(mut value) = serde_json::from_str::<Value>(text)
        {
            self.settle(&mut value);
            return self.text(place, &format!("{value:#}\n"));
        }
        self.text(place, text)
    }

    /// Replaces volatile values in results.
    pub fn settle(&self, value: &mut Value) {
        match value {
            Value::Object(map) => {
                let truth = |key: &str| map.get(key) == Some(&Value::Bool(true));
                let is_dir = truth("isdir") || map.get("state").is_some_and(|s| s == "directory");
                for (key, value) in map.iter_mut() {
                    let key = key.as_str();
                    if TIMES.contains(&key)
                        || OF_FILESYSTEM.contains(&key)
                        || (is_dir && (key == "size" || key == "nlink"))
                    {
                        volatile(value);
                    } else if OWNERS.contains(&key) && self.mine.is(value) {
                        *value = Value::from("<me>");
                    } else {
                        self.settle(value);
                    }
                }
            }
            Value::Array(items) => items.iter_mut().for_each(|item| self.settle(item)),
            _ => {}
        }
    }
}

impl Mine {
    fn ask() -> Result<Mine, String> {
        let id = |flag: &str| -> Result<String, String> {
            let output = Command::new("id").arg(flag).output().map_err(|e| format!("id: {e}"))?;
            Ok(String::from_utf8_lossy(&output.stdout).trim().to_string())
        };
        let (ids, names) = ([id("-u")?, id("-g")?], [id("-un")?, id("-gn")?]);
        let mut filters = Vec::new();
        for (pattern, to) in [
            (format!(r#""(uid|gid)": ({}|{})\b"#, ids[0], ids[1]), r#""$1": <me>"#),
            (
                format!(
                    r#""(owner|group|pw_name|gr_name)": "({}|{})""#,
                    regex::escape(&names[0]),
                    regex::escape(&names[1])
                ),
                r#""$1": "<me>""#,
            ),
        ] {
            filters.push((Regex::new(&pattern).map_err(|e| e.to_string())?, to));
        }
        Ok(Mine { ids, names, filters })
    }

    fn is(&self, value: &Value) -> bool {
        match value {
            Value::Number(number) => self.ids.contains(&number.to_string()),
            Value::String(text) => self.names.contains(text),
            _ => false,
        }
    }
}

/// The type stays visible; null does too where the machine decides whether there is a value.
fn volatile(value: &mut Value) {
    let name = match value {
        Value::Number(_) => "<number>",
        Value::String(_) => "<string>",
        Value::Array(_) => "<list>",
        Value::Object(_) => "<dict>",
        Value::Null => "<string>",
        Value::Bool(_) => return,
    };
    *value = Value::from(name);
}

fn hex(content: &[u8]) -> String {
    use std::fmt::Write as _;
    let mut text = String::from("hex:\n");
    for line in content.chunks(32) {
        for byte in line {
            let _ = write!(text, "{byte:02x}");
        }
        text.push('\n');
    }
    text
}
