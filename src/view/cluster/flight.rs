//! Messages on their ways, once time is slow enough to follow them: on their paths in the table, and named with their
//! contents below. A path is a thin line in its column that passes behind the cells of other brokers.

use crate::session::event::NodeRef;
use crate::session::snapshot::{InFlight, MessageKind};
use crate::view::Area;
use crate::view::format;
use crate::view::line::{self, Line};
use crate::view::role::Role;
use crate::view::text::safe_str;

use super::plan::Room;
use super::{ClusterView, Placed, Scene};

/// How many messages have their names on their paths; the others are signs.
const NAMES: usize = 8;

/// How a kind of message looks, and which come first: clients, then copies, then pings.
fn sign(kind: MessageKind) -> (Role, &'static str, u8) {
    match kind {
        MessageKind::Produce => (Role::Write, "●", 0),
        MessageKind::ProduceAck => (Role::Write, "✓", 0),
        MessageKind::ConsumerFetch => (Role::Read, "○", 2),
        MessageKind::ConsumerRecords => (Role::Read, "●", 1),
        MessageKind::ReplicaFetch => (Role::Copy, "○", 4),
        MessageKind::ReplicaRecords => (Role::Copy, "●", 3),
        MessageKind::Control => (Role::Control, "◆", 0),
        MessageKind::ZooKeeper => (Role::Control, "◆", 1),
        MessageKind::Client => (Role::Text, "○", 2),
        MessageKind::Ping => (Role::Control, "◇", 5),
    }
}

/// How far a message is, in thousandths of its way.
fn progress(message: &InFlight, now_us: u64) -> u64 {
    let way = message.due_us.saturating_sub(message.sent_us).max(1);
    (now_us.saturating_sub(message.sent_us) * 1000 / way).min(1000)
}

/// The messages in the order in which they get names; those that pulled records come before empty questions.
fn ranked<'a>(scene: &Scene<'a>) -> Vec<&'a InFlight> {
    let mut all: Vec<&InFlight> = scene.snapshot.in_flight.iter().collect();
    all.sort_by_key(|message| (sign(message.kind).2, message.due_us, message.id));
    all
}

/// Someone by name.
fn name(node: &NodeRef) -> String {
    match node {
        NodeRef::Operator => "you".into(),
        NodeRef::Zk(id) => format!("zk-{id}"),
        NodeRef::Broker(id) => format!("broker-{id}"),
        NodeRef::Producer(_, name) | NodeRef::Consumer(_, name) | NodeRef::Outside(name) => safe_str(name),
    }
}

/// The messages on their paths, where the rows between the cells leave room for them.
pub(super) fn sketch(scene: &Scene<'_>, view: &mut ClusterView) {
    if !scene.slow() || !scene.plan.arrows {
        return;
    }
    let mut taken: Vec<Area> = Vec::new();
    let mut names = NAMES;
    for message in ranked(scene) {
        let Some(spot) = spot(scene, message) else { continue };
        let (role, sign, _) = sign(message.kind);
        let mut label = Line::of(role, sign);
        if spot.link {
            let words = format!("{} on its way", short_name(message).to_lowercase());
            view.put(scene.plan.area, scene.plan.spine() + 2, spot.head + 1, Line::of(role, words));
        } else if names > 0 {
            label = label.with(role, format!(" {}", short_name(message))).with(Role::Text, tag(message));
        }
        let area = |line: &Line| Area { x: spot.x, y: spot.head, width: line.columns() + 1, height: 1 };
        let free = |area: Area, taken: &[Area]| !taken.iter().any(|other| overlap(*other, area));
        if !free(area(&label), &taken) {
            label = Line::of(role, sign);
        }
        if !free(area(&label), &taken) {
            continue;
        }
        names -= usize::from(label.spans.len() > 1 && names > 0);
        taken.push(area(&label));
        for y in spot.path.clone() {
            let area = Area { x: spot.x, y, width: 1, height: 1 };
            view.under.push(Placed { area, line: Line::of(role, "│") });
        }
        view.put(scene.plan.area, spot.x, spot.head, label);
    }
}

