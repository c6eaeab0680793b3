//! What must be written down, and that what is written points at something.
//!
//! A rule about files that do not exist yet holds by itself, and begins to bite with the first such file.

use std::collections::BTreeSet;

use crate::Finding;
use crate::source::{self, Tree};

/// The notes' claims: a letter for the group, and how many there are in it.
const CLAIMS: &[(&str, usize)] =
    &[("T", 9), ("B", 8), ("R", 6), ("Z", 8), ("P", 11), ("C", 8), ("O", 5), ("M", 2), ("U", 7), ("A", 1)];

/// The `//!` lines on top of a file.
fn header(text: &str) -> String {
    text.lines().take_while(|line| line.starts_with("//!")).collect::<Vec<_>>().join("\n")
}

/// Rule: each Kafka API says on top which versions it serves.
pub(crate) fn apis(tree: &Tree) -> Vec<Finding> {
    let says = |text: &str| {
        let header = header(text).to_lowercase();
        header.split("version").skip(1).any(|after| after.chars().take(12).any(|c| c.is_ascii_digit()))
    };
    let folder = "src/engine/broker/api/";
    let apis = source::rust(tree, folder).filter(|(path, _)| !path.trim_start_matches(folder).contains('/'));
    apis.filter(|(_, text)| !says(text))
        .map(|(path, _)| Finding::at(path, 1, "its header does not name the versions that it serves"))
        .collect()
}

/// The names at the start of the rows of a Markdown table: `| T1 | ..` is `T1`.
fn rows(text: &str) -> impl Iterator<Item = (usize, Vec<&str>)> {
    text.lines().enumerate().filter_map(|(at, line)| {
        let cells = line.strip_prefix('|')?.trim_end().strip_suffix('|')?;
        Some((at + 1, cells.split('|').map(str::trim).collect()))
    })
}

/// Rule: every claim of the notes has its row, once.
pub(crate) fn claims(tree: &Tree) -> Vec<Finding> {
    let path = "docs/claims.md";
    let Some(text) = tree.get(path) else { return vec![Finding::at(path, 0, "is missing")] };
    let shown: Vec<&str> = rows(text).filter_map(|(_, cells)| cells.first().copied()).collect();
    let mut findings = Vec::new();
    for (group, count) in CLAIMS {
        for number in 1..=*count {
            let id = format!("{group}{number}");
            let times = shown.iter().filter(|name| **name == id).count();
            if times != 1 {
                findings.push(Finding::at(path, 0, &format!("has {times} rows for the claim {id}")));
            }
        }
    }
    findings
}

/// A path without `.` and `..`, and without a slash at its end.
fn resolved(path: &str) -> String {
    let mut parts = Vec::new();
    for part in path.split('/') {
        match part {
            "" | "." => {}
            ".." => drop(parts.pop()),
            part => parts.push(part),
        }
    }
    parts.join("/")
}

/// Rule: a file that a document names is there. Names stand in backticks or behind a link.
pub(crate) fn pointers(tree: &Tree) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (path, text) in tree.iter().filter(|(path, _)| source::is_a(path, "md")) {
        let folder = path.rsplit_once('/').map_or(String::new(), |(folder, _)| format!("{folder}/"));
        for (at, line) in text.lines().enumerate() {
            for (base, name) in
                links(line).map(|name| (folder.as_str(), name)).chain(ticked(line).map(|name| ("", name)))
            {
                let name = name.split('#').next().unwrap_or_default();
                let target = resolved(&format!("{base}{name}"));
                let inside = format!("{target}/");
                let known = tree.keys().any(|file| *file == target || file.starts_with(&inside));
                if !known && !name.is_empty() {
                    findings.push(Finding::at(path, at + 1, &format!("points at {target}, which is not there")));
                }
            }
        }
    }
    findings
}

/// The relative targets of `[..](target)`; pictures are no text and are not looked for.
fn links(line: &str) -> impl Iterator<Item = &str> {
    let targets = line.split("](").skip(1).filter_map(|after| after.split(')').next());
    targets.filter(|to| !to.contains("://") && !source::is_a(to, "svg") && !source::is_a(to, "png"))
}

/// The paths of tests, demos and documents in backticks: those that a claim is shown by.
fn ticked(line: &str) -> impl Iterator<Item = &str> {
    let names = line.split('`').skip(1).step_by(2);
    let folders = ["tests/", "demos/", "docs/", "benches/"];
    names.filter(move |name| {
        folders.iter().any(|folder| name.starts_with(folder)) && !name.contains([' ', '*', '<', '{'])
    })
}

