//! `docs/settings.md` is made from the tables of the code and compared. `UPDATE_DOCS=1 cargo test --test settings` writes
//! it anew.

#![expect(clippy::expect_used, reason = "a test fails by panicking")]

use std::fmt::Write as _;

use kscope::engine::settings::{self, Definition, Settings, refused};
use kscope::engine::topic_settings::{self, TopicDefinition};

const PATH: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/settings.md");

const HEAD: &str = "\
# Settings

Under Kafka's own names and with Kafka's own defaults (`--pace kafka`). A setting is implemented, or shown with its true
value and not to be changed, or refused with a reason: none is accepted and ignored.

- `--set KEY=VALUE` gives brokers a setting when they start.
- `kafka-configs --alter --entity-type brokers --entity-name 1` (or `--entity-default`) changes one while they run, where
  the column \"while it runs\" says so.
- `kafka-configs --alter --entity-type topics --entity-name t`, `kafka-topics --create --config`, `e` and `t` on the screen
  give a topic its own.

This page is made from the tables in `src/engine/settings.rs` and `src/engine/topic_settings.rs`.

## Brokers

Where the column `--pace lab` has a value, that is the default of the default pace.

| setting | type | Kafka's default | `--pace lab` | allowed | per topic | while it runs | what |
| --- | --- | --- | --- | --- | --- | --- | --- |
";

const TOPICS: &str = "
## Topics

What a topic does not set it has from its broker, under the name in the third column.

| setting | type | of the broker | allowed | what |
| --- | --- | --- | --- | --- |
";

const REFUSED: &str = "
## Refused

What Kafka 3.9 has and the lab has not: setting it is an error (INVALID_CONFIG), not a wish that nobody hears. A broker
setting that stands neither above nor here is refused too.
";

#[test]
fn the_page_is_made_from_the_tables() {
    let made = page();
    if std::env::var_os("UPDATE_DOCS").is_some() {
        std::fs::write(PATH, &made).expect("docs can be written");
    }
    let committed = std::fs::read_to_string(PATH).expect("docs/settings.md is there");
    assert!(committed == made, "docs/settings.md is not what the tables say: UPDATE_DOCS=1 cargo test --test settings");
}

fn page() -> String {
    let mut page = HEAD.to_owned();
    let mut rows: Vec<&Definition> = settings::TABLE.iter().collect();
    rows.sort_by_key(|row| row.name.to_lowercase());
    for row in rows {
        line(&mut page, &broker(row));
    }
    page.push_str(TOPICS);
    for row in topic_settings::TABLE {
        line(&mut page, &topic(row));
    }
    page.push_str(REFUSED);
    for (whose, list) in [("topic", refused::TOPIC), ("broker", refused::BROKER)] {
        line_head(&mut page, whose);
        for (name, why) in list {
            line(&mut page, &[format!("`{name}`"), (*why).to_owned()]);
        }
    }
    page
}

fn line_head(page: &mut String, whose: &str) {
    write!(page, "\n| {whose} setting | why |\n| --- | --- |\n").expect("a string grows");
}

fn line(page: &mut String, cells: &[String]) {
    writeln!(page, "| {} |", cells.join(" | ")).expect("a string grows");
}

fn broker(row: &Definition) -> [String; 8] {
    let (kafka, lab) = (Settings::default().get(row.name), Settings::lab().get(row.name));
    let shortened = if kafka == lab { String::new() } else { lab.unwrap_or_default() };
    let while_it_runs = if row.is_dynamic() { "yes" } else { "" };
    [
        format!("`{}`", row.name),
        row.kind.to_owned(),
        kafka.unwrap_or_default(),
        shortened,
        allowed(row.allowed),
        row.topic_name.map(|name| format!("`{name}`")).unwrap_or_default(),
        while_it_runs.to_owned(),
        doc(row.doc),
    ]
}

fn topic(row: &TopicDefinition) -> [String; 5] {
    [
        format!("`{}`", row.name),
        row.kind.to_owned(),
        format!("`{}`", row.broker_name),
        allowed(row.allowed),
        doc(row.doc),
    ]
}

/// `1..`, `-1..`, or the words that are allowed.
fn allowed(range: &str) -> String {
    match range.strip_prefix('[').and_then(|words| words.strip_suffix(']')) {
        Some(words) => words.replace('"', "`"),
        None if range.is_empty() => String::new(),
        None => format!("`{}`", range.replace("_i16", "").replace(' ', "")),
    }
}

/// A doc comment as one line.
fn doc(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}
