//! Producers above the brokers, groups and consumers below: who writes which columns and how much, who reads which and how far
//! behind. A number from 1, a bar from 4, the warning colour from [`LAG_WARN`].

use crate::model::cluster::Row;
use crate::session::snapshot::Producer;
use crate::view::Area;
use crate::view::format;
use crate::view::line::{self, Line};
use crate::view::role::Role;
use crate::view::text::safe_str;

use super::grid::{Column, Stack, partition};
use super::plan::{Room, Rows};
use super::readers::Reader;
use super::{ClusterView, Scene, cursor};

/// From this lag on a partition's lag is a warning.
const LAG_WARN: u64 = 8;

/// From this lag on a pile is drawn.
const LAG_BAR: u64 = 4;

/// Producers and consumers.
pub(super) fn sketch(scene: &Scene<'_>, view: &mut ClusterView) {
    if let Some(rows) = scene.plan.producers {
        if scene.plan.room == Room::Compact { producers_row(scene, view, rows.y) } else { producers(scene, view, rows) }
    }
    if let Some(rows) = scene.plan.consumers {
        if scene.plan.room == Room::Compact { readers_rows(scene, view, rows) } else { consumers(scene, view, rows) }
    }
}

/// Those with trouble first, then by number.
fn by_trouble<'a>(scene: &Scene<'a>) -> Vec<&'a Producer> {
    let mut all: Vec<&Producer> = scene.snapshot.producers.values().collect();
    all.sort_by_key(|producer| (producer.lost == 0 && producer.failed == 0 && producer.waiting == 0, producer.id));
    all
}

/// The producers that are shown, in their order: in their own as long as all fit, for rows that change places are hard to
/// follow, otherwise those with trouble first.
pub(super) fn producers_shown<'a>(scene: &Scene<'a>) -> Vec<&'a Producer> {
    let fit = scene.plan.producers.map_or(0, |rows| usize::from(rows.count));
    let all = scene.snapshot.producers.len() <= fit && scene.plan.room != Room::Compact;
    let mut shown = if all { scene.snapshot.producers.values().collect() } else { by_trouble(scene) };
    shown.truncate(fit);
    shown
}

fn producers(scene: &Scene<'_>, view: &mut ClusterView, rows: Rows) {
    let plan = &scene.plan;
    let all = scene.snapshot.producers.len();
    let fit = usize::from(rows.count);
    let heading = if all > 0 && plan.room == Room::Wide { " producers and their acks" } else { " producers" };
    view.put(plan.area, plan.area.x, rows.y, Line::of(Role::Dim, heading));
    if all == 0 {
        view.put(plan.area, plan.area.x, rows.y + 1, Line::of(Role::Dim, "   none: any Kafka client may write"));
        return;
    }
    let shown = producers_shown(scene);
    let name = shown.iter().map(|producer| line::columns(&safe_str(&producer.name))).max().unwrap_or(0);
    let most = scene.snapshot.producers.values().flat_map(|producer| producer.per_partition.values()).copied().max();
    for (y, producer) in (rows.y + 1..).zip(&shown) {
        let row = Area { y, height: 1, ..plan.area };
        cursor::bar(scene, view, &Row::Producer(producer.id), row);
        let words = producer_words(scene, producer, name);
        view.put(plan.area, plan.area.x, y, words.cut(usize::from(plan.label.saturating_sub(1))));
        for column in scene.grid.columns.iter().filter(|column| column.topic == producer.topic) {
            if let Some(bar) = writes(scene, producer, column, most.unwrap_or(0)) {
                view.put(plan.area, bar.0, y, bar.1);
            }
        }
    }
    if all > fit {
        let others = scene.snapshot.producers.values().filter(|other| shown.iter().all(|shown| shown.id != other.id));
        let rate: u64 = others.map(|producer| producer.acked_per_sec).sum();
        let more = format!("   and {} more, {}/s", all - fit, format::count(rate));
        view.put(plan.area, plan.area.x, rows.y + 1 + rows.count, Line::of(Role::Dim, more));
    }
}

