//! Has a client meet a fault.

use crate::client::{Client, Failure};
use crate::fault::{BASE_DELAY, Fault, MAX_EVENT, Needs, TIMEOUT};
use crate::judge::Verdict;
use crate::seen::{Record, Seen};
use crate::serve::wait;
use crate::{serve, serve_http2};
use faults::{Line, Settings};
use std::convert::Infallible;
use std::process::Stdio;
use std::time::{Duration, Instant};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, BufReader};
use tokio::net::TcpListener;
use tokio::process::Command;

/// What may still come after there's enough to be judged, such as one request too many.
const AFTERMATH: Duration = Duration::from_millis(500);

/// If the machine was late by so much meanwhile, nobody can be judged by times.
const LATE: Duration = Duration::from_millis(250);

/// Starts the client at a server that does this, and judges it. If the machine was too busy, again, but not for ever.
pub(crate) async fn meet(client: &Client, fault: &Fault, wrong: Option<&str>) -> Result<Verdict, Failure> {
    let mut meetings = 0;
    loop {
        meetings += 1;
        let mut late = Duration::ZERO;
        let verdict = tokio::select! {
            verdict = meet_once(client, fault, wrong) => verdict?,
            never = measure(&mut late) => match never {},
        };
        if late < LATE || meetings == 4 {
            return Ok(verdict);
        }
    }
}

/// Measures for ever by how much the machine is late at most.
async fn measure(late: &mut Duration) -> Infallible {
    const TICK: Duration = Duration::from_millis(20);
    loop {
        let since = Instant::now();
        tokio::time::sleep(TICK).await;
        *late = since.elapsed().saturating_sub(TICK).max(*late);
    }
}

async fn meet_once(client: &Client, fault: &Fault, wrong: Option<&str>) -> Result<Verdict, Failure> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let url = format!("http://{}/", listener.local_addr()?);
    let record = Record::new(Seen::new());
    tokio::select! {
        never = async {
            match fault.needs {
                Needs::Http2 => serve_http2::serve(listener, &record, fault.answer).await,
                _ => serve::serve(listener, &record, fault.answer).await,
            }
        } => never?,
        seen = watch(client, fault, settings(url, fault, wrong), &record) => seen?,
    }
    let seen = record.borrow();
    Ok((fault.judge)(&seen))
}

fn settings(url: String, fault: &Fault, wrong: Option<&str>) -> Settings {
    let millis = |duration: Duration| u64::try_from(duration.as_millis()).unwrap_or(u64::MAX);
    Settings {
        url,
        authorization: "Bearer of good news".to_owned(),
        base_delay: millis(BASE_DELAY),
        timeout: millis(TIMEOUT),
        http2: fault.needs == Needs::Http2,
        pause: if fault.needs == Needs::Pause { millis(TIMEOUT * 2) } else { 0 },
        max_event: if matches!(fault.needs, Needs::Stop | Needs::Skip) { MAX_EVENT } else { 0 },
        skips: fault.needs == Needs::Skip,
        wrong: wrong.map(String::from),
    }
}

/// Runs the client until enough is seen of it.
async fn watch(client: &Client, fault: &Fault, settings: Settings, record: &Record) -> Result<(), Failure> {
    let command = client.command()?;
    let mut process = Command::new(&command[0])
        .args(&command[1..])
        .arg(serde_json::to_string(&settings)?)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true)
        .spawn()?;
    let mut lines = BufReader::new(process.stdout.take().ok_or("it's piped")?).lines();
    let mut errors = process.stderr.take().ok_or("it's piped")?;
    let listen = async {
        while let Some(line) = lines.next_line().await? {
            let line: Line = serde_json::from_str(&line)?;
            record.send_modify(|seen| seen.lines.push(line));
        }
        let mut said = String::new();
        errors.read_to_string(&mut said).await?;
        let status = process.wait().await?;
        record.send_modify(|seen| {
            seen.has_exited = true;
            let said = said.lines().find(|line| !line.is_empty()).unwrap_or_default();
            seen.crash = (!status.success()).then(|| format!("{status}, {said}"));
        });
        std::future::pending::<Result<(), Failure>>().await
    };
    let is_enough = |seen: &Seen| fault.is_enough(seen);
    let enough = async {
        // Nobody knows how long a process takes to start.
        wait(record, |seen| seen.has_exited || !seen.requests.is_empty()).await;
        let _ = tokio::time::timeout(fault.limit(), record.subscribe().wait_for(is_enough)).await;
        tokio::time::sleep(AFTERMATH).await;
    };
    tokio::select! {
        failure = listen => failure,
        () = enough => Ok(()),
    }
}
