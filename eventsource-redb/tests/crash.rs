//! A log on a disk that fails, and through power cuts and kills: nothing acknowledged is lost, and nothing else is made of it.

use eventsource_core::channel::Start;
use eventsource_core::test_util::{Probe, interpret};
use eventsource_core::{ChannelOptions, EventStream, Frame, Topics};
use eventsource_redb::{DiskLog, DiskOptions, OpenError, WriteError};
use redb::{Builder, DatabaseError, StorageBackend};
use smol::block_on;
use std::io::{self, BufRead, BufReader, ErrorKind, Write};
use std::ops::Range;
use std::process::{Command, Stdio};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

/// A disk in memory that fails when it's told to.
#[derive(Clone, Debug, Default)]
struct Disk(Arc<Mutex<State>>);

#[derive(Debug, Default)]
struct State {
    bytes: Vec<u8>,
    /// What's there for certain, and what was written since.
    synced: Vec<u8>,
    unsynced: Vec<Change>,
    /// After so many changes and syncs comes a failure.
    until_failure: Option<(u32, ErrorKind)>,
    /// How many changes and syncs there were.
    ops: u32,
    /// It's full at these.
    full: Range<u32>,
    /// A sync has failed.
    has_lost: bool,
    /// It has no power: nothing works.
    is_off: bool,
}

#[derive(Clone, Debug)]
enum Change {
    Write(u64, Vec<u8>),
    SetLen(u64),
}

impl Change {
    fn apply(&self, bytes: &mut Vec<u8>) {
        match self {
            Self::Write(at, data) => {
                let at = usize::try_from(*at).unwrap();
                if bytes.len() < at + data.len() {
                    bytes.resize(at + data.len(), 0);
                }
                bytes[at..at + data.len()].copy_from_slice(data);
            }
            Self::SetLen(len) => bytes.resize(usize::try_from(*len).unwrap(), 0),
        }
    }
}

impl Disk {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap()
    }

    fn fail_after(&self, ops: u32, kind: ErrorKind) {
        self.lock().until_failure = Some((ops, kind));
    }

    /// Has the power come back: what was synced is there, and of what was written since, what `random` says.
    fn restart(&self, mut random: impl FnMut() -> bool) {
        let mut state = self.lock();
        let mut bytes = state.synced.clone();
        for change in state.unsynced.drain(..).filter(|_| random()) {
            change.apply(&mut bytes);
        }
        state.synced.clone_from(&bytes);
        (state.bytes, state.is_off, state.until_failure, state.full) = (bytes, false, None, 0..0);
    }

    fn open(&self) -> impl Fn() -> Result<(Builder, Self), DatabaseError> + Send + use<> {
        let disk = self.clone();
        move || Ok((Builder::new(), disk.clone()))
    }

    fn log(&self) -> Result<(Topics, DiskLog), OpenError> {
        DiskLog::open_with(self.open(), DiskOptions::new(), ChannelOptions::new().retain(10_000, 1 << 30))
    }
}

impl State {
    /// Counts a change or a sync, which may be the one that fails.
    fn step(&mut self) -> io::Result<()> {
        if self.is_off {
            return Err(io::Error::other("there's no power"));
        }
        self.ops += 1;
        if self.full.contains(&self.ops) {
            return Err(ErrorKind::StorageFull.into());
        }
        if let Some((left, kind)) = &mut self.until_failure {
            if *left == 0 {
                let kind = *kind;
                self.until_failure = None;
                // The other kind stands for a power cut.
                self.is_off = kind == ErrorKind::Other;
                return Err(kind.into());
            }
            *left -= 1;
        }
        Ok(())
    }

    fn change(&mut self, change: Change) -> io::Result<()> {
        self.step()?;
        change.apply(&mut self.bytes);
        self.unsynced.push(change);
        Ok(())
    }
}

impl StorageBackend for Disk {
    fn len(&self) -> io::Result<u64> {
        Ok(self.lock().bytes.len() as u64)
    }

    fn read(&self, offset: u64, out: &mut [u8]) -> io::Result<()> {
        let state = self.lock();
        let at = usize::try_from(offset).unwrap();
        let bytes = state.bytes.get(at..at + out.len()).ok_or(ErrorKind::UnexpectedEof)?;
        out.copy_from_slice(bytes);
        Ok(())
    }

    fn set_len(&self, len: u64) -> io::Result<()> {
        self.lock().change(Change::SetLen(len))
    }

