//! What the harness was asked to do: environment first, then arguments.

use std::time::{SystemTime, UNIX_EPOCH};

#[derive(Clone, Copy, PartialEq)]
pub enum Record {
    All,
    Missing,
}

pub enum Mode {
    /// Our binary against the recorded answers.
    Compare,
    /// Write answers with the real ansible.
    Record(Record),
    /// As `Compare` for a sample, after asking the real ansible again.
    Live {
        sample: usize,
        seed: u64,
    },
    List,
}

pub struct Options {
    pub mode: Mode,
    pub jobs: usize,
    pub keep: bool,
    filters: Vec<String>,
    skips: Vec<String>,
    exact: bool,
}

const USAGE: &str = "usage: cargo test --test oracle -- [NAME]... [-j JOBS] [--exact] [--keep] \
                     [--list] [--skip NAME]\n  ORACLE_RECORD=1|missing  ORACLE_LIVE=n  \
                     ORACLE_SEED=n  ORACLE_BIN=<folder of ansible-playbook 2.14.18>";

impl Options {
    pub fn read() -> Result<Options, String> {
        let cores = std::thread::available_parallelism().map_or(2, usize::from);
        let mut options = Options {
            mode: mode_of_environment()?,
            jobs: cores,
            keep: false,
            filters: Vec::new(),
            skips: Vec::new(),
            exact: false,
        };
        let mut args = std::env::args().skip(1);
        while let Some(arg) = args.next() {
            let mut number = || args.next().and_then(|n| n.parse::<usize>().ok());
            match arg.as_str() {
                "-j" | "--test-threads" => options.jobs = number().ok_or(USAGE)?.max(1),
                "--keep" => options.keep = true,
                "--exact" => options.exact = true,
                "--list" => options.mode = Mode::List,
                "--skip" => options.skips.push(args.next().ok_or(USAGE)?),
                // libtest's flags that mean nothing here, as `cargo test -- FLAGS` gives them to all.
                "--nocapture" | "--no-capture" | "--quiet" | "-q" | "--show-output" => {}
                "--ignored" => options.filters.push("\0nothing is ignored here".to_string()),
                "--include-ignored" => {}
                other if other.starts_with('-') => return Err(format!("{other}?\n{USAGE}")),
                name => options.filters.push(name.to_string()),
            }
        }
        Ok(options)
    }

    pub fn chooses(&self, name: &str) -> bool {
        let matches = |f: &String| if self.exact { name == f } else { name.contains(f.as_str()) };
        (self.filters.is_empty() || self.filters.iter().any(matches))
            && !self.skips.iter().any(matches)
    }
}

fn mode_of_environment() -> Result<Mode, String> {
    let get = |name: &str| std::env::var(name).ok().filter(|v| !v.is_empty() && v != "0");
    match (get("ORACLE_RECORD"), get("ORACLE_LIVE")) {
        (Some(_), Some(_)) => Err("ORACLE_RECORD or ORACLE_LIVE, not both".to_string()),
        (Some(what), None) if what == "missing" => Ok(Mode::Record(Record::Missing)),
        (Some(what), None) if what == "1" => Ok(Mode::Record(Record::All)),
        (Some(what), None) => Err(format!("ORACLE_RECORD={what}: 1 or missing")),
        (None, Some(n)) => {
            let sample = n.parse().map_err(|_| format!("ORACLE_LIVE={n}: a number"))?;
            let seed = match get("ORACLE_SEED") {
                Some(seed) => seed.parse().map_err(|_| format!("ORACLE_SEED={seed}: a number"))?,
                None => SystemTime::now()
                    .duration_since(UNIX_EPOCH)
                    .map_or(1, |d| u64::from(d.subsec_nanos()) + 1),
            };
            Ok(Mode::Live { sample, seed })
        }
        (None, None) => Ok(Mode::Compare),
    }
}

/// `count` of `items`, chosen by `seed` alone.
pub fn sample<T>(mut items: Vec<T>, count: usize, seed: u64) -> Vec<T> {
    let mut state = seed.max(1);
    while items.len() > count {
        // xorshift64: any generator will do that a printed seed repeats.
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        let index = usize::try_from(state % items.len() as u64).unwrap_or(0);
        items.remove(index);
    }
    items
}
