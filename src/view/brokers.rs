//! The Brokers screen: a table, and the detail of one broker: what it leads and follows, requests, connections, settings.

mod detail;
#[cfg(test)]
mod tests;

use crate::model::Model;
use crate::model::place::Selection;
use crate::model::sort;
use crate::session::snapshot::{Broker, BrokerState, Snapshot};

use super::format::{self, count};
use super::line::Line;
use super::role::Role;
use super::sheet::{Chosen, Heads, Sheet, left, right};
use super::text::safe_str;
use super::{Area, Hit, Target};

/// The Brokers screen.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct BrokersView {
    /// What can be clicked.
    pub hits: Vec<Hit>,
    /// What stands where.
    pub sheet: Sheet,
}

/// The Brokers screen for a model, in `area`.
pub fn project(model: &Model, area: Area) -> BrokersView {
    let snapshot = &*model.snapshot;
    let mut sheet = Sheet::default();
    let selected = model.brokers.broker.and_then(|id| snapshot.brokers.get(&id));
    match selected {
        Some(broker) if model.brokers.detail => detail::draw(snapshot, broker, area, &mut sheet),
        _ => table(model, selected, area, &mut sheet),
    }
    BrokersView { hits: sheet.hits.clone(), sheet }
}

/// How a broker is: role, sign, word.
fn state(broker: &Broker) -> (Role, &'static str, &'static str) {
    match broker.state {
        BrokerState::Dead => (Role::Bad, "✖", "dead"),
        BrokerState::DiskFailed => (Role::Bad, "✖", "disk failed"),
        BrokerState::Starting => (Role::Warn, "◔", "starting"),
        BrokerState::ShuttingDown => (Role::Warn, "◔", "shutting down"),
        BrokerState::Running if broker.in_sync < broker.replicas => (Role::Warn, "▲", "catching up"),
        BrokerState::Running => (Role::Good, "●", "running"),
    }
}

/// How long a broker has been in its state.
fn since(snapshot: &Snapshot, broker: &Broker) -> String {
    format::duration_ms(snapshot.clock.lab_us.saturating_sub(broker.since_us) / 1000)
}

/// A column of the table: title, width, whether numbers stand at its right, and from which width of the screen on it is there.
struct Field {
    title: &'static str,
    width: usize,
    number: bool,
    from: u16,
    value: fn(&Snapshot, &Broker) -> String,
}

impl Field {
    const fn words(title: &'static str, width: usize, from: u16, value: fn(&Snapshot, &Broker) -> String) -> Self {
        Self { title, width, number: false, from, value }
    }

    const fn number(title: &'static str, width: usize, from: u16, value: fn(&Snapshot, &Broker) -> String) -> Self {
        Self { title, width, number: true, from, value }
    }

    fn shape(&self, text: &str) -> String {
        if self.number { right(text, self.width) } else { left(text, self.width) }
    }
}

/// The columns behind the name and the state; the first ones are the last to go.
const FIELDS: [Field; 10] = [
    Field::number("leads", 7, 0, |_, b| b.leaders.to_string()),
    Field::number("copies", 8, 0, |_, b| b.replicas.to_string()),
    Field::number("in sync", 9, 0, |_, b| b.in_sync.to_string()),
    Field::number("in/s", 8, 64, |_, b| count(b.in_per_sec)),
    Field::number("out/s", 8, 76, |_, b| count(b.out_per_sec)),
    Field::number("log", 11, 110, |_, b| format::bytes(b.log_bytes)),
    Field::number("session", 12, 96, |_, b| session(b)),
    Field::number("clients", 9, 120, |_, b| b.connections.len().to_string()),
    Field::number("errors", 8, 130, |_, b| count(b.requests.values().map(|n| n.errors).sum())),
    Field::words("  address", 24, 140, |_, b| {
        format!("  {}{}", b.address, b.rack.as_ref().map_or_else(String::new, |rack| format!(" {}", safe_str(rack))))
    }),
];

