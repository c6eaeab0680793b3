//! Where the user stands on the Topics screens: the list, then one topic with its partitions and messages.

use std::sync::Arc;

use crate::session::action::Record;
use crate::session::snapshot::{Partition, Snapshot, Topic, TopicPartition};

use super::filter::Filter;
use super::place::{Mode, Motion, Selection};
use super::sort::{self, Sorting};

/// How a record's key and value are shown.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Format {
    /// Pretty-printed where it is JSON, otherwise as text.
    #[default]
    Json,
    /// As text.
    Text,
    /// As bytes.
    Hex,
}

impl Format {
    /// The one after this, around.
    #[must_use]
    pub fn next(self) -> Self {
        match self {
            Self::Json => Self::Text,
            Self::Text => Self::Hex,
            Self::Hex => Self::Json,
        }
    }
}

/// Which part of a topic's screen the motions move in.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Pane {
    /// The table of partitions.
    #[default]
    Partitions,
    /// The list of messages.
    Messages,
}

/// The messages of one partition: what was read of its log, and where the user stands in it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Messages {
    /// Of which partition.
    pub of: Option<TopicPartition>,
    /// What was read, by rising offset, at most [`Messages::MAX`].
    pub records: Vec<Record>,
    /// Whether new records come in and the newest is selected.
    pub following: bool,
    /// The selected record's offset.
    pub selected: Option<i64>,
    /// Whether an answer is awaited.
    pub reading: bool,
    /// Why the last reading failed.
    pub error: Option<String>,
    /// The filter in force.
    pub filter: String,
    /// How values are shown.
    pub format: Format,
    /// Whether the selected record has the whole screen.
    pub zoomed: bool,
    /// The partition that murmur2 gives the selected record's key, if it has one.
    pub by_key: Option<i32>,
}

impl Messages {
    /// How many records are kept; the oldest go while following, the newest while reading backwards.
    pub const MAX: usize = 2_000;

    /// The records that the filter lets through.
    pub fn shown(&self) -> Vec<&Record> {
        let filter = Filter::parse(&self.filter);
        self.records.iter().filter(|record| filter.takes(*record)).collect()
    }

    /// The selected record.
    pub fn selected(&self) -> Option<&Record> {
        let offset = self.selected?;
        self.records.iter().find(|record| record.offset == offset)
    }
}

/// The topic that most records came into; none of Kafka's own.
pub fn fullest(snapshot: &Snapshot) -> Option<Arc<str>> {
    let topics = snapshot.topics.values().filter(|topic| !topic.internal);
    let fullest = topics.max_by_key(|topic| topic.partitions.iter().map(|partition| partition.log_end).sum::<i64>());
    fullest.map(|topic| Arc::clone(&topic.name))
}

/// The Topics screens' place.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TopicsPlace {
    /// The selected topic.
    pub topic: Option<Arc<str>>,
    /// The order of the list of topics.
    pub order: Sorting,
    /// Names in the list have this in them.
    pub filter: String,
    /// The order of the partitions.
    pub partition_order: Sorting,
    /// Whether it is open.
    pub opened: bool,
    /// The selected partition of the open topic.
    pub partition: i32,
    /// Where the motions move.
    pub pane: Pane,
    /// The messages of the selected partition.
    pub messages: Messages,
}

impl TopicsPlace {
    /// What keys mean here.
    pub fn mode(&self) -> Mode {
        if self.opened { Mode::Messages } else { Mode::Topics }
    }

