//! The command line as a user meets it: what is refused, in one line that says what to do, and with which status.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::net::TcpListener;
use std::process::Output;

use assert_cmd::Command;

fn kscope(arguments: &[&str]) -> Output {
    let mut command = Command::cargo_bin("kscope").unwrap();
    command.env_remove("KSCOPE_THEME").args(arguments).timeout(std::time::Duration::from_secs(60)).output().unwrap()
}

/// What it says on standard error, which must be one line.
fn refused(arguments: &[&str], status: i32) -> String {
    let output = kscope(arguments);
    let said = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(status), "{arguments:?}: {said}");
    assert_eq!(said.trim_end().lines().count(), 1, "{arguments:?}: {said}");
    assert!(said.starts_with("kscope: "), "{said}");
    assert!(output.stdout.is_empty(), "{arguments:?}");
    said
}

#[test]
fn what_waits_for_a_later_version_is_refused_by_name() {
    let cases: &[(&[&str], &str)] = &[
        (&["serve", "--record", "x"], "--record"),
        (&["serve", "--demo", "x"], "--demo"),
        (&["demo", "list"], "kscope demo"),
        (&["watch", "http://localhost:9644"], "kscope watch"),
        (&["attach", "localhost:9092", "--allow-writes"], "kscope attach"),
        (&["ctl", "kill", "broker-1"], "kscope ctl"),
        (&["sim", "--seeds", "1..10"], "kscope sim"),
        (&["replay", "x"], "kscope replay"),
    ];
    for (arguments, named) in cases {
        let said = refused(arguments, 2);
        assert!(said.contains(named) && said.contains("not in this version yet"), "{said}");
    }
}

#[test]
fn what_makes_no_sense_is_refused_with_what_would() {
    let cases: &[(&[&str], &[&str])] = &[
        (&["serve", "--set", "num.partitons=3"], &["num.partitons", "did you mean num.partitions?"]),
        (&["serve", "--set", "num.partitions=three"], &["num.partitions=three", "INT"]),
        (&["serve", "--set", "num.partitions=0"], &["num.partitions=0", "1.."]),
        (&["serve", "--set", "num.partitions"], &["KEY=VALUE"]),
        (&["serve", "--brokers", "0"], &["--brokers", "1..=100"]),
        (&["serve", "--zookeepers", "0"], &["need one"]),
        (&["serve", "--zookeepers", "10"], &["1 to 9"]),
        (&["serve", "--rate", "0"], &["0.001 to 100"]),
        (&["serve", "--rate", "fast"], &["0.001 to 100"]),
        (&["serve", "--memory", "1"], &["16M"]),
        (&["serve", "--memory", "lots"], &["512M"]),
        (&["serve", "--pace", "snail"], &["snail", "lab, kafka"]),
        (&["serve", "--control", "0.0.0.0:9644"], &["loopback"]),
        (&["serve", "--control", "nowhere"], &["127.0.0.1:9644"]),
        (&["serve", "--listen", "0.0.0.0"], &["--advertise"]),
        (&["serve", "--port", "70000"], &["70000", "65535"]),
        (&["serve", "--prot", "1"], &["--prot", "--port"]),
        (&["sevre"], &["sevre", "serve"]),
    ];
    for (arguments, parts) in cases {
        let said = refused(arguments, 2);
        for part in *parts {
            assert!(said.contains(part), "{arguments:?} should say {part}: {said}");
        }
    }
}

#[test]
fn a_port_that_was_asked_for_and_is_taken_is_an_error() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port().to_string();
    let said = refused(&["serve", "--control", "off", "--zk-port", "0", "--brokers", "1", "--port", &port], 1);
    assert!(said.contains(&port) && said.contains("--port"), "{said}");
    let said = refused(&["serve", "--control", &format!("127.0.0.1:{port}"), "--zk-port", "0", "--port", "0"], 1);
    assert!(said.contains(&port) && said.contains("--control"), "{said}");
}

#[test]
fn without_a_terminal_the_explorer_says_so() {
    let state = tempfile::tempdir().unwrap();
    let mut command = Command::cargo_bin("kscope").unwrap();
    let output = command.env("XDG_STATE_HOME", state.path()).args(["--port", "0", "--zk-port", "0"]).output().unwrap();
    let said = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(2), "{said}");
    assert_eq!(said.trim_end().lines().count(), 1, "{said}");
}

#[test]
fn help_version_completions_and_manual_go_to_standard_output() {
    let cases: &[(&[&str], &str)] = &[
        (&["--help"], "--brokers"),
        (&["--version"], env!("CARGO_PKG_VERSION")),
        (&["serve", "--help"], "--seed"),
        (&["completions", "bash"], "_kscope"),
        (&["completions", "zsh"], "#compdef kscope"),
        (&["man"], ".TH kscope"),
    ];
    for (arguments, part) in cases {
        let output = kscope(arguments);
        let said = String::from_utf8(output.stdout).unwrap();
        assert_eq!(output.status.code(), Some(0), "{arguments:?}");
        assert!(said.contains(part), "{arguments:?}: {said}");
        assert!(output.stderr.is_empty());
    }
}

#[test]
fn a_data_directory_that_cannot_be_is_refused_in_one_line() {
    let folder = tempfile::tempdir().unwrap();
    let serve = |path: &str, more: &[&str]| {
        let mut arguments = vec!["serve", "--port", "0", "--zk-port", "0", "--control", "off", "--data-dir", path];
        arguments.extend(more);
        refused(&arguments, 1)
    };
    let foreign = folder.path().join("foreign");
    std::fs::create_dir(&foreign).unwrap();
    std::fs::write(foreign.join("thesis.tex"), "years of work").unwrap();
    let said = serve(foreign.to_str().unwrap(), &[]);
    assert!(said.contains("not empty") && said.contains("foreign"), "{said}");
    assert_eq!(std::fs::read_dir(&foreign).unwrap().count(), 1, "it is left alone");

    let of_three = folder.path().join("three");
    let shape = kscope::engine::files::data_dir::Shape { brokers: 3, zookeepers: 1 };
    let held = kscope::engine::files::data_dir::DataDir::open(&of_three, shape).unwrap();
    let said = serve(of_three.to_str().unwrap(), &[]);
    assert!(said.contains("in use"), "{said}");
    drop(held);
    let said = serve(of_three.to_str().unwrap(), &["--brokers", "5"]);
    assert!(said.contains('3') && said.contains('5'), "{said}");

    let file = folder.path().join("file");
    std::fs::write(&file, "").unwrap();
    let said = serve(file.to_str().unwrap(), &[]);
    assert!(said.contains("file"), "{said}");
}
