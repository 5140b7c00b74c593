//! Whatever a client that reconnects is told and whenever, it does what the naive one of core's tests says.

#![no_main]
#![forbid(unsafe_code)]

use libfuzzer_sys::fuzz_target;

#[expect(clippy::unchecked_time_subtraction, reason = "a time before its beginning is a finding")]
#[path = "../../eventsource-core/tests/client/model.rs"]
mod model;

fuzz_target!(|schedule: &[u8]| {
    // What's longer shows nothing new, and slowly.
    let schedule = &schedule[..schedule.len().min(1000)];
    let run = model::run(schedule);
    assert!(run.inputs <= 1000 && run.closed <= run.inputs);
    // At most 120 s go by within an input, and never more than ten attempts in a second of them. Each client begins with one more.
    assert!(run.attempts <= u64::from(run.inputs + 1) * 1201);
});
