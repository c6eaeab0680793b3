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
    /// It is shown but cannot be changed.
    #[error("{name} cannot be set in this version; see docs/deviations.md")]
    Fixed {
        /// The setting.
        name: &'static str,
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
