//! What [`update`](super::update::update) wants done: data, carried out by the loop in `app.rs`.

use std::sync::Arc;

use crate::model::export::Export;
use crate::model::overlay::FormKind;
use crate::session::action::Action;
use crate::session::snapshot::TopicPartition;

/// Why something was asked, and so what to do with the answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// A key was pressed: say what came of it. What was asked, in words.
    Tell(Arc<str>),
    /// A key was pressed whose effect is seen anyway: only a failure is said.
    Quiet,
    /// A step was asked for: say which message it delivered, instead of the one before.
    Step,
    /// Once this is done, ask for that: time has to stand before it can be stepped.
    Then(Action),
    /// A form was sent.
    Form(FormKind),
    /// The messages of this partition are being read: the newest, or from somewhere on.
    Tail(TopicPartition),
    /// Records before those that are shown are being read.
    Older(TopicPartition),
    /// The messages of this partition are being read from somewhere else: what was shown goes.
    Jump(TopicPartition),
}

impl Purpose {
    /// Why an action is asked for that a key stands for.
    pub fn of(action: &Action) -> Self {
        if matches!(action, Action::Step { .. }) { Self::Step } else { Self::Quiet }
    }
}

/// Something to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Effect {
    /// Ask the session; its answer comes back with the purpose.
    Ask(Action, Purpose),
    /// Put text into the clipboard (OSC 52).
    Copy(String),
    /// Write a file; what became of it comes back as a message.
    Write(Export),
    /// Paint everything anew.
    Repaint,
    /// Stop to the shell.
    Suspend,
    /// End the explorer.
    Quit,
}
