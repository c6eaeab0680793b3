//! What a script says to a group's coordinator, and what it hears: members are raw clients that do nothing by themselves.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::sync::Arc;
use std::time::Duration;

use kscope::engine::cluster::BrokerNode;
use kscope::engine::event::GroupEvent;
use kscope::engine::event::group::{Assignment, Why};
use kscope::engine::group::Group;
use kscope::engine::message::{Answer, Command, Ticket};
use kscope::engine::node::BrokerId;
use kscope::engine::replica::TopicPartition;
use kscope::engine::topic_name::CONSUMER_OFFSETS;
use kscope::protocol::consumer_protocol::{
    self, ConsumerProtocolAssignment, ConsumerProtocolSubscription, PROTOCOL_TYPE,
};
use kscope::protocol::group_records::{GroupMetadataValue, GroupRecord};
use kscope::protocol::join_group::JoinGroupRequestProtocol;
use kscope::protocol::leave_group::MemberIdentity;
use kscope::protocol::offset_commit::{OffsetCommitRequestPartition, OffsetCommitRequestTopic};
use kscope::protocol::offset_delete::{OffsetDeleteRequestPartition, OffsetDeleteRequestTopic};
use kscope::protocol::offset_fetch::{OffsetFetchRequestGroup, OffsetFetchRequestTopics};
use kscope::protocol::partitioner::java_hash;
use kscope::protocol::records::records_of;
use kscope::protocol::sync_group::SyncGroupRequestAssignment;
use kscope::protocol::{
    ConsumerGroupDescribeRequest, ConsumerGroupHeartbeatRequest, DeleteGroupsRequest, DescribeGroupsRequest, ErrorCode,
    FindCoordinatorRequest, HeartbeatRequest, JoinGroupRequest, JoinGroupResponse, LeaveGroupRequest,
    ListGroupsRequest, OffsetCommitRequest, OffsetDeleteRequest, OffsetFetchRequest, Request, Response,
    SyncGroupRequest,
};

use super::epoch_script::{self, Names};
use super::harness::Lab;
use super::script::{Words, duration, partition, said, state, why};

/// How long an answer is waited for before the script goes on without it.
const PATIENCE: Duration = Duration::from_millis(50);

/// A member as its client knows it.
#[derive(Clone)]
struct Member {
    /// What it joins with, its id among it.
    request: JoinGroupRequest,
    version: i16,
    generation: i32,
    /// The protocol that its group chose.
    protocol: Option<Arc<str>>,
    /// Whether it takes the id that it is given, and joins at once with it.
    takes_id: bool,
}

/// The members of a script, by their aliases.
#[derive(Default)]
pub(super) struct Groups {
    members: BTreeMap<String, Member>,
    /// Those of groups of KIP-848.
    consumers: BTreeMap<String, epoch_script::Member>,
    topics: Names,
    /// Requests that are not answered yet, and whose.
    waiting: Vec<(Ticket, String)>,
    /// The ids that members were given.
    names: BTreeMap<Arc<str>, String>,
}

impl Groups {
    /// Does what a command says; `None` where it is not about groups.
    pub(super) fn act(&mut self, lab: &mut Lab, verb: &str, words: &mut Words<'_>) -> Option<String> {
        // The empty group has a name too.
        words.plain.iter_mut().for_each(|word| *word = word.trim_matches('"'));
        Some(match verb {
            "coordinator" => coordinator(lab, words),
            "beat" => self.beat(lab, words),
            "consumer-group" => describe_consumers(lab, words),
            "join" => self.join(lab, words),
            "sync" => self.sync(lab, words),
            "heartbeat" => self.heartbeat(lab, words),
            "leave" => self.leave(lab, words),
            "commit" => self.commit(lab, words),
            "offsets" => offsets(lab, words),
            "delete-offsets" => delete_offsets(lab, words),
            "delete-group" => delete_group(lab, words),
            "group" => describe(lab, words),
            "groups" => list(lab, words),
            "records" => records(lab, words, &self.topics),
            _ => return None,
        })
    }

