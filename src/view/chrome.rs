//! The frame of every screen: where am I (row 1), the one sentence (row 2), what was told or what happened last (the row
//! above the keys), the keys (last row).

use crate::model::Model;
use crate::model::commands::{CommandEntry, Need};
use crate::model::place::{Mode, Screen, Selection};

mod presenter;

use super::format;
use super::large::Large;
use super::line::{self, Line};
use super::role::Role;
use super::sentence::{self, Sentence};
use super::text::safe_str;
use super::{Area, Hit, Target};

/// From this width on the header has tabs and the sentence has rates beside it.
const WIDE: u16 = 120;

/// A row of the frame: something at the left, something at the right, on a surface.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Bar {
    /// Where it lies, one row high.
    pub area: Area,
    /// At the left.
    pub left: Line,
    /// At the right; the left gives way to it.
    pub right: Line,
    /// What it lies on.
    pub surface: Role,
}

/// The frame.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ChromeView {
    /// Row 1.
    pub header: Bar,
    /// Row 2; in presenter mode the row below the large words.
    pub sentence: Bar,
    /// The sentence in large type, in presenter mode.
    pub large: Vec<Large>,
    /// The row above the keys, if there is something to tell; it lies over what the screen shows there.
    pub news: Option<Bar>,
    /// The last row.
    pub hints: Bar,
    /// What can be clicked.
    pub hits: Vec<Hit>,
}

/// The frame for a model.
pub fn project(model: &Model) -> ChromeView {
    let (width, height) = model.size;
    let row = |y: u16| Area { x: 0, y, width, height: 1 };
    let mut hits = Vec::new();
    let header = if model.presenter { presenter::header(model, row(0)) } else { header(model, row(0), &mut hits) };
    let rows = sentence_rows(model);
    let (large, sentence) = if rows > 1 {
        presenter::sentence(model, Area { x: 0, y: 1, width, height: rows })
    } else {
        (Vec::new(), sentence(model, row(1)))
    };
    ChromeView {
        header,
        sentence,
        large,
        news: news(model, row(height.saturating_sub(2))),
        hints: hints(model, row(height.saturating_sub(1)), &mut hits),
        hits,
    }
}

fn header(model: &Model, area: Area, hits: &mut Vec<Hit>) -> Bar {
    let snapshot = &model.snapshot;
    let (badge, role) = if snapshot.capabilities.lab { (" LAB ", Role::BadgeLab) } else { (" LIVE ", Role::BadgeLive) };
    let mut left = Line::of(role, badge).with(Role::Strong, format!(" {}  ", safe_str(&snapshot.name)));
    let address = safe_str(&snapshot.addresses.bootstrap);
    if area.width < WIDE {
        let right = join(Line::of(Role::Text, address).with(Role::Text, "  "), clock(model)).with(Role::Text, " ");
        return Bar { area, left, right, surface: Role::Ground };
    }
    for screen in Screen::ALL {
        let x = u16::try_from(left.width()).unwrap_or(u16::MAX);
        let here = screen == model.screen;
        let (number, title) = if here { (Role::Accent, Role::Strong) } else { (Role::Faint, Role::Dim) };
        left = left.with(number, format!("{} ", screen.number())).with(title, format!("{}  ", screen.title()));
        let width = u16::try_from(left.width()).unwrap_or(u16::MAX).saturating_sub(x + 2);
        let name = super::command_of(screen);
        hits.push(Hit { area: Area { x, width, ..area }, target: Target::Command(name) });
    }
    let right = Line::of(Role::Faint, "bootstrap ").with(Role::Text, address).with(Role::Text, " ");
    Bar { area, left, right, surface: Role::Ground }
}

