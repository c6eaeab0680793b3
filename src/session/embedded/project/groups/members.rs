//! The members of a group: how each stands, what it has, had, and reads.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::Look;
use super::history::{ByMember, History, by_member};
use super::lanes::Reader;
use super::tags::Tags;
use crate::engine::client::{Client, Consumer, Phase};
use crate::engine::group::classic::{ClassicGroup, Member, State};
use crate::session::snapshot::{BuiltIn, Group, GroupMember, Standing, Stuck, TopicPartition};

/// Assignors whose members keep what they read while they join again (KIP-429).
const COOPERATIVE: &str = "cooperative";

/// Whether all members keep what they read: where all assignors that they know can.
pub(super) fn are_cooperative(classic: &ClassicGroup) -> bool {
    let mut known = classic.members().flat_map(|(_, member)| &member.protocols).peekable();
    known.peek().is_some() && known.all(|protocol| protocol.name.starts_with(COOPERATIVE))
}

/// The members, in the order of their tags.
pub(super) fn all(classic: &ClassicGroup, history: &History, tags: &Tags, look: &Look<'_>) -> Vec<GroupMember> {
    let stable = classic.state() == State::Stable;
    let (before, after) = if stable { (history.previous(), history.current()) } else { (history.current(), None) };
    let (before, after) = (by_member(before), by_member(after));
    let of = |owned: &ByMember<'_>, id: &Arc<str>| owned.get(&**id).map(|partitions| partitions.to_vec());
    let mut members: Vec<GroupMember> = Vec::new();
    for (id, member) in classic.members() {
        let had = of(&before, id);
        members.push(GroupMember {
            id: Arc::clone(id),
            tag: tags.get(id).cloned().unwrap_or_default(),
            client_id: Arc::clone(&member.client_id),
            host: Arc::clone(&member.client_host),
            instance_id: member.instance_id.clone(),
            leader: classic.leader() == Some(id),
            standing: standing(classic.state(), member),
            session: member.session_ends().map(|ends| super::session((ends, member.session_timeout), look.now)),
            joined_us: member.joined_ms.map(|date_ms| super::lab_us_of(date_ms, look.now)),
            was_there: had.is_some(),
            before: had.unwrap_or_default(),
            after: stable.then(|| of(&after, id).unwrap_or_default()),
            ..seen(id, look)
        });
    }
    sort(&mut members);
    members
}

/// Those of the lab's own that have left until they poll again.
pub(super) fn stuck(clients: &[&Client], tags: &Tags) -> Vec<Stuck> {
    let stuck = clients.iter().filter(|client| client.runs()).filter_map(|client| {
        let member = client.as_consumer()?.membership().filter(|member| member.phase() == Phase::Stuck)?;
        let spec = member.spec();
        let name = spec.instance_id.as_ref().unwrap_or(client.name());
        Some(Stuck {
            consumer: client.as_consumer()?.id().0,
            tag: tags.named(name).cloned().unwrap_or_default(),
            name: Arc::clone(name),
            max_poll_interval_ms: spec.max_poll_interval_ms,
            in_hand: u64::try_from(member.in_hand()).unwrap_or(u64::MAX),
            work_us: spec.work_us,
        })
    });
    let mut stuck: Vec<Stuck> = stuck.take(Group::MAX_MEMBERS).collect();
    stuck.sort_by_key(|stuck| Tags::number(&stuck.tag));
    stuck
}

/// In the order of their tags.
pub(super) fn sort(members: &mut [GroupMember]) {
    members.sort_by_cached_key(|member| (Tags::number(&member.tag), Arc::clone(&member.id)));
}

/// What only a built-in member lets be seen.
pub(super) fn seen(id: &str, look: &Look<'_>) -> GroupMember {
    let built_in = look.built_in.get(id);
    GroupMember {
        reads: built_in.map(|(consumer, runs)| if *runs { held(consumer) } else { Vec::new() }),
        built_in: built_in.map(|(consumer, runs)| self::built_in(consumer, *runs)),
        ..GroupMember::default()
    }
}

fn standing(state: State, member: &Member) -> Standing {
    match state {
        State::PreparingRebalance if !member.has_joined() => Standing::WaitedFor,
        State::PreparingRebalance if member.is_new => Standing::JoinedNew,
        State::PreparingRebalance => Standing::Joined,
        State::CompletingRebalance if member.waits_for_assignment() => Standing::WaitsForAssignment,
        State::CompletingRebalance => Standing::HasNotSynced,
        State::Empty | State::Stable => Standing::In,
    }
}

fn built_in(consumer: &Consumer, alive: bool) -> BuiltIn {
    let Some(member) = consumer.membership() else { return BuiltIn::default() };
    let spec = member.spec();
    BuiltIn {
        consumer: consumer.id().0,
        alive,
        paused: consumer.is_paused(),
        in_hand: u64::try_from(member.in_hand()).unwrap_or(u64::MAX),
        work_us: spec.work_us,
        commits: spec.commit.label().into(),
        assignors: spec.assignors.clone(),
        again: member.books().map(|(_, _, book)| book.again.len()).sum(),
    }
}

/// What a consumer reads: where it knows from where.
fn held(consumer: &Consumer) -> Vec<TopicPartition> {
    let known = consumer.positions().filter(|(_, _, position)| position.offset.is_some());
    known.map(|(topic, partition, _)| TopicPartition { topic: Arc::clone(topic), partition }).collect()
}

/// Who reads what, of built-in members as it is, of others as it was assigned.
pub(super) fn readers(members: &[GroupMember], cooperative: bool, look: &Look<'_>) -> BTreeMap<TopicPartition, Reader> {
    let mut readers = BTreeMap::new();
    for member in members {
        match look.built_in.get(&*member.id) {
            Some((consumer, true)) if !consumer.is_paused() => {
                let works = consumer.membership().is_some_and(|member| member.in_hand() > 0);
                for (topic, partition, position) in consumer.positions() {
                    let at = TopicPartition { topic: Arc::clone(topic), partition };
                    let Some(offset) = position.consumed.or(position.offset) else { continue };
                    readers.insert(at, Reader { tag: Arc::clone(&member.tag), position: Some(offset), works });
                }
            }
            Some(_) => {}
            None => {
                // One that has joined again has given up what it had, unless it is cooperative; before that it reads on.
                let keeps = cooperative || !matches!(member.standing, Standing::Joined | Standing::JoinedNew);
                let had = if keeps { &member.before } else { &Vec::new() };
                for at in member.after.as_ref().unwrap_or(had) {
                    let reader = Reader { tag: Arc::clone(&member.tag), position: None, works: false };
                    readers.insert(at.clone(), reader);
                }
            }
        }
    }
    readers
}

/// The same for a group that nobody coordinates: its members read on, those outside as far as one can tell.
pub(super) fn reading(group: &Group, look: &Look<'_>) -> BTreeMap<TopicPartition, Reader> {
    readers(&group.members, group.cooperative, look)
}
