//! A gate between clients and a hub that cuts connections, delays what comes, and stops reading.

use crate::listener::connect;
use fastrand::Rng;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt, copy};
use tokio::net::tcp::{ReadHalf, WriteHalf};
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::task::JoinHandle;
use tokio::time::sleep;

/// Listens for clients, and takes each to the hub.
pub(crate) struct Gate {
    pub(crate) address: SocketAddr,
    state: Arc<State>,
    listening: JoinHandle<()>,
}

#[derive(Default)]
struct State {
    /// None while it's being restarted.
    hub: Mutex<Option<SocketAddr>>,
    is_rough: AtomicBool,
    /// Those that are open.
    connections: AtomicUsize,
    tally: Tally,
}

/// What the gate has done.
#[derive(Debug, Default)]
pub(crate) struct Tally {
    pub(crate) closed: AtomicU64,
    pub(crate) reset: AtomicU64,
    pub(crate) silenced: AtomicU64,
    /// Of all those, where the last byte wasn't that of a line.
    pub(crate) in_mid_line: AtomicU64,
    pub(crate) stalled: AtomicU64,
}

/// How a connection is cut.
#[derive(Clone, Copy)]
enum Cut {
    /// With a FIN.
    Close,
    /// With an RST.
    Reset,
    /// Nothing comes any more, and nobody says so.
    Silence,
}

impl Gate {
    /// Opens a gate that lets everything through, and leads nowhere yet. What it does when it's rough depends on the seed, and on the
    /// order in which connections come.
    pub(crate) fn open(seed: u64) -> Self {
        let socket = TcpSocket::new_v4().unwrap();
        // Of those it accepts, too: whoever doesn't read is soon noticed.
        socket.set_send_buffer_size(16 << 10).unwrap();
        socket.bind(([127, 0, 0, 1], 0).into()).unwrap();
        let listener = socket.listen(1024).unwrap();
        let (address, state) = (listener.local_addr().unwrap(), Arc::<State>::default());
        let listening = tokio::spawn(accept(listener, Arc::clone(&state), Rng::with_seed(seed)));
        Self { address, state, listening }
    }

    pub(crate) fn lead_to(&self, hub: Option<SocketAddr>) {
        *self.state.hub.lock().unwrap() = hub;
    }

    pub(crate) fn set_rough(&self, is_rough: bool) {
        self.state.is_rough.store(is_rough, Ordering::Relaxed);
    }

    pub(crate) fn connections(&self) -> usize {
        self.state.connections.load(Ordering::Relaxed)
    }

    pub(crate) fn tally(&self) -> &Tally {
        &self.state.tally
    }
}

impl Drop for Gate {
    fn drop(&mut self) {
        self.listening.abort();
    }
}

async fn accept(listener: TcpListener, state: Arc<State>, mut rng: Rng) {
    loop {
        let (client, _) = listener.accept().await.unwrap();
        let (state, rng) = (Arc::clone(&state), rng.fork());
        state.connections.fetch_add(1, Ordering::Relaxed);
        tokio::spawn(async move {
            carry(client, &state, rng).await;
            state.connections.fetch_sub(1, Ordering::Relaxed);
        });
    }
}

/// Takes one connection through, until one of its ends closes it or it's cut.
async fn carry(mut client: TcpStream, state: &State, rng: Rng) {
    let address = *state.hub.lock().unwrap();
    let Some(address) = address else { return };
    let Ok(mut hub) = connect(address).await else { return };
    let cut = {
        let (mut from_client, mut to_client) = client.split();
        let (mut from_hub, mut to_hub) = hub.split();
        tokio::select! {
            _ = copy(&mut from_client, &mut to_hub) => None,
            cut = bring(&mut from_hub, &mut to_client, state, rng) => cut,
        }
    };
    match cut {
        None | Some(Cut::Close) => {}
        Some(Cut::Reset) => client.set_zero_linger().unwrap(),
        Some(Cut::Silence) => {
            // Until the client gives up.
            let _ = copy(&mut client, &mut tokio::io::sink()).await;
        }
    }
}

/// So many, each order of magnitude as often as any other.
fn bytes(rng: &mut Rng, bits: u32) -> usize {
    let below = 2 << rng.u32(..bits);
    rng.usize(1..below)
}

/// Brings what the hub sends to the client. Returns how it's to be cut, or nothing where one of the ends has closed it.
async fn bring(
    from_hub: &mut ReadHalf<'_>,
    to_client: &mut WriteHalf<'_>,
    state: &State,
    mut rng: Rng,
) -> Option<Cut> {
    let cut = match rng.u32(..20) {
        0..9 => Cut::Close,
        9..18 => Cut::Reset,
        _ => Cut::Silence,
    };
    let (mut until_cut, mut until_stall) = (bytes(&mut rng, 20), bytes(&mut rng, 20));
    let mut buffer = [0; 8 << 10];
    loop {
        let most = bytes(&mut rng, 13).min(buffer.len());
        let len = from_hub.read(&mut buffer[..most]).await.ok().filter(|&len| len > 0)?;
        let is_rough = state.is_rough.load(Ordering::Relaxed);
        if is_rough && rng.u32(..16) == 0 {
            sleep(Duration::from_millis(rng.u64(..30))).await;
        }
        let part = if is_rough { len.min(until_cut) } else { len };
        to_client.write_all(&buffer[..part]).await.ok()?;
        if !is_rough {
            continue;
        }
        until_cut -= part;
        if until_cut == 0 {
            let tally = &state.tally;
            let count = match cut {
                Cut::Close => &tally.closed,
                Cut::Reset => &tally.reset,
                Cut::Silence => &tally.silenced,
            };
            count.fetch_add(1, Ordering::Relaxed);
            if buffer[part - 1] != b'\n' {
                tally.in_mid_line.fetch_add(1, Ordering::Relaxed);
            }
            return Some(cut);
        }
        if let Some(left) = until_stall.checked_sub(part) {
            until_stall = left;
        } else {
            until_stall = usize::MAX;
            state.tally.stalled.fetch_add(1, Ordering::Relaxed);
            sleep(Duration::from_millis(rng.u64(200..3000))).await;
        }
    }
}
