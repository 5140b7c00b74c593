//! One connection to the broker.

use crate::intake::Intake;
use crate::line::Line;
use crate::options::Options;
use futures_util::StreamExt;
use lapin::options::{BasicConsumeOptions, BasicQosOptions};
use lapin::types::FieldTable;
use lapin::{Channel, Connection, Consumer};
use std::error::Error;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::oneshot;
use tokio::time::timeout;

/// How long a broker may take to let one consume.
const PATIENCE: Duration = Duration::from_secs(10);
/// How long it may take to say goodbye.
pub(crate) const PARTING: Duration = Duration::from_secs(2);

/// A consumer of the queue, on a connection of its own.
pub(crate) struct Session {
    connection: Connection,
    channel: Channel,
    consumer: Consumer,
    _line: Arc<Line>,
}

impl Session {
    /// Connects and begins to consume.
    pub(crate) async fn open(options: &Options) -> Result<Self, String> {
        let problem = match timeout(PATIENCE, Self::try_open(options)).await {
            Ok(Ok(session)) => return Ok(session),
            Ok(Err(error)) => error.to_string(),
            Err(_) => format!("no answer within {PATIENCE:?}"),
        };
        let (queue, broker) = (options.queue.as_str(), &options.broker.authority);
        Err(format!("can't consume {queue:?} of {}:{}: {problem}", broker.host, broker.port))
    }

    async fn try_open(options: &Options) -> lapin::Result<Self> {
        let line = Arc::new(Line::default());
        let connection = line.connect(options.broker.clone()).await?;
        let channel = connection.create_channel().await?;
        channel.basic_qos(options.prefetch.get(), BasicQosOptions::default()).await?;
        let exclusive = BasicConsumeOptions { exclusive: true, ..BasicConsumeOptions::default() };
        let consumer =
            channel.basic_consume(options.queue.clone(), "".into(), exclusive, FieldTable::default()).await?;
        Ok(Self { connection, channel, consumer, _line: line })
    }

    /// Takes in what comes, one after the other, until it's stopped. The connection may break before, or the broker end it.
    pub(crate) async fn consume(
        &mut self,
        intake: &mut Intake,
        stopped: &mut oneshot::Receiver<()>,
    ) -> Result<(), Box<dyn Error>> {
        loop {
            let message = tokio::select! {
                biased;
                _ = &mut *stopped => return Ok(()),
                message = self.consumer.next() => message,
            };
            // What has begun is finished, whatever comes: an acknowledgement that nobody waits for may never be sent.
            intake.take(&message.ok_or("the broker has cancelled the consumer")??).await?;
        }
    }

    /// Says goodbye. The channel comes first: AMQP keeps the order within a channel alone, so with its answer the broker says that
    /// it has read all acknowledgements.
    pub(crate) async fn close(self) {
        let part = async {
            self.channel.close(200, "".into()).await?;
            self.connection.close(200, "".into()).await
        };
        // A connection that's gone needs no goodbye.
        let _ = timeout(PARTING, part).await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::num::NonZeroU16;
    use tokio::io::AsyncReadExt;
    use tokio::net::TcpListener;

    #[tokio::test]
    async fn a_broker_that_does_not_answer_is_hung_up_on() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let options = Options {
            broker: format!("amqp://{}", listener.local_addr().unwrap()).parse().unwrap(),
            queue: "orders".into(),
            prefetch: NonZeroU16::MIN,
            retain: 0,
            port: 0,
        };
        let opening = timeout(Duration::from_millis(300), Session::try_open(&options));
        let (opened, broker) = tokio::join!(opening, listener.accept());
        assert!(opened.is_err());
        let all = timeout(PATIENCE, broker.unwrap().0.read_to_end(&mut Vec::new())).await;
        assert!(all.expect("an end").unwrap() <= b"AMQP\0\0\x09\x01".len());
    }
}
