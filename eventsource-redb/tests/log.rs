//! A log through restarts, as its users meet it.

use core::time::Duration;
use eventsource_core::channel::{PublishError, Resumed, SequenceId, Start};
use eventsource_core::test_util::{Probe, interpret};
use eventsource_core::{
    ChannelOptions, Event, EventId, EventStream, Frame, LastEventId, Publication, Topics,
};
use eventsource_redb::{DiskLog, DiskOptions, OpenError, WriteError};
use futures_util::future::join_all;
use futures_util::{FutureExt, StreamExt};
use smol::block_on;
use std::fs::File;
use std::path::Path;
use tempfile::TempDir;

type Log = DiskLog<String>;

fn open(folder: &TempDir) -> (Topics<String>, Log) {
    open_with(folder, DiskOptions::new())
}

fn open_with(folder: &TempDir, options: DiskOptions) -> (Topics<String>, Log) {
    Log::open(folder.path().join("log"), options, ChannelOptions::new()).unwrap()
}

/// The data that a client gets that has seen a last event ID, and how it was resumed.
fn read(topics: &Topics<String>, last_event_id: &str) -> (Vec<String>, Resumed) {
    let builder = topics.subscription(["a", "b"]).start(Start::Oldest);
    let subscription = builder.resume(LastEventId::parse(last_event_id.as_bytes())).begin().unwrap();
    let resumed = subscription.resumed();
    let mut stream = Probe::new(EventStream::without_timer(subscription));
    let frames = Frame::from_iter(stream.take_ready(usize::MAX));
    (interpret(frames.as_bytes()).events.into_iter().map(|event| event.data).collect(), resumed)
}

fn publication(data: &str) -> Publication<String> {
    Publication::new(data).label("label".to_owned())
}

#[test]
fn whoever_comes_back_after_a_restart_has_missed_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let first = block_on(async {
        let (topics, log) = open(&folder);
        let first = log.publish("a", publication("1")).await.unwrap();
        assert_eq!(read(&topics, "").0, ["1"], "what's published is there");
        log.publish("b", publication("2").key("k")).await.unwrap();
        let last = log.publish_all("a", ["3", "4"].map(publication)).await.unwrap();
        assert_eq!(last, SequenceId::new(first.epoch(), 4));
        assert_eq!(log.publish_all("a", [""; 0].map(publication)).await.unwrap(), last);
        log.close().await;
        assert!(matches!(log.publish("a", publication("5")).await, Err(WriteError::Closed)));
        first
    });
    let (topics, log) = open(&folder);
    assert_eq!(
        read(&topics, &first.to_string()),
        (["2", "3", "4"].map(String::from).into(), Resumed::Complete)
    );
    assert_eq!(log.stats().reached, SequenceId::new(first.epoch(), 4));
    assert_eq!(block_on(log.publish("a", publication("5"))).unwrap(), SequenceId::new(first.epoch(), 5));
    // The label has survived, too.
    let builder = topics.subscription(["a"]).start(Start::Oldest).filter(|label: &String| label == "label");
    let mut stream = Probe::new(EventStream::without_timer(builder.begin().unwrap()));
    let frames = Frame::from_iter(stream.take_ready(usize::MAX));
    assert_eq!(interpret(frames.as_bytes()).events.len(), 4);
    // Nobody has seen more than the log has.
    assert_eq!(read(&topics, &SequenceId::new(first.epoch(), 6).to_string()).1, Resumed::Unknown);
}

#[test]
fn the_end_of_the_log_closes_the_topics_and_everything_accepted_is_written() {
    let folder = tempfile::tempdir().unwrap();
    let (topics, log) = open(&folder);
    let mut stream = Box::pin(EventStream::without_timer(topics.subscribe(["a"], LastEventId::None)));
    for n in 0..100 {
        // Accepted, and not waited for.
        let _ = log.publish("a", publication(&n.to_string())).now_or_never();
    }
    drop(log);
    let frames: Vec<_> = block_on(stream.by_ref().collect());
    let events = interpret(Frame::from_iter(frames).as_bytes()).events;
    assert_eq!(events.len(), 100);
    assert!(events.iter().enumerate().all(|(n, event)| event.data == n.to_string()), "in order");
}

#[test]
fn many_publishers_are_written_together_and_each_has_its_own_id() {
    let folder = tempfile::tempdir().unwrap();
    let (topics, log) = open(&folder);
    let publish = (0..2000).map(|n| log.publish("a", publication(&n.to_string())));
    let mut ids: Vec<_> = block_on(join_all(publish)).into_iter().map(|id| id.unwrap().sequence()).collect();
    ids.sort_unstable();
    assert!(ids.into_iter().eq(1..=2000));
    let stats = log.stats();
    assert!(stats.groups <= 200, "{stats:?}");
    assert_eq!((stats.events, stats.waiting, stats.has_failed), (2000, 0, false));
    assert_eq!(topics.stats().published, 2000);
}

