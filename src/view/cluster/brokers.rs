//! The words of the brokers' rows: at the left how a broker is and what it does, at the right its session with ZooKeeper,
//! hung on the spine.

use crate::model::cluster::Row;
use crate::session::event::kind;
use crate::session::snapshot::{Broker, BrokerSession, BrokerState, ZkServer};
use crate::view::Area;
use crate::view::format;
use crate::view::large::{self, Large};
use crate::view::line::{self, Line};
use crate::view::role::Role;
use crate::view::text::safe_str;

use super::plan::Room;
use super::{ClusterView, Scene, cursor};

/// Columns of a countdown's bar.
const COUNTDOWN: u64 = 12;

/// All brokers that are shown.
pub(super) fn sketch(scene: &Scene<'_>, view: &mut ClusterView) {
    let plan = &scene.plan;
    for (at, id) in plan.shown.iter().enumerate() {
        let Some(broker) = scene.snapshot.brokers.get(id) else { continue };
        let y = plan.broker_row(at);
        let height = plan.cell.max(plan.step.min(2));
        if plan.large {
            large_label(scene, view, broker, y);
        } else {
            for (row, line) in (0..height).zip(label(scene, broker)) {
                view.put(plan.area, plan.area.x, y + row, line.cut(usize::from(plan.label)));
            }
        }
        cursor::bar(scene, view, &Row::Broker(broker.id), Area { y, height, ..plan.area });
        if scene.snapshot.zookeeper.is_some() {
            session(scene, view, broker, y);
        }
    }
    if let (Some(y), Some(_)) = (plan.zookeeper, &scene.snapshot.zookeeper) {
        if plan.room == Room::Compact { ensemble_row(scene, view, y) } else { ensemble(scene, view, y) }
    }
}

/// How a broker is, in one sign.
fn sign(broker: &Broker, copies: bool) -> (Role, &'static str) {
    match broker.state {
        BrokerState::Dead | BrokerState::DiskFailed => (Role::Bad, "✖"),
        BrokerState::Starting | BrokerState::ShuttingDown => (Role::Warn, "◔"),
        BrokerState::Running if copies => (Role::Warn, "▲"),
        BrokerState::Running => (Role::Good, "●"),
    }
}

/// Up to four lines: name and state, what it leads, its traffic, its address.
fn label(scene: &Scene<'_>, broker: &Broker) -> Vec<Line> {
    let compact = scene.plan.room == Room::Compact;
    let copies = broker.state == BrokerState::Running && broker.in_sync < broker.replicas;
    let (role, sign) = sign(broker, copies);
    let named = if role == Role::Good { Role::Strong } else { role };
    let word = match broker.state {
        BrokerState::Starting => "  starting",
        BrokerState::ShuttingDown => "  shutting down",
        BrokerState::DiskFailed => "  disk failed",
        _ if copies => "  catching up",
        _ => "",
    };
    let mut head = Line::of(role, format!(" {sign} ")).with(named, format!("broker-{}", broker.id));
    if broker.controller {
        // How it is comes first: there is not room for both words.
        let room = scene.plan.room == Room::Wide && broker.state != BrokerState::Dead && word.is_empty();
        head = head.with(Role::Control, if room { "  ♛ controller" } else { " ♛" });
    }
    if broker.state == BrokerState::Dead {
        return dead_label(scene, broker, head, compact);
    }
    if !compact {
        head = head.with(if broker.state == BrokerState::DiskFailed { Role::Bad } else { Role::Warn }, word);
    }
    let mut lines = vec![head, leads(scene, broker, copies, compact)];
    if !compact {
        lines.push(traffic(broker, scene.plan.room == Room::Wide));
        lines.push(Line::of(Role::Faint, format!("   {}", broker.address)));
    }
    lines
}

