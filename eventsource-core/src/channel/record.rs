//! What a log keeps of an event.

use super::policy::Ids;
use super::publication::{Publication, PublishError};
use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;
use core::str::from_utf8;
use core::time::Duration;

/// A label that a log can keep: one with a form as bytes.
pub trait StoredLabel: Sized + Send + Sync + 'static {
    /// Appends the label's bytes.
    fn encode(&self, bytes: &mut Vec<u8>);

    /// Reads a label from all of its bytes. Returns `None` where they aren't those of one.
    fn decode(bytes: &[u8]) -> Option<Self>;
}

/// No label has no bytes.
impl StoredLabel for () {
    fn encode(&self, _: &mut Vec<u8>) {}

    fn decode(bytes: &[u8]) -> Option<Self> {
        bytes.is_empty().then_some(())
    }
}

impl StoredLabel for String {
    fn encode(&self, bytes: &mut Vec<u8>) {
        bytes.extend_from_slice(self.as_bytes());
    }

    fn decode(bytes: &[u8]) -> Option<Self> {
        from_utf8(bytes).ok().map(Self::from)
    }
}

/// An event as a log keeps it: the publication with its topic and when it was published. The number is the log's business.
///
/// Every log writes it in the same form, so that events can be moved from one to another. Its first byte is the version of the form.
///
/// ```
/// use core::time::Duration;
/// use eventsource_core::Publication;
/// use eventsource_core::channel::Record;
///
/// let at = Duration::from_secs(1_700_000_000);
/// let record = Record::new("build", Publication::new("failed"), at)?;
/// let bytes = record.with_token("c0ffee")?.encode();
/// let read = Record::<()>::decode(&bytes)?;
/// assert_eq!((read.topic(), read.token()), ("build", Some("c0ffee")));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[must_use]
pub struct Record<L = ()> {
    topic: String,
    publication: Publication<L>,
    token: Option<String>,
    at: Duration,
}

/// The version of the form.
const VERSION: u8 = 1;

const HAS_KEY: u8 = 1;
const HAS_TOKEN: u8 = 2;

/// The most bytes that a topic's name or a key may have, and a token.
const MAX_NAME_LEN: usize = 0xffff;
const MAX_TOKEN_LEN: usize = 256;

impl<L> Record<L> {
    /// Creates a record of an event that's published to a topic, `at` a time after the beginning of 1970.
    ///
    /// # Errors
    /// [`PublishError`] where a channel that assigns the ids would refuse it, or where a topic's name or a key has more than
    /// 65,535 bytes.
    pub fn new(topic: &str, publication: Publication<L>, at: Duration) -> Result<Self, PublishError> {
        publication.check(Ids::Assigned)?;
        if topic.len() > MAX_NAME_LEN || publication.key_text().is_some_and(|key| key.len() > MAX_NAME_LEN) {
            return Err(PublishError::NameTooLong { limit: MAX_NAME_LEN });
        }
        Ok(Self { topic: topic.into(), publication, token: None, at })
    }

    /// Adds a token, which tells a publication from another one of the same event: one that is repeated with its token counts once.
    ///
    /// # Errors
    /// [`PublishError::NameTooLong`] where it has more than 256 bytes: a log keeps many of them in memory.
    pub fn with_token(mut self, token: impl Into<String>) -> Result<Self, PublishError> {
        let token = token.into();
        if token.len() > MAX_TOKEN_LEN {
            return Err(PublishError::NameTooLong { limit: MAX_TOKEN_LEN });
        }
        self.token = Some(token);
        Ok(self)
    }

    /// Returns the name of the topic.
    pub fn topic(&self) -> &str {
        &self.topic
    }

    /// Returns the publication's token, if it has one.
    pub fn token(&self) -> Option<&str> {
        self.token.as_deref()
    }

    /// Returns when it was published, after the beginning of 1970.
    pub fn at(&self) -> Duration {
        self.at
    }

    /// Converts this into what's to be applied to the topic.
    pub fn into_publication(self) -> Publication<L> {
        self.publication
    }
}

impl Record {
    /// Returns when an encoded record's event was published, without a look at the rest of it.
    pub fn published_at(bytes: &[u8]) -> Option<Duration> {
        let mut rest = bytes.strip_prefix(&[VERSION])?;
        take(&mut rest).map(|at| Duration::from_millis(u64::from_be_bytes(at)))
    }
}

impl<L: StoredLabel> Record<L> {
    /// Encodes the record.
    pub fn encode(&self) -> Vec<u8> {
        let (block, key, label) = self.publication.parts();
        let mut bytes = Vec::with_capacity(block.len().saturating_add(64).saturating_add(self.topic.len()));
        bytes.push(VERSION);
        bytes.extend(u64::try_from(self.at.as_millis()).unwrap_or(u64::MAX).to_be_bytes());
        let token = self.token.as_deref();
        bytes.push(key.map_or(0, |_| HAS_KEY) | token.map_or(0, |_| HAS_TOKEN));
        for name in [Some(&*self.topic), key, token].into_iter().flatten() {
            let len = u16::try_from(name.len());
            debug_assert!(len.is_ok(), "the lengths of names are checked");
            bytes.extend(len.unwrap_or_default().to_be_bytes());
            bytes.extend_from_slice(name.as_bytes());
        }
        let at = bytes.len();
        bytes.extend([0; 4]);
        label.encode(&mut bytes);
        let len = bytes.len().saturating_sub(at).saturating_sub(4);
        let len = u32::try_from(len).unwrap_or_default().to_be_bytes();
        for (place, byte) in bytes.iter_mut().skip(at).zip(len) {
            *place = byte;
        }
        bytes.extend_from_slice(block);
        bytes
    }

