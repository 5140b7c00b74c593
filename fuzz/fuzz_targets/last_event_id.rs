//! Whatever a client says it has seen last, in a header or in a query, it's what two readings of it agree on, and a channel
//! resumes after it only if it has given that very id.

#![no_main]
#![forbid(unsafe_code)]

use eventsource_core::channel::Resumed;
use eventsource_core::{Channel, ChannelOptions, EventStream, LastEventId};
use eventsource_hyper::Responder;
use http::{HeaderValue, Request, Uri};
use libfuzzer_sys::fuzz_target;
use std::cell::RefCell;

const HEAD: u64 = 12;
const OLDEST_RESUMABLE: u64 = 4;

fuzz_target!(|input: (Option<&[u8]>, &str)| {
    let (header, query) = input;
    let mut request = Request::get("/");
    if let Some(header) = header {
        let Ok(value) = HeaderValue::from_bytes(header) else { return };
        request = request.header("last-event-id", value);
    }
    let Ok(uri) = Uri::try_from(format!("/events?{query}")) else { return };
    let query = uri.query().unwrap_or_default().to_owned();
    let Ok(request) = request.uri(uri).body(()) else { return };

    let responder = Responder::new().last_event_id_parameter("id");
    let said = RefCell::new(None);
    let response = responder.respond(&request, |last_event_id| {
        said.replace(Some(last_event_id.clone()));
        EventStream::without_timer(channel().subscribe(last_event_id))
    });
    assert_eq!(response.status(), 200, "a browser gives up for good at anything else");
    let said = said.into_inner().expect("a stream was asked for");

    let in_query = || form_urlencoded::parse(query.as_bytes()).find(|(name, _)| name == "id");
    match header {
        Some(header) => assert_eq!(said, LastEventId::parse(header)),
        // The second reading replaces what isn't UTF-8, so it can't be compared then.
        None => match in_query() {
            Some((_, value)) if !value.contains('\u{fffd}') => {
                assert_eq!(said, LastEventId::parse(value.as_bytes()))
            }
            Some(_) => assert_ne!(said, LastEventId::None),
            None => assert_eq!(said, LastEventId::None),
        },
    }
    if let LastEventId::Id(id) = &said {
        let id = id.as_str();
        assert!(!id.is_empty() && id.len() <= 256 && !id.contains(['\r', '\n', '\0']));
    }

    let resumed = channel().subscribe(said.clone()).resumed();
    let given = |sequence: &u64| said.as_id().is_some_and(|id| id.as_str() == format!("abc-{sequence}"));
    let expected = match (0..=HEAD).find(given) {
        Some(sequence) if sequence >= OLDEST_RESUMABLE => Resumed::Complete,
        Some(sequence) => Resumed::Gap { missed: OLDEST_RESUMABLE - sequence, is_exact: true },
        None if said == LastEventId::None => Resumed::Fresh,
        None => Resumed::Unknown,
    };
    assert_eq!(resumed, expected);
});

fn channel() -> Channel {
    let channel =
        Channel::with_options(ChannelOptions::new().epoch(0xabc).retain(8, 1 << 20).live_window(0, 0));
    for _ in 0..HEAD {
        channel.publish("x").expect("it's open");
    }
    channel
}
