//! The filter of messages and of events: words and comparisons, all of which must hold.
//!
//! `truck-07 gps` finds both words anywhere in key, value or headers. `key ~ truck` looks in one place, `speed < 90` and
//! `id = truck-07` compare a field of a JSON value, `offset >= 12000` the offset. `and` may stand between them. Of events,
//! words are looked for in all that the list shows of them; `node`, `kind`, `text` and `because` name the places.

use serde_json::Value;

use crate::session::action::Record;
use crate::session::event::{Event, NodeRef};

/// One condition.
#[derive(Clone, Debug, PartialEq)]
enum Term {
    /// The word is somewhere in the record.
    Word(String),
    /// What has this name compares so.
    Compare { name: String, operator: Operator, with: String },
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Operator {
    Contains,
    Equal,
    Unequal,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
}

/// Something that a filter can look into.
pub trait Searched {
    /// All of its text.
    fn everything(&self) -> String;
    /// What a name means for it.
    fn named(&self, name: &str) -> Option<String>;
}

/// A filter, parsed.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Filter {
    terms: Vec<Term>,
}

impl Filter {
    /// Reads a filter; every text is one, for whatever is no comparison is words to look for.
    pub fn parse(text: &str) -> Self {
        let spaced = space_operators(text);
        let words: Vec<&str> = spaced.split_whitespace().collect();
        let mut terms = Vec::new();
        let mut rest = words.as_slice();
        while let [first, more @ ..] = rest {
            rest = more;
            if let [sign, with, more @ ..] = rest
                && let Some(operator) = operator(sign)
            {
                terms.push(Term::Compare { name: (*first).to_owned(), operator, with: (*with).to_owned() });
                rest = more;
            } else if !first.eq_ignore_ascii_case("and") {
                terms.push(Term::Word(first.to_lowercase()));
            }
        }
        Self { terms }
    }

    /// Whether it lets everything through.
    pub fn is_empty(&self) -> bool {
        self.terms.is_empty()
    }

    /// Whether a record or an event meets every condition.
    pub fn takes(&self, searched: &impl Searched) -> bool {
        self.terms.iter().all(|term| match term {
            Term::Word(word) => searched.everything().to_lowercase().contains(word),
            Term::Compare { name, operator, with } => {
                searched.named(name).is_some_and(|found| compare(&found, *operator, with))
            }
        })
    }
}

/// Puts blanks around the signs of comparisons, so that `speed<90` reads like `speed < 90`.
fn space_operators(text: &str) -> String {
    let mut spaced = String::new();
    let mut before = ' ';
    for c in text.chars() {
        let (sign, was_sign) = (is_sign(c), is_sign(before));
        if sign != was_sign {
            spaced.push(' ');
        }
        spaced.push(c);
        before = c;
    }
    spaced
}

fn is_sign(c: char) -> bool {
    matches!(c, '<' | '>' | '=' | '!' | '~')
}

fn operator(sign: &str) -> Option<Operator> {
    Some(match sign {
        "~" => Operator::Contains,
        "=" | "==" => Operator::Equal,
        "!=" => Operator::Unequal,
        "<" => Operator::Less,
        "<=" => Operator::LessOrEqual,
        ">" => Operator::Greater,
        ">=" => Operator::GreaterOrEqual,
        _ => return None,
    })
}

fn text(bytes: Option<&[u8]>) -> String {
    bytes.map_or_else(String::new, |bytes| String::from_utf8_lossy(bytes).into_owned())
}

impl Searched for Record {
    fn everything(&self) -> String {
        let headers = self.headers.iter().map(|(name, value)| format!("{name} {}", text(value.as_deref())));
        let mut all = vec![text(self.key.as_deref()), text(self.value.as_deref())];
        all.extend(headers);
        if let Some(decoded) = &self.decoded {
            all.extend([decoded.kind.to_string(), decoded.line.to_string()]);
            all.extend(decoded.parts.iter().map(|(name, what)| format!("{name} {what}")));
        }
        all.join("\n")
    }

    fn named(&self, name: &str) -> Option<String> {
        of_record(self, name)
    }
}

impl Searched for Event {
    fn everything(&self) -> String {
        [&node_name(&self.node), &*self.text, &*self.because].join("\n")
    }

    fn named(&self, name: &str) -> Option<String> {
        Some(match name {
            "node" => node_name(&self.node),
            "kind" => self.kind.to_string(),
            "text" => self.text.to_string(),
            "because" => self.because.to_string(),
            "id" => self.id.to_string(),
            _ => return None,
        })
    }
}

