//! The decoder reads what the standard says, whatever the cuts.

#[path = "support/decoder/model.rs"]
mod model;
#[path = "support/decoder/seen.rs"]
mod seen;

use core::time::Duration;
use eventsource_core::codec::{Chunk, Fixed, Item, Limit, LimitError, Limits, Overflow};
use eventsource_core::test_util::{Dispatched, interpret};
use eventsource_core::{Decoder, Event, EventId, EventName, Frame};
use model::{Model, Outcome};
use proptest::prelude::*;
use seen::{Seen, cut, feed, summary};

fn whole(bytes: &[u8]) -> Vec<Seen> {
    feed(&mut Decoder::new().comments(true), [bytes])
}

/// Each is taken round and round; zeros are empty slices.
const CUTS: [&[usize]; 7] = [&[1], &[2], &[3], &[7], &[0, 1, 0, 0, 2], &[5, 1, 1, 16], &[64]];

fn cut_by<'a>(bytes: &'a [u8], lengths: &[usize]) -> Vec<&'a [u8]> {
    cut(bytes, lengths.iter().copied().cycle())
}

/// The same whatever the cuts, in growable memory and in a buffer, and what the interpreter makes of it.
fn check(bytes: &[u8]) -> Vec<Seen> {
    let mut decoder = Decoder::new().comments(true);
    let seen = feed(&mut decoder, [bytes]);
    assert_eq!(
        summary(&seen, decoder.last_event_id().as_str()),
        interpret(bytes),
        "{}",
        bytes.escape_ascii()
    );
    let mut buffer = vec![0; 64 * bytes.len() + 64];
    for lengths in CUTS {
        let pieces = || cut_by(bytes, lengths);
        let again = feed(&mut Decoder::new().comments(true), pieces());
        assert_eq!(again, seen, "{} cut by {lengths:?}", bytes.escape_ascii());
        let mut fixed = Decoder::with_buffer(&mut buffer).comments(true);
        assert_eq!(feed(&mut fixed, pieces()), seen, "{} cut by {lengths:?}", bytes.escape_ascii());
    }
    seen
}

fn event(name: &str, data: &str, id: &str) -> Seen {
    Seen::Event(Dispatched { name: name.into(), data: data.into(), last_event_id: id.into() })
}

#[test]
fn peer_fault_23_a_bom_is_stripped_once_and_at_the_start_alone() {
    assert_eq!(check("\u{feff}data: x\n\n".as_bytes()), [event("message", "x", "")]);
    assert_eq!(check("\u{feff}\u{feff}data: x\n\n".as_bytes()), []);
    assert_eq!(check("\u{feff}\ndata: x\n\n".as_bytes()), [event("message", "x", "")]);
    assert_eq!(check("data: x\n\n\u{feff}data: y\n\n".as_bytes()), [event("message", "x", "")]);
    assert_eq!(check("data: \u{feff}x\n\n".as_bytes()), [event("message", "\u{feff}x", "")]);
    assert_eq!(check(b"\xef\xbbdata: x\n\ndata: y\n\n"), [event("message", "y", "")]);
    assert_eq!(check(b"\xef\n\xbb\xbfdata: x\n\n"), []);
}

#[test]
fn peer_fault_24_a_crlf_cut_in_its_middle_is_one_line_end() {
    assert_eq!(check(b"data: a\r\ndata: b\r\n\r\n"), [event("message", "a\nb", "")]);
    assert_eq!(
        check(b"data: a\rdata: b\r\rdata: c\n\r"),
        [event("message", "a\nb", ""), event("message", "c", "")]
    );
    // A CR ends the blank line at once: nobody waits for the LF.
    assert_eq!(whole(b"data: a\r\n\r"), [event("message", "a", "")]);
}

#[test]
fn peer_fault_25_small_chunks_cost_linear_time() {
    // Quadratic work on 4 MiB, byte by byte, would take hours.
    let bytes = format!("data: {}\n\n", "x".repeat(4 * 1024 * 1024)).into_bytes();
    let seen = feed(&mut Decoder::new(), bytes.chunks(1));
    assert_eq!(seen.len(), 1);
    let many = b"data: x\n\n".repeat(80_000);
    assert_eq!(feed(&mut Decoder::new(), many.chunks(1)).len(), 80_000);
}

