//! Thousands of clients with several topics and a filter each, some of which never read: what that costs the others, and what the
//! hub holds.

use crate::HUB;
use crate::SOON;
use crate::crowd::{crowd, formula, until};
use crate::listener::{Listener, Publisher, connect, resident, stats};
use crate::server::Server;
use serde_json::Value;
use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};
use tokio::io::AsyncWriteExt;
use tokio::task::JoinSet;
use tokio::time::{interval, sleep, timeout};

/// Topics there are, and topics of each client.
const TOPICS: usize = 240;
const TOPICS_OF_ONE: usize = 3;
const SECONDS: usize = 30;
const EVENTS_PER_SECOND: usize = 200;
/// Of each topic.
const LAST: usize = SECONDS * EVENTS_PER_SECOND / TOPICS;
/// Each waits for the answer to one before it publishes the next.
const PUBLISHERS: usize = 15;
const RETAIN_KIB: usize = 64;
/// Enough for whoever doesn't read to be stuck soon.
const PADDING: usize = 4000;

/// Those of a client, of several publishers.
fn topics(client: usize) -> [usize; TOPICS_OF_ONE] {
    [client % TOPICS, (client + 80) % TOPICS, (client + 160) % TOPICS]
}

/// With `wrap`, each event passes a filter that makes another one of it, for each client of its own.
fn query(client: usize) -> String {
    let topics = topics(client).map(|topic| format!("&topic=t{topic}")).concat();
    format!("wrap=1{topics}")
}

/// Reads until it has every event of its topics, each once and in order; returns how long each took.
async fn listen(address: SocketAddr, client: usize, listening: Arc<AtomicUsize>, epoch: Instant) -> Vec<u32> {
    let mut latencies = Vec::with_capacity(TOPICS_OF_ONE * LAST);
    let mut seen: HashMap<String, usize> =
        topics(client).map(|topic| (format!("t{topic}"), 0)).into_iter().collect();
    let mut id = None;
    while latencies.len() < TOPICS_OF_ONE * LAST {
        let Ok(mut listener) = Listener::open(address, &query(client), id.take()).await else {
            sleep(Duration::from_millis(100)).await;
            continue;
        };
        listening.fetch_add(1, Ordering::Relaxed);
        while latencies.len() < TOPICS_OF_ONE * LAST {
            let Some(event) = listener.next().await else { break };
            let wrapped: Value = serde_json::from_str(&event.data).unwrap();
            let topic =
                wrapped["topic"].as_str().unwrap_or_else(|| panic!("no gap, no loss: {}", event.data));
            let mut words = wrapped["data"].as_str().unwrap().split(' ');
            let mut number = || words.next().unwrap().parse::<u64>().unwrap();
            let (number, published) = (number(), number());
            let seen = seen.get_mut(topic).expect("none of another topic");
            *seen += 1;
            assert_eq!(number, *seen as u64, "client {client}, {topic}: each once, in order");
            let latency = epoch.elapsed().as_micros().saturating_sub(u128::from(published));
            latencies.push(u32::try_from(latency).unwrap_or(u32::MAX));
        }
        id = listener.last_event_id();
    }
    latencies
}

/// Publishes to its share of the topics.
async fn publish(mut publisher: Publisher, share: usize, epoch: Instant) {
    let mut ticks =
        interval(Duration::from_secs(SECONDS as u64) / u32::try_from(LAST * TOPICS / PUBLISHERS).unwrap());
    let padding = "x".repeat(PADDING);
    for number in 1..=LAST {
        for topic in (share..TOPICS).step_by(PUBLISHERS) {
            ticks.tick().await;
            let data = format!("{number} {} {padding}", epoch.elapsed().as_micros());
            publisher.publish(&format!("t{topic}"), data).await;
        }
    }
}

#[ignore = "takes a minute; `cargo xtask bench crowd`"]
#[tokio::test(flavor = "multi_thread")]
async fn with_topics_and_filters_those_who_read_notice_nothing_of_those_who_do_not() {
    let _turn = crate::TURN.lock().await;
    let crowd = crowd();
    let retain = (RETAIN_KIB << 10).to_string();
    let options = [
        "--max-per-client",
        "10000",
        "--stall-ms",
        "10000",
        "--retain-bytes",
        &retain,
        "--max-body",
        &retain,
    ];
    let hub = Server::start_with(HUB, 0, &options);
    let (epoch, listening) = (Instant::now(), Arc::new(AtomicUsize::new(0)));
    let (mut listeners, mut stuck) = (JoinSet::new(), Vec::new());
    for client in 0..crowd {
        // One of twenty asks and never reads.
        if client % 20 == 0 {
            let mut socket = connect(hub.address).await.unwrap();
            let request = format!("GET /events?{} HTTP/1.1\r\nhost: localhost\r\n\r\n", query(client));
            socket.write_all(request.as_bytes()).await.unwrap();
            stuck.push(socket);
        } else {
            listeners.spawn(listen(hub.address, client, Arc::clone(&listening), epoch));
        }
    }
    until(&listening, crowd - stuck.len()).await;
    let idle = resident(&hub);

    let begun = Instant::now();
    let mut publishers = JoinSet::new();
    for share in 0..PUBLISHERS {
        publishers.spawn(publish(Publisher::new(&hub).await, share, epoch));
    }
    let (mut published, mut most) = (Duration::ZERO, 0);
    while !publishers.is_empty() {
        tokio::select! {
            done = publishers.join_next() => {
                done.unwrap().unwrap();
                published = begun.elapsed();
            }
            () = sleep(Duration::from_millis(100)) => most = most.max(resident(&hub)),
        }
    }
    let mut latencies = Vec::new();
    let all = async {
        while let Some(of_one) = listeners.join_next().await {
            latencies.extend(of_one.unwrap());
        }
    };
    timeout(SOON, all).await.expect("everyone has everything soon after the last event");
    latencies.sort_unstable();
    let stats = stats(&hub).await;
    let returns = listening.load(Ordering::Relaxed) - (crowd - stuck.len());
    let allowed = formula(crowd, TOPICS, RETAIN_KIB);

    let rate = (LAST * TOPICS) as u128 * 1000 / published.as_millis().max(1);
    println!(
        "connections       {crowd}, {TOPICS_OF_ONE} topics of {TOPICS} each, with a filter; {} never read",
        stuck.len()
    );
    println!(
        "published         {} events in {published:.1?}, {rate} a second of {EVENTS_PER_SECOND}",
        LAST * TOPICS
    );
    println!("delivered         {}, each once and in order; {returns} returns", latencies.len());
    for (name, of_a_thousand) in [("p50", 500), ("p99", 990), ("p99.9", 999), ("worst", 1000)] {
        let index = (latencies.len() * of_a_thousand / 1000).min(latencies.len() - 1);
        println!("latency {name:9} {:.1?}", Duration::from_micros(latencies[index].into()));
    }
    println!("resident          idle {idle} KiB, at most {most} KiB, allowed {allowed} KiB");
    println!("ended             {}", stats["ended"]);

    assert_eq!(latencies.len(), (crowd - stuck.len()) * TOPICS_OF_ONE * LAST);
    assert_eq!(returns, 0, "nobody who reads is cut off");
    assert_eq!(stats["ended"]["stalled"], stuck.len(), "who never reads is given up: {stats}");
    assert!(most <= allowed, "{most} KiB of {allowed}");
    let p99 = Duration::from_micros(latencies[latencies.len() * 99 / 100].into());
    assert!(p99 < Duration::from_secs(2), "{p99:?}");
}