#[test]
fn a_repeated_token_counts_once_also_after_a_restart() {
    let folder = tempfile::tempdir().unwrap();
    let (topics, log) = open(&folder);
    block_on(async {
        let id = log.publish_once("t", "a", publication("1")).await.unwrap();
        assert_eq!(log.publish_once("t", "a", publication("1")).await.unwrap(), id);
        let both =
            [log.publish_once("u", "a", publication("2")), log.publish_once("u", "a", publication("2"))];
        let both = join_all(both).await;
        assert_eq!(both[0].as_ref().unwrap(), both[1].as_ref().unwrap());
        assert_eq!(read(&topics, "").0, ["1", "2"]);
        log.close().await;
        let (topics, log) = open(&folder);
        assert_eq!(log.publish_once("t", "a", publication("1")).await.unwrap(), id);
        assert_eq!(read(&topics, "").0, ["1", "2"]);
        log.close().await;
        // Of more than so many tokens the oldest is forgotten.
        let (topics, log) = open_with(&folder, DiskOptions::new().tokens(1));
        assert_ne!(log.publish_once("t", "a", publication("1")).await.unwrap(), id);
        assert_eq!(read(&topics, "").0, ["1", "2", "1"]);
    });
}

#[test]
fn what_is_kept_has_bounds_and_what_is_gone_is_a_gap() {
    block_on(async {
        for (options, kept) in [
            (DiskOptions::new().retain(10, u64::MAX), 10),
            (DiskOptions::new().retain(u64::MAX, 375), 10),
            (DiskOptions::new().retain(0, 0), 1),
        ] {
            let folder = tempfile::tempdir().unwrap();
            let (_topics, log) = open_with(&folder, options.clone());
            let mut last = None;
            for n in 0..100 {
                last = Some(log.publish("a", publication(&format!("{n:3}"))).await.unwrap());
            }
            let stats = log.stats();
            assert_eq!(stats.events, kept, "{stats:?}");
            log.close().await;
            let (topics, log) = open_with(&folder, options);
            assert_eq!((log.stats().events, log.stats().bytes), (stats.events, stats.bytes));
            let (epoch, seen) = (last.unwrap().epoch(), 100 - kept);
            let at = |number| read(&topics, &SequenceId::new(epoch, number).to_string());
            let (events, resumed) = at(seen);
            assert_eq!((events.len() as u64, resumed), (kept, Resumed::Complete));
            assert!(matches!(at(seen - 1).1, Resumed::Gap { missed: 1, .. }), "{:?}", at(seen - 1).1);
        }
    });
}

#[test]
fn large_batches_do_not_outgrow_what_is_kept() {
    let folder = tempfile::tempdir().unwrap();
    let (_topics, log) = open_with(&folder, DiskOptions::new().retain(100, u64::MAX));
    for _ in 0..3 {
        block_on(log.publish_all("a", (0..10_000).map(|n: u32| publication(&n.to_string())))).unwrap();
    }
    assert_eq!(log.stats().events, 100);
}

#[test]
fn a_damaged_event_ages_like_any_other() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("log");
    let (_topics, log) = open(&folder);
    block_on(log.publish("a", publication("a needle"))).unwrap();
    block_on(log.publish("a", publication("old"))).unwrap();
    block_on(log.close());
    damage(&path, b"a needle");
    std::thread::sleep(Duration::from_millis(20));
    let options = DiskOptions::new().lose_damaged(true).retain_for(Duration::from_millis(10));
    let (_topics, log) = open_with(&folder, options);
    block_on(log.publish("a", publication("new"))).unwrap();
    assert!(log.stats().events <= 1, "{:?}", log.stats());
}

#[test]
fn what_is_too_old_is_let_go_when_the_log_is_opened_and_when_something_is_published() {
    let folder = tempfile::tempdir().unwrap();
    let options = DiskOptions::new().retain_for(Duration::from_millis(300));
    block_on(async {
        let (_topics, log) = open_with(&folder, options.clone());
        let id = log.publish("a", publication("old")).await.unwrap();
        log.close().await;
        smol::Timer::after(Duration::from_millis(400)).await;
        let (topics, log) = open_with(&folder, options);
        assert_eq!(read(&topics, "").0, [""; 0]);
        log.publish("a", publication("new")).await.unwrap();
        assert_eq!(log.stats().events, 1, "the old one isn't on the disk any more");
        assert_eq!(read(&topics, &id.to_string()), (vec!["new".to_owned()], Resumed::Complete));
    });
}

