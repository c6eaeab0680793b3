//! Sessions: who is alive, until when, and why nothing was heard.
//!
//! A session lives as long as something comes from its owner within its time-out, over whatever connection, to whatever
//! server. The end is rounded up to the next tick, so that sessions end in groups: a session that was last heard of at
//! `t` ends at the first multiple of the tick after `t + timeout`. (ZooKeeper's `SessionTrackerImpl` and `ExpiryQueue`.)
//!
//! The leader keeps this table, for all servers; it begins anew with each leader, as nobody could be heard before. Which
//! sessions there are at all is part of the [state](super::state). The table decides nothing: the leader asks it who is
//! due and makes transactions of that.

use std::collections::BTreeMap;
use std::time::Duration;

use super::message::{Credentials, Password, SessionId, ZkPeer};
use crate::engine::context::Cause;
use crate::engine::node::ZkId;
use crate::engine::time::{Clock, Now, Time};

/// One session, as the leader follows it.
#[derive(Clone, Debug)]
pub struct Session {
    /// The session time-out that was granted.
    pub timeout: Duration,
    /// Who opened it, or took it up last; `None` where nobody has since it was found on a disk.
    pub owner: Option<ZkPeer>,
    /// The server that its owner is connected to, as far as the leader knows.
    pub server: Option<ZkId>,
    /// When something last came from its owner, on its clock.
    pub heard: Time,
    /// When it ends if nothing comes, on its clock: a multiple of the tick.
    pub expires: Time,
    /// Why nothing comes: what closed the last connection. Routine while something does.
    pub silence: Cause,
    /// Its end was proposed: nothing more may be written in it.
    pub closing: bool,
}

impl Session {
    /// The clock that it runs on.
    pub fn clock(&self) -> Clock {
        self.owner.map_or(Clock::Outside, ZkPeer::clock)
    }

    /// How long until it ends if nothing comes.
    pub fn remaining(&self, now: &Now) -> Duration {
        self.expires.since(now.on(self.clock()))
    }

    /// How long nothing has come.
    pub fn silent(&self, now: &Now) -> Duration {
        now.on(self.clock()).since(self.heard)
    }

    /// Something came, now: its time begins again.
    fn renew(&mut self, now: &Now, tick: Duration) {
        self.heard = now.on(self.clock());
        self.expires = round_up(self.heard + self.timeout, tick);
    }
}

/// All open sessions, and when each ends.
#[derive(Clone, Debug)]
pub struct Sessions {
    tick: Duration,
    open: BTreeMap<SessionId, Session>,
}

impl Sessions {
    /// None yet. `tick` is at least a microsecond.
    pub fn new(tick: Duration) -> Self {
        Self { tick: tick.max(Duration::from_micros(1)), open: BTreeMap::new() }
    }

    /// A session is there from now on; nothing for one that was.
    pub fn open(&mut self, id: SessionId, timeout: Duration, owner: Option<ZkPeer>, now: &Now) {
        self.open.entry(id).or_insert_with(|| {
            let (heard, expires) = (Time::ZERO, Time::NEVER);
            let (server, silence, closing) = (None, Cause::default(), false);
            let mut session = Session { timeout, owner, server, heard, expires, silence, closing };
            session.renew(now, self.tick);
            session
        });
    }

    /// A session has ended.
    pub fn close(&mut self, id: SessionId) {
        self.open.remove(&id);
    }

    /// The end of a session was proposed. Whether it was not before.
    pub fn closing(&mut self, id: SessionId) -> bool {
        self.open.get_mut(&id).is_some_and(|session| !std::mem::replace(&mut session.closing, true))
    }

    /// Something came from the owner. Whether there is such a session.
    pub fn touch(&mut self, id: SessionId, now: &Now) -> bool {
        let Some(session) = self.open.get_mut(&id).filter(|session| !session.closing) else { return false };
        session.renew(now, self.tick);
        session.silence = Cause::default();
        true
    }

