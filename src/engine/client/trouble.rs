//! Why a client tries something again: the chain from what went wrong to what it does now. While nothing is wrong, what it
//! does is routine and has no cause.
//!
//! The chain begins with the lost connection, or with the answer that was an error. Each answer that comes of it and does
//! not end it (metadata that still names no leader) lengthens it, so that the fetch that goes to the new leader tells the
//! whole way. An answer to a question that was asked in routine, before, is no part of it.

use crate::engine::context::{Cause, Context};

/// See the [module](self).
#[derive(Clone, Debug, Default)]
pub(super) struct Trouble(Option<Cause>);

impl Trouble {
    /// A connection ended. One that had worked begins a chain; one that could not be made only does where there is none.
    pub(super) fn lost(&mut self, had_worked: bool, ctx: &Context<'_>) {
        if had_worked || self.0.is_none() {
            self.0 = Some(ctx.cause.clone());
        }
    }

    /// Somebody answered, be it with an error or with news: returns why what follows is done.
    pub(super) fn answered(&mut self, ctx: &Context<'_>) -> Cause {
        match &mut self.0 {
            Some(cause) => {
                if !ctx.cause.is_routine() {
                    *cause = ctx.cause.clone();
                }
                cause.clone()
            }
            None => ctx.cause.clone(),
        }
    }

    /// Somebody answered with an error: that has to be tried again.
    pub(super) fn refused(&mut self, ctx: &Context<'_>) {
        self.0 = Some(self.answered(ctx));
    }

    /// Why whatever is done now is done: routine, where nothing is wrong.
    pub(super) fn cause(&self) -> Cause {
        self.0.clone().unwrap_or_default()
    }

    /// All is well again.
    pub(super) fn over(&mut self) {
        self.0 = None;
    }
}
