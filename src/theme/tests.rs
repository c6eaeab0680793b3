//! The themes' tests: every role in every theme, cells that stay apart at every depth, errors that name the line.

use ratatui::style::{Color, Modifier};

use super::{Depth, Role, Signs, Terminal, Theme, ascii, built_in_file, palette};

fn theme(name: &str, depth: Depth) -> Theme {
    Theme::built_in(name, Terminal { depth, signs: Signs::Unicode }).unwrap()
}

/// Relative luminance by WCAG, for contrast.
fn luminance((red, green, blue): palette::Rgb) -> f64 {
    let channel = |value: u8| {
        let value = f64::from(value) / 255.0;
        if value <= 0.03928 { value / 12.92 } else { ((value + 0.055) / 1.055).powf(2.4) }
    };
    0.2126 * channel(red) + 0.7152 * channel(green) + 0.0722 * channel(blue)
}

fn contrast(left: palette::Rgb, right: palette::Rgb) -> f64 {
    let (left, right) = (luminance(left), luminance(right));
    (left.max(right) + 0.05) / (left.min(right) + 0.05)
}

fn rgb(colour: Option<Color>) -> Option<palette::Rgb> {
    match colour? {
        Color::Rgb(red, green, blue) => Some((red, green, blue)),
        Color::Indexed(index) => Some(palette::rgb_of(index)),
        other => panic!("{other:?} has no fixed colour"),
    }
}

#[test]
fn every_role_stands_in_every_theme_and_is_documented() {
    for name in Theme::names() {
        let file = built_in_file(name).unwrap();
        let missing: Vec<_> = Role::ALL.iter().filter(|role| !file.roles.contains_key(role)).collect();
        assert!(missing.is_empty(), "themes/{name}.ron lacks {missing:?}");
        assert!(!file.doc.is_empty());
    }
    assert!(Role::ALL.iter().all(|role| role.doc().ends_with('.')));
}

#[test]
fn the_cells_stay_apart_from_each_other_and_from_the_ground_in_256_and_in_true_colours() {
    let cells = [Role::Leader, Role::Follower, Role::Changed, Role::Behind, Role::BehindDone, Role::NoLeader];
    for name in Theme::names() {
        let ground = built_in_file(name).unwrap().ground.unwrap().0;
        for depth in [Depth::True, Depth::Indexed] {
            let theme = theme(name, depth);
            let mut seen = vec![palette::rgb_of(palette::nearest(ground))];
            for role in cells {
                let fill = rgb(theme.style(role).bg).unwrap();
                assert!(contrast(fill, ground) > 1.08, "{name} {depth:?} {role:?} melts into the ground");
                assert!(!seen.contains(&fill), "{name} {depth:?} {role:?} looks like another");
                seen.push(fill);
            }
        }
    }
}

#[test]
fn what_must_be_read_has_contrast() {
    for name in Theme::names() {
        let ground = built_in_file(name).unwrap().ground.unwrap().0;
        for depth in [Depth::True, Depth::Indexed] {
            let theme = theme(name, depth);
            for role in Role::ALL {
                let quiet = matches!(
                    role,
                    Role::Ground
                        | Role::Rule
                        | Role::Hatch
                        | Role::Shade
                        | Role::Flow
                        | Role::SelectedRow
                        | Role::WriteBar
                        | Role::ReadBar
                        | Role::Spark
                        | Role::WaitBar
                        | Role::RecordCopy
                        | Role::RecordDead
                );
                let style = theme.style(*role);
                let (fg, bg) = (rgb(style.fg), rgb(style.bg).unwrap_or(ground));
                if let (false, Some(fg)) = (quiet, fg) {
                    assert!(contrast(fg, bg) >= 3.0, "{name} {depth:?} {role:?}: {:.1}", contrast(fg, bg));
                }
            }
        }
    }
}

#[test]
fn without_colour_there_is_no_colour_and_the_leader_is_reversed() {
    for name in Theme::names() {
        let theme = theme(name, Depth::Mono);
        assert!(Role::ALL.iter().all(|role| theme.style(*role).fg.is_none() && theme.style(*role).bg.is_none()));
        assert!(theme.style(Role::Leader).add_modifier.contains(Modifier::REVERSED));
        assert!(theme.style(Role::SentenceBad).add_modifier.contains(Modifier::REVERSED));
        assert!(!theme.style(Role::Follower).add_modifier.contains(Modifier::REVERSED));
        assert!(theme.marks_cells());
    }
}

#[test]
fn sixteen_colours_are_named_ones() {
    let theme = theme("dark", Depth::Sixteen);
    assert_eq!(theme.style(Role::Leader).bg, Some(Color::Cyan));
    assert_eq!(theme.style(Role::Follower).bg, None);
    assert_eq!(theme.style(Role::Text).fg, None, "ordinary text is the terminal's own");
}

#[test]
fn a_users_file_fills_up_from_its_base_and_errors_name_the_line() {
    let terminal = Terminal::default();
    let mine = r##"(base: "light", roles: { leader: (fg: "#000000", bg: "#00ff00") })"##;
    let theme = Theme::from_file("mine.ron", mine, terminal).unwrap();
    assert_eq!(theme.style(Role::Leader).bg, Some(Color::Rgb(0, 255, 0)));
    assert_eq!(theme.style(Role::Text).fg, Some(Color::Rgb(0x24, 0x29, 0x2f)));

    let error = |text: &str| Theme::from_file("mine.ron", text, terminal).unwrap_err().to_string();
    let bad_colour = error("(\n  roles: {\n    leader: (fg: \"blu\"),\n  },\n)");
    assert!(bad_colour.starts_with("mine.ron:3:"), "{bad_colour}");
    assert!(bad_colour.contains("`blu` is not a colour"), "{bad_colour}");
    let bad_role = error("(\n  roles: {\n    leeder: (),\n  },\n)");
    assert!(bad_role.starts_with("mine.ron:3:") && bad_role.contains("leeder"), "{bad_role}");
    let bad_field = error("(roles: { leader: (foreground: \"#000000\") })");
    assert!(bad_field.contains("foreground"), "{bad_field}");
    assert!(error("(base: \"none\", roles: {})").contains("there is no theme `none`"));
}

#[test]
fn the_environment_tells_what_the_terminal_shows() {
    let detect = |pairs: &[(&str, &str)]| {
        Terminal::detect(|name| pairs.iter().find(|(known, _)| *known == name).map(|(_, value)| (*value).to_owned()))
    };
    let utf8 = ("LANG", "en_GB.UTF-8");
    assert_eq!(detect(&[utf8, ("COLORTERM", "truecolor")]), Terminal { depth: Depth::True, signs: Signs::Unicode });
    assert_eq!(detect(&[utf8, ("TERM", "xterm-256color")]).depth, Depth::Indexed);
    assert_eq!(detect(&[utf8, ("TERM", "linux")]).depth, Depth::Sixteen);
    assert_eq!(detect(&[utf8, ("COLORTERM", "truecolor"), ("NO_COLOR", "1")]).depth, Depth::Mono);
    assert_eq!(detect(&[("NO_COLOR", ""), ("TERM", "xterm-256color")]).depth, Depth::Indexed);
    assert_eq!(detect(&[("LC_ALL", "C"), utf8]).signs, Signs::Ascii);
}

#[test]
fn every_stand_in_is_one_ascii_character() {
    assert_eq!(ascii::stand_in("▼"), Some("v"));
    assert_eq!(ascii::stand_in("a"), None);
    assert!(ascii::all().all(|(sign, ascii)| sign.chars().count() == 1 && ascii.len() == 1 && ascii.is_ascii()));
}
