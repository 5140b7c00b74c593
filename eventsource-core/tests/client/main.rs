//! The machine that reconnects, in simulated time: no socket, no runtime, no sleep.

#![expect(clippy::unchecked_time_subtraction, reason = "a time before its beginning fails the test")]

mod herd;
mod model;
mod rules;
mod server;
mod source;

use proptest::prelude::*;

proptest! {
    #![proptest_config(ProptestConfig { cases: 2000, ..ProptestConfig::default() })]

    /// Whatever is reported and whenever, the machine does what the naive one says.
    #[test]
    fn random_inputs(schedule in proptest::collection::vec(any::<u8>(), 800..900)) {
        let run = model::run(&schedule);
        prop_assert!(run.inputs >= 200, "{run:?}");
        prop_assert!(run.attempts > 0, "{run:?}");
    }

    /// Wherever connections break.
    #[test]
    fn every_event_comes_once(cuts in proptest::collection::vec((0..1300_u16, any::<u8>()), 0..40)) {
        source::every_event_comes_once_and_in_order(&cuts);
    }
}

/// The schedules of the test above reach what they are to reach.
#[test]
fn random_inputs_lead_somewhere() {
    let mut random = 1_u64;
    let (mut attempts, mut closed, mut longest) = (0, 0, 0);
    for _ in 0..200 {
        let schedule: Vec<u8> = (0..500)
            .map(|_| {
                random = random.wrapping_mul(0x5851_f42d_4c95_7f2d).wrapping_add(1);
                random.to_be_bytes()[0]
            })
            .collect();
        let run = model::run(&schedule);
        attempts += run.attempts;
        closed += run.closed;
        longest = longest.max(run.attempts);
    }
    assert!(attempts > 2000 && closed > 200 && longest > 20, "{attempts} {closed} {longest}");
}
