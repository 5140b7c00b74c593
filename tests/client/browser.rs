//! What web-platform-tests expect of a browser's `EventSource`, with the policy that's made for it.

use crate::harness::{
    ENDED, FAILED, GONE, event, gaps, get, heard, heard_all, millis, serve, serve_each, until, with_id,
};
use crate::server::{End, Reply};
use crate::transport::Transport;
use core::time::Duration;
use eventsource_core::client::{Policy, Reason, Step};
use futures_util::future::join_all;
use futures_util::{FutureExt, StreamExt};

/// Status-error: one error, and no second request.
pub(crate) async fn every_other_status_is_final<T: Transport>() {
    for status in [204, 205, 210, 299, 404, 410, 503] {
        let reply = Reply::status(status).header("content-type", "text/event-stream");
        let server = serve::<T>(move |_| reply.clone());
        let mut source = T::source(get(server.url("/"))).policy(Policy::browser());
        let told = heard_all(&mut source).await;
        assert_eq!(told, [format!("over, the server answered with status {status}")]);
        assert_eq!((source.state(), server.count()), (Step::Closed(Reason::Status(status)), 1));
    }
}

/// To the millisecond. What the tests want is within a tenth, which a busy machine may miss.
pub(crate) async fn the_reconnection_time_is_kept<T: Transport>() {
    let rows = [
        ("retry:3000\n\ndata:a\n\n", 3000),
        ("retry:2000\nretry:1000x\ndata:a\n\n", 2000),
        ("retry:1500\nretry\ndata:a\n\n", 1500),
        ("retry:1500\nretry:\ndata:a\n\n", 1500),
        ("retry:1500\nretry:+200\nretry:-200\nretry:2e2\nretry:2 00\ndata:a\n\n", 1500),
        ("data:a\n\n", 3000),
        ("retry:2\ndata:a\n\n", 100),
    ];
    join_all(rows.map(|(text, expected)| async move {
        let server = serve_each::<T>([Reply::text(text)]);
        let mut source = T::source(get(server.url("/"))).policy(Policy::browser());
        assert_eq!(heard(&mut source, 3).await, ["open 200", &event("a"), ENDED]);
        let expected = millis(expected);
        assert_eq!(source.state(), Step::Wait { delay: expected, reason: Reason::Ended }, "after {text:?}");
        assert_eq!(heard_all(&mut source).await, [GONE]);
        let [gap] = gaps(&server)[..] else { panic!("{server:?}") };
        assert!(
            gap >= expected && gap <= expected * 11 / 10 + Duration::from_secs(2),
            "{gap:?} after {text:?}"
        );
    }))
    .await;
}

/// Eventsource-close: open, the end, again, and then 204.
pub(crate) async fn opens_and_closes<T: Transport>() {
    let server = serve_each::<T>([Reply::text("retry:2\ndata:a\n\n"), Reply::text("data:b\n\n")]);
    let mut source = T::source(get(server.url("/"))).policy(Policy::browser());
    assert_eq!(source.state(), Step::Connect);
    assert_eq!(heard(&mut source, 1).await, ["open 200"]);
    assert_eq!(source.state(), Step::Read);
    assert_eq!(heard(&mut source, 2).await, [&event("a"), ENDED]);
    assert!(matches!(source.state(), Step::Wait { reason: Reason::Ended, .. }));
    assert_eq!(heard_all(&mut source).await, ["open 200", &event("b"), ENDED, GONE]);
    assert_eq!(source.state(), Step::Closed(Reason::Status(204)));
    assert!(matches!(source.next().now_or_never(), Some(None)));
}

pub(crate) async fn last_event_ids<T: Transport>() {
    let server = serve_each::<T>([
        Reply::text("retry:2\nid:…\ndata:a\n\n"),
        Reply::text("id\0:2\nid:2\0\ndata:b\n\n").end(End::Reset),
        Reply::text("data:c\n\n"),
        Reply::text("id\ndata:d\n\n"),
    ]);
    let mut source = T::source(get(server.url("/"))).policy(Policy::browser());
    let told = heard_all(&mut source).await;
    let (a, b, c) = (with_id("…", "a"), with_id("…", "b"), with_id("…", "c"));
    let expected = ["open 200", &a, ENDED, "open 200", &b, FAILED, "open 200", &c, ENDED, "open 200"];
    assert_eq!(told[..10], expected);
    assert_eq!(told[10..], [&event("d"), ENDED, GONE]);
    let sent: Vec<_> =
        server.exchanges().iter().map(|asked| asked.fields("last-event-id").concat()).collect();
    assert_eq!(sent, [b"", "…".as_bytes(), "…".as_bytes(), "…".as_bytes(), b""]);
    assert!(server.exchanges()[4].fields("last-event-id").is_empty());
}

/// Format-mime: the parameter says windows-1252, and it's UTF-8 all the same.
pub(crate) async fn types_of_content<T: Transport>() {
    for content_type in [
        "text/event-stream",
        "text/event-stream;charset=windows-1252",
        "text/event-stream;",
        "Text/Event-Stream",
    ] {
        let server =
            serve::<T>(move |_| Reply::text("data:ok…\n\n").header("content-type", content_type).silent());
        let mut source = T::source(get(server.url("/"))).policy(Policy::browser());
        assert_eq!(heard(&mut source, 2).await, ["open 200", &event("ok…")], "{content_type}");
    }
}

/// Request-cancellation: stopped while it connects, it's closed, and nothing is told.
pub(crate) async fn a_request_may_be_cancelled<T: Transport>() {
    let server = serve::<T>(|_| Reply::never());
    let mut source = T::source(get(server.url("/"))).policy(Policy::browser());
    let asked = until::<T>("asked", || server.count() == 1);
    futures_util::select! {
        _ = source.next() => panic!("it's never answered"),
        () = Box::pin(asked).fuse() => {}
    }
    source.close();
    assert_eq!((source.state(), source.next().await.is_none()), (Step::Closed(Reason::Closed), true));
    until::<T>("closed", || server.open() == 0).await;
    T::sleep(Duration::from_millis(300)).await;
    assert_eq!(server.count(), 1);
}
