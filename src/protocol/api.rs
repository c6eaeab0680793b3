//! Which APIs there are: [`ApiKey`] for all of Kafka 3.9, [`Request`] and [`Response`] for those with a definition.
//!
//! One table makes the enums and the dispatch between them. Which versions a broker serves is not said here but beside
//! its handlers; the ranges here are those that the codec can read and write.

use std::ops::RangeInclusive;

use super::DecodeError;
use super::wire::{Reader, Wire, Writer};

macro_rules! api_keys {
    ($($number:literal $name:ident,)*) => {
        /// The number that names an API in a request's header (<https://kafka.apache.org/protocol#protocol_api_keys>).
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[repr(i16)]
        pub enum ApiKey {
            $(
                #[doc = concat!("Key ", stringify!($number), ".")]
                $name = $number,
            )*
        }

        impl ApiKey {
            /// Every API of Kafka 3.9, in the order of the keys.
            pub const ALL: &[Self] = &[$(Self::$name),*];

            /// Kafka's name, for instance `ListOffsets`.
            pub const fn name(self) -> &'static str {
                match self {
                    $(Self::$name => stringify!($name),)*
                }
            }

            /// The API of this key, if Kafka 3.9 has one.
            pub const fn from_number(number: i16) -> Option<Self> {
                match number {
                    $($number => Some(Self::$name),)*
                    _ => None,
                }
            }

            /// The key as the header carries it.
            pub const fn number(self) -> i16 {
                match self {
                    $(Self::$name => $number,)*
                }
            }
        }
    };
}

api_keys! {
    0 Produce, 1 Fetch, 2 ListOffsets, 3 Metadata, 4 LeaderAndIsr, 5 StopReplica, 6 UpdateMetadata,
    7 ControlledShutdown, 8 OffsetCommit, 9 OffsetFetch, 10 FindCoordinator, 11 JoinGroup, 12 Heartbeat, 13 LeaveGroup,
    14 SyncGroup, 15 DescribeGroups, 16 ListGroups, 17 SaslHandshake, 18 ApiVersions, 19 CreateTopics, 20 DeleteTopics,
    21 DeleteRecords, 22 InitProducerId, 23 OffsetForLeaderEpoch, 24 AddPartitionsToTxn, 25 AddOffsetsToTxn, 26 EndTxn,
    27 WriteTxnMarkers, 28 TxnOffsetCommit, 29 DescribeAcls, 30 CreateAcls, 31 DeleteAcls, 32 DescribeConfigs,
    33 AlterConfigs, 34 AlterReplicaLogDirs, 35 DescribeLogDirs, 36 SaslAuthenticate, 37 CreatePartitions,
    38 CreateDelegationToken, 39 RenewDelegationToken, 40 ExpireDelegationToken, 41 DescribeDelegationToken,
    42 DeleteGroups, 43 ElectLeaders, 44 IncrementalAlterConfigs, 45 AlterPartitionReassignments,
    46 ListPartitionReassignments, 47 OffsetDelete, 48 DescribeClientQuotas, 49 AlterClientQuotas,
    50 DescribeUserScramCredentials, 51 AlterUserScramCredentials, 52 Vote, 53 BeginQuorumEpoch, 54 EndQuorumEpoch,
    55 DescribeQuorum, 56 AlterPartition, 57 UpdateFeatures, 58 Envelope, 59 FetchSnapshot, 60 DescribeCluster,
    61 DescribeProducers, 62 BrokerRegistration, 63 BrokerHeartbeat, 64 UnregisterBroker, 65 DescribeTransactions,
    66 ListTransactions, 67 AllocateProducerIds, 68 ConsumerGroupHeartbeat, 69 ConsumerGroupDescribe,
    70 ControllerRegistration, 71 GetTelemetrySubscriptions, 72 PushTelemetry, 73 AssignReplicasToDirs,
    74 ListClientMetricsResources, 75 DescribeTopicPartitions, 76 ShareGroupHeartbeat, 77 ShareGroupDescribe,
    78 ShareFetch, 79 ShareAcknowledge, 80 AddRaftVoter, 81 RemoveRaftVoter, 82 UpdateRaftVoter,
    83 InitializeShareGroupState, 84 ReadShareGroupState, 85 WriteShareGroupState, 86 DeleteShareGroupState,
    87 ReadShareGroupStateSummary,
}

