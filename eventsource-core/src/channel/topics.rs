//! Channels by name.

use super::Publisher;
use super::options::ChannelOptions;
use super::publication::{Publication, PublishError};
use super::sequence_id::SequenceId;
use super::shared::Shared;
use super::stats::{Stats, TopicStats};
use super::subscribe::SubscriptionBuilder;
use alloc::sync::Arc;
use alloc::vec::Vec;

/// Channels by name, under one sequence: a connection on several topics gets their events in one order, and one last event ID
/// resumes all of them.
///
/// A topic is there from its first publication or subscription on, and goes when it has neither events nor subscribers.
/// What's kept is kept per topic. A clone is the same `Topics`; when the last one is dropped, they're
/// [closed](Self::close).
///
/// ```
/// use eventsource_core::test_util::Probe;
/// use eventsource_core::{EventStream, LastEventId, Never, Topics};
///
/// let topics = Topics::<()>::new();
/// let first = topics.publish("build", "started")?;
/// topics.publish("chat", "hello")?;
/// topics.publish("deploy", "not for this client")?;
///
/// let last_event_id = LastEventId::Id(first.into());
/// let subscription = topics.subscription(["build", "chat"]).resume(last_event_id).begin()?;
/// topics.publish("build", "done")?;
///
/// let mut events = Probe::new(EventStream::with_timer(subscription, Never));
/// let sent: String = events.take_ready(9).iter().map(|frame| String::from_utf8_lossy(frame.as_bytes())).collect();
/// let data: Vec<_> = sent.lines().filter_map(|line| line.strip_prefix("data: ")).collect();
/// assert_eq!(data, ["hello", "done"]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct Topics<L = ()>(Arc<Publisher<L>>);

impl<L> Topics<L> {
    /// With the default options.
    pub fn new() -> Self {
        Self::with_options(ChannelOptions::new())
    }

    /// Set up by `options`.
    pub fn with_options(options: ChannelOptions) -> Self {
        Self(Arc::new(Publisher(Arc::new(Shared::new(options)))))
    }

    /// Publishes an event to whoever is subscribed to a topic, now or, while it's kept, later. Never waits.
    ///
    /// # Errors
    /// [`PublishError`]; then nothing was published.
    pub fn publish<'a>(
        &self,
        topic: &str,
        publication: impl Into<Publication<'a, L>>,
    ) -> Result<SequenceId, PublishError> {
        self.0.publish(topic, publication.into())
    }

    /// Publishes several events to a topic at once: all or none, under one lock, with one wake; whoever has nothing else
    /// waiting gets them as one frame, up to 64 events or 32 KiB. Returns the id of the last.
    ///
    /// # Errors
    /// [`PublishError`]; then nothing was published.
    pub fn publish_all<'a, P: Into<Publication<'a, L>>>(
        &self,
        topic: &str,
        publications: impl IntoIterator<Item = P>,
    ) -> Result<Option<SequenceId>, PublishError> {
        self.0.publish_all(topic, publications)
    }

    /// A subscription to topics, to be begun. A topic that's named twice counts once.
    pub fn subscription<T: AsRef<str>>(&self, topics: impl IntoIterator<Item = T>) -> SubscriptionBuilder<L> {
        let topics = topics.into_iter().map(|topic| topic.as_ref().into()).collect();
        SubscriptionBuilder::new(Arc::clone(&self.0.0), topics)
    }

    /// What all topics have done so far and hold now.
    pub fn stats(&self) -> Stats {
        self.0.0.stats()
    }

    /// What each has done so far and holds now, in no order. Costs a look at every subscription.
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
        Self::new()
    }
}
