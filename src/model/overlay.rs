//! What lies over a screen: help, palette, themes, explanation, forms, questions. Plain data.

use std::sync::Arc;

use crate::session::action::{Action, OffsetsReset};

use super::export::Export;
use super::field::TextField;
use super::place::{Mode, Selection};

/// Something over the screen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Overlay {
    /// All commands, scrolled down by some rows.
    Help {
        /// First row shown.
        scroll: u16,
    },
    /// Commands by a few letters of their name.
    Palette(Palette),
    /// The themes; moving tries one on, Esc goes back.
    Themes {
        /// The theme before the list was opened.
        before: String,
    },
    /// What the selected thing is, with its live values.
    Explain {
        /// What is explained.
        subject: Selection,
        /// First row shown.
        scroll: u16,
    },
    /// A form to fill in.
    Form(Form),
    /// A question that only `y` answers with yes.
    Confirm(Confirm),
}

impl Overlay {
    /// What keys mean while this is on top.
    pub fn mode(&self) -> Mode {
        match self {
            Self::Help { .. } => Mode::Reader,
            Self::Palette(_) | Self::Form(_) => Mode::Text,
            Self::Themes { .. } => Mode::Menu,
            Self::Explain { .. } => Mode::Explain,
            Self::Confirm(_) => Mode::Confirm,
        }
    }
}

/// The palette: what was typed, what matches, which of these is chosen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Palette {
    /// What keys meant where it was opened: only what works there is offered.
    pub mode: Mode,
    /// What was typed.
    pub field: TextField,
    /// Names of matching commands, best first.
    pub matches: Vec<&'static str>,
    /// The chosen command's name.
    pub chosen: Option<&'static str>,
}

/// Which form it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FormKind {
    /// Write a record.
    Produce,
    /// Create a topic.
    NewTopic,
    /// Change settings of a topic.
    AlterTopic,
    /// Start a consumer in a group.
    AddConsumer,
    /// Start a consumer in each of two groups that are compared.
    AddToBoth,
    /// How long a consumer works on a record.
    Work,
    /// Set where a group goes on.
    ResetOffsets,
    /// Write what is shown to a file.
    Export,
}

/// What came of sending a form.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum FormState {
    /// It is being filled in.
    #[default]
    Editing,
    /// It was sent; the answer is awaited.
    Waiting,
    /// It was done: a line for the user.
    Done(String),
    /// It was refused: by us or by a broker.
    Failed(String),
}

/// A form: named text fields, one of which has the focus.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Form {
    /// Which form.
    pub kind: FormKind,
    /// Its fields, from top to bottom.
    pub fields: Vec<FormField>,
    /// Which field has the focus.
    pub focus: usize,
    /// What it is about, where that cannot be changed in it: a topic, groups, the numbers of consumers.
    pub subject: Option<Arc<str>>,
    /// What came of it.
    pub state: FormState,
    /// For a record with a key: the partition that murmur2 gives it, and of how many.
    pub by_key: Option<(i32, i32)>,
    /// What was asked to be shown first: a yes carries out that, whatever the clock says by then.
    pub shown: Option<OffsetsReset>,
}

/// One field of a form.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FormField {
    /// Its label.
    pub label: Arc<str>,
    /// What belongs in it, shown while it has the focus.
    pub help: Arc<str>,
    /// Its text.
    pub field: TextField,
    /// What is wrong with it.
    pub error: Option<String>,
    /// Rows it takes on the screen; more than one takes several lines.
    pub rows: u16,
    /// Values to choose from with Left and Right instead of typing; empty for free text.
    pub choices: Vec<Arc<str>>,
    /// What holds while it is empty, and where that is from.
    pub inherited: Option<Arc<str>>,
}

/// A question before something is destroyed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Confirm {
    /// What is asked.
    pub question: String,
    /// What it will do, a line each.
    pub consequences: Vec<String>,
    /// What `y` does.
    pub then: Confirmed,
}

/// What a yes does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Confirmed {
    /// Ask the session for this.
    Ask(Action),
    /// Write a file over the one that is there.
    Write(Export),
    /// End the explorer.
    Quit,
}
