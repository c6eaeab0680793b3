//! One broker in detail. Where the screen is wide, two columns: what it holds at the left, who talks to it at the right.

use std::sync::Arc;

use crate::session::snapshot::{Broker, BrokerState, Partition, Snapshot, Topic};
use crate::view::Area;
use crate::view::format::{self, count, plural};
use crate::view::line::Line;
use crate::view::role::Role;
use crate::view::sheet::{Sheet, left, right};
use crate::view::text::safe_str;

use super::{since, state};

/// From this many columns on there are two columns.
const TWO: u16 = 106;

/// A titled list that is cut where there is no room.
struct Block {
    title: &'static str,
    note: String,
    lines: Vec<Line>,
}

impl Block {
    /// Rows that it wants, its title included.
    fn rows(&self) -> u16 {
        u16::try_from(self.lines.len()).unwrap_or(u16::MAX).saturating_add(1)
    }

    /// Draws the block in at most `most` rows below its title; returns what is left of the area below it and its `gap`.
    fn draw(&self, area: Area, most: u16, gap: u16, sheet: &mut Sheet) -> Area {
        if area.height < 2 {
            return area;
        }
        sheet.put_title(area, self.title, &self.note);
        let rows = area.below(1).top(most.min(area.height - 1));
        let count = u16::try_from(self.lines.len()).unwrap_or(u16::MAX);
        let cut = count > rows.height;
        let shown = rows.height.saturating_sub(u16::from(cut)).min(count);
        for (y, line) in (0..shown).zip(&self.lines) {
            sheet.put(rows.row(y), line.clone());
        }
        if cut {
            sheet.put(rows.row(shown), Line::of(Role::Faint, format!("  and {} more", count - shown)));
        }
        area.below(1 + shown + u16::from(cut) + gap)
    }
}

/// The detail on the whole screen.
pub(super) fn draw(snapshot: &Snapshot, broker: &Broker, area: Area, sheet: &mut Sheet) {
    let inner = Area { x: area.x + 2, width: area.width.saturating_sub(4), ..area };
    sheet.put(inner.row(1), Line::of(Role::Dim, "Brokers › ").append(heading(snapshot, broker)));
    sheet.put(inner.row(2), facts(snapshot, broker));
    blocks(snapshot, broker, inner.below(4), sheet);
}

/// What it holds, who talks to it.
fn blocks(snapshot: &Snapshot, broker: &Broker, body: Area, sheet: &mut Sheet) {
    let (holds, talks) = ([partitions(snapshot, broker), requests(broker)], [connections(broker), settings(broker)]);
    if body.width >= TWO {
        let half = (body.width - 4) / 2;
        column(&holds, Area { width: half, ..body }, sheet);
        column(&talks, Area { x: body.x + half + 4, width: half, ..body }, sheet);
        return;
    }
    let [first, second] = holds;
    let [third, fourth] = talks;
    column(&[first, third, second, fourth], body, sheet);
}

/// The detail below the table.
pub(super) fn preview(snapshot: &Snapshot, broker: &Broker, area: Area, sheet: &mut Sheet) {
    let inner = Area { x: area.x + 2, width: area.width.saturating_sub(4), ..area };
    sheet.put(inner.row(0), heading(snapshot, broker));
    blocks(snapshot, broker, inner.below(2), sheet);
}

/// Blocks below each other, with air where there is room; each leaves a share to those after it.
fn column(blocks: &[Block], area: Area, sheet: &mut Sheet) {
    let wanted =
        |blocks: &[Block], gap: u16| blocks.iter().fold(0_u16, |sum, block| sum.saturating_add(block.rows() + gap));
    let gap = u16::from(wanted(blocks, 1) <= area.height.saturating_add(1));
    let mut rest = area;
    for (at, block) in blocks.iter().enumerate() {
        let after = blocks.get(at + 1..).unwrap_or_default();
        let share = rest.height / u16::try_from(after.len() + 1).unwrap_or(1);
        let free = rest.height.saturating_sub(wanted(after, gap) + gap);
        rest = block.draw(rest, share.max(free).saturating_sub(1).max(1), gap, sheet);
    }
}

fn heading(snapshot: &Snapshot, broker: &Broker) -> Line {
    let (role, sign, word) = state(broker);
    let line = Line::of(Role::Strong, format!("broker-{}", broker.id))
        .with(role, format!("  {sign} {word}"))
        .with(Role::Dim, format!(" for {}", since(snapshot, broker)));
    if broker.controller { line.with(Role::Control, "  ♛ controller") } else { line }
}

