//! The list of groups.

use crate::model::Model;
use crate::model::place::Selection;
use crate::model::sort;
use crate::session::snapshot::{Group, GroupKnown, GroupState};
use crate::view::chrome::join;
use crate::view::filter::{self, Filtered};
use crate::view::format::{self, plural};
use crate::view::line::{Line, cut_middle};
use crate::view::role::Role;
use crate::view::sheet::{Chosen, Heads, Sheet, columns, left};
use crate::view::text::{name_of, safe_str};
use crate::view::{Area, Target};

use super::{Trend, inset, lanes, point, ribbon, window};

/// From this height on the selected group is shown below the list.
const PREVIEW_ROWS: u16 = 26;

/// Draws it.
pub(super) fn project(model: &Model, area: Area, sheet: &mut Sheet) {
    let groups = &model.snapshot.groups;
    let roomy = area.height > 24;
    let top = if roomy { area.below(1) } else { area };
    let narrow = inset(top, true);
    if groups.is_empty() {
        let words = Line::of(Role::Strong, "No consumer groups yet. ");
        let words = if model.snapshot.capabilities.write {
            words.with(Role::Key, "c").with(Role::Dim, " adds a consumer; so does any client with a group.id.")
        } else {
            words.with(Role::Dim, "Any client with a group.id makes one.")
        };
        sheet.put(narrow, words);
        return;
    }
    headline(model, narrow, sheet);
    let table = top.below(if roomy { 3 } else { 2 });
    let heads = Heads { sorted: model.groups.order.by(sort::GROUPS) };
    let head = Area { x: table.x + 2, width: table.width.saturating_sub(2), ..table };
    sheet.put(head, header(heads, area.width));
    let rows = table.below(1);
    let list = model.groups.list(&model.snapshot);
    let room = inset(table.above(1), true);
    let known = COLUMNS.iter().map(|column| (column.name, column.from));
    let filtered = Filtered {
        filter: &model.groups.filter,
        listed: list.len(),
        all: model.snapshot.groups.len(),
        hidden_order: filter::hidden_order(heads, known, room),
    };
    filter::put(model, &filtered, room, sheet);
    if list.is_empty() {
        let words = Line::of(Role::Text, "No group has that in its name. ").with(Role::Key, "Esc");
        sheet.put(inset(rows, true), words.with(Role::Dim, " clears the filter."));
        return;
    }
    let many = columns(list.len());
    let at = list.iter().position(|group| Some(&group.id) == model.groups.group.as_ref()).unwrap_or(0);
    let first = window(list.len(), at, usize::from(rows.height));
    for (row, group) in (0..rows.height).zip(list.into_iter().skip(first)) {
        let selected = model.groups.group.as_ref() == Some(&group.id);
        let target = Target::Select(Selection::Group(group.id.clone()));
        let line = join(Line::of(Role::Text, " "), line(group, area.width));
        sheet.put_row(rows.row(row), line, Chosen::when(selected, true), target);
    }
    if area.height >= PREVIEW_ROWS && many + 12 <= rows.height {
        preview(model, inset(rows.below(many + 1), true), sheet);
    }
}

/// The selected group, without opening it.
fn preview(model: &Model, area: Area, sheet: &mut Sheet) {
    let Some(group) = model.groups.current(&model.snapshot) else { return };
    sheet.put_title(area, &name_of(&group.id), "Enter opens it: its members, and each rebalance as it happens");
    let mut rest = area.below(2);
    rest = ribbon::project(&model.snapshot, group, rest, area.width >= super::WIDE && area.height > 24, sheet).below(1);
    rest = point::project(&model.snapshot, group, rest, true, sheet).below(1);
    lanes::project(model, group, rest, rest, sheet);
}

/// The screen's point in words: how many, and which one matters.
fn headline(model: &Model, area: Area, sheet: &mut Sheet) {
    let groups = &model.snapshot.groups;
    let all = groups.len() + usize::try_from(model.snapshot.more_groups).unwrap_or(0);
    let members = groups.values().map(|group| usize::try_from(group.member_count).unwrap_or(0)).sum();
    let bold = format!("{}, {}.", plural(all, "group"), plural(members, "member"));
    let moving = groups.values().find(|group| group.state.is_moving());
    let adrift = groups.values().find(|group| group.known == GroupKnown::Last);
    let empty = groups.values().filter(|group| group.state == GroupState::Empty).count();
    let behind = groups.values().max_by_key(|group| group.lag);
    let (role, plain) = match (adrift, moving, behind) {
        (Some(group), ..) => (Role::Bad, format!("Nobody coordinates {}.", name_of(&group.id))),
        (None, Some(group), _) => {
            let point = point::of(&model.snapshot, group);
            (point.role, format!("{} rebalances: {}", name_of(&group.id), point.bold))
        }
        (None, None, Some(group)) if group.lag > 0 => {
            let name = name_of(&group.id);
            (Role::Accent, format!("{name} is furthest behind: {}.", point::records(group.lag)))
        }
        _ => (Role::Accent, "All have read all there is.".to_owned()),
    };
    let empty = match empty {
        0 => String::new(),
        1 => " One has no members.".to_owned(),
        n => format!(" {n} have no members."),
    };
    let line = Line::of(role, "▌ ").with(Role::Strong, bold).with(Role::Text, format!(" {plain}{empty}"));
    sheet.put(area, line);
}