    /// The answers that came since it was last asked, a line each.
    pub(super) fn heard(&mut self, lab: &mut Lab) -> String {
        let mut out = String::new();
        epoch_script::learn(&mut self.topics, lab);
        loop {
            let (done, waiting) = std::mem::take(&mut self.waiting)
                .into_iter()
                .partition(|(ticket, _): &(Ticket, String)| lab.answer(*ticket).is_some());
            self.waiting = waiting;
            if done.is_empty() {
                return out;
            }
            for (ticket, alias) in done {
                let line = said(lab.answer(ticket).cloned(), |response| self.hear(&alias, response));
                writeln!(out, "{alias}: {line}").unwrap();
                let member = self.members.get(&alias).filter(|member| member.takes_id);
                if let Some(member) = member.cloned().filter(|_| line.starts_with("MEMBER_ID_REQUIRED")) {
                    self.members.get_mut(&alias).unwrap().takes_id = false;
                    let to = leader_of(lab, &member.request.group_id);
                    out.push_str(&self.send(lab, &alias, to, member.version, member.request));
                }
            }
        }
    }

    /// The lab ended: nobody answers any more.
    pub(super) fn forget_answers(&mut self) {
        self.waiting.clear();
    }

    /// The aliases in place of the ids: those are long, and of chance.
    pub(super) fn with_aliases(&self, text: String) -> String {
        self.names.iter().fold(text, |text, (id, alias)| text.replace(&**id, alias))
    }

    /// What an answer says, taken to heart.
    fn hear(&mut self, alias: &str, response: &Response) -> String {
        match response {
            Response::JoinGroup(answer) => {
                let mut asked = Arc::from("");
                let given = matches!(answer.error_code, ErrorCode::NONE | ErrorCode::MEMBER_ID_REQUIRED);
                if let Some(member) = self.members.get_mut(alias) {
                    asked = Arc::clone(&member.request.member_id);
                }
                if let Some(member) = self.members.get_mut(alias).filter(|_| given) {
                    member.request.member_id = Arc::clone(&answer.member_id);
                    self.names.entry(Arc::clone(&answer.member_id)).or_insert_with(|| alias.to_owned());
                    if answer.error_code.is_ok() {
                        member.generation = answer.generation_id;
                        member.protocol.clone_from(&answer.protocol_name);
                    }
                }
                joined(answer, &asked)
            }
            Response::SyncGroup(answer) => match answer.error_code {
                ErrorCode::NONE => format!("assigned {}", assigned(&answer.assignment)),
                error => why(error, None),
            },
            Response::OffsetCommit(answer) => {
                let all = answer.topics.iter().flat_map(|topic| topic.partitions.iter().map(move |p| (topic, p)));
                let one = |error: ErrorCode, id: String| match error {
                    ErrorCode::NONE => format!("{id} committed"),
                    error => format!("{id} {}", why(error, None)),
                };
                let all = all.map(|(topic, p)| one(p.error_code, format!("{}-{}", topic.name, p.partition_index)));
                all.collect::<Vec<_>>().join(", ")
            }
            Response::Heartbeat(answer) => why(answer.error_code, None),
            Response::ConsumerGroupHeartbeat(answer) => {
                if let Some(member) = self.consumers.get_mut(alias) {
                    member.hear(answer);
                    self.names.insert(Arc::clone(&member.joins.member_id), alias.to_owned());
                }
                epoch_script::answered(answer, &self.topics)
            }
            Response::LeaveGroup(answer) => {
                let mut errors = answer.members.iter().map(|member| member.error_code);
                let error = Some(answer.error_code).filter(|error| !error.is_ok()).or_else(|| errors.next());
                why(error.unwrap_or_default(), None)
            }
            other => panic!("{other:?}"),
        }
    }

    /// Sends a request for a member, or whoever; says if no answer comes at once.
    fn send(
        &mut self,
        lab: &mut Lab,
        alias: &str,
        to: Option<BrokerId>,
        version: i16,
        request: impl Into<Request>,
    ) -> String {
        let Some(broker) = to else { return "nobody leads".into() };
        let ticket = lab.command(Command::Ask { broker, version, request: request.into() });
        self.waiting.push((ticket, alias.to_owned()));
        let end = lab.now() + PATIENCE;
        let answered = lab.run_until(end, |lab| lab.answer(ticket).is_some());
        // Whoever is answered with it hears of it too.
        lab.run(Duration::from_millis(5));
        if answered { String::new() } else { format!("{alias} waits\n") }
    }

