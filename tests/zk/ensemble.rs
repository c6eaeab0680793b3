//! Ensembles under faults, seed by seed: servers die and come back, links are cut and heal, clients come and go, and after
//! every step what ZooKeeper promises is held against what happened.
//!
//! | promise | how it is judged |
//! | --- | --- |
//! | one leader an epoch | who serves as the leader of an epoch is noted; nobody else may |
//! | all servers agree | what a server that serves has applied is a prefix of one list of transactions |
//! | what was acknowledged stays | an answered write is in that list, in an order that fits who waited for whom |
//! | ephemerals live with their sessions | in every state that is served |
//! | a watch fires once, before the new data | each client's watches and reads, in the order that it got them |
//! | a client never sees less than before | the transactions that its reads show only grow |

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use kscope::engine::node::NodeId;
use kscope::engine::rng::Rng;
use kscope::engine::zk::ZkServer;
use kscope::engine::zk::client::{ClientState, Ticket, ZkClientEvent};
use kscope::engine::zk::message::WatchKind;
use kscope::engine::zk::op::{ANY_VERSION, CreateMode, Op, OpResult, Write, Zxid};
use kscope::engine::zk::state::State;
use kscope::engine::zk::txn::{Txn, TxnBody};

use crate::harness::{Lab, Seen, broker, zk};

/// Registers that are written, read and watched.
const REGISTERS: [&str; 3] = ["/r/0", "/r/1", "/r/2"];

/// The judge: what must hold, as far as it has been seen.
#[derive(Default)]
struct Judge {
    leaders: BTreeMap<i64, NodeId>,
    /// All transactions that any server that serves has applied.
    committed: BTreeMap<Zxid, Arc<Txn>>,
    /// The state after them.
    state: State,
    /// How far each server was judged in its role.
    judged: BTreeMap<NodeId, Zxid>,
    /// Writes that were answered, by the time of the answer.
    answered: Vec<Answered>,
    /// The greatest zxid that was answered by each time: for writes asked later.
    asked: BTreeMap<(NodeId, Ticket), Zxid>,
    newest_answer: Zxid,
    clients: BTreeMap<NodeId, Reader>,
    /// How much of what happened was looked at.
    seen: usize,
}

/// A write, its place in the order, and the newest one answered before it was asked for.
struct Answered {
    zxid: Zxid,
    after: Zxid,
}

/// What a client has seen.
#[derive(Default)]
struct Reader {
    /// The transaction that last set each register, as read.
    read: BTreeMap<String, Zxid>,
    /// Watches that are left, and what was read as they were.
    armed: BTreeMap<String, Zxid>,
    /// What each batch asked.
    batches: BTreeMap<Ticket, Vec<Op>>,
}

impl Judge {
    /// Looks at what the last step did.
    fn look(&mut self, lab: &Lab) {
        for (node, server) in &lab.servers {
            if server.is_serving() {
                self.judge_server(*node, server);
            } else {
                self.judged.remove(node);
            }
        }
        for (_, seen) in &lab.seen[self.seen..] {
            if let Seen::Client(node, event) = seen {
                self.judge_client(*node, event);
            }
        }
        self.seen = lab.seen.len();
    }

    fn judge_server(&mut self, node: NodeId, server: &ZkServer) {
        if let kscope::engine::zk::Role::Leading(_) = server.role() {
            let epoch = server.history().current_epoch;
            let leader = *self.leaders.entry(epoch).or_insert(node);
            assert_eq!(leader, node, "two leaders of epoch {epoch}");
        }
        let state = server.state();
        let from = self.judged.insert(node, state.zxid);
        if from == Some(state.zxid) {
            return;
        }
        let from = from.unwrap_or(server.history().ends().base);
        for txn in server.history().since(from).take_while(|txn| txn.zxid <= state.zxid) {
            if txn.zxid > self.state.zxid {
                self.committed.insert(txn.zxid, Arc::clone(txn));
                drop(self.state.apply(txn));
            }
            let known = self.committed.get(&txn.zxid);
            assert_eq!(known, Some(txn), "{node} has something else than the others");
        }
        // Every one of the list up to here must be there, not only those that are.
        if state.zxid == self.state.zxid {
            assert_eq!((&state.tree, &state.sessions), (&self.state.tree, &self.state.sessions), "{node}");
        } else {
            let base = server.history().ends().base;
            assert!(base <= state.zxid, "{node} keeps a state that is not committed");
            let mine = server.history().since(base).filter(|txn| txn.zxid <= state.zxid).count();
            let all = self.committed.range(..=state.zxid).filter(|(zxid, _)| **zxid > base).count();
            assert_eq!(mine, all, "{node} lacks something");
        }
        for session in state.tree.owners() {
            assert!(state.sessions.contains_key(&session), "{node} has an ephemeral of {session}, which has ended");
        }
    }

