//! Pictures of the Cluster, Brokers and Events screens and of the explanations, as text.

use super::{Depth, Explorer, Signs, fixture, theme};

pictures! {
    cluster_calm: Explorer::of(fixture::calm());
    cluster_killed: Explorer::of(fixture::killed());
    cluster_elected: Explorer::of(fixture::elected());
    cluster_catching_up: Explorer::of(fixture::catching_up());
    cluster_slow: Explorer::of(fixture::slow());
    cluster_empty: Explorer::of(fixture::empty());
    cluster_of_twelve_brokers: Explorer::of(fixture::twelve_brokers());
    brokers: Explorer::of(fixture::elected()).press("3");
    a_broker: Explorer::of(fixture::catching_up()).press("3 j Enter");
    events: Explorer::of(fixture::elected()).press("7 j");
    causes: Explorer::of(fixture::elected()).press("7 j j j Enter");
    explained_dead_broker: Explorer::of(fixture::killed()).press("k i");
    explained_partition: Explorer::of(fixture::elected()).press("2 Enter j i");
    explained_topic: Explorer::of(fixture::killed()).press("2 i");
    explained_event: Explorer::of(fixture::elected()).press("7 j j j i");
}

#[test]
fn the_first_minute() {
    let mut explorer = Explorer::of(fixture::first_minute());
    explorer.state.model.first_minute = true;
    insta::assert_snapshot!("cluster_first_minute_80x24", explorer.screen(80, 24));
    insta::assert_snapshot!("cluster_first_minute_160x48", explorer.screen(160, 48));
}

#[test]
fn every_size_between() {
    let mut explorer = Explorer::of(fixture::killed());
    insta::assert_snapshot!("cluster_killed_60x15", explorer.screen(60, 15));
    insta::assert_snapshot!("cluster_killed_120x36", explorer.screen(120, 36));
    insta::assert_snapshot!("cluster_killed_200x60", explorer.screen(200, 60));
}

#[test]
fn without_colour_and_without_unicode() {
    let mut explorer = Explorer::of(fixture::elected());
    let mono = theme::Terminal { depth: Depth::Mono, signs: Signs::Unicode };
    insta::assert_snapshot!("cluster_elected_no_color_160x48", explorer.screen_in(160, 48, mono));
    let ascii = theme::Terminal { depth: Depth::Sixteen, signs: Signs::Ascii };
    insta::assert_snapshot!("cluster_elected_ascii_160x48", explorer.screen_in(160, 48, ascii));
    insta::assert_snapshot!("cluster_elected_ascii_80x24", explorer.screen_in(80, 24, ascii));
}