impl ApiKey {
    /// Whether brokers use it among themselves only: the lab refuses it from a socket.
    pub const fn is_inter_broker(self) -> bool {
        matches!(
            self,
            Self::LeaderAndIsr
                | Self::StopReplica
                | Self::UpdateMetadata
                | Self::ControlledShutdown
                | Self::AlterPartition
        )
    }
}

macro_rules! apis {
    ($($name:ident in $module:ident: $request:ident, $response:ident;)*) => {
        $(pub use super::$module::{$request, $response};)*

        /// A request of any API that has a definition.
        #[derive(Clone, Debug, PartialEq, Eq)]
        pub enum Request {
            $(
                #[doc = concat!("See [`", stringify!($request), "`].")]
                $name($request),
            )*
        }

        /// A response of any API that has a definition.
        #[derive(Clone, Debug, PartialEq, Eq)]
        pub enum Response {
            $(
                #[doc = concat!("See [`", stringify!($response), "`].")]
                $name($response),
            )*
        }

        impl ApiKey {
            /// The versions that the codec reads and writes; `None` for an API without a definition.
            pub const fn versions(self) -> Option<RangeInclusive<i16>> {
                match self {
                    $(Self::$name => Some($request::VERSIONS),)*
                    _ => None,
                }
            }

            /// Whether `version` is in the flexible layout (KIP-482).
            pub const fn is_flexible(self, version: i16) -> bool {
                match self {
                    $(Self::$name => version >= $request::FLEXIBLE,)*
                    _ => false,
                }
            }
        }

        impl Request {
            /// The API.
            pub const fn api_key(&self) -> ApiKey {
                match self {
                    $(Self::$name(_) => ApiKey::$name,)*
                }
            }

            pub(super) fn encode(&self, writer: &mut Writer) {
                match self {
                    $(Self::$name(request) => request.encode(writer),)*
                }
            }

            pub(super) fn decode(api_key: ApiKey, reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
                match api_key {
                    $(ApiKey::$name => $request::decode(reader).map(Self::$name),)*
                    _ => Err(DecodeError::UnknownApi { key: api_key.number() }),
                }
            }

            /// A random message of an API; `None` where the API has no definition.
            #[cfg(test)]
            pub(super) fn sample(api_key: ApiKey, source: &mut super::tests::sample::Source<'_>) -> Option<Self> {
                use super::tests::sample::Sample;
                match api_key {
                    $(ApiKey::$name => Some(Self::$name($request::sample(source))),)*
                    _ => None,
                }
            }
        }

        impl Response {
            /// The API.
            pub const fn api_key(&self) -> ApiKey {
                match self {
                    $(Self::$name(_) => ApiKey::$name,)*
                }
            }

            pub(super) fn encode(&self, writer: &mut Writer) {
                match self {
                    $(Self::$name(response) => response.encode(writer),)*
                }
            }

            pub(super) fn decode(api_key: ApiKey, reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
                match api_key {
                    $(ApiKey::$name => $response::decode(reader).map(Self::$name),)*
                    _ => Err(DecodeError::UnknownApi { key: api_key.number() }),
                }
            }

            /// A random message of an API; `None` where the API has no definition.
            #[cfg(test)]
            pub(super) fn sample(api_key: ApiKey, source: &mut super::tests::sample::Source<'_>) -> Option<Self> {
                use super::tests::sample::Sample;
                match api_key {
                    $(ApiKey::$name => Some(Self::$name($response::sample(source))),)*
                    _ => None,
                }
            }
        }

        $(
            impl From<$request> for Request {
                fn from(request: $request) -> Self {
                    Self::$name(request)
                }
            }

            impl From<$response> for Response {
                fn from(response: $response) -> Self {
                    Self::$name(response)
                }
            }
        )*
    };
}

