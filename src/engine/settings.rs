//! The brokers' settings: one table of Kafka's names, types, defaults, ranges and meanings. A setting that is not in the
//! table is unknown and refused; none is accepted and ignored.
//!
//! A row makes a field of [`Settings`], its default, its row in [`TABLE`] (documentation, `DescribeConfigs`, `--set`)
//! and its parser. `lab` is the value under `--pace lab`: it shortens what a person would have to wait for and keeps the
//! order of the time-outs.

mod layers;
pub mod refused;
mod value;

use super::event::SettingChange;
pub use layers::{BrokerSettings, Layer, LayerError, Overrides, Place, Source, check, definition};
pub use value::{List, Ratio, SettingError, SettingValue};

/// One row of the table: what is known about a setting beside its value.
#[derive(Clone, Copy, Debug)]
pub struct Definition {
    /// Kafka's name.
    pub name: &'static str,
    /// What it means.
    pub doc: &'static str,
    /// Kafka's type name: `INT`, `LONG`, `DOUBLE`, `BOOLEAN`, `STRING`, `LIST`.
    pub kind: &'static str,
    /// What values are allowed, for people.
    pub allowed: &'static str,
    /// The topic setting that overrides it, if there is one.
    pub topic_name: Option<&'static str>,
    /// Where nothing sets it: the older name under which Kafka has its default, and that default as Kafka writes it. Such
    /// a setting has no value of its own then.
    pub otherwise: Option<(&'static str, &'static str)>,
}

impl Definition {
    /// Whether it can be changed while brokers run, for one of them or for all (KIP-226). Those that topics have can: a
    /// broker hands them down to its logs. What else Kafka can change is fixed here (deviation: few-dynamic-settings).
    pub fn is_dynamic(&self) -> bool {
        self.topic_name.is_some()
    }

    /// Whether it is ZooKeeper's (which writes its names in one word) rather than a broker's.
    pub fn is_of_zookeeper(&self) -> bool {
        !self.name.contains('.')
    }
}

