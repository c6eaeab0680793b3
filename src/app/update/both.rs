//! Two groups side by side are compared under the same strike: what a key does to the member that is selected it does to
//! the one of the same name in the other group, and who is added is added to both.

use std::sync::Arc;

use crate::model::Model;
use crate::model::overlay::{Form, FormKind, Overlay};
use crate::model::place::Screen;
use crate::session::action::NewConsumer;
use crate::session::snapshot::{Group, GroupKind, Snapshot};
use crate::view::line::cut_middle;
use crate::view::text::safe_str;

use super::consumer_form::{self, BOTH_NAMES};
use super::form::{Wrong, choice, entry, of, text};

/// The fields of a consumer that is added to both.
mod at {
    pub(super) const COMMITS: usize = 0;
    pub(super) const WORK: usize = 1;
    pub(super) const BEGINS: usize = 2;
}

/// The two groups that are compared; nothing where one alone is looked at.
pub(super) fn groups(model: &Model) -> Option<[Arc<str>; 2]> {
    let here = model.screen == Screen::Groups;
    let (one, other) = (model.groups.current(&model.snapshot)?, model.groups.compared(&model.snapshot)?);
    here.then(|| [Arc::clone(&one.id), Arc::clone(&other.id)])
}

/// Opens the form to start a consumer in both: what the groups differ in is each one's own.
pub(super) fn add(model: &mut Model, [one, other]: &[Arc<str>; 2]) {
    let fields = vec![
        choice("commits", "after: at least once; before: at most once", &["auto", "after", "before", "never"]),
        consumer_form::marked(text("work on a record", consumer_form::WORK_HELP, "0", 1)),
        choice("begins at", "where nothing is committed: auto.offset.reset", &["latest", "earliest"]),
    ];
    let subject = Some(format!("{} and {}", cut_middle(&safe_str(one), 20), cut_middle(&safe_str(other), 20)).into());
    model.overlays.push(Overlay::Form(Form { subject, ..of(FormKind::AddToBoth, fields) }));
}

/// The two consumers that the form wants: each subscribes and assigns as its group does.
pub(super) fn consumers(
    form: &Form,
    groups: Option<&[Arc<str>; 2]>,
    snapshot: &Snapshot,
) -> Result<[NewConsumer; 2], Wrong> {
    let work_us = consumer_form::work(&entry(form, at::WORK)).map_err(|what| vec![(at::WORK, what)])?;
    let (commit, from_earliest) =
        (consumer_form::commit(&entry(form, at::COMMITS)), entry(form, at::BEGINS) == "earliest");
    let known = groups.and_then(|[one, other]| Some([snapshot.groups.get(one)?, snapshot.groups.get(other)?]));
    let [one, other] = known.ok_or_else(|| vec![(at::COMMITS, "one of the two groups is gone".to_owned())])?;
    let like = |group: &Group, beside: &Group| NewConsumer {
        commit,
        work_us,
        from_earliest,
        topics: if group.topics.is_empty() { beside.topics.clone() } else { group.topics.clone() },
        ..like(group)
    };
    Ok([like(one, other), like(other, one)])
}

/// One that is as the members of a group are.
fn like(group: &Group) -> NewConsumer {
    let wanted = NewConsumer { group: Arc::clone(&group.id), protocol: group.kind, ..NewConsumer::default() };
    match group.kind {
        GroupKind::Consumer => NewConsumer { remote_assignor: group.assignor.clone(), ..wanted },
        GroupKind::Classic => {
            let theirs = group.members.iter().find_map(|member| member.built_in.as_ref());
            let assignors = theirs.map(|built_in| built_in.assignors.clone()).filter(|names| !names.is_empty());
            NewConsumer { assignors: assignors.unwrap_or_else(|| BOTH_NAMES.map(Arc::from).into()), ..wanted }
        }
    }
}

/// The members that a key strikes: the selected one, and its twin in the group beside; with whether each stands.
pub(super) fn in_reach(model: &mut Model) -> Result<Vec<(u32, bool)>, String> {
    let mut struck = vec![consumer_form::in_reach(model)?];
    let Some([_, beside]) = groups(model).filter(|_| model.overlays.is_empty()) else { return Ok(struck) };
    let snapshot = Arc::clone(&model.snapshot);
    let twin = model.groups.twin(&snapshot);
    match twin.and_then(|twin| twin.built_in.as_ref()).filter(|built_in| built_in.alive) {
        Some(built_in) => struck.push((built_in.consumer, built_in.paused)),
        None => model.tell(format!("{} has no such member of the lab's own: one side alone", safe_str(&beside)), true),
    }
    Ok(struck)
}
