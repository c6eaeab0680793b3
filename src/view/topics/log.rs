//! The log of one partition as a picture: its segments to scale, then its newest records, one cell each, one row for every
//! replica, with the marks that say who may read what.

use crate::model::Model;
use crate::session::snapshot::{Partition, Topic};
use crate::view::Area;
use crate::view::format;
use crate::view::line::Line;
use crate::view::role::Role;
use crate::view::sheet::{Sheet, columns, left, right};
use crate::view::text::safe_str;

use super::segments::Log;
use super::{Standing, standing};

/// Columns before the cells: the replica and how it is.
const LABEL: u16 = 22;
/// Columns behind the cells: the log end, and what is to be said of it.
const NOTE: u16 = 26;
/// The same on narrow terminals.
const NARROW_LABEL: u16 = 19;
/// The same on narrow terminals.
const NARROW_NOTE: u16 = 16;

/// From this height on the segments have a row where they have no place of their own.
const STRIP_ROWS: u16 = 16;

/// The window of offsets that the cells show.
#[derive(Clone, Copy)]
struct Cells {
    /// The first offset shown.
    first: i64,
    /// The offset behind the last one shown.
    end: i64,
    /// Columns of a cell with the gap behind it.
    pitch: u16,
    /// Where the first cell stands.
    x: u16,
}

impl Cells {
    /// The column where the cell of an offset begins, or would begin.
    fn column(self, offset: i64) -> u16 {
        let at = u16::try_from((offset.min(self.end) - self.first).max(0)).unwrap_or(u16::MAX);
        self.x.saturating_add(at.saturating_mul(self.pitch))
    }
}

/// The picture; returns what is left below it.
pub(super) fn project(
    model: &Model,
    topic: &Topic,
    partition: &Partition,
    area: Area,
    roomy: bool,
    sheet: &mut Sheet,
) -> Area {
    let mut rest = area;
    let log = Log { topic, partition, now_ms: model.snapshot.clock.date_ms };
    let inner = |area: Area| Area { x: area.x + 1, width: area.width.saturating_sub(2), ..area };
    if roomy {
        let title = format!("The log of {}-{}", safe_str(&topic.name), partition.id);
        sheet.put_title(super::inset(rest), &title, "oldest segment to newest; e changes how long they are kept");
        log.draw(super::inset(rest.below(1)), LABEL, sheet);
        rest = rest.below(5);
    } else if area.height >= STRIP_ROWS {
        let older = log.strip(inner(rest), NARROW_LABEL, sheet);
        if older > 0 {
            sheet.put(inner(rest), Line::of(Role::Dim, format!("segments  +{older}")));
        }
        rest = rest.below(1);
    }
    let note = if area.width >= 110 { NOTE } else { NARROW_NOTE };
    let wide = area.width >= 110;
    let place = if roomy { super::inset(rest) } else { inner(rest) };
    let label = if wide { LABEL } else { NARROW_LABEL };
    let pitch = if wide { 3 } else { 2 };
    let count = i64::from(place.width.saturating_sub(label + note) / pitch);
    let end = partition.copies.values().map(|copy| copy.log_end).max().unwrap_or(0).max(partition.log_end);
    let cells = Cells { first: (end - count).max(0), end, pitch, x: place.x + label };
    marks(partition, cells, place, sheet);
    let mut row = 1;
    for broker in &partition.replicas {
        if replica(model, partition, *broker, cells, place.row(row), note, sheet) {
            row += 1;
        }
    }
    if partition.copies.is_empty() {
        let words = "a client cannot see the other copies' own logs";
        sheet.put(place.row(row), Line::of(Role::Faint, words));
        row += 1;
    }
    meaning(model, partition, cells, place.row(row), sheet);
    rest.below(row + 1)
}

/// The names of the marks over the cells: to the left of their arrows, and the last one to the right where they would touch.
fn marks(partition: &Partition, cells: Cells, row: Area, sheet: &mut Sheet) {
    let stable = partition.last_stable.unwrap_or(partition.high_watermark);
    let mut marks: Vec<(i64, String, Role)> = Vec::new();
    let all = [
        ("LSO", stable, Role::Dim),
        ("HW", partition.high_watermark, Role::Strong),
        ("LEO", partition.log_end, Role::Dim),
    ];
    for (name, offset, role) in all {
        match marks.last_mut() {
            Some((same, names, was)) if *same == offset => {
                *names = format!("{names} = {name}");
                *was = if *was == Role::Strong { *was } else { role };
            }
            _ => marks.push((offset, name.to_owned(), role)),
        }
    }
    // The arrow stands over the last cell that the mark takes in.
    let arrow = |offset: i64| cells.column(offset).saturating_sub(cells.pitch).max(cells.x);
    let mut free_to = row.x + row.width;
    for (at, (offset, names, role)) in marks.iter().enumerate().rev() {
        if *offset <= cells.first {
            continue;
        }
        let text = format!("{names} {}", format::grouped(*offset));
        let width = columns(text.chars().count());
        let here = arrow(*offset);
        let before = at.checked_sub(1).and_then(|at| marks.get(at)).map_or(row.x, |(before, ..)| arrow(*before) + 2);
        let (x, line) = if here > before + width && here < free_to {
            (here - width - 1, Line::of(*role, format!("{text} ▼")))
        } else if here + width + 2 < free_to {
            (here, Line::of(*role, format!("▼ {text}")))
        } else {
            (here, Line::of(*role, "▼"))
        };
        sheet.put(Area { x, width: columns(line.width()), height: 1, ..row }, line);
        free_to = x.saturating_sub(1);
    }
}

