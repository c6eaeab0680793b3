//! Assignors: what must hold of each, for random groups, and outcomes of Kafka 3.9.2's own classes as tables.

mod properties;
mod table;

use std::collections::BTreeMap;
use std::sync::Arc;

use super::*;

/// Topics with their counts: `trucks=4 shop=2`.
fn counts(text: &str) -> PartitionCounts {
    let one = |word: &str| word.split_once('=').map(|(topic, count)| (topic.into(), count.parse().unwrap())).unwrap();
    text.split_whitespace().map(one).collect()
}

/// Partitions: `trucks:0,1 shop:0`.
fn partitions(text: &str) -> Vec<TopicPartition> {
    let of_topic = |word: &str| {
        let (topic, numbers) = word.split_once(':').unwrap();
        let numbers = numbers.split(',').map(|number| TopicPartition::new(topic, number.parse().unwrap()));
        numbers.collect::<Vec<_>>()
    };
    text.split_whitespace().flat_map(of_topic).collect()
}

/// A member: `m1 trucks,shop` with a generation and what it has.
fn member(text: &str, generation: i32, owned: &str) -> Member {
    let (id, topics) = text.split_once(' ').unwrap();
    let topics = topics.split(',').filter(|topic| !topic.is_empty()).map(Into::into).collect();
    Member { id: id.into(), instance_id: None, topics, owned: partitions(owned), generation }
}

/// An assignment as text: `m1 trucks:0,1; m2 -`.
fn text(assignment: &Assignment) -> String {
    let topic = |topic: &consumer_protocol::TopicPartition| {
        let numbers: Vec<_> = topic.partitions.iter().map(i32::to_string).collect();
        format!("{}:{}", topic.topic, numbers.join(","))
    };
    let one = |(member, partitions): (&Arc<str>, &Vec<TopicPartition>)| {
        let topics: Vec<_> = by_topic(partitions).iter().map(topic).collect();
        format!("{member} {}", if topics.is_empty() { "-".to_owned() } else { topics.join(" ") })
    };
    assignment.iter().map(one).collect::<Vec<_>>().join("; ")
}

/// The members with what they got, in the generation after.
fn after(members: &[Member], assignment: &Assignment) -> Vec<Member> {
    let one = |member: &Member| Member {
        owned: assignment[&member.id].clone(),
        generation: member.generation + 1,
        ..member.clone()
    };
    members.iter().map(one).collect()
}

/// Who has each partition; each is had by one at most.
fn owners(assignment: &Assignment) -> BTreeMap<TopicPartition, Arc<str>> {
    let mut owners = BTreeMap::new();
    for (member, partitions) in assignment {
        for partition in partitions {
            let before = owners.insert(partition.clone(), member.clone());
            assert_eq!(before, None, "{partition} has two owners");
        }
    }
    owners
}
