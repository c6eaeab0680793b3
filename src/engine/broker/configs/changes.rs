//! How a broker hears that settings have changed. Kafka's `ZkNodeChangeNotificationListener` on `/config/changes`.
//!
//! Each change leaves a numbered notification there that says whose settings have changed, not to what: that is read
//! then, so that two changes in a row end with the second whatever is read between.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::{Broker, Waiting, overrides};
use crate::engine::context::Context;
use crate::engine::controller::znodes;
use crate::engine::entity::ConfigEntity;
use crate::engine::settings::Layer;
use crate::engine::zk::message::WatchEvent;
use crate::engine::zk::op::{ANY_VERSION, Op, OpResult, Write, ZkError};

/// How long a notification stays for brokers that were away (`ChangeExpirationMs`). One that was away for longer has
/// lost its session, and reads everything anew.
const EXPIRATION_MS: i64 = 15 * 60 * 1_000;

type OneResult = Result<OpResult, ZkError>;

impl Broker {
    /// What a broker reads before it registers: which notifications there are, which it leaves a watch on, and its layers.
    pub(in super::super) fn config_reads(&self) -> [Op; 3] {
        [
            Op::children_and_watch(znodes::CONFIG_CHANGES),
            Op::get(ConfigEntity::AllBrokers.path()),
            Op::get(ConfigEntity::Broker(self.id).path()),
        ]
    }

    /// The answers to [`Self::config_reads`].
    pub(in super::super) fn configs_read(
        &mut self,
        changes: &OneResult,
        all_brokers: &OneResult,
        own: &OneResult,
        ctx: &mut Context<'_>,
    ) {
        self.take_up_layer(Layer::AllBrokers, overrides(all_brokers), ctx);
        self.take_up_layer(Layer::Own, overrides(own), ctx);
        match self.configs.newest_change {
            // In a new process nothing is older than what it has just read, or will read.
            None => self.configs.newest_change = Some(names(changes).iter().filter_map(number).max().unwrap_or(-1)),
            Some(_) => self.changes_read(Some(changes), ctx),
        }
    }

    /// A watch fired; returns whether it was that on the notifications.
    pub(in super::super) fn on_config_watch(&mut self, watch: &WatchEvent, ctx: &mut Context<'_>) -> bool {
        let mine = *watch.path == *znodes::CONFIG_CHANGES;
        if mine {
            self.read_changes(ctx);
        }
        mine
    }

    pub(super) fn read_changes(&mut self, ctx: &mut Context<'_>) {
        self.ask_for_configs(vec![Op::children_and_watch(znodes::CONFIG_CHANGES)], Waiting::Changes, ctx);
    }

    /// The names are read: all are read, the new ones for what they say, the old ones for their age.
    pub(super) fn changes_read(&mut self, result: Option<&OneResult>, ctx: &mut Context<'_>) {
        let names = result.map(names).unwrap_or_default();
        let newest = names.iter().filter_map(number).max();
        if newest > self.configs.newest_change {
            self.read_notifications(names, ctx);
        }
    }

    pub(super) fn read_notifications(&mut self, names: Vec<Arc<str>>, ctx: &mut Context<'_>) {
        let ops = names.iter().map(|name| Op::get(path(name))).collect();
        self.ask_for_configs(ops, Waiting::Notifications(names), ctx);
    }

    pub(super) fn notifications_read(&mut self, names: &[Arc<str>], results: &[OneResult], ctx: &mut Context<'_>) {
        let seen = self.configs.newest_change;
        let mut entities = BTreeSet::new();
        let mut old = Vec::new();
        for (name, result) in names.iter().zip(results) {
            // Another broker may have deleted it meanwhile: then it was old.
            let Ok(OpResult::Data { data, stat }) = result else { continue };
            if number(name) > seen {
                entities.extend(znodes::read_config_change(data));
            }
            if ctx.now.date_ms() - stat.ctime_ms > EXPIRATION_MS {
                old.push(Op::from(Write::delete(path(name), ANY_VERSION)));
            }
        }
        self.configs.newest_change = names.iter().filter_map(number).max().max(seen);
        let entities: Vec<ConfigEntity> = entities.into_iter().filter(|entity| self.is_concerned(entity)).collect();
        if !entities.is_empty() {
            self.read_changed(entities, ctx);
        }
        if !old.is_empty() {
            // Whoever comes second finds them gone: nobody waits for the answer.
            self.zk.submit(old, ctx);
        }
    }

    /// Whether what an entity sets matters here. A controller has to know of topics that it does not host.
    fn is_concerned(&self, entity: &ConfigEntity) -> bool {
        match entity {
            ConfigEntity::AllBrokers => true,
            ConfigEntity::Broker(id) => *id == self.id,
            ConfigEntity::Topic(topic) => self.configs.knows(topic) || self.controller.is_active(),
        }
    }

    pub(super) fn read_changed(&mut self, entities: Vec<ConfigEntity>, ctx: &mut Context<'_>) {
        let ops = entities.iter().map(|entity| Op::get(entity.path())).collect();
        self.ask_for_configs(ops, Waiting::Changed(entities), ctx);
    }

    pub(super) fn changed_read(&mut self, entities: &[ConfigEntity], results: &[OneResult], ctx: &mut Context<'_>) {
        for (entity, result) in entities.iter().zip(results) {
            let overrides = overrides(result);
            match entity {
                ConfigEntity::AllBrokers => self.take_up_layer(Layer::AllBrokers, overrides, ctx),
                ConfigEntity::Broker(_) => self.take_up_layer(Layer::Own, overrides, ctx),
                ConfigEntity::Topic(topic) => {
                    let unclean = overrides.get("unclean.leader.election.enable").is_some_and(|text| text == "true");
                    self.take_up_topic(topic, overrides, ctx);
                    if unclean {
                        self.controller.unclean_election_allowed(Some(Arc::clone(topic)), &mut self.zk, ctx);
                    }
                }
            }
        }
    }
}

fn names(result: &OneResult) -> Vec<Arc<str>> {
    match result {
        Ok(OpResult::Children { children, .. }) => children.clone(),
        _ => Vec::new(),
    }
}

fn number(name: &Arc<str>) -> Option<i64> {
    znodes::config_change_number(name)
}

fn path(name: &str) -> String {
    format!("{}/{name}", znodes::CONFIG_CHANGES)
}
