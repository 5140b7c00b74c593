//! Spreading moments, so that what began together doesn't end together.

use core::ops::RangeInclusive;
use core::time::Duration;

/// A duration within `range`, picked by `seed`: the same seed picks the same place in it, and seeds that
/// differ in anything, also consecutive ones, pick places that look random. A range that's turned round counts as
/// its start alone.
///
/// For a reconnection time or a lifetime per connection; the randomness is the caller's.
///
/// ```
/// use core::time::Duration;
/// use eventsource_core::stream::jitter;
///
/// let range = Duration::from_secs(2)..=Duration::from_secs(10);
/// let retry = jitter(range.clone(), 7);
/// assert!(range.contains(&retry));
/// assert_eq!(retry, jitter(range, 7));
/// ```
pub fn jitter(range: RangeInclusive<Duration>, seed: u64) -> Duration {
    let (start, end) = range.into_inner();
    let span = end.saturating_sub(start);
    // A duration has less than 95 bits of nanoseconds: times 32 bits, it fits.
    let fraction = u128::from(mix(seed) >> 32);
    let nanos = span.as_nanos().saturating_mul(fraction) >> 32;
    let seconds = u64::try_from(nanos / NANOS_PER_SEC).unwrap_or(u64::MAX);
    let subsec = u32::try_from(nanos % NANOS_PER_SEC).unwrap_or_default();
    start.saturating_add(Duration::new(seconds, subsec))
}

const NANOS_PER_SEC: u128 = 1_000_000_000;

/// The output function of `SplitMix64`: each bit of the seed reaches each bit of the result.
const fn mix(seed: u64) -> u64 {
    let x = seed.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let x = (x ^ (x >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let x = (x ^ (x >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    x ^ (x >> 31)
}

/// Returns a seed that differs from one call to the next and from one process to another, also between processes that were
/// forked from one.
#[cfg(feature = "std")]
pub(crate) fn random_seed() -> u64 {
    seed(&std::hash::RandomState::new(), std::process::id(), std::time::SystemTime::now())
}

/// The keys are of the operating system's randomness, but a fork has those of its parent.
#[cfg(feature = "std")]
fn seed(keys: &std::hash::RandomState, process: u32, now: std::time::SystemTime) -> u64 {
    core::hash::BuildHasher::hash_one(keys, (process, now))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn consecutive_seeds_fill_the_range_evenly() {
        let mut buckets = [0; 10];
        for seed in 0..10_000 {
            let picked = jitter(Duration::from_secs(10)..=Duration::from_secs(20), seed);
            buckets[usize::try_from(picked.as_secs() - 10).unwrap()] += 1;
        }
        assert!(buckets.iter().all(|count| (900..1100).contains(count)), "{buckets:?}");
    }

    #[cfg(feature = "std")]
    #[test]
    fn forked_processes_have_different_seeds() {
        // A fork begins with the keys of its parent, and two may ask at the same time.
        let (keys, now) = (std::hash::RandomState::new(), std::time::SystemTime::now());
        let seeds: std::collections::HashSet<_> =
            (0..1000).map(|process| seed(&keys, process, now)).collect();
        assert_eq!(seeds.len(), 1000);
    }

    #[test]
    fn every_range_has_an_answer() {
        for seed in [0, 1, u64::MAX] {
            assert_eq!(jitter(Duration::ZERO..=Duration::ZERO, seed), Duration::ZERO);
            assert_eq!(jitter(Duration::MAX..=Duration::MAX, seed), Duration::MAX);
            assert_eq!(jitter(Duration::MAX..=Duration::ZERO, seed), Duration::MAX);
            let _ = jitter(Duration::ZERO..=Duration::MAX, seed);
        }
    }
}
