//! An example as a user runs it: a process of its own.

use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::process::{Child, Command, Stdio};

/// A running server; killed when it's dropped.
pub(crate) struct Server {
    process: Child,
    pub(crate) address: SocketAddr,
}

impl Server {
    /// Starts `program` with `--port`, and waits until it says where it listens.
    pub(crate) fn start(program: &str, port: u16) -> Self {
        Self::start_with(program, port, &[])
    }

    /// The same with further arguments.
    pub(crate) fn start_with(program: &str, port: u16, arguments: &[&str]) -> Self {
        Self::run(Command::new(program).args(arguments), port)
    }

    /// Does the same with a command that has all but the port.
    pub(crate) fn run(command: &mut Command, port: u16) -> Self {
        let mut process = command
            .args(["--port", &port.to_string()])
            .stdout(Stdio::piped())
            .spawn()
            .expect("the program starts");
        let mut lines = BufReader::new(process.stdout.take().unwrap()).lines();
        let line = lines.next().expect("it says where it listens").unwrap();
        let (_, rest) = line.split_once("http://").expect(&line);
        let address = rest.split('/').next().unwrap().parse().expect(&line);
        Self { process, address }
    }

    pub(crate) fn id(&self) -> u32 {
        self.process.id()
    }

    pub(crate) fn wait(mut self) -> std::process::ExitStatus {
        self.process.wait().unwrap()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// A port on which nothing listens now.
pub(crate) fn free_port() -> u16 {
    std::net::TcpListener::bind((std::net::Ipv4Addr::LOCALHOST, 0)).unwrap().local_addr().unwrap().port()
}
