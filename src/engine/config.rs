//! What a lab is started with: how many of what, the seed, the broker settings, where it is advertised.

use std::sync::Arc;
use std::time::Duration;

use super::client::ClientSpec;
use super::node::BrokerId;
use super::settings::Settings;

/// What a lab is started with. Everything in it is data: the same config, inputs and times give the same run.
#[derive(Clone, Debug)]
pub struct Config {
    /// The seed of everything random.
    pub seed: u64,
    /// Broker ids are 1..=brokers.
    pub brokers: u32,
    /// ZooKeeper ids are 1..=zookeepers.
    pub zookeepers: u8,
    /// The brokers' settings, one table for all.
    pub settings: Arc<Settings>,
    /// Host that clients are told to connect to.
    pub advertised_host: Arc<str>,
    /// Port of each broker, in the order of their ids.
    pub ports: Vec<u16>,
    /// Least and most delay of a link between two nodes.
    pub link_delay: (Duration, Duration),
    /// The built-in clients, numbered from 1.
    pub clients: Vec<ClientSpec>,
    /// How many bytes of batches the logs of all brokers may hold in memory; 0 for no bound.
    pub memory_bytes: u64,
    /// Whether logs are on files, which memory need not bound.
    pub lasting: bool,
    /// Where logs lie, as `DescribeLogDirs` says it: each broker has a folder of its own there.
    pub log_dirs: Arc<str>,
}

impl Config {
    /// The default lab: three brokers, one ZooKeeper server, loopback.
    pub fn new(seed: u64) -> Self {
        Self {
            seed,
            brokers: 3,
            zookeepers: 1,
            settings: Arc::new(Settings::default()),
            advertised_host: "127.0.0.1".into(),
            ports: vec![9092, 9093, 9094],
            link_delay: (Duration::from_micros(50), Duration::from_micros(200)),
            clients: Vec::new(),
            memory_bytes: 0,
            lasting: false,
            log_dirs: "/memory".into(),
        }
    }

    /// The ids of the brokers that the lab starts with.
    pub fn broker_ids(&self) -> impl Iterator<Item = BrokerId> + use<> {
        (1..=i32::try_from(self.brokers).unwrap_or(i32::MAX)).map(BrokerId)
    }
}

/// How many segments the memory bound is worth: what is freed at once is so small a part of it.
const MEMORY_SEGMENTS: u64 = 64;

/// The smallest segment in memory.
const LEAST_MEMORY_SEGMENT: u64 = 64 * 1024;

impl Config {
    /// How large a segment in memory may grow, so that [`Config::memory_bytes`] can be held.
    pub fn memory_segment_bytes(&self) -> u64 {
        match self.memory_bytes {
            _ if self.lasting => u64::MAX,
            0 => u64::MAX,
            bytes => (bytes / MEMORY_SEGMENTS).max(LEAST_MEMORY_SEGMENT),
        }
    }

    /// The port of a broker; 0 for one that the configuration does not know.
    pub fn port(&self, id: BrokerId) -> u16 {
        usize::try_from(id.0 - 1).ok().and_then(|index| self.ports.get(index)).copied().unwrap_or(0)
    }
}