fn sentence(model: &Model, area: Area) -> Bar {
    let Sentence { role, sign, bold, plain, .. } = sentence::project(model);
    // On a strong fill everything is said in the fill's own ink; on a quiet one what stands out may.
    let loud = matches!(role, Role::SentenceWarn | Role::SentenceBad);
    let left = Line::of(role, format!(" {sign}  ")).with(if loud { role } else { Role::Strong }, bold);
    let mut right = if area.width < WIDE { Line::default() } else { join(rates(model), clock(model)).with(role, " ") };
    if loud {
        right.spans.iter_mut().for_each(|span| span.role = role);
    }
    let room = usize::from(area.width).saturating_sub(left.width() + right.width() + 2);
    // Why the session ended is told as far as it goes: nothing else tells it.
    let plain = if model.ended.is_some() { plain.as_str() } else { whole_sentences(&plain, room) };
    let left = left.with(role, format!(" {plain}"));
    Bar { area, left, right, surface: role }
}

/// As many sentences of a text as fit into `room` columns: a torn one says nothing.
pub(super) fn whole_sentences(text: &str, room: usize) -> &str {
    let ends = text.match_indices(". ").map(|(at, _)| at + 1).chain([text.len()]);
    let fits = |end: &usize| text.get(..*end).is_some_and(|part| usize::from(line::columns(part)) <= room);
    ends.filter(fits).last().and_then(|end| text.get(..end)).unwrap_or_default()
}

fn rates(model: &Model) -> Line {
    let snapshot = &model.snapshot;
    Line::of(Role::Strong, format::count(snapshot.records_in_per_sec))
        .with(Role::Dim, " in  ")
        .with(Role::Strong, format::count(snapshot.records_out_per_sec))
        .with(Role::Dim, " out /s    ")
}

/// Lab time with its speed: asked for, and got where that is less; or that it stands.
fn clock(model: &Model) -> Line {
    let clock = model.snapshot.clock;
    let time = Line::of(Role::Strong, format::clock(clock.lab_us)).with(Role::Text, "  ");
    if clock.paused {
        return time.with(Role::Warn, "‖ paused");
    }
    let lags = clock.effective_rate_ppm > 0 && clock.effective_rate_ppm < clock.rate_ppm / 5 * 4;
    let role = if clock.rate_ppm == 1_000_000 { Role::Strong } else { Role::Accent };
    let time = time.with(role, format!("▶ {}", format::rate(clock.rate_ppm)));
    if lags { time.with(Role::Warn, format!(" (gets {})", format::rate(clock.effective_rate_ppm))) } else { time }
}

/// What was told and not read yet; otherwise, on screens that do not show events themselves, the newest event.
fn news(model: &Model, area: Area) -> Option<Bar> {
    let bar = |left: Line| {
        Some(Bar { area, left: left.cut(usize::from(area.width)), right: Line::default(), surface: Role::Ground })
    };
    if let Some(notice) = model.notices.last() {
        let (role, sign) = if notice.bad { (Role::Bad, "✖") } else { (Role::Good, "✓") };
        let more = model.notices.len().saturating_sub(1);
        let more = if more > 0 { format!("  (and {more} more)") } else { String::new() };
        return bar(Line::of(role, format!(" {sign} "))
            .with(Role::Text, safe_str(&notice.text))
            .with(Role::Faint, more));
    }
    if !keeps_news(model.screen) {
        return None;
    }
    let event = model.snapshot.events.iter().rfind(|event| super::cluster::is_effect(event))?;
    let at = format::clock(event.at_us);
    let at = at.get(at.len().saturating_sub(6)..).unwrap_or_default();
    let because =
        if event.because.is_empty() { String::new() } else { format!("  because {}", safe_str(&event.because)) };
    bar(Line::of(Role::Faint, format!(" {at}  ")).with(Role::Text, safe_str(&event.text)).with(Role::Faint, because))
}

/// How many rows the sentence takes: one, but in presenter mode. Under an overlay it is small, too: that wants the
/// room; and so are last words, which are long.
pub(super) fn sentence_rows(model: &Model) -> u16 {
    let large = model.presenter && model.overlays.is_empty() && model.ended.is_none();
    if large { presenter::sentence_rows(model.size.1) } else { 1 }
}

