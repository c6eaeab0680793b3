//! Pictures of the Cluster screen, from the calm cluster over the kill and the election to the return.

use super::*;
use crate::model::place::Selection;

pictures! {
    calm: Explorer::of(fixture::calm());
    first_minute: just_started(fixture::first_minute());
    killed: Explorer::of(fixture::killed());
    elected: Explorer::of(fixture::elected());
    catching_up: Explorer::of(fixture::catching_up());
    slow: Explorer::of(fixture::slow());
    paused: Explorer::of(standing(fixture::slow()));
    a_cell_selected: Explorer::of(fixture::elected()).press("l l l l l");
    a_folded_topic_selected: Explorer::of(fixture::twelve_brokers()).press("j l l l");
    a_producer_selected: Explorer::of(fixture::killed()).press("g g");
    an_event_selected: clicked(Selection::Event(119));
    empty: just_started(fixture::empty());
    twelve_brokers: Explorer::of(fixture::twelve_brokers());
    nothing_known_yet: Explorer::of(Snapshot::default());
}

/// An explorer that was just started.
fn just_started(snapshot: Snapshot) -> Explorer {
    let mut explorer = Explorer::of(snapshot);
    explorer.state.model.first_minute = true;
    explorer
}

/// The elected cluster with a click on something.
fn clicked(target: Selection) -> Explorer {
    let mut explorer = Explorer::of(fixture::elected());
    explorer.tell(Msg::Click(view::Target::Select(target)));
    explorer
}

fn standing(mut snapshot: Snapshot) -> Snapshot {
    snapshot.clock.paused = true;
    snapshot
}

/// The smallest terminal that a screen is drawn on.
#[test]
fn the_smallest_screen() {
    insta::assert_snapshot!("killed_60x15", Explorer::of(fixture::killed()).screen(60, 15));
    insta::assert_snapshot!("elected_60x15", Explorer::of(fixture::elected()).screen(60, 15));
}

/// A cell of one column has no room for brackets: its number stays, and the selection stands beside it.
#[test]
fn in_narrow_cells_without_colours_the_number_and_the_selection_are_seen() {
    let terminal = theme::Terminal { depth: Depth::Mono, signs: Signs::Unicode };
    let mut explorer = Explorer::of(fixture::elected()).press("l l");
    let screen = explorer.screen_in(60, 15, terminal);
    let rows: Vec<&str> = screen.lines().filter(|row| row.contains("broker-")).collect();
    assert!(rows.iter().any(|row| row.contains('>') && row.contains('<') || row.contains('{')), "{screen}");
    assert!(!rows.iter().any(|row| row.contains("[ ")), "no bracket without its number: {screen}");
}

/// Without colours and Unicode, marks say what fills say.
#[test]
fn in_ascii() {
    let terminal = theme::Terminal { depth: Depth::Mono, signs: Signs::Ascii };
    insta::assert_snapshot!("killed_ascii_80x24", Explorer::of(fixture::killed()).screen_in(80, 24, terminal));
    insta::assert_snapshot!("elected_ascii_80x24", Explorer::of(fixture::elected()).screen_in(80, 24, terminal));
    let mut selected = Explorer::of(fixture::elected()).press("l l");
    insta::assert_snapshot!("selected_ascii_80x24", selected.screen_in(80, 24, terminal));
}
