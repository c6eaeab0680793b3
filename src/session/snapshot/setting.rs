//! Settings: what a broker or a topic goes by, and what a topic could be given.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

/// One setting of a broker or a topic.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Setting {
    /// Kafka's name for it.
    pub name: Arc<str>,
    /// Its value.
    pub value: Arc<str>,
    /// Where from: `default`, `pace`, `set` when it started, `set for all` or `set for it` while it ran, `topic`.
    pub source: Arc<str>,
}

/// A setting that topics can have, and what holds for a topic that does not set it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct TopicSetting {
    /// Kafka's name for it.
    pub name: Arc<str>,
    /// What it means, in a sentence.
    pub doc: Arc<str>,
    /// Kafka's name of its type: `INT`, `LONG`, `BOOLEAN`, `DOUBLE`, `STRING`, `LIST`.
    pub kind: Arc<str>,
    /// The smallest number that is allowed, where there is one.
    pub least: Option<i64>,
    /// The words that are allowed; empty where any value of the type is.
    pub choices: Vec<Arc<str>>,
    /// The value of the brokers, which a topic inherits.
    pub inherited: Arc<str>,
    /// Where the brokers have it from, as [`Setting::source`].
    pub source: Arc<str>,
}
