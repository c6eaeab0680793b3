//! The table holds together: names are unique, every key has one meaning, everything is explained.

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
