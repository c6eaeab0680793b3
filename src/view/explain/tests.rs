//! What the explanations must say.

use std::sync::Arc;

use super::{event, page, project};
use crate::app::{command, keymap::Keymap};
use crate::model::Model;
use crate::model::place::Selection;
use crate::session::fixture;
use crate::session::snapshot::{Snapshot, TopicPartition};
use crate::view::Area;

/// All that is said, line by line.
fn said(snapshot: Snapshot, subject: &Selection) -> String {
    let keymap = Keymap::new(&std::collections::BTreeMap::new()).unwrap();
    let model = Model::new(Arc::new(snapshot), command::entries(&keymap), Vec::new(), "dark".into());
    let view = project(&model, subject, 0, Area { x: 0, y: 0, width: 160, height: 60 });
    let lines: Vec<String> = view.sheet.placed.iter().map(|placed| placed.line.text()).collect();
    format!("{}\n{}", view.title.text(), lines.join("\n"))
}

fn partition(topic: &str, partition: i32) -> Selection {
    Selection::Partition(TopicPartition { topic: topic.into(), partition })
}

#[test]
fn a_dead_broker_is_explained_with_what_waits_and_how_it_heals() {
    let text = said(fixture::killed(), &Selection::Broker(2));
    for words in [
        "dead for 0.5 s",
        "4 partitions have no leader",
        "10 more wait",
        "if one more fails",
        "S start broker-2",
        "its session ends",
    ] {
        assert!(text.contains(words), "{words} in\n{text}");
    }
}

#[test]
fn a_living_broker_says_what_its_failure_would_do() {
    let text = said(fixture::elected(), &Selection::Broker(1));
    assert!(text.contains("1 partition would have no leader"), "alerts-1 is in sync on 1 alone\n{text}");
    assert!(text.contains("would refuse acks=all: NOT_ENOUGH_REPLICAS (19)"), "{text}");
    assert!(said(fixture::calm(), &Selection::Broker(1)).contains("another broker would create /controller"));
}

#[test]
fn an_under_replicated_partition_shows_its_copies_and_what_led_here() {
    let text = said(fixture::elected(), &partition("trucks_gps", 1));
    for words in [
        "under-replicated",
        "3 copies are wanted, 2 are in sync",
        "broker-2 killed",
        "if one more fails",
        "acks=all stops",
        "leadership stays",
    ] {
        assert!(text.contains(words), "{words} in\n{text}");
    }
    assert!(said(fixture::killed(), &partition("trucks_gps", 1)).contains("Nobody leads it"));
    assert!(said(fixture::killed(), &partition("trucks_gps", 0)).contains("a copy that counts as in sync is silent"));
    assert!(said(fixture::calm(), &partition("trucks_gps", 0)).contains("● in order"));
}

#[test]
fn topics_events_and_nothing_are_explained_too() {
    assert!(
        said(fixture::killed(), &Selection::Topic("trucks_gps".into())).contains("3 of 10 partitions have no leader")
    );
    let election = said(fixture::elected(), &Selection::Event(119));
    for words in ["Nobody voted", "leader epoch", "What it led to", "2 records are lost"] {
        assert!(election.contains(words), "{words} in\n{election}");
    }
    assert!(said(fixture::calm(), &Selection::Event(1)).contains("nothing to explain"));
}

#[test]
fn every_word_that_an_event_uses_is_in_the_list() {
    assert!(event::words().all(page::knows));
}

#[test]
fn a_producer_says_what_its_acks_mean_and_what_became_of_its_records() {
    let text = said(fixture::elected(), &Selection::Producer(2));
    for words in ["has lost records", "acks=1: the leader alone answers", "acknowledged, and no longer there"] {
        assert!(text.contains(words), "{words} in\n{text}");
    }
    let mut snapshot = fixture::elected();
    let orders = &mut Arc::make_mut(&mut snapshot.topics).get_mut("orders").unwrap().partitions[0];
    std::sync::Arc::make_mut(orders).high_watermark -= 3;
    assert!(said(snapshot, &Selection::Producer(2)).contains("up to 3 records that only the leader has would be lost"));
    let text = said(fixture::killed(), &Selection::Producer(1));
    for words in
        ["190 records wait", "3 partitions without a leader, 7 for a copy that is silent", "acks=all: answered"]
    {
        assert!(text.contains(words), "{words} in\n{text}");
    }
}

#[test]
fn an_empty_log_is_said_to_be_empty() {
    let mut snapshot = fixture::calm();
    let partition_0 = &mut Arc::make_mut(&mut snapshot.topics).get_mut("alerts").unwrap().partitions[0];
    let partition_0 = std::sync::Arc::make_mut(partition_0);
    partition_0.log_end = 0;
    partition_0.copies.values_mut().for_each(|copy| copy.log_end = 0);
    assert!(said(snapshot, &partition("alerts", 0)).contains("it holds no record"));
}

#[test]
fn a_consumer_says_what_its_lag_is() {
    let text = said(fixture::killed(), &Selection::Consumer(4));
    for words in [
        "It reads 15 partitions and is 40 records behind",
        "waits for a leader",
        "11 of 15 partitions have a leader",
        "grows by 40 a second",
    ] {
        assert!(text.contains(words), "{words} in\n{text}");
    }
}
