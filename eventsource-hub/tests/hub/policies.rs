//! What happens to a client that stops reading for a while, by policy.

use crate::HUB;
use crate::listener::{Listener, Publisher, stats};
use crate::server::Server;

/// Enough that the buffers of a client, of the system and of hyper are full well before the last.
const EVENTS: u64 = 400;

/// Publishes while nobody reads.
async fn flood(hub: &Server, topic: &str) {
    let mut publisher = Publisher::new(hub).await;
    for number in 1..=EVENTS {
        publisher.publish(topic, data(number)).await;
    }
}

fn data(number: u64) -> String {
    format!("{number} {}", "x".repeat(8 << 10))
}

fn number(data: &str) -> u64 {
    data.split_once(' ').unwrap().0.parse().unwrap()
}

#[tokio::test]
async fn whoever_is_cut_off_for_lagging_comes_back_and_has_lost_nothing() {
    let hub = Server::start_with(HUB, 0, &["--lag", "disconnect:8", "--retain-bytes", "16777216"]);
    let mut listener = Listener::start(&hub, "topic=a").await;
    flood(&hub, "a").await;
    let mut next = 1;
    while next <= EVENTS {
        if let Some(event) = listener.next().await {
            assert_eq!(number(&event.data), next);
            next += 1;
        } else {
            let id = listener.last_event_id();
            listener = Listener::open(hub.address, "topic=a", id).await.unwrap();
        }
    }
    let stats = stats(&hub).await;
    assert_eq!((&stats["lagged"], &stats["ended"]["lagged"]), (&1.into(), &1.into()), "{stats}");
}

#[tokio::test]
async fn whoever_loses_the_oldest_is_told_how_many() {
    let hub = Server::start_with(HUB, 0, &["--lag", "drop:8"]);
    let mut listener = Listener::start(&hub, "topic=a").await;
    flood(&hub, "a").await;
    let (mut seen, mut dropped, mut last) = (0, 0, 0);
    while last < EVENTS {
        let event = listener.expect().await;
        if event.name.as_str() == "hub:dropped" {
            let notice: serde_json::Value = serde_json::from_str(&event.data).unwrap();
            dropped += notice["dropped"].as_u64().unwrap();
            continue;
        }
        assert_eq!(number(&event.data), seen + dropped + 1, "what's missing was told before");
        (seen, last) = (seen + 1, number(&event.data));
    }
    assert!(dropped > 0);
    let stats = stats(&hub).await;
    assert_eq!((&stats["dropped"], &stats["ended"]["lagged"]), (&dropped.into(), &0.into()), "{stats}");
}

#[tokio::test]
async fn of_each_key_only_the_newest_waits() {
    let hub = Server::start_with(HUB, 0, &["--lag", "conflate:4"]);
    let mut listener = Listener::start(&hub, "topic=a").await;
    let mut publisher = Publisher::new(&hub).await;
    for number in 1..=EVENTS {
        publisher.publish(&format!("a&key={}", number % 3), data(number)).await;
    }
    let (mut seen, mut last) = (0, 0);
    while last < EVENTS {
        let event = listener.expect().await;
        assert!(number(&event.data) > last, "in order");
        (seen, last) = (seen + 1, number(&event.data));
    }
    assert!(seen < EVENTS, "{seen} of {EVENTS}");
    assert_eq!(stats(&hub).await["ended"]["lagged"], 0);
}
