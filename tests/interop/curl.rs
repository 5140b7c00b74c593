//! curl, the client.

use crate::SOON;
use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::thread;
use std::time::{Duration, Instant};

fn curl(address: SocketAddr, path: &str, options: &[&str]) -> Command {
    let mut command = Command::new("curl");
    command.args(["--silent", "--no-buffer", "--include", "--compressed"]).args(options);
    command.arg(format!("http://{address}{path}")).stdin(Stdio::null());
    command
}

/// The status and the text of an answer.
pub(crate) fn get(address: SocketAddr, path: &str, options: &[&str]) -> (u16, String) {
    let seconds = SOON.as_secs().to_string();
    let output = curl(address, path, &[&["--max-time", &seconds], options].concat()).output().unwrap();
    let answer = String::from_utf8(output.stdout).unwrap();
    let status = answer.split(' ').nth(1).and_then(|status| status.parse().ok());
    let status = status.unwrap_or_else(|| panic!("{path}: {:?} {answer:?}", output.status));
    (status, answer.split_once("\r\n\r\n").unwrap().1.to_owned())
}

/// An event stream that's read line by line; curl is killed when it's dropped.
pub(crate) struct Stream {
    process: Child,
    lines: Receiver<String>,
    pub(crate) head: Vec<String>,
}

impl Stream {
    /// Returns once the head has come.
    pub(crate) fn open(address: SocketAddr, path: &str) -> Self {
        Self::open_within(address, path, SOON).expect("a head")
    }

    /// None if the head doesn't come in time.
    pub(crate) fn open_within(address: SocketAddr, path: &str, within: Duration) -> Option<Self> {
        let mut process = curl(address, path, &[]).stdout(Stdio::piped()).spawn().unwrap();
        let output = BufReader::new(process.stdout.take().unwrap());
        let (sender, lines) = channel();
        thread::spawn(move || {
            for line in output.lines().map_while(Result::ok) {
                if sender.send(line).is_err() {
                    break;
                }
            }
        });
        let mut stream = Self { process, lines, head: Vec::new() };
        loop {
            let line = stream.line(within)?.to_ascii_lowercase();
            if line.trim().is_empty() {
                break;
            }
            stream.head.push(line);
        }
        assert!(stream.head[0].contains(" 200 "), "{:?}", stream.head);
        Some(stream)
    }

    /// How it's compressed, if it is.
    pub(crate) fn coding(&self) -> Option<&str> {
        self.head.iter().find_map(|line| line.strip_prefix("content-encoding: "))
    }

    /// The next line that begins so; none if it doesn't come in time.
    pub(crate) fn next(&mut self, start: &str, within: Duration) -> Option<String> {
        let deadline = Instant::now() + within;
        loop {
            let line = self.line(deadline.saturating_duration_since(Instant::now()))?;
            if line.starts_with(start) {
                return Some(line);
            }
        }
    }

    /// Whether its end comes in time.
    pub(crate) fn ends(&mut self, within: Duration) -> bool {
        let deadline = Instant::now() + within;
        loop {
            match self.lines.recv_timeout(deadline.saturating_duration_since(Instant::now())) {
                Ok(_) => {}
                Err(RecvTimeoutError::Timeout) => return false,
                Err(RecvTimeoutError::Disconnected) => return true,
            }
        }
    }

    fn line(&mut self, within: Duration) -> Option<String> {
        self.lines.recv_timeout(within).ok()
    }
}

impl Drop for Stream {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// Publishes to a hub.
pub(crate) fn publish(hub: SocketAddr, data: &str) {
    let (status, answer) = get(hub, "/publish?topic=a", &["--data", data]);
    assert_eq!(status, 200, "{answer}");
}
