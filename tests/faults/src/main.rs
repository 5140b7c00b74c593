//! The gate of faults: serves each fault that a client meets over a real socket, starts our client and its peers, each as a
//! process of its own, and judges them by what they ask, when they ask it, and what they hand out.
//!
//! Ours has to be right about all of them, and the page `docs/conformance.md` has to say so. What the peers do is printed. For
//! the proof that it can fail, ours is told to do one thing wrong at a time, which the faults named for it have to bring to light.

#![forbid(unsafe_code)]

mod seen;
mod act;
mod serve;
mod serve_http2;
mod judge;
mod fault;
mod client;
mod meet;
mod page;

use client::{CLIENTS, Client, Failure, WRONGS};
use fault::{FAULTS, Fault};
use judge::Verdict;
use page::{NOT_APPLICABLE, RIGHT, WRONG};
use std::process::ExitCode;
use std::sync::Arc;
use tokio::sync::Semaphore;
use tokio::task::JoinSet;

/// So many clients run at once, or fewer that weigh more.
const AT_ONCE: usize = 48;

const HELP: &str = "\
Usage: faults [--only PART]

  --only PART    have only the clients, and ours done wrong in ways, that have this in their names meet the faults;
                 or have all of them meet only the faults that have it in theirs. The page isn't checked then.
";

#[tokio::main]
async fn main() -> Result<ExitCode, Failure> {
    let mut only = String::new();
    let mut args = lexopt::Parser::from_env();
    while let Some(arg) = args.next()? {
        match arg {
            lexopt::Arg::Long("only") => only = args.value()?.to_string_lossy().into_owned(),
            lexopt::Arg::Long("help") => {
                print!("{HELP}");
                return Ok(ExitCode::SUCCESS);
            }
            _ => return Err(arg.unexpected().into()),
        }
    }
    run(&only).await
}

/// That a client, or ours while it does something wrong, meets a fault.
#[derive(Clone, Copy)]
struct Meeting {
    client: usize,
    wrong: Option<&'static str>,
    fault: usize,
}

impl Meeting {
    fn all() -> impl Iterator<Item = Self> {
        let right = (0..CLIENTS.len()).flat_map(|client| {
            let can_meet = move |&fault: &usize| CLIENTS[client].has(FAULTS[fault].needs);
            (0..FAULTS.len()).filter(can_meet).map(move |fault| Self { client, wrong: None, fault })
        });
        let wrong = WRONGS.iter().flat_map(|&(wrong, names)| {
            let shows_it = |&fault: &usize| names.iter().any(|name| FAULTS[fault].name.starts_with(name));
            (0..FAULTS.len()).filter(shows_it).map(move |fault| Self { client: 0, wrong: Some(wrong), fault })
        });
        right.chain(wrong)
    }

    fn client(&self) -> &'static Client {
        &CLIENTS[self.client]
    }

    fn fault(&self) -> &'static Fault {
        &FAULTS[self.fault]
    }

    fn is_about(&self, part: &str) -> bool {
        let names = [self.client().name, self.fault().name, self.wrong.unwrap_or_default()];
        names.iter().any(|name| name.contains(part))
    }
}

async fn run(only: &str) -> Result<ExitCode, Failure> {
    for (wrong, names) in WRONGS {
        for name in *names {
            let is_there = FAULTS.iter().any(|fault| fault.name.starts_with(name));
            assert!(is_there, "there's no fault {name:?}, which is to show a client that {wrong}");
        }
    }
    let turns = Arc::new(Semaphore::new(AT_ONCE));
    let mut meetings = JoinSet::new();
    for meeting in Meeting::all().filter(|meeting| meeting.is_about(only)) {
        let turns = turns.clone();
        meetings.spawn(async move {
            let _turn = turns.acquire_many(meeting.client().weight()).await?;
            let verdict = meet::meet(meeting.client(), meeting.fault(), meeting.wrong).await?;
            Ok::<_, Failure>((meeting, verdict))
        });
    }
    let mut verdicts = Vec::new();
    while let Some(verdict) = meetings.join_next().await {
        verdicts.push(verdict??);
    }
    verdicts.sort_by_key(|(meeting, _)| (meeting.client, meeting.wrong, meeting.fault));
    report(&verdicts, only.is_empty())
}

fn report(verdicts: &[(Meeting, Verdict)], is_whole: bool) -> Result<ExitCode, Failure> {
    let mut failures = 0;
    let mut fail = |failure: &str| {
        failures += 1;
        println!("FAILED: {failure}");
    };
    let mut marks = vec![vec![NOT_APPLICABLE; CLIENTS.len()]; FAULTS.len()];
    let mut unproved: Vec<_> = FAULTS.iter().map(|fault| fault.name).collect();
    for (meeting, verdict) in verdicts {
        let (client, fault) = (meeting.client().name, meeting.fault().name);
        if verdict.is_err() {
            unproved.retain(|name| *name != fault);
        }
        match (meeting.wrong, verdict) {
            (None, Ok(())) => marks[meeting.fault][meeting.client] = RIGHT,
            (None, Err(reason)) => {
                marks[meeting.fault][meeting.client] = WRONG;
                let said = format!("{client}: {fault}: {reason}");
                if meeting.client == 0 { fail(&said) } else { println!("{said}") }
            }
            (Some(wrong), Ok(())) => fail(&format!("a client that {wrong} passes: {fault}")),
            (Some(wrong), Err(reason)) => println!("a client that {wrong} is noticed: {fault}: {reason}"),
        }
    }
    if is_whole {
        let table = page::table(&marks)?;
        println!("\n{table}");
        for fault in unproved {
            fail(&format!("nobody was wrong about this, so nothing shows that it can be noticed: {fault}"));
        }
        if let Err(reason) = page::check(&table) {
            fail(&reason);
        }
    }
    println!("{} meetings, {failures} failures", verdicts.len());
    Ok(if failures == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}
