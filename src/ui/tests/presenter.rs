//! Pictures of presenter mode, and what it must never show.

use super::*;

pictures! {
    calm: presented(fixture::calm(), "");
    killed: presented(fixture::killed(), "K");
    elected: presented(fixture::elected(), "l l");
    catching_up: presented(fixture::catching_up(), "");
    first_minute: just_started();
    brokers: presented(fixture::killed(), "3 j");
    explained: presented(fixture::killed(), "k i");
    a_group: presented(fixture::rebalance(), "4 Enter");
    a_calm_group: presented(fixture::calm(), "4 Enter");
    two_groups: presented(fixture::many_groups(), "4 g g j j Enter V");
    a_group_that_hangs: presented(hanging(), "1");
    twelve_brokers: presented(fixture::twelve_brokers(), "");
}

fn presented(snapshot: Snapshot, keys: &str) -> Explorer {
    Explorer::of(snapshot).press("F5").press(keys)
}

/// The rebalance has lasted for a minute.
fn hanging() -> Snapshot {
    let mut snapshot = fixture::rebalance();
    snapshot.clock.lab_us += 60_000_000;
    snapshot
}

fn just_started() -> Explorer {
    let mut explorer = presented(fixture::first_minute(), "");
    explorer.state.model.first_minute = true;
    explorer
}

#[test]
fn in_ascii() {
    let terminal = theme::Terminal { depth: Depth::Mono, signs: Signs::Ascii };
    insta::assert_snapshot!("killed_ascii_80x24", presented(fixture::killed(), "").screen_in(80, 24, terminal));
}

#[test]
fn no_screen_shows_an_address_in_presenter_mode() {
    for (name, explorer) in everywhere() {
        for (width, height) in [(60, 15), (80, 24), (160, 48), (200, 60)] {
            let mut explorer = Explorer { state: explorer.state.clone() }.press("F5");
            let screen = explorer.screen(width, height);
            for address in ["127.0.0.1", "9092", "9093", "2181", "50522", "kscope.log"] {
                assert!(!screen.contains(address), "{name} at {width}x{height} shows {address}:\n{screen}");
            }
        }
    }
}

#[test]
fn keys_are_shown_for_two_seconds_and_only_to_a_hall() {
    let mut explorer = presented(fixture::calm(), "K");
    assert!(explorer.screen(160, 48).contains(" K  kill-broker"));
    update(&mut explorer.state, 2_900, Msg::Tick);
    assert!(explorer.screen(160, 48).contains(" K  kill-broker"));
    update(&mut explorer.state, 3_000, Msg::Tick);
    assert!(!explorer.screen(160, 48).contains("kill-broker"));
    assert!(!Explorer::of(fixture::calm()).press("K").screen(160, 48).contains("kill-broker"));
}

#[test]
fn what_is_new_stays_twice_as_long_for_a_hall() {
    let mut later = fixture::elected();
    later.clock.lab_us += 6_000_000;
    assert!(!Explorer::of(later.clone()).screen(160, 48).contains("NEW"));
    assert!(presented(later, "").screen(160, 48).contains("NEW"));
}

#[test]
fn the_same_key_leaves_and_the_addresses_are_back() {
    let screen = presented(fixture::calm(), "F5").screen(160, 48);
    assert_eq!(screen, Explorer::of(fixture::calm()).screen(160, 48));
}
