//! The tree against a model: a flat map of paths, written as plainly as the rules are told, with a copy of the whole
//! for each multi. Random requests of two sessions must get the same answers from both, and leave the same znodes.

use std::collections::BTreeMap;

use kscope::engine::node::NodeId;
use kscope::engine::zk::message::SessionId;
use kscope::engine::zk::op::{ANY_VERSION, CreateMode, MultiFailure, Op, OpResult, Stat, Write, ZkError, Zxid};
use proptest::prelude::*;

use crate::harness::{Lab, broker};

/// A znode of the model. What a stat derives is counted here one by one.
#[derive(Clone, Debug, Default, PartialEq)]
struct Entry {
    data: Vec<u8>,
    owner: Option<SessionId>,
    stamps: [Zxid; 3],
    version: i32,
    creates: i32,
    deletes: i32,
}

/// The flat tree.
#[derive(Clone, Debug)]
struct Model {
    entries: BTreeMap<String, Entry>,
}

impl Model {
    fn new() -> Self {
        let paths = ["/", "/zookeeper", "/zookeeper/config", "/zookeeper/quota"];
        let mut entries: BTreeMap<_, _> = paths.map(|path| (path.to_owned(), Entry::default())).into();
        // ZooKeeper's own were never created: a client sees -1 for the root's one child.
        entries.get_mut("/").unwrap().deletes = -1;
        entries.get_mut("/zookeeper").unwrap().deletes = -2;
        Self { entries }
    }

    fn children(&self, path: &str) -> Vec<String> {
        let prefix = if path == "/" { "/".to_owned() } else { format!("{path}/") };
        let names = self.entries.keys().filter_map(|key| key.strip_prefix(&prefix));
        names.filter(|name| !name.is_empty() && !name.contains('/')).map(str::to_owned).collect()
    }

    fn find(&mut self, path: &str, version: i32) -> Result<&mut Entry, ZkError> {
        let entry = self.entries.get_mut(path).ok_or(ZkError::NoNode)?;
        if version != ANY_VERSION && version != entry.version { Err(ZkError::BadVersion) } else { Ok(entry) }
    }

    fn stat(&self, path: &str) -> Stat {
        let entry = &self.entries[path];
        let [czxid, mzxid, pzxid] = entry.stamps;
        Stat {
            czxid,
            mzxid,
            pzxid,
            version: entry.version,
            cversion: entry.creates + entry.deletes,
            ephemeral_owner: entry.owner,
            data_length: entry.data.len(),
            num_children: self.children(path).len(),
            ..Stat::default()
        }
    }

    fn write(&mut self, write: &Write, session: SessionId, zxid: Zxid) -> Result<OpResult, ZkError> {
        match write {
            Write::Create { path, data, mode } => {
                let (parent, _) = path.rsplit_once('/').unwrap();
                let parent = if parent.is_empty() { "/" } else { parent };
                let above = self.entries.get_mut(parent).ok_or(ZkError::NoNode)?;
                let number = if mode.is_sequential() { format!("{:010}", above.creates) } else { String::new() };
                let path = format!("{path}{number}");
                if self.entries.contains_key(&path) {
                    return Err(ZkError::NodeExists);
                }
                let above = self.entries.get_mut(parent).unwrap();
                if above.owner.is_some() {
                    return Err(ZkError::NoChildrenForEphemerals);
                }
                above.creates += 1;
                above.stamps[2] = zxid;
                let owner = mode.is_ephemeral().then_some(session);
                let entry = Entry { data: data.to_vec(), owner, stamps: [zxid; 3], ..Entry::default() };
                self.entries.insert(path.clone(), entry);
                Ok(OpResult::Created { stat: self.stat(&path), path: path.into() })
            }
            Write::Delete { path, version } => {
                if ["/", "/zookeeper"].contains(&path.as_ref()) {
                    return Err(ZkError::BadArguments);
                }
                self.find(path, *version)?;
                if !self.children(path).is_empty() {
                    return Err(ZkError::NotEmpty);
                }
                self.remove(path, zxid);
                Ok(OpResult::Deleted)
            }
            Write::SetData { path, data, version } => {
                let entry = self.find(path, *version)?;
                entry.data = data.to_vec();
                entry.version += 1;
                entry.stamps[1] = zxid;
                Ok(OpResult::Set(self.stat(path)))
            }
            Write::Check { path, version } => self.find(path, *version).map(|_| OpResult::Checked),
        }
    }