    fn asked(&mut self, node: NodeId, ticket: Ticket, ops: Vec<Op>) {
        self.asked.insert((node, ticket), self.newest_answer);
        self.clients.entry(node).or_default().batches.insert(ticket, ops);
    }

    fn judge_client(&mut self, node: NodeId, event: &ZkClientEvent) {
        let reader = self.clients.entry(node).or_default();
        match event {
            ZkClientEvent::Expired => reader.armed.clear(),
            ZkClientEvent::Watch(event) => {
                let armed = reader.armed.remove(event.path.as_ref());
                assert!(armed.is_some(), "{node} was told of {} and had no watch there", event.path);
                assert_eq!(event.kind, WatchKind::DataChanged);
            }
            ZkClientEvent::Done { ticket, results } => {
                let after = self.asked.remove(&(node, *ticket)).unwrap();
                let ops = reader.batches.remove(ticket).unwrap();
                for (op, result) in ops.iter().zip(results) {
                    match (op, result) {
                        (Op::GetData { path, watch }, Ok(OpResult::Data { stat, .. })) => {
                            reader.read(node, path, stat.mzxid, *watch);
                        }
                        (Op::Write(_), Ok(OpResult::Set(stat))) => {
                            self.answered.push(Answered { zxid: stat.mzxid, after });
                        }
                        (Op::Write(_), Ok(OpResult::Created { stat, .. })) => {
                            self.answered.push(Answered { zxid: stat.czxid, after });
                        }
                        _ => {}
                    }
                }
                let newest = self.answered.iter().map(|answered| answered.zxid).max().unwrap_or_default();
                self.newest_answer = self.newest_answer.max(newest);
            }
            ZkClientEvent::Connected { .. } | ZkClientEvent::Disconnected => {}
        }
    }

    /// Writes that were answered are there, and those that waited for another's answer come after it.
    fn judge_answers(&self) {
        for Answered { zxid, after } in &self.answered {
            let txn = self.committed.get(zxid);
            assert!(txn.is_some_and(|txn| matches!(txn.body, TxnBody::Change(_))), "{zxid} was answered and is gone");
            assert!(zxid > after, "{zxid} was asked for after the answer to {after}");
        }
    }
}

impl Reader {
    fn read(&mut self, node: NodeId, path: &str, mzxid: Zxid, watch: bool) {
        let before = self.read.insert(path.to_owned(), mzxid);
        assert!(before <= Some(mzxid), "{node} saw less of {path} than before");
        if let Some(armed) = self.armed.get(path) {
            assert_eq!(*armed, mzxid, "{node} saw the new data of {path} before its watch");
        }
        if watch {
            self.armed.insert(path.to_owned(), mzxid);
        }
    }
}

/// A run of one seed.
struct Run {
    lab: Lab,
    judge: Judge,
    rng: Rng,
    servers: u8,
    clients: i32,
}

impl Run {
    fn new(seed: u64) -> Self {
        let mut rng = Rng::split(seed, "faults");
        let servers = [1, 2, 3, 3, 4, 5, 7][rng.index(7)];
        let lab = Lab::ensemble(servers, (Duration::from_micros(100), Duration::from_millis(20)), seed);
        Self { lab, judge: Judge::default(), rng, servers, clients: 3 }
    }

    fn pass(&mut self, time: Duration) {
        let end = self.lab.now.lab + time;
        while self.lab.step(end) {
            self.judge.look(&self.lab);
        }
        self.lab.run(end.since(self.lab.now.lab));
    }

    fn ask(&mut self, node: NodeId, ops: Vec<Op>) {
        let ticket = self.lab.submit(node, ops.clone());
        self.judge.asked(node, ticket, ops);
        self.judge.look(&self.lab);
    }

    /// Everything runs and is connected, and the registers are there.
    fn begin(&mut self) {
        for id in 1..=self.clients {
            self.lab.start(broker(id));
        }
        self.pass(Duration::from_secs(5));
        let paths = ["/r", "/q"].into_iter().chain(REGISTERS);
        let ops = paths.map(|path| Write::create(path, "", CreateMode::Persistent).into()).collect();
        self.ask(broker(1), ops);
        self.pass(Duration::from_secs(2));
    }

