//! The README's picture: a real lab of a fixed seed, stepped through virtual time, with the explorer's own keys, views and
//! theme. The same code gives the same picture on any machine; `tests/picture.rs` holds the committed one against it.

use std::collections::BTreeMap;
use std::time::Duration;

use kscope::app::command;
use kscope::app::effect::Effect;
use kscope::app::keymap::Keymap;
use kscope::app::update::{Msg, State, update};
use kscope::model::Model;
use kscope::session::embedded::{LabOptions, Stepped};
use kscope::theme::{Terminal as Shows, Theme};
use kscope::{ui, view};
use ratatui::Terminal;
use ratatui::backend::TestBackend;

use crate::svg;

/// Columns and rows.
const SIZE: (u16, u16) = (160, 48);
/// The lab's date at its start: 2026-01-01, UTC.
const EPOCH_MS: i64 = 1_767_225_600_000;
/// How long the lab runs before the keys: the graph of the last ten seconds is full.
const BEFORE: Duration = Duration::from_secs(14);
/// How long after them.
const AFTER: Duration = Duration::from_secs(2);
/// What is pressed.
const KEYS: [&str; 1] = ["K"];

/// Draws it: an SVG document.
pub(crate) fn draw() -> String {
    let mut lab = Stepped::new(&LabOptions::new(false), EPOCH_MS);
    lab.pass(BEFORE);
    let keymap = Keymap::new(&BTreeMap::new()).expect("the table's own keys");
    let themes = Theme::names().map(str::to_owned).collect();
    let model = Model::new(lab.snapshot(), command::entries(&keymap), themes, "dark".to_owned());
    let mut state = State::new(model, keymap);
    update(&mut state, 0, Msg::Resize(SIZE.0, SIZE.1));
    for key in KEYS {
        let effects = update(&mut state, 0, Msg::Key(key.parse().expect("a key")));
        for effect in effects {
            if let Effect::Ask(action, _) = effect {
                lab.act(&action, state.origin());
            }
        }
    }
    lab.pass(AFTER);
    update(&mut state, 0, Msg::Snapshot(lab.snapshot()));
    let theme = Theme::built_in("dark", Shows::default()).expect("a built-in theme");
    let mut terminal = Terminal::new(TestBackend::new(SIZE.0, SIZE.1)).expect("a terminal in memory");
    terminal.draw(|frame| ui::draw(frame, &view::project(&state.model), &theme)).expect("drawn in memory");
    svg::document(terminal.backend().buffer(), theme.ground.unwrap_or((16, 20, 24)))
}
