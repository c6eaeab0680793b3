//! Built-in producers and consumers, and their names.

use std::collections::BTreeMap;

use crate::engine::cluster::Cluster;
use crate::engine::node::ClientId;
use crate::session::event::NodeRef;
use crate::session::snapshot::{Consumer, Producer};

pub(super) fn project(_cluster: &Cluster) -> (BTreeMap<u32, Producer>, BTreeMap<u32, Consumer>) {
    (BTreeMap::new(), BTreeMap::new())
}

/// A client, as events name it.
pub(super) fn node_ref(_cluster: &Cluster, id: ClientId) -> NodeRef {
    NodeRef::Producer(id.0, id.to_string().into())
}
