//! A server on tokio and hyper.

use crate::announce;
use eventsource_core::StopHandle;
use eventsource_core::stream::BoxError;
use hyper::body::{Body, Bytes, Incoming};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::GracefulShutdown;
use std::convert::Infallible;
use std::error::Error;
use std::net::Ipv4Addr;
use std::pin::pin;
use std::time::Duration;
use tokio::net::TcpListener;
use tokio::signal::ctrl_c;
use tokio::time::{sleep, timeout};

/// Serves HTTP/1.1 on a port of 127.0.0.1 until Ctrl-C. Then it uses `stop`, which is to end the open streams: they would keep
/// their connections open for ever.
///
/// # Errors
/// When the port can't be had.
pub async fn serve<A, F, B>(port: u16, stop: &StopHandle, answer: A) -> Result<(), Box<dyn Error>>
where
    A: Fn(Request<Incoming>) -> F + Clone + Send + 'static,
    F: Future<Output = Response<B>> + Send + 'static,
    B: Body<Data = Bytes, Error: Into<BoxError>> + Send + 'static,
{
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port)).await?;
    announce(listener.local_addr()?);
    let open = GracefulShutdown::new();
    let mut interrupted = pin!(ctrl_c());
    loop {
        let client = tokio::select! {
            client = listener.accept() => client,
            _ = &mut interrupted => break,
        };
        // Out of file descriptors, say: others may go, so go on.
        let Ok((client, _)) = client else {
            sleep(Duration::from_millis(100)).await;
            continue;
        };
        // Without, a small event could wait for an earlier one's acknowledgement.
        let _ = client.set_nodelay(true);
        let answer = answer.clone();
        let service = service_fn(move |request| {
            let answer = answer(request);
            async { Ok::<_, Infallible>(answer.await) }
        });
        let connection =
            http1::Builder::new().timer(TokioTimer::new()).serve_connection(TokioIo::new(client), service);
        let connection = open.watch(connection);
        // A connection that breaks is the client's affair.
        tokio::spawn(async move { drop(connection.await) });
    }
    stop.stop();
    // A client that doesn't read isn't waited for.
    let _ = timeout(Duration::from_secs(1), open.shutdown()).await;
    Ok(())
}
