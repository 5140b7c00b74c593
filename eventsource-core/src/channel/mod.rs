//! Broadcast with history: everyone who subscribes gets every event, and who comes back gets what was missed.
//!
//! A [`Channel`] is one stream for everybody; [`Topics`] are channels by name under one sequence of ids. Publishing encodes an event
//! once, gives it an id and never waits. A [`Subscription`] is a source for a connection's
//! [`EventStream`](crate::stream::EventStream).
//!
//! ```
//! use eventsource_core::channel::Resumed;
//! use eventsource_core::{EventStream, LastEventId, Topics};
//!
//! let topics = Topics::new();
//! let seen = topics.publish("build", "started")?;
//! topics.publish("build", "failed")?;
//!
//! // A client comes back that has seen the first event.
//! let subscription = topics.subscribe(["build", "deploy"], LastEventId::Id(seen.into()));
//! assert_eq!(subscription.resumed(), Resumed::Complete);
//! let events = EventStream::without_timer(subscription); // for an adapter to write
//! # Ok::<(), eventsource_core::channel::PublishError>(())
//! ```
//!
//! | how do I … | |
//! |---|---|
//! | say how much is kept? | [`ChannelOptions`] |
//! | publish a name, JSON, a key or a label? | [`Publication`] |
//! | say what becomes of a client that's too slow? | [`Lag`] |
//! | begin in the past, filter, tell the client of a gap? | [`SubscriptionBuilder`] |
//! | have events on a disk, or the same on several machines? | [`Topics::following`], [`Follower`] |
//! | see what a channel does? | [`Stats`], [`ChannelOptions::on_end`] |

// In the order of dependency, which is the order to read them in: nothing points up.
mod policy;
mod options;
mod sequence_id;
mod publication;
mod record;
mod tokens;
mod stats;
mod segment;
mod log;
mod latest;
mod forgotten;
mod losses;
mod index;
mod topic;
mod state;
mod cursor;
mod shared;
mod subscription;
mod subscribe;
mod publisher;
mod broadcast;
mod topics;
mod follower;

pub use broadcast::Channel;
pub use follower::Follower;
pub use options::{ChannelOptions, Clock};
pub use policy::{Ids, Lag, Resumed, Start};
pub use publication::{ApplyError, Publication, PublishError};
pub use record::{Record, RecordError, StoredLabel};
pub use sequence_id::SequenceId;
pub use stats::{Stats, TopicStats};
pub use subscribe::{SubscribeError, SubscriptionBuilder};
pub use subscription::Subscription;
pub use tokens::Tokens;
pub use topics::Topics;
