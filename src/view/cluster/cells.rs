//! The cells: what a broker's replica of a partition is, and what each column has to say. A cell that is in order has no
//! mark; a column without a filled cell is the accident.

use crate::session::snapshot::{Broker, BrokerState, Copy, Partition};
use crate::view::Area;
use crate::view::line::Line;
use crate::view::role::Role;

use super::grid::{Column, Stack, partition};
use super::plan::Room;
use super::{ClusterView, Scene, Verdict};

/// What a replica is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CellState {
    /// The leader.
    Leader,
    /// The leader, for so short a time that it should jump to the eye; `white` for the first second.
    NewLeader {
        /// Whether the change itself is still shown.
        white: bool,
    },
    /// A follower in sync.
    Follower,
    /// A follower out of sync that lacks so many records.
    Behind {
        /// Records up to the leader's log end.
        lacks: i64,
    },
    /// In sync, and the partition has no leader: it may become it.
    Candidate,
    /// On a dead broker.
    Dead {
        /// Whether it led, as ZooKeeper still has it.
        led: bool,
    },
    /// This broker hosts no replica.
    Absent,
    /// A whole topic: how many partitions are led here, and how many replicas here are out of sync.
    Folded {
        /// Partitions led.
        leads: usize,
        /// Replicas out of sync.
        behind: usize,
    },
}

/// One cell, as it is drawn.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cell {
    /// Where it lies.
    pub area: Area,
    /// Whether its edges are half blocks: half a column stays free at both sides.
    pub half: bool,
    /// What it is.
    pub state: CellState,
    /// Its fill and its number's style.
    pub fill: Role,
    /// Its small print's style.
    pub small: Role,
    /// Its number.
    pub text: String,
    /// Its number where fills do not show: with a mark.
    pub marked: String,
    /// Its small print in the last row, if it has more than one.
    pub note: String,
    /// Whether the small print stands in the middle rather than at the right.
    pub note_centred: bool,
    /// Columns, from the left, of what is already copied.
    pub done: u16,
    /// Whether its number is in large type.
    pub large: bool,
}

/// The role of a state's fill.
fn fill(state: CellState) -> Role {
    match state {
        CellState::NewLeader { white: true } => Role::Changed,
        CellState::Follower | CellState::Folded { leads: 0, behind: 0 } => Role::Follower,
        CellState::Behind { .. } | CellState::Folded { behind: 1.., .. } => Role::Behind,
        CellState::Leader | CellState::NewLeader { .. } | CellState::Folded { .. } => Role::Leader,
        CellState::Candidate => Role::NoLeader,
        CellState::Dead { .. } => Role::Dead,
        CellState::Absent => Role::Rule,
    }
}

/// The number with the mark that tells the state without a fill.
fn marked(state: CellState, text: &str) -> String {
    match state {
        CellState::Leader | CellState::NewLeader { .. } | CellState::Folded { leads: 1.., behind: 0 } => {
            format!("[{text}]")
        }
        CellState::Behind { .. } => format!("!{text}"),
        CellState::Candidate => format!("?{text}"),
        CellState::Dead { .. } => format!("x{text}"),
        CellState::Follower | CellState::Absent | CellState::Folded { .. } => text.to_owned(),
    }
}

/// What `broker`'s replica of a partition is.
fn state_of(scene: &Scene<'_>, broker: &Broker, partition: &Partition) -> CellState {
    let dead = matches!(broker.state, BrokerState::Dead | BrokerState::DiskFailed);
    if !partition.replicas.contains(&broker.id) {
        return CellState::Absent;
    }
    if dead {
        let led = partition.leader.is_none() && partition.recorded_leader == Some(broker.id);
        return CellState::Dead { led };
    }
    if partition.leader == Some(broker.id) {
        let age = scene.since_us(partition.leader_changed_us);
        let new = partition.leader_changed_us > 0 && age < scene.new_us();
        return if new { CellState::NewLeader { white: age < scene.flash_us() } } else { CellState::Leader };
    }
    if !partition.isr.contains(&broker.id) {
        return CellState::Behind { lacks: lacks(partition, broker.id).unwrap_or(0) };
    }
    if partition.leader.is_none() { CellState::Candidate } else { CellState::Follower }
}

