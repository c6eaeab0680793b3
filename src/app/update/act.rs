//! What each command does.

use std::sync::Arc;

use crate::model::commands::Need;
use crate::model::overlay::{Confirm, Confirmed, Overlay};
use crate::model::place::{Motion, Screen, Selection};
use crate::model::topics::Pane;
use crate::model::{Model, join_line};
use crate::session::action::Action;

use crate::app::command::{Command, TABLE};
use crate::app::effect::{Effect, Purpose};

use crate::view;
use crate::view::format::{grouped, plural};

use super::{form, groups, messages, overlay, topic_form};

/// Lab time per real time at real time, in millionths.
const REAL_TIME_PPM: u64 = 1_000_000;
/// The slowest and the fastest that the speed keys go to.
const RATES_PPM: std::ops::RangeInclusive<u64> = 1_000..=100_000_000;

/// Carries out a command on the model.
pub(super) fn perform(model: &mut Model, command: Command) -> Vec<Effect> {
    if let Some(refusal) = lacks(model, command) {
        model.tell(refusal, true);
        return Vec::new();
    }
    match command {
        Command::Quit | Command::QuitNow | Command::Suspend | Command::Repaint => ending(model, command),
        Command::Move(motion) => go(model, motion),
        Command::Open if !model.overlays.is_empty() => overlay::open(model),
        Command::Open if model.prompt.is_some() => messages::entered(model),
        Command::Open => {
            model.open();
            Vec::new()
        }
        Command::Back => {
            if !overlay::close(model) && !model.back() {
                model.first_minute = false;
                model.cuts.read();
            }
            Vec::new()
        }
        Command::Presenter => {
            model.present(!model.presenter);
            Vec::new()
        }
        Command::PreviousPane => {
            overlay::focus(model, false);
            Vec::new()
        }
        Command::NewLine => {
            overlay::new_line(model);
            Vec::new()
        }
        Command::Show(screen) => {
            model.overlays.clear();
            model.prompt = None;
            model.screen = screen;
            if screen == Screen::Events {
                model.cuts.read();
            }
            Vec::new()
        }
        Command::KillBroker | Command::PowerLoss | Command::StartBroker | Command::ShutdownBroker => {
            on_broker(model, command)
        }
        Command::ElectPreferred => elect(model),
        Command::Pause | Command::Slower | Command::Faster | Command::RealTime | Command::Step => time(model, command),
        Command::Help | Command::Palette | Command::Themes | Command::Explain => {
            overlay::show(model, command);
            Vec::new()
        }
        Command::Copy => copy(model),
        Command::Filter | Command::Sort | Command::Reverse | Command::Export => {
            on_lists(model, command);
            Vec::new()
        }
        Command::Produce | Command::NewTopic | Command::AlterTopic | Command::DeleteTopic => on_topics(model, command),
        Command::AddConsumer
        | Command::RemoveConsumer
        | Command::CrashConsumer
        | Command::PauseConsumer
        | Command::SlowConsumer
        | Command::ResetOffsets
        | Command::CompareGroups => groups::perform(model, command),
        Command::Seek | Command::Follow | Command::ViewAs | Command::Zoom => on_messages(model, command),
    }
}

fn on_topics(model: &mut Model, command: Command) -> Vec<Effect> {
    match command {
        Command::Produce => form::produce(model),
        Command::NewTopic => topic_form::new_topic(model),
        Command::AlterTopic => topic_form::alter_topic(model),
        _ => ask_to_delete(model),
    }
    Vec::new()
}

fn on_messages(model: &mut Model, command: Command) -> Vec<Effect> {
    let messages = &mut model.topics.messages;
    match command {
        Command::Seek => messages::ask_offset(model),
        Command::Follow if !messages.following => return messages::follow(model),
        Command::Follow => messages.following = false,
        Command::ViewAs => messages.format = messages.format.next(),
        _ => messages.zoomed = !messages.zoomed && messages.selected.is_some(),
    }
    Vec::new()
}

