//! What the Brokers screen must say.

use std::sync::Arc;

use super::project;
use crate::app::{command, keymap::Keymap};
use crate::model::Model;
use crate::model::place::Screen;
use crate::session::fixture;
use crate::session::snapshot::{BrokerState, Snapshot};
use crate::view::Area;

fn said(snapshot: Snapshot, broker: i32, detail: bool, width: u16, height: u16) -> String {
    let keymap = Keymap::new(&std::collections::BTreeMap::new()).unwrap();
    let mut model = Model::new(Arc::new(snapshot), command::entries(&keymap), Vec::new(), "dark".into());
    model.screen = Screen::Brokers;
    (model.brokers.broker, model.brokers.detail) = (Some(broker), detail);
    let view = project(&model, Area { x: 0, y: 2, width, height });
    view.sheet.placed.iter().map(|placed| placed.line.text() + "\n").collect()
}

#[test]
fn the_table_names_the_dead_and_the_controller() {
    let text = said(fixture::elected(), 2, false, 160, 44);
    assert!(text.contains("2 of 3 serve") && text.contains("♛ broker-1 is the controller"), "{text}");
    assert!(text.contains("✖ broker-2 dead 1.3 s") && text.contains("expired"), "{text}");
}

#[test]
fn the_detail_shows_partitions_requests_connections_and_settings() {
    for (width, height) in [(160, 44), (80, 20)] {
        let text = said(fixture::calm(), 3, true, width, height);
        for words in ["leads 5, follows 9", "librdkafka 2.6.1", "Requests", "Fetch", "Settings"] {
            assert!(text.contains(words), "{words} at {width}x{height} in\n{text}");
        }
    }
}

#[test]
fn the_selected_broker_stays_in_view() {
    let text = said(fixture::twelve_brokers(), 12, false, 60, 12);
    assert!(text.contains("broker-12") && !text.contains("broker-1 "), "{text}");
}

#[test]
fn a_broker_whose_disk_failed_does_not_serve() {
    let mut snapshot = fixture::calm();
    Arc::make_mut(&mut snapshot.brokers).get_mut(&2).unwrap().state = BrokerState::DiskFailed;
    let text = said(snapshot, 2, false, 160, 44);
    assert!(text.contains("2 of 3 serve") && text.contains("it cannot write to 14 copies"), "{text}");
}
