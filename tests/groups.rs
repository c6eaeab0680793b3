//! What a session does to groups, on a lab that runs: real requests to the coordinator, seen in the snapshots that follow.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::sync::Arc;

use kscope::session::action::{
    Action, CommitMode, Cut, Failure, NewConsumer, OffsetChange, OffsetsReset, Outcome, ResetTo,
};
use kscope::session::embedded::{self, Embedded, Extras, LabOptions};
use kscope::session::snapshot::{Group, GroupState, Snapshot};

/// A lab with its usual traffic, at twice the speed of life: an unoptimised engine keeps up with that.
async fn lab() -> Embedded {
    let mut options = LabOptions::new(false);
    (options.port, options.zk_port, options.rate_ppm) = (Some(0), Some(0), 2_000_000);
    let lab = embedded::open(options, Extras::default()).await.unwrap();
    lab.ready().await.unwrap();
    lab
}

/// Waits for a snapshot of the group that is as `is` says.
async fn until(lab: &Embedded, is: impl Fn(&Group) -> bool) -> Arc<Group> {
    let group = |snapshot: &Snapshot| snapshot.groups.get("dashboard").cloned().filter(|group| is(group));
    let mut snapshots = lab.session.watch();
    let found = snapshots.wait_for(|snapshot| group(snapshot).is_some()).await.unwrap();
    group(&found).unwrap()
}

async fn done(lab: &Embedded, action: Action) {
    let outcome = lab.session.ask(action.clone()).await;
    assert!(matches!(outcome, Outcome::Done(_)), "{action:?}: {outcome:?}");
}

async fn preview(lab: &Embedded, to: ResetTo) -> Vec<OffsetChange> {
    match lab.session.ask(reset(to, false)).await {
        Outcome::Offsets(changes) => changes,
        other => panic!("{other:?}"),
    }
}

fn reset(to: ResetTo, execute: bool) -> Action {
    Action::ResetOffsets(OffsetsReset { group: "dashboard".into(), topic: None, to, execute })
}

async fn leave(lab: &Embedded, group: &Group) {
    for member in &group.members {
        done(lab, Action::CloseConsumer(member.built_in.as_ref().unwrap().consumer)).await;
    }
}

#[tokio::test]
async fn offsets_are_reset_once_nobody_is_in_the_group_and_who_joins_goes_on_there() {
    let lab = lab().await;
    let read = |group: &Group| group.partitions.iter().filter(|at| at.committed > Some(10)).count() >= 8;
    let group = until(&lab, |group| group.state == GroupState::Stable && read(group)).await;

    for execute in [false, true] {
        let Outcome::Failed(Failure { error, message, .. }) = lab.session.ask(reset(ResetTo::Earliest, execute)).await
        else {
            panic!("members are in it")
        };
        // Who only looks is told by us, who commits by the coordinator.
        assert_eq!(error.as_deref(), execute.then_some("UNKNOWN_MEMBER_ID"), "{message}");
        assert!(message.contains("while nobody is in"), "{message}");
    }

    leave(&lab, &group).await;
    let group = until(&lab, |group| group.state == GroupState::Empty).await;
    let committed = |change: &OffsetChange| group.partition(&change.at).and_then(|at| at.committed);
    let changes = preview(&lab, ResetTo::Shift(-7)).await;
    assert_eq!(changes.len(), group.partitions.iter().filter(|at| at.committed.is_some()).count());
    for change in &changes {
        assert_eq!((change.before, change.after), (committed(change), (change.before.unwrap() - 7).max(0)));
    }
    let ends = preview(&lab, ResetTo::Latest).await;
    assert!(ends.iter().all(|change| change.after >= change.before.unwrap()), "{ends:?}");
    assert!(preview(&lab, ResetTo::Offset(3)).await.iter().all(|change| change.after <= 3), "no further than the end");
    assert!(preview(&lab, ResetTo::Time(0)).await.iter().all(|change| change.after == 0), "all is later than 1970");
    let cut = |to, why| {
        let lab = &lab;
        async move { preview(lab, to).await.iter().all(|change| change.cut == why) }
    };
    assert!(cut(ResetTo::Earliest, None).await && cut(ResetTo::Latest, None).await, "the ends were asked for");
    assert!(cut(ResetTo::Offset(i64::MAX), Some(Cut::End)).await, "no log is so long");
    assert!(cut(ResetTo::Shift(i64::MIN), Some(Cut::Start)).await, "nothing is before the first record");
    assert!(cut(ResetTo::Time(i64::MAX), Some(Cut::NoneSoLate)).await, "nothing is so late");

    done(&lab, reset(ResetTo::Earliest, true)).await;
    until(&lab, |group| group.partitions.iter().all(|at| at.committed.is_none_or(|offset| offset == 0))).await;

    let wanted = NewConsumer {
        group: "dashboard".into(),
        topics: vec!["trucks_gps".into()],
        assignors: vec!["cooperative-sticky".into()],
        commit: CommitMode::After,
        instance_id: Some("wall".into()),
        ..NewConsumer::default()
    };
    done(&lab, Action::AddConsumer(wanted)).await;
    let group = until(&lab, |group| group.state == GroupState::Stable && read(group)).await;
    let [member] = group.members.as_slice() else { panic!("{:?}", group.members) };
    assert_eq!((member.instance_id.as_deref(), &*member.client_id), (Some("wall"), "dashboard-4"));
    assert!(group.cooperative);
    lab.end().await;
}
