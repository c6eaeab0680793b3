//! The explorer's screens as text, at the two sizes that matter most, and every screen at every size.

use std::sync::Arc;

use ratatui::Terminal;
use ratatui::backend::TestBackend;

use super::draw;
use crate::app::command;
use crate::app::keymap::{Code, KeyPress, Keymap};
use crate::app::update::{Msg, State, update};
use crate::model::Model;
use crate::session::action::{Action, Outcome, Position};
use crate::session::fixture;
use crate::session::snapshot::Snapshot;
use crate::theme::{self, Depth, Signs, Theme};
use crate::view;

/// An explorer at the keys of a test: what it asks to read is answered from the fixture.
struct Explorer {
    state: State,
}

impl Explorer {
    fn of(snapshot: Snapshot) -> Self {
        let keymap = Keymap::new(&std::collections::BTreeMap::new()).expect("the table");
        let commands = command::entries(&keymap);
        let themes = Theme::names().map(str::to_owned).collect();
        let model = Model::new(Arc::new(snapshot), commands, themes, "dark".to_owned());
        let mut explorer = Self { state: State::new(model, keymap) };
        explorer.tell(Msg::Resize(160, 48));
        explorer.tell(Msg::Tick);
        explorer.state.model.first_minute = false;
        explorer
    }

    fn tell(&mut self, msg: Msg) {
        let mut waiting = vec![msg];
        while let Some(msg) = waiting.pop() {
            for effect in update(&mut self.state, 1_000, msg) {
                if let crate::app::effect::Effect::Ask(Action::Read(wanted), purpose) = effect {
                    let end = self.state.model.topics.current(&self.state.model.snapshot).map_or(0, |p| p.log_end);
                    let first = match wanted.from {
                        Position::Earliest | Position::Time(_) => 0,
                        Position::Offset(offset) => offset,
                        Position::Tail(count) => end - i64::from(count),
                    };
                    let snapshot = &self.state.model.snapshot;
                    let (topic, count) = (&wanted.topic, wanted.max_records);
                    let records = fixture::records(snapshot, topic, wanted.partition, first, count);
                    waiting.push(Msg::Answer(purpose, Outcome::Records(records)));
                }
            }
        }
    }

    fn press(mut self, keys: &str) -> Self {
        for key in keys.split_whitespace() {
            self.tell(Msg::Key(key.parse().expect("a key")));
        }
        self
    }

    fn type_in(mut self, text: &str) -> Self {
        for c in text.chars() {
            self.tell(Msg::Key(KeyPress::plain(Code::Char(c))));
        }
        self
    }

    fn screen(&mut self, width: u16, height: u16) -> String {
        self.screen_in(width, height, theme::Terminal::default())
    }

    fn screen_in(&mut self, width: u16, height: u16, terminal: theme::Terminal) -> String {
        self.tell(Msg::Resize(width, height));
        let view = view::project(&self.state.model);
        let theme = Theme::built_in("dark", terminal).expect("a theme");
        let mut terminal = Terminal::new(TestBackend::new(width, height)).expect("a backend of memory");
        terminal.draw(|frame| draw(frame, &view, &theme)).expect("drawn");
        let buffer = terminal.backend().buffer();
        let row = |y| (0..width).map(|x| buffer[(x, y)].symbol()).collect::<String>().trim_end().to_owned();
        (0..height).map(row).collect::<Vec<_>>().join("\n")
    }
}

