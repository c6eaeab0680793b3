//! What a topic may be called: Kafka's `Topic` class.

/// Where groups keep their offsets.
pub const CONSUMER_OFFSETS: &str = "__consumer_offsets";
/// Where transactions keep their state.
pub const TRANSACTION_STATE: &str = "__transaction_state";
/// The longest name.
pub const MAX_LENGTH: usize = 249;

/// Whether a topic may have this name; `Err` says why not, as Kafka says it.
pub fn validate(name: &str) -> Result<(), String> {
    let legal = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-');
    if name.is_empty() {
        Err("the empty string is not allowed".into())
    } else if name == "." || name == ".." {
        Err("'.' or '..' is not allowed".into())
    } else if name.len() > MAX_LENGTH {
        Err(format!("the length of '{name}' is longer than the max allowed length {MAX_LENGTH}"))
    } else if !name.chars().all(legal) {
        Err(format!("'{name}' contains one or more characters other than ASCII alphanumerics, '.', '_' and '-'"))
    } else {
        Ok(())
    }
}

/// Whether two names would be one where `.` and `_` are (metrics): Kafka refuses the second.
pub fn collide(a: &str, b: &str) -> bool {
    a != b && a.replace('.', "_") == b.replace('.', "_")
}

/// Whether a topic is Kafka's own.
pub fn is_internal(name: &str) -> bool {
    matches!(name, CONSUMER_OFFSETS | TRANSACTION_STATE)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_as_kafka_allows_them() {
        for name in ["a", "trucks_gps", "a.b-C_9", &"x".repeat(249)] {
            assert_eq!(validate(name), Ok(()), "{name}");
        }
        for name in ["", ".", "..", "a b", "a/b", "ä", "a\n", &"x".repeat(250)] {
            assert!(validate(name).is_err(), "{name:?}");
        }
    }

    #[test]
    fn a_dot_and_an_underscore_are_one_to_metrics() {
        assert!(collide("a.b", "a_b"));
        assert!(!collide("a.b", "a.b"));
        assert!(!collide("a.b", "a-b"));
    }
}
