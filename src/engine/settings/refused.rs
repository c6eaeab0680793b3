//! Settings that Kafka 3.9 has and the lab refuses, each with its reason: in `docs/settings.md`, and in the answer to
//! whoever sets one. A name may be a family: what begins or ends like it, where the star stands.

/// A setting, or a family of them, and why it is refused.
type Refused = (&'static str, &'static str);

const THROTTLE: &str = "replication is not throttled (deviation: no-throttles)";
const TIERED: &str = "there is no tiered storage";
const FORMAT: &str = "records are stored in the newest format only";
const LEVEL: &str = "each codec has one level here, its own default";
const MILLISECONDS: &str = "it has one name here, that in milliseconds";

/// Of topics.
pub static TOPIC: &[Refused] = &[
    ("compression.gzip.level", LEVEL),
    ("compression.lz4.level", LEVEL),
    ("compression.zstd.level", LEVEL),
    ("follower.replication.throttled.replicas", THROTTLE),
    ("index.interval.bytes", "indexes are written as by default, every 4,096 bytes"),
    ("leader.replication.throttled.replicas", THROTTLE),
    ("local.retention.bytes", TIERED),
    ("local.retention.ms", TIERED),
    ("message.downconversion.enable", "no record is converted for old consumers"),
    ("message.format.version", FORMAT),
    (
        "message.timestamp.difference.max.ms",
        "it is deprecated: message.timestamp.before.max.ms and message.timestamp.after.max.ms are its two sides",
    ),
    ("preallocate", "files grow as they are written"),
    ("remote.log.copy.disable", TIERED),
    ("remote.log.delete.on.disable", TIERED),
    ("remote.storage.enable", TIERED),
    ("segment.index.bytes", "an index grows with its segment"),
];

/// Of brokers.
pub static BROKER: &[Refused] = &[
    ("log.retention.hours", MILLISECONDS),
    ("log.retention.minutes", MILLISECONDS),
    ("log.roll.hours", MILLISECONDS),
    ("log.roll.jitter.hours", MILLISECONDS),
    ("log.dir", "--data-dir says where logs lie"),
    ("log.dirs", "--data-dir says where logs lie"),
    ("listeners", "the lab opens one listener per broker, by --port"),
    ("advertised.*", "the lab opens one listener per broker, by --port"),
    ("listener.*", "the lab opens one listener per broker, by --port"),
    ("inter.broker.*", "brokers talk on the lab's own network"),
    ("zookeeper.*", "the lab's brokers know its own ensemble, and speak to it without a secret"),
    ("sasl.*", "connections are neither encrypted nor authenticated"),
    ("ssl.*", "connections are neither encrypted nor authenticated"),
    ("security.*", "connections are neither encrypted nor authenticated"),
    ("authorizer.class.name", "everybody may do everything"),
    ("delegation.token.*", "connections are neither encrypted nor authenticated"),
    ("num.*.threads", "a broker is one state machine, without threads"),
    ("num.replica.fetchers", "a broker is one state machine, without threads"),
    ("background.threads", "a broker is one state machine, without threads"),
    ("queued.max.*", "a broker takes one request at a time from each connection"),
    ("leader.replication.throttled.rate", THROTTLE),
    ("follower.replication.throttled.rate", THROTTLE),
    ("replica.alter.log.dirs.io.max.bytes.per.second", "a broker has one log directory"),
    ("quota.*", "clients have no quotas"),
    ("client.quota.*", "clients have no quotas"),
    ("remote.*", TIERED),
    ("log.local.retention.*", TIERED),
    ("log.message.format.version", FORMAT),
    (
        "log.message.timestamp.difference.max.ms",
        "it is deprecated: log.message.timestamp.before.max.ms and log.message.timestamp.after.max.ms are its two sides",
    ),
    ("metric*", "the control API says what a broker counts"),
    ("process.roles", "the lab runs on ZooKeeper"),
    ("controller.quorum.*", "the lab runs on ZooKeeper"),
    ("node.id", "the lab gives ids by its own"),
    ("broker.id", "the lab gives ids by its own"),
    ("broker.rack", "brokers have no racks yet (deviation: no-racks)"),
];

/// Why a topic setting is refused, where Kafka has it.
pub fn topic(name: &str) -> Option<&'static str> {
    find(TOPIC, name)
}

/// Why a broker setting is refused, where it is one of those of which more can be said than that it is not there.
pub fn broker(name: &str) -> Option<&'static str> {
    find(BROKER, name)
}

fn find(list: &[Refused], name: &str) -> Option<&'static str> {
    let is = |family: &str| match family.split_once('*') {
        Some((start, end)) => name.strip_prefix(start).is_some_and(|rest| rest.ends_with(end)),
        None => family == name,
    };
    list.iter().find(|(family, _)| is(family)).map(|(_, why)| *why)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::{settings, topic_settings};

    #[test]
    fn nothing_is_both_refused_and_there() {
        for row in settings::TABLE.iter().filter(|row| !row.name.starts_with("zookeeper.")) {
            assert_eq!(broker(row.name), None, "{}", row.name);
        }
        for row in topic_settings::TABLE {
            assert_eq!(topic(row.name), None, "{}", row.name);
        }
    }

    #[test]
    fn a_family_is_known_by_its_beginning_and_its_end() {
        assert!(broker("ssl.keystore.type").is_some() && broker("num.io.threads").is_some());
        assert!(broker("num.partitions").is_none() && broker("ssl").is_none());
    }
}
