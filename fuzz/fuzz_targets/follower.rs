//! Whoever hops between two nodes that follow one log sees each event once and in order, and is told what is missing.

#![no_main]
#![forbid(unsafe_code)]

use libfuzzer_sys::fuzz_target;

#[path = "../../eventsource-core/tests/channel/nodes.rs"]
mod nodes;

fuzz_target!(|schedule: &[u8]| {
    // What's longer shows nothing new, and slowly.
    let run = nodes::run(&schedule[..schedule.len().min(1000)]);
    assert!(run.ops <= 1000 && run.lost + run.ahead + run.trimmed <= run.ops);
    assert!(run.epochs as usize <= run.ops && run.events <= 100 * run.ops + 100);
});