/// One replica's row of cells; false where its log cannot be seen.
fn replica(
    model: &Model,
    partition: &Partition,
    broker: i32,
    cells: Cells,
    row: Area,
    note: u16,
    sheet: &mut Sheet,
) -> bool {
    let how = standing(&model.snapshot, partition, broker);
    let seen = partition.copies.get(&broker).copied();
    let (log_start, log_end, agrees_to) = match (seen, how) {
        // The leader's log is the partition's, whether or not its own copy can be seen.
        (_, Standing::Leads) => (partition.log_start, partition.log_end, partition.log_end),
        (Some(copy), _) => (copy.log_start, copy.log_end, copy.agrees_to),
        (None, _) => return false,
    };
    sheet.put(row, label(how, broker));
    let mut line = Line::default();
    for offset in cells.first..cells.end {
        let kept = offset >= log_start && offset < log_end;
        let (role, sign) = if kept { cell(partition, how, offset, agrees_to) } else { (Role::Text, ' ') };
        let width = usize::from(cells.pitch - 1);
        line = line.with(role, format!("{} ", sign.to_string().repeat(width)));
    }
    sheet.put(Area { x: cells.x, width: row.width.saturating_sub(cells.x - row.x), ..row }, line);
    let at = cells.column(cells.end);
    let end = Area { x: at, width: (row.x + row.width).saturating_sub(at).min(note), ..row };
    sheet.put(end, behind(partition, how, log_end, agrees_to, note));
    true
}

/// A record's sign: readable, in an open transaction, above the high watermark, or to be cut.
fn cell(partition: &Partition, how: Standing, offset: i64, agrees_to: i64) -> (Role, char) {
    let role = match how {
        Standing::Leads => Role::Record,
        Standing::InSync | Standing::Behind => Role::RecordCopy,
        Standing::Dead => Role::RecordDead,
    };
    if offset >= agrees_to {
        (Role::Bad, '╱')
    } else if offset >= partition.high_watermark {
        (role, '░')
    } else if offset >= partition.last_stable.unwrap_or(partition.high_watermark) {
        (role, '▒')
    } else {
        (role, '█')
    }
}

fn label(how: Standing, broker: i32) -> Line {
    let name = left(&format!("broker-{broker}"), 10);
    match how {
        Standing::Leads => Line::of(Role::Strong, name).with(Role::Accent, "leads"),
        Standing::InSync => Line::of(Role::Strong, name).with(Role::Dim, "in sync"),
        Standing::Behind => Line::of(Role::Strong, name).with(Role::Warn, "behind"),
        Standing::Dead => Line::of(Role::Dead, name).with(Role::Bad, "dead"),
    }
}

/// The log end, and how far it is from the leader's.
fn behind(partition: &Partition, how: Standing, log_end: i64, agrees_to: i64, note: u16) -> Line {
    let cut = (log_end - agrees_to).max(0);
    let lacks = (partition.log_end - log_end).max(0);
    let line = Line::of(Role::Strong, right(&format::grouped(log_end), 9)).with(Role::Text, "  ");
    let wide = note >= NOTE;
    if cut > 0 {
        line.with(Role::Bad, if wide { format!("{} to cut", format::grouped(cut)) } else { format!("+{cut}") })
    } else if lacks > 0 && how != Standing::Leads {
        let role = if how == Standing::InSync { Role::Dim } else { Role::Warn };
        line.with(role, if wide { format!("{} behind", format::grouped(lacks)) } else { format!("−{lacks}") })
    } else {
        line
    }
}

/// What the cells mean, below them, with an arrow to the selected record.
fn meaning(model: &Model, partition: &Partition, cells: Cells, row: Area, sheet: &mut Sheet) {
    let high = cells.column(partition.high_watermark).saturating_sub(1);
    let stable = cells.column(partition.last_stable.unwrap_or(partition.high_watermark)).saturating_sub(1);
    let readable = stable.saturating_sub(cells.x);
    if readable >= 4 {
        let words = if readable >= 40 { " everyone may read these " } else { "" };
        let dashes = usize::from(readable - 2).saturating_sub(words.len());
        let line = Line::of(Role::Rule, format!("└{}", "─".repeat(dashes / 2)))
            .with(Role::Accent, words)
            .with(Role::Rule, format!("{}┘", "─".repeat(dashes - dashes / 2)));
        sheet.put(Area { x: cells.x, width: readable, ..row }, line);
    }
    if let Some(offset) = model.topics.messages.selected.filter(|offset| (cells.first..cells.end).contains(offset)) {
        let column = cells.column(offset);
        let text = format::grouped(offset);
        let width = columns(text.len());
        let x = column.saturating_sub(width + 1).max(row.x);
        sheet.put(Area { x, width: width + 2, ..row }, Line::of(Role::Strong, format!("{text} ↑")));
    }
    if partition.log_end > partition.high_watermark {
        let x = high.saturating_add(2);
        let width = (row.x + row.width).saturating_sub(x);
        sheet.put(Area { x, width, ..row }, Line::of(Role::Dim, "not everywhere yet"));
    }
}
