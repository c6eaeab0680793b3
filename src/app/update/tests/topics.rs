//! Forms about topics: what they are filled with, what they send, and what stays when a broker refuses.

use super::*;
use crate::model::overlay::FormKind;
use crate::session::action::SettingsChange;
use crate::session::snapshot::Setting;

fn form(state: &State) -> &crate::model::overlay::Form {
    let Some(Overlay::Form(form)) = state.model.overlays.last() else { panic!("the form is open") };
    form
}

/// The form to change `trucks_gps`, of which the stage sets retention.ms=90000.
fn opened() -> State {
    let mut state = state(fixture::calm());
    press(&mut state, "2 e");
    let (form, selected) = (form(&state), state.model.topics.topic.as_deref());
    assert_eq!((form.kind, form.subject.as_deref()), (FormKind::AlterTopic, selected));
    assert_eq!(form.fields[0].field.text(), "90000", "what it sets is filled in");
    state
}

/// Moves the focus to a setting.
fn go_to(state: &mut State, name: &str) {
    let at = form(state).fields.iter().position(|field| *field.label == *name).unwrap();
    while form(state).focus != at {
        press(state, "Down");
    }
}

fn error(state: &State) -> &str {
    let form = form(state);
    form.fields[form.focus].error.as_deref().unwrap_or_default()
}

fn change(settings: &[(&str, Option<&str>)]) -> Action {
    let settings = settings.iter().map(|(name, value)| ((*name).into(), value.map(Into::into))).collect();
    Action::AlterTopic(SettingsChange { name: "trucks_gps".into(), settings })
}

#[test]
fn every_setting_stands_there_with_what_the_topic_inherits() {
    let state = opened();
    let fields = &form(&state).fields;
    assert_eq!(fields.len(), state.model.snapshot.topic_settings.len());
    let found = |name: &str| fields.iter().find(|field| *field.label == *name).unwrap();
    assert_eq!(
        found("retention.ms").inherited.as_deref(),
        Some("604800000 = 7 days (default)"),
        "beside its own value"
    );
    assert_eq!(found("segment.bytes").inherited.as_deref(), Some("16777216 = 16.0 MiB (pace)"));
    assert_eq!(found("retention.bytes").inherited.as_deref(), Some("-1 = no limit (default)"));
    assert_eq!(found("flush.ms").inherited.as_deref(), Some("no limit (default)"));
    assert!(found("segment.bytes").field.is_empty(), "what is inherited is not the topic's");
    assert!(found("segment.bytes").help.contains("a number from 14 to 2147483647"));
}

#[test]
fn only_what_differs_is_sent() {
    let mut state = opened();
    assert!(press(&mut state, "Enter").is_empty());
    assert_eq!(error(&state), "nothing is changed yet");
    go_to(&mut state, "segment.bytes");
    type_in(&mut state, "1000");
    let effects = press(&mut state, "Enter");
    assert_eq!(asked(&effects), [&change(&[("segment.bytes", Some("1000"))])]);
    assert_eq!(form(&state).state, FormState::Waiting);
}

#[test]
fn what_is_emptied_goes_back_to_the_brokers_value() {
    let mut state = opened();
    press(&mut state, "Backspace Backspace Backspace Backspace Backspace");
    let effects = press(&mut state, "Enter");
    assert_eq!(asked(&effects), [&change(&[("retention.ms", None)])]);
}

#[test]
fn what_a_setting_does_not_take_is_said_at_once_and_what_a_broker_refuses_stays() {
    let mut state = opened();
    go_to(&mut state, "segment.bytes");
    type_in(&mut state, "1");
    assert!(press(&mut state, "Enter").is_empty());
    assert_eq!(error(&state), "segment.bytes takes a number from 14 to 2147483647");
    type_in(&mut state, "4");
    assert_eq!(error(&state), "", "it is another value now");
    press(&mut state, "Enter");
    let failure = Failure { error: Some("INVALID_CONFIG".into()), code: Some(40), message: "too small".into() };
    let answer = Msg::Answer(Purpose::Form(FormKind::AlterTopic), Outcome::Failed(failure));
    update(&mut state, 1, answer);
    assert!(
        matches!(&form(&state).state, FormState::Failed(why) if why.contains("too small")),
        "{:?}",
        form(&state).state
    );
}

#[test]
fn a_setting_that_is_not_known_here_can_be_taken_out() {
    let mut snapshot = fixture::calm();
    let trucks = Arc::make_mut(&mut snapshot.topics).get_mut("trucks_gps").unwrap();
    trucks.settings.push(Setting { name: "preallocate".into(), value: "x".into(), source: "topic".into() });
    let mut state = state(snapshot);
    press(&mut state, "2 e");
    go_to(&mut state, "preallocate");
    press(&mut state, "Backspace");
    assert_eq!(asked(&press(&mut state, "Enter")), [&change(&[("preallocate", None)])]);
}

/// The form to create a topic, its name typed, with the focus on the settings.
fn creating() -> State {
    let mut state = state(fixture::calm());
    press(&mut state, "t");
    type_in(&mut state, "t");
    press(&mut state, "Tab Tab Tab");
    state
}

#[test]
fn settings_of_a_new_topic_stand_on_a_line_each() {
    for key in ["Alt-Enter", "Ctrl-J"] {
        let mut state = creating();
        type_in(&mut state, "retention.ms=60000");
        press(&mut state, key);
        type_in(&mut state, "segment.bytes=1000");
        let effects = press(&mut state, "Enter");
        let [Action::CreateTopic(topic)] = asked(&effects)[..] else { panic!("{key}: {effects:?}") };
        let sent: Vec<(&str, &str)> = topic.settings.iter().map(|(name, value)| (&**name, &**value)).collect();
        assert_eq!(sent, [("retention.ms", "60000"), ("segment.bytes", "1000")], "{key}");
    }
}

#[test]
fn a_new_line_does_nothing_to_a_field_of_one_line() {
    let mut state = state(fixture::calm());
    press(&mut state, "t");
    type_in(&mut state, "my-topic");
    press(&mut state, "Ctrl-J Alt-Enter");
    assert_eq!(form(&state).fields[0].field.text(), "my-topic");
}

#[test]
fn two_settings_on_a_line_are_told_where_the_second_begins() {
    let mut state = creating();
    type_in(&mut state, "retention.ms=60000 segment.bytes=1000");
    assert!(press(&mut state, "Enter").is_empty());
    assert!(error(&state).contains("the second begins at segment.bytes"), "{}", error(&state));
}
