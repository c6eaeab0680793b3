//! The settings of topics: one table of Kafka's names, types, ranges and meanings, each with the broker setting that it
//! overrides. A setting that is not in the table is refused; none is accepted and ignored.
//!
//! A row makes a field of [`TopicSettings`], its row in [`TABLE`] (`DescribeConfigs`, `CreateTopics`) and its check. What a
//! topic does not set comes from the broker ([`Settings`]), at every look: it is not copied into the topic.

use std::collections::BTreeMap;

use super::event::SettingChange;
use super::log::LogConfig;
use super::settings::{List, Ratio, SettingValue, Settings, refused};
use crate::protocol::records::Compression;

/// One row of the table: what is known about a topic setting beside its value.
#[derive(Clone, Copy, Debug)]
pub struct TopicDefinition {
    /// Kafka's name.
    pub name: &'static str,
    /// What it means.
    pub doc: &'static str,
    /// Kafka's type name: `INT`, `LONG`, `BOOLEAN`, `DOUBLE`, `STRING`, `LIST`.
    pub kind: &'static str,
    /// What values are allowed, for people.
    pub allowed: &'static str,
    /// The smallest number that is allowed, where there is one.
    pub least: Option<i64>,
    /// The words that are allowed; empty where any value of the type is.
    pub choices: &'static [&'static str],
    /// The broker setting that holds where the topic has none.
    pub broker_name: &'static str,
}

/// What is wrong with a setting of a topic, in Kafka's words where it has some.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TopicSettingError {
    /// No topic setting has this name.
    #[error("Unknown topic config name: {0}")]
    Unknown(String),
    /// Kafka has it, the lab does not.
    #[error("Topic config {0} is not supported by kscope: {1}; see docs/settings.md")]
    Unsupported(String, &'static str),
    /// It has no value.
    #[error("Null value not supported for topic configs: {0}")]
    Null(String),
    /// The text is no value of its type.
    #[error("Invalid value {text} for configuration {name}: Not a {kind}")]
    WrongType {
        /// The setting.
        name: &'static str,
        /// What was given.
        text: String,
        /// What is wanted.
        kind: &'static str,
    },
    /// The value is out of range.
    #[error("Invalid value {text} for configuration {name}: {wanted}")]
    OutOfRange {
        /// The setting.
        name: &'static str,
        /// What was given.
        text: String,
        /// What is wanted.
        wanted: String,
    },
    /// The time for which a record is safe from compaction is longer than that after which it is compacted.
    #[error("conflict topic config setting min.compaction.lag.ms ({min}) > max.compaction.lag.ms ({max})")]
    Lags {
        /// For how long it is safe.
        min: i64,
        /// After how long it is compacted.
        max: i64,
    },
}