    /// The topics of the list, in its order.
    pub fn list<'a>(&self, snapshot: &'a Snapshot) -> Vec<&'a Topic> {
        let wanted = self.filter.to_lowercase();
        let topics = snapshot.topics.values().filter(|topic| topic.name.to_lowercase().contains(&wanted));
        self.order.apply(sort::TOPICS, topics)
    }

    /// A topic's partitions, in their order.
    pub fn partitions<'a>(&self, topic: &'a Topic) -> Vec<&'a Partition> {
        self.partition_order.apply(sort::PARTITIONS, topic.partitions.iter().map(AsRef::as_ref))
    }

    /// Sorts the table in view by its next column, or turns its order around.
    pub fn sort(&mut self, reverse: bool) {
        match (self.opened, reverse) {
            (false, false) => self.order.next(sort::TOPICS),
            (false, true) => self.order.reverse(),
            (true, false) => self.partition_order.next(sort::PARTITIONS),
            (true, true) => self.partition_order.reverse(),
        }
    }

    /// Chooses the topic with most records at first; leaves a topic that is gone.
    pub fn settle(&mut self, snapshot: &Snapshot) {
        if !self.topic.as_ref().is_some_and(|name| snapshot.topics.contains_key(name)) {
            self.opened = false;
            self.topic = fullest(snapshot).or_else(|| snapshot.topics.keys().next().cloned());
        }
        if self.opened && self.current(snapshot).is_none() {
            self.partition = 0;
        }
    }

    /// The open topic's selected partition.
    pub fn current<'a>(&self, snapshot: &'a Snapshot) -> Option<&'a Partition> {
        let topic = snapshot.topics.get(self.topic.as_ref()?)?;
        topic.partitions.iter().map(AsRef::as_ref).find(|partition: &&Partition| partition.id == self.partition)
    }

    /// The open topic's selected partition by name.
    pub fn topic_partition(&self) -> Option<TopicPartition> {
        let topic = self.topic.clone().filter(|_| self.opened)?;
        Some(TopicPartition { topic, partition: self.partition })
    }

    /// What is selected.
    pub fn selection(&self, _snapshot: &Snapshot) -> Selection {
        match (self.topic_partition(), self.pane, self.messages.selected) {
            (Some(partition), Pane::Messages, Some(offset)) => Selection::Record(partition, offset),
            (Some(partition), ..) => Selection::Partition(partition),
            (None, ..) => self.topic.clone().map_or(Selection::None, Selection::Topic),
        }
    }

    /// Moves the selection.
    pub fn go(&mut self, snapshot: &Snapshot, motion: Motion, page: usize) {
        match (self.opened, motion, self.pane) {
            (false, ..) => {
                let list = self.list(snapshot);
                let at = list.iter().position(|topic| Some(&topic.name) == self.topic.as_ref());
                let to = motion.along(at, list.len(), page).and_then(|to| list.get(to));
                if let Some(topic) = to.map(|topic| Arc::clone(&topic.name)) {
                    self.topic = Some(topic);
                }
            }
            (true, Motion::NextPane, Pane::Partitions) => self.pane = Pane::Messages,
            (true, Motion::NextPane, Pane::Messages) => self.pane = Pane::Partitions,
            (true, _, Pane::Partitions) => self.go_partition(snapshot, motion, page),
            (true, _, Pane::Messages) => {}
        }
    }

    fn go_partition(&mut self, snapshot: &Snapshot, motion: Motion, page: usize) {
        let Some(topic) = self.topic.as_ref().and_then(|name| snapshot.topics.get(name)) else { return };
        let rows = self.partitions(topic);
        let at = rows.iter().position(|partition| partition.id == self.partition);
        let to = motion.along(at, rows.len(), page);
        if let Some(partition) = to.and_then(|to| rows.get(to)) {
            self.partition = partition.id;
        }
    }

    /// Selects what was clicked.
    pub fn select(&mut self, _snapshot: &Snapshot, target: &Selection) {
        match target {
            Selection::Topic(name) if !self.opened => self.topic = Some(Arc::clone(name)),
            Selection::Record(_, offset) if self.opened => {
                self.pane = Pane::Messages;
                self.messages.selected = Some(*offset);
                self.messages.following = false;
            }
            Selection::Partition(partition) if self.opened => {
                self.partition = partition.partition;
                self.pane = Pane::Partitions;
            }
            _ => {}
        }
    }

    /// Opens a partition, coming from another screen.
    pub fn show(&mut self, partition: &TopicPartition) {
        self.topic = Some(Arc::clone(&partition.topic));
        self.partition = partition.partition;
        self.opened = true;
    }

    /// Opens the selected topic; in it, moves to the messages, and there to the selected one alone.
    pub fn open(&mut self, snapshot: &Snapshot) {
        match (self.opened, self.pane) {
            (false, _) => {
                let topic = self.topic.as_ref().and_then(|name| snapshot.topics.get(name));
                self.opened = topic.is_some();
                // Where the first partitions are empty, the first that is not is more to look at.
                let used = topic.and_then(|topic| topic.partitions.iter().find(|p| p.log_end > p.log_start));
                self.partition = used.map_or(0, |partition| partition.id);
                self.pane = Pane::Partitions;
            }
            (true, Pane::Partitions) => self.pane = Pane::Messages,
            (true, Pane::Messages) => self.messages.zoomed = self.messages.selected.is_some(),
        }
    }

    /// Leaves, one step at a time: the single record, the filter, the messages, the topic; false in the list.
    pub fn back(&mut self) -> bool {
        if !self.opened {
            let filtered = !self.filter.is_empty();
            self.filter.clear();
            return filtered;
        }
        if std::mem::take(&mut self.messages.zoomed) {
            return true;
        }
        if !self.messages.filter.is_empty() {
            self.messages.filter.clear();
        } else if self.pane == Pane::Messages {
            self.pane = Pane::Partitions;
        } else {
            self.opened = false;
        }
        true
    }
}
