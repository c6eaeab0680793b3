//! The settings that topics can be given, each with what its brokers have: what holds for a topic that sets nothing.

use std::sync::Arc;

use super::brokers::source;
use crate::engine::broker::Broker;
use crate::engine::cluster::Cluster;
use crate::engine::settings::{self, BrokerSettings, Settings};
use crate::engine::topic_settings::{TABLE, TopicDefinition};
use crate::session::snapshot::TopicSetting;

/// Projects them; they are made again only when the settings of the brokers change.
#[derive(Default)]
pub(super) struct TopicSettings {
    made: Option<(Arc<Settings>, Arc<[TopicSetting]>)>,
}

impl TopicSettings {
    /// As the first broker that runs has them; while none does, as all were started with.
    pub(super) fn project(&mut self, cluster: &Cluster) -> Arc<[TopicSetting]> {
        let layers = cluster.brokers().find_map(|(_, node)| node.running()).map(Broker::layered_settings);
        let now = layers.map_or(&cluster.config().settings, BrokerSettings::now);
        if let Some((of, made)) = &self.made
            && Arc::ptr_eq(of, now)
        {
            return Arc::clone(made);
        }
        let started = BrokerSettings::new(Arc::clone(&cluster.config().settings));
        let made = of(layers.unwrap_or(&started));
        self.made = Some((Arc::clone(now), Arc::clone(&made)));
        made
    }
}

/// All that a topic can set.
fn of(layers: &BrokerSettings) -> Arc<[TopicSetting]> {
    let lab = Settings::lab();
    let setting = |row: &TopicDefinition| {
        let of_broker = settings::TABLE.iter().find(|of_broker| of_broker.name == row.broker_name)?;
        Some(TopicSetting {
            name: row.name.into(),
            doc: row.doc.trim().into(),
            kind: row.kind.into(),
            least: row.least,
            choices: row.choices.iter().map(|choice| Arc::from(*choice)).collect(),
            inherited: layers.now().get(row.broker_name)?.into(),
            source: source(layers, of_broker, &lab).into(),
        })
    };
    TABLE.iter().filter_map(setting).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::settings::{Layer, Overrides};

    fn inherited(layers: &BrokerSettings, name: &str) -> (String, String) {
        let found = of(layers).iter().find(|setting| *setting.name == *name).cloned().unwrap();
        (found.inherited.to_string(), found.source.to_string())
    }

    #[test]
    fn a_topic_inherits_what_its_brokers_have() {
        let mut layers = BrokerSettings::new(Arc::new(Settings::lab()));
        assert_eq!(inherited(&layers, "retention.ms"), ("604800000".into(), "default".into()));
        assert_eq!(inherited(&layers, "segment.bytes"), ("16777216".into(), "pace".into()));
        let overrides: Overrides = [("log.retention.ms".to_owned(), "5000".to_owned())].into();
        layers.set_layer(Layer::AllBrokers, overrides);
        assert_eq!(inherited(&layers, "retention.ms"), ("5000".into(), "set for all".into()));
    }

    #[test]
    fn everything_that_can_be_set_is_offered_with_kafkas_range() {
        let all = of(&BrokerSettings::new(Arc::new(Settings::default())));
        let find = |name: &str| all.iter().find(|setting| *setting.name == *name);
        assert_eq!(all.len(), TABLE.len());
        assert!(find("compression.type").unwrap().choices.contains(&"zstd".into()));
        assert_eq!(find("segment.bytes").unwrap().least, Some(14));
        assert_eq!(find("retention.bytes").unwrap().least, None);
        assert_eq!(find("cleanup.policy").unwrap().choices, ["compact".into(), "delete".into()]);
        assert!(all.iter().all(|setting| !setting.doc.is_empty()));
    }
}
