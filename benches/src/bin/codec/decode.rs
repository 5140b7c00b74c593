//! The decoder: event streams of several shapes, in chunks of several sizes.

use crate::race::{Contender, race, ratio};
use bytes::Bytes;
use eventsource_core::codec::{Chunk, Item};
use eventsource_core::{Decoder, Event, EventId, Frame, event_name};
use futures_util::{FutureExt, Stream, StreamExt, stream};
use memchr::memchr2;
use std::convert::Infallible;
use std::hint::black_box;
use std::pin::pin;

pub(crate) fn run(wanted: &str) {
    println!("Decoding: median ns per event, and as a ratio to the best peer\n");
    let text = "Grüße, 世界: naïve café 🦀 и так далее. ";
    let shapes = [
        ("60 B events", vec![event(&"x".repeat(23)); 4096]),
        ("200 B events of a language model", vec![llm(); 1024]),
        ("ten lines, 600 B", vec![event(&format!("{}\n", "x".repeat(50)).repeat(10)); 256]),
        // As many bytes of input as with 1 MiB, so that both come from the same caches.
        ("64 KiB in one line", vec![event(&"x".repeat(64 * 1024)); 32]),
        ("64 KiB in one line, multi-byte text", vec![event(&text.repeat(64 * 1024 / text.len())); 8]),
        ("64 KiB in lines of 80 B", vec![event(&format!("{}\n", "x".repeat(79)).repeat(820)); 8]),
        ("1 MiB in one line", vec![event(&"x".repeat(1024 * 1024)); 2]),
    ];
    for (name, frames) in shapes {
        let events = frames.len();
        let bytes = Frame::from_iter(frames).into_bytes();
        for (size, label) in [(1024, "1 KiB"), (16 * 1024, "16 KiB"), (1, "1 B")] {
            // Byte by byte, a part of the events says enough, and of the large ones there's no part.
            let (bytes, events) = match (size, events) {
                (1, 1024..) => (bytes.slice(..bytes.len() / 64), events / 64),
                (1, 256..) => (bytes.slice(..bytes.len() / 16), events / 16),
                (1, _) => continue,
                _ => (bytes.clone(), events),
            };
            let name = format!("{name}, in chunks of {label}");
            if name.contains(wanted) {
                println!("{name}");
                case(&bytes, size, events);
            }
        }
    }
    for (size, label) in [(1024, "1 KiB"), (16 * 1024, "16 KiB")] {
        let name = format!("growth from 64 KiB to 1 MiB in one line, in chunks of {label}");
        if name.contains(wanted) {
            println!("{name}\n  {:>37} × {:.1}\n", "for 16 times the data", growth(size));
        }
    }
}

/// How many times the cost of an event of 64 KiB one of 1 MiB has. Both streams have 2 MiB, so that both come from the same caches,
/// and the one has 16 times as many events as the other.
fn growth(size: usize) -> f64 {
    let [small, large] = [(64, 32), (1024, 2)].map(|(kib, events)| {
        let bytes = Frame::from_iter(vec![event(&"x".repeat(kib * 1024)); events]).into_bytes();
        let chunks = chunks(&bytes, size);
        let mut decoder = Decoder::new();
        Contender::new("Decoder, borrowed", move |times| {
            for _ in 0..times {
                decode(&mut decoder, &chunks, events);
            }
        })
    });
    16.0 * ratio(small, large)
}

fn event(data: &str) -> Frame {
    const ID: EventId<'static> = match EventId::new("12345") {
        Ok(id) => id,
        Err(_) => unreachable!(),
    };
    Event::new(data).name(event_name!("tick")).id(ID).into()
}

fn llm() -> Frame {
    let json = r#"{"id":"chatcmpl-9xKzQwErTy","object":"chat.completion.chunk","created":1732300000,"#;
    let json = format!(
        r#"{json}"model":"m-1","choices":[{{"index":0,"delta":{{"content":" token"}},"finish_reason":null}}]}}"#
    );
    Frame::from(json)
}

fn case(bytes: &Bytes, size: usize, events: usize) {
    let chunks = chunks(bytes, size);
    let chunks = chunks.as_slice();
    // What a connection's body looks like to the peers, which decode streams alone.
    let body = move || stream::iter(chunks.iter().cloned().map(Ok::<_, Infallible>));
    let mut decoder = Decoder::new();

    let mut contenders = vec![
        Contender::new("memchr2 per line", |times| {
            for _ in 0..times {
                let mut rest = black_box(bytes).as_ref();
                let mut lines = 0;
                while let Some(at) = memchr2(b'\n', b'\r', rest) {
                    rest = &rest[at + 1..];
                    lines += 1;
                }
                black_box(lines);
            }
        }),
        Contender::new("UTF-8 check", |times| {
            for _ in 0..times {
                black_box(simdutf8::basic::from_utf8(black_box(bytes)).is_ok());
            }
        }),
        Contender::new("Decoder, borrowed", |times| {
            for _ in 0..times {
                decode(&mut decoder, chunks, events);
            }
        }),
        Contender::new("sse-stream 0.3", |times| {
            for _ in 0..times {
                count(sse_stream::SseStream::from_bytes_stream(body()), events);
            }
        }),
        Contender::new("sseer 0.3", |times| {
            for _ in 0..times {
                count(sseer::event_stream::EventStream::new(body()), events);
            }
        }),
    ];
    // Its cost grows with the square of an event's size: minutes for one of 1 MiB.
    if bytes.len() / events < 4096 {
        contenders.push(Contender::new("eventsource-stream 0.2", |times| {
            for _ in 0..times {
                count(eventsource_stream::EventStream::new(body()), events);
            }
        }));
    }
    let names: Vec<_> = contenders.iter().map(|contender| contender.name).collect();
    let costs = race(contenders);
    let best = costs[3..].iter().map(|cost| cost.nanos).fold(f64::INFINITY, f64::min);
    #[allow(clippy::cast_precision_loss, reason = "counts of this size are exact")]
    let events = events as f64;
    for (name, cost) in names.iter().zip(&costs) {
        println!(
            "  {name:<22} {:>10.0} ns   × {:<6.2} {:>6.2} allocations",
            cost.nanos / events,
            cost.nanos / best,
            cost.allocations / events
        );
    }
    println!();
}

fn chunks(bytes: &Bytes, size: usize) -> Vec<Bytes> {
    (0..bytes.len()).step_by(size).map(|at| bytes.slice(at..bytes.len().min(at + size))).collect()
}

fn decode(decoder: &mut Decoder, chunks: &[Bytes], expected: usize) {
    let mut seen = 0_usize;
    for bytes in chunks {
        let mut chunk = Chunk::new(black_box(bytes));
        while let Some(item) = decoder.decode(&mut chunk).unwrap() {
            seen += usize::from(matches!(black_box(item), Item::Event(_)));
        }
    }
    assert!(seen.abs_diff(expected) <= 1);
}

/// Lets a peer decode its whole stream.
fn count<T, E: std::fmt::Debug>(events: impl Stream<Item = Result<T, E>>, expected: usize) {
    let mut events = pin!(events);
    let mut decoded = 0_usize;
    while let Some(event) = events.next().now_or_never().expect("every chunk is there") {
        black_box(event.unwrap());
        decoded += 1;
    }
    assert!(decoded.abs_diff(expected) <= 1, "{decoded} of {expected}");
}
