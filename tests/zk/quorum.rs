//! What an ensemble of several servers does, one test each.

use std::time::Duration;

use kscope::engine::event::{EventKind, ZkEvent};
use kscope::engine::message::Payload;
use kscope::engine::node::NodeId;
use kscope::engine::time::Time;
use kscope::engine::zk::client::{ClientState, ZkClientEvent};
use kscope::engine::zk::message::{WatchEvent, WatchKind};
use kscope::engine::zk::op::{ANY_VERSION, CreateMode, Op, Write, ZkError, Zxid};
use kscope::engine::zk::txn::TxnBody;
use kscope::engine::zk::zab::PeerMessage;

use crate::harness::{Lab, Seen, TICK, TIMEOUT, broker, zk};

const DELAY: (Duration, Duration) = (Duration::from_millis(1), Duration::from_millis(1));

/// `initLimit` and `syncLimit` ticks.
const INIT: Duration = Duration::from_secs(20);
const SYNC: Duration = Duration::from_secs(10);

fn create(path: &str, mode: CreateMode) -> Op {
    Write::create(path, "", mode).into()
}

fn persistent(path: &str) -> Op {
    create(path, CreateMode::Persistent)
}

/// An ensemble with brokers 1 and 2.
fn ensemble(servers: u8) -> Lab {
    let mut lab = Lab::ensemble(servers, DELAY, 7);
    lab.run(Duration::from_secs(1));
    lab.start(broker(1));
    lab.start(broker(2));
    lab.run(Duration::from_secs(2));
    lab
}

/// The server that a client is connected to.
fn server_of(lab: &Lab, client: NodeId) -> NodeId {
    NodeId::Zk(lab.clients[&client].server().unwrap())
}

/// When a server last said that it leads.
fn led_since(lab: &Lab) -> Time {
    let leads = |kind: &EventKind| matches!(kind, EventKind::Zk(ZkEvent::Leads { .. }));
    lab.events().filter(|event| leads(&event.kind)).last().unwrap().at
}

#[test]
fn a_new_leader_takes_writes_within_the_limits_and_no_session_is_lost() {
    for servers in [2, 3, 4, 5, 7, 9] {
        let mut lab = ensemble(servers);
        lab.ask(broker(1), vec![persistent("/a"), create("/me", CreateMode::Ephemeral)]);
        let sessions = [1, 2].map(|id| lab.clients[&broker(id)].session().unwrap());
        let (dead, at) = (lab.leader().unwrap(), lab.now.lab);
        lab.stop_server(dead);
        lab.run(Duration::from_millis(10));
        if servers == 2 {
            lab.run(INIT);
            assert_eq!(lab.leader(), None, "one of two is no quorum");
            continue;
        }
        let waits = lab.submit(broker(1), vec![persistent("/b")]);
        lab.run(2 * SYNC);
        assert!(lab.results(broker(1), waits).unwrap()[0].is_ok());
        assert!(led_since(&lab).since(at) < 2 * SYNC, "{servers}: led again after {:?}", led_since(&lab).since(at));
        assert_eq!([1, 2].map(|id| lab.clients[&broker(id)].session().unwrap()), sessions);
        assert!(lab.server().tree().get("/me").is_some());
        assert!(lab.servers.values().filter(|server| server.is_serving()).all(|server| server.zxid().epoch() == 2));
    }
}

#[test]
fn without_a_quorum_nothing_is_written_and_every_client_is_sent_away_and_sessions_are_kept() {
    let mut lab = ensemble(3);
    lab.ask_one(broker(1), create("/me", CreateMode::Ephemeral)).unwrap();
    let leader = lab.leader().unwrap();
    for id in 1..=3 {
        if zk(id) != leader {
            lab.stop_server(zk(id));
        }
    }
    lab.run(TICK);
    assert!(!lab.servers[&leader].is_serving());
    assert!(lab.clients.values().all(|client| client.state() == ClientState::Connecting));
    let waits = lab.submit(broker(1), vec![persistent("/a")]);
    // Far longer than the sessions' time-out: nobody can say that they are over.
    lab.run(TIMEOUT * 5);
    assert_eq!(lab.results(broker(1), waits), None);
    let back = (1..=3).map(zk).find(|node| *node != leader).unwrap();
    lab.start_server(back);
    lab.run(TIMEOUT);
    assert!(lab.results(broker(1), waits).unwrap()[0].is_ok());
    assert!(lab.server().tree().get("/me").is_some());
    assert!(!lab.client_events(broker(1)).any(|event| matches!(event, ZkClientEvent::Expired)));
}

