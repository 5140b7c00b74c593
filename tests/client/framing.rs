//! What HTTP/1.1 alone can say, and where it goes wrong.

use crate::harness::{ENDED, FAILED, GONE, event, get, heard, heard_all, millis, quick, serve_each};
use crate::server::{End, Framing, Reply};
use crate::transport::Transport;
use futures_util::future::join_all;

/// A body whose length is that of its connection can't be told from one that's cut behind an event.
pub(crate) async fn whole_bodies_and_cut_ones_are_told_apart<T: Transport>() {
    let rows = [
        (Framing::Chunked, End::Whole, ENDED),
        (Framing::Chunked, End::Fin, FAILED),
        (Framing::Chunked, End::Reset, FAILED),
        (Framing::Length(0), End::Whole, ENDED),
        (Framing::Length(0), End::Fin, ENDED),
        (Framing::Length(1), End::Fin, FAILED),
        (Framing::Length(1), End::Reset, FAILED),
        (Framing::UntilClose, End::Whole, ENDED),
        (Framing::UntilClose, End::Reset, FAILED),
    ];
    join_all(rows.map(|(framing, end, lost)| async move {
        let reply = Reply::text("data: a\n\n").framing(framing).end(end);
        let server = serve_each::<T>([reply]);
        let mut source = T::source(get(server.url("/"))).policy(quick());
        let told = heard_all(&mut source).await;
        assert_eq!(told, ["open 200", &event("a"), lost, GONE], "{framing:?} {end:?}");
    }))
    .await;
}

pub(crate) async fn interim_heads_are_waited_out<T: Transport>() {
    let head = "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nlink: </x>\r\n\r\n\
        HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\nconnection: close\r\n\r\n";
    let server = serve_each::<T>([Reply::raw(head).bytes("data: a\n\n")]);
    let mut source = T::source(get(server.url("/"))).policy(quick());
    assert_eq!(heard_all(&mut source).await, ["open 200", &event("a"), ENDED, GONE]);
}

/// It comes line by line for as long as anybody listens.
pub(crate) async fn a_head_that_never_ends_is_noticed<T: Transport>() {
    let lines = (0..1000).map(|_| "x: y\r\n".into());
    let server = serve_each::<T>([Reply::raw("HTTP/1.1 200 OK\r\n").chunks(lines, millis(50))]);
    let mut source = T::source(get(server.url("/"))).policy(quick().answer_timeout(millis(600)));
    assert_eq!(heard(&mut source, 1).await, ["lost, the server did not answer in time"]);
    // On a busy machine the next one may be too late, too.
    assert_eq!(heard_all(&mut source).await.last().map(String::as_str), Some(GONE));
}
