//! What's in the database.

use crate::error::{OpenError, database};
use crate::options::DiskOptions;
use core::time::Duration;
use eventsource_core::channel::Record;
use redb::{
    Database, ReadableDatabase, ReadableTable, ReadableTableMetadata, TableDefinition, WriteTransaction,
};
use std::hash::{BuildHasher, RandomState};
use std::time::SystemTime;

/// Records by their numbers, each behind a checksum of both.
const EVENTS: TableDefinition<'_, u64, &[u8]> = TableDefinition::new("events");
/// The format's version, the epoch, and the number of the last event, should there be none.
const ABOUT: TableDefinition<'_, &str, u64> = TableDefinition::new("eventsource");

const FORMAT: u64 = 1;

/// What a log says of itself.
#[derive(Clone, Copy, Debug)]
pub(crate) struct About {
    pub(crate) epoch: u64,
    /// The number of the last event that's gone.
    pub(crate) gone: u64,
    /// The number of the last event.
    pub(crate) last: u64,
}

/// How much there is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Held {
    pub(crate) events: u64,
    pub(crate) bytes: u64,
    /// The number of the last event that's gone.
    pub(crate) gone: u64,
}

/// Makes a log of a database that's empty, and reads what a log says of itself.
pub(crate) fn begin(log: &Database, anew: bool) -> Result<About, OpenError> {
    let transaction = log.begin_write().map_err(database)?;
    {
        let is_empty = transaction.list_tables().map_err(database)?.next().is_none();
        let mut about = transaction.open_table(ABOUT).map_err(|_| OpenError::Format { version: None })?;
        let version = about.get("format").map_err(database)?.map(|value| value.value());
        if version != Some(FORMAT) && !is_empty {
            return Err(OpenError::Format { version });
        }
        if is_empty || anew {
            let epoch = RandomState::new().hash_one((std::process::id(), SystemTime::now()));
            about.insert("format", FORMAT).map_err(database)?;
            about.insert("epoch", epoch).map_err(database)?;
        }
        transaction.open_table(EVENTS).map_err(|_| OpenError::Format { version: None })?;
    }
    transaction.commit().map_err(database)?;
    Ok(about(log)?)
}

/// Reads what a log says of itself.
pub(crate) fn about(log: &Database) -> Result<About, redb::Error> {
    let transaction = log.begin_read()?;
    let about = transaction.open_table(ABOUT)?;
    let get = |key: &str| Ok::<_, redb::Error>(about.get(key)?.map(|value| value.value()));
    let (epoch, gone) = (get("epoch")?.unwrap_or_default(), get("gone")?.unwrap_or_default());
    let last = transaction.open_table(EVENTS)?.last()?.map_or(gone, |(number, _)| number.value());
    Ok(About { epoch, gone, last })
}

/// Gives the number and the record of each event after `gone` to `each`, or no record where its checksum is wrong; and those that aren't
/// damaged in order. Returns how much there is.
pub(crate) fn read(
    log: &Database,
    gone: u64,
    mut each: impl FnMut(u64, Option<&[u8]>) -> Result<(), OpenError>,
) -> Result<Held, OpenError> {
    let transaction = log.begin_read().map_err(database)?;
    let events = transaction.open_table(EVENTS).map_err(database)?;
    let (mut held, mut last) = (Held { gone, ..Held::default() }, gone);
    for event in events.iter().map_err(database)? {
        let (number, value) = event.map_err(database)?;
        held.events = held.events.saturating_add(1);
        held.bytes = held.bytes.saturating_add(value.value().len() as u64);
        let number = number.value();
        let record = unseal(number, value.value()).filter(|_| number > last);
        if record.is_some() {
            last = number;
        }
        each(number, record)?;
    }
    debug_assert_eq!(events.len().ok(), Some(held.events), "each event is read");
    Ok(held)
}

/// Adds records, from a number on.
pub(crate) fn append(
    transaction: &WriteTransaction,
    first: u64,
    records: &[Vec<u8>],
    held: &mut Held,
) -> Result<(), redb::Error> {
    let mut events = transaction.open_table(EVENTS).map_err(database)?;
    for (number, record) in (first..).zip(records) {
        let value = seal(number, record);
        held.events = held.events.saturating_add(1);
        held.bytes = held.bytes.saturating_add(value.len() as u64);
        events.insert(number, &*value).map_err(database)?;
    }
    Ok(())
}

/// Lets go of what isn't kept, of which `added` events are new. At most so much more at once that nobody waits for long.
pub(crate) fn trim(
    transaction: &WriteTransaction,
    options: &DiskOptions,
    now: Duration,
    added: usize,
    held: &mut Held,
) -> Result<(), redb::Error> {
    let mut events = transaction.open_table(EVENTS).map_err(database)?;
    let mut gone = None;
    for _ in 0..TRIMMED_AT_ONCE.saturating_add(added) {
        let is_over = held.events > options.events.max(1) || (held.bytes > options.bytes && held.events > 1);
        let is_old = match options.age {
            Some(age) if !is_over => {
                let oldest = events.first().map_err(database)?;
                oldest.is_some_and(|(number, value)| {
                    let at = unseal(number.value(), value.value()).and_then(Record::published_at);
                    // A damaged one is of no use, and those after it age.
                    at.is_none_or(|at| now.saturating_sub(at) > age)
                })
            }
            _ => false,
        };
        if !is_over && !is_old {
            break;
        }
        let Some((number, value)) = events.pop_first().map_err(database)? else { break };
        held.events = held.events.saturating_sub(1);
        held.bytes = held.bytes.saturating_sub(value.value().len() as u64);
        gone = Some(number.value());
    }
    drop(events);
    if let Some(gone) = gone {
        held.gone = gone;
        transaction.open_table(ABOUT).map_err(database)?.insert("gone", gone).map_err(database)?;
    }
    Ok(())
}

const TRIMMED_AT_ONCE: usize = 4096;

/// Puts a record behind its checksum.
fn seal(number: u64, record: &[u8]) -> Vec<u8> {
    let mut value = Vec::with_capacity(record.len().saturating_add(4));
    value.extend(checksum(number, record).to_be_bytes());
    value.extend_from_slice(record);
    value
}

/// Returns the record, if its checksum is right.
fn unseal(number: u64, value: &[u8]) -> Option<&[u8]> {
    let (sum, record) = value.split_first_chunk()?;
    (u32::from_be_bytes(*sum) == checksum(number, record)).then_some(record)
}

/// Of the number, too: an event in the place of another one is damaged.
fn checksum(number: u64, record: &[u8]) -> u32 {
    let mut hasher = crc32fast::Hasher::new();
    hasher.update(&number.to_be_bytes());
    hasher.update(record);
    hasher.finalize()
}
