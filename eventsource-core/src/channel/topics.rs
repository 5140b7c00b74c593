//! Channels by name.

use super::options::ChannelOptions;
use super::publication::{Publication, PublishError};
use super::publisher::Publisher;
use super::sequence_id::SequenceId;
use super::shared::Shared;
use super::stats::{Stats, TopicStats};
use super::subscribe::SubscriptionBuilder;
use super::subscription::Subscription;
use crate::http::LastEventId;
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::fmt;

/// Channels by name, under one sequence: a connection on several topics gets their events in one order, and one last event ID
/// resumes all of them.
///
/// A topic is there from its first publication or subscription on, and goes when it has neither events nor subscribers.
/// What's kept is kept per topic. A clone is the same `Topics`; when the last one is dropped, they're
/// [closed](Self::close).
///
/// ```
/// use eventsource_core::test_util::Probe;
/// use eventsource_core::{EventStream, Frame, LastEventId, Topics};
///
/// let topics = Topics::new();
/// let first = topics.publish("build", "started")?;
/// topics.publish("chat", "hello")?;
/// topics.publish("deploy", "not for this client")?;
///
/// let last_event_id = LastEventId::Id(first.into());
/// let subscription = topics.subscribe(["build", "chat"], last_event_id);
/// topics.publish("build", "done")?;
///
/// let mut events = Probe::new(EventStream::without_timer(subscription));
/// let sent = Frame::from_iter(events.take_ready(9));
/// assert!(sent.as_bytes().ends_with(b"data: done\n\n"));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct Topics<L = ()>(Arc<Publisher<L>>);

impl Topics {
    /// Creates topics with the default options.
    pub fn new() -> Self {
        Self::default()
    }

    /// Creates topics set up by `options`, whose publications carry no labels; see [`with_labels`](Self::with_labels).
    pub fn with_options(options: ChannelOptions) -> Self {
        Self::with_labels(options)
    }
}

impl<L> Topics<L> {
    /// Creates topics set up by `options`, whose publications carry labels.
    pub fn with_labels(options: ChannelOptions) -> Self {
        Self::of(Arc::new(Shared::new(options)))
    }

    pub(super) fn of(shared: Arc<Shared<L>>) -> Self {
        Self(Arc::new(Publisher(shared)))
    }

    /// Publishes an event to whoever is subscribed to a topic, now or, while it's kept, later. Never waits.
    ///
    /// # Errors
    /// [`PublishError`]; then nothing was published.
    pub fn publish(
        &self,
        topic: &str,
        publication: impl Into<Publication<L>>,
    ) -> Result<SequenceId, PublishError> {
        self.0.publish(topic, publication.into())
    }

    /// Publishes several events to a topic at once: all or none, under one lock, with one wake; whoever has nothing else
    /// waiting gets them as one frame, up to 64 events or 32 KiB. Returns the id of the last.
    ///
    /// # Errors
    /// [`PublishError`]; then nothing was published.
    pub fn publish_all<P: Into<Publication<L>>>(
        &self,
        topic: &str,
        publications: impl IntoIterator<Item = P>,
    ) -> Result<Option<SequenceId>, PublishError> {
        self.0.publish_all(topic, publications)
    }

    /// Subscribes a client that has seen everything up to `last_event_id` to some topics. A topic that's named twice counts once.
    /// If the client doesn't keep up, its subscription ends when what it needs is no longer held.
    ///
    /// A subscription to no topic at all never has an event.
    pub fn subscribe<T: AsRef<str>>(
        &self,
        topics: impl IntoIterator<Item = T>,
        last_event_id: LastEventId,
    ) -> Subscription<L> {
        self.subscription(topics).resume(last_event_id).begin_checked()
    }

    /// Returns a subscription to some topics that is still to be set up and begun. A topic that's named twice counts once.
    pub fn subscription<T: AsRef<str>>(&self, topics: impl IntoIterator<Item = T>) -> SubscriptionBuilder<L> {
        let topics = topics.into_iter().map(|topic| topic.as_ref().into()).collect();
        SubscriptionBuilder::new(Arc::clone(&self.0.0), topics)
    }

    /// Lets go of what a topic keeps, for replay and per key. Returns whether there was such a topic.
    ///
    /// A topic that somebody subscribes to stays. Its subscriptions still get what was published before, until more is published than the
    /// live window has room for; except those that [conflate](super::Lag::Conflate), which are told that they have lost it. A client
    /// that comes back is told a gap if it hasn't seen everything, or nothing that it was told of behind its filter; with callers' ids,
    /// it's unknown then.
    ///
    /// ```
    /// use eventsource_core::Topics;
    ///
    /// let topics = Topics::new();
    /// topics.publish("job 7", "done")?;
    /// assert!(topics.remove("job 7"));
    /// assert_eq!(topics.stats().topics, 0);
    /// # Ok::<(), eventsource_core::channel::PublishError>(())
    /// ```
    pub fn remove(&self, topic: &str) -> bool {
        self.0.0.remove_topic(topic)
    }

    /// Returns what all topics have done so far and hold now.
    pub fn stats(&self) -> Stats {
        self.0.0.stats()
    }

    /// Returns what each topic has done so far and holds now, in no order. Costs a look at every subscription, with the topics in
    /// portions, between which others publish.
    pub fn topics(&self) -> Vec<TopicStats> {
        self.0.0.topic_stats()
    }

    /// Ends every subscription once it has handed out everything. Nothing can be published any more.
    pub fn close(&self) {
        self.0.0.close();
    }
}

impl<L> Clone for Topics<L> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<L> Default for Topics<L> {
    fn default() -> Self {
        Self::with_labels(ChannelOptions::new())
    }
}

/// The settings and the counts, never an event, an id, a label or a topic's name.
impl<L> fmt::Debug for Topics<L> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Topics").field(&self.0.0).finish()
    }
}
