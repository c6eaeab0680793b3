//! A server without a leader: it takes part in elections until it leads, or has somebody to follow.

use std::sync::Arc;
use std::time::Duration;

use super::election::{Election, FINALIZE_WAIT, LONGEST_PAUSE, Step};
use super::zab::{Notification, PeerMessage, PeerState, Vote};
use super::{Role, ZkServer, ZkTimer, hang_up, say};
use crate::engine::context::{Context, Timer};
use crate::engine::event::{EventKind, ZkEvent};
use crate::engine::node::ZkId;

impl ZkServer {
    /// Begins to look for a leader: clients are sent away, and all that is on the disk counts as applied until the next
    /// leader says what of it holds.
    pub(super) fn look(&mut self, ctx: &mut Context<'_>) {
        self.send_clients_away(ctx);
        self.history.bring_up(&mut self.state);
        self.round += 1;
        self.elected = None;
        self.term = ctx.next_id();
        let own = Vote { epoch: self.history.current_epoch, zxid: self.history.newest(), leader: self.id };
        let election = Election::new(self.config.members.len(), own, self.round);
        if election.all_agree() {
            return self.join(own, ctx);
        }
        ctx.emit(EventKind::Zk(ZkEvent::Looking { round: self.round }));
        self.tell_all(election.notification(), ctx);
        self.tell_later(election.pause, ctx);
        self.role = Role::Looking(election);
    }

    /// Leaves whoever follows, or whom it follows, and looks for a leader.
    pub(super) fn give_up(&mut self, ctx: &mut Context<'_>) {
        match &self.role {
            Role::Leading(leader) => leader.followers().for_each(|(follower, _)| hang_up(follower, ctx)),
            Role::Following(follower) => hang_up(follower.leader(), ctx),
            Role::Down | Role::Looking(_) => {}
        }
        self.look(ctx);
    }

    /// A vote came.
    pub(super) fn on_vote(&mut self, from: ZkId, heard: Notification, ctx: &mut Context<'_>) {
        let Role::Looking(election) = &mut self.role else { return self.tell_who_leads(from, heard, ctx) };
        let was_decided = election.is_decided();
        let step = election.hear(from, heard);
        let notification = election.notification();
        self.round = election.round();
        let decided = election.is_decided() && (!was_decided || step == Step::Tell);
        match step {
            Step::Elected { news } => {
                if news {
                    self.tell_all(notification, ctx);
                }
                return self.join(notification.vote, ctx);
            }
            Step::Known(vote) => return self.join(vote, ctx),
            Step::Tell => self.tell_all(notification, ctx),
            Step::TellSender => say(from, PeerMessage::Vote(notification), ctx),
            Step::Wait => {}
        }
        if decided {
            let timer = ZkTimer::Finalize { term: self.term, vote: notification.vote };
            ctx.timer(FINALIZE_WAIT, Timer::Zk(timer));
        }
    }

    /// No better vote has come, if the one that a quorum agreed on is still the best.
    pub(super) fn finalize(&mut self, vote: Vote, ctx: &mut Context<'_>) {
        let Role::Looking(election) = &self.role else { return };
        if election.is_decided() && election.vote() == vote {
            // All have heard what this server votes for; those who had not voted yet hear it once more from the next.
            self.join(vote, ctx);
        }
    }

    /// Takes up the role that an election gave.
    fn join(&mut self, vote: Vote, ctx: &mut Context<'_>) {
        self.elected = Some(vote);
        self.term = ctx.next_id();
        self.half_tick_later(ctx);
        if vote.leader == self.id { self.lead(ctx) } else { self.follow(vote.leader, ctx) }
    }

    /// Whoever looks for a leader hears of the one that there is.
    fn tell_who_leads(&mut self, to: ZkId, heard: Notification, ctx: &mut Context<'_>) {
        let state = match &self.role {
            Role::Leading(_) => PeerState::Leading,
            Role::Following(_) => PeerState::Following,
            Role::Down | Role::Looking(_) => return,
        };
        if let (Some(elected), PeerState::Looking) = (self.elected, heard.state) {
            let epoch = if self.is_serving() { self.history.current_epoch } else { elected.epoch };
            let vote = Vote { epoch, ..elected };
            say(to, PeerMessage::Vote(Notification { vote, round: self.round, state }), ctx);
        }
    }

    /// Tells the vote to those who were not there.
    pub(super) fn tell_again(&mut self, ctx: &mut Context<'_>) {
        let Role::Looking(election) = &mut self.role else { return };
        election.pause = (election.pause * 2).min(LONGEST_PAUSE);
        let (pause, notification) = (election.pause, election.notification());
        if !election.is_decided() {
            self.tell_all(notification, ctx);
        }
        self.tell_later(pause, ctx);
    }

    fn tell_later(&self, pause: Duration, ctx: &mut Context<'_>) {
        ctx.timer(pause, Timer::Zk(ZkTimer::TellAgain { term: self.term }));
    }

    fn tell_all(&self, notification: Notification, ctx: &mut Context<'_>) {
        for peer in self.others() {
            say(peer, PeerMessage::Vote(notification), ctx);
        }
    }

    fn others(&self) -> impl Iterator<Item = ZkId> + use<> {
        let (members, me) = (Arc::clone(&self.config.members), self.id);
        (0..members.len()).filter_map(move |at| members.get(at).copied()).filter(move |id| *id != me)
    }
}
