//! What the explorer knows and where the user stands: a leaf that `app` changes and `view` reads. It holds no drawing, no
//! clock and no channel; time arrives as a number. What is selected is remembered by identity, never by row number.

pub mod asked;
pub mod brokers;
pub mod cluster;
pub mod commands;
pub mod cuts;
pub mod events;
pub mod export;
pub mod field;
pub mod filter;
pub mod groups;
pub mod overlay;
pub mod place;
pub mod presenter;
pub mod prompt;
pub mod sort;
pub mod topics;

use std::sync::Arc;

use crate::session::event::{Event, NodeRef};
use crate::session::snapshot::{BrokerState, Snapshot, TopicPartition};
use commands::CommandEntry;
use overlay::Overlay;
use place::{Mode, Motion, Screen, Selection};
use presenter::{Pressed, discreet};
use prompt::Prompt;

/// A message to the user. It stays until a key is pressed after it was shown.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Notice {
    /// What to say, in one line.
    pub text: String,
    /// Whether something failed.
    pub bad: bool,
    /// When it came, on the explorer's clock.
    pub at_ms: u64,
}

/// Everything the explorer knows.
#[derive(Clone, Debug)]
pub struct Model {
    /// The newest snapshot; in presenter mode without addresses.
    pub snapshot: Arc<Snapshot>,
    /// The newest snapshot as it came.
    original: Arc<Snapshot>,
    /// Whether this is shown to a hall: large type, no addresses, slower movement.
    pub presenter: bool,
    /// Keys that were pressed in presenter mode a short while ago, oldest first.
    pub pressed: Vec<Pressed>,
    /// Columns and rows of the terminal.
    pub size: (u16, u16),
    /// Milliseconds since the explorer started, as told by the last message; real time.
    pub now_ms: u64,
    /// The screen in view.
    pub screen: Screen,
    /// Where the user stands on the Cluster screen.
    pub cluster: cluster::ClusterPlace,
    /// Where the user stands on the Topics screens.
    pub topics: topics::TopicsPlace,
    /// Where the user stands on the Brokers screen.
    pub brokers: brokers::BrokersPlace,
    /// Where the user stands on the Groups screens.
    pub groups: groups::GroupsPlace,
    /// Where the user stands on the Events screen.
    pub events: events::EventsPlace,
    /// The text field that the screen has open.
    pub prompt: Option<Prompt>,
    /// What lies over the screen, the topmost last.
    pub overlays: Vec<Overlay>,
    /// The theme's name.
    pub theme: String,
    /// The names of all themes.
    pub themes: Vec<String>,
    /// Messages that were not read yet, oldest first, at most [`Model::MAX_NOTICES`].
    pub notices: Vec<Notice>,
    /// Every command with its keys as they are bound now, in the table's order.
    pub commands: Arc<[CommandEntry]>,
    /// What brokers cut off their logs at a start, until it was read.
    pub cuts: cuts::Cuts,
    /// Keys that began a longer binding, as they are shown (`g`).
    pub pending: String,
    /// Whether the block of the first minute ("start here") still shows.
    pub first_minute: bool,
    /// The rate that was asked for last, in lab time per real time, parts per million.
    pub asked_rate: asked::Asked<u64>,
    /// Whether time was last asked to stand.
    pub asked_pause: asked::Asked<bool>,
    /// Why the session ended, once it has: the last picture stays with this over it.
    pub ended: Option<String>,
}

impl Model {
    /// How many unread messages are kept.
    pub const MAX_NOTICES: usize = 8;
    /// How long a message has to be seen before a key can take it away.
    pub const READ_AFTER_MS: u64 = 800;
    /// How long the block of the first minute stays if no key is pressed.
    pub const FIRST_MINUTE_MS: u64 = 60_000;

