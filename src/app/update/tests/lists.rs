//! Lists: their order, their filters, going to a place in a log, writing what is shown to a file.

use super::*;
use crate::app::file::Unwritten;
use crate::model::overlay::FormKind;
use crate::session::event::{Event, Severity, kind};

/// The open topic, its newest records read.
fn among_messages() -> State {
    let mut state = state(fixture::calm());
    let effects = press(&mut state, "2 Enter");
    answer(&mut state, effects);
    press(&mut state, "Enter");
    state
}

/// Goes to what is typed; what is asked for.
fn go_to(state: &mut State, typed: &str) -> Vec<Effect> {
    press(state, "O");
    type_in(state, typed);
    press(state, "Enter")
}

#[test]
fn a_sorted_list_moves_in_its_order_and_keeps_what_is_selected() {
    let mut state = state(fixture::calm());
    press(&mut state, "3 j");
    let selected = state.model.selection();
    press(&mut state, "s s s r");
    assert_eq!(state.model.selection(), selected);
    let order = |state: &State| {
        state.model.brokers.list(&state.model.snapshot).iter().map(|broker| broker.id).collect::<Vec<_>>()
    };
    press(&mut state, "g g");
    let ids = order(&state);
    assert_eq!(state.model.selection(), Selection::Broker(ids[0]));
    press(&mut state, "j");
    assert_eq!(state.model.selection(), Selection::Broker(ids[1]));
}

#[test]
fn reverse_turns_the_order_around() {
    let mut state = state(fixture::calm());
    press(&mut state, "2 Enter r g g");
    let last = state.model.snapshot.topics["trucks_gps"].partitions.len() - 1;
    assert_eq!(state.model.topics.partition, i32::try_from(last).unwrap());
    press(&mut state, "r g g");
    assert_eq!(state.model.topics.partition, 0);
}

#[test]
fn a_time_before_now_is_gone_to_by_the_labs_date() {
    let mut state = among_messages();
    let now = state.model.snapshot.clock.date_ms;
    let effects = go_to(&mut state, "-10s");
    let wanted = now - 10_000;
    assert!(
        matches!(asked(&effects)[..], [Action::Read(ReadFrom { from: Position::Time(at), .. })] if *at == wanted),
        "{effects:?}"
    );
    answer(&mut state, effects);
    let messages = &state.model.topics.messages;
    let selected = messages.selected().expect("a record");
    assert!(!messages.following && (wanted..wanted + 24).contains(&selected.timestamp_ms), "{selected:?}");
}

#[test]
fn below_the_last_record_that_was_read_comes_what_the_log_has_after_it() {
    let mut state = among_messages();
    let effects = go_to(&mut state, "1,000");
    answer(&mut state, effects);
    press(&mut state, "PgDn PgDn PgDn PgDn PgDn PgDn PgDn PgDn PgDn PgDn");
    assert_eq!(state.model.topics.messages.selected, Some(1_199), "the end of the page");
    let effects = press(&mut state, "j");
    assert!(
        matches!(asked(&effects)[..], [Action::Read(ReadFrom { from: Position::Offset(1_200), .. })]),
        "{effects:?}"
    );
    answer(&mut state, effects);
    press(&mut state, "j");
    assert_eq!(state.model.topics.messages.selected, Some(1_200));
}

#[test]
fn a_time_after_the_last_record_says_so_and_follows() {
    let mut state = among_messages();
    let effects = go_to(&mut state, "2999-01-01");
    let [Effect::Ask(_, purpose)] = &effects[..] else { panic!("{effects:?}") };
    let effects = update(&mut state, 2, Msg::Answer(purpose.clone(), Outcome::Records(Vec::new())));
    assert!(state.model.notices[0].text.contains("the log ends at offset"), "{:?}", state.model.notices);
    assert!(state.model.topics.messages.following);
    answer(&mut state, effects);
    assert!(state.model.topics.messages.selected.is_some(), "the newest are shown again");
}

#[test]
fn what_is_no_place_says_why_until_it_was_read() {
    let mut state = among_messages();
    assert!(go_to(&mut state, "-5w").is_empty());
    assert!(state.model.prompt.is_some(), "what was typed stays to be mended");
    assert!(state.model.notices[0].text.contains("'w' is no unit of time"), "{:?}", state.model.notices);
}