fn facts(snapshot: &Snapshot, broker: &Broker) -> Line {
    let mut line = Line::of(Role::Text, broker.address.as_ref());
    if let Some(rack) = &broker.rack {
        line = line.with(Role::Dim, "   rack ").with(Role::Text, safe_str(rack));
    }
    if let Some(session) = &broker.session {
        let words = if session.expired {
            "expired".to_owned()
        } else if session.held {
            "held: nobody leads ZooKeeper".to_owned()
        } else {
            format!(
                "silent for {}, ends in {}",
                format::duration_ms(session.silent_ms),
                format::duration_ms(session.ends_in_ms)
            )
        };
        let role = if session.expired || broker.state == BrokerState::Dead { Role::Bad } else { Role::Text };
        line = line.with(Role::Dim, "   session ").with(role, words);
    }
    if let (true, Some(epoch)) = (broker.controller, snapshot.controller_epoch) {
        line = line.with(Role::Dim, "   controller epoch ").with(Role::Text, epoch.to_string());
    }
    line.with(Role::Dim, "   logs ").with(Role::Text, format::bytes(broker.log_bytes))
}

/// What a broker's copy of a partition is, as a chip.
fn chip(broker: &Broker, partition: &Partition) -> (Role, String) {
    let id = partition.id;
    if broker.state == BrokerState::Dead {
        return (Role::Dead, format!("×{id} "));
    }
    if partition.leader == Some(broker.id) {
        return (Role::Leader, format!(" {id} "));
    }
    if partition.isr.contains(&broker.id) {
        (Role::Follower, format!(" {id} "))
    } else {
        (Role::Behind, format!("▲{id} "))
    }
}

/// Per topic the partitions that it holds.
fn partitions(snapshot: &Snapshot, broker: &Broker) -> Block {
    let note = if broker.state == BrokerState::Dead {
        format!("it keeps {} that nobody can reach", plural(usize::try_from(broker.replicas).unwrap_or(0), "copy"))
    } else if broker.state == BrokerState::DiskFailed {
        format!("it cannot write to {}", plural(usize::try_from(broker.replicas).unwrap_or(0), "copy"))
    } else {
        format!("leads {}, follows {}", broker.leaders, broker.replicas.saturating_sub(broker.leaders))
    };
    let mut lines = Vec::new();
    for topic in snapshot.topics.values() {
        let mine: Vec<&Arc<Partition>> =
            topic.partitions.iter().filter(|partition| partition.replicas.contains(&broker.id)).collect();
        if !mine.is_empty() {
            lines.push(topic_line(topic, broker, &mine));
        }
    }
    if lines.is_empty() {
        lines.push(Line::of(Role::Dim, "it holds nothing: topics created from now on will use it"));
    }
    Block { title: "Partitions", note, lines }
}

fn topic_line(topic: &Topic, broker: &Broker, mine: &[&Arc<Partition>]) -> Line {
    let mut line = Line::of(Role::Text, left(&safe_str(&topic.name), 20)).with(Role::Text, " ");
    for partition in mine {
        let (role, text) = chip(broker, partition);
        line = line.with(role, text).with(Role::Text, " ");
    }
    line
}

fn requests(broker: &Broker) -> Block {
    let mut all: Vec<_> = broker.requests.iter().collect();
    all.sort_by(|a, b| b.1.count.cmp(&a.1.count).then_with(|| a.0.cmp(b.0)));
    let total: u64 = all.iter().map(|(_, n)| n.count).sum();
    let lines = all.iter().map(|(name, n)| {
        let line = Line::of(Role::Text, left(&safe_str(name), 24)).with(Role::Strong, right(&count(n.count), 12));
        if n.errors > 0 {
            line.with(Role::Warn, format!("   ▲ {} answered with an error", count(n.errors)))
        } else {
            line
        }
    });
    let lines: Vec<Line> = lines.collect();
    let note = if total > 0 { format!("{} answered", count(total)) } else { "none yet".into() };
    Block { title: "Requests", note, lines }
}

fn connections(broker: &Broker) -> Block {
    let outside = broker.connections.iter().filter(|connection| connection.socket).count();
    let lines = broker.connections.iter().map(|connection| {
        let (role, sign) = if connection.socket { (Role::Accent, "◆ ") } else { (Role::Faint, "· ") };
        Line::of(role, sign)
            .with(Role::Text, left(&safe_str(&connection.client_id), 18))
            .with(Role::Dim, format!(" {} ", left(&safe_str(&connection.peer), 18)))
            .with(Role::Dim, left(&safe_str(&connection.software), 18))
            .with(Role::Strong, right(&count(connection.requests), 9))
    });
    let lines: Vec<Line> = lines.collect();
    let note = match (lines.len(), broker.state) {
        (0, BrokerState::Dead) => "none: it is dead".into(),
        (0, _) => "none yet: its address stands above".into(),
        (all, _) => format!("{}, {outside} from outside (◆), with their requests", plural(all, "client")),
    };
    Block { title: "Connections", note, lines }
}

fn settings(broker: &Broker) -> Block {
    let lines = broker.settings.iter().map(|setting| {
        let role = if setting.source.as_ref() == "default" { Role::Dim } else { Role::Strong };
        Line::of(Role::Text, left(&safe_str(&setting.name), 34))
            .with(role, left(&safe_str(&setting.value), 18))
            .with(Role::Faint, format!(" {}", safe_str(&setting.source)))
    });
    Block { title: "Settings", note: "and where they come from".into(), lines: lines.collect() }
}
