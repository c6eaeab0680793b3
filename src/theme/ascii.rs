//! The ASCII fall-back: what stands for each sign where the terminal shows no Unicode. Each sign has one character, so that
//! nothing moves. Only signs of ours are replaced; text of the user stays as it is.

/// Sign and stand-in. A filled sign has another stand-in than its hollow one: state is never told by colour alone.
const SIGNS: &[(&str, &str)] = &[
    // State.
    ("●", "*"),
    ("◉", "@"),
    ("○", "o"),
    ("▲", "!"),
    ("✖", "x"),
    ("✕", "x"),
    ("×", "x"),
    ("♛", "^"),
    ("◆", "#"),
    ("◇", "+"),
    ("♥", "+"),
    ("✓", "y"),
    ("◔", "~"),
    ("◷", "~"),
    ("∥", "="),
    ("‖", "="),
    ("↗", "/"),
    ("↘", "\\"),
    // Direction.
    ("▼", "v"),
    ("▾", "v"),
    ("▽", "v"),
    ("▴", "^"),
    ("△", "^"),
    ("▶", ">"),
    ("▸", ">"),
    ("◀", "<"),
    ("◂", "<"),
    ("→", ">"),
    ("›", ">"),
    ("‹", "<"),
    ("←", "<"),
    ("↩", "<"),
    ("↑", "^"),
    ("↓", "v"),
    // Lines.
    ("─", "-"),
    ("━", "="),
    ("╌", "-"),
    ("┄", "-"),
    ("╺", "="),
    ("╸", "="),
    ("│", "|"),
    ("┃", "|"),
    ("┆", "|"),
    ("┊", "|"),
    ("⋮", ":"),
    ("┌", "+"),
    ("┐", "+"),
    ("└", "+"),
    ("┘", "+"),
    ("├", "+"),
    ("┤", "+"),
    ("┬", "+"),
    ("┴", "+"),
    ("┼", "+"),
    ("┏", "+"),
    ("┓", "+"),
    ("┗", "+"),
    ("┛", "+"),
    ("╱", "/"),
    ("·", "."),
    ("…", "~"),
    ("−", "-"),
    ("–", "-"),
    // Bars, by height.
    ("▁", "."),
    ("▂", ":"),
    ("▃", "-"),
    ("▄", "="),
    ("▅", "+"),
    ("▆", "*"),
    ("▇", "%"),
    ("█", "#"),
    ("▀", "#"),
    ("▐", " "),
    ("▌", " "),
    ("▏", "|"),
    ("▎", "|"),
    ("▍", "|"),
    ("▰", "#"),
    ("▱", "."),
    ("░", ":"),
    ("▒", "%"),
    ("▓", "#"),
    ("■", "#"),
    ("□", "."),
];

/// What stands for `sign`, if it is one of ours.
pub(super) fn stand_in(sign: &str) -> Option<&'static str> {
    SIGNS.iter().find(|(known, _)| *known == sign).map(|(_, ascii)| *ascii)
}

/// All of them, for the test that holds them to one character.
#[cfg(test)]
pub(super) fn all() -> impl Iterator<Item = &'static (&'static str, &'static str)> {
    SIGNS.iter()
}
