//! A lane in time for each partition: who read it, and where nobody did. At its end what that means: committed, log end, lag,
//! trend, time to catch up. Where there is no room for all of them, those of one owner share a lane, until they are looked at
//! one by one.

mod fold;

use crate::model::Model;
use crate::model::groups::Pane;
use crate::model::place::Selection;
use crate::session::snapshot::{Group, GroupPartition, Standing};
use crate::view::chrome::{join, whole_sentences};
use crate::view::format::{self, grouped};
use crate::view::line::{Line, cut, cut_middle};
use crate::view::role::Role;
use crate::view::sheet::{Chosen, Sheet, left, right};
use crate::view::text::safe_str;
use crate::view::{Area, Target};

use super::point::missing_words;
use super::{LEAST_HIGH, Trend, WIDE, caught_up, colours, spark, window};

/// A column behind the lane: head, width, from which width of the area on it is there, and what stands in it.
struct Column {
    name: &'static str,
    width: usize,
    from: u16,
    words: bool,
    cell: fn(&Row, u64) -> Line,
}

const COLUMNS: &[Column] = &[
    Column { name: "now", width: 15, from: 118, words: true, cell: |row, _| row.now.clone() },
    Column { name: "committed", width: 11, from: 140, words: false, cell: |row, _| offset(row.committed) },
    Column { name: "log end", width: 10, from: 140, words: false, cell: |row, _| offset(row.log_end) },
    Column { name: "lag", width: 7, from: 0, words: false, cell: |row, _| lag(&row.partition) },
    Column { name: "trend", width: 11, from: 76, words: true, cell: |row, most| trend(&row.partition, most) },
    Column { name: "caught up in", width: 14, from: 58, words: true, cell: |row, _| clear(&row.partition) },
];

/// A row: a partition, or all of one owner.
struct Row {
    /// Its name.
    label: String,
    /// What there is to see of it: of several, what they add up to.
    partition: GroupPartition,
    /// Offsets, which only one partition has.
    committed: Option<i64>,
    log_end: Option<i64>,
    /// What becomes of it at this moment.
    now: Line,
}

impl Row {
    fn of(group: &Group, partition: &GroupPartition) -> Self {
        Self {
            label: label(group, partition),
            committed: partition.committed,
            log_end: Some(partition.log_end),
            now: now(group, partition),
            partition: partition.clone(),
        }
    }
}

fn shown(width: u16) -> impl Iterator<Item = &'static Column> {
    COLUMNS.iter().filter(move |column| width >= column.from)
}

/// Up to here every partition has a lane of its own, whatever room there is.
const MOST_LANES: usize = 24;

/// How it is laid out.
struct Plan {
    /// Columns of the partition's name and of its owner's.
    label: usize,
    owner: usize,
    /// Cells of the lanes that are shown: the newest.
    cells: usize,
    /// Columns between lanes and numbers.
    gap: usize,
    /// The largest lag in a curve.
    most: u64,
}

impl Plan {
    fn of(group: &Group, rows: &[Row], width: u16) -> Self {
        let named = group.topics.len() > 1;
        let longest = rows.iter().map(|row| row.label.chars().count()).max();
        let most = if named || width >= WIDE { 18 } else { 4 };
        let label = longest.unwrap_or(2).clamp(3, most) + 1;
        let columns: usize = shown(width).map(|column| column.width).sum();
        let tag = rows.iter().filter_map(|row| row.partition.owner.as_ref()).map(|tag| tag.len()).max();
        let owner = tag.unwrap_or(2).max(2) + 1;
        let room = usize::from(width).saturating_sub(label + owner + columns + 1);
        let cells = room.min(Group::LANE_CELLS);
        let most = rows.iter().flat_map(|row| &row.partition.behinds).copied().max().unwrap_or(0);
        Self { label, owner, cells, gap: (room - cells).min(5) + 1, most: most.max(LEAST_HIGH) }
    }

    /// Where the lanes begin.
    fn lanes(&self) -> usize {
        self.label + self.owner
    }
}

/// The name of a partition: its number alone where there is one topic.
fn label(group: &Group, partition: &GroupPartition) -> String {
    if group.topics.len() > 1 {
        format!("{}-{}", safe_str(&partition.at.topic), partition.at.partition)
    } else {
        partition.at.partition.to_string()
    }
}

