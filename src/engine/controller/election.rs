//! Who is the controller: the broker whose create of the ephemeral `/controller` succeeded, in one transaction with
//! the next `/controller_epoch`. Kafka's `KafkaController.elect` and `registerControllerAndIncrementControllerEpoch`.
//!
//! Everybody watches `/controller`. When it vanishes, all try at once, and ZooKeeper lets one through: the others find
//! that the znode exists, or that the epoch has moved on.

use super::queue::{Results, Resume, Step};
use super::{Controller, Io, Role, znodes};
use crate::engine::event::{ControllerEvent, EventKind};
use crate::engine::zk::op::{CreateMode, Op, OpResult, Write, ZkError};

impl Controller {
    /// Looks who is the controller, and leaves the watch: it tells of a controller that comes as of one that goes.
    pub(super) fn read_claim(&mut self, io: &mut Io<'_, '_>) {
        let ops = vec![
            Op::exists_and_watch(znodes::CONTROLLER),
            Op::get(znodes::CONTROLLER),
            Op::get(znodes::CONTROLLER_EPOCH),
        ];
        self.ask(ops, Resume::ClaimRead, io);
    }

    pub(super) fn claim_read(&mut self, results: &Results, io: &mut Io<'_, '_>) {
        let [_, claim, epoch] = results.as_slice() else { return };
        let epoch = match epoch {
            Ok(OpResult::Data { data, stat }) => znodes::read_controller_epoch(data).map(|epoch| (epoch, stat.version)),
            _ => None,
        };
        match (claim, epoch) {
            (Ok(OpResult::Data { data, stat }), Some((epoch, version))) => {
                let mine = znodes::read_controller(data) == Some(self.id) && stat.ephemeral_owner == io.zk.session();
                if mine { self.still_mine(epoch, version, io) } else { self.follow(io) }
            }
            (Ok(_), _) => self.follow(io),
            (Err(_), Some((epoch, version))) => self.claim(epoch + 1, version, io),
            (Err(_), None) => self.make_epoch(io),
        }
    }

    /// The first controller of a cluster makes the epoch's znode before it claims.
    fn make_epoch(&mut self, io: &mut Io<'_, '_>) {
        let zero = Write::create(znodes::CONTROLLER_EPOCH, znodes::controller_epoch(0), CreateMode::Persistent);
        self.first([Step::ReadClaim]);
        self.ask(vec![zero.into()], Resume::Nothing, io);
    }

    /// Tries to become the controller.
    fn claim(&mut self, epoch: i32, version: i32, io: &mut Io<'_, '_>) {
        if self.role == Role::Active || self.role == Role::Loading {
            self.resign("its claim is gone", io.ctx);
        }
        let claim = znodes::controller(self.id, io.ctx.now.date_ms());
        let writes = vec![
            Write::create(znodes::CONTROLLER, claim, CreateMode::Ephemeral),
            Write::set(znodes::CONTROLLER_EPOCH, znodes::controller_epoch(epoch), version),
        ];
        self.ask(vec![Op::Multi(writes)], Resume::Claimed(epoch), io);
    }

    pub(super) fn claimed(&mut self, epoch: i32, results: &Results, io: &mut Io<'_, '_>) {
        let version = match results.first() {
            Some(Ok(OpResult::Multi(Ok(members)))) => members.iter().find_map(|member| match member {
                OpResult::Set(stat) => Some(stat.version),
                _ => None,
            }),
            Some(Ok(OpResult::Multi(Err(failure)))) if failure.error != ZkError::NodeExists => {
                // The epoch moved on, and whoever moved it may be gone again.
                return self.first([Step::ReadClaim]);
            }
            _ => None,
        };
        match version {
            Some(version) => self.won(epoch, version, io),
            None => self.follow(io),
        }
    }

    fn won(&mut self, epoch: i32, version: i32, io: &mut Io<'_, '_>) {
        (self.epoch, self.epoch_version, self.role) = (epoch, version, Role::Loading);
        io.ctx.emit(EventKind::Controller(ControllerEvent::Elected { epoch }));
        self.first([Step::Load]);
    }

    /// The claim stands. Where this controller does not know that, since an answer was lost, it loads everything.
    fn still_mine(&mut self, epoch: i32, version: i32, io: &mut Io<'_, '_>) {
        match self.role {
            Role::Active | Role::Loading => {}
            _ if epoch == self.epoch => {
                (self.epoch_version, self.role) = (version, Role::Loading);
                self.first([Step::Load]);
            }
            _ => self.won(epoch, version, io),
        }
    }

    /// Another broker is the controller.
    fn follow(&mut self, io: &mut Io<'_, '_>) {
        if matches!(self.role, Role::Active | Role::Loading) {
            self.resign("another broker is the controller", io.ctx);
        }
        self.role = Role::Follower;
    }
}
