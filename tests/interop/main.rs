//! The hub and an example behind real proxies, and read by a real SDK.
//!
//! Each proxy is a process of its own with its own configuration, in the foreground, and is killed when it's dropped.

mod cache;
mod curl;
mod health;
mod openai;
mod proxy;
mod quiet;
#[path = "../../examples/tests/programs/server.rs"]
mod server;
mod streaming;

use crate::server::Server;
use std::path::PathBuf;
use std::time::{Duration, Instant};

/// Within this, everything happens that's to happen at once.
const SOON: Duration = Duration::from_secs(30);

/// A program of the workspace, beside this one.
fn program(name: &str) -> String {
    let here = std::env::current_exe().unwrap();
    let path: PathBuf = here.ancestors().nth(2).unwrap().join(name);
    assert!(path.is_file(), "{} isn't there: cargo build -p eventsource-hub -p examples", path.display());
    path.into_os_string().into_string().unwrap()
}

fn hub(options: &[&str]) -> Server {
    Server::start_with(&program("hub"), 0, options)
}

/// Waits until something is so.
fn until(what: &str, mut is_so: impl FnMut() -> bool) {
    let deadline = Instant::now() + SOON;
    while !is_so() {
        assert!(Instant::now() < deadline, "never {what}");
        std::thread::sleep(Duration::from_millis(20));
    }
}
