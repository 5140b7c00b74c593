//! What the suite looks with.

use crate::server::{Exchange, Reply, Server};
use crate::transport::Transport;
use core::fmt::{Debug, Display};
use core::time::Duration;
use eventsource_core::Timer;
use eventsource_core::client::{Attempt, Connect, EventSource, Policy, Update};
use futures_util::StreamExt;
use http::Request;
use hyper::body::Bytes;
use std::time::Instant;

/// Real time is late, and on a busy machine by a lot.
pub(crate) const SLACK: Duration = Duration::from_secs(20);

pub(crate) fn millis(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

/// Starts a server of the protocol that the transport speaks.
pub(crate) fn serve<T: Transport>(script: impl FnMut(&Exchange) -> Reply + Send + 'static) -> Server {
    Server::start(T::PROTOCOL, script)
}

/// Starts a server with these replies, one after the other, and then 204.
pub(crate) fn serve_each<T: Transport>(replies: impl IntoIterator<Item = Reply>) -> Server {
    let mut replies = replies.into_iter().collect::<Vec<_>>().into_iter();
    serve::<T>(move |_| replies.next().unwrap_or_else(|| Reply::status(204)))
}

/// Makes the request that most want.
pub(crate) fn get(url: String) -> impl FnMut(Attempt) -> Request<Bytes> {
    request("GET", url, &[], "")
}

pub(crate) fn request(
    method: &'static str,
    url: String,
    fields: &'static [(&'static str, &'static str)],
    body: &'static str,
) -> impl FnMut(Attempt) -> Request<Bytes> {
    move |attempt| {
        let request = Request::builder().method(method).uri(&url);
        let request = fields.iter().fold(request, |request, (name, value)| request.header(*name, *value));
        let mut request = request.body(Bytes::from_static(body.as_bytes())).unwrap();
        request.headers_mut().extend(attempt.headers());
        request
    }
}

/// Comes back as fast as it may.
pub(crate) fn quick() -> Policy {
    Policy::default().base_delay(Duration::ZERO)
}

/// Says an update in words: of what the transport has to say, not a word.
pub(crate) fn words<E: Debug>(update: Update<E>) -> String {
    match update {
        Update::Open(head) => format!("open {}", head.status()),
        Update::Event(event) => named(event.name.as_str(), event.last_event_id.as_str(), &event.data),
        Update::Comment(text) => format!("comment {text}"),
        Update::Lost(lost) if lost.retry_in.is_some() => format!("lost, {}", lost.reason),
        Update::Lost(lost) => format!("over, {}", lost.reason),
        other => panic!("{other:?}"),
    }
}

pub(crate) fn named(name: &str, id: &str, data: &str) -> String {
    format!("event {name} {id:?} {data:?}")
}

pub(crate) fn event(data: &str) -> String {
    named("message", "", data)
}

pub(crate) fn with_id(id: &str, data: &str) -> String {
    named("message", id, data)
}

pub(crate) const ENDED: &str = "lost, the server ended the event stream";
pub(crate) const FAILED: &str = "lost, the connection failed";
pub(crate) const GONE: &str = "over, the server answered with status 204";

/// Returns the next updates, so many at most.
pub(crate) async fn heard<C, T>(source: &mut EventSource<C, T>, updates: usize) -> Vec<String>
where
    C: Connect<Error: Debug + Display>,
    T: Timer + Unpin,
{
    source.take(updates).map(words).collect().await
}

/// Returns all updates up to the end.
pub(crate) async fn heard_all<C, T>(source: &mut EventSource<C, T>) -> Vec<String>
where
    C: Connect<Error: Debug + Display>,
    T: Timer + Unpin,
{
    heard(source, usize::MAX).await
}

/// Waits until something is so.
pub(crate) async fn until<T: Transport>(what: &str, mut is_so: impl FnMut() -> bool) {
    let start = Instant::now();
    while !is_so() {
        assert!(start.elapsed() < SLACK, "never {what}");
        T::sleep(millis(2)).await;
    }
}

/// Returns the times between a server's requests.
pub(crate) fn gaps(server: &Server) -> Vec<Duration> {
    let at: Vec<_> = server.exchanges().iter().map(|exchange| exchange.at).collect();
    at.windows(2).map(|pair| pair[1].duration_since(pair[0])).collect()
}