    /// `join a g ..`; `join a` joins again as before, with what is said anew.
    fn join(&mut self, lab: &mut Lab, words: &mut Words<'_>) -> String {
        let alias = words.plain[0];
        let known = self.members.get(alias).cloned();
        let new = || {
            let request = JoinGroupRequest {
                session_timeout_ms: 10_000,
                rebalance_timeout_ms: 10_000,
                protocol_type: PROTOCOL_TYPE.into(),
                ..JoinGroupRequest::default()
            };
            Member { request, version: 9, generation: -1, protocol: None, takes_id: true }
        };
        let mut member = known.unwrap_or_else(new);
        let rest: Vec<&str> = words.plain[1..].iter().copied().filter(|word| *word != "once").collect();
        member.takes_id = rest.len() + 1 == words.plain.len();
        let request = &mut member.request;
        if let Some(group) = rest.first() {
            request.group_id = Arc::from(*group);
        }
        let ms = |text: &str| i32::try_from(duration(text).as_millis()).unwrap();
        if let Some(text) = words.named.remove("session") {
            request.session_timeout_ms = ms(text);
        }
        if let Some(text) = words.named.remove("rebalance") {
            request.rebalance_timeout_ms = ms(text);
        }
        if let Some(id) = words.named.remove("id") {
            request.member_id = id.into();
        }
        if let Some(kind) = words.named.remove("type") {
            request.protocol_type = kind.into();
        }
        request.group_instance_id =
            words.take::<String>("instance").map(Arc::from).or(request.group_instance_id.take());
        let (topics, protocols) = (words.named.remove("topics"), words.named.remove("protocols"));
        if request.protocols.is_empty() || topics.is_some() || protocols.is_some() {
            request.protocols = protocols_of(protocols.unwrap_or("range"), topics.unwrap_or("t"));
        }
        member.version = words.take("version").unwrap_or(member.version);
        let to = asked(lab, words, &member.request.group_id.clone());
        self.members.insert(alias.to_owned(), member.clone());
        self.send(lab, alias, to, member.version, member.request)
    }

    /// `beat a g ..`; `beat a` as a member of KIP-848 that has nothing new to say.
    fn beat(&mut self, lab: &mut Lab, words: &mut Words<'_>) -> String {
        let alias = words.plain[0];
        epoch_script::learn(&mut self.topics, lab);
        let new = || epoch_script::Member::new(alias, words);
        let mut member = self.consumers.get(alias).cloned().unwrap_or_else(new);
        member.version = words.take("version").unwrap_or(member.version);
        let request = member.request(words, &self.topics);
        let (version, to) = (member.version, asked(lab, words, &request.group_id));
        self.consumers.insert(alias.to_owned(), member);
        self.send(lab, alias, to, version, request)
    }

    /// A member, with the generation and the id that a command says instead of its own. One of KIP-848 may say what a classic
    /// one says, too.
    fn member(&self, words: &mut Words<'_>) -> Member {
        let consumer = self.consumers.get(words.plain[0]).map(as_classic);
        let known = consumer.or_else(|| self.members.get(words.plain[0]).cloned());
        let mut member = known.unwrap_or_else(|| panic!("no {}", words.plain[0]));
        member.generation = words.take("generation").unwrap_or(member.generation);
        if let Some(id) = words.named.remove("id") {
            member.request.member_id = id.into();
        }
        member
    }

    fn knows(&self, alias: &str) -> bool {
        self.members.contains_key(alias) || self.consumers.contains_key(alias)
    }