#[test]
fn peer_fault_26_invalid_utf_8_becomes_replacement_characters() {
    let seen = check(b"event: \xffe\nid: i\xc3\ndata: a\xf0\x9f\xa6z\xe2\x82\n: \x80\ndata: \xc0\x80\n\n");
    let expected = event("\u{fffd}e", "a\u{fffd}z\u{fffd}\n\u{fffd}\u{fffd}", "i\u{fffd}");
    assert_eq!(seen, [Seen::Comment("\u{fffd}".into()), expected]);
}

#[test]
fn peer_fault_27_blocks_without_data_are_not_lost() {
    assert_eq!(
        check(b"retry: 7\n\nid: 5\n\ndata: x\n\n"),
        [Seen::Retry(Duration::from_millis(7)), Seen::LastEventId("5".into()), event("message", "x", "5"),]
    );
}

#[test]
fn peer_fault_28_retry_is_digits_alone_and_ids_hold_no_nul() {
    for invalid in ["+5", "-5", "5.0", "", " ", "5 ", "0x5", "٣"] {
        assert_eq!(check(format!("retry: {invalid}\n\n").as_bytes()), [], "{invalid:?}");
    }
    assert_eq!(check(b"retry:5\n"), [Seen::Retry(Duration::from_millis(5))]);
    assert_eq!(check(b"retry: 18446744073709551616000\n"), [Seen::Retry(Duration::MAX)]);
    assert_eq!(check(b"retry: 9"), []);
    assert_eq!(check(format!("retry: {}\n", "9".repeat(5000)).as_bytes()), [Seen::Retry(Duration::MAX)]);
    assert_eq!(check(b"id: 1\nid: 2\0\ndata: x\n\n"), [event("message", "x", "1")]);
}

#[test]
fn peer_fault_29_memory_is_bounded() {
    let limits = Limits::new().line(20).event(30).name(6).id(4);
    let error = |limit, size| Seen::Error(limit, size);
    let of = |bytes: &[u8]| -> Vec<Seen> {
        let stopped = feed(&mut Decoder::new().limits(limits), [bytes]);
        let decoder = || Decoder::new().limits(limits).overflow(Overflow::Skip);
        let seen = feed(&mut decoder(), [bytes]);
        assert!(seen.starts_with(&stopped), "it stops for good");
        for lengths in CUTS {
            assert_eq!(
                feed(&mut decoder(), cut_by(bytes, lengths)),
                seen,
                "{} {lengths:?}",
                bytes.escape_ascii()
            );
        }
        seen
    };
    let next = event("message", "next", "");
    assert_eq!(
        of(b"data: 90123456789012\n\ndata: next\n\n"),
        [event("message", "90123456789012", ""), next.clone()]
    );
    assert_eq!(of(b"data: 901234567890123\n\ndata: next\n\n"), [error(Limit::Line, 20), next.clone()]);
    let lines =
        b"data: 123456789\ndata: 123456789\ndata: 123456789\ndata: \nevent: x\nid: 7\n\ndata: next\n\n";
    assert_eq!(
        of(lines),
        [error(Limit::Event, 30), Seen::LastEventId("7".into()), event("message", "next", "7")]
    );
    assert_eq!(of(b"data: x\nid: 12345\n\ndata: next\n\n"), [error(Limit::Id, 4), next.clone()]);
    assert_eq!(of(b"data: x\nevent: 1234567\n\ndata: next\n\n"), [error(Limit::Name, 6), next.clone()]);
    assert_eq!(of(b"event: 123456\ndata: x\n\n"), [event("123456", "x", "")]);
    // What nobody asked for may have any length.
    let dropped = format!(": {0}\nunknown: {0}\n{0}\ndata: next\n\n", "x".repeat(1000));
    assert_eq!(of(dropped.as_bytes()), [next]);
}

