//! The house rules that neither compiler nor linter holds: who may import whom, how long a file may be, what must be
//! written down. ARCHITECTURE.md explains them; this is the place where they bite.
//!
//! [`RULES`] is the list. Each row says why it exists and brings a snippet that breaks it and one that keeps it, so
//! that a rule that can no longer fail is found as well.

#[path = "tidy/documents.rs"]
mod documents;
#[path = "tidy/imports.rs"]
mod imports;
#[path = "tidy/source.rs"]
mod source;
#[path = "tidy/text.rs"]
mod text;

use std::path::Path;

use source::Tree;

/// A place where a rule is broken.
#[derive(Debug)]
struct Finding {
    path: String,
    /// From 1; 0 where no single line is to blame.
    line: usize,
    what: String,
}

impl Finding {
    fn at(path: &str, line: usize, what: &str) -> Self {
        Self { path: path.to_owned(), line, what: what.to_owned() }
    }
}

/// A path and what stands there.
type Sample = (&'static str, &'static str);

struct Rule {
    name: &'static str,
    why: &'static str,
    check: fn(&Tree) -> Vec<Finding>,
    /// Trees that break the rule, each in a way of its own.
    bad: &'static [&'static [Sample]],
    /// Trees that keep it, as closely as can be.
    good: &'static [&'static [Sample]],
}

/// `$line` ten times.
macro_rules! tenfold {
    ($($line:tt)*) => {
        concat!($($line)*, $($line)*, $($line)*, $($line)*, $($line)*, $($line)*, $($line)*, $($line)*, $($line)*, $($line)*)
    };
}

/// A text over the limits of a file and a function: `$first`, 600 times `$line`, `$last`.
macro_rules! long {
    ($first:literal, $line:literal, $last:literal) => {
        concat!($first, tenfold!(tenfold!(concat!($line, $line, $line, $line, $line, $line))), $last)
    };
}

