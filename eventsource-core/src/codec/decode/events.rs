//! A stream of chunks as a stream of events.

use super::item::pass_on;
use super::{Chunk, Decoder, Item, LimitError};
use crate::codec::{EventIdBuf, EventNameBuf};
use crate::{Event, EventId, EventName, Frame};
use alloc::collections::VecDeque;
use bytes::{Buf, Bytes};
use bytestring::ByteString;
use core::fmt;
use core::ops::Range;
use core::pin::Pin;
use core::task::{Context, Poll, ready};
use core::time::Duration;
use futures_core::Stream;
use futures_core::stream::FusedStream;
use pin_project_lite::pin_project;

/// A dispatched event that owns what it says. Its data has memory of its own, unless it's long and the larger part of the chunk that it
/// came in: then it shares that chunk's memory. So an event that's kept never keeps a buffer alive that's many times its size.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct OwnedEvent {
    /// The type: `message` unless it was named.
    pub name: EventNameBuf,
    /// The last event ID, of this event or of the last one before that had one; empty if there was none.
    pub last_event_id: EventIdBuf,
    /// The data: its lines, with LF between them.
    pub data: ByteString,
    has_id: bool,
}

impl OwnedEvent {
    /// Returns the id that stood in the event's own block, if one did.
    pub fn id(&self) -> Option<EventId<'_>> {
        self.has_id.then(|| self.last_event_id.as_id())
    }
}

/// To pass it on as it came: an event without a name stays without, and an id is stated where it was. An empty one isn't: it would
/// have the next reader forget where it is.
impl<'a> From<&'a OwnedEvent> for Event<'a> {
    fn from(event: &'a OwnedEvent) -> Self {
        pass_on(event.name.as_name(), event.id(), &event.data)
    }
}

/// To pass it on as it came.
impl From<OwnedEvent> for Frame {
    fn from(event: OwnedEvent) -> Self {
        Event::from(&event).into()
    }
}

/// What a [`Decoder`] finds in an event stream, as an owner of what it says: an [`Item`].
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum OwnedItem {
    /// A dispatched event.
    Event(OwnedEvent),
    /// A comment, without its colon and the one space after it. Only if they were [asked for](Decoder::comments).
    Comment(ByteString),
    /// The reconnection time, as soon as its line has ended. More than a `Duration` holds is that much.
    Retry(Duration),
    /// The last event ID of a block that dispatched no event: it had no data, or was skipped for its size.
    LastEventId(EventIdBuf),
}

pin_project! {
    /// The events of a stream of chunks, such as the body of a response: what a client reads. Some other libraries call it an event
    /// stream; here an [`EventStream`](crate::EventStream) is what a server writes.
    ///
    /// ```
    /// use eventsource_core::codec::EventsError;
    /// use eventsource_core::Events;
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
    /// [`into_decoder`](Self::into_decoder), [reset](Decoder::reset). [`is_mid_event`](Self::is_mid_event) tells whether an event was cut
    /// off, and [`ignored_lines`](Self::ignored_lines) whether it was an event stream at all.
    ///
    /// # Cancel safety
    /// It's a stream: an event is either handed out or still inside.
    #[derive(Debug)]
    #[must_use = "streams do nothing unless polled"]
    pub struct Events<S> {
        #[pin]
        chunks: Option<S>,
        // What's left of the last chunk.
        rest: Bytes,
        decoder: Decoder,
        // What a chunk gave, in order: the stream's state is that of what was handed out.
        decoded: VecDeque<Result<OwnedItem, LimitError>>,
        shared: Shared,
        // So many have come.
        bytes: u64,
        // As of the last event handed out.
        last_event_id: EventIdBuf,
        retry: Option<Duration>,
    }
}

impl<S> Events<S> {
    /// With the default [`Limits`](super::Limits).
    pub fn new(chunks: S) -> Self {
        Self::with_decoder(chunks, Decoder::new())
    }

