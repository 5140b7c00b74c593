//! Bad input: a clear answer, bounded memory, and everyone else unaffected.

use crate::listener::{Listener, Publisher, get, post, request, resident, stats};
use crate::server::Server;
use crate::{HUB, SOON};
use http_body_util::Full;
use hyper::Request;
use std::net::Ipv4Addr;
use std::time::{Duration, Instant};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpSocket, TcpStream};
use tokio::time::{sleep, timeout};

/// Others don't notice: what one of them publishes arrives at once.
async fn assert_well(hub: &Server) {
    assert_well_on(hub, "well").await;
}

async fn assert_well_on(hub: &Server, topic: &str) {
    let began = Instant::now();
    let mut listener = Listener::start(hub, &format!("topic={topic}")).await;
    Publisher::new(hub).await.publish(topic, "still there".into()).await;
    assert_eq!(&*listener.expect().await.data, "still there");
    assert!(began.elapsed() < Duration::from_secs(5), "{:?}", began.elapsed());
}

#[tokio::test]
async fn a_body_of_10_mib() {
    let hub = Server::start(HUB, 0);
    let before = resident(&hub);
    for _ in 0..5 {
        let answer = post(&hub, "/publish?topic=a", vec![b'x'; 10 << 20]).await;
        assert_eq!(
            (answer.status().as_u16(), &**answer.body()),
            (413, "a publication can have 262144 bytes\n")
        );
    }
    // The same without saying beforehand how long it is.
    let mut client = TcpStream::connect(hub.address).await.unwrap();
    let head = "POST /publish?topic=a HTTP/1.1\r\nhost: localhost\r\ntransfer-encoding: chunked\r\n\r\n";
    client.write_all(head.as_bytes()).await.unwrap();
    let chunk = format!("10000\r\n{}\r\n", "x".repeat(0x10000));
    for _ in 0..160 {
        client.write_all(chunk.as_bytes()).await.unwrap();
    }
    client.write_all(b"0\r\n\r\n").await.unwrap();
    let mut answer = [0; 12];
    timeout(SOON, client.read_exact(&mut answer)).await.unwrap().unwrap();
    assert_eq!(&answer, b"HTTP/1.1 413");
    assert!(resident(&hub) < before + 4096, "{before} KiB, then {}", resident(&hub));
    assert_eq!(post(&hub, "/publish?topic=a", vec![b'x'; 256 << 10]).await.status(), 200);
    assert_well(&hub).await;
}

#[tokio::test]
async fn a_hundred_thousand_topics() {
    let hub = Server::start_with(HUB, 0, &["--max-topics", "100"]);
    let mut client = TcpStream::connect(hub.address).await.unwrap();
    let (mut reader, mut writer) = client.split();
    let publish = async {
        for number in 0..100_000 {
            let request = format!(
                "POST /publish?topic=t{number} HTTP/1.1\r\nhost: localhost\r\ncontent-length: 1\r\n\r\nx"
            );
            writer.write_all(request.as_bytes()).await.unwrap();
        }
    };
    let answers = async {
        let (mut text, mut counts, mut last) = (Vec::new(), [0; 2], String::new());
        while counts[0] + counts[1] < 100_000 {
            assert_ne!(reader.read_buf(&mut text).await.unwrap(), 0);
            // All but the last answer that has begun.
            while let Some(end) = text.windows(9).skip(1).position(|begin| begin == b"HTTP/1.1 ") {
                last = String::from_utf8(text.drain(..=end).collect()).unwrap();
                counts[usize::from(!last.starts_with("HTTP/1.1 200"))] += 1;
            }
            if counts[0] + counts[1] == 99_999 && text.ends_with(b"already\n") {
                counts[1] += 1;
            }
        }
        (counts, last)
    };
    let ((), (counts, last)) = timeout(SOON * 3, async { tokio::join!(publish, answers) }).await.unwrap();
    assert_eq!(counts, [100, 99_900]);
    assert!(last.starts_with("HTTP/1.1 409") && last.ends_with("there are 100 topics already\n"), "{last}");
    assert_eq!(stats(&hub).await["topics"].as_array().unwrap().len(), 100);
    assert!(resident(&hub) < 32 * 1024, "{} KiB", resident(&hub));

    // Whoever only listens takes no room from those who publish, but can't make it either.
    let _listening = Listener::start(&hub, "topic=one-more").await;
    assert_eq!(post(&hub, "/publish?topic=one-more", "x").await.status(), 409);
    let mut listener = Listener::start(&hub, "topic=t7").await;
    assert_eq!(post(&hub, "/publish?topic=t7", "x").await.status(), 200);
    assert_eq!(&*listener.expect().await.data, "x");
}

