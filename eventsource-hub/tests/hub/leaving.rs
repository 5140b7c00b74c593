//! Clients that close their side, that leave behind something unread, or whose network vanishes.

use crate::listener::{post, stats};
use crate::server::Server;
use crate::{HUB, SOON};
use std::process::Command;
use std::time::{Duration, Instant};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::{sleep, timeout};

async fn connect(hub: &Server, request: &str) -> TcpStream {
    let mut client = TcpStream::connect(hub.address).await.unwrap();
    client.write_all(request.as_bytes()).await.unwrap();
    client
}

async fn read_to_end(client: &mut TcpStream) -> String {
    let mut answer = String::new();
    timeout(SOON, client.read_to_string(&mut answer)).await.expect("the end of the answer").unwrap();
    answer
}

async fn read_head(client: &mut TcpStream) {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(timeout(SOON, client.read_u8()).await.expect("a head").unwrap());
    }
}

async fn connections(hub: &Server) -> u64 {
    stats(hub).await["connections"].as_u64().unwrap()
}

/// Long before a keep-alive could tell.
async fn assert_seats_are_free(hub: &Server) {
    let began = Instant::now();
    while connections(hub).await > 0 {
        assert!(began.elapsed() < Duration::from_secs(8));
        sleep(Duration::from_millis(10)).await;
    }
}

#[tokio::test]
async fn who_closes_its_side_after_publishing_is_answered() {
    let hub = Server::start(HUB, 0);
    for number in 0..100 {
        let mut client = TcpStream::connect(hub.address).await.unwrap();
        let head = "POST /publish?topic=a HTTP/1.1\r\nhost: localhost\r\ncontent-length: 3\r\n\r\n";
        // With the request, or right after it.
        if number % 2 == 0 {
            client.write_all(format!("{head}{number:03}").as_bytes()).await.unwrap();
        } else {
            client.write_all(head.as_bytes()).await.unwrap();
            client.write_all(format!("{number:03}").as_bytes()).await.unwrap();
        }
        client.shutdown().await.unwrap();
        let answer = read_to_end(&mut client).await;
        assert!(answer.starts_with("HTTP/1.1 200 OK\r\n"), "{number}: {answer}");
    }
    assert_eq!(stats(&hub).await["published"], 100);
    let mut client = connect(&hub, "GET /nothing HTTP/1.1\r\nhost: localhost\r\n\r\n").await;
    client.shutdown().await.unwrap();
    assert!(read_to_end(&mut client).await.starts_with("HTTP/1.1 404 "));
}

#[tokio::test]
async fn who_leaves_a_stream_frees_its_seat_at_once_whatever_it_has_sent() {
    let hub = Server::start_with(HUB, 0, &["--keep-alive-ms", "0"]);
    let events = "GET /events?topic=a HTTP/1.1\r\nhost: localhost\r\n";
    for request in [
        format!("{events}\r\n"),
        format!("{events}\r\n\r\n"),
        format!("{events}\r\n{events}\r\n"),
        format!("{events}content-length: 300000\r\n\r\n{}", "x".repeat(100_000)),
    ] {
        for half in [true, false] {
            let mut client = connect(&hub, &request).await;
            read_head(&mut client).await;
            assert_eq!(connections(&hub).await, 1);
            if half {
                client.shutdown().await.unwrap();
                assert_seats_are_free(&hub).await;
            } else {
                drop(client);
                assert_seats_are_free(&hub).await;
            }
        }
    }
    // Who closes its side before the stream has begun, is gone as well.
    let mut client = connect(&hub, &format!("{events}\r\n")).await;
    client.shutdown().await.unwrap();
    let mut rest = Vec::new();
    let _ = timeout(SOON, client.read_to_end(&mut rest)).await.expect("the connection ends");
    assert_seats_are_free(&hub).await;
}

#[tokio::test]
async fn a_refusal_arrives_though_nobody_reads_the_body() {
    let hub = Server::start_with(HUB, 0, &["--token", "s3cret"]);
    for _ in 0..10 {
        let answer = post(&hub, "/publish?topic=a", vec![b'x'; 10 << 20]).await;
        assert_eq!(answer.status(), 401);
    }
}

/// Runs in a network of its own, which it can switch off.
#[tokio::test]
async fn a_client_whose_network_vanished_is_given_up_within_the_write_timeout() {
    const THIS: &str = "leaving::a_client_whose_network_vanished_is_given_up_within_the_write_timeout";
    const INSIDE: &str = "HUB_TEST_HAS_ITS_NETWORK";
    let network = |state: &str| {
        let set = Command::new("ip").args(["link", "set", "lo", state]).status();
        assert!(set.is_ok_and(|status| status.success()));
    };
    if std::env::var_os(INSIDE).is_none() {
        let own = |program: &str| {
            let mut command = Command::new("unshare");
            command.args(["--map-root-user", "--net", program]);
            command
        };
        if !own("ip").arg("link").output().is_ok_and(|output| output.status.success()) {
            eprintln!("skipped: this system makes no network of its own for a test (unshare, ip)");
            return;
        }
        let test = std::env::current_exe().unwrap();
        let status =
            own(test.to_str().unwrap()).args(["--exact", THIS, "--nocapture"]).env(INSIDE, "").status();
        assert!(status.unwrap().success());
        return;
    }
    network("up");
    let hub = Server::start_with(HUB, 0, &["--stall-ms", "2000", "--keep-alive-ms", "200"]);
    let mut client = connect(&hub, "GET /events?topic=a HTTP/1.1\r\nhost: localhost\r\n\r\n").await;
    read_head(&mut client).await;
    assert_eq!(connections(&hub).await, 1);
    network("down");
    sleep(Duration::from_secs(10)).await;
    network("up");
    // Still connected, it would get now what it has missed.
    assert_eq!(connections(&hub).await, 0);
}
