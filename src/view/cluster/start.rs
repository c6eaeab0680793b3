//! The first minute: what to try, how to join with one's own client, how to read the cells; or, in an empty cluster, what
//! fills it.

use crate::view::Area;
use crate::view::line::Line;
use crate::view::role::Role;

use super::plan::Room;
use super::{ClusterView, Scene};

/// Whether the block is shown: in a lab, at first, and as long as there is nothing to look at.
pub(super) fn shows(scene: &Scene<'_>) -> bool {
    scene.snapshot.capabilities.lab && (scene.model.first_minute || scene.snapshot.topics.is_empty())
}

/// Puts the block into the top of `area`; what is left of the area comes back.
pub(super) fn sketch(scene: &Scene<'_>, view: &mut ClusterView, area: Area) -> Area {
    let lines = if scene.snapshot.topics.is_empty() { empty(scene) } else { full(scene) };
    let airy = scene.plan.room != Room::Compact && area.height > 8;
    let mut y = area.y;
    for line in lines {
        view.put(area, area.x, y, line.cut(usize::from(area.width)));
        y += if airy { 2 } else { 1 };
    }
    let used = y.saturating_sub(area.y);
    Area { y, height: area.height.saturating_sub(used), ..area }
}

fn label(word: &str) -> Line {
    Line::of(Role::Dim, format!(" {word:<6}"))
}

/// The hints whose command has a key.
fn hints(scene: &Scene<'_>, line: Line, hints: &[(&str, String)]) -> Line {
    hints.iter().fold(line, |line, (command, words)| match scene.key(command) {
        "" => line,
        key => line.with(Role::Key, key).with(Role::Text, format!(" {words}   ")),
    })
}

fn full(scene: &Scene<'_>) -> Vec<Line> {
    let victim = scene.model.cluster.broker.map_or_else(|| "a broker".to_owned(), |id| format!("broker-{id}"));
    let tries = [
        ("kill-broker", format!("kill {victim}")),
        ("slower", "slow down".to_owned()),
        ("produce", "produce".to_owned()),
        ("explain", "explain it".to_owned()),
        ("help", "help".to_owned()),
    ];
    let join = label("join").with(Role::Strong, scene.model.join_line()).with(Role::Text, "   ");
    let read = label("read")
        .with(Role::Leader, " 0 ")
        .with(Role::Text, " leads   ")
        .with(Role::Follower, " 1 ")
        .with(Role::Text, " follows, in sync   ")
        .with(Role::Behind, " −9 ")
        .with(Role::Text, " behind   ")
        .with(Role::Hatch, "╱")
        .with(Role::Dead, "2")
        .with(Role::Hatch, "╱")
        .with(Role::Text, " on a dead broker");
    let mut lines = vec![hints(scene, label("try"), &tries)];
    if !scene.model.presenter {
        lines.push(hints(scene, join, &[("copy", "copies it".to_owned())]));
    }
    lines.push(read);
    lines
}

fn empty(scene: &Scene<'_>) -> Vec<Line> {
    let fill = [("create-topic", "create a topic".to_owned()), ("produce", "write a record".to_owned())];
    let bootstrap = &scene.snapshot.addresses.bootstrap;
    let create = format!("kafka-topics.sh --bootstrap-server {bootstrap} --create --topic orders --partitions 3");
    let produce = format!("echo hello | kcat -b {bootstrap} -t orders -P");
    vec![
        hints(scene, label("fill"), &fill),
        label("or").with(Role::Strong, create),
        label("").with(Role::Strong, produce),
    ]
}
