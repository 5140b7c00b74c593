//! On tokio, with its clock paused.

use crate::runtime::{Runtime, drive_and_read, suite};
use core::future::Future;
use core::time::Duration;
use eventsource_tokio::Alarm;
use std::sync::OnceLock;
use tokio::time::Instant;

struct Tokio;

impl Runtime for Tokio {
    type Alarm = Alarm;
    const WHILE: Duration = Duration::from_secs(15);
    const IS_EXACT: bool = true;

    fn run<F: Future>(test: F) -> F::Output {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().start_paused(true).build();
        runtime.unwrap().block_on(test)
    }

    fn now() -> Duration {
        thread_local!(static START: OnceLock<Instant> = const { OnceLock::new() });
        START.with(|start| start.get_or_init(Instant::now).elapsed())
    }

    async fn sleep(duration: Duration) {
        tokio::time::sleep(duration).await;
    }

    drive_and_read!(eventsource_tokio);
}

suite!(Tokio);
