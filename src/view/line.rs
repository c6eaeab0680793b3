//! Text of a view: pieces with roles, in lines. Widths are those of a terminal (East Asian wide characters count two).
//! Whoever draws it changes no word of it.

use unicode_segmentation::UnicodeSegmentation;
use unicode_width::UnicodeWidthStr;

pub use super::role::Role;

/// A piece of text that means one thing.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Span {
    /// What to show, without control characters.
    pub text: String,
    /// What it means.
    pub role: Role,
}

/// One line of pieces, left to right.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Line {
    /// Its pieces.
    pub spans: Vec<Span>,
}

impl Line {
    /// A line of one piece.
    pub fn of(role: Role, text: impl Into<String>) -> Self {
        Self::default().with(role, text)
    }

    /// The line with one more piece; an empty one is dropped.
    #[must_use]
    pub fn with(mut self, role: Role, text: impl Into<String>) -> Self {
        let text = text.into();
        if !text.is_empty() {
            self.spans.push(Span { text, role });
        }
        self
    }

    /// The line with another behind it.
    #[must_use]
    pub fn append(mut self, other: Self) -> Self {
        self.spans.extend(other.spans);
        self
    }

    /// Width in columns.
    pub fn width(&self) -> usize {
        self.spans.iter().map(|span| span.text.width()).sum()
    }

    /// Width in columns, as a coordinate.
    pub fn columns(&self) -> u16 {
        u16::try_from(self.width()).unwrap_or(u16::MAX)
    }

    /// The line padded with blanks to `width` columns, so that what follows stands in a column of its own.
    #[must_use]
    pub fn padded(self, width: usize) -> Self {
        self.padded_with(Role::Text, width)
    }

    /// The same with blanks of a role: for a fill.
    #[must_use]
    pub fn padded_with(self, role: Role, width: usize) -> Self {
        let missing = width.saturating_sub(self.width());
        self.with(role, " ".repeat(missing))
    }

    /// The line cut to at most `width` columns, with an ellipsis where something was cut.
    #[must_use]
    pub fn cut(self, width: usize) -> Self {
        if self.width() <= width {
            return self;
        }
        let mut room = width;
        let mut line = Self::default();
        for span in self.spans {
            let wide = span.text.width();
            if wide < room {
                room -= wide;
                line.spans.push(span);
            } else {
                return line.with(span.role, cut_hard(&span.text, room));
            }
        }
        line
    }

    /// All of its text, for tests and for copying.
    pub fn text(&self) -> String {
        self.spans.iter().map(|span| span.text.as_str()).collect()
    }
}

/// How many columns a text takes.
pub fn columns(text: &str) -> u16 {
    u16::try_from(text.width()).unwrap_or(u16::MAX)
}

/// `text` if it fits into `width` columns, otherwise as much of it as fits before an ellipsis.
pub fn cut(text: &str, width: usize) -> String {
    if text.width() <= width { text.to_owned() } else { cut_hard(text, width) }
}

/// `text` if it fits into `width` columns, otherwise its two ends with an ellipsis between them: names that begin alike often
/// end differently.
pub fn cut_middle(text: &str, width: usize) -> String {
    if text.width() <= width || width < 8 {
        return cut(text, width);
    }
    let tail = (width - 1) / 2;
    let mut from = text.len();
    for (at, _) in text.grapheme_indices(true).rev() {
        if text.get(at..).is_none_or(|end| end.width() > tail) {
            break;
        }
        from = at;
    }
    let end = text.get(from..).unwrap_or_default();
    format!("{}{end}", cut_hard(text, width - end.width()))
}

/// `text` cut so that an ellipsis fits behind it; by grapheme, so that no accent or emoji is torn.
fn cut_hard(text: &str, width: usize) -> String {
    let Some(room) = width.checked_sub(1) else { return String::new() };
    let mut kept = String::new();
    let mut used = 0;
    for grapheme in text.graphemes(true) {
        used += grapheme.width();
        if used > room {
            break;
        }
        kept.push_str(grapheme);
    }
    kept.push('…');
    kept
}

#[cfg(test)]
mod tests {
    use super::{Line, Role, cut, cut_middle};

    #[test]
    fn a_cut_counts_columns_and_never_tears_a_grapheme() {
        assert_eq!(cut("trucks", 6), "trucks");
        assert_eq!(cut("trucks", 5), "truc…");
        assert_eq!(cut("日本語", 4), "日…");
        assert_eq!(cut("x", 0), "");
    }

    #[test]
    fn a_line_is_cut_in_the_piece_that_crosses_the_edge() {
        let line = Line::of(Role::Strong, "broker-2").with(Role::Dim, " is dead");
        assert_eq!(line.clone().cut(12).text(), "broker-2 is…");
        assert_eq!(line.cut(40).text(), "broker-2 is dead");
        assert_eq!(Line::of(Role::Strong, "broker-2").with(Role::Dim, "x").cut(8).text(), "broker-…");
    }

    #[test]
    fn a_long_name_keeps_both_ends() {
        assert_eq!(cut_middle("billing-eu-west-1-archive-7", 16), "billing-…chive-7");
        assert_eq!(cut_middle("dashboard", 9), "dashboard");
        for width in 0..20 {
            assert!(
                usize::from(super::columns(&cut_middle("日本の全ての注文を読む人たち", width))) <= width,
                "{width}"
            );
        }
    }
}
