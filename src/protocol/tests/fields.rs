//! What a message's `Debug` output says, as a tree: two codecs' structures compared field by field, by name.

use std::collections::BTreeMap;

/// A value as `Debug` prints it. Wrappers are taken off: `Some(x)` and `TopicName(x)` are `x`.
#[derive(Debug, PartialEq)]
pub(super) enum Tree {
    /// Fields by name.
    Structure(BTreeMap<String, Tree>),
    /// Elements.
    List(Vec<Tree>),
    /// Anything else, as printed.
    Leaf(String),
}

/// Reads `Debug` output.
pub(super) fn parse(debug: &str) -> Tree {
    let mut rest = debug;
    let tree = value(&mut rest);
    assert_eq!(rest, "", "all of the output is read");
    tree
}

/// The paths of the fields of `ours` that `theirs` lacks or has otherwise. Fields that only `theirs` has (of versions
/// after Kafka 3.9) do not count, nor do those that only `ours` has (of versions that the crate dropped) where they are
/// empty or -1; a null, an empty string and an empty array are the same, since the codecs differ in what a version
/// without the field is read as (the bytes are compared elsewhere).
pub(super) fn differences(ours: &Tree, theirs: &Tree, path: &str) -> Vec<String> {
    match (ours, theirs) {
        (Tree::Structure(ours), Tree::Structure(theirs)) => ours
            .iter()
            .flat_map(|(name, ours)| match theirs.get(name) {
                Some(theirs) => differences(ours, theirs, &format!("{path}.{name}")),
                None if empty(ours) || *ours == Tree::Leaf("-1".to_owned()) => Vec::new(),
                None => vec![format!("{path}.{name} is unknown there")],
            })
            .collect(),
        (Tree::List(ours), Tree::List(theirs)) if ours.len() == theirs.len() => {
            let pairs = ours.iter().zip(theirs).enumerate();
            pairs.flat_map(|(index, (ours, theirs))| differences(ours, theirs, &format!("{path}[{index}]"))).collect()
        }
        (ours, theirs) if ours == theirs || (empty(ours) && empty(theirs)) || opaque(ours) => Vec::new(),
        (ours, theirs) => vec![format!("{path}: {ours:?} here, {theirs:?} there")],
    }
}

fn empty(tree: &Tree) -> bool {
    match tree {
        Tree::List(elements) => elements.is_empty(),
        Tree::Leaf(text) => ["None", "\"\"", "false"].contains(&text.as_str()),
        Tree::Structure(_) => false,
    }
}

/// Record data prints its size only.
fn opaque(tree: &Tree) -> bool {
    matches!(tree, Tree::Leaf(text) if text.ends_with(" bytes"))
}

fn value(rest: &mut &str) -> Tree {
    match rest.chars().next() {
        Some('[') => Tree::List(sequence(rest, ']', value)),
        Some('{') => Tree::Structure(fields(rest)),
        Some('"') => text(rest),
        Some('b') if rest.starts_with("b\"") => {
            *rest = &rest[1..];
            text(rest)
        }
        _ => named(rest),
    }
}

/// A word, and what it may be a name of: a structure's fields or a wrapped value.
fn named(rest: &mut &str) -> Tree {
    let end = rest.find([',', ']', '}', ')', '{', '(']).unwrap_or(rest.len());
    let word = rest[..end].trim();
    *rest = &rest[end..];
    match rest.chars().next() {
        Some('{') => Tree::Structure(fields(rest)),
        Some('(') => sequence(rest, ')', value).pop().expect("a wrapper holds something"),
        _ => Tree::Leaf(word.to_owned()),
    }
}

fn fields(rest: &mut &str) -> BTreeMap<String, Tree> {
    let field = |rest: &mut &str| {
        let (name, after) = rest.split_once(": ").expect("a field has a value");
        *rest = after;
        (name.to_owned(), value(rest))
    };
    sequence(rest, '}', field).into_iter().collect()
}

/// What stands between an opening bracket and `close`, with commas between.
fn sequence<T>(rest: &mut &str, close: char, item: impl Fn(&mut &str) -> T) -> Vec<T> {
    *rest = rest[1..].trim_start();
    let mut items = Vec::new();
    while !rest.starts_with(close) {
        items.push(item(rest));
        *rest = rest.trim_start_matches([',', ' ']);
    }
    *rest = &rest[1..];
    items
}

/// A quoted text, escapes as printed.
fn text(rest: &mut &str) -> Tree {
    let mut escaped = false;
    let end = rest[1..]
        .find(|letter| {
            let end = letter == '"' && !escaped;
            escaped = letter == '\\' && !escaped;
            end
        })
        .expect("a text ends");
    let (text, after) = rest.split_at(end + 2);
    *rest = after;
    Tree::Leaf(text.to_owned())
}
