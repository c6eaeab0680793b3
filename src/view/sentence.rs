//! The one sentence on top of every screen: the worst news of the cluster in plain words. It is a list of questions, worst
//! first; the first that has something to say speaks.

mod groups;

use std::collections::BTreeSet;

use crate::model::Model;
use crate::session::event::{Event, NodeRef};
use crate::session::snapshot::{Broker, BrokerState, Partition, Snapshot, TopicPartition};

use super::format::{self, duration_ms, plural};
use super::role::Role;
use super::text::safe_str;

/// The sentence: a sign, what stands out, and what explains it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sentence {
    /// How bad it is: one of the sentence roles.
    pub role: Role,
    /// Its sign.
    pub sign: &'static str,
    /// What stands out.
    pub bold: String,
    /// What explains it; may be empty.
    pub plain: String,
    /// What stands out in a few words, for large type that has no room for all of it; may be empty.
    pub short: String,
}

impl Sentence {
    fn bad(bold: impl Into<String>, plain: impl Into<String>) -> Self {
        Self { role: Role::SentenceBad, sign: "✖", bold: bold.into(), plain: plain.into(), short: String::new() }
    }

    fn warn(bold: impl Into<String>, plain: impl Into<String>) -> Self {
        Self { role: Role::SentenceWarn, sign: "▲", bold: bold.into(), plain: plain.into(), short: String::new() }
    }

    fn note(bold: impl Into<String>, plain: impl Into<String>) -> Self {
        Self { role: Role::SentenceNote, sign: "●", bold: bold.into(), plain: plain.into(), short: String::new() }
    }

    fn good(bold: impl Into<String>, plain: impl Into<String>) -> Self {
        Self { role: Role::SentenceGood, sign: "●", bold: bold.into(), plain: plain.into(), short: String::new() }
    }
}

/// The worst news of the model's cluster.
pub fn project(model: &Model) -> Sentence {
    if let Some(why) = &model.ended {
        return Sentence::bad("The session has ended; this is its last picture.", format!("{why} Any key leaves."));
    }
    let snapshot = &*model.snapshot;
    let facts = Facts::of(model);
    let questions: [fn(&Snapshot, &Facts<'_>) -> Option<Sentence>; 15] = [
        starting,
        without_disk,
        without_leader,
        without_zookeeper,
        refusing_acks_all,
        held,
        without_controller,
        groups::stands,
        fewer_replicas,
        dead,
        cut,
        lagging,
        standing,
        full,
        groups::deserted,
    ];
    let news = questions.iter().find_map(|question| question(snapshot, &facts));
    news.unwrap_or_else(|| calm(model, &facts))
}

/// What is said in large type: on the screen of a group what is the matter with it, unless something worse is.
pub(super) fn of_screen(model: &Model) -> Sentence {
    let news = project(model);
    let of_group = super::groups::sentence(model).filter(|_| news.role != Role::SentenceBad);
    of_group.unwrap_or(news)
}

/// Whether the sentence on top tells what is the matter with the group that is opened.
pub(super) fn tells_group(model: &Model) -> bool {
    super::chrome::sentence_rows(model) > 1 && project(model).role != Role::SentenceBad
}

/// What the questions share: every partition once, the dead brokers.
struct Facts<'a> {
    partitions: Vec<&'a Partition>,
    min_insync: Vec<u32>,
    dead: Vec<&'a Broker>,
    cuts: &'a [Event],
}

impl<'a> Facts<'a> {
    fn of(model: &'a Model) -> Self {
        let snapshot = &*model.snapshot;
        let topics = || snapshot.topics.values().filter(|topic| !topic.deleting);
        Self {
            partitions: topics().flat_map(|topic| &topic.partitions).map(AsRef::as_ref).collect(),
            min_insync: topics().flat_map(|t| t.partitions.iter().map(|_| t.min_insync_replicas)).collect(),
            dead: snapshot.brokers.values().filter(|broker| broker.state == BrokerState::Dead).collect(),
            cuts: model.cuts.unread(),
        }
    }