macro_rules! topic_settings {
    ($(
        $(#[doc = $doc:literal])+
        $field:ident: $type:ty = $name:literal, $kind:literal, broker $broker:ident $broker_name:literal
        $(, at_least $least:expr)? $(, one_of $choices:expr)? $(, each_of $words:expr)?;
    )+) => {
        /// The settings that hold for a topic, by Kafka's names (with `_` for `.`).
        #[derive(Clone, Debug, PartialEq, Eq)]
        pub struct TopicSettings {
            $( $(#[doc = $doc])+ pub $field: $type, )+
        }

        /// The table, in the order of the names.
        pub static TABLE: &[TopicDefinition] = &[ $(
            TopicDefinition {
                name: $name,
                doc: concat!($($doc),+),
                kind: $kind,
                allowed: concat!("" $(, stringify!($least), "..")? $(, stringify!($choices))?),
                least: topic_settings!(@optional $($least)?),
                choices: topic_settings!(@words $($choices)? $($words)?),
                broker_name: $broker_name,
            },
        )+ ];

        impl TopicSettings {
            /// What holds where a topic sets nothing.
            pub fn of_broker(broker: &Settings) -> Self {
                Self { $( $field: broker.$broker.clone(), )+ }
            }

            /// Sets one by Kafka's name, from text.
            pub fn set(&mut self, name: &str, text: &str) -> Result<(), TopicSettingError> {
                match name {
                    $( $name => {
                        let value = <$type as SettingValue>::parse(text).ok_or_else(|| TopicSettingError::WrongType {
                            name: $name,
                            text: text.to_owned(),
                            kind: kind_in_words($kind),
                        })?;
                        $( if value < $least {
                            return Err(out_of_range($name, text, format!("Value must be at least {}", $least)));
                        } )?
                        $( if !$choices.contains(&value.as_str()) {
                            let wanted = format!("String must be one of: {}", $choices.join(", "));
                            return Err(out_of_range($name, text, wanted));
                        } )?
                        $( if !value.iter().all(|word| $words.contains(&word)) {
                            let wanted = format!("String must be one of: {}", $words.join(", "));
                            return Err(out_of_range($name, text, wanted));
                        } )?
                        self.$field = value;
                    } )+
                    _ => {
                        let unknown = || TopicSettingError::Unknown(name.to_owned());
                        let refused = |why| TopicSettingError::Unsupported(name.to_owned(), why);
                        return Err(refused::topic(name).map_or_else(unknown, refused));
                    }
                }
                Ok(())
            }

            /// The value of a setting by Kafka's name, as text.
            pub fn get(&self, name: &str) -> Option<String> {
                match name {
                    $( $name => Some(self.$field.show()), )+
                    _ => None,
                }
            }
        }
    };
    (@optional) => { None };
    (@optional $value:expr) => { Some($value) };
    (@words) => { &[] };
    (@words $words:expr) => { &$words };
}

topic_settings! {
    /// What happens to old segments: deleted, or compacted to the newest record of each key, or both.
    cleanup_policy: List = "cleanup.policy", "LIST", broker log_cleanup_policy "log.cleanup.policy",
        each_of ["compact", "delete"];
    /// How batches are stored: as the producer compressed them, or compressed anew by the leader.
    compression_type: String = "compression.type", "STRING", broker compression_type "compression.type",
        one_of ["uncompressed", "zstd", "lz4", "snappy", "gzip", "producer"];
    /// How long compaction keeps the record that deletes a key.
    delete_retention_ms: i64 = "delete.retention.ms", "LONG",
        broker log_cleaner_delete_retention_ms "log.cleaner.delete.retention.ms", at_least 0;
    /// How long the files of segments stay that retention, truncation or compaction took, on a disk (--data-dir); memory is
    /// free at once. Those of a deleted topic stay as long as the broker says.
    file_delete_delay_ms: i64 = "file.delete.delay.ms", "LONG", broker log_segment_delete_delay_ms "log.segment.delete.delay.ms",
        at_least 0;
    /// So many records may be appended before they are flushed; the last of them is acknowledged after that.
    flush_messages: i64 = "flush.messages", "LONG", broker log_flush_interval_messages "log.flush.interval.messages",
        at_least 1;
    /// How long records may stay unflushed: the broker looks every log.flush.scheduler.interval.ms.
    flush_ms: i64 = "flush.ms", "LONG", broker log_flush_interval_ms "log.flush.interval.ms", at_least 0;
    /// After how long a record is compacted however little is new.
    max_compaction_lag_ms: i64 = "max.compaction.lag.ms", "LONG",
        broker log_cleaner_max_compaction_lag_ms "log.cleaner.max.compaction.lag.ms", at_least 1;
    /// The largest record batch that is taken, after compression.
    max_message_bytes: i32 = "max.message.bytes", "INT", broker message_max_bytes "message.max.bytes", at_least 0;
    /// How far after the broker's date the timestamp of a producer's record may lie. The date is the lab's, which falls
    /// behind that of other clients while the lab stands or goes slowly.
    message_timestamp_after_max_ms: i64 = "message.timestamp.after.max.ms", "LONG",
        broker log_message_timestamp_after_max_ms "log.message.timestamp.after.max.ms", at_least 0;
    /// How far before the broker's date the timestamp of a producer's record may lie.
    message_timestamp_before_max_ms: i64 = "message.timestamp.before.max.ms", "LONG",
        broker log_message_timestamp_before_max_ms "log.message.timestamp.before.max.ms", at_least 0;
    /// Who sets a record's timestamp: its producer, or the broker that appends it.
    message_timestamp_type: String = "message.timestamp.type", "STRING",
        broker log_message_timestamp_type "log.message.timestamp.type", one_of ["CreateTime", "LogAppendTime"];
    /// How much of a log must be new since it was last compacted before it is compacted again.
    min_cleanable_dirty_ratio: Ratio = "min.cleanable.dirty.ratio", "DOUBLE",
        broker log_cleaner_min_cleanable_ratio "log.cleaner.min.cleanable.ratio";
    /// For how long a record is safe from compaction.
    min_compaction_lag_ms: i64 = "min.compaction.lag.ms", "LONG",
        broker log_cleaner_min_compaction_lag_ms "log.cleaner.min.compaction.lag.ms", at_least 0;
    /// With acks=all, how many replicas must have a record before it is acknowledged.
    min_insync_replicas: i32 = "min.insync.replicas", "INT", broker min_insync_replicas "min.insync.replicas", at_least 1;
    /// How large a partition may grow before old segments go; -1 without bound.
    retention_bytes: i64 = "retention.bytes", "LONG", broker log_retention_bytes "log.retention.bytes";
    /// How long records are kept; -1 for ever.
    retention_ms: i64 = "retention.ms", "LONG", broker log_retention_ms "log.retention.ms",
        at_least -1;
    /// The size at which a log's active segment is closed and a new one begun.
    segment_bytes: i32 = "segment.bytes", "INT", broker log_segment_bytes "log.segment.bytes", at_least 14;
    /// By how much the age at which an active segment is closed may be shortened, drawn for each log.
    segment_jitter_ms: i64 = "segment.jitter.ms", "LONG", broker log_roll_jitter_ms "log.roll.jitter.ms", at_least 0;
    /// The age at which an active segment is closed.
    segment_ms: i64 = "segment.ms", "LONG", broker log_roll_ms "log.roll.ms", at_least 1;
    /// Whether a replica out of sync may lead where no other lives.
    unclean_leader_election_enable: bool = "unclean.leader.election.enable", "BOOLEAN",
        broker unclean_leader_election_enable "unclean.leader.election.enable";
}

impl TopicSettings {
    /// What holds for a topic that sets `overrides`. What is no valid setting is passed over: another program may have
    /// written it to ZooKeeper.
    pub fn with_overrides(broker: &Settings, overrides: &BTreeMap<String, String>) -> Self {
        let mut settings = Self::of_broker(broker);
        for (name, text) in overrides {
            // An error leaves the broker's value, as Kafka does with what it cannot read.
            let _ = settings.set(name, text);
        }
        settings
    }

    /// Checks the settings that a topic is to have, with what it does not set as the broker has it.
    pub fn check(broker: &Settings, overrides: &BTreeMap<String, String>) -> Result<Self, TopicSettingError> {
        let mut settings = Self::of_broker(broker);
        for (name, text) in overrides {
            settings.set(name, text)?;
        }
        settings.check_lags()?;
        Ok(settings)
    }

    /// Checks what is wrong only together (`LogConfig.validateValues`).
    fn check_lags(&self) -> Result<(), TopicSettingError> {
        let (min, max) = (self.min_compaction_lag_ms, self.max_compaction_lag_ms);
        if min > max { Err(TopicSettingError::Lags { min, max }) } else { Ok(()) }
    }

    /// What is different in `after`, in the order of the table.
    pub fn changes_to(&self, after: &Self) -> Vec<SettingChange> {
        let value = |settings: &Self, name| settings.get(name).unwrap_or_default();
        let change = |row: &TopicDefinition| SettingChange {
            name: row.name,
            before: value(self, row.name),
            after: value(after, row.name),
        };
        TABLE.iter().map(change).filter(|change| change.before != change.after).collect()
    }

    /// What a log needs of them.
    pub fn log_config(&self) -> LogConfig {
        LogConfig {
            segment_bytes: u64::try_from(self.segment_bytes).unwrap_or(0),
            segment_ms: self.segment_ms,
            max_message_bytes: usize::try_from(self.max_message_bytes).unwrap_or(0),
            log_append_time: self.message_timestamp_type == "LogAppendTime",
            compression: compression(&self.compression_type),
            timestamp_before_max_ms: self.message_timestamp_before_max_ms,
            timestamp_after_max_ms: self.message_timestamp_after_max_ms,
            flush_messages: self.flush_messages,
            flush_ms: self.flush_ms,
            segment_jitter_ms: self.segment_jitter_ms,
            delete: self.cleanup_policy.has("delete"),
            compact: self.cleanup_policy.has("compact"),
            retention_ms: self.retention_ms,
            retention_bytes: self.retention_bytes,
            delete_retention_ms: self.delete_retention_ms,
            min_cleanable_ratio: self.min_cleanable_dirty_ratio,
            min_compaction_lag_ms: self.min_compaction_lag_ms,
            max_compaction_lag_ms: self.max_compaction_lag_ms,
            delete_delay_ms: self.file_delete_delay_ms,
            ..LogConfig::default()
        }
    }
}

/// The codec that `compression.type` names; none for `producer`.
fn compression(name: &str) -> Option<Compression> {
    let name = if name == "uncompressed" { Compression::None.name() } else { name };
    Compression::ALL.into_iter().find(|codec| codec.name() == name)
}

fn out_of_range(name: &'static str, text: &str, wanted: String) -> TopicSettingError {
    TopicSettingError::OutOfRange { name, text: text.to_owned(), wanted }
}

/// How Kafka's parser names what it wanted.
fn kind_in_words(kind: &str) -> &'static str {
    match kind {
        "INT" => "number of type INT",
        "LONG" => "number of type LONG",
        "DOUBLE" => "number of type DOUBLE",
        "BOOLEAN" => "value of true or false",
        _ => "string",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn set(name: &str, text: &str) -> Result<TopicSettings, String> {
        let overrides = [(name.to_owned(), text.to_owned())].into();
        TopicSettings::check(&Settings::default(), &overrides).map_err(|error| error.to_string())
    }

    #[test]
    fn every_setting_stands_once_and_overrides_one_of_the_broker() {
        let broker = Settings::lab();
        let settings = TopicSettings::of_broker(&broker);
        for (row, next) in TABLE.iter().zip(TABLE.iter().skip(1)) {
            assert!(row.name < next.name, "{} before {}", row.name, next.name);
        }
        for row in TABLE {
            assert_eq!(settings.get(row.name), broker.get(row.broker_name), "{}", row.name);
        }
    }

    #[test]
    fn what_a_topic_sets_holds_for_it() {
        assert_eq!(set("min.insync.replicas", "2").unwrap().min_insync_replicas, 2);
        assert!(set("unclean.leader.election.enable", "true").unwrap().unclean_leader_election_enable);
        assert!(set("message.timestamp.type", "LogAppendTime").unwrap().log_config().log_append_time);
        let both = set("cleanup.policy", "compact, delete").unwrap().log_config();
        assert!(both.compact && both.delete);
        let compression = |name| set("compression.type", name).unwrap().log_config().compression;
        let codecs = ["uncompressed", "gzip", "snappy", "lz4", "zstd"].map(compression);
        assert_eq!(codecs, Compression::ALL.map(Some));
        assert_eq!(compression("producer"), None);
        assert_eq!(set("file.delete.delay.ms", "7").unwrap().log_config().delete_delay_ms, 7);
        let kept = set("retention.ms", "-1").unwrap().log_config();
        assert!(kept.delete && !kept.compact && kept.retention_ms == -1);
    }

    #[test]
    fn what_is_wrong_is_said_as_kafka_says_it() {
        assert_eq!(set("nope", "1").unwrap_err(), "Unknown topic config name: nope");
        let wrong = "Invalid value abc for configuration retention.ms: Not a number of type LONG";
        assert_eq!(set("retention.ms", "abc").unwrap_err(), wrong);
        let choice = "Invalid value x for configuration cleanup.policy: String must be one of: compact, delete";
        assert_eq!(set("cleanup.policy", "x").unwrap_err(), choice);
        let range = "Invalid value 0 for configuration min.insync.replicas: Value must be at least 1";
        assert_eq!(set("min.insync.replicas", "0").unwrap_err(), range);
    }

    #[test]
    fn the_lags_of_compaction_are_held_against_each_other_and_against_the_brokers() {
        let check = |broker: &Settings, pairs: &[(&str, &str)]| {
            let overrides = pairs.iter().map(|(name, text)| ((*name).to_owned(), (*text).to_owned())).collect();
            TopicSettings::check(broker, &overrides).map_err(|error| error.to_string())
        };
        let lags = |min, max| [("min.compaction.lag.ms", min), ("max.compaction.lag.ms", max)];
        assert!(check(&Settings::default(), &lags("5", "5")).is_ok());
        let wrong = "conflict topic config setting min.compaction.lag.ms (6) > max.compaction.lag.ms (5)";
        assert_eq!(check(&Settings::default(), &lags("6", "5")).unwrap_err(), wrong);
        let broker = Settings { log_cleaner_max_compaction_lag_ms: 5, ..Settings::default() };
        assert_eq!(check(&broker, &[("min.compaction.lag.ms", "6")]).unwrap_err(), wrong);
    }

    #[test]
    fn what_the_lab_cannot_do_is_refused_not_ignored() {
        assert!(set("preallocate", "true").unwrap_err().contains("not supported"));
    }

    #[test]
    fn what_stands_in_zookeeper_and_is_wrong_is_passed_over() {
        let overrides = [("nope", "1"), ("min.insync.replicas", "2"), ("segment.ms", "x")];
        let overrides = overrides.map(|(name, text)| (name.to_owned(), text.to_owned())).into();
        let settings = TopicSettings::with_overrides(&Settings::default(), &overrides);
        assert_eq!(settings.min_insync_replicas, 2);
        assert_eq!(settings.segment_ms, Settings::default().log_roll_ms);
    }
}
