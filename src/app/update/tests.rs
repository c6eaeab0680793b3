//! What keys, answers and news do to the model, and what they ask for.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::*;
use crate::app::command;
use crate::model::overlay::{FormState, Overlay};
use crate::model::place::{Screen, Selection};
use crate::session::action::{Action, Failure, NewRecord, Position, ReadFrom};
use crate::session::fixture;
use crate::session::snapshot::TopicPartition;
use crate::view::{Body, Full, View};

mod groups;
mod lists;
mod topics;

fn state(snapshot: Snapshot) -> State {
    let keymap = Keymap::new(&BTreeMap::new()).expect("the table");
    let commands = command::entries(&keymap);
    let themes = vec!["dark".to_owned(), "light".to_owned()];
    let mut state = State::new(Model::new(Arc::new(snapshot), commands, themes, "dark".to_owned()), keymap);
    update(&mut state, 0, Msg::Resize(160, 48));
    state
}

/// Presses keys as the key file writes them, and collects what they ask for.
fn press(state: &mut State, keys: &str) -> Vec<Effect> {
    keys.split_whitespace().flat_map(|key| update(state, 1, Msg::Key(key.parse().expect("a key")))).collect()
}

fn type_in(state: &mut State, text: &str) {
    for c in text.chars() {
        update(state, 1, Msg::Key(KeyPress::plain(Code::Char(c))));
    }
}

fn asked(effects: &[Effect]) -> Vec<&Action> {
    effects.iter().filter_map(|effect| if let Effect::Ask(action, _) = effect { Some(action) } else { None }).collect()
}

/// Answers every reading with the fixture's records.
fn answer(state: &mut State, effects: Vec<Effect>) {
    let snapshot = Arc::clone(&state.model.snapshot);
    for effect in effects {
        let Effect::Ask(Action::Read(ReadFrom { topic, partition, from, max_records, .. }), purpose) = effect else {
            continue;
        };
        let end = snapshot.topics[&topic].partitions[usize::try_from(partition).unwrap()].log_end;
        let first = match from {
            Position::Earliest => 0,
            Position::Offset(offset) => offset,
            Position::Tail(n) => end - i64::from(n),
            Position::Time(at_ms) => {
                let all = fixture::records(&snapshot, &topic, partition, 0, u32::MAX);
                all.iter().find(|record| record.timestamp_ms >= at_ms).map_or(end, |record| record.offset)
            }
        };
        let records = fixture::records(&snapshot, &topic, partition, first, max_records);
        update(state, 2, Msg::Answer(purpose, Outcome::Records(records)));
    }
}

#[test]
fn k_kills_the_selected_broker_and_asks_nothing() {
    let mut state = state(fixture::calm());
    let Selection::Broker(victim) = state.model.selection() else { panic!("a broker is selected at the start") };
    assert!(!state.model.snapshot.brokers[&victim].controller, "not the controller");
    assert_eq!(asked(&press(&mut state, "K")), [&Action::KillBroker(victim)]);
    assert_eq!(asked(&press(&mut state, "L")), [&Action::PowerLoss(victim)]);
}

#[test]
fn what_is_asked_for_says_how_it_was_asked_for() {
    let mut state = state(fixture::calm());
    press(&mut state, "K");
    assert_eq!(state.origin(), Origin::Key("K".into()));
    update(&mut state, 1, Msg::Click(Target::Command("kill-broker")));
    assert_eq!(state.origin(), Origin::Explorer);
    press(&mut state, ":");
    type_in(&mut state, "kill");
    assert_eq!(asked(&press(&mut state, "Enter")).len(), 1);
    assert_eq!(state.origin(), Origin::Explorer, "Enter chose from the palette");
}

#[test]
fn a_dead_broker_is_started_and_not_killed() {
    let mut state = state(fixture::killed());
    update(&mut state, 1, Msg::Click(Target::Select(Selection::Broker(2))));
    assert!(press(&mut state, "K").is_empty());
    assert!(state.model.notices[0].bad, "it says why not");
    assert_eq!(asked(&press(&mut state, "S")), [&Action::StartBroker(2)]);
}

