//! What's read of any bytes, through `Chunks` or as chunks, through `Items` and `Events`, is what the naive decoder says; and passed on by
//! a driver and read again, it's the same.

#![no_main]
#![forbid(unsafe_code)]

use core::pin::pin;
use core::time::Duration;
use eventsource_core::codec::{EventsError, OwnedItem};
use eventsource_core::io::{Chunks, Driver, WriteOnly};
use eventsource_core::test_util::{Dispatched, ManualClock};
use eventsource_core::{EndReason, EventStream, Events, Frame, OwnedEvent};
use eventsource_fuzz::cuts::Cuts;
use eventsource_fuzz::line::{Line, Pace, Pieces, collect, run};
use eventsource_fuzz::model::Outcome;
use eventsource_fuzz::seen::{Seen, feed};
use eventsource_fuzz::setup::Setup;
use futures_core::Stream;
use libfuzzer_sys::arbitrary::Arbitrary;
use libfuzzer_sys::fuzz_target;
use std::fmt;
use std::io::{Error, ErrorKind};

#[derive(Debug, Arbitrary)]
struct Input<'a> {
    setup: Setup,
    cuts: Cuts,
    pace: Pace,
    /// The connection ends with an error.
    fails: bool,
    /// A timeout is set; no time passes.
    timed: bool,
    stream: &'a [u8],
}

impl Input<'_> {
    fn events<S>(&self, chunks: S) -> Events<S> {
        Events::with_decoder(chunks, self.setup.apply(eventsource_core::Decoder::new()))
    }

    fn chunks(&self) -> Pieces<Result<Vec<u8>, Error>> {
        let mut chunks: Vec<_> =
            self.cuts.of(self.stream).into_iter().map(|chunk| Ok(chunk.to_vec())).collect();
        if self.fails {
            chunks.push(Err(ErrorKind::ConnectionReset.into()));
        }
        Pieces(chunks.into())
    }

    fn reader(&self) -> Chunks<Line> {
        Chunks::new(Line::new(self.pace, self.stream, self.fails))
    }

    /// Reads all, and what follows on the same decoder.
    fn check<S, C, E>(&self, events: Events<S>)
    where
        S: Stream<Item = Result<C, E>>,
        C: AsRef<[u8]> + Send + 'static,
        E: fmt::Debug,
    {
        let expected = self.setup.model().decode(self.stream);
        let mut items = Box::pin(events.items());
        let mut failed = false;
        let seen = collect(items.as_mut()).into_iter().filter_map(|item| {
            assert!(!failed, "that was the end");
            failed = matches!(item, Err(EventsError::Chunks(_)));
            seen(item)
        });
        let seen: Vec<_> = seen.collect();
        let has_stopped =
            matches!(seen.last(), Some(Seen::Error(..))) && seen == expected.seen && !self.setup.skips();
        assert_eq!(failed, self.fails && !has_stopped, "an error of the chunks is told");
        let events = items.events();
        let outcome = Outcome {
            seen,
            last_event_id: events.last_event_id().to_string(),
            is_mid_event: events.is_mid_event(),
            ignored_lines: events.ignored_lines(),
        };
        assert_eq!(outcome, expected);
    }
}

/// None is the end of the connection.
fn seen<E: fmt::Debug>(item: Result<OwnedItem, EventsError<E>>) -> Option<Seen> {
    Some(match item {
        Ok(OwnedItem::Event(event)) => Seen::Event(dispatched(&event)),
        Ok(OwnedItem::Comment(text)) => Seen::Comment(text.to_string()),
        Ok(OwnedItem::Retry(after)) => Seen::Retry(after),
        Ok(OwnedItem::LastEventId(id)) => Seen::LastEventId(id.to_string()),
        Err(EventsError::Limit(error)) => Seen::Error(error.limit, error.size),
        Err(EventsError::Chunks(_)) => return None,
        other => panic!("{other:?}"),
    })
}

fn dispatched(event: &OwnedEvent) -> Dispatched {
    Dispatched {
        name: event.name.to_string(),
        data: event.data.to_string(),
        last_event_id: event.last_event_id.to_string(),
    }
}

fuzz_target!(|input: Input<'_>| {
    let clock = ManualClock::new();
    let minute = Duration::from_secs(60);
    if input.timed {
        input.check(input.events(input.chunks()).idle_timeout(minute, clock.timer()));
        input.check(input.events(input.reader()).idle_timeout(minute, clock.timer()));
    } else {
        input.check(input.events(input.chunks()));
        input.check(input.events(input.reader()));
    }

    // The events alone, and the decoder for the next connection.
    let expected = input.setup.model().decode(input.stream);
    let mut events = input.events(input.chunks());
    let came: Vec<OwnedEvent> = collect(pin!(&mut events)).into_iter().filter_map(Result::ok).collect();
    let of_model = expected.seen.iter().filter_map(|seen| match seen {
        Seen::Event(event) => Some(event.clone()),
        _ => None,
    });
    assert_eq!(came.iter().map(dispatched).collect::<Vec<_>>(), of_model.collect::<Vec<_>>());
    let mut decoder = events.into_decoder();
    let seen = feed(&mut decoder, input.cuts.of(input.stream));
    let next = input.setup.model().decode_after(&expected.last_event_id, input.stream);
    assert_eq!(Outcome::of(&decoder, seen), next);

    // Passed on.
    let frames: Vec<_> = came.iter().cloned().map(Frame::from).collect();
    let line = Line::new(input.pace, b"", false);
    let written = line.written();
    let stream = EventStream::without_timer(Pieces(frames.iter().cloned().collect()));
    assert_eq!(run(Driver::new(stream, WriteOnly::new(line))).unwrap(), EndReason::SourceEnded);
    let written = written();
    assert_eq!(written, frames.iter().flat_map(Frame::as_bytes).copied().collect::<Vec<_>>());
    let again = collect(pin!(Events::new(Chunks::new(Line::new(input.pace, &written, false)))));
    let stated = |event: &OwnedEvent| {
        let id = event.id().map(|id| id.to_string()).filter(|id| !id.is_empty());
        (event.name.to_string(), event.data.to_string(), id)
    };
    let again: Vec<_> =
        again.into_iter().map(|event| stated(&event.expect("no limit is exceeded"))).collect();
    assert_eq!(again, came.iter().map(stated).collect::<Vec<_>>());
});
