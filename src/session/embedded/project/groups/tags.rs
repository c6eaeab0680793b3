//! Short names for members, so that one can be told in a cell: `c1`. Who comes back under the same name gets its own again.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::super::events::group_words::short;

/// How many members are remembered.
const MOST: usize = 512;

/// A member that was seen.
struct Tagged {
    /// Its member id.
    id: Arc<str>,
    /// What it is known by to people: its `client.id`, or its `group.instance.id`.
    name: String,
    tag: Arc<str>,
}

/// The tags of a group, in the order in which its members were seen first.
#[derive(Default)]
pub(super) struct Tags {
    all: Vec<Tagged>,
    /// The tags by member id: hundreds of members are looked up with each look.
    by_id: BTreeMap<Arc<str>, Arc<str>>,
    current: BTreeSet<Arc<str>>,
}

impl Tags {
    /// These are in the group now.
    pub(super) fn settle<'a>(&mut self, members: impl Iterator<Item = (&'a Arc<str>, &'a str)>) {
        let members: Vec<(&Arc<str>, &str)> = members.collect();
        self.current = members.iter().map(|(id, _)| Arc::clone(id)).collect();
        for (id, client_id) in members {
            // A member id is made of the instance id where there is one, and in KIP-848 of nothing.
            let named = short(id);
            self.meet(id, if named.len() == id.len() { client_id } else { named });
        }
        if self.all.len() > MOST {
            let current = &self.current;
            self.all.retain(|known| current.contains(&known.id));
            self.by_id.retain(|id, _| current.contains(id));
        }
    }

    /// The tag of a member, which is given one if it has none.
    pub(super) fn of_new(&mut self, id: &Arc<str>) -> Arc<str> {
        self.meet(id, short(id))
    }

    /// The tag of a member.
    pub(super) fn get(&self, id: &str) -> Option<&Arc<str>> {
        self.by_id.get(id)
    }

    /// The tag of whoever is known by this name, the one that came last.
    pub(super) fn named(&self, name: &str) -> Option<&Arc<str>> {
        self.all.iter().rev().find(|known| known.name == name).map(|known| &known.tag)
    }

    /// A static member came back under a new id.
    pub(super) fn rename(&mut self, old: &str, new: &Arc<str>) {
        if let Some(known) = self.all.iter_mut().find(|known| &*known.id == old) {
            known.id = Arc::clone(new);
            self.by_id.remove(old);
            self.by_id.insert(Arc::clone(new), Arc::clone(&known.tag));
        }
    }

    /// The number in a tag.
    pub(super) fn number(tag: &str) -> u32 {
        tag.trim_start_matches('c').parse().unwrap_or(u32::MAX)
    }

    fn meet(&mut self, id: &Arc<str>, name: &str) -> Arc<str> {
        if let Some(known) = self.get(id) {
            return Arc::clone(known);
        }
        let current = &self.current;
        if let Some(before) = self.all.iter_mut().find(|known| known.name == name && !current.contains(&known.id)) {
            self.by_id.remove(&before.id);
            before.id = Arc::clone(id);
            self.by_id.insert(Arc::clone(id), Arc::clone(&before.tag));
            return Arc::clone(&before.tag);
        }
        let tag = self.free(name);
        self.by_id.insert(Arc::clone(id), Arc::clone(&tag));
        self.all.push(Tagged { id: Arc::clone(id), name: name.to_owned(), tag: Arc::clone(&tag) });
        tag
    }

    /// `c2` for `dashboard-2`, if nobody has it; otherwise the first that is free.
    fn free(&self, name: &str) -> Arc<str> {
        let is_free = |tag: &str| self.all.iter().all(|known| &*known.tag != tag);
        let own =
            name.rsplit('-').next().and_then(|number| number.parse::<u16>().ok()).filter(|n| (1..100).contains(n));
        let mut wanted = own.into_iter().chain(1..).map(|number| format!("c{number}"));
        wanted.find(|tag| is_free(tag)).unwrap_or_default().into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const UUID: &str = "7ba5e2a0-6f8e-4a0e-9d6c-0123456789ab";

    fn id(name: &str, salt: &str) -> Arc<str> {
        format!("{name}-{}{salt}", &UUID[..UUID.len() - salt.len()]).into()
    }

    #[test]
    fn who_comes_back_gets_its_tag_again_and_two_of_a_name_have_two() {
        let mut tags = Tags::default();
        let (one, two, again) = (id("dashboard-2", "1"), id("kcat", "2"), id("dashboard-2", "3"));
        tags.settle([(&one, "dashboard-2"), (&two, "kcat")].into_iter());
        assert_eq!((tags.get(&one).map(|t| &**t), tags.get(&two).map(|t| &**t)), (Some("c2"), Some("c1")));
        assert_eq!(&*tags.of_new(&again), "c3", "the one of before is still there");
        tags.settle([(&two, "kcat")].into_iter());
        assert_eq!(&*tags.of_new(&id("dashboard-2", "4")), "c2", "now it is gone");
    }
}