#[test]
fn a_leader_that_is_cut_off_gives_up_and_loses_what_it_could_not_commit() {
    let mut lab = ensemble(3);
    lab.ask_one(broker(1), persistent("/a")).unwrap();
    let old = lab.leader().unwrap();
    // Its own clients still reach it: what they write is proposed, and acknowledged by nobody.
    for other in (1..=3).map(zk).filter(|node| *node != old) {
        lab.network.cut(old, other);
    }
    lab.clients.insert(broker(3), kscope::engine::zk::client::ZkClient::new(vec![lab.servers[&old].id()], TIMEOUT));
    lab.connect(broker(3));
    lab.run(Duration::from_millis(100));
    assert_eq!(lab.clients[&broker(3)].state(), ClientState::Connecting, "not even a session");
    let before = lab.servers[&old].history().newest();
    assert!(before > lab.servers[&old].state().zxid, "something is proposed");

    lab.run(SYNC + TICK);
    let new = lab.leader().unwrap();
    assert!(new != old && !lab.servers[&old].is_serving());
    lab.ask_one(broker(1), persistent("/b")).unwrap();
    lab.heal(old);
    lab.run(INIT);
    let told = |kind: &str| {
        lab.seen.iter().any(|(_, seen)| match seen {
            Seen::Message { to, payload: Payload::ZkPeer(PeerMessage::ToFollower { message, .. }), .. } => {
                *to == old && message.name() == kind
            }
            _ => false,
        })
    };
    assert!(told("TRUNC"), "what it had too much");
    let (old, new) = (&lab.servers[&old], &lab.servers[&new]);
    assert!(old.is_serving() && old.state() == new.state());
    assert!(old.history().since(before).next().is_some_and(|txn| txn.zxid.epoch() == 2));
}

#[test]
fn one_that_was_away_gets_what_it_lacks_or_the_whole_state() {
    for (writes, how) in [(10, "DIFF"), (1_500, "SNAP")] {
        let mut lab = ensemble(3);
        lab.ask_one(broker(1), persistent("/q")).unwrap();
        let away = (1..=3).map(zk).find(|node| Some(*node) != lab.leader()).unwrap();
        lab.stop_server(away);
        lab.run(TIMEOUT);
        let write = || create("/q/n-", CreateMode::PersistentSequential);
        lab.ask(broker(1), (0..writes).map(|_| write()).collect());
        lab.start_server(away);
        lab.run(TIMEOUT);
        let told = lab.seen.iter().rev().find_map(|(_, seen)| match seen {
            Seen::Message { to, payload: Payload::ZkPeer(PeerMessage::ToFollower { message, .. }), .. } => {
                Some(message.name()).filter(|name| *to == away && ["DIFF", "TRUNC", "SNAP"].contains(name))
            }
            _ => None,
        });
        assert_eq!(told, Some(how));
        assert!(lab.servers[&away].is_serving());
        assert_eq!(lab.servers[&away].state(), lab.server().state());
    }
}

#[test]
fn a_session_moves_to_another_server_with_its_ephemerals_and_watches() {
    let mut lab = ensemble(5);
    lab.ask(broker(1), vec![create("/me", CreateMode::Ephemeral), persistent("/all")]);
    lab.ask_one(broker(1), Op::children_and_watch("/all")).unwrap();
    let (session, first) = (lab.clients[&broker(1)].session(), server_of(&lab, broker(1)));
    lab.stop_server(first);
    lab.run(TIMEOUT / 2);
    assert_eq!(lab.clients[&broker(1)].session(), session);
    assert_ne!(server_of(&lab, broker(1)), first);
    lab.run(TIMEOUT * 2);
    lab.ask_one(broker(2), persistent("/all/one")).unwrap();
    lab.run(TICK);
    let fired = ZkClientEvent::Watch(WatchEvent { path: "/all".into(), kind: WatchKind::ChildrenChanged });
    let told: Vec<_> = lab.client_events(broker(1)).filter(|it| matches!(it, ZkClientEvent::Watch(_))).collect();
    assert_eq!(told, [&fired]);
    assert!(lab.server().tree().get("/me").is_some());
}

