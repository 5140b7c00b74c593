//! The side of the clients.

use crate::progress::Progress;
use eventsource_core::channel::{Resumed, Start};
use eventsource_core::stream::StallHandle;
use eventsource_core::{Channel, Drain, Frame, KeepAlive, LastEventId, Subscription, event_name};
use eventsource_hyper::{BoxEventBody, EventBody, StallGuard};
use eventsource_tokio::{Alarm, EventStream};
use examples::{MAX_CONNECTIONS, STALL, check_local, text};
use http_body_util::{Either, Full};
use hyper::body::{Bytes, Incoming};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Method, Request, Response, StatusCode};
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::GracefulShutdown;
use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::sleep;

const KEEP_ALIVE: KeepAlive = KeepAlive::new(Duration::from_secs(15));
/// When clients come back.
const RETRY: Duration = Duration::from_secs(1);

#[derive(Debug)]
pub(crate) struct Server {
    queue: String,
    channel: Channel,
    progress: Arc<Progress>,
    pub(crate) drain: Drain,
    seats: Arc<Semaphore>,
}

type Answer = Response<Either<BoxEventBody, Full<Bytes>>>;

impl Server {
    pub(crate) fn new(queue: &str, channel: Channel, progress: Arc<Progress>) -> Self {
        let drain = Drain::new(RETRY..=4 * RETRY);
        let seats = Arc::new(Semaphore::new(MAX_CONNECTIONS));
        Self { queue: queue.to_owned(), channel, progress, drain, seats }
    }

    /// Serves whoever comes, for ever. One connection too many is closed at once.
    pub(crate) async fn accept(self: &Arc<Self>, listener: &TcpListener, open: &GracefulShutdown) {
        loop {
            match listener.accept().await {
                Ok((client, _)) => {
                    if let Ok(seat) = Arc::clone(&self.seats).try_acquire_owned() {
                        self.serve(client, seat, open);
                    }
                }
                // Out of file descriptors, say: others may go.
                Err(_) => sleep(Duration::from_millis(100)).await,
            }
        }
    }

    fn serve(self: &Arc<Self>, client: TcpStream, seat: OwnedSemaphorePermit, open: &GracefulShutdown) {
        // Without, a small event could wait for an earlier one's acknowledgement.
        let _ = client.set_nodelay(true);
        let io = StallGuard::new(TokioIo::new(client), Alarm::default(), STALL);
        let (server, stall) = (Arc::clone(self), io.handle());
        let service = service_fn(move |request| {
            let answer = server.answer(&request, &stall);
            async { Ok::<_, Infallible>(answer) }
        });
        let connection = http1::Builder::new().timer(TokioTimer::new()).serve_connection(io, service);
        let connection = open.watch(connection);
        // A connection that breaks is the client's affair.
        tokio::spawn(async move {
            drop(connection.await);
            drop(seat);
        });
    }

    fn answer(&self, request: &Request<Incoming>, stall: &StallHandle) -> Answer {
        // What's in the queue is no business of a page of another site.
        if let Err(refusal) = check_local(request) {
            return refusal.map(Either::Right);
        }
        match (request.method(), request.uri().path()) {
            (_, "/events") => {
                let response = eventsource_hyper::respond(request, |last_event_id| {
                    EventStream::new(self.subscribe(last_event_id))
                        .retry(RETRY)
                        .keep_alive(KEEP_ALIVE)
                        .drain_on(&self.drain)
                        .stall_on(stall)
                });
                response.map(EventBody::into_boxed).map(Either::Left)
            }
            (&Method::GET | &Method::HEAD, "/") => {
                text(StatusCode::OK, self.progress.summary(&self.queue, self.channel.stats()))
                    .map(Either::Right)
            }
            _ => text(StatusCode::NOT_FOUND, "there is / and /events\n").map(Either::Right),
        }
    }

    fn subscribe(&self, last_event_id: LastEventId) -> Subscription {
        // Who has seen something before this program was started has seen nothing of what there's now.
        let start = if last_event_id == LastEventId::None { Start::Live } else { Start::Oldest };
        let subscription =
            self.channel.subscription().resume(last_event_id).start(start).announce(|resumed| {
                let missed = match resumed {
                    Resumed::Fresh | Resumed::Complete => return None,
                    Resumed::Gap { missed, .. } => missed.to_string(),
                    _ => "unknown".to_owned(),
                };
                Some(Frame::from((event_name!("bridge:gap"), missed.as_str())))
            });
        // It has no limit, no keys and no topics, of which something could be wrong.
        subscription.begin().expect("a plain subscription")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::time::timeout;

    const SOON: Duration = Duration::from_secs(20);

    async fn start() -> std::net::SocketAddr {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let server = Arc::new(Server::new("orders", Channel::new(), Arc::default()));
        tokio::spawn(async move { server.accept(&listener, &GracefulShutdown::new()).await });
        address
    }

    /// The beginning of an answer; nothing where the connection is closed.
    async fn beginning(client: &mut TcpStream) -> String {
        let mut beginning = [0; 12];
        let read = timeout(SOON, client.read_exact(&mut beginning)).await.expect("an answer or an end");
        read.map_or_else(|_| String::new(), |_| String::from_utf8_lossy(&beginning).into_owned())
    }

    async fn ask(address: std::net::SocketAddr, head: &str) -> String {
        let mut client = TcpStream::connect(address).await.unwrap();
        // A connection too many may be closed before.
        let _ = client.write_all(format!("{head}\r\n\r\n").as_bytes()).await;
        beginning(&mut client).await
    }

    #[tokio::test]
    async fn pages_of_other_sites_get_no_message() {
        let address = start().await;
        for path in ["/events", "/"] {
            let get = format!("GET {path} HTTP/1.1");
            for (fields, status) in [
                ("host: localhost", "200"),
                (&format!("host: {address}\r\norigin: http://{address}"), "200"),
                ("host: evil.example", "403"),
                ("host: localhost\r\norigin: http://evil.example", "403"),
                ("accept: */*", "400"),
            ] {
                assert_eq!(ask(address, &format!("{get}\r\n{fields}")).await, format!("HTTP/1.1 {status}"));
            }
        }
    }

    #[tokio::test]
    async fn there_are_only_so_many_connections() {
        let address = start().await;
        let mut open = Vec::new();
        for _ in 0..MAX_CONNECTIONS {
            open.push(TcpStream::connect(address).await.unwrap());
        }
        let one_more = || ask(address, "GET / HTTP/1.0");
        assert_eq!(one_more().await, "");
        open.truncate(MAX_CONNECTIONS / 2);
        let room = async { while one_more().await.is_empty() {} };
        timeout(SOON, room).await.expect("there's room again");
    }
}
