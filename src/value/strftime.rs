//! `strftime` and `strptime` in the C locale.

use std::fmt::Write;

use chrono::{Datelike, NaiveDate, NaiveDateTime, Timelike};

use super::{PyError, PyResult, Str, Value, repr::repr};

const DAYS: [&str; 7] =
    ["Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"];
const MONTHS: [&str; 12] = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
];

/// `datetime.strftime(format)`, with glibc's padding flags.
pub fn strftime(format: &str, at: &NaiveDateTime, offset: Option<i32>) -> PyResult<String> {
    let zone = offset.map(|o| (o, if o == 0 { "UTC".to_owned() } else { offset_name(o) }));
    Ok(strftime_zoned(format, at, zone.as_ref().map(|(o, n)| (*o, n.as_str()))))
}

fn offset_name(offset: i32) -> String {
    let sign = if offset < 0 { '-' } else { '+' };
    let s = offset.unsigned_abs();
    format!("UTC{sign}{:02}:{:02}", s / 3600, s / 60 % 60)
}

/// The same with the zone's offset in seconds and its name.
pub fn strftime_zoned(format: &str, at: &NaiveDateTime, zone: Option<(i32, &str)>) -> String {
    let mut out = String::new();
    let mut chars = format.chars();
    while let Some(c) = chars.next() {
        if c != '%' {
            out.push(c);
            continue;
        }
        let mut flag = None;
        let mut raw = String::from("%");
        let mut width = String::new();
        let directive = loop {
            match chars.next() {
                Some(f @ ('-' | '_' | '0' | '^' | '#')) if width.is_empty() => {
                    flag = Some(f);
                    raw.push(f);
                }
                Some(d) if d.is_ascii_digit() => {
                    width.push(d);
                    raw.push(d);
                }
                Some(e @ ('E' | 'O')) => raw.push(e),
                other => break other,
            }
        };
        let Some(directive) = directive else {
            out.push_str(&raw);
            break;
        };
        match directive_text(directive, at, zone) {
            Some((text, pad)) => out.push_str(&adjust(text, pad, flag, &width)),
            None => {
                out.push_str(&raw);
                out.push(directive);
            }
        }
    }
    out
}

/// Applies glibc's flags: `-` no padding, `_` spaces, `0` zeros, `^` upper case.
fn adjust(text: String, pad: Option<(char, usize)>, flag: Option<char>, width: &str) -> String {
    if flag == Some('^') {
        return text.to_uppercase();
    }
    if flag == Some('#') {
        return if text.chars().any(char::is_lowercase) {
            text.to_uppercase()
        } else {
            text.to_lowercase()
        };
    }
    let Some((fill, least)) = pad else {
        let least: usize = width.parse().unwrap_or(0);
        return format!("{text:>least$}");
    };
    let fill = match flag {
        Some('-') => return text,
        Some('_') => ' ',
        Some('0') => '0',
        _ => fill,
    };
    let least = width.parse().unwrap_or(least);
    let missing = least.saturating_sub(text.len());
    fill.to_string().repeat(missing) + &text
}

