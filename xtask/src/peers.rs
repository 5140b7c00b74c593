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
            ("/usr/lib/rabbitmq/bin/rabbitmq-server", "rabbitmq-server"),
        ],
    )?;
    budget.run("cargo test --locked --package examples --features peers --test programs")
}
