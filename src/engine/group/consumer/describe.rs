//! A group of KIP-848 as `ConsumerGroupDescribe` shows it.

use std::sync::Arc;

use super::image::{Member, Partitions};
use super::records::grouped;
use super::{ConsumerGroup, target};
use crate::engine::broker::metadata::MetadataCache;
use crate::engine::settings::Settings;
use crate::protocol::consumer_group_describe::{self, Assignment, DescribedGroup, TopicPartitions, member_type};

impl ConsumerGroup {
    /// What operators see. Topics that are gone are left out.
    pub fn describe(&self, settings: &Settings, cache: &MetadataCache) -> DescribedGroup {
        let of = |(id, member): (&Arc<str>, &Member)| consumer_group_describe::Member {
            member_id: Arc::clone(id),
            instance_id: member.profile.instance_id.clone(),
            rack_id: member.profile.rack_id.clone(),
            member_epoch: member.epoch,
            client_id: Arc::clone(&member.profile.client_id),
            client_host: Arc::clone(&member.profile.client_host),
            subscribed_topic_names: member.profile.topics.iter().cloned().collect(),
            subscribed_topic_regex: Some(member.profile.pattern.clone().unwrap_or_default()),
            assignment: assignment(&member.assigned, cache),
            target_assignment: assignment(&self.image.target(id), cache),
            member_type: member_type::CONSUMER,
        };
        DescribedGroup {
            group_state: self.state().name().into(),
            group_epoch: self.image.epoch,
            assignment_epoch: self.image.target_epoch,
            assignor_name: target::chosen(&self.image, &settings.group_consumer_assignors).name.into(),
            members: self.image.members().map(of).collect(),
            ..DescribedGroup::default()
        }
    }
}

fn assignment(partitions: &Partitions, cache: &MetadataCache) -> Assignment {
    let of = |(topic_id, partitions)| {
        let topic_name = Arc::clone(cache.name_of(topic_id)?);
        Some(TopicPartitions { topic_id, topic_name, partitions })
    };
    Assignment { topic_partitions: grouped(partitions).into_iter().filter_map(of).collect() }
}