macro_rules! settings {
    ($(
        $(#[doc = $doc:literal])+
        $field:ident: $kind:ty = $name:literal, $default:expr $(, lab $lab:expr)? $(, in $range:expr)?
        $(, one_of $choice:expr)? $(, each_of $choices:expr)? $(, topic $topic:literal)?
        $(, otherwise $old:literal $value:literal)?;
    )+) => {
        /// The settings of a broker, by Kafka's names (with `_` for `.`). All brokers of a lab are started with the same.
        #[derive(Clone, Debug, PartialEq, Eq)]
        pub struct Settings {
            $( $(#[doc = $doc])+ pub $field: $kind, )+
        }

        impl Default for Settings {
            /// Kafka's own defaults (`--pace kafka`).
            fn default() -> Self {
                Self { $( $field: $default.into(), )+ }
            }
        }

        /// The table, in the order of the documentation.
        pub static TABLE: &[Definition] = &[ $(
            Definition {
                name: $name,
                doc: concat!($($doc),+),
                kind: <$kind as SettingValue>::KIND,
                allowed: concat!("" $(, stringify!($range))? $(, stringify!($choice))? $(, stringify!($choices))?),
                topic_name: settings!(@optional $($topic)?),
                otherwise: settings!(@optional $(($old, $value))?),
            },
        )+ ];

        impl Settings {
            /// The settings of `--pace lab` (deviation: pace-lab).
            pub fn lab() -> Self {
                Self { $( $( $field: $lab.into(), )? )+ ..Self::default() }
            }

            /// Sets one by Kafka's name, from text.
            pub fn set(&mut self, name: &str, text: &str) -> Result<(), SettingError> {
                match name {
                    $( $name => {
                        let value = <$kind as SettingValue>::parse(text)
                            .ok_or_else(|| SettingError::wrong_type::<$kind>($name, text))?;
                        $( SettingError::check_range($name, &value, $range)?; )?
                        $( SettingError::check_choice($name, &value, &$choice)?; )?
                        $( SettingError::check_choices($name, &value, &$choices)?; )?
                        self.$field = value;
                    } )+
                    _ => return Err(SettingError::unknown(name)),
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
}

settings! {
    /// Partitions of a topic whose creator asked for none in particular.
    num_partitions: i32 = "num.partitions", 1, in 1..;
    /// Replicas of a partition of an automatically created topic, or where the creator said -1.
    default_replication_factor: i32 = "default.replication.factor", 1, in 1..;
    /// Whether naming an unknown topic in a metadata request or a produce creates it.
    auto_create_topics_enable: bool = "auto.create.topics.enable", true;
    /// Whether topics may be deleted at all.
    delete_topic_enable: bool = "delete.topic.enable", true;
    /// With acks=all, how many replicas must have a record before it is acknowledged.
    min_insync_replicas: i32 = "min.insync.replicas", 1, in 1.., topic "min.insync.replicas";
    /// Whether a replica out of sync may lead where no other lives: availability bought with lost records.
    unclean_leader_election_enable: bool = "unclean.leader.election.enable", false, topic "unclean.leader.election.enable";
    /// A follower that has not caught up for this long leaves the in-sync replicas.
    replica_lag_time_max_ms: i64 = "replica.lag.time.max.ms", 30_000, lab 3_000, in 1..;
    /// How long a follower's fetch waits at the leader for something new.
    replica_fetch_wait_max_ms: i32 = "replica.fetch.wait.max.ms", 500, in 1..;
    /// How many bytes a follower's fetch waits for.
    replica_fetch_min_bytes: i32 = "replica.fetch.min.bytes", 1, in 1..;
    /// How many bytes of one partition a follower asks for.
    replica_fetch_max_bytes: i32 = "replica.fetch.max.bytes", 1_048_576, in 1..;
    /// How many bytes a follower asks for in one request.
    replica_fetch_response_max_bytes: i32 = "replica.fetch.response.max.bytes", 10_485_760, in 1..;
    /// How long a follower waits after a failed fetch.
    replica_fetch_backoff_ms: i32 = "replica.fetch.backoff.ms", 1_000, lab 100, in 1..;
    /// How often a broker writes its high watermarks to disk: what a killed broker knows of them.
    replica_high_watermark_checkpoint_interval_ms: i64 = "replica.high.watermark.checkpoint.interval.ms", 5_000, in 1..;
    /// How often the in-flight ISR changes are tried again, and how long brokers wait for the controller.
    controller_socket_timeout_ms: i32 = "controller.socket.timeout.ms", 30_000, lab 2_000, in 1..;
    /// After how long without a word ZooKeeper ends a broker's session, and the broker counts as dead.
    zookeeper_session_timeout_ms: i32 = "zookeeper.session.timeout.ms", 18_000, lab 1_200, in 1..;
    /// ZooKeeper's, not a broker's: sessions end at the first tick after their time-out, and none is shorter than two.
    zookeeper_tick_ms: i32 = "tickTime", 3_000, lab 200, in 1..;
    /// Whether the controller gives leadership back to preferred leaders by itself.
    auto_leader_rebalance_enable: bool = "auto.leader.rebalance.enable", true;
    /// How often the controller looks for partitions that their preferred leader does not lead.
    leader_imbalance_check_interval_seconds: i64 = "leader.imbalance.check.interval.seconds", 300, lab 60, in 1..;
    /// From how many percent of a broker's preferred partitions led elsewhere the controller acts.
    leader_imbalance_per_broker_percentage: i32 = "leader.imbalance.per.broker.percentage", 10, in 0..;
    /// Whether an orderly stop moves the leaders away first.
    controlled_shutdown_enable: bool = "controlled.shutdown.enable", true;
    /// How often a broker asks the controller again to move its leaders.
    controlled_shutdown_max_retries: i32 = "controlled.shutdown.max.retries", 3, in 0..;
    /// How long it waits between two such requests.
    controlled_shutdown_retry_backoff_ms: i64 = "controlled.shutdown.retry.backoff.ms", 5_000, lab 500, in 0..;
    /// The largest record batch that a broker takes, after compression.
    message_max_bytes: i32 = "message.max.bytes", 1_048_588, in 0.., topic "max.message.bytes";
    /// The size at which a log's active segment is closed and a new one begun.
    log_segment_bytes: i32 = "log.segment.bytes", 1_073_741_824, lab 16_777_216, in 14.., topic "segment.bytes";
    /// The age at which an active segment is closed (the timestamp of its first record against the newest).
    log_roll_ms: i64 = "log.roll.ms", 604_800_000, in 1.., topic "segment.ms",
        otherwise "log.roll.hours" "168";
    /// So many records of a log may be appended before they are flushed; the last of them is acknowledged after that.
    log_flush_interval_messages: i64 = "log.flush.interval.messages", i64::MAX, in 1.., topic "flush.messages";
    /// How long records may stay unflushed; 9223372036854775807 for as long as log.flush.scheduler.interval.ms says.
    log_flush_interval_ms: i64 = "log.flush.interval.ms", i64::MAX, in 0.., topic "flush.ms",
        otherwise "log.flush.scheduler.interval.ms" "9223372036854775807";
    /// How often a broker looks for logs that are to be flushed by time; 9223372036854775807 for never.
    log_flush_scheduler_interval_ms: i64 = "log.flush.scheduler.interval.ms", i64::MAX, in 1..;
    /// Who sets a record's timestamp: its producer, or the broker that appends it.
    log_message_timestamp_type: String = "log.message.timestamp.type", "CreateTime",
        one_of ["CreateTime", "LogAppendTime"], topic "message.timestamp.type";
    /// How far before a broker's date the timestamp of a producer's record may lie.
    log_message_timestamp_before_max_ms: i64 = "log.message.timestamp.before.max.ms", i64::MAX, in 0..,
        topic "message.timestamp.before.max.ms";
    /// How far after a broker's date the timestamp of a producer's record may lie.
    log_message_timestamp_after_max_ms: i64 = "log.message.timestamp.after.max.ms", i64::MAX, in 0..,
        topic "message.timestamp.after.max.ms";
    /// How batches are stored: as the producer compressed them, or compressed anew by the leader.
    compression_type: String = "compression.type", "producer",
        one_of ["uncompressed", "zstd", "lz4", "snappy", "gzip", "producer"], topic "compression.type";
    /// What happens to old segments: deleted, or compacted to the newest record of each key, or both.
    log_cleanup_policy: List = "log.cleanup.policy", "delete", each_of ["compact", "delete"], topic "cleanup.policy";
    /// How long records are kept, by the largest timestamp of a segment; -1 for ever.
    log_retention_ms: i64 = "log.retention.ms", 604_800_000, in -1.., topic "retention.ms",
        otherwise "log.retention.hours" "168";
    /// How large a partition may grow before old segments go; -1 without bound (the lab's --memory bounds all logs together).
    log_retention_bytes: i64 = "log.retention.bytes", -1, topic "retention.bytes";
    /// How often a broker looks for segments that retention takes.
    log_retention_check_interval_ms: i64 = "log.retention.check.interval.ms", 300_000, lab 1_000, in 1..;
    /// How long after its start a broker looks for the first time.
    log_initial_task_delay_ms: i64 = "log.initial.task.delay.ms", 30_000, lab 1_000, in 0..;
    /// By how much the age at which an active segment is closed may be shortened, drawn for each log.
    log_roll_jitter_ms: i64 = "log.roll.jitter.ms", 0, in 0.., topic "segment.jitter.ms",
        otherwise "log.roll.jitter.hours" "0";
    /// Whether logs are compacted at all.
    log_cleaner_enable: bool = "log.cleaner.enable", true;
    /// How long the cleaner rests when nothing is to be compacted.
    log_cleaner_backoff_ms: i64 = "log.cleaner.backoff.ms", 15_000, lab 1_000, in 0..;
    /// The memory in which the cleaner notes the newest offset of each key: 24 bytes a key.
    log_cleaner_dedupe_buffer_size: i64 = "log.cleaner.dedupe.buffer.size", 134_217_728, in 1_048_576..;
    /// How much of a log must be new since it was last compacted before it is compacted again.
    log_cleaner_min_cleanable_ratio: Ratio = "log.cleaner.min.cleanable.ratio", Ratio::from_ppm(500_000),
        topic "min.cleanable.dirty.ratio";
    /// For how long a record is safe from compaction.
    log_cleaner_min_compaction_lag_ms: i64 = "log.cleaner.min.compaction.lag.ms", 0, in 0.., topic "min.compaction.lag.ms";
    /// After how long a record is compacted however little is new.
    log_cleaner_max_compaction_lag_ms: i64 = "log.cleaner.max.compaction.lag.ms", i64::MAX, in 1.., topic "max.compaction.lag.ms";
    /// How long compaction keeps the record that deletes a key, so that readers can learn of it.
    log_cleaner_delete_retention_ms: i64 = "log.cleaner.delete.retention.ms", 86_400_000, in 0.., topic "delete.retention.ms";
    /// Partitions of `__consumer_offsets`.
    offsets_topic_num_partitions: i32 = "offsets.topic.num.partitions", 50, lab 10, in 1..;
    /// Replicas of each partition of `__consumer_offsets`; fewer while fewer brokers live is refused, as in Kafka.
    offsets_topic_replication_factor: i16 = "offsets.topic.replication.factor", 3_i16, in 1_i16..;
    /// The segment size of `__consumer_offsets`: small, so that it is compacted and loaded soon.
    offsets_topic_segment_bytes: i32 = "offsets.topic.segment.bytes", 104_857_600, in 1..;
    /// The shortest session that a member of a group may ask for.
    group_min_session_timeout_ms: i32 = "group.min.session.timeout.ms", 6_000, lab 1_000, in 1..;
    /// The longest session that a member of a group may ask for.
    group_max_session_timeout_ms: i32 = "group.max.session.timeout.ms", 1_800_000, in 1..;
    /// How long the coordinator waits for more members after the first one of an empty group.
    group_initial_rebalance_delay_ms: i32 = "group.initial.rebalance.delay.ms", 3_000, lab 1_000, in 0..;
    /// How many members a group may have.
    group_max_size: i32 = "group.max.size", i32::MAX, in 1..;
    /// How long a member of a group of KIP-848 may be silent.
    group_consumer_session_timeout_ms: i32 = "group.consumer.session.timeout.ms", 45_000, lab 3_000, in 1..;
    /// The shortest that it may be silent, whatever the setting before says.
    group_consumer_min_session_timeout_ms: i32 = "group.consumer.min.session.timeout.ms", 45_000, lab 1_000, in 1..;
    /// The longest that it may be silent.
    group_consumer_max_session_timeout_ms: i32 = "group.consumer.max.session.timeout.ms", 60_000, in 1..;
    /// How often a member of a group of KIP-848 is told to send heartbeats.
    group_consumer_heartbeat_interval_ms: i32 = "group.consumer.heartbeat.interval.ms", 5_000, lab 500, in 1..;
    /// The shortest interval that it is told, whatever the setting before says.
    group_consumer_min_heartbeat_interval_ms: i32 = "group.consumer.min.heartbeat.interval.ms", 5_000, lab 100, in 1..;
    /// The longest interval that it is told.
    group_consumer_max_heartbeat_interval_ms: i32 = "group.consumer.max.heartbeat.interval.ms", 15_000, in 1..;
    /// How many members a group of KIP-848 may have.
    group_consumer_max_size: i32 = "group.consumer.max.size", i32::MAX, in 1..;
    /// The assignors that members of a group of KIP-848 may ask for, the one for those that do not ask first.
    group_consumer_assignors: List = "group.consumer.assignors", "uniform,range", each_of ["uniform", "range"];
    /// The longest note beside a committed offset, in bytes.
    offset_metadata_max_bytes: i32 = "offset.metadata.max.bytes", 4_096, in 0..;
    /// How long committed offsets are kept after the group became empty, or after the commit where nobody reads the topic.
    offsets_retention_minutes: i32 = "offsets.retention.minutes", 10_080, in 1..;
    /// How often the coordinator looks for committed offsets that are too old.
    offsets_retention_check_interval_ms: i64 = "offsets.retention.check.interval.ms", 600_000, lab 60_000, in 1..;
    /// How long a commit, or a group's assignment, may take to reach the in-sync replicas.
    offsets_commit_timeout_ms: i32 = "offsets.commit.timeout.ms", 5_000, lab 2_000, in 1..;
    /// The most bytes that one fetch is answered with.
    fetch_max_bytes: i32 = "fetch.max.bytes", 57_671_680, in 1024..;
    /// The largest request that is read from a socket.
    socket_request_max_bytes: i32 = "socket.request.max.bytes", 104_857_600, in 1..;
    /// After how long without a request a connection is closed.
    connections_max_idle_ms: i64 = "connections.max.idle.ms", 600_000, in 1..;
    /// How many connections a broker takes.
    max_connections: i32 = "max.connections", 2_147_483_647, in 0..;
    /// How many incremental fetch sessions a broker keeps.
    max_incremental_fetch_session_cache_slots: i32 = "max.incremental.fetch.session.cache.slots", 1_000, in 0..;
    /// How long the files of what was deleted, truncated or compacted stay on a disk (--data-dir); memory is free at once.
    log_segment_delete_delay_ms: i64 = "log.segment.delete.delay.ms", 60_000, in 0.., topic "file.delete.delay.ms";
}

/// What is different in `after`, in the order of the table.
pub fn changes(before: &Settings, after: &Settings) -> Vec<SettingChange> {
    let value = |settings: &Settings, name| settings.get(name).unwrap_or_default();
    let change = |row: &Definition| SettingChange {
        name: row.name,
        before: value(before, row.name),
        after: value(after, row.name),
    };
    TABLE.iter().map(change).filter(|change| change.before != change.after).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_names_each_setting_once_and_knows_its_value() {
        let settings = Settings::default();
        let mut seen = std::collections::BTreeSet::new();
        for row in TABLE {
            assert!(seen.insert(row.name), "{} stands twice", row.name);
            assert!(settings.get(row.name).is_some());
            assert!(!row.doc.is_empty());
        }
    }

    #[test]
    fn what_it_shows_it_takes_back() {
        let shown = Settings::lab();
        let mut read = Settings::default();
        for row in TABLE {
            read.set(row.name, &shown.get(row.name).unwrap()).unwrap();
        }
        assert_eq!(read, shown);
    }

    #[test]
    fn what_is_wrong_is_refused_with_what_would_be_right() {
        let mut settings = Settings::default();
        let message = |r: Result<(), SettingError>| r.unwrap_err().to_string();
        assert!(message(settings.set("num.partitons", "3")).contains("num.partitions"), "names the nearest");
        assert!(message(settings.set("num.partitions", "three")).contains("INT"));
        assert!(message(settings.set("num.partitions", "0")).contains("1.."));
        assert!(message(settings.set("log.message.timestamp.type", "Never")).contains("LogAppendTime"));
        assert!(message(settings.set("log.cleanup.policy", "delete,forget")).contains("compact"));
        assert_eq!(settings, Settings::default());
    }
}
