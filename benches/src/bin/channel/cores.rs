//! Which core runs what: otherwise, on a busy machine, whoever waits and who is waited for take turns on one. On Linux alone.

/// Keeps this thread on the one of the cores, of those that the process had when this was called first, that `pick` picks.
#[cfg(target_os = "linux")]
pub(crate) fn stay_on(pick: fn(&[usize]) -> Option<&usize>) {
    use nix::sched::{CpuSet, sched_getaffinity, sched_setaffinity};
    use nix::unistd::Pid;
    use std::sync::OnceLock;

    const THIS: Pid = Pid::from_raw(0);
    static CORES: OnceLock<Vec<usize>> = OnceLock::new();
    let find = || {
        let allowed = sched_getaffinity(THIS).unwrap_or_default();
        (0..CpuSet::count()).filter(|&core| allowed.is_set(core) == Ok(true)).collect()
    };
    let mut only = CpuSet::new();
    let core = pick(CORES.get_or_init(find)).copied().unwrap_or_default();
    if let Err(error) = only.set(core).and_then(|()| sched_setaffinity(THIS, &only)) {
        eprintln!("channel: a thread can't be kept on core {core}: {error}");
    }
}

#[cfg(not(target_os = "linux"))]
pub(crate) fn stay_on(_: fn(&[usize]) -> Option<&usize>) {}
