//! The forms about topics: to create one, and to change the settings of one. What is wrong with an entry is said at once;
//! what only a broker can tell is said by its answer, and stays until the form is changed.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::model::Model;
use crate::model::overlay::{Form, FormField, FormKind, FormState, Overlay};
use crate::session::action::{NewTopic, SettingsChange};
use crate::session::snapshot::{BrokerState, Topic};

use super::form::{Wrong, check, choice, entry, pairs, text};

/// The longest name of a topic, in characters (Kafka's `Topic.MAX_NAME_LENGTH`).
const MAX_TOPIC_NAME: usize = 249;

/// The settings that have a field of their own: the name, what belongs there, the smallest value.
const FIELDS: &[(&str, &str, i64)] = &[
    ("retention.ms", "milliseconds, -1 for ever; empty: as its brokers have it", -1),
    ("retention.bytes", "of each partition, -1 without bound; empty: as its brokers have it", -1),
    ("min.insync.replicas", "how many must have a record, acks=all; empty: as its brokers have it", 1),
];

/// Opens the form to create a topic.
pub(super) fn new_topic(model: &mut Model) {
    // A topic can only be laid out over brokers that live.
    let living = model.snapshot.brokers.values().filter(|broker| broker.state != BrokerState::Dead).count();
    let copies = living.clamp(1, 3).to_string();
    let fields = vec![
        text("name", "letters, digits, . _ -", "", 1),
        text("partitions", "how many logs it is split into", "3", 1),
        text("replication factor", "how many copies of each", &copies, 1),
        text("settings", "name=value, one on a line: retention.ms=60000", "", 3),
    ];
    model.overlays.push(Overlay::Form(Form {
        kind: FormKind::NewTopic,
        fields,
        focus: 0,
        state: FormState::Editing,
        by_key: None,
    }));
}

/// Opens the form to change the settings of the selected topic: those that are its own are filled in.
pub(super) fn alter_topic(model: &mut Model) {
    let selected = model.topics.topic.as_ref().and_then(|name| model.snapshot.topics.get(name));
    let Some(topic) = selected else { return };
    let own =
        |name: &str| topic.settings.iter().find(|setting| *setting.name == *name).map(|own| own.value.to_string());
    let of_its_own =
        |(name, help, _): &(&'static str, &'static str, i64)| text(name, help, &own(name).unwrap_or_default(), 1);
    let others = topic.settings.iter().filter(|setting| FIELDS.iter().all(|(name, ..)| *setting.name != **name));
    let lines: Vec<String> = others.map(|setting| format!("{}={}", setting.name, setting.value)).collect();
    let help = "name=value, one on a line (Alt-Enter); a line taken out: as its brokers have it";
    let other = text("other settings", help, &lines.join("\n"), 4);
    let name = choice("topic", "whose settings these are", &[&topic.name]);
    let fields: Vec<FormField> = std::iter::once(name).chain(FIELDS.iter().map(of_its_own)).chain([other]).collect();
    let (kind, state) = (FormKind::AlterTopic, FormState::Editing);
    model.overlays.push(Overlay::Form(Form { kind, fields, focus: 1, state, by_key: None }));
}

/// What the form changes: what differs from what the topic sets now.
pub(super) fn changed(form: &Form, topics: &BTreeMap<Arc<str>, Topic>) -> Result<SettingsChange, Wrong> {
    let mut wrong = Wrong::new();
    let mut wanted: BTreeMap<String, String> = BTreeMap::new();
    for (at, (name, _, least)) in (1..).zip(FIELDS) {
        let value = entry(form, at).trim().to_owned();
        let valid = value.is_empty() || value.parse::<i64>().is_ok_and(|number| number >= *least);
        check(&mut wrong, at, valid.then_some(()).ok_or_else(|| format!("a number from {least}, or empty")));
        if !value.is_empty() {
            wanted.insert((*name).to_owned(), value);
        }
    }
    let last = FIELDS.len() + 1;
    for (name, value) in pairs(&entry(form, last)).map_err(|what| wrong.push((last, what))).unwrap_or_default() {
        if wanted.insert(name.clone(), value).is_some() {
            wrong.push((last, format!("{name} is said twice")));
        }
    }
    let name: Arc<str> = entry(form, 0).into();
    let Some(topic) = topics.get(&name) else {
        return Err(vec![(0, "it is not there any more".to_owned())]);
    };
    let now = |name: &str| topic.settings.iter().find(|setting| *setting.name == *name).map(|own| &*own.value);
    let gone = topic.settings.iter().filter(|own| !wanted.contains_key(&*own.name));
    let mut settings: Vec<(Arc<str>, Option<Arc<str>>)> = gone.map(|own| (Arc::clone(&own.name), None)).collect();
    let new = wanted.iter().filter(|(name, value)| now(name) != Some(value.as_str()));
    settings.extend(new.map(|(name, value)| (Arc::from(name.as_str()), Some(Arc::from(value.as_str())))));
    if wrong.is_empty() && settings.is_empty() {
        wrong.push((form.focus, "nothing is changed yet".to_owned()));
    }
    if wrong.is_empty() { Ok(SettingsChange { name, settings }) } else { Err(wrong) }
}

/// The topic that the form wants.
pub(super) fn topic(form: &Form, brokers: usize) -> Result<NewTopic, Wrong> {
    let mut wrong = Wrong::new();
    let name = entry(form, 0);
    check(&mut wrong, 0, topic_name(&name));
    let partitions = entry(form, 1).trim().parse::<i32>().ok().filter(|n| *n >= 1);
    check(&mut wrong, 1, partitions.ok_or_else(|| "a number from 1".to_owned()));
    let copies = entry(form, 2).trim().parse::<i16>().ok().filter(|n| *n >= 1);
    let enough = copies.is_some_and(|n| usize::try_from(n).is_ok_and(|n| n <= brokers.max(1)));
    check(
        &mut wrong,
        2,
        enough.then_some(()).ok_or_else(|| format!("a number from 1 to {brokers}: one copy on a broker")),
    );
    let settings = pairs(&entry(form, 3)).map_err(|what| wrong.push((3, what))).unwrap_or_default();
    let (Some(partitions), Some(replication_factor), true) = (partitions, copies, wrong.is_empty()) else {
        return Err(wrong);
    };
    let settings = settings.into_iter().map(|(name, value)| (Arc::from(name), Arc::from(value))).collect();
    Ok(NewTopic { name: name.into(), partitions, replication_factor, settings })
}

/// Kafka's rule for names of topics (`Topic.validate`).
pub(super) fn topic_name(name: &str) -> Result<(), String> {
    let legal = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-');
    if name.is_empty() {
        Err("a topic needs a name".into())
    } else if name == "." || name == ".." {
        Err("not . or ..".into())
    } else if name.len() > MAX_TOPIC_NAME {
        Err(format!("at most {MAX_TOPIC_NAME} characters"))
    } else if let Some(c) = name.chars().find(|c| !legal(*c)) {
        Err(format!("no '{}' in a name; letters, digits, . _ - may be", c.escape_default()))
    } else {
        Ok(())
    }
}
