//! The log.

use crate::backend::Backend;
use crate::error::{OpenError, WriteError};
use crate::options::DiskOptions;
use crate::writer::{Open, Progress, Request, Writer, now};
use async_channel::{Receiver, Sender};
use core::fmt;
use core::future::Future;
use eventsource_core::channel::{PublishError, Record, SequenceId, StoredLabel};
use eventsource_core::{ChannelOptions, Publication, Topics};
use futures_channel::oneshot;
use redb::backends::FileBackend;
use redb::{Builder, Database, DatabaseError, StorageBackend};
use std::fs::File;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;

/// So many requests may wait for the disk; whoever has another one waits with it.
const REQUESTS: usize = 1024;

/// A log of events on disk, to publish to [`Topics`] that survive a restart.
///
/// What's published is written first, and delivered once it's on the disk. What waits at the same time is written together, so many
/// publishers cost hardly more than one. A thread of the log's own writes: this is used from any runtime, and without one.
///
/// A clone is the same log. When the last one is dropped, what waits is still written, and then the topics are closed.
///
/// ```
/// use eventsource_redb::{ChannelOptions, DiskLog, DiskOptions, LastEventId};
/// use eventsource_redb::channel::Resumed;
///
/// # let folder = tempfile::tempdir()?;
/// # let path = folder.path().join("events.redb");
/// # smol::block_on(async {
/// let (topics, log) = DiskLog::<()>::open(&path, DiskOptions::new(), ChannelOptions::new())?;
/// let id = log.publish("build", "started").await?;
/// log.publish("build", "failed").await?;
/// log.close().await;
/// # drop(topics);
///
/// // After a restart, a client comes back that has seen the first event.
/// let (topics, log) = DiskLog::<()>::open(&path, DiskOptions::new(), ChannelOptions::new())?;
/// let subscription = topics.subscribe(["build"], LastEventId::Id(id.into()));
/// assert_eq!(subscription.resumed(), Resumed::Complete);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// # })?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct DiskLog<L = ()> {
    requests: Sender<Request<L>>,
    progress: Arc<Mutex<Progress>>,
    /// Nothing comes through it; it's closed once everything is written.
    done: Receiver<()>,
}

/// What a [`DiskLog`] has done so far and holds now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct LogStats {
    /// The id of the last event that's on the disk.
    pub reached: SequenceId,
    /// How many events it holds.
    pub events: u64,
    /// How many bytes their records have.
    pub bytes: u64,
    /// How often something was written since it was opened. Each time, everything was that waited.
    pub groups: u64,
    /// How many publications wait.
    pub waiting: usize,
    /// Whether it has failed for good.
    pub has_failed: bool,
}

impl<L: StoredLabel> DiskLog<L> {
    /// Opens a log, or creates one where there's no file, and the topics whose events it keeps. Blocks while it reads: some hundred
    /// thousand events take a second.
    ///
    /// # Errors
    /// [`OpenError`]: among others where another process has it open, and where the file is damaged.
    pub fn open(
        path: impl Into<PathBuf>,
        options: DiskOptions,
        channel: ChannelOptions,
    ) -> Result<(Topics<L>, Self), OpenError> {
        let path = path.into();
        let is_checked = !options.loses_damaged;
        let open = move || {
            let mut file = File::options();
            let file = file.read(true).write(true).create(true).truncate(false).open(&path)?;
            let mut builder = Database::builder();
            // Unchecked, redb panics at what's damaged elsewhere than in an event.
            builder.set_check_integrity_on_open(is_checked);
            Ok((builder, FileBackend::new(file)?))
        };
        Self::open_with(open, options, channel)
    }

    /// Does the same with a database of other settings, such as another cache, or stored elsewhere. `open` is called again after the disk
    /// was full. Have redb [check the integrity](Builder::set_check_integrity_on_open): it may panic otherwise at a file that's damaged.
    ///
    /// # Errors
    /// [`OpenError`].
    pub fn open_with<B: StorageBackend>(
        open: impl Fn() -> Result<(Builder, B), DatabaseError> + Send + 'static,
        options: DiskOptions,
        channel: ChannelOptions,
    ) -> Result<(Topics<L>, Self), OpenError> {
        let open = move || {
            let (builder, backend) = open()?;
            builder.create_with_backend(Backend(backend))
        };
        let (topics, follower) = Topics::following(channel);
        let writer = Writer::open(Box::new(open) as Open, options, follower)?;
        let progress = Arc::new(Mutex::new(writer.progress()));
        let (requests, requested) = async_channel::bounded(REQUESTS);
        let (is_running, done) = async_channel::bounded(1);
        let shared = Arc::clone(&progress);
        let write = move || {
            writer.run(&requested, &shared);
            drop(is_running);
        };
        thread::Builder::new().name("eventsource-redb".to_owned()).spawn(write).map_err(OpenError::Thread)?;
        Ok((topics, Self { requests, progress, done }))
    }