#[test]
fn limits_of_zero_and_of_everything() {
    let zero = Limits::new().line(0).event(0).name(0).id(0);
    for bytes in [&b"data: x\n\n"[..], b"data\n\n", b"id: x\n\n", b"event: x\n\n"] {
        assert_eq!(feed(&mut Decoder::new().limits(zero), [bytes]), [Seen::Error(Limit::Line, 0)]);
    }
    assert_eq!(
        feed(&mut Decoder::new().limits(zero), [&b"\n\n: x\nretry: 3\n"[..]]),
        [Seen::Retry(Duration::from_millis(3))]
    );
    let empty = Limits::new().name(0).id(0);
    assert_eq!(
        feed(&mut Decoder::new().limits(empty), [&b"id: \nevent: \ndata: x\n\nid: 1\n"[..]]),
        [event("message", "x", ""), Seen::Error(Limit::Id, 0)]
    );
    let all = Limits::new().line(usize::MAX).event(usize::MAX).name(usize::MAX).id(usize::MAX);
    assert_eq!(feed(&mut Decoder::new().limits(all), [&b"data: x\n\n"[..]]), [event("message", "x", "")]);
}

#[test]
fn errors_say_what_was_too_large() {
    // The line break counts.
    for (limits, text) in [
        (
            Limits::new().line(14),
            "a line of the event stream has more than the 14 bytes that Limits::line allows",
        ),
        (
            Limits::new().event(9),
            "an event's data, with its line breaks, has more than the 9 bytes that Limits::event allows",
        ),
        (Limits::new().name(8), "an event's name has more than the 8 bytes that Limits::name allows"),
        (Limits::new().id(8), "an event's id has more than the 8 bytes that Limits::id allows"),
    ] {
        let mut decoder = Decoder::new().limits(limits);
        let error = decoder.decode(&mut Chunk::new(b"id: 123456789\nevent: 123456789\ndata: 123456789\n\n"));
        assert_eq!(error.unwrap_err().to_string(), text);
    }
    // Its 20 bytes would do, but with U+FFFD for one of them they need 22 more.
    let mut buffer = [0; 64];
    let mut decoder = Decoder::with_buffer(&mut buffer);
    let error = decoder.decode(&mut Chunk::new(b"data: 1234567890123456789\xff\n\n"));
    assert_eq!(
        error.unwrap_err().to_string(),
        "a field has no room in its 32 bytes of the buffer given to Decoder::with_buffer"
    );
}

#[test]
fn an_end_in_mid_event_and_lines_that_are_no_field_show() {
    for (stream, is_mid_event, ignored_lines) in [
        ("", false, 0),
        ("data: x\n\n", false, 0),
        ("data: x\r\n\r", false, 0),
        // A ping needs no blank line, nor does a reconnection time; a part of one is nothing of an event.
        ("data: x\n\n: ping\n", false, 0),
        ("retry: 5\n", false, 0),
        ("data: x\n\n: pi", false, 0),
        ("data: x\n\nret", false, 0),
        ("data: x\n\nretry: 50", false, 0),
        ("data: x\n\ndata: y", true, 0),
        ("data: x\n\ndata: y\n", true, 0),
        ("data: x\n\nda", true, 0),
        ("data\n", true, 0),
        ("id: 1\n", true, 0),
        ("event: e\n", true, 0),
        ("data: x\n\n{", false, 1),
        ("{\"error\":\n  \"no such model\"\n}", false, 3),
        ("<!doctype html>\n\n<html>", false, 2),
        ("datax: y\nDATA: y\ndatax\n", false, 3),
        // What's ignored for its value is a field all the same.
        ("retry: soon\nid: \0\nretry\n", false, 0),
        ("\u{feff}", false, 0),
        ("\u{feff}\u{feff}data: x\n", false, 1),
    ] {
        let bytes = stream.as_bytes();
        for lengths in [&[usize::MAX][..]].into_iter().chain(CUTS) {
            let mut buffer = [0; 512];
            let (mut fixed, mut growing) = (Decoder::with_buffer(&mut buffer), Decoder::new());
            feed(&mut fixed, cut_by(bytes, lengths));
            feed(&mut growing, cut_by(bytes, lengths));
            for seen in [
                (fixed.is_mid_event(), fixed.ignored_lines()),
                (growing.is_mid_event(), growing.ignored_lines()),
            ] {
                assert_eq!(seen, (is_mid_event, ignored_lines), "{stream:?} {lengths:?}");
            }
            growing.reset();
            assert_eq!((growing.is_mid_event(), growing.ignored_lines()), (false, 0));
        }
    }
}

