//! Which rows and columns of the screen are whose, by its size: the only place that knows what folds first. What never goes:
//! cells, the brokers' state, the chain. What goes first: the flow graph, gaps, high cells, producers, consumers beyond two.

use crate::model::Model;
use crate::session::snapshot::{BrokerState, Snapshot};

use crate::view::Area;

use super::{many, readers};

/// How much room the words have.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Room {
    /// One row per thing, signs instead of words.
    Compact,
    /// 100 columns and up: shorter words.
    Medium,
    /// 150 columns and up: everything.
    Wide,
}

/// A run of rows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Rows {
    /// The first of them.
    pub(super) y: u16,
    /// How many things stand there.
    pub(super) count: u16,
}

/// The rows and columns of the screen, in coordinates of the terminal.
#[derive(Clone, Debug)]
pub(super) struct Plan {
    pub(super) area: Area,
    pub(super) room: Room,
    /// Columns of the words at the left.
    pub(super) label: u16,
    /// Columns of the sessions at the right.
    pub(super) right: u16,
    /// The row of ZooKeeper's heading (or its only row).
    pub(super) zookeeper: Option<u16>,
    /// The producers: their first row (their only one when compact).
    pub(super) producers: Option<Rows>,
    pub(super) topics: u16,
    pub(super) verdict: u16,
    /// Whether there are rows for arrows above and below the cells.
    pub(super) arrows: bool,
    /// The first broker's first row.
    pub(super) brokers: u16,
    /// Rows of a cell.
    pub(super) cell: u16,
    /// Rows from one broker to the next.
    pub(super) step: u16,
    /// Ids of the brokers that are shown, from top to bottom.
    pub(super) shown: Vec<i32>,
    /// The consumers: the row of the first lag (when compact: of the first band).
    pub(super) consumers: Option<Rows>,
    /// The rule over the lower part.
    pub(super) rule: Option<u16>,
    /// Chain, messages, events.
    pub(super) lower: Area,
    /// The first row of the flow graph.
    pub(super) flow: Option<u16>,
    /// Whether numbers of brokers and partitions are in large type.
    pub(super) large: bool,
}

/// How the brokers' rows are drawn: height of a cell, rows between cells, rows of arrows, the flow graph, fewest rows of events.
struct Shape {
    cell: u16,
    gap: u16,
    arrows: bool,
    flow: bool,
    events: u16,
    min_width: u16,
}

impl Shape {
    const fn new(cell: u16, gap: u16, arrows: bool, flow: bool, events: u16, min_width: u16) -> Self {
        Self { cell, gap, arrows, flow, events, min_width }
    }
}

/// The shapes with words, richest first.
const SHAPES: [Shape; 7] = [
    Shape::new(4, 2, true, true, 7, 170),
    Shape::new(3, 2, true, true, 4, 0),
    Shape::new(3, 2, true, false, 3, 0),
    Shape::new(3, 1, false, false, 3, 0),
    Shape::new(2, 1, false, false, 3, 0),
    Shape::new(1, 1, false, true, 4, 0),
    Shape::new(1, 1, false, false, 2, 0),
];

/// Rows of a cell and of the gap below it, with large numbers.
const LARGE_CELLS: [(u16, u16); 5] = [(6, 2), (5, 2), (5, 1), (4, 1), (3, 1)];

/// Rows of the chain with its words and times.
const CHAIN_ROWS: u16 = 3;

/// Rows of the flow graph with its marks, and an empty one above.
const FLOW_ROWS: u16 = 4;

impl Plan {
    /// The plan for a screen of this size.
    pub(super) fn of(model: &Model, area: Area, chain: bool) -> Self {
        let counts = Counts::of(&model.snapshot, area.width);
        if let Some(plan) = model.presenter.then(|| Self::presenter(model, area, &counts)).flatten() {
            return plan;
        }
        let words = area.width >= 100;
        let roomy = SHAPES.iter().filter(|shape| words && area.width >= shape.min_width);
        let mut roomy = roomy.filter(|shape| counts.rows(shape) <= area.height);
        match roomy.next() {
            Some(shape) => Self::with_words(model, area, &counts, shape),
            None => Self::compact(model, area, &counts, chain),
        }
    }

