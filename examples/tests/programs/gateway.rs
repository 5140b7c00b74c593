//! `gateway`, between browsers and a server upstream that comes and goes.

use crate::http::{Events, SOON, answer, request, status};
use crate::scripted::{field, stream};
use crate::server::{Server, free_port};
use crate::upstream::{Connection, Upstream};
use eventsource_core::test_util::Interpretation;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::process::Command;
use std::time::{Duration, Instant};

const GATEWAY: &str = env!("CARGO_BIN_EXE_gateway");
const TICK: &str = env!("CARGO_BIN_EXE_tick");

fn gateway(upstream: &str, grace: &str) -> Server {
    Server::start_with(GATEWAY, 0, &["--upstream", upstream, "--grace", grace])
}

/// The next connection upstream, with the beginning of a stream.
fn open(upstream: &Upstream, body: &str) -> (Connection, Option<String>) {
    let (mut connection, request) = upstream.accept();
    connection.send(&stream(body));
    (connection, field(&request, "last-event-id"))
}

fn data(seen: &Interpretation) -> Vec<&str> {
    seen.events.iter().map(|event| &*event.data).collect()
}

#[test]
fn events_go_on_as_they_came() {
    let upstream = Upstream::start();
    let gateway = gateway(&upstream.url, "10");
    assert!(upstream.is_quiet(), "nobody listens yet");
    let mut browsers = [(); 3].map(|()| Events::of(&gateway));
    let body = "event: a\nid: 1\ndata: x\ndata:  y\n\n\
        data: no id\n\n\
        event: b\nid: caf\u{e9} 2\ndata: \n\n\
        id: 1\ndata: the same id again\n\n";
    let (mut connection, last_event_id) = open(&upstream, "");
    assert_eq!(last_event_id, None);
    connection.send(&format!(": a comment\nretry: 5\n\n{body}id: {}\ndata: long\n\n", "x".repeat(300)));
    for browser in &mut browsers {
        browser.read_until(|seen| seen.events.len() == 5);
        let seen = String::from_utf8(browser.body().to_vec()).unwrap();
        assert_eq!(seen, format!("{body}id: {}\ndata: long\n\n", "x".repeat(300)));
    }
    assert!(upstream.is_quiet(), "one connection is enough");
}

#[test]
fn a_browser_that_comes_back_gets_what_it_has_missed() {
    let upstream = Upstream::start();
    let gateway = gateway(&upstream.url, "10");
    let [mut first, mut second] = [(); 2].map(|()| Events::of(&gateway));
    let (mut connection, _) = open(&upstream, "id: 1\ndata: a\n\nid: 2\ndata: b\n\n");
    assert_eq!(data(&first.read_until(|seen| seen.events.len() == 2)), ["a", "b"]);
    drop(first);
    connection.send("data: c\n\nid: 4\ndata: d\n\n");
    assert_eq!(data(&second.read_until(|seen| seen.events.len() == 4)), ["a", "b", "c", "d"]);
    let mut first = Events::after(&gateway, "2");
    assert_eq!(data(&first.read_until(|seen| seen.events.len() == 2)), ["c", "d"]);
    let mut third = Events::of(&gateway);
    connection.send("id: 5\ndata: e\n\n");
    assert_eq!(data(&first.read_until(|seen| seen.events.len() == 3)), ["c", "d", "e"]);
    // Who is new has missed nothing; of whom nothing is known, everything that is.
    assert_eq!(data(&third.read_until(|seen| !seen.events.is_empty())), ["e"]);
    let mut fourth = Events::after(&gateway, "unknown");
    assert_eq!(data(&fourth.read_until(|seen| seen.events.len() == 5)), ["a", "b", "c", "d", "e"]);
    assert!(upstream.is_quiet());
}

#[test]
fn an_event_that_is_cut_off_upstream_comes_once() {
    let upstream = Upstream::start();
    let gateway = gateway(&upstream.url, "10");
    let mut browser = Events::of(&gateway);
    let (connection, _) = open(&upstream, "retry: 100\nid: 1\ndata: a\n\nid: 2\ndata: b");
    drop(connection);
    let (mut connection, last_event_id) = open(&upstream, "id: 2\ndata: b and more\n\n");
    assert_eq!(last_event_id.as_deref(), Some("1"));
    // The browser's connection stays through that, and so does that of one that comes meanwhile.
    connection.send("id: 3\ndata: c\n\n");
    assert_eq!(data(&browser.read_until(|seen| seen.events.len() == 3)), ["a", "b and more", "c"]);
    drop(connection);
    let mut second = Events::after(&gateway, "2");
    let (_connection, last_event_id) = open(&upstream, "id: 4\ndata: d\n\n");
    assert_eq!(last_event_id.as_deref(), Some("3"));
    assert_eq!(data(&second.read_until(|seen| seen.events.len() == 2)), ["c", "d"]);
    assert_eq!(browser.read_until(|seen| seen.events.len() == 4).events[3].data, "d");
}

