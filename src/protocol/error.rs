//! Kafka's error codes, and what may be wrong with a frame.
//!
//! Codes, names and which of them are worth a retry are those of `org.apache.kafka.common.protocol.Errors` in
//! Kafka 3.9; the sentences are ours.

use super::ApiKey;

/// An error code of Kafka's protocol: 0 is no error, and a number that Kafka 3.9 does not define can be carried.
#[derive(Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ErrorCode(pub i16);

macro_rules! error_codes {
    ($($number:literal $name:ident $($retriable:ident)? $message:literal;)*) => {
        impl ErrorCode {
            $(
                #[doc = concat!($message, " (", stringify!($number), ")")]
                pub const $name: Self = Self($number);
            )*

            /// Every code of Kafka 3.9, in ascending order.
            pub const ALL: &[Self] = &[$(Self($number)),*];

            /// Kafka's name for the code; an unknown code counts as `UNKNOWN_SERVER_ERROR`, as Java's client has it.
            pub const fn name(self) -> &'static str {
                match self.0 {
                    $($number => stringify!($name),)*
                    _ => "UNKNOWN_SERVER_ERROR",
                }
            }

            /// One sentence for people.
            pub const fn message(self) -> &'static str {
                match self.0 {
                    $($number => $message,)*
                    _ => "An error code that Kafka 3.9 does not know.",
                }
            }

            /// Whether a client may send the same request again and hope (Java's `RetriableException`).
            pub const fn is_retriable(self) -> bool {
                match self.0 {
                    $($number => error_codes!(@retriable $($retriable)?),)*
                    _ => false,
                }
            }
        }
    };
    (@retriable) => { false };
    (@retriable retriable) => { true };
}

