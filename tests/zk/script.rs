//! Scenario scripts: a story in prose, commands after `> `, and below each what the cluster said to it.
//!
//! Each command runs until no message is on its way. Messages, events and what clients tell their brokers are listed in
//! their order, pings left out. `UPDATE_SCRIPTS=1` writes what is said now; a person then reads the difference.

use std::fmt::Write as _;
use std::path::Path;
use std::time::Duration;

use kscope::engine::event::{Event, EventKind};
use kscope::engine::message::Payload;
use kscope::engine::node::NodeId;
use kscope::engine::zk::client::ZkClientEvent;
use kscope::engine::zk::message::{ClientMessage, ServerMessage};
use kscope::engine::zk::op::{ANY_VERSION, CreateMode, Op, OpResult, Stat, Write, ZkError};
use kscope::engine::zk::tree::Znode;
use kscope::engine::zk::watch::WatchTarget;

use crate::harness::{Lab, Seen, broker, zk};

#[test]
fn scripts_say_what_they_said() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/zk/scripts");
    let mut paths: Vec<_> = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    assert!(!paths.is_empty());
    for path in paths {
        let expected = std::fs::read_to_string(&path).unwrap();
        let actual = run(&expected);
        if std::env::var_os("UPDATE_SCRIPTS").is_some() {
            std::fs::write(&path, actual).unwrap();
        } else {
            assert_eq!(actual, expected, "{} says something else now", path.display());
        }
    }
}

/// The script again, with what its commands say now.
fn run(script: &str) -> String {
    let mut lab = Lab::new();
    let mut out = String::new();
    for line in script.lines().filter(|line| !line.starts_with("  ")) {
        writeln!(out, "{line}").unwrap();
        if let Some(command) = line.strip_prefix("> ") {
            let from = if command.starts_with("servers ") { 0 } else { lab.seen.len() };
            let shown = act(&mut lab, command);
            for (at, seen) in &lab.seen[from..] {
                if let Some(text) = describe(seen) {
                    writeln!(out, "  {}.{:03}  {text}", at.as_millis() / 1_000, at.as_millis() % 1_000).unwrap();
                }
            }
            out.push_str(&shown);
        }
    }
    out
}

/// Does what a command says; what it shows of the state afterwards.
fn act(lab: &mut Lab, command: &str) -> String {
    let (word, rest) = command.split_once(' ').unwrap_or((command, ""));
    let mut shown = String::new();
    match word {
        "servers" => {
            *lab = Lab::ensemble(rest.parse().unwrap(), (Duration::from_millis(1), Duration::from_millis(1)), 1);
        }
        "start" if rest.starts_with("zk-") => lab.start_server(node(rest)),
        "stop" => lab.stop_server(node(rest)),
        "start" => lab.start(node(rest)),
        "kill" => drop(lab.kill(node(rest))),
        "cut" => lab.cut(node(rest)),
        "heal" => lab.heal(node(rest)),
        "run" => lab.run(Duration::from_millis(rest.strip_suffix("ms").unwrap().parse().unwrap())),
        "tree" => show_tree(&mut shown, lab.server().tree().get(rest).unwrap(), rest),
        "sessions" => show_sessions(&mut shown, lab),
        "watches" => {
            for (path, target, peer) in lab.server().watches().iter() {
                let what = if target == WatchTarget::Node { "node" } else { "children" };
                writeln!(shown, "  {what} {path} {}", peer.node()).unwrap();
            }
        }
        _ => drop(lab.submit(node(word), rest.split(" ; ").map(op).collect())),
    }
    lab.settle();
    shown
}

fn node(name: &str) -> NodeId {
    match name.split_once('-').unwrap() {
        ("zk", id) => zk(id.parse().unwrap()),
        (_, id) => broker(id.parse().unwrap()),
    }
}

