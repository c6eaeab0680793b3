//! What the Events screen must say.

use std::sync::Arc;

use super::causes::{Awaited, Step, steps};
use super::project;
use crate::app::{command, keymap::Keymap};
use crate::model::Model;
use crate::model::events::Causes;
use crate::model::place::{Motion, Screen, Selection};
use crate::session::event::{Event, Hop, NodeRef, Taken, kind};
use crate::session::fixture;
use crate::session::snapshot::{Snapshot, TopicPartition};
use crate::view::Area;

fn model(snapshot: Snapshot) -> Model {
    let keymap = Keymap::new(&std::collections::BTreeMap::new()).unwrap();
    let mut model = Model::new(Arc::new(snapshot), command::entries(&keymap), Vec::new(), "dark".into());
    model.screen = Screen::Events;
    model
}

fn said(model: &Model, width: u16, height: u16) -> String {
    let view = project(model, Area { x: 0, y: 2, width, height });
    view.sheet.placed.iter().map(|placed| placed.line.text() + "\n").collect()
}

/// The chain of the election of broker-3's leaders.
fn election(model: &mut Model) {
    model.select(&Selection::Event(119));
    model.open();
}

#[test]
fn a_chain_goes_from_the_first_cause_to_the_last_consequence() {
    let snapshot = fixture::elected();
    let causes = Causes::of(&snapshot, 119).unwrap();
    let ids = |events: &[&Event]| events.iter().map(|event| event.id).collect::<Vec<_>>();
    assert_eq!(ids(&causes.before), [100, 110, 111, 113, 115]);
    assert_eq!(ids(&causes.after), [130, 133]);
    assert!(!causes.torn);
}

#[test]
fn messages_that_were_let_go_are_counted_in_the_picture() {
    let mut snapshot = fixture::elected();
    let let_go = |event: &Event| {
        let via_forgotten = if event.id == 119 { 24 } else { 0 };
        Event { via_forgotten, ..event.clone() }
    };
    snapshot.events = snapshot.events.iter().map(let_go).collect();
    let mut model = model(snapshot);
    election(&mut model);
    for width in [160, 80] {
        assert!(said(&model, width, 45).contains("24 messages before these, no longer kept"), "{width}");
    }
    assert!(said(&model, 160, 45).contains("not all messages between them are kept"));
}

#[test]
fn a_message_to_itself_leaves_its_lane_and_comes_back() {
    let mut snapshot = fixture::elected();
    let to_itself = |event: &Event| {
        let mut event = event.clone();
        event.via.iter_mut().for_each(|hop| hop.to = hop.from.clone());
        event
    };
    snapshot.events = snapshot.events.iter().map(to_itself).collect();
    let mut model = model(snapshot);
    election(&mut model);
    assert!(said(&model, 160, 45).contains("─↩"));
}

#[test]
fn a_session_that_ends_with_no_cause_says_that_nobody_knows_one() {
    let mut snapshot = fixture::elected();
    let alone = |event: &Event| {
        let cause_event = event.cause_event.filter(|_| event.kind.as_ref() != "session_expired");
        Event { cause_event, ..event.clone() }
    };
    snapshot.events = snapshot.events.iter().map(alone).collect();
    let mut model = model(snapshot);
    model.select(&Selection::Event(110));
    model.open();
    assert!(said(&model, 160, 45).contains("Nothing in the cluster knows why."));
}

#[test]
fn a_chain_whose_beginning_was_let_go_says_so() {
    let mut snapshot = fixture::elected();
    snapshot.events = snapshot.events.iter().filter(|event| event.id > 100).cloned().collect();
    let mut model = model(snapshot);
    election(&mut model);
    assert!(said(&model, 160, 45).contains("its beginning has left the ring"));
}

#[test]
fn waiting_is_told_from_working() {
    let snapshot = fixture::elected();
    let causes = Causes::of(&snapshot, 119).unwrap();
    let waits: Vec<u64> = steps(&causes)
        .iter()
        .filter_map(|step| if let Step::Wait(wait) = step { Some(wait.us) } else { None })
        .collect();
    assert_eq!(waits, [1_200_000]);
    let mut model = model(snapshot);
    election(&mut model);
    let text = said(&model, 160, 45);
    assert!(text.contains("1.200 s waiting") && text.contains("0.013 s working"), "{text}");
}

#[test]
fn a_pause_between_messages_is_waiting_too() {
    let mut snapshot = fixture::elected();
    // The producer waits half a second before it asks for metadata.
    let mut events = snapshot.events.to_vec();
    let found = events.iter_mut().find(|event| event.id == 130).unwrap();
    let asks = found.via.iter().position(|hop| matches!(hop.from, NodeRef::Producer(..))).unwrap();
    for hop in &mut found.via[asks..] {
        hop.sent_us += 500_000;
        hop.arrived_us += 500_000;
    }
    found.at_us += 500_000;
    snapshot.events = events.into();
    let causes = Causes::of(&snapshot, 130).unwrap();
    let waits: Vec<_> = steps(&causes)
        .iter()
        .filter_map(|step| if let Step::Wait(wait) = step { Some((wait.us, wait.of)) } else { None })
        .collect();
    assert!(waits.iter().any(|(us, of)| *us >= 500_000 && *of == Awaited::BackOff), "{waits:?}");
}

