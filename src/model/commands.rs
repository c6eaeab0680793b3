//! What the views need to know about a command: its name, its words and its keys. `app::command` owns the table that this
//! is made from.

use super::place::Mode;

/// What a command needs from the session; where it is absent, the command is too.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Need {
    /// Brokers can be killed and started.
    BreakThings,
    /// Time can be stopped and scaled.
    ControlTime,
    /// Topics and records can be written.
    Write,
}

/// Under which heading the help lists a command.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Category {
    /// Going from screen to screen.
    Screens,
    /// Moving on a screen.
    Move,
    /// Breaking things.
    Break,
    /// Time.
    Time,
    /// Topics and records.
    Data,
    /// The explorer itself.
    Explorer,
}

impl Category {
    /// All, in the order of the help.
    pub const ALL: [Self; 6] = [Self::Break, Self::Time, Self::Data, Self::Screens, Self::Move, Self::Explorer];

    /// The heading.
    pub fn title(self) -> &'static str {
        match self {
            Self::Screens => "Screens",
            Self::Move => "Move",
            Self::Break => "Break and heal",
            Self::Time => "Time",
            Self::Data => "Topics and records",
            Self::Explorer => "kscope",
        }
    }
}

/// One command as the hint bar, the help and the palette show it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CommandEntry {
    /// Its name, as the palette and the key file use it: `kill-broker`.
    pub name: &'static str,
    /// One line for people.
    pub doc: &'static str,
    /// Its heading.
    pub category: Category,
    /// The word in the hint bar; `None` keeps it out of there.
    pub hint: Option<&'static str>,
    /// Its keys as they are bound now, written as people write them: `Ctrl-D`.
    pub keys: Vec<String>,
    /// Where it works.
    pub modes: &'static [Mode],
    /// What it needs.
    pub need: Option<Need>,
    /// Whether it destroys data and so asks first.
    pub destructive: bool,
}

impl CommandEntry {
    /// Whether it has a meaning while `mode` rules the keys.
    pub fn works_in(&self, mode: Mode) -> bool {
        self.modes.contains(&mode) || (mode.falls_back() && self.modes.contains(&Mode::Everywhere))
    }
}