/// For a hall: the broker's number in large type, how it is beside it.
fn large_label(scene: &Scene<'_>, view: &mut ClusterView, broker: &Broker, y: u16) {
    let plan = &scene.plan;
    let copies = broker.state == BrokerState::Running && broker.in_sync < broker.replicas;
    let (role, _) = sign(broker, copies);
    let (named, number) = (if role == Role::Good { Role::Strong } else { role }, broker.id.to_string());
    let inset = if plan.room == Room::Compact { 1 } else { 3 };
    let x = plan.area.x + inset;
    let width = large::columns(&number);
    let y = y + plan.cell.saturating_sub(large::ROWS) / 2;
    let area = Area { x, y, width, height: large::ROWS };
    view.large.push(Large { area, text: number, role: named, surface: Role::Ground });
    let x = x + width + inset.min(2);
    let name = Line::of(named, format!("broker-{}", broker.id));
    let name = if broker.controller { name.with(Role::Control, " ♛") } else { name };
    let ago = dead_for(scene.since_us(broker.since_us));
    let leads = Line::of(Role::Dim, "leads ").with(Role::Strong, broker.leaders.to_string());
    let (state, more) = match broker.state {
        BrokerState::Dead => (Line::of(Role::DeadTag, " DEAD "), Line::of(Role::Bad, ago)),
        BrokerState::Starting => (Line::of(Role::Warn, "starting"), Line::default()),
        BrokerState::ShuttingDown => (Line::of(Role::Warn, "stopping"), leads),
        BrokerState::DiskFailed => (Line::of(Role::Bad, "disk failed"), leads),
        BrokerState::Running if copies => {
            let in_sync = format!("{}/{}", broker.in_sync, broker.replicas);
            (Line::of(Role::Warn, "catches up"), Line::of(Role::Dim, "in sync ").with(Role::Warn, in_sync))
        }
        BrokerState::Running => (leads, Line::default()),
    };
    let room = usize::from((plan.area.x + plan.label).saturating_sub(x));
    for (y, line) in (y..).zip([name, state, more]) {
        view.put(plan.area, x, y, line.cut(room));
    }
}

fn dead_label(scene: &Scene<'_>, broker: &Broker, head: Line, compact: bool) -> Vec<Line> {
    let ago = dead_for(scene.since_us(broker.since_us));
    if compact {
        return vec![head, Line::of(Role::Text, "   ").with(Role::DeadTag, format!(" DEAD {ago} "))];
    }
    let partitions = scene.snapshot.topics.values().flat_map(|topic| &topic.partitions);
    let led = partitions.filter(|p| p.leader.is_none() && p.recorded_leader == Some(broker.id)).count();
    let led = if led > 0 {
        format!("   led {}", format::plural(led, "partition"))
    } else {
        "   leads nothing now".to_owned()
    };
    let mut start =
        Line::of(Role::Text, "   ").with(Role::Key, scene.key("start-broker")).with(Role::Dim, " starts it again");
    if !scene.snapshot.capabilities.break_things {
        start = Line::default();
    }
    let head = head.with(Role::Text, " ");
    // The tag is what the row is about: where the label is short it gives up its blanks, never a digit.
    let roomy = head.columns() + line::columns(&ago) + 7 < scene.plan.label;
    let head = head.with(Role::DeadTag, if roomy { format!(" DEAD {ago} ") } else { format!("DEAD {ago}") });
    vec![head, Line::of(Role::Dim, led), start]
}

/// How long a broker has been dead; tenths of a second as long as they mean something.
fn dead_for(us: u64) -> String {
    let tenths = us / 100_000;
    if tenths < 600 { format!("{}.{} s", tenths / 10, tenths % 10) } else { format::duration_ms(us / 1000) }
}

