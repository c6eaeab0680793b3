//! The one table of commands: every intent a user can have, with its name, its words, its default keys and what it needs.
//! The hint bar, the `?` help, the `:` palette and the documentation are made from it; nothing else knows a key.

use std::sync::Arc;

use crate::model::commands::{Category, CommandEntry, Need};
use crate::model::place::{Mode, Motion, Screen};

use super::keymap::Keymap;

/// Something that a user can want.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Command {
    /// Go to a screen.
    Show(Screen),
    /// Move the selection.
    Move(Motion),
    /// Open what is selected; send a form.
    Open,
    /// Leave a detail, an overlay, a filter.
    Back,
    /// Go to the pane or field before.
    PreviousPane,
    /// Begin a new line in the text field, where it takes several.
    NewLine,
    /// kill -9 of the selected broker.
    KillBroker,
    /// Power loss of the selected broker.
    PowerLoss,
    /// Start the selected broker.
    StartBroker,
    /// Controlled shutdown of the selected broker.
    ShutdownBroker,
    /// Elect preferred leaders.
    ElectPreferred,
    /// Stop time, or let it go on.
    Pause,
    /// Halve the speed.
    Slower,
    /// Double the speed.
    Faster,
    /// Back to real time.
    RealTime,
    /// Deliver one message.
    Step,
    /// Write a record.
    Produce,
    /// Create a topic.
    NewTopic,
    /// Change settings of the selected topic.
    AlterTopic,
    /// Delete the selected topic.
    DeleteTopic,
    /// Start a consumer in a group.
    AddConsumer,
    /// Have the selected member leave its group and end.
    RemoveConsumer,
    /// kill -9 of the selected member.
    CrashConsumer,
    /// Stop the selected member, or let it go on.
    PauseConsumer,
    /// Have the selected member work longer, or shorter, on a record.
    SlowConsumer,
    /// Set where the selected group goes on.
    ResetOffsets,
    /// Put another group beside the selected one.
    CompareGroups,
    /// Filter the list.
    Filter,
    /// Go to an offset or a time.
    Seek,
    /// Follow the newest records.
    Follow,
    /// Show values in the next format.
    ViewAs,
    /// Give the selected record the whole screen.
    Zoom,
    /// Sort the table in view by its next column.
    Sort,
    /// Turn the order of the table in view around.
    Reverse,
    /// Write what is shown to a file.
    Export,
    /// Explain what is selected.
    Explain,
    /// Copy what is selected.
    Copy,
    /// Show all commands.
    Help,
    /// Find a command by a few letters.
    Palette,
    /// Choose a theme.
    Themes,
    /// Go into presenter mode, or leave it.
    Presenter,
    /// Paint the screen anew.
    Repaint,
    /// Stop to the shell.
    Suspend,
    /// End, asking where something would be lost.
    Quit,
    /// End at once.
    QuitNow,
}

/// One row of the table.
#[derive(Clone, Copy, Debug)]
pub struct Spec {
    /// What it is.
    pub command: Command,
    /// Its name in the palette and in the key file.
    pub name: &'static str,
    /// One line for people.
    pub doc: &'static str,
    /// Its word in the hint bar, if it stands there.
    pub hint: Option<&'static str>,
    /// Its heading in the help.
    pub category: Category,
    /// Its keys, unless the user has others.
    pub keys: &'static [&'static str],
    /// Where it works.
    pub modes: &'static [Mode],
    /// What it needs from the session.
    pub need: Option<Need>,
    /// Whether it destroys data, and so asks first.
    pub destructive: bool,
}

