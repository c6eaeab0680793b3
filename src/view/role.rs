//! Roles: what a piece of the screen means, as the views say it. A theme turns a role into a style (`crate::theme`); a view
//! never names a colour, and no role says how it looks.

use serde::{Deserialize, Serialize};

/// Declares the roles once: the enum, the list of all, and nothing else to keep in step.
macro_rules! roles {
    ($($(#[doc = $doc:literal])+ $name:ident,)+) => {
        /// What a piece of the screen means.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(rename_all = "snake_case")]
        pub enum Role { $($(#[doc = $doc])+ $name,)+ }

        impl Role {
            /// Every role, in the order of the theme files.
            pub const ALL: &'static [Role] = &[$(Role::$name,)+];

            /// The documentation of the role, as theme authors and `docs/` read it.
            pub fn doc(self) -> &'static str {
                match self { $(Role::$name => concat!($($doc, " ",)+).trim(),)+ }
            }
        }
    };
}

roles! {
    /// The whole screen before anything is drawn; a dark theme leaves the terminal's own.
    Ground,
    /// Ordinary text.
    Text,
    /// What a line is about: names, the first sentence.
    Strong,
    /// Explanations and units.
    Dim,
    /// What one need not read: times, labels of columns.
    Faint,
    /// Thin lines and dots; they carry no meaning.
    Rule,
    /// A title of a section.
    Title,
    /// What is selected or followed, in text.
    Accent,
    /// A key that can be pressed, in hints.
    Key,
    /// A cell of the partition's leader; the only strong fill while all is well.
    Leader,
    /// The small print in a leader's cell (its log end).
    LeaderNote,
    /// A leader's cell with some traffic, where brightness tells traffic.
    LeaderMid,
    /// A leader's cell with little traffic, where brightness tells traffic.
    LeaderLow,
    /// A cell of a follower in sync.
    Follower,
    /// The small print in a follower's cell.
    FollowerNote,
    /// What changed within the last second: a new leader.
    Changed,
    /// A cell of a follower out of sync: the part still to copy.
    Behind,
    /// A cell of a follower out of sync: the part already copied.
    BehindDone,
    /// A cell of a candidate in a column without a leader.
    NoLeader,
    /// Text about what is dead: its name, its cells.
    Dead,
    /// The hatch over a dead broker's cells, a cut line.
    Hatch,
    /// The tag with a dead broker's counter.
    DeadTag,
    /// A warning's sign and words.
    Warn,
    /// Bad news' sign and words.
    Bad,
    /// Good news' sign and words.
    Good,
    /// A producer's message, and the path that it takes.
    Write,
    /// Bars of what producers write, arrows of writes.
    WriteBar,
    /// A message between replicas.
    Copy,
    /// A consumer's message.
    Read,
    /// Arrows of reads, bars of lag.
    ReadBar,
    /// The band of a consumer over the partitions that it reads.
    ReadBand,
    /// The controller's crown, ZooKeeper, sessions, pings.
    Control,
    /// Records waiting: a pile in the warning colour.
    WaitBar,
    /// A broker's sparkline.
    Spark,
    /// A record in its leader's log.
    Record,
    /// A record in a follower's log.
    RecordCopy,
    /// A record in the log of a dead broker.
    RecordDead,
    /// A closed segment of a log.
    Segment,
    /// The segment that is written to.
    SegmentActive,
    /// The graph of records in, while they flow.
    Flow,
    /// The bar at the left edge of what is selected.
    SelectedBar,
    /// The frame of the cell that is selected on the Cluster screen.
    SelectedCell,
    /// The row that is selected in a table.
    SelectedRow,
    /// The badge of a lab.
    BadgeLab,
    /// The badge of a real cluster.
    BadgeLive,
    /// The sentence when all is well.
    SentenceGood,
    /// The sentence when it only informs: paused, slow motion, empty.
    SentenceNote,
    /// The sentence of a risk.
    SentenceWarn,
    /// The sentence of a loss.
    SentenceBad,
    /// The surface of an overlay.
    Panel,
    /// The border of an overlay.
    PanelBorder,
    /// What lies behind an overlay.
    Shade,
    /// A text field.
    Field,
    /// The cursor in a text field.
    Cursor,
    /// What a filter has found.
    Match,
    /// A key cap in presenter mode.
    KeyCap,
    /// First of the colours that tell members apart; names say it too.
    Member1,
    /// Second member.
    Member2,
    /// Third member.
    Member3,
    /// Fourth member.
    Member4,
    /// Fifth member.
    Member5,
    /// Sixth member; then they begin again.
    Member6,
    /// A cell of a partition that the first member owns.
    Owned1,
    /// The same of the second member.
    Owned2,
    /// The same of the third member.
    Owned3,
    /// The same of the fourth member.
    Owned4,
    /// The same of the fifth member.
    Owned5,
    /// The same of the sixth member.
    Owned6,
    /// A cell of a partition that the first member gave up.
    GivenUp1,
    /// The same of the second member.
    GivenUp2,
    /// The same of the third member.
    GivenUp3,
    /// The same of the fourth member.
    GivenUp4,
    /// The same of the fifth member.
    GivenUp5,
    /// The same of the sixth member.
    GivenUp6,
    /// The phase that a group is in, while it is one of waiting.
    PhaseWaits,
    /// The phase that a group is in, while all is well.
    PhaseCalm,
}

#[expect(clippy::derivable_impls, reason = "the macro passes no attributes on to a variant")]
impl Default for Role {
    fn default() -> Self {
        Self::Text
    }
}
