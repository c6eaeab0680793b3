//! The words for where the user stands: screens, modes of the keys, motions, and what is selected. Plain data.

use std::sync::Arc;

use crate::session::snapshot::TopicPartition;

/// A screen, by the number of its key.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Screen {
    /// 1: who leads what, and how the cluster is.
    #[default]
    Cluster,
    /// 2: topics, their partitions, their messages.
    Topics,
    /// 3: brokers.
    Brokers,
    /// 4: consumer groups, their members, what they read.
    Groups,
    /// 7: what happened, and why.
    Events,
}

impl Screen {
    /// All screens, in the order of their keys.
    pub const ALL: [Self; 5] = [Self::Cluster, Self::Topics, Self::Brokers, Self::Groups, Self::Events];

    /// The number on its tab, which is its key.
    pub fn number(self) -> char {
        match self {
            Self::Cluster => '1',
            Self::Topics => '2',
            Self::Brokers => '3',
            Self::Groups => '4',
            Self::Events => '7',
        }
    }

    /// The word on its tab.
    pub fn title(self) -> &'static str {
        match self {
            Self::Cluster => "Cluster",
            Self::Topics => "Topics",
            Self::Brokers => "Brokers",
            Self::Groups => "Groups",
            Self::Events => "Events",
        }
    }
}

/// What keys mean depends on this. A screen's mode falls back on [`Mode::Everywhere`], an overlay's does not
/// (but for [`Mode::Explain`], whose keys act on what it explains).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Mode {
    /// On every screen.
    Everywhere,
    /// The Cluster screen.
    Cluster,
    /// The list of topics.
    Topics,
    /// One topic with its partitions and messages.
    Messages,
    /// The Brokers screen.
    Brokers,
    /// The list of groups.
    Groups,
    /// One group, or two side by side.
    Group,
    /// The Events screen, the chain of causes too.
    Events,
    /// Something that is read and scrolled: help.
    Reader,
    /// The explanation of what is selected.
    Explain,
    /// A list to choose from: themes.
    Menu,
    /// A question that only `y` answers with yes.
    Confirm,
    /// A text field has the focus: keys are text.
    Text,
}

impl Mode {
    /// Whether keys without a meaning of their own mean here what they mean everywhere.
    pub fn falls_back(self) -> bool {
        matches!(
            self,
            Self::Cluster
                | Self::Topics
                | Self::Messages
                | Self::Brokers
                | Self::Groups
                | Self::Group
                | Self::Events
                | Self::Explain
        )
    }
}

/// A movement of the selection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Motion {
    /// One up.
    Up,
    /// One down.
    Down,
    /// One to the left.
    Left,
    /// One to the right.
    Right,
    /// To the first.
    First,
    /// To the last.
    Last,
    /// A page up.
    PageUp,
    /// A page down.
    PageDown,
    /// To the next pane of the screen.
    NextPane,
}

impl Motion {
    /// Where this leads in a list of `len` rows from `at` with pages of `page` rows; `None` only where the list is empty.
    pub fn along(self, at: Option<usize>, len: usize, page: usize) -> Option<usize> {
        let last = len.checked_sub(1)?;
        let at = at.unwrap_or(0).min(last);
        Some(match self {
            Self::Up => at.saturating_sub(1),
            Self::Down => (at + 1).min(last),
            Self::First => 0,
            Self::Last => last,
            Self::PageUp => at.saturating_sub(page.max(1)),
            Self::PageDown => (at + page.max(1)).min(last),
            Self::Left | Self::Right | Self::NextPane => at,
        })
    }
}

/// A thing one can point at, by identity.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Selection {
    /// Nothing.
    #[default]
    None,
    /// A broker.
    Broker(i32),
    /// A topic.
    Topic(Arc<str>),
    /// A partition.
    Partition(TopicPartition),
    /// A broker's replica of a partition.
    Replica(i32, TopicPartition),
    /// A built-in producer, by its number.
    Producer(u32),
    /// A built-in consumer, by its number.
    Consumer(u32),
    /// A consumer group.
    Group(Arc<str>),
    /// A member of a group, by its member id.
    Member(Arc<str>, Arc<str>),
    /// A partition as a group reads it.
    GroupPartition(Arc<str>, TopicPartition),
    /// A record, by its offset.
    Record(TopicPartition, i64),
    /// An event.
    Event(u64),
}
