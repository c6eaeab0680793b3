//! The forms about topics: to create one, and to change the settings of one. What is wrong with an entry is said at once;
//! what only a broker can tell is said by its answer, and stays until the form is changed.

use std::sync::Arc;

use crate::model::Model;
use crate::model::overlay::{Form, FormField, FormKind, Overlay};
use crate::session::action::{NewTopic, SettingsChange};
use crate::session::snapshot::{BrokerState, Snapshot, TopicSetting};

use super::form::{Wrong, check, entry, of, text};
use super::setting::{allowed, inherited, lines, valid};

/// The longest name of a topic, in characters (Kafka's `Topic.MAX_NAME_LENGTH`).
const MAX_TOPIC_NAME: usize = 249;

/// The settings that people change most: they come first.
const FIRST: [&str; 6] =
    ["retention.ms", "retention.bytes", "cleanup.policy", "min.insync.replicas", "segment.bytes", "segment.ms"];

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
    model.overlays.push(Overlay::Form(of(FormKind::NewTopic, fields)));
}

/// Opens the form to change the settings of the selected topic: a field for each, with what the topic sets itself filled
/// in, and beside it what it has from its brokers otherwise.
pub(super) fn alter_topic(model: &mut Model) {
    let selected = model.topics.topic.as_ref().and_then(|name| model.snapshot.topics.get(name));
    let Some(topic) = selected else { return };
    let own = |name: &str| topic.settings.iter().find(|own| *own.name == *name).map_or("", |own| &own.value);
    let known = &model.snapshot.topic_settings;
    let field = |setting: &TopicSetting| FormField {
        inherited: Some(inherited(setting).into()),
        ..text(&setting.name, &help(setting), own(&setting.name), 1)
    };
    let place = |field: &FormField| FIRST.iter().position(|first| **first == *field.label).unwrap_or(FIRST.len());
    let mut fields: Vec<FormField> = known.iter().map(field).collect();
    fields.sort_by_key(place);
    // Another program may have set what no topic here can have.
    let unknown = topic.settings.iter().filter(|own| known.iter().all(|setting| setting.name != own.name));
    fields.extend(unknown.map(|own| text(&own.name, "not known here; empty: it is taken out", &own.value, 1)));
    let subject = Some(Arc::clone(&topic.name));
    model.overlays.push(Overlay::Form(Form { subject, ..of(FormKind::AlterTopic, fields) }));
}

/// What a setting means, and what it can be.
fn help(setting: &TopicSetting) -> String {
    format!("{} Takes {}; empty: as its brokers have it.", setting.doc, allowed(setting))
}

/// What the form changes: what differs from what the topic sets now.
pub(super) fn changed(form: &Form, snapshot: &Snapshot) -> Result<SettingsChange, Wrong> {
    let name = form.subject.clone().unwrap_or_default();
    let Some(topic) = snapshot.topics.get(&name) else {
        return Err(vec![(form.focus, "the topic is not there any more".to_owned())]);
    };
    let now = |name: &str| topic.settings.iter().find(|setting| *setting.name == *name).map(|own| &*own.value);
    let mut wrong = Wrong::new();
    let mut settings: Vec<(Arc<str>, Option<Arc<str>>)> = Vec::new();
    for (at, field) in form.fields.iter().enumerate() {
        let text = field.field.text();
        let value = Some(text.trim()).filter(|value| !value.is_empty());
        if value == now(&field.label) {
            continue;
        }
        check(&mut wrong, at, value.map_or(Ok(()), |value| valid(&snapshot.topic_settings, &field.label, value)));
        settings.push((Arc::clone(&field.label), value.map(Arc::from)));
    }
    if wrong.is_empty() && settings.is_empty() {
        wrong.push((form.focus, "nothing is changed yet".to_owned()));
    }
    if wrong.is_empty() { Ok(SettingsChange { name, settings }) } else { Err(wrong) }
}

/// The topic that the form wants.
pub(super) fn topic(form: &Form, snapshot: &Snapshot) -> Result<NewTopic, Wrong> {
    let brokers = snapshot.brokers.len();
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
    let settings = lines(&entry(form, 3), &snapshot.topic_settings);
    let settings = settings.map_err(|what| wrong.push((3, what))).unwrap_or_default();
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