/// Records that wait for partitions which cannot take them now.
fn held(scene: &Scene<'_>, producer: &Producer) -> u64 {
    let partitions = scene.snapshot.topics.get(&producer.topic).map_or(&[][..], |topic| &topic.partitions);
    let stuck = partitions.iter().filter(|partition| partition.leader.is_none() || partition.held);
    stuck.filter_map(|partition| producer.waiting_per_partition.get(&partition.id)).sum()
}

/// What is wrong with a producer's records, or that nothing is.
fn losses(scene: &Scene<'_>, producer: &Producer, calm: bool) -> Line {
    let held = held(scene, producer);
    if held > 0 {
        return Line::of(Role::Warn, format!("{} held", format::count(held)));
    }
    if producer.lost > 0 {
        return Line::of(Role::Bad, format!("lost {}", format::count(producer.lost)));
    }
    if calm { Line::of(Role::Dim, "lost ").with(Role::Text, "0") } else { Line::default() }
}

/// Name (in a column of `width`), acks, rate, and what became of the records.
fn producer_words(scene: &Scene<'_>, producer: &Producer, width: u16) -> Line {
    let room = scene.plan.room;
    let width = usize::from(width.min(9));
    let (sign, role) = if producer.paused { ("‖", Role::Dim) } else { ("▸", Role::Write) };
    let name = line::cut(&safe_str(&producer.name), width);
    let rate = format!("{}/s", format::count(producer.acked_per_sec));
    let line = Line::of(role, format!(" {sign} ")).with(Role::Text, format!("{name:<width$}  "));
    let line = if room == Room::Wide { line.with(Role::Dim, format!("{:<3}", producer.acks)) } else { line };
    let losses = losses(scene, producer, room == Room::Wide);
    // Narrow, what is wrong takes the place of the rate.
    if room != Room::Wide && !losses.spans.is_empty() {
        return Line { spans: line.spans.into_iter().chain(losses.spans).collect() };
    }
    let mut line = line.with(Role::Text, format!("{rate:>6} "));
    line.spans.extend(losses.spans);
    line
}

/// What a producer writes to a column: a bar, a thin line where its records wait, a cross where there is no leader.
fn writes(scene: &Scene<'_>, producer: &Producer, column: &Column, most: u64) -> Option<(u16, Line)> {
    let Stack::Partition(id) = column.stack else { return None };
    let waits = producer.waiting_per_partition.get(&id).copied().unwrap_or(0) > 0;
    let leaderless = partition(scene.snapshot, column).is_some_and(|partition| partition.leader.is_none());
    if leaderless {
        return Some((column.centre(), Line::of(Role::Bad, "×")));
    }
    let rate = producer.per_partition.get(&id).copied().unwrap_or(0);
    let (x, width) = bar_place(column);
    if rate == 0 {
        return waits.then(|| (x, Line::of(Role::WaitBar, "▁".repeat(width))));
    }
    // Two to five eighths, so that bars of neighbouring producers stay apart.
    let height = 2 + usize::try_from(rate * 3 / most.max(1)).unwrap_or(0);
    let sign = ["▁", "▂", "▃", "▄", "▅"].get(height.saturating_sub(1)).copied().unwrap_or("▅");
    Some((x, Line::of(Role::WriteBar, sign.repeat(width))))
}

/// Where a bar over a cell lies, within its visible edges.
fn bar_place(column: &Column) -> (u16, usize) {
    let inset = u16::from(column.half && column.width > 3);
    (column.x + inset, usize::from(column.width.saturating_sub(2 * inset)).max(1))
}

