//! What becomes of the session's answers.

use crate::model::Model;
use crate::session::action::{Failure, Outcome};

use crate::app::effect::{Effect, Purpose};

use super::{form, messages};

/// Takes an answer for the purpose that it was asked for.
pub(super) fn take(model: &mut Model, purpose: &Purpose, outcome: Outcome) -> Vec<Effect> {
    match (purpose, outcome) {
        (Purpose::Form(kind), outcome) => form::answered(model, *kind, &outcome),
        (Purpose::Tail(_) | Purpose::Older(_) | Purpose::Jump(_), outcome) => {
            return messages::answered(model, purpose, outcome);
        }
        (_, Outcome::Failed(failure)) => model.tell(words(&failure), true),
        (Purpose::Then(action), _) => return vec![Effect::Ask(action.clone(), Purpose::of(action))],
        (Purpose::Step, Outcome::Done(done)) => model.tell_instead("delivered", &done),
        (Purpose::Tell(what), Outcome::Done(done)) => model.tell(format!("{what}: {done}"), false),
        _ => {}
    }
    Vec::new()
}

/// A failure in one line: Kafka's name and code for it, then what to do.
pub(super) fn words(failure: &Failure) -> String {
    match (&failure.error, failure.code) {
        (Some(error), Some(code)) => format!("{error} ({code}): {}", failure.message),
        (Some(error), None) => format!("{error}: {}", failure.message),
        _ => failure.message.to_string(),
    }
}