/// Draws them into `room`; returns what is left of `whole` below them.
pub(super) fn project(model: &Model, group: &Group, room: Area, whole: Area, sheet: &mut Sheet) -> Area {
    if room.height < 2 {
        return whole;
    }
    if group.partitions.is_empty() {
        if group.missing.is_empty() {
            let words = "It reads nothing: nobody has subscribed to a topic, and no offset is committed.";
            sheet.put(room, Line::of(Role::Dim, words));
            return whole.below(1);
        }
        return whole.below(missing(group, room, sheet));
    }
    let count = group.partitions.len();
    let one_by_one = model.groups.opened && model.groups.pane == Pane::Partitions;
    let folded = count > MOST_LANES.min(usize::from(room.height).saturating_sub(1)) && !one_by_one;
    let rows: Vec<Row> = if folded {
        fold::by_owner(group, room.width >= WIDE)
    } else {
        group.partitions.iter().map(|partition| Row::of(group, partition)).collect()
    };
    let plan = Plan::of(group, &rows, room.width);
    let spacious = usize::from(room.height) >= rows.len() + group.missing.len() + 4;
    title(group, &plan, room, (spacious, folded), sheet);
    let mut below = room.below(1);
    if spacious {
        heads(group, &plan, below, sheet);
        below = below.below(1);
    }
    let gone = if usize::from(room.height) > group.missing.len() + 6 { group.missing.len() } else { 0 };
    let kept = usize::from(spacious) + usize::from(folded) + gone;
    let y = lines(model, group, (&plan, &rows), (below, kept), folded, sheet);
    let y = if gone > 0 { y + missing(group, below.below(y), sheet) } else { y };
    if spacious {
        sheet.put(below.row(y), axis(group, &plan));
    }
    let y = y + u16::from(spacious);
    if folded {
        let words = format!("{}Tab shows all {count} partitions, one by one", " ".repeat(plan.label));
        sheet.put(below.row(y), Line::of(Role::Faint, words));
    }
    whole.below(room.height - below.height + y + u16::from(folded))
}

/// A row for each topic that is not there: it has no partitions to show. Returns how many rows that are.
fn missing(group: &Group, room: Area, sheet: &mut Sheet) -> u16 {
    let mut y = 0;
    for missing in group.missing.iter().take(room.height.into()) {
        let sign = if missing.deleted { "✖ deleted: " } else { "– not there: " };
        let line =
            Line::of(Role::Warn, format!(" {sign}")).with(Role::Strong, cut_middle(&safe_str(&missing.topic), 30));
        let words = missing_words(missing);
        let left = usize::from(room.width).saturating_sub(line.width() + 2);
        sheet.put(room.row(y), line.with(Role::Dim, format!("  {}", whole_sentences(&words, left))));
        y += 1;
    }
    y
}

/// The rows, as many as there is room for; returns how many rows of the screen they take.
fn lines(
    model: &Model,
    group: &Group,
    (plan, all): (&Plan, &[Row]),
    (room, kept): (Area, usize),
    folded: bool,
    sheet: &mut Sheet,
) -> u16 {
    let fit = usize::from(room.height).saturating_sub(kept);
    let count = all.len();
    let shown = if count > fit { fit.saturating_sub(1) } else { count };
    let chosen = model.groups.partition.as_ref();
    let at = chosen.and_then(|at| all.iter().position(|row| row.partition.at == *at)).filter(|_| !folded).unwrap_or(0);
    let first = window(count, at, shown);
    // A row between the lanes where there are few: it is easier on the eye.
    let pitch = if usize::from(room.height) > shown * 2 + 6 && shown <= 4 { 2 } else { 1 };
    let mut y = 0;
    for row in all.iter().skip(first).take(shown) {
        let is_chosen = chosen == Some(&row.partition.at) && model.groups.opened;
        let chosen = Chosen::when(is_chosen && model.groups.pane == Pane::Partitions, true);
        let place = room.row(y);
        let edge = Area { x: place.x.saturating_sub(1), width: place.width + 1, ..place };
        let target = Target::Select(Selection::GroupPartition(group.id.clone(), row.partition.at.clone()));
        sheet.put_row(edge, line(group, plan, row, room.width), chosen, target);
        y += pitch;
    }
    if count > shown {
        let what = if folded { "owners" } else { "partitions; Tab, then j and k" };
        let words = format!("{}and {} more {what}", " ".repeat(plan.label), count - shown);
        sheet.put(room.row(y), Line::of(Role::Faint, words));
        y += 1;
    }
    y
}

