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
        ],
    )?;
    budget.run("cargo test --locked --package eventsource-hub --features peers --test page")?;
    budget.run("npm ci --prefix examples/node")?;
    let path = install::node(budget)?;
    budget.run_with(
        &[("PATH", &path)],
        "cargo test --locked --package examples --features peers --test programs",
    )
}
