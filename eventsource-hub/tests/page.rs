//! The page of `hub`.

#[path = "../../examples/tests/programs/browser.rs"]
mod browser;
#[path = "../../examples/tests/programs/server.rs"]
mod server;

use crate::browser::Browser;
use crate::server::{Server, free_port};
use fantoccini::Locator;
use serde_json::json;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

const HUB: &str = env!("CARGO_BIN_EXE_hub");

/// Publishes 1,000 events a second to two topics, ten at once, until it's told to stop.
fn traffic(hub: SocketAddr) -> (Arc<AtomicBool>, thread::JoinHandle<u64>) {
    let stop = Arc::new(AtomicBool::new(false));
    let stopped = Arc::clone(&stop);
    let thread = thread::spawn(move || {
        let mut client = TcpStream::connect(hub).unwrap();
        client.set_nodelay(true).unwrap();
        let began = Instant::now();
        let mut published = 0;
        while !stopped.load(Ordering::Relaxed) {
            let topic = ["orders", "prices"][usize::from(published / 10 % 2 == 0)];
            let events: Vec<_> = (published..published + 10)
                .map(|number| json!({ "event": "change", "data": { "number": number, "price": 100 + number % 7 } }))
                .collect();
            let body = json!(events).to_string();
            let head = format!(
                "POST /publish?topic={topic} HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json"
            );
            write!(client, "{head}\r\ncontent-length: {}\r\n\r\n{body}", body.len()).unwrap();
            let mut answer = [0; 1024];
            let read = client.read(&mut answer).unwrap();
            assert!(answer[..read].starts_with(b"HTTP/1.1 200"), "{}", answer[..read].escape_ascii());
            published += 10;
            thread::sleep(
                (began + Duration::from_millis(published)).saturating_duration_since(Instant::now()),
            );
        }
        published
    });
    (stop, thread)
}

#[tokio::test]
async fn the_page_stays_responsive_at_a_thousand_events_a_second() {
    let port = free_port();
    let hub = Server::start(HUB, port);
    let browser = Browser::open(false).await;
    browser.client.goto(&format!("http://127.0.0.1:{port}/?topic=orders&topic=prices")).await.unwrap();
    browser.wait_for("return document.querySelector('#state').dataset.state === 'open'").await;
    let (stop, publishing) = traffic(hub.address);
    browser.wait_for("return hub.seen > 1000").await;

    // It answers a person while the events come.
    browser
        .run(
            "window.gaps = []; let last = performance.now();
             requestAnimationFrame(function frame(now) { gaps.push(now - last); last = now; requestAnimationFrame(frame); });",
            vec![],
        )
        .await;
    let seen = browser.run("return hub.seen", vec![]).await.as_u64().unwrap();
    let began = Instant::now();
    let field = async |name: &str| browser.client.find(Locator::Css(name)).await.unwrap();
    field("#publish [name=topic]").await.clear().await.unwrap();
    field("#publish [name=topic]").await.send_keys("orders").await.unwrap();
    field("#publish [name=event]").await.clear().await.unwrap();
    field("#publish [name=event]").await.send_keys("greeting").await.unwrap();
    field("#publish [name=data]").await.clear().await.unwrap();
    field("#publish [name=data]").await.send_keys("Hello from a person").await.unwrap();
    field("#publish button").await.click().await.unwrap();
    field("#filter").await.send_keys("from a person").await.unwrap();
    browser
        .wait_for("return [...document.querySelectorAll('#log tbody tr')].some((row) => row.textContent.includes('Hello from a person'))")
        .await;
    let (took, received) =
        (began.elapsed(), browser.run("return hub.seen", vec![]).await.as_u64().unwrap() - seen);
    browser.screenshot("hub-filtered.png").await;
    let gaps = browser.run("return gaps.sort((a, b) => a - b)", vec![]).await;
    let gaps: Vec<f64> = gaps.as_array().unwrap().iter().map(|gap| gap.as_f64().unwrap()).collect();
    let (median, worst) = (gaps[gaps.len() / 2], gaps[gaps.len() - 1]);
    println!("{received} events in {took:?}; between frames {median:.0} ms, at worst {worst:.0} ms");
    assert!(worst < 1500.0, "it hung for {worst} ms");
    assert!(u128::from(received) > took.as_millis() / 2, "{received} events in {took:?}");

    // As many backspaces as there are letters: WebDriver's own way to clear a field isn't a person's.
    field("#filter").await.send_keys(&"\u{e003}".repeat("from a person".len())).await.unwrap();
    browser.wait_for("return document.querySelectorAll('#log tbody tr').length >= 20").await;
    // Paused, it stands still while events go on coming.
    field("#pause").await.click().await.unwrap();
    browser.wait_for("return hub.paused > 100").await;
    let still = "return document.querySelector('#log tbody').textContent";
    let before = browser.run(still, vec![]).await;
    browser.wait_for(&format!("return hub.seen > {}", seen + received + 1000)).await;
    assert_eq!(browser.run(still, vec![]).await, before);
    field("#pause").await.click().await.unwrap();
    browser.wait_for("return hub.paused === 0").await;

    // The figures are those of the hub.
    browser
        .wait_for(
            "return Number(document.querySelector('#published-rate').textContent.replaceAll(',', '')) > 500",
        )
        .await;
    assert_eq!(browser.text("#connections").await, "1");
    for topic in ["orders", "prices"] {
        browser
            .wait_for(&format!(
                "return document.querySelector('#topics tbody tr[data-topic={topic}]') !== null"
            ))
            .await;
    }
    browser.client.set_window_size(1400, 1150).await.unwrap();
    browser.run("scrollTo(0, 0)", vec![]).await;
    browser.screenshot("hub-light.png").await;
    let rows = browser
        .run("return document.querySelectorAll('#log tbody tr').length", vec![])
        .await
        .as_u64()
        .unwrap();
    assert!(rows <= 110, "{rows} rows");

    // All of it has come, each event once: those of the traffic, and the person's.
    stop.store(true, Ordering::Relaxed);
    let expected = publishing.join().unwrap() + 1;
    browser.wait_for(&format!("return hub.seen >= {expected}")).await;
    assert_eq!(browser.run("return hub.seen", vec![]).await, json!(expected));
}

