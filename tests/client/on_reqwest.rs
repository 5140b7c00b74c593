//! On tokio, through reqwest. And over TLS, which is nothing to the client.

use crate::harness::{ENDED, FAILED, get, heard, heard_all, quick, with_id};
use crate::on_hyper::{run_on_tokio, tasks_on_tokio};
use crate::server::{Protocol, Reply, Server};
use crate::transport::{Transport, suite};
use core::fmt::{Debug, Display};
use core::future::Future;
use core::time::Duration;
use eventsource_core::client::{Attempt, Connect, EventSource, HttpTransport};
use eventsource_tokio::Alarm;
use http::Request;
use hyper::body::Bytes;
use reqwest::redirect::Policy;
use reqwest::{Client, ClientBuilder};
use rustls::pki_types::PrivateKeyDer;
use rustls::{ClientConfig, RootCertStore, ServerConfig};
use std::sync::Arc;

struct Reqwest;

impl Transport for Reqwest {
    type Alarm = Alarm;
    const PROTOCOL: Protocol = Protocol::Http1;

    fn run(test: impl Future<Output = ()>) {
        run_on_tokio(test);
    }

    fn sleep(duration: Duration) -> impl Future<Output = ()> {
        tokio::time::sleep(duration)
    }

    fn tasks() -> usize {
        tasks_on_tokio()
    }

    fn source<F>(request: F) -> EventSource<impl Connect<Error: Debug + Display>, Alarm>
    where
        F: FnMut(Attempt) -> Request<Bytes> + 'static,
    {
        through(builder(RootCertStore::empty()).no_gzip(), request)
    }

    fn decompressing<F>(request: F) -> EventSource<impl Connect<Error: Debug + Display>, Alarm>
    where
        F: FnMut(Attempt) -> Request<Bytes> + 'static,
    {
        through(builder(RootCertStore::empty()).gzip(true), request)
    }
}

/// By its default, too many redirects are a failure to connect, after which another attempt may go better. Here the last one is what
/// arrives, as with tower-http.
fn redirects() -> Policy {
    Policy::custom(|attempt| if attempt.previous().len() > 20 { attempt.stop() } else { attempt.follow() })
}

fn builder(roots: RootCertStore) -> ClientBuilder {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let tls = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions().unwrap();
    let tls = tls.with_root_certificates(roots).with_no_client_auth();
    Client::builder().tls_backend_preconfigured(tls).redirect(redirects())
}

fn through<F>(
    builder: ClientBuilder,
    mut request: F,
) -> EventSource<impl Connect<Error: Debug + Display>, Alarm>
where
    F: FnMut(Attempt) -> Request<Bytes> + 'static,
{
    let client = builder.build().unwrap();
    EventSource::new(HttpTransport::new(move |attempt| client.execute(request(attempt).try_into().unwrap())))
}

suite!(Reqwest over HTTP/1.1);

#[test]
fn over_https_only_whom_it_trusts() {
    run_on_tokio(async {
        let own = rcgen::generate_simple_self_signed(["127.0.0.1".to_owned()]).unwrap();
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let tls = ServerConfig::builder_with_provider(provider).with_safe_default_protocol_versions();
        let key = PrivateKeyDer::Pkcs8(own.signing_key.serialize_der().into());
        let chain = vec![own.cert.der().clone()];
        let tls = tls.unwrap().with_no_client_auth().with_single_cert(chain, key).unwrap();
        let server = Server::start_with_tls(tls, |_| Reply::text("id: 1\ndata: a\n\n"));

        let mut roots = RootCertStore::empty();
        roots.add(own.cert.der().clone()).unwrap();
        let mut trusting = through(builder(roots), get(server.url("/")));
        let told = heard(&mut trusting, 4).await;
        assert_eq!(told, ["open 200", &with_id("1", "a"), ENDED, "open 200"]);
        assert_eq!(server.last_event_ids(), [None, Some("1".to_owned())]);

        let mut distrusting = through(builder(RootCertStore::empty()), get(server.url("/")));
        assert_eq!(heard(&mut distrusting, 1).await, [FAILED]);
        assert_eq!(server.count(), 2);
    });
}

#[test]
fn too_many_redirects_are_the_last_word_for_whoever_says_so() {
    run_on_tokio(async {
        for says_so in [false, true] {
            let server = Server::start(Protocol::Http1, |_| Reply::redirect(302, "/"));
            let client = builder(RootCertStore::empty()).redirect(Policy::default()).build().unwrap();
            let mut request = get(server.url("/"));
            let transport =
                HttpTransport::new(move |attempt| client.execute(request(attempt).try_into().unwrap()));
            let transport = transport.final_if(move |error| says_so && error.is_redirect());
            let mut source: EventSource<_, Alarm> =
                EventSource::new(transport).policy(quick().max_failures(2));
            let told = heard_all(&mut source).await;
            if says_so {
                assert_eq!(told, ["over, no connection can be made"]);
            } else {
                assert_eq!(told, [FAILED, "over, the connection failed"]);
            }
            assert_eq!(server.count(), if says_so { 11 } else { 22 });
        }
    });
}
