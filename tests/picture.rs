//! The picture in the README is what the program draws: made anew and compared. `UPDATE_DOCS=1` writes it anew.

#![expect(clippy::expect_used, reason = "a test fails by panicking")]

#[path = "../examples/screens/picture.rs"]
mod picture;
#[path = "../examples/screens/svg.rs"]
mod svg;

const PATH: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/screen.svg");

#[test]
fn the_readmes_picture_is_what_the_program_draws() {
    let drawn = picture::draw();
    assert!(drawn.len() < 200_000, "{} bytes: a picture in a README should load at once", drawn.len());
    if std::env::var_os("UPDATE_DOCS").is_some() {
        std::fs::write(PATH, &drawn).expect("docs can be written");
    }
    let committed = std::fs::read_to_string(PATH).expect("docs/screen.svg is there");
    assert!(
        committed == drawn,
        "docs/screen.svg is not what the program draws: UPDATE_DOCS=1 cargo test --test picture"
    );
}

#[test]
fn it_shows_the_election_after_the_key() {
    let drawn = picture::draw();
    for words in [">DEAD<", ">elected<", ">killed<", ">NEW<"] {
        assert!(drawn.contains(words), "{words} is not in the picture");
    }
}
