//! A lab without a thread, sockets or a clock of its own: time passes when it is told to, and what is asked for is done
//! at that very moment. The same options, actions and times give the same snapshots on any machine, so that pictures and
//! tests can be made of it. It cannot be joined.

use std::sync::Arc;
use std::time::Duration;

use super::actions::{by, consumers, failed};
use super::observer::About;
use super::options::LabOptions;
use super::project::Projector;
use crate::engine::client::Patience;
use crate::engine::cluster::Cluster;
use crate::engine::message::{Answer, Command, Input, Output};
use crate::engine::node::{BrokerId, ZkId};
use crate::engine::runtime::ClockView;
use crate::engine::time::{Now, Time};
use crate::session::action::{Action, Origin, Outcome};
use crate::session::snapshot::{Addresses, Snapshot};

/// How often it is looked at, in lab time, as a screen looks: rates and changes are what two looks tell.
const LOOK_EVERY: Duration = Duration::from_millis(100);

/// A lab that steps when it is told to.
pub struct Stepped {
    cluster: Cluster,
    projector: Projector,
    patience: Patience,
    time: Time,
    newest: Arc<Snapshot>,
}

impl Stepped {
    /// A lab at its start, whose date is `epoch_ms` (milliseconds since 1970). Ports that are left open are the usual ones.
    pub fn new(options: &LabOptions, epoch_ms: i64) -> Self {
        let port = options.port.filter(|port| *port > 0).unwrap_or(super::BROKER_PORT);
        let ports: Vec<u16> = (port..).take(options.brokers.into()).collect();
        let host = options.advertised_host();
        let named: Vec<String> = ports.iter().map(|port| format!("{host}:{port}")).collect();
        let addresses = Addresses {
            bootstrap: named.first().map(String::as_str).unwrap_or_default().into(),
            all_brokers: named.join(",").into(),
            zookeeper: Some(format!("{host}:{}", super::ZOOKEEPER_PORT).into()),
            ..Addresses::default()
        };
        let cluster = Cluster::new(options.config(ports), epoch_ms);
        let projector = Projector::new(About { name: options.name(), addresses }, &cluster);
        let patience = options.patience();
        let mut lab = Self { cluster, projector, patience, time: Time::ZERO, newest: Arc::default() };
        lab.look();
        lab
    }

    /// Lets lab time pass, in all its steps.
    pub fn pass(&mut self, time: Duration) {
        let end = self.time + time;
        while self.time < end {
            let next = (self.time + LOOK_EVERY).min(end);
            loop {
                let due = self.cluster.due();
                let at = due.lab.min(due.outside);
                if at > next {
                    break;
                }
                let now = self.now(at.max(self.time));
                self.step(Input::Due, now);
            }
            self.time = next;
            self.look();
        }
    }

    /// Does what is asked for at once: to a broker's process, or to a consumer. Other actions are for a lab with a clock.
    pub fn act(&mut self, action: &Action, origin: Origin) -> Outcome {
        let command = match action {
            Action::KillBroker(id) => Command::Kill(BrokerId(*id)),
            Action::PowerLoss(id) => Command::PowerLoss(BrokerId(*id)),
            Action::StartBroker(id) => Command::Start(BrokerId(*id)),
            Action::ShutdownBroker(id) => Command::Shutdown(BrokerId(*id)),
            Action::KillServer(id) => Command::KillServer(ZkId(*id)),
            Action::StartServer(id) => Command::StartServer(ZkId(*id)),
            other => match consumers::command(other, &self.cluster, &self.patience) {
                Some((command, _)) => command,
                None => {
                    return Outcome::Failed(failed("a lab that is stepped only starts and ends brokers and consumers"));
                }
            },
        };
        let outputs = self.step(Input::Command { ticket: 0, by: by(origin), command }, self.now(self.time));
        self.look();
        let refused = outputs.into_iter().find_map(|output| match output {
            Output::Answer { answer: Answer::Refused(why), .. } => Some(why),
            _ => None,
        });
        refused.map_or_else(|| Outcome::Done("done".into()), |why| Outcome::Failed(failed(why)))
    }

    /// The lab as it is now.
    pub fn snapshot(&self) -> Arc<Snapshot> {
        Arc::clone(&self.newest)
    }

    /// One step, and those of the storage jobs that it leads to: they are done at once.
    fn step(&mut self, input: Input, now: Now) -> Vec<Output> {
        let mut outputs = Vec::new();
        self.cluster.step(input, now, &mut outputs);
        let mut next = 0;
        while let Some(output) = outputs.get(next) {
            if let Output::Storage(job) = output {
                let done = job.done();
                self.cluster.step(Input::Storage(done), now, &mut outputs);
            }
            next += 1;
        }
        outputs
    }