apis! {
    Produce in produce: ProduceRequest, ProduceResponse;
    Fetch in fetch: FetchRequest, FetchResponse;
    ListOffsets in list_offsets: ListOffsetsRequest, ListOffsetsResponse;
    Metadata in metadata: MetadataRequest, MetadataResponse;
    LeaderAndIsr in leader_and_isr: LeaderAndIsrRequest, LeaderAndIsrResponse;
    StopReplica in stop_replica: StopReplicaRequest, StopReplicaResponse;
    UpdateMetadata in update_metadata: UpdateMetadataRequest, UpdateMetadataResponse;
    ControlledShutdown in controlled_shutdown: ControlledShutdownRequest, ControlledShutdownResponse;
    OffsetCommit in offset_commit: OffsetCommitRequest, OffsetCommitResponse;
    OffsetFetch in offset_fetch: OffsetFetchRequest, OffsetFetchResponse;
    FindCoordinator in find_coordinator: FindCoordinatorRequest, FindCoordinatorResponse;
    JoinGroup in join_group: JoinGroupRequest, JoinGroupResponse;
    Heartbeat in heartbeat: HeartbeatRequest, HeartbeatResponse;
    LeaveGroup in leave_group: LeaveGroupRequest, LeaveGroupResponse;
    SyncGroup in sync_group: SyncGroupRequest, SyncGroupResponse;
    DescribeGroups in describe_groups: DescribeGroupsRequest, DescribeGroupsResponse;
    ListGroups in list_groups: ListGroupsRequest, ListGroupsResponse;
    ApiVersions in api_versions: ApiVersionsRequest, ApiVersionsResponse;
    CreateTopics in create_topics: CreateTopicsRequest, CreateTopicsResponse;
    DeleteTopics in delete_topics: DeleteTopicsRequest, DeleteTopicsResponse;
    DeleteRecords in delete_records: DeleteRecordsRequest, DeleteRecordsResponse;
    InitProducerId in init_producer_id: InitProducerIdRequest, InitProducerIdResponse;
    OffsetForLeaderEpoch in offset_for_leader_epoch: OffsetForLeaderEpochRequest, OffsetForLeaderEpochResponse;
    DescribeConfigs in describe_configs: DescribeConfigsRequest, DescribeConfigsResponse;
    AlterConfigs in alter_configs: AlterConfigsRequest, AlterConfigsResponse;
    DescribeLogDirs in describe_log_dirs: DescribeLogDirsRequest, DescribeLogDirsResponse;
    CreatePartitions in create_partitions: CreatePartitionsRequest, CreatePartitionsResponse;
    DeleteGroups in delete_groups: DeleteGroupsRequest, DeleteGroupsResponse;
    ElectLeaders in elect_leaders: ElectLeadersRequest, ElectLeadersResponse;
    IncrementalAlterConfigs in incremental_alter_configs:
        IncrementalAlterConfigsRequest, IncrementalAlterConfigsResponse;
    AlterPartitionReassignments in alter_partition_reassignments:
        AlterPartitionReassignmentsRequest, AlterPartitionReassignmentsResponse;
    ListPartitionReassignments in list_partition_reassignments:
        ListPartitionReassignmentsRequest, ListPartitionReassignmentsResponse;
    OffsetDelete in offset_delete: OffsetDeleteRequest, OffsetDeleteResponse;
    AlterPartition in alter_partition: AlterPartitionRequest, AlterPartitionResponse;
    DescribeCluster in describe_cluster: DescribeClusterRequest, DescribeClusterResponse;
    ConsumerGroupHeartbeat in consumer_group_heartbeat:
        ConsumerGroupHeartbeatRequest, ConsumerGroupHeartbeatResponse;
    ConsumerGroupDescribe in consumer_group_describe: ConsumerGroupDescribeRequest, ConsumerGroupDescribeResponse;
    DescribeTopicPartitions in describe_topic_partitions:
        DescribeTopicPartitionsRequest, DescribeTopicPartitionsResponse;
}
