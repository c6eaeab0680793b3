//! Names that are longer, wider or stranger than any screen would like, and more groups than any list has rows.

use std::sync::Arc;

use super::*;
use crate::session::snapshot::Group;

/// The longest name that Kafka lets a topic have, in characters.
const LONGEST: usize = 249;

/// A group id as Kafka takes it: anything at all.
const IDS: [&str; 6] = [
    "",
    "\u{1f69a}\u{1f69a} livraison d'été — 日本語のグループ名はとても長い",
    "\u{202e}drawkcab\u{2066}",
    "\u{1b}[2J\u{7}\u{9b}31m",
    "👩‍👩‍👧‍👦👩‍👩‍👧‍👦👩‍👩‍👧‍👦👩‍👩‍👧‍👦",
    "a\u{301}e\u{301}\u{301}\u{301}\u{301}\u{301}",
];

/// The calm cluster's group under every one of those names, with a member that is called so too; all read a topic with the
/// longest name.
fn hostile() -> Snapshot {
    let mut snapshot = fixture::calm();
    let long: Arc<str> = "x".repeat(LONGEST).into();
    let topics = Arc::make_mut(&mut snapshot.topics);
    let mut trucks = topics["trucks_gps"].clone();
    trucks.name = Arc::clone(&long);
    topics.insert(Arc::clone(&long), trucks);
    let groups = Arc::make_mut(&mut snapshot.groups);
    let model = Arc::clone(&groups["dashboard"]);
    for id in IDS.into_iter().map(str::to_owned).chain(["y".repeat(300)]) {
        let id: Arc<str> = id.into();
        groups.insert(Arc::clone(&id), Arc::new(renamed(&model, &id, &long)));
    }
    snapshot
}

fn renamed(model: &Group, id: &Arc<str>, topic: &Arc<str>) -> Group {
    let mut group = model.clone();
    (group.id, group.topics) = (Arc::clone(id), vec![Arc::clone(topic)]);
    for partition in &mut group.partitions {
        partition.at.topic = Arc::clone(topic);
    }
    for member in &mut group.members {
        member.client_id = Arc::clone(id);
        member.instance_id = Some(Arc::clone(id));
        for at in
            member.before.iter_mut().chain(member.after.iter_mut().flatten()).chain(member.reads.iter_mut().flatten())
        {
            at.topic = Arc::clone(topic);
        }
    }
    group
}

#[test]
fn strange_names_stay_in_their_place_on_every_screen_of_groups() {
    let ways = ["1", "2", "4", "4 Enter", "4 Enter V", "4 Enter i", "4 c", "4 o", "4 Enter Tab i"];
    for way in ways {
        for at in 0..=IDS.len() {
            let down = "j ".repeat(at);
            let way = way.replacen('4', &format!("4 g g {down}"), 1);
            let mut explorer = Explorer::of(hostile()).press(&way);
            for (width, height) in [(60, 15), (80, 24), (160, 48)] {
                let screen = explorer.screen(width, height);
                let evil = screen.chars().find(|c| *c != '\n' && view::text::is_unsafe(*c));
                assert_eq!(evil, None, "{way} at {width}x{height}:\n{screen}");
                assert!(screen.contains("LAB"), "{way} at {width}x{height}:\n{screen}");
            }
        }
    }
}

#[test]
fn what_would_be_reset_keeps_its_figures_beside_the_longest_name() {
    let mut snapshot = hostile();
    let groups = Arc::make_mut(&mut snapshot.groups);
    let mut group = Group::clone(&groups[""]);
    group.members.clear();
    group.member_count = 0;
    groups.insert("".into(), Arc::new(group));
    let mut explorer = Explorer::of(snapshot).press("4 g g o Enter");
    let change = crate::session::action::OffsetChange {
        at: crate::session::snapshot::TopicPartition { topic: "x".repeat(LONGEST).into(), partition: 17 },
        before: Some(1_234_567),
        after: 0,
        cut: None,
    };
    let purpose = crate::app::effect::Purpose::Form(crate::model::overlay::FormKind::ResetOffsets);
    explorer.tell(Msg::Answer(purpose, Outcome::Offsets(vec![change])));
    for (width, height) in [(60, 15), (80, 24)] {
        let screen = explorer.screen(width, height);
        for words in ["…-17", "1,234,567", "y yes"] {
            assert!(screen.contains(words), "{words} at {width}x{height}:\n{screen}");
        }
    }
}

#[test]
fn of_a_thousand_groups_the_selected_one_is_on_the_screen() {
    let mut snapshot = fixture::calm();
    let groups = Arc::make_mut(&mut snapshot.groups);
    let model = Arc::clone(&groups["dashboard"]);
    for at in 0..1_000 {
        let id: Arc<str> = format!("group-{at:04}").into();
        let mut group = Group::clone(&model);
        group.id = Arc::clone(&id);
        groups.insert(id, Arc::new(group));
    }
    for (keys, wanted) in [("4 G", "group-0999"), ("4 g g", "dashboard"), ("4 G PgUp PgUp k", "group-09")] {
        let mut explorer = Explorer::of(snapshot.clone()).press(keys);
        for (width, height) in [(60, 15), (80, 24), (160, 48)] {
            let screen = explorer.screen(width, height);
            let selected = screen.lines().find(|line| line.starts_with('▌'));
            assert!(selected.is_some_and(|line| line.contains(wanted)), "{keys} at {width}x{height}:\n{screen}");
        }
    }
}

#[test]
fn the_selection_is_told_without_colours() {
    let terminal = theme::Terminal { depth: Depth::Mono, signs: Signs::Ascii };
    for (keys, rows) in [("2 k", "orders"), ("3 j", "broker-2"), ("4", "dashboard"), ("4 Enter j", "c2")] {
        let screen = Explorer::of(fixture::calm()).press(keys).screen_in(80, 24, terminal);
        let marked: Vec<&str> = screen.lines().filter(|line| line.starts_with('>')).collect();
        assert!(marked.iter().any(|line| line.contains(rows)), "{keys}: {marked:?}\n{screen}");
    }
}
