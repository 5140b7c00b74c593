//! A server and its subscribers.

use super::cores::Cores;
use super::crowd::Crowd;
use super::process::Process;
use crate::rows::{Outcome, Row};

/// About so many deliveries are one turn, if each is waited for.
const DELIVERIES: usize = 10_000;

/// So many publications come before those that count, since another has had the core meanwhile; and a turn has at least as
/// many.
const WARMING: usize = 3;

#[derive(Debug)]
pub(super) struct Contender {
    name: &'static str,
    server: Process,
    crowd: Crowd,
    resident: f64,
}

impl Contender {
    /// Starts a server, and has so many subscribe.
    pub(super) fn start(row: &Row, subscribers: usize, cores: &Cores) -> Outcome<Self> {
        let start = || {
            let server = Process::start(row, cores)?;
            let empty = server.resident()?;
            let crowd = Crowd::connect(server.address(), subscribers)?;
            let resident = (server.resident()? - empty) / f64::from(u32::try_from(subscribers)?);
            Ok(Self { name: row.name, server, crowd, resident })
        };
        named(row.name, start())
    }

    /// How many KiB more the server had resident for each connection, before any event was published.
    pub(super) fn resident(&self) -> f64 {
        self.resident
    }

    /// What a delivery costs the server, in µs of CPU time, if so many events are published together.
    pub(super) fn turn(&mut self, events: u8) -> Outcome<f64> {
        named(self.name, self.measure(events))
    }

    fn measure(&mut self, events: u8) -> Outcome<f64> {
        let publications = (DELIVERIES / self.crowd.len()).max(WARMING);
        self.publish(events, WARMING)?;
        let before = self.server.cpu_time()?;
        self.publish(events, publications)?;
        let spent = self.server.cpu_time()?.saturating_sub(before);
        let deliveries = u32::try_from(publications * self.crowd.len() * usize::from(events))?;
        Ok(spent.as_secs_f64() * 1e6 / f64::from(deliveries))
    }

    fn publish(&mut self, events: u8, times: usize) -> Outcome {
        for _ in 0..times {
            let last = self.server.publish(events)?;
            self.crowd.wait_for(last)?;
        }
        Ok(())
    }
}

fn named<T>(name: &str, outcome: Outcome<T>) -> Outcome<T> {
    outcome.map_err(|error| format!("{name}: {error}").into())
}
