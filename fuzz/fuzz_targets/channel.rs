//! Any schedule of operations has the outcome that the naive channel of core's tests says.

#![no_main]
#![forbid(unsafe_code)]

use libfuzzer_sys::fuzz_target;

#[path = "../../eventsource-core/tests/channel/model.rs"]
mod model;

fuzz_target!(|schedule: &[u8]| {
    // What's longer shows nothing new, and slowly.
    let run = model::run(&schedule[..schedule.len().min(1000)]);
    assert!(run.ops <= 1000);
});
