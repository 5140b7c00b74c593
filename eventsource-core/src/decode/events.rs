//! A stream of chunks as a stream of events.

use super::{Chunk, DecodedEvent, Decoder, Growable, Item, LimitError};
use crate::{EventId, EventIdBuf, EventNameBuf};
use alloc::collections::VecDeque;
use bytes::Bytes;
use bytestring::ByteString;
use core::fmt;
use core::pin::Pin;
use core::task::{Context, Poll, ready};
use core::time::Duration;
use futures_core::Stream;
use futures_core::stream::FusedStream;
use pin_project_lite::pin_project;

/// A dispatched event that owns what it says. Data that came whole in a chunk shares that chunk's memory, so it keeps it alive.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct OwnedEvent {
    /// The type: `message` unless it was named.
    pub name: EventNameBuf,
    /// The data: its lines, with LF between them.
    pub data: ByteString,
    /// The last event ID, of this event or of the last one before that had one; empty if there was none.
    pub last_event_id: EventIdBuf,
}

pin_project! {
    /// The events of a stream of chunks, such as the body of a response.
    ///
    /// ```
    /// use eventsource_core::{Events, EventsError};
    /// use futures_util::{FutureExt, StreamExt, stream};
    ///
    /// # (async {
    /// let chunks = stream::iter([Ok::<_, std::io::Error>("id: 1\nda"), Ok("ta: hello\n\n")]);
    /// let mut events = Events::new(chunks);
    /// let event = events.next().await.unwrap()?;
    /// assert_eq!(&event.data[..], "hello");
    /// assert_eq!(events.last_event_id().as_str(), "1");
    /// assert!(events.next().await.is_none());
    /// # Ok::<(), EventsError<std::io::Error>>(())
    /// # }).now_or_never().unwrap()?;
    /// # Ok::<(), EventsError<std::io::Error>>(())
    /// ```
    ///
    /// # The end
    /// It ends with the chunks, after an error of theirs, and after a [`LimitError`] unless the decoder is to
    /// [skip](super::Overflow::Skip). Whoever reconnects sends [`last_event_id`](Self::last_event_id) and begins anew with
    /// [`into_decoder`](Self::into_decoder), [reset](Decoder::reset).
    ///
    /// # Cancel safety
    /// It's a stream: an event is either handed out or still inside.
    #[derive(Debug)]
    #[must_use = "streams do nothing unless polled"]
    pub struct Events<S> {
        #[pin]
        chunks: Option<S>,
        decoder: Decoder<Growable>,
        decoded: VecDeque<Decoded>,
        last_event_id: EventIdBuf,
        retry: Option<Duration>,
    }
}

/// What a chunk gave, in order: the stream's state is that of what was handed out.
#[derive(Debug)]
enum Decoded {
    Event(OwnedEvent),
    LastEventId(EventIdBuf),
    Retry(Duration),
    Error(LimitError),
}

impl<S> Events<S> {
    /// With the default [`Limits`](super::Limits).
    pub fn new(chunks: S) -> Self {
        Self::with_decoder(chunks, Decoder::new())
    }

    /// With a decoder of your settings, and maybe of an earlier connection.
    pub fn with_decoder(chunks: S, decoder: Decoder<Growable>) -> Self {
        let last_event_id = decoder.last_event_id().into();
        Self { chunks: Some(chunks), decoder, decoded: VecDeque::new(), last_event_id, retry: None }
    }

    /// The last event ID as of the last event handed out; to be sent with the next request.
    pub fn last_event_id(&self) -> EventId<'_> {
        self.last_event_id.as_id()
    }

    /// The reconnection time, if the server has set one before the last event handed out.
    pub fn retry(&self) -> Option<Duration> {
        self.retry
    }

    /// The decoder, for the next connection. It's reset, and its last event ID is that of the last event handed out.
    pub fn into_decoder(self) -> Decoder<Growable> {
        let mut decoder = self.decoder.seed(self.last_event_id.as_id());
        decoder.reset();
        decoder
    }
}