/// Rule: a place in the code that is not as Kafka has it is on the list, and the list is not longer than the code.
///
/// The code says `(deviation: name)` in a comment, the list has a row `name | ..`; rows under "Not in the code yet"
/// wait for theirs.
pub(crate) fn deviations(tree: &Tree) -> Vec<Finding> {
    let path = "docs/deviations.md";
    let Some(text) = tree.get(path) else { return vec![Finding::at(path, 0, "is missing")] };
    let (now, later) = text.split_once("## Not in the code yet").unwrap_or((text, ""));
    let names = |part: &str| -> BTreeSet<String> {
        let first = rows(part).filter_map(|(_, cells)| cells.first().and_then(|cell| cell.strip_prefix('`')));
        first.map(|name| name.trim_end_matches('`').to_owned()).collect()
    };
    let (now, later) = (names(now), names(later));
    let mut marked = BTreeSet::new();
    let mut findings = Vec::new();
    for (file, code) in source::rust(tree, "src/") {
        for (at, line) in code.lines().enumerate() {
            let Some((_, after)) = line.split_once("(deviation: ") else { continue };
            let name: String = after.chars().take_while(|c| c.is_alphanumeric() || *c == '-').collect();
            if !now.contains(&name) {
                findings.push(Finding::at(file, at + 1, &format!("deviation {name:?} is not in force in {path}")));
            }
            marked.insert(name);
        }
    }
    let unmarked =
        now.difference(&marked).map(|name| format!("lists {name:?}, and no code says `(deviation: {name})`"));
    findings.extend(unmarked.map(|what| Finding::at(path, 0, &what)));
    findings.extend(now.intersection(&later).map(|name| Finding::at(path, 0, &format!("lists {name:?} twice"))));
    findings
}

/// Rule: every theme gives the same roles a style, so that none falls back to a colour nobody chose.
pub(crate) fn themes(tree: &Tree) -> Vec<Finding> {
    let themes: Vec<(&String, BTreeSet<&str>)> = tree
        .iter()
        .filter(|(path, _)| path.starts_with("themes/") && source::is_a(path, "ron"))
        .map(|(path, text)| (path, text.lines().filter_map(ron_key).collect()))
        .collect();
    let whole = |roles: &BTreeSet<&str>| !roles.contains("base"); // The others take from another what they lack.
    let all: BTreeSet<&str> =
        themes.iter().filter(|(_, roles)| whole(roles)).flat_map(|(_, roles)| roles.iter().copied()).collect();
    let gaps = themes
        .iter()
        .filter(|(_, roles)| whole(roles))
        .flat_map(|(path, roles)| all.difference(roles).map(move |role| (path, role)));
    gaps.map(|(path, role)| Finding::at(path, 0, &format!("has no style for {role}"))).collect()
}

/// The key of a line such as `    leader: (fg: "green"),`.
fn ron_key(line: &str) -> Option<&str> {
    let (key, _) = line.trim_start().split_once(':')?;
    let is_name = !key.is_empty() && key.chars().all(|c| c.is_ascii_lowercase() || c == '_');
    is_name.then_some(key)
}

/// Rule: every demo is named where a reader looks for demos.
pub(crate) fn demos(tree: &Tree) -> Vec<Finding> {
    let readme = tree.get("README.md").map_or("", String::as_str);
    let demos = tree.keys().filter(|path| path.starts_with("demos/") && source::is_a(path, "ron"));
    demos
        .filter(|path| !readme.contains(path.trim_start_matches("demos/").trim_end_matches(".ron")))
        .map(|path| Finding::at(path, 0, "is not named in README.md"))
        .collect()
}

/// A table in the code, how its names are found, and the document that must have them all.
struct List {
    table: &'static str,
    names: fn(&str) -> Vec<String>,
    document: &'static str,
}

const LISTS: &[List] = &[
    List { table: "src/engine/settings.rs", names: setting_names, document: "docs/settings.md" },
    List { table: "src/view/role.rs", names: role_names, document: "docs/themes.md" },
    List { table: "src/app/command.rs", names: command_names, document: "docs/keys.md" },
];

/// Rule: what users may name (settings, roles of a theme, commands) stands in its document.
pub(crate) fn lists(tree: &Tree) -> Vec<Finding> {
    let mut findings = Vec::new();
    for list in LISTS {
        let Some(text) = tree.get(list.table) else { continue };
        let names = (list.names)(text);
        if names.is_empty() {
            findings.push(Finding::at(
                list.table,
                0,
                "its table was not found: tests/tidy/documents.rs reads it no longer",
            ));
        }
        let document = tree.get(list.document).map_or("", String::as_str);
        let missing = names.into_iter().filter(|name| !document.contains(&format!("`{name}`")));
        findings.extend(missing.map(|name| Finding::at(list.document, 0, &format!("does not name `{name}`"))));
    }
    findings
}

/// The rows `field: type = "name", ..` of the settings.
fn setting_names(text: &str) -> Vec<String> {
    let rows = text.lines().filter_map(|line| {
        let (field, after) = line.trim_start().split_once(": ")?;
        let (_, name) = after.split_once(" = \"")?;
        let is_field = !field.is_empty() && field.chars().all(|c| c.is_ascii_lowercase() || c == '_');
        is_field.then(|| name.split('"').next().unwrap_or_default().to_owned())
    });
    rows.collect()
}

/// The rows `Name,` of the roles, as theme files write them: `name`.
fn role_names(text: &str) -> Vec<String> {
    let Some((_, table)) = text.split_once("\nroles! {") else { return Vec::new() };
    let rows = table.lines().filter_map(|line| line.trim().strip_suffix(','));
    rows.filter(|name| name.starts_with(char::is_uppercase) && name.chars().all(char::is_alphanumeric))
        .map(snake_case)
        .collect()
}

fn snake_case(name: &str) -> String {
    let mut out = String::new();
    for c in name.chars() {
        if c.is_uppercase() && !out.is_empty() {
            out.push('_');
        }
        out.extend(c.to_lowercase());
    }
    out
}

/// The first text in each `Spec::new(..)`.
fn command_names(text: &str) -> Vec<String> {
    let rows = text.split("Spec::new(").skip(1).filter_map(|row| row.split('"').nth(1));
    rows.map(str::to_owned).collect()
}
