//! What was encoded is decoded, up to the one loss that the format has, wherever the frames are joined and cut.

#![no_main]
#![forbid(unsafe_code)]

use eventsource_core::test_util::Interpretation;
use eventsource_core::{Decoder, Frame};
use eventsource_fuzz::cuts::Cuts;
use eventsource_fuzz::parts::{Parts, Wish};
use eventsource_fuzz::seen::{feed, summary};
use libfuzzer_sys::arbitrary::Arbitrary;
use libfuzzer_sys::fuzz_target;

#[derive(Debug, Arbitrary)]
struct Input {
    cuts: Cuts,
    wishes: Vec<Wish>,
}

fuzz_target!(|input: Input| {
    let stream: Vec<Parts> = input.wishes.into_iter().map(Wish::into_parts).collect();
    let frame: Frame = stream.iter().map(|parts| Frame::from(parts.event())).collect();

    let mut expected = Interpretation::default();
    for parts in &stream {
        let mut seen = Interpretation::of_event(&parts.event());
        if parts.id.is_some() {
            expected.last_event_id.clone_from(&seen.last_event_id);
        }
        for event in &mut seen.events {
            event.last_event_id.clone_from(&expected.last_event_id);
        }
        expected.events.append(&mut seen.events);
        expected.comments.append(&mut seen.comments);
        expected.retry = seen.retry.or(expected.retry);
    }

    let mut decoder = Decoder::new().comments(true);
    let seen = feed(&mut decoder, input.cuts.of(frame.as_bytes()));
    assert_eq!(summary(&seen, decoder.last_event_id().as_str()), expected);
});
