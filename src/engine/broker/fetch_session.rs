//! Incremental fetch sessions (KIP-227): a client names its partitions once, and hears only of those that have news.
//! Kafka's `FetchSession` and `FetchManager`.

use std::collections::BTreeMap;
use std::sync::Arc;

use uuid::Uuid;

use crate::engine::replica::TopicPartition;
use crate::protocol::ErrorCode;
use crate::protocol::fetch::{FetchPartition, ForgottenTopic, PartitionData};

/// The epoch of a request that wants no session, or ends one.
pub(crate) const FINAL_EPOCH: i32 = -1;
/// The epoch of a request that begins a session.
pub(crate) const INITIAL_EPOCH: i32 = 0;

/// A partition that a fetch is about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Wanted {
    /// Which; the topic's name is empty where its id is not known here.
    pub(crate) id: TopicPartition,
    /// The topic's id, from version 13 on.
    pub(crate) topic_id: Uuid,
    /// From where and how much.
    pub(crate) fetch: FetchPartition,
}

/// What a client was last told of a partition.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Told {
    high_watermark: i64,
    log_start_offset: i64,
    error: ErrorCode,
}

#[derive(Clone, Debug)]
struct Cached {
    wanted: Wanted,
    told: Option<Told>,
}

#[derive(Clone, Debug)]
struct Session {
    /// The epoch that the next request must carry.
    epoch: i32,
    /// By topic id (or name, before version 13) and partition.
    partitions: BTreeMap<(Uuid, Arc<str>, i32), Cached>,
    /// The order of the next answer: who was served goes to the end, so that none starves behind a busy one.
    order: Vec<(Uuid, Arc<str>, i32)>,
    used: u64,
}

/// The sessions of a broker.
#[derive(Clone, Debug, Default)]
pub(super) struct FetchSessions {
    sessions: BTreeMap<i32, Session>,
    next_id: i32,
    clock: u64,
}

fn key(wanted: &Wanted) -> (Uuid, Arc<str>, i32) {
    // With an id the name may be learned later; it is no part of the key then.
    let name = if wanted.topic_id.is_nil() { Arc::clone(&wanted.id.topic) } else { Arc::from("") };
    (wanted.topic_id, name, wanted.id.partition)
}

impl FetchSessions {
    /// Begins a session over `wanted`; 0 where sessions are switched off (`slots` is 0). The one unused longest makes room.
    pub(super) fn begin(&mut self, wanted: &[Wanted], slots: usize) -> i32 {
        if slots == 0 {
            return 0;
        }
        while self.sessions.len() >= slots {
            let Some(oldest) = self.sessions.iter().min_by_key(|(_, s)| s.used).map(|(id, _)| *id) else { break };
            self.sessions.remove(&oldest);
        }
        self.clock += 1;
        self.next_id = self.next_id.checked_add(1).unwrap_or(1);
        let order = wanted.iter().map(key).collect();
        let partitions =
            wanted.iter().map(|wanted| (key(wanted), Cached { wanted: wanted.clone(), told: None })).collect();
        self.sessions.insert(self.next_id, Session { epoch: 1, partitions, order, used: self.clock });
        self.next_id
    }

    /// Ends a session.
    pub(super) fn end(&mut self, id: i32) {
        self.sessions.remove(&id);
    }

    /// A request within a session: takes up what it changes and returns all that the session is about.
    pub(super) fn go_on(
        &mut self,
        id: i32,
        epoch: i32,
        changed: Vec<Wanted>,
        forgotten: &[ForgottenTopic],
    ) -> Result<Vec<Wanted>, ErrorCode> {
        self.clock += 1;
        let session = self.sessions.get_mut(&id).ok_or(ErrorCode::FETCH_SESSION_ID_NOT_FOUND)?;
        if epoch != session.epoch {
            return Err(ErrorCode::INVALID_FETCH_SESSION_EPOCH);
        }
        session.used = self.clock;
        session.epoch = session.epoch.checked_add(1).unwrap_or(1);
        for wanted in changed {
            let key = key(&wanted);
            if let Some(cached) = session.partitions.get_mut(&key) {
                cached.wanted = wanted;
            } else {
                session.order.push(key.clone());
                session.partitions.insert(key, Cached { wanted, told: None });
            }
        }
        for topic in forgotten {
            let gone = |(id, name, partition): &(Uuid, Arc<str>, i32)| {
                *id == topic.topic_id && *name == topic.topic && topic.partitions.contains(partition)
            };
            session.order.retain(|key| !gone(key));
            session.partitions.retain(|key, _| !gone(key));
        }
        Ok(session.order.iter().filter_map(|key| session.partitions.get(key)).map(|c| c.wanted.clone()).collect())
    }

