//! What led to what, as stations on a line: what is done with the time since the station before, what is going on, and what
//! is still to come. The stations of the great stories (a broker dies, a broker comes back) are a table; an event fills the
//! first station of its kind. Stations that were passed over are dropped: only what happened, or will, stands there.

use crate::session::event::{Event, kind};
use crate::session::snapshot::{Broker, BrokerState, Snapshot};
use crate::view::Area;
use crate::view::format;
use crate::view::line::{self, Line};
use crate::view::role::Role;
use crate::view::text::safe_str;

use super::plan::Room;
use super::{ClusterView, Scene};

/// A chain stays for so long after its last station: lab microseconds.
const STAYS_US: u64 = 30_000_000;

/// A station that took this long is what the whole story was about: lab microseconds.
const LONG_US: u64 = 500_000;

/// The last story and where it stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Chain {
    /// The number of the event that began it.
    pub root: u64,
    /// Its stations, in order.
    pub stations: Vec<Station>,
}

/// One station.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Station {
    /// In a few words.
    pub label: String,
    /// Whether it is done.
    pub progress: Progress,
}

/// How far a station is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Progress {
    /// The first: at this lab time, in microseconds.
    Began(u64),
    /// Done, so many lab microseconds after the one before.
    After(u64),
    /// Going on for so many lab microseconds, of how many if that is known.
    Now {
        /// Since the station before.
        for_us: u64,
        /// Until it ends, all in all.
        of_us: Option<u64>,
    },
    /// To come; in so many lab microseconds, if that is known.
    ToCome(Option<u64>),
}

/// Clients that had to move have done so after this time: lab microseconds.
const CLIENTS_US: u64 = 3_000_000;

/// Kinds that belong to a story by their time alone.
const ELECTIONS: [&str; 4] =
    [kind::CONTROLLER_ELECTED, kind::LEADERS_ELECTED, kind::LEADER_FOUND, kind::RECORDS_SENT_AGAIN];

/// A station of the table: the kinds of event that fill it, and its words before.
struct Stop {
    kinds: &'static [&'static str],
    /// The words while it is to come; nothing for a station that is only shown when it happened.
    before: Option<&'static str>,
}

/// A broker dies.
const DEATH: [Stop; 6] = [
    Stop { kinds: &[kind::SESSION_EXPIRED], before: Some("its session expires") },
    Stop { kinds: &[kind::EPHEMERAL_GONE], before: Some("its znode goes") },
    Stop { kinds: &[kind::CONTROLLER_ELECTED], before: None },
    Stop { kinds: &[kind::CONTROLLER_TOLD, kind::WATCH_FIRED], before: Some("controller told") },
    Stop { kinds: &[kind::LEADERS_ELECTED], before: Some("leaders elected") },
    Stop { kinds: &[kind::RECORDS_SENT_AGAIN, kind::LEADER_FOUND], before: Some("clients find them") },
];

/// A broker comes back.
const RETURN: [Stop; 4] = [
    Stop { kinds: &[kind::SESSION_OPENED], before: Some("session opens") },
    Stop { kinds: &[kind::BROKER_REGISTERED], before: Some("its znode is back") },
    Stop { kinds: &[kind::FOLLOWS, kind::CONTROLLER_TOLD], before: Some("told what to follow") },
    Stop { kinds: &[kind::TRUNCATED], before: None },
];

/// The last story, if it is not over for long.
pub(super) fn project(snapshot: &Snapshot) -> Option<Chain> {
    let root = snapshot.events.iter().rev().find(|event| begins(snapshot, event))?;
    let broker = root.brokers.first().and_then(|id| snapshot.brokers.get(id))?;
    let story = Story { snapshot, root, broker, line: descendants(snapshot, root) };
    let (stations, last_us) = if kind::is_sudden_end(&root.kind) { story.death() } else { story.comeback() };
    let fresh = snapshot.clock.lab_us.saturating_sub(last_us) < STAYS_US;
    fresh.then_some(Chain { root: root.id, stations })
}

/// Whether a story begins with an event: a death, or a return of a broker that had died. The lab's own start is none.
fn begins(snapshot: &Snapshot, event: &Event) -> bool {
    let Some(broker) = event.brokers.first() else { return false };
    let died = |earlier: &Event| kind::is_sudden_end(&earlier.kind) && earlier.brokers.contains(broker);
    match event.kind.as_ref() {
        died if kind::is_sudden_end(died) => true,
        kind::BROKER_STARTED => snapshot.events.iter().take_while(|earlier| earlier.id < event.id).any(died),
        _ => false,
    }
}