    /// A model that shows `snapshot` on the Cluster screen.
    pub fn new(snapshot: Arc<Snapshot>, commands: Arc<[CommandEntry]>, themes: Vec<String>, theme: String) -> Self {
        let mut model = Self {
            original: Arc::clone(&snapshot),
            snapshot,
            presenter: false,
            pressed: Vec::new(),
            size: (0, 0),
            now_ms: 0,
            screen: Screen::Cluster,
            cluster: cluster::ClusterPlace::default(),
            topics: topics::TopicsPlace::default(),
            brokers: brokers::BrokersPlace::default(),
            groups: groups::GroupsPlace::default(),
            events: events::EventsPlace::default(),
            prompt: None,
            overlays: Vec::new(),
            theme,
            themes,
            notices: Vec::new(),
            commands,
            cuts: cuts::Cuts::default(),
            pending: String::new(),
            first_minute: true,
            asked_rate: asked::Asked::default(),
            asked_pause: asked::Asked::default(),
            ended: None,
        };
        model.settle();
        model
    }

    /// Takes a newer snapshot; selections whose object is gone move to a neighbour.
    pub fn take(&mut self, snapshot: Arc<Snapshot>) {
        self.asked_rate.seen(snapshot.clock.rate_ppm);
        self.asked_pause.seen(snapshot.clock.paused);
        self.original = snapshot;
        self.snapshot = if self.presenter { Arc::new(discreet(&self.original)) } else { Arc::clone(&self.original) };
        self.settle();
    }

    /// Goes into presenter mode, or leaves it.
    pub fn present(&mut self, presenter: bool) {
        self.presenter = presenter;
        self.pressed.clear();
        self.take(Arc::clone(&self.original));
    }

    /// The newest snapshot with its addresses: for what is not shown.
    pub fn original(&self) -> &Snapshot {
        &self.original
    }

    /// Lets every place find its footing in the snapshot: choose what is selected at first, leave what is gone.
    fn settle(&mut self) {
        self.cluster.settle(&self.snapshot);
        let opened = self.topics.opened;
        self.topics.settle(&self.snapshot);
        if opened && !self.topics.opened {
            self.prompt = None;
        }
        self.brokers.settle(&self.snapshot);
        self.groups.settle(&self.snapshot);
        self.events.settle(&self.snapshot);
        self.cuts.look(&self.snapshot);
    }

    /// Drops the messages that the user has had time to read.
    pub fn forget_what_was_read(&mut self) {
        let now = self.now_ms;
        self.notices.retain(|notice| now.saturating_sub(notice.at_ms) < Self::READ_AFTER_MS);
    }

    /// Tells the user something.
    pub fn tell(&mut self, text: impl Into<String>, bad: bool) {
        if self.notices.len() >= Self::MAX_NOTICES {
            self.notices.remove(0);
        }
        self.notices.push(Notice { text: text.into(), bad, at_ms: self.now_ms });
    }

    /// Tells the user something that takes the place of an older message of its kind: of those that begin with `kind`.
    pub fn tell_instead(&mut self, kind: &str, text: &str) {
        self.notices.retain(|notice| !notice.text.starts_with(kind));
        self.tell(text, false);
    }

    /// What the keys mean now: the topmost overlay's mode, or the screen's.
    pub fn mode(&self) -> Mode {
        match self.overlays.last() {
            Some(overlay) => overlay.mode(),
            None if self.prompt.is_some() => Mode::Text,
            None => match self.screen {
                Screen::Cluster => Mode::Cluster,
                Screen::Topics => self.topics.mode(),
                Screen::Brokers => Mode::Brokers,
                Screen::Groups => self.groups.mode(),
                Screen::Events => Mode::Events,
            },
        }
    }

    /// The line with which anyone's own client joins: it reads the fullest topic.
    pub fn join_line(&self) -> String {
        join_line(&self.snapshot)
    }

    /// What the keys act on: what is explained, or what is selected.
    pub fn subject(&self) -> Selection {
        match self.overlays.last() {
            Some(Overlay::Explain { subject, .. }) => subject.clone(),
            _ => self.selection(),
        }
    }

