//! What needs no allocator.

use crate::alarm::Alarm;
use core::cell::Cell;
use core::fmt::{self, Write};
use core::pin::pin;
use core::task::{Context, Poll, Waker};
use core::time::Duration;
use eventsource_core::client::{Head, Policy, Reason, Reconnection, Step};
use eventsource_core::codec::{BufferTooSmall, Chunk, DataWriter, Item, Memory};
use eventsource_core::http::accepts_event_stream;
use eventsource_core::stream::KeepAliveMachine;
use eventsource_core::stream::jitter;
use eventsource_core::{Decoder, Event, EventId, EventName, KeepAlive, Timer, event_name};

const TICK: EventName<'static> = event_name!("tick");
const ID: EventId<'static> = match EventId::new("7") {
    Ok(id) => id,
    Err(_) => unreachable!(),
};
const EVENT: Event<'static> =
    Event::new("one\r\ntwo").name(TICK).id(ID).retry(Duration::from_micros(1)).comment("note");
const ENCODED: &[u8] = b": note\nretry: 1\nevent: tick\nid: 7\ndata: one\ndata: two\n\n";

pub(crate) fn check() {
    slices();
    writers();
    data_in_pieces();
    decodes(Decoder::with_buffer(&mut [0; 128]));
    keep_alive();
    reconnects();
    assert!(accepts_event_stream(["text/*"]));
    let range = Duration::from_secs(1)..=Duration::from_secs(2);
    assert!(range.contains(&jitter(range.clone(), 7)));
}

fn slices() {
    let mut buffer = [0; 64];
    assert_eq!(EVENT.encode_to_slice(&mut buffer).unwrap(), ENCODED);
    let mut buffer = [0; 8];
    let BufferTooSmall { needed, available, .. } = EVENT.encode_to_slice(&mut buffer).unwrap_err();
    assert_eq!((needed, available), (ENCODED.len(), 8));

    assert_eq!(EventName::new("a\nb").unwrap_err().offset, 1);
    assert_eq!(EventId::new("a\0").unwrap_err().character, '\0');
}

fn writers() {
    let mut out = Text::default();
    Event::from((TICK, "one")).encode_to_fmt(&mut out).unwrap();
    write!(out, "{}", Event::empty().comment("two")).unwrap();
    assert_eq!(out.as_bytes(), b"event: tick\ndata: one\n\n: two\n");
}

fn data_in_pieces() {
    let mut data = DataWriter::new(Event::empty(), Text::default()).unwrap();
    write!(data, "{}\r", 1).unwrap();
    write!(data, "\n{}", 2).unwrap();
    assert_eq!(data.finish().unwrap().as_bytes(), b"data: 1\ndata: 2\n\n");
}

/// What the encoder has written comes back, byte by byte.
pub(crate) fn decodes<M: Memory>(decoder: Decoder<M>) {
    let mut decoder = decoder.comments(true);
    let mut items = 0;
    for byte in ENCODED.chunks(1) {
        if let Some(item) = decoder.decode(&mut Chunk::new(byte)).unwrap() {
            match item {
                Item::Comment(text) => assert_eq!((items, text), (0, "note")),
                Item::Retry(after) => assert_eq!((items, after), (1, Duration::from_millis(1))),
                Item::Event(event) => {
                    assert_eq!((items, event.name, event.data), (2, TICK, "one\ntwo"));
                    assert_eq!(event.last_event_id(), ID);
                }
                other => panic!("nobody wrote {other:?}"),
            }
            items += 1;
        }
    }
    assert_eq!(items, 3);
}

fn keep_alive() {
    let now = Cell::new(Duration::ZERO);
    let mut alarm = pin!(Alarm::new(&now));
    let mut cx = Context::from_waker(Waker::noop());
    let mut keep_alive = KeepAliveMachine::new(KeepAlive::new(Duration::from_secs(15)));

    assert_eq!(keep_alive.poll_due(alarm.as_mut(), &mut cx), Poll::Pending);
    now.set(Duration::from_secs(15));
    assert_eq!(keep_alive.poll_due(alarm.as_mut(), &mut cx), Poll::Ready(()));
}

/// What a server sends is read and lost, waited for, and asked for once more with the last event ID.
fn reconnects() {
    let now = Cell::new(Duration::ZERO);
    let mut alarm = pin!(Alarm::new(&now));
    let mut cx = Context::from_waker(Waker::noop());
    let mut machine = Reconnection::new(Policy::default(), 7);
    let mut buffer = [0; 128];
    let mut decoder = Decoder::with_buffer(&mut buffer);
    let mut body = ENCODED.chunks(7);
    let reason = loop {
        if let Some(after) = machine.take_alarm() {
            alarm.as_mut().reset(after);
        }
        match machine.step() {
            Step::Connect if machine.attempts() == 1 => {
                machine.handle_head(Head::new(200, [("content-type", "text/event-stream")]));
            }
            Step::Connect => {
                assert_eq!(decoder.last_event_id(), ID);
                machine.handle_head(Head::new(204, [("server", "none")]));
            }
            Step::Read => match body.next() {
                Some(bytes) => {
                    machine.handle_chunk(bytes.len());
                    let mut chunk = Chunk::new(bytes);
                    while let Some(item) = decoder.decode(&mut chunk).unwrap() {
                        match item {
                            Item::Event(_) => machine.handle_event(),
                            Item::Retry(retry) => machine.handle_retry(retry),
                            _ => {}
                        }
                    }
                    machine.handle_last_event_id(decoder.last_event_id());
                }
                None => machine.handle_end(),
            },
            Step::Wait { delay, reason } => {
                assert_eq!((reason, delay >= Duration::from_millis(100)), (Reason::Ended, true));
                now.set(now.get() + delay);
                assert_eq!(alarm.as_mut().poll_expired(&mut cx), Poll::Ready(()));
                machine.handle_alarm();
            }
            Step::Closed(reason) => break reason,
        }
    };
    assert_eq!(reason, Reason::Status(204));
}

/// Text in a buffer of a fixed size.
struct Text {
    buffer: [u8; 64],
    len: usize,
}

impl Default for Text {
    fn default() -> Self {
        Self { buffer: [0; 64], len: 0 }
    }
}

impl Text {
    fn as_bytes(&self) -> &[u8] {
        &self.buffer[..self.len]
    }
}

impl fmt::Write for Text {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        let end = self.len + text.len();
        self.buffer.get_mut(self.len..end).ok_or(fmt::Error)?.copy_from_slice(text.as_bytes());
        self.len = end;
        Ok(())
    }
}
