//! The SDK of `OpenAI` reads a stream of ours.

use eventsource_core::{Frame, KeepAlive};
use eventsource_hyper::{EventBody, Responder};
use eventsource_tokio::EventStream;
use futures_util::{StreamExt, stream};
use http_body_util::BodyExt;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Method, Request};
use hyper_util::rt::TokioIo;
use serde_json::{Value, json};
use std::convert::Infallible;
use std::net::SocketAddr;
use std::process::{Command, Output};
use std::sync::mpsc::{Receiver, channel};
use std::thread;
use std::time::Duration;
use tokio::net::TcpListener;
use tokio::time::sleep;

const WORDS: [&str; 4] = ["Because", " of", " Rayleigh\n", " \u{1f325}"];

/// Words, one after the other, as the API streams them; quiet enough that keep-alives come in between.
fn answer() -> EventStream<impl eventsource_core::Source> {
    let chunk = |word: &str| {
        let choice = json!({ "index": 0, "delta": { "content": word }, "finish_reason": null });
        json!({ "id": "1", "object": "chat.completion.chunk", "created": 1, "model": "m", "choices": [choice] })
    };
    let data: Vec<_> =
        WORDS.map(|word| chunk(word).to_string()).into_iter().chain(["[DONE]".into()]).collect();
    let events = stream::iter(data).then(async |data| {
        sleep(Duration::from_millis(200)).await;
        Frame::from(data.as_str())
    });
    EventStream::new(events).keep_alive(KeepAlive::new(Duration::from_millis(50)))
}

/// Serves until the test ends; tells what each request says that it accepts.
fn serve(responder: Responder) -> (SocketAddr, Receiver<(String, Value)>) {
    let (address, addresses) = channel();
    let (seen, requests) = channel();
    thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
            address.send(listener.local_addr().unwrap()).unwrap();
            loop {
                let (client, _) = listener.accept().await.unwrap();
                let (responder, seen) = (responder.clone(), seen.clone());
                let service = service_fn(move |request: Request<Incoming>| {
                    let (responder, seen) = (responder.clone(), seen.clone());
                    async move {
                        let (head, body) = request.into_parts();
                        let body = body.collect().await.unwrap().to_bytes();
                        let accept = head.headers["accept"].to_str().unwrap().to_owned();
                        let _ = seen.send((accept, serde_json::from_slice(&body).unwrap()));
                        let response = responder.respond(&Request::from_parts(head, ()), |_| answer());
                        Ok::<_, Infallible>(response.map(EventBody::into_boxed))
                    }
                });
                tokio::spawn(http1::Builder::new().serve_connection(TokioIo::new(client), service));
            }
        });
    });
    (addresses.recv().unwrap(), requests)
}

fn sdk(server: SocketAddr) -> Output {
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/node/openai.mjs");
    let words = ["--kill-after=5", "60", "node", script];
    Command::new("timeout").args(words).arg(format!("http://{server}/v1")).output().unwrap()
}

#[test]
fn openai_s_sdk_reads_a_stream_that_it_asks_for_as_json() {
    let responder = Responder::new().methods([Method::POST]);
    let (server, requests) = serve(responder.clone().negotiate(false));
    let output = sdk(server);
    assert!(output.status.success(), "{output:?}");
    let said: Vec<String> = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(said, WORDS);
    let (accept, body) = requests.recv().unwrap();
    assert_eq!((&*accept, &body["stream"]), ("application/json", &json!(true)), "what it's tested for");

    let (server, _requests) = serve(responder);
    let output = sdk(server);
    assert!(
        !output.status.success() && String::from_utf8_lossy(&output.stderr).contains("406"),
        "{output:?}"
    );
}