fn leads(scene: &Scene<'_>, broker: &Broker, copies: bool, compact: bool) -> Line {
    let partitions = || scene.snapshot.topics.values().flat_map(|topic| &topic.partitions);
    let new = partitions()
        .filter(|p| {
            p.leader == Some(broker.id)
                && p.leader_changed_us > 0
                && scene.since_us(p.leader_changed_us) < scene.new_us()
        })
        .count();
    let line = Line::of(Role::Dim, "   leads ").with(Role::Strong, broker.leaders.to_string());
    let line = if new > 0 { line.with(Role::Good, format!("  +{new}")) } else { line };
    if compact {
        return line;
    }
    let line = line.with(Role::Dim, format!(" of {}", broker.replicas));
    if copies { line.with(Role::Dim, ", in sync ").with(Role::Warn, broker.in_sync.to_string()) } else { line }
}

fn traffic(broker: &Broker, spark: bool) -> Line {
    let line = Line::of(Role::Text, format!("   {}", format::count(broker.in_per_sec)))
        .with(Role::Dim, " in  ")
        .with(Role::Text, format::count(broker.out_per_sec))
        .with(Role::Dim, " out ");
    if spark { line.with(Role::Spark, sparkline(broker)) } else { line }
}

fn sparkline(broker: &Broker) -> String {
    let most = broker.in_history.iter().copied().max().unwrap_or(0).max(1);
    // At most five eighths: bars of neighbouring rows would melt into a wall.
    let bar =
        |n: &u32| ['▁', '▂', '▃', '▄', '▅'].get(usize::try_from(n * 4 / most).unwrap_or(0)).copied().unwrap_or('▁');
    broker.in_history.iter().map(bar).collect()
}

/// `session 4 `, or without the number where it is one of ZooKeeper's own, eighteen digits that nobody compares.
fn session_name(id: i64) -> String {
    if (0..10_000).contains(&id) { format!("session {id} ") } else { "session ".to_owned() }
}

/// Seconds with a tenth.
fn seconds(ms: u64) -> String {
    format!("{}.{} s", ms / 1000, ms % 1000 / 100)
}

/// Whether a session is silent for so long that one should look.
fn silent(broker: &Broker, session: &BrokerSession) -> bool {
    broker.state == BrokerState::Dead || session.silent_ms * 2 > session.timeout_ms
}

/// `▰▰▰▱▱`: how much of a session's time-out is gone.
fn countdown(session: &BrokerSession, width: u64) -> (String, String) {
    let total = session.timeout_ms.max(1);
    let gone = session.timeout_ms.saturating_sub(session.ends_in_ms) * width / total;
    let bar = |sign: &str, n: u64| sign.repeat(usize::try_from(n).unwrap_or(0));
    (bar("▰", gone), bar("▱", width.saturating_sub(gone)))
}

/// A broker's session: a link to the spine and its words, or a cut one and its countdown.
fn session(scene: &Scene<'_>, view: &mut ClusterView, broker: &Broker, y: u16) {
    let plan = &scene.plan;
    let Some(session) = &broker.session else { return };
    let middle = y + (plan.cell.saturating_sub(1)) / 2;
    let x = plan.spine() + 2;
    if plan.room == Room::Compact {
        let narrow = plan.right < 13;
        view.put(plan.area, if narrow { x - 1 } else { x }, y, compact_session(broker, session, narrow));
        return;
    }
    let alive = !session.expired && !session.held && broker.state != BrokerState::Dead;
    link(scene, view, middle, alive);
    let lines = session_words(scene, broker, session);
    let top = if lines.len() > 1 && plan.cell > 2 { middle - 1 } else { middle };
    for (row, line) in (0..plan.step).zip(lines) {
        view.put(plan.area, x, top + row, line);
    }
}

fn compact_session(broker: &Broker, session: &BrokerSession, narrow: bool) -> Line {
    if session.expired {
        return Line::of(Role::Bad, if narrow { "✕ gone" } else { "✕ expired" });
    }
    if session.held {
        return Line::of(Role::Warn, if narrow { "✕ held" } else { "✕ is held" });
    }
    if silent(broker, session) {
        return Line::of(Role::Warn, if narrow { "✕ " } else { "✕ in " }).with(Role::Bad, seconds(session.ends_in_ms));
    }
    Line::of(Role::Control, "♥").with(Role::Faint, format!(" {}", seconds(session.silent_ms)))
}

