//! What consumers say to each other within `JoinGroup` and `SyncGroup`: subscriptions and assignments. Definitions and
//! their codec only; who gets what is for the assignors.
//!
//! The coordinator of a classic group passes these on as bytes. Each has its version ahead; one that is newer than
//! what is known here is read as the newest that is, so that members of several versions share a group, and bytes
//! behind the last field are passed over. Versions below 0 are refused. Source: `ConsumerProtocol`,
//! `ConsumerProtocolSubscription.json`, `ConsumerProtocolAssignment.json` (KIP-429, KIP-792, KIP-881).
//!
//! The user data of a subscription is the assignor's own: [`StickyAssignorUserData`] and
//! [`CooperativeStickyAssignorUserData`], which have no version ahead.

use std::sync::Arc;

use bytes::Bytes;

use super::definition::message;
use super::wire::Layout;
use super::{DecodeError, versioned};

/// What a group of consumers says it is for (`ConsumerProtocol.PROTOCOL_TYPE`).
pub const PROTOCOL_TYPE: &str = "consumer";

/// The generation of a member that has been in none (`AbstractStickyAssignor.DEFAULT_GENERATION`).
pub const NO_GENERATION: i32 = -1;

message! {
    /// What a member wants, and what it owned.
    pub struct ConsumerProtocolSubscription (0..=3, flexible 4) {
        /// The topics that it wants.
        topics: Vec<Arc<str>>,
        /// What its assignor has to say.
        user_data: Option<Bytes>,
        /// What it owned when it joined, by topic (KIP-429).
        owned_partitions: Vec<TopicPartition> [1..],
        /// The generation that it owned them in, or [`NO_GENERATION`] (KIP-792).
        generation_id: i32 [2..] = NO_GENERATION,
        /// Its rack (KIP-881).
        rack_id: Option<Arc<str>> [3..],
    }

    /// What a member gets.
    pub struct ConsumerProtocolAssignment (0..=3, flexible 4) {
        /// The partitions, by topic.
        assigned_partitions: Vec<TopicPartition>,
        /// What the leader's assignor has to say.
        user_data: Option<Bytes>,
    }

    /// Partitions of one topic.
    pub struct TopicPartition {
        /// The topic.
        topic: Arc<str>,
        /// The partitions.
        partitions: Vec<i32>,
    }

    /// What a member with the assignor `sticky` says beside its subscription (`StickyAssignor.MemberData`): the version
    /// is not in the bytes.
    pub struct StickyAssignorUserData (0..=1, flexible 2) {
        /// What it owned, by topic.
        previous_assignment: Vec<TopicPartition>,
        /// The generation that it owned it in, or [`NO_GENERATION`] (KIP-341).
        generation: i32 [1..] = NO_GENERATION,
    }

    /// What a member with the assignor `cooperative-sticky` says beside its subscription, for leaders that do not read
    /// version 2 of it.
    pub struct CooperativeStickyAssignorUserData (0..=0, flexible 1) {
        /// The generation that it owned its partitions in, or [`NO_GENERATION`].
        generation: i32 = NO_GENERATION,
    }
}

/// The old layout of a version.
const fn plain(version: i16) -> Layout {
    Layout { version, flexible: false }
}

/// Which version to read where `version` is ahead.
fn known(version: i16, newest: i16) -> Result<Layout, DecodeError> {
    if version < 0 { Err(DecodeError::UnknownVersion { version }) } else { Ok(plain(version.min(newest))) }
}

impl ConsumerProtocolSubscription {
    /// The newest version.
    pub const NEWEST: i16 = *Self::VERSIONS.end();

    /// The bytes of a version, the newest at most.
    pub fn to_bytes(&self, version: i16) -> Bytes {
        versioned::encode(self, plain(version.clamp(0, Self::NEWEST)))
    }

    /// Reads what a member said.
    pub fn from_bytes(bytes: &Bytes) -> Result<Self, DecodeError> {
        versioned::decode(bytes, known(versioned::version_of(bytes)?, Self::NEWEST)?)
    }
}

impl ConsumerProtocolAssignment {
    /// The newest version.
    pub const NEWEST: i16 = *Self::VERSIONS.end();

    /// The bytes of a version, the newest at most.
    pub fn to_bytes(&self, version: i16) -> Bytes {
        versioned::encode(self, plain(version.clamp(0, Self::NEWEST)))
    }

    /// Reads what a leader made. Bytes of length 0 are not one: a member that gets nothing says so with no bytes.
    pub fn from_bytes(bytes: &Bytes) -> Result<Self, DecodeError> {
        versioned::decode(bytes, known(versioned::version_of(bytes)?, Self::NEWEST)?)
    }
}

impl StickyAssignorUserData {
    /// The bytes of version 1.
    pub fn to_bytes(&self) -> Bytes {
        versioned::encode_bare(self, plain(1))
    }

    /// Reads version 1, or version 0 where that does not fit.
    pub fn from_bytes(bytes: &Bytes) -> Result<Self, DecodeError> {
        versioned::decode_bare(bytes, plain(1)).or_else(|_| versioned::decode_bare(bytes, plain(0)))
    }
}

impl CooperativeStickyAssignorUserData {
    /// The bytes.
    pub fn to_bytes(&self) -> Bytes {
        versioned::encode_bare(self, plain(0))
    }

    /// Reads them.
    pub fn from_bytes(bytes: &Bytes) -> Result<Self, DecodeError> {
        versioned::decode_bare(bytes, plain(0))
    }
}