/// A session in a few words: how long the server has not heard of it.
fn session(broker: &Broker) -> String {
    match &broker.session {
        None => "–".into(),
        Some(session) if session.expired => "expired".into(),
        Some(session) if session.held => "held".into(),
        Some(session) if broker.state == BrokerState::Dead => {
            format!("ends {}", format::duration_ms(session.ends_in_ms))
        }
        Some(session) => format!("♥ {}", format::duration_ms(session.silent_ms)),
    }
}

fn table(model: &Model, selected: Option<&Broker>, area: Area, sheet: &mut Sheet) {
    let snapshot = &*model.snapshot;
    let serves = |broker: &&Broker| matches!(broker.state, BrokerState::Running | BrokerState::ShuttingDown);
    let serving = snapshot.brokers.values().filter(serves).count();
    let title = Line::of(Role::Text, "  ")
        .with(Role::Strong, "Brokers")
        .with(Role::Dim, format!("  {serving} of {} serve", snapshot.brokers.len()));
    let title = match snapshot.controller {
        Some(id) => title.with(Role::Control, format!("   ♛ broker-{id} is the controller")),
        None => title.with(Role::Warn, "   ▲ no controller"),
    };
    sheet.put(area.row(1), title);
    let fields: Vec<&Field> = FIELDS.iter().filter(|field| area.width >= field.from).collect();
    let heads = Heads { sorted: model.brokers.order.by(sort::BROKERS) };
    sheet.put(area.row(3), header(heads, &fields));
    let in_view = |name: &str| name == "broker" || fields.iter().any(|field| field.title.trim() == name);
    if !in_view(heads.sorted.0) {
        let words = Line::of(Role::Accent, format!("sorted by {}  ", heads.in_words()));
        sheet.put_right(area.row(2), words, Role::Ground);
    }
    if snapshot.brokers.is_empty() {
        sheet.put(area.row(4), Line::of(Role::Dim, "   No broker is known yet: the cluster is starting."));
        return;
    }
    let preview = if area.height >= 26 { area.height / 2 } else { 0 };
    let body = area.below(4);
    let body = body.top(body.height.saturating_sub(preview));
    let list = model.brokers.list(snapshot);
    let at = list.iter().position(|broker| Some(broker.id) == model.brokers.broker).unwrap_or(0);
    let first = (at + 1).saturating_sub(usize::from(body.height));
    let mut rows = 0;
    for (y, broker) in (0..body.height).zip(list.into_iter().skip(first)) {
        let chosen = Chosen::when(Some(broker.id) == model.brokers.broker, true);
        sheet.put_row(
            body.row(y),
            row(snapshot, broker, &fields),
            chosen,
            Target::Select(Selection::Broker(broker.id)),
        );
        rows = y + 1;
    }
    if let (Some(broker), true) = (selected, preview > 0) {
        detail::preview(snapshot, broker, area.below(4 + rows + 1), sheet);
    }
}

fn header(heads: Heads, fields: &[&Field]) -> Line {
    let start = Line::of(Role::Text, "     ").append(heads.words("broker", 26));
    fields.iter().fold(start, |line, field| {
        let head = if field.number { Heads::number } else { Heads::words };
        line.append(head(heads, field.title, field.width))
    })
}

fn row(snapshot: &Snapshot, broker: &Broker, fields: &[&Field]) -> Line {
    let (role, sign, word) = state(broker);
    let named = if role == Role::Good { Role::Strong } else { role };
    let word = if role == Role::Good { String::new() } else { format!("{word} {}", since(snapshot, broker)) };
    let crown = if broker.controller { " ♛" } else { "" };
    let name = format!("broker-{}", broker.id);
    let mut line = Line::of(role, format!(" {sign} ")).with(named, name.as_str()).with(Role::Control, crown);
    line = line.with(Role::Text, " ").with(role, word).cut(30).padded(30);
    for field in fields {
        line = line.with(Role::Text, field.shape(&(field.value)(snapshot, broker)));
    }
    line
}