/// The events that came of `root`, or are about its broker and came later, and all elections since; oldest first.
fn descendants<'a>(snapshot: &'a Snapshot, root: &Event) -> Vec<&'a Event> {
    let mut ids = vec![root.id];
    let mut found = Vec::new();
    for event in snapshot.events.iter().filter(|event| event.id > root.id) {
        let led = event.cause_event.is_some_and(|cause| ids.binary_search(&cause).is_ok());
        // What a new controller does hangs on its own election, not on the death that made it necessary.
        let elects = ELECTIONS.contains(&event.kind.as_ref());
        if led || elects || root.brokers.iter().any(|id| event.brokers.contains(id)) {
            ids.push(event.id);
            found.push(event);
        }
    }
    found
}

/// A story while its stations are told.
struct Story<'a> {
    snapshot: &'a Snapshot,
    root: &'a Event,
    broker: &'a Broker,
    line: Vec<&'a Event>,
}

impl Story<'_> {
    /// Stations of a death, and when the last of them was reached.
    fn death(&self) -> (Vec<Station>, u64) {
        let (mut stations, last_us, to_come) = self.travelled(&DEATH);
        let session = self.broker.session.as_ref().filter(|session| !session.expired);
        let waits = stations.len() == 1 && self.broker.state == BrokerState::Dead;
        if let (true, Some(session)) = (waits, session) {
            let for_us = self.snapshot.clock.lab_us.saturating_sub(last_us);
            // While nobody leads ZooKeeper its time stands.
            let of_us = (!session.held).then(|| for_us + session.ends_in_ms * 1000);
            let label = if session.held { "nobody leads ZooKeeper" } else { "no ping to ZooKeeper" };
            stations.push(Station { label: label.into(), progress: Progress::Now { for_us, of_us } });
        }
        let left_us = session.filter(|session| !session.held).map(|session| session.ends_in_ms * 1000);
        let none_led = !self.snapshot.topics.values().flat_map(|t| &t.partitions).any(|p| p.leader.is_none());
        for (at, stop) in to_come.iter().enumerate() {
            // Where no client of ours had to move, none is waited for.
            let elected = stop.kinds.contains(&kind::LEADER_FOUND) && to_come.len() == 1;
            if elected && self.snapshot.clock.lab_us.saturating_sub(last_us) > CLIENTS_US {
                continue;
            }
            // Nobody is elected for a broker that led nothing.
            let idle = none_led && stop.kinds.iter().any(|k| [kind::LEADERS_ELECTED, kind::LEADER_FOUND].contains(k));
            let known = if at == 0 && waits { left_us } else { None };
            if let (Some(before), false) = (stop.before, idle && waits) {
                stations.push(Station { label: before.into(), progress: Progress::ToCome(known) });
            }
        }
        (stations, last_us)
    }

    /// Stations of a return; the copying is told by the replicas themselves.
    fn comeback(&self) -> (Vec<Station>, u64) {
        let (mut stations, last_us, to_come) = self.travelled(&RETURN);
        let ahead = to_come.iter().filter_map(|stop| stop.before);
        let came_far = ahead.clone().count() == 0;
        stations.extend(ahead.map(|before| Station { label: before.into(), progress: Progress::ToCome(None) }));
        let copies = self.broker.in_sync < self.broker.replicas || !came_far;
        let for_us = self.snapshot.clock.lab_us.saturating_sub(last_us);
        if !copies {
            stations.push(Station {
                label: "in sync again".into(),
                progress: Progress::After(self.synced_us(last_us) - last_us),
            });
            return (stations, self.synced_us(last_us));
        }
        let progress = if came_far { Progress::Now { for_us, of_us: None } } else { Progress::ToCome(None) };
        stations.push(Station { label: "copies what it missed".into(), progress });
        stations.push(Station { label: "in sync again".into(), progress: Progress::ToCome(None) });
        (stations, self.snapshot.clock.lab_us)
    }

    /// When the last replica of the broker came back into the in-sync set; not before `from_us`.
    fn synced_us(&self, from_us: u64) -> u64 {
        let partitions = self.snapshot.topics.values().flat_map(|topic| &topic.partitions);
        let mine = partitions.filter(|partition| partition.isr.contains(&self.broker.id));
        mine.map(|partition| partition.isr_changed_us).max().unwrap_or(from_us).max(from_us)
    }

    /// The root and the stops that were reached, when the last was, and the stops still ahead.
    fn travelled<'s>(&self, stops: &'s [Stop]) -> (Vec<Station>, u64, &'s [Stop]) {
        let began = Station { label: safe_str(&self.root.text), progress: Progress::Began(self.root.at_us) };
        let mut stations = vec![began];
        let mut last_us = self.root.at_us;
        let mut ahead = stops;
        for (at, stop) in stops.iter().enumerate() {
            // The first kind says it best; the others stand in for it.
            let of_kind = |kind: &&str| self.line.iter().find(|event| event.kind.as_ref() == *kind);
            let Some(event) = stop.kinds.iter().find_map(of_kind) else { continue };
            let progress = Progress::After(event.at_us.saturating_sub(last_us));
            stations.push(Station { label: self.words(event), progress });
            last_us = last_us.max(event.at_us);
            ahead = stops.get(at + 1..).unwrap_or_default();
        }
        (stations, last_us, ahead)
    }

    /// A station in a few words: shorter than the event's line.
    fn words(&self, event: &Event) -> String {
        match event.kind.as_ref() {
            kind::SESSION_EXPIRED => "its session expired".into(),
            kind::EPHEMERAL_GONE => format!("/brokers/ids/{} gone", self.broker.id),
            kind::BROKER_REGISTERED => format!("/brokers/ids/{} back", self.broker.id),
            kind::SESSION_OPENED => "new session".into(),
            kind::CONTROLLER_TOLD | kind::WATCH_FIRED => {
                self.snapshot.controller.map_or_else(|| "controller told".into(), |id| format!("broker-{id} told"))
            }
            kind::LEADERS_ELECTED => {
                let near = |other: &&&Event| other.kind == event.kind && other.at_us.abs_diff(event.at_us) < LONG_US;
                let all = self.line.iter().filter(near);
                format!("{} elected", format::plural(all.map(|event| event.partitions.len()).sum(), "leader"))
            }
            kind::FOLLOWS => format!("follows {}", self.broker.replicas.saturating_sub(self.broker.leaders)),
            kind::TRUNCATED => "cut what leaders lack".into(),
            kind::LEADER_FOUND | kind::RECORDS_SENT_AGAIN => "clients found them".into(),
            kind::CONTROLLER_ELECTED => "a new controller".into(),
            _ => safe_str(&event.text),
        }
    }
}

