//! Contenders in turn.

use crate::ALLOCATOR;
use stats_alloc::Region;
use std::time::{Duration, Instant};

const ROUNDS: usize = 31;
const SLICE: Duration = Duration::from_millis(4);

/// Something that can be done any number of times.
pub(crate) struct Contender<'a> {
    pub(crate) name: &'static str,
    run: Box<dyn FnMut(usize) + 'a>,
}

/// What doing it once costs.
pub(crate) struct Cost {
    pub(crate) nanos: f64,
    pub(crate) allocations: f64,
}

impl<'a> Contender<'a> {
    /// `run` does it as often as it's told.
    pub(crate) fn new(name: &'static str, run: impl FnMut(usize) + 'a) -> Self {
        Self { name, run: Box::new(run) }
    }

    fn time(&mut self, times: usize) -> Duration {
        let start = Instant::now();
        (self.run)(times);
        start.elapsed()
    }

    /// How often it can be done in a slice of time.
    fn times_in_a_slice(&mut self) -> usize {
        let mut times = 1;
        while self.time(times) < SLICE {
            times *= 2;
        }
        times
    }
}

/// Lets all of them run in turn; the costs are medians, in the contenders' order.
#[allow(clippy::cast_precision_loss, reason = "counts of this size are exact")]
pub(crate) fn race(mut contenders: Vec<Contender<'_>>) -> Vec<Cost> {
    let (times, nanos) = rounds(&mut contenders, ROUNDS);
    let finish = |((mut contender, times), nanos): ((Contender<'_>, usize), Vec<f64>)| {
        let region = Region::new(ALLOCATOR);
        contender.time(times);
        let allocated = region.change();
        let allocations = (allocated.allocations + allocated.reallocations) as f64 / times as f64;
        Cost { nanos: median(nanos), allocations }
    };
    contenders.into_iter().zip(times).zip(nanos).map(finish).collect()
}

/// How many times the cost of the first the second has: the median over many rounds, in each of which the machine was the same to
/// both.
pub(crate) fn ratio(first: Contender<'_>, second: Contender<'_>) -> f64 {
    let (_, nanos) = rounds(&mut [first, second], 10 * ROUNDS);
    median(nanos[0].iter().zip(&nanos[1]).map(|(first, second)| second / first).collect())
}

/// How often each of them ran in a slice, and what it cost in each round.
#[allow(clippy::cast_precision_loss, reason = "counts of this size are exact")]
fn rounds(contenders: &mut [Contender<'_>], rounds: usize) -> (Vec<usize>, Vec<Vec<f64>>) {
    let times: Vec<usize> = contenders.iter_mut().map(Contender::times_in_a_slice).collect();
    let mut nanos = vec![Vec::new(); contenders.len()];
    for _ in 0..rounds {
        for ((contender, &times), nanos) in contenders.iter_mut().zip(&times).zip(&mut nanos) {
            nanos.push(contender.time(times).as_secs_f64() * 1e9 / times as f64);
        }
    }
    (times, nanos)
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}