#[test]
fn waiting_after_a_message_has_come_is_waiting_too() {
    let mut snapshot = fixture::elected();
    let mut events = snapshot.events.to_vec();
    let killed_us = events.iter().find(|event| event.id == 100).unwrap().at_us;
    let expired = events.iter_mut().find(|event| event.id == 110).unwrap();
    expired.via = vec![Hop {
        id: 101,
        name: "connection closed".into(),
        from: NodeRef::Broker(2),
        to: NodeRef::Zk(1),
        sent_us: killed_us,
        arrived_us: killed_us + 100,
    }];
    snapshot.events = events.into();
    let mut model = model(snapshot);
    election(&mut model);
    let text = said(&model, 160, 45);
    assert!(text.contains("1.199 s waiting"), "{text}");
}

#[test]
fn the_picture_has_lanes_and_arrows_and_folds_to_a_list() {
    let mut model = model(fixture::elected());
    election(&mut model);
    let wide = said(&model, 160, 45);
    for words in [
        "✖ broker-2",
        "ZooKeeper",
        "broker-1 ♛",
        "clients",
        "LeaderAndIsr",
        "silence",
        "▲ led to it",
        "FENCED_LEADER_EPOCH",
    ] {
        assert!(wide.contains(words), "{words} in\n{wide}");
    }
    let narrow = said(&model, 80, 21);
    assert!(narrow.contains("ZooKeeper → broker-1  WatchedEvent") && narrow.contains("1.200 s waiting"), "{narrow}");
}

#[test]
fn moving_in_the_chain_follows_time_and_tab_chooses_what_is_listed() {
    let mut model = model(fixture::elected());
    election(&mut model);
    model.go(Motion::Down, 10);
    assert_eq!(model.selection(), Selection::Event(130));
    model.go(Motion::First, 10);
    assert_eq!(model.selection(), Selection::Event(100));
    model.back();
    model.go(Motion::NextPane, 10);
    model.go(Motion::NextPane, 10);
    let text = said(&model, 160, 45);
    assert!(!text.contains("because next in sync") && text.contains("broker-2 killed"), "{text}");
}

/// What retention took of a topic's partitions that `broker` leads.
fn retained(id: u64, at_us: u64, broker: i32, topic: &str, partitions: std::ops::Range<i32>) -> Event {
    let template = fixture::calm().events[0].clone();
    let partitions = partitions.map(|partition| TopicPartition { topic: topic.into(), partition }).collect();
    let (node, because) = (NodeRef::Broker(broker), "older than retention.ms".into());
    let text = format!("retention took 4 segments of {topic} on {broker}").into();
    let taken = Some(Taken { segments: 4, bytes: 1 << 20 });
    Event { id, at_us, node, kind: kind::SEGMENTS_DELETED.into(), text, because, partitions, taken, ..template }
}

/// Two checks of retention, a second apart: three leaders let go of `trucks`, one of `orders`.
fn two_checks() -> Model {
    let mut snapshot = fixture::calm();
    let (newest, at) = snapshot.events.last().map(|event| (event.id, event.at_us)).unwrap();
    let checks = [
        retained(newest + 1, at + 10, 1, "trucks", 0..2),
        retained(newest + 2, at + 11, 1, "orders", 0..1),
        retained(newest + 3, at + 20, 2, "trucks", 2..4),
        retained(newest + 4, at + 30, 3, "trucks", 4..6),
        retained(newest + 5, at + 1_000_010, 1, "trucks", 0..2),
    ];
    snapshot.events = snapshot.events.iter().cloned().chain(checks).collect();
    model(snapshot)
}

#[test]
fn what_a_check_of_retention_took_of_a_topic_is_one_row() {
    let mut model = two_checks();
    let newest = model.snapshot.events.last().unwrap().id;
    let rows = model.events.rows(&model.snapshot);
    let ids: Vec<Vec<u64>> = rows.iter().take(3).map(|row| row.all().map(|event| event.id).collect()).collect();
    assert_eq!(ids, [vec![newest], vec![newest - 3], vec![newest - 4, newest - 2, newest - 1]]);
    let text = said(&model, 160, 45);
    assert!(text.contains("retention took 12 segments of trucks, 6 partitions (3.0 MiB)"), "{text}");
    assert!(!text.contains("trucks on 2"), "{text}");
    assert!(text.contains(&format!("{0} of {0} kept", model.snapshot.events.len())), "each is counted: {text}");

    model.select(&Selection::Event(newest - 1));
    for width in [160, 80] {
        let text = said(&model, width, 45);
        assert!(text.contains("broker-1 4 (1.0 MiB)  broker-2 4 (1.0 MiB)  broker-3 4 (1.0 MiB)"), "{width}: {text}");
    }
    model.events.go(&model.snapshot.clone(), Motion::Up, 10);
    assert_eq!(model.events.event, Some(newest - 3), "a row is one step");
}

#[test]
fn what_retention_took_stays_off_the_news() {
    let mut model = two_checks();
    model.screen = Screen::Cluster;
    let view = crate::view::project(&model);
    let text = format!("{view:?}");
    assert!(!text.contains("retention took"), "{text}");
    model.screen = Screen::Topics;
    let text = format!("{:?}", crate::view::project(&model));
    assert!(!text.contains("retention took"), "{text}");
}
