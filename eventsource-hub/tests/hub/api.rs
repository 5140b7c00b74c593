//! What a hub is asked, and answers.

use crate::listener::{Listener, get, post, request, stats};
use crate::server::Server;
use crate::{HUB, SOON};
use eventsource_core::codec::EventIdBuf;
use http_body_util::Full;
use hyper::Request;
use serde_json::{Value, json};
use std::io::{Read, Write};
use std::net::TcpStream;
use std::process::Command;

fn id(answer: &str) -> String {
    serde_json::from_str::<Value>(answer).unwrap()["id"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn what_is_published_arrives_with_its_id() {
    let hub = Server::start(HUB, 0);
    let mut listener = Listener::start(&hub, "topic=a&topic=b").await;
    let ids = [
        id(post(&hub, "/publish?topic=a&event=greeting", "hello\nworld").await.body()),
        id(post(&hub, "/publish?topic=nobody", "unheard").await.body()),
        id(post(&hub, "/publish?topic=b", "").await.body()),
    ];
    let first = listener.expect().await;
    assert_eq!((first.name.as_str(), &*first.data), ("greeting", "hello\nworld"));
    assert_eq!(first.last_event_id.as_str(), ids[0]);
    let second = listener.expect().await;
    assert_eq!((second.name.as_str(), &*second.data), ("message", ""));
    assert_eq!(second.last_event_id.as_str(), ids[2]);
}

#[tokio::test]
async fn json_one_or_several_in_query_or_body() {
    let hub = Server::start(HUB, 0);
    let mut listener = Listener::start(&hub, "topic=a").await;
    let publish = async |path: &str, body: Value| {
        let request_ = Request::post(path)
            .header("host", "localhost")
            .header("content-type", "application/json; charset=utf-8")
            .body(Full::new(body.to_string().into()))
            .unwrap();
        request(hub.address, request_).await
    };
    let answer = publish("/publish", json!({ "topic": "a", "event": "x", "data": "text" })).await;
    assert_eq!(answer.status(), 200);
    let several = json!([{ "data": { "b": [1, null] } }, { "event": "z", "data": 7 }, {}]);
    let answer = publish("/publish?topic=a&event=y", several).await;
    assert_eq!(serde_json::from_str::<Value>(answer.body()).unwrap()["events"], 3);
    for expected in [("x", "text"), ("y", r#"{"b":[1,null]}"#), ("z", "7"), ("y", "null")] {
        let event = listener.expect().await;
        assert_eq!((event.name.as_str(), &*event.data), expected);
    }
    for (body, why) in [
        (json!([{ "topic": "a" }, { "topic": "b" }]), "same topic"),
        (json!([]), "nothing"),
        (json!({ "topic": 7 }), "string"),
        (json!({ "subject": "a" }), "subject"),
        (json!("a"), "struct"),
    ] {
        let answer = publish("/publish", body).await;
        assert!(answer.status() == 400 && answer.body().contains(why), "{answer:?}");
    }
}

#[tokio::test]
async fn where_a_listener_begins() {
    let hub = Server::start(HUB, 0);
    let mut ids = Vec::new();
    for number in 1..=5 {
        ids.push(id(post(&hub, "/publish?topic=a", number.to_string()).await.body()));
    }
    for (query, first) in [
        ("topic=a&from=oldest", "1"),
        ("topic=a&from=2", "4"),
        (&*format!("topic=a&lastEventId={}", ids[2]), "4"),
        (&*format!("topic=a&from=oldest&lastEventId={}", ids[3]), "5"),
        // As polyfills and other hubs spell it.
        (&*format!("lastEventID={}&topic=a", ids[2]), "4"),
        (&*format!("topic=a&Last-Event-ID={}", ids[2]), "4"),
        (&*format!("topic=a&last-event-id={}", ids[2]), "4"),
        (&*format!("topic=a&evs_last_event_id={}&evs_preamble=1", ids[2]), "4"),
        // The last one is the newest, however it's spelled.
        (&*format!("topic=a&lastEventId={}&lastEventId={}", ids[0], ids[3]), "5"),
        (&*format!("topic=a&Last-Event-ID={}&lastEventId={}", ids[0], ids[3]), "5"),
        (&*format!("topic=a&lastEventId={}&Last-Event-ID={}", ids[0], ids[3]), "5"),
        (&*format!("topic=a&lastEventId={}&last-event-id={}&lastEventId={}", ids[3], ids[2], ids[0]), "2"),
    ] {
        assert_eq!(&*Listener::start(&hub, query).await.expect().await.data, first, "{query}");
    }
    // The header is newer than the URL.
    let last = EventIdBuf::try_from(ids[3].clone()).unwrap();
    let mut listener =
        Listener::open(hub.address, &format!("topic=a&lastEventId={}", ids[0]), Some(last)).await.unwrap();
    assert_eq!(&*listener.expect().await.data, "5");
    // An id of another hub, or of this one before a restart.
    let mut listener = Listener::start(&hub, "topic=a&lastEventId=abc-3").await;
    let notice = listener.expect().await;
    assert_eq!((notice.name.as_str(), &*notice.data), ("hub:resumed", r#"{"resumed":"unknown"}"#));
}

#[tokio::test]
async fn a_gap_is_told() {
    let hub = Server::start_with(HUB, 0, &["--retain", "2"]);
    let mut first = String::new();
    for number in 1..=5 {
        let answer = post(&hub, "/publish?topic=a", number.to_string()).await;
        if number == 1 {
            first = id(answer.body());
        }
    }
    let mut listener = Listener::start(&hub, &format!("topic=a&lastEventId={first}")).await;
    assert_eq!(&*listener.expect().await.data, r#"{"resumed":"gap","missed":2}"#);
    assert_eq!(&*listener.expect().await.data, "4");

    // Between a topic's events lie others, of which it isn't known whose they were.
    for number in 1..=5 {
        for topic in ["b", "c"] {
            post(&hub, &format!("/publish?topic={topic}"), number.to_string()).await;
        }
    }
    let mut listener = Listener::start(&hub, &format!("topic=b&lastEventId={first}")).await;
    assert_eq!(&*listener.expect().await.data, r#"{"resumed":"gap","missed":3,"atMost":true}"#);
}

#[tokio::test]
async fn wrapped_for_pages_that_cannot_know_the_names() {
    let hub = Server::start(HUB, 0);
    let mut listener = Listener::start(&hub, "topic=a&wrap=1").await;
    let published = id(post(&hub, "/publish?topic=a&event=x", "1\n\"2\"").await.body());
    let event = listener.expect().await;
    assert_eq!(event.name.as_str(), "message");
    assert_eq!(
        serde_json::from_str::<Value>(&event.data).unwrap(),
        json!({ "topic": "a", "event": "x", "data": "1\n\"2\"" })
    );
    assert_eq!(event.last_event_id.as_str(), published);
}

#[tokio::test]
async fn pipelined_publications_are_all_taken_in_order() {
    let hub = Server::start(HUB, 0);
    let mut listener = Listener::start(&hub, "topic=a").await;
    let request = |number: u32| {
        let body = number.to_string();
        let head = "POST /publish?topic=a HTTP/1.1\r\nhost: localhost\r\ncontent-length";
        format!("{head}: {}\r\n\r\n{body}", body.len())
    };
    let requests = (0..100).map(request).collect::<Vec<_>>().concat();
    let address = hub.address;
    let answers = tokio::task::spawn_blocking(move || {
        let mut client = TcpStream::connect(address).unwrap();
        client.set_read_timeout(Some(SOON)).unwrap();
        client.write_all(requests.as_bytes()).unwrap();
        let mut answers = String::new();
        while answers.matches("\"id\"").count() < 100 {
            let mut chunk = [0; 4096];
            let read = client.read(&mut chunk).unwrap();
            answers.push_str(std::str::from_utf8(&chunk[..read]).unwrap());
        }
        answers
    })
    .await
    .unwrap();
    assert_eq!(answers.matches("HTTP/1.1 200 OK").count(), 100);
    for number in 0..100 {
        assert_eq!(*listener.expect().await.data, *number.to_string());
    }
}

#[tokio::test]
async fn stats_metrics_and_health() {
    let hub = Server::start(HUB, 0);
    let _listener = Listener::start(&hub, "topic=a%22b").await;
    post(&hub, "/publish?topic=a%22b", "1").await;
    let stats = stats(&hub).await;
    assert_eq!(
        (&stats["published"], &stats["connections"], &stats["draining"]),
        (&1.into(), &1.into(), &false.into())
    );
    assert_eq!(stats["topics"][0]["name"], "a\"b");
    let metrics = get(&hub, "/metrics").await;
    for line in
        ["hub_events_published_total 1", "hub_connections 1", r#"hub_topic_subscribers{topic="a\"b"} 1"#]
    {
        assert!(metrics.body().lines().any(|found| found == line), "{line}: {}", metrics.body());
    }
    assert!(metrics.body().ends_with("# EOF\n"));
    assert_eq!(get(&hub, "/health").await.body(), "ok\n");
    assert!(get(&hub, "/").await.headers()["content-security-policy"].to_str().unwrap().contains("nonce-"));
    let missing = get(&hub, "/nothing").await;
    assert!(missing.status() == 404 && missing.body().contains("/events"), "{missing:?}");
    let wrong = post(&hub, "/stats", "").await;
    assert_eq!((wrong.status().as_u16(), &wrong.headers()["allow"]), (405, &"GET, HEAD".parse().unwrap()));
    let wrong = get(&hub, "/publish").await;
    assert_eq!((wrong.status().as_u16(), &wrong.headers()["allow"]), (405, &"POST".parse().unwrap()));
}

#[test]
fn it_explains_itself() {
    let help = Command::new(HUB).arg("--help").output().unwrap();
    let help = String::from_utf8(help.stdout).unwrap();
    for option in [
        "--port",
        "--retain",
        "--keep-alive-ms",
        "--retry-ms",
        "--lag",
        "--max-connections",
        "--max-topics",
        "--token",
        "--cors",
        "--cors-headers",
        "--cors-expose",
        "--cors-credentials",
        "--idle-ms",
    ] {
        assert!(help.contains(option), "{option}");
    }
    assert!(help.lines().all(|line| line.len() <= 80), "{help}");
    for (arguments, why) in
        [(&["--port", "x"][..], "--port"), (&["--lag", "maybe"], "maybe"), (&["--token", ""], "token")]
    {
        let output = Command::new(HUB).args(arguments).output().unwrap();
        let error = String::from_utf8(output.stderr).unwrap();
        assert!(!output.status.success() && error.starts_with("hub: ") && error.contains(why), "{error}");
    }
}

#[test]
fn a_port_that_is_taken() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port().to_string();
    let output = Command::new(HUB).args(["--port", &port]).output().unwrap();
    assert!(String::from_utf8(output.stderr).unwrap().contains(&port));
}