fn title(group: &Group, plan: &Plan, area: Area, (spacious, folded): (bool, bool), sheet: &mut Sheet) {
    let ms = u64::try_from(plan.cells).unwrap_or(0).saturating_mul(group.lane_cell_us) / 1_000;
    let unseen = group.members.iter().any(|member| member.built_in.is_none());
    let how = match (area.width >= 100, folded, unseen) {
        (true, true, _) => "; a lane for each owner, thin where some of its partitions stand",
        (true, false, true) => "; of members outside only commits are seen",
        _ => "",
    };
    let note = format!("the last {}{how}", format::duration_ms(ms));
    if spacious {
        sheet.put_title(area, "Who reads what", &note);
        return;
    }
    let name = if plan.lanes() + plan.cells > 34 { "Who reads what" } else { "Read by" };
    let line = Line::of(Role::Title, name).with(Role::Faint, format!("  {note}"));
    let width = plan.lanes() + plan.cells + plan.gap;
    sheet.put(area, join(line.cut(width).padded(width), column_heads(area.width)));
}

fn column_heads(width: u16) -> Line {
    shown(width).fold(Line::default(), |line, column| {
        let name = if width < 90 && column.name == "caught up in" { "caught up" } else { column.name };
        let text = if column.words { format!("  {}", left(name, column.width - 2)) } else { right(name, column.width) };
        line.with(Role::Faint, text)
    })
}

/// The name of the event that the vertical line stands for, and the heads of the columns.
fn heads(group: &Group, plan: &Plan, area: Area, sheet: &mut Sheet) {
    let mut line = Line::default();
    if let Some((cell, words)) = marks(group, plan).last() {
        let text = format!("{words} ▼");
        let end = plan.lanes() + cell + 1;
        let text = cut(&text, end.max(12));
        let from = end.saturating_sub(usize::from(crate::view::line::columns(&text)));
        line = line.padded(from).with(Role::Accent, text);
    }
    let width = plan.lanes() + plan.cells + plan.gap;
    sheet.put(area, join(line.cut(width).padded(width), column_heads(area.width)));
}

/// Where rebalances began, by cell from the left, with why, oldest first.
fn marks(group: &Group, plan: &Plan) -> Vec<(usize, String)> {
    let under_way = group.rebalance.iter().map(|rebalance| (rebalance.began_us, &rebalance.why));
    let past = group.history.iter().filter_map(|generation| Some((generation.began_us?, &generation.why)));
    let mut marks: Vec<(usize, String)> = under_way
        .chain(past)
        .filter_map(|(at_us, why)| {
            let back = usize::try_from(group.lanes_to_us.saturating_sub(at_us + 1) / group.lane_cell_us.max(1)).ok()?;
            Some((plan.cells.checked_sub(back + 1)?, safe_str(why)))
        })
        .collect();
    marks.sort_unstable();
    marks
}

fn axis(group: &Group, plan: &Plan) -> Line {
    let tens = plan.cells / 10;
    let mut line = Line::default().padded(plan.lanes());
    let start = plan.lanes() + plan.cells;
    for back in (1..=tens).rev().filter(|back| back % 2 == 0 || tens < 3) {
        let ms = u64::try_from(back * 10).unwrap_or(0).saturating_mul(group.lane_cell_us) / 1_000;
        let words = if ms.is_multiple_of(1_000) {
            format!("-{} s", ms / 1_000)
        } else {
            format!("-{}", format::duration_ms(ms))
        };
        line = line.padded(start - back * 10).with(Role::Faint, words);
    }
    line.padded(start.saturating_sub(3)).with(Role::Faint, "now")
}

fn line(group: &Group, plan: &Plan, row: &Row, width: u16) -> Line {
    let partition = &row.partition;
    let number = right(&cut(&row.label, plan.label - 1), plan.label - 1);
    let line = Line::of(Role::Strong, format!("{number} "));
    let first = partition.lane.iter().find_map(|run| run.reader.as_ref());
    let owner = partition.owner.as_ref().or(first);
    let line = match owner {
        Some(tag) => line.with(colours(tag).name, left(tag, plan.owner)),
        None => line.with(Role::Faint, left("–", plan.owner)),
    };
    let line = join(line, lane(group, plan, partition)).with(Role::Text, " ".repeat(plan.gap));
    shown(width).fold(line, |line, column| {
        let cell = (column.cell)(row, plan.most);
        if column.words {
            return join(line.with(Role::Text, "  "), cell.cut(column.width - 2).padded(column.width - 2));
        }
        let blank = " ".repeat(column.width.saturating_sub(cell.width()));
        join(line.with(Role::Text, blank), cell)
    })
}