    fn blank(area: Area, room: Room, sees_zookeeper: bool) -> Self {
        let (label, right) = match (room, sees_zookeeper) {
            (Room::Wide, true) => (30, 31),
            (Room::Wide, false) => (30, 8),
            (Room::Medium, true) => (23, 18),
            (Room::Medium, false) => (23, 4),
            (Room::Compact, true) if area.width >= 76 => (15, 13),
            (Room::Compact, true) => (14, 10),
            (Room::Compact, false) => (15, 1),
        };
        Self {
            area,
            room,
            label,
            right,
            zookeeper: None,
            producers: None,
            topics: area.y,
            verdict: area.y,
            arrows: false,
            brokers: area.y,
            cell: 1,
            step: 1,
            shown: Vec::new(),
            consumers: None,
            rule: None,
            lower: Area::default(),
            flow: None,
            large: false,
        }
    }

    /// For a hall: large numbers, and only what the story is about: brokers and their cells, sessions, the chain. `None`
    /// where that does not fit.
    fn presenter(model: &Model, area: Area, counts: &Counts) -> Option<Self> {
        let room = match area.width {
            150.. => Room::Wide,
            100.. => Room::Medium,
            _ => Room::Compact,
        };
        let mut plan = Self::blank(area, room, counts.zookeeper);
        if room == Room::Compact {
            (plan.label, plan.right) = (15, 1);
        }
        let chain = if room == Room::Compact { 2 } else { CHAIN_ROWS + 1 };
        let needs = |(cell, gap): &(u16, u16)| counts.brokers.saturating_mul(cell + gap) + 2 + 1 + chain + 1;
        let (cell, gap) = LARGE_CELLS.into_iter().find(|shape| needs(shape) <= area.height)?;
        let y = area.y + u16::from(needs(&(cell, gap)) < area.height);
        plan.large = counts.names == 0;
        (plan.topics, plan.verdict, plan.brokers) = (y, y + 1, y + 2);
        plan.zookeeper = (counts.zookeeper && room != Room::Compact).then_some(y);
        (plan.cell, plan.step) = (cell, cell + gap);
        plan.shown = model.snapshot.brokers.keys().copied().collect();
        let rule = plan.below_brokers() + gap;
        plan.rule = Some(rule);
        plan.lower = Area { y: rule + 1, height: (area.y + area.height).saturating_sub(rule + 1), ..area };
        plan.large.then_some(plan)
    }

    fn with_words(model: &Model, area: Area, counts: &Counts, shape: &Shape) -> Self {
        let room = if area.width >= 150 { Room::Wide } else { Room::Medium };
        let mut plan = Self::blank(area, room, counts.zookeeper);
        let mut y = area.y + 1;
        if counts.heading() {
            plan.zookeeper = counts.zookeeper.then_some(y);
            plan.producers = Some(Rows { y, count: counts.producers });
            y += counts.above();
        }
        plan.topics = y;
        plan.verdict = y + 1;
        plan.arrows = shape.arrows;
        plan.brokers = y + 2 + u16::from(shape.arrows);
        plan.cell = shape.cell;
        plan.step = shape.cell + shape.gap;
        plan.shown = model.snapshot.brokers.keys().copied().collect();
        // Words have two rows where a cell has one.
        y = plan.below_brokers() + u16::from(shape.arrows) + u16::from(shape.cell == 1);
        plan.consumers = Some(Rows { y, count: counts.consumers });
        y += counts.below();
        let bottom = area.y + area.height;
        let flow_rows = if shape.flow { FLOW_ROWS } else { 0 };
        // An empty row before the keys, where nothing else wants it.
        plan.flow = shape.flow.then(|| bottom.saturating_sub(FLOW_ROWS));
        plan.rule = Some(y);
        let end = bottom.saturating_sub(flow_rows + u16::from(shape.flow));
        plan.lower = Area { y: y + 1, height: end.saturating_sub(y + 1), ..area };
        plan
    }

