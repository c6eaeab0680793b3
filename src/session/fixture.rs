//! Snapshots of made-up clusters, as fixtures of screens for tests and examples: no session gives them out, and nothing that
//! a user sees is made from them. They follow one story: a calm cluster, the kill of `broker-2`, the election, its return.

mod groups;
mod members;
mod records;
mod settings;
mod slow;
mod stage;
mod story;

use super::snapshot::Snapshot;

pub use records::records;

/// A fixture's name and how it is made.
pub type Fixture = (&'static str, fn() -> Snapshot);

/// All fixtures.
pub const ALL: &[Fixture] = &[
    ("calm", calm),
    ("killed", killed),
    ("elected", elected),
    ("catching_up", catching_up),
    ("slow", slow),
    ("empty", empty),
    ("first_minute", first_minute),
    ("twelve_brokers", twelve_brokers),
    ("rebalance", rebalance),
    ("reconciling", reconciling),
    ("uneven", uneven),
    ("stuck", stuck),
    ("crowd", crowd),
    ("bereft", bereft),
    ("many_groups", many_groups),
];

/// The fixture `name`, if there is one.
pub fn by_name(name: &str) -> Option<Snapshot> {
    ALL.iter().find(|(known, _)| *known == name).map(|(_, make)| make())
}

/// Three brokers, three topics, traffic, nothing to say.
pub fn calm() -> Snapshot {
    stage::trucks(71_300)
}

/// Half a second after `broker-2` was killed: 4 partitions without a leader, 10 held, its session still open.
pub fn killed() -> Snapshot {
    story::killed()
}

/// A tenth of a second after the controller elected: 4 new leaders, 14 partitions with a replica less.
pub fn elected() -> Snapshot {
    story::elected()
}

/// `broker-2` is back and copies what it missed: 5 of 14 replicas in sync.
pub fn catching_up() -> Snapshot {
    story::catching_up()
}

/// The calm cluster at a fiftieth of real time, with messages on their ways.
pub fn slow() -> Snapshot {
    slow::slow()
}

/// Three brokers without a topic, producer or consumer.
pub fn empty() -> Snapshot {
    stage::empty(4_310)
}

/// The calm cluster after its first ten seconds.
pub fn first_minute() -> Snapshot {
    stage::trucks(9_820)
}

/// A real cluster of twelve brokers and forty topics, attached: no lab, no ZooKeeper to see, one broker behind.
pub fn twelve_brokers() -> Snapshot {
    stage::twelve()
}

/// The calm cluster, while a fourth member joins its group.
pub fn rebalance() -> Snapshot {
    with_groups(groups::rebalance)
}

/// The calm cluster, while a fourth member joins its group, which is one of KIP-848.
pub fn reconciling() -> Snapshot {
    with_groups(groups::reconciling)
}

/// The calm cluster, after a member of its group crashed that commits before it has processed.
pub fn uneven() -> Snapshot {
    with_groups(groups::uneven)
}

/// The calm cluster, whose group has a dead member that it waits for, and one that left as it did not poll in time.
pub fn stuck() -> Snapshot {
    with_groups(members::stuck)
}

/// The calm cluster, whose group has thirty members for its ten partitions.
pub fn crowd() -> Snapshot {
    with_groups(members::crowd)
}

/// The calm cluster, whose group's topic was deleted.
pub fn bereft() -> Snapshot {
    with_groups(members::bereft)
}

fn with_groups(change: fn(&mut super::snapshot::Group)) -> Snapshot {
    let mut snapshot = calm();
    let groups = std::sync::Arc::make_mut(&mut snapshot.groups);
    for group in groups.values_mut() {
        change(std::sync::Arc::make_mut(group));
    }
    snapshot
}

/// The calm cluster with groups in every state: moving, with an idle member, of clients outside, empty, uncoordinated.
pub fn many_groups() -> Snapshot {
    let mut snapshot = calm();
    groups::many(&mut snapshot);
    snapshot
}

#[cfg(test)]
mod tests {
    use super::{ALL, killed};

    #[test]
    fn every_fixture_is_sound() {
        for (name, make) in ALL {
            let snapshot = make();
            for (topic, partition) in snapshot.topics.values().flat_map(|t| t.partitions.iter().map(move |p| (t, p))) {
                let what = format!("{name}: {}-{}", topic.name, partition.id);
                assert!(partition.isr.iter().all(|id| partition.replicas.contains(id)), "{what}");
                assert!(partition.leader.is_none_or(|id| partition.isr.contains(&id)), "{what}");
                assert!(partition.high_watermark <= partition.log_end, "{what}");
            }
            assert!(snapshot.events.iter().is_sorted_by_key(|event| event.id), "{name}");
            let causes = snapshot.events.iter().filter_map(|event| event.cause_event.map(|cause| (cause, event.id)));
            assert!(causes.clone().all(|(cause, id)| cause < id), "{name}");
        }
    }

    #[test]
    fn the_kill_takes_four_leaders_and_holds_ten() {
        let snapshot = killed();
        let partitions = || snapshot.topics.values().flat_map(|topic| &topic.partitions);
        assert_eq!(partitions().filter(|partition| partition.leader.is_none()).count(), 4);
        assert_eq!(partitions().filter(|partition| partition.held).count(), 10);
    }
}