/// How many records a replica lacks, where its log can be seen.
fn lacks(partition: &Partition, broker: i32) -> Option<i64> {
    partition.copies.get(&broker).map(|copy| (partition.log_end - copy.log_end).max(0))
}

/// Columns of a cell that stand for what is already copied since the replica fell behind.
fn done_columns(copy: Option<&Copy>, lacks: i64, width: u16) -> u16 {
    let most = copy.map_or(0, |copy| copy.behind_at_most).max(lacks).max(1);
    let done = i64::from(width) * (most - lacks) / most;
    u16::try_from(done).unwrap_or(0).min(width)
}

/// An offset in at most `width` columns: the digits, or thousands, or millions.
fn small_number(n: i64, width: usize) -> String {
    let shorter =
        [n.to_string(), format!("{}k", n / 1_000), format!("{}M", n / 1_000_000), format!("{}G", n / 1_000_000_000)];
    shorter.into_iter().find(|text| text.len() <= width).unwrap_or_default()
}

/// Small print: what it says, and whether it stands in the middle.
fn note(scene: &Scene<'_>, state: CellState, partition: &Partition, broker: i32, width: usize) -> (String, bool) {
    match state {
        CellState::NewLeader { .. } => ("NEW".into(), true),
        CellState::Leader => (small_number(partition.log_end, width), false),
        CellState::Candidate => ("wait".into(), false),
        CellState::Behind { lacks: 0 } => ("same".into(), false),
        CellState::Behind { lacks } => (format!("−{}", small_number(lacks, width.saturating_sub(1))), false),
        CellState::Follower if scene.slow() => match lacks(partition, broker) {
            Some(lacks) if lacks > 0 => (format!("−{}", small_number(lacks, width.saturating_sub(1))), false),
            _ => (String::new(), false),
        },
        _ => (String::new(), false),
    }
}

/// The partition's number in a cell: its last digit where only one fits.
fn number(id: i32, width: u16) -> String {
    if width < 2 { (id % 10).to_string() } else { id.to_string() }
}

fn cell(scene: &Scene<'_>, broker: &Broker, partition: &Partition, column: &Column, y: u16) -> Cell {
    let state = state_of(scene, broker, partition);
    let height = scene.plan.cell;
    let inner = usize::from(column.width.saturating_sub(if column.half { 2 } else { 0 }));
    let (note, note_centred) = note(scene, state, partition, broker.id, inner.max(usize::from(column.width.min(5))));
    let number_columns = crate::view::large::columns(&number(partition.id, column.width));
    let large = scene.plan.large && state != CellState::Absent && number_columns + 2 <= column.width;
    let (note, note_centred) = match state {
        CellState::Leader if scene.plan.large => (String::new(), false),
        _ if large && height <= crate::view::large::ROWS => (String::new(), false),
        _ if scene.plan.large && crate::view::line::columns(&note) > column.width => (String::new(), false),
        _ if scene.plan.large => (note, true),
        _ => (note, note_centred),
    };
    let text = match state {
        CellState::Absent => "·".to_owned(),
        CellState::Dead { led: true } if !large && column.width >= 5 => format!("[{}]", partition.id),
        _ => number(partition.id, column.width),
    };
    let done = match state {
        CellState::Behind { lacks } => done_columns(partition.copies.get(&broker.id), lacks, column.width),
        _ => 0,
    };
    Cell {
        area: Area { x: column.x, y, width: column.width, height },
        half: column.half,
        fill: fill(state),
        small: match state {
            CellState::Leader => Role::LeaderNote,
            CellState::Follower => Role::FollowerNote,
            _ => fill(state),
        },
        marked: if state == CellState::Absent {
            text.clone()
        } else {
            marked(state, &number(partition.id, column.width))
        },
        text,
        note,
        note_centred,
        done,
        large,
        state,
    }
}