/// The text of a directive, and how it is padded if it is a number.
fn directive_text(
    directive: char,
    at: &NaiveDateTime,
    zone: Option<(i32, &str)>,
) -> Option<(String, Option<(char, usize)>)> {
    let number = |n: i64, width: usize| Some((n.to_string(), Some(('0', width))));
    let spaced = |n: i64, width: usize| Some((n.to_string(), Some((' ', width))));
    let text = |t: String| Some((t, None));
    let day = DAYS[at.weekday().num_days_from_sunday() as usize];
    let month = MONTHS[at.month0() as usize];
    let hour12 = i64::from(at.hour12().1);
    let sub = |format: &str| text(strftime_zoned(format, at, zone));
    match directive {
        'a' => text(day[..3].to_owned()),
        'A' => text(day.to_owned()),
        'b' | 'h' => text(month[..3].to_owned()),
        'B' => text(month.to_owned()),
        'c' => sub("%a %b %e %H:%M:%S %Y"),
        'C' => number(i64::from(at.year().div_euclid(100)), 2),
        'd' => number(i64::from(at.day()), 2),
        'D' | 'x' => sub("%m/%d/%y"),
        'e' => spaced(i64::from(at.day()), 2),
        'f' => number(i64::from(at.nanosecond() / 1000), 6),
        'F' => sub("%Y-%m-%d"),
        'g' => number(i64::from(at.iso_week().year().rem_euclid(100)), 2),
        'G' => text(at.iso_week().year().to_string()),
        'H' => number(i64::from(at.hour()), 2),
        'I' => number(hour12, 2),
        'j' => number(i64::from(at.ordinal()), 3),
        'k' => spaced(i64::from(at.hour()), 2),
        'l' => spaced(hour12, 2),
        'm' => number(i64::from(at.month()), 2),
        'M' => number(i64::from(at.minute()), 2),
        'n' => text("\n".to_owned()),
        'p' => text(if at.hour() < 12 { "AM" } else { "PM" }.to_owned()),
        'P' => text(if at.hour() < 12 { "am" } else { "pm" }.to_owned()),
        'r' => sub("%I:%M:%S %p"),
        'R' => sub("%H:%M"),
        's' => {
            let offset = i64::from(zone.map_or(0, |(o, _)| o));
            Some(((at.and_utc().timestamp() - offset).to_string(), None))
        }
        'S' => number(i64::from(at.second()), 2),
        't' => text("\t".to_owned()),
        'T' | 'X' => sub("%H:%M:%S"),
        'u' => number(i64::from(at.weekday().number_from_monday()), 1),
        'U' => number(week(at, at.weekday().num_days_from_sunday()), 2),
        'V' => number(i64::from(at.iso_week().week()), 2),
        'w' => number(i64::from(at.weekday().num_days_from_sunday()), 1),
        'W' => number(week(at, at.weekday().num_days_from_monday()), 2),
        'y' => number(i64::from(at.year().rem_euclid(100)), 2),
        'Y' => text(at.year().to_string()),
        'z' => text(zone.map_or_else(String::new, |(o, _)| zone_offset(o))),
        'Z' => text(zone.map_or_else(String::new, |(_, name)| name.to_owned())),
        '%' => text("%".to_owned()),
        _ => None,
    }
}

fn week(at: &NaiveDateTime, weekday: u32) -> i64 {
    (i64::from(at.ordinal0()) + 7 - i64::from(weekday)) / 7
}

fn zone_offset(offset: i32) -> String {
    let sign = if offset < 0 { '-' } else { '+' };
    let s = offset.unsigned_abs();
    let mut out = format!("{sign}{:02}{:02}", s / 3600, s / 60 % 60);
    if !s.is_multiple_of(60) {
        let _ = write!(out, "{:02}", s % 60);
    }
    out
}

/// What `strptime` has read so far.
#[derive(Default)]
struct Read {
    year: Option<i32>,
    month: Option<u32>,
    day: Option<u32>,
    ordinal: Option<u32>,
    hour: u32,
    hour12: Option<u32>,
    pm: Option<bool>,
    minute: u32,
    second: u32,
    micros: u32,
    offset: Option<i32>,
    week: Option<(char, u32)>,
    weekday: Option<u32>,
    iso: (Option<i32>, Option<u32>),
}

/// `datetime.strptime(text, format)`.
pub fn strptime(text: &Str, format: &Str) -> PyResult<(NaiveDateTime, Option<i32>)> {
    let mut read = Read::default();
    let Some(rest) = read_format(text, format, &mut read)? else {
        return Err(PyError::value_error(format!(
            "time data {} does not match format {}",
            repr(&Value::Str(text.clone()))?,
            repr(&Value::Str(format.clone()))?
        )));
    };
    if !rest.is_empty() {
        return Err(PyError::value_error(format!("unconverted data remains: {rest}")));
    }
    finish(read)
}