fn overlap(a: Area, b: Area) -> bool {
    a.y == b.y && a.x < b.x.saturating_add(b.width) && b.x < a.x.saturating_add(a.width)
}

/// The word on a path.
fn short_name(message: &InFlight) -> String {
    match message.kind {
        MessageKind::ProduceAck => "ack".into(),
        MessageKind::ReplicaRecords | MessageKind::ConsumerRecords if message.records > 0 => {
            format::plural(usize::try_from(message.records).unwrap_or(usize::MAX), "record")
        }
        _ => safe_str(&message.name),
    }
}

/// What tells a message from others of its kind.
fn tag(message: &InFlight) -> String {
    match (message.kind, &message.key, message.offset) {
        (_, Some(key), _) => format!(" {}", line::cut(&safe_str(key), 12)),
        (MessageKind::ReplicaFetch, _, Some(offset)) => format!(" from {offset}"),
        (MessageKind::ProduceAck, _, Some(offset)) => format!(" {offset}"),
        (MessageKind::ReplicaRecords | MessageKind::ConsumerRecords, ..) => format!(" for {}", name(&message.to)),
        (MessageKind::ConsumerFetch, ..) => format!(" {}", name(&message.from)),
        (MessageKind::Ping | MessageKind::ZooKeeper, ..) => String::new(),
        _ => format!(" to {}", name(&message.to)),
    }
}

/// A message's place: the column, the row of its head, the rows of its path so far.
struct Spot {
    x: u16,
    head: u16,
    path: std::ops::Range<u16>,
    /// Whether it moves on a session's line: its words stand beside it.
    link: bool,
}

fn spot(scene: &Scene<'_>, message: &InFlight) -> Option<Spot> {
    let done = progress(message, scene.now_us());
    if let (NodeRef::Broker(id), NodeRef::Zk(_)) | (NodeRef::Zk(_), NodeRef::Broker(id)) = (&message.from, &message.to)
    {
        return on_the_link(scene, *id, matches!(message.to, NodeRef::Zk(_)), done);
    }
    let at = message.partition.as_ref()?;
    let x = scene.grid.column(&at.topic, at.partition)?.centre();
    let from = row_of(scene, &message.from, &message.to)?;
    let to = row_of(scene, &message.to, &message.from)?;
    let wanted = walk(from, to, done);
    let head = free_row(scene, wanted, from, to)?;
    let replica =
        matches!(message.kind, MessageKind::ReplicaFetch | MessageKind::ReplicaRecords | MessageKind::Control);
    let path = if replica {
        head..head
    } else if from < head {
        from..head
    } else {
        head + 1..from + 1
    };
    Some(Spot { x, head, path, link: false })
}

/// The row at `done` thousandths of the way between two rows.
fn walk(from: u16, to: u16, done: u64) -> u16 {
    let way = u64::from(from.abs_diff(to)) * done / 1000;
    let way = u16::try_from(way).unwrap_or(0);
    if to > from { from + way } else { from - way.min(from) }
}

/// The nearest row without cells: heads are never drawn on a cell.
fn free_row(scene: &Scene<'_>, wanted: u16, from: u16, to: u16) -> Option<u16> {
    let plan = &scene.plan;
    let on_cells = |y: u16| {
        (0..plan.shown.len()).any(|at| (plan.broker_row(at)..plan.broker_row(at) + plan.cell).contains(&y))
            || y == plan.topics
    };
    let (low, high) = (from.min(to), from.max(to));
    (low..=high).filter(|y| !on_cells(*y)).min_by_key(|y| y.abs_diff(wanted))
}