const RULES: &[Rule] = &[
    Rule {
        name: "rooms",
        why: "an import in the wrong direction ties two rooms together for good; a new module is a decision",
        check: imports::rooms,
        bad: &[
            &[("src/engine/zk/tree.rs", "//! A.\nuse crate::{protocol::Error, session::{action::Action, Session}};")],
            &[("src/model/tree.rs", "//! A.\nfn a() { super::super::engine::run() }")],
            &[("src/app/update.rs", "//! A.\nuse crate::ui::draw;")],
            &[("src/helpers.rs", "//! A.")],
        ],
        good: &[
            &[(
                "src/engine/zk/tree.rs",
                "//! A.\nuse super::super::{node::NodeId, zk};\nuse crate::protocol; // crate::ui::x",
            )],
            &[("src/model/tree.rs", "//! A.\nuse super::Place;\nuse crate::session::snapshot::Snapshot;")],
            &[("src/app.rs", "//! A.\nuse crate::ui::draw;")],
            &[("src/protocol/batch.rs", "//! A.")],
        ],
    },
    Rule {
        name: "homes",
        why: "a clock, socket or task outside its home breaks replay; a second home for a crate breaks the map",
        check: imports::homes,
        bad: &[
            &[("src/engine/broker.rs", "//! A.\nuse std::{fmt, time::{Duration, Instant}};")],
            &[("src/engine/cluster.rs", "//! A.\nfn a() { tokio::task::yield_now() }")],
        ],
        good: &[
            &[("src/engine/runtime.rs", "//! A.\nuse std::time::Instant;\nuse tokio::net::TcpStream;")],
            &[(
                "src/engine/cluster.rs",
                "//! A.\n// tokio::task is not for here\n#[cfg(test)]\nmod tests { use tokio::net; }",
            )],
        ],
    },
    Rule {
        name: "no floats in the core",
        why: "the event log is the same to the byte on any machine",
        check: imports::no_floats,
        bad: &[&[("src/engine/network.rs", "//! A.\nfn loss() -> f64 { 1.into() }")]],
        good: &[&[("src/engine/network.rs", "//! A: no f64.\nfn loss() -> u32 { 1 }")]],
    },
    Rule {
        name: "file size",
        why: "a file is a room that one can overlook: 500 lines without tests, 1000 of tests",
        check: text::file_size,
        bad: &[&[("src/engine/log.rs", long!("//! A.\n", "const A: u8 = 1;\n", ""))]],
        good: &[&[("src/engine/log/tests.rs", long!("//! A.\n", "const A: u8 = 1;\n", ""))]],
    },
    Rule {
        name: "function size",
        why: "a function is read at one sight: 70 lines",
        check: text::function_size,
        bad: &[&[("tests/a.rs", long!("//! A.\nfn a() {\n", "b();\n", "}"))]],
        good: &[&[("tests/a.rs", "//! A.\nfn a() {\nb();\n}")]],
    },
    Rule {
        name: "most functions are short",
        why: "the median is at most 10 lines, 95 of 100 at most 45",
        check: text::function_median,
        bad: &[&[("src/a.rs", "//! A.\nfn a() {\n1;\n2;\n3;\n4;\n5;\n6;\n7;\n8;\n9;\n}")]],
        good: &[&[("src/a.rs", "//! A.\nfn a() {\n1;\n2;\n3;\n4;\n5;\n6;\n7;\n8;\n}")]],
    },
    Rule {
        name: "first line",
        why: "a newcomer knows within a minute what a file is for and what it may not do",
        check: text::first_line,
        bad: &[&[("benches/a.rs", "// A.\n")]],
        good: &[&[("benches/a.rs", "//! A.\n")]],
    },
    Rule {
        name: "unfinished",
        why: "what is not there is refused with a clear error, not left open",
        check: text::unfinished,
        bad: &[&[("src/a.rs", concat!("//! A.\nfn a() { to", "do!() }"))]],
        good: &[&[("src/a.rs", "//! A.\nfn a() { done(\"todo!\") }")]],
    },
    Rule {
        name: "expect, not allow",
        why: "an exception from a lint gives its reason and is found when nothing needs it any more",
        check: text::allow,
        bad: &[&[("src/a.rs", concat!("//! A.\n#[all", "ow(dead_code)]\nfn a() {}"))]],
        good: &[&[("src/a.rs", "//! A.\n#[expect(dead_code, reason = \"a\")]\nfn a() {}")]],
    },
    Rule {
        name: "honest tests",
        why: "a sleep hides a race, an ignored test shows nothing: wait for a condition",
        check: text::honest_tests,
        bad: &[&[("src/a.rs", concat!("//! A.\n#[cfg(test)]\nmod tests { fn a() { std::thread::", "sleep(b) } }"))]],
        good: &[&[("src/engine/runtime.rs", concat!("//! A.\nfn a() { std::thread::", "sleep(b) }"))]],
    },
    Rule {
        name: "no workplace",
        why: "the project stands on its own, wherever it is cloned",
        check: text::no_workplace,
        bad: &[&[("docs/a.md", concat!("see /wo", "rk/notes"))]],
        good: &[&[("docs/a.md", "at work, shared by all")]],
    },
    Rule {
        name: "APIs name their versions",
        why: "a client's versions are the first thing one looks for",
        check: documents::apis,
        bad: &[&[("src/engine/broker/api/fetch.rs", "//! Fetch: reads records.\n")]],
        good: &[&[("src/engine/broker/api/fetch.rs", "//! Fetch (key 1), versions 4-17: reads records.\n")]],
    },
    Rule {
        name: "claims",
        why: "what the notes claim is what the lab must show: a claim without a row is forgotten",
        check: documents::claims,
        bad: &[&[("docs/claims.md", "| T1 | a | b |\n")]],
        good: &[&[("docs/claims.md", include_str!("../docs/claims.md"))]],
    },
    Rule {
        name: "pointers",
        why: "a document that points nowhere is worse than none",
        check: documents::pointers,
        bad: &[&[("docs/a.md", "| T1 | `tests/none.rs` | [b](b.md) |")]],
        good: &[&[
            ("docs/a.md", "[b](b.md), [c](https://example.org), `tests/x.rs`"),
            ("docs/b.md", ""),
            ("tests/x.rs", ""),
        ]],
    },
    Rule {
        name: "deviations",
        why: "whoever relies on the lab being Kafka must find where it is not",
        check: documents::deviations,
        bad: &[&[("docs/deviations.md", "| `a` | b |"), ("src/a.rs", "//! Not as it should be (deviation: c).")]],
        good: &[&[
            ("docs/deviations.md", "| `a` | b |\n## Not in the code yet\n| `c` | d |"),
            ("src/a.rs", "//! No deviation: none, but for one (deviation: a)."),
        ]],
    },
    Rule {
        name: "themes",
        why: "a role without a style shows in a colour that nobody chose",
        check: documents::themes,
        bad: &[&[
            ("themes/a.ron", "(\n    leader: (1),\n    isr: (2),\n)"),
            ("themes/b.ron", "(\n    leader: (1),\n)"),
        ]],
        good: &[&[("themes/a.ron", "(\n    leader: (1),\n)"), ("themes/b.ron", "(\n    base: \"a\",\n)")]],
    },
    Rule {
        name: "lists",
        why: "a setting, a role or a command that stands in no document is found by reading the source alone",
        check: documents::lists,
        bad: &[
            &[("src/engine/settings.rs", "    num_partitions: i32 = \"num.partitions\", 1;")],
            &[("src/view/role.rs", "\nroles! {\n    /// A.\n    LeaderNote,\n}"), ("docs/themes.md", "`leader`")],
            &[("src/app/command.rs", "    Spec::new(\n  Command::Quit,\n \"quit\", &[])")],
            &[("src/app/command.rs", "//! The table has moved.")],
        ],
        good: &[
            &[
                ("src/engine/settings.rs", "    a: i32 = \"num.partitions\", 1;"),
                ("docs/settings.md", "`num.partitions`"),
            ],
            &[("src/view/role.rs", "\nroles! {\n    /// A.\n    LeaderNote,\n}"), ("docs/themes.md", "`leader_note`")],
            &[("src/app/command.rs", "Spec::new(Command::Quit, \"quit\", &[])"), ("docs/keys.md", "`quit`")],
        ],
    },
    Rule {
        name: "demos",
        why: "a demo that nobody finds is not shown",
        check: documents::demos,
        bad: &[&[("demos/failover.ron", "()"), ("README.md", "")]],
        good: &[&[("demos/failover.ron", "()"), ("README.md", "failover")]],
    },
];