    fn request(&mut self) {
        let node = broker(1 + self.pick(self.clients.unsigned_abs()).cast_signed());
        let register = REGISTERS[self.rng.index(REGISTERS.len())];
        let ops = match self.rng.index(6) {
            0 | 1 => vec![Write::set(register, self.rng.bits().to_string(), ANY_VERSION).into()],
            2 => vec![Op::get_and_watch(register)],
            3 => vec![Op::Sync, Op::get(register)],
            4 => vec![Write::create("/q/e-", "", CreateMode::EphemeralSequential).into(), Op::get(register)],
            _ => vec![Op::Multi(vec![
                Write::set(register, "multi", ANY_VERSION),
                Write::create("/q/m-", "", CreateMode::PersistentSequential),
            ])],
        };
        self.ask(node, ops);
    }

    fn pick(&mut self, many: u32) -> u32 {
        u32::try_from(self.rng.index(many as usize)).unwrap()
    }

    fn any_server(&mut self) -> NodeId {
        zk(1 + u8::try_from(self.pick(self.servers.into())).unwrap())
    }

    fn fault(&mut self) {
        let (a, b) = (self.any_server(), self.any_server());
        let client = broker(1 + self.pick(self.clients.unsigned_abs()).cast_signed());
        let now = self.lab.now.lab;
        match self.rng.index(10) {
            0 | 1 if self.lab.servers[&a].is_running() => self.lab.stop_server(a),
            0..=3 if !self.lab.servers[&a].is_running() => self.lab.start_server(a),
            4 => drop(self.lab.network.cut(a, b)),
            5 => drop(self.lab.network.cut(a, client)),
            6 => self.lab.cut(a),
            7 => self.lab.heal(a),
            8 => drop(self.lab.network.heal(a, b, now)),
            _ => self.lab.heal(client),
        }
        self.judge.look(&self.lab);
    }

    /// A client whose session ended begins another, as a broker does.
    fn begin_anew(&mut self) {
        for id in 1..=self.clients {
            if self.lab.clients[&broker(id)].state() == ClientState::Expired {
                self.lab.connect(broker(id));
            }
        }
    }

    /// All faults end: everything must come together again.
    fn end(&mut self) {
        for id in 1..=self.servers {
            self.lab.heal(zk(id));
            if !self.lab.servers[&zk(id)].is_running() {
                self.lab.start_server(zk(id));
            }
        }
        self.pass(Duration::from_secs(150));
        self.begin_anew();
        self.pass(Duration::from_secs(30));
        let leader = self.lab.leader().expect("a leader");
        for (node, server) in &self.lab.servers {
            assert!(server.is_serving(), "{node} serves nobody in the end");
            assert_eq!(server.state(), self.lab.servers[&leader].state(), "{node}");
        }
        for (node, client) in &self.lab.clients {
            assert_eq!((client.state(), client.pending()), (ClientState::Connected, 0), "{node}");
        }
        self.judge.judge_answers();
        assert!(self.judge.clients.values().all(|reader| reader.batches.is_empty()), "all is answered");
    }
}

fn run(seed: u64) -> Judge {
    let mut run = Run::new(seed);
    run.begin();
    for _ in 0..120 {
        match run.rng.index(4) {
            0 => run.fault(),
            _ => run.request(),
        }
        run.begin_anew();
        let pause = run.rng.between(Duration::ZERO, Duration::from_millis(1_500));
        run.pass(pause);
    }
    run.end();
    run.judge
}

/// `ZK_SEEDS=0..1000` runs others.
#[test]
fn what_zookeeper_promises_holds_under_faults() {
    let range = std::env::var("ZK_SEEDS").unwrap_or_else(|_| "0..60".to_owned());
    let (from, to) = range.split_once("..").unwrap();
    let (mut epochs, mut writes) = (BTreeSet::new(), 0);
    for seed in from.parse().unwrap()..to.parse::<u64>().unwrap() {
        let judged = std::panic::catch_unwind(|| run(seed));
        let judged = judged.unwrap_or_else(|_| panic!("seed {seed}"));
        epochs.insert(judged.leaders.len());
        writes += judged.answered.len();
    }
    assert!(epochs.last() > Some(&3) && writes > 100, "the faults must reach the ensemble: {epochs:?}, {writes}");
}
