//! The Cluster screen as plain data: one table. Columns are partitions, grouped by topic; rows are whoever touches them:
//! producers, brokers, consumers. Down is data, across (to the ZooKeeper spine on the right) is control.
//!
//! The screen is sketched by parts, each of which decides what it shows from the snapshot and from the [`plan`] of rows and
//! columns: [`grid`] columns, [`cells`] what a replica is, [`brokers`] the rows' words and sessions, [`clients`] producers and
//! consumers, [`chain`] what led to what, [`news`] the events, [`flight`] messages on their ways, [`flow`] the last ten
//! seconds, [`start`] the first minute, [`many`] clusters with more topics than columns. Flashes are told by the snapshot's
//! own times, never by a clock of the screen's.

mod brokers;
mod cells;
mod chain;
mod clients;
mod cursor;
mod flight;
mod flow;
mod grid;
mod many;
mod news;
mod plan;
mod readers;
mod start;
#[cfg(test)]
mod tests;

pub use cells::{Cell, CellState};
pub use chain::{Chain, Progress, Station};
pub use cursor::{Marked, reach};
pub(super) use news::{is_effect, sign as sign_of};

use crate::model::Model;
use crate::session::snapshot::Snapshot;

use readers::Reader;

use super::large::Large;
use super::line::Line;
use super::{Area, Hit};
use grid::Grid;
use plan::Plan;

/// The Cluster screen. What is drawn later lies above what was drawn before: `under`, `cells`, `over`.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ClusterView {
    /// What can be clicked.
    pub hits: Vec<Hit>,
    /// Lines that pass behind the cells: the paths of messages.
    pub under: Vec<Placed>,
    /// The replicas.
    pub cells: Vec<Cell>,
    /// Words, signs and bars.
    pub over: Vec<Placed>,
    /// Where the bar of the selected row stands.
    pub selected: Option<Area>,
    /// The selected cell, if it is one.
    pub marked: Option<Marked>,
    /// Names in large type, in presenter mode.
    pub large: Vec<Large>,
    /// What each column has to say, where it has something to say.
    pub verdicts: Vec<Verdict>,
    /// What happened last and what comes next, if anything did.
    pub chain: Option<Chain>,
}

/// A line at its place; what does not fit its width is not drawn.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Placed {
    /// Where: one row high.
    pub area: Area,
    /// What.
    pub line: Line,
}

/// What is wrong with a partition.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It has no leader.
    NoLeader,
    /// The high watermark stands: an in-sync replica is silent.
    Held,
    /// So many replicas of so many are in sync.
    Short {
        /// In sync.
        in_sync: usize,
        /// Assigned.
        of: usize,
    },
}

/// What all parts of the screen look at.
struct Scene<'a> {
    model: &'a Model,
    snapshot: &'a Snapshot,
    plan: Plan,
    grid: Grid,
    /// Groups and consumers, in their order.
    readers: Vec<Reader>,
}

impl<'a> Scene<'a> {
    fn of(model: &'a Model, area: Area, chain: bool) -> Self {
        let snapshot = &*model.snapshot;
        let plan = Plan::of(model, area, chain);
        let grid = Grid::of(snapshot, &plan);
        Self { model, snapshot, plan, grid, readers: readers::all(snapshot) }
    }
}

impl Scene<'_> {
    /// Lab time now, in microseconds.
    fn now_us(&self) -> u64 {
        self.snapshot.clock.lab_us
    }

    /// Lab microseconds since an instant.
    fn since_us(&self, at_us: u64) -> u64 {
        self.now_us().saturating_sub(at_us)
    }

    /// Whether messages move slowly enough to be followed.
    fn slow(&self) -> bool {
        let clock = self.snapshot.clock;
        self.snapshot.capabilities.see_messages && (clock.paused || clock.rate_ppm <= SLOW_PPM)
    }

    /// How long a change is white: lab microseconds; longer for a hall.
    fn flash_us(&self) -> u64 {
        if self.model.presenter { 2 * FLASH_US } else { FLASH_US }
    }

    /// How long what is new says so: lab microseconds; longer for a hall.
    fn new_us(&self) -> u64 {
        if self.model.presenter { 2 * NEW_US } else { NEW_US }
    }

    /// The key of a command as it is bound now, or nothing where it is not bound.
    fn key(&self, command: &str) -> &str {
        let entry = self.model.commands.iter().find(|entry| entry.name == command);
        entry.and_then(|entry| entry.keys.first()).map_or("", String::as_str)
    }
}

/// From this rate down single messages are shown.
const SLOW_PPM: u64 = 100_000;

/// How long a change is white: lab microseconds.
const FLASH_US: u64 = 1_000_000;

/// How long what is new says so: lab microseconds.
const NEW_US: u64 = 5_000_000;

impl ClusterView {
    /// Puts a line at a place of the terminal; it may reach to the right edge of `within`.
    fn put(&mut self, within: Area, x: u16, y: u16, line: Line) {
        let right = within.x.saturating_add(within.width);
        let bottom = within.y.saturating_add(within.height);
        if x < right && y < bottom && !line.spans.is_empty() {
            self.over.push(Placed { area: Area { x, y, width: right - x, height: 1 }, line });
        }
    }
}

/// The Cluster screen for a model, in `area`.
pub fn project(model: &Model, area: Area) -> ClusterView {
    let snapshot = &*model.snapshot;
    let chain = chain::project(snapshot);
    let scene = Scene::of(model, area, chain.is_some());
    let mut view = ClusterView { chain, ..ClusterView::default() };
    if scene.grid.numbered {
        many::sketch(&scene, &mut view);
    } else {
        grid::titles(&scene, &mut view);
        cells::verdicts(&scene, &mut view);
        clients::sketch(&scene, &mut view);
    }
    cells::sketch(&scene, &mut view);
    brokers::sketch(&scene, &mut view);
    cursor::sketch(&scene, &mut view);
    flight::sketch(&scene, &mut view);
    lower_part(&scene, &mut view);
    flow::sketch(&scene, &mut view);
    view
}

/// Below the rule: the chain, or what to do first; then messages in flight, then events.
fn lower_part(scene: &Scene<'_>, view: &mut ClusterView) {
    let plan = &scene.plan;
    let mut rest = plan.lower;
    let slow = scene.slow() && !scene.snapshot.in_flight.is_empty();
    let title = if view.chain.is_some() || !(start::shows(scene) || slow) {
        "what happened, and why"
    } else if slow {
        "in flight"
    } else {
        "start here"
    };
    if let Some(y) = plan.rule {
        view.put(plan.area, plan.area.x, y, rule(title, plan.area.width));
    }
    if view.chain.is_some() {
        rest = chain::sketch(scene, view, rest);
    } else if start::shows(scene) && !slow {
        rest = start::sketch(scene, view, rest);
    }
    if slow {
        rest = flight::list(scene, view, rest);
    }
    news::sketch(scene, view, rest);
}

/// A thin line across the screen with a word in it.
fn rule(title: &str, width: u16) -> Line {
    use super::role::Role;
    let used = 4 + super::line::columns(title);
    let tail = "─".repeat(usize::from(width.saturating_sub(used)));
    Line::of(Role::Rule, "── ").with(Role::Dim, title.to_owned()).with(Role::Rule, format!(" {tail}"))
}
