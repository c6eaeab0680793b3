//! What was written is read back; what is damaged ends the log, and nothing else.

use proptest::prelude::*;

use super::*;
use crate::engine::zk::op::ZkError;

/// A change of one of a few znodes, which may not be possible.
fn change() -> impl Strategy<Value = Change> {
    let path = prop::sample::select(vec!["/a", "/a/b", "/a/b/c", "/a/d", "/e", "/e/f"]);
    (path, 0..4_u8, prop::collection::vec(any::<u8>(), 0..9), prop::option::of(1..4_i64)).prop_map(
        |(path, kind, data, owner)| match kind {
            0 | 1 => Change::Create { path: path.into(), data: data.into(), owner: owner.map(SessionId) },
            2 => Change::SetData { path: path.into(), data: data.into(), version: 1 },
            _ => Change::Delete { path: path.into() },
        },
    )
}

/// A log, and what a server knows after each of its entries, with the place where that entry ends.
struct Written {
    log: Vec<u8>,
    states: Vec<(usize, State)>,
}

/// Writes what of `changes` is possible, two of them as a multi now and then, between sessions that come and go.
fn write(changes: Vec<Change>) -> Written {
    let mut now = State::default();
    let mut written = Written { log: log_header(), states: vec![(log_header().len(), now.clone())] };
    let mut say = |session: i64, body: TxnBody| {
        let (zxid, mut next) = (now.zxid.next(), now.clone());
        let txn = Txn { zxid, time_ms: zxid.0 * 10, session: SessionId(session), cxid: 0, body };
        let fits = next.apply(&txn).is_ok() || matches!(txn.body, TxnBody::Refused(_));
        if !fits {
            return;
        }
        written.log.extend(entry(&txn));
        written.states.push((written.log.len(), next.clone()));
        now = next;
    };
    for (number, change) in changes.into_iter().enumerate() {
        let session = match &change {
            Change::Create { owner: Some(owner), .. } => owner.0,
            _ => 9,
        };
        match number % 5 {
            0 => say(session, TxnBody::CreateSession { timeout: Duration::from_millis(1_200), owner: None }),
            1 => say(session, TxnBody::Refused(ZkError::NoNode)),
            _ => {}
        }
        let body = if number % 3 == 0 {
            TxnBody::Multi(vec![Change::Check { path: "/".into() }, change])
        } else {
            TxnBody::Change(change)
        };
        say(session, body);
    }
    written
}

fn read(log: &[u8]) -> Option<(usize, State)> {
    let mut stored = State::default();
    replay(&Bytes::copy_from_slice(log), &mut stored).map(|whole| (whole, stored))
}

fn assert_same(got: &State, wanted: &State) {
    assert_eq!(got, wanted);
}

proptest! {
    #[test]
    fn a_log_gives_back_what_it_was_told(changes in prop::collection::vec(change(), 0..40)) {
        let written = write(changes);
        let (whole, got) = read(&written.log).unwrap();
        let (end, wanted) = written.states.last().unwrap();
        prop_assert_eq!(whole, *end);
        assert_same(&got, wanted);
    }

    #[test]
    fn what_is_cut_off_or_flipped_ends_the_log_before_it(
        changes in prop::collection::vec(change(), 1..20),
        place in any::<prop::sample::Index>(),
        flip in prop::option::of(0..8_u32),
    ) {
        let written = write(changes);
        let header = log_header().len();
        let at = header + place.index(written.log.len().saturating_sub(header).max(1));
        let mut log = written.log.clone();
        match flip {
            Some(bit) if at < log.len() => log[at] ^= 1 << bit,
            _ => log.truncate(at),
        }
        // Filled up with zeroes, as ZooKeeper's are.
        log.extend([0; 64]);
        let (whole, got) = read(&log).unwrap();
        let (end, wanted) = written.states.iter().rev().find(|(end, _)| *end <= at).unwrap();
        prop_assert_eq!(whole, *end);
        assert_same(&got, wanted);
    }

    #[test]
    fn a_snapshot_gives_back_what_it_was_taken_of(changes in prop::collection::vec(change(), 0..40), flip: prop::sample::Index) {
        let written = write(changes);
        let (_, known) = written.states.last().unwrap();
        let mut bytes = snapshot(known);
        assert_same(&read_snapshot(&Bytes::copy_from_slice(&bytes), known.zxid).unwrap(), known);
        // The last string says only where the file ends: "/", with its length.
        let at = flip.index(bytes.len() - 5);
        bytes[at] ^= 1;
        prop_assert!(read_snapshot(&bytes.into(), known.zxid).is_none());
    }
}

#[test]
fn a_log_after_a_snapshot_is_taken_up_where_the_snapshot_ends() {
    let changes = (0..9).map(|n| Change::Create { path: format!("/n{n}").into(), data: Bytes::new(), owner: None });
    let written = write(changes.collect());
    let (_, half) = &written.states[4];
    let mut stored = half.clone();
    replay(&written.log.into(), &mut stored).unwrap();
    assert_same(&stored, &written.states.last().unwrap().1);
}

#[test]
fn what_is_no_log_is_not_read() {
    assert!(read(b"ZKSN").is_none());
    assert!(read(&snapshot(&State::default())).is_none());
    assert_eq!(read(&log_header()).unwrap().0, 16);
}
