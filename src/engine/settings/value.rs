//! The types that a setting can have, how they read and write themselves, and what is said when they cannot.

use std::ops::RangeBounds;

use thiserror::Error;

use super::TABLE;

/// A type of a setting's value.
pub trait SettingValue: Sized {
    /// Kafka's name of the type.
    const KIND: &'static str;

    /// Reads it; `None` where the text is not of this type.
    fn parse(text: &str) -> Option<Self>;

    /// Writes it as Kafka would.
    fn show(&self) -> String;
}

macro_rules! plain {
    ($($kind:ty = $name:literal),+) => { $(
        impl SettingValue for $kind {
            const KIND: &'static str = $name;

            fn parse(text: &str) -> Option<Self> {
                text.trim().parse().ok()
            }

            fn show(&self) -> String {
                self.to_string()
            }
        }
    )+ };
}

plain!(bool = "BOOLEAN", i16 = "SHORT", i32 = "INT", i64 = "LONG", String = "STRING");

/// A list of words, as Kafka writes it: `compact,delete`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct List(Vec<String>);

impl List {
    /// Whether `word` is in it.
    pub fn has(&self, word: &str) -> bool {
        self.0.iter().any(|item| item == word)
    }

    /// Its words, in their order.
    pub fn iter(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(String::as_str)
    }
}

impl From<&str> for List {
    fn from(text: &str) -> Self {
        Self(text.split(',').map(str::trim).filter(|word| !word.is_empty()).map(str::to_owned).collect())
    }
}

impl SettingValue for List {
    const KIND: &'static str = "LIST";

    fn parse(text: &str) -> Option<Self> {
        Some(text.into())
    }

    fn show(&self) -> String {
        self.0.join(",")
    }
}

/// A part of a whole, 0 to 1, in millionths: the core computes nothing in floating point.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Ratio {
    ppm: u32,
}

impl Ratio {
    /// `ppm` millionths, a million at most.
    pub const fn from_ppm(ppm: u32) -> Self {
        Self { ppm: if ppm > 1_000_000 { 1_000_000 } else { ppm } }
    }

    /// Whether `part` is more than so much of `whole`.
    pub fn is_exceeded_by(self, part: u64, whole: u64) -> bool {
        u128::from(part) * 1_000_000 > u128::from(whole) * u128::from(self.ppm)
    }
}

impl SettingValue for Ratio {
    const KIND: &'static str = "DOUBLE";

    /// Digits with or without a point, 0 to 1; what comes after the sixth digit behind the point does not count.
    fn parse(text: &str) -> Option<Self> {
        let (whole, part) = text.trim().split_once('.').unwrap_or((text.trim(), ""));
        let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
        if (whole.is_empty() && part.is_empty()) || !digits(whole) || !digits(part) {
            return None;
        }
        let whole: u32 = if whole.is_empty() { 0 } else { whole.parse().ok()? };
        let part: u32 = format!("{part:0<6}").get(..6)?.parse().ok()?;
        let ppm = whole.checked_mul(1_000_000)?.checked_add(part)?;
        (ppm <= 1_000_000).then_some(Self { ppm })
    }

    fn show(&self) -> String {
        let digits = format!("{:06}", self.ppm % 1_000_000);
        let part = digits.trim_end_matches('0');
        format!("{}.{}", self.ppm / 1_000_000, if part.is_empty() { "0" } else { part })
    }
}

/// Why a setting was not taken.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum SettingError {
    /// No setting has this name.
    #[error("unknown setting {name}{}", .nearest.map(|near| format!("; did you mean {near}?")).unwrap_or_default())]
    Unknown {
        /// What was asked for.
        name: String,
        /// The setting with the nearest name, if one is near.
        nearest: Option<&'static str>,
    },
    /// The text is no value of its type.
    #[error("{name}={text}: a value of type {kind} is wanted")]
    WrongType {
        /// The setting.
        name: &'static str,
        /// What was given.
        text: String,
        /// The type.
        kind: &'static str,
    },
    /// The value is out of range.
    #[error("{name}={value}: {allowed} is allowed")]
    OutOfRange {
        /// The setting.
        name: &'static str,
        /// What was given.
        value: String,
        /// What is allowed.
        allowed: String,
    },
}

