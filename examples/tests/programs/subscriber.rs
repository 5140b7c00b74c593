//! A client of an event stream.

use eventsource_core::codec::EventIdBuf;
use eventsource_core::{Events, OwnedEvent};
use eventsource_hyper::BodyChunks;
use futures_util::StreamExt;
use http_body_util::Empty;
use hyper::Request;
use hyper::body::{Bytes, Incoming};
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use std::net::SocketAddr;
use std::time::Duration;
use tokio::net::TcpStream;
use tokio::time::timeout;

/// How long an event may take to come, on a busy machine where a broker is being started.
const PATIENCE: Duration = Duration::from_mins(2);

/// An open event stream.
pub(crate) struct Subscriber {
    events: Events<BodyChunks<Incoming>>,
}

impl Subscriber {
    /// Asks for `/events`, from after the last event ID on if there's one.
    pub(crate) async fn open(server: SocketAddr, last_event_id: Option<EventIdBuf>) -> Self {
        let stream = TcpStream::connect(server).await.unwrap();
        let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await.unwrap();
        tokio::spawn(async move { drop(connection.await) });
        let mut request = Request::get("/events").header("host", "localhost");
        if let Some(id) = last_event_id {
            request = request.header("last-event-id", id.as_str());
        }
        let response = sender.send_request(request.body(Empty::<Bytes>::new()).unwrap()).await.unwrap();
        assert_eq!(response.status(), 200);
        Self { events: eventsource_hyper::read(response.into_body()) }
    }

    /// The next event, which has to come; none at the end of the stream, which has to be a clean one.
    pub(crate) async fn next(&mut self) -> Option<OwnedEvent> {
        let next = timeout(PATIENCE, self.events.next()).await.expect("an event comes");
        next.map(|event| event.expect("a stream that's well"))
    }

    /// Whether there's nothing for a while.
    pub(crate) async fn is_quiet(&mut self) -> bool {
        timeout(Duration::from_millis(500), self.events.next()).await.is_err()
    }

    pub(crate) fn last_event_id(&self) -> EventIdBuf {
        self.events.last_event_id().into()
    }

    /// The reconnection time, if the server has set one.
    pub(crate) fn retry(&self) -> Option<Duration> {
        self.events.retry()
    }
}
