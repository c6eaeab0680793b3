//! The Groups screens.

use super::{Explorer, fixture, view};
use crate::theme::{Depth, Signs, Terminal};

pictures! {
    groups: Explorer::of(fixture::many_groups()).press("4");
    groups_of_an_empty_cluster: Explorer::of(fixture::empty()).press("4");
    a_group: Explorer::of(fixture::calm()).press("4 Enter");
    a_group_in_a_rebalance: Explorer::of(fixture::rebalance()).press("4 Enter");
    a_group_that_reconciles: Explorer::of(fixture::reconciling()).press("4 Enter");
    a_group_that_lost_records: Explorer::of(fixture::uneven()).press("4 Enter");
    a_group_with_an_idle_member: Explorer::of(fixture::many_groups()).press("4 g g Enter");
    a_group_of_clients_outside: Explorer::of(fixture::many_groups()).press("4 g g j Enter");
    a_group_without_members: Explorer::of(fixture::many_groups()).press("4 G k Enter");
    a_group_without_a_coordinator: Explorer::of(fixture::many_groups()).press("4 G Enter");
    a_group_with_a_stuck_member: Explorer::of(fixture::stuck()).press("4 Enter");
    a_group_whose_topic_was_deleted: Explorer::of(fixture::bereft()).press("4 Enter");
    a_group_of_thirty: Explorer::of(fixture::crowd()).press("4 Enter j");
    form_to_add_to_both: Explorer::of(fixture::many_groups()).press("4 g g j j Enter V c");
    two_groups: Explorer::of(fixture::many_groups()).press("4 g g j j Enter V");
    form_to_add_a_consumer: Explorer::of(fixture::calm()).press("4 c Tab Tab");
    form_to_reset_offsets: Explorer::of(fixture::many_groups()).press("4 G k o Tab Right Right");
    a_group_explained: Explorer::of(fixture::rebalance()).press("4 i");
    a_member_explained: Explorer::of(fixture::rebalance()).press("4 Enter j j i");
    a_partition_of_a_group_explained: Explorer::of(fixture::rebalance()).press("4 Enter Tab j i");
}

#[test]
fn in_the_smallest_terminal_the_point_the_phase_and_the_lag_are_there() {
    let (width, height) = view::SMALLEST;
    let screen = Explorer::of(fixture::rebalance()).press("4 Enter").screen(width, height);
    for words in ["dashboard", "PreparingRebalance", "7 of 10 partitions", "lag"] {
        assert!(screen.contains(words), "{words}:\n{screen}");
    }
    insta::assert_snapshot!("a_group_60x15", screen);
}

#[test]
fn without_colour_and_unicode_a_rebalance_can_still_be_read() {
    let terminal = Terminal { depth: Depth::Mono, signs: Signs::Ascii };
    let screen = Explorer::of(fixture::rebalance()).press("4 Enter").screen_in(160, 48, terminal);
    insta::assert_snapshot!("a_group_in_ascii", screen);
}