/// A client connects by chance; so both a follower's and the leader's are among these.
#[test]
fn pings_at_any_server_keep_a_session_and_silence_ends_it_everywhere() {
    for seed in 0..12 {
        let mut lab = Lab::ensemble(3, DELAY, seed);
        lab.start(broker(1));
        lab.start(broker(2));
        lab.run(Duration::from_secs(4));
        lab.ask_one(broker(1), create("/me", CreateMode::Ephemeral)).unwrap();
        lab.run(TIMEOUT * 10);
        assert!(lab.servers.values().all(|server| server.tree().get("/me").is_some()));
        let kill = lab.kill(broker(1));
        lab.run(TIMEOUT + TICK * 2);
        assert!(lab.servers.values().all(|server| server.tree().get("/me").is_none()));
        let expired = lab.events().find(|event| matches!(event.kind, EventKind::SessionExpired { .. })).unwrap();
        assert_eq!(expired.cause.event, Some(kill), "seed {seed}");
    }
}

#[test]
fn the_chain_of_causes_leads_from_a_followers_watch_to_the_kill() {
    for seed in 0..12 {
        let mut lab = Lab::ensemble(3, DELAY, seed);
        lab.start(broker(1));
        lab.start(broker(2));
        lab.run(Duration::from_secs(4));
        lab.ask(broker(1), vec![persistent("/ids"), create("/ids/1", CreateMode::Ephemeral)]);
        lab.ask(broker(1), vec![create("/controller", CreateMode::Ephemeral)]);
        lab.ask(broker(2), vec![Op::Sync, Op::children_and_watch("/ids"), Op::exists_and_watch("/controller")]);
        let kill = lab.kill(broker(1));
        lab.run(TIMEOUT + TICK * 2);
        let of = |wanted: &dyn Fn(&EventKind) -> bool| {
            lab.events().find(|event| wanted(&event.kind)).map(|event| (event.id, event.cause.event)).unwrap()
        };
        let expired = of(&|kind| matches!(kind, EventKind::SessionExpired { .. }));
        assert_eq!(expired.1, Some(kill));
        for (gone, watched) in [("/ids/1", "/ids"), ("/controller", "/controller")] {
            let gone = of(&|kind| matches!(kind, EventKind::EphemeralGone { path, .. } if path == gone));
            let fired = of(&|kind| matches!(kind, EventKind::WatchFired { path, .. } if path == watched));
            assert_eq!((gone.1, fired.1), (Some(expired.0), Some(gone.0)), "seed {seed}");
        }
    }
}

#[test]
fn a_write_that_comes_late_from_a_server_that_its_client_has_left_is_refused() {
    let by_a_follower = |seed: &u64| {
        let mut lab = Lab::ensemble(3, DELAY, *seed);
        lab.start(broker(1));
        lab.run(Duration::from_secs(4));
        (Some(server_of(&lab, broker(1))) != lab.leader()).then_some(lab)
    };
    let mut lab = (0..12).find_map(|seed| by_a_follower(&seed)).expect("a client of a follower");
    lab.ask_one(broker(1), persistent("/a")).unwrap();
    let (first, leader) = (server_of(&lab, broker(1)), lab.leader().unwrap());
    lab.network.slow(first, leader, TIMEOUT);
    let lost = lab.submit(broker(1), vec![Write::set("/a", "late", ANY_VERSION).into()]);
    lab.run(Duration::from_millis(10));
    lab.network.cut(broker(1), first);
    lab.run(TIMEOUT * 2);
    assert_eq!(lab.results(broker(1), lost), Some(vec![Err(ZkError::ConnectionLoss)]));
    assert_eq!(lab.clients[&broker(1)].state(), ClientState::Connected);
    let refused = TxnBody::Refused(ZkError::SessionMoved);
    assert!(lab.servers[&leader].history().since(Zxid::ZERO).any(|txn| txn.body == refused));
    assert!(lab.server().tree().get("/a").unwrap().data().is_empty());
}

#[test]
fn a_read_behind_a_write_sees_it_on_whatever_server() {
    for seed in 0..12 {
        let mut lab = Lab::ensemble(3, DELAY, seed);
        lab.start(broker(1));
        lab.run(Duration::from_secs(4));
        let results = lab.ask(broker(1), vec![persistent("/a"), Op::exists("/a"), Op::children("/"), persistent("/a")]);
        assert!(results[1].is_ok() && results[3] == Err(ZkError::NodeExists), "{results:?}");
    }
}