/// The ways to everything that can be on the screen.
fn everywhere() -> Vec<(&'static str, Explorer)> {
    let open = |snapshot: Snapshot, keys: &str| Explorer::of(snapshot).press(keys);
    vec![
        ("cluster", open(fixture::killed(), "1")),
        ("cluster of nothing", open(Snapshot::default(), "1")),
        ("topics", open(fixture::elected(), "2")),
        ("topics of nothing", open(fixture::empty(), "2")),
        ("messages", open(fixture::elected(), "2 Enter j Enter k")),
        ("messages elsewhere", open(fixture::twelve_brokers(), "2 Enter Enter")),
        ("one record", open(fixture::elected(), "2 Enter Enter z")),
        ("filter", open(fixture::elected(), "2 Enter /").type_in("key ~ truck-07 and speed < 50")),
        ("brokers", open(fixture::elected(), "3 Enter")),
        ("groups", open(fixture::many_groups(), "4")),
        ("groups of nothing", open(fixture::empty(), "4")),
        ("a group", open(fixture::rebalance(), "4 Enter Tab j")),
        ("a crowd", open(fixture::crowd(), "4 Enter G")),
        ("a topic deleted", open(fixture::bereft(), "4 Enter Tab j")),
        ("a stuck member", open(fixture::stuck(), "4 Enter")),
        ("two groups", open(fixture::many_groups(), "4 Enter V")),
        ("add a consumer", open(fixture::calm(), "c Tab Tab")),
        ("a group explained", open(fixture::rebalance(), "4 Enter i")),
        ("events", open(fixture::elected(), "7 Enter")),
        ("help", open(fixture::calm(), "?")),
        ("palette", open(fixture::calm(), ":").type_in("kill")),
        ("themes", open(fixture::calm(), "T")),
        ("explain", open(fixture::elected(), "i")),
        (
            "produce",
            open(fixture::calm(), "p").type_in("truck-07 with a key that is far too long for the field it is in"),
        ),
        ("new topic", open(fixture::calm(), "t Enter")),
        ("confirm", open(fixture::calm(), "2 Ctrl-D")),
    ]
}

#[test]
fn every_screen_is_drawn_at_every_size() {
    for (name, mut explorer) in everywhere() {
        for width in [0, 1, 2, 5, 20, 59, 60, 61, 79, 80, 100, 110, 119, 120, 130, 160, 200] {
            for height in [0, 1, 2, 3, 8, 14, 15, 16, 20, 24, 30, 34, 38, 48, 60] {
                let screen = explorer.screen(width, height);
                let enough = width >= view::SMALLEST.0 && height >= view::SMALLEST.1;
                assert_eq!(screen.contains("LAB") || screen.contains("LIVE"), enough, "{name} at {width}x{height}");
            }
        }
    }
}

#[test]
fn a_long_answer_is_whole_in_its_form() {
    let mut explorer = Explorer::of(fixture::calm()).press("t");
    let end = "and this is its end";
    let long = format!("INVALID_REPLICATION_FACTOR (38): more replicas were asked for than brokers are there, {end}");
    let Some(crate::model::overlay::Overlay::Form(form)) = explorer.state.model.overlays.last_mut() else {
        panic!("the form is open")
    };
    form.state = crate::model::overlay::FormState::Failed(long);
    for (width, height) in [(80, 24), (60, 15)] {
        let screen = explorer.screen(width, height);
        let words: Vec<&str> =
            screen.split(|c: char| c.is_whitespace() || c == '│').filter(|w| !w.is_empty()).collect();
        assert!(words.join(" ").contains(end), "{screen}");
        assert!(screen.contains("Esc close"), "{screen}");
    }
}

#[test]
fn a_notice_moves_nothing() {
    for (keys, width, height) in [("1", 160, 48), ("1", 80, 24), ("7 Enter", 160, 48), ("2", 80, 24)] {
        let mut explorer = Explorer::of(fixture::elected()).press(keys);
        let before = explorer.screen(width, height);
        explorer.state.model.tell("a notice", false);
        let after = explorer.screen(width, height);
        let told = usize::from(height) - 2;
        for (at, (before, after)) in before.lines().zip(after.lines()).enumerate() {
            assert_eq!(before == after, at != told, "row {at} of {keys} at {width}x{height}");
        }
    }
}

#[test]
fn nothing_but_ascii_is_drawn_where_there_is_no_unicode() {
    let terminal = theme::Terminal { depth: Depth::Mono, signs: Signs::Ascii };
    for (name, mut explorer) in everywhere() {
        for (width, height) in [(80, 24), (160, 48)] {
            let screen = explorer.screen_in(width, height, terminal);
            let other: String = screen.chars().filter(|c| !c.is_ascii()).collect();
            assert!(other.is_empty(), "{name} at {width}x{height} shows {other}");
        }
    }
}

#[test]
fn the_same_model_looks_the_same() {
    let explorer = Explorer::of(fixture::elected()).press("2 Enter");
    assert!(view::project(&explorer.state.model) == view::project(&explorer.state.model.clone()));
}

