//! Groups and their members under the keys.

use super::*;
use crate::model::groups::Pane;
use crate::model::overlay::{Confirmed, FormKind};
use crate::session::action::{CommitMode, Cut, NewConsumer, OffsetChange, OffsetsReset, ResetTo};
use crate::session::snapshot::GroupKind;

fn done(effects: &[Effect]) -> Vec<Action> {
    asked(effects).into_iter().cloned().collect()
}

#[test]
fn the_keys_of_a_group_act_on_the_selected_member() {
    let mut state = state(fixture::calm());
    press(&mut state, "4 Enter j");
    let effects = press(&mut state, "X");
    assert_eq!(done(&effects), [Action::CrashConsumer(2)]);
    assert_eq!(done(&press(&mut state, "j x")), [Action::CloseConsumer(3)]);
    assert_eq!(done(&press(&mut state, "F")), [Action::PauseConsumer { id: 3, paused: true }]);
    press(&mut state, "Tab");
    assert_eq!(state.model.groups.pane, Pane::Partitions);
    assert!(done(&press(&mut state, "X")).is_empty(), "a partition is no member");
    assert!(state.model.notices.last().is_some_and(|notice| notice.bad));
}

#[test]
fn a_client_outside_is_not_ours_to_stop() {
    let mut state = state(fixture::many_groups());
    press(&mut state, "4 g g j Enter");
    assert!(done(&press(&mut state, "X")).is_empty());
    assert!(state.model.notices.last().is_some_and(|notice| notice.text.contains("outside")));
}

#[test]
fn a_consumer_is_added_to_the_selected_group_as_its_form_says() {
    let mut state = state(fixture::calm());
    press(&mut state, "4 c Tab Tab Tab Tab Right Tab");
    type_in(&mut state, "x");
    assert!(done(&press(&mut state, "Enter")).is_empty(), "x is no time");
    press(&mut state, "Backspace");
    type_in(&mut state, "50");
    let wanted = NewConsumer {
        group: "dashboard".into(),
        topics: vec!["trucks_gps".into()],
        assignors: vec!["range".into()],
        commit: CommitMode::After,
        work_us: 50_000,
        ..NewConsumer::default()
    };
    assert_eq!(done(&press(&mut state, "Enter")), [Action::AddConsumer(wanted)]);
}

#[test]
fn a_consumer_whose_coordinator_assigns_has_a_choice_of_its_assignors() {
    let mut state = state(fixture::calm());
    press(&mut state, "4 c");
    type_in(&mut state, "-2");
    press(&mut state, "Tab Tab Right Tab Right");
    let wanted = NewConsumer {
        group: "dashboard-2".into(),
        topics: vec!["trucks_gps".into()],
        protocol: GroupKind::Consumer,
        remote_assignor: Some("range".into()),
        ..NewConsumer::default()
    };
    assert_eq!(done(&press(&mut state, "Enter")), [Action::AddConsumer(wanted)]);
}

#[test]
fn a_member_is_told_how_long_to_work_on_a_record() {
    let mut state = state(fixture::calm());
    press(&mut state, "4 Enter j W");
    let Some(Overlay::Form(form)) = state.model.overlays.last() else { panic!("a form") };
    assert_eq!((form.kind, form.fields[0].field.text().as_str()), (FormKind::Work, "0"));
    type_in(&mut state, "1 h");
    assert!(done(&press(&mut state, "Enter")).is_empty(), "more than a minute");
    press(&mut state, "Backspace Backspace");
    type_in(&mut state, "0 ms");
    assert_eq!(done(&press(&mut state, "Enter")), [Action::SlowConsumer { id: 2, work_us: 10_000 }]);
}

#[test]
fn offsets_are_reset_only_of_a_group_without_members_and_after_a_look() {
    let mut state = state(fixture::many_groups());
    press(&mut state, "4 g g o");
    assert!(state.model.overlays.is_empty(), "it has members");
    assert!(state.model.notices.last().is_some_and(|notice| notice.text.contains("while nobody is in the group")));
    press(&mut state, "G k o");
    let wanted = OffsetsReset { group: "reports".into(), topic: None, to: ResetTo::Earliest, execute: false };
    assert_eq!(done(&press(&mut state, "Enter")), [Action::ResetOffsets(wanted.clone())]);
    let at = TopicPartition { topic: "trucks_gps".into(), partition: 3 };
    let changes = vec![OffsetChange { at, before: Some(3_216), after: 0, cut: None }];
    let purpose = Purpose::Form(FormKind::ResetOffsets);
    update(&mut state, 1, Msg::Answer(purpose.clone(), Outcome::Offsets(changes)));
    let Some(Overlay::Confirm(confirm)) = state.model.overlays.last() else { panic!("it asks first") };
    assert_eq!(confirm.question, "Reset 1 offset of reports?");
    assert!(confirm.consequences[1].contains("3,216 →        0  3,216 read again"), "{confirm:?}");
    let execute = OffsetsReset { execute: true, ..wanted };
    assert_eq!(confirm.then, Confirmed::Ask(Action::ResetOffsets(execute.clone())));
    let yes = update(&mut state, 1, Msg::Key(KeyPress::plain(Code::Char('y'))));
    assert_eq!(yes, [Effect::Ask(Action::ResetOffsets(execute), purpose.clone())]);
    update(&mut state, 1, Msg::Answer(purpose, Outcome::Done("reset".into())));
    assert!(state.model.overlays.is_empty(), "the form is through");
}

