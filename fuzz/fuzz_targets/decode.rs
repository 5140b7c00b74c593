//! Whatever comes in, with whatever limits, in growable memory and in a buffer, whole and cut: no panic, steady progress, and what
//! the naive decoder of core's tests says.

#![no_main]
#![forbid(unsafe_code)]

use eventsource_core::Decoder;
use eventsource_core::codec::{Limits, Memory, Overflow};
use eventsource_fuzz::cuts::Cuts;
use eventsource_fuzz::model::Model;
use eventsource_fuzz::seen::{Seen, feed};
use libfuzzer_sys::arbitrary::Arbitrary;
use libfuzzer_sys::fuzz_target;

#[derive(Debug, Arbitrary)]
struct Input<'a> {
    limits: Option<[u8; 4]>,
    skip: bool,
    comments: bool,
    buffer: u16,
    cuts: Cuts,
    stream: &'a [u8],
}

impl Input<'_> {
    fn model(&self) -> Model {
        let limits = self.limits.map_or_else(Limits::default, |limits| {
            let [line, event, name, id] = limits.map(usize::from);
            Limits::new().line(line).event(event).name(name).id(id)
        });
        let overflow = if self.skip { Overflow::Skip } else { Overflow::Stop };
        Model { limits, overflow, comments: self.comments, buffer: None }
    }

    fn decode<M: Memory>(&self, decoder: Decoder<M>, chunks: Vec<&[u8]>) -> (Vec<Seen>, String) {
        let Model { limits, overflow, comments, .. } = self.model();
        let mut decoder = decoder.limits(limits).overflow(overflow).comments(comments);
        let seen = feed(&mut decoder, chunks);
        (seen, decoder.last_event_id().to_string())
    }
}

fuzz_target!(|input: Input<'_>| {
    let whole = || vec![input.stream];
    let cut = || input.cuts.of(input.stream);

    let expected = input.model().decode(input.stream);
    assert_eq!(input.decode(Decoder::new(), whole()), expected);
    assert_eq!(input.decode(Decoder::new(), cut()), expected);

    let size = usize::from(input.buffer % 2048);
    let expected = Model { buffer: Some(size), ..input.model() }.decode(input.stream);
    let mut buffer = vec![0; size];
    assert_eq!(input.decode(Decoder::with_buffer(&mut buffer), whole()), expected);
    assert_eq!(input.decode(Decoder::with_buffer(&mut buffer), cut()), expected);
});