#[test]
fn a_log_is_open_once() {
    let folder = tempfile::tempdir().unwrap();
    let (_topics, log) = open(&folder);
    let again = Log::open(folder.path().join("log"), DiskOptions::new(), ChannelOptions::new());
    assert!(matches!(again, Err(OpenError::InUse)), "{again:?}");
    block_on(log.close());
    open(&folder);
}

#[test]
fn a_restored_backup_begins_another_epoch() {
    let folder = tempfile::tempdir().unwrap();
    let (_topics, log) = open(&folder);
    let id = block_on(log.publish("a", publication("1"))).unwrap();
    block_on(log.close());
    let (topics, log) = open_with(&folder, DiskOptions::new().begin_anew(true));
    assert_ne!(log.stats().reached.epoch(), id.epoch());
    assert_eq!(read(&topics, &id.to_string()), (vec!["1".to_owned()], Resumed::Unknown));
}

#[test]
fn another_file_is_no_log() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("log");
    let open = |path: &Path| Log::open(path, DiskOptions::new(), ChannelOptions::new()).unwrap_err();
    std::fs::write(&path, "a text that's long enough to be looked at, and isn't a database at all").unwrap();
    assert!(matches!(open(&path), OpenError::Database(_)), "{}", open(&path));
    assert!(matches!(open(folder.path()), OpenError::Database(_)));
    assert!(matches!(open(&folder.path().join("no/such")), OpenError::Database(_)));

    std::fs::remove_file(&path).unwrap();
    let database = redb::Database::create(&path).unwrap();
    let transaction = database.begin_write().unwrap();
    transaction.open_table(redb::TableDefinition::<&str, &str>::new("of another")).unwrap();
    transaction.commit().unwrap();
    drop(database);
    assert!(matches!(open(&path), OpenError::Format { version: None, .. }), "{}", open(&path));
}

/// Changes the first byte of `needle`, wherever it stands in a file.
fn damage(path: &Path, needle: &[u8]) {
    let mut bytes = std::fs::read(path).unwrap();
    let parts = bytes.windows(needle.len()).enumerate();
    let at: Vec<_> = parts.filter(|(_, part)| *part == needle).map(|(at, _)| at).collect();
    assert!(!at.is_empty(), "what isn't compressed is found");
    for at in at {
        bytes[at] ^= 1;
    }
    std::fs::write(path, bytes).unwrap();
}

#[test]
fn a_flipped_byte_is_noticed_and_can_be_lost() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("log");
    let (_topics, log) = open(&folder);
    let first = block_on(log.publish("a", publication("1"))).unwrap();
    block_on(log.publish("a", publication("a needle"))).unwrap();
    block_on(log.publish("a", publication("3"))).unwrap();
    block_on(log.close());
    damage(&path, b"a needle");
    let error = Log::open(&path, DiskOptions::new(), ChannelOptions::new()).unwrap_err();
    assert!(matches!(error, OpenError::Database(redb::Error::Corrupted(_))), "{error}");
    // Which event it is, the log itself finds out.
    let unchecked = {
        let path = path.clone();
        move || {
            Ok((
                redb::Builder::new(),
                redb::backends::FileBackend::new(File::options().read(true).write(true).open(&path)?)?,
            ))
        }
    };
    let error = Log::open_with(unchecked, DiskOptions::new(), ChannelOptions::new()).unwrap_err();
    assert!(matches!(error, OpenError::Damaged { number: 2, error: None, .. }), "{error}");
    let (topics, _log) = open_with(&folder, DiskOptions::new().lose_damaged(true));
    let (events, resumed) = read(&topics, &first.to_string());
    assert_eq!(events, ["3"]);
    assert!(matches!(resumed, Resumed::Gap { missed: 1, .. }), "{resumed:?}");
}

/// Every 97th byte.
#[test]
fn a_byte_flipped_anywhere_is_noticed_or_does_not_matter() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("log");
    let (_topics, log) = open(&folder);
    for n in 0..50 {
        block_on(log.publish_all("a", [n, n].map(|n: u32| publication(&n.to_string())))).unwrap();
    }
    block_on(log.close());
    let bytes = std::fs::read(&path).unwrap();
    let mut noticed = 0;
    for at in (0..bytes.len()).filter(|&at| bytes[at] != 0).step_by(97) {
        let mut damaged = bytes.clone();
        damaged[at] ^= 1 << (at % 8);
        std::fs::write(&path, damaged).unwrap();
        match Log::open(&path, DiskOptions::new(), ChannelOptions::new()) {
            Ok((topics, log)) => {
                assert_eq!(read(&topics, "").0.len(), 100, "{at}");
                block_on(log.close());
            }
            Err(OpenError::Database(_) | OpenError::Format { .. }) => noticed += 1,
            Err(error) => panic!("{error}"),
        }
    }
    assert!(noticed > 50, "{noticed}");
}

