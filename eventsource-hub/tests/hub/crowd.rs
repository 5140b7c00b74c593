//! Thousands of clients at once.

use crate::listener::{Listener, Publisher, connect, resident, stats};
use crate::server::Server;
use crate::{HUB, SOON};
use eventsource_core::stream::jitter;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};
use tokio::io::AsyncWriteExt;
use tokio::task::JoinSet;
use tokio::time::{interval, sleep, timeout};

const CROWD: usize = 5000;

/// As many clients as this process can have files for.
pub(crate) fn crowd() -> usize {
    let files = usize::try_from(rlimit::increase_nofile_limit(u64::MAX).unwrap()).unwrap_or(usize::MAX);
    let crowd = CROWD.min(files.saturating_sub(500) / 2);
    if crowd < CROWD {
        eprintln!("only {crowd} clients instead of {CROWD}: this process can have {files} files open");
    }
    crowd
}

/// What a hub may have resident, in KiB; `docs/operating.md` has it too.
pub(crate) fn formula(connections: usize, topics: usize, retain_kib: usize) -> usize {
    16 * 1024 + connections * 20 + topics * retain_kib * 2
}

/// An event's data: its number, and enough text that whoever doesn't read is soon noticed.
fn data(number: u64) -> String {
    format!("{number} {}", "x".repeat(2000))
}

fn number(data: &str) -> u64 {
    data.split_once(' ').unwrap().0.parse().unwrap()
}

/// Counts the clients that listen.
type Listening = Arc<AtomicUsize>;

pub(crate) async fn until(listening: &Listening, count: usize) {
    let all = async {
        while listening.load(Ordering::Relaxed) < count {
            sleep(Duration::from_millis(20)).await;
        }
    };
    timeout(SOON * 2, all).await.expect("everyone listens");
}

/// A client that behaves: it reads everything, and comes back with its last event ID when its stream ends. If it's `restless`,
/// it also goes of itself now and then. It's done once it has every event up to `last`, and has come back so often.
async fn listen(address: SocketAddr, last: u64, listening: Listening, restless: bool, seed: u64) -> u64 {
    let mut id = None;
    let (mut next, mut connections) = (1, 0);
    while next <= last {
        let Ok(mut listener) = Listener::open(address, "topic=crowd", id.clone()).await else {
            sleep(Duration::from_millis(100)).await;
            continue;
        };
        if connections == 0 {
            // It's subscribed before the head is sent.
            listening.fetch_add(1, Ordering::Relaxed);
        }
        connections += 1;
        let stay = Duration::from_secs(if restless { 1 } else { 3600 });
        let stay = jitter(stay..=stay * 8, seed.wrapping_add(connections));
        loop {
            let read = async {
                while next <= last {
                    let Some(event) = listener.next().await else { break };
                    assert_eq!(event.name.as_str(), "message", "{}", event.data);
                    assert_eq!(number(&event.data), next, "each once, in order");
                    next += 1;
                }
            };
            // Who left without an id would begin anew.
            if timeout(stay, read).await.is_ok() || listener.last_event_id().is_some() {
                break;
            }
        }
        id = listener.last_event_id();
    }
    connections - 1
}