    fn sync_data(&self) -> io::Result<()> {
        let mut state = self.lock();
        let outcome = state.step();
        let State { synced, unsynced, .. } = &mut *state;
        // What couldn't be synced can still be read, and is lost: no later sync tries it again.
        let changes = unsynced.drain(..);
        match &outcome {
            Ok(()) => changes.for_each(|change| change.apply(synced)),
            Err(_) => drop(changes),
        }
        state.has_lost |= outcome.is_err();
        outcome
    }

    fn write(&self, offset: u64, data: &[u8]) -> io::Result<()> {
        self.lock().change(Change::Write(offset, data.to_vec()))
    }
}

/// The data of all events.
fn read(topics: &Topics) -> Vec<String> {
    let subscription = topics.subscription(["a"]).start(Start::Oldest).begin().unwrap();
    let mut stream = Probe::new(EventStream::without_timer(subscription));
    let frames = Frame::from_iter(stream.take_ready(usize::MAX));
    interpret(frames.as_bytes()).events.into_iter().map(|event| event.data).collect()
}

/// The next seed of Knuth's MMIX generator, of which the high bits are random.
fn next(seed: &mut u64) -> u64 {
    *seed = seed.wrapping_mul(0x5851_f42d_4c95_7f2d).wrapping_add(0x1405_7b7e_f767_814f);
    *seed >> 33
}

/// Each change and each sync of five publications fails once.
#[test]
fn a_full_disk_leaves_the_log_as_it_was_and_any_other_failure_is_final() {
    for kind in [ErrorKind::StorageFull, ErrorKind::PermissionDenied] {
        let mut failures = 0;
        for op in 0.. {
            let disk = Disk::default();
            let (topics, log) = disk.log().unwrap();
            block_on(log.publish("a", "before")).unwrap();
            let ops = disk.lock().ops;
            disk.fail_after(op, kind);
            let mut expected = vec!["before".to_owned()];
            let mut failed = None;
            for n in 0..5 {
                match block_on(log.publish("a", n.to_string())) {
                    Ok(_) => expected.push(n.to_string()),
                    Err(error) => failed = Some(error),
                }
            }
            let has_failed = disk.lock().until_failure.is_none();
            disk.lock().until_failure = None;
            assert_eq!(read(&topics,), expected, "what's acknowledged is delivered, nothing else");
            match &failed {
                // A change after the last acknowledgement, or one that could be done without.
                None => {}
                Some(WriteError::Full(_)) => {
                    assert_eq!(kind, ErrorKind::StorageFull);
                    assert_eq!(expected.len(), 5, "one wasn't published");
                    assert!(!log.stats().has_failed);
                }
                Some(error) => {
                    assert!(matches!(error, WriteError::Failed(_)), "{error}");
                    assert!(kind == ErrorKind::PermissionDenied || disk.lock().has_lost, "{error}");
                    assert!(log.stats().has_failed);
                }
            }
            failures += u32::from(failed.is_some());
            block_on(log.close());
            // What isn't acknowledged may be there if it's not known that it isn't.
            let (topics, log) = disk.log().unwrap();
            let there = read(&topics);
            assert!(there.starts_with(&expected), "{there:?}, {expected:?}");
            assert!(there.len() == expected.len() || matches!(failed, Some(WriteError::Failed(_))));
            block_on(log.close());
            if !has_failed {
                assert!(op > 20, "{op} changes and syncs after {ops}");
                break;
            }
        }
        assert!(failures > 10, "{failures}");
    }
}

#[test]
fn whoever_publishes_while_the_disk_is_full_is_told_what_became_of_it() {
    let (mut seed, mut full, mut failed) = (3, 0, 0);
    for _ in 0..500 {
        let disk = Disk::default();
        let (topics, log) = disk.log().unwrap();
        let mut acknowledged = Vec::new();
        let mut has_failed = false;
        for n in 0..40 {
            if n % 6 == 0 {
                let from = disk.lock().ops + u32::try_from(next(&mut seed) % 25).unwrap();
                disk.lock().full = from..from + u32::try_from(next(&mut seed) % 30).unwrap();
            }
            let batch: Vec<_> = (0..=next(&mut seed) % 3).map(|m| format!("{n}-{m}")).collect();
            match block_on(log.publish_all("a", &batch)) {
                Ok(_) => acknowledged.extend(batch),
                Err(WriteError::Full(_)) => full += 1,
                Err(error) => {
                    assert!(disk.lock().has_lost, "{error}");
                    has_failed = true;
                }
            }
        }
        assert_eq!(read(&topics), acknowledged);
        failed += u32::from(has_failed);
        // A power cut, or an orderly end.
        disk.lock().is_off = next(&mut seed).is_multiple_of(2);
        block_on(log.close());
        disk.restart(|| next(&mut seed).is_multiple_of(2));
        let (topics, _log) = disk.log().unwrap();
        let there = read(&topics);
        assert!(there.starts_with(&acknowledged), "{acknowledged:?}, {there:?}");
        assert!(has_failed || there.len() == acknowledged.len(), "{acknowledged:?}, {there:?}");
    }
    assert!(full > 1000 && failed > 100 && failed < 500, "{full} {failed}");
}