#[test]
fn what_the_session_cannot_do_is_refused_in_words() {
    let mut state = state(fixture::twelve_brokers());
    for key in ["K", "Space"] {
        assert!(press(&mut state, key).is_empty(), "{key}");
        assert!(state.model.notices.last().is_some_and(|notice| notice.bad), "{key}");
    }
}

#[test]
fn the_speed_goes_through_1_2_5_and_meets_real_time_again() {
    let mut state = state(fixture::calm());
    let mut rates = Vec::new();
    for key in ["[", "[", "[", "[", "]", "]", "]", "]"] {
        let effects = press(&mut state, key);
        let [Action::SetRate { rate_ppm }] = asked(&effects)[..] else { panic!("{effects:?}") };
        rates.push(*rate_ppm);
        let mut snapshot = Snapshot::clone(&state.model.snapshot);
        snapshot.clock.rate_ppm = *rate_ppm;
        update(&mut state, 1, Msg::Snapshot(Arc::new(snapshot)));
    }
    assert_eq!(rates, [500_000, 200_000, 100_000, 50_000, 100_000, 200_000, 500_000, 1_000_000]);
}

#[test]
fn quick_presses_go_on_from_what_was_asked_last() {
    let mut state = state(fixture::calm());
    let asked_for = |state: &mut State, keys: &[&str]| -> Vec<Action> {
        keys.iter().flat_map(|key| asked(&press(state, key)).into_iter().cloned().collect::<Vec<_>>()).collect()
    };
    let rates = asked_for(&mut state, &["[", "[", "["]);
    assert_eq!(rates, [500_000, 200_000, 100_000].map(|rate_ppm| Action::SetRate { rate_ppm }));
    assert_eq!(asked_for(&mut state, &["Space", "Space"]), [Action::Pause(true), Action::Pause(false)]);
    let later = state.model.now_ms + 60_000;
    update(&mut state, later, Msg::Snapshot(Arc::new(fixture::calm())));
    let effects = update(&mut state, later, Msg::Key("[".parse().expect("a key")));
    assert_eq!(asked(&effects), [&Action::SetRate { rate_ppm: 500_000 }], "what never came is forgotten");
}

#[test]
fn a_step_stops_time_first() {
    let mut state = state(fixture::calm());
    let effects = press(&mut state, ".");
    let [Effect::Ask(Action::Pause(true), purpose)] = &effects[..] else { panic!("{effects:?}") };
    let effects = update(&mut state, 1, Msg::Answer(purpose.clone(), Outcome::Done("time stands".into())));
    assert_eq!(asked(&effects), [&Action::Step { n: 1 }]);
}

#[test]
fn a_selection_stays_with_its_thing_when_rows_move() {
    let mut state = state(fixture::calm());
    press(&mut state, "2");
    let selected = state.model.selection();
    let mut snapshot = Snapshot::clone(&state.model.snapshot);
    let mut topics = BTreeMap::clone(&snapshot.topics);
    let first = topics.values().next().expect("a topic").clone();
    topics.insert("aaa".into(), crate::session::snapshot::Topic { name: "aaa".into(), ..first });
    snapshot.topics = Arc::new(topics);
    update(&mut state, 1, Msg::Snapshot(Arc::new(snapshot)));
    assert_eq!(state.model.selection(), selected);
}

#[test]
fn a_topic_that_is_gone_is_left() {
    let mut state = state(fixture::calm());
    press(&mut state, "2 Enter");
    update(&mut state, 1, Msg::Snapshot(Arc::new(fixture::empty())));
    assert_eq!((state.model.topics.opened, state.model.selection()), (false, Selection::None));
}

