//! Who may import whom, and which crates live where: the two tables, and the rules that hold them.

use crate::Finding;
use crate::source::{self, Named, Tree};

/// One room of the house: the files it is, and the rooms that these may import besides themselves.
struct Room {
    /// A file or folder of `src` without its ending: `src/ui` is `src/ui.rs` and `src/ui/..`.
    of: &'static str,
    may: &'static [&'static str],
    why: &'static str,
}

/// The session's plain data: all that the screens know about a cluster.
const DATA: [&str; 4] = ["session::action", "session::condition", "session::event", "session::snapshot"];

/// The longest match counts, so a row for a file inside a room is that room's exception.
const ROOMS: &[Room] = &[
    Room { of: "src/protocol", may: &[], why: "the wire protocol is a leaf that any tool could take" },
    Room { of: "src/engine", may: &["protocol"], why: "the core is a value: it knows no screen and no session" },
    Room { of: "src/engine/runtime", may: &["engine", "protocol"], why: "the edge drives the core, and nothing else" },
    Room { of: "src/engine/listener", may: &["engine", "protocol"], why: "the edge serves sockets, and nothing else" },
    Room { of: "src/session", may: &["protocol"], why: "a session may be attached to a cluster that has no engine" },
    Room { of: "src/session/embedded", may: &["engine", "protocol", "session"], why: "the one door to the engine" },
    Room { of: "src/session/action", may: &DATA, why: "plain data" },
    Room { of: "src/session/condition", may: &DATA, why: "plain data" },
    Room { of: "src/session/event", may: &DATA, why: "plain data" },
    Room { of: "src/session/snapshot", may: &DATA, why: "plain data" },
    Room { of: "src/model", may: &DATA, why: "a leaf that app and view share; it cannot act on a cluster" },
    Room { of: "src/view", may: &["model", DATA[0], DATA[1], DATA[2], DATA[3]], why: "decides what is shown, purely" },
    Room { of: "src/ui", may: &["view", "theme"], why: "draws what it is given and decides nothing" },
    Room { of: "src/theme", may: &["view::role"], why: "a table: role to style" },
    Room { of: "src/app/", may: &["app", "model", "view", "session"], why: "only app.rs draws" },
    Room { of: "src/app.rs", may: &["model", "view", "session", "ui", "theme"], why: "the loop joins update and draw" },
    Room { of: "src/demo", may: &["session"], why: "a demo runs without a screen" },
    Room { of: "src/control", may: &["session"], why: "the control API may do what a key may do, by the same handle" },
    Room {
        of: "src/cli",
        may: &["session", "app", "demo", "control", "theme"],
        why: "arguments, then one of these runs",
    },
    Room {
        of: "src/main",
        may: &["cli", "session", "app", "demo", "control", "theme"],
        why: "starts; never the engine",
    },
    Room { of: "src/lib", may: &[], why: "the crate's map declares modules and does nothing" },
];

/// A crate or a part of the standard library, and the only places that may name it.
struct Home {
    name: &'static str,
    /// Where the rule holds.
    within: &'static str,
    /// The places that may, all others may not.
    only: &'static [&'static str],
    why: &'static str,
}

const EDGE: &[&str] = &["src/engine/runtime", "src/engine/listener"];
const DISK: &[&str] = &["src/engine/runtime", "src/engine/listener", "src/engine/files"];
const ASYNC: &[&str] = &[
    "src/engine/runtime",
    "src/engine/listener",
    "src/session",
    "src/control",
    "src/app.rs",
    "src/main",
    "src/cli/run.rs",
];

const HOMES: &[Home] = &[
    Home { name: "tokio", within: "src/", only: ASYNC, why: "tasks and waiting live at the edge" },
    Home { name: "tokio_util", within: "src/", only: ASYNC, why: "as tokio" },
    Home { name: "tui_textarea", within: "src/", only: &["src/app/editor"], why: "one home for text entry" },
    Home {
        name: "ratatui",
        within: "src/",
        only: &["src/ui", "src/theme", "src/app.rs", "src/main"],
        why: "only ui draws",
    },
    Home {
        name: "crossterm",
        within: "src/",
        only: &["src/app", "src/main"],
        why: "keys and terminal: app and its guard",
    },
    Home { name: "axum", within: "src/", only: &["src/control"], why: "HTTP is the control API's" },
    Home {
        name: "anyhow",
        within: "src/",
        only: &["src/cli", "src/main"],
        why: "elsewhere errors are enums of their layer",
    },
    Home { name: "fastrand", within: "src/", only: &["src/engine/rng"], why: "all chance comes from one seed" },
    Home { name: "std::net", within: "src/engine", only: EDGE, why: "the core opens no socket" },
    Home { name: "std::thread", within: "src/engine", only: EDGE, why: "the core runs on the thread that calls it" },
    Home { name: "std::fs", within: "src/engine", only: DISK, why: "a broker's disk is the core's edge" },
    Home { name: "std::env", within: "src/engine", only: EDGE, why: "the core sees its inputs and nothing else" },
    Home { name: "std::time::Instant", within: "src/engine", only: EDGE, why: "time is an argument" },
    Home { name: "std::time::SystemTime", within: "src/engine", only: EDGE, why: "time is an argument" },
    Home { name: "std::net", within: "src/protocol", only: &[], why: "the codec turns bytes to values" },
    Home { name: "std::time::Instant", within: "src/protocol", only: &[], why: "the codec turns bytes to values" },
];

