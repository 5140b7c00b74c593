//! What an operation makes others wait for, seen from outside.

use crate::{Effort, cores, micros};
use eventsource_core::{Publication, Topics};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, Sender, TryRecvError, channel};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

/// Publishes, on a thread of its own, small events to a topic that nobody else uses, while something is watched; and notes the
/// longest time from one that got through to the next. That's no less than the longest wait, also when the machine has no time
/// for the thread just then.
struct Prober {
    order: Sender<()>,
    warm: Receiver<()>,
    over: Arc<AtomicBool>,
    longest: Receiver<Duration>,
    thread: JoinHandle<()>,
}

/// So many probes come before what's watched, and don't count.
const WARM_UP: usize = 10;

/// Between two probes, so that what's watched mostly finds the lock free, and few events pile up.
const PAUSE: Duration = Duration::from_micros(1);

/// Does `operation` as often as the effort says, with what `prepare` makes for it; what it returns is dropped later. Returns the
/// shortest of the longest waits, and the shortest duration of the operation: a busy machine only adds to them.
pub(crate) fn longest_wait<I, O>(
    topics: &Topics,
    effort: Effort,
    mut prepare: impl FnMut() -> I,
    mut operation: impl FnMut(I) -> O,
) -> String {
    let prober = Prober::new(topics);
    let (mut least_wait, mut least_time) = (Duration::MAX, Duration::MAX);
    let (times, at_least) = effort.waits;
    let start = Instant::now();
    for _ in (0_usize..).take_while(|&done| done < times || start.elapsed() < at_least) {
        let prepared = prepare();
        let (wait, time) = prober.watch(|| operation(prepared));
        least_wait = least_wait.min(wait);
        least_time = least_time.min(time);
    }
    prober.end();
    format!("{} / {} µs", micros(least_wait), micros(least_time))
}

impl Prober {
    fn new(topics: &Topics) -> Self {
        let topics = topics.clone();
        let over = Arc::new(AtomicBool::new(false));
        let is_over = Arc::clone(&over);
        let (order, orders) = channel();
        let (is_warm, warm) = channel();
        let (longest_seen, longest) = channel();
        let thread = thread::spawn(move || {
            cores::stay_on(<[usize]>::last);
            let publication = Publication::new("probe");
            let probe = || {
                topics.publish("probe", publication.clone()).expect("there's room for the probe's topic");
                Instant::now()
            };
            for () in orders {
                let mut through = Instant::now();
                for _ in 0..WARM_UP {
                    through = probe();
                }
                is_warm.send(()).expect("somebody watches");
                let mut longest = Duration::ZERO;
                let mut is_last = false;
                while !is_last {
                    while through.elapsed() < PAUSE {
                        std::hint::spin_loop();
                    }
                    is_last = is_over.load(Ordering::Acquire);
                    let earlier = std::mem::replace(&mut through, probe());
                    longest = longest.max(through.duration_since(earlier));
                }
                longest_seen.send(longest).expect("somebody watches");
            }
        });
        Self { order, warm, over, longest, thread }
    }

    /// Returns the longest wait while `operation` was done, and how long that itself took.
    fn watch<O>(&self, operation: impl FnOnce() -> O) -> (Duration, Duration) {
        self.over.store(false, Ordering::Release);
        self.order.send(()).expect("the prober lives");
        // Without sleeping, so that it begins at once.
        while self.warm.try_recv() == Err(TryRecvError::Empty) {
            std::hint::spin_loop();
        }
        let start = Instant::now();
        let output = operation();
        let time = start.elapsed();
        self.over.store(true, Ordering::Release);
        let wait = self.longest.recv().expect("the prober lives");
        drop(output);
        (wait, time)
    }

    fn end(self) {
        drop(self.order);
        self.thread.join().expect("the prober doesn't panic");
    }
}
