//! What can go wrong.

use core::fmt;
use eventsource_core::channel::{PublishError, RecordError};
use redb::{DatabaseError, StorageError};
use std::error::Error;
use std::sync::Arc;

/// A log can't be opened.
#[derive(Debug)]
#[non_exhaustive]
pub enum OpenError {
    /// It's open already, in this process or in another one.
    InUse,
    /// The file is a database of something else, or of a version that isn't known here.
    #[non_exhaustive]
    Format {
        /// The version of the format; none if it isn't a log.
        version: Option<u64>,
    },
    /// An event is damaged. Whatever stands before it and after it may be well.
    #[non_exhaustive]
    Damaged {
        /// The event's number.
        number: u64,
        /// What's wrong with its record; none if it's the checksum.
        error: Option<RecordError>,
    },
    /// The database failed, or its file can't be read or written.
    Database(redb::Error),
    /// The thread that writes can't be started.
    Thread(std::io::Error),
}

impl fmt::Display for OpenError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::InUse => f.write_str("the log is in use by this process or another one"),
            Self::Format { version: None } => f.write_str("the file isn't a log of events"),
            Self::Format { version: Some(version) } => {
                write!(f, "the log has the format {version}, which isn't known here")
            }
            Self::Damaged { number, error: None } => {
                write!(f, "event {number} is damaged: its checksum is wrong")
            }
            Self::Damaged { number, error: Some(error) } => {
                write!(f, "event {number} can't be read: {error}")
            }
            Self::Database(error) => write!(f, "the log's database: {error}"),
            Self::Thread(error) => write!(f, "the thread that writes can't be started: {error}"),
        }
    }
}

impl Error for OpenError {}

impl From<DatabaseError> for OpenError {
    fn from(error: DatabaseError) -> Self {
        match error {
            DatabaseError::DatabaseAlreadyOpen => Self::InUse,
            error => Self::Database(error.into()),
        }
    }
}

impl From<redb::Error> for OpenError {
    fn from(error: redb::Error) -> Self {
        Self::Database(error)
    }
}

/// An event wasn't published.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum WriteError {
    /// It isn't one that can be.
    Refused(Arc<PublishError>),
    /// The disk is full. The log is as it was before; it's worth another attempt when there's room.
    Full(Arc<redb::Error>),
    /// The log has failed for good: what's on the disk isn't known. It's known again when it's opened anew.
    Failed(Arc<redb::Error>),
    /// The log is closed.
    Closed,
}

impl fmt::Display for WriteError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Refused(error) => error.fmt(f),
            Self::Full(error) => write!(f, "the disk is full: {error}"),
            Self::Failed(error) => write!(f, "the log has failed: {error}"),
            Self::Closed => f.write_str("the log is closed"),
        }
    }
}

impl Error for WriteError {}

impl From<PublishError> for WriteError {
    fn from(error: PublishError) -> Self {
        Self::Refused(Arc::new(error))
    }
}

/// Returns whether an error says that a disk, or what one may use of it, is full.
pub(crate) fn is_full(error: &redb::Error) -> bool {
    use std::io::ErrorKind::{FileTooLarge, QuotaExceeded, StorageFull};
    matches!(error, redb::Error::Io(error) if matches!(error.kind(), StorageFull | QuotaExceeded | FileTooLarge))
}

/// A failure of the database, whichever of its operations it was of.
pub(crate) fn database(error: impl Into<redb::Error>) -> redb::Error {
    error.into()
}

const _: fn(StorageError) -> redb::Error = database;