impl SettingError {
    /// The same as Kafka's `ConfigException` says it to a client.
    pub fn in_kafkas_words(&self) -> String {
        let invalid =
            |text: &str, name: &str, why: &str| format!("Invalid value {text} for configuration {name}: {why}");
        match self {
            Self::WrongType { name, text, kind: kind @ ("INT" | "LONG" | "SHORT") } => {
                invalid(text, name, &format!("Not a number of type {kind}"))
            }
            Self::WrongType { name, text, kind: "BOOLEAN" } => {
                invalid(text, name, "Expected value to be either true or false")
            }
            Self::OutOfRange { name, value, allowed } => {
                match (allowed.strip_suffix(".."), allowed.strip_prefix("one of ")) {
                    (Some(least), _) => invalid(value, name, &format!("Value must be at least {least}")),
                    (_, Some(choices)) => invalid(value, name, &format!("String must be one of: {choices}")),
                    _ => invalid(value, name, allowed),
                }
            }
            other => other.to_string(),
        }
    }

    pub(super) fn unknown(name: &str) -> Self {
        let distance = |known: &str| edit_distance(name.as_bytes(), known.as_bytes());
        let nearest = TABLE.iter().map(|row| row.name).min_by_key(|known| distance(known)).filter(|n| distance(n) <= 4);
        Self::Unknown { name: name.to_owned(), nearest }
    }

    pub(super) fn wrong_type<T: SettingValue>(name: &'static str, text: &str) -> Self {
        Self::WrongType { name, text: text.to_owned(), kind: T::KIND }
    }

    pub(super) fn check_range<T, R>(name: &'static str, value: &T, range: R) -> Result<(), Self>
    where
        T: PartialOrd + std::fmt::Display,
        R: RangeBounds<T> + std::fmt::Debug,
    {
        if range.contains(value) {
            return Ok(());
        }
        Err(Self::OutOfRange { name, value: value.to_string(), allowed: format!("{range:?}") })
    }

    pub(super) fn check_choices(name: &'static str, value: &List, choices: &[&str]) -> Result<(), Self> {
        value.iter().try_for_each(|word| Self::check_choice(name, word, choices))
    }

    pub(super) fn check_choice(name: &'static str, value: &str, choices: &[&str]) -> Result<(), Self> {
        if choices.contains(&value) {
            return Ok(());
        }
        Err(Self::OutOfRange { name, value: value.to_owned(), allowed: format!("one of {}", choices.join(", ")) })
    }
}

/// Levenshtein's distance, for "did you mean": small names only.
fn edit_distance(a: &[u8], b: &[u8]) -> usize {
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.iter().enumerate() {
        let mut next = vec![i + 1];
        for (y, window) in b.iter().zip(row.windows(2)) {
            let [diagonal, above] = window else { continue };
            let left = next.last().copied().unwrap_or(0);
            next.push((diagonal + usize::from(x != y)).min(above + 1).min(left + 1));
        }
        row = next;
    }
    row.last().copied().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_ratio_is_read_as_written() {
        let shown = |text| Ratio::parse(text).map(|ratio| ratio.show());
        for (text, wanted) in [("0.5", "0.5"), ("1", "1.0"), (".01", "0.01"), ("0", "0.0"), ("0.1234567", "0.123456")] {
            assert_eq!(shown(text).as_deref(), Some(wanted), "{text}");
        }
        for wrong in ["", ".", "1.1", "-0.5", "half", "1e-2"] {
            assert_eq!(shown(wrong), None, "{wrong}");
        }
        let half = Ratio::from_ppm(500_000);
        assert!(half.is_exceeded_by(51, 100) && !half.is_exceeded_by(50, 100) && !half.is_exceeded_by(0, 0));
    }

    #[test]
    fn a_list_is_words_between_commas() {
        let list = List::from("compact, delete");
        assert!(list.has("compact") && list.has("delete") && !list.has("comp"));
        assert_eq!(list.show(), "compact,delete");
        assert_eq!(List::from("").iter().count(), 0);
    }
}
