//! Clients that were cut off together don't come back together.

use crate::server::{Client, Serve, millis, seconds};
use eventsource_core::client::{Policy, Reconnection};
use std::time::Duration;

/// No tenth of the window has more than twice its share of a thousand clients.
#[track_caller]
fn assert_spread(waits: &[Duration], from: Duration, to: Duration) {
    let mut tenths = [0; 10];
    for &wait in waits {
        assert!(from <= wait && wait <= to, "{wait:?} of {from:?} to {to:?}");
        let tenth = (wait - from).as_nanos() * 10 / (to - from).as_nanos();
        tenths[usize::try_from(tenth).unwrap().min(9)] += 1;
    }
    let limit = waits.len() / 10 * 2;
    assert!(tenths.iter().all(|&count| count > 0 && count <= limit), "{tenths:?}");
}

#[test]
fn a_herd_spreads_after_a_cut_and_after_each_failure_from_then_on() {
    // Seeds that follow one another, and seeds that look random.
    for seed in [|n: u64| n, |n: u64| n.wrapping_mul(0x9e37_79b9_7f4a_7c15)] {
        let mut herd: Vec<_> = (0..1000)
            .map(|n| {
                let mut client = Client::with_machine(Reconnection::new(Policy::default(), seed(n)));
                client.serve(Serve::Open(1));
                client.wait(seconds(60));
                client.event();
                client.report(|machine| machine.handle_retry(seconds(2)));
                client
            })
            .collect();
        // The server restarts, and then it's away for long.
        for (from, to) in [
            (2000, 2500),
            (2000, 2500),
            (2000, 4000),
            (4000, 8000),
            (8000, 16_000),
            (16_000, 32_000),
            (30_000, 60_000),
            (30_000, 60_000),
        ] {
            let waits: Vec<_> = herd
                .iter_mut()
                .map(|client| {
                    client.cut();
                    client.wait_to_connect()
                })
                .collect();
            assert_spread(&waits, millis(from), millis(to));
        }
    }
}

#[test]
fn waits_of_one_client_differ() {
    let mut client = Client::new(Policy::default());
    let mut waits: Vec<_> = (0..50)
        .map(|_| {
            client.serve(Serve::Open(1));
            client.end();
            client.wait_to_connect()
        })
        .collect();
    waits.sort_unstable();
    waits.dedup();
    assert_eq!(waits.len(), 50);
}