/// Whether a screen keeps the row above the keys free for news. One that shows events itself has better use for it: there
/// a notice lies over the last row while it is read, and nothing moves.
pub(super) fn keeps_news(screen: Screen) -> bool {
    matches!(screen, Screen::Topics | Screen::Brokers | Screen::Groups)
}

/// The keys that matter most on a screen, where the order of the table of commands does not say it.
const LEADING: &[(Mode, &[&str])] = &[
    (Mode::Groups, &["open", "add-consumer", "reset-offsets", "compare-groups", "filter"]),
    (
        Mode::Group,
        &["remove-consumer", "crash-consumer", "add-consumer", "pause-consumer", "slow-consumer", "reset-offsets"],
    ),
];

/// The keys that matter here, those of this screen first; as many as fit before help.
fn hints(model: &Model, area: Area, hits: &mut Vec<Hit>) -> Bar {
    let mode = model.mode();
    if matches!(mode, Mode::Text | Mode::Confirm) {
        // Keys are text or an answer here; what is open says how to leave it.
        return Bar { area, ..Bar::default() };
    }
    let help = hint_words("?", "help").with(Role::Text, " ");
    let room = usize::from(area.width).saturating_sub(help.width() + 2);
    let mut left = Line::of(Role::Text, " ");
    if !model.pending.is_empty() {
        left = left.with(Role::Accent, format!("{} …  ", model.pending));
    }
    let here = |entry: &&CommandEntry| entry.modes.contains(&mode) && !entry.modes.contains(&Mode::Everywhere);
    let usable: Vec<&CommandEntry> =
        model.commands.iter().filter(|entry| entry.works_in(mode) && can(model, entry)).collect();
    let (own, common): (Vec<&CommandEntry>, Vec<&CommandEntry>) = usable.into_iter().partition(here);
    // What names the selected thing comes first: that is what one selects things for.
    let (named, common): (Vec<&CommandEntry>, Vec<&CommandEntry>) =
        common.into_iter().partition(|entry| names_subject(model, entry));
    let mut hinted: Vec<&CommandEntry> = own.into_iter().chain(named).chain(common).collect();
    let first = LEADING.iter().find(|(where_to, _)| *where_to == mode).map_or(&[][..], |(_, names)| *names);
    hinted.sort_by_key(|entry| first.iter().position(|name| *name == entry.name).unwrap_or(first.len()));
    let before = hits.len();
    for entry in hinted {
        let (Some(key), Some(word)) = (entry.keys.first(), words(model, entry)) else { continue };
        let hint = hint_words(&keys(model, entry, key), &word);
        let between = if hits.len() > before { "   " } else { "" };
        if left.width() + between.len() + hint.width() > room {
            break;
        }
        left = left.with(Role::Text, between);
        let x = u16::try_from(left.width()).unwrap_or(u16::MAX);
        let width = u16::try_from(hint.width()).unwrap_or(u16::MAX);
        hits.push(Hit { area: Area { x, width, ..area }, target: Target::Command(entry.name) });
        left = join(left, hint);
    }
    Bar { area, left, right: help, surface: Role::Ground }
}

/// The keys of a hint: speed has one in either direction.
fn keys(model: &Model, entry: &CommandEntry, key: &str) -> String {
    let other = model.commands.iter().find(|other| entry.name == "slower" && other.name == "faster");
    match other.and_then(|other| other.keys.first()) {
        Some(other) => format!("{key} {other}"),
        None => key.to_owned(),
    }
}

/// One line behind another.
pub(super) fn join(mut left: Line, right: Line) -> Line {
    left.spans.extend(right.spans);
    left
}

fn hint_words(key: &str, word: &str) -> Line {
    Line::of(Role::Key, key).with(Role::Dim, format!(" {word}"))
}