error_codes! {
    -1 UNKNOWN_SERVER_ERROR "The server met an error that it has no code for.";
    0 NONE "No error.";
    1 OFFSET_OUT_OF_RANGE "The offset lies outside of what the log holds.";
    2 CORRUPT_MESSAGE retriable "The records' checksum, size or format is wrong.";
    3 UNKNOWN_TOPIC_OR_PARTITION retriable "This broker has no such topic or partition.";
    4 INVALID_FETCH_SIZE "The size to fetch is not valid.";
    5 LEADER_NOT_AVAILABLE retriable "The partition has no leader at the moment: an election is under way.";
    6 NOT_LEADER_OR_FOLLOWER retriable "This broker does not lead the partition, or is no replica of it.";
    7 REQUEST_TIMED_OUT retriable "The request was not done within its time.";
    8 BROKER_NOT_AVAILABLE "The broker is not available.";
    9 REPLICA_NOT_AVAILABLE retriable "The replica is not available.";
    10 MESSAGE_TOO_LARGE "The batch is larger than the topic takes.";
    11 STALE_CONTROLLER_EPOCH "The sender is no longer the controller.";
    12 OFFSET_METADATA_TOO_LARGE "The metadata beside a committed offset is too large.";
    13 NETWORK_EXCEPTION retriable "The connection ended before an answer came.";
    14 COORDINATOR_LOAD_IN_PROGRESS retriable "The coordinator is still loading its state.";
    15 COORDINATOR_NOT_AVAILABLE retriable "There is no coordinator at the moment.";
    16 NOT_COORDINATOR retriable "This broker is not the coordinator.";
    17 INVALID_TOPIC_EXCEPTION "The topic's name is not valid, or the topic may not be used so.";
    18 RECORD_LIST_TOO_LARGE "The batch is larger than a segment of the log.";
    19 NOT_ENOUGH_REPLICAS retriable "Too few replicas are in sync: nothing was written.";
    20 NOT_ENOUGH_REPLICAS_AFTER_APPEND retriable "It was written, but too few replicas are in sync.";
    21 INVALID_REQUIRED_ACKS "acks must be -1, 0 or 1.";
    22 ILLEGAL_GENERATION "The group is in another generation.";
    23 INCONSISTENT_GROUP_PROTOCOL "The member shares no protocol with the group.";
    24 INVALID_GROUP_ID "The group's id is not valid.";
    25 UNKNOWN_MEMBER_ID "The group has no such member.";
    26 INVALID_SESSION_TIMEOUT "The session time-out lies outside of what the broker allows.";
    27 REBALANCE_IN_PROGRESS "The group rebalances: the member has to join again.";
    28 INVALID_COMMIT_OFFSET_SIZE "The commit is too large.";
    29 TOPIC_AUTHORIZATION_FAILED "Not authorized for the topic.";
    30 GROUP_AUTHORIZATION_FAILED "Not authorized for the group.";
    31 CLUSTER_AUTHORIZATION_FAILED "Not authorized for the cluster.";
    32 INVALID_TIMESTAMP "A record's timestamp lies too far from the broker's time.";
    33 UNSUPPORTED_SASL_MECHANISM "The broker does not offer this SASL mechanism.";
    34 ILLEGAL_SASL_STATE "The request does not fit the state of the authentication.";
    35 UNSUPPORTED_VERSION "The broker does not serve this version of the API.";
    36 TOPIC_ALREADY_EXISTS "A topic of this name exists.";
    37 INVALID_PARTITIONS "The number of partitions is not valid.";
    38 INVALID_REPLICATION_FACTOR "The replication factor is below 1 or above the number of live brokers.";
    39 INVALID_REPLICA_ASSIGNMENT "The assignment of replicas is not valid.";
    40 INVALID_CONFIG "A setting is not valid.";
    41 NOT_CONTROLLER retriable "This broker is not the controller.";
    42 INVALID_REQUEST "The request contradicts itself or the protocol.";
    43 UNSUPPORTED_FOR_MESSAGE_FORMAT "The format of the stored records cannot do that.";
    44 POLICY_VIOLATION "A policy of the cluster forbids it.";
    45 OUT_OF_ORDER_SEQUENCE_NUMBER "A batch of this producer is missing ahead of this one.";
    46 DUPLICATE_SEQUENCE_NUMBER "The batch was written before.";
    47 INVALID_PRODUCER_EPOCH "The producer's epoch is an old one.";
    48 INVALID_TXN_STATE "The transaction is not in a state for this.";
    49 INVALID_PRODUCER_ID_MAPPING "The producer id does not belong to the transactional id.";
    50 INVALID_TRANSACTION_TIMEOUT "The transaction's time-out is longer than the broker allows.";
    51 CONCURRENT_TRANSACTIONS retriable "Another operation on this transaction is under way.";
    52 TRANSACTION_COORDINATOR_FENCED "The sender is no longer the transaction's coordinator.";
    53 TRANSACTIONAL_ID_AUTHORIZATION_FAILED "Not authorized for the transactional id.";
    54 SECURITY_DISABLED "Security is switched off here.";
    55 OPERATION_NOT_ATTEMPTED "It was not tried, since another part of the request failed.";
    56 KAFKA_STORAGE_ERROR retriable "The broker's disk failed.";
    57 LOG_DIR_NOT_FOUND "The broker has no such log directory.";
    58 SASL_AUTHENTICATION_FAILED "The authentication failed.";
    59 UNKNOWN_PRODUCER_ID "The partition knows nothing (any more) of this producer id.";
    60 REASSIGNMENT_IN_PROGRESS "The partition is being reassigned.";
    61 DELEGATION_TOKEN_AUTH_DISABLED "Delegation tokens are switched off.";
    62 DELEGATION_TOKEN_NOT_FOUND "There is no such delegation token.";
    63 DELEGATION_TOKEN_OWNER_MISMATCH "The delegation token belongs to somebody else.";
    64 DELEGATION_TOKEN_REQUEST_NOT_ALLOWED "Delegation tokens cannot be asked for on this connection.";
    65 DELEGATION_TOKEN_AUTHORIZATION_FAILED "Not authorized for the delegation token.";
    66 DELEGATION_TOKEN_EXPIRED "The delegation token has expired.";
    67 INVALID_PRINCIPAL_TYPE "This type of principal is not supported.";
    68 NON_EMPTY_GROUP "The group has members.";
    69 GROUP_ID_NOT_FOUND "There is no such group.";
    70 FETCH_SESSION_ID_NOT_FOUND retriable "There is no such fetch session.";
    71 INVALID_FETCH_SESSION_EPOCH retriable "The fetch session is at another epoch.";
    72 LISTENER_NOT_FOUND retriable "The leader has no listener of the kind that was asked on.";
    73 TOPIC_DELETION_DISABLED "Topics cannot be deleted here.";
    74 FENCED_LEADER_EPOCH retriable "The leader epoch in the request is older than the broker's.";
    75 UNKNOWN_LEADER_EPOCH retriable "The leader epoch in the request is newer than the broker's.";
    76 UNSUPPORTED_COMPRESSION_TYPE "The client cannot read the partition's compression.";
    77 STALE_BROKER_EPOCH "The broker has registered anew since.";
    78 OFFSET_NOT_AVAILABLE retriable "The new leader's high watermark has not caught up yet.";
    79 MEMBER_ID_REQUIRED "The member has to join again with the id that it was given.";
    80 PREFERRED_LEADER_NOT_AVAILABLE retriable "The preferred leader is not available.";
    81 GROUP_MAX_SIZE_REACHED "The group is full.";
    82 FENCED_INSTANCE_ID "Another member uses this group instance id.";
    83 ELIGIBLE_LEADERS_NOT_AVAILABLE retriable "No replica that could lead is available.";
    84 ELECTION_NOT_NEEDED retriable "The partition's leader is the right one already.";
    85 NO_REASSIGNMENT_IN_PROGRESS "The partition is not being reassigned.";
    86 GROUP_SUBSCRIBED_TO_TOPIC "The group is subscribed to the topic, so its offsets stay.";
    87 INVALID_RECORD "The broker refuses a record.";
    88 UNSTABLE_OFFSET_COMMIT retriable "Committed offsets wait for the end of a transaction.";
    89 THROTTLING_QUOTA_EXCEEDED retriable "A quota is used up.";
    90 PRODUCER_FENCED "A newer producer with the same transactional id is at work.";
    91 RESOURCE_NOT_FOUND "The request names something that does not exist.";
    92 DUPLICATE_RESOURCE "The request names the same thing twice.";
    93 UNACCEPTABLE_CREDENTIAL "The credential does not meet the requirements.";
    94 INCONSISTENT_VOTER_SET "Sender or receiver is not among the expected voters.";
    95 INVALID_UPDATE_VERSION "The state was changed by somebody else in the meantime.";
    96 FEATURE_UPDATE_FAILED "The features could not be updated.";
    97 PRINCIPAL_DESERIALIZATION_FAILURE "The forwarded principal cannot be read.";
    98 SNAPSHOT_NOT_FOUND "There is no such snapshot.";
    99 POSITION_OUT_OF_RANGE "The position lies outside of the snapshot.";
    100 UNKNOWN_TOPIC_ID retriable "This broker has no topic of this id.";
    101 DUPLICATE_BROKER_REGISTRATION "A broker of this id is registered.";
    102 BROKER_ID_NOT_REGISTERED "No broker of this id is registered.";
    103 INCONSISTENT_TOPIC_ID retriable "The log belongs to a topic of another id.";
    104 INCONSISTENT_CLUSTER_ID "The request is meant for another cluster.";
    105 TRANSACTIONAL_ID_NOT_FOUND "There is no such transactional id.";
    106 FETCH_SESSION_TOPIC_ID_ERROR retriable "The fetch session mixes topic names with topic ids.";
    107 INELIGIBLE_REPLICA "The proposed ISR has a replica that may not be in it.";
    108 NEW_LEADER_ELECTED "The ISR was changed, and the leader with it.";
    109 OFFSET_MOVED_TO_TIERED_STORAGE "The offset is in tiered storage now.";
    110 FENCED_MEMBER_EPOCH "The member's epoch is fenced: it has to join again.";
    111 UNRELEASED_INSTANCE_ID "Another member still holds this group instance id.";
    112 UNSUPPORTED_ASSIGNOR "The group does not support this assignor.";
    113 STALE_MEMBER_EPOCH "The member's epoch is an old one: the next heartbeat brings the new one.";
    114 MISMATCHED_ENDPOINT_TYPE "The request went to an endpoint of the wrong kind.";
    115 UNSUPPORTED_ENDPOINT_TYPE "This kind of endpoint is not supported.";
    116 UNKNOWN_CONTROLLER_ID "There is no controller of this id.";
    117 UNKNOWN_SUBSCRIPTION_ID "The telemetry subscription is not valid any more.";
    118 TELEMETRY_TOO_LARGE "The telemetry is larger than the broker takes.";
    119 INVALID_REGISTRATION "The controller refuses the broker's registration.";
    120 TRANSACTION_ABORTABLE "The transaction failed; the client can abort it and go on.";
    121 INVALID_RECORD_STATE "The record is not in a state to be acknowledged.";
    122 SHARE_SESSION_NOT_FOUND retriable "There is no such share session.";
    123 INVALID_SHARE_SESSION_EPOCH retriable "The share session is at another epoch.";
    124 FENCED_STATE_EPOCH "The share group's state is at another epoch.";
    125 INVALID_VOTER_KEY "The voter's key is not the receiver's.";
    126 DUPLICATE_VOTER "The voter is in the set already.";
    127 VOTER_NOT_FOUND "The voter is not in the set.";
    128 INVALID_REGULAR_EXPRESSION "The pattern is not valid.";
}

