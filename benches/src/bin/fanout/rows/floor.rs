//! The least that a server could do: a loop that sends one prepared buffer to each socket.

use super::event::Numbered;
use super::{Outcome, control};
use eventsource_core::http::RESPONSE_HEAD;
use eventsource_core::{Event, Frame};
use nix::sys::epoll::{Epoll, EpollCreateFlags, EpollEvent, EpollFlags, EpollTimeout};
use std::fs::File;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{Ipv4Addr, TcpListener, TcpStream};

const INPUT: u64 = 0;
const LISTENER: u64 = 1;

pub(super) fn serve() -> Outcome {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
    let mut input = File::from(control::input()?);
    let ready = Epoll::new(EpollCreateFlags::empty())?;
    ready.add(&input, EpollEvent::new(EpollFlags::EPOLLIN, INPUT))?;
    ready.add(&listener, EpollEvent::new(EpollFlags::EPOLLIN, LISTENER))?;
    control::announce(listener.local_addr()?);

    let (mut clients, mut numbered) = (Vec::new(), Numbered::default());
    loop {
        let mut events = [EpollEvent::empty(); 2];
        let count = ready.wait(&mut events, EpollTimeout::NONE)?;
        for event in events.iter().take(count) {
            if event.data() == LISTENER {
                clients.push(answer(listener.accept()?.0)?);
                continue;
            }
            let mut bytes = [0; 64];
            let read = input.read(&mut bytes)?;
            if read == 0 {
                return Ok(());
            }
            control::publish_each(&bytes[..read], &mut numbered, |texts| {
                let frame: Frame = texts.iter().map(|text| Frame::from(Event::new(text))).collect();
                clients.iter_mut().try_for_each(|client| client.write_all(frame.as_bytes()))?;
                Ok(())
            })?;
        }
    }
}

/// Reads a client's request and lets it in.
fn answer(mut client: TcpStream) -> std::io::Result<TcpStream> {
    client.set_nodelay(true)?;
    for line in BufReader::new(&client).lines() {
        if line?.is_empty() {
            break;
        }
    }
    client.write_all(RESPONSE_HEAD.as_bytes())?;
    Ok(client)
}