#[test]
fn a_decoder_that_stopped_stays_so_until_it_is_reset() {
    let mut decoder = Decoder::new().limits(Limits::new().line(10));
    let error: LimitError = decoder.decode(&mut Chunk::new(b"data: too long")).unwrap_err();
    for _ in 0..3 {
        assert_eq!(decoder.decode(&mut Chunk::new(b"\n\ndata: x\n\n")), Err(error));
    }
    decoder.reset();
    assert_eq!(feed(&mut decoder, [&b"data: x\n\n"[..]]), [event("message", "x", "")]);
}

#[test]
fn a_fixed_buffer_of_any_size_is_as_good_as_it_can_be() {
    let bytes =
        b"id: 1\nevent: e\ndata: some data\n\n: c\nretry: 4\ndata: \xff\n\ndata: a\ndata: b\n\ndata\n\n";
    for size in 0..600 {
        let mut outcomes = CUTS.map(|lengths| {
            let mut buffer = vec![0; size];
            let mut decoder = Decoder::with_buffer(&mut buffer).overflow(Overflow::Skip).comments(true);
            feed(&mut decoder, cut_by(bytes, lengths))
        });
        outcomes.sort_by_key(Vec::len);
        for outcome in &outcomes {
            assert_eq!(outcome, &outcomes[0], "buffer of {size}");
        }
    }
    let mut buffer = vec![0; 600];
    let mut decoder: Decoder<Fixed<'_>> = Decoder::with_buffer(&mut buffer).comments(true);
    assert_eq!(feed(&mut decoder, [&bytes[..]]), whole(bytes));
}

#[test]
fn peer_fault_30_what_is_unfinished_is_discarded_and_an_empty_name_is_message() {
    assert_eq!(check(b"data: x\n"), []);
    assert_eq!(check(b"data: x\n\ndata: y"), [event("message", "x", "")]);
    assert_eq!(check(b"event:\ndata: x\n\n"), [event("message", "x", "")]);
    assert_eq!(check(b"event: a\nevent\ndata: x\n\n"), [event("message", "x", "")]);
}

#[test]
fn a_decoder_is_used_again_for_the_next_connection() {
    let mut decoder = Decoder::new().resume_after(EventId::new("40").unwrap());
    assert_eq!(
        feed(&mut decoder, [&b"data: x\n\nid: 41\n\nevent: e\nid: 42\ndata: cut"[..]]),
        [event("message", "x", "40"), Seen::LastEventId("41".into()),]
    );
    assert_eq!(decoder.last_event_id().as_str(), "41");
    decoder.reset();
    assert_eq!(feed(&mut decoder, ["\u{feff}data: y\r\n\r".as_bytes()]), [event("message", "y", "41")]);
    decoder.reset();
    assert_eq!(feed(&mut decoder, [&b"\ndata: z\n\n"[..]]), [event("message", "z", "41")]);
}

