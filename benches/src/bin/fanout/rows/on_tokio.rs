//! Servers on tokio, on one thread.

use super::event::Numbered;
use super::{Outcome, control};
use eventsource_core::http::RESPONSE_HEAD;
use std::net::Ipv4Addr;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::unix::pipe;
use tokio::net::{TcpListener, TcpStream};
use tokio::runtime;

/// Serves each connection by a task of its own. `publish` is called with the texts of the events of each publication.
pub(super) fn serve<C: Future<Output = ()> + Send + 'static>(
    publish: impl FnMut(Vec<String>) -> Outcome,
    connection: impl Fn(TcpStream) -> C,
) -> Outcome {
    serve_with(publish, async |listener| {
        loop {
            let (client, _) = listener.accept().await?;
            client.set_nodelay(true)?;
            tokio::spawn(connection(client));
        }
    })
}

/// The same for what accepts its connections itself.
pub(super) fn serve_with(
    publish: impl FnMut(Vec<String>) -> Outcome,
    accept: impl AsyncFnOnce(TcpListener) -> Outcome,
) -> Outcome {
    runtime::Builder::new_current_thread().enable_io().build()?.block_on(async {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        control::announce(listener.local_addr()?);
        tokio::select! {
            outcome = accept(listener) => outcome,
            outcome = obey(publish) => outcome,
        }
    })
}

/// Publishes what the standard input says, until it ends.
async fn obey(mut publish: impl FnMut(Vec<String>) -> Outcome) -> Outcome {
    let mut input = pipe::Receiver::from_owned_fd(control::input()?)?;
    let mut numbered = Numbered::default();
    let mut bytes = [0; 64];
    loop {
        match input.read(&mut bytes).await? {
            0 => return Ok(()),
            read => control::publish_each(&bytes[..read], &mut numbered, &mut publish)?,
        }
    }
}

/// Reads a client's request and sends the head of the response, for what goes on without HTTP.
pub(super) async fn answer(client: &mut TcpStream) -> std::io::Result<()> {
    let mut request = BufReader::new(&mut *client).lines();
    while request.next_line().await?.is_some_and(|line| !line.is_empty()) {}
    client.write_all(RESPONSE_HEAD.as_bytes()).await
}
