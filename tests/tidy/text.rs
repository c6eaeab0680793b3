//! Limits and habits of the text itself: sizes, first lines, what is never written.

use std::fmt::Write as _;

use crate::Finding;
use crate::source::{self, Tree};

const FILE_LINES: usize = 500;
const TEST_FILE_LINES: usize = 1000;
const FUNCTION_LINES: usize = 70;
const MEDIAN_LINES: usize = 10;
/// Of 100 functions, 95 are at most this long.
const MOST_LINES: usize = 45;

/// What a text is searched for. In pieces, so that this file does not find itself.
fn words(pieces: &[(&str, &str)]) -> Vec<String> {
    pieces.iter().map(|(a, b)| format!("{a}{b}")).collect()
}

fn lines_with(path: &str, text: &str, words: &[String], findings: &mut Vec<Finding>) {
    for (at, line) in text.lines().enumerate() {
        for word in words.iter().filter(|word| line.contains(word.as_str())) {
            findings.push(Finding::at(path, at + 1, &format!("has {word:?}")));
        }
    }
}

/// Rule: a file is a room that one can overlook.
pub(crate) fn file_size(tree: &Tree) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (path, text) in source::rust(tree, "") {
        let (limit, lines) = if source::is_test_file(path) {
            (TEST_FILE_LINES, text.lines().count())
        } else {
            (FILE_LINES, source::lines_without_tests(text))
        };
        if lines > limit {
            findings.push(Finding::at(path, limit, &format!("has {lines} lines; {limit} are the limit")));
        }
    }
    findings
}

/// Rule: a function is read at one sight.
pub(crate) fn function_size(tree: &Tree) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (path, text) in source::rust(tree, "") {
        for function in source::functions(&source::code(text)) {
            if function.lines > FUNCTION_LINES {
                let what = format!("{} has {} lines; {FUNCTION_LINES} are the limit", function.name, function.lines);
                findings.push(Finding::at(path, function.line, &what));
            }
        }
    }
    findings
}

/// Rule: most functions are short.
pub(crate) fn function_median(tree: &Tree) -> Vec<Finding> {
    let sources = source::rust(tree, "src/").filter(|(path, _)| !source::is_test_file(path));
    let mut lengths: Vec<usize> = sources
        .flat_map(|(_, text)| source::functions(&source::without_tests(&source::code(text))))
        .map(|function| function.lines)
        .collect();
    lengths.sort_unstable();
    let part = |percent: usize| lengths.get(lengths.len() * percent / 100).copied().unwrap_or(0);
    let mut what = String::new();
    if part(50) > MEDIAN_LINES {
        _ = write!(what, "the median function has {} lines, over {MEDIAN_LINES}; ", part(50));
    }
    if part(95) > MOST_LINES {
        _ = write!(what, "5 of 100 functions have over {} lines, not {MOST_LINES}; ", part(95));
    }
    if what.is_empty() { Vec::new() } else { vec![Finding::at("src", 0, what.trim_end_matches("; "))] }
}

/// Rule: the first line says what the file is for.
pub(crate) fn first_line(tree: &Tree) -> Vec<Finding> {
    let bare = source::rust(tree, "").filter(|(_, text)| !text.starts_with("//!"));
    bare.map(|(path, _)| Finding::at(path, 1, "does not begin with //!")).collect()
}

/// Rule: nothing half done.
pub(crate) fn unfinished(tree: &Tree) -> Vec<Finding> {
    let macros = words(&[("todo", "!"), ("unimplemented", "!"), ("dbg", "!")]);
    let marks = words(&[("TO", "DO"), ("FIX", "ME"), ("XX", "X:"), ("HA", "CK:")]);
    let mut findings = Vec::new();
    for (path, text) in source::rust(tree, "") {
        lines_with(path, &source::code(text), &macros, &mut findings);
        lines_with(path, text, &marks, &mut findings);
    }
    findings
}

/// Rule: an exception from a lint says why, and is found when it is no longer needed.
pub(crate) fn allow(tree: &Tree) -> Vec<Finding> {
    let marks = words(&[("#[all", "ow("), ("#![all", "ow(")]);
    let mut findings = Vec::new();
    for (path, text) in source::rust(tree, "") {
        lines_with(path, &source::code(text), &marks, &mut findings);
    }
    findings
}

/// Rule: a test waits for a condition, is run, and can fail. A pause between two looks at a condition, or one on a
/// clock that the test turns itself, says so: `// sleep: why it hides no race`.
pub(crate) fn honest_tests(tree: &Tree) -> Vec<Finding> {
    let naps = words(&[("thread::", "sleep"), ("time::", "sleep"), ("#[ign", "ore")]);
    let mut findings = Vec::new();
    for (path, text) in source::rust(tree, "") {
        let code = source::code(text);
        let tests = if source::is_test_file(path) { code } else { source::tests_only(&code) };
        let mut naps_here = Vec::new();
        lines_with(path, &tests, &naps, &mut naps_here);
        let explained = |finding: &Finding| {
            let around = text.lines().skip(finding.line.saturating_sub(2)).take(2);
            around.into_iter().any(|line| line.contains("// sleep: "))
        };
        findings.extend(naps_here.into_iter().filter(|finding| !explained(finding)));
    }
    findings
}

/// Rule: the project stands on its own.
pub(crate) fn no_workplace(tree: &Tree) -> Vec<Finding> {
    let marks = words(&[("/wo", "rk/"), ("../sha", "red"), ("/tmp/br", "ief")]);
    let mut findings = Vec::new();
    for (path, text) in tree {
        lines_with(path, text, &marks, &mut findings);
    }
    findings
}
