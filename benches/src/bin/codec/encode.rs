//! The encoder: an event with the name `tick`, the id `12345` and data of several sizes.

use crate::race::{Contender, race};
use axum::response::{IntoResponse, Sse, sse};
use eventsource_core::{Event, EventId, Frame, event_name};
use futures_util::{FutureExt, StreamExt, stream};
use http_body::Body;
use memchr::memchr2;
use std::convert::Infallible;
use std::future::poll_fn;
use std::hint::black_box;
use std::pin::pin;

pub(crate) fn run(wanted: &str) {
    println!("Encoding one event: median ns, and as a ratio to memchr2 + memcpy of the same bytes\n");
    let cases = [
        ("16 B", "x".repeat(16)),
        ("128 B", "x".repeat(128)),
        ("4 KiB", "x".repeat(4096)),
        ("64 KiB, a break every 80 B", format!("{}\n", "x".repeat(79)).repeat(64 * 1024 / 80)),
        ("1 MiB", "x".repeat(1024 * 1024)),
    ];
    for (name, data) in cases.into_iter().filter(|(name, _)| name.contains(wanted)) {
        println!("{name}");
        // axum's body has to own what it borrows.
        case(data.leak());
    }
}

fn case(data: &'static str) {
    let event = || Event::new(black_box(data)).name(event_name!("tick")).id(ID);
    let encoded = event().to_string().into_bytes();
    let mut buffers = [(); 3].map(|()| Vec::<u8>::with_capacity(2 * encoded.len()));
    let [copied, scanned, reused] = &mut buffers;

    let contenders = vec![
        Contender::new("memcpy", |times| {
            for _ in 0..times {
                copied.clear();
                copied.extend_from_slice(black_box(&encoded));
                black_box(&*copied);
            }
        }),
        Contender::new("memchr2 + memcpy", |times| {
            for _ in 0..times {
                let mut rest = black_box(data).as_bytes();
                while let Some(at) = memchr2(b'\n', b'\r', rest) {
                    rest = &rest[at + 1..];
                }
                scanned.clear();
                scanned.extend_from_slice(black_box(&encoded));
                black_box(&*scanned);
            }
        }),
        Contender::new("into a reused Vec", |times| {
            for _ in 0..times {
                reused.clear();
                event().encode_to_buf(reused).unwrap();
                black_box(&*reused);
            }
        }),
        Contender::new("a fresh Frame", |times| {
            for _ in 0..times {
                black_box(Frame::from(event()));
            }
        }),
        Contender::new("axum 0.8, its body", |times| axum_body(data, times)),
    ];
    let names: Vec<_> = contenders.iter().map(|contender| contender.name).collect();
    let costs = race(contenders);
    let limit = costs[1].nanos;
    for (name, cost) in names.iter().zip(&costs) {
        println!(
            "  {name:<20} {:>10.0} ns   × {:<6.2} {:>4.1} allocations",
            cost.nanos,
            cost.nanos / limit,
            cost.allocations
        );
    }
    println!("  axum / a reused Vec: {:.1}\n", costs[4].nanos / costs[2].nanos);
}

const ID: EventId<'static> = match EventId::new("12345") {
    Ok(id) => id,
    Err(_) => unreachable!(),
};

/// axum encodes an event while it's described, and hands the bytes out through a body alone.
fn axum_body(data: &'static str, times: usize) {
    let event =
        move |_| Ok::<_, Infallible>(sse::Event::default().event("tick").id("12345").data(black_box(data)));
    let mut body = pin!(Sse::new(stream::iter(0..times).map(event)).into_response().into_body());
    while let Some(frame) = poll_fn(|cx| body.as_mut().poll_frame(cx)).now_or_never().flatten() {
        black_box(frame.is_ok());
    }
}
