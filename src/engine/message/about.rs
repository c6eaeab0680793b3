//! What a message is about, in a few words: the znode that is read or written, the partitions that a broker is told of.
//! For those who read chains of causes; nothing is decided by it.

use super::Payload;
use crate::engine::zk::message::{ClientMessage, ServerMessage};
use crate::engine::zk::op::{Op, Write};
use crate::engine::zk::txn::{Change, Txn};
use crate::engine::zk::zab::{PeerMessage, ToFollower, ToLeader};
use crate::protocol::Request;

/// How many partitions are named; more are counted.
const NAMED: usize = 3;

impl Payload {
    /// What it is about, where its name does not say it all.
    pub fn about(&self) -> Option<String> {
        match self {
            Self::Request(request) => of_request(&request.request),
            Self::Zk(ClientMessage::Request { op, .. }) => of_op(op),
            Self::ZkPeer(message) => of_peer(message),
            Self::ZkReply(ServerMessage::Watch(event)) => Some(format!("{} {}", event.path, event.kind.word())),
            _ => None,
        }
    }
}

fn of_peer(message: &PeerMessage) -> Option<String> {
    match message {
        PeerMessage::Vote(heard) => Some(format!("for {}", heard.vote.leader)),
        PeerMessage::ToLeader { message: ToLeader::Request { op, .. }, .. } => of_op(op),
        PeerMessage::ToLeader { message: ToLeader::Ack { zxid }, .. }
        | PeerMessage::ToFollower { message: ToFollower::Commit { zxid, .. }, .. } => Some(zxid.pair()),
        PeerMessage::ToFollower { message: ToFollower::Proposal(txn), .. } => Some(of_txn(txn)),
        _ => None,
    }
}

/// `2:2a4 setData /controller_epoch`.
fn of_txn(txn: &Txn) -> String {
    let changes = txn.body.changes();
    let mut written = changes.iter().filter_map(Change::path);
    let path = written.next().map(|path| format!(" {path}{}", and_more(written.count())));
    format!("{} {}{}", txn.zxid.pair(), txn.body.name(), path.unwrap_or_default())
}

fn of_op(op: &Op) -> Option<String> {
    match op {
        Op::Write(write) => Some(write.path().to_string()),
        Op::GetData { path, .. } | Op::Exists { path, .. } | Op::GetChildren { path, .. } => Some(path.to_string()),
        Op::Multi(writes) => {
            // What it only checks is the condition, not what it is for.
            let mut changes = writes.iter().filter(|write| !matches!(write, Write::Check { .. }));
            let first = changes.next()?;
            Some(format!("{} {}{}", first.name(), first.path(), and_more(changes.count())))
        }
        Op::Sync | Op::SetWatches(_) => None,
    }
}

fn of_request(request: &Request) -> Option<String> {
    match request {
        Request::LeaderAndIsr(request) => {
            partitions(request.topic_states.iter().flat_map(|topic| {
                topic.partition_states.iter().map(|state| (&*topic.topic_name, state.partition_index))
            }))
        }
        Request::UpdateMetadata(request) => {
            partitions(request.topic_states.iter().flat_map(|topic| {
                topic.partition_states.iter().map(|state| (&*topic.topic_name, state.partition_index))
            }))
        }
        Request::StopReplica(request) => {
            partitions(request.topic_states.iter().flat_map(|topic| {
                topic.partition_states.iter().map(|state| (&*topic.topic_name, state.partition_index))
            }))
        }
        Request::ControlledShutdown(request) => Some(format!("broker-{}", request.broker_id)),
        _ => None,
    }
}

/// Partitions by name, the first few; none where there are none.
fn partitions<'a>(all: impl Iterator<Item = (&'a str, i32)>) -> Option<String> {
    let mut all = all.map(|(topic, partition)| format!("{topic}-{partition}"));
    let named: Vec<String> = all.by_ref().take(NAMED).collect();
    (!named.is_empty()).then(|| format!("{}{}", named.join(" "), and_more(all.count())))
}

fn and_more(count: usize) -> String {
    if count == 0 { String::new() } else { format!(" and {count} more") }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asks(op: impl Into<Op>) -> Option<String> {
        Payload::Zk(ClientMessage::Request { xid: 1, op: op.into() }).about()
    }

    #[test]
    fn a_multi_is_about_what_it_changes_and_not_about_what_it_checks() {
        let writes = vec![
            Write::check("/controller_epoch", 3),
            Write::set("/brokers/topics/t/partitions/0/state", "", 1),
            Write::set("/brokers/topics/t/partitions/1/state", "", 1),
            Write::delete("/admin/x", 1),
        ];
        let said = asks(Op::Multi(writes));
        assert_eq!(said.as_deref(), Some("setData /brokers/topics/t/partitions/0/state and 2 more"));
        assert_eq!(asks(Op::Multi(vec![Write::check("/controller_epoch", 3)])), None);
        assert_eq!(asks(Op::children("/brokers/ids")).as_deref(), Some("/brokers/ids"));
    }

    #[test]
    fn a_few_partitions_are_named_and_the_others_counted() {
        let all = |count: i32| partitions((0..count).map(|partition| ("t", partition)));
        assert_eq!(all(0), None);
        assert_eq!(all(2).as_deref(), Some("t-0 t-1"));
        assert_eq!(all(5).as_deref(), Some("t-0 t-1 t-2 and 2 more"));
    }
}
