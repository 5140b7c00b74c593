//! A stream of chunks as a stream of events.

use bytes::Bytes;
use core::convert::Infallible;
use core::task::Poll;
use core::time::Duration;
use eventsource_core::codec::{EventsError, Limit, Limits, Overflow, OwnedItem};
use eventsource_core::io::IdleError;
use eventsource_core::test_util::ManualClock;
use eventsource_core::{Decoder, Event, EventId, Events, Frame};
use futures_util::stream::{self, FusedStream};
use futures_util::{FutureExt, Stream, StreamExt};
use std::collections::{BTreeSet, VecDeque};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

type Chunk = Result<&'static [u8], &'static str>;

fn chunks(chunks: &[Chunk]) -> impl Stream<Item = Chunk> + use<> {
    stream::iter(chunks.to_vec())
}

fn data<S, E>(events: S) -> Vec<Result<String, E>>
where
    S: Stream<Item = Result<eventsource_core::OwnedEvent, E>>,
{
    let events = events.map(|event| event.map(|event| event.data.to_string()));
    events.collect::<Vec<_>>().now_or_never().unwrap()
}

#[test]
fn the_last_event_id_is_that_of_the_last_event_handed_out() {
    let mut events = Events::new(chunks(&[Ok(
        b"id: 1\ndata: a\n\nretry: 5\nid: 2\n\nid: 3\ndata: b\n\nid: 4\ndata: c\n\n",
    )]));
    let mut next = || events.next().now_or_never().unwrap().unwrap().unwrap();
    assert_eq!(&next().data[..], "a");
    assert_eq!(
        (events.last_event_id().as_str(), events.retry()),
        ("1", None),
        "not what was decoded with it"
    );
    let mut next = || events.next().now_or_never().unwrap().unwrap().unwrap();
    assert_eq!(&next().data[..], "b");
    assert_eq!((events.last_event_id().as_str(), events.retry()), ("3", Some(Duration::from_millis(5))));

    // Dropped here and begun anew, nothing is lost.
    let decoder = events.into_decoder();
    assert_eq!(decoder.last_event_id().as_str(), "3");
    let mut next = Events::with_decoder(chunks(&[Ok("\u{feff}data: d\n\n".as_bytes())]), decoder);
    let event = next.next().now_or_never().unwrap().unwrap().unwrap();
    assert_eq!((&event.data[..], event.last_event_id.as_str()), ("d", "3"));
}

#[test]
fn an_error_of_the_chunks_ends_it() {
    let failing = [Ok(&b"data: a\n\ndata: b"[..]), Err("reset"), Ok(b"\n\n")];
    let mut events = Events::new(chunks(&failing));
    assert_eq!(data(&mut events), [Ok("a".to_owned()), Err(EventsError::Chunks("reset"))]);
    assert!(events.is_terminated());
}

#[test]
fn a_limit_stops_or_skips() {
    let limits = Limits::new().line(10);
    let stream = [Ok(&b"data: much too long\n\ndata: b\n\n"[..]), Ok(b"data: c\n\n")];
    let of = |overflow| {
        data(Events::with_decoder(chunks(&stream), Decoder::new().limits(limits).overflow(overflow)))
    };
    let stopped = of(Overflow::Stop);
    assert!(matches!(stopped.as_slice(), [Err(EventsError::Limit(error))] if error.limit == Limit::Line));
    let skipped = of(Overflow::Skip);
    assert!(matches!(skipped.as_slice(), [Err(_), Ok(b), Ok(c)] if b == "b" && c == "c"));
}

/// A chunk of which it can be told whether somebody keeps it.
#[derive(Clone)]
struct Kept(Arc<[u8]>);

impl AsRef<[u8]> for Kept {
    fn as_ref(&self) -> &[u8] {
        &self.0
    }
}

#[test]
fn an_event_keeps_its_chunk_only_where_it_is_a_large_part_of_it() {
    const KIB: usize = 1024;
    // Lengths of the events in one chunk, and whether the last one shares it.
    for (lengths, shares) in [
        (&[10][..], false),
        (&[64 * KIB], false),
        (&[1024 * KIB], true),
        (&[400 * KIB, 600 * KIB], true),
        (&[600 * KIB, 400 * KIB], false),
        (&[1024 * KIB, 10], false),
        // Of a chunk that was read up to here, it would be the larger part.
        (&[10, 2048 * KIB, 300 * KIB], false),
    ] {
        let blocks: Vec<_> =
            lengths.iter().map(|length| format!("data: {}\n\n", "x".repeat(*length))).collect();
        let chunk = Kept(blocks.concat().into_bytes().into());
        let mut events = Events::new(stream::iter([Ok::<_, ()>(chunk.clone())]).chain(stream::pending()));
        let mut last = None;
        for length in lengths {
            let event = events.next().now_or_never().unwrap().unwrap().unwrap();
            assert_eq!(event.data.len(), *length);
            last = Some(event);
        }
        assert!(events.next().now_or_never().is_none(), "the connection is idle");
        assert_eq!(
            chunk.0.as_ptr_range().contains(&last.as_ref().unwrap().data.as_ptr()),
            shares,
            "{lengths:?}"
        );
        assert_eq!(Arc::strong_count(&chunk.0) > 1, shares, "{lengths:?}");
        drop(last);
        assert_eq!(Arc::strong_count(&chunk.0), 1, "{lengths:?}");
    }
}