    /// The owner has a connection to `server`: it is `owner`.
    pub fn attach(&mut self, id: SessionId, owner: ZkPeer, server: ZkId, now: &Now) {
        if let Some(session) = self.open.get_mut(&id) {
            session.owner = Some(owner);
            session.server = Some(server);
            session.renew(now, self.tick);
            session.silence = Cause::default();
        }
    }

    /// The owner's connection to `server` is gone, because of `cause`.
    pub fn detach(&mut self, id: SessionId, server: ZkId, cause: &Cause) {
        if let Some(session) = self.open.get_mut(&id).filter(|session| session.server == Some(server)) {
            session.server = None;
            session.silence = cause.clone();
        }
    }

    /// The sessions on `clock` whose time is up, by id.
    pub fn due(&self, clock: Clock, now: &Now) -> Vec<SessionId> {
        let at = now.on(clock);
        let is_due = |session: &Session| session.clock() == clock && session.expires <= at && !session.closing;
        self.open.iter().filter(|(_, session)| is_due(session)).map(|(id, _)| *id).collect()
    }

    /// How long until the next tick.
    pub fn until_tick(&self, at: Time) -> Duration {
        round_up(at, self.tick).since(at)
    }

    /// A session.
    pub fn get(&self, id: SessionId) -> Option<&Session> {
        self.open.get(&id)
    }

    /// All sessions, by id.
    pub fn iter(&self) -> impl Iterator<Item = (SessionId, &Session)> {
        self.open.iter().map(|(id, session)| (*id, session))
    }
}

/// A new session's id at `server`: the server's in the highest byte, then the date, then a count, as in ZooKeeper. Greater
/// than `last`, the one given out before.
pub fn next_id(server: ZkId, last: SessionId, now: &Now) -> SessionId {
    let date = (now.date_ms().cast_unsigned() << 24) >> 8;
    let first = ((u64::from(server.0) << 56) | date).cast_signed();
    SessionId(first.max(last.0.wrapping_add(1)))
}

/// The first multiple of `tick` after `at`; after a multiple it is the next.
fn round_up(at: Time, tick: Duration) -> Time {
    let tick = u64::try_from(tick.as_micros()).unwrap_or(u64::MAX).max(1);
    Time((at.0 / tick).saturating_add(1).saturating_mul(tick))
}

/// What takes a session up again. ZooKeeper derives the password from the id and a secret that is in its source, so
/// that every server knows it; it keeps clients from taking each other's session by mistake, no more.
pub fn credentials(session: SessionId) -> Credentials {
    // SplitMix64, whose constants these are.
    let mix = |seed: u64| {
        let z = seed.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    };
    let high = mix(session.0.cast_unsigned());
    let low = mix(high);
    Credentials { session, password: Password(((u128::from(high) << 64) | u128::from(low)).to_be_bytes()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    #[test]
    fn the_end_is_the_first_tick_after_the_time_out() {
        let ends = [0, 1, 1_999, 2_000].map(|ms| round_up(Time::from_millis(ms), 2 * SECOND).as_millis());
        assert_eq!(ends, [2_000, 2_000, 2_000, 4_000]);
    }

    #[test]
    fn ids_tell_the_server_and_never_come_again() {
        let mut last = SessionId(0);
        let mut next = |now: &Now| {
            last = next_id(ZkId(3), last, now);
            last.0
        };
        let mut now = Now { epoch_ms: 1_767_225_600_000, ..Now::default() };
        let ids: Vec<i64> = (0..4).map(|_| next(&now)).collect();
        assert!(ids.windows(2).all(|pair| pair[1] == pair[0] + 1), "{ids:?}");
        assert_eq!(ids[0] >> 56, 3);
        now.lab = Time::from_millis(1);
        assert!(next(&now) > ids[3]);
        now.lab = Time::ZERO;
        assert!(next(&now) > ids[3], "not even when the date goes back");
    }

    #[test]
    fn passwords_differ_and_stay() {
        let passwords = [1, 2, i64::MAX].map(|id| credentials(SessionId(id)).password);
        assert_eq!(passwords, [1, 2, i64::MAX].map(|id| credentials(SessionId(id)).password));
        assert!(passwords[0] != passwords[1] && passwords[1] != passwords[2]);
    }
}
