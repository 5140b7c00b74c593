//! The tests against other programs.

use crate::budget::{Budget, Outcome};
use crate::install;

pub(crate) fn run(budget: Budget) -> Outcome {
    install::debian(
        budget,
        &[
            ("chromium", "chromium"),
            ("chromedriver", "chromium-driver"),
            ("curl", "curl"),
            ("node", "nodejs"),
            ("npm", "npm"),
            ("/usr/lib/rabbitmq/bin/rabbitmq-server", "rabbitmq-server"),
            ("nginx", "nginx"),
            ("haproxy", "haproxy"),
            ("caddy", "caddy"),
        ],
    )?;
    budget.run("cargo test --locked --package eventsource-hub --features peers --test page")?;
    budget.run("npm ci --prefix examples/node")?;
    budget.run("npm ci --prefix tests/interop/node")?;
    let path = install::node(budget)?;
    budget.run_with(
        &[("PATH", &path)],
        "cargo test --locked --package examples --features peers --test programs",
    )?;
    // The programs that its proxies stand before.
    budget.run("cargo build --locked --package eventsource-hub --package examples --bins")?;
    budget
        .run_with(&[("PATH", &path)], "cargo test --locked --package interop --features peers --test interop")
}
