//! The host's clock and time zone.

use super::Collector;
use crate::clock::{Calendar, local};
use crate::context::Context;
use crate::data::Map;

pub static COLLECTOR: Collector = Collector { name: "date_time", subsets: &["date_time"], collect };

const DAYS: [&str; 7] =
    ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"];

fn collect(cx: &mut Context<'_>, facts: &mut Map) {
    let now = cx.target.now();
    let here = local(cx.target, now);
    let utc = Calendar::at(now, 0);
    let micros = utc.nanos / 1000;
    let sign = if here.offset < 0 { '-' } else { '+' };
    let offset = here.offset.unsigned_abs();
    let zone = zone(cx);
    let iso = |c: &Calendar| {
        format!(
            "{:04}-{:02}-{:02}T{:02}:{:02}:{:02}",
            c.year, c.month, c.day, c.hour, c.minute, c.second
        )
    };
    let basic = format!(
        "{:04}{:02}{:02}T{:02}{:02}{:02}",
        here.year, here.month, here.day, here.hour, here.minute, here.second
    );
    // Weeks begin with Monday; days before the first are week 0.
    let week = (here.yearday + 7 - here.weekday) / 7;
    let mut all = Map::new();
    for (name, value) in [
        ("year", format!("{:04}", here.year)),
        ("month", format!("{:02}", here.month)),
        ("weekday", DAYS[here.weekday as usize % 7].to_owned()),
        ("weekday_number", ((here.weekday + 1) % 7).to_string()),
        ("weeknumber", format!("{week:02}")),
        ("day", format!("{:02}", here.day)),
        ("hour", format!("{:02}", here.hour)),
        ("minute", format!("{:02}", here.minute)),
        ("second", format!("{:02}", here.second)),
        ("epoch", now.secs.to_string()),
        ("epoch_int", now.secs.to_string()),
        ("date", format!("{:04}-{:02}-{:02}", here.year, here.month, here.day)),
        ("time", format!("{:02}:{:02}:{:02}", here.hour, here.minute, here.second)),
        ("iso8601_micro", format!("{}.{micros:06}Z", iso(&utc))),
        ("iso8601", format!("{}Z", iso(&utc))),
        ("iso8601_basic", format!("{basic}{micros:06}")),
        ("iso8601_basic_short", basic),
        ("tz", zone.clone()),
        ("tz_dst", zone),
        ("tz_offset", format!("{sign}{:02}{:02}", offset / 3600, offset / 60 % 60)),
    ] {
        all.insert(name.into(), value.into());
    }
    facts.insert("date_time".into(), all.into());
}

/// The zone's abbreviation now.
fn zone(cx: &mut Context<'_>) -> String {
    if cx.target.utc_offset(0) == 0 && cx.target.env("TZ").is_none() {
        return "UTC".to_owned();
    }
    super::output(cx, "date", &["+%Z"]).map_or_else(|| "UTC".to_owned(), |z| z.trim().to_owned())
}
