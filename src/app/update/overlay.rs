//! What lies over the screen: opening, closing, moving and typing in it.

use nucleo_matcher::pattern::{CaseMatching, Normalization, Pattern};
use nucleo_matcher::{Config, Matcher};

use crate::model::Model;
use crate::model::field::TextField;
use crate::model::overlay::{Confirm, Confirmed, Form, FormState, Overlay, Palette};
use crate::model::place::{Mode, Motion, Screen};
use crate::model::prompt::Prompt;
use crate::model::topics::Pane;

use crate::app::command::{Command, TABLE, by_name};
use crate::app::editor;
use crate::app::effect::{Effect, Purpose};

use crate::view;

use super::{act, form};

/// How old a lab in memory is when ending it starts to ask, in microseconds of lab time.
const WORTH_ASKING_US: u64 = 60_000_000;

/// Opens help, palette, themes or explanation; the same key closes help again.
pub(super) fn show(model: &mut Model, command: Command) {
    let overlay = match command {
        Command::Help if matches!(model.overlays.last(), Some(Overlay::Help { .. })) => {
            model.overlays.pop();
            return;
        }
        Command::Help => Overlay::Help { scroll: 0 },
        Command::Palette => {
            let mode = model.mode();
            let mut palette = Palette { mode, field: TextField::default(), matches: Vec::new(), chosen: None };
            search(&mut palette);
            Overlay::Palette(palette)
        }
        Command::Themes => Overlay::Themes { before: model.theme.clone() },
        _ => Overlay::Explain { subject: model.selection(), scroll: 0 },
    };
    model.overlays.push(overlay);
}

/// Closes what is on top, or an open text field of the screen; false where there is neither.
pub(super) fn close(model: &mut Model) -> bool {
    match model.overlays.pop() {
        Some(Overlay::Themes { before }) => {
            model.theme = before;
            true
        }
        Some(_) => true,
        None => match model.prompt.take() {
            Some(Prompt::Filter(_)) => {
                if let Some(filter) = model.filter_mut() {
                    filter.clear();
                }
                true
            }
            Some(Prompt::Seek(_)) => true,
            None => false,
        },
    }
}

/// Enter in an overlay: do what is chosen.
pub(super) fn open(model: &mut Model) -> Vec<Effect> {
    match model.overlays.last() {
        Some(Overlay::Palette(palette)) => {
            let chosen = palette.chosen.and_then(by_name);
            model.overlays.pop();
            chosen.map_or_else(Vec::new, |spec| act::perform(model, spec.command))
        }
        Some(Overlay::Themes { .. } | Overlay::Help { .. }) => {
            model.overlays.pop();
            Vec::new()
        }
        Some(Overlay::Form(_)) => form::send(model),
        Some(Overlay::Explain { subject, .. }) => {
            if let Some(event) = model.newest_event_about(subject) {
                model.overlays.clear();
                model.show_causes(event);
            }
            Vec::new()
        }
        _ => Vec::new(),
    }
}

/// Moves in the overlay on top; false where there is none.
pub(super) fn go(model: &mut Model, motion: Motion) -> bool {
    let page = usize::from(model.size.1.saturating_sub(8)).max(1);
    let most = match model.overlays.last() {
        Some(Overlay::Help { .. }) => view::overlay::help_scroll_max(model),
        Some(Overlay::Explain { subject, .. }) => view::explain::scroll_max(model, subject),
        _ => 0,
    };
    let Some(overlay) = model.overlays.last_mut() else { return false };
    match overlay {
        Overlay::Help { scroll } | Overlay::Explain { scroll, .. } => {
            let to = motion.along(Some(usize::from(*scroll)), usize::from(most) + 1, page).unwrap_or(0);
            *scroll = u16::try_from(to).unwrap_or(u16::MAX);
        }
        Overlay::Palette(palette) => {
            let at = palette.matches.iter().position(|name| Some(*name) == palette.chosen);
            palette.chosen =
                motion.along(at, palette.matches.len(), page).and_then(|to| palette.matches.get(to).copied());
        }
        Overlay::Themes { .. } => {
            let at = model.themes.iter().position(|name| *name == model.theme);
            if let Some(name) = motion.along(at, model.themes.len(), page).and_then(|to| model.themes.get(to)) {
                model.theme.clone_from(name);
            }
        }
        Overlay::Form(_) => focus(model, !matches!(motion, Motion::Up)),
        Overlay::Confirm(_) => {}
    }
    true
}

/// Moves the focus of a form to the next field or to the one before, around.
pub(super) fn focus(model: &mut Model, forward: bool) {
    if let Some(Overlay::Form(Form { fields, focus, .. })) = model.overlays.last_mut() {
        let count = fields.len().max(1);
        *focus = (*focus + if forward { 1 } else { count - 1 }) % count;
    }
}