    fn count(&self, holds: impl Fn(&Partition) -> bool) -> usize {
        self.partitions.iter().filter(|partition| holds(partition)).count()
    }

    /// The broker that died last.
    fn newest_dead(&self) -> Option<&'a Broker> {
        self.dead.iter().max_by_key(|broker| broker.since_us).copied()
    }
}

/// Lab milliseconds since an instant.
fn since_ms(snapshot: &Snapshot, at_us: u64) -> u64 {
    snapshot.clock.lab_us.saturating_sub(at_us) / 1000
}

fn starting(snapshot: &Snapshot, facts: &Facts<'_>) -> Option<Sentence> {
    if snapshot.ready || !facts.dead.is_empty() {
        return None;
    }
    let all = snapshot.brokers.len();
    if all == 0 {
        return Some(Sentence::note("The cluster is starting.", "Nothing is known of it yet."));
    }
    let up = snapshot.brokers.values().filter(|broker| broker.state == BrokerState::Running).count();
    Some(Sentence::note("The cluster is starting.", format!("{up} of {} run.", plural(all, "broker"))))
}

/// A disk failed: its broker lives, and is of no use.
fn without_disk(snapshot: &Snapshot, facts: &Facts<'_>) -> Option<Sentence> {
    let failed = snapshot.brokers.values().filter(|broker| broker.state == BrokerState::DiskFailed);
    let failed: Vec<_> = failed.collect();
    let whose = match failed.as_slice() {
        [] => return None,
        [one] => format!("The disk of broker-{} has failed", one.id),
        more => format!("The disks of {} have failed", plural(more.len(), "broker")),
    };
    let way_out = "Free what is full; K, then S.";
    let none = facts.count(|partition| partition.leader.is_none());
    if none == 0 {
        return Some(Sentence::warn(format!("{whose}; others lead."), way_out));
    }
    let verb = if none == 1 { "has" } else { "have" };
    Some(Sentence::bad(format!("{whose}: {} {verb} no leader.", plural(none, "partition")), way_out))
}

fn without_leader(snapshot: &Snapshot, facts: &Facts<'_>) -> Option<Sentence> {
    let none = facts.count(|partition| partition.leader.is_none());
    if none == 0 {
        return None;
    }
    let verb = if none == 1 { "has" } else { "have" };
    let what = format!("{} {verb} no leader.", plural(none, "partition"));
    let Some(broker) = facts.newest_dead() else {
        return Some(Sentence::bad(
            what,
            if none == 1 { "Nobody can write to it or read it." } else { "Nobody can write to them or read them." },
        ));
    };
    let mut plain = Vec::new();
    let held = facts.count(|partition| partition.held);
    if held > 0 {
        plain.push(format!("{held} {} for its copy.", if held == 1 { "waits" } else { "wait" }));
    }
    if broker.session.as_ref().is_some_and(|session| session.held) {
        plain.push("Nobody leads ZooKeeper, so nobody is elected.".to_owned());
    } else if let Some(session) = broker.session.as_ref().filter(|session| !session.expired) {
        plain.push(format!("ZooKeeper ends its session in {}.", duration_ms(session.ends_in_ms)));
    } else {
        plain.push(format!("It died {} ago.", duration_ms(since_ms(snapshot, broker.since_us))));
    }
    Some(Sentence::bad(format!("broker-{} is dead: {what}", broker.id), plain.join(" ")))
}

fn without_zookeeper(snapshot: &Snapshot, _: &Facts<'_>) -> Option<Sentence> {
    let zookeeper = snapshot.zookeeper.as_ref()?;
    let (all, up) = (zookeeper.servers.len(), zookeeper.servers.iter().filter(|server| server.alive).count());
    if all == 0 || zookeeper.is_led() {
        return None;
    }
    let plain = "Leaders serve on; nobody is elected, no topic is made, and no session ends until somebody leads it.";
    if up * 2 <= all {
        return Some(Sentence::bad(format!("ZooKeeper has no quorum: {up} of {all} run."), plain));
    }
    Some(Sentence::warn(format!("ZooKeeper looks for a leader: {up} of {all} run."), plain))
}

