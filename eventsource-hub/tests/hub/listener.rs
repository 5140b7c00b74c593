//! Clients of a hub.

use crate::SOON;
use crate::server::Server;
use eventsource_core::codec::EventIdBuf;
use eventsource_core::{Events, OwnedEvent};
use eventsource_hyper::BodyChunks;
use futures_util::StreamExt;
use http_body_util::{BodyExt, Full};
use hyper::body::{Bytes, Incoming};
use hyper::client::conn::http1;
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use serde_json::Value;
use std::net::SocketAddr;
use std::time::Duration;
use tokio::net::{TcpSocket, TcpStream};
use tokio::time::timeout;

/// An open event stream.
pub(crate) struct Listener {
    events: Events<BodyChunks<Incoming>>,
    connection: tokio::task::JoinHandle<()>,
}

impl Listener {
    /// Listens, from after the last event ID on if there's one.
    pub(crate) async fn open(
        address: SocketAddr,
        query: &str,
        last_event_id: Option<EventIdBuf>,
    ) -> std::io::Result<Self> {
        let (mut sender, connection) =
            http1::handshake(TokioIo::new(connect(address).await?)).await.map_err(std::io::Error::other)?;
        let connection = tokio::spawn(async move { drop(connection.await) });
        let mut request = Request::get(format!("/events?{query}")).header("host", "localhost");
        if let Some(id) = last_event_id {
            request = request.header("last-event-id", id.as_str());
        }
        let request = request.body(Full::<Bytes>::default()).unwrap();
        let response = sender.send_request(request).await.map_err(std::io::Error::other)?;
        assert_eq!(response.status(), 200, "a browser would give up");
        Ok(Self { events: eventsource_hyper::read(response.into_body()), connection })
    }

    /// Listens anew.
    pub(crate) async fn start(server: &Server, query: &str) -> Self {
        Self::open(server.address, query, None).await.unwrap()
    }

    /// The next event; none at the end of the stream, be it a clean one or not.
    pub(crate) async fn next(&mut self) -> Option<OwnedEvent> {
        self.events.next().await?.ok()
    }

    /// The next event, which has to come soon.
    pub(crate) async fn expect(&mut self) -> OwnedEvent {
        timeout(SOON, self.next()).await.expect("an event comes soon").expect("the stream goes on")
    }

    /// The reconnection time, if the hub has set one.
    pub(crate) fn retry(&self) -> Option<Duration> {
        self.events.retry()
    }

    /// The last event ID, once there is one.
    pub(crate) fn last_event_id(&self) -> Option<EventIdBuf> {
        Some(self.events.last_event_id()).filter(|id| !id.as_str().is_empty()).map(EventIdBuf::from)
    }
}

impl Drop for Listener {
    fn drop(&mut self) {
        self.connection.abort();
    }
}

/// The system gives a small buffer to it, so that whoever doesn't read is soon noticed.
pub(crate) async fn connect(address: SocketAddr) -> std::io::Result<TcpStream> {
    let socket = TcpSocket::new_v4()?;
    socket.set_recv_buffer_size(16 << 10)?;
    socket.connect(address).await
}

/// A plain request on a connection of its own.
pub(crate) async fn request(address: SocketAddr, request: Request<Full<Bytes>>) -> Response<String> {
    let (mut sender, connection) =
        http1::handshake(TokioIo::new(TcpStream::connect(address).await.unwrap())).await.unwrap();
    let connection = tokio::spawn(async move { drop(connection.await) });
    let response = timeout(SOON, sender.send_request(request)).await.expect("an answer").unwrap();
    let (head, body) = response.into_parts();
    let body = timeout(SOON, body.collect()).await.expect("the whole answer").unwrap().to_bytes();
    connection.abort();
    Response::from_parts(head, String::from_utf8(body.to_vec()).unwrap())
}

pub(crate) async fn get(server: &Server, path: &str) -> Response<String> {
    request(server.address, Request::get(path).header("host", "localhost").body(Full::default()).unwrap())
        .await
}

pub(crate) async fn post(server: &Server, path: &str, body: impl Into<Bytes>) -> Response<String> {
    let body = Full::new(body.into());
    request(server.address, Request::post(path).header("host", "localhost").body(body).unwrap()).await
}

pub(crate) async fn stats(server: &Server) -> Value {
    serde_json::from_str(get(server, "/stats").await.body()).unwrap()
}

/// What's resident of a process, in KiB.
pub(crate) fn resident(server: &Server) -> usize {
    resident_of(&server.id().to_string())
}

/// The same of a process by its number, or of this one, `self`.
pub(crate) fn resident_of(process: &str) -> usize {
    let status = std::fs::read_to_string(format!("/proc/{process}/status")).unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
    line.trim().trim_end_matches(" kB").parse().unwrap()
}

/// Publishes on one connection.
pub(crate) struct Publisher(http1::SendRequest<Full<Bytes>>);

impl Publisher {
    pub(crate) async fn new(server: &Server) -> Self {
        let client = TcpStream::connect(server.address).await.unwrap();
        client.set_nodelay(true).unwrap();
        let (sender, connection) = http1::handshake(TokioIo::new(client)).await.unwrap();
        tokio::spawn(async move { drop(connection.await) });
        Self(sender)
    }

    pub(crate) async fn publish(&mut self, topic: &str, data: String) {
        self.0.ready().await.unwrap();
        let request = Request::post(format!("/publish?topic={topic}")).header("host", "localhost");
        let response = self.0.send_request(request.body(Full::new(data.into())).unwrap()).await.unwrap();
        assert_eq!(response.status(), 200);
        response.into_body().collect().await.unwrap();
    }
}