#[test]
fn young_labs_without_clients_end_at_once_and_others_ask() {
    let mut young = state(fixture::first_minute());
    assert_eq!(press(&mut young, "q"), [Effect::Quit]);
    let mut old = state(fixture::calm());
    assert!(press(&mut old, "q").is_empty());
    assert!(matches!(old.model.overlays[..], [Overlay::Confirm(_)]));
    assert!(press(&mut old, "Enter").is_empty() && old.model.overlays.is_empty(), "only y is yes");
    press(&mut old, "q");
    assert_eq!(press(&mut old, "y"), [Effect::Quit]);
    assert_eq!(press(&mut old, "Ctrl-C"), [Effect::Quit], "Ctrl-C never asks");
}

#[test]
fn deleting_a_topic_asks_and_only_y_does_it() {
    let mut state = state(fixture::calm());
    press(&mut state, "2");
    assert!(press(&mut state, "Ctrl-D").is_empty());
    assert!(press(&mut state, "K").is_empty() && state.model.overlays.is_empty(), "another key means no");
    press(&mut state, "Ctrl-D");
    assert_eq!(asked(&press(&mut state, "y")), [&Action::DeleteTopic { name: "trucks_gps".into() }]);
}

#[test]
fn keys_are_text_in_a_form_and_the_record_goes_out_as_entered() {
    let mut state = state(fixture::calm());
    press(&mut state, "p");
    type_in(&mut state, "qK:7");
    press(&mut state, "Tab");
    type_in(&mut state, "{}");
    press(&mut state, "Tab");
    type_in(&mut state, "a=1");
    press(&mut state, "Tab Tab Right");
    let effects = press(&mut state, "Enter");
    let record = NewRecord {
        topic: "trucks_gps".into(),
        partition: None,
        key: Some(Arc::from(*b"qK:7")),
        value: Some(Arc::from(*b"{}")),
        headers: vec![("a".into(), Arc::from(*b"1"))],
        acks: 1,
    };
    assert_eq!(asked(&effects), [&Action::Produce(record)]);
    let purpose = Purpose::Form(crate::model::overlay::FormKind::Produce);
    update(&mut state, 2, Msg::Answer(purpose, Outcome::Produced { partition: 3, offset: Some(41) }));
    let Some(Overlay::Form(form)) = state.model.overlays.last() else { panic!("the form stays for the next record") };
    assert_eq!(form.state, FormState::Done("written to trucks_gps-3 at offset 41".into()));
}

#[test]
fn a_refused_record_keeps_the_form_with_kafkas_words() {
    let mut state = state(fixture::calm());
    press(&mut state, "p Enter");
    let failure =
        Failure { error: Some("NOT_ENOUGH_REPLICAS".into()), code: Some(19), message: "1 of 2 in sync".into() };
    let purpose = Purpose::Form(crate::model::overlay::FormKind::Produce);
    update(&mut state, 2, Msg::Answer(purpose, Outcome::Failed(failure)));
    let Some(Overlay::Form(form)) = state.model.overlays.last() else { panic!("the form stays") };
    assert_eq!(form.state, FormState::Failed("NOT_ENOUGH_REPLICAS (19): 1 of 2 in sync".into()));
}

#[test]
fn a_wrong_form_is_not_sent_and_says_where() {
    let mut state = state(fixture::calm());
    press(&mut state, "t");
    type_in(&mut state, "no spaces");
    press(&mut state, "Tab Tab Backspace");
    type_in(&mut state, "9");
    press(&mut state, "Tab");
    type_in(&mut state, "retention");
    assert!(press(&mut state, "Enter").is_empty());
    let Some(Overlay::Form(form)) = state.model.overlays.last() else { panic!("the form stays") };
    let wrong: Vec<bool> = form.fields.iter().map(|field| field.error.is_some()).collect();
    assert_eq!((wrong, form.focus), (vec![true, false, true, true], 0));
}

#[test]
fn the_palette_finds_by_a_few_letters_and_acts() {
    let mut state = state(fixture::calm());
    press(&mut state, ":");
    type_in(&mut state, "topi");
    press(&mut state, "Enter");
    assert_eq!((state.model.screen, state.model.overlays.len()), (Screen::Topics, 0));
}

