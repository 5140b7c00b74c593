//! When it comes back, with what, and when it doesn't.

use crate::harness::{
    ENDED, FAILED, GONE, SLACK, event, gaps, get, heard, heard_all, millis, quick, request, serve,
    serve_each, with_id,
};
use crate::server::{End, Reply};
use crate::transport::Transport;
use core::time::Duration;
use eventsource_core::Decoder;
use eventsource_core::client::{Policy, Update};
use eventsource_core::codec::EventsError;
use flate2::Compression;
use flate2::write::GzEncoder;
use futures_util::StreamExt;
use futures_util::future::join_all;
use socket2::{Domain, Socket, Type};
use std::io::Write;
use std::net::{Ipv4Addr, SocketAddr};
use std::time::{Instant, SystemTime};

const IDLE: &str = "lost, the event stream was idle for too long";

pub(crate) async fn a_204_halts_it<T: Transport>() {
    join_all([&[][..], &[Reply::text("retry: 1\ndata: a\n\n")]].map(|replies| async move {
        let server = serve_each::<T>(replies.to_vec());
        let mut source = T::source(get(server.url("/"))).policy(quick());
        let told = heard_all(&mut source).await;
        assert_eq!(told.last().map(String::as_str), Some(GONE));
        T::sleep(Duration::from_secs(1)).await;
        assert_eq!((source.next().await.is_none(), server.count()), (true, replies.len() + 1));
        let mut events = T::source(get(server.url("/"))).events();
        assert!(events.next().await.is_none(), "it's a good end");
    }))
    .await;
}

pub(crate) async fn the_id_of_the_last_event_is_sent<T: Transport>() {
    let long = "x".repeat(1000);
    let server = serve_each::<T>([
        Reply::text("id: abc\ndata: a\n\ndata: b\n\n"),
        Reply::text("data: c\n\n"),
        Reply::text(": nothing\n"),
        Reply::text("id: without data\n\n"),
        Reply::text("id: …é\ndata: d\n\n"),
        Reply::text("id: 1\0\ndata: e\n\n"),
        Reply::text(format!("id: {long}\ndata: f\n\n")),
        Reply::text("id:\ndata: g\n\n"),
        Reply::text("data: h\n\n"),
    ]);
    let mut source = T::source(get(server.url("/"))).policy(quick().max_delay(Duration::ZERO));
    heard_all(&mut source).await;
    let expected = [
        None,
        Some("abc"),
        Some("abc"),
        Some("abc"),
        Some("without data"),
        Some("…é"),
        Some("…é"),
        Some(&long),
        None,
        None,
    ];
    let sent = server.last_event_ids();
    assert_eq!(sent.iter().map(Option::as_deref).collect::<Vec<_>>(), expected);
}

pub(crate) async fn the_body_is_sent_again<T: Transport>() {
    let server =
        serve_each::<T>([Reply::text("data: a\n\n"), Reply::status(503), Reply::text("data: b\n\n")]);
    let mut source = T::source(request("POST", server.url("/"), &[], "the body")).policy(quick());
    heard_all(&mut source).await;
    let asked = server.exchanges();
    assert!(asked.iter().all(|asked| asked.method == "POST" && asked.body == b"the body"), "{asked:?}");
    assert_eq!(asked.len(), 4);
}

/// Behind an event, and from the beginning.
pub(crate) async fn silence_is_noticed<T: Transport>() {
    let timeout = millis(500);
    join_all(["data: a\n\n", ""].map(|text| async move {
        let first = if text.is_empty() { Reply::stream() } else { Reply::text(text) };
        let server = serve_each::<T>([first.silent(), Reply::text("data: b\n\n")]);
        let mut source = T::source(get(server.url("/"))).policy(quick().idle_timeout(timeout));
        assert_eq!(heard(&mut source, 1).await, ["open 200"]);
        let start = Instant::now();
        if !text.is_empty() {
            assert_eq!(heard(&mut source, 1).await, [event("a")]);
        }
        assert_eq!(heard(&mut source, 1).await, [IDLE]);
        let after = start.elapsed();
        assert!(after > timeout * 9 / 10 && after < SLACK, "{after:?}");
        assert_eq!(heard_all(&mut source).await, ["open 200", &event("b"), ENDED, GONE]);
    }))
    .await;
}

