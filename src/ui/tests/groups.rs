//! The Groups screens.

use super::{Explorer, Msg, Outcome, fixture, view};
use crate::app::effect::Purpose;
use crate::model::overlay::FormKind;
use crate::session::action::{Cut, Decoded, OffsetChange};
use crate::session::snapshot::TopicPartition;
use crate::theme::{Depth, Signs, Terminal};

pictures! {
    groups: Explorer::of(fixture::many_groups()).press("4");
    groups_of_an_empty_cluster: Explorer::of(fixture::empty()).press("4");
    a_group: Explorer::of(fixture::calm()).press("4 Enter");
    a_group_in_a_rebalance: Explorer::of(fixture::rebalance()).press("4 Enter");
    a_group_that_reconciles: Explorer::of(fixture::reconciling()).press("4 Enter");
    a_group_that_lost_records: Explorer::of(fixture::uneven()).press("4 Enter");
    a_group_with_an_idle_member: Explorer::of(fixture::many_groups()).press("4 g g Enter");
    a_group_of_clients_outside: Explorer::of(fixture::many_groups()).press("4 g g j Enter");
    a_group_without_members: Explorer::of(fixture::many_groups()).press("4 G k Enter");
    a_group_without_a_coordinator: Explorer::of(fixture::many_groups()).press("4 G Enter");
    a_group_with_a_stuck_member: Explorer::of(fixture::stuck()).press("4 Enter");
    a_group_whose_topic_was_deleted: Explorer::of(fixture::bereft()).press("4 Enter");
    a_group_of_thirty: Explorer::of(fixture::crowd()).press("4 Enter j");
    form_to_add_to_both: Explorer::of(fixture::many_groups()).press("4 g g j j Enter V c");
    two_groups: Explorer::of(fixture::many_groups()).press("4 g g j j Enter V");
    form_to_add_a_consumer: Explorer::of(fixture::calm()).press("4 c Tab Tab");
    form_to_reset_offsets: Explorer::of(fixture::many_groups()).press("4 G k o Tab Right Right Right Tab");
    offsets_to_reset: Explorer::of(fixture::many_groups()).press("4 G k o Tab Right Right Tab").type_in("500")
        .press("Enter").shown_what_a_reset_changes(30);
    records_of_groups: words_of_groups();
    a_record_of_a_group: words_of_groups().press("z");
    a_group_explained: Explorer::of(fixture::rebalance()).press("4 i");
    a_member_explained: Explorer::of(fixture::rebalance()).press("4 Enter j j i");
    a_partition_of_a_group_explained: Explorer::of(fixture::rebalance()).press("4 Enter Tab j i");
}

#[test]
fn in_the_smallest_terminal_the_point_the_phase_and_the_lag_are_there() {
    let (width, height) = view::SMALLEST;
    let screen = Explorer::of(fixture::rebalance()).press("4 Enter").screen(width, height);
    for words in ["dashboard", "PreparingRebalance", "7 of 10 partitions", "lag"] {
        assert!(screen.contains(words), "{words}:\n{screen}");
    }
    insta::assert_snapshot!("a_group_60x15", screen);
}

#[test]
fn without_colour_and_unicode_a_rebalance_can_still_be_read() {
    let terminal = Terminal { depth: Depth::Mono, signs: Signs::Ascii };
    let screen = Explorer::of(fixture::rebalance()).press("4 Enter").screen_in(160, 48, terminal);
    insta::assert_snapshot!("a_group_in_ascii", screen);
}

impl Explorer {
    /// The answer to a reset that is only to be shown: of so many partitions, every third cut.
    fn shown_what_a_reset_changes(mut self, partitions: i32) -> Self {
        let change = |partition: i32| OffsetChange {
            at: TopicPartition { topic: "trucks_gps".into(), partition },
            before: Some(i64::from(partition) * 100),
            after: if partition % 3 == 1 { 120 } else { 500 },
            cut: (partition % 3 == 1).then_some(Cut::End),
        };
        let purpose = Purpose::Form(FormKind::ResetOffsets);
        self.tell(Msg::Answer(purpose, Outcome::Offsets((0..partitions).map(change).collect())));
        self
    }
}

#[test]
fn a_question_with_more_consequences_than_rows_still_shows_its_answers() {
    let mut explorer = Explorer::of(fixture::many_groups()).press("4 G k o Enter").shown_what_a_reset_changes(100);
    for (width, height) in [(60, 15), (80, 24), (160, 48)] {
        let screen = explorer.screen(width, height);
        for words in ["Reset 99 offsets of reports?", "y yes", "… and "] {
            assert!(screen.contains(words), "{words} at {width}x{height}:\n{screen}");
        }
    }
}

