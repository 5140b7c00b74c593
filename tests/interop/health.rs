//! `HAProxy` checks the hub's health.

use crate::curl::{Stream, get};
use crate::proxy::Proxy;
use crate::server::Server;
use crate::{hub, until};
use std::process::Command;

/// Streams that keep a drain from being over at once: each ends at its own time.
pub(crate) fn listen(hub: &Server, query: &str) -> [Stream; 8] {
    [(); 8].map(|()| Stream::open(hub.address, &format!("/events?topic=a{query}")))
}

pub(crate) fn terminate(hub: &Server) {
    assert!(Command::new("kill").args(["-TERM", &hub.id().to_string()]).status().unwrap().success());
}

/// What `HAProxy` thinks of its server: whether it's up, how the last check went, and with which status.
fn verdict(haproxy: &Proxy) -> [String; 3] {
    let (status, table) = get(haproxy.address, "/-/stats;csv", &[]);
    assert_eq!(status, 200, "{table}");
    let mut rows = table.lines().map(|line| line.split(',').collect::<Vec<_>>());
    let names = rows.next().unwrap();
    let server = rows.find(|row| row[1] == "one").expect(&table);
    ["status", "check_status", "check_code"].map(|name| {
        let column = names.iter().position(|&found| found == name).expect(&table);
        server[column].to_owned()
    })
}

#[test]
fn haproxy_sees_the_hub_up_and_down_during_a_drain() {
    // None of these has a Host; the second is OPTIONS, as HAProxy asks by itself.
    for check in ["option httpchk GET /health", "option httpchk /health"] {
        let hub = hub(&["--drain-ms", "10000"]);
        let _streams = listen(&hub, "");
        let haproxy = Proxy::haproxy(hub.address, check);
        until("up", || verdict(&haproxy) == ["UP", "L7OK", "200"]);
        assert_eq!(get(haproxy.address, "/health", &[]).0, 200);
        terminate(&hub);
        until("down", || verdict(&haproxy) == ["DOWN", "L7STS", "503"]);
        // It's still there for those who are.
        assert_eq!(get(hub.address, "/stats", &[]).0, 200, "{check}");
        assert!(hub.wait().success());
    }
}
