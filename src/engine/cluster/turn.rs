//! What a handler is lent for one turn: the time, the cluster's one sequence of ids, its node's own generator.

use std::collections::BTreeMap;

use crate::engine::context::{Cause, Context, Effect, Id};
use crate::engine::log::Disks;
use crate::engine::node::NodeId;
use crate::engine::rng::Rng;
use crate::engine::time::{Clock, Now};

/// What all nodes share, and one of them is lent at a time.
#[derive(Clone, Debug)]
pub(super) struct Turn {
    pub(super) now: Now,
    ids: Id,
    seed: u64,
    /// A node's generator is split off the seed by its name, so that one node's draws do not move another's.
    rngs: BTreeMap<NodeId, Rng>,
}

impl Turn {
    pub(super) fn new(seed: u64, epoch_ms: i64) -> Self {
        Self { now: Now { epoch_ms, ..Now::default() }, ids: 0, seed, rngs: BTreeMap::new() }
    }

    /// The next number of the sequence.
    pub(super) fn next_id(&mut self) -> Id {
        self.ids += 1;
        self.ids
    }

    /// A node is gone for good.
    pub(super) fn forget(&mut self, node: NodeId) {
        self.rngs.remove(&node);
    }

    /// Lets `work` be done in a node's name. Returns what came of it, and what is to be carried out.
    pub(super) fn lend<T>(
        &mut self,
        node: NodeId,
        clock: Clock,
        cause: Cause,
        disks: &mut dyn Disks,
        work: impl FnOnce(&mut Context<'_>) -> T,
    ) -> (T, Vec<Effect>) {
        let mut effects = Vec::new();
        let rng = self.rngs.entry(node).or_insert_with(|| Rng::split(self.seed, &node.to_string()));
        let mut ctx =
            Context { now: self.now, node, clock, cause, rng, ids: &mut self.ids, effects: &mut effects, disks };
        let done = work(&mut ctx);
        (done, effects)
    }
}
