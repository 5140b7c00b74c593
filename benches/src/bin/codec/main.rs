//! What the codec costs, beside the limits of the machine and beside its peers, in one run.
//!
//! Each contender runs in short slices, in turn with all the others, so that a machine whose speed drifts slows all of
//! them alike; the median slice counts. Allocations are counted over one more slice.

mod decode;
mod encode;
mod race;

#[global_allocator]
static ALLOCATOR: &stats_alloc::StatsAlloc<std::alloc::System> = &stats_alloc::INSTRUMENTED_SYSTEM;

fn main() {
    // A part of a case's name, to run that alone.
    let wanted = std::env::args().skip(1).collect::<Vec<_>>().join(" ");
    encode::run(&wanted);
    decode::run(&wanted);
}
