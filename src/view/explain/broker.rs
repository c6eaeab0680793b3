//! What a broker is, now: what it leads, what would happen if it failed, or what its death means and how it heals.

use crate::session::event::{Event, kind};
use crate::session::snapshot::{Broker, BrokerState, Partition, Snapshot, Topic};
use crate::view::format::{self, count, plural};
use crate::view::line::Line;
use crate::view::role::Role;

use super::page::{Page, Works, story};

/// What its failure would do, or does: partitions without a leader, and those that refuse acks=all.
struct Loss {
    leaderless: usize,
    refusing: usize,
    moved: usize,
}

fn partitions(snapshot: &Snapshot) -> impl Iterator<Item = (&Topic, &Partition)> {
    snapshot.topics.values().flat_map(|topic| topic.partitions.iter().map(move |partition| (topic, &**partition)))
}

/// How many living replicas in sync a partition has without a broker.
fn others_in_sync(snapshot: &Snapshot, partition: &Partition, broker: i32) -> usize {
    let lives = |id: &i32| snapshot.brokers.get(id).is_some_and(|other| other.state != BrokerState::Dead);
    partition.isr.iter().filter(|id| **id != broker && lives(id)).count()
}

/// What the failure of a living broker would do.
fn loss(snapshot: &Snapshot, broker: i32) -> Loss {
    let mut loss = Loss { leaderless: 0, refusing: 0, moved: 0 };
    for (topic, partition) in partitions(snapshot).filter(|(_, partition)| partition.isr.contains(&broker)) {
        let left = others_in_sync(snapshot, partition, broker);
        let enough = u32::try_from(left).is_ok_and(|left| left >= topic.min_insync_replicas);
        if left == 0 {
            loss.leaderless += 1;
        } else if !enough {
            loss.refusing += 1;
        } else if partition.leader == Some(broker) {
            loss.moved += 1;
        }
    }
    loss
}

/// The page about a broker.
pub(super) fn page(snapshot: &Snapshot, broker: &Broker) -> Page {
    let name = Line::of(Role::Strong, format!("broker-{} ", broker.id));
    let behind = broker.replicas.saturating_sub(broker.in_sync);
    let mut page = match broker.state {
        BrokerState::Dead => dead(snapshot, broker, name),
        BrokerState::DiskFailed => Page::new(
            name.with(Role::Bad, "✖ disk failed"),
            Role::Bad,
            "Its log directory is offline: it keeps nothing and leads nothing, and answers KAFKA_STORAGE_ERROR.",
            "What is on that disk is not known any more. Once it can be written to, K and S start the broker anew: it scans its \
             logs, and copies what it lacks.",
        ),
        BrokerState::Running if behind > 0 => Page::new(
            name.with(Role::Warn, "▲ catching up"),
            Role::Warn,
            format!(
                "It is back, and copies what it missed: {} of {} in sync.",
                broker.in_sync,
                plural(usize_of(broker.replicas), "replica")
            ),
            "Until a copy has caught up it does not count, and it leads only what nobody else can.",
        ),
        BrokerState::Running => well(snapshot, broker, name),
        BrokerState::Starting => Page::new(
            name.with(Role::Warn, "◔ starting"),
            Role::Warn,
            "Its process runs; the cluster does not know of it yet.",
            "It opens its logs, then a session with ZooKeeper, and registers there.",
        ),
        BrokerState::ShuttingDown => Page::new(
            name.with(Role::Warn, "◔ shutting down"),
            Role::Warn,
            "It gives its leaders away before it stops.",
            "A controlled shutdown: clients lose no time to a session's end.",
        ),
    };
    now(snapshot, broker, &mut page);
    still_works(snapshot, broker, &mut page);
    let about = |event: &Event| {
        let stories =
            [kind::LEADERS_ELECTED, kind::SESSION_EXPIRED, kind::BROKER_STARTED, kind::FOLLOWS, kind::LOG_DIR_FAILED];
        let tells = stories.contains(&event.kind.as_ref()) || kind::is_sudden_end(&event.kind);
        event.brokers.contains(&broker.id) && tells
    };
    page.led_here(&story(snapshot, 5, about));
    if broker.state == BrokerState::Dead {
        heals(snapshot, broker, &mut page);
    }
    page.words(&["leader", "in-sync replicas", "session", "controller"]);
    page
}

fn usize_of(n: u32) -> usize {
    usize::try_from(n).unwrap_or(usize::MAX)
}

fn well(snapshot: &Snapshot, broker: &Broker, name: Line) -> Page {
    let title = name.with(Role::Good, "● running");
    let title = if broker.controller { title.with(Role::Control, "  ♛ controller") } else { title };
    let of = plural(usize_of(broker.replicas), "copy");
    let bold = format!("It keeps {of} of partitions and leads {} of them.", broker.leaders);
    let plain = if broker.controller {
        format!(
            "It is also the controller: of {} brokers the one that chooses leaders when others come and go.",
            snapshot.brokers.len()
        )
    } else {
        "What it leads it writes and serves; the others it copies from their leaders, ready to take over.".into()
    };
    Page::new(title, Role::Good, bold, plain)
}

