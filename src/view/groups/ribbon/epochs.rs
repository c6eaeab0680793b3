//! The stations of a group of KIP-848: its coordinator shares out, and each member changes over by its own heartbeats.

use crate::session::snapshot::{Generation, Group, Snapshot};
use crate::view::format::duration_ms;

use super::super::since_ms;
use super::{Station, come, words};

/// The stations behind the first, where the group is at the station `at`.
pub(super) fn stations(snapshot: &Snapshot, group: &Group, at: usize) -> [Station; 3] {
    [assigning(group, at), reconciling(group, at), stable(snapshot, group, at)]
}

fn station(name: &'static str, first: impl Into<String>, second: impl Into<String>) -> Station {
    Station { name, first: first.into(), second: words(second) }
}

fn assigning(group: &Group, at: usize) -> Station {
    let who = group.coordinator.map_or_else(|| "the coordinator".to_owned(), |id| format!("broker-{id}"));
    let by = group.assignor.as_ref().map_or_else(String::new, |assignor| format!("by {assignor}"));
    match at {
        0 => station("Assigning", "waits for members", ""),
        1 => station("Assigning", format!("{who} shares out"), ""),
        _ => station("Assigning", format!("{who} shared out"), by),
    }
}

fn reconciling(group: &Group, at: usize) -> Station {
    let took = |newest: &Generation| Some(newest.settled_us?.saturating_sub(newest.began_us?) / 1_000);
    match at {
        2 => {
            let first = format!("{} of {} changed over", come(group), group.members.len());
            station("Reconciling", first, "each by its own heartbeats")
        }
        3 => {
            let took = group.history.first().and_then(took);
            let took = took.map_or_else(String::new, |took| format!("in {}", duration_ms(took)));
            station("Reconciling", format!("{} changed over", group.members.len()), took)
        }
        _ => station("Reconciling", "each changes over", "nobody waits for all"),
    }
}

fn stable(snapshot: &Snapshot, group: &Group, at: usize) -> Station {
    let second = match at {
        3 => format!("for {}", duration_ms(since_ms(snapshot, group.since_us))),
        _ => "all have what they are to have".to_owned(),
    };
    let epoch = group.generation + i32::from(at == 0);
    station("Stable", format!("epoch {epoch}"), second)
}