#[test]
fn a_name_is_copied_once_for_events_in_a_row() {
    let chunks = [
        "event: a\ndata: 1\n\nevent: a\ndata: 2\n\ndata: 3\n\nev",
        "ent: a\ndata: 4\n\nevent: b\ndata: 5\n\n",
    ];
    let events = Events::new(stream::iter(chunks.map(Ok::<_, ()>)));
    let events: Vec<_> = events.map(Result::unwrap).collect().now_or_never().unwrap();
    let names: Vec<_> = events.iter().map(|event| event.name.as_str()).collect();
    assert_eq!(names, ["a", "a", "message", "a", "b"]);
    assert_eq!(names[0].as_ptr(), names[1].as_ptr(), "shared");
    assert_eq!(names[0].as_ptr(), names[3].as_ptr(), "also past one without a name");
}

#[test]
fn it_begins_with_the_decoder_s_id() {
    let decoder = Decoder::new().resume_after(EventId::new("9").unwrap());
    let events = Events::with_decoder(chunks(&[]), decoder);
    assert_eq!(events.last_event_id().as_str(), "9");
}

#[test]
fn chunks_without_events_do_not_keep_everything_else_waiting() {
    let polled = Arc::new(AtomicUsize::new(0));
    let counter = Arc::clone(&polled);
    let endless = stream::repeat_with(move || {
        counter.fetch_add(1, Ordering::Relaxed);
        Ok::<_, ()>(":\n")
    });
    let mut events = Events::new(endless);
    for _ in 0..3 {
        assert!(events.next().now_or_never().is_none(), "it gives way");
    }
    let polled = polled.load(Ordering::Relaxed);
    assert!((3..1000).contains(&polled), "{polled}");
}

#[test]
fn a_chunk_of_many_events_is_decoded_bit_by_bit() {
    let events: Vec<_> =
        (0..1000).map(|number: u32| format!("id: {number}\ndata: {number:0>9}\n\n")).collect();
    let chunk = events.concat();
    let chunk = Bytes::from(chunk);
    let mut events = Events::new(stream::iter([Ok::<_, ()>(chunk)]));
    for number in 0..1000 {
        let event = events.next().now_or_never().unwrap().unwrap().unwrap();
        assert_eq!(*event.data, format!("{number:0>9}"));
        assert_eq!(events.last_event_id().as_str(), number.to_string(), "as of the last event handed out");
    }
    assert!(events.next().now_or_never().unwrap().is_none());
    assert!(events.is_terminated());
}

#[test]
fn an_id_is_copied_once_however_many_events_and_chunks_follow() {
    let chunks = [
        "id: a\ndata: 1\n\ndata: 2\n\nda",
        "ta: 3\n\n",
        "",
        "data: 4\n\nid: b\n\ndata: 5\n\n",
        "data: 6\n\n",
    ];
    let events = Events::new(stream::iter(chunks.map(Ok::<_, ()>)));
    let events: Vec<_> = events.map(Result::unwrap).collect().now_or_never().unwrap();
    let ids: Vec<_> = events.iter().map(|event| event.last_event_id.as_str()).collect();
    assert_eq!(ids, ["a", "a", "a", "a", "b", "b"]);
    for pair in ids.windows(2).filter(|pair| pair[0] == pair[1]) {
        assert_eq!(pair[0].as_ptr(), pair[1].as_ptr(), "shared");
    }
    let names: Vec<_> = events.iter().map(|event| event.name.as_str()).collect();
    assert!(names.windows(2).all(|pair| pair[0].as_ptr() == pair[1].as_ptr()), "`message` is no allocation");
}