fn dead(snapshot: &Snapshot, broker: &Broker, name: Line) -> Page {
    let ago = format::duration_ms(snapshot.clock.lab_us.saturating_sub(broker.since_us) / 1000);
    let title = name.with(Role::Bad, format!("✖ dead for {ago}"));
    let none = partitions(snapshot).filter(|(_, p)| p.leader.is_none() && p.replicas.contains(&broker.id)).count();
    let held = partitions(snapshot).filter(|(_, p)| p.held && p.isr.contains(&broker.id)).count();
    let short = partitions(snapshot).filter(|(_, p)| p.replicas.contains(&broker.id)).count();
    let (bold, plain) = if none > 0 {
        (
            format!(
                "{} {} no leader, and nobody but us knows yet that it is dead.",
                plural(none, "partition"),
                if none == 1 { "has" } else { "have" }
            ),
            format!(
                "ZooKeeper still waits for its ping. Until then its copies count as in sync, so {held} more wait for it: acks=all gets no answer, readers see nothing new."
            ),
        )
    } else {
        (
            "The cluster goes on without it.".to_owned(),
            format!("Others lead what it led. {} run with one copy less until it is back.", plural(short, "partition")),
        )
    };
    Page::new(title, Role::Bad, bold, plain)
}

fn now(snapshot: &Snapshot, broker: &Broker, page: &mut Page) {
    page.section("Now", "");
    page.fact(
        "leads",
        broker.leaders.to_string(),
        &format!("of {} that it hosts; {} of them in sync", broker.replicas, broker.in_sync),
    );
    let traffic = format!("{} in, {} out", count(broker.in_per_sec), count(broker.out_per_sec));
    page.fact("records per second", traffic, &format!("its logs hold {}", format::bytes(broker.log_bytes)));
    if let Some(session) = &broker.session {
        let (value, meaning) = if session.expired {
            ("expired".to_owned(), "ZooKeeper took its znode away".to_owned())
        } else if session.held {
            ("held".to_owned(), "nobody leads ZooKeeper, so nobody can end it".to_owned())
        } else {
            let left = format!("ends in {} if no ping comes", format::duration_ms(session.ends_in_ms));
            (format!("silent for {}", format::duration_ms(session.silent_ms)), left)
        };
        page.fact("ZooKeeper session", value, &meaning);
    }
    let outside = broker.connections.iter().filter(|connection| connection.socket).count();
    page.fact(
        "connections",
        broker.connections.len().to_string(),
        &format!("{outside} of them from outside, over a socket"),
    );
    if snapshot.controller == Some(broker.id) {
        let epoch = snapshot.controller_epoch.map_or_else(String::new, |epoch| format!("epoch {epoch}"));
        page.fact("controller", "yes", &epoch);
    }
}

fn still_works(snapshot: &Snapshot, broker: &Broker, page: &mut Page) {
    if broker.state == BrokerState::Dead {
        page.section("What still works", "");
        let all = partitions(snapshot).count();
        let led = partitions(snapshot).filter(|(_, partition)| partition.leader.is_some()).count();
        let waits = partitions(snapshot).filter(|(_, partition)| partition.held).count();
        let works = |n: usize| if n == all { Works::Yes } else { Works::No };
        page.works(works(led), "reading, acks=1", format!("{led} of {all} partitions have a leader"));
        page.works(
            works(led - waits.min(led)),
            "writing, acks=all",
            format!("{} of {all} get an answer", led - waits.min(led)),
        );
        let alive = snapshot.brokers.values().filter(|other| other.state != BrokerState::Dead);
        let worst = alive.map(|other| loss(snapshot, other.id)).max_by_key(|loss| (loss.leaderless, loss.refusing));
        if let Some(worst) = worst {
            verdict(page, "if one more fails", &worst);
        }
        return;
    }
    page.section("If it failed now", "");
    let loss = loss(snapshot, broker.id);
    verdict(page, "its partitions", &loss);
    if broker.controller {
        page.works(Works::Yes, "the controller", "another broker would create /controller and be it");
    }
}

/// What a failure comes to, a line each; the first stands beside `what`.
fn verdict(page: &mut Page, what: &str, loss: &Loss) {
    let mut words = Vec::new();
    if loss.leaderless > 0 {
        words.push((
            Works::No,
            format!("{} would have no leader: no other copy is in sync", plural(loss.leaderless, "partition")),
        ));
    }
    if loss.refusing > 0 {
        words.push((
            Works::AtRisk,
            format!("{} would refuse acks=all: NOT_ENOUGH_REPLICAS (19)", plural(loss.refusing, "partition")),
        ));
    }
    if loss.moved > 0 {
        words.push((Works::Yes, format!("{} would get another leader", plural(loss.moved, "partition"))));
    }
    if words.is_empty() {
        words.push((Works::Yes, "nothing would stop".to_owned()));
    }
    for (at, (works, words)) in words.into_iter().enumerate() {
        page.works(works, if at == 0 { what } else { "" }, words);
    }
}

fn heals(snapshot: &Snapshot, broker: &Broker, page: &mut Page) {
    page.section("How it heals", "");
    let expired = broker.session.as_ref().is_some_and(|session| session.expired);
    let cut: i64 = partitions(snapshot)
        .filter_map(|(_, partition)| partition.copies.get(&broker.id))
        .map(|copy| (copy.log_end - copy.agrees_to).max(0))
        .sum();
    let cut = if cut > 0 {
        format!("drops {} that only it had, then reads on", plural(usize::try_from(cut).unwrap_or(0), "record"))
    } else {
        "asks each leader for what it missed".into()
    };
    let mut steps: Vec<(&str, String)> = Vec::new();
    if !expired {
        steps.push(("its session ends", "ZooKeeper removes its znode and tells the controller".into()));
        steps.push(("leaders elected", "the controller takes the next in-sync copy of each list".into()));
    }
    steps.extend([
        ("it is started", format!("it registers again as /brokers/ids/{}, and follows", broker.id)),
        ("it cuts and fetches", cut),
        ("it is in sync again", "once each log end has reached its leader's".into()),
        ("it leads again", "after a preferred election: B, or the controller by itself".into()),
    ]);
    page.steps(&steps);
}
