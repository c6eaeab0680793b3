//! The batches of a segment in memory: a sequence that grows at its end and whose clone costs next to nothing.
//!
//! ```text
//! levels[1]   [node of 1,024] [node of 1,024]                        oldest
//! levels[0]                                   [node of 32] [..]
//! tail                                                          ...  newest, fewer than 32
//! ```
//!
//! A full tail becomes a node, 32 nodes become one of the level above, as digits carry. Nodes never change, so clones
//! share them; what a clone copies is the tail and a list of at most 31 pointers per level. Each node knows how far it
//! reaches, in offsets and in time, which makes a search a walk down one path.

use std::sync::Arc;

use super::storage::StoredBatch;

/// How many children a node has.
const FANOUT: usize = 32;

/// An append-only sequence of batches with rising offsets.
#[derive(Clone, Debug, Default)]
pub(super) struct BatchTree {
    tail: Vec<StoredBatch>,
    levels: Vec<Vec<Arc<Node>>>,
}

#[derive(Debug)]
struct Node {
    reach: Reach,
    children: Children,
}

#[derive(Debug)]
enum Children {
    Batches(Vec<StoredBatch>),
    Nodes(Vec<Arc<Node>>),
}

/// How far a batch or a node goes.
#[derive(Clone, Copy, Debug)]
pub(super) struct Reach {
    /// The last offset in it.
    pub(super) last_offset: i64,
    /// The largest timestamp in it, ms since 1970.
    pub(super) max_timestamp_ms: i64,
}

impl Reach {
    fn and(self, other: Self) -> Self {
        Self {
            last_offset: self.last_offset.max(other.last_offset),
            max_timestamp_ms: self.max_timestamp_ms.max(other.max_timestamp_ms),
        }
    }

    fn of_all(all: impl Iterator<Item = Self>) -> Self {
        all.reduce(Self::and).unwrap_or(Self { last_offset: -1, max_timestamp_ms: -1 })
    }
}

/// What a search looks at.
trait Reaching {
    fn reach(&self) -> Reach;
}

impl Reaching for StoredBatch {
    fn reach(&self) -> Reach {
        Reach { last_offset: self.header.last_offset(), max_timestamp_ms: self.header.max_timestamp }
    }
}

impl Reaching for Arc<Node> {
    fn reach(&self) -> Reach {
        self.reach
    }
}

/// What is left of `list` from the first element on that `wanted` holds for.
fn from_first<T: Reaching>(list: &[T], wanted: impl Fn(Reach) -> bool) -> &[T] {
    let first = list.iter().position(|element| wanted(element.reach()));
    first.and_then(|at| list.get(at..)).unwrap_or_default()
}

impl BatchTree {
    /// Appends a batch.
    pub(super) fn push(&mut self, batch: StoredBatch) {
        self.tail.push(batch);
        if self.tail.len() < FANOUT {
            return;
        }
        let batches = std::mem::take(&mut self.tail);
        let reach = Reach::of_all(batches.iter().map(Reaching::reach));
        let mut full = Arc::new(Node { reach, children: Children::Batches(batches) });
        for level in &mut self.levels {
            level.push(full);
            if level.len() < FANOUT {
                return;
            }
            let nodes = std::mem::take(level);
            let reach = Reach::of_all(nodes.iter().map(Reaching::reach));
            full = Arc::new(Node { reach, children: Children::Nodes(nodes) });
        }
        self.levels.push(vec![full]);
    }

    /// Takes the newest batch away.
    pub(super) fn pop(&mut self) -> Option<StoredBatch> {
        if self.tail.is_empty() {
            self.refill_tail();
        }
        self.tail.pop()
    }

    /// Takes the newest node apart, down to a full tail.
    fn refill_tail(&mut self) {
        let Some(lowest) = self.levels.iter().position(|level| !level.is_empty()) else { return };
        let mut newest: Option<Arc<Node>> = None;
        for level in self.levels.iter_mut().take(lowest + 1).rev() {
            if let Some(Children::Nodes(nodes)) = newest.as_deref().map(|node| &node.children) {
                level.clone_from(nodes);
            }
            newest = level.pop();
        }
        if let Some(Children::Batches(batches)) = newest.as_deref().map(|node| &node.children) {
            self.tail.clone_from(batches);
        }
    }

    /// The newest batch.
    pub(super) fn last(&self) -> Option<&StoredBatch> {
        self.tail.last().or_else(|| {
            let mut node = self.levels.iter().find_map(|level| level.last())?;
            loop {
                match &node.children {
                    Children::Batches(batches) => return batches.last(),
                    Children::Nodes(nodes) => node = nodes.last()?,
                }
            }
        })
    }

    /// How far the whole sequence goes; -1 where there is nothing.
    pub(super) fn reach(&self) -> Reach {
        let nodes = self.levels.iter().flatten().map(Reaching::reach);
        Reach::of_all(nodes.chain(self.tail.iter().map(Reaching::reach)))
    }

    /// The batches from the first on that `wanted` holds for, oldest first. It looks at no more than 32 elements of
    /// each level.
    pub(super) fn iter_from(&self, wanted: impl Fn(Reach) -> bool) -> Iter<'_> {
        for (at, nodes) in self.levels.iter().enumerate().rev() {
            let nodes = from_first(nodes, &wanted);
            if !nodes.is_empty() {
                // The levels below are newer: they come later, so they lie deeper on the stack.
                let mut stack: Vec<_> = self.levels.iter().take(at).map(Vec::as_slice).collect();
                stack.push(nodes);
                let mut iter = Iter { stack, leaf: &[], tail: &self.tail };
                iter.descend(&wanted);
                return iter;
            }
        }
        Iter { stack: Vec::new(), leaf: from_first(&self.tail, wanted), tail: &[] }
    }
}

/// Goes through batches, oldest first.
#[derive(Debug)]
pub(super) struct Iter<'a> {
    stack: Vec<&'a [Arc<Node>]>,
    leaf: &'a [StoredBatch],
    tail: &'a [StoredBatch],
}

impl<'a> Iter<'a> {
    /// Goes down from the next node to the first batch in it that is wanted.
    fn descend(&mut self, wanted: &impl Fn(Reach) -> bool) {
        while let Some(node) = self.pop_node() {
            match &node.children {
                Children::Batches(batches) => {
                    self.leaf = from_first(batches, wanted);
                    return;
                }
                Children::Nodes(nodes) => self.stack.push(from_first(nodes, wanted)),
            }
        }
    }

    fn pop_node(&mut self) -> Option<&'a Node> {
        while let Some(nodes) = self.stack.pop() {
            if let Some((first, rest)) = nodes.split_first() {
                self.stack.push(rest);
                return Some(first);
            }
        }
        None
    }
}

impl<'a> Iterator for Iter<'a> {
    type Item = &'a StoredBatch;

    fn next(&mut self) -> Option<&'a StoredBatch> {
        loop {
            if let Some((first, rest)) = self.leaf.split_first() {
                self.leaf = rest;
                return Some(first);
            }
            match self.pop_node().map(|node| &node.children) {
                Some(Children::Batches(batches)) => self.leaf = batches,
                Some(Children::Nodes(nodes)) => self.stack.push(nodes),
                None if self.tail.is_empty() => return None,
                None => self.leaf = std::mem::take(&mut self.tail),
            }
        }
    }
}