/// The cell of a whole topic; `quiet` makes it darker.
fn folded(scene: &Scene<'_>, broker: &Broker, column: &Column, y: u16) -> Cell {
    let partitions = scene.snapshot.topics.get(&column.topic).map_or(&[][..], |topic| &topic.partitions);
    let dead = broker.state == BrokerState::Dead;
    let here = partitions.iter().filter(|partition| partition.replicas.contains(&broker.id));
    let leads = partitions.iter().filter(|partition| partition.leader == Some(broker.id)).count();
    let behind = here.clone().filter(|partition| !partition.isr.contains(&broker.id)).count();
    let state = match (dead, here.count()) {
        (_, 0) => CellState::Absent,
        (true, _) => CellState::Dead { led: false },
        (false, _) => CellState::Folded { leads, behind },
    };
    let text = match state {
        CellState::Absent => "·".to_owned(),
        CellState::Folded { behind: 1.., .. } => format!("−{behind}"),
        CellState::Folded { leads: 1.., .. } => leads.to_string(),
        _ => String::new(),
    };
    let rate: u64 = partitions.iter().map(|partition| partition.in_per_sec).sum();
    let bright = match fill(state) {
        Role::Leader if scene.grid.numbered && rate < 1_000 => Role::LeaderLow,
        Role::Leader if scene.grid.numbered && rate < 10_000 => Role::LeaderMid,
        role => role,
    };
    Cell {
        area: Area { x: column.x, y, width: column.width, height: scene.plan.cell },
        half: column.half,
        fill: bright,
        small: bright,
        marked: marked(state, &text),
        text,
        note: String::new(),
        note_centred: false,
        done: 0,
        large: false,
        state,
    }
}

/// All cells of the brokers shown, with the arrows of those who write and read.
pub(super) fn sketch(scene: &Scene<'_>, view: &mut ClusterView) {
    let plan = &scene.plan;
    for (at, id) in plan.shown.iter().enumerate() {
        let Some(broker) = scene.snapshot.brokers.get(id) else { continue };
        let y = plan.broker_row(at);
        for column in &scene.grid.columns {
            let made = match partition(scene.snapshot, column) {
                Some(partition) => cell(scene, broker, partition, column, y),
                None if column.stack == Stack::Topic => folded(scene, broker, column, y),
                None => continue,
            };
            below_cell(scene, view, &made, column);
            view.cells.push(made);
        }
        if plan.arrows && !scene.slow() {
            arrows(scene, view, broker, y);
        }
    }
    if plan.arrows && !scene.grid.columns.is_empty() {
        let end = plan.area.x + plan.label - 1;
        let mut word = |text: &str, role, y| {
            view.put(plan.area, end.saturating_sub(crate::view::line::columns(text)), y, Line::of(role, text));
        };
        word("writes ▼", Role::WriteBar, plan.brokers - 1);
        word("reads ▼", Role::ReadBar, plan.below_brokers());
    }
}

/// Cells of one row have their news in the row below them.
fn below_cell(scene: &Scene<'_>, view: &mut ClusterView, cell: &Cell, column: &Column) {
    if scene.plan.cell > 1 || scene.plan.step < 2 {
        return;
    }
    let line = match cell.state {
        CellState::NewLeader { .. } if column.width >= 3 => Line::of(Role::Strong, "new"),
        CellState::NewLeader { .. } => Line::of(Role::Strong, "▴"),
        CellState::Behind { .. } => {
            let done = usize::from(cell.done.saturating_sub(u16::from(cell.half)));
            let rest = usize::from(cell.area.width - u16::from(cell.half)).saturating_sub(done);
            Line::of(Role::Warn, "━".repeat(done)).with(Role::Rule, "─".repeat(rest))
        }
        _ => return,
    };
    let x = (column.centre() + 1).saturating_sub(line.columns().div_ceil(2));
    view.put(scene.plan.area, x, cell.area.y + 1, line);
}

/// Arrows at the cells that this broker leads, while records flow: clients talk to leaders.
fn arrows(scene: &Scene<'_>, view: &mut ClusterView, broker: &Broker, y: u16) {
    let plan = &scene.plan;
    for column in &scene.grid.columns {
        let Some(partition) = partition(scene.snapshot, column) else { continue };
        if partition.leader != Some(broker.id) || broker.state == BrokerState::Dead {
            continue;
        }
        if partition.in_per_sec > 0 {
            view.put(plan.area, column.centre(), y - 1, Line::of(Role::WriteBar, "▼"));
        }
        if !partition.held && partition.in_per_sec > 0 && is_read(scene, column) {
            view.put(plan.area, column.centre(), y + plan.cell, Line::of(Role::ReadBar, "▼"));
        }
    }
}

