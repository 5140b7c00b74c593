//! The service as one of tower's: alone, and in axum's router over a real socket.

use axum::Router;
use core::future::ready;
use core::task::{Context, Poll, Waker};
use core::time::Duration;
use eventsource_core::{Channel, LastEventId};
use eventsource_hyper::{EventService, Refusal, Responder};
use eventsource_tokio::{Alarm, EventStream};
use futures_util::stream;
use http::request::Parts;
use http::{Method, Request, StatusCode};
use http_body_util::BodyExt;
use std::net::SocketAddr;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::timeout;
use tower::{Service, ServiceExt};

const SOON: Duration = Duration::from_secs(20);

#[tokio::test]
async fn oneshot_answers_as_hyper_does() {
    let service = EventService::new(|head: Parts, last_event_id| {
        ready({
            assert_eq!(last_event_id, LastEventId::parse(b"41"));
            match head.uri.path() {
                "/" => Ok(EventStream::new(stream::iter(["42"]))),
                _ => Err(Refusal::no_content()),
            }
        })
    })
    .responder(Responder::new().last_event_id_parameter("id"));
    let request =
        |method: Method, uri: &str| Request::builder().method(method).uri(uri).body(String::new()).unwrap();
    for (method, uri, status, body) in [
        (Method::GET, "/?id=41", StatusCode::OK, "data: 42\n\n"),
        (Method::HEAD, "/?id=41", StatusCode::OK, ""),
        (Method::GET, "/over?id=41", StatusCode::NO_CONTENT, ""),
        (Method::PUT, "/", StatusCode::METHOD_NOT_ALLOWED, "allowed here: GET, HEAD\n"),
    ] {
        let by_hyper = hyper::service::Service::call(&service, request(method.clone(), uri)).await.unwrap();
        let response = service.clone().oneshot(request(method, uri)).await.unwrap();
        assert_eq!((response.status(), response.headers()), (status, by_hyper.headers()));
        assert_eq!(response.into_body().collect().await.unwrap().to_bytes(), body);
    }
}

#[test]
fn it_is_always_ready() {
    let mut service = EventService::new(|_: Parts, _| ready(EventStream::new(stream::pending::<&str>())));
    let mut cx = Context::from_waker(Waker::noop());
    for _ in 0..3 {
        let ready = Service::<Request<String>>::poll_ready(&mut service, &mut cx);
        assert!(matches!(ready, Poll::Ready(Ok(()))));
        drop(service.call(Request::new(String::new())));
    }
}

async fn serve(app: Router) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move { axum::serve(listener, app).await });
    address
}

/// Sends a request for a path and waits until the response has this in it.
async fn get(address: SocketAddr, path: &str, part: &str) -> (TcpStream, String) {
    let mut client = TcpStream::connect(address).await.unwrap();
    let request = format!("GET {path} HTTP/1.1\r\nhost: x\r\nlast-event-id: 41\r\n\r\n");
    client.write_all(request.as_bytes()).await.unwrap();
    let response = read_until(&mut client, part).await;
    (client, response)
}

async fn read_until(client: &mut TcpStream, part: &str) -> String {
    let mut text = String::new();
    let mut buffer = [0; 1024];
    timeout(SOON, async {
        while !text.contains(part) {
            let len = client.read(&mut buffer).await.unwrap();
            assert_ne!(len, 0, "{text}");
            text.push_str(core::str::from_utf8(&buffer[..len]).unwrap());
        }
    })
    .await
    .expect("the rest of the response");
    text
}

#[tokio::test]
async fn axum_routes_to_it_and_nests_it() {
    let service = EventService::new(|head: Parts, last_event_id| {
        ready({
            assert_eq!(last_event_id, LastEventId::parse(b"41"));
            EventStream::new(stream::iter([head.uri.to_string()]))
        })
    });
    let app = Router::new().route_service("/events", service.clone()).nest_service("/all", service);
    let address = serve(app).await;
    for (path, seen) in [("/events", "/events"), ("/events?a=b", "/events?a=b"), ("/all/of/them", "/of/them")]
    {
        let (_, response) = get(address, path, "0\r\n\r\n").await;
        assert!(response.starts_with("HTTP/1.1 200 OK\r\n"), "{response}");
        assert!(response.contains("content-type: text/event-stream\r\n"), "{response}");
        assert!(response.contains(&format!("data: {seen}\n\n")), "{response}");
    }
}

#[tokio::test]
async fn axum_broadcasts_a_channel() {
    let channel = Channel::new();
    let service = EventService::broadcast(channel.clone(), Alarm::default);
    let address = serve(Router::new().route_service("/", service)).await;
    let mut clients = Vec::new();
    for _ in 0..3 {
        // The id alone: its last event ID is unknown, so it begins where the channel is.
        clients.push(get(address, "/", "-0\n\n").await.0);
    }
    channel.publish("hello").unwrap();
    channel.close();
    for mut client in clients {
        let rest = read_until(&mut client, "0\r\n\r\n").await;
        assert!(rest.contains("data: hello\n\n"), "{rest}");
    }
}
