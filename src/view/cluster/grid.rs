//! The columns of the matrix: one per partition, grouped by topic, as wide as there is room. Where there is not enough, a
//! topic folds into one column: first Kafka's own, then the quiet ones; where even that is too much, every topic is one
//! numbered column.

use std::sync::Arc;

use crate::session::snapshot::{Partition, Snapshot, Topic};
use crate::view::line::{self, Line};
use crate::view::role::Role;
use crate::view::text::safe_str;

use super::plan::Plan;
use super::{ClusterView, Scene};

/// The widest cell with its gap.
const WIDEST: u16 = 8;

/// Columns between two topics.
const BETWEEN: u16 = 2;

/// Columns of a folded topic, so that its name can be guessed.
const FOLDED: u16 = 7;

/// More topics than this are numbered when their partitions do not fit.
pub(super) const NAMED: usize = 8;

/// What stands in a column.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Stack {
    /// The replicas of a partition.
    Partition(i32),
    /// A whole topic: how many partitions each broker leads.
    Topic,
}

/// A column.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Column {
    /// Its first column on the terminal.
    pub(super) x: u16,
    /// The width of its cells, half blocks included.
    pub(super) width: u16,
    /// Whether half a column at both edges of a cell stays free.
    pub(super) half: bool,
    /// The topic.
    pub(super) topic: Arc<str>,
    /// What of it.
    pub(super) stack: Stack,
}

impl Column {
    /// The column in its middle.
    pub(super) fn centre(&self) -> u16 {
        self.x + self.width.saturating_sub(1) / 2
    }

    /// The column behind it.
    pub(super) fn end(&self) -> u16 {
        self.x + self.width
    }
}

/// All columns, left to right.
#[derive(Clone, Debug, Default)]
pub(super) struct Grid {
    pub(super) columns: Vec<Column>,
    /// Whether topics are numbered columns.
    pub(super) numbered: bool,
}

impl Grid {
    /// The columns that fit a plan.
    pub(super) fn of(snapshot: &Snapshot, plan: &Plan) -> Self {
        let topics = ordered(snapshot);
        let (x, room) = plan.matrix();
        let mut folded = vec![false; topics.len()];
        for (topic, folded) in topics.iter().zip(&mut folded) {
            *folded = topic.internal && topic.partitions.len() > 3;
        }
        loop {
            if let Some(pitch) = pitch(&topics, &folded, room) {
                return Self { columns: lay_out(&topics, &folded, x, pitch), numbered: false };
            }
            let open = topics.iter().zip(&folded).enumerate().filter(|(_, (_, folded))| !**folded);
            let quietest = open.min_by_key(|(_, (topic, _))| loudness(topic)).map(|(at, _)| at);
            match quietest.and_then(|at| folded.get_mut(at)) {
                Some(fold) if topics.len() <= NAMED => *fold = true,
                _ => return Self { columns: numbered(&topics, x, room), numbered: true },
            }
        }
    }

    /// The column of a partition, or of its folded topic.
    pub(super) fn column(&self, topic: &str, partition: i32) -> Option<&Column> {
        let stands = |column: &&Column| match column.stack {
            Stack::Partition(id) => id == partition,
            Stack::Topic => true,
        };
        self.columns.iter().find(|column| column.topic.as_ref() == topic && stands(column))
    }

    /// The column behind the last one.
    pub(super) fn end(&self) -> Option<u16> {
        self.columns.last().map(Column::end)
    }
}

/// A topic's traffic, coarsely, so that topics do not change places all the time; busy ones are loud.
fn loudness(topic: &Topic) -> (u32, usize) {
    let rate: u64 = topic.partitions.iter().map(|partition| partition.in_per_sec).sum();
    (rate.checked_ilog2().map_or(0, |log| log + 1), topic.partitions.len())
}

/// The topics in the order of their columns: the large ones first, Kafka's own last. It does not change with traffic.
fn ordered(snapshot: &Snapshot) -> Vec<&Topic> {
    let mut topics: Vec<&Topic> = snapshot.topics.values().filter(|topic| !topic.partitions.is_empty()).collect();
    topics.sort_by(|a, b| {
        let key = |topic: &Topic| (topic.internal, std::cmp::Reverse(topic.partitions.len()));
        key(a).cmp(&key(b)).then_with(|| a.name.cmp(&b.name))
    });
    topics
}

