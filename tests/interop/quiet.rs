//! A quiet stream outlives what proxies wait.

use crate::curl::{Stream, publish};
use crate::hub;
use crate::proxy::Proxy;
use std::net::SocketAddr;
use std::thread::sleep;
use std::time::Duration;

fn proxies(upstream: SocketAddr) -> [(&'static str, Proxy); 2] {
    [
        ("nginx", Proxy::nginx(upstream, "proxy_read_timeout 20s;")),
        ("HAProxy", Proxy::haproxy(upstream, "timeout server 20s")),
    ]
}

#[test]
fn the_default_keep_alive_outlives_proxies_that_wait_for_20_seconds() {
    let (lively, mute) = (hub(&[]), hub(&["--keep-alive-ms", "0"]));
    let open = |(name, proxy): (&'static str, Proxy)| {
        let stream = Stream::open(proxy.address, "/events?topic=a");
        (name, stream, proxy)
    };
    let kept = proxies(lively.address).map(open);
    let cut = proxies(mute.address).map(open);
    // Twice what they wait, and a bit.
    sleep(Duration::from_secs(45));
    publish(lively.address, "still there");
    for (name, mut stream, _proxy) in kept {
        assert!(stream.next("data: still there", Duration::from_secs(5)).is_some(), "{name} has cut it");
    }
    for (name, mut stream, _proxy) in cut {
        assert!(stream.ends(Duration::from_secs(5)), "{name} waits for longer, which proves nothing");
    }
}
