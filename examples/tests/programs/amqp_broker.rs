//! `amqp_bridge` and a real `RabbitMQ`.

use crate::cable::Cable;
use crate::publisher::Publisher;
use crate::rabbit::Rabbit;
use crate::server::Server;
use crate::subscriber::Subscriber;
use eventsource_core::OwnedEvent;
use lapin::options::{BasicConsumeOptions, BasicGetOptions, QueueDeclareOptions};
use lapin::types::{AMQPValue, FieldTable};
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::ops::Range;
use std::process::Command;
use std::time::{Duration, Instant};
use tokio::time::sleep;

const BRIDGE: &str = env!("CARGO_BIN_EXE_amqp_bridge");

/// Within this, everything happens that's to happen at once, on a busy machine.
const SOON: Duration = Duration::from_mins(1);

fn bridge(port: u16, url: &str, queue: &str, options: &[&str]) -> Server {
    Server::start_with(BRIDGE, port, &[&["--url", url, "--queue", queue], options].concat())
}

/// Reads so many events, which have to be these.
async fn expect(subscriber: &mut Subscriber, numbers: Range<u32>) {
    for number in numbers {
        let event = subscriber.next().await.expect("the stream goes on");
        assert_eq!((event.name.as_str(), &*event.data), ("order", &*number.to_string()));
    }
}

/// Waits until the page says something, and returns all of it.
async fn until_summary(bridge: SocketAddr, expected: &str) -> String {
    let deadline = Instant::now() + SOON;
    loop {
        let mut client = TcpStream::connect(bridge).unwrap();
        client.set_read_timeout(Some(SOON)).unwrap();
        client.write_all(b"GET / HTTP/1.0\r\n\r\n").unwrap();
        let mut summary = String::new();
        client.read_to_string(&mut summary).unwrap();
        if summary.contains(expected) {
            return summary;
        }
        assert!(Instant::now() < deadline, "never {expected:?}: {summary}");
        sleep(Duration::from_millis(20)).await;
    }
}

fn terminate(bridge: &Server) {
    assert!(Command::new("kill").args(["-TERM", &bridge.id().to_string()]).status().unwrap().success());
}

/// How many messages wait in a queue, for someone who isn't there any more.
async fn waiting(rabbit: &Rabbit, queue: &'static str) -> u32 {
    let (_connection, channel) = rabbit.channel().await.unwrap();
    let passive = QueueDeclareOptions { passive: true, ..QueueDeclareOptions::default() };
    channel.queue_declare(queue.into(), passive, FieldTable::default()).await.unwrap().message_count()
}

#[tokio::test(flavor = "multi_thread")]
async fn each_message_is_one_event_in_order_though_the_broker_restarts() {
    let mut rabbit = Rabbit::start().await;
    let mut publisher = Publisher::new(rabbit.url(), "restarts", FieldTable::default()).await;
    let bridge = bridge(0, &rabbit.url(), "restarts", &["--prefetch", "50"]);
    let mut subscriber = Subscriber::open(bridge.address, None).await;

    let publishing = tokio::spawn(publisher.publish_numbers(0..450));
    expect(&mut subscriber, 0..300).await;
    let early = subscriber.last_event_id();
    rabbit.shut_down().await;
    until_summary(bridge.address, "broker: away").await;
    rabbit.start_again().await;
    expect(&mut subscriber, 300..450).await;
    publisher = publishing.await.unwrap();

    // The queue isn't empty when the power fails, and what was acknowledged just before isn't on disk.
    let publishing = tokio::spawn(publisher.publish_numbers(450..900));
    expect(&mut subscriber, 450..600).await;
    rabbit.kill();
    until_summary(bridge.address, "broker: away").await;
    rabbit.start_again().await;
    expect(&mut subscriber, 600..900).await;
    publishing.await.unwrap();

    assert!(subscriber.is_quiet().await);
    until_summary(bridge.address, "broker: connected\npublished: 900\n").await;
    // Who comes back with the last event ID gets the rest.
    expect(&mut Subscriber::open(bridge.address, Some(early)).await, 300..900).await;
    terminate(&bridge);
    assert!(tokio::task::spawn_blocking(|| bridge.wait()).await.unwrap().success());
    assert_eq!(waiting(&rabbit, "restarts").await, 0);
}

