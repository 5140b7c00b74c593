//! The subscribers, all held by one thread.

use crate::rows::{Outcome, number};
use eventsource_core::Decoder;
use eventsource_core::codec::{Chunk, Item};
use nix::sys::epoll::{Epoll, EpollCreateFlags, EpollEvent, EpollFlags, EpollTimeout};
use std::fmt;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::{Duration, Instant};

/// The subscribers of a server. They see to it that each of them gets each event once and in order.
///
/// Who waits for them asks over and over again and doesn't sleep. A server that's slower than they are would else have to wake
/// them for each delivery, a faster one seldom: a cost of up to 2 µs that a server has by clients on its own machine alone.
pub(super) struct Crowd {
    ready: Epoll,
    members: Vec<Member>,
    events: Vec<EpollEvent>,
    buffer: Vec<u8>,
}

#[derive(Debug)]
struct Member {
    stream: TcpStream,
    decoder: Decoder,
    /// The head of the response has come.
    is_answered: bool,
    /// The number of the last event.
    last: u64,
}

const REQUEST: &[u8] =
    b"GET /events?topic=bench HTTP/1.1\r\nhost: localhost\r\naccept: text/event-stream\r\n\r\n";

/// So many connect at once: fewer than wait at a server's door before it turns them away.
const GROUP: usize = 64;

/// Whatever takes so long won't come any more.
const PATIENCE: Duration = Duration::from_secs(10);

impl Crowd {
    /// Has so many subscribe. Returns when all have been answered.
    pub(super) fn connect(server: SocketAddr, count: usize) -> Outcome<Self> {
        let ready = Epoll::new(EpollCreateFlags::empty())?;
        let mut crowd = Self {
            ready,
            members: Vec::with_capacity(count),
            events: vec![EpollEvent::empty(); 1024],
            buffer: vec![0; 64 * 1024],
        };
        while crowd.members.len() < count {
            for _ in 0..GROUP.min(count - crowd.members.len()) {
                crowd.add(server)?;
            }
            crowd.wait_until(|member| member.is_answered)?;
        }
        Ok(crowd)
    }

    fn add(&mut self, server: SocketAddr) -> Outcome {
        let mut stream = TcpStream::connect(server)?;
        stream.write_all(REQUEST)?;
        stream.set_nonblocking(true)?;
        self.ready.add(&stream, EpollEvent::new(EpollFlags::EPOLLIN, self.members.len() as u64))?;
        self.members.push(Member { stream, decoder: Decoder::new(), is_answered: false, last: 0 });
        Ok(())
    }

    pub(super) fn len(&self) -> usize {
        self.members.len()
    }

    /// Waits until everyone has the event of that number, and so all before.
    pub(super) fn wait_for(&mut self, number: u64) -> Outcome {
        self.wait_until(|member| member.last >= number)
    }

    fn wait_until(&mut self, is_done: impl Fn(&Member) -> bool) -> Outcome {
        let Self { ready, members, events, buffer } = self;
        let mut missing = members.iter().filter(|member| !is_done(member)).count();
        let begun = Instant::now();
        while missing > 0 {
            let count = ready.wait(events, EpollTimeout::ZERO)?;
            if count == 0 && begun.elapsed() > PATIENCE {
                return Err(format!("{missing} of {} wait in vain", members.len()).into());
            }
            for event in events.iter().take(count) {
                let Some(member) = usize::try_from(event.data()).ok().and_then(|at| members.get_mut(at))
                else {
                    continue;
                };
                let was_done = is_done(member);
                member.read(buffer)?;
                if !was_done && is_done(member) {
                    missing -= 1;
                }
            }
        }
        Ok(())
    }
}

impl Member {
    /// Takes what there is. What HTTP puts around the events, the head and the sizes of the chunks, are lines of no field to
    /// an event stream's decoder, which passes them over; and no server here cuts an event in two chunks.
    fn read(&mut self, buffer: &mut [u8]) -> Outcome {
        let read = self.stream.read(buffer)?;
        let bytes = &buffer[..read];
        if bytes.is_empty() {
            return Err("a connection was closed".into());
        }
        if !self.is_answered && !bytes.starts_with(b"HTTP/1.1 200 ") {
            return Err(format!("the answer is {}", bytes.escape_ascii()).into());
        }
        self.is_answered = true;
        let mut chunk = Chunk::new(bytes);
        while let Some(item) = self.decoder.decode(&mut chunk)? {
            let Item::Event(event) = item else { continue };
            let next = self.last + 1;
            if number(event.data) != Some(next) {
                return Err(format!("event {next} was to come, not {:?}", event.data).into());
            }
            self.last = next;
        }
        Ok(())
    }
}

impl fmt::Debug for Crowd {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Crowd").field("members", &self.members.len()).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rows::Numbered;
    use std::net::{Ipv4Addr, TcpListener};
    use std::sync::mpsc;
    use std::thread;

    const HEAD: &str = "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\n\r\n";

    /// How two subscribers fare who wait for three events, with a server that answers so.
    fn wait_for_three(answer: &str, then_closes: bool) -> Result<(), String> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let server = listener.local_addr().unwrap();
        let (crowd_is_there, crowd_is_gone) = mpsc::channel::<()>();
        thread::scope(|scope| {
            scope.spawn(move || {
                let mut clients: Vec<_> = listener.incoming().take(2).map(Result::unwrap).collect();
                for client in &mut clients {
                    client.read_exact(&mut [0; REQUEST.len()]).unwrap();
                    // It may be gone already, by an error of the other one.
                    let _ = client.write_all(answer.as_bytes());
                }
                if !then_closes {
                    crowd_is_gone.recv().unwrap_err();
                }
            });
            let outcome = Crowd::connect(server, 2).and_then(|mut crowd| crowd.wait_for(3));
            drop(crowd_is_there);
            outcome.map_err(|error| error.to_string())
        })
    }

    #[test]
    fn each_event_comes_once_and_in_order() {
        let [one, two, three] = events();
        let chunk = |event: &str| format!("{:x}\r\n{event}\r\n", event.len());
        for answer in [
            [HEAD, &one, &two, &three].concat(),
            [
                HEAD,
                "a\r\nid: e-0\n\n\r\n2\r\n:\n\r\n",
                &[one, two, three].map(|event| chunk(&event)).concat(),
            ]
            .concat(),
        ] {
            assert_eq!(wait_for_three(&answer, false), Ok(()), "{answer}");
        }
    }

    #[test]
    fn whatever_else_is_an_error() {
        let [one, two, three] = events();
        for (answer, expected) in [
            ([HEAD, &one, &three].concat(), "event 2 was to come"),
            ([HEAD, &one, &one, &two, &three].concat(), "event 2 was to come"),
            ([HEAD, &two, &three].concat(), "event 1 was to come"),
            ([HEAD, &one.replace("..\n", ".\n")].concat(), "event 1 was to come"),
            ([HEAD, &one, &two].concat(), "a connection was closed"),
            (HEAD.replace("200 OK", "503 Busy"), "503 Busy"),
        ] {
            let error = wait_for_three(&answer, true).unwrap_err();
            assert!(error.contains(expected), "{answer}: {error}");
        }
    }

    fn events() -> [String; 3] {
        let mut numbered = Numbered::default();
        [(); 3].map(|()| format!("id: 1\ndata: {}\n\n", numbered.next().unwrap()))
    }
}
