//! The forms of built-in consumers: one more in a group, and how long one works on a record.

use std::sync::Arc;

use crate::model::Model;
use crate::model::field::TextField;
use crate::model::overlay::{Form, FormField, FormKind, Overlay};
use crate::model::place::Selection;
use crate::model::topics::fullest;
use crate::session::action::{CommitMode, NewConsumer};
use crate::session::snapshot::{BuiltIn, Group, GroupKind, GroupMember, Snapshot};

use crate::view::text::{name_of, safe_str};

use super::form::{Wrong, check, choice, entry, of, text};
use super::groups::group_in_reach;
use super::topic_form::topic_name;

/// Kafka's default: `range`, and ready to become cooperative.
const BOTH: &str = "both";
pub(super) const BOTH_NAMES: [&str; 2] = ["range", "cooperative-sticky"];
/// The assignors of a member to choose from.
const ASSIGNORS: &[&str] = &["range", "roundrobin", "sticky", "cooperative-sticky", BOTH];
/// Those of a coordinator.
const REMOTE_ASSIGNORS: &[&str] = &["uniform", "range"];
/// `group.protocol`, as it is chosen.
const PROTOCOLS: &[&str] = &["classic", "consumer"];

/// The fields of a new consumer, from top to bottom.
mod at {
    pub(super) const GROUP: usize = 0;
    pub(super) const TOPICS: usize = 1;
    pub(super) const PROTOCOL: usize = 2;
    pub(super) const ASSIGNOR: usize = 3;
    pub(super) const COMMITS: usize = 4;
    pub(super) const WORK: usize = 5;
    pub(super) const INSTANCE: usize = 6;
    pub(super) const BEGINS: usize = 7;
}

/// What belongs into a time of work.
pub(super) const WORK_HELP: &str = "how long it takes: 0, 50 (ms), 2 s; slow members keep others waiting";

/// Opens the form to start a consumer: in the group that is selected, as its members are.
pub(super) fn add(model: &mut Model) {
    let group = group_in_reach(model);
    let name = group.map_or_else(|| "dashboard".to_owned(), |group| group.id.to_string());
    let mut fields = vec![
        text("group", "group.id: its members share the partitions", &name, 1),
        text("topics", "what it subscribes to; blanks between", "", 1),
        choice("protocol", "group.protocol; consumer: KIP-848, its coordinator shares out", PROTOCOLS),
        assignor(GroupKind::Classic),
        choice("commits", "after: at least once; before: at most once", &["auto", "after", "before", "never"]),
        marked(text("work on a record", WORK_HELP, "0", 1)),
        text("instance id", "group.instance.id; empty: a dynamic member", "", 1),
        choice("begins at", "where nothing is committed: auto.offset.reset", &["latest", "earliest"]),
    ];
    let usual = usual(group);
    let topics = Some(usual.topics.clone()).filter(|topics| !topics.is_empty());
    let topics = topics.or_else(|| fullest(&model.snapshot).map(|name| name.to_string())).unwrap_or_default();
    put(&mut fields, &Usual { topics, ..usual });
    let subject = Some(name.into());
    model.overlays.push(Overlay::Form(Form { subject, ..of(FormKind::AddConsumer, fields) }));
}

/// What a new member of a group is like unless somebody says otherwise.
#[derive(PartialEq, Eq)]
struct Usual {
    topics: String,
    kind: GroupKind,
    assignor: &'static str,
}

/// As the members of `group` are; without members, and without a group, as Kafka has it.
fn usual(group: Option<&Group>) -> Usual {
    let kind = group.filter(|group| group.member_count > 0).map_or(GroupKind::Classic, |group| group.kind);
    let (assignors, like) = match kind {
        GroupKind::Classic => (ASSIGNORS, group.and_then(theirs)),
        GroupKind::Consumer => (REMOTE_ASSIGNORS, group.and_then(|group| group.assignor.as_deref())),
    };
    let otherwise = if kind == GroupKind::Classic { BOTH } else { "uniform" };
    let assignor = like.and_then(|name| assignors.iter().copied().find(|known| *known == name)).unwrap_or(otherwise);
    Usual { topics: group.map(|group| group.topics.join(" ")).unwrap_or_default(), kind, assignor }
}

