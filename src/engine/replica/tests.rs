//! A leader's and a follower's rules, by hand.

use super::truncate_by_epoch;
use crate::engine::log::{InMemory, Log, LogConfig};

#[test]
fn an_epoch_without_records_does_not_keep_a_follower_from_its_leader() {
    // It led in epoch 1, was told to lead in epoch 3 and fell before it wrote anything. The leader of now knows epoch 2.
    let mut log = Log::new(LogConfig::default());
    log.assign_epoch(1, 0, &mut InMemory).unwrap();
    log.assign_epoch(3, 0, &mut InMemory).unwrap();
    let cut = truncate_by_epoch(&mut log, 0, (2, 0), &mut InMemory).unwrap();
    assert!(cut.records == 0 && log.latest_epoch() != Some(3), "it would ask for epoch 3 for ever: {log:?}");
}