#[tokio::test]
async fn the_page_in_the_dark_with_an_error() {
    let hub = Server::start_with(HUB, 0, &["--token", "s3cret"]);
    let browser = Browser::open(true).await;
    browser.client.goto(&format!("http://{}/?topic=news", hub.address)).await.unwrap();
    browser.wait_for("return document.querySelector('#state').dataset.state === 'open'").await;
    let field = async |name: &str| browser.client.find(Locator::Css(name)).await.unwrap();
    field("#publish [name=data]").await.send_keys("nobody may").await.unwrap();
    field("#publish button").await.click().await.unwrap();
    browser.wait_for("return document.querySelector('#answer').textContent.includes('Bearer')").await;
    browser.screenshot("hub-dark.png").await;
}

/// Forwards connections to the hub that's well, the first first.
fn balancer(hubs: [SocketAddr; 2]) -> SocketAddr {
    fn is_well(hub: SocketAddr) -> bool {
        let mut answer = [0; 12];
        TcpStream::connect(hub).is_ok_and(|mut client| {
            client.write_all(b"GET /health HTTP/1.0\r\nhost: localhost\r\n\r\n").is_ok()
                && client.read_exact(&mut answer).is_ok()
                && &answer[9..] == b"200"
        })
    }
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    thread::spawn(move || {
        for client in listener.incoming() {
            let mut client = client.unwrap();
            thread::spawn(move || {
                let Some(hub) = hubs.into_iter().find(|&hub| is_well(hub)) else { return };
                let Ok(mut server) = TcpStream::connect(hub) else { return };
                let (mut client_again, mut server_again) =
                    (client.try_clone().unwrap(), server.try_clone().unwrap());
                thread::spawn(move || {
                    let _ = std::io::copy(&mut client_again, &mut server_again);
                    let _ = server_again.shutdown(std::net::Shutdown::Write);
                });
                let _ = std::io::copy(&mut server, &mut client);
                let _ = client.shutdown(std::net::Shutdown::Both);
            });
        }
    });
    address
}

#[tokio::test]
async fn an_event_source_survives_a_rolling_restart() {
    let ports = [free_port(), free_port()];
    // The page's server is loopback and has no token, so its host has to be loopback too, which the balancer's is.
    let start = |port| Server::start_with(HUB, port, &["--drain-ms", "500", "--retry-ms", "100"]);
    let mut hubs = ports.map(|port| Some(start(port)));
    let balancer = balancer(ports.map(|port| ([127, 0, 0, 1], port).into()));
    let browser = Browser::open(false).await;
    browser.client.goto(&format!("http://{balancer}/health")).await.unwrap();
    browser
        .run(
            "window.opened = 0; window.closed = false; window.data = [];
             window.source = new EventSource('/events?topic=a');
             source.onopen = () => { opened += 1; };
             source.onerror = () => { closed ||= source.readyState === EventSource.CLOSED; };
             source.onmessage = (event) => data.push(event.data);",
            vec![],
        )
        .await;
    browser.wait_for("return opened === 1").await;
    for (turn, index) in [0, 1].into_iter().enumerate() {
        let hub = hubs[index].take().unwrap();
        std::process::Command::new("kill").args(["-TERM", &hub.id().to_string()]).status().unwrap();
        tokio::task::spawn_blocking(|| hub.wait()).await.unwrap();
        browser
            .wait_for(&format!("return opened >= {} && source.readyState === EventSource.OPEN", turn + 2))
            .await;
        let other = hubs[1 - index].as_ref().unwrap().address;
        let mut client = TcpStream::connect(other).unwrap();
        let body = format!("after {turn}");
        write!(
            client,
            "POST /publish?topic=a HTTP/1.0\r\nhost: localhost\r\ncontent-length: {}\r\n\r\n{body}",
            body.len()
        )
        .unwrap();
        browser.wait_for(&format!("return data.includes('{body}')")).await;
        hubs[index] = Some(start(ports[index]));
    }
    assert_eq!(browser.run("return closed", vec![]).await, json!(false), "it never gave up");
}
