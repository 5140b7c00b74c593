//! SIGTERM, and two hubs restarted one after the other behind a balancer.

use crate::listener::{Listener, get, post};
use crate::server::{Server, free_port};
use crate::{HUB, SOON};
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};
use tokio::io::copy_bidirectional;
use tokio::net::{TcpListener, TcpStream};
use tokio::time::{sleep, timeout};

pub(crate) fn terminate(hub: &Server) {
    let killed = std::process::Command::new("kill").args(["-TERM", &hub.id().to_string()]).status().unwrap();
    assert!(killed.success());
}

#[tokio::test]
async fn sigterm_drains_and_bounces_and_the_process_exits_by_itself() {
    let hub = Server::start_with(HUB, 0, &["--drain-ms", "2000", "--retry-ms", "700"]);
    let mut listeners = Vec::new();
    for _ in 0..20 {
        listeners.push(Listener::start(&hub, "topic=a").await);
    }
    terminate(&hub);
    let begun = Instant::now();
    // A publication in between still goes to those who are there.
    let drained = async {
        while get(&hub, "/health").await.status() != 503 {
            sleep(Duration::from_millis(10)).await;
        }
    };
    timeout(SOON, drained).await.unwrap();
    assert_eq!(post(&hub, "/publish?topic=a", "last").await.status(), 200);

    let mut newcomer = Listener::start(&hub, "topic=a").await;
    assert_eq!(timeout(SOON, newcomer.next()).await.unwrap(), None);
    let retry = newcomer.retry().expect("it's told when to come back");
    assert!((700..=2800).contains(&retry.as_millis()), "{retry:?}");

    let mut retries = Vec::new();
    for mut listener in listeners {
        while timeout(SOON, listener.next()).await.unwrap().is_some() {}
        retries.push(listener.retry().unwrap());
    }
    retries.sort_unstable();
    retries.dedup();
    assert!(retries.len() > 10, "each its own: {retries:?}");
    let status = tokio::task::spawn_blocking(|| hub.wait()).await.unwrap();
    assert!(status.success());
    let took = begun.elapsed();
    assert!((Duration::from_millis(1500)..Duration::from_secs(6)).contains(&took), "{took:?}");
}

/// Sends each connection to the first hub that's well, like a balancer that checks their health.
async fn balance(hubs: [SocketAddr; 2]) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let well = Arc::new(Mutex::new(Vec::new()));
    let checked = Arc::clone(&well);
    tokio::spawn(async move {
        loop {
            let mut found = Vec::new();
            for hub in hubs {
                let healthy = async {
                    let mut client = TcpStream::connect(hub).await.ok()?;
                    let request = b"GET /health HTTP/1.0\r\nhost: localhost\r\n\r\n";
                    tokio::io::AsyncWriteExt::write_all(&mut client, request).await.ok()?;
                    let mut answer = [0; 12];
                    tokio::io::AsyncReadExt::read_exact(&mut client, &mut answer).await.ok()?;
                    (&answer[9..] == b"200").then_some(())
                };
                if let Ok(Some(())) = timeout(Duration::from_secs(2), healthy).await {
                    found.push(hub);
                }
            }
            *checked.lock().unwrap() = found;
            sleep(Duration::from_millis(20)).await;
        }
    });
    tokio::spawn(async move {
        loop {
            let (mut client, _) = listener.accept().await.unwrap();
            let hub = well.lock().unwrap().first().copied();
            tokio::spawn(async move {
                // With no hub, the client is hung up on, and comes again.
                let Some(hub) = hub else { return };
                let Ok(mut server) = TcpStream::connect(hub).await else { return };
                let _ = copy_bidirectional(&mut client, &mut server).await;
            });
        }
    });
    address
}

/// What became of a client that came back whenever its stream ended.
#[derive(Default)]
struct Diary {
    /// When it came back.
    returns: Vec<Instant>,
    last: String,
}

async fn listen(address: SocketAddr, diary: Arc<Mutex<Diary>>) {
    let mut retry = Duration::from_millis(100);
    let mut is_first = true;
    loop {
        if let Ok(mut listener) = Listener::open(address, "topic=a", None).await {
            if !std::mem::take(&mut is_first) {
                diary.lock().unwrap().returns.push(Instant::now());
            }
            while let Some(event) = listener.next().await {
                diary.lock().unwrap().last = event.data.to_string();
            }
            retry = listener.retry().unwrap_or(retry);
        }
        sleep(retry).await;
    }
}

const CLIENTS: usize = 400;
const WINDOW: Duration = Duration::from_secs(4);
const BUCKETS: usize = 8;

#[tokio::test]
async fn a_rolling_restart_behind_a_balancer_is_no_rush() {
    let options = ["--drain-ms", &WINDOW.as_millis().to_string(), "--retry-ms", "50"];
    let ports = [free_port(), free_port()];
    let start = |port| Server::start_with(HUB, port, &options);
    let mut hubs = ports.map(|port| Some(start(port)));
    let balancer = balance(ports.map(|port| ([127, 0, 0, 1], port).into())).await;
    timeout(SOON, async {
        while TcpStream::connect(balancer).await.is_err() || get_health(balancer).await.is_none() {
            sleep(Duration::from_millis(50)).await;
        }
    })
    .await
    .unwrap();
    let diaries: Vec<Arc<Mutex<Diary>>> = (0..CLIENTS).map(|_| Arc::default()).collect();
    for diary in &diaries {
        tokio::spawn(listen(balancer, Arc::clone(diary)));
    }

    // First the one that has everybody, then the one that then has.
    for (turn, index) in [(1, 0), (2, 1)] {
        let hub = hubs[index].take().unwrap();
        until_heard(&hub, &diaries, &format!("before {turn}")).await;
        for diary in &diaries {
            diary.lock().unwrap().returns.clear();
        }
        let begun = Instant::now();
        terminate(&hub);
        let status = tokio::task::spawn_blocking(|| hub.wait()).await.unwrap();
        assert!(status.success());
        until_heard(hubs[1 - index].as_ref().unwrap(), &diaries, &format!("after {turn}")).await;

        let mut histogram = [0_usize; BUCKETS];
        for diary in &diaries {
            for returned in &diary.lock().unwrap().returns {
                let bucket = (*returned - begun).as_nanos() * BUCKETS as u128 / WINDOW.as_nanos();
                histogram[usize::try_from(bucket).unwrap().min(BUCKETS - 1)] += 1;
            }
        }
        println!("restart {turn}: {histogram:?}");
        let returns: usize = histogram.iter().sum();
        assert_eq!(returns, CLIENTS, "each came back once");
        assert!(histogram.iter().all(|&bucket| bucket <= 2 * returns / BUCKETS), "a rush: {histogram:?}");
        hubs[index] = Some(start(ports[index]));
        // The balancer goes back to the first as soon as that's well; here it's to find both.
        sleep(Duration::from_millis(200)).await;
    }
}

async fn get_health(address: SocketAddr) -> Option<()> {
    Listener::open(address, "topic=a", None).await.ok().map(drop)
}

/// Publishes until every client has heard.
async fn until_heard(hub: &Server, diaries: &[Arc<Mutex<Diary>>], what: &str) {
    let heard = async {
        loop {
            assert_eq!(post(hub, "/publish?topic=a", what.to_owned()).await.status(), 200);
            sleep(Duration::from_millis(100)).await;
            if diaries.iter().all(|diary| diary.lock().unwrap().last == what) {
                break;
            }
        }
    };
    timeout(SOON, heard).await.expect(what);
}
