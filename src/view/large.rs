//! Large type, for a hall: letters of five rows of dots, drawn as half blocks in three rows of the terminal. It knows shapes
//! and widths; where large type stands is for the views, how it is drawn for `ui`.

use super::Area;
use super::role::Role;

/// Rows of the terminal that a line of large type takes.
pub const ROWS: u16 = 3;

/// Words in large type.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Large {
    /// Where: [`ROWS`] high; what does not fit is not drawn.
    pub area: Area,
    /// The words; what has no large shape is left out.
    pub text: String,
    /// What they mean.
    pub role: Role,
    /// What they lie on.
    pub surface: Role,
}

/// Columns between two letters.
const BETWEEN: u16 = 1;

/// The letters: capitals alone, for those of five rows are read from farther away. `#` is a dot.
#[rustfmt::skip]
const SHAPES: &[(char, [&str; 5])] = &[
    ('A', [".#.", "#.#", "###", "#.#", "#.#"]),
    ('B', ["##.", "#.#", "##.", "#.#", "##."]),
    ('C', [".##", "#..", "#..", "#..", ".##"]),
    ('D', ["##.", "#.#", "#.#", "#.#", "##."]),
    ('E', ["###", "#..", "##.", "#..", "###"]),
    ('F', ["###", "#..", "##.", "#..", "#.."]),
    ('G', [".##", "#..", "#.#", "#.#", ".##"]),
    ('H', ["#.#", "#.#", "###", "#.#", "#.#"]),
    ('I', ["#", "#", "#", "#", "#"]),
    ('J', ["..#", "..#", "..#", "#.#", ".#."]),
    ('K', ["#.#", "#.#", "##.", "#.#", "#.#"]),
    ('L', ["#..", "#..", "#..", "#..", "###"]),
    ('M', ["#...#", "##.##", "#.#.#", "#...#", "#...#"]),
    ('N', ["#..#", "##.#", "#.##", "#..#", "#..#"]),
    ('O', [".#.", "#.#", "#.#", "#.#", ".#."]),
    ('P', ["##.", "#.#", "##.", "#..", "#.."]),
    ('Q', [".#.", "#.#", "#.#", "###", ".##"]),
    ('R', ["##.", "#.#", "##.", "#.#", "#.#"]),
    ('S', [".##", "#..", ".#.", "..#", "##."]),
    ('T', ["###", ".#.", ".#.", ".#.", ".#."]),
    ('U', ["#.#", "#.#", "#.#", "#.#", "###"]),
    ('V', ["#.#", "#.#", "#.#", "#.#", ".#."]),
    ('W', ["#...#", "#...#", "#.#.#", "##.##", "#...#"]),
    ('X', ["#.#", "#.#", ".#.", "#.#", "#.#"]),
    ('Y', ["#.#", "#.#", ".#.", ".#.", ".#."]),
    ('Z', ["###", "..#", ".#.", "#..", "###"]),
    ('0', ["###", "#.#", "#.#", "#.#", "###"]),
    ('1', [".#.", "##.", ".#.", ".#.", "###"]),
    ('2', ["###", "..#", "###", "#..", "###"]),
    ('3', ["###", "..#", ".##", "..#", "###"]),
    ('4', ["#.#", "#.#", "###", "..#", "..#"]),
    ('5', ["###", "#..", "###", "..#", "###"]),
    ('6', ["###", "#..", "###", "#.#", "###"]),
    ('7', ["###", "..#", "..#", ".#.", ".#."]),
    ('8', ["###", "#.#", "###", "#.#", "###"]),
    ('9', ["###", "#.#", "###", "..#", "###"]),
    (' ', ["..", "..", "..", "..", ".."]),
    ('.', [".", ".", ".", ".", "#"]),
    (',', ["..", "..", "..", ".#", "#."]),
    (':', [".", "#", ".", "#", "."]),
    ('-', ["...", "...", "###", "...", "..."]),
    ('/', ["..#", "..#", ".#.", "#..", "#.."]),
    ('!', ["#", "#", "#", ".", "#"]),
    ('?', ["##.", "..#", ".#.", "...", ".#."]),
    ('\'', ["#", "#", ".", ".", "."]),
    ('=', ["...", "###", "...", "###", "..."]),
    ('_', ["...", "...", "...", "...", "###"]),
    ('+', ["...", ".#.", "###", ".#.", "..."]),
];

