//! `update`: from a message to a changed model and to effects. It is pure: it reads no clock, awaits nothing, draws nothing.
//! Every way in, from keys to clicks to answers, is a [`Msg`].

use std::sync::Arc;

use crate::model::Model;
use crate::model::export::Export;
use crate::model::place::{Mode, Motion};
use crate::model::presenter::Pressed;
use crate::session::action::{Origin, Outcome};
use crate::session::snapshot::Snapshot;
use crate::view::Target;

use super::command::{Command, TABLE, by_name};
use super::editor;
use super::effect::{Effect, Purpose};
use super::file;
use super::keymap::{Code, Found, KeyPress, Keymap};

mod act;
mod answer;
mod both;
mod consumer_form;
mod form;
mod groups;
mod messages;
mod overlay;
mod seek;
mod setting;
mod topic_form;

/// The model with what keys need: their map, and keys that wait for more.
#[derive(Clone, Debug)]
pub struct State {
    /// What the explorer knows.
    pub model: Model,
    keymap: Keymap,
    pending: Vec<KeyPress>,
    /// The keys of the command that was given last; empty where it was given by other means.
    given: String,
}

impl State {
    /// A state with no key pressed yet.
    pub fn new(model: Model, keymap: Keymap) -> Self {
        Self { model, keymap, pending: Vec::new(), given: String::new() }
    }

    /// How the last command was given: the origin of what it asks for.
    pub fn origin(&self) -> Origin {
        if self.given.is_empty() { Origin::Explorer } else { Origin::Key(self.given.as_str().into()) }
    }
}

/// Something that happened.
#[derive(Clone, Debug)]
pub enum Msg {
    /// A key was pressed.
    Key(KeyPress),
    /// Text was pasted.
    Paste(String),
    /// A thing on the screen was clicked.
    Click(Target),
    /// A thing on the screen was clicked twice.
    DoubleClick(Target),
    /// The wheel turned: up or down.
    Wheel(Motion),
    /// The terminal has another size.
    Resize(u16, u16),
    /// The session has news.
    Snapshot(Arc<Snapshot>),
    /// The session answers.
    Answer(Purpose, Outcome),
    /// A file was written, or was not.
    Written(Export, Result<(), file::Unwritten>),
    /// Time has passed.
    Tick,
    /// The session is over; why, and where the log is.
    Ended(String),
}

/// Changes the model, and says what is to be done. `now_ms` is the explorer's own clock.
pub fn update(state: &mut State, now_ms: u64, msg: Msg) -> Vec<Effect> {
    state.model.now_ms = now_ms;
    let mut effects = handle(state, msg);
    effects.extend(messages::poll(&mut state.model));
    effects
}

fn handle(state: &mut State, msg: Msg) -> Vec<Effect> {
    match msg {
        Msg::Key(key) => key_pressed(state, key),
        Msg::Paste(text) => {
            if let Some((field, multiline)) = overlay::focused(&mut state.model) {
                editor::paste(field, &text, multiline);
                overlay::edited(&mut state.model);
            }
            Vec::new()
        }
        Msg::Click(target) => clicked(state, &target),
        Msg::DoubleClick(target) => {
            let mut effects = clicked(state, &target);
            effects.extend(act::perform(&mut state.model, Command::Open));
            effects
        }
        Msg::Wheel(motion) => act::perform(&mut state.model, Command::Move(motion)),
        Msg::Resize(columns, rows) => {
            state.model.size = (columns, rows);
            Vec::new()
        }
        Msg::Snapshot(snapshot) => {
            state.model.take(snapshot);
            Vec::new()
        }
        Msg::Answer(purpose, outcome) => answer::take(&mut state.model, &purpose, outcome),
        Msg::Written(export, result) => {
            form::written(&mut state.model, export, result);
            Vec::new()
        }
        Msg::Tick => {
            let model = &mut state.model;
            model.first_minute &= model.now_ms < Model::FIRST_MINUTE_MS;
            let now = model.now_ms;
            model.pressed.retain(|pressed| now.saturating_sub(pressed.at_ms) < Pressed::STAYS_MS);
            Vec::new()
        }
        Msg::Ended(why) => {
            state.model.ended = Some(why);
            Vec::new()
        }
    }
}

/// A key: read what was told, then a command, the wait for a second key, or text.
fn key_pressed(state: &mut State, key: KeyPress) -> Vec<Effect> {
    state.model.forget_what_was_read();
    if state.model.ended.is_some() {
        return vec![Effect::Quit];
    }
    state.pending.push(key);
    let mode = state.model.mode();
    let found = state.keymap.find(mode, &state.pending);
    let keys = state.pending.iter().map(ToString::to_string).collect::<Vec<_>>().join(" ");
    // Enter sends what was chosen or written before: the key says nothing of it.
    let opens = found == Found::Command(Command::Open);
    state.given = if matches!(found, Found::Command(_)) && !opens { keys.clone() } else { String::new() };
    if found == Found::Prefix {
        state.model.pending.clone_from(&keys);
    } else {
        state.pending.clear();
        state.model.pending.clear();
    }
    match found {
        Found::Command(command) => {
            show_key(&mut state.model, keys, command);
            command_given(&mut state.model, command)
        }
        Found::Prefix => Vec::new(),
        Found::Nothing => unbound(&mut state.model, mode, key),
    }
}

/// Shows the audience what was pressed, and what it means.
fn show_key(model: &mut Model, keys: String, command: Command) {
    let name = TABLE.iter().find(|spec| spec.command == command).map(|spec| spec.name);
    let (true, Some(command)) = (model.presenter, name) else { return };
    if model.pressed.len() >= Pressed::MOST {
        model.pressed.remove(0);
    }
    model.pressed.push(Pressed { keys, command, at_ms: model.now_ms });
}

/// A command by key, palette or click: the first one ends the block of the first minute, unless it only looks around.
fn command_given(model: &mut Model, command: Command) -> Vec<Effect> {
    if !matches!(command, Command::Help | Command::Copy | Command::Move(_) | Command::Repaint | Command::Suspend) {
        model.first_minute = false;
    }
    act::perform(model, command)
}

/// A key without a meaning of its own: text in a field, the answer to a question, or nothing.
fn unbound(model: &mut Model, mode: Mode, key: KeyPress) -> Vec<Effect> {
    match mode {
        Mode::Text => {
            if form::turned(model, key) {
                overlay::edited(model);
            } else if let Some((field, _)) = overlay::focused(model) {
                editor::press(field, key);
                overlay::edited(model);
            }
            Vec::new()
        }
        Mode::Confirm => overlay::answered(model, key == KeyPress::plain(Code::Char('y'))),
        _ => Vec::new(),
    }
}

fn clicked(state: &mut State, target: &Target) -> Vec<Effect> {
    state.given.clear();
    let model = &mut state.model;
    match target {
        Target::Select(selection) if model.overlays.is_empty() => {
            model.select(selection);
            Vec::new()
        }
        Target::Select(_) => Vec::new(),
        Target::Command(name) => by_name(name).map_or_else(Vec::new, |spec| command_given(model, spec.command)),
    }
}

#[cfg(test)]
mod tests;