#[test]
fn the_palette_offers_only_what_works_here() {
    let mut state = state(fixture::calm());
    press(&mut state, ":");
    type_in(&mut state, "filter");
    let Some(Overlay::Palette(palette)) = state.model.overlays.last() else { panic!("the palette is open") };
    assert!(!palette.matches.contains(&"filter"), "{:?}", palette.matches);
    press(&mut state, "Esc 2 Enter :");
    type_in(&mut state, "filter");
    press(&mut state, "Enter");
    assert!(state.model.prompt.is_some());
    update(&mut state, 1, Msg::Click(Target::Command("cluster")));
    type_in(&mut state, "x");
    assert!(state.model.prompt.is_none() && state.model.topics.messages.filter.is_empty());
}

#[test]
fn a_theme_is_tried_on_and_given_back() {
    let mut state = state(fixture::calm());
    press(&mut state, "T j");
    assert_eq!(state.model.theme, "light");
    press(&mut state, "Esc");
    assert_eq!(state.model.theme, "dark");
    press(&mut state, "T j Enter");
    assert_eq!(state.model.theme, "light");
}

#[test]
fn opening_a_topic_reads_its_newest_records_and_follows() {
    let mut state = state(fixture::calm());
    let effects = press(&mut state, "2 Enter");
    assert!(matches!(asked(&effects)[..], [Action::Read(ReadFrom { from: Position::Tail(_), .. })]), "{effects:?}");
    assert!(
        press(&mut state, "j k").iter().all(|effect| matches!(effect, Effect::Ask(Action::Read(_), Purpose::Jump(_))))
    );
    answer(&mut state, effects);
    let messages = &state.model.topics.messages;
    let end = state.model.topics.current(&state.model.snapshot).expect("a partition").log_end;
    assert_eq!((messages.following, messages.selected), (true, Some(end - 1)));
    assert!(update(&mut state, 3, Msg::Tick).is_empty(), "nothing new, nothing asked");
}

#[test]
fn a_grown_log_is_read_on_and_a_shorter_one_anew() {
    let mut state = state(fixture::calm());
    let effects = press(&mut state, "2 Enter");
    answer(&mut state, effects);
    let with_end = |state: &State, by: i64| {
        let mut snapshot = Snapshot::clone(&state.model.snapshot);
        let mut topics = BTreeMap::clone(&snapshot.topics);
        std::sync::Arc::make_mut(&mut topics.get_mut("trucks_gps").expect("trucks").partitions[0]).log_end += by;
        snapshot.topics = Arc::new(topics);
        Arc::new(snapshot)
    };
    let end = state.model.topics.current(&state.model.snapshot).expect("a partition").log_end;
    let longer = with_end(&state, 5);
    let effects = update(&mut state, 3, Msg::Snapshot(longer));
    assert!(matches!(asked(&effects)[..], [Action::Read(ReadFrom { from: Position::Offset(at), .. })] if *at == end));
    let shorter = with_end(&state, -50);
    assert!(update(&mut state, 3, Msg::Snapshot(shorter)).is_empty(), "one reading at a time");
    let at = state.model.topics.topic_partition().expect("an open partition");
    let effects = update(&mut state, 3, Msg::Answer(Purpose::Tail(at), Outcome::Records(Vec::new())));
    assert!(matches!(asked(&effects)[..], [Action::Read(ReadFrom { from: Position::Tail(_), .. })]), "{effects:?}");
}

#[test]
fn moving_up_stops_following_and_the_end_follows_again() {
    let mut state = state(fixture::calm());
    let effects = press(&mut state, "2 Enter");
    answer(&mut state, effects);
    press(&mut state, "Enter k k");
    let messages = &state.model.topics.messages;
    let last = messages.records.last().expect("records").offset;
    assert_eq!((messages.following, messages.selected), (false, Some(last - 2)));
    press(&mut state, "G");
    assert_eq!((state.model.topics.messages.following, state.model.topics.messages.selected), (true, Some(last)));
}

