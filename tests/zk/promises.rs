//! What ZooKeeper promises to its clients, one test each.

use std::time::Duration;

use kscope::engine::context::Id;
use kscope::engine::event::EventKind;
use kscope::engine::message::Payload;
use kscope::engine::time::Time;
use kscope::engine::zk::client::{ClientState, ZkClientEvent};
use kscope::engine::zk::message::{ClientMessage, ServerMessage, WatchEvent, WatchKind};
use kscope::engine::zk::op::{ANY_VERSION, CreateMode, Op, OpResult, Write, ZkError};

use crate::harness::{Lab, Seen, TICK, TIMEOUT, ZK, broker};

fn create(path: &str, mode: CreateMode) -> Op {
    Write::create(path, "", mode).into()
}

fn persistent(path: &str) -> Op {
    create(path, CreateMode::Persistent)
}

fn set(path: &str, data: &'static str) -> Op {
    Write::set(path, data, ANY_VERSION).into()
}

/// The times of the events that `wanted` picks.
fn times(lab: &Lab, wanted: impl Fn(&EventKind) -> bool) -> Vec<Time> {
    lab.events().filter(|event| wanted(&event.kind)).map(|event| event.at).collect()
}

fn is_expiry(kind: &EventKind) -> bool {
    matches!(kind, EventKind::SessionExpired { closed: false, .. })
}

#[test]
fn a_session_survives_a_bounce_of_the_server_with_its_ephemerals_and_watches() {
    let mut lab = Lab::with_brokers(2);
    lab.ask(broker(1), vec![create("/me", CreateMode::Ephemeral), persistent("/all")]);
    lab.ask(broker(1), vec![Op::children_and_watch("/all"), Op::get_and_watch("/all")]);
    let session = lab.clients[&broker(1)].session().unwrap();

    lab.stop_server(ZK);
    lab.settle();
    assert_eq!(lab.clients[&broker(1)].state(), ClientState::Connecting);
    lab.run(Duration::from_secs(2));
    lab.start_server(ZK);
    lab.run(Duration::from_secs(2));

    let connected = ZkClientEvent::Connected { session, new: false };
    assert_eq!(lab.client_events(broker(1)).last(), Some(&connected));
    assert_eq!(lab.server().tree().ephemerals(session).map(AsRef::as_ref).collect::<Vec<_>>(), ["/me"]);
    assert_eq!(lab.server().zxid().epoch(), 2, "a server that starts begins an epoch");

    lab.ask(broker(2), vec![persistent("/all/one")]);
    let fired = WatchEvent { path: "/all".into(), kind: WatchKind::ChildrenChanged };
    let told: Vec<_> = lab.client_events(broker(1)).filter(|it| matches!(it, ZkClientEvent::Watch(_))).collect();
    assert_eq!(told, [&ZkClientEvent::Watch(fired)], "what did not change is not told");
    lab.run(TIMEOUT * 3);
    assert_eq!(times(&lab, is_expiry), []);
}

#[test]
fn a_change_between_two_connections_is_told_on_the_second() {
    let mut lab = Lab::with_brokers(2);
    lab.ask(broker(1), vec![persistent("/a"), persistent("/b"), Op::get_and_watch("/a"), Op::exists_and_watch("/c")]);
    lab.cut(broker(1));
    lab.ask(broker(2), vec![set("/a", "new"), persistent("/c")]);
    // Cut off, the client gives up after two thirds of its time-out and asks for the same server again.
    lab.run(TIMEOUT * 2 / 3);
    lab.heal(broker(1));
    lab.run(TIMEOUT / 2);

    let told: Vec<_> = lab.client_events(broker(1)).filter(|it| matches!(it, ZkClientEvent::Watch(_))).collect();
    let a = ZkClientEvent::Watch(WatchEvent { path: "/a".into(), kind: WatchKind::DataChanged });
    let c = ZkClientEvent::Watch(WatchEvent { path: "/c".into(), kind: WatchKind::Created });
    assert_eq!(told, [&a, &c]);
}

