//! A channel's subscriptions, each driven over its connection by the driver on tokio.

use super::{Outcome, on_tokio};
use eventsource_core::{Channel, LastEventId};
use eventsource_tokio::{EventStream, drive};
use tokio::net::TcpStream;

pub(super) fn serve() -> Outcome {
    let channel = Channel::new();
    on_tokio::serve(
        |texts| {
            channel.publish_all(texts.iter().map(String::as_str))?;
            Ok(())
        },
        |client| answer(client, channel.clone()),
    )
}

/// A connection that breaks is found out by its client.
async fn answer(mut client: TcpStream, channel: Channel) {
    if on_tokio::answer(&mut client).await.is_ok() {
        let _ = drive(EventStream::new(channel.subscribe(LastEventId::None)), client).await;
    }
}