#[test]
fn a_long_id_costs_linear_time() {
    // Copied or compared for each chunk or event, it would take minutes.
    const LONG: usize = 4 * 1024 * 1024;
    let limits = Limits::new().line(2 * LONG).id(LONG);
    let head = Bytes::from(format!("id: {}\ndata: x\n\n", "i".repeat(LONG)));
    for (rest, events) in [(vec![":"; LONG], 1), (vec!["data\n\n"; LONG / 4], 1 + LONG / 4)] {
        let chunks = [head.clone()].into_iter().chain(rest.into_iter().map(Bytes::from)).map(Ok::<_, ()>);
        let mut decoded = Events::with_decoder(stream::iter(chunks), Decoder::new().limits(limits));
        let mut seen = 0;
        // Pending means only that it gives way.
        while !decoded.is_terminated() {
            seen += usize::from(matches!(decoded.next().now_or_never(), Some(Some(Ok(_)))));
        }
        assert_eq!(seen, events);
        assert_eq!(decoded.last_event_id().as_str().len(), LONG);
    }
}

#[test]
fn an_owned_event_can_be_sent_on() {
    let mut events = Events::new(stream::iter([Ok::<_, ()>("event: n\nid: 1\ndata: a\ndata: b\n\n")]));
    let event = events.next().now_or_never().unwrap().unwrap().unwrap();
    assert_eq!(Frame::from(event).as_bytes(), b"event: n\nid: 1\ndata: a\ndata: b\n\n");
    // What wasn't in its block isn't written: neither a name nor an id, and an empty one never.
    let chunks = stream::iter([Ok::<_, ()>("id: 1\ndata: a\n\ndata: b\n\nid\ndata: c\n\n")]);
    let events: Vec<_> = Events::new(chunks).collect().now_or_never().unwrap();
    let passed_on: Vec<_> =
        events.iter().map(|event| Event::from(event.as_ref().unwrap()).to_string()).collect();
    assert_eq!(passed_on, ["id: 1\ndata: a\n\n", "data: b\n\n", "data: c\n\n"]);
}

#[test]
fn everything_that_the_decoder_tells_comes_out() {
    let stream =
        [Ok(&b": ping\nretry: 5\nid: 1\n\n: \xff\nda"[..]), Ok(b"ta: a\n\nid: 2\ndata: b\n\n:\n{}\ndata: c")];
    let mut items = Events::with_decoder(chunks(&stream), Decoder::new().comments(true)).items();
    let mut seen = Vec::new();
    while let Some(item) = items.next().now_or_never().unwrap() {
        let item = match item.unwrap() {
            OwnedItem::Event(event) => format!("data {}", event.data),
            OwnedItem::Comment(text) => format!("comment {text}"),
            OwnedItem::Retry(after) => format!("retry {after:?}"),
            OwnedItem::LastEventId(id) => format!("id {id}"),
            other => panic!("{other:?}"),
        };
        let events = items.events();
        seen.push((item, events.last_event_id().to_string(), events.retry().is_some()));
    }
    let seen: Vec<_> = seen.iter().map(|(item, id, retry)| (item.as_str(), id.as_str(), *retry)).collect();
    assert_eq!(
        seen,
        [
            ("comment ping", "", false),
            ("retry 5ms", "", true),
            ("id 1", "1", true),
            ("comment \u{fffd}", "1", true),
            ("data a", "1", true),
            ("data b", "2", true),
            ("comment ", "2", true),
        ],
        "each with the stream's state as of then"
    );
    assert!(items.is_terminated());
    let events = items.into_events();
    assert_eq!((events.is_mid_event(), events.ignored_lines()), (true, 1));
}

#[test]
fn an_answer_that_is_no_event_stream_and_an_end_in_mid_event_can_be_told() {
    let of = |stream: &[Chunk]| {
        let mut events = Events::new(chunks(stream));
        let seen = data(&mut events).len();
        (seen, events.is_mid_event(), events.ignored_lines())
    };
    assert_eq!(of(&[Ok(b"data: a\n\n")]), (1, false, 0));
    assert_eq!(of(&[Ok(b"data: a\n\nda"), Ok(b"ta: b\n")]), (1, true, 0));
    assert_eq!(of(&[Ok(b"data: a\n\ndata: b"), Err("reset")]), (2, true, 0));
    assert_eq!(of(&[Ok(b"data: a\n\n:"), Err("reset")]), (2, false, 0));
    assert_eq!(of(&[Ok(b"{\n\"error\": "), Ok(b"5\n}")]), (0, false, 3));
}

#[test]
fn comments_without_end_do_not_keep_everything_else_waiting() {
    let endless = || stream::repeat_with(|| Ok::<_, ()>(":\n"));
    let mut events = Events::with_decoder(endless(), Decoder::new().comments(true));
    assert!(events.next().now_or_never().is_none(), "it gives way");
    let mut items = events.items();
    assert!(items.next().now_or_never().is_some(), "to who asks for them, they are no waiting");
}

