//! The encoder is exact: what a conformant client parses back is what was asked for.

use core::fmt::Write;
use core::time::Duration;
use eventsource_core::codec::DataWriter;
use eventsource_core::test_util::{Interpretation, interpret};
use eventsource_core::{Event, EventId, EventName, Frame, event_name};
use proptest::prelude::*;

/// What a client makes of one event with this data.
fn received(data: &str) -> Vec<String> {
    interpret(Frame::from(data).as_bytes()).events.into_iter().map(|event| event.data).collect()
}

/// The event's bytes, after checking that every way to encode makes the same.
fn encoded(event: Event<'_>) -> Vec<u8> {
    let expected = event.to_string().into_bytes();
    assert_eq!(event.encoded_len(), expected.len());
    assert_eq!(Frame::from(event).as_bytes(), expected);

    let mut vec = b"before".to_vec();
    event.encode_to_buf(&mut vec).unwrap();
    assert_eq!(vec.strip_prefix(b"before").unwrap(), expected);

    let mut exact = vec![0; expected.len()];
    assert_eq!(event.encode_to_slice(&mut exact).unwrap(), expected);
    let mut fixed = exact.as_mut_slice();
    event.encode_to_buf(&mut fixed).unwrap();
    assert!(fixed.is_empty());
    expected
}

#[test]
fn peer_fault_1_crlf_is_one_line_break() {
    assert_eq!(received("a\r\nb"), ["a\nb"]);
    assert_eq!(received("a\r\r\nb\n\rc"), ["a\n\nb\n\nc"]);
}

#[test]
fn peer_fault_2_empty_data_is_dispatched() {
    assert_eq!(received(""), [""]);
    assert_eq!(encoded(Event::new("")), b"data: \n\n");
}

#[test]
fn peer_fault_3_a_lone_cr_in_data_cannot_set_an_id() {
    let client = interpret(Frame::from("a\rid:evil").as_bytes());
    assert_eq!(client.last_event_id, "");
    assert_eq!(client.events[0].data, "a\nid:evil");
}

#[test]
fn peer_fault_4_no_field_can_inject_a_line() {
    for end in ["\n", "\r", "\r\n"] {
        let text = format!("x{end}data: injected{end}{end}");
        assert!(EventName::new(&text).is_err());
        assert!(EventId::new(&text).is_err());
        let client = interpret(&encoded(Event::new("data").comment(&text)));
        assert_eq!(client.events.len(), 1);
        assert_eq!(client.events[0].data, "data");
        assert_eq!(client.comments, ["x", "data: injected", "", ""]);
    }
}

#[test]
fn peer_fault_5_a_leading_space_survives() {
    assert_eq!(received(" x\n  y"), [" x\n  y"]);
    let client = interpret(&encoded(Event::new("").name(event_name!(" n")).id(EventId::new(" i").unwrap())));
    assert_eq!((client.events[0].name.as_str(), client.last_event_id.as_str()), (" n", " i"));
}

#[test]
fn peer_fault_6_trailing_line_breaks_survive() {
    assert_eq!(received("x\n"), ["x\n"]);
    assert_eq!(received("x\r\n\r\n"), ["x\n\n"]);
    assert_eq!(received("\n"), ["\n"]);
}

#[test]
fn peer_fault_7_retry_is_in_milliseconds() {
    for (retry, line) in [
        (Duration::from_secs(3), "retry: 3000\n\n"),
        (Duration::ZERO, "retry: 0\n\n"),
        (Duration::from_nanos(1), "retry: 1\n\n"),
        (Duration::from_micros(1500), "retry: 2\n\n"),
        (Duration::MAX, "retry: 18446744073709551616000\n\n"),
    ] {
        assert_eq!(encoded(Event::empty().retry(retry)), line.as_bytes());
        assert_eq!(Frame::retry(retry).as_bytes(), line.as_bytes());
    }
}

#[test]
fn an_event_without_data_is_not_dispatched_but_its_id_counts() {
    let event = Event::empty().name(event_name!("unseen")).id(EventId::new("5").unwrap());
    assert_eq!(encoded(event), b"id: 5\n\n");
    let client = interpret(b"id: 5\n\ndata: next\n\n");
    assert_eq!(client.events[0].last_event_id, "5");
    assert_eq!(encoded(Event::empty()), b"");
}

#[test]
fn unusual_characters_are_ordinary() {
    let data = "\u{feff}\u{2028}\u{2029}\u{85}\0\t🦀\u{b}\u{c}";
    assert_eq!(received(data), [data]);
}

#[test]
fn comments_are_lone_lines_or_lead_a_block() {
    assert_eq!(Frame::comment("a\n\nb").as_bytes(), b": a\n: \n: b\n");
    assert_eq!(Frame::comment("").as_bytes(), b": \n");
    assert_eq!(Frame::KEEP_ALIVE.as_bytes(), b":\n");
    assert_eq!(encoded(Event::new("x").comment("why")), b": why\ndata: x\n\n");
}

