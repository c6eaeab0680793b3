//! Built-in consumers that come and go: what was asked for becomes a command to the lab.

use std::sync::Arc;

use crate::engine::client::{ClientSpec, Commit, ConsumerSpec, GroupProtocol, GroupSpec, OffsetReset, Patience, Role};
use crate::engine::cluster::Cluster;
use crate::engine::message::Command;
use crate::engine::node::ClientId;
use crate::session::action::{Action, CommitMode, NewConsumer};
use crate::session::snapshot::GroupKind;

/// The command for an action on a consumer, with what is said once it is done; `None` for other actions.
pub(in super::super) fn command(action: &Action, cluster: &Cluster, patience: &Patience) -> Option<(Command, String)> {
    let name = |id: u32| {
        let client = cluster.clients().find(|(known, _)| known.0 == id).map(|(_, client)| client);
        client.map_or_else(|| format!("consumer {id}"), |client| client.name().to_string())
    };
    Some(match action {
        Action::AddConsumer(wanted) => {
            let spec = spec(wanted, cluster, patience);
            let said = format!("{} starts, and asks to join {}", spec.name, wanted.group);
            (Command::AddClient(spec), said)
        }
        Action::CloseConsumer(id) => (Command::CloseClient(ClientId(*id)), format!("{} leaves", name(*id))),
        Action::CrashConsumer(id) => (Command::CrashClient(ClientId(*id)), format!("{} was killed", name(*id))),
        Action::PauseConsumer { id, paused } => {
            let said = if *paused { "stands" } else { "goes on" };
            (Command::PauseClient(ClientId(*id), *paused), format!("{} {said}", name(*id)))
        }
        Action::SlowConsumer { id, work_us } => (
            Command::SlowClient(ClientId(*id), *work_us),
            format!("{} works {} on each record from its next poll on", name(*id), time(*work_us)),
        ),
        _ => return None,
    })
}

/// A time of work, as people write it.
fn time(us: u32) -> String {
    match us {
        0 => "no time".to_owned(),
        us if us < 1_000 => format!("{us} µs"),
        us => format!("{} ms", us / 1_000),
    }
}

/// A consumer as it was asked for, with the pace of the lab.
fn spec(wanted: &NewConsumer, cluster: &Cluster, patience: &Patience) -> ClientSpec {
    let usual = patience.group();
    let group = GroupSpec {
        id: Arc::clone(&wanted.group),
        instance_id: wanted.instance_id.clone(),
        assignors: if wanted.assignors.is_empty() { usual.assignors.clone() } else { wanted.assignors.clone() },
        protocol: match wanted.protocol {
            GroupKind::Classic => GroupProtocol::Classic,
            GroupKind::Consumer => GroupProtocol::Consumer,
        },
        remote_assignor: wanted.remote_assignor.clone(),
        commit: match wanted.commit {
            CommitMode::Auto => usual.commit,
            CommitMode::After => Commit::After,
            CommitMode::Before => Commit::Before,
            CommitMode::Never => Commit::Never,
        },
        work_us: wanted.work_us,
        ..usual
    };
    let from = if wanted.from_earliest { OffsetReset::Earliest } else { OffsetReset::Latest };
    let consumer = ConsumerSpec { topics: wanted.topics.clone(), from, group: Some(group), ..ConsumerSpec::default() };
    ClientSpec { name: free_name(&wanted.group, cluster), role: Role::Consumer(consumer) }
}

/// `dashboard-4` after `dashboard-3`: no name is given twice, so that nobody is taken for one who died.
fn free_name(group: &str, cluster: &Cluster) -> Arc<str> {
    let number = |name: &str| name.strip_prefix(group)?.strip_prefix('-')?.parse::<u32>().ok();
    let departed = cluster.departed(group).map(|departed| departed.last_number);
    let known = cluster.clients().filter_map(|(_, client)| number(client.name()));
    let last = known.chain(departed).max().unwrap_or(0);
    format!("{group}-{}", last.saturating_add(1)).into()
}
