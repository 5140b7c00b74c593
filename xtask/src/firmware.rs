//! The examples for a microcontroller.

use crate::budget::{Budget, Outcome};
use crate::{install, thumbv7m};

pub(crate) fn run(budget: Budget) -> Outcome {
    install::debian(budget, &[("qemu-system-arm", "qemu-system-arm")])?;
    thumbv7m::build(budget, "core", "examples/firmware/Cargo.toml", "--release")?;
    // A test runs in its package's folder.
    let [server, client] = ["firmware", "client"]
        .map(|name| format!("../{}/thumbv7m-none-eabi/release/{name}", thumbv7m::TARGET_FOLDER));
    budget.run_with(
        &[("FIRMWARE", &server), ("FIRMWARE_CLIENT", &client)],
        "cargo test --locked --package examples --features peers --test firmware -- --nocapture",
    )
}