    /// Publishes an event to a topic. Returns its id once it's on the disk and everyone has it.
    ///
    /// # Cancel safety
    /// A future that's dropped has published the event or not, nothing in between. [`publish_once`](Self::publish_once) can be repeated
    /// then.
    ///
    /// # Errors
    /// [`WriteError`]; then nothing was published, or, where the log has [failed](WriteError::Failed), that isn't known.
    pub fn publish<P>(
        &self,
        topic: &str,
        publication: P,
    ) -> impl Future<Output = Result<SequenceId, WriteError>> + use<P, L>
    where
        P: Into<Publication<L>>,
    {
        self.send(Record::new(topic, publication.into(), now()).map(|record| vec![record]))
    }

    /// Publishes an event to a topic, unless one was published with the same token. Returns the id of that one then. So a publisher that
    /// doesn't know whether it has published may try again.
    ///
    /// # Errors
    /// [`WriteError`]; then nothing was published, or, where the log has [failed](WriteError::Failed), that isn't known.
    pub fn publish_once<P>(
        &self,
        token: &str,
        topic: &str,
        publication: P,
    ) -> impl Future<Output = Result<SequenceId, WriteError>> + use<P, L>
    where
        P: Into<Publication<L>>,
    {
        let record = Record::new(topic, publication.into(), now());
        self.send(record.and_then(|record| record.with_token(token)).map(|record| vec![record]))
    }

    /// Publishes several events to a topic at once: all or none. Returns the id of the last; that of the last before where there
    /// are none.
    ///
    /// # Errors
    /// [`WriteError`]; then nothing was published, or, where the log has [failed](WriteError::Failed), that isn't known.
    pub fn publish_all<I>(
        &self,
        topic: &str,
        publications: I,
    ) -> impl Future<Output = Result<SequenceId, WriteError>> + use<I, L>
    where
        I: IntoIterator<Item: Into<Publication<L>>>,
    {
        let now = now();
        let record = |publication: I::Item| Record::new(topic, publication.into(), now);
        self.send(publications.into_iter().map(record).collect())
    }

    fn send(
        &self,
        records: Result<Vec<Record<L>>, PublishError>,
    ) -> impl Future<Output = Result<SequenceId, WriteError>> + use<L> {
        let requests = self.requests.clone();
        let (reply, replied) = oneshot::channel();
        let request = records.map(|records| Request {
            topic: records.first().map_or_else(String::new, |record| record.topic().to_owned()),
            encoded: records.iter().map(Record::encode).collect(),
            records,
            reply,
        });
        async move {
            requests.send(request?).await.map_err(|_| WriteError::Closed)?;
            replied.await.map_err(|_| WriteError::Closed)?
        }
    }

    /// Returns what the log has done so far and holds now.
    pub fn stats(&self) -> LogStats {
        let progress = *self.progress.lock().unwrap_or_else(PoisonError::into_inner);
        LogStats {
            reached: progress.reached,
            events: progress.held.events,
            bytes: progress.held.bytes,
            groups: progress.groups,
            waiting: self.requests.len(),
            has_failed: progress.has_failed,
        }
    }

    /// Accepts nothing more. Returns once everything that was accepted is on the disk; the topics are closed then, and the log can be
    /// opened again.
    pub async fn close(&self) {
        self.requests.close();
        let closed = self.done.recv().await;
        debug_assert!(closed.is_err(), "nothing is sent");
    }
}

impl<L> Clone for DiskLog<L> {
    fn clone(&self) -> Self {
        Self {
            requests: self.requests.clone(),
            progress: Arc::clone(&self.progress),
            done: self.done.clone(),
        }
    }
}

/// The counts, never an event or a name.
impl<L> fmt::Debug for DiskLog<L> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DiskLog").field("waiting", &self.requests.len()).finish_non_exhaustive()
    }
}
