//! What Kafka's builders of answers about offsets come to: each topic and each partition is in an answer once, however often a
//! request names it, where it was named first; what was said of it last counts.

use std::collections::BTreeMap;
use std::sync::Arc;

/// What was said of each partition of a topic.
pub(super) type Said<T> = (Arc<str>, Vec<(i32, T)>);

/// Topics and their partitions, each once, in the order in which they came.
#[derive(Debug)]
pub(super) struct EachOnce<T> {
    topics: Vec<Said<T>>,
    /// Where each topic is, and each of its partitions.
    places: BTreeMap<Arc<str>, (usize, BTreeMap<i32, usize>)>,
}

impl<T> Default for EachOnce<T> {
    fn default() -> Self {
        Self { topics: Vec::new(), places: BTreeMap::new() }
    }
}

impl<T> EachOnce<T> {
    /// Says something of a partition.
    pub(super) fn set(&mut self, topic: &Arc<str>, partition: i32, what: T) {
        let topics = &mut self.topics;
        let (at, partitions) = self.places.entry(Arc::clone(topic)).or_insert_with(|| {
            topics.push((Arc::clone(topic), Vec::new()));
            (topics.len() - 1, BTreeMap::new())
        });
        let Some((_, said)) = topics.get_mut(*at) else { return };
        let at = *partitions.entry(partition).or_insert(said.len());
        if let Some((_, before)) = said.get_mut(at) {
            *before = what;
        } else {
            said.push((partition, what));
        }
    }

    /// All that was said, by partition.
    pub(super) fn iter(&self) -> impl Iterator<Item = (&Arc<str>, i32, &T)> {
        self.topics.iter().flat_map(|(topic, said)| said.iter().map(move |(partition, what)| (topic, *partition, what)))
    }

    /// All that was said, by topic.
    pub(super) fn into_topics(self) -> Vec<Said<T>> {
        self.topics
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_named_twice_is_there_once_where_it_came_first_as_it_was_said_last() {
        let mut said = EachOnce::default();
        let (t, u): (Arc<str>, Arc<str>) = ("t".into(), "u".into());
        for (topic, partition, what) in [(&t, 1, 'a'), (&u, 0, 'b'), (&t, 0, 'c'), (&t, 1, 'd')] {
            said.set(topic, partition, what);
        }
        assert_eq!(
            said.iter().map(|(_, partition, what)| (partition, *what)).collect::<Vec<_>>(),
            [(1, 'd'), (0, 'c'), (0, 'b')]
        );
        assert_eq!(said.into_topics(), [(t, vec![(1, 'd'), (0, 'c')]), (u, vec![(0, 'b')])]);
    }
}
