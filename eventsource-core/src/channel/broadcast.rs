//! One stream for everybody.

use super::options::ChannelOptions;
use super::publication::{Publication, PublishError};
use super::publisher::Publisher;
use super::sequence_id::SequenceId;
use super::shared::Shared;
use super::stats::Stats;
use super::subscribe::SubscriptionBuilder;
use super::subscription::Subscription;
use crate::http::LastEventId;
use alloc::sync::Arc;
use alloc::vec;
use core::fmt;

/// Broadcasts events to every subscriber, and keeps some for those that come back.
///
/// [`publish`](Self::publish) encodes an event once, gives it an id, and never waits for a subscriber. A
/// [`Subscription`] is a place in what's kept, so the memory is bounded by that and not by how many subscribe or how
/// slow they are; [`Lag`](super::Lag) says what happens to the slow. A client that reconnects gets what it has missed, with
/// no event lost or twice, or learns [how many are gone](super::Resumed).
///
/// A clone is the same channel. When the last one is dropped, it's [closed](Self::close).
///
/// ```
/// use eventsource_core::test_util::Probe;
/// use eventsource_core::channel::Resumed;
/// use eventsource_core::{Channel, ChannelOptions, EventStream, Frame, LastEventId, event_name};
///
/// let channel = Channel::with_options(ChannelOptions::new().retain(1000, 1 << 20).epoch(0xe));
/// let mut stream = Probe::new(EventStream::without_timer(channel.subscribe(LastEventId::None)));
///
/// channel.publish("hello")?;
/// channel.publish((event_name!("greeting"), "again"))?;
/// let sent = Frame::from_iter(stream.take_ready(9));
/// let sent = sent.as_bytes().escape_ascii().to_string();
/// assert!(sent.starts_with(r"id: e-0\n\nid: e-1\ndata: hello\n\nevent: greeting\nid: e-2\n"));
///
/// // Later, the client comes back:
/// let subscription = channel.subscribe(LastEventId::parse(b"e-1"));
/// assert_eq!(subscription.resumed(), Resumed::Complete);
/// # Ok::<(), eventsource_core::channel::PublishError>(())
/// ```
///
/// # Labels and keys
/// A [`Publication`] can carry a label of type `L`, at which a subscription's
/// [filter](SubscriptionBuilder::filter) looks, in a replay as live; and a key, of which only the newest event waits for
/// subscriptions that [conflate](super::Lag::Conflate).
///
/// # Cost
/// Publishing costs an allocation for the event, one for its label, and for each waiting subscription one wake. A poll that finds nothing takes no lock;
/// one that finds something takes one for all there is. Who's behind gets what's kept in joined stretches that all others
/// share: the catch-up of many costs one copy of what's kept, not one for each.
pub struct Channel<L = ()>(Arc<Publisher<L>>);

impl Channel {
    /// Creates a channel with the default options.
    pub fn new() -> Self {
        Self::default()
    }

    /// Creates a channel set up by `options`, whose publications carry no labels; see [`with_labels`](Self::with_labels).
    pub fn with_options(options: ChannelOptions) -> Self {
        Self::with_labels(options)
    }
}

impl<L> Channel<L> {
    /// Creates a channel set up by `options`, whose publications carry labels.
    pub fn with_labels(options: ChannelOptions) -> Self {
        Self::of(Arc::new(Shared::with_only_topic(options)))
    }

    pub(super) fn of(shared: Arc<Shared<L>>) -> Self {
        Self(Arc::new(Publisher(shared)))
    }

    /// Publishes an event to everyone. Never waits.
    ///
    /// # Errors
    /// [`PublishError`]; then nothing was published.
    pub fn publish(&self, publication: impl Into<Publication<L>>) -> Result<SequenceId, PublishError> {
        self.0.publish("", publication.into())
    }

    /// Publishes several events at once: all or none, under one lock, with one wake; whoever has nothing else waiting gets
    /// them as one frame, up to 64 events or 32 KiB. Returns the id of the last.
    ///
    /// # Errors
    /// [`PublishError`]; then nothing was published.
    pub fn publish_all<P: Into<Publication<L>>>(
        &self,
        publications: impl IntoIterator<Item = P>,
    ) -> Result<Option<SequenceId>, PublishError> {
        self.0.publish_all("", publications)
    }

    /// Subscribes a client that has seen everything up to `last_event_id`. If it doesn't keep up, it ends when what it needs
    /// is no longer held.
    pub fn subscribe(&self, last_event_id: LastEventId) -> Subscription<L> {
        self.subscription().resume(last_event_id).begin_checked()
    }

    /// Returns a subscription that is still to be set up and begun.
    ///
    /// ```
    /// use eventsource_core::channel::{Lag, Resumed, Start};
    /// use eventsource_core::{Channel, ChannelOptions, Frame, Publication, event_name};
    ///
    /// #[derive(Clone, PartialEq)]
    /// enum For { Everyone, User(u32) }
    ///
    /// let channel = Channel::with_labels(ChannelOptions::new());
    /// channel.publish(Publication::new("the sky is blue").label(For::Everyone))?;
    /// channel.publish(Publication::new("you have mail").label(For::User(7)))?;
    ///
    /// let subscription = channel.subscription()
    ///     .start(Start::Oldest)
    ///     .filter(|label| matches!(label, For::Everyone | For::User(8)))
    ///     .lag(Lag::Disconnect { limit: Some(100) })
    ///     .announce(|resumed| match resumed {
    ///         Resumed::Complete => None,
    ///         _ => Some(Frame::from((event_name!("reload"), ""))),
    ///     })
    ///     .begin()?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn subscription(&self) -> SubscriptionBuilder<L> {
        SubscriptionBuilder::new(Arc::clone(&self.0.0), vec!["".into()])
    }

    /// Returns what the channel has done so far and holds now.
    pub fn stats(&self) -> Stats {
        self.0.0.stats()
    }

    /// Ends every subscription once it has handed out everything. Nothing can be published any more.
    pub fn close(&self) {
        self.0.0.close();
    }
}

impl<L> Clone for Channel<L> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<L> Default for Channel<L> {
    fn default() -> Self {
        Self::with_labels(ChannelOptions::new())
    }
}

/// The settings and the counts, never an event, an id or a label.
impl<L> fmt::Debug for Channel<L> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Channel").field(&self.0.0).finish()
    }
}