#[test]
fn every_field_has_its_place() {
    let event = Event::new("d").name(event_name!("n")).id(EventId::new("i").unwrap());
    let event = event.retry(Duration::from_millis(7)).comment("c");
    assert_eq!(encoded(event), b": c\nretry: 7\nevent: n\nid: i\ndata: d\n\n");
}

#[test]
fn the_empty_name_is_the_default_type() {
    assert_eq!(encoded(Event::new("d").name(event_name!(""))), b"data: d\n\n");
    assert_eq!(encoded(Event::new("d").id(EventId::new("").unwrap())), b"id: \ndata: d\n\n");
}

#[test]
fn too_little_room_says_how_much_is_needed_and_changes_no_growable_sink() {
    let event = Event::new("two\nlines");
    let needed = event.encoded_len();
    for available in 0..needed {
        let mut buffer = vec![0; available];
        let error = event.encode_to_slice(&mut buffer).unwrap_err();
        assert_eq!((error.needed, error.available), (needed, available));

        let mut buffer = vec![b'.'; available];
        let mut fixed = buffer.as_mut_slice();
        assert_eq!(event.encode_to_buf(&mut fixed), Err(error));
        assert_eq!(fixed.len(), available, "nothing was taken");
        assert!(buffer.iter().all(|&byte| byte == b'.'), "nothing was written");

        let mut limited = bytes::BufMut::limit(Vec::new(), available);
        assert_eq!(event.encode_to_buf(&mut limited), Err(error));
        assert!(limited.into_inner().is_empty());
    }
    let error = event.encode_to_slice(&mut []).unwrap_err();
    assert_eq!(error.to_string(), "the encoded event takes 23 bytes, the buffer has 0");
}

#[test]
fn frames_concatenate() {
    let frames = ["a", "b", "c"].map(Frame::from);
    assert_eq!(Frame::from_iter(frames).as_bytes(), b"data: a\n\ndata: b\n\ndata: c\n\n");
    assert!(Frame::from_iter([]).is_empty());

    let one = Frame::from("same memory");
    let passed: Frame = [one.clone()].into_iter().collect();
    assert_eq!(passed.as_bytes().as_ptr(), one.as_bytes().as_ptr());
}

#[test]
fn a_crlf_may_be_cut_between_two_writes() {
    let mut writer = Frame::writer(Event::new("a\r").id(EventId::new("1").unwrap()));
    for piece in ["\nb", "\r", "", "\n", "\n", "\r"] {
        writer.write_str(piece).unwrap();
    }
    assert_eq!(writer.finish(), Frame::from(Event::new("a\nb\n\n\n").id(EventId::new("1").unwrap())));
}

#[test]
fn an_unfinished_writer_leaves_no_frame() {
    struct Fails;
    impl core::fmt::Display for Fails {
        fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
            f.write_str("partial")?;
            Err(core::fmt::Error)
        }
    }
    let mut writer = Frame::writer(Event::empty());
    assert!(write!(writer, "{Fails}").is_err());
    drop(writer);
}

type Parts = (Option<String>, Option<String>, Option<String>, Option<Duration>, Option<String>);

fn event_parts() -> impl Strategy<Value = Parts> {
    let line = "[^\r\n]{0,12}";
    let text = "([a-z :\r\n\u{feff}\0🦀]|data|\r\n){0,20}";
    (
        proptest::option::of(line),
        proptest::option::of("[^\r\n\0]{0,12}"),
        proptest::option::of(text),
        proptest::option::of(any::<Duration>()),
        proptest::option::of(text),
    )
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2000, ..ProptestConfig::default() })]

    #[test]
    fn what_is_read_back_is_what_was_asked_for((name, id, data, retry, comment) in event_parts(), pieces in 1_usize..5) {
        let mut event = Event::empty();
        if let Some(name) = &name { event = event.name(EventName::new(name).unwrap()) }
        if let Some(id) = &id { event = event.id(EventId::new(id).unwrap()) }
        if let Some(data) = &data { event = event.data(data) }
        if let Some(retry) = retry { event = event.retry(retry) }
        if let Some(comment) = &comment { event = event.comment(comment) }
        let bytes = encoded(event);
        prop_assert_eq!(interpret(&bytes), Interpretation::of_event(&event));

        // Whatever comes next is untouched by it, but for the last event ID.
        let next = [&bytes[..], b"data: next\n\n"].concat();
        let client = interpret(&next);
        prop_assert_eq!(&client.events.last().unwrap().name, "message");
        prop_assert_eq!(&client.events.last().unwrap().data, "next");

        if let Some(data) = &data {
            let mut writer = DataWriter::new(event.data(""), String::new()).unwrap();
            let characters: Vec<char> = data.chars().collect();
            for piece in characters.chunks(characters.len().div_ceil(pieces).max(1)) {
                writer.write_str(&String::from_iter(piece)).unwrap();
            }
            prop_assert_eq!(writer.finish().unwrap().into_bytes(), bytes);
        }
    }
}