/// The bridge's acknowledgements get lost; then its connection breaks.
#[tokio::test(flavor = "multi_thread")]
async fn what_is_delivered_again_is_published_again_only_where_it_has_no_id() {
    let rabbit = Rabbit::shared().await;
    for (queue, kind, has_ids) in
        [("with ids", "classic", true), ("replicated", "quorum", true), ("without ids", "classic", false)]
    {
        let mut arguments = FieldTable::default();
        arguments.insert("x-queue-type".into(), AMQPValue::LongString(kind.into()));
        let mut publisher = Publisher::new(rabbit.url(), queue, arguments).await;
        let cable = Cable::to(rabbit.port()).await;
        let url = format!("amqp://{}", cable.address);
        let bridge = bridge(0, &url, queue, &["--prefetch", "10"]);
        let mut subscriber = Subscriber::open(bridge.address, None).await;

        cable.mute();
        for number in 0..30 {
            let number = number.to_string();
            publisher.publish(has_ids.then_some(&number), number.as_bytes()).await;
        }
        // No more than may be under way.
        expect(&mut subscriber, 0..10).await;
        assert!(subscriber.is_quiet().await);
        cable.cut();
        expect(&mut subscriber, if has_ids { 10..30 } else { 0..30 }).await;
        assert!(subscriber.is_quiet().await);

        let summary = until_summary(bridge.address, "broker: connected").await;
        let expected =
            if has_ids { "published: 30\nknown already: 10\n" } else { "published: 40\nknown already: 0\n" };
        assert!(summary.contains(expected), "{summary}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn sigterm_ends_it_and_whoever_comes_back_to_the_next_has_missed_nothing() {
    /// Each may come at any moment of a message's way through the bridge.
    const HANDOVERS: u32 = 4;
    const MESSAGES: u32 = 1000 * (HANDOVERS + 1);

    let rabbit = Rabbit::shared().await;
    let publisher = Publisher::new(rabbit.url(), "handed on", FieldTable::default()).await;
    let mut running = bridge(0, &rabbit.url(), "handed on", &[]);
    let address = running.address;
    let mut subscriber = Subscriber::open(address, None).await;
    let publishing = tokio::spawn(publisher.publish_numbers(0..MESSAGES));
    let mut next = 0;
    for _ in 0..HANDOVERS {
        expect(&mut subscriber, next..next + 100).await;
        next += 100;
        terminate(&running);
        let begun = Instant::now();
        while let Some(event) = subscriber.next().await {
            assert_eq!(*event.data, *next.to_string());
            next += 1;
        }
        assert!(subscriber.retry().is_some_and(|retry| retry >= Duration::from_secs(1)));
        let exit = tokio::task::spawn_blocking(|| running.wait()).await.unwrap();
        assert!(exit.success() && begun.elapsed() < SOON, "{exit}");

        running = bridge(address.port(), &rabbit.url(), "handed on", &[]);
        subscriber = Subscriber::open(address, Some(subscriber.last_event_id())).await;
        let OwnedEvent { name, data, .. } = subscriber.next().await.unwrap();
        assert_eq!((name.as_str(), &*data), ("bridge:gap", "unknown"));
    }
    expect(&mut subscriber, next..MESSAGES).await;
    publishing.await.unwrap();
    assert!(subscriber.is_quiet().await);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_not_text_goes_to_the_dead_letters() {
    let rabbit = Rabbit::shared().await;
    let mut dead_letters = FieldTable::default();
    dead_letters.insert("x-dead-letter-exchange".into(), AMQPValue::LongString("".into()));
    dead_letters.insert("x-dead-letter-routing-key".into(), AMQPValue::LongString("dead".into()));
    let _dead = Publisher::new(rabbit.url(), "dead", FieldTable::default()).await;
    let mut publisher = Publisher::new(rabbit.url(), "mixed", dead_letters).await;
    let bridge = bridge(0, &rabbit.url(), "mixed", &[]);
    let mut subscriber = Subscriber::open(bridge.address, None).await;

    publisher.publish(Some("a"), b"\xff\xfe").await;
    publisher.publish(Some("b"), "two\r\nlines, caf\u{e9}".as_bytes()).await;
    assert_eq!(*subscriber.next().await.unwrap().data, *"two\nlines, caf\u{e9}");
    until_summary(bridge.address, "rejected: 1\n").await;

    let (_connection, channel) = rabbit.channel().await.unwrap();
    let deadline = Instant::now() + SOON;
    let dead = loop {
        let dead = channel.basic_get("dead".into(), BasicGetOptions::default()).await.unwrap();
        if let Some(dead) = dead {
            break dead.delivery;
        }
        assert!(Instant::now() < deadline, "it's never a dead letter");
        sleep(Duration::from_millis(20)).await;
    };
    assert_eq!((dead.data, dead.properties.message_id()), (b"\xff\xfe".to_vec(), &Some("a".into())));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_wrong_at_the_start_is_told() {
    let rabbit = Rabbit::shared().await;
    let _publisher = Publisher::new(rabbit.url(), "taken", FieldTable::default()).await;
    let (_connection, channel) = rabbit.channel().await.unwrap();
    let consume = BasicConsumeOptions::default();
    let _consumer =
        channel.basic_consume("taken".into(), "".into(), consume, FieldTable::default()).await.unwrap();

    let wrong = format!("amqp://guest:secret@127.0.0.1:{}", rabbit.port());
    for (url, queue, expected) in [
        (rabbit.url(), "nowhere", "no queue 'nowhere'"),
        (rabbit.url(), "taken", "in exclusive use"),
        (wrong, "taken", "ACCESS_REFUSED"),
    ] {
        let output = tokio::task::spawn_blocking(move || {
            Command::new(BRIDGE).args(["--port", "0", "--url", &url, "--queue", queue]).output().unwrap()
        });
        let output = output.await.unwrap();
        let error = String::from_utf8_lossy(&output.stderr);
        assert!(!output.status.success() && output.stdout.is_empty(), "{output:?}");
        assert!(error.contains(expected) && !error.contains("secret"), "{error}");
    }
}