/// `+1.200 s`, `+11 ms`.
fn after(us: u64) -> String {
    match us / 1000 {
        0 => "at once".into(),
        ms @ 1..1_000 => format!("+{ms} ms"),
        ms => format!("+{}.{:03} s", ms / 1000, ms % 1000),
    }
}

/// A station's sign, the role of its sign and words, its time and that one's role.
fn shape(station: &Station, last_done: bool) -> (&'static str, Role, String, Role) {
    match station.progress {
        Progress::Began(at_us) => {
            let at = format::clock(at_us);
            ("●", Role::Text, at.get(6..).unwrap_or_default().to_owned(), Role::Dim)
        }
        Progress::After(us) => {
            let role = if last_done { Role::Good } else { Role::Text };
            ("●", role, after(us), if us >= LONG_US { Role::Strong } else { Role::Dim })
        }
        Progress::Now { for_us, of_us } => {
            let role = if of_us.is_some() { Role::Bad } else { Role::Warn };
            ("◉", role, format!("+{}.{} s", for_us / 1_000_000, for_us / 100_000 % 10), Role::Strong)
        }
        Progress::ToCome(left) => {
            let left = left.map_or_else(String::new, |us| format!("in {}.{} s", us / 1_000_000, us / 100_000 % 10));
            ("○", Role::Faint, left, Role::Dim)
        }
    }
}

