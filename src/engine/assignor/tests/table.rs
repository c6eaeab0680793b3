//! Outcomes as Kafka 3.9.2's own classes give them for the same members (asked once through a Java program, which also
//! compared 800 random groups: `range` of both sides and `roundrobin` alike in all, `sticky` alike for fresh groups
//! that want the same), and what members say in their subscriptions.

use bytes::Bytes;

use super::super::*;
use super::{after, counts, member, partitions, text};

fn client(name: &str, counts_text: &str, members: &[Member]) -> String {
    text(&(client_assignor(name).unwrap().assign)(members, &counts(counts_text)))
}

fn server(name: &str, counts_text: &str, members: &[Member]) -> String {
    text(&(server_assignor(name).unwrap().assign)(members, &counts(counts_text)))
}

/// New members: `m1 shop,trucks; m2 trucks`, a static one as `m2@wall trucks`.
fn fresh(members: &str) -> Vec<Member> {
    let one = |text: &str| {
        let mut member = member(text, NO_GENERATION, "");
        if let Some((id, instance)) = text.split(' ').next().and_then(|id| id.split_once('@')) {
            (member.id, member.instance_id) = (id.into(), Some(instance.into()));
        }
        member
    };
    members.split("; ").map(one).collect()
}

#[test]
fn fresh_groups() {
    let three = fresh("m1 shop,trucks; m2 shop,trucks; m3 trucks");
    let at = "shop=3 trucks=7";
    assert_eq!(client("range", at, &three), "m1 shop:0,1 trucks:0,1,2; m2 shop:2 trucks:3,4; m3 trucks:5,6");
    assert_eq!(client("roundrobin", at, &three), "m1 shop:0,2 trucks:2,5; m2 shop:1 trucks:0,3,6; m3 trucks:1,4");
    assert_eq!(client("sticky", at, &three), "m1 shop:0,2 trucks:3,6; m2 shop:1 trucks:1,4; m3 trucks:0,2,5");
    assert_eq!(server("range", at, &three), client("range", at, &three));

    let two = fresh("m1 shop,trucks; m2 shop,trucks");
    let at = "shop=1 trucks=4";
    assert_eq!(client("range", at, &two), "m1 shop:0 trucks:0,1; m2 trucks:2,3");
    assert_eq!(client("roundrobin", at, &two), "m1 shop:0 trucks:1,3; m2 trucks:0,2");
    assert_eq!(client("sticky", at, &two), "m1 shop:0 trucks:1,3; m2 trucks:0,2");
    assert_eq!(server("uniform", at, &two), "m1 shop:0 trucks:0,1; m2 trucks:2,3");

    let stairs = fresh("m1 a; m2 a,b; m3 a,b,c");
    assert_eq!(client("roundrobin", "a=1 b=2 c=3", &stairs), "m1 a:0; m2 b:0; m3 b:1 c:0,1,2");
    assert_eq!(client("sticky", "a=1 b=2 c=3", &stairs), "m1 a:0; m2 b:0,1; m3 c:0,1,2");
}

#[test]
fn static_members_come_first_and_a_topic_that_is_gone_is_passed_over() {
    let members = fresh("m1 shop,trucks; m2@wall trucks; m3@a shop,trucks,gone");
    let at = "shop=3 trucks=4";
    assert_eq!(client("range", at, &members), "m1 shop:2 trucks:3; m2 trucks:2; m3 shop:0,1 trucks:0,1");
    assert_eq!(client("roundrobin", at, &members), "m1 shop:1 trucks:1; m2 trucks:0,3; m3 shop:0,2 trucks:2");
    assert_eq!(client("sticky", at, &members), "m1 shop:0,2 trucks:3; m2 trucks:0,1; m3 shop:1 trucks:2");
}

#[test]
fn more_members_than_partitions_leave_some_idle() {
    let members = fresh("m1 trucks; m2 trucks; m3 trucks");
    for assignor in CLIENT_ASSIGNORS {
        assert_eq!(client(assignor.name, "trucks=2", &members), "m1 trucks:0; m2 trucks:1; m3 -", "{}", assignor.name);
    }
}

#[test]
fn nobody_and_nothing() {
    for assignor in CLIENT_ASSIGNORS {
        assert_eq!(client(assignor.name, "trucks=2", &[]), "");
        assert_eq!(client(assignor.name, "", &fresh("m1 trucks")), "m1 -");
        assert_eq!(client(assignor.name, "trucks=2", &fresh("m1 ,")), "m1 -");
    }
}

/// Two members have three partitions each; a third joins.
fn joined() -> Vec<Member> {
    let (m1, m2) = (member("m1 trucks", 3, "trucks:0,2,4"), member("m2 trucks", 3, "trucks:1,3,5"));
    vec![m1, m2, member("m3 trucks", NO_GENERATION, "")]
}

#[test]
fn who_joins_takes_only_what_balance_needs() {
    assert_eq!(client("range", "trucks=6", &joined()), "m1 trucks:0,1; m2 trucks:2,3; m3 trucks:4,5");
    assert_eq!(client("sticky", "trucks=6", &joined()), "m1 trucks:0,2; m2 trucks:1,3; m3 trucks:4,5");
    assert_eq!(server("uniform", "trucks=6", &joined()), "m1 trucks:0,2; m2 trucks:1,3; m3 trucks:4,5");
}

#[test]
fn cooperatively_it_takes_two_rebalances() {
    let first = (client_assignor("cooperative-sticky").unwrap().assign)(&joined(), &counts("trucks=6"));
    assert_eq!(text(&first), "m1 trucks:0,2; m2 trucks:1,3; m3 -");
    let second = after(&joined(), &first);
    assert_eq!(client("cooperative-sticky", "trucks=6", &second), "m1 trucks:0,2; m2 trucks:1,3; m3 trucks:4,5");
}

