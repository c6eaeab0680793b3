//! Producer ids: a broker takes a block of a thousand from ZooKeeper and gives them out one by one. Kafka's
//! `ZkProducerIdManager`: the block is claimed by a conditional write of `/latest_producer_id_block`.

use std::collections::VecDeque;

use serde_json::{Value, json};

use super::Broker;
use super::connection::Origin;
use crate::engine::context::Context;
use crate::engine::zk::client::Ticket;
use crate::engine::zk::op::{CreateMode, Op, OpResult, Write, ZkError};
use crate::protocol::{ErrorCode, InitProducerIdResponse};

/// Where the newest block stands.
const PATH: &str = "/latest_producer_id_block";
/// How many ids a block has (`ProducerIdsBlock.PRODUCER_ID_BLOCK_SIZE`).
const BLOCK: i64 = 1_000;

/// What a broker has of its block, and who waits for the next one.
#[derive(Clone, Debug, Default)]
pub(super) struct ProducerIds {
    next: i64,
    end: i64,
    waiting: VecDeque<Origin>,
    claim: Option<Claim>,
}

/// A claim under way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Claim {
    /// The newest block is being read.
    Reading(Ticket),
    /// The next one is being written: its first id.
    Writing(Ticket, i64),
}

impl Broker {
    /// The next producer id, if this broker's block has one left; else the request waits for the next block.
    pub(crate) fn next_producer_id(&mut self, origin: &Origin, ctx: &mut Context<'_>) -> Option<i64> {
        if self.producer_ids.next < self.producer_ids.end {
            self.producer_ids.next += 1;
            return Some(self.producer_ids.next - 1);
        }
        self.producer_ids.waiting.push_back(origin.clone());
        if self.producer_ids.claim.is_none() {
            self.read_block(ctx);
        }
        None
    }

    fn read_block(&mut self, ctx: &mut Context<'_>) {
        self.producer_ids.claim = Some(Claim::Reading(self.zk.submit(vec![Op::get(PATH)], ctx)));
    }

    /// A ZooKeeper batch is answered; returns whether it was a claim of producer ids.
    pub(super) fn on_producer_ids(
        &mut self,
        ticket: Ticket,
        results: &[Result<OpResult, ZkError>],
        ctx: &mut Context<'_>,
    ) -> bool {
        match self.producer_ids.claim {
            Some(Claim::Reading(mine)) if mine == ticket => self.block_read(results.first(), ctx),
            Some(Claim::Writing(mine, first)) if mine == ticket => self.block_written(first, results.first(), ctx),
            _ => return false,
        }
        true
    }

    fn block_read(&mut self, result: Option<&Result<OpResult, ZkError>>, ctx: &mut Context<'_>) {
        let (first, version) = match result {
            Some(Ok(OpResult::Data { data, stat })) => (block_after(data), Some(stat.version)),
            Some(Err(ZkError::NoNode)) => (0, None),
            _ => return self.give_up_claim(ctx),
        };
        let block = json!({
            "version": 1, "broker": self.id.0,
            "block_start": first.to_string(), "block_end": (first + BLOCK - 1).to_string(),
        });
        let write = match version {
            Some(version) => Write::set(PATH, block.to_string(), version),
            None => Write::create(PATH, block.to_string(), CreateMode::Persistent),
        };
        self.producer_ids.claim = Some(Claim::Writing(self.zk.submit(vec![write.into()], ctx), first));
    }

    fn block_written(&mut self, first: i64, result: Option<&Result<OpResult, ZkError>>, ctx: &mut Context<'_>) {
        match result {
            Some(Ok(_)) => {
                self.producer_ids = ProducerIds {
                    next: first,
                    end: first + BLOCK,
                    waiting: std::mem::take(&mut self.producer_ids.waiting),
                    claim: None,
                };
                self.give_out(ctx);
            }
            // Another broker was faster.
            Some(Err(ZkError::BadVersion | ZkError::NodeExists)) => self.read_block(ctx),
            _ => self.give_up_claim(ctx),
        }
    }

    fn give_out(&mut self, ctx: &mut Context<'_>) {
        while let Some(origin) = self.producer_ids.waiting.pop_front() {
            if let Some(producer_id) = self.next_producer_id(&origin, ctx) {
                let response = InitProducerIdResponse { producer_id, ..InitProducerIdResponse::default() };
                self.reply(&origin, Some(response.into()), ctx);
            }
        }
    }

    /// ZooKeeper cannot be reached: whoever waits is told to try again.
    fn give_up_claim(&mut self, ctx: &mut Context<'_>) {
        self.producer_ids.claim = None;
        for origin in std::mem::take(&mut self.producer_ids.waiting) {
            let error_code = ErrorCode::COORDINATOR_NOT_AVAILABLE;
            let response =
                InitProducerIdResponse { error_code, producer_epoch: -1, ..InitProducerIdResponse::default() };
            self.reply(&origin, Some(response.into()), ctx);
        }
    }
}

/// The first id after the block that the znode holds; 0 where it cannot be read.
fn block_after(data: &[u8]) -> i64 {
    let block: Option<Value> = serde_json::from_slice(data).ok();
    let end = block.as_ref().and_then(|block| block.get("block_end")?.as_str()?.parse::<i64>().ok());
    end.map_or(0, |end| end + 1)
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_next_block_begins_where_the_last_ends() {
        assert_eq!(super::block_after(br#"{"version":1,"broker":2,"block_start":"1000","block_end":"1999"}"#), 2000);
        assert_eq!(super::block_after(b"not json"), 0);
    }
}
