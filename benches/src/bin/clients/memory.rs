//! What a crowd holds.

use crate::{ALLOCATOR, Outcome};
use stats_alloc::Region;
use std::alloc::System;
use std::fs::read_to_string;

/// What was held before.
pub(crate) struct Before {
    region: Region<'static, System>,
    resident: f64,
}

/// What each of a crowd holds, in bytes.
pub(crate) struct Each {
    allocated: f64,
    resident: f64,
}

impl Before {
    pub(crate) fn now() -> Outcome<Self> {
        Ok(Self { resident: resident()?, region: Region::new(ALLOCATOR) })
    }

    #[allow(clippy::cast_precision_loss, reason = "counts of this size are exact")]
    pub(crate) fn each_of(&self, crowd: usize) -> Outcome<Each> {
        let change = self.region.change();
        let allocated = change.bytes_allocated as f64 - change.bytes_deallocated as f64;
        let crowd = crowd as f64;
        Ok(Each { allocated: allocated / crowd, resident: (resident()? - self.resident) / crowd })
    }
}

impl Each {
    pub(crate) fn print(&self, what: &str) {
        println!("| {what} | {:.0} B, resident {:.0} B |", self.allocated, self.resident);
    }
}

/// What's resident of this process, in bytes; added up from its pages, since the sum in `/proc/self/status` is an estimate.
fn resident() -> Outcome<f64> {
    let sums = read_to_string("/proc/self/smaps_rollup")?;
    let line = sums.lines().find_map(|line| line.strip_prefix("Rss:")).ok_or("no Rss in smaps_rollup")?;
    let kib: f64 = line.trim().trim_end_matches(" kB").parse()?;
    Ok(kib * 1024.0)
}
