//! What surrounds the stream in HTTP: the same decisions for every server.

use super::list::split;

/// The media type of an event stream (§9.2.5). Always UTF-8, so that it needs no `charset`.
pub const CONTENT_TYPE: &str = "text/event-stream";

/// The header fields that a response with an event stream needs.
///
/// `no-store` keeps caches away; `no-transform` keeps compressing hops from holding events back, and `x-accel-buffering` nginx.
pub const RESPONSE_HEADERS: [(&str, &str); 3] = [
    ("content-type", CONTENT_TYPE),
    ("cache-control", "no-store, no-transform"),
    ("x-accel-buffering", "no"),
];

/// The header fields of a request for an event stream (§9.2.2 and §9.2.3), beside `Last-Event-ID`.
pub const REQUEST_HEADERS: [(&str, &str); 2] = [("accept", CONTENT_TYPE), ("cache-control", "no-cache")];

/// A whole response head, for a server of one's own whose stream ends with the connection. Send it at once, not with
/// the first event: until then a browser's `EventSource` stays in the state `CONNECTING`.
pub const RESPONSE_HEAD: &str = "HTTP/1.1 200 OK\r\n\
    content-type: text/event-stream\r\n\
    cache-control: no-store, no-transform\r\n\
    x-accel-buffering: no\r\n\
    connection: close\r\n\
    \r\n";

/// Returns whether a response with this `Content-Type` is an event stream: a client must not read any other as one (§9.2.3).
///
/// Where several values were joined into a list, the last one that is a media type counts, as in the Fetch standard.
///
/// ```
/// use eventsource_core::http::is_event_stream;
///
/// assert!(is_event_stream(b"text/event-stream; charset=utf-8"));
/// assert!(!is_event_stream(b"text/html"));
/// ```
pub fn is_event_stream(content_type: &[u8]) -> bool {
    let essence = |media_type| split(media_type, b';').next().unwrap_or_default().trim_ascii();
    let is_media_type = |essence: &&[u8]| essence.contains(&b'/') && *essence != b"*/*";
    let last = split(content_type, b',').map(essence).filter(is_media_type).last();
    last.is_some_and(|essence| essence.eq_ignore_ascii_case(CONTENT_TYPE.as_bytes()))
}

/// Returns whether a client with these lines of an `Accept` header takes an event stream (RFC 9110 §12.5.1).
///
/// No line, and lines that name no media range at all, mean that anything is accepted. The most specific range
/// decides: `*/*, text/event-stream;q=0` does not accept. A range with a parameter of its own, such as
/// `text/event-stream;version=2`, excludes nothing that lacks it.
///
/// ```
/// use eventsource_core::http::accepts_event_stream;
///
/// assert!(accepts_event_stream(["text/html, text/*;q=0.1"]));
/// assert!(!accepts_event_stream(["application/json", "text/html"]));
/// ```
pub fn accepts_event_stream<L: AsRef<[u8]>>(accept: impl IntoIterator<Item = L>) -> bool {
    let mut best = None;
    for line in accept {
        for range in split(line.as_ref(), b',') {
            best = best.max(weigh(range));
        }
    }
    best.is_none_or(|(_, accepted)| accepted)
}

/// How specific a media range is, if it's one, and whether an event stream is acceptable by it.
fn weigh(range: &[u8]) -> Option<(u8, bool)> {
    let mut parts = split(range, b';').map(<[u8]>::trim_ascii);
    let name = parts.next().unwrap_or_default();
    let specificity = if name.eq_ignore_ascii_case(CONTENT_TYPE.as_bytes()) {
        3
    } else if name.eq_ignore_ascii_case(b"text/*") {
        2
    } else if name == b"*/*" {
        1
    } else if name.contains(&b'/') {
        return Some((0, false));
    } else {
        return None;
    };
    let (mut has_parameter, mut accepted) = (false, true);
    for parameter in parts.filter(|parameter| !parameter.is_empty()) {
        match parameter {
            [b'q' | b'Q', b'=', ..] => accepted &= !is_zero_weight(parameter),
            _ => has_parameter = true,
        }
    }
    if has_parameter && !accepted { None } else { Some((specificity, accepted)) }
}

/// `q=0`, also as `Q=0.` and `q=0.000`.
fn is_zero_weight(parameter: &[u8]) -> bool {
    match parameter {
        [b'q' | b'Q', b'=', b'0', rest @ ..] => rest.iter().all(|byte| matches!(byte, b'.' | b'0')),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_one_media_type_is_an_event_stream() {
        for content_type in [
            "text/event-stream",
            " Text/Event-Stream ;charset=latin1",
            "text/event-stream;",
            "text/event-stream, text/event-stream",
            "text/html, text/event-stream",
            "text/event-stream, */*",
            "text/event-stream,",
        ] {
            assert!(is_event_stream(content_type.as_bytes()), "{content_type}");
        }
        for content_type in [
            "",
            ";",
            "text/event-streamx",
            "text/plain",
            "text/plain;text/event-stream",
            "text/event-stream, text/html",
            "text/html;x=\", text/event-stream\"",
        ] {
            assert!(!is_event_stream(content_type.as_bytes()), "{content_type}");
        }
    }

    #[test]
    fn accept_is_read_as_rfc_9110_says() {
        for accept in [
            "",
            "*/*",
            "text/*",
            "text/event-stream",
            "TEXT/Event-Stream",
            "text/event-stream; charset=utf-8",
            "application/json, */*;q=0.1",
            "text/html;q=0, text/event-stream",
            "text/event-stream;q=0.001",
            ", ,",
            "text/*;q=0, text/event-stream",
            "garbage",
            "text/event-stream;profile=\";q=0;\"",
            "text/event-stream;version=2;q=0, */*",
        ] {
            assert!(accepts_event_stream([accept]), "{accept}");
        }
        for accept in [
            "application/json",
            "text/html",
            "text/event-stream;q=0",
            "*/*, text/event-stream;q=0",
            "text/event-stream;q=0.000, */*",
            "text/*;q=0",
            "text/event-streams",
            "application/json, text/html",
            "application/json;x=\", */*;\"",
            "application/json;x=\"\\\", */*;\"",
        ] {
            assert!(!accepts_event_stream([accept]), "{accept}");
        }
    }

    #[test]
    fn lines_are_one_list() {
        assert!(!accepts_event_stream(["*/*", "text/event-stream;q=0"]));
        assert!(!accepts_event_stream(["application/json", ""]));
        assert!(accepts_event_stream(["application/json", "*/*"]));
        assert!(accepts_event_stream::<&str>([]));
    }

    #[test]
    fn the_head_holds_the_headers() {
        for (name, value) in RESPONSE_HEADERS {
            assert!(RESPONSE_HEAD.contains(&alloc::format!("\r\n{name}: {value}\r\n")));
        }
        assert!(RESPONSE_HEAD.ends_with("\r\n\r\n"));
    }
}
