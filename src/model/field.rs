//! A text field as plain data: lines, cursor, selection. `app::editor` changes it, `view` passes it on.

/// A text field. Rows and columns count lines and characters, both from 0.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TextField {
    /// Its lines, at least one.
    pub lines: Vec<String>,
    /// Row and column of the cursor.
    pub cursor: (usize, usize),
    /// Where the selection began; it ends at the cursor.
    pub anchor: Option<(usize, usize)>,
    /// What was cut or copied last within the field.
    pub yank: String,
}

impl Default for TextField {
    fn default() -> Self {
        Self { lines: vec![String::new()], cursor: (0, 0), anchor: None, yank: String::new() }
    }
}

impl TextField {
    /// A field that holds `text`, with the cursor at its end.
    pub fn with(text: &str) -> Self {
        let lines: Vec<String> = text.split('\n').map(str::to_owned).collect();
        let row = lines.len().saturating_sub(1);
        let column = lines.last().map_or(0, |line| line.chars().count());
        Self { lines, cursor: (row, column), ..Self::default() }
    }

    /// The whole text.
    pub fn text(&self) -> String {
        self.lines.join("\n")
    }

    /// Whether nothing was entered.
    pub fn is_empty(&self) -> bool {
        self.lines.iter().all(String::is_empty)
    }
}