fn width_of(topic: &Topic, folded: bool, pitch: u16) -> u16 {
    let partitions = u16::try_from(topic.partitions.len()).unwrap_or(u16::MAX);
    if folded { pitch.max(FOLDED) } else { partitions.saturating_mul(pitch) }
}

/// The widest pitch at which everything fits; `None` where not even the narrowest does.
fn pitch(topics: &[&Topic], folded: &[bool], room: u16) -> Option<u16> {
    let between = u16::try_from(topics.len().saturating_sub(1)).unwrap_or(u16::MAX).saturating_mul(BETWEEN);
    (2..=WIDEST).rev().find(|pitch| {
        let widths = topics.iter().zip(folded).map(|(topic, folded)| width_of(topic, *folded, *pitch));
        widths.fold(between, u16::saturating_add) <= room
    })
}

/// Even pitches leave one column free behind a cell; odd ones half a column at both of its edges, so that the number stands
/// in the middle. A pitch of five does without: its four columns hold an offset.
fn column(x: u16, pitch: u16, topic: &Topic, stack: Stack) -> Column {
    let half = pitch % 2 == 1 && pitch != 5;
    Column { x, width: if half { pitch } else { pitch - 1 }, half, topic: Arc::clone(&topic.name), stack }
}

fn lay_out(topics: &[&Topic], folded: &[bool], mut x: u16, pitch: u16) -> Vec<Column> {
    let mut columns = Vec::new();
    for (topic, folded) in topics.iter().zip(folded) {
        if *folded {
            columns.push(column(x, pitch.max(FOLDED), topic, Stack::Topic));
        } else {
            let places = topic.partitions.iter().zip(0_u16..);
            columns.extend(
                places.map(|(partition, at)| column(x + at * pitch, pitch, topic, Stack::Partition(partition.id))),
            );
        }
        x += width_of(topic, *folded, pitch) + BETWEEN;
    }
    columns
}

/// One column per topic, the busiest first, as many as fit.
fn numbered(topics: &[&Topic], x: u16, room: u16) -> Vec<Column> {
    const PITCH: u16 = 3;
    let mut topics = topics.to_vec();
    topics.sort_by_key(|topic| std::cmp::Reverse(loudness(topic).0));
    let fit = usize::from(room / PITCH);
    let places = topics.iter().take(fit).zip(0_u16..);
    places.map(|(topic, at)| column(x + at * PITCH, PITCH, topic, Stack::Topic)).collect()
}

/// The partition of a column.
pub(super) fn partition<'a>(snapshot: &'a Snapshot, column: &Column) -> Option<&'a Partition> {
    let Stack::Partition(id) = column.stack else { return None };
    let topic = snapshot.topics.get(&column.topic)?;
    topic.partitions.iter().find(|partition| partition.id == id).map(AsRef::as_ref)
}

/// The names of the topics over their columns, with a thin line as far as they reach.
pub(super) fn titles(scene: &Scene<'_>, view: &mut ClusterView) {
    let plan = &scene.plan;
    let mut groups = scene.grid.columns.chunk_by(|a, b| a.topic == b.topic).peekable();
    while let Some(group) = groups.next() {
        let (Some(first), Some(last)) = (group.first(), group.last()) else { continue };
        let Some(topic) = scene.snapshot.topics.get(&first.topic) else { continue };
        let x = first.x + u16::from(first.half && plan.room != super::plan::Room::Compact);
        let width = usize::from(last.end().saturating_sub(x));
        // A title may lean out as far as nobody else's begins.
        let next = groups.peek().and_then(|group| group.first());
        let free = usize::from(next.map_or(plan.spine(), |next| next.x - 1).saturating_sub(x));
        let name = line::cut(&safe_str(&topic.name), free.max(width));
        let mut title = Line::of(Role::Strong, name);
        let shape = format!(" {}×{}", topic.partitions.len(), topic.replication_factor);
        if title.width() + shape.chars().count() <= free && plan.room != super::plan::Room::Compact {
            title = title.with(Role::Faint, shape);
        }
        let rest = width.saturating_sub(title.width() + 1);
        if rest > 0 {
            title = title.with(Role::Rule, format!(" {}", "─".repeat(rest)));
        }
        view.put(plan.area, x, plan.topics, title);
    }
}
