//! A server on tokio and hyper.

use crate::{announce, check_local};
use eventsource_core::StopHandle;
use eventsource_core::stream::BoxError;
use eventsource_hyper::StallGuard;
use eventsource_tokio::Alarm;
use http_body_util::Either;
use hyper::body::{Body, Bytes, Incoming};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::GracefulShutdown;
use std::convert::Infallible;
use std::error::Error;
use std::net::{IpAddr, Ipv4Addr};
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::TcpListener;
use tokio::signal::ctrl_c;
use tokio::sync::Semaphore;
use tokio::time::{sleep, timeout};

/// So many connections there can be; one more is closed at once. Each needs a file descriptor, of which a process often has
/// 1024, and memory.
pub const MAX_CONNECTIONS: usize = 512;

/// A client that takes nothing for so long is given up, so that its connection is another's.
pub const STALL: Duration = Duration::from_secs(30);

/// Serves HTTP/1.1 on a port of 127.0.0.1 until Ctrl-C. Then it uses `stop`, which is to end the open streams: they would keep
/// their connections open for ever. `answer` gets the request and the client's address, unless the request is a
/// [page's of another site](check_local).
///
/// # Errors
/// When the port can't be had.
pub async fn serve<A, F, B>(port: u16, stop: &StopHandle, answer: A) -> Result<(), Box<dyn Error>>
where
    A: Fn(Request<Incoming>, IpAddr) -> F + Clone + Send + 'static,
    F: Future<Output = Response<B>> + Send + 'static,
    B: Body<Data = Bytes, Error: Into<BoxError>> + Send + 'static,
{
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port)).await?;
    announce(listener.local_addr()?);
    let open = GracefulShutdown::new();
    let seats = Arc::new(Semaphore::new(MAX_CONNECTIONS));
    let mut interrupted = pin!(ctrl_c());
    loop {
        let client = tokio::select! {
            client = listener.accept() => client,
            _ = &mut interrupted => break,
        };
        // Out of file descriptors, say: others may go, so go on.
        let Ok((client, address)) = client else {
            sleep(Duration::from_millis(100)).await;
            continue;
        };
        let Ok(seat) = Arc::clone(&seats).try_acquire_owned() else { continue };
        // Without, a small event could wait for an earlier one's acknowledgement.
        let _ = client.set_nodelay(true);
        let answer = answer.clone();
        let service = service_fn(move |request| {
            let answer = check_local(&request).map(|()| answer(request, address.ip()));
            async {
                Ok::<_, Infallible>(match answer {
                    Ok(answer) => answer.await.map(Either::Left),
                    Err(refusal) => refusal.map(Either::Right),
                })
            }
        });
        let io = StallGuard::new(TokioIo::new(client), Alarm::default(), STALL);
        let connection = http1::Builder::new().timer(TokioTimer::new()).serve_connection(io, service);
        let connection = open.watch(connection);
        // A connection that breaks is the client's affair.
        tokio::spawn(async move {
            drop(connection.await);
            drop(seat);
        });
    }
    stop.stop();
    // A client that doesn't read isn't waited for.
    let _ = timeout(Duration::from_secs(1), open.shutdown()).await;
    Ok(())
}
