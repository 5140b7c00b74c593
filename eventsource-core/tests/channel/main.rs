//! The channel, held against a naive one.

mod drained;
mod edges;
mod follower;
mod kept;
mod model;
mod nodes;
mod resume;
mod told;

use proptest::prelude::*;

proptest! {
    #![proptest_config(ProptestConfig { cases: 10_000, ..ProptestConfig::default() })]

    /// Every subscriber sees exactly what the naive channel says: each event once and in order, every gap told, whoever lags
    /// treated as asked for, and nobody asleep over something.
    #[test]
    fn random_schedules(schedule in proptest::collection::vec(any::<u8>(), 350..500)) {
        let run = model::run(&schedule);
        prop_assert!(run.ops >= 50);
    }

    /// Whoever hops between two nodes that follow one log sees each event once and in order, and is told what is missing.
    #[test]
    fn random_logs(schedule in proptest::collection::vec(any::<u8>(), 350..600)) {
        let run = nodes::run(&schedule);
        prop_assert!(run.ops >= 50);
    }

    /// The same of a drain in the middle: everybody gets what was published until they were told, the last words, and the end.
    #[test]
    fn random_schedules_with_a_drain(schedule in proptest::collection::vec(any::<u8>(), 120..400)) {
        let outcome = drained::run(&schedule);
        prop_assert!(outcome.ops >= 50);
    }
}
