//! Times of access and change.

use std::path::Path;

use crate::module::{Args, Context, Diff, Failure};
use crate::python::{self, Subject};
use crate::strptime;
use crate::target::{SetTime, Time};

/// A time that a file is to get.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Stamp {
    Keep,
    Now,
    At(f64),
}

/// The times that a file is to get.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Times {
    modification: Stamp,
    access: Stamp,
}

impl Times {
    /// Those that it has.
    pub(super) const KEPT: Times = Times { modification: Stamp::Keep, access: Stamp::Keep };

    /// As the options say; where they say nothing, a file that is touched is as of now.
    pub(super) fn of(cx: &mut Context<'_>, args: &Args, touched: bool) -> Result<Times, Failure> {
        let mut stamp = |name: &str, format: &str| -> Result<Stamp, Failure> {
            let usual = if touched { "now" } else { "preserve" };
            let text = args.str(name).unwrap_or(usual);
            match text {
                "preserve" => Ok(Stamp::Keep),
                "now" => Ok(Stamp::Now),
                text => {
                    let format = args.req(format);
                    let seconds = strptime::seconds(cx.target, text, format).map_err(|e| {
                        Failure::new(format!(
                            "Error while obtaining timestamp for time {text} using format {format}: {e}"
                        ))
                    })?;
                    Ok(Stamp::At(seconds as f64))
                }
            }
        };
        let modification = stamp("modification_time", "modification_time_format")?;
        let access = stamp("access_time", "access_time_format")?;
        Ok(Times { modification, access })
    }

    /// Gives them to a file (behind a link, if it is one), and says whether that changes something.
    pub(super) fn apply(
        self,
        cx: &mut Context<'_>,
        path: &Path,
        diff: Option<&mut Diff>,
    ) -> Result<bool, Failure> {
        if self == Times::KEPT {
            return Ok(false);
        }
        let failed = |error: std::io::Error| {
            let text = python::os_error(&error, Subject::Bytes(path));
            Failure::new(format!("Error while updating modification or access time: {text}"))
                .with("path", path.to_string_lossy())
        };
        let stat = cx.target.stat(path).map_err(failed)?;
        let (old_change, old_access) = (stat.mtime.as_f64(), stat.atime.as_f64());
        let now = cx.target.now().as_f64();
        let value = |stamp: Stamp, old: f64| match stamp {
            Stamp::Keep => old,
            Stamp::Now => now,
            Stamp::At(time) => time,
        };
        let change = value(self.modification, old_change);
        let access = value(self.access, old_access);
        if change == old_change && access == old_access {
            return Ok(false);
        }
        if !cx.check {
            let set = |stamp: Stamp| match stamp {
                Stamp::Keep => SetTime::Keep,
                Stamp::Now => SetTime::Now,
                Stamp::At(time) => SetTime::At(Time::from_f64(time)),
            };
            cx.target.set_times(path, set(self.access), set(self.modification)).map_err(failed)?;
        }
        if let Some(diff) = diff {
            for (key, old, new) in [("mtime", old_change, change), ("atime", old_access, access)] {
                if new != old {
                    diff.note(key, old, new);
                }
            }
        }
        Ok(true)
    }
}
