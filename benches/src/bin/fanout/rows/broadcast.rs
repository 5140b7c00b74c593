//! The careful hand-written server: a broadcast of encoded events, and a task for each connection that writes all there is
//! at once.

use super::{Outcome, on_tokio};
use bytes::Bytes;
use futures_util::FutureExt;
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;
use tokio::sync::broadcast;
use tokio::sync::broadcast::Receiver;

pub(super) fn serve() -> Outcome {
    let (sender, _) = broadcast::channel::<Bytes>(64);
    on_tokio::serve(
        |texts| {
            for text in texts {
                sender.send(format!("data: {text}\n\n").into())?;
            }
            Ok(())
        },
        |client| relay(client, sender.subscribe()).map(drop),
    )
}

async fn relay(mut client: TcpStream, mut events: Receiver<Bytes>) -> Outcome {
    on_tokio::answer(&mut client).await?;
    let mut batch = Vec::new();
    loop {
        batch.clear();
        batch.extend_from_slice(&events.recv().await?);
        // An event that's lost here is found out where the next one comes.
        while let Ok(event) = events.try_recv() {
            batch.extend_from_slice(&event);
        }
        client.write_all(&batch).await?;
    }
}
