//! What the one sentence says of consumer groups: one that stands still is worse than a replica that is missing, for nobody
//! gets its records; one that nobody is in comes last.

use crate::session::snapshot::{Group, GroupState, Snapshot};
use crate::view::format::{count, duration_ms, plural};
use crate::view::groups::point;
use crate::view::line::cut_middle;
use crate::view::text::safe_str;

use super::{Facts, Sentence, since_ms};

/// A rebalance, or a partition that nobody reads, is news of the whole cluster after this time, in milliseconds: most of them
/// are over before.
const STANDS_MS: u64 = 5_000;

/// A group that its members left is news for this long, in milliseconds; after that it is how things are.
const DESERTED_MS: u64 = 300_000;

/// A group with members that is not read, or only in parts.
pub(super) fn stands(snapshot: &Snapshot, _: &Facts<'_>) -> Option<Sentence> {
    let stuck = |group: &&Group| group.state == GroupState::Empty && !group.stuck.is_empty();
    if let Some(group) = snapshot.groups.values().map(AsRef::as_ref).find(stuck) {
        let bold = format!("{} stands still: all its members are stuck.", name(group));
        let sentence = Sentence::warn(bold, point::of(snapshot, group).plain);
        return Some(Sentence { short: "A group stands".to_owned(), ..sentence });
    }
    let standing = snapshot.groups.values().filter_map(|group| Some((standing(snapshot, group)?, group)));
    let (stopped, group) = standing.max_by_key(|(stopped, group)| (*stopped, std::cmp::Reverse(&group.id)))?;
    let name = name(group);
    let unread = format!("{stopped} of {} read by nobody", plural(partitions(group), "partition"));
    let (bold, short) = if group.state.is_moving() {
        let since = duration_ms(since_ms(snapshot, group.since_us));
        (format!("{name} has rebalanced for {since}: {unread}."), "A rebalance hangs")
    } else {
        (format!("{name} stands still: {unread}."), "A group stands")
    };
    Some(Sentence { short: short.to_owned(), ..Sentence::warn(bold, point::of(snapshot, group).plain) })
}

/// How many partitions of a group that has members stand for so long that it is news.
fn standing(snapshot: &Snapshot, group: &Group) -> Option<usize> {
    let hangs = group.state.is_moving() && group.call.is_none_or(|call| !call.initial);
    let hangs = hangs && since_ms(snapshot, group.since_us) >= STANDS_MS;
    let stands = |unread_ms: Option<u64>| hangs || unread_ms.is_some_and(|ms| ms >= STANDS_MS);
    let unread = group.partitions.iter().filter(|partition| partition.reader.is_none() && stands(partition.unread_ms));
    Some(unread.count()).filter(|stopped| *stopped > 0 && group.member_count > 0)
}

/// Records wait, and nobody is there to read them.
pub(super) fn deserted(snapshot: &Snapshot, _: &Facts<'_>) -> Option<Sentence> {
    let is_news = |group: &&Group| since_ms(snapshot, group.since_us) < DESERTED_MS;
    let empty = |group: &&Group| group.state == GroupState::Empty && group.lag > 0 && is_news(group);
    let group = snapshot.groups.values().map(AsRef::as_ref).filter(empty).max_by_key(|group| group.lag)?;
    let bold = format!("{} has no members: {} records wait.", name(group), count(group.lag));
    let sentence = Sentence::warn(bold, point::of(snapshot, group).plain);
    Some(Sentence { short: "Nobody reads".to_owned(), ..sentence })
}

fn name(group: &Group) -> String {
    cut_middle(&safe_str(&group.id), 32)
}

fn partitions(group: &Group) -> usize {
    usize::try_from(group.partition_count).unwrap_or(usize::MAX)
}
