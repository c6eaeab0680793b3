//! Going to a place in the log: what was typed, as an offset or a time. Dates are the lab's, in UTC, as the screen shows
//! them.

use jiff::civil::{DateTime, Time};
use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan as _};

use crate::session::action::Position;

/// What may be typed, for whoever typed something else.
pub(super) const EXAMPLES: &str = "1200, start, end, -50 (records), -5m, 14:03, 14:03:20, or 2026-11-21T14:03";

/// Units of a time before now, in milliseconds. The longer name comes first where one ends in another.
const UNITS: [(&str, i64); 5] = [("ms", 1), ("s", 1_000), ("m", 60_000), ("h", 3_600_000), ("d", 86_400_000)];

/// What was typed as a place in the log; the end is a tail of no records. `now_ms` is the lab's date. The error says what
/// was wrong with it.
pub(super) fn parse(typed: &str, now_ms: i64) -> Result<Position, String> {
    let typed = typed.trim();
    match typed {
        "" => return Err("type an offset or a time".into()),
        "start" | "earliest" => return Ok(Position::Earliest),
        "end" | "latest" | "now" => return Ok(Position::Tail(0)),
        _ => {}
    }
    if let Some(before) = typed.strip_prefix('-') {
        return before_now(before, now_ms);
    }
    if typed.chars().all(|c| c.is_ascii_digit() || matches!(c, ',' | '_')) {
        let offset = typed.replace([',', '_'], "").parse().map(Position::Offset);
        return offset.map_err(|_| format!("'{typed}' is more than any offset"));
    }
    let at = date(typed).or_else(|| time_of_day(typed, now_ms));
    at.map(|at| Position::Time(at.as_millisecond())).ok_or_else(|| format!("'{typed}' is neither an offset nor a time"))
}

/// `50`: so many records before the end; `5m`: so long before now.
fn before_now(before: &str, now_ms: i64) -> Result<Position, String> {
    let digits = before.bytes().take_while(u8::is_ascii_digit).count();
    let (number, unit) = before.split_at(digits);
    let number: Option<u32> = number.parse().ok();
    let number = number.ok_or_else(|| format!("'-{before}' begins with no number that fits"))?;
    if unit.is_empty() {
        return Ok(Position::Tail(number));
    }
    let known = UNITS.iter().find(|(name, _)| *name == unit);
    let (_, ms) = known.ok_or_else(|| format!("'{unit}' is no unit of time: ms, s, m, h or d"))?;
    Ok(Position::Time(now_ms.saturating_sub(i64::from(number).saturating_mul(*ms)).max(0)))
}

/// A date with or without a time, with or without an offset from UTC.
fn date(typed: &str) -> Option<Timestamp> {
    if let Ok(at) = typed.parse::<Timestamp>() {
        return Some(at);
    }
    let civil: DateTime = typed.parse().ok()?;
    civil.to_zoned(TimeZone::UTC).ok().map(|zoned| zoned.timestamp())
}

/// The last moment at which the lab's clock showed this: today, or yesterday where that is still to come.
fn time_of_day(typed: &str, now_ms: i64) -> Option<Timestamp> {
    let wanted: Time = typed.parse().ok()?;
    let now = Timestamp::from_millisecond(now_ms).ok()?.to_zoned(TimeZone::UTC);
    let today = now.date().to_datetime(wanted).to_zoned(TimeZone::UTC).ok()?;
    let then = if today > now { today.checked_sub(1.day()).ok()? } else { today };
    Some(then.timestamp())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn now() -> i64 {
        "2026-11-21T10:30:00Z".parse::<Timestamp>().unwrap().as_millisecond()
    }

    fn at(time: &str) -> Position {
        Position::Time(time.parse::<Timestamp>().unwrap().as_millisecond())
    }

    #[test]
    fn offsets_and_ends() {
        for (typed, to) in [
            (" 1,200 ", Position::Offset(1_200)),
            ("0", Position::Offset(0)),
            ("start", Position::Earliest),
            ("end", Position::Tail(0)),
            ("-50", Position::Tail(50)),
        ] {
            assert_eq!(parse(typed, now()), Ok(to), "{typed}");
        }
    }

    #[test]
    fn times_before_now_and_on_the_clock() {
        for (typed, to) in [
            ("-5m", "2026-11-21T10:25:00Z"),
            ("-1h", "2026-11-21T09:30:00Z"),
            ("-250ms", "2026-11-21T10:29:59.750Z"),
            ("-2d", "2026-11-19T10:30:00Z"),
            ("10:29", "2026-11-21T10:29:00Z"),
            ("10:29:58.5", "2026-11-21T10:29:58.5Z"),
            ("23:50", "2026-11-20T23:50:00Z"),
            ("2026-11-21", "2026-11-21T00:00:00Z"),
            ("2026-11-21T10:02:03", "2026-11-21T10:02:03Z"),
            ("2026-11-21 10:02", "2026-11-21T10:02:00Z"),
            ("2026-11-21T10:02:03+01:00", "2026-11-21T09:02:03Z"),
        ] {
            assert_eq!(parse(typed, now()), Ok(at(to)), "{typed}");
        }
    }

    #[test]
    fn what_is_neither_says_what_is_wrong_with_it() {
        for (typed, says) in [
            ("", "type an offset"),
            ("x7", "neither an offset nor a time"),
            ("25:00", "neither"),
            ("2026-13-01", "neither"),
            ("-5w", "'w' is no unit"),
            ("-m", "no number"),
            ("99999999999999999999", "more than any offset"),
            ("-99999999999", "no number that fits"),
        ] {
            let error = parse(typed, now()).unwrap_err();
            assert!(error.contains(says), "{typed}: {error}");
        }
    }
}
