//! What an event means: why it happened, what it changed, what it led to.

use crate::session::event::{Event, Severity, kind};
use crate::session::snapshot::Snapshot;
use crate::view::format;
use crate::view::line::Line;
use crate::view::role::Role;
use crate::view::text::safe_str;

use super::page::{Page, story};

/// What kinds of events mean, and the words that help.
const MEANINGS: &[(&str, &str, &[&str])] = &[
    (
        kind::BROKER_KILLED,
        "Its process is gone at once, like kill -9: it could tell nobody. What it wrote stays.",
        &["session", "leader"],
    ),
    (
        kind::BROKER_LOST_POWER,
        "Its process is gone at once, and what its logs had not flushed. Kafka trusts in replicas, not in flushing.",
        &["session", "leader", "in-sync replicas"],
    ),
    (
        kind::BROKER_STARTED,
        "It comes back empty-handed: it must register, follow, and catch up before it counts.",
        &["session", "follower"],
    ),
    (
        kind::SESSION_EXPIRED,
        "No ping came for a whole time-out. Only now does anybody know that the broker is dead.",
        &["session", "ephemeral znode"],
    ),
    (kind::SESSION_OPENED, "From now on pings keep it alive.", &["session"]),
    (kind::EPHEMERAL_GONE, "What said \"I am alive\" went with its session.", &["ephemeral znode", "watch"]),
    (kind::WATCH_FIRED, "Someone had asked to be told of this change, once.", &["watch"]),
    (
        kind::CONTROLLER_TOLD,
        "The controller hears of it and looks which partitions are touched.",
        &["controller", "watch"],
    ),
    (
        kind::CONTROLLER_ELECTED,
        "The first to create /controller is it; the others watch that node.",
        &["controller", "ephemeral znode"],
    ),
    (
        kind::LEADERS_ELECTED,
        "Nobody voted: the controller took the first in each list that lives and is in sync.",
        &["leader", "in-sync replicas", "leader epoch"],
    ),
    (
        kind::FOLLOWS,
        "It was told whom to copy from, and asks each leader for what comes next.",
        &["follower", "leader epoch"],
    ),
    (
        kind::TRUNCATED,
        "Records that no leader of a later epoch has are cut, so that all copies agree again.",
        &["leader epoch", "high watermark"],
    ),
    (kind::RECORDS_SENT_AGAIN, "Clients asked for metadata again and sent what they had kept.", &["acks", "leader"]),
];

/// The page about an event, if it is still in the ring.
pub(super) fn page(snapshot: &Snapshot, id: u64) -> Option<Page> {
    let at = snapshot.events.binary_search_by_key(&id, |event| event.id).ok()?;
    let event = snapshot.events.get(at)?;
    let meaning = MEANINGS.iter().find(|(known, ..)| *known == event.kind.as_ref());
    let because =
        if event.because.is_empty() { String::new() } else { format!("Because: {}. ", safe_str(&event.because)) };
    let plain = format!("{because}{}", meaning.map_or("", |(_, words, _)| words));
    let mood = match event.severity {
        Severity::Bad => Role::Bad,
        Severity::Warning => Role::Warn,
        Severity::Good => Role::Good,
        Severity::Info => Role::Dim,
    };
    let title = Line::of(Role::Strong, "what happened ").with(Role::Dim, format::clock(event.at_us));
    let mut page = Page::new(title, mood, safe_str(&event.text), plain);
    if !event.changes.is_empty() {
        page.section("What changed", "");
        for change in &event.changes {
            let line = Line::of(Role::Dim, safe_str(&change.what))
                .padded(16)
                .with(Role::Dim, format!("{:>8}  ▸ ", safe_str(&change.before)));
            let line = line.with(Role::Strong, safe_str(&change.after)).padded(37);
            page.row(line.with(Role::Text, format!(" {}", safe_str(&change.meaning))));
        }
    }
    page.led_here(&story(snapshot, 6, |other| other.id == id));
    let led: Vec<&Event> = snapshot.events.iter().filter(|other| other.cause_event == Some(id)).collect();
    if !led.is_empty() {
        page.section("What it led to", "");
        for other in led.iter().take(6) {
            let after = other.at_us.saturating_sub(event.at_us) / 1000;
            let line = Line::of(Role::Dim, format!("{:>10}  ", format!("+ {}.{:03} s", after / 1000, after % 1000)));
            page.row(line.with(Role::Strong, safe_str(&other.text)));
        }
    }
    if let Some((.., words)) = meaning {
        page.words(words);
    }
    Some(page)
}

#[cfg(test)]
pub(super) fn words() -> impl Iterator<Item = &'static str> {
    MEANINGS.iter().flat_map(|(.., words)| words.iter().copied())
}
