//! A connection between two programs that can be damaged.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;

/// Forwards each connection that's made to it.
pub(crate) struct Cable {
    pub(crate) address: SocketAddr,
    /// The state of the connections that there are now; those to come are whole.
    state: Arc<Mutex<watch::Sender<State>>>,
}

#[derive(Clone, Copy, Default, PartialEq)]
enum State {
    #[default]
    Whole,
    /// What the client sends is lost.
    Mute,
    Cut,
}

impl Cable {
    pub(crate) async fn to(port: u16) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let cable = Self { address: listener.local_addr().unwrap(), state: Arc::default() };
        let state = Arc::clone(&cable.state);
        tokio::spawn(async move {
            loop {
                let (client, _) = listener.accept().await.unwrap();
                let state = state.lock().unwrap().subscribe();
                tokio::spawn(async move {
                    let Ok(server) = TcpStream::connect(("127.0.0.1", port)).await else { return };
                    let (from_client, to_client) = client.into_split();
                    let (from_server, to_server) = server.into_split();
                    let mut cut = state.clone();
                    tokio::select! {
                        () = forward(from_client, to_server, || *state.borrow() != State::Mute) => {}
                        () = forward(from_server, to_client, || true) => {}
                        _ = cut.wait_for(|state| *state == State::Cut) => {}
                    }
                });
            }
        });
        cable
    }

    pub(crate) fn mute(&self) {
        self.state.lock().unwrap().send_replace(State::Mute);
    }

    pub(crate) fn cut(&self) {
        std::mem::take(&mut *self.state.lock().unwrap()).send_replace(State::Cut);
    }
}

async fn forward(
    mut from: impl AsyncRead + Unpin,
    mut to: impl AsyncWrite + Unpin,
    goes_through: impl Fn() -> bool,
) {
    let mut chunk = [0; 4096];
    while let Ok(read @ 1..) = from.read(&mut chunk).await {
        if goes_through() && to.write_all(&chunk[..read]).await.is_err() {
            return;
        }
    }
}
