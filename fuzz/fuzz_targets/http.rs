//! Whatever stands in a request's header fields and in a value that's sent as JSON, answers keep to the rules of HTTP, of CORS and of JSON.

#![no_main]
#![forbid(unsafe_code)]

use eventsource_core::http::{accepts_event_stream, is_event_stream, retry_after};
use eventsource_core::{Event, EventStream, Events, Frame};
use eventsource_fuzz::line::{Pieces, collect};
use eventsource_hyper::{Cors, Responder};
use http::header::{ACCEPT, HeaderMap, HeaderName, HeaderValue, ORIGIN, VARY};
use http::{Method, Request, StatusCode};
use libfuzzer_sys::arbitrary::Arbitrary;
use libfuzzer_sys::fuzz_target;
use serde_json::Value;
use std::convert::Infallible;
use std::pin::pin;
use std::time::Duration;

#[derive(Debug, Arbitrary)]
struct Input<'a> {
    accept: Vec<&'a [u8]>,
    content_type: &'a [u8],
    origin: Option<&'a [u8]>,
    /// None: any origin.
    origins: Option<Vec<&'a [u8]>>,
    credentials: bool,
    vary: Option<&'a [u8]>,
    asks: bool,
    options: bool,
    retry_after: &'a [u8],
    date: Option<&'a [u8]>,
    json: &'a str,
}

fuzz_target!(|input: Input<'_>| {
    check_types(&input);
    check_cors(&input);
    check_retry_after(input.retry_after, input.date);
    check_json(input.json);
});

/// Media types, where a list may be quoted.
fn check_types(input: &Input<'_>) {
    let accept = &input.accept;
    let accepts = accepts_event_stream(accept);
    assert_eq!(accepts_event_stream(accept.iter().rev()), accepts, "the order says nothing");
    let with = |more: &'static [u8]| accepts_event_stream(accept.iter().copied().chain([more]));
    assert!(with(b"text/event-stream"), "asked for by its name");
    if !accept.concat().contains(&b'"') {
        assert_eq!(accepts_event_stream([accept.join(&b", "[..])]), accepts, "lines are a list");
    }
    if !accepts {
        assert!(accept.concat().contains(&b'/'), "only a media range excludes");
        assert!(!with(b"application/json"));
    }

    let mut request = Request::new(());
    for line in accept {
        let Ok(value) = HeaderValue::from_bytes(line) else { return };
        request.headers_mut().append(ACCEPT, value);
    }
    let respond = |responder: Responder| {
        responder.respond(&request, |_| EventStream::without_timer(Pieces::<Frame>([].into()))).status()
    };
    let expected = if accepts { StatusCode::OK } else { StatusCode::NOT_ACCEPTABLE };
    assert_eq!(respond(Responder::new()), expected);
    assert_eq!(respond(Responder::new().negotiate(false)), StatusCode::OK);

    let content_type = input.content_type;
    if is_event_stream(content_type) {
        let lower = content_type.to_ascii_lowercase();
        assert!(lower.windows(17).any(|part| part == b"text/event-stream"));
    }
    if !content_type.contains(&b'"') {
        assert!(is_event_stream(&[content_type, b", text/event-stream;charset=utf-8"].concat()));
        assert!(!is_event_stream(&[content_type, b", text/html"].concat()));
    }
}

/// A number of seconds, or a date that says nothing without another.
fn check_retry_after(value: &[u8], date: Option<&[u8]>) {
    let after = retry_after(value, date);
    let digits = value.trim_ascii();
    if !digits.is_empty() && digits.iter().all(u8::is_ascii_digit) {
        let seconds = String::from_utf8_lossy(digits).parse().unwrap_or(u64::MAX);
        assert_eq!(after, Some(Duration::from_secs(seconds)));
        return;
    }
    assert_eq!(retry_after(value, None), None);
    let Some(date) = date else { return };
    assert!(retry_after(value, Some(value)).is_none_or(|after| after.is_zero()), "no later than itself");
    let back = retry_after(date, Some(value));
    if let (Some(after), Some(back)) = (after, back) {
        assert!(after.is_zero() || back.is_zero(), "one of them comes first");
    }
}

