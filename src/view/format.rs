//! Numbers, sizes and times as people read them. Units are said once, numbers are grouped by thousands.

/// `12,317`.
pub fn grouped(n: i64) -> String {
    let digits = n.unsigned_abs().to_string();
    let mut text = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    if n < 0 { format!("-{text}") } else { text }
}

/// The same for a count.
pub fn count(n: u64) -> String {
    grouped(i64::try_from(n).unwrap_or(i64::MAX))
}

/// A size with its unit: `1.2 MiB`.
pub fn bytes(n: u64) -> String {
    const UNITS: [&str; 5] = ["KiB", "MiB", "GiB", "TiB", "PiB"];
    if n < 1024 {
        return format!("{n} B");
    }
    let mut tenths = u128::from(n) * 10 / 1024;
    let mut unit = 0;
    while tenths >= 10_240 && unit + 1 < UNITS.len() {
        tenths /= 1024;
        unit += 1;
    }
    format!("{}.{} {}", tenths / 10, tenths % 10, UNITS.get(unit).unwrap_or(&""))
}

/// Lab time as a clock: `00:01:23.417`.
pub fn clock(us: u64) -> String {
    let ms = us / 1000;
    format!("{:02}:{:02}:{:02}.{:03}", ms / 3_600_000, ms / 60_000 % 60, ms / 1000 % 60, ms % 1000)
}

/// A length of time in the unit that fits: `17 ms`, `0.5 s`, `41 s`, `3 min`, `7 days`.
pub fn duration_ms(ms: u64) -> String {
    match ms {
        0..100 => format!("{ms} ms"),
        100..10_000 => format!("{}.{} s", ms / 1000, ms % 1000 / 100),
        10_000..120_000 => format!("{} s", ms / 1000),
        120_000..7_200_000 => format!("{} min", ms / 60_000),
        7_200_000..172_800_000 => format!("{} h", ms / 3_600_000),
        _ => format!("{} days", ms / 86_400_000),
    }
}

/// The speed of lab time: `×0.1`, `×1`, `×20`.
pub fn rate(ppm: u64) -> String {
    let whole = ppm / 1_000_000;
    let rest = format!("{:06}", ppm % 1_000_000);
    let rest = rest.trim_end_matches('0');
    if rest.is_empty() { format!("×{whole}") } else { format!("×{whole}.{rest}") }
}

/// A moment in milliseconds since 1970: `2026-11-22 01:44:12 UTC`. Of what no calendar has, the number.
pub fn date(ms: i64) -> String {
    let known = jiff::Timestamp::from_millisecond(ms).ok();
    known.map_or_else(|| format!("{ms} ms"), |time| time.strftime("%Y-%m-%d %H:%M:%S UTC").to_string())
}

/// `1 partition`, `3 partitions`, `3 copies`.
pub fn plural(n: usize, one: &str) -> String {
    match one.strip_suffix("py") {
        _ if n == 1 => format!("1 {one}"),
        Some(stem) => format!("{n} {stem}pies"),
        None => format!("{n} {one}s"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_read_well() {
        assert_eq!(grouped(0), "0");
        assert_eq!(grouped(-1_234), "-1,234");
        assert_eq!(grouped(123_456_789), "123,456,789");
        assert_eq!(bytes(1_023), "1023 B");
        assert_eq!(bytes(1_258_291), "1.1 MiB");
        assert_eq!(bytes(u64::MAX), "16383.9 PiB");
        assert_eq!(clock(83_417_999), "00:01:23.417");
        assert_eq!(duration_ms(1_234), "1.2 s");
        assert_eq!(duration_ms(604_800_000), "7 days");
        assert_eq!(rate(100_000), "×0.1");
        assert_eq!(rate(20_000_000), "×20");
        assert_eq!(plural(1, "partition"), "1 partition");
        assert_eq!(plural(2, "copy"), "2 copies");
    }
}
