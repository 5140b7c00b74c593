//! Events pass as they come.

use crate::curl::{Stream, get, publish};
use crate::proxy::{CADDY_ENCODE, Proxy};
use crate::server::Server;
use crate::{hub, program};
use std::net::SocketAddr;
use std::time::{Duration, Instant};

/// What's held back comes with the next keep-alive at the earliest, after 15 s; what isn't, in milliseconds.
const PROMPT: Duration = Duration::from_secs(2);

const GZIP: &str = "gzip on; gzip_types text/event-stream; gzip_proxied any; gzip_min_length 0;";

fn proxies(upstream: SocketAddr) -> [(&'static str, Proxy); 5] {
    [
        ("nginx", Proxy::nginx(upstream, "")),
        ("nginx with gzip", Proxy::nginx(upstream, GZIP)),
        ("HAProxy", Proxy::haproxy(upstream, "")),
        ("Caddy with gzip", Proxy::caddy(upstream)),
        ("Node with compression", Proxy::compression(upstream, false)),
    ]
}

#[test]
fn events_of_the_hub_pass_every_proxy_promptly() {
    let hub = hub(&[]);
    // More than some compressors wait for before they decide whether to compress.
    publish(hub.address, &"x".repeat(2000));
    for (name, proxy) in proxies(hub.address) {
        let stream = Stream::open_within(proxy.address, "/events?topic=a&from=1", PROMPT);
        let mut stream = stream.unwrap_or_else(|| panic!("{name} holds the beginning back"));
        assert!(stream.next("data:", PROMPT).is_some(), "{name} holds the first event back");
        let mut worst = Duration::ZERO;
        for number in 0..10 {
            let began = Instant::now();
            publish(hub.address, &format!("{name} {number}"));
            let event = stream.next("data:", PROMPT).unwrap_or_else(|| panic!("{name} holds it back"));
            assert_eq!(event, format!("data: {name} {number}"));
            worst = worst.max(began.elapsed());
        }
        println!("{name}: {worst:?} at worst, coding {:?}", stream.coding());
        assert!(worst < PROMPT, "{name}: {worst:?}");
        assert!(
            stream.head.iter().any(|line| line == "content-type: text/event-stream"),
            "{:?}",
            stream.head
        );
    }
}

#[test]
fn ticks_of_axum_pass_every_proxy_promptly() {
    let axum = Server::start(&program("tick_axum"), 0);
    for (name, proxy) in proxies(axum.address) {
        let began = Instant::now();
        let mut stream = Stream::open(proxy.address, "/events");
        assert!(stream.next("event: stream", PROMPT).is_some(), "{name} holds the beginning back");
        for _ in 0..3 {
            assert!(
                stream.next("event: tick", PROMPT + Duration::from_secs(1)).is_some(),
                "{name} holds ticks back"
            );
        }
        println!("{name}: three ticks after {:?}, coding {:?}", began.elapsed(), stream.coding());
    }
}

/// The same proxy shows what `no-transform` is for.
#[test]
fn compression_leaves_alone_what_says_so_and_holds_the_rest_back() {
    let hub = hub(&[]);
    let open = |transforms| {
        let proxy = Proxy::compression(hub.address, transforms);
        assert_eq!(get(proxy.address, "/health", &[]).0, 200, "it works");
        (Stream::open_within(proxy.address, "/events?topic=a", PROMPT), proxy)
    };
    let (stream, _proxy) = open(false);
    let mut stream = stream.expect("it's prompt");
    publish(hub.address, "now");
    assert_eq!(stream.coding(), None);
    assert!(stream.next("data: now", PROMPT).is_some());
    assert!(open(true).0.is_none(), "it would not be held back anyway, which proves nothing");
}

#[test]
fn what_operating_says_of_caddy_is_what_was_tried() {
    let page = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/operating.md");
    let page = std::fs::read_to_string(page).unwrap();
    let lines = |text: &str| text.lines().map(|line| line.trim().to_owned()).collect::<Vec<_>>().join("\n");
    assert!(lines(&page).contains(lines(CADDY_ENCODE).trim()), "{CADDY_ENCODE}");
}