#[test]
fn who_leaves_gives_only_its_own() {
    let rest = [member("m1 trucks", 3, "trucks:0,3"), member("m3 trucks", 3, "trucks:2,5")];
    for name in ["sticky", "cooperative-sticky"] {
        assert_eq!(client(name, "trucks=6", &rest), "m1 trucks:0,1,3; m3 trucks:2,4,5");
    }
}

#[test]
fn the_higher_generation_has_what_two_claim() {
    let old = member("m1 trucks", 4, "trucks:0,1");
    let members = [old, member("m2 trucks", 5, "trucks:1,2"), member("m3 trucks", 5, "trucks:3")];
    for name in ["sticky", "cooperative-sticky"] {
        assert_eq!(client(name, "trucks=4", &members), "m1 trucks:0; m2 trucks:1,2; m3 trucks:3");
    }
}

#[test]
fn nobody_has_what_two_of_one_generation_claim() {
    let members = [member("m1 trucks", 5, "trucks:0,1"), member("m2 trucks", 5, "trucks:0")];
    assert_eq!(client("sticky", "trucks=2", &members), "m1 trucks:1; m2 trucks:0");
    assert_eq!(client("cooperative-sticky", "trucks=2", &members), "m1 trucks:1; m2 -");
}

#[test]
fn moves_that_do_most_come_first() {
    // A move of a:2 to m2 would do less than one of b:9 to m4, and m1 would lose two.
    let members = [
        member("m0 b", 5, ""),
        member("m1 a,b", 5, "a:0,2 b:5,7,9"),
        member("m2 a,b,c", 5, ""),
        member("m3 c", 5, "c:0,1"),
        member("m4 b", 5, ""),
    ];
    let at = "a=3 b=10 c=2";
    let assignment = (client_assignor("sticky").unwrap().assign)(&members, &counts(at));
    let loads: Vec<_> = assignment.values().map(Vec::len).collect();
    assert_eq!(loads, [3, 4, 3, 2, 3]);
    let kept = assignment["m1"].iter().filter(|partition| members[1].owned.contains(partition)).count();
    assert_eq!((kept, text(&assignment).contains("m3 c:0,1")), (4, true));
}

#[test]
fn assignors_are_found_by_their_names() {
    let named: Vec<_> = CLIENT_ASSIGNORS.iter().map(|assignor| (assignor.name, assignor.protocol)).collect();
    let (eager, cooperative) = (RebalanceProtocol::Eager, RebalanceProtocol::Cooperative);
    let expected = [("range", eager), ("roundrobin", eager), ("sticky", eager), ("cooperative-sticky", cooperative)];
    assert_eq!(named, expected);
    assert_eq!(SERVER_ASSIGNORS.iter().map(|assignor| assignor.name).collect::<Vec<_>>(), ["uniform", "range"]);
    assert!(client_assignor("uniform").is_none() && server_assignor("sticky").is_none());
}

#[test]
fn what_a_member_says_is_what_the_leader_reads() {
    let owned = partitions("shop:0 trucks:1,3");
    for assignor in CLIENT_ASSIGNORS {
        let keeps = assignor.protocol == RebalanceProtocol::Cooperative;
        let subscription = ConsumerProtocolSubscription {
            topics: vec!["trucks".into(), "shop".into()],
            user_data: assignor.user_data(Some(&owned), 4),
            // An eager member has given up what it had.
            owned_partitions: if keeps { by_topic(&owned) } else { Vec::new() },
            generation_id: 4,
            rack_id: None,
        };
        let (id, instance) = ("m1".into(), "wall".into());
        let read = |version| assignor.read_member(&id, Some(&instance), &subscription.to_bytes(version)).unwrap();
        let remembers = assignor.name.ends_with("sticky");
        let member = Member {
            id: id.clone(),
            instance_id: Some(instance.clone()),
            topics: ["shop".into(), "trucks".into()].into(),
            owned: if remembers { owned.clone() } else { Vec::new() },
            generation: 4,
        };
        assert_eq!(read(3), member, "{}", assignor.name);
        // Before version 2 the generation is in the user data only.
        let generation = if remembers { 4 } else { NO_GENERATION };
        assert_eq!(read(1), Member { generation, ..member }, "{}", assignor.name);
    }
}

#[test]
fn user_data_is_made_as_kafka_makes_it() {
    let made = |name, last| client_assignor(name).unwrap().user_data(last, NO_GENERATION);
    assert_eq!(made("range", Some(&[])), None);
    assert_eq!(made("roundrobin", None), None);
    assert_eq!(made("sticky", None), None, "nothing before the first assignment");
    assert_eq!(made("sticky", Some(&[])), Some(Bytes::from_static(&[0, 0, 0, 0, 0xff, 0xff, 0xff, 0xff])));
    assert_eq!(made("cooperative-sticky", None), Some(Bytes::from_static(&[0xff; 4])));
}

#[test]
fn user_data_that_cannot_be_read_counts_as_none() {
    let subscription = ConsumerProtocolSubscription {
        topics: vec!["trucks".into()],
        user_data: Some(Bytes::from_static(&[1, 2])),
        ..Default::default()
    };
    for assignor in CLIENT_ASSIGNORS {
        let member = assignor.member(&"m1".into(), None, &subscription);
        assert_eq!((member.owned, member.generation), (Vec::new(), NO_GENERATION), "{}", assignor.name);
        assignor.read_member(&"m1".into(), None, &Bytes::new()).expect_err("no subscription");
    }
}