    fn compact(model: &Model, area: Area, counts: &Counts, chain: bool) -> Self {
        let mut plan = Self::blank(area, Room::Compact, counts.zookeeper);
        let all: Vec<i32> = model.snapshot.brokers.keys().copied().collect();
        // Topics, verdicts, chain and two events are never given up; brokers are shown as far as there is room.
        let fixed = 2 + if chain { 2 } else { 0 } + 2;
        let brokers = counts.brokers.min(area.height.saturating_sub(fixed)).max(1);
        let mut spare = area.height.saturating_sub(fixed + brokers);
        let mut take = |rows: u16| {
            let fits = rows <= spare;
            spare -= if fits { rows } else { 0 };
            fits
        };
        let rule = take(1);
        plan.step = if take(brokers) { 2 } else { 1 };
        let zookeeper = counts.zookeeper && take(1);
        let consumers = u16::from(counts.consumers > 0 && take(1)) + u16::from(counts.consumers > 1 && take(1));
        let producers = counts.producers > 0 && take(1);
        let gap = take(1);
        if plan.step == 2 && take(brokers * 2 + 3) {
            (plan.cell, plan.step) = (3, 4);
        } else if plan.step == 2 && take(brokers + 3) {
            (plan.cell, plan.step) = (2, 3);
        }
        let mut y = area.y;
        let mut next = |rows: u16| {
            let first = y;
            y = y.saturating_add(rows);
            first
        };
        plan.zookeeper = zookeeper.then(|| next(1));
        plan.producers = producers.then(|| Rows { y: next(1), count: counts.producers });
        plan.topics = next(1);
        plan.verdict = next(1);
        plan.brokers = next(brokers * plan.step);
        if gap {
            next(1);
        }
        plan.consumers = (consumers > 0).then(|| Rows { y: next(consumers), count: consumers });
        plan.rule = rule.then(|| next(1));
        plan.lower = Area { y, height: (area.y + area.height).saturating_sub(y), ..area };
        plan.shown = window(&all, model.cluster.broker, usize::from(brokers));
        plan
    }

    /// The first row of the `at`th broker shown.
    pub(super) fn broker_row(&self, at: usize) -> u16 {
        let at = u16::try_from(at).unwrap_or(u16::MAX);
        self.brokers.saturating_add(at.saturating_mul(self.step))
    }

    /// The row below the last broker's cells.
    pub(super) fn below_brokers(&self) -> u16 {
        let last = self.broker_row(self.shown.len().saturating_sub(1));
        last.saturating_add(self.cell)
    }

    /// The column of the ZooKeeper spine.
    pub(super) fn spine(&self) -> u16 {
        (self.area.x + self.area.width).saturating_sub(self.right)
    }

    /// The columns of the matrix: first and width.
    pub(super) fn matrix(&self) -> (u16, u16) {
        (self.area.x + self.label, self.area.width.saturating_sub(self.label + self.right))
    }
}

/// The part of a list that is shown: `rows` of it, with the selected one among them.
fn window(all: &[i32], selected: Option<i32>, rows: usize) -> Vec<i32> {
    let at = all.iter().position(|id| Some(*id) == selected).unwrap_or(0);
    let first = (at + 1).saturating_sub(rows);
    all.iter().skip(first).take(rows).copied().collect()
}

/// How many things want rows.
struct Counts {
    brokers: u16,
    producers: u16,
    consumers: u16,
    zookeeper: bool,
    servers: u16,
    /// Rows of the names of numbered topics; 0 where topics are named over their columns.
    names: u16,
}

impl Counts {
    fn of(snapshot: &Snapshot, width: u16) -> Self {
        let count = |n: usize| u16::try_from(n).unwrap_or(u16::MAX);
        let alive = snapshot.brokers.values().any(|broker| broker.state != BrokerState::Dead);
        let lab = snapshot.capabilities.lab && alive;
        Self {
            brokers: count(snapshot.brokers.len()).max(1),
            producers: count(snapshot.producers.len()).clamp(u16::from(lab), 3),
            consumers: count(readers::count(snapshot)).clamp(u16::from(lab), 3),
            zookeeper: snapshot.zookeeper.is_some(),
            names: many::rows(snapshot, width),
            servers: snapshot.zookeeper.as_ref().map_or(0, |zk| count(zk.servers.len())).min(4),
        }
    }

    /// Whether anything stands above the topics.
    fn heading(&self) -> bool {
        self.zookeeper || self.producers > 0
    }

    /// Rows of producers and of ZooKeeper's servers side by side, with their heading and an empty row.
    fn above(&self) -> u16 {
        if self.heading() { 2 + self.producers.max(self.servers.min(2)) } else { 0 }
    }

    /// Rows of the consumers with what separates them.
    fn below(&self) -> u16 {
        if self.names > 0 { self.names + 1 } else { 1 + self.consumers.saturating_mul(3).saturating_sub(1) }
    }

    /// Rows that a shape needs.
    fn rows(&self, shape: &Shape) -> u16 {
        let grid = self.brokers.saturating_mul(shape.cell + shape.gap).saturating_sub(shape.gap);
        let arrows = if shape.arrows { 2 } else { u16::from(shape.cell == 1) };
        let lower = 1 + CHAIN_ROWS + 1 + shape.events + if shape.flow { FLOW_ROWS + 1 } else { 0 };
        [1, self.above(), 2, grid, arrows, self.below(), lower].into_iter().fold(0, u16::saturating_add)
    }
}