/// The line from a broker's row to the spine; a dead broker's is cut.
fn link(scene: &Scene<'_>, view: &mut ClusterView, y: u16, alive: bool) {
    let plan = &scene.plan;
    let end = plan.spine();
    let from = scene.grid.end().unwrap_or(plan.area.x + plan.label) + 1;
    let width = usize::from(end.saturating_sub(from));
    let line = if alive {
        Line::of(Role::Rule, "─".repeat(width))
    } else {
        let left = width / 2;
        Line::of(Role::Hatch, "─".repeat(left))
            .with(Role::Bad, "✕")
            .with(Role::Hatch, "─".repeat(width.saturating_sub(left + 1)))
    };
    view.put(plan.area, from, y, line.cut(width));
}

fn session_words(scene: &Scene<'_>, broker: &Broker, session: &BrokerSession) -> Vec<Line> {
    let wide = scene.plan.room == Room::Wide;
    let name = session_name(session.id);
    let words = |words: String| if wide { format!("{name}{words}") } else { words };
    if session.expired {
        let gone = if wide { format!("/brokers/ids/{} is gone", broker.id) } else { "znode gone".to_owned() };
        return vec![Line::of(Role::Bad, words("expired".to_owned())), Line::of(Role::Dim, gone)];
    }
    if session.held {
        let why = if wide { "nobody leads ZooKeeper" } else { "no leader" };
        return vec![Line::of(Role::Warn, words("is held".to_owned())), Line::of(Role::Dim, why)];
    }
    if silent(broker, session) {
        let (gone, left) = countdown(session, if wide { COUNTDOWN } else { COUNTDOWN / 2 });
        let ends = if wide {
            format!(" ends in {}", seconds(session.ends_in_ms))
        } else {
            format!(" {}", seconds(session.ends_in_ms))
        };
        return vec![
            Line::of(Role::Warn, words(format!("silent {}", seconds(session.silent_ms)))),
            Line::of(Role::Bad, gone).with(Role::Rule, left).with(Role::Bad, ends),
        ];
    }
    let server = session.server.map_or_else(String::new, |server| format!(" at zk-{server}"));
    let mut beat = Line::of(Role::Control, "♥ ");
    if wide {
        beat = beat.with(Role::Text, name.trim_end());
    }
    let server = if wide { server } else { server.trim_start_matches(" at ").to_owned() };
    let beat = beat.with(Role::Dim, server).with(Role::Faint, format!("  {}", seconds(session.silent_ms)));
    with_news(scene, broker, beat)
}

/// What the controller was told and wrote, around its session, as long as that is news.
fn with_news(scene: &Scene<'_>, broker: &Broker, beat: Line) -> Vec<Line> {
    if !broker.controller || scene.plan.cell < 3 || scene.plan.room != Room::Wide {
        return vec![beat];
    }
    let recent = |kind: &str| {
        let mut events =
            scene.snapshot.events.iter().rev().take_while(|event| scene.since_us(event.at_us) < scene.new_us());
        events.find(|event| event.kind.as_ref() == kind)
    };
    // The event's own words, without who was told: it stands beside its broker.
    let told = recent(kind::CONTROLLER_TOLD).and_then(|event| event.text.split_once("told: "));
    let elected = scene.snapshot.topics.values().flat_map(|topic| &topic.partitions);
    let elected =
        elected.filter(|p| p.leader_changed_us > 0 && scene.since_us(p.leader_changed_us) < scene.new_us()).count();
    let told =
        told.map_or_else(Line::default, |(_, what)| Line::of(Role::Control, format!("◀ told: {}", safe_str(what))));
    let wrote = if elected > 0 {
        Line::of(Role::Control, format!("▶ wrote {}", format::plural(elected, "new leader")))
    } else {
        Line::default()
    };
    if told.spans.is_empty() && wrote.spans.is_empty() { vec![beat] } else { vec![told, beat, wrote] }
}