#[test]
fn an_id_counts_only_once_its_event_is_handed_out_or_skipped() {
    // As it comes, the data fits into its half of the buffer; with U+FFFD for each byte, it doesn't fit into the rest.
    let stream = [b"id: 1\ndata: a\n\nid: 2\ndata: b".as_slice(), &[0xff; 20], b"\n\n"].concat();
    for overflow in [Overflow::Stop, Overflow::Skip] {
        let mut buffer = [0; 64];
        let mut decoder = Decoder::with_buffer(&mut buffer).overflow(overflow);
        let mut chunk = Chunk::new(&stream);
        assert!(matches!(decoder.decode(&mut chunk), Ok(Some(Item::Event(event))) if event.data == "a"));
        assert_eq!(decoder.decode(&mut chunk).unwrap_err().limit, Limit::Buffer);
        assert_eq!(decoder.last_event_id().as_str(), "1");
        let skipped = decoder.decode(&mut chunk);
        if overflow == Overflow::Skip {
            assert!(matches!(skipped, Ok(Some(Item::LastEventId(id))) if id.as_str() == "2"));
            assert_eq!(decoder.last_event_id().as_str(), "2");
        } else {
            assert_eq!(skipped.unwrap_err().limit, Limit::Buffer);
        }
    }
}

/// What comes of a stream in a buffer of 64 bytes: 32 for data, 8 for each of the others.
fn in_64_bytes(stream: &[u8]) -> Vec<Seen> {
    let of = |pieces: Vec<&[u8]>| {
        let mut buffer = [0; 64];
        feed(&mut Decoder::with_buffer(&mut buffer).overflow(Overflow::Skip).comments(true), pieces)
    };
    let seen = of(vec![stream]);
    for lengths in CUTS {
        assert_eq!(of(cut_by(stream, lengths)), seen, "{} cut by {lengths:?}", stream.escape_ascii());
    }
    seen
}

#[test]
fn a_complete_id_counts_whatever_comes_after_it() {
    let id = Seen::LastEventId("1".into());
    // Too long as it comes; too long only with U+FFFD for each byte; and the same in an event that's skipped already.
    for too_long in [&b"123456789"[..], b"\xff\xff\xff"] {
        let stream = [b"id: 1\nid: ", too_long, b"\ndata: x\n\n"].concat();
        assert_eq!(in_64_bytes(&stream), [Seen::Error(Limit::Buffer, 8), id.clone()]);
        let stream = [b"id: 1\ndata: ", &[b'x'; 32][..], b"\nid: ", too_long, b"\n\n"].concat();
        assert_eq!(in_64_bytes(&stream), [Seen::Error(Limit::Buffer, 32), id.clone()]);
    }
}

#[test]
fn an_event_that_is_too_large_only_with_replacements_is_skipped_like_any_other() {
    let after =
        |size| [Seen::Error(Limit::Buffer, size), Seen::LastEventId("1".into()), event("message", "x", "1")];
    for data in [[b'x'; 32], [0xff; 32]] {
        let data = if data[0] == 0xff { &data[..20] } else { &data };
        let stream = [b"id: 1\ndata: ", data, b"\n\ndata: x\n\n"].concat();
        assert_eq!(in_64_bytes(&stream), after(32));
    }
    for value in [&b"123456789"[..], b"\xff\xff\xff"] {
        for field in [&b"event: "[..], b": "] {
            let stream = [b"id: 1\ndata: y\n", field, value, b"\n\ndata: x\n\n"].concat();
            assert_eq!(in_64_bytes(&stream), after(8));
        }
    }
}

#[test]
fn an_event_in_one_chunk_is_a_view_of_it() {
    let bytes = b"event: tick\ndata: now\n\n";
    let mut decoder = Decoder::new();
    let mut chunk = Chunk::new(bytes);
    let Ok(Some(Item::Event(event))) = decoder.decode(&mut chunk) else { panic!() };
    let within = bytes.as_ptr_range();
    assert!(within.contains(&event.data.as_ptr()) && within.contains(&event.name.as_str().as_ptr()));
}

#[test]
fn a_decoded_event_can_be_sent_on() {
    let mut decoder = Decoder::new();
    // An id that came before isn't the event's own, and an empty one would reset the next reader's.
    for (came, goes) in [
        ("id: 7\ndata: a\ndata: b\n\n", "id: 7\ndata: a\ndata: b\n\n"),
        ("event: n\ndata: c\n\n", "event: n\ndata: c\n\n"),
        ("id\ndata: d\n\n", "data: d\n\n"),
    ] {
        let mut chunk = Chunk::new(came.as_bytes());
        let Ok(Some(Item::Event(event))) = decoder.decode(&mut chunk) else { panic!() };
        assert_eq!(event.id().is_some(), came.starts_with("id"));
        assert_eq!(Event::from(event).to_string(), goes);
    }
}

