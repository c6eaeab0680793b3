//! Random groups: members that join, leave, fall silent, miss answers and are slow to give back; topics that come, grow and go;
//! coordinators that fail over. Whatever happens, a partition is read by one member of the group at most, and in the end
//! everything is read.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use proptest::prelude::*;

use super::super::State;
use super::world::{Client, World};
use crate::protocol::ErrorCode;

const TOPICS: [&str; 3] = ["trucks", "orders", "alerts"];
const PATTERNS: [&str; 4] = ["", "tr.*|al.*", "o[^x]+s", ".*"];

#[derive(Clone, Debug)]
enum Act {
    Join(usize, Vec<usize>, usize, bool),
    Beat(usize),
    /// A heartbeat that arrives, and whose answer does not.
    Miss(usize),
    /// It gives back and takes up what it was told.
    Follow(usize),
    Leave(usize),
    Topic(usize, i32),
    Pass(u64),
    FailOver,
    Refuse(bool),
}

fn act() -> impl Strategy<Value = Act> {
    let who = 0..5_usize;
    prop_oneof![
        2 => (who.clone(), prop::collection::vec(0..3_usize, 1..3), 0..6_usize, any::<bool>())
            .prop_map(|(m, t, p, r)| Act::Join(m, t, p, r)),
        12 => who.clone().prop_map(Act::Beat),
        2 => who.clone().prop_map(Act::Miss),
        8 => who.clone().prop_map(Act::Follow),
        1 => who.prop_map(Act::Leave),
        1 => (0..3_usize, 0..6_i32).prop_map(|(topic, partitions)| Act::Topic(topic, partitions)),
        2 => (100..2_000_u64).prop_map(Act::Pass),
        1 => Just(Act::FailOver),
        1 => any::<bool>().prop_map(Act::Refuse),
    ]
}

struct Run {
    world: World,
    clients: BTreeMap<usize, Client>,
    counts: [i32; 3],
}

impl Run {
    fn do_it(&mut self, act: Act) {
        match act {
            Act::Join(number, topics, pattern, range) => {
                let topics: Vec<&str> = topics.iter().map(|topic| TOPICS[*topic]).collect();
                let new = || Client {
                    pattern: PATTERNS.get(pattern).map(|pattern| Arc::from(*pattern)),
                    assignor: range.then(|| Arc::from("range")),
                    ..Client::new(&format!("m{number}"), &topics)
                };
                self.clients.entry(number).or_insert_with(new);
            }
            Act::Beat(number) => {
                if let Some(client) = self.clients.get_mut(&number) {
                    let answer = self.world.beat(&client.request());
                    client.hear(Some(&answer));
                }
            }
            Act::Miss(number) => {
                if let Some(client) = self.clients.get_mut(&number) {
                    self.world.beat(&client.request());
                    client.hear(None);
                }
            }
            Act::Follow(number) => self.clients.get_mut(&number).into_iter().for_each(Client::follow),
            Act::Leave(number) => {
                // One whose leave the log refuses falls silent.
                if let Some(mut client) = self.clients.remove(&number) {
                    client.leave(&mut self.world, -1);
                }
            }
            Act::Topic(topic, partitions) => {
                // A topic only grows, or goes.
                let partitions = if partitions == 0 { 0 } else { partitions.max(self.counts[topic]) };
                self.counts[topic] = partitions;
                self.world.topic(TOPICS[topic], partitions);
            }
            Act::Pass(ms) => self.world.pass(Duration::from_millis(ms)),
            Act::FailOver if self.world.group.consumer().is_some() => self.world.fail_over(),
            Act::FailOver => {}
            Act::Refuse(refuses) => self.world.refuses = refuses.then_some(ErrorCode::NOT_ENOUGH_REPLICAS),
        }
        self.check();
    }

    /// Of those that are in the group no two read the same.
    fn check(&self) {
        self.world.check();
        let Some(group) = self.world.group.consumer() else { return };
        let mut readers = BTreeMap::new();
        for client in self.clients.values().filter(|client| group.image().member(&client.id).is_some()) {
            for partition in &client.owned {
                let before = readers.insert(*partition, Arc::clone(&client.id));
                assert_eq!(before, None, "{partition:?} is read by {} too", client.id);
            }
        }
    }

    /// Everybody behaves for a while.
    fn settle(&mut self) {
        self.world.refuses = None;
        for _ in 0..60 {
            for client in self.clients.values_mut() {
                client.beat(&mut self.world);
            }
            self.world.pass(Duration::from_millis(500));
            self.check();
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, cases: 100, ..ProptestConfig::default() })]

    #[test]
    fn a_partition_is_read_by_one_at_most_and_by_somebody_in_the_end(acts in prop::collection::vec(act(), 1..120)) {
        let counts = [4, 3, 0];
        let mut run = Run { world: World::new(&[("trucks", 4), ("orders", 3)]), clients: BTreeMap::new(), counts };
        for act in acts {
            run.do_it(act);
        }
        run.settle();
        if run.clients.is_empty() {
            return Ok(());
        }
        let state = run.world.consumer().state();
        prop_assert_eq!(state, State::Stable, "{:#?}", run.world.consumer().image());
        let like = |client: &Client| {
            let pattern = client.pattern.as_ref().filter(|pattern| !pattern.is_empty());
            pattern.map(|pattern| run.world.like(pattern)).unwrap_or_default()
        };
        let wanted = |client: &Client| client.topics.iter().cloned().chain(like(client)).collect::<Vec<_>>();
        let wanted = run.clients.values().flat_map(wanted).collect();
        let read = run.clients.values().flat_map(|client| client.owned.iter().copied()).collect();
        prop_assert_eq!(run.world.all(&wanted), read);
    }
}
