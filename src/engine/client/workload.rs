//! What the built-in producers write: trucks that drive and report, orders, plain filling. Integers only, and no chance:
//! a record follows from its place in the sequence.

use std::fmt::Write as _;
use std::time::Duration;

use super::spec::Workload;
use crate::engine::time::Time;

/// Cities that the trucks drive between: latitude and longitude in millionths of a degree.
const CITIES: [(i64, i64); 10] = [
    (48_856_600, 2_352_200),
    (50_850_300, 4_351_700),
    (52_367_600, 4_904_100),
    (50_937_500, 6_960_300),
    (53_551_100, 9_993_700),
    (52_520_000, 13_405_000),
    (50_075_500, 14_437_800),
    (48_137_200, 11_575_500),
    (47_376_900, 8_541_700),
    (45_764_000, 4_835_700),
];

/// How many regions [`Draft::region`] tells apart.
const REGIONS: u32 = 5;

/// How long a truck takes from one city to the next, in seconds of lab time: a leg of a few hundred kilometres.
const LEG_SECS: u64 = 18_000;

/// What is bought.
const GOODS: [(&str, u32); 6] =
    [("tea", 490), ("bread", 320), ("lamp", 2_450), ("boots", 8_900), ("book", 1_895), ("bicycle", 49_900)];

/// A record that is to be made: what its partition is chosen by. The value comes once its number is known.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Draft {
    /// The key, if it has one.
    pub key: Option<String>,
    /// Where it is from: below `REGIONS`.
    pub region: u32,
    /// Its place in the workload, from 0.
    pub index: u64,
}

impl Workload {
    /// Records per second, rounded down, but 1 at least.
    pub fn per_sec(&self) -> u64 {
        (1_000_000 / self.interval_us(1).max(1)).max(1)
    }

    /// When record `index` is due after the workload began.
    pub fn due(&self, index: u64) -> Duration {
        Duration::from_micros(self.interval_us(index))
    }

    /// The time of `count` records, in microseconds.
    fn interval_us(&self, count: u64) -> u64 {
        match *self {
            Self::Trucks { trucks, interval_ms } => {
                count.saturating_mul(u64::from(interval_ms.max(1)) * 1_000) / u64::from(trucks.max(1))
            }
            Self::Orders { per_sec } | Self::Plain { per_sec, .. } => {
                count.saturating_mul(1_000_000) / u64::from(per_sec.max(1))
            }
        }
    }

    /// Record `index`.
    pub fn draft(&self, index: u64) -> Draft {
        match *self {
            Self::Trucks { trucks, .. } => {
                let truck = index % u64::from(trucks.max(1));
                Draft { key: Some(format!("truck-{}", truck + 1)), region: region(truck), index }
            }
            Self::Orders { .. } => {
                // A step that shares no factor with the number of customers visits all of them.
                let customer = index * 37 % 101;
                Draft { key: Some(format!("customer-{}", customer + 1)), region: region(customer), index }
            }
            Self::Plain { keys, .. } => {
                let key = (keys > 0).then(|| format!("key-{}", index % u64::from(keys) + 1));
                Draft { key, region: region(index), index }
            }
        }
    }

    /// The value of a record under its number `n`, made at `now`.
    pub fn value(&self, draft: &Draft, n: u64, now: Time) -> String {
        match *self {
            Self::Trucks { trucks, .. } => truck_report(draft.index % u64::from(trucks.max(1)), n, now),
            Self::Orders { .. } => order(draft, n),
            Self::Plain { bytes, .. } => {
                let mut value = format!("{{\"n\":{n},\"text\":\"");
                let room = usize::try_from(bytes).unwrap_or(0).saturating_sub(value.len() + 2);
                value.extend(('a'..='z').cycle().take(room));
                value.push_str("\"}");
                value
            }
        }
    }
}

fn region(of: u64) -> u32 {
    u32::try_from(of % u64::from(REGIONS)).unwrap_or(0)
}

fn city(index: u64) -> (i64, i64) {
    let count = u64::try_from(CITIES.len()).unwrap_or(1);
    usize::try_from(index % count).ok().and_then(|index| CITIES.get(index)).copied().unwrap_or_default()
}