/// The logs have reached `--memory`, and what is new takes the place of what is old.
fn full(snapshot: &Snapshot, _: &Facts<'_>) -> Option<Sentence> {
    let memory = snapshot.memory;
    (memory.evicted_bytes > 0 && memory.used_bytes >= memory.bound_bytes / 8 * 7).then(|| {
        let what = format!("The logs fill --memory, {}: the oldest records go.", format::bytes(memory.bound_bytes));
        Sentence::note(what, format!("{} went so far.", format::bytes(memory.evicted_bytes)))
    })
}

fn refusing_acks_all(_: &Snapshot, facts: &Facts<'_>) -> Option<Sentence> {
    let below = |(partition, min): &(&&Partition, &u32)| {
        partition.leader.is_some() && u32::try_from(partition.isr.len()).is_ok_and(|in_sync| in_sync < **min)
    };
    let refusing = facts.partitions.iter().zip(&facts.min_insync).filter(below).count();
    (refusing > 0).then(|| {
        let verb = if refusing == 1 { "refuses" } else { "refuse" };
        let bold = format!("{} {verb} writes with acks=all.", plural(refusing, "partition"));
        Sentence::bad(bold, "Fewer replicas are in sync than min.insync.replicas asks for.")
    })
}

fn held(_: &Snapshot, facts: &Facts<'_>) -> Option<Sentence> {
    let held = facts.count(|partition| partition.held);
    (held > 0).then(|| {
        let verb = if held == 1 { "waits" } else { "wait" };
        let bold = format!("{} {verb} for a silent replica.", plural(held, "partition"));
        Sentence::warn(bold, "It counts as in sync still, so the high watermark stands and acks=all waits.")
    })
}

fn without_controller(snapshot: &Snapshot, _: &Facts<'_>) -> Option<Sentence> {
    let plain = "Nothing can be elected; the first broker to create /controller will be it.";
    (snapshot.ready && snapshot.controller.is_none()).then(|| Sentence::warn("The cluster has no controller.", plain))
}

fn fewer_replicas(snapshot: &Snapshot, facts: &Facts<'_>) -> Option<Sentence> {
    let fewer = facts.count(|partition| partition.isr.len() < partition.replicas.len());
    if fewer == 0 {
        return None;
    }
    let less = format!("{} {} a replica.", plural(fewer, "partition"), if fewer == 1 { "lacks" } else { "lack" });
    let Some(broker) = facts.newest_dead() else {
        return Some(catching_up(snapshot, facts, &less));
    };
    let elected: Vec<u64> = facts
        .partitions
        .iter()
        .map(|partition| partition.leader_changed_us)
        .filter(|at| *at > broker.since_us)
        .collect();
    let Some(last) = elected.iter().max() else {
        return Some(Sentence::warn(format!("broker-{} is dead.", broker.id), less));
    };
    let took = duration_ms((last - broker.since_us) / 1000);
    Some(Sentence::warn(
        format!("{}, {took} after broker-{} died.", plural(elected.len(), "new leader"), broker.id),
        less,
    ))
}

/// All brokers live, and somebody copies.
fn catching_up(snapshot: &Snapshot, facts: &Facts<'_>, less: &str) -> Sentence {
    let lacks = |id: i32| facts.count(|p| p.replicas.contains(&id) && !p.isr.contains(&id));
    let worst = snapshot.brokers.keys().map(|id| (lacks(*id), *id)).max_by_key(|(count, id)| (*count, -id));
    match worst {
        Some((count, id)) if count > 0 => {
            let hosted = facts.count(|partition| partition.replicas.contains(&id));
            let bold = format!("broker-{id} catches up: {} of {hosted} replicas in sync.", hosted - count);
            Sentence::warn(bold, "It copies what it missed from the leaders.")
        }
        _ => Sentence::warn("Replicas are behind.", less),
    }
}