/// An operation as a script has it: `create /a data ephemeral`, `get /a watch`, `multi check /a 0 , set /a data`.
fn op(text: &str) -> Op {
    let words: Vec<&str> = text.split(' ').collect();
    match words[..] {
        ["get", path] => Op::get(path),
        ["get", path, "watch"] => Op::get_and_watch(path),
        ["exists", path] => Op::exists(path),
        ["exists", path, "watch"] => Op::exists_and_watch(path),
        ["ls", path] => Op::children(path),
        ["ls", path, "watch"] => Op::children_and_watch(path),
        ["multi", ..] => Op::Multi(text["multi ".len()..].split(" , ").map(write).collect()),
        _ => write(text).into(),
    }
}

fn write(text: &str) -> Write {
    let words: Vec<&str> = text.split(' ').collect();
    let data = |text: &str| bytes::Bytes::copy_from_slice(text.as_bytes());
    let mode = |word| match word {
        "ephemeral" => CreateMode::Ephemeral,
        "sequential" => CreateMode::PersistentSequential,
        "ephemeral-sequential" => CreateMode::EphemeralSequential,
        other => panic!("no mode: {other}"),
    };
    match words[..] {
        ["create", path] => Write::create(path, "", CreateMode::Persistent),
        ["create", path, it] => Write::create(path, data(it), CreateMode::Persistent),
        ["create", path, it, how] => Write::create(path, data(it), mode(how)),
        ["delete", path] => Write::delete(path, ANY_VERSION),
        ["delete", path, version] => Write::delete(path, version.parse().unwrap()),
        ["set", path, it] => Write::set(path, data(it), ANY_VERSION),
        ["set", path, it, version] => Write::set(path, data(it), version.parse().unwrap()),
        ["check", path, version] => Write::check(path, version.parse().unwrap()),
        _ => panic!("no operation: {text}"),
    }
}

fn show_tree(out: &mut String, znode: &Znode, path: &str) {
    let Stat { czxid, version, cversion, ephemeral_owner, .. } = znode.stat();
    let data = String::from_utf8_lossy(znode.data());
    let owner = ephemeral_owner.map_or(String::new(), |_| " ephemeral".to_owned());
    let counter = czxid.counter();
    writeln!(out, "  {path} {data:?} czxid {counter} version {version} cversion {cversion}{owner}").unwrap();
    for (name, child) in znode.children() {
        show_tree(out, child, &format!("{}/{name}", path.trim_end_matches('/')));
    }
}

fn show_sessions(out: &mut String, lab: &Lab) {
    for (id, session) in lab.server().sessions() {
        let (owner, left) = (session.owner.unwrap().node(), session.remaining(&lab.now));
        let link = if session.server.is_some() { "connected" } else { "not connected" };
        let count = lab.server().tree().ephemeral_count(id);
        writeln!(out, "  {owner} {link}, {count} ephemerals, ends in {left:?}").unwrap();
    }
}

/// A line for a reader; `None` for what is routine.
fn describe(seen: &Seen) -> Option<String> {
    match seen {
        Seen::Message { payload: Payload::ZkPeer(message), .. } if message.is_ping() => None,
        Seen::Message { payload: Payload::Zk(ClientMessage::Ping), .. }
        | Seen::Message { payload: Payload::ZkReply(ServerMessage::Pong), .. } => None,
        Seen::Message { from, to, payload } => Some(format!("{from} -> {to}  {}", describe_payload(payload))),
        Seen::Event(event) => Some(format!("! {}", describe_event(event))),
        Seen::Client(node, event) => Some(format!("{node}: {}", describe_client_event(event))),
    }
}

fn describe_payload(payload: &Payload) -> String {
    match payload {
        Payload::Zk(ClientMessage::Request { op, .. }) => describe_op(op),
        Payload::Zk(ClientMessage::Connect { session, .. }) => {
            format!("connect, {}", if session.is_some() { "the session that there was" } else { "a new session" })
        }
        Payload::Zk(message) => message.name().to_owned(),
        Payload::ZkReply(ServerMessage::Reply { zxid, result, .. }) => {
            format!("{} (zxid {}:{})", describe_result(result), zxid.epoch(), zxid.counter())
        }
        Payload::ZkReply(ServerMessage::Connected { timeout, .. }) => format!("connected for {timeout:?}"),
        Payload::ZkReply(ServerMessage::Watch(event)) => format!("watch: {} {}", event.path, event.kind.word()),
        Payload::ZkReply(message) => message.name().to_owned(),
        Payload::Closed { .. } => "closed".to_owned(),
        Payload::ZkPeer(message) => {
            let about = payload.about().map(|about| format!(" {about}"));
            format!("{}{}", message.name(), about.unwrap_or_default())
        }
        other => format!("{other:?}"),
    }
}

