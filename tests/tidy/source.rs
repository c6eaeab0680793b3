//! Reads Rust just well enough for the house rules: no comments, no literals, items and paths by their tokens.
//!
//! It is no parser and need not be one: the tree is formatted by rustfmt and compiles. It may not be clever enough to
//! be wrong silently, so each function here has a test of its own.

use std::collections::BTreeMap;
use std::path::Path;

/// Folders that hold no source of ours.
const SKIPPED: &[&str] = &["target", "node_modules", ".venv", ".git", "__pycache__", "classes"];
/// What may be checked as text; everything else (pictures, archives) is not looked at.
const TEXT: &[&str] =
    &["rs", "md", "toml", "ron", "py", "js", "json", "go", "java", "xml", "txt", "yml", "sh", "snap", "script"];

/// The files of a tree by their path from its top, with `/` between the parts.
pub(crate) type Tree = BTreeMap<String, String>;

/// Reads every text file below `top`.
pub(crate) fn read_tree(top: &Path) -> std::io::Result<Tree> {
    let mut tree = Tree::new();
    let mut folders = vec![top.to_path_buf()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(&folder)? {
            let path = entry?.path();
            let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
            if path.is_dir() {
                if !SKIPPED.contains(&name.as_str()) {
                    folders.push(path);
                }
            } else if is_text(&path, &name) {
                let shown = path.strip_prefix(top).unwrap_or(&path).to_string_lossy().replace('\\', "/");
                tree.insert(shown, String::from_utf8_lossy(&std::fs::read(&path)?).into_owned());
            }
        }
    }
    Ok(tree)
}

fn is_text(path: &Path, name: &str) -> bool {
    match path.extension() {
        Some(extension) => TEXT.iter().any(|known| *known == extension),
        None => matches!(name, "justfile" | "run" | "LICENSE"),
    }
}

/// The Rust files below `folder` (`""`: all of them).
pub(crate) fn rust<'t>(tree: &'t Tree, folder: &'t str) -> impl Iterator<Item = (&'t str, &'t str)> {
    tree.iter()
        .filter(move |(path, _)| path.starts_with(folder) && is_a(path, "rs"))
        .map(|(path, text)| (path.as_str(), text.as_str()))
}

/// Whether the file's name ends in `.extension`.
pub(crate) fn is_a(path: &str, extension: &str) -> bool {
    Path::new(path).extension().is_some_and(|found| found == extension)
}

/// Whether all of a file is tests: `tests/..`, or a `tests.rs` beside what it tests.
pub(crate) fn is_test_file(path: &str) -> bool {
    path.starts_with("tests/") || path.ends_with("/tests.rs") || path.contains("/tests/")
}

/// `text` with comments and the insides of literals turned to blanks; every line stays where it was.
pub(crate) fn code(text: &str) -> String {
    let chars: Vec<char> = text.chars().collect();
    let mut out = String::with_capacity(text.len());
    let mut at = 0;
    while at < chars.len() {
        let end = literal_end(chars.get(at..).unwrap_or_default(), out.chars().next_back());
        let kept = end == 0;
        for c in chars.iter().skip(at).take(end.max(1)) {
            out.push(if kept || *c == '\n' { *c } else { ' ' });
        }
        at += end.max(1);
    }
    out
}

/// How long the comment or literal is that `rest` starts with; 0 if it starts with code.
fn literal_end(rest: &[char], before: Option<char>) -> usize {
    match rest {
        ['/', '/', ..] => rest.iter().position(|c| *c == '\n').unwrap_or(rest.len()),
        ['/', '*', ..] => block_comment(rest),
        ['"', ..] => quoted(rest),
        ['r', '"' | '#', ..] if !before.is_some_and(is_word) => raw_string(rest),
        ['\'', '\\', ..] => 4 + rest.iter().skip(3).position(|c| *c == '\'').unwrap_or(0),
        ['\'', _, '\'', ..] => 3,
        _ => 0,
    }
}

fn block_comment(rest: &[char]) -> usize {
    let mut depth = 0;
    let mut at = 0;
    while at < rest.len() {
        match rest.get(at..).unwrap_or_default() {
            ['/', '*', ..] => (depth, at) = (depth + 1, at + 2),
            ['*', '/', ..] => (depth, at) = (depth - 1, at + 2),
            _ => at += 1,
        }
        if depth == 0 {
            return at;
        }
    }
    at
}

