//! Clients that stay connected, whatever happens to their connections and to the hub.

use crate::crowd::formula;
use crate::gate::Gate;
use crate::listener::{Publisher, resident, resident_of, stats};
use crate::restart::terminate;
use crate::server::Server;
use crate::{HUB, SOON};
use eventsource_core::OwnedEvent;
use eventsource_tokio::EventSource;
use eventsource_tokio::client::{Attempt, HttpTransport, Policy, Reason, Step, Update};
use fastrand::Rng;
use futures_util::StreamExt;
use http_body_util::Empty;
use hyper::body::Bytes;
use hyper::{Request, Version};
use hyper_util::client::legacy::Client;
use hyper_util::rt::TokioExecutor;
use serde_json::Value;
use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};
use tokio::runtime::Handle;
use tokio::task::JoinSet;
use tokio::time::{interval, sleep, timeout};

/// What the hub keeps.
const RETAINED: u64 = 90;

const EVENTS_PER_SECOND: u32 = 30;

/// One of so many is slow.
const SLOW: usize = 10;

/// An event of the hub, of its life of that number.
type Place = (usize, u64);

/// What a client is to get as that event: text of many lines, so that it's cut between two of them as well.
fn data((life, number): Place, is_last: bool) -> String {
    let kind = if is_last { "last" } else { "event" };
    let lines = match number % 20 {
        0 => 300,
        n => usize::try_from(n).unwrap() * 3,
    };
    format!("{kind} {life} {number}{}", format!("\n{number}: {}", "é".repeat(30)).repeat(lines))
}

/// What was published, and what all clients share.
#[derive(Default)]
struct Record {
    /// Of each life, when each of its events was published, or a moment before.
    lives: Mutex<Vec<Vec<Instant>>>,
    is_rough: AtomicBool,
    /// The clients that have had their first event.
    begun: AtomicUsize,
}

impl Record {
    fn life(&self) -> usize {
        self.lives.lock().unwrap().len() - 1
    }

    fn published(&self, life: usize) -> u64 {
        self.lives.lock().unwrap()[life].len() as u64
    }

    fn published_at(&self, (life, number): Place) -> Instant {
        self.lives.lock().unwrap()[life][usize::try_from(number).unwrap() - 1]
    }

    async fn publish(&self, publisher: &mut Publisher, is_last: bool) {
        let place = {
            let mut lives = self.lives.lock().unwrap();
            let life = lives.len() - 1;
            lives[life].push(Instant::now());
            (life, lives[life].len() as u64)
        };
        publisher.publish("soak", data(place, is_last)).await;
    }
}

/// What a client was told of events that it won't get.
#[derive(Clone, Copy, Debug)]
enum Told {
    Nothing,
    Gap(u64),
    /// The hub doesn't know its last event ID.
    Unknown,
}

/// Where a client has to be, by what it was told: a second, naive account of what the hub and the client do together.
struct Diary {
    client: usize,
    /// The last event it had.
    at: Option<Place>,
    told: Told,
    events: u64,
    gaps: u64,
    missed: u64,
    unknown: u64,
    longest: Duration,
    losses: BTreeMap<String, u64>,
    reconnections: u64,
}

impl Diary {
    fn new(client: usize) -> Self {
        Self {
            client,
            at: None,
            told: Told::Nothing,
            events: 0,
            gaps: 0,
            missed: 0,
            unknown: 0,
            longest: Duration::ZERO,
            losses: BTreeMap::new(),
            reconnections: 0,
        }
    }

    /// Returns whether it was the last one.
    fn note(&mut self, event: &OwnedEvent, record: &Record) -> bool {
        match event.name.as_str() {
            "hub:resumed" => {
                self.note_resumed(&event.data, record);
                false
            }
            "message" => self.note_event(event, record),
            other => panic!("client {}: {other}: {}", self.client, event.data),
        }
    }

    fn note_resumed(&mut self, data: &str, record: &Record) {
        let client = self.client;
        let resumed: Value = serde_json::from_str(data).unwrap();
        let (life, _) = self.at.expect("one that begins anew isn't told that it comes back");
        self.told = match (resumed["resumed"].as_str().unwrap(), self.told) {
            ("gap", told) => {
                assert_eq!(resumed.get("atMost"), None, "client {client}: it's exact: {data}");
                match told {
                    // Between the positions of a new life of the hub, of which no event has come.
                    Told::Unknown => told,
                    // It was cut off before the event after the gap: it's told of a larger one from the same place on.
                    _ => Told::Gap(resumed["missed"].as_u64().unwrap()),
                }
            }
            ("unknown", _) => {
                assert!(
                    life < record.life(),
                    "client {client}: the hub that it knows is still there: {data}"
                );
                Told::Unknown
            }
            _ => panic!("client {client}: {data}"),
        };
    }

