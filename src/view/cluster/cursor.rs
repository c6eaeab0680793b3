//! What is selected in the table: what can be reached on the screen as it is, and the marks that show where one stands. A
//! mark changes no colour that means something: it uses the free columns beside a cell, and the free rows around it.

use crate::model::Model;
use crate::model::cluster::{Column as At, Reach, Row};
use crate::model::place::Selection;
use crate::session::snapshot::TopicPartition;
use crate::view::{Area, Hit, Target};

use super::grid::{Column, Stack};
use super::plan::Room;
use super::{ClusterView, Scene};

/// A selected cell.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Marked {
    /// The cell.
    pub cell: Area,
    /// Its column, from the row above the first broker to the one below the last.
    pub column: Area,
    /// Whether the mark takes the halves of the cell's own edges, because no column beside it is free.
    pub half: bool,
    /// Whether the rows above and below the cell are free.
    pub framed: bool,
}

/// What can be reached by moving, on the screen as it is.
pub fn reach(model: &Model) -> Reach {
    let scene = Scene::of(model, crate::view::body_area(model), super::chain::project(&model.snapshot).is_some());
    let mut rows: Vec<Row> = Vec::new();
    if !scene.grid.numbered && scene.plan.producers.is_some() {
        rows.extend(super::clients::producers_shown(&scene).iter().map(|producer| Row::Producer(producer.id)));
    }
    rows.extend(scene.snapshot.brokers.keys().map(|id| Row::Broker(*id)));
    if let Some(shown) = scene.plan.consumers.filter(|_| !scene.grid.numbered) {
        rows.extend(scene.readers.iter().take(usize::from(shown.count)).map(|reader| reader.row.clone()));
    }
    let columns = scene.grid.columns.iter().map(|column| match column.stack {
        Stack::Partition(_) => partition_of(column).map_or_else(|| At::Topic(column.topic.clone()), At::Partition),
        Stack::Topic => At::Topic(column.topic.clone()),
    });
    Reach { rows, columns: columns.collect() }
}

/// The partition of a column.
fn partition_of(column: &Column) -> Option<TopicPartition> {
    let Stack::Partition(partition) = column.stack else { return None };
    Some(TopicPartition { topic: column.topic.clone(), partition })
}

/// The mark of the selected cell, and clicks on all cells.
pub(super) fn sketch(scene: &Scene<'_>, view: &mut ClusterView) {
    let plan = &scene.plan;
    for (at, id) in plan.shown.iter().enumerate() {
        for column in &scene.grid.columns {
            let Some(partition) = partition_of(column) else { continue };
            let area = Area { x: column.x, y: plan.broker_row(at), width: column.width, height: plan.cell };
            view.hits.push(Hit { area, target: Target::Select(Selection::Replica(*id, partition)) });
        }
    }
    let place = &scene.model.cluster;
    let (Some(Row::Broker(id)), Some(at), None) = (place.row(), &place.column, place.event) else { return };
    let column = match at {
        At::Partition(at) => scene.grid.column(&at.topic, at.partition),
        At::Topic(name) => scene.grid.columns.iter().find(|column| column.topic == *name),
    };
    let row = plan.shown.iter().position(|shown| *shown == id);
    let (Some(column), Some(row)) = (column, row) else { return };
    let cell = Area { x: column.x, y: plan.broker_row(row), width: column.width, height: plan.cell };
    let top = plan.brokers.saturating_sub(u16::from(plan.arrows));
    let bottom = plan.below_brokers() + u16::from(plan.arrows);
    let whole = Area { y: top, height: bottom.saturating_sub(top), ..cell };
    view.marked = Some(Marked { cell, column: whole, half: column.half, framed: plan.arrows });
}

/// The bar at the left edge of a selected row of `height` rows, in place of a broker's.
pub(super) fn bar(scene: &Scene<'_>, view: &mut ClusterView, row: &Row, area: Area) {
    let target = match row {
        Row::Producer(id) => Selection::Producer(*id),
        Row::Consumer(id) => Selection::Consumer(*id),
        Row::Group(id) => Selection::Group(id.clone()),
        Row::Broker(id) => Selection::Broker(*id),
    };
    view.hits.push(Hit { area, target: Target::Select(target) });
    if scene.model.cluster.event.is_none() && scene.model.cluster.row().as_ref() == Some(row) {
        let x = if scene.plan.room == Room::Compact { area.x } else { scene.plan.area.x };
        view.selected = Some(Area { x, width: 1, ..area });
    }
}
