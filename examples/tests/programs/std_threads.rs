//! `std_threads`: a server without a runtime does what the others do.

use crate::http::{Events, SOON, answer, request, status};
use crate::server::Server;
use eventsource_core::test_util::Dispatched;
use std::io::{ErrorKind, Read, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant};

const STD_THREADS: &str = env!("CARGO_BIN_EXE_std_threads");

/// The number that an event has in its channel.
fn number(event: &Dispatched) -> u64 {
    event.last_event_id.split_once('-').unwrap().1.parse().unwrap()
}

#[test]
fn everybody_gets_every_event_and_keep_alives_in_between() {
    let server = Server::start(STD_THREADS, 0);
    let mut clients: Vec<_> = (0..20).map(|_| Events::of(&server)).collect();
    let seen: Vec<_> = clients
        .iter_mut()
        .map(|client| client.read_until(|seen| seen.events.len() >= 2 && !seen.comments.is_empty()))
        .collect();
    let last = seen.iter().map(|seen| number(&seen.events[1])).max().unwrap();
    for (client, seen) in clients.iter_mut().zip(&seen) {
        assert_eq!((seen.retry, seen.comments[0].as_str()), (Some(Duration::from_secs(1)), ""));
        let seen = client.read_until(|seen| seen.events.iter().any(|event| number(event) >= last));
        let numbers: Vec<_> = seen.events.iter().map(number).collect();
        assert!(numbers.is_sorted_by(|one, next| *next == one + 1), "{numbers:?}");
    }
}

#[test]
fn who_comes_back_gets_what_was_missed() {
    let server = Server::start(STD_THREADS, 0);
    let [mut mine, mut other] = [(); 2].map(|()| Events::of(&server));
    let last = mine.read_until(|seen| !seen.events.is_empty()).events.pop().unwrap();
    drop(mine);
    let is_missed = |event: &&Dispatched| number(event) > number(&last);
    let missed = other.read_until(|seen| seen.events.iter().filter(is_missed).count() >= 2).events;
    let missed: Vec<_> = missed.iter().filter(is_missed).collect();
    let seen =
        Events::after(&server, &last.last_event_id).read_until(|seen| seen.events.len() >= missed.len());
    assert_eq!(seen.events.iter().take(missed.len()).collect::<Vec<_>>(), missed);
}

#[test]
fn a_client_that_goes_is_noticed_though_there_is_nothing_to_write() {
    let server = Server::start(STD_THREADS, 0);
    let listeners =
        || answer(request(&server, "GET / HTTP/1.0", b"")).rsplit_once("; ").unwrap().1.to_owned();
    let mut clients: Vec<_> = (0..10).map(|_| Events::of(&server)).collect();
    for client in &mut clients {
        client.read_until(|seen| seen.retry.is_some());
    }
    assert_eq!(listeners(), "10 clients listen.\n");
    // It could still be written to: only by reading, the server learns that it's time to close.
    for mut client in clients.drain(..5) {
        client.close_half();
        client.read_to_end();
    }
    drop(clients);
    let deadline = Instant::now() + SOON;
    while listeners() != "0 clients listen.\n" {
        assert!(Instant::now() < deadline, "{}", listeners());
    }
}

#[test]
fn what_it_does_not_take() {
    let server = Server::start(STD_THREADS, 0);
    let status = |head: &str| status(request(&server, head, b""));
    assert_eq!(status("GET /events HTTP/1.1\r\naccept: application/json"), "406");
    assert_eq!(status("POST / HTTP/1.1"), "404");
    assert_eq!(status("GET /nothing HTTP/1.1"), "404");
    assert_eq!(status("GET /events?a=b HTTP/1.1\r\nlast-event-id: \u{7f}é"), "200");
    // A head that never ends is cut off.
    let mut client = TcpStream::connect(server.address).unwrap();
    client.set_read_timeout(Some(SOON)).unwrap();
    let _ = client.write_all(&vec![b'x'; 32 * 1024]);
    assert!(matches!(client.read(&mut [0]), Ok(0) | Err(_)));
    assert_eq!(status("GET / HTTP/1.1"), "200");
}

#[test]
fn a_head_that_trickles_is_not_waited_for_for_ever() {
    let server = Server::start(STD_THREADS, 0);
    let mut client = TcpStream::connect(server.address).unwrap();
    client.set_read_timeout(Some(Duration::from_millis(500))).unwrap();
    let deadline = Instant::now() + 3 * SOON;
    loop {
        assert!(Instant::now() < deadline, "it's still waited for");
        // The client reads meanwhile, until the connection is closed.
        let sent = client.write_all(b"x");
        match client.read(&mut [0]) {
            Err(error) if sent.is_ok() && error.kind() == ErrorKind::WouldBlock => {}
            read => break assert!(matches!(read, Ok(0) | Err(_)), "{read:?}"),
        }
    }
}
