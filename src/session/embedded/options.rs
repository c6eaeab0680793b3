//! What a lab is started with, in the words of the command line.

use std::net::IpAddr;
use std::ops::RangeInclusive;
use std::path::PathBuf;
use std::sync::Arc;

use thiserror::Error;

use crate::engine::client::{Patience, default_lab};
use crate::engine::config::Config;
use crate::engine::runtime;
use crate::engine::settings::{SettingError, Settings};

/// Kafka's name of the setting that a small lab is started with.
const OFFSETS_REPLICAS: &str = "offsets.topic.replication.factor";

/// What a lab is started with. See the command line's options of the same names.
#[derive(Clone, Debug)]
pub struct LabOptions {
    /// How many brokers: 1 and up.
    pub brokers: u16,
    /// How many ZooKeeper servers: 1 and up.
    pub zookeepers: u8,
    /// The first broker's port; 0 for any free ones, `None` for the usual ones or the next free block.
    pub port: Option<u16>,
    /// The first ZooKeeper server's port, likewise.
    pub zk_port: Option<u16>,
    /// Where to listen instead of loopback.
    pub listen: Option<IpAddr>,
    /// The host that clients are told.
    pub advertise: Option<Arc<str>>,
    /// What the logs may hold, in bytes.
    pub memory_bytes: u64,
    /// The seed of everything random.
    pub seed: u64,
    /// Lab time per real time, in millionths.
    pub rate_ppm: u64,
    /// Whether there are a topic and clients from the start.
    pub traffic: bool,
    /// Where logs and ZooKeeper's state are kept; `None` for memory.
    pub data_dir: Option<PathBuf>,
    settings: Settings,
    /// Whether `offsets.topic.replication.factor` was asked for.
    offsets_replicas_set: bool,
}

/// A broker setting that was not taken: what is wrong, in one line.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error(transparent)]
pub struct OptionError(#[from] SettingError);

impl LabOptions {
    /// The rates that a lab can run at, in millionths of real time.
    pub const RATE_RANGE_PPM: RangeInclusive<u64> = runtime::RATE_RANGE_PPM;

    /// The default lab, with Kafka's time-outs or with short ones.
    pub fn new(kafka_pace: bool) -> Self {
        Self {
            brokers: 3,
            zookeepers: 1,
            port: None,
            zk_port: None,
            listen: None,
            advertise: None,
            memory_bytes: 1 << 30,
            seed: 1,
            rate_ppm: runtime::REAL_TIME_PPM,
            traffic: true,
            data_dir: None,
            offsets_replicas_set: false,
            settings: if kafka_pace { Settings::default() } else { Settings::lab() },
        }
    }

    /// Sets a broker setting under Kafka's own name.
    pub fn set(&mut self, name: &str, value: &str) -> Result<(), OptionError> {
        self.settings.set(name, value)?;
        self.offsets_replicas_set |= name == OFFSETS_REPLICAS;
        Ok(())
    }

    /// The host that clients are told.
    pub(super) fn advertised_host(&self) -> Arc<str> {
        self.advertise.clone().unwrap_or_else(|| "127.0.0.1".into())
    }

    /// The lab's name on the screen.
    pub(super) fn name(&self) -> Arc<str> {
        if self.traffic { "trucks".into() } else { "lab".into() }
    }

    /// How long built-in clients wait: by the pace of the brokers.
    pub(super) fn patience(&self) -> Patience {
        let timeout_ms = u64::try_from(self.settings.zookeeper_session_timeout_ms).unwrap_or_default();
        if timeout_ms < 6_000 { Patience::LAB } else { Patience::KAFKA }
    }

    /// As the engine wants it, on the ports that were taken.
    pub(super) fn config(&self, ports: Vec<u16>) -> Config {
        let clients = if self.traffic { default_lab(self.brokers.into(), &self.patience()).1 } else { Vec::new() };
        Config {
            clients,
            brokers: self.brokers.into(),
            zookeepers: self.zookeepers,
            settings: Arc::new(self.settings()),
            advertised_host: self.advertised_host(),
            ports,
            memory_bytes: self.memory_bytes,
            lasting: self.data_dir.is_some(),
            log_dirs: self.log_dirs(),
            ..Config::new(self.seed)
        }
    }

    /// The brokers' settings. A lab of fewer brokers than `__consumer_offsets` wants replicas could have no groups: it is
    /// started with as many as there are brokers, unless somebody says otherwise (deviation: fewer-offsets-replicas).
    fn settings(&self) -> Settings {
        let most = i16::try_from(self.brokers).unwrap_or(i16::MAX);
        let mut settings = self.settings.clone();
        if !self.offsets_replicas_set {
            settings.offsets_topic_replication_factor = settings.offsets_topic_replication_factor.min(most);
        }
        settings
    }

    /// The data directory as an absolute path, or a name for memory.
    fn log_dirs(&self) -> Arc<str> {
        let absolute = self.data_dir.as_ref().map(|dir| std::path::absolute(dir).unwrap_or_else(|_| dir.clone()));
        absolute.map_or_else(|| "/memory".into(), |dir| dir.display().to_string().into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lab_of_one_broker_has_groups_unless_somebody_says_otherwise() {
        let replicas = |options: &LabOptions| options.config(vec![9092]).settings.offsets_topic_replication_factor;
        let mut options = LabOptions { brokers: 1, ..LabOptions::new(false) };
        assert_eq!(replicas(&options), 1);
        assert_eq!(replicas(&LabOptions { brokers: 5, ..LabOptions::new(false) }), 3);
        options.set(OFFSETS_REPLICAS, "2").unwrap();
        assert_eq!(replicas(&options), 2);
    }
}