    fn sync(&mut self, lab: &mut Lab, words: &mut Words<'_>) -> String {
        let Member { request: join, generation, protocol, .. } = self.member(words);
        let to = asked(lab, words, &join.group_id);
        let protocol_name = words.named.remove("protocol").map_or(protocol, |name| Some(name.into()));
        let version = words.take("version").unwrap_or(5);
        let assignment = |(alias, partitions): (&&str, &&str)| SyncGroupRequestAssignment {
            member_id: Arc::clone(&self.members[*alias].request.member_id),
            assignment: assignment(partitions),
        };
        let request = SyncGroupRequest {
            group_id: join.group_id,
            generation_id: generation,
            member_id: join.member_id,
            group_instance_id: join.group_instance_id,
            protocol_type: Some(join.protocol_type),
            protocol_name: protocol_name.filter(|name| !name.is_empty()),
            assignments: words.named.iter().map(assignment).collect(),
        };
        self.send(lab, words.plain[0], to, version, request)
    }

    fn heartbeat(&mut self, lab: &mut Lab, words: &mut Words<'_>) -> String {
        let Member { request: join, generation, .. } = self.member(words);
        let to = asked(lab, words, &join.group_id);
        let request = HeartbeatRequest {
            group_id: join.group_id,
            generation_id: generation,
            member_id: join.member_id,
            group_instance_id: join.group_instance_id,
        };
        self.send(lab, words.plain[0], to, 4, request)
    }

    /// `leave a`, or `leave g instance=x` as an operator.
    fn leave(&mut self, lab: &mut Lab, words: &mut Words<'_>) -> String {
        let (group_id, member) = if self.knows(words.plain[0]) {
            let Member { request: join, .. } = self.member(words);
            let group_instance_id = join.group_instance_id;
            (join.group_id, MemberIdentity { member_id: join.member_id, group_instance_id, reason: None })
        } else {
            let group_instance_id = words.named.remove("instance").map(Arc::from);
            let member_id = words.named.remove("id").unwrap_or_default().into();
            (words.plain[0].into(), MemberIdentity { member_id, group_instance_id, reason: None })
        };
        let to = asked(lab, words, &group_id);
        let request = LeaveGroupRequest { group_id, members: vec![member], ..LeaveGroupRequest::default() };
        self.send(lab, words.plain[0], to, 5, request)
    }

    /// `commit a t-0=5@note` as a member, `commit g t-0=5` as somebody outside.
    fn commit(&mut self, lab: &mut Lab, words: &mut Words<'_>) -> String {
        let outside = Member {
            request: JoinGroupRequest { group_id: words.plain[0].into(), ..JoinGroupRequest::default() },
            version: 9,
            generation: -1,
            protocol: None,
            takes_id: false,
        };
        let mut member = if self.knows(words.plain[0]) { self.member(words) } else { outside };
        member.generation = words.take("generation").unwrap_or(member.generation);
        let to = asked(lab, words, &member.request.group_id);
        let version = words.take("version").unwrap_or(9);
        let ms = |text: &str| i64::try_from(duration(text).as_millis()).unwrap();
        let retention_time_ms = words.named.remove("retention").map_or(-1, ms);
        let topic = |(id, text): (&&str, &&str)| {
            let (id, (offset, note)) = (partition(id), text.split_once('@').unwrap_or((text, "")));
            let partition = OffsetCommitRequestPartition {
                partition_index: id.partition,
                committed_offset: offset.parse().unwrap(),
                committed_metadata: Some(note.into()),
                ..OffsetCommitRequestPartition::default()
            };
            OffsetCommitRequestTopic { name: id.topic, partitions: vec![partition] }
        };
        let request = OffsetCommitRequest {
            group_id: member.request.group_id,
            generation_id_or_member_epoch: member.generation,
            member_id: member.request.member_id,
            group_instance_id: member.request.group_instance_id,
            retention_time_ms,
            topics: words.named.iter().map(topic).collect(),
        };
        self.send(lab, words.plain[0], to, version, request)
    }
}

/// A member of KIP-848 as one that speaks the classic protocol: its epoch is the generation.
fn as_classic(member: &epoch_script::Member) -> Member {
    let ConsumerGroupHeartbeatRequest { group_id, member_id, instance_id, .. } = member.joins.clone();
    let request = JoinGroupRequest {
        group_id,
        member_id,
        group_instance_id: instance_id,
        protocol_type: PROTOCOL_TYPE.into(),
        ..Default::default()
    };
    Member { request, version: 9, generation: member.epoch, protocol: Some("range".into()), takes_id: false }
}