#[test]
fn an_offset_is_gone_to_and_nonsense_is_refused() {
    let mut state = state(fixture::calm());
    let effects = press(&mut state, "2 Enter");
    answer(&mut state, effects);
    press(&mut state, "O");
    type_in(&mut state, "x7");
    assert!(press(&mut state, "Enter").is_empty());
    assert!(state.model.notices[0].bad && state.model.prompt.is_some());
    press(&mut state, "Backspace Backspace");
    type_in(&mut state, "1,000");
    let effects = press(&mut state, "Enter");
    assert!(
        matches!(asked(&effects)[..], [Action::Read(ReadFrom { from: Position::Offset(1_000), .. })]),
        "{effects:?}"
    );
    answer(&mut state, effects);
    assert_eq!(state.model.topics.messages.selected, Some(1_000));
}

#[test]
fn the_filter_acts_while_it_is_typed_and_esc_clears_it() {
    let mut state = state(fixture::calm());
    let effects = press(&mut state, "2 Enter");
    answer(&mut state, effects);
    let all = state.model.topics.messages.shown().len();
    press(&mut state, "/");
    type_in(&mut state, "truck-07");
    let some = state.model.topics.messages.shown().len();
    assert!(0 < some && some < all, "{some} of {all}");
    press(&mut state, "Enter");
    assert_eq!(state.model.topics.messages.shown().len(), some, "Enter keeps it");
    press(&mut state, "Esc");
    assert_eq!(state.model.topics.messages.shown().len(), all);
}

#[test]
fn the_first_minute_ends_with_the_first_deed_or_by_itself() {
    let mut one = state(fixture::first_minute());
    press(&mut one, "j ?");
    assert!(one.model.first_minute, "looking around is no deed");
    press(&mut one, "Esc K");
    assert!(!one.model.first_minute);
    let mut other = state(fixture::first_minute());
    update(&mut other, Model::FIRST_MINUTE_MS, Msg::Tick);
    assert!(!other.model.first_minute);
}

#[test]
fn when_the_session_has_ended_the_picture_stays_until_a_key() {
    let mut state = state(fixture::calm());
    assert!(update(&mut state, 5, Msg::Ended("the engine failed.".into())).is_empty());
    assert!(update(&mut state, 6, Msg::Tick).is_empty());
    assert_eq!(press(&mut state, "x"), [Effect::Quit]);
}

#[test]
fn y_copies_the_line_to_join_with() {
    let mut state = state(fixture::calm());
    assert_eq!(press(&mut state, "y"), [Effect::Copy("kcat -b 127.0.0.1:9092 -t trucks_gps -C".into())]);
}

#[test]
fn an_explanation_leads_to_its_causes_and_its_keys_act() {
    let mut state = state(fixture::killed());
    update(&mut state, 1, Msg::Click(Target::Select(Selection::Broker(2))));
    press(&mut state, "i");
    assert_eq!(asked(&press(&mut state, "S")), [&Action::StartBroker(2)]);
    press(&mut state, "Enter");
    assert_eq!((state.model.screen, state.model.events.causes, state.model.overlays.len()), (Screen::Events, true, 0));
}

#[test]
fn on_a_partition_the_keys_strike_its_leader_and_its_dead_replica() {
    let mut state = state(fixture::elected());
    press(&mut state, "2 Enter j");
    assert_eq!(asked(&press(&mut state, "K")), [&Action::KillBroker(3)]);
    assert_eq!(asked(&press(&mut state, "S")), [&Action::StartBroker(2)]);
}

#[test]
fn a_message_stays_until_there_was_time_to_read_it() {
    let mut state = state(fixture::calm());
    update(&mut state, 1_000, Msg::Answer(Purpose::Tell("x".into()), Outcome::Done("done".into())));
    update(&mut state, 1_100, Msg::Key(KeyPress::plain(Code::Char('j'))));
    assert_eq!(state.model.notices.len(), 1);
    update(&mut state, 1_000 + Model::READ_AFTER_MS, Msg::Key(KeyPress::plain(Code::Char('j'))));
    assert!(state.model.notices.is_empty());
}