/// Reads `text` by `format`; gives what is left, or `None` where they don't match.
fn read_format<'t>(text: &'t str, format: &str, read: &mut Read) -> PyResult<Option<&'t str>> {
    let mut rest = text;
    let mut chars = format.chars().peekable();
    while let Some(c) = chars.next() {
        if c.is_whitespace() {
            // White space in the format stands for one or more spaces.
            while chars.next_if(|c| c.is_whitespace()).is_some() {}
            let trimmed = rest.trim_start();
            if trimmed.len() == rest.len() {
                return Ok(None);
            }
            rest = trimmed;
            continue;
        }
        if c != '%' {
            let matches = rest
                .chars()
                .next()
                .is_some_and(|r| r == c || r.to_lowercase().eq(c.to_lowercase()));
            if !matches {
                return Ok(None);
            }
            rest = &rest[rest.chars().next().map_or(0, char::len_utf8)..];
            continue;
        }
        let Some(directive) = chars.next() else {
            return Err(PyError::value_error(format!("stray % in format '{format}'")));
        };
        match read_directive(rest, directive, format, read)? {
            Some(left) => rest = left,
            None => return Ok(None),
        }
    }
    Ok(Some(rest))
}

/// Up to `most` digits, as a number within `range`; takes fewer digits where more would not fit.
fn digits(text: &str, most: usize, range: std::ops::RangeInclusive<u32>) -> Option<(u32, &str)> {
    let len = text.bytes().take(most).take_while(u8::is_ascii_digit).count();
    (1..=len).rev().find_map(|n| {
        let value: u32 = text[..n].parse().ok()?;
        range.contains(&value).then_some((value, &text[n..]))
    })
}

fn name<'t>(text: &'t str, names: &[&str], short: bool) -> Option<(u32, &'t str)> {
    names.iter().enumerate().find_map(|(i, name)| {
        let name = if short { &name[..3] } else { name };
        let head = text.get(..name.len())?;
        let index = u32::try_from(i).ok()?;
        head.eq_ignore_ascii_case(name).then(|| (index, &text[name.len()..]))
    })
}