/// Here nothing keeps another process out while the log can't be opened again.
#[test]
fn what_another_process_has_written_while_the_disk_was_full_stays() {
    let disk = Disk::default();
    let (topics, log) = disk.log().unwrap();
    block_on(log.publish("a", "before")).unwrap();
    disk.lock().full = 0..u32::MAX;
    assert!(matches!(block_on(log.publish("a", "full")), Err(WriteError::Full(_))));
    disk.lock().full = 0..0;
    let (_topics, other) = disk.log().unwrap();
    block_on(other.publish("a", "the other's")).unwrap();
    block_on(other.close());
    assert!(matches!(block_on(log.publish("a", "after")), Err(WriteError::Failed(_))));
    assert_eq!(read(&topics), ["before"]);
    block_on(log.close());
    assert_eq!(read(&disk.log().unwrap().0), ["before", "the other's"]);
}

#[test]
fn a_power_cut_at_any_moment_loses_nothing_acknowledged() {
    let mut seed = 7;
    for _ in 0..300 {
        let disk = Disk::default();
        let mut acknowledged = Vec::new();
        for life in 0..4 {
            let (topics, log) = disk.log().unwrap();
            let there = read(&topics);
            let mut all = there.iter();
            assert!(
                acknowledged.iter().all(|data| all.any(|there| there == data)),
                "{acknowledged:?} of {there:?}"
            );
            acknowledged = there;
            disk.fail_after(u32::try_from(next(&mut seed) % 60).unwrap(), ErrorKind::Other);
            for n in 0..10 {
                let data = format!("{life}-{n}");
                match block_on(log.publish("a", &data)) {
                    Ok(_) => acknowledged.push(data),
                    Err(_) => break,
                }
            }
            block_on(log.close());
            disk.restart(|| next(&mut seed).is_multiple_of(2));
        }
    }
}

/// What a process does that is to be killed: it says what was acknowledged.
#[test]
#[ignore = "the process of the test below"]
fn publish_until_killed() {
    let path = std::env::var_os("EVENTSOURCE_LOG").unwrap();
    let (topics, log) = DiskLog::<()>::open(path, DiskOptions::new(), ChannelOptions::new()).unwrap();
    let mut stdout = io::stdout().lock();
    writeln!(stdout, "has {}", read(&topics).last().map_or("0", String::as_str)).unwrap();
    for n in log.stats().reached.sequence() + 1.. {
        let id = block_on(log.publish("a", n.to_string())).unwrap();
        writeln!(stdout, "acknowledged {}", id.sequence()).unwrap();
    }
}

#[test]
fn killed_a_hundred_times_it_loses_nothing_acknowledged() {
    let folder = tempfile::tempdir().unwrap();
    let (mut seed, mut acknowledged) = (1, 0);
    for _ in 0..100 {
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["--ignored", "--exact", "publish_until_killed", "--nocapture"])
            .env("EVENTSOURCE_LOG", folder.path().join("log"))
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines().map_while(Result::ok);
        let has =
            lines.find_map(|line| line.rsplit_once("has ").map(|(_, number)| number.to_owned())).unwrap();
        let has: u64 = has.parse().unwrap();
        assert!(has >= acknowledged, "{has} of {acknowledged}");
        let more = next(&mut seed) % 20;
        std::thread::sleep(Duration::from_micros(next(&mut seed) % 2000));
        let numbers = lines.by_ref().filter_map(|line| line.strip_prefix("acknowledged ")?.parse().ok());
        for number in numbers.take(usize::try_from(more).unwrap()) {
            acknowledged = number;
        }
        child.kill().unwrap();
        // What it has said before it was killed counts, too.
        let rest = lines.filter_map(|line| line.strip_prefix("acknowledged ")?.parse().ok());
        acknowledged = rest.last().unwrap_or(acknowledged);
        child.wait().unwrap();
    }
    assert!(acknowledged > 300, "{acknowledged}");
}