/// Bytes that look like an event stream more often than chance would have it.
fn stream() -> impl Strategy<Value = Vec<u8>> {
    let piece = prop_oneof![
        8 => prop::sample::select(vec![
            "\n", "\r", "\r\n", ":", " ", "data", "data:", "data: ", "event: ", "event", "id: ", "id", "retry: ", "12",
            "\0", "\u{feff}", "🦀", "x", "datax", "\n\n", "data: y\n\n", ": c\n", "é",
        ]).prop_map(|text| text.as_bytes().to_vec()),
        1 => proptest::collection::vec(any::<u8>(), 0..4),
        1 => prop::sample::select(vec![&b"\xf0\x9f"[..], b"\xff", b"\xef\xbb", b"\xc3"]).prop_map(<[u8]>::to_vec),
    ];
    proptest::collection::vec(piece, 0..40).prop_map(|pieces| pieces.concat())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 4000, ..ProptestConfig::default() })]

    #[test]
    fn any_bytes_in_any_cuts_are_what_the_interpreter_makes_of_them(bytes in stream()) {
        check(&bytes);
    }

    #[test]
    fn limits_are_those_of_the_model_whatever_the_cuts(
        bytes in stream(),
        (line, event, name, id) in (0_usize..24, 0_usize..24, 0_usize..8, 0_usize..8),
        size in 0_usize..200,
        skip in any::<bool>(),
        comments in any::<bool>(),
    ) {
        let limits = Limits::new().line(line).event(event).name(name).id(id);
        let overflow = if skip { Overflow::Skip } else { Overflow::Stop };
        let model = Model { limits, overflow, comments, buffer: None };
        let growing = model.decode(&bytes);
        let in_a_buffer = Model { limits: Limits::default(), buffer: Some(size), ..model }.decode(&bytes);
        let mut buffer = vec![0; size];
        for lengths in [&[usize::MAX][..]].into_iter().chain(CUTS) {
            let mut decoder = Decoder::new().limits(limits).overflow(overflow).comments(comments);
            let seen = feed(&mut decoder, cut_by(&bytes, lengths));
            prop_assert_eq!(&Outcome::of(&decoder, seen), &growing, "{:?}", lengths);
            let mut decoder = Decoder::with_buffer(&mut buffer).overflow(overflow).comments(comments);
            let seen = feed(&mut decoder, cut_by(&bytes, lengths));
            prop_assert_eq!(&Outcome::of(&decoder, seen), &in_a_buffer, "{:?}", lengths);
        }
    }

    #[test]
    fn what_was_encoded_is_decoded(
        events in proptest::collection::vec(
            (".{0,8}", "[^\r\n\0]{0,8}", "([a-z \r\n:\u{feff}🦀]|\r\n){0,20}", any::<bool>()), 1..5),
        length in 1_usize..40,
    ) {
        let frames = events.iter().map(|(name, id, data, has_id)| {
            let name: String = name.chars().filter(|c| !"\r\n".contains(*c)).collect();
            let event = Event::new(data).name(EventName::new(&name).unwrap());
            Frame::from(if *has_id { event.id(EventId::new(id).unwrap()) } else { event })
        });
        let frame = frames.collect::<Frame>();
        let seen = feed(&mut Decoder::new(), frame.as_bytes().chunks(length));
        let mut last_event_id = "";
        let expected: Vec<_> = events.iter().map(|(name, id, data, has_id)| {
            if *has_id { last_event_id = id }
            let name: String = name.chars().filter(|c| !"\r\n".contains(*c)).collect();
            let name = if name.is_empty() { "message" } else { &name };
            event(name, &data.replace("\r\n", "\n").replace('\r', "\n"), last_event_id)
        }).collect();
        prop_assert_eq!(seen, expected);
    }
}