fn quoted(rest: &[char]) -> usize {
    let mut at = 1;
    while let Some(c) = rest.get(at) {
        match c {
            '\\' => at += 2,
            '"' => return at + 1,
            _ => at += 1,
        }
    }
    rest.len()
}

fn raw_string(rest: &[char]) -> usize {
    let hashes = rest.iter().skip(1).take_while(|c| **c == '#').count();
    if rest.get(1 + hashes) != Some(&'"') {
        return 0; // A raw identifier.
    }
    let close: Vec<char> = std::iter::once('"').chain(std::iter::repeat_n('#', hashes)).collect();
    let body = 2 + hashes;
    let found = rest.get(body..).and_then(|text| text.windows(close.len()).position(|window| window == close));
    found.map_or(rest.len(), |at| body + at + close.len())
}

fn is_word(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}

/// `code` in pieces: what is not under `#[cfg(test)]`, and (`true`) what is.
fn pieces(code: &str) -> Vec<(bool, &str)> {
    let mut pieces = Vec::new();
    let mut rest = code;
    while let Some(at) = rest.find("#[cfg(test)]") {
        let (before, marked) = rest.split_at(at);
        let (tests, after) = marked.split_at(item_end(marked));
        pieces.extend([(false, before), (true, tests)]);
        rest = after;
    }
    pieces.push((false, rest));
    pieces
}

/// The pieces that are wanted; of the others, their line ends.
fn only(code: &str, wanted: bool) -> String {
    let lines = |text: &str| "\n".repeat(text.matches('\n').count());
    let kept =
        pieces(code).into_iter().map(|(tests, text)| if tests == wanted { text.to_owned() } else { lines(text) });
    kept.collect()
}

/// `code` without what stands under `#[cfg(test)]`; every line stays where it was.
pub(crate) fn without_tests(code: &str) -> String {
    only(code, false)
}

/// What stands under `#[cfg(test)]`; every line stays where it was.
pub(crate) fn tests_only(code: &str) -> String {
    only(code, true)
}

/// How many lines there are, but for those under `#[cfg(test)]`.
pub(crate) fn lines_without_tests(text: &str) -> usize {
    let code = code(text);
    let tests = pieces(&code).into_iter().filter(|(tests, _)| *tests);
    text.lines().count() - tests.map(|(_, text)| text.lines().count()).sum::<usize>()
}

/// Where the item ends that `code` starts with: at its `;`, or at the brace that closes its body.
fn item_end(code: &str) -> usize {
    let (mut braces, mut brackets) = (0, 0);
    for (at, c) in code.char_indices() {
        match c {
            '(' | '[' => brackets += 1,
            ')' | ']' => brackets -= 1,
            ';' if braces == 0 && brackets == 0 => return at + 1,
            '{' => braces += 1,
            '}' => {
                braces -= 1;
                if braces == 0 {
                    return at + 1;
                }
            }
            _ => {}
        }
    }
    code.len()
}

/// A function and how many lines it takes, from its `fn` to its closing brace.
#[derive(Debug, PartialEq)]
pub(crate) struct Function {
    pub(crate) name: String,
    pub(crate) line: usize,
    pub(crate) lines: usize,
}

/// Every function with a body in `code`, those inside others as well.
pub(crate) fn functions(code: &str) -> Vec<Function> {
    let mut found = Vec::new();
    for (at, _) in code.match_indices("fn ") {
        let (before, after) = code.split_at(at);
        let name: String = after.chars().skip(3).take_while(|c| is_word(*c)).collect();
        if name.is_empty() || before.chars().next_back().is_some_and(is_word) {
            continue;
        }
        let body = after.get(..item_end(after)).unwrap_or_default();
        if body.ends_with('}') {
            found.push(Function { name, line: 1 + before.matches('\n').count(), lines: body.lines().count() });
        }
    }
    found
}

/// A path as the code names it (`use` trees spelled out), and its line.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord, Clone)]
pub(crate) struct Named {
    pub(crate) line: usize,
    pub(crate) path: Vec<String>,
}

