//! `tick` on every runtime and in every framework: the same, as seen from a plain socket.

use crate::http::{Events, SOON, answer, request, status};
use crate::server::Server;
use std::io::Read;
use std::process::Command;
use std::time::{Duration, Instant};

macro_rules! suite {
    ($($name:ident: $program:literal),* $(,)?) => { $(mod $name {
        const PROGRAM: &str = env!(concat!("CARGO_BIN_EXE_", $program));

        suite!(@tests
            it_ticks_and_emits_what_is_posted_into_one_stream_alone,
            who_comes_back_gets_the_seconds_that_were_missed,
            whoever_goes_is_forgotten,
            ctrl_c_ends_it_at_once_though_streams_are_open,
            a_client_that_does_not_read_holds_nothing_up,
            requests_that_get_no_stream,
        );
    })* };
    (@tests $($test:ident),* $(,)?) => { $(
        #[test]
        fn $test() {
            super::$test(PROGRAM);
        }
    )* };
}

suite! {
    on_tokio: "tick",
    on_smol: "tick_smol",
    in_axum: "tick_axum",
    in_actix: "tick_actix",
}

/// The number of a tick.
fn second(id: &str) -> u64 {
    id.parse().unwrap()
}

fn it_ticks_and_emits_what_is_posted_into_one_stream_alone(program: &str) {
    let server = Server::start(program, 0);
    let [mut mine, mut other] = [(); 2].map(|()| Events::of(&server));
    let seen = mine.read_until(|seen| seen.events.iter().filter(|event| event.name == "tick").count() == 2);
    // HTTP/1.0 has no chunks.
    assert!(mine.body().starts_with(b"retry: 1000\n"), "{}", mine.body().escape_ascii());
    assert_eq!(seen.events[0].name, "stream");
    assert_eq!(second(&seen.events[2].last_event_id), second(&seen.events[1].last_event_id) + 1);

    let emit = |query: &str, body: &[u8]| {
        status(request(&server, &format!("POST /emit?stream={}&{query} HTTP/1.1", seen.events[0].data), body))
    };
    assert_eq!(emit("event=note&id=n1", "two\r\nlines".as_bytes()), "204");
    let note = mine.read_until(|seen| seen.events.iter().any(|event| event.name == "note"));
    let note = note.events.iter().find(|event| event.name == "note").unwrap();
    assert_eq!((note.data.as_str(), note.last_event_id.as_str()), ("two\nlines", "n1"));
    let seen = other.read_until(|seen| seen.events.len() > 2);
    assert!(seen.events.iter().all(|event| event.name != "note"));

    assert_eq!(emit("event=a%0Ab", b""), "400");
    assert_eq!(emit("id=%00", b""), "400");
    assert_eq!(emit("id=%01", b""), "400");
    assert_eq!(emit("", b"\xff"), "400");
    assert_eq!(emit("", &vec![b'x'; 2 * 1024 * 1024 + 1]), "413");
    assert_eq!(status(request(&server, "POST /emit?stream=unknown HTTP/1.1", b"")), "404");
    assert_eq!(status(request(&server, "GET / HTTP/1.1", b"")), "200");
}

fn who_comes_back_gets_the_seconds_that_were_missed(program: &str) {
    let server = Server::start(program, 0);
    let seen = Events::of(&server).read_until(|seen| seen.events.len() >= 2);
    let now = second(&seen.events[1].last_event_id);
    let ids = |last_event_id: &str, count| -> Vec<_> {
        let seen = Events::after(&server, last_event_id).read_until(|seen| seen.events.len() > count);
        let ticks = seen.events.iter().filter(|event| event.name == "tick");
        ticks.map(|event| second(&event.last_event_id)).take(count).collect()
    };
    assert_eq!(ids(&(now - 5).to_string(), 7), (now - 4..=now + 2).collect::<Vec<_>>());
    // Of the last minute, and from now on, whatever the client says.
    assert!(ids("0", 1)[0] >= now - 60);
    assert!(ids(&u64::from(u32::MAX).to_string(), 1)[0] >= now);
    assert!(ids("n1", 1)[0] >= now);
}

