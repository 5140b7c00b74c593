//! Any stream in any cuts is what the reference interpreter makes of it, in growable memory and in a buffer.

#![no_main]
#![forbid(unsafe_code)]

use eventsource_core::Decoder;
use eventsource_core::test_util::interpret;
use eventsource_fuzz::cuts::Cuts;
use eventsource_fuzz::seen::{feed, summary};
use libfuzzer_sys::arbitrary::Arbitrary;
use libfuzzer_sys::fuzz_target;

#[derive(Debug, Arbitrary)]
struct Input<'a> {
    cuts: Cuts,
    stream: &'a [u8],
}

fuzz_target!(|input: Input<'_>| {
    let Input { cuts, stream } = input;
    let expected = interpret(stream);

    let mut decoder = Decoder::new().comments(true);
    let seen = feed(&mut decoder, cuts.of(stream));
    assert_eq!(summary(&seen, decoder.last_event_id().as_str()), expected);

    // Used again for the next connection, cut elsewhere.
    decoder.reset();
    let again = feed(&mut decoder, Cuts(cuts.0.map(|length| length / 16)).of(stream));
    if expected.last_event_id.is_empty() {
        assert_eq!(again, seen);
    }

    let mut buffer = vec![0; 32 * stream.len() + 64];
    let mut decoder = Decoder::with_buffer(&mut buffer).comments(true);
    assert_eq!(feed(&mut decoder, cuts.of(stream)), seen);
});
