//! Where the user stands on the Groups screens: the list, then one group with its members and partitions, or two side by
//! side.

use std::sync::Arc;

use crate::session::snapshot::{Group, GroupMember, Snapshot, TopicPartition};

use super::place::{Mode, Motion, Selection};
use super::sort::{self, Sorting};

/// Which part of a group's screen the motions move in.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Pane {
    /// The members.
    #[default]
    Members,
    /// The partitions with their lanes.
    Partitions,
}

/// See the [module](self).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct GroupsPlace {
    /// The selected group.
    pub group: Option<Arc<str>>,
    /// Whether it is open.
    pub opened: bool,
    /// The group beside it, where two are compared.
    pub beside: Option<Arc<str>>,
    /// Names in the list have this in them.
    pub filter: String,
    /// The order of the list.
    pub order: Sorting,
    /// Where the motions move.
    pub pane: Pane,
    /// The selected member's id.
    pub member: Option<Arc<str>>,
    /// Where it stood: whoever stands there is selected when it is gone.
    member_at: usize,
    /// Whether the selected member is gone. No other takes its place by itself: a key may kill.
    bereft: bool,
    /// The selected partition.
    pub partition: Option<TopicPartition>,
}

impl GroupsPlace {
    /// What keys mean here.
    pub fn mode(&self) -> Mode {
        if self.opened { Mode::Group } else { Mode::Groups }
    }

