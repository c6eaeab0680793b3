//! Built-in clients that come and go while the lab runs.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use super::{Cluster, Outside};
use crate::engine::client::{Client, ClientSpec, Consumer, Departed};
use crate::engine::context::Cause;
use crate::engine::event::{ClientEvent, EventKind};
use crate::engine::message::{Answer, By, Payload};
use crate::engine::node::{BrokerId, ClientId, NodeId};

/// How many members of groups that have ended are kept as they were, the newest.
pub const MAX_ENDED: usize = 64;

/// Which clients there were. Nobody starts one again that has ended.
#[derive(Clone, Debug, Default)]
pub(super) struct Roll {
    /// The number that was given last.
    last: u32,
    /// Members of groups that have ended and are kept, the oldest first.
    ended: VecDeque<ClientId>,
    /// What those before them left, by group.
    departed: BTreeMap<Arc<str>, Arc<Departed>>,
}

impl Roll {
    /// A number that nobody had.
    pub(super) fn next_id(&mut self) -> ClientId {
        self.last += 1;
        ClientId(self.last)
    }
}

impl Cluster {
    /// What the members of a group left that have ended and are not kept one by one any more.
    pub fn departed(&self, group: &str) -> Option<&Departed> {
        self.roll.departed.get(group).map(Arc::as_ref)
    }

    /// Takes down that a member of a group has ended, if it has; the oldest of those that have is not kept any longer then.
    pub(super) fn note_end(&mut self, id: ClientId) {
        let member = |client: &Client| client.as_consumer().is_some_and(|consumer| consumer.membership().is_some());
        if !self.clients.get(&id).is_some_and(|client| !client.runs() && member(client)) {
            return;
        }
        self.roll.ended.push_back(id);
        if self.roll.ended.len() <= MAX_ENDED {
            return;
        }
        let Some(oldest) = self.roll.ended.pop_front() else { return };
        let Some(client) = self.clients.remove(&oldest) else { return };
        self.turn.forget(NodeId::Client(oldest));
        if let Some(member) = client.as_consumer().and_then(Consumer::membership) {
            let departed = self.roll.departed.entry(Arc::clone(&member.spec().id)).or_default();
            Arc::make_mut(departed).take_in(&client);
        }
    }

    /// Starts another client. Its number is the next one, and no number is given twice.
    pub(super) fn add_client(&mut self, spec: &ClientSpec, by: By, outside: &mut Outside<'_>) -> Answer {
        if self.clients.values().any(|client| client.name() == &spec.name && client.runs()) {
            return Answer::Refused(format!("there is a client {} already", spec.name));
        }
        if let Err(why) = spec.check() {
            return Answer::Refused(why);
        }
        let id = self.roll.next_id();
        let brokers: Vec<BrokerId> = self.config.broker_ids().collect();
        self.clients.insert(id, Arc::new(Client::new(id, spec.clone(), brokers)));
        let event = self.say_of(id, ClientEvent::Started { by });
        self.with_client(id, Cause::event(event), outside, Client::start);
        Answer::Done
    }

    /// Has a client end in order: a consumer commits and leaves its group.
    pub(super) fn close_client(&mut self, id: ClientId, by: By, outside: &mut Outside<'_>) -> Answer {
        if let Some(refused) = self.refuse_unless_running(id) {
            return refused;
        }
        let event = self.say_of(id, ClientEvent::Closing { by });
        self.with_client(id, Cause::event(event), outside, Client::close);
        Answer::Done
    }

    /// kill -9 of a client: its connections are closed by the operating system, and nobody hears from it again. What it had
    /// processed stays in its books.
    pub(super) fn crash_client(&mut self, id: ClientId, by: By, outside: &mut Outside<'_>) -> Answer {
        if let Some(refused) = self.refuse_unless_running(id) {
            return refused;
        }
        let event = self.say_of(id, ClientEvent::Crashed { by });
        self.with_client(id, Cause::event(event), outside, |client, ctx| client.crashed(ctx.now.lab));
        let node = NodeId::Client(id);
        self.timers.died(node);
        for peer in self.network.died(node) {
            let number = self.turn.next_id();
            let closed = Payload::Closed { lane: None };
            self.network.send(number, self.turn.now.lab, node, peer, closed, Cause::event(event));
        }
        Answer::Done
    }

    /// Stops a client, or lets it go on.
    pub(super) fn pause_client(&mut self, id: ClientId, paused: bool, by: By, outside: &mut Outside<'_>) -> Answer {
        if let Some(refused) = self.refuse_unless_running(id) {
            return refused;
        }
        let event = self.say_of(id, ClientEvent::Paused { paused, by });
        self.with_client(id, Cause::event(event), outside, |client, ctx| client.set_paused(paused, ctx));
        Answer::Done
    }

    /// Has a member of a group work this long on each record, from its next poll on.
    pub(super) fn slow_client(&mut self, id: ClientId, work_us: u32, by: By) -> Answer {
        if let Some(refused) = self.refuse_unless_running(id) {
            return refused;
        }
        let consumer = self.clients.get_mut(&id).map(Arc::make_mut).and_then(Client::as_consumer_mut);
        if !consumer.is_some_and(|consumer| consumer.set_work(work_us)) {
            return Answer::Refused(format!("{id} is no member of a group"));
        }
        self.say_of(id, ClientEvent::Works { each_us: work_us, by });
        Answer::Done
    }

    fn refuse_unless_running(&self, id: ClientId) -> Option<Answer> {
        match self.clients.get(&id) {
            None => Some(Answer::Refused(format!("there is no {id}"))),
            Some(client) if !client.runs() => Some(Answer::Refused(format!("{} does not run", client.name()))),
            Some(_) => None,
        }
    }

    fn say_of(&mut self, id: ClientId, event: ClientEvent) -> u64 {
        self.say(NodeId::Client(id), EventKind::Client(event), Cause::default())
    }
}
