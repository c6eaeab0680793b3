//! Roll call and matrix in one table: of each member how it stands, what it had and what it has.

mod standing;

use crate::model::Model;
use crate::model::groups::Pane;
use crate::model::place::Selection;
use crate::session::snapshot::{Group, GroupMember, GroupState, Standing, Stuck, TopicPartition};
use crate::view::chrome::join;
use crate::view::format::{self, plural};
use crate::view::line::{Line, cut};
use crate::view::role::Role;
use crate::view::sheet::{Chosen, Sheet, columns, left};
use crate::view::text::safe_str;
use crate::view::{Area, Target};

use super::{colours, era, window};

/// Columns of a cell where there is room, and the least.
const CELLS: [usize; 3] = [5, 4, 3];
/// Columns between the matrices.
const BETWEEN: usize = 6;

/// How the table is laid out.
struct Plan<'a> {
    group: &'a Group,
    /// Columns of the roll call.
    who: usize,
    /// Columns of a cell; `None` where the cells do not fit, and what a member has is told in words.
    cell: Option<usize>,
    /// Columns of one matrix.
    matrix: usize,
    /// Whether both are shown.
    both: bool,
}

impl<'a> Plan<'a> {
    fn of(group: &'a Group, width: u16) -> Self {
        let width = usize::from(width);
        let who = if width >= 150 {
            56
        } else if width >= 110 {
            42
        } else {
            30.min(width / 2)
        };
        let room = width.saturating_sub(who);
        let gaps = group.topics.len().saturating_sub(1);
        let wide = |cell: usize| group.partitions.len() * cell + gaps;
        let fits =
            |matrices: usize| CELLS.into_iter().find(|cell| matrices * wide(*cell) + (matrices - 1) * BETWEEN <= room);
        // Without a partition there is no matrix: what is assigned is of a topic that was deleted, and told in words.
        let none = group.partitions.is_empty();
        match (fits(2).filter(|_| !none), fits(1).filter(|_| !none)) {
            (Some(cell), _) => Self { group, who, cell: Some(cell), matrix: wide(cell), both: true },
            (None, Some(cell)) => Self { group, who, cell: Some(cell), matrix: wide(cell), both: false },
            (None, None) => {
                let both = room >= 2 * 24 + BETWEEN;
                let matrix = if both { (room - BETWEEN) / 2 } else { room };
                Self { group, who, cell: None, matrix, both }
            }
        }
    }

    /// Whether the later of the two is known.
    fn is_decided(&self) -> bool {
        // Of KIP-848 it is known before anybody follows it.
        !self.group.state.is_moving() || self.group.state == GroupState::Reconciling
    }
}

/// Draws it into `room`; returns what is left of `whole` below it.
pub(super) fn project(model: &Model, group: &Group, room: Area, whole: Area, sheet: &mut Sheet) -> Area {
    if (group.members.is_empty() && group.stuck.is_empty()) || room.height < 2 {
        return whole;
    }
    let plan = Plan::of(group, room.width);
    heads(&plan, room, sheet);
    let topics = plan.cell.is_some() && group.topics.len() > 1 && room.height > 4;
    let rows = room.below(1 + u16::from(topics));
    if topics {
        topic_names(&plan, room.below(1), sheet);
    }
    let count = group.members.len();
    // Who is stuck is no member, and stands below them.
    let out = columns(group.stuck.len()).min(rows.height / 2);
    let whole_rows = rows;
    let rows = rows.top(rows.height - out);
    // With a row between them, members are told apart from afar.
    let pitch = if room.height >= 14 && columns(count) * 2 < rows.height { 2 } else { 1 };
    let fit = usize::from(rows.height / pitch);
    // The twin of the selected member, beside it, is struck as well.
    let twin = model.groups.twin(&model.snapshot).filter(|_| model.groups.beside.as_ref() == Some(&group.id));
    let id = twin.map(|twin| &twin.id).or(model.groups.member.as_ref());
    let selected = id.and_then(|id| group.members.iter().position(|member| member.id == *id));
    let shown = if count > fit { fit.saturating_sub(1) } else { count };
    let first = window(count, selected.unwrap_or(0), shown);
    let mut y = 0;
    for (number, member) in group.members.iter().enumerate().skip(first).take(shown) {
        let here = model.groups.pane == Pane::Members;
        let chosen = Chosen::when(Some(number) == selected, here);
        let place = rows.row(y);
        let edge = Area { x: place.x.saturating_sub(1), width: place.width + 1, ..place };
        let target = Target::Select(Selection::Member(group.id.clone(), member.id.clone()));
        sheet.put_row(edge, row(&plan, member, number), chosen, target);
        y += pitch;
    }
    if count > shown {
        sheet.put(rows.row(y), rest_of(group, (first, shown)));
        y += 1;
    }
    for stuck in group.stuck.iter().take(out.into()) {
        sheet.put(whole_rows.row(y), self::out(&plan, stuck, rows.width));
        y += 1;
    }
    whole.below(1 + u16::from(topics) + y)
}