#[test]
fn events_are_filtered_while_it_is_typed_and_esc_clears() {
    let mut state = state(fixture::elected());
    press(&mut state, "7");
    let listed = |state: &State| state.model.events.list(&state.model.snapshot).len();
    let all = listed(&state);
    press(&mut state, "/");
    type_in(&mut state, "zk-1");
    let some = listed(&state);
    assert!(0 < some && some < all, "{some} of {all}");
    press(&mut state, "Enter j");
    assert_eq!(listed(&state), some, "Enter keeps it");
    press(&mut state, "Esc");
    assert_eq!(listed(&state), all);
}

#[test]
fn topics_are_filtered_by_name() {
    let mut state = state(fixture::calm());
    press(&mut state, "2 /");
    type_in(&mut state, "TRUCKS");
    assert!(state.model.topics.list(&state.model.snapshot).iter().all(|topic| topic.name.contains("trucks")));
    type_in(&mut state, "x");
    assert!(state.model.topics.list(&state.model.snapshot).is_empty());
    press(&mut state, "Esc");
    assert!(!state.model.topics.list(&state.model.snapshot).is_empty());
}

/// What is written when the form is sent as it opens, with `ending` typed behind the default name.
fn export(state: &mut State, ending: &str) -> crate::model::export::Export {
    press(state, "w");
    type_in(state, ending);
    let effects = press(state, "Enter");
    let [Effect::Write(export)] = &effects[..] else { panic!("{effects:?}") };
    export.clone()
}

#[test]
fn the_messages_shown_are_written_and_the_form_says_how_many() {
    let mut state = among_messages();
    let shown = state.model.topics.messages.shown().len();
    let written = export(&mut state, "");
    assert_eq!((written.path.as_str(), written.overwrite), ("trucks_gps-0.jsonl", false));
    assert_eq!(written.text.lines().count(), shown);
    update(&mut state, 2, Msg::Written(written, Ok(())));
    assert!(state.model.overlays.is_empty());
    assert_eq!(state.model.notices[0].text, format!("{shown} messages written to trucks_gps-0.jsonl"));
}

#[test]
fn a_file_that_is_there_is_asked_about() {
    let mut state = among_messages();
    for (key, written_over) in [("n", false), ("y", true)] {
        let wanted = export(&mut state, ".csv");
        update(&mut state, 2, Msg::Written(wanted.clone(), Err(Unwritten::Exists { bytes: 2_048 })));
        let Some(Overlay::Confirm(confirm)) = state.model.overlays.last() else { panic!("a question") };
        assert!(confirm.consequences[0].contains("2.0 KiB"), "{confirm:?}");
        let effects = press(&mut state, key);
        assert_eq!(
            matches!(&effects[..], [Effect::Write(export)] if export.overwrite && export.path == wanted.path),
            written_over,
            "{key}: {effects:?}"
        );
        let Some(Overlay::Form(form)) = state.model.overlays.last() else { panic!("the form is still there") };
        assert_eq!((form.kind, form.state == FormState::Waiting), (FormKind::Export, written_over));
        press(&mut state, "Esc");
    }
}

#[test]
fn what_cannot_be_written_stays_in_the_form_with_the_reason() {
    let mut state = state(fixture::calm());
    press(&mut state, "3 w");
    type_in(&mut state, ".txt");
    assert!(press(&mut state, "Enter").is_empty());
    press(&mut state, "Backspace Backspace Backspace Backspace");
    let effects = press(&mut state, "Enter");
    let [Effect::Write(wanted)] = &effects[..] else { panic!("{effects:?}") };
    assert_eq!(wanted.what, "3 brokers");
    update(&mut state, 2, Msg::Written(wanted.clone(), Err(Unwritten::Failed("Permission denied".into()))));
    let Some(Overlay::Form(form)) = state.model.overlays.last() else { panic!("the form") };
    assert!(matches!(&form.state, FormState::Failed(why) if why.contains("Permission denied")), "{form:?}");
}

#[test]
fn a_start_that_cut_records_is_read_on_the_events_screen_or_put_away_by_esc() {
    for (keys, unread) in [("7", 0), ("Esc", 0), ("2", 1), ("? Esc", 1)] {
        let mut snapshot = fixture::calm();
        let newest = snapshot.events.last().unwrap().clone();
        let (kind, severity) = (kind::RECOVERED.into(), Severity::Warning);
        let cut = Event { id: newest.id + 1, kind, severity, ..newest };
        snapshot.events = snapshot.events.iter().cloned().chain([cut]).collect();
        let mut state = state(snapshot);
        press(&mut state, keys);
        assert_eq!(state.model.cuts.unread().len(), unread, "{keys}");
    }
}
