//! Views: what each screen shows, as plain data, one projection per screen. Every decision about a screen is made here, from
//! a snapshot and from where the user stands; nothing here knows a terminal, a colour or a clock of its own.

pub mod brokers;
pub mod chrome;
pub mod cluster;
pub mod events;
pub mod explain;
pub mod export;
mod filter;
pub mod form;
pub mod format;
pub mod groups;
pub mod large;
pub mod line;
pub mod overlay;
pub mod role;
pub mod sentence;
pub mod sheet;
pub mod text;
pub mod topics;

use crate::model::Model;
use crate::model::overlay::Overlay;
use crate::model::place::{Screen, Selection};

/// The smallest terminal that a screen is drawn on; below, a line says so.
pub const SMALLEST: (u16, u16) = (60, 15);

/// A rectangle of cells of the terminal.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Area {
    /// Its first column.
    pub x: u16,
    /// Its first row.
    pub y: u16,
    /// Its columns.
    pub width: u16,
    /// Its rows.
    pub height: u16,
}

impl Area {
    /// Whether a cell lies in it.
    pub fn contains(self, column: u16, row: u16) -> bool {
        (self.x..self.x.saturating_add(self.width)).contains(&column)
            && (self.y..self.y.saturating_add(self.height)).contains(&row)
    }

    /// Row `row` of it, one cell high; empty where it has no such row.
    #[must_use]
    pub fn row(self, row: u16) -> Self {
        let height = u16::from(row < self.height);
        Self { y: self.y.saturating_add(row), height, ..self }
    }

    /// It without its first `rows` rows.
    #[must_use]
    pub fn below(self, rows: u16) -> Self {
        let rows = rows.min(self.height);
        Self { y: self.y.saturating_add(rows), height: self.height - rows, ..self }
    }

    /// The `rows` rows above it.
    #[must_use]
    pub fn above(self, rows: u16) -> Self {
        let rows = rows.min(self.y);
        Self { y: self.y - rows, height: rows, ..self }
    }

    /// Its first `rows` rows.
    #[must_use]
    pub fn top(self, rows: u16) -> Self {
        Self { height: rows.min(self.height), ..self }
    }
}

/// What a click does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Target {
    /// Selects a thing.
    Select(Selection),
    /// Gives a command, by its name.
    Command(&'static str),
}

/// A part of the screen that can be clicked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hit {
    /// Where.
    pub area: Area,
    /// What a click there does.
    pub target: Target,
}

/// The middle of the screen.
#[derive(Clone, Debug, PartialEq)]
pub enum Body {
    /// The Cluster screen.
    Cluster(cluster::ClusterView),
    /// The Topics screens.
    Topics(topics::TopicsView),
    /// The Brokers screen.
    Brokers(brokers::BrokersView),
    /// The Groups screens.
    Groups(groups::GroupsView),
    /// The Events screen.
    Events(events::EventsView),
}

/// Everything on the terminal.
#[derive(Clone, Debug, PartialEq)]
pub enum View {
    /// The terminal is too small: what it needs.
    TooSmall(String),
    /// A screen.
    Full(Box<Full>),
}

/// A screen with its frame.
#[derive(Clone, Debug, PartialEq)]
pub struct Full {
    /// The rows at the top and the bottom.
    pub chrome: chrome::ChromeView,
    /// Where the body lies.
    pub area: Area,
    /// What is between them.
    pub body: Body,
    /// What lies over it.
    pub overlay: Option<overlay::OverlayView>,
}

impl View {
    /// What a click on a cell means: the overlay hides what lies below it.
    pub fn hit(&self, column: u16, row: u16) -> Option<&Target> {
        let Self::Full(full) = self else { return None };
        let body = match &full.body {
            Body::Cluster(view) => view.hits.as_slice(),
            Body::Topics(view) => view.hits(),
            Body::Brokers(view) => &view.hits,
            Body::Groups(view) => view.hits(),
            Body::Events(view) => &view.hits,
        };
        let all = full.chrome.hits.iter().chain(body.iter().filter(|_| full.overlay.is_none()));
        all.rev().find(|hit| hit.area.contains(column, row)).map(|hit| &hit.target)
    }
}

/// The name of the command that shows a screen.
fn command_of(screen: Screen) -> &'static str {
    match screen {
        Screen::Cluster => "cluster",
        Screen::Topics => "topics",
        Screen::Brokers => "brokers",
        Screen::Groups => "groups",
        Screen::Events => "events",
    }
}

/// Where a screen's own part lies: between the sentence and the rows at the bottom.
fn body_area(model: &Model) -> Area {
    let (width, height) = model.size;
    let (top, bottom) = (1 + chrome::sentence_rows(model), 1 + u16::from(chrome::keeps_news(model.screen)));
    Area { x: 0, y: top, width, height: height.saturating_sub(top + bottom) }
}

/// The whole screen for a model.
pub fn project(model: &Model) -> View {
    let (width, height) = model.size;
    if width < SMALLEST.0 || height < SMALLEST.1 {
        return View::TooSmall(format!("needs {}x{}, is {width}x{height}", SMALLEST.0, SMALLEST.1));
    }
    let chrome = chrome::project(model);
    let area = body_area(model);
    let body = match model.screen {
        Screen::Cluster => Body::Cluster(cluster::project(model, area)),
        Screen::Topics => Body::Topics(topics::project(model, area)),
        Screen::Brokers => Body::Brokers(brokers::project(model, area)),
        Screen::Groups => Body::Groups(groups::project(model, area)),
        Screen::Events => Body::Events(events::project(model, area)),
    };
    let overlay = model.overlays.last().map(|overlay: &Overlay| overlay::project(model, overlay));
    View::Full(Box::new(Full { chrome, area, body, overlay }))
}
