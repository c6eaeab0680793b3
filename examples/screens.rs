//! The explorer on a made-up cluster: `cargo run --example screens -- [FIXTURE] [THEME]`. For looking at screens without a
//! lab; nothing moves, and what one asks for is only acknowledged.

#![expect(clippy::print_stderr, clippy::expect_used, reason = "a command line, for developers")]

use std::sync::Arc;

use kscope::app::{self, Options};
use kscope::session::action::{Action, Outcome, Position};
use kscope::session::snapshot::Snapshot;
use kscope::session::{Asked, Session, fixture};
use tokio::sync::{mpsc, watch};

fn main() {
    let mut arguments = std::env::args().skip(1);
    let name = arguments.next().unwrap_or_else(|| "calm".to_owned());
    let Some(snapshot) = fixture::by_name(&name) else {
        let names: Vec<&str> = fixture::ALL.iter().map(|(name, _)| *name).collect();
        eprintln!("there is no fixture {name}; there are {}", names.join(", "));
        std::process::exit(2);
    };
    let options = Options { theme: arguments.next(), ..Options::default() };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    if let Err(error) = runtime.block_on(explore(snapshot, options)) {
        eprintln!("{error}");
        std::process::exit(i32::from(error.exit_status()));
    }
}

async fn explore(snapshot: Snapshot, options: Options) -> Result<(), app::AppError> {
    let snapshot = Arc::new(snapshot);
    let (_news, snapshots) = watch::channel(Arc::clone(&snapshot));
    let (asks, asked) = mpsc::channel(16);
    tokio::select! {
        ended = app::run(Session::new(snapshots, asks), options) => ended,
        () = answer(&snapshot, asked) => Ok(()),
    }
}

async fn answer(snapshot: &Snapshot, mut asked: mpsc::Receiver<Asked>) {
    while let Some((action, back)) = asked.recv().await {
        let _ = back.send(outcome(snapshot, &action));
    }
}

fn outcome(snapshot: &Snapshot, action: &Action) -> Outcome {
    match action {
        Action::Read(wanted) => {
            let topic = snapshot.topics.get(&wanted.topic);
            let partition = topic.and_then(|topic| topic.partitions.iter().find(|known| known.id == wanted.partition));
            let end = partition.map_or(0, |partition| partition.log_end);
            let first = match wanted.from {
                Position::Earliest => 0,
                Position::Offset(offset) => offset,
                Position::Tail(count) => end - i64::from(count),
            };
            Outcome::Records(fixture::records(snapshot, &wanted.topic, wanted.partition, first, wanted.max_records))
        }
        Action::Produce(record) => Outcome::Produced { partition: record.partition.unwrap_or(3), offset: Some(12_318) },
        _ => Outcome::Done("acknowledged; nothing happens on a made-up cluster".into()),
    }
}