/// The lane: solid where somebody read, thin where that is only assigned, dots where nobody did.
fn lane(group: &Group, plan: &Plan, partition: &GroupPartition) -> Line {
    let all: usize = partition.lane.iter().map(|run| usize::from(run.cells)).sum();
    let mut skip = all.saturating_sub(plan.cells);
    let mut cells: Vec<(Role, char)> = vec![(Role::Text, ' '); plan.cells.saturating_sub(all)];
    let mut before: Option<&str> = None;
    for run in &partition.lane {
        let kept = usize::from(run.cells).saturating_sub(skip);
        skip = skip.saturating_sub(usize::from(run.cells));
        let from = cells.len();
        let Some(tag) = &run.reader else {
            // One cell alone is to be seen, too.
            let dot = |at: usize| if kept == 1 || (from + at).is_multiple_of(2) { '·' } else { ' ' };
            cells.extend((0..kept).map(|at| (Role::Warn, dot(at))));
            continue;
        };
        let sign = if run.seen { '━' } else { '╌' };
        cells.extend(std::iter::repeat_n((colours(tag).name, sign), kept));
        // Whoever takes over is named where it begins.
        if from > 0 && before.is_some_and(|before| before != &**tag) {
            name(&mut cells, from, tag, kept);
        }
        before = Some(tag);
    }
    for (cell, _) in marks(group, plan) {
        if let Some(cell) = cells.get_mut(cell) {
            *cell = (Role::Accent, if matches!(cell.1, '━' | '╌') { '┼' } else { '│' });
        }
    }
    cells.chunk_by(|a, b| a.0 == b.0).fold(Line::default(), |line, run| {
        let role = run.first().map_or(Role::Text, |(role, _)| *role);
        line.with(role, run.iter().map(|(_, sign)| *sign).collect::<String>())
    })
}

/// Writes a member's name over the beginning of its run.
fn name(cells: &mut [(Role, char)], from: usize, tag: &str, kept: usize) {
    let letters: Vec<char> = tag.chars().collect();
    if kept > letters.len() {
        for (cell, letter) in cells.iter_mut().skip(from).zip(letters) {
            cell.1 = letter;
        }
    }
}

fn offset(offset: Option<i64>) -> Line {
    offset.map_or_else(|| Line::of(Role::Faint, "–"), |offset| Line::of(Role::Dim, grouped(offset)))
}

fn lag(partition: &GroupPartition) -> Line {
    let role =
        Trend::of_partition(partition).role(if partition.unread_ms.is_some() { Role::Warn } else { Role::Strong });
    match partition.lag {
        Some(lag) => Line::of(role, format::count(lag)),
        None => Line::of(Role::Faint, "–"),
    }
}

fn trend(partition: &GroupPartition, most: u64) -> Line {
    let trend = Trend::of_partition(partition);
    let role = trend.role(Role::Dim);
    join(spark(&partition.behinds, most, role), Line::of(role, trend.sign()))
}

fn clear(partition: &GroupPartition) -> Line {
    Line::of(Trend::of_partition(partition).role(Role::Dim), caught_up(partition))
}

/// What becomes of a partition at this moment.
fn now(group: &Group, partition: &GroupPartition) -> Line {
    let Some(tag) = &partition.reader else {
        return match partition.unread_ms {
            _ if group.members.is_empty() => Line::of(Role::Faint, "nobody reads"),
            Some(ms) => Line::of(Role::Warn, format!("unread {}", format::duration_ms(ms))),
            None => Line::of(Role::Faint, "–"),
        };
    };
    let waited = group.tagged(tag).is_some_and(|member| member.standing == Standing::WaitedFor);
    match (partition.position, waited) {
        (None, _) => Line::of(Role::Dim, "commits only"),
        (Some(_), true) => Line::of(Role::Dim, "last batch"),
        (Some(_), false) => Line::of(Role::Dim, "read"),
    }
}