fn read_directive<'t>(
    text: &'t str,
    directive: char,
    format: &str,
    read: &mut Read,
) -> PyResult<Option<&'t str>> {
    let text_or_none = |slot: &mut Option<u32>, found: Option<(u32, &'t str)>| {
        found.map(|(n, rest)| {
            *slot = Some(n);
            rest
        })
    };
    Ok(match directive {
        'Y' => text
            .get(..4)
            .filter(|y| y.bytes().all(|b| b.is_ascii_digit()))
            .and_then(|y| y.parse().ok())
            .map(|y| {
                read.year = Some(y);
                &text[4..]
            }),
        'y' => text.get(..2).filter(|y| y.bytes().all(|b| b.is_ascii_digit())).and_then(|y| {
            let y: i32 = y.parse().ok()?;
            read.year = Some(if y < 69 { 2000 + y } else { 1900 + y });
            Some(&text[2..])
        }),
        'm' => text_or_none(&mut read.month, digits(text, 2, 1..=12)),
        'd' | 'e' => {
            let text = text.strip_prefix(' ').unwrap_or(text);
            text_or_none(&mut read.day, digits(text, 2, 1..=31))
        }
        'j' => text_or_none(&mut read.ordinal, digits(text, 3, 1..=366)),
        'H' => digits(text, 2, 0..=23).map(|(n, rest)| {
            read.hour = n;
            rest
        }),
        'I' => text_or_none(&mut read.hour12, digits(text, 2, 1..=12)),
        'M' => digits(text, 2, 0..=59).map(|(n, rest)| {
            read.minute = n;
            rest
        }),
        'S' => digits(text, 2, 0..=61).map(|(n, rest)| {
            read.second = n;
            rest
        }),
        'f' => {
            let len = text.bytes().take(6).take_while(u8::is_ascii_digit).count();
            (len > 0).then(|| {
                read.micros = format!("{:0<6}", &text[..len]).parse().unwrap_or(0);
                &text[len..]
            })
        }
        'b' | 'h' => name(text, &MONTHS, true).map(|(n, rest)| {
            read.month = Some(n + 1);
            rest
        }),
        'B' => name(text, &MONTHS, false).map(|(n, rest)| {
            read.month = Some(n + 1);
            rest
        }),
        'a' => text_or_none(&mut read.weekday, name(text, &DAYS, true)),
        'A' => text_or_none(&mut read.weekday, name(text, &DAYS, false)),
        'w' => text_or_none(&mut read.weekday, digits(text, 1, 0..=6)),
        'u' => digits(text, 1, 1..=7).map(|(n, rest)| {
            read.weekday = Some(n % 7);
            rest
        }),
        'U' | 'W' => digits(text, 2, 0..=53).map(|(n, rest)| {
            read.week = Some((directive, n));
            rest
        }),
        'V' => digits(text, 2, 1..=53).map(|(n, rest)| {
            read.iso.1 = Some(n);
            rest
        }),
        'G' => text.get(..4).and_then(|y| y.parse().ok()).map(|y| {
            read.iso.0 = Some(y);
            &text[4..]
        }),
        'p' => {
            let head = text.get(..2).map(str::to_ascii_lowercase);
            match head.as_deref() {
                Some("am") => read.pm = Some(false),
                Some("pm") => read.pm = Some(true),
                _ => return Ok(None),
            }
            Some(&text[2..])
        }
        'z' => read_offset(text, read),
        'Z' => ["UTC", "GMT"]
            .iter()
            .find(|z| text.get(..3).is_some_and(|h| h.eq_ignore_ascii_case(z)))
            .map(|_| &text[3..]),
        'c' => read_format(text, "%a %b %d %H:%M:%S %Y", read)?,
        'x' => read_format(text, "%m/%d/%y", read)?,
        'X' => read_format(text, "%H:%M:%S", read)?,
        '%' => text.strip_prefix('%'),
        other => {
            return Err(PyError::value_error(format!(
                "'{other}' is a bad directive in format '{format}'"
            )));
        }
    })
}

fn read_offset<'t>(text: &'t str, read: &mut Read) -> Option<&'t str> {
    if let Some(rest) = text.strip_prefix(['Z', 'z']) {
        read.offset = Some(0);
        return Some(rest);
    }
    let sign = if text.starts_with('-') { -1 } else { 1 };
    let rest = text.strip_prefix(['+', '-'])?;
    let two = |t: &'t str| {
        let n: i32 = t.get(..2)?.parse().ok()?;
        Some((n, &t[2..]))
    };
    let (hours, rest) = two(rest)?;
    let (minutes, mut rest) = two(rest.strip_prefix(':').unwrap_or(rest))?;
    let mut seconds = 0;
    if let Some((s, left)) = two(rest.strip_prefix(':').unwrap_or(rest)) {
        (seconds, rest) = (s, left);
    }
    read.offset = Some(sign * (hours * 3600 + minutes * 60 + seconds));
    Some(rest)
}