/// Comments come in the place of events for longer than it would wait.
pub(crate) async fn comments_are_life<T: Transport>() {
    let pings = (0..10).map(|_| ":\n".into());
    let server = serve_each::<T>([Reply::stream().chunks(pings, millis(140)).bytes("data: a\n\n")]);
    let mut source = T::source(get(server.url("/"))).policy(quick().idle_timeout(Duration::from_secs(1)));
    assert_eq!(heard_all(&mut source).await, ["open 200", &event("a"), ENDED, GONE]);
}

pub(crate) async fn an_answer_that_does_not_come_is_noticed<T: Transport>() {
    let server = serve_each::<T>([Reply::never()]);
    let mut source = T::source(get(server.url("/"))).policy(quick().answer_timeout(millis(400)));
    let start = Instant::now();
    assert_eq!(heard(&mut source, 1).await, ["lost, the server did not answer in time"]);
    assert!(start.elapsed() >= millis(400));
    // On a busy machine the next one may be too late, too.
    assert_eq!(heard_all(&mut source).await.last().map(String::as_str), Some(GONE));
}

pub(crate) async fn what_was_cut_is_discarded<T: Transport>() {
    // It's in mid-line, at the end of a line, and all there but the blank line.
    let cuts = ["id: 2\nevent: b\ndata: b", "id: 2\nevent: b\n", "id: 2\nevent: b\ndata: b\n"];
    let ends = [End::Fin, End::Reset, End::Whole];
    join_all(cuts.into_iter().flat_map(|cut| ends.map(|end| (cut, end))).map(|(cut, end)| async move {
        let server = serve_each::<T>([
            Reply::text(format!("id: 1\ndata: a\n\n{cut}")).end(end),
            Reply::text("data: c\n\nid: 2\ndata: b\n\n"),
        ]);
        let mut source = T::source(get(server.url("/"))).policy(quick());
        let told = heard_all(&mut source).await;
        let (a, b, c) = (with_id("1", "a"), with_id("2", "b"), with_id("1", "c"));
        assert_eq!(told, ["open 200", &a, FAILED, "open 200", &c, &b, ENDED, GONE], "{cut:?} {end:?}");
        let ids = server.last_event_ids();
        assert_eq!(ids, [None, Some("1".to_owned()), Some("2".to_owned())], "{cut:?} {end:?}");
    }))
    .await;
}

pub(crate) async fn a_new_connection_after_every_break<T: Transport>() {
    join_all([(End::Whole, ENDED), (End::Fin, FAILED), (End::Reset, FAILED)].map(|(end, lost)| async move {
        let server = serve_each::<T>([
            Reply::text("data: a\n\n").end(end),
            Reply::stream().end(end),
            Reply::text("data: b\n\n"),
        ]);
        let mut source = T::source(get(server.url("/"))).policy(quick());
        let told = heard_all(&mut source).await;
        let (a, b) = (event("a"), event("b"));
        assert_eq!(told, ["open 200", &a, lost, "open 200", lost, "open 200", &b, ENDED, GONE], "{end:?}");
    }))
    .await;
}

/// Twenty clients, each after five connections.
pub(crate) async fn a_reconnection_time_is_never_undercut<T: Transport>() {
    let retry = millis(150);
    let clients = (0..20).map(|_| async move {
        let server = serve_each::<T>(vec![Reply::text("retry: 150\ndata: a\n\n"); 5]);
        let mut source = T::source(get(server.url("/"))).policy(quick());
        heard_all(&mut source).await;
        gaps(&server)
    });
    let gaps = join_all(clients).await.concat();
    assert_eq!(gaps.len(), 100);
    assert!(gaps.iter().all(|&gap| gap >= retry && gap < SLACK), "{gaps:?}");
    // And they don't come back together.
    let early = gaps.iter().filter(|&&gap| gap < retry * 9 / 8).count();
    assert!(early < 90, "{gaps:?}");
}

/// A refused connection is no last word.
pub(crate) async fn nobody_listens<T: Transport>() {
    // Its port stays taken, so that no other server gets it.
    let nobody = Socket::new(Domain::IPV4, Type::STREAM, None).unwrap();
    nobody.bind(&SocketAddr::from((Ipv4Addr::LOCALHOST, 0)).into()).unwrap();
    let url = format!("http://{}/", nobody.local_addr().unwrap().as_socket().unwrap());
    let mut source = T::source(get(url)).policy(quick().max_failures(3));
    for is_last in [false, false, true] {
        let Some(Update::Lost(lost)) = source.next().await else { panic!("nobody answers") };
        assert!(matches!(lost.error, Some(EventsError::Chunks(_))), "{lost:?}");
        assert_eq!(
            (lost.reason.to_string(), lost.retry_in.is_none()),
            ("the connection failed".into(), is_last)
        );
    }
    assert!(source.next().await.is_none());
}