/// What a consumer tells each of its assignors.
fn protocols_of(names: &str, topics: &str) -> Vec<JoinGroupRequestProtocol> {
    let topics = topics.split(',').map(Arc::from).collect();
    let subscription = ConsumerProtocolSubscription { topics, ..ConsumerProtocolSubscription::default() };
    let metadata = subscription.to_bytes(ConsumerProtocolSubscription::NEWEST);
    let one = |name: &str| JoinGroupRequestProtocol { name: name.into(), metadata: metadata.clone() };
    names.split(',').filter(|name| !name.is_empty()).map(one).collect()
}

/// `t-0,t-1` as a leader says it; nothing as no bytes.
fn assignment(partitions: &str) -> bytes::Bytes {
    let mut topics: BTreeMap<Arc<str>, Vec<i32>> = BTreeMap::new();
    for id in partitions.split(',').filter(|text| !text.is_empty()).map(partition) {
        topics.entry(id.topic).or_default().push(id.partition);
    }
    let of = |(topic, partitions)| consumer_protocol::TopicPartition { topic, partitions };
    let assigned_partitions = topics.into_iter().map(of).collect();
    ConsumerProtocolAssignment { assigned_partitions, user_data: None }.to_bytes(ConsumerProtocolAssignment::NEWEST)
}

fn assigned(bytes: &bytes::Bytes) -> String {
    let read = ConsumerProtocolAssignment::from_bytes(bytes).unwrap_or_default();
    let all = read.assigned_partitions.iter().flat_map(|topic| {
        topic.partitions.iter().map(move |partition| TopicPartition::new(Arc::clone(&topic.topic), *partition))
    });
    named(&all.collect::<Vec<_>>())
}

pub(super) fn named(partitions: &[TopicPartition]) -> String {
    let all: Vec<_> = partitions.iter().map(ToString::to_string).collect();
    if all.is_empty() { "nothing".into() } else { all.join(" ") }
}

/// What comes of a join with the id `asked`. A refusal names the member again, as a rule.
fn joined(answer: &JoinGroupResponse, asked: &str) -> String {
    if !answer.error_code.is_ok() {
        let unnamed = if answer.member_id.is_empty() && !asked.is_empty() { ", to nobody" } else { "" };
        return why(answer.error_code, None) + unnamed;
    }
    let members: Vec<&str> = answer.members.iter().map(|member| &*member.member_id).collect();
    let protocol = answer.protocol_name.as_deref().unwrap_or("no protocol");
    let mut out = format!("joined generation {}, {protocol}, led by {}", answer.generation_id, answer.leader);
    if !members.is_empty() {
        write!(out, ", assigns for {}", members.join(" ")).unwrap();
    }
    if answer.skip_assignment {
        out.push_str(", skips the assignment");
    }
    out
}

/// The partition that keeps a group, once `coordinator` has had the topic made.
fn partition_of(lab: &Lab, group: &str) -> TopicPartition {
    let exists = |partition: &i32| state(lab, &TopicPartition::new(CONSUMER_OFFSETS, *partition)).is_some();
    let partitions = i32::try_from((0..1_000).take_while(exists).count()).unwrap();
    assert!(partitions > 0, "`coordinator {group}` comes first");
    TopicPartition::new(CONSUMER_OFFSETS, java_hash(group).checked_abs().unwrap_or(0) % partitions)
}

fn leader_of(lab: &Lab, group: &str) -> Option<BrokerId> {
    state(lab, &partition_of(lab, group))?.leader
}

/// Whom a command asks: `to=`, or the coordinator.
fn asked(lab: &Lab, words: &mut Words<'_>, group: &str) -> Option<BrokerId> {
    words.take("to").map(BrokerId).or_else(|| leader_of(lab, group))
}

