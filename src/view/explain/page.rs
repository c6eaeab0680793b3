//! A page of explanation: a sentence that says the point, then sections. Every page is built of the same few kinds of rows.

use crate::session::event::Event;
use crate::session::snapshot::Snapshot;
use crate::view::cluster::sign_of;
use crate::view::format;
use crate::view::line::{self, Line};
use crate::view::role::Role;
use crate::view::text::safe_str;

/// A row: words from the left, and words that end at the right edge.
#[derive(Clone, Debug, Default)]
pub(super) struct Row {
    pub(super) left: Line,
    pub(super) right: Line,
}

impl From<Line> for Row {
    fn from(left: Line) -> Self {
        Self { left, right: Line::default() }
    }
}

/// A section with its title.
#[derive(Clone, Debug, Default)]
struct Section {
    title: &'static str,
    note: String,
    rows: Vec<Row>,
}

/// A page.
#[derive(Clone, Debug, Default)]
pub(super) struct Page {
    /// What it is about, with its state.
    pub(super) title: Line,
    mood: Role,
    bold: String,
    plain: String,
    sections: Vec<Section>,
}

/// Whether something works.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Works {
    Yes,
    AtRisk,
    No,
}

/// Columns of the first word of a row.
const FIRST: usize = 22;

impl Page {
    /// A page about something, in a mood (one of `Good`, `Warn`, `Bad`), with its point in two sentences.
    pub(super) fn new(title: Line, mood: Role, bold: impl Into<String>, plain: impl Into<String>) -> Self {
        Self { title, mood, bold: bold.into(), plain: plain.into(), sections: Vec::new() }
    }

    /// The page about nothing.
    pub(super) fn nothing() -> Self {
        let words = "Select a broker, a topic, a partition or an event first: j and k move, Enter opens.";
        Self::new(Line::of(Role::Strong, "nothing is selected"), Role::Dim, "There is nothing to explain here.", words)
    }

    /// Begins a section.
    pub(super) fn section(&mut self, title: &'static str, note: impl Into<String>) {
        self.sections.push(Section { title, note: note.into(), rows: Vec::new() });
    }

    /// Adds a row to the last section.
    pub(super) fn row(&mut self, row: impl Into<Row>) {
        if let Some(section) = self.sections.last_mut() {
            section.rows.push(row.into());
        }
    }

    /// A fact: what, its value, what it means.
    pub(super) fn fact(&mut self, what: &str, value: impl Into<String>, meaning: &str) {
        let line = Line::of(Role::Dim, what).padded(FIRST).with(Role::Strong, value);
        self.row(if meaning.is_empty() { line } else { line.with(Role::Dim, format!("  {meaning}")) });
    }

    /// Something that works or does not, and why.
    pub(super) fn works(&mut self, works: Works, what: &str, why: impl Into<String>) {
        let (role, sign, word) = match works {
            Works::Yes => (Role::Good, "✓", Role::Strong),
            Works::AtRisk => (Role::Warn, "▲", Role::Warn),
            Works::No => (Role::Bad, "✖", Role::Bad),
        };
        let line = Line::of(role, format!("{sign}  ")).with(word, what).padded(FIRST + 2);
        self.row(line.with(Role::Text, why));
    }

    /// Numbered steps: what happens, and what to expect of it.
    pub(super) fn steps(&mut self, steps: &[(&str, String)]) {
        for (number, (what, words)) in (1..).zip(steps) {
            let line = Line::of(Role::Accent, format!("{number}  ")).with(Role::Strong, *what).padded(FIRST + 2);
            self.row(line.with(Role::Dim, words.as_str()));
        }
    }

    /// The last section: words and what they mean.
    pub(super) fn words(&mut self, words: &[&str]) {
        self.section("Words", "");
        for word in words {
            let Some((_, meaning)) = WORDS.iter().find(|(known, _)| known == word) else { continue };
            self.row(Line::of(Role::Dim, *word).padded(FIRST).with(Role::Dim, *meaning));
        }
    }

    /// The events that led here, oldest first: each with the time since the first.
    pub(super) fn led_here(&mut self, events: &[&Event]) {
        let Some(first) = events.first() else { return };
        self.section("What led here", "");
        for event in events {
            let after = event.at_us.saturating_sub(first.at_us) / 1000;
            let begins = after == 0 && event.id == first.id;
            let time =
                if begins { format::clock(event.at_us) } else { format!("+ {}.{:03} s", after / 1000, after % 1000) };
            let (role, sign) = sign_of(event);
            let left = Line::of(Role::Dim, format!("{time:>12}  "))
                .with(role, format!("{sign} "))
                .with(Role::Strong, safe_str(&event.text));
            self.row(Row { left, right: Line::of(Role::Dim, format!(" {}", safe_str(&event.because))) });
        }
    }