impl ErrorCode {
    /// Whether this is no error.
    pub const fn is_ok(self) -> bool {
        self.0 == 0
    }

    /// Whether this is an error.
    pub const fn is_error(self) -> bool {
        self.0 != 0
    }
}

/// `NOT_LEADER_OR_FOLLOWER(6)`.
impl std::fmt::Debug for ErrorCode {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}({})", self.name(), self.0)
    }
}

/// `NOT_LEADER_OR_FOLLOWER`.
impl std::fmt::Display for ErrorCode {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.pad(self.name())
    }
}

/// Why a frame is no message. Kafka closes the connection on any of these but one: see
/// [`UnsupportedVersion`](Self::UnsupportedVersion).
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DecodeError {
    /// A field reaches past the end of the frame.
    #[error("{wanted} bytes wanted where {left} are left")]
    Truncated {
        /// What the field needs, in bytes.
        wanted: usize,
        /// What there is, in bytes.
        left: usize,
    },
    /// An array's count is larger than the bytes left can hold.
    #[error("an array of {count} elements does not fit into the {left} bytes left")]
    ArrayTooLong {
        /// The count on the wire.
        count: usize,
        /// What there is, in bytes.
        left: usize,
    },
    /// A string is longer than Kafka takes (32,767 bytes).
    #[error("a string of {length} bytes is longer than Kafka takes")]
    StringTooLong {
        /// The length on the wire, in bytes.
        length: usize,
    },
    /// A string is not UTF-8.
    #[error("a string is not UTF-8")]
    Utf8,
    /// A null where this version has none.
    #[error("a null where there may be none")]
    Null,
    /// A varint is longer than five bytes or larger than 32 bits.
    #[error("a varint of more than 32 bits")]
    Varint,
    /// A tagged field's value does not end where its size says.
    #[error("tagged field {tag} is larger than its value")]
    TagSize {
        /// The field's tag.
        tag: u32,
    },
    /// The header names an API that Kafka 3.9 does not have, or that this codec has no definition of.
    #[error("no API has the key {key}")]
    UnknownApi {
        /// The key on the wire.
        key: i16,
    },
    /// The header names a version that the codec does not cover. For `ApiVersions` the answer is its response in
    /// version 0 with [`ErrorCode::UNSUPPORTED_VERSION`] and the supported ranges (KIP-511), and the connection stays.
    #[error("{} has no version {version}", api_key.name())]
    UnsupportedVersion {
        /// The API.
        api_key: ApiKey,
        /// The version asked for.
        version: i16,
        /// What the answer has to carry.
        correlation_id: i32,
    },
    /// A value within a message or a record is in a version that nothing reads.
    #[error("a value of version {version} is not known")]
    UnknownVersion {
        /// The version ahead of it.
        version: i16,
    },
}
