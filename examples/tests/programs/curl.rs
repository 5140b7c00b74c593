//! By real curl.

use crate::server::Server;
use core::future::ready;
use eventsource_core::{EventStream, LastEventId};
use eventsource_hyper::{EventService, Responder};
use futures_util::stream;
use hyper::server::conn::http1;
use hyper_util::rt::TokioIo;
use std::net::SocketAddr;
use std::process::Command;
use tokio::net::TcpListener;

const TICK: &str = env!("CARGO_BIN_EXE_tick");

/// What curl prints, head and body, when it stops after two seconds at the latest.
fn curl(address: SocketAddr, path: &str, options: &[&str]) -> String {
    let url = format!("http://{address}{path}");
    let output = Command::new("curl")
        .args(["--silent", "--show-error", "--include", "--max-time", "2"])
        .args(options)
        .arg(url)
        .output()
        .expect("curl is installed");
    String::from_utf8_lossy(&output.stdout).into_owned()
}

fn events(options: &[&str]) -> String {
    let server = Server::start(TICK, 0);
    curl(server.address, "/events", options)
}

#[test]
fn unbuffered() {
    let answer = events(&["-N"]);
    assert!(answer.starts_with("HTTP/1.1 200 OK\r\n"), "{answer}");
    for header in ["content-type: text/event-stream", "cache-control: no-store", "x-accel-buffering: no"] {
        assert!(answer.contains(header), "{answer}");
    }
    let (_, body) = answer.split_once("\r\n\r\n").unwrap();
    assert!(body.starts_with("retry: 1000\nevent: stream\ndata: "), "{answer}");
    assert!(body.matches("\nevent: tick\nid: ").count() >= 2, "{answer}");
}

#[test]
fn http_1_0_has_no_chunks() {
    let answer = events(&["-0", "-N", "--raw"]);
    assert!(!answer.contains("chunked"), "{answer}");
    assert!(answer.split_once("\r\n\r\n").unwrap().1.starts_with("retry: 1000\n"), "{answer}");
}

#[test]
fn head() {
    let answer = events(&["-I"]);
    assert!(answer.starts_with("HTTP/1.1 200 OK\r\n") && answer.ends_with("\r\n\r\n"), "{answer}");
    assert!(answer.contains("content-type: text/event-stream"), "{answer}");
    assert!(!answer.contains("content-length"), "{answer}");
}

#[test]
fn a_type_that_is_not_accepted() {
    let answer = events(&["-H", "Accept: application/json"]);
    assert!(answer.starts_with("HTTP/1.1 406 "), "{answer}");
}

#[test]
fn a_method_that_is_not_allowed() {
    let answer = events(&["-X", "PUT"]);
    assert!(answer.starts_with("HTTP/1.1 405 ") && answer.contains("allow: GET, HEAD\r\n"), "{answer}");
}

#[test]
fn a_last_event_id_of_10_kb_and_one_that_is_not_utf_8_do_no_harm() {
    let server = Server::start(TICK, 0);
    let long = format!("Last-Event-ID: {}", "x".repeat(10_000));
    assert!(curl(server.address, "/events", &["-N", "-H", &long]).contains("event: tick"));
    assert!(curl_raw_id(server.address, "/events").contains("event: tick"));
    assert!(curl(server.address, "/events?lastEventId=%00&%00=%00", &["-N"]).contains("event: tick"));
}

/// A header with bytes that no command line of a Rust `str` can hold: curl reads it from its standard input.
fn curl_raw_id(address: SocketAddr, path: &str) -> String {
    use std::io::Write;
    let mut command = Command::new("curl");
    command.args(["-s", "-i", "-N", "--max-time", "2", "-H", "@-", &format!("http://{address}{path}")]);
    let mut curl =
        command.stdin(std::process::Stdio::piped()).stdout(std::process::Stdio::piped()).spawn().unwrap();
    curl.stdin.take().unwrap().write_all(b"Last-Event-ID: 4\xff\xfe2\n").unwrap();
    String::from_utf8_lossy(&curl.wait_with_output().unwrap().stdout).into_owned()
}

/// A server that says how it understood the last event ID.
async fn telling_server(responder: Responder) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let service = EventService::new(|_, id| {
        ready({
            let told = match id {
                LastEventId::None => "none".to_owned(),
                LastEventId::Id(id) => id.to_string(),
                _ => "unusable".to_owned(),
            };
            EventStream::without_timer(stream::iter([told]))
        })
    });
    let service = service.responder(responder.last_event_id_parameter("lastEventId"));
    tokio::spawn(async move {
        while let Ok((client, _)) = listener.accept().await {
            tokio::spawn(http1::Builder::new().serve_connection(TokioIo::new(client), service.clone()));
        }
    });
    address
}

#[tokio::test(flavor = "multi_thread")]
async fn unusable_ids_resume_as_unknown_or_are_refused_where_that_was_opted_in() {
    let telling = telling_server(Responder::new()).await;
    let refusing = telling_server(Responder::new().refuse_unusable_id(true)).await;
    let long = format!("Last-Event-ID: {}", "x".repeat(10_000));

    assert!(curl(telling, "/", &[]).ends_with("data: none\n\n"));
    assert!(curl(telling, "/?lastEventId=a%20b", &[]).ends_with("data: a b\n\n"));
    assert!(curl(telling, "/?lastEventId=stale", &["-H", "Last-Event-ID: 7"]).ends_with("data: 7\n\n"));
    assert!(curl(telling, "/", &["-H", &long]).ends_with("data: unusable\n\n"));
    assert!(curl(telling, "/?lastEventId=%00", &[]).ends_with("data: unusable\n\n"));
    assert!(curl_raw_id(telling, "/").ends_with("data: unusable\n\n"));

    assert!(curl(refusing, "/", &["-H", &long]).starts_with("HTTP/1.1 400 "));
    assert!(curl(refusing, "/?lastEventId=%00", &[]).starts_with("HTTP/1.1 400 "));
    assert!(curl_raw_id(refusing, "/").starts_with("HTTP/1.1 400 "));
    assert!(curl(refusing, "/", &["-H", "Last-Event-ID: 7"]).ends_with("data: 7\n\n"));
}