#[test]
fn expiry_is_rounded_up_to_the_next_tick() {
    for offset_ms in [0, 1, 500, 1_500, 1_900] {
        let mut lab = Lab::with_brokers(2);
        lab.ask_one(broker(1), create("/me", CreateMode::Ephemeral)).unwrap();
        lab.run(Duration::from_millis(offset_ms));
        let session = lab.clients[&broker(1)].session().unwrap();
        let heard = lab.server().session(session).unwrap().heard;
        lab.kill(broker(1));
        lab.run(TIMEOUT + TICK * 2);

        let ended = times(&lab, is_expiry);
        assert_eq!(ended.len(), 1, "one session of two");
        let tick = u64::try_from(TICK.as_micros()).unwrap();
        assert_eq!(ended[0].0 % tick, 0, "on a tick");
        let after = ended[0].since(heard);
        assert!(after > TIMEOUT && after <= TIMEOUT + TICK, "{after:?} after the last word");
        assert!(lab.server().tree().get("/me").is_none());
    }
}

#[test]
fn a_silent_session_is_kept_until_its_time_is_up() {
    let mut lab = Lab::with_brokers(1);
    lab.ask_one(broker(1), create("/me", CreateMode::Ephemeral)).unwrap();
    lab.kill(broker(1));
    lab.run(TIMEOUT * 99 / 100);
    assert!(lab.server().tree().get("/me").is_some());
}

#[test]
fn pings_keep_an_idle_session() {
    let mut lab = Lab::with_brokers(1);
    lab.run(Duration::from_secs(120));
    assert_eq!(times(&lab, is_expiry), []);
    let pings =
        |seen: &&(Time, Seen)| matches!(&seen.1, Seen::Message { payload: Payload::Zk(ClientMessage::Ping), .. });
    assert_eq!(lab.seen.iter().filter(pings).count(), 59, "one per third of the time-out");
    assert!(lab.clients[&broker(1)].ping_age(&lab.now).unwrap() <= TIMEOUT / 3);
}

#[test]
fn all_ephemerals_go_in_one_transaction() {
    let mut lab = Lab::with_brokers(2);
    lab.ask(broker(2), vec![persistent("/ids"), persistent("/other")]);
    lab.ask(
        broker(1),
        vec![
            create("/ids/1", CreateMode::Ephemeral),
            create("/ids/n-", CreateMode::EphemeralSequential),
            create("/other/1", CreateMode::Ephemeral),
            create("/other/stays", CreateMode::Persistent),
        ],
    );
    let before = lab.server().zxid();
    lab.kill(broker(1));
    lab.run(TIMEOUT + TICK);

    assert_eq!(lab.server().zxid(), before.next());
    let parents = ["/ids", "/other"].map(|path| lab.server().tree().get(path).unwrap().stat());
    assert_eq!(parents.map(|stat| stat.pzxid), [before.next(); 2]);
    assert_eq!(parents.map(|stat| stat.num_children), [0, 1]);
}

#[test]
fn the_chain_of_causes_leads_from_the_watch_to_the_kill() {
    let mut lab = Lab::with_brokers(2);
    lab.ask_one(broker(2), persistent("/ids")).unwrap();
    lab.ask_one(broker(1), create("/ids/1", CreateMode::Ephemeral)).unwrap();
    lab.ask_one(broker(2), Op::children_and_watch("/ids")).unwrap();
    let kill = lab.kill(broker(1));
    lab.run(TIMEOUT + TICK);

    let by = |wanted: fn(&EventKind) -> bool| -> (Id, Option<Id>) {
        let event = lab.events().find(|event| wanted(&event.kind)).unwrap();
        (event.id, event.cause.event)
    };
    let expired = by(is_expiry);
    let gone = by(|kind| matches!(kind, EventKind::EphemeralGone { .. }));
    let fired = by(|kind| matches!(kind, EventKind::WatchFired { .. }));
    assert_eq!([expired.1, gone.1, fired.1], [Some(kill), Some(expired.0), Some(gone.0)]);
}

#[test]
fn a_resumed_session_is_caused_by_the_loss_of_its_connection() {
    let mut lab = Lab::with_brokers(1);
    lab.run(Duration::from_secs(30));
    lab.stop_server(ZK);
    lab.run(Duration::from_secs(5));
    lab.start_server(ZK);
    lab.run(Duration::from_secs(2));

    let lost = lab.events().find(|event| matches!(event.kind, EventKind::ZkDisconnected { .. })).unwrap();
    let resumed = lab.events().find(|event| matches!(event.kind, EventKind::SessionResumed { .. })).unwrap();
    assert!(!lost.cause.is_routine());
    assert_eq!(resumed.cause.event, Some(lost.id));
    assert_eq!(resumed.cause.hops().len(), 1, "the attempts in between are no part of it");
}

