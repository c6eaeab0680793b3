//! More topics than columns: every topic is one numbered column, the busiest first. The digit in a cell is how many
//! partitions the broker leads, brightness is traffic, a minus counts replicas out of sync. Names stand below by number.

use crate::session::snapshot::{Snapshot, Topic};
use crate::view::Area;
use crate::view::line::{self, Line};
use crate::view::role::Role;
use crate::view::text::safe_str;

use super::grid::NAMED;
use super::{ClusterView, Scene};

/// Columns of one name in the list.
const NAME: u16 = 22;

/// Rows of the names and of the words above them, on a screen so wide; 0 where the topics' partitions have columns.
pub(super) fn rows(snapshot: &Snapshot, width: u16) -> u16 {
    let topics = snapshot.topics.len();
    let partitions: usize = snapshot.topics.values().map(|topic| topic.partitions.len()).sum();
    if topics <= NAMED || partitions * 2 + topics * 2 < usize::from(width.saturating_sub(40)) {
        return 0;
    }
    let across = usize::from(width / NAME).max(1);
    u16::try_from(topics.div_ceil(across) + 2).unwrap_or(u16::MAX)
}

/// How the cells are read.
fn legend() -> Line {
    Line::of(Role::Faint, " a number: partitions led here, ")
        .with(Role::LeaderLow, " brighter ")
        .with(Role::Faint, " more traffic, ")
        .with(Role::Follower, "    ")
        .with(Role::Faint, " follows only, ")
        .with(Role::Behind, " −2 ")
        .with(Role::Faint, " replicas out of sync, · none here")
}

/// Whether a topic has a partition that is not in order.
fn troubled(topic: &Topic) -> bool {
    topic
        .partitions
        .iter()
        .any(|partition| partition.leader.is_none() || partition.isr.len() < partition.replicas.len())
}

/// The numbers over the columns, and the names below the brokers.
pub(super) fn sketch(scene: &Scene<'_>, view: &mut ClusterView) {
    let plan = &scene.plan;
    let above = "topics by traffic";
    view.put(
        plan.area,
        plan.area.x + 1,
        plan.topics,
        Line::of(Role::Faint, line::cut(above, usize::from(plan.label - 1))),
    );
    for (column, number) in scene.grid.columns.iter().zip(1..) {
        let bad = scene.snapshot.topics.get(&column.topic).is_some_and(troubled);
        let line = Line::of(if bad { Role::Warn } else { Role::Dim }, format!("{number:>2}"));
        view.put(plan.area, column.x, plan.verdict, line);
    }
    if let Some(rows) = plan.consumers {
        names(scene, view, rows.y);
    }
}

/// The names, in columns, as far as there are rows before the rule.
fn names(scene: &Scene<'_>, view: &mut ClusterView, y: u16) {
    let plan = &scene.plan;
    let rows = plan.rule.unwrap_or(y).saturating_sub(y).max(1);
    let (y, rows) = (y + 2, rows.saturating_sub(2).max(1));
    view.put(plan.area, plan.area.x, y - 1, legend());
    let area = Area { y, height: rows, ..plan.area };
    for (at, column) in scene.grid.columns.iter().enumerate() {
        let (across, down) = (at / usize::from(rows), at % usize::from(rows));
        let (across, down) = (u16::try_from(across).unwrap_or(u16::MAX), u16::try_from(down).unwrap_or(u16::MAX));
        let bad = scene.snapshot.topics.get(&column.topic).is_some_and(troubled);
        let name = line::cut(&safe_str(&column.topic), usize::from(NAME - 6));
        let line = Line::of(Role::Faint, format!("{:>3} ", at + 1));
        let line = if bad { line.with(Role::Warn, format!("{name} ▲")) } else { line.with(Role::Text, name) };
        view.put(area, area.x.saturating_add(across.saturating_mul(NAME)), y + down, line);
    }
}