    /// Whether the client of the session must hear `data`: there are records, an error, or something it was told moved.
    /// What it hears is remembered. A session that has ended meanwhile lets everything through.
    pub(super) fn is_news(&mut self, id: i32, wanted: &Wanted, data: &PartitionData) -> bool {
        let Some(session) = self.sessions.get_mut(&id) else { return true };
        let key = key(wanted);
        let Some(cached) = session.partitions.get_mut(&key) else { return true };
        let told = Told {
            high_watermark: data.high_watermark,
            log_start_offset: data.log_start_offset,
            error: data.error_code,
        };
        let has_records = data.records.as_ref().is_some_and(|records| !records.is_empty());
        let news = has_records
            || !data.error_code.is_ok()
            || data.diverging_epoch.end_offset >= 0
            || data.preferred_read_replica >= 0
            || cached.told != Some(told);
        cached.told = Some(told);
        if has_records && let Some(at) = session.order.iter().position(|k| *k == key) {
            let key = session.order.remove(at);
            session.order.push(key);
        }
        news
    }

    /// The partition's topic was not known by its id when the session began: its name, once it is.
    pub(super) fn learn_names(wanted: &mut [Wanted], name_of: impl Fn(Uuid) -> Option<Arc<str>>) {
        for wanted in wanted.iter_mut().filter(|wanted| wanted.id.topic.is_empty()) {
            if let Some(name) = name_of(wanted.topic_id) {
                wanted.id.topic = name;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wanted(partition: i32) -> Wanted {
        Wanted { id: TopicPartition::new("t", partition), topic_id: Uuid::nil(), fetch: FetchPartition::default() }
    }

    #[test]
    fn a_session_remembers_what_it_is_about_and_counts_its_requests() {
        let mut sessions = FetchSessions::default();
        let id = sessions.begin(&[wanted(0), wanted(1)], 10);
        assert_eq!(sessions.go_on(id, 1, vec![wanted(2)], &[]).unwrap().len(), 3);
        assert_eq!(sessions.go_on(id, 1, vec![], &[]), Err(ErrorCode::INVALID_FETCH_SESSION_EPOCH));
        let forgotten = ForgottenTopic { topic: "t".into(), partitions: vec![0, 1], ..ForgottenTopic::default() };
        assert_eq!(sessions.go_on(id, 2, vec![], &[forgotten]).unwrap(), [wanted(2)]);
        sessions.end(id);
        assert_eq!(sessions.go_on(id, 3, vec![], &[]), Err(ErrorCode::FETCH_SESSION_ID_NOT_FOUND));
    }

    #[test]
    fn only_news_is_told() {
        let mut sessions = FetchSessions::default();
        let id = sessions.begin(&[wanted(0)], 10);
        let data = |high_watermark| PartitionData { high_watermark, ..PartitionData::default() };
        assert!(sessions.is_news(id, &wanted(0), &data(5)), "the first answer tells everything");
        assert!(!sessions.is_news(id, &wanted(0), &data(5)));
        assert!(sessions.is_news(id, &wanted(0), &data(6)));
    }

    #[test]
    fn the_session_unused_longest_makes_room() {
        let mut sessions = FetchSessions::default();
        let first = sessions.begin(&[wanted(0)], 2);
        let second = sessions.begin(&[wanted(0)], 2);
        sessions.go_on(first, 1, vec![], &[]).unwrap();
        let third = sessions.begin(&[wanted(0)], 2);
        assert!(sessions.go_on(second, 1, vec![], &[]).is_err());
        assert!(sessions.go_on(first, 2, vec![], &[]).is_ok());
        assert!(sessions.go_on(third, 1, vec![], &[]).is_ok());
    }
}