/// The assignor that a new member of a group needs; none where Kafka's default fits.
fn theirs(group: &Group) -> Option<&str> {
    match common(group).as_slice() {
        // Of members outside only the one that was chosen is known: all of them have that.
        [] => group.assignor.as_deref().filter(|_| group.member_count > 0),
        both if *both == BOTH_NAMES => None,
        [first, ..] => Some(first),
    }
}

/// The assignors that all built-in members of a group have.
fn common(group: &Group) -> Vec<&str> {
    let built_in = || group.members.iter().filter_map(|member| member.built_in.as_ref());
    let first = built_in().next().map_or(&[][..], |member| member.assignors.as_slice());
    let in_all = |name: &&Arc<str>| built_in().all(|member| member.assignors.contains(name));
    first.iter().filter(in_all).map(AsRef::as_ref).collect()
}

/// What the fields say of topics, protocol and assignor.
fn said(form: &Form) -> Usual {
    let chosen = entry(form, at::ASSIGNOR);
    let known = ASSIGNORS.iter().chain(REMOTE_ASSIGNORS).copied();
    let assignor = known.into_iter().find(|name| **name == *chosen).unwrap_or_default();
    Usual { topics: entry(form, at::TOPICS), kind: kind(form), assignor }
}

/// Puts topics, protocol and assignor into the fields.
fn put(fields: &mut [FormField], usual: &Usual) {
    let protocol = if usual.kind == GroupKind::Consumer { "consumer" } else { "classic" };
    if let [_, topics, of, shares, ..] = fields {
        *topics = chosen(topics.clone(), &usual.topics);
        *of = chosen(of.clone(), protocol);
        *shares = chosen(assignor(usual.kind), usual.assignor);
    }
}

/// Another group was typed: if there is one of that name, the rest of the form is as its members are, where nobody has
/// chosen otherwise.
pub(super) fn edited(form: &mut Form, snapshot: &Snapshot) {
    if (form.kind, form.focus) != (FormKind::AddConsumer, at::GROUP) {
        return;
    }
    let typed = entry(form, at::GROUP);
    let group = |id: &str| snapshot.groups.get(id).map(AsRef::as_ref);
    let Some(named) = group(typed.trim()) else { return };
    let (now, before) = (said(form), usual(form.subject.as_deref().and_then(group)));
    let theirs = usual(Some(named));
    let untouched = (now.kind, now.assignor) == (before.kind, before.assignor);
    let (kind, assignor) = if untouched { (theirs.kind, theirs.assignor) } else { (now.kind, now.assignor) };
    let topics = match theirs.topics {
        topics if !topics.is_empty() && (now.topics == before.topics || now.topics.is_empty()) => topics,
        _ => now.topics,
    };
    put(&mut form.fields, &Usual { topics, kind, assignor });
    form.subject = Some(Arc::clone(&named.id));
}

/// Why the coordinator would refuse such a member, as far as can be known: the members of a group speak one protocol, and of
/// a classic one they have an assignor in common.
fn misfit(group: &Group, kind: GroupKind, assignors: &[Arc<str>]) -> Option<(usize, String)> {
    if group.member_count == 0 {
        return None;
    }
    let name = name_of(&group.id);
    if group.kind != kind {
        let (theirs, error) = match group.kind {
            GroupKind::Classic => ("classic", "GROUP_ID_NOT_FOUND"),
            GroupKind::Consumer => ("consumer", "INCONSISTENT_GROUP_PROTOCOL"),
        };
        return Some((at::PROTOCOL, format!("the members of {name} speak {theirs}: it would get {error}")));
    }
    let common = common(group);
    let fits = assignors.iter().any(|name| common.contains(&&**name));
    if fits || common.is_empty() || kind == GroupKind::Consumer {
        return None;
    }
    let common = common.join(" or ");
    Some((at::ASSIGNOR, format!("all members of {name} have {common}: it would get INCONSISTENT_GROUP_PROTOCOL")))
}

