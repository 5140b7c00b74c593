//! Which core runs what.

use crate::rows::Outcome;
use nix::sched::{CpuSet, sched_getaffinity, sched_setaffinity};
use nix::unistd::Pid;
use std::process::{Child, Command};

/// One core for the server that's measured, another for everything else.
#[derive(Debug)]
pub(super) struct Cores {
    server: CpuSet,
    load: CpuSet,
}

/// The thread that asks.
const THIS: Pid = Pid::from_raw(0);

impl Cores {
    /// The first and the last that this process may use. From now on this thread runs on the latter.
    pub(super) fn find() -> Outcome<Self> {
        let allowed = sched_getaffinity(THIS)?;
        let cores: Vec<_> = (0..CpuSet::count()).filter(|&core| allowed.is_set(core) == Ok(true)).collect();
        let (Some(&server), Some(&load)) = (cores.first(), cores.last()) else {
            return Err("there is no core to run on".into());
        };
        if server == load {
            println!("There is one core alone: servers and load share it, which falsifies the ratios.");
        }
        let only = |core| {
            let mut set = CpuSet::new();
            set.set(core).map(|()| set)
        };
        let cores = Self { server: only(server)?, load: only(load)? };
        sched_setaffinity(THIS, &cores.load)?;
        Ok(cores)
    }

    /// Starts a server. A process stays where the thread was that started it, and so do its threads.
    pub(super) fn start(&self, command: &mut Command) -> Outcome<Child> {
        sched_setaffinity(THIS, &self.server)?;
        let child = command.spawn();
        sched_setaffinity(THIS, &self.load)?;
        Ok(child?)
    }
}