#[test]
fn the_connection_upstream_ends_when_nobody_listens_and_is_resumed() {
    let upstream = Upstream::start();
    let gateway = gateway(&upstream.url, "0.5");
    let [mut first, second] = [(); 2].map(|()| Events::of(&gateway));
    let (mut connection, _) = open(&upstream, "id: 1\ndata: a\n\n");
    first.read_until(|seen| seen.events.len() == 1);
    drop(second);
    assert!(connection.stays(Duration::from_secs(1)), "somebody listens");
    drop(first);
    let gone = Instant::now();
    // Events don't prolong it.
    while connection.stays(Duration::from_millis(50)) {
        connection.send("data: unheard\n\n");
        assert!(gone.elapsed() < SOON, "nobody listens");
    }
    assert!(gone.elapsed() >= Duration::from_millis(400), "{:?}", gone.elapsed());
    assert!(upstream.is_quiet());

    let mut first = Events::after(&gateway, "1");
    let (connection, last_event_id) = open(&upstream, "id: 2\ndata: b\n\n");
    assert_eq!(last_event_id.as_deref(), Some("1"));
    let seen = first.read_until(|seen| seen.events.iter().any(|event| event.data == "b"));
    let (last, unheard) = seen.events.split_last().unwrap();
    assert!(last.data == "b" && unheard.iter().all(|event| event.data == "unheard"), "{seen:?}");
    drop(first);
    connection.wait_for_end();
}

#[test]
fn whoever_comes_first_says_where_a_new_gateway_resumes() {
    let upstream = Upstream::start();
    let gateway = gateway(&upstream.url, "10");
    let mut browser = Events::after(&gateway, "7");
    let (_connection, last_event_id) = open(&upstream, "id: 8\ndata: a\n\n");
    assert_eq!(last_event_id.as_deref(), Some("7"));
    assert_eq!(data(&browser.read_until(|seen| !seen.events.is_empty())), ["a"]);
}

#[test]
fn a_browser_that_does_not_read_holds_up_nobody() {
    let upstream = Upstream::start();
    let gateway = gateway(&upstream.url, "10");
    let mut slow = Events::of(&gateway);
    let (mut connection, _) = open(&upstream, "id: first\ndata: a\n\n");
    slow.read_until(|seen| seen.events.len() == 1);
    // More than the buffers on the way, and more than is kept, but never so much at once.
    let long = "x".repeat(10_000);
    let mut fast = Events::of(&gateway);
    for round in 0..40 {
        for number in 0..50 {
            connection.send(&format!("id: {round}-{number}\ndata: {long}\n\n"));
        }
        let expected = format!("{round}-49");
        let seen =
            fast.read_until(|seen| seen.events.last().is_some_and(|event| event.last_event_id == expected));
        assert_eq!(seen.events.len(), 50);
        drop(fast);
        fast = Events::after(&gateway, &expected);
    }
    // Then the slow one is told by the end of its stream.
    let seen = slow.read_to_end();
    assert!(seen.events.len() < 2_000, "{}", seen.events.len());
}

#[test]
fn what_is_kept_is_bounded_whether_events_have_ids_or_not() {
    let upstream = Upstream::start();
    let gateway = gateway(&upstream.url, "10");
    let _first = Events::of(&gateway);
    let (mut connection, _) = open(&upstream, "retry: 100\n\n");
    // Twice as much as is kept.
    let large = format!("data: {}\n\n", "x".repeat(256 * 1024));
    for _ in 0..32 {
        connection.send(&large);
    }
    connection.send("id: 1\ndata: the last\n\n");
    drop(connection);
    let (mut connection, request) = upstream.accept();
    assert_eq!(field(&request, "last-event-id").as_deref(), Some("1"), "all has come");
    let mut late = Events::after(&gateway, "unknown");
    late.read_until(|seen| !seen.events.is_empty());
    connection.send("HTTP/1.1 404 Not Found\r\nconnection: close\r\n\r\n");
    let seen = late.read_to_end();
    assert_eq!(data(&seen).last(), Some(&"the last"));
    assert!((10..18).contains(&seen.events.len()), "{}", seen.events.len());
}

#[test]
fn a_server_upstream_is_not_asked_sooner_because_nobody_has_listened_meanwhile() {
    let upstream = Upstream::start();
    let gateway = gateway(&upstream.url, "0.1");
    let browser = Events::of(&gateway);
    let (mut connection, _) = upstream.accept();
    connection.send("HTTP/1.1 503 Service Unavailable\r\nretry-after: 5\r\nconnection: close\r\n\r\n");
    connection.wait_for_end();
    let refused = Instant::now();
    drop(browser);
    // Longer than the grace.
    std::thread::sleep(Duration::from_secs(1));
    let _browser = Events::of(&gateway);
    let (_connection, _) = open(&upstream, "");
    assert!(refused.elapsed() >= Duration::from_millis(4900), "{:?}", refused.elapsed());
}