/// The field that says who gets what: which assignors there are depends on who assigns.
fn assignor(kind: GroupKind) -> FormField {
    match kind {
        GroupKind::Classic => choice(
            "assignor",
            "who gets what; all members need one in common; both: range, and ready for cooperative-sticky",
            ASSIGNORS,
        ),
        GroupKind::Consumer => {
            choice("assignor", "group.remote.assignor: how the coordinator shares out", REMOTE_ASSIGNORS)
        }
    }
}

fn chosen(field: FormField, chosen: &str) -> FormField {
    FormField { field: TextField::with(chosen), ..field }
}

/// All that a field holds is marked: what is typed takes its place.
pub(super) fn marked(mut field: FormField) -> FormField {
    field.field.anchor = Some((0, 0));
    field
}

/// The choice of the field in focus turned: another protocol has other assignors.
pub(super) fn turned(form: &mut Form) {
    if (form.kind, form.focus) != (FormKind::AddConsumer, at::PROTOCOL) {
        return;
    }
    let field = match kind(form) {
        GroupKind::Classic => chosen(assignor(GroupKind::Classic), BOTH),
        GroupKind::Consumer => assignor(GroupKind::Consumer),
    };
    if let Some(slot) = form.fields.get_mut(at::ASSIGNOR) {
        *slot = field;
    }
}

fn kind(form: &Form) -> GroupKind {
    if entry(form, at::PROTOCOL) == "consumer" { GroupKind::Consumer } else { GroupKind::Classic }
}

/// The consumer that the form wants.
pub(super) fn consumer(form: &Form, snapshot: &Snapshot) -> Result<NewConsumer, Wrong> {
    let mut wrong = Wrong::new();
    let group = entry(form, at::GROUP).trim().to_owned();
    check(&mut wrong, at::GROUP, if group.is_empty() { Err("a group needs a name".to_owned()) } else { Ok(()) });
    let typed = entry(form, at::TOPICS);
    let topics: Vec<Arc<str>> = typed.split([' ', ',']).filter(|name| !name.is_empty()).map(Arc::from).collect();
    let missing = topics.iter().find(|name| !snapshot.topics.contains_key(*name));
    check(
        &mut wrong,
        at::TOPICS,
        match (topics.first(), missing) {
            (None, _) => Err("at least one topic".to_owned()),
            (_, Some(missing)) => topic_name(missing).and(Err(format!("there is no topic {missing}; t creates one"))),
            (Some(_), None) => Ok(()),
        },
    );
    let work_us = work(&entry(form, at::WORK)).map_err(|what| wrong.push((at::WORK, what))).unwrap_or_default();
    if !wrong.is_empty() {
        return Err(wrong);
    }
    let (protocol, assignor) = (kind(form), entry(form, at::ASSIGNOR));
    let (assignors, remote_assignor) = match (protocol, assignor.as_str()) {
        (GroupKind::Consumer, name) => (Vec::new(), Some(name.into())),
        (GroupKind::Classic, BOTH) => (BOTH_NAMES.map(Arc::from).into(), None),
        (GroupKind::Classic, one) => (vec![one.into()], None),
    };
    if let Some(wrong) = snapshot.groups.get(group.as_str()).and_then(|known| misfit(known, protocol, &assignors)) {
        return Err(vec![wrong]);
    }
    let commit = commit(&entry(form, at::COMMITS));
    let instance_id = Some(entry(form, at::INSTANCE).trim().to_owned()).filter(|id| !id.is_empty()).map(Arc::from);
    Ok(NewConsumer {
        group: group.into(),
        topics,
        protocol,
        assignors,
        remote_assignor,
        commit,
        work_us,
        instance_id,
        from_earliest: entry(form, at::BEGINS) == "earliest",
    })
}

/// When a consumer commits, as it is chosen.
pub(super) fn commit(chosen: &str) -> CommitMode {
    match chosen {
        "after" => CommitMode::After,
        "before" => CommitMode::Before,
        "never" => CommitMode::Never,
        _ => CommitMode::Auto,
    }
}