fn dead(_: &Snapshot, facts: &Facts<'_>) -> Option<Sentence> {
    let broker = facts.newest_dead()?;
    let bold = if facts.dead.len() == 1 {
        format!("broker-{} is dead.", broker.id)
    } else {
        format!("{} are dead.", plural(facts.dead.len(), "broker"))
    };
    Some(Sentence::warn(bold, "S starts it."))
}

/// Records were cut off at a start, and nobody has read of it.
fn cut(_: &Snapshot, facts: &Facts<'_>) -> Option<Sentence> {
    let broker = |event: &Event| if let NodeRef::Broker(id) = event.node { Some(id) } else { None };
    let brokers: BTreeSet<i32> = facts.cuts.iter().filter_map(broker).collect();
    let whose = match brokers.iter().collect::<Vec<_>>().as_slice() {
        [] => return None,
        [one] => format!("broker-{one}"),
        [one, other] => format!("broker-{one} and broker-{other}"),
        more => plural(more.len(), "broker"),
    };
    let logs: Vec<&TopicPartition> = facts.cuts.iter().flat_map(|event| &event.partitions).collect();
    let of = match logs.as_slice() {
        [one] => format!("{}-{}", safe_str(&one.topic), one.partition),
        more => plural(more.len(), "log"),
    };
    let bytes = facts.cuts.iter().filter_map(|event| event.taken).map(|taken| taken.bytes).sum();
    let bold = format!("{whose} cut {} off {of}.", format::bytes(bytes));
    Some(Sentence::warn(bold, "7 tells why, Esc hides this. The last run did not end in order."))
}

/// The engine cannot keep the speed that was asked for.
fn lagging(snapshot: &Snapshot, _: &Facts<'_>) -> Option<Sentence> {
    let clock = snapshot.clock;
    let lags = !clock.paused && clock.effective_rate_ppm > 0 && clock.effective_rate_ppm < clock.rate_ppm / 5 * 4;
    lags.then(|| {
        let (now, asked) = (super::format::rate(clock.effective_rate_ppm), super::format::rate(clock.rate_ppm));
        Sentence::note(format!("Time runs at {now} instead of {asked}."), "This machine cannot do more; [ slows down.")
    })
}

fn standing(snapshot: &Snapshot, _: &Facts<'_>) -> Option<Sentence> {
    let clock = snapshot.clock;
    clock.paused.then(|| {
        let plain = match snapshot.outside_clients {
            0 => "Space goes on, . delivers one message.".to_owned(),
            n => format!(
                "{} waited {}: Java gives up after 30 s, librdkafka after 60 s.",
                plural(usize::try_from(n).unwrap_or(usize::MAX), "outside client"),
                duration_ms(clock.outside_waited_ms)
            ),
        };
        Sentence::note("Time stands.", plain)
    })
}

fn calm(model: &Model, facts: &Facts<'_>) -> Sentence {
    let snapshot = &*model.snapshot;
    if facts.partitions.is_empty() {
        return Sentence::note("No topics yet.", "t creates one; any client may, too.");
    }
    if model.first_minute && snapshot.capabilities.lab {
        return Sentence::note("A real Kafka cluster runs in this terminal.", "Press K: kill a broker.");
    }
    let elsewhere = facts.count(|p| p.leader.is_some() && p.leader != p.replicas.first().copied());
    let lost: u64 = snapshot.producers.values().map(|producer| producer.lost).sum();
    let plain = if lost > 0 {
        format!("{} acknowledged records were lost earlier.", super::format::count(lost))
    } else if elsewhere > 0 {
        format!("Every replica is in sync. {elsewhere} not led by the preferred replica: B gives them back.")
    } else {
        format!("{}, each with a leader, every replica in sync.", plural(facts.partitions.len(), "partition"))
    };
    Sentence::good("All well.", plain)
}

#[cfg(test)]
mod tests;
