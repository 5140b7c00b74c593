//! Connections: where they come from, and what each is served by.

use crate::client::Client;
use crate::head_guard::{HeadGuard, Progress};
use crate::hub::Hub;
use crate::seats::{Seat, Seats};
use eventsource_hyper::StallGuard;
use eventsource_tokio::Alarm;
use futures_util::FutureExt;
use http_body_util::Either;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::GracefulShutdown;
use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::time::sleep;

/// How much the system takes of what a client doesn't read.
const SEND_BUFFER: u32 = 64 << 10;

pub(crate) fn listen(address: SocketAddr) -> std::io::Result<TcpListener> {
    let socket = if address.is_ipv4() { TcpSocket::new_v4()? } else { TcpSocket::new_v6()? };
    socket.set_reuseaddr(true)?;
    // Each connection inherits it.
    socket.set_send_buffer_size(SEND_BUFFER)?;
    socket.bind(address)?;
    socket.listen(4096)
}

/// Serves whoever comes, for ever.
pub(crate) async fn accept(
    listener: &TcpListener,
    hub: &Arc<Hub>,
    connections: &Seats,
    open: &GracefulShutdown,
) {
    loop {
        match listener.accept().await {
            // One too many is closed at once, to which a browser says: later.
            Ok((client, address)) => {
                if let Some(seat) = connections.take(address.ip().to_canonical()) {
                    serve(client, address, seat, Arc::clone(hub), open);
                }
            }
            // Out of file descriptors, say: others may go.
            Err(_) => sleep(Duration::from_millis(100)).await,
        }
    }
}

/// Without, a client whose network has vanished is kept for many minutes: the system takes what's written to it, keep-alives
/// included, and sends it again and again.
#[cfg(any(target_os = "linux", target_os = "android"))]
fn give_up_unacknowledged(client: &TcpStream, after: Duration) -> std::io::Result<()> {
    socket2::SockRef::from(client).set_tcp_user_timeout(Some(after).filter(|after| !after.is_zero()))
}

/// Elsewhere the system has its own limit.
#[cfg(not(any(target_os = "linux", target_os = "android")))]
fn give_up_unacknowledged(_: &TcpStream, _: Duration) -> std::io::Result<()> {
    Ok(())
}

fn serve(client: TcpStream, address: SocketAddr, seat: Seat, hub: Arc<Hub>, open: &GracefulShutdown) {
    // Without, a small event could wait for an earlier one's acknowledgement.
    let _ = client.set_nodelay(true);
    // One that's gone already fails at its first use.
    let _ = give_up_unacknowledged(&client, hub.options.stall);
    let (progress, idle) = (Progress::default(), hub.options.idle);
    let io = HeadGuard::new(TokioIo::new(client), progress.clone());
    let io = StallGuard::new(io, Alarm::default(), hub.options.stall);
    let client = Client { address: address.ip().to_canonical(), stall: io.handle() };
    let service = service_fn(move |request| {
        progress.set_served();
        let (hub, client, progress) = (Arc::clone(&hub), client.clone(), progress.clone());
        async move {
            let answer = hub.answer(request, client).await?;
            // While an event stream goes on, nothing of the next request counts.
            if let Either::Right(_) = answer.body() {
                progress.set_answered();
            }
            Ok::<_, Infallible>(answer)
        }
    });
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        // A client that closes its side after its request is answered, unless by a stream: then the guard takes it for leaving.
        .half_close(true)
        .header_read_timeout((!idle.is_zero()).then_some(idle))
        .max_buf_size(16 << 10)
        .serve_connection(io, service);
    let connection = open.watch(connection);
    // A connection that breaks is the client's affair. An async block would hold it twice.
    tokio::spawn(connection.map(move |_| drop(seat)));
}

#[cfg(all(test, any(target_os = "linux", target_os = "android")))]
mod tests {
    use super::*;
    use socket2::SockRef;

    #[tokio::test]
    async fn what_is_not_acknowledged_is_given_up_after_the_write_timeout() {
        let listener = listen("127.0.0.1:0".parse().unwrap()).unwrap();
        let _client = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
        let (connection, _) = listener.accept().await.unwrap();
        for (stall, set) in [(30, Some(Duration::from_secs(30))), (0, None)] {
            give_up_unacknowledged(&connection, Duration::from_secs(stall)).unwrap();
            assert_eq!(SockRef::from(&connection).tcp_user_timeout().unwrap(), set);
        }
    }
}
