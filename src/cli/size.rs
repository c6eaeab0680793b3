//! Numbers as people write them: sizes with a unit, rates with a point. No floating point: what is written is what is
//! meant.

/// Bytes of `512M`, `2G`, `1GiB`, `65536`; units are powers of 1024, upper or lower case. `None` for what is no size.
pub(super) fn bytes(text: &str) -> Option<u64> {
    let digits = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let (number, unit) = text.split_at_checked(digits)?;
    let unit = unit.trim().to_ascii_lowercase();
    let power = match unit.strip_suffix("ib").or(unit.strip_suffix('b')).unwrap_or(&unit) {
        "" => 0,
        "k" => 1,
        "m" => 2,
        "g" => 3,
        "t" => 4,
        _ => return None,
    };
    number.parse::<u64>().ok()?.checked_mul(1024_u64.checked_pow(power)?)
}

/// Millionths of `0.1`, `1`, `2.5`. `None` for what is no such number, or has more than six places.
pub(super) fn millionths(text: &str) -> Option<u64> {
    let (whole, places) = text.split_once('.').unwrap_or((text, ""));
    if places.len() > 6
        || (whole.is_empty() && places.is_empty())
        || !text.bytes().all(|c| c.is_ascii_digit() || c == b'.')
    {
        return None;
    }
    let number = |digits: &str| if digits.is_empty() { Some(0) } else { digits.parse::<u64>().ok() };
    number(whole)?.checked_mul(1_000_000)?.checked_add(number(&format!("{places:0<6}"))?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes() {
        let cases =
            [("65536", 65_536), ("512M", 512 << 20), ("2g", 2 << 30), ("1GiB", 1 << 30), ("3 kb", 3 << 10), ("0", 0)];
        for (text, wanted) in cases {
            assert_eq!(bytes(text), Some(wanted), "{text}");
        }
        for text in ["", "G", "2X", "-1", "1.5G", "99999999999T", "2 G B"] {
            assert_eq!(bytes(text), None, "{text}");
        }
    }

    #[test]
    fn rates() {
        let cases = [("1", 1_000_000), ("0.1", 100_000), (".5", 500_000), ("2.", 2_000_000), ("0.000001", 1)];
        for (text, wanted) in cases {
            assert_eq!(millionths(text), Some(wanted), "{text}");
        }
        for text in ["", ".", "-1", "1e3", "0.0000001", "1.2.3", "x", "+1"] {
            assert_eq!(millionths(text), None, "{text}");
        }
    }
}