/// Those that have no row of their own, by how they stand.
fn rest_of(group: &Group, (first, shown): (usize, usize)) -> Line {
    let hidden = group.members.iter().enumerate().filter(|(at, _)| !(first..first + shown).contains(at));
    let mut kinds: Vec<(&'static str, usize)> = Vec::new();
    for (_, member) in hidden.clone() {
        let kind = standing::kind(member);
        match kinds.iter_mut().find(|(known, _)| *known == kind) {
            Some((_, count)) => *count += 1,
            None => kinds.push((kind, 1)),
        }
    }
    let kinds = kinds.iter().map(|(kind, count)| format!("{count} {kind}")).collect::<Vec<_>>().join(", ");
    let words = format!("  and {}: {kinds}; j and k move on", plural(hidden.count(), "more member"));
    Line::of(Role::Faint, words)
}

/// One that is stuck, and why, beside the members.
fn out(plan: &Plan<'_>, stuck: &Stuck, width: u16) -> Line {
    let who = standing::stuck(stuck, plan.who).cut(plan.who.saturating_sub(1)).padded(plan.who);
    join(who, standing::why_stuck(stuck, usize::from(width).saturating_sub(plan.who)))
}

/// The numbers of the generations before and after.
fn generations(group: &Group) -> (i32, i32) {
    let known = |at: usize| group.history.get(at).map(|generation| generation.generation);
    match group.state {
        GroupState::CompletingRebalance | GroupState::Assigning => {
            (known(0).unwrap_or(group.generation - 1), group.generation)
        }
        GroupState::Stable | GroupState::Reconciling => (known(1).unwrap_or(group.generation - 1), group.generation),
        _ => (group.generation, group.generation + 1),
    }
}

fn heads(plan: &Plan<'_>, area: Area, sheet: &mut Sheet) {
    let (before, after) = generations(plan.group);
    let moving = !plan.is_decided();
    let call = match (moving, plan.group.state, plan.who > 40) {
        (_, _, false) => "",
        (_, GroupState::Reconciling, true) => "has each one changed over?",
        (true, _, true) => "has each one rejoined?",
        (false, _, true) => "what each has",
    };
    let title = |title: &str, note: &str, width: usize| {
        let line = Line::of(Role::Title, title)
            .with(Role::Faint, if note.is_empty() { String::new() } else { format!("  {note}") });
        let rest = width.saturating_sub(line.width() + 1);
        line.with(Role::Rule, if rest > 2 { format!(" {}", "─".repeat(rest)) } else { String::new() })
            .cut(width)
            .padded(width)
    };
    let named = |generation: i32, note: &str| {
        let era = era(plan.group);
        let short = if era.len() > 5 { "gen" } else { era };
        if plan.matrix < 30 { format!("{short} {generation}") } else { format!("{era} {generation}   {note}") }
    };
    let nobody = before < 1 || !plan.group.members.iter().any(|member| member.was_there);
    let was = if nobody { "nobody".to_owned() } else { named(before, "-n given up") };
    let earlier = title("Before", &was, plan.matrix);
    let note = named(after, if moving { "not decided yet" } else { "+n is new" });
    let later = title(if plan.both { "After" } else { "Now" }, &note, plan.matrix);
    let line = title("Members", call, plan.who.saturating_sub(3)).padded(plan.who);
    let line = match (plan.both, moving) {
        (true, _) => join(join(line, earlier).with(Role::Text, " ".repeat(BETWEEN)), later),
        (false, true) => join(line, earlier),
        (false, false) => join(line, later),
    };
    sheet.put(area, line);
}

/// The names of the topics over their blocks.
fn topic_names(plan: &Plan<'_>, area: Area, sheet: &mut Sheet) {
    let Some(cell) = plan.cell else { return };
    let block = |line: Line, topic: &str| {
        let count = plan.group.partitions.iter().filter(|partition| &*partition.at.topic == topic).count();
        line.with(Role::Faint, left(&cut(&safe_str(topic), (count * cell).saturating_sub(1)), count * cell + 1))
    };
    let names = || plan.group.topics.iter().fold(Line::default(), |line, topic| block(line, topic));
    let mut line = join(Line::default().padded(plan.who), names());
    if plan.both {
        line = join(line.padded(plan.who + plan.matrix + BETWEEN), names());
    }
    sheet.put(area, line);
}

fn row(plan: &Plan<'_>, member: &GroupMember, number: usize) -> Line {
    let who = standing::who(plan.group, member, plan.who).cut(plan.who.saturating_sub(1)).padded(plan.who);
    let before = || before(plan, member).padded(plan.matrix);
    let line = match (plan.both, plan.is_decided()) {
        (true, _) => join(join(who, before()), between(plan, number)),
        (false, false) => return join(who, before()),
        (false, true) => who,
    };
    join(line, after(plan, member, number))
}

/// What stands between the matrices: an arrow, once.
fn between(plan: &Plan<'_>, number: usize) -> Line {
    let middle = plan.group.members.len().saturating_sub(1) / 2;
    Line::of(Role::Dim, if number == middle { " ──▶  " } else { "      " })
}

/// Whether a member has given up a partition that it had.
fn has_given_up(plan: &Plan<'_>, member: &GroupMember, at: &TopicPartition) -> bool {
    match (&member.after, &member.reads) {
        (Some(after), _) => !after.contains(at),
        (None, Some(reads)) => !reads.contains(at),
        // One outside that has joined again has given up all, unless it is cooperative.
        (None, None) => !plan.group.cooperative && !matches!(member.standing, Standing::WaitedFor | Standing::In),
    }
}

fn before(plan: &Plan<'_>, member: &GroupMember) -> Line {
    if !member.was_there {
        return Line::of(Role::Faint, "– was not here");
    }
    let Some(cell) = plan.cell else {
        return Line::of(colours(&member.tag).name, cut(&ranges(&member.before), plan.matrix));
    };
    cells(plan, cell, member, |at| {
        let had = member.before.contains(at);
        had.then(|| if has_given_up(plan, member, at) { Mark::GivenUp } else { Mark::Owned })
    })
}

fn after(plan: &Plan<'_>, member: &GroupMember, number: usize) -> Line {
    let Some(after) = &member.after else { return undecided(plan, number) };
    if after.is_empty() {
        return Line::of(Role::Faint, "– idle: it waits in case one leaves");
    }
    let Some(cell) = plan.cell else {
        return Line::of(colours(&member.tag).name, cut(&ranges(after), plan.matrix));
    };
    // In the first generation all is new: no need to say so in each cell.
    let first = !plan.group.members.iter().any(|member| member.was_there);
    cells(plan, cell, member, |at| {
        let has = after.contains(at);
        has.then(|| if first || member.before.contains(at) { Mark::Owned } else { Mark::Got })
    })
}

/// Who decides, and by when, instead of a guess.
fn undecided(plan: &Plan<'_>, number: usize) -> Line {
    let group = plan.group;
    let leader = group.members.iter().find(|member| member.leader).map_or("the leader", |leader| &*leader.tag);
    let left = group.call.map(|call| format::duration_ms(call.ends_in_ms));
    let words = match (group.state, number, left) {
        (GroupState::CompletingRebalance, 0, _) => format!("{leader} decides now;"),
        (GroupState::CompletingRebalance, 1, _) => "its answer is kept in the log first".to_owned(),
        (_, 0, _) => "the leader decides when all are back,".to_owned(),
        (_, 1, Some(left)) => format!("or in {left} without who is missing"),
        _ => String::new(),
    };
    Line::of(Role::Dim, cut(&words, plan.matrix))
}

enum Mark {
    Owned,
    GivenUp,
    Got,
}

/// A row of cells, one for each partition.
fn cells(plan: &Plan<'_>, cell: usize, member: &GroupMember, mark: impl Fn(&TopicPartition) -> Option<Mark>) -> Line {
    let colours = colours(&member.tag);
    let mut line = Line::default();
    let mut topic = plan.group.partitions.first().map(|partition| &partition.at.topic);
    for partition in &plan.group.partitions {
        if topic != Some(&partition.at.topic) {
            topic = Some(&partition.at.topic);
            line = line.with(Role::Text, " ");
        }
        let number = partition.at.partition;
        line = match mark(&partition.at) {
            Some(Mark::Owned) => line.with(colours.owned, format!("{number:^cell$}")),
            Some(Mark::Got) => line.with(colours.owned, format!("{:^cell$}", format!("+{number}"))),
            Some(Mark::GivenUp) => line.with(colours.given_up, format!("{:^cell$}", format!("-{number}"))),
            None => line.with(Role::Rule, format!("{:^cell$}", "·")),
        };
    }
    line
}

/// Partitions in words: `trucks_gps 0-3 7`.
pub(super) fn ranges(partitions: &[TopicPartition]) -> String {
    let mut words: Vec<String> = Vec::new();
    let mut topic = None;
    let mut run: Option<(i32, i32)> = None;
    let close = |run: Option<(i32, i32)>, words: &mut Vec<String>| match run {
        Some((from, to)) if from == to => words.push(from.to_string()),
        Some((from, to)) => words.push(format!("{from}-{to}")),
        None => {}
    };
    for at in partitions {
        if topic != Some(&at.topic) {
            close(run.take(), &mut words);
            words.push(safe_str(&at.topic));
            topic = Some(&at.topic);
        }
        run = match run {
            Some((from, to)) if to.checked_add(1) == Some(at.partition) => Some((from, at.partition)),
            other => {
                close(other, &mut words);
                Some((at.partition, at.partition))
            }
        };
    }
    close(run, &mut words);
    words.join(" ")
}
