//! Whatever comes in, the work grows with the stream alone, memory with the limits alone, and a reset gives back what's large.

#![no_main]
#![forbid(unsafe_code)]

use eventsource_core::Decoder;
use eventsource_core::codec::{Chunk, Limits, Memory, take_work};
use eventsource_fuzz::cuts::Cuts;
use eventsource_fuzz::setup::Setup;
use eventsource_fuzz::stretch::Stretched;
use libfuzzer_sys::arbitrary::Arbitrary;
use libfuzzer_sys::fuzz_target;
use stats_alloc::{INSTRUMENTED_SYSTEM, Region, StatsAlloc};
use std::alloc::System;

#[global_allocator]
static ALLOCATOR: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

#[derive(Debug, Arbitrary)]
struct Input<'a> {
    setup: Setup,
    buffer: u8,
    cuts: Cuts,
    stream: Stretched<'a>,
}

/// What a byte of the stream may cost. One that isn't UTF-8 is checked, kept, counted and replaced by three.
const WORK: usize = 16;

fuzz_target!(|input: Input<'_>| {
    let stream = input.stream.stream();
    let chunks = input.cuts.of(&stream);
    let held = |region: &Region<'_, System>| {
        let stats = region.change();
        stats.bytes_allocated.saturating_sub(stats.bytes_deallocated)
    };

    let region = Region::new(ALLOCATOR);
    let mut decoder = input.setup.apply(Decoder::new());
    check_work(&mut decoder, &chunks, stream.len());
    let Limits { line, event, name, id, .. } = input.setup.model().limits;
    let kept = [event, line, name, id, id].map(|limit| limit.min(3 * stream.len()));
    // As it comes, of memory that grows by doubling; and three times as much as text.
    let bound = kept.iter().map(|kept| 5 * kept + 64).sum::<usize>();
    assert!(held(&region) <= bound, "{} of {bound} for {} bytes", held(&region), stream.len());

    decoder.reset();
    let last_event_id = decoder.last_event_id().as_str().len();
    let bound = 9 * 64 * 1024 + last_event_id.max(64 * 1024);
    assert!(held(&region) <= bound, "{} of {bound} after a reset", held(&region));
    drop(decoder);
    assert_eq!(held(&region), 0);

    let mut buffer = vec![0; usize::from(input.buffer) << 13];
    check_work(&mut input.setup.apply(Decoder::with_buffer(&mut buffer)), &chunks, stream.len());
});

/// Nobody looks at the items.
fn check_work<M: Memory>(decoder: &mut Decoder<M>, chunks: &[&[u8]], len: usize) {
    take_work();
    for bytes in chunks {
        let mut chunk = Chunk::new(bytes);
        while matches!(decoder.decode(&mut chunk), Ok(Some(_)) | Err(_)) && !decoder.is_stopped() {}
    }
    let work = take_work();
    assert!(work <= WORK * len + 64, "{work} for {len} bytes");
}
