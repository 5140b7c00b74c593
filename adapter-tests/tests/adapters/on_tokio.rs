//! On tokio, with its clock paused.

use crate::runtime::{Runtime, Setup, suite};
use crate::wire::Wire;
use core::future::Future;
use core::time::Duration;
use eventsource_core::{EndReason, EventsError, OwnedEvent, Source};
use eventsource_tokio::{Alarm, EventStream, drive, drive_half, read};
use futures_util::Stream;
use std::io;
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

suite!(Tokio);
