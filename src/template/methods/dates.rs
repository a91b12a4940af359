//! Methods of `date` and `datetime`.

use chrono::{Datelike, NaiveDate, NaiveDateTime, Timelike};

use super::native::{keywords, positional, text};
use crate::template::{CallArgs, args::index};
use crate::value::{
    PyError, PyResult, TimeDelta, Value, ops::no_attribute, repr::isoformat, strftime::strftime,
};

/// Calls the method `name` of a date or datetime.
pub(super) fn call(value: &Value, name: &str, args: CallArgs) -> PyResult<Value> {
    let (at, offset, owner) = match value {
        Value::Date(d) => (d.and_time(chrono::NaiveTime::MIN), None, "datetime.date"),
        Value::DateTime(d, offset) => (*d, *offset, "datetime.datetime"),
        other => return Err(no_attribute(other, name)),
    };
    let only_date = matches!(value, Value::Date(_));
    match name {
        "strftime" => {
            let args = positional(owner, name, args, 1, 1)?;
            return strftime(&text(name, 1, &args[0])?, &at, offset).map(Value::from);
        }
        "isoformat" if !only_date => {
            let [separator, _timespec] = keywords(name, args, &["sep", "timespec"])?;
            let separator = match separator {
                Some(s) => text(name, 1, &s)?.chars().next().unwrap_or('T'),
                None => 'T',
            };
            return Ok(Value::from(isoformat(&at, offset, separator)));
        }
        "replace" => return replace(&at, offset, only_date, args),
        _ => {
            positional(owner, name, args, 0, 0)?;
        }
    }
    Ok(match name {
        "isoformat" => Value::from(at.format("%Y-%m-%d").to_string()),
        "weekday" => Value::Int(i64::from(at.weekday().num_days_from_monday())),
        "isoweekday" => Value::Int(i64::from(at.weekday().number_from_monday())),
        "toordinal" => Value::Int(i64::from(at.date().num_days_from_ce())),
        "isocalendar" => {
            let week = at.iso_week();
            Value::tuple(vec![
                Value::Int(i64::from(week.year())),
                Value::Int(i64::from(week.week())),
                Value::Int(i64::from(at.weekday().number_from_monday())),
            ])
        }
        "ctime" => Value::from(strftime("%a %b %e %H:%M:%S %Y", &at, None)?),
        "date" => Value::Date(at.date()),
        "time" => Value::from(at.format("%H:%M:%S").to_string()),
        "timestamp" => Value::Float(timestamp(&at, offset)),
        "utcoffset" => {
            offset.map_or(Value::None, |o| TimeDelta::from_seconds(i64::from(o)).into_value())
        }
        "astimezone" => {
            let local =
                chrono::TimeZone::timestamp_opt(&chrono::Local, timestamp(&at, offset) as i64, 0);
            let seconds = local.single().map_or(0, |t| t.offset().local_minus_utc());
            let utc = at - chrono::Duration::seconds(i64::from(offset.unwrap_or(seconds)));
            Value::DateTime(utc + chrono::Duration::seconds(i64::from(seconds)), Some(seconds))
        }
        other => return Err(no_attribute(value, other)),
    })
}

/// Seconds since 1970; a naive time is local.
fn timestamp(at: &NaiveDateTime, offset: Option<i32>) -> f64 {
    let seconds = match offset {
        Some(offset) => at.and_utc().timestamp() - i64::from(offset),
        None => chrono::TimeZone::from_local_datetime(&chrono::Local, at)
            .earliest()
            .map_or_else(|| at.and_utc().timestamp(), |t| t.timestamp()),
    };
    seconds as f64 + f64::from(at.nanosecond()) / 1e9
}

fn replace(
    at: &NaiveDateTime,
    offset: Option<i32>,
    only_date: bool,
    args: CallArgs,
) -> PyResult<Value> {
    let [year, month, day, hour, minute, second, micros, zone] = keywords(
        "replace",
        args,
        &["year", "month", "day", "hour", "minute", "second", "microsecond", "tzinfo"],
    )?;
    let part = |value: Option<Value>, default: i64| value.as_ref().map_or(Ok(default), index);
    let small = |n: i64| u32::try_from(n).unwrap_or(u32::MAX);
    let year = i32::try_from(part(year, i64::from(at.year()))?).unwrap_or(i32::MAX);
    let date = NaiveDate::from_ymd_opt(
        year,
        small(part(month, i64::from(at.month()))?),
        small(part(day, i64::from(at.day()))?),
    )
    .ok_or_else(|| PyError::value_error("day is out of range for month"))?;
    if only_date {
        return Ok(Value::Date(date));
    }
    let time = date
        .and_hms_micro_opt(
            small(part(hour, i64::from(at.hour()))?),
            small(part(minute, i64::from(at.minute()))?),
            small(part(second, i64::from(at.second()))?),
            small(part(micros, i64::from(at.nanosecond() / 1000))?),
        )
        .ok_or_else(|| PyError::value_error("hour must be in 0..23"))?;
    Ok(Value::DateTime(time, if zone.is_some_and(|z| z.is_none()) { None } else { offset }))
}
