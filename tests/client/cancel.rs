//! A client that's dropped, closed or restarted, wherever it is.

use crate::harness::{event, get, heard, heard_all, millis, quick, serve, serve_each, until, words};
use crate::server::{Exchange, Reply, Server};
use crate::transport::Transport;
use core::fmt::{Debug, Display};
use core::future::poll_fn;
use core::task::Poll;
use eventsource_core::client::{Connect, EventSource, MIN_DELAY, Reason, Step, Update};
use eventsource_core::{Decoder, EventId, Timer};
use futures_util::future::{Either, join_all, select};
use futures_util::{FutureExt, StreamExt};
use hyper::body::Bytes;
use std::pin::pin;

/// How many polls there may be at most until all is done.
const MANY: usize = 80;

/// Each connection has one event more than the one before, which comes two bytes at a time, until there were three.
fn script(asked: &Exchange) -> Reply {
    let last = asked.last_event_id().map_or(0, |id| id.parse::<u32>().unwrap());
    let text = format!("id:{0}\ndata:{0}\n\n", last + 1);
    let reply = Reply::stream().chunks(text.as_bytes().chunks(2).map(Bytes::copy_from_slice), millis(1));
    if last == 2 { reply.silent() } else { reply }
}

/// Polls a client so often, when it's woken, or until it has got so many events. Returns them.
async fn poll_times<C, T>(source: &mut EventSource<C, T>, polls: usize, events: usize) -> Vec<String>
where
    C: Connect<Error: Debug + Display>,
    T: Timer + Unpin,
{
    let (mut got, mut polled) = (Vec::new(), 0);
    poll_fn(|cx| {
        while polled < polls && got.len() < events {
            polled += 1;
            match source.poll_next_unpin(cx) {
                Poll::Ready(Some(Update::Event(event))) => got.push(event.data.to_string()),
                Poll::Ready(Some(Update::Open(_) | Update::Lost(_))) => {}
                Poll::Ready(other) => panic!("{:?}", other.map(words)),
                Poll::Pending if polled < polls => return Poll::Pending,
                Poll::Pending => {}
            }
        }
        Poll::Ready(())
    })
    .await;
    got
}

/// The requests for a target.
fn asked(server: &Server, target: &str) -> usize {
    server.exchanges().iter().filter(|exchange| exchange.target == target).count()
}

pub(crate) async fn dropped_at_every_await_it_closes_and_leaves_nothing<T: Transport>() {
    let tasks = T::tasks();
    let server = serve::<T>(script);
    let rounds = (1..MANY).map(|polls| {
        let server = &server;
        async move {
            let target = format!("/{polls}");
            let mut source = T::source(get(server.url(&target))).policy(quick());
            let got = poll_times(&mut source, polls, 3).await;
            let attempts = source.stats().attempts;
            drop(source);
            (target, attempts, got.len())
        }
    });
    let requests = join_all(rounds).await;
    until::<T>("closed", || server.open() == 0).await;
    until::<T>("left by all tasks", || T::tasks() == tasks).await;
    let count = server.count();
    T::sleep(MIN_DELAY * 3).await;
    assert_eq!(server.count(), count, "nothing comes after a drop");
    assert!(server.exchanges().iter().all(|exchange| exchange.is_alone), "two connections at once");
    for (target, attempts, got) in &requests {
        // One that's dropped early may not have sent its request.
        let asked = asked(&server, target) as u64;
        assert!(
            asked == *attempts || asked + 1 == *attempts,
            "{target}: {asked} of {attempts}, {got} events"
        );
    }
    let reached: Vec<_> = requests.iter().map(|(_, attempts, _)| *attempts).collect();
    assert!(reached.contains(&1) && reached.contains(&2) && reached.contains(&3), "{reached:?}");
}