#[test]
fn a_form_in_the_smallest_terminal_scrolls_with_its_focus_and_says_what_is_out_of_sight() {
    let (width, height) = view::SMALLEST;
    let mut explorer = Explorer::of(fixture::calm()).press("4 c");
    let names = ["group", "topics", "protocol", "assignor", "commits", "work on a record", "instance id", "begins at"];
    for (at, name) in names.iter().enumerate() {
        let screen = explorer.screen(width, height);
        let shown: Vec<usize> = (0..names.len())
            .filter(|at| screen.lines().any(|line| line.trim_start_matches([' ', '│']).starts_with(names[*at])))
            .collect();
        assert!(shown.contains(&at), "{name} has the focus:\n{screen}");
        let (above, below) = (shown[0], names.len() - 1 - shown[shown.len() - 1]);
        assert_eq!(screen.contains('▴'), above > 0, "{screen}");
        assert_eq!(screen.contains('▾'), below > 0, "{screen}");
        assert!(screen.contains("Enter start it") && screen.contains("Esc close"), "{screen}");
        explorer = explorer.press("Tab");
    }
}

#[test]
fn the_times_that_a_reset_names_as_examples_are_times_for_it() {
    let mut explorer = Explorer::of(fixture::many_groups()).press("4 G k o Tab Right Right Right Tab");
    let screen = explorer.screen(80, 24);
    let words = screen.split(['│', '\n']).map(str::trim).filter(|row| !row.is_empty()).collect::<Vec<_>>().join(" ");
    let (_, examples) = words.split_once("start): ").expect("examples");
    let (examples, _) = examples.split_once('.').expect("they end");
    assert_eq!(examples.split(", ").count(), 3);
    for example in examples.split(", ") {
        let mut explorer = Explorer::of(fixture::many_groups()).press("4 G k o Tab Right Right Right Tab");
        explorer = explorer.type_in(example).press("Enter");
        let screen = explorer.screen(160, 48);
        assert!(screen.contains("waiting for the answer"), "{example}:\n{screen}");
    }
}

/// The messages of a partition as if they were records of `__consumer_offsets`.
fn words_of_groups() -> Explorer {
    let mut explorer = Explorer::of(fixture::calm()).press("2 Enter Enter k");
    let part = |name: &str, what: &str| (name.into(), what.into());
    let committed = Decoded {
        kind: "offset commit (1)".into(),
        line: "group dashboard: trucks_gps-3 committed 1042, leader epoch 2, 14:03:11.240".into(),
        parts: vec![
            part("group", "dashboard"),
            part("topic", "trucks_gps"),
            part("partition", "3"),
            part("offset", "1042"),
            part("epoch", "2"),
            part("metadata", "none"),
            part("committed", "14:03:11.240, 1767276191240 ms"),
        ],
    };
    let unknown = Decoded {
        kind: "a kind not known here (17)".into(),
        line: "kind 17, not known here: 0011 0001 67 = 0005".into(),
        parts: vec![part("key", "0011 0001 67"), part("value", "0005")],
    };
    for record in &mut explorer.state.model.topics.messages.records {
        let decoded = if record.offset % 3 == 0 { &unknown } else { &committed };
        record.decoded = Some(std::sync::Arc::new(decoded.clone()));
        record.key = Some(std::sync::Arc::from(*b"\0\x01\0\x09dashboard"));
    }
    explorer
}

#[test]
fn no_raw_key_is_shown_where_a_record_is_told_in_words() {
    for (width, height) in [(60, 15), (80, 24), (160, 48)] {
        let screen = words_of_groups().screen(width, height);
        assert!(!screen.contains("\\u{0}"), "{screen}");
        assert!(screen.contains("dashboard: trucks_gps-3 comm"), "{screen}");
    }
}

#[test]
fn at_80_columns_the_keys_that_matter_on_groups_are_told() {
    let hints = |keys: &str, snapshot| {
        let screen = Explorer::of(snapshot).press(keys).screen(80, 24);
        screen.lines().last().unwrap_or_default().to_owned()
    };
    for (keys, snapshot, wanted) in [
        ("4", fixture::calm(), &["Enter open", "c add consumer", "/ filter"][..]),
        ("4 G k", fixture::many_groups(), &["Enter open", "c add consumer", "o reset offsets"]),
        ("4 Enter", fixture::calm(), &["x remove c1", "X crash", "c add consumer", "F stop", "W slow"]),
        ("4 G k Enter", fixture::many_groups(), &["c add consumer", "o reset offsets"]),
    ] {
        let row = hints(keys, snapshot);
        assert!(wanted.iter().all(|hint| row.contains(hint)), "{keys}: {row}");
    }
    assert!(!hints("4 Enter", fixture::calm()).contains("reset"), "it would be refused");
}