#[test]
fn stats_carry_lab_dates() {
    let mut lab = Lab::with_brokers(1);
    let born = lab.now.date_ms() + 1;
    lab.ask_one(broker(1), persistent("/a")).unwrap();
    lab.run(Duration::from_secs(5));
    let set_at = lab.now.date_ms() + 1;
    lab.ask_one(broker(1), set("/a", "x")).unwrap();
    let stat = lab.server().tree().get("/a").unwrap().stat();
    assert_eq!((stat.ctime_ms, stat.mtime_ms), (born, set_at));
}

#[test]
fn routine_causes_nothing() {
    let mut lab = Lab::with_brokers(1);
    lab.run(Duration::from_secs(60));
    lab.cut(broker(1));
    lab.run(TIMEOUT + TICK);
    let expired = lab.events().find(|event| is_expiry(&event.kind)).unwrap();
    assert!(expired.cause.is_routine(), "nothing here says that the link is cut: {:?}", expired.cause);
}

#[test]
fn a_watch_fires_once_and_before_a_later_read_is_answered() {
    let mut lab = Lab::with_brokers(2);
    lab.ask(broker(1), vec![persistent("/a"), Op::get_and_watch("/a")]);
    let from = lab.seen.len();
    // On their way at the same time; the second reader may read before or after the write, never in between.
    lab.submit(broker(2), vec![set("/a", "1")]);
    lab.submit(broker(1), vec![Op::get("/a")]);
    lab.submit(broker(2), vec![set("/a", "2")]);
    lab.settle();

    let mut told = 0;
    for (_, seen) in &lab.seen[from..] {
        let Seen::Message { to, payload: Payload::ZkReply(message), .. } = seen else { continue };
        match message {
            ServerMessage::Watch(event) => {
                assert_eq!((*to, event.kind), (broker(1), WatchKind::DataChanged));
                told += 1;
            }
            ServerMessage::Reply { result: Ok(OpResult::Data { data, .. }), .. } if !data.is_empty() => {
                assert_eq!(told, 1, "new data before its watch");
            }
            _ => {}
        }
    }
    assert_eq!(told, 1);
}

#[test]
fn a_watch_waits_for_the_batch_that_left_it() {
    let mut lab = Lab::with_brokers(2);
    lab.ask(broker(2), vec![persistent("/a")]);
    // More than may be on its way at once: the batch is read before and after the change.
    let ticket = lab.submit(broker(1), (0..1_500).map(|_| Op::get_and_watch("/a")).collect());
    lab.submit(broker(2), vec![set("/a", "new")]);
    lab.settle();

    let events: Vec<_> = lab.client_events(broker(1)).skip(1).collect();
    assert_eq!(events.len(), 2);
    assert!(matches!(events[0], ZkClientEvent::Done { ticket: done, .. } if *done == ticket));
    assert!(matches!(events[1], ZkClientEvent::Watch(_)));
    let results = lab.results(broker(1), ticket).unwrap();
    let versions: Vec<i32> = results
        .iter()
        .map(|result| match result {
            Ok(OpResult::Data { stat, .. }) => stat.version,
            other => panic!("{other:?}"),
        })
        .collect();
    assert_eq!((versions.len(), versions[0], versions[1_499]), (1_500, 0, 1));
}

#[test]
fn requests_of_a_client_are_done_in_their_order() {
    let mut lab = Lab::with_brokers(2);
    lab.ask(broker(1), vec![persistent("/q")]);
    let tickets: Vec<_> = (0..20)
        .map(|_| {
            lab.submit(broker(2), vec![create("/q/x-", CreateMode::PersistentSequential)]);
            lab.submit(broker(1), vec![create("/q/n-", CreateMode::PersistentSequential), Op::children("/q")])
        })
        .collect();
    lab.settle();

    let mut names = Vec::new();
    for ticket in tickets {
        match &lab.results(broker(1), ticket).unwrap()[..] {
            [Ok(OpResult::Created { path, .. }), Ok(OpResult::Children { children, .. })] => {
                assert!(path.ends_with(children.iter().rfind(|name| name.starts_with("n-")).unwrap().as_ref()));
                names.push(path.clone());
            }
            other => panic!("{other:?}"),
        }
    }
    assert!(names.is_sorted() && names.len() == 20, "{names:?}");
}

