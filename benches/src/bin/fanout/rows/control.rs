//! How a server in a role of this program is told what to do.
//!
//! It prints its address, then reads its standard input: each byte is one publication, and says of how many events. So
//! publishing costs all of them the same. At the end of that input it ends.

use super::Outcome;
use super::event::Numbered;
use std::io::stdin;
use std::net::SocketAddr;
use std::os::fd::{AsFd, OwnedFd};

/// Says where it listens.
pub(super) fn announce(address: SocketAddr) {
    println!("http://{address}/");
}

/// The standard input, as the pipe that it is: without a buffer, in which a byte could wait unseen, or a thread that reads it.
pub(super) fn input() -> std::io::Result<OwnedFd> {
    stdin().as_fd().try_clone_to_owned()
}

/// Calls `publish` with the texts of the events of each publication.
pub(super) fn publish_each(
    control: &[u8],
    numbered: &mut Numbered,
    mut publish: impl FnMut(Vec<String>) -> Outcome,
) -> Outcome {
    control.iter().try_for_each(|&count| publish(numbered.take(count.into()).collect()))
}
