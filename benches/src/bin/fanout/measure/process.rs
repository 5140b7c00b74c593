//! A server's process.

use super::cores::Cores;
use super::trigger::Trigger;
use crate::rows::{Outcome, Row, SERVE, Server};
use nix::time::ClockId;
use nix::unistd::Pid;
use std::fs::read_to_string;
use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

/// A running server; killed when it's dropped.
#[derive(Debug)]
pub(super) struct Process {
    child: Running,
    address: SocketAddr,
    clock: ClockId,
    trigger: Trigger,
}

#[derive(Debug)]
struct Running(Child);

impl Process {
    pub(super) fn start(row: &Row, cores: &Cores) -> Outcome<Self> {
        let this = std::env::current_exe()?;
        let mut command = match row.server {
            Server::Role(_) => Command::new(this),
            Server::Hub => Command::new(this.with_file_name("hub")),
        };
        match row.server {
            Server::Role(_) => command.args([SERVE, row.name]),
            Server::Hub => command.args(["--port", "0", "--max-per-client", "10000"]),
        };
        let mut child = cores
            .start(command.stdin(Stdio::piped()).stdout(Stdio::piped()))
            .map(Running)
            .map_err(|error| format!("{}: {error}", command.get_program().display()))?;
        let (Some(control), Some(output)) = (child.0.stdin.take(), child.0.stdout.take()) else {
            return Err("its pipes are missing".into());
        };
        let mut said = String::new();
        BufReader::new(output).read_line(&mut said)?;
        let address = said.split_once("http://").and_then(|(_, rest)| rest.split_once('/'));
        let (address, _) = address.ok_or("it doesn't say where it listens")?;
        let address = address.parse()?;
        let trigger = match row.server {
            Server::Role(_) => Trigger::control(control),
            Server::Hub => Trigger::http(address)?,
        };
        let clock = ClockId::pid_cpu_clock_id(Pid::from_raw(child.0.id().try_into()?))?;
        Ok(Self { child, address, clock, trigger })
    }

    pub(super) fn address(&self) -> SocketAddr {
        self.address
    }

    /// Has it publish so many events together. Returns the number of the last.
    pub(super) fn publish(&mut self, events: u8) -> Outcome<u64> {
        self.trigger.publish(events)
    }

    /// What all of its threads have had so far, in user mode and in the kernel.
    ///
    /// That's its CPU clock, which the kernel brings up to date when it's read and keeps in ns, be it running or not: where
    /// `/proc/PID/stat` has ticks of 10 ms, and `/proc/PID/schedstat` one thread as of its last switch. What the
    /// loopback does to deliver a segment, it does within the sender's call, so it's in there.
    pub(super) fn cpu_time(&self) -> Outcome<Duration> {
        Ok(self.clock.now()?.into())
    }

    /// What's resident, in KiB; added up from its pages, since the sum in `/proc/PID/status` is an estimate.
    pub(super) fn resident(&self) -> Outcome<f64> {
        let sums = read_to_string(format!("/proc/{}/smaps_rollup", self.child.0.id()))?;
        let line = sums.lines().find_map(|line| line.strip_prefix("Rss:"));
        Ok(line.and_then(|line| line.strip_suffix("kB")).ok_or("no Rss in smaps_rollup")?.trim().parse()?)
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // It may be gone already.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}
