//! Built-in clients: producer and consumer as state machines.

/// What a built-in client's timers say.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ClientTimer {}

use super::context::Context;
use super::message::Payload;
use super::node::{BrokerId, ClientId, NodeId};

/// What a built-in client is to be.
#[derive(Clone, Debug)]
pub struct ClientSpec;

/// A built-in client.
#[derive(Clone, Debug)]
pub struct Client;

impl Client {
    /// One.
    pub fn new(_id: ClientId, _spec: ClientSpec, _bootstrap: Vec<BrokerId>) -> Self {
        Self
    }

    /// Starts.
    pub fn start(&mut self, _ctx: &mut Context<'_>) {}

    /// A message.
    pub fn on_message(&mut self, _from: NodeId, _payload: Payload, _ctx: &mut Context<'_>) {}

    /// A timer.
    pub fn on_timer(&mut self, _timer: ClientTimer, _ctx: &mut Context<'_>) {}
}