/// The question that a preview of a reset leads to.
fn question_about(state: &mut State, changes: Vec<OffsetChange>) -> crate::model::overlay::Confirm {
    let purpose = Purpose::Form(FormKind::ResetOffsets);
    update(state, 1, Msg::Answer(purpose, Outcome::Offsets(changes)));
    let Some(Overlay::Confirm(confirm)) = state.model.overlays.last() else { panic!("it asks first") };
    confirm.clone()
}

fn change(partition: i32, before: i64, after: i64, cut: Option<Cut>) -> OffsetChange {
    let at = TopicPartition { topic: "trucks_gps".into(), partition };
    OffsetChange { at, before: Some(before), after, cut }
}

#[test]
fn a_reset_counts_what_it_changes_and_says_what_was_cut_to_which_end() {
    let mut state = state(fixture::many_groups());
    press(&mut state, "4 G k o Tab Right Right Tab");
    type_in(&mut state, "500");
    press(&mut state, "Enter");
    let changes = vec![
        change(0, 40, 500, None),
        change(1, 40, 120, Some(Cut::End)),
        change(2, 500, 500, None),
        change(3, 40, 700, Some(Cut::Start)),
    ];
    let confirm = question_about(&mut state, changes);
    assert_eq!(confirm.question, "Reset 3 offsets of reports?");
    let rows: Vec<&String> = confirm.consequences.iter().filter(|row| row.contains('→')).collect();
    assert_eq!(rows.len(), 3, "as many as the question says: {rows:#?}");
    assert!(rows[1].contains("trucks_gps-1") && rows[1].ends_with("▲ cut to its end"), "{rows:#?}");
    assert!(rows[2].ends_with("▲ cut to its start"), "{rows:#?}");
    let said = confirm.consequences.join("\n");
    for words in ["To offset 500.", "2 are cut", "1 is there already"] {
        assert!(said.contains(words), "{words} in {said}");
    }
}

#[test]
fn a_yes_sets_the_time_that_was_shown_however_late_it_comes() {
    let mut state = state(fixture::many_groups());
    press(&mut state, "4 G k o Tab Right Right Right Tab");
    type_in(&mut state, "-5m");
    let then = |state: &State| state.model.snapshot.clock.date_ms - 300_000;
    let at = then(&state);
    press(&mut state, "Enter");
    let mut later = fixture::many_groups();
    later.clock.date_ms += 60_000;
    update(&mut state, 1, Msg::Snapshot(Arc::new(later)));
    assert_eq!(then(&state), at + 60_000);
    let confirm = question_about(&mut state, vec![change(0, 40, 0, None)]);
    let Confirmed::Ask(Action::ResetOffsets(reset)) = confirm.then else { panic!("a reset") };
    assert_eq!((reset.to, reset.execute), (ResetTo::Time(at), true));
}

fn form_now(state: &State) -> &crate::model::overlay::Form {
    let Some(Overlay::Form(form)) = state.model.overlays.last() else { panic!("a form") };
    form
}

fn entries(state: &State) -> Vec<String> {
    form_now(state).fields.iter().map(|field| field.field.text()).collect()
}

#[test]
fn a_group_that_is_typed_says_what_its_next_member_is_like() {
    let mut snapshot = fixture::many_groups();
    let billing = Arc::make_mut(Arc::make_mut(&mut snapshot.groups).get_mut("billing").unwrap());
    (billing.kind, billing.assignor) = (GroupKind::Consumer, Some("range".into()));
    billing.topics = vec!["orders".into()];
    assert!(billing.member_count > 0);
    let mut state = state(snapshot);
    press(&mut state, "4 g g c");
    assert_ne!(entries(&state)[0], "billing");
    for _ in 0..40 {
        press(&mut state, "Backspace");
    }
    type_in(&mut state, "billing");
    assert_eq!(entries(&state)[..4], ["billing", "orders", "consumer", "range"]);
    for _ in 0..2 {
        press(&mut state, "Tab");
    }
    press(&mut state, "Right");
    assert!(done(&press(&mut state, "Enter")).is_empty(), "a classic member among those of KIP-848");
    let wrong = form_now(&state).fields[2].error.clone().unwrap();
    assert!(wrong.contains("INCONSISTENT_GROUP_PROTOCOL"), "{wrong}");
}

#[test]
fn what_was_chosen_stays_when_a_group_is_typed() {
    let mut state = state(fixture::many_groups());
    press(&mut state, "4 g g c Tab Tab Tab Right BackTab BackTab BackTab");
    let chosen = entries(&state)[3].clone();
    for _ in 0..40 {
        press(&mut state, "Backspace");
    }
    type_in(&mut state, "billing");
    assert_eq!(entries(&state)[3], chosen);
}