/// Asks whoever is named, or a group's coordinator, and waits for the answer.
fn ask(lab: &mut Lab, words: &mut Words<'_>, group: &str, version: i16, request: impl Into<Request>) -> Option<Answer> {
    let broker = asked(lab, words, group)?;
    let ticket = lab.command(Command::Ask { broker, version, request: request.into() });
    let end = lab.now() + Duration::from_secs(5);
    lab.run_until(end, |lab| lab.answer(ticket).is_some());
    lab.answer(ticket).cloned()
}

/// `coordinator g h`: asks the controller, or whom `to=` says.
fn coordinator(lab: &mut Lab, words: &mut Words<'_>) -> String {
    let broker: i32 = words.take("to").or_else(|| lab.controller()).expect("no controller: say to=");
    let coordinator_keys = words.plain.iter().map(|group| Arc::from(*group)).collect();
    let request = FindCoordinatorRequest { coordinator_keys, ..FindCoordinatorRequest::default() };
    let Response::FindCoordinator(answer) = lab.ask(broker, 6, request) else { panic!() };
    let one = |found: &kscope::protocol::find_coordinator::Coordinator| match found.error_code {
        ErrorCode::NONE => format!("{}: broker-{}", found.key, found.node_id),
        error => format!("{}: {}", found.key, why(error, found.error_message.as_deref())),
    };
    answer.coordinators.iter().map(one).collect::<Vec<_>>().join("\n")
}

/// `offsets g [t-0]`: all of them, or of partitions.
fn offsets(lab: &mut Lab, words: &mut Words<'_>) -> String {
    let wanted = words.plain[1..].iter().map(|text| partition(text));
    let wanted: Vec<_> =
        wanted.map(|id| OffsetFetchRequestTopics { name: id.topic, partition_indexes: vec![id.partition] }).collect();
    let group = OffsetFetchRequestGroup {
        group_id: words.plain[0].into(),
        topics: Some(wanted).filter(|wanted| !wanted.is_empty()),
        ..OffsetFetchRequestGroup::default()
    };
    let request = OffsetFetchRequest { groups: vec![group], ..OffsetFetchRequest::default() };
    said(ask(lab, words, words.plain[0], 9, request), |response| {
        let Response::OffsetFetch(answer) = response else { panic!("{response:?}") };
        let group = &answer.groups[0];
        if !group.error_code.is_ok() {
            return why(group.error_code, None);
        }
        let all = group.topics.iter().flat_map(|topic| topic.partitions.iter().map(move |p| (&topic.name, p)));
        let all = all.map(|(topic, p)| {
            let note = p.metadata.as_deref().filter(|note| !note.is_empty()).map(|note| format!("@{note}"));
            format!("{topic}-{}={}{}", p.partition_index, p.committed_offset, note.unwrap_or_default())
        });
        let all: Vec<_> = all.collect();
        if all.is_empty() { "none".into() } else { all.join(" ") }
    })
}

/// `delete-offsets g t-0 t-1`.
fn delete_offsets(lab: &mut Lab, words: &mut Words<'_>) -> String {
    let topics = words.plain[1..].iter().map(|text| partition(text)).map(|id| OffsetDeleteRequestTopic {
        name: id.topic,
        partitions: vec![OffsetDeleteRequestPartition { partition_index: id.partition }],
    });
    let request = OffsetDeleteRequest { group_id: words.plain[0].into(), topics: topics.collect() };
    said(ask(lab, words, words.plain[0], 0, request), |response| {
        let Response::OffsetDelete(answer) = response else { panic!("{response:?}") };
        if !answer.error_code.is_ok() {
            return why(answer.error_code, None);
        }
        let all = answer.topics.iter().flat_map(|topic| topic.partitions.iter().map(move |p| (&topic.name, p)));
        let all = all.map(|(topic, p)| format!("{topic}-{}: {}", p.partition_index, why(p.error_code, None)));
        all.collect::<Vec<_>>().join("\n")
    })
}

fn delete_group(lab: &mut Lab, words: &mut Words<'_>) -> String {
    let request = DeleteGroupsRequest { groups_names: vec![words.plain[0].into()] };
    said(ask(lab, words, words.plain[0], 2, request), |response| {
        let Response::DeleteGroups(answer) = response else { panic!("{response:?}") };
        why(answer.results[0].error_code, None)
    })
}