fn replica(broker: i32, topic: &str, partition: i32) -> Selection {
    Selection::Replica(broker, TopicPartition { topic: topic.into(), partition })
}

#[test]
fn cells_of_a_brokers_row_are_walked_over_explained_and_opened() {
    let mut state = state(fixture::calm());
    press(&mut state, "l l");
    assert_eq!(state.model.selection(), replica(2, "trucks_gps", 1));
    assert_eq!(asked(&press(&mut state, "K")), [&Action::KillBroker(2)], "the row's broker, not the cell's leader");
    press(&mut state, "j");
    assert_eq!(state.model.selection(), replica(3, "trucks_gps", 1), "the column stays");
    press(&mut state, "i");
    assert!(
        matches!(state.model.overlays.last(), Some(Overlay::Explain { subject, .. }) if *subject == replica(3, "trucks_gps", 1))
    );
    press(&mut state, "Esc Enter");
    assert_eq!(state.model.screen, Screen::Topics);
    assert_eq!(state.model.topics.topic_partition(), Some(TopicPartition { topic: "trucks_gps".into(), partition: 1 }));
    press(&mut state, "1 h h h");
    assert_eq!(state.model.selection(), Selection::Broker(3), "left of the first cell is the row");
}

#[test]
fn beyond_the_brokers_are_the_producers_and_the_consumers() {
    let mut state = state(fixture::calm());
    press(&mut state, "k k");
    assert_eq!(state.model.selection(), Selection::Producer(2));
    press(&mut state, "g g");
    assert_eq!(state.model.selection(), Selection::Producer(1));
    assert!(press(&mut state, "K").is_empty(), "a producer is no broker");
    press(&mut state, "G");
    assert_eq!(state.model.selection(), Selection::Consumer(4));
    press(&mut state, "k");
    assert_eq!(state.model.selection(), Selection::Group("dashboard".into()), "its members are one entry");
    press(&mut state, "Enter");
    assert_eq!((state.model.screen, state.model.groups.opened), (Screen::Groups, true));
    press(&mut state, "1 Esc");
    assert_eq!(state.model.selection(), Selection::Broker(1));
}

#[test]
fn what_is_not_on_the_screen_is_not_walked_over() {
    let mut state = state(fixture::calm());
    update(&mut state, 1, Msg::Resize(60, 15));
    press(&mut state, "g g");
    assert_eq!(state.model.selection(), Selection::Broker(1), "60x15 has no row for producers");
}

#[test]
fn clicks_on_the_cluster_screen_select_and_double_clicks_open() {
    let mut state = state(fixture::elected());
    let View::Full(full) = crate::view::project(&state.model) else { panic!("a screen") };
    let Body::Cluster(view) = full.body else { panic!("the Cluster screen") };
    let cell = view.cells.iter().rfind(|cell| cell.text == "9").expect("a cell").area;
    let hit =
        View::Full(Box::new(Full { body: Body::Cluster(view.clone()), ..*full })).hit(cell.x + 1, cell.y).cloned();
    assert_eq!(hit, Some(Target::Select(replica(3, "trucks_gps", 9))));
    update(&mut state, 1, Msg::Click(hit.expect("a hit")));
    assert_eq!(state.model.selection(), replica(3, "trucks_gps", 9));
    let election = Target::Select(Selection::Event(119));
    assert!(view.hits.iter().any(|hit| hit.target == election));
    update(&mut state, 1, Msg::Click(election.clone()));
    assert_eq!((state.model.selection(), state.model.screen), (Selection::Event(119), Screen::Cluster));
    update(&mut state, 1, Msg::DoubleClick(election));
    assert_eq!((state.model.events.event, state.model.events.causes), (Some(119), true));
    assert_eq!(state.model.screen, Screen::Events);
}