fn shape(letter: char) -> Option<&'static [&'static str; 5]> {
    SHAPES.iter().find(|(known, _)| *known == letter.to_ascii_uppercase()).map(|(_, dots)| dots)
}

/// Whether every letter of a text has a large shape.
pub fn has_shapes(text: &str) -> bool {
    text.chars().all(|letter| shape(letter).is_some())
}

/// How many columns a text takes in large type.
pub fn columns(text: &str) -> u16 {
    let letters = text.chars().filter_map(shape).filter_map(|dots| dots.first());
    let width = letters.map(|row| row.len() + usize::from(BETWEEN)).sum::<usize>();
    u16::try_from(width).unwrap_or(u16::MAX).saturating_sub(BETWEEN)
}

/// A text as rows of half blocks.
pub fn rows(text: &str) -> [String; 3] {
    let letters: Vec<&[&str; 5]> = text.chars().filter_map(shape).collect();
    let dots = |row: usize| -> Vec<bool> {
        let gap = std::iter::repeat_n(false, BETWEEN.into());
        let of = letters.iter().filter_map(move |dots| dots.get(row));
        of.flat_map(|line| line.chars().map(|dot| dot == '#').chain(gap.clone())).collect()
    };
    // Half a row above the letters is free, so that they touch no edge.
    [(None, 0), (Some(1), 2), (Some(3), 4)].map(|(upper, lower)| {
        let (upper, lower) = (upper.map_or_else(Vec::new, dots), dots(lower));
        let both = (0..lower.len()).map(|at| (upper.get(at) == Some(&true), lower.get(at) == Some(&true)));
        let block = |(upper, lower)| match (upper, lower) {
            (true, true) => '█',
            (true, false) => '▀',
            (false, true) => '▄',
            (false, false) => ' ',
        };
        both.map(block).collect()
    })
}

/// A text in lines of at most `width` columns of large type, broken between words; `None` where it does not fit into
/// `lines` of them, or has a letter without a shape.
pub fn wrapped(text: &str, width: u16, lines: usize) -> Option<Vec<String>> {
    let mut broken: Vec<String> = Vec::new();
    for word in text.split_whitespace() {
        let longer = broken.last().map(|line| format!("{line} {word}")).filter(|line| columns(line) <= width);
        match (longer, broken.last_mut()) {
            (Some(longer), Some(line)) => *line = longer,
            _ => broken.push(word.to_owned()),
        }
    }
    let fits = has_shapes(text) && broken.len() <= lines && broken.iter().all(|line| columns(line) <= width);
    fits.then_some(broken)
}

#[cfg(test)]
mod tests {
    use super::{SHAPES, columns, rows, wrapped};

    #[test]
    fn letters_have_five_rows_of_one_width() {
        for (letter, dots) in SHAPES {
            assert!(dots.iter().all(|row| row.len() == dots[0].len()), "{letter}");
        }
    }

    #[test]
    fn large_type_is_as_wide_as_it_says() {
        for text in ["broker-2 is dead", "4", "M", "10 partitions wait."] {
            let drawn = rows(text).iter().map(|row| row.trim_end().chars().count()).max().unwrap();
            assert!(drawn <= usize::from(columns(text)), "{text}");
        }
        assert_eq!(rows("2"), ["▄▄▄ ", "▄▄█ ", "█▄▄ "].map(str::to_owned));
    }

    #[test]
    fn words_are_never_torn_and_never_cut() {
        assert_eq!(wrapped("broker-2 is dead", 80, 1), Some(vec!["broker-2 is dead".to_owned()]));
        assert_eq!(wrapped("broker-2 is dead", 40, 2).map(|lines| lines.len()), Some(2));
        assert_eq!(wrapped("broker-2 is dead", 40, 1), None);
        assert_eq!(wrapped("日本", 80, 1), None, "no shape");
    }
}
