//! On tokio, through hyper-util's client, HTTP/1.1 and HTTP/2, with redirects followed by tower-http.

use crate::server::Protocol;
use crate::transport::Transport;
use core::fmt::{Debug, Display};
use core::future::Future;
use core::time::Duration;
use eventsource_core::client::{Attempt, Connect, EventSource, HttpTransport};
use eventsource_hyper::HyperAlarm;
use http::{Request, Response};
use http_body_util::Full;
use hyper::body::{Body, Bytes};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::{TokioExecutor, TokioTimer};
use tower::{Service, ServiceExt};
use tower_http::decompression::Decompression;
use tower_http::follow_redirect::FollowRedirect;
use tower_http::follow_redirect::policy::{PolicyExt, Standard, clone_body_fn};

/// Creates a client over a service that knows of no redirects.
pub(crate) fn through<T: Transport, S, B, F>(
    service: S,
    mut request: F,
) -> EventSource<impl Connect<Error: Debug + Display>, T::Alarm>
where
    S: Service<Request<Full<Bytes>>, Response = Response<B>, Error: Debug + Display> + Clone,
    B: Body<Error: Debug + Display>,
    F: FnMut(Attempt) -> Request<Bytes>,
{
    // By itself it follows no redirect of a request with a body.
    let clone_body = clone_body_fn(|body: &Full<Bytes>| Some(body.clone()));
    let policy = PolicyExt::and::<_, _, S::Error>(clone_body, Standard::default());
    let client = FollowRedirect::with_policy(service, policy);
    EventSource::new(HttpTransport::new(move |attempt| {
        client.clone().oneshot(request(attempt).map(Full::new))
    }))
}

pub(crate) fn run_on_tokio(test: impl Future<Output = ()>) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        tokio::time::timeout(crate::transport::DEADLINE, test).await.expect("it takes too long");
    });
}

pub(crate) fn tasks_on_tokio() -> usize {
    tokio::runtime::Handle::current().metrics().num_alive_tasks()
}

struct Hyper<const HTTP2: bool>;

impl<const HTTP2: bool> Hyper<HTTP2> {
    fn client() -> Client<HttpConnector, Full<Bytes>> {
        Client::builder(TokioExecutor::new()).http2_only(HTTP2).build_http()
    }
}

impl<const HTTP2: bool> Transport for Hyper<HTTP2> {
    type Alarm = HyperAlarm<TokioTimer>;
    const PROTOCOL: Protocol = if HTTP2 { Protocol::Http2 } else { Protocol::Http1 };

    fn run(test: impl Future<Output = ()>) {
        run_on_tokio(test);
    }

    fn sleep(duration: Duration) -> impl Future<Output = ()> {
        tokio::time::sleep(duration)
    }

    fn tasks() -> usize {
        tasks_on_tokio()
    }

    fn source<F>(request: F) -> EventSource<impl Connect<Error: Debug + Display>, Self::Alarm>
    where
        F: FnMut(Attempt) -> Request<Bytes> + 'static,
    {
        through::<Self, _, _, _>(Self::client(), request)
    }

    fn decompressing<F>(request: F) -> EventSource<impl Connect<Error: Debug + Display>, Self::Alarm>
    where
        F: FnMut(Attempt) -> Request<Bytes> + 'static,
    {
        through::<Self, _, _, _>(Decompression::new(Self::client()), request)
    }
}

mod over_http1 {
    type Http1 = super::Hyper<false>;
    crate::transport::suite!(Http1 over HTTP/1.1);
}

mod over_http2 {
    type Http2 = super::Hyper<true>;
    crate::transport::suite!(Http2);
}