fn whoever_goes_is_forgotten(program: &str) {
    let server = Server::start(program, 0);
    let mut client = Events::of(&server);
    let seen = client.read_until(|seen| !seen.events.is_empty());
    let emit =
        || status(request(&server, &format!("POST /emit?stream={} HTTP/1.1", seen.events[0].data), b""));
    assert_eq!(emit(), "204");
    drop(client);
    let deadline = Instant::now() + SOON;
    while emit() != "404" {
        assert!(Instant::now() < deadline, "the stream is still there");
    }
}

fn interrupt(server: Server) {
    let start = Instant::now();
    assert!(Command::new("kill").args(["-INT", &server.id().to_string()]).status().unwrap().success());
    assert!(server.wait().success());
    assert!(start.elapsed() < Duration::from_secs(5), "{:?}", start.elapsed());
}

fn ctrl_c_ends_it_at_once_though_streams_are_open(program: &str) {
    let server = Server::start(program, 0);
    let mut clients: Vec<_> =
        (0..10).map(|_| Events::from(request(&server, "GET /events HTTP/1.1", b""))).collect();
    for client in &mut clients {
        client.read_until(|seen| !seen.events.is_empty());
    }
    interrupt(server);
    for mut client in clients {
        client.read_to_end();
        let body = client.body();
        assert!(body.ends_with(b"\r\n0\r\n\r\n"), "its last chunk isn't there: {}", body.escape_ascii());
    }
}

fn a_client_that_does_not_read_holds_nothing_up(program: &str) {
    let server = Server::start(program, 0);
    let mut client = Events::of(&server);
    let seen = client.read_until(|seen| !seen.events.is_empty());
    let emit = format!("POST /emit?stream={} HTTP/1.1", seen.events[0].data);
    let long = vec![b'x'; 2 * 1024 * 1024];
    let deadline = Instant::now() + SOON;
    while status(request(&server, &emit, &long)) != "503" {
        assert!(Instant::now() < deadline, "there's always room");
    }
    interrupt(server);
}

fn requests_that_get_no_stream(program: &str) {
    let server = Server::start(program, 0);
    let head = answer(request(&server, "HEAD /events HTTP/1.0", b"")).to_lowercase();
    assert!(
        head.starts_with("http/1.") && head[9..].starts_with("200") && head.ends_with("\r\n\r\n"),
        "{head}"
    );
    for field in ["content-type: text/event-stream", "cache-control: no-store", "x-accel-buffering: no"] {
        assert!(head.contains(field), "{head}");
    }
    let status = |head: &str| status(request(&server, head, b""));
    assert_eq!(status("GET /events HTTP/1.1\r\naccept: application/json"), "406");
    assert_eq!(status("PUT /events HTTP/1.1"), "405");
    assert_eq!(status("GET /nothing HTTP/1.1"), "404");
    // HTTP/1.1 has its stream in chunks.
    let mut client = request(&server, "GET /events HTTP/1.1", b"");
    client.set_read_timeout(Some(SOON)).unwrap();
    let mut response = Vec::new();
    while !response.ends_with(b"\n\n\r\n") {
        let mut byte = [0];
        client.read_exact(&mut byte).unwrap();
        response.push(byte[0]);
    }
    let response = String::from_utf8(response).unwrap().to_lowercase();
    let (head, body) = response.split_once("\r\n\r\n").unwrap();
    let (size, chunk) = body.split_once("\r\n").unwrap();
    assert!(head.contains("transfer-encoding: chunked") && chunk.starts_with("retry: 1000\n"), "{response}");
    assert_eq!(usize::from_str_radix(size, 16).unwrap(), chunk.len() - "\r\n".len(), "{response}");
}
