//! Nothing is served from a cache to others.

use crate::curl::get;
use crate::proxy::Proxy;
use crate::server::Server;
use crate::{hub, program};

/// Keeps whatever doesn't say that it mustn't.
const CACHE: &str = "proxy_cache cache; proxy_cache_valid any 60s;";

const TOKEN: &str = "authorization: Bearer s3cret";

#[test]
fn nothing_of_the_hub_is_kept_by_a_cache() {
    let hub = hub(&["--token", "s3cret", "--private", "--drain-ms", "5000"]);
    let proxy = Proxy::nginx(hub.address, CACHE);
    let status = |path: &str, options: &[&str]| get(proxy.address, path, options).0;
    // What's for those with the token isn't for others, nor are others' refusals for them.
    for path in ["/stats", "/metrics"] {
        assert_eq!(status(path, &["--header", TOKEN]), 200);
        assert_eq!(status(path, &[]), 401, "{path} was kept");
        assert_eq!(status(path, &["--header", TOKEN]), 200, "the refusal of {path} was kept");
    }
    let events = |accept: &str| {
        status(
            "/events?topic=a",
            &["--header", TOKEN, "--header", accept, "--head", "--request", "GET", "--max-time", "2"],
        )
    };
    assert_eq!(events("accept: application/json"), 406);
    assert_eq!(events("accept: text/event-stream"), 200, "the 406 was kept");
    assert_eq!(status("/nothing", &[]), 404);
    let uptime = || get(proxy.address, "/stats", &["--header", TOKEN]).1;
    assert_ne!(uptime(), uptime());

    assert_eq!(get(proxy.address, "/health", &[]), (200, "ok\n".into()));
    let _streams = crate::health::listen(&hub, "&token=s3cret");
    crate::health::terminate(&hub);
    crate::until("draining", || get(hub.address, "/health", &[]).0 == 503);
    assert_eq!(get(proxy.address, "/health", &[]), (503, "draining\n".into()), "its health was kept");
}

#[test]
fn a_refusal_of_axum_is_not_kept_by_a_cache() {
    let axum = Server::start(&program("tick_axum"), 0);
    let proxy = Proxy::nginx(axum.address, CACHE);
    let status = |accept: &str| {
        let options = ["--header", accept, "--head", "--request", "GET", "--max-time", "2"];
        get(proxy.address, "/events", &options).0
    };
    assert_eq!(status("accept: application/json"), 406);
    assert_eq!(status("accept: text/event-stream"), 200);
}