fn producers_row(scene: &Scene<'_>, view: &mut ClusterView, y: u16) {
    let plan = &scene.plan;
    let mut line = Line::of(Role::Dim, " producers ");
    if scene.snapshot.producers.is_empty() {
        line = line.with(Role::Dim, " none: any Kafka client may write");
    }
    for producer in producers_shown(scene) {
        let sign = if producer.paused { " ‖ " } else { " ▸ " };
        let from = line.columns();
        line = line
            .with(Role::Write, sign)
            .with(Role::Text, safe_str(&producer.name))
            .with(Role::Faint, " acks=")
            .with(Role::Text, safe_str(&producer.acks))
            .with(Role::Text, format!(" {}/s ", format::count(producer.acked_per_sec)));
        line.spans.extend(losses(scene, producer, true).spans);
        let place = Area { x: from, y, width: line.columns() - from, height: 1 };
        cursor::bar(scene, view, &Row::Producer(producer.id), place);
    }
    view.put(plan.area, plan.area.x, y, line.cut(usize::from(plan.area.width)));
}

/// How the lag moves, in words.
fn trend(reader: &Reader) -> String {
    let (lag, trend) = (reader.behind, reader.trend_per_sec);
    // A tenth of the lag, or a few records, is noise.
    let noise = i64::try_from(lag / 10).unwrap_or(i64::MAX).max(5);
    if reader.members == Some(0) {
        "no members".into()
    } else if reader.paused {
        "stopped".into()
    } else if trend > noise {
        "growing".into()
    } else if trend < -noise {
        let clear = lag.saturating_mul(10) / trend.unsigned_abs().max(1);
        format!("shrinking, clear in {}.{} s", clear / 10, clear % 10)
    } else {
        "steady".into()
    }
}

fn lag_role(lag: u64) -> Role {
    if lag >= LAG_WARN { Role::Warn } else { Role::Dim }
}

fn consumers(scene: &Scene<'_>, view: &mut ClusterView, rows: Rows) {
    let plan = &scene.plan;
    let all = scene.readers.len();
    let heading = Line::of(Role::Dim, " groups and consumers").padded(usize::from(plan.label.saturating_sub(4)));
    view.put(plan.area, plan.area.x, rows.y, if all > 0 { heading.with(Role::Faint, "lag") } else { heading });
    if all == 0 {
        view.put(plan.area, plan.area.x, rows.y + 1, Line::of(Role::Dim, "   none: any Kafka client may read"));
        return;
    }
    let right = scene.grid.end().unwrap_or(plan.area.x + plan.label) + 2;
    for ((reader, lags), left) in scene.readers.iter().zip((rows.y..).step_by(3)).zip((0..rows.count).rev()) {
        let band = lags + 1;
        cursor::bar(scene, view, &reader.row, Area { y: lags, height: 2, ..plan.area });
        let more = all.saturating_sub(usize::from(rows.count));
        let more = if left == 0 && more > 0 { format!(", {more} more") } else { String::new() };
        view.put(plan.area, plan.area.x, band, reader_words(reader, &more).cut(usize::from(plan.label)));
        bands(scene, view, reader, band);
        for (column, lag) in lagging(scene, reader) {
            pile(view, scene, column, lags, lag);
        }
        let words = Line::of(Role::Dim, "lag ")
            .with(if reader.behind >= 2 * LAG_WARN { Role::Warn } else { Role::Strong }, format::count(reader.behind))
            .with(Role::Dim, format!("  {}", trend(reader)));
        view.put(plan.area, right, band, words);
    }
}

fn reader_words(reader: &Reader, more: &str) -> Line {
    let sign = if reader.paused { " ‖ " } else { " ▸ " };
    let name = line::cut(&safe_str(&reader.name), 14);
    let members = reader.members.map_or_else(String::new, |members| format!(" ×{members}"));
    Line::of(Role::Read, sign)
        .with(Role::Strong, name)
        .with(Role::Dim, members)
        .with(Role::Text, format!("  {}/s", format::count(reader.per_sec)))
        .with(Role::Dim, more.to_owned())
}

