//! How much memory a client holds that stays connected.

use eventsource_core::client::{Attempt, Connect, EventSource, Head, Response, Step, Update};
use eventsource_core::test_util::{ManualClock, ManualTimer};
use futures_util::future::{self, Ready};
use futures_util::{FutureExt, Stream, StreamExt};
use stats_alloc::{INSTRUMENTED_SYSTEM, Region, StatsAlloc};
use std::alloc::System;
use std::cell::RefCell;
use std::collections::VecDeque;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll};
use std::time::Duration;

#[global_allocator]
static ALLOCATOR: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

/// What comes over a connection, one after the other; then it's silent.
type Script = Rc<RefCell<VecDeque<Result<Vec<u8>, &'static str>>>>;

struct Body(Script);

impl Stream for Body {
    type Item = Result<Vec<u8>, &'static str>;

    fn poll_next(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.0.borrow_mut().pop_front().map_or(Poll::Pending, |chunk| Poll::Ready(Some(chunk)))
    }
}

type Answer = Ready<Result<Response<Body>, &'static str>>;

fn client(
    script: &Script,
    clock: &ManualClock,
) -> EventSource<impl FnMut(Attempt) -> Answer + use<>, ManualTimer> {
    let script = Rc::clone(script);
    let connect = move |_: Attempt| -> Answer {
        let head = Head::new(200, [("content-type", "text/event-stream")]);
        future::ok(Response { head, body: Body(Rc::clone(&script)) })
    };
    EventSource::with_timer(connect, clock.timer(), 7)
}

/// Tells the client of one more chunk, in pieces as they come over a network.
fn send(script: &Script, text: &str) {
    script.borrow_mut().extend(text.as_bytes().chunks(16 << 10).map(|piece| Ok(piece.to_vec())));
}

/// Polls it until it has everything and waits for more. Returns how many events came.
fn run<C: Connect>(client: &mut EventSource<C, ManualTimer>, script: &Script) -> usize {
    let mut events = 0;
    loop {
        match client.next().now_or_never() {
            Some(Some(update)) => events += usize::from(matches!(update, Update::Event(_))),
            // It has looked at as much as it does in one poll.
            None if !script.borrow().is_empty() => {}
            None | Some(None) => return events,
        }
    }
}

/// So many clients at once.
const CROWD: usize = 100;

/// What's allocated for a client besides itself, while it waits to reconnect or is open and idle.
const LITTLE: usize = 1024;

// One test, so that nobody else allocates meanwhile.
#[test]
fn a_client_is_small_gives_back_what_a_large_event_took_and_keeps_a_large_id_once() {
    let region = Region::new(ALLOCATOR);
    let held = || {
        let stats = region.change();
        stats.bytes_allocated.saturating_sub(stats.bytes_deallocated)
    };
    let clock = ManualClock::new();
    let reconnect = || clock.advance(Duration::from_mins(1));
    let script = Script::default();
    // Its queue stays as large as it was once.
    script.borrow_mut().reserve(1000);

    // Many that are open and idle, with themselves; of the timers, each has its share in the clock.
    let before = held();
    let mut crowd = Vec::with_capacity(CROWD);
    crowd.extend((0..CROWD).map(|_| client(&script, &clock)));
    for client in &mut crowd {
        run(client, &script);
        assert_eq!(client.state(), Step::Read);
    }
    let each = (held() - before) / CROWD;
    assert!(each <= 1280, "{each} bytes for an idle client");
    drop(crowd);

    // Whatever is the largest: data, also such as isn't UTF-8; a comment; a name.
    let large = "x".repeat(5 << 20);
    for (text, events) in [
        (format!("data: {large}\n\n"), 1),
        (format!("data: {large}\ndata: {large}"), 0),
        (format!(": {large}"), 0),
        (format!("event: {}\ndata\n\n", &large[..60 << 10]), 1),
        (format!("event: {}", &large[..60 << 10]), 0),
    ] {
        let before = held();
        let mut client = client(&script, &clock);
        send(&script, &text);
        assert_eq!(run(&mut client, &script), events);
        script.borrow_mut().push_back(Err("cut"));
        run(&mut client, &script);
        assert!(matches!(client.state(), Step::Wait { .. }));
        assert!(held() - before <= LITTLE, "{} bytes while it waits", held() - before);
        reconnect();
        run(&mut client, &script);
        assert_eq!(client.state(), Step::Read);
        assert!(held() - before <= LITTLE, "{} bytes while it's idle", held() - before);
        client.close();
        assert!(held() - before <= LITTLE, "{} bytes once closed", held() - before);
    }

    let id = "x".repeat(4000);
    let before = held();
    let mut client = client(&script, &clock);
    send(&script, &format!("id: {id}\ndata\n\ndata\n\n"));
    assert_eq!(run(&mut client, &script), 2);
    for _ in 0..3 {
        script.borrow_mut().push_back(Err("cut"));
        run(&mut client, &script);
        assert!(matches!(client.state(), Step::Wait { .. }));
        assert!(held() - before <= id.len() + LITTLE, "{} bytes while it waits", held() - before);
        reconnect();
        run(&mut client, &script);
        assert_eq!(client.state(), Step::Read);
        assert!(held() - before <= id.len() + LITTLE, "{} bytes while it's idle", held() - before);
        assert_eq!(client.last_event_id().as_str(), id);
    }
    // A small one in its place.
    send(&script, "id: 1\ndata\n\n");
    assert_eq!(run(&mut client, &script), 1);
    script.borrow_mut().push_back(Err("cut"));
    run(&mut client, &script);
    assert!(held() - before <= LITTLE, "{} bytes after a small id", held() - before);
    client.close();
    assert!(held() - before <= LITTLE, "{} bytes once closed", held() - before);
}
