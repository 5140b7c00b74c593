//! What needs an allocator and no more: frames, and streams polled by hand.

use crate::alarm::Alarm;
use crate::codec;
use alloc::sync::Arc;
use alloc::task::Wake;
use alloc::vec::Vec;
use core::cell::Cell;
use core::convert::Infallible;
use core::pin::{Pin, pin};
use core::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use core::task::{Context, Poll, Waker};
use core::time::Duration;
use eventsource_core::client::{Attempt, EventSource, Head, Response, Update};
use eventsource_core::stream::TryEmitError;
use eventsource_core::{
    Decoder, Emitter, EndReason, Event, EventId, EventStream, Frame, KeepAlive, StopHandle, event_name,
};
use futures_core::Stream;

pub(crate) fn check() {
    frames();
    codec::decodes(Decoder::new());
    emitted_kept_alive_stopped();
    merged();
    reconnects();
}

fn frames() {
    let event = Event::new("one").name(event_name!("tick"));
    let mut out = Vec::new();
    event.encode_to_buf(&mut out).unwrap();
    assert_eq!(Frame::from(event).as_bytes(), out);

    let joined = Frame::from_iter([Frame::from("one"), Frame::comment("two"), Frame::KEEP_ALIVE]);
    assert_eq!(joined.as_bytes(), b"data: one\n\n: two\n:\n");
}

fn emitted_kept_alive_stopped() {
    let now = Cell::new(Duration::ZERO);
    let stop = StopHandle::new();
    let told = Arc::new(AtomicBool::new(false));
    let hook = Arc::clone(&told);
    let (emitter, emissions) = Emitter::new(1);
    let mut stream = pin!(
        EventStream::with_timer(emissions, Alarm::new(&now))
            .retry(Duration::from_secs(3))
            .keep_alive(KeepAlive::new(Duration::from_secs(15)))
            .stop_on(&stop)
            .on_end(move |end| hook.store(end.reason() == EndReason::Stopped, Ordering::Relaxed))
    );
    let wake_ups = Arc::new(WakeUps::default());
    let waker = Waker::from(Arc::clone(&wake_ups));
    let mut expect = |expected| assert_next(stream.as_mut(), &waker, expected);

    expect(Poll::Ready(Some("retry: 3000\n\n")));
    expect(Poll::Pending);

    emitter.try_emit((event_name!("tick"), "one")).unwrap();
    assert_eq!(wake_ups.count(), 1);
    assert!(matches!(emitter.try_emit("two"), Err(TryEmitError::Full(_))));
    expect(Poll::Ready(Some("event: tick\ndata: one\n\n")));
    expect(Poll::Pending);

    // Something was sent in the first interval, nothing in the second.
    now.set(Duration::from_secs(15));
    expect(Poll::Pending);
    now.set(Duration::from_secs(30));
    expect(Poll::Ready(Some(":\n")));
    expect(Poll::Pending);

    stop.stop();
    assert_eq!(wake_ups.count(), 2);
    expect(Poll::Ready(None));
    assert!(emitter.is_closed());
    assert!(told.load(Ordering::Relaxed));
}

fn merged() {
    let (first, first_emissions) = Emitter::new(1);
    let (second, second_emissions) = Emitter::new(1);
    let mut stream = pin!(EventStream::without_timer(first_emissions).merge(second_emissions));
    first.try_emit("first").unwrap();
    second.try_emit("second").unwrap();
    drop((first, second));

    for expected in [Some("data: first\n\n"), Some("data: second\n\n"), None] {
        assert_next(stream.as_mut(), Waker::noop(), Poll::Ready(expected));
    }
}

/// A server that has one event for each attempt, and then ends its stream.
fn reconnects() {
    let now = Cell::new(Duration::ZERO);
    let connect = |attempt: Attempt| {
        let event = Frame::from(Event::new("one").id(EventId::new("7").unwrap()));
        let head = Head::new(200, [("content-type", "text/event-stream")]);
        let fields = attempt.header_fields().count();
        assert_eq!(fields, if attempt.number() == 1 { 2 } else { 3 });
        core::future::ready(Ok::<_, Infallible>(Response { head, body: Body(Some(event)) }))
    };
    let mut source = pin!(EventSource::with_timer(connect, Alarm::new(&now), 7));
    let mut cx = Context::from_waker(Waker::noop());
    let mut events = 0;
    while events < 3 {
        match source.as_mut().poll_next(&mut cx) {
            Poll::Ready(Some(Update::Event(event))) if event.data == "one" => events += 1,
            Poll::Ready(Some(Update::Lost(lost))) => now.set(now.get() + lost.retry_in.unwrap()),
            Poll::Ready(other) => assert!(matches!(other, Some(Update::Open(_)))),
            // The alarm was set now.
            Poll::Pending => now.set(now.get() + Duration::from_secs(4)),
        }
    }
    assert_eq!(source.stats().attempts, 3);
}

/// A response's body of one chunk.
struct Body(Option<Frame>);

impl Stream for Body {
    type Item = Result<Frame, Infallible>;

    fn poll_next(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        Poll::Ready(self.0.take().map(Ok))
    }
}

#[track_caller]
fn assert_next(stream: Pin<&mut impl Stream<Item = Frame>>, waker: &Waker, expected: Poll<Option<&str>>) {
    let polled = stream.poll_next(&mut Context::from_waker(waker));
    let expected = expected.map(|next| next.map(|text| text.as_bytes().to_vec()));
    assert_eq!(polled.map(|next| next.map(|frame| frame.as_bytes().to_vec())), expected);
}

/// Counts how often it's woken.
#[derive(Default)]
struct WakeUps(AtomicUsize);

impl WakeUps {
    fn count(&self) -> usize {
        self.0.load(Ordering::Relaxed)
    }
}

impl Wake for WakeUps {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }
}
