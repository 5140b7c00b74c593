//! What goes into a decoder in a test, and what has come out of it.

#![allow(unreachable_pub, reason = "it's also a part of the fuzz targets' library, which exports it")]

use core::time::Duration;
use eventsource_core::Decoder;
use eventsource_core::codec::{Chunk, Item, Limit, Memory};
use eventsource_core::test_util::{Dispatched, Interpretation};

/// One thing that has come out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Seen {
    /// An event.
    Event(Dispatched),
    /// A comment.
    Comment(String),
    /// A reconnection time.
    Retry(Duration),
    /// A last event ID without an event.
    LastEventId(String),
    /// A limit was exceeded, and its size.
    Error(Limit, usize),
}

impl From<Item<'_>> for Seen {
    fn from(item: Item<'_>) -> Self {
        match item {
            Item::Event(event) => Self::Event(Dispatched {
                name: event.name.to_string(),
                data: event.data.to_owned(),
                last_event_id: event.last_event_id().to_string(),
            }),
            Item::Comment(text) => Self::Comment(text.to_owned()),
            Item::Retry(after) => Self::Retry(after),
            Item::LastEventId(id) => Self::LastEventId(id.to_string()),
            other => unreachable!("{other:?}"),
        }
    }
}

/// Cuts a stream into chunks of these lengths, which may be zero; what's left when they have ended is the last one.
pub fn cut(stream: &[u8], lengths: impl IntoIterator<Item = usize>) -> Vec<&[u8]> {
    let mut rest = stream;
    let mut chunks = Vec::new();
    for length in lengths {
        if rest.is_empty() {
            break;
        }
        let (chunk, after) = rest.split_at(length.min(rest.len()));
        chunks.push(chunk);
        rest = after;
    }
    chunks.push(rest);
    chunks
}

/// Everything that comes out of these chunks; after an error of a decoder that stops, nothing more.
pub fn feed<'a, M: Memory>(
    decoder: &mut Decoder<M>,
    chunks: impl IntoIterator<Item = &'a [u8]>,
) -> Vec<Seen> {
    let mut seen = Vec::new();
    for bytes in chunks {
        let mut chunk = Chunk::new(bytes);
        // Each call gets on: a byte at least, or an item, or an error, of which a byte has at most two.
        for calls in 0.. {
            assert!(calls <= 2 * bytes.len() + 2, "no progress at {chunk:?}");
            match decoder.decode(&mut chunk) {
                Ok(Some(item)) => seen.push(item.into()),
                Ok(None) => break,
                Err(error) => {
                    seen.push(Seen::Error(error.limit, error.size));
                    if decoder.is_stopped() {
                        assert_eq!(decoder.decode(&mut chunk), Err(error), "it stays so");
                        return seen;
                    }
                }
            }
        }
        assert!(chunk.remaining().is_empty(), "a chunk is used up");
    }
    seen
}

/// As a client would sum it up, where no limit was exceeded.
pub fn summary(seen: &[Seen], last_event_id: &str) -> Interpretation {
    let mut summary = Interpretation::default();
    last_event_id.clone_into(&mut summary.last_event_id);
    for item in seen {
        match item {
            Seen::Event(event) => summary.events.push(event.clone()),
            Seen::Comment(text) => summary.comments.push(text.clone()),
            Seen::Retry(after) => summary.retry = Some(*after),
            Seen::LastEventId(_) => {}
            Seen::Error(limit, size) => unreachable!("{limit:?} of {size}"),
        }
    }
    summary
}
