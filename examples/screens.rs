//! The explorer on a made-up cluster: `cargo run --example screens -- [FIXTURE] [THEME] [mortal]`. For looking at screens
//! without a lab, and for the tests of the terminal; nothing moves, and what one asks for is only acknowledged. A mortal
//! cluster's thread fails when a broker is killed, as an engine with a bug would.

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
    let options = Options { theme: arguments.next(), log: Some("kscope.log".into()), ..Options::default() };
    let mortal = arguments.next().is_some_and(|argument| argument == "mortal");
    let session = start(snapshot, mortal);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    if let Err(error) = runtime.block_on(app::run(session, options)) {
        eprintln!("{error}");
        std::process::exit(i32::from(error.exit_status()));
    }
}

/// A session with a cluster that has a thread of its own, as a lab's engine has.
fn start(snapshot: Snapshot, mortal: bool) -> Session {
    let snapshot = Arc::new(snapshot);
    let (news, snapshots) = watch::channel(Arc::clone(&snapshot));
    let (asks, mut asked) = mpsc::channel::<Asked>(16);
    let cluster = move || {
        let _news = news;
        while let Some((action, back)) = asked.blocking_recv() {
            assert!(!mortal || !matches!(action, Action::KillBroker(_)), "the made-up engine was told to fail");
            // Whoever asked may have left.
            let _ = back.send(outcome(&snapshot, &action));
        }
    };
    std::thread::Builder::new().name("engine".to_owned()).spawn(cluster).expect("a thread");
    Session::new(snapshots, asks)
}

fn outcome(snapshot: &Snapshot, action: &Action) -> Outcome {
    match action {
        Action::Read(wanted) => {
            let topic = snapshot.topics.get(&wanted.topic);
            let partition = topic.and_then(|topic| topic.partitions.iter().find(|known| known.id == wanted.partition));
            let end = partition.map_or(0, |partition| partition.log_end);
            let first = match wanted.from {
                Position::Earliest | Position::Time(_) => 0,
                Position::Offset(offset) => offset,
                Position::Tail(count) => end - i64::from(count),
            };
            Outcome::Records(fixture::records(snapshot, &wanted.topic, wanted.partition, first, wanted.max_records))
        }
        Action::Produce(record) => Outcome::Produced { partition: record.partition.unwrap_or(3), offset: Some(12_318) },
        _ => Outcome::Done("acknowledged; nothing happens on a made-up cluster".into()),
    }
}
