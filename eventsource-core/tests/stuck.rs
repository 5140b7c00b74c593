//! How much memory clients hold that have stopped reading.

use eventsource_core::test_util::Probe;
use eventsource_core::{Channel, ChannelOptions, EventStream};
use stats_alloc::{INSTRUMENTED_SYSTEM, Region, StatsAlloc};
use std::alloc::System;

#[global_allocator]
static ALLOCATOR: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

// One test, so that nobody else allocates meanwhile.
#[test]
fn a_stuck_subscriber_with_a_filter_holds_little() {
    const LARGE: usize = 64 * 1024;
    let channel = Channel::with_options(ChannelOptions::new().retain(0, 0).live_window(64, usize::MAX));
    let subscribe = || channel.subscription().filter(|()| true).begin().unwrap();
    let mut stuck: Vec<_> = (0..50).map(|_| Probe::new(EventStream::without_timer(subscribe()))).collect();
    for client in &mut stuck {
        client.take_ready(9);
    }
    let region = Region::new(ALLOCATOR);
    channel.publish_all((0..64).map(|_| "x".repeat(LARGE))).unwrap();
    for client in &mut stuck {
        assert_eq!(client.take_ready(1).len(), 1);
    }
    // The window moves on, so that only the clients still hold what was large.
    channel.publish_all((0..64).map(|_| "small")).unwrap();
    let stats = region.change();
    let held = stats.bytes_allocated.saturating_sub(stats.bytes_deallocated);
    assert!(held <= 4 * LARGE, "{held} bytes");
}
