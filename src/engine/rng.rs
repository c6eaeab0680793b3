//! Seeded chance: one generator per purpose, each split from the seed by the purpose's name, so that one more draw
//! here does not shift another there. Integers only: floating point would differ between processors.

use std::time::Duration;

/// A seeded generator for one purpose. `Clone` copies its state: a clone draws the same numbers.
#[derive(Clone, Debug)]
pub struct Rng(fastrand::Rng);

impl Rng {
    /// The generator of `purpose` (a stable name such as `link` or `broker-2`) under `seed`.
    pub fn split(seed: u64, purpose: &str) -> Self {
        // FNV-1a spreads the name over 64 bits; it is fixed by its definition, which a library's hasher is not.
        let hash =
            purpose.bytes().fold(0xcbf2_9ce4_8422_2325_u64, |h, b| (h ^ u64::from(b)).wrapping_mul(0x0100_0000_01b3));
        Self(fastrand::Rng::with_seed(seed ^ hash))
    }

    /// A number in `0..bound`; 0 where the bound is 0.
    pub fn below(&mut self, bound: u64) -> u64 {
        if bound == 0 { 0 } else { self.0.u64(0..bound) }
    }

    /// An index in `0..len`; 0 where there is none.
    pub fn index(&mut self, len: usize) -> usize {
        if len == 0 { 0 } else { self.0.usize(0..len) }
    }

    /// True `parts` times in a million.
    pub fn chance_ppm(&mut self, parts: u32) -> bool {
        self.below(1_000_000) < u64::from(parts)
    }

    /// A duration between `low` and `high`, both included, in microseconds.
    pub fn between(&mut self, low: Duration, high: Duration) -> Duration {
        let low = u64::try_from(low.as_micros()).unwrap_or(u64::MAX);
        let high = u64::try_from(high.as_micros()).unwrap_or(u64::MAX);
        Duration::from_micros(low.saturating_add(self.below(high.saturating_sub(low).saturating_add(1))))
    }

    /// 64 random bits.
    pub fn bits(&mut self) -> u64 {
        self.0.u64(..)
    }

    /// A random (version 4) UUID, as Kafka's topic ids are.
    pub fn uuid(&mut self) -> uuid::Uuid {
        uuid::Builder::from_random_bytes(((u128::from(self.bits()) << 64) | u128::from(self.bits())).to_be_bytes())
            .into_uuid()
    }
}
