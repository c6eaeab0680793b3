//! Which brokers get which replicas, where nobody says: spread evenly. Kafka's `AdminUtils.assignReplicasToBrokers`.
//!
//! The first replicas go round the brokers from a random start; the others follow at a random distance, which grows by
//! one with each round, so that the partitions of one leader do not all have the same followers:
//!
//! ```text
//!   broker 1 2 3 4 5
//!          0 1 2 3 4   first replicas, start 0
//!          5 6 7 8 9
//!          4 0 1 2 3   second replicas, shift 0
//!          8 9 5 6 7   one round later they are one broker further away
//! ```
//!
//! Racks are not looked at: the lab's brokers have none (deviation: no-racks).

use crate::engine::node::BrokerId;
use crate::engine::rng::Rng;

/// Replicas of `partitions` new partitions, numbered from `first_partition` on, over `brokers` (in order, at least
/// `replication_factor` of them). Partitions that are added to a topic go on from where its partition 0 began: `start`
/// is then the place of that partition's leader among the brokers.
pub(super) fn assign(
    brokers: &[BrokerId],
    partitions: usize,
    replication_factor: usize,
    first_partition: usize,
    start: Option<usize>,
    rng: &mut Rng,
) -> Vec<Vec<BrokerId>> {
    let count = brokers.len();
    let first = start.unwrap_or_else(|| rng.index(count));
    let mut shift = start.unwrap_or_else(|| rng.index(count));
    let mut assignment = Vec::with_capacity(partitions);
    for partition in first_partition..first_partition + partitions {
        if partition > 0 && partition.checked_rem(count) == Some(0) {
            shift += 1;
        }
        let leader = (partition + first).checked_rem(count).unwrap_or(0);
        let follower = |n: usize| {
            let distance = 1 + (shift + n).checked_rem(count.saturating_sub(1)).unwrap_or(0);
            (leader + distance).checked_rem(count).unwrap_or(0)
        };
        let places = std::iter::once(leader).chain((0..replication_factor.saturating_sub(1)).map(follower));
        assignment.push(places.filter_map(|place| brokers.get(place).copied()).collect());
    }
    assignment
}

#[cfg(test)]
mod tests {
    use super::*;

    fn brokers(count: i32) -> Vec<BrokerId> {
        (0..count).map(BrokerId).collect()
    }

    #[test]
    fn kafkas_own_example() {
        // From the comment of AdminUtils: ten partitions with three replicas on five brokers, start and shift 0.
        let assignment = assign(&brokers(5), 10, 3, 0, Some(0), &mut Rng::split(1, "test"));
        let expected: Vec<Vec<BrokerId>> = [
            [0, 1, 2],
            [1, 2, 3],
            [2, 3, 4],
            [3, 4, 0],
            [4, 0, 1],
            [0, 2, 3],
            [1, 3, 4],
            [2, 4, 0],
            [3, 0, 1],
            [4, 1, 2],
        ]
        .iter()
        .map(|replicas| replicas.iter().copied().map(BrokerId).collect())
        .collect();
        assert_eq!(assignment, expected);
    }

    #[test]
    fn leaders_and_replicas_are_spread_evenly_and_never_twice_on_a_broker() {
        for seed in 0..50 {
            let assignment = assign(&brokers(4), 12, 3, 0, None, &mut Rng::split(seed, "test"));
            for broker in brokers(4) {
                assert_eq!(assignment.iter().filter(|replicas| replicas[0] == broker).count(), 3);
                assert_eq!(assignment.iter().filter(|replicas| replicas.contains(&broker)).count(), 9);
            }
            for replicas in &assignment {
                let distinct: std::collections::BTreeSet<_> = replicas.iter().collect();
                assert_eq!(distinct.len(), 3);
            }
        }
    }

    #[test]
    fn one_broker_takes_everything() {
        let assignment = assign(&brokers(1), 2, 1, 0, None, &mut Rng::split(1, "test"));
        assert_eq!(assignment, [[BrokerId(0)], [BrokerId(0)]]);
    }
}
