//! The records of `__consumer_offsets`: keys, values, and how they lie in a record. Definitions and their codec only.
//!
//! A group's state is what the coordinator has written into its partition of this topic: committed offsets and the
//! members of classic groups, and for groups of KIP-848 a record for each part of the group. The topic is compacted, so
//! the newest value of a key counts, and a record without a value deletes.
//!
//! Key and value each have a version ahead. That of the key says what kind of record it is: 0 and 1 are offsets, 2 is a
//! classic group, 3 to 8 and 16 are parts of a group of KIP-848. Kinds that are not known here are
//! [`GroupRecord::Unknown`] and left as they are, as Kafka's coordinator passes over them. A value of a version that is
//! not known is an error.
//!
//! Sources: `GroupCoordinatorRecordSerde`, `GroupCoordinatorRecordHelpers` and the JSON files of `group-coordinator` in
//! Kafka 3.9; key 16 is that of Kafka 4.0.

mod parts;
mod text;
mod values;

use bytes::Bytes;

use super::wire::Layout;
use super::{DecodeError, versioned};

pub use parts::Told;
pub use text::TopicName;
pub use values::*;

macro_rules! group_records {
    ($($(#[$doc:meta])* $name:ident: $key:ident, $value:ident;)*) => {
        /// A record of `__consumer_offsets`. Without a value it deletes what its key names.
        #[derive(Clone, Debug, PartialEq, Eq)]
        pub enum GroupRecord {
            $(
                $(#[$doc])*
                $name {
                    /// What it is about.
                    key: $key,
                    /// What it says; none deletes.
                    value: Option<$value>,
                },
            )*
            /// A kind of record that is not known here (of share and streams groups, for instance), as it is.
            Unknown {
                /// The version of the key.
                key_version: i16,
                /// The key, with its version.
                key: Bytes,
                /// The value, with its version; none deletes.
                value: Option<Bytes>,
            },
        }

        $(
            impl From<($key, Option<$value>)> for GroupRecord {
                fn from((key, value): ($key, Option<$value>)) -> Self {
                    Self::$name { key, value }
                }
            }
        )*

        impl GroupRecord {
            /// Reads a record. The error is a key that is cut off, or a value that is damaged or of a version that is
            /// not known.
            pub fn decode(key: &Bytes, value: Option<&Bytes>) -> Result<Self, DecodeError> {
                let key_version = versioned::version_of(key)?;
                $(
                    if $key::VERSIONS.contains(&key_version) {
                        let key: $key = versioned::decode(key, layout(key_version, $key::FLEXIBLE))?;
                        let value = value.map(|value| {
                            let version = versioned::version_of(value)?;
                            if !$value::VERSIONS.contains(&version) {
                                return Err(DecodeError::UnknownVersion { version });
                            }
                            versioned::decode(value, layout(version, $value::FLEXIBLE))
                        });
                        return Ok(Self::$name { key, value: value.transpose()? });
                    }
                )*
                Ok(Self::Unknown { key_version, key: key.clone(), value: value.cloned() })
            }

            /// The key and the value as Kafka 3.9 writes them.
            pub fn encode(&self) -> (Bytes, Option<Bytes>) {
                match self {
                    $(Self::$name { key, value } => (
                        versioned::encode(key, layout(*$key::VERSIONS.end(), $key::FLEXIBLE)),
                        value.as_ref().map(|value| versioned::encode(value, layout(value.version(), $value::FLEXIBLE))),
                    ),)*
                    Self::Unknown { key, value, .. } => (key.clone(), value.clone()),
                }
            }
        }

        /// Random records, and the versions that their values can have.
        #[cfg(test)]
        pub(super) const SAMPLES: &[(fn(&mut super::tests::sample::Source<'_>) -> GroupRecord, Versions)] =
            &[$((
                |source| {
                    use super::tests::sample::Sample;
                    GroupRecord::$name { key: $key::sample(source), value: Option::sample(source) }
                },
                $value::VERSIONS,
            )),*];
    };
}

/// The versions of a value.
#[cfg(test)]
type Versions = std::ops::RangeInclusive<i16>;

/// The layout of a version.
const fn layout(version: i16, first_flexible: i16) -> Layout {
    Layout { version, flexible: version >= first_flexible }
}

group_records! {
    /// An offset that a group committed.
    OffsetCommit: OffsetCommitKey, OffsetCommitValue;
    /// A classic group.
    GroupMetadata: GroupMetadataKey, GroupMetadataValue;
    /// The epoch of a group of KIP-848.
    ConsumerGroupMetadata: ConsumerGroupMetadataKey, ConsumerGroupMetadataValue;
    /// The topics that such a group is subscribed to.
    ConsumerGroupPartitionMetadata: ConsumerGroupPartitionMetadataKey, ConsumerGroupPartitionMetadataValue;
    /// A member of such a group, as it presented itself.
    ConsumerGroupMemberMetadata: ConsumerGroupMemberMetadataKey, ConsumerGroupMemberMetadataValue;
    /// The epoch of the target assignment.
    ConsumerGroupTargetAssignmentMetadata:
        ConsumerGroupTargetAssignmentMetadataKey, ConsumerGroupTargetAssignmentMetadataValue;
    /// What a member is to own.
    ConsumerGroupTargetAssignmentMember:
        ConsumerGroupTargetAssignmentMemberKey, ConsumerGroupTargetAssignmentMemberValue;
    /// What a member owns.
    ConsumerGroupCurrentMemberAssignment:
        ConsumerGroupCurrentMemberAssignmentKey, ConsumerGroupCurrentMemberAssignmentValue;
    /// The topics that a pattern stands for (Kafka 4.0).
    ConsumerGroupRegularExpression: ConsumerGroupRegularExpressionKey, ConsumerGroupRegularExpressionValue;
}