impl<S, C, E> Stream for Events<S>
where
    S: Stream<Item = Result<C, E>>,
    C: AsRef<[u8]> + Send + 'static,
{
    type Item = Result<OwnedEvent, EventsError<E>>;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let mut this = self.project();
        loop {
            while let Some(decoded) = this.decoded.pop_front() {
                match decoded {
                    Decoded::Event(event) => {
                        this.last_event_id.clone_from(&event.last_event_id);
                        return Poll::Ready(Some(Ok(event)));
                    }
                    Decoded::LastEventId(id) => *this.last_event_id = id,
                    Decoded::Retry(after) => *this.retry = Some(after),
                    Decoded::Error(error) => return Poll::Ready(Some(Err(EventsError::Limit(error)))),
                }
            }
            let Some(chunks) = this.chunks.as_mut().as_pin_mut() else { return Poll::Ready(None) };
            match ready!(chunks.poll_next(cx)) {
                Some(Ok(chunk)) => {
                    let stopped = decode(&Bytes::from_owner(chunk), this.decoder, this.decoded);
                    if stopped {
                        this.chunks.set(None);
                    }
                }
                Some(Err(error)) => {
                    this.chunks.set(None);
                    return Poll::Ready(Some(Err(EventsError::Source(error))));
                }
                None => this.chunks.set(None),
            }
        }
    }
}

impl<S, C, E> FusedStream for Events<S>
where
    S: Stream<Item = Result<C, E>>,
    C: AsRef<[u8]> + Send + 'static,
{
    fn is_terminated(&self) -> bool {
        self.chunks.is_none() && self.decoded.is_empty()
    }
}

/// Decodes a chunk to its end, or until the decoder stops for good.
fn decode(bytes: &Bytes, decoder: &mut Decoder<Growable>, out: &mut VecDeque<Decoded>) -> bool {
    let mut chunk = Chunk::new(bytes);
    let mut id = EventIdBuf::from(decoder.last_event_id());
    loop {
        let item = match decoder.decode(&mut chunk) {
            Ok(Some(Item::Event(event))) => {
                if id.as_id() != event.last_event_id {
                    id = event.last_event_id.into();
                }
                Decoded::Event(own(event, id.clone(), bytes))
            }
            Ok(Some(Item::LastEventId(id))) => Decoded::LastEventId(id.into()),
            Ok(Some(Item::Retry(after))) => Decoded::Retry(after),
            Ok(Some(Item::Comment(_))) => continue,
            Ok(None) => return false,
            Err(error) => {
                out.push_back(Decoded::Error(error));
                if decoder.is_stopped() {
                    return true;
                }
                continue;
            }
        };
        out.push_back(item);
    }
}

fn own(event: DecodedEvent<'_>, last_event_id: EventIdBuf, bytes: &Bytes) -> OwnedEvent {
    let data = match place(bytes, event.data.as_bytes()) {
        // It was valid a moment ago.
        Some(shared) => ByteString::try_from(shared).unwrap_or_default(),
        None => ByteString::from(event.data),
    };
    OwnedEvent { name: event.name.into(), data, last_event_id }
}

/// The part of `bytes` that `part` is, if it lies within.
fn place(bytes: &Bytes, part: &[u8]) -> Option<Bytes> {
    let start = (part.as_ptr() as usize).checked_sub(bytes.as_ptr() as usize)?;
    let end = start.checked_add(part.len())?;
    (end <= bytes.len()).then(|| bytes.slice(start..end))
}

/// Why [`Events`] could not go on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum EventsError<E> {
    /// The chunks failed.
    Source(E),
    /// Something is larger than the decoder accepts.
    Limit(LimitError),
}

impl<E: fmt::Display> fmt::Display for EventsError<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Source(error) => error.fmt(f),
            Self::Limit(error) => error.fmt(f),
        }
    }
}

impl<E: core::error::Error + 'static> core::error::Error for EventsError<E> {
    fn source(&self) -> Option<&(dyn core::error::Error + 'static)> {
        match self {
            Self::Source(error) => error.source(),
            Self::Limit(_) => None,
        }
    }
}