#[test]
fn an_assignor_that_no_member_has_is_refused_before_it_is_sent() {
    let mut state = state(fixture::calm());
    press(&mut state, "4 c Tab Tab Tab");
    type_in(&mut state, "s");
    assert_eq!(entries(&state)[3], "sticky");
    assert!(done(&press(&mut state, "Enter")).is_empty());
    let wrong = form_now(&state).fields[3].error.clone().unwrap();
    assert!(wrong.contains("INCONSISTENT_GROUP_PROTOCOL"), "{wrong}");
}

#[test]
fn a_no_to_a_reset_leads_back_to_its_form() {
    let mut state = state(fixture::many_groups());
    press(&mut state, "4 G k o Enter");
    let at = TopicPartition { topic: "trucks_gps".into(), partition: 3 };
    let changes = vec![OffsetChange { at, before: Some(1), after: 0, cut: None }];
    let purpose = Purpose::Form(FormKind::ResetOffsets);
    update(&mut state, 1, Msg::Answer(purpose, Outcome::Offsets(changes)));
    update(&mut state, 1, Msg::Key(KeyPress::plain(Code::Char('n'))));
    assert!(matches!(state.model.overlays.last(), Some(Overlay::Form(form)) if form.state == FormState::Editing));
}

#[test]
fn two_groups_stand_side_by_side_and_esc_leads_back_step_by_step() {
    let mut state = state(fixture::many_groups());
    press(&mut state, "4 g g Enter V");
    let beside = |state: &State| state.model.groups.beside.clone();
    assert_eq!(beside(&state).as_deref(), Some("billing"));
    press(&mut state, "V V");
    assert_eq!(beside(&state).as_deref(), Some("reports"));
    press(&mut state, "Esc");
    assert_eq!((beside(&state), state.model.groups.opened), (None, true));
    press(&mut state, "Esc");
    assert!(!state.model.groups.opened);
}

#[test]
fn a_member_that_is_gone_leaves_the_selection_to_nobody_until_a_key_moves_it() {
    let mut state = state(fixture::calm());
    press(&mut state, "4 Enter j");
    let mut snapshot = fixture::calm();
    let groups = Arc::make_mut(&mut snapshot.groups);
    Arc::make_mut(groups.get_mut("dashboard").unwrap()).members.remove(1);
    update(&mut state, 1, Msg::Snapshot(Arc::new(snapshot)));
    assert_eq!(state.model.selection(), Selection::Group("dashboard".into()));
    assert!(done(&press(&mut state, "X")).is_empty(), "nobody else is killed for it");
    press(&mut state, "j");
    let Selection::Member(_, member) = state.model.selection() else { panic!("a member is selected") };
    assert!(member.starts_with("dashboard-3"), "{member}");
}

#[test]
fn what_strikes_a_member_strikes_its_twin_in_the_group_beside() {
    let mut state = state(fixture::many_groups());
    // alerting, and dashboard beside it.
    press(&mut state, "4 g g Enter V");
    state.model.groups.beside = Some("dashboard".into());
    assert_eq!(done(&press(&mut state, "j X")), [Action::CrashConsumer(2), Action::CrashConsumer(2)]);
    assert_eq!(done(&press(&mut state, "F")).len(), 2);
    press(&mut state, "W Backspace");
    type_in(&mut state, "5 ms");
    assert_eq!(done(&press(&mut state, "Enter")), vec![Action::SlowConsumer { id: 2, work_us: 5_000 }; 2]);
    press(&mut state, "Esc");
    state.model.groups.beside = Some("billing".into());
    assert_eq!(done(&press(&mut state, "X")), [Action::CrashConsumer(2)], "clients outside are not ours");
    assert!(state.model.notices.last().is_some_and(|notice| notice.text.contains("one side alone")));
}

#[test]
fn who_is_added_to_two_groups_is_as_the_members_of_each() {
    let mut state = state(fixture::many_groups());
    press(&mut state, "4 g g Enter V");
    state.model.groups.beside = Some("dashboard".into());
    press(&mut state, "c Right Tab Backspace");
    type_in(&mut state, "9 ms");
    let wanted = |group: &str, topic: &str| {
        Action::AddConsumer(NewConsumer {
            group: group.into(),
            topics: vec![topic.into()],
            assignors: vec!["range".into()],
            commit: CommitMode::After,
            work_us: 9_000,
            ..NewConsumer::default()
        })
    };
    let effects = press(&mut state, "Enter");
    assert_eq!(done(&effects), [wanted("alerting", "orders"), wanted("dashboard", "trucks_gps")]);
    let [_, Effect::Ask(_, Purpose::Quiet)] = effects.as_slice() else { panic!("one answer closes the form") };
}

#[test]
fn a_step_says_what_it_delivered_and_only_the_newest() {
    let mut state = state(fixture::calm());
    for what in ["delivered: a → b: Fetch", "delivered: b → a: Fetch answer"] {
        update(&mut state, 1, Msg::Answer(Purpose::Step, Outcome::Done(what.into())));
    }
    let told: Vec<&str> = state.model.notices.iter().map(|notice| notice.text.as_str()).collect();
    assert_eq!(told, ["delivered: b → a: Fetch answer"]);
}