pub(crate) async fn retry_after<T: Transport>() {
    let second = Duration::from_secs(1);
    let by_date = |date: Option<SystemTime>, at| {
        let reply = Reply::status(503).header("retry-after", httpdate::fmt_http_date(at));
        match date {
            Some(date) => reply.header("date", httpdate::fmt_http_date(date)),
            None => reply,
        }
    };
    let long_ago = SystemTime::UNIX_EPOCH + Duration::from_secs(1_000_000_000);
    let none = Duration::ZERO;
    let rows = [
        (Reply::status(503).header("retry-after", "1"), second, second * 5 / 4),
        (Reply::status(429).header("retry-after", "1"), second, second * 5 / 4),
        (by_date(Some(long_ago), long_ago + second), second, second * 5 / 4),
        (by_date(Some(long_ago), long_ago - second), none, second / 4),
        (Reply::status(503).header("retry-after", "soon"), none, second / 4),
        // By the client's clock, for the server says no date.
        (by_date(None, SystemTime::now() + second * 100), second * 70, second * 125),
    ];
    join_all(rows.map(|(reply, least, most)| async move {
        let text = format!("{reply:?}");
        let server = serve_each::<T>([reply]);
        let mut source = T::source(get(server.url("/"))).policy(quick());
        let Some(Update::Lost(lost)) = source.next().await else { panic!("it's not open") };
        let delay = lost.retry_in.unwrap();
        assert!(delay >= least && delay <= most, "{delay:?} after {text}");
        if delay < second * 2 {
            assert_eq!(heard_all(&mut source).await, [GONE]);
            let [gap] = gaps(&server)[..] else { panic!("{server:?}") };
            assert!(gap >= least && gap < SLACK, "{gap:?} after {text}");
        }
    }))
    .await;
}

/// It's all there for whoever decompresses as it comes: the end never does.
fn compressed(text: &str) -> Reply {
    let mut gzip = GzEncoder::new(Vec::new(), Compression::fast());
    gzip.write_all(text.as_bytes()).unwrap();
    gzip.flush().unwrap();
    Reply::text(gzip.get_ref().clone()).header("content-encoding", "gzip").silent()
}

pub(crate) async fn a_compressed_body_that_nobody_asked_for_is_final<T: Transport>() {
    let server = serve::<T>(|_| compressed("data: a\n\n"));
    let mut source = T::source(get(server.url("/")));
    let over = "over, the response has a content encoding that nobody asked for";
    assert_eq!(heard_all(&mut source).await, [over]);
    assert_eq!(server.count(), 1);
}

pub(crate) async fn a_compressed_body_that_was_asked_for_is_read<T: Transport>() {
    let server = serve::<T>(|asked| match asked.field("accept-encoding") {
        Some(encodings) if encodings.contains("gzip") => compressed("id: 1\ndata: a\n\ndata: b\n\n"),
        _ => Reply::status(406),
    });
    let mut source = T::decompressing(get(server.url("/"))).policy(quick());
    let told = heard(&mut source, 3).await;
    assert_eq!(told, ["open 200", &with_id("1", "a"), &with_id("1", "b")]);
}

pub(crate) async fn what_is_no_event_stream_is_final<T: Transport>() {
    for content_type in [Some("text/html"), Some("x bogus"), Some("text/event-streams"), None] {
        let reply = Reply::text("data: a\n\n");
        let reply = match content_type {
            Some(content_type) => reply.header("content-type", content_type),
            None => Reply::status(200).bytes("data: a\n\n"),
        };
        for policy in [Policy::default(), Policy::browser()] {
            let reply = reply.clone();
            let server = serve::<T>(move |_| reply.clone());
            let source = T::source(get(server.url("/"))).policy(policy);
            let mut source = source.decoder(Decoder::new().comments(true));
            let over = "over, the response is not of the type text/event-stream";
            assert_eq!(heard_all(&mut source).await, [over], "{content_type:?}");
            assert_eq!(server.count(), 1);
        }
    }
}