#[test]
fn hostile_text_stays_in_its_place() {
    let mut snapshot = fixture::calm();
    snapshot.name = "\u{1b}[2J\u{202e}evil".into();
    let mut explorer = Explorer::of(snapshot).press("2 Enter");
    for record in &mut explorer.state.model.topics.messages.records {
        record.key = Some(Arc::from("\u{1b}]0;gotcha\u{7}\u{9b}31m\u{200f}".as_bytes()));
        record.value = Some(Arc::from([0xff, 0x1b, b'[', b'H', 0xe2, 0x80, 0xae, b'\n', 0x00]));
        record.headers = vec![("\u{1b}c".into(), Some(Arc::from([0x9b, 0x1b])))];
    }
    for (width, height) in [(80, 24), (160, 48)] {
        let screen = explorer.screen(width, height);
        let evil = screen.chars().find(|c| (c.is_control() && *c != '\n') || matches!(c, '\u{200f}' | '\u{202e}'));
        assert_eq!(evil, None);
        assert!(screen.contains(r"\u{1b}]0;gotcha\u{7}") || screen.contains(r"\u{1b}]0"), "it is shown, escaped");
    }
}

#[test]
fn why_the_session_ended_is_told_on_any_screen() {
    let why = "the engine failed: index out of bounds. The log is /somewhere/far/away/in/the/state/folder/kscope.log.";
    for keys in ["1", "2", "7", "F5"] {
        let mut explorer = Explorer::of(fixture::calm()).press(keys);
        explorer.tell(Msg::Ended(why.into()));
        for (width, height) in [(80, 24), (160, 48)] {
            let screen = explorer.screen(width, height);
            assert!(screen.to_lowercase().contains("the engine failed"), "{keys} at {width}x{height}:\n{screen}");
        }
    }
}

/// Snapshots of a screen at both sizes.
macro_rules! pictures {
    ($($name:ident: $explorer:expr;)+) => {$(
        #[test]
        fn $name() {
            let mut explorer = $explorer;
            for (width, height) in [(80, 24), (160, 48)] {
                let name = format!("{}_{width}x{height}", stringify!($name));
                insta::assert_snapshot!(name, explorer.screen(width, height));
            }
        }
    )+};
}

mod cluster;
mod groups;
mod hostile;
mod news;
mod presenter;

/// Retention has taken two segments of three logs, and is about to take the next.
fn trimmed() -> Snapshot {
    let mut snapshot = fixture::calm();
    let trucks = Arc::make_mut(&mut snapshot.topics).get_mut("trucks_gps").expect("the stage has it");
    trucks.retention_ms = 30_000;
    for partition in trucks.partitions.iter_mut().take(3).map(Arc::make_mut) {
        partition.log_start = 2_000;
        partition.size_bytes -= 2_000 * 96;
        partition.segments.drain(..2);
        partition.copies.values_mut().for_each(|copy| copy.log_start = 2_000);
    }
    snapshot
}

pictures! {
    topics: Explorer::of(fixture::elected()).press("2");
    topics_of_an_empty_cluster: Explorer::of(fixture::empty()).press("2");
    messages: Explorer::of(fixture::elected()).press("2 Enter j");
    messages_held: Explorer::of(fixture::killed()).press("2 Enter Enter");
    messages_without_a_leader: Explorer::of(fixture::killed()).press("2 Enter j");
    messages_filtered: Explorer::of(fixture::calm()).press("2 Enter /").type_in("key ~ truck-07");
    one_record_in_bytes: Explorer::of(fixture::calm()).press("2 Enter v v Enter Enter");
    help: Explorer::of(fixture::calm()).press("?");
    palette: Explorer::of(fixture::calm()).press(":").type_in("topic");
    themes: Explorer::of(fixture::calm()).press("T j");
    topics_whose_oldest_records_went: Explorer::of(trimmed()).press("2");
    a_log_whose_oldest_segments_went: Explorer::of(trimmed()).press("2 Enter");
    form_to_produce: Explorer::of(fixture::calm()).press("p").type_in("truck-07").press("Tab Tab Tab");
    form_to_create_a_topic: Explorer::of(fixture::calm()).press("t").type_in("no blanks").press("Enter");
    form_with_two_settings_on_a_line:
        Explorer::of(fixture::calm()).press("t").type_in("fleet").press("Tab Tab Tab")
            .type_in("retention.ms=60000 segment.bytes=1000").press("Enter");
    form_to_change_a_topic: Explorer::of(fixture::calm()).press("2 e");
    a_topic_to_delete: Explorer::of(fixture::calm()).press("2 Ctrl-D");
}
