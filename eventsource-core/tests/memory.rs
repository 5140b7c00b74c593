//! How much memory a decoder holds.

use eventsource_core::Decoder;
use eventsource_core::codec::{Chunk, Limits};
use stats_alloc::{INSTRUMENTED_SYSTEM, Region, StatsAlloc};
use std::alloc::System;

#[global_allocator]
static ALLOCATOR: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

// One test, so that nobody else allocates meanwhile.
#[test]
fn it_is_bounded_by_the_limits_and_given_back_by_a_reset() {
    const MIB: usize = 1024 * 1024;
    let limits = Limits::new().line(MIB).event(MIB);
    for (byte, factor) in [(b'x', 2), (0xff, 5)] {
        let region = Region::new(ALLOCATOR);
        let held = || {
            let stats = region.change();
            stats.bytes_allocated.saturating_sub(stats.bytes_deallocated)
        };
        let mut decoder = Decoder::new().comments(true).limits(limits);
        assert!(held() < 1024, "next to nothing before anything has come");
        // Just beyond a power of two, where doubling is worst; as large as they may be; and cut, so that all is kept.
        for len in [MIB / 2 + 1, MIB - 8] {
            for (field, len) in [("id: ", 4096), ("event: ", 4096), ("data: ", len), (": ", len)] {
                let line = [field.as_bytes(), &vec![byte; len], b"\n"].concat();
                feed(&mut decoder, &line);
            }
            feed(&mut decoder, b"\n");
        }
        let bound = factor * (limits.event + limits.line) + 10 * (limits.name + 2 * limits.id);
        assert!(held() <= bound, "{} of {bound}", held());
        assert!(held() > limits.event + limits.line, "it's kept for the next event");

        decoder.reset();
        assert!(held() <= 320 * 1024, "{} after a reset", held());
        assert!(!decoder.last_event_id().as_str().is_empty(), "that's not given back");
    }

    // A large id, then a small one: the memory of the large one is given back.
    let region = Region::new(ALLOCATOR);
    let mut decoder = Decoder::new().limits(limits.id(MIB));
    feed(&mut decoder, &[b"id: ", &vec![b'x'; MIB - 8][..], b"\n\nid: x\n\n"].concat());
    decoder.reset();
    let stats = region.change();
    let held = stats.bytes_allocated.saturating_sub(stats.bytes_deallocated);
    assert!(held <= 448 * 1024, "{held}");
    assert_eq!(decoder.last_event_id().as_str(), "x");
}

fn feed(decoder: &mut Decoder, bytes: &[u8]) {
    for bytes in bytes.chunks(1000) {
        let mut chunk = Chunk::new(bytes);
        while decoder.decode(&mut chunk).unwrap().is_some() {}
    }
}
