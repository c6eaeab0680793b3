//! The 256 colours of xterm: which of them is nearest to a true colour. Only the fixed part of the palette is used (the cube
//! and the greys): what 0 to 15 look like is up to the terminal.

/// A true colour: red, green, blue.
pub type Rgb = (u8, u8, u8);

/// The six levels of the cube's axes.
const LEVELS: [u8; 6] = [0, 95, 135, 175, 215, 255];

/// The number, 16 to 255, of the fixed palette entry nearest to `colour`. Entries of equal distance: the lowest.
pub fn nearest(colour: Rgb) -> u8 {
    (16..=255).min_by_key(|entry| distance(colour, rgb_of(*entry))).unwrap_or(16)
}

/// The colour of entry `index` of the fixed palette (16 to 255); lower ones count as black, since nobody knows.
pub fn rgb_of(index: u8) -> Rgb {
    let Some(cube) = index.checked_sub(16) else { return (0, 0, 0) };
    if let Some(grey) = index.checked_sub(232) {
        let level = 8 + grey * 10;
        return (level, level, level);
    }
    let level = |at: u8| LEVELS.get(usize::from(at % 6)).copied().unwrap_or(0);
    (level(cube / 36), level(cube / 6), level(cube))
}

/// How far apart two colours look: squared differences, weighted as the eye weighs them.
pub fn distance(left: Rgb, right: Rgb) -> u32 {
    let square = |a: u8, b: u8| u32::from(a.abs_diff(b)).pow(2);
    3 * square(left.0, right.0) + 6 * square(left.1, right.1) + square(left.2, right.2)
}
