//! On smol.

use crate::runtime::{Runtime, Setup, suite};
use crate::wire::Wire;
use core::future::Future;
use core::time::Duration;
use eventsource_core::{EndReason, EventsError, OwnedEvent, Source};
use eventsource_smol::{Alarm, EventStream, drive, drive_half, read};
use futures_util::Stream;
use std::io;
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

    fn drive<S: Source>(
        stream: EventStream<S>,
        wire: Wire,
        setup: Setup,
    ) -> impl Future<Output = io::Result<EndReason>> {
        drive(stream, wire).head(setup.head).patience(setup.patience)
    }

    fn drive_half<S: Source>(
        stream: EventStream<S>,
        wire: Wire,
    ) -> impl Future<Output = io::Result<EndReason>> {
        drive_half(stream, wire)
    }

    fn read(wire: Wire) -> impl Stream<Item = Result<OwnedEvent, EventsError<io::Error>>> {
        read(wire)
    }
}

suite!(Smol);
