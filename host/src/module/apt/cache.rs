//! The lists of packages: how old they are, fetching them.

use std::time::Duration;

use crate::module::{Args, Context, Failure};
use crate::target::Run;

/// What became of the lists.
pub struct Updated {
    /// Whether anybody asked for them.
    pub asked: bool,
    /// Whether they are newer than before (or would be).
    pub changed: bool,
    /// When they were fetched, in seconds since 1970.
    pub time: i64,
}

/// When the lists were last fetched.
fn age_of(cx: &mut Context<'_>) -> i64 {
    for path in ["/var/lib/apt/periodic/update-success-stamp", "/var/lib/apt/lists"] {
        if let Ok(stat) = cx.target.stat(path.as_ref()) {
            return stat.mtime.secs;
        }
    }
    0
}

/// Fetches the lists if that is asked for and they are too old.
pub fn update(cx: &mut Context<'_>, args: &Args) -> Result<Updated, Failure> {
    let before = age_of(cx);
    let valid = args.int("cache_valid_time").unwrap_or(0);
    let asked = args.bool("update_cache") || valid > 0;
    if !asked || before + valid >= cx.target.now().secs {
        return Ok(Updated { asked, changed: false, time: before });
    }
    if !cx.check {
        let tries = args.int("update_cache_retries").unwrap_or(5);
        let longest = args.int("update_cache_retry_max_delay").unwrap_or(12);
        fetch(cx, tries, longest, super::lock_timeout(args))?;
    }
    let time = age_of(cx);
    Ok(Updated { asked, changed: cx.check || time != before, time })
}

/// Fetches the lists, with pauses of at most `longest` seconds between tries.
pub fn fetch(
    cx: &mut Context<'_>,
    tries: i64,
    longest: i64,
    lock_timeout: Duration,
) -> Result<(), Failure> {
    let longest = longest.max(0);
    let program = cx.program("apt-get")?;
    let lock = format!("DPkg::Lock::Timeout={}", lock_timeout.as_secs());
    let mut why = String::new();
    for turn in 0..tries.max(0) {
        let run = Run::argv([program.clone().into_os_string()])
            .args(["-o", lock.as_str(), "-q", "update"])
            .c_locale()
            .env("DEBIAN_FRONTEND", "noninteractive");
        let ran = cx.run(&run)?;
        // apt-get counts lists that it could not fetch as a success with warnings.
        let failed = ran.err().lines().any(|l| l.starts_with("E:") || l.starts_with("W: Failed"));
        if ran.ok() && !failed {
            return Ok(());
        }
        why = complaints(&ran.err());
        if turn + 1 < tries {
            let delay = 1_i64.checked_shl(u32::try_from(turn).unwrap_or(0)).unwrap_or(longest);
            cx.target.sleep(Duration::from_secs(delay.min(longest).unsigned_abs()));
        }
    }
    if why.is_empty() {
        "unknown reason".clone_into(&mut why);
    }
    Err(Failure::new(format!("Failed to update apt cache: {why}")))
}

/// Errors and warnings as apt's library words them for ansible, in one line; it does not tell what could not be
/// reached.
fn complaints(err: &str) -> String {
    let worded = err.lines().filter_map(|line| {
        let (kind, text) = line.split_once(": ").filter(|(kind, _)| matches!(*kind, "E" | "W"))?;
        Some(format!("{kind}:{text}"))
    });
    let worded: Vec<String> = worded.collect();
    match worded.iter().any(|line| line.starts_with("E:")) {
        true => worded.join(", "),
        false => String::new(),
    }
}