    /// With a decoder of your settings, and maybe of an earlier connection.
    pub fn with_decoder(chunks: S, mut decoder: Decoder) -> Self {
        let last_event_id = EventIdBuf::from(decoder.last_event_id());
        decoder.hand_over_id();
        Self {
            chunks: Some(chunks),
            rest: Bytes::new(),
            decoder,
            decoded: VecDeque::new(),
            shared: Shared { name: EventNameBuf::MESSAGE, id: last_event_id.clone(), chunk: 0 },
            bytes: 0,
            last_event_id,
            retry: None,
        }
    }

    /// With the same state, over other chunks.
    pub(crate) fn map_chunks<T>(self, map: impl FnOnce(S) -> T) -> Events<T> {
        let Self { chunks, rest, decoder, decoded, shared, bytes, last_event_id, retry } = self;
        Events { chunks: chunks.map(map), rest, decoder, decoded, shared, bytes, last_event_id, retry }
    }

    /// So many bytes have come.
    pub(crate) fn bytes(&self) -> u64 {
        self.bytes
    }

    /// The last event ID as of the last event handed out; to be sent with the next request.
    pub fn last_event_id(&self) -> EventId<'_> {
        self.last_event_id.as_id()
    }

    /// The reconnection time, if the server has set one before the last event handed out.
    pub fn retry(&self) -> Option<Duration> {
        self.retry
    }

    /// Returns whether a part of an event has come whose end hasn't. Asked after the end of this stream, or after an error, it tells an
    /// end that has cut an event off from a good one. See [`Decoder::is_mid_event`].
    ///
    /// ```
    /// use eventsource_core::Events;
    /// use futures_util::{FutureExt, StreamExt, stream};
    ///
    /// let chunks = stream::iter(["data: whole\n\n", "data: cu"]).map(Ok::<_, std::io::Error>);
    /// let mut events = Events::new(chunks);
    /// let seen: Vec<_> = events.by_ref().collect().now_or_never().unwrap();
    /// assert!(seen.len() == 1 && events.is_mid_event());
    /// ```
    pub fn is_mid_event(&self) -> bool {
        self.decoder.is_mid_event()
    }

    /// Returns how many lines have come that are no field of an event stream and no comment. A server that sends JSON instead of an
    /// event stream shows in this, and in nothing else. See [`Decoder::ignored_lines`].
    pub fn ignored_lines(&self) -> u64 {
        self.decoder.ignored_lines()
    }

    /// Converts this into a stream of everything that the decoder tells: also comments, if they were
    /// [asked for](Decoder::comments), reconnection times, and last event IDs without an event.
    ///
    /// ```
    /// use eventsource_core::codec::OwnedItem;
    /// use eventsource_core::{Decoder, Events};
    /// use futures_util::{FutureExt, StreamExt, stream};
    ///
    /// let chunks = stream::iter([Ok::<_, std::io::Error>(": ping\ndata: hello\n\n")]);
    /// let mut items = Events::with_decoder(chunks, Decoder::new().comments(true)).items();
    /// let item = items.next().now_or_never().unwrap().unwrap()?;
    /// assert!(matches!(item, OwnedItem::Comment(text) if text == "ping"));
    /// let item = items.next().now_or_never().unwrap().unwrap()?;
    /// assert!(matches!(item, OwnedItem::Event(event) if event.data == "hello"));
    /// # Ok::<(), eventsource_core::codec::EventsError<std::io::Error>>(())
    /// ```
    pub fn items(self) -> Items<S> {
        Items { events: self }
    }

    /// The decoder, for the next connection. It's reset, and its last event ID is that of the last event handed out.
    pub fn into_decoder(self) -> Decoder {
        let mut decoder = self.decoder.resume_after(self.last_event_id.as_id());
        decoder.reset();
        decoder
    }
}