#[tokio::test]
async fn listening_to_topics_that_nobody_publishes_to_is_in_nobody_s_way() {
    let hub = Server::start_with(HUB, 0, &["--max-topics", "10"]);
    let mut listeners = Vec::new();
    for connection in 0..8 {
        let topics =
            (0..32).map(|number| format!("topic=c{connection}t{number}")).collect::<Vec<_>>().join("&");
        listeners.push(Listener::start(&hub, &topics).await);
    }
    for number in 0..10 {
        assert_eq!(post(&hub, &format!("/publish?topic=own{number}"), "x").await.status(), 200);
    }
    assert_well_on(&hub, "own0").await;
}

#[tokio::test]
async fn publications_of_very_many_or_very_long_events() {
    let hub = Server::start_with(HUB, 0, &["--retain", "1000"]);
    let before = resident(&hub);
    let publish = async |body: String| {
        let publication = Request::post("/publish?topic=a")
            .header("host", "localhost")
            .header("content-type", "application/json")
            .body(Full::from(body))
            .unwrap();
        request(hub.address, publication).await
    };
    let many = |count: usize| format!("[{}]", vec![r#"{"data":0}"#; count].join(","));
    assert_eq!(publish(many(1000)).await.status(), 200);
    let answer = publish(many(20_000)).await;
    assert_eq!(
        (answer.status().as_u16(), &**answer.body()),
        (413, "a publication can have 1000 events, not 20000\n")
    );
    // Each line break of the data is a line of its own to the client.
    let answer = post(&hub, "/publish?topic=a", vec![b'\n'; 256 << 10]).await;
    assert!(answer.status() == 413 && answer.body().contains("1048576 bytes as it's sent"), "{answer:?}");
    assert_eq!(stats(&hub).await["published"], 1000);
    assert!(resident(&hub) < before + 16 * 1024, "{before} KiB, then {}", resident(&hub));
    assert_well(&hub).await;
}

#[tokio::test]
async fn names_of_topics_and_events() {
    let hub = Server::start(HUB, 0);
    let long = "x".repeat(129);
    for (topic, why) in [
        ("", "has a name"),
        ("a%00b", "control characters"),
        ("a%0db", "control characters"),
        ("a%0aid:%20evil", "control characters"),
        ("%1b[31m", "control characters"),
        (&long, "at most 128 bytes, not 129"),
    ] {
        for answer in [
            post(&hub, &format!("/publish?topic={topic}"), "x").await,
            get(&hub, &format!("/events?topic={topic}")).await,
        ] {
            assert!(answer.status() == 400 && answer.body().contains(why), "{topic}: {answer:?}");
        }
    }
    for (query, why) in [
        ("topic=a&event=a%0ab", "line feed at byte 1"),
        ("topic=a&event=a%0db", "carriage return at byte 1"),
        ("topic=a&event=hub:resumed", "the hub's own"),
        ("topic=a&topic=b", "twice"),
        ("topic=a&id=7", "\"id\""),
        ("", "which topic"),
    ] {
        let answer = post(&hub, &format!("/publish?{query}"), "x").await;
        assert!(answer.status() == 400 && answer.body().contains(why), "{query}: {answer:?}");
    }
    let answer = post(&hub, "/publish?topic=a", &b"\xff"[..]).await;
    assert!(answer.status() == 400 && answer.body().contains("UTF-8"), "{answer:?}");
    let many = (0..33).map(|number| format!("topic={number}")).collect::<Vec<_>>().join("&");
    let answer = get(&hub, &format!("/events?{many}")).await;
    assert!(answer.status() == 400 && answer.body().contains("32 topics"), "{answer:?}");
    assert_eq!(stats(&hub).await["topics"].as_array().unwrap().len(), 0);
    assert_well(&hub).await;
}

#[tokio::test]
async fn ids_that_are_none_of_this_hub() {
    let hub = Server::start(HUB, 0);
    post(&hub, "/publish?topic=a", "x").await;
    let epoch = stats(&hub).await["epoch"].as_str().unwrap().to_owned();
    let long = "9".repeat(10_000);
    for id in [
        "0-1",
        &format!("{epoch}-2"),
        &format!("{epoch}-01"),
        &format!("{epoch}-18446744073709551616"),
        "%00",
        &long,
    ] {
        let mut listener = Listener::start(&hub, &format!("topic=a&lastEventId={id}")).await;
        assert_eq!(&*listener.expect().await.data, r#"{"resumed":"unknown"}"#, "{id}");
    }
    assert_well(&hub).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn ten_thousand_connections_of_one_client() {
    let _turn = crate::TURN.lock().await;
    let files = usize::try_from(rlimit::increase_nofile_limit(u64::MAX).unwrap()).unwrap_or(usize::MAX);
    let count = 10_000.min(files.saturating_sub(500));
    let hub = Server::start(HUB, 0);
    let mut greedy = Vec::new();
    for _ in 0..count {
        let mut client = TcpStream::connect(hub.address).await.unwrap();
        // One that was closed at once may already be reset.
        let _ = client.write_all(b"GET /events?topic=a HTTP/1.1\r\nhost: localhost\r\n\r\n").await;
        greedy.push(client);
    }
    let settled = async {
        while stats_of_another(&hub).await["connections"] != count.min(5000) {
            sleep(Duration::from_millis(100)).await;
        }
    };
    timeout(SOON, settled).await.unwrap();
    let allowed = 16 * 1024 + 5064 * 20;
    assert!(resident(&hub) < allowed, "{} KiB", resident(&hub));

    // Another client is served.
    let mut other = connect_from_another(&hub).await;
    other.write_all(b"GET /events?topic=b HTTP/1.1\r\nhost: localhost\r\n\r\n").await.unwrap();
    let mut publisher = connect_from_another(&hub).await;
    let publish = "POST /publish?topic=b HTTP/1.1\r\nhost: localhost\r\ncontent-length: 5\r\n\r\nhello";
    publisher.write_all(publish.as_bytes()).await.unwrap();
    let mut text = Vec::new();
    let arrived = async {
        while !text.windows(12).any(|part| part == b"data: hello\n") {
            assert_ne!(other.read_buf(&mut text).await.unwrap(), 0);
        }
    };
    timeout(SOON, arrived).await.expect("the event arrives");
    drop(greedy);
    let gone = async {
        while stats_of_another(&hub).await["connections"] != 1 {
            sleep(Duration::from_millis(100)).await;
        }
    };
    timeout(SOON, gone).await.expect("what they had is free again");
    assert_well(&hub).await;
}

async fn connect_from_another(hub: &Server) -> TcpStream {
    let socket = TcpSocket::new_v4().unwrap();
    socket.bind((Ipv4Addr::new(127, 0, 0, 2), 0).into()).unwrap();
    socket.connect(hub.address).await.unwrap()
}

async fn stats_of_another(hub: &Server) -> serde_json::Value {
    let mut client = connect_from_another(hub).await;
    client.write_all(b"GET /stats HTTP/1.0\r\nhost: localhost\r\n\r\n").await.unwrap();
    let mut answer = String::new();
    timeout(SOON, client.read_to_string(&mut answer)).await.unwrap().unwrap();
    serde_json::from_str(answer.split_once("\r\n\r\n").unwrap().1).unwrap()
}

#[tokio::test]
async fn a_slow_loris() {
    // However long an idle connection may stay.
    let hub = Server::start_with(HUB, 0, &["--idle-ms", "600000"]);
    let began = Instant::now();
    let mut slow = Vec::new();
    for number in 0..100 {
        let mut client = TcpStream::connect(hub.address).await.unwrap();
        slow.push(tokio::spawn(async move {
            let in_head = number % 2 == 0;
            let head = "POST /publish?topic=a HTTP/1.1\r\nhost: localhost\r\ncontent-length: 1000";
            client.write_all(head.as_bytes()).await.unwrap();
            if !in_head {
                client.write_all(b"\r\n\r\n").await.unwrap();
            }
            let (mut reader, mut writer) = client.split();
            let dribble = async {
                while writer.write_all(b"x").await.is_ok() {
                    sleep(Duration::from_millis(500)).await;
                }
            };
            let mut answer = Vec::new();
            tokio::select! {
                () = dribble => {}
                _ = reader.read_to_end(&mut answer) => {}
            }
            (in_head, String::from_utf8(answer).unwrap())
        }));
    }
    assert_well(&hub).await;
    for client in slow {
        let (in_head, answer) = timeout(SOON, client).await.expect("cut off").unwrap();
        assert!(in_head || answer.starts_with("HTTP/1.1 408") || answer.is_empty(), "{answer}");
    }
    assert!(began.elapsed() > Duration::from_secs(9));
    assert_well(&hub).await;
}

#[tokio::test]
async fn pages_of_foreign_origins() {
    let hub = Server::start_with(HUB, 0, &["--cors", "https://ours.example"]);
    let port = hub.address.port();
    let publish = async |host: &str, origin: Option<&str>| {
        // As a page can send it without asking before.
        let mut publication =
            Request::post("/publish?topic=a").header("host", host).header("content-type", "text/plain");
        if let Some(origin) = origin {
            publication = publication.header("origin", origin);
        }
        request(hub.address, publication.body(Full::from("x")).unwrap()).await
    };
    let own = format!("http://127.0.0.1:{port}");
    for (host, origin, status) in [
        (&*format!("127.0.0.1:{port}"), Some(&*own), 200),
        ("localhost", None, 200),
        ("[::1]:80", None, 200),
        (&format!("127.0.0.1:{port}"), Some("https://ours.example"), 200),
        (&format!("127.0.0.1:{port}"), Some("https://evil.example"), 403),
        (&format!("127.0.0.1:{port}"), Some("null"), 403),
        (&format!("127.0.0.1:{port}"), Some("http://127.0.0.1:1"), 403),
        ("evil.example", Some("http://evil.example"), 403),
        ("127.0.0.1.evil.example", None, 403),
        ("localhost:80:80", None, 403),
        ("", None, 403),
    ] {
        let answer = publish(host, origin).await;
        assert_eq!(answer.status(), status, "{host} {origin:?}: {answer:?}");
        assert!(status == 200 || !answer.body().is_empty());
    }
    let listen =
        Request::get("/events?topic=a").header("host", "evil.example").body(Full::default()).unwrap();
    assert_eq!(request(hub.address, listen).await.status(), 403);
    assert_eq!(stats(&hub).await["published"], 4);

    let preflight = Request::options("/publish?topic=a")
        .header("host", "localhost")
        .header("origin", "https://ours.example")
        .header("access-control-request-method", "POST")
        .body(Full::default())
        .unwrap();
    let answer = request(hub.address, preflight).await;
    assert_eq!(
        (answer.status().as_u16(), &answer.headers()["access-control-allow-origin"]),
        (204, &"https://ours.example".parse().unwrap())
    );
    assert_eq!(answer.headers().get_all("vary").iter().collect::<Vec<_>>(), ["origin"]);
}

/// What becomes of a request, its head as it's written here.
async fn raw(hub: &Server, request: &str) -> String {
    let mut client = TcpStream::connect(hub.address).await.unwrap();
    client.write_all(request.as_bytes()).await.unwrap();
    let mut answer = String::new();
    timeout(SOON, client.read_to_string(&mut answer)).await.expect("an end").unwrap();
    answer
}

#[tokio::test]
async fn a_request_has_one_host_and_a_health_check_may_have_none() {
    let hub = Server::start(HUB, 0);
    let chunked = "host: localhost\r\nconnection: close\r\ntransfer-encoding";
    for (request, status) in [
        ("GET /health HTTP/1.0\r\n\r\n", 200),
        ("OPTIONS /health HTTP/1.0\r\n\r\n", 200),
        ("HEAD /health HTTP/1.0\r\n\r\n", 200),
        ("GET /health HTTP/1.1\r\nhost: hub.example\r\nconnection: close\r\n\r\n", 200),
        ("GET /health HTTP/1.1\r\n\r\n", 400),
        ("GET /stats HTTP/1.0\r\n\r\n", 403),
        ("GET /stats HTTP/1.1\r\n\r\n", 400),
        ("GET http://localhost/stats HTTP/1.1\r\n\r\n", 400),
        ("OPTIONS / HTTP/1.1\r\norigin: http://a\r\naccess-control-request-method: GET\r\n\r\n", 400),
        ("GET /events?topic=a HTTP/1.1\r\n\r\n", 400),
        ("GET /stats HTTP/1.1\r\nhost: localhost\r\nhost: evil.example\r\n\r\n", 400),
        ("GET /stats HTTP/1.0\r\nhost: localhost\r\nhost: localhost\r\n\r\n", 400),
        (&format!("POST /publish?topic=a HTTP/1.1\r\n{chunked}: Chunked\r\n\r\n1\r\nx\r\n0\r\n\r\n"), 200),
        (&format!("POST /publish?topic=a HTTP/1.1\r\n{chunked}: gzip\r\n\r\n"), 400),
        (&format!("POST /publish?topic=a HTTP/1.1\r\n{chunked}: gzip, chunked\r\n\r\n0\r\n\r\n"), 501),
        (
            &format!(
                "POST /publish?topic=a HTTP/1.1\r\n{chunked}: identity\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n"
            ),
            501,
        ),
    ] {
        let answer = raw(&hub, request).await;
        assert_eq!(answer.split(' ').nth(1), Some(&*status.to_string()), "{request}: {answer}");
    }
    assert_eq!(stats(&hub).await["published"], 1);
}

#[tokio::test]
async fn an_idle_connection_stays_as_long_as_it_was_told_and_a_begun_head_does_not() {
    let hub = Server::start_with(HUB, 0, &["--idle-ms", "14000"]);
    // How long the hub waits after an answer, and after `more`.
    let wait = async |more: &str| {
        let mut client = TcpStream::connect(hub.address).await.unwrap();
        client.write_all(b"GET /health HTTP/1.1\r\nhost: localhost\r\n\r\n").await.unwrap();
        let mut answer = Vec::new();
        while !answer.ends_with(b"ok\n") {
            assert_ne!(client.read_buf(&mut answer).await.unwrap(), 0);
        }
        client.write_all(more.as_bytes()).await.unwrap();
        let began = Instant::now();
        timeout(SOON, client.read_to_end(&mut answer)).await.expect("it's closed").unwrap();
        began.elapsed()
    };
    let (idle, begun) = tokio::join!(wait(""), wait("GET /health HT"));
    assert!(idle >= Duration::from_secs(13), "{idle:?}");
    assert!((9..13).contains(&begun.as_secs()), "{begun:?}");
    // It's no limit for a stream, nor for what a client says meanwhile.
    let hub = Server::start_with(HUB, 0, &["--idle-ms", "200"]);
    let mut listener = Listener::start(&hub, "topic=a").await;
    sleep(Duration::from_secs(1)).await;
    assert_eq!(post(&hub, "/publish?topic=a", "still there").await.status(), 200);
    assert_eq!(&*listener.expect().await.data, "still there");
}

#[tokio::test]
async fn the_page_of_a_hub_behind_a_tls_proxy_publishes_and_no_other_page() {
    let hub = Server::start_with(HUB, 0, &["--host", "hub.example"]);
    let publish = async |host: &str, origin: &str, site: Option<&str>| {
        let mut publication = Request::post("/publish?topic=a").header("host", host).header("origin", origin);
        if let Some(site) = site {
            publication = publication.header("sec-fetch-site", site);
        }
        request(hub.address, publication.body(Full::from("x")).unwrap()).await.status().as_u16()
    };
    let own = "https://hub.example";
    for (host, origin, site, status) in [
        // Some proxies hand the host on, and some don't.
        ("hub.example", own, Some("same-origin"), 200),
        ("127.0.0.1:7799", own, Some("same-origin"), 200),
        ("hub.example", "https://evil.example", Some("cross-site"), 403),
        ("hub.example", "https://app.hub.example", Some("same-site"), 403),
        // Whoever is on the way of plain HTTP can write a page of the same host.
        ("hub.example", "http://hub.example", Some("cross-site"), 403),
        // An old browser says nothing.
        ("hub.example", own, None, 403),
        ("hub.example", "http://hub.example", None, 200),
        ("hub.example", "https://evil.example", None, 403),
    ] {
        assert_eq!(publish(host, origin, site).await, status, "{host} {origin} {site:?}");
    }
}

#[tokio::test]
async fn nothing_the_hub_says_is_for_a_cache() {
    let hub =
        Server::start_with(HUB, 0, &["--token", "s3cret", "--private", "--cors", "https://ours.example"]);
    for (line, status) in [
        ("GET /", 200),
        ("GET /health", 200),
        ("GET /stats?token=s3cret", 200),
        ("GET /metrics?token=s3cret", 200),
        ("GET /events?topic=a&token=s3cret", 406),
        ("GET /events?token=s3cret", 400),
        ("GET /stats", 401),
        ("GET /nothing", 404),
        ("GET /publish", 405),
        ("DELETE /stats", 405),
        ("DELETE /events?topic=a&token=s3cret", 405),
        ("HEAD /events?topic=a&token=s3cret", 406),
        ("OPTIONS /events", 204),
    ] {
        let preflight = "origin: https://ours.example\r\naccess-control-request-method: GET\r\n";
        let accept = "accept: application/json\r\nconnection: close\r\n";
        let answer =
            raw(&hub, &format!("{line} HTTP/1.1\r\nhost: localhost\r\n{accept}{preflight}\r\n")).await;
        assert_eq!(answer.split(' ').nth(1), Some(&*status.to_string()), "{line}: {answer}");
        assert!(answer.contains("\r\ncache-control: no-store\r\n"), "{line}: {answer}");
    }
}

#[tokio::test]
async fn apps_and_pages_without_an_origin_are_allowed_by_name() {
    let origins = ["capacitor://localhost", "chrome-extension://abcdefghijklmnop"];
    let mut options = vec!["--cors-headers", "x-session", "--cors-expose", "x-trace", "--cors"];
    options.extend(origins);
    let hub = Server::start_with(HUB, 0, &options);
    let ask = async |method: &str, path: &str, origin: &str| {
        let asked = Request::builder().method(method).uri(path).header("host", "localhost");
        let asked = asked.header("origin", origin).header("access-control-request-method", "POST");
        request(hub.address, asked.body(Full::from("x")).unwrap()).await
    };
    for origin in origins {
        let preflight = ask("OPTIONS", "/publish?topic=a", origin).await;
        let headers = preflight.headers();
        assert_eq!(
            (preflight.status().as_u16(), headers["access-control-allow-origin"].as_bytes()),
            (204, origin.as_bytes())
        );
        assert_eq!(
            headers["access-control-allow-headers"],
            "last-event-id, authorization, cache-control, content-type, x-session"
        );
        let answer = ask("POST", "/publish?topic=a", origin).await;
        assert_eq!(
            (answer.status().as_u16(), answer.headers()["access-control-expose-headers"].to_str().unwrap()),
            (200, "x-trace")
        );
        assert_eq!(answer.headers()["vary"], "origin");
        assert!(!answer.headers().contains_key("access-control-allow-credentials"));
    }
    for origin in ["capacitor://evil", "tauri://localhost", "https://localhost"] {
        assert_eq!(ask("POST", "/publish?topic=a", origin).await.status(), 403, "{origin}");
        assert!(!ask("GET", "/stats", origin).await.headers().contains_key("access-control-allow-origin"));
    }

    // Every page may have this one, so it's the token that counts.
    let hub = Server::start_with(HUB, 0, &["--token", "s3cret", "--cors", "null"]);
    for (token, status) in [("Bearer s3cret", 200), ("Bearer guess", 401)] {
        let asked = Request::post("/publish?topic=a").header("host", "localhost").header("origin", "null");
        let asked = asked.header("authorization", token).body(Full::from("x")).unwrap();
        let answer = request(hub.address, asked).await;
        assert_eq!(answer.status(), status, "{token}");
        assert_eq!(answer.headers()["access-control-allow-origin"], "null");
    }

    let hub = Server::start_with(HUB, 0, &["--cors-credentials", "--cors", "tauri://localhost"]);
    for (origin, allowed) in [("tauri://localhost", true), ("tauri://evil", false)] {
        let asked = Request::get("/stats").header("host", "localhost").header("origin", origin);
        let answer = request(hub.address, asked.body(Full::default()).unwrap()).await;
        let headers = answer.headers();
        assert_eq!(headers["vary"], "origin");
        assert_eq!(
            headers.get("access-control-allow-credentials").is_some_and(|value| value == "true"),
            allowed
        );
        assert_eq!(headers.get("access-control-allow-origin").is_some_and(|value| value == origin), allowed);
    }
}

#[tokio::test]
async fn a_token() {
    let hub = Server::start_with(HUB, 0, &["--token", "s3cret", "--private"]);
    let ask = async |request_: hyper::http::request::Builder| {
        request(hub.address, request_.header("host", "anything.example").body(Full::from("x")).unwrap()).await
    };
    for (authorization, status) in [
        ("Bearer s3cret", 200),
        ("bearer  s3cret", 200),
        ("Bearer s3cre", 401),
        ("Bearer s3crets", 401),
        ("Basic s3cret", 401),
        ("", 401),
    ] {
        let answer = ask(Request::post("/publish?topic=a").header("authorization", authorization)).await;
        assert_eq!(answer.status(), status, "{authorization:?}");
        assert_eq!(answer.headers().contains_key("www-authenticate"), status == 401);
    }
    assert_eq!(ask(Request::post("/publish?topic=a&token=s3cret")).await.status(), 401, "not in a link");
    assert_eq!(ask(Request::get("/stats?token=s3cret")).await.status(), 200);
    for path in ["/stats", "/metrics", "/events?topic=a", "/events?topic=a&token=wrong"] {
        assert_eq!(ask(Request::get(path)).await.status(), 401, "{path}");
    }
    let mut listener = Listener::start(&hub, "topic=a&from=oldest&token=s3cret").await;
    assert_eq!(&*listener.expect().await.data, "x");
}

#[tokio::test]
async fn a_token_for_publishing_alone_lets_no_foreign_page_listen() {
    let hub = Server::start_with(HUB, 0, &["--token", "s3cret", "--host", "news.example"]);
    let ask = async |host: &str| {
        let request_ = Request::get("/stats").header("host", host).body(Full::default()).unwrap();
        request(hub.address, request_).await.status()
    };
    for (host, status) in [
        ("localhost", 200),
        ("news.example", 200),
        ("News.example:80", 200),
        ("evil.example", 403),
        ("evil.news.example", 403),
    ] {
        assert_eq!(ask(host).await, status, "{host}");
    }
}

#[tokio::test]
async fn off_loopback_nobody_publishes_without_a_token() {
    let hub = Server::start_with(HUB, 0, &["--bind", "0.0.0.0"]);
    let answer = post(&hub, "/publish?topic=a", "x").await;
    assert!(answer.status() == 403 && answer.body().contains("--token"), "{answer:?}");
    assert_eq!(get(&hub, "/health").await.status(), 200);
}