    fn note_event(&mut self, event: &OwnedEvent, record: &Record) -> bool {
        let Self { client, at, told, .. } = *self;
        let now = Instant::now();
        let head: Vec<_> = event.data.lines().next().unwrap().split(' ').collect();
        let [kind, life, number] = head[..] else { panic!("client {client}: {}", event.data) };
        let place @ (life, number) = (life.parse().unwrap(), number.parse().unwrap());
        assert_eq!(event.data, data(place, kind == "last"), "client {client}: {place:?} is whole");
        // So far it may have begun, where something is lost: where else, there was no need.
        let oldest = record.published(life).saturating_sub(RETAINED - 1).max(1);
        match (at, told) {
            (None, Told::Nothing) => assert_eq!(place, (0, 1), "client {client}: the first"),
            (Some((last_life, last)), Told::Nothing) => {
                assert_eq!(place, (last_life, last + 1), "client {client}: each once, in order");
            }
            (Some((last_life, last)), Told::Gap(missed)) => {
                assert_eq!(place, (last_life, last + 1 + missed), "client {client}: a gap of {missed}");
                assert!(number <= oldest, "client {client}: {place:?} after a gap, and {oldest} was kept");
                self.gaps += 1;
                self.missed += missed;
            }
            (Some((last_life, _)), Told::Unknown) => {
                assert!(life > last_life, "client {client}: {place:?} of a new life after {at:?}");
                assert!(number <= oldest, "client {client}: {place:?} at first, and {oldest} was kept");
                self.unknown += 1;
            }
            (None, told) => panic!("client {client}: {told:?} before the first event"),
        }
        (self.at, self.told) = (Some(place), Told::Nothing);
        self.events += 1;
        self.longest = self.longest.max(now - record.published_at(place));
        if place == (0, 1) {
            record.begun.fetch_add(1, Ordering::Relaxed);
        }
        kind == "last"
    }
}

type Http = Client<hyper_util::client::legacy::connect::HttpConnector, Empty<Bytes>>;

fn request(address: SocketAddr, attempt: &Attempt, version: Version) -> Request<Empty<Bytes>> {
    let mut request = Request::get(format!("http://{address}/events?topic=soak&from=oldest"))
        .version(version)
        .body(Empty::new())
        .unwrap();
    request.headers_mut().extend(attempt.headers());
    request
}

/// A client, up to the last event.
async fn listen(client: usize, address: SocketAddr, record: Arc<Record>, seed: u64) -> Diary {
    let mut rng = Rng::with_seed(seed.wrapping_add(client as u64));
    // In HTTP/1.0, the end of the connection is the end of the body, wherever it's cut.
    let version = if client % 3 == 0 { Version::HTTP_10 } else { Version::HTTP_11 };
    let http: Http = Client::builder(TokioExecutor::new()).build_http();
    let policy = Policy::default()
        .base_delay(Duration::from_millis(100))
        .max_delay(Duration::from_millis(500))
        .answer_timeout(Duration::from_secs(2))
        .idle_timeout(Duration::from_secs(2));
    let transport =
        HttpTransport::new(move |attempt: Attempt| http.request(request(address, &attempt, version)));
    let mut source = EventSource::new(transport).policy(policy);
    let mut diary = Diary::new(client);
    while let Some(update) = source.next().await {
        match update {
            Update::Open(_) => {}
            Update::Event(event) => {
                if diary.note(&event, &record) {
                    source.close();
                } else if client % SLOW == 0 && record.is_rough.load(Ordering::Relaxed) {
                    sleep(Duration::from_millis(rng.u64(500..3000))).await;
                }
            }
            Update::Lost(lost) => {
                assert!(lost.retry_in.is_some(), "client {client}: {lost}");
                *diary.losses.entry(lost.reason.to_string()).or_default() += 1;
            }
            other => panic!("client {client}: {other:?}"),
        }
    }
    assert_eq!(source.state(), Step::Closed(Reason::Closed));
    diary.reconnections = source.stats().connections - 1;
    diary
}

/// Waits for what is to be so soon.
async fn soon(what: &str, mut condition: impl AsyncFnMut() -> bool) {
    let met = async {
        while !condition().await {
            sleep(Duration::from_millis(20)).await;
        }
    };
    timeout(SOON, met).await.expect(what);
}

/// The most that was resident, in KiB, in the first and the second half.
#[derive(Debug, Default)]
struct Memory([usize; 2]);

impl Memory {
    fn note(&mut self, resident: usize, is_late: bool) {
        let most = &mut self.0[usize::from(is_late)];
        *most = resident.max(*most);
    }

    fn assert_bounded(&self) {
        let [early, late] = self.0;
        assert!(late < early + early / 5 + (4 << 10), "it grows with time: {self:?}");
    }
}