    /// The broker that a key strikes: a living one to kill or shut down, or a dead one to start. Of a partition that is its
    /// leader, or a replica that is dead.
    pub fn broker_in_reach(&self, living: bool) -> Option<i32> {
        let snapshot = &self.snapshot;
        let fits =
            |id: &i32| snapshot.brokers.get(id).is_some_and(|broker| (broker.state != BrokerState::Dead) == living);
        match self.subject() {
            Selection::Broker(id) | Selection::Replica(id, _) => Some(id).filter(fits),
            Selection::Partition(at) | Selection::Record(at, _) => {
                let topic = snapshot.topics.get(&at.topic)?;
                let partition = topic.partitions.iter().find(|partition| partition.id == at.partition)?;
                let leader = partition.leader.filter(|_| living);
                leader.or_else(|| partition.replicas.iter().copied().find(fits)).filter(fits)
            }
            Selection::Event(id) => {
                let event = snapshot.events.iter().find(|event| event.id == id)?;
                event.brokers.iter().copied().find(fits)
            }
            // On the Cluster screen a topic is a cell of the selected broker's row.
            Selection::Topic(_) if self.screen == Screen::Cluster => self.cluster.broker.filter(fits),
            Selection::Group(id) | Selection::Member(id, _) => {
                snapshot.groups.get(&id).and_then(|group| group.coordinator).filter(fits)
            }
            Selection::Topic(_)
            | Selection::Producer(_)
            | Selection::Consumer(_)
            | Selection::GroupPartition(..)
            | Selection::None => None,
        }
    }

    /// The newest event about a thing: what led to how it is now.
    pub fn newest_event_about(&self, subject: &Selection) -> Option<u64> {
        let about = |event: &&Event| match subject {
            Selection::Event(id) => event.id == *id,
            Selection::Broker(id) => event.brokers.contains(id),
            Selection::Partition(at) | Selection::Record(at, _) | Selection::Replica(_, at) => {
                event.partitions.contains(at)
            }
            Selection::Producer(id) => matches!(&event.node, NodeRef::Producer(of, _) if of == id),
            Selection::Consumer(id) => matches!(&event.node, NodeRef::Consumer(of, _) if of == id),
            Selection::Topic(name) => event.partitions.iter().any(|at| at.topic == *name),
            Selection::Group(id) | Selection::Member(id, _) => event.group.as_ref() == Some(id),
            Selection::GroupPartition(_, at) => event.partitions.contains(at),
            Selection::None => false,
        };
        self.snapshot.events.iter().rev().find(about).map(|event| event.id)
    }

    /// Goes to the chain of causes of an event.
    pub fn show_causes(&mut self, event: u64) {
        self.screen = Screen::Events;
        self.cuts.read();
        self.events.event = Some(event);
        self.events.causes = true;
    }

    /// What is selected on the screen in view (overlays do not change it).
    pub fn selection(&self) -> Selection {
        match self.screen {
            Screen::Cluster => self.cluster.selection(&self.snapshot),
            Screen::Topics => self.topics.selection(&self.snapshot),
            Screen::Brokers => self.brokers.selection(&self.snapshot),
            Screen::Groups => self.groups.selection(&self.snapshot),
            Screen::Events => self.events.selection(&self.snapshot),
        }
    }

    /// The filter of the list in view, if it has one.
    pub fn filter_mut(&mut self) -> Option<&mut String> {
        match self.screen {
            Screen::Topics if self.topics.opened => Some(&mut self.topics.messages.filter),
            Screen::Topics => Some(&mut self.topics.filter),
            Screen::Groups if !self.groups.opened => Some(&mut self.groups.filter),
            Screen::Events if !self.events.causes => Some(&mut self.events.filter),
            Screen::Cluster | Screen::Brokers | Screen::Groups | Screen::Events => None,
        }
    }

