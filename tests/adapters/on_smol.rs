//! On smol.

use crate::runtime::{Runtime, drive_and_read, suite};
use core::future::Future;
use core::time::Duration;
use eventsource_smol::Alarm;
use std::sync::OnceLock;
use std::time::Instant;

struct Smol;

impl Runtime for Smol {
    type Alarm = Alarm;
    const WHILE: Duration = Duration::from_millis(60);
    const IS_EXACT: bool = false;

    fn run<F: Future>(test: F) -> F::Output {
        smol::block_on(test)
    }

    fn now() -> Duration {
        thread_local!(static START: OnceLock<Instant> = const { OnceLock::new() });
        START.with(|start| start.get_or_init(Instant::now).elapsed())
    }

    async fn sleep(duration: Duration) {
        async_io::Timer::after(duration).await;
    }

    drive_and_read!(eventsource_smol);
}

suite!(Smol);