    /// Decodes a record.
    ///
    /// # Errors
    /// [`RecordError`] where the bytes aren't those of a record with such a label. A checksum is the log's business.
    pub fn decode(bytes: &[u8]) -> Result<Self, RecordError> {
        let (&version, mut rest) = bytes.split_first().ok_or(RecordError::Malformed)?;
        if version != VERSION {
            return Err(RecordError::Version(version));
        }
        let decoded = (|| {
            let at = u64::from_be_bytes(take(&mut rest)?);
            let [parts] = take(&mut rest)?;
            if parts & !(HAS_KEY | HAS_TOKEN) != 0 {
                return None;
            }
            let topic = take_name(&mut rest)?;
            let key = if parts & HAS_KEY == 0 { None } else { Some(take_name(&mut rest)?) };
            let token = if parts & HAS_TOKEN == 0 { None } else { Some(take_name(&mut rest)?) };
            let len = usize::try_from(u32::from_be_bytes(take(&mut rest)?)).ok()?;
            let (label, block) = rest.split_at_checked(len)?;
            let publication = Publication::of_parts(block, key, L::decode(label)?)?;
            let at = Duration::from_millis(at);
            Some(Self { topic: topic.into(), publication, token: token.map(Into::into), at })
        })();
        decoded.ok_or(RecordError::Malformed)
    }
}

fn take<const N: usize>(bytes: &mut &[u8]) -> Option<[u8; N]> {
    let (taken, rest) = bytes.split_first_chunk()?;
    *bytes = rest;
    Some(*taken)
}

fn take_name<'a>(bytes: &mut &'a [u8]) -> Option<&'a str> {
    let len = u16::from_be_bytes(take(bytes)?);
    let (name, rest) = bytes.split_at_checked(len.into())?;
    *bytes = rest;
    from_utf8(name).ok()
}

/// Which parts there are, never what they say.
impl<L> fmt::Debug for Record<L> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Record")
            .field("at", &self.at)
            .field("publication", &self.publication)
            .finish_non_exhaustive()
    }
}

/// Bytes aren't those of a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum RecordError {
    /// They're of a version of the form that this isn't made for.
    Version(u8),
    /// They aren't of that form, or their label isn't one.
    Malformed,
}

impl fmt::Display for RecordError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Version(version) => write!(f, "a record of version {version}, which isn't known here"),
            Self::Malformed => f.write_str("a damaged record"),
        }
    }
}

impl core::error::Error for RecordError {}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Event, EventId, Frame, event_name};

    fn record(label: &str) -> Record<String> {
        let event = Event::new("two\nlines").name(event_name!("n"));
        let publication = Publication::new(event).key("k\u{e9}").label(String::from(label));
        Record::new("a topic", publication, Duration::from_millis(1234)).unwrap().with_token("t").unwrap()
    }

    #[test]
    fn a_record_is_read_as_it_was_written() {
        for label in ["", "label"] {
            let bytes = record(label).encode();
            let read = Record::<String>::decode(&bytes).unwrap();
            assert_eq!((read.topic(), read.token()), ("a topic", Some("t")));
            assert_eq!(read.at(), Duration::from_millis(1234));
            assert_eq!(Record::published_at(&bytes), Some(read.at()));
            assert_eq!(read.encode(), bytes);
            let (block, key, read_label) = read.publication.parts();
            assert_eq!(block, b"event: n\ndata: two\ndata: lines\n\n");
            assert_eq!((key, read_label.as_str()), (Some("k\u{e9}"), label));
        }
    }

    #[test]
    fn damaged_bytes_are_an_error() {
        let bytes = record("label").encode();
        for len in 0..bytes.len() {
            let cut = Record::<String>::decode(&bytes[..len]);
            assert_eq!(cut.err(), Some(RecordError::Malformed), "{len}");
        }
        let mut changed = bytes.clone();
        changed[0] = 2;
        assert_eq!(Record::<String>::decode(&changed).err(), Some(RecordError::Version(2)));
        // None of these may panic.
        for at in 0..bytes.len() {
            for bit in 0..8 {
                changed.clone_from(&bytes);
                changed[at] ^= 1 << bit;
                let _ = Record::<String>::decode(&changed);
                assert!(Record::<()>::decode(&changed).is_err(), "a label that isn't one");
            }
        }
    }

    #[test]
    fn what_a_log_can_not_keep_is_refused() {
        let new =
            |topic: &str, publication| Record::<()>::new(topic, publication, Duration::ZERO).map(|_| ());
        let long = "x".repeat(MAX_NAME_LEN + 1);
        assert!(matches!(new(&long, "x".into()), Err(PublishError::NameTooLong { .. })));
        let keyed = Publication::new("x").key(&*long);
        assert!(matches!(new("t", keyed), Err(PublishError::NameTooLong { .. })));
        let with_id = Event::new("x").id(EventId::new("1").unwrap());
        assert!(matches!(new("t", with_id.into()), Err(PublishError::UnexpectedId)));
        let two = Frame::from_iter([Frame::from("a"), Frame::from("b")]);
        assert!(matches!(new("t", two.into()), Err(PublishError::NotOneEvent)));
        let record = Record::<()>::new("t", "x".into(), Duration::ZERO).unwrap();
        let refused = record.with_token(&long[..=MAX_TOKEN_LEN]).unwrap_err();
        assert!(matches!(refused, PublishError::NameTooLong { limit: MAX_TOKEN_LEN }));
    }
}
