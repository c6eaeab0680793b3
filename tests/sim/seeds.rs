//! Seeds: brokers that die, links that are cut, admins and producers, all drawn from a seed ([`world`](super::world)).
//! After every step the invariants hold; in the end, when all is healed, the [`judge`](super::judge) reads everything
//! back; and the same seed gives the same event log, to the byte.
//!
//! `KSCOPE_SEEDS=A..B` runs other seeds. `KSCOPE_SEED_LOGS=FILE` writes down a sum of each seed's event log: `tests/run`
//! holds those of a debug build against those of a release build.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use super::judge;
use super::world::World;

/// Seeds that found a bug once. They are run whatever `KSCOPE_SEEDS` says.
const FOUND: &[u64] = &[712, 728, 747, 844, 3982];

/// A run of one seed: its event log.
fn run(seed: u64) -> String {
    let mut world = World::new(seed);
    world.live();
    world.heal();
    judge::check(&world);
    world.log
}

/// The seeds to run.
fn seeds() -> Vec<u64> {
    let range = named("KSCOPE_SEEDS", "0..200");
    range.clone().chain(FOUND.iter().copied().filter(|seed| !range.contains(seed))).collect()
}

/// What is to happen in some of the seeds: else they show nothing of it.
const TOLD: &[&str] =
    &["Compacted", "SegmentsDeleted { reason: Time", "SegmentsDeleted { reason: Size", "RecordsDeleted", "StartedAnew"];

/// So many seeds show all of it.
const ENOUGH: usize = 100;

/// Runs each seed twice, several at a time, and shows the log of each. All must end, and be the same twice.
pub(crate) fn each_twice(seeds: &[u64], run: impl Fn(u64) -> String + Sync, show: impl Fn(u64, &str) + Sync) {
    let next = AtomicUsize::new(0);
    let failed = Mutex::new(BTreeSet::new());
    let work = || {
        while let Some(&seed) = seeds.get(next.fetch_add(1, Ordering::Relaxed)) {
            let twice = std::panic::AssertUnwindSafe(|| (run(seed), run(seed)));
            match std::panic::catch_unwind(twice) {
                Ok((first, second)) if first == second => show(seed, &first),
                Ok(_) => drop(failed.lock().unwrap().insert((seed, "is not the same twice"))),
                Err(_) => drop(failed.lock().unwrap().insert((seed, "fails, as said above"))),
            }
        }
    };
    std::thread::scope(|scope| {
        for _ in 0..std::thread::available_parallelism().map_or(1, usize::from) {
            scope.spawn(work);
        }
    });
    let failed = failed.into_inner().unwrap();
    assert!(failed.is_empty(), "seeds: {failed:?}");
}

/// The seeds that the environment names, else those of `default`: `A..B`.
pub(crate) fn named(variable: &str, default: &str) -> std::ops::Range<u64> {
    let text = std::env::var(variable).unwrap_or_else(|_| default.into());
    let (from, to) = text.split_once("..").unwrap_or_else(|| panic!("{variable}=A..B"));
    from.parse().unwrap()..to.parse().unwrap()
}

/// FNV-1a of a log.
fn sum(log: &str) -> u64 {
    log.bytes().fold(0xcbf2_9ce4_8422_2325, |sum, byte| (sum ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3))
}

#[test]
fn no_seed_loses_an_acknowledged_record_or_breaks_an_invariant_and_each_is_the_same_twice() {
    let seeds = seeds();
    let sums = Mutex::new(BTreeMap::new());
    let told = Mutex::new(BTreeMap::new());
    let count = |log: &str| {
        for what in TOLD {
            *told.lock().unwrap().entry(*what).or_insert(0) += log.matches(what).count();
        }
    };
    each_twice(&seeds, run, |seed, log| {
        count(log);
        sums.lock().unwrap().insert(seed, sum(log));
    });
    let told = told.into_inner().unwrap();
    println!("in {} seeds: {told:?}", seeds.len());
    assert!(seeds.len() < ENOUGH || told.values().all(|count| *count > 0), "{told:?}");
    if let Some(path) = std::env::var_os("KSCOPE_SEED_LOGS") {
        let mut lines = String::new();
        for (seed, sum) in sums.into_inner().unwrap() {
            writeln!(lines, "{seed} {sum:016x}").unwrap();
        }
        std::fs::write(path, lines).unwrap();
    }
}