#[tokio::test(flavor = "multi_thread")]
async fn everyone_who_reads_gets_everything_once_in_order_and_the_others_do_no_harm() {
    const EVENTS_PER_SECOND: u64 = 8;
    const LAST: u64 = 30 * EVENTS_PER_SECOND;
    let _turn = crate::TURN.lock().await;
    let crowd = crowd();
    let hub =
        Server::start_with(HUB, 0, &["--max-per-client", "10000", "--stall-ms", "4000", "--retain", "512"]);
    let empty = resident(&hub);

    let (mut listeners, mut silent) = (JoinSet::new(), Vec::new());
    let listening = Listening::default();
    for client in 0..crowd {
        // Of a hundred, five never read, and five come and go.
        match client % 100 {
            0..5 => {
                let mut client = connect(hub.address).await.unwrap();
                let request = "GET /events?topic=crowd HTTP/1.1\r\nhost: localhost\r\n\r\n";
                client.write_all(request.as_bytes()).await.unwrap();
                silent.push(client);
            }
            kind => {
                let restless = kind < 10;
                listeners.spawn(listen(
                    hub.address,
                    LAST,
                    Arc::clone(&listening),
                    restless,
                    client as u64 * 31,
                ));
            }
        }
    }
    until(&listening, crowd - silent.len()).await;
    let idle = resident(&hub);

    let mut publisher = Publisher::new(&hub).await;
    let mut ticks = interval(Duration::from_secs(1) / u32::try_from(EVENTS_PER_SECOND).unwrap());
    let (mut early, mut late) = (0, 0);
    for number in 1..=LAST {
        ticks.tick().await;
        publisher.publish("crowd", data(number)).await;
        let resident = resident(&hub);
        *(if number < LAST / 2 { &mut early } else { &mut late }) =
            resident.max(if number < LAST / 2 { early } else { late });
    }
    let mut returns = 0;
    let all = async {
        while let Some(returned) = listeners.join_next().await {
            returns += returned.unwrap();
        }
    };
    timeout(SOON, all).await.expect("everyone has everything soon after the last event");

    let allowed = formula(crowd, 1, 1024);
    println!(
        "{crowd} clients, {LAST} events, {returns} returns; resident KiB: empty {empty}, idle {idle}, first half {early}, \
         second half {late}, allowed {allowed}"
    );
    assert!(early <= allowed && late <= allowed, "{early} and {late} KiB of {allowed}");
    assert!(late < early + early / 5, "it grows with time: {early}, then {late} KiB");
    assert!(returns > 0);
    let stats = stats(&hub).await;
    assert_eq!(stats["published"], LAST);
    assert_eq!(stats["ended"]["stalled"], silent.len(), "those that never read were cut off: {stats}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reconnect_storm_is_over_in_seconds_and_copies_the_history_but_once() {
    const MISSED: u64 = 100;
    let _turn = crate::TURN.lock().await;
    let crowd = crowd();
    let hub = Server::start_with(HUB, 0, &["--max-per-client", "10000"]);
    let listening = Listening::default();
    let begun = Arc::new(AtomicBool::new(false));
    let mut listeners = JoinSet::new();
    for _ in 0..crowd {
        let (listening, begun, address) = (Arc::clone(&listening), Arc::clone(&begun), hub.address);
        listeners.spawn(async move {
            let mut listener = Listener::open(address, "topic=crowd", None).await.unwrap();
            listening.fetch_add(1, Ordering::Relaxed);
            assert_eq!(number(&listener.expect().await.data), 1);
            let id = listener.last_event_id();
            drop(listener);
            listening.fetch_sub(1, Ordering::Relaxed);
            while !begun.load(Ordering::Relaxed) {
                sleep(Duration::from_millis(10)).await;
            }
            // All at once.
            let mut listener = Listener::open(address, "topic=crowd", id.clone()).await.unwrap();
            for expected in 2..=MISSED + 1 {
                assert_eq!(number(&listener.expect().await.data), expected);
            }
        });
    }
    until(&listening, crowd).await;
    let mut publisher = Publisher::new(&hub).await;
    publisher.publish("crowd", data(1)).await;
    let gone = async {
        while listening.load(Ordering::Relaxed) > 0 || stats(&hub).await["subscribers"] != 0 {
            sleep(Duration::from_millis(50)).await;
        }
    };
    timeout(SOON, gone).await.expect("everyone has the first event, and is gone");
    for number in 2..=MISSED + 1 {
        publisher.publish("crowd", data(number)).await;
    }
    let before = stats(&hub).await;

    let storm = Instant::now();
    begun.store(true, Ordering::Relaxed);
    while let Some(listener) = listeners.join_next().await {
        listener.unwrap();
    }
    let took = storm.elapsed();
    let after = stats(&hub).await;
    let copied = after["joined_bytes"].as_u64().unwrap() - before["joined_bytes"].as_u64().unwrap();
    let history = after["bytes_held"].as_u64().unwrap();
    let joins = after["joins"].as_u64().unwrap() - before["joins"].as_u64().unwrap();
    println!(
        "{crowd} clients back with {MISSED} events each after {took:?}; {joins} joins of {copied} bytes, history {history}"
    );
    assert!(took < SOON, "{took:?}");
    assert!(copied <= history * 3, "{copied} bytes copied of a history of {history} for {crowd} clients");
    let delivered = after["delivered"].as_u64().unwrap() - before["delivered"].as_u64().unwrap();
    assert_eq!(delivered, MISSED * crowd as u64);
}
