//! Local time with its zone, as the C library knows it.

use chrono::{DateTime, NaiveDateTime, TimeZone};

/// The local time of a moment, its offset from UTC in seconds, and the zone's abbreviation.
pub fn local(seconds: i64) -> (NaiveDateTime, i32, String) {
    // SAFETY: `localtime_r` is called with a valid time and a zeroed, owned `tm`;
    // `tm_zone` points to the C library's static names and is copied at once.
    let (offset, name) = unsafe {
        let mut parts: libc::tm = std::mem::zeroed();
        let time: libc::time_t = seconds;
        if libc::localtime_r(&raw const time, &raw mut parts).is_null() {
            (0, "UTC".to_owned())
        } else {
            let name = if parts.tm_zone.is_null() {
                String::new()
            } else {
                std::ffi::CStr::from_ptr(parts.tm_zone).to_string_lossy().into_owned()
            };
            (parts.tm_gmtoff, name)
        }
    };
    // Offsets are within a day.
    let offset = i32::try_from(offset).unwrap_or(0);
    (utc(seconds) + chrono::Duration::seconds(i64::from(offset)), offset, name)
}

/// The time of a moment in UTC.
pub fn utc(seconds: i64) -> NaiveDateTime {
    DateTime::from_timestamp(seconds, 0).unwrap_or(DateTime::UNIX_EPOCH).naive_utc()
}

/// The time now in UTC, to the microsecond.
pub fn now_utc() -> NaiveDateTime {
    let now = chrono::Utc::now();
    let micros = chrono::Timelike::nanosecond(&now.naive_utc()) / 1000 * 1000;
    chrono::Timelike::with_nanosecond(&now.naive_utc(), micros).unwrap_or(now.naive_utc())
}

/// The local time now, to the microsecond.
pub fn now_local() -> NaiveDateTime {
    let utc = now_utc();
    let offset = chrono::Local.offset_from_utc_datetime(&utc);
    utc + chrono::Duration::seconds(i64::from(offset.local_minus_utc()))
}