pub(crate) async fn dropped_at_every_await_it_resumes_without_loss<T: Transport>() {
    let server = serve::<T>(script);
    let rounds = (1..MANY).map(|polls| {
        let server = &server;
        async move {
            let url = server.url(&format!("/{polls}"));
            let mut source = T::source(get(url.clone())).policy(quick());
            let mut got = poll_times(&mut source, polls, 3).await;
            let last = source.last_event_id().as_str().to_owned();
            drop(source);
            let decoder = Decoder::new().resume_after(EventId::new(&last).unwrap());
            let mut source = T::source(get(url)).policy(quick()).decoder(decoder);
            let missing = 3 - got.len();
            got.extend(poll_times(&mut source, usize::MAX, missing).await);
            assert_eq!(got, ["1", "2", "3"], "after {polls} polls");
            missing
        }
    });
    let missing = join_all(rounds).await;
    assert!(missing.contains(&3) && missing.contains(&2) && missing.contains(&0), "{missing:?}");
}

/// Where a client may be.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Place {
    NotPolled,
    Connecting,
    Open,
    Waiting,
    Over,
}

const PLACES: [Place; 5] = [Place::NotPolled, Place::Connecting, Place::Open, Place::Waiting, Place::Over];

/// Starts a server whose first answer leads a client there.
fn serve_for<T: Transport>(place: Place) -> Server {
    let first = match place {
        Place::NotPolled | Place::Open => Reply::text("data: a\n\n").silent(),
        Place::Connecting => Reply::never(),
        Place::Waiting => Reply::text("retry: 60000\ndata: a\n\n"),
        Place::Over => Reply::status(404),
    };
    serve_each::<T>([first, Reply::text("data: b\n\n").silent()])
}

/// Leads a client there.
async fn lead<T: Transport, C>(source: &mut EventSource<C, T::Alarm>, server: &Server, place: Place)
where
    C: Connect<Error: Debug + Display>,
{
    let updates = match place {
        Place::NotPolled => 0,
        Place::Connecting => {
            let asked = pin!(until::<T>("asked", || server.count() == 1));
            let Either::Right(_) = select(source.next(), asked).await else { panic!("it's never answered") };
            0
        }
        Place::Open => 2,
        Place::Waiting => 3,
        Place::Over => 1,
    };
    assert_eq!(heard(source, updates).await.len(), updates);
    let is_there = match source.state() {
        Step::Connect => matches!(place, Place::NotPolled | Place::Connecting),
        Step::Read => place == Place::Open,
        Step::Wait { .. } => place == Place::Waiting,
        Step::Closed(_) => place == Place::Over,
    };
    assert!(is_there, "{place:?} {source:?}");
}

pub(crate) async fn nothing_comes_after_a_close<T: Transport>() {
    join_all(PLACES.map(|place| async move {
        let server = serve_for::<T>(place);
        let mut source = T::source(get(server.url("/")));
        lead::<T, _>(&mut source, &server, place).await;
        let count = server.count();
        source.close();
        let reason = if place == Place::Over { Reason::Status(404) } else { Reason::Closed };
        assert_eq!(source.state(), Step::Closed(reason));
        assert_eq!(source.next().now_or_never().map(|next| next.is_none()), Some(true));
        until::<T>("closed", || server.open() == 0).await;
        source.restart();
        T::sleep(MIN_DELAY * 3).await;
        assert!(heard_all(&mut source).await.is_empty());
        assert_eq!(server.count(), count, "{place:?}");
    }))
    .await;
}

pub(crate) async fn a_restart_connects_anew<T: Transport>() {
    join_all(PLACES.map(|place| async move {
        let server = serve_for::<T>(place);
        let mut source = T::source(get(server.url("/")));
        lead::<T, _>(&mut source, &server, place).await;
        let count = server.count();
        source.restart();
        let data = match place {
            Place::NotPolled => "a",
            Place::Connecting | Place::Open | Place::Waiting => "b",
            Place::Over => return assert!(heard_all(&mut source).await.is_empty()),
        };
        assert_eq!(heard(&mut source, 2).await, ["open 200", &event(data)], "{place:?}");
        assert_eq!(server.count(), count + 1);
        until::<T>("left by the first connection", || server.open() == 1).await;
    }))
    .await;
}
