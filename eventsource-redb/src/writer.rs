//! The thread that writes.

use crate::error::{OpenError, WriteError, is_full};
use crate::options::DiskOptions;
use crate::table::{self, Held};
use async_channel::Receiver;
use core::time::Duration;
use eventsource_core::channel::{ApplyError, Follower, Record, SequenceId, StoredLabel, Tokens};
use futures_channel::oneshot;
use redb::{Database, DatabaseError};
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::SystemTime;

/// Opens the database, also again after a failure.
pub(crate) type Open = Box<dyn Fn() -> Result<Database, DatabaseError> + Send>;

/// So many requests, or so many bytes, go to the disk together.
const REQUESTS: usize = 1024;
const BYTES: usize = 4 << 20;

/// Events of one topic to be published together. The last one has their token.
pub(crate) struct Request<L> {
    pub(crate) topic: String,
    pub(crate) records: Vec<Record<L>>,
    pub(crate) encoded: Vec<Vec<u8>>,
    pub(crate) reply: oneshot::Sender<Result<SequenceId, WriteError>>,
}

impl<L> Request<L> {
    fn bytes(&self) -> usize {
        self.encoded.iter().map(Vec::len).fold(0, usize::saturating_add)
    }

    fn token(&self) -> Option<&str> {
        self.records.last().and_then(Record::token)
    }
}

/// What everyone may ask of the log.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Progress {
    pub(crate) reached: SequenceId,
    pub(crate) held: Held,
    /// How often something was written.
    pub(crate) groups: u64,
    pub(crate) has_failed: bool,
}

pub(crate) struct Writer<L> {
    open: Open,
    /// None where it has failed, and isn't opened again yet.
    database: Option<Database>,
    options: DiskOptions,
    follower: Follower<L>,
    epoch: u64,
    last: u64,
    held: Held,
    tokens: Tokens,
    groups: u64,
    failure: Option<Arc<redb::Error>>,
}

impl<L: StoredLabel> Writer<L> {
    /// Opens the log, and applies what's in it.
    pub(crate) fn open(
        open: Open,
        options: DiskOptions,
        mut follower: Follower<L>,
    ) -> Result<Self, OpenError> {
        let database = open()?;
        let about = table::begin(&database, options.begins_anew)?;
        let mut tokens = Tokens::new(options.tokens);
        let now = now();
        // Nobody else can have seen more.
        follower.set_alone(true);
        follower.begin(about.epoch, about.gone);
        let held = table::read(&database, about.gone, |number, record| {
            let record = match record.map(Record::<L>::decode) {
                Some(Ok(record)) => record,
                _ if options.loses_damaged => return Ok(()),
                Some(Err(error)) => return Err(OpenError::Damaged { number, error: Some(error) }),
                None => return Err(OpenError::Damaged { number, error: None }),
            };
            if options.age.is_some_and(|age| now.saturating_sub(record.at()) > age) {
                return Ok(());
            }
            if let Some(token) = record.token() {
                tokens.note(token, number);
            }
            // What's missing before it was damaged or too old.
            follower.lose(number.saturating_sub(1));
            let topic = record.topic().to_owned();
            let applied = follower.apply(&topic, number, [record.into_publication()]);
            debug_assert!(applied.is_ok(), "a record is of one event, and they come in order");
            Ok(())
        })?;
        // Where the last one is damaged, maybe its number isn't that which it had.
        let last = about.last.max(follower.reached().sequence());
        follower.lose(last);
        Ok(Self {
            open,
            database: Some(database),
            options,
            follower,
            epoch: about.epoch,
            last,
            held,
            tokens,
            groups: 0,
            failure: None,
        })
    }

    pub(crate) fn progress(&self) -> Progress {
        Progress {
            reached: SequenceId::new(self.epoch, self.last),
            held: self.held,
            groups: self.groups,
            has_failed: self.failure.is_some(),
        }
    }

    /// Writes what's requested until nobody can request anything any more.
    pub(crate) fn run(mut self, requests: &Receiver<Request<L>>, progress: &Mutex<Progress>) {
        while let Ok(first) = requests.recv_blocking() {
            let mut bytes = first.bytes();
            let mut group = vec![first];
            while group.len() < REQUESTS && bytes < BYTES {
                let Ok(next) = requests.try_recv() else { break };
                bytes = bytes.saturating_add(next.bytes());
                group.push(next);
            }
            let replies = self.publish(group);
            *progress.lock().unwrap_or_else(PoisonError::into_inner) = self.progress();
            for (reply, outcome) in replies {
                // Whoever doesn't wait for it any more has published all the same.
                let _ = reply.send(outcome);
            }
        }
    }