/// Every path of two parts and more, and every single name after `use`.
pub(crate) fn paths(code: &str) -> Vec<Named> {
    let tokens = tokens(code);
    let mut found = Vec::new();
    let mut at = 0;
    while let Some((line, token)) = tokens.get(at) {
        if token == "use" && tokens.get(at + 1).is_none_or(|(_, next)| next != "<") {
            at = use_tree(&tokens, at + 1, &[], &mut found);
        } else if token.starts_with(is_word) {
            let (path, next) = plain_path(&tokens, at);
            if path.len() > 1 {
                found.push(Named { line: *line, path });
            }
            at = next;
        } else {
            at += 1;
        }
    }
    found
}

/// Words, `::` and single marks, each with its line.
fn tokens(code: &str) -> Vec<(usize, String)> {
    let mut tokens: Vec<(usize, String)> = Vec::new();
    for (number, line) in code.lines().enumerate() {
        let mut rest = line.trim_start();
        while let Some(first) = rest.chars().next() {
            let length = match first {
                ':' if rest.starts_with("::") => 2,
                c if is_word(c) => rest.find(|c| !is_word(c)).unwrap_or(rest.len()),
                c => c.len_utf8(),
            };
            let (token, after) = rest.split_at(length);
            tokens.push((number + 1, token.to_owned()));
            rest = after.trim_start();
        }
    }
    tokens
}

fn plain_path(tokens: &[(usize, String)], start: usize) -> (Vec<String>, usize) {
    let mut path = Vec::new();
    let mut at = start;
    while let Some((_, word)) = tokens.get(at).filter(|(_, token)| token.starts_with(is_word)) {
        path.push(word.clone());
        at += 1;
        if tokens.get(at).is_none_or(|(_, token)| token != "::") {
            break;
        }
        at += 1;
    }
    (path, at)
}

/// Spells out the `use` tree that begins at `start` below `prefix`; returns the token behind it.
fn use_tree(tokens: &[(usize, String)], start: usize, prefix: &[String], found: &mut Vec<Named>) -> usize {
    let line = tokens.get(start).map_or(0, |(line, _)| *line);
    let begin = start + usize::from(tokens.get(start).is_some_and(|(_, token)| token == "::"));
    let (tail, mut at) = plain_path(tokens, begin);
    let path: Vec<String> = prefix.iter().cloned().chain(tail.into_iter().filter(|part| part != "self")).collect();
    if tokens.get(at).is_none_or(|(_, token)| token != "{") {
        found.push(Named { line, path });
        while tokens.get(at).is_some_and(|(_, token)| !matches!(token.as_str(), "," | ";" | "}")) {
            at += 1; // `as NAME`, or `*`.
        }
        return at;
    }
    at += 1;
    while let Some((_, token)) = tokens.get(at) {
        match token.as_str() {
            "}" => return at + 1,
            "," => at += 1,
            _ => at = use_tree(tokens, at, &path, found),
        }
    }
    at
}

#[test]
fn comments_and_literals_are_blank() {
    let text = "a /* b /* c */ */ d // e\n\"f\\\"\" r#\"g\"h\"# 'i' '\\n' &'j k";
    let words: Vec<String> = code(text).split_whitespace().map(str::to_owned).collect();
    assert_eq!(words, ["a", "d", "&'j", "k"]);
}

#[test]
fn test_items_are_cut() {
    let text = "fn a() {}\n#[cfg(test)]\nmod tests;\nfn b() {}\n#[cfg(test)]\nmod more { fn c() { {} } }\nfn d() {}";
    let names: Vec<String> = functions(&without_tests(text)).into_iter().map(|function| function.name).collect();
    assert_eq!(names, ["a", "b", "d"]);
    assert_eq!(tests_only(text).split_whitespace().last(), Some("}"));
    assert_eq!(lines_without_tests(text), 3);
}

#[test]
fn functions_are_measured() {
    let text = "fn a(b: [u8; 2]) -> [u8; 3]\n{\n  c(|| {})\n}\ntrait T { fn d(&self); }\nlet f: fn (u8);";
    assert_eq!(functions(text), [Function { name: "a".into(), line: 1, lines: 4 }]);
}

#[test]
fn use_trees_are_spelled_out() {
    let found = paths("use a::{b::{self, c as d}, e::*};\nuse f;\nlet x = g::h::<I>(j);");
    let shown: Vec<String> = found.iter().map(|named| format!("{} {}", named.line, named.path.join("::"))).collect();
    assert_eq!(shown, ["1 a::b", "1 a::b::c", "1 a::e", "2 f", "3 g::h"]);
}