/// `group g`: what `DescribeGroups` says, and beside it what only the coordinator knows.
fn describe(lab: &mut Lab, words: &mut Words<'_>) -> String {
    let id = words.plain[0];
    let request = DescribeGroupsRequest { groups: vec![id.into()], ..DescribeGroupsRequest::default() };
    let answer = ask(lab, words, id, 5, request);
    let known = leader_of(lab, id).and_then(|leader| lab.cluster.broker(leader)).and_then(BrokerNode::running);
    let known: Option<&Group> = known.and_then(|broker| broker.groups().groups().find(|g| &*g.id == id)).map(|g| &**g);
    said(answer, |response| {
        let Response::DescribeGroups(answer) = response else { panic!("{response:?}") };
        let group = &answer.groups[0];
        if !group.error_code.is_ok() {
            return why(group.error_code, None);
        }
        let mut out = group.group_state.to_string();
        if let Some(known) = known.and_then(Group::classic) {
            write!(out, ", generation {}", known.generation()).unwrap();
            let leader = known.leader().map(|leader| format!(", led by {leader}"));
            out.push_str(&leader.unwrap_or_default());
        }
        if !group.protocol_data.is_empty() {
            write!(out, ", {}", group.protocol_data).unwrap();
        }
        for member in &group.members {
            let instance = member.group_instance_id.as_ref().map(|id| format!(" ({id})")).unwrap_or_default();
            write!(out, "\n{}{instance}", member.member_id).unwrap();
            if &*group.group_state == "Stable" {
                write!(out, ": {}", assigned(&member.member_assignment)).unwrap();
            }
        }
        out
    })
}

/// `consumer-group g`: what `ConsumerGroupDescribe` says.
fn describe_consumers(lab: &mut Lab, words: &mut Words<'_>) -> String {
    let request = ConsumerGroupDescribeRequest { group_ids: vec![words.plain[0].into()], ..Default::default() };
    said(ask(lab, words, words.plain[0], 1, request), |response| {
        let Response::ConsumerGroupDescribe(answer) = response else { panic!("{response:?}") };
        epoch_script::described(&answer.groups[0])
    })
}

/// `groups [state=Stable] to=2`: those that a broker coordinates; without `to=` of all that live.
fn list(lab: &mut Lab, words: &mut Words<'_>) -> String {
    let states_filter: Vec<Arc<str>> = words.named.remove("state").map(Arc::from).into_iter().collect();
    let alive = lab.cluster.brokers().filter(|(_, node)| node.running().is_some()).map(|(id, _)| id.0).collect();
    let brokers: Vec<i32> = words.take("to").map_or(alive, |id| vec![id]);
    let mut out = String::new();
    for broker in brokers {
        let request = ListGroupsRequest { states_filter: states_filter.clone(), ..ListGroupsRequest::default() };
        let Response::ListGroups(answer) = lab.ask(broker, 5, request) else { panic!() };
        if !answer.error_code.is_ok() {
            writeln!(out, "broker-{broker}: {}", why(answer.error_code, None)).unwrap();
        }
        for group in &answer.groups {
            let kind = if group.protocol_type.is_empty() { "no members so far" } else { &*group.protocol_type };
            let (id, state) = (&group.group_id, &group.group_state);
            writeln!(out, "broker-{broker}: {id} {state} ({}, {kind})", group.group_type).unwrap();
        }
    }
    out
}

/// `records g [at=2]`: what the group's partition of `__consumer_offsets` keeps, at the coordinator or at a broker.
fn records(lab: &mut Lab, words: &mut Words<'_>, topics: &Names) -> String {
    let id = partition_of(lab, words.plain[0]);
    let at = words.take("at").map(BrokerId).or_else(|| leader_of(lab, words.plain[0])).expect("a leader");
    let broker = lab.cluster.broker(at).and_then(BrokerNode::running).expect("a broker that runs");
    let Some(replica) = broker.replicas.get(&id) else { return "no log".into() };
    let batches = replica.log.batches_from(replica.log.log_start_offset());
    let all = batches.flat_map(|batch| records_of(&batch.header, &batch.body).unwrap());
    let line = |record: kscope::protocol::records::Record| {
        let read = GroupRecord::decode(&record.key.unwrap(), record.value.as_ref()).unwrap();
        format!("{}: {}", record.offset, kept(&read, topics))
    };
    let lines: Vec<String> = all.map(line).collect();
    if lines.is_empty() { "empty".into() } else { lines.join("\n") }
}

