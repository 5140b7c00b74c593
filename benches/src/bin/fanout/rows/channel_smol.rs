//! A channel's subscriptions, each driven over its connection by the driver on smol, on one thread.

use super::event::Numbered;
use super::{Outcome, control};
use eventsource_core::http::RESPONSE_HEAD;
use eventsource_core::{Channel, LastEventId};
use eventsource_smol::{EventStream, drive};
use smol::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use smol::{Async, LocalExecutor, future};
use std::fs::File;
use std::net::{Ipv4Addr, TcpListener, TcpStream};

pub(super) fn serve() -> Outcome {
    let channel = Channel::new();
    let tasks = LocalExecutor::new();
    smol::block_on(tasks.run(async {
        let listener = Async::<TcpListener>::bind((Ipv4Addr::LOCALHOST, 0))?;
        control::announce(listener.get_ref().local_addr()?);
        let accept = async {
            loop {
                let (client, _) = listener.accept().await?;
                client.get_ref().set_nodelay(true)?;
                tasks.spawn(answer(client, channel.clone())).detach();
            }
        };
        future::or(accept, obey(&channel)).await
    }))
}

/// Publishes what the standard input says, until it ends.
async fn obey(channel: &Channel) -> Outcome {
    let mut input = Async::new(File::from(control::input()?))?;
    let mut numbered = Numbered::default();
    let mut bytes = [0; 64];
    loop {
        match input.read(&mut bytes).await? {
            0 => return Ok(()),
            read => control::publish_each(&bytes[..read], &mut numbered, |texts| {
                channel.publish_all(texts.iter().map(String::as_str))?;
                Ok(())
            })?,
        }
    }
}

/// A connection that breaks is found out by its client.
async fn answer(client: Async<TcpStream>, channel: Channel) {
    if greet(&client).await.is_ok() {
        let _ = drive(EventStream::new(channel.subscribe(LastEventId::None)), client).await;
    }
}

/// Reads the request and sends the head of the response.
async fn greet(client: &Async<TcpStream>) -> std::io::Result<()> {
    let mut request = BufReader::new(client);
    let mut line = String::new();
    while request.read_line(&mut line).await? > 2 {
        line.clear();
    }
    let mut client = client;
    client.write_all(RESPONSE_HEAD.as_bytes()).await
}