/// A node by every name that screens have for it: a lone ZooKeeper server is shown without its number.
fn node_name(node: &NodeRef) -> String {
    match node {
        NodeRef::Operator => "you".into(),
        NodeRef::Zk(id) => format!("zk-{id} ZooKeeper"),
        NodeRef::Broker(id) => format!("broker-{id}"),
        NodeRef::Producer(_, name) | NodeRef::Consumer(_, name) | NodeRef::Outside(name) => name.to_string(),
    }
}

/// What a name means for a record: its own parts, a header, a field of its JSON value (`position.lat` goes deeper).
fn of_record(record: &Record, name: &str) -> Option<String> {
    match name {
        "key" => return Some(text(record.key.as_deref())),
        "value" => return Some(text(record.value.as_deref())),
        "offset" => return Some(record.offset.to_string()),
        "epoch" => return Some(record.leader_epoch.to_string()),
        _ => {}
    }
    if let Some((_, value)) = record.headers.iter().find(|(header, _)| **header == *name) {
        return Some(text(value.as_deref()));
    }
    let json: Value = serde_json::from_slice(record.value.as_deref()?).ok()?;
    let field = name.split('.').try_fold(&json, |value, part| value.get(part))?;
    Some(match field {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    })
}

/// Compares as numbers where both are, otherwise as text.
fn compare(found: &str, operator: Operator, with: &str) -> bool {
    let order = match (found.parse::<f64>(), with.parse::<f64>()) {
        (Ok(a), Ok(b)) => a.partial_cmp(&b),
        _ => Some(found.cmp(with)),
    };
    match operator {
        Operator::Contains => found.to_lowercase().contains(&with.to_lowercase()),
        Operator::Equal => order.is_some_and(std::cmp::Ordering::is_eq),
        Operator::Unequal => order.is_none_or(std::cmp::Ordering::is_ne),
        Operator::Less => order.is_some_and(std::cmp::Ordering::is_lt),
        Operator::LessOrEqual => order.is_some_and(std::cmp::Ordering::is_le),
        Operator::Greater => order.is_some_and(std::cmp::Ordering::is_gt),
        Operator::GreaterOrEqual => order.is_some_and(std::cmp::Ordering::is_ge),
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;

    fn record() -> Record {
        Record {
            offset: 12_303,
            timestamp_ms: 0,
            log_append_time: false,
            decoded: None,
            key: Some(Arc::from(*b"truck-07")),
            value: Some(Arc::from(*br#"{"speed":58,"at":{"lat":48.8},"note":"Grand Place"}"#)),
            headers: vec![("schema".into(), Some(Arc::from(*b"gps.v2")))],
            batch: (12_301, 12_304),
            batch_bytes: 312,
            compression: "lz4".into(),
            leader_epoch: 5,
            producer: None,
            readable: true,
        }
    }

    #[test]
    fn events_are_found_by_their_words_and_by_their_node() {
        let event = Event {
            id: 7,
            at_us: 0,
            node: NodeRef::Zk(1),
            kind: "session_expired".into(),
            severity: crate::session::event::Severity::Warning,
            text: "session 0x5 of broker-2 expired".into(),
            because: "no ping within its time-out".into(),
            by: None,
            changes: Vec::new(),
            brokers: Vec::new(),
            partitions: Vec::new(),
            cause: None,
            cause_event: None,
            via: Vec::new(),
            via_forgotten: 0,
            group: None,
            taken: None,
        };
        for yes in ["broker-2", "zk-1", "zookeeper expired", "ping", "node ~ zk", "kind = session_expired", ""] {
            assert!(Filter::parse(yes).takes(&event), "{yes}");
        }
        for no in ["broker-1", "node ~ broker", "expired broker-3", "speed < 90"] {
            assert!(!Filter::parse(no).takes(&event), "{no}");
        }
    }

    #[test]
    fn conditions_hold_together() {
        for yes in [
            "",
            "truck",
            "TRUCK grand",
            "key ~ truck and speed < 90",
            "speed<=58",
            "at.lat > 48",
            "schema = gps.v2",
            "offset >= 12000 epoch=5",
            "speed != 59",
            "and",
        ] {
            assert!(Filter::parse(yes).takes(&record()), "{yes}");
        }
        for no in ["van", "key ~ van", "speed > 58", "wheels = 4", "offset < 12000", "truck van", "schema=gps"] {
            assert!(!Filter::parse(no).takes(&record()), "{no}");
        }
    }
}
