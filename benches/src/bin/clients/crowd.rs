//! Crowds of clients beside a transport that costs nothing.

use crate::counting::Counting;
use crate::memory::{Before, Each};
use crate::pending::Quiet;
use crate::{CROWD, Outcome};
use eventsource_tokio::Alarm;
use eventsource_tokio::client::{EventSource, Policy, Step, Update};
use futures_util::StreamExt;
use nix::time::{ClockId, clock_gettime};
use std::task::{Context, Poll, Waker};
use std::time::Duration;
use tokio::runtime::{Builder, Runtime};
use tokio::time::sleep;

fn runtime() -> Outcome<Runtime> {
    Ok(Builder::new_current_thread().enable_time().build()?)
}

/// Clients that are open and wait, in one vector.
pub(crate) fn by_hand() -> Outcome<Each> {
    let runtime = runtime()?;
    let _context = runtime.enter();
    let quiet = Quiet { idle_timeout: Duration::from_mins(5) };
    let before = Before::now()?;
    let mut crowd: Vec<EventSource<_, Alarm>> = Vec::with_capacity(CROWD);
    crowd.extend((0..CROWD).map(|_| EventSource::new(quiet)));
    for client in &mut crowd {
        let mut cx = Context::from_waker(Waker::noop());
        let opened = client.poll_next_unpin(&mut cx);
        assert!(matches!(opened, Poll::Ready(Some(Update::Open(_)))));
        assert!(client.poll_next_unpin(&mut cx).is_pending() && client.state() == Step::Read);
    }
    before.each_of(CROWD)
}

/// Waits until every client has connected, and what they were made of is gone.
async fn settle() {
    sleep(Duration::from_secs(1)).await;
}

fn spawn<T>(policy: Policy, quiet: Quiet)
where
    T: eventsource_tokio::Timer + Default + Send + Unpin + 'static,
{
    tokio::spawn(async move {
        let mut client = EventSource::<_, T>::new(quiet).policy(policy).events();
        let event = client.next().await;
        panic!("there's no event, no loss and no end: {event:?}");
    });
}

pub(crate) fn as_tasks() -> Outcome<Each> {
    runtime()?.block_on(async {
        let quiet = Quiet { idle_timeout: Duration::from_mins(5) };
        let before = Before::now()?;
        for _ in 0..CROWD {
            spawn::<Alarm>(Policy::default(), quiet);
        }
        settle().await;
        before.each_of(CROWD)
    })
}

/// What an idle timeout costs a client whose server keeps it alive.
pub(crate) struct Rounds {
    pub(crate) settings: f64,
    pub(crate) cpu: Duration,
}

fn cpu_time() -> Outcome<Duration> {
    Ok(clock_gettime(ClockId::CLOCK_PROCESS_CPUTIME_ID)?.into())
}

#[allow(clippy::cast_precision_loss, reason = "counts of this size are exact")]
pub(crate) fn idle_rounds() -> Outcome<Rounds> {
    const TIMEOUT: Duration = Duration::from_secs(4);
    const ROUNDS: u32 = 3;
    runtime()?.block_on(async {
        let policy = Policy::default().idle_timeout(TIMEOUT);
        for _ in 0..CROWD {
            spawn::<Counting>(policy, Quiet { idle_timeout: TIMEOUT });
        }
        // After five seconds, each has one more setting.
        sleep(Duration::from_millis(6500)).await;
        let (settings, cpu) = (Counting::settings(), cpu_time()?);
        sleep(TIMEOUT * ROUNDS).await;
        let settings = (Counting::settings() - settings) as f64 / CROWD as f64 / f64::from(ROUNDS);
        let clients = u32::try_from(CROWD)?;
        Ok(Rounds { settings, cpu: cpu_time()?.saturating_sub(cpu) / clients / ROUNDS })
    })
}