fn describe_op(op: &Op) -> String {
    match op {
        Op::Write(write) => format!("{} {}", write.name(), write.path()),
        Op::Multi(writes) => {
            let members: Vec<_> = writes.iter().map(|write| format!("{} {}", write.name(), write.path())).collect();
            format!("multi [{}]", members.join(", "))
        }
        Op::GetData { path, watch } | Op::Exists { path, watch } | Op::GetChildren { path, watch } => {
            format!("{} {path}{}", op.name(), if *watch { " and watch" } else { "" })
        }
        Op::SetWatches(it) => format!("setWatches {:?} {:?} {:?}", it.data, it.exists, it.children),
        Op::Sync => "sync".to_owned(),
    }
}

fn describe_result(result: &Result<OpResult, ZkError>) -> String {
    match result {
        Ok(OpResult::Created { path, .. }) => format!("created {path}"),
        Ok(OpResult::Deleted) => "deleted".to_owned(),
        Ok(OpResult::Set(stat)) => format!("set, version {}", stat.version),
        Ok(OpResult::Checked) => "checked".to_owned(),
        Ok(OpResult::Multi(Ok(results))) => {
            let members: Vec<_> = results.iter().map(|result| describe_result(&Ok(result.clone()))).collect();
            format!("[{}]", members.join(", "))
        }
        Ok(OpResult::Multi(Err(failure))) => format!("nothing done: member {}: {}", failure.member, failure.error),
        Ok(OpResult::Data { data, stat }) => {
            format!("{:?} version {}", String::from_utf8_lossy(data), stat.version)
        }
        Ok(OpResult::Exists(stat)) => format!("exists, version {}", stat.version),
        Ok(OpResult::Children { children, .. }) => format!("children {children:?}"),
        Ok(OpResult::Synced) => "synced".to_owned(),
        Ok(OpResult::WatchesSet) => "watches set".to_owned(),
        Err(error) => format!("{error} ({})", error.code()),
    }
}

fn describe_event(event: &Event) -> String {
    match &event.kind {
        EventKind::SessionOpened { owner, .. } => format!("session of {owner} opened"),
        EventKind::SessionResumed { owner, .. } => format!("session of {owner} resumed"),
        EventKind::SessionExpired { owner, closed, .. } => {
            format!("session of {owner} {}", if *closed { "closed" } else { "expired" })
        }
        EventKind::EphemeralGone { path, .. } => format!("ephemeral {path} gone"),
        EventKind::WatchFired { path, watcher, change } => format!("watch of {watcher} on {path} fired: {change}"),
        EventKind::ZkDisconnected { server, .. } => format!("{} lost {server}", event.node),
        EventKind::Zk(it) => format!("{} {it:?}", event.node),
        other => format!("{other:?}"),
    }
}

fn describe_client_event(event: &ZkClientEvent) -> String {
    match event {
        ZkClientEvent::Connected { new, .. } => {
            format!("connected, {}", if *new { "new session" } else { "same session" })
        }
        ZkClientEvent::Disconnected => "disconnected".to_owned(),
        ZkClientEvent::Expired => "expired".to_owned(),
        ZkClientEvent::Done { ticket, results } => {
            let results: Vec<_> = results.iter().map(describe_result).collect();
            format!("done {}: {}", ticket.0, results.join("; "))
        }
        ZkClientEvent::Watch(event) => format!("watch: {} {}", event.path, event.kind.word()),
    }
}