/// The row where someone's messages begin or end, on the side of the other one.
fn row_of(scene: &Scene<'_>, node: &NodeRef, other: &NodeRef) -> Option<u16> {
    let plan = &scene.plan;
    match node {
        // Outside clients stand above the brokers, whatever they do: they have no rows of their own.
        NodeRef::Producer(..) | NodeRef::Outside(_) => Some(plan.topics.saturating_sub(1)),
        NodeRef::Consumer(..) => Some(plan.below_brokers()),
        NodeRef::Broker(id) => {
            let at = plan.shown.iter().position(|shown| shown == id)?;
            let below = match other {
                NodeRef::Broker(other) => plan.shown.iter().position(|shown| shown == other)? > at,
                NodeRef::Consumer(..) => true,
                _ => false,
            };
            let y = plan.broker_row(at);
            Some(if below { y + plan.cell } else { y.saturating_sub(1) })
        }
        NodeRef::Operator | NodeRef::Zk(_) => None,
    }
}

/// A message between a broker and ZooKeeper: on the line of its session.
fn on_the_link(scene: &Scene<'_>, broker: i32, to_zookeeper: bool, done: u64) -> Option<Spot> {
    let plan = &scene.plan;
    let at = plan.shown.iter().position(|shown| *shown == broker)?;
    let y = plan.broker_row(at) + plan.cell.saturating_sub(1) / 2;
    let start = scene.grid.end()? + 1;
    let end = (plan.area.x + plan.area.width).saturating_sub(plan.right + 1);
    let (from, to) = if to_zookeeper { (start, end) } else { (end, start) };
    Some(Spot { x: walk(from, to, done), head: y, path: 0..0, link: true })
}

/// The list of messages in the top half of `area`, each with how far it is; what is left of the area comes back.
pub(super) fn list(scene: &Scene<'_>, view: &mut ClusterView, area: Area) -> Area {
    let all = ranked(scene);
    // The last rows are the events'.
    let rows = area.height.saturating_sub(3).max(1).min(u16::try_from(all.len()).unwrap_or(u16::MAX));
    let wide = scene.plan.room != Room::Compact;
    for (message, y) in all.iter().zip(area.y..area.y + rows) {
        view.put(area, area.x, y, row(scene, message, wide).cut(usize::from(area.width)));
    }
    let more = all.len().saturating_sub(usize::from(rows));
    let mut used = rows;
    if more > 0 && used < area.height {
        view.put(area, area.x, area.y + used, Line::of(Role::Faint, format!("   and {more} more")));
        used += 1;
    }
    used = (used + 1).min(area.height);
    Area { y: area.y + used, height: area.height - used, ..area }
}

fn row(scene: &Scene<'_>, message: &InFlight, wide: bool) -> Line {
    let (role, sign, _) = sign(message.kind);
    let title = line::cut(&safe_str(&message.name), 15);
    let who = line::cut(&format!("{} → {}", name(&message.from), name(&message.to)), if wide { 25 } else { 22 });
    let mut line = Line::of(role, format!(" {sign} {title:<15} ")).with(Role::Text, format!("{who:<25}"));
    if wide {
        let track = 12;
        let at = usize::try_from(progress(message, scene.now_us()) * 11 / 1000).unwrap_or(0);
        line = line
            .with(Role::Rule, "─".repeat(at))
            .with(role, sign)
            .with(Role::Rule, format!("{}▸  ", "─".repeat(track - 1 - at.min(track - 1))));
    }
    contents(message).into_iter().fold(line, |line, words| line.with(Role::Dim, format!("{words}  ")))
}

/// What is in a message, in words.
fn contents(message: &InFlight) -> Vec<String> {
    let mut words = Vec::new();
    if let Some(at) = &message.partition {
        let more = if message.partitions > 1 { format!(" and {} more", message.partitions - 1) } else { String::new() };
        words.push(format!("{}-{}{more}", safe_str(&at.topic), at.partition));
    }
    if message.records > 0 {
        words.push(format::plural(usize::try_from(message.records).unwrap_or(usize::MAX), "record"));
    }
    words.extend(message.key.as_ref().map(|key| format!("key {}", safe_str(key))));
    let asks = matches!(message.kind, MessageKind::ReplicaFetch | MessageKind::ConsumerFetch);
    words.extend(
        message.offset.map(|offset| if asks { format!("from offset {offset}") } else { format!("offset {offset}") }),
    );
    words.push(safe_str(&message.text));
    words.retain(|words| !words.is_empty());
    words
}
