//! Where the user stands on the Cluster screen: on a broker, on one of its cells, on a producer, a consumer or an event.

use std::sync::Arc;

use crate::session::snapshot::{Snapshot, TopicPartition};

use super::place::{Motion, Selection};

/// A row of the table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Row {
    /// A built-in producer.
    Producer(u32),
    /// A broker.
    Broker(i32),
    /// A built-in consumer that is in no group.
    Consumer(u32),
    /// A consumer group.
    Group(Arc<str>),
}

/// A column of the table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Column {
    /// The replicas of a partition.
    Partition(TopicPartition),
    /// A whole topic, where its partitions have no columns of their own.
    Topic(Arc<str>),
}

impl Column {
    /// Whether both are, or are parts of, the same column.
    fn meets(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Partition(a), Self::Partition(b)) => a == b,
            (Self::Partition(TopicPartition { topic: a, .. }) | Self::Topic(a), Self::Topic(b))
            | (Self::Topic(a), Self::Partition(TopicPartition { topic: b, .. })) => a == b,
        }
    }
}

/// What the screen shows, and so what can be reached by moving: its rows from top to bottom, its columns from the left.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Reach {
    /// The rows.
    pub rows: Vec<Row>,
    /// The columns.
    pub columns: Vec<Column>,
}

/// What is selected.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ClusterPlace {
    /// The selected broker's id; while a client is selected, that of the broker selected before.
    pub broker: Option<i32>,
    /// Whether that was chosen, by the user or because it is worth killing, and so stays.
    pub chosen: bool,
    /// The selected column of that broker's row, if it is not the row as a whole.
    pub column: Option<Column>,
    /// The selected producer, consumer or group, if it is one.
    pub client: Option<Row>,
    /// The selected event, if it is one.
    pub event: Option<u64>,
}

impl ClusterPlace {
    /// Chooses a broker at first: one that leads something and is not the controller. Until there is one, it is the first.
    /// Leaves columns, clients and events that are gone.
    pub fn settle(&mut self, snapshot: &Snapshot) {
        self.column = self.column.take().filter(|column| is_there(snapshot, column));
        self.client = self.client.take().filter(|client| match client {
            Row::Producer(id) => snapshot.producers.contains_key(id),
            Row::Consumer(id) => snapshot.consumers.contains_key(id),
            Row::Group(id) => snapshot.groups.contains_key(id),
            Row::Broker(_) => false,
        });
        self.event = self.event.filter(|id| snapshot.events.first().is_some_and(|oldest| oldest.id <= *id));
        if self.chosen && self.broker.is_some_and(|id| snapshot.brokers.contains_key(&id)) {
            return;
        }
        let brokers = &snapshot.brokers;
        let victim = brokers.values().find(|broker| broker.leaders > 0 && !broker.controller);
        self.chosen = victim.is_some();
        self.broker = victim.or_else(|| brokers.values().next()).map(|broker| broker.id);
    }

    /// The selected row; none before the first broker is known.
    pub fn row(&self) -> Option<Row> {
        self.client.clone().or(self.broker.map(Row::Broker))
    }

    /// What is selected.
    pub fn selection(&self, _snapshot: &Snapshot) -> Selection {
        match (self.event, self.row(), &self.column) {
            (Some(event), ..) => Selection::Event(event),
            (None, Some(Row::Producer(id)), _) => Selection::Producer(id),
            (None, Some(Row::Consumer(id)), _) => Selection::Consumer(id),
            (None, Some(Row::Group(id)), _) => Selection::Group(id),
            (None, Some(Row::Broker(id)), Some(Column::Partition(at))) => Selection::Replica(id, at.clone()),
            (None, Some(Row::Broker(_)), Some(Column::Topic(name))) => Selection::Topic(Arc::clone(name)),
            (None, Some(Row::Broker(id)), None) => Selection::Broker(id),
            (None, None, _) => Selection::None,
        }
    }

    /// Moves the selection over what is in reach: up and down from row to row, left and right over the cells of a broker's
    /// row. Left of the first cell is the row as a whole.
    pub fn go(&mut self, reach: &Reach, motion: Motion, page: usize) {
        self.event = None;
        if matches!(motion, Motion::Left | Motion::Right) {
            self.go_across(&reach.columns, motion);
            return;
        }
        let at = self.row().and_then(|row| reach.rows.iter().position(|other| *other == row));
        match motion.along(at, reach.rows.len(), page).and_then(|to| reach.rows.get(to)) {
            Some(Row::Broker(id)) => self.stand_on(*id),
            client => self.client = client.cloned(),
        }
    }

    fn go_across(&mut self, columns: &[Column], motion: Motion) {
        if self.client.is_some() {
            return;
        }
        let at = self.column.as_ref().and_then(|column| columns.iter().position(|other| other.meets(column)));
        let to = match (motion, at) {
            (Motion::Right, None) => Some(0),
            (Motion::Right, Some(at)) => Some((at + 1).min(columns.len().saturating_sub(1))),
            (_, at) => at.and_then(|at| at.checked_sub(1)),
        };
        self.column = to.and_then(|to| columns.get(to)).cloned();
        self.chosen = true;
    }

    fn stand_on(&mut self, broker: i32) {
        (self.broker, self.chosen, self.client, self.event) = (Some(broker), true, None, None);
    }

    /// Selects what was clicked.
    pub fn select(&mut self, _snapshot: &Snapshot, target: &Selection) {
        match target {
            Selection::Broker(id) => {
                self.stand_on(*id);
                self.column = None;
            }
            Selection::Replica(id, at) => {
                self.stand_on(*id);
                self.column = Some(Column::Partition(at.clone()));
            }
            Selection::Producer(id) => (self.client, self.event) = (Some(Row::Producer(*id)), None),
            Selection::Consumer(id) => (self.client, self.event) = (Some(Row::Consumer(*id)), None),
            Selection::Group(id) => (self.client, self.event) = (Some(Row::Group(Arc::clone(id))), None),
            Selection::Event(id) => self.event = Some(*id),
            _ => {}
        }
    }

    /// Goes back to the broker's row as a whole; false where nothing else was selected.
    pub fn back(&mut self) -> bool {
        let (event, client) = (self.event.take().is_some(), self.client.take().is_some());
        event || client || self.column.take().is_some()
    }
}

/// Whether a column's topic or partition is still there.
fn is_there(snapshot: &Snapshot, column: &Column) -> bool {
    let has = |at: &TopicPartition| {
        let topic = snapshot.topics.get(&at.topic);
        topic.is_some_and(|topic| topic.partitions.iter().any(|partition| partition.id == at.partition))
    };
    match column {
        Column::Partition(at) => has(at),
        Column::Topic(name) => snapshot.topics.contains_key(name),
    }
}
