//! The Cluster screen's tests: what each fixture must say.

use std::sync::Arc;

use super::{CellState, ClusterView, Progress, Verdict, project};
use crate::app::{command, keymap::Keymap};
use crate::model::Model;
use crate::session::event::kind;
use crate::session::fixture;
use crate::session::snapshot::Snapshot;
use crate::view::Area;

fn model(snapshot: Snapshot) -> Model {
    let keymap = Keymap::new(&std::collections::BTreeMap::new()).unwrap();
    let mut model = Model::new(Arc::new(snapshot), command::entries(&keymap), Vec::new(), "dark".into());
    model.first_minute = false;
    model
}

fn at(snapshot: Snapshot, width: u16, height: u16) -> ClusterView {
    project(&model(snapshot), Area { x: 0, y: 2, width, height: height - 3 })
}

fn wide(snapshot: Snapshot) -> ClusterView {
    at(snapshot, 160, 48)
}

fn count(view: &ClusterView, is: impl Fn(CellState) -> bool) -> usize {
    view.cells.iter().filter(|cell| is(cell.state)).count()
}

fn labels(view: &ClusterView) -> Vec<&str> {
    view.chain.iter().flat_map(|chain| &chain.stations).map(|station| station.label.as_str()).collect()
}

fn says(view: &ClusterView, words: &str) -> bool {
    view.over.iter().any(|placed| placed.line.text().contains(words))
}

#[test]
fn calm_says_nothing_and_every_column_has_one_leader() {
    let view = wide(fixture::calm());
    assert!(view.verdicts.is_empty() && view.chain.is_none());
    assert_eq!(count(&view, |state| state == CellState::Leader), 15);
    assert_eq!(count(&view, |state| state == CellState::Follower), 28);
    assert_eq!(count(&view, |state| state == CellState::Absent), 2);
    let arrows = view.over.iter().filter(|placed| placed.line.text() == "▼").count();
    assert_eq!(arrows, 30, "written above and read below each leader");
}

#[test]
fn a_kill_names_four_leaderless_and_ten_held() {
    let view = wide(fixture::killed());
    let those = |wanted| view.verdicts.iter().filter(|verdict| **verdict == wanted).count();
    assert_eq!((those(Verdict::NoLeader), those(Verdict::Held)), (4, 10));
    assert_eq!(count(&view, |state| state == CellState::Candidate), 8);
    assert_eq!(count(&view, |state| matches!(state, CellState::Dead { .. })), 14);
    assert_eq!(count(&view, |state| state == CellState::Dead { led: true }), 4);
    assert!(says(&view, " DEAD 0.5 s ") && says(&view, "led 4 partitions") && says(&view, "190 held"));
    assert!(says(&view, "ends in 0.7 s"));
}

#[test]
fn what_comes_next_stands_there_before_it_comes() {
    let view = wide(fixture::killed());
    let expected = [
        "broker-2 killed",
        "no ping to ZooKeeper",
        "its session expires",
        "its znode goes",
        "controller told",
        "leaders elected",
        "clients find them",
    ];
    assert_eq!(labels(&view), expected);
    let progress: Vec<Progress> = view.chain.unwrap().stations.iter().map(|station| station.progress).collect();
    assert_eq!(progress[0], Progress::Began(72_204_000));
    assert_eq!(progress[1], Progress::Now { for_us: 500_000, of_us: Some(1_200_000) });
    assert_eq!(progress[2], Progress::ToCome(Some(700_000)));
    assert_eq!(progress[3], Progress::ToCome(None));
}

#[test]
fn an_election_is_white_for_a_second_and_new_for_five() {
    let after = |us: u64| {
        let mut snapshot = fixture::elected();
        snapshot.clock.lab_us += us;
        wide(snapshot)
    };
    let new = |view: &ClusterView, white| count(view, |state| state == CellState::NewLeader { white });
    assert_eq!((new(&after(0), true), new(&after(0), false)), (4, 0));
    assert_eq!((new(&after(1_000_000), true), new(&after(1_000_000), false)), (0, 4));
    assert_eq!(count(&after(5_000_000), |state| state == CellState::Leader), 15);
    assert_eq!(after(0).verdicts.len(), 14);
    assert!(after(0).verdicts.contains(&Verdict::Short { in_sync: 1, of: 2 }));
}

#[test]
fn the_chain_tells_how_long_each_step_took() {
    let view = wide(fixture::elected());
    let stations = view.chain.as_ref().unwrap().stations.clone();
    let took: Vec<u64> = stations
        .iter()
        .filter_map(|station| match station.progress {
            Progress::After(us) => Some(us / 1000),
            _ => None,
        })
        .collect();
    assert_eq!(took, [1_200, 1, 1, 11, 4]);
    assert!(labels(&view).contains(&"4 leaders elected"));
    assert!(says(&view, "+1.200 s") && says(&view, "+11 ms"));
    let mut later = fixture::elected();
    later.clock.lab_us += 31_000_000;
    assert!(wide(later).chain.is_none(), "a story that is over makes room");
}

#[test]
fn catching_up_fills_cells_from_the_left() {
    let view = wide(fixture::catching_up());
    let behind: Vec<_> = view.cells.iter().filter(|cell| matches!(cell.state, CellState::Behind { .. })).collect();
    assert_eq!(behind.len(), 9);
    assert!(behind.windows(2).all(|pair| {
        let lacks = |at: usize| match pair[at].state {
            CellState::Behind { lacks } => lacks,
            _ => 0,
        };
        (lacks(0) <= lacks(1)) == (pair[0].done >= pair[1].done) || pair[0].done == pair[1].done
    }));
    assert!(says(&view, "catching up") && labels(&view).contains(&"copies what it missed"));
    assert!(view.cells.iter().any(|cell| cell.note == "−159"));
}

