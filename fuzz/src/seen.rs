//! What a decoder makes of a stream that's cut into chunks.

use eventsource_core::test_util::{Dispatched, Interpretation};
use eventsource_core::{Chunk, Decoder, Item, LimitError, Memory};

/// One thing that came out of a decoder.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Seen {
    /// An event.
    Event(Dispatched),
    /// A comment.
    Comment(String),
    /// A reconnection time.
    Retry(core::time::Duration),
    /// A last event ID without an event.
    LastEventId(String),
    /// A limit was exceeded.
    Error(LimitError),
}

impl From<Item<'_>> for Seen {
    fn from(item: Item<'_>) -> Self {
        match item {
            Item::Event(event) => Self::Event(Dispatched {
                name: event.name.to_string(),
                data: event.data.to_owned(),
                last_event_id: event.last_event_id.to_string(),
            }),
            Item::Comment(text) => Self::Comment(text.to_owned()),
            Item::Retry(after) => Self::Retry(after),
            Item::LastEventId(id) => Self::LastEventId(id.to_string()),
            other => unreachable!("{other:?}"),
        }
    }
}

/// Everything that comes out of `stream`, cut by `lengths`, taken round and round; a length of zero is an empty chunk. After
/// an error of a decoder that stops, nothing more.
pub fn decode<M: Memory>(decoder: &mut Decoder<M>, stream: &[u8], lengths: &[u8]) -> Vec<Seen> {
    let mut seen = Vec::new();
    let mut rest = stream;
    let mut lengths = lengths.iter().copied().filter(|_| lengths.iter().any(|&length| length > 0)).cycle();
    while !rest.is_empty() {
        let length = lengths.next().map_or(rest.len(), usize::from).min(rest.len());
        let (bytes, after) = rest.split_at(length);
        rest = after;
        let mut chunk = Chunk::new(bytes);
        // Each call gets on: a byte at least, or an item, or an error, of which a byte has at most two.
        for calls in 0.. {
            assert!(calls <= 2 * bytes.len() + 2, "no progress at {chunk:?}");
            match decoder.decode(&mut chunk) {
                Ok(Some(item)) => seen.push(item.into()),
                Ok(None) => break,
                Err(error) => {
                    seen.push(Seen::Error(error));
                    if decoder.decode(&mut Chunk::new(b"")) == Err(error) {
                        return seen;
                    }
                }
            }
        }
        assert!(chunk.remaining().is_empty(), "a chunk is used up");
    }
    seen
}

/// What a client sums up of that.
pub fn summary(seen: &[Seen], last_event_id: &str) -> Interpretation {
    let mut summary = Interpretation::default();
    last_event_id.clone_into(&mut summary.last_event_id);
    for item in seen {
        match item {
            Seen::Event(event) => summary.events.push(event.clone()),
            Seen::Comment(text) => summary.comments.push(text.clone()),
            Seen::Retry(after) => summary.retry = Some(*after),
            Seen::LastEventId(_) => {}
            Seen::Error(error) => unreachable!("{error}"),
        }
    }
    summary
}