const MINUTE: Duration = Duration::from_secs(60);
const SECOND: Duration = Duration::from_secs(1);

/// Chunks that come as they are sent.
#[derive(Clone, Default)]
struct Line(Arc<Mutex<VecDeque<&'static str>>>);

impl Line {
    fn send(&self, chunk: &'static str) {
        self.0.lock().unwrap().push_back(chunk);
    }

    fn chunks(&self) -> impl Stream<Item = Result<&'static str, Infallible>> + use<> {
        let queue = Arc::clone(&self.0);
        stream::poll_fn(move |_| {
            queue.lock().unwrap().pop_front().map_or(Poll::Pending, |chunk| Poll::Ready(Some(Ok(chunk))))
        })
    }
}

#[test]
fn silence_is_noticed_within_one_and_one_and_a_quarter_of_the_limit() {
    // A part of a comment now and then, at any distance from one another.
    for (first, step, count) in (0..70).map(|at| (at, 0, 1)).chain((1..60).map(|step| (7, step, 40))) {
        let (clock, line) = (ManualClock::new(), Line::default());
        let mut events = Events::new(line.chunks()).idle_timeout(MINUTE, clock.timer());
        assert!(events.next().now_or_never().is_none());
        let bytes: BTreeSet<u64> = (0..count).map(|number| first + number * step).collect();
        let last = *bytes.last().unwrap();
        let error = (0..last + 76).find_map(|second| {
            if bytes.contains(&second) {
                line.send(":");
            } else if second % 3 == 0 {
                line.send(""); // isn't a byte
            }
            let error = events.next().now_or_never().map(|event| (second, event.unwrap().unwrap_err()));
            clock.advance(SECOND);
            error
        });
        let (at, error) = error.unwrap_or_else(|| panic!("not noticed: {first}, {step}, {count}"));
        if first > 60 {
            assert_eq!(at, 60, "before the first byte");
            continue;
        }
        assert!((last + 60..=last + 75).contains(&at), "{at} after {last}, {step}");
        assert!(matches!(error, EventsError::Chunks(IdleError::Idle { limit: MINUTE, .. })));
        assert!(events.is_terminated());
    }
}

#[test]
fn no_timer_is_touched_for_a_chunk() {
    let (clock, line) = (ManualClock::new(), Line::default());
    let mut events = Events::new(line.chunks()).idle_timeout(MINUTE, clock.timer());
    for _ in 0..60 * 1000 {
        line.send(":");
        assert!(events.next().now_or_never().is_none());
        clock.advance(SECOND / 1000);
    }
    assert!(clock.resets() <= 6, "{} in a minute of 60,000 chunks", clock.resets());
}

#[test]
fn a_silent_end_loses_nothing_that_came_before_and_a_slow_caller_is_no_silence() {
    let (clock, line) = (ManualClock::new(), Line::default());
    let mut events = Events::new(line.chunks()).idle_timeout(MINUTE, clock.timer());
    assert!(events.next().now_or_never().is_none());
    line.send("id: 1\ndata: a\n\nid: 2\ndata: b\n\n");
    line.send("id: 3\ndata: c\n\ndata: d");
    // The caller takes an event every ten minutes.
    for data in ["a", "b", "c"] {
        clock.advance(10 * MINUTE);
        assert_eq!(events.next().now_or_never().unwrap().unwrap().unwrap().data, data);
    }
    clock.advance(10 * MINUTE);
    assert!(events.next().now_or_never().is_none(), "only now it's known that nothing comes");
    let silence = (1..=75).find_map(|second| {
        clock.advance(SECOND);
        events.next().now_or_never().map(|end| (second, end.unwrap().unwrap_err().to_string()))
    });
    let (after, error) = silence.expect("it's noticed");
    assert!(after >= 60, "after {after} s");
    assert_eq!(error, "the event stream was idle for 60s");
    assert!(events.is_terminated());
    assert_eq!((events.last_event_id().as_str(), events.is_mid_event()), ("3", true));
}

#[test]
fn an_idle_timeout_of_zero_is_off_and_one_without_end_is_never() {
    for limit in [Duration::ZERO, Duration::MAX] {
        let (clock, line) = (ManualClock::new(), Line::default());
        let mut events = Events::new(line.chunks()).idle_timeout(limit, clock.timer());
        for _ in 0..100 {
            assert!(events.next().now_or_never().is_none());
            clock.advance(1000 * MINUTE);
        }
    }
}
