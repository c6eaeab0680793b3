//! A log's segments as blocks: as wide as they are large, with a gauge below that fills as they age. When it is full,
//! retention takes the segment, the oldest first.
//!
//! ```text
//!   segments   ╱╱╱╱╱╱╱╱ ┃ 1,203 to 2,410  84 s ┃ ┃ 2,411 to 3,120  40 s ┃ ┃ active ┃
//!              deleted  ━━━━━━━━━━━━━━━━━━━━━──  ━━━━━━━━━━━────────────  ────────
//!              log start 1,203                                    kept for 90 s; 12 older
//! ```

use crate::session::snapshot::{Partition, Segment, Topic};
use crate::view::Area;
use crate::view::format;
use crate::view::line::{Line, cut};
use crate::view::role::Role;
use crate::view::sheet::{Sheet, columns};

use super::kept_for;

/// The narrowest block, in columns: its age fits.
const LEAST: u16 = 8;
/// Columns of what stands for deleted segments.
const GONE: u16 = 9;
/// From this share of its time on, in percent, a segment is soon to go.
const SOON: u64 = 75;

/// What all blocks of a log are drawn by.
#[derive(Clone, Copy)]
pub(super) struct Log<'a> {
    pub(super) topic: &'a Topic,
    pub(super) partition: &'a Partition,
    /// The lab's date, in milliseconds since 1970.
    pub(super) now_ms: i64,
}

/// A block: which segment, and where.
struct Block<'a> {
    segment: &'a Segment,
    active: bool,
    x: u16,
    width: u16,
}

impl Log<'_> {
    /// Blocks, gauges and a note: three rows. `label` columns are left free before them.
    pub(super) fn draw(self, area: Area, label: u16, sheet: &mut Sheet) {
        let row = Area { x: area.x + label, width: area.width.saturating_sub(label), ..area };
        let older = self.strip(area, label, sheet);
        let mut note = Line::of(Role::Dim, format!("log start {}", format::grouped(self.partition.log_start)));
        if older > 0 {
            note = note.with(Role::Faint, format!("   {} not shown", format::plural(older, "older segment")));
        }
        sheet.put(row.row(2), note);
        sheet.put_right(row.row(2), self.rule(), Role::Ground);
        for block in &self.blocks(row) {
            let below = Area { x: block.x, width: block.width, height: 1, y: area.y + 1 };
            sheet.put(below, self.gauge(block));
        }
    }

    /// The blocks alone, in one row; returns how many segments there is no room for.
    pub(super) fn strip(self, area: Area, label: u16, sheet: &mut Sheet) -> usize {
        let row = Area { x: area.x + label, width: area.width.saturating_sub(label), ..area };
        sheet.put(Area { width: label, ..area }, Line::of(Role::Dim, "segments"));
        if self.has_lost() {
            sheet.put(Area { width: GONE - 1, ..row }, Line::of(Role::Hatch, "╱".repeat(usize::from(GONE - 1))));
        }
        let blocks = self.blocks(row);
        for block in &blocks {
            let role = if block.active { Role::SegmentActive } else { Role::Segment };
            let width = usize::from(block.width);
            let line = Line::of(role, format!("{:^width$}", cut(&self.words(block), width)));
            sheet.put_on(Area { x: block.x, width: block.width, ..row }, line, role);
        }
        let count = usize::try_from(self.partition.older_segments).unwrap_or(usize::MAX);
        count.saturating_add(self.partition.segments.len()).saturating_sub(blocks.len())
    }

    fn has_lost(self) -> bool {
        self.partition.log_start > 0
    }

    /// The newest segments that there is room for: each as wide as it is large among them.
    fn blocks(&self, row: Area) -> Vec<Block<'_>> {
        let start = if self.has_lost() { GONE } else { 0 };
        let room = row.width.saturating_sub(start);
        let all = &self.partition.segments;
        let fit = usize::from(room / (LEAST + 1)).max(1);
        let shown = all.get(all.len().saturating_sub(fit)..).unwrap_or_default();
        let total: u64 = shown.iter().map(|segment| segment.size_bytes).sum::<u64>().max(1);
        let rest = u64::from(room.saturating_sub(columns(shown.len()) * (LEAST + 1)));
        let mut x = row.x + start;
        let mut blocks = Vec::new();
        for (at, segment) in shown.iter().enumerate() {
            let share = u16::try_from(rest * segment.size_bytes / total).unwrap_or(0);
            let (active, left) = (at + 1 == shown.len(), (row.x + row.width).saturating_sub(x));
            // The last one takes what rounding left over.
            let width = if active { left } else { (LEAST + share).min(left) };
            blocks.push(Block { segment, active, x, width });
            x = x.saturating_add(width + 1);
        }
        blocks
    }

    /// What stands in a block: what fits of its offsets, its age, or that it is written to.
    fn words(self, block: &Block<'_>) -> String {
        let Segment { base_offset, end_offset, .. } = block.segment;
        let size = format::bytes(block.segment.size_bytes);
        let range =
            format!("{} to {}", format::grouped(*base_offset), format::grouped((end_offset - 1).max(*base_offset)));
        let fits = |text: &String| text.chars().count() + 2 <= usize::from(block.width);
        let age = self.age_ms(block.segment).map(format::duration_ms);
        let choices = if block.active {
            [
                format!("from {}  {size}  active", format::grouped(*base_offset)),
                format!("{size}  active"),
                "active".into(),
            ]
        } else {
            let age = age.unwrap_or_default();
            [format!("{range}  {size}  {age}"), format!("{range}  {age}"), age]
        };
        let last = choices.last().cloned().unwrap_or_default();
        choices.into_iter().find(fits).unwrap_or(last)
    }

    /// How old a segment's newest record is; none without records.
    fn age_ms(self, segment: &Segment) -> Option<u64> {
        (segment.max_timestamp_ms >= 0).then(|| u64::try_from(self.now_ms - segment.max_timestamp_ms).unwrap_or(0))
    }

    /// How much of its time a segment has had, as a line that fills; faint where it stays for ever.
    fn gauge(self, block: &Block<'_>) -> Line {
        let width = u64::from(block.width);
        let kept = u64::try_from(self.topic.retention_ms).ok().filter(|kept| *kept > 0);
        let had = kept.zip(self.age_ms(block.segment)).map(|(kept, age)| age.saturating_mul(100) / kept);
        let percent = had.unwrap_or(0).min(100);
        let role = match percent {
            100 => Role::Bad,
            SOON.. => Role::Warn,
            _ => Role::Accent,
        };
        let full = usize::try_from(width * percent / 100).unwrap_or(0);
        let rest = usize::from(block.width).saturating_sub(full);
        Line::of(role, "━".repeat(full)).with(Role::Rule, "─".repeat(rest))
    }

    /// By what segments go.
    fn rule(self) -> Line {
        let line = Line::of(Role::Faint, "kept for ").with(Role::Dim, kept_for(self.topic));
        match u64::try_from(self.topic.retention_bytes) {
            Ok(most) => line.with(Role::Faint, ", up to ").with(Role::Dim, format::bytes(most)),
            Err(_) => line,
        }
    }
}
