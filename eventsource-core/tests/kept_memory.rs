//! How much memory events hold that somebody keeps.

use bytes::Bytes;
use eventsource_core::Events;
use futures_util::{FutureExt, StreamExt, stream};
use stats_alloc::{INSTRUMENTED_SYSTEM, Region, StatsAlloc};
use std::alloc::System;

#[global_allocator]
static ALLOCATOR: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

// One test, so that nobody else allocates meanwhile.
#[test]
fn kept_events_hold_little_more_than_their_text() {
    const EVENTS: usize = 1000;
    const EVENT: &[u8] = b"data: 14 bytes of it\n\n";
    // As a client of HTTP hands them out: each chunk is a small part of a large buffer that was read.
    let chunks = stream::repeat_with(|| {
        let mut buffer = vec![b'.'; 155_000];
        buffer[..EVENT.len()].copy_from_slice(EVENT);
        Ok::<_, ()>(Bytes::from(buffer).slice(..EVENT.len()))
    });
    let mut events = Events::new(chunks);
    let mut kept = Vec::with_capacity(EVENTS);
    let region = Region::new(ALLOCATOR);
    for _ in 0..EVENTS {
        kept.push(events.next().now_or_never().unwrap().unwrap().unwrap());
    }
    let stats = region.change();
    let held = stats.bytes_allocated.saturating_sub(stats.bytes_deallocated);
    assert!(held < EVENTS * 64, "{held} bytes for {EVENTS} events of 14");
    assert!(kept.iter().all(|event| event.data.len() == 14));
}