impl<S, C, E> Events<S>
where
    S: Stream<Item = Result<C, E>>,
    C: AsRef<[u8]> + Send + 'static,
{
    /// The next item, within so many rounds.
    fn poll_item(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        rounds: &mut Range<u32>,
    ) -> Poll<Option<Result<OwnedItem, EventsError<E>>>> {
        let mut this = self.project();
        loop {
            if let Some(decoded) = this.decoded.pop_front() {
                match &decoded {
                    Ok(OwnedItem::Event(event)) => this.last_event_id.clone_from(&event.last_event_id),
                    Ok(OwnedItem::LastEventId(id)) => this.last_event_id.clone_from(id),
                    Ok(OwnedItem::Retry(after)) => *this.retry = Some(*after),
                    Ok(OwnedItem::Comment(_)) | Err(_) => {}
                }
                return Poll::Ready(Some(decoded.map_err(EventsError::Limit)));
            }
            if rounds.next().is_none() {
                // Chunks that hold no event mustn't keep everything else waiting.
                cx.waker().wake_by_ref();
                return Poll::Pending;
            }
            if !this.rest.is_empty() {
                decode(this.rest, this.decoder, this.shared, this.decoded);
                if this.decoder.is_stopped() {
                    this.rest.clear();
                    this.chunks.set(None);
                }
                if this.rest.is_empty() {
                    // Even an empty part of a chunk keeps its memory, maybe for as long as the connection is idle.
                    *this.rest = Bytes::new();
                }
                continue;
            }
            let Some(chunks) = this.chunks.as_mut().as_pin_mut() else { return Poll::Ready(None) };
            match ready!(chunks.poll_next(cx)) {
                Some(Ok(chunk)) => {
                    *this.rest = Bytes::from_owner(chunk);
                    this.shared.chunk = this.rest.len();
                    let len = u64::try_from(this.rest.len()).unwrap_or(u64::MAX);
                    *this.bytes = this.bytes.saturating_add(len);
                }
                Some(Err(error)) => {
                    this.chunks.set(None);
                    return Poll::Ready(Some(Err(EventsError::Chunks(error))));
                }
                None => this.chunks.set(None),
            }
        }
    }
}

/// So many chunks, or parts of them, are looked at in one poll.
const ROUNDS: Range<u32> = 0..64;

/// So many items are decoded at once, so that a chunk of a great many small events isn't held as all these events.
const ITEMS_PER_ROUND: usize = 64;

impl<S, C, E> Stream for Events<S>
where
    S: Stream<Item = Result<C, E>>,
    C: AsRef<[u8]> + Send + 'static,
{
    type Item = Result<OwnedEvent, EventsError<E>>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let mut rounds = ROUNDS;
        loop {
            return Poll::Ready(match ready!(self.as_mut().poll_item(cx, &mut rounds)) {
                Some(Ok(OwnedItem::Event(event))) => Some(Ok(event)),
                Some(Ok(_)) => continue,
                Some(Err(error)) => Some(Err(error)),
                None => None,
            });
        }
    }
}

impl<S, C, E> FusedStream for Events<S>
where
    S: Stream<Item = Result<C, E>>,
    C: AsRef<[u8]> + Send + 'static,
{
    fn is_terminated(&self) -> bool {
        self.chunks.is_none() && self.rest.is_empty() && self.decoded.is_empty()
    }
}

pin_project! {
    /// Everything that a decoder finds in a stream of chunks: what [`Events::items`] returns.
    ///
    /// # Cancel safety
    /// It's a stream: an item is either handed out or still inside.
    #[derive(Debug)]
    #[must_use = "streams do nothing unless polled"]
    pub struct Items<S> {
        #[pin]
        events: Events<S>,
    }
}

impl<S> Items<S> {
    /// Begins anew with another decoder, of chunks that nobody has asked for.
    pub(crate) fn begin_anew(&mut self, decoder: Decoder) {
        let Events { rest, decoder: fresh, decoded, shared, bytes, last_event_id, retry, .. } =
            Events::with_decoder((), decoder);
        let events = &mut self.events;
        (events.rest, events.decoder, events.decoded, events.shared) = (rest, fresh, decoded, shared);
        (events.bytes, events.last_event_id, events.retry) = (bytes, last_event_id, retry);
    }

    /// Returns the stream that this was made of, to ask how it stands.
    pub fn events(&self) -> &Events<S> {
        &self.events
    }