#[test]
fn the_tree_keeps_the_rules() {
    let tree = source::read_tree(Path::new(env!("CARGO_MANIFEST_DIR"))).expect("the tree is readable");
    assert!(tree.contains_key("Cargo.toml") && tree.contains_key("src/lib.rs"), "this is not the project's top");
    let mut report = Vec::new();
    for rule in RULES {
        for finding in (rule.check)(&tree) {
            report.push(format!("{}:{}: {} [{}: {}]", finding.path, finding.line, finding.what, rule.name, rule.why));
        }
    }
    report.sort();
    assert!(report.is_empty(), "{} findings:\n{}", report.len(), report.join("\n"));
}

#[test]
fn every_rule_can_fail_and_can_hold() {
    let tree = |samples: &[Sample]| samples.iter().map(|(path, text)| ((*path).into(), (*text).into())).collect();
    for rule in RULES {
        for (number, sample) in rule.bad.iter().enumerate() {
            assert!(!(rule.check)(&tree(sample)).is_empty(), "{}: bad sample {number} passes", rule.name);
        }
        for (number, sample) in rule.good.iter().enumerate() {
            let findings = (rule.check)(&tree(sample));
            assert!(findings.is_empty(), "{}: good sample {number} fails: {findings:?}", rule.name);
        }
    }
}
