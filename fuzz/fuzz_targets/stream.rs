//! Whatever happens to a stream and in whatever order, it does what its documentation promises.

#![no_main]
#![forbid(unsafe_code)]

use eventsource_fuzz::oracle::Oracle;
use eventsource_fuzz::scenario::Scenario;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|scenario: Scenario| {
    let mut oracle = Oracle::new(&scenario.setup);
    for operation in scenario.operations {
        oracle.perform(operation);
    }
    oracle.finish();
});