    fn remove(&mut self, path: &str, zxid: Zxid) {
        self.entries.remove(path);
        let (parent, _) = path.rsplit_once('/').unwrap();
        let parent = self.entries.get_mut(if parent.is_empty() { "/" } else { parent }).unwrap();
        parent.deletes += 1;
        parent.stamps[2] = zxid;
    }

    fn multi(&mut self, writes: &[Write], session: SessionId, zxid: Zxid) -> Result<Vec<OpResult>, MultiFailure> {
        let mut copy = self.clone();
        let mut results = Vec::new();
        for (member, write) in writes.iter().enumerate() {
            results.push(copy.write(write, session, zxid).map_err(|error| MultiFailure { member, error })?);
        }
        *self = copy;
        Ok(results)
    }

    fn answer(&mut self, op: &Op, session: SessionId, zxid: Zxid) -> Result<OpResult, ZkError> {
        match op {
            Op::Write(write) => self.write(write, session, zxid),
            Op::Multi(writes) => Ok(OpResult::Multi(self.multi(writes, session, zxid))),
            Op::GetData { path, .. } => {
                let data = self.find(path, ANY_VERSION)?.data.clone().into();
                Ok(OpResult::Data { data, stat: self.stat(path) })
            }
            Op::Exists { path, .. } => {
                self.find(path, ANY_VERSION)?;
                Ok(OpResult::Exists(self.stat(path)))
            }
            Op::GetChildren { path, .. } => {
                self.find(path, ANY_VERSION)?;
                let children = self.children(path).into_iter().map(Into::into).collect();
                Ok(OpResult::Children { children, stat: self.stat(path) })
            }
            other => panic!("not in the model: {other:?}"),
        }
    }

    fn end_session(&mut self, session: SessionId, zxid: Zxid) {
        let owned = self.entries.iter().filter(|(_, entry)| entry.owner == Some(session));
        for path in owned.map(|(path, _)| path.clone()).collect::<Vec<_>>() {
            self.remove(&path, zxid);
        }
    }
}

/// What a case does, by one of two sessions.
#[derive(Clone, Debug)]
enum Step {
    Ask(Op),
    /// The session is closed, and another one opened.
    Renew,
}

fn path() -> impl Strategy<Value = String> {
    // Few and short, so that requests meet: what one creates, the next uses, fills or deletes.
    let some =
        prop::sample::select(vec!["/a", "/b", "/a/a", "/a/b", "/a/a/a", "/b/a", "/a0000000000", "/a/a0000000000"]);
    prop_oneof![18 => some, 1 => Just("/"), 1 => Just("/zookeeper")].prop_map(str::to_owned)
}

fn write() -> impl Strategy<Value = Write> {
    let version = || prop_oneof![2 => Just(ANY_VERSION), 1 => 0..3_i32];
    let data = || proptest::collection::vec(any::<u8>(), 0..3);
    let mode = prop::sample::select(vec![
        CreateMode::Persistent,
        CreateMode::Persistent,
        CreateMode::Ephemeral,
        CreateMode::PersistentSequential,
        CreateMode::EphemeralSequential,
    ]);
    prop_oneof![
        4 => (path(), data(), mode).prop_map(|(path, data, mode)| Write::create(path, data, mode)),
        2 => (path(), version()).prop_map(|(path, version)| Write::delete(path, version)),
        1 => (path(), data(), version()).prop_map(|(path, data, version)| Write::set(path, data, version)),
        1 => (path(), version()).prop_map(|(path, version)| Write::check(path, version)),
    ]
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        8 => write().prop_map(|write| Step::Ask(write.into())),
        3 => proptest::collection::vec(write(), 0..6).prop_map(|writes| Step::Ask(Op::Multi(writes))),
        1 => path().prop_map(|path| Step::Ask(Op::get(path))),
        1 => path().prop_map(|path| Step::Ask(Op::exists(path))),
        1 => path().prop_map(|path| Step::Ask(Op::children(path))),
        1 => Just(Step::Renew),
    ]
}