/// What can be done to any list.
fn on_lists(model: &mut Model, command: Command) {
    let reverse = command == Command::Reverse;
    match (command, model.screen) {
        (Command::Filter, _) => overlay::ask_filter(model),
        (Command::Export, _) => form::export(model),
        (_, Screen::Topics) => model.topics.sort(reverse),
        (_, Screen::Brokers) => model.brokers.sort(reverse),
        (_, Screen::Groups) => model.groups.sort(reverse),
        // The table of commands offers it nowhere else.
        (_, Screen::Cluster | Screen::Events) => {}
    }
}

/// Asks before a topic goes, and says what goes with it.
fn ask_to_delete(model: &mut Model) {
    let Some(name) = model.topics.topic.clone() else { return };
    let Some(topic) = model.snapshot.topics.get(&name) else { return };
    if topic.internal {
        model.tell(format!("{name} is Kafka's own; the cluster cannot do without it"), true);
        return;
    }
    let records: i64 = topic.partitions.iter().map(|partition| partition.log_end - partition.log_start).sum();
    let consequences = vec![
        format!("{} with {} records, on every broker.", plural(topic.partitions.len(), "partition"), grouped(records)),
        "It cannot be undone. Clients that use it will fail.".to_owned(),
    ];
    let question = format!("Delete {name}?");
    let then = Confirmed::Ask(Action::DeleteTopic { name });
    model.overlays.push(Overlay::Confirm(Confirm { question, consequences, then }));
}

/// Why the session cannot do this, if it cannot.
fn lacks(model: &Model, command: Command) -> Option<&'static str> {
    let can = model.snapshot.capabilities;
    let need = TABLE.iter().find(|spec| spec.command == command)?.need?;
    match need {
        Need::BreakThings if !can.break_things => Some("these brokers are not ours to stop: only a lab's are"),
        Need::ControlTime if !can.control_time => Some("a real cluster's time cannot be stopped: only a lab's can"),
        Need::Write if !can.write => Some("read-only: start with --allow-writes to write"),
        _ => None,
    }
}

fn ending(model: &mut Model, command: Command) -> Vec<Effect> {
    match command {
        Command::Quit => overlay::ask_to_quit(model),
        Command::QuitNow => vec![Effect::Quit],
        Command::Suspend => vec![Effect::Suspend],
        _ => vec![Effect::Repaint],
    }
}

/// Moves in the overlay on top, or else on the screen.
fn go(model: &mut Model, motion: Motion) -> Vec<Effect> {
    if overlay::go(model, motion) {
        return Vec::new();
    }
    let page = usize::from(model.size.1.saturating_sub(8)).max(1);
    let among_messages = model.screen == Screen::Topics && model.topics.opened && model.topics.pane == Pane::Messages;
    if among_messages && motion != Motion::NextPane {
        return messages::go(model, motion, page / 2);
    }
    if model.screen == Screen::Cluster {
        let reach = view::cluster::reach(model);
        model.cluster.go(&reach, motion, page);
    } else {
        model.go(motion, page);
    }
    Vec::new()
}

fn on_broker(model: &mut Model, command: Command) -> Vec<Effect> {
    let start = command == Command::StartBroker;
    let action = match (model.broker_in_reach(!start), command) {
        (Some(id), Command::KillBroker) => Action::KillBroker(id),
        (Some(id), Command::PowerLoss) => Action::PowerLoss(id),
        (Some(id), Command::ShutdownBroker) => Action::ShutdownBroker(id),
        (Some(id), _) => Action::StartBroker(id),
        (None, _) => {
            model.tell(out_of_reach(model, start), true);
            return Vec::new();
        }
    };
    vec![Effect::Ask(action, Purpose::Quiet)]
}

/// Why there is no broker to strike.
fn out_of_reach(model: &Model, start: bool) -> String {
    match (model.broker_in_reach(start), start) {
        (Some(id), true) => format!("broker-{id} runs already"),
        (Some(id), false) => format!("broker-{id} is dead already; S starts it"),
        (None, _) => "select a broker first: 1 shows them, j and k move".to_owned(),
    }
}