#[test]
fn gateways_can_be_chained() {
    let port = free_port();
    let tick = Server::start(TICK, port);
    let first = gateway(&format!("http://127.0.0.1:{port}/events"), "10");
    let second = gateway(&format!("http://{}/events", first.address), "10");
    let mut browser = Events::of(&second);
    let ticks = |seen: &Interpretation| -> Vec<u64> {
        let ticks = seen.events.iter().filter(|event| event.name == "tick");
        ticks.map(|event| event.last_event_id.parse().unwrap()).collect()
    };
    browser.read_until(|seen| ticks(seen).len() >= 2);
    drop(tick);
    // So long that some seconds are missed.
    std::thread::sleep(Duration::from_secs(3));
    let _tick = Server::start(TICK, port);
    let seen = browser.read_until(|seen| ticks(seen).len() >= 6);
    let seconds = ticks(&seen);
    assert!(seconds.windows(2).all(|pair| pair[1] == pair[0] + 1), "{seconds:?}");
    drop(browser);
    let mut browser = Events::after(&second, &seconds[1].to_string());
    let again = ticks(&browser.read_until(|seen| ticks(seen).len() >= 4));
    assert_eq!(again[..4], seconds[2..6]);
}

#[test]
fn an_end_for_good_ends_the_streams_and_is_told_to_who_comes_then() {
    let upstream = Upstream::start();
    let gateway = gateway(&upstream.url, "10");
    let mut browser = Events::of(&gateway);
    let (connection, _) = open(&upstream, "retry: 100\nid: 1\ndata: the last\n\n");
    drop(connection);
    let (mut connection, _) = upstream.accept();
    connection.send("HTTP/1.1 204 No Content\r\n\r\n");
    assert_eq!(data(&browser.read_to_end()), ["the last"]);
    assert_eq!(status(request(&gateway, "GET /events HTTP/1.1", b"")), "204");
    assert!(upstream.is_quiet());
}

#[test]
fn a_refusal_is_told_and_asked_for_again_after_a_pause() {
    let upstream = Upstream::start();
    let gateway = gateway(&upstream.url, "10");
    let mut browser = Events::of(&gateway);
    let (mut connection, _) = upstream.accept();
    connection.send("HTTP/1.1 404 Not Found\r\nconnection: close\r\n\r\n");
    assert!(browser.read_to_end().events.is_empty());
    let refused = answer(request(&gateway, "GET /events HTTP/1.0", b""));
    assert!(refused.starts_with("HTTP/1.0 502") && refused.contains("\r\nretry-after: 10\r\n"), "{refused}");
    assert!(refused.ends_with("upstream: the server answered with status 404\n"), "{refused}");
    assert!(upstream.is_quiet());

    let deadline = Instant::now() + SOON;
    let mut browser = loop {
        let mut client = request(&gateway, "GET /events HTTP/1.0", b"");
        let mut head = [0; 12];
        client.read_exact(&mut head).unwrap();
        if head.ends_with(b"200") {
            break Events::from(client);
        }
        assert!(head.ends_with(b"502") && Instant::now() < deadline, "{}", head.escape_ascii());
        std::thread::sleep(Duration::from_millis(100));
    };
    let (_connection, _) = open(&upstream, "data: there\n\n");
    assert_eq!(data(&browser.read_until(|seen| !seen.events.is_empty())), ["there"]);
}

#[test]
fn pages_of_other_sites_get_nothing() {
    let upstream = Upstream::start();
    let gateway = gateway(&upstream.url, "10");
    let mut client = TcpStream::connect(gateway.address).unwrap();
    client.write_all(b"GET /events HTTP/1.1\r\nhost: evil.example\r\n\r\n").unwrap();
    assert_eq!(status(client), "403");
    assert_eq!(status(request(&gateway, "GET /nothing HTTP/1.1", b"")), "404");
    assert_eq!(status(request(&gateway, "GET / HTTP/1.1", b"")), "200");
    assert!(upstream.is_quiet());
}

#[test]
fn it_explains_itself() {
    let run = |arguments: &[&str]| Command::new(GATEWAY).args(arguments).output().unwrap();
    let help = String::from_utf8(run(&["--help"]).stdout).unwrap();
    assert!(help.contains("--upstream URL") && help.lines().all(|line| line.len() <= 100), "{help}");
    let url = "http://me:secret@127.0.0.1:1/";
    for arguments in [
        &[][..],
        &["--upstream", "ftp://me:secret@x/"],
        &["--upstream", "http://me:secret@x:99999/"],
        &["--upstream", url, "--port", "70000"],
        &["--upstream", url, "--grace", "-1"],
        &["--upstream", url, "--cacert", "/nowhere"],
        &["--what"],
    ] {
        let output = run(arguments);
        let error = String::from_utf8(output.stderr).unwrap();
        assert_eq!((output.status.code(), output.stdout.len()), (Some(1), 0), "{arguments:?}: {error}");
        assert!(error.starts_with("gateway: ") && !error.contains("secret"), "{arguments:?}: {error}");
    }
}