/// Whether the file at `path` belongs to `place`: `src/ui` to `src/ui.rs` and all below `src/ui/`.
fn is_in(path: &str, place: &str) -> bool {
    path.strip_prefix(place)
        .is_some_and(|rest| rest.is_empty() || place.ends_with('/') || rest.starts_with('.') || rest.starts_with('/'))
}

/// Whether the module path `path` is `module` or inside it.
fn is_below(path: &[String], module: &str) -> bool {
    let module: Vec<&str> = module.split("::").collect();
    path.len() >= module.len() && path.iter().zip(&module).all(|(part, wanted)| part == wanted)
}

/// The module path of a source file: `src/engine/zk/tree.rs` is `engine::zk::tree`.
fn module(path: &str) -> Vec<String> {
    let inner = path.trim_start_matches("src/").trim_end_matches(".rs");
    inner.split('/').filter(|part| !matches!(*part, "lib" | "main" | "mod" | "")).map(str::to_owned).collect()
}

/// `named`, as seen from the file at `path`, from the crate's top; none for what is not of this crate.
fn within_crate(path: &str, named: &Named) -> Option<Vec<String>> {
    let mut base = module(path);
    let mut parts = named.path.as_slice();
    match parts.first().map(String::as_str) {
        Some("crate" | "kscope") => base.clear(),
        Some("self" | "super") => {}
        _ => return None,
    }
    while let Some((first, rest)) = parts.split_first() {
        match first.as_str() {
            "crate" | "kscope" | "self" => {}
            "super" => _ = base.pop(),
            _ => break,
        }
        parts = rest;
    }
    base.extend(parts.iter().cloned());
    Some(base)
}

/// Whether it names a room: an item on top of the crate is none, nor is `super::` out of a module within a file.
fn is_room(target: &[String]) -> bool {
    target.first().is_some_and(|top| ROOMS.iter().any(|room| module(room.of).first() == Some(top)))
}

fn named_in(text: &str) -> Vec<Named> {
    source::paths(&source::without_tests(&source::code(text)))
}

/// Rule: rooms import only what their row allows, and every source file is in a room.
pub(crate) fn rooms(tree: &Tree) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (path, text) in source::rust(tree, "src/").filter(|(path, _)| !source::is_test_file(path)) {
        let Some(room) = ROOMS.iter().filter(|room| is_in(path, room.of)).max_by_key(|room| room.of.len()) else {
            findings.push(Finding::at(path, 1, "is in no room: give it a row in ROOMS and a line in ARCHITECTURE.md"));
            continue;
        };
        let own = module(room.of).join("::");
        for named in named_in(text) {
            let Some(target) = within_crate(path, &named).filter(|target| is_room(target)) else { continue };
            let allowed =
                (!own.is_empty() && is_below(&target, &own)) || room.may.iter().any(|may| is_below(&target, may));
            if !allowed {
                let what = format!("imports {}, which {} may not: {}", target.join("::"), room.of, room.why);
                findings.push(Finding::at(path, named.line, &what));
            }
        }
    }
    findings
}

/// Rule: crates and parts of std are named only in their homes.
pub(crate) fn homes(tree: &Tree) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (path, text) in source::rust(tree, "src/").filter(|(path, _)| !source::is_test_file(path)) {
        let strangers = HOMES.iter().filter(|home| path.starts_with(home.within));
        let strangers: Vec<&Home> = strangers.filter(|home| !home.only.iter().any(|only| is_in(path, only))).collect();
        for named in named_in(text) {
            for home in strangers.iter().filter(|home| is_below(&named.path, home.name)) {
                let what = format!("names {}, whose home is elsewhere: {}", home.name, home.why);
                findings.push(Finding::at(path, named.line, &what));
            }
        }
    }
    findings
}

/// Rule: no floating point in the core, whose event log is the same to the byte on every machine.
pub(crate) fn no_floats(tree: &Tree) -> Vec<Finding> {
    let mut findings = Vec::new();
    let core = source::rust(tree, "src/engine").filter(|(path, _)| !EDGE.iter().any(|edge| is_in(path, edge)));
    for (path, text) in core {
        for (at, line) in source::code(text).lines().enumerate() {
            let mut words = line.split(|c: char| !c.is_alphanumeric() && c != '_');
            if let Some(word) = words.find(|word| matches!(*word, "f32" | "f64")) {
                findings.push(Finding::at(path, at + 1, &format!("uses {word} in the core")));
            }
        }
    }
    findings
}

#[test]
fn paths_resolve_from_their_file() {
    let seen = |path: &str, named: &str| {
        let named = Named { line: 1, path: named.split("::").map(str::to_owned).collect() };
        within_crate(path, &named).map(|parts| parts.join("::"))
    };
    assert_eq!(seen("src/engine/zk/tree.rs", "super::super::node::Id").as_deref(), Some("engine::node::Id"));
    assert_eq!(seen("src/engine.rs", "self::node").as_deref(), Some("engine::node"));
    assert_eq!(seen("src/main.rs", "kscope::cli::run").as_deref(), Some("cli::run"));
    assert_eq!(seen("src/app.rs", "std::fmt"), None);
}

#[test]
fn places_are_whole_names() {
    assert!(is_in("src/app.rs", "src/app.rs") && is_in("src/ui/table.rs", "src/ui") && is_in("src/ui.rs", "src/ui"));
    assert!(!is_in("src/uix.rs", "src/ui") && !is_in("src/app.rs", "src/app/"));
}