    /// Publishes a group: to the disk first, then to everyone. Returns what's to be replied.
    fn publish(&mut self, group: Vec<Request<L>>) -> Vec<(Reply, Result<SequenceId, WriteError>)> {
        let (mut encoded, mut accepted, mut replies) = (Vec::new(), Vec::new(), Vec::new());
        let mut tokens = HashMap::new();
        let mut last = self.last;
        for mut request in group {
            if let Some(token) = request.token() {
                if let Some(number) = self.tokens.get(token) {
                    replies.push((request.reply, Ok(number)));
                    continue;
                }
                if let Some(&number) = tokens.get(token) {
                    replies.push((request.reply, Err(number)));
                    continue;
                }
            }
            let first = last.saturating_add(1);
            last = last.saturating_add(request.records.len() as u64);
            if let Some(token) = request.token() {
                tokens.insert(token.to_owned(), last);
            }
            encoded.append(&mut request.encoded);
            accepted.push((first, request.topic, request.records));
            // To be known once it's written.
            replies.push((request.reply, Err(last)));
        }
        let written = self.write(&encoded, last);
        if written.is_ok() {
            self.last = last;
            for (first, topic, records) in accepted {
                self.apply(first, &topic, records);
            }
            self.follower.trim(self.held.gone);
        }
        let id = |number| SequenceId::new(self.epoch, number);
        let replies = replies.into_iter().map(|(reply, number)| {
            let outcome = match number {
                Ok(number) => Ok(id(number)),
                Err(number) => written.clone().map(|()| id(number)),
            };
            (reply, outcome)
        });
        replies.collect()
    }

    fn apply(&mut self, first: u64, topic: &str, records: Vec<Record<L>>) {
        for (number, record) in (first..).zip(&records) {
            if let Some(token) = record.token() {
                self.tokens.note(token, number);
            }
        }
        // Where the topics are closed, they'll have it when the log is opened again.
        let publications = records.into_iter().map(Record::into_publication);
        let applied = self.follower.apply(topic, first, publications);
        debug_assert!(
            matches!(applied, Ok(()) | Err(ApplyError::Closed)),
            "a record is of one event, and they come in order"
        );
    }

    /// Writes records, of which the last gets the number `last`: all or none.
    fn write(&mut self, records: &[Vec<u8>], last: u64) -> Result<(), WriteError> {
        if records.is_empty() {
            return Ok(());
        }
        if let Some(failure) = &self.failure {
            return Err(WriteError::Failed(Arc::clone(failure)));
        }
        let mut held = self.held;
        match self.commit(records, &mut held) {
            Ok(()) => {}
            Err(error) => self.reopen(error, last)?,
        }
        self.held = held;
        self.groups = self.groups.saturating_add(1);
        Ok(())
    }

    fn commit(&mut self, records: &[Vec<u8>], held: &mut Held) -> Result<(), redb::Error> {
        if self.database.is_none() {
            let (database, last) = self.open_again()?;
            if last != self.last {
                return Err(has_changed());
            }
            self.database = Some(database);
        }
        let Some(database) = &self.database else { return Err(redb::Error::DatabaseClosed) };
        let transaction = database.begin_write()?;
        table::append(&transaction, self.last.saturating_add(1), records, held)?;
        table::trim(&transaction, &self.options, now(), records.len(), held)?;
        transaction.commit()?;
        Ok(())
    }

    /// Looks at what's on the disk after a failure: a database that has failed once does nothing any more. Succeeds if the records are
    /// there all the same.
    fn reopen(&mut self, error: redb::Error, last: u64) -> Result<(), WriteError> {
        // It has to be closed before it's opened.
        self.database = None;
        if !is_full(&error) {
            return Err(self.fail(error));
        }
        let full = WriteError::Full(Arc::new(error));
        match self.open_again() {
            Ok((database, found)) if found == last || found == self.last => {
                self.database = Some(database);
                if found == last { Ok(()) } else { Err(full) }
            }
            Ok(_) => Err(self.fail(has_changed())),
            // As long as the disk is full, maybe it can't be opened either.
            Err(error) if is_full(&error) => Err(full),
            Err(error) => Err(self.fail(error)),
        }
    }

    /// Opens the log once more. Returns the number of the last event that's there.
    fn open_again(&self) -> Result<(Database, u64), redb::Error> {
        let database = (self.open)()?;
        let about = table::about(&database)?;
        if about.epoch == self.epoch { Ok((database, about.last)) } else { Err(has_changed()) }
    }

    fn fail(&mut self, error: redb::Error) -> WriteError {
        let failure = Arc::new(error);
        self.failure = Some(Arc::clone(&failure));
        WriteError::Failed(failure)
    }
}

/// It's not as it was when it was closed: something that was to be written is there all the same, or another process had it open.
fn has_changed() -> redb::Error {
    redb::Error::Corrupted("the log has changed since it was closed, while the disk was full".to_owned())
}

type Reply = oneshot::Sender<Result<SequenceId, WriteError>>;

/// The time since the beginning of 1970.
pub(crate) fn now() -> Duration {
    SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default()
}
