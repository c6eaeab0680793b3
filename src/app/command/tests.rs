//! The table holds together: names are unique, every key has one meaning, everything is explained.

use std::fmt::Write as _;

use std::collections::BTreeMap;

use super::*;

#[test]
fn every_name_is_unique_and_explained() {
    let mut seen = BTreeMap::new();
    for spec in TABLE {
        assert!(seen.insert(spec.name, spec.command).is_none(), "{} stands twice in the table", spec.name);
        assert!(!spec.doc.is_empty() && !spec.doc.ends_with('.'), "{}: one line without a full stop", spec.name);
        assert!(!spec.modes.is_empty() && !spec.keys.is_empty(), "{} works nowhere", spec.name);
    }
}

#[test]
fn no_key_has_two_meanings() {
    let mut meaning: BTreeMap<&str, &str> = BTreeMap::new();
    for spec in TABLE {
        for key in spec.keys {
            if let Some(other) = meaning.insert(key, spec.name) {
                panic!("{key} means both {other} and {}", spec.name);
            }
        }
    }
}

#[test]
fn the_default_keys_make_a_keymap() {
    let keymap = Keymap::new(&BTreeMap::new()).expect("the table's own keys parse and do not clash");
    for entry in entries(&keymap).iter() {
        assert!(!entry.keys.is_empty(), "{} has no key", entry.name);
    }
}

/// `docs/keys.md`, made from the table.
fn markdown() -> String {
    let mut text = String::from(
        "# Keys\n\nMade from the table of commands (`src/app/command.rs`) and held against it by a test: set `UPDATE_DOCS=1` and run the \
         tests to write it anew.\n\nKeys of one's own stand in `keys.ron` in kscope's configuration folder, a map from a command's \
         name to its keys:\n`{ \"kill-broker\": [\"K\", \"Z Z\"], \"quit\": [] }`. While a text field has the focus, keys are \
         text. A question takes only `y` as yes.\n",
    );
    for category in Category::ALL {
        let title = category.title();
        write!(text, "\n## {title}\n\n| keys | command | what it does |\n| --- | --- | --- |\n").unwrap();
        for spec in TABLE.iter().filter(|spec| spec.category == category) {
            let keys: Vec<String> = spec.keys.iter().map(|key| format!("`{key}`")).collect();
            let asks = if spec.destructive { " (asks first)" } else { "" };
            writeln!(text, "| {} | `{}` | {}{asks} |", keys.join(" "), spec.name, spec.doc).unwrap();
        }
    }
    text
}

#[test]
fn the_documentation_lists_every_command() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/keys.md");
    if std::env::var_os("UPDATE_DOCS").is_some() {
        std::fs::create_dir_all(concat!(env!("CARGO_MANIFEST_DIR"), "/docs")).expect("the folder");
        std::fs::write(path, markdown()).expect("written");
    }
    let written = std::fs::read_to_string(path).unwrap_or_default();
    assert!(written == markdown(), "docs/keys.md is not what the table says: UPDATE_DOCS=1 cargo test --lib command");
}