/// A column behind the group's name: its head, from which width of the terminal on it is there, how wide it is, whether it
/// holds words, and what a group has in it.
struct Column {
    name: &'static str,
    from: u16,
    width: usize,
    words: bool,
    cell: fn(&Group) -> Line,
}

const COLUMNS: &[Column] = &[
    Column { name: "state", from: 0, width: 22, words: true, cell: state },
    Column {
        name: "members",
        from: 0,
        width: 9,
        words: false,
        cell: |g| Line::of(Role::Strong, g.member_count.to_string()),
    },
    Column { name: "idle", from: 90, width: 6, words: false, cell: idle },
    Column { name: "lag", from: 0, width: 9, words: false, cell: lag },
    Column {
        name: "reads/s",
        from: 76,
        width: 9,
        words: false,
        cell: |g| Line::of(Role::Text, format::count(g.read_per_sec)),
    },
    Column { name: "gen", from: 100, width: 6, words: false, cell: |g| Line::of(Role::Dim, g.generation.to_string()) },
    Column { name: "coordinator", from: 76, width: 13, words: true, cell: coordinator },
    Column { name: "assignor", from: 112, width: 26, words: true, cell: assignor },
    Column { name: "topics", from: 130, width: 30, words: true, cell: topics },
];

fn state(group: &Group) -> Line {
    let (role, sign) = match (group.known, group.state) {
        (GroupKnown::Last, _) => return Line::of(Role::Bad, "✖ no coordinator"),
        (GroupKnown::Loading, _) => return Line::of(Role::Warn, "◔ is being loaded"),
        (_, GroupState::Stable) => (Role::Good, "●"),
        (_, GroupState::Empty | GroupState::Dead) => (Role::Dim, "○"),
        _ => (Role::Warn, "▲"),
    };
    Line::of(role, format!("{sign} {}", group.state.name()))
}

fn idle(group: &Group) -> Line {
    match group.idle().count() {
        0 => Line::of(Role::Faint, "–"),
        n => Line::of(Role::Warn, n.to_string()),
    }
}

fn lag(group: &Group) -> Line {
    let trend = Trend::of(group.lag, group.lag_trend_per_sec);
    let line = Line::of(trend.role(Role::Strong), format::count(group.lag));
    line.with(trend.role(Role::Dim), format!(" {}", trend.sign()))
}

fn coordinator(group: &Group) -> Line {
    match group.coordinator {
        Some(id) => Line::of(Role::Text, format!("broker-{id}")),
        None => Line::of(Role::Bad, "none"),
    }
}

fn assignor(group: &Group) -> Line {
    Line::of(Role::Dim, super::assignor(group).unwrap_or_else(|| "–".to_owned()))
}

fn topics(group: &Group) -> Line {
    Line::of(Role::Dim, group.topics.iter().map(|topic| safe_str(topic)).collect::<Vec<_>>().join(" "))
}

fn shown(terminal: u16) -> impl Iterator<Item = &'static Column> {
    COLUMNS.iter().filter(move |column| column.from <= terminal)
}

/// Columns of the groups' names: what the others leave.
fn name_width(terminal: u16) -> usize {
    let others: usize = shown(terminal).map(|column| column.width).sum();
    usize::from(terminal.saturating_sub(3)).saturating_sub(others).clamp(10, 28)
}

fn header(heads: Heads, width: u16) -> Line {
    shown(width).fold(heads.words("group", name_width(width)), |line, column| {
        if column.words {
            return line.with(Role::Text, "  ").append(heads.words(column.name, column.width - 2));
        }
        line.append(heads.number(column.name, column.width))
    })
}

fn line(group: &Group, width: u16) -> Line {
    let wide = name_width(width);
    let name = Line::of(Role::Strong, left(&cut_middle(&name_of(&group.id), wide - 1), wide));
    shown(width).fold(name, |line, column| {
        let cell = (column.cell)(group);
        if column.words {
            return join(line.with(Role::Text, "  "), cell.cut(column.width - 2).padded(column.width - 2));
        }
        let blank = " ".repeat(column.width.saturating_sub(cell.width()));
        join(line.with(Role::Text, blank), cell)
    })
}
