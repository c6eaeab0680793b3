//! Forms about topics: what they are filled with, what they send, and what stays when a broker refuses.

use super::*;
use crate::model::overlay::FormKind;
use crate::session::action::SettingsChange;

fn form(state: &State) -> &crate::model::overlay::Form {
    let Some(Overlay::Form(form)) = state.model.overlays.last() else { panic!("the form is open") };
    form
}

/// The form to change `trucks_gps`, of which the stage sets retention.ms=90000.
fn opened() -> State {
    let mut state = state(fixture::calm());
    press(&mut state, "2 e");
    let (form, selected) = (form(&state), state.model.topics.topic.as_deref());
    assert_eq!((form.kind, form.fields[0].field.text().as_str()), (FormKind::AlterTopic, selected.unwrap()));
    assert_eq!(form.fields[1].field.text(), "90000", "what it sets is filled in");
    state
}

fn change(settings: &[(&str, Option<&str>)]) -> Action {
    let settings = settings.iter().map(|(name, value)| ((*name).into(), value.map(Into::into))).collect();
    Action::AlterTopic(SettingsChange { name: "trucks_gps".into(), settings })
}

#[test]
fn only_what_differs_is_sent() {
    let mut state = opened();
    assert!(press(&mut state, "Enter").is_empty(), "nothing is changed yet");
    assert!(form(&state).fields[1].error.is_some());
    press(&mut state, "Tab Tab Tab");
    type_in(&mut state, "segment.bytes=1000");
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
fn what_is_no_number_is_said_at_once_and_what_a_broker_refuses_stays() {
    let mut state = opened();
    type_in(&mut state, "x");
    assert!(press(&mut state, "Enter").is_empty());
    assert!(form(&state).fields[1].error.is_some());
    press(&mut state, "Backspace Backspace");
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
fn a_setting_is_said_once() {
    let mut state = opened();
    press(&mut state, "Tab Tab Tab");
    type_in(&mut state, "retention.ms=5");
    assert!(press(&mut state, "Enter").is_empty());
    assert!(form(&state).fields[4].error.as_ref().is_some_and(|what| what.contains("twice")));
}
