//! What a topic's setting can be, and what is wrong with one that was typed. A broker has the last word: what is let through
//! here it may refuse.

use crate::session::snapshot::TopicSetting;
use crate::view::format::{bytes, duration_ms};

use super::form::pairs;

/// What a setting takes, in words.
pub(super) fn allowed(setting: &TopicSetting) -> String {
    let several = if *setting.kind == *"LIST" { " (several with commas)" } else { "" };
    match (&*setting.kind, setting.least) {
        _ if !setting.choices.is_empty() => format!("{}{several}", setting.choices.join(" or ")),
        ("BOOLEAN", _) => "true or false".to_owned(),
        ("DOUBLE", _) => "a number from 0 to 1".to_owned(),
        ("INT", least) => format!("a number from {} to {}", least.unwrap_or(i32::MIN.into()), i32::MAX),
        ("LONG", Some(least)) => format!("a number from {least}"),
        ("LONG", None) => "a number".to_owned(),
        _ => "any text".to_owned(),
    }
}

/// What a topic has that does not set it: the value, what it comes to, and where its brokers have it from.
pub(super) fn inherited(setting: &TopicSetting) -> String {
    let TopicSetting { name, inherited, source, .. } = setting;
    let number = inherited.parse::<i64>().ok();
    let comes_to = match (number, number.and_then(|number| u64::try_from(number).ok())) {
        // Kafka's largest number says never; nobody can read it.
        (Some(i64::MAX), _) => return format!("no limit ({source})"),
        (Some(-1), _) => "no limit".to_owned(),
        (_, Some(ms)) if name.ends_with(".ms") && ms >= 1_000 => duration_ms(ms),
        (_, Some(size)) if name.ends_with(".bytes") && size >= 1_024 => bytes(size),
        _ => return format!("{inherited} ({source})"),
    };
    format!("{inherited} = {comes_to} ({source})")
}

/// Whether `name` can be `value`; what is not known here is for a broker to judge.
///
/// # Errors
/// What the setting takes instead, with its name.
pub(super) fn valid(known: &[TopicSetting], name: &str, value: &str) -> Result<(), String> {
    let Some(setting) = known.iter().find(|setting| *setting.name == *name) else { return Ok(()) };
    let is_choice = |word: &str| setting.choices.iter().any(|choice| **choice == *word.trim());
    let at_least = |number: i64| setting.least.is_none_or(|least| number >= least);
    let fits = match &*setting.kind {
        "LIST" if !setting.choices.is_empty() => value.split(',').all(is_choice),
        _ if !setting.choices.is_empty() => is_choice(value),
        "BOOLEAN" => matches!(value, "true" | "false"),
        "DOUBLE" => value.parse::<f64>().is_ok_and(|part| (0.0..=1.0).contains(&part)),
        "INT" => value.parse::<i32>().is_ok_and(|number| at_least(number.into())),
        "LONG" => value.parse::<i64>().is_ok_and(at_least),
        _ => true,
    };
    if fits { Ok(()) } else { Err(format!("{name} takes {}", allowed(setting))) }
}

/// Settings from lines of `name=value`, one on each.
///
/// # Errors
/// What is wrong with the first line that is wrong: where a second setting begins, or what its setting takes.
pub(super) fn lines(text: &str, known: &[TopicSetting]) -> Result<Vec<(String, String)>, String> {
    if let Some(second) = text.lines().find_map(|line| second_in(line, known)) {
        return Err(format!("one setting on a line: the second begins at {second}; Alt-Enter before it"));
    }
    let settings = pairs(text)?;
    settings.iter().try_for_each(|(name, value)| valid(known, name, value))?;
    Ok(settings)
}

/// The name of the second setting in a line; no value of a topic's setting has a `=`.
fn second_in<'a>(line: &'a str, known: &[TopicSetting]) -> Option<&'a str> {
    let (_, rest) = line.split_once('=')?;
    let (before, _) = rest.split_once('=')?;
    let before = before.trim_end();
    // They may stick together without as much as a blank between: then the name that is known says where.
    let names = known.iter().filter(|setting| before.ends_with(&*setting.name)).map(|setting| setting.name.len());
    let word = before.rfind(|c: char| c.is_whitespace() || matches!(c, ',' | ';')).map_or(0, |at| at + 1);
    let start = names.max().map_or(word, |length| before.len() - length);
    before.get(start..)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::session::fixture;

    #[test]
    fn a_second_setting_on_a_line_is_named() {
        let known = fixture::calm().topic_settings;
        for (line, second) in [
            ("retention.ms=60000 segment.bytes=1000", "segment.bytes"),
            ("retention.ms=60000segment.bytes=1000", "segment.bytes"),
            ("retention.ms=60000, some.other = 5", "some.other"),
        ] {
            let wrong = lines(line, &known).unwrap_err();
            assert!(wrong.contains(&format!("begins at {second};")), "{line}: {wrong}");
        }
        let two = lines("retention.ms = 60000\n\n cleanup.policy=compact,delete\n", &known).unwrap();
        assert_eq!(two.len(), 2);
    }

    #[test]
    fn what_a_setting_takes_is_said_with_its_name() {
        let known = fixture::calm().topic_settings;
        let wrong = |line: &str| lines(line, &known).unwrap_err();
        assert_eq!(wrong("segment.bytes=13"), "segment.bytes takes a number from 14 to 2147483647");
        assert_eq!(wrong("segment.bytes=2147483648"), "segment.bytes takes a number from 14 to 2147483647");
        assert_eq!(wrong("retention.ms=a week"), "retention.ms takes a number from -1");
        assert_eq!(wrong("cleanup.policy=compact,x"), "cleanup.policy takes compact or delete (several with commas)");
        assert_eq!(wrong("min.cleanable.dirty.ratio=1.5"), "min.cleanable.dirty.ratio takes a number from 0 to 1");
        assert_eq!(wrong("unclean.leader.election.enable=yes"), "unclean.leader.election.enable takes true or false");
        assert_eq!(wrong("nonsense"), "'nonsense' is not name=value");
        assert!(lines("what.nobody.knows=5", &known).is_ok(), "a broker says what it thinks of it");
    }
}
