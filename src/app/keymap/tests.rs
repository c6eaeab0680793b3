//! Keys lead where the table and the user's file say, and a wrong file is refused with its line.

use super::*;

fn key(text: &str) -> KeyPress {
    text.parse().expect("a key")
}

fn keymap(overrides: &[(&str, &[&str])]) -> Result<Keymap, (String, String)> {
    let owned = |(name, keys): &(&str, &[&str])| ((*name).to_owned(), keys.iter().map(|k| (*k).to_owned()).collect());
    Keymap::new(&overrides.iter().map(owned).collect())
}

#[test]
fn keys_are_read_as_they_are_written() {
    for text in ["K", "Ctrl-D", "F5", "Space", "Alt-x", "Enter", "PgDn", "[", "-"] {
        assert_eq!(key(text).to_string(), text);
    }
    assert!("Hyper-x".parse::<KeyPress>().is_err());
    assert!("F99".parse::<KeyPress>().is_err());
}

#[test]
fn a_prefix_waits_for_its_second_key() {
    let keymap = keymap(&[]).expect("the table");
    assert_eq!(keymap.find(Mode::Cluster, &[key("g")]), Found::Prefix);
    assert!(matches!(keymap.find(Mode::Cluster, &[key("g"), key("g")]), Found::Command(Command::Move(_))));
    assert_eq!(keymap.find(Mode::Cluster, &[key("g"), key("x")]), Found::Nothing);
}

#[test]
fn letters_are_text_in_a_text_field() {
    let keymap = keymap(&[]).expect("the table");
    for text in ["q", "K", "j", "Space", "?", ":"] {
        assert_eq!(keymap.find(Mode::Text, &[key(text)]), Found::Nothing, "{text}");
    }
    assert_eq!(keymap.find(Mode::Text, &[key("Esc")]), Found::Command(Command::Back));
    assert_eq!(keymap.find(Mode::Text, &[key("Ctrl-C")]), Found::Command(Command::QuitNow));
}

#[test]
fn a_question_takes_no_command_but_leaving() {
    let keymap = keymap(&[]).expect("the table");
    assert_eq!(keymap.find(Mode::Confirm, &[key("K")]), Found::Nothing);
    assert_eq!(keymap.find(Mode::Confirm, &[key("Enter")]), Found::Nothing);
    assert_eq!(keymap.find(Mode::Confirm, &[key("Esc")]), Found::Command(Command::Back));
}

#[test]
fn the_user_moves_a_command_to_other_keys() {
    let keymap = keymap(&[("kill-broker", &["Z Z"])]).expect("no clash");
    assert_eq!(keymap.find(Mode::Cluster, &[key("K")]), Found::Nothing);
    assert_eq!(keymap.find(Mode::Cluster, &[key("Z"), key("Z")]), Found::Command(Command::KillBroker));
    assert_eq!(keymap.keys_of("kill-broker"), ["Z Z"]);
}

#[test]
fn a_clash_names_both() {
    let (name, what) = keymap(&[("produce", &["K"])]).expect_err("K kills");
    assert!(name == "produce" && what.contains("kill-broker"), "{name}: {what}");
    let (_, what) = keymap(&[("produce", &["g"])]).expect_err("g begins g g");
    assert!(what.contains("means"), "{what}");
}

#[test]
fn a_wrong_file_is_refused_with_its_line() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("keys.ron");
    let error = |text: &str| {
        std::fs::write(&path, text).expect("written");
        Keymap::load(Some(&path)).expect_err("wrong").to_string()
    };
    assert!(error("{\n  \"quit\": [\"Z\"],\n  \"fly\": [\"F\"],\n}").contains("keys.ron:3: there is no command 'fly'"));
    assert!(error("{\n  \"quit\": [\"Hyper-x\"],\n}").contains("keys.ron:2: 'Hyper-x' is no key"));
    assert!(error("{\n  \"quit\": 3,\n}").contains("keys.ron:2:"));
    assert!(Keymap::load(Some(&folder.path().join("none.ron"))).is_ok(), "no file, no change");
}