    /// The groups of the list, in its order.
    pub fn list<'a>(&self, snapshot: &'a Snapshot) -> Vec<&'a Group> {
        let wanted = self.filter.to_lowercase();
        let groups = snapshot.groups.values().map(AsRef::as_ref);
        self.order.apply(sort::GROUPS, groups.filter(|group: &&Group| group.id.to_lowercase().contains(&wanted)))
    }

    /// Sorts the list by its next column, or turns its order around.
    pub fn sort(&mut self, reverse: bool) {
        if reverse { self.order.reverse() } else { self.order.next(sort::GROUPS) }
    }

    /// The selected group.
    pub fn current<'a>(&self, snapshot: &'a Snapshot) -> Option<&'a Group> {
        snapshot.groups.get(self.group.as_ref()?).map(AsRef::as_ref)
    }

    /// The group beside it.
    pub fn other<'a>(&self, snapshot: &'a Snapshot) -> Option<&'a Group> {
        snapshot.groups.get(self.beside.as_ref()?).map(AsRef::as_ref)
    }

    /// The group beside the open one: two are compared.
    pub fn compared<'a>(&self, snapshot: &'a Snapshot) -> Option<&'a Group> {
        self.other(snapshot).filter(|_| self.opened)
    }

    /// In the group beside, the member of the same tag as the selected one: a key that strikes one strikes both.
    pub fn twin<'a>(&self, snapshot: &'a Snapshot) -> Option<&'a GroupMember> {
        let selected = self.current(snapshot)?.member(self.member.as_ref()?)?;
        self.compared(snapshot)?.tagged(&selected.tag)
    }

    /// Chooses the group with most members at first; leaves what is gone.
    pub fn settle(&mut self, snapshot: &Snapshot) {
        if self.current(snapshot).is_none() {
            self.opened = false;
            let fullest = snapshot.groups.values().rev().max_by_key(|group| group.member_count);
            self.group = fullest.map(|group| Arc::clone(&group.id));
        }
        if self.other(snapshot).is_none() {
            self.beside = None;
        }
        let Some(group) = self.current(snapshot) else { return };
        let at = self.member.as_ref().and_then(|id| group.members.iter().position(|member| member.id == *id));
        self.bereft |= at.is_none() && self.member.is_some();
        let at = at.unwrap_or(self.member_at).min(group.members.len().saturating_sub(1));
        self.member_at = at;
        self.member = group.members.get(at).filter(|_| !self.bereft).map(|member| Arc::clone(&member.id));
        if self.partition.as_ref().is_none_or(|at| group.partition(at).is_none()) {
            self.partition = group.partitions.first().map(|partition| partition.at.clone());
        }
    }

    /// What is selected.
    pub fn selection(&self, snapshot: &Snapshot) -> Selection {
        let Some(group) = self.current(snapshot) else { return Selection::None };
        let id = Arc::clone(&group.id);
        match (self.opened, self.pane, &self.member, &self.partition) {
            (true, Pane::Members, Some(member), _) => Selection::Member(id, Arc::clone(member)),
            (true, Pane::Partitions, _, Some(at)) => Selection::GroupPartition(id, at.clone()),
            _ => Selection::Group(id),
        }
    }

    /// Moves the selection.
    pub fn go(&mut self, snapshot: &Snapshot, motion: Motion, page: usize) {
        if !self.opened {
            let list = self.list(snapshot);
            let at = list.iter().position(|group| Some(&group.id) == self.group.as_ref());
            if let Some(group) = motion.along(at, list.len(), page).and_then(|to| list.get(to)) {
                self.group = Some(Arc::clone(&group.id));
            }
            return;
        }
        let Some(group) = self.current(snapshot) else { return };
        match (motion, self.pane) {
            (Motion::NextPane, Pane::Members) => self.pane = Pane::Partitions,
            (Motion::NextPane, Pane::Partitions) => self.pane = Pane::Members,
            (_, Pane::Members) => {
                let to = motion.along(Some(self.member_at), group.members.len(), page);
                // Where one is gone the first key chooses who stands there now.
                if let Some(to) = if self.bereft { Some(self.member_at) } else { to } {
                    self.member = group.members.get(to).map(|member| Arc::clone(&member.id));
                    (self.member_at, self.bereft) = (to, false);
                }
            }
            (_, Pane::Partitions) => {
                let of = |at: &TopicPartition| group.partitions.iter().position(|partition| partition.at == *at);
                let to = motion.along(self.partition.as_ref().and_then(of), group.partitions.len(), page);
                if let Some(partition) = to.and_then(|to| group.partitions.get(to)) {
                    self.partition = Some(partition.at.clone());
                }
            }
        }
    }

    /// Selects what was clicked.
    pub fn select(&mut self, snapshot: &Snapshot, target: &Selection) {
        match target {
            Selection::Group(id) if !self.opened => self.group = Some(Arc::clone(id)),
            Selection::Member(_, member) if self.opened => {
                self.pane = Pane::Members;
                (self.member, self.bereft) = (Some(Arc::clone(member)), false);
            }
            Selection::GroupPartition(_, at) if self.opened => {
                self.pane = Pane::Partitions;
                self.partition = Some(at.clone());
            }
            _ => {}
        }
        self.settle(snapshot);
    }

    /// Opens a group, coming from another screen.
    pub fn show(&mut self, group: &Arc<str>) {
        self.group = Some(Arc::clone(group));
        (self.opened, self.pane, self.beside) = (true, Pane::Members, None);
        self.choose_anew();
    }

    /// Opens the selected group; an open one stays.
    pub fn open(&mut self, snapshot: &Snapshot) {
        self.opened = self.current(snapshot).is_some();
        self.pane = Pane::Members;
        self.choose_anew();
        self.settle(snapshot);
    }

    /// The first member of whatever group is opened is selected.
    fn choose_anew(&mut self) {
        (self.member, self.member_at, self.bereft) = (None, 0, false);
    }

    /// Puts the next group beside the open one, around; the last one leads back to one alone.
    pub fn compare(&mut self, snapshot: &Snapshot) {
        let others: Vec<&Arc<str>> = snapshot.groups.keys().filter(|id| Some(*id) != self.group.as_ref()).collect();
        let at = self.beside.as_ref().and_then(|id| others.iter().position(|other| *other == id));
        let next = at.map_or(0, |at| at + 1);
        self.opened = self.opened || !others.is_empty();
        self.beside = others.get(next).map(|id| Arc::clone(id));
    }

    /// Leaves, one step at a time: the group beside, the group; false in the list with nothing to clear.
    pub fn back(&mut self) -> bool {
        if self.beside.take().is_some() || std::mem::take(&mut self.opened) {
            return true;
        }
        !std::mem::take(&mut self.filter).is_empty()
    }
}
