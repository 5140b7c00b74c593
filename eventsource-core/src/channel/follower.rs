//! Topics whose events come from a log elsewhere.

use super::broadcast::Channel;
use super::options::ChannelOptions;
use super::policy::Ids;
use super::publication::{ApplyError, Prepared, Publication};
use super::sequence_id::SequenceId;
use super::shared::Shared;
use super::topics::Topics;
use alloc::collections::VecDeque;
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::fmt;

/// The one writer of topics, or of a channel, whose events come from a log elsewhere: on a disk, or shared by several machines.
///
/// The log gives the events their numbers, and each node that follows it applies them in order. So ids, order, history and gaps are the
/// same on every node, and a client may come back to any. Nothing is delivered before the log has it.
///
/// A log is told from its earlier lives, and from others, by its epoch. Where it has become another, because it was rolled back or began
/// anew, [`begin`](Self::begin) says so: streams stay, and each is told [`Resumed::Unknown`](super::Resumed::Unknown) and gets all of the new log that
/// is kept. A client that has seen more of the log on another node than has come here resumes as complete, and gets what's newer.
///
/// Dropped, it closes the topics.
///
/// ```
/// use eventsource_core::channel::{ChannelOptions, Resumed, SequenceId};
/// use eventsource_core::{LastEventId, Topics};
///
/// let (topics, mut follower) = Topics::<()>::following(ChannelOptions::new());
/// // The log's epoch is 0xa1; what it had up to the number 40 is gone.
/// follower.begin(0xa1, 40);
/// follower.apply("build", 41, ["started", "failed"])?;
/// assert_eq!(follower.reached(), SequenceId::new(0xa1, 42));
///
/// // Its client has seen the number 45 on another node.
/// let subscription = topics.subscribe(["build"], LastEventId::parse(b"a1-45"));
/// assert_eq!(subscription.resumed(), Resumed::Complete);
/// // And this one only what's gone since.
/// let subscription = topics.subscribe(["build"], LastEventId::parse(b"a1-38"));
/// assert!(matches!(subscription.resumed(), Resumed::Gap { missed: 2, .. }));
/// # Ok::<(), eventsource_core::channel::ApplyError>(())
/// ```
pub struct Follower<L = ()> {
    shared: Arc<Shared<L>>,
    /// The topics of what was applied and not trimmed since: the last number of each batch, and the topic's index.
    applied: VecDeque<(u64, usize)>,
}

impl<L> Topics<L> {
    /// Creates topics whose events come from a log elsewhere, through the follower alone: to publish to them is an error. Their
    /// ids are those that the log gives, whatever `options` say; and there may be as many topics as the log has: [`Follower::trim`] tells of what it has let go.
    ///
    /// Until the follower [begins](Follower::begin), the topics are empty and of a random epoch.
    pub fn following(options: ChannelOptions) -> (Self, Follower<L>) {
        let shared = Arc::new(Shared::following(options));
        (Self::of(Arc::clone(&shared)), Follower::new(shared))
    }
}

impl<L> Channel<L> {
    /// Creates a channel whose events come from a log elsewhere, through the follower alone, for which any topic is this
    /// channel. See [`Topics::following`].
    pub fn following(options: ChannelOptions) -> (Self, Follower<L>) {
        let shared = Arc::new(Shared::following_with_only_topic(options));
        (Self::of(Arc::clone(&shared)), Follower::new(shared))
    }
}

impl<L> Follower<L> {
    fn new(shared: Arc<Shared<L>>) -> Self {
        Self { shared, applied: VecDeque::new() }
    }

    /// Begins with another log, or with another life of the same one: with its epoch, and the number after which its events are
    /// applied next. Everything there was is let go. Does nothing once the topics are closed.
    ///
    /// Streams stay. Each is told [`Resumed::Unknown`](super::Resumed::Unknown) by what it [announces](super::SubscriptionBuilder::announce), and gets
    /// the new log's events when it's polled, from the oldest on that's kept, or from the first after the last [loss](Self::lose).
    ///
    /// # Cost
    /// A look at each topic and each subscription under the lock.
    pub fn begin(&mut self, epoch: u64, after: u64) {
        self.applied = VecDeque::new();
        self.shared.begin(epoch, after);
    }

    /// Applies events of one topic with consecutive numbers from `first` on, at once: with one wake, like
    /// [`Topics::publish_all`].
    ///
    /// # Errors
    /// [`ApplyError`]; then nothing was applied.
    pub fn apply<P: Into<Publication<L>>>(
        &mut self,
        topic: &str,
        first: u64,
        batch: impl IntoIterator<Item = P>,
    ) -> Result<(), ApplyError> {
        let prepare = |publication: P| Prepared::new(publication.into(), Ids::Assigned);
        let batch: Vec<_> =
            batch.into_iter().map(prepare).collect::<Result<_, _>>().map_err(ApplyError::Publication)?;
        let last = first.saturating_add(batch.len() as u64).saturating_sub(1);
        let index = self.shared.apply(topic, first, batch)?;
        self.applied.extend(index.map(|index| (last, index)));
        Ok(())
    }

    /// Lets go of the events up to the number `to`, as the log has: so that no more topics are kept than the log has events of. Streams
    /// still get what they haven't yet, as far as the live window holds it. A batch is let go once all of it may be.
    pub fn trim(&mut self, to: u64) {
        let gone = self.applied.partition_point(|&(last, _)| last <= to);
        let mut indices: Vec<_> = self.applied.drain(..gone).map(|(_, index)| index).collect();
        indices.sort_unstable();
        indices.dedup();
        self.shared.trim_to(&indices, to);
    }

    /// Passes over the numbers up to `to`, which no event has: nothing is missed by that. Does nothing if they were reached.
    pub fn skip(&mut self, to: u64) {
        self.shared.pass(to, false);
    }

    /// Notes that the log has let go the events up to the number `to` before they came here. Streams stay, and each is told a
    /// [gap](super::Resumed::Gap): exactly that of a channel, and of topics the most that it can be, for it isn't known which topics
    /// these were. Does nothing if they were reached.
    pub fn lose(&mut self, to: u64) {
        self.shared.pass(to, true);
    }

    /// Sets whether no other node follows the log. Then nobody can have seen more of it than has come here: an id that's ahead is of events that
    /// the log has lost, as by a restored backup, and so unknown. It's off by default.
    pub fn set_alone(&mut self, alone: bool) {
        self.shared.lock().may_be_behind = !alone;
    }

    /// Returns the epoch and the last number that was applied, skipped or lost.
    pub fn reached(&self) -> SequenceId {
        self.shared.reached()
    }
}

impl<L> Drop for Follower<L> {
    fn drop(&mut self) {
        self.shared.close();
    }
}

/// What was reached and the counts, never an event, an id, a label or a topic's name.
impl<L> fmt::Debug for Follower<L> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Follower")
            .field("reached", &self.reached())
            .field("shared", &self.shared)
            .finish_non_exhaustive()
    }
}
