//! temporary
use super::*;
use super::queue::Results;
use crate::engine::replica::TopicPartition;
use crate::protocol::*;
use std::collections::BTreeSet;
#[derive(Clone, Debug)]
pub(super) enum Step { ResumeOf(Vec<TopicPartition>), ResumeFor(BTreeSet<BrokerId>), ResumeAll }
#[derive(Clone, Debug)]
pub(super) enum Resume {}
impl Controller {
    pub(super) fn reassign(&mut self, _s: Step, _io: &mut Io<'_, '_>) {}
    pub(super) fn resume_reassignment(&mut self, _s: Resume, _r: &Results, _io: &mut Io<'_, '_>) {}
    pub(super) fn read_reassignments(&mut self, _io: &mut Io<'_, '_>) {}
    pub(super) fn alter_reassignments(&mut self, _r: &AlterPartitionReassignmentsRequest, _o: Origin, _io: &mut Io<'_, '_>) {}
    pub(super) fn list_reassignments(&mut self, _r: &ListPartitionReassignmentsRequest, _o: Origin) {}
}