    /// All rows for a box whose lines are `width` columns wide.
    pub(super) fn rows(&self, width: u16) -> Vec<Row> {
        let bar = |line: Line| {
            Row::from(Line { spans: Line::of(self.mood, "▌ ").spans.into_iter().chain(line.spans).collect() })
        };
        let wide = usize::from(width);
        let mut rows = vec![Row::default(), bar(Line::of(Role::Strong, self.bold.as_str()))];
        rows.extend(wrap(&self.plain, width.saturating_sub(2)).into_iter().map(|text| bar(Line::of(Role::Text, text))));
        for section in &self.sections {
            let mut title = Line::of(Role::Title, section.title);
            if !section.note.is_empty() {
                title = title.with(Role::Faint, format!("  {}", section.note));
            }
            let rest = wide.saturating_sub(title.width() + 1);
            rows.extend([Row::default(), title.with(Role::Rule, format!(" {}", "─".repeat(rest))).into()]);
            rows.extend(section.rows.iter().map(|row| fit(row, wide)));
        }
        rows
    }
}

/// A row in which both sides have room: the right one goes first.
fn fit(row: &Row, width: usize) -> Row {
    if row.left.width() + row.right.width() > width { row.left.clone().cut(width).into() } else { row.clone() }
}

/// Text in lines of at most `width` columns, broken between words.
fn wrap(text: &str, width: u16) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for word in text.split_whitespace() {
        match lines.last_mut().filter(|line| line::columns(line).saturating_add(line::columns(word)) < width) {
            Some(line) => {
                line.push(' ');
                line.push_str(word);
            }
            None => lines.push(word.to_owned()),
        }
    }
    lines
}

/// The newest story in which `about` holds: its events from the first cause on, oldest first, at most `most`.
pub(super) fn story(snapshot: &Snapshot, most: usize, about: impl Fn(&Event) -> bool) -> Vec<&Event> {
    let Some(mut event) = snapshot.events.iter().rev().find(|event| about(event)) else { return Vec::new() };
    let mut chain = vec![event];
    while let Some(cause) = event.cause_event {
        let Ok(at) = snapshot.events.binary_search_by_key(&cause, |event| event.id) else { break };
        let Some(found) = snapshot.events.get(at) else { break };
        event = found;
        chain.push(event);
    }
    chain.reverse();
    if chain.len() > most {
        // The beginning and the end of a long story.
        let tail = chain.split_off(chain.len() - (most - 1));
        chain.truncate(1);
        chain.extend(tail);
    }
    chain
}

/// Kafka's words, in the words of someone who explains it in a hall.
const WORDS: &[(&str, &str)] = &[
    ("leader", "the one copy of a partition that takes all writes and serves reads."),
    ("follower", "a copy that fetches from the leader what it does not have yet."),
    ("in-sync replicas", "the copies that keep up with the leader; one of them leads next."),
    ("high watermark", "how far all in-sync copies have got; consumers read up to there."),
    ("log end", "the offset that the next record will get."),
    ("leader epoch", "counts the leaders of a partition; who speaks with an old one is refused."),
    ("controller", "the broker that chooses leaders when brokers come and go."),
    ("session", "a broker pings ZooKeeper; when it is silent for too long, its session ends."),
    ("ephemeral znode", "a node in ZooKeeper that lives as long as a session: here, \"I am alive\"."),
    ("preferred leader", "the first in the list of copies; it leads when all is well."),
    ("acks", "how many copies must have a record before it is acknowledged: 0, 1 or all."),
    ("min.insync.replicas", "with fewer copies in sync, writes with acks=all are refused."),
    ("offset", "a record's number in its partition: 0, 1, 2, without gaps for readers to fear."),
    ("group", "consumers that share the partitions of their topics: each has one reader in the group."),
    ("coordinator", "the broker that leads the group's partition of __consumer_offsets: it keeps its state."),
    ("generation", "counts the times that the members have met; who speaks with an old one is refused."),
    ("rebalance", "the members meet again, because one came, left or fell silent, and share out anew."),
    ("eager", "who joins again gives up all it had first: nothing is read until all are back."),
    ("cooperative", "who joins again keeps what it has; in a second round only what moves is handed over."),
    ("committed offset", "where the group goes on after a crash: what it has said that it is done with."),
    ("lag", "what can be read and is not done yet: log end minus committed offset."),
    ("heartbeat", "a member says that it lives; silent for session.timeout.ms, it is taken for dead."),
    ("watch", "asks ZooKeeper to tell once when a node changes; this is how the controller hears."),
];

#[cfg(test)]
pub(super) fn knows(word: &str) -> bool {
    WORDS.iter().any(|(known, _)| *known == word)
}