fn finish(read: Read) -> PyResult<(NaiveDateTime, Option<i32>)> {
    let out_of_range = || PyError::value_error("day is out of range for month");
    let hour = match (read.hour12, read.pm) {
        (Some(h), Some(true)) => h % 12 + 12,
        (Some(h), _) => h % 12,
        (None, _) => read.hour,
    };
    let year = read.year.unwrap_or(1900);
    let date = match (read.iso, read.ordinal, read.week, read.weekday) {
        ((Some(y), Some(w)), _, _, Some(d)) => {
            let day = chrono::Weekday::try_from(u8::try_from((d + 6) % 7).unwrap_or(0));
            day.ok().and_then(|day| NaiveDate::from_isoywd_opt(y, w, day))
        }
        (_, Some(n), ..) => NaiveDate::from_yo_opt(year, n),
        (_, None, Some((kind, w)), Some(d)) => {
            let jan1 = NaiveDate::from_ymd_opt(year, 1, 1).ok_or_else(out_of_range)?;
            let (first, day) = if kind == 'U' {
                (jan1.weekday().num_days_from_sunday(), d)
            } else {
                (jan1.weekday().num_days_from_monday(), (d + 6) % 7)
            };
            let lead = (7 - i64::from(first)) % 7;
            let offset = if w == 0 {
                i64::from(day) - i64::from(first)
            } else {
                lead + 7 * (i64::from(w) - 1) + i64::from(day)
            };
            jan1.checked_add_signed(chrono::Duration::days(offset))
        }
        _ => NaiveDate::from_ymd_opt(year, read.month.unwrap_or(1), read.day.unwrap_or(1)),
    };
    let date = date.ok_or_else(out_of_range)?;
    // `datetime` knows no leap seconds.
    if read.second > 59 {
        return Err(PyError::value_error("second must be in 0..59"));
    }
    let time = date.and_hms_micro_opt(hour, read.minute, read.second, read.micros);
    Ok((time.ok_or_else(out_of_range)?, read.offset))
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    #[test]
    fn dates_are_written() {
        let (at, _) =
            strptime(&Str::new("2020-02-09 07:05:03"), &Str::new("%Y-%m-%d %H:%M:%S")).unwrap();
        for (format, text) in [
            ("%Y/%m/%d", "2020/02/09"),
            ("%a %A %b %B", "Sun Sunday Feb February"),
            ("%e|%-d|%j|%U|%W|%V|%G", " 9|9|040|06|05|06|2020"),
            ("%I:%M %p %y", "07:05 AM 20"),
            ("%s", "1581231903"),
            ("%c", "Sun Feb  9 07:05:03 2020"),
            ("%D %T %R %F", "02/09/20 07:05:03 07:05 2020-02-09"),
            ("%f|%z|%Z|%%|%q|%", "000000|||%|%q|%"),
        ] {
            assert_eq!(strftime(format, &at, None).unwrap(), text, "{format}");
        }
        assert_eq!(strftime("%z %Z", &at, Some(5400)).unwrap(), "+0130 UTC+01:30");
    }

    #[test]
    fn dates_are_read() {
        for (text, format, iso) in [
            ("2021-03-04T05:06:07.5Z", "%Y-%m-%dT%H:%M:%S.%fZ", "2021-03-04T05:06:07.500"),
            ("4 Mar 21", "%d %b %y", "2021-03-04T00:00:00"),
            ("12:30 AM", "%I:%M %p", "1900-01-01T00:30:00"),
            ("2021 060", "%Y %j", "2021-03-01T00:00:00"),
            ("2021-W09-4", "%G-W%V-%u", "2021-03-04T00:00:00"),
        ] {
            let (at, _) = strptime(&Str::new(text), &Str::new(format)).unwrap();
            assert_eq!(at.format("%Y-%m-%dT%H:%M:%S%.f").to_string(), iso, "{text}");
        }
        assert_eq!(
            strptime(&Str::new("10:00 +0130"), &Str::new("%H:%M %z")).unwrap().1,
            Some(5400)
        );
        for (text, format, message) in [
            ("x", "%Y", "time data 'x' does not match format '%Y'"),
            ("2021x", "%Y", "unconverted data remains: x"),
            ("2021-02-30", "%Y-%m-%d", "day is out of range for month"),
            ("1", "%Q", "'Q' is a bad directive in format '%Q'"),
        ] {
            assert_eq!(strptime(&Str::new(text), &Str::new(format)).unwrap_err().message, message);
        }
    }
}
