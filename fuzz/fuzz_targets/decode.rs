//! Whatever comes in, with whatever limits, in growable memory and in a buffer, whole and cut, over one connection after another, also
//! after an error: no panic, steady progress, and what the naive decoder of core's tests says.

#![no_main]
#![forbid(unsafe_code)]

use eventsource_core::codec::Memory;
use eventsource_core::{Decoder, EventId};
use eventsource_fuzz::cuts::Cuts;
use eventsource_fuzz::model::{Model, Outcome};
use eventsource_fuzz::seen::feed;
use eventsource_fuzz::setup::Setup;
use libfuzzer_sys::arbitrary::Arbitrary;
use libfuzzer_sys::fuzz_target;

#[derive(Debug, Arbitrary)]
struct Input<'a> {
    setup: Setup,
    buffer: u16,
    cuts: Cuts,
    /// Where in the stream a connection ends and the next one begins.
    breaks: [u8; 2],
    /// What a connection is to begin after, if not after what the one before has seen.
    resume_after: [Option<&'a str>; 2],
    stream: &'a [u8],
}

/// A connection: what it begins after, and what comes.
type Connection<'a> = (Option<EventId<'a>>, &'a [u8]);

impl Input<'_> {
    fn connections(&self) -> [Connection<'_>; 3] {
        let at = self.breaks.map(|at| usize::from(at).min(self.stream.len()));
        let (first, last) = (at[0].min(at[1]), at[0].max(at[1]));
        let [second, third] = self.resume_after.map(|id| id.and_then(|id| EventId::new(id).ok()));
        [(None, &self.stream[..first]), (second, &self.stream[first..last]), (third, &self.stream[last..])]
    }

    fn expected(&self, model: Model) -> Vec<Outcome> {
        let part = model.buffer.map_or(usize::MAX, |size| size / 8);
        let mut last_event_id = String::new();
        let connections = self.connections().into_iter();
        let outcomes = connections.map(|(after, stream)| {
            if let Some(id) = after {
                // One that has no room is taken for none.
                last_event_id = if id.as_str().len() <= part { id.to_string() } else { String::new() };
            }
            let outcome = model.decode_after(&last_event_id, stream);
            last_event_id.clone_from(&outcome.last_event_id);
            outcome
        });
        outcomes.collect()
    }

    fn check<M: Memory>(&self, decoder: Decoder<M>, cuts: Cuts, expected: &[Outcome]) {
        let mut decoder = self.setup.apply(decoder);
        for ((after, stream), expected) in self.connections().into_iter().zip(expected) {
            if let Some(id) = after {
                decoder = decoder.resume_after(id);
            }
            let seen = feed(&mut decoder, cuts.of(stream));
            assert_eq!(&Outcome::of(&decoder, seen), expected);
            decoder.reset();
        }
    }
}

fuzz_target!(|input: Input<'_>| {
    let whole = Cuts([0; 8]);
    let model = input.setup.model();
    let expected = input.expected(model);
    input.check(Decoder::new(), whole, &expected);
    input.check(Decoder::new(), input.cuts, &expected);

    let size = usize::from(input.buffer % 2048);
    let expected = input.expected(Model { buffer: Some(size), ..model });
    let mut buffer = vec![0; size];
    input.check(Decoder::with_buffer(&mut buffer), whole, &expected);
    input.check(Decoder::with_buffer(&mut buffer), input.cuts, &expected);
});
