//! `GET /metrics`: the snapshot's numbers as Prometheus text.

use std::fmt::Write as _;

use axum::extract::State;
use axum::response::IntoResponse;

use super::{Api, METRICS_TYPE};
use crate::session::snapshot::{Broker, BrokerState, Snapshot};

pub(super) async fn text(State(api): State<Api>) -> impl IntoResponse {
    let snapshot = api.session.snapshot().await;
    (METRICS_TYPE, page(&snapshot))
}

/// A metric of a broker: its name, its help, and where it stands.
type OfBroker = (&'static str, &'static str, fn(&Broker) -> u64);

/// What is told of each broker.
const OF_BROKERS: &[OfBroker] = &[
    ("kscope_broker_up", "Whether the broker's process runs and is registered.", |b| {
        u64::from(b.state == BrokerState::Running)
    }),
    ("kscope_broker_leaders", "Partitions that the broker leads.", |b| b.leaders.into()),
    ("kscope_broker_replicas", "Replicas that the broker hosts.", |b| b.replicas.into()),
    ("kscope_broker_in_sync_replicas", "Replicas of the broker that are in sync.", |b| b.in_sync.into()),
    ("kscope_broker_log_bytes", "Bytes in the broker's logs.", |b| b.log_bytes),
];

fn page(snapshot: &Snapshot) -> String {
    let mut page = String::new();
    let whole = [
        ("kscope_lab_microseconds", "Lab time since the start.", snapshot.clock.lab_us),
        ("kscope_log_bytes", "Bytes that all logs hold, shared ones once.", snapshot.memory.used_bytes),
        ("kscope_connections", "Clients on sockets.", snapshot.outside_clients.into()),
        ("kscope_offline_partitions", "Partitions without a leader.", count(snapshot, |p| p.leader.is_none())),
        ("kscope_under_replicated_partitions", "Partitions with fewer replicas in sync than assigned.", {
            count(snapshot, |p| p.isr.len() < p.replicas.len())
        }),
    ];
    for (name, help, value) in whole {
        gauge(&mut page, name, help);
        line(&mut page, format_args!("{name} {value}"));
    }
    for (name, help, value) in OF_BROKERS {
        gauge(&mut page, name, help);
        for (id, broker) in snapshot.brokers.iter() {
            line(&mut page, format_args!("{name}{{broker=\"{id}\"}} {}", value(broker)));
        }
    }
    page
}

fn count(snapshot: &Snapshot, is: impl Fn(&crate::session::snapshot::Partition) -> bool) -> u64 {
    let partitions = snapshot.topics.values().flat_map(|topic| &topic.partitions);
    u64::try_from(partitions.filter(|partition| is(partition)).count()).unwrap_or(u64::MAX)
}

fn gauge(page: &mut String, name: &str, help: &str) {
    line(page, format_args!("# HELP {name} {help}"));
    line(page, format_args!("# TYPE {name} gauge"));
}

fn line(page: &mut String, text: std::fmt::Arguments<'_>) {
    // Writing to a string does not fail.
    let _ = writeln!(page, "{text}");
}