/// The text field that has the focus, and whether it takes several lines.
pub(super) fn focused(model: &mut Model) -> Option<(&mut TextField, bool)> {
    match model.overlays.last_mut() {
        Some(Overlay::Palette(palette)) => Some((&mut palette.field, false)),
        Some(Overlay::Form(form)) => form.fields.get_mut(form.focus).map(|field| (&mut field.field, field.rows > 1)),
        Some(_) => None,
        None => match model.prompt.as_mut()? {
            Prompt::Filter(field) | Prompt::Seek(field) => Some((field, false)),
        },
    }
}

/// Begins a new line in the text field that has the focus; one that takes a single line stays as it is.
pub(super) fn new_line(model: &mut Model) {
    if let Some((field, true)) = focused(model) {
        editor::new_line(field);
        edited(model);
    }
}

/// A text field has changed: what depends on it follows.
pub(super) fn edited(model: &mut Model) {
    match model.overlays.last_mut() {
        Some(Overlay::Palette(palette)) => search(palette),
        Some(Overlay::Form(form)) => form::edited(form, &model.snapshot),
        Some(_) => {}
        None => {
            let typed = if let Some(Prompt::Filter(field)) = &model.prompt { Some(field.text()) } else { None };
            if let Some((filter, typed)) = model.filter_mut().zip(typed) {
                *filter = typed;
            }
        }
    }
}

/// Opens the field for the filter of the list in view, with the one in force.
pub(super) fn ask_filter(model: &mut Model) {
    if model.screen == Screen::Topics {
        model.topics.pane = Pane::Messages;
    }
    model.events.causes = false;
    let filter = model.filter_mut().map(|filter| TextField::with(filter));
    model.prompt = filter.map(Prompt::Filter);
}

/// Finds the commands for what was typed: by their names and their words.
fn search(palette: &mut Palette) {
    let typed = palette.field.text();
    let mut matcher = Matcher::new(Config::DEFAULT);
    let pattern = Pattern::parse(&typed, CaseMatching::Ignore, Normalization::Smart);
    let mut buffer = Vec::new();
    let mut scored: Vec<(u32, &'static str)> = Vec::new();
    let works = |modes: &[Mode]| {
        modes.contains(&palette.mode) || (palette.mode.falls_back() && modes.contains(&Mode::Everywhere))
    };
    for spec in TABLE.iter().filter(|spec| works(spec.modes)) {
        // The name counts first: `top` is for topics, though other commands speak of stopping.
        let mut score = |text: &str, weight: u32| {
            pattern.score(nucleo_matcher::Utf32Str::new(text, &mut buffer), &mut matcher).map(|score| score + weight)
        };
        if let Some(score) = score(spec.name, 1_000).or_else(|| score(spec.doc, 0)) {
            scored.push((score, spec.name));
        }
    }
    if !typed.is_empty() {
        scored.sort_by_key(|(score, _)| std::cmp::Reverse(*score));
    }
    palette.matches = scored.into_iter().map(|(_, name)| name).collect();
    palette.chosen = palette.matches.first().copied();
}

/// Ends the explorer, asking first where something would be lost.
pub(super) fn ask_to_quit(model: &mut Model) -> Vec<Effect> {
    let snapshot = &model.snapshot;
    let old = snapshot.clock.lab_us >= WORTH_ASKING_US;
    let clients = snapshot.outside_clients;
    if !snapshot.capabilities.lab || (clients == 0 && !old) {
        return vec![Effect::Quit];
    }
    let mut consequences = vec!["The lab lives in memory: its topics and records go with it.".to_owned()];
    if clients > 0 {
        consequences.push(format!("{clients} of your own clients would lose their connection."));
    }
    let question = "End the lab?".to_owned();
    model.overlays.push(Overlay::Confirm(Confirm { question, consequences, then: Confirmed::Quit }));
    Vec::new()
}

/// The answer to a question: only a yes does anything, everything else leaves.
pub(super) fn answered(model: &mut Model, yes: bool) -> Vec<Effect> {
    let Some(Overlay::Confirm(confirm)) = model.overlays.pop_if(|overlay| matches!(overlay, Overlay::Confirm(_)))
    else {
        return Vec::new();
    };
    if !yes {
        // A form that led to the question is there again, as it was.
        if let Some(Overlay::Form(form)) = model.overlays.last_mut() {
            form.state = FormState::Editing;
        }
        return Vec::new();
    }
    match confirm.then {
        Confirmed::Write(export) => vec![Effect::Write(export)],
        Confirmed::Quit => vec![Effect::Quit],
        Confirmed::Ask(action) => {
            // A form that led to the question is told what came of it.
            let purpose = match model.overlays.last() {
                Some(Overlay::Form(form)) => Purpose::Form(form.kind),
                _ => Purpose::Tell(confirm.question.into()),
            };
            vec![Effect::Ask(action, purpose)]
        }
    }
}
