//! A drain amid publications, subscriptions and resumptions, held against counting: events are numbered, so a client's are a
//! stretch of numbers, and the drain says where it ends.

use core::future::Future;
use core::pin::Pin;
use core::task::{Context, Poll, Waker};
use core::time::Duration;
use eventsource_core::stream::Draining;
use eventsource_core::test_util::{ManualClock, ManualTimer, Probe, interpret};
use eventsource_core::{Channel, ChannelOptions, Drain, EndReason, EventStream, LastEventId, Subscription};

const WINDOW: Duration = Duration::from_secs(10);

struct Client {
    stream: Probe<EventStream<Subscription>>,
    /// The number of the last event it has, and of the last it will get, once that's known.
    has: u64,
    until: Option<u64>,
    /// How much was published at each poll since the drain began: at one of them the stream learned of it.
    cuts: Vec<u64>,
    is_bounced: bool,
}

#[derive(Default)]
pub(crate) struct Outcome {
    pub(crate) ops: usize,
    pub(crate) drained: usize,
    pub(crate) bounced: usize,
}

pub(crate) fn run(schedule: &[u8]) -> Outcome {
    let clock = ManualClock::new();
    let channel = Channel::with_options(ChannelOptions::new().epoch(1).retain(100_000, usize::MAX));
    let drain = Drain::with_seed(Duration::from_secs(1)..=Duration::from_secs(9), 7);
    let mut draining: Option<Pin<Box<Draining<ManualTimer>>>> = None;
    let (mut clients, mut published, mut outcome) = (Vec::<Client>::new(), 0_u64, Outcome::default());
    for bytes in schedule.chunks_exact(2) {
        outcome.ops += 1;
        let pick = usize::from(bytes[1]);
        match bytes[0] % 16 {
            0..=3 => {
                published += 1;
                channel.publish(published.to_string().as_str()).unwrap();
            }
            4 => {
                let batch: Vec<_> = (0..pick % 20).map(|n| (published + 1 + n as u64).to_string()).collect();
                channel.publish_all(batch.iter().map(String::as_str)).unwrap();
                published += batch.len() as u64;
            }
            5..=7 => {
                let seen = pick as u64 % (published + 1);
                let subscription = channel.subscribe(LastEventId::parse(format!("1-{seen}").as_bytes()));
                let stream = Probe::new(EventStream::without_timer(subscription).drain_on(&drain));
                clients.push(Client {
                    stream,
                    has: seen,
                    until: None,
                    cuts: Vec::new(),
                    is_bounced: draining.is_some(),
                });
            }
            8 if !clients.is_empty() => drop(clients.swap_remove(pick % clients.len())),
            9..=12 if !clients.is_empty() => {
                let index = pick % clients.len();
                if poll(&mut clients[index], published, draining.is_some(), &mut outcome) {
                    clients.swap_remove(index);
                }
            }
            13 if pick % 8 == 0 && draining.is_none() => {
                assert_eq!(drain.streams(), clients.len());
                draining = Some(Box::pin(drain.begin(WINDOW, clock.timer())));
            }
            14 | 15 => {
                clock.advance(Duration::from_secs(1));
                let _ = tell(&mut draining);
            }
            _ => {}
        }
    }
    // In the end everybody goes.
    draining.get_or_insert_with(|| Box::pin(drain.begin(WINDOW, clock.timer())));
    while tell(&mut draining).is_pending() {
        clock.advance(WINDOW / 10);
    }
    for mut client in clients {
        while !poll(&mut client, published, true, &mut outcome) {}
    }
    assert_eq!(channel.stats().subscribers, 0);
    outcome
}

/// Lets the drain tell whom it has to tell by now.
fn tell(draining: &mut Option<Pin<Box<Draining<ManualTimer>>>>) -> Poll<()> {
    let Some(running) = draining else { return Poll::Pending };
    let polled = running.as_mut().poll(&mut Context::from_waker(Waker::noop()));
    if polled.is_ready() {
        // Not polled any more; that it has begun remains known.
        return Poll::Ready(());
    }
    polled
}

/// Polls once. Whether that was the end.
fn poll(client: &mut Client, published: u64, has_begun: bool, outcome: &mut Outcome) -> bool {
    if has_begun {
        client.cuts.push(published);
    }
    let frame = match client.stream.poll() {
        Poll::Pending => {
            assert!(client.until.is_none() && client.has == published, "nothing waits");
            return false;
        }
        Poll::Ready(None) => {
            assert_eq!(client.stream.stream().end().unwrap().reason(), EndReason::Drained);
            assert!(client.until.is_some(), "the client was told when to come back");
            return true;
        }
        Poll::Ready(Some(frame)) => frame,
    };
    let said = interpret(frame.as_bytes());
    if let Some(retry) = said.retry {
        // The last words: just what was published until it learned of the drain has come before.
        assert!(has_begun && client.until.is_none() && said.events.is_empty());
        assert!((1..=9).contains(&retry.as_secs()), "{retry:?}");
        assert!(client.is_bounced || client.cuts.contains(&client.has), "{} of {published}", client.has);
        client.until = Some(client.has);
        *if client.is_bounced { &mut outcome.bounced } else { &mut outcome.drained } += 1;
        return false;
    }
    assert!(
        !client.is_bounced && client.until.is_none(),
        "a newcomer gets nothing, and nobody anything after the end"
    );
    for event in said.events {
        client.has += 1;
        assert_eq!(event.data, client.has.to_string(), "each once, in order");
    }
    false
}
