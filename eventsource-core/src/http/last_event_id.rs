//! What a client says it has seen last.

use crate::EventId;
use crate::codec::EventIdBuf;

/// What a client that connects says of the last event it has seen: its `Last-Event-ID` header (§9.2.4).
///
/// ```
/// use eventsource_core::LastEventId;
///
/// assert_eq!(LastEventId::parse(b"42").as_id().map(|id| id.as_str()), Some("42"));
/// assert_eq!(LastEventId::parse(b""), LastEventId::None);
/// assert_eq!(LastEventId::parse(b"\xff"), LastEventId::Unusable);
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum LastEventId {
    /// None: the client is new, or its last event ID is empty, which is the same to it.
    #[default]
    None,
    /// A valid one. Whether it's of an event of this server is another question.
    Id(EventIdBuf),
    /// One that can't be of this server: not UTF-8, with CR, LF or NUL, or too long. The client has seen
    /// something, but nobody knows what.
    Unusable,
}

impl LastEventId {
    /// The longest last event ID that's looked at, in bytes. A client repeats it with every reconnection.
    pub const MAX_LEN: usize = EventId::MAX_RESUMABLE_LEN;

    /// Of the value of a `Last-Event-ID` header, which is UTF-8 (§9.2.4), whatever HTTP says of header fields.
    pub fn parse(value: &[u8]) -> Self {
        if value.is_empty() {
            return Self::None;
        }
        if value.len() > Self::MAX_LEN {
            return Self::Unusable;
        }
        match core::str::from_utf8(value).map(EventId::new) {
            Ok(Ok(id)) => Self::Id(id.into()),
            _ => Self::Unusable,
        }
    }

    /// The id, where there's a valid one.
    pub fn as_id(&self) -> Option<EventId<'_>> {
        match self {
            Self::Id(id) => Some(id.as_id()),
            Self::None | Self::Unusable => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_can_be_an_id_is_one() {
        for (value, expected) in [
            (&b""[..], LastEventId::None),
            (b"1\n2", LastEventId::Unusable),
            (b"1\x002", LastEventId::Unusable),
            (b"\xe2\x82", LastEventId::Unusable),
            (&[b'a'; 257], LastEventId::Unusable),
        ] {
            assert_eq!(LastEventId::parse(value), expected);
            assert_eq!(LastEventId::parse(value).as_id(), None);
        }
        for value in ["é€🦀", " ", &"a".repeat(256)] {
            assert_eq!(LastEventId::parse(value.as_bytes()).as_id().unwrap().as_str(), value);
        }
    }
}
