//! The faults: what the server does, and what's right then.

use crate::act::{Act, Asked, of_type, redirect, send, status, stay, stream};
use crate::judge::{
    Verdict, asked, backs_off, final_after, handed_out, is_between, is_closed, is_no_hammer, request,
    right_if, sent_id, waited,
};
use crate::seen::Seen;
use crate::serve::Answer;
use jiff::{Timestamp, ToSpan, fmt::rfc2822};
use std::time::{Duration, Instant};

/// Before the first reconnection, of the clients that have a setting for it.
pub(crate) const BASE_DELAY: Duration = Duration::from_millis(200);
/// How long an answer may take, and silence last.
pub(crate) const TIMEOUT: Duration = Duration::from_secs(2);
/// How many bytes an event may have where there's a limit.
pub(crate) const MAX_EVENT: usize = 64 * 1024;

/// A fault that a client meets.
pub(crate) struct Fault {
    /// What the server does.
    pub(crate) name: &'static str,
    /// What's right then.
    pub(crate) right: &'static str,
    pub(crate) needs: Needs,
    /// When it's judged at the latest, counted from the first request on.
    limit: Duration,
    pub(crate) answer: Answer,
    /// Whether enough is seen to be judged.
    is_enough: fn(&Seen) -> bool,
    pub(crate) judge: fn(&Seen) -> Verdict,
}

/// What a client has to have for a fault to be one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Needs {
    Nothing,
    /// HTTP/2 without TLS.
    Http2,
    /// A setting to stop at an event that's too large.
    Stop,
    /// A setting to skip such an event.
    Skip,
    /// A consumer that can pause.
    Pause,
}

impl Fault {
    /// Creates one that all clients can meet.
    const fn new(
        name: &'static str,
        right: &'static str,
        answer: Answer,
        is_enough: fn(&Seen) -> bool,
        judge: fn(&Seen) -> Verdict,
    ) -> Self {
        Self { name, right, needs: Needs::Nothing, limit: secs(9), answer, is_enough, judge }
    }

    const fn needs(mut self, needs: Needs) -> Self {
        self.needs = needs;
        self
    }

    const fn within(mut self, limit: Duration) -> Self {
        self.limit = limit;
        self
    }

    pub(crate) fn limit(&self) -> Duration {
        self.limit
    }

    pub(crate) fn is_enough(&self, seen: &Seen) -> bool {
        seen.has_exited || (self.is_enough)(seen)
    }
}

const fn secs(secs: u64) -> Duration {
    Duration::from_secs(secs)
}