    /// Converts this into a stream of events alone.
    pub fn into_events(self) -> Events<S> {
        self.events
    }
}

impl<S, C, E> Stream for Items<S>
where
    S: Stream<Item = Result<C, E>>,
    C: AsRef<[u8]> + Send + 'static,
{
    type Item = Result<OwnedItem, EventsError<E>>;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.project().events.poll_item(cx, &mut { ROUNDS })
    }
}

impl<S, C, E> FusedStream for Items<S>
where
    S: Stream<Item = Result<C, E>>,
    C: AsRef<[u8]> + Send + 'static,
{
    fn is_terminated(&self) -> bool {
        self.events.is_terminated()
    }
}

/// Decodes a part of a chunk, and takes that off it.
fn decode(
    rest: &mut Bytes,
    decoder: &mut Decoder,
    shared: &mut Shared,
    out: &mut VecDeque<Result<OwnedItem, LimitError>>,
) {
    let mut chunk = Chunk::new(rest);
    for _ in 0..ITEMS_PER_ROUND {
        out.push_back(match decoder.decode(&mut chunk) {
            Ok(Some(Item::Event(event))) => {
                let (name, data) = (shared.name(event.name), shared.text(event.data, rest));
                let has_id = event.has_id;
                Ok(OwnedItem::Event(OwnedEvent { name, last_event_id: shared.id(decoder), data, has_id }))
            }
            Ok(Some(Item::Comment(text))) => Ok(OwnedItem::Comment(shared.text(text, rest))),
            Ok(Some(Item::Retry(after))) => Ok(OwnedItem::Retry(after)),
            Ok(Some(Item::LastEventId(_))) => Ok(OwnedItem::LastEventId(shared.id(decoder))),
            Ok(None) => break,
            Err(error) => Err(error),
        });
        if decoder.is_stopped() {
            break;
        }
    }
    let read = rest.len().saturating_sub(chunk.remaining().len());
    rest.advance(read);
}

/// What an owned item may share: with those before it, or with its chunk.
#[derive(Debug)]
struct Shared {
    /// The last name that an event stated.
    name: EventNameBuf,
    /// The decoder's last event ID.
    id: EventIdBuf,
    /// How long the chunk was when it came.
    chunk: usize,
}

impl Shared {
    /// Shorter text is always copied: the chunk may be a small part of what its reader has read at once, and that's some hundreds
    /// of KiB for a client of HTTP.
    const LONG: usize = 128 * 1024;

    fn name(&mut self, name: EventName<'_>) -> EventNameBuf {
        if name == EventName::MESSAGE {
            return EventNameBuf::MESSAGE;
        }
        if name != self.name.as_name() {
            self.name = name.into();
        }
        self.name.clone()
    }

    /// Copied once, and shared by all events that have none of their own, or the same.
    fn id(&mut self, decoder: &mut Decoder) -> EventIdBuf {
        if let Some(new) = decoder.take_new_id() {
            if new != self.id.as_id() {
                self.id = new.into();
            }
            decoder.hand_over_id();
        }
        self.id.clone()
    }

    fn text(&self, text: &str, rest: &Bytes) -> ByteString {
        let is_large_part = text.len() >= Self::LONG && text.len() >= self.chunk / 2;
        match place(rest, text.as_bytes()).filter(|_| is_large_part) {
            Some(shared) => {
                let text = ByteString::try_from(shared);
                debug_assert!(text.is_ok(), "it was valid a moment ago");
                text.unwrap_or_default()
            }
            None => text.into(),
        }
    }
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
    Chunks(E),
    /// Something is larger than the decoder accepts.
    Limit(LimitError),
}

impl<E: fmt::Display> fmt::Display for EventsError<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Chunks(error) => error.fmt(f),
            Self::Limit(error) => error.fmt(f),
        }
    }
}

impl<E: core::error::Error + 'static> core::error::Error for EventsError<E> {
    fn source(&self) -> Option<&(dyn core::error::Error + 'static)> {
        match self {
            Self::Chunks(error) => error.source(),
            Self::Limit(_) => None,
        }
    }
}