fn kept(record: &GroupRecord, topics: &Names) -> String {
    match record {
        GroupRecord::OffsetCommit { key, value } => {
            let value = value.as_ref().map_or("forgotten".into(), |value| value.offset.to_string());
            format!("{} {}-{} {value}", key.group, key.topic, key.partition)
        }
        GroupRecord::GroupMetadata { key, value: None } => format!("{} gone", key.group),
        GroupRecord::GroupMetadata { key, value: Some(GroupMetadataValue { generation, members, .. }) } => {
            let of = |member: &kscope::protocol::group_records::MemberMetadata| {
                format!(", {}: {}", member.member_id, assigned(&member.assignment))
            };
            format!("{} generation {generation}{}", key.group, members.iter().map(of).collect::<String>())
        }
        other => other.text(&|id| topics.get(&id).map_or("?".into(), Arc::clone)),
    }
}

/// What happened to a group.
pub(super) fn event(event: &GroupEvent) -> String {
    let list = |ids: &[Arc<str>]| ids.iter().map(|id| &**id).collect::<Vec<_>>().join(" ");
    match event {
        GroupEvent::Loading { partition } => format!("reads {CONSUMER_OFFSETS}-{partition}"),
        GroupEvent::Loaded { partition, groups, offsets, records } => {
            let found = format!("{} groups, {offsets} offsets in {records} records", groups.len());
            format!("has read {CONSUMER_OFFSETS}-{partition}: {found}")
        }
        GroupEvent::Unloaded { partition, groups } => {
            format!("gives {CONSUMER_OFFSETS}-{partition} up: {} groups", groups.len())
        }
        GroupEvent::RebalanceBegan { group, generation, why } => {
            let why = match why {
                Why::Joins(member) => format!("{member} joins"),
                Why::Rejoins { member, reason } if reason.is_empty() => format!("{member} joins again"),
                Why::Rejoins { member, reason } => format!("{member} joins again: {reason}"),
                Why::Gone(member, gone) => format!("{member} is gone ({gone:?})"),
                Why::NoSync(members) => format!("no sync from {}", list(members)),
                other @ (Why::Subscribes(_) | Why::TopicsChanged) => format!("{other:?}"),
                Why::NotKept(error) => format!("the assignment was not kept: {error}"),
            };
            format!("{group} rebalances after generation {generation}: {why}")
        }
        GroupEvent::GenerationFormed { group, generation, protocol, leader, members } => {
            format!("{group} forms generation {generation} of {}, {protocol}, led by {leader}", list(members))
        }
        GroupEvent::Assigned { group, generation, assignment } => {
            format!("{group} is stable at generation {generation}: {}", shares(assignment))
        }
        GroupEvent::MemberGone { group, member, why } => format!("{member} is gone from {group} ({why:?})"),
        GroupEvent::MemberReplaced { group, instance, old, new } => {
            format!("{new} takes the place of {old} as {instance} of {group}")
        }
        GroupEvent::Emptied { group, generation } => format!("{group} is empty at generation {generation}"),
        GroupEvent::Removed { group } => format!("{group} is forgotten"),
        GroupEvent::OffsetsRemoved { group, partitions, why } => {
            format!("{group} forgets its offsets of {} ({why:?})", named(partitions))
        }
        GroupEvent::Consumer { group, event } => epoch_script::event(group, event),
        GroupEvent::WriteFailed { group, error } => format!("the log did not take what {group} is: {error}"),
    }
}

fn shares(assignment: &Assignment) -> String {
    let one = |(member, partitions): &(Arc<str>, Vec<TopicPartition>)| format!("{member} {}", named(partitions));
    assignment.iter().map(one).collect::<Vec<_>>().join(", ")
}