const fn millis(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

/// The first event, with a reconnection time that suits the clients that have no setting for it.
const ONE: &str = "retry: 200\nid: 1\ndata: one\n\n";
const TWO: &str = "id: 2\ndata: two\n\n";
const FINAL: &str = "one request, then it says that it's over";
const FINAL_AFTER_OPEN: &str = "two requests, then it says that it's over";
const NOT_HANDED_OUT: &str = "the event isn't handed out, its id isn't sent; it comes once, later";

fn events(seen: &Seen, count: usize) -> bool {
    seen.events().count() >= count
}

/// Never: it's judged when the time is over, or the client has exited.
fn never(_: &Seen) -> bool {
    false
}

fn one_event(seen: &Seen) -> bool {
    events(seen, 1)
}

fn two_events(seen: &Seen) -> bool {
    events(seen, 2)
}

fn two_requests(seen: &Seen) -> bool {
    seen.requests.len() >= 2
}

fn three_requests(seen: &Seen) -> bool {
    seen.requests.len() >= 3
}

/// The first request is answered so, and each further one by an event.
fn at_first(asked: &Asked, first: Vec<Act>) -> Vec<Act> {
    if asked.nth == 1 { first } else { stay(ONE) }
}

/// The first request is answered by an event and an end, and each further one so.
fn after_open(asked: &Asked, then: Vec<Act>) -> Vec<Act> {
    if asked.nth == 1 { stream(ONE) } else { then }
}

/// A connection that breaks in the middle of the second event, which is whole over the next.
fn cut(asked: &Asked, first: Vec<Act>) -> Vec<Act> {
    if asked.nth == 1 { first } else { stay(TWO) }
}

fn is_cut_well(seen: &Seen) -> Verdict {
    handed_out(seen, &["one", "two"])?;
    asked(seen, 2)?;
    sent_id(seen, 2, Some("1"))
}

fn came_back_for_an_event(seen: &Seen) -> Verdict {
    handed_out(seen, &["one"])?;
    asked(seen, 2)
}

fn says_that_the_type_is_wrong(seen: &Seen) -> Verdict {
    final_after(seen, 1)?;
    let reason = seen.closed().unwrap_or_default();
    let says_so = ["type", "mime"].iter().any(|word| reason.to_lowercase().contains(word));
    right_if(says_so, || format!("it doesn't say what's wrong, but {reason:?}"))
}

fn reads_it_as_utf_8(seen: &Seen) -> Verdict {
    handed_out(seen, &["süß"])?;
    asked(seen, 1)
}

/// Of a date that is 3 s after that of `Date`, which has whole seconds and is late by up to one.
fn retry_after_date(code: &str) -> Vec<Act> {
    let date = |timestamp| {
        rfc2822::DateTimePrinter::new().timestamp_to_rfc9110_string(&timestamp).expect("it's now")
    };
    let now = Timestamp::now();
    status(code, &format!("Date: {}\r\nRetry-After: {}\r\n", date(now), date(now + 3.seconds())))
}

fn waits_for_the_date(seen: &Seen) -> Verdict {
    came_back_for_an_event(seen)?;
    let asked_at = request(seen, 1)?.date;
    let date = Timestamp::from_second((asked_at + 3.seconds()).as_second()).expect("it's soon");
    let early = date.duration_since(request(seen, 2)?.date);
    right_if(early.is_negative() || early.is_zero(), || format!("it came {early:.2?} before the date"))
}

fn is_followed(seen: &Seen) -> Verdict {
    handed_out(seen, &["one"])?;
    asked(seen, 2)?;
    let path = &request(seen, 2)?.path;
    right_if(path == "/target", || format!("it asked for {path}"))
}

fn follow(asked: &Asked, code: &str) -> Vec<Act> {
    if asked.request.path == "/target" { stay(ONE) } else { redirect(code, &asked.target()) }
}

/// The events after the last event ID; the second is larger than the limit.
fn with_a_large_event(asked: &Asked) -> Vec<Act> {
    let large = format!("id: 2\ndata: {}\n\n", "x".repeat(MAX_EVENT * 4));
    let last =
        asked.request.last_event_id().and_then(|id| std::str::from_utf8(id).ok()?.parse().ok()).unwrap_or(0);
    stay(&[ONE, &large, "id: 3\ndata: three\n\n"].into_iter().skip(last).collect::<String>())
}

/// `id: 1\ndata: one\n\n`, compressed by gzip.
const GZIP: &[u8] = &[
    0x1f, 0x8b, 0x08, 0x00, 0x00, 0x00, 0x00, 0x00, 0x02, 0x03, 0xcb, 0x4c, 0xb1, 0x52, 0x30, 0xe4, 0x4a,
    0x49, 0x2c, 0x49, 0xb4, 0x52, 0xc8, 0xcf, 0x4b, 0xe5, 0xe2, 0x02, 0x00, 0x6b, 0xb4, 0xfc, 0x90, 0x11,
    0x00, 0x00, 0x00,
];

pub(crate) const FAULTS: &[Fault] = &[
    Fault::new(
        "503 with Retry-After in seconds",
        "one more request, not before that",
        |asked| at_first(asked, status("503 Service Unavailable", "Retry-After: 3\r\n")),
        one_event,
        |seen| {
            came_back_for_an_event(seen)?;
            waited(seen, 2, secs(3), millis(3750))
        },
    ),
    Fault::new(
        "503 with Retry-After as a date",
        "one more request, not before that",
        |asked| at_first(asked, retry_after_date("503 Service Unavailable")),
        one_event,
        waits_for_the_date,
    ),
    Fault::new(
        "429 with Retry-After in seconds",
        "one more request, not before that",
        |asked| at_first(asked, status("429 Too Many Requests", "Retry-After: 3\r\n")),
        one_event,
        |seen| {
            came_back_for_an_event(seen)?;
            waited(seen, 2, secs(3), millis(3750))
        },
    ),
    Fault::new(
        "500 at the first attempt",
        "tried again",
        |asked| at_first(asked, status("500 Internal Server Error", "")),
        one_event,
        came_back_for_an_event,
    ),
    Fault::new(
        "502 after it was open",
        "tried again, with the last event ID",
        |asked| match asked.nth {
            1 => stream(ONE),
            2 => status("502 Bad Gateway", ""),
            _ => stay(TWO),
        },
        two_events,
        |seen| {
            handed_out(seen, &["one", "two"])?;
            asked(seen, 3)?;
            sent_id(seen, 3, Some("1"))
        },
    ),
    Fault::new(
        "204 at once",
        FINAL,
        |_| status("204 No Content", ""),
        two_requests,
        |seen| final_after(seen, 1),
    ),
    Fault::new(
        "401 at once",
        FINAL,
        |_| status("401 Unauthorized", ""),
        two_requests,
        |seen| final_after(seen, 1),
    ),
    Fault::new(
        "404 at once",
        FINAL,
        |_| status("404 Not Found", ""),
        two_requests,
        |seen| final_after(seen, 1),
    ),
    Fault::new(
        "204 after it was open",
        FINAL_AFTER_OPEN,
        |asked| after_open(asked, status("204 No Content", "")),
        three_requests,
        |seen| final_after(seen, 2),
    ),
    Fault::new(
        "401 after it was open",
        FINAL_AFTER_OPEN,
        |asked| after_open(asked, status("401 Unauthorized", "")),
        three_requests,
        |seen| final_after(seen, 2),
    ),
    Fault::new(
        "404 after it was open",
        FINAL_AFTER_OPEN,
        |asked| after_open(asked, status("404 Not Found", "")),
        three_requests,
        |seen| final_after(seen, 2),
    ),
    Fault::new(
        "200 of the right type with an empty body, for ever",
        "the waits grow: it's no success",
        |_| stream(""),
        never,
        backs_off,
    ),
    Fault::new(
        "200 `text/html`",
        "one request, then an error that says so",
        |_| of_type("Content-Type: text/html\r\n"),
        two_requests,
        says_that_the_type_is_wrong,
    ),
    Fault::new(
        "200 of a type that is none",
        "one request, then an error that says so",
        |_| of_type("Content-Type: x bogus\r\n"),
        two_requests,
        says_that_the_type_is_wrong,
    ),
    Fault::new(
        "200 without a type",
        "one request, then an error that says so",
        |_| of_type(""),
        two_requests,
        says_that_the_type_is_wrong,
    ),
    Fault::new(
        "`text/event-stream;charset=windows-1252`",
        "open, read as UTF-8",
        |_| of_type("Content-Type: text/event-stream;charset=windows-1252\r\n"),
        one_event,
        reads_it_as_utf_8,
    ),
    Fault::new(
        "`text/event-stream;`",
        "open, read as UTF-8",
        |_| of_type("Content-Type: text/event-stream;\r\n"),
        one_event,
        reads_it_as_utf_8,
    ),
    Fault::new(
        "`retry: 0`, an event and an end, for ever",
        "never more than 10 requests a second",
        |_| stream("retry: 0\nid: 1\ndata: one\n\n"),
        never,
        |seen| {
            request(seen, 4)?;
            is_no_hammer(seen)
        },
    )
    .within(secs(4)),
    Fault::new(
        "`retry: 0`, then empty bodies, for ever",
        "never more than 10 requests a second, and the waits grow",
        |asked| after_open(asked, stream("")).into_iter().map(with_retry_0).collect(),
        never,
        backs_off,
    )
    .within(secs(6)),
    Fault::new(
        "`retry: 1500` alone in a block",
        "honoured",
        |_| stream("retry: 1500\n\nid: 1\ndata: one\n\n"),
        two_requests,
        |seen| waited(seen, 2, millis(1500), millis(1875)),
    ),
    Fault::new(
        "`retry: 2000`, then connections that are closed at once",
        "never undercut",
        |asked| if asked.nth == 1 { stream("retry: 2000\nid: 1\ndata: one\n\n") } else { Vec::new() },
        three_requests,
        |seen| {
            waited(seen, 2, secs(2), millis(2500))?;
            waited(seen, 3, secs(2), secs(4))
        },
    ),
    Fault::new(
        "silence after it was open",
        "noticed in 1 to 1¼ of the idle timeout, and tried again",
        |asked| if asked.nth == 1 { stay(ONE) } else { stay(TWO) },
        two_events,
        |seen| {
            is_cut_well(seen)?;
            is_not_over_early(seen, request(seen, 1)?.at)?;
            is_over_in_time(seen)
        },
    ),
    Fault::new(
        "a request that is never answered",
        "noticed in 1 to 1¼ of the answer timeout, and tried again",
        |asked| at_first(asked, vec![Act::Hold]),
        one_event,
        |seen| {
            came_back_for_an_event(seen)?;
            // The client counts from before it connects.
            is_not_over_early(seen, seen.since)?;
            is_over_in_time(seen)
        },
    ),
    Fault::new(
        "comments for three idle timeouts",
        "they're life: one request",
        |_| vec![Act::Open, send(ONE), Act::Every(millis(500), 12, b":\n"), send(TWO), Act::Hold],
        two_events,
        |seen| {
            handed_out(seen, &["one", "two"])?;
            asked(seen, 1)
        },
    ),
    Fault::new(
        "a connection whose events have no id",
        "the last event ID persists",
        |asked| match asked.nth {
            1 => stream(ONE),
            2 => stream("data: two\n\n"),
            _ => stay("data: three\n\n"),
        },
        |seen| events(seen, 3),
        |seen| {
            handed_out(seen, &["one", "two", "three"])?;
            sent_id(seen, 2, Some("1"))?;
            sent_id(seen, 3, Some("1"))
        },
    ),
    Fault::new(
        "events without an id",
        "no header field, not even an empty one",
        |asked| if asked.nth == 1 { stream("retry: 200\ndata: one\n\n") } else { stay("data: two\n\n") },
        two_events,
        |seen| {
            handed_out(seen, &["one", "two"])?;
            sent_id(seen, 1, None)?;
            sent_id(seen, 2, None)
        },
    ),
    Fault::new(
        "an id that's reset by an empty one",
        "no header field, not even an empty one",
        |asked| {
            if asked.nth == 1 { stream(&format!("{ONE}id:\ndata: two\n\n")) } else { stay("data: three\n\n") }
        },
        |seen| events(seen, 3),
        |seen| {
            handed_out(seen, &["one", "two", "three"])?;
            sent_id(seen, 2, None)
        },
    ),
    Fault::new(
        "an id that isn't ASCII",
        "sent as UTF-8",
        |asked| if asked.nth == 1 { stream("retry: 200\nid: ü€😀\ndata: one\n\n") } else { stay(TWO) },
        two_events,
        |seen| {
            handed_out(seen, &["one", "two"])?;
            sent_id(seen, 2, Some("ü€😀"))
        },
    ),
    Fault::new(
        "an id of 300 bytes",
        "sent whole",
        |asked| match asked.nth {
            1 => stream(&format!("retry: 200\nid: {}\ndata: one\n\n", "x".repeat(300))),
            _ => stay(TWO),
        },
        two_events,
        |seen| {
            handed_out(seen, &["one", "two"])?;
            sent_id(seen, 2, Some(&"x".repeat(300)))
        },
    ),
    Fault::new(
        "an id in a block without data",
        "it's the last event ID",
        |asked| {
            if asked.nth == 1 { stream(&format!("{ONE}id: 2\n\n")) } else { stay("id: 3\ndata: two\n\n") }
        },
        two_events,
        |seen| {
            handed_out(seen, &["one", "two"])?;
            sent_id(seen, 2, Some("2"))
        },
    ),
    Fault::new(
        "a body with a Content-Length that is cut off in mid-event",
        NOT_HANDED_OUT,
        |asked| {
            let head = "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nContent-Length: 1000\r\n\r\n";
            cut(asked, vec![send(head), send(ONE), send("id: 2\ndata: tw")])
        },
        two_events,
        is_cut_well,
    ),
    Fault::new(
        "a chunked body that is cut off in mid-event",
        NOT_HANDED_OUT,
        |asked| cut(asked, vec![send(CHUNKED), chunk(ONE), chunk("id: 2\ndata: tw")]),
        two_events,
        is_cut_well,
    ),
    Fault::new(
        "a body that ends in mid-event, in good order",
        NOT_HANDED_OUT,
        |asked| cut(asked, vec![send(CHUNKED), chunk(ONE), chunk("id: 2\ndata: tw"), send("0\r\n\r\n")]),
        two_events,
        is_cut_well,
    ),
    Fault::new(
        "a FIN in mid-event",
        NOT_HANDED_OUT,
        |asked| cut(asked, stream(&format!("{ONE}id: 2\ndata: tw"))),
        two_events,
        is_cut_well,
    ),
    Fault::new(
        "a reset in mid-event",
        NOT_HANDED_OUT,
        |asked| {
            cut(asked, vec![Act::Open, send(ONE), send("id: 2\ndata: tw"), Act::UntilEvents(1), Act::Reset])
        },
        two_events,
        is_cut_well,
    ),
    Fault::new(
        "301, a redirect",
        "followed",
        |asked| follow(asked, "301 Moved Permanently"),
        one_event,
        is_followed,
    ),
    Fault::new("302, a redirect", "followed", |asked| follow(asked, "302 Found"), one_event, is_followed),
    Fault::new("303, a redirect", "followed", |asked| follow(asked, "303 See Other"), one_event, is_followed),
    Fault::new(
        "307, a redirect",
        "followed",
        |asked| follow(asked, "307 Temporary Redirect"),
        one_event,
        is_followed,
    ),
    Fault::new(
        "308, a redirect",
        "followed",
        |asked| follow(asked, "308 Permanent Redirect"),
        one_event,
        is_followed,
    ),
    Fault::new(
        "a redirect to another host",
        "followed, without the `Authorization`",
        |asked| match asked.request.path.as_str() {
            "/target" => stay(ONE),
            _ => redirect("307 Temporary Redirect", &asked.by_another_name()),
        },
        one_event,
        |seen| {
            is_followed(seen)?;
            let has_token = |nth| request(seen, nth).map(|request| request.field("authorization").is_some());
            right_if(has_token(1)?, || "its first request had no token".to_owned())?;
            right_if(!has_token(2)?, || "the other host was sent the token".to_owned())
        },
    ),
    Fault::new(
        "a redirect to itself, for ever",
        "final after a bound",
        |asked| redirect("307 Temporary Redirect", &asked.target()),
        |seen| seen.requests.len() > 100,
        |seen| {
            is_closed(seen)?;
            let asked = seen.requests.len();
            right_if(asked <= 30, || format!("it asked {asked} times"))
        },
    ),
    Fault::new(
        "a redirect without Location",
        FINAL,
        |_| status("302 Found", ""),
        two_requests,
        |seen| final_after(seen, 1),
    ),
    Fault::new(
        "an event and a crash, for ever",
        "at its base pace at first, and then the waits grow",
        |_| vec![send(CHUNKED), chunk(ONE)],
        never,
        |seen| {
            waited(seen, 2, BASE_DELAY, BASE_DELAY * 2)?;
            backs_off(seen)
        },
    ),
    Fault::new(
        "an event and an end, for ever",
        "at its base pace: the server means it",
        |_| stream(ONE),
        |seen| seen.requests.len() > 8,
        |seen| {
            request(seen, 9)?;
            (2..=9).try_for_each(|nth| waited(seen, nth, BASE_DELAY, BASE_DELAY * 5 / 4))
        },
    ),
    Fault::new(
        "three crashes at once, and then one after 5 seconds",
        "at its base pace again",
        |asked| {
            let five_seconds = Act::Every(millis(500), if asked.nth == 4 { 11 } else { 0 }, b"2\r\n:\n\r\n");
            vec![send(CHUNKED), chunk(ONE), five_seconds]
        },
        |seen| seen.requests.len() >= 5,
        |seen| {
            let (fourth, fifth) = (request(seen, 4)?, request(seen, 5)?);
            let waited = fifth.at.duration_since(fourth.over_at.unwrap_or(fourth.at));
            is_between(waited, Duration::ZERO, BASE_DELAY * 5 / 4, "after the 5 seconds it waited")
        },
    )
    .within(secs(12)),
    Fault::new(
        "one byte a second",
        "it's life, and an event at last",
        |_| {
            let bytes = [b"d", b"a", b"t", b"a", b":", b"1", b"\n", b"\n"];
            let bytes = bytes.into_iter().map(|byte| Act::Every(secs(1), 1, byte));
            [Act::Open].into_iter().chain(bytes).chain([Act::Hold]).collect()
        },
        one_event,
        |seen| {
            handed_out(seen, &["1"])?;
            asked(seen, 1)
        },
    )
    .within(secs(13)),
    Fault::new(
        "a head that never ends",
        "given up within the answer timeout, and tried again",
        |asked| {
            let endless = Act::Every(millis(200), 1000, b"X-Padding: 1\r\n");
            at_first(asked, vec![send("HTTP/1.1 200 OK\r\n"), endless])
        },
        one_event,
        |seen| {
            came_back_for_an_event(seen)?;
            is_over_in_time(seen)
        },
    ),
    Fault::new(
        "interim answers, then the answer",
        "waited out: one request",
        |_| {
            let interim =
                "HTTP/1.1 102 Processing\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: </style.css>\r\n\r\n";
            [send(interim)].into_iter().chain(stay(ONE)).collect()
        },
        one_event,
        |seen| {
            handed_out(seen, &["one"])?;
            asked(seen, 1)
        },
    ),
    Fault::new(
        "interim answers, for ever",
        "given up within the answer timeout, and tried again",
        |asked| at_first(asked, vec![Act::Every(millis(200), 1000, b"HTTP/1.1 102 Processing\r\n\r\n")]),
        one_event,
        |seen| {
            came_back_for_an_event(seen)?;
            is_over_in_time(seen)
        },
    ),
    Fault::new(
        "gzip",
        "decompressed by who asked for it, and otherwise final",
        |_| {
            let head = "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nContent-Encoding: gzip\r\n\r\n";
            vec![send(head), Act::Send(GZIP.to_vec()), Act::Hold]
        },
        |seen| one_event(seen) || two_requests(seen),
        |seen| {
            let asked_for = request(seen, 1)?.field("accept-encoding").unwrap_or_default();
            if String::from_utf8_lossy(asked_for).contains("gzip") {
                handed_out(seen, &["one"])
            } else {
                final_after(seen, 1)
            }
        },
    ),
    Fault::new(
        "HTTP/2: GOAWAY while it's open",
        "the response is read to its end, and the next one is over another connection",
        |asked| match asked.nth {
            1 => vec![Act::Open, send(ONE), Act::UntilEvents(1), Act::GoAway, send(TWO)],
            _ => stay("id: 3\ndata: three\n\n"),
        },
        |seen| events(seen, 3),
        |seen| {
            handed_out(seen, &["one", "two", "three"])?;
            asked(seen, 2)?;
            sent_id(seen, 2, Some("2"))
        },
    )
    .needs(Needs::Http2),
    Fault::new(
        "HTTP/2: a connection that's given up in mid-event",
        NOT_HANDED_OUT,
        |asked| {
            cut(
                asked,
                vec![
                    Act::Open,
                    send(ONE),
                    send("id: 2\ndata: tw"),
                    Act::UntilEvents(1),
                    Act::Abort,
                    Act::Hold,
                ],
            )
        },
        two_events,
        is_cut_well,
    )
    .needs(Needs::Http2),
    Fault::new(
        "HTTP/2: RST_STREAM in mid-event",
        NOT_HANDED_OUT,
        |asked| {
            cut(asked, vec![Act::Open, send(ONE), send("id: 2\ndata: tw"), Act::UntilEvents(1), Act::Reset])
        },
        two_events,
        is_cut_well,
    )
    .needs(Needs::Http2),
    Fault::new(
        "HTTP/2: a request that's refused",
        "tried again",
        |asked| at_first(asked, vec![Act::Reset]),
        one_event,
        came_back_for_an_event,
    )
    .needs(Needs::Http2),
    Fault::new(
        "an event over the limit, sent again after each reconnection: a client that stops",
        "met once, then it says that it's over",
        with_a_large_event,
        three_requests,
        |seen| {
            handed_out(seen, &["one"])?;
            final_after(seen, 1)
        },
    )
    .needs(Needs::Stop),
    Fault::new(
        "an event over the limit, sent again after each reconnection: a client that skips",
        "met once, and the next event comes",
        with_a_large_event,
        |seen| two_events(seen) || three_requests(seen),
        |seen| {
            handed_out(seen, &["one", "three"])?;
            asked(seen, 1)
        },
    )
    .needs(Needs::Skip),
    Fault::new(
        "a consumer that pauses for longer than the idle timeout",
        "isn't taken for silence: one request",
        |_| vec![Act::Open, send(ONE), Act::Every(millis(500), 12, b":\n"), send(TWO), Act::Hold],
        two_events,
        |seen| {
            handed_out(seen, &["one", "two"])?;
            asked(seen, 1)
        },
    )
    .needs(Needs::Pause),
];

const CHUNKED: &str =
    "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n";

fn chunk(text: &str) -> Act {
    send(&format!("{:x}\r\n{text}\r\n", text.len()))
}

/// Changes the reconnection time of [`ONE`].
fn with_retry_0(act: Act) -> Act {
    match act {
        Act::Send(bytes) => {
            Act::Send(String::from_utf8_lossy(&bytes).replace("retry: 200", "retry: 0").into())
        }
        act => act,
    }
}

/// Its first connection was over at a quarter after the timeout at the latest.
fn is_over_in_time(seen: &Seen) -> Verdict {
    let took = over_at(seen)?.duration_since(request(seen, 1)?.at);
    is_between(took, Duration::ZERO, TIMEOUT * 5 / 4, "the first connection was over after")
}

/// Its first connection wasn't over before the timeout, from that moment on.
fn is_not_over_early(seen: &Seen, since: Instant) -> Verdict {
    let took = over_at(seen)?.duration_since(since);
    is_between(took, TIMEOUT, Duration::MAX, "the first connection was over after")
}

/// Returns when the first connection was over.
fn over_at(seen: &Seen) -> Result<Instant, String> {
    Ok(request(seen, 1)?.over_at.unwrap_or(request(seen, 2)?.at))
}
