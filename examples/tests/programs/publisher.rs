//! A publisher that loses nothing.

use lapin::options::{BasicPublishOptions, ConfirmSelectOptions, QueueDeclareOptions};
use lapin::types::FieldTable;
use lapin::{BasicProperties, Channel, Confirmation, Connection, ConnectionProperties};
use std::io;
use std::ops::Range;
use std::time::Duration;
use tokio::time::sleep;

const PERSISTENT: u8 = 2;

/// Publishes to one queue, through a connection that it makes anew when it breaks.
pub(crate) struct Publisher {
    url: String,
    queue: &'static str,
    connection: Option<(Connection, Channel)>,
}

impl Publisher {
    /// Declares the queue, a durable one.
    pub(crate) async fn new(url: String, queue: &'static str, arguments: FieldTable) -> Self {
        let mut publisher = Self { url, queue, connection: None };
        let channel = publisher.channel().await.unwrap();
        channel.queue_declare(queue.into(), QueueDeclareOptions::durable(), arguments).await.unwrap();
        publisher
    }

    /// Publishes a persistent message of the type `order`, again and again until the broker confirms it.
    pub(crate) async fn publish(&mut self, id: Option<&str>, body: &[u8]) {
        while self.try_publish(id, body).await.is_err() {
            self.connection = None;
            sleep(Duration::from_millis(50)).await;
        }
    }

    /// Publishes the numbers, one after the other, which are also the ids.
    pub(crate) async fn publish_numbers(mut self, numbers: Range<u32>) -> Self {
        for number in numbers {
            let number = number.to_string();
            self.publish(Some(&number), number.as_bytes()).await;
        }
        self
    }

    async fn try_publish(&mut self, id: Option<&str>, body: &[u8]) -> lapin::Result<()> {
        let properties = BasicProperties::default().with_delivery_mode(PERSISTENT).with_type("order".into());
        let properties = match id {
            Some(id) => properties.with_message_id(id.into()),
            None => properties,
        };
        let queue = self.queue.into();
        let options = BasicPublishOptions { mandatory: true, ..BasicPublishOptions::default() };
        let confirm =
            self.channel().await?.basic_publish("".into(), queue, options, body, properties).await?;
        match confirm.await? {
            Confirmation::Ack(None) => Ok(()),
            refusal => Err(io::Error::other(format!("{refusal:?}")).into()),
        }
    }

    async fn channel(&mut self) -> lapin::Result<&Channel> {
        if self.connection.is_none() {
            let connection = Connection::connect(&self.url, ConnectionProperties::default()).await?;
            let channel = connection.create_channel().await?;
            channel.confirm_select(ConfirmSelectOptions::default()).await?;
            self.connection = Some((connection, channel));
        }
        Ok(&self.connection.as_ref().expect("it was just made").1)
    }
}
