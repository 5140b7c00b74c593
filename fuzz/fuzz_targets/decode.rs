//! Whatever comes in, with whatever limits: no panic, steady progress, nothing lent that's larger than the limits allow, and
//! the same whatever the cuts, errors included.

#![no_main]
#![forbid(unsafe_code)]

use eventsource_core::{Decoder, Limits, Memory, Overflow};
use eventsource_fuzz::seen::{Seen, decode};
use libfuzzer_sys::arbitrary::Arbitrary;
use libfuzzer_sys::fuzz_target;

#[derive(Debug, Arbitrary)]
struct Input<'a> {
    limits: Option<[u8; 3]>,
    skip: bool,
    comments: bool,
    buffer: u8,
    lengths: [u8; 6],
    stream: &'a [u8],
}

impl Input<'_> {
    fn set_up<M: Memory>(&self, decoder: Decoder<M>) -> Decoder<M> {
        let overflow = if self.skip { Overflow::Skip } else { Overflow::Stop };
        decoder.limits(self.limits()).overflow(overflow).comments(self.comments)
    }

    fn limits(&self) -> Limits {
        self.limits.map_or_else(Limits::default, |[line, event, id]| Limits {
            line: line.into(),
            event: event.into(),
            name: id.into(),
            id: id.into(),
        })
    }
}

fuzz_target!(|input: Input<'_>| {
    let whole = decode(&mut input.set_up(Decoder::new()), input.stream, &[]);
    assert_eq!(decode(&mut input.set_up(Decoder::new()), input.stream, &input.lengths), whole);

    let mut buffer = vec![0; 4 * usize::from(input.buffer)];
    let fixed = decode(&mut input.set_up(Decoder::with_buffer(&mut buffer)), input.stream, &[]);
    assert_eq!(
        decode(&mut input.set_up(Decoder::with_buffer(&mut buffer)), input.stream, &input.lengths),
        fixed
    );

    // A byte that's invalid becomes three.
    let Limits { line, event, name, id } = input.limits();
    for item in &whole {
        match item {
            Seen::Event(seen) => {
                assert!(seen.data.len() <= event.saturating_mul(3));
                assert!(seen.name.len() <= name.saturating_mul(3).max("message".len()));
                assert!(seen.last_event_id.len() <= id.saturating_mul(3));
            }
            Seen::Comment(text) => assert!(text.len() <= line.saturating_mul(3)),
            Seen::LastEventId(seen) => assert!(seen.len() <= id.saturating_mul(3)),
            Seen::Retry(_) | Seen::Error(_) => {}
        }
    }
});
