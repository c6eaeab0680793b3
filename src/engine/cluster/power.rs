//! What a power loss does: the process is gone like after a kill, and with it what the page cache held of its logs.

use std::sync::Arc;

use super::{BrokerNode, Cluster, Outside, Process};
use crate::engine::context::Cause;
use crate::engine::event::{BrokerEvent, EventKind, Lost};
use crate::engine::log::Disks;
use crate::engine::message::{Answer, By};
use crate::engine::node::{BrokerId, NodeId};

impl Cluster {
    /// A running broker's machine loses power.
    pub(super) fn lose_power(&mut self, id: BrokerId, by: By, outside: &mut Outside<'_>) -> Answer {
        let Some(broker) = self.broker(id).and_then(BrokerNode::running) else {
            return Answer::Refused(format!("{id} does not run"));
        };
        let lost: Vec<Lost> =
            broker.replicas.values().filter_map(|replica| Lost::of(&replica.id, &replica.log)).collect();
        self.touched.extend(lost.iter().map(|lost| (id, lost.partition.clone())));
        let kind = EventKind::Broker(BrokerEvent::LostPower { by, lost });
        let event = self.say(NodeId::Broker(id), kind, Cause::default());
        self.end_process(id, event, outside);
        if let Some(node) = self.brokers.get_mut(&id).map(Arc::make_mut) {
            node.lose_unflushed(outside.disks);
        }
        Answer::Done
    }
}

impl BrokerNode {
    /// What a dead broker's disk has not got goes; the checkpoint of the high watermarks may say more than is left.
    fn lose_unflushed(&mut self, disks: &mut dyn Disks) {
        let Process::Dead(disk) = &mut self.process else { return };
        for (partition, stored) in &mut disk.logs {
            // A disk that fails now is looked at when a process starts on it.
            if let Err(error) = Arc::make_mut(&mut stored.log).lose_unflushed(disks.log(self.id, partition)) {
                disk.failed = Some(error.to_string().into());
            }
            stored.high_watermark = stored.high_watermark.min(stored.log.log_end_offset());
        }
    }
}