fn check_cors(input: &Input<'_>) {
    let origin = input.origin.and_then(|origin| HeaderValue::from_bytes(origin).ok());
    let origins: Option<Vec<_>> = input
        .origins
        .as_ref()
        .map(|origins| origins.iter().filter_map(|origin| HeaderValue::from_bytes(origin).ok()).collect());
    let cors = match &origins {
        Some(origins) => Cors::origins(origins.iter().cloned()),
        None => Cors::any(),
    };
    let cors = cors.credentials(input.credentials);
    let mut request = Request::new(());
    if let Some(origin) = &origin {
        request.headers_mut().insert(ORIGIN, origin.clone());
    }
    let is_listed = matches!((&origins, &origin), (Some(origins), Some(origin)) if origins.contains(origin));
    let expected = match &origins {
        None => Some("*".as_bytes()),
        Some(_) => origin.as_ref().filter(|_| is_listed).map(HeaderValue::as_bytes),
    };

    let mut response = HeaderMap::new();
    if let Some(vary) = input.vary.and_then(|vary| HeaderValue::from_bytes(vary).ok()) {
        response.insert(VARY, vary);
    }
    for _ in 0..2 {
        cors.allow(request.headers(), &mut response);
        assert_eq!(only(&response, "access-control-allow-origin"), expected);
        let may = (input.credentials && is_listed).then_some(&b"true"[..]);
        assert_eq!(only(&response, "access-control-allow-credentials"), may, "never to any page");
        // It's said once, unless a caller has said it more often.
        let added = response.get_all(VARY).iter().filter(|vary| *vary == "origin").count();
        assert!(added <= 1 + usize::from(input.vary.is_some()), "{response:?}");
        let names =
            response.get_all(VARY).iter().flat_map(|vary| vary.as_bytes().split(|&byte| byte == b','));
        let mut names = names.map(|name| name.trim_ascii().to_ascii_lowercase());
        assert!(origins.is_none() || names.any(|name| name == b"origin" || name == b"*"), "caches are told");
    }
    assert_eq!(cors.allows(request.headers()), origin.is_some() && expected.is_some());

    if input.asks {
        let method = HeaderName::from_static("access-control-request-method");
        request.headers_mut().insert(method, HeaderValue::from_static("GET"));
    }
    if input.options {
        *request.method_mut() = Method::OPTIONS;
    }
    let preflight = cors.preflight(&request);
    assert_eq!(preflight.is_some(), input.asks && input.options && origin.is_some());
    if let Some(preflight) = preflight {
        assert_eq!(preflight.status(), StatusCode::NO_CONTENT);
        assert_eq!(only(preflight.headers(), "access-control-allow-origin"), expected);
        let allowed = only(preflight.headers(), "access-control-allow-headers").is_some();
        assert_eq!(allowed, expected.is_some());
    }
}

/// The value of a field that there's one of at most.
fn only<'h>(headers: &'h HeaderMap, name: &str) -> Option<&'h [u8]> {
    let mut values = headers.get_all(name).iter();
    let value = values.next().map(HeaderValue::as_bytes);
    assert!(values.next().is_none(), "{name} comes twice");
    value
}

fn check_json(text: &str) {
    let value: Value = serde_json::from_str(text).unwrap_or_else(|_| text.into());
    let json = serde_json::to_string(&value).expect("keys are text");
    let frame = Frame::json(Event::empty(), &value).expect("keys are text");
    assert_eq!(frame, Frame::from(json.as_str()));
    let mut encoded = b":\n".to_vec();
    Event::new("replaced").encode_json_to_vec(&value, &mut encoded).expect("keys are text");
    assert_eq!(encoded.strip_prefix(b":\n"), Some(frame.as_bytes()));

    let chunks = Pieces([Ok::<_, Infallible>(encoded)].into());
    let mut events = collect(pin!(Events::new(chunks)));
    let event = events.pop().and_then(Result::ok).expect("it's an event");
    assert!(events.is_empty());
    assert_eq!(&*event.data, json);
    event.into_json::<Value>().expect("it's JSON");
}