/// Puts the chain into the top of `area`; what is left of the area comes back.
pub(super) fn sketch(scene: &Scene<'_>, view: &mut ClusterView, area: Area) -> Area {
    let Some(mut chain) = view.chain.clone() else { return area };
    if scene.plan.room != Room::Wide {
        without_expected_end(&mut chain);
    }
    let reached = chain.stations.iter().rposition(|station| matches!(station.progress, Progress::After(_)));
    let over = !chain.stations.iter().any(|station| matches!(station.progress, Progress::Now { .. }));
    let good = if over { reached } else { None };
    if scene.plan.room == Room::Compact {
        return sentence(view, &chain, good, area);
    }
    let mut x = area.x + 1;
    for ((at, station), step) in chain.stations.iter().enumerate().zip(steps(&chain, area.width)) {
        let (sign, role, time, time_role) = shape(station, Some(at) == good);
        let next = chain.stations.get(at + 1);
        let words = usize::from(step.saturating_sub(2));
        view.put(area, x, area.y, Line::of(role, format!("{sign} ")).cut(2));
        if let Some(next) = next {
            view.put(area, x + 2, area.y, segment(station, next, step.saturating_sub(3)));
        }
        view.put(area, x, area.y + 1, Line::of(role, line::cut(&station.label, words)));
        view.put(area, x, area.y + 2, Line::of(time_role, line::cut(&time, words)));
        x += step;
    }
    Area { y: area.y + 4, height: area.height.saturating_sub(4), ..area }
}

/// Drops the station that only ends what is going on: where room is short, the countdown says it.
fn without_expected_end(chain: &mut Chain) {
    let waits =
        chain.stations.iter().position(|station| matches!(station.progress, Progress::Now { of_us: Some(_), .. }));
    if let Some(end) = waits.map(|at| at + 1).filter(|end| end + 1 < chain.stations.len()) {
        chain.stations.remove(end);
    }
}

/// Columns from each station to the next: its words and a share of what is left, or even shares where words do not fit.
fn steps(chain: &Chain, width: u16) -> Vec<u16> {
    let words: Vec<u16> = chain.stations.iter().map(|station| line::columns(&station.label) + 3).collect();
    let count = u16::try_from(words.len()).unwrap_or(1).max(1);
    let width = width.saturating_sub(2);
    let even = width / count;
    if words.iter().all(|words| *words <= even) {
        return vec![even; words.len()];
    }
    let spare = width.checked_sub(words.iter().sum::<u16>());
    words.iter().map(|words| spare.map_or(even, |spare| words + spare / count)).collect()
}

/// The line to the next station: full where it is done, filled so far while it waits.
fn segment(station: &Station, next: &Station, width: u16) -> Line {
    let wide = usize::from(width.saturating_sub(1));
    match (station.progress, next.progress) {
        (Progress::Now { for_us, of_us: Some(of_us) }, _) => {
            let filled = usize::try_from(u64::from(width) * for_us / of_us.max(1)).unwrap_or(0).min(wide);
            Line::of(Role::Bad, "━".repeat(filled)).with(Role::Rule, format!("{}▸", "─".repeat(wide - filled)))
        }
        (_, Progress::ToCome(_)) => Line::of(Role::Rule, format!("{}▸", "─".repeat(wide))),
        _ => Line::of(Role::Dim, format!("{}▸", "─".repeat(wide))),
    }
}

/// The chain as words in two rows, the way it fits a small screen.
fn sentence(view: &mut ClusterView, chain: &Chain, good: Option<usize>, area: Area) -> Area {
    let mut rows: Vec<Line> = vec![Line::of(Role::Text, " ")];
    for (at, station) in chain.stations.iter().enumerate() {
        let (_, role, time, time_role) = shape(station, Some(at) == good);
        let mut words = Line::of(Role::Rule, if at > 0 { " ▸ " } else { "" }).with(role, station.label.clone());
        let told = matches!(station.progress, Progress::After(LONG_US..) | Progress::Now { .. });
        if told {
            words = words.with(time_role, format!(" {time}"));
        }
        let used = rows.last().map_or(0, Line::width);
        if used + words.width() > usize::from(area.width) && rows.len() < 2 {
            rows.push(Line::of(Role::Text, "  "));
        }
        if let Some(row) = rows.last_mut() {
            row.spans.extend(words.spans);
        }
    }
    let count = u16::try_from(rows.len()).unwrap_or(0);
    for (y, row) in (area.y..).zip(rows) {
        view.put(area, area.x, y, row.cut(usize::from(area.width)));
    }
    Area { y: area.y + count, height: area.height.saturating_sub(count), ..area }
}
