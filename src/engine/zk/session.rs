//! Sessions: who is alive, until when, and why nothing was heard.
//!
//! A session lives as long as something comes from its owner within its time-out, over whatever connection. The end is
//! rounded up to the next tick, so that sessions end in groups: a session that was last heard of at `t` ends at the
//! first multiple of the tick after `t + timeout`. (ZooKeeper's `SessionTrackerImpl` and `ExpiryQueue`.)
//!
//! The table decides nothing: [`ZkServer`](super::ZkServer) asks it who is due and makes transactions of that.

use std::collections::BTreeMap;
use std::time::Duration;

use super::message::{Credentials, Password, SessionId, ZkPeer};
use crate::engine::context::Cause;
use crate::engine::node::ZkId;
use crate::engine::time::{Clock, Now, Time};

/// One session.
#[derive(Clone, Debug)]
pub struct Session {
    /// The session time-out that was granted.
    pub timeout: Duration,
    /// Who opened it, or took it up last.
    pub owner: ZkPeer,
    /// Whether its owner has a connection to this server.
    pub connected: bool,
    /// The clock that it runs on.
    pub clock: Clock,
    /// When something last came from its owner, on `clock`.
    pub heard: Time,
    /// When it ends if nothing comes, on `clock`: a multiple of the tick.
    pub expires: Time,
    /// Why nothing comes: what closed the last connection. Routine while something does.
    pub silence: Cause,
}

impl Session {
    /// How long until it ends if nothing comes.
    pub fn remaining(&self, now: &Now) -> Duration {
        self.expires.since(now.on(self.clock))
    }

    /// How long nothing has come.
    pub fn silent(&self, now: &Now) -> Duration {
        now.on(self.clock).since(self.heard)
    }

    /// Something came, now: its time begins again.
    fn renew(&mut self, now: &Now, tick: Duration) {
        self.heard = now.on(self.clock);
        self.expires = round_up(self.heard + self.timeout, tick);
    }
}

/// All sessions of the ensemble. On disk at every server: they outlive a server's process.
#[derive(Clone, Debug)]
pub struct Sessions {
    tick: Duration,
    /// The longest time-out granted.
    longest: Duration,
    open: BTreeMap<SessionId, Session>,
    /// The newest id that was given out, or less than the first.
    last_id: SessionId,
}

impl Sessions {
    /// None yet. `tick` is at least a microsecond; time-outs of two ticks up to `longest` are granted.
    pub fn new(tick: Duration, longest: Duration) -> Self {
        Self { tick: tick.max(Duration::from_micros(1)), longest, open: BTreeMap::new(), last_id: SessionId(0) }
    }

    /// The time-out that is granted to who asks for `asked`.
    pub fn grant(&self, asked: Duration) -> Duration {
        asked.min(self.longest).max(self.tick * 2)
    }

    /// A new id: the server's in the highest byte, then the date, then a count, as in ZooKeeper. Never given out before.
    pub fn next_id(&mut self, server: ZkId, now: &Now) -> SessionId {
        let date = (now.date_ms().cast_unsigned() << 24) >> 8;
        let first = ((u64::from(server.0) << 56) | date).cast_signed();
        self.last_id = SessionId(first.max(self.last_id.0.wrapping_add(1)));
        self.last_id
    }

    /// A session begins, now.
    pub fn open(&mut self, id: SessionId, timeout: Duration, owner: ZkPeer, clock: Clock, now: &Now) {
        let silence = Cause::default();
        let (heard, expires) = (Time::ZERO, Time::NEVER);
        let mut session = Session { timeout, owner, connected: false, clock, heard, expires, silence };
        session.renew(now, self.tick);
        self.open.insert(id, session);
    }

    /// A session ends.
    pub fn close(&mut self, id: SessionId) {
        self.open.remove(&id);
    }

    /// Something came from the owner. Whether there is such a session.
    pub fn touch(&mut self, id: SessionId, now: &Now) -> bool {
        let Some(session) = self.open.get_mut(&id) else { return false };
        session.renew(now, self.tick);
        session.silence = Cause::default();
        true
    }

    /// The owner has a connection here: it is `peer`, on `clock`.
    pub fn attach(&mut self, id: SessionId, peer: ZkPeer, clock: Clock) {
        if let Some(session) = self.open.get_mut(&id) {
            session.owner = peer;
            session.clock = clock;
            session.connected = true;
        }
    }

    /// The owner's connection is gone, because of `cause`.
    pub fn detach(&mut self, id: SessionId, cause: &Cause) {
        if let Some(session) = self.open.get_mut(&id) {
            session.connected = false;
            session.silence = cause.clone();
        }
    }

    /// All clocks begin anew, as after the election of a leader: nobody could be heard before.
    pub fn start_anew(&mut self, now: &Now) {
        for session in self.open.values_mut() {
            session.renew(now, self.tick);
        }
    }

    /// The server's process died, and all connections with it.
    pub fn detach_all(&mut self) {
        for session in self.open.values_mut() {
            session.connected = false;
        }
    }

    /// The sessions on `clock` whose time is up, by id.
    pub fn due(&self, clock: Clock, now: &Now) -> Vec<SessionId> {
        let is_due = |session: &Session| session.clock == clock && session.expires <= now.on(clock);
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
    fn time_outs_are_granted_from_two_ticks_to_a_minute() {
        let sessions = Sessions::new(2 * SECOND, 60 * SECOND);
        let granted = [1, 4, 18, 60, 90].map(|asked| sessions.grant(asked * SECOND).as_secs());
        assert_eq!(granted, [4, 4, 18, 60, 60]);
        // Under a tick as long as that, the lower bound wins.
        assert_eq!(Sessions::new(40 * SECOND, 60 * SECOND).grant(SECOND), 80 * SECOND);
    }

    #[test]
    fn the_end_is_the_first_tick_after_the_time_out() {
        let ends = [0, 1, 1_999, 2_000].map(|ms| round_up(Time::from_millis(ms), 2 * SECOND).as_millis());
        assert_eq!(ends, [2_000, 2_000, 2_000, 4_000]);
    }

    #[test]
    fn ids_tell_the_server_and_never_come_again() {
        let mut sessions = Sessions::new(2 * SECOND, 60 * SECOND);
        let mut now = Now { epoch_ms: 1_767_225_600_000, ..Now::default() };
        let ids: Vec<i64> = (0..4).map(|_| sessions.next_id(ZkId(3), &now).0).collect();
        assert!(ids.windows(2).all(|pair| pair[1] == pair[0] + 1), "{ids:?}");
        assert_eq!(ids[0] >> 56, 3);
        now.lab = Time::from_millis(1);
        assert!(sessions.next_id(ZkId(3), &now).0 > ids[3]);
        now.lab = Time::ZERO;
        assert!(sessions.next_id(ZkId(3), &now).0 > ids[3], "not even when the date goes back");
    }

    #[test]
    fn passwords_differ_and_stay() {
        let passwords = [1, 2, i64::MAX].map(|id| credentials(SessionId(id)).password);
        assert_eq!(passwords, [1, 2, i64::MAX].map(|id| credentials(SessionId(id)).password));
        assert!(passwords[0] != passwords[1] && passwords[1] != passwords[2]);
    }
}
