//! On smol, through hyper over its connections, with redirects followed by tower-http.

use crate::on_hyper::through;
use crate::server::Protocol;
use crate::transport::{DEADLINE, Transport, suite};
use core::fmt::{Debug, Display};
use core::future::Future;
use core::time::Duration;
use eventsource_core::client::{Attempt, Connect, EventSource};
use eventsource_smol::Alarm;
use http::{HeaderValue, Request, Response, Uri};
use http_body_util::Full;
use hyper::body::{Bytes, Incoming};
use hyper::client::conn::http1;
use smol::future::FutureExt;
use smol::net::TcpStream;
use smol::{LocalExecutor, Timer};
use smol_hyper::rt::FuturesIo;
use std::rc::Rc;
use tower::service_fn;
use tower_http::decompression::Decompression;

thread_local! {
    /// Of the connections.
    static EXECUTOR: Rc<LocalExecutor<'static>> = Rc::default();
}

type Error = Box<dyn core::error::Error + Send + Sync>;

/// Sends a request over a connection of its own.
async fn send(mut request: Request<Full<Bytes>>) -> Result<Response<Incoming>, Error> {
    let authority = request.uri().authority().ok_or("no authority")?.clone();
    let target = request.uri().path_and_query().ok_or("no path")?.clone();
    *request.uri_mut() = Uri::from(target);
    request.headers_mut().insert("host", HeaderValue::from_str(authority.as_str())?);
    let connection = FuturesIo::new(TcpStream::connect(authority.as_str()).await?);
    let (mut sender, connection) = http1::handshake(connection).await?;
    EXECUTOR.with(|executor| executor.spawn(connection).detach());
    Ok(sender.send_request(request).await?)
}

struct Smol;

impl Transport for Smol {
    type Alarm = Alarm;
    const PROTOCOL: Protocol = Protocol::Http1;

    fn run(test: impl Future<Output = ()>) {
        let too_late = async {
            Timer::after(DEADLINE).await;
            panic!("it takes too long");
        };
        let executor = EXECUTOR.with(Rc::clone);
        smol::block_on(executor.run(test.or(too_late)));
    }

    async fn sleep(duration: Duration) {
        Timer::after(duration).await;
    }

    /// One for all of them.
    fn tasks() -> usize {
        EXECUTOR.with(|executor| usize::from(!executor.is_empty()))
    }

    fn source<F>(request: F) -> EventSource<impl Connect<Error: Debug + Display>, Alarm>
    where
        F: FnMut(Attempt) -> Request<Bytes> + 'static,
    {
        through::<Self, _, _, _>(service_fn(send), request)
    }

    fn decompressing<F>(request: F) -> EventSource<impl Connect<Error: Debug + Display>, Alarm>
    where
        F: FnMut(Attempt) -> Request<Bytes> + 'static,
    {
        through::<Self, _, _, _>(Decompression::new(service_fn(send)), request)
    }
}

suite!(Smol over HTTP/1.1);