#[test]
fn what_was_on_its_way_is_lost_with_the_connection_and_what_waits_is_not() {
    let mut lab = Lab::with_brokers(1);
    let sent = lab.submit(broker(1), vec![persistent("/a"), persistent("/b")]);
    lab.stop_server(ZK);
    lab.settle();
    assert_eq!(lab.results(broker(1), sent), Some(vec![Err(ZkError::ConnectionLoss); 2]));

    let waits = lab.submit(broker(1), vec![Op::exists("/a"), persistent("/c")]);
    lab.run(Duration::from_secs(1));
    assert_eq!(lab.results(broker(1), waits), None);
    lab.start_server(ZK);
    lab.run(Duration::from_secs(1));
    let results = lab.results(broker(1), waits).unwrap();
    assert!(results[1].is_ok(), "{results:?}");
}

#[test]
fn an_expired_client_learns_it_from_the_server_and_may_begin_anew() {
    let mut lab = Lab::with_brokers(1);
    let old = lab.clients[&broker(1)].session().unwrap();
    lab.cut(broker(1));
    lab.run(TIMEOUT + TICK);
    let waits = lab.submit(broker(1), vec![Op::exists("/")]);
    lab.heal(broker(1));
    lab.run(TIMEOUT);

    assert_eq!(lab.clients[&broker(1)].state(), ClientState::Expired);
    assert_eq!(lab.results(broker(1), waits), Some(vec![Err(ZkError::SessionExpired)]));
    let told: Vec<_> = lab.client_events(broker(1)).cloned().collect();
    assert!(told.contains(&ZkClientEvent::Disconnected) && told.contains(&ZkClientEvent::Expired), "{told:?}");

    let mut again = lab.clone();
    again.start(broker(1));
    again.settle();
    assert_ne!(again.clients[&broker(1)].session(), Some(old));
}

#[test]
fn a_bounced_broker_finds_its_old_ephemeral_until_its_old_session_ends() {
    let mut lab = Lab::with_brokers(1);
    lab.ask_one(broker(1), create("/me", CreateMode::Ephemeral)).unwrap();
    lab.kill(broker(1));
    lab.start(broker(1));
    lab.settle();
    assert_eq!(lab.ask_one(broker(1), create("/me", CreateMode::Ephemeral)), Err(ZkError::NodeExists));
    lab.ask_one(broker(1), Op::exists_and_watch("/me")).unwrap();
    lab.run(TIMEOUT + TICK);
    let gone = WatchEvent { path: "/me".into(), kind: WatchKind::Deleted };
    assert_eq!(lab.client_events(broker(1)).last(), Some(&ZkClientEvent::Watch(gone)));
    lab.ask_one(broker(1), create("/me", CreateMode::Ephemeral)).unwrap();
}

#[test]
fn an_empty_batch_is_answered_in_its_turn() {
    let mut lab = Lab::with_brokers(1);
    let first = lab.submit(broker(1), vec![persistent("/a")]);
    let empty = lab.submit(broker(1), vec![]);
    lab.settle();
    let done: Vec<_> = lab
        .client_events(broker(1))
        .filter_map(|event| match event {
            ZkClientEvent::Done { ticket, results } => Some((*ticket, results.len())),
            _ => None,
        })
        .collect();
    assert_eq!(done, [(first, 1), (empty, 0)]);
}

#[test]
fn a_server_that_knows_less_than_its_client_refuses_it() {
    let mut lab = Lab::with_brokers(1);
    let young = lab.server().clone();
    lab.ask_one(broker(1), persistent("/a")).unwrap();
    // The disk of the server is set back to before that write, and its clients' connections are lost.
    lab.servers.insert(ZK, young);
    lab.cut(broker(1));
    lab.run(TIMEOUT * 2 / 3);
    lab.heal(broker(1));
    let from = lab.seen.len();
    lab.run(TIMEOUT / 4);

    let refused = lab.seen[from..]
        .iter()
        .any(|(_, seen)| matches!(seen, Seen::Message { from: ZK, payload: Payload::Closed { .. }, .. }));
    assert!(refused);
    assert_eq!(lab.clients[&broker(1)].state(), ClientState::Connecting);
}