/// Whether a hint is about the selected thing: the keys that strike a broker, and the explanation of what is no broker.
fn names_subject(model: &Model, entry: &CommandEntry) -> bool {
    match entry.name {
        "kill-broker" | "start-broker" => true,
        "explain" => subject(model).is_some(),
        _ => false,
    }
}

/// The name of what is selected in the table of the Cluster screen, where that is not a broker.
fn subject(model: &Model) -> Option<String> {
    let snapshot = &model.snapshot;
    match model.selection() {
        _ if model.screen != Screen::Cluster => None,
        Selection::Replica(_, at) => Some(format!("{}-{}", safe_str(&at.topic), at.partition)),
        Selection::Topic(name) => Some(safe_str(&name)),
        Selection::Producer(id) => snapshot.producers.get(&id).map(|producer| safe_str(&producer.name)),
        Selection::Consumer(id) => snapshot.consumers.get(&id).map(|consumer| safe_str(&consumer.name)),
        Selection::Group(id) => Some(safe_str(&id)),
        Selection::Event(_) => Some("this event".to_owned()),
        _ => None,
    }
}

/// The word of a hint; the key that strikes names its victim, and says nothing where there is none.
fn words(model: &Model, entry: &CommandEntry) -> Option<String> {
    let word = entry.hint?;
    match entry.name {
        "kill-broker" => model.broker_in_reach(true).map(|id| format!("kill broker-{id}")),
        "start-broker" => model.broker_in_reach(false).map(|id| format!("start broker-{id}")),
        "remove-consumer" | "crash-consumer" | "pause-consumer" | "slow-consumer" => {
            member_hint(model, entry.name, word)
        }
        "add-consumer" if model.groups.compared(&model.snapshot).is_some() && model.screen == Screen::Groups => {
            Some("add to both".to_owned())
        }
        "open" if model.mode() == Mode::Groups && model.groups.current(&model.snapshot).is_none() => None,
        "compare-groups" if model.snapshot.groups.len() < 2 => None,
        "reset-offsets" => may_reset(model).then(|| word.to_owned()),
        "explain" if names_subject(model, entry) => Some(format!("explain {}", subject(model)?)),
        "pause" if model.snapshot.clock.paused => Some("go on".to_owned()),
        _ => Some(word.to_owned()),
    }
}

/// Whether the offsets of the selected group may be set: while nobody is in it.
fn may_reset(model: &Model) -> bool {
    model.groups.current(&model.snapshot).is_some_and(|group| group.member_count == 0)
}

/// The word of a key that strikes a member, the first of them with its name; nothing where none of the lab's own is selected.
fn member_hint(model: &Model, name: &str, word: &str) -> Option<String> {
    let Selection::Member(group, member) = model.subject() else { return None };
    let member = model.snapshot.groups.get(&group)?.member(&member)?;
    let built_in = member.built_in.as_ref().filter(|built_in| built_in.alive)?;
    let both = model.groups.compared(&model.snapshot).is_some() && model.overlays.is_empty();
    let twin = model.groups.twin(&model.snapshot).and_then(|twin| twin.built_in.as_ref());
    let which = match (both, twin.is_some_and(|twin| twin.alive)) {
        (false, _) => "",
        (true, true) => " in both",
        (true, false) => " in one",
    };
    Some(match name {
        "remove-consumer" => format!("{word} {}{which}", member.tag),
        "pause-consumer" if built_in.paused => "let go on".to_owned(),
        _ => word.to_owned(),
    })
}

/// Whether the session can do what a command needs.
pub fn can(model: &Model, entry: &CommandEntry) -> bool {
    let can = model.snapshot.capabilities;
    match entry.need {
        Some(Need::BreakThings) => can.break_things,
        Some(Need::ControlTime) => can.control_time,
        Some(Need::Write) => can.write,
        None => true,
    }
}