/// So many clients listen to a hub of so many lives, which take this long together.
async fn soak(clients: usize, lives: usize, time: Duration) {
    let seed = std::env::var("SOAK_SEED").map_or_else(|_| fastrand::u64(..), |seed| seed.parse().unwrap());
    println!("SOAK_SEED={seed}");
    let mut rng = Rng::with_seed(seed);
    let gate = Gate::open(rng.u64(..));
    let tasks = || Handle::current().metrics().num_alive_tasks();
    let tasks_before = tasks();

    let record = Arc::new(Record::default());
    let mut listeners = JoinSet::new();
    let client_seed = rng.u64(..);
    let (mut ours, mut hubs) = (Memory::default(), Memory::default());
    let mut last_hub = None;
    for life in 0..lives {
        let hub = Server::start_with(
            HUB,
            0,
            &[
                "--retain",
                &RETAINED.to_string(),
                "--retain-bytes",
                "16777216",
                "--retry-ms",
                "100",
                "--keep-alive-ms",
                "400",
                "--stall-ms",
                "4000",
                "--drain-ms",
                "500",
                "--max-per-client",
                "10000",
            ],
        );
        record.lives.lock().unwrap().push(Vec::new());
        gate.lead_to(Some(hub.address));
        let mut publisher = Publisher::new(&hub).await;
        if life == 0 {
            for client in 0..clients {
                listeners.spawn(listen(client, gate.address, Arc::clone(&record), client_seed));
            }
            record.publish(&mut publisher, false).await;
            soon("everyone has the first event", async || record.begun.load(Ordering::Relaxed) == clients)
                .await;
            gate.set_rough(true);
            record.is_rough.store(true, Ordering::Relaxed);
        }
        let mut ticks = interval(Duration::from_secs(1) / EVENTS_PER_SECOND);
        let end = Instant::now() + time / u32::try_from(lives).unwrap();
        while Instant::now() < end {
            ticks.tick().await;
            record.publish(&mut publisher, false).await;
            let is_late = life >= lives / 2;
            ours.note(resident_of("self"), is_late);
            hubs.note(resident(&hub), is_late);
        }
        if life + 1 < lives {
            drop(publisher);
            if life % 2 == 0 {
                terminate(&hub);
                let status = tokio::task::spawn_blocking(|| hub.wait()).await.unwrap();
                assert!(status.success());
            } else {
                drop(hub); // kills it
            }
            gate.lead_to(None);
            sleep(Duration::from_millis(rng.u64(..1000))).await;
        } else {
            gate.set_rough(false);
            record.is_rough.store(false, Ordering::Relaxed);
            record.publish(&mut publisher, true).await;
            last_hub = Some(hub);
        }
    }

    let mut diaries = Vec::new();
    let all = async {
        while let Some(diary) = listeners.join_next().await {
            diaries.push(diary.unwrap());
        }
    };
    timeout(SOON, all).await.expect("everyone has the last event soon");
    let hub = last_hub.unwrap();
    soon("the gate has no connection left", async || gate.connections() == 0).await;
    soon("the hub has no connection left", async || stats(&hub).await["connections"] == 0).await;
    soon("no task is left", async || tasks() == tasks_before).await;

    report(&diaries, &record, &gate);
    println!("resident KiB: here {ours:?}, hub {hubs:?}");
    let allowed = formula(clients, 1, 1024);
    assert!(hubs.0.iter().all(|&resident| resident <= allowed), "{hubs:?} of {allowed}");
    if time >= SOON {
        ours.assert_bounded();
        hubs.assert_bounded();
    }
}

/// Prints what has happened, and checks that it was worth the while.
fn report(diaries: &[Diary], record: &Record, gate: &Gate) {
    let sum = |count: fn(&Diary) -> u64| diaries.iter().map(count).sum::<u64>();
    let (events, gaps, unknown) =
        (sum(|diary| diary.events), sum(|diary| diary.gaps), sum(|diary| diary.unknown));
    let (missed, reconnections) = (sum(|diary| diary.missed), sum(|diary| diary.reconnections));
    let mut losses = BTreeMap::<_, u64>::new();
    for (reason, count) in diaries.iter().flat_map(|diary| &diary.losses) {
        *losses.entry(reason).or_default() += count;
    }
    let prompt = diaries.iter().filter(|diary| diary.client % SLOW != 0);
    let longest = prompt.map(|diary| diary.longest).max().unwrap();
    let published: u64 = (0..=record.life()).map(|life| record.published(life)).sum();
    let tally = gate.tally();
    println!(
        "{} clients, {published} published; {events} events, {reconnections} reconnections, {gaps} gaps of {missed}, \
         {unknown} times unknown; the longest delay of those who aren't slow {longest:?}",
        diaries.len()
    );
    println!("{tally:?}; {losses:?}");
    let is_some = |count: &std::sync::atomic::AtomicU64| count.load(Ordering::Relaxed) > 0;
    assert!(is_some(&tally.closed) && is_some(&tally.reset) && is_some(&tally.silenced));
    assert!(is_some(&tally.stalled) && is_some(&tally.in_mid_line));
    assert!(reconnections > diaries.len() as u64 && gaps > 0);
    assert!(unknown >= diaries.len() as u64, "everyone was told of a restart");
}

#[tokio::test(flavor = "multi_thread")]
async fn clients_get_each_event_once_and_in_order_or_are_told_what_is_lost() {
    soak(40, 2, Duration::from_secs(8)).await;
}

#[ignore = "takes a minute; `cargo xtask bench crowd`"]
#[tokio::test(flavor = "multi_thread")]
async fn many_clients_do_so_for_a_minute_and_leave_nothing_behind() {
    let _turn = crate::TURN.lock().await;
    soak(200, 5, Duration::from_mins(1)).await;
}