/// A partition's lag over the band: a number, with a pile before it when it is worth one.
fn pile(view: &mut ClusterView, scene: &Scene<'_>, column: &Column, y: u16, lag: u64) {
    if lag == 0 {
        return;
    }
    let text = short(lag);
    let role = lag_role(lag);
    let (x, width) = bar_place(column);
    let room = u16::try_from(width).unwrap_or(u16::MAX);
    let number = Line::of(role, text);
    let at = (x + room).saturating_sub(number.columns());
    if lag >= LAG_BAR && room >= number.columns() + 2 {
        let height = usize::try_from((lag / LAG_BAR).ilog2()).unwrap_or(0).min(6);
        let sign = ["▂", "▃", "▄", "▅", "▆", "▇", "█"].get(height).copied().unwrap_or("█");
        let bar = if role == Role::Warn { Role::WaitBar } else { Role::ReadBar };
        view.put(scene.plan.area, x, y, Line::of(bar, sign.repeat(usize::from((room - number.columns() - 1).min(2)))));
    }
    view.put(scene.plan.area, at, y, number);
}

/// A count in at most four columns.
fn short(n: u64) -> String {
    match n {
        0..10_000 => n.to_string(),
        10_000..1_000_000 => format!("{}k", n / 1_000),
        _ => format!("{}M", n / 1_000_000),
    }
}

/// The columns that a group or a consumer reads, with their lags.
fn lagging<'a>(scene: &'a Scene<'_>, reader: &'a Reader) -> impl Iterator<Item = (&'a Column, u64)> {
    reader.assigned.iter().filter_map(|(at, behind)| Some((scene.grid.column(&at.topic, at.partition)?, *behind)))
}

/// The bands over what a consumer reads: one per run of neighbouring columns.
fn bands(scene: &Scene<'_>, view: &mut ClusterView, reader: &Reader, y: u16) {
    let reads = |column: &Column| {
        reader.assigned.iter().any(|(at, _)| {
            at.topic == column.topic && [Stack::Topic, Stack::Partition(at.partition)].contains(&column.stack)
        })
    };
    let mut said = false;
    let runs = scene.grid.columns.chunk_by(|a, b| a.topic == b.topic && reads(a) == reads(b));
    for run in runs.filter(|run| run.first().is_some_and(reads)) {
        let (Some(first), Some(last)) = (run.first(), run.last()) else { continue };
        let inset = u16::from(first.half && first.width > 3);
        let x = first.x + inset;
        let width = usize::from(last.end().saturating_sub(x + inset));
        let words = if scene.plan.room == Room::Compact || said { "" } else { " reads" };
        said = true;
        view.put(
            scene.plan.area,
            x,
            y,
            Line::of(Role::ReadBand, line::cut(words, width)).padded_with(Role::ReadBand, width),
        );
    }
}

/// Consumers in a row each: the lags stand in the bands.
fn readers_rows(scene: &Scene<'_>, view: &mut ClusterView, rows: Rows) {
    let plan = &scene.plan;
    let right = (plan.area.x + plan.area.width).saturating_sub(plan.right) + 2;
    for (reader, y) in scene.readers.iter().zip(rows.y..rows.y + rows.count) {
        let sign = if reader.paused { " ‖ " } else { " ▸ " };
        let name = line::cut(&safe_str(&reader.name), usize::from(plan.label.saturating_sub(4)));
        view.put(plan.area, plan.area.x, y, Line::of(Role::Read, sign).with(Role::Strong, name));
        cursor::bar(scene, view, &reader.row, Area { y, height: 1, ..plan.area });
        bands(scene, view, reader, y);
        for (column, lag) in lagging(scene, reader).filter(|(_, lag)| *lag >= LAG_WARN) {
            let text = Line::of(Role::Warn, short(lag));
            if text.columns() <= column.width {
                view.put(plan.area, column.x + column.width.saturating_sub(text.columns()), y, text);
            }
        }
        let lag = Line::of(Role::Dim, "lag ")
            .with(if reader.behind >= 2 * LAG_WARN { Role::Warn } else { Role::Text }, short(reader.behind));
        view.put(plan.area, right, y, lag);
    }
}
