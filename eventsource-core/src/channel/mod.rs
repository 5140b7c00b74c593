//! Broadcast with history.

mod policy;
mod options;
mod sequence_id;
mod publication;
mod stats;
mod segment;
mod log;
mod latest;
mod state;
mod cursor;
mod shared;
mod subscription;
mod subscribe;
mod publisher;
mod broadcast;
mod topics;

pub use broadcast::Channel;
pub use options::{ChannelOptions, Clock};
pub use policy::{Ids, Lag, Resumed, Start};
pub use publication::{Publication, PublishError};
pub use sequence_id::SequenceId;
pub use stats::{Stats, TopicStats};
pub use subscribe::{SubscribeError, SubscriptionBuilder};
pub use subscription::Subscription;
pub use topics::Topics;