/// Each truck goes round the cities, from a city and a moment of its own.
fn truck_report(truck: u64, n: u64, now: Time) -> String {
    let seconds = now.0 / 1_000_000 + truck * 1_327;
    let (leg, on_leg) = (truck + seconds / LEG_SECS, seconds % LEG_SECS);
    let (from, to) = (city(leg), city(leg + 1));
    let part = i64::try_from(on_leg).unwrap_or(0);
    let whole = i64::try_from(LEG_SECS).unwrap_or(1);
    // A bow to the side that is nothing at both ends, so that not all trucks drive on one line.
    let bow = (part * (whole - part) / (whole / 4).max(1)) * (i64::try_from(truck % 7).unwrap_or(0) - 3);
    let lat = from.0 + (to.0 - from.0) * part / whole + bow;
    let lon = from.1 + (to.1 - from.1) * part / whole;
    let speed = 52 + (seconds / 3 * 7 + truck * 13) % 37;
    let mut value = format!("{{\"truck\":\"truck-{}\",\"lat\":", truck + 1);
    degrees(&mut value, lat);
    value.push_str(",\"lon\":");
    degrees(&mut value, lon);
    let _ = write!(value, ",\"speed\":{speed},\"n\":{n}}}");
    value
}

/// Millionths of a degree with four places, as a receiver in a truck gives them.
fn degrees(out: &mut String, micro: i64) {
    let sign = if micro < 0 { "-" } else { "" };
    let micro = micro.unsigned_abs();
    let _ = write!(out, "{sign}{}.{:04}", micro / 1_000_000, micro % 1_000_000 / 100);
}

fn order(draft: &Draft, n: u64) -> String {
    let count = u64::try_from(GOODS.len()).unwrap_or(1);
    let at = usize::try_from(draft.index * 5 % count).unwrap_or(0);
    let (good, cents) = GOODS.get(at).copied().unwrap_or(("tea", 490));
    let pieces = u32::try_from(draft.index % 3).unwrap_or(0) + 1;
    let cents = cents * pieces;
    let customer = draft.key.as_deref().unwrap_or("customer-1");
    let order = draft.index + 1_001;
    format!(
        "{{\"order\":{order},\"customer\":\"{customer}\",\"item\":\"{good}\",\"pieces\":{pieces},\
         \"euros\":\"{}.{:02}\",\"n\":{n}}}",
        cents / 100,
        cents % 100
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_truck_reports_in_whole_and_moves_slowly() {
        let trucks = Workload::Trucks { trucks: 30, interval_ms: 500 };
        assert_eq!(trucks.per_sec(), 60);
        assert_eq!(trucks.due(60), Duration::from_secs(1));
        let draft = trucks.draft(46);
        assert_eq!(draft.key.as_deref(), Some("truck-17"));
        let value = trucks.value(&draft, 123, Time::ZERO);
        let json: serde_json::Value = serde_json::from_str(&value).unwrap();
        assert_eq!((json["truck"].as_str(), json["n"].as_u64()), (Some("truck-17"), Some(123)));
        let later = trucks.value(&draft, 124, Time::from_millis(500));
        assert_eq!(value.split("lat").count(), later.split("lat").count());
        for second in 0..40_000 {
            let json: serde_json::Value =
                serde_json::from_str(&trucks.value(&draft, 1, Time::from_millis(second * 1_000))).unwrap();
            assert!((45.0..55.0).contains(&json["lat"].as_f64().unwrap()), "{json}");
        }
    }

    #[test]
    fn degrees_are_written_without_floating_point() {
        let mut out = String::new();
        degrees(&mut out, -2_352_299);
        assert_eq!(out, "-2.3522");
    }

    #[test]
    fn plain_values_have_their_size_and_orders_are_json() {
        let plain = Workload::Plain { bytes: 100, per_sec: 10, keys: 0 };
        assert_eq!(plain.value(&plain.draft(3), 7, Time::ZERO).len(), 100);
        let orders = Workload::Orders { per_sec: 10 };
        let value = orders.value(&orders.draft(3), 7, Time::ZERO);
        let json: serde_json::Value = serde_json::from_str(&value).unwrap();
        assert_eq!(json["n"], 7);
    }
}