/// Whether a group or a built-in consumer reads the column's partition now.
fn is_read(scene: &Scene<'_>, column: &Column) -> bool {
    scene.readers.iter().filter(|reader| reader.reads()).any(|reader| {
        let mut assigned = reader.assigned.iter();
        assigned.any(|(at, _)| at.topic == column.topic && Stack::Partition(at.partition) == column.stack)
    })
}

/// What a partition has to say, if it is not in order.
fn verdict(partition: &Partition) -> Option<Verdict> {
    let (in_sync, of) = (partition.isr.len(), partition.replicas.len());
    if partition.leader.is_none() {
        Some(Verdict::NoLeader)
    } else if partition.held {
        Some(Verdict::Held)
    } else {
        (in_sync < of).then_some(Verdict::Short { in_sync, of })
    }
}

/// The words of a verdict in `width` columns.
fn words(verdict: Verdict, width: u16) -> (Role, String) {
    match verdict {
        Verdict::NoLeader => (Role::Bad, if width >= 4 { "none" } else { "✖" }.to_owned()),
        Verdict::Held => (Role::Warn, if width >= 4 { "held" } else { "‖" }.to_owned()),
        Verdict::Short { in_sync, of } if width >= 4 => (Role::Warn, format!("{in_sync}/{of}")),
        Verdict::Short { in_sync, of } if width >= 2 => (Role::Warn, format!("−{}", of - in_sync)),
        Verdict::Short { .. } => (Role::Warn, "−".to_owned()),
    }
}

/// The row above the brokers: empty where all is well.
pub(super) fn verdicts(scene: &Scene<'_>, view: &mut ClusterView) {
    let plan = &scene.plan;
    for column in &scene.grid.columns {
        let partitions = scene.snapshot.topics.get(&column.topic).map_or(&[][..], |topic| &topic.partitions);
        let mine = partitions.iter().filter(|partition| stands(column, partition));
        let worst = mine.filter_map(|partition| verdict(partition)).min_by_key(|verdict| rank(*verdict));
        let Some(worst) = worst else { continue };
        view.verdicts.push(worst);
        let (role, text) = words(worst, column.width);
        let line = Line::of(role, text);
        let x = (column.centre() + 1).saturating_sub(line.columns().div_ceil(2));
        view.put(plan.area, x, plan.verdict, line);
    }
    let has = |wanted: fn(&Verdict) -> bool| view.verdicts.iter().any(wanted);
    let none = has(|verdict| *verdict == Verdict::NoLeader);
    let held = has(|verdict| *verdict == Verdict::Held);
    let compact = plan.room == Room::Compact;
    let label = match (none, held, compact) {
        (true, true, false) => Line::of(Role::Bad, "no leader, or held"),
        (true, false, false) => Line::of(Role::Bad, "no leader"),
        (false, true, false) => Line::of(Role::Warn, "held"),
        (true, true, true) => Line::of(Role::Bad, "✖ none ").with(Role::Warn, "‖ held"),
        (true, false, true) => Line::of(Role::Bad, "✖ no leader"),
        (false, true, true) => Line::of(Role::Warn, "‖ held"),
        (false, false, _) if view.verdicts.is_empty() => return,
        (false, false, false) => Line::of(Role::Warn, "replicas in sync"),
        (false, false, true) => Line::of(Role::Warn, "copies lack"),
    };
    let x = (plan.area.x + plan.label).saturating_sub(label.columns() + 1);
    view.put(plan.area, x, plan.verdict, label.cut(usize::from(plan.label)));
}

/// Whether a partition stands in a column.
fn stands(column: &Column, partition: &Partition) -> bool {
    match column.stack {
        Stack::Partition(id) => id == partition.id,
        Stack::Topic => true,
    }
}

/// Worse verdicts first.
fn rank(verdict: Verdict) -> u8 {
    match verdict {
        Verdict::NoLeader => 0,
        Verdict::Held => 1,
        Verdict::Short { .. } => 2,
    }
}