#[test]
fn slow_motion_names_the_messages_and_lists_them() {
    let view = wide(fixture::slow());
    assert!(says(&view, "● Produce truck-17") && says(&view, "✓ ack 4131") && says(&view, "ping on its way"));
    assert!(says(&view, "key truck-17"), "the list has their contents");
    assert!(!view.under.is_empty(), "paths pass behind the cells");
    let heads = |y: u16| view.cells.iter().any(|cell| (cell.area.y..cell.area.y + cell.area.height).contains(&y));
    let on_cells = view.over.iter().filter(|placed| placed.line.text().starts_with("● Produce ") && placed.area.y < 26);
    assert_eq!(on_cells.filter(|placed| heads(placed.area.y)).count(), 0);
}

#[test]
fn an_empty_cluster_and_the_first_minute_say_what_to_try() {
    let empty = wide(fixture::empty());
    assert!(empty.cells.is_empty() && says(&empty, "kafka-topics.sh --bootstrap-server 127.0.0.1:9092"));
    let mut first = model(fixture::first_minute());
    first.first_minute = true;
    let view = project(&first, Area { x: 0, y: 2, width: 80, height: 21 });
    assert!(says(&view, "K kill broker-2") && says(&view, "kcat -b 127.0.0.1:9092 -t trucks_gps -C"));
}

#[test]
fn topics_fold_when_there_are_more_partitions_than_columns() {
    let mut snapshot = fixture::calm();
    let topics = Arc::make_mut(&mut snapshot.topics);
    let (name, mut offsets) = (Arc::<str>::from("__consumer_offsets"), topics["trucks_gps"].clone());
    (offsets.name, offsets.internal) = (Arc::clone(&name), true);
    topics.insert(name, offsets);
    let view = wide(snapshot);
    let folded: Vec<_> = view.cells.iter().filter(|cell| matches!(cell.state, CellState::Folded { .. })).collect();
    assert_eq!(folded.iter().map(|cell| cell.text.as_str()).collect::<Vec<_>>(), ["4", "3", "3"]);
    assert_eq!(count(&view, |state| state == CellState::Leader), 15, "the others stay open");

    let many = wide(fixture::twelve_brokers());
    assert_eq!(many.cells.len(), 12 * 40);
    assert!(many.cells.iter().any(|cell| cell.text == "−2") && says(&many, "trucks ▲"));
}

#[test]
fn a_dead_controllers_tag_is_never_cut() {
    let mut snapshot = fixture::killed();
    for broker in Arc::make_mut(&mut snapshot.brokers).values_mut() {
        broker.controller = broker.id == 2;
        broker.since_us = 0;
    }
    for width in [100, 120, 150, 160, 200] {
        assert!(says(&at(snapshot.clone(), width, 48), "DEAD 72 s"), "{width} columns");
    }
}

#[test]
fn only_an_election_that_moves_leaders_is_marked_on_the_flow_graph() {
    let created = |kind: &str| {
        let mut snapshot = fixture::calm();
        let mut events = snapshot.events.to_vec();
        let newest = events.last_mut().expect("an event");
        (newest.kind, newest.at_us) = (kind.into(), snapshot.clock.lab_us - 3_000_000);
        snapshot.events = events.into();
        says(&wide(snapshot), "elected ▴")
    };
    assert!(created(kind::LEADERS_ELECTED));
    assert!(!created(kind::FIRST_LEADERS));
}

#[test]
fn the_flow_graph_begins_where_the_lab_began() {
    let mut snapshot = fixture::calm();
    snapshot.flow = vec![40; 25];
    let view = wide(snapshot);
    let graph = view.over.iter().find(|placed| placed.line.text().contains('█')).expect("a graph").line.text();
    let (empty, all) = (graph.chars().take_while(|c| *c == ' ').count(), graph.chars().count());
    assert_eq!(empty * 4, all * 3, "a quarter of ten seconds");
}

#[test]
fn words_never_share_a_row_however_many_brokers_there_are() {
    for more in 0..12 {
        let mut snapshot = fixture::calm();
        let brokers = Arc::make_mut(&mut snapshot.brokers);
        for id in 4..4 + more {
            let broker = brokers[&3].clone();
            brokers.insert(id, crate::session::snapshot::Broker { id, ..broker });
        }
        let view = wide(snapshot);
        let row = |words: &str| view.over.iter().filter(|p| p.line.text().contains(words)).map(|p| p.area.y).max();
        // With very many there is no heading: one row is a broker's.
        assert!(row(" consumers").is_none_or(|y| Some(y) > row("   leads ")), "{} brokers", 3 + more);
        assert!(more > 9 || row(" consumers").is_some());
    }
}

#[test]
fn the_selected_broker_is_among_those_shown() {
    let mut model = model(fixture::twelve_brokers());
    model.cluster.broker = Some(11);
    let view = project(&model, Area { x: 0, y: 2, width: 60, height: 12 });
    let selected = view.selected.expect("a bar");
    assert!(selected.y + selected.height <= 14);
}

#[test]
fn nothing_lies_outside_of_the_area_at_any_size() {
    for (name, make) in fixture::ALL {
        let model = model(make());
        for (width, height) in
            [(0, 0), (1, 1), (60, 12), (80, 21), (100, 37), (120, 33), (160, 45), (200, 57), (240, 20)]
        {
            let area = Area { x: 0, y: 2, width, height };
            let view = project(&model, area);
            let inside = |y: u16| (2..2 + height).contains(&y);
            assert!(view.over.iter().all(|placed| inside(placed.area.y)), "{name} {width}x{height}");
        }
    }
}