fn server_words(server: &ZkServer) -> (Role, &'static str, Role) {
    match (server.alive, server.role.as_ref()) {
        (false, _) => (Role::Bad, "✖", Role::Bad),
        (true, "leader" | "standalone") => (Role::Control, "◆", Role::Strong),
        (true, "looking") => (Role::Warn, "◔", Role::Warn),
        (true, _) => (Role::Text, " ", Role::Dim),
    }
}

/// ZooKeeper's heading, its servers, and the spine down to the last broker.
fn ensemble(scene: &Scene<'_>, view: &mut ClusterView, y: u16) {
    let plan = &scene.plan;
    let Some(zookeeper) = &scene.snapshot.zookeeper else { return };
    let (all, up) = (zookeeper.servers.len(), zookeeper.servers.iter().filter(|server| server.alive).count());
    let x = plan.spine();
    let counted = if all == 1 && up == 1 { String::new() } else { format!("  {up} of {all} up") };
    view.put(plan.area, x, y, Line::of(Role::Rule, "┌ ").with(Role::Strong, "ZooKeeper").with(Role::Dim, counted));
    let last = plan.broker_row(plan.shown.len().saturating_sub(1)) + plan.cell.saturating_sub(1) / 2;
    let joins: Vec<u16> =
        (0..plan.shown.len()).map(|at| plan.broker_row(at) + plan.cell.saturating_sub(1) / 2).collect();
    for row in y + 1..=last {
        let sign = if row == last {
            "┘"
        } else if joins.contains(&row) {
            "┤"
        } else {
            "│"
        };
        view.put(plan.area, x, row, Line::of(Role::Rule, sign));
    }
    let rows = plan.topics.saturating_sub(y + 1);
    for (row, server) in (0..rows).zip(&zookeeper.servers) {
        let (role, sign, name) = server_words(server);
        let zxid = format!("{}:{:x}", server.zxid >> 32, server.zxid & 0xffff_ffff);
        let role_word = match (server.alive, server.role.as_ref()) {
            (false, _) => "dead",
            (true, "standalone") if plan.room != Room::Wide => "alone",
            (true, word) => word,
        };
        let mut line = Line::of(role, format!("{sign} ")).with(name, format!("zk-{}  {role_word}", server.id));
        if plan.room == Room::Wide {
            line = line.with(Role::Faint, format!("  {zxid}"));
        }
        view.put(plan.area, x + 2, y + 1 + row, line);
    }
}

/// ZooKeeper in one row.
fn ensemble_row(scene: &Scene<'_>, view: &mut ClusterView, y: u16) {
    let plan = &scene.plan;
    let Some(zookeeper) = &scene.snapshot.zookeeper else { return };
    let mut line = Line::of(Role::Dim, " ZooKeeper  ");
    for server in &zookeeper.servers {
        let (role, sign, name) = server_words(server);
        line = line.with(role, format!("{} ", sign.trim())).with(name, format!("zk-{} {}  ", server.id, server.role));
    }
    line = line.with(Role::Dim, " sessions ");
    for broker in scene.snapshot.brokers.values() {
        let Some(session) = &broker.session else { continue };
        let (role, word) = match session.expired {
            true => (Role::Bad, format!("{} gone  ", broker.id)),
            false if session.held => (Role::Warn, format!("{} held  ", broker.id)),
            false if silent(broker, session) => (Role::Warn, format!("{} silent  ", broker.id)),
            false => (Role::Text, format!("{}  ", broker.id)),
        };
        line = line.with(role, word);
    }
    view.put(plan.area, plan.area.x, y, line.cut(usize::from(plan.area.width)));
}
