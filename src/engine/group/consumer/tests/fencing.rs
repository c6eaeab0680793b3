//! Who is refused, and what they are told.

use super::world::{Client, World};
use crate::engine::event::GroupEvent;
use crate::engine::event::group::ConsumerGroupEvent;
use crate::protocol::ConsumerGroupHeartbeatRequest as Request;
use crate::protocol::ErrorCode;

/// A world where `a`, a member, is at epoch 2, and was at 1 before.
fn at_two() -> (World, Client) {
    let mut world = World::new(&[("trucks", 6)]);
    let mut a = Client::new("a", &["trucks"]);
    a.beat(&mut world);
    world.topic("trucks", 8);
    assert_eq!(a.beat(&mut world).member_epoch, 2);
    (world, a)
}

#[test]
fn an_epoch_that_was_not_given_is_fenced() {
    for (epoch, error) in
        [(2, ErrorCode::NONE), (3, ErrorCode::FENCED_MEMBER_EPOCH), (0, ErrorCode::FENCED_MEMBER_EPOCH)]
    {
        let (mut world, mut a) = at_two();
        a.epoch = epoch;
        if epoch == 0 {
            a.owned.clear();
        }
        assert_eq!(world.beat(&a.request()).error_code, error, "epoch {epoch}");
        let fenced = world
            .events
            .iter()
            .any(|event| matches!(event, GroupEvent::Consumer { event: ConsumerGroupEvent::Fenced { .. }, .. }));
        assert_eq!(fenced, error.is_error());
    }
}

#[test]
fn the_epoch_before_will_do_for_one_that_missed_the_answer_and_owns_no_more_than_it_may() {
    let (mut world, a) = at_two();
    let id = world.id_of("trucks");
    let says = |owned: &[i32]| Client { epoch: 1, owned: owned.iter().map(|p| (id, *p)).collect(), ..a.clone() };
    let mut missed = says(&[0, 1]);
    missed.hear(None);
    let answer = world.beat(&missed.request());
    assert_eq!((answer.error_code, answer.member_epoch), (ErrorCode::NONE, 2));
    assert!(answer.assignment.is_some(), "it hears all again");
    let mut wrong = says(&[0, 77]);
    wrong.hear(None);
    assert_eq!(world.beat(&wrong.request()).error_code, ErrorCode::FENCED_MEMBER_EPOCH);
    let quiet = Request { topic_partitions: None, ..missed.request() };
    assert_eq!(world.beat(&quiet).error_code, ErrorCode::FENCED_MEMBER_EPOCH, "it must say what it owns");
}

#[test]
fn who_is_not_in_the_group_is_not_known() {
    let (mut world, _) = at_two();
    let mut stranger = Client { epoch: 2, ..Client::new("x", &["trucks"]) };
    assert_eq!(world.beat(&stranger.request()).error_code, ErrorCode::UNKNOWN_MEMBER_ID);
    assert_eq!(stranger.leave(&mut world, -1).error_code, ErrorCode::UNKNOWN_MEMBER_ID);
    stranger.instance = Some("wall".into());
    stranger.epoch = 2;
    assert_eq!(world.beat(&stranger.request()).error_code, ErrorCode::UNKNOWN_MEMBER_ID);
    assert_eq!(stranger.leave(&mut world, -2).error_code, ErrorCode::UNKNOWN_MEMBER_ID);
}

#[test]
fn a_static_name_has_one_bearer() {
    let (mut world, _) = at_two();
    let mut c = Client { instance: Some("wall".into()), ..Client::new("c", &["trucks"]) };
    c.beat(&mut world);
    let mut other = Client { id: "d".into(), epoch: 0, ..c.clone() };
    other.owned.clear();
    assert_eq!(world.beat(&other.request()).error_code, ErrorCode::UNRELEASED_INSTANCE_ID, "c is there");
    let mut epoch = Client { id: "d".into(), ..c.clone() };
    assert_eq!(world.beat(&epoch.request()).error_code, ErrorCode::FENCED_INSTANCE_ID);
    assert_eq!(epoch.leave(&mut world, -1).error_code, ErrorCode::FENCED_INSTANCE_ID);
    let (old, epoch) = (c.clone(), world.consumer().image().epoch);
    c.leave(&mut world, -2);
    assert_eq!(other.beat(&mut world).error_code, ErrorCode::NONE);
    assert_eq!(world.beat(&old.request()).error_code, ErrorCode::FENCED_INSTANCE_ID, "it was replaced at {epoch}");
}

#[test]
fn a_group_has_no_more_members_than_it_may() {
    let (mut world, mut a) = at_two();
    world.settings.group_consumer_max_size = 1;
    let mut b = Client::new("b", &["trucks"]);
    assert_eq!(b.beat(&mut world).error_code, ErrorCode::GROUP_MAX_SIZE_REACHED);
    assert_eq!(a.beat(&mut world).error_code, ErrorCode::NONE);
}

#[test]
fn commits_and_fetches_are_taken_of_members_at_their_epoch() {
    let (mut world, mut a) = at_two();
    let group = world.consumer();
    assert_eq!(group.check_commit(2, "a", 9), Ok(()));
    assert_eq!(group.check_commit(1, "a", 9), Err(ErrorCode::STALE_MEMBER_EPOCH));
    assert_eq!(group.check_commit(2, "a", 8), Err(ErrorCode::UNSUPPORTED_VERSION));
    assert_eq!(group.check_commit(2, "x", 9), Err(ErrorCode::UNKNOWN_MEMBER_ID));
    assert_eq!(
        group.check_commit(-1, "", 9),
        Err(ErrorCode::UNKNOWN_MEMBER_ID),
        "an operator, while there are members"
    );
    assert_eq!(group.check_fetch(-1, None), Ok(()));
    assert_eq!(group.check_fetch(2, Some("a")), Ok(()));
    assert_eq!(group.check_fetch(1, Some("a")), Err(ErrorCode::STALE_MEMBER_EPOCH));
    assert_eq!(group.check_fetch(-1, Some("x")), Err(ErrorCode::UNKNOWN_MEMBER_ID));
    a.leave(&mut world, -1);
    assert_eq!(world.consumer().check_commit(-1, "", 9), Ok(()), "an operator, when there is nobody");
}
