//! What must hold, for random groups.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use proptest::prelude::*;

use super::super::*;
use super::{after, owners};

/// Up to five topics of up to nine partitions; some do not exist.
fn topics() -> impl Strategy<Value = PartitionCounts> {
    prop::collection::btree_map((0..5_u8).prop_map(|n| format!("t{n}").into()), 0..10, 0..5)
}

/// Up to eight members; those who claim partitions may claim what others claim, what does not exist and what they do
/// not want.
fn members(alike: bool) -> impl Strategy<Value = Vec<Member>> {
    let topic = || (0..5_u8).prop_map(|n| Arc::<str>::from(format!("t{n}")));
    let wants = move || prop::collection::btree_set(topic(), 0..5);
    let partition = (topic(), 0..10).prop_map(|(topic, number)| TopicPartition::new(topic, number));
    let owned = prop::collection::vec(partition, 0..12);
    let member =
        (wants(), owned, -1..4, prop::option::of(0..9_u8)).prop_map(|(topics, owned, generation, instance)| {
            let instance_id = instance.map(|n| format!("i{n}").into());
            Member { id: "".into(), instance_id, topics, owned, generation }
        });
    (prop::collection::vec(member, 1..8), wants()).prop_map(move |(mut members, same)| {
        for (index, member) in members.iter_mut().enumerate() {
            member.id = format!("m{index}").into();
            if alike {
                member.topics.clone_from(&same);
            }
        }
        members
    })
}

/// Every partition that somebody wants.
fn wanted(members: &[Member], counts: &PartitionCounts) -> BTreeSet<TopicPartition> {
    let of_topic = |(topic, count): (&Arc<str>, i32)| {
        let topic = topic.clone();
        (0..count).map(move |partition| TopicPartition::new(topic.clone(), partition)).collect::<Vec<_>>()
    };
    subscribed(members, counts).into_iter().flat_map(of_topic).collect()
}

fn loads(assignment: &Assignment) -> (usize, usize) {
    let loads = assignment.values().map(Vec::len);
    (loads.clone().min().unwrap(), loads.max().unwrap())
}

fn all() -> impl Iterator<Item = (&'static str, Assign)> {
    let client = CLIENT_ASSIGNORS.iter().map(|assignor| (assignor.name, assignor.assign));
    client.chain(SERVER_ASSIGNORS.iter().map(|assignor| (assignor.name, assignor.assign)))
}

fn sticky(members: &[Member], counts: &PartitionCounts) -> Assignment {
    (client_assignor("sticky").unwrap().assign)(members, counts)
}

/// Who had each partition by right: the highest generation, if one member alone claims it there.
fn holders(members: &[Member], counts: &PartitionCounts) -> BTreeMap<TopicPartition, Arc<str>> {
    let valid = wanted(members, counts);
    let mut holders = BTreeMap::new();
    for partition in valid {
        let claims = |member: &&Member| member.topics.contains(&partition.topic) && member.owned.contains(&partition);
        let newest = members.iter().filter(claims).map(|member| member.generation).max();
        let mut newest = members.iter().filter(claims).filter(|member| Some(member.generation) == newest);
        if let (Some(holder), None) = (newest.next(), newest.next()) {
            holders.insert(partition, holder.id.clone());
        }
    }
    holders
}

