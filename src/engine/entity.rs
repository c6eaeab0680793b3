//! What has settings of its own in ZooKeeper: a topic, a broker, all brokers. Kafka's config entities.

use std::fmt;
use std::sync::Arc;

use super::node::BrokerId;

/// The name that stands for all brokers (`ZooKeeperInternals.DEFAULT_STRING`).
const ALL: &str = "<default>";

/// Whose settings.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum ConfigEntity {
    /// All brokers'.
    AllBrokers,
    /// A broker's.
    Broker(BrokerId),
    /// A topic's.
    Topic(Arc<str>),
}

impl ConfigEntity {
    /// Its path below `/config`, as a notification of a change names it.
    pub fn relative_path(&self) -> String {
        match self {
            Self::AllBrokers => format!("brokers/{ALL}"),
            Self::Broker(id) => format!("brokers/{}", id.0),
            Self::Topic(topic) => format!("topics/{topic}"),
        }
    }

    /// The znode that its settings stand in.
    pub fn path(&self) -> String {
        format!("/config/{}", self.relative_path())
    }

    /// Reads [`Self::relative_path`]; none for what has no settings here (users, clients, addresses).
    pub fn from_relative_path(path: &str) -> Option<Self> {
        match path.split_once('/')? {
            ("topics", topic) if !topic.is_empty() => Some(Self::Topic(topic.into())),
            ("brokers", ALL) => Some(Self::AllBrokers),
            ("brokers", id) => id.parse().ok().map(|id| Self::Broker(BrokerId(id))),
            _ => None,
        }
    }
}

impl fmt::Display for ConfigEntity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::AllBrokers => f.write_str("all brokers"),
            Self::Broker(id) => id.fmt(f),
            Self::Topic(topic) => write!(f, "topic {topic}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_reads_back() {
        for entity in [ConfigEntity::AllBrokers, ConfigEntity::Broker(BrokerId(3)), ConfigEntity::Topic("a.b".into())] {
            assert_eq!(ConfigEntity::from_relative_path(&entity.relative_path()), Some(entity));
        }
        for other in ["users/alice", "topics/", "brokers/x", "brokers", "ips/127.0.0.1"] {
            assert_eq!(ConfigEntity::from_relative_path(other), None, "{other}");
        }
    }
}