    /// Moves the selection of the screen in view. `page` is how many rows a page has.
    pub fn go(&mut self, motion: Motion, page: usize) {
        let snapshot = Arc::clone(&self.snapshot);
        match self.screen {
            // What is in reach there is what the screen shows, which the view knows: see `ClusterPlace::go`.
            Screen::Cluster => {}
            Screen::Topics => self.topics.go(&snapshot, motion, page),
            Screen::Brokers => self.brokers.go(&snapshot, motion, page),
            Screen::Groups => self.groups.go(&snapshot, motion, page),
            Screen::Events => self.events.go(&snapshot, motion, page),
        }
    }

    /// Selects a thing on the screen in view: a click on it.
    pub fn select(&mut self, target: &Selection) {
        let snapshot = Arc::clone(&self.snapshot);
        match self.screen {
            Screen::Cluster => self.cluster.select(&snapshot, target),
            Screen::Topics => self.topics.select(&snapshot, target),
            Screen::Brokers => self.brokers.select(&snapshot, target),
            Screen::Groups => self.groups.select(&snapshot, target),
            Screen::Events => self.events.select(&snapshot, target),
        }
    }

    /// Opens what is selected on the screen in view: its detail. Returns where that is another screen's business.
    pub fn open(&mut self) {
        let snapshot = Arc::clone(&self.snapshot);
        match self.screen {
            Screen::Cluster => self.open_from_cluster(),
            Screen::Topics => self.topics.open(&snapshot),
            Screen::Brokers => self.brokers.open(&snapshot),
            Screen::Groups => self.open_from_groups(),
            Screen::Events => self.events.open(&snapshot),
        }
    }

    /// Goes to the screen of what is selected on the Cluster screen; producers and consumers have none and are explained.
    fn open_from_cluster(&mut self) {
        match self.cluster.selection(&self.snapshot) {
            Selection::Broker(id) => {
                self.screen = Screen::Brokers;
                self.brokers.show(id);
            }
            Selection::Replica(_, partition) | Selection::Partition(partition) => {
                self.screen = Screen::Topics;
                self.topics.show(&partition);
            }
            Selection::Topic(topic) => {
                self.screen = Screen::Topics;
                self.topics.show(&TopicPartition { topic, partition: 0 });
            }
            Selection::Event(id) => self.show_causes(id),
            Selection::Group(id) => {
                self.screen = Screen::Groups;
                self.groups.show(&id);
                self.groups.settle(&self.snapshot);
            }
            subject @ (Selection::Producer(_) | Selection::Consumer(_)) => {
                self.overlays.push(Overlay::Explain { subject, scroll: 0 });
            }
            Selection::Record(..) | Selection::Member(..) | Selection::GroupPartition(..) | Selection::None => {}
        }
    }

    /// Opens a group; in it, explains a member, and goes to the messages of a partition.
    fn open_from_groups(&mut self) {
        let snapshot = Arc::clone(&self.snapshot);
        match self.groups.selection(&snapshot) {
            subject @ Selection::Member(..) => self.overlays.push(Overlay::Explain { subject, scroll: 0 }),
            Selection::GroupPartition(_, at) => {
                self.screen = Screen::Topics;
                self.topics.show(&at);
            }
            _ => self.groups.open(&snapshot),
        }
    }

    /// Leaves a detail of the screen in view; false where there is nothing to leave.
    pub fn back(&mut self) -> bool {
        match self.screen {
            Screen::Cluster => self.cluster.back(),
            Screen::Topics => self.topics.back(),
            Screen::Brokers => self.brokers.back(),
            Screen::Groups => self.groups.back(),
            Screen::Events => self.events.back(),
        }
    }
}

/// The line with which anyone's own client joins a cluster.
pub fn join_line(snapshot: &Snapshot) -> String {
    let topic = topics::fullest(snapshot).unwrap_or_default();
    format!("kcat -b {} -t {topic} -C", snapshot.addresses.bootstrap)
}