/// After so many cooperative rebalances nothing is on its way any more.
const ROUNDS: usize = 6;

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn each_partition_has_one_owner_who_wants_it(
        counts in topics(), members in prop::bool::ANY.prop_flat_map(members), turn in 0..8_usize,
    ) {
        let valid = wanted(&members, &counts);
        let mut turned = members.clone();
        turned.rotate_left(turn % members.len());
        for (name, assign) in all() {
            let assignment = assign(&members, &counts);
            prop_assert_eq!(assignment.len(), members.len());
            let owners = owners(&assignment);
            for (partition, owner) in &owners {
                let owner = members.iter().find(|member| member.id == *owner).unwrap();
                prop_assert!(owner.topics.contains(&partition.topic), "{}", name);
            }
            let given: BTreeSet<_> = owners.into_keys().collect();
            if name == "cooperative-sticky" {
                prop_assert!(given.is_subset(&valid));
            } else {
                prop_assert_eq!(&given, &valid, "{}", name);
            }
            prop_assert!(assignment.values().all(|partitions| partitions.is_sorted()), "{}", name);
            prop_assert_eq!(assign(&turned, &counts), assignment, "{} in another order", name);
        }
    }

    #[test]
    fn what_all_want_is_shared_evenly(counts in topics(), members in members(true)) {
        for name in ["roundrobin", "sticky"] {
            let (least, most) = loads(&(client_assignor(name).unwrap().assign)(&members, &counts));
            prop_assert!(most - least <= 1, "{}: {} to {}", name, least, most);
        }
    }

    #[test]
    fn no_single_move_makes_sticky_more_even(counts in topics(), members in members(false)) {
        let assignment = sticky(&members, &counts);
        for (partition, owner) in owners(&assignment) {
            for member in members.iter().filter(|member| member.topics.contains(&partition.topic)) {
                let (from, to) = (assignment[&owner].len(), assignment[&member.id].len());
                prop_assert!(from <= to + 1, "{partition} of {owner} ({from}) could go to {} ({to})", member.id);
            }
        }
    }

    #[test]
    fn as_much_stays_as_even_loads_allow(counts in topics(), members in members(true)) {
        let holders = holders(&members, &counts);
        let total = wanted(&members, &counts).len();
        let (quota, larger) = (total / members.len(), total % members.len());
        let had = |member: &Member| holders.values().filter(|holder| **holder == member.id).count();
        let most = members.iter().map(|member| had(member).min(quota)).sum::<usize>()
            + members.iter().filter(|member| had(member) > quota).count().min(larger);
        let owners = owners(&sticky(&members, &counts));
        let stayed = holders.iter().filter(|(partition, holder)| owners.get(partition) == Some(holder)).count();
        prop_assert_eq!(stayed, most);
    }

    #[test]
    fn nobody_swaps_partitions(counts in topics(), members in members(false)) {
        let holders = holders(&members, &counts);
        let owners = owners(&sticky(&members, &counts));
        let went: BTreeSet<_> = holders.iter().map(|(partition, from)| (from, &owners[partition])).collect();
        for (from, to) in went.iter().filter(|(from, to)| from != to) {
            prop_assert!(!went.contains(&(to, from)), "{from} and {to} swap");
        }
    }

    #[test]
    fn nothing_changes_when_nothing_changed(counts in topics(), members in prop::bool::ANY.prop_flat_map(members)) {
        for name in ["sticky", "uniform"] {
            let assign = all().find(|(its, _)| *its == name).unwrap().1;
            let first = assign(&members, &counts);
            prop_assert_eq!(assign(&after(&members, &first), &counts), first, "{}", name);
        }
    }

    #[test]
    fn of_those_who_stay_nobody_loses_when_one_leaves(counts in topics(), members in members(true)) {
        let first = sticky(&members, &counts);
        let mut rest = after(&members, &first);
        rest.remove(0);
        let second = sticky(&rest, &counts);
        for member in &rest {
            let partitions = &second[&member.id];
            prop_assert!(member.owned.iter().all(|partition| partitions.contains(partition)), "{}", member.id);
        }
    }

    #[test]
    fn cooperatively_nothing_is_given_away_before_it_is_given_up(
        counts in topics(), members in prop::bool::ANY.prop_flat_map(members),
    ) {
        let assign = client_assignor("cooperative-sticky").unwrap().assign;
        let (eager, now) = (sticky(&members, &counts), assign(&members, &counts));
        for (member, partitions) in &now {
            for partition in partitions {
                prop_assert!(eager[member].contains(partition));
                let held = members.iter().filter(|other| other.owned.contains(partition));
                let newest = held.max_by_key(|other| (other.generation, other.id != *member)).map(|other| &other.id);
                prop_assert!(newest.is_none_or(|newest| newest == member), "{partition} is with {newest:?}");
            }
        }
        // Once they have given up what they were told to, the next rebalance gives it away. Where their topics differ, it may
        // find something else to move, as Kafka's does; it comes to an end.
        let (mut members, mut given) = (members, now);
        for _ in 0..ROUNDS {
            members = after(&members, &given);
            given = assign(&members, &counts);
        }
        prop_assert_eq!(owners(&given).into_keys().collect::<BTreeSet<_>>(), wanted(&members, &counts));
    }

    #[test]
    fn range_gives_the_same_run_of_topics_that_are_alike(count in 0..20, members in members(true)) {
        let counts: PartitionCounts = (0..5).map(|n| (format!("t{n}").into(), count)).collect();
        for (_, partitions) in (client_assignor("range").unwrap().assign)(&members, &counts) {
            let topics = by_topic(&partitions);
            prop_assert!(topics.windows(2).all(|pair| pair[0].partitions == pair[1].partitions));
            for topic in &topics {
                prop_assert!(topic.partitions.windows(2).all(|pair| pair[1] == pair[0] + 1), "a run");
            }
        }
    }
}
