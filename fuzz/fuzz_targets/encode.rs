//! What the types accept, a conformant client reads back; what they refuse, they refuse for the right reason; and all
//! ways to encode make the same bytes.

#![no_main]
#![forbid(unsafe_code)]

use core::fmt::Write;
use core::time::Duration;
use eventsource_core::codec::{BufferTooSmall, DataWriter};
use eventsource_core::test_util::{Dispatched, Interpretation, interpret};
use eventsource_core::{Event, Frame};
use eventsource_fuzz::parts::{Parts, Wish};
use libfuzzer_sys::arbitrary::Arbitrary;
use libfuzzer_sys::fuzz_target;

#[derive(Debug, Arbitrary)]
struct Input {
    wishes: Vec<Wish>,
    /// How many characters of the data are written at once.
    cuts: Vec<u8>,
}

fuzz_target!(|input: Input| {
    let stream: Vec<Parts> = input.wishes.into_iter().map(Wish::into_parts).collect();
    for parts in &stream {
        let event = parts.event();
        let encoded = encoded(event);
        let seen = interpret(&encoded);
        assert_eq!(seen, Interpretation::of_event(&event));
        assert_eq!(seen, expected(core::slice::from_ref(parts)));
        check_writers(parts, &input.cuts);
    }

    let frames = || stream.iter().map(|parts| Frame::from(parts.event()));
    let joined: Frame = frames().collect();
    assert_eq!(joined.as_bytes(), frames().flat_map(Frame::into_bytes).collect::<Vec<u8>>());
    assert_eq!(interpret(joined.as_bytes()), expected(&stream));
});

/// What a client has to make of these events, one after the other, by what each field is for.
fn expected(stream: &[Parts]) -> Interpretation {
    let mut seen = Interpretation::default();
    for parts in stream {
        if let Some(comment) = &parts.comment {
            seen.comments.extend(lines(comment).map(str::to_owned));
        }
        if let Some(retry) = parts.retry {
            seen.retry = Some(whole_millis(retry));
        }
        if let Some(id) = &parts.id {
            seen.last_event_id.clone_from(id);
        }
        if let Some(data) = &parts.data {
            let name = parts.name.clone().filter(|name| !name.is_empty());
            seen.events.push(Dispatched {
                name: name.unwrap_or_else(|| "message".to_owned()),
                data: lines(data).collect::<Vec<_>>().join("\n"),
                last_event_id: seen.last_event_id.clone(),
            });
        }
    }
    seen
}

fn lines(text: &str) -> impl Iterator<Item = &str> {
    text.split("\r\n").flat_map(|part| part.split(['\r', '\n']))
}

/// Rounded up, as far as a duration reaches.
fn whole_millis(duration: Duration) -> Duration {
    let fraction = duration.subsec_nanos() % 1_000_000;
    let missing = if fraction == 0 { 0 } else { 1_000_000 - fraction };
    duration.saturating_add(Duration::from_nanos(missing.into()))
}

/// The event's bytes, by every way to encode it.
fn encoded(event: Event<'_>) -> Vec<u8> {
    let encoded = Frame::from(event).into_bytes().to_vec();
    let needed = encoded.len();
    assert_eq!(event.encoded_len(), needed);
    assert_eq!(event.to_string().as_bytes(), encoded);

    let mut text = "before".to_owned();
    event.encode_to_fmt(&mut text).unwrap();
    assert_eq!(text.as_bytes().strip_prefix(b"before").unwrap(), encoded);

    let mut vec = b"before".to_vec();
    event.encode_to_buf(&mut vec).unwrap();
    assert_eq!(vec.strip_prefix(b"before").unwrap(), encoded);

    for room in [needed, needed + 1, needed + 1000] {
        let mut buffer = vec![b'.'; room];
        assert_eq!(event.encode_to_slice(&mut buffer).unwrap(), encoded);
        assert!(buffer[needed..].iter().all(|&byte| byte == b'.'), "what is behind stays as it was");

        let mut buffer = vec![b'.'; room];
        let mut fixed = buffer.as_mut_slice();
        event.encode_to_buf(&mut fixed).unwrap();
        assert_eq!(fixed.len(), room - needed);
        assert_eq!(buffer.strip_prefix(encoded.as_slice()).unwrap(), vec![b'.'; room - needed]);
    }

    // Some of this room is none at all, some ends inside a field.
    for available in [0, 1, needed / 2, needed.saturating_sub(1)].into_iter().filter(|&room| room < needed) {
        let too_small = |error: BufferTooSmall| (error.needed, error.available) == (needed, available);
        let mut buffer = vec![b'.'; available];
        assert!(event.encode_to_slice(&mut buffer).is_err_and(too_small));

        let mut buffer = vec![b'.'; available];
        let mut fixed = buffer.as_mut_slice();
        assert!(event.encode_to_buf(&mut fixed).is_err_and(too_small));
        assert_eq!(fixed.len(), available, "nothing is taken");
        assert_eq!(buffer, vec![b'.'; available], "nothing is written");
    }
    encoded
}

/// Data in pieces is the same as data at once.
fn check_writers(parts: &Parts, cuts: &[u8]) {
    let data = parts.data.as_deref().unwrap_or_default();
    let at_once = Frame::from(parts.event_with(Some(data)));
    let pieces = pieces(data, cuts);

    // From nothing.
    let mut writer = DataWriter::new(parts.event_with(None), String::new()).unwrap();
    for piece in &pieces {
        writer.write_str(piece).unwrap();
    }
    assert_eq!(writer.finish().unwrap().as_bytes(), at_once.as_bytes());

    // With a first piece that the event has.
    let (first, rest) = pieces.split_first().unwrap();
    let mut writer = Frame::writer(parts.event_with(Some(first)));
    for piece in rest {
        writer.write_str(piece).unwrap();
    }
    assert_eq!(writer.finish(), at_once);

    // In the smallest pieces.
    let mut writer = Frame::writer(parts.event_with(None));
    data.chars().for_each(|character| writer.write_char(character).unwrap());
    assert_eq!(writer.finish(), at_once);
}

/// At least one; some are empty.
fn pieces<'t>(mut text: &'t str, cuts: &[u8]) -> Vec<&'t str> {
    let mut pieces = Vec::new();
    for &cut in cuts {
        let at = text.char_indices().nth(cut.into()).map_or(text.len(), |(at, _)| at);
        let (piece, rest) = text.split_at(at);
        pieces.push(piece);
        text = rest;
    }
    pieces.push(text);
    pieces
}
