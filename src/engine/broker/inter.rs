//! What a broker needs of the controller to do its work: topics that it is to create, and the proof that who commands it
//! is the controller.

use std::sync::Arc;

use super::Broker;
use crate::engine::context::{Context, Id};
use crate::engine::message::Lane;
use crate::engine::settings::Settings;
use crate::engine::topic_name::CONSUMER_OFFSETS;
use crate::protocol::create_topics::{CreatableTopic, CreatableTopicConfig};
use crate::protocol::{CreateTopicsRequest, ErrorCode};

impl Broker {
    /// Whether a command comes from the controller of now, and is meant for this registration of the broker.
    pub(crate) fn check_controller(&mut self, controller_epoch: i32, broker_epoch: i64) -> Result<(), ErrorCode> {
        if controller_epoch < self.controller_epoch {
            return Err(ErrorCode::STALE_CONTROLLER_EPOCH);
        }
        // A newer epoch than the own is that of a registration whose answer is still on its way here.
        if broker_epoch >= 0 && self.registered.is_none_or(|mine| broker_epoch < mine) {
            return Err(ErrorCode::STALE_BROKER_EPOCH);
        }
        self.controller_epoch = controller_epoch;
        Ok(())
    }

    /// Asks the controller to create a topic that somebody named. Returns what that somebody is told.
    pub(crate) fn create_automatically(&mut self, name: &Arc<str>, ctx: &mut Context<'_>) -> ErrorCode {
        let settings = self.settings();
        let (num_partitions, replication_factor, configs) = if &**name == CONSUMER_OFFSETS {
            let (partitions, replicas) =
                (settings.offsets_topic_num_partitions, settings.offsets_topic_replication_factor);
            (partitions, replicas, offsets_topic_configs(settings))
        } else {
            (settings.num_partitions, i16::try_from(settings.default_replication_factor).unwrap_or(1), Vec::new())
        };
        if usize::try_from(replication_factor).unwrap_or(0) > self.metadata.brokers.len() {
            return ErrorCode::INVALID_REPLICATION_FACTOR;
        }
        let Some(controller) = self.metadata.controller else { return ErrorCode::UNKNOWN_TOPIC_OR_PARTITION };
        if !self.creating.contains_key(name) {
            let topic = CreatableTopic {
                name: Arc::clone(name),
                num_partitions,
                replication_factor,
                configs,
                ..Default::default()
            };
            let timeout_ms = self.settings().controller_socket_timeout_ms;
            let request = CreateTopicsRequest { topics: vec![topic], timeout_ms, ..Default::default() };
            let (asked, _) = self.ask_controller(controller, Lane::AUTO_CREATE, 7, request.into(), ctx);
            self.creating.insert(Arc::clone(name), asked);
        }
        ErrorCode::UNKNOWN_TOPIC_OR_PARTITION
    }

    /// The controller answered a creation: what is still missing may be asked for again.
    pub(super) fn created_automatically(&mut self, correlation: Id) {
        self.creating.retain(|_, asked| *asked != correlation);
    }
}

/// What `__consumer_offsets` sets: of each group and partition only the newest offset counts. Source:
/// `GroupCoordinator.groupMetadataTopicConfigs`.
fn offsets_topic_configs(settings: &Settings) -> Vec<CreatableTopicConfig> {
    let segment_bytes = settings.offsets_topic_segment_bytes.to_string();
    let configs = [("cleanup.policy", "compact"), ("segment.bytes", &segment_bytes), ("compression.type", "producer")];
    configs.map(|(name, value)| CreatableTopicConfig { name: name.into(), value: Some(value.into()) }).into()
}