    #[cfg(test)]
    pub(super) fn cluster(&self) -> &Cluster {
        &self.cluster
    }

    fn now(&self, at: Time) -> Now {
        Now { lab: at, outside: at, epoch_ms: self.cluster.now().epoch_ms }
    }

    fn look(&mut self) {
        let clock = ClockView::at(self.now(self.time), 1_000_000);
        self.newest = Arc::new(self.projector.project(&mut self.cluster, &clock));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Looks again and again, and holds each look against one that shares nothing with those before.
    fn watched(lab: &mut Stepped, seconds: u64) {
        for _ in 0..seconds * 10 {
            lab.pass(LOOK_EVERY);
            let anew = lab.projector.topics_anew(&lab.cluster, lab.time.0);
            for (name, topic) in anew.iter() {
                for (built, shared) in topic.partitions.iter().zip(&lab.newest.topics[name].partitions) {
                    assert_eq!(built, shared, "{name} at {}", lab.time);
                }
            }
            assert_eq!(anew, lab.newest.topics);
        }
    }

    #[test]
    fn what_a_look_shares_with_the_one_before_is_what_it_would_build() {
        for seed in 1..=3 {
            let mut options = LabOptions::new(false);
            options.seed = seed;
            let mut lab = Stepped::new(&options, 1_767_225_600_000);
            watched(&mut lab, 2);
            for action in [
                Action::KillBroker(2),
                Action::StartBroker(2),
                Action::ShutdownBroker(1),
                Action::StartBroker(1),
                Action::PowerLoss(3),
                Action::KillBroker(1),
                Action::StartBroker(3),
                Action::StartBroker(1),
            ] {
                lab.act(&action, Origin::Program);
                watched(&mut lab, 3);
            }
            // Gone and back between two looks.
            lab.act(&Action::KillBroker(2), Origin::Program);
            lab.act(&Action::StartBroker(2), Origin::Program);
            watched(&mut lab, 3);
        }
    }

    #[test]
    fn without_a_quorum_sessions_are_held_and_a_dead_broker_stays_in_until_somebody_leads() {
        let mut options = LabOptions::new(false);
        options.zookeepers = 3;
        let mut lab = Stepped::new(&options, 1_767_225_600_000);
        watched(&mut lab, 4);
        for action in [Action::KillServer(3), Action::KillServer(1), Action::KillBroker(2)] {
            assert!(matches!(lab.act(&action, Origin::Program), Outcome::Done(_)));
            watched(&mut lab, 1);
        }
        watched(&mut lab, 10);
        let look = lab.snapshot();
        assert!(look.zookeeper.as_ref().is_some_and(|ensemble| !ensemble.is_led() && ensemble.sessions.len() == 3));
        let sessions = look.brokers.values().map(|broker| broker.session.clone().unwrap());
        assert!(sessions.into_iter().all(|session| session.held && !session.expired && session.server.is_none()));
        let led =
            |look: &Snapshot| look.topics.values().flat_map(|topic| &topic.partitions).all(|p| p.leader.is_some());
        assert!(!led(&look));

        lab.act(&Action::StartServer(1), Origin::Program);
        watched(&mut lab, 4);
        let look = lab.snapshot();
        assert!(look.zookeeper.as_ref().is_some_and(|ensemble| ensemble.is_led()) && led(&look));
        let of = |id: i32| look.brokers[&id].session.clone().unwrap();
        assert!(of(2).expired && !of(1).held && of(1).server.is_some());
    }

    #[test]
    fn two_labs_of_the_same_seed_look_the_same_and_a_kill_says_who_pressed() {
        let story = || {
            let mut lab = Stepped::new(&LabOptions::new(false), 1_767_225_600_000);
            lab.pass(Duration::from_secs(4));
            assert!(lab.snapshot().ready);
            assert!(matches!(lab.act(&Action::KillBroker(2), Origin::Key("K".into())), Outcome::Done(_)));
            assert!(matches!(lab.act(&Action::KillBroker(2), Origin::Program), Outcome::Failed(_)));
            lab.pass(Duration::from_secs(2));
            lab.snapshot()
        };
        let (one, two) = (story(), story());
        assert_eq!(serde_json::to_string(&one).unwrap(), serde_json::to_string(&two).unwrap());
        let killed = one.events.iter().find(|event| event.kind.as_ref() == "broker_killed").unwrap();
        assert_eq!((killed.because.as_ref(), &killed.by), ("you pressed K", &Some(Origin::Key("K".into()))));
        let all_led =
            one.topics.values().flat_map(|topic| &topic.partitions).all(|partition| partition.leader.is_some());
        assert!(all_led, "elected within two seconds");
    }
}