/// Opens the form to say how long built-in members work on a record: as long as the first of them does now.
pub(super) fn slow(model: &mut Model, ids: &[u32]) {
    let Some(&id) = ids.first() else { return };
    let of_it = |member: &&GroupMember| member.built_in.as_ref().is_some_and(|built_in| built_in.consumer == id);
    let member = model.snapshot.groups.values().find_map(|group| group.members.iter().find(of_it));
    let now = member.and_then(|member| member.built_in.as_ref()).map_or(0, |built_in: &BuiltIn| built_in.work_us);
    let subject = Some(ids.iter().map(u32::to_string).collect::<Vec<_>>().join(" ").into());
    let fields = vec![marked(text("work on a record", WORK_HELP, &written(now), 1))];
    model.overlays.push(Overlay::Form(Form { subject, ..of(FormKind::Work, fields) }));
}

/// Which consumers are to work how long on a record.
pub(super) fn slowed(form: &Form) -> Result<(Vec<u32>, u32), Wrong> {
    let work_us = work(&entry(form, 0)).map_err(|what| vec![(0, what)])?;
    let ids = form.subject.iter().flat_map(|ids| ids.split(' ')).filter_map(|id| id.parse().ok());
    Ok((ids.collect(), work_us))
}

/// A time of work as it is typed, in microseconds.
pub(super) fn work(typed: &str) -> Result<u32, String> {
    let typed = typed.trim();
    let split = typed.find(|c: char| !c.is_ascii_digit()).unwrap_or(typed.len());
    let (number, unit) = typed.split_at(split);
    let scale: Option<u64> = match unit.trim() {
        "us" | "µs" => Some(1),
        "" | "ms" => Some(1_000),
        "s" => Some(1_000_000),
        _ => None,
    };
    let us = number.parse::<u64>().ok().zip(scale).and_then(|(number, scale)| number.checked_mul(scale));
    us.filter(|us| *us <= 60_000_000)
        .and_then(|us| u32::try_from(us).ok())
        .ok_or_else(|| "a time up to 60 s: 0, 50 (ms), 500 us, 2 s".to_owned())
}

/// The same the other way round.
fn written(us: u32) -> String {
    match us {
        0 => "0".to_owned(),
        us if us.is_multiple_of(1_000_000) => format!("{} s", us / 1_000_000),
        us if us.is_multiple_of(1_000) => format!("{} ms", us / 1_000),
        us => format!("{us} us"),
    }
}

/// The member that a key strikes: a built-in one that lives, with its number and whether it stands; or why there is none.
pub(super) fn in_reach(model: &Model) -> Result<(u32, bool), String> {
    let snapshot = &model.snapshot;
    let member = match model.subject() {
        Selection::Consumer(id) => return Ok((id, snapshot.consumers.get(&id).is_some_and(|known| known.paused))),
        Selection::Member(group, member) => snapshot.groups.get(&group).and_then(|group| group.member(&member)),
        _ => return Err("select a member first: 4 shows the groups, Enter opens one, j and k move".to_owned()),
    };
    let member = member.ok_or_else(|| "that member is gone".to_owned())?;
    let name = safe_str(&member.client_id);
    match &member.built_in {
        Some(built_in) if built_in.alive => Ok((built_in.consumer, built_in.paused)),
        Some(_) => Err(format!("{name} is dead already; c adds another")),
        None => Err(format!("{name} is a client outside: it is not ours to stop")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_of_work_are_read_as_they_are_written() {
        for us in [0, 1, 999, 1_000, 50_000, 1_500, 2_000_000, 60_000_000] {
            assert_eq!(work(&written(us)), Ok(us));
        }
        assert_eq!(work("500"), Ok(500_000), "a number alone counts milliseconds");
        for typed in ["", "x", "61 s", "1 h", "-1 s", "99999999999 s"] {
            assert!(work(typed).is_err(), "{typed}");
        }
    }
}
