//! The side of the clients.

use crate::progress::Progress;
use eventsource_core::channel::{Resumed, Start};
use eventsource_core::stream::StallHandle;
use eventsource_core::{Channel, Drain, Frame, KeepAlive, LastEventId, Subscription, event_name};
use eventsource_hyper::{BoxEventBody, EventBody, StallGuard};
use eventsource_tokio::{Alarm, EventStream};
use examples::text;
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
use tokio::time::sleep;

const KEEP_ALIVE: KeepAlive = KeepAlive::new(Duration::from_secs(15));
/// When clients come back.
const RETRY: Duration = Duration::from_secs(1);
/// A client that takes nothing for so long is given up.
const STALL: Duration = Duration::from_secs(30);

#[derive(Debug)]
pub(crate) struct Server {
    queue: String,
    channel: Channel,
    progress: Arc<Progress>,
    pub(crate) drain: Drain,
}

type Answer = Response<Either<BoxEventBody, Full<Bytes>>>;

impl Server {
    pub(crate) fn new(queue: &str, channel: Channel, progress: Arc<Progress>) -> Self {
        let drain = Drain::new(RETRY..=4 * RETRY);
        Self { queue: queue.to_owned(), channel, progress, drain }
    }

    /// Serves whoever comes, for ever.
    pub(crate) async fn accept(self: &Arc<Self>, listener: &TcpListener, open: &GracefulShutdown) {
        loop {
            match listener.accept().await {
                Ok((client, _)) => self.serve(client, open),
                // Out of file descriptors, say: others may go.
                Err(_) => sleep(Duration::from_millis(100)).await,
            }
        }
    }

    fn serve(self: &Arc<Self>, client: TcpStream, open: &GracefulShutdown) {
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
        tokio::spawn(async move { drop(connection.await) });
    }

    fn answer(&self, request: &Request<Incoming>, stall: &StallHandle) -> Answer {
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
                    Resumed::Gap { missed } => missed.to_string(),
                    _ => "unknown".to_owned(),
                };
                Some(Frame::from((event_name!("bridge:gap"), missed.as_str())))
            });
        // It has no limit, no keys and no topics, of which something could be wrong.
        subscription.begin().expect("a plain subscription")
    }
}
