//! Creates the lab's topics: asks any broker who the controller is and that one for the topics, again and again until
//! enough brokers live. It is silent: what it causes is told by those who do it.

use std::collections::BTreeSet;
use std::time::Duration;

use super::link::{Alarm, Connected, Links};
use super::metadata::Metadata;
use super::spec::TopicSpec;
use crate::engine::context::Context;
use crate::engine::message::{KafkaResponse, Lane};
use crate::engine::node::BrokerId;
use crate::engine::time::Time;
use crate::protocol::create_topics::CreatableTopic;
use crate::protocol::{CreateTopicsRequest, CreateTopicsResponse, ErrorCode, Response};

/// How long after a refusal it asks again: short, as people wait for the lab to be ready.
const BACKOFF: Duration = Duration::from_millis(50);
/// How long an answer may take.
const TIMEOUT: Duration = Duration::from_secs(30);
/// How long the controller may wait until the topics are known, in milliseconds.
const CREATE_TIMEOUT_MS: i32 = 10_000;
/// The version of `CreateTopics` that is spoken.
const VERSION: i16 = 7;

#[derive(Clone, Copy, Debug)]
enum About {
    Metadata,
    Create,
}

/// See the [module](self).
#[derive(Clone, Debug)]
pub struct Admin {
    links: Links<About>,
    metadata: Metadata,
    alarm: Alarm,
    left: Vec<TopicSpec>,
    creating: bool,
    not_before: Time,
}

impl Admin {
    pub(super) fn new(name: &std::sync::Arc<str>, topics: Vec<TopicSpec>, bootstrap: Vec<BrokerId>) -> Self {
        Self {
            links: Links::new(name.clone()),
            metadata: Metadata::new(Vec::new(), bootstrap, BACKOFF, Duration::MAX),
            alarm: Alarm::default(),
            left: topics,
            creating: false,
            not_before: Time::ZERO,
        }
    }

    /// Whether every topic is there.
    pub fn is_done(&self) -> bool {
        self.left.is_empty()
    }

    pub(super) fn start(&mut self, ctx: &mut Context<'_>) {
        self.go_on(ctx);
    }

    fn refused(&mut self, now: Time) {
        self.creating = false;
        self.not_before = now + BACKOFF;
        self.metadata.outdated();
    }

    pub(super) fn on_response(&mut self, response: KafkaResponse, ctx: &mut Context<'_>) {
        if self.links.answered(response.correlation).is_none() {
            return;
        }
        match response.response {
            Response::Metadata(response) => {
                self.metadata.update(response, ctx.now.lab);
                if self.ready().is_none() {
                    self.metadata.outdated();
                }
            }
            Response::CreateTopics(response) => self.created(&response, ctx.now.lab),
            _ => self.refused(ctx.now.lab),
        }
        self.go_on(ctx);
    }

    fn created(&mut self, response: &CreateTopicsResponse, now: Time) {
        self.creating = false;
        for result in &response.topics {
            if matches!(result.error_code, ErrorCode::NONE | ErrorCode::TOPIC_ALREADY_EXISTS) {
                self.left.retain(|topic| topic.name != result.name);
            }
        }
        if !self.left.is_empty() {
            self.refused(now);
        }
    }

    /// The controller, if it is known and as many brokers live as the topics need.
    fn ready(&self) -> Option<BrokerId> {
        let wanted = self.left.iter().map(|topic| topic.replication_factor).max().unwrap_or(0);
        let enough = usize::try_from(wanted).is_ok_and(|wanted| self.metadata.brokers() >= wanted);
        self.metadata.controller().filter(|_| enough)
    }
}

impl Connected for Admin {
    fn alarm(&mut self) -> &mut Alarm {
        &mut self.alarm
    }

    fn overdue(&self, now: Time) -> BTreeSet<BrokerId> {
        self.links.overdue(now, TIMEOUT)
    }

    fn lost(&mut self, broker: BrokerId, lane: Option<Lane>, _: ErrorCode, ctx: &mut Context<'_>) {
        let now = ctx.now.lab;
        for about in self.links.closed(broker, lane, now).unanswered {
            match about {
                About::Metadata => self.metadata.failed(),
                About::Create => self.refused(now),
            }
        }
        self.metadata.outdated();
    }

    fn go_on(&mut self, ctx: &mut Context<'_>) {
        if self.left.is_empty() {
            return;
        }
        self.metadata.ask_if_due(&mut self.links, About::Metadata, ctx);
        let now = ctx.now.lab;
        if let Some(controller) = self.ready().filter(|_| !self.creating && self.not_before <= now) {
            self.creating = true;
            let request = CreateTopicsRequest {
                topics: self.left.iter().map(creatable).collect(),
                timeout_ms: CREATE_TIMEOUT_MS,
                validate_only: false,
            };
            self.links.ask((controller, Lane::CLIENT), VERSION, request.into(), About::Create, ctx);
        }
        let retry = if self.creating { Time::NEVER } else { self.not_before.max(now + BACKOFF) };
        self.alarm.set(self.metadata.next_ask().min(retry).min(self.links.next_overdue(TIMEOUT)), ctx);
    }
}

fn creatable(topic: &TopicSpec) -> CreatableTopic {
    CreatableTopic {
        name: topic.name.clone(),
        num_partitions: topic.partitions,
        replication_factor: topic.replication_factor,
        ..CreatableTopic::default()
    }
}
