//! `hub`, run as a program, by many clients at once and by bad ones.

mod api;
mod crowd;
mod filtered;
mod gate;
mod hostile;
mod leaving;
mod listener;
mod policies;
mod restart;
#[path = "../../../examples/tests/programs/server.rs"]
mod server;
mod soak;

use std::time::Duration;
use tokio::sync::Mutex;

const HUB: &str = env!("CARGO_BIN_EXE_hub");

/// One crowd at a time.
static TURN: Mutex<()> = Mutex::const_new(());

/// Within this, everything happens that's to happen at once.
const SOON: Duration = Duration::from_secs(30);
