//! A broker as the cluster holds it: its disk, and its process while it runs.

use crate::engine::broker::{Broker, Disk};
use crate::engine::context::Id;
use crate::engine::node::BrokerId;
use crate::engine::time::Time;

/// A broker's process.
#[derive(Clone, Debug)]
pub enum Process {
    /// It runs.
    Running(Box<Broker>),
    /// It does not; this is what it left on its disk.
    Dead(Disk),
}

/// A broker: a place that may run a process.
#[derive(Clone, Debug)]
pub struct BrokerNode {
    /// Its id.
    pub id: BrokerId,
    /// Its process.
    pub process: Process,
    /// Since when the process is as it is, in lab time.
    pub since: Time,
    /// The event that ended the process, while it is dead.
    pub ended_by: Option<Id>,
}

impl BrokerNode {
    /// A broker that has never run.
    pub fn new(id: BrokerId) -> Self {
        Self { id, process: Process::Dead(Disk::default()), since: Time::ZERO, ended_by: None }
    }

    /// The running process.
    pub fn running(&self) -> Option<&Broker> {
        match &self.process {
            Process::Running(broker) => Some(broker),
            Process::Dead(_) => None,
        }
    }

    /// The running process, to change it.
    pub fn running_mut(&mut self) -> Option<&mut Broker> {
        match &mut self.process {
            Process::Running(broker) => Some(broker),
            Process::Dead(_) => None,
        }
    }
}