/// Elects the preferred leaders of what is selected: of one topic where one is, otherwise of all.
fn elect(model: &Model) -> Vec<Effect> {
    let topics: Vec<Arc<str>> = match (model.screen, model.selection()) {
        (Screen::Topics, Selection::Topic(name)) => vec![name],
        (Screen::Topics, Selection::Partition(at) | Selection::Record(at, _)) => vec![at.topic],
        _ => Vec::new(),
    };
    let what = topics.first().map_or_else(|| "all topics".to_owned(), ToString::to_string);
    let purpose = Purpose::Tell(format!("preferred leaders of {what}").into());
    vec![Effect::Ask(Action::ElectPreferred { topics }, purpose)]
}

fn time(model: &mut Model, command: Command) -> Vec<Effect> {
    let (clock, now) = (model.snapshot.clock, model.now_ms);
    // The snapshot is behind quick presses: they go on from what was asked last.
    let (paused, rate) = (model.asked_pause.or(clock.paused, now), model.asked_rate.or(clock.rate_ppm, now));
    let action = match command {
        Command::Pause => Action::Pause(!paused),
        Command::Slower => set_rate(step_rate(rate, false)),
        Command::Faster => set_rate(step_rate(rate, true)),
        Command::RealTime => set_rate(REAL_TIME_PPM),
        _ if !paused => {
            model.asked_pause.ask(true, now);
            return vec![Effect::Ask(Action::Pause(true), Purpose::Then(Action::Step { n: 1 }))];
        }
        _ => Action::Step { n: 1 },
    };
    match action {
        Action::Pause(paused) => model.asked_pause.ask(paused, now),
        Action::SetRate { rate_ppm } => model.asked_rate.ask(rate_ppm, now),
        _ => {}
    }
    let purpose = Purpose::of(&action);
    vec![Effect::Ask(action, purpose)]
}

fn set_rate(rate_ppm: u64) -> Action {
    Action::SetRate { rate_ppm: rate_ppm.clamp(*RATES_PPM.start(), *RATES_PPM.end()) }
}

/// The next rate of 1, 2, 5, 10, 20, 50 ... in either direction, so that real time is always met again.
fn step_rate(rate_ppm: u64, up: bool) -> u64 {
    let mut decade = 1;
    let mut steps = Vec::new();
    while decade <= *RATES_PPM.end() {
        steps.extend([decade, 2 * decade, 5 * decade]);
        decade *= 10;
    }
    let next =
        if up { steps.iter().find(|step| **step > rate_ppm) } else { steps.iter().rfind(|step| **step < rate_ppm) };
    next.copied().unwrap_or(rate_ppm)
}

fn copy(model: &mut Model) -> Vec<Effect> {
    let text = match model.selection() {
        _ if model.screen == Screen::Cluster => join_line(model.original()),
        Selection::Broker(id) => model.original().brokers.get(&id).map_or_else(String::new, |b| b.address.to_string()),
        Selection::Topic(name) | Selection::Group(name) | Selection::Member(_, name) => name.to_string(),
        Selection::Partition(at) | Selection::Replica(_, at) | Selection::GroupPartition(_, at) => {
            format!("{}-{}", at.topic, at.partition)
        }
        Selection::Event(id) => {
            let event = model.snapshot.events.iter().find(|event| event.id == id);
            event.map_or_else(String::new, |event| format!("{} because {}", event.text, event.because))
        }
        Selection::Record(..) => {
            let value = model.topics.messages.selected().and_then(|record| record.value.clone());
            value.map_or_else(String::new, |value| String::from_utf8_lossy(&value).into_owned())
        }
        Selection::Producer(_) | Selection::Consumer(_) | Selection::None => String::new(),
    };
    if text.is_empty() {
        model.tell("nothing is selected to copy", true);
        return Vec::new();
    }
    // What is copied may be an address.
    let shown: String = if model.presenter { "it".into() } else { text.chars().take(60).collect() };
    model.tell(format!("copied: {shown}"), false);
    vec![Effect::Copy(text)]
}