/// Whatever of an event's place in the file is damaged, it isn't taken for another one, and what's published then is delivered.
#[test]
fn an_event_with_another_number_is_damaged() {
    let table = redb::TableDefinition::<u64, &[u8]>::new("events");
    let about = redb::TableDefinition::<&str, u64>::new("eventsource");
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("log");
    for (from, to, left) in [
        (2, 7, &["1", "3", "4"][..]),
        (4, 9, &["1", "2", "3"]),
        (1, 5, &["2", "3", "4"]),
        (0, 2, &["3", "4"]),
        (0, 9, &[]),
    ] {
        let _ = std::fs::remove_file(&path);
        let (_topics, log) = open(&folder);
        block_on(log.publish_all("a", ["1", "2", "3", "4"].map(publication))).unwrap();
        block_on(log.close());
        let database = redb::Database::create(&path).unwrap();
        let transaction = database.begin_write().unwrap();
        if from == 0 {
            transaction.open_table(about).unwrap().insert("gone", to).unwrap();
        } else {
            let mut table = transaction.open_table(table).unwrap();
            let value = table.remove(from).unwrap().unwrap().value().to_owned();
            table.insert(to, &*value).unwrap();
        }
        transaction.commit().unwrap();
        drop(database);
        let error = Log::open(&path, DiskOptions::new(), ChannelOptions::new()).unwrap_err();
        assert!(matches!(error, OpenError::Damaged { error: None, .. }), "{error}");
        let (topics, log) = open_with(&folder, DiskOptions::new().lose_damaged(true));
        let all = |topics| {
            let id = SequenceId::new(log.stats().reached.epoch(), 0).to_string();
            read(topics, &id).0
        };
        assert_eq!(all(&topics), left);
        let id = block_on(log.publish("a", publication("more"))).unwrap();
        assert!(id.sequence() > 4, "no number is given twice");
        assert_eq!(all(&topics).last().unwrap(), "more");
    }
}

#[test]
fn what_can_not_be_published_is_refused_and_nothing_is_lost() {
    let folder = tempfile::tempdir().unwrap();
    let (topics, log) = open(&folder);
    let with_id = || Publication::new(Event::new("x").id(EventId::new("7").unwrap())).label(String::new());
    block_on(async {
        let refused = log.publish("a", with_id()).await.unwrap_err();
        assert!(
            matches!(&refused, WriteError::Refused(error) if matches!(**error, PublishError::UnexpectedId))
        );
        log.publish_all("a", [publication("1"), with_id()]).await.unwrap_err();
        log.publish(&"x".repeat(70_000), publication("1")).await.unwrap_err();
        assert_eq!(read(&topics, "").0, [""; 0]);
        assert!(matches!(topics.publish("a", publication("1")), Err(PublishError::Following)));
    });
}

#[test]
fn topics_go_with_their_events() {
    let folder = tempfile::tempdir().unwrap();
    let (topics, log) = open_with(&folder, DiskOptions::new().retain(100, u64::MAX));
    block_on(async {
        let publish = (0..3000).map(|n| log.publish(&format!("topic {n}"), publication("x")));
        assert!(join_all(publish).await.iter().all(Result::is_ok));
        assert_eq!((topics.stats().topics, topics.stats().events), (100, 100));
    });
}

#[test]
fn a_long_token_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let (_topics, log) = open(&folder);
    block_on(async {
        log.publish_once(&"x".repeat(256), "a", publication("x")).await.unwrap();
        let refused = log.publish_once(&"x".repeat(257), "a", publication("x")).await.unwrap_err();
        assert_eq!(refused.to_string(), "a topic's name, a key or a token of more than 256 bytes");
    });
}

#[test]
fn publications_may_be_spawned() {
    fn spawnable<T: Send + 'static>(_: &T) {}
    let folder = tempfile::tempdir().unwrap();
    let (_topics, log) = open(&folder);
    spawnable(&log.publish("a", publication("x")));
    spawnable(&log.publish_once("t", "a", publication("x")));
    spawnable(&log.publish_all("a", [publication("x")]));
}
