//! stub
use crate::engine::cluster::Cluster;
use crate::engine::broker::metadata::MetadataCache;
use crate::engine::node::BrokerId;
pub(super) fn controller(_: &Cluster) -> Option<BrokerId> { None }
pub(super) fn metadata(_: &Cluster) -> Option<&MetadataCache> { None }
