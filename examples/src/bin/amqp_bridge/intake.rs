//! What's done with each message.

use crate::event::event;
use crate::progress::Progress;
use crate::seen::Seen;
use eventsource_core::Channel;
use lapin::message::Delivery;
use lapin::options::{BasicAckOptions, BasicRejectOptions};
use lapin::types::ShortString;
use std::error::Error;
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;

/// Publishes messages, and acknowledges them only then.
#[derive(Debug)]
pub(crate) struct Intake {
    channel: Channel,
    progress: Arc<Progress>,
    seen: Seen,
}

impl Intake {
    /// Remembers so many ids.
    pub(crate) fn new(channel: Channel, progress: Arc<Progress>, ids: usize) -> Self {
        Self { channel, progress, seen: Seen::new(ids) }
    }

    /// Publishes a message unless it's known, and returns when the acknowledgement is with the system.
    ///
    /// # Cancel safety
    /// Dropped, it may have published the message, whose acknowledgement then isn't sent if the connection is closed next.
    pub(crate) async fn take(&mut self, message: &Delivery) -> Result<(), Box<dyn Error>> {
        // The connection has broken: it's delivered again on the next.
        if !message.usable() {
            return Ok(());
        }
        let id = message.properties.message_id().as_ref().filter(|id| !id.as_str().is_empty());
        if id.is_some_and(|id| self.seen.contains(id)) {
            self.progress.known.fetch_add(1, Relaxed);
        } else {
            match event(message) {
                Ok(event) => self.channel.publish(event)?,
                Err(error) => {
                    self.progress.rejected.fetch_add(1, Relaxed);
                    let (id, key) = (id.map_or("", ShortString::as_str), message.routing_key.as_str());
                    eprintln!("amqp_bridge: rejects message {id:?}, routing key {key:?}: {error}");
                    message.reject(BasicRejectOptions { requeue: false }).await?;
                    return Ok(());
                }
            };
            if let Some(id) = id {
                self.seen.insert(id);
            }
        }
        message.ack(BasicAckOptions::default()).await?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use lapin::BasicProperties;

    fn message(id: Option<&str>, data: &[u8]) -> Delivery {
        let mut message = Delivery::mock(1, "".into(), "".into(), false, data.to_vec());
        message.properties = id.map_or_else(BasicProperties::default, |id| {
            BasicProperties::default().with_message_id(id.into())
        });
        message
    }

    #[tokio::test]
    async fn a_message_is_published_once_if_its_id_tells_and_is_acknowledged_each_time() {
        let (channel, progress) = (Channel::new(), Arc::new(Progress::default()));
        let mut intake = Intake::new(channel.clone(), Arc::clone(&progress), 2);
        let mut published_after = async |id, data| {
            let message = message(id, data);
            intake.take(&message).await.unwrap();
            assert!(!message.usable(), "it's acknowledged, or rejected");
            channel.stats().published
        };
        assert_eq!(published_after(Some("1"), b"a").await, 1);
        assert_eq!(published_after(Some("1"), b"a").await, 1);
        assert_eq!(published_after(Some("2"), b"b").await, 2);
        assert_eq!(published_after(None, b"c").await, 3);
        assert_eq!(published_after(None, b"c").await, 4);
        // No id at all, which some publishers write so.
        assert_eq!(published_after(Some(""), b"d").await, 5);
        assert_eq!(published_after(Some(""), b"e").await, 6);
        assert_eq!(published_after(Some("3"), b"\xff").await, 6);
        assert_eq!(published_after(Some("3"), b"f").await, 7);
        assert_eq!((progress.known.load(Relaxed), progress.rejected.load(Relaxed)), (1, 1));
    }

    #[tokio::test]
    async fn what_can_no_longer_be_acknowledged_is_not_published() {
        let channel = Channel::new();
        let mut intake = Intake::new(channel.clone(), Arc::default(), 2);
        let message = message(Some("1"), b"a");
        message.ack(BasicAckOptions::default()).await.unwrap();
        intake.take(&message).await.unwrap();
        assert_eq!(channel.stats().published, 0);
    }

    #[tokio::test]
    async fn what_was_not_published_is_not_acknowledged() {
        let channel = Channel::new();
        channel.close();
        let message = message(Some("1"), b"a");
        assert!(Intake::new(channel, Arc::default(), 2).take(&message).await.is_err());
        assert!(message.usable());
    }
}