impl Spec {
    const fn new(command: Command, name: &'static str, keys: &'static [&'static str], doc: &'static str) -> Self {
        Self {
            command,
            name,
            doc,
            hint: None,
            category: Category::Explorer,
            keys,
            modes: &[Mode::Everywhere],
            need: None,
            destructive: false,
        }
    }

    const fn hint(mut self, word: &'static str) -> Self {
        self.hint = Some(word);
        self
    }

    const fn under(mut self, category: Category) -> Self {
        self.category = category;
        self
    }

    const fn within(mut self, modes: &'static [Mode]) -> Self {
        self.modes = modes;
        self
    }

    const fn needs(mut self, need: Need) -> Self {
        self.need = Some(need);
        self
    }

    const fn destroys(mut self) -> Self {
        self.destructive = true;
        self
    }
}

const LISTS: &[Mode] = &[Mode::Everywhere, Mode::Reader, Mode::Menu, Mode::Text];
const ALL_BUT_TEXT: &[Mode] = &[Mode::Everywhere, Mode::Reader, Mode::Menu];
const ALL: &[Mode] = &[Mode::Everywhere, Mode::Reader, Mode::Menu, Mode::Text, Mode::Confirm];
const MESSAGES: &[Mode] = &[Mode::Messages];
const GROUPS: &[Mode] = &[Mode::Groups, Mode::Group];
const ONE_GROUP: &[Mode] = &[Mode::Group, Mode::Explain];
const TABLES: &[Mode] = &[Mode::Topics, Mode::Messages, Mode::Brokers, Mode::Groups];

/// Every command. The order is that of the hint bar (what belongs to a screen comes first there) and of the help.
pub const TABLE: &[Spec] = &[
    Spec::new(Command::KillBroker, "kill-broker", &["K"], "kill -9 the selected broker: what it wrote stays")
        .hint("kill")
        .under(Category::Break)
        .needs(Need::BreakThings),
    Spec::new(
        Command::PowerLoss,
        "power-loss",
        &["L"],
        "the selected broker loses power: what it had not flushed is gone",
    )
    .under(Category::Break)
    .needs(Need::BreakThings),
    Spec::new(Command::StartBroker, "start-broker", &["S"], "start the selected broker again")
        .hint("start")
        .under(Category::Break)
        .needs(Need::BreakThings),
    Spec::new(
        Command::ShutdownBroker,
        "shut-down-broker",
        &["D"],
        "shut the selected broker down: its leaders move first",
    )
    .under(Category::Break)
    .needs(Need::BreakThings),
    Spec::new(Command::ElectPreferred, "elect-preferred", &["B"], "balance: let preferred replicas lead again")
        .under(Category::Break)
        .needs(Need::Write),
    Spec::new(
        Command::AddConsumer,
        "add-consumer",
        &["c"],
        "start a consumer in a group: how it shares, commits, works",
    )
    .hint("add consumer")
    .under(Category::Data)
    .needs(Need::BreakThings),
    Spec::new(Command::RemoveConsumer, "remove-consumer", &["x"], "the selected member leaves its group, and ends")
        .hint("remove")
        .under(Category::Break)
        .within(ONE_GROUP)
        .needs(Need::BreakThings),
    Spec::new(
        Command::CrashConsumer,
        "crash-consumer",
        &["X"],
        "kill -9 the selected member: its group has to find out",
    )
    .hint("crash")
    .under(Category::Break)
    .within(ONE_GROUP)
    .needs(Need::BreakThings),
    Spec::new(
        Command::PauseConsumer,
        "pause-consumer",
        &["F"],
        "the selected member reads no more, or goes on; its heartbeats go on",
    )
    .hint("stop")
    .under(Category::Break)
    .within(ONE_GROUP)
    .needs(Need::BreakThings),
    Spec::new(Command::SlowConsumer, "slow-consumer", &["W"], "how long the selected member works on a record")
        .hint("slow")
        .under(Category::Break)
        .within(ONE_GROUP)
        .needs(Need::BreakThings),
    Spec::new(
        Command::ResetOffsets,
        "reset-offsets",
        &["o"],
        "set where a group without members goes on, with a preview",
    )
    .hint("reset offsets")
    .under(Category::Data)
    .within(GROUPS)
    .needs(Need::Write),
    Spec::new(Command::CompareGroups, "compare-groups", &["V"], "put the next group beside this one")
        .hint("compare")
        .under(Category::Data)
        .within(GROUPS),
    Spec::new(Command::Filter, "filter", &["/"], "filter the list; Esc clears the filter")
        .hint("filter")
        .under(Category::Data)
        .within(&[Mode::Topics, Mode::Messages, Mode::Groups, Mode::Events]),
    Spec::new(Command::Seek, "go-to", &["O"], "go to an offset or a time: 1200, start, end, -50, -5m, 14:03, a date")
        .hint("go to")
        .under(Category::Data)
        .within(MESSAGES),
    Spec::new(Command::Follow, "follow", &["f"], "follow the newest records, or stop following")
        .hint("follow")
        .under(Category::Data)
        .within(MESSAGES),
    Spec::new(Command::ViewAs, "view-as", &["v"], "show values as JSON, as text, as bytes")
        .hint("view as")
        .under(Category::Data)
        .within(MESSAGES),
    Spec::new(Command::Zoom, "zoom", &["z"], "give the selected record the whole screen, or take it back")
        .under(Category::Data)
        .within(MESSAGES),
    Spec::new(Command::Sort, "sort", &["s"], "sort the table by its next column").under(Category::Data).within(TABLES),
    Spec::new(Command::Reverse, "reverse", &["r"], "turn the order of the table around")
        .under(Category::Data)
        .within(TABLES),
    Spec::new(Command::Pause, "pause", &["Space"], "stop time, or let it go on")
        .hint("pause")
        .under(Category::Time)
        .needs(Need::ControlTime),
    Spec::new(Command::Slower, "slower", &["["], "half the speed")
        .hint("speed")
        .under(Category::Time)
        .needs(Need::ControlTime),
    Spec::new(Command::Faster, "faster", &["]"], "twice the speed").under(Category::Time).needs(Need::ControlTime),
    Spec::new(Command::RealTime, "real-time", &["="], "the speed of real time")
        .under(Category::Time)
        .needs(Need::ControlTime),
    Spec::new(Command::Step, "step", &["."], "stop time and deliver one message")
        .hint("step")
        .under(Category::Time)
        .needs(Need::ControlTime),
    Spec::new(Command::Produce, "produce", &["p"], "write a record")
        .hint("produce")
        .under(Category::Data)
        .needs(Need::Write),
    Spec::new(Command::NewTopic, "create-topic", &["t"], "create a topic")
        .hint("new topic")
        .under(Category::Data)
        .needs(Need::Write),
    Spec::new(Command::AlterTopic, "change-topic", &["e"], "change settings of the selected topic")
        .under(Category::Data)
        .within(&[Mode::Topics, Mode::Messages])
        .needs(Need::Write),
    Spec::new(Command::DeleteTopic, "delete-topic", &["Ctrl-D"], "delete the selected topic with all its records")
        .under(Category::Data)
        .within(&[Mode::Topics, Mode::Messages])
        .needs(Need::Write)
        .destroys(),
    Spec::new(Command::Copy, "copy", &["y"], "copy what is selected; on the Cluster screen the line to join with")
        .under(Category::Data),
    Spec::new(Command::Export, "export", &["w"], "write what is shown to a file: JSON lines or CSV")
        .under(Category::Data),
    Spec::new(Command::Explain, "explain", &["i"], "explain what is selected, with its values now").hint("explain"),
    Spec::new(Command::Show(Screen::Cluster), "cluster", &["1"], "who leads what, and how the cluster is")
        .under(Category::Screens),
    Spec::new(Command::Show(Screen::Topics), "topics", &["2"], "topics, their partitions, their messages")
        .under(Category::Screens),
    Spec::new(Command::Show(Screen::Brokers), "brokers", &["3"], "brokers: what each leads, serves and is set to")
        .under(Category::Screens),
    Spec::new(Command::Show(Screen::Groups), "groups", &["4"], "consumer groups: members, rebalances, lag")
        .under(Category::Screens),
    Spec::new(Command::Show(Screen::Events), "events", &["7"], "what happened, and the chain of causes of each event")
        .under(Category::Screens),
    Spec::new(Command::Move(Motion::Down), "down", &["j", "Down"], "one down").under(Category::Move).within(LISTS),
    Spec::new(Command::Move(Motion::Up), "up", &["k", "Up"], "one up").under(Category::Move).within(LISTS),
    Spec::new(Command::Move(Motion::Left), "left", &["h", "Left"], "one to the left").under(Category::Move),
    Spec::new(Command::Move(Motion::Right), "right", &["l", "Right"], "one to the right").under(Category::Move),
    Spec::new(Command::Move(Motion::First), "first", &["g g", "Home"], "to the first")
        .under(Category::Move)
        .within(ALL_BUT_TEXT),
    Spec::new(Command::Move(Motion::Last), "last", &["G", "End"], "to the last")
        .under(Category::Move)
        .within(ALL_BUT_TEXT),
    Spec::new(Command::Move(Motion::PageUp), "page-up", &["PgUp", "Ctrl-B"], "a page up")
        .under(Category::Move)
        .within(ALL_BUT_TEXT),
    Spec::new(Command::Move(Motion::PageDown), "page-down", &["PgDn", "Ctrl-F"], "a page down")
        .under(Category::Move)
        .within(ALL_BUT_TEXT),
    Spec::new(Command::Open, "open", &["Enter"], "open what is selected; send a form")
        .hint("open")
        .under(Category::Move)
        .within(LISTS),
    Spec::new(Command::Back, "back", &["Esc"], "back; close what lies on top; clear the filter")
        .under(Category::Move)
        .within(ALL),
    Spec::new(Command::Move(Motion::NextPane), "next-pane", &["Tab"], "the next pane or field")
        .under(Category::Move)
        .within(&[Mode::Everywhere, Mode::Text]),
    Spec::new(Command::PreviousPane, "previous-pane", &["BackTab"], "the pane or field before")
        .under(Category::Move)
        .within(&[Mode::Everywhere, Mode::Text]),
    Spec::new(
        Command::NewLine,
        "new-line",
        &["Alt-Enter", "Ctrl-J"],
        "a new line, in a field of a form that takes several",
    )
    .under(Category::Move)
    .within(&[Mode::Text]),
    Spec::new(Command::Palette, "palette", &[":"], "find a command by a few letters").hint("command"),
    Spec::new(Command::Themes, "theme", &["T"], "choose a theme"),
    Spec::new(Command::Presenter, "presenter", &["F5"], "for a hall: large type, no addresses, slower, keys shown")
        .within(ALL),
    Spec::new(Command::Help, "help", &["?"], "every key, the way to join, where the log is").within(ALL_BUT_TEXT),
    Spec::new(Command::Repaint, "repaint", &["Ctrl-L"], "paint the screen anew").within(ALL),
    Spec::new(Command::Suspend, "suspend", &["Ctrl-Z"], "stop to the shell, the brokers too; fg goes on").within(ALL),
    Spec::new(Command::Quit, "quit", &["q"], "end; asks where something would be lost"),
    Spec::new(Command::QuitNow, "quit-now", &["Ctrl-C"], "end at once").within(ALL),
];

/// The row of the command with this name.
pub fn by_name(name: &str) -> Option<&'static Spec> {
    TABLE.iter().find(|spec| spec.name == name)
}

/// The table as the views see it, with the keys that are bound now.
pub fn entries(keymap: &Keymap) -> Arc<[CommandEntry]> {
    let entry = |spec: &Spec| CommandEntry {
        name: spec.name,
        doc: spec.doc,
        category: spec.category,
        hint: spec.hint,
        keys: keymap.keys_of(spec.name),
        modes: spec.modes,
        need: spec.need,
        destructive: spec.destructive,
    };
    TABLE.iter().map(entry).collect()
}

#[cfg(test)]
mod tests;