/// A stat without its dates: the model has no clock.
fn undated(result: Result<OpResult, ZkError>) -> Result<OpResult, ZkError> {
    let bare = |stat: Stat| Stat { ctime_ms: 0, mtime_ms: 0, ..stat };
    result.map(|result| match result {
        OpResult::Created { path, stat } => OpResult::Created { path, stat: bare(stat) },
        OpResult::Set(stat) => OpResult::Set(bare(stat)),
        OpResult::Data { data, stat } => OpResult::Data { data, stat: bare(stat) },
        OpResult::Exists(stat) => OpResult::Exists(bare(stat)),
        OpResult::Children { children, stat } => OpResult::Children { children, stat: bare(stat) },
        OpResult::Multi(Ok(results)) => {
            OpResult::Multi(Ok(results.into_iter().map(|it| undated(Ok(it)).unwrap()).collect()))
        }
        other => other,
    })
}

/// Both trees, znode by znode.
fn compare(lab: &Lab, model: &Model) {
    let tree = lab.server().tree();
    assert_eq!(tree.len(), model.entries.len());
    for (path, entry) in &model.entries {
        let znode = tree.get(path).unwrap_or_else(|| panic!("{path} is missing"));
        assert_eq!(znode.data().as_ref(), entry.data, "{path}");
        let stat = Stat { ctime_ms: 0, mtime_ms: 0, ..znode.stat() };
        assert_eq!(stat, model.stat(path), "{path}");
    }
    for (session, _) in lab.server().sessions() {
        let owned: Vec<_> =
            model.entries.iter().filter(|(_, it)| it.owner == Some(session)).map(|(path, _)| path).collect();
        assert_eq!(
            tree.ephemerals(session).map(ToString::to_string).collect::<Vec<_>>(),
            owned.into_iter().cloned().collect::<Vec<_>>()
        );
        assert_eq!(tree.ephemeral_count(session), tree.ephemerals(session).count());
    }
}

fn renew(lab: &mut Lab, node: NodeId) {
    lab.end(node);
    lab.settle();
    lab.connect(node);
    lab.settle();
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, ..ProptestConfig::default() })]

    #[test]
    fn the_tree_is_as_its_model(steps in proptest::collection::vec((1..=2_i32, step()), 1..60)) {
        let mut lab = Lab::with_brokers(2);
        let mut model = Model::new();
        for (index, (id, step)) in steps.into_iter().enumerate() {
            let node = broker(id);
            let session = lab.clients[&node].session().unwrap();
            // A clone taken before must not notice what comes after.
            let before = (index % 10 == 0).then(|| (lab.clone(), model.clone()));
            let zxid = lab.server().zxid().next();
            match step {
                Step::Ask(op) => {
                    let expected = model.answer(&op, session, zxid);
                    prop_assert_eq!(undated(lab.ask_one(node, op.clone())), expected, "{:?}", op);
                    let writes = matches!(op, Op::Write(_) | Op::Multi(_));
                    prop_assert_eq!(lab.server().zxid(), if writes { zxid } else { Zxid(zxid.0 - 1) });
                }
                Step::Renew => {
                    model.end_session(session, zxid);
                    renew(&mut lab, node);
                }
            }
            if let Some((lab, model)) = before {
                compare(&lab, &model);
            }
        }
        compare(&lab, &model);
    }
}
